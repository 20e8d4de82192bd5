"""How identity providers write a Response: prefixes, places of declarations, orders, types, and what they sign."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vestibule.saml.names import ASSERTION, ATTRNAME_BASIC, ATTRNAME_UNSPECIFIED, ATTRNAME_URI, PROTOCOL
from vestibule.saml.names import XMLSCHEMA as XS
from vestibule.saml.names import XMLSCHEMA_INSTANCE as XSI


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One house style. `prefixes`: by namespace name, "" for the default namespace; `high`: what the root declares.

    `assertion_declares`: what the Assertion declares though it may not use it. `types`: the local names that `xsi:type` may
    have, None for no type. `prefix_list` names namespaces whose prefixes the signature's PrefixList holds.
    """

    name: str
    prefixes: Mapping[str, str]
    high: tuple[str, ...] = ()
    assertion_declares: tuple[str, ...] = ()
    signature_prefix: str = "ds"
    order: tuple[str, ...] = ("ID", "Version", "IssueInstant", "Destination", "InResponseTo")
    declaration: str = ""
    signs: tuple[str, ...] = ("assertion",)
    name_format: str | None = ATTRNAME_BASIC
    friendly: bool = False
    types: tuple[str | None, ...] = (None,)
    issuer_format: bool = False
    qualifiers: bool = False
    destination: bool = True
    consent: bool = False
    key_info: tuple[str, ...] = ("x509",)
    prefix_list: tuple[str, ...] = ()
    repeats_names: bool = False
    indent: str | None = None
    wrapped_base64: str = ""
    attribute_names: tuple[str, ...] = field(default=("mail", "displayName", "memberOf", "givenName", "sn"))


_OIDS = (
    "urn:oid:0.9.2342.19200300.100.1.3",
    "urn:oid:2.5.4.42",
    "urn:oid:2.5.4.4",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.9",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.10",
)
_CLAIMS = tuple(
    f"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/{name}"
    for name in ("name", "givenname", "surname", "emailaddress", "upn")
)
_BY_ABC = ("Destination", "ID", "InResponseTo", "IssueInstant", "Version")
_XML = '<?xml version="1.0" encoding="UTF-8"?>'

SHAPES = (
    Shape(
        name="simplesamlphp",
        prefixes={PROTOCOL: "samlp", ASSERTION: "saml", XS: "xs", XSI: "xsi"},
        high=(PROTOCOL, ASSERTION),
        assertion_declares=(XSI, XS),
        signs=("assertion", "response", "both"),
        types=("string",),
        qualifiers=True,
    ),
    Shape(
        name="elementtree",
        prefixes={PROTOCOL: "ns0", ASSERTION: "ns1", XS: "xs", XSI: "ns3"},
        high=(PROTOCOL, ASSERTION, XSI),
        signature_prefix="ns2",
        order=_BY_ABC,
        declaration="<?xml version='1.0' encoding='UTF-8'?>\n",
        signs=("assertion", "both", "response"),
        name_format=ATTRNAME_URI,
        friendly=True,
        types=("string",),
        issuer_format=True,
        attribute_names=_OIDS,
        wrapped_base64="\n",
    ),
    Shape(
        name="okta",
        prefixes={PROTOCOL: "saml2p", ASSERTION: "saml2", XS: "xs", XSI: "xsi"},
        high=(PROTOCOL, XS),
        declaration=_XML,
        order=("Destination", "ID", "InResponseTo", "IssueInstant", "Version"),
        signs=("both", "assertion"),
        name_format=ATTRNAME_UNSPECIFIED,
        types=("string",),
        issuer_format=True,
        prefix_list=(XS,),
    ),
    Shape(
        name="entra",
        prefixes={PROTOCOL: "samlp", ASSERTION: "", XS: "xs", XSI: "xsi"},
        signature_prefix="",
        order=("ID", "Version", "IssueInstant", "Destination", "InResponseTo"),
        signs=("assertion", "response", "both"),
        name_format=None,
        attribute_names=_CLAIMS,
    ),
    Shape(
        name="adfs",
        prefixes={PROTOCOL: "samlp", ASSERTION: "", XS: "xs", XSI: "xsi"},
        order=("ID", "Version", "IssueInstant", "Destination", "Consent", "InResponseTo"),
        consent=True,
        name_format=None,
        attribute_names=_CLAIMS,
        key_info=("x509-default",),
    ),
    Shape(
        name="shibboleth",
        prefixes={PROTOCOL: "saml2p", ASSERTION: "saml2", XS: "xsd", XSI: "xsi"},
        high=(PROTOCOL, XS),
        declaration=_XML,
        order=_BY_ABC,
        signs=("response", "both"),
        name_format=ATTRNAME_URI,
        friendly=True,
        types=("string",),
        qualifiers=True,
        prefix_list=(XS,),
        attribute_names=_OIDS,
        indent="    ",
        wrapped_base64="\n",
    ),
    Shape(
        name="keycloak",
        prefixes={PROTOCOL: "samlp", ASSERTION: "saml", XS: "xs", XSI: "xsi"},
        high=(PROTOCOL, ASSERTION),
        signature_prefix="dsig",
        order=("Destination", "ID", "InResponseTo", "IssueInstant", "Version"),
        signs=("response", "assertion", "both"),
        types=("string",),
        key_info=("name", "x509", "value"),
        repeats_names=True,
        attribute_names=("email", "Role", "firstName", "lastName"),
    ),
    Shape(
        name="samlp",
        prefixes={PROTOCOL: "samlp", ASSERTION: "saml", XS: "xs", XSI: "xsi"},
        signature_prefix="",
        assertion_declares=(XS, XSI),
        name_format=ATTRNAME_URI,
        types=("anyType", "string", "boolean", "double"),
        attribute_names=_CLAIMS,
    ),
    Shape(
        name="google",
        prefixes={PROTOCOL: "saml2p", ASSERTION: "saml2", XS: "xs", XSI: "xsi"},
        high=(PROTOCOL,),
        declaration='<?xml version="1.0" encoding="UTF-8" standalone="no"?>',
        order=("Destination", "ID", "InResponseTo", "IssueInstant", "Version"),
        signs=("response", "assertion"),
        name_format=None,
        types=("anyType",),
        key_info=("subject", "x509"),
        wrapped_base64="\n",
    ),
)
