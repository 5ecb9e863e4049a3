"""What every list does: filter, sort, fields, pages.

Sources: "Paginating Results", "Filtering and Sorting", "Using Fields" of the public REST documentation;
server-client-python for the codes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from tabwarden.model.site import Site
from tabwarden.sandbox.faults import apply
from tabwarden.sandbox.http.call import Call
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element, element

T = TypeVar("T")
LARGEST_PAGE, USUAL_PAGE = 1000, 100
TEXT, TIME, NUMBER, TRUTH = "text", "time", "number", "truth"
ORDERED = "eq gt gte lt lte"  # the operators of what has an order
_INTEGER = re.compile(r"-?[0-9]{1,18}")
OPERATORS = frozenset({"eq", "in", "gt", "gte", "lt", "lte", "has", "like", "cieq"})


class Column(NamedTuple):
    """A field one can filter or sort by: its value on a site, which operators it takes, its type."""

    value: Callable[[Site, Any], Any]
    operators: frozenset[str]
    type: str = TEXT


def column(value: Callable[[Site, Any], Any], operators: str = "eq in", type_: str = TEXT) -> Column:
    """A column whose operators are written as words."""
    return Column(value, frozenset(operators.split()), type_)


class Listing(NamedTuple, Generic[T]):
    """How one kind is listed: the element names, its columns, its default fields, and the shape of one item."""

    plural: str
    columns: Mapping[str, Column]
    defaults: frozenset[str]
    shape: Callable[[Call, T], Element]


def answer(call: Call, listing: Listing[T], items: Iterable[T]) -> tuple[Element, Element]:
    """Pagination and the list element for the part of `items` that the query asks for."""
    items_in_order = in_order(call, listing.columns, filtered(call, listing.columns, items))
    page, pagination = paged(call, items_in_order)
    wanted = fields(call, listing.defaults)
    shaped = (pruned(listing.shape(call, item), wanted) for item in page)
    return pagination, Element(listing.plural, {}, tuple(shaped))


# -- pages ----------------------------------------------------------------------------------------------------


def paged(call: Call, items: Sequence[T]) -> tuple[Sequence[T], Element]:
    """The asked page and its pagination element; 400006, 400007 or 403014 for one that cannot be."""
    size = _number(call.query("pageSize"), USUAL_PAGE, "400007", "pageSize")
    number = _number(call.query("pageNumber"), 1, "400006", "pageNumber")
    if size > LARGEST_PAGE:
        raise Refusal("403014", f"a page holds at most {LARGEST_PAGE} items, not {size}")
    first = (number - 1) * size
    if first >= len(items) and number > 1:
        raise Refusal("400006", f"page {number} is beyond the end; there are {len(items)} items")
    pagination = element("pagination", {"pageNumber": number, "pageSize": size, "totalAvailable": len(items)})
    return apply.page_of(call.struck, items, first, size), pagination


def _number(words: str | None, usual: int, code: str, name: str) -> int:
    if words is None:
        return usual
    if not words.isascii() or not words.isdigit() or not 0 < len(words) < 10 or int(words) < 1:
        raise Refusal(code, f"`{name}` must be a number from 1, not `{words}`")
    return int(words)


# -- fields ---------------------------------------------------------------------------------------------------

Wanted = Mapping[str, frozenset[str]] | None
# Fields whose value a child carries (server-client-python asks by these names).
_CHILDREN = {"domainName": "domain", "tag": "tags"}
_PREFIXES = {"backgroundJob": "job"}


def fields(call: Call, defaults: frozenset[str]) -> Wanted:
    """Attribute and child names to keep, a child's own attributes under its name; None keeps all.

    Single letters are ignored: server-client-python sends the letters of `_default_` one by one.
    """
    words = call.query("fields")
    names = [name.strip() for name in words.split(",")] if words else []
    if "_all_" in names:
        return None
    names_in = [name for name in names if len(name) > 1 and name != "_default_"]
    if not names_in or len(names_in) < len(names):
        names_in.extend(sorted(defaults))
    names_in = [_CHILDREN.get(name, name) for name in names_in]
    fields_of: dict[str, frozenset[str]] = {}
    for name in names_in:
        head, _dot, inner = name.partition(".")
        fields_of[head] = fields_of.get(head, frozenset()) | (frozenset({inner}) if inner else frozenset())
    return fields_of


def pruned(item: Element, wanted: Wanted) -> Element:
    """The element with only the wanted attributes and children."""
    if wanted is None:
        return item
    own = wanted.get(_PREFIXES.get(item.name, item.name), frozenset())  # of workbooks, `workbook.name` is the name
    wanted = {**wanted, **{_CHILDREN.get(name, name): frozenset() for name in own}}
    attributes = {name: value for name, value in item.attributes.items() if name in wanted}
    children = tuple(_inner(child, wanted[child.name]) for child in item.children if child.name in wanted)
    return Element(item.name, attributes, children, item.text)


def _inner(child: Element, names: frozenset[str]) -> Element:
    if not names or "*" in names:
        return child
    return child._replace(attributes={name: v for name, v in child.attributes.items() if name in names | {"id"}})


# -- order ----------------------------------------------------------------------------------------------------


def in_order(call: Call, columns: Mapping[str, Column], items: Sequence[T]) -> Sequence[T]:
    """Items as `sort=field:asc|desc,...` asks; an unknown field is 400065."""
    words = call.query("sort")
    if not words:
        return items
    site = call.site
    for part in reversed(words.split(",")):
        name, _colon, direction = part.strip().partition(":")
        if direction not in ("asc", "desc", ""):
            raise Refusal("400000", f"sort `{part}` must end in `:asc` or `:desc`")
        value = _column(columns, name).value
        keyed = [(_sortable(value(site, item)), item) for item in items]
        items = [item for _key, item in sorted(keyed, key=itemgetter(0), reverse=direction == "desc")]
    return items


def _sortable(value: Any) -> tuple[bool, Any]:
    if value is None:
        return False, ""
    if isinstance(value, frozenset):
        return True, ",".join(sorted(value))
    return True, value.casefold() if isinstance(value, str) else value


# -- filters --------------------------------------------------------------------------------------------------


def filtered(call: Call, columns: Mapping[str, Column], items: Iterable[T]) -> list[T]:
    """The items that meet every expression of every `filter` parameter."""
    items_left = list(items)
    expressions = call.request.query.get("filter", ())
    if expressions:
        items_left = apply.known_to_search(call.struck, call.state, items_left)
    for words in expressions:
        for expression in _expressions(words):
            test = _test(call.site, columns, expression)
            items_left = [item for item in items_left if test(item)]
    return items_left


def _expressions(words: str) -> list[str]:
    """Split by commas that are not inside brackets; a value holds neither `,` nor `&` (400065)."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(words):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth <= 0:
            parts.append(words[start:place])
            start = place + 1
    parts.append(words[start:])
    if "&" in words or (parts[0].count(":") >= 2 and any(part.count(":") < 2 for part in parts)):
        raise Refusal("bad_filter", f"a value of the filter `{words}` holds a comma or an ampersand")
    if any(part.count(":") < 2 for part in parts):
        raise Refusal("400000", f"filter `{words}` is not written as field:operator:value")
    return parts


def _column(columns: Mapping[str, Column], name: str) -> Column:
    if name not in columns:
        raise Refusal("bad_filter", f"`{name}` is not a field one can filter or sort by here")
    return columns[name]


def _test(site: Site, columns: Mapping[str, Column], expression: str) -> Callable[[Any], bool]:
    name, operator, words = expression.split(":", 2)
    column = _column(columns, name)
    if operator not in OPERATORS or operator not in column.operators:
        raise Refusal("400000", f"`{name}` cannot be filtered with `{operator}`")
    if operator == "in":
        if not (words.startswith("[") and words.endswith("]")):
            raise Refusal("400000", f"filter `{expression}` needs a list in brackets")
        wanted = {_typed(column, name, word.strip()) for word in words[1:-1].split(",")}
        return lambda item: any(item_value in wanted for item_value in _values(column.value(site, item)))
    value = _typed(column, name, words)
    compare = _COMPARE[operator]
    return lambda item: any(compare(item_value, value) for item_value in _values(column.value(site, item)))


def _values(value: Any) -> Iterable[Any]:
    """The values of a field: several, one, or none."""
    return value if isinstance(value, frozenset) else () if value is None else (value,)


def _typed(column: Column, name: str, words: str) -> Any:
    if column.type == TRUTH:
        if words.lower() not in ("true", "false"):
            raise Refusal("400000", f"`{name}` is compared with true or false, not `{words}`")
        return words.lower() == "true"
    if column.type == NUMBER:
        if not _INTEGER.fullmatch(words):
            raise Refusal("400000", f"`{name}` is compared with a number, not `{words}`")
        return int(words)
    if column.type == TIME:
        return _time(name, words)
    return words


def _time(name: str, words: str) -> str:
    """A moment written the way the sandbox keeps them, so that text compares like time."""
    try:
        moment = datetime.fromisoformat(words)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal("400000", f"`{name}` is compared with a time such as 2025-01-31T08:00:00Z") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _like(text: str, pattern: str) -> bool:
    """`*` stands for any letters; without one the words may stand anywhere; letter case does not matter."""
    text, pattern = text.casefold(), pattern.casefold()
    if "*" not in pattern:
        return pattern in text
    head, *middle, tail = pattern.split("*")
    if not text.startswith(head) or not text[len(head) :].endswith(tail):
        return False
    place, end = len(head), len(text) - len(tail)
    for part in middle:
        place_of = text.find(part, place, end)
        if place_of < 0:
            return False
        place = place_of + len(part)
    return True


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda item, value: bool(item == value),
    "gt": lambda item, value: bool(item > value),
    "gte": lambda item, value: bool(item >= value),
    "lt": lambda item, value: bool(item < value),
    "lte": lambda item, value: bool(item <= value),
    "has": lambda item, value: value.casefold() in item.casefold(),
    "like": _like,
    "cieq": lambda item, value: bool(item.casefold() == value.casefold()),
}
