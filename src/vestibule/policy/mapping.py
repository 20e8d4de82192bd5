"""Who somebody is for us: an Authentication becomes an Identity [house rule]."""

from collections.abc import Mapping
from dataclasses import replace

from vestibule.ground.errors import Refused
from vestibule.ground.hashing import keyed
from vestibule.model.authentication import Authentication
from vestibule.model.connection import Connection
from vestibule.model.identity import Claim, Identity
from vestibule.model.ids import IdentityKey
from vestibule.policy.domains import domain_of, held, is_verified

RESERVED_CLAIMS = frozenset(
    {
        *("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "azp", "nonce", "sid", "auth_time", "acr", "amr"),
        *("at_hash", "c_hash", "s_hash", "act", "may_act", "cnf", "client_id", "scope", "events", "sub_jwk", "typ"),
        *("connection", "connection_id", "email_verified", "phone_number_verified", "updated_at"),
    }
)
"""Claims that we say ourselves, or that a receiver takes for a statement of ours: no attribute can be mapped to one."""

_XMLSOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_MICROSOFT = "http://schemas.microsoft.com/"
_MACE = "urn:mace:dir:attribute-def:"

DEFAULT_MAPPING: Mapping[str, tuple[str, ...]] = {
    "email": (
        f"{_XMLSOAP}emailaddress",
        "urn:oid:0.9.2342.19200300.100.1.3",
        "email",
        "mail",
        "emailAddress",
        f"{_MACE}mail",
    ),
    "name": (
        f"{_MICROSOFT}identity/claims/displayname",
        "urn:oid:2.16.840.1.113730.3.1.241",
        "displayName",
        "name",
        "urn:oid:2.5.4.3",
        "cn",
        f"{_XMLSOAP}name",
        f"{_MACE}displayName",
        f"{_MACE}cn",
    ),
    "given_name": (
        f"{_XMLSOAP}givenname",
        "urn:oid:2.5.4.42",
        "given_name",
        "givenName",
        "firstName",
        f"{_MACE}givenName",
    ),
    "family_name": (f"{_XMLSOAP}surname", "urn:oid:2.5.4.4", "family_name", "sn", "surname", "lastName", f"{_MACE}sn"),
    "preferred_username": (
        f"{_XMLSOAP}upn",
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
        "urn:oid:0.9.2342.19200300.100.1.1",
        "preferred_username",
        "eduPersonPrincipalName",
        "uid",
        f"{_MACE}eduPersonPrincipalName",
        f"{_MACE}uid",
    ),
    "groups": (
        f"{_MICROSOFT}ws/2008/06/identity/claims/groups",
        "http://schemas.xmlsoap.org/claims/Group",
        "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
        "groups",
        "memberOf",
        "isMemberOf",
        f"{_MACE}isMemberOf",
    ),
}
"""Claim <- attribute names, the first that is present wins: Microsoft's and xmlsoap's, LDAP's object ids, plain names."""

_SINGLE_CLAIMS = frozenset(
    {
        *("email", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile"),
        *("picture", "website", "gender", "birthdate", "zoneinfo", "locale", "phone_number"),
    }
)
"""Claims that are one string by definition [OIDC Core 5.1]: of several values the first is taken."""

_LIST_CLAIMS = frozenset({"groups"})
"""Claims that are a list even of one, so that an application never meets two types."""

_AMR: Mapping[str, tuple[str, ...]] = {
    "urn:oasis:names:tc:SAML:2.0:ac:classes:Password": ("pwd",),
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport": ("pwd",),
    "urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard": ("sc",),
    "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI": ("sc",),
    "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken": ("otp",),
    "urn:federation:authentication:windows": ("wia",),
    "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract": ("mfa",),
    "https://refeds.org/profile/mfa": ("mfa",),
    "http://schemas.microsoft.com/claims/multipleauthn": ("mfa",),
}
"""Authentication context classes as authentication methods [RFC 8176 2]. What is not here says nothing."""

_LONGEST_DISPLAY = 128


def identify(authentication: Authentication, connection: Connection, pepper: bytes) -> Identity:
    """Who this authentication is about. Raises where the statement holds no lasting key of a person."""
    subject = _subject(authentication, connection)
    claims = _mapped(authentication.attributes, connection)
    asserted = claims.pop("email", None)
    email, verified = _believable(asserted, connection) if isinstance(asserted, str) else (None, False)
    if email is not None:
        claims |= {"email": email, "email_verified": verified}
    return Identity(
        connection=connection.id,
        connection_name=connection.name,
        key=_key(subject, authentication, connection, pepper),
        display=_display(email if email is not None and verified else subject),
        claims=claims,
        email=email,
        email_verified=verified,
        authenticated_at=authentication.authenticated_at,
        acr=authentication.context_class,
        amr=_AMR.get(authentication.context_class or "", ()),
        ends_at=authentication.ends_at,
        session_index=authentication.session_index,
    )


def as_of_now(identity: Identity, connection: Connection) -> Identity:
    """An identity that was kept, with what its connection still vouches for: a domain may have been taken from it since."""
    if identity.email_verified and not is_verified(connection, identity.email):
        return replace(identity, email_verified=False)
    return identity


def subject_key(authentication: Authentication, connection: Connection, pepper: bytes) -> IdentityKey:
    """Connection + NameID + Format + qualifiers, byte for byte [SAMLCore 2.2.2], or connection + `subject_attribute`."""
    return _key(_subject(authentication, connection), authentication, connection, pepper)


def _key(value: str, authentication: Authentication, connection: Connection, pepper: bytes) -> IdentityKey:
    if connection.subject_attribute is not None:
        return IdentityKey(keyed(pepper, "attribute", connection.id, connection.subject_attribute, value))
    subject = authentication.subject
    return IdentityKey(
        keyed(
            pepper,
            "name_id",
            connection.id,
            value,
            subject.format,
            subject.name_qualifier,
            subject.sp_name_qualifier,
        )
    )


def _subject(authentication: Authentication, connection: Connection) -> str:
    """The value that names the person at this connection: the NameID, or the one value of `subject_attribute`."""
    name = connection.subject_attribute
    if name is None:
        if authentication.transient:
            raise Refused(
                "saml.transient_name_id",
                "The NameID is transient, another one at every sign-in, and cannot name a person [SAMLCore 8.3.8]. Set"
                " `subject_attribute`, or let the identity provider send a persistent NameID.",
            )
        return authentication.subject.value
    values = _present(authentication.attributes, name)
    if not values:
        raise Refused(
            "identity.subject_attribute_missing",
            f"The response carries no value of {name!r}, the connection's `subject_attribute`: let the identity provider"
            " send it, or name another attribute.",
        )
    if len(values) > 1:
        raise Refused(
            "identity.subject_attribute_many",
            f"The response carries {len(values)} values of {name!r}, the connection's `subject_attribute`, and which one"
            " is the person cannot be guessed: name an attribute with one value.",
        )
    return values[0]


def _present(attributes: Mapping[str, tuple[str, ...]], name: str) -> tuple[str, ...]:
    values = attributes.get(name)
    if values is None:
        return ()  # as most names of the mapping are
    return tuple([value for value in values if value.strip()])


def _mapped(attributes: Mapping[str, tuple[str, ...]], connection: Connection) -> dict[str, Claim]:
    """The claims by the connection's mapping over the defaults; never a reserved one, whatever the mapping says."""
    claims: dict[str, Claim] = {}
    for claim, names in {**DEFAULT_MAPPING, **connection.attribute_mapping}.items():
        for name in names:
            if values := _present(attributes, name):
                if claim not in RESERVED_CLAIMS:
                    claims[claim] = _claim(claim, values)
                break
    return claims


def _claim(claim: str, values: tuple[str, ...]) -> Claim:
    if claim in _SINGLE_CLAIMS:
        return values[0]
    return values if len(values) > 1 or claim in _LIST_CLAIMS else values[0]


def _believable(email: str, connection: Connection) -> tuple[str | None, bool]:
    """The email as asserted, or None where it is no plain address, or foreign to a connection that has domains.

    Beside it, whether it lies in a domain that is verified for this connection, as `is_verified` says.
    """
    domain = domain_of(email)
    if domain is None:
        return None, False
    listing = held(connection, domain)
    if listing is None:
        is_foreign = bool(connection.domains)
        return None if is_foreign and not connection.allow_foreign_emails else email, False
    return email, listing.verified


def _display(name: str) -> str:
    """The name as a page may show it: nothing invisible, nothing that turns the line around, and no longer than a line."""
    shown = name
    if not name.isprintable():
        shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
    return shown if len(shown) <= _LONGEST_DISPLAY else f"{shown[: _LONGEST_DISPLAY - 1]}…"
