"""The tables of notify. JSON from outside is text: JSONB refuses what JSON allows (docs/explanation/traps.md)."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData()

_instant = sa.DateTime(timezone=True)

directory_table = sa.Table(
    "directory",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("is_current", sa.Boolean, nullable=False),
    sa.Column("since_at", _instant, nullable=False),
    sa.Index("directory_current", "portfolio", unique=True, postgresql_where=sa.text("is_current")),
)
"""Every version of a portfolio's directory as routing needs it: ids, teams and roles; no name, no address."""

person_table = sa.Table(
    "person",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("locale", sa.Text, nullable=False),
    sa.Column("team", sa.Text),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("problem", sa.Text),
    sa.Column("left_at", _instant),
    sa.Index("person_unreachable", "portfolio", postgresql_where=sa.text("problem IS NOT NULL")),
)
"""The one place with names and addresses; erasing a row erases a person. `problem`: why no push channel works."""

cause_table = sa.Table(
    "cause_heard",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("revision", sa.BigInteger, primary_key=True),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("roadmap_revision", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("features", sa.Text, nullable=False),
    sa.Column("at", _instant, nullable=False),
    sa.Column("received_at", _instant, nullable=False, server_default=sa.text("clock_timestamp()")),
    sa.Index("cause_heard_by_id", "portfolio", "cause"),
)
"""Every message of launch. `roadmap_revision`: how many causes that launch did not start itself came so far."""

audience_table = sa.Table(
    "audience",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("revision", sa.BigInteger, primary_key=True),
    sa.Column("heard_revision", sa.BigInteger, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("directory", sa.Text, nullable=False),
    sa.Column("expected", sa.Integer, nullable=False),
    sa.Column("unfilled", sa.Text, nullable=False),
    sa.Column("is_incident", sa.Boolean, nullable=False),
    sa.Column("excluded", sa.Text, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("planned_on", sa.Date),
    sa.Column("news", sa.Text, nullable=False),
    sa.Column("at", _instant, nullable=False),
    sa.Index("audience_by_message", "portfolio", "heard_revision"),
    sa.Index("audience_by_launch", "id", "revision"),
)
"""Who was expected to know one revision of one subject, frozen. `excluded` names a row of exclusion_table."""

exclusion_table = sa.Table(
    "exclusion",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
"""Who was left out and why, by content: equal audiences leave out the same people."""

obligation_table = sa.Table(
    "obligation",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("revision", sa.BigInteger, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("need", sa.Text, nullable=False),
    sa.Column("because", sa.Text, nullable=False),
    sa.Column("notice", sa.Text, nullable=False),
    sa.Column("due_at", _instant),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", _instant, nullable=False),
    sa.Column("evidence", sa.Text),
    sa.Index("obligation_by_notice", "notice"),
    sa.Index(
        "obligation_unsettled", "portfolio", "person", postgresql_where=sa.text("state IN ('open', 'unreachable')")
    ),
)

notice_table = sa.Table(
    "notice",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("portfolio", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("heard_revision", sa.BigInteger, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("at", _instant, nullable=False),
    sa.Column("received_at", _instant, nullable=False, server_default=sa.text("clock_timestamp()")),
    sa.Column("traceparent", sa.Text),
    sa.UniqueConstraint("portfolio", "cause", "person"),
    sa.Index("notice_by_person", "portfolio", "person", "heard_revision"),
    sa.Index("notice_by_message", "portfolio", "heard_revision"),
)
"""The durable inbox: one row is one message to one person."""

delivery_table = sa.Table(
    "delivery",
    metadata,
    sa.Column("notice", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("portfolio", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("next_at", _instant, nullable=False),
    sa.Column("lease_until", _instant),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("date_at", _instant, nullable=False),
    sa.Column("address", sa.Text),
    sa.Column("body", sa.LargeBinary),
    sa.Column("answer", sa.Text),
    sa.Column("settled_at", _instant),
    sa.Index("delivery_due", "next_at", "notice", postgresql_where=sa.text("state IN ('due', 'sending')")),
)
"""States: due, sending (leased), accepted, bounced, needless (settled before it was sent), exhausted.

`body`: the frozen bytes while they are on their way; erased afterwards, since they hold the link's token.
"""

token_table = sa.Table(
    "token",
    metadata,
    sa.Column("hash", pg.BYTEA, primary_key=True),
    sa.Column("notice", sa.Text, nullable=False),
    sa.Column("made_at", _instant, nullable=False),
)
"""The mail links: only a hash of each."""

objection_table = sa.Table(
    "objection",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("portfolio", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", _instant, nullable=False),
    sa.Index("objection_by_subject", "portfolio", "kind", "subject", "revision"),
)
