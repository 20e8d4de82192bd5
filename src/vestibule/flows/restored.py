"""A database that was put back to an earlier state: what was used in between is unknown, so what was issued before is refused."""

from dataclasses import dataclass
from datetime import datetime

from vestibule.flows.record import Record, new_reference
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.store.port import Store

_RESTORED = "restored_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    store: Store
    clock: Clock
    entropy: Entropy

    async def mark(self) -> datetime:
        """Assertions that were issued until now are refused by every node that starts from now on. Returns the moment."""
        now = self.clock.now()
        record = Record(entropy=self.entropy, now=now, reference=new_reference(self.entropy))
        await self.store.keys.note(_RESTORED, now.isoformat(), event=record.event("database.restored"))
        return now


async def restored_at(store: Store) -> datetime | None:
    """When the database was last put back, if it ever was."""
    kept = await store.keys.known(_RESTORED)
    return None if kept is None else datetime.fromisoformat(kept)
