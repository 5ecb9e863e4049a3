"""How the tables of the history came to be, release by release, for Alembic. Not the tables as they are (`schema`)."""
