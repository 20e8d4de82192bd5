"""Wrapping, splicing and moving: whole elements where they do not belong."""

import copy

from lxml import etree

from fuzz import keys
from fuzz.mutating import Tricks
from fuzz.scene import (
    EVIL,
    Scene,
    assertion,
    detach,
    ds,
    elements,
    found,
    own_signature,
    saml,
    samlp,
    sign_anew,
    signatures,
    tree,
)

TRICKS = Tricks()


def _forged(element: etree._Element, scene: Scene) -> etree._Element:
    """A copy that names the attacker; its signature stays or goes, its ID is its own or the original's."""
    evil = copy.deepcopy(element)
    evil.tail = None
    if scene.rng.random() < 0.8:
        for signature in signatures(evil):
            detach(signature)
    if scene.rng.random() < 0.8:
        evil.set("ID", "_evil")
    for name in evil.iter(saml("NameID")):
        name.text = EVIL
    for value in evil.iter(saml("AttributeValue")):
        value.text = EVIL
    return evil


def _put(scene: Scene, root: etree._Element, original: etree._Element, at: etree._Element) -> None:
    """The original somewhere within the document that the forged one rules."""
    where = scene.rng.randrange(7)
    if where == 0:
        found(at.getparent()).insert(found(at.getparent()).index(at) + scene.rng.randint(0, 1), original)
    elif where == 1:
        at.insert(scene.rng.randint(0, len(at)), original)
    elif where == 2:
        extensions = etree.Element(samlp("Extensions"))
        extensions.append(original)
        root.insert(min(1, len(root)), extensions)
    elif where == 3:
        etree.SubElement(scene.one(signatures(root)), ds("Object")).append(original)
    elif where == 4:
        scene.one(signatures(root)).insert(scene.rng.randint(0, 3), original)
    elif where == 5:
        etree.SubElement(at, saml("Advice")).append(original)
    else:
        etree.SubElement(scene.one(elements(root)), "wrapper").append(original)


@TRICKS.on_tree
def wrap_assertion(root: etree._Element, scene: Scene) -> None:
    """XSW 3 to 8, and places that have no number."""
    original = assertion(root)
    evil = _forged(original, scene)
    parent = found(original.getparent())
    parent.replace(original, evil)
    original.tail = None
    if scene.rng.random() < 0.5:
        signature = original.find(ds("Signature"))
        if signature is not None and evil.find(ds("Signature")) is None:
            evil.insert(1, copy.deepcopy(signature) if scene.rng.random() < 0.5 else detach(signature))
    _put(scene, root, original, evil)


@TRICKS.on_tree
def wrap_response(root: etree._Element, scene: Scene) -> None:
    """XSW 1 and 2: the original Response within, or beside, its own signature in a Response that says something else."""
    original = copy.deepcopy(root)
    signature = own_signature(root)
    if scene.rng.random() < 0.7:
        detach(own_signature(original))
    for name in root.iter(saml("NameID")):
        name.text = EVIL
    root.set("ID", "_evil")
    places = [signature, found(root.find(samlp("Status"))), assertion(root)]
    place = scene.one(places)
    if scene.rng.random() < 0.5:
        place.append(original)
    else:
        place.addprevious(original)


@TRICKS.on_tree
def hidden_duplicate(root: etree._Element, scene: Scene) -> None:
    """A forged assertion before, behind or within something else."""
    original = assertion(root)
    evil = _forged(original, scene)
    where = scene.rng.randrange(4)
    if where == 0:
        original.addprevious(evil)
    elif where == 1:
        original.addnext(evil)
    elif where == 2:
        root.insert(scene.rng.randint(0, len(root)), evil)
    else:
        scene.one(elements(root)).append(evil)


@TRICKS.on_tree
def forge_in_place(root: etree._Element, scene: Scene) -> None:
    """Another name under the signature that is there."""
    name = scene.one([*root.iter(saml("NameID")), *root.iter(saml("AttributeValue"))])
    name.text = EVIL


@TRICKS.on_tree
def signature_of_another(root: etree._Element, scene: Scene) -> None:
    mine = scene.one(signatures(root))
    theirs = scene.one(signatures(tree(scene.other())))
    theirs.tail = mine.tail
    found(mine.getparent()).replace(mine, theirs)


@TRICKS.harmless_on_tree
def assertion_of_another(root: etree._Element, scene: Scene) -> None:
    """An assertion that is good by itself, in this envelope."""
    mine, theirs = assertion(root), assertion(tree(scene.other()))
    theirs.tail = mine.tail
    found(mine.getparent()).replace(mine, theirs)


@TRICKS.on_tree
def assertion_of_another_beside(root: etree._Element, scene: Scene) -> None:
    theirs = assertion(tree(scene.other()))
    theirs.tail = None
    root.insert(scene.rng.randint(0, len(root)), theirs)


@TRICKS.on_tree
def part_of_another(root: etree._Element, scene: Scene) -> None:
    """Some element of another document in place of this one's of the same name."""
    theirs = scene.one(elements(tree(scene.other()))[1:])
    mine = scene.one([one for one in root.iter(theirs.tag) if one.getparent() is not None])
    theirs.tail = mine.tail
    found(mine.getparent()).replace(mine, theirs)


@TRICKS.harmless_on_tree
def evidence_of_another(root: etree._Element, scene: Scene) -> None:
    """Another's assertion in the Advice: where no signature covers that, and where one does."""
    mine, theirs = assertion(root), assertion(tree(scene.other()))
    theirs.tail = None
    advice = mine.find(saml("Advice"))
    if advice is None:
        advice = etree.Element(saml("Advice"))
        found(mine.find(saml("Conditions"))).addnext(advice)
    advice.append(theirs)
    if scene.rng.random() < 0.6:
        sign_anew(root, scene)


@TRICKS.on_tree
def their_id(root: etree._Element, scene: Scene) -> None:
    """The identifiers of another document, so that its signatures seem to be about this one."""
    other = tree(scene.other())
    assertion(root).set("ID", assertion(other).get("ID", ""))
    if scene.rng.random() < 0.5:
        root.set("ID", other.get("ID", ""))


@TRICKS.on_tree
def signed_by_the_attacker(root: etree._Element, scene: Scene) -> None:
    found(next(root.iter(saml("NameID")), None)).text = EVIL
    sign_anew(root, scene, keys.pair(keys.ATTACKER))


@TRICKS.on_tree
def move(root: etree._Element, scene: Scene) -> None:
    what = detach(scene.one(elements(root)[1:]))
    into = scene.one(elements(root))
    into.insert(scene.rng.randint(0, len(into)), what)


@TRICKS.on_tree
def duplicate(root: etree._Element, scene: Scene) -> None:
    what = scene.one(elements(root)[1:])
    twin = copy.deepcopy(what)
    if scene.rng.random() < 0.5:
        what.addnext(twin)
    else:
        into = scene.one(elements(root))
        into.insert(scene.rng.randint(0, len(into)), twin)


@TRICKS.on_tree
def remove(root: etree._Element, scene: Scene) -> None:
    detach(scene.one(elements(root)[1:]))


@TRICKS.on_tree
def swap(root: etree._Element, scene: Scene) -> None:
    first = scene.one(elements(root)[1:])
    second = found(first.getnext())
    second.addnext(first)


@TRICKS.on_tree
def put_around(root: etree._Element, scene: Scene) -> None:
    """An element within a new one."""
    what = scene.one(elements(root)[1:])
    around = etree.Element(
        scene.one((saml("Advice"), samlp("Extensions"), ds("Object"), samlp("Response"), "x", what.tag))
    )
    found(what.getparent()).replace(what, around)
    what.tail = None
    around.append(what)


@TRICKS.on_tree
def unwrap(root: etree._Element, scene: Scene) -> None:
    """An element's children in its place."""
    what = scene.one([one for one in elements(root)[1:] if len(one)])
    for child in list(what):
        what.addprevious(child)
    detach(what)


@TRICKS.on_tree
def rename(root: etree._Element, scene: Scene) -> None:
    what = scene.one(elements(root))
    name = etree.QName(what)
    local = scene.one((name.localname, name.localname.lower(), "Assertion", "NameID", "Response", "Signature"))
    space = scene.one((name.namespace, name.namespace, "urn:oasis:names:tc:SAML:1.0:assertion", None))
    what.tag = f"{{{space}}}{local}" if space else local


@TRICKS.harmless_on_tree
def outside_the_assertion(root: etree._Element, scene: Scene) -> None:
    """The envelope is nobody's where the Response is not signed."""
    what = scene.rng.randrange(5)
    if what == 0:
        root.set("InResponseTo", scene.one(("", "_stolen")))
    elif what == 1:
        root.set("Destination", "https://evil.example/acs")
    elif what == 2:
        root.set("ID", scene.one(("_other", "##x", "é", " _x")))
    elif what == 3:
        issuer = found(root.find(saml("Issuer")))
        issuer.text = "https://evil.example/idp"
    else:
        status = found(root.find(samlp("Status")))
        detail = etree.SubElement(status, samlp("StatusDetail"))
        etree.SubElement(detail, scene.one((ds("DigestValue"), "decoy")), Id=scene.one(("_a", "_b"))).text = "AAAA"
