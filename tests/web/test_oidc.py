"""The doors of the OpenID provider: bodies, headers, CORS, error bodies, sign-out."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.flows.backchannel_house import BASIC, BOARD, CALLBACK, COOKIE, CRM, VERIFIER, House

from vestibule.flows.browser import hold
from vestibule.store.port import StoreUnavailable
from vestibule.web import app, errors, oidc

BASE = "https://broker.example"
BOARD_ORIGIN = "https://board.example"
FORM = "application/x-www-form-urlencoded"
Client = httpx2.AsyncClient


def within(story: Callable[[House, Client], Awaitable[None]]) -> None:
    async def run() -> None:
        house = House()
        await house.open()
        transport = httpx2.ASGITransport(app=app.build(house))
        async with Client(transport=transport, base_url=BASE) as client:
            await story(house, client)

    asyncio.run(run())


def board_form(code: str) -> dict[str, str]:
    """The token request as the Logto SDK for browsers sends it: a public client, a simple CORS request."""
    return {
        "client_id": "board",
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": BOARD.redirect_uris[0],
        "grant_type": "authorization_code",
    }


# -- the token endpoint ----------------------------------------------------------------------------------------------


def test_a_form_from_the_applications_own_origin_gets_tokens_that_it_may_read() -> None:
    async def story(house: House, client: Client) -> None:
        form = board_form(await house.code(BOARD, pkce=True))
        answer = await client.post("/oauth/token", data=form, headers={"Origin": BOARD_ORIGIN})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == BOARD_ORIGIN
        assert "access-control-allow-credentials" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["pragma"] == "no-cache"
        assert answer.headers["vary"] == "Origin"
        assert answer.headers["content-type"] == "application/json"
        body = answer.json()
        assert (body["scope"], body["expires_in"]) == ("openid profile offline_access", 3600)

    within(story)


def test_json_is_read_as_well() -> None:
    async def story(house: House, client: Client) -> None:
        asked = {**board_form(await house.code(BOARD, pkce=True)), "audience": None}
        answer = await client.post("/oauth/token", json=asked)
        assert "access_token" in answer.json()

    within(story)


def test_basic_authentication_and_a_repeated_resource() -> None:
    async def story(house: House, client: Client) -> None:
        code = await house.code()
        body = f"grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&resource=a&resource=b"
        answer = await client.post("/oauth/token", content=body, headers={"Content-Type": FORM, "Authorization": BASIC})
        assert answer.status_code == 200

    within(story)


@pytest.mark.parametrize(
    ("content", "media", "status", "error"),
    [
        (b"client_id=board&grant_type=nonsense", FORM, 400, "unsupported_grant_type"),
        (b"client_id=board", FORM, 400, "invalid_request"),
        (b"client_id=board&client_id=crm&grant_type=authorization_code", FORM, 400, "invalid_request"),
        (b"client_id=%ff", FORM, 400, "invalid_request"),
        (b"client_id=board&code=%zz", FORM, 400, "invalid_request"),
        (b"client_id=board&code=" + b"x" * 70_000, FORM, 413, "invalid_request"),
        (b"client_id=nobody&grant_type=authorization_code", FORM, 401, "invalid_client"),
        (b"", FORM, 401, "invalid_client"),
        (b"", None, 401, "invalid_client"),
        (b"client_id=board", None, 415, "invalid_request"),
        (b"<xml/>", "text/xml", 415, "invalid_request"),
        (b'{"client_id": "board"', "application/json", 400, "invalid_request"),
        (b'{"client_id": "board", "client_id": "crm"}', "application/json", 400, "invalid_request"),
        (b'{"client_id": ["board"]}', "application/json", 400, "invalid_request"),
        (b'{"client_id": 7}', "application/json", 400, "invalid_request"),
        (b'{"client_id": NaN}', "application/json", 400, "invalid_request"),
        (b'["client_id"]', "application/json", 400, "invalid_request"),
        (b'[["client_id", "board"]]', "application/json", 400, "invalid_request"),
        (b'"client_id"', "application/json", 400, "invalid_request"),
        (b"\xff{}", "application/json", 400, "invalid_request"),
        (b"[" * 60_000, "application/json", 400, "invalid_request"),
        (
            b'{"grant_type": "authorization_code", "client_id": null}',
            "application/json; charset=utf-8",
            401,
            "invalid_client",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused_in_the_clients_words(
    content: bytes, media: str | None, status: int, error: str
) -> None:
    async def story(house: House, client: Client) -> None:
        headers = {"Origin": BOARD_ORIGIN} | ({} if media is None else {"Content-Type": media})
        answer = await client.post("/oauth/token", content=content, headers=headers)
        assert answer.status_code == status
        body = answer.json()
        assert body["error"] == error
        assert body["code"] == f"oidc.{error}"
        assert body["message"] == body["error_description"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == BOARD_ORIGIN

    within(story)


def test_basic_is_demanded_only_of_clients_that_use_it() -> None:
    """A browser's own password window must never open."""

    async def story(house: House, client: Client) -> None:
        wrong = {"Authorization": "Basic Y3JtOndyb25n"}
        answer = await client.post("/oauth/token", data={"grant_type": "authorization_code"}, headers=wrong)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="vestibule"')
        answer = await client.post("/oauth/token", data={"client_id": "nobody"})
        assert answer.status_code == 401
        assert "www-authenticate" not in answer.headers

    within(story)


def test_tokens_are_not_to_be_had_by_get() -> None:
    async def story(house: House, client: Client) -> None:
        assert (await client.get("/oauth/token?client_id=board")).status_code == 405

    within(story)


def test_a_store_that_cannot_answer_is_no_yes_and_no_bug() -> None:
    async def story(house: House, client: Client) -> None:
        async def closed(_: str) -> None:
            raise StoreUnavailable("The store is closed.")

        house.store.configured.application = closed  # type: ignore[method-assign,assignment]
        answer = await client.post("/oauth/token", data=board_form("c"), headers={"Origin": BOARD_ORIGIN})
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")

    within(story)


# -- CORS ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/userinfo"])
@pytest.mark.parametrize("origin", [BOARD_ORIGIN, "https://www.board.example", "https://crm.example"])
def test_any_registered_origin_may_ask_beforehand(path: str, origin: str) -> None:
    async def story(house: House, client: Client) -> None:
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "auth0-client,authorization,content-type",
        }
        answer = await client.options(path, headers=headers)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == origin
        allowed = answer.headers["access-control-allow-headers"].split(", ")
        assert {"authorization", "content-type", "auth0-client", "x-request-language", "dpop"} <= set(allowed)
        assert answer.headers["access-control-allow-methods"] == "GET, POST"
        assert "access-control-allow-credentials" not in answer.headers

    within(story)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://board.example", "https://board.example.evil.example", "*"]
)
def test_no_other_origin_may(origin: str) -> None:
    async def story(house: House, client: Client) -> None:
        answer = await client.options("/oauth/token", headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers
        form = board_form(await house.code(BOARD, pkce=True))
        answer = await client.post("/oauth/token", data=form, headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers

    within(story)


@pytest.mark.parametrize("by", ["body", "header"])
def test_one_applications_origin_does_not_read_anothers_tokens(by: str) -> None:
    async def story(house: House, client: Client) -> None:
        if by == "body":
            form, headers = board_form(await house.code(BOARD, pkce=True)), {"Origin": "https://crm.example"}
        else:
            form = {"grant_type": "authorization_code", "code": await house.code(), "redirect_uri": CALLBACK}
            headers = {"Origin": BOARD_ORIGIN, "Authorization": BASIC}
        answer = await client.post("/oauth/token", data=form, headers=headers)
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers

    within(story)


# -- userinfo and revocation -----------------------------------------------------------------------------------------


def test_userinfo_by_header_and_by_form() -> None:
    async def story(house: House, client: Client) -> None:
        token = (await house.redeem(await house.code()))["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Origin": BOARD_ORIGIN}
        answer = await client.get("/userinfo", headers=headers)
        assert answer.json()["sub"] == "p-ada"
        assert answer.headers["access-control-allow-origin"] == BOARD_ORIGIN
        assert answer.headers["cache-control"] == "no-store"
        assert (await client.post("/userinfo", headers=headers)).json() == answer.json()
        assert (await client.post("/userinfo", data={"access_token": str(token)})).json() == answer.json()

    within(story)


def test_a_token_in_the_address_is_not_looked_at() -> None:
    """Addresses are logged [RFC 6750 2.3]."""

    async def story(house: House, client: Client) -> None:
        token = (await house.redeem(await house.code()))["access_token"]
        answer = await client.get("/userinfo", params={"access_token": str(token)})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="vestibule"')

    within(story)


@pytest.mark.parametrize(
    ("authorization", "status", "challenge"),
    [
        ("Bearer nonsense", 401, 'Bearer error="invalid_token"'),
        ("Basic abc", 400, 'Bearer error="invalid_request"'),
    ],
)
def test_userinfo_says_what_is_wrong_with_a_token(authorization: str, status: int, challenge: str) -> None:
    async def story(house: House, client: Client) -> None:
        headers = {"Authorization": authorization, "Origin": BOARD_ORIGIN}
        answer = await client.get("/userinfo", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (status, challenge)
        assert answer.headers["access-control-allow-origin"] == BOARD_ORIGIN
        assert answer.headers["access-control-expose-headers"] == "WWW-Authenticate"

    within(story)


def test_userinfo_without_openid_is_forbidden() -> None:
    async def story(house: House, client: Client) -> None:
        token = (await house.redeem(await house.code(scope=("profile",))))["access_token"]
        answer = await client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
        assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'

    within(story)


def test_revocation_answers_json_that_the_sdk_can_parse() -> None:
    async def story(house: House, client: Client) -> None:
        token = (await house.redeem(await house.code()))["refresh_token"]
        form = {"client_id": "board", "token": "unknown"}
        answer = await client.post("/oauth/revoke", data=form, headers={"Origin": BOARD_ORIGIN})
        assert (answer.status_code, answer.json()) == (200, {})
        assert answer.headers["access-control-allow-origin"] == BOARD_ORIGIN
        answer = await client.post("/oauth/revoke", data={**form, "token": str(token)})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        answer = await client.post("/oauth/revoke", data={"token": str(token)}, headers={"Authorization": BASIC})
        assert answer.status_code == 200

    within(story)


# -- for everyone ----------------------------------------------------------------------------------------------------


def test_discovery_is_the_same_in_both_places_for_every_origin() -> None:
    async def story(house: House, client: Client) -> None:
        answers = [
            await client.get(path, headers={"Origin": "https://anywhere.example"})
            for path in ("/.well-known/openid-configuration", "/oidc/.well-known/openid-configuration")
        ]
        assert answers[0].json() == answers[1].json()
        assert all(answer.headers["access-control-allow-origin"] == "*" for answer in answers)
        document = answers[0].json()
        served = {getattr(route, "path", None) for route in app.build(house).routes}
        for name in document:
            if name.endswith(("_endpoint", "_uri")):
                assert urlsplit(document[name]).path in served, name

    within(story)


def test_the_key_set_shows_no_private_part() -> None:
    async def story(house: House, client: Client) -> None:
        answer = await client.get("/.well-known/jwks.json")
        assert answer.headers["access-control-allow-origin"] == "*"
        keys = answer.json()["keys"]
        assert len({key["kid"] for key in keys}) == len(keys) == 2
        assert not {"d", "p", "q", "dp", "dq", "qi"} & {name for key in keys for name in key}

    within(story)


# -- sign-out --------------------------------------------------------------------------------------------------------

SIGN_OUT = {"client_id": "crm", "post_logout_redirect_uri": CRM.post_logout_redirect_uris[0]}


def signed_in(client: Client) -> None:
    client.cookies.set("__Host-vst-sid", COOKIE, domain="broker.example")


async def session_lives(house: House) -> bool:
    return await house.store.sessions.find(hold(COOKIE)) is not None


@pytest.mark.parametrize(
    ("path", "parameters"),
    [("/oidc/logout", SIGN_OUT), ("/v2/logout", {"client_id": "crm", "returnTo": "https://crm.example/"})],
)
def test_the_sdks_sign_out_in_one_hop_and_the_cookie_goes(path: str, parameters: dict[str, str]) -> None:
    async def story(house: House, client: Client) -> None:
        signed_in(client)
        answer = await client.get(path, params=parameters)
        assert (answer.status_code, answer.headers["location"]) == (303, "https://crm.example/")
        assert answer.headers["set-cookie"].startswith("__Host-vst-sid=; Path=/; Max-Age=0")
        assert not await session_lives(house)

    within(story)


def test_a_post_is_sent_round_so_that_its_cookies_are_whole() -> None:
    """A cross-site post comes without Lax cookies: nothing could be ended."""

    async def story(house: House, client: Client) -> None:
        answer = await client.post("/oidc/logout", data={**SIGN_OUT, "state": "a&b"})
        assert answer.status_code == 303
        signed_in(client)
        answer = await client.get(answer.headers["location"])
        assert answer.headers["location"] == "https://crm.example/?state=a%26b"

    within(story)


async def question(client: Client, **parameters: str) -> dict[str, str]:
    """The hidden fields of the page that asks; the client holds its cookie."""
    answer = await client.get("/oidc/logout", params=parameters)
    assert answer.status_code == 200
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', answer.text))


def _form(fields: dict[str, Any], decision: str) -> dict[str, Any]:
    return {**fields, "decision": decision}


def test_without_an_application_the_person_is_asked_and_a_yes_signs_out() -> None:
    async def story(house: House, client: Client) -> None:
        signed_in(client)
        fields = await question(client)
        assert await session_lives(house)
        answer = await client.post("/oidc/logout/confirm", data=_form(fields, "yes"))
        assert answer.status_code == 200
        assert f"{BASE}/oidc/signed-out" in answer.text
        assert not await session_lives(house)
        assert (await client.get("/oidc/signed-out")).status_code == 200

    within(story)


def test_a_no_changes_nothing() -> None:
    async def story(house: House, client: Client) -> None:
        signed_in(client)
        fields = await question(client)
        answer = await client.post("/oidc/logout/confirm", data=_form(fields, "no"))
        assert answer.status_code == 200
        assert "location" not in answer.headers
        assert await session_lives(house)

    within(story)


@pytest.mark.parametrize("forged", [{"csrf": "guessed"}, {"csrf": ""}])
def test_no_other_page_can_say_yes(forged: dict[str, str]) -> None:
    async def story(house: House, client: Client) -> None:
        signed_in(client)
        fields = await question(client)
        answer = await client.post("/oidc/logout/confirm", data=_form({**fields, **forged}, "yes"))
        assert answer.status_code == 400
        assert await session_lives(house)
        client.cookies.delete("__Host-vst-csrf")
        answer = await client.post("/oidc/logout/confirm", data=_form(fields, "yes"))
        assert answer.status_code == 400
        assert await session_lives(house)

    within(story)


def test_a_repeated_parameter_at_sign_out_is_a_page() -> None:
    async def story(house: House, client: Client) -> None:
        answer = await client.get("/oidc/logout?client_id=crm&client_id=board")
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("text/html")

    within(story)


def test_a_store_that_is_away_is_no_business_of_whoever_asks() -> None:
    """Where the database is and what it said is in the log; a client is told to come again."""
    away = StoreUnavailable(
        "The database postgresql://vestibule@10.0.0.7:5432/vestibule cannot be reached: it says no."
    )
    answer = errors.oauth(away)
    assert answer.status_code == 503
    told = json.loads(answer.body)
    assert told["error"] == "temporarily_unavailable"
    assert "try again" in told["error_description"]
    assert b"postgresql" not in answer.body
    assert b"10.0.0.7" not in answer.body


def test_the_table_of_doors_is_whole() -> None:
    doors = {(route.path, method) for route in oidc.ROUTES for method in route.methods or ()}
    assert {
        ("/oauth/token", "POST"),
        ("/oauth/token", "OPTIONS"),
        ("/oauth/revoke", "POST"),
        ("/oauth/revoke", "OPTIONS"),
        ("/userinfo", "GET"),
        ("/userinfo", "POST"),
        ("/userinfo", "OPTIONS"),
        ("/oidc/logout", "GET"),
        ("/oidc/logout", "POST"),
        ("/v2/logout", "GET"),
    } <= doors
    assert ("/oauth/token", "GET") not in doors
