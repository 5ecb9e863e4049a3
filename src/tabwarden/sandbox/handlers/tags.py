"""Tags of content, projects excepted: added and deleted, for one kind after the other."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace

from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.content.shapes import tags_element
from tabwarden.sandbox.handlers.content import Handler
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element

MOST_TAGS = 50
LONGEST_TAG = 200


def added(kind: str) -> Handler:
    """Add tags and tell all there are."""

    def handler(call: Call) -> Reply:
        item = visibility.shown(call, kind)
        visibility.demand(call, "tag", item)
        details = call.state.details(item.id)
        tags = details.tags | _labels(call.body("tags").all("tag"))
        if len(tags) > MOST_TAGS:
            raise Refusal("400003", f"an item carries at most {MOST_TAGS} tags here")
        if tags != details.tags:
            call.state.put_details(item.id, replace(details, tags=tags))
        return ok(tags_element(call, item))

    return handler


def _labels(tags: Iterable[Element]) -> frozenset[str]:
    """The labels; one without quotation marks stands for as many as spaces and commas make of it."""
    labels: set[str] = set()
    for tag in tags:
        words = tag.get("label") or ""
        plain = words if '"' in words else words.replace(" ", ",")
        try:
            labels.update(word.strip() for row in csv.reader([plain], skipinitialspace=True) for word in row)
        except csv.Error:
            raise Refusal("400003", "a label of a tag is one line") from None
    labels.discard("")
    if not labels or any(len(word) > LONGEST_TAG for word in labels):
        raise Refusal("400003", f"a tag needs a label of at most {LONGEST_TAG} characters")
    return frozenset(labels)


def deleted(kind: str) -> Handler:
    """Delete one tag; one that is not there is no error."""

    def handler(call: Call) -> Reply:
        item = visibility.shown(call, kind)
        visibility.demand(call, "tag", item)
        details, wanted = call.state.details(item.id), call.parameters["tag"]
        if wanted in details.tags:
            call.state.put_details(item.id, replace(details, tags=details.tags - {wanted}))
        return NO_CONTENT

    return handler
