"""`tabwarden mirror`, `mirror verify` and `catalog`: who may View what, published, compared and browsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._options import AsJson, SettingsPath, SnapshotWords, load_settings
from tabwarden.commands._output import CHANGES, DONE, ERROR, leave, print_json, say_error, show
from tabwarden.commands._parsing import Option

if TYPE_CHECKING:
    from tabwarden.run.mirror import Published
    from tabwarden.run.mirror_verify import Verified

Sample = Annotated[int, Option("--sample", about="How many people are compared.", least=1)]
Seed = Annotated[int, Option("--seed", about="Which people: another number, other people.")]


def mirror(settings: SettingsPath = None, snapshot: SnapshotWords = None, as_json: AsJson = False) -> None:
    """From the newest snapshot to every sink of the settings; only what differs is written."""
    from tabwarden.report.mirror import mirror_json
    from tabwarden.run.mirror import publish

    published = publish(load_settings(settings), snapshot=snapshot)
    if as_json:
        sinks = [{"sink": name, **written._asdict()} for name, written in published.written]
        more = {"taken": published.site.taken.when, "sinks": sinks}
        more |= {"failed": published.failed, "warnings": published.warnings}
        print_json({**mirror_json(published.mirror), **more})
    else:
        _show(published)
    leave(ERROR if published.failed else DONE)


def _show(published: Published) -> None:
    from tabwarden.report.mirror import matches_line, quarantined_lines, unmatched_table, written_line

    site, matches = published.site, published.mirror.matches
    show(f"{site.name} as of {site.taken.when}, as source `{published.mirror.source}`", style="bold")
    show(*(f"warning: {warning}" for warning in published.warnings), matches_line(matches))
    if matches.unmatched:
        show(unmatched_table(matches.unmatched))
    show(*quarantined_lines(published.quarantined))
    for name, written in published.written:
        show(written_line(name, written.sink, dict(written.added), dict(written.removed)))
    for trouble in published.failed:
        say_error(trouble)


def mirror_verify(settings: SettingsPath = None, sample: Sample = 20, seed: Seed = 0, as_json: AsJson = False) -> None:
    """Exit code 2 where anybody is shown more or less than the server lists."""
    from dataclasses import asdict

    from tabwarden.run.mirror_verify import verify

    verified = verify(load_settings(settings), sample=sample, seed=seed)
    if as_json:
        print_json({**asdict(verified), "differs": verified.differs})
    else:
        _show_verified(verified)
    leave(CHANGES if verified.differs else DONE)


def _show_verified(verified: Verified) -> None:
    show(f"the mirror is of {verified.taken}, {verified.age} old", style="bold")
    if not verified.enforced:
        show("permission mirroring is OFF for this source: everybody is shown everything")
    compared = [person for person in verified.people if person.kinds]
    kinds = sorted({kind for person in compared for kind in person.kinds})
    alike = sum(not person.beyond and not person.missing for person in compared)
    summary = f"{alike} of {len(compared)} people compared are shown what the server lists for them"
    show(f"{summary} ({', '.join(kinds) or 'nothing could be compared'}); {verified.of} are served")
    for person in verified.people:
        for what, ids in (("is shown beyond", person.beyond), ("is not shown", person.missing)):
            if ids:
                show(f"{person.person} {what} what the server lists: {', '.join(ids)}")
        if person.trouble:
            show(f"{person.person} could not be compared: {person.trouble}")


def catalog(
    person: Annotated[str, Option("--as", about="A catalog person, by name.", value="NAME")],
    settings: SettingsPath = None,
    as_json: AsJson = False,
) -> None:
    """A tree of what that person sees, and nothing about the rest."""
    from tabwarden.report.mirror import catalog_json, catalog_lines
    from tabwarden.run.catalog import browse_as

    browsed = browse_as(load_settings(settings), person)
    if as_json:
        print_json({"taken": browsed.taken, "enforced": browsed.enforced, **catalog_json(browsed.catalog)})
        return
    if not browsed.enforced:
        show("permission mirroring is OFF for this source: everybody sees everything", style="bold")
    show(*catalog_lines(browsed.catalog))
