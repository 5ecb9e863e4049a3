"""YAML read with the line of every key, and variables laid over it.

A place is a tuple of keys and list positions, for example ("mail", "to", 0). `Written` maps places to where they
were written, so that every problem can say it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tabwarden.safe_files import check_depth, check_size

Place = tuple[str | int, ...]
PREFIX = "TABWARDEN_"
_NO_YAML = (
    (
        re.compile(r"^([<>]{7}) .*$", re.MULTILINE),
        "a conflict of a merge was left; keep one side and take the marks out",
    ),
    (
        re.compile(r"\A\s*(?:[#;].*\s+)*^(\[[\w. -]+\])\s*$", re.MULTILINE),
        "a heading in square brackets is TOML or INI; in YAML it is `tableau:`, and below it, indented, `server: ...`",
    ),
)
"""What is no YAML for a reason one can see."""
# A long word in quotes may be part of a password that begins with * or !, so it is never repeated.


@dataclass(frozen=True)
class Origin:
    """Where a value was written: a line of a file, or a variable of the environment."""

    file: str = ""
    line: int = 0
    variable: str = ""

    def __str__(self) -> str:
        if self.variable:
            return f"environment variable `{self.variable}`"
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong: ordered as the lines are, variables last."""

    variable: str
    line: int
    text: str

    @classmethod
    def at(cls, origin: Origin, text: str) -> Problem:
        """A problem with where it is in front."""
        where = str(origin)
        return cls(origin.variable, origin.line, f"{where}: {text}" if where else text)


@dataclass
class Written:
    """The values as they were written, where each was, and what is wrong already.

    `of_no_site` tells that they are for several sites and nobody said for which.
    """

    file: str
    values: dict[str, Any] = field(default_factory=dict, repr=False)
    origins: dict[Place, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    of_no_site: bool = False

    def origin(self, place: Place) -> Origin:
        """Where a place was written; of what was not, where the nearest mapping around it was."""
        if place not in self.origins:
            below = [origin for at, origin in self.origins.items() if place and at[: len(place)] == place]
            if below:
                return below[0]
        for length in range(len(place), -1, -1):
            if place[:length] in self.origins:
                return self.origins[place[:length]]
        return Origin(self.file)

    def complain(self, place: Place, text: str) -> None:
        """Note a problem of a place; a source of people is called by its name wherever it has one."""
        people = self.values.get("people")
        sources = people.get("sources") if isinstance(people, Mapping) else None
        for number, source in enumerate(sources if isinstance(sources, list) else (), 1):
            if isinstance(source, Mapping) and isinstance(source.get("name"), str):
                text = text.replace(f"people.sources[{number}]", f"people.sources[{source['name']}]")
        self.problems.append(Problem.at(self.origin(place), text))


def read_yaml(text: str, file: str, such: str = "tableau:") -> Written:
    """The values of a YAML text. What is not YAML, or is there twice, is among the problems."""
    try:
        if hasattr(yaml, "CSafeLoader"):  # ten times as fast; of what is no YAML the other tells more
            with contextlib.suppress(yaml.MarkedYAMLError, yaml.reader.ReaderError):
                check_depth(yaml.parse(text, yaml.CSafeLoader))
                return _written(text, file, yaml.CSafeLoader, such)
        return _written(text, file, yaml.SafeLoader, such)
    except yaml.YAMLError as error:
        return Written(file, problems=[_not_yaml(error, file, text)])


def _written(text: str, file: str, kind: type[yaml.SafeLoader], such: str) -> Written:
    written, loader = Written(file), kind(text)
    try:
        node = loader.get_single_node()
        if node is not None and not (isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~")):
            check_size(node)
            written.origins[()] = _origin(file, node)
            value = _Walk(loader, written).value(node, ())
            if isinstance(value, dict):
                written.values = value
            else:
                written.complain((), f"must be a mapping of sections such as `{such}`, each on its own line")
    except RecursionError:
        written.problems.append(Problem.at(Origin(file), "is nested too deep; settings need four levels at most"))
    finally:
        loader.dispose()
    return written


def _origin(file: str, node: yaml.Node) -> Origin:
    return Origin(file, node.start_mark.line + 1)


def _not_yaml(error: yaml.YAMLError, file: str, text: str = "") -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if type(error) is yaml.YAMLError:  # it is YAML, and more than anybody means
        return Problem.at(Origin(file), str(error))
    origin = Origin(file, mark.line + 1) if mark else Origin(file)
    column = f" (column {mark.column + 1})" if mark else ""
    advice = "check the indentation, and put text with special characters into quotes"
    for form, words in _NO_YAML:
        if (strange := form.search(text)) is not None:
            return Problem.at(Origin(file, text.count("\n", 0, strange.start(1)) + 1), words)
    if str(getattr(error, "context", "")).startswith("expected a single document"):
        return Problem.at(origin, "a second document begins with `---`; a file is one, so put that into another file")
    if "could not determine a constructor" in str(getattr(error, "problem", "")):
        advice = (
            "a word that begins with `!` is a tag of YAML; put the text into quotes, or write `env:NAME` for a secret"
        )
    if mark is not None and mark.buffer is not None and mark.buffer[mark.pointer : mark.pointer + 1] == "\t":
        return Problem.at(origin, "a tab stands where a line begins; YAML takes spaces there: put two for each tab")
    if "escape" in str(getattr(error, "problem", "")):  # a path of Windows
        advice = "put text with backslashes into single quotes, or into none"
    return Problem.at(origin, f"not valid YAML{column}; {advice}")


class _Walk:
    """Turns nodes into values and remembers the line of each key."""

    def __init__(self, loader: yaml.SafeLoader, written: Written) -> None:
        self._loader = loader
        self._written = written
        self._above: set[int] = set()

    def value(self, node: yaml.Node, place: Place) -> Any:
        if id(node) in self._above:
            self._written.complain(place, f"`{dotted(place)}` holds itself through an alias; write the values out")
            return None
        self._above.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, place)
            if isinstance(node, yaml.SequenceNode):
                return self._list(node, place)
            return self._loader.construct_object(node, deep=True)
        except yaml.constructor.ConstructorError as error:
            self._written.problems.append(_not_yaml(error, self._written.file))
            return None
        except ValueError:  # such as the date 2024-13-45
            self._written.complain(place, f"`{dotted(place)}` looks like a date and is none; put the value into quotes")
            return None
        finally:
            self._above.discard(id(node))

    def _list(self, node: yaml.SequenceNode, place: Place) -> list[Any]:
        values = []
        for index, item in enumerate(node.value):
            self._written.origins[(*place, index)] = _origin(self._written.file, item)
            values.append(self.value(item, (*place, index)))
        return values

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        written_here = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        self._loader.flatten_mapping(node)
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "…"
            at = (*place, key)
            origin = _origin(self._written.file, key_node)
            if key in values and written_here.count(key) > 1:
                first = self._written.origins[at].line
                self._written.problems.append(
                    Problem.at(origin, f"`{dotted(at)}` is there twice, first in line {first}; keep one")
                )
            self._written.origins[at] = origin
            value, before = self.value(value_node, at), values.get(key)
            # of a section that is there twice both halves are looked at, so that nothing wrong stays hidden
            values[key] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
        return values


def dotted(place: Place) -> str:
    """A place as people read it: `mail.to[1]` is its first item."""
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def lay_over(
    written: Written, environ: Mapping[str, str], sections: tuple[str, ...], parse: Callable[[Place, str], Any]
) -> None:
    """Put the variables `TABWARDEN_<SECTION>__<KEY>` over the values; deeper keys follow after more `__`.

    `parse` turns the text of a variable into the value its place wants. A variable of a known section with one
    underscore where two belong is a problem, for it would silently do nothing.
    """
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX)
        if name == variable:
            continue
        place: Place = tuple(part.lower() for part in name.split("__"))
        if len(place) == 1:
            section = next((known for known in sections if name.lower().startswith(known + "_")), None)
            if section:
                better = PREFIX + section.upper() + "__" + name[len(section) + 1 :]
                written.problems.append(
                    Problem.at(Origin(variable=variable), f"has one underscore after the section; write `{better}`")
                )
            continue
        _put(written, place, parse(place, environ[variable]), Origin(variable=variable))


def _put(written: Written, place: Place, value: Any, origin: Origin) -> None:
    at: dict[str | int, Any] = written.values  # type: ignore[assignment]
    for key in place[:-1]:
        if not isinstance(at.get(key), dict):
            at[key] = {}
        at = at[key]
    at[place[-1]] = value
    for below in [known for known in written.origins if known[: len(place)] == place]:
        del written.origins[below]
    written.origins[place] = origin
