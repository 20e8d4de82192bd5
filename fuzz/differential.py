"""The differential oracle: documents are made, mutated and judged by three verifiers, and no two may believe two things."""

import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random

from fuzz import keys, verdicts
from fuzz.documents import Valid, valid
from fuzz.encrypting import HOLDERS
from fuzz.mutators import HARMLESS, HOSTILE
from fuzz.reader import Said
from fuzz.scene import NotHere, Scene, statement, tree
from fuzz.signers import acquaint

UNCHANGED = 0.12
"""This part of the documents is left as it was made: all three must believe those."""
HARMLESS_SHARE = 0.6
_CHUNK = 100
_POOL = 150
"""Valid documents that the first ones are made from; there are more of them the further a run goes."""
_PRINTED = 12
_SECONDS_OF_SILENCE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Document `number` of `seed`: how it was made, and `signed`, all that the key has signed in its making."""

    seed: int
    number: int
    octets: bytes
    made: Valid
    mutations: tuple[str, ...]
    signed: tuple[Said, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A document on which the profile and others differ, and why that is one too many."""

    document: Document
    reasons: tuple[str, ...]

    def write(self, directory: Path) -> Path:
        """Keeps it: the document as it was judged, and beside it how it came to be."""
        directory.mkdir(parents=True, exist_ok=True)
        it = self.document
        file = directory / f"seed-{it.seed}-number-{it.number}.xml"
        file.write_bytes(it.octets)
        about = {
            "seed": it.seed,
            "number": it.number,
            "key": it.made.key,
            "shape": it.made.shape,
            "signer": it.made.signer,
            "mutations": it.mutations,
            "reasons": self.reasons,
        }
        file.with_suffix(".json").write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n")
        return file


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was counted. Each Counter is by a name; tallies of several workers add up."""

    documents: int = 0
    unchanged: int = 0
    accepted: int = 0
    believed_unchanged: Counter[str] = field(default_factory=Counter)
    believed_encrypted: Counter[str] = field(default_factory=Counter)
    """Of all that the profile believed, mutated or not: what was encrypted in its making, and by which algorithms."""
    refused: Counter[str] = field(default_factory=Counter)
    oracles: Counter[str] = field(default_factory=Counter)
    stricter: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    disagreements: list[Disagreement] = field(default_factory=list)
    unmade: list[str] = field(default_factory=list)
    """Documents that could not be made, by a mistake of a mutator: each with what it raised."""

    def add(self, other: "Tally") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_json(self) -> str:
        """All counts; of the disagreements, their numbers."""
        counted = {name: getattr(self, name) for name in self.__slots__ if name != "disagreements"}
        numbers = [one.document.number for one in self.disagreements]
        return json.dumps(counted | {"disagreements": numbers}, indent=2, sort_keys=True) + "\n"

    def faults(self) -> list[str]:
        """Why the run as a whole is no good, beside its disagreements."""
        found = []
        if self.unchanged and min(self.believed_unchanged.get(name, 0) for name in JUDGES) < self.unchanged:
            found.append(f"of {self.unchanged} unchanged documents only {dict(self.believed_unchanged)} were believed")
        found.extend(f"document {one}" for one in self.unmade)
        if self.documents >= 300 and self.accepted * 3 < self.documents:
            found.append("the profile believed less than a third of the documents: what was compared is hollow")
        hollow = [local for local in HOLDERS if not self.believed_encrypted[f"encrypted {local}"]]
        if self.documents >= 300 and hollow:
            found.append(f"the profile believed no document with an encrypted {' and '.join(hollow)}")
        return found


JUDGES = ("profile", *verdicts.ORACLES)


@lru_cache(maxsize=1024)
def base(seed: int, number: int) -> tuple[Valid, tuple[Said, ...]]:
    """Valid document `number` of `seed`, and what is signed in it. Its key follows from its number."""
    made = valid(Random(f"{seed}:base:{number}"), key=keys.NAMES[number % len(keys.NAMES)])
    return made, tuple(statement(tree(made.plain)))


def document(seed: int, number: int) -> Document:
    """Document `number` of `seed`, alone; the ones before it need not be made."""
    rng = Random(f"{seed}:{number}")
    bases = _POOL + number // 8
    first = rng.randrange(bases)
    made, said = base(seed, first)

    def other() -> bytes:
        """Of another person at the same identity provider, mostly; else of another one."""
        another = rng.randrange(bases)
        if rng.random() < 0.8:
            another += (first - another) % len(keys.NAMES)
        theirs, their_words = base(seed, another)
        if theirs.key == made.key:
            scene.signed.extend(their_words)
        return theirs.octets

    scene = Scene(rng=rng, pair=keys.pair(made.key), other=other, signed=list(said))
    octets = made.octets
    mutations: list[str] = []
    how_many = 0 if rng.random() < UNCHANGED else rng.choices((1, 2, 3, 4), (50, 27, 15, 8))[0]
    harmless = rng.random() < HARMLESS_SHARE
    for _ in range(how_many):
        table = HARMLESS if harmless and rng.random() < 0.9 else HOSTILE
        name = rng.choice(list(table))
        try:
            octets = table[name](octets, scene)
            mutations.append(name)
        except NotHere:
            mutations.append(f"{name} (had no effect)")
    return Document(
        seed=seed, number=number, octets=octets, made=made, mutations=tuple(mutations), signed=tuple(scene.signed)
    )


def judge(it: Document, tally: Tally, profile: verdicts.Judge = verdicts.by_profile) -> list[str]:
    """Counts one document; why it is a disagreement, if it is one. `profile` is there for a broken one to be found."""
    pair = keys.pair(it.made.key)
    mine = profile(it.octets, pair)
    others = {name: oracle(it.octets, pair) for name, oracle in verdicts.ORACLES.items()}
    reasons = verdicts.differences(mine, others, it.signed)
    tally.documents += 1
    tally.made.update((f"shape {it.made.shape}", f"signer {it.made.signer}", f"signed {it.made.mode}"))
    tally.made.update(_encryptions(it.made))
    tally.oracles.update(name for name, verdict in others.items() if verdict.accepted)
    tally.tried.update(name for name in it.mutations if "(" not in name)
    if mine.accepted:
        tally.accepted += 1
        tally.believed_encrypted.update(_encryptions(it.made))
        tally.survived.update(name for name in it.mutations if "(" not in name)
    else:
        tally.refused[mine.refused or ""] += 1
        if all(verdict.accepted for verdict in others.values()):
            tally.stricter[mine.refused or ""] += 1
    if not it.mutations:
        tally.unchanged += 1
        accepted = {"profile": mine, **others}
        tally.believed_unchanged.update(name for name, verdict in accepted.items() if verdict.accepted)
        if mine.accepted:
            method = it.made.method.rpartition("#")[2]
            tally.believed_unchanged.update(_encryptions(it.made))
            tally.believed_unchanged.update(
                (f"shape {it.made.shape}", f"signer {it.made.signer}", f"signed {it.made.mode}", f"method {method}")
            )
    if reasons:
        tally.disagreements.append(Disagreement(document=it, reasons=tuple(reasons)))
    return reasons


def _encryptions(made: Valid) -> set[str]:
    """What is encrypted in it, and with which algorithms."""
    parts = [part.partition(": ") for part in made.encrypted]
    return {f"encrypted {local}" for local, _, _ in parts} | {
        f"by {name}" for _, _, how in parts for name in how.split()
    }


def run(seed: int, numbers: Iterable[int], profile: verdicts.Judge = verdicts.by_profile) -> Tally:
    """Judges these documents in this process."""
    acquaint()
    tally = Tally()
    for number in numbers:
        try:
            it = document(seed, number)
        except Exception as error:  # noqa: BLE001 one mistake of ours does not end a long run, but it is told, and fails it
            tally.unmade.append(f"{number} of seed {seed} could not be made: {type(error).__name__}: {error}")
            continue
        judge(it, tally, profile)
    return tally


def run_spread(
    seed: int, documents: int, processes: int, profile: verdicts.Judge = verdicts.by_profile
) -> Iterator[Tally]:
    """Judges documents 0 to `documents` in so many processes, and yields what has been counted so far."""
    total = Tally()
    chunks = [(seed, range(at, min(at + _CHUNK, documents)), profile) for at in range(0, documents, _CHUNK)]
    for name in (*keys.NAMES, keys.ATTACKER):
        keys.pair(name)  # made once, before there are several processes
    if processes == 1:
        for chunk in chunks:
            total.add(_chunk(chunk))
            yield total
        return
    with multiprocessing.get_context("fork").Pool(processes, _hush) as pool:
        for tally in pool.imap_unordered(_chunk, chunks):
            total.add(tally)
            yield total


def _hush() -> None:
    """The libraries below write of every malformed document to standard error; what raises is reported by the pool."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _chunk(work: tuple[int, range, verdicts.Judge]) -> Tally:
    return run(*work)


def report(tally: Tally, seed: int, seconds: float) -> str:
    """The figures of a run, for people."""
    lines = [
        f"seed {seed}: {tally.documents} documents in {seconds:.0f} s ({tally.documents / max(seconds, 0.001):.0f} a second)",
        f"  believed by the profile    {tally.accepted} ({tally.accepted / max(tally.documents, 1):.0%});"
        f" unchanged {tally.unchanged}, believed by {_counts(Counter({name: tally.believed_unchanged[name] for name in JUDGES}))}",
        f"  encrypted, and believed    {_counts(tally.believed_encrypted)}",
        f"  believed by the others     {_counts(tally.oracles)}",
        f"  refused by the profile     {_counts(tally.refused)}",
        f"  refused though both others believe (strictness)  {_counts(tally.stricter)}",
        "  mutations (tried, profile still believed the document):",
        *(f"    {name:<32}{tried:>8}{tally.survived[name]:>8}" for name, tried in sorted(tally.tried.items())),
        f"  disagreements              {len(tally.disagreements)}",
    ]
    for reason, number in Counter(reason for one in tally.disagreements for reason in one.reasons).most_common(
        _PRINTED
    ):
        lines.append(f"    {number:>6}  {reason}")
    return "\n".join(lines)


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counter.most_common()) or "none"


def one(seed: int, number: int) -> tuple[str, list[str]]:
    """One document and its verdicts, for a look at a disagreement; and its reasons."""
    acquaint()
    it = document(seed, number)
    tally = Tally()
    reasons = judge(it, tally)
    pair = keys.pair(it.made.key)
    judged = {"profile": verdicts.by_profile(it.octets, pair)}
    judged |= {name: oracle(it.octets, pair) for name, oracle in verdicts.ORACLES.items()}
    lines = [
        f"document {number} of seed {seed}: shape {it.made.shape}, signer {it.made.signer}, signed {it.made.mode},"
        f" {it.made.method.rpartition('#')[2]}, key {it.made.key}",
        f"encrypted: {'; '.join(it.made.encrypted) or 'nothing'}",
        f"mutations: {', '.join(it.mutations) or 'none'}",
        it.octets.decode("utf-8", "backslashreplace"),
        *(f"{name:<10} {verdict.refused or verdict.said}" for name, verdict in judged.items()),
        *(f"DISAGREEMENT: {reason}" for reason in reasons),
    ]
    return "\n".join(lines), reasons


def nightly(
    seed: int,
    documents: int,
    processes: int,
    directory: Path,
    profile: verdicts.Judge = verdicts.by_profile,
    counts: Path | None = None,
) -> bool:
    """A whole run: progress, figures (as JSON too, into `counts`), findings kept in `directory`. Whether it was clean."""
    began = said = time.monotonic()
    tally = Tally()
    for tally in run_spread(seed, documents, processes, profile):
        if time.monotonic() - said > _SECONDS_OF_SILENCE:
            said = time.monotonic()
            print(f"… {tally.documents} documents, {len(tally.disagreements)} disagreements", flush=True)
    print(report(tally, seed, time.monotonic() - began))
    for number, finding in enumerate(tally.disagreements):
        file = finding.write(directory)
        if number < _PRINTED:
            print(f"kept {file}: ./dev fuzz differential --seed {seed} --only {finding.document.number}")
    for fault in tally.faults():
        print(f"FAULT: {fault}")
    if counts is not None:
        counts.write_text(tally.as_json())
    return not tally.disagreements and not tally.faults()
