"""Where coverage-guided fuzzing begins: valid examples and near misses of each target, and the words of its language."""

import base64
import zlib
from pathlib import Path
from random import Random

from lxml import etree

from fuzz import encrypting
from fuzz.documents import ACS, IDP, valid
from fuzz.signers import acquaint
from fuzz.targets import encrypted, requests, saml
from vestibule.jose import jwt
from vestibule.saml import names, request

VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
_RESPONSES = 40
_ROWS = ("accepted/encryption", *(f"refused/S{number}" for number in range(50, 57)))
"""Of the corpus of attacks: those about encryption."""


def seeds(target: str) -> list[bytes]:
    """Octets that a target begins with: what was found once, and what is written here."""
    found = sorted((VECTORS / "fuzz" / target).glob("*")) if (VECTORS / "fuzz" / target).is_dir() else []
    return [file.read_bytes() for file in found] + _written(target)


def _written(target: str) -> list[bytes]:
    match target:
        case "xml" | "saml-response" | "signed-response":
            return _responses()
        case "encrypted":
            return [*encrypted.plaintexts(tuple(_responses())), *_PLAINTEXTS]
        case "encrypted-structure":
            return _holders()
        case "saml-post":
            return [base64.b64encode(octets) for octets in _responses()[:5]] + [b"PGEvPg==", b"PGE\r\nvPg=="]
        case "saml-request":
            return _requests()
        case "metadata":
            return [file.read_bytes() for file in sorted((VECTORS / "saml").glob("*.xml"))]
        case "jwt":
            claims = {"iss": requests.ISSUER, "sub": "ada", "aud": "crm", "exp": 1, "sid": "s"}
            return [jwt.sign(claims, requests.SIGNER).encode(), b"eyJhbGciOiJub25lIn0.e30.", b"e30.e30.e30", b".."]
        case _:
            return [line.encode() for line in _LINES[target]]


def _responses() -> list[bytes]:
    acquaint()
    return [valid(Random(f"seed {number}"), key=saml.KEY).octets for number in range(_RESPONSES)]


_PLAINTEXTS = (
    b"", b"x", b"<saml:Assertion/>", b"<!-- x --><saml:Assertion/>", b"<saml:Assertion/><saml:Assertion/>", b"<!DOCTYPE a><saml:Assertion/>",
    b"<?x?><saml:Assertion/>", b'<?xml version="1.0"?><saml:Assertion/>', b"<saml:Assertion/>x", b"</saml:EncryptedAssertion>", b"<saml:EncryptedAssertion/>",
)  # fmt: skip


def _holders() -> list[bytes]:
    """Those of the corpus of attacks, which another key opens, if any; and some that ours does, each in another way."""
    files = sorted(file for row in _ROWS for file in (VECTORS / "saml" / row).glob("*.xml"))
    foreign = [holder for file in files for holder in encrypted.holders(file.read_bytes())]
    ours = []
    for number in range(_RESPONSES):
        root = etree.fromstring(valid(Random(f"seed {number}"), key=saml.KEY).plain)
        secret = encrypting.draw(Random(f"secret {number}"))
        encrypting.conceal(root.find(names.saml("Assertion")), secret)
        ours += encrypted.holders(etree.tostring(root, encoding="utf-8"))
    return ours + foreign


def _requests() -> list[bytes]:
    asked = request.authn_request(
        id="_1", issue_instant=saml.NOW, issuer="https://sp.example", destination=IDP, acs_url=ACS,
        force_authn=True, subject=("ada@acme.example", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
    )  # fmt: skip
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return [
        asked,
        base64.b64encode(squeezer.compress(asked) + squeezer.flush()),
        base64.b64encode(bomb.compress(b" " * 1_000_000) + bomb.flush()),
    ]


_LINKS = (
    "https://crm.example/app/x?y#z", "https://crm.example/app/", "https://CRM.example:443/app/%7Eada", "https://crm.example/exact",
    "http://localhost:3000/a/b/c", "https://crm.example:8443/", "https://crm.example/app/../x", "https://crm.example/app/%2e%2e/x",
    "https://crm.example/app/..;/x", "https://crm.example\\@evil.example/app/", "https://crm.example@evil.example/app/", "//evil.example",
    "https://crm.example/app//evil.example", "https://crm.example/app/%252e%252e/", "https:crm.example/app/x", "crm",
)  # fmt: skip

_LINES: dict[str, tuple[str, ...]] = {
    "instant": (
        "2026-03-04T12:00:00Z", "2026-03-04T12:00:00.123456789Z", "2026-03-04T12:00:00+00:00", "2026-02-30T12:00:00Z", "0001-01-01T00:00:00Z",
        "2026-03-04T24:00:00Z", "2026-03-04T12:00:60Z", "2026-03-04T12:00:00+01:00", "٢026-03-04T12:00:00Z", "9999-12-31T23:59:59Z",
    ),
    "form": (
        "SAMLResponse=PGEvPg%3D%3D&RelayState=crm", "a=1&b=2&a=3", "a=%zz", "a", "=", "a=%c3%a9&b=+", "&&", "a=%00", "%61=1&a=2", "a;b=1",
    ),
    "json-body": ('{"grant_type": "authorization_code", "code": "x"}', '{"a": null}', '{"a": "\\ud800"}', '{"a": 1, "a": 2}', "[]", "1e999"),
    "cookie": (
        "__Host-vst-sid=abc_-; __Host-vst-csrf=def; __Host-vst-seen=x", "__Host-vst-login-0=1700000000.abc; __Host-vst-login-1=1.b",
        "__Host-vst-arrival-3=1.secret; a=b", '__Host-vst-sid="quoted"; ;=;', "__Host-vst-login-00=1.x; __Host-vst-login-99=1.x",
    ),
    "signed-jwt": (
        '{"alg":"RS256","kid":"k1"}\0{"iss":"https://login.example/","aud":"crm","sub":"ada","sid":"s"}', '{"alg":"none"}\0{}',
        '{"alg":"RS256","jwk":{},"jku":"https://evil.example/"}\0{"aud":["crm"]}', '{"alg":"RS256","crit":["b64"],"b64":false}\0{}', "[]\0[]",
        '{"alg":"RS256","zip":"DEF"}\0{}', '{"alg":"RS256"}\0[1]',
    ),
    "authorization": (
        "client_id=crm&redirect_uri=https%3A%2F%2Fcrm.example%2Fcallback&response_type=code&scope=openid+email&state=s&nonce=n",
        f"redirect_uri=https://spa.example/a&response_type=code&code_challenge={requests.CHALLENGE}&code_challenge_method=S256&prompt=login",
        "redirect_uri=https://spa.example/b&response_type=token+id_token&nonce=n&scope=openid&response_mode=form_post",
        f"redirect_uri=http://127.0.0.1:5000/cb&response_type=code&code_challenge={requests.CHALLENGE}&code_challenge_method=S256&max_age=0",
        "redirect_uri=http://[::1]:99999/cb&response_type=code", "response_type=code&direct_sign_in=sso:con_acme&login_hint=connection:acme",
        "redirect_uri=https://evil.example/&response_type=code", "request=x&response_type=code", "response_type=code&prompt=none+login",
    ),
    "client-credentials": (
        "Basic Y3JtOnNlY3JldA==\nclient_id=crm", "\nclient_id=crm&client_secret=x", "\nclient_id=spa", "Basic Og==\n", "Basic %\n",
        "Bearer abc\n", "\naccess_token=abc", "Basic JTYxOiUwMA==\n", "Basic Y3JtOnNlY3JldA==\nclient_id=other",
    ),
    "pkce": (f"{'v' * 43}\n{requests.CHALLENGE}", "", f"{'v' * 43}\n", f"\n{requests.CHALLENGE}", f"{'é' * 43}\n{requests.CHALLENGE}"),
    "deep-link": _LINKS,
    "relay-state": (*_LINKS, "x" * 81, "é" * 40),
    "sign-out": (
        "client_id=crm&post_logout_redirect_uri=https://crm.example/&state=x", "id_token_hint=e30.e30.e30&returnTo=https://crm.example/",
    ),
    "email": ("ada@acme.example", "ADA@ACME.EXAMPLE", "a@b@c.example", '"a b"@c.example', "ada@xn--bcher-kva.example", "ada@ⓔxample.com"),
    "configuration": (
        "branding: {product_name: Acme CRM}\n", "applications:\n- client_id: crm\n  name: CRM\n  type: web\n  redirect_uris: [https://crm.example/cb]\n",
        "connections:\n- name: acme\n  idp: {entity_id: a, sso_url: 'https://idp.example/', certificates: [x]}\n  applications: [crm]\n",
        "a: &a [*a]\n", "a: 1\na: 2\n", "? [a]\n: b\n", "!!python/object:os.system x\n", "x: 2026-13-45\n", "x: .inf\n", "---\n---\n",
    ),
}  # fmt: skip

_XML_WORDS = (
    "<!--", "-->", "<?", "?>", "<![CDATA[", "]]>", "<!DOCTYPE", "<!ENTITY", "&amp;", "&#x41;", "&#13;", "xmlns", "xmlns:", 'xmlns=""', "xml:id",
    " ID=", " Id=", " id=", "/>", "</", "samlp:", "saml:", "ds:", "xsi:nil", "xsi:type", "Response", "Assertion", "EncryptedAssertion", "Advice",
    "Signature", "SignedInfo", "Reference", "URI=", "Transforms", "Transform", "DigestValue", "SignatureValue", "KeyInfo", "Object", "PrefixList",
    "#default", "InclusiveNamespaces", "NameID", "EncryptedID", "Subject", "SubjectConfirmation", "SubjectConfirmationData", "Conditions",
    "AudienceRestriction", "Audience", "OneTimeUse", "AuthnStatement", "AttributeStatement", "Attribute", "AttributeValue", "EncryptedAttribute",
    "Status", "StatusCode", "Extensions", "Issuer", "InResponseTo", "NotOnOrAfter", "NotBefore", "Recipient", "Destination", "Version", "2.0",
    "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol", "http://www.w3.org/2000/09/xmldsig#",
    "http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2001/XMLSchema-instance", "EntityDescriptor", "EntitiesDescriptor", "entityID",
    "IDPSSODescriptor", "KeyDescriptor", "X509Certificate", "SingleSignOnService", "Location", "Binding", "validUntil", "AuthnRequest",
    "EncryptedData", "EncryptedKey", "EncryptionMethod", "Algorithm=", "CipherData", "CipherValue", "CipherReference", "RetrievalMethod", "ReferenceList",
    "DataReference", "DigestMethod", "MGF", "OAEPparams", "KeySize", "Type=", "Recipient=", "http://www.w3.org/2001/04/xmlenc#",
    "http://www.w3.org/2009/xmlenc11#", "aes256-gcm", "aes128-gcm", "aes256-cbc", "rsa-oaep", "rsa-oaep-mgf1p", "rsa-1_5", "mgf1sha256",
)  # fmt: skip
_WEB_WORDS = (
    "%00", "%2e", "%252e", "%2f", "%5c", "%zz", "%c3%a9", "&", "=", "+", ";", "..", "/../", "//", "\\\\", "@", ":443", ":8443", "#", "?", "\\x00", "\\x0a",
    "redirect_uri=", "response_type=", "response_mode=", "code_challenge=", "code_challenge_method=S256", "scope=openid", "prompt=none", "max_age=",
    "nonce=", "state=", "client_id=", "client_secret=", "request=", "Basic ", "Bearer ", "__Host-vst-sid=", "__Host-vst-login-", "__Host-vst-arrival-",
    "RS256", "HS256", "none", "alg", "kid", "jwk", "crit", "b64", "aud", "iss", "sub", "https://", "http://", "crm.example", "xn--", "\\xe2\\x93\\x94",
    "connections:", "applications:", "idp:", "- ", "!!", "&a", "*a", "{", "}", "[", "]", "null", "\\\\ud800",
)  # fmt: skip


def dictionary(target: str) -> str:
    """The words of a target's language, as libFuzzer reads them."""
    words = _XML_WORDS if target in saml.ALL or target in encrypted.ALL else _WEB_WORDS
    quoted = (word if "\\" in word else word.replace('"', '\\"') for word in words)
    return "".join(f'"{word}"\n' for word in quoted)
