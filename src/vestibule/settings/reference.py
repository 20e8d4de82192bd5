"""The reference of all settings, in Markdown, made from the code that reads them."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vestibule.settings.document import (
    ApplicationPart,
    BrandingPart,
    ConnectionPart,
    Document,
    DomainPart,
    IdpPart,
    PartsByHand,
    SamlPart,
)
from vestibule.settings.idp_initiated import IdpInitiatedPart, RoutePart
from vestibule.settings.kinds import Kind, Part, Risk
from vestibule.settings.process import VARIABLES

SECTIONS: tuple[tuple[str, type[Part]], ...] = (
    ("Top of the file", Document),
    ("`branding`", BrandingPart),
    ("`applications[]`", ApplicationPart),
    ("`applications[].saml`", SamlPart),
    ("`connections[]`", ConnectionPart),
    ("`connections[].idp`", IdpPart),
    ("`connections[].idp.snapshot`", PartsByHand),
    ("`connections[].domains[]`", DomainPart),
    ("`connections[].idp_initiated`", IdpInitiatedPart),
    ("`connections[].idp_initiated.routes.ALIAS`", RoutePart),
)
"""Every part of the file, in the order of the page."""

_CONFIGURATION = """\
# Configuration file

Made from the code by `vestibule reference`; do not edit.

`vestibule apply FILE` puts in place what the file names, whole: a connection or application that the file names is
afterwards exactly as written there, defaults included. What the file does not name stays as it is; to take something
out of use, set `enabled: false`. Unknown keys, repeated keys, wrong types and contradictions are refused, each with its
path and what to do, and then nothing is applied. Faults of form come first; once there are none, faults of sense.
`vestibule apply FILE --dry-run` only judges. `vestibule export` writes a file that `apply` takes again.

A *risk* is what a weaker value gives up. `apply` names every risk that a file accepts, and the audit log keeps it.
"""

_ENVIRONMENT = """\
# Environment

Made from the code by `vestibule reference`; do not edit.

One process reads these when it starts. An empty variable counts as absent; an unknown `VESTIBULE_` variable is refused.

| variable | type | default | meaning |
|---|---|---|---|
"""


def configuration() -> str:
    """The page on the configuration file."""
    return _CONFIGURATION + "".join(_section(title, part) for title, part in SECTIONS)


def environment() -> str:
    """The page on the environment."""
    rows = (f"| `{v.name}` | {v.kind} | {v.default} | {v.meaning} |\n" for v in VARIABLES)
    return _ENVIRONMENT + "".join(rows)


def _section(title: str, part: type[Part]) -> str:
    head = f"\n## {title}\n\n{part.__doc__}\n\n| key | type | default | meaning |\n|---|---|---|---|\n"
    return head + "".join(_row(name, info) for name, info in part.model_fields.items())


def _row(name: str, info: FieldInfo) -> str:
    risks = " ".join(f"*Risk:* {mark.sentence}." for mark in info.metadata if isinstance(mark, Risk))
    cells = (f"`{name}`", kind(info), _default(info), f"{info.description} {risks}".strip())
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.default
    if value is None:
        return "-"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "`[]`"
    if isinstance(value, dict | BaseModel):
        return "`{}`"
    return f"`{value}`"


def kind(info: FieldInfo) -> str:
    """The type of a key in words."""
    named = next((mark.name for mark in info.metadata if isinstance(mark, Kind)), None)
    return named or " or ".join(dict.fromkeys(_kinds(info.annotation)))


def _kinds(annotation: Any) -> Iterator[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    marks = [mark for mark in getattr(annotation, "__metadata__", ()) if isinstance(mark, Kind)]
    if marks:
        yield marks[0].name
    elif hasattr(annotation, "__metadata__"):
        yield from _kinds(arguments[0])
    elif origin is Literal:
        yield from (f"`{value}`" for value in arguments)
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from _kinds(argument)
    elif origin is tuple:
        yield "list of " + " or ".join(_kinds(arguments[0]))
    elif origin is not None:
        yield "map of " + " or ".join(_kinds(arguments[-1]))
    elif annotation is bool:
        yield "`true` or `false`"
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield "map, see below"
    elif annotation is not type(None):
        yield {"AwareDatetime": "time", "str": "text", "int": "whole number"}[annotation.__name__]
