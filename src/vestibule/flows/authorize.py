"""An application asks for somebody [OIDC Core 3.1.2]: answered from an arrival, from a session, or by going upstream."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from vestibule.downstream import oidc as downstream
from vestibule.flows.answering import Answering
from vestibule.flows.browser import Browser, Realm, Reply
from vestibule.flows.landing import Landing, Place
from vestibule.flows.record import Record, keep_refusal, new_reference
from vestibule.flows.session import Sessions
from vestibule.flows.start import Starting, Upstream
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import OAuthRefused, Refused
from vestibule.model.answer import Redirect
from vestibule.model.application import Application
from vestibule.model.arrival import Arrival, ArrivalState
from vestibule.model.connection import Connection
from vestibule.model.errand import Errand, ErrandKind
from vestibule.model.session import Session
from vestibule.oidc.answer import refusal
from vestibule.oidc.authorize import AuthorizationRequest, validate
from vestibule.policy import home_realm
from vestibule.policy.domains import domain_of
from vestibule.policy.mapping import as_of_now
from vestibule.policy.session import idle_end, session_answers
from vestibule.store.port import Store, StoreUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizing:
    store: Store
    clock: Clock
    entropy: Entropy
    starting: Starting
    answering: Answering
    landing: Landing
    sessions: Sessions

    async def authorize(self, parameters: Mapping[str, str], browser: Browser) -> Reply:
        """The answer to an authorization request: a response, a question, or a redirect upstream.

        Raises `Refused` for the person's page where the redirect URI is not trusted, else `AuthorizationRefused`.
        """
        record = Record(entropy=self.entropy, now=self.clock.now(), reference=new_reference(self.entropy))
        trusted: AuthorizationRequest | None = None
        try:
            application = await self.answering.application(_client_id(parameters))
            record.application = application.client_id
            trusted = validate(parameters, downstream.rules(application))
            return await self._authorize(parameters, trusted, application, browser, record)
        except Refused as refused:
            # login_required is the everyday answer to prompt=none: not worth an event.
            if not isinstance(refused, OAuthRefused) or refused.error != "login_required":
                await keep_refusal(self.store, record, refused)
            if trusted is None or isinstance(refused, OAuthRefused):
                raise
            raise _to_application(refused, trusted) from refused

    async def _authorize(
        self,
        parameters: Mapping[str, str],
        request: AuthorizationRequest,
        application: Application,
        browser: Browser,
        record: Record,
    ) -> Reply:
        connection = await self._connection(request, application)
        if connection is not None:
            record.connection = connection.id
        silent = "none" in request.prompt
        if connection is not None and not silent and "select_account" not in request.prompt:
            arrival = await self._arrival(connection, application, browser)
            if arrival is not None:
                place = Place(connection=connection, application=application)
                return await self._from_arrival(arrival, request, parameters, place, browser, record)
        if not request.prompt & {"login", "select_account"}:
            reply = await self._from_session(request, application, connection, browser, record)
            if reply is not None:
                return reply
        if silent:
            raise refusal(request, "login_required", "No session of this browser can answer without asking the person.")
        if connection is None:
            return await self._ask_realm(parameters, request, application)
        return await self._upstream(parameters, request, application, connection, browser, record)

    # -- which connection --------------------------------------------------------------------------------------------

    async def _connection(self, request: AuthorizationRequest, application: Application) -> Connection | None:
        """The connection that the request names or that alone can be meant; None = the person must be asked."""
        if request.connection is not None:
            named = await self.store.configured.connection(request.connection)
            among: tuple[Connection, ...] = () if named is None else (named,)
        else:
            among = await self.store.configured.connections()
        chosen = home_realm.choose(application, among, request.connection, request.login_hint)
        return chosen if isinstance(chosen, Connection) else None

    async def _ask_realm(
        self, parameters: Mapping[str, str], request: AuthorizationRequest, application: Application
    ) -> Reply:
        """An unknown domain is answered like a known one without a connection: the page again, and no more."""
        kept = {name: value for name, value in parameters.items() if name != "login_hint"}
        email = request.login_hint if _is_email(request.login_hint) else None
        return Reply(
            send=Realm(
                application=application.name, parameters=kept, email=email or "", problem="unknown" if email else None
            )
        )

    async def realm(self, parameters: Mapping[str, str], email: str) -> Reply:
        """The answer on the page: back to the authorization endpoint with it, or the page again if it is no address."""
        if _is_email(email):
            back = urlencode({**parameters, "login_hint": email})
            return Reply(send=Redirect(url=f"{self.starting.issuer}authorize?{back}"))
        application = await self.answering.application(_client_id(parameters))
        return Reply(
            send=Realm(application=application.name, parameters=parameters, email=email[:320], problem="malformed")
        )

    # -- from an arrival ---------------------------------------------------------------------------------------------

    async def _arrival(self, connection: Connection, application: Application, browser: Browser) -> Arrival | None:
        """The newest arrival of this browser for this connection and application that today's policy believes."""
        place = Place(connection=connection, application=application)
        for arrival in await self.store.arrivals.held(browser.arrivals):
            fits = arrival.connection == connection.id and arrival.application == application.client_id
            if fits and self.landing.believes(arrival, connection) and await self._still_leads_here(arrival, place):
                return arrival
        return None

    async def _still_leads_here(self, arrival: Arrival, place: Place) -> bool:
        """Whether the connection's routes and settings still lead this arrival to this application."""
        try:
            await self.landing.destination(arrival, place)
        except StoreUnavailable:
            raise
        except Refused:
            return False
        return True

    async def _from_arrival(
        self,
        arrival: Arrival,
        request: AuthorizationRequest,
        parameters: Mapping[str, str],
        place: Place,
        browser: Browser,
        record: Record,
    ) -> Reply:
        identity = arrival.identity
        if arrival.state is ArrivalState.BELL or identity is None:
            # A bell says only whom to ask. The fresh answer satisfies prompt=login; max_age needs a fresh authentication.
            return await self._upstream(
                parameters, request, place.application, place.connection, browser, record, bell=arrival
            )
        if arrival.state is ArrivalState.WAITING or await self.landing.switches(identity, browser):
            return Reply(send=await self.landing.ask(arrival, place, browser, resume=urlencode(parameters)))
        if self.answering.is_stale(request, identity, place.connection):
            return await self._upstream(
                parameters, request, place.application, place.connection, browser, record, force=True
            )
        record.reference = arrival.reference or record.reference
        return await self.landing.answer_arrival(arrival, identity, request, place, browser, record)

    # -- from a session ----------------------------------------------------------------------------------------------

    async def _from_session(
        self,
        request: AuthorizationRequest,
        application: Application,
        named: Connection | None,
        browser: Browser,
        record: Record,
    ) -> Reply | None:
        session = await self.sessions.find(browser)
        if session is None or await self.landing.switches(session.identity, browser):
            return None  # somebody else was let in here since; the session answers no more without the question
        of = await self.store.configured.connection(session.connection)
        # A request that names no connection, and no email whose domain has one, is answered by a session of any.
        wanted = named if request.connection is not None or _is_email(request.login_hint) else None
        now = self.clock.now()
        if of is None or not session_answers(
            session, connection=of, named=wanted, application=application, now=now, max_age=request.max_age
        ):
            return None
        person = await self.store.people.find(session.person, identity=session.identity.key)
        if person is None or person.blocked or person.identity_blocked:
            return None
        if _hints_at_another(request, session) or await self.answering.hints_at_another(request, person):
            return None
        answer = await self.answering.answer(
            request,
            application=application,
            connection=of,
            identity=as_of_now(session.identity, of),
            person=person,
            sid=session.sid,
        )
        record.connection = session.connection
        event = record.event("login.succeeded", person=person.id, detail={"how": "session"})
        await self.store.keep(*answer.keep, event)
        await self.store.sessions.touch(session.sid, idle_at=idle_end(session, now))
        return Reply(send=answer.send)

    # -- upstream ----------------------------------------------------------------------------------------------------

    async def _upstream(
        self,
        parameters: Mapping[str, str],
        request: AuthorizationRequest,
        application: Application,
        connection: Connection,
        browser: Browser,
        record: Record,
        *,
        bell: Arrival | None = None,
        force: bool = False,
    ) -> Reply:
        email = request.login_hint if _is_email(request.login_hint) else None
        force = force or request.max_age == 0 or (bell is None and "login" in request.prompt)
        return await self.starting.start(
            Upstream(
                connection=connection,
                errand=Errand(kind=ErrandKind.OIDC, application=application.client_id, parameters=parameters),
                force=force,
                subject=email,
                bell=None if bell is None else bell.id,
                bell_subject=None if bell is None else bell.subject,
                reference=bell.reference if bell is not None and bell.reference else record.reference,
            )
        )


def _hints_at_another(request: AuthorizationRequest, session: Session) -> bool:
    """A `login_hint` that is an email of another person is not answered by this session [OIDC Core 3.1.2.1]."""
    hint, email = request.login_hint, session.identity.email
    return hint is not None and email is not None and _is_email(hint) and hint.lower() != email.lower()


def _client_id(parameters: Mapping[str, str]) -> str:
    client_id = parameters.get("client_id", "")
    if not client_id:
        raise OAuthRefused("invalid_request", "client_id is missing; it is required [RFC 6749 4.1.1].")
    return client_id


def _is_email(hint: str | None) -> bool:
    return hint is not None and domain_of(hint) is not None


def _to_application(refused: Refused, request: AuthorizationRequest) -> Refused:
    """What the application is told of a refusal that is neither its fault nor the person's choice.

    A store that cannot answer is `temporarily_unavailable` [RFC 6749 4.1.2.1]; questions of who may enter stay with
    the person, on a page in plain words.
    """
    if refused.code == "store.unavailable":
        error = refusal(request, "temporarily_unavailable", "The service cannot answer now; try again shortly.")
        error.reference = refused.reference
        return error
    if refused.code.startswith("connection."):
        error = refusal(request, "invalid_request", "The connection cannot be used for this application.")
        error.reference = refused.reference
        return error
    return refused
