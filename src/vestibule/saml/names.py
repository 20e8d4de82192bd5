"""The names that SAML 2.0 gives to things [SAMLCore, SAMLBind, SAMLMeta], as constants."""

from typing import Final

PROTOCOL: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
METADATA: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
XMLDSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
XMLSCHEMA: Final = "http://www.w3.org/2001/XMLSchema"
XMLSCHEMA_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"

VERSION: Final = "2.0"

BINDING_POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
BINDING_REDIRECT: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"

SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
REQUESTER: Final = "urn:oasis:names:tc:SAML:2.0:status:Requester"
RESPONDER: Final = "urn:oasis:names:tc:SAML:2.0:status:Responder"
AUTHN_FAILED: Final = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"
NO_PASSIVE: Final = "urn:oasis:names:tc:SAML:2.0:status:NoPassive"

BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

FORMAT_UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
FORMAT_EMAIL: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
FORMAT_PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
FORMAT_TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
FORMAT_ENTITY: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"

ATTRNAME_BASIC: Final = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
ATTRNAME_URI: Final = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
ATTRNAME_UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"

CLASS_PASSWORD_PROTECTED: Final = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


def samlp(name: str) -> str:
    """A protocol element's name in Clark notation."""
    return f"{{{PROTOCOL}}}{name}"


def saml(name: str) -> str:
    """An assertion element's name in Clark notation."""
    return f"{{{ASSERTION}}}{name}"


def md(name: str) -> str:
    """A metadata element's name in Clark notation."""
    return f"{{{METADATA}}}{name}"


def ds(name: str) -> str:
    """A signature element's name in Clark notation."""
    return f"{{{XMLDSIG}}}{name}"
