"""Groups and group sets of the session's site and their members. Users themselves are next door."""

from __future__ import annotations

from dataclasses import replace

from tabwarden.effects import people
from tabwarden.effects.people import Outcome
from tabwarden.model.roles import SETTABLE, SETTABLE_LEGACY, current_role
from tabwarden.model.site import LOCAL, ON_LOGIN, ON_SYNC, Group, GroupSet
from tabwarden.sandbox.directories import group_sync, identity
from tabwarden.sandbox.handlers.content import truth
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal, because
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.people import jobs, shapes

SOURCE = "ActiveDirectory"


def _imported(call: Call, body: Element, name: str) -> Reply:
    """Import a group that is not on the site yet; an unknown domain is refused at once, as a job too.

    `<import source="ActiveDirectory" domainName= siteRole= grantLicenseMode=>`; a role alone is granted at sync.
    """
    wanted = _import_of(call, body)
    domain, plain = _domain_and_name(wanted, name)
    identity.domain_for_import(call.state, domain)
    role, mode = _import_grant(body, wanted, Group("", name))
    if _as_job(call):
        row = (domain, plain, role or "", mode or "")
        return ok(shapes.job(call, jobs.start(call, jobs.GROUP_IMPORT, (row,))), status=202)
    site = call.session.site
    group_id, _notes = group_sync.import_group(call.state, site, domain, plain, role=role, grant_on=mode)
    return ok(shapes.group(call, call.site.groups[group_id]), status=201)


def _synchronised(call: Call, body: Element, group: Group) -> Reply:
    """Synchronise a group of the directory; its name and domain stay what they are."""
    wanted = _import_of(call, body)
    if group.domain == LOCAL:
        raise Refusal("malformed_import", "a local group is not synchronised with a directory")
    domain, plain = _domain_and_name(wanted, (body.get("name") or group.name).strip(), group.domain)
    there = identity.domain_for_import(call.state, domain)
    if identity.key(there.fqdn, plain) != identity.key(group.domain, group.name):
        raise Refusal("renamed_import", "a group of the directory keeps the name and the domain it has there")
    role, mode = _import_grant(body, wanted, group)
    if _as_job(call):
        row = (group.id, role or "", mode or "")
        return ok(shapes.job(call, jobs.start(call, jobs.GROUP_SYNC, (row,))), status=202)
    group_sync.sync_group(call.state, call.session.site, group.id, role=role, grant_on=mode)
    return ok(shapes.group(call, call.group()))


def _import_of(call: Call, body: Element) -> Element:
    wanted = body.find("import") or Element("import")
    if (wanted.get("source") or "").casefold() != SOURCE.casefold():
        raise Refusal("malformed_import", f"the source of an import is {SOURCE}")
    identity.asked(call.state.directory)
    return wanted


def _domain_and_name(wanted: Element, name: str, usual: str = "") -> tuple[str, str]:
    """The domain of the import element, or the one before the name."""
    before, slash, plain = name.rpartition("\\")
    domain = (wanted.get("domainName") or (before if slash else "") or usual).strip()
    if not domain:
        raise Refusal("malformed_import", "an import needs a domainName")
    return domain, plain


def _as_job(call: Call) -> bool:
    return (call.query("asJob") or "").lower() == "true"


BULK_SINCE = "3.21"
MODES = frozenset({ON_LOGIN, ON_SYNC})


def groups(call: Call) -> Reply:
    """The groups of the site, All Users among them."""
    return ok(*listing.answer(call, shapes.groups_listing(call), call.site.groups.values()))


def members(call: Call) -> Reply:
    """The users in a group."""
    site = call.site
    members = site.members(call.group().id)
    return ok(*listing.answer(call, shapes.users_listing(call), (u for u in site.users.values() if u.id in members)))


def create(call: Call) -> Reply:
    """Create a local group, or import one from the directory with its members, at once or as a job."""
    body = call.body("group")
    name = (body.get("name") or "").strip()
    if not name:
        raise Refusal("malformed", "a group needs a name")
    if body.find("import") is not None:
        return _imported(call, body, name)
    role, mode = _local_grant(body, Group("", name))
    new = Group(call.state.new_id(call.site, "group"), name, LOCAL, frozenset(), role, mode)
    done = _done(call, _with_on_demand(people.create_group(call.site, new), body, new.id))
    return ok(shapes.group(call, done.site.groups[new.id]), status=201)


def update(call: Call) -> Reply:
    """Rename a local group or change the role it grants; synchronise one of the directory, at once or as a job."""
    body, group = call.body("group"), call.group()
    if body.find("import") is not None:
        return _synchronised(call, body, group)
    role, mode = _local_grant(body, group)
    name = (body.get("name") or group.name).strip()
    if group.domain != LOCAL and name != group.name:
        raise Refusal("renamed_import", "a group of the directory keeps the name it has there")
    changed = replace(group, name=name or group.name, minimum_site_role=role, grant_on=mode)
    _done(call, _with_on_demand(people.update_group(call.site, changed), body, group.id))
    return ok(shapes.group(call, call.group()))


def _with_on_demand(outcome: Outcome, body: Element, group: str) -> Outcome:
    """The group with on-demand access as the request has it, where it says so."""
    words = body.get("ephemeralUsersEnabled")
    if words is None or not outcome.done:
        return outcome
    on = outcome.site.on_demand - {group} | ({group} if truth("ephemeralUsersEnabled", words) else frozenset())
    return outcome._replace(site=replace(outcome.site, on_demand=on))


def _grant(role: str | None, mode: str | None, group: Group, usual: str, called: str) -> tuple[str | None, str | None]:
    """Minimum site role and grant mode after the request; a role alone means the `usual` mode."""
    if mode is not None and mode not in MODES:
        raise Refusal("400003", f"grantLicenseMode `{mode}` is not onLogin or onSync")
    if role is None:
        return group.minimum_site_role, mode or group.grant_on
    if role not in SETTABLE | SETTABLE_LEGACY:
        raise Refusal("invalid_role", f"{called} `{role}` is not a site role that a group can grant")
    return (None, None) if role == "Unlicensed" else (current_role(role), mode or group.grant_on or usual)


def _local_grant(body: Element, group: Group) -> tuple[str | None, str | None]:
    role, mode = body.get("minimumSiteRole"), body.get("grantLicenseMode")
    if role is None and mode in MODES:
        raise Refusal("400003", "minimumSiteRole is required where grantLicenseMode is given")
    return _grant(role, mode, group, ON_LOGIN, "minimumSiteRole")


def _import_grant(body: Element, wanted: Element, group: Group) -> tuple[str | None, str | None]:
    """REST calls the role siteRole in an import and minimumSiteRole elsewhere."""
    role = wanted.get("siteRole") or wanted.get("minimumSiteRole") or body.get("minimumSiteRole")
    mode = wanted.get("grantLicenseMode") or body.get("grantLicenseMode")
    role, mode = _grant(role, mode, group, ON_SYNC, "siteRole")
    return (role, mode) if group.id or role else (None, None)


def delete(call: Call) -> Reply:
    """Delete a group; All Users stays."""
    _done(call, people.delete_group(call.site, call.group().id, call.state.open_points))
    return NO_CONTENT


def add_members(call: Call) -> Reply:
    """Put one user into a group, or with `users` many at once (API 3.21)."""
    group, many = call.group(), call.tree.find("users")
    if many is None:
        named = call.body("user").get("id")
        if not named:
            raise Refusal("malformed", "a member is named by its `id`")
        who = call.user(named)
        _done(call, people.add_to_group(call.site, group.id, (who.id,)))
        return ok(shapes.user(call, who))
    ids = _listed(call, many)
    _done(call, people.add_to_group(call.site, group.id, ids))
    return ok(element("users", {}, *(shapes.user(call, call.user(i)) for i in ids)))


def remove_member(call: Call) -> Reply:
    """Take one user out of a group."""
    _done(call, people.remove_from_group(call.site, call.group().id, (call.user().id,)))
    return NO_CONTENT


def remove_members(call: Call) -> Reply:
    """Take many users out of a group at once."""
    ids = _listed(call, call.body("users"))
    _done(call, people.remove_from_group(call.site, call.group().id, ids))
    return NO_CONTENT


def _listed(call: Call, many: Element) -> tuple[str, ...]:
    if not call.knows(BULK_SINCE):
        raise Refusal("400003", f"changing many members at once needs API version {BULK_SINCE}")
    ids = tuple(dict.fromkeys(call.user(one.get("id") or "").id for one in many.all("user")))
    if not ids:
        raise Refusal("400003", "the list of users is empty")
    return ids


def group_sets(call: Call) -> Reply:
    """The group sets of the site with their groups."""
    return ok(*listing.answer(call, shapes.GROUP_SETS, call.site.group_sets.values()))


def group_set(call: Call) -> Reply:
    """One group set with its groups, of which the pagination tells how many there are."""
    return ok(*_told(call, call.group_set()))


def _told(call: Call, group_set: GroupSet) -> tuple[Element, Element]:
    count = {"pageNumber": 1, "pageSize": listing.USUAL_PAGE, "totalAvailable": len(group_set.groups)}
    return element("pagination", count), shapes.group_set(call, group_set)


def create_group_set(call: Call) -> Reply:
    """A new, empty group set."""
    name = (call.body("groupSet").get("name") or "").strip()
    if not name:
        raise Refusal("400003", "a group set needs a name")
    new = GroupSet(call.state.new_id(call.site, "groupSet"), name)
    done = _done(call, people.put_group_set(call.site, new))
    return ok(shapes.group_set(call, done.site.group_sets[new.id]), status=201)


def update_group_set(call: Call) -> Reply:
    """Rename a group set."""
    group_set = call.group_set()
    name = (call.body("groupSet").get("name") or group_set.name).strip()
    _done(call, people.put_group_set(call.site, replace(group_set, name=name)))
    return ok(*_told(call, call.group_set(group_set.id)))


def delete_group_set(call: Call) -> Reply:
    """Delete a group set with its rules."""
    group_set = call.group_set()
    _done(call, people.delete_group_set(call.site, group_set.id))
    return NO_CONTENT


def add_group_to_set(call: Call) -> Reply:
    """Put a group into a set; one that is in it already stays."""
    group_set = call.group_set()
    grown = replace(group_set, groups=group_set.groups | {call.group().id})
    _done(call, people.put_group_set(call.site, grown))
    return NO_CONTENT


def remove_group_from_set(call: Call) -> Reply:
    """Take a group out of a set."""
    group_set = call.group_set()
    if call.group().id not in group_set.groups:
        raise Refusal("unknown_group", "the group is not in the group set")
    _done(call, people.put_group_set(call.site, replace(group_set, groups=group_set.groups - {call.group().id})))
    return NO_CONTENT


def _done(call: Call, outcome: Outcome) -> Outcome:
    """Keep what an event did; refuse with its reason when it was not done."""
    if not outcome.done:
        raise because(outcome.because)
    call.state.put(outcome.site)
    return outcome
