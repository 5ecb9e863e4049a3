"""What makes a policy shorter: templates of what it says again and again, packs of projects that are alike."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tabwarden.effects.forms.rules import templates_of
from tabwarden.model.capability import TEMPLATES, capability_named, kind_named
from tabwarden.model.tables import grouped
from tabwarden.want.policy.wishes import KIND_WORDS

GRANTEES = ("group", "group_set", "user", "all_users", "reason", "owner", "expires")
LIKE = 0.5  # of the capabilities that either has, so many are in both: then it is called after that template
PEOPLE = {"View": "Viewers", "Explore": "Explorers", "Publish": "Publishers", "Administer": "Administrators"}

_KINDS = {word: kind for kind, word in KIND_WORDS.items()}

Entry = dict[str, Any]
FREE = {key: key for key in ("owner", "description", "group", "group_set", "user")} | {"leaders": "leader"}
SHORTER = 0.8  # a pack is worth it where it takes at most so much of the letters

Projects = dict[str, dict[str, Any]]


# -- templates ------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """Cells by kind (as a template has them) and the row and keys where they stand."""

    cells: Entry
    row: Entry
    keys: tuple[str, ...]


def with_templates(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Templates by name, kind by kind; what the rules of the entries say more than once is said by them."""
    rows = [(row, entry.get("kind")) for entry in entries for row in entry.get("rules", ())]
    whole = [_Place(cells, row, tuple(cells)) for row, kind in rows if kind is None if (cells := _cells(row))]
    templates = _replaced([place for place in whole if len(place.keys) > 1], lambda like: PEOPLE.get(like, "Members"))
    single = []
    for row, kind in rows:
        lists = {key: cell for key, cell in row.items() if key not in GRANTEES and isinstance(cell, dict)}
        for key, cell in lists.items():
            if key != "all" or kind is not None:
                single.append(_Place({KIND_WORDS[kind_named(kind)] if kind else key: cell}, row, (key,)))
    for name, cells in _replaced(single, lambda like: f"Mostly {like}" if like else "Apart").items():
        templates.setdefault(name, {}).update(cells)
    return templates


def _cells(row: Entry) -> Entry:
    return {} if "all" in row else {key: cell for key, cell in row.items() if key not in GRANTEES}


def _replaced(places: Iterable[_Place], called: Callable[[str], str]) -> dict[str, Entry]:
    """Templates of what stands in several places, where that saves letters; their names stand there instead."""
    equal = grouped((repr(place.cells), place) for place in places)
    numbers: Counter[tuple[str, str]] = Counter()
    templates = defaultdict[str, Entry](dict)
    for words, alike in sorted(equal.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        first = alike[0]
        if (len(words) - 20) * len(alike) <= len(words) + 20:
            continue
        name = called(_like(first.cells))
        kinds = ",".join(first.cells) if len(first.keys) == 1 else ""
        numbers[name, kinds] += 1
        if numbers[name, kinds] > 1:
            name = f"{name} {numbers[name, kinds]}"
        templates[name].update(first.cells)
        for place in alike:
            for key in place.keys:
                del place.row[key]
            place.row[place.keys[0] if len(place.keys) == 1 else "all"] = name
    return dict(templates)


def _like(cells: Mapping[str, Any]) -> str:
    """The template of Tableau that is most alike, by the cell of workbooks where there is one; empty for none."""
    key = "workbooks" if "workbooks" in cells else next(iter(cells))
    kind, cell = _KINDS[key], cells[key]
    lists = {"template": cell} if isinstance(cell, str) else cell
    allow = templates_of(kind)[lists.get("template", "None")]
    allow |= {capability_named(words, kind) for words in lists.get("allow", ())}
    templates = {name: names for name, names in templates_of(kind).items() if name in TEMPLATES[kind] and names}
    scores = {name: len(allow & names) / len(allow | names) for name, names in templates.items()}
    nearest = max(scores, key=lambda name: (scores[name], name), default="")
    return nearest if scores.get(nearest, 0) >= LIKE else ""


# -- packs ----------------------------------------------------------------------------------------------------


class _Piece(NamedTuple):
    """An entry in a department: by the rest of its path a project, or contents (a number); `shape` is it without names.

    Pieces of one shape, and of one rest with `{name}` for the department's name, differ by the names alone.
    """

    key: str
    shape: str
    value: dict[str, Any]


class _Department(NamedTuple):
    """A project and what is said of all in it; `at` is the path of what holds it, with a slash."""

    at: str
    name: str
    pieces: tuple[_Piece, ...]

    @property
    def keys(self) -> set[tuple[str, str]]:
        """Its pieces as another department's are compared with them."""
        return {(piece.key, piece.shape) for piece in self.pieces}


def with_packs(projects: Projects, content: list[dict[str, Any]]) -> tuple[Projects, list[dict[str, Any]]]:
    """Packs by name and their uses; what they say is taken out of `projects` and `content`.

    Of a project that is nearly as its pack says, `projects` keeps the keys that differ, which count before the pack's.
    """
    packs: Projects = {}
    uses: list[dict[str, Any]] = []
    gone: set[int] = set()
    own: Projects = {}
    for siblings, group in _side_by_side(projects, content, gone):
        common, alike = _alike(group)
        if len(alike) < 2:
            continue
        name = "department" if not packs else f"department {len(packs) + 1}"
        pack = _pack(alike, common)
        fitting = [fits for one in siblings if (fits := _fitting(pack, one)) is not None]
        before = sum(len(str(piece.value)) for fits in fitting for piece in fits.pieces)
        if len(fitting) < 2 or len(str(pack)) + sum(fits.letters for fits in fitting) > SHORTER * before:
            continue
        packs[name] = pack
        for fits in fitting:
            uses.append({"pack": name, "with": fits.given})
            own |= fits.own
            gone |= {id(piece.value) for piece in fits.pieces}
    for path in [path for path, entry in projects.items() if id(entry) in gone]:
        del projects[path]
    projects |= own
    content[:] = [entry for entry in content if id(entry) not in gone]
    return packs, uses


def _side_by_side(
    projects: Projects, content: list[dict[str, Any]], gone: Collection[int]
) -> Iterator[tuple[list[_Department], list[_Department]]]:
    """All projects in one project, and those whose own entries have one shape; outermost first, none `gone` (ids)."""
    siblings = defaultdict[str, list[str]](list)
    inside = defaultdict[str, list[tuple[str, dict[str, Any]]]](list)
    for path, entry in projects.items():
        siblings[path.rpartition("/")[0]].append(path)
        for above in (*_above(path), path):
            inside[above].append((path, entry))
    for entry in content:
        for above in set.intersection(*(set(_above(path)) for path in entry["paths"])):
            inside[above].append(("", entry))
    for at in sorted(siblings, key=lambda path: (path.count("/") if path else -1, path)):
        departments = []
        for path in siblings[at] if len(siblings[at]) > 1 else ():
            entries = [one for one in inside[path] if id(one[1]) not in gone]
            if id(projects[path]) not in gone and not any("{" in text or "}" in text for text in _texts(entries)):
                departments.append(_department(f"{at}/" if at else "", path, entries))
        by_shape = grouped((department.pieces[0].shape, department) for department in departments)
        for group in sorted(by_shape.values(), key=lambda group: -len(group)):
            if len(group) > 1:
                left = [one for one in departments if id(one.pieces[0].value) not in gone]
                yield left, [one for one in group if one in left]


def _department(at: str, path: str, entries: Iterable[tuple[str, dict[str, Any]]]) -> _Department:
    name = path[len(at) :]
    pieces = (_piece(name, at, inner[len(at) :], entry) for inner, entry in entries)
    return _Department(
        at, name, tuple(sorted(pieces, key=lambda piece: (piece.key != "{name}", piece.key, piece.shape)))
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _above(path: str) -> Iterator[str]:
    """The paths of what a path lies in, from the top."""
    return (path[:number] for number, letter in enumerate(path) if letter == "/")


def _piece(name: str, start: str, rest: str, entry: dict[str, Any]) -> _Piece:
    if rest:
        return _Piece("{name}" + _renamed(rest[len(name) :], name), repr(_shape(entry)), entry)
    paths = ["{name}" + _renamed(path[len(start) + len(name) :], name) for path in entry["paths"]]
    return _Piece("", repr((paths, _shape({**entry, "paths": []}))), entry)


def _renamed(words: str, name: str) -> str:
    return re.sub(rf"\b{re.escape(name)}\b", "{name}", words)


def _shape(value: Any, key: str = "") -> Any:
    """The value without the names in it."""
    if isinstance(value, dict):
        return {one: _shape(inner, one) for one, inner in value.items()}
    if isinstance(value, list):
        return [_shape(one, key if key == "leaders" else "") for one in value]
    return "" if key in FREE else value


def _alike(departments: Sequence[_Department]) -> tuple[set[tuple[str, str]], list[_Department]]:
    """What more than half of them say, and those that say all of it."""
    counts: Counter[tuple[str, str]] = Counter()
    for department in departments:
        counts.update(department.keys)
    common = {key for key, count in counts.items() if count * 2 > len(departments)}
    for department in departments:
        shapes = Counter((piece.key, piece.shape) for piece in department.pieces)
        common -= {key for key, count in shapes.items() if count > 1}
    return common, [department for department in departments if common <= department.keys]


def _pack(departments: Sequence[_Department], common: Collection[tuple[str, str]]) -> dict[str, Any]:
    """The pack of what they have in common."""
    names = _Names([department.name for department in departments])
    pieces = zip(*([p for p in one.pieces if (p.key, p.shape) in common] for one in departments), strict=True)
    pack: dict[str, Any] = {"parameters": [], "projects": {}, "content": []}
    at = departments[0].at
    for side_by_side in pieces:
        value = names.unified([piece.value for piece in side_by_side])
        if side_by_side[0].key:
            pack["projects"][at + side_by_side[0].key] = value
        else:
            pack["content"].append({"paths": _paths(departments[0], side_by_side[0]), **value})
    pack["parameters"] = list(names.columns)
    return {key: value for key, value in pack.items() if value}


def _paths(department: _Department, piece: _Piece) -> list[str]:
    start = len(department.at) + len(department.name)
    return [department.at + "{name}" + _renamed(path[start:], department.name) for path in piece.value["paths"]]


class _Fits(NamedTuple):
    """How a department is told by a pack: the parameters, what differs by path, and the pieces that this tells."""

    given: dict[str, str]
    own: Projects
    pieces: list[_Piece]

    @property
    def letters(self) -> int:
        """About as many letters that takes."""
        return len(str(self.given)) + 30 + (len(str(self.own)) if self.own else 0)


def _fitting(pack: dict[str, Any], department: _Department) -> _Fits | None:
    """How a department is told by the pack; None where that is not shorter, or not possible."""
    given = {"name": department.name}
    pieces: list[_Piece] = []
    differing = list[tuple[str, dict[str, Any], dict[str, Any]]]()
    for path, wanted in pack["projects"].items():
        piece = next((one for one in department.pieces if one.key and department.at + one.key == path), None)
        if piece is None:
            return None
        pieces.append(piece)
        keys = [key for key in wanted if not _matches(wanted[key], piece.value.get(key), given)]
        differing.append((path, wanted, {key: piece.value.get(key) for key in (*keys, *(piece.value.keys() - wanted))}))
    for wanted in pack.get("content", ()):
        like = (one for one in department.pieces if not one.key and _paths(department, one) == wanted["paths"])
        piece = next((one for one in like if _matches(wanted["rules"], one.value["rules"], given)), None)
        if piece is None or piece.value["kind"] != wanted["kind"]:
            return None
        pieces.append(piece)
    if given.keys() != set(pack["parameters"]):
        return None
    own = {path.replace("{name}", department.name): keys for path, _, keys in differing if keys}
    fits = _Fits(given, own, pieces)
    return fits if fits.letters <= SHORTER * sum(len(str(piece.value)) for piece in pieces) else None


def _matches(wanted: Any, value: Any, given: dict[str, str]) -> bool:
    """Whether a value is as the pack's with parameters filled in; those that were not known are `given` afterwards."""
    if isinstance(wanted, dict) and isinstance(value, dict):
        return wanted.keys() == value.keys() and all(_matches(wanted[key], value[key], given) for key in wanted)
    if isinstance(wanted, list) and isinstance(value, list):
        pairs = zip(wanted, value, strict=False)
        return len(wanted) == len(value) and all(_matches(one, other, given) for one, other in pairs)
    if not isinstance(wanted, str) or not isinstance(value, str):
        return bool(wanted == value)
    alone = re.fullmatch(r"([^{}]*)\{(\w+)\}", wanted)
    if alone is not None and value.startswith(alone[1]):
        given.setdefault(alone[2], value.removeprefix(alone[1]))
    return value == re.sub(r"\{(\w+)\}", lambda match: given.get(match[1], match[0]), wanted)


class _Names:
    """Names that differ from department to department: made of its own name, or a parameter for each other."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.columns: dict[str, tuple[str, ...]] = {"name": tuple(names)}

    def unified(self, values: Sequence[Any], key: str = "") -> Any:
        """The one value that all are when it is filled in."""
        first = values[0]
        if isinstance(first, dict):
            return {one: self.unified([value[one] for value in values], one) for one in first if one != "paths"}
        if isinstance(first, list):
            inner = key if key == "leaders" else ""
            return [self.unified(column, inner) for column in zip(*values, strict=True)]
        if all(value == first for value in values):
            return first
        words = {value.replace(name, "{name}") for value, name in zip(values, self.names, strict=True)}
        if len(words) == 1:
            return words.pop()
        kinds = (f"{kind} " for kind in ("group set", "group", "user") if key == "leaders")
        kind = next((kind for kind in kinds if all(value.startswith(kind) for value in values)), "")
        return f"{kind}{{{self._parameter(FREE[key], tuple(value.removeprefix(kind) for value in values))}}}"

    def _parameter(self, word: str, column: tuple[str, ...]) -> str:
        known = next((name for name, values in self.columns.items() if values == column), None)
        if known is not None:
            return known
        number = sum(name.rstrip("0123456789") == word for name in self.columns)
        name = f"{word}{number + 1}" if number else word
        self.columns[name] = column
        return name
