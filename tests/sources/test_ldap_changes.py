"""A directory read by what changed since: always the same as reading it whole."""

from __future__ import annotations

from dataclasses import replace

import domain_people as forest
import pytest
from directory_reading import group, options, person, read, within
from domain_people import CORP, SEATTLE

from tabwarden.sources.ldap import changes
from tabwarden.sources.ldap.directory import read_directory
from tabwarden.sources.ldap.session import opened


@pytest.fixture
def whole_reads(monkeypatch):
    """The domains that were read whole, in order."""
    seen = []
    real = changes.read_domain

    def watched(line, told):
        seen.append(line.options.fqdn)
        return real(line, told)

    monkeypatch.setattr(changes, "read_domain", watched)
    return seen


def same_as_whole(domains, before):
    """What an incremental read tells, after comparing it with a whole one."""
    found, whole = read(domains, before), read(domains)
    assert found.people == whole.people
    assert found.groups == whole.groups
    assert found.trusts == whole.trusts
    assert [d._replace(usn=0) for d in found.domains] == [d._replace(usn=0) for d in whole.domains]
    return found


def test_one_change_after_the_other(fresh_domains, whole_reads):
    corp, seattle = fresh_domains.both
    wendy = seattle.sid("wendy.west")
    steps = [
        [],
        [
            lambda: corp.add_person("nora", mail="nora@corp.example.com", department="Sales"),
            lambda: corp.add_member("Sales", "nora"),
            lambda: corp.add_group("New Crew", ("ada", "Sales")),
            lambda: corp.add_member("Both Domains", wendy),
        ],
        [
            lambda: corp.disable("nora"),
            lambda: corp.rename("nora", "nora.new", display="Nora New"),
            lambda: corp.move("nora.new", "Accounts"),
            lambda: corp.set("nora.new", department=None, mail="n@corp.example.com"),
            lambda: corp.remove_member("Both Domains", seattle.sid("jsmith")),
        ],
        [
            lambda: corp.add_member("Primary Crew", "ada"),
            lambda: corp.set("ada", primaryGroupID=int(corp.sid("Primary Crew").rpartition("-")[2])),
        ],
        [lambda: corp.set("ada", primaryGroupID=513)],
        # Their groups do not change by it, and still they are no members any more.
        [lambda: corp.delete("jsmith"), lambda: seattle.delete("wendy.west"), lambda: corp.delete("Sales North")],
        [lambda: seattle.delete("Coast"), lambda: corp.delete("BOX$")],
    ]
    told = read(fresh_domains)
    for together in steps:
        for step in together:
            step()
        told = same_as_whole(fresh_domains, told)
    assert whole_reads == []
    assert person(told, "nora.new").dn.startswith("CN=nora.new,OU=Accounts,")
    assert wendy in group(told, "Both Domains").orphans
    assert group(told, "Mixed").others == 1
    assert within(told, "Both Domains") == set()


def test_a_place_with_another_name_moves_all_below_it(fresh_domains, whole_reads):
    before = read(fresh_domains)
    with fresh_domains.corp.administrator() as line:
        line.modify_dn(f"OU=Bulk,{forest.base(CORP)}", "OU=Moved")
    told = same_as_whole(fresh_domains, before)
    assert person(told, "user042").dn == f"CN=user042,OU=Moved,{forest.base(CORP)}"
    assert whole_reads == []


def test_somebody_brought_back_from_deletion_has_all_read_again(fresh_domains, whole_reads):
    corp = fresh_domains.corp
    guid = corp.guid("jsmith")
    corp.delete("jsmith")
    before = read(fresh_domains)
    assert before.people[guid].deleted
    corp.bring_back(before.people[guid].dn, f"CN=jsmith,OU=People,{forest.base(CORP)}")
    told = same_as_whole(fresh_domains, before)
    assert not told.people[guid].deleted
    assert whole_reads == [CORP]


@pytest.mark.parametrize("how", ["another server", "put back from a backup", "never read", "deletions hidden"])
def test_numbers_that_mean_nothing_have_it_read_whole(domains, whole_reads, how):
    before = read(domains)
    corp, seattle = before.domains
    if how == "another server":
        before = replace(before, domains=(corp._replace(server="0" * 32), seattle))
    elif how == "put back from a backup":
        before = replace(before, domains=(corp._replace(usn=corp.usn + 1000), seattle))
    elif how == "never read":
        before = replace(before, domains=(seattle,))
    else:
        before = replace(before, domains=(corp._replace(sees_deleted=False), seattle))
    read(domains, before)
    assert whole_reads == [CORP]


def test_who_may_not_see_deletions_reads_whole_each_time(domains, whole_reads):
    before = read(domains, user=forest.READER)
    read(domains, before, user=forest.READER)
    assert whole_reads == [CORP, SEATTLE]


def test_it_asks_for_little(domains, monkeypatch):
    """Of 330 people and 50 groups not one is told again when nothing changed; tombstones always are."""
    before = read(domains)
    told = []
    line_class = type(_line(domains))
    real = line_class.search

    def counted(self, *arguments, **named):
        for entry in real(self, *arguments, **named):
            told.append(entry.dn)
            yield entry

    monkeypatch.setattr(line_class, "search", counted)
    assert read_directory(options(domains), before).people == before.people
    deleted = [p for p in before.people.values() if p.deleted]
    assert len(told) <= len(before.trusts) + len(before.domains) + len(deleted) + 2 * 5


def _line(domains):
    with opened(options(domains).domains[0]) as line:
        return line
