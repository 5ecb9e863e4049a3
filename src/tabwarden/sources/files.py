"""People from files: CSV, JSON Lines, Parquet, Excel, one or many by a glob.

CSV and JSON Lines are read by Python itself. DuckDB's CSV reader was tried and silently drops every row after a
quote that is never closed, also in its strict mode; with a list of people that is what must never happen.
Parquet is read by DuckDB. Excel is read by openpyxl, because DuckDB's excel extension is fetched from a hub at run
time: it cannot be had on a closed network.

Nothing is guessed: a cell of a CSV file is text, so `007` stays `007`.
"""

from __future__ import annotations

import csv
import errno
import glob
import importlib
import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, Self, TypeVar
from zipfile import ZipFile

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from tabwarden.extras import install
from tabwarden.model.errors import SourceError
from tabwarden.model.names import same
from tabwarden.safe_files import check_file
from tabwarden.section import LocalPath, Text
from tabwarden.sources import Column, Reading, Row, Source, empty, partial, unreadable
from tabwarden.sources._headings import DELIMITERS, IMPORTED, LOOKED_AT, Table, named_in, rows_of
from tabwarden.sources._texts import BEGINNING, check_content, paths_of, place_of, rows_of_json, text_of
from tabwarden.troubles import why
from tabwarden.want.roster import shown

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[ ,;\t]*(?:\r\n?|\n)', re.IGNORECASE)
"""The line by which Excel is told what parts the cells; `\\t` is written as the tab itself."""
_BLOCK = 5_000

_COLUMNS: Mapping[str | int, Column] = {"no": Column(name="1"), "tableau": Column(**IMPORTED)}

T = TypeVar("T")
_Reader = Callable[["Path", "FileSource", list[str]], list[Row]]


def _encoding(value: str) -> str:
    try:
        "".encode(value)
    except (LookupError, UnicodeError):
        raise ValueError("must be an encoding such as `utf-8`, `windows-1252` or `utf-16`") from None
    return value


class FileSource(Source):
    """People from a file."""

    type: Literal["file"] = Field(description="where the people are")
    path: LocalPath = Field(description="CSV, JSON Lines, Parquet or Excel file, or several by `*`")
    format: Literal["csv", "jsonl", "parquet", "xlsx"] | None = Field(
        default=None, description="format of the file; when not given, by its name's ending"
    )
    header: Annotated[
        Annotated[int, Field(ge=1)] | Literal["yes", "no", "tableau"],
        BeforeValidator(lambda value: {True: "yes", False: "no"}[value] if isinstance(value, bool) else value),
    ] = Field(
        default="yes",
        description="whether a line of a CSV file or sheet names the columns: `no` and columns are called by position, "
        "`1` the first; a number is the line of the heading; `tableau`: the columns of Tableau's own import",
    )
    encoding: Annotated[Text, AfterValidator(_encoding)] | None = Field(
        default=None, description="encoding of a CSV or JSON Lines file; when not given, UTF-8"
    )
    sheet: Text | None = Field(default=None, description="sheet of an Excel file; when not given, the first")
    delimiter: Text | None = Field(
        default=None,
        description="character between the cells of a CSV file; when not given, the one its heading uses most",
    )
    most_megabytes: int = Field(
        default=1024, ge=1, description="size of a file from which on it is not read; of an Excel file unpacked"
    )
    _wanted: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _columns_without_heading(self) -> Self:
        """Where no heading names the columns, the first has the user name, and Tableau's import its own order."""
        if "column" not in self.model_fields_set and self.header in _COLUMNS:
            self.__dict__["column"] = _COLUMNS[self.header]  # a default still: nobody wrote it
        return self

    @property
    def most(self) -> int:
        """How many bytes a file may have."""
        return self.most_megabytes << 20

    @property
    def wanted(self) -> tuple[str, ...]:
        """The columns by which a heading is known."""
        column = self.column
        own = (column.name, column.full_name, column.email, column.auth_setting, column.starts, column.ends)
        return self._wanted or tuple(name for name in own if name)

    def looking_for(self, columns: Sequence[str]) -> Self:
        """The same for these columns."""
        source = self.model_copy()
        source._wanted = tuple(columns)
        return source

    def read(self) -> Reading:
        """All rows of all files, in the order of their names; `as_of` is when the oldest of them was last written."""
        paths = paths_of(str(self.path))
        source = f"file `{place_of(self.path)}`"
        rows: list[Row] = []
        warnings: list[str] = []
        for path in paths:
            try:
                rows.extend(_reader(self, path)(path, self, warnings))
            except OSError as error:
                more = "; raise `most_megabytes` of this source" if error.errno == errno.EFBIG else ""
                raise unreadable(f"file `{place_of(path)}` cannot be read: {why(error)}{more}") from None
            except SourceError as error:
                if error.stop == "source-empty" and len(paths) > 1:
                    continue
                raise
        if not rows:
            raise empty(source)
        oldest = min(path.stat().st_mtime for path in paths)
        return Reading(rows, source, warnings, datetime.fromtimestamp(oldest, UTC).isoformat(timespec="seconds"))


def _reader(options: FileSource, path: Path) -> _Reader:
    kind = options.format or FORMATS.get(path.suffix.lower(), "")
    if kind in _READERS:
        return _READERS[kind]
    raise unreadable(
        f"the ending of `{place_of(path)}` names no format; set `format` to one of {', '.join(_READERS)}"
        + (" (old .xls files: save as .xlsx first)" if path.suffix.lower() == ".xls" else "")
    )


# --- CSV -----------------------------------------------------------------------------------------------------


def _csv(path: Path, options: FileSource, remarks: list[str]) -> list[Row]:
    source = f"file `{place_of(path)}`"
    text = text_of(path, options.encoding, options.most)
    delimiter = options.delimiter
    if (first := _SEPARATOR_LINE.match(text)) is not None:
        text, delimiter = text[first.end() :], delimiter or first[1]
    delimiter = delimiter or _delimiter(text, path, options.wanted)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise unreadable(f"delimiter `{shown(delimiter)}` is not one plain character; set `delimiter` to , or ;")
    # Not a StringIO, which takes four bytes a character.
    lines = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    del text
    skipped = 1 if first is not None else 0
    records = ((reader.line_num + skipped, cells) for cells in reader)
    table = Table(options.header, options.wanted, source, delimiter)
    try:
        rows = list(rows_of(_without_blank_end(records, lambda record: any(record[1])), table, remarks))
    except csv.Error:
        raise partial(
            f"{source} is broken at line {reader.line_num + skipped}; check its quotes there, and that it is whole"
        ) from None
    if not rows:
        raise empty(source)
    return rows


def _delimiter(text: str, path: Path, wanted: Sequence[str]) -> str:
    """The one by which a wanted column is found in the first lines; else the one the first line uses most."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    lines = [line for line in re.split(r"\r\n?|\n", text[:BEGINNING]) if line.strip()][:LOOKED_AT]
    bare = "".join(lines[0].split('"')[::2]) if lines else ""
    ordered = sorted(DELIMITERS, key=bare.count, reverse=True)
    fitting = (one for one in ordered if named_in([*csv.reader(lines, delimiter=one)], wanted) is not None)
    return next(fitting, ordered[0])


def _without_blank_end(records: Iterable[T], filled: Callable[[T], bool]) -> Iterator[T]:
    """The records, without blank ones after the last that holds something; a blank one in between is a row."""
    waiting: list[T] = []
    for record in records:
        waiting.append(record)
        if filled(record):
            yield from waiting
            waiting.clear()


# --- Parquet -------------------------------------------------------------------------------------------------


def _parquet(path: Path, options: FileSource, __: list[str]) -> list[Row]:
    duckdb = _extra("duckdb", "Parquet")
    source = f"file `{place_of(path)}`"
    check_file(path, options.most)
    path.open("rb").close()  # the system's own words when it is forbidden
    closed = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    with duckdb.connect(":memory:", config=closed) as connection:
        # The name goes in as a value and is escaped, so that `list[1].parquet` is a file and no pattern.
        name = [glob.escape(str(path))]
        try:
            connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", name)
            columns = [column[0] for column in connection.description]
        except duckdb.Error:
            raise unreadable(f"{source} is no Parquet file; write it again") from None
        try:
            connection.execute("SELECT * FROM read_parquet(?)", name)
            rows: list[Row] = []
            while block := connection.fetchmany(_BLOCK):
                rows.extend(dict(zip(columns, values, strict=True)) for values in block)
        except duckdb.Error:
            raise partial(f"{source} is damaged inside; write it again") from None
    if not rows:
        raise empty(source)
    return rows


# --- Excel ---------------------------------------------------------------------------------------------------


def _excel(path: Path, options: FileSource, remarks: list[str]) -> list[Row]:
    openpyxl = _extra("openpyxl", "Excel")
    source = f"file `{place_of(path)}`"
    check_file(path, options.most)
    with path.open("rb") as file:
        check_content(file.read(64), source, "xlsx")
        file.seek(0)
        try:
            # OSError for a small file that is a large one once it is unpacked.
            with ZipFile(file) as package:
                if sum(part.file_size for part in package.infolist()) > options.most:
                    raise OSError(errno.EFBIG, f"has more than {options.most:,} bytes once it is unpacked")
            file.seek(0)
            with warnings.catch_warnings():  # openpyxl warns of styles and validations it leaves out; we read values
                warnings.simplefilter("ignore")
                book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        except OSError:
            raise
        except Exception:
            raise unreadable(
                f"{source} is no .xlsx workbook; save it again, or set `format: csv` if it is text"
            ) from None
        sheet = _sheet(book, options.sheet, source, remarks)
        try:
            rows = _excel_rows(sheet, Table(options.header, options.wanted, source), remarks)
        except SourceError as error:
            if options.sheet is None and len(book.worksheets) > 1:
                raise SourceError(f"{error}; set `sheet` to one of {_sheets(book)}", stop=error.stop) from None
            raise
        except Exception:
            raise partial(f"{source} is damaged inside; save it again") from None
        finally:
            book.close()
    if not rows:
        raise empty(f"sheet `{shown(sheet.title)}` of {source}")
    return rows


def _excel_rows(sheet: Any, table: Table, remarks: list[str]) -> list[Row]:
    sheet.reset_dimensions()  # the size a file states for itself is often wrong
    records = enumerate(sheet.iter_rows(values_only=True), start=1)
    filled = _without_blank_end(records, lambda record: any(cell is not None for cell in record[1]))
    return list(rows_of(filled, table, remarks))


def _sheet(book: Any, wanted: str | None, source: str, remarks: list[str]) -> Any:
    sheets = {same(sheet.title): sheet for sheet in book.worksheets}  # Excel has no two that differ in letter case
    if wanted:
        if same(wanted.strip()) in sheets:
            return sheets[same(wanted.strip())]
        raise unreadable(f"{source} has no sheet `{shown(wanted)}`; set `sheet` to one of {_sheets(book)}")
    if not sheets:
        raise unreadable(f"{source} has no sheet with cells; save the list into one")
    if len(sheets) > 1:
        remarks.append(f"{source} has the sheets {_sheets(book)}; the first is read, set `sheet` to be sure")
    return book.worksheets[0]


def _sheets(book: Any) -> str:
    return ", ".join(f"`{shown(sheet.title)}`" for sheet in book.worksheets)


_READERS: dict[str, _Reader] = {
    "csv": _csv,
    "jsonl": lambda path, options, _: rows_of_json(path, options.encoding, options.most),
    "parquet": _parquet,
    "xlsx": _excel,
}


def _extra(module: str, what: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise unreadable(f"reading {what} needs `{module}`; {install('[files]')}") from None
