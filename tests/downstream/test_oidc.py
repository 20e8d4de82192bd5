"""The OpenID Connect translator: a request and an identity become an answer, and what must be kept before it leaves."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.doubles import START, CountingEntropy

from vestibule.downstream import oidc
from vestibule.downstream.lifetimes import Lifetimes
from vestibule.ground.hashing import digest
from vestibule.jose import jwt, keys
from vestibule.model.answer import Answer, FormPost, Redirect
from vestibule.model.application import Application, ApplicationType, ClientAuth
from vestibule.model.grant import AccessToken, Code, Grant
from vestibule.model.identity import Identity, Person
from vestibule.model.ids import ArrivalId, ClientId, ConnectionId, Digest, IdentityKey, PersonId, Sid
from vestibule.oidc.authorize import AuthorizationRefused, AuthorizationRequest

ISSUER = "https://broker.example/"
PEM = keys.generate("ES256")
SIGNER = keys.signing_key("k1", "ES256", PEM)
SET = [keys.public_jwk("k1", "ES256", keys.public_pem(PEM))]
CRM = Application(
    client_id=ClientId("crm"), name="CRM", type=ApplicationType.WEB, redirect_uris=("https://crm.example/cb",)
)
BOARD = replace(
    CRM,
    client_id=ClientId("board"),
    type=ApplicationType.SPA,
    token_endpoint_auth_method=ClientAuth.NONE,
    allow_unsolicited_tokens=True,
)
ADA = Identity(
    connection=ConnectionId("con_acme"),
    connection_name="acme",
    key=IdentityKey("k"),
    display="ada",
    claims={"name": "Ada", "groups": ("staff",), "sub": "forged"},
    email="ada@acme.example",
    email_verified=True,
    authenticated_at=START - timedelta(minutes=3),
    acr="urn:mfa",
    amr=("mfa",),
    ends_at=None,
)
PERSON = Person(id=PersonId("p1"), created_at=START)
REQUEST = AuthorizationRequest(
    client_id="crm",
    redirect_uri="https://crm.example/cb",
    response_type="code",
    response_mode="query",
    scope=("openid", "profile", "offline_access"),
    state="s",
    nonce="n",
    code_challenge="c" * 43,
)
FRESH = oidc.Fresh.draw(CountingEntropy())


def answered(request: AuthorizationRequest = REQUEST, application: Application = CRM, **changes: Any) -> Answer:
    given: dict[str, Any] = {
        "application": application,
        "identity": ADA,
        "person": PERSON,
        "sid": Sid("sid1"),
        "arrival": ArrivalId("a1"),
        "now": START,
        "lifetimes": Lifetimes(),
        "fresh": FRESH,
        "signer": SIGNER,
        "issuer": ISSUER,
        **changes,
    }
    return oidc.answer(request, **given)


def sent(answer: Answer) -> Mapping[str, str]:
    assert isinstance(answer.send, Redirect)
    parts = urlsplit(answer.send.url)
    return dict(parse_qsl(parts.fragment or parts.query))


def test_a_code_is_kept_as_a_digest_with_everything_it_stands_for() -> None:
    answer = answered()
    assert sent(answer) == {"code": FRESH.code, "state": "s", "iss": ISSUER}
    grant = Grant(
        id=FRESH.grant,
        application=ClientId("crm"),
        person=PersonId("p1"),
        connection=ConnectionId("con_acme"),
        identity=ADA,
        scope="openid profile offline_access",
        sid=Sid("sid1"),
        nonce="n",
        created_at=START,
        refresh_until=START + timedelta(days=90),
        expires_at=START + timedelta(days=90, hours=1, seconds=60),
    )
    assert answer.keep == (
        Code(
            digest=Digest(digest(FRESH.code)),
            grant=grant,
            redirect_uri="https://crm.example/cb",
            code_challenge="c" * 43,
            unsolicited=False,
            arrival=ArrivalId("a1"),
            expires_at=START + timedelta(seconds=60),
        ),
    )


def test_without_offline_access_a_grant_has_no_refresh_family() -> None:
    (code,) = answered(replace(REQUEST, scope=("openid",))).keep
    assert isinstance(code, Code)
    assert code.grant.refresh_until == START
    assert code.grant.expires_at == START + timedelta(hours=1, seconds=60)


TOKENS = replace(
    REQUEST,
    client_id="board",
    response_type="id_token token",
    response_mode="fragment",
    state=None,
    nonce=None,
    unsolicited=True,
)


def test_tokens_in_the_fragment_fit_each_other_and_are_kept() -> None:
    answer = answered(TOKENS, BOARD, sid=None)
    parameters = sent(answer)
    assert parameters.keys() == {"access_token", "token_type", "expires_in", "scope", "id_token", "iss"}
    assert (parameters["expires_in"], parameters["scope"]) == ("3600", "openid profile")
    claims = jwt.read(parameters["id_token"], SET)
    assert claims["aud"] == "board"
    assert claims["at_hash"]
    assert not {"nonce", "sid"} & claims.keys()
    grant, access = answer.keep
    assert isinstance(grant, Grant)
    assert access == AccessToken(
        digest=Digest(digest(FRESH.access_token)),
        grant=grant.id,
        scope="openid profile",
        expires_at=START + timedelta(hours=1),
    )


def test_an_id_token_alone_keeps_nothing_and_has_no_at_hash() -> None:
    answer = answered(replace(TOKENS, response_type="id_token"), BOARD)
    parameters = sent(answer)
    assert parameters.keys() == {"id_token", "iss"}
    assert "at_hash" not in jwt.read(parameters["id_token"], SET)
    assert answer.keep == ()


def test_a_token_alone_comes_without_an_id_token() -> None:
    assert "id_token" not in sent(answered(replace(TOKENS, response_type="token"), BOARD))


def test_the_id_token_says_who_how_when_and_through_which_connection() -> None:
    claims = jwt.read(sent(answered(replace(TOKENS, nonce="n"), BOARD))["id_token"], SET)
    del claims["at_hash"]
    now = int(START.timestamp())
    assert claims == {
        "iss": ISSUER,
        "sub": "p1",
        "aud": "board",
        "iat": now,
        "exp": now + 3600,
        "auth_time": now - 180,
        "nonce": "n",
        "sid": "sid1",
        "acr": "urn:mfa",
        "amr": ["mfa"],
        "name": "Ada",
        "connection": "acme",
        "connection_id": "con_acme",
    }


def test_form_post_is_posted() -> None:
    answer = answered(replace(REQUEST, response_mode="form_post"))
    fields = {"code": FRESH.code, "state": "s", "iss": ISSUER}
    assert answer.send == FormPost(url="https://crm.example/cb", fields=fields)


@pytest.mark.parametrize(
    ("change", "prompt", "granted"),
    [
        ({}, (), True),
        ({"grant_types": ("authorization_code",)}, (), False),
        ({"first_party": False}, (), False),
        ({"first_party": False}, ("consent",), False),
    ],
)
def test_who_may_stay_offline(change: dict[str, Any], prompt: tuple[str, ...], granted: bool) -> None:
    """First-party applications need no prompt=consent; others would need a person's consent, which nothing asks for."""
    scope = oidc.granted_scope(replace(REQUEST, prompt=frozenset(prompt)), replace(CRM, **change))
    assert ("offline_access" in scope.split()) is granted


def test_tokens_by_the_browser_never_come_with_offline_access() -> None:
    assert oidc.granted_scope(TOKENS, BOARD) == "openid profile"


@pytest.mark.parametrize(
    ("application", "public", "native", "pkce"),
    [
        (CRM, False, False, False),
        (replace(CRM, require_pkce=True), False, False, True),
        (replace(CRM, token_endpoint_auth_method=ClientAuth.NONE), True, False, False),
        (BOARD, True, False, True),
        (replace(BOARD, token_endpoint_auth_method=ClientAuth.POST), False, False, True),
        (replace(BOARD, type=ApplicationType.NATIVE), True, True, True),
    ],
)
def test_an_application_in_oauths_words(application: Application, public: bool, native: bool, pkce: bool) -> None:
    rules = oidc.rules(application)
    assert (rules.public, rules.native, rules.require_pkce) == (public, native, pkce)
    assert rules.client_id == application.client_id
    assert rules.redirect_uris == application.redirect_uris
    assert rules.unsolicited_tokens is application.allow_unsolicited_tokens


def test_a_configured_client_id_cannot_change_whose_request_it_is() -> None:
    assert oidc.errand_parameters(CRM, {"scope": "openid", "client_id": "other"}) == {
        "scope": "openid",
        "client_id": "crm",
    }


def test_a_refusal_without_a_trusted_way_back_rises_on() -> None:
    refused = AuthorizationRefused("invalid_request", "No.")
    with pytest.raises(AuthorizationRefused) as caught:
        oidc.refuse(refused, ISSUER)
    assert caught.value is refused


def test_a_refusal_goes_back_as_it_was_asked() -> None:
    way = {"redirect_uri": "https://crm.example/cb", "state": "s"}
    posted = AuthorizationRefused("login_required", "No.", response_mode="form_post", **way)
    send = oidc.refuse(posted, ISSUER)
    assert isinstance(send, FormPost)
    assert send.fields["error"] == "login_required"
