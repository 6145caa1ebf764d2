"""What features' slips would move. A database that is made today has the table from the first migration already."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table where it is missing."""
    op.execute(
        "CREATE TABLE IF NOT EXISTS blast_radius (portfolio text NOT NULL, feature text NOT NULL,"
        " body jsonb NOT NULL, PRIMARY KEY (portfolio, feature))"
    )
