"""The requests that import a group from the directory and synchronise it. Not what that does to people.

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


def imported(call: Call, asked: Element, name: str) -> Reply:
    """Import a group that is not on the site yet; an unknown domain is refused at once, as a job too."""
    told = _import_of(call, asked)
    domain, plain = _domain_and_name(told, name)
    identity.domain_for_import(call.state, domain)
    role, mode = _grant(asked, told, None)
    if _as_job(call):
        row = (domain, plain, role or "", mode or "")
        return ok(shapes.job(call, jobs.start(call, group_sync.GROUP_IMPORT, (row,))), status=202)
    site = call.session.site
    made, _notes = group_sync.import_group(call.state, site, domain, plain, role=role, grant_on=mode)
    return ok(shapes.group(call, call.site.groups[made]), status=201)


def synchronised(call: Call, asked: Element, held: Group) -> Reply:
    """Synchronise a group of the directory; its name and domain stay what they are."""
    told = _import_of(call, asked)
    if held.domain == LOCAL:
        raise Refusal("400101", "a local group is not synchronised with a directory")
    domain, plain = _domain_and_name(told, (asked.get("name") or held.name).strip(), held.domain)
    there = identity.domain_for_import(call.state, domain)
    if identity.key(there.fqdn, plain) != identity.key(held.domain, held.name):
        raise Refusal("400003", "a group of the directory keeps the name and the domain it has there")
    role, mode = _grant(asked, told, held)
    if _as_job(call):
        row = (held.id, role or "", mode or "")
        return ok(shapes.job(call, jobs.start(call, group_sync.GROUP_SYNC, (row,))), status=202)
    group_sync.sync_group(call.state, call.session.site, held.id, role=role, grant_on=mode)
    return ok(shapes.group(call, call.group()))


def _import_of(call: Call, asked: Element) -> Element:
    told = asked.find("import") or Element("import")
    if (told.get("source") or "").casefold() != SOURCE.casefold():
        raise Refusal("400003", f"the source of an import is {SOURCE}")
    identity.asked(call.state.directory)
    return told


def _domain_and_name(told: Element, name: str, usual: str = "") -> tuple[str, str]:
    """The domain of the import element, or the one before the name."""
    before, slash, plain = name.rpartition("\\")
    domain = (told.get("domainName") or (before if slash else "") or usual).strip()
    if not domain:
        raise Refusal("400003", "an import needs a domainName")
    return domain, plain


def _grant(asked: Element, told: Element, held: Group | None) -> tuple[str | None, str | None]:
    """Minimum site role and grant mode; REST calls the role siteRole in an import and minimumSiteRole elsewhere."""
    role = told.get("siteRole") or told.get("minimumSiteRole") or asked.get("minimumSiteRole")
    mode = told.get("grantLicenseMode") or asked.get("grantLicenseMode")
    if mode is not None and mode not in (ON_LOGIN, ON_SYNC):
        raise Refusal("400003", f"grantLicenseMode `{mode}` is not onLogin or onSync")
    if role is None:
        return (held.minimum_site_role, mode or held.grant_on) if held is not None else (None, None)
    if role not in SETTABLE | SETTABLE_LEGACY:
        raise Refusal("400013", f"siteRole `{role}` is not a site role that a group can grant")
    if role == "Unlicensed":
        return None, None
    return current_role(role), mode or (held.grant_on if held is not None else None) or ON_SYNC


def _as_job(call: Call) -> bool:
    return (call.query("asJob") or "").lower() == "true"
