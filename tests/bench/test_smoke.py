"""The benchmark itself, once through and as short as can be: every kind of login succeeds and is proven."""

from dataclasses import replace
from pathlib import Path

from bench.responses import IdentityProvider
from bench.rounds import Plan

from bench import machine, ours, report, rounds


def test_every_kind_of_login_is_measured_and_proven(tmp_path: Path) -> None:
    idp = IdentityProvider()
    subject = ours.on_sqlite(tmp_path, idp)
    subject = replace(subject, kinds=tuple(replace(kind, warm=10) for kind in subject.kinds))
    plan = Plan(solo=10, crowd=64, rounds=1, starts=1)
    cores = machine.cores()
    found = rounds.measure(plan, (subject,), idp, tmp_path, cores, lambda said: None)
    assert [(cell.kind, cell.concurrency) for cell in found.cells] == [
        (kind.name, concurrency) for kind in subject.kinds for concurrency in (1, 32)
    ]
    assert all(cell.cpu_ms > 0 and cell.per_second > 0 for cell in found.cells)
    setting = report.Setting(
        machine=machine.describe(tmp_path), cores=cores, plan=plan, subjects=(subject,), missing=(), date="2026-11-25"
    )
    table = report.table(found, setting)
    assert "goal at most 1.5 times" in table
    assert "goal at least 10 times: not measured in this run" in table
