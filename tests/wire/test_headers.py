"""Headers that every answer carries: a walk through the whole table of doors, with every kind of answer that they give."""

import base64
import hashlib
import re
from dataclasses import replace

import httpx2
import pytest
from starlette.routing import Route
from tests.wire.test_floods import ask, dripping
from tests.wire.world import UNLIMITED, World, authorization, location, play

from vestibule.web import app
from vestibule.web.limits import STATIC_HEADERS, Patience

CACHED = ("/.well-known/openid-configuration", "/oidc/.well-known/openid-configuration", "/.well-known/jwks.json")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE")
LINES = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
}
"""The same in every answer, whatever it is."""


def paths() -> list[str]:
    found = []
    for route in app._routes():
        assert isinstance(route, Route)
        found.append(route.path.replace("{name}", "acme").replace("{id}", "con_acme").replace("{client_id}", "crm"))
    return sorted({*found, "/static/pages.css", "/static/submit.js", "/nothing/here", "/authorize/", "//evil.example"})


def check(response: httpx2.Response, path: str) -> None:
    """What has to be there, and what must not: no framing, no sniffing, no referrer, nothing kept, no script of a stranger."""
    said = response.headers
    for name, value in LINES.items():
        assert said.get(name) == value, (path, response.status_code, name, said.get(name))
    assert "camera=()" in said["permissions-policy"]
    for name in ("server", "x-powered-by", "access-control-allow-credentials"):
        assert name not in said
    public = path in CACHED and response.status_code == 200
    assert said["cross-origin-resource-policy"] == ("cross-origin" if public else "same-origin")
    if path.startswith("/static/") and response.status_code == 200:
        assert said["cache-control"] == "public, max-age=31536000, immutable"
    else:
        age = 60 if path == "/.well-known/jwks.json" else 300
        assert said["cache-control"] == (f"public, max-age={age}" if public else "no-store")
    check_policy(response, path)
    for line in said.get_list("set-cookie"):
        assert re.fullmatch(
            r"__Host-vst-[a-z]+(-[0-9]+)?=[^;]*; Path=/(; Max-Age=[0-9]+)?; Secure(; HttpOnly)?; SameSite=(Lax|None|Strict)",
            line,
        ), line


def check_policy(response: httpx2.Response, path: str) -> None:
    policies = response.headers.get_list("content-security-policy")
    assert len(policies) == 1, (path, response.status_code)
    policy = {name: rest for name, _, rest in (part.strip().partition(" ") for part in policies[0].split(";"))}
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in policies[0]
    assert "*" not in policies[0]
    if not response.headers.get("content-type", "").startswith("text/html"):
        return
    assert policy["base-uri"] == "'none'"
    assert "form-action" in policy
    for tag, inside in re.findall(r"<script\b([^>]*)>(.*?)</script>", response.text, re.DOTALL):
        assert "src=" in tag, f"an inline script at {path}"
        assert inside.strip() == ""
        assert policy["script-src"] == "'self'"
    for inside in re.findall(r"<style\b[^>]*>(.*?)</style>", response.text, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy["style-src"], f"an inline style at {path}"
    assert not re.search(r"<[^>]+\s(on[a-z]+|style)\s*=", response.text), f"an inline handler or style at {path}"


def test_every_door_says_no_by_every_method() -> None:
    """With nothing, with junk, with too much, as another type, by another method: the same headers on whatever comes."""

    async def scene(world: World) -> None:
        statuses: set[int] = set()
        client = world.browser().client
        for path in paths():
            for method in METHODS:
                answers = [await client.request(method, path)]
                if method == "POST":
                    form = {"content-type": "application/x-www-form-urlencoded"}
                    answers += [
                        await client.request(
                            method, path, content="client_id=crm&SAMLResponse=AAAA&connection=acme", headers=form
                        ),
                        await client.request(method, path, content="a=" + "x" * 1_700_000, headers=form),
                        await client.request(method, path, content="{}", headers={"content-type": "text/xml"}),
                        await client.request(
                            method, path, content="a=1", headers={**form, "origin": "https://board.example"}
                        ),
                    ]
                if method == "GET":
                    answers += [
                        await client.request(method, f"{path}?client_id=crm&connection=acme"),
                        await client.request(method, f"{path}?client_id=%zz"),
                        await client.request(method, f"{path}?x={'y' * 17_000}"),
                        await client.request(method, path, headers={"host": "evil.example"}),
                    ]
                for answer in answers:
                    statuses.add(answer.status_code)
                    check(answer, path)
        assert {200, 204, 303, 400, 401, 404, 405, 413, 415} <= statuses, statuses
        assert not {status for status in statuses if status >= 500}

    play(scene)


def test_the_pages_of_a_login_say_the_same() -> None:
    """Success, a question, the way on, a form that posts: what only an honest login gets to see."""

    async def scene(world: World) -> None:
        browser = world.browser()
        answers = [await browser.get(authorization(response_mode="form_post"), cross_site=True)]
        answers.append(await world.answer(browser, answers[-1]))
        answers.append(await browser.get(location(answers[-1]), cross_site=True))
        assert "form" in answers[-1].text
        answers.append(await world.tile(browser, "grace@acme.example"))
        answers.append(await browser.get(location(answers[-1]), cross_site=True))
        answers.append(await browser.get("/oidc/logout"))
        answers.append(await browser.get("/authorize?client_id=crm&redirect_uri=https://crm.example/callback"))
        answers.append(await browser.get("/oidc/signed-out"))
        for answer in answers:
            check(answer, str(answer.url.path))

    play(scene)


def test_whoever_is_turned_away_or_waited_for_too_long_is_told_so_under_the_same_headers() -> None:
    async def scene(world: World) -> None:
        for path in ("/login/callback?connection=acme", "/oauth/token", "/userinfo"):
            browser = world.browser(address="203.0.113.1")
            for _ in range(21):
                answer = await browser.post(path, {"SAMLResponse": "AAAA"}, origin=None)
            assert answer.status_code == 429
            check(answer, path)
            status, headers, body = await ask(world, path, dripping(b"a="), address="203.0.113.2")
            assert status == 408
            check(
                httpx2.Response(
                    status, headers=[*headers.items()], content=body, request=httpx2.Request("POST", "https://x/")
                ),
                path,
            )

    play(scene, settings=replace(UNLIMITED, limit_refusals=2), patience=Patience(seconds=0.05, rate=1000))


def test_a_bug_is_answered_under_the_same_headers() -> None:
    """Whatever breaks inside, the fence stands outside of it."""

    async def scene(world: World) -> None:
        broken = replace(world.house, authorizing=None, redeeming=None, keyring=None)
        app_of_it = app.build(broken)
        transport = httpx2.ASGITransport(app=app_of_it, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="https://login.crm.example/") as client:
            for answer in (
                await client.get(authorization()),
                await client.post("/oauth/token", data={"grant_type": "authorization_code"}),
            ):
                assert answer.status_code == 500
                check(answer, answer.url.path)

    play(scene)


def test_plain_http_on_this_machine_does_not_promise_tls() -> None:
    """Strict-Transport-Security over plain http is ignored by browsers [RFC 6797 8.1], and would be a lie."""

    async def scene(world: World) -> None:
        house = replace(world.house, issuer="http://localhost:8000/")
        transport = httpx2.ASGITransport(app=app.build(house))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000/") as client:
            answer = await client.get("/healthz")
        assert "strict-transport-security" not in answer.headers
        for name, value in STATIC_HEADERS:
            assert answer.headers[name.decode()] == value.decode()

    play(scene)


@pytest.mark.parametrize("path", CACHED)
def test_what_is_for_everybody_says_so(path: str) -> None:
    """Keys and discovery are read by applications on other sites."""

    async def scene(world: World) -> None:
        answer = await world.browser().get(path, origin="https://anywhere.example")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"

    play(scene)
