"""Signing out [OIDC RP-Initiated Logout]: the session ends, and the browser goes where the application has registered."""

from collections.abc import Mapping
from dataclasses import dataclass

from vestibule.flows.browser import Browser, Reply
from vestibule.flows.record import Record, new_reference
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.jose import jwt
from vestibule.keys.keyring import Keyring
from vestibule.model.answer import Redirect
from vestibule.model.application import Application
from vestibule.model.session import Session
from vestibule.oidc import id_token, logout, names
from vestibule.oidc.logout import LogoutRequest
from vestibule.store.port import GrantRevoked, SessionEnded, Store

SIGNED_OUT = "oidc/signed-out"
"""Our own page, for those who have nowhere else to go. A page of its own, so that a reload asks nothing again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskFirst:
    """The person is asked: we cannot be sure that they, and not some page, want to sign out. `parameters` come back."""

    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    store: Store
    keyring: Keyring
    clock: Clock
    entropy: Entropy
    issuer: str

    async def leave(self, request: LogoutRequest, browser: Browser, *, confirmed: bool = False) -> Reply | AskFirst:
        """Ends this browser's session, at once where the request can be trusted, else after a question.

        Trusted is a client with exactly its registered URI (what the Logto and Auth0 SDKs send; laxer than [OIDC
        RP-Initiated Logout 2], for the worst that a foreign page wins is that somebody must sign in again), or an
        ID token of this very session. A hint that does not hold is worse than none: then the person is asked.
        """
        session = None if browser.session is None else await self.store.sessions.find(browser.session)
        application, hinted = await self._application(request, session)
        destination = (
            None if application is None else logout.destination(request, application.post_logout_redirect_uris)
        )
        if session is not None:
            trusted = hinted if hinted is not None else destination is not None
            if not trusted and not confirmed:
                return AskFirst(parameters=logout.write(request))
            await self._end(session, application)
        return Reply(
            send=Redirect(url=destination or self.issuer + SIGNED_OUT), drop_session=browser.session is not None
        )

    async def _application(
        self, request: LogoutRequest, session: Session | None
    ) -> tuple[Application | None, bool | None]:
        """The application that asks, and whether its ID token is one of this session; None where it sent none."""
        client_id, hinted = request.client_id, None
        if request.id_token_hint is not None:
            try:
                named, subject, sid = id_token.hint(
                    jwt.read(request.id_token_hint, await self.keyring.published()), issuer=self.issuer
                )
            except Refused:
                hinted = False
            else:
                same_client = client_id is None or client_id == named
                client_id = client_id or named
                hinted = same_client and session is not None and _is_of(session, subject, sid)
        return (None if client_id is None else await self.store.configured.application(client_id)), hinted

    async def _end(self, session: Session, application: Application | None) -> None:
        """Ends the session, and its grants, but not those that were meant to outlive it [OIDC Back-Channel Logout 2.7]."""
        grants = await self.store.tokens.grants(sid=session.sid)
        ending = [grant for grant in grants if names.OFFLINE_ACCESS not in grant.scope.split(" ")]
        record = Record(
            entropy=self.entropy,
            now=self.clock.now(),
            reference=new_reference(self.entropy),
            connection=session.connection,
            application=None if application is None else application.client_id,
        )
        await self.store.keep(
            SessionEnded(sid=session.sid),
            *(GrantRevoked(id=grant.id) for grant in ending),
            record.event("session.ended", person=session.person),
        )


def _is_of(session: Session, subject: str, sid: str | None) -> bool:
    """Whether an ID token speaks of this session: its `sid`, where it has one, else its person."""
    return session.person == subject and (sid is None or session.sid == sid)
