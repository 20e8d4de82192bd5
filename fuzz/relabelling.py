"""Identifiers, attributes, and what a signature says of itself."""

import copy

from lxml import etree

from fuzz import keys, signers
from fuzz.mutating import Tricks
from fuzz.scene import (
    EVIL,
    Scene,
    assertion,
    detach,
    ds,
    elements,
    own_signature,
    saml,
    sign_anew,
    signatures,
    signed_element,
    statement,
)
from vestibule.xml.signature import DIGESTS, EXC_C14N, METHODS

TRICKS = Tricks()


@TRICKS.on_tree
def foreign_identifier(root: etree._Element, scene: Scene) -> None:
    """Identifiers of other vocabularies, with the signed element's value or another."""
    signed = signed_element(scene, root)
    names = ("ID", "Id", "id", "AssertionID", "{http://www.w3.org/XML/1998/namespace}id", "{urn:x}ID", "{urn:x}Id")
    what = scene.one(elements(root))
    what.set(scene.one(names), scene.one((signed.get("ID", ""), "_free", "")))


@TRICKS.on_tree
def other_identifier(root: etree._Element, scene: Scene) -> None:
    what = signed_element(scene, root)
    own = what.get("ID", "")
    odd = (
        f"{own} ",
        f" {own}",
        f"{own} x",
        f"x {own}",
        "##",
        f"#{own}",
        "%41",
        "a%20b",
        "it's",
        "a'b'c",
        "a)b",
        "x')|id('y",
        '"',
        "1a",
        "a:b",
        "a.b~c",
    )
    value = scene.one((own.upper(), "", "_x", *odd))
    what.set("ID", value)
    if scene.rng.random() < 0.5:
        sign_anew(root, scene)
    elif scene.rng.random() < 0.5:
        for reference in own_signature(what).iter(ds("Reference")):
            reference.set("URI", f"#{value}")


@TRICKS.on_tree
def change_attribute(root: etree._Element, scene: Scene) -> None:
    what = scene.one([one for one in elements(root) if one.attrib])
    name = scene.one(list(what.attrib))
    value = what.attrib[name]
    what.set(name, scene.one((value + " ", value[:-1], value.swapcase(), "", EVIL, " " + value, value + "\n")))


@TRICKS.on_tree
def remove_attribute(root: etree._Element, scene: Scene) -> None:
    what = scene.one([one for one in elements(root) if one.attrib])
    del what.attrib[scene.one(list(what.attrib))]


@TRICKS.on_tree
def schema_instance(root: etree._Element, scene: Scene) -> None:
    """`xsi:nil` and `xsi:type` where they change what some readers see."""
    xsi = "{http://www.w3.org/2001/XMLSchema-instance}"
    what = scene.one([*root.iter(saml("AttributeValue")), *root.iter(saml("NameID")), *elements(root)])
    if scene.rng.random() < 0.5:
        what.set(f"{xsi}nil", scene.one(("true", "1", "false")))
    else:
        what.set(f"{xsi}type", scene.one(("xs:string", "xs:anyType", "saml:NameIDType", "nobody:x")))
    if scene.rng.random() < 0.5:
        sign_anew(root, scene)


@TRICKS.on_tree
def reference_uri(root: etree._Element, scene: Scene) -> None:
    reference = scene.one(list(root.iter(ds("Reference"))))
    own = reference.get("URI", "")
    values = (
        "",
        "#",
        own + " ",
        "#xpointer(/)",
        f"#xpointer(id('{own[1:]}'))",
        "#_evil",
        "file:///etc/hostname",
        own[1:],
    )
    if scene.rng.random() < 0.15:
        reference.attrib.pop("URI", None)
    else:
        reference.set("URI", scene.one((*values, *(f"#{one.get('ID')}" for one in root.iter() if one.get("ID")))))


@TRICKS.on_tree
def transforms(root: etree._Element, scene: Scene) -> None:
    """Removed, repeated, turned round, replaced."""
    place = scene.one(list(root.iter(ds("Transforms"))))
    names = (
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        EXC_C14N,
        EXC_C14N + "WithComments",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
    )
    what = scene.rng.randrange(4)
    if what == 0:
        place.insert(scene.rng.randint(0, len(place)), etree.Element(ds("Transform"), Algorithm=scene.one(names)))
    elif what == 1:
        detach(scene.one(list(place)))
    elif what == 2:
        place[:] = reversed(place)
    else:
        scene.one(list(place)).set("Algorithm", scene.one(names))


@TRICKS.on_tree
def algorithms(root: etree._Element, scene: Scene) -> None:
    which = scene.one((ds("SignatureMethod"), ds("DigestMethod"), ds("CanonicalizationMethod")))
    weak = (
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "",
    )
    scene.one(list(root.iter(which))).set("Algorithm", scene.one((*METHODS, *DIGESTS, *weak)))


@TRICKS.on_tree
def prefix_list(root: etree._Element, scene: Scene) -> None:
    """Prefixes added to, taken from, or written otherwise in a PrefixList; or a list where there was none."""
    name = f"{{{EXC_C14N}}}InclusiveNamespaces"
    place = scene.one([*root.iter(ds("CanonicalizationMethod")), *list(root.iter(ds("Transform")))[1::2]])
    parameter = place.find(name)
    if parameter is None:
        parameter = etree.SubElement(place, name, PrefixList="")
    listed = parameter.get("PrefixList", "")
    parameter.set(
        "PrefixList",
        scene.one(
            (
                "",
                "#default",
                f"{listed} saml",
                f" {listed}  ds ",
                listed.replace(" ", "\n"),
                f"{listed}\txs",
                f"{listed}\u00a0xs",
                "#DEFAULT",
                " ".join(reversed(listed.split())),
                "a:b",
                "xml xmlns",
            )
        ),
    )


@TRICKS.on_tree
def signed_with_an_odd_prefix_list(root: etree._Element, scene: Scene) -> None:
    """The key itself signs with a list whose parting is not a space: readers may differ on which prefixes it names."""
    for signature in signatures(root):
        detach(signature)
    place = scene.one((root, assertion(root)))
    known = [prefix or "#default" for prefix in place.nsmap]
    parting = scene.one(("\n", "\t", "  ", "\u00a0", "\u3000", " \r\n", ","))
    listed = parting.join(scene.rng.sample([*known, "xs", "saml", "#default"], scene.rng.randint(2, 3)))
    signers.sign_anew(
        place, scene.pair, scene.one((listed, f" {listed}", f"{listed} ")), for_signed_info=scene.rng.random() < 0.5
    )
    scene.signed.extend(statement(root))


@TRICKS.on_tree
def second_of_its_kind(root: etree._Element, scene: Scene) -> None:
    """A second SignedInfo, Reference, DigestValue, SignatureValue or Signature, before or behind the first."""
    names = ("SignedInfo", "Reference", "DigestValue", "SignatureValue", "Signature", "Transforms", "KeyInfo")
    what = scene.one(list(root.iter(ds(scene.one(names)))))
    twin = copy.deepcopy(what)
    twin.tail = None
    if scene.rng.random() < 0.5:
        what.addprevious(twin)
    else:
        what.addnext(twin)


@TRICKS.harmless_on_tree
def key_info(root: etree._Element, scene: Scene) -> None:
    """Another key in KeyInfo, or none: nobody should look at it."""
    signature = scene.one(signatures(root))
    for old in signature.findall(ds("KeyInfo")):
        detach(old)
    if scene.rng.random() < 0.7:
        info = etree.SubElement(signature, ds("KeyInfo"))
        if scene.rng.random() < 0.5:
            body = "".join(keys.pair(keys.ATTACKER).certificate_pem.splitlines()[1:-1])
            etree.SubElement(etree.SubElement(info, ds("X509Data")), ds("X509Certificate")).text = body
        else:
            etree.SubElement(info, ds("KeyName")).text = scene.one(("file:///etc/hostname", "key", ""))


@TRICKS.on_tree
def signature_attribute(root: etree._Element, scene: Scene) -> None:
    what = scene.one([one for signature in signatures(root) for one in elements(signature)])
    what.set(
        scene.one(("Id", "Type", "Encoding", "{urn:x}y")),
        scene.one(("_sig", "http://www.w3.org/2000/09/xmldsig#Object")),
    )
