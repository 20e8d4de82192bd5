"""What is printed: a table, a line a module, and every survivor with the words that an excuse of it would need."""

from collections.abc import Iterable, Mapping

from mutants.clauses import Mutant
from mutants.excuses import Excuse, Key, key
from mutants.trial import Verdict

_HEADS = ("mutants", "killed", "timeout", "excused", "survived")


def table(verdicts: Mapping[Mutant, Verdict], excuses: Mapping[Key, Excuse]) -> str:
    """How many mutants each module had, and what became of them."""
    counts: dict[str, dict[str, int]] = {}
    for mutant, verdict in verdicts.items():
        row = counts.setdefault(mutant.module, dict.fromkeys(_HEADS, 0))
        row["mutants"] += 1
        row["excused" if verdict.outcome == "survived" and key(mutant) in excuses else verdict.outcome] += 1
    width = max(map(len, (*counts, "module")), default=6)
    lines = [f"{'module':{width}}  {'  '.join(f'{head:>8}' for head in _HEADS)}"]
    lines += [
        f"{module:{width}}  {'  '.join(f'{row[head]:8}' for head in _HEADS)}" for module, row in sorted(counts.items())
    ]
    whole = {head: sum(row[head] for row in counts.values()) for head in _HEADS}
    lines.append(f"{'all':{width}}  {'  '.join(f'{whole[head]:8}' for head in _HEADS)}")
    return "\n".join(lines)


def survivors(found: Iterable[tuple[Mutant, Verdict]], source: str) -> str:
    """Each survivor: where it stands below `source`, what was changed, and its name for `--only`."""
    return "\n".join(
        f"{source}/{mutant.module}:{mutant.lines[0]}  {mutant.where}  [{mutant.id}]"
        + (f"  ({verdict.by})" if verdict.by else "")
        + f"\n    {mutant.change}"
        for mutant, verdict in found
    )


def stale(excuses: Iterable[Excuse]) -> str:
    """Excuses without a survivor."""
    return "\n".join(f"{one.module}  {one.where}\n    {one.change}" for one in excuses)
