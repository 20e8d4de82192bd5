"""The whole tour, started as a visitor starts it, walked with a browser: every tile and every attack ends as its page says."""

import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.peers.plain_browser import Page, PlainBrowser

from vestibule.demo.places import Places, lay_out
from vestibule.demo.scenarios import ATTACKS_BY_KEY, Verdict

ROOT = Path(__file__).parents[2]
_FROM, _TO = 10_000, 32_000
"""Below the ports that the system gives to whoever asks for any: none of those is taken by chance in between."""


def free_ports(count: int = 5) -> int:
    """The first of `count` ports in a row that nobody uses; drawn, since whoever counts up meets everybody who does."""
    draw = random.SystemRandom()
    for _ in range(1_000):
        base = draw.randrange(_FROM, _TO)
        if all(map(_is_free, range(base, base + count))):
            return base
    raise AssertionError(f"no {count} free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def command(base: int, *more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "vestibule", "demo", "--port-base", str(base), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    """The running tour; afterwards it must stop cleanly on Ctrl-C."""
    base = free_ports()
    process = command(base)
    assert process.stdout is not None
    said = ""
    try:
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, f"the tour did not start: {said}"
            said += line
        assert f"http://portal.localhost:{base + 1}/" in said
        yield lay_out(base)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        assert (process.returncode, rest.strip()) == (0, "Stopped.")
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def browser() -> PlainBrowser:
    return PlainBrowser()


def click(browser: PlainBrowser, places: Places, tile: str) -> Page:
    """The tile's page, and its button; as far as it goes without a question."""
    return browser.submit(browser.open(f"{places.portal.origin}/tile/{tile}"))


def agree(browser: PlainBrowser, page: Page) -> Page:
    return browser.submit(page, ("decision", "yes"))


def lure(browser: PlainBrowser, places: Places, attack: str) -> Page:
    """The attack's page, and its button. The bait's form posts itself; its link is followed as its script would."""
    page = browser.submit(browser.open(f"{places.evil.origin}/attack/{attack}"))
    [link] = page.document.xpath("//a[@data-carry]/@href") or [None]
    return page if link is None else browser.open(str(link), initiator=page.url)


@pytest.mark.parametrize("tile", ["restart-direct", "accept-direct"])
def test_direct_tiles_sign_in_without_a_question(browser: PlainBrowser, places: Places, tile: str) -> None:
    page = click(browser, places, tile)
    assert page.url == f"{places.crm.origin}/app/"
    assert "Welcome, Ada Lovelace." in page.words
    assert "GET /direct/callback" in page.words


@pytest.mark.parametrize("tile", ["confirm-client", "confirm-direct"])
def test_confirm_tiles_ask_once(browser: PlainBrowser, places: Places, tile: str) -> None:
    """The question names the account; yes leads to the application."""
    question = click(browser, places, tile)
    assert question.url.startswith(places.issuer)
    assert "ada@acme.example" in question.words
    assert "Welcome, Ada Lovelace." in agree(browser, question).words


@pytest.mark.parametrize("tile", ["restart-client", "accept-client"])
def test_client_tiles_for_board_reach_its_own_start(browser: PlainBrowser, places: Places, tile: str) -> None:
    """From there on Board is JavaScript."""
    assert click(browser, places, tile).url == f"{places.board.origin}/sso?ssoConnectorId=con_acme"


@pytest.mark.parametrize("tile", ["launch", "relay-state"])
def test_deep_links_lead_to_the_deal(browser: PlainBrowser, places: Places, tile: str) -> None:
    page = click(browser, places, tile)
    assert page.url == f"{places.crm.origin}/app/deals/42"
    assert "Ada Lovelace, the deep link brought you straight here." in page.words


def test_the_mismatch_is_asked_about_and_ends_at_the_portals_person(browser: PlainBrowser, places: Places) -> None:
    question = click(browser, places, "mismatch")
    assert question.url.startswith(places.issuer)
    assert "Welcome, Ada Lovelace." in agree(browser, question).words


def test_a_colleague_at_the_same_browser_is_asked_before_taking_over(browser: PlainBrowser, places: Places) -> None:
    click(browser, places, "restart-direct")
    browser.submit(browser.open(f"{places.portal.origin}/people"))
    question = click(browser, places, "restart-direct")
    assert "grace@acme.example" in question.words
    assert "Welcome, Grace Hopper." in agree(browser, question).words


def test_signing_out_of_crm_comes_back_signed_out(browser: PlainBrowser, places: Places) -> None:
    page = browser.submit(click(browser, places, "restart-direct"))
    assert page.url == f"{places.crm.origin}/"
    assert "You are signed out." in page.words


@pytest.mark.parametrize("been_here", [False, True], ids=["a fresh browser", "a browser that was Ada's"])
@pytest.mark.parametrize("attack", ["restart", "confirm", "accept"])
def test_a_planted_response_ends_at_a_question(
    browser: PlainBrowser, places: Places, attack: str, been_here: bool
) -> None:
    """And nobody is signed in as Mallory: CRM still knows nobody, or Ada."""
    assert ATTACKS_BY_KEY[attack].verdict is not Verdict.SUCCEEDS
    if been_here:
        click(browser, places, "restart-direct")
    question = lure(browser, places, attack)
    assert question.url.startswith(f"{places.issuer}login/continue")
    named = "ada@acme.example" if attack == "restart" else "mallory@acme.example"
    assert named in question.words
    crm = browser.open(f"{places.crm.origin}/")
    assert ("You are signed in as Ada Lovelace." if been_here else "You are signed out.") in crm.words


def test_under_restart_even_yes_leads_to_ones_own_account(browser: PlainBrowser, places: Places) -> None:
    assert "Welcome, Ada Lovelace." in agree(browser, lure(browser, places, "restart")).words


@pytest.mark.parametrize("been_here", [False, True], ids=["a fresh browser", "a browser that was Ada's"])
@pytest.mark.parametrize("attack", ["accept-any", "code"])
def test_the_attacks_that_succeed_do(browser: PlainBrowser, places: Places, attack: str, been_here: bool) -> None:
    assert ATTACKS_BY_KEY[attack].verdict is Verdict.SUCCEEDS
    if been_here:
        click(browser, places, "restart-direct")
    page = lure(browser, places, attack)
    assert page.url == f"{places.crm.origin}/app/"
    assert "You are signed in as Mallory." in page.words


def test_a_planted_code_fails_where_the_application_made_the_request(browser: PlainBrowser, places: Places) -> None:
    page = lure(browser, places, "code-client")
    assert (page.status, page.url.split("?")[0]) == (400, f"{places.crm.origin}/callback")
    assert "This login was not started in this browser" in page.words


def test_every_hop_of_a_journey_has_its_sentence(browser: PlainBrowser, places: Places) -> None:
    """The recorder explains what it saw; a hop without words would be a riddle."""
    for play in ("relay-state", "restart-direct", "accept-direct", "launch"):
        page = click(browser, places, play)
        hops = page.document.xpath("//li[contains(@class, 'hop')]")
        assert len(hops) >= 3
        assert all(hop.xpath("p[@class='hop-sentence']") for hop in hops), [hop.text_content() for hop in hops]


def test_the_page_shows_no_code_and_no_response(browser: PlainBrowser, places: Places) -> None:
    """The recorder keeps names only."""
    page = click(browser, places, "restart-direct")
    [callback] = [seen for seen in browser.history if "/direct/callback?" in seen.url]
    code = re.search(r"code=([^&]+)", callback.url)
    assert code is not None
    assert code[1] not in page.text


def test_a_port_in_use_is_one_sentence(places: Places) -> None:
    process = command(places.broker.port)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"port {places.broker.port} on 127.0.0.1 is not to be had" in said
    assert "Traceback" not in said


def test_what_was_kept_can_be_toured_again(tmp_path: Path) -> None:
    """--keep DIR: the same directory serves a second time, its keys and people with it."""
    base = free_ports()
    for _ in range(2):
        process = command(base, "--keep", str(tmp_path))
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=20)
        assert (process.returncode, rest.strip()) == (0, "Stopped.")
    assert (tmp_path / "vestibule.yaml").exists()
