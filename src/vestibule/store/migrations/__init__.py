"""The Alembic environment: how a database of any earlier shape becomes one of today's."""
