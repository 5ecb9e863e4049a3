"""Columns kept as files and opened again: a folder of NumPy arrays, or of Parquet tables.

    site-columns/
      about.json         format, vocabulary, what is known of the Site beside its people and content
      facts.npz          every array the engine needs          (NumPy form)
      names.npz          ids and names, opened when asked for
      users.parquet groups.parquet members.parquet ...         (Parquet form, through DuckDB)

The NumPy form needs nothing beside NumPy. The Parquet form is for warehouses and notebooks: one table a file, columns
named as in docs/reference/columns.md; it needs the extra `files`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tabwarden.engine.columns import (
    Array,
    Columns,
    Contents,
    Defaults,
    Groups,
    GroupSets,
    Names,
    RuleLists,
    Users,
    Uses,
    Vocabulary,
    Words,
)
from tabwarden.model.errors import IncompleteRead, UnknownName
from tabwarden.store import columns_parquet
from tabwarden.store.snapshots import about_of, bare_site

FORMAT = 3
ABOUT, FACTS, NAMES = "about.json", "facts.npz", "names.npz"
TABLES: dict[str, Any] = {
    "users": Users,
    "groups": Groups,
    "group_sets": GroupSets,
    "contents": Contents,
    "defaults": Defaults,
    "uses": Uses,
    "rules": RuleLists,
}


def save_columns(columns: Columns, folder: Path | str, *, parquet: bool = False) -> Path:
    """Write `columns` to the new folder `folder`, which appears whole or not at all; FileExistsError if it is there.

    Only the owner may read it: the columns tell who may do what.
    """
    place = Path(folder)
    if place.exists():
        raise FileExistsError(f"`{place}` is there already; give a new folder")
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=place.parent))
    try:
        about = {"format": FORMAT, "form": "parquet" if parquet else "numpy"}
        about |= about_of(columns.about, columns.vocabulary._asdict())
        if parquet:
            columns_parquet.write(columns, aside)
        else:
            _write_arrays(aside / FACTS, facts_of(columns))
            _write_arrays(aside / NAMES, names_of(columns.names))
        (aside / ABOUT).write_text(json.dumps(about, indent=2, ensure_ascii=True) + "\n", encoding="utf-8")
        os.replace(aside, place)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return place


def open_columns(folder: Path | str) -> Columns:
    """The columns kept there, in either form; names are read when they are asked for.

    UnknownName where there are none, IncompleteRead where they are damaged or of a newer format.
    """
    place = Path(folder)
    if not (place / ABOUT).is_file():
        raise UnknownName(f"no columns at `{place}`: there is no `{ABOUT}` in it")
    try:
        about = json.loads((place / ABOUT).read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise IncompleteRead(
                f"the columns `{place}` have format {about['format']}, this release reads {FORMAT}; "
                "use the one that wrote them"
            )
        if about["form"] == "parquet":
            facts, names = columns_parquet.facts(place), _lazily(lambda: columns_parquet.names(place))
        else:
            facts, names = _read_arrays(place / FACTS), _lazily(lambda: _read_arrays(place / NAMES))
        return columns_over(about, facts.__getitem__, names)
    except IncompleteRead:
        raise
    except (KeyError, TypeError, ValueError, OSError, AttributeError) as error:
        raise IncompleteRead(f"the columns `{place}` are damaged ({error!r}); write them anew") from None


def facts_of(columns: Columns) -> dict[str, Array]:
    """Every array of the facts by `table.column`."""
    return {
        f"{table}.{column}": array for table in TABLES for column, array in getattr(columns, table)._asdict().items()
    }


def names_of(names: Names) -> dict[str, Array]:
    """Every array of ids and names; the words themselves as `words.data` and `words.ends`."""
    plain = {column: array for column, array in names._asdict().items() if column != "words"}
    return {**plain, "words.data": names.words.data, "words.ends": names.words.ends}


def columns_over(
    about: Mapping[str, Any],
    array: Callable[[str], Array],
    name: Callable[[str], Array] | None = None,
    find: Callable[[str, str], int | None] | None = None,
) -> Columns:
    """Columns of what `about_of` told; `array` opens by name the arrays of `facts_of`, `name` those of `names_of`.

    `find` is that of `Columns`.
    """
    of_names = name or array

    def names() -> Names:
        plain = {column: of_names(column) for column in Names._fields if column != "words"}
        return Names(words=Words(of_names("words.data"), of_names("words.ends")), **plain)

    tables = {
        table: table_type(**{column: array(f"{table}.{column}") for column in table_type._fields})
        for table, table_type in TABLES.items()
    }
    vocabulary = Vocabulary(**{name: tuple(texts) for name, texts in about["vocabulary"].items()})
    return Columns(about=bare_site(about), vocabulary=vocabulary, open_names=names, find=find, **tables)


def _lazily(read: Callable[[], dict[str, Array]]) -> Callable[[str], Array]:
    arrays: dict[str, Array] = {}

    def array(name: str) -> Array:
        if not arrays:
            arrays.update(read())
        return arrays[name]

    return array


# -- NumPy ----------------------------------------------------------------------------------------------------


def _write_arrays(path: Path, arrays: dict[str, Array]) -> None:
    """Differences of rising numbers and narrow types compress to a few bytes a row; reading undoes both."""
    packed: dict[str, Array] = {}
    for name, array in arrays.items():
        if array.dtype.kind in "iu" and len(array) > 1 and bool((array[1:] >= array[:-1]).all()):
            packed[f"{name};{array.dtype.str};rising"] = _narrow(np.diff(array, prepend=array.dtype.type(0)))
        else:
            packed[f"{name};{array.dtype.str};as it is"] = _narrow(array) if array.dtype.kind in "iu" else array
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **packed)


def _narrow(array: Array) -> Array:
    if not len(array):
        return array
    low, high = int(array.min()), int(array.max())
    kinds = (np.uint8, np.uint16, np.uint32) if low >= 0 else (np.int8, np.int16, np.int32)
    for kind in kinds:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return array.astype(kind)
    return array


def _read_arrays(path: Path) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    with np.load(path, allow_pickle=False) as npz:
        for key in npz.files:
            name, kind, form = key.split(";")
            array = npz[key].astype(kind, copy=False)
            arrays[name] = np.cumsum(array, dtype=kind) if form == "rising" else array
    return arrays
