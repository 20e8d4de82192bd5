"""Opening what was encrypted for us without the product's code: libxmlsec decrypts, and text is put where it was taken from.

It opens every combination that the profile opens: AES-GCM and AES-CBC with 128, 192 and 256 bits, RSA-OAEP in both
spellings with each digest and mask. It is handed the keys, so that KeyInfo chooses none, as in the profile.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import xmlsec
from lxml import etree

from fuzz import keys

_SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_XENC = "{http://www.w3.org/2001/04/xmlenc#}"
_ELEMENT = "http://www.w3.org/2001/04/xmlenc#Element"
ENCRYPTED_ASSERTION = f"{_SAML}EncryptedAssertion"
_ENCRYPTED_ID = f"{_SAML}EncryptedID"
_ENCRYPTED_ATTRIBUTE = f"{_SAML}EncryptedAttribute"
_PLACES: Mapping[str, str] = {
    ENCRYPTED_ASSERTION: f"{_SAMLP}Response",
    _ENCRYPTED_ID: f"{_SAML}Subject",
    _ENCRYPTED_ATTRIBUTE: f"{_SAML}AttributeStatement",
}
"""Where each stands if anybody reads it; in Advice lies what others wrote."""


class Sealed(Exception):
    """It does not open, or is no EncryptedData with one EncryptedKey."""


def octets_of(holder: etree._Element) -> bytes:
    """The plaintext in an EncryptedAssertion, EncryptedID or EncryptedAttribute."""
    # A copy by way of text: libxmlsec changes the tree that it works on.
    holder = etree.fromstring(etree.tostring(holder, encoding="utf-8", with_tail=False))
    data, wrapped = holder.findall(f"{_XENC}EncryptedData"), list(holder.iter(f"{_XENC}EncryptedKey"))
    if len(data) != 1 or len(wrapped) != 1:
        raise Sealed(f"{len(data)} EncryptedData and {len(wrapped)} EncryptedKey")
    # What SAML encrypts is an element, whether that is said or not [SAMLCore 6.1]; libxmlsec gives octets where it is not.
    if data[0].attrib.pop("Type", _ELEMENT) != _ELEMENT:
        raise Sealed("not an element")
    try:
        context = xmlsec.EncryptionContext()
        context.key = _our_key()
        session = context.decrypt(wrapped[0])
        context = xmlsec.EncryptionContext()
        context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataAes, session)
        octets = context.decrypt(data[0])
    except (xmlsec.Error, TypeError, ValueError) as error:
        raise Sealed(str(error)) from None
    if not isinstance(octets, bytes):
        raise Sealed("no octets came out")
    return octets


def opened(root: etree._Element) -> etree._Element:
    """The document of `root` with the plaintext in place of each EncryptedData that is read, and their holders kept.

    Put in as text: a prefix of the plaintext is the one that is declared where it was taken from, and a plaintext that is
    no XML makes the whole none. `root` itself if there is nothing to open.
    """
    return _pass(with_open_assertion(root), (_ENCRYPTED_ID, _ENCRYPTED_ATTRIBUTE))


def with_open_assertion(root: etree._Element) -> etree._Element:
    """The document in which the assertion's own signature stands: only the EncryptedAssertion is opened."""
    return _pass(root, (ENCRYPTED_ASSERTION,))


def _pass(root: etree._Element, names: Sequence[str]) -> etree._Element:
    if not any(_is_read(holder) for holder in root.iter(*names)):
        return root
    copy = etree.fromstring(etree.tostring(root, encoding="utf-8", with_tail=False))
    plain: list[str] = []
    for holder in [holder for holder in copy.iter(*names) if _is_read(holder)]:
        try:
            plain.append(octets_of(holder).decode())
        except UnicodeDecodeError:
            raise Sealed("the plaintext is not UTF-8") from None
        holder.remove(holder.find(f"{_XENC}EncryptedData"))
        holder.text = f"\ue000{len(plain) - 1}\ue001"
    text = etree.tostring(copy, encoding="unicode")
    for number, piece in enumerate(plain):
        text = text.replace(f"\ue000{number}\ue001", piece, 1)
    try:
        return etree.fromstring(text.encode())
    except etree.LxmlError as error:
        raise Sealed(f"the plaintext makes no document: {error}") from None


def _is_read(holder: etree._Element) -> bool:
    parent = holder.getparent()
    is_evidence = next(holder.iterancestors(f"{_SAML}Advice"), None) is not None
    return parent is not None and parent.tag == _PLACES[holder.tag] and not is_evidence


@cache
def _our_key() -> xmlsec.Key:
    return xmlsec.Key.from_memory(keys.pair(keys.OURS).private_pem, xmlsec.constants.KeyDataFormatPem)
