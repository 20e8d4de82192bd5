"""What is done to encrypted parts: ciphertexts changed, swapped and nested, and anything at all encrypted for us."""

import copy
from base64 import b64encode
from collections.abc import Sequence
from random import Random

from lxml import etree

from fuzz import encrypting, moving, opening, relabelling, rewriting, signers
from fuzz.mutating import Mutator, Tricks, as_mutator
from fuzz.opening import ENCRYPTED_ASSERTION
from fuzz.scene import (
    EVIL,
    NotHere,
    Scene,
    assertion,
    detach,
    ds,
    found,
    saml,
    samlp,
    sign_anew,
    signatures,
    statement,
    tree,
)
from vestibule.xml.encryption import AES256_GCM, CONTENT, RSA_OAEP, RSA_OAEP_MGF1P, XENC, XENC11
from vestibule.xml.signature import DS

TRICKS = Tricks()
_PLAIN: dict[str, Mutator] = {
    name: trick
    for tricks in (moving.TRICKS, relabelling.TRICKS, rewriting.TRICKS)
    for name, trick in (tricks.harmless | tricks.hostile).items()
}
_RELABELS = (
    *CONTENT, RSA_OAEP, RSA_OAEP_MGF1P, XENC + "rsa-1_5", XENC + "tripledes-cbc", XENC + "kw-aes256", XENC11 + "mgf1sha256", XENC11 + "mgf1sha1",
    DS + "sha1", XENC + "sha256", XENC + "sha512", "urn:nothing", "",
)  # fmt: skip
_KEY = f"{{{XENC}}}EncryptedKey"
_DATA = f"{{{XENC}}}EncryptedData"


# -- where something is encrypted ------------------------------------------------------------------------------------------


def _holder(root: etree._Element, scene: Scene) -> etree._Element:
    """An EncryptedAssertion, EncryptedID or EncryptedAttribute; where the document has none, its assertion is encrypted first."""
    there = list(root.iter(*(saml(name) for name in encrypting.HOLDERS.values())))
    return scene.one(there) if there else _encrypted(root, scene.rng)


def _encrypted(root: etree._Element, rng: Random) -> etree._Element:
    mine = found(root.find(saml("Assertion")))
    return encrypting.conceal(mine, encrypting.draw(rng), covered=root.find(ds("Signature")) is not None)


def _open(root: etree._Element) -> None:
    """The assertion in plain again, as its identity provider had it."""
    holder = root.find(ENCRYPTED_ASSERTION)
    if holder is not None:
        encrypting.put(holder, _plaintext(holder))


def _plaintext(holder: etree._Element) -> str:
    try:
        return opening.octets_of(holder).decode()
    except (opening.Sealed, UnicodeDecodeError):
        raise NotHere from None


def _around_is_free(root: etree._Element, scene: Scene) -> None:
    """Whoever changes what a Response's signature covers has signed it anew, or goes without that signature."""
    signature = root.find(ds("Signature"))
    if signature is not None:
        detach(signature)
        if scene.rng.random() < 0.5:
            signers.sign_anew(root, scene.pair)
            scene.signed.extend(statement(root))


def _inner(root: etree._Element, kind: str) -> list[etree._Element]:
    return [
        element for element in root.iter(f"{{{XENC}}}*", ds("DigestMethod")) if etree.QName(element).localname == kind
    ]


@TRICKS.harmless_on_tree
def encrypt_assertion(root: etree._Element, scene: Scene) -> None:
    """As any identity provider might, and anybody else: what is encrypted for us proves nothing, and changes nothing."""
    _open(root)
    _encrypted(root, scene.rng)
    _around_is_free(root, scene)


@TRICKS.harmless_on_tree
def encrypt_name_or_attributes(root: etree._Element, scene: Scene) -> None:
    """Before it is signed, as it must be; or behind the signature's back."""
    mine = assertion(root)
    for part in (*mine.iterfind(f"{saml('Subject')}/{saml('NameID')}"), *mine.iterfind(f"*/{saml('Attribute')}")):
        if scene.rng.random() < 0.5:
            encrypting.conceal(part, encrypting.draw(scene.rng), covered=True)
    if scene.rng.random() < 0.8:
        sign_anew(root, scene)


@TRICKS.harmless_on_tree
def encrypted_assertion_of_another(root: etree._Element, scene: Scene) -> None:
    """The EncryptedAssertion of document B in the envelope of document A."""
    mine = found(next(root.iterchildren(saml("Assertion"), ENCRYPTED_ASSERTION), None))
    theirs = _encrypted_other(scene)
    theirs.tail = mine.tail
    root.replace(mine, theirs)
    _around_is_free(root, scene)


@TRICKS.on_tree
def encrypted_assertion_of_another_beside(root: etree._Element, scene: Scene) -> None:
    theirs = _encrypted_other(scene)
    theirs.tail = None
    root.insert(scene.rng.randint(0, len(root)), theirs)


def _encrypted_other(scene: Scene) -> etree._Element:
    other = tree(scene.other())
    holder = other.find(ENCRYPTED_ASSERTION)
    return _encrypted(other, scene.rng) if holder is None else holder


@TRICKS.on_octets
def encrypt_what_was_changed(document: bytes, scene: Scene) -> bytes:
    """Any trick on the plain document, and the assertion that it then has encrypted by whoever did it."""
    in_plain = as_mutator(lambda root, _: _open(root))
    then = as_mutator(_encrypt_and_leave)
    return then(_PLAIN[scene.one(sorted(_PLAIN))](in_plain(document, scene), scene), scene)


def _encrypt_and_leave(root: etree._Element, scene: Scene) -> None:
    _encrypted(root, scene.rng)
    if scene.rng.random() < 0.3:
        _around_is_free(root, scene)


@TRICKS.on_tree
def encrypt_a_forged_assertion(root: etree._Element, scene: Scene) -> None:
    """Unsigned, or with the signature of something else; the good one is away, within, beside, or in its signature."""
    _open(root)
    mine = found(root.find(saml("Assertion")))
    evil = copy.deepcopy(mine)
    evil.tail = None
    for name in evil.iter(saml("NameID"), saml("AttributeValue")):
        name.text = EVIL
    keeps = scene.rng.random() < 0.3
    for signature in [] if keeps else signatures(evil):
        detach(signature)
    mine.addprevious(evil)
    where = scene.rng.randrange(5)
    detach(mine)
    if where == 0:
        found(evil.find(saml("Issuer"))).addnext(etree.Element(saml("Advice")))
        found(evil.find(saml("Advice"))).append(mine)
    elif where == 1:
        evil.append(mine)
    elif where == 2:
        etree.SubElement(scene.one(signatures(root) or signatures(evil)), ds("Object")).append(mine)
    elif where == 3:
        evil.addnext(mine)
    encrypting.conceal(evil, encrypting.draw(scene.rng))
    outer = root.find(ds("Signature"))
    if outer is not None and scene.rng.random() < 0.7:
        detach(outer)


@TRICKS.on_tree
def odd_plaintext(root: etree._Element, scene: Scene) -> None:
    """Something before, behind or around the assertion that is encrypted, or no assertion at all."""
    _open(root)
    mine = found(root.find(saml("Assertion")))
    good = etree.tostring(mine, encoding="unicode", with_tail=False)
    junk = scene.one(
        (
            "<!-- x -->",
            "<?x y?>",
            "text",
            "<x/>",
            " \n",
            "&#32;",
            "<!DOCTYPE a>",
            "\ufeff",
            good,
            '<?xml version="1.0"?>',
            "]]>",
        )
    )
    around = scene.one((samlp("Response"), ENCRYPTED_ASSERTION, saml("Advice"), "x"))
    wrapped = etree.Element(around)
    wrapped.append(copy.deepcopy(mine))
    wrapped[0].tail = None
    plain = scene.one(
        (junk + good, good + junk, etree.tostring(wrapped, encoding="unicode"), junk, "", good[:-1], good.upper())
    )
    _hold(mine, plain, scene)
    if scene.rng.random() < 0.7:
        _around_is_free(root, scene)


def _hold(element: etree._Element, plain: str, scene: Scene) -> etree._Element:
    """An EncryptedAssertion of exactly this plaintext in place of `element`."""
    holder = encrypting.holder(
        plain.encode(), encrypting.draw(scene.rng), "EncryptedAssertion", encrypting.PREFIX, declared=False
    )
    return encrypting.put(element, holder)


@TRICKS.on_tree
def nest_encryption(root: etree._Element, scene: Scene) -> None:
    """Encrypted twice: the holder within a holder, or EncryptedData within EncryptedData."""
    holder = _holder(root, scene)
    if scene.rng.random() < 0.5:
        inner = etree.tostring(holder, encoding="unicode", with_tail=False)
    else:
        inner = etree.tostring(found(holder.find(_DATA)), encoding="unicode", with_tail=False)
    local = etree.QName(holder).localname
    secret = encrypting.draw(scene.rng)
    encrypting.put(holder, encrypting.holder(inner.encode(), secret, local, encrypting.PREFIX, declared=False))


# -- changes of what is visible ----------------------------------------------------------------------------------------------


@TRICKS.on_tree
def flip_bits_of_cipher(root: etree._Element, scene: Scene) -> None:
    value = scene.one(_inner(_holder(root, scene), "CipherValue"))
    changed = encrypting.flipped(value, scene.rng)
    cut = scene.one((len(changed), len(changed), len(changed) - 1, 16, 12, 0))
    value.text = b64encode(changed[:cut]).decode()


@TRICKS.on_tree
def swap_encrypted_keys(root: etree._Element, scene: Scene) -> None:
    """The key, or the data, of another document."""
    kind = scene.one((_KEY, _KEY, _DATA))
    mine = scene.one(list(_holder(root, scene).iter(kind)))
    theirs = scene.one(list(_encrypted_other(scene).iter(kind)))
    theirs.tail = mine.tail
    found(mine.getparent()).replace(mine, theirs)


@TRICKS.on_tree
def duplicate_in_encryption(root: etree._Element, scene: Scene) -> None:
    holder = _holder(root, scene)
    names = (
        "EncryptedData",
        "EncryptedKey",
        "EncryptionMethod",
        "CipherData",
        "CipherValue",
        "DigestMethod",
        "ReferenceList",
    )
    what = scene.one(_inner(holder, scene.one(names)))
    twin = copy.deepcopy(what)
    if scene.rng.random() < 0.5:
        twin.attrib.pop("Id", None)
    place = scene.one((what, what, *_within(holder)))
    if scene.rng.random() < 0.7:
        place.addnext(twin)
    else:
        place.append(twin)


@TRICKS.on_tree
def change_algorithm_of_encryption(root: etree._Element, scene: Scene) -> None:
    holder = _holder(root, scene)
    named = scene.one([element for element in _within(holder) if "Algorithm" in element.attrib])
    how = scene.rng.randrange(5)
    if how < 3:
        named.set("Algorithm", scene.one(_RELABELS))
    elif how == 3:
        detach(named)
    else:
        child = scene.one((f"{{{XENC11}}}MGF", ds("DigestMethod"), f"{{{XENC}}}KeySize", f"{{{XENC}}}OAEPparams"))
        etree.SubElement(named, child, Algorithm=scene.one(_RELABELS)).text = scene.one((None, "AAAA", "256"))


@TRICKS.on_tree
def change_type_of_encryption(root: etree._Element, scene: Scene) -> None:
    what = scene.one(_inner(_holder(root, scene), scene.one(("EncryptedData", "EncryptedKey"))))
    name = scene.one(("Type", "Type", "Type", "MimeType", "Encoding", "Id", "Recipient"))
    value = scene.one((None, XENC + "Element", XENC + "Content", XENC + "EncryptedKey", "urn:x", "", AES256_GCM))
    if value is None:
        what.attrib.pop(name, None)
    else:
        what.set(name, value)


@TRICKS.on_tree
def declare_around_encryption(root: etree._Element, scene: Scene) -> None:
    """A prefix that the plaintext may count on gets another meaning where it is taken from, or one that it did not have."""
    holder = _holder(root, scene)
    written = etree.tostring(holder, encoding="unicode", with_tail=False)
    prefixes: Sequence[str] = [prefix for prefix in (*holder.nsmap, "saml", "saml2", "xs", "xsi", "ds") if prefix]
    around = etree.Element(holder.tag, nsmap={scene.one(prefixes): scene.one(("urn:evil", saml("")[1:-1], XENC))})
    around.extend(list(etree.fromstring(written)))
    around.tail = holder.tail
    found(holder.getparent()).replace(holder, around)


def _within(holder: etree._Element) -> list[etree._Element]:
    return list(holder.iter(f"{{{XENC}}}*", f"{{{XENC11}}}*", f"{{{DS}}}*"))
