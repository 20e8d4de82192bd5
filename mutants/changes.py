"""What a clause may become: a node of the tree, and every node that may stand in its place to break it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PROSE = frozenset(
    {"Refused", "OAuthRefused", "AuthorizationRefused", "Failure", "Fault", "Objection", "Standing", "refuse"}
)
"""Calls that say what is wrong. Names that end so (`_refused`, `_misshapen`) are the modules' own short forms of them."""
SHORT_FORMS = frozenset({"_refused", "_misshapen", "misshapen", "_too_large", "_not_one"})
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


@dataclass(frozen=True, slots=True)
class Slot:
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
class Place:
    """What surrounds a node: its statement's lines, the names of the functions and classes around it."""

    lines: tuple[int, int]
    path: tuple[str, ...]
    called: bool
    """Inside a function, so that it runs when called and not at import."""
    returns: str
    """The function's annotation."""


def name_of(call: ast.Call) -> str:
    """The name of what is called: of a function, or of a method; empty for anything else."""
    function = call.func
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def replacements(node: ast.AST, slot: Slot, place: Place) -> Iterator[Any]:
    """Everything that may stand in the place of `node`, each a change of one thing."""
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


def _other_statements(node: ast.stmt, slot: Slot, place: Place) -> Iterator[Any]:
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


def _is_condition(slot: Slot) -> bool:
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
    if name_of(node) in PROSE | SHORT_FORMS:
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


def _other_constants(node: ast.Constant, slot: Slot) -> Iterator[ast.expr]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield from (ast.Constant(value + 1), ast.Constant(value - 1))
    elif isinstance(value, str | bytes) and _is_regex_call(slot.holder) and slot.index == 0:
        yield from _other_patterns(value)
    elif isinstance(value, str):
        yield from other_strings(value)
    elif isinstance(value, bytes):
        yield ast.Constant(value + b"x")


def other_strings(value: str) -> Iterator[ast.expr]:
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


def _fewer_elements(node: Any, slot: Slot, place: Place) -> Iterator[ast.expr]:
    """A display without one of its elements, where it is a list of what is allowed, asked or tried."""
    holder = slot.holder
    listed = (
        (not place.called and isinstance(holder, ast.Assign | ast.AnnAssign | ast.BinOp))
        or (isinstance(holder, ast.Call) and isinstance(node, ast.Set))
        or (isinstance(holder, ast.Call) and name_of(holder) in ("startswith", "endswith", "isinstance"))
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
