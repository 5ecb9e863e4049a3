"""Names and texts in double quotes, both ways: any text can be written, in letters that a reader sees.

As in CSV a quotation mark in quotes is doubled; a backslash stands for itself, for it parts domain and name. What is
not seen (a line end, a mark of direction) has an escape of JSON, in a name behind `json:`, in a description as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from tabwarden.model.names import visible

_ENDS = r"(?=[\s,;.]|$)"
_JSON = r'json:"(?:[^"\\]|\\.|"")*"'
_LITERAL = rf'(?:{_JSON}|"(?:[^"]|"")*")'
_NAME = re.compile(rf"(?<![^\s:,;]){_LITERAL}{_ENDS}", re.DOTALL | re.IGNORECASE)
# Of a sentence that ends in a description, what stands behind `as` is one: there a backslash escapes the mark.
_TEXT = re.compile(rf'(?:(?<=\sas\s)"(?:[^"\\]|\\.|"")*"{_ENDS})|{_NAME.pattern}', re.DOTALL | re.IGNORECASE)
_DESCRIBING = re.compile(r"\s*(describe|new\s+project)\s", re.IGNORECASE)
_TOKEN = re.compile("\0([0-9]+)\0")
_ONE = re.compile(rf"((?:(?!json:)\w+:\s*)?)({_LITERAL})", re.DOTALL | re.IGNORECASE)
TOKEN = "\0[0-9]+\0"
"""What stands in a sentence for something in quotes while its form is looked for."""


class Quoting:
    """A sentence in which all that stands in quotes is opaque, and blanks elsewhere are single."""

    def __init__(self, sentence: str) -> None:
        self._literals: list[str] = []
        pattern, at, parts = _TEXT if _DESCRIBING.match(sentence) else _NAME, 0, list[str]()
        for match in pattern.finditer(sentence):
            parts += (_single(sentence[at : match.start()]), f"\0{len(self._literals)}\0")
            self._literals.append(match[0])
            at = match.end()
        self.sentence = "".join((*parts, _single(sentence[at:]))).strip().rstrip(".;")

    def words(self, groups: Mapping[str, str | None]) -> dict[str, str | None]:
        """What stands in the places of a form, as it was written."""
        return {key: value and _TOKEN.sub(self._written, value) for key, value in groups.items()}

    def _written(self, match: re.Match[str]) -> str:
        return self._literals[int(match[1])]


def _single(words: str) -> str:
    return re.sub(r"[\s\0]+", " ", words)


def is_literal(words: str) -> bool:
    """Whether all of it stands in quotes, perhaps behind a kind."""
    return _ONE.fullmatch(words) is not None


def name_meant(words: str) -> str:
    """The name: of one in quotes what is in them, behind its kind where it has one."""
    match = _ONE.fullmatch(words.strip())
    if match is None:
        text = words.strip()
        return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    kind, literal = match.groups()
    return kind + (_unescaped(literal[6:-1]) if literal[0] != '"' else literal[1:-1].replace('""', '"'))


def text_meant(words: str) -> str:
    """The text in quotes; what is no JSON stands as it is."""
    return _unescaped(words[words.index('"') + 1 : -1])


def _unescaped(inside: str) -> str:
    escaped = re.sub(r'\\.|""', lambda match: '\\"' if match[0] == '""' else match[0], inside, flags=re.DOTALL)
    try:
        return str(json.loads(f'"{escaped}"', strict=False))
    except ValueError:
        return inside.replace('""', '"')


def listed(words: str, between: str) -> list[str]:
    """Parts with `between` (a pattern) between them, where it is not in quotes."""
    quoting = Quoting(words)
    return [part for one in re.split(between, quoting.sentence) if (part := str(quoting.words({"": one})[""]).strip())]


def name_words(name: str) -> str:
    """The name in quotes, whatever is in it."""
    if visible(name) != name:
        return f"json:{text_words(name)}"
    return '"{}"'.format(name.replace('"', '""'))


def text_words(text: str) -> str:
    """The text in quotes, as a description stands in a sentence."""
    return '"{}"'.format("".join(map(_escaped, text)))


def _escaped(letter: str) -> str:
    if letter == '"':
        return '""'
    return letter if letter != "\\" and visible(letter) == letter else json.dumps(letter)[1:-1]
