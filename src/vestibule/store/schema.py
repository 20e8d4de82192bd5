"""The tables: a document each, and beside it the columns that are asked by.

Flags are 0 and 1, times are microseconds since 1970. A column beside the document that can change on its own (`state`,
`counted`, `taken_at`, `idle_at` …) outranks the document. Nothing at run time reads this file: migrations make
the tables, and a test holds the two together.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    text,
)
from sqlalchemy import Text as AnyText

# Compared and sorted by its bytes, as SQLite does by itself, whatever language the database was made for.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")

tables = MetaData()

# Small things that are there once: the installation, the check of the master key, the pulse of `ready`.
Table("facts", tables, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

Table(
    "connections",
    tables,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("enabled", SmallInteger, nullable=False),
    Column("doc", Text, nullable=False),
)
Table(
    "domains",
    tables,
    Column("connection_id", Text, ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True),
    Column("domain", Text, primary_key=True),
    Column("verified", SmallInteger, nullable=False),
    Index("domains_domain", "domain"),
    # One connection holds a verified domain, whatever any code above may think.
    Index(
        "domains_verified",
        "domain",
        unique=True,
        sqlite_where=text("verified = 1"),
        postgresql_where=text("verified = 1"),
    ),
)
Table("applications", tables, Column("client_id", Text, primary_key=True), Column("doc", Text, nullable=False))

# No document: the name is all there is, and it is written at every login.
Table(
    "assertions",
    tables,
    Column("connection", Text, primary_key=True),
    Column("issuer", Text, primary_key=True),
    Column("assertion_id", Text, primary_key=True),
    Column("remember_until", BigInteger, nullable=False),
    Index("assertions_sweep", "remember_until"),
    sqlite_with_rowid=False,
)
Table(
    "pending",
    tables,
    Column("id", Text, primary_key=True),
    Column("connection", Text, nullable=False),
    Column("cookie", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("counted", SmallInteger, nullable=False),
    Column("bell", Text),
    Column("ended_at", BigInteger),
    Column("doc", Text, nullable=False),
    Index("pending_counted", "cookie", sqlite_where=text("counted = 1"), postgresql_where=text("counted = 1")),
    Index("pending_sweep", "expires_at"),
)
Table(
    "arrivals",
    tables,
    Column("id", Text, primary_key=True),
    Column("cookie", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("doc", Text, nullable=False),
    Index("arrivals_cookie", "cookie"),
    Index("arrivals_sweep", "expires_at"),
)
Table(
    "outcomes",
    tables,
    Column("id", Text, primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
    Column("doc", Text, nullable=False),
    Index("outcomes_sweep", "expires_at"),
)
Table(
    "rehearsals",
    tables,
    Column("id", Text, primary_key=True),
    Column("connection", Text, nullable=False),
    Column("cookie", Text),
    Column("idp_initiated", SmallInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("doc", Text, nullable=False),
    Index("rehearsals_cookie", "cookie"),
    Index("rehearsals_sweep", "expires_at"),
)

Table(
    "people",
    tables,
    Column("id", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("blocked", SmallInteger, nullable=False),
)
Table(
    "identities",
    tables,
    Column("key", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    Column("connection", Text, nullable=False),
    Column("email", Text),
    Column("email_key", Text),  # the email in lower case, as Unicode has it and databases do not
    Column("email_verified", SmallInteger, nullable=False),
    Column("display", Text, nullable=False),
    Column("blocked", SmallInteger, nullable=False),
    Index("identities_person", "person_id"),
    Index(
        "identities_email",
        "email_key",
        sqlite_where=text("email_verified = 1"),
        postgresql_where=text("email_verified = 1"),
    ),
)
Table(
    "sessions",
    tables,
    Column("sid", Text, primary_key=True),
    Column("cookie", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("idle_at", BigInteger, nullable=False),
    Column("doc", Text, nullable=False),
    Index("sessions_cookie", "cookie"),
    Index("sessions_sweep", "expires_at"),
    Index("sessions_sweep_idle", "idle_at"),
)

Table(
    "codes",
    tables,
    Column("digest", Text, primary_key=True),
    Column("grant_id", Text, nullable=False),
    Column("arrival", Text),
    Column("expires_at", BigInteger, nullable=False),
    Column("taken_at", BigInteger),
    Column("doc", Text, nullable=False),
    Index("codes_sweep", "expires_at"),
)
# A row without a document is a revocation that came before its grant.
Table(
    "grants",
    tables,
    Column("id", Text, primary_key=True),
    Column("sid", Text),
    Column("person", Text),
    Column("refresh_until", BigInteger),
    Column("expires_at", BigInteger),
    Column("revoked", SmallInteger, nullable=False),
    Column("doc", Text),
    Index("grants_sid", "sid"),
    Index("grants_person", "person"),
    Index("grants_sweep", "expires_at"),
)
# Tokens refer to grants by no foreign key: the order in which records are kept is free, and a constraint that is
# looked at only at the commit would spoil the others of its group.
Table(
    "access_tokens",
    tables,
    Column("digest", Text, primary_key=True),
    Column("grant_id", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("doc", Text, nullable=False),
    Index("access_tokens_sweep", "expires_at"),
)
Table(
    "refresh_tokens",
    tables,
    Column("digest", Text, primary_key=True),
    Column("grant_id", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("taken_at", BigInteger),
    Column("doc", Text, nullable=False),
    Index("refresh_tokens_sweep", "expires_at"),
)

Table(
    "keys",
    tables,
    Column("kid", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("retired_at", BigInteger),
    Column("doc", Text, nullable=False),
    Column("connection", Text),
    Index("keys_connection", "connection"),
    Index("keys_purpose", "purpose"),
    Index("keys_sweep", "retired_at"),
)
Table(
    "events",
    tables,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("connection", Text),
    Column("doc", Text, nullable=False),
    Index("events_at", "at"),
    Index("events_reference", "reference"),
    Index("events_kind", "kind", "at"),
    Index("events_connection", "connection", "kind", "at"),
)
