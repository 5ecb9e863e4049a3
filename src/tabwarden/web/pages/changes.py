"""What if: changes that are picked or written down, and what they would do to people; and where the models differ."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import Response

from tabwarden.commands import diff, whatif
from tabwarden.effects.quoting import is_literal, name_words
from tabwarden.effects.sentences import FORMS
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.report.table import Table, Text, flat
from tabwarden.run.whatif import try_out, use_of
from tabwarden.web.answers import answered
from tabwarden.web.asking import asking_of, shown
from tabwarden.web.pictures import BARS, Picture, before_and_after
from tabwarden.web.rights import AUDITOR, OPERATOR
from tabwarden.web.sheets import as_csv, sheet, table_in, wants_csv
from tabwarden.web.visit import Visit, page

if TYPE_CHECKING:
    from tabwarden.compare.what_if import WhatIf
    from tabwarden.questions import Questions

VIEW = "Read"
# In how a form is written: what may be left out, and what somebody fills in: words to choose from, or a NAME.
_OPTIONAL = re.compile(r" ?,? ?\[[^][]*\]")
_BLANK = re.compile(r'"?[A-Z]{2,}"?|[a-z-]+(?:\|[A-Za-z-]+)+')


class Blank(NamedTuple):
    """One part of a kind of change to be filled in: `choices` are the words to choose from, if it is no name."""

    key: str
    words: str
    choices: tuple[str, ...]


class Kind(NamedTuple):
    """One kind of change without what may be left out: its number, how it is written, an example, its blanks."""

    number: int
    written: str
    example: str
    blanks: tuple[Blank, ...]

    def sentence(self, values: Mapping[str, str]) -> str:
        """The change with its blanks filled in; empty where one is not."""
        if not all(values.get(blank.key, "").strip() for blank in self.blanks):
            return ""
        filled = iter([values[blank.key].strip() for blank in self.blanks])
        return _BLANK.sub(lambda match: _quoted(match[0], next(filled)), self.written)


def _quoted(blank: str, value: str) -> str:
    return name_words(value) if blank.startswith('"') and not is_literal(value) else value


def _kind(number: int) -> Kind:
    written, before = FORMS[number].written, ""
    while written != before:
        before, written = written, _OPTIONAL.sub("", written)
    written = written.partition(" | ")[0].partition("; ")[0].removesuffix(", ...")
    blanks = []
    for place, match in enumerate(_BLANK.finditer(written)):
        choices = tuple(word for word in match[0].split("|") if word.islower()) if "|" in match[0] else ()
        words = match[0].strip('"').capitalize()
        blanks.append(Blank(f"blank{place}", "Which" if choices else words, choices))
    return Kind(number, written, FORMS[number].example, tuple(blanks))


KINDS = tuple(map(_kind, range(len(FORMS))))


@page("/check/whatif", AUDITOR, audit="looked")
def what_if(visit: Visit) -> Response:
    """What changes would do: each with its refusal, then people gained and lost, and bars of before and after."""
    sentences = [line.strip() for line in visit.word("changes").splitlines() if line.strip()]
    kind = _picked(visit)
    picked = kind.sentence({blank.key: visit.word(blank.key) for blank in kind.blanks}) if kind else ""
    sentences += [picked] if picked else []
    values: dict[str, Any] = {
        "title": "What if",
        "changes": sentences,
        "kinds": sorted(KINDS, key=lambda one: one.written),
        "kind": None if picked else kind,
        "planning": OPERATOR in visit.rights,
        "problems": (),
    }
    if not sentences:
        return shown(visit, "whatif.html", **values, tried=False)
    questions = asking_of(visit).questions()
    try:
        result, disputed = try_out(questions, sentences)
    except TabwardenError as error:
        values["problems"] = error.lines
        response = shown(visit, "whatif.html", **values, tried=False)
        response.status_code = 400
        return response
    parts = list(flat(whatif.tried_parts(result, disputed, use_of(questions, result, visit.site.store))))
    tables = [part for part in parts if isinstance(part, Table)]
    facts = {
        "tried": True,
        "lines": [part for part in parts if isinstance(part, Text)],
        "sheet": sheet(visit, tables[0]) if tables else None,
        "picture": _bars(questions, result),
        "done": all(tried.done for tried in result.tried),
    }
    return as_csv(tables[0]) if tables and wants_csv(visit) else shown(visit, "whatif.html", **values, **facts)


def _picked(visit: Visit) -> Kind | None:
    """The kind of change that was picked by its number; UnknownName where there is none."""
    words = visit.word("kind")
    if not words:
        return None
    if not words.isdecimal() or int(words) >= len(KINDS):
        raise UnknownName(f"no kind of change has the number `{words}`; pick one of the list")
    return KINDS[int(words)]


def _bars(questions: Questions, result: WhatIf) -> Picture | None:
    """How many may View each content before and after, of those where that changes most; None where nobody can tell."""
    reach = result.reach
    if reach.told < reach.count.decisions:
        return None
    gained, lost = Counter[str](), Counter[str]()
    for shift in reach.shifts:
        if VIEW in shift.capabilities and shift.sure:
            for content in shift.contents:
                (gained if shift.gained else lost)[content] += len(shift.users)
    most = sorted({*gained, *lost}, key=lambda content: (-gained[content] - lost[content], content))[:BARS]
    rows = []
    for content in most:
        there = content in result.before.contents
        before = len(questions.who_ids(VIEW, content)) if there else 0
        path = (result.before if there else result.after).path(content)
        rows.append((path, before, before + gained[content] - lost[content]))
    return before_and_after("People who may View, before and after", rows) if rows else None


@page("/check/models", AUDITOR, audit="looked")
def models(visit: Visit) -> Response:
    """Whose access comes out otherwise by another model: the order of rules, owners, leaders, rules in person."""
    capability, against = visit.word("capability", "View"), visit.word("against", "deny_first")
    asking = asking_of(visit)
    values = {"title": "Models", "capability": capability, "against": against}
    if not visit.word("against"):
        return shown(visit, "models.html", **values, sheet=None)
    answer = answered(diff.show_models, asking.site(), capability, against, asking.open_points)
    table = table_in(answer)
    if wants_csv(visit):
        return as_csv(table)
    return shown(visit, "models.html", **values, heading=answer.parts[0], sheet=sheet(visit, table))
