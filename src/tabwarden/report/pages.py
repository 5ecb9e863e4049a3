"""The pages of the documentation, which come along with the package: found by words, shown as lines and tables.

Of Markdown they use headings, paragraphs, lists, tables and fenced blocks; that much is read, each line on its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.tables import grouped
from tabwarden.report.table import Drawable, Table, Text

INDEX, DECISIONS = "README.md", "decisions"
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_CELLS = re.compile(r"(?<!\\)\|")
_STRONG = re.compile(r"(`[^`]*`)|\*\*|(?<!\w)\*(\w[^*`]*)\*")
_ITEM = re.compile(r"(\s*)([-*]|\d+\.) ")
_FENCE = "```"


class Page(NamedTuple):
    """One page: the folder it is in, its name, its file, its first heading."""

    folder: str
    name: str
    file: Path
    title: str


def folder() -> Path:
    """Where the pages are: in the package, or in the repository that it is run from."""
    inside = Path(__file__).parents[1] / "docs"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "docs"


def pages() -> list[Page]:
    """All of them, in the order of the index, the decisions behind."""
    root = folder()
    targets = [target for _, target in _LINK.findall((root / INDEX).read_text(encoding="utf-8"))]
    files = [root / target for target in targets if target.endswith(".md")]
    files += sorted((root / DECISIONS).glob("*.md"))
    return [Page(file.parent.name, file.stem, file, _title(file)) for file in dict.fromkeys(files)]


def _title(file: Path) -> str:
    with file.open(encoding="utf-8") as lines:
        return next((line[2:].strip() for line in lines if line.startswith("# ")), file.stem)


def topic(page: Page, among: Iterable[Page]) -> str:
    """The words that find it: its name, with its folder where another page has the same."""
    twins = sum(page.name == other.name for other in among)
    return page.name if twins == 1 else f"{page.folder}/{page.name}"


def is_page(words: Sequence[str]) -> bool:
    """Whether a page, or two, has that name."""
    return any(page.name == "-".join(words) for page in pages())


def is_folder(words: Sequence[str]) -> bool:
    """Whether it is the word for several pages, such as `how-to`."""
    return any(page.folder == "-".join(words) for page in pages())


def find(words: Sequence[str]) -> tuple[Page, str]:
    """The page that the words name, and which part of it (empty: all): `read`, `first hour`, `settings store`.

    UnknownName with the topics that are near; AmbiguousName where two pages have the name.
    """
    known = pages()
    for end in range(len(words), 0, -1):
        name = "-".join(words[:end]).casefold().removesuffix(".md")
        some = [page for page in known if name in (page.name.casefold(), f"{page.folder}/{page.name}")]
        if len(some) > 1:
            names = " and ".join(f"`{topic(page, known)}`" for page in some)
            raise AmbiguousName(f"two pages are called `{name}`; name one of them: {names}")
        if some:
            return some[0], " ".join(words[end:])
    from difflib import get_close_matches

    near = get_close_matches("-".join(words), [topic(page, known) for page in known], n=3, cutoff=0.6)
    long = [word.casefold() for word in words if len(word) > 2]
    near += [topic(page, known) for page in known if any(word in page.title.casefold() for word in long)]
    names = " or ".join(f"`{name}`" for name in list(dict.fromkeys(near))[:4])
    nearest = f"; nearest is {names}" if near else ""
    raise UnknownName(f"there is no page `{' '.join(words)}`{nearest}; `tabwarden help` lists them all")


def listed(only: str = "") -> Iterator[Drawable]:
    """Every page by the words that find it, in the order of the index: of one folder, or of all but the decisions."""
    known = pages()
    by_folder = grouped((page.folder, page) for page in known)
    rest = {name: some for name, some in by_folder.items() if name != DECISIONS}
    for name, some in ({only: by_folder[only]} if only else rest).items():
        yield Text(name.capitalize(), "bold")
        table = Table("", "", plain=True)
        for page in some:
            table.add_row(f"  {topic(page, known)}", page.title)
        yield from (table, Text(""))
    yield Text("`tabwarden help TOPIC` shows a page, with a heading behind it that part alone.")
    if not only:
        yield Text(f"`tabwarden help {DECISIONS}` lists why things are as they are.")


def shown(page: Page, part: str = "") -> Iterator[Drawable]:
    """The page, or the part below the heading that has these words. UnknownName with the headings where none has."""
    lines = [line for line in page.file.read_text(encoding="utf-8").splitlines() if not line.startswith("<!--")]
    known = pages()
    topics = {other.file.resolve(): topic(other, known) for other in known}
    return _drawables(_part(lines, part, topic(page, known)) if part else lines, page.file.parent, topics)


def _part(lines: Sequence[str], part: str, name: str) -> Sequence[str]:
    headings = list(_headings(lines))
    wanted = _slug(part)
    some = [at for at, _, words in headings if _slug(words) == wanted]
    some = some or [at for at, _, words in headings if wanted in _slug(words)]
    if not some:
        names = ", ".join(f"`{words}`" for _, _, words in headings[1:])
        raise UnknownName(f"page `{name}` has no heading `{part}`; its headings are {names}")
    level = next(level for at, level, _ in headings if at == some[0])
    end = next((at for at, other, _ in headings if at > some[0] and other <= level), len(lines))
    return lines[some[0] : end]


def _slug(words: str) -> str:
    """A heading as the links to it write it, with spaces."""
    return re.sub(r"[^\w -]", "", words.casefold()).replace("-", " ")


def _headings(lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    fenced = False
    for at, line in enumerate(lines):
        fenced ^= line.startswith(_FENCE)
        if not fenced and line.startswith("#"):
            marks, _, words = line.partition(" ")
            yield at, len(marks), words.strip()


def _drawables(lines: Sequence[str], base: Path, topics: dict[Path, str]) -> Iterator[Drawable]:
    """Each block; a paragraph and an item of a list are one line, whatever lines the file has."""
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith(_FENCE):
            while at < len(lines) and not lines[at].startswith(_FENCE):
                yield Text(f"    {lines[at]}", "dim command")
                at += 1
            at += 1
        elif line.startswith("|"):
            rows = [line]
            while at < len(lines) and lines[at].startswith("|"):
                rows.append(lines[at])
                at += 1
            yield _table(rows, base, topics)
        elif line.startswith("#"):
            yield Text(_words(line.lstrip("# "), base, topics), "bold")
        elif not line.strip():
            yield Text("")
        else:
            while at < len(lines) and lines[at].strip() and not _begins(lines[at]):
                line += f" {lines[at].strip()}"
                at += 1
            item = _ITEM.match(line)
            mark = f"{item[1]}  {'·' if item[2] in '-*' else item[2]} " if item else ""
            yield Text(mark + _words(line[item.end() :] if item else line, base, topics))


def _begins(line: str) -> bool:
    return line.startswith((_FENCE, "|", "#")) or _ITEM.match(line) is not None


def _table(rows: Sequence[str], base: Path, topics: dict[Path, str]) -> Table:
    heads, _, *others = ([cell.strip() for cell in _CELLS.split(row.strip().strip("|"))] for row in rows)
    table = Table(*(_words(head, base, topics) for head in heads), plain=not any(heads))
    for row in others:
        table.add_row(*(_words(cell.replace("\\|", "|"), base, topics) for cell in row))
    return table


def _words(text: str, base: Path, topics: dict[Path, str]) -> str:
    """Without marks for bold; a link to a page says how to get there, any other link keeps its address."""

    def linked(match: re.Match[str]) -> str:
        words, target = match.groups()
        file, _, part = target.partition("#")
        if "://" in target:
            return f"{words} ({target})"
        name = topics.get((base / file).resolve()) if file else None
        return f"{words} (help {name}{' ' + part.replace('-', ' ') if part else ''})" if name else words

    return _STRONG.sub(lambda match: match[1] or match[2] or "", _LINK.sub(linked, text))
