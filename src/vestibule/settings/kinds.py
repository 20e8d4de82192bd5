"""The kinds of value that the configuration file knows: texts, names, addresses, seconds, and the risks of weak choices."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from vestibule.ground.url import is_web_url


@dataclass(frozen=True, slots=True)
class Risk:
    """What a weaker choice gives up; `when` tells the weaker values from the others."""

    sentence: str
    when: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """How the reference names the type of a key."""

    name: str


class Part(BaseModel):
    """A part of the file: frozen, strict in its types, closed to keys that nobody knows."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def refusal(code: str, message: str) -> PydanticCustomError:
    """A fault of our own: `code` without the leading `configuration.`, `message` says what to do."""
    return PydanticCustomError(f"configuration.{code}", "{message}", {"message": message})


def _text(value: str) -> str:
    if value != value.strip() or not value.isprintable():
        raise refusal("text", "must be one line of text without leading or trailing spaces.")
    return value


def _web_url(value: str) -> str:
    if not is_web_url(value):
        raise refusal("url", "must be an https URL with a host, and no user name (http only on loopback names).")
    return value


_EMAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")
_DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")


def _support(value: str) -> str:
    if not (_EMAIL.fullmatch(value) or is_web_url(value)):
        raise refusal("support", "must be an email address or an https URL.")
    return value


def _domain(value: str) -> str:
    if not _DOMAIN.fullmatch(value.lower()):
        raise refusal("domain", "must be an email domain such as acme.example (international names as xn--…).")
    return value.lower()


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,126}[A-Za-z0-9])?", value):
        raise refusal("name", "must be 1 to 128 letters, digits and hyphens, with no hyphen at either end.")
    return value


def _connection_id(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", value):
        raise refusal("identifier", "must be 1 to 128 letters, digits, hyphens and underscores.")
    return value


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_~.-]{1,128}", value) or value in (".", ".."):
        raise refusal("identifier", "must be 1 to 128 letters, digits, hyphens, underscores, dots and tildes.")
    return value


def _secret(value: str) -> str:
    if not re.fullmatch(r"[\x20-\x7e]{22,512}", value):
        raise refusal(
            "secret",
            "must be 22 to 512 printable ASCII characters, random ones: only a digest is kept, which protects no "
            "guessable secret. Leave it out and one is generated, or make one with: openssl rand -base64 32",
        )
    return value


def _colour(value: str) -> str:
    if not re.fullmatch(r"#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})", value):
        raise refusal("value", "must be # and three or six hexadecimal digits, in quotes, such as '#2f5fd0'.")
    return value


def _variable(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise refusal("value", "must be the name of an environment variable: letters, digits, _; no digit first.")
    return value


Text = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_text), Kind("text")]
WebUrl = Annotated[str, Field(max_length=2000), AfterValidator(_web_url), Kind("URL")]
Support = Annotated[str, AfterValidator(_support), Kind("email address or URL")]
Colour = Annotated[str, AfterValidator(_colour), Kind("hex colour, in quotes")]
VariableName = Annotated[str, AfterValidator(_variable), Kind("variable name")]
DomainName = Annotated[str, AfterValidator(_domain), Kind("domain")]
ConnectionName = Annotated[str, AfterValidator(_name), Kind("name")]
ConnectionKey = Annotated[str, AfterValidator(_connection_id), Kind("identifier")]
Identifier = Annotated[str, AfterValidator(_identifier), Kind("identifier")]
Secret = Annotated[str, AfterValidator(_secret), Kind("text")]
Long = Annotated[str, Field(min_length=1, max_length=1_000_000), Kind("text")]
Seconds = Annotated[int, Field(ge=60, le=366 * 86400), Kind("seconds, 60 to 31622400")]


def _one_or_more(value: Any) -> Any:
    """A single text stands for a list of one."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[Text, ...], Field(max_length=1000), Kind("list of texts")]
OneOrMore = Annotated[
    tuple[Text, ...], Field(min_length=1, max_length=100), BeforeValidator(_one_or_more), Kind("text, or list of texts")
]
