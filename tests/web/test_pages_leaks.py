"""No page tells anybody of what Tableau does not show him: of two sites that differ in that alone he is told the same.

On the other site whatever he may not View has other words, and there is more of it, of people and groups too, even
another site. Whatever he asks for is answered letter for letter alike there: every path of the application, pages,
searches, files, pictures, JSON, counts, errors, headers. That the catalog shows all it should, and to everybody of acme
nothing beyond, is held against the reference in test_pages_catalog_leaks.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random
from types import ModuleType
from urllib.parse import quote, urlencode

import httpx
import pytest
from page_leaks import SITES, dense, patched, seen_by
from pages_in_process import Served, done, routes_of, served_in

from tabwarden.mirror import own as own_questions
from tabwarden.model.site import Group, Site, User
from tabwarden.model.usage import Usage
from tabwarden.store.usage import days as usage
from tabwarden.store.web import approvals
from tabwarden.web import api, asking, visit
from tabwarden.web.pages import home, people, requests

pytestmark = pytest.mark.usefixtures("in_one_thread")

# What differs between two sessions, whoever looks at whatever.
OF_A_SESSION = re.compile(r'name="csrf" value="[^"]+"|\b[0-9a-f]{64}\b|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00')
# Whoever decides on a request is told how it could be given and how many others each way concerns, wherever: those are
# names of groups and numbers, and no name of a content, which is looked at by itself.
WAYS = re.compile(r"<fieldset>.*?</fieldset>|<p>Nothing has to be changed[^<]*</p>", re.DOTALL)
OWN = ("/", "/catalog", "/catalog/item/{}", "/catalog/search", "/check", "/check/why", "/check/what", "/requests")
RIGHTS = ((), (), (), ("catalog",), ("look-as",))
MORE = "more"  # what is called so is on the other site alone


def other(site: Site, own: set[str]) -> Site:
    """The site beside: what is not among his own has other words, and there is more of that."""
    contents = {
        i: c if i in own else replace(c, name=f"other-{i}", description="other", tags=frozenset({"other", MORE}))
        for i, c in site.contents.items()
    }
    for place, content in enumerate([c for i, c in contents.items() if i not in own][:4]):
        contents[f"{MORE}{place}"] = replace(content, id=f"{MORE}{place}", name=f"other-{MORE}{place}")
    users = {**site.users, MORE: User(MORE, MORE, "Viewer", full_name=MORE)}
    groups = {**site.groups, MORE: Group(MORE, MORE, members=frozenset({MORE}))}
    return replace(site, contents=contents, users=users, groups=groups)


def elsewhere() -> Site:
    """A site that nobody of the others is on."""
    site = replace(dense(9_999), id=MORE)
    users = {i: replace(user, name=f"else-{user.name}") for i, user in site.users.items()}
    return replace(site, content_url=MORE, name=f"other-{MORE}-site", users=users)


def words_of(site: Site, own: set[str]) -> list[str]:
    """How contents are named: those he sees and those he does not by id and by path, those on one of the sites."""
    shown, hidden = sorted(own), sorted(set(site.contents) - own)
    named = [*shown[:1], *shown[-1:], *hidden[:1], *hidden[-1:]]
    return [*named, *map(site.path, named), *map(site.written, named), f"{MORE}0", f"other-{MORE}0", MORE, "secret"]


def addresses(served: Served, site: Site, user: User, own: set[str], dice: Random) -> Iterator[str]:
    """Every path with words in each of its places, in an order of chance; those that he has anything of come twice."""
    words, paths = words_of(site, own), [path for method, path in routes_of(served.app, "{}") if method == "GET"]
    every = [(path, word) for path in (*paths, *OWN, *OWN) for word in ("", *words)]
    dice.shuffle(every)
    for path, word in every:
        query: dict[str, str] = {}
        if word:
            query = {"content": word, "q": word, "path": word, "capability": "View"}
            query = {name: query[name] for name in dice.sample(sorted(query), dice.randint(1, 4))}
            query |= dice.choice(({}, {}, {"capability": "ability:move"}, {"capability": "ability:see_data"}))
            query |= dice.choice(({}, {}, {"user": user.name}, {"user": MORE}, {"to": word}, {"form": "csv"}))
            query |= dice.choice(({}, {}, {}, {"site": MORE}, {"model": "deny_first"}, {"project": word}))
        path = re.sub(r"/1$", f"/{dice.randint(1, len(site.contents))}", path)  # of requests that wait, any
        yield path.replace("{}", quote(word or "1", safe="")) + (f"?{urlencode(query)}" if query else "")


@dataclass
class Both:
    """Two applications over sites that are the same to whoever asks."""

    one: Served
    other: Served

    def show(self, site: Site, own: set[str], user: User, *, more: bool, used: bool) -> bool:
        """Serve them; whether they are the same to him, which a fact that was not read may prevent."""
        beside = other(site, own)
        if seen_by(beside, user) != own:
            return False
        self.one.show(site)
        self.other.show(beside, *([elsewhere()] if more else ()))
        for served, at in ((self.one, site), (self.other, beside)):
            if used:
                days = [f"2026-11-{2 + place % 20:02d}" for place in range(len(at.contents))]
                folder = served.app.state.house.settings.store.folder
                usage.keep(folder, at.id, _uses(at, own, days if served is self.one else days[::-1], user))
            self._ask_of_others(served, [*sorted(site.contents), f"{MORE}0"], site, user)
        return True

    @staticmethod
    def _ask_of_others(served: Served, contents: list[str], site: Site, user: User) -> None:
        """Requests of somebody else for these contents, the same on both sites."""
        database = served.app.state.house.database
        with database.writing() as connection:
            connection.run("delete from web_request")
        address = next(iter(served.app.state.house.served.sites.values())).address
        person = next(one.name for one in site.users.values() if one.id != user.id)
        for content in contents:
            request = (0, address, person, "Read", content, "why not", "", "2026-11-21T18:00:00+00:00")
            approvals.ask(database, approvals.AccessRequest(*request, plan=0, state=approvals.WAITS, by="", words=""))


def _uses(site: Site, own: set[str], days: list[str], user: User) -> Iterator[Usage]:
    """Everybody has used everything; of what is hidden at another time on each of the sites, within the same days."""
    yield from (Usage(day, "view", user.id, "", 1, f"{day}T08:00:00Z", "test") for day in ("2026-11-01", "2026-11-30"))
    for content, day in zip(sorted(site.contents), days, strict=True):
        when = "2026-11-01" if content in own else day
        for person in site.users if content not in own else (user.id,):
            yield Usage(when, "view", person, content, 1, f"{when}T08:00:00Z", "test")


def said(answer: httpx.Response) -> tuple[int, dict[str, str], str]:
    """All that an answer says, but for what is of the session."""
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    if WAYS.search(answer.text):
        headers.pop("content-length")
    return answer.status_code, headers, WAYS.sub("", OF_A_SESSION.sub("", answer.text))


async def leaks_of(both: Both, site: Site, user: User, dice: Random, count: int) -> list[str]:
    """Where somebody is told something by the difference; somebody else, who may ask about all, was there before."""
    own, leaks = seen_by(site, user), list[str]()
    rights, somebody = dice.choice(RIGHTS), dice.choice(sorted(site.users))
    if not both.show(site, own, user, more=not rights and dice.random() < 0.5, used=dice.random() < 0.2):
        return []
    chosen = list(islice(addresses(both.one, site, user, own, dice), count))
    async with (
        both.one.client(user.name, *rights) as mine,
        both.other.client(user.name, *rights) as its,
        both.one.client(site.users[somebody].name, "auditor") as before,
        both.other.client(site.users[somebody].name, "auditor") as besides,
    ):
        for path in ("/check/what", f"/check/what?user={user.name}", "/catalog", chosen[0]):
            await before.get(path)
            await besides.get(path)
        for path in chosen:
            pages = [await client.get(path) for client in (mine, its)]
            answers = list(map(said, pages))
            ways = "".join(WAYS.findall(pages[0].text))
            leaks += [f"{path} names {i}" for i in site.contents if i not in own and f"secret-{i}-name" in ways]
            if answers[0] != answers[1] or answers[0][0] >= 500:
                leaks.append(f"{path}: {answers[0][0]} and {answers[1][0]} {_where(*answers)}")
        for word in dice.sample(words_of(site, own), 2):
            form = {"path": word, "reason": "a test", "capability": "View"}
            answers = []
            for client in (mine, its):
                page = (await client.get("/requests")).text
                csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
                asked_for = await client.post("/requests", data={**form, "csrf": csrf})
                answers += [(said(asked_for), said(await client.get("/requests")))]
            if answers[0] != answers[1]:
                places = (_where(one, beside) for one, beside in zip(*answers, strict=True))
                leaks.append(f"asking for {word}: {'; '.join(places)}")
    return leaks


def _where(one: tuple[int, dict[str, str], str], beside: tuple[int, dict[str, str], str]) -> str:
    """The first line that differs."""
    lines = zip(one[2].splitlines(), beside[2].splitlines(), strict=False)
    return next((f"`{a[:150]}` and `{b[:150]}`" for a, b in lines if a != b), "")


async def leaks_of_sites(
    both: Both, seeds: range, *, people: int = 1, count: int = 14, first: bool = False
) -> list[str]:
    """What leaks on dense sites of chance; with `first` what leaks first."""
    leaks: list[str] = []
    for seed in seeds:
        site, dice = replace(dense(seed), id=f"site-{seed}"), Random(seed)
        for user in dice.sample(sorted(site.users.values(), key=lambda user: user.id), people):
            leaks += [f"seed {seed}, {user.id}: {leak}" for leak in await leaks_of(both, site, user, dice, count)]
            if first and leaks:
                return leaks
    return leaks


def made(folder: Path) -> Both:
    """Both of them, with whatever is planted by then."""
    return Both(served_in(folder / "one"), served_in(folder / "other"))


@pytest.fixture
def both(tmp_path: Path) -> Both:
    return made(tmp_path)


def test_nobody_is_told_of_what_he_may_not_see_by_any_path(both: Both) -> None:
    assert done(leaks_of_sites(both, range(SITES))) == []


def test_every_path_with_every_word(both: Both) -> None:
    """Of some sites the whole product."""
    assert done(leaks_of_sites(both, range(1_000, 1_003), people=1, count=10_000)) == []


# -- planted leaks ------------------------------------------------------------------------------------------------

# What is planted: the module, the function, the pattern, and what it becomes.
PLANTED: Mapping[str, tuple[ModuleType, str, str, str]] = {
    "a count of all there is": (
        home, "_of_oneself", "visit.site.questions().views(user.id)", "len(site.contents)",
    ),
    "a suggestion of hidden names": (
        asking, "OfOneself.questions", "self.served.own(self.user, super().questions())", "Asked.questions(self)",
    ),
    "a list that was kept of another person": (
        people, "what", "('reach', person.id, questions.of_oneself, questions.model, questions.open_points)", "'reach'",
    ),
    "a picture of what everybody used": (
        people, "what", "[use.of(person.id, row.content, VIEW) for row in rows]",
        "[use.of(person.id, one, VIEW) for one in visit.site.site.contents]",
    ),
    "where something hidden lies": (
        own_questions, "OwnQuestions._place",
        "content if content is None or content in self.site.contents else NOT_SHOWN",
        "content and self._whole.site.path(content) if content in self._whole.site.contents else content",
    ),
    "a place that is hidden among those one may move to": (
        own_questions, "OwnQuestions.places", "place in shown", "True",
    ),
    "a site that one is not on is shown": (
        visit, "Visit._site_named", "served is None or not self.has_to_do_with(served)", "served is None",
    ),
    "a site that one is not on is listed": (
        api, "_of_me", "visit.has_to_do_with(one)", "True",
    ),
    "asking looks up whether it is there": (
        requests, "ask", "database, site = visit.house.database, visit.site.address",
        "database, site = visit.house.database, visit.site.site.find_content(path) and visit.site.address",
    ),
    "requests of others for what is hidden": (
        requests, "_may_decide", "content.id not in seen.contents", "False",
    ),
    "where something lies that one decides on": (
        requests, "_as_seen", "words.replace(whole, paths[whole])", "words",
    ),
    "a header that counts": (
        visit, "_html", "HTMLResponse($page, status)",
        "HTMLResponse($page, status, {'x-contents': str(len(served.site.contents) if served else 0)})",
    ),
    "the API asks for no right": (
        api, "_answer", "question.right not in has", "False",
    ),
}  # fmt: skip


# Where few sites have what a leak takes: which, and how many of their people.
RARE = {"where something lies that one decides on": (range(172, 173), 8)}


@pytest.mark.parametrize("name", PLANTED)
def test_each_planted_leak_is_caught(tmp_path: Path, name: str) -> None:
    seeds, people = RARE.get(name, (range(60), 1))
    with patched(*PLANTED[name]):
        assert done(leaks_of_sites(made(tmp_path), seeds, people=people, count=200, first=True)), name


# -- of whom an answer is -------------------------------------------------------------------------------------------


def test_no_two_people_share_a_tag(both: Both) -> None:
    """ETags: what one was answered is no answer to another, to another right, or after a newer snapshot."""
    site = dense(1)

    async def ask() -> None:
        both.one.show(site)
        first, second = sorted(site.users)[:2]
        asked_for = "/api/v1/what", {"user": first}
        async with (
            both.one.client(first, "auditor") as mine,
            both.one.client(second, "auditor") as its,
            both.one.client(second) as without,
            both.one.client(first, "auditor", "operator") as more,
        ):
            answer = await mine.get(asked_for[0], params=asked_for[1])
            known = {"if-none-match": answer.headers["etag"]}
            assert (await mine.get(asked_for[0], params=asked_for[1], headers=known)).status_code == 304
            for client, status in ((its, 200), (more, 200), (without, 404)):
                assert (await client.get(asked_for[0], params=asked_for[1], headers=known)).status_code == status
            assert (await mine.get(asked_for[0], params={"user": second}, headers=known)).status_code == 200
            both.one.show(replace(site, name="newer"), number=2)
            assert (await mine.get(asked_for[0], params=asked_for[1], headers=known)).status_code == 200

    done(ask())
