"""XML as text, in every way that means the same: prefixes, declarations, quotes, references, CDATA, white space."""

from dataclasses import dataclass, field
from random import Random

Name = tuple[str | None, str]
"""A namespace name (None for none) and a local name."""


@dataclass(slots=True, kw_only=True)
class Element:
    """An element to be written. `slot`: a mark that is written behind the first child, where a signature will stand.

    `mark`: written before and behind the element in slots of its own, so that it is found again in the text.
    `type_name`: an `xsi:type` of XML Schema, which needs the prefix that is in scope where it is written.
    """

    name: Name
    attributes: list[tuple[Name, str]] = field(default_factory=list)
    content: "list[Element | str]" = field(default_factory=list)
    declares: tuple[str, ...] = ()
    type_name: str | None = None
    slot: str = ""
    mark: str = ""
    mixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How often, from 0 to 1, the writer does a thing that changes nothing of what is said."""

    references: float = 0.0
    cdata: float = 0.0
    single_quotes: float = 0.0
    spaced_tags: float = 0.0
    declares_again: float = 0.0
    other_prefix: float = 0.0
    shuffles: float = 0.0
    long_empty: float = 0.3
    indent: str | None = None


@dataclass(slots=True, kw_only=True)
class Writer:
    """Writes elements for one document. `prefixes`: by namespace name; "" is the default namespace."""

    rng: Random
    prefixes: dict[str, str]
    habits: Habits
    xs: str
    xsi: str
    _count: int = 0

    def text(self, element: Element) -> str:
        """The element and all within."""
        return self._written(element, {}, 0)

    def _marked(self, element: Element, scope: dict[str, str], depth: int) -> str:
        written = self._written(element, scope, depth)
        return f"\ue000[{element.mark}\ue001{written}\ue000]{element.mark}\ue001" if element.mark else written

    def _chance(self, odds: float) -> bool:
        return odds > 0 and self.rng.random() < odds

    def _written(self, element: Element, scope: dict[str, str], depth: int) -> str:
        scope = dict(scope)
        declared: dict[str, str] = {}
        for namespace in element.declares:
            self._declare(namespace, self.prefixes[namespace], scope, declared)
        tag = self._qualified(element.name, scope, declared, attribute=False)
        attributes = [
            (self._qualified(name, scope, declared, attribute=True), value) for name, value in element.attributes
        ]
        if element.type_name is not None:
            kind = self._qualified((self.xs, element.type_name), scope, declared, attribute=True)
            attributes.append((self._qualified((self.xsi, "type"), scope, declared, attribute=True), kind))
        if scope and self._chance(self.habits.declares_again):
            prefix = self.rng.choice(sorted(scope))
            declared.setdefault(prefix, scope[prefix])
        pairs = [(f"xmlns:{prefix}" if prefix else "xmlns", name) for prefix, name in declared.items()]
        pairs = [*attributes, *pairs] if self.rng.random() < 0.5 else [*pairs, *attributes]
        if self._chance(self.habits.shuffles):
            self.rng.shuffle(pairs)
        head = tag + "".join(self._gap() + self._attribute(name, value) for name, value in pairs)
        head += self._gap().lstrip(" ") if self._chance(self.habits.spaced_tags) else ""
        inside = self._inside(element, scope, depth)
        if not inside and not self._chance(self.habits.long_empty):
            return f"<{head}/>"
        return f"<{head}>{inside}</{tag}>"

    def _inside(self, element: Element, scope: dict[str, str], depth: int) -> str:
        indent = self.habits.indent
        is_tree = (
            indent is not None and not element.mixed and any(isinstance(part, Element) for part in element.content)
        )
        line = f"\n{(indent or '') * (depth + 1)}" if is_tree else ""
        written: list[str] = []
        for number, part in enumerate(element.content):
            written.append(line)
            written.append(self._characters(part) if isinstance(part, str) else self._marked(part, scope, depth + 1))
            if number == 0 and element.slot:
                written.append(line + element.slot)
        if is_tree:
            written.append(f"\n{(indent or '') * depth}")
        return "".join(written)

    def _qualified(self, name: Name, scope: dict[str, str], declared: dict[str, str], *, attribute: bool) -> str:
        """The name with a prefix that is bound to its namespace where it stands, declared here if it is not yet."""
        namespace, local = name
        if namespace is None:
            if not attribute and scope.get(""):
                scope[""] = declared[""] = ""
            return local
        if namespace == "http://www.w3.org/XML/1998/namespace":
            return f"xml:{local}"
        prefix = self.prefixes.get(namespace)
        if prefix is None or (prefix == "" and attribute):
            prefix = f"q{len(self.prefixes)}" if prefix is None else "qq"
            self.prefixes.setdefault(namespace, prefix)
        elif self._chance(self.habits.other_prefix) and not declared:
            self._count += 1
            prefix = f"p{self._count}"
        self._declare(namespace, prefix, scope, declared)
        return f"{prefix}:{local}" if prefix else local

    def _declare(self, namespace: str, prefix: str, scope: dict[str, str], declared: dict[str, str]) -> None:
        if scope.get(prefix) != namespace:
            scope[prefix] = declared[prefix] = namespace

    def _gap(self) -> str:
        return self.rng.choice(["  ", "\n", "\t", " \r\n "]) if self._chance(self.habits.spaced_tags) else " "

    def _attribute(self, name: str, value: str) -> str:
        quote = "'" if self._chance(self.habits.single_quotes) else '"'
        around = self.rng.choice(["=", " = ", "\n= "]) if self._chance(self.habits.spaced_tags) else "="
        escapes = {"&": "&amp;", "<": "&lt;", quote: "&quot;" if quote == '"' else "&apos;"}
        escapes |= {"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
        written = self._escaped(value, escapes)
        return f"{name}{around}{quote}{written}{quote}"

    def _characters(self, text: str) -> str:
        if text and "\r" not in text and "]]>" not in text and self._chance(self.habits.cdata):
            cut = self.rng.randint(0, len(text) - 1)
            return f"{self._plain(text[:cut])}<![CDATA[{text[cut:]}]]>"
        return self._plain(text)

    def _plain(self, text: str) -> str:
        return self._escaped(text, {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})

    def _escaped(self, text: str, escapes: dict[str, str]) -> str:
        if self.habits.references == 0:
            return text.translate(str.maketrans(escapes))
        return "".join(escapes.get(char) or self._character(char) for char in text)

    def _character(self, char: str) -> str:
        if not self._chance(self.habits.references):
            return char
        number = ord(char)
        return self.rng.choice([f"&#{number};", f"&#x{number:x};", f"&#x{number:04X};", f"&#0{number};"])
