"""Attack table I: Vestibule is no identity provider for SAML applications yet; what refuses it today, and what holds already."""

import re
from typing import Any

import pytest
from tests.wire.attacker import page_code, sign_in, tokens, userinfo
from tests.wire.world import (
    World,
    authorization,
    code_of,
    configuration,
    fields,
    location,
    parameters,
    play,
)

from vestibule.ground.errors import ConfigurationRefused
from vestibule.model.key import KeyPurpose
from vestibule.saml import bindings

ENDPOINTS = [
    "/samlp/crm",
    "/samlp/metadata/crm",
    "/samlp/crm/logout",
    "/samlp/wiki",
    "/saml/sso",
    "/saml2/idp/SSOService.php",
]


def wiki(**saml: Any) -> dict[str, Any]:
    document = configuration()
    parts = {"acs_url": "https://wiki.example/acs", "entity_id": "https://wiki.example/saml", **saml}
    document["applications"].append({"client_id": "wiki", "name": "Wiki", "type": "saml", "saml": parts})
    return document


async def faults(world: World, document: dict[str, Any]) -> set[str]:
    with pytest.raises(ConfigurationRefused) as caught:
        await world.apply(document)
    return {fault.code for fault in caught.value.faults}


@pytest.mark.parametrize(
    "acs",
    [
        "https://wiki.example/acs",
        "https://wiki.example/acs/*",
        "http://localhost/acs",
    ],
)
def test_i1_a_saml_application_cannot_be_configured_so_nothing_is_ever_posted_to_an_acs(acs: str) -> None:
    async def scene(world: World) -> None:
        assert await faults(world, wiki(acs_url=acs)) == {"application.saml_not_supported"}
        assert len(await world.house.store.configured.applications()) == 2

    play(scene)


@pytest.mark.parametrize(
    "acs",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://wiki.example@evil.example/",
        "http://wiki.example/acs",
        "//wiki.example/acs",
    ],
)
def test_i1_an_acs_that_is_no_https_address_is_not_even_read(acs: str) -> None:
    async def scene(world: World) -> None:
        with pytest.raises(ConfigurationRefused) as caught:
            await world.apply(wiki(acs_url=acs))
        assert any("saml.acs_url" in fault.path for fault in caught.value.faults)

    play(scene)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("message", ["", "PHg-", "x" * 9000, "fZFfa8IwFMXfBb9DyXubpv8vWhGGIGwwHHvYW9rcaqBNutxU"])
def test_i2_i3_i8_i10_there_is_no_door_for_an_authn_request(path: str, method: str, message: str) -> None:
    """Signed or not, deflated or not, wrapped, replayed, malformed: 404, and nothing of it is decoded."""

    async def scene(world: World) -> None:
        browser = world.browser()
        form = {"SAMLRequest": message, "RelayState": "<script>", "SigAlg": "x", "Signature": "x"}
        if method == "GET":
            answer = await browser.get(path + "?SAMLRequest=" + message)
        else:
            answer = await browser.post(path, form)
        assert answer.status_code == 404
        assert "SAMLResponse" not in answer.text
        assert "<script>" not in answer.text

    play(scene)


def test_i5_what_a_page_posts_for_the_browser_is_escaped_and_goes_where_the_policy_says() -> None:
    """The two pages that post themselves today: an AuthnRequest of ours, and an authorization response."""

    async def scene(world: World) -> None:
        browser = world.browser()
        evil = "\"><script>alert(1)</script>&lt;' onload=x"
        page = await browser.get(authorization(login_hint="a\"b<c>'@acme.example"), cross_site=True)
        assert set(fields(page)) == {"SAMLRequest", "RelayState"}
        assert "<script>" not in page.text
        answer = await browser.get(authorization(state=evil, response_mode="form_post", prompt="none"), cross_site=True)
        assert fields(answer)["state"] == evil
        assert "<script>alert" not in answer.text
        for one in (page, answer):
            policy = one.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe-inline" not in policy
            assert "script-src 'self'" in policy
            assert re.search(r"form-action (https:|'self')(;|$)", policy)
            assert not re.search(r"<script(?![^>]*\bsrc=)", one.text)
            assert not re.search(r"\son[a-z]+=", re.sub(r'value="[^"]*"', "", one.text))

    document = configuration()
    document["connections"][0] |= {"request_binding": "post"}
    document["connections"][0]["idp"]["sso_post_url"] = "https://idp.acme.example/sso"
    play(scene, document)


def test_i6_no_assertion_of_ours_leaves_the_house_for_any_application() -> None:
    """Nothing that a browser is handed in a login is a SAML message, but our own AuthnRequest to the identity provider."""

    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        assert b"AuthnRequest" in bindings.decode_redirect(parameters(location(sent))["SAMLRequest"])
        landed = await world.answer(browser, sent)
        answer = await browser.get(location(landed), cross_site=True)
        for one in (landed, answer):
            assert "SAML" not in one.text
            assert "SAML" not in one.headers["location"]
        assert code_of(answer)

    play(scene)


@pytest.mark.parametrize(
    "policy", [{"response_protocol": "saml"}, {"routes": {"x": {"application": "crm", "response_protocol": "saml"}}}]
)
def test_i6_a_response_by_saml_to_an_openid_application_is_refused_when_it_is_saved(policy: dict[str, Any]) -> None:
    async def scene(world: World) -> None:
        found = await faults(world, configuration(**policy))
        assert found == {"idp_initiated.response_protocol"}

    play(scene)


def test_i7_our_own_messages_are_never_named_twice() -> None:
    async def scene(world: World) -> None:
        ids = set()
        for _ in range(50):
            sent = parameters(location(await world.browser().get(authorization(), cross_site=True)))
            ids.add(sent["RelayState"])
            assert re.fullmatch(r"_[0-9a-f]{40}", sent["RelayState"])
        assert len(ids) == 50
        assert all(len({name[place] for name in ids}) > 1 for place in range(1, 41)), "a part of the name is not drawn"

    play(scene)


def test_i9_whoever_or_whatever_is_switched_off_gets_nothing_by_the_portals_tile() -> None:
    """Person, application and connection are asked at the moment when something would be issued."""

    async def scene(world: World) -> None:
        got = await tokens(world)
        person = (await userinfo(world, got["access_token"])).json()["sub"]
        await world.house.store.people.block(person, blocked=True)
        assert await page_code(world, await world.tile(world.browser()), 403) == "person.blocked"
        await world.house.store.people.block(person, blocked=False)
        assert code_of(await world.tile(world.browser()))

    direct = {"delivery": "direct", "accept_application_login_csrf_risk": True}
    play(scene, configuration(unsolicited="accept", accept_login_csrf_risk=True, **direct))


def test_i9_a_tile_for_an_application_that_was_switched_off_is_refused_by_its_code() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        landed = location(await world.tile(browser))
        document = configuration(default_application="board")
        document["applications"][0]["enabled"] = False
        await world.apply(document)
        page = await browser.get(landed, cross_site=True)
        assert await page_code(world, page) == "application.disabled"

    play(scene)


def test_i11_each_role_has_its_own_keys_and_none_shows_a_private_part() -> None:
    """What signs tokens signs no AuthnRequest, and the other way round."""

    async def scene(world: World) -> None:
        browser = world.browser()
        assert await sign_in(world, browser)
        stored = await world.house.store.keys.all()
        assert len({key.public_pem for key in stored}) == len(stored)
        roles = {KeyPurpose.TOKEN_RS256, KeyPurpose.TOKEN_ES256, KeyPurpose.SAML_REQUEST}
        assert roles <= {key.purpose for key in stored}
        shown = [(await browser.get(path)).text for path in ("/.well-known/jwks.json", "/saml/metadata/acme")]
        request_key = next(key for key in stored if key.purpose is KeyPurpose.SAML_REQUEST)
        assert request_key.kid not in shown[0]
        body = "".join((request_key.certificate_pem or "").splitlines()[1:-1])
        assert body in shown[1].replace("\n", "")
        assert not any("PRIVATE" in text or '"d":' in text for text in shown)
        assert not any(b"PRIVATE" in key.sealed for key in stored)
        assert shown[1].count("X509Certificate>") >= 2

    play(scene)


def test_i12_our_metadata_promises_no_role_that_we_do_not_play() -> None:
    """A service provider, and no identity provider: no application can be set up against it by mistake."""

    async def scene(world: World) -> None:
        text = (await world.browser().get("/saml/metadata/acme")).text
        assert "SPSSODescriptor" in text
        for role in ("IDPSSODescriptor", "SingleSignOnService", "SingleLogoutService", "ArtifactResolutionService"):
            assert role not in text
        for path in ENDPOINTS:
            assert (await world.browser().get(path)).status_code == 404

    play(scene)
