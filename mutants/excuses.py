"""The written reasons: survivors that no test can kill, each named by its clause and its change, never by a line number.

[[excused]]
module = "xml/parse.py"
where = "_parser"
changes = ["load_dtd=False → load_dtd=True"]
because = "…"
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutants.clauses import Mutant

Key = tuple[str, str, str]


class Unreadable(Exception):
    """The file with the reasons is not as it must be; the text says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """Why a change may pass unnoticed."""

    module: str
    where: str
    change: str
    because: str

    @property
    def key(self) -> Key:
        """What makes it the excuse of one mutant."""
        return self.module, self.where, self.change


def read(path: Path) -> dict[Key, Excuse]:
    """All excuses of the file; none if there is no file."""
    try:
        entries = tomllib.loads(path.read_text("utf-8")).get("excused", []) if path.exists() else []
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(f"{path}: {error}") from None
    excuses: dict[Key, Excuse] = {}
    for at, entry in enumerate(entries, start=1):
        for excuse in _excuses(entry, f"{path}, entry {at}"):
            if excuse.key in excuses:
                raise Unreadable(f"{path}, entry {at}: {excuse.change!r} is excused twice")
            excuses[excuse.key] = excuse
    return excuses


def _excuses(entry: dict[str, object], at: str) -> Iterable[Excuse]:
    module, where, because = (entry.get(name) for name in ("module", "where", "because"))
    changes = entry.get("changes")
    if not isinstance(module, str) or not isinstance(where, str) or not isinstance(changes, list) or not changes:
        raise Unreadable(f"{at}: module and where are texts, changes is a list of at least one")
    if set(entry) - {"module", "where", "changes", "because"}:
        raise Unreadable(f"{at}: only module, where, changes and because are known")
    if not isinstance(because, str) or len(because.split()) < 4:
        raise Unreadable(f"{at}: `because` is a sentence that convinces somebody who doubts it")
    return [Excuse(module=module, where=where, change=str(change), because=because) for change in changes]


def stale(excuses: Iterable[Excuse], tried: Iterable[Mutant], survivors: Iterable[Mutant]) -> Sequence[Excuse]:
    """Excuses of modules that were tried, for what no longer survives, or no longer stands there."""
    alive = {key(mutant) for mutant in survivors}
    modules = {mutant.module for mutant in tried}
    return [excuse for excuse in excuses if excuse.module in modules and excuse.key not in alive]


def key(mutant: Mutant) -> Key:
    """What an excuse must name to be this mutant's."""
    return mutant.module, mutant.where, mutant.change
