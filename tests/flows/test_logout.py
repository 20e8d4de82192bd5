"""Signing out: who is believed, who is asked first, where it leads, and what ends."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.flows.backchannel_house import ACME, BOARD, COOKIE, CRM, ISSUER, House

from vestibule.flows.browser import Browser, Reply, hold
from vestibule.flows.logout import AskFirst
from vestibule.ground.errors import OAuthRefused
from vestibule.model.answer import Redirect
from vestibule.model.ids import PersonId, Sid
from vestibule.oidc.logout import LogoutRequest, read

HOME = "https://crm.example/"
ADAS = Browser(session=hold(COOKIE))
REGISTERED = LogoutRequest(client_id="crm", post_logout_redirect_uri=HOME, state="s")


def within(story: Callable[[House], Awaitable[None]]) -> None:
    async def run() -> None:
        house = House()
        await house.open()
        await story(house)

    asyncio.run(run())


async def signed_in(house: House) -> bool:
    return await house.store.sessions.find(hold(COOKIE)) is not None


async def id_token(house: House) -> str:
    return str((await house.redeem(await house.code()))["id_token"])


def gone_to(url: str) -> Reply:
    return Reply(send=Redirect(url=url), drop_session=True)


def test_a_client_and_its_exact_uri_sign_out_without_asking() -> None:
    """What the Logto and Auth0 SDKs send: no ID token."""

    async def story(house: House) -> None:
        assert await house.leaving.leave(REGISTERED, ADAS) == gone_to(f"{HOME}?state=s")
        assert not await signed_in(house)
        (event,) = await house.store.events.latest()
        assert (event.kind, event.application, event.person) == ("session.ended", "crm", "p-ada")

    within(story)


def test_an_id_token_of_this_session_signs_out_without_asking() -> None:
    async def story(house: House) -> None:
        hint = await id_token(house)
        house.clock.advance(86_400)  # an expired hint is as good [OIDC RP-Initiated Logout 4]
        assert await house.leaving.leave(LogoutRequest(id_token_hint=hint), ADAS) == gone_to(ISSUER + "oidc/signed-out")
        assert not await signed_in(house)

    within(story)


def test_an_id_token_beside_its_own_client_id_signs_out_without_asking() -> None:
    async def story(house: House) -> None:
        asked = LogoutRequest(client_id="crm", id_token_hint=await id_token(house))
        assert await house.leaving.leave(asked, ADAS) == gone_to(ISSUER + "oidc/signed-out")

    within(story)


def test_an_id_token_without_a_session_of_its_own_counts_by_its_person() -> None:
    async def story(house: House) -> None:
        hint = str((await house.redeem(await house.code(sid=None)))["id_token"])
        assert await house.leaving.leave(LogoutRequest(id_token_hint=hint), ADAS) == gone_to(ISSUER + "oidc/signed-out")

    within(story)


def test_an_id_token_names_the_client_whose_uri_counts() -> None:
    async def story(house: House) -> None:
        asked = LogoutRequest(id_token_hint=await id_token(house), post_logout_redirect_uri=HOME)
        assert await house.leaving.leave(asked, ADAS) == gone_to(HOME)

    within(story)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"state": "s"},
        {"client_id": "crm"},
        {"client_id": "nobody", "post_logout_redirect_uri": HOME},
        {"client_id": "board", "post_logout_redirect_uri": HOME},
        {"post_logout_redirect_uri": HOME},
        {"client_id": "crm", "post_logout_redirect_uri": HOME + "?x=1"},
        {"client_id": "crm", "post_logout_redirect_uri": "https://evil.example/"},
        {"client_id": "crm", "post_logout_redirect_uri": HOME, "id_token_hint": "no.to.ken"},
    ],
)
def test_everybody_else_asks_the_person_first(asked: dict[str, str]) -> None:
    async def story(house: House) -> None:
        assert await house.leaving.leave(read(asked), ADAS) == AskFirst(parameters=asked)
        assert await signed_in(house)

    within(story)


@pytest.mark.parametrize("changes", [{"sid": Sid("other")}, {"person": PersonId("other")}])
def test_an_id_token_of_another_session_or_person_asks_first(changes: dict[str, str]) -> None:
    """A hint that does not hold is worse than none, even beside a registered URI."""

    async def story(house: House) -> None:
        hint = await id_token(house)
        await house.store.keep(house.session(cookie=hold("another"), **changes))
        asked = replace(REGISTERED, id_token_hint=hint)
        assert isinstance(await house.leaving.leave(asked, Browser(session=hold("another"))), AskFirst)

    within(story)


def test_an_id_token_of_another_client_asks_first() -> None:
    async def story(house: House) -> None:
        asked = LogoutRequest(client_id="board", id_token_hint=await id_token(house))
        assert isinstance(await house.leaving.leave(asked, ADAS), AskFirst)

    within(story)


def test_a_yes_signs_out_and_still_leads_only_where_it_is_registered() -> None:
    async def story(house: House) -> None:
        evil = LogoutRequest(client_id="crm", post_logout_redirect_uri="https://evil.example/")
        assert await house.leaving.leave(evil, ADAS, confirmed=True) == gone_to(ISSUER + "oidc/signed-out")
        assert not await signed_in(house)

    within(story)


def test_nobody_who_is_signed_out_is_asked() -> None:
    async def story(house: House) -> None:
        assert await house.leaving.leave(REGISTERED, Browser()) == Reply(send=Redirect(url=f"{HOME}?state=s"))
        stale = Browser(session=hold("long gone"))
        assert await house.leaving.leave(LogoutRequest(), stale) == gone_to(ISSUER + "oidc/signed-out")
        assert await house.kinds() == []

    within(story)


def test_grants_end_with_the_session_but_not_those_meant_to_outlive_it() -> None:
    """[OIDC Back-Channel Logout 2.7]."""

    async def story(house: House) -> None:
        offline = await house.redeem(await house.code())
        online = await house.redeem(await house.code(scope=("openid",)))
        await house.leaving.leave(REGISTERED, ADAS)
        assert "access_token" in await house.refresh(offline["refresh_token"])
        with pytest.raises(OAuthRefused) as refused:
            await house.informing.inform(f"Bearer {online['access_token']}", {})
        assert refused.value.error == "invalid_token"

    within(story)


def test_another_browsers_session_is_left_alone() -> None:
    async def story(house: House) -> None:
        await house.store.keep(house.session(sid=Sid("other"), cookie=hold("other")))
        await house.leaving.leave(REGISTERED, Browser(session=hold("other")))
        assert await signed_in(house)

    within(story)


def test_a_disabled_application_can_still_sign_its_people_out() -> None:
    async def story(house: House) -> None:
        await house.configure(replace(CRM, enabled=False), BOARD, connection=ACME)
        assert await house.leaving.leave(REGISTERED, ADAS) == gone_to(f"{HOME}?state=s")

    within(story)
