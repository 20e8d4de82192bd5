"""Who is calling the back channel, and whether a grant still stands: what is gone or blocked answers nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.doubles import START, CountingEntropy
from tests.flows.backchannel_house import ACME, ADA, BASIC, CRM, PERSON, House

from vestibule.downstream.lifetimes import Lifetimes
from vestibule.downstream.oidc import Fresh, grant_of
from vestibule.flows import backchannel
from vestibule.ground.errors import OAuthRefused
from vestibule.model.grant import Grant
from vestibule.model.identity import Person
from vestibule.oidc.authorize import AuthorizationRequest


def grant(person: Person) -> Grant:
    request = AuthorizationRequest(
        client_id="crm", redirect_uri="https://crm.example/cb", response_type="code", response_mode="query", scope=()
    )
    fresh = Fresh.draw(CountingEntropy())
    return grant_of(request, CRM, ADA, person, None, "", fresh=fresh, now=START, lifetimes=Lifetimes())


class _Always:
    """A noun of the store that answers every question alike."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    async def find(self, *_: object, **__: object) -> Any:
        return self._answer

    connection = find


async def standing(house: House, application: Any = CRM) -> backchannel.Standing:
    return await backchannel.standing(
        house.store, grant(Person(id=PERSON, created_at=START)), application, error="invalid_token"
    )


def test_a_grant_stands_on_its_connection_and_person() -> None:
    async def run() -> None:
        house = House()
        await house.open()
        found = await standing(house)
        assert (found.connection, found.person.id) == (ACME, PERSON)

    asyncio.run(run())


def _lose_person(house: House) -> None:
    house.store.people = _Always(None)  # type: ignore[assignment]


def _block_person(house: House) -> None:
    house.store.people = _Always(Person(id=PERSON, created_at=START, blocked=True))  # type: ignore[assignment]


def _block_identity(house: House) -> None:
    house.store.people = _Always(Person(id=PERSON, created_at=START, identity_blocked=True))  # type: ignore[assignment]


def _lose_connection(house: House) -> None:
    house.store.configured = _Always(None)  # type: ignore[assignment]


def _disable_connection(house: House) -> None:
    house.store.configured = _Always(replace(ACME, enabled=False))  # type: ignore[assignment]


def _other_applications(house: House) -> None:
    house.store.configured = _Always(replace(ACME, applications=()))  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("loss", "code"),
    [
        (_lose_person, "oidc.grant_person"),
        (_block_person, "oidc.grant_person"),
        (_block_identity, "oidc.grant_person"),
        (_lose_connection, "oidc.grant_connection"),
        (_disable_connection, "oidc.grant_connection"),
        (_other_applications, "oidc.grant_connection"),
    ],
)
def test_a_grant_falls_with_whatever_it_stood_on(loss: Callable[[House], None], code: str) -> None:
    async def run() -> None:
        house = House()
        await house.open()
        loss(house)
        await standing(house)

    with pytest.raises(OAuthRefused) as refused:
        asyncio.run(run())
    assert (refused.value.error, refused.value.code) == ("invalid_token", code)


@pytest.mark.parametrize("application", [None, replace(CRM, enabled=False)])
def test_a_grant_falls_with_its_application(application: Any) -> None:
    async def run() -> None:
        house = House()
        await house.open()
        await standing(house, application)

    with pytest.raises(OAuthRefused) as refused:
        asyncio.run(run())
    assert refused.value.code == "oidc.grant_application"


def test_the_caller_is_the_application_that_proved_itself() -> None:
    async def run() -> None:
        house = House()
        await house.open()
        assert await backchannel.calling(house.store, {}, BASIC) == CRM

    asyncio.run(run())
