"""The people and groups of the two test domains, as plain values and as LDIF. Not the servers (tests/support/samba.py).

CORP, `corp.example.com`, is the server's domain; SEATTLE, `west.na.corp.lan`, is the example of "User Management in
Active Directory Deployments". Every password is PASSWORD.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import NamedTuple

PASSWORD = "Pass-word-123"
CORP, SEATTLE = "corp.example.com", "west.na.corp.lan"
READER = "svc.tabwarden"
"""The account that reads, a plain user in both domains; who was deleted is hidden from it."""

NORMAL, DISABLED, NO_PASSWORD = 512, 514, 544
GLOBAL, DOMAIN_LOCAL = -2147483646, -2147483644


class User(NamedTuple):
    """A user object. An empty `upn` means `name@fqdn`, a None none at all; `cn` is the name where empty."""

    name: str
    display: str = ""
    mail: str = ""
    upn: str | None = ""
    cn: str = ""
    ou: str = "People"
    control: int = NORMAL
    department: str = ""


class Group(NamedTuple):
    """A group object; members are names of this domain. `local` groups may hold people of other domains.

    `cn` is the name where empty: + , \\ and their like cannot be in a sAMAccountName.
    """

    name: str
    members: tuple[str, ...] = ()
    local: bool = False
    cn: str = ""


ODD_CN, ODD = "R+D & Sales, 'West' \\ Süd", "R_D & Sales_ 'West' _ Süd"
ANN = "ann.o'neil&co"
NINETEEN, TWENTY, TWENTY_ONE = "maximilia.hohenberg", "maximilian.hohenberg", "maximiliane.hohenberg"
BULK = tuple(f"user{number:03}" for number in range(300))

CORP_USERS = (
    User(READER),
    User("jsmith", "John Smith", "john.smith@corp.example.com", "john.smith@corp.example.com", department="Sales"),
    User("ada", "Ada Lovelace", "ada@example.org", "ada@example.org", department="Research & Söhne"),
    User(
        ANN,
        "Ann O'Neil, + & \\ Süd",
        "ann+o'neil@corp.example.com",
        "ann.o'neil+co@corp.example.com",
        cn="Ann O'Neil, + & \\ Süd",
    ),
    User("zoë.größe", "Zoë Größe", "zoe@corp.example.com"),
    User("kim.lee", "Kim Lee", "kim.lee@corp.example.com"),
    User("kim.lee2", "Kim Lee", "kim.lee2@corp.example.com", ou="Accounts"),
    User("sam.one", "Sam One", "shared@corp.example.com"),
    User("sam.two", "Sam Two", "shared@corp.example.com"),
    User(NINETEEN, "Maximilia Hohenberg", upn="mh19@corp.example.com"),
    User(TWENTY, "Maximilian Hohenberg", upn="mh20@corp.example.com"),
    User(TWENTY_ONE, "Maximiliane Hohenberg", upn="mh21@corp.example.com"),
    User("at@sign", "At Sign", upn="atsign@corp.example.com"),
    User("no.upn", "No Principal", upn=None),
    User("dora.disabled", "Dora Disabled", control=DISABLED),
    User("terry.tombstone", "Terry Tombstone", "terry@corp.example.com"),
    User("mary.before", "Mary Before", "mary@corp.example.com"),
    User("pat.primary", "Pat Primary"),
    User("leo.leaver", "Leo Leaver", "leo@corp.example.com"),
    *(User(name, name.capitalize(), ou="Bulk", control=NO_PASSWORD, department="Bulk") for name in BULK),
)
CORP_GROUPS = (
    Group("Sales", ("jsmith", "ada", "kim.lee", "leo.leaver", "terry.tombstone", "Sales West")),
    Group("Sales West", (ANN, "mary.before", "Sales North")),
    Group("Sales North", ("dora.disabled", "zoë.größe", "Sales")),  # a cycle
    Group("Everybody", BULK),
    Group("Empty"),
    Group("Twins", ("kim.lee", "kim.lee2", "sam.one", "sam.two")),
    Group("Long Names", (NINETEEN, TWENTY, TWENTY_ONE, "at@sign", "no.upn")),
    Group("Primary Crew", ("pat.primary",)),
    Group("Mixed", ("jsmith", "A Contact", "BOX$")),
    Group(ODD, (ANN, "ada"), cn=ODD_CN),
    Group("Both Domains", ("jsmith",), local=True),
    Group("Ghosts", ("ada",), local=True),
)
SEATTLE_USERS = (
    User(READER),
    User("jsmith", "John Smith", "jsmith@west.na.corp.lan", department="Ports"),
    User("wendy.west", "Wendy West", "wendy@west.na.corp.lan"),
    User("walt.west", "Walt West", "walt@west.na.corp.lan"),
    User("gus.ghost", "Gus Ghost"),
)
SEATTLE_GROUPS = (
    Group("Coast", ("wendy.west", "walt.west")),
    Group("Visitors", ("jsmith",), local=True),
)
DELETED = {CORP: ("terry.tombstone",), SEATTLE: ("gus.ghost",)}
FOREIGN = (
    # group of the first domain, then who of the other domain is its member
    (CORP, "Both Domains", (SEATTLE, "jsmith")),
    (CORP, "Both Domains", (SEATTLE, "Coast")),
    (CORP, "Ghosts", (SEATTLE, "gus.ghost")),
    (SEATTLE, "Visitors", (CORP, "ada")),
    (SEATTLE, "Visitors", (CORP, "Sales West")),
)
INBOUND, OUTBOUND, BOTH_WAYS = 1, 2, 3
TRUSTS = {
    CORP: (
        (SEATTLE, "SEATTLE", BOTH_WAYS),
        ("trusting.example.net", "TRUSTING", INBOUND),
        ("trusted.example.net", "TRUSTED", OUTBOUND),
    ),
    SEATTLE: ((CORP, "CORP", BOTH_WAYS),),
}


# -- as LDIF ---------------------------------------------------------------------------------------------------


def base(fqdn: str) -> str:
    """The distinguished name of a domain."""
    return ",".join(f"DC={label}" for label in fqdn.split("."))


def escaped(name: str) -> str:
    """A name as the value of an RDN."""
    return "".join(f"\\{letter}" if letter in ',+"\\<>;=#' else letter for letter in name)


def quoted_password(password: str) -> bytes:
    """A password as unicodePwd takes it."""
    return f'"{password}"'.encode("utf-16-le")


def entry(dn: str, **attributes: str | bytes | int | tuple[str, ...] | None) -> str:
    """One LDIF record; everything in base64, so that no name needs care."""
    lines = [f"dn:: {_coded(dn)}", "changetype: add"]
    for name, value in attributes.items():
        values = value if isinstance(value, tuple) else (value,) if value not in (None, "") else ()
        lines += [f"{name}:: {_coded(one)}" for one in values]
    return "\n".join(lines) + "\n\n"


def _coded(value: object) -> str:
    raw = value if isinstance(value, bytes) else str(value).encode()
    return base64.b64encode(raw).decode()


def user_dn(fqdn: str, user: User) -> str:
    """Where a user stands."""
    return f"CN={escaped(user.cn or user.name)},OU={user.ou},{base(fqdn)}"


def group_dn(fqdn: str, group: Group) -> str:
    """Where a group stands."""
    return f"CN={escaped(group.cn or group.name)},OU=Groups,{base(fqdn)}"


def user_entry(fqdn: str, user: User) -> str:
    """A user as LDIF."""
    return entry(
        user_dn(fqdn, user),
        objectClass="user",
        sAMAccountName=user.name,
        displayName=user.display,
        mail=user.mail,
        userPrincipalName=f"{user.name.replace('@', '.')}@{fqdn}" if user.upn == "" else user.upn,
        userAccountControl=user.control,
        department=user.department,
        # The hashes of a password are what takes longest of a user.
        unicodePwd=quoted_password(PASSWORD) if user.control != NO_PASSWORD else None,
    )


def ldif(fqdn: str) -> Iterator[str]:
    """Everything of a domain but members of the other one, deletions, and primary groups."""
    users, groups = (CORP_USERS, CORP_GROUPS) if fqdn == CORP else (SEATTLE_USERS, SEATTLE_GROUPS)
    for ou in ("People", "Accounts", "Bulk", "Groups"):
        yield entry(f"OU={ou},{base(fqdn)}", objectClass="organizationalUnit")
    yield from (user_entry(fqdn, user) for user in users)
    places = {user.name: user_dn(fqdn, user) for user in users} | {g.name: group_dn(fqdn, g) for g in groups}
    places |= {"A Contact": f"CN=A Contact,OU=People,{base(fqdn)}", "BOX$": f"CN=BOX,OU=People,{base(fqdn)}"}
    yield entry(places["A Contact"], objectClass="contact")
    yield entry(places["BOX$"], objectClass="computer", sAMAccountName="BOX$", userAccountControl=4096)
    for group in groups:
        kind = DOMAIN_LOCAL if group.local else GLOBAL
        name = group_dn(fqdn, group)
        yield entry(name, objectClass="group", sAMAccountName=group.name, groupType=kind)
    for group in groups:
        if group.members:
            members = tuple(places[member] for member in group.members)
            yield _change(group_dn(fqdn, group), "add", "member", *members)


def trusts(fqdn: str, sids: dict[tuple[str, str], str]) -> Iterator[str]:
    """The trustedDomain objects, which only the relax control lets in; invented domains have invented SIDs."""
    for number, (partner, flat, direction) in enumerate(TRUSTS[fqdn]):
        known = sids.get((partner, READER), f"S-1-5-21-1-2-{number}-1").rpartition("-")[0]
        yield entry(
            f"CN={partner},CN=System,{base(fqdn)}",
            objectClass="trustedDomain",
            trustPartner=partner,
            flatName=flat,
            trustDirection=direction,
            trustType=2,
            trustAttributes=8,
            securityIdentifier=known,
        )


def changes(fqdn: str, sids: dict[tuple[str, str], str]) -> Iterator[str]:
    """What follows: members of the other domain, a rename, a primary group. `sids` by domain and name."""
    for here, group, other in FOREIGN:
        if here == fqdn:
            yield _change(group_dn(fqdn, Group(group)), "add", "member", f"<SID={sids[other]}>")
    if fqdn == CORP:
        mary = next(user for user in CORP_USERS if user.name == "mary.before")
        yield _change(user_dn(fqdn, mary), "replace", "sAMAccountName", "mary.after")
        pat = next(user for user in CORP_USERS if user.name == "pat.primary")
        crew = sids[CORP, "Primary Crew"].rpartition("-")[2]
        yield _change(user_dn(fqdn, pat), "replace", "primaryGroupID", crew)
        yield _change(f"CN=Partitions,CN=Configuration,{base(fqdn)}", "add", "uPNSuffixes", "example.org")


def _change(dn: str, verb: str, attribute: str, *values: str) -> str:
    lines = [f"dn:: {_coded(dn)}", "changetype: modify", f"{verb}: {attribute}"]
    return "\n".join([*lines, *(f"{attribute}:: {_coded(value)}" for value in values)]) + "\n\n"
