"""Keys may belong to a connection: what its identity provider encrypts for."""

from alembic import op
from sqlalchemy import Column
from sqlalchemy import Text as AnyText

revision = "0002"
down_revision = "0001"

# Compared and sorted by its bytes, as SQLite does by itself, whatever language the database was made for.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("keys", Column("connection", Text))
    op.create_index("keys_connection", "keys", ["connection"])
