"""Users of the session's site: listed, added, changed, removed, imported. Groups are next door."""

from __future__ import annotations

import re
from dataclasses import replace

from tabwarden.model.roles import is_server_admin
from tabwarden.model.site import User
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.content.listing import content_listing
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, csv_rows, ok, parts_of, payload_of
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element
from tabwarden.sandbox.people import jobs, shapes
from tabwarden.sandbox.people.users_service import Desk
from tabwarden.sandbox.state.server_state import Account

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def desk(call: Call) -> Desk:
    """The people desk of the session's site."""
    return Desk(call.state, call.personality, call.session.site, call.session.user)


def users(call: Call) -> Reply:
    """The users of the site, for administrators; by an option for all, and only oneself where people do not show."""
    if not call.is_admin and not call.personality.lists_users:
        raise Refusal("denied", "only administrators list the users")
    shown = call.site.users.values() if call.sees_people else (call.me,)
    return ok(*listing.answer(call, shapes.users_listing(call), shown))


def user(call: Call) -> Reply:
    """One user; oneself always, others where people show."""
    if not call.sees_people and call.parameters["user"] != call.session.user:
        raise Refusal("denied", "this site does not show other users")
    return ok(shapes.user(call, call.user()))


def groups_of_user(call: Call) -> Reply:
    """The groups a user is in; one's own, or anybody's for administrators."""
    user, site = _self_or_any(call), call.site
    groups = sorted((site.groups[g] for g in site.groups_of(user.id)), key=lambda g: (g.name, g.id))
    return ok(*listing.answer(call, shapes.groups_listing(call), groups))


def content_of_user(call: Call, kind: str) -> Reply:
    """What of a kind a user may see, or with ownedBy owns: the server's own answer to who may View.

    What somebody owns without a licence is listed to administrators, who look for what leavers leave behind.
    """
    user, owned = _self_or_any(call), (call.query("ownedBy") or "").lower() == "true"
    looks_at = call.me if owned and call.is_admin else user
    shown = visibility.visible(call.state, call.site, looks_at.id, kind)
    if owned:
        shown = [c for c in shown if c.owner == user.id]
    return ok(*listing.answer(call, content_listing(call, kind), shown))


def _self_or_any(call: Call) -> User:
    if not call.is_admin and call.parameters["user"] != call.session.user:
        raise Refusal("denied", "only administrators ask this about others")
    return call.user()


def add(call: Call) -> Reply:
    """Add one user."""
    body = call.body("user")
    wanted = desk(call).describe(
        body.get("name") or "",
        body.get("siteRole") or "",
        email=body.get("email") or "",
        auth=body.get("authSetting"),
        provider=body.get("idpConfigurationId"),
    )
    return ok(shapes.user(call, desk(call).add(wanted)), status=201)


def update(call: Call) -> Reply:
    """Change role, authentication, and of local users display name, e-mail and password; answers without an id."""
    user, body, people_desk = call.user(), call.body("user"), desk(call)
    if user.site_role == "Guest":
        raise Refusal("guest_kept", "the guest is not changed")
    if is_server_admin(user.site_role) and not call.is_server_admin:
        raise Refusal("denied", "only server administrators change a server administrator")
    changed = _profile(call, body, user)
    # A password belongs to the account: a site administrator may not set that of somebody on other sites too.
    elsewhere = body.get("password") is not None and len(call.state.sites_of(user)) > 1
    if elsewhere and not call.is_server_admin:
        raise Refusal("denied", "only a server administrator sets this password")
    role = body.get("siteRole")
    if role is not None and role != user.site_role:
        if user.id == call.me.id:
            raise Refusal("self", "nobody changes his own site role")
        changed = replace(changed, site_role=people_desk.give_role(user, role).site_role)
    stored = people_desk.put(changed)
    password = body.get("password")
    if password is not None and call.personality.profile_writable and not desk(call).is_of_directory(user):
        call.state.put_account(Account(user.name, password, user.domain))
    shown = shapes.user(call, stored)
    return ok(shown._replace(attributes={k: v for k, v in shown.attributes.items() if k != "id"}))


def _profile(call: Call, body: Element, user: User) -> User:
    changed = desk(call).signing_in(user, body.get("authSetting"), body.get("idpConfigurationId"))
    if not call.personality.profile_writable or desk(call).is_of_directory(user):
        return changed
    full_name, email = body.get("fullName"), body.get("email")
    if email and not _EMAIL.fullmatch(email):
        raise Refusal("malformed", f"`{email[:80]}` is no e-mail address")
    return replace(
        changed,
        full_name=full_name if full_name is not None else user.full_name,
        email=email if email is not None else user.email,
    )


def remove(call: Call) -> Reply:
    """Remove a user; an owner without mapAssetsTo stays, Unlicensed, and the answer is 409."""
    heir = call.query("mapAssetsTo")
    desk(call).remove(call.user(), call.user(heir) if heir else None)
    return NO_CONTENT


def import_users(call: Call) -> Reply:
    """Add or update the people of a CSV file as a job."""
    parts = parts_of(call.request)
    rows = jobs.without_header(csv_rows(parts, "tableau_user_import"))
    job = jobs.start(call, jobs.IMPORT, jobs.with_auth(rows, payload_of(parts)))
    return ok(shapes.job(call, job), status=202)


def delete_users(call: Call) -> Reply:
    """Remove the people of a CSV file as a job."""
    rows = jobs.without_header(csv_rows(parts_of(call.request), "tableau_user_delete"))
    return ok(shapes.job(call, jobs.start(call, jobs.DELETE, rows)), status=202)
