"""What publishing a file does to a site: new content or a new revision, its views, its sources.

Rules, owner and views change by `effects.content`, as everywhere; the file, its connections and its extracts go to the
item's details. An order is plain data, so that a job can carry it out later, also after a restart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from tabwarden.effects import content as effects
from tabwarden.model.names import same
from tabwarden.model.site import Content, Site, Use
from tabwarden.sandbox.content import packages, placeholders
from tabwarden.sandbox.content.packages import Package
from tabwarden.sandbox.content.shapes import address
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.state.server_state import MEGABYTE, MOST_REVISIONS, Connection, Revision, stable_id
from tabwarden.sandbox.state.sites import State

CREATE, OVERWRITE, APPEND, REPLACE = "create", "overwrite", "append", "replace"
EMBED, PROMPT = "embed", "prompt"
USUAL_EXTENSION: Mapping[str, str] = {"workbook": "twbx", "datasource": "tdsx", "flow": "tflx"}


class Order(NamedTuple):
    """A file to publish: where, under which name, how, and by whom (ids). `tabs` matters for workbooks alone.

    `blob` is where the bytes are kept, `hidden` the sheets that are not to be shown, `embed` whether credentials
    came along and are to be kept, `user_name` theirs.
    """

    site: str
    by: str
    kind: str
    name: str
    project: str
    blob: str
    file_name: str
    mode: str = CREATE
    tabs: bool = False
    description: str | None = None
    hidden: tuple[str, ...] = ()
    embed: bool = False
    user_name: str = ""


def from_text(text: str) -> Order:
    """Back from what a job keeps."""
    order = Order(*json.loads(text))
    return order._replace(hidden=tuple(order.hidden))


def existing(site: Site, kind: str, project: str, name: str) -> Content | None:
    """The item of that kind and name in that project itself."""
    inside = (site.contents[c] for c in site.children(project))
    return next((c for c in inside if c.kind == kind and same(c.name) == same(name)), None)


def publish(state: State, order: Order) -> Content:
    """Carry an order out and give the item as stored. Refuses a name that is taken or a target that went away."""
    site = state.site(order.site)
    if order.project not in site.contents:
        raise unknown("project", order.project)
    demand_room(state, site, len(state.blobs.read(order.blob)))
    existing_item = existing(site, order.kind, order.project, order.name)
    if existing_item is not None and order.mode == CREATE:
        raise Refusal("name_taken", f"the project holds another {order.kind} of that name; overwrite it or rename")
    if existing_item is None and order.mode in (APPEND, REPLACE):
        raise unknown(order.kind, order.name)
    package = packages.opened(order.file_name, state.blobs.read(order.blob))
    item = (
        _created(state, order, package) if existing_item is None else _overwritten(state, order, existing_item, package)
    )
    _keep_file(state, order, item, package)
    return state.site(order.site).contents[item.id]


def demand_room(state: State, site: Site, size: int) -> None:
    """Refuse what is beyond the storage quota of the site; `size` in bytes."""
    quota = int(state.site_words.get(site.id, {}).get("storageQuota") or 0) * MEGABYTE
    if quota and state.published_bytes(site) + size > quota:
        raise Refusal("no_room", f"the site has room for {quota // MEGABYTE} MB of published files")


def revisions(state: State, item: Content) -> tuple[Revision, ...]:
    """The revisions of an item, oldest first; one that came with the world has a first one that is made up."""
    revisions = state.details(item.id).revisions
    return revisions or (Revision(1, "", f"{item.name}.{USUAL_EXTENSION[item.kind]}", 0, item.owner, item.created),)


def made_up(state: State, site: Site, item: Content, sees: Callable[[Content], bool]) -> bytes:
    """A file for an item that came with the world, naming of its data sources those that somebody `sees`."""
    sheets = [site.contents[view].name for view in site.children(item.id)]
    sources = [site.contents[use.datasource] for use in item.uses if use.datasource in site.contents]
    return placeholders.package(item, sheets, [address(state, site, source) for source in sources if sees(source)])


def _created(state: State, order: Order, package: Package) -> Content:
    site = state.site(order.site)
    item = Content(
        state.new_id(site, order.kind),
        order.kind,
        order.name,
        order.project,
        order.by,
        tabs=order.tabs if order.kind == "workbook" else True,
        description=order.description or "",
        uses=_uses(state, order, package),
    )
    url = _free_url(state, site, item)
    views = [_view(state, site, name, order.by) for name in _sheets(order, package)]
    stored = state.put(effects.publish(site, item, views)).contents[item.id]
    if url:
        state.put_details(item.id, replace(state.details(item.id), content_url=url))
    return stored


def _overwritten(state: State, order: Order, existing_item: Content, package: Package) -> Content:
    """Views are told apart by name: those that stay keep their rules, new ones get the workbook's."""
    site = state.site(order.site)
    _keep_first(state, site, existing_item)
    sheets = _sheets(order, package)
    present = {site.contents[v].name: v for v in site.children(existing_item.id)}
    fresh = [_view(state, site, name, order.by) for name in sheets if name not in present]
    gone = [view for name, view in present.items() if name not in sheets]
    changed = effects.overwrite(
        site, existing_item.id, order.by, fresh, open_points=state.open_points
    ).without_contents(gone)
    item = changed.contents[existing_item.id]
    uses, description = _uses(state, order, package), order.description
    renewed = replace(item, uses=uses, description=item.description if description is None else description)
    changed = changed.with_contents(renewed)
    if order.kind == "workbook" and order.tabs != existing_item.tabs:
        change = effects.show_tabs if order.tabs else effects.hide_tabs
        changed = change(changed, existing_item.id)
    return state.put(changed).contents[existing_item.id]


def _sheets(order: Order, package: Package) -> tuple[str, ...]:
    if order.kind != "workbook":
        return ()
    return tuple(name for name in package.sheets if name not in order.hidden) or package.sheets[:1]


def _view(state: State, site: Site, name: str, owner: str) -> Content:
    return Content(state.new_id(site, "view"), "view", name, None, owner)


def _uses(state: State, order: Order, package: Package) -> tuple[Use, ...]:
    """The published data sources on this site that a workbook stands on, by address or name."""
    if order.kind != "workbook":
        return ()
    site, auth = state.site(order.site), EMBED if order.embed else PROMPT
    known: dict[str, str] = {}
    for item in site.contents.values():
        if item.kind == "datasource":
            known.setdefault(same(item.name), item.id)
            known[same(address(state, site, item))] = item.id
    named = (known.get(same(name)) for name in package.sources)
    return tuple(dict.fromkeys(Use(source, auth) for source in named if source is not None))


def _free_url(state: State, site: Site, item: Content) -> str:
    """A content URL is unique on a site: the second of a name gets a number. "" where the name alone will do."""
    plain = address(state, site, item)
    taken = {same(address(state, site, other)) for other in site.contents.values() if other.kind == item.kind}
    if same(plain) not in taken:
        return ""
    number = next(n for n in range(1, len(taken) + 2) if same(f"{plain}_{n}") not in taken)
    return f"{plain}_{number}"


def _keep_first(state: State, site: Site, item: Content) -> None:
    """What came with the world becomes its first revision before something is published over it."""
    if state.details(item.id).revisions:
        return
    content = made_up(state, site, item, lambda _source: True)
    (first,) = revisions(state, item)
    first = first._replace(blob=state.blobs.keep(content), size=len(content))
    state.put_details(item.id, state.details(item.id).with_file(first))


def _keep_file(state: State, order: Order, item: Content, package: Package) -> None:
    """The file as the newest revision. Appended data counts as an extract; connections are those of the file."""
    details = state.details(item.id)
    limit = MOST_REVISIONS if state.site(order.site).settings.revision_history else 1
    size = len(state.blobs.read(order.blob))
    revision = Revision(details.next_revision, order.blob, order.file_name, size, order.by, state.now())
    links = tuple(
        Connection(
            stable_id(item.id, "connection", str(number)),
            link.type,
            link.server,
            link.port,
            order.user_name or link.user_name,
            link.database,
            order.embed,
        )
        for number, link in enumerate(package.links)
    )
    keeps = order.mode in (APPEND, REPLACE) and details.connections
    state.put_details(
        item.id,
        replace(
            details.with_file(revision, limit),
            connections=details.connections if keeps else links,
            has_extracts=package.has_extracts or order.mode == APPEND,
        ),
    )
