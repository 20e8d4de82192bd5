"""Every clause of a module, and every way to break one: the mutants of a source text, each a small change of its tree.

A clause is what decides: a condition, an operand of `and` or `or`, a comparison and its boundary, a bound, a row of a
table, a flag, a refusal, a call made for its effect. What a refusal says of itself (`why`, `want`, `got`) is prose, of
which only the code is a clause; annotations, decorators and docstrings are none either.
"""

import ast
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from mutants.changes import PROSE, SHORT_FORMS, Place, Slot, name_of, other_strings, replacements

_LONGEST = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one module. `module` is its path below the package, `where` the function that the clause is in.

    `change` is what was and what is, as text; together the three name a mutant for as long as its clause stands as it
    is, whatever line it moves to. `lines` are those of the statement, first and last; `early`: it runs at import.
    """

    module: str
    where: str
    change: str
    lines: tuple[int, int]
    early: bool
    code: Callable[[str], Any] = field(repr=False, compare=False)
    """The code object of the changed module, given its file name."""

    @property
    def id(self) -> str:
        """Eight characters to name it on a command line."""
        return hashlib.sha256(f"{self.module}\n{self.where}\n{self.change}".encode()).hexdigest()[:8]


def mutants(module: str, source: str) -> tuple[Mutant, ...]:
    """All mutants of a module's source, in the order of its text."""
    tree = ast.parse(source)
    seen: Counter[tuple[str, str]] = Counter()
    found: list[Mutant] = []
    for slot, node, new, place in _changes(tree):
        where = ".".join(place.path) or "<module>"
        change = _described(slot, node, new)
        seen[where, change] += 1
        if seen[where, change] > 1:
            change = f"{change} ({seen[where, change]})"
        found.append(
            Mutant(
                module=module,
                where=where,
                change=change,
                lines=place.lines,
                early=not place.called,
                code=_compiler(tree, slot, new),
            )
        )
    return tuple(found)


def unchanged(module: str, source: str) -> Mutant:
    """The module as it stands, to be tried like a mutant: what notices this notices nothing."""
    return Mutant(
        module=module,
        where="<module>",
        change="nothing",
        lines=(1, source.count("\n") + 1),
        early=True,
        code=lambda path: compile(source, path, "exec", dont_inherit=True),
    )


def _compiler(tree: ast.Module, slot: Slot, new: object) -> Callable[[str], Any]:
    def compiled(path: str) -> Any:
        was = slot.put(new)
        try:
            return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)
        finally:
            slot.put(was)

    return compiled


def _described(slot: Slot, node: Any, new: Any) -> str:
    """Before and after. A constant is shown with what holds it, since `False` alone says nothing."""
    if new is None or (isinstance(new, ast.Pass)):
        return f"{_short(ast.unparse(node))} → (removed)"
    shown: Any = node
    if isinstance(node, ast.For):
        return f"for {_short(ast.unparse(node.target))} in {_short(ast.unparse(node.iter))} → (never)"
    if isinstance(slot.holder, ast.arguments):
        return f"default {_short(ast.unparse(node))} → {_short(ast.unparse(new))}"
    if isinstance(slot.holder, ast.Call) and name_of(slot.holder) in PROSE | SHORT_FORMS:
        pass
    elif isinstance(node, ast.Constant) and isinstance(
        slot.holder, ast.expr | ast.keyword | ast.Assign | ast.AnnAssign
    ):
        shown = slot.holder
    if isinstance(node, ast.match_case):
        return f"case {_short(ast.unparse(node.pattern))} → (never)"
    if isinstance(node, ast.ExceptHandler):
        return f"except {_short(ast.unparse(node.type) if node.type else '')} → {_short(_handler(new))}"
    before = ast.unparse(shown)
    was = slot.put(new)
    after = ast.unparse(ast.fix_missing_locations(shown if shown is not node else new))
    slot.put(was)
    if len(before) > _LONGEST and shown is not node:
        before, after = ast.unparse(node), ast.unparse(new)
    gone = _dropped(node, new)
    return f"{_short(gone)} → (dropped)" if gone else f"{_short(before)} → {_short(after)}"


def _handler(handler: ast.ExceptHandler) -> str:
    only = ast.unparse(handler.type) if handler.type else ""
    return "raise" if isinstance(handler.body[0], ast.Raise) and handler.body[0].exc is None else f"except {only}"


def _dropped(node: Any, new: Any) -> str:
    """The element that a display has lost, as text."""
    if isinstance(node, ast.Dict) and isinstance(new, ast.Dict):
        (index,) = [at for at, key in enumerate(node.keys) if not any(key is kept for kept in new.keys)]
        key = node.keys[index]
        return f"{ast.unparse(key) if key is not None else '**'}: {ast.unparse(node.values[index])}"
    if isinstance(node, ast.Tuple | ast.List | ast.Set) and isinstance(new, type(node)) and new.elts:
        (element,) = [one for one in node.elts if not any(one is kept for kept in new.elts)]
        return ast.unparse(element)
    return ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


# -- the walk ------------------------------------------------------------------------------------------------------------


def _changes(tree: ast.Module) -> Iterator[tuple[Slot, Any, Any, Place]]:
    place = Place(lines=(1, 1), path=(), called=False, returns="")
    for index, statement in enumerate(tree.body):
        if isinstance(statement, ast.Import | ast.ImportFrom) or _is_alias(statement):
            continue
        yield from _visit(statement, Slot(tree, "body", index), place)


def _is_alias(statement: ast.stmt) -> bool:
    """`Check = Callable[…]`, `Key = A | B`, `T = TypeVar("T")`: names for types, which decide nothing."""
    if not isinstance(statement, ast.Assign):
        return False
    value = statement.value
    return (
        isinstance(value, ast.Subscript)
        or (isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr))
        or (isinstance(value, ast.Call) and name_of(value) in ("TypeVar", "NewType"))
    )


def _visit(node: ast.AST, slot: Slot, place: Place) -> Iterator[tuple[Slot, Any, Any, Place]]:
    if isinstance(node, ast.stmt):
        place = replace(place, lines=_lines(node))
        if _is_docstring(node):
            return
    for new in replacements(node, slot, place):
        yield slot, node, new, place
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inner = Place(
            lines=place.lines,
            path=(*place.path, node.name),
            called=True,
            returns="" if node.returns is None else ast.unparse(node.returns),
        )
        yield from _visit_defaults(node.args, place, inner.path)
        for index, child in enumerate(node.body):
            yield from _visit(child, Slot(node, "body", index), inner)
        return
    if isinstance(node, ast.ClassDef):
        inner = replace(place, path=(*place.path, node.name), returns="")
        for index, child in enumerate(node.body):
            yield from _visit(child, Slot(node, "body", index), inner)
        return
    if isinstance(node, ast.Call) and (name_of(node) in PROSE or name_of(node) in SHORT_FORMS):
        yield from _codes(node, place)
        return
    if isinstance(node, ast.match_case | ast.ExceptHandler):
        begin: int = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
        place = replace(place, lines=(begin, max(begin, node.body[0].lineno - 1)))
    for inner_node, where in _children(node):
        yield from _visit(inner_node, where, place)


def _visit_defaults(
    arguments: ast.arguments, place: Place, path: tuple[str, ...]
) -> Iterator[tuple[Slot, Any, Any, Place]]:
    at = replace(place, path=path)
    for name in ("defaults", "kw_defaults"):
        for index, default in enumerate(getattr(arguments, name)):
            if default is not None:
                yield from _visit(default, Slot(arguments, name, index), at)


def _codes(call: ast.Call, place: Place) -> Iterator[tuple[Slot, Any, Any, Place]]:
    """Of a refusal, its codes alone: what stands first, and whatever has a dot in it."""
    for index, argument in enumerate(call.args):
        if (
            isinstance(argument, ast.Constant)
            and isinstance(argument.value, str)
            and (index == 0 or "." in argument.value)
        ):
            slot = Slot(call, "args", index)
            for new in other_strings(argument.value):
                yield slot, argument, new, place
    for keyword in call.keywords:
        if keyword.arg in ("code", "error", "field") and isinstance(keyword.value, ast.Constant):
            for new in other_strings(str(keyword.value.value)):
                yield Slot(keyword, "value", None), keyword.value, new, place


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, Slot]]:
    skipped = {"annotation", "returns", "decorator_list", "type_params", "ctx", "op", "ops", "target", "targets"}
    for name, value in ast.iter_fields(node):
        if name in skipped or (name == "func" and isinstance(value, ast.Name)):
            continue
        if isinstance(value, ast.AST):
            yield value, Slot(node, name, None)
        elif isinstance(value, list):
            for index, child in enumerate(value):
                if isinstance(child, ast.AST) and not _is_no_clause(node, name, index, child):
                    yield child, Slot(node, name, index)


def _is_no_clause(holder: ast.AST, name: str, index: int, child: ast.AST) -> bool:
    """The literal parts of an f-string, the type in `cast`, and evidence handed on by keyword."""
    if isinstance(holder, ast.JoinedStr):
        return isinstance(child, ast.Constant)
    if isinstance(holder, ast.Call):
        if name_of(holder) == "cast" and name == "args" and index == 0:
            return True
        return isinstance(child, ast.keyword) and child.arg in ("why", "want", "got", "message", "sentence")
    return False


def _lines(statement: ast.stmt) -> tuple[int, int]:
    """A statement's lines; of one that holds others, those of its head."""
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    if not body:
        return statement.lineno, statement.end_lineno or statement.lineno
    first = body[0]
    begins = first.pattern.lineno if isinstance(first, ast.match_case) else first.lineno
    return statement.lineno, max(statement.lineno, begins - 1)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
