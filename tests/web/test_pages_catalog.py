"""The catalog in a browser and to a client: everybody sees exactly what `what` and `tabwarden catalog` tell."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from command_line import run
from pages_in_process import done, read_whole, served_in
from small_site import project, site, workbook

from commands.test_hostile_names import HOSTILE, RAW
from plugins.pages import Pages

KINDS = ("project", "workbook", "view", "datasource")
NAMED = ("admin", "amir.ito@acme.example", "amir.jensen@acme.example")


# Follows every link of a list to what holds more, in the browser, and gives the ids that are listed.
WALK = """async () => {
  const ids = [], waiting = ["/catalog"];
  const walk = async (address) => {
    const answer = await fetch(address);
    if (answer.status !== 200) throw new Error(address);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const link of page.querySelectorAll("td.name a")) {
      const path = link.getAttribute("href");
      ids.push(decodeURIComponent(path.slice("/catalog/item/".length)));
      if (link.matches(".kind-project, .kind-workbook")) waiting.push(path);
    }
    const next = page.querySelector("a[rel=next]");
    if (next) waiting.push(next.getAttribute("href"));
  };
  while (waiting.length) await Promise.all(waiting.splice(0, 4).map(walk));
  return ids;
}"""


@pytest.mark.parametrize("name", NAMED)
def test_one_sees_what_the_command_line_tells(acme_pages: Pages, browser: Any, name: str) -> None:
    settings = str(acme_pages.folder / "settings.yaml")
    what = json.loads(run("what", name, "--settings", settings, "--json").stdout)
    mirror = json.loads(run("catalog", "--as", name, "--settings", settings, "--json").stdout)
    with acme_pages.in_browser(browser, name) as page:
        page.goto("/catalog")
        shown = page.evaluate(WALK)
    assert sorted(shown) == sorted(row["id"] for row in what["contents"] if row["kind"] in KINDS)
    assert sorted(shown) == sorted(entry["id"] for entry in mirror["entries"] if entry["kind"] != "site")


MARKUP = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; alert(1) //",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
)


def test_no_name_acts_whatever_it_is(tmp_path: Path) -> None:
    """Names, descriptions, tags, ids, owners: each is shown as letters, and what is unseen as an escape."""
    names = (*HOSTILE, *MARKUP)
    root = project("root", None, "group:All Users +Read")
    book = workbook("w", "root", "group:All Users +Read", owner="ann")
    books = [
        replace(book, id=f"w{n}{name * (name in MARKUP)}", name=name, description=name, tags=frozenset({name}))
        for n, name in enumerate(names)
    ]
    small = site(root, *books, users=["ann:Creator"])
    users = {i: replace(u, full_name=f"{names[0]}{MARKUP[0]}") for i, u in small.users.items()}
    served = served_in(tmp_path / "store")
    served.show(replace(small, users=users, name=MARKUP[0]))

    async def ask() -> dict[str, str]:
        async with served.client("ann") as client:
            texts = await read_whole(client)
            for name in names:
                texts |= {name: (await client.get("/catalog/search", params={"q": name})).text}
            return texts

    texts = done(ask())
    assert len(texts) == 2 + 2 * len(names)
    for path, text in texts.items():
        assert not RAW.search(text), path
        tags = Tags()
        tags.feed(text)
        assert tags.count["script"] == 1, path  # the one of the page itself
        assert tags.count["img"] == 0, path
        assert ">49<" not in text, path


class Tags(HTMLParser):
    """How many of each tag a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] += 1
        assert not [name for name, _ in attrs if name.startswith("on")], (tag, attrs)
