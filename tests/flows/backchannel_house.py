"""A small house for the back channel: one store, one clock, the flows over them, and codes as `/authorize` would give them."""

import base64
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from tests.doubles import START, CountingEntropy, FixedClock

from vestibule.downstream import oidc
from vestibule.downstream.lifetimes import Lifetimes
from vestibule.flows.browser import hold
from vestibule.flows.guard import Guarding, Limits
from vestibule.flows.logout import Leaving
from vestibule.flows.publish import Publishing
from vestibule.flows.revoke import Revoking
from vestibule.flows.token import Redeeming
from vestibule.flows.userinfo import Informing
from vestibule.ground.hashing import digest
from vestibule.jose import jwt
from vestibule.keys.keyring import Keyring
from vestibule.model.application import Application, ApplicationType, ClientAuth
from vestibule.model.connection import Connection, Domain, IdentityProvider
from vestibule.model.identity import Identity
from vestibule.model.ids import ArrivalId, ClientId, ConnectionId, Digest, IdentityKey, PersonId, Sid
from vestibule.model.installation import Installation
from vestibule.model.key import StoredKey
from vestibule.model.session import Session
from vestibule.oidc.authorize import AuthorizationRequest
from vestibule.oidc.pkce import challenge_of
from vestibule.store.memory import MemoryStore

ISSUER = "https://broker.example/"
SECRET = "crm-secret"
VERIFIER = "v" * 43
CALLBACK = "https://crm.example/cb"
CRM = Application(
    client_id=ClientId("crm"),
    name="CRM",
    type=ApplicationType.WEB,
    secret_digests=(Digest(digest(SECRET)),),
    redirect_uris=(CALLBACK,),
    post_logout_redirect_uris=("https://crm.example/",),
)
BOARD = Application(
    client_id=ClientId("board"),
    name="Board",
    type=ApplicationType.SPA,
    token_endpoint_auth_method=ClientAuth.NONE,
    redirect_uris=("https://board.example/cb",),
    web_origins=("https://www.board.example",),
)
ACME = Connection(
    id=ConnectionId("con_acme"),
    name="acme",
    display_name="Acme Corp",
    idp=IdentityProvider(entity_id="https://idp.acme.example/", certificates=()),
    applications=(CRM.client_id, BOARD.client_id),
    domains=(Domain(name="acme.example", verified=True),),
)
ADA = Identity(
    connection=ACME.id,
    connection_name=ACME.name,
    key=IdentityKey("key-ada"),
    display="ada",
    claims={"name": "Ada"},
    email="ada@acme.example",
    email_verified=True,
    authenticated_at=START,
    acr=None,
    amr=(),
    ends_at=None,
)
PERSON = PersonId("p-ada")
SID = Sid("sid-ada")
COOKIE = "cookie-of-ada"
BASIC = "Basic " + base64.b64encode(f"crm:{SECRET}".encode()).decode()
_MASTER = b"m" * 32


_KEYS: list[StoredKey] = []


async def _keys() -> list[StoredKey]:
    """Signing keys, made once for all tests: RSA keys take long."""
    if not _KEYS:
        store = MemoryStore()
        keyring = Keyring(store=store, clock=FixedClock(), entropy=CountingEntropy("keys"), master_key=_MASTER)
        await keyring.prepare()
        _KEYS.extend(await store.keys.all())
    return _KEYS


@dataclass
class House:
    """Everything that the back channel and its doors need. Ada is known, and signed in with a session."""

    store: MemoryStore = field(default_factory=MemoryStore)
    clock: FixedClock = field(default_factory=FixedClock)
    entropy: CountingEntropy = field(default_factory=CountingEntropy)
    issuer: str = ISSUER

    def __post_init__(self) -> None:
        self.keyring = Keyring(store=self.store, clock=self.clock, entropy=self.entropy, master_key=_MASTER)
        parts: dict[str, Any] = {"store": self.store, "clock": self.clock, "entropy": self.entropy}
        self.redeeming = Redeeming(**parts, keyring=self.keyring, issuer=ISSUER, lifetimes=Lifetimes())
        self.informing = Informing(store=self.store, clock=self.clock)
        self.revoking = Revoking(**parts)
        self.leaving = Leaving(**parts, keyring=self.keyring, issuer=ISSUER)
        self.settings = SimpleNamespace(login_ttl=3600)
        self.publishing = Publishing(keyring=self.keyring, issuer=ISSUER)
        self.guarding = Guarding(Limits(refusals=0, connection_refusals=0, requests=0), **parts)

    async def open(self) -> None:
        await self.store.keep(*await _keys())
        await self.configure(CRM, BOARD, connection=ACME)
        await self.store.people.settle(ADA, new=PERSON, provision=True, link=False, now=START)
        await self.store.keep(self.session())

    async def configure(self, *applications: Application, connection: Connection) -> None:
        await self.store.configured.apply(
            installation=Installation(), applications=applications, connections=[connection]
        )

    def session(self, **changes: Any) -> Session:
        session = Session(
            sid=SID,
            cookie=hold(COOKIE),
            person=PERSON,
            connection=ACME.id,
            identity=ADA,
            created_at=START,
            expires_at=START.replace(hour=23),
            idle_at=START.replace(hour=17),
        )
        return replace(session, **changes)

    async def code(
        self,
        application: Application = CRM,
        *,
        arrival: str | None = None,
        pkce: bool = False,
        sid: Sid | None = SID,
        **changes: Any,
    ) -> str:
        """A code, kept as the authorization endpoint keeps it."""
        request = AuthorizationRequest(
            client_id=application.client_id,
            redirect_uri=application.redirect_uris[0],
            response_type="code",
            response_mode="query",
            scope=("openid", "profile", "offline_access"),
            nonce="n",
            code_challenge=challenge_of(VERIFIER) if pkce else None,
        )
        fresh = oidc.Fresh.draw(self.entropy)
        person = await self.store.people.find(PERSON)
        assert person is not None
        answer = oidc.answer(
            replace(request, **changes),
            application=application,
            identity=ADA,
            person=person,
            sid=sid,
            arrival=None if arrival is None else ArrivalId(arrival),
            now=self.clock.now(),
            lifetimes=Lifetimes(),
            fresh=fresh,
            signer=await self.keyring.token_signer("RS256"),
            issuer=ISSUER,
        )
        await self.store.keep(*answer.keep)
        return fresh.code

    async def redeem(self, code: str, **changes: str) -> dict[str, str | int]:
        """CRM redeems a code of its own."""
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **changes}
        return await self.redeeming.redeem(asked, BASIC)

    async def refresh(self, token: object, **changes: str) -> dict[str, str | int]:
        asked = {"grant_type": "refresh_token", "refresh_token": str(token), **changes}
        return await self.redeeming.redeem(asked, BASIC)

    async def claims(self, token: object) -> dict[str, object]:
        return jwt.read(str(token), await self.keyring.published())

    async def kinds(self) -> list[str]:
        """What has been audited, oldest first."""
        return [event.kind for event in reversed(await self.store.events.latest())]
