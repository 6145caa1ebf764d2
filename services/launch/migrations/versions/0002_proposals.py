"""Proposals. A database that is made today has the table from the first migration already."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table where it is missing."""
    op.execute(
        "CREATE TABLE IF NOT EXISTS proposal (portfolio text NOT NULL, id text NOT NULL, state text NOT NULL,"
        " opened_revision bigint NOT NULL, told_revision bigint NOT NULL, changed_at timestamptz NOT NULL,"
        " body jsonb NOT NULL, PRIMARY KEY (portfolio, id))"
    )
    op.execute("CREATE INDEX IF NOT EXISTS proposal_by_state ON proposal (portfolio, state, opened_revision)")
