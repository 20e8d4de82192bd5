"""Revocation: an application gives back what it was given, and nothing of anybody else's."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.flows.backchannel_house import BASIC, House

from vestibule.ground.errors import OAuthRefused

Tokens = dict[str, str | int]


def within(story: Callable[[House, Tokens], Awaitable[None]]) -> None:
    async def run() -> None:
        house = House()
        await house.open()
        await story(house, await house.redeem(await house.code()))

    asyncio.run(run())


async def works(house: House, tokens: Tokens) -> bool:
    try:
        await house.informing.inform(f"Bearer {tokens['access_token']}", {})
    except OAuthRefused as refused:
        return refused.error != "invalid_token"
    return True


def test_a_refresh_token_takes_its_access_tokens_with_it() -> None:
    async def story(house: House, tokens: Tokens) -> None:
        await house.revoking.revoke({"token": str(tokens["refresh_token"])}, BASIC)
        assert not await works(house, tokens)
        with pytest.raises(OAuthRefused):
            await house.refresh(tokens["refresh_token"])
        assert (await house.kinds())[-1] == "token.revoked"

    within(story)


def test_an_access_token_ends_alone() -> None:
    async def story(house: House, tokens: Tokens) -> None:
        await house.revoking.revoke({"token": str(tokens["access_token"]), "token_type_hint": "refresh_token"}, BASIC)
        assert not await works(house, tokens)
        assert await works(house, await house.refresh(tokens["refresh_token"]))

    within(story)


def test_an_expired_access_token_is_not_woken() -> None:
    async def story(house: House, tokens: Tokens) -> None:
        house.clock.advance(7200)
        await house.revoking.revoke({"token": str(tokens["access_token"])}, BASIC)
        house.clock.advance(-10)
        assert not await works(house, tokens)

    within(story)


def test_an_unknown_token_is_as_good_as_revoked() -> None:
    async def story(house: House, tokens: Tokens) -> None:
        await house.revoking.revoke({"token": "never given"}, BASIC)
        assert await works(house, tokens)

    within(story)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_another_clients_token_is_refused_and_lives(kind: str) -> None:
    async def story(house: House, tokens: Tokens) -> None:
        with pytest.raises(OAuthRefused) as refused:
            await house.revoking.revoke({"client_id": "board", "token": str(tokens[kind])}, None)
        assert (refused.value.error, refused.value.code) == ("invalid_grant", "oidc.revocation_client")
        assert await works(house, tokens)

    within(story)


@pytest.mark.parametrize(
    ("parameters", "authorization", "error"),
    [
        ({}, BASIC, "invalid_request"),
        ({"token": "x"}, None, "invalid_client"),
        ({"token": ""}, BASIC, "invalid_request"),
    ],
)
def test_who_asks_and_for_what_must_be_said(parameters: dict[str, str], authorization: str | None, error: str) -> None:
    async def story(house: House, tokens: Tokens) -> None:
        with pytest.raises(OAuthRefused) as refused:
            await house.revoking.revoke(parameters, authorization)
        assert refused.value.error == error

    within(story)
