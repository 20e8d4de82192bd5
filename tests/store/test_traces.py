"""An event's document is short, and says all that the event says."""

import json
from itertools import product

import pytest
from tests.store import nouns

from vestibule.ground.errors import Finding
from vestibule.model.event import Event
from vestibule.saml.checks import RULES
from vestibule.store.codec import decode, encode
from vestibule.store.traces import HELD, document, event

PASSED = Finding(rule="saml.status", verdict="pass")
OTHER = Finding(rule="saml.issuer", verdict="pass")
FINDINGS = (
    PASSED,
    OTHER,
    Finding(rule="saml.signature", verdict="pass", why="It verifies.", want="1 certificate(s)", got="signed: Response"),
    Finding(rule="saml.audience", verdict="fail", why="It is meant for somebody else.", want="a", got=""),
    Finding(rule="saml.audience", verdict="fail"),
    Finding(rule="saml.audience", verdict="pass", want=""),
    Finding(rule="saml.audience", verdict="pass", got=""),
    Finding(rule="saml.instants", verdict="note", why="Judged now."),
    Finding(rule="saml.instants", verdict="note"),
)


@pytest.mark.parametrize("length", range(4))
def test_every_trace_comes_back_whole_and_in_its_order(length: int) -> None:
    """Runs of rules that held, at either end and between others, however they follow one another."""
    for trace in product(FINDINGS, repeat=length):
        made = nouns.event(trace=trace)
        assert event(document(made)) == made


@pytest.mark.parametrize(
    "made",
    [
        nouns.event(),
        nouns.event(code="saml.audience", connection=None, application="crm", person="p1", detail={}, trace=()),
        nouns.event(connection=None, detail={"why": "Æ \u2028", "how": ""}),
    ],
)
def test_whatever_else_an_event_says_comes_back_too(made: Event) -> None:
    assert event(document(made)) == made
    assert repr(event(document(made))) == repr(made)


def test_an_event_that_an_earlier_version_wrote_is_read_as_it_was() -> None:
    made = nouns.event(trace=FINDINGS)
    assert event(encode(made)) == made


def test_an_earlier_version_reads_all_but_the_rules_that_held() -> None:
    """While nodes are upgraded one by one, either reads what the other wrote."""
    made = nouns.event(trace=(PASSED, OTHER, *FINDINGS[2:]), code="x.y", person="p1")
    read = decode(Event, document(made))
    assert read.trace[0] == Finding(rule=HELD, verdict="pass", got="saml.status saml.issuer")
    assert (read.trace[1:], read.code, read.person, read.at) == (made.trace[2:], made.code, made.person, made.at)


def test_the_rules_of_a_good_login_take_no_more_room_than_their_names() -> None:
    rules = tuple(rule.held for rule in RULES)
    bare, whole = len(document(nouns.event(trace=()))), len(document(nouns.event(trace=rules)))
    assert whole - bare < sum(len(rule.name) + 1 for rule in RULES) + 60
    assert whole < len(encode(nouns.event(trace=rules))) / 2


def test_no_rule_has_the_name_that_stands_for_several_nor_a_space_in_its_own() -> None:
    assert not any(rule.name == HELD or " " in rule.name for rule in RULES)
    assert json.loads(document(nouns.event(trace=(PASSED,))))["trace"] == [
        {"rule": HELD, "verdict": "pass", "got": "saml.status"}
    ]
