"""CRM: what a careful client checks before it believes a code, and what direct delivery lets by."""

import json
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient
from tests.doubles import CountingEntropy, FixedClock

from vestibule.demo.configuration import DIRECT_STATE
from vestibule.demo.crm import MOST, Crm, _remember
from vestibule.demo.journey import Journey
from vestibule.demo.places import lay_out
from vestibule.jose import jwt, keys

PLACES = lay_out(8000)
PEM = keys.generate("RS256")
KEY = keys.signing_key("k", "RS256", PEM)
CLOCK = FixedClock()


class Broker:
    """Answers the token endpoint with an ID token made of `claims`, and remembers what it was sent."""

    def __init__(self) -> None:
        self.claims: dict[str, object] = {}
        self.redeemed: list[Mapping[str, list[str]]] = []
        self.authorizations: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/.well-known/jwks.json":
            return httpx2.Response(200, json={"keys": [keys.public_jwk("k", "RS256", keys.public_pem(PEM))]})
        self.redeemed.append(parse_qs(request.content.decode()))
        self.authorizations.append(request.headers["Authorization"])
        now = int(CLOCK.now().timestamp())
        claims = {"iss": PLACES.issuer, "aud": "crm", "sub": "x", "iat": now, "exp": now + 60, "name": "Ada Lovelace"}
        token = jwt.sign({**claims, "connection": "acme", **self.claims}, KEY)
        return httpx2.Response(200, text=json.dumps({"id_token": token}))


class Visit:
    """A browser at CRM, and the broker behind it."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.journey = Journey()
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(self.broker))
        crm = Crm(places=PLACES, journey=self.journey, secret="s%:", http=http, clock=CLOCK, entropy=CountingEntropy())
        self.app = crm.app()
        self.browser = self.another_browser()

    def another_browser(self) -> TestClient:
        return TestClient(self.app, base_url=PLACES.crm.origin, follow_redirects=False)

    def start(self, **query: str) -> dict[str, str]:
        """The parameters of the authorization request that CRM sends the browser with; its nonce goes into the ID token."""
        location = self.browser.get("/login", params=query).headers["Location"]
        assert location.startswith(f"{PLACES.issuer}authorize?")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        self.broker.claims["nonce"] = asked["nonce"]
        return asked

    def answered(self, asked: Mapping[str, str], **changes: str) -> dict[str, str]:
        return {"code": "the-code", "state": asked["state"], "iss": PLACES.issuer, **changes}


def test_a_login_of_its_own_ends_at_the_account() -> None:
    """State, nonce and PKCE go out; client authentication, verifier and redirect URI go with the code."""
    visit = Visit()
    asked = visit.start(iss=PLACES.issuer, login_hint="connection:acme")
    assert (asked["login_hint"], asked["code_challenge_method"], asked["response_type"]) == (
        "connection:acme",
        "S256",
        "code",
    )
    answer = visit.browser.get("/callback", params=visit.answered(asked))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/app/")
    [sent] = visit.broker.redeemed
    assert sent["redirect_uri"] == ["http://crm.localhost:8002/callback"]
    assert len(sent["code_verifier"][0]) >= 43
    assert visit.broker.authorizations == ["Basic Y3JtOnMlMjUlM0E="]
    assert "Ada Lovelace" in visit.browser.get("/app/").text


@pytest.mark.parametrize("state", ["", "another"])
def test_a_code_without_this_browsers_state_is_not_touched(state: str) -> None:
    visit = Visit()
    answer = visit.browser.get("/callback", params=visit.answered(visit.start(), state=state))
    assert answer.status_code == 400
    assert visit.broker.redeemed == []


def test_a_code_that_belongs_to_another_browser_is_not_touched() -> None:
    """The planted code of the tour: everything is right but the browser."""
    visit = Visit()
    answer = visit.another_browser().get("/callback", params=visit.answered(visit.start()))
    assert "not started in this browser" in answer.text
    assert visit.broker.redeemed == []


def test_a_started_login_is_finished_once() -> None:
    visit = Visit()
    asked = visit.start()
    assert visit.browser.get("/callback", params=visit.answered(asked)).status_code == 303
    assert visit.browser.get("/callback", params=visit.answered(asked)).status_code == 400


def test_an_answer_of_another_issuer_is_turned_down() -> None:
    """[RFC 9207 2.4]"""
    visit = Visit()
    answer = visit.browser.get("/callback", params=visit.answered(visit.start(), iss="http://other.localhost/"))
    assert answer.status_code == 400
    assert visit.broker.redeemed == []


NOW = int(CLOCK.now().timestamp())


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://other.localhost/"},
        {"aud": "board"},
        {"nonce": "another"},
        {"exp": NOW},
        {"iat": NOW + 61},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_an_id_token_for_something_else_signs_nobody_in(claims: dict[str, object]) -> None:
    """[OIDC Core 3.1.3.7]"""
    visit = Visit()
    asked = visit.start()
    visit.broker.claims.update(claims)
    assert visit.browser.get("/callback", params=visit.answered(asked)).status_code == 400
    assert visit.browser.get("/app/").status_code == 303


def test_an_error_is_shown_and_not_redeemed() -> None:
    visit = Visit()
    asked = visit.start()
    answer = visit.browser.get(
        "/callback", params=visit.answered(asked, error="access_denied", error_description="<No>")
    )
    assert "&lt;No&gt;" in answer.text
    assert visit.broker.redeemed == []


def test_direct_delivery_takes_a_code_in_any_browser() -> None:
    """The hole that the tour shows: the state is the same for everybody, and nothing else binds the code."""
    visit = Visit()
    victim = visit.another_browser()
    visit.broker.claims["email"] = "mallory@acme.example"
    answer = victim.get("/direct/callback", params={"code": "c", "state": DIRECT_STATE, "iss": PLACES.issuer})
    assert answer.status_code == 303
    assert "code_verifier" not in visit.broker.redeemed[0]
    assert "You are signed in as Mallory." in victim.get("/app/").text


def test_direct_delivery_keeps_strays_out() -> None:
    visit = Visit()
    answer = visit.browser.get("/direct/callback", params={"code": "c", "state": "other", "iss": PLACES.issuer})
    assert answer.status_code == 400
    assert visit.broker.redeemed == []


@pytest.mark.parametrize(
    ("target", "lands"),
    [
        ("http://crm.localhost:8002/app/deals/42", "/app/deals/42"),
        ("http://evil.localhost:8004/app/", "/app/"),
        ("http://crm.localhost:8002/app/../logout", "/app/"),
        ("http://crm.localhost:8002.evil.localhost/app/", "/app/"),
        ("//evil.localhost/app/", "/app/"),
    ],
)
def test_a_deep_link_stays_below_crms_own_pages(target: str, lands: str) -> None:
    visit = Visit()
    answer = visit.browser.get("/callback", params=visit.answered(visit.start(target_link_uri=target)))
    assert answer.headers["Location"] == lands


def test_a_login_for_another_issuer_is_not_started() -> None:
    """[OIDC Core 4]: `iss` is compared before anything is sent anywhere."""
    assert Visit().browser.get("/login", params={"iss": "http://other.localhost/"}).status_code == 400


def test_a_page_that_needs_an_account_starts_a_login_for_itself() -> None:
    location = Visit().browser.get("/app/deals/42").headers["Location"]
    assert location == "/login?target_link_uri=http%3A%2F%2Fcrm.localhost%3A8002%2Fapp%2Fdeals%2F42"


def test_signing_out_ends_both_sessions() -> None:
    visit = Visit()
    visit.browser.get("/callback", params=visit.answered(visit.start()))
    location = visit.browser.post("/logout").headers["Location"]
    assert location.startswith(f"{PLACES.issuer}oidc/logout?client_id=crm&post_logout_redirect_uri=")
    assert visit.browser.get("/app/").status_code == 303


def test_what_is_remembered_is_bounded() -> None:
    things: dict[str, int] = {}
    for number in range(MOST + 3):
        _remember(things, str(number), number)
    assert (len(things), next(iter(things))) == (MOST, "3")


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ({}, "You opened CRM by yourself"),
        ({"target_link_uri": "http://crm.localhost:8002/app/"}, "You opened CRM by yourself"),
        ({"iss": PLACES.issuer}, "You clicked a tile"),
    ],
)
def test_a_login_that_nobody_sent_for_is_a_journey_of_its_own(query: dict[str, str], title: str) -> None:
    """A login that Vestibule initiates goes on with the journey that led there."""
    visit = Visit()
    visit.journey.start("You clicked a tile")
    visit.start(**query)
    assert visit.journey.title == title
