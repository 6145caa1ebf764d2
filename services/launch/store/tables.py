"""The tables of launch. Documents are the domain's words as JSON; columns are only what is searched by."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData()

feature_table = sa.Table(
    "feature",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("body", pg.JSONB, nullable=False),
)

launch_table = sa.Table(
    "launch",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("market_tier", sa.Text, nullable=False),
    sa.Column("launch_on", sa.Date),
    sa.Column("due_on", sa.Date),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("body", pg.JSONB, nullable=False),
    sa.Index("launch_by_day", "portfolio", "launch_on", "id"),
    sa.Index("launch_due", "due_on", "portfolio", postgresql_where=sa.text("due_on IS NOT NULL")),
)
"""`due_on` is the day on which the clock has something to do with the launch."""

history_table = sa.Table(
    "launch_history",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("launch", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("told_revision", sa.BigInteger, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("cause", pg.JSONB, nullable=False),
    sa.Column("body", pg.JSONB, nullable=False),
)
"""What was told of each launch, change by change."""

heard_table = sa.Table(
    "heard",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("roadmap_revision", sa.BigInteger, primary_key=True),
    sa.Column("cause_id", sa.Text, nullable=False),
    sa.Column("told_revision", sa.BigInteger, nullable=False),
)
"""Each revision of roadmap that was heard, and our revision that answered it."""

receipt_table = sa.Table(
    "receipt",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("revision", sa.BigInteger, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)
"""Who knows: only ever read by pages and the API, never by a decision."""

scenario_table = sa.Table(
    "scenario",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("body", pg.JSONB, nullable=False),
)
"""What somebody supposes and wants to ask again; no decision reads it."""

proposal_table = sa.Table(
    "proposal",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("opened_revision", sa.BigInteger, nullable=False),
    sa.Column("told_revision", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("body", pg.JSONB, nullable=False),
    sa.Index("proposal_by_state", "portfolio", "state", "opened_revision"),
)
"""Parts of plans that wait or waited for a person; `told_revision` is ours that told of the present state."""
