"""The requests that import a group from the directory and synchronise it.

`<import source="ActiveDirectory" domainName= siteRole= grantLicenseMode=>`, with `asJob=true` as a job. A role without
a mode is granted at synchronisation.
"""

from __future__ import annotations

from tabwarden.model.roles import SETTABLE, SETTABLE_LEGACY, current_role
from tabwarden.model.site import LOCAL, ON_LOGIN, ON_SYNC, Group
from tabwarden.sandbox.directories import group_sync, identity
from tabwarden.sandbox.http.call import Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element
from tabwarden.sandbox.people import jobs, shapes

SOURCE = "ActiveDirectory"


def imported(call: Call, body: Element, name: str) -> Reply:
    """Import a group that is not on the site yet; an unknown domain is refused at once, as a job too."""
    wanted = _import_of(call, body)
    domain, plain = _domain_and_name(wanted, name)
    identity.domain_for_import(call.state, domain)
    role, mode = _grant(body, wanted, None)
    if _as_job(call):
        row = (domain, plain, role or "", mode or "")
        return ok(shapes.job(call, jobs.start(call, group_sync.GROUP_IMPORT, (row,))), status=202)
    site = call.session.site
    group_id, _notes = group_sync.import_group(call.state, site, domain, plain, role=role, grant_on=mode)
    return ok(shapes.group(call, call.site.groups[group_id]), status=201)


def synchronised(call: Call, body: Element, group: Group) -> Reply:
    """Synchronise a group of the directory; its name and domain stay what they are."""
    wanted = _import_of(call, body)
    if group.domain == LOCAL:
        raise Refusal("400101", "a local group is not synchronised with a directory")
    domain, plain = _domain_and_name(wanted, (body.get("name") or group.name).strip(), group.domain)
    there = identity.domain_for_import(call.state, domain)
    if identity.key(there.fqdn, plain) != identity.key(group.domain, group.name):
        raise Refusal("400003", "a group of the directory keeps the name and the domain it has there")
    role, mode = _grant(body, wanted, group)
    if _as_job(call):
        row = (group.id, role or "", mode or "")
        return ok(shapes.job(call, jobs.start(call, group_sync.GROUP_SYNC, (row,))), status=202)
    group_sync.sync_group(call.state, call.session.site, group.id, role=role, grant_on=mode)
    return ok(shapes.group(call, call.group()))


def _import_of(call: Call, body: Element) -> Element:
    wanted = body.find("import") or Element("import")
    if (wanted.get("source") or "").casefold() != SOURCE.casefold():
        raise Refusal("400003", f"the source of an import is {SOURCE}")
    identity.asked(call.state.directory)
    return wanted


def _domain_and_name(wanted: Element, name: str, usual: str = "") -> tuple[str, str]:
    """The domain of the import element, or the one before the name."""
    before, slash, plain = name.rpartition("\\")
    domain = (wanted.get("domainName") or (before if slash else "") or usual).strip()
    if not domain:
        raise Refusal("400003", "an import needs a domainName")
    return domain, plain


def _grant(body: Element, wanted: Element, group: Group | None) -> tuple[str | None, str | None]:
    """Minimum site role and grant mode; REST calls the role siteRole in an import and minimumSiteRole elsewhere."""
    role = wanted.get("siteRole") or wanted.get("minimumSiteRole") or body.get("minimumSiteRole")
    mode = wanted.get("grantLicenseMode") or body.get("grantLicenseMode")
    if mode is not None and mode not in (ON_LOGIN, ON_SYNC):
        raise Refusal("400003", f"grantLicenseMode `{mode}` is not onLogin or onSync")
    if role is None:
        return (group.minimum_site_role, mode or group.grant_on) if group is not None else (None, None)
    if role not in SETTABLE | SETTABLE_LEGACY:
        raise Refusal("400013", f"siteRole `{role}` is not a site role that a group can grant")
    if role == "Unlicensed":
        return None, None
    return current_role(role), mode or (group.grant_on if group is not None else None) or ON_SYNC


def _as_job(call: Call) -> bool:
    return (call.query("asJob") or "").lower() == "true"
