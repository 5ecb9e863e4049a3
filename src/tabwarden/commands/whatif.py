"""`tabwarden whatif`: what changes would do to people, and `plan change`: the plan that does them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import NEWEST, Asking, Out, SettingsPath, load_settings
from tabwarden.commands._parsing import CHANGES, Argument, Option, epilog

if TYPE_CHECKING:
    from tabwarden.compare.what_if import WhatIf
    from tabwarden.report.table import Drawable


def _language() -> str:
    """Each form of a change with an example, one a line."""
    from tabwarden.effects.sentences import FORMS

    return "\n".join(("Changes, with an example each:", *(f"  {form.written}: `{form.example}`" for form in FORMS)))


Changes = Annotated[
    list[str],
    Argument("Changes in words, as in `lock Finance`, or files of them (`tabwarden help what-if`).", of=CHANGES),
]


@epilog(_language)
def whatif(
    changes: Changes,
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """Each change with its refusal, if Tableau would refuse it, then people gained and lost."""
    from tabwarden.report.access_changes import whatif_json
    from tabwarden.run.history import store_named
    from tabwarden.run.whatif import read_all, try_out, use_of

    questions, sentences = asking.questions(), read_all(changes)
    site = questions.site
    with output.progress("comparing") as progress:
        result, disputed = try_out(questions, sentences, progress)
    of_store = asking.snapshots is None
    use = use_of(questions, result, store_named(asking.store, asking.settings)) if of_store else None
    output.warn_partial(site)
    document = {"taken": site.taken.when}
    output.give(
        tried_parts(result, disputed, use),
        lambda: {
            **document,
            **whatif_json(result),
            "use": None if use is None else list(use),
            "disputed": list(disputed),
        },
        of=site,
    )


def tried_parts(result: WhatIf, disputed: Iterable[str], use: Iterable[str] | None) -> list[Drawable]:
    """What is told of changes that were tried: each of them, the sum, `use` of what is lost, whose access changes, and
    what is not settled.
    """
    from tabwarden.report.access_changes import shift_lines, summary, tried_lines, warnings
    from tabwarden.report.table import Text

    parts: list[Drawable] = [Text(words, "" if done else "red") for words, done in tried_lines(result)]
    parts += [Text(words, "yellow") for words in warnings(result)]
    parts += [Text(summary(result), "bold"), *(Text(words) for words in use or ())]
    parts += [*shift_lines(result.before, result.after, result.reach)]
    parts += [
        f"the sources do not settle this: with the open point {name} the other way it comes out otherwise"
        for name in disputed
    ]
    return parts


@epilog(_language)
def plan_change(
    changes: Annotated[
        list[str] | None, Argument("Changes in words, as in `lock Finance`, or files of them.", of=CHANGES)
    ] = None,
    file: Annotated[list[Path] | None, Option("--file", about="A file of changes; repeatable.")] = None,
    settings: SettingsPath = None,
    out: Out = None,
    output: Output = PLAIN,
) -> None:
    """The site is read whole; exit code 2 when there are changes, 3 when a stop forbids them."""
    from tabwarden.commands._plans import present
    from tabwarden.run.whatif import plan_changes

    loaded = load_settings(settings)
    given = [*(changes or ()), *map(str, file or ())]
    present(plan_changes(loaded, given), loaded, out, output)
