"""People from files: CSV, JSON Lines, Parquet, Excel, one or many by a glob.

CSV and JSON Lines are read by Python itself. DuckDB's CSV reader was tried and silently drops every row after a
quote that is never closed, also in its strict mode; with a list of people that is what must never happen.
Parquet is read by DuckDB. Excel is read by openpyxl, because DuckDB's excel extension is fetched from a hub at run
time: it cannot be had on a closed network.

Nothing is guessed: a cell of a CSV file is text, so `007` stays `007`.
"""

from __future__ import annotations

import codecs
import csv
import glob
import importlib
import io
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeVar

from pydantic import Field

from tabwarden.model.errors import SourceError
from tabwarden.section import LocalPath, Text
from tabwarden.sources import Reading, Row, Source, empty, partial, refuse_twins, unreadable
from tabwarden.want.roster import Broken, shown

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}

_DELIMITERS = ",;\t|"
_EXCEL_ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#SPILL!", "#CALC!")
_BLOCK = 5_000

T = TypeVar("T")
_Reader = Callable[["Path", "FileSource", list[str]], list[Row]]


class FileSource(Source):
    """People from a file."""

    type: Literal["file"] = Field(description="where the people are")
    path: LocalPath = Field(description="CSV, JSON Lines, Parquet or Excel file, or several by `*`")
    format: Literal["csv", "jsonl", "parquet", "xlsx"] | None = Field(
        default=None, description="format of the file; when not given, by its name's ending"
    )
    sheet: Text | None = Field(default=None, description="sheet of an Excel file; when not given, the first")
    delimiter: Text | None = Field(
        default=None,
        description="character between the cells of a CSV file; when not given, the one its heading uses most",
    )

    def read(self) -> Reading:
        """All rows of all files, in the order of their names; `as_of` is when the oldest of them was last written."""
        paths = _paths(str(self.path))
        source = f"file `{_place(self.path)}`"
        rows: list[Row] = []
        warnings: list[str] = []
        for path in paths:
            try:
                rows.extend(_reader(self, path)(path, self, warnings))
            except OSError as error:
                raise unreadable(f"file `{_place(path)}` cannot be read: {error.strerror or error}") from None
            except SourceError as error:
                if error.stop == "source-empty" and len(paths) > 1:
                    continue
                raise
        if not rows:
            raise empty(source)
        oldest = min(path.stat().st_mtime for path in paths)
        return Reading(rows, source, warnings, datetime.fromtimestamp(oldest, UTC).isoformat(timespec="seconds"))


def _paths(pattern: str) -> list[Path]:
    """The files a path or glob names. Raises SourceError when there is none."""
    if re.search(r"\bhttps?:/", pattern):  # a path has one of the two slashes
        raise unreadable(f"`{_place(pattern)}` is a web address; download the list first and name the file")
    path = Path(pattern).expanduser()
    if path.is_dir():
        raise unreadable(f"`{_place(pattern)}` is a folder; name a file or a glob such as `{_place(pattern)}/*.csv`")
    if path.exists():
        return [path]
    paths = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())
    if not paths:
        what = "no file fits" if glob.has_magic(pattern) else "there is no file"
        raise unreadable(f"{what} `{_place(pattern)}`; check `path` (looked in `{_place(Path.cwd())}`)")
    return paths


def _reader(options: FileSource, path: Path) -> _Reader:
    kind = options.format or FORMATS.get(path.suffix.lower(), "")
    if kind in _READERS:
        return _READERS[kind]
    raise unreadable(
        f"the ending of `{_place(path)}` names no format; set `format` to one of {', '.join(_READERS)}"
        + (" (old .xls files: save as .xlsx first)" if path.suffix.lower() == ".xls" else "")
    )


# --- CSV -----------------------------------------------------------------------------------------------------


def _csv(path: Path, options: FileSource, _: list[str]) -> list[Row]:
    text = _utf8(path)
    source = f"file `{_place(path)}`"
    heading = next((line for line in io.StringIO(text) if line.strip()), None)
    if heading is None:
        raise empty(source)
    delimiter = options.delimiter or _delimiter(heading, path)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise unreadable(f"delimiter `{shown(delimiter)}` is not one plain character; set `delimiter` to , or ;")
    records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [name.strip() for name in next(record for record in records if record)]
        refuse_twins(columns, source)
        rows = [_csv_row(columns, record, delimiter) for record in _without_blank_end(records, any)]
    except csv.Error as error:
        raise partial(
            f"{source} is broken at line {records.line_num} ({error}); check its quotes, and that it is whole"
        ) from None
    if not rows:
        raise empty(source)
    return rows


def _csv_row(columns: Sequence[str], record: list[str], delimiter: str) -> Row:
    if len(record) > len(columns):
        have = f"has {len(record)} cells under {len(columns)} columns"
        reason = f"{have}; put double quotes around a cell that holds `{delimiter}`"
        return dict.fromkeys(columns, Broken(delimiter.join(record), reason))
    # A row that is too short ends in nulls; where the user name is missing, the roster says so.
    return dict(zip_longest(columns, record))


def _delimiter(heading: str, path: Path) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    bare = "".join(heading.split('"')[::2])
    return max(_DELIMITERS, key=bare.count)


def _utf8(path: Path) -> str:
    """The text of a file in UTF-8, with or without byte order mark. Raises SourceError for other encodings."""
    data = path.read_bytes()
    source = f"file `{_place(path)}`"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise unreadable(f"{source} is UTF-16, not UTF-8; save it as `CSV UTF-8`")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise unreadable(
            f"{source} is not UTF-8 (byte 0x{data[error.start]:02X} in line {line}); save it as `CSV UTF-8`"
        ) from None


def _without_blank_end(records: Iterable[T], filled: Callable[[T], bool]) -> Iterator[T]:
    """The records, without blank ones after the last that holds something; a blank one in between is a row."""
    waiting: list[T] = []
    for record in records:
        waiting.append(record)
        if filled(record):
            yield from waiting
            waiting.clear()


# --- JSON Lines ----------------------------------------------------------------------------------------------


def _json_lines(path: Path, _: FileSource, __: list[str]) -> list[Row]:
    source = f"file `{_place(path)}`"
    rows: list[Row] = []
    # Only line feeds end a line here: U+2028 and its kin may stand inside a JSON text.
    for number, line in enumerate(_utf8(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            what = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
            message = f"{source} is broken at line {number} ({what}); each line holds one whole JSON object"
            raise (partial(message) if rows else unreadable(message)) from None
        if not isinstance(value, dict):
            raise (partial if rows else unreadable)(
                f"{source} holds `{shown(line.strip())}` in line {number}, which is no JSON object; "
                'each line holds one, such as {"Email Address": "jane@example.com"}'
            )
        rows.append(value)
    if not rows:
        raise empty(source)
    return rows


# --- Parquet -------------------------------------------------------------------------------------------------


def _parquet(path: Path, _: FileSource, __: list[str]) -> list[Row]:
    duckdb = _extra("duckdb", "Parquet")
    source = f"file `{_place(path)}`"
    path.open("rb").close()  # the system's own words when it is missing or forbidden
    closed = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    with duckdb.connect(":memory:", config=closed) as connection:
        # The name goes in as a value and is escaped, so that `list[1].parquet` is a file and no pattern.
        name = [glob.escape(str(path))]
        try:
            connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", name)
            columns = [column[0] for column in connection.description]
        except duckdb.Error as error:
            raise unreadable(f"{source} is no Parquet file ({_first_line(error)}); write it again") from None
        try:
            connection.execute("SELECT * FROM read_parquet(?)", name)
            rows: list[Row] = []
            while block := connection.fetchmany(_BLOCK):
                rows.extend(dict(zip(columns, values, strict=True)) for values in block)
        except duckdb.Error as error:
            raise partial(f"{source} is damaged inside ({_first_line(error)}); write it again") from None
    if not rows:
        raise empty(source)
    return rows


# --- Excel ---------------------------------------------------------------------------------------------------


def _excel(path: Path, options: FileSource, remarks: list[str]) -> list[Row]:
    openpyxl = _extra("openpyxl", "Excel")
    source = f"file `{_place(path)}`"
    with path.open("rb") as file:
        try:
            with warnings.catch_warnings():  # openpyxl warns of styles and validations it leaves out; we read values
                warnings.simplefilter("ignore")
                book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        except Exception as error:
            raise unreadable(f"{source} is no .xlsx workbook ({_first_line(error)}); save it again") from None
        sheet = _sheet(book, options.sheet, source, remarks)
        try:
            rows = _excel_rows(sheet, source)
        except SourceError:
            raise
        except Exception as error:
            raise partial(f"{source} is damaged inside ({_first_line(error)}); save it again") from None
        finally:
            book.close()
    if not rows:
        raise empty(f"sheet `{shown(sheet.title)}` of {source}")
    return rows


def _excel_rows(sheet: Any, source: str) -> list[Row]:
    sheet.reset_dimensions()  # the size a file states for itself is often wrong
    filled = _without_blank_end(sheet.iter_rows(values_only=True), lambda cells: any(c is not None for c in cells))
    heading: dict[int, str] | None = None
    rows: list[Row] = []
    for cells in filled:
        if heading is None:
            heading = {place: str(cell).strip() for place, cell in enumerate(cells) if cell is not None}
            refuse_twins(list(heading.values()), source)
            if not heading:
                raise unreadable(f"the first row of {source} is blank; put the column names there")
        else:
            rows.append({name: _excel_cell(cells, place) for place, name in heading.items()})
    return rows


def _excel_cell(cells: Sequence[object], place: int) -> object:
    value = cells[place] if place < len(cells) else None
    if isinstance(value, str) and value in _EXCEL_ERRORS:
        return Broken(value, "is an error of Excel's; repair the formula in this cell")
    return value


def _sheet(book: Any, wanted: str | None, source: str, remarks: list[str]) -> Any:
    names = [sheet.title for sheet in book.worksheets]
    listed = ", ".join(f"`{shown(name)}`" for name in names)
    if wanted:
        if wanted in names:
            return book[wanted]
        raise unreadable(f"{source} has no sheet `{shown(wanted)}`; set `sheet` to one of {listed}")
    if not names:
        raise unreadable(f"{source} has no sheet with cells; save the list into one")
    if len(names) > 1:
        remarks.append(f"{source} has the sheets {listed}; the first is read, set `sheet` to be sure")
    return book.worksheets[0]


_READERS: dict[str, _Reader] = {
    "csv": _csv,
    "jsonl": _json_lines,
    "parquet": _parquet,
    "xlsx": _excel,
}


def _extra(module: str, what: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise unreadable(f"reading {what} needs `{module}`; run: pip install 'tabwarden[files]'") from None


def _place(path: Path | str) -> str:
    """A path for a message, whole: its end says most."""
    return shown(str(path), most=4096)


def _first_line(error: Exception) -> str:
    return shown(str(error).strip().partition("\n")[0] or type(error).__name__, most=500)
