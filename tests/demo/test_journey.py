"""The flight recorder."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from vestibule.demo.journey import LONGEST, SENTENCES, VISITOR, Hop, Journey, Recorder, explain
from vestibule.demo.places import lay_out

PLACES = lay_out(8000)


def client(journey: Journey) -> TestClient:
    async def onward(request: Request) -> Response:
        return RedirectResponse("http://crm.localhost:8002/callback?code=secret-code#secret-token", 303)

    async def page(request: Request) -> Response:
        return Response("hello")

    app = Starlette(
        routes=[Route("/login/continue", onward), Route("/static/a.css", page), Route("/journey.json", page)]
    )
    recorder = Recorder(place=PLACES.broker, app=app, journey=journey)
    return TestClient(recorder, base_url=PLACES.broker.origin, follow_redirects=False)


def hop(**changes: object) -> Hop:
    values: dict[str, object] = {
        "place": "broker",
        "title": "Vestibule",
        "who": VISITOR,
        "method": "GET",
        "path": "/login/continue",
        "names": (),
        "origin": None,
        "status": 200,
        "to": None,
    }
    return Hop(**{**values, **changes})  # type: ignore[arg-type]


def test_a_hop_keeps_names_and_no_value() -> None:
    """Neither a query's values nor the code and token in a redirect's address are written down."""
    journey = Journey()
    client(journey).get("/login/continue?handle=secret-handle&code=1", headers={"Origin": "http://evil.localhost:8004"})
    assert journey.hops == [
        hop(
            names=("handle", "code"),
            origin="http://evil.localhost:8004",
            status=303,
            to="http://crm.localhost:8002/callback ?code",
        )
    ]
    assert "secret" not in repr(journey.as_json())


def test_files_and_the_recorder_itself_are_no_hops() -> None:
    journey = Journey()
    client(journey).get("/static/a.css")
    client(journey).get("/journey.json")
    assert journey.hops == []


@pytest.mark.parametrize(
    ("agent", "who"), [("vestibule-demo-mallory", "Mallory's browser"), ("vestibule-demo-crm", "CRM's server")]
)
def test_the_tours_own_clients_are_told_from_the_visitor(agent: str, who: str) -> None:
    journey = Journey()
    client(journey).get("/login/continue", headers={"User-Agent": agent})
    client(journey).get("/login/continue")
    assert [seen.who for seen in journey.hops] == [who, VISITOR]


def test_a_new_journey_forgets_the_last() -> None:
    journey = Journey()
    journey.add(hop())
    journey.start("another")
    assert (journey.title, journey.hops, journey.number) == ("another", [], 1)


def test_a_journey_is_bounded() -> None:
    journey = Journey()
    for _ in range(LONGEST + 5):
        journey.add(hop())
    assert len(journey.hops) == LONGEST


@pytest.mark.parametrize("row", SENTENCES, ids=lambda row: " ".join(row[:4]))
def test_every_sentence_can_be_reached(row: tuple[str, str, str, str, str]) -> None:
    """No row of the table is hidden behind an earlier one."""
    place, method, prefix, leads, sentence = row
    answered = {"status": 200} if leads == "page" else {"status": 303, "to": f"http://x{leads}"}
    assert explain(hop(place=place, method=method, path=prefix, **answered)) == sentence


def test_a_question_and_a_redirect_are_told_apart() -> None:
    assert "asks the person" in explain(hop(status=200))
    assert "the login is finished" in explain(hop(status=303, to="http://crm.localhost:8002/callback ?code &state"))
    assert explain(hop(path="/nowhere")) == ""


def test_an_unanswered_hop_is_there_and_claims_nothing() -> None:
    """A page made during a hop can show that hop, without knowing yet how it ends."""
    begun = hop(place="crm", path="/direct/callback", status=None)
    assert begun.facts == "under way"
    assert "never asked for" in begun.sentence
    assert explain(hop(status=None)) == ""


def test_a_hop_is_completed_in_its_place() -> None:
    """What happened while it was under way comes after it."""
    journey = Journey()
    begun, between, done = hop(status=None), hop(path="/oauth/token"), hop(status=303)
    journey.add(begun)
    journey.add(between)
    journey.complete(begun, done)
    assert journey.hops == [done, between]


def test_the_hop_that_starts_a_journey_is_its_first() -> None:
    journey = Journey()
    begun = hop(place="portal", method="POST", path="/tile/launch", status=None)
    journey.add(begun)
    journey.start("a click")
    journey.complete(begun, hop(place="portal", method="POST", path="/tile/launch", status=303))
    assert [seen.path for seen in journey.hops] == ["/tile/launch"]


def test_other_traffic_than_http_passes() -> None:
    """The recorder hands lifespan and the like on untouched."""
    seen: list[str] = []

    async def app(scope: object, receive: object, send: object) -> None:
        seen.append(scope["type"])  # type: ignore[index]

    asyncio.run(Recorder(place=PLACES.broker, app=app, journey=Journey())({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
