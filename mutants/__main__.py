"""`python -m mutants`: breaks every clause of the law, one at a time, and says which break no test notices."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from mutants import excuses, report
from mutants.campaign import Broken, Campaign, all_mutants, to_stderr
from mutants.clauses import Mutant
from mutants.footprints import TestsFail
from mutants.plan import Plan

HERE = Path(__file__).parents[1]


def main(plan: Plan | None = None, arguments: list[str] | None = None) -> int:
    """0 if every mutant was noticed or is excused; 1 if one survived, or an excuse is stale; 2 if nothing could be tried."""
    plan = plan or Plan(root=HERE)
    asked = _parser().parse_args(arguments)
    os.chdir(plan.root)
    try:
        reasons = excuses.read(plan.excuses)
    except excuses.Unreadable as error:
        to_stderr(str(error))
        return 2
    wanted = [one for one in all_mutants(plan, tuple(asked.modules)) if not asked.only or one.id in asked.only]
    if not wanted:
        to_stderr(f"No mutant is named so. The modules are: {', '.join(plan.modules())}")
        return 2
    if asked.list:
        for mutant in wanted:
            print(f"{mutant.id}  {mutant.module}:{mutant.lines[0]}  {mutant.where}  {mutant.change}")
        return 0
    began = time.monotonic()
    campaign = Campaign(plan=plan, jobs=asked.jobs, say=to_stderr, near=asked.near, excused=frozenset(reasons))
    try:
        campaign.run(wanted)
    except (TestsFail, Broken) as error:
        to_stderr(f"Nothing could be tried: {error}")
        return 2
    return _told(campaign, wanted, reasons, asked, time.monotonic() - began)


def _told(
    campaign: Campaign,
    wanted: list[Mutant],
    reasons: dict[excuses.Key, excuses.Excuse],
    asked: argparse.Namespace,
    seconds: float,
) -> int:
    verdicts = {mutant: campaign.verdicts[mutant] for mutant in wanted}
    alive = [mutant for mutant in wanted if verdicts[mutant].outcome == "survived"]
    unexcused = [(mutant, verdicts[mutant]) for mutant in alive if excuses.key(mutant) not in reasons]
    old = [] if asked.only else excuses.stale(reasons.values(), wanted, alive)
    source = str(campaign.plan.source.relative_to(campaign.plan.root))
    if unexcused:
        print(f"Survivors: no test notices these changes.\n{report.survivors(unexcused, source)}\n")
    if old:
        print(f"Stale excuses: what they excuse is noticed now, or is gone. Take them out.\n{report.stale(old)}\n")
    print(report.table(verdicts, reasons))
    print(f"{len(unexcused)} survivors, {len(old)} stale excuses, {seconds:.0f} s")
    if asked.json is not None:
        found = [
            {"id": one.id, "module": one.module, "line": one.lines[0], "where": one.where, "change": one.change}
            | {"outcome": verdicts[one].outcome, "by": verdicts[one].by}
            for one in wanted
        ]
        asked.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 1 if unexcused or old else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./dev mutants",
        description="Breaks every clause of the law, one at a time, and runs the tests that meet it: some test must fail. "
        "Ends with 1 if none does and mutants/excused.toml gives no reason, or if a reason there is stale.",
        epilog="A mutant that has a reason there is shown to the tests of its own room alone. A whole run takes a quarter of an hour "
        "on two idle cores; one module a minute or two.",
    )
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help="a module or folder such as saml/checks or xml (default: all)"
    )
    parser.add_argument(
        "--jobs", type=_count, default=os.cpu_count() or 1, metavar="N", help="trials at once (default: %(default)s)"
    )
    parser.add_argument(
        "--near", action="store_true", help="ask only the tests of the module's own room: stricter, and much faster"
    )
    parser.add_argument("--list", action="store_true", help="print the mutants and try none")
    parser.add_argument("--only", action="append", metavar="ID", help="try this mutant alone; may be repeated")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write what became of each, and which test noticed it"
    )
    return parser


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 64:
        raise argparse.ArgumentTypeError("must be from 1 to 64")
    return value


if __name__ == "__main__":
    sys.exit(main())
