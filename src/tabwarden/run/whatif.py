"""A list of changes read from words or files, tried on a snapshot, or planned for the site as it is now."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabwarden.compare.access_changes import Under
from tabwarden.compare.beside import credentials_that_break, past_filters
from tabwarden.compare.between_sites import Base
from tabwarden.compare.what_if import Tried, WhatIf, done, steps_of, written
from tabwarden.effects.change import NICKNAMES, REFRESHES
from tabwarden.effects.ops.several import NOTHING_DIFFERS
from tabwarden.effects.phrases import refusal
from tabwarden.effects.quoting import is_literal, listed, name_words
from tabwarden.effects.sentences import VERBS, Sentence
from tabwarden.model.codec import collected_later
from tabwarden.model.errors import SettingsError, TabwardenError
from tabwarden.model.open_points import alternatives
from tabwarden.questions import Progress, Questions
from tabwarden.safe_files import read_text, yaml_value
from tabwarden.troubles import why

if TYPE_CHECKING:
    from tabwarden.effects.change import Change
    from tabwarden.model.site import Site
    from tabwarden.plan.build import Basis
    from tabwarden.plan.plan import Plan
    from tabwarden.settings import Settings

KIND = "changes"
_READS = (
    (NICKNAMES, re.compile("nickname")),
    (REFRESHES, re.compile(r"^\s*(?:stop\s+)?refresh", re.IGNORECASE | re.MULTILINE)),
)
"""What of a site is read beside it for a sentence that begins, or speaks, so."""


@collected_later()
def try_out(
    questions: Questions, sentences: Sequence[str], progress: Progress | None = None
) -> tuple[WhatIf, tuple[str, ...]]:
    """What the changes would do, and the open points that would make it another result.

    UnknownName for every change that is not understood, SettingsError where there is none.
    """
    if not sentences:
        raise SettingsError(["there is no change to try; give one in words, or a file with one a line"])
    outcome = questions.what_if(sentences, progress)
    after = Base(outcome.after, Under(questions.model, questions.open_points))
    others = (pair for pair in alternatives(questions.open_points, changes=True) if pair[0] in outcome.looked_at)
    return outcome, tuple(name for name, other in others if after.differs(outcome.after_with(other)))


def use_of(questions: Questions, result: WhatIf, store: str) -> tuple[str, ...] | None:
    """Of those who lose sight of something, who used it lately, as a plan tells it; None where use was never read."""
    from tabwarden.plan.build import LATELY
    from tabwarden.plan.impact import used_lately
    from tabwarden.run import planning

    used = None if "://" in store else planning.used_lately(Path(store), result.before.id)
    base = Base(result.before, Under(questions.model, questions.open_points))
    return None if used is None else used_lately(base, result.after, used, LATELY)


def plan_changes(settings: Settings, given: Iterable[str]) -> Plan:
    """The plan that does these changes to the site, which is read whole for it.

    TabwardenError where Tableau would refuse one of them, or this release cannot write it.
    """
    # What signs in and reads takes longer to load than trying a change out.
    from tabwarden.plan.build import build
    from tabwarden.run.apply import with_beside
    from tabwarden.run.context import running
    from tabwarden.run.planning import basis_of
    from tabwarden.tableau.read.site import read_site

    sentences = read_all(given)
    if not sentences:
        raise SettingsError(["there is no change to plan; give one in words, or a file with one a line"])
    text = "\n".join(sentences)
    with running(settings) as context:
        site = read_site(context.connection)
        site = with_beside(site, context.connection, {reads for reads, words in _READS if words.search(text)})
        after, tried = done(site, sentences)
        _check(tried)
        basis = replace(basis_of(context, KIND, context.site(site.name), site), takes=context.takes)
        steps = tuple(steps_of(site, [one.change for one in tried]))
        idle = (f"`{one.words}`: it is so already" for one, mine in zip(tried, steps, strict=True) if not mine)
        notes = (*idle, *past_filters(site, after), *credentials_that_break(site, after))
        return build(basis, site, tuple(chain.from_iterable(steps)), notes=notes)


def _check(tried: Iterable[Tried]) -> None:
    """TabwardenError with every change that Tableau would refuse."""
    problems = [
        f"`{one.words}`: {refusal(one.because)}" for one in tried if not one.done and one.because != NOTHING_DIFFERS
    ]
    if problems:
        raise TabwardenError(f"Tableau would refuse {'; '.join(problems)}; mend the changes, or leave these out")


def plan_by_snapshot(site: Site, sentences: Sequence[str], settings: Settings) -> Plan:
    """The plan that does these changes to a Site as it was read; TabwardenError as `plan_changes`."""
    _, tried = done(site, sentences)
    _check(tried)
    return plan_of(site, written(site, [one.change for one in tried if one.done]), settings=settings)


def plan_of(
    site: Site, changes: tuple[Change, ...], path: Path | None = None, settings: Settings | Path | None = None
) -> Plan:
    """The plan that does these changes to a Site that was read before, written to `path` where one is named.

    What the settings say counts, those that are found where none, or their file alone, is given: limits, who is
    protected, invariants, and the use that was kept. SettingsError where they, or the invariants, cannot be read:
    nobody would know what the plan breaks.
    """
    from tabwarden.plan.build import Basis, build
    from tabwarden.plan.plan import SiteIdentity
    from tabwarden.run.plans import keep_plan
    from tabwarden.store.journal import now

    identity = SiteIdentity.of(site)
    basis = _with_settings(Basis(kind=KIND, site=identity, made_at=now()), settings)
    plan = build(basis, site, changes)
    if path is not None:
        keep_plan(plan, path)
    return plan


def _with_settings(basis: Basis, settings: Settings | Path | None) -> Basis:
    from tabwarden.places import located
    from tabwarden.settings.invariants import INVARIANTS, load_invariants

    if (settings is None or isinstance(settings, Path)) and located(settings, os.environ).path is None:
        file = Path(INVARIANTS)
        return replace(basis, invariants=load_invariants(file) if file.is_file() else ())
    from tabwarden.plan.stops import Guarded
    from tabwarden.run.context import invariants_of, limits_of
    from tabwarden.run.planning import used_lately
    from tabwarden.settings import load

    loaded = load(settings, os.environ) if settings is None or isinstance(settings, Path) else settings
    return replace(
        basis,
        limits=limits_of(loaded),
        guarded=Guarded(protected=loaded.provision.protected),
        invariants=invariants_of(loaded),
        used=used_lately(loaded.store.folder, basis.site.id),
    )


def read_all(given: Iterable[str]) -> list[str]:
    """The sentences of all arguments; SettingsError with the problems of all their files."""
    sentences: list[str] = []
    problems: list[str] = []
    for one in _as_sentences(list(given)):
        try:
            sentences += read_changes(one)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)
    return sentences


def _as_sentences(given: list[str]) -> list[str]:
    """One sentence of words that the shell took apart: `lock Finance` without quotes around it."""
    if len(given) < 2 or given[0].casefold() not in VERBS or _is_file(Path(given[0])):
        return given
    return [
        " ".join(name_words(word) if (" " in word or '"' in word) and not is_literal(word) else word for word in given)
    ]


_BULLET = re.compile(r"(?:[-*•]|\d+[.)])\s+")
"""What stands before a line of a list as people write it."""


def read_changes(given: str) -> Sequence[str]:
    """The sentences of one argument: itself, or those of the file it names.

    A file is a YAML list of sentences or of mappings (`{move: Finance/Budget, to: Archive}`), alone or under one key,
    or plain lines, with bullets or numbers before them or without; `#` begins a comment.
    """
    path = Path(given)
    if not _is_file(path):
        if re.fullmatch(r"\S+\.(txt|ya?ml)", given):
            raise SettingsError([f"`{given}` is neither a file that is there nor a change in words"])
        return [given]
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"`{given}` cannot be read: {why(error)}"]) from None
    numbered = enumerate(text.splitlines(), start=1)
    lines = [(number, line.strip()) for number, line in numbered if line.strip() and not line.lstrip().startswith("#")]
    if lines and not re.match(r"[\[-]|\w+:$", lines[0][1]):
        return [Sentence(_BULLET.sub("", line), f"{given}:{number}") for number, line in lines]
    import yaml

    try:
        items = yaml_value(text)
    except yaml.YAMLError as error:
        raise SettingsError([f"`{given}` is not YAML: {why(error)}"]) from None
    if isinstance(items, dict) and len(items) == 1 and isinstance(listed := next(iter(items.values())), list):
        items = listed
    every = enumerate(_sentences(given, items or []), start=1)
    return [Sentence(words, f"{given}, change {number}") for number, words in every]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a sentence longer than any file name
        return False


def _sentences(given: str, changes: Any) -> Iterator[str]:
    items = changes if isinstance(changes, list) else [changes]
    wrong = [number for number, item in enumerate(items, 1) if not isinstance(item, str | dict)]
    if wrong:
        raise SettingsError(
            [f"`{given}`, change {number}: a change is a sentence or a mapping of its words" for number in wrong]
        )
    for item in items:
        yield item if isinstance(item, str) else " ".join(_part(key, value) for key, value in item.items())


def _part(key: Any, value: Any) -> str:
    """`to: Archive` as `to "Archive"`; YAML reads a bare `on` as true."""
    word = {True: "on", False: "off"}.get(key, key) if isinstance(key, bool) else key
    if value is None:
        return str(word)
    name = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
    bare = isinstance(value, bool) or all(map(is_literal, listed(name, " and ")))
    return f"{word} {name}" if bare else f"{word} {name_words(name)}"
