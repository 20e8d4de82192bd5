"""Answering an application: the person behind an identity is settled, and the response of its protocol made."""

from dataclasses import dataclass
from datetime import timedelta

from vestibule.downstream import oidc as downstream
from vestibule.downstream.lifetimes import Lifetimes
from vestibule.downstream.port import Fresh
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.jose import jwt
from vestibule.keys.keyring import Keyring
from vestibule.model.answer import Answer
from vestibule.model.application import Application, ApplicationType
from vestibule.model.connection import Connection
from vestibule.model.errand import Errand
from vestibule.model.identity import Identity, Person
from vestibule.model.ids import ArrivalId, PersonId, Sid
from vestibule.oidc import id_token
from vestibule.oidc.answer import refusal
from vestibule.oidc.authorize import AuthorizationRequest, validate
from vestibule.policy.linking import may_link
from vestibule.store.port import Store, StoreUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    store: Store
    keyring: Keyring
    clock: Clock
    entropy: Entropy
    issuer: str
    lifetimes: Lifetimes

    async def settle(self, identity: Identity, connection: Connection) -> Person:
        """The person behind this identity, made at the first sign-in where the connection provisions.

        Raises `Refused("person.not_provisioned")` and `Refused("person.blocked")`.
        """
        person = await self.store.people.settle(
            identity,
            new=PersonId(self.entropy.token(16)),
            provision=connection.provision,
            link=may_link(identity, connection),
            now=self.clock.now(),
        )
        if person is None:
            raise Refused(
                "person.not_provisioned",
                "This identity is not known here and the connection does not provision; "
                "create the person first, or set `provision: true`.",
            )
        if person.blocked or person.identity_blocked:
            raise Refused("person.blocked", "An operator blocked this person or identity; unblock them to let them in.")
        return person

    async def application(self, client_id: str, connection: Connection | None = None) -> Application:
        """The application, enabled now and (where one is named) for this connection, itself enabled now."""
        application = await self.store.configured.application(client_id)
        if application is None or application.type in (ApplicationType.MACHINE, ApplicationType.SAML):
            raise Refused(
                "application.unknown", "No application that people sign in to has this client id.", got=client_id[:80]
            )
        if not application.enabled:
            raise Refused("application.disabled", "The application is disabled; enable it to let people in.")
        if connection is not None:
            if not connection.enabled:
                raise Refused("connection.disabled", "The connection is disabled; enable it to let its people in.")
            if application.client_id not in connection.applications:
                raise Refused(
                    "connection.not_enabled_for_application",
                    "The connection is not enabled for this application; add it to the connection's `applications`.",
                )
        return application

    def request(self, errand: Errand, application: Application) -> AuthorizationRequest:
        """The authorization request that an errand holds, judged anew with what is configured now."""
        return validate(errand.parameters, downstream.rules(application), unsolicited=errand.unsolicited)

    async def answer(
        self,
        request: AuthorizationRequest,
        *,
        application: Application,
        connection: Connection,
        identity: Identity,
        person: Person,
        sid: Sid | None,
        arrival: ArrivalId | None = None,
    ) -> Answer:
        """The authorization response, and the records that must be kept before it leaves.

        Raises `login_required` where the authentication is older than `max_age` allows [OIDC Core 3.1.2.1].
        """
        now = self.clock.now()
        if await self.hints_at_another(request, person):
            raise refusal(
                request, "login_required", "Another person than the one that id_token_hint names has signed in."
            )
        if self.is_stale(request, identity, connection):
            raise refusal(
                request, "login_required", "The identity provider's authentication is older than max_age allows."
            )
        return downstream.answer(
            request,
            application=application,
            identity=identity,
            person=person,
            sid=sid,
            arrival=arrival,
            now=now,
            lifetimes=self.lifetimes,
            fresh=Fresh.draw(self.entropy),
            signer=await self.keyring.token_signer(application.id_token_signed_response_alg),
            issuer=self.issuer,
        )

    async def hints_at_another(self, request: AuthorizationRequest, person: Person) -> bool:
        """Whether `id_token_hint` names somebody else, or is no ID token of ours: then nobody is answered [OIDC Core 3.1.2.1]."""
        if request.id_token_hint is None:
            return False
        try:
            said = jwt.read(request.id_token_hint, await self.keyring.published())
            _, subject, _ = id_token.hint(said, issuer=self.issuer)
        except StoreUnavailable:
            raise
        except Refused:
            return True
        return subject != person.id

    def is_stale(self, request: AuthorizationRequest, identity: Identity, connection: Connection) -> bool:
        """Whether AuthnInstant is further back than `max_age`, give or take the skew allowed to this connection."""
        if request.max_age is None:
            return False
        oldest = self.clock.now() - timedelta(seconds=request.max_age + connection.clock_skew)
        return identity.authenticated_at < oldest
