"""The tables of a mirror and their columns, in three forms: all that whoever only names them needs."""

from __future__ import annotations

from collections.abc import Mapping

COMPRESSED, FLAT, FACTS = "compressed", "flat", "facts"
FORMS = (COMPRESSED, FLAT, FACTS)
YES, NO = "yes", "no"
SITE = "site"
KINDS = ("project", "workbook", "view", "datasource")
"""What is mirrored beside the site itself; a view is the documents' sheet."""

Row = tuple[str, ...]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "sources": ("source", "server", "site_id", "content_url", "taken", "reader", "reader_role", "limited", "enforced"),
    "people": ("source", "person", "user_id", "user_name", "matched_by"),
    "viewers": ("source", "viewers", "person"),
    "content": ("source", "viewers", "id", "kind", "name", "parent"),
    "access": ("source", "person", "id", "kind", "name", "parent"),
    "members": ("source", "circle", "person"),
    "classes": ("source", "class", "circle", "excepted"),
    "items": ("source", "class", "id", "kind", "name", "parent"),
}
"""Tables and their columns. `access` is the flat form, `viewers` and `content` the compressed one, the rest facts."""

OF_FACTS = ("members", "classes", "items")
NUMBERS = frozenset(("class", "circle", "excepted"))
"""Columns that are whole numbers, of 52 bits at most, where a place has numbers; all others are text."""

ORDER = ("sources", "people", "viewers", "content", "access", *OF_FACTS)
"""What is added in this order and taken away in the opposite one never shows more than the old or the new mirror."""

GROUPED = {"sources": "site_id", "people": "person", "viewers": "viewers", "content": "id", "access": "id",
           "members": "circle", "classes": "class", "items": "id"}  # fmt: skip
"""The column by whose values two tables are compared first: one hash for each set of viewers or item."""
