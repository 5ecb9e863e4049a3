"""The directory behind a server: its domains with their nicknames, groups imported and synchronised as jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple
from xml.etree.ElementTree import Element

from tabwarden.effects.ops.groups import ImportGroup, SyncGroup
from tabwarden.effects.ops.settings import SetNickname
from tabwarden.effects.ref import Ref
from tabwarden.model.errors import TableauError
from tabwarden.model.names import same
from tabwarden.model.site import LOCAL, Site
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.wire import element
from tabwarden.tableau.read.people import group_of
from tabwarden.tableau.write.bulk import wait_for_job, wait_for_user_jobs
from tabwarden.tableau.write.results import ALREADY, DONE, FAILED, Ids, Result, attempted, create, failed_by, sends

SINCE = "3.11"


class ServerDomain(NamedTuple):
    """A domain as the server knows it: its id, FQDN and nickname."""

    id: str
    fqdn: str
    nickname: str


def read_domains(connection: Connection) -> tuple[ServerDomain, ...]:
    """The domains but the local one. TableauError where the one who asks is no server administrator."""
    try:
        answer = connection.call("GET", "/domains", version_required=SINCE)
    except TableauError as error:
        if error.status not in (401, 403):
            raise
        name, role = connection.reader
        raise TableauError(
            f"`{connection.server}` tells its domains to server administrators only, and `{name}` is {role}; sign in "
            "as a server administrator, or look with `tsm` or `tabcmd listdomains` on the server",
            error.status,
            error.code,
        ) from None
    elements = answer.iter("domain") if answer is not None else ()
    domains = (ServerDomain(one.get("id", ""), one.get("name", ""), one.get("shortName", "")) for one in elements)
    return tuple(one for one in domains if same(one.fqdn) != LOCAL)


def with_nicknames(site: Site, connection: Connection) -> Site:
    """The Site with the nicknames of the server's domains."""
    return replace(site, nicknames={one.fqdn: one.nickname for one in read_domains(connection)})


@sends(SetNickname)
def set_nickname(connection: Connection, change: SetNickname, _ids: Ids) -> Result:
    """Give a domain another nickname; one that has it already is done."""
    fqdn = change.domain.name
    domain = next((one for one in read_domains(connection) if same(one.fqdn) == same(fqdn)), None)
    if domain is None:
        return Result(0, FAILED, "", f"Tableau does not know the domain `{fqdn}` any more; plan again")
    if domain.nickname == change.nickname:
        return Result(0, ALREADY)
    body = element("domain", id=domain.id, name=domain.fqdn, shortName=change.nickname)
    connection.call("PUT", "/domains", body=body, version_required=SINCE)
    return Result(0, DONE)


SOURCE = "ActiveDirectory"
NO_ROLE = "Unlicensed"
COUNTS = "CountOf"
SUCCESS = "0"


class Done(NamedTuple):
    """How a job ended: Tableau's counts by their names, and what it said went wrong (empty: nothing)."""

    counts: Mapping[str, int]
    trouble: str = ""
    code: str = ""


@sends(ImportGroup)
def import_group(connection: Connection, change: ImportGroup, _ids: Ids) -> Result:
    """Import a group that is not on the site; one that is there already is synchronised instead."""
    return attempted(lambda: _imported(connection, change), _as_told)


def _as_told(error: TableauError) -> Result:
    """Tableau says what is amiss with the group; our remedies are for users."""
    return failed_by(error, str(error))


def _imported(connection: Connection, change: ImportGroup) -> Result:
    ref = change.group

    def look() -> Element | None:
        wait_for_user_jobs(connection)
        return _listed(connection, ref)

    try:
        answer = create(lambda: _send(connection, "POST", "groups", change), look)
    except TableauError as error:
        imported = _listed(connection, ref) if error.status == 409 else None
        if imported is None:
            raise
        result = _synchronised(connection, change, imported.get("id", ""))
        return result._replace(status=ALREADY if result.status == DONE else result.status, code=error.code)
    done = _outcome(connection, answer)
    if done.trouble:
        return _failed(done)
    new_group = group_of(answer).id if answer is not None and answer.tag == "group" else None
    imported = _listed(connection, ref) if new_group is None else None
    new_id = new_group or (imported.get("id") if imported is not None else None)
    if new_id is None:
        return Result(0, FAILED, "", "the server said yes, and the group is not on the site; look at its jobs page")
    return Result(0, DONE, "", _differences(change, done), new_id)


@sends(SyncGroup)
def sync_group(connection: Connection, change: SyncGroup, ids: Ids) -> Result:
    """Synchronise a group of the directory, with what it grants from now on."""
    group_id = ids.of(change.group)
    if group_id is None:
        return Result(0, FAILED, "", "the group was not imported; see the line about that")
    return attempted(lambda: _synchronised(connection, change, group_id), _as_told)


def _synchronised(connection: Connection, change: ImportGroup | SyncGroup, group_id: str) -> Result:
    done = _outcome(connection, _send(connection, "PUT", f"groups/{group_id}", change))
    return _failed(done) if done.trouble else Result(0, DONE, "", _differences(change, done), group_id)


def _send(connection: Connection, method: str, path: str, change: ImportGroup | SyncGroup) -> Element | None:
    ref, (role, mode) = change.group, change.grants
    source = element(
        "import",
        source=SOURCE,
        domainName=ref.domain,
        # The element asks for a role; Unlicensed grants none.
        siteRole=role or NO_ROLE,
        grantLicenseMode=mode if role else None,
    )
    return connection.call(method, path, body=element("group", source, name=ref.name), query={"asJob": "true"})


def _listed(connection: Connection, ref: Ref) -> Element | None:
    """The group of that name and domain in the whole list, which knows what a search may not know yet."""
    for one in connection.pages("groups", "group"):
        group = group_of(one)
        if (group.name.casefold(), group.domain.casefold()) == (ref.name.casefold(), ref.domain.casefold()):
            return one
    return None


def _outcome(connection: Connection, answer: Element | None) -> Done:
    """The end of the job an answer names; one that was done at once, or is cleaned away, has no counts."""
    job = answer.find("job") if answer is not None else None
    job_done = wait_for_job(connection, job.get("id", "")) if job is not None else None
    if job_done is None:
        return Done({})
    counts: dict[str, int] = {}
    trouble, code = "", ""
    for note in job_done.iter("statusNote"):
        kind, value = note.get("type", ""), note.get("value", "")
        if kind.startswith(COUNTS) and value.isdigit():
            counts[kind] = int(value)
        elif not trouble and "error" in kind.casefold():
            trouble, code = note.get("text", ""), value
    if job_done.get("finishCode", SUCCESS) == SUCCESS:
        return Done(counts)
    return Done(counts, trouble or "the job failed, and does not say why", code)


def _failed(done: Done) -> Result:
    return Result(0, FAILED, done.code, f"Tableau's job failed: {done.trouble}")


def _differences(change: ImportGroup | SyncGroup, done: Done) -> str:
    """What Tableau counted otherwise than the plan expected, of what it counted."""
    differing = [
        f"{name} {done.counts[name]} instead of {number}"
        for name, number in change.expected
        if done.counts.get(name, number) != number
    ]
    return f"Tableau's notes differ from the plan: {', '.join(differing)}" if differing else ""
