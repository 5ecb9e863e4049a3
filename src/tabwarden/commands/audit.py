"""`tabwarden audit verify` and `audit list`: who looked at whom and changed what on the pages. No server is asked."""

from __future__ import annotations

import re
from typing import Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import SettingsPath, StoreWords
from tabwarden.commands._output import leave
from tabwarden.commands._parsing import PEOPLE, Option
from tabwarden.model.errors import TabwardenError

BROKEN = 2
ANCHOR = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")


def audit_verify(
    anchor: Annotated[
        list[str] | None,
        Option("--anchor", value="NUMBER:HASH", about="A row as an earlier `audit verify` told it; repeatable."),
    ] = None,
    store: StoreWords = None,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """Every row from the first. Exit code 2 where one was changed, is missing, or was cut off after an anchor."""
    from contextlib import closing

    from tabwarden.report.table import Text
    from tabwarden.run.history import store_named
    from tabwarden.store.web import audit
    from tabwarden.store.web.state import opened

    anchors = dict(_anchor(words) for words in anchor or ())
    with closing(opened(store_named(store, settings), create=False)) as database:
        verified = audit.verified(database, anchors)
    last = f"{verified.rows}:{verified.hash}"
    if verified.problem:
        words = [Text(f"{verified.problem}; what stands from there on proves nothing", "red")]
        words.append(Text(f"the {verified.rows} before it are as they were written"))
    else:
        words = [Text(f"all {verified.rows} as they were written; the last is {last}", "bold")]
        words.append(Text("note that elsewhere: `--anchor` tells later whether anything up to it was changed"))
    output.give(words, lambda: {**verified._asdict(), "anchor": last})
    if verified.problem:
        leave(BROKEN)


def audit_list(
    person: Annotated[str | None, Option("--person", value="USER", about="Only of this one.", of=PEOPLE)] = None,
    act: Annotated[str | None, Option("--act", about="Only of this kind, as `refused` or `signed in`.")] = None,
    newest: Annotated[int, Option("--newest", about="So many of the newest.", least=1)] = 50,
    store: StoreWords = None,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """The newest first: when, who, from where, what, about whom, and how it ended."""
    from contextlib import closing

    from tabwarden.report.table import NAME, NUMBER, TIME, Column, Table
    from tabwarden.run.history import store_named
    from tabwarden.store.web import audit
    from tabwarden.store.web.state import opened

    with closing(opened(store_named(store, settings), create=False)) as database:
        acts = audit.newest(database, newest, audit.Wanted(person or "", act or ""))
    columns = (Column("Number", NUMBER), Column("When", TIME), Column("Who", NAME), Column("From", NAME))
    table = Table(*columns, "Act", Column("About", NAME), "Outcome", name="acts")
    for one in acts:
        table.add_row(*one[:-1])
    output.give([table if acts else "nothing of that was written down"], lambda: [one._asdict() for one in acts])


def _anchor(words: str) -> tuple[int, str]:
    match = ANCHOR.fullmatch(words)
    if match is None:
        raise TabwardenError(f"`{words}` is no anchor; `tabwarden audit verify` tells one as NUMBER:HASH")
    return int(match[1]), match[2]
