"""Builders of records for the store's tests: each valid, each told apart by a word; a test names what it changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from vestibule.ground.errors import Finding
from vestibule.model.application import Application, ApplicationType
from vestibule.model.arrival import Arrival, ArrivalState
from vestibule.model.connection import (
    Connection,
    Delivery,
    Domain,
    IdentityProvider,
    IdpInitiated,
    Route,
    Unsolicited,
)
from vestibule.model.errand import Errand, ErrandKind
from vestibule.model.event import Event
from vestibule.model.grant import AccessToken, Code, Grant, RefreshToken
from vestibule.model.identity import Identity
from vestibule.model.ids import (
    ArrivalId,
    ClientId,
    ConnectionId,
    Digest,
    GrantId,
    IdentityKey,
    PersonId,
    Reference,
    Sid,
)
from vestibule.model.key import KeyPurpose, StoredKey
from vestibule.model.outcome import Outcome
from vestibule.model.pending import PendingLogin
from vestibule.model.rehearsal import Rehearsal
from vestibule.model.session import Session
from vestibule.store.port import AssertionClaim

T0 = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

ACME = ConnectionId("con_acme")
OTHER = ConnectionId("con_other")
CRM = ClientId("crm")


def identity(word: str = "ann", **changes: Any) -> Identity:
    values: dict[str, Any] = {
        "connection": ACME,
        "connection_name": "acme",
        "key": IdentityKey(f"key-{word}"),
        "display": f"{word}@acme.example",
        "claims": {"name": f'{word} "Ü" 李', "groups": ("a", "b"), "staff": True},
        "email": f"{word}@acme.example",
        "email_verified": True,
        "authenticated_at": T0,
        "acr": None,
        "amr": ("pwd",),
        "ends_at": T0 + HOUR,
        "session_index": "_s1",
    }
    return Identity(**values | changes)


def errand(word: str = "a") -> Errand:
    return Errand(kind=ErrandKind.OIDC, application=CRM, parameters={"client_id": "crm", "state": word})


def pending(word: str = "a", **changes: Any) -> PendingLogin:
    values: dict[str, Any] = {
        "id": f"_request-{word}",
        "connection": ACME,
        "expected_issuer": "https://idp.acme.example/saml",
        "acs_url": "https://login.example/login/callback?connection=acme",
        "cookie": Digest(f"login-{word}"),
        "created_at": T0,
        "expires_at": T0 + HOUR,
        "errand": errand(word),
        "bell": ArrivalId(f"bell-{word}"),
        "bell_subject": "hash",
        "counted": True,
    }
    return PendingLogin(**values | changes)


def claim(word: str = "a", **changes: Any) -> AssertionClaim:
    values: dict[str, Any] = {
        "connection": ACME,
        "issuer": "https://idp.acme.example/saml",
        "assertion_id": f"_assertion-{word}",
        "remember_until": T0 + HOUR,
    }
    return AssertionClaim(**values | changes)


def arrival(word: str = "a", **changes: Any) -> Arrival:
    values: dict[str, Any] = {
        "id": ArrivalId(f"arrival-{word}"),
        "cookie": Digest(f"arrived-{word}"),
        "connection": ACME,
        "application": CRM,
        "state": ArrivalState.WAITING,
        "trust": Unsolicited.CONFIRM,
        "delivery": Delivery.CLIENT,
        "created_at": T0,
        "expires_at": T0 + 2 * MINUTE,
        "identity": identity(word),
        "reference": Reference("R-1"),
    }
    return Arrival(**values | changes)


def outcome(word: str = "a", **changes: Any) -> Outcome:
    values: dict[str, Any] = {
        "id": f"outcome-{word}",
        "cookie": Digest(f"login-{word}"),
        "connection": ACME,
        "identity": identity(word),
        "errand": errand(word),
        "created_at": T0,
        "expires_at": T0 + 2 * MINUTE,
    }
    return Outcome(**values | changes)


def session(word: str = "a", **changes: Any) -> Session:
    values: dict[str, Any] = {
        "sid": Sid(f"sid-{word}"),
        "cookie": Digest(f"session-{word}"),
        "person": PersonId("p-1"),
        "connection": ACME,
        "identity": identity(),
        "created_at": T0,
        "expires_at": T0 + DAY,
        "idle_at": T0 + 8 * HOUR,
    }
    return Session(**values | changes)


def grant(word: str = "a", **changes: Any) -> Grant:
    values: dict[str, Any] = {
        "id": GrantId(f"grant-{word}"),
        "application": CRM,
        "person": PersonId("p-1"),
        "connection": ACME,
        "identity": identity(),
        "scope": "openid profile",
        "sid": Sid("sid-a"),
        "nonce": "n",
        "created_at": T0,
        "refresh_until": T0 + 90 * DAY,
        "expires_at": T0 + 91 * DAY,
    }
    return Grant(**values | changes)


def code(word: str = "a", **changes: Any) -> Code:
    values: dict[str, Any] = {
        "digest": Digest(f"code-{word}"),
        "grant": grant(word),
        "redirect_uri": "https://crm.example/callback",
        "code_challenge": "c",
        "unsolicited": False,
        "arrival": None,
        "expires_at": T0 + MINUTE,
    }
    return Code(**values | changes)


def access_token(word: str = "a", **changes: Any) -> AccessToken:
    values: dict[str, Any] = {
        "digest": Digest(f"access-{word}"),
        "grant": GrantId(f"grant-{word}"),
        "scope": "openid",
        "expires_at": T0 + HOUR,
    }
    return AccessToken(**values | changes)


def refresh_token(word: str = "a", **changes: Any) -> RefreshToken:
    values: dict[str, Any] = {
        "digest": Digest(f"refresh-{word}"),
        "grant": GrantId(f"grant-{word}"),
        "created_at": T0,
        "expires_at": T0 + 14 * DAY,
    }
    return RefreshToken(**values | changes)


def event(word: str = "a", **changes: Any) -> Event:
    values: dict[str, Any] = {
        "id": f"event-{word}",
        "at": T0,
        "kind": "login.succeeded",
        "reference": Reference("R-1"),
        "connection": ACME,
        "detail": {"mode": "restart"},
        "trace": (Finding(rule="saml.audience", verdict="pass", why="it is ours", want="a", got="a"),),
    }
    return Event(**values | changes)


def key(word: str = "a", **changes: Any) -> StoredKey:
    values: dict[str, Any] = {
        "kid": f"kid-{word}",
        "purpose": KeyPurpose.TOKEN_RS256,
        "sealed": b"\x00\xffsealed",
        "public_pem": "PEM",
        "certificate_pem": None,
        "created_at": T0,
        "signs_from": T0,
    }
    return StoredKey(**values | changes)


def rehearsal(word: str = "a", **changes: Any) -> Rehearsal:
    values: dict[str, Any] = {
        "id": f"rehearsal-{word}",
        "connection": ACME,
        "idp_initiated": True,
        "created_at": T0,
        "expires_at": T0 + HOUR,
        "claims": {"email": "x"},
        "trace": (Finding(rule="saml.status", verdict="pass"),),
    }
    return Rehearsal(**values | changes)


def application(word: str = "crm", **changes: Any) -> Application:
    values: dict[str, Any] = {
        "client_id": ClientId(word),
        "name": word.upper(),
        "type": ApplicationType.WEB,
        "redirect_uris": ("https://crm.example/callback",),
    }
    return Application(**values | changes)


def connection(word: str = "acme", **changes: Any) -> Connection:
    values: dict[str, Any] = {
        "id": ConnectionId(f"con_{word}"),
        "name": word,
        "display_name": word.title(),
        "idp": IdentityProvider(entity_id=f"https://idp.{word}.example/saml", certificates=("PEM",)),
        "applications": (CRM,),
        "attribute_mapping": {"email": ("mail", "email")},
        "idp_initiated": IdpInitiated(routes={"wiki": Route(application=ClientId("wiki"), parameters={"a": "b"})}),
        "debug_until": T0,
    }
    return Connection(**values | changes)


def listing(name: str, *, verified: bool = False) -> tuple[Domain, ...]:
    return (Domain(name=name, verified=verified),)
