"""`tabwarden read` and `tabwarden projects`: a site, or its projects alone, into the store. They change no site."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import SettingsPath, load_settings
from tabwarden.commands._output import ERROR, leave, show_what_is_logged
from tabwarden.commands._parsing import CONTENTS, USERS, Option
from tabwarden.model.errors import TabwardenError

if TYPE_CHECKING:
    from tabwarden.model.site import Content, Grantee, Site
    from tabwarden.report.table import Drawable, Row
    from tabwarden.run.read import Listed, Taken
    from tabwarden.run.verify import Verified
    from tabwarden.settings import Settings
    from tabwarden.tableau.http.pace import Budget


def read(
    settings: SettingsPath = None,
    connections: Annotated[
        bool,
        Option(
            "--connections",
            about="Also read what feeds workbooks, data sources, flows: one request each.",
            no="--no-connections",
        ),
    ] = False,
    project: Annotated[
        list[str] | None, Option("--project", about="Only what lies in this project, by path; repeatable.", of=CONTENTS)
    ] = None,
    at_most: Annotated[int | None, Option("--at-most", least=1, about="Do not begin above so many requests.")] = None,
    fresh: Annotated[bool, Option("--fresh", about="Begin anew, even where a read was cut short.")] = False,
    estimate: Annotated[bool, Option("--estimate", about="Only say about how many requests it takes.")] = False,
    verify_people: Annotated[
        int, Option("--verify", least=0, about="Then compare so many people with what the server lists for them.")
    ] = 0,
    repository: Annotated[
        bool, Option("--repository", about="From the server's own database (`tableau.repository`), not over REST.")
    ] = False,
    all_sites: Annotated[
        bool, Option("--all-sites", about="The same as `--site all`; with --repository in one transaction a server.")
    ] = False,
    use: Annotated[
        bool, Option("--use", about="Only who used what and when, kept by day apart from the snapshots.")
    ] = False,
    activity: Annotated[
        list[Path] | None,
        Option("--activity", value="FILE", about="Only events of Tableau's activity log; repeatable."),
    ] = None,
    output: Output = PLAIN,
) -> None:
    """Says how many requests it takes before the long part begins."""
    loaded = load_settings(settings)
    of_rest = {"--connections": connections, "--project": project, "--at-most": at_most, "--fresh": fresh}
    if use or activity:
        _refuse(
            {**of_rest, "--estimate": estimate, "--verify": verify_people},
            "of a read of the site; `--use` and `--activity` read nothing else",
        )
        _read_usage(loaded, activity, use=use, repository=repository, output=output)
        return
    if repository:
        _refuse({**of_rest, "--estimate": estimate}, "only of a read over REST; `--repository` always reads everything")
        _refuse({"--verify": all_sites and verify_people}, "looks at one site; name it with `--site`")
        _from_repository(loaded, verify_people, all_sites=all_sites, output=output)
        return
    if estimate:
        from tabwarden.run.read import cost

        budget = cost(loaded)
        output.give([f"reading takes {budget}"])
        return
    _over_rest(loaded, (connections, tuple(project or ()), at_most), verify_people, fresh=fresh, output=output)


def _over_rest(
    loaded: Settings,
    wishes: tuple[bool, tuple[str, ...], int | None],
    verify_people: int,
    *,
    fresh: bool,
    output: Output,
) -> None:
    """Read the site, keep it, tell it, and compare people where that is wished."""
    from tabwarden.run.check import said_of
    from tabwarden.run.context import invariants_of

    taken = read_now(loaded, output, wishes, fresh=fresh)
    said = said_of(taken.site, lambda: invariants_of(loaded))
    verified = _verified(loaded, taken.site, verify_people, output) if verify_people else None
    parts = [*_parts(taken, verified, output), *([said.words] if said.words else [])]
    output.give(parts, lambda: _as_json(taken, verified) | ({"invariants": said.words} if said.words else {}))
    if said.failed or (verified is not None and verified.differences):
        leave(ERROR)


def read_now(
    loaded: Settings,
    output: Output,
    wishes: tuple[bool, tuple[str, ...], int | None] = (False, (), None),
    *,
    fresh: bool = False,
) -> Taken:
    """Read the site over REST and keep it, telling what it costs and how far it is."""
    from tabwarden.run.read import Listener, read_and_keep
    from tabwarden.tableau.read.site import Wishes

    show_what_is_logged(requests=output.verbose)
    with output.progress("reading") as progress:
        listener = Listener(
            lambda budget: _tell_cost(output, budget), lambda words: output.note(f"warning: {words}"), progress
        )
        return read_and_keep(loaded, Wishes(*wishes), listener, fresh=fresh)


def _read_usage(
    settings: Settings, activity: list[Path] | None, *, use: bool, repository: bool, output: Output
) -> None:
    """Read use and activity, keep them, and tell what of which kind there was."""
    _refuse({"--repository": repository and not use}, "`--activity` reads files; leave it out")
    from tabwarden.report.plans import count_of
    from tabwarden.report.table import Table
    from tabwarden.run.usage import keep_activity, read_and_keep

    sites = [read_and_keep(settings, repository=repository)] if use else []
    sites += keep_activity(settings, activity or ())
    rows = [(site.site_id, what, number) for site in sites for what, number in sorted(site.counts.items())]
    notes = [f"not told: {words}" for site in sites for words in site.unread]
    days = (f"site {site.site_id}: {count_of(site.days, 'day', 'days')} kept" for site in sites)
    output.give(
        [Table("Site", "What", "Rows", name="usage", rows=rows), *notes, *days],
        lambda: {"sites": [site._asdict() | {"unread": list(site.unread)} for site in sites]},
    )


def projects(
    settings: SettingsPath = None,
    asker: Annotated[
        str | None,
        Option("--as", about="Show what this user may see, by the newest snapshot; default: who reads.", of=USERS),
    ] = None,
    output: Output = PLAIN,
) -> None:
    """Fetches sites and projects, keeps them whole and shows them as far as one may see them."""
    from tabwarden.report.table import NAME, Column, Table, Text
    from tabwarden.run.read import list_projects

    listed = list_projects(load_settings(settings), asker)
    columns = (Column("Project", NAME), "Description", Column("Led by", NAME))
    rows = [_project_row(listed.known, path, content) for path, content in listed.shown]
    sites = Text(f"sites: {', '.join(listed.sites) or 'none'}", "bold")
    output.give([sites, Table(*columns, name="projects", rows=rows), _summary(listed)], lambda: _projects_json(listed))


def _projects_json(listed: Listed) -> dict[str, object]:
    rows = [_project_json(listed.known, path, content) for path, content in listed.shown]
    return {"kept": str(listed.path), "asker": listed.asker, "sites": list(listed.sites), "projects": rows}


def _leaders(known: Site | None, project: str) -> list[Grantee] | None:
    from tabwarden.report.dialog import leaders_of

    return leaders_of(known, project) if known is not None and project in known.contents else None


def _project_json(known: Site | None, path: str, project: Content) -> dict[str, object]:
    from tabwarden.report.dialog import leaders_json

    leaders = None if known is None else leaders_json(known, _leaders(known, project.id))
    return {"id": project.id, "path": path, "description": project.description, "leaders": leaders}


def _project_row(known: Site | None, path: str, project: Content) -> Row:
    """The path, what it says of itself, and its leaders by the newest snapshot."""
    from tabwarden.report.answers import grantee_name
    from tabwarden.report.table import Many

    leaders = [grantee_name(known, one) for one in _leaders(known, project.id) or ()] if known else []
    return path, project.description, Many(leaders)


def _summary(listed: Listed) -> str:
    return f"{len(listed.shown)} projects that `{listed.asker}` may see; fetched list {listed.path}; nothing published"


def _tell_cost(output: Output, budget: Budget) -> None:
    output.note(f"reading takes {budget.brief}")
    output.detail(f"  {budget.phases}")


def _refuse(options: Mapping[str, object], why: str) -> None:
    """TabwardenError for options that are given and mean nothing here."""
    given = " and ".join(f"`{name}`" for name, value in options.items() if value)
    if given:
        raise TabwardenError(f"{given}: {why}")


def _from_repository(settings: Settings, verify_people: int, *, all_sites: bool, output: Output) -> None:
    """Read the site, or all sites, keep each and tell it."""
    from tabwarden.run.check import Said, said_of
    from tabwarden.run.context import invariants_of
    from tabwarden.run.read import read_repository_and_keep as read_and_keep

    documents: list[dict[str, object]] = []
    site: Site | None = None
    parts: list[Drawable] = []
    said = Said()
    with output.progress("reading") as progress:
        for taken in read_and_keep(settings, progress, all_sites=all_sites):
            site = taken.site
            documents.append(_site_as_json(taken.snapshot.number, site))
            parts += [*_of_site(site), f"from the {site.taken.by}; kept as {taken.snapshot.words}"]
            said = Said() if all_sites else said_of(site, lambda: invariants_of(settings))
            parts += [said.words] if said.words else []
    if site is None:
        raise TabwardenError("the repository has no active site")
    verified = _verified(settings, site, verify_people, output) if verify_people else None
    parts += _of_verified(verified) if verified is not None else ()
    output.give(parts, lambda: {"sites": documents} if all_sites else documents[0] | _verified_as_json(verified))
    if said.failed or (verified is not None and verified.differences):
        leave(ERROR)


def _verified(settings: Settings, site: Site, people: int, output: Output) -> Verified:
    from tabwarden.run.verify import verify

    with output.progress("verifying") as progress:
        return verify(settings, site, people, progress)


def _as_json(taken: Taken, verified: Verified | None) -> dict[str, object]:
    document = _site_as_json(taken.snapshot.number, taken.site)
    document |= {"requests": taken.requests, "resumed": taken.reused, "again": dict(taken.again)}
    return document | _verified_as_json(verified)


def _site_as_json(snapshot: int, site: Site) -> dict[str, object]:
    """The number of its snapshot, its size and what was left unread."""
    return {
        "snapshot": snapshot,
        "site": site.name,
        "taken": site.taken.when,
        "users": len(site.users),
        "groups": len(site.groups),
        "contents": _kinds_in(site),
        "partial": list(site.partial),
        "apart": dict(site.apart),
    }


def _kinds_in(site: Site) -> dict[str, int]:
    """How much content of each kind."""
    return dict(sorted(Counter(content.kind for content in site.contents.values()).items()))


def _verified_as_json(verified: Verified | None) -> dict[str, object]:
    """The key `verified`, where anything was."""
    if verified is None:
        return {}
    document = {
        "people": list(verified.people),
        "kinds": list(verified.kinds),
        "answers": verified.answers,
        "unknown": verified.unknown,
        "differences": list(verified.differences),
        "not_verified": list(verified.not_verified),
    }
    return {"verified": document}


def _of_site(site: Site) -> Iterator[Drawable]:
    """Its size in a line, then what was left unread, a line each."""
    from tabwarden.model.scope import of_rules
    from tabwarden.report.plans import count_of
    from tabwarden.report.table import Text

    content = ", ".join(count_of(number, kind, f"{kind}s") for kind, number in _kinds_in(site).items())
    words = f"{site.name}: {len(site.users)} users, {len(site.groups)} groups, {content or 'no content'}"
    yield Text(words, "bold")
    yield from (f"not read: {left_out}" for left_out in of_rules(site.partial))
    yield from (f"apart, for nobody can open it: {number} {what}" for what, number in site.apart.items())


def _parts(taken: Taken, verified: Verified | None, output: Output) -> Iterator[Drawable]:
    yield from _of_site(taken.site)
    resumed = f", {taken.reused} answers from the read that was cut short" if taken.reused else ""
    yield f"kept as {taken.snapshot.words}{resumed}"
    if taken.again:
        yield f"not at the first try: {', '.join(f'{count} {what}' for what, count in taken.again.items())}"
    output.detail(f"{taken.requests:,} requests were sent")
    output.detail(f"not read: {'; '.join(taken.site.partial) or 'nothing'}")
    yield from _of_verified(verified) if verified is not None else ()


def _of_verified(verified: Verified) -> Iterator[Drawable]:
    yield from (f"differs: {line}" for line in verified.differences)
    yield from (f"not verified: {line}" for line in verified.not_verified)
    words = f"{len(verified.people)} people, {', '.join(verified.kinds) or 'nothing'}: {verified.answers:,} answers"
    ending = f"{len(verified.differences)} differ" if verified.differences else "all as the server lists them"
    unknown = f", {verified.unknown:,} unknown" if verified.unknown else ""
    yield f"verified {words}{unknown}, {ending}"
