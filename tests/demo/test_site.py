"""What the tour's sites have in common."""

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from vestibule.demo.journey import Journey
from vestibule.demo.places import lay_out
from vestibule.demo.site import build

PLACES = lay_out(8000)


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")


def client(base_url: str = PLACES.portal.origin) -> TestClient:
    app = build(
        [Route("/", hello)], place=PLACES.portal, places=PLACES, journey=Journey(), connect=("http://x.localhost",)
    )
    return TestClient(app, base_url=base_url, follow_redirects=False)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8001", "http://localhost:8001", "http://portal.localhost:8000"])
def test_a_visitor_by_another_name_is_led_to_the_right_one(base_url: str) -> None:
    """Cookies and Origin belong to a host name, so there is one name only."""
    answer = client(base_url).get("/")
    assert (answer.status_code, answer.headers["Location"]) == (307, "http://portal.localhost:8001/")


def test_a_post_under_another_name_is_not_passed_on() -> None:
    assert client("http://localhost:8001").post("/").status_code == 421


def test_every_page_has_a_strict_policy_and_is_not_kept() -> None:
    headers = client().get("/").headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'self'; connect-src 'self' http://x.localhost; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["Cache-Control"] == "no-store"


def test_a_missing_page_is_a_page_with_a_way_back() -> None:
    answer = client().get("/nothing")
    assert answer.status_code == 404
    assert f'href="{PLACES.portal.origin}/"' in answer.text


@pytest.mark.parametrize("name", ["tour.css", "carry.js", "hops.js", "live.js", "board.js", "portal.svg", "broker.svg"])
def test_the_skin_comes_with_the_package(name: str) -> None:
    assert client().get(f"/static/{name}").status_code == 200
