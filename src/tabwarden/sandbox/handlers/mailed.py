"""What is mailed to people, and what they marked: subscriptions, data alerts, favourites.

Sources: the public REST documentation of each, the REST error table. Administrators see and change all of a site,
others what is theirs; that a list leaves out what is somebody else's is believed. Nothing is ever sent.
"""

from __future__ import annotations

from tabwarden.access.reference import may
from tabwarden.model.site import Content, User
from tabwarden.model.usage import ALERT, SUBSCRIPTION
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.content.shapes import PLURALS, SHAPES, person, project_of
from tabwarden.sandbox.handlers import schedules
from tabwarden.sandbox.handlers.content import truth
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.http.wire import Attributes, Element, element
from tabwarden.sandbox.people import shapes
from tabwarden.sandbox.state.personality import CLOUD
from tabwarden.sandbox.state.things import DataAlert, Favorite, Subscription

# -- subscriptions --------------------------------------------------------------------------------------------

_TARGETS = {"view": "View", "workbook": "Workbook"}


def subscriptions(call: Call) -> Reply:
    """The subscriptions of the site; one's own to others than administrators."""
    mine = [one for one in call.state.subscriptions.values() if one.site == call.site.id and _is_mine(call, one.user)]
    page, pagination = listing.paged(call, mine)
    return ok(pagination, element("subscriptions", {}, *(_subscription(call, one) for one in page)))


def _is_mine(call: Call, *users: str) -> bool:
    return call.is_admin or call.me.id in users


def _subscription(call: Call, one: Subscription) -> Element:
    content, schedule = call.site.contents[one.about], call.state.schedules.get(one.schedule)
    if schedule is not None:
        when = element("schedule", {"id": schedule.id, "name": schedule.name})
    else:
        when = schedules.own_shape(call, one.timing, one.created)
    return element(
        "subscription",
        {
            "id": one.id,
            "subject": one.subject,
            "message": one.message,
            "attachImage": one.image,
            "attachPdf": one.pdf,
            "pageOrientation": one.orientation,
            "pageSizeOption": one.size,
            "suspended": one.suspended,
        },
        element("content", {"id": content.id, "type": _TARGETS[content.kind], "sendIfViewEmpty": one.send_empty}),
        when,
        person(call, "user", one.user),
    )


def subscription(call: Call) -> Reply:
    """One subscription."""
    return ok(_subscription(call, _subscription_of(call)))


def _subscription_of(call: Call) -> Subscription:
    one = call.state.subscriptions.get(call.parameters["subscription"])
    if one is None or one.site != call.site.id:
        raise unknown("subscription", call.parameters["subscription"])
    if not _is_mine(call, one.user):
        raise Refusal("denied", "the subscription is somebody else's")
    return one


def subscribe(call: Call) -> Reply:
    """Subscribe somebody to a view or workbook: oneself, or others as owner, leader or administrator."""
    body = call.body("subscription")
    target = body.find("content") or Element("content")
    kind = next((kind for kind, name in _TARGETS.items() if name == target.get("type")), None)
    if kind is None:
        raise Refusal("wrong_target", "a subscription is to a View or a Workbook")
    content, reader = visibility.shown(call, kind, target.get("id") or ""), call.user(body.inner("user") or "")
    _demand_reader(call, reader, content)
    visibility.demand(call, "subscribe", content, to=reader.id)
    if not reader.email and call.personality.kind != CLOUD:
        raise Refusal("no_address", f"`{reader.name}` has no e-mail address")
    new_id = call.state.new_id(call.site, "subscription")
    new = Subscription(new_id, call.site.id, reader.id, content.id, body.get("subject") or "", created=call.state.now())
    stored = _described(call, new, body)
    call.state.has(stored.site, stored.user, SUBSCRIPTION, stored.about, 1)
    return ok(_subscription(call, stored), status=201)


def _demand_reader(call: Call, reader: User, content: Content) -> None:
    """Refuse to mail what somebody may not View."""
    if not may(call.site, reader.id, "Read", content.id, open_points=call.state.open_points).allowed:
        raise Refusal("recipient_denied", f"`{reader.name}` may not see that {content.kind}")


def _described(call: Call, one: Subscription, body: Element) -> Subscription:
    """The subscription with what the body says of mail and schedule, kept."""
    subject = one.subject if body.get("subject") is None else body.get("subject")
    if not subject:
        raise Refusal("no_subject", "a subscription needs a subject")
    names = ("attachImage", "attachPdf", "suspended")
    flags = {name: truth(name, words) for name in names if (words := body.get(name)) is not None}
    target = body.find("content") or Element("content")
    if target.get("type") not in (None, *_TARGETS.values()):
        raise Refusal("wrong_target", "a subscription is to a View or a Workbook")
    empty = target.get("sendIfViewEmpty")
    changed = one._replace(
        subject=subject,
        message=body.get("message") or one.message,
        image=flags.get("attachImage", one.image),
        pdf=flags.get("attachPdf", one.pdf),
        suspended=flags.get("suspended", one.suspended),
        orientation=body.get("pageOrientation") or one.orientation,
        size=body.get("pageSizeOption") or one.size,
        send_empty=one.send_empty if empty is None else truth("sendIfViewEmpty", empty),
    )
    schedule = body.find("schedule") or call.tree.find("schedule")
    if call.personality.kind == CLOUD and schedule is not None and schedule.get("frequency"):
        changed = changed._replace(timing=schedules.timing_of(schedule, one.timing))
    elif schedule is not None and schedule.get("id") is not None:
        wanted = schedules.one(call, schedule.get("id"))
        if wanted.kind != "Subscription":
            raise Refusal("other_schedule", f"schedule `{wanted.name}` is for {wanted.kind} tasks")
        changed = changed._replace(schedule=wanted.id)
    if not changed.schedule and changed.timing is None:
        raise Refusal("malformed", "the request names no schedule")
    call.state.keep("subscription", changed)
    return changed


def resubscribe(call: Call) -> Reply:
    """Change subject, schedule or what is attached; pause it."""
    one = _subscription_of(call)
    return ok(_subscription(call, _described(call, one, call.body("subscription"))))


def unsubscribe(call: Call) -> Reply:
    """End a subscription."""
    one = _subscription_of(call)
    call.state.forget("subscription", one.id)
    call.state.has(one.site, one.user, SUBSCRIPTION, one.about, -1)
    return NO_CONTENT


# -- data alerts ----------------------------------------------------------------------------------------------

FREQUENCIES = ("AsFrequentlyAsPossible", "Daily", "Hourly", "Once", "Weekly")
_VISIBLE = ("private", "public")


def alerts(call: Call) -> Reply:
    """The data alerts of the site; to others than administrators those that are theirs, theirs to get, or public."""
    heard = [one for one in call.state.alerts.values() if one.site == call.site.id and _hears(call, one)]
    page, pagination = listing.paged(call, heard)
    return ok(pagination, element("dataAlerts", {}, *(_alert(call, one) for one in page)))


def _hears(call: Call, one: DataAlert) -> bool:
    shows = one.public and visibility.sees(call, call.site.contents[one.view])
    return shows or _is_mine(call, one.owner, *one.recipients)


def _alert(call: Call, one: DataAlert, *, whole: bool = False) -> Element:
    view = call.site.contents[one.view]
    workbook = call.site.contents[view.parent or ""]
    places = (project_of(call, view), element("workbook", {"id": workbook.id, "name": workbook.name}))
    recipients = (person(call, "recipient", user) for user in sorted(one.recipients))
    return element(
        "dataAlert",
        {
            "id": one.id,
            "subject": one.subject,
            "creatorId": one.owner,
            "createdAt": one.created or None,
            "updatedAt": one.updated or None,
            "frequency": one.frequency,
            "alertCondition": one.condition or None,
            "alertThreshold": one.threshold or None,
            "public": one.public,
        },
        person(call, "owner", one.owner),
        element("view", {"id": view.id, "name": view.name}, *places),
        element("recipients", {}, *recipients) if whole else None,
    )


def alert(call: Call) -> Reply:
    """One data alert with those who get it."""
    return ok(_alert(call, _alert_of(call), whole=True))


def _alert_of(call: Call, *, unless_own: str = "") -> DataAlert:
    """The data alert of the path, if it shows; `unless_own` is why only its owner and administrators are let in."""
    one = call.state.alerts.get(call.parameters["dataalert"])
    if one is None or one.site != call.site.id:
        raise unknown("dataAlert", call.parameters["dataalert"])
    if not _hears(call, one):
        raise Refusal("denied", "the data alert is somebody else's")
    if unless_own and not _is_mine(call, one.owner):
        raise Refusal(unless_own, "the data alert is somebody else's")
    return one


def watch(call: Call) -> Reply:
    """Make a data alert on a view, for oneself."""
    body = call.body("dataAlertCreateAlert")
    view = visibility.shown(call, "view", body.get("viewId") or "")
    visibility.demand(call, "set_data_alert", view)
    now, me = call.state.now(), call.me.id
    new_id = call.state.new_id(call.site, "dataAlert")
    new = DataAlert(new_id, call.site.id, view.id, me, "", created=now, recipients=frozenset({me}))
    new = new._replace(condition=body.get("alertCondition") or "", threshold=body.get("alertThreshold") or "")
    stored = _adjusted(call, new, body)
    call.state.has(stored.site, stored.owner, ALERT, stored.view, 1)
    return ok(_alert(call, stored, whole=True), status=201)


def _adjusted(call: Call, one: DataAlert, body: Element) -> DataAlert:
    frequency, subject = body.get("frequency") or one.frequency, body.get("subject") or one.subject
    if not subject or frequency not in FREQUENCIES:
        raise Refusal("malformed", f"a data alert needs a subject, and a frequency of {', '.join(FREQUENCIES)}")
    shown, public = body.get("visibility"), body.get("public")
    if shown is not None and shown not in _VISIBLE:
        raise Refusal("bad_value", f"`visibility` is {' or '.join(_VISIBLE)}, not `{shown}`")
    is_public = shown == "public" if shown is not None else truth("public", public) if public else one.public
    owner = body.inner("owner") or one.owner
    changed = one._replace(subject=subject, frequency=frequency, public=is_public, owner=call.user(owner).id)
    changed = changed._replace(updated=call.state.now())
    call.state.keep("dataAlert", changed)
    return changed


def rewatch(call: Call) -> Reply:
    """Change subject, frequency, owner, or whether others see it."""
    return ok(
        _alert(call, _adjusted(call, _alert_of(call, unless_own="not_owner"), call.body("dataAlert")), whole=True)
    )


def unwatch(call: Call) -> Reply:
    """Delete a data alert."""
    one = _alert_of(call, unless_own="denied")
    call.state.forget("dataAlert", one.id)
    call.state.has(one.site, one.owner, ALERT, one.view, -1)
    return NO_CONTENT


def alert_user(call: Call) -> Reply:
    """Let somebody else get the alert, if he may see the view."""
    one, user = _alert_of(call), call.user(call.body("user").get("id") or "")
    _demand_recipient(call, one, user)
    _demand_reader(call, user, call.site.contents[one.view])
    call.state.keep("dataAlert", one._replace(recipients=one.recipients | {user.id}))
    return ok(shapes.user(call, user))


def spare_user(call: Call) -> Reply:
    """Let somebody not get the alert any more."""
    one, user = _alert_of(call), call.user()
    _demand_recipient(call, one, user)
    call.state.keep("dataAlert", one._replace(recipients=one.recipients - {user.id}))
    return NO_CONTENT


def _demand_recipient(call: Call, one: DataAlert, user: User) -> None:
    if not _is_mine(call, one.owner, user.id):
        raise Refusal("not_owner", "only the owner of a data alert and administrators choose who else gets it")


# -- favourites -----------------------------------------------------------------------------------------------

MARKABLE = ("workbook", "view", "datasource", "project", "flow")


def favorites(call: Call) -> Reply:
    """What somebody marked; one's own, or anybody's for administrators."""
    return ok(_favorites(call, _marker(call)))


def _marker(call: Call) -> User:
    if not _is_mine(call, call.parameters["user"]):
        raise Refusal("denied", "favourites are for oneself and administrators")
    return call.user()


def _favorites(call: Call, user: User) -> Element:
    """Those of what the user may still see."""
    mine = sorted((f for f in call.state.favorites.values() if f.user == user.id), key=lambda f: f.added)
    shown = [one for one in mine if visibility.sees(call, call.site.contents[one.about])]
    return element("favorites", {}, *(_favorite(call, one, number) for number, one in enumerate(shown)))


def _favorite(call: Call, one: Favorite, position: int) -> Element:
    content = call.site.contents[one.about]
    attributes: Attributes = {"label": one.label, "position": position, "addedAt": one.added}
    return element("favorite", attributes, SHAPES[content.kind](call, content))


def mark(call: Call) -> Reply:
    """Mark a workbook, view, data source, project or flow under a label."""
    user, body = _marker(call), call.body("favorite")
    kind = next((kind for kind in MARKABLE if body.find(kind) is not None), None)
    if kind is None:
        raise Refusal("malformed", f"a favourite is a {', '.join(MARKABLE)}")
    label = (body.get("label") or "").strip()
    if not label:
        raise Refusal("no_label", "a favourite needs a label")
    content = visibility.shown(call, kind, body.inner(kind) or "")
    mine = [one for one in call.state.favorites.values() if one.user == user.id]
    if any(one.label == label and _clash(call, one, content) for one in mine):
        raise Refusal("label_taken", f"another {kind} has the label `{label}`")
    for one in [one for one in mine if one.about == content.id]:
        call.state.forget("favorite", one.id)
    new_id = call.state.new_id(call.site, "favorite")
    call.state.keep("favorite", Favorite(new_id, call.site.id, user.id, content.id, label, call.state.now()))
    return ok(_favorites(call, user))


def _clash(call: Call, one: Favorite, content: Content) -> bool:
    """Whether another of the kind is marked; of views another of the same workbook."""
    other = call.site.contents[one.about]
    return (
        other.id != content.id
        and other.kind == content.kind
        and (other.kind != "view" or other.parent == content.parent)
    )


def unmark(call: Call, kind: str) -> Reply:
    """Take a mark away; 404010 for what is not marked."""
    user, content = _marker(call), visibility.shown(call, kind)
    marks = [one for one in call.state.favorites.values() if (one.user, one.about) == (user.id, content.id)]
    if not marks:
        raise Refusal("not_marked", f"`{user.name}` has not marked that {kind}")
    for one in marks:
        call.state.forget("favorite", one.id)
    return NO_CONTENT


MARKED_AT = {kind: f"{PLURALS[kind]}/{{{kind}}}" for kind in MARKABLE}
