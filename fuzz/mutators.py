"""What an attacker, or a careless machine between, does to a signed document: one function a trick."""

import copy
from collections.abc import Callable
from functools import wraps

import xmlsec
from lxml import etree

from fuzz import keys, signers
from fuzz.scene import (
    EVIL,
    START_TAG,
    TEXT,
    NotHere,
    Scene,
    assertion,
    detach,
    ds,
    elements,
    found,
    octets,
    own_signature,
    saml,
    samlp,
    signatures,
    signed_element,
    statement,
    text,
    tree,
)
from vestibule.ground.errors import Refused
from vestibule.xml.signature import DIGESTS, EXC_C14N, METHODS

Mutator = Callable[[bytes, Scene], bytes]
HARMLESS: dict[str, Mutator] = {}
"""Those that leave most documents as good as they were: so the profile goes on to say who is believed."""
HOSTILE: dict[str, Mutator] = {}


def _listed(table: dict[str, Mutator], name: str, mutator: Mutator) -> None:
    table[name.removeprefix("_")] = mutator


def _on_tree(table: dict[str, Mutator]) -> Callable[[Callable[[etree._Element, Scene], None]], None]:
    """A trick on the tree: it changes the root in place."""

    def listed(trick: Callable[[etree._Element, Scene], None]) -> None:
        @wraps(trick)
        def mutator(document: bytes, scene: Scene) -> bytes:
            root = tree(document)
            try:
                trick(root, scene)
            except (ValueError, TypeError, Refused, xmlsec.Error):  # a place where a thing cannot stand, or be signed
                raise NotHere from None
            return octets(root)

        _listed(table, trick.__name__, mutator)

    return listed


def _on_text(table: dict[str, Mutator]) -> Callable[[Callable[[str, Scene], str]], None]:
    """A trick on the text of the document."""

    def listed(trick: Callable[[str, Scene], str]) -> None:
        @wraps(trick)
        def mutator(document: bytes, scene: Scene) -> bytes:
            return trick(text(document), scene).encode("utf-8", "surrogatepass")

        _listed(table, trick.__name__, mutator)

    return listed


# -- wrapping: the signed element somewhere, a forged one where it was -----------------------------------------------------


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


@_on_tree(HOSTILE)
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


@_on_tree(HOSTILE)
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


@_on_tree(HOSTILE)
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


@_on_tree(HOSTILE)
def forge_in_place(root: etree._Element, scene: Scene) -> None:
    """Another name under the signature that is there."""
    name = scene.one([*root.iter(saml("NameID")), *root.iter(saml("AttributeValue"))])
    name.text = EVIL


# -- splicing two valid documents ------------------------------------------------------------------------------------------


@_on_tree(HOSTILE)
def signature_of_another(root: etree._Element, scene: Scene) -> None:
    mine = scene.one(signatures(root))
    theirs = scene.one(signatures(tree(scene.other())))
    theirs.tail = mine.tail
    found(mine.getparent()).replace(mine, theirs)


@_on_tree(HARMLESS)
def assertion_of_another(root: etree._Element, scene: Scene) -> None:
    """An assertion that is good by itself, in this envelope."""
    mine, theirs = assertion(root), assertion(tree(scene.other()))
    theirs.tail = mine.tail
    found(mine.getparent()).replace(mine, theirs)


@_on_tree(HOSTILE)
def assertion_of_another_beside(root: etree._Element, scene: Scene) -> None:
    theirs = assertion(tree(scene.other()))
    theirs.tail = None
    root.insert(scene.rng.randint(0, len(root)), theirs)


@_on_tree(HOSTILE)
def part_of_another(root: etree._Element, scene: Scene) -> None:
    """Some element of another document in place of this one's of the same name."""
    theirs = scene.one(elements(tree(scene.other()))[1:])
    mine = scene.one([one for one in root.iter(theirs.tag) if one.getparent() is not None])
    theirs.tail = mine.tail
    found(mine.getparent()).replace(mine, theirs)


@_on_tree(HARMLESS)
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
        _sign_anew(root, scene)


@_on_tree(HOSTILE)
def their_id(root: etree._Element, scene: Scene) -> None:
    """The identifiers of another document, so that its signatures seem to be about this one."""
    other = tree(scene.other())
    assertion(root).set("ID", assertion(other).get("ID", ""))
    if scene.rng.random() < 0.5:
        root.set("ID", other.get("ID", ""))


def _sign_anew(root: etree._Element, scene: Scene, key: keys.Pair | None = None) -> None:
    """As the identity provider itself would, had it written this: then the document is good, whatever is in it."""
    for place in (assertion(root), root):
        if any(signature.getparent() is place for signature in signatures(root)):
            for signature in place.findall(ds("Signature")):
                detach(signature)
            signers.sign_anew(place, key or scene.pair)
    if key is None:
        scene.signed.extend(statement(root))


@_on_tree(HOSTILE)
def signed_by_the_attacker(root: etree._Element, scene: Scene) -> None:
    found(next(root.iter(saml("NameID")), None)).text = EVIL
    _sign_anew(root, scene, keys.pair(keys.ATTACKER))


# -- moving elements about -------------------------------------------------------------------------------------------------


@_on_tree(HOSTILE)
def move(root: etree._Element, scene: Scene) -> None:
    what = detach(scene.one(elements(root)[1:]))
    into = scene.one(elements(root))
    into.insert(scene.rng.randint(0, len(into)), what)


@_on_tree(HOSTILE)
def duplicate(root: etree._Element, scene: Scene) -> None:
    what = scene.one(elements(root)[1:])
    twin = copy.deepcopy(what)
    if scene.rng.random() < 0.5:
        what.addnext(twin)
    else:
        into = scene.one(elements(root))
        into.insert(scene.rng.randint(0, len(into)), twin)


@_on_tree(HOSTILE)
def remove(root: etree._Element, scene: Scene) -> None:
    detach(scene.one(elements(root)[1:]))


@_on_tree(HOSTILE)
def swap(root: etree._Element, scene: Scene) -> None:
    first = scene.one(elements(root)[1:])
    second = found(first.getnext())
    second.addnext(first)


@_on_tree(HOSTILE)
def put_around(root: etree._Element, scene: Scene) -> None:
    """An element within a new one."""
    what = scene.one(elements(root)[1:])
    around = etree.Element(
        scene.one((saml("Advice"), samlp("Extensions"), ds("Object"), samlp("Response"), "x", what.tag))
    )
    found(what.getparent()).replace(what, around)
    what.tail = None
    around.append(what)


@_on_tree(HOSTILE)
def unwrap(root: etree._Element, scene: Scene) -> None:
    """An element's children in its place."""
    what = scene.one([one for one in elements(root)[1:] if len(one)])
    for child in list(what):
        what.addprevious(child)
    detach(what)


@_on_tree(HOSTILE)
def rename(root: etree._Element, scene: Scene) -> None:
    what = scene.one(elements(root))
    name = etree.QName(what)
    local = scene.one((name.localname, name.localname.lower(), "Assertion", "NameID", "Response", "Signature"))
    space = scene.one((name.namespace, name.namespace, "urn:oasis:names:tc:SAML:1.0:assertion", None))
    what.tag = f"{{{space}}}{local}" if space else local


@_on_tree(HARMLESS)
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


# -- attributes and identifiers --------------------------------------------------------------------------------------------


@_on_tree(HOSTILE)
def foreign_identifier(root: etree._Element, scene: Scene) -> None:
    """Identifiers of other vocabularies, with the signed element's value or another."""
    signed = signed_element(scene, root)
    names = ("ID", "Id", "id", "AssertionID", "{http://www.w3.org/XML/1998/namespace}id", "{urn:x}ID", "{urn:x}Id")
    what = scene.one(elements(root))
    what.set(scene.one(names), scene.one((signed.get("ID", ""), "_free", "")))


@_on_tree(HOSTILE)
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
        _sign_anew(root, scene)
    elif scene.rng.random() < 0.5:
        for reference in own_signature(what).iter(ds("Reference")):
            reference.set("URI", f"#{value}")


@_on_tree(HOSTILE)
def change_attribute(root: etree._Element, scene: Scene) -> None:
    what = scene.one([one for one in elements(root) if one.attrib])
    name = scene.one(list(what.attrib))
    value = what.attrib[name]
    what.set(name, scene.one((value + " ", value[:-1], value.swapcase(), "", EVIL, " " + value, value + "\n")))


@_on_tree(HOSTILE)
def remove_attribute(root: etree._Element, scene: Scene) -> None:
    what = scene.one([one for one in elements(root) if one.attrib])
    del what.attrib[scene.one(list(what.attrib))]


@_on_tree(HOSTILE)
def schema_instance(root: etree._Element, scene: Scene) -> None:
    """`xsi:nil` and `xsi:type` where they change what some readers see."""
    xsi = "{http://www.w3.org/2001/XMLSchema-instance}"
    what = scene.one([*root.iter(saml("AttributeValue")), *root.iter(saml("NameID")), *elements(root)])
    if scene.rng.random() < 0.5:
        what.set(f"{xsi}nil", scene.one(("true", "1", "false")))
    else:
        what.set(f"{xsi}type", scene.one(("xs:string", "xs:anyType", "saml:NameIDType", "nobody:x")))
    if scene.rng.random() < 0.5:
        _sign_anew(root, scene)


# -- what the signature says of itself ---------------------------------------------------------------------------------------


@_on_tree(HOSTILE)
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


@_on_tree(HOSTILE)
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


@_on_tree(HOSTILE)
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


@_on_tree(HOSTILE)
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


@_on_tree(HOSTILE)
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


@_on_tree(HOSTILE)
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


@_on_tree(HARMLESS)
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


@_on_tree(HOSTILE)
def signature_attribute(root: etree._Element, scene: Scene) -> None:
    what = scene.one([one for signature in signatures(root) for one in elements(signature)])
    what.set(
        scene.one(("Id", "Type", "Encoding", "{urn:x}y")),
        scene.one(("_sig", "http://www.w3.org/2000/09/xmldsig#Object")),
    )


# -- namespaces ------------------------------------------------------------------------------------------------------------


def _start_tag(document: str, scene: Scene) -> tuple[int, int]:
    """Where the name of some start tag ends, and where the tag does."""
    tag = scene.one(list(START_TAG.finditer(document)))
    name = tag.start() + 1
    while document[name] not in " \t\r\n/>":
        name += 1
    return name, tag.end()


def _declared(document: str, scene: Scene, name: str) -> str:
    at, _ = _start_tag(document, scene)
    prefixes = [part.split("=")[0].strip() for part in document.split("xmlns:")[1:]]
    prefix = scene.one((*prefixes, "fresh", "saml", "samlp", "ds", "xs", ""))
    if not 0 <= len(prefix) <= 40:
        raise NotHere
    return f"{document[:at]} xmlns{':' * bool(prefix)}{prefix}={name}{document[at:]}"


@_on_text(HOSTILE)
def rebind_prefix(document: str, scene: Scene) -> str:
    """A prefix bound to something else in between."""
    names = (
        "urn:evil",
        "",
        "relative",
        "urn:oasis:names:tc:SAML:2.0:assertion",
        "urn:oasis:names:tc:SAML:2.0:protocol",
        "http://www.w3.org/2000/09/xmldsig#",
        "http://www.w3.org/XML/1998/namespace",
    )
    return _declared(document, scene, f'"{scene.one(names)}"')


@_on_text(HARMLESS)
def declare_again(document: str, scene: Scene) -> str:
    """A declaration that nothing uses, or that says what holds anyway."""
    pairs = [part.split(">")[0].split(" ")[0] for part in document.split(" xmlns:")[1:]]
    at, _ = _start_tag(document, scene)
    if pairs and scene.rng.random() < 0.6:
        return f"{document[:at]} xmlns:{scene.one(pairs).rstrip('/')}{document[at:]}"
    return f'{document[:at]} xmlns:unused="urn:unused"{document[at:]}'


@_on_tree(HOSTILE)
def prefixes_anew(root: etree._Element, scene: Scene) -> None:
    """Other prefixes for the same namespaces, in the whole document or in a part of it."""
    what = scene.one([root, assertion(root), *signatures(root)])
    parent = what.getparent()
    twin = etree.Element(what.tag, nsmap={f"n{n}": space for n, space in enumerate(dict.fromkeys(what.nsmap.values()))})
    twin.text, twin.tail = what.text, what.tail
    for name, value in what.attrib.items():
        twin.set(name, value)
    twin.extend(list(what))
    if parent is None:
        raise NotHere
    parent.replace(what, twin)


@_on_tree(HARMLESS)
def declarations_moved(root: etree._Element, scene: Scene) -> None:
    """Redundant declarations taken out, others moved to the root, which exclusive canonical form does not mind."""
    etree.cleanup_namespaces(root, top_nsmap={"fresh": "urn:fresh"}, keep_ns_prefixes=["xs", "xsd", "xsi"])


# -- text ----------------------------------------------------------------------------------------------------------------------


def _in_text(document: str, scene: Scene, middle: str) -> str:
    span = scene.one(list(TEXT.finditer(document)))
    at = scene.rng.randint(span.start(), span.end())
    return document[:at] + middle + document[at:]


@_on_text(HOSTILE)
def comment(document: str, scene: Scene) -> str:
    """Canonical form drops it, and what a reader makes of the text around it differs."""
    return _in_text(
        document, scene, scene.one(("<!---->", "<!-- x -->", "<!--<saml:NameID>-->", "<!-->", "<?x?>", "<?x y?>"))
    )


@_on_text(HOSTILE)
def comment_in_name(document: str, scene: Scene) -> str:
    at = document.find("@acme.example<")
    if at < 0:
        raise NotHere
    return document[:at] + scene.one(("<!---->", "<?pi?>", "<![CDATA[]]>", "<x/>")) + document[at:]


@_on_text(HARMLESS)
def cdata(document: str, scene: Scene) -> str:
    """A stretch of text as CDATA."""
    spans = [
        span for span in TEXT.finditer(document) if "&" not in span[0] and "\r" not in span[0] and "]]" not in span[0]
    ]
    span = scene.one(spans)
    start = scene.rng.randint(span.start(), span.end())
    end = scene.rng.randint(start, span.end())
    return f"{document[:start]}<![CDATA[{document[start:end]}]]>{document[end:]}"


@_on_text(HARMLESS)
def reference(document: str, scene: Scene) -> str:
    """One character of text or of an attribute's value as a reference to it."""
    places = [at for at, char in enumerate(document) if char.isalnum() or char in "@.:/-"]
    span = scene.one([*TEXT.finditer(document)][:200])
    within = [at for at in range(span.start(), span.end()) if document[at].isalnum()]
    at = scene.one(within) if scene.rng.random() < 0.7 else scene.one(places)
    number = ord(document[at])
    written = scene.one((f"&#{number};", f"&#x{number:x};", f"&#00{number};"))
    return document[:at] + written + document[at + 1 :]


@_on_text(HOSTILE)
def entity(document: str, scene: Scene) -> str:
    """Predefined entities, undeclared ones, and characters that may not be referred to."""
    return _in_text(
        document, scene, scene.one(("&amp;", "&lt;", "&nbsp;", "&#0;", "&#xD;", "&#xFFFE;", "&#x41;", "&x;"))
    )


@_on_text(HOSTILE)
def doctype(document: str, scene: Scene) -> str:
    declared = scene.one(
        ('<!DOCTYPE x [<!ENTITY i "_evil">]>', "<!DOCTYPE x>", "<!DOCTYPE x [<!ATTLIST x ID ID #IMPLIED>]>")
    )
    at = document.find("?>") + 2 if document.startswith("<?xml") else 0
    return document[:at] + declared + document[at:]


@_on_text(HARMLESS)
def white_space_in_tag(document: str, scene: Scene) -> str:
    at, end = _start_tag(document, scene)
    place = scene.one((at, end - 1 - (document[end - 2] == "/")))
    return document[:place] + scene.one((" ", "\n", "\t", "\r\n")) + document[place:]


@_on_text(HOSTILE)
def white_space(document: str, scene: Scene) -> str:
    """Between tags, in values, in base64."""
    spaces = (" ", "\n", "\t", "\r", "&#13;", "&#10;", "\u00a0", "\u3000", "\u200b", "\u0085")
    if scene.rng.random() < 0.5:
        return _in_text(document, scene, scene.one(spaces))
    at = scene.one([at for at, char in enumerate(document) if char == ">"]) + 1
    return document[:at] + scene.one(spaces) + document[at:]


@_on_text(HARMLESS)
def white_space_in_base64(document: str, scene: Scene) -> str:
    """SignatureValue is not signed: white space in it is nobody's business."""
    at = document.find("SignatureValue>") + 15
    end = document.find("<", at)
    if at < 15 or end < at:
        raise NotHere
    place = scene.rng.randint(at, end)
    return document[:place] + scene.one((" ", "\n", "\t", "\r\n", "&#13;\n", "  \n")) + document[place:]


@_on_text(HARMLESS)
def around_the_document(document: str, scene: Scene) -> str:
    declaration = scene.one(
        (
            '<?xml version="1.0"?>',
            "<?xml version='1.0' encoding='utf-8'?>\n",
            '<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>',
            '<?xml version="1.1"?>',
            '<?xml version="1.0" encoding="ISO-8859-1"?>',
            "\ufeff",
            "",
        )
    )
    body = document[document.find("?>") + 2 :] if document.startswith("<?xml") else document
    return declaration + body + scene.one(("", "\n", " \t\r\n", "", "<!-- -->", "x"))


@_on_text(HARMLESS)
def quotes(document: str, scene: Scene) -> str:
    """The other kind of quotation mark around some value."""
    at = scene.one([at for at in range(1, len(document)) if document[at] == '"' and document[at - 1] == "="])
    end = document.index('"', at + 1)
    if "'" in document[at:end]:
        raise NotHere
    return f"{document[:at]}'{document[at + 1 : end]}'{document[end + 1 :]}"


@_on_text(HARMLESS)
def empty_element(document: str, scene: Scene) -> str:
    """`<a/>` as `<a></a>`."""
    tag = scene.one([one for one in START_TAG.finditer(document) if one[0].endswith("/>")])
    name = tag[0][1:-2].split()[0]
    return f"{document[: tag.end() - 2]}></{name}>{document[tag.end() :]}"


@_on_text(HARMLESS)
def attributes_turned(document: str, scene: Scene) -> str:
    """The last attribute of a tag first."""
    tag = scene.one([one for one in START_TAG.finditer(document) if one[0].count('="') > 1 and "'" not in one[0]])
    slash = "/" if tag[0].endswith("/>") else ""
    body = tag[0][1 : -1 - len(slash)].rstrip()
    cut = body.rfind(" ", 0, body.rfind('="'))
    head = body.split(" ", 1)
    if cut <= len(head[0]):
        raise NotHere
    turned = f"<{head[0]} {body[cut + 1 :]} {body[len(head[0]) + 1 : cut]}{slash}>"
    return document[: tag.start()] + turned + document[tag.end() :]


# -- octets ------------------------------------------------------------------------------------------------------------------


def _flip(document: bytes, scene: Scene) -> bytes:
    changed = bytearray(document)
    for _ in range(scene.rng.choice((1, 1, 1, 3))):
        if not changed:
            raise NotHere
        changed[scene.rng.randrange(len(changed))] ^= 1 << scene.rng.randrange(8)
    return bytes(changed)


def _cut(document: bytes, scene: Scene) -> bytes:
    at = scene.rng.randint(0, len(document))
    return document[:at] + document[at + scene.rng.choice((1, 1, 2, 5, 40, 4000)) :]


def _repeat(document: bytes, scene: Scene) -> bytes:
    at = scene.rng.randint(0, len(document))
    return document[: at + scene.rng.choice((1, 2, 20, 400))] + document[at:]


def _insert(document: bytes, scene: Scene) -> bytes:
    pieces = (b"\0", b"\xff", b"<", b">", b"&", b"'", b'"', b"]]>", b"x", b"\xc3\xa9", b"\xed\xa0\x80", b"/", b"=")
    at = scene.rng.randint(0, len(document))
    return document[:at] + scene.rng.choice(pieces) + document[at:]


def _truncate(document: bytes, scene: Scene) -> bytes:
    return document[: scene.rng.randint(0, len(document))]


for _name, _mutator in (
    ("flip", _flip),
    ("cut", _cut),
    ("repeat", _repeat),
    ("insert", _insert),
    ("truncate", _truncate),
):
    _listed(HOSTILE, f"octets_{_name}", _mutator)
