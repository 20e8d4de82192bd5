"""Who takes part in a run: Vestibule on each engine, and the peers that this machine can run."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import databases, machine, ours
from bench.databases import Postgres
from bench.peers import install
from bench.peers.oidc_provider import oidc_provider
from bench.peers.polis import in_memory, on_postgres
from bench.peers.satosa import satosa
from bench.responses import IdentityProvider
from bench.subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """The subjects, the database server that some of them share, and in words who is missing and why."""

    subjects: tuple[Subject, ...]
    postgres: Postgres | None
    missing: tuple[str, ...]


def gather(
    directory: Path,
    idp: IdentityProvider,
    cores: machine.Cores,
    stack: ExitStack,
    tell: Callable[[str], None],
    *,
    own: bool,
) -> Field:
    """`own`: Vestibule alone. What has to be installed is installed; what cannot be is missing."""
    subjects, missing = [ours.on_sqlite(directory, idp)], []
    postgres = None
    try:
        postgres = stack.enter_context(databases.running(cores.client))
        subjects.append(ours.on_postgres(directory, idp, postgres.database(), postgres.pid))
    except databases.Missing as why:
        missing.append(f"everything on PostgreSQL: {why}")
    if not own:
        try:
            node = install.node(tell)
            subjects.append(in_memory(directory, node, idp))
            if postgres is not None:
                subjects.append(on_postgres(directory, node, idp, postgres.database(), postgres.pid))
            subjects.append(oidc_provider(directory, node))
        except install.Missing as why:
            missing.append(f"Polis and oidc-provider: {why}")
        try:
            subjects.append(satosa(directory, *install.satosa_python(tell), idp))
        except install.Missing as why:
            missing.append(f"SATOSA: {why}")
    return Field(subjects=tuple(subjects), postgres=postgres, missing=tuple(missing))
