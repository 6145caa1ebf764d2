"""The tables of notify and of the plumbing, as they were first."""

from alembic import op

from services.notify.store.tables import metadata as own
from shared.runtime.database import metadata as plumbing
from shared.runtime.outbox import NOTIFY_ON_INSERT

revision = "0001"
down_revision = None


def upgrade() -> None:
    connection = op.get_bind()
    plumbing.create_all(connection)
    own.create_all(connection)
    for statement in NOTIFY_ON_INSERT:
        op.execute(statement)
