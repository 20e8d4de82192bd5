"""Attack table B, who somebody is: never an email, never what an identity provider says of another one's people, never an expression."""

import ast
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.wire.attacker import claims, page_code, refreshing, sign_in, tokens, userinfo
from tests.wire.world import (
    ADA,
    MALLORY,
    World,
    asked,
    authorization,
    code_of,
    configuration,
    location,
    parameters,
    play,
    refused,
)

import vestibule
from vestibule.ground.errors import ConfigurationRefused
from vestibule.policy.mapping import RESERVED_CLAIMS

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


def two(acme: dict[str, Any] | None = None, globex: dict[str, Any] | None = None) -> dict[str, Any]:
    """Acme holds acme.example, verified; Globex is another identity provider that holds globex.example."""
    document = configuration()
    first = document["connections"][0]
    document["connections"].append(
        {
            **first,
            "name": "globex",
            "id": "con_globex",
            "domains": [{"name": "globex.example", "verified": True}],
            "idp": {**first["idp"], "entity_id": "https://idp.globex.example/"},
            **(globex or {}),
        }
    )
    document["connections"][0] = {**first, **(acme or {})}
    return document


async def told(world: World, who: str = ADA, connection: str = "acme", **said: Any) -> dict[str, object]:
    """What the application is told of a login through this connection."""
    if connection == "globex":
        said = {"issuer": "https://idp.globex.example/", **said}
    return await claims(world, (await tokens(world, who=who, connection=connection, said=said))["id_token"])


# -- B5, B6: email and other things that change ----------------------------------------------------------------------


def test_b5_the_same_email_at_two_identity_providers_is_two_people() -> None:
    async def scene(world: World) -> None:
        mail = {"attributes": {"mail": (ADA,)}}
        one = await told(world, "opaque-1", **mail)
        two_ = await told(world, "opaque-1", connection="globex", **mail)
        assert one["sub"] != two_["sub"]
        assert (one["email"], one["email_verified"]) == (ADA, True)
        assert "email" not in two_
        assert "email_verified" not in two_

    play(scene, two())


def test_b5_an_identity_provider_that_may_say_foreign_emails_does_not_verify_them() -> None:
    async def scene(world: World) -> None:
        foreign = await told(world, "opaque-1", connection="globex", attributes={"mail": (ADA,)})
        assert (foreign["email"], foreign["email_verified"]) == (ADA, False)

    play(scene, two(globex={"allow_foreign_emails": True}))


@pytest.mark.parametrize(
    ("domains", "verified"),
    [
        ([{"name": "acme.example", "verified": True}], True),
        ([{"name": "acme.example", "verified": False}], False),
        ([{"name": "acme.example"}], False),
        ([], False),
    ],
)
@pytest.mark.parametrize("asserted", ["true", "True", "1", None])
def test_b5_email_verified_follows_from_the_domain_and_not_from_what_is_asserted(
    domains: list[dict[str, Any]], verified: bool, asserted: str | None
) -> None:
    async def scene(world: World) -> None:
        attributes = {"mail": (ADA,)} | ({} if asserted is None else {"email_verified": (asserted,)})
        assert (await told(world, attributes=attributes))["email_verified"] is verified

    play(scene, two(acme={"domains": domains}))


@pytest.mark.parametrize(
    "mail",
    [
        "ada@acme.example.evil.example",
        "ada@evil.example",
        "ada@sub.acme.example",
        "ada@acme.example@evil.example",
        "ada@evil.example@acme.example",
        '"ada@acme.example"@evil.example',
        "ada@evil.example (@acme.example)",
        "ada@acme.example\u200b",
        "ada@acme.ex\u0430mple",
        "ada@acme.example.",
        "ada@ACME.EXAMPLE.evil.example",
        "@acme.example",
        "acme.example",
        "ada@acme.example,eve@evil.example",
    ],
)
def test_b5_an_address_that_can_be_read_two_ways_is_never_verified(mail: str) -> None:
    async def scene(world: World) -> None:
        assert (await told(world, attributes={"mail": (mail,)})).get("email_verified") is not True

    play(scene, two())


@pytest.mark.parametrize(
    ("links", "same"),
    [
        ((True, True), True),
        ((True, False), False),
        ((False, True), True),
        ((False, False), False),
    ],
)
def test_b5_people_are_joined_only_where_the_later_connection_links_and_both_verify(
    links: tuple[bool, bool], same: bool
) -> None:
    """Ada's company moves its domain from one identity provider to another: the second one joins, if it may."""

    async def scene(world: World) -> None:
        before = await told(world, "opaque-1", attributes={"mail": (ADA,)})
        moved = two(
            acme={"domains": [], "link_by_email": links[0]},
            globex={"domains": [{"name": "acme.example", "verified": True}], "link_by_email": links[1]},
        )
        await world.apply(moved)
        after = await told(world, "opaque-2", connection="globex", attributes={"mail": (ADA,)})
        assert (before["sub"] == after["sub"]) is same

    play(scene, two(acme={"link_by_email": links[0]}, globex={"link_by_email": links[1]}))


def test_b5_an_unverified_email_joins_nobody_whoever_says_it() -> None:
    async def scene(world: World) -> None:
        one = await told(world, "opaque-1", attributes={"mail": (ADA,)})
        other = await told(world, "opaque-2", connection="globex", attributes={"mail": (ADA,)})
        assert one["sub"] != other["sub"]

    links = {"link_by_email": True, "allow_foreign_emails": True}
    play(scene, two(acme=links, globex=links))


def test_b6_whose_email_or_user_name_changes_stays_the_same_person() -> None:
    async def scene(world: World) -> None:
        subs = set()
        for mail, uid in ((ADA, "ada"), ("ada.king@acme.example", "ada.king"), (MALLORY, "mallory")):
            said = {"name_id_format": PERSISTENT, "attributes": {"mail": (mail,), "uid": (uid,)}}
            subs.add((await told(world, "opaque-1", **said))["sub"])
        assert len(subs) == 1

    play(scene)


@pytest.mark.parametrize("attribute", ["mail", "uid", "urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "displayName"])
def test_b6_whoever_gets_anothers_old_email_or_user_name_is_somebody_else(attribute: str) -> None:
    async def scene(world: World) -> None:
        said = {"name_id_format": PERSISTENT, "attributes": {attribute: (ADA,)}}
        assert (await told(world, "opaque-1", **said))["sub"] != (await told(world, "opaque-2", **said))["sub"]

    play(scene)


def test_b6_a_name_that_changes_at_every_sign_in_is_no_key() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
        page = await world.answer(browser, sent, "_random", name_id_format=transient)
        assert await page_code(world, page) == "saml.transient_name_id"

    play(scene)


# -- B12: what cannot be asserted ------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", sorted(RESERVED_CLAIMS))
def test_b12_a_reserved_claim_cannot_be_mapped(claim: str) -> None:
    async def scene(world: World) -> None:
        document = configuration()
        document["connections"][0]["attribute_mapping"] = {claim: "anything"}
        with pytest.raises(ConfigurationRefused) as caught:
            await world.apply(document)
        assert "mapping.reserved_claim" in {fault.code for fault in caught.value.faults}

    play(scene)


def test_b12_the_claims_that_the_table_names_are_reserved() -> None:
    assert {
        "iss",
        "sub",
        "aud",
        "amr",
        "acr",
        "auth_time",
        "nonce",
        "act",
        "connection",
        "connection_id",
    } <= RESERVED_CLAIMS


def test_b12_an_identity_provider_that_asserts_them_is_not_heard() -> None:
    """Neither in the ID token nor at userinfo; nor does it become another connection's or an administrator."""

    async def scene(world: World) -> None:
        plain = await told(world)
        evil = dict.fromkeys((*RESERVED_CLAIMS, "role", "roles", "admin", "is_admin", "scope"), ("evil",))
        said = await told(world, attributes={**evil, "mail": (ADA,)})
        steady = ("iss", "sub", "aud", "amr", "acr", "nonce", "connection", "connection_id", "email_verified")
        assert {name: said[name] for name in steady} == {name: plain[name] for name in steady}
        assert "evil" not in repr(said)
        got = await tokens(world, said={"attributes": evil})
        assert "evil" not in (await userinfo(world, got["access_token"])).text

    play(scene)


def test_b12_one_connections_people_are_told_as_its_own() -> None:
    async def scene(world: World) -> None:
        said = {"attributes": {"connection": ("acme",), "connection_id": ("con_acme",)}}
        got = await told(world, connection="globex", **said)
        assert (got["connection"], got["connection_id"]) == ("globex", "con_globex")

    play(scene, two())


# -- B13: no expressions ---------------------------------------------------------------------------------------------

RUNS_TEXT = {"eval", "exec", "compile", "__import__", "execfile", "literal_eval"}
RUNS_MORE = {
    "pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "subprocess",
    "code",
    "codeop",
    "runpy",
    "ctypes",
}


def test_b13_nothing_in_the_house_runs_text_as_code() -> None:
    """No eval, no unpickling, no shell, no template made from a value, no YAML that makes objects."""
    root = Path(vestibule.__file__).parent
    looked_at = 0
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            looked_at += 1
            where = f"{file.relative_to(root)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Name):
                    assert node.func.id not in RUNS_TEXT, where
                elif isinstance(node.func, ast.Attribute):
                    assert node.func.attr not in ("from_string", "unsafe_load", "full_load", "system", "popen"), where
            if isinstance(node, ast.Import):
                assert not {alias.name.partition(".")[0] for alias in node.names} & RUNS_MORE, where
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] not in RUNS_MORE, where
            if isinstance(node, ast.keyword) and node.arg == "shell":
                raise AssertionError(where)
    assert looked_at > 10_000


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('id')",
        "{{ 7 * 7 }}",
        "${7*7}",
        "{0.__class__}",
        "%(mail)s",
        "return request.user",
        "user.attributes['mail']",
        "!!python/object/apply:os.system",
    ],
)
def test_b13_a_mapping_names_attributes_and_is_never_computed(expression: str) -> None:
    """It is a name like any other: an attribute of that very name is taken, by its value, as text."""

    async def scene(world: World) -> None:
        assert "title" not in await told(world, attributes={"mail": (ADA,)})
        named = await told(world, attributes={expression: (expression,)})
        assert named["title"] == expression

    document = configuration()
    document["connections"][0]["attribute_mapping"] = {"title": expression}
    play(scene, document)


# -- B14, B15: who has left ------------------------------------------------------------------------------------------


def test_b14_a_session_lasts_no_longer_than_the_identity_provider_says() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        ends = world.clock.now() + timedelta(minutes=30)
        await sign_in(world, browser, said={"session_not_on_or_after": ends})
        world.clock.set(ends - timedelta(microseconds=1))
        assert code_of(await browser.get(authorization(prompt="none"), cross_site=True))
        world.clock.set(ends)
        silent = await browser.get(authorization(prompt="none"), cross_site=True)
        assert parameters(location(silent))["error"] == "login_required"

    play(scene)


@pytest.mark.parametrize("path", ["/saml/slo/acme", "/samlp/crm/logout"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_b14_logout_by_the_identity_provider_is_not_offered_and_a_forged_one_ends_nothing(
    path: str, method: str
) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        await sign_in(world, browser)
        answer = await (
            browser.get(f"{path}?SAMLRequest=x") if method == "GET" else browser.post(path, {"SAMLRequest": "x"})
        )
        assert answer.status_code == 404
        assert code_of(await browser.get(authorization(prompt="none"), cross_site=True))
        assert "SingleLogoutService" not in (await browser.get("/saml/metadata/acme")).text

    play(scene)


def test_b15_refreshing_asks_again_whether_everything_behind_the_grant_stands() -> None:
    async def scene(world: World) -> None:
        got = await tokens(world)
        person = (await userinfo(world, got["access_token"])).json()["sub"]
        await world.house.store.people.block(person, blocked=True)
        assert await refreshing(world, got["refresh_token"]) == (400, "invalid_grant", "oidc.grant_person")
        assert (await userinfo(world, got["access_token"])).status_code == 401
        await world.house.store.people.block(person, blocked=False)
        for change in ({"enabled": False}, {"applications": ["board"], "idp_initiated": {}}):
            document = configuration()
            document["connections"][0] |= change
            await world.apply(document)
            assert await refreshing(world, got["refresh_token"]) == (400, "invalid_grant", "oidc.grant_connection")
            assert (await userinfo(world, got["access_token"])).status_code == 401
        document = configuration()
        document["applications"][0]["enabled"] = False
        document["connections"][0]["idp_initiated"] = {}
        await world.apply(document)
        assert await refreshing(world, got["refresh_token"]) == (401, "invalid_client", "oidc.client_unknown")
        await world.apply(configuration())
        document = configuration()
        document["connections"][0]["refresh_max"] = 60
        await world.apply(document)
        world.clock.advance(60)
        assert await refreshing(world, got["refresh_token"]) == (400, "invalid_grant", "oidc.refresh_expired")

    play(scene)


def test_b15_a_blocked_person_gets_in_by_no_road() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        got = await tokens(world, browser)
        person = (await userinfo(world, got["access_token"])).json()["sub"]
        code = await sign_in(world)
        await world.house.store.people.block(person, blocked=True)
        assert (await world.redeem(code)).json()["error"] == "invalid_grant"
        silent = await browser.get(authorization(prompt="none"), cross_site=True)
        assert parameters(location(silent))["error"] == "login_required"
        sent = await browser.get(authorization(), cross_site=True)
        page = await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        assert await page_code(world, page, 403) == "person.blocked"
        refused(page, 403)
        assert asked(sent)

    play(scene)


# -- B16: the operators' plane ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/console",
        "/console/",
        "/console/connections",
        "/api/v1/connections",
        "/api/v1/openapi.json",
        "/api/v1/applications",
        "/admin",
        "/metrics",
        "/debug",
        "/docs",
        "/openapi.json",
        "/.git/config",
        "/vestibule.db",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_b16_operators_have_no_door_on_the_web_yet(path: str, method: str) -> None:
    """Configuration comes from a file and the command line, on the machine itself; there is nothing to break into."""

    async def scene(world: World) -> None:
        answer = await world.browser()._send(method, path, cross_site=False, headers={"authorization": "Bearer x"})
        assert answer.status_code == 404

    play(scene)
