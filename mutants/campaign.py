"""All mutants tried, nearest tests first, and what became of each."""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from mutants import footprints, trial
from mutants.clauses import Mutant, mutants, unchanged
from mutants.excuses import Key, key
from mutants.plan import Plan
from mutants.trial import Pool, Trial, Verdict

FAVOURITES = 5
"""Tests that have just killed a mutant of the same function are asked first: as many as these."""
QUICK = 1.0
"""Seconds that the tests of a file compute together, if it is to be among the first. Loading the others costs more than most trials do."""


class Broken(Exception):
    """A trial could not be held at all."""


@dataclass(slots=True)
class Campaign:
    """The trials of some mutants. `verdicts` fills while `run` runs; `say` takes lines of progress."""

    plan: Plan
    jobs: int
    say: Callable[[str], None]
    near: bool = False
    """Whether only the tests of a mutant's own room are asked."""
    excused: frozenset[Key] = frozenset()
    """Mutants with a written reason. They too are shown to the tests of their own room alone, which must not notice them."""
    verdicts: dict[Mutant, Verdict] = field(default_factory=dict)
    _killers: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def run(self, wanted: Sequence[Mutant]) -> None:
        """Tries every one. `TestsFail` if the tests fail without a mutant."""
        began = time.monotonic()
        self.say(f"{len(wanted)} mutants; which test runs which line …")
        known = footprints.record(self.plan, self.jobs)
        trial.prepare(known.libraries, known.names())
        self.say(f"footprints of {len(known.names())} tests: {time.monotonic() - began:.0f} s")
        self._control(known, sorted({mutant.module for mutant in wanted}))
        pool = Pool(self.plan, self.jobs)
        for mutant in reversed(wanted):
            self._begin(pool, mutant, known.meeting(mutant.module, mutant.lines, mutant.early), len(wanted))
        pool.run()
        self._confirm(known)

    def _control(self, known: footprints.Footprints, modules: Sequence[str]) -> None:
        """Each module tried as it stands: if that is not noticed by nobody, what ends the trials is not the mutants."""
        pool = Pool(self.plan, self.jobs)
        for module in modules:
            same = unchanged(module, (self.plan.source / module).read_text("utf-8"))
            tests = _quick(_near(same, known.meeting(module, same.lines, same.early)))
            if tests:
                pool.submit(partial(Trial, mutant=same, tests=tests), partial(_must_survive, module))
        pool.run()

    def _confirm(self, known: footprints.Footprints) -> None:
        """Each test that noticed a mutant, alone and with nothing changed: one that fails then has noticed nothing."""
        noticed: dict[str, list[Mutant]] = defaultdict(list)
        names = known.names()
        for mutant, verdict in self.verdicts.items():
            if verdict.outcome == "killed" and verdict.by in names:
                noticed[verdict.by].append(mutant)
        self.say(f"{len(noticed)} tests noticed something; each alone, with nothing changed …")
        pool = Pool(self.plan, self.jobs)
        for test, found in noticed.items():
            module = found[0].module
            same = unchanged(module, (self.plan.source / module).read_text("utf-8"))
            alone = partial(Trial, mutant=same, tests={test: known.seconds(test)})
            pool.submit(alone, partial(self._doubt, test, found))
        pool.run()

    def _doubt(self, test: str, found: Sequence[Mutant], verdict: Verdict) -> None:
        if verdict.outcome != "survived":
            for mutant in found:
                self.verdicts[mutant] = Verdict(outcome="survived", by=f"{test} fails by itself")

    def _begin(self, pool: Pool, mutant: Mutant, tests: dict[str, float], total: int) -> None:
        """What has killed its neighbours first; then the quick tests of its own room, the room's others, and all."""
        near = _near(mutant, tests)
        quick = _quick(near)
        alone = self.near or key(mutant) in self.excused
        far = {} if alone else {name: seconds for name, seconds in tests.items() if name not in near}
        slow = {name: seconds for name, seconds in near.items() if name not in quick}
        stages = [stage for stage in (quick, slow, far) if stage]
        if not stages:
            self._end(mutant, Verdict(outcome="survived", by="no test runs it"), total)
            return
        favourites: dict[str, float] = {}

        def first() -> Trial:
            favourites.update({name: near[name] for name in self._favourites(mutant) if name in near})
            return self._trial(mutant, favourites or stages[0])

        def after(verdict: Verdict) -> None:
            self._after(pool, mutant, verdict, stages if favourites else stages[1:], total)

        pool.submit(first, after)

    def _after(
        self, pool: Pool, mutant: Mutant, verdict: Verdict, stages: Sequence[Mapping[str, float]], total: int
    ) -> None:
        """The next stage, if the last one noticed nothing."""
        if verdict.outcome != "survived" or not stages:
            self._end(mutant, verdict, total)
            return
        pool.submit(
            partial(self._trial, mutant, stages[0]),
            lambda next_verdict: self._after(pool, mutant, next_verdict, stages[1:], total),
        )

    def _favourites(self, mutant: Mutant) -> Sequence[str]:
        """Tests that have just killed mutants of the same function; if there were none, of the same module."""
        return self._killers[mutant.module, mutant.where] or self._killers[mutant.module, ""]

    def _trial(self, mutant: Mutant, tests: Mapping[str, float]) -> Trial:
        return Trial(mutant=mutant, tests=tests, first=self._favourites(mutant))

    def _end(self, mutant: Mutant, verdict: Verdict, total: int) -> None:
        if verdict.outcome == "broken":
            raise Broken(verdict.by)
        self.verdicts[mutant] = verdict
        if verdict.outcome == "survived" and key(mutant) not in self.excused:
            self.say(f"alive: {mutant.id} {mutant.module}:{mutant.lines[0]} {mutant.where}  {mutant.change}")
        for where in (mutant.where, ""):
            killers = self._killers[mutant.module, where]
            if verdict.outcome == "killed" and "::" in verdict.by and verdict.by not in killers:
                killers.insert(0, verdict.by)
                del killers[FAVOURITES:]
        if len(self.verdicts) % 50 == 0 or len(self.verdicts) == total:
            alive = sum(one.outcome == "survived" for one in self.verdicts.values())
            self.say(f"{len(self.verdicts)}/{total} tried, {alive} alive or excused")


def _near(mutant: Mutant, tests: Mapping[str, float]) -> dict[str, float]:
    room = f"tests/{mutant.module.split('/')[0]}/"
    return {name: seconds for name, seconds in tests.items() if name.startswith(room)}


def _quick(tests: Mapping[str, float]) -> dict[str, float]:
    """Those of files that take little; all of them if no file does."""
    files: dict[str, float] = defaultdict(float)
    for name, seconds in tests.items():
        files[name.split("::")[0]] += seconds
    quick = {name: seconds for name, seconds in tests.items() if files[name.split("::")[0]] <= QUICK}
    return quick or dict(tests)


def _must_survive(module: str, verdict: Verdict) -> None:
    if verdict.outcome != "survived":
        raise Broken(f"{module} without any change: {verdict.outcome}, {verdict.by}")


def all_mutants(plan: Plan, wanted: tuple[str, ...] = ()) -> tuple[Mutant, ...]:
    """The mutants of all modules of the law, or of those named."""
    return tuple(
        mutant
        for module in plan.modules(wanted)
        for mutant in mutants(module, (plan.source / module).read_text("utf-8"))
    )


def to_stderr(line: str) -> None:
    """Progress, apart from the table."""
    print(line, file=sys.stderr, flush=True)
