"""The UserInfo endpoint answers the bearer of a live token, while everything behind it stands."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.flows.backchannel_house import ACME, BOARD, CRM, PERSON, House

from vestibule.ground.errors import OAuthRefused


def asked_after(
    change: Callable[[House], Awaitable[object]], scope: tuple[str, ...] = ("openid", "profile")
) -> dict[str, object]:
    async def run() -> dict[str, object]:
        house = House()
        await house.open()
        answer = await house.redeem(await house.code(scope=scope))
        await change(house)
        return await house.informing.inform(f"Bearer {answer['access_token']}", {})

    return asyncio.run(run())


async def nothing(house: House) -> None:
    house.clock.advance(timedelta(hours=1, microseconds=-1))


def test_a_live_token_answers_until_its_last_moment_with_what_its_scope_releases() -> None:
    assert asked_after(nothing) == {
        "sub": PERSON,
        "name": "Ada",
        "connection": "acme",
        "connection_id": "con_acme",
    }


def test_email_comes_with_its_scope() -> None:
    answer = asked_after(nothing, scope=("openid", "email"))
    assert (answer["email"], answer["email_verified"]) == ("ada@acme.example", True)
    assert "name" not in answer


async def _take_domain_away(house: House) -> None:
    await house.configure(CRM, BOARD, connection=replace(ACME, domains=()))


def test_an_email_is_verified_only_while_its_domain_is() -> None:
    answer = asked_after(_take_domain_away, scope=("openid", "email"))
    assert (answer["email"], answer["email_verified"]) == ("ada@acme.example", False)


async def _expire(house: House) -> None:
    house.clock.advance(timedelta(hours=1))


async def _block(house: House) -> None:
    await house.store.people.block(PERSON, blocked=True)


async def _disable_application(house: House) -> None:
    await house.configure(replace(CRM, enabled=False), BOARD, connection=ACME)


async def _disable_connection(house: House) -> None:
    await house.configure(CRM, BOARD, connection=replace(ACME, enabled=False))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_expire, "oidc.access_token"),
        (_block, "oidc.grant_person"),
        (_disable_application, "oidc.grant_application"),
        (_disable_connection, "oidc.grant_connection"),
    ],
)
def test_a_token_behind_which_nothing_stands_is_invalid(
    change: Callable[[House], Awaitable[object]], code: str
) -> None:
    with pytest.raises(OAuthRefused) as refused:
        asked_after(change)
    assert (refused.value.error, refused.value.code) == ("invalid_token", code)


def test_a_plain_oauth_token_may_not_ask() -> None:
    with pytest.raises(OAuthRefused) as refused:
        asked_after(nothing, scope=("profile",))
    assert refused.value.error == "insufficient_scope"


@pytest.mark.parametrize("kind", ["id_token", "refresh_token", "code"])
def test_no_other_token_passes_for_an_access_token(kind: str) -> None:
    async def run() -> None:
        house = House()
        await house.open()
        code = await house.code()
        answer = {**await house.redeem(code), "code": code}
        await house.informing.inform(f"Bearer {answer[kind]}", {})

    with pytest.raises(OAuthRefused) as refused:
        asyncio.run(run())
    assert (refused.value.error, refused.value.code) == ("invalid_token", "oidc.access_token")
