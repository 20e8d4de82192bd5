"""Attack table O, tokens: refreshed, reused, widened, put in one another's place, shown at the wrong door; each by its own code."""

import ast
import asyncio
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, overload

import pytest
from tests.wire.attacker import (
    Told,
    ask,
    basic,
    claims,
    overhear,
    redeeming,
    refreshed,
    refreshing,
    sign_in,
    tokens,
    userinfo,
)
from tests.wire.world import (
    World,
    authorization,
    code_of,
    configuration,
    location,
    parameters,
    play,
)

import vestibule
from vestibule.ground import hashing
from vestibule.ground.errors import Refused
from vestibule.ground.hashing import digest
from vestibule.jose import jwt
from vestibule.keys.rotation import LEAST_AHEAD
from vestibule.model.ids import Digest
from vestibule.model.key import KeyPurpose
from vestibule.oidc import client_auth

# -- O13: refresh ----------------------------------------------------------------------------------------------------


def test_o13_a_refresh_token_is_used_once_and_its_reuse_ends_the_family() -> None:
    """Up to ten seconds a second use is refused and nothing more (a lost answer, two tabs); from then on it is theft."""

    async def scene(world: World) -> None:
        first = await tokens(world)
        second = await refreshed(world, first["refresh_token"])
        world.clock.advance(timedelta(seconds=10, microseconds=-1))
        assert await refreshing(world, first["refresh_token"]) == (400, "invalid_grant", "oidc.refresh_used")
        assert (await userinfo(world, second["access_token"])).status_code == 200
        world.clock.advance(timedelta(microseconds=1))
        assert await refreshing(world, first["refresh_token"]) == (400, "invalid_grant", "oidc.refresh_reused")
        for token in (first, second):
            assert await refreshing(world, token["refresh_token"]) == (400, "invalid_grant", "oidc.refresh_unknown")
            assert (await userinfo(world, token["access_token"])).status_code == 401

    play(scene)


def test_o13_a_grandparent_that_comes_again_ends_the_family_too() -> None:
    async def scene(world: World) -> None:
        family = [await tokens(world)]
        for _ in range(4):
            world.clock.advance(60)
            family.append(await refreshed(world, family[-1]["refresh_token"]))
        told = await refreshing(world, family[0]["refresh_token"])
        assert told == (400, "invalid_grant", "oidc.refresh_reused")
        told = await refreshing(world, family[-1]["refresh_token"])
        assert told == (400, "invalid_grant", "oidc.refresh_unknown")

    play(scene)


def test_o13_of_fifty_refreshes_at_once_exactly_one_succeeds() -> None:
    """On the memory engine; on SQLite: `test_attacks_o_once.py`."""

    async def scene(world: World) -> None:
        token = (await tokens(world))["refresh_token"]
        form = {"grant_type": "refresh_token", "refresh_token": token}
        heard = overhear(world)
        posts = (world.browser().post("/oauth/token", form, origin=None, authorization=basic()) for _ in range(50))
        answers = await asyncio.gather(*posts)
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 49
        assert (len(heard), set(heard)) == (49, {"oidc.refresh_used"})

    play(scene)


@pytest.mark.parametrize(
    ("authorization", "changes", "told"),
    [
        ("", {"client_id": "board"}, Told(400, "invalid_grant", "oidc.refresh_client")),
        ("", {"client_id": "crm"}, Told(401, "invalid_client", "oidc.client_auth_method")),
        ("", {}, Told(401, "invalid_client", "oidc.client_missing")),
        (basic("crm", "wrong"), {}, Told(401, "invalid_client", "oidc.client_secret")),
        (None, {"scope": "openid profile email groups"}, Told(400, "invalid_scope", "oidc.scope_widened")),
        (None, {"scope": "admin"}, Told(400, "invalid_scope", "oidc.scope_widened")),
        (None, {"scope": "openid openid2"}, Told(400, "invalid_scope", "oidc.scope_widened")),
        (None, {"scope": "OPENID"}, Told(400, "invalid_scope", "oidc.scope_widened")),
        (None, {"scope": "openid\tgroups"}, Told(400, "invalid_scope", "oidc.scope_widened")),
        (None, {"refresh_token": "guess"}, Told(400, "invalid_grant", "oidc.refresh_unknown")),
        (None, {"refresh_token": ""}, Told(400, "invalid_request", "oidc.invalid_request")),
    ],
)
def test_o13_a_refresh_is_for_its_own_client_and_for_no_more_than_was_granted(
    authorization: str | None, changes: dict[str, str], told: Told
) -> None:
    """And no refused attempt uses the token up."""

    async def scene(world: World) -> None:
        token = (await tokens(world))["refresh_token"]
        assert await refreshing(world, **{"token": token, "authorization": authorization, **changes}) == told
        assert await refreshed(world, token)

    play(scene)


def test_o13_a_refresh_stays_within_fourteen_days_idle_and_ninety_in_all() -> None:
    async def scene(world: World) -> None:
        idle = (await tokens(world))["refresh_token"]
        busy = (await tokens(world))["refresh_token"]
        for _ in range(9):
            world.clock.advance(timedelta(days=9, hours=23))
            busy = (await refreshed(world, busy))["refresh_token"]
        assert await refreshing(world, idle) == (400, "invalid_grant", "oidc.refresh_expired")
        world.clock.advance(timedelta(hours=9))
        assert await refreshing(world, busy) == (400, "invalid_grant", "oidc.refresh_expired")

    play(scene)


# -- O14: one thing in another's place -------------------------------------------------------------------------------


async def everything(world: World) -> dict[str, str]:
    """One of each thing that is given out, all of them good."""
    browser = world.browser()
    got = await tokens(world, browser)
    sent = await browser.get(authorization(prompt="login"), cross_site=True)
    landed = location(await world.answer(browser, sent, authn_instant=world.clock.now()))
    tile = world.browser()
    rung = location(await world.tile(tile))
    cookies = {name.rstrip("0123456789"): value.rpartition(".")[2] for name, (value, _) in browser.jar.items()}
    return {
        "id_token": got["id_token"],
        "access_token": got["access_token"],
        "refresh_token": got["refresh_token"],
        "code": await sign_in(world),
        "outcome": parameters(landed)["login"],
        "arrival": parameters(rung)["arrival"],
        "request id": parameters(location(sent))["RelayState"],
        "session cookie": cookies["__Host-vst-sid"],
        "login cookie": cookies["__Host-vst-login-"],
        "seen cookie": cookies["__Host-vst-seen"],
        "sid": str((await claims(world, got["id_token"]))["sid"]),
        "sub": str((await claims(world, got["id_token"]))["sub"]),
        "secret": "crm-secret-crm-secret-crm-secret",
    }


KINDS = (
    *("id_token", "access_token", "refresh_token", "code", "outcome", "arrival", "request id", "session cookie"),
    *("login cookie", "seen cookie", "sid", "sub", "secret"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_o14_nothing_stands_in_for_an_access_token_a_refresh_token_or_a_code(kind: str) -> None:
    async def scene(world: World) -> None:
        value = (await everything(world))[kind]
        if kind != "access_token":
            codes = overhear(world)
            answer = await userinfo(world, value)
            assert (answer.status_code, answer.json()["error"], codes) == (401, "invalid_token", ["oidc.access_token"])
            told = await ask(world, "/userinfo", {"access_token": value})
            assert told == (401, "invalid_token", "oidc.access_token")
        if kind != "refresh_token":
            assert await refreshing(world, value) == (400, "invalid_grant", "oidc.refresh_unknown")
        if kind != "code":
            assert await redeeming(world, value) == (400, "invalid_grant", "oidc.code_unknown")

    play(scene)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("access_token", "refresh_token")])
def test_o14_revoking_anything_else_ends_nothing(kind: str) -> None:
    async def scene(world: World) -> None:
        all_of_it = await everything(world)
        form = {"token": all_of_it[kind]}
        answer = await world.browser().post("/oauth/revoke", form, origin=None, authorization=basic())
        assert (answer.status_code, answer.json()) == (200, {})
        assert (await userinfo(world, all_of_it["access_token"])).status_code == 200
        assert (await world.redeem(all_of_it["code"])).status_code == 200
        assert await refreshed(world, all_of_it["refresh_token"])

    play(scene)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_o14_another_client_cannot_revoke_what_is_not_its_own(kind: str) -> None:
    async def scene(world: World) -> None:
        got = await tokens(world)
        told = await ask(world, "/oauth/revoke", {"client_id": "board", "token": got[kind]})
        assert told == (400, "invalid_grant", "oidc.revocation_client")
        assert (await userinfo(world, got["access_token"])).status_code == 200

    play(scene)


@pytest.mark.parametrize("path", ["/oauth/introspect", "/introspect", "/oauth/token/introspection"])
def test_o14_introspection_is_not_offered_so_no_client_asks_about_anothers_tokens(path: str) -> None:
    async def scene(world: World) -> None:
        token = (await tokens(world))["access_token"]
        answer = await world.browser().post(path, {"token": token}, origin=None, authorization=basic())
        assert answer.status_code == 404
        found = (await world.browser().get("/.well-known/openid-configuration")).json()
        assert not [name for name in found if "introspection" in name]

    play(scene)


# -- O22: keys that change -------------------------------------------------------------------------------------------


def test_o22_while_a_key_is_rotated_every_token_verifies_with_the_published_keys() -> None:
    """Under way: redemptions before, beside and after; and an old ID token is a hint as long as its key is published."""

    async def scene(world: World) -> None:
        browser = world.browser()
        old = (await tokens(world, browser))["id_token"]
        codes = [await sign_in(world) for _ in range(12)]
        rotating = world.house.keyring.rotate(KeyPurpose.TOKEN_RS256, delay=timedelta(0))
        answers = await asyncio.gather(*(world.redeem(code) for code in codes[:6]), rotating)
        later = [await world.redeem(code) for code in codes[6:]]
        published = (await world.browser().get("/.well-known/jwks.json")).json()["keys"]
        for answer in [*answers[:6], *later]:
            assert jwt.read(answer.json()["id_token"], published)["aud"] == "crm"
        assert len({key["kid"] for key in published}) == len(published) == 3
        silent = await browser.get(authorization(prompt="none", id_token_hint=old), cross_site=True)
        assert code_of(silent)
        world.clock.advance(LEAST_AHEAD)
        new = (await world.redeem(await sign_in(world))).json()["id_token"]
        assert jwt.read(new, published)["aud"] == "crm"
        assert new.partition(".")[0] != old.partition(".")[0], "the header names another key"
        world.clock.advance(timedelta(hours=24))
        published = (await world.browser().get("/.well-known/jwks.json")).json()["keys"]
        assert len(published) == 2
        with pytest.raises(Refused) as caught:
            jwt.read(old, published)
        assert caught.value.code == "jose.signature"

    play(scene)


def test_o22_the_overlap_is_longer_than_a_token_lives_and_than_a_key_set_is_cached() -> None:
    async def scene(world: World) -> None:
        answer = await world.browser().get("/.well-known/jwks.json")
        cached = int(re.fullmatch(r"public, max-age=(\d+)", answer.headers["cache-control"])[1])  # type: ignore[index]
        await world.house.keyring.rotate(KeyPurpose.TOKEN_RS256)
        keys = {key.kid: key for key in await world.house.store.keys.all() if key.purpose is KeyPurpose.TOKEN_RS256}
        fresh = max(keys.values(), key=lambda key: key.signs_from)
        last = next(key for key in keys.values() if key.kid != fresh.kid and key.retired_at is not None)
        assert last.retired_at is not None
        longest = max(world.house.redeeming.lifetimes.id_token, timedelta(seconds=cached))
        assert fresh.signs_from - world.clock.now() >= longest
        assert last.retired_at - fresh.signs_from >= longest

    play(scene)


# -- O26: what the time tells ----------------------------------------------------------------------------------------


class _Watched(Sequence[str]):
    """Digests that remember how many of them were looked at."""

    def __init__(self, digests: Sequence[str]) -> None:
        self._digests = digests
        self.looked_at = 0

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: Any) -> Any:
        return self._digests[index]

    def __len__(self) -> int:
        return len(self._digests)

    def __iter__(self) -> Iterator[str]:
        for one in self._digests:
            self.looked_at += 1
            yield one


@pytest.mark.parametrize("place", [0, 1, 2, None])
def test_o26_every_digest_of_a_secret_is_compared_wherever_the_right_one_stands(place: int | None) -> None:
    digests = [digest(f"other {n}") for n in range(3)]
    if place is not None:
        digests[place] = digest("right")
    watched = _Watched(digests)
    shown = client_auth.Presented(client_id="crm", method="client_secret_basic", secret="right")
    if place is None:
        with pytest.raises(Refused) as caught:
            client_auth.verify(shown, method="client_secret_basic", secret_digests=watched)
        assert caught.value.code == "oidc.client_secret"
    else:
        client_auth.verify(shown, method="client_secret_basic", secret_digests=watched)
    assert watched.looked_at == 3


SECRETS = re.compile(r"(^|_)(secret|digest|csrf|verifier|challenge|token|cookie|seen)$")


def test_o26_secrets_are_compared_in_constant_time_or_found_by_their_digest() -> None:
    """Nowhere in the flows, the law and the doors does `==` stand beside a secret; and `same` is what it should be."""
    source = Path(vestibule.__file__).parent
    assert "hmac.compare_digest" in Path(hashing.__file__).read_text(encoding="utf-8")
    assert hashing.same("a", "a")
    assert not hashing.same("a", "b")
    for room in ("flows", "oidc", "web", "policy"):
        for file in (source / room).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                    names = [getattr(side, "attr", getattr(side, "id", "")) for side in (node.left, *node.comparators)]
                    constants = any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators))
                    assert constants or not any(map(SECRETS.search, names)), f"{file.name}:{node.lineno}"


def test_o26_what_is_given_out_is_kept_and_found_as_its_digest_alone() -> None:
    """Neither a dump of the store nor the time of a look-up by prefix gives a token away."""

    async def scene(world: World) -> None:
        got = await tokens(world)
        store = world.house.store
        for kind, find in (("access_token", store.tokens.access), ("refresh_token", store.tokens.refresh)):
            found = await find(Digest(digest(got[kind])))
            assert found is not None
            assert got[kind] not in repr(found)
            assert await find(Digest(got[kind])) is None
            assert await find(Digest(digest(got[kind])[:-1])) is None
        application = await store.configured.application("crm")
        assert "crm-secret" not in repr(application)

    play(scene)


# -- O27: userinfo ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "query", "header", "form", "told", "challenge"),
    [
        (
            "GET",
            "{token}",
            None,
            None,
            Told(401, "invalid_token", "oidc.access_token_missing"),
            'Bearer realm="vestibule"',
        ),
        (
            "POST",
            "{token}",
            None,
            "",
            Told(401, "invalid_token", "oidc.access_token_missing"),
            'Bearer realm="vestibule"',
        ),
        (
            "GET",
            "",
            "",
            None,
            Told(400, "invalid_request", "oidc.access_token_scheme"),
            'Bearer error="invalid_request"',
        ),
        (
            "GET",
            "",
            "Bearer",
            None,
            Told(400, "invalid_request", "oidc.access_token_scheme"),
            'Bearer error="invalid_request"',
        ),
        (
            "GET",
            "",
            "Bearer ",
            None,
            Told(400, "invalid_request", "oidc.access_token_scheme"),
            'Bearer error="invalid_request"',
        ),
        (
            "GET",
            "",
            "{token}",
            None,
            Told(400, "invalid_request", "oidc.access_token_scheme"),
            'Bearer error="invalid_request"',
        ),
        (
            "GET",
            "",
            "DPoP {token}",
            None,
            Told(400, "invalid_request", "oidc.access_token_scheme"),
            'Bearer error="invalid_request"',
        ),
        (
            "GET",
            "",
            "Basic {token}",
            None,
            Told(400, "invalid_request", "oidc.access_token_scheme"),
            'Bearer error="invalid_request"',
        ),
        (
            "GET",
            "",
            "Bearer {token}x",
            None,
            Told(401, "invalid_token", "oidc.access_token"),
            'Bearer error="invalid_token"',
        ),
        (
            "GET",
            "",
            "Bearer {token} {token}",
            None,
            Told(401, "invalid_token", "oidc.access_token"),
            'Bearer error="invalid_token"',
        ),
        (
            "GET",
            "",
            "Bearer {token},Bearer x",
            None,
            Told(401, "invalid_token", "oidc.access_token"),
            'Bearer error="invalid_token"',
        ),
        (
            "POST",
            "",
            "Bearer {token}",
            "access_token={token}",
            Told(400, "invalid_request", "oidc.access_token_twice"),
            'Bearer error="invalid_request"',
        ),
        (
            "POST",
            "",
            None,
            "access_token=guess",
            Told(401, "invalid_token", "oidc.access_token"),
            'Bearer error="invalid_token"',
        ),
    ],
)
def test_o27_userinfo_takes_one_live_token_by_one_way(
    method: str, query: str, header: str | None, form: str | None, told: Told, challenge: str
) -> None:
    """[RFC 6750 2, 3]: never from the address, whoever sends it."""

    async def scene(world: World) -> None:
        token = (await tokens(world))["access_token"]
        headers = {} if header is None else {"authorization": header.format(token=token)}
        path = "/userinfo" + (f"?access_token={token}" if query else "")
        codes = overhear(world)
        browser = world.browser()
        if method == "GET":
            answer = await browser.get(path, **headers)
        else:
            answer = await browser.post(path, (form or "").format(token=token), origin=None, **headers)
        assert (answer.status_code, answer.json()["error"], codes) == (told.status, told.error, [told.code])
        assert answer.headers["www-authenticate"] == challenge
        assert answer.headers["cache-control"] == "no-store"
        assert token not in answer.text

    play(scene)


@pytest.mark.parametrize("way", ["header", "form"])
def test_o27_an_expired_or_revoked_token_is_worth_nothing(way: str) -> None:
    async def scene(world: World) -> None:
        async def told(token: str) -> Told:
            if way == "form":
                return await ask(world, "/userinfo", {"access_token": token})
            return await ask(world, "/userinfo", "", f"Bearer {token}")

        got = await tokens(world)
        await world.browser().post("/oauth/revoke", {"token": got["access_token"]}, origin=None, authorization=basic())
        assert await told(got["access_token"]) == (401, "invalid_token", "oidc.access_token")
        fresh = (await refreshed(world, got["refresh_token"]))["access_token"]
        world.clock.advance(timedelta(hours=1, microseconds=-1))
        assert (await userinfo(world, fresh)).status_code == 200
        world.clock.advance(timedelta(microseconds=1))
        assert await told(fresh) == (401, "invalid_token", "oidc.access_token")

    play(scene)


def test_o27_a_token_without_openid_tells_nothing_of_the_person() -> None:
    async def scene(world: World) -> None:
        token = (await world.redeem(await sign_in(world, scope="profile email"))).json()["access_token"]
        told = await ask(world, "/userinfo", "", f"Bearer {token}")
        assert told == (403, "insufficient_scope", "oidc.insufficient_scope")

    play(scene)


@pytest.mark.parametrize("accept", ["application/jwt", "text/html", "*/*"])
def test_o27_the_answer_is_json_and_never_a_token(accept: str) -> None:
    """A signed answer is not offered, so nobody can be made to take one of another kind."""

    async def scene(world: World) -> None:
        token = (await tokens(world))["access_token"]
        answer = await world.browser().get("/userinfo", authorization=f"Bearer {token}", accept=accept)
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["connection"] == "acme"
        found = (await world.browser().get("/.well-known/openid-configuration")).json()
        assert not [name for name in found if name.startswith("userinfo_") and name != "userinfo_endpoint"]

    play(scene, configuration())
