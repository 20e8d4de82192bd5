"""What becomes of a refusal whose event cannot be kept: it stays a refusal, and the log has what the audit has not."""

import asyncio

from structlog.testing import capture_logs
from tests.doubles import START, CountingEntropy

from vestibule.flows.record import Record, keep_refusal
from vestibule.ground.errors import Refused
from vestibule.model.ids import Reference
from vestibule.store import port
from vestibule.store.memory import MemoryStore


class Deaf(MemoryStore):
    """Answers, and keeps nothing."""

    async def keep(self, *records: port.Record) -> None:
        raise port.StoreUnavailable("The disk is full.")


def test_a_refusal_whose_event_cannot_be_kept_is_logged_under_its_reference() -> None:
    record = Record(entropy=CountingEntropy(), now=START, reference=Reference("AAAAA-BBBBB"))
    refused = Refused("saml.replayed", "It was used before.")
    with capture_logs() as logs:
        asyncio.run(keep_refusal(Deaf(), record, refused))
    assert refused.reference == "AAAAA-BBBBB"
    assert logs == [
        {
            "event": "event not kept",
            "log_level": "error",
            "kind": "login.refused",
            "code": "saml.replayed",
            "reference": "AAAAA-BBBBB",
            "why": "The disk is full.",
        }
    ]


def test_what_was_kept_is_not_logged_here() -> None:
    record = Record(entropy=CountingEntropy(), now=START, reference=Reference("AAAAA-BBBBB"))
    with capture_logs() as logs:
        asyncio.run(keep_refusal(MemoryStore(), record, Refused("saml.replayed", "It was used before.")))
    assert logs == []
