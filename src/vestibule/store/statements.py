"""All SQL, in the dialect that SQLite and PostgreSQL share: `?` for parameters (an engine that wants another style
replaces it once; no statement has a literal `?` or `%`), `ON CONFLICT`, `RETURNING`, 0 and 1 for flags, microseconds for times.

Whoever may do something once finds it in the `WHERE` of one statement, and `RETURNING` says whether it was them. A
`HOLD_…` looks at a row that a later statement of the same write changes: an engine whose writers do not take turns lets
nobody else change that row from then on.
"""

from vestibule.store.retention import RULES, Rule

# -- configured -----------------------------------------------------------------------------------------------------

FACT = "SELECT value FROM facts WHERE name = ?"
SET_FACT = "INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
FIRST_FACT = "INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
# A value that changes each time: SQLite writes no page for an update that changes nothing.
PULSE = """INSERT INTO facts (name, value) VALUES ('pulse', '0')
    ON CONFLICT (name) DO UPDATE SET value = CASE WHEN facts.value = '0' THEN '1' ELSE '0' END"""

CONNECTION = "SELECT doc FROM connections WHERE id = ? OR name = ?"
CONNECTIONS = "SELECT doc FROM connections ORDER BY name"
CONNECTION_BY_DOMAIN = """SELECT c.doc FROM domains d JOIN connections c ON c.id = d.connection_id
    WHERE d.domain = ? AND c.enabled = 1 ORDER BY d.verified DESC, c.name LIMIT 1"""
PUT_CONNECTION = """INSERT INTO connections (id, name, enabled, doc) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, enabled = excluded.enabled, doc = excluded.doc"""
DROP_DOMAINS = "DELETE FROM domains WHERE connection_id = ?"
PUT_DOMAIN = "INSERT INTO domains (connection_id, domain, verified) VALUES (?, ?, ?)"
APPLICATION = "SELECT doc FROM applications WHERE client_id = ?"
APPLICATIONS = "SELECT doc FROM applications ORDER BY client_id"
PUT_APPLICATION = """INSERT INTO applications (client_id, doc) VALUES (?, ?)
    ON CONFLICT (client_id) DO UPDATE SET doc = excluded.doc"""

# -- logins ---------------------------------------------------------------------------------------------------------

CLAIM = """INSERT INTO assertions (connection, issuer, assertion_id, remember_until) VALUES (?, ?, ?, ?)
    ON CONFLICT DO NOTHING RETURNING 1"""

CLAIMED = "SELECT 1 FROM assertions WHERE connection = ? AND issuer = ? AND assertion_id = ?"

PENDING = "SELECT doc, counted, ended_at FROM pending WHERE id = ?"
KEEP_PENDING = """INSERT INTO pending (id, connection, cookie, created_at, expires_at, counted, bell, ended_at, doc)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
HOLD_PENDING = "SELECT 1 FROM pending WHERE id = ? AND cookie = ? AND ended_at IS NULL AND expires_at > ?"
ANSWER_PENDING = "UPDATE pending SET ended_at = ? WHERE id = ? RETURNING 1"
RESTARTS = """SELECT bell FROM pending WHERE cookie = ? AND connection = ? AND counted = 1
    AND ended_at IS NULL AND created_at > ? AND bell IS NOT NULL"""
RESTARTS_ANSWERED = "UPDATE pending SET counted = 0 WHERE cookie = ? AND connection = ? AND counted = 1"

ARRIVAL = "SELECT doc, state FROM arrivals WHERE id = ?"
ARRIVALS_HELD = "SELECT doc, state FROM arrivals WHERE cookie = ?"
KEEP_ARRIVAL = "INSERT INTO arrivals (id, cookie, state, expires_at, doc) VALUES (?, ?, ?, ?, ?)"
CONFIRM_ARRIVAL = """UPDATE arrivals SET state = 'confirmed'
    WHERE id = ? AND state = 'waiting' AND expires_at > ? RETURNING 1"""
TAKE_ARRIVAL = "DELETE FROM arrivals WHERE id = ? AND expires_at > ? RETURNING 1"
# Without a look at its expiry: the code that was issued from it decides.
HOLD_ARRIVAL_OF_CODE = "SELECT 1 FROM arrivals WHERE id = (SELECT arrival FROM codes WHERE digest = ?)"
END_ARRIVAL_OF_CODE = "DELETE FROM arrivals WHERE id = (SELECT arrival FROM codes WHERE digest = ?)"
END_ARRIVAL = "DELETE FROM arrivals WHERE id = ?"

OUTCOME = "SELECT doc FROM outcomes WHERE id = ?"
KEEP_OUTCOME = "INSERT INTO outcomes (id, expires_at, doc) VALUES (?, ?, ?)"
TAKE_OUTCOME = "DELETE FROM outcomes WHERE id = ? AND expires_at > ? RETURNING 1"

REHEARSAL = "SELECT doc, cookie FROM rehearsals WHERE id = ?"
PUT_REHEARSAL = """INSERT INTO rehearsals (id, connection, cookie, idp_initiated, expires_at, finished_at, doc)
    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET connection = excluded.connection,
    cookie = excluded.cookie, idp_initiated = excluded.idp_initiated, expires_at = excluded.expires_at,
    finished_at = excluded.finished_at, doc = excluded.doc"""
OPEN_REHEARSAL = """UPDATE rehearsals SET cookie = ?
    WHERE id = ? AND cookie IS NULL AND finished_at IS NULL AND expires_at > ? RETURNING 1"""
REHEARSALS_WAITING = """SELECT doc, cookie FROM rehearsals WHERE cookie = ? AND connection = ?
    AND finished_at IS NULL AND expires_at > ?"""

# -- people ---------------------------------------------------------------------------------------------------------

IDENTITY = """SELECT p.id, p.created_at, p.blocked, i.blocked, i.connection, i.email, i.email_verified, i.display
    FROM identities i JOIN people p ON p.id = i.person_id WHERE i.key = ?"""
PEOPLE_BY_EMAIL = "SELECT DISTINCT person_id FROM identities WHERE email_key = ? AND email_verified = 1 LIMIT 2"
PERSON = "SELECT id, created_at, blocked FROM people WHERE id = ?"
IDENTITY_BLOCKED = "SELECT blocked FROM identities WHERE key = ? AND person_id = ?"
NEW_PERSON = "INSERT INTO people (id, created_at, blocked) VALUES (?, ?, 0)"
PUT_IDENTITY = """INSERT INTO identities (key, person_id, connection, email, email_key, email_verified, display, blocked)
    VALUES (?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (key) DO UPDATE SET connection = excluded.connection,
    email = excluded.email, email_key = excluded.email_key, email_verified = excluded.email_verified,
    display = excluded.display"""
BLOCK_PERSON = "UPDATE people SET blocked = ? WHERE id = ? RETURNING 1"

SESSION = "SELECT doc, idle_at FROM sessions WHERE cookie = ?"
PUT_SESSION = """INSERT INTO sessions (sid, cookie, expires_at, idle_at, doc) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (sid) DO UPDATE SET cookie = excluded.cookie, expires_at = excluded.expires_at,
    idle_at = excluded.idle_at, doc = excluded.doc"""
TOUCH_SESSION = "UPDATE sessions SET idle_at = ? WHERE sid = ? AND idle_at < ?"
END_SESSION = "DELETE FROM sessions WHERE sid = ?"

# -- grants ---------------------------------------------------------------------------------------------------------

CODE = "SELECT doc, taken_at FROM codes WHERE digest = ?"
KEEP_CODE = "INSERT INTO codes (digest, grant_id, arrival, expires_at, taken_at, doc) VALUES (?, ?, ?, ?, ?, ?)"
TAKE_CODE = """UPDATE codes SET taken_at = ? WHERE digest = ? AND taken_at IS NULL AND expires_at > ?
    AND (arrival IS NULL OR EXISTS (SELECT 1 FROM arrivals a WHERE a.id = codes.arrival))
    AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.id = codes.grant_id AND g.revoked = 1) RETURNING 1"""

# A revoked grant stays revoked when it is kept again.
PUT_GRANT = """INSERT INTO grants (id, sid, person, refresh_until, expires_at, revoked, doc) VALUES (?, ?, ?, ?, ?, 0, ?)
    ON CONFLICT (id) DO UPDATE SET sid = excluded.sid, person = excluded.person,
    refresh_until = excluded.refresh_until, expires_at = excluded.expires_at, doc = excluded.doc"""
# A grant that is not there yet is revoked all the same: its code may still be out. Such a row has no end until the
# first sweep gives it one.
REVOKE_GRANT = "INSERT INTO grants (id, revoked) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET revoked = 1"
END_REVOKED = "UPDATE grants SET expires_at = ? WHERE expires_at IS NULL"
GRANTS_BY_SID = "SELECT doc FROM grants WHERE sid = ? AND revoked = 0"
GRANTS_BY_PERSON = "SELECT doc FROM grants WHERE person = ? AND revoked = 0"

ACCESS_TOKEN = """SELECT t.doc, g.doc FROM access_tokens t JOIN grants g ON g.id = t.grant_id
    WHERE t.digest = ? AND g.revoked = 0"""
PUT_ACCESS_TOKEN = """INSERT INTO access_tokens (digest, grant_id, expires_at, doc) VALUES (?, ?, ?, ?)
    ON CONFLICT (digest) DO UPDATE SET grant_id = excluded.grant_id, expires_at = excluded.expires_at,
    doc = excluded.doc"""
REFRESH_TOKEN = """SELECT t.doc, t.taken_at, g.doc FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id
    WHERE t.digest = ? AND g.revoked = 0"""
KEEP_REFRESH_TOKEN = "INSERT INTO refresh_tokens (digest, grant_id, expires_at, taken_at, doc) VALUES (?, ?, ?, ?, ?)"
TAKE_REFRESH_TOKEN = """UPDATE refresh_tokens SET taken_at = ?
    WHERE digest = ? AND taken_at IS NULL AND expires_at > ? AND EXISTS (SELECT 1 FROM grants g
    WHERE g.id = refresh_tokens.grant_id AND g.revoked = 0 AND g.refresh_until > ? AND g.expires_at > ?) RETURNING 1"""

# -- keys and events ------------------------------------------------------------------------------------------------

KEYS = "SELECT doc FROM keys WHERE connection IS NULL ORDER BY created_at, kid"
KEYS_OF = "SELECT doc FROM keys WHERE connection = ? ORDER BY created_at, kid"
KEYS_AFTER = "SELECT kid, doc FROM keys WHERE kid > ? ORDER BY kid LIMIT 200"
PUT_KEY = """INSERT INTO keys (kid, purpose, connection, created_at, retired_at, doc) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (kid) DO UPDATE SET purpose = excluded.purpose, connection = excluded.connection, created_at = excluded.created_at,
    retired_at = excluded.retired_at, doc = excluded.doc"""

PUT_EVENT = """INSERT INTO events (id, at, kind, reference, connection, doc) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET at = excluded.at, kind = excluded.kind, reference = excluded.reference,
    connection = excluded.connection, doc = excluded.doc"""
EVENTS_BY_REFERENCE = "SELECT doc FROM events WHERE reference = ? ORDER BY at, seq"
EVENTS = "SELECT at, seq, doc FROM events ORDER BY at DESC, seq DESC LIMIT ?"
EVENTS_OF_KIND = "SELECT at, seq, doc FROM events WHERE kind = ? ORDER BY at DESC, seq DESC LIMIT ?"
EVENTS_OF_CONNECTION = """SELECT at, seq, doc FROM events WHERE connection = ? AND kind = ?
    ORDER BY at DESC, seq DESC LIMIT ?"""
# The kinds that there are, one index probe each: few kinds, many events.
NEXT_KIND = "SELECT min(kind) FROM events WHERE kind > ? AND kind < ?"
NEXT_KIND_OF_CONNECTION = "SELECT min(kind) FROM events WHERE connection = ? AND kind > ? AND kind < ?"

# -- sweeping -------------------------------------------------------------------------------------------------------


def sweep(rule: Rule) -> str:
    """Deletes some rows that a rule gives up; parameters: the horizon, once for each of its ends, and how many."""
    key = ", ".join(rule.key)
    over = " OR ".join(f"{end} <= ?" for end in rule.ends)
    some = f"SELECT {key} FROM {rule.table} WHERE {over} LIMIT ?"  # noqa: S608 - names from our own table of rules
    return f"DELETE FROM {rule.table} WHERE ({key}) IN ({some}) RETURNING 1"  # noqa: S608 - as above


SWEEP = {rule.table: sweep(rule) for rule in RULES}
