"""The catalog in a browser and to a client: everybody sees exactly what `what` and `tabwarden catalog` tell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote

import httpx
import pytest
from command_line import run

from plugins.pages import Pages

ITEM = re.compile(r'class="name"><a href="/catalog/item/([^"?]+)[^"]*" class="kind-(\w+)">([^<]*)<')
HOLDING = ("project", "workbook")
KINDS = ("project", "workbook", "view", "datasource")
NAMED = ("admin", "amir.ito@acme.example", "amir.jensen@acme.example")


def below(client: httpx.Client, path: str = "/catalog", **query: str) -> Iterator[tuple[str, str]]:
    """Id and name of everything that the pages list, from one level down to the last."""
    number = 1
    while True:
        answer = client.get(path, params={**query, "page": str(number)})
        assert answer.status_code == 200
        for content, kind, name in ITEM.findall(answer.text):
            yield unquote(unescape(content)), unescape(name)
            if kind in HOLDING:
                yield from below(client, f"/catalog/item/{content}", **query)
        number += 1
        if 'rel="next"' not in answer.text:
            return


@pytest.mark.parametrize("name", NAMED)
def test_one_sees_what_the_command_line_tells(acme_pages: Pages, name: str) -> None:
    settings = str(acme_pages.folder / "settings.yaml")
    what = json.loads(run("what", name, "--settings", settings, "--json").stdout)
    mirror = json.loads(run("catalog", "--as", name, "--settings", settings, "--json").stdout)
    with acme_pages.signed_in(name) as client:
        shown = [content for content, _ in below(client)]
    assert sorted(shown) == sorted(row["id"] for row in what["contents"] if row["kind"] in KINDS)
    assert sorted(shown) == sorted(entry["id"] for entry in mirror["entries"] if entry["kind"] != "site")
