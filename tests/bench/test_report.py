"""The report, the plot and the cells' arithmetic: figures stand where they belong, and are no better than they are."""

import json
from dataclasses import replace

from bench.cells import percentiles
from bench.machine import Cores
from bench.ours import ACCEPT, ON_SQLITE
from bench.peers import polis
from bench.plot import Bar, Panel
from bench.rounds import Plan
from bench.subject import Kind, Subject
from lxml import etree
from tests.bench.found import cell, measured, whole

from bench import drawing, ours, plot, report

SVG = "{http://www.w3.org/2000/svg}"


def subject(name: str, *kinds: str) -> Subject:
    made = tuple(
        Kind(name=kind, says=f"what {kind} is", requests=2, signs=None, parts=(), prove=lambda login: iter(()))  # type: ignore[arg-type, return-value]
        for kind in kinds
    )
    return Subject(name=name, version="1", keeps="all", port=1, kinds=made, serve=lambda core: None)  # type: ignore[arg-type, return-value]


def setting(*subjects: Subject) -> report.Setting:
    machine = {
        "processor": "p",
        "cores": 2,
        "memory_mb": 1,
        "system": "s",
        "python": "p",
        "openssl": "o",
        "sqlite": "3",
    }
    return report.Setting(
        machine={**machine, "file_system": "ext4"},
        cores=Cores(server=0, client=1),
        plan=Plan(),
        subjects=subjects,
        missing=("SATOSA: there is no xmlsec1",),
        date="2026-11-25",
    )


WHOLE = setting(
    subject(ON_SQLITE, ACCEPT, ours.ACCEPT_ES),
    subject(ours.ON_POSTGRES, ACCEPT),
    subject(polis.IN_MEMORY, polis.UNSOLICITED),
)


def both(*, logins: int = 1500) -> report.Measured:
    cells = [
        replace(one, concurrency=at, logins=logins) for one in whole().cells if one.concurrency == 32 for at in (1, 32)
    ]
    return measured(*cells)


def test_the_table_has_each_figure_in_its_row_and_says_who_is_missing() -> None:
    lines = report.table(both(), WHOLE).splitlines()
    row = next(line for line in lines if line.startswith(f"{polis.IN_MEMORY:<22}"))
    assert row.split()[-9:-4] == ["none", "1", "90", "(90-90)", "8.00"]
    assert "MISSING: SATOSA: there is no xmlsec1" in lines
    assert any("accept·direct, p99 at 32: 50.00 ms; goal at most 60 ms: reached" in line for line in lines)


def test_of_few_logins_no_slowest_hundredth_is_shown() -> None:
    shown = [line for line in report.table(both(), WHOLE).splitlines() if "50.0" in line and "%" in line]
    hidden = [line for line in report.table(both(logins=199), WHOLE).splitlines() if "50.0" in line and "%" in line]
    assert (len(shown), hidden) == (8, [])


def test_a_noisy_machine_is_called_so() -> None:
    noisy = replace(both(), cells=tuple(replace(one, others_percent=21) for one in both().cells))
    assert "NOISY: other work took up to 21 % of a core" in report.table(noisy, WHOLE)
    assert "NOISY" not in report.table(both(), WHOLE)


def test_the_json_has_every_cell_and_every_verdict() -> None:
    said = json.loads(report.as_json(both(), WHOLE))
    assert len(said["cells"]) == len(both().cells)
    assert said["medians"]["logins"][f"{ON_SQLITE}: {ACCEPT} @32"]["per_second"]["median"] == 1000
    assert {goal["reached"] for goal in said["goals"]} == {True}


def test_bars_are_as_long_as_what_they_stand_for_and_names_are_text() -> None:
    panel = Panel(title="<speed>", bars=(Bar(name="a & b", value=10, says="10"), Bar(name="c", value=5, says="5")))
    drawn = etree.fromstring(plot.svg((panel,), about="about").encode())
    widths = [float(bar.attrib["width"]) for bar in drawn.iter(f"{SVG}rect") if bar.attrib["class"] == "theirs"]
    assert widths[0] == 2 * widths[1]
    assert {"<speed>", "a & b", "about"} <= {text.text for text in drawn.iter(f"{SVG}text")}


def test_the_plot_has_a_bar_for_each_kind_and_the_floor_beside_the_costs() -> None:
    drawn = etree.fromstring(drawing.draw(whole(), date="2026-11-25").encode())
    looks = [bar.attrib["class"] for bar in drawn.iter(f"{SVG}rect")]
    assert looks.count("ours") == 6
    assert (looks.count("theirs"), looks.count("floor")) == (2, 1)


def test_one_that_costs_a_hundred_times_as_much_does_not_flatten_the_others() -> None:
    slow = measured(*whole().cells, cell("Another", "slow", cpu=90, speed=7))
    drawn = etree.fromstring(drawing.draw(slow, date="2026-11-25").encode())
    names = [text.text for text in drawn.iter(f"{SVG}text")]
    assert names.count("Another: slow") == 1
    assert any("not drawn: Another: slow, 90.00" in str(name) for name in names)


def test_percentiles_are_the_median_and_what_one_in_a_hundred_exceeds() -> None:
    p50, p99 = percentiles([float(number) for number in range(1, 1000)])
    assert (p50, p99) == (500, 990)
