"""When two names are the same name, how they are told so that nothing in them acts, and which are near one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

# What JSON leaves as it is and a terminal, or a reader's eye, obeys.
_ACTING = re.compile(
    r"[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)

# Letters by Unicode's word, of which nothing is seen.
_UNSEEN = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U000e0100-\U000e01ef]")

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def plain(words: str) -> str:
    """By its letters and digits alone: `export_image`, `ExportImage` and `Export Image` are one."""
    return "".join(letter for letter in words.casefold() if letter.isalnum())


def same(name: str) -> str:
    """The form in which two names are compared: letter case and the way accents are written do not count."""
    if name.isascii():  # nothing to normalise, and by far the most of many
        folded = name.lower()
        return name if folded == name else folded  # of a million names no second copy
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_writable(text: str) -> bool:
    """Whether Tableau's XML can carry it: no control characters but tab and line end, no halves of a character."""
    return text.isprintable() or not _NOT_IN_XML.search(text)


def visible(text: str) -> str:
    """The text with every character that is not seen, or that acts, as an escape: one line, whatever is in it.

    Control characters (C0, C1, ESC), line ends, marks of direction and other characters without a width, white space
    that is no blank, and halves of a character.
    """
    if text.isprintable():  # nearly all
        return text if text.isascii() else _UNSEEN.sub(lambda match: _escape(match[0]), text)
    return "".join(c if c.isprintable() and not _UNSEEN.match(c) else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def visible_in_json(text: str) -> str:
    """JSON that says the same, in which nothing acts."""
    return text if text.isascii() and "\x7f" not in text else _ACTING.sub(_as_json_escape, text)


def _as_json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def some(names: Sequence[str], most: int = 5) -> str:
    """The first of several names in back-ticks, and how many more there are."""
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def hint(words: str, names: Mapping[str, str], otherwise: str = "", most: int = 5) -> str:
    """`; near it: ...`: names (each with what else it is known as) that contain the words or are spelt much like them.

    `otherwise` where none does.
    """
    from difflib import get_close_matches

    key = same(words.strip())
    near = sorted(name for name, other in names.items() if key in same(f"{name} {other}"))
    if not near:
        alike = {same(name): name for name in names if abs(len(name) - len(key)) <= 2}
        near = [alike[like] for like in get_close_matches(key, alike, n=most, cutoff=0.75)]
    return f"; near it: {', '.join(f'`{name}`' for name in near[:most])}" if near else otherwise
