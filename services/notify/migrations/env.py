"""Alembic's entry; the connection comes from shared/runtime/database.py."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
