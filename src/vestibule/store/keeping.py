"""Keeping records as steps: which statement writes which noun."""

from __future__ import annotations  # those of nested steps would else be evaluated at every call

from collections.abc import Callable, Sequence

from vestibule.model.arrival import Arrival
from vestibule.model.event import Event
from vestibule.model.grant import AccessToken, Code, Grant, RefreshToken
from vestibule.model.key import StoredKey
from vestibule.model.outcome import Outcome
from vestibule.model.pending import PendingLogin
from vestibule.model.rehearsal import Rehearsal
from vestibule.model.session import Session
from vestibule.store import statements as sql
from vestibule.store.codec import encode, micros, micros_or_none
from vestibule.store.port import ArrivalEnded, GrantRevoked, Record, RestartsAnswered, SessionEnded
from vestibule.store.steps import Statement, Steps, Unread
from vestibule.store.traces import document


def kept(records: Sequence[Record]) -> Steps[None]:
    """Writes the records, in their order."""
    if records:
        yield Unread(keeping(records))


def keeping(records: Sequence[Record]) -> list[Statement]:
    """The statements that write the records, in their order."""
    statements: list[Statement] = []
    for record in records:
        if isinstance(record, RestartsAnswered):
            statements.extend((sql.RESTARTS_ANSWERED, (cookie, record.connection)) for cookie in record.cookies)
        else:
            statements.append(_WRITES[type(record)](record))
    return statements


def _pending(it: PendingLogin) -> Statement:
    ended = micros_or_none(it.ended_at)
    expires = micros(it.expires_at)
    row = (it.id, it.connection, it.cookie, micros(it.created_at), expires, int(it.counted), it.bell, ended, encode(it))
    return sql.KEEP_PENDING, row


def _arrival(it: Arrival) -> Statement:
    return sql.KEEP_ARRIVAL, (it.id, it.cookie, it.state.value, micros(it.expires_at), encode(it))


def _outcome(it: Outcome) -> Statement:
    return sql.KEEP_OUTCOME, (it.id, micros(it.expires_at), encode(it))


def _session(it: Session) -> Statement:
    return sql.PUT_SESSION, (it.sid, it.cookie, micros(it.expires_at), micros(it.idle_at), encode(it))


def _code(it: Code) -> Statement:
    taken = micros_or_none(it.taken_at)
    return sql.KEEP_CODE, (it.digest, it.grant.id, it.arrival, micros(it.expires_at), taken, encode(it))


def _grant(it: Grant) -> Statement:
    until, expires = micros(it.refresh_until), micros(it.expires_at)
    return sql.PUT_GRANT, (it.id, it.sid, it.person, until, expires, encode(it))


def _access_token(it: AccessToken) -> Statement:
    return sql.PUT_ACCESS_TOKEN, (it.digest, it.grant, micros(it.expires_at), encode(it))


def _refresh_token(it: RefreshToken) -> Statement:
    taken = micros_or_none(it.taken_at)
    return sql.KEEP_REFRESH_TOKEN, (it.digest, it.grant, micros(it.expires_at), taken, encode(it))


def _event(it: Event) -> Statement:
    return sql.PUT_EVENT, (it.id, micros(it.at), it.kind, it.reference, it.connection, document(it))


def _key(it: StoredKey) -> Statement:
    retired = micros_or_none(it.retired_at)
    return sql.PUT_KEY, (it.kid, it.purpose.value, it.connection, micros(it.created_at), retired, encode(it))


def _rehearsal(it: Rehearsal) -> Statement:
    expires, finished = micros(it.expires_at), micros_or_none(it.finished_at)
    row = (it.id, it.connection, it.cookie, int(it.idp_initiated), expires, finished, encode(it))
    return sql.PUT_REHEARSAL, row


# Looked up by type, a fifth of the cost of matching; `test_keeping` sees that no kind of record is missing.
_WRITES: dict[type, Callable[..., Statement]] = {
    PendingLogin: _pending,
    Arrival: _arrival,
    Outcome: _outcome,
    Session: _session,
    Code: _code,
    Grant: _grant,
    AccessToken: _access_token,
    RefreshToken: _refresh_token,
    Event: _event,
    StoredKey: _key,
    Rehearsal: _rehearsal,
    ArrivalEnded: lambda it: (sql.END_ARRIVAL, (it.id,)),
    SessionEnded: lambda it: (sql.END_SESSION, (it.sid,)),
    GrantRevoked: lambda it: (sql.REVOKE_GRANT, (it.id,)),
}
