"""The cells of a row that names a person: user names and other text, cleaned or refused; columns by their names.

Behind every source, so that a cell means the same in a file, a sheet, a table and a function. Not what a row makes of
them (roster.py, records.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from tabwarden.model.errors import SourceError
from tabwarden.model.names import same, visible

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


# -- user names ------------------------------------------------------------------------------------------------

_PLAIN = re.compile(
    r"(?:[A-Za-z0-9_-]+\\)?[A-Za-z0-9](?:[A-Za-z0-9.+'&$_-]*[A-Za-z0-9_$-])?(?:@[A-Za-z0-9]+(?:[.-]+[A-Za-z0-9]+)*)?"
)
"""What most names are like; the others are looked at closely."""

_NOBODY = frozenset(
    "null none nil nan n/a na n.a. n.a n/v k.a. k.a undefined unknown unbekannt vacant tbd tba tbc empty blank"
    " true false \\n".split()
)
"""What people and programs write where there is nobody (as compared)."""

_ERRORS = re.compile(
    r"#(?:N/A|NV|N/D|[A-Z0-9À-Þ/]+[!?]|(?:SPILL|CALC|FIELD|BLOCKED|CONNECT|GETTING_DATA).*|#+)", re.IGNORECASE
)
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[ T].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reason)
    for pattern, reason in (
        (r"=.*", "is a formula; store what it yields"),
        (r"(?:.*<.*@.*>|<.*>)", "holds a name and an address; write the address alone"),
        (r"[a-z][a-z0-9+]*:.*", "begins with what an address is for, as `mailto:` does; write the address alone"),
        (r"(?:cn|uid|ou|dc)=.*", "is a place in a directory; write the user name"),
        (r"[+-].*", "begins as a formula does; write the user name alone"),
        (r"(?:.*\\)?@.*", "names nobody before the @; write the whole user name"),
        (r".*@", "names nothing after the @; write the whole user name"),
        (r".*\\.*\\.*", "has more than one backslash; write `DOMAIN\\name`"),
        (r"\\.*", "has no domain before the backslash; write `DOMAIN\\name`"),
        (r".*\\", "has no name after the domain; write `DOMAIN\\name`"),
        (r".*/.*", "holds a `/`; a domain is parted from the name by `\\`"),
        (r"(['\"]).*\1", "stands in quotes; take them off"),
        (r"[.,;:|'`([{*#~!].*", "begins with `{}`, which is no part of it; write the user name alone"),
        (r".*[.,;:|`)\]}*]", "ends in `{1}`, which is no part of it; take it off"),
        (r".*;.*", "holds a `;`; a row holds one user name"),
    )
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK"})
"""Alphabets whose letters look alike."""
_PLAIN_FOR = str.maketrans(
    dict.fromkeys("‐‑‒–—―−﹘﹣－", "-")
    | dict.fromkeys("‘’‚‛´ʼ＇", "'")
    | dict.fromkeys("“”„‟＂", '"')
    | {"＠": "@", "．": ".", "。": ".", "＼": "\\"}
)


def user_name(value: object, require_email: bool, column: str | None = None) -> str:
    """The user name in a cell, trimmed and NFC; `column` is what its column is called. Raises BadCell."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not value[0].isdigit() and len(value) <= LONGEST:
        known = value.lower()
        if known not in _NOBODY and (column is None or known != same(column)) and not require_email:
            return value
    text = _as_text(value)
    name = unicodedata.normalize("NFC", text.strip())
    if not name:
        raise BadCell(shown(text), "is blank; give the user name or delete the row")
    if len(name) > LONGEST:
        raise BadCell(shown(text), f"has {len(name)} characters; Tableau takes at most {LONGEST}")
    if column and same(name) == same(column):
        raise BadCell(shown(text), "is the heading again; delete the row")
    if not _PLAIN.fullmatch(name) or (name[0].isdigit() and _mangled(name)) or same(name) in _NOBODY:
        _look_closely(name, text)
    if require_email and not _is_email(name):
        raise BadCell(shown(text), "is not an e-mail address; on this site user names are e-mail addresses")
    return name


def _look_closely(name: str, text: str) -> None:
    """Raises BadCell where a name is none: what is written where there is nobody, what spreadsheets and mails leave."""
    reason = _mangled(name) or _names_nobody(name) or _odd_character(name)
    if not reason and name.count("@") > 1:
        reason = "has more than one @; a row holds one user name"
    reason = reason or next((words for shape, words in _SHAPES if shape.fullmatch(name)), "").format(name[0], name[-1])
    spaces = [f"U+{ord(c):04X} {unicodedata.name(c, '')}" for c in name if c.isspace()]
    if spaces and not reason:
        reason = f"has white space inside ({spaces[0]}); a row holds one user name, without spaces"
    if reason:
        raise BadCell(shown(text), reason)


def _names_nobody(name: str) -> str:
    if same(name.strip("()<>[]{}")) in _NOBODY:
        escape = f", or write `local\\{name}` if somebody is called so" if name.isalnum() else ""
        return f"is what is written where there is nobody; delete the row{escape}"
    bare = name.rpartition("\\")[2]
    if bare and bare != "@" and not any(c.isalnum() for c in bare):
        return "holds no letter and no digit; give the user name or delete the row"
    return ""


def _mangled(name: str) -> str:
    """What a spreadsheet made of it; '' where it did nothing."""
    if _ERRORS.fullmatch(name):
        return "is an error of a spreadsheet; repair the formula in this cell"
    if _ROUNDED.fullmatch(name):
        return "is a number that a spreadsheet rounded; store the column as text and write it again"
    return "is a date; is this the column with user names?" if _DAY.fullmatch(name) else ""


def _odd_character(name: str) -> str:
    """A character nobody can see, or one that looks like another; '' where there is none."""
    if (character := _invisible(name)) is not None:
        return f"holds the invisible character {character}; type the name again by hand"
    if name.isascii():
        return ""
    odd = next((c for c in name if not c.isspace() and _plain(c) != c), None)
    if odd is not None:
        return f"holds {_called(odd)}; write a plain `{_plain(odd)}`"
    mixed = next((word for word in _WORD.findall(name) if len({_script(c) for c in word} & _ALIKE) > 1), None)
    if mixed is None:
        return ""
    latin = any(c.isascii() for c in mixed)
    strange = next(c for c in mixed if _script(c) != ("LATIN" if latin else _script(mixed[0])))
    return f"holds {_called(strange)} among letters of another alphabet, which look alike; type the name again by hand"


def _plain(character: str) -> str:
    """What it is written for: of wide letters, ligatures and the like the plain ones."""
    plain = character.translate(_PLAIN_FOR)
    folded = unicodedata.normalize("NFKC", plain)
    return folded if folded.isascii() and folded.isprintable() else plain


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _called(character: str) -> str:
    return f"`{character}` (U+{ord(character):04X} {unicodedata.name(character, '')})"


def known_by(row: Mapping[str, object], key: str | None) -> str:
    """A key or an e-mail: as `text_of`; what is written where there is none, such as `n/a` or `-`, is the empty text.

    Two people without a key would be one otherwise. Raises BadCell.
    """
    text = text_of(row, key)
    if text and (same(text.strip("()<>[]")) in _NOBODY or not any(c.isalnum() for c in text)):
        return ""
    if _ROUNDED.fullmatch(text):
        raise BadCell(shown(text), f"(column `{shown(key)}`) {_mangled(text)}")
    return text


# -- any cell --------------------------------------------------------------------------------------------------


def _as_text(value: object, advice: str = "store user names as text") -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Broken):
        raise BadCell(shown(value.text), value.reason)
    if value is None:
        raise BadCell("", "is empty (null); give the user name or delete the row")
    raise BadCell(shown(value), f"is of type {type(value).__name__}, not text; {advice}")


def text_of(row: Mapping[str, object], key: str | None) -> str:
    """A cell other than the user name: absent and null are the empty text. Raises BadCell."""
    value = row.get(key) if key else None
    if value is None or value == "":
        return ""
    try:
        text = unicodedata.normalize("NFC", _as_text(value, "name another column, or store it as text").strip())
    except BadCell as bad:
        raise BadCell(bad.value, f"(column `{shown(key)}`) {bad.reason}") from None
    if text.isascii() and text.isprintable() and text[:1] not in "#=":
        return text
    reason = "is a formula; store what it yields" if text.startswith("=") else ""
    if (character := _invisible(text)) is not None:
        reason = f"holds the invisible character {character}; type it again"
    elif _ERRORS.fullmatch(text):
        reason = _mangled(text)
    if reason:
        raise BadCell(shown(value), f"(column `{shown(key)}`) {reason}")
    return text


def has_odd_margin(value: object) -> bool:
    """Whether more than plain white space was taken off around a cell: that is told."""
    text = value.strip(" \t\r\n") if isinstance(value, str) else ""
    return text != text.strip()


def oddly_written(rows: Sequence[int], source: str, most: int = 5) -> tuple[str, ...]:
    """The remark on rows whose user names had odd white space around them; none where there are none."""
    if not rows:
        return ()
    numbers = ", ".join(map(str, rows[:most])) + (f" and {len(rows) - most} more" if len(rows) > most else "")
    what = "white space that is no plain space was taken off around user names"
    return (f"{what} of {source}: row{'s' if len(rows) > 1 else ''} {numbers}",)


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
    text = value if isinstance(value, str) else str(value) if isinstance(value, date) else repr(value)
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return visible(cut)


def column_of(wanted: str, present: Sequence[str], source: str) -> str | None:
    """The column meant: the very name, else the one alike; None when there is none, SourceError when several are."""
    if wanted in present:
        return wanted
    alike = [name for name in present if loose(name) == loose(wanted)]
    if len(alike) > 1:
        raise SourceError(
            f"column `{shown(wanted)}` of {source} could be {told(alike)}; found: {told(present)}; "
            "write the right one exactly in `column` of the settings"
        )
    return alike[0] if alike else None


def loose(name: str) -> str:
    """A column name without regard to letter case, white space and invisible marks."""
    return same("".join(c for c in name if not c.isspace() and unicodedata.category(c) != "Cf"))


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
