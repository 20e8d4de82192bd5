"""Encrypting as identity providers do [XMLEnc 1.1, SAMLCore 6]: algorithms, places of the key and spelling drawn by chance."""

import re
import textwrap
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from xml.sax.saxutils import quoteattr

from lxml import etree
from tests.xml.encrypter import DIGEST_NAMES, How, holding

from fuzz import keys
from vestibule.saml.names import ASSERTION
from vestibule.xml.encryption import AES128_GCM, AES256_GCM, CONTENT, RSA_OAEP, RSA_OAEP_MGF1P, XENC
from vestibule.xml.signature import DS, certificate_text

HOLDERS = {"Assertion": "EncryptedAssertion", "NameID": "EncryptedID", "Attribute": "EncryptedAttribute"}
"""What an element of SAML stands in once it is encrypted [SAMLCore 2.2.4, 2.3.4, 2.7.3.2]."""
_CIPHER_VALUE = f"{{{XENC}}}CipherValue"
_KEY = f"{{{XENC}}}EncryptedKey"
PREFIX = "sealed"
"""For a holder where no prefix of SAML is in scope; no PrefixList names it, so that what is inside stays as it was signed."""
_FIRST_TAG = re.compile(r"<[^\s/>]+")
_DECLARATION = re.compile(r"""\s+xmlns(?::([^\s=]+))?\s*=\s*("[^"]*"|'[^']*')""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One way to encrypt and to write it down. `prefix`: of XML encryption's names, "" for the default namespace.

    `lean`: the plaintext declares only what is not declared around it. `typed`: EncryptedData says that it is an element.
    `names_us`: EncryptedKey names our certificate, as most identity providers have it do.
    """

    how: How
    prefix: str
    lean: bool
    typed: bool
    names_us: bool
    line_end: str
    identifier: str

    @property
    def about(self) -> str:
        """The algorithms, in short."""
        return " ".join(
            name.rpartition("#")[2]
            for name in (self.how.content, self.how.transport, self.how.digest, self.how.mask)
            if name
        )


def draw(rng: Random) -> Secret:
    """Whatever the profile opens where AES-CBC is allowed; the usual ways more often than the others."""
    transport = rng.choice((RSA_OAEP_MGF1P, RSA_OAEP_MGF1P, RSA_OAEP))
    how = How(
        content=rng.choice((AES256_GCM, AES128_GCM, *CONTENT)),
        transport=transport,
        digest=rng.choice((None, None, *DIGEST_NAMES)),
        mask=rng.choice((None, *DIGEST_NAMES)) if transport == RSA_OAEP else None,
        beside=rng.random() < 0.4,
        random=rng.randbytes,
    )
    return Secret(
        how=how,
        prefix=rng.choice(("xenc", "xenc", "e", "")),
        lean=rng.random() < 0.5,
        typed=rng.random() < 0.9,
        names_us=rng.random() < 0.4,
        line_end=rng.choice(("", "", "\n", "\r\n")),
        identifier=f"_{rng.getrandbits(64):x}",
    )


def holder(octets: bytes, secret: Secret, local: str, prefix: str | None, *, declared: bool) -> str:
    """An EncryptedAssertion, EncryptedID or EncryptedAttribute as text, with any octets at all inside.

    What it declares itself stands within it, not on it: nothing is in scope of the plaintext that was not around it before.
    """
    element = holding(octets, keys.pair(keys.OURS).public, "holder", secret.how)
    data = element[0]
    if not secret.typed:
        del data.attrib["Type"]
    if secret.names_us:
        info = etree.Element(f"{{{DS}}}KeyInfo", nsmap={"ds": DS})
        name = etree.SubElement(etree.SubElement(info, f"{{{DS}}}X509Data"), f"{{{DS}}}X509Certificate")
        name.text = certificate_text(keys.pair(keys.OURS).certificate_pem)
        next(element.iter(_KEY)).insert(1, info)
    if secret.line_end:
        for value in element.iter(_CIPHER_VALUE):
            value.text = "\n".join(["", *textwrap.wrap(value.text, 76), ""])
    inside = "".join(etree.tostring(child, encoding="unicode") for child in element)
    # One document may hold several; an identifier occurs once.
    inside = inside.replace('_data"', f'{secret.identifier}-data"').replace('_key"', f'{secret.identifier}-key"')
    if secret.prefix != "xenc":
        inside = inside.replace("xmlns:xenc=", f"xmlns:{secret.prefix}=" if secret.prefix else "xmlns=")
        inside = re.sub(r"(</?)xenc:", rf"\1{secret.prefix}:" if secret.prefix else r"\1", inside)
    inside = inside.replace("\n", secret.line_end) if secret.line_end else inside
    name = f"{prefix}:{local}" if prefix else local
    declaration = "" if declared else f' xmlns{":" + prefix if prefix else ""}="{ASSERTION}"'
    return f"<{name}{declaration}>{inside}</{name}>"


def concealed(piece: str, local: str, scope: Mapping[str | None, str], secret: Secret, *, covered: bool) -> str:
    """The holder of `piece`, an element as text that stands where `scope` is declared and is named `local`.

    `covered`: what proves it is a signature around the holder. Its canonical form drops the prefixes that only a plaintext
    uses, so that a lean one may count on no other than the holder's own.
    """
    prefix = next((prefix for prefix, name in scope.items() if name == ASSERTION), PREFIX)
    declared = prefix in scope
    around = {prefix: ASSERTION} if covered and declared else {} if covered else scope
    octets = plaintext(piece, scope, around if secret.lean else {}).encode()
    return holder(octets, secret, HOLDERS[local], prefix, declared=declared)


def plaintext(piece: str, scope: Mapping[str | None, str], around: Mapping[str | None, str]) -> str:
    """`piece` with every declaration of `scope` on its own start tag, but for those that are `around` it anyway."""
    head = piece[: piece.index(">")]
    own = {prefix or None for prefix, _ in _DECLARATION.findall(head)}
    missing = "".join(
        f" xmlns{':' + prefix if prefix else ''}={quoteattr(name)}"
        for prefix, name in scope.items()
        if prefix not in own and prefix not in around and prefix != "xml"
    )
    end = _FIRST_TAG.match(piece).end()
    return piece[:end] + missing + piece[end:]


def conceal(element: etree._Element, secret: Secret, *, covered: bool = False) -> etree._Element:
    """Puts the holder of `element` into its place in the tree; returns it."""
    local = etree.QName(element).localname
    scope = dict(element.getparent().nsmap)
    piece = etree.tostring(element, with_tail=False, encoding="unicode")
    prefix = next((prefix for prefix, name in scope.items() if name == ASSERTION), PREFIX)
    if secret.lean:
        kept = {prefix: ASSERTION} if covered else scope
        piece = _without(piece, {name: value for name, value in kept.items() if scope.get(name) == value})
    return put(element, holder(piece.encode(), secret, HOLDERS[local], prefix, declared=prefix in scope))


def put(element: etree._Element, text: str) -> etree._Element:
    """`text`, an element that may count on the prefixes around, in place of `element`; `ValueError` if it is none."""
    parent = element.getparent()
    around = etree.tostring(etree.Element("around", nsmap=parent.nsmap), encoding="unicode").removesuffix("/>")
    try:
        (new,) = etree.fromstring(f"{around}>{text}</around>")
    except etree.LxmlError as error:
        raise ValueError(str(error)) from None
    new.tail = element.tail
    parent.replace(element, new)
    return new


def _without(piece: str, around: Mapping[str | None, str]) -> str:
    """`piece` without those declarations of its start tag that are `around` it anyway."""
    end = piece.index(">")

    def kept(found: re.Match[str]) -> str:
        return "" if around.get(found[1] or None) == found[2][1:-1] else found[0]

    return _DECLARATION.sub(kept, piece[:end]) + piece[end:]


def flipped(value: etree._Element, rng: Random) -> bytes:
    """The octets of a CipherValue with one bit changed, mostly where something is expected to be: at an end."""
    octets = bytearray(b64decode(value.text or "", validate=False))
    at = rng.choice((0, len(octets) - 1, rng.randrange(max(len(octets), 1)))) if octets else 0
    octets[at : at + 1] = bytes([(octets[at] if octets else 0) ^ 1 << rng.randrange(8)])
    return bytes(octets)
