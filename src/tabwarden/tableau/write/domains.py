"""The domains a Tableau Server knows, with their nicknames: read and set."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tabwarden.effects.ops.settings import SetNickname
from tabwarden.model.errors import TableauError
from tabwarden.model.names import same
from tabwarden.model.site import LOCAL, Site
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.wire import element
from tabwarden.tableau.write.results import ALREADY, DONE, FAILED, Ids, Result, sends

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
