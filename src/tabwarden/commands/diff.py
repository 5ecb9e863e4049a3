"""`tabwarden diff`: two snapshots, or two models of one. Nothing is written and no server is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import MODELS, NEWEST, WHEN, Asking, Engine
from tabwarden.commands._output import CHANGES, DONE, leave
from tabwarden.commands._parsing import CAPABILITIES, SNAPSHOTS, Argument, Option, UsageError
from tabwarden.model.errors import UnknownName

if TYPE_CHECKING:
    from tabwarden.compare.access_changes import Under
    from tabwarden.model.open_points import OpenPoints
    from tabwarden.model.site import Site
    from tabwarden.run.open_snapshot import Where

SNAPSHOT = f"What was then: {WHEN}, or a snapshot's folder."
OTHER_MODELS = MODELS[:0:-1]


def diff(
    before: Annotated[str | None, Argument(SNAPSHOT, name="EARLIER", of=SNAPSHOTS)] = None,
    after: Annotated[str | None, Argument("A later one of the same site.", name="LATER", of=SNAPSHOTS)] = None,
    models: Annotated[
        bool, Option("--models", about="Who is in only as owner, as leader or by a rule in person.")
    ] = False,
    against: Annotated[
        str, Option("--against", about="With --models: deny_first or classic.", choices=OTHER_MODELS)
    ] = OTHER_MODELS[0],
    capability: Annotated[
        str, Option("--capability", about="With --models: any name of it.", of=CAPABILITIES)
    ] = "View",
    engine: Engine = None,
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """Exit code 0 where nothing differs between the snapshots, 2 where something does."""
    from tabwarden.compare.access_changes import Under

    open_points = asking.open_points
    if models and engine is not None:
        raise UsageError("`--engine` is for two snapshots, and `--models` compares one with itself; give one of them")
    if models and before is None:
        from tabwarden.run.open_snapshot import open_site

        show_models(open_site(asking.where), capability, against, open_points, output)
    elif not models and before is not None and after is not None:
        under = Under(asking.model, open_points)
        _snapshots((before, after), under, asking.where, output)
    else:
        raise UnknownName("say what is compared: two snapshots, as in `tabwarden diff EARLIER LATER`, or `--models`")


def _snapshots(pair: tuple[str, str], under: Under, where: Where, output: Output) -> None:
    from tabwarden.report.comparison import compared_json, headings, parts
    from tabwarden.report.table import Text
    from tabwarden.run.compare import compare

    with output.progress("comparing") as progress:
        difference = compare(*pair, under, progress, store=where.store, site=where.site, settings=where.settings)
    answer = (*(Text(line, "bold") for line in headings(difference)), *parts(difference))
    output.give(answer, lambda: compared_json(difference))
    leave(DONE if difference.same else CHANGES)


def show_models(site: Site, capability: str, against: str, open_points: OpenPoints, output: Output) -> None:
    """People whose access rests on owning, leading, a rule in person, or on the order of groups and group sets."""
    from tabwarden.compare.models import differing, in_person
    from tabwarden.model.capability import capability_named, demand_known, ui_name
    from tabwarden.report.models import exceptions_heading, exceptions_json, exceptions_table
    from tabwarden.report.table import Text

    if against not in OTHER_MODELS:
        raise UnknownName(f"`{against}` is no model to compare with; give deny_first or classic")
    named = capability_named(capability)
    demand_known(named, against)
    with output.progress("comparing") as progress:
        differences = list(differing(site, named, against=against, open_points=open_points, progress=progress))
    if against == OTHER_MODELS[0]:
        there = {(user, one.content) for one in differences for user in one.users}
        more = in_person(site, named, against=against, open_points=open_points)
        differences += [one for one in more if not any((user, one.content) in there for user in one.users)]
    output.warn_partial(site)
    heading = Text(exceptions_heading(differences, ui_name(named), against), "bold")
    output.give(
        [heading, exceptions_table(site, differences, against)],
        lambda: {"capability": named, "against": against, "differences": exceptions_json(site, differences)},
        of=site,
    )
