"""Attack table O, codes: injected, replayed, carried to another client or session, stripped of their proof; each by its own code."""

import asyncio
import json
from collections import Counter
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.wire.attacker import (
    BOARD,
    CALLBACK,
    CHALLENGE,
    SECRET,
    VERIFIER,
    ask,
    basic,
    claims,
    error_code,
    overhear,
    page_code,
    redeeming,
    refreshed,
    refreshing,
    sign_in,
    tokens,
    userinfo,
)
from tests.wire.world import (
    ADA,
    CRM,
    MALLORY,
    World,
    authorization,
    configuration,
    location,
    parameters,
    play,
)

from vestibule.ground.errors import Refused
from vestibule.oidc.pkce import challenge_of
from vestibule.web import forms

# -- O3: parameter pollution -----------------------------------------------------------------------------------------

AT_AUTHORIZE = ["client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "prompt", "code_challenge"]


@pytest.mark.parametrize("name", [*AT_AUTHORIZE, "response_mode", "connection", "request", "unknown_parameter"])
@pytest.mark.parametrize("other", ["the same", "another", "empty"])
def test_o3_a_parameter_that_comes_twice_is_refused_at_the_authorization_endpoint(name: str, other: str) -> None:
    """On a page: which redirect URI, or which client, should be told? [RFC 6749 3.1]"""

    async def scene(world: World) -> None:
        given = {name: "x", **parameters(authorization(**CHALLENGE))}
        again = {"the same": given[name], "another": "https://evil.example/", "empty": ""}[other]
        for pairs in ([*given.items(), (name, again)], [(name, again), *given.items()]):
            page = await world.browser().get("/authorize?" + urlencode(pairs), cross_site=True)
            assert await page_code(world, page) == "request.duplicate_parameter"
            page = await world.browser().post("/authorize", urlencode(pairs), origin=CRM, cross_site=True)
            assert await page_code(world, page) == "request.duplicate_parameter"

    play(scene)


@pytest.mark.parametrize("name", ["client_id", "grant_type", "code", "redirect_uri", "code_verifier", "client_secret"])
@pytest.mark.parametrize("media", ["form", "json"])
def test_o3_a_parameter_that_comes_twice_is_refused_at_the_token_endpoint(name: str, media: str) -> None:
    async def scene(world: World) -> None:
        code = await sign_in(world)
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "client_id": "crm"}
        given |= {"client_secret": "", "code_verifier": ""}
        for again in (given[name], "other", ""):
            pairs = [*given.items(), (name, again)]
            if media == "form":
                told = await ask(world, "/oauth/token", urlencode(pairs), basic())
            else:
                text = "{" + ",".join(f"{json.dumps(n)}:{json.dumps(v)}" for n, v in pairs) + "}"
                told = await ask(world, "/oauth/token", text, basic(), **{"content-type": "application/json"})
            assert told == (400, "invalid_request", "")
        assert (await world.redeem(code)).status_code == 200

    play(scene)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/oauth/revoke", "token"),
        ("POST", "/oauth/revoke", "client_id"),
        ("POST", "/userinfo", "access_token"),
    ],
)
def test_o3_a_parameter_that_comes_twice_is_refused_by_every_machines_door(method: str, path: str, name: str) -> None:
    async def scene(world: World) -> None:
        token = (await tokens(world))["access_token"]
        told = await ask(world, path, urlencode([(name, token), (name, token)]))
        assert told == (400, "invalid_request", "")
        assert (await userinfo(world, token)).status_code == 200

    play(scene)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/oidc/logout", "post_logout_redirect_uri"),
        ("POST", "/oidc/logout", "id_token_hint"),
        ("POST", "/oidc/logout/confirm", "csrf"),
        ("GET", "/v2/logout", "returnTo"),
        ("GET", "/launch/crm", "target_link_uri"),
        ("GET", "/launch/crm", "connection"),
        ("GET", "/login/continue", "login"),
        ("POST", "/login/confirm", "decision"),
        ("POST", "/login/realm", "email"),
        ("POST", "/login/callback?connection=acme", "SAMLResponse"),
        ("POST", "/login/callback?connection=acme", "RelayState"),
        ("POST", "/login/callback?connection=acme&connection=acme", "SAMLResponse"),
        ("GET", "/samlp/metadata", "connection"),
    ],
)
def test_o3_a_parameter_that_comes_twice_is_refused_by_every_persons_door(method: str, path: str, name: str) -> None:
    async def scene(world: World) -> None:
        twice = urlencode([(name, "one"), (name, "two")])
        browser = world.browser()
        page = await (browser.get(f"{path}?{twice}") if method == "GET" else browser.post(path, twice))
        assert await page_code(world, page) == "request.duplicate_parameter"

    play(scene)


@pytest.mark.parametrize("raw", [b"a=1&a=2", b"a=1&%61=2", b"a&a", b"=1&=2", b"a=1&b=2&a="])
def test_o3_the_refusal_of_a_repeated_parameter_has_its_own_code(raw: bytes) -> None:
    """However it is written; and what only looks alike is another name."""
    with pytest.raises(Refused) as caught:
        forms.parse(raw)
    assert caught.value.code == "request.duplicate_parameter"
    assert forms.parse(b"a=1&A=2&a%20=3&a[]=4&a;b=5") == {"a": "1", "A": "2", "a ": "3", "a[]": "4", "a;b": "5"}


def test_o3_what_stands_in_the_address_of_the_token_endpoint_is_not_read() -> None:
    """A query beside the body is a second place for the same parameter: only the body counts."""

    async def scene(world: World) -> None:
        code = await sign_in(world)
        address = "/oauth/token?" + urlencode({"client_id": "crm", "client_secret": SECRET, "code": code})
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
        assert await ask(world, address, form) == (401, "invalid_client", "oidc.client_missing")
        told = await ask(world, address, form, basic())
        assert told == (400, "invalid_request", "oidc.invalid_request")

    play(scene)


def test_o3_what_stands_in_the_address_of_a_posted_authorization_request_is_not_read() -> None:
    async def scene(world: World) -> None:
        form = parameters(authorization())
        posted = await world.browser().post("/authorize?redirect_uri=https://evil.example/&client_id=board", form)
        assert parameters(location(posted)) == form

    play(scene)


# -- O4: reuse -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [0, 1, 30, 59, 60, 3600, 86_000])
def test_o4_a_code_that_is_used_again_revokes_every_token_that_it_gave(later: int) -> None:
    """[RFC 6749 4.1.2]; also long after it has expired, also those that were refreshed meanwhile."""

    async def scene(world: World) -> None:
        code = await sign_in(world, scope="openid offline_access")
        first = (await world.redeem(code)).json()
        second = await refreshed(world, first["refresh_token"])
        world.clock.advance(later)
        assert await redeeming(world, code) == (400, "invalid_grant", "oidc.code_reused")
        for token in (first, second):
            assert (await userinfo(world, token["access_token"])).status_code == 401
            told = await refreshing(world, token["refresh_token"])
            assert told == (400, "invalid_grant", "oidc.refresh_unknown")
        assert (await world.kinds())[-1] == "code.reused"

    play(scene)


def test_o4_a_code_that_another_client_reuses_is_refused_and_signs_nobody_out() -> None:
    """Without the whole proof of a first redemption, seeing a code must not be enough to revoke what it gave."""

    async def scene(world: World) -> None:
        code = await sign_in(world, scope="openid offline_access")
        first = (await world.redeem(code)).json()
        told = await redeeming(world, code, "", client_id="board", code_verifier=VERIFIER)
        assert told == (400, "invalid_grant", "oidc.code_client")
        assert await refreshed(world, first["refresh_token"])

    play(scene)


def test_o4_of_fifty_redemptions_at_once_exactly_one_succeeds_and_its_tokens_die_by_the_others() -> None:
    """Through the door; the memory engine. The same on SQLite, among tasks and threads: `test_attacks_o_once.py`."""

    async def scene(world: World) -> None:
        code = await sign_in(world, scope="openid offline_access")
        codes = overhear(world)
        answers = await asyncio.gather(*(world.redeem(code) for _ in range(50)))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 49}
        assert {answer.json().get("error") for answer in answers} == {None, "invalid_grant"}
        assert set(codes) == {"oidc.code_reused"}
        won = next(answer.json() for answer in answers if answer.status_code == 200)
        told = await refreshing(world, won["refresh_token"])
        assert told == (400, "invalid_grant", "oidc.refresh_unknown")

    play(scene)


# -- O5: expiry and injection ----------------------------------------------------------------------------------------


def test_o5_a_code_lives_for_a_minute() -> None:
    async def scene(world: World) -> None:
        early, late = await sign_in(world), await sign_in(world)
        world.clock.advance(timedelta(seconds=60, microseconds=-1))
        assert (await world.redeem(early)).status_code == 200
        world.clock.advance(timedelta(microseconds=1))
        assert await redeeming(world, late) == (400, "invalid_grant", "oidc.code_expired")

    play(scene)


def test_o5_a_code_injected_into_another_session_of_the_client_does_not_fit_its_verifier() -> None:
    """The attacker's own code is given to the victim's session at the application, or the victim's to the attacker's."""

    async def scene(world: World) -> None:
        theirs = await sign_in(world, who=MALLORY, **{**CHALLENGE, "code_challenge": challenge_of("m" * 43)})
        stolen = await sign_in(world, **CHALLENGE)
        for code, verifier in ((theirs, VERIFIER), (stolen, "m" * 43)):
            told = await redeeming(world, code, code_verifier=verifier)
            assert told == (400, "invalid_grant", "oidc.pkce_mismatch")

    play(scene)


def test_o5_a_code_injected_where_no_pkce_is_used_shows_another_nonce() -> None:
    """The ID token carries the nonce of the request that the code answers, whoever redeems it [RFC 9700 4.5.3.2]."""

    async def scene(world: World) -> None:
        theirs = await sign_in(world, who=MALLORY, nonce="nonce-of-mallorys-session")
        said = await claims(world, (await world.redeem(theirs)).json()["id_token"])
        assert said["nonce"] == "nonce-of-mallorys-session"

    play(scene)


@pytest.mark.parametrize(
    ("authorization", "changes"),
    [
        ("", {"client_id": "board"}),
        ("", {"client_id": "board", "code_verifier": VERIFIER}),
        ("", {"client_id": "board", "redirect_uri": BOARD, "code_verifier": VERIFIER}),
        (basic("portal", "portal-secret-portal-secret-1234"), {"code_verifier": VERIFIER}),
    ],
)
def test_o5_a_code_is_worth_nothing_to_another_client(authorization: str, changes: dict[str, str]) -> None:
    """Whatever else it has: the redirect URI, the verifier, a secret of its own."""

    async def scene(world: World) -> None:
        code = await sign_in(world, **CHALLENGE)
        told = await redeeming(world, code, authorization, **changes)
        assert told == (400, "invalid_grant", "oidc.code_client")
        assert (await world.redeem(code, code_verifier=VERIFIER)).status_code == 200

    document = configuration()
    portal = {"client_id": "portal", "name": "Portal", "type": "web", "redirect_uris": [CALLBACK]}
    document["applications"].append({**portal, "client_secret": "portal-secret-portal-secret-1234"})
    play(scene, document)


# -- O6: PKCE --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verifier", "code"),
    [
        (None, "oidc.pkce_missing"),
        ("", "oidc.pkce_missing"),
        ("w" * 43, "oidc.pkce_mismatch"),
        (VERIFIER + "v", "oidc.pkce_mismatch"),
        (VERIFIER.upper(), "oidc.pkce_mismatch"),
        (challenge_of(VERIFIER), "oidc.pkce_mismatch"),
        ("v" * 42, "oidc.pkce_malformed"),
        ("v", "oidc.pkce_malformed"),
        ("v" * 129, "oidc.pkce_malformed"),
        (VERIFIER + "=", "oidc.pkce_malformed"),
        (VERIFIER + " ", "oidc.pkce_malformed"),
        (VERIFIER[:-1] + "ä", "oidc.pkce_malformed"),
        (VERIFIER[:-1] + "/", "oidc.pkce_malformed"),
    ],
)
@pytest.mark.parametrize("client", ["crm", "board"])
def test_o6_a_code_is_redeemed_with_the_verifier_of_its_challenge(verifier: str | None, code: str, client: str) -> None:
    """Of public and confidential clients alike, once a challenge was sent; a wrong one burns nothing."""

    async def scene(world: World) -> None:
        given = await sign_in(world, client=client, **CHALLENGE)
        own = ("", {"client_id": "board", "redirect_uri": BOARD}) if client == "board" else (None, {})
        told = await redeeming(world, given, own[0], **own[1], code_verifier=verifier)
        assert told == (400, "invalid_grant", code)
        where = BOARD if client == "board" else CALLBACK
        good = await world.redeem(given, client=client, redirect_uri=where, code_verifier=VERIFIER)
        assert good.status_code == 200

    play(scene)


def test_o6_a_challenge_that_was_removed_on_the_way_shows_by_its_verifier() -> None:
    """PKCE downgrade [RFC 9700 4.8.2]: the client still sends its verifier, so it had sent a challenge."""

    async def scene(world: World) -> None:
        code = await sign_in(world)
        told = await redeeming(world, code, code_verifier=VERIFIER)
        assert told == (400, "invalid_grant", "oidc.pkce_downgrade")

    play(scene)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "oidc.pkce_required"),
        ({"code_challenge": "", "code_challenge_method": ""}, "oidc.pkce_required"),
        ({"code_challenge": ""}, "oidc.pkce_required"),
        ({**CHALLENGE, "code_challenge_method": "plain"}, "oidc.pkce_method"),
        ({**CHALLENGE, "code_challenge_method": ""}, "oidc.pkce_method"),
        ({**CHALLENGE, "code_challenge_method": "s256"}, "oidc.pkce_method"),
        ({**CHALLENGE, "code_challenge_method": "S512"}, "oidc.pkce_method"),
        ({"code_challenge": VERIFIER, "code_challenge_method": "none"}, "oidc.pkce_method"),
        ({**CHALLENGE, "code_challenge": ""}, "oidc.pkce_challenge"),
        ({**CHALLENGE, "code_challenge": "v" * 42}, "oidc.pkce_challenge"),
        ({**CHALLENGE, "code_challenge": "v" * 44}, "oidc.pkce_challenge"),
        ({**CHALLENGE, "code_challenge": "v" * 128}, "oidc.pkce_challenge"),
        ({**CHALLENGE, "code_challenge": "v" * 42 + "="}, "oidc.pkce_challenge"),
    ],
)
@pytest.mark.parametrize("client", ["board", "crm"])
def test_o6_no_challenge_or_a_weak_one_is_refused_before_anybody_signs_in(
    changes: dict[str, str], code: str, client: str
) -> None:
    """Of a public client always, of a web application where `require_pkce` says so."""

    async def scene(world: World) -> None:
        answer = await world.browser().get(authorization(client, **changes), cross_site=True)
        where = BOARD if client == "board" else CALLBACK
        assert await error_code(world, answer, where) == ("invalid_request", code)

    document = configuration()
    document["applications"][0]["require_pkce"] = True
    play(scene, document)


def test_o6_a_refresh_needs_no_verifier_and_is_bound_to_its_client_by_other_means() -> None:
    async def scene(world: World) -> None:
        code = await sign_in(world, scope="openid offline_access", **CHALLENGE)
        got = (await world.redeem(code, code_verifier=VERIFIER)).json()
        told = await refreshing(world, got["refresh_token"], "", client_id="board", code_verifier=VERIFIER)
        assert told == (400, "invalid_grant", "oidc.refresh_client")

    play(scene)


# -- O9, O10: who is calling -----------------------------------------------------------------------------------------

METHOD = "oidc.client_auth_method"
ASSERTION = {
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjcm0ifQ.",
}

IMPOSTORS: dict[str, tuple[str, dict[str, str], tuple[int, str, str]]] = {
    "no client": ("", {}, (401, "invalid_client", "oidc.client_missing")),
    "only a name": ("", {"client_id": "crm"}, (401, "invalid_client", METHOD)),
    "an empty secret": ("", {"client_id": "crm", "client_secret": ""}, (401, "invalid_client", METHOD)),
    "the secret in the body": ("", {"client_id": "crm", "client_secret": SECRET}, (401, "invalid_client", METHOD)),
    "only a secret": ("", {"client_secret": SECRET}, (401, "invalid_client", "oidc.client_missing")),
    "header and body": (basic(), {"client_secret": SECRET}, (400, "invalid_request", "oidc.client_auth_twice")),
    "header and body of two": (
        basic(),
        {"client_id": "form", "client_secret": "form-secret-form-secret-form-secret"},
        (400, "invalid_request", "oidc.client_auth_twice"),
    ),
    "header of one, name of another": (
        basic(),
        {"client_id": "board"},
        (401, "invalid_client", "oidc.client_mismatch"),
    ),
    "a wrong secret": (basic("crm", "wrong"), {}, (401, "invalid_client", "oidc.client_secret")),
    "a shorter secret": (basic("crm", SECRET[:-1]), {}, (401, "invalid_client", "oidc.client_secret")),
    "a longer secret": (basic("crm", SECRET + "x"), {}, (401, "invalid_client", "oidc.client_secret")),
    "upper case": (basic("crm", SECRET.upper()), {}, (401, "invalid_client", "oidc.client_secret")),
    "another client's secret": (
        basic("crm", "form-secret-form-secret-form-secret"),
        {},
        (401, "invalid_client", "oidc.client_secret"),
    ),
    "an empty secret in the header": (basic("crm", ""), {}, (401, "invalid_client", "oidc.client_malformed")),
    "an empty name in the header": (basic("", SECRET), {}, (401, "invalid_client", "oidc.client_malformed")),
    "no base64": ("Basic !!!", {}, (401, "invalid_client", "oidc.client_malformed")),
    "an empty header": ("Basic", {}, (401, "invalid_client", "oidc.client_malformed")),
    "another scheme": ("Bearer " + SECRET, {"client_id": "crm"}, (401, "invalid_client", METHOD)),
    "a public client with a secret": (basic("board", "x"), {}, (401, "invalid_client", METHOD)),
    "a public client with an empty secret": (
        basic("board", ""),
        {},
        (401, "invalid_client", "oidc.client_malformed"),
    ),
    "a public client with a secret in the body": (
        "",
        {"client_id": "board", "client_secret": "x"},
        (401, "invalid_client", METHOD),
    ),
    "a post client in the header": (
        basic("form", "form-secret-form-secret-form-secret"),
        {},
        (401, "invalid_client", METHOD),
    ),
    "a post client without secret": ("", {"client_id": "form"}, (401, "invalid_client", METHOD)),
    "an unknown client": (basic("nobody", SECRET), {}, (401, "invalid_client", "oidc.client_unknown")),
    "an unknown public client": ("", {"client_id": "nobody"}, (401, "invalid_client", "oidc.client_unknown")),
    "a disabled client": (
        basic("off", "off-secret-off-secret-off-secret"),
        {},
        (401, "invalid_client", "oidc.client_unknown"),
    ),
    "an assertion": ("", {"client_id": "crm", **ASSERTION}, (401, "invalid_client", METHOD)),
    "an assertion beside the header": (basic(), ASSERTION, (401, "invalid_client", METHOD)),
    "only an assertion type": (
        "",
        {"client_id": "crm", "client_assertion_type": ASSERTION["client_assertion_type"]},
        (401, "invalid_client", METHOD),
    ),
}


def several_clients() -> dict[str, Any]:
    document = configuration()
    for name, changes in (("form", {"token_endpoint_auth_method": "client_secret_post"}), ("off", {"enabled": False})):
        one = {"client_id": name, "name": name, "type": "web", "redirect_uris": [f"https://{name}.example/cb"]}
        document["applications"].append(
            {**one, "client_secret": f"{name}-secret-{name}-secret-{name}-secret", **changes}
        )
    return document


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize("name", IMPOSTORS)
def test_o9_a_client_proves_itself_by_its_one_method_or_not_at_all(name: str, path: str) -> None:
    """No fallback from one method to another, and no secret of another client [RFC 6749 2.3]."""
    shown, form, expected = IMPOSTORS[name]

    async def scene(world: World) -> None:
        code = await sign_in(world)
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "token": "t", **form}
        assert await ask(world, path, asked, shown or None) == expected
        assert (await world.redeem(code)).status_code == 200

    play(scene, several_clients())


def test_o9_the_registered_method_is_taken() -> None:
    async def scene(world: World) -> None:
        form = {"client_id": "form", "client_secret": "form-secret-form-secret-form-secret"}
        told = await ask(world, "/oauth/token", {**form, "grant_type": "authorization_code", "code": "none"})
        assert told == (400, "invalid_grant", "oidc.code_unknown")

    play(scene, several_clients())


@pytest.mark.parametrize(
    "method", ["private_key_jwt", "client_secret_jwt", "tls_client_auth", "self_signed_tls_client_auth", "None", ""]
)
def test_o10_no_other_method_can_be_registered(method: str) -> None:
    """Signed assertions are not offered: nothing reads their audience, age or `jti`, and so nothing reads them wrongly."""

    async def scene(world: World) -> None:
        document = configuration()
        document["applications"][0]["token_endpoint_auth_method"] = method
        with pytest.raises(Refused) as caught:
            await world.apply(document)
        assert caught.value.code == "configuration.invalid"
        found = (await world.browser().get("/.well-known/openid-configuration")).json()
        for name in ("token_endpoint_auth_methods_supported", "revocation_endpoint_auth_methods_supported"):
            assert set(found[name]) == {"client_secret_basic", "client_secret_post", "none"}
        assert "token_endpoint_auth_signing_alg_values_supported" not in found

    play(scene)


# -- O25: grants that are not offered --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grant", "more"),
    [
        ("password", {"username": ADA, "password": "x"}),
        ("client_credentials", {}),
        ("implicit", {}),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", {"assertion": "eyJhbGciOiJub25lIn0.e30."}),
        ("urn:ietf:params:oauth:grant-type:saml2-bearer", {"assertion": "PHg-"}),
        ("urn:ietf:params:oauth:grant-type:device_code", {"device_code": "x"}),
        ("urn:openid:params:grant-type:ciba", {"auth_req_id": "x"}),
        ("urn:ietf:params:oauth:grant-type:token-exchange", {"subject_token": "x"}),
        ("urn:ietf:params:oauth:grant-type:uma-ticket", {"ticket": "x"}),
        ("http://auth0.com/oauth/grant-type/password-realm", {"username": ADA, "password": "x"}),
        ("AUTHORIZATION_CODE", {}),
        ("authorization_code ", {}),
        ("authorization_code,password", {}),
    ],
)
def test_o25_other_grants_are_unsupported_even_to_a_client_that_proved_itself(grant: str, more: dict[str, str]) -> None:
    async def scene(world: World) -> None:
        code = await sign_in(world)
        told = await redeeming(world, code, grant_type=grant, **more)
        assert told == (400, "unsupported_grant_type", "oidc.unsupported_grant_type")
        assert (await world.redeem(code)).status_code == 200

    play(scene)


@pytest.mark.parametrize("path", ["/oauth/device/code", "/oauth/device_authorization", "/bc-authorize", "/oauth/ciba"])
def test_o25_their_endpoints_are_not_there_and_not_announced(path: str) -> None:
    async def scene(world: World) -> None:
        assert (await world.browser().post(path, {"client_id": "crm"})).status_code == 404
        found = (await world.browser().get("/.well-known/openid-configuration")).json()
        assert found["grant_types_supported"] == ["authorization_code", "refresh_token", "implicit"]
        assert not [name for name in found if "device" in name or "backchannel" in name]

    play(scene)
