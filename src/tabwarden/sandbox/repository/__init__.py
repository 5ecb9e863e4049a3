"""A world as Tableau Server's PostgreSQL repository. Nothing that reads one."""
