"""What an inspection says, as plain values: printed for people, and written as JSON whose names stay (docs/reference/inspect.md).

Whatever names a person, or an attribute's value, is None unless it was asked for: what is not in here cannot be printed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vestibule.ground.errors import Finding
from vestibule.xml.certificate import CertificateFacts

FORMAT: Final = "vestibule.inspection/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the response was found. `request` is the number of the request in a HAR file, from 1."""

    kind: str
    request: int | None
    url: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stretch of the road. `verdict` is "pass", "fail", "note", or "unreached" behind a failure."""

    name: str
    verdict: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A signature, and the certificate that made it: its place among the connection's, from 1, where it is one of them."""

    where: str
    method: str
    digest: str
    position: int | None
    certificate: CertificateFacts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """A value that names a person. `value` is None unless it was asked for."""

    characters: int
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute of the assertion, by its Name."""

    name: str
    values: tuple[Hidden, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an application would be told. `attribute` is where it comes from; None if we say it ourselves."""

    name: str
    attribute: str | None
    value: Hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What the message says of itself. Where nothing was verified, anybody may have written it."""

    issuer: str | None
    destination: str | None
    recipient: str | None
    audiences: tuple[str, ...]
    issue_instant: str
    in_response_to: str | None
    status: tuple[str, ...]
    status_message: Hidden | None
    name_id_format: str | None
    name_id: Hidden | None
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where the person would go: for which application, and how."""

    application: str
    delivery: str | None
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two values that should be one. `at` is the place of the first character that differs, from 0."""

    what: str
    want: str
    got: str
    at: int
    difference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value of this connection, to be pasted where `name` is asked for."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is usually wrong where `code` refuses, and how it is mended: there (with the values to paste), or here."""

    code: str
    usual: str
    there: str
    here: str
    paste: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtIssue:
    """What it would have come to when it was issued. `code` None: every rule would have held; then `why` says what is not known."""

    at: datetime
    code: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """`code` None: accepted. `believed` is false where no signature could be verified: then `rules` are suppositions.

    `advice` is about `code`; where the message came too late, first about what would have refused it in time.
    """

    source: Source
    connection: str
    connection_id: str
    acs_style: str
    acs_url: str
    at: datetime
    accepted: bool
    code: str | None
    verdict: str
    believed: bool
    stages: tuple[Stage, ...]
    signatures: tuple[Verified, ...]
    message: Message | None
    way: Way | None
    claims: tuple[Claim, ...]
    evidence: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    advice: tuple[Advice, ...]
    at_issue: AtIssue | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspections:
    """Every response that a file held, in its order."""

    format: str = FORMAT
    inspections: tuple[Inspection, ...]
