"""`tabwarden rules`: the permission dialog of a content from a snapshot. Nothing is written and no server is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import (
    OpenPointWords,
    SettingsPath,
    SiteUrl,
    SnapshotFolder,
    SnapshotWords,
    StoreWords,
)
from tabwarden.commands._parsing import CONTENTS, Argument, Option
from tabwarden.model.errors import UnknownName

if TYPE_CHECKING:
    from tabwarden.model.open_points import OpenPoints
    from tabwarden.model.site import Content, Site


def rules(
    content: Annotated[str, Argument("Path, as in `Finance/Budget`, or id.", of=CONTENTS)],
    defaults: Annotated[
        str | None, Option("--for", about="Of a project: its default rules for this kind, as in workbooks.")
    ] = None,
    snapshot: SnapshotWords = None,
    snapshots: SnapshotFolder = None,
    store: StoreWords = None,
    site_url: SiteUrl = None,
    settings: SettingsPath = None,
    open_point: OpenPointWords = None,
    output: Output = PLAIN,
) -> None:
    """The rules that count for it, whose they are, and the template that each row equals."""
    from tabwarden.run.open_snapshot import Where, open_site, read_open_points

    open_points = read_open_points(open_point or ())
    show_rules(open_site(Where(snapshots, snapshot, site_url, store, settings)), content, defaults, open_points, output)


def show_rules(site: Site, content: str, defaults: str | None, open_points: OpenPoints, output: Output) -> None:
    """The dialog of a content of a Site, by name."""
    from tabwarden.access.dialog import rows_of
    from tabwarden.report.dialog import (
        about_lines,
        implicit_lines,
        on_demand_rows,
        rows_heading,
        rows_json,
        rows_table,
    )
    from tabwarden.report.table import Drawable, Text

    of = site.find_content(content)
    default_for = _defaults_of(site, of, defaults) if defaults is not None else None
    dialog = rows_of(site, of.id, default_for=default_for, open_points=open_points)
    output.warn_partial(site)
    parts: list[Drawable] = [Text(rows_heading(site, of.id, dialog), "bold"), *about_lines(site, of.id)]
    nothing = "its rules were not read" if dialog.rows is None else "nobody has a rule"
    parts += [rows_table(site, dialog) if dialog.rows else nothing, *on_demand_rows(site, dialog)]
    parts += [Text(line, "dim") for line in implicit_lines(site, of.id)]
    output.give(parts, lambda: rows_json(site, of.id, dialog), of=site)


def _defaults_of(site: Site, content: Content, words: str) -> str:
    """The kind of a project's default rules, of a database tables; UnknownName on anything else."""
    from tabwarden.model.capability import kind_named

    kind = kind_named(words)
    if content.kind != "project" and (content.kind, kind) != ("database", "table"):
        raise UnknownName(f"`{site.path(content.id)}` is no project, so it has no default rules for `{words}`")
    return kind
