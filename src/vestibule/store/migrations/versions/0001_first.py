"""The first shape of the database."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, SmallInteger, text
from sqlalchemy import Text as AnyText

revision = "0001"
down_revision = None

# Compared and sorted by its bytes, as SQLite does by itself, whatever language the database was made for.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table("facts", Column("name", Text, primary_key=True), Column("value", Text, nullable=False))
    op.create_table(
        "connections",
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False, unique=True),
        Column("enabled", SmallInteger, nullable=False),
        Column("doc", Text, nullable=False),
    )
    op.create_table(
        "domains",
        Column("connection_id", Text, ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True),
        Column("domain", Text, primary_key=True),
        Column("verified", SmallInteger, nullable=False),
    )
    op.create_index("domains_domain", "domains", ["domain"])
    op.create_index(
        "domains_verified",
        "domains",
        ["domain"],
        unique=True,
        sqlite_where=text("verified = 1"),
        postgresql_where=text("verified = 1"),
    )
    op.create_table("applications", Column("client_id", Text, primary_key=True), Column("doc", Text, nullable=False))
    op.create_table(
        "assertions",
        Column("connection", Text, primary_key=True),
        Column("issuer", Text, primary_key=True),
        Column("assertion_id", Text, primary_key=True),
        Column("remember_until", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("assertions_sweep", "assertions", ["remember_until"])
    op.create_table(
        "pending",
        Column("id", Text, primary_key=True),
        Column("connection", Text, nullable=False),
        Column("cookie", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("counted", SmallInteger, nullable=False),
        Column("bell", Text),
        Column("ended_at", BigInteger),
        Column("doc", Text, nullable=False),
    )
    op.create_index(
        "pending_counted", "pending", ["cookie"], sqlite_where=text("counted = 1"), postgresql_where=text("counted = 1")
    )
    op.create_index("pending_sweep", "pending", ["expires_at"])
    op.create_table(
        "arrivals",
        Column("id", Text, primary_key=True),
        Column("cookie", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("doc", Text, nullable=False),
    )
    op.create_index("arrivals_cookie", "arrivals", ["cookie"])
    op.create_index("arrivals_sweep", "arrivals", ["expires_at"])
    op.create_table(
        "outcomes",
        Column("id", Text, primary_key=True),
        Column("expires_at", BigInteger, nullable=False),
        Column("doc", Text, nullable=False),
    )
    op.create_index("outcomes_sweep", "outcomes", ["expires_at"])
    op.create_table(
        "rehearsals",
        Column("id", Text, primary_key=True),
        Column("connection", Text, nullable=False),
        Column("cookie", Text),
        Column("idp_initiated", SmallInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("finished_at", BigInteger),
        Column("doc", Text, nullable=False),
    )
    op.create_index("rehearsals_cookie", "rehearsals", ["cookie"])
    op.create_index("rehearsals_sweep", "rehearsals", ["expires_at"])
    op.create_table(
        "people",
        Column("id", Text, primary_key=True),
        Column("created_at", BigInteger, nullable=False),
        Column("blocked", SmallInteger, nullable=False),
    )
    op.create_table(
        "identities",
        Column("key", Text, primary_key=True),
        Column("person_id", Text, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        Column("connection", Text, nullable=False),
        Column("email", Text),
        Column("email_key", Text),
        Column("email_verified", SmallInteger, nullable=False),
        Column("display", Text, nullable=False),
        Column("blocked", SmallInteger, nullable=False),
    )
    op.create_index("identities_person", "identities", ["person_id"])
    op.create_index(
        "identities_email",
        "identities",
        ["email_key"],
        sqlite_where=text("email_verified = 1"),
        postgresql_where=text("email_verified = 1"),
    )
    op.create_table(
        "sessions",
        Column("sid", Text, primary_key=True),
        Column("cookie", Text, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("idle_at", BigInteger, nullable=False),
        Column("doc", Text, nullable=False),
    )
    op.create_index("sessions_cookie", "sessions", ["cookie"])
    op.create_index("sessions_sweep", "sessions", ["expires_at"])
    op.create_index("sessions_sweep_idle", "sessions", ["idle_at"])
    op.create_table(
        "codes",
        Column("digest", Text, primary_key=True),
        Column("grant_id", Text, nullable=False),
        Column("arrival", Text),
        Column("expires_at", BigInteger, nullable=False),
        Column("taken_at", BigInteger),
        Column("doc", Text, nullable=False),
    )
    op.create_index("codes_sweep", "codes", ["expires_at"])
    op.create_table(
        "grants",
        Column("id", Text, primary_key=True),
        Column("sid", Text),
        Column("person", Text),
        Column("refresh_until", BigInteger),
        Column("expires_at", BigInteger),
        Column("revoked", SmallInteger, nullable=False),
        Column("doc", Text),
    )
    op.create_index("grants_sid", "grants", ["sid"])
    op.create_index("grants_person", "grants", ["person"])
    op.create_index("grants_sweep", "grants", ["expires_at"])
    op.create_table(
        "access_tokens",
        Column("digest", Text, primary_key=True),
        Column("grant_id", Text, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("doc", Text, nullable=False),
    )
    op.create_index("access_tokens_sweep", "access_tokens", ["expires_at"])
    op.create_table(
        "refresh_tokens",
        Column("digest", Text, primary_key=True),
        Column("grant_id", Text, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("taken_at", BigInteger),
        Column("doc", Text, nullable=False),
    )
    op.create_index("refresh_tokens_sweep", "refresh_tokens", ["expires_at"])
    op.create_table(
        "keys",
        Column("kid", Text, primary_key=True),
        Column("purpose", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("retired_at", BigInteger),
        Column("doc", Text, nullable=False),
    )
    op.create_index("keys_purpose", "keys", ["purpose"])
    op.create_index("keys_sweep", "keys", ["retired_at"])
    op.create_table(
        "events",
        Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
        Column("id", Text, nullable=False, unique=True),
        Column("at", BigInteger, nullable=False),
        Column("kind", Text, nullable=False),
        Column("reference", Text, nullable=False),
        Column("connection", Text),
        Column("doc", Text, nullable=False),
    )
    op.create_index("events_at", "events", ["at"])
    op.create_index("events_reference", "events", ["reference"])
    op.create_index("events_kind", "events", ["kind", "at"])
    op.create_index("events_connection", "events", ["connection", "kind", "at"])
