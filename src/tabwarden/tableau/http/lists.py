"""Lists of a thousand a page that are whole or refused, page by page mended. Not what the items mean."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar
from xml.etree.ElementTree import Element

from tabwarden.model.errors import IncompleteRead, TableauError
from tabwarden.tableau.http import connection
from tabwarden.tableau.http.reader import Line

ROUNDS = 8  # how often pages that do not fit are asked again
ALL: tuple[int, ...] = (0,)  # every page, for the list has another length now
BEYOND = "400006"  # the page is beyond the end

log = logging.getLogger(__name__)
Item = TypeVar("Item")


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


async def whole(line: Line, listing: Listing[Item]) -> list[Item]:
    """All items, as many as the list says itself and each once; IncompleteRead where it does not come whole.

    A page that is short or holds what another page holds is asked again alone; a list whose length changes, whole.
    """
    pages: dict[int, _Page[Item]] = {}
    again: Iterable[int] = (1,)
    trouble = ""
    for number in range(ROUNDS):
        await _ask(line, listing, pages, again, fresh=number > 0)
        missing = [page for page in range(1, _count(pages) + 1) if page not in pages]
        await _ask(line, listing, pages, missing, fresh=number > 0)
        trouble, again = _trouble(pages)
        if not trouble:
            return [item for number in sorted(pages) for item in pages[number].items]
        log.info("the list `%s` was not whole (%s); some of it is asked again", listing.path, trouble)
        if again == ALL:
            pages.clear()
            again = (1,)
    raise IncompleteRead(
        f"the list `{listing.path}` of `{line.connection.server}` did not come whole: {trouble}; "
        "nothing was decided from it, run again when the site is quieter"
    )


def pages_of(total: int) -> int:
    """How many pages a list of so many takes; an empty one takes one."""
    return max(1, -(-total // connection.PAGE_SIZE))


async def _ask(
    line: Line, listing: Listing[Item], pages: dict[int, _Page[Item]], wanted: Iterable[int], *, fresh: bool
) -> None:
    async def one(number: int) -> None:
        pages[number] = await _page(line, listing, number, fresh=fresh)

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


async def _page(line: Line, listing: Listing[Item], number: int, *, fresh: bool) -> _Page[Item]:
    asked = query_of(listing.query, number)
    try:
        answer = await line.ask(listing.path, asked, fresh=fresh)
    except TableauError as error:
        if error.code == BEYOND and number > 1:
            return _Page((), (), -1)  # a length no other page tells: the list has become shorter
        raise
    if answer is None:
        return _Page((), (), None)
    found = [one for part in answer for one in part if one.tag == listing.element]
    pagination = answer.find("pagination")
    total = int(pagination.get("totalAvailable", "0")) if pagination is not None else None
    return _Page(tuple(one.get("id", "") for one in found), tuple(map(listing.make, found)), total)


def query_of(query: Mapping[str, str], number: int) -> Mapping[str, str]:
    """The query that asks for one page."""
    return {**query, "pageSize": str(connection.PAGE_SIZE), "pageNumber": str(number)}


def _count(pages: Mapping[int, _Page[Item]]) -> int:
    return pages_of(pages[1].total or 0)


def _trouble(pages: Mapping[int, _Page[Item]]) -> tuple[str, tuple[int, ...]]:
    """What is wrong with the pages, and which to ask again."""
    totals = {page.total for page in pages.values()}
    if len(totals) > 1:
        return "its length changed meanwhile, or a page does not tell it", ALL
    (total,) = totals
    short = tuple(
        number
        for number, page in sorted(pages.items())
        if total is not None and len(page.ids) != min(connection.PAGE_SIZE, total - (number - 1) * connection.PAGE_SIZE)
    )
    if short:
        return f"{sum(len(page.ids) for page in pages.values())} of {total} came", short
    first: dict[str, int] = {}
    again: set[int] = set()
    twice = 0
    for number, page in sorted(pages.items()):
        for one in page.ids:
            if one in first:
                again |= {first[one], number}
                twice += 1
            first[one] = number
    return (f"{twice} came twice", tuple(sorted(again))) if twice else ("", ())
