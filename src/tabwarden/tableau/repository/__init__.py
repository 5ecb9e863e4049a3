"""A Site from Tableau Server's PostgreSQL repository."""
