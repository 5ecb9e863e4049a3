"""Which files a path names, what they hold whatever they are called, and their text; JSON, which is text and no more.

Not how a table is taken apart (files.py), nor which line names its columns (_headings.py).
"""

from __future__ import annotations

import codecs
import glob
import json
import os
import re
from pathlib import Path

from tabwarden.safe_files import read_bytes
from tabwarden.sources import Row, empty, partial, unreadable
from tabwarden.want.roster import shown

BEGINNING = 100_000
"""Characters of a file that are looked at before it is read."""

_CONTENTS: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "xlsx", "is an Excel workbook or a packed file; set `format: xlsx`, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "", "is an old Excel workbook, or one with a password; save it as .xlsx without one"),
    (b"PAR1\x15", "parquet", "is a Parquet file; set `format: parquet`"),
    (b"\x1f\x8b", "", "is packed by gzip; unpack it first"),
    (b"<!doctype", "", "is a web page, perhaps of a sign-in, and no list; download the list again"),
    (b"<html", "", "is a web page, perhaps of a sign-in, and no list; download the list again"),
)
"""What files begin with that are something else than their name says, the format each is read as, and what to do."""


def paths_of(pattern: str) -> list[Path]:
    """The files a path or glob names. Raises SourceError when there is none."""
    if re.search(r"\bhttps?:/", pattern):  # a path has one of the two slashes
        raise unreadable(f"`{place_of(pattern)}` is a web address; download the list first and name the file")
    path = Path(pattern).expanduser()
    if path.is_dir():
        raise unreadable(
            f"`{place_of(pattern)}` is a folder; name a file or a glob such as `{place_of(pattern)}/*.csv`"
        )
    if path.exists():
        return [path]
    paths = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())
    if not paths:
        what = "no file fits" if glob.has_magic(pattern) else "there is no file"
        looked = "" if path.is_absolute() else f" (taken as `{place_of(Path.cwd() / path)}`)"
        parted = ", in which `/` parts folders here and `\\` is a letter" if "\\" in pattern and os.sep == "/" else ""
        raise unreadable(f"{what} `{place_of(path)}`{looked}; check `path`{parted}")
    return paths


def check_content(data: bytes, source: str, kind: str) -> None:
    """Raises SourceError where the file holds something else than the format it is read as."""
    beginning = data[:64].removeprefix(codecs.BOM_UTF8).lstrip()
    for sign, known, what in _CONTENTS:
        if known != kind and (beginning.startswith(sign) or beginning.lower().startswith(sign)):
            raise unreadable(f"{source} {what}")


def text_of(path: Path, encoding: str | None, most: int) -> str:
    """The text of a file: UTF-8 with or without byte order mark, UTF-16 with one, or as the settings say."""
    data = read_bytes(path, most)
    source = f"file `{place_of(path)}`"
    check_content(data, source, "csv")
    if encoding is None and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = data.decode(encoding or "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        where = f"(byte 0x{data[error.start]:02X} in line {line})"
        raise unreadable(
            f"{source} is not {encoding or 'UTF-8'} {where}; save it as `CSV UTF-8`, or say "
            "`encoding: windows-1252` if it is what Excel in Western Europe and America saves as plain CSV"
        ) from None
    except UnicodeError:  # of encodings that are none of letters, such as punycode
        raise unreadable(f"{source} is not {encoding}; say the `encoding` in which it was saved") from None
    if "\0" in text:
        raise unreadable(
            f"{source} holds zero bytes; save it as `CSV UTF-8`, or say `encoding: utf-16-le` if it is that"
        )
    return text.removeprefix("\ufeff")


def rows_of_json(path: Path, encoding: str | None, most: int) -> list[Row]:
    source = f"file `{place_of(path)}`"
    rows: list[Row] = []
    text = text_of(path, encoding, most)
    if text[:BEGINNING].lstrip().startswith("["):
        return _json_list(text, source)
    # Only line feeds end a line here: U+2028 and its kin may stand inside a JSON text.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            message = f"{source} is broken at line {number}; each line holds one whole JSON object"
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


def _json_list(text: str, source: str) -> list[Row]:
    """One list of objects, as programs export it."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise partial(f"{source} is broken{line}; a file that begins with `[` holds one whole JSON list") from None
    number = next((n for n, value in enumerate(values, start=1) if not isinstance(value, dict)), None)
    if number is not None:
        raise unreadable(
            f"{source} holds `{shown(json.dumps(values[number - 1]))}` as item {number}, which is no JSON object; each "
            'is one, such as {"Email Address": "jane@example.com"}'
        )
    if not values:
        raise empty(source)
    return list(values)


def place_of(path: Path | str) -> str:
    """A path for a message, whole: its end says most."""
    return shown(str(path), most=4096)
