"""A Site from Tableau Server's PostgreSQL repository. Not the REST API, and nothing is written."""
