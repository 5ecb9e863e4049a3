"""Writes the reference pages that are made from code: `python docs/generate.py`. A test checks they are fresh."""

from __future__ import annotations

import csv
import runpy
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import sandbox_coverage
import tabwarden.audit.lints  # noqa: F401  (fills LINTS)
from tabwarden.audit.finding import LINTS
from tabwarden.audit.score import FORMULA
from tabwarden.cli import COMMANDS, HERE
from tabwarden.commands import Command
from tabwarden.commands._answer import OUTPUT
from tabwarden.commands._parsing import Argument, Option, Parameter, parameters_of, usage
from tabwarden.model.capability import (
    CAPABILITIES,
    KIND_NAMES,
    KINDS,
    LEGACY_TEMPLATES,
    TEMPLATE_ORDER,
    TEMPLATES,
    capabilities_of,
    ui_name,
)
from tabwarden.model.means import means
from tabwarden.model.roles import CEILINGS, LEGACY_ROLES, MERGE, SITE_ROLES
from tabwarden.web.paths import QUESTIONS, key_of

REFERENCE = Path(__file__).parent / "reference"
DOCUMENTED_ERRORS = Path(__file__).parent.parent / "tests/sandbox/documented_errors.tsv"
ANSWER_SHAPES = Path(__file__).parent.parent / "tests/support/answer_shapes.py"
MADE = "<!-- made by docs/generate.py; do not edit -->"
MARKS = "Marks: V read in a source, B believed, C sources contradict each other."


def _table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def capabilities() -> Iterator[str]:
    """Capabilities, their names, and the templates."""
    yield "# Capabilities and templates"
    yield ""
    yield "Every command takes a capability by its REST name, by today's name in Tableau's dialog, and by older names."
    yield "A letter says which template first sets it: V View, X Explore, P Publish, A Administer;"
    yield "`·` means the kind has it outside the templates."
    yield MARKS
    yield ""
    kinds = [k for k in KINDS if k != "collection"]
    rows = []
    for row in CAPABILITIES.values():
        cells = []
        for kind in kinds:
            template = row.kinds.get(kind)
            cells.append("" if template is None else (template[0].replace("E", "X") if template else "·"))
        rows.append([f"`{row.name}`", row.ui, ", ".join(row.earlier), *cells, row.mark])
    yield from _table(["REST name", "today", "also called", *(KIND_NAMES[k] for k in kinds), "mark"], rows)
    yield ""
    yield "## Templates"
    yield ""
    yield "A template allows what it lists and leaves the rest Unspecified; each includes the ones before it."
    yield ""
    for kind in kinds:
        yield f"- **{KIND_NAMES[kind]}**: " + "; ".join(
            f"{name} + {', '.join(ui_name(c, kind) for c in _added(kind, name)) or 'nothing'}"
            for name in TEMPLATE_ORDER
        )
    yield ""
    yield "Older templates that are still recognised:"
    yield ""
    for kind, named in LEGACY_TEMPLATES.items():
        for name, members in named.items():
            yield f"- {KIND_NAMES[kind]} {name}: {', '.join(sorted(ui_name(c, kind) for c in members))}"
    yield ""
    yield "## What each lets a person do"
    yield ""
    yield "`tabwarden why` says it beside the answer."
    for kind in filter(capabilities_of, KINDS):
        yield ""
        yield f"### On {'an' if KIND_NAMES[kind][0] in 'AEIOUaeiou' else 'a'} {KIND_NAMES[kind]}"
        yield ""
        yield from (f"- **{ui_name(c, kind)}** (`{c}`): {means(c, kind)}" for c in capabilities_of(kind))


def _added(kind: str, template: str) -> list[str]:
    before = TEMPLATE_ORDER[: TEMPLATE_ORDER.index(template)]
    known = TEMPLATES[kind][before[-1]] if before else frozenset()
    return [c for c in CAPABILITIES if c in TEMPLATES[kind][template] - known]


def site_roles() -> Iterator[str]:
    """Site roles, ceilings and the merge matrix."""
    yield "# Site roles, ceilings, merging"
    yield ""
    rows = [
        [f"`{r.name}`", r.ui, r.admin, r.licence or "none", r.publishes, "" if r.rank is None else str(r.rank)]
        for r in SITE_ROLES.values()
    ]
    yield from _table(["REST name", "today", "administers", "licence", "publishes", "rank"], rows)
    yield ""
    yield "Older names: " + ", ".join(f"`{old}` is `{new}`" for old, new in LEGACY_ROLES.items()) + "."
    yield ""
    yield (
        "Settings, lists, sentences and case files take all of these names, in any letter case and with or without "
        "spaces: `Explorer (can publish)`, `explorer_can_publish`, `Read Only`, `Site Admin Creator`. "
        "No list gives a role of an administrator: a row that asks for one is put aside."
    )
    yield ""
    yield "## Ceilings"
    yield ""
    yield "The most a site role can ever exercise. Administrators: everything. Unlicensed: nothing."
    yield MARKS
    yield ""
    head = ["on", "capability", "Creator", "Explorer (can publish)", "Explorer", "Viewer", "Guest", "mark"]
    listed = []
    for row in CEILINGS:
        kinds = row.kinds.split()
        named = ", ".join(ui_name(c, kinds[0]) for c in row.capabilities.split())
        listed.append([", ".join(KIND_NAMES[k] for k in kinds), named, *row.columns, row.mark])
    yield from _table(head, listed)
    yield ""
    yield "## Import and synchronisation"
    yield ""
    yield "The role now (rows) and the imported or minimum role (columns) give the role afterwards. Nobody is demoted;"
    yield "the matrix is not a maximum of ranks."
    yield ""
    columns = list(dict.fromkeys(imported for _, imported in MERGE))
    merged = [[now, *(MERGE[now, c] for c in columns)] for now in dict.fromkeys(now for now, _ in MERGE)]
    yield from _table(["now", *columns], merged)


def commands() -> Iterator[str]:
    """Every command with its arguments and options."""
    yield "# Commands"
    yield ""
    found = "2 `plan` or `diff` of snapshots found changes, `lint` findings as bad as `--fail-on`"
    codes = (
        "0 done or nothing to do",
        "1 error (usage errors too, `doctor` with a no)",
        found,
        "3 a stop",
        "130 Ctrl-C",
    )
    yield f"Exit codes: {', '.join(codes)}."
    yield ""
    yield from _table(["before any command", ""], [[f"`{words}`", told] for words, told in HERE])
    yield ""
    yield "## Every answer"
    yield ""
    yield "What `...` at the end of a command's options stands for; [what each form holds](answers.md)."
    yield ""
    of_answers = [p for p in parameters_of(COMMANDS["history"].function()) if _of_answers(p)]
    yield from _table(["", ""], [[" ".join(f"`{name}`" for name in p.names), p.about] for p in of_answers])
    for _, command in sorted(COMMANDS.items()):
        yield from _command(command)


def _of_answers(parameter: Parameter) -> bool:
    return isinstance(parameter.spec, Option) and parameter.spec.under == OUTPUT


def _command(command: Command) -> Iterator[str]:
    parameters = parameters_of(command.function())
    arguments = [p for p in parameters if isinstance(p.spec, Argument)]
    yield ""
    yield f"## {usage(command.words, arguments)}"
    yield ""
    yield command.about
    rows = [[f"`{argument.words}`", argument.about] for argument in arguments]
    rows += [[" ".join(f"`{name}`" for name in p.names), p.about] for p in parameters if p.names and not _of_answers(p)]
    rows += [["...", "[every answer](#every-answer)"]] if any(map(_of_answers, parameters)) else []
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    if rows:
        yield ""
        yield from _table(["", ""], rows)


def clients() -> Iterator[str]:
    """What is run against the sandbox, and what of it fails by its own fault."""
    yield "# Clients that run against the sandbox"
    yield ""
    yield "Each unmodified, over HTTP or HTTPS, in an environment of its own, pinned:"
    yield "`script/clients` runs all, `script/clients NAME` one. Those marked CI run in the tests too."
    yield "Beside them: tabcmd, tableau-api-lib and tableauserverclient in the tests, DataHub and OpenMetadata by"
    yield "`script/connectors`."
    yield ""
    known = tomllib.loads((REFERENCE.parent.parent / "clients" / "clients.toml").read_text(encoding="utf-8"))
    rows = [[name, one["version"], one["job"], "yes" if one.get("in_ci") else ""] for name, one in known.items()]
    yield from _table(["client", "version", "what it does there", "CI"], rows)
    yield ""
    yield "## What fails by their own fault"
    yield ""
    yield "Steps that fail against any Tableau, with the place in the client; everything else succeeds."
    if waits := {step for one in known.values() for step in one.get("waits", ())}:
        yield f"Not played yet, so that a client asks it in vain: {', '.join(sorted(waits))}."
    yield ""
    faults = [
        [name, fault["step"], f"`{fault['at']}`", fault["why"]]
        for name, one in known.items()
        for fault in one.get("faults", ())
    ]
    yield from _table(["client", "step", "where", "what is wrong"], faults)


def rest_errors() -> Iterator[str]:
    """What of the documented errors a test provokes, and why the rest is not."""
    rows = list(csv.DictReader(DOCUMENTED_ERRORS.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
    left = [row for row in rows if row["left"]]
    yield "# Documented errors"
    yield ""
    yield (
        f"Of the {len(rows)} refusals that the REST reference documents (about API 3.10, besides unknown sites, wrong "
        "methods and failed sign-ins) for the endpoints [the sandbox](sandbox-endpoints.md) plays, "
        f"{len(rows) - len(left)} are provoked by a test, over HTTP; status and code must be the documented ones. "
        "These are not:"
    )
    yield ""
    listed = (
        [row["document"], f"{row['method']} `{row['path']}`", row["status"], row["code"], row["left"]] for row in left
    )
    yield from _table(["method of the reference", "endpoint", "status", "code", "why"], list(listed))


def rest_shapes() -> Iterator[str]:
    """What of the answers that Tableau was seen to give the sandbox does not tell, and why."""
    shapes = runpy.run_path(str(ANSWER_SHAPES))
    left, answers, name_of = shapes["LEFT"], list(shapes["recorded"]()), shapes["name_of"]
    absent = {one.request for one in left if not one.path}
    played = [answer for answer in answers if name_of(answer.request) not in absent]
    partial = sum(bool(shapes["excused"](answer)) for answer in played)
    yield "# Shapes of answers"
    yield ""
    yield (
        f"Tableau was seen to give {len(answers)} answers, in the tests of its Python client and in recordings of real "
        f"servers. The request of {len(played)} is one that [the sandbox](sandbox-endpoints.md) plays: "
        f"{len(played) - partial} are whole there, every element and attribute, by a test over HTTP; {partial} lack "
        f"something, told here, and nothing else. {len(answers) - len(played)} are of requests that are not played."
    )
    yield ""
    yield "## What an answer lacks"
    yield ""
    rows = [[f"`{one.request}`", f"`{one.path}`", one.why] for one in left if one.path]
    yield from _table(["request", "element or attribute", "why"], rows)
    yield ""
    yield "## What is not played"
    yield ""
    yield from _table(["request", "why"], [[f"`{one.request}`", one.why] for one in left if not one.path])


def findings() -> Iterator[str]:
    """Every lint: what it finds, why, from where, when it may be ignored, who mends it and how."""
    yield "# Findings"
    yield ""
    yield "What `tabwarden lint` looks for; [how to use it](../how-to/find-and-mend.md)."
    yield "Where a fact that a lint rests on was not read, the finding is *unknown*: told and counted, never well."
    yield ""
    yield "The surprises of Tableau's permissions are numbered as the house collected them from its help."
    yield ""
    yield f"**Points.** {FORMULA}"
    yield ""
    rows = [[f"[`{one.id}`](#{one.id})", one.title, one.severity, one.of.replace("_", " ")] for one in LINTS.values()]
    yield from _table(["lint", "finds", "severity", "of"], rows)
    for one in LINTS.values():
        yield from ("", f"## {one.id}", "", f"**{one.title}** ({one.severity}; the {one.mender} can mend it).", "")
        yield f"{' '.join((one.find.__doc__ or '').split())}"
        yield ""
        yield f"- Why: {one.why}"
        yield f"- From: {one.source}."
        yield f"- Ignore it when: {one.ignore}"
        if one.reads:
            yield f"- Rests on: {', '.join(one.reads)}."


def json_api() -> Iterator[str]:
    """What `tabwarden serve` answers to programs."""
    yield "# JSON over HTTP"
    yield ""
    yield "What `tabwarden serve` answers under `/api/v1`: each path is a command, its answer that of `--json`, letter"
    yield "for letter. `openapi.json` there describes it. Ask with the cookie of a session, or with a token as"
    yield "`Authorization: Bearer ...`."
    yield ""
    yield "- A list may be given more than once (`words=a&words=b`); `true` and `false` are the values of a switch."
    yield "- `site` is the content URL of a site that is served; without it the usual one. Plans"
    yield "  are of every site, and take the right on each."
    yield "- `limit` and `offset` give a part of the rows; `tabwarden-rows` tells how many there are, `link` the next."
    yield "- `etag` changes with the snapshot; with `If-None-Match` what is known is not sent again (304)."
    yield "- `tabwarden-exit-code` is the command's: 2 and 3 of `lint` and `check` mean findings and broken invariants."
    yield "- A refusal is `application/problem+json` (RFC 9457): 400 not understood, 401 not signed in, 403 without the"
    yield "  right, 404 a name that fits nobody; `detail` is the sentence of the command line."
    yield "- Everybody asks about himself, `user` being his own name; what Tableau does not show him is named in no"
    yield "  answer, and is not found. A catalog is of the site as it was last read and by what counts for its source"
    yield "  now, as on the pages; `as` left out is oneself. Requests are told to approvers, to whoever made them, and"
    yield "  those that wait to whoever may decide them."
    yield "- Commands that ask Tableau, a directory or the sources of people, that read or write a file or change"
    yield "  anything, and `store check`, which reads the whole store, have no path."
    yield ""
    rows = []
    for question in QUESTIONS:
        names = (
            f"`{key_of(one)}`" + " (needed)" * (one.required and key_of(one) != question.about)
            for one in question.parameters
        )
        rows.append(
            [
                f"`{question.path}`",
                f"`tabwarden {question.command}`",
                f"own; of others {question.right}" if question.of_oneself else question.right,
                ", ".join(names),
            ]
        )
    yield from _table(["path", "command", "right", "takes"], [["`/me`", "who asks, and his rights", "own", ""], *rows])


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "json-api.md": json_api,
    "capabilities.md": capabilities,
    "site-roles.md": site_roles,
    "commands.md": commands,
    "sandbox-clients.md": clients,
    "findings.md": findings,
    "sandbox-endpoints.md": sandbox_coverage.page,
    "rest-errors.md": rest_errors,
    "rest-shapes.md": rest_shapes,
}


def page(name: str) -> str:
    """The text of one page."""
    return "\n".join((MADE, "", *PAGES[name](), ""))


if __name__ == "__main__":
    for name in PAGES:
        (REFERENCE / name).write_text(page(name), encoding="utf-8")
