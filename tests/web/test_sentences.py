"""Sentences: every refusal that a person can meet has words of its own, and they betray nothing."""

import re
from pathlib import Path

import pytest

import vestibule
from vestibule.web.sentences import SENTENCES, sentence

SOURCE = Path(vestibule.__file__).parent
OPERATORS = {"backup", "keys", "settings", "configuration", "fetch", "inspect", "jose", "metadata", "server"}
"""Families that only operators meet, or for which the general sentence is the right one."""


def raised() -> set[str]:
    """The codes of all refusals in the source, outside the operators' own rooms."""
    found: set[str] = set()
    for room in ("flows", "oidc", "policy", "saml", "store", "upstream", "web", "xml"):
        for file in (SOURCE / room).glob("*.py"):
            found.update(re.findall(r'Refused\(\s*"([a-z_]+(?:\.[a-z_]+)+)"', file.read_text()))
    return found


def test_every_family_of_refusals_has_a_sentence() -> None:
    families = {code.partition(".")[0] for code in raised()} - OPERATORS
    assert families
    assert families <= set(SENTENCES), families - set(SENTENCES)


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("idp_initiated.disabled", "Please start from the application"),
        ("idp_initiated.forbidden_parameter", "This tile leads nowhere yet"),
        ("login.expired_or_used", "This sign-in has expired"),
        ("login.other_host", "This sign-in started at another address"),
        ("login.other_browser", "This sign-in started in another browser"),
        ("login.unknown_request", "We do not know this sign-in"),
        ("login.stale_question", "This page is too old"),
        ("login.loop", "Signing in keeps starting over"),
        ("saml.audience", "We could not accept this sign-in"),
        ("xml.signature.digest", "We could not accept this sign-in"),
        ("saml.status", "Your company did not let you in"),
        ("saml.replayed", "This sign-in was already used"),
        ("saml.too_large", "That was too much at once"),
        ("request.too_large", "That was too much at once"),
        ("request.encoding", "We could not read this request"),
        ("request.foreign_origin", "Please try once more"),
        ("csrf.missing", "Please try once more"),
        ("person.blocked", "Your access has been blocked"),
        ("person.not_provisioned", "You have no account here yet"),
        ("connection.disabled", "This sign-in is switched off"),
        ("connection.unknown", "This sign-in is not available"),
        ("connection.not_enabled_for_application", "Not for this application"),
        ("application.disabled", "This application is not available"),
        ("application.unknown", "This application is not available"),
        ("oidc.client_unknown", "This application is not available"),
        ("oidc.redirect_uri_unregistered", "We do not know the way back"),
        ("oidc.invalid_scope", "The application asked for something we cannot do"),
        ("store.unavailable", "We will be back shortly"),
        ("rehearsal.gone", "This test sign-in is over"),
        ("server.error", "Something went wrong"),
        ("", "Something went wrong"),
    ],
)
def test_the_nearest_family_gives_the_sentence(code: str, title: str) -> None:
    assert sentence(code).title == title


def test_the_four_causes_of_a_lost_login_are_told_apart() -> None:
    causes = ("login.expired_or_used", "login.other_host", "login.other_browser", "login.unknown_request")
    assert len({sentence(code).what for code in causes}) == 4


@pytest.mark.parametrize("code", SENTENCES)
def test_sentences_are_plain_words(code: str) -> None:
    """No protocol's word, no code, no internal name; something to do now; straight apostrophes, set by the page."""
    said = SENTENCES[code]
    text = f"{said.title} {said.what} {said.remedy}"
    assert not re.search(r"SAML|OIDC|OAuth|XML|token|assertion|RelayState|IdP|redirect|[_<>\u2019]|\w\.\w", text)
    assert not said.title.endswith(".")
    assert said.what.endswith(".")
    assert said.remedy.endswith(".")
