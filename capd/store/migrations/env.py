"""Alembic's environment: runs on the connection that `capd.store.schema` hands over."""

from alembic import context

from capd.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
