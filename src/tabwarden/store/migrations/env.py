"""What Alembic runs: the migrations on the connection it was handed. Nothing here opens a database."""

from __future__ import annotations

from alembic import context

from tabwarden.store.snapshots import VERSIONS

context.configure(connection=context.config.attributes["connection"], version_table=VERSIONS)
context.run_migrations()
