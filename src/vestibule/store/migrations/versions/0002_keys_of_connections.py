"""Keys may belong to a connection: what its identity provider encrypts for."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("keys", Column("connection", Text))
    op.create_index("keys_connection", "keys", ["connection"])
