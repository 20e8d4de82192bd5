"""What Alembic runs: migrations on the connection that `vestibule.store.migrate` hands in, inside its transaction."""

from alembic import context

from vestibule.store.schema import tables

context.configure(connection=context.config.attributes["connection"], target_metadata=tables)
context.run_migrations()
