"""Valid signed Responses in great variety: document k of seed s is the same document whenever and wherever it is made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from lxml import etree

from fuzz import encrypting, keys, signers
from fuzz.shapes import SHAPES, Shape
from fuzz.writing import Element, Habits, Writer
from vestibule.saml.names import (
    ASSERTION,
    BEARER,
    FORMAT_EMAIL,
    FORMAT_ENTITY,
    FORMAT_PERSISTENT,
    FORMAT_TRANSIENT,
    FORMAT_UNSPECIFIED,
    PROTOCOL,
    SUCCESS,
    XMLSCHEMA,
    XMLSCHEMA_INSTANCE,
)

IDP = "https://idp.acme.example/saml"
SP = "https://login.vestibule.example/saml/metadata/acme"
ACS = "https://login.vestibule.example/login/callback?connection=acme"
INSTANT = "2026-03-04T12:00:00Z"
ENDS = "2026-03-04T12:05:00Z"

ENCRYPTED = 0.12
"""This part of the documents is encrypted for us: the assertion, or the name or attributes in it, or both."""
_RESPONSE_SLOT, _ASSERTION_SLOT = "\ue000R\ue001", "\ue000A\ue001"
_PEOPLE = (
    "ada@acme.example",
    "grace.hopper@acme.example",
    "admin@acme.example",
    "o'neill&sons@acme.example",
    "<b>@acme.example",
    "ACME\\ada",
    "李小龍@例子.example",
    "👩‍💻@acme.example",
    "e\u0301mile@acme.example",
    "émile@acme.example",
    "\u202eevil@acme.example",
    "أحمد@acme.example",
    "_3f7b3dcf-1674-4ecd-92c8-1544f346baf8",
    "  ada ",
    "ada\tacme",
    "ada\nacme",
    "ada\r\nacme",
    "uid=ada,ou=people,dc=acme,dc=example",
    "a]]b>c",
    "",
)
_VALUES = (
    *_PEOPLE,
    "staff",
    "engineering",
    "cn=admins,ou=groups,dc=acme,dc=example",
    "true",
    "1",
    "x" * 3000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u0000".replace("\u0000", "\ufeff") + "bom",
    "line one\nline two",
    "&amp;#x41;",
)
_FORMATS = (FORMAT_EMAIL, FORMAT_PERSISTENT, FORMAT_TRANSIENT, FORMAT_UNSPECIFIED, FORMAT_ENTITY, None)
_FOREIGN = ("urn:example:foreign", "http://schemas.example/ws/2026", "urn:x", "https://x.example/#y")
_ODD_PREFIXES = ("a", "_", "xmlish", "Saml", "saml.2", "s-aml", "ünïcode", "n0", "x" * 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Valid:
    """A valid signed Response, and how it came to be. `key`: the name of the key pair that signed it.

    `plain`: the same message unsigned and unencrypted. `encrypted`: what of it is encrypted in `octets`, each with how.
    """

    octets: bytes
    shape: str
    signer: str
    mode: str
    method: str
    key: str
    plain: bytes
    encrypted: tuple[str, ...] = ()


def valid(rng: Random, *, key: str | None = None) -> Valid:
    """The next valid Response of `rng`; `key` for one that the same identity provider signed as another."""
    shape = rng.choice(SHAPES)
    key = key or rng.choice(keys.NAMES)
    mode = rng.choice(shape.signs) if rng.random() < 0.8 else rng.choice(("assertion", "response", "both"))
    signer = rng.choice(signers.SIGNERS)
    method = signers.draw_method(rng, key, signer)
    writer = _writer(rng, shape)
    message = _Message(rng=rng, shape=shape, writer=writer)
    text = shape.declaration * (rng.random() < 0.8) + writer.text(message.response(mode)) + rng.choice(["", "", "\n"])
    plain = signers.without_slots(text)
    sealed = _Sealing(rng=rng, drawn=rng.choice(_SEALED) if rng.random() < ENCRYPTED else ())
    text = sealed.parts(text)
    how = signers.How(
        signer=signer,
        method=method,
        digest=signers.draw_digest(rng, method, signer),
        prefix=shape.signature_prefix,
        prefix_list=_prefix_list(rng, shape, writer),
        for_signed_info=rng.random() < 0.5,
        key_info=shape.key_info if rng.random() < 0.8 else (),
        tidy=rng.random() < 0.7,
        line_end=shape.wrapped_base64,
    )
    if mode in ("assertion", "both"):
        text = signers.signed(text, _ASSERTION_SLOT, keys.pair(key), how, rng, inner=True)
    text = sealed.assertion(text, covered=mode == "response")
    if mode in ("response", "both"):
        outer = how if rng.random() < 0.7 else replace(how, prefix_list=_prefix_list(rng, shape, writer))
        text = signers.signed(text, _RESPONSE_SLOT, keys.pair(key), outer, rng, inner=False)
    return Valid(
        octets=signers.without_slots(text).encode(),
        shape=shape.name,
        signer=signer,
        mode=mode,
        method=method,
        key=key,
        plain=plain.encode(),
        encrypted=tuple(sealed.done),
    )


_SEALED = (("Assertion",),) * 6 + (
    ("NameID",),
    ("Attribute",),
    ("NameID", "Attribute"),
    ("Assertion", "NameID", "Attribute"),
)


@dataclass(slots=True, kw_only=True)
class _Sealing:
    """Encrypts what is `drawn`: parts of an assertion before it is signed, the assertion after it is [SAMLCore 6.2]."""

    rng: Random
    drawn: tuple[str, ...]
    done: list[str] = field(default_factory=list)

    def parts(self, text: str) -> str:
        for local in self.drawn:
            if local != "Assertion":
                # A signature covers the holder alone: the parser of what it covers sees no prefix but those used there.
                text = self._concealed(text, local, covered=True)
        return text

    def assertion(self, text: str, *, covered: bool) -> str:
        return self._concealed(text, "Assertion", covered=covered) if "Assertion" in self.drawn else text

    def _concealed(self, text: str, local: str, *, covered: bool) -> str:
        """Some marked attributes, or all else that is marked so."""
        start, end = f"\ue000[{local}\ue001", f"\ue000]{local}\ue001"
        at = text.find(start)
        while at >= 0:
            behind = text.index(end, at)
            if local != "Attribute" or self.rng.random() < 0.5:
                secret = encrypting.draw(self.rng)
                piece = signers.without_slots(text[at + len(start) : behind])
                scope = _scope(text[:at], text[behind + len(end) :])
                written = encrypting.concealed(piece, local, scope, secret, covered=covered)
                self.done.append(f"{local}: {secret.about}")
                text = text[:at] + written + text[behind + len(end) :]
            at = text.find(start, at + 1)
        return text


def _scope(before: str, behind: str) -> Mapping[str | None, str]:
    """What is declared between two halves of a document."""
    root = etree.fromstring(signers.without_slots(f"{before}<here/>{behind}").encode())
    return next(root.iter("{*}here")).getparent().nsmap


def _writer(rng: Random, shape: Shape) -> Writer:
    """The shape's own style in half of the documents; in the others some of it is turned into something unusual."""
    prefixes = dict(shape.prefixes)
    if rng.random() < 0.5:
        habits = Habits(indent=shape.indent)
    else:
        habits = Habits(
            references=rng.choice((0, 0, 0.02, 0.3)),
            cdata=rng.choice((0, 0, 0.3)),
            single_quotes=rng.choice((0, 0.5, 1)),
            spaced_tags=rng.choice((0, 0, 0.3)),
            declares_again=rng.choice((0, 0.1, 0.5)),
            other_prefix=rng.choice((0, 0, 0.15)),
            shuffles=rng.choice((0, 0.5)),
            long_empty=rng.random(),
            indent=rng.choice((None, "", " ", "\t", "\t  ")),
        )
        if rng.random() < 0.4:
            odd = rng.sample(_ODD_PREFIXES, len(prefixes))
            prefixes = {
                namespace: prefix if rng.random() < 0.5 else odd.pop() for namespace, prefix in prefixes.items()
            }
        if rng.random() < 0.25:
            # One vocabulary takes the default namespace, whatever the shape gave it; attributes cannot.
            which = rng.choice((PROTOCOL, ASSERTION))
            prefixes = {name: prefix or "saml" for name, prefix in prefixes.items()} | {which: ""}
    return Writer(rng=rng, prefixes=prefixes, habits=habits, xs=XMLSCHEMA, xsi=XMLSCHEMA_INSTANCE)


def _prefix_list(rng: Random, shape: Shape, writer: Writer) -> str | None:
    """PrefixLists as written: the shape's own, or some prefixes of the document, unknown ones and `#default` too."""
    if rng.random() < 0.7:
        own = " ".join(writer.prefixes[namespace] or "#default" for namespace in shape.prefix_list)
        return own or None
    known = [prefix or "#default" for prefix in writer.prefixes.values()]
    chosen = rng.sample([*known, "#default", "nobody"], rng.randint(1, 4))
    return " ".join(dict.fromkeys(chosen))


@dataclass(slots=True, kw_only=True)
class _Message:
    """What is said in one document: drawn, not checked, since each verifier is to read it for itself."""

    rng: Random
    shape: Shape
    writer: Writer

    def _identifier(self) -> str:
        start = self.rng.choice(("_", "id", "pfx", "ONELOGIN_", "é"))
        return f"{start}{self.rng.getrandbits(64):x}"

    def response(self, mode: str) -> Element:
        rng, shape = self.rng, self.shape
        request = f"_{rng.getrandbits(64):x}" if rng.random() < 0.6 else None
        given = {
            "ID": self._identifier(),
            "Version": "2.0",
            "IssueInstant": INSTANT,
            "Destination": ACS if shape.destination and rng.random() < 0.9 else None,
            "InResponseTo": request,
            "Consent": "urn:oasis:names:tc:SAML:2.0:consent:unspecified" if shape.consent else None,
        }
        content: list[Element | str] = [self._issuer()]
        content.append(_element(PROTOCOL, "Status", [_element(PROTOCOL, "StatusCode", [], Value=SUCCESS)]))
        if rng.random() < 0.05:
            content.insert(1, _element(PROTOCOL, "Extensions", [self._foreign()]))
        content.append(self.assertion(request))
        root = _element(PROTOCOL, "Response", content, **{name: given[name] for name in shape.order if name in given})
        root.declares = shape.high
        root.slot = _RESPONSE_SLOT
        return root

    def assertion(self, request: str | None) -> Element:
        rng = self.rng
        content: list[Element | str] = [self._issuer(), self._subject(request), self._conditions()]
        if rng.random() < 0.06:
            content.append(_element(ASSERTION, "Advice", [self._advice()]))
        content.append(self._authn_statement())
        statements = 0 if rng.random() < 0.05 else rng.choice((1, 1, 1, 1, 2, 3))
        content.extend(self._attributes() for _ in range(statements))
        if rng.random() < 0.3:
            content[-statements - 1 :] = rng.sample(content[-statements - 1 :], statements + 1)
        given = {"ID": self._identifier(), "Version": "2.0", "IssueInstant": INSTANT}
        order = [name for name in self.shape.order if name in given]
        element = _element(ASSERTION, "Assertion", content, **{name: given[name] for name in order})
        element.declares = self.shape.assertion_declares
        element.slot = _ASSERTION_SLOT
        element.mark = "Assertion"
        return element

    def _issuer(self) -> Element:
        issuer = (
            IDP
            if self.rng.random() < 0.9
            else self.rng.choice(("urn:acme:idp", f" {IDP}\n", "https://idp.example/?a=1&b=2"))
        )
        return _element(ASSERTION, "Issuer", [issuer], Format=FORMAT_ENTITY if self.shape.issuer_format else None)

    def _subject(self, request: str | None) -> Element:
        rng = self.rng
        data = _element(
            ASSERTION,
            "SubjectConfirmationData",
            [self._foreign()] if rng.random() < 0.03 else [],
            **self._shuffled(
                NotOnOrAfter=ENDS,
                Recipient=ACS,
                InResponseTo=request,
                Address="192.0.2.7" if rng.random() < 0.1 else None,
            ),
        )
        content: list[Element | str] = [] if rng.random() < 0.04 else [self._name_id()]
        for name in content:
            name.mark = "NameID"
        content.append(_element(ASSERTION, "SubjectConfirmation", [data], Method=BEARER))
        if rng.random() < 0.1:
            content.append(
                _element(ASSERTION, "SubjectConfirmation", [], Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches")
            )
        return _element(ASSERTION, "Subject", content)

    def _name_id(self) -> Element:
        rng = self.rng
        given = {"Format": rng.choice(_FORMATS)}
        if self.shape.qualifiers or rng.random() < 0.2:
            given |= {"NameQualifier": rng.choice((IDP, "a\tb", "", None)), "SPNameQualifier": rng.choice((SP, None))}
        name = _element(ASSERTION, "NameID", [rng.choice(_PEOPLE)], **self._shuffled(**given))
        if rng.random() < 0.05:
            name.attributes.append(((rng.choice(_FOREIGN[:2]), "Format"), "urn:evil"))
        return name

    def _conditions(self) -> Element:
        rng = self.rng
        audiences: list[Element | str] = [_element(ASSERTION, "Audience", [SP])]
        if rng.random() < 0.1:
            audiences.append(_element(ASSERTION, "Audience", ["urn:other"]))
        content: list[Element | str] = [_element(ASSERTION, "AudienceRestriction", audiences)]
        if rng.random() < 0.1:
            content.append(_element(ASSERTION, rng.choice(("OneTimeUse", "ProxyRestriction")), []))
        return _element(ASSERTION, "Conditions", content, **self._shuffled(NotBefore=INSTANT, NotOnOrAfter=ENDS))

    def _authn_statement(self) -> Element:
        rng = self.rng
        reference = _element(ASSERTION, "AuthnContextClassRef", ["urn:oasis:names:tc:SAML:2.0:ac:classes:Password"])
        content: list[Element | str] = [reference]
        if rng.random() < 0.1:
            content.append(_element(ASSERTION, "AuthenticatingAuthority", [IDP]))
        context: list[Element | str] = [_element(ASSERTION, "AuthnContext", content)]
        if rng.random() < 0.1:
            context.insert(0, _element(ASSERTION, "SubjectLocality", [], Address="192.0.2.7"))
        session = self._identifier() if rng.random() < 0.9 else None
        given = self._shuffled(AuthnInstant=INSTANT, SessionIndex=session, SessionNotOnOrAfter=rng.choice((ENDS, None)))
        return _element(ASSERTION, "AuthnStatement", context, **given)

    def _attributes(self) -> Element:
        rng = self.rng
        names = rng.sample(self.shape.attribute_names, rng.randint(1, len(self.shape.attribute_names)))
        if self.shape.repeats_names or rng.random() < 0.1:
            names += rng.choices(names, k=2)
        return _element(ASSERTION, "AttributeStatement", [self._attribute(name) for name in names])

    def _attribute(self, name: str) -> Element:
        rng, shape = self.rng, self.shape
        given = {"Name": name, "NameFormat": shape.name_format, "FriendlyName": "mail" if shape.friendly else None}
        values: list[Element | str] = [self._value() for _ in range(rng.choice((1, 1, 1, 2, 5, 0)))]
        attribute = _element(ASSERTION, "Attribute", values, **self._shuffled(**given))
        attribute.mark = "Attribute"
        if rng.random() < 0.05:
            foreign = rng.choice(((_FOREIGN[0], "ID"), (_FOREIGN[1], "OriginalIssuer"), (_FOREIGN[0], "Name")))
            if foreign[1] != "ID":  # an identifier in a namespace is refused by rule; the mutators make some
                attribute.attributes.append((foreign, "urn:foreign"))
        return attribute

    def _value(self) -> Element:
        rng = self.rng
        kind = rng.choice(self.shape.types) if rng.random() < 0.9 else rng.choice((None, "string", "anyType"))
        drawn = rng.random()
        if drawn < 0.03:
            value = _element(ASSERTION, "AttributeValue", [])
            value.attributes.append(((XMLSCHEMA_INSTANCE, "nil"), rng.choice(("true", "1", "false"))))
            return value
        if drawn < 0.06:
            return _element(ASSERTION, "AttributeValue", [self._name_id()])
        if drawn < 0.09:
            return _element(ASSERTION, "AttributeValue", [self._foreign()])
        value = _element(ASSERTION, "AttributeValue", [rng.choice(_VALUES)])
        value.type_name = kind
        return value

    def _foreign(self) -> Element:
        """Another vocabulary's element, with an identifier of its own."""
        rng = self.rng
        inside = _element(rng.choice((*_FOREIGN, None)), rng.choice(("NameID", "Value", "x")), ["foreign"])
        identifier = {rng.choice(("ID", "Id", "id", "AssertionID")): self._identifier()}
        element = _element(rng.choice((*_FOREIGN, None)), "Thing", ["text", inside, " "], **identifier)
        element.mixed = True
        return element

    def _advice(self) -> Element:
        """Evidence as somebody else stated it [SAMLCore 2.6.1]; or a mere reference to it."""
        if self.rng.random() < 0.5:
            return _element(ASSERTION, "AssertionIDRef", [self._identifier()])
        subject = _element(ASSERTION, "Subject", [_element(ASSERTION, "NameID", ["mallory@evil.example"])])
        content = [_element(ASSERTION, "Issuer", ["https://elsewhere.example/"]), subject]
        given = {"ID": self._identifier(), "Version": "2.0", "IssueInstant": INSTANT}
        return _element(ASSERTION, "Assertion", content, **given)

    def _shuffled(self, **given: str | None) -> dict[str, str | None]:
        pairs = list(given.items())
        if self.rng.random() < 0.3:
            self.rng.shuffle(pairs)
        return dict(pairs)


def _element(
    namespace: str | None, local: str, content: "Iterable[Element | str]", **attributes: str | None
) -> Element:
    given = [((None, name), value) for name, value in attributes.items() if value is not None]
    return Element(name=(namespace, local), attributes=list(given), content=list(content))
