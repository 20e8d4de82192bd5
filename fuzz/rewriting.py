"""Namespaces, text, white space and octets: the same document written otherwise, or nearly the same."""

from lxml import etree

from fuzz.mutating import Tricks
from fuzz.scene import START_TAG, TEXT, NotHere, Scene, assertion, signatures

TRICKS = Tricks()


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


@TRICKS.on_text
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


@TRICKS.harmless_on_text
def declare_again(document: str, scene: Scene) -> str:
    """A declaration that nothing uses, or that says what holds anyway."""
    pairs = [part.split(">")[0].split(" ")[0] for part in document.split(" xmlns:")[1:]]
    at, _ = _start_tag(document, scene)
    if pairs and scene.rng.random() < 0.6:
        return f"{document[:at]} xmlns:{scene.one(pairs).rstrip('/')}{document[at:]}"
    return f'{document[:at]} xmlns:unused="urn:unused"{document[at:]}'


@TRICKS.on_tree
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


@TRICKS.harmless_on_tree
def declarations_moved(root: etree._Element, scene: Scene) -> None:
    """Redundant declarations taken out, others moved to the root, which exclusive canonical form does not mind."""
    etree.cleanup_namespaces(root, top_nsmap={"fresh": "urn:fresh"}, keep_ns_prefixes=["xs", "xsd", "xsi"])


def _in_text(document: str, scene: Scene, middle: str) -> str:
    span = scene.one(list(TEXT.finditer(document)))
    at = scene.rng.randint(span.start(), span.end())
    return document[:at] + middle + document[at:]


@TRICKS.on_text
def comment(document: str, scene: Scene) -> str:
    """Canonical form drops it, and what a reader makes of the text around it differs."""
    return _in_text(
        document, scene, scene.one(("<!---->", "<!-- x -->", "<!--<saml:NameID>-->", "<!-->", "<?x?>", "<?x y?>"))
    )


@TRICKS.on_text
def comment_in_name(document: str, scene: Scene) -> str:
    at = document.find("@acme.example<")
    if at < 0:
        raise NotHere
    return document[:at] + scene.one(("<!---->", "<?pi?>", "<![CDATA[]]>", "<x/>")) + document[at:]


@TRICKS.harmless_on_text
def cdata(document: str, scene: Scene) -> str:
    """A stretch of text as CDATA."""
    spans = [
        span for span in TEXT.finditer(document) if "&" not in span[0] and "\r" not in span[0] and "]]" not in span[0]
    ]
    span = scene.one(spans)
    start = scene.rng.randint(span.start(), span.end())
    end = scene.rng.randint(start, span.end())
    return f"{document[:start]}<![CDATA[{document[start:end]}]]>{document[end:]}"


@TRICKS.harmless_on_text
def reference(document: str, scene: Scene) -> str:
    """One character of text or of an attribute's value as a reference to it."""
    places = [at for at, char in enumerate(document) if char.isalnum() or char in "@.:/-"]
    span = scene.one([*TEXT.finditer(document)][:200])
    within = [at for at in range(span.start(), span.end()) if document[at].isalnum()]
    at = scene.one(within) if scene.rng.random() < 0.7 else scene.one(places)
    number = ord(document[at])
    written = scene.one((f"&#{number};", f"&#x{number:x};", f"&#00{number};"))
    return document[:at] + written + document[at + 1 :]


@TRICKS.on_text
def entity(document: str, scene: Scene) -> str:
    """Predefined entities, undeclared ones, and characters that may not be referred to."""
    return _in_text(
        document, scene, scene.one(("&amp;", "&lt;", "&nbsp;", "&#0;", "&#xD;", "&#xFFFE;", "&#x41;", "&x;"))
    )


@TRICKS.on_text
def doctype(document: str, scene: Scene) -> str:
    declared = scene.one(
        ('<!DOCTYPE x [<!ENTITY i "_evil">]>', "<!DOCTYPE x>", "<!DOCTYPE x [<!ATTLIST x ID ID #IMPLIED>]>")
    )
    at = document.find("?>") + 2 if document.startswith("<?xml") else 0
    return document[:at] + declared + document[at:]


@TRICKS.harmless_on_text
def white_space_in_tag(document: str, scene: Scene) -> str:
    at, end = _start_tag(document, scene)
    place = scene.one((at, end - 1 - (document[end - 2] == "/")))
    return document[:place] + scene.one((" ", "\n", "\t", "\r\n")) + document[place:]


@TRICKS.on_text
def white_space(document: str, scene: Scene) -> str:
    """Between tags, in values, in base64."""
    spaces = (" ", "\n", "\t", "\r", "&#13;", "&#10;", "\u00a0", "\u3000", "\u200b", "\u0085")
    if scene.rng.random() < 0.5:
        return _in_text(document, scene, scene.one(spaces))
    at = scene.one([at for at, char in enumerate(document) if char == ">"]) + 1
    return document[:at] + scene.one(spaces) + document[at:]


@TRICKS.harmless_on_text
def white_space_in_base64(document: str, scene: Scene) -> str:
    """SignatureValue is not signed: white space in it is nobody's business."""
    at = document.find("SignatureValue>") + 15
    end = document.find("<", at)
    if at < 15 or end < at:
        raise NotHere
    place = scene.rng.randint(at, end)
    return document[:place] + scene.one((" ", "\n", "\t", "\r\n", "&#13;\n", "  \n")) + document[place:]


@TRICKS.harmless_on_text
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


@TRICKS.harmless_on_text
def quotes(document: str, scene: Scene) -> str:
    """The other kind of quotation mark around some value."""
    at = scene.one([at for at in range(1, len(document)) if document[at] == '"' and document[at - 1] == "="])
    end = document.index('"', at + 1)
    if "'" in document[at:end]:
        raise NotHere
    return f"{document[:at]}'{document[at + 1 : end]}'{document[end + 1 :]}"


@TRICKS.harmless_on_text
def empty_element(document: str, scene: Scene) -> str:
    """`<a/>` as `<a></a>`."""
    tag = scene.one([one for one in START_TAG.finditer(document) if one[0].endswith("/>")])
    name = tag[0][1:-2].split()[0]
    return f"{document[: tag.end() - 2]}></{name}>{document[tag.end() :]}"


@TRICKS.harmless_on_text
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


@TRICKS.on_octets
def octets_flip(document: bytes, scene: Scene) -> bytes:
    changed = bytearray(document)
    for _ in range(scene.rng.choice((1, 1, 1, 3))):
        if not changed:
            raise NotHere
        changed[scene.rng.randrange(len(changed))] ^= 1 << scene.rng.randrange(8)
    return bytes(changed)


@TRICKS.on_octets
def octets_cut(document: bytes, scene: Scene) -> bytes:
    at = scene.rng.randint(0, len(document))
    return document[:at] + document[at + scene.rng.choice((1, 1, 2, 5, 40, 4000)) :]


@TRICKS.on_octets
def octets_repeat(document: bytes, scene: Scene) -> bytes:
    at = scene.rng.randint(0, len(document))
    return document[: at + scene.rng.choice((1, 2, 20, 400))] + document[at:]


@TRICKS.on_octets
def octets_insert(document: bytes, scene: Scene) -> bytes:
    pieces = (b"\0", b"\xff", b"<", b">", b"&", b"'", b'"', b"]]>", b"x", b"\xc3\xa9", b"\xed\xa0\x80", b"/", b"=")
    at = scene.rng.randint(0, len(document))
    return document[:at] + scene.rng.choice(pieces) + document[at:]


@TRICKS.on_octets
def octets_truncate(document: bytes, scene: Scene) -> bytes:
    return document[: scene.rng.randint(0, len(document))]
