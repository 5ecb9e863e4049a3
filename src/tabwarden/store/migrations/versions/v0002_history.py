"""The history as it was first: sites, snapshots, things, words, bodies and versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "site",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("content_url", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.UniqueConstraint("address", "content_url", "id", "scope"),
    )
    op.create_table(
        "snapshot",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("site", sa.Integer, sa.ForeignKey("site.number"), nullable=False),
        sa.Column("taken", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("users", sa.Integer, nullable=False),
        sa.Column("contents", sa.Integer, nullable=False),
        sa.Column("rules", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
    )
    op.create_index("snapshot_by_site", "snapshot", ["site", "number"])
    op.create_table(
        "thing",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("site", sa.Integer, sa.ForeignKey("site.number"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.UniqueConstraint("site", "kind", "id"),
    )
    op.create_table(
        "word",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("capability", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.UniqueConstraint("capability", "mode"),
    )
    _bodies_and_versions()


def _bodies_and_versions() -> None:
    op.create_table(
        "body",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "version",
        sa.Column("thing", sa.Integer, sa.ForeignKey("thing.number"), nullable=False),
        sa.Column("slot", sa.Text, nullable=False),
        sa.Column("since", sa.Integer, nullable=False),
        sa.Column("until", sa.Integer),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("thing", "slot", "since"),
        sqlite_with_rowid=False,
    )
    op.create_index("version_since", "version", ["since"])
    op.create_index("version_until", "version", ["until"])


def downgrade() -> None:
    """There is nothing before it."""
    for table in ("version", "body", "word", "thing", "snapshot", "site"):
        op.drop_table(table)
