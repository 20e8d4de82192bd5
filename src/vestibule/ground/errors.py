"""The one tree of refusals: the law raises them, the flows let them rise, `web.errors` and `cli` alone translate them.

A refusal has three readers. The peer gets `code` (and, in OAuth, `error` with the text of the RFC); the operator
gets `why`, `want` and `got` in the trace; the person gets a sentence chosen by `code` and a reference number.
A bug is never a `Refused`.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check and what came of it, as the operator reads it in a trace.

    `rule` is the rule's stable name, `verdict` one of "pass", "fail", "note". Never an attribute value or a secret.
    """

    rule: str
    verdict: str
    why: str = ""
    want: str | None = None
    got: str | None = None


class Refused(Exception):
    """Something was asked that a rule forbids.

    `code` is stable, dotted, lower case ("saml.audience", "login.other_browser"). `why` is a sentence for the
    operator: what happened, which rule, what to do. `want` and `got` are the evidence, without secrets. `findings`
    are the checks that were made before and including the one that failed.
    """

    findings: tuple[Finding, ...] = ()
    reference: str | None = None
    """Where the operator finds the trace, once a flow has written one."""
    back: str | None = None
    """A way back for the person: an address of the application, where one was known."""

    def __init__(self, code: str, why: str, *, want: object = None, got: object = None) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why
        self.want = None if want is None else str(want)[:500]
        self.got = None if got is None else str(got)[:500]


class OAuthRefused(Refused):
    """A refusal that an OAuth client reads: `error` is the code of the RFC, `code` stays our own stable one."""

    def __init__(
        self, error: str, why: str, *, code: str | None = None, want: object = None, got: object = None
    ) -> None:
        super().__init__(code or f"oidc.{error}", why, want=want, got=got)
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a configuration: where (a path such as `connections[0].idp.sso_url`), what, and what to do."""

    path: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class ConfigurationRefused(Refused):
    """A configuration that is refused as a whole, with every fault that was found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            "configuration.invalid",
            f"{len(self.faults)} fault(s) in the configuration; nothing was applied: "
            + "; ".join(str(fault) for fault in self.faults),
        )
