"""`plan change`: every sentence is a plan that is applied through REST, comes to what it said, and is taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from test_undo_to import Bench
from test_what_if_applied import rules_of

from support import command_line
from tabwarden.compare.what_if import what_if
from tabwarden.effects.ops.content import SetOwner
from tabwarden.effects.ops.projects import whoever_makes
from tabwarden.effects.ref import Lookup, content_ref, user_ref
from tabwarden.model.capability import INHERITED_LEADER, LEADER
from tabwarden.model.governing import governing
from tabwarden.model.roles import is_admin, publishes
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, LOCKED, NO_RULES, Content, Grantee, Rule, Site, Use, User
from tabwarden.model.site_settings import FULL, LIMITED, SiteSettings
from tabwarden.plan.build import Basis, Progressed, after, build, stops_now
from tabwarden.plan.lock_out import kept_from, locked_out_of_content, nobody_left
from tabwarden.plan.plan import Plan, SiteIdentity, Stop
from tabwarden.plan.restore import translated, without_contradiction
from tabwarden.plan.stops import LOCK_OUT, NO_WAY_BACK, RULES_REMOVED, Guarded
from tabwarden.report.plans import sentences
from tabwarden.run.context import Context, connected
from tabwarden.run.undo import plan_undo
from tabwarden.run.whatif import plan_changes
from tabwarden.sandbox.http.server import running
from tabwarden.tableau.read.site import read_site


def rule(kind: str, who: str, capability: str, mode: str = "Allow") -> Rule:
    return Rule(Grantee(kind, who), capability, mode)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running("w0") as sandbox:
        bench = Bench(sandbox, tmp_path)
        site = bench.site
        plain = (replace(c, rules=c.rules and without_contradiction(c.rules)) for c in site.contents.values())
        sandbox.state.put(with_more(site.with_contents(*plain)))
        yield bench


def with_more(site: Site) -> Site:
    """A project of two workbooks with rules of their own, a data source that both use, an empty project."""
    group = next(g.id for g in site.groups.values() if not g.everyone and len(g.members or ()) > 1)
    member = min(site.groups[group].members or ())
    owner = next(u.id for u in site.users.values() if u.site_role == "Creator")
    view = frozenset({rule("group", group, "Read")})
    defaults = MappingProxyType({"workbook": view, "datasource": view})
    top = Content("p-x", "project", "Extra", None, owner, view, CUSTOMIZABLE, defaults)
    one_off = frozenset({rule("user", member, "Read"), rule("user", member, "Filter", "Deny")})
    books = [
        Content(f"b-{n}", "workbook", f"Book {n}", "p-x", owner, one_off, uses=(Use("d-x", "embed"),)) for n in (1, 2)
    ]
    source = Content("d-x", "datasource", "Rows", "p-x", owner, view)
    nested = Content("p-e", "project", "Empty", "p-x", owner, view)
    return site.with_contents(top, *books, source, nested)


def change(bench: Bench, *words: str) -> Plan:
    return plan_changes(bench.settings, words)


def undo(bench: Bench) -> Plan:
    with connected(bench.settings) as connection:
        return plan_undo(Context(bench.settings, connection), None)


def facts(site: Site) -> dict[str, object]:
    """What counts; ids of projects made again are their paths."""
    of = {c.id: f"{c.kind} {site.path(c.id)}" for c in site.contents.values()}
    return {
        of[i]: (*row[:3], of.get(row[3], row[3]), *row[4:], site.contents[i].description)  # type: ignore[index]
        for i, row in rules_of(site).items()
    } | {"settings": site.settings}


def with_ids_of(before: Site, site: Site) -> Site:
    """The Site with the ids that groups had before they were deleted and made again."""
    ids = {g.name: g.id for g in before.groups.values()}
    return translated(site, {Grantee("group", g.id): ids[g.name] for g in site.groups.values() if g.name in ids})


def in_force_of(site: Site) -> dict[str, object]:
    """The facts; of what a lock governs not the list that it made void."""
    void = {c.id for c in site.contents.values() if governing(site, c.id).level != "own"}
    return facts(site.with_contents(*(replace(site.contents[c], rules=NO_RULES) for c in void)))


def people(site: Site) -> dict[str, tuple[str, str]]:
    creators = [u for u in site.users.values() if u.site_role == "Creator"]
    group = next(g for g in site.groups.values() if not g.everyone and len(g.members or ()) > 1)
    return {
        "owner": site.contents["p-x"].owner,
        "other": creators[1].name,
        "group": group.name,
        "member": site.users[min(group.members or ())].name,
        "first": site.users[site.contents["p-x"].owner].name,
    }


CHANGES = (
    ["assign to contents of Extra"],
    ["clear one-off rules in workbooks in Extra"],
    ["turn rules of persons in Extra into rules of {group}"],
    ["copy rules of user {member} in Extra to user {first}"],
    ["use template Denied on Extra/Book 1 for group {group}", "use template Publish on Extra for group {group}"],
    ['describe Extra as "led by {first}\\nand nobody else"', "switch off public user list", "switch off commenting"],
    ["give everything of {first} in Extra to {other}"],
    [
        "new project Extra/New like Extra owned by {other}",
        "new project Extra/New/Inner, locked",
        "new project Extra/Bare empty owned by {other}, locked",
        "move Extra/Book 1 to Extra/New",
        "make group {group} leader of Extra/New",
    ],
    ["delete Extra/Empty", "lock Extra"],
    ["use template View on Ops/W2/V6 for group {group}"],
    ["delete group {group}"],
    ["new group Fresh", "add {member} to Fresh", "allow View on Extra/Rows to group Fresh"],
    ["set rules on Extra/Book 2 for user {member} to allow Filter; deny View", "hide tabs on Extra/Book 2"],
)


@pytest.mark.parametrize("words", CHANGES, ids=[words[0].partition(" ")[0] for words in CHANGES])
def test_a_change_is_applied_and_undone_exactly(bench: Bench, words: list[str]) -> None:
    before = bench.site
    words = [one.format(**people(before)) for one in words]
    told = what_if(before, words)
    plan = change(bench, *words)
    assert plan.changes
    assert not plan.stops
    applied = bench.apply(plan)
    assert applied.succeeded, applied.not_done
    expected = {k: v for k, v in facts(told.after).items() if "Extra" not in str(k) or "New" not in str(k)}
    if "group Fresh" not in words[0]:  # whose id nobody could know
        assert expected.items() <= facts(bench.site).items()
    assert facts(bench.site) != facts(before)
    back = undo(bench)
    assert not back.held
    assert bench.apply(back).succeeded
    assert in_force_of(with_ids_of(before, bench.site)) == in_force_of(before)
    assert {g.name for g in bench.site.groups.values()} == {g.name for g in before.groups.values()}


def test_what_is_so_already_is_told_and_not_planned(bench: Bench) -> None:
    plan = change(bench, "unlock Extra", "move Extra to the top level", "clear one-off rules in Default", "lock Extra")
    assert [one.op for one in plan.changes] == ["set_mode"]
    assert [note for note in plan.notes if note.endswith("is so already")] == [
        "`unlock Extra`: it is so already",
        "`move Extra to the top level`: it is so already",
        "`clear one-off rules in Default`: it is so already",
    ]
    assert bench.apply(plan).succeeded
    assert change(bench, "lock Extra").changes == ()


def test_what_no_request_can_carry_is_held(bench: Bench) -> None:
    plan = change(
        bench,
        'describe Extra as "a\\u0001b"',
        'new project "Bad\x07name" owned by {other}'.format(**people(bench.site)),
    )
    assert not [one.op for one in plan.changes if one.op in ("set_description", "new_project")]
    assert ["no request can carry" in one.reason for one in plan.held] == [True, True]


def test_rules_that_go_with_a_group_are_counted(bench: Bench) -> None:
    limits = {"rules_removed": {"count": 0, "percent": 0}}
    whole = json.loads((bench.folder / "settings.yaml").read_text(encoding="utf-8")) | {"stops": limits}
    (bench.folder / "settings.yaml").write_text(json.dumps(whole), encoding="utf-8")
    plan = change(bench, "delete group {group}".format(**people(bench.site)))
    assert [stop.id for stop in plan.stops] == [RULES_REMOVED]


def test_who_runs_it_is_not_locked_out_of_what_is_theirs(bench: Bench) -> None:
    """A leader takes the leaders away; an administrator may, and so may who gives the own content away."""
    site = bench.site
    leader = next(r.grantee.id for r in site.find_content("Ops").rules or () if r.capability == LEADER)
    roles = {user: site.users[user].site_role for user in sorted(site.members(leader))}
    who = next(user for user, role in roles.items() if publishes(role) != "no" and not is_admin(role))
    words = f"remove leader group {site.groups[leader].name} from Ops"
    stops = {own: [stop.id for stop in locked_out(site, words, own)] for own in (who, site.contents["p-x"].owner, "")}
    assert stops == {who: [LOCK_OUT], site.contents["p-x"].owner: [], "": []}
    own = site.contents["b-1"].owner
    assert locked_out(site, "give Extra/Book 1 to {other}".format(**people(site)), own) == ()


def locked_out(site: Site, words: str, own: str) -> tuple[Stop, ...]:
    told = what_if(site, [words])
    return locked_out_of_content(site, told.after, told.changes, Guarded(own))


def test_rules_of_who_is_removed_come_back(bench: Bench) -> None:
    """For the new user of that name: the old one's id is gone."""
    site, owners = bench.site, {content.owner for content in bench.site.contents.values()}
    user = next(u for u in site.users.values() if u.id not in owners and not is_admin(u.site_role))
    book = site.find_content("workbook:Ops/W1")
    mine = Rule(Grantee("user", user.id), "Read", ALLOW)
    bench.sandbox.state.put(site.with_contents(replace(book, rules=(book.rules or NO_RULES) | {mine})))
    assert bench.apply(change(bench, f"remove user {user.name}")).succeeded
    assert mine not in (bench.site.contents[book.id].rules or NO_RULES)
    plan = undo(bench)
    assert "favourites are lost" in " ".join(plan.notes)
    assert bench.apply(plan).succeeded
    new = bench.site.find_user(user.name).id
    assert new != user.id
    rules = bench.site.contents[book.id].rules or NO_RULES
    assert mine._replace(grantee=Grantee("user", new)) in rules


def test_owners_and_leaders_are_asked_too() -> None:
    """A lock above takes it from who owns a nested project, which is told; a project without anybody is a stop."""
    roles = {"olga": "Creator", "lea": "ExplorerCanPublish", "vic": "Viewer"}
    users = [User(name, name, role) for name, role in roles.items()]
    leads = frozenset({Rule(Grantee("user", "lea"), LEADER, ALLOW)})
    contents = (
        Content("top", "project", "Top", None, "olga"),
        Content("nest", "project", "Nest", "top", "lea"),
        Content("solo", "project", "Solo", None, "vic", leads),
    )
    site = Site("s", users={user.id: user for user in users}).with_contents(*contents)
    locking = what_if(site, ["lock Top"])
    assert kept_from(site, locking.after, locking.changes) == (
        "`lea` could not set permissions of `Top/Nest` any more, for a lock above it",
    )
    assert nobody_left(site, locking.after, locking.changes) == ()
    leaving = what_if(site, ["remove leader user lea from Solo"])
    (stop,) = nobody_left(site, leaving.after, leaving.changes)
    assert stop.sentence == "no owner or leader could set permissions of 1 projects any more: `Solo`"
    assert kept_from(site, leaving.after, leaving.changes) == ()


def test_whom_the_site_shows_nobody_sets_no_permissions_and_counts_for_nobody_left() -> None:
    """Limited user visibility shuts the dialogs to all but Creators and administrators."""
    roles = {"olga": "Creator", "lea": "ExplorerCanPublish", "vic": "Viewer"}
    leads = frozenset({Rule(Grantee("user", "lea"), LEADER, ALLOW)})
    site = Site("s", users={name: User(name, name, role) for name, role in roles.items()}).with_contents(
        Content("solo", "project", "Solo", None, "olga", leads)
    )
    for visibility, stops in ((FULL, 0), (LIMITED, 1)):
        seen = replace(site, settings=SiteSettings(user_visibility=visibility))
        change = SetOwner(content_ref(seen, "solo"), "olga", user_ref(seen.users["vic"]))
        assert len(nobody_left(seen, change.after(seen), [change])) == stops


def test_a_row_beside_the_echo_of_a_leader_above_is_true_once_it_is_written() -> None:
    """Else a plan that was killed after it would be stale for good."""
    echo, view = (Rule(Grantee("user", "lea"), name, ALLOW) for name in (INHERITED_LEADER, "Read"))
    site = Site("s", users={"lea": User("lea", "lea", "Creator")}).with_contents(
        Content("nest", "project", "Nest", None, "lea", frozenset({echo, view}))
    )
    (change,) = what_if(site, ["remove allow View on Nest from user lea"]).changes
    expected = after(dict(change.facts(Lookup(site))), [change])
    done = change.done_to(site).site
    assert dict(change.facts(Lookup(done))) == expected
    assert change.is_true(Lookup(done)) == ""


def test_an_undo_gives_back_what_nobody_could_set_permissions_of() -> None:
    leads = frozenset({Rule(Grantee("user", "lea"), LEADER, ALLOW)})
    users = {"lea": User("lea", "lea", "ExplorerCanPublish"), "vic": User("vic", "vic", "Viewer")}
    site = Site("s", users=users).with_contents(Content("solo", "project", "Solo", None, "vic", leads))
    changes = what_if(site, ["remove leader user lea from Solo"]).changes
    identity = SiteIdentity("here", "", "s", "S")
    basis = Basis(kind="undo", site=identity, made_at="2026-11-29T00:00:00Z")
    assert [stop.id for stop in build(basis, site, changes).stops] == [LOCK_OUT]
    plan = build(replace(basis, undoes="plan"), site, changes)
    assert plan.stops == ()
    assert [note for note in plan.notes if "could set permissions of 1 projects any more: `Solo`: as it was" in note]
    assert stops_now(plan, site, basis.limits, basis.guarded, Progressed()) == ()


def test_a_new_project_belongs_to_whoever_makes_it(bench: Bench) -> None:
    plan = change(bench, "new project Fresh")
    assert bench.apply(plan).succeeded
    fresh = bench.site.find_content("project:Fresh")
    with connected(bench.settings) as connection:
        assert whoever_makes(read_site(connection)) == fresh.owner


def test_plans_print_the_sentences_that_plan_change_takes(bench: Bench) -> None:
    chosen = (CHANGES[0], CHANGES[4], CHANGES[5], CHANGES[6], CHANGES[7], CHANGES[10])
    words = [one.format(**people(bench.site)) for some in chosen for one in some]
    plan = change(bench, *words)
    again = change(bench, *sentences(plan.changes))
    assert [c.but(because="") for c in again.changes] == [c.but(because="") for c in plan.changes]


def test_what_somebody_changed_since_stays(bench: Bench) -> None:
    assert bench.apply(change(bench, "lock Extra")).succeeded
    with bench.tableau() as server:
        item = server.projects.get_by_id("p-x")
        item.description = "mine"
        server.projects.update(item)
    theirs = frozenset(
        r._replace(capability=name) for r in bench.site.contents["p-x"].rules or () for name in ("Read", "Filter")
    )
    unlocked = replace(bench.site.contents["p-x"], mode=CUSTOMIZABLE)
    bench.sandbox.state.put(bench.site.with_contents(unlocked, replace(bench.site.contents["b-1"], rules=theirs)))
    before = with_more(bench.site).contents
    back = undo(bench)
    assert [(held.person, held.reason.partition(" for ")[0]) for held in back.held] == [
        ("Extra/Book 1", "has other rules")
    ]
    assert bench.apply(back).succeeded
    assert bench.site.contents["p-x"].description == "mine"
    assert bench.site.contents["b-1"].rules == theirs | (before["b-1"].rules or frozenset())
    assert bench.site.contents["b-2"].rules == before["b-2"].rules


def test_what_cannot_be_made_again_is_a_stop_and_what_rest_does_not_set_is_held(bench: Bench) -> None:
    (stop,) = (s for s in change(bench, "delete Extra").stops if s.id == NO_WAY_BACK)
    assert (stop.number, stop.waivable) == (3, False)
    held = change(bench, "switch off explain data").held
    assert held[0].reason == "is neither told nor set over REST"


def test_warnings_stand_beside_a_plan(bench: Bench) -> None:
    notes = change(bench, "allow Connect on Extra/Rows to All Users".replace("All Users", 'group "All Users"')).notes
    assert "and then see all its rows, past the filters of `Extra/Book 1`, `Extra/Book 2`" in " ".join(notes)
    notes = change(bench, "give Extra/Book 1 to {other}".format(**people(bench.site))).notes
    assert "logins that the former owner embedded may stop working" in " ".join(notes)


def test_a_fix_becomes_a_plan(bench: Bench, tmp_path: Path) -> None:
    bench.read()
    path = tmp_path / "fix.json"
    site = bench.site
    viewer = next(u.name for u in site.users.values() if u.site_role == "Viewer")
    words = ["why", viewer, "View", "Extra/Book 2", "--fix", "--choose", "1", "--out", path]
    out = command_line.run(*words, "--store", bench.settings.store.folder)
    assert path.exists(), out
    assert LOCKED
