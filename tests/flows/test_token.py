"""The token endpoint: codes and refresh tokens are used once, by whom they were given to, while everything behind them stands."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.doubles import START
from tests.flows.backchannel_house import (
    ACME,
    ADA,
    BASIC,
    BOARD,
    CALLBACK,
    CRM,
    PERSON,
    SID,
    VERIFIER,
    House,
)

from vestibule.ground.errors import OAuthRefused
from vestibule.ground.hashing import digest
from vestibule.model.arrival import Arrival, ArrivalState
from vestibule.model.connection import Delivery, Unsolicited
from vestibule.model.grant import Code
from vestibule.model.ids import ArrivalId, ClientId, Digest
from vestibule.oidc.id_token import token_hash
from vestibule.store.port import ArrivalEnded, Codes, GrantRevoked, Keep


def within(story: Callable[[House], Awaitable[None]]) -> None:
    async def run() -> None:
        house = House()
        await house.open()
        await story(house)

    asyncio.run(run())


async def refused(asked: Awaitable[object]) -> tuple[str, str]:
    with pytest.raises(OAuthRefused) as caught:
        await asked
    return caught.value.error, caught.value.code


# -- codes -----------------------------------------------------------------------------------------------------------


def test_a_code_becomes_tokens() -> None:
    async def story(house: House) -> None:
        answer = await house.redeem(await house.code())
        assert answer.keys() == {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"}
        assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
        assert answer["scope"] == "openid profile offline_access"
        claims = await house.claims(answer["id_token"])
        assert (claims["iss"], claims["aud"], claims["sub"]) == ("https://broker.example/", "crm", PERSON)
        assert (claims["nonce"], claims["sid"], claims["connection"]) == ("n", SID, "acme")
        assert claims["at_hash"] == token_hash(str(answer["access_token"]))
        assert await house.kinds() == ["code.redeemed"]

    within(story)


def test_nothing_that_was_given_lies_open_in_the_store() -> None:
    async def story(house: House) -> None:
        answer = await house.redeem(await house.code())
        access = await house.store.tokens.access(Digest(digest(str(answer["access_token"]))))
        refresh = await house.store.tokens.refresh(Digest(digest(str(answer["refresh_token"]))))
        assert access is not None
        assert refresh is not None
        for token in (answer["access_token"], answer["refresh_token"]):
            assert str(token) not in repr((access, refresh))

    within(story)


def test_a_refreshed_id_token_calls_an_email_verified_only_while_its_domain_is() -> None:
    async def story(house: House) -> None:
        first = await house.redeem(await house.code(scope=("openid", "email", "offline_access")))
        assert (await house.claims(first["id_token"]))["email_verified"] is True
        await house.configure(CRM, BOARD, connection=replace(ACME, domains=()))
        second = await house.refresh(first["refresh_token"])
        assert (await house.claims(second["id_token"]))["email_verified"] is False

    within(story)


def test_a_public_client_redeems_with_its_verifier() -> None:
    async def story(house: House) -> None:
        code = await house.code(BOARD, pkce=True)
        asked = {
            "client_id": "board",
            "code": code,
            "code_verifier": VERIFIER,
            "redirect_uri": "https://board.example/cb",
            "grant_type": "authorization_code",
        }
        assert "id_token" in await house.redeeming.redeem(asked, None)

    within(story)


def test_a_code_without_openid_gets_no_id_token_and_without_offline_access_no_refresh_token() -> None:
    async def story(house: House) -> None:
        answer = await house.redeem(await house.code(scope=("profile",)))
        assert answer.keys() == {"access_token", "token_type", "expires_in", "scope"}

    within(story)


def test_an_application_that_may_not_refresh_any_more_gets_no_refresh_token() -> None:
    async def story(house: House) -> None:
        code = await house.code()
        await house.configure(replace(CRM, grant_types=("authorization_code",)), BOARD, connection=ACME)
        assert "refresh_token" not in await house.redeem(code)

    within(story)


def test_no_mistake_burns_a_code() -> None:
    """Wrong secret, client, redirect URI or verifier: refused, and the right request still succeeds."""

    async def story(house: House) -> None:
        code = await house.code(pkce=True)
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        redeem = house.redeeming.redeem
        assert await refused(redeem(asked, None)) == ("invalid_client", "oidc.client_missing")
        assert await refused(redeem({**asked, "client_id": "crm"}, None)) == (
            "invalid_client",
            "oidc.client_auth_method",
        )
        assert await refused(redeem({**asked, "client_id": "board"}, None)) == ("invalid_grant", "oidc.code_client")
        assert await refused(redeem({**asked, "redirect_uri": CALLBACK + "/"}, BASIC)) == (
            "invalid_grant",
            "oidc.code_redirect_uri",
        )
        assert await refused(redeem({**asked, "code_verifier": "w" * 43}, BASIC)) == (
            "invalid_grant",
            "oidc.pkce_mismatch",
        )
        assert "access_token" in await redeem(asked, BASIC)

    within(story)


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"grant_type": ""}, "invalid_request", "oidc.invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type", "oidc.unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type", "oidc.unsupported_grant_type"),
        (
            {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"},
            "unsupported_grant_type",
            "oidc.unsupported_grant_type",
        ),
        ({"code": ""}, "invalid_request", "oidc.invalid_request"),
        ({"code": "never given"}, "invalid_grant", "oidc.code_unknown"),
        ({"redirect_uri": ""}, "invalid_grant", "oidc.code_redirect_uri"),
        ({"code_verifier": VERIFIER}, "invalid_grant", "oidc.pkce_downgrade"),
    ],
)
def test_what_the_token_endpoint_refuses(change: dict[str, str], error: str, code: str) -> None:
    async def story(house: House) -> None:
        given = await house.code()
        assert await refused(house.redeem(**{"code": given, **change})) == (error, code)

    within(story)


def test_a_client_uses_only_the_grant_types_it_is_registered_for() -> None:
    async def story(house: House) -> None:
        code = await house.code()
        await house.configure(replace(CRM, grant_types=("refresh_token",)), BOARD, connection=ACME)
        assert await refused(house.redeem(code)) == ("unauthorized_client", "oidc.unauthorized_client")

    within(story)


def test_a_code_lives_sixty_seconds_and_not_one_more() -> None:
    async def story(house: House) -> None:
        early, late = await house.code(), await house.code()
        house.clock.advance(timedelta(seconds=60, microseconds=-1))
        assert "access_token" in await house.redeem(early)
        house.clock.advance(timedelta(microseconds=1))
        assert await refused(house.redeem(late)) == ("invalid_grant", "oidc.code_expired")

    within(story)


def test_a_code_that_comes_twice_revokes_what_it_gave() -> None:
    """Also long after it has expired [RFC 6749 4.1.2]."""

    async def story(house: House) -> None:
        code = await house.code()
        answer = await house.redeem(code)
        house.clock.advance(3000)
        assert await refused(house.redeem(code)) == ("invalid_grant", "oidc.code_reused")
        assert await refused(house.refresh(answer["refresh_token"])) == ("invalid_grant", "oidc.refresh_unknown")
        bearer = f"Bearer {answer['access_token']}"
        assert await refused(house.informing.inform(bearer, {})) == ("invalid_token", "oidc.access_token")
        assert await house.kinds() == ["code.redeemed", "code.reused"]

    within(story)


def test_a_used_code_without_its_proof_revokes_nothing() -> None:
    """Somebody who reads an old code in a log must not be able to sign a person out with it."""

    async def story(house: House) -> None:
        code = await house.code(pkce=True)
        answer = await house.redeem(code, code_verifier=VERIFIER)
        assert await refused(house.redeem(code)) == ("invalid_grant", "oidc.pkce_missing")
        assert "access_token" in await house.refresh(answer["refresh_token"])

    within(story)


def test_a_refused_redemption_is_audited_with_its_cause() -> None:
    async def story(house: House) -> None:
        code = await house.code(pkce=True)
        await refused(house.redeem(code))
        (event,) = await house.store.events.latest()
        assert (event.kind, event.code, event.application) == ("login.refused", "oidc.pkce_missing", "crm")
        assert code not in repr(event)

    within(story)


def test_codes_that_nobody_was_given_leave_no_events() -> None:
    """Else anybody could fill the log."""

    async def story(house: House) -> None:
        await refused(house.redeem("never given"))
        assert await house.kinds() == []

    within(story)


def test_of_fifty_redemptions_at_once_one_wins() -> None:
    async def story(house: House) -> None:
        code = await house.code()
        results = await asyncio.gather(*(house.redeem(code) for _ in range(50)), return_exceptions=True)
        won = [result for result in results if isinstance(result, dict)]
        lost = [result for result in results if isinstance(result, OAuthRefused)]
        assert (len(won), len(lost)) == (1, 49)
        assert {refusal.error for refusal in lost} == {"invalid_grant"}

    within(story)


class _Behind:
    """The store's codes as a slower node sees them: its first look is from before the code was taken."""

    def __init__(self, codes: Codes, seen: Code | None) -> None:
        self._codes = codes
        self._looks = iter([seen])

    async def find(self, digest: Digest) -> Code | None:
        return next(self._looks, None) or await self._codes.find(digest)

    async def take(self, digest: Digest, *, now: datetime, keep: Keep = ()) -> bool:
        return await self._codes.take(digest, now=now, keep=keep)


def test_whoever_loses_the_race_for_one_code_has_used_it_twice() -> None:
    """At once or one after the other, two redemptions of one code are the same sign of theft."""

    async def story(house: House) -> None:
        code = await house.code()
        seen = await house.store.codes.find(Digest(digest(code)))
        answer = await house.redeem(code)
        house.store.codes = _Behind(house.store.codes, seen)
        assert await refused(house.redeem(code)) == ("invalid_grant", "oidc.code_reused")
        assert await refused(house.refresh(answer["refresh_token"])) == ("invalid_grant", "oidc.refresh_unknown")

    within(story)


def _arrival(id: str) -> Arrival:
    return Arrival(
        id=ArrivalId(id),
        cookie=Digest("cookie"),
        connection=ACME.id,
        application=CRM.client_id,
        state=ArrivalState.CONFIRMED,
        trust=Unsolicited.CONFIRM,
        delivery=Delivery.CLIENT,
        created_at=START,
        expires_at=START + timedelta(seconds=120),
        identity=ADA,
    )


def test_of_two_codes_of_one_arrival_one_is_redeemed_and_the_other_revokes_nothing() -> None:
    """React's StrictMode asks twice; the code that loses was never used, so it is no sign of theft."""

    async def story(house: House) -> None:
        await house.store.keep(_arrival("a1"))
        first, second = await house.code(arrival="a1"), await house.code(arrival="a1")
        answer = await house.redeem(second)
        assert await refused(house.redeem(first)) == ("invalid_grant", "oidc.code_gone")
        assert "access_token" in await house.refresh(answer["refresh_token"])
        assert await house.store.arrivals.find(ArrivalId("a1")) is None

    within(story)


def test_a_code_of_an_arrival_that_is_over_is_no_code() -> None:
    async def story(house: House) -> None:
        await house.store.keep(_arrival("a1"))
        code = await house.code(arrival="a1")
        await house.store.keep(ArrivalEnded(id=ArrivalId("a1")))
        assert await refused(house.redeem(code)) == ("invalid_grant", "oidc.code_gone")

    within(story)


def test_a_public_client_cannot_redeem_an_unsolicited_code() -> None:
    async def story(house: House) -> None:
        code = await house.code(BOARD, unsolicited=True)
        asked = {
            "client_id": "board",
            "code": code,
            "redirect_uri": "https://board.example/cb",
            "grant_type": "authorization_code",
        }
        assert await refused(house.redeeming.redeem(asked, None)) == ("invalid_grant", "oidc.code_needs_secret")

    within(story)


# -- what stands behind a grant --------------------------------------------------------------------------------------


async def _disable_application(house: House) -> None:
    await house.configure(replace(CRM, enabled=False), BOARD, connection=ACME)


async def _disable_connection(house: House) -> None:
    await house.configure(CRM, BOARD, connection=replace(ACME, enabled=False))


async def _take_connection_away(house: House) -> None:
    await house.configure(CRM, BOARD, connection=replace(ACME, applications=(BOARD.client_id,)))


async def _block_person(house: House) -> None:
    await house.store.people.block(PERSON, blocked=True)


LOSSES = [
    (_disable_application, ("invalid_client", "oidc.client_unknown")),
    (_disable_connection, ("invalid_grant", "oidc.grant_connection")),
    (_take_connection_away, ("invalid_grant", "oidc.grant_connection")),
    (_block_person, ("invalid_grant", "oidc.grant_person")),
]


@pytest.mark.parametrize(("loss", "expected"), LOSSES)
def test_an_operators_no_stops_a_code_that_is_under_way(
    loss: Callable[[House], Awaitable[None]], expected: tuple[str, str]
) -> None:
    async def story(house: House) -> None:
        code = await house.code()
        await loss(house)
        assert await refused(house.redeem(code)) == expected

    within(story)


@pytest.mark.parametrize(("loss", "expected"), LOSSES)
def test_an_operators_no_stops_refreshing(loss: Callable[[House], Awaitable[None]], expected: tuple[str, str]) -> None:
    async def story(house: House) -> None:
        answer = await house.redeem(await house.code())
        await loss(house)
        assert await refused(house.refresh(answer["refresh_token"])) == expected

    within(story)


def test_an_operators_yes_lets_a_refused_refresh_token_work_again() -> None:
    """Being refused for a block is no use of the token."""

    async def story(house: House) -> None:
        answer = await house.redeem(await house.code())
        await _block_person(house)
        await refused(house.refresh(answer["refresh_token"]))
        await house.store.people.block(PERSON, blocked=False)
        assert "access_token" in await house.refresh(answer["refresh_token"])

    within(story)


# -- refresh tokens --------------------------------------------------------------------------------------------------


def test_a_refresh_gives_a_new_pair_and_an_id_token_of_the_first_sign_in() -> None:
    """Same `sub` and `auth_time`, new `iat`, and no nonce [OIDC Core 12.2]."""

    async def story(house: House) -> None:
        first = await house.redeem(await house.code())
        house.clock.advance(600)
        second = await house.refresh(first["refresh_token"])
        assert second["refresh_token"] != first["refresh_token"]
        assert second["access_token"] != first["access_token"]
        old, new = await house.claims(first["id_token"]), await house.claims(second["id_token"])
        assert (new["sub"], new["auth_time"]) == (old["sub"], old["auth_time"])
        assert new["iat"] == int(house.clock.now().timestamp())
        assert "nonce" not in new
        assert await house.kinds() == ["code.redeemed", "token.refreshed"]

    within(story)


def test_a_narrowed_access_token_leaves_the_refresh_token_whole() -> None:
    async def story(house: House) -> None:
        first = await house.redeem(await house.code())
        second = await house.refresh(first["refresh_token"], scope="profile")
        assert second["scope"] == "profile"
        assert "id_token" not in second
        third = await house.refresh(second["refresh_token"])
        assert third["scope"] == "openid profile offline_access"

    within(story)


def test_a_refresh_that_asks_for_more_is_refused_and_uses_nothing_up() -> None:
    async def story(house: House) -> None:
        first = await house.redeem(await house.code())
        assert await refused(house.refresh(first["refresh_token"], scope="openid email")) == (
            "invalid_scope",
            "oidc.scope_widened",
        )
        assert "access_token" in await house.refresh(first["refresh_token"])

    within(story)


def test_a_refresh_token_belongs_to_one_client() -> None:
    async def story(house: House) -> None:
        first = await house.redeem(await house.code())
        asked = {"grant_type": "refresh_token", "refresh_token": str(first["refresh_token"]), "client_id": "board"}
        assert await refused(house.redeeming.redeem(asked, None)) == ("invalid_grant", "oidc.refresh_client")
        assert "access_token" in await house.refresh(first["refresh_token"])

    within(story)


@pytest.mark.parametrize("token", ["", "never given"])
def test_a_refresh_token_that_is_none(token: str) -> None:
    async def story(house: House) -> None:
        error, _ = await refused(house.refresh(token))
        assert error == ("invalid_request" if token == "" else "invalid_grant")

    within(story)


def test_within_ten_seconds_a_second_use_is_refused_and_nothing_more() -> None:
    """Two tabs refresh at once, or an answer was lost: the family lives on."""

    async def story(house: House) -> None:
        first = await house.redeem(await house.code())
        second = await house.refresh(first["refresh_token"])
        house.clock.advance(timedelta(seconds=10, microseconds=-1))
        assert await refused(house.refresh(first["refresh_token"])) == ("invalid_grant", "oidc.refresh_used")
        assert "access_token" in await house.refresh(second["refresh_token"])

    within(story)


def test_from_ten_seconds_on_a_second_use_ends_the_family() -> None:
    async def story(house: House) -> None:
        first = await house.redeem(await house.code())
        second = await house.refresh(first["refresh_token"])
        house.clock.advance(10)
        assert await refused(house.refresh(first["refresh_token"])) == ("invalid_grant", "oidc.refresh_reused")
        assert await refused(house.refresh(second["refresh_token"])) == ("invalid_grant", "oidc.refresh_unknown")
        assert (await house.kinds())[-1] == "refresh.reused"

    within(story)


def test_of_fifty_refreshes_at_once_one_wins_and_the_family_lives() -> None:
    async def story(house: House) -> None:
        first = await house.redeem(await house.code())
        token = first["refresh_token"]
        results = await asyncio.gather(*(house.refresh(token) for _ in range(50)), return_exceptions=True)
        won = [result for result in results if isinstance(result, dict)]
        assert len(won) == 1
        assert {result.code for result in results if isinstance(result, OAuthRefused)} == {"oidc.refresh_used"}
        assert "access_token" in await house.refresh(won[0]["refresh_token"])

    within(story)


def test_an_idle_refresh_token_dies_after_fourteen_days() -> None:
    async def story(house: House) -> None:
        first, second = await house.redeem(await house.code()), await house.redeem(await house.code())
        house.clock.advance(timedelta(days=14, microseconds=-1))
        assert "access_token" in await house.refresh(first["refresh_token"])
        house.clock.advance(timedelta(microseconds=1))
        assert await refused(house.refresh(second["refresh_token"])) == ("invalid_grant", "oidc.refresh_expired")

    within(story)


def test_a_family_dies_after_ninety_days_however_busy_it_is() -> None:
    async def story(house: House) -> None:
        token = (await house.redeem(await house.code()))["refresh_token"]
        for _ in range(8):
            house.clock.advance(timedelta(days=11))
            token = (await house.refresh(token))["refresh_token"]
        house.clock.set(START + timedelta(days=90))
        assert await refused(house.refresh(token)) == ("invalid_grant", "oidc.refresh_expired")

    within(story)


def test_refresh_max_of_the_connection_bounds_the_family() -> None:
    async def story(house: House) -> None:
        await house.configure(CRM, BOARD, connection=replace(ACME, refresh_max=3600))
        token = (await house.redeem(await house.code()))["refresh_token"]
        house.clock.advance(timedelta(seconds=3599))
        token = (await house.refresh(token))["refresh_token"]
        house.clock.advance(1)
        assert await refused(house.refresh(token)) == ("invalid_grant", "oidc.refresh_expired")

    within(story)


def test_a_refresh_max_that_is_lowered_later_bounds_families_that_live() -> None:
    async def story(house: House) -> None:
        token = (await house.redeem(await house.code()))["refresh_token"]
        house.clock.advance(3600)
        await house.configure(CRM, BOARD, connection=replace(ACME, refresh_max=3600))
        assert await refused(house.refresh(token)) == ("invalid_grant", "oidc.refresh_expired")

    within(story)


def test_a_revoked_grant_refreshes_no_more() -> None:
    async def story(house: House) -> None:
        token = (await house.redeem(await house.code()))["refresh_token"]
        found = await house.store.tokens.refresh(Digest(digest(str(token))))
        assert found is not None
        await house.store.keep(GrantRevoked(id=found[1].id))
        assert await refused(house.refresh(token)) == ("invalid_grant", "oidc.refresh_unknown")

    within(story)


def test_an_unknown_client_learns_nothing() -> None:
    async def story(house: House) -> None:
        asked = {"grant_type": "authorization_code", "code": await house.code(), "client_id": ClientId("nobody")}
        assert await refused(house.redeeming.redeem(asked, None)) == ("invalid_client", "oidc.client_unknown")

    within(story)
