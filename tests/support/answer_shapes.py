"""The shape of an answer: the paths of its elements and attributes, and how the table of shapes spells them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

SANDBOX = Path(__file__).parent.parent / "sandbox"
TABLE = SANDBOX / "shapes.tsv"


class Left(NamedTuple):
    """What is left out with all that is in it, and why; without a path the request is not played."""

    request: str
    path: str
    why: str


LEFT = [
    Left(**row)
    for row in csv.DictReader((SANDBOX / "shapes_left.tsv").read_text(encoding="utf-8").splitlines(), delimiter="\t")
]


class Answered(NamedTuple):
    """A recorded answer: its name, the request, the API version (empty: the newest), its shape."""

    name: str
    request: str
    version: str
    shape: frozenset[str]


def shape_of(text: str) -> frozenset[str]:
    """Paths such as `users/user/@id` of everything below the envelope of an answer in XML."""
    return frozenset(_paths(ElementTree.fromstring(text.encode()), ""))


def _paths(node: ElementTree.Element, above: str) -> Iterator[str]:
    yield from (f"{above}@{name}" for name in node.attrib if not name.startswith("{"))
    for child in node:
        path = above + child.tag.rpartition("}")[2]
        yield path
        yield from _paths(child, path + "/")


def spelled(words: str) -> Iterator[str]:
    """The paths of `user(@id domain(@name))`."""
    above, last = [""], ""
    for token in re.findall(r"[^\s()]+|[()]", words):
        if token == "(":
            above.append(last + "/")
        elif token == ")":
            above.pop()
        else:
            last = above[-1] + token
            yield last


def recorded() -> Iterator[Answered]:
    """Every answer of the table; one that was recorded several times counts as often."""
    with TABLE.open() as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            shape = frozenset(spelled(row["shape"]))
            for words in row["answers"].split():
                name, _star, times = words.partition("*")
                for number in range(int(times or 1)):
                    full = f"{name} {row['version']} {row['request']} {number}" if name == "recorded" else name
                    yield Answered(full, row["request"], row["version"], shape)


def name_of(request: str) -> str:
    """A request without its query."""
    return request.partition("?")[0]


def excused(answer: Answered) -> set[str]:
    """What of an answer's shape is left out for a reason."""
    paths = [one.path for one in LEFT if one.path and one.request == name_of(answer.request)]
    return {part for part in answer.shape for path in paths if part == path or part.startswith(path + "/")}
