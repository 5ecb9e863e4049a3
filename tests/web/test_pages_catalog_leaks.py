"""The leak test of the catalog: no page, search, count, error or header tells of what Tableau does not show.

Of dense random sites everybody's pages are read whole and held against the slow reference, of acme everybody's first
page, a search, and the answers for what is hidden and what is not there. Planted leaks are each caught.
"""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from html import unescape
from pathlib import Path
from random import Random
from statistics import median
from types import ModuleType
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
from page_leaks import SITES, dense, marked, patched
from pages_in_process import ITEM, Served, done, read_whole, served_in

from tabwarden.access.reference import may
from tabwarden.mirror import personal
from tabwarden.mirror.rows import KINDS
from tabwarden.mirror.visible import may_enter
from tabwarden.model.site import Site, User
from tabwarden.model.site_settings import sees_nobody
from tabwarden.sandbox.worlds.acme import acme
from tabwarden.sandbox.worlds.finding import world_of
from tabwarden.web import catalogs, visit
from tabwarden.web.pages import catalog

pytestmark = pytest.mark.usefixtures("in_one_thread")

COUNTS = re.compile(r">(\d+)</span></h2>|<p class=\"dim\">(\d+) at the top|role=\"status\">(\d+) called")
LONG = 0.1  # of the people of acme whose long pages are looked at; of dense sites they all are


def allowed(site: Site, user: User) -> set[str]:
    """What the catalog is to show, by the reference."""
    if not may_enter(user.site_role):
        return set()
    return {c.id for c in site.contents.values() if c.kind in KINDS and may(site, user.id, "Read", c.id).allowed}


@pytest.fixture
def make_served(tmp_path: Path) -> Callable[[], Served]:
    """Make the application, with whatever is planted by then."""
    return lambda: served_in(tmp_path / "store")


def told_of(text: str, site: Site) -> set[str]:
    """The contents and groups that a text tells of, by their marks or ids."""
    named = set(re.findall(r"secret-(.+?)-(?:name|about|tag)", text))
    groups = {f"group {group}" for group in re.findall(r"secret-group-(\w+)", text)}
    linked = {unquote(unescape(item)) for item in re.findall(r"/catalog/item/([^\"?]+)", text)}
    return {*(named & set(site.contents)), *groups, *linked}


async def leaks_of(served: Served, site: Site, user: User) -> list[str]:
    """What somebody is told beyond the reference, or is not shown of what it allows."""
    own, leaks = allowed(site, user), list[str]()
    hidden = sorted(set(site.contents) - own)
    async with served.client(user.name) as client:
        texts = await read_whole(client)
        asked_for = ("secret", "secret -name", *(f"secret-{one}-name" for one in hidden[:2]))
        searched = {
            f"/catalog/search?q={words}": (await client.get("/catalog/search", params={"q": words})).text
            for words in asked_for
        }
        texts |= searched
        alone = sees_nobody(site.settings, user.site_role)
        for path, text in texts.items():
            if alone and set(re.findall(r"secret-person-(\w+)", text)) - {user.id}:
                leaks.append(f"{path} names people")
            typed = unquote(path.partition("?q=")[2])
            named = told_of(text.replace(typed, "") if typed else text, site)
            leaks += [f"{path} tells of {one}" for one in named - own]
            counts = [int(next(filter(None, groups))) for groups in COUNTS.findall(text)]
            if counts and counts != [len(ITEM.findall(text))]:
                leaks.append(f"{path} counts {counts}")
        shown = {item.removeprefix("/catalog/item/") for item in texts if item.startswith("/catalog/item/")}
        if {unquote(item) for item in shown} != own:
            leaks.append(f"shown {sorted(shown)}, allowed {sorted(own)}")
        entries = (await client.get("/api/v1/catalog")).json()["entries"]
        if {entry["id"] for entry in entries} - {site.id} != own:
            leaks.append(f"the API lists {entries}, allowed {sorted(own)}")
        if len(ITEM.findall(searched["/catalog/search?q=secret"])) != len(own):
            leaks.append("a search does not find all that is shown")
        leaks += [leak async for leak in _not_alike(client, hidden)]
    return leaks


async def _not_alike(client: httpx.AsyncClient, hidden: list[str]) -> AsyncIterator[str]:
    """Where what is hidden is answered in another way than what is not there."""
    for one in hidden[:3]:
        absent = ("x" * len(one)) if len(one) < 20 else f"{one[:-4]}0000"
        for path in ("/catalog/item/{}", "/catalog/search?q=secret-{}-name", "/catalog/item/{}?page=2"):
            answers = [await client.get(path.format(quote(name, safe=""))) for name in (one, absent)]
            texts = [re.sub('name="csrf" value="[^"]+"', "", answer.text) for answer in answers]
            words = [text.replace(name, "…") for text, name in zip(texts, (one, absent), strict=True)]
            headers = [{k: v for k, v in a.headers.items() if k != "date"} for a in answers]
            if answers[0].status_code != answers[1].status_code or words[0] != words[1] or headers[0] != headers[1]:
                yield f"{path.format(one)} and {path.format(absent)} differ"


def some_of(site: Site, seed: int) -> list[User]:
    """Two people of a small site, others for each seed."""
    return Random(seed).sample(sorted(site.users.values(), key=lambda user: user.id), 2)


async def leaks_of_dense(served: Served, seeds: range, *, first: bool = False) -> list[str]:
    """What leaks of dense sites; with `first` the first that does."""
    leaks: list[str] = []
    for seed in seeds:
        site = dense(seed)
        served.show(site)
        for user in some_of(site, seed):
            leaks += [f"seed {seed}, {user.id}: {leak}" for leak in await leaks_of(served, site, user)]
            if first and leaks:
                return leaks
    return leaks


def test_of_dense_sites_everybody_is_shown_what_the_reference_allows(make_served: Callable[[], Served]) -> None:
    assert done(leaks_of_dense(make_served(), range(SITES))) == []


def test_of_acme_nobody_is_told_of_anything_hidden(make_served: Callable[[], Served]) -> None:
    site = marked(next(site for site in world_of(acme()).sites if site.content_url == "acme"))
    site = replace(site, content_url="")
    served, dice = make_served(), Random(1)
    served.show(site)
    questions = next(iter(served.app.state.house.served.sites.values())).questions()

    async def ask(user: User) -> list[str]:
        own = {c for c in questions.what_ids(user.id, "Read") if site.contents[c].kind in KINDS}
        own = own if may_enter(user.site_role) else set()
        hidden = sorted(set(site.contents) - own)
        some = dice.sample(sorted(own), min(1, len(own)))
        async with served.client(user.name) as client:
            paths = ["/catalog", "/catalog/search?q=name", *(f"/catalog/item/{one}" for one in some)]
            texts = {path: (await client.get(path)).text for path in paths}
            leaks = [f"{path}: {one}" for path, text in texts.items() for one in told_of(text, site) - own]
            about = ["/", "/requests", "/api/v1/me", *(["/check/what?form=csv"] if dice.random() < LONG else [])]
            about += [f"/check?content={one}" for one in some if dice.random() < LONG]
            for path in about:
                text = (await client.get(path)).text
                named = set(re.findall(r"secret-([\w-]+?)-(?:name|about|tag)", text)) & set(site.contents)
                people = set(re.findall(r"secret-person-([\w-]+)", text)) - {user.id}
                leaks += [f"{path}: {one}" for one in (named - set(questions.what_ids(user.id, "Read"))) | people]
            leaks += [leak async for leak in _not_alike(client, dice.sample(hidden, min(1, len(hidden))))]
        return [f"{user.name}: {leak}" for leak in leaks]

    async def ask_all() -> list[str]:
        return [leak for user in site.users.values() for leak in await ask(user)]

    assert done(ask_all()) == []


def test_a_site_that_one_is_not_on_is_as_one_there_is_not(make_served: Callable[[], Served]) -> None:
    first, second = dense(1), replace(dense(2), content_url="other", name="secret-other-name")
    second = replace(second, users={i: replace(u, name=f"else-{u.name}") for i, u in second.users.items()})
    served = make_served()
    served.show(first, second)

    async def ask() -> None:
        async with served.client("u0") as client:
            texts = []
            for url in ("other", "nosuc"):
                for path in ("/catalog", "/catalog/search?q=a", "/", "/check"):
                    answer = await client.get(path, params={"site": url})
                    assert answer.status_code == 404
                    texts.append((path, answer.text.replace(url, "…")))
            assert texts[:4] == texts[4:]
            assert "secret-other" not in (await client.get("/catalog")).text
        async with served.client("u0", "auditor") as client:
            assert "secret-other" in (await client.get("/catalog")).text

    done(ask())


# -- work ---------------------------------------------------------------------------------------------------------


def test_what_is_hidden_takes_the_work_of_what_is_not_there(
    make_served: Callable[[], Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls are counted, which a busy machine does not disturb; seconds are told by benchmarks/catalog_pages.py."""

    async def at_once(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    monkeypatch.setattr(visit, "run_in_threadpool", at_once)
    site = marked(next(site for site in world_of(acme()).sites if site.content_url == "acme"))
    served = make_served()
    served.show(replace(site, content_url=""))
    user = next(user for user in site.users.values() if user.site_role == "Viewer" and len(allowed(site, user)) > 5)
    hidden = sorted(set(site.contents) - allowed(site, user))[:20]

    async def counted(client: httpx.AsyncClient, path: str) -> int:
        calls = 0

        def count(*_: object) -> None:
            nonlocal calls
            calls += 1

        sys.setprofile(count)
        try:
            await client.get(path)
        finally:
            sys.setprofile(None)
        return calls

    async def ask() -> None:
        async with served.client(user.name) as client:
            for path in (
                "/catalog/item/{}",
                "/catalog/search?q=secret-{}-name",
                "/check?content={}",
                "/check/why?capability=View&content={}",
            ):
                await client.get(path.format("warm"))
                pairs = [
                    (await counted(client, path.format(one)), await counted(client, path.format(f"{one[:-4]}0000")))
                    for one in hidden
                ]
                mine, its = (median(side) for side in zip(*pairs, strict=True))
                assert abs(mine - its) <= 0.001 * its, pairs

    done(ask())


# -- planted leaks ------------------------------------------------------------------------------------------------

# What is planted: the module, the function, the pattern, and what it becomes.
PLANTED: Mapping[str, tuple[ModuleType, str, str, str]] = {
    "a count of all there is": (
        catalog, "CatalogOf.list_of", "{'rows': rows, 'count': len(numbers), 'page': number, 'pages': pages}",
        "{'rows': rows, 'count': len(self.site.contents), 'page': number, 'pages': pages}",
    ),
    "a breadcrumb of hidden names": (
        personal, "Personal.trail", "self.holder[number]",
        "self.of.columns.contents.parent[number] % (self.of.site + 1)",
    ),
    "a search over every name": (
        personal, "Personal.contents", "order[self.holder[order] != HIDDEN]", "order",
    ),
    "the catalog that was kept of another person": (
        catalogs, "Catalogs.of", "user.id if user and source.enforced else ''", "''",
    ),
    "another answer for what is hidden": (
        catalog, "catalog_item", "UnknownName($words)",
        "(UnknownName if number is None else TabwardenError)($words)",
    ),
    "another word for what is hidden": (
        catalog, "catalog_item", "raise UnknownName($words)",
        "raise UnknownName($words if number is None else catalog.content(number).kind)",
    ),
    "the page of something hidden": (
        catalog, "catalog_item", "not catalog.personal.sees(number)", "False",
    ),
    "unknown as visible": (
        catalogs, "Catalogs._made", "self._questions.what(user.id).allowed", "either(self._questions.what(user.id))",
    ),
    "tags of everything": (
        catalog, "CatalogOf.content", "self.site.contents[self._ids[number]]",
        "replace(self.site.contents[self._ids[number]], tags=[t for c in self.site.contents.values() for t in c.tags])",
    ),
    "people whom one is not to see": (
        catalog, "CatalogOf.sees_people", "not sees_nobody(settings, self.user.site_role)", "True",
    ),
}  # fmt: skip


def test_each_planted_leak_is_caught(make_served: Callable[[], Served]) -> None:
    missed = []
    for name, plant in PLANTED.items():
        with patched(*plant):
            if not done(leaks_of_dense(make_served(), range(60), first=True)):
                missed.append(name)
    assert not missed
