"""Every clause of a module, and every way to break one: the mutants of a source text, each a small change of its tree.

A clause is what decides: a condition, an operand of `and` or `or`, a comparison and its boundary, a bound, a row of a
table, a flag, a refusal, a call made for its effect. What a refusal says of itself (`why`, `want`, `got`) is prose, of
which only the code is a clause; annotations, decorators and docstrings are none either.
"""

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

PROSE = frozenset(
    {"Refused", "OAuthRefused", "AuthorizationRefused", "Failure", "Fault", "Objection", "Standing", "refuse"}
)
"""Calls that say what is wrong. Names that end so (`_refused`, `_misshapen`) are the modules' own short forms of them."""
_SHORT_FORMS = frozenset({"_refused", "_misshapen", "misshapen", "_too_large", "_not_one"})
_SWAPPED = {"any": "all", "all": "any", "min": "max", "max": "min"}
_SWAPPED_METHODS = {"startswith": "endswith", "endswith": "startswith", "fullmatch": "match"}
_TIDYING = frozenset(
    {"strip", "lstrip", "rstrip", "lower", "upper", "casefold", "removeprefix", "removesuffix", "replace", "translate"}
)
_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}
_REPETITION = re.compile(r"\{(\d+)(?:,(\d+))?\}")
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


@dataclass(frozen=True, slots=True)
class _Slot:
    """The place in the tree that a node stands at, so that another can be put there."""

    holder: ast.AST
    name: str
    index: int | None

    def put(self, node: object) -> object:
        """Put `node` here; what was here before comes back."""
        if self.index is None:
            was = getattr(self.holder, self.name)
            setattr(self.holder, self.name, node)
            return was
        there = getattr(self.holder, self.name)
        was = there[self.index]
        there[self.index] = node
        return was


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What surrounds a node: its statement's lines, the names of the functions and classes around it."""

    lines: tuple[int, int]
    path: tuple[str, ...]
    called: bool
    """Inside a function, so that it runs when called and not at import."""
    returns: str
    """The function's annotation."""


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


def _compiler(tree: ast.Module, slot: _Slot, new: object) -> Callable[[str], Any]:
    def compiled(path: str) -> Any:
        was = slot.put(new)
        try:
            return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)
        finally:
            slot.put(was)

    return compiled


def _described(slot: _Slot, node: Any, new: Any) -> str:
    """Before and after. A constant is shown with what holds it, since `False` alone says nothing."""
    if new is None or (isinstance(new, ast.Pass)):
        return f"{_short(ast.unparse(node))} → (removed)"
    shown: Any = node
    if isinstance(node, ast.For):
        return f"for {_short(ast.unparse(node.target))} in {_short(ast.unparse(node.iter))} → (never)"
    if isinstance(slot.holder, ast.arguments):
        return f"default {_short(ast.unparse(node))} → {_short(ast.unparse(new))}"
    if isinstance(slot.holder, ast.Call) and _name(slot.holder) in PROSE | _SHORT_FORMS:
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


def _changes(tree: ast.Module) -> Iterator[tuple[_Slot, Any, Any, _Place]]:
    place = _Place(lines=(1, 1), path=(), called=False, returns="")
    for index, statement in enumerate(tree.body):
        if isinstance(statement, ast.Import | ast.ImportFrom) or _is_alias(statement):
            continue
        yield from _visit(statement, _Slot(tree, "body", index), place)


def _is_alias(statement: ast.stmt) -> bool:
    """`Check = Callable[…]`, `Key = A | B`, `T = TypeVar("T")`: names for types, which decide nothing."""
    if not isinstance(statement, ast.Assign):
        return False
    value = statement.value
    return (
        isinstance(value, ast.Subscript)
        or (isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr))
        or (isinstance(value, ast.Call) and _name(value) in ("TypeVar", "NewType"))
    )


def _visit(node: ast.AST, slot: _Slot, place: _Place) -> Iterator[tuple[_Slot, Any, Any, _Place]]:
    if isinstance(node, ast.stmt):
        place = replace(place, lines=_lines(node))
        if _is_docstring(node):
            return
    for new in _replacements(node, slot, place):
        yield slot, node, new, place
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inner = _Place(
            lines=place.lines,
            path=(*place.path, node.name),
            called=True,
            returns="" if node.returns is None else ast.unparse(node.returns),
        )
        yield from _visit_defaults(node.args, place, inner.path)
        for index, child in enumerate(node.body):
            yield from _visit(child, _Slot(node, "body", index), inner)
        return
    if isinstance(node, ast.ClassDef):
        inner = replace(place, path=(*place.path, node.name), returns="")
        for index, child in enumerate(node.body):
            yield from _visit(child, _Slot(node, "body", index), inner)
        return
    if isinstance(node, ast.Call) and (_name(node) in PROSE or _name(node) in _SHORT_FORMS):
        yield from _codes(node, place)
        return
    if isinstance(node, ast.match_case | ast.ExceptHandler):
        begin: int = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
        place = replace(place, lines=(begin, max(begin, node.body[0].lineno - 1)))
    for inner_node, where in _children(node):
        yield from _visit(inner_node, where, place)


def _visit_defaults(
    arguments: ast.arguments, place: _Place, path: tuple[str, ...]
) -> Iterator[tuple[_Slot, Any, Any, _Place]]:
    at = replace(place, path=path)
    for name in ("defaults", "kw_defaults"):
        for index, default in enumerate(getattr(arguments, name)):
            if default is not None:
                yield from _visit(default, _Slot(arguments, name, index), at)


def _codes(call: ast.Call, place: _Place) -> Iterator[tuple[_Slot, Any, Any, _Place]]:
    """Of a refusal, its codes alone: what stands first, and whatever has a dot in it."""
    for index, argument in enumerate(call.args):
        if (
            isinstance(argument, ast.Constant)
            and isinstance(argument.value, str)
            and (index == 0 or "." in argument.value)
        ):
            slot = _Slot(call, "args", index)
            for new in _other_strings(argument.value):
                yield slot, argument, new, place
    for keyword in call.keywords:
        if keyword.arg in ("code", "error", "field") and isinstance(keyword.value, ast.Constant):
            for new in _other_strings(str(keyword.value.value)):
                yield _Slot(keyword, "value", None), keyword.value, new, place


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, _Slot]]:
    skipped = {"annotation", "returns", "decorator_list", "type_params", "ctx", "op", "ops", "target", "targets"}
    for name, value in ast.iter_fields(node):
        if name in skipped or (name == "func" and isinstance(value, ast.Name)):
            continue
        if isinstance(value, ast.AST):
            yield value, _Slot(node, name, None)
        elif isinstance(value, list):
            for index, child in enumerate(value):
                if isinstance(child, ast.AST) and not _is_no_clause(node, name, index, child):
                    yield child, _Slot(node, name, index)


def _is_no_clause(holder: ast.AST, name: str, index: int, child: ast.AST) -> bool:
    """The literal parts of an f-string, the type in `cast`, and evidence handed on by keyword."""
    if isinstance(holder, ast.JoinedStr):
        return isinstance(child, ast.Constant)
    if isinstance(holder, ast.Call):
        if _name(holder) == "cast" and name == "args" and index == 0:
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


def _name(call: ast.Call) -> str:
    function = call.func
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


# -- what a node may become ----------------------------------------------------------------------------------------------


def _replacements(node: ast.AST, slot: _Slot, place: _Place) -> Iterator[Any]:
    if isinstance(node, ast.stmt):
        yield from _other_statements(node, slot, place)
        return
    condition = _is_condition(slot)
    if condition and not isinstance(node, ast.Constant):
        yield from (ast.Constant(True), ast.Constant(False))
    match node:
        case ast.BoolOp():
            yield from _fewer_operands(node)
        case ast.UnaryOp(op=ast.Not()):
            if not condition:
                yield node.operand
        case ast.UnaryOp(op=ast.USub()):
            yield node.operand
        case ast.Compare():
            yield from _other_comparisons(node, condition)
        case ast.Call():
            yield from _other_calls(node)
        case ast.Constant():
            yield from _other_constants(node, slot)
        case ast.BinOp(op=ast.BitOr()):
            yield from (node.left, node.right)
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            yield ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
        case ast.Slice():
            if node.lower is not None:
                yield ast.Slice(None, node.upper, node.step)
            if node.upper is not None:
                yield ast.Slice(node.lower, None, node.step)
        case ast.match_case(pattern=ast.MatchAs(pattern=None)):
            pass  # the last case of all
        case ast.match_case(guard=None):
            yield ast.match_case(node.pattern, ast.Constant(False), node.body)
        case ast.ExceptHandler():
            yield from _other_handlers(node)
        case ast.Tuple() | ast.List() | ast.Set() | ast.Dict():
            yield from _fewer_elements(node, slot, place)


def _other_statements(node: ast.stmt, slot: _Slot, place: _Place) -> Iterator[Any]:
    alone = isinstance(slot.holder, ast.If) and slot.name == "body" and len(slot.holder.body) == 1
    without = alone and isinstance(slot.holder, ast.If) and not slot.holder.orelse  # then `if False` is the same
    match node:
        case ast.Raise() | ast.AugAssign() | ast.Continue() | ast.Break() | ast.Expr():
            if not without:
                yield ast.Pass()
        case ast.Return(value=None):
            if not without:
                yield ast.Pass()
        case ast.Return(value=ast.expr() as value) if place.returns == "bool" and not isinstance(value, ast.Constant):
            yield ast.Return(ast.UnaryOp(ast.Not(), value))
        case ast.Return(value=value) if "None" in place.returns and not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.For():
            yield ast.For(node.target, ast.Tuple([], ast.Load()), node.body, node.orelse)


def _is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_condition(slot: _Slot) -> bool:
    holder = slot.holder
    return (
        (isinstance(holder, ast.If | ast.While | ast.IfExp) and slot.name == "test")
        or (isinstance(holder, ast.match_case) and slot.name == "guard")
        or (isinstance(holder, ast.comprehension) and slot.name == "ifs")
    )


def _fewer_operands(node: ast.BoolOp) -> Iterator[ast.expr]:
    for index in range(len(node.values)):
        rest = node.values[:index] + node.values[index + 1 :]
        yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _other_comparisons(node: ast.Compare, condition: bool) -> Iterator[ast.expr]:
    """At the boundary always; negated, unless it is a whole condition, for which True and False say more."""
    for index, operator in enumerate(node.ops):
        for table in (_BOUNDARY,) if condition else (_BOUNDARY, _NEGATED):
            if type(operator) in table:
                operators = list(node.ops)
                operators[index] = table[type(operator)]()
                yield ast.Compare(node.left, operators, node.comparators)


def _other_calls(node: ast.Call) -> Iterator[ast.expr]:
    function = node.func
    if _name(node) in PROSE | _SHORT_FORMS:
        return
    for keyword in node.keywords:  # what is handed on is left out, so that a default takes its place
        if isinstance(keyword.value, ast.Name) and keyword.value.id == keyword.arg:
            yield ast.Call(function, node.args, [other for other in node.keywords if other is not keyword])
    if isinstance(function, ast.Name) and function.id in _SWAPPED:
        yield ast.Call(ast.Name(_SWAPPED[function.id], ast.Load()), node.args, node.keywords)
    if isinstance(function, ast.Attribute):
        if function.attr in _SWAPPED_METHODS:
            other = ast.Attribute(function.value, _SWAPPED_METHODS[function.attr], ast.Load())
            yield ast.Call(other, node.args, node.keywords)
        if function.attr in _TIDYING:
            yield function.value
        if _is_regex_call(node) and len(node.args) > 1 and function.attr == "compile":
            yield ast.Call(function, node.args[:1], node.keywords)
        if _is_regex_call(node) and len(node.args) > 2:
            yield ast.Call(function, node.args[:2], node.keywords)


def _is_regex_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
    )


def _other_constants(node: ast.Constant, slot: _Slot) -> Iterator[ast.expr]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield from (ast.Constant(value + 1), ast.Constant(value - 1))
    elif isinstance(value, str | bytes) and _is_regex_call(slot.holder) and slot.index == 0:
        yield from _other_patterns(value)
    elif isinstance(value, str):
        yield from _other_strings(value)
    elif isinstance(value, bytes):
        yield ast.Constant(value + b"x")


def _other_strings(value: str) -> Iterator[ast.expr]:
    """A name that a machine reads becomes another one; sentences are prose."""
    if value and not any(map(str.isspace, value)):
        yield ast.Constant(value + "x")


def _other_patterns(pattern: str | bytes) -> Iterator[ast.expr]:
    """The bounds of a pattern's repetitions, one more and one less."""
    text = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    for found in _REPETITION.finditer(text):
        for group in (1, 2):
            if found[group] is None:
                continue
            for value in (int(found[group]) + 1, int(found[group]) - 1):
                changed = f"{text[: found.start(group)]}{value}{text[found.end(group) :]}"
                if value < 0:
                    continue
                try:
                    re.compile(changed)
                except re.error:
                    continue
                yield ast.Constant(changed if isinstance(pattern, str) else changed.encode("latin-1"))


def _other_handlers(node: ast.ExceptHandler) -> Iterator[ast.ExceptHandler]:
    if isinstance(node.type, ast.Tuple):
        for index in range(len(node.type.elts)):
            rest = node.type.elts[:index] + node.type.elts[index + 1 :]
            yield ast.ExceptHandler(ast.Tuple(rest, ast.Load()), node.name, node.body)
    yield ast.ExceptHandler(node.type, node.name, [ast.Raise()])


def _fewer_elements(node: Any, slot: _Slot, place: _Place) -> Iterator[ast.expr]:
    """A display without one of its elements, where it is a list of what is allowed, asked or tried."""
    holder = slot.holder
    listed = (
        (not place.called and isinstance(holder, ast.Assign | ast.AnnAssign | ast.BinOp))
        or (isinstance(holder, ast.Call) and isinstance(node, ast.Set))
        or (isinstance(holder, ast.Call) and _name(holder) in ("startswith", "endswith", "isinstance"))
        or (
            isinstance(holder, ast.Compare)
            and slot.name == "comparators"
            and isinstance(holder.ops[0], ast.In | ast.NotIn)
        )
        or (isinstance(holder, ast.For) and slot.name == "iter")
        or (isinstance(holder, ast.comprehension) and slot.name == "iter")
        or (isinstance(node, ast.Set) and isinstance(holder, ast.Tuple))
    )
    size = len(node.keys) if isinstance(node, ast.Dict) else len(node.elts)
    if not listed or size < 2:
        return
    for index in range(size):
        if isinstance(node, ast.Dict):
            keys, values = list(node.keys), list(node.values)
            del keys[index], values[index]
            yield ast.Dict(keys, values)
        else:
            rest = node.elts[:index] + node.elts[index + 1 :]
            yield ast.Set(rest) if isinstance(node, ast.Set) else type(node)(rest, ast.Load())
