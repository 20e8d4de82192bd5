"""Coverage-guided fuzzing [libFuzzer, by way of atheris]: each target for a set time, in bounds, and what came of it."""

import hashlib
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fuzz.targets.seeds import VECTORS, dictionary, seeds

MAX_LENGTH = {
    "xml": 20_000,
    "saml-response": 20_000,
    "signed-response": 20_000,
    "encrypted": 20_000,
    "encrypted-structure": 20_000,
    "metadata": 20_000,
    "saml-post": 12_000,
}
"""Octets of an input, where 2,000 are too few for a whole document."""
SECONDS_AN_INPUT = 20
"""An input that takes longer is a finding: bounded size is bounded time. Generous, since instrumented code is slow."""
MEGABYTES = 2048
_LONGEST_LOG = 6_000
_HUNG = 124
_DONE = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_STATUS = re.compile(r"^#(\d+)\s.*?cov: (\d+) ft: (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a target did in its time. `findings`: the inputs that it failed on, kept; `log`: what the fuzzer said of them."""

    target: str
    executions: int
    edges: int
    features: int
    corpus: int
    findings: tuple[Path, ...]
    ended: int
    log: str

    @property
    def clean(self) -> bool:
        return not self.findings and self.ended == 0

    def __str__(self) -> str:
        verdict = "clean" if self.clean else f"{len(self.findings)} FINDING(S), exit {self.ended}"
        return (
            f"{self.target:<20}{self.executions:>10} executions {self.edges:>7} edges {self.features:>7} features"
            f" {self.corpus:>6} inputs kept   {verdict}"
        )


def fuzz(target: str, *, seconds: int, seed: int, state: Path) -> Outcome:
    """Runs one target. Its corpus grows from run to run below `state`; a finding becomes a vector that tests replay."""
    corpus = state / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    for octets in seeds(target):
        (corpus / hashlib.sha256(octets).hexdigest()[:32]).write_bytes(octets)
    found = VECTORS / "fuzz" / target
    found.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    words = state / f"{target}.dict"
    words.write_text(dictionary(target))
    command = [
        sys.executable, "-m", "fuzz.under_atheris", target, str(found), str(corpus), f"-dict={words}", f"-artifact_prefix={found}/",
        f"-max_total_time={seconds}", f"-max_len={MAX_LENGTH.get(target, 2_000)}", f"-timeout={SECONDS_AN_INPUT}",
        f"-rss_limit_mb={MEGABYTES}", f"-seed={seed or 1}", "-print_final_stats=1", "-reduce_inputs=1",
    ]  # fmt: skip
    with tempfile.TemporaryFile(dir=state) as log:
        # It stops by itself; the bound is for a process that hangs outside of a target.
        try:
            ended = subprocess.run(command, stdout=log, stderr=log, timeout=seconds + 300, check=False).returncode
        except subprocess.TimeoutExpired:
            ended = _HUNG
        log.seek(0)
        said = log.read().decode("utf-8", "replace")
    executions, edges, features = figures(said)
    words_of_it = [line for line in said.splitlines() if not line.startswith(("#", "INFO:"))]
    findings = tuple(sorted(set(found.iterdir()) - before))
    if not any(found.iterdir()):
        found.rmdir()
    return Outcome(
        target=target,
        executions=executions,
        edges=edges,
        features=features,
        corpus=sum(1 for _ in corpus.iterdir()),
        findings=findings,
        ended=ended,
        log="" if not findings and ended == 0 else "\n".join(words_of_it)[-_LONGEST_LOG:],
    )


def figures(said: str) -> tuple[int, int, int]:
    """Executions, edges and features, as libFuzzer last told them."""
    status = _STATUS.findall(said)
    executions, edges, features = map(int, status[-1]) if status else (0, 0, 0)
    done = _DONE.search(said)
    return executions if done is None else int(done[1]), edges, features
