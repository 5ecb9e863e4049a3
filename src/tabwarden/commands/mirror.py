"""`tabwarden mirror`, `mirror verify` and `catalog`: who may View what, published, compared and browsed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import Engine, SettingsPath, SnapshotWords, load_settings
from tabwarden.commands._output import CHANGES, DONE, ERROR, leave, say_error
from tabwarden.commands._parsing import Option, UsageError
from tabwarden.model.errors import TabwardenError

if TYPE_CHECKING:
    from tabwarden.report.table import Drawable
    from tabwarden.run.catalog import Browsed
    from tabwarden.run.mirror import Published
    from tabwarden.run.mirror_verify import Verified
    from tabwarden.settings import Settings

DIALECTS = ("snowflake", "bigquery", "databricks", "postgres", "duckdb", "sqlite")  # those of sources._drivers
ShowSql = Annotated[
    str | None,
    Option("--show-sql", about="Publish nothing: the tables, views and policies of facts, as SQL.", choices=DIALECTS),
]
Sample = Annotated[int, Option("--sample", about="How many people are compared.", least=1)]
Seed = Annotated[int, Option("--seed", about="Which people: another number, other people.")]


def mirror(
    read: Annotated[bool, Option("--read", about="Read the site first, as `tabwarden read` does.")] = False,
    settings: SettingsPath = None,
    snapshot: SnapshotWords = None,
    show_sql: ShowSql = None,
    engine: Engine = None,
    output: Output = PLAIN,
) -> None:
    """From the newest snapshot to every sink of the settings; only what differs is written."""
    from tabwarden.report.mirror import mirror_json
    from tabwarden.run.mirror import deployed, publish

    loaded = load_settings(settings)
    if show_sql is not None and engine is not None:
        raise UsageError("`--engine` is for a mirror that is made, and `--show-sql` makes none; give one of them")
    if show_sql is not None:
        if show_sql not in DIALECTS:
            raise UsageError(f"`--show-sql {show_sql}` is no dialect; it is one of {', '.join(DIALECTS)}")
        statements = deployed(loaded, show_sql)
        text = "\n".join(f"{words}{'' if words.startswith('--') else ';'}" for words in statements)
        output.give(text.splitlines(), lambda: {"dialect": show_sql, "statements": statements})
        leave(DONE)
    judged = not read or _read_first(loaded, snapshot, output)
    published = publish(loaded, snapshot=snapshot)
    sinks = [{"sink": name, **written._asdict()} for name, written in published.written]
    more = {"taken": published.site.taken.when, "sinks": sinks}
    more |= {"failed": published.failed, "warnings": published.warnings}
    output.give(_published(published), lambda: {**mirror_json(published.mirror), **more}, of=published.site)
    if not output.json:
        for trouble in published.failed:
            say_error(trouble)
    leave(ERROR if published.failed or not judged else DONE)


def _read_first(loaded: Settings, snapshot: str | None, output: Output) -> bool:
    """Read the site; whether its invariants, where there are any, could be judged."""
    from tabwarden.commands.read import read_now
    from tabwarden.run.check import said_of
    from tabwarden.run.context import invariants_of

    if snapshot is not None:
        raise TabwardenError("`--snapshot` names what was read before; leave out `--read`")
    taken = read_now(loaded, output)
    output.note(f"kept as {taken.snapshot.words}")
    said = said_of(taken.site, lambda: invariants_of(loaded))
    if said.words:
        output.note(said.words)
    return not said.failed


def _published(published: Published) -> Iterator[Drawable]:
    from tabwarden.report.mirror import matches_line, quarantined_lines, unmatched_table, written_line
    from tabwarden.report.table import Text

    site, matches = published.site, published.mirror.matches
    yield Text(f"{site.name} as of {site.taken.when}, as source `{published.mirror.source}`", "bold")
    yield from (f"warning: {warning}" for warning in published.warnings)
    yield matches_line(matches)
    if matches.unmatched:
        yield unmatched_table(matches.unmatched)
    yield from quarantined_lines(published.quarantined)
    for name, written in published.written:
        yield written_line(name, written.sink, dict(written.added), dict(written.removed))


def mirror_verify(settings: SettingsPath = None, sample: Sample = 20, seed: Seed = 0, output: Output = PLAIN) -> None:
    """Exit code 2 where anybody is shown more or less than the server lists."""
    from dataclasses import asdict

    from tabwarden.run.mirror_verify import verify

    verified = verify(load_settings(settings), sample=sample, seed=seed)
    output.give(_verified(verified), lambda: {**asdict(verified), "differs": verified.differs})
    leave(CHANGES if verified.differs else DONE)


def _verified(verified: Verified) -> Iterator[Drawable]:
    from tabwarden.report.table import Text

    yield Text(f"the mirror is of {verified.taken}, {verified.age} old", "bold")
    if not verified.enforced:
        yield "permission mirroring is OFF for this source: everybody is shown everything"
    compared = [person for person in verified.people if person.kinds]
    kinds = sorted({kind for person in compared for kind in person.kinds})
    alike = sum(not person.beyond and not person.missing for person in compared)
    summary = f"{alike} of {len(compared)} people compared are shown what the server lists for them"
    yield (f"{summary} ({', '.join(kinds) or 'nothing could be compared'}); {verified.of} are served")
    for person in verified.people:
        for what, ids in (("is shown beyond", person.beyond), ("is not shown", person.missing)):
            if ids:
                yield f"{person.person} {what} what the server lists: {', '.join(ids)}"
        if person.trouble:
            yield f"{person.person} could not be compared: {person.trouble}"


def catalog(
    person: Annotated[str, Option("--as", about="A catalog person, by name.", value="NAME")],
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """A tree of what that person sees, and nothing about the rest."""
    from tabwarden.run.catalog import browse_as

    show_catalog(browse_as(load_settings(settings), person), output)


def show_catalog(browsed: Browsed, output: Output) -> None:
    """What somebody sees, however it was browsed."""
    from tabwarden.report.mirror import catalog_json, catalog_tree
    from tabwarden.report.table import Text

    off = Text("permission mirroring is OFF for this source: everybody sees everything", "bold")
    output.give(
        [*filter(None, [browsed.remark]), *([] if browsed.enforced else [off]), *catalog_tree(browsed.catalog)],
        lambda: {
            "taken": browsed.taken,
            "enforced": browsed.enforced,
            "set_on_the_pages": browsed.remark or None,
            **catalog_json(browsed.catalog),
        },
    )
