"""A Directory kept as a file: the same when read back, and every mistake in it named. No directory is needed."""

from __future__ import annotations

import json

import pytest

from tabwarden.model.errors import IncompleteRead, UnknownName
from tabwarden.store import directory_file
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson, Domain, Trust

SMALL = Directory(
    (Domain("corp.example.com", "CORP", "S-1-5-21-1-2-3", 7, "ab", sees_deleted=True), Domain("west.lan", "SEATTLE")),
    (Trust("corp.example.com", "west.lan", "SEATTLE", trusts_partner=True, trusted_by_partner=False),),
    {
        "p2": DirectoryPerson("p2", "corp.example.com", "zoë", enabled=False, attributes={"title": "Söhne\n\u2028"}),
        "p1": DirectoryPerson("p1", "corp.example.com", "Ada", "ada@x.org", "A'\"\\", "a@x.org", primary_group="S-9"),
        "p3": DirectoryPerson("p3", "west.lan", "gone", deleted=True),
    },
    {
        "g1": DirectoryGroup(
            "g1", "corp.example.com", "Sales", frozenset(("p1", "p2", "g2")), orphans=("S-1",), others=2
        ),
        "g2": DirectoryGroup("g2", "west.lan", "Empty"),
    },
    "2026-11-21T18:24:00Z",
)


def test_it_is_the_same_when_read_back(tmp_path):
    path = directory_file.save(SMALL, tmp_path / "new folder" / "directory.json")
    assert directory_file.load(path) == SMALL
    assert path.stat().st_mode & 0o077 == 0


def test_its_order_is_that_of_names(tmp_path):
    turned = Directory(SMALL.domains, SMALL.trusts, dict(reversed(SMALL.people.items())), SMALL.groups, SMALL.when)
    first = directory_file.save(SMALL, tmp_path / "1").read_text()
    assert directory_file.save(turned, tmp_path / "2").read_text() == first
    told = [json.loads(line.rstrip(","))["guid"] for line in first.split("\n") if '"guid"' in line]
    assert told == ["p1", "p2", "p3", "g1", "g2"]
    assert '"members":["g2","p1","p2"]' in first


def test_a_file_by_hand_needs_little(tmp_path):
    path = tmp_path / "directory.json"
    path.write_text(
        """{"format": 1, "domains": [{"fqdn": "corp.example.com", "netbios": "CORP"}], "trusts": [],
        "people": [{"guid": "p1", "domain": "CORP.example.com", "sam_account_name": "jsmith"}],
        "groups": [{"guid": "g1", "domain": "corp.example.com", "name": "Sales", "members": ["p1"]}]}"""
    )
    found = directory_file.load(path)
    assert found.people["p1"].enabled
    assert found.everybody_in("g1") == {"p1"}


def broken(tmp_path, **parts: object) -> str:
    plain = json.loads(directory_file.save(SMALL, tmp_path / "good").read_text())
    path = tmp_path / "bad"
    path.write_text(json.dumps({**plain, **parts}))
    with pytest.raises(IncompleteRead) as told:
        directory_file.load(path)
    return str(told.value).removeprefix(f"directory file `{path}`: ")


ADA = {"guid": "p1", "domain": "corp.example.com", "sam_account_name": "ada"}
CREW = {"guid": "g1", "domain": "corp.example.com", "name": "Crew"}


LOST = {**CREW, "members": ["p1", "p9"]}
GROUP_FIELDS = "guid, domain, name, members, sid, dn, orphans, others"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"format": 2}, "`format` is 2, this release reads 1; use the one that wrote it"),
        ({"peple": []}, "there is no key `peple`; the keys are format, when, domains, trusts, people, groups"),
        ({"people": None}, "`people` must be a list, and is missing"),
        ({"when": 7}, "`when` must be text"),
        ({"people": ["ada"]}, "`people[1]` must be an object with fields such as `guid`"),
        ({"people": [{**ADA, "enabled": "no"}]}, "`people[1].enabled` must be true or false"),
        ({"people": [{**ADA, "upn": None}]}, "`people[1].upn` must be text"),
        ({"people": [{**ADA, "attributes": {"a": 1}}]}, "each value of `people[1].attributes` must be text"),
        ({"people": [{"guid": "p1", "domain": "x"}]}, "`people[1].sam_account_name` is missing; add it"),
        ({"people": [ADA, {**ADA, "guid": "p2"}, ADA]}, "two of `people` have the guid `p1`; a guid is one object"),
        ({"people": [{**ADA, "domain": "x"}]}, "`p1` is of the domain `x`, which is not among `domains`; add it"),
        ({"groups": [{**CREW, "members": "p1"}]}, "`groups[1].members` must be a list"),
        ({"groups": [{**CREW, "members": ["p1", 3]}]}, "`groups[1].members[2]` must be text"),
        ({"groups": [{**CREW, "others": True}]}, "`groups[1].others` must be a whole number"),
        ({"groups": [LOST]}, "group `Crew` has the member `p9`, which is neither in `people` nor in `groups`"),
        ({"groups": [{**CREW, "guid": "p1"}]}, "a person and a group have the guid `p1`; a guid is one object"),
        ({"groups": [{**CREW, "size": 3}]}, f"`groups[1]` has no field `size`; the fields are {GROUP_FIELDS}"),
    ],
)
def test_a_mistake_is_named(tmp_path, parts, message):
    assert broken(tmp_path, **parts) == message


NO_FILE = (
    "no directory file; `tabwarden directory read --out FILE` makes one, or write it as `tabwarden help "
    "names-and-domains` shows; a list as CSV goes into `sources`"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1 is not JSON; read it again"),
        ("version: 1\n\ndn: CN=Ann,DC=corp,DC=example\n", f"is LDIF and {NO_FILE}"),
        ("SamAccountName,Enabled\nann,True\n", f"is {NO_FILE}"),
        ("[]", 'it must be one object with "domains", "people" and "groups"'),
        ('{"format": 1, "format": 1}', "the key `format` is there twice; keep one"),
    ],
)
def test_a_file_that_is_none(tmp_path, text, message):
    (tmp_path / "bad").write_text(text)
    with pytest.raises(IncompleteRead) as told:
        directory_file.load(tmp_path / "bad")
    assert str(told.value) == f"directory file `{tmp_path / 'bad'}`: {message}"


def test_no_file_and_no_place_for_one(tmp_path):
    with pytest.raises(UnknownName, match=r"there is no directory file `.*`; `tabwarden directory read` makes one"):
        directory_file.load(tmp_path / "missing")
    (tmp_path / "file").write_text("x")
    with pytest.raises(IncompleteRead, match="cannot be written"):
        directory_file.save(SMALL, tmp_path / "file" / "below.json")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(IncompleteRead, match="cannot be read; check that it is a file of UTF-8 text"):
        directory_file.load(tmp_path / "bytes")
