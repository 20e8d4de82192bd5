"""Finding the person's connection: named, alone, by email domain, or asked for on a page."""

from typing import Any

from tests.wire.world import (
    ADA,
    ISSUER,
    SSO,
    World,
    authorization,
    configuration,
    fields,
    location,
    moved_to,
    parameters,
    play,
    words,
)

from vestibule.saml import bindings
from vestibule.saml.request import read_request


def two() -> dict[str, Any]:
    document = configuration()
    acme = document["connections"][0]
    globex = {
        **acme,
        "name": "globex",
        "id": "con_globex",
        "domains": [{"name": "globex.example"}],
        "idp": {**acme["idp"], "entity_id": "https://idp.globex.example/", "sso_url": "https://idp.globex.example/sso"},
    }
    document["connections"].append(globex)
    return document


def test_an_application_with_one_connection_never_asks() -> None:
    async def scene(world: World) -> None:
        sent = location(await world.browser().get(authorization(connection=None), cross_site=True))
        assert sent.startswith(SSO)

    play(scene)


def test_the_page_asks_for_an_email_and_its_domain_picks_the_connection() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        page = await browser.get(authorization(connection=None), cross_site=True)
        assert "Sign in to CRM" in words(page)
        back = moved_to(await browser.post("/login/realm", {**fields(page), "email": " ada@GLOBEX.example "}))
        assert location(await browser.get(back)).startswith("https://idp.globex.example/sso?")

    play(scene, two())


def test_an_unknown_domain_is_answered_like_a_known_one_without_a_connection_for_the_application() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        pages = []
        for email in ("eve@nowhere.example", "eve@globex.example"):
            page = await browser.get(authorization(connection=None, login_hint=email), cross_site=True)
            pages.append(words(page))
        assert pages[0] == pages[1]

    document = two()
    document["connections"][1] |= {"applications": ["board"], "idp_initiated": {"enabled": False}}
    third = {**document["connections"][1], "name": "third", "id": "con_third", "domains": [], "applications": ["crm"]}
    document["connections"].append({**third, "idp": {**third["idp"], "entity_id": "https://third.example/"}})
    play(scene, document)


def test_a_login_hint_answers_the_question_and_reaches_the_identity_provider_as_subject() -> None:
    async def scene(world: World) -> None:
        sent = await world.browser().get(authorization(connection=None, login_hint=ADA), cross_site=True)
        url = location(sent)
        assert url.startswith(SSO)
        assert "Signature" in parameters(url)

    play(scene, two())


def test_direct_sign_in_and_the_connection_hint_name_a_connection_too() -> None:
    async def scene(world: World) -> None:
        for named in (
            {"direct_sign_in": "sso:con_globex"},
            {"direct_sign_in": "sso:globex"},
            {"login_hint": "connection:globex"},
            {"connection": "globex"},
            {"connection": "con_globex"},
        ):
            asked_for = authorization(**{"connection": None, **named})
            sent = location(await world.browser().get(asked_for, cross_site=True))
            assert sent.startswith("https://idp.globex.example/sso?"), named

    play(scene, two())


def test_a_session_of_another_connection_does_not_answer_a_request_that_names_one() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        silent = location(await browser.get(authorization(connection="globex", prompt="none"), cross_site=True))
        assert parameters(silent)["error"] == "login_required"
        anyone = location(await browser.get(authorization(connection=None, prompt="none"), cross_site=True))
        assert "code" in parameters(anyone)

    play(scene, two())


def test_the_request_goes_by_post_where_the_connection_says_so() -> None:
    """A page of ours posts the signed AuthnRequest; nothing of it is in an address."""

    async def scene(world: World) -> None:
        page = await world.browser().get(authorization(), cross_site=True)
        posted = fields(page)
        request = read_request(bindings.decode_post(posted["SAMLRequest"]))
        assert (request.destination, request.issuer) == (SSO, f"{ISSUER}saml/metadata/acme")
        assert b"SignatureValue" in bindings.decode_post(posted["SAMLRequest"])
        assert posted["RelayState"] == request.id
        assert f'action="{SSO}"' in page.text
        assert "script-src 'self'" in page.headers["content-security-policy"]

    document = configuration()
    document["connections"][0] |= {"request_binding": "post"}
    document["connections"][0]["idp"]["sso_post_url"] = SSO
    play(scene, document)


def test_a_request_is_unsigned_where_the_connection_says_so() -> None:
    async def scene(world: World) -> None:
        sent = parameters(location(await world.browser().get(authorization(), cross_site=True)))
        assert "SAMLRequest" in sent
        assert not {"Signature", "SigAlg"} & set(sent)

    document = configuration()
    document["connections"][0] |= {"sign_requests": False}
    play(scene, document)
