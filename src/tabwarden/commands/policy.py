"""`tabwarden plan policy`, `policy export` and `policy schema`: what should be of content, as text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import NEWEST, Asking, Out, SettingsPath, load_settings
from tabwarden.commands._output import CHANGES, DONE, STOPPED, emit, leave, screen, show
from tabwarden.commands._parsing import MOST_DAYS, Argument, Option
from tabwarden.model.errors import UnknownName

Scope = Annotated[str | None, Option("--scope", about="A project: it and all in it alone.")]


def plan_policy(
    files: Annotated[list[Path] | None, Argument("Files, or folders of them; default: `policy`.")] = None,
    scope: Scope = None,
    sarif: Annotated[
        Path | None, Option("--sarif", about="Also write what differs as SARIF, for a pull request.")
    ] = None,
    check: Annotated[
        bool, Option("--check", about="Keep no plan: tell what differs, and leave with 2 where something does.")
    ] = False,
    settings: SettingsPath = None,
    out: Out = None,
    output: Output = PLAIN,
) -> None:
    """The site is read whole; exit code 2 when there are changes, 3 when a stop forbids them."""
    from tabwarden.commands._plans import present
    from tabwarden.report.plans import plan_json, plan_table
    from tabwarden.run import policy
    from tabwarden.safe_files import write_whole

    loaded = load_settings(settings)
    plan = policy.plan_policy(loaded, files or (), scope)
    if sarif is not None:
        import json

        write_whole(sarif, json.dumps(policy.drift_sarif(plan), indent=1).encode())
    if not check:
        present(plan, loaded, out, output)
    output.give([plan_table(plan)], lambda: plan_json(plan))
    leave(STOPPED if plan.stops else CHANGES if plan.changes else DONE)


def policy_export(
    scope: Scope = None,
    out: Annotated[Path | None, Option("--out", about="Where to write it.")] = None,
    asking: Asking = NEWEST,
) -> None:
    """The snapshot as a policy, in templates where they fit; planning it back changes nothing."""
    from tabwarden.run.policy import policy_text
    from tabwarden.want.policy.export import told

    site = asking.questions().site
    project = None if scope is None else site.find_content(scope)
    if project is not None and project.kind != "project":
        raise UnknownName(f"`{scope}` is a {project.kind}, not a project")
    _give(policy_text(told(site, None if project is None else project.id)), out)


def policy_from_use(
    scope: Scope = None,
    days: Annotated[
        int | None,
        Option("--days", about="Used in so many; default: `lint.unused_days`.", value="N", least=1, most=MOST_DAYS),
    ] = None,
    out: Annotated[Path | None, Option("--out", about="Where to write it.")] = None,
    asking: Asking = NEWEST,
) -> None:
    """The narrowest that keeps everything that was used; what it leaves as it is stands at its top."""
    from tabwarden.run.lint import narrowed
    from tabwarden.run.policy import policy_text
    from tabwarden.want.policy.export import told

    result, project = narrowed(asking.questions(), asking.where, scope, days)
    export = told(result.site, project)
    export.remarks[:0] = result.remarks
    _give(policy_text(export), out)


def policy_import(
    file: Annotated[Path, Argument("Of TabProvision, TableauConMan or tableau-permissions; a Terraform state.")],
    out: Annotated[Path | None, Option("--out", about="Where to write it.")] = None,
    asking: Asking = NEWEST,
) -> None:
    """What another tool's file wants, as a policy to be looked over and planned; what it cannot say is told at its top.

    Ids that the file has no names for are looked up in the snapshot, where there is one.
    """
    from tabwarden.run.policy import import_policy

    try:
        site = asking.questions().site
    except UnknownName:
        if asking != NEWEST:
            raise
        site = None
    _give(import_policy(file, site), out)


def _give(text: str, out: Path | None) -> None:
    """Into a file, or as a file would have it."""
    from tabwarden.safe_files import write_whole

    lines = text.removesuffix("\n").split("\n")
    if out is not None:
        write_whole(out, text.encode())
    elif screen():
        show(*lines)
    else:
        emit(lines)


def policy_schema() -> None:
    """The JSON Schema of a policy's files, for editors."""
    import json

    from tabwarden.settings.policy import schema

    emit(json.dumps(schema(), indent=2).split("\n"))
