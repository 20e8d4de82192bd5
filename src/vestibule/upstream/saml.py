"""SAML 2.0 upstream [SAMLProf 4.1]: our addresses as a service provider, our requests, and their statements in our words."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import quote

from vestibule.ground.errors import Refused
from vestibule.ground.remembered import Remembered
from vestibule.ground.url import with_query
from vestibule.model.answer import FormPost, Redirect
from vestibule.model.authentication import Authentication, Subject
from vestibule.model.connection import AcsStyle, Connection, RequestBinding
from vestibule.saml import names
from vestibule.saml.bindings import post_fields, redirect_url
from vestibule.saml.checks import Expectation, ValidAssertion
from vestibule.saml.request import authn_request as request_document
from vestibule.saml.request import signed_request
from vestibule.xml.signature import PrivateKey, algorithm, sign_octets

Signer = tuple[PrivateKey, str]
"""Our signing key and its certificate as PEM."""


# -- addresses [house rule]; `issuer` ends with a slash --------------------------------------------------------------------


_addresses: Final = Remembered[Mapping[str, str]]()
_expected: Final = Remembered[Expectation]()


def acs_urls(connection: Connection, issuer: str) -> Mapping[str, str]:
    """The three addresses of one endpoint, by the name of their style."""
    return _addresses.get(lambda: _acs_urls(connection, issuer), connection, names=(issuer,))


def _acs_urls(connection: Connection, issuer: str) -> Mapping[str, str]:
    return {
        AcsStyle.CALLBACK: with_query(f"{issuer}login/callback", {"connection": connection.name}),
        AcsStyle.PATH: f"{issuer}saml/acs/{_segment(connection.name)}",
        AcsStyle.LOGTO: f"{issuer}api/authn/single-sign-on/saml/{_segment(connection.id)}",
    }


def acs_url(connection: Connection, issuer: str) -> str:
    """The one that our requests name, and that comes first in our metadata."""
    return acs_urls(connection, issuer)[connection.acs]


def sp_entity_id(connection: Connection, issuer: str) -> str:
    """Who we are to this identity provider: where our metadata is, unless it knows us by another name."""
    return connection.sp_entity_id or metadata_url(connection, issuer)


def metadata_url(connection: Connection, issuer: str) -> str:
    """Where our metadata for this connection is."""
    return f"{issuer}saml/metadata/{_segment(connection.name)}"


def _segment(name: str) -> str:
    return quote(name, safe="")


# -- in -------------------------------------------------------------------------------------------------------------------


def expectation(connection: Connection, acs_url: str, issuer_url: str) -> Expectation:
    """What a response posted to `acs_url` must say. Recipient and Destination are the address it was posted to."""
    return _expected.get(lambda: _expectation(connection, acs_url, issuer_url), connection, names=(acs_url, issuer_url))


def _expectation(connection: Connection, acs_url: str, issuer_url: str) -> Expectation:
    return Expectation(
        idp_entity_id=connection.idp.entity_id,
        sp_entity_id=sp_entity_id(connection, issuer_url),
        acs_url=acs_url,
        clock_skew=timedelta(seconds=connection.clock_skew),
        max_assertion_age=timedelta(seconds=connection.max_assertion_age),
        name_id_required=connection.subject_attribute is None,
    )


def translate(valid: ValidAssertion, connection: Connection) -> Authentication:
    """A valid assertion in nobody's protocol; the NameID with all that qualifies it, byte for byte [SAMLCore 2.2.2]."""
    return Authentication(
        connection=connection.id,
        issuer=valid.issuer,
        assertion_id=valid.assertion_id,
        subject=Subject(
            value=valid.name_id,
            format=valid.name_id_format,
            name_qualifier=valid.name_qualifier,
            sp_name_qualifier=valid.sp_name_qualifier,
        ),
        transient=valid.name_id_format == names.FORMAT_TRANSIENT,
        attributes=valid.attributes,
        authenticated_at=valid.authn_instant,
        context_class=valid.authn_context_class,
        session_index=valid.session_index,
        ends_at=valid.session_not_on_or_after,
        in_response_to=valid.in_response_to,
        usable_until=valid.usable_until,
        remember_until=valid.remember_until,
    )


# -- out ------------------------------------------------------------------------------------------------------------------


def authn_request(
    connection: Connection,
    issuer: str,
    *,
    id: str,
    now: datetime,
    force_authn: bool = False,
    subject_hint: str | None = None,
    relay_state: str | None = None,
    signer: Signer | None = None,
) -> Redirect | FormPost:
    """An AuthnRequest on its way to the identity provider [SAMLProf 4.1.4.1], by the connection's binding.

    `subject_hint` is an email address that somebody typed: a wish, which the answer need not honour.
    """
    destination, is_post = _destination(connection)
    document = request_document(
        id=id,
        issue_instant=now,
        issuer=sp_entity_id(connection, issuer),
        destination=destination,
        acs_url=acs_url(connection, issuer),
        force_authn=force_authn,
        subject=None if subject_hint is None else (subject_hint, names.FORMAT_EMAIL),
    )
    if is_post:
        if signer is not None:
            document = signed_request(document, key=signer[0], certificate_pem=signer[1])
        return FormPost(url=destination, fields=post_fields("SAMLRequest", document, relay_state))
    url = redirect_url(
        destination,
        parameter="SAMLRequest",
        message=document,
        relay_state=relay_state,
        sign=None if signer is None else partial(sign_octets, key=signer[0]),
        algorithm=None if signer is None else algorithm(signer[0]),
    )
    return Redirect(url=url)


def _destination(connection: Connection) -> tuple[str, bool]:
    """Where the request goes, and whether by POST: as configured, or the way that is left where only one is known."""
    idp = connection.idp
    if connection.request_binding is RequestBinding.POST or idp.sso_url is None:
        url, is_post = idp.sso_post_url or idp.sso_url, True
    else:
        url, is_post = idp.sso_url, False
    if url is None:
        raise Refused(
            "connection.no_sso_url",
            f"Connection {connection.name!r} has no sign-on URL, so nobody can be sent to its identity provider: set"
            " `idp.sso_url`.",
        )
    return url, is_post
