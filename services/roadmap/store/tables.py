"""The tables that roadmap owns. Created by the first migration, beside those of the plumbing."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData()

ACCEPTED = "state NOT IN ('refused', 'duplicate')"

observation_table = sa.Table(
    "observation",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("portfolio", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("observation_id", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("ref", sa.Text),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("body", sa.LargeBinary, nullable=False),
    # The decision's time; in a replay the observation's own. `accepted_at` is always the wall clock's.
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("path", sa.Text),
    sa.Column("why", sa.Text),
    sa.Column("summary", sa.Text),
    sa.Column("kinds", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("cause_id", sa.Text),
    # The portfolio's revision right after it was judged: where a cut by revision puts it.
    sa.Column("revision_at", sa.BigInteger),
    sa.Column("traceparent", sa.Text),
    sa.Column("told_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint(
        "state IN ('received', 'refused', 'duplicate', 'stale', 'noop', 'caused', 'held')", name="state"
    ),
    sa.Index(
        "observation_once",
        "portfolio",
        "source",
        "observation_id",
        unique=True,
        postgresql_where=sa.text(ACCEPTED),
    ),
    sa.Index("observation_pending", "portfolio", "seq", postgresql_where=sa.text("state = 'received'")),
    sa.Index(
        "observation_untold",
        "accepted_at",
        postgresql_where=sa.text("told_at IS NULL AND state IN ('received', 'caused', 'held')"),
    ),
    sa.Index("observation_by_id", "portfolio", "observation_id"),
    sa.Index("observation_by_ref", "portfolio", "ref", "seq"),
    sa.Index("observation_by_cause", "portfolio", "cause_id", postgresql_where=sa.text("cause_id IS NOT NULL")),
    sa.Index("observation_log", "portfolio", "seq"),
)

feature_table = sa.Table(
    "feature",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("snapshot", pg.JSONB, nullable=False),
)

version_table = sa.Table(
    "feature_version",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("kinds", sa.Text, nullable=False),
    sa.Column("by_working_days", sa.Integer),
    sa.Column("reason", sa.Text),
    sa.Column("snapshot", pg.JSONB, nullable=False),
)

release_table = sa.Table(
    "release",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("planned_on", sa.Date, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)

effect_table = sa.Table(
    "effect",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("cause_id", sa.Text, primary_key=True),
    sa.Column("launches", pg.JSONB, nullable=False),
)

radius_table = sa.Table(
    "blast_radius",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("feature", sa.Text, primary_key=True),
    sa.Column("body", pg.JSONB, nullable=False),
)

told_table = sa.Table(
    "person_told",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("subject_kind", sa.Text, primary_key=True),
    sa.Column("subject_id", sa.Text, primary_key=True),
    sa.Column("subject_revision", sa.BigInteger, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("cause_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Index("person_told_by_cause", "portfolio", "cause_id"),
)
