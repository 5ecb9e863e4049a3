"""Whether the time of an answer tells what is hidden in the catalog from what is not there.

    python benchmarks/catalog_pages.py FOLDER [--requests 1000]

FOLDER holds a store as `benchmarks/histories.py` makes it. Some person asks for contents that she may not see and for
ids that nobody has, in turn, and searches for the names of both. Told are both medians and how often a hidden one took
longer than an absent one: 0.50 tells nothing. One process, no network between.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from pathlib import Path
from random import Random
from urllib.parse import quote

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from pages_in_process import Served

from tabwarden.settings import Settings
from tabwarden.web.app import application


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--requests", type=int, default=1000)
    words = parser.parse_args()
    tableau = {"server": "https://tableau.example.com", "site": "", "auth": {"pat": {"name": "t", "secret": "s"}}}
    settings = {"tableau": tableau, "store": {"folder": words.folder}}
    served = Served(application(Settings.model_validate(settings)))
    for label, path, took in asyncio.run(compared(served, words.requests)):
        hidden, absent = took
        longer = sum(one > other for one in hidden for other in absent) / (len(hidden) * len(absent))
        medians = ", ".join(f"{statistics.median(side) * 1000:.2f} ms" for side in took)
        print(f"{label} ({path}): median hidden, absent {medians}; hidden took longer in {longer:.3f} of all pairs")


async def compared(served: Served, requests: int) -> list[tuple[str, str, tuple[list[float], list[float]]]]:
    """Seconds of each request, for what is hidden and what is not there."""
    site, dice = served.app.state.house.served.site(), Random(1)
    user = next(one for one in site.site.users.values() if one.site_role == "Viewer")
    own = set(site.questions().what_ids(user.id, "Read"))
    hidden = dice.sample([one for one in site.site.contents if one not in own], requests)
    answers = []
    async with served.client(user.name) as client:
        for label, path in (("an item", "/catalog/item/{}"), ("a search", "/catalog/search?q={}")):
            took: tuple[list[float], list[float]] = ([], [])
            for one in hidden:
                absent = f"{one[:-1]}x"
                pair = [(0, one), (1, absent)]
                dice.shuffle(pair)
                for side, name in pair:
                    took[side].append(await seconds(client, path.format(quote(name))))
            answers.append((label, path, took))
    return answers


async def seconds(client: httpx.AsyncClient, path: str) -> float:
    start = time.perf_counter()
    await client.get(path)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
