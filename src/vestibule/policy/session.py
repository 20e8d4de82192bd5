"""SSO sessions: how long they last, what they answer, and when a person is asked before another takes over [house rule]."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from vestibule.ground.hashing import same
from vestibule.model.application import Application
from vestibule.model.connection import Connection
from vestibule.model.identity import Identity
from vestibule.model.session import Session

SESSION_IDLE = timedelta(hours=8)
SESSION_ABSOLUTE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether a session answers a request; true or false as such. `why` says why not, and is empty if it does."""

    why: str = ""

    def __bool__(self) -> bool:
        return not self.why


def session_answers(
    session: Session,
    *,
    connection: Connection | None,
    named: Connection | None,
    application: Application,
    now: datetime,
    max_age: int | None,
) -> Standing:
    """Whether the session answers this request. `connection` is the session's own, as it is now; None = it is gone.

    `max_age` counts from the identity provider's AuthnInstant [OIDC Core 3.1.2.1]; 0 is met by no session.
    """
    if now >= session.expires_at or now >= session.idle_at:
        return Standing(why="the session has ended")
    if connection is None or connection.id != session.connection or not connection.enabled:
        return Standing(why="the session's connection is disabled or gone")
    if named is not None and named.id != session.connection:
        return Standing(why="the session was made through another connection than the one named")
    if application.client_id not in connection.applications:
        return Standing(why="the session's connection is not enabled for this application")
    if connection.session_max is not None and now >= session.created_at + timedelta(seconds=connection.session_max):
        return Standing(why="the session is older than the connection allows now")
    age = now - session.identity.authenticated_at
    if max_age is not None and (max_age <= 0 or age > timedelta(seconds=max_age)):
        return Standing(why="the identity provider authenticated the person longer ago than max_age allows")
    return Standing()


def lifetime(connection: Connection, identity: Identity, now: datetime) -> tuple[datetime, datetime]:
    """When a session made now ends for good, and when it ends if it is not used.

    The earliest of the house's 24 hours, the connection's `session_max` and SessionNotOnOrAfter [SAMLCore 2.7.2].
    """
    ends = [now + SESSION_ABSOLUTE]
    if connection.session_max is not None:
        ends.append(now + timedelta(seconds=connection.session_max))
    if identity.ends_at is not None:
        ends.append(identity.ends_at)
    expires_at = min(ends)
    return expires_at, min(now + SESSION_IDLE, expires_at)


def idle_end(session: Session, now: datetime) -> datetime:
    """When the session ends if it is not used again after now; never beyond its absolute end."""
    return min(now + SESSION_IDLE, session.expires_at)


def switch_question(seen: str | None, fresh: str, confirm_identity_switch: bool) -> bool:
    """Whether to ask before another person, or connection, replaces the one that this browser last used.

    Both are the keyed hash of connection and person that the browser holds; None = it has seen nobody.
    """
    return confirm_identity_switch and seen is not None and not same(seen, fresh)


def mismatch(bell_subject: str | None, fresh: Identity) -> bool:
    """Whether the fresh answer names another person than the doorbell did; never, where no bell rang.

    A hostile page can ring with its own response; the person then learns that somebody else was announced.
    """
    return bell_subject is not None and not same(bell_subject, fresh.key)
