"""New collections; what else they can, they can as all content. What is in one is not played.

Where they are found and how they look over REST is believed: the page "Collections Methods" tells what they do.
"""

from __future__ import annotations

from tabwarden.model.site import Content
from tabwarden.sandbox.content.shapes import SHAPES
from tabwarden.sandbox.http.call import Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal


def create(call: Call) -> Reply:
    """A new collection, which nobody but its owner and administrators sees."""
    body = call.body("collection")
    name = (body.get("name") or "").strip()
    if not name:
        raise Refusal("400003", "a collection needs a name")
    new_id = call.state.new_id(call.site, "collection")
    new = Content(
        new_id, "collection", name, None, call.me.id, rules=frozenset(), description=body.get("description") or ""
    )
    stored = call.state.put(call.site.with_contents(new)).contents[new_id]
    return ok(SHAPES["collection"](call, stored), status=201)
