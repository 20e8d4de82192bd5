"""What a run might have found, for the tests of its report, goals and plot."""

from bench.cells import Cell
from bench.ours import ACCEPT, ACCEPT_ES, ON_POSTGRES, ON_SQLITE
from bench.peers import polis
from bench.rounds import Measured, Seen

from bench import floor

PARTS = dict.fromkeys((*floor.SHARED, floor.ALONE), 50.0) | {floor.SIGN["RS256"]: 100.0, floor.SIGN["ES256"]: 10.0}
"""Together 500 microseconds with RS256, 410 with ES256."""


def cell(
    subject: str, kind: str, *, concurrency: int = 32, cpu: float = 0.7, speed: float = 1000, logins: int = 1500
) -> Cell:
    return Cell(
        subject=subject,
        kind=kind,
        concurrency=concurrency,
        logins=logins,
        per_second=speed,
        cpu_ms=cpu,
        database_cpu_ms=0.25 if "PostgreSQL" in subject else None,
        p50_ms=20,
        p99_ms=50,
        client_cpu_ms=0.03,
        others_percent=1,
    )


def measured(*cells: Cell) -> Measured:
    subjects = dict.fromkeys(cell.subject for cell in cells)
    return Measured(
        cells=cells,
        subjects=tuple(
            Seen(
                subject=name,
                version="1",
                keeps="all",
                start_seconds=(0.7, 0.9, 0.8),
                start_cpu=0.6,
                logins=2000,
                memory_mb=90,
            )
            for name in subjects
        ),
        floor=(PARTS,),
        ceiling=(30_000.0,),
        rounds=1,
        response_bytes=6000,
        form_bytes=8000,
    )


def whole(*, cpu: float = 0.7, signed: float = 0.6, on_postgres: float = 0.9, peer: float = 90) -> Measured:
    """A run with all that the goals ask for."""
    return measured(
        cell(ON_SQLITE, ACCEPT, cpu=cpu),
        cell(ON_SQLITE, ACCEPT, concurrency=1, cpu=5),
        cell(ON_SQLITE, ACCEPT_ES, cpu=signed),
        cell(ON_POSTGRES, ACCEPT, cpu=on_postgres),
        cell(polis.IN_MEMORY, polis.UNSOLICITED, cpu=8, speed=peer),
    )
