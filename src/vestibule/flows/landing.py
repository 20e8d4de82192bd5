"""The hop where cookies are whole: switch, mismatch and confirmation are decided, and the login is finished."""

from dataclasses import dataclass, replace
from urllib.parse import quote

from vestibule.downstream.oidc import errand_parameters
from vestibule.flows.answering import Answering
from vestibule.flows.browser import Browser, Declined, Loop, Question, Reply
from vestibule.flows.record import Record, audited, new_reference
from vestibule.flows.session import Begun, Sessions
from vestibule.flows.start import Starting, Upstream
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.ground.hashing import keyed, same
from vestibule.keys.keyring import Keyring
from vestibule.model.answer import Redirect
from vestibule.model.application import Application
from vestibule.model.arrival import Arrival, ArrivalState
from vestibule.model.connection import Connection, Delivery, Unsolicited
from vestibule.model.errand import Errand, ErrandKind
from vestibule.model.identity import Identity, Person
from vestibule.model.ids import ArrivalId, Digest
from vestibule.model.outcome import Outcome
from vestibule.oidc.answer import refusal
from vestibule.oidc.authorize import AuthorizationRequest
from vestibule.policy import routing
from vestibule.policy.routing import Destination
from vestibule.policy.session import mismatch, switch_question
from vestibule.policy.unsolicited import may_restart, still_believed
from vestibule.store.port import ArrivalEnded, Keep, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an arrival or an outcome belongs, looked up (and found enabled) at this moment."""

    connection: Connection
    application: Application


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    store: Store
    keyring: Keyring
    clock: Clock
    entropy: Entropy
    issuer: str
    starting: Starting
    answering: Answering
    sessions: Sessions

    # -- an unsolicited response has rung ----------------------------------------------------------------------------

    async def arrive(self, id: str, browser: Browser, *, again: bool = False) -> Reply:
        """Where an arrival leads next. `again`: the person asked for one more try on the loop page."""
        record = self._record()
        async with audited(self.store, record):
            arrival = await self._arrival(id, browser, record)
            place = await self._place(arrival.connection, arrival.application)
            return await self._arrive(arrival, place, browser, record, again=again)

    async def _arrive(self, arrival: Arrival, place: Place, browser: Browser, record: Record, *, again: bool) -> Reply:
        if arrival.identity is None or not self.believes(arrival, place.connection):
            return await self._ring(arrival, place, browser, record, again=again)
        if arrival.state is ArrivalState.WAITING or await self.switches(arrival.identity, browser):
            return Reply(send=await self.ask(arrival, place, browser))
        return await self._go_on(arrival, arrival.identity, place, browser, record)

    async def _ring(self, arrival: Arrival, place: Place, browser: Browser, record: Record, *, again: bool) -> Reply:
        """The doorbell: its identity is not believed; the login is asked for anew, bound to this browser.

        So it is with a bell, with an arrival that has expired, and with one that today's policy does not believe.
        """
        destination = await self.destination(arrival, place)
        if not may_restart(place.connection):
            raise _spent()
        if not again and await self.starting.loops(place.connection.id, browser, arrival):
            record.note("idp_initiated.loop", "Two restarts of this browser and connection are unanswered.")
            await self.store.keep(record.event("login.loop"))
            return Reply(
                send=Loop(
                    reference=record.reference,
                    application=place.application.name,
                    connection=place.connection.display_name,
                    again=f"{self.issuer}login/continue?arrival={quote(arrival.id)}&again=1",
                )
            )
        if destination.delivery is Delivery.CLIENT:
            return Reply(send=Redirect(url=routing.client_url(destination, place.connection, self.issuer)))
        return await self.starting.start(
            Upstream(
                connection=place.connection,
                errand=_errand(place.application, destination),
                bell=arrival.id,
                bell_subject=arrival.subject,
                reference=arrival.reference,
            )
        )

    async def _go_on(
        self, arrival: Arrival, identity: Identity, place: Place, browser: Browser, record: Record
    ) -> Reply:
        """A believed arrival goes on to its application."""
        destination = await self.destination(arrival, place)
        if destination.delivery is Delivery.CLIENT:
            return Reply(send=Redirect(url=routing.client_url(destination, place.connection, self.issuer)))
        request = self.answering.request(_errand(place.application, destination), place.application)
        return await self.answer_arrival(arrival, identity, request, place, browser, record)

    async def answer_arrival(
        self,
        arrival: Arrival,
        identity: Identity,
        request: AuthorizationRequest,
        place: Place,
        browser: Browser,
        record: Record,
    ) -> Reply:
        """An authorization request answered from a confirmed (or accepted) arrival.

        A code takes the arrival when it is redeemed (React's StrictMode asks twice, people click twice); tokens that
        leave by the browser take it now. Under `accept` no SSO session comes of it.
        """
        person = await self.answering.settle(identity, place.connection)
        begun = await self._session(arrival.trust, browser, person, identity, place.connection)
        by_code = request.response_type == "code"
        answer = await self.answering.answer(
            request,
            application=place.application,
            connection=place.connection,
            identity=identity,
            person=person,
            sid=None if begun is None else begun.sid,
            arrival=arrival.id if by_code else None,
        )
        event = record.event(
            "login.succeeded", person=person.id, detail={"how": f"{arrival.trust}, {arrival.delivery}"}
        )
        keep = (*(begun.keep if begun else ()), *answer.keep, event)
        if by_code:
            await self.store.keep(*keep)
        elif not await self.store.arrivals.take(arrival.id, now=self.clock.now(), keep=keep):
            raise _spent()
        return Reply(
            send=answer.send,
            session_secret=begun.secret if begun else None,
            seen=self.sessions.seen(identity),
            spent=() if by_code else (arrival.cookie,),
        )

    async def _session(
        self, trust: Unsolicited, browser: Browser, person: Person, identity: Identity, connection: Connection
    ) -> Begun | None:
        if trust is Unsolicited.ACCEPT:
            return None
        return await self.sessions.begin(browser, person=person, identity=identity, connection=connection)

    # -- a fresh answer has come -------------------------------------------------------------------------------------

    async def answered(self, id: str, browser: Browser) -> Reply:
        """What a solicited answer leads to: a question first, or the application."""
        record = self._record()
        async with audited(self.store, record):
            outcome = await self._outcome(id, browser, record)
            place = await self._place(outcome.connection, outcome.errand.application)
            kind = await self._question_kind(outcome, browser)
            if kind is not None:
                return Reply(send=self._question(kind, outcome.id, outcome.cookie, outcome.identity, place))
            return await self._finish(outcome, place, browser, record)

    async def _question_kind(self, outcome: Outcome, browser: Browser) -> str | None:
        if mismatch(outcome.bell_subject, outcome.identity):
            return "mismatch"
        return "switch" if await self.switches(outcome.identity, browser) else None

    async def _finish(self, outcome: Outcome, place: Place, browser: Browser, record: Record) -> Reply:
        identity = outcome.identity
        request = self.answering.request(outcome.errand, place.application)
        if outcome.forced_since is None and self.answering.is_stale(request, identity, place.connection):
            return await self._force(outcome, place)
        if outcome.forced_since is not None and not self._fresh(outcome, place.connection):
            raise refusal(
                request,
                "login_required",
                "ForceAuthn was asked for, and the identity provider did not authenticate the person anew.",
            )
        person = await self.answering.settle(identity, place.connection)
        begun = await self.sessions.begin(browser, person=person, identity=identity, connection=place.connection)
        answer = await self.answering.answer(
            request,
            application=place.application,
            connection=place.connection,
            identity=identity,
            person=person,
            sid=begun.sid,
        )
        how = "restart" if outcome.bell else "solicited"
        ended: Keep = (ArrivalEnded(id=outcome.bell),) if outcome.bell else ()
        event = record.event("login.succeeded", person=person.id, detail={"how": how})
        keep = (*begun.keep, *answer.keep, *ended, event)
        if not await self.store.outcomes.take(outcome.id, now=self.clock.now(), keep=keep):
            raise _finished()
        return Reply(send=answer.send, session_secret=begun.secret, seen=begun.seen, spent=(outcome.cookie,))

    async def _force(self, outcome: Outcome, place: Place) -> Reply:
        """The answer is older than `max_age` allows: the identity provider is asked once more, with ForceAuthn."""
        if not await self.store.outcomes.take(outcome.id, now=self.clock.now()):
            raise _finished()
        return await self.starting.start(
            Upstream(
                connection=place.connection,
                errand=outcome.errand,
                force=True,
                bell=outcome.bell,
                bell_subject=outcome.bell_subject,
                reference=outcome.reference,
            )
        )

    @staticmethod
    def _fresh(outcome: Outcome, connection: Connection) -> bool:
        """Whether the person was authenticated after the request asked for it, give or take the allowed skew."""
        since = outcome.forced_since
        return since is None or (since - outcome.identity.authenticated_at).total_seconds() <= connection.clock_skew

    # -- the person answers a question -------------------------------------------------------------------------------

    async def confirm(
        self, *, handle: str, of: str, token: str, yes: bool, resume: str | None, browser: Browser
    ) -> Reply:
        """The click on a question's page. `of` is "arrival" or "outcome"; `resume` an authorization request to go back to."""
        record = self._record()
        async with audited(self.store, record):
            if browser.origin not in (None, self.issuer.rstrip("/")):
                raise Refused("request.foreign_origin", "The answer was posted from another site.", got=browser.origin)
            if of == "arrival":
                arrival = await self._arrival(handle, browser, record)
                self._check_token(token, "confirm", arrival.id, arrival.cookie, resume)
                return await self._confirm_arrival(arrival, yes, resume, browser, record)
            outcome = await self._outcome(handle, browser, record)
            kind = await self._question_kind(outcome, browser) or "switch"
            self._check_token(token, kind, outcome.id, outcome.cookie, None)
            return await self._confirm_outcome(outcome, yes, browser, record)

    async def _confirm_arrival(
        self, arrival: Arrival, yes: bool, resume: str | None, browser: Browser, record: Record
    ) -> Reply:
        place = await self._place(arrival.connection, arrival.application)
        now = self.clock.now()
        if not yes:
            await self.store.arrivals.take(arrival.id, now=now, keep=(record.event("login.declined"),))
            return _declined(place, arrival.cookie)
        if arrival.identity is None or not self.believes(arrival, place.connection):
            return await self._ring(arrival, place, browser, record, again=False)
        agreed = arrival.state is ArrivalState.CONFIRMED or await self.store.arrivals.confirm(
            arrival.id, now=now, keep=(record.event("login.confirmed"),)
        )
        if not agreed and (await self._arrival(arrival.id, browser, record)).state is not ArrivalState.CONFIRMED:
            raise _spent()
        seen = self.sessions.seen(arrival.identity)
        if resume is not None:
            return Reply(send=Redirect(url=f"{self.issuer}authorize?{resume}"), seen=seen)
        return replace(await self._go_on(arrival, arrival.identity, place, browser, record), seen=seen)

    async def _confirm_outcome(self, outcome: Outcome, yes: bool, browser: Browser, record: Record) -> Reply:
        place = await self._place(outcome.connection, outcome.errand.application)
        if not yes:
            ended: Keep = (ArrivalEnded(id=outcome.bell),) if outcome.bell else ()
            await self.store.outcomes.take(
                outcome.id, now=self.clock.now(), keep=(*ended, record.event("login.declined"))
            )
            return _declined(place, outcome.cookie)
        return await self._finish(outcome, place, browser, record)

    # -- shared ------------------------------------------------------------------------------------------------------

    def believes(self, arrival: Arrival, connection: Connection) -> bool:
        """Whether the arrival is live, and believed as far under today's policy as under the one it came in by."""
        return self.clock.now() < arrival.expires_at and still_believed(arrival.trust, connection)

    async def switches(self, identity: Identity, browser: Browser) -> bool:
        """Whether going on as this identity would replace another person, or connection, in this browser."""
        installation = await self.store.configured.installation()
        return switch_question(browser.seen, self.sessions.seen(identity), installation.confirm_identity_switch)

    async def ask(self, arrival: Arrival, place: Place, browser: Browser, *, resume: str | None = None) -> Question:
        """The confirm page of an arrival that answers nothing until the person has agreed."""
        if arrival.identity is None:
            raise _spent()
        question = self._question("confirm", arrival.id, arrival.cookie, arrival.identity, place, resume=resume)
        return replace(question, switching=await self.switches(arrival.identity, browser))

    async def destination(self, arrival: Arrival, place: Place) -> Destination:
        """Where the arrival leads, judged with what is configured now."""
        client_id, route = routing.route(place.connection, arrival.relay_state)
        if client_id != arrival.application:
            raise Refused(
                "idp_initiated.moved", "The route of this RelayState was changed meanwhile; click the tile again."
            )
        return routing.destination(place.connection, place.application, route, arrival.relay_state)

    def _question(
        self,
        kind: str,
        handle: str,
        cookie: Digest,
        identity: Identity,
        place: Place,
        *,
        resume: str | None = None,
    ) -> Question:
        return Question(
            kind=kind,
            handle=handle,
            token=self._token(kind, handle, cookie, resume),
            account=identity.display,
            application=place.application.name,
            connection=place.connection.display_name,
            resume=resume,
        )

    def _token(self, kind: str, handle: str, cookie: Digest, resume: str | None) -> str:
        return keyed(self.keyring.pepper("question"), kind, handle, cookie, resume or "")

    def _check_token(self, token: str, kind: str, handle: str, cookie: Digest, resume: str | None) -> None:
        if not same(token, self._token(kind, handle, cookie, resume)):
            raise Refused(
                "login.stale_question",
                "The answer does not belong to the question that this browser was last asked; start the sign-in again.",
            )

    def _record(self) -> Record:
        return Record(entropy=self.entropy, now=self.clock.now(), reference=new_reference(self.entropy))

    async def _arrival(self, id: str, browser: Browser, record: Record) -> Arrival:
        """The arrival, if this browser holds its cookie; from here on the record is of its login."""
        arrival = await self.store.arrivals.find(ArrivalId(id))
        if arrival is None or arrival.cookie not in browser.arrivals:
            raise _spent()
        record.connection, record.application = arrival.connection, arrival.application
        record.reference = arrival.reference or record.reference
        return arrival

    async def _outcome(self, id: str, browser: Browser, record: Record) -> Outcome:
        outcome = await self.store.outcomes.find(id)
        if outcome is None or outcome.cookie not in browser.logins or outcome.expires_at <= self.clock.now():
            raise _finished()
        record.connection, record.application = outcome.connection, outcome.errand.application
        record.reference = outcome.reference or record.reference
        return outcome

    async def _place(self, connection_id: str, client_id: str) -> Place:
        connection = await self.store.configured.connection(connection_id)
        if connection is None:
            raise Refused("connection.unknown", "The connection of this login does not exist any more.")
        return Place(connection=connection, application=await self.answering.application(client_id, connection))


def _errand(application: Application, destination: Destination) -> Errand:
    return Errand(
        kind=ErrandKind.OIDC,
        application=application.client_id,
        parameters=errand_parameters(application, destination.parameters),
        unsolicited=True,
    )


def _declined(place: Place, cookie: Digest) -> Reply:
    back = place.application.initiate_login_uri
    return Reply(send=Declined(application=place.application.name, back=back), spent=(cookie,))


def _finished() -> Refused:
    return Refused(
        "login.expired_or_used",
        "This login was finished already, took too long, or belongs to another browser; start it again.",
    )


def _spent() -> Refused:
    return Refused(
        "login.arrival_gone",
        "This sign-in from the portal was finished already, took too long, or belongs to another browser; click the "
        "tile again.",
    )
