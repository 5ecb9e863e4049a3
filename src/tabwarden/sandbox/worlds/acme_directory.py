"""The pretend directory of the world acme: two domains, newcomers who are not on Tableau yet, groups within groups.

Not the people of acme's sites, who are local users.
"""

from __future__ import annotations

from tabwarden.sandbox.directories.pretend_directory import DirectoryText, DomainText, GroupEntryText, PersonText
from tabwarden.sandbox.worlds.acme_words import FIRST, LAST

HOME, EAST = "corp.acme.example", "east.corp.acme.example"
TEAMS = ("Analysts", "Controllers", "Planners")
_EVERY = 3


def acme_directory() -> DirectoryText:
    """24 people in teams of eight, one of them disabled; a second domain whose NetBIOS name is not its first label."""
    pairs = list(zip(FIRST[::_EVERY], reversed(LAST[::_EVERY]), strict=False))[:24]
    names = [f"{first[0]}{last}".lower() for first, last in pairs]
    people = {
        name: PersonText(
            upn=f"{first}.{last}@{HOME}".lower(),
            display_name=f"{first} {last}",
            email=f"{first}.{last}@acme.example".lower(),
            enabled=name != names[-1],
        )
        for name, (first, last) in zip(names, pairs, strict=True)
    }
    teams = {team: GroupEntryText(members=tuple(names[n :: len(TEAMS)])) for n, team in enumerate(TEAMS)}
    everybody = GroupEntryText(members=(*TEAMS, f"{EAST}\\Eastern Staff"))
    # Somebody with the display name of a colleague in the other domain.
    twin = PersonText(display_name=people[names[0]].display_name)
    east = DomainText(
        netbios="ORIENT",
        users={names[0]: twin, "ykim": PersonText(display_name="Yara Kim")},
        groups={"Eastern Staff": GroupEntryText(members=(names[0], "ykim"))},
    )
    home = DomainText(netbios="ACME", users=people, groups={**teams, "BI Everybody": everybody})
    return DirectoryText(domains={HOME: home, EAST: east})
