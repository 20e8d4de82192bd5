"""The usual mistake behind each refusal, and how it is mended: at the identity provider with the values to paste, or here.

Data, by code. `{name}` and the like stand for what this connection has there. Chosen by the longest dotted prefix, as
people's sentences are; none for a refusal that no setting of anybody's mends.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from vestibule.flows.inspection import Advice, Value
from vestibule.model.connection import Connection
from vestibule.upstream import saml as upstream

ACS: Final = "ACS URL (reply URL, single sign-on URL)"
AUDIENCE: Final = "Audience (entity id of the service provider, identifier)"
METADATA: Final = "Our metadata"
IDP: Final = "Entity id of the identity provider, as this connection has it"


class Hint(NamedTuple):
    """`paste` are the values to be put in at the identity provider, by the name that they go by there."""

    usual: str
    there: str
    here: str = ""
    paste: tuple[str, ...] = ()


_NOBODYS = "No setting here accepts it."
_WRAPPED = Hint(
    "No identity provider writes such a message. Something on the way changed it, or somebody is trying whether this is noticed.",
    "Record the login once more; if it comes again, ask who or what stands between the identity provider and the browser.",
    "Nothing is to be set here. Keep the file: it is evidence.",
)
_BEHIND = Hint(
    "The identity provider's clock goes ahead of this one's, or this one's is behind.",
    "Let it take its time from NTP.",
    "Let this machine take its time from NTP too. `clock_skew` of connection {name} is {clock_skew} s, and may be up to 300 s.",
)
_LATE = Hint(
    "The message came too late: the page was left open or gone back to, or the clocks differ.",
    "Let it take its time from NTP, and give assertions five minutes (not seconds) to live.",
    "Let this machine take its time from NTP too. `clock_skew` of connection {name} is {clock_skew} s, and may be up to 300 s.",
)
_ISSUED = Hint(
    "The message is old, or the clocks differ.",
    "Let it take its time from NTP, and make a message for each sign-in.",
    "Connection {name} takes messages of up to {max_assertion_age} s (`max_assertion_age`), give or take {clock_skew} s "
    "(`clock_skew`, up to 300 s).",
)
_ISSUER = Hint(
    "The entity id in this connection is another than the one that the identity provider signs with: a slash at the end, http for "
    "https, the id of another tenant, or one that was never filled in.",
    "Look up its entity id (issuer, in its metadata: entityID), and compare letter by letter.",
    "Set `idp.entity_id` of connection {name} to the one that it sends, if that is the right one; or read its metadata anew.",
    (IDP,),
)
_ADDRESS = Hint(
    "The reply URL that is set at the identity provider is not the address that the response was posted to.",
    "Set the reply URL to exactly this, with its query:",
    "`acs` of connection {name} chooses which of our three addresses is named in requests and metadata; all three are listened to, "
    "and a response must name the one that it is posted to.",
    (ACS,),
)
_SIGNATURE = Hint(
    "The signature is written in a way that no current SAML product writes by itself: another canonical form, further transforms, "
    "or a reference to something else than what is signed.",
    "Set signature options back to their defaults: enveloped signature, exclusive canonicalisation "
    "(http://www.w3.org/2001/10/xml-exc-c14n#), over the assertion or the response.",
    _NOBODYS,
)
_MARKUP = Hint(
    "The message holds markup that messages have no use for; a template with a comment in it, a debugging aid or a proxy put it there.",
    "Take comments, processing instructions and DOCTYPEs out of templates for tokens.",
    _NOBODYS,
)
_SHAPE = Hint(
    "The message has parts that SAML does not have there, or in another order: a template, a plug-in or another version of the protocol.",
    "Choose SAML 2.0, and its own template for tokens; one assertion a response.",
    _NOBODYS,
)
_POLICY = Hint(
    "What connection {name} says of unsolicited responses does not fit the application that they lead to, or what is allowed now.",
    "Nothing is wrong there.",
    "Change `idp_initiated` of connection {name} as the sentence above says; `vestibule apply` judges it as a whole.",
)

HINTS: Final[Mapping[str, Hint]] = {
    "connection.disabled": Hint(
        "Somebody switched this connection off.",
        "Nothing is wrong there.",
        "Set `enabled: true` for connection {name}.",
    ),
    "connection.not_enabled_for_application": Hint(
        "The application that the tile leads to is not in this connection's list.",
        "Nothing is wrong there.",
        "Add the application to `applications` of connection {name}.",
    ),
    "application": Hint(
        "The application that the tile leads to is switched off or gone.",
        "If the tile has a RelayState, compare it with the `routes` of the connection.",
        "Enable the application, or let `idp_initiated` of connection {name} name another.",
    ),
    "request": Hint(
        "The form was refused as a whole, before the response in it was looked at: a field came twice, it is not percent-encoded UTF-8, "
        "it is larger or has more fields than anybody needs, or it was sent as another media type. No browser posts such a form for the usual page of an identity provider.",
        "Let the page that posts the response hold the fields SAMLResponse and RelayState, each once, and let a browser encode them.",
        _NOBODYS,
        (ACS,),
    ),
    "saml.no_response": Hint(
        "What was posted is no SAML response by the POST binding.",
        "Set the binding of the assertion consumer service to HTTP-POST (not Artifact, not Redirect).",
        paste=(ACS,),
    ),
    "saml.base64": Hint(
        "The value was damaged: `+` turned into a space on the way (form encoding done once too little), or it was cut when it was copied.",
        "If it was sent like this, the page that posts the form does not percent-encode it; let a browser post the form.",
        "If it was copied, copy the whole value once more, or save a HAR file.",
    ),
    "saml.too_large": Hint(
        "Nearly always hundreds of groups.",
        "Send only the groups that matter to this application (Entra ID: groups assigned to the application).",
        "1 MiB is the bound, and no setting moves it.",
    ),
    "xml.too_large": Hint(
        "Nearly always hundreds of groups.", "Send only the groups that matter to this application.", _NOBODYS
    ),
    "xml.too_complex": Hint(
        "Nearly always hundreds of groups.", "Send only the groups that matter to this application.", _NOBODYS
    ),
    "xml.malformed": Hint(
        "The message was cut or changed on its way, or when it was copied.",
        "Record the login once more. If it is the same, a template for tokens holds an unescaped `&` or `<`.",
        _NOBODYS,
    ),
    "xml.encoding": Hint(
        "The message is not plain UTF-8.", "Set the encoding of tokens to UTF-8, without a byte order mark.", _NOBODYS
    ),
    "xml.doctype": _MARKUP,
    "xml.comment": _MARKUP,
    "xml.processing_instruction": _MARKUP,
    "xml.element_in_text": _MARKUP,
    "xml.relative_namespace": Hint(
        "A namespace in the message is a bare word instead of a whole URI: a template for tokens, or a plug-in that adds values, wrote it.",
        "Give every `xmlns` in the template a name that begins with a scheme, such as `urn:` or `https:`.",
        _NOBODYS,
    ),
    "saml.not_a_response": Hint(
        "It is another message than the answer to a sign-in: a request, a logout, WS-Federation or SAML 1.1.",
        "Choose SAML 2.0, and the assertion consumer service (not the logout address) as reply URL.",
        paste=(ACS,),
    ),
    "saml.shape": _SHAPE,
    "saml.version": _SHAPE,
    "saml.id": _SHAPE,
    "saml.unknown_condition": _SHAPE,
    "saml.issuer_format": _SHAPE,
    "saml.value_length": _SHAPE,
    "saml.one_assertion": Hint(
        "The response holds no assertion, or several; or one is hidden where nobody looks for it, as in an attack.",
        "One response is one sign-in: send one assertion in it.",
        _NOBODYS,
    ),
    "saml.stray_signature": _WRAPPED,
    "xml.duplicate_id": _WRAPPED,
    "xml.foreign_id": _WRAPPED,
    "saml.status": Hint(
        "The identity provider did not sign the person in, and says why in its status: the person is not assigned to this application, "
        "cancelled, or the request did not please it.",
        "Look into its sign-in log at the time of issue. RequestDenied or AuthnFailed: assign the person to the application. NoPassive: a "
        "silent login was asked for and there is no session. Requester: compare our entity id, reply URL and signing certificate there.",
        "If it refuses how we ask: `sign_requests` and `request_binding` of connection {name}.",
        (AUDIENCE, ACS, METADATA),
    ),
    "saml.status.InvalidNameIDPolicy": Hint(
        "The identity provider may not, or cannot, name this person to this application as it is set up there.",
        "Allow emailAddress or persistent as the NameID format of this application, and map it to a field that this person has.",
        "Nothing is to be set here: Vestibule asks for no format of its own.",
        (AUDIENCE, METADATA),
    ),
    "xml.encryption_algorithm": Hint(
        "The identity provider encrypts in an old way: 3DES, RSA 1.5 or AES-CBC.",
        "Set the algorithm for assertions of this service provider to AES-256-GCM (or AES-128-GCM), and that for the key to RSA-OAEP; or "
        "switch encryption off: the way through the browser is encrypted by TLS.",
        "If it has nothing better than AES-CBC, `allow_cbc_encryption` of connection {name} accepts that weaker choice; 3DES and RSA 1.5 "
        "are never accepted.",
        (METADATA,),
    ),
    "xml.encryption_no_key": Hint(
        "The message is encrypted for somebody else's key: this connection has never handed one out.",
        "Import our metadata, which holds the certificate to encrypt for; or switch encryption off.",
        "`vestibule keys list --connection {name}` shows the keys of this connection.",
        (METADATA,),
    ),
    "xml.encryption_shape": _SHAPE,
    "xml.decryption": Hint(
        "The message is encrypted for an old key of ours that was retired, or for another service provider's.",
        "Import our metadata again: it holds the certificate to encrypt for now.",
        "`vestibule keys list --connection {name}` shows which keys still open.",
        (METADATA,),
    ),
    "saml.unsigned": Hint(
        "Signing is off at the identity provider, or only its transport is protected.",
        "Switch on `sign assertion` (or `sign response`; both is fine), with SHA-256.",
        "Nothing can be set here: an unsigned login could be anybody's.",
    ),
    "xml.signature_missing": _SIGNATURE,
    "xml.signature_value": Hint(
        "The identity provider signs with another certificate than this connection has: it rolled over, or the certificate of "
        "another application or tenant was copied.",
        "Download the certificate that signs for this application now (or the metadata), and send it to us.",
        "Add it to `idp.certificates` of connection {name}, beside the old one until the change is over; or read the metadata anew.",
    ),
    "xml.signature_digest": Hint(
        "The message was changed after it was signed: a proxy or a plug-in that rewrites pages, somebody who tries, or a copy that was "
        "pretty-printed.",
        "Nothing is wrong there, if the file is what came. Let no filter touch the page that posts the response.",
        "Nothing is to be set here. If the file was copied from a viewer, save a HAR file instead: formatting breaks every signature.",
    ),
    "xml.signature_algorithm": Hint(
        "The identity provider signs with SHA-1 (or something older).",
        "Set the signature algorithm of this application to SHA-256 (http://www.w3.org/2001/04/xmldsig-more#rsa-sha256).",
        "Where it cannot, `allow_sha1_signatures` of connection {name} accepts SHA-1, a weaker choice.",
    ),
    "xml.signature": _SIGNATURE,
    "xml.certificate": Hint(
        "A certificate of this connection cannot be used: an RSA key of less than 2048 bits, or one of another kind.",
        "Make a new signing certificate: RSA with 2048 bits or more, or EC P-256.",
        "Then put the new one into `idp.certificates` of connection {name}.",
    ),
    "saml.response_issuer": _ISSUER,
    "saml.issuer": _ISSUER,
    "saml.destination": _ADDRESS,
    "saml.recipient": _ADDRESS,
    "saml.response_issue_instant": _ISSUED,
    "saml.issue_instant": _ISSUED,
    "saml.conditions": Hint(
        "The assertion carries no Conditions, so it is good for everybody and for ever.",
        "Set the audience of this application, and how long assertions live.",
        _NOBODYS,
        (AUDIENCE,),
    ),
    "saml.not_before": _BEHIND,
    "saml.authn_instant": _BEHIND,
    "saml.not_on_or_after": _LATE,
    "saml.confirmation_not_on_or_after": _LATE,
    "saml.session_not_on_or_after": Hint(
        "The session at the identity provider was over when it made the response, or the clocks differ.",
        "Look at the life time of its sessions, and let it take its time from NTP.",
        "`clock_skew` of connection {name} is {clock_skew} s, and may be up to 300 s.",
    ),
    "saml.window": Hint(
        "Assertions live for more than a day, or end before they begin.",
        "Set the life time of assertions to five minutes; an hour is plenty.",
        _NOBODYS,
    ),
    "saml.audience": Hint(
        "The audience that is set at the identity provider is not the entity id of this connection.",
        "Set the audience (identifier, entity id of the service provider) to exactly this:",
        "If the identity provider knows us under another name and cannot be changed, set `sp_entity_id` of connection {name} to that name.",
        (AUDIENCE,),
    ),
    "saml.subject_confirmation": Hint(
        "The subject is confirmed in another way than by who bears the message, or without its data.",
        "Use the profile for web browsers, and set the reply URL: from it the recipient is made.",
        _NOBODYS,
        (ACS,),
    ),
    "saml.confirmation_not_before": Hint(
        "The bearer confirmation carries a NotBefore, which SAML forbids there.",
        "Use the product's own template for tokens; NotBefore belongs to Conditions.",
        _NOBODYS,
    ),
    "saml.authn_statement": Hint(
        "The assertion does not say how and when the person signed in: an attribute query's answer, or a template without it.",
        "Let the token hold an AuthnStatement with an AuthnContext.",
        _NOBODYS,
    ),
    "saml.name_id": Hint(
        "No NameID is sent, or the field that it is taken from is empty for this person.",
        "Map the NameID (Unique User Identifier) to a field that everybody has and that never changes.",
        "Or let an attribute name the person: `subject_attribute` of connection {name}.",
    ),
    "saml.transient_name_id": Hint(
        "The NameID is made anew at every sign-in, so that it cannot say who came back.",
        "Set the NameID format to persistent (urn:oasis:names:tc:SAML:2.0:nameid-format:persistent), or to emailAddress.",
        "Or let an attribute that stays name the person: `subject_attribute` of connection {name}.",
    ),
    "saml.attributes": Hint(
        "Nearly always hundreds of groups.", "Send only the groups that matter to this application.", _NOBODYS
    ),
    "saml.in_response_to": Hint(
        "The response says in two places that it answers two requests, or in one of them none.",
        "A plug-in or template sets InResponseTo by hand: let the product set it.",
        _NOBODYS,
    ),
    "login.unknown_request": Hint(
        "An unsolicited response with a made-up InResponseTo, or the answer to a login of another installation or of another day.",
        "Leave InResponseTo out where there was no request.",
        "If the identity provider cannot: `ignore_unknown_in_response_to` of connection {name} takes such a response for a tile's, and "
        "restarts the login.",
    ),
    "login.expired_or_used": Hint(
        "The answer came twice (back button, reload), or the sign-in took longer than a login waits.",
        "If it takes long every time, see what it waits for.",
        "Start the login again. VESTIBULE_LOGIN_TTL is how long a login waits.",
    ),
    "login.other_connection": Hint(
        "The response answers a request that went out for another connection, or that asked for another address.",
        "Two applications there post to one reply URL: give each its own.",
        "Inspect it with the connection that it was meant for; and compare `acs` of connection {name}.",
        (ACS,),
    ),
    "login.other_host": Hint(
        "The reply URL has another host name than the one that logins start at.",
        "Set the reply URL to exactly this:",
        paste=(ACS,),
    ),
    "login.other_browser": Hint(
        "The login was started in another browser, in a private window, or its cookies were cleared or blocked.",
        "Nothing is wrong there.",
        "Start again in one browser, under one host name.",
    ),
    "idp_initiated.disabled": Hint(
        "A tile was clicked, and connection {name} takes no unsolicited responses; or the identity provider forgets InResponseTo.",
        "If it was no tile: let the product set InResponseTo. Or make the tile a bookmark of /launch, which needs no SAML.",
        "Set `idp_initiated.enabled: true` for connection {name}.",
    ),
    "idp_initiated.unknown_relay_state": Hint(
        "The RelayState of the tile is none of this connection's routes.",
        "Set the RelayState (start URL parameter, default relay state) of the tile to one of the aliases, or empty it.",
        "Or add it to `idp_initiated.routes` of connection {name}.",
    ),
    "idp_initiated": _POLICY,
    "identity.subject_attribute": Hint(
        "The attribute that names the person is not sent, or with several values.",
        "Send the attribute {subject_attribute} with one value, for everybody.",
        "Or name another in `subject_attribute` of connection {name}.",
    ),
    "rehearsal": Hint(
        "It answers a test sign-in that is over: its link works once, and for ten minutes.",
        "Nothing is wrong there.",
        "Start `vestibule test {name}` again.",
    ),
    "saml.before_restore": Hint(
        "It is older than the moment at which this database was put back from a copy, or not younger by more than clock_skew. "
        "Whether it was used between the copy and then is not known.",
        "Nothing is wrong there.",
        "Sign in once more.",
    ),
    "saml.replayed": Hint(
        "This assertion was used already: the very one of a login that worked, or one that was posted twice (reload, back button).",
        "Nothing is wrong there.",
        "Sign in once more; each assertion is good for one login. If this is the one that worked, all is well.",
    ),
}


def hint(code: str) -> Hint | None:
    """The hint for `code`, or for the nearest that it begins with; none where there is nothing to mend."""
    while code and code not in HINTS:
        head, _, _ = code.rpartition("_" if "_" in code.rpartition(".")[2] else ".")
        code = head
    return HINTS.get(code)


def advice(code: str, connection: Connection, issuer: str, *, like: str | None = None) -> Advice | None:
    """The hint with the values of this connection; `like` is the code that is looked up, where another one's fits better."""
    found = hint(like or code)
    if found is None:
        return None
    words = {
        "name": connection.name,
        "clock_skew": connection.clock_skew,
        "max_assertion_age": connection.max_assertion_age,
        "subject_attribute": connection.subject_attribute or "",
    }
    values = {
        ACS: upstream.acs_url(connection, issuer),
        AUDIENCE: upstream.sp_entity_id(connection, issuer),
        METADATA: upstream.metadata_url(connection, issuer),
        IDP: connection.idp.entity_id,
    }
    return Advice(
        code=code,
        usual=found.usual.format_map(words),
        there=found.there.format_map(words),
        here=found.here.format_map(words),
        paste=tuple(Value(name=name, value=values[name]) for name in found.paste),
    )
