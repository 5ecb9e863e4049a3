"""The source `ldap`: whom its settings take of two real domains, as joiners and as leavers."""

from __future__ import annotations

import domain_people as forest
import pytest
from directory_reading import options, read
from domain_people import CORP, SEATTLE

from tabwarden.model.errors import SourceError
from tabwarden.run.source_rows import read_roster
from tabwarden.sources import Reading
from tabwarden.sources.ldap import COLUMNS, LdapSource


@pytest.fixture(scope="module")
def kept(domains):
    """The directory as a value, for what needs no asking."""
    return read(domains)


def people(directory, **told) -> Reading:
    source = LdapSource.model_validate({"type": "ldap", "state": "enabled", **told})
    return (source if directory is None else source.within(directory)).read()


def names(directory, **told) -> list[str]:
    return [str(row["sAMAccountName"]) for row in people(directory, **told).rows]


def refused(directory, **told) -> str:
    with pytest.raises(SourceError) as trouble:
        people(directory, **told)
    return str(trouble.value)


def test_a_row_has_all_of_a_person(domains):
    reading = people(options(domains), groups=("Sales",), domain=CORP)
    assert reading.source == f"`enabled` people of `{CORP}`"
    (ada,) = (row for row in reading.rows if row["sAMAccountName"] == "ada")
    assert ada == {
        "sAMAccountName": "ada",
        "userPrincipalName": "ada@example.org",
        "displayName": "Ada Lovelace",
        "mail": "ada@example.org",
        "domain": CORP,
        "account": f"{CORP}\\ada",
        "objectGUID": domains.corp.guid("ada"),
        "department": "Research & Söhne",
    }
    assert all(tuple(row)[: len(COLUMNS)] == COLUMNS for row in reading.rows)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"groups": ("Sales West",), "state": "disabled"}, ["dora.disabled"]),
        ({"groups": ("Both Domains",)}, ["jsmith", "jsmith", "walt.west", "wendy.west"]),
        ({"groups": ("Both Domains",), "domain": SEATTLE}, ["jsmith", "walt.west", "wendy.west"]),
        ({"groups": ("corp\\Both Domains", "SEATTLE\\Coast"), "domain": CORP.upper()}, ["jsmith"]),
        ({"groups": ("Twins", "Primary Crew")}, ["kim.lee", "kim.lee2", "pat.primary", "sam.one", "sam.two"]),
        ({"state": "deleted"}, ["terry.tombstone", "gus.ghost"]),
        ({"state": "left", "domain": SEATTLE}, ["Guest", "gus.ghost", "krbtgt"]),
    ],
)
def test_who_is_taken(kept, told, expected):
    # Other tests add people of their own to the same domains, and delete them.
    ours = {user.name for user in (*forest.CORP_USERS, *forest.SEATTLE_USERS)} | {"Guest", "krbtgt"}
    assert [name for name in names(kept, **told) if name in ours] == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"filter": "(department=Ports)"}, [f"{SEATTLE}\\jsmith"]),
        ({"filter": "(department=Research & Söhne)"}, [f"{CORP}\\ada"]),
        ({"base": f"OU=Accounts,{forest.base(CORP)}"}, [f"{CORP}\\kim.lee2"]),
        ({"filter": "(mail=*)", "groups": ("Coast",)}, [f"{SEATTLE}\\walt.west", f"{SEATTLE}\\wendy.west"]),
        ({"filter": "(sAMAccountName=user00*)", "base": f"OU=Bulk,{forest.base(CORP)}"}, 10),
    ],
)
def test_a_filter_and_a_base_are_asked_of_the_domain(domains, told, expected):
    rows = people(options(domains), **told).rows
    assert (len(rows) if isinstance(expected, int) else [row["account"] for row in rows]) == expected


NOWHERE = (
    "`left` people are in no group and in no place any more; leave out `groups`, `filter` and `base`, or ask for "
    "`disabled`"
)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"groups": ("Vanished",)}, "group `Vanished` is not in the directory; check its name"),
        ({"groups": ("Domain Users",)}, "group `Domain Users` is in several domains; write it as `FQDN\\name`"),
        ({"groups": ("nowhere.org\\Sales",)}, "group `nowhere.org\\Sales` is not in the directory; check its name"),
        ({"domain": "nowhere.org"}, "domain `nowhere.org` is not among those that are read; add it to `directory`"),
        ({"state": "left", "groups": ("Sales",)}, NOWHERE),
        (
            {"filter": "(mail=*)"},
            "`filter` and `base` are asked of a domain, and `directory` is a file; leave them out",
        ),
    ],
)
def test_what_cannot_be_asked(kept, told, message):
    assert refused(kept, **told) == message


def test_what_cannot_be_asked_of_a_domain(domains):
    told = options(domains)
    assert refused(told, filter="department=Sales").endswith("write one such as `(department=Sales)`")
    assert refused(told, base="OU=X,DC=nowhere,DC=org").endswith(
        "lies in none of the domains that are read; check its end"
    )
    assert "has nothing called `OU=Nowhere," in refused(told, base=f"OU=Nowhere,{forest.base(CORP)}")
    assert refused(None) == "the source `ldap` needs the section `directory`; add it to the settings"


def test_deletions_that_are_hidden_are_not_taken_for_none(domains):
    told = options(domains, user=forest.READER)
    message = refused(told, state="left")
    assert message.startswith(f"domain `{CORP}` hides who was deleted from the account that reads it; let the account")
    assert "dora.disabled" in names(told, state="disabled")


@pytest.fixture
def settings(domains, tmp_path):
    joiners = {"type": "ldap", "state": "enabled", "groups": ["Sales"]}
    return domains.settings(tmp_path, sources={"joiners": joiners}, provision={"group": {"name": "Sign in"}})


def test_from_settings_to_a_roster(settings):
    source = settings.sources.joiners
    assert isinstance(source, LdapSource)
    roster, warnings = read_roster(source, settings)
    assert warnings == []
    assert {(p.name, p.full_name, p.email) for p in roster.people} >= {
        ("jsmith", "John Smith", "john.smith@corp.example.com"),
        ("ada", "Ada Lovelace", "ada@example.org"),
    }
    assert "dora.disabled" not in {p.name for p in roster.people}


def test_without_the_section_directory_it_says_so(settings):
    with pytest.raises(SourceError, match="the settings have no section `directory`; add it"):
        read_roster(settings.sources.joiners, settings.model_copy(update={"directory": None}))


def test_options_do_not_tell_passwords(domains):
    told = options(domains)
    password = told.domains[0].password.get_secret_value()
    assert password not in repr(told)
    assert password not in repr(LdapSource(type="ldap", state="enabled").within(told))
