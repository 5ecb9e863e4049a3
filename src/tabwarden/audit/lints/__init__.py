"""The lints, a file for each family; importing this room knows them all. A new one is a file and its name here."""

from tabwarden.audit.lints import (  # noqa: F401
    all_users,
    dead,
    groups,
    leaders,
    owners,
    people,
    persons,
    projects,
    sources,
    unused,
    views,
)
