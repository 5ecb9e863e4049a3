"""Changes as people write them: one sentence is one change, parsed and printed side by side.

`FORMS` is the whole language; a name that holds one of its small words goes in double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from difflib import get_close_matches
from typing import Self

from tabwarden.effects.change import Change
from tabwarden.effects.forms import content, people, rules, site
from tabwarden.effects.forms.form import Form
from tabwarden.effects.ops.content import Place
from tabwarden.effects.quoting import Quoting, name_meant
from tabwarden.effects.ref import GROUP, USER, Ref
from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.errors import UnknownName
from tabwarden.model.site import Content, Group, GroupSet, Site, User

# Of two forms that fit, the first is meant: what says more stands before what says less.
FORMS: tuple[Form, ...] = (
    *site.FIRST,
    *rules.FIRST,
    *people.FIRST,
    *content.FORMS,
    *rules.FORMS,
    *people.FORMS,
    *site.FORMS,
    *content.LAST,
)
VERBS = frozenset(form.written.split()[0] for form in FORMS)
"""What a sentence begins with."""
_LISTS = ("text", "row", "details", "schedules")
"""Places of what is no single name: its form takes the quotes away."""


_MEANT = {
    word: begins
    for words, begins in (
        ("grant,permit,enable", "allow"),
        ("forbid,block,prohibit", "deny"),
        ("revoke,disallow", "remove allow"),
        ("unlicense,unlicence,promote,demote,change,downgrade,upgrade", "set USER"),
        ("transfer,reassign,hand", "give"),
        ("delete user,delete users,drop user,deactivate", "remove user"),
        ("create,make project,make group", "new"),
        ("assign,put", "add"),
        ("sync,synchronize", "synchronise"),
        ("apply", "use template"),
    )
    for word in words.split(",")
}
"""What sentences of others begin with, and how ours of the same meaning begin."""


class Sentence(str):
    """A sentence with where it was written: file and line, or the number of the change."""

    where: str

    def __new__(cls, words: str, where: str) -> Self:
        """The words, as any text."""
        sentence = super().__new__(cls, words)
        sentence.where = where
        return sentence


def change_of(site: Site, sentence: str) -> Change:
    """The change a sentence means on this Site.

    Raises UnknownName for a sentence of no known form or a name that is not there, AmbiguousName for several.
    """
    quoting = Quoting(sentence)
    if (fit := fitting(quoting)) is None:
        raise UnknownName(*_not_understood(sentence, quoting.sentence))
    form, match = fit
    words = quoting.words(match.groupdict()).items()
    return form.meant(site, {key: value if key in _LISTS else value and name_meant(value) for key, value in words})


def fitting(quoting: Quoting) -> tuple[Form, re.Match[str]] | None:
    """The form of a sentence, and what stands in its places; None for none.

    `delete user ann` has none: it means no group that is called `user ann`.
    """
    if quoting.sentence.casefold().startswith("delete user "):
        return None
    return next(((form, match) for form in FORMS if (match := form.pattern.fullmatch(quoting.sentence))), None)


def _not_understood(sentence: str, text: str) -> list[str]:
    """What to write instead: the forms that begin as it does or is meant to, else all there are."""
    words = f"`{sentence}` is not a change that is understood"
    first = text.lower().split()[:2]
    if first[:1] == ["rename"]:
        return [f"{words}; nothing is renamed by a sentence; `tabwarden plan rename OLD=NEW` gives people another name"]
    verbs = (
        [first[0]] if first and first[0] in VERBS else get_close_matches("".join(first[:1]), VERBS, n=1, cutoff=0.75)
    )
    meant = next((_MEANT[key] for key in (" ".join(first), *first[:1]) if key in _MEANT), "".join(verbs))
    near = [form for form in FORMS if meant and f"{form.written} ".replace("|", " ").startswith(f"{meant} ")]
    if not near:
        return [f"{words}; changes are written so:", *(f"  {form.written}" for form in FORMS)]
    return [f"{words}; near it:", *(f"  {form.written}, as in `{form.example}`" for form in near)]


def words_of(site: Site, change: Change) -> str:
    """The sentence that means this change on this Site."""
    for form in FORMS:
        words = form.says(site, change) if type(change) is form.of else None
        if words is not None:
            return words
    return change.to_do()


def site_named(changes: Iterable[Change]) -> Site:
    """A Site of nothing but what changes name, for their words where the Site itself is not at hand."""
    users, groups, contents, sets = dict[str, User](), dict[str, Group](), dict[str, Content](), dict[str, GroupSet]()
    for ref in (ref for change in changes for ref in _refs(change)):
        id_ = ref.id or ref.new_id
        if ref.kind == USER:
            users[id_] = User(id_, ref.name, "", ref.domain)
        elif ref.kind == GROUP:
            groups[id_] = Group(id_, ref.name, ref.domain)
        elif ref.kind == "groupSet":
            sets[id_] = GroupSet(id_, ref.name)
        elif ref.kind in KIND_NAMES:
            contents[id_] = Content(id_, ref.kind, ref.name, None, "")
    return Site(users=users, groups=groups, group_sets=sets, contents=contents)


def _refs(change: Change) -> Iterator[Ref]:
    for value in (getattr(change, field.name) for field in fields(change)):
        if isinstance(value, Ref):
            yield value
        elif isinstance(value, Place) and value.id is not None:
            yield Ref("project", value.path or "", id=value.id)
