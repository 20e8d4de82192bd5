"""How far a response came on the road of the assertion consumer service, told stretch by stretch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vestibule.flows.inspection import Stage, Way
from vestibule.flows.judge import Asked, Welcome
from vestibule.flows.record import Record
from vestibule.ground.errors import Finding, Refused
from vestibule.model.identity import Identity
from vestibule.policy.unsolicited import Next
from vestibule.saml.checks import RULES

STAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "connection": ("connection.disabled",),
    "encoding": ("request", "saml.no_response", "saml.base64", "saml.too_large"),
    "encryption": ("xml.encryption", "xml.decryption"),
    "signature": (
        "saml.unsigned",
        "saml.signature",
        "xml.signature",
        "xml.certificate",
        "xml.duplicate_id",
        "xml.foreign_id",
    ),
    "XML": ("xml",),
    "shape": ("saml.not_a_response", "saml.shape", "saml.one_assertion", "saml.stray_signature"),
    "rules": tuple(rule.name for rule in RULES),
    "classification": ("saml.classified", "saml.in_response_to", "quirk", "login"),
    "identity": ("saml.transient_name_id", "identity", "rehearsal"),
    "use": ("saml.replayed",),
    "policy": ("idp_initiated", "application", "connection"),
}
"""Which refusal belongs to which stretch of the road; the longest prefix counts, the first of equals."""

ROAD: Final = (
    *("connection", "encoding", "XML", "shape", "encryption", "signature", "rules", "classification", "policy"),
    *("identity", "use"),
)
"""The stretches in their order. (A signed Response is verified before what is encrypted in it is opened.)"""

_NEXT: Final = {
    Next.CLIENT: "The browser goes to the application, which starts an ordinary login.",
    Next.REQUEST: "Vestibule makes the application's request itself, and asks the identity provider anew.",
    Next.ASK: "The person is asked before anything goes on.",
    Next.ANSWER: "The application is answered at once.",
}


def stage_of(code: str) -> str:
    """The stretch of the road that a code belongs to."""
    fitting = [
        (len(prefix), name)
        for name, prefixes in STAGES.items()
        for prefix in prefixes
        if code == prefix or (code.startswith(prefix) and code[len(prefix)] in "._")
    ]
    return max(fitting, key=lambda one: one[0])[1] if fitting else "policy"


@dataclass(slots=True, kw_only=True)
class Walk:
    """How far the road was walked, and what stood in the way."""

    record: Record
    asked: Asked | None = None
    welcome: Welcome | None = None
    identity: Identity | None = None
    refused: Refused | None = None

    @property
    def verified(self) -> bool:
        return any(one.rule == "saml.signature" and one.verdict == "pass" for one in self.record.findings)

    @property
    def code(self) -> str | None:
        return None if self.refused is None else self.refused.code


def stages(walk: Walk, notes: Mapping[str, Sequence[Finding]]) -> tuple[Stage, ...]:
    """The whole road, with the findings of each stretch and what is noted beside them."""
    failed = None if walk.refused is None else stage_of(walk.refused.code)
    made = list(walk.record.findings)
    if walk.refused is not None:
        made += walk.refused.findings or (
            Finding(
                rule=walk.refused.code,
                verdict="fail",
                why=walk.refused.why,
                want=walk.refused.want,
                got=walk.refused.got,
            ),
        )
    told = []
    reached = True
    for name in ROAD:
        own = [one for one in made if stage_of(one.rule) == name or (name == "rules" and one.rule == "saml.instants")]
        own = [one for one in own if one.rule != "saml.instants" or name == "rules"]
        own += notes.get(name, [])
        fails = name == failed and any(one.verdict == "fail" for one in own)
        # A Response that is refused by its status holds no assertion: nothing was to be opened or verified.
        passed_over = name in ("encryption", "signature") and failed in ROAD[6:] and not walk.verified
        # A form that cannot be read is refused before it is looked whose it is.
        passed_over = passed_over or (name == "connection" and (walk.code or "").startswith("request."))
        outcome = "fail" if fails else "pass" if reached and not passed_over else "unreached"
        told.append(Stage(name=name, verdict=outcome, findings=tuple(own)))
        reached = reached and name != failed
    return tuple(told)


def verdict(walk: Walk) -> str:
    """The decision in a sentence."""
    if walk.refused is not None:
        return f"Refused by {walk.refused.code}: {walk.refused.why}"
    if walk.asked is not None and walk.asked.pending is not None:
        return (
            "Accepted: it answers a login that waits, if it is posted by the browser in which that login was started."
        )
    return f"Accepted: unsolicited. {'' if walk.welcome is None else _NEXT[walk.welcome.decision.next]}".rstrip()


def way(walk: Walk) -> Way | None:
    """Where the person would go; None where nobody would go anywhere."""
    if walk.welcome is not None:
        welcome = walk.welcome
        return Way(
            application=welcome.application.client_id,
            delivery=str(welcome.destination.delivery),
            next=_NEXT[welcome.decision.next],
        )
    if walk.asked is not None and walk.asked.pending is not None:
        errand = walk.asked.pending.errand
        return Way(
            application=errand.application or errand.kind, delivery=None, next="The request that waits is answered."
        )
    return None
