"""Lists of a thousand a page that are whole or refused, page by page mended: the only paging there is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar
from xml.etree.ElementTree import Element

from tabwarden.model.errors import IncompleteRead, TableauError

PAGE_SIZE = 1000
ROUNDS = 8  # how often pages that do not fit are asked again
ALL: tuple[int, ...] = (0,)  # every page, for the list has another length now
BEYOND = "400006"  # the page is beyond the end
_NO_LENGTH = -1  # of a page beyond the end: a length no other page tells

log = logging.getLogger(__name__)
Item = TypeVar("Item")


class Asker(Protocol):
    """Who sends GETs to a server: a connection, or a reader with its checkpoint."""

    server: str

    async def ask(self, path: str, query: Mapping[str, str] | None = None, *, fresh: bool) -> Element | None:
        """The answer; `fresh` asks although it is remembered."""
        ...


class Listing(NamedTuple, Generic[Item]):
    """A list: its path, its elements' name, what is made of an element, and what is asked for."""

    path: str
    element: str
    make: Callable[[Element], Item]
    query: Mapping[str, str] = {}


class _Page(NamedTuple, Generic[Item]):
    """A page: ids and items, and how long the list says it is (None where it does not say)."""

    ids: tuple[str, ...]
    items: tuple[Item, ...]
    total: int | None


async def whole(asker: Asker, listing: Listing[Item]) -> list[Item]:
    """All items, as many as the list says itself and each once; IncompleteRead where it does not come whole.

    A page that is short or holds what another page holds is asked again alone; a list whose length changes, whole.
    """
    pages: dict[int, _Page[Item]] = {}
    again: Iterable[int] = (1,)
    trouble = ""
    for number in range(ROUNDS):
        await _ask(asker, listing, pages, again, fresh=number > 0)
        missing = [page for page in range(1, pages_of(pages[1].total or 0) + 1) if page not in pages]
        await _ask(asker, listing, pages, missing, fresh=number > 0)
        trouble, again = _trouble(pages)
        if not trouble:
            return [item for number in sorted(pages) for item in pages[number].items]
        log.info("the list `%s` was not whole (%s); some of it is asked again", listing.path, trouble)
        if again == ALL:
            pages.clear()
            again = (1,)
    raise IncompleteRead(
        f"the list `{listing.path}` of `{asker.server}` did not come whole: {trouble}; "
        "nothing was decided from it, run again when the site is quieter"
    )


def pages_of(total: int) -> int:
    """How many pages a list of so many takes; an empty one takes one."""
    return max(1, -(-total // PAGE_SIZE))


async def _ask(
    asker: Asker, listing: Listing[Item], pages: dict[int, _Page[Item]], wanted: Iterable[int], *, fresh: bool
) -> None:
    async def one(number: int) -> None:
        pages[number] = await _page(asker, listing, number, fresh=fresh)

    numbers = list(wanted)
    if len(numbers) == 1:
        await one(numbers[0])
        return
    tasks = [asyncio.ensure_future(one(number)) for number in numbers]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _page(asker: Asker, listing: Listing[Item], number: int, *, fresh: bool) -> _Page[Item]:
    try:
        answer = await asker.ask(listing.path, query_of(listing.query, number), fresh=fresh)
    except TableauError as error:
        if error.code == BEYOND and number > 1:
            return _Page((), (), _NO_LENGTH)
        raise
    if answer is None:
        return _Page((), (), None)
    elements = [element for part in answer for element in part if element.tag == listing.element]
    pagination = answer.find("pagination")
    total = int(pagination.get("totalAvailable", "0")) if pagination is not None else None
    return _Page(tuple(element.get("id", "") for element in elements), tuple(map(listing.make, elements)), total)


def query_of(query: Mapping[str, str], number: int) -> Mapping[str, str]:
    """The query that asks for one page."""
    return {**query, "pageSize": str(PAGE_SIZE), "pageNumber": str(number)}


def _trouble(pages: Mapping[int, _Page[Item]]) -> tuple[str, tuple[int, ...]]:
    """What is wrong with the pages, and which to ask again."""
    totals = {page.total for page in pages.values()}
    if len(totals) > 1:
        gone = [number for number, page in pages.items() if page.total == _NO_LENGTH]
        if gone:
            return f"page {min(gone)} was there a moment ago", ALL
        return "its length changed meanwhile, or a page does not tell it", ALL
    (total,) = totals
    short = tuple(
        number
        for number, page in sorted(pages.items())
        if total is not None and len(page.ids) != min(PAGE_SIZE, total - (number - 1) * PAGE_SIZE)
    )
    if short:
        return f"{sum(len(page.ids) for page in pages.values())} of {total} came", short
    first: dict[str, int] = {}
    again: set[int] = set()
    twice = 0
    for number, page in sorted(pages.items()):
        for item_id in page.ids:
            if item_id in first:
                again |= {first[item_id], number}
                twice += 1
            first[item_id] = number
    return (f"{twice} came twice", tuple(sorted(again))) if twice else ("", ())
