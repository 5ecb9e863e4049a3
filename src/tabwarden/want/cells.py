"""The cells of a row that names a person: user names and other text, cleaned or refused; columns by their names."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tabwarden.model.errors import SourceError
from tabwarden.model.names import same

ONLY_COLUMN = "(value)"
"""The column of a row that has a bare user name and no column names at all; any mapping of `name` accepts it."""

LONGEST = 255
"""Characters Tableau takes for a user name."""


class Broken(NamedTuple):
    """Stands in a cell whose row could be delimited but not understood; `reason` is told instead of a value."""

    text: str
    reason: str


class BadCell(Exception):
    """A cell that cannot be used: what it shows as, and why."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(reason)
        self.value = value
        self.reason = reason


def user_name(value: object, require_email: bool) -> str:
    """The user name in a cell, trimmed and NFC. Raises BadCell."""
    text = _as_text(value)
    name = unicodedata.normalize("NFC", _trim(text))
    if not name:
        raise BadCell(shown(text), "is blank; give the user name or delete the row")
    if (character := _invisible(name)) is not None:
        raise BadCell(shown(text), f"holds the invisible character {character}; type the name again by hand")
    if any(c.isspace() for c in name):
        raise BadCell(shown(text), "has white space inside; a row holds one user name, without spaces")
    if name.count("@") > 1:
        raise BadCell(shown(text), "has more than one @; a row holds one user name")
    if len(name) > LONGEST:
        raise BadCell(shown(text), f"has {len(name)} characters; Tableau takes at most {LONGEST}")
    if require_email and not _is_email(name):
        raise BadCell(shown(text), "is not an e-mail address; on this site user names are e-mail addresses")
    return name


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Broken):
        raise BadCell(shown(value.text), value.reason)
    if value is None:
        raise BadCell("", "is empty (null); give the user name or delete the row")
    raise BadCell(shown(value), f"is of type {type(value).__name__}, not text; store user names as text")


def text_of(row: Mapping[str, object], key: str | None) -> str:
    """A cell other than the user name: absent and null are the empty text. Raises BadCell."""
    value = row.get(key) if key else None
    if value is None:
        return ""
    try:
        text = unicodedata.normalize("NFC", _trim(_as_text(value)))
    except BadCell as bad:
        raise BadCell(bad.value, f"(column `{shown(key)}`) {bad.reason}") from None
    if (character := _invisible(text)) is not None:
        raise BadCell(shown(value), f"(column `{shown(key)}`) holds the invisible character {character}; type it again")
    return text


def _trim(text: str) -> str:
    """Without white space (non-breaking too) and invisible format marks at both ends."""
    start, end = 0, len(text)
    while start < end and _is_margin(text[start]):
        start += 1
    while end > start and _is_margin(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_margin(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) == "Cf"


def _invisible(text: str) -> str | None:
    """The first control, format or unassigned character as U+XXXX with its name; None when there is none."""
    if text.isprintable():
        return None
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Co"):
            return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()
    return None


def _is_email(name: str) -> bool:
    local, _, domain = name.partition("@")
    labels = domain.split(".")
    return bool(local) and len(labels) > 1 and all(labels)


def shown(value: object, most: int = 80) -> str:
    """`value` for a message: characters nobody can see are written as escapes, a text longer than `most` is cut."""
    text = value if isinstance(value, str) else repr(value)
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)


def column_of(wanted: str, present: Sequence[str], source: str) -> str | None:
    """The column meant: the very name, else the one alike; None when there is none, SourceError when several are."""
    if wanted in present:
        return wanted
    alike = [name for name in present if _loose(name) == _loose(wanted)]
    if len(alike) > 1:
        raise SourceError(
            f"column `{shown(wanted)}` of {source} could be {told(alike)}; found: {told(present)}; "
            "write the right one exactly in `column` of the settings"
        )
    return alike[0] if alike else None


def _loose(name: str) -> str:
    """A column name without regard to letter case, white space and invisible marks."""
    return same("".join(c for c in name if not _is_margin(c)))


def told(names: Iterable[str]) -> str:
    """Names of columns for a message."""
    return ", ".join(f"`{shown(name)}`" for name in names) or "no columns"


class Finder:
    """Finds the wanted columns in rows whose set of columns may differ from row to row (JSON Lines).

    The first of `wanted` also means the one column of rows that are bare user names; '' wants no column.
    """

    def __init__(self, wanted: Sequence[str], source: str) -> None:
        self._wanted = tuple(wanted)
        self._source = source
        self._known: dict[tuple[str, ...], tuple[str | None, ...]] = {}
        self._listed: dict[str, None] = {}

    def keys(self, present: tuple[str, ...]) -> tuple[str | None, ...]:
        """The wanted columns as they are called among `present`; None where there is none."""
        if present not in self._known:
            self._listed.update(dict.fromkeys(present))
            self._known[present] = tuple(self._match(wanted, present) for wanted in self._wanted)
        return self._known[present]

    def require_all(self) -> None:
        """Raises SourceError naming every wanted column that no row had."""
        missing = [
            wanted
            for place, wanted in enumerate(self._wanted)
            if wanted and all(columns[place] is None for columns in self._known.values())
        ]
        if missing:
            names = ", ".join(f"`{shown(name)}`" for name in missing)
            raise SourceError(
                f"{self._source} has no column {names}; found: {told(self._listed)}; "
                "name the right one in `column` of the settings"
            )

    def _match(self, wanted: str, present: Sequence[str]) -> str | None:
        if present == (ONLY_COLUMN,):
            return ONLY_COLUMN if wanted == self._wanted[0] else None
        return column_of(wanted, present, self._source) if wanted else None
