"""Reading YAML strictly [YAML 1.1, safe tags only]: plain data with text keys, no repeated keys, and the line of each path."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from vestibule.ground.errors import ConfigurationRefused, Fault

LIMIT = 5_000_000
_DEPTH = 20

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What the file holds: plain data, and the line on which each path begins."""

    data: Any
    lines: dict[Path, int]


def read(text: str) -> Source:
    """The data of one YAML document. Faults in its syntax end the reading; repeated keys are all named."""
    if len(text) > LIMIT:
        raise _refused("configuration.too_large", f"is larger than {LIMIT} characters.")
    loader = yaml.SafeLoader(_printable(text))
    try:
        node = loader.get_single_node()
        if node is None or node.tag == "tag:yaml.org,2002:null":
            return Source(data={}, lines={})
        lines, faults = _walked(node)
        if faults:
            raise ConfigurationRefused(faults)
        return Source(data=_plain(loader.construct_document(node)), lines=lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1})" if mark else ""
        raise _refused("configuration.yaml", f"is not plain YAML: {error.problem}{where}.") from None
    except RecursionError:
        raise _refused("configuration.too_deep", "is nested too deeply.") from None
    except ValueError:
        raise _refused("configuration.yaml", "holds a number or a date that cannot be read.") from None
    finally:
        loader.dispose()


def shown(path: Path) -> str:
    """A path as the operator reads it: `connections[0].idp.sso_url`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "the file"


def _printable(text: str) -> str:
    try:
        yaml.reader.Reader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refused("configuration.yaml", f"holds a character that YAML does not allow (line {line}).") from None
    return text


def _walked(root: yaml.Node) -> tuple[dict[Path, int], list[Fault]]:
    """Every path with its line, and every fault in the keys. A node met twice is an alias."""
    lines: dict[Path, int] = {}
    faults: list[Fault] = []
    seen: set[int] = set()
    waiting: list[tuple[Path, yaml.Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen:
            faults.append(
                _fault(path, node, "configuration.alias", "is an alias (*name). Write the value itself here.")
            )
            continue
        if len(path) > _DEPTH:
            raise _refused("configuration.too_deep", "is nested too deeply.")
        seen.add(id(node))
        lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode) and _half(node.value):
            message = "holds half a character (an escape from \\ud800 to \\udfff). Write the character itself."
            faults.append(_fault(path, node, "configuration.text", message))
        waiting.extend(reversed(list(_children(path, node, faults))))  # in the file's order
    return lines, faults


def _children(path: Path, node: yaml.Node, faults: list[Fault]) -> Iterator[tuple[Path, yaml.Node]]:
    if isinstance(node, yaml.SequenceNode):
        yield from (((*path, index), child) for index, child in enumerate(node.value))
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, child in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                message = "has a merge key (<<), which is not supported. Write out here what it would bring in."
                faults.append(_fault(path, key, "configuration.key", message))
                continue
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str" or _half(key.value):
                faults.append(_fault(path, key, "configuration.key", "has a key that is not text. Put it in quotes."))
                continue
            below = (*path, key.value)
            if key.value in keys:
                faults.append(_fault(below, key, "configuration.repeated_key", "is given twice. Keep one of them."))
            keys.add(key.value)
            yield below, child


def _half(text: str) -> bool:
    """Whether a text holds a surrogate: YAML's escapes can name one, and nothing can store it [Unicode 3.9, D75]."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _fault(path: Path, node: yaml.Node, code: str, message: str) -> Fault:
    return Fault(path=shown(path), code=code, message=f"{message} (line {node.start_mark.line + 1})")


def _refused(code: str, message: str) -> ConfigurationRefused:
    return ConfigurationRefused([Fault(path=shown(()), code=code, message=message)])


def _plain(value: Any) -> Any:
    """Times become text again, so that what is read is JSON's data model; anything else stays for the models to judge."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
