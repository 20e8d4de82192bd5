"""From the text of a configuration file to a `Document`, or to every fault in it, each with its path and line."""

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path as File
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from vestibule.ground.errors import ConfigurationRefused, Fault
from vestibule.settings import regular_file, yaml_text
from vestibule.settings.document import ApplicationPart, Document
from vestibule.settings.kinds import Risk
from vestibule.settings.yaml_text import Path, Source, shown


def read_file(file: File, environ: Mapping[str, str]) -> Document:
    """The document in a file; secrets named by `client_secret_env` are taken from `environ`."""
    try:
        text = regular_file.octets(file, 4 * yaml_text.LIMIT).decode("utf-8")
    except OSError as error:
        raise _unreadable(file, error.strerror or "it cannot be opened") from None
    except UnicodeDecodeError:
        raise _unreadable(file, "it is not UTF-8 text") from None
    return read(text, environ)


def read(text: str, environ: Mapping[str, str]) -> Document:
    """The document in a text. Raises `ConfigurationRefused` with all faults of form; sense is judged when it is applied."""
    source = yaml_text.read(text)
    try:
        document = Document.model_validate_json(json.dumps(source.data, default=_foreign, allow_nan=False))
    except (TypeError, ValueError) as error:
        if isinstance(error, ValidationError):
            details = error.errors(include_url=False, include_input=False)
            raise ConfigurationRefused(_innermost([_fault(detail, source) for detail in details])) from None
        raise ConfigurationRefused(
            [
                Fault(
                    path="the file",
                    code="configuration.yaml",
                    message="holds a value that is no text, number, or list.",
                )
            ]
        ) from None
    faults = [*_repeated(document), *_missing_secrets(document, environ)]
    if faults:
        raise ConfigurationRefused(_located(fault, source) for fault in faults)
    return document.model_copy(update={"applications": tuple(_with_secret(a, environ) for a in document.applications)})


def risks(document: Document) -> tuple[Fault, ...]:
    """Every weaker choice in the document, with its path and what it gives up. Not faults: they may be saved."""
    return tuple(_risks_of(document, ()))


def _risks_of(part: BaseModel, path: Path) -> Iterator[Fault]:
    for name, info in type(part).model_fields.items():
        value = getattr(part, name)
        below = (*path, name)
        for mark in info.metadata:
            if isinstance(mark, Risk) and mark.when(value):
                yield Fault(path=shown(below), code="configuration.risk", message=mark.sentence)
        if isinstance(value, BaseModel):
            yield from _risks_of(value, below)
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if isinstance(item, BaseModel):
                    yield from _risks_of(item, (*below, index))


# -- faults of form -------------------------------------------------------------------------------------------------

_SENTENCES: Mapping[str, tuple[str, str]] = {
    "missing": ("missing", "is missing. It has no default."),
    "string_type": ("type", "must be text; put it in quotes."),
    "bool_type": ("type", "must be true or false, without quotes."),
    "int_type": ("type", "must be a whole number, without quotes."),
    "int_from_float": ("type", "must be a whole number."),
    "tuple_type": ("type", "must be a list: [one, two]."),
    "dict_type": ("type", "must be a map: {key: value}."),
    "mapping_type": ("type", "must be a map: {key: value}."),
    "model_type": ("type", "must be a map with the keys of the reference."),
    "datetime_type": ("type", "must be a time with its zone, such as 2030-01-31T12:00:00Z."),
    "datetime_parsing": ("type", "must be a time with its zone, such as 2030-01-31T12:00:00Z."),
    "datetime_from_date_parsing": ("type", "must be a time with its zone, such as 2030-01-31T12:00:00Z."),
    "timezone_aware": ("type", "must say its time zone, such as 2030-01-31T12:00:00Z."),
    "string_too_short": ("value", "must not be empty."),
    "string_too_long": ("value", "is too long."),
    "too_short": ("value", "must hold at least one item."),
    "too_long": ("value", "holds too many items."),
}
"""What pydantic finds, in our codes and words."""


def _fault(detail: ErrorDetails, source: Source) -> Fault:
    path = _real(detail["loc"], source.data, whole=detail["type"] in ("missing", "extra_forbidden"))
    code, message = _words(detail, path)
    return _located(Fault(path=shown(path), code=f"configuration.{code}", message=message), source, path)


def _innermost(faults: list[Fault]) -> Iterator[Fault]:
    """Without the faults that only say, for a union's other branch, what a fault further in says better."""
    paths = [fault.path for fault in faults]
    for index, fault in enumerate(faults):
        inside = any(path.startswith((f"{fault.path}.", f"{fault.path}[")) for path in paths)
        if not inside and fault.path not in paths[:index]:
            yield fault


def _words(detail: ErrorDetails, path: Path) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind.startswith("configuration."):
        return kind.removeprefix("configuration."), str(context["message"])
    if kind == "extra_forbidden":
        return "unknown_key", _unknown_key(path)
    if kind == "literal_error":
        return "value", f"must be one of {context['expected']}."
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        return "value", f"must be {bound}."
    return _SENTENCES.get(kind, ("value", f"{detail['msg']}."))


def _unknown_key(path: Path) -> str:
    known = list(_fields_at(path[:-1]))
    near = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f"is no key here. Did you mean {near[0]}?" if near else "is no key here. See the configuration reference."


def _fields_at(path: Path) -> Mapping[str, Any]:
    """The keys that the model at this path knows, found by walking the annotations along the path."""
    models: list[type[BaseModel]] = [Document]
    for step in path:
        if isinstance(step, str):
            models = [
                found
                for model in models
                if step in model.model_fields
                for found in _models_in(model.model_fields[step].annotation)
            ] or models
    return {name: info for model in models for name, info in model.model_fields.items()}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _real(loc: tuple[int | str, ...], data: Any, *, whole: bool) -> Path:
    """The part of pydantic's location that exists in the file: it also names the branches of unions there.

    `whole`: the last step is a key's name even where the file has no such key.
    """
    path: list[int | str] = []
    for position, step in enumerate(loc):
        inside = (isinstance(step, int) and isinstance(data, list) and step < len(data)) or (
            isinstance(step, str) and isinstance(data, dict) and step in data
        )
        if inside:
            data = data[step]
            path.append(step)
        elif whole and position == len(loc) - 1:
            path.append(step)
    return tuple(path)


def _located(fault: Fault, source: Source, path: Path | None = None) -> Fault:
    """The fault with the line of its path, or of the nearest thing around it that is in the file."""
    steps = path if path is not None else next((known for known in source.lines if shown(known) == fault.path), ())
    while steps and steps not in source.lines:
        steps = steps[:-1]
    line = source.lines.get(steps)
    return fault if line is None else Fault(path=fault.path, code=fault.code, message=f"{fault.message} (line {line})")


def _repeated(document: Document) -> Iterator[Fault]:
    """Two parts of one name: which of them was meant cannot be told."""
    for place, names in (
        ("applications[{}].client_id", [application.client_id for application in document.applications]),
        ("connections[{}].name", [connection.name for connection in document.connections]),
    ):
        for index, name in enumerate(names):
            if name in names[:index]:
                yield Fault(
                    path=place.format(index),
                    code="configuration.repeated",
                    message=f"{name} is described twice in this file. Keep one of them.",
                )


def _missing_secrets(document: Document, environ: Mapping[str, str]) -> Iterator[Fault]:
    for index, application in enumerate(document.applications):
        variable = application.client_secret_env
        if variable is None:
            continue
        path = f"applications[{index}].client_secret_env"
        if not application.proves_itself():
            yield Fault(
                path=path,
                code="configuration.secret_unused",
                message="is given, but the application does not authenticate. Remove it, or change the type or method.",
            )
            continue
        if not environ.get(variable):
            yield Fault(
                path=path,
                code="configuration.secret_missing",
                message=f"the environment has no {variable}. Set it where this file is applied.",
            )
            continue
        try:
            _with_secret(application, environ)
        except ValidationError as error:
            _, message = _words(error.errors(include_url=False, include_input=False)[0], ())
            yield Fault(path=path, code="configuration.secret", message=f"the value of {variable} {message}")


def _with_secret(application: ApplicationPart, environ: Mapping[str, str]) -> ApplicationPart:
    """The application with its secret in place of the variable's name."""
    if application.client_secret_env is None:
        return application
    given = application.model_dump(exclude_unset=True, exclude={"client_secret_env"}, mode="json")
    secret = environ[application.client_secret_env]
    return ApplicationPart.model_validate_json(json.dumps({**given, "client_secret": secret}))


def _foreign(value: object) -> Any:
    raise TypeError(type(value).__name__)


def _unreadable(file: File, reason: str) -> ConfigurationRefused:
    return ConfigurationRefused(
        [Fault(path=str(file), code="configuration.unreadable", message=f"cannot be read: {reason}.")]
    )
