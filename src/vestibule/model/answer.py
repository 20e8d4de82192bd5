"""The waist, third value: what goes back to the browser, and what must be kept before it does."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vestibule.model.grant import AccessToken, Code, Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Send the browser to `url` with 303."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPost:
    """Let the browser post `fields` to `url`, from a page of ours."""

    url: str
    fields: Mapping[str, str] = field(default_factory=dict)


Send = Redirect | FormPost
Kept = Code | Grant | AccessToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`send` is for the browser; `keep` are the records that the store must hold before anything is sent."""

    send: Send
    keep: tuple[Kept, ...] = ()
