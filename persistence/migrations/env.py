"""Alembic's entry: runs on the connection that `persistence.migrate` hands over."""

from alembic import context

from persistence.metadata import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=METADATA, compare_type=True, compare_server_default=False
)
with context.begin_transaction():
    # A migration waits for nobody: it fails and is started again rather than queue every reader behind it.
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    context.run_migrations()
