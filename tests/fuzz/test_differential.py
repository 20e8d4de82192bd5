"""The differential oracle: what the profile believes, two unrelated verifiers believe too; and the oracle itself can fail."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fuzz.encrypting import HOLDERS
from fuzz.shapes import SHAPES
from fuzz.signers import SIGNERS, acquaint
from lxml import etree
from tests.builders_saml import refusal
from tests.xml.encrypter import DIGEST_NAMES

from fuzz import differential, keys, verdicts
from vestibule.ground.errors import Refused
from vestibule.saml.assertion import read_assertion
from vestibule.saml.response import ENCRYPTED_ASSERTION, read
from vestibule.saml.trust import VerifiedAssertion, opened, verify
from vestibule.xml import signature
from vestibule.xml.encryption import CONTENT, RSA_OAEP, RSA_OAEP_MGF1P
from vestibule.xml.signature import METHODS

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors" / "saml" / "differential"
DOCUMENTS = 2_000
pytestmark = pytest.mark.timeout(1200)  # seconds of work on an idle machine; a busy one is no failure


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What `./dev fuzz differential` counts in a run of fixed seed, in a process of its own as everybody runs it."""
    counts = tmp_path_factory.mktemp("fuzz") / "counts.json"
    command = ["fuzz", "differential", "--seed", "20261124", "--documents", str(DOCUMENTS), "--processes", "2"]
    ended = subprocess.run(
        [sys.executable, "-m", *command, "--json", str(counts)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    found: dict[str, object] = json.loads(counts.read_text())
    return found


def test_nothing_is_believed_that_others_refuse_or_read_otherwise(counted: dict[str, int]) -> None:
    """Over mutated documents of every shape; and enough of them are believed for that to say something."""
    assert counted["documents"] == DOCUMENTS
    assert counted["disagreements"] == []
    assert counted["accepted"] >= DOCUMENTS // 3
    assert sum(counted["refused"].values()) >= DOCUMENTS // 4  # type: ignore[attr-defined]


def test_every_shape_signer_mode_and_algorithm_is_believed_by_all_three(counted: dict[str, dict[str, int]]) -> None:
    """What was not mutated is believed without exception, and there is some of each kind."""
    believed = counted["believed_unchanged"]
    assert [believed[name] for name in differential.JUDGES] == [counted["unchanged"]] * 3
    assert {f"shape {shape.name}" for shape in SHAPES} <= believed.keys()
    assert {f"signer {signer}" for signer in SIGNERS} <= believed.keys()
    assert {f"signed {mode}" for mode in ("assertion", "response", "both")} <= believed.keys()
    assert {f"method {method.rpartition('#')[2]}" for method in METHODS} <= believed.keys()


def test_encrypted_documents_are_among_the_believed(counted: dict[str, dict[str, int]]) -> None:
    """Unchanged ones by all three; and of all that was believed, each part in each algorithm."""
    parts = {f"encrypted {local}" for local in HOLDERS}
    algorithms = {f"by {name.rpartition('#')[2]}" for name in (*CONTENT, RSA_OAEP, RSA_OAEP_MGF1P, *DIGEST_NAMES)}
    assert parts <= counted["believed_unchanged"].keys()
    assert parts | algorithms <= counted["believed_encrypted"].keys()
    assert counted["believed_encrypted"]["encrypted Assertion"] >= DOCUMENTS // 40


def test_every_mutator_takes_hold(counted: dict[str, dict[str, int]]) -> None:
    """None of them is there for show; those called harmless leave documents believed."""
    assert counted["tried"].keys() >= differential.HARMLESS.keys() | differential.HOSTILE.keys()
    assert counted["survived"].keys() >= differential.HARMLESS.keys()


def test_a_document_is_the_same_whenever_it_is_made() -> None:
    """By its seed and number alone, also where its algorithm is a random one; other numbers are other documents."""
    acquaint()
    first = [differential.document(7, number) for number in range(30)]
    differential.base.cache_clear()
    again = [differential.document(7, number) for number in reversed(range(30))]
    assert [one.octets for one in first] == [one.octets for one in reversed(again)]
    assert len({one.octets for one in first}) == len(first)
    assert {one.made.method.rpartition("-")[2] for one in first} - {"sha256"}


# -- the oracle can fail ---------------------------------------------------------------------------------------------------


def reads_the_document(octets: bytes, pair: keys.Pair) -> verdicts.Verdict:
    """A broken profile: some signature verifies over its parent, and then the first assertion of the document is read."""
    try:
        root = etree.fromstring(octets)
        signed = [one.getparent() for one in root.iter(verdicts.DS + "Signature")]
        if not any(_verifies(root, element, pair) for element in signed if element is not None):
            return verdicts.Verdict(refused="unsigned")
        envelope = read(differential.document(1, 0).made.octets).envelope
        assertion = read_assertion(next(root.iter(verdicts.ASSERTION)))
    except (Refused, etree.LxmlError, StopIteration):
        return verdicts.Verdict(refused="shape")
    verified = VerifiedAssertion(
        envelope=envelope, assertion=assertion, response_signed=False, assertion_signed=True, signers=(pair.public,)
    )
    return verdicts.from_verified(verified)


def _verifies(root: etree._Element, element: etree._Element, pair: keys.Pair) -> bool:
    try:
        signature.verify(root, element, keys=[pair.public])
    except Refused:
        return False
    return True


def reads_text_to_the_first_node(octets: bytes, pair: keys.Pair) -> verdicts.Verdict:
    """Another: it trusts libxmlsec's yes, and reads the name as far as the first comment in it."""
    said = verdicts.by_xmlsec(octets, pair).said
    name = next(etree.fromstring(octets).iter(verdicts.SAML + "NameID"), None) if said is not None else None
    if said is None or said.subject is None or name is None:
        return verdicts.Verdict(refused="whatever")
    return verdicts.Verdict(said=replace(said, subject=(name.text or "", *said.subject[1:])))


def forgets_the_key(octets: bytes, pair: keys.Pair) -> verdicts.Verdict:
    """A third: the signature is good, by whichever key of the world."""
    for name in (pair.name, keys.ATTACKER):
        try:
            return verdicts.from_verified(verify(read(octets), keys=[keys.pair(name).public]))
        except Refused:
            continue
    return verdicts.Verdict(refused="whatever")


def takes_encryption_for_a_signature(octets: bytes, pair: keys.Pair) -> verdicts.Verdict:
    """A fourth: who encrypts for us knows our key, so it believes what opens; anybody can know it."""
    try:
        message = read(octets)
        if message.assertion.tag != ENCRYPTED_ASSERTION:
            return verdicts.by_profile(octets, pair)
        held = opened(message.assertion, None, (), verdicts.DECRYPTION)
        assertion = read_assertion(held.assertion, verdicts.DECRYPTION)
    except Refused as refused:
        return verdicts.Verdict(refused=refused.code)
    verified = VerifiedAssertion(
        envelope=message.envelope,
        assertion=assertion,
        response_signed=False,
        assertion_signed=True,
        signers=(pair.public,),
    )
    return verdicts.from_verified(verified)


def passes_over_what_is_encrypted(octets: bytes, pair: keys.Pair) -> verdicts.Verdict:
    """A fifth: it opens no attribute, and believes the rest."""
    said = verdicts.by_profile(octets, pair).said
    if said is None:
        return verdicts.Verdict(refused="whatever")
    root = etree.fromstring(octets)
    plain = {attribute.get("Name") for attribute in root.iter(verdicts.SAML + "Attribute")}
    if root.find(ENCRYPTED_ASSERTION) is not None:
        return verdicts.by_profile(octets, pair)
    return verdicts.Verdict(said=replace(said, attributes=tuple(one for one in said.attributes if one[0] in plain)))


@pytest.mark.parametrize(
    "broken",
    [
        reads_the_document,
        reads_text_to_the_first_node,
        forgets_the_key,
        takes_encryption_for_a_signature,
        passes_over_what_is_encrypted,
    ],
)
def test_a_broken_profile_is_found_out(broken: verdicts.Judge, tmp_path: Path) -> None:
    """Within the documents of one run; it is kept, with what is needed to make it again, and the run fails."""
    acquaint()
    tally = differential.Tally()
    number = next(
        number
        for number in range(DOCUMENTS)
        if differential.judge(differential.document(1, number), tally, broken)
    )  # fmt: skip
    kept = tally.disagreements[0].write(tmp_path)
    about = json.loads(kept.with_suffix(".json").read_text())
    assert (about["seed"], about["number"]) == (1, number)
    assert about["reasons"]
    assert kept.read_bytes() == differential.document(1, number).octets


def test_a_run_with_a_finding_fails_and_says_how_to_make_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert differential.nightly(1, 60, 1, tmp_path, reads_the_document) is False
    said = capsys.readouterr().out
    kept = sorted(tmp_path.glob("*.xml"))
    assert kept
    number = kept[0].stem.rpartition("-")[2]
    assert f"--seed 1 --only {number}" in said


def test_a_run_that_believes_too_little_fails(tmp_path: Path) -> None:
    """A profile that refuses everything agrees with everybody, and proves nothing."""

    def refuses(octets: bytes, pair: keys.Pair) -> verdicts.Verdict:
        return verdicts.Verdict(refused="no")

    assert differential.nightly(1, 60, 1, tmp_path, refuses) is False
    assert list(tmp_path.iterdir()) == []


# -- what was found, kept for ever -------------------------------------------------------------------------------------------

FOUND = {
    "white-space-of-python-in-base64": "xml.signature_shape",
    "white-space-of-python-between-children": "saml.shape",
    "prefix-list-parted-by-line-feed": "xml.signature_shape",
    "relative-namespace-in-key-info": "xml.relative_namespace",
    "identifier-ends-with-space": "xml.signature_reference",
    "identifier-is-number-signs": "xml.signature_reference",
    "identifier-ends-xpointer": "xml.signature_reference",
}


def test_each_vector_has_its_refusal_here() -> None:
    assert {file.stem for file in VECTORS.glob("*.xml")} == {*FOUND, "honest"}


@pytest.mark.parametrize(("name", "code"), FOUND.items())
def test_what_readers_differed_on_is_refused(name: str, code: str) -> None:
    """Signed by the right key; each was believed once, or read so that a second reader could read it otherwise."""
    octets = (VECTORS / f"{name}.xml").read_bytes()
    with refusal(code):
        verify(read(octets), keys=[keys.pair("P-256").public])


def test_the_same_message_without_the_oddity_is_believed_by_all_three() -> None:
    octets = (VECTORS / "honest.xml").read_bytes()
    pair = keys.pair("P-256")
    mine = verdicts.by_profile(octets, pair)
    assert mine.said is not None
    others = {name: oracle(octets, pair) for name, oracle in verdicts.ORACLES.items()}
    assert verdicts.differences(mine, others, [mine.said]) == []
