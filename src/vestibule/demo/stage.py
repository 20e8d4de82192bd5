"""The stage: puts a scenario's configuration in force, in the way of `vestibule apply`, before the scenario is played."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from vestibule.demo.configuration import SECRET_VARIABLE, write
from vestibule.demo.places import Places
from vestibule.demo.scenarios import Policy
from vestibule.flows.configuration import Configuring
from vestibule.settings import reading


@dataclass(slots=True, kw_only=True)
class Stage:
    """`secret` is CRM's client secret. `policy` is the one in force."""

    places: Places
    directory: Path
    configuring: Configuring
    secret: str
    policy: Policy | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def file(self) -> Path:
        return self.directory / "vestibule.yaml"

    async def play(self, policy: Policy) -> None:
        """Writes the file and applies it; nothing is done where this policy is in force already."""
        async with self.turn:
            if policy == self.policy:
                return
            self.file.write_text(self.text(policy), encoding="utf-8")
            document = reading.read_file(self.file, {SECRET_VARIABLE: self.secret})
            await self.configuring.apply(document, self.directory)
            self.policy = policy

    def text(self, policy: Policy) -> str:
        return write(self.places, policy)
