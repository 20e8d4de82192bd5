"""The fuzzing targets without a fuzzer: their seeds, changes of those by chance, and every input that was ever a finding."""

from pathlib import Path
from random import Random

import pytest
from fuzz.targets import encrypted, requests, saml
from fuzz.targets.property import Broken
from fuzz.targets.seeds import VECTORS, dictionary, seeds
from fuzz.targets.table import TARGETS
from lxml import etree

from fuzz import keys, verdicts

KEPT = sorted((VECTORS / "fuzz").glob("*/*"))
CHANGES = 60


@pytest.mark.parametrize("file", KEPT, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_was_once_a_finding_is_none_any_more(file: Path) -> None:
    """Each file of the folder of a target is given to it, and nothing but a refusal may come of it."""
    assert TARGETS[file.parent.name](file.read_bytes()) in (True, False)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_takes_what_is_good_and_refuses_what_is_not(target: str) -> None:
    """Else its seeds lead nowhere, or it promises nothing."""
    begun = seeds(target)
    came = {TARGETS[target](octets) for octets in [*begun, b"\xff\x00", *(octets[:-3] for octets in begun)]}
    assert came == {True, False}


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_survives_changes_by_chance(target: str) -> None:
    """A few in every run of the tests; the fuzzer makes the millions."""
    rng = Random(f"changes of {target}")  # noqa: S311 chance that is the same in every run
    begun = seeds(target)[:12]
    for _ in range(CHANGES):
        octets = bytearray(rng.choice(begun))
        for _ in range(rng.randint(1, 4)):
            at = rng.randint(0, len(octets))
            octets[at : at + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
        assert TARGETS[target](bytes(octets)) in (True, False)


@pytest.mark.parametrize("target", TARGETS)
def test_the_words_of_a_target_are_as_the_fuzzer_reads_them(target: str) -> None:
    """A line each, in quotation marks; a dictionary that it cannot read ends it before it begins."""
    for line in dictionary(target).splitlines():
        assert line.startswith('"')
        assert line.endswith('"')
        assert line.isascii()
        assert '"' not in line[1:-1].replace('\\"', "")


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example/app/../x",
        "https://crm.example/app/%2E./x",
        "https://crm.example\\@evil.example/app/",
        "https://crm.example@evil.example/app/",
        "https://evil.example/app/",
        "https://crm.example:444/app/",
        "http://crm.example/app/",
        "https://crm.example/apple",
        "javascript:alert(1)//https://crm.example/app/",
    ],
)
def test_the_browser_that_judges_links_would_notice(url: str) -> None:
    """A positive control: what a broken rule might let through is a finding."""
    with pytest.raises(Broken):
        requests._hold_below(url, "https://crm.example/app/")


@pytest.mark.parametrize(
    "url", ["https://crm.example/app/x/../y", "HTTPS://CRM.example:443/app/", "https://crm.example/app/%2e/y?../#.."]
)
def test_the_browser_that_judges_links_knows_good_ones(url: str) -> None:
    requests._hold_below(url, "https://crm.example/app/")


def test_the_second_parser_of_xml_would_notice() -> None:
    """Another: a parser that lets comments in is found out by the one that does not."""
    with pytest.raises(Broken):
        saml.xml(b"<a><!-- x --></a>", etree.fromstring)


def test_a_profile_that_says_what_came_out_would_be_noticed() -> None:
    """Another: whoever hears whether XML came out, and which, reads a message octet by octet."""

    def talks(octets: bytes, pair: keys.Pair) -> verdicts.Verdict:
        mine = verdicts.by_profile(octets, pair)
        return verdicts.Verdict(refused="xml.malformed") if mine.refused == "xml.decryption" else mine

    assert encrypted.plaintext(b"no assertion") is False
    with pytest.raises(Broken, match=r"not xml\.malformed"):
        encrypted.plaintext(b"no assertion", talks)
    with pytest.raises(Broken, match=r"not xml\.malformed"):
        encrypted.structure(
            next(octets for octets in seeds("encrypted-structure") if not encrypted.structure(octets)), talks
        )


def test_a_profile_that_believes_what_nobody_signed_would_be_noticed() -> None:
    """And one that takes encryption for a signature."""
    said = verdicts.by_profile(next(octets for octets in seeds("saml-response")), keys.pair(saml.KEY))
    assert said.accepted
    with pytest.raises(Broken, match="signxml refuses"):
        encrypted.plaintext(b"<saml:Assertion/>", lambda octets, pair: said)
