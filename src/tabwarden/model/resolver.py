"""The one resolver: what a name in settings, lists, options and sentences means on a site.

In this order: an id in any letter case, the exact spelling, any letter case; quotes around the whole are no part of a
name. Whoever has a name by another form alone (e-mail, UPN, another domain) is a candidate and never a match.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.names import hint, same, some

Site = Any  # a Site, whose module imports this one
MOST_COMPARED = 50_000
"""Contents among which the nearest are looked for."""
MOST_PATHS, MOST_ALIKE = 10_000, 200
"""Contents whose paths are compared as a whole where no name is near; near names that are put in order of nearness."""

NO_DOMAIN = ("", ".", "local", "external")
"""What stands where a user has no domain: on Server, on Cloud, and as people type it."""


_KINDS = re.compile(
    r"(project|workbook|view|data ?source|flow|database|table|virtual ?connection|collection)s? +(.+)", re.IGNORECASE
)


def unquoted(words: str) -> str:
    """Without the quotes around the whole."""
    text = words.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] == '"' else text


@lru_cache(maxsize=8)
def compared(names: tuple[str, ...]) -> frozenset[str]:
    """Names as they are compared, with and without quotes around the whole."""
    return frozenset(same(form) for name in names for form in (name.strip(), unquoted(name)))


def meant(
    words: str, ids: Container[str], named: Callable[[str], Iterable[str]], spelt: Callable[[str], Iterable[str]]
) -> tuple[str, ...]:
    """The ids that words mean, of several that fit those of the exact spelling; none that is not in `ids`.

    `named` gives the ids of a name in any letter case, `spelt` all that the thing of an id is called.
    """
    for text in dict.fromkeys((words, words.strip(), unquoted(words))):
        for own in dict.fromkeys((text, text.lower(), text.upper())):
            if own in ids:
                return (own,)
        every = tuple(named(text))
        if every:
            return (len(every) > 1 and tuple(i for i in every if text in spelt(i))) or every
    return ()


def one_of(ids: Iterable[str], words: str, things: str, line: Callable[[str], str], nobody: Callable[[], str]) -> str:
    """The one id; AmbiguousName with a line for each candidate, UnknownName with what `nobody` says."""
    candidates = tuple(ids)
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise UnknownName(nobody())
    raise AmbiguousName(f"several {things} are called `{words}`; say which:", sorted(map(line, candidates)))


# -- the things of a site ------------------------------------------------------------------------------------------


def _forms(thing: Any) -> tuple[str, str]:
    return thing.name, f"{thing.domain}\\{thing.name}"


def users_meant(site: Site, words: str) -> tuple[str, ...]:
    """Ids of the users that words mean by name, `domain\\name` or id; `user NAME` where nobody is called so."""
    ids = meant(words, site.users, site.users_named, lambda i: _forms(site.users[i]))
    return ids or _behind("user", words, lambda rest: users_meant(site, rest))


def groups_meant(site: Site, words: str) -> tuple[str, ...]:
    """Ids of the groups that words mean by name, `domain\\name` or id; `group NAME` where none is called so."""
    ids = meant(words, site.groups, site.groups_named, lambda i: _forms(site.groups[i]))
    return ids or _behind("group", words, lambda rest: groups_meant(site, rest))


def _behind(kind: str, words: str, find: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
    """What is meant behind the word for its kind; nothing where that word is not there."""
    first, blank, rest = words.strip().partition(" ")
    return find(rest.strip()) if blank and same(first) == kind and rest.strip() else ()


def user_meant(site: Site, words: str) -> str:
    """The id of the one user of that name, `domain\\name` or id."""

    def line(user: str) -> str:
        return f"{site.users[user].domain}\\{site.users[user].name}  {site.users[user].full_name}"

    ids = users_meant(site, words)
    return one_of(ids, words, "users", line, lambda: f"no user `{words}` on site `{site.name}`{near_user(site, words)}")


def near_user(site: Site, words: str) -> str:
    """`; near it: ...`: who has the name in another form, else who is called much like it."""
    several = [one.strip() for one in re.split(r"[,;]| and ", unquoted(words)) if one.strip()]
    if len(several) > 1 and all(users_meant(site, one) for one in several):
        return "; each of them is a user: name one at a time"
    others = OtherNames(site.users.values(), (site.nicknames or {}).items()).of(unquoted(words))
    if others:
        return f"; near it: {', '.join(map(str, others[:5]))}"
    names = {user.name: user.full_name for user in site.users.values()}
    return hint(unquoted(words), names, "; names are user names, not display names")


def group_meant(site: Site, words: str) -> str:
    """The id of the one group of that name, `domain\\name` or id."""

    def line(group: str) -> str:
        return f"{site.groups[group].domain}\\{site.groups[group].name}"

    def nobody() -> str:
        near = hint(unquoted(words).rpartition("\\")[2], {group.name: "" for group in site.groups.values()})
        return f"no group `{words}` on site `{site.name}`{near}"

    return one_of(groups_meant(site, words), words, "groups", line, nobody)


def group_set_meant(site: Site, words: str) -> str:
    """The id of the one group set of that name or id."""
    near = hint(unquoted(words), {group_set.name: "" for group_set in site.group_sets.values()})
    nobody = f"no group set `{words}` on site `{site.name}`{near}"
    return one_of(group_sets_meant(site, words), words, "group sets", str, lambda: nobody)


def group_sets_meant(site: Site, words: str) -> tuple[str, ...]:
    """Ids of the group sets that words mean by name or id."""
    sets = site.group_sets
    return meant(words, sets, lambda n: [i for i in sets if same(sets[i].name) == same(n)], lambda i: (sets[i].name,))


def contents_meant(site: Site, words: str) -> tuple[str, ...]:
    """Ids of the contents words mean, by path, `kind:path` or `kind path`; what is spelt so comes first.

    A `/` before or behind a path, and `\\` between its names, count where nothing is called so.
    """

    def at_path(text: str) -> tuple[str, ...]:
        forms = dict.fromkeys((text, text.replace("\\", "/").strip("/ ")))
        return next((ids for form in forms if form and (ids := site.contents_at(form))), ())

    def named(text: str) -> tuple[str, ...]:
        kind, colon, rest = text.partition(":")
        ids = at_path(text)
        if not ids and not colon and (behind := _KINDS.fullmatch(text)) is not None:
            kind, colon, rest = behind[1], " ", behind[2]
        if ids:
            return ids
        kinds = {same("".join(kind.split())), same("".join(kind.split()).removesuffix("s"))}
        at = at_path(unquoted(rest)) if colon else ()
        return tuple(content for content in at if same(site.contents[content].kind) in kinds)

    def spelt(content: str) -> tuple[str, ...]:
        path = site.path(content)
        return path, f"{site.contents[content].kind}:{path}"

    return meant(words, site.contents, named, spelt)


def content_meant(site: Site, words: str) -> str:
    """The id of the one content of that path, `kind:path` or id."""

    def nobody() -> str:
        near = near_content(site, words) or "; give its path, as in `Finance/Budget`"
        return f"no content `{words}` on site `{site.name}`{near}"

    def line(content: str) -> str:
        return f"{site.contents[content].kind}:{site.path(content)}  {content}"

    return one_of(contents_meant(site, words), words, "things", line, nobody)


def near_content(site: Site, words: str) -> str:
    """`; near it: ...`: what has that very name elsewhere, else what is called much like it; else nothing."""
    if len(site.contents) > MOST_COMPARED:
        return ""
    from difflib import SequenceMatcher, get_close_matches

    text = same(unquoted(words).removesuffix("*").strip("/ "))
    last = text.rpartition("/")[2]
    called: dict[str, list[str]] = defaultdict(list)
    for content in site.contents.values():
        called[same(content.name)].append(content.id)
    names = [last] if last in called else [name for name in called if abs(len(name) - len(last)) <= 2]
    alike = [site.path(one) for name in get_close_matches(last, names, cutoff=0.75) for one in called[name]]
    if alike:
        ranked = len(alike) <= MOST_ALIKE
        nearness = {path: SequenceMatcher(a=text, b=same(path)).ratio() if ranked else 0.0 for path in alike}
        return f"; near it: {some(sorted(alike, key=lambda path: (-nearness[path], path)))}"
    if len(site.contents) > MOST_PATHS:
        return ""
    return hint(text, {site.path(content): "" for content in site.contents})


def content_written(site: Site, content: str) -> str:
    """The path; with its kind, or the id alone, where the path would mean something else too."""
    path = site.path(content)
    return next(
        (w for w in (path, f"{site.contents[content].kind}:{path}") if contents_meant(site, w) == (content,)), content
    )


# -- people by another form of their names -------------------------------------------------------------------------


class Named(Protocol):
    """What is asked of a user here."""

    @property
    def id(self) -> str:
        """The id."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def domain(self) -> str:
        """The domain."""

    @property
    def email(self) -> str:
        """The address, perhaps empty."""

    @property
    def qualified(self) -> str:
        """As people type the user."""


class Candidate(NamedTuple):
    """A user (id, and as people type the name) whom a name may mean, and how it fits."""

    user: str
    called: str
    how: str

    def __str__(self) -> str:
        return f"`{self.called}` {self.how}"


class OtherNames:
    """The users of a site by e-mail, UPN, `domain\\name` and nickname form of a name.

    `aliases` are other words for domains by their FQDN: nicknames on Tableau, NetBIOS names. Where the words are known
    that will be asked about, `among` are those: of a million users nobody else is kept.
    """

    def __init__(
        self, users: Collection[Named], aliases: Iterable[tuple[str, str]] = (), among: Iterable[str] | None = None
    ) -> None:
        self._users, self._aliases = users, tuple(aliases)
        self._by_bare: dict[str, list[Named]] = defaultdict(list)
        self._by_mail: dict[str, list[Named]] = defaultdict(list)
        self._fqdn = {same(alias): same(fqdn) for fqdn, alias in self._aliases}
        domains, suffixes = set[str](), set[str]()
        self._among = None if among is None else frozenset(form for words in among for form in _forms_of(words))
        for user in users:
            name, mail = same(user.name), same(user.email) if user.email else ""
            bare, at, suffix = name.rpartition("@")
            if at:
                suffixes.add(suffix)
            domains.add(user.domain)
            bare = bare if at else name
            if self._among is None or bare in self._among:
                self._by_bare[bare].append(user)
            if mail and (self._among is None or mail in self._among):
                self._by_mail[mail].append(user)
        self._domains = {*self._fqdn.values(), *suffixes, *map(same, domains)}.difference(NO_DOMAIN)

    def of(self, words: str, mails: Iterable[str] = (), others: Iterable[str] = ()) -> tuple[Candidate, ...]:
        """Whom words may mean that are nobody's name, the likeliest first; nobody for `local\\name`, which is whole.

        `mails` are the person's addresses, `others` other names of hers.
        """
        mails, others = tuple(mails), tuple(others)
        forms = {form for one in (words, *mails, *others) for form in _forms_of(one)}
        if self._among is not None and not forms <= self._among:
            return OtherNames(self._users, self._aliases).of(words, mails, others)
        if forms.isdisjoint(self._by_bare) and forms.isdisjoint(self._by_mail):  # as of nearly all of a long list
            return ()
        candidates: dict[str, Candidate] = {}
        for candidate in self._each(words, mails, others):
            candidates.setdefault(candidate.user, candidate)
        return tuple(candidates.values())

    def _each(self, words: str, mails: tuple[str, ...], others: tuple[str, ...]) -> Iterator[Candidate]:
        domain, slash, name = words.strip().rpartition("\\")
        if slash and same(domain) in NO_DOMAIN:
            return
        for mail in (name, *mails, *others):
            for user in self._by_mail.get(same(mail.strip()), ()):
                yield Candidate(user.id, user.qualified, f"has the e-mail `{user.email}`")
        for mail in mails:
            yield from self._called(mail, exactly=True)
        yield from self._called(words)
        for other in others:
            yield from (one._replace(how=f"may be `{other}` of the directory") for one in self._called(other))

    def _called(self, words: str, *, exactly: bool = False) -> Iterator[Candidate]:
        domain, _, name = words.strip().rpartition("\\")
        bare, domains = _parts(domain, name)
        for user in self._by_bare.get(bare, ()):
            whole = same(user.name) == same(name)
            if whole and not domain:
                yield Candidate(
                    user.id, user.qualified, "has the same e-mail" if exactly else f"has the name `{words}`"
                )
            elif not exactly and self._may_be(domains, name, user):
                yield Candidate(user.id, user.qualified, "differs in the domain alone")

    def _may_be(self, domains: set[str], name: str, user: Named) -> bool:
        """Whether equal names are one person's: a domain that is known to be another says no."""
        if "@" in name and "@" in user.name:
            return same(name) == same(user.name)  # both are whole
        theirs = _parts(user.domain, user.name)[1]
        if not domains or not theirs or any(self._are_one(a, b) for a in domains for b in theirs):
            return True
        return not any(self._are_one(domain, known) for domain in domains for known in self._domains)

    def _are_one(self, one: str, other: str) -> bool:
        """Whether two words mean one domain: `corp` is `corp.example`, whatever its nickname is."""
        a, b = self._fqdn.get(one, one), self._fqdn.get(other, other)
        return a == b or (("." in a) != ("." in b) and a.partition(".")[0] == b.partition(".")[0])


def _forms_of(words: str) -> tuple[str, str, str]:
    """What somebody may be found by: the whole, without its domain before a backslash, and without any."""
    whole = same(words.strip())
    name = whole.rpartition("\\")[2]
    bare, at, _ = name.rpartition("@")
    return whole, name.strip(), bare if at else name


def _parts(domain: str, name: str) -> tuple[str, set[str]]:
    """The name without any domain, and the domains it is said to be of, as compared."""
    bare, at, suffix = same(name).rpartition("@")
    return (bare if at else same(name)), {word for word in (same(domain), at and suffix) if word not in NO_DOMAIN}
