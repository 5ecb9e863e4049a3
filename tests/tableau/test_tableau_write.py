"""Every change to people and groups against the sandbox, and every answer that means something other than it says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from people_world import GROUP, OTHER, SITE_URL, options, passed_on, people_world, user_id
from small_server import RESET, Answer, serving

from tabwarden.effects.ops.groups import CreateGroup, DeleteGroup, Grants, UpdateGroup
from tabwarden.effects.ops.memberships import AddToGroup, RemoveFromGroup
from tabwarden.effects.ops.users import AddUser, RemoveUser, SetRole
from tabwarden.effects.ref import Ref
from tabwarden.model.errors import TableauError
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import Pat
from tabwarden.tableau.write.writer import Writer

VIEWERS, SALES = Ref("group", "Viewers", id=GROUP), Ref("group", "Sales", id=OTHER)
CLOUD = personality("cloud")


def person(name, *, known=True):
    return Ref("user", name, id=user_id(name) if known else None)


def adds(name, role="Unlicensed", auth=None):
    return AddUser(Ref("user", name), role, auth)


def role(name, before, after):
    return SetRole(person(name), before, after)


def joins(ref, group=VIEWERS):
    return AddToGroup(ref, group)


def leaves(ref, group=VIEWERS):
    return RemoveFromGroup(ref, group)


def group(op, ref, minimum=None, mode=None):
    grants = Grants(minimum, mode)
    return UpdateGroup(ref, Grants(), grants) if op is UpdateGroup else op(ref, grants)


def removes(name, before="Viewer", heir=None):
    return RemoveUser(person(name), heir, before)


@pytest.fixture
def server():
    with running(people_world()) as sandbox, connect(options(sandbox)) as connection:
        yield sandbox, Writer(connection, bulk=False)


@pytest.fixture
def cloud():
    with running(people_world(), plays=CLOUD) as sandbox, connect(options(sandbox)) as connection:
        yield sandbox, Writer(connection, bulk=False)


def only(writer, change, ids=None):
    (result,) = writer.do([change], ids)
    return result


def user_named(sandbox, name):
    site = sandbox.site(SITE_URL)
    (found,) = site.users_named(name)
    return site.users[found]


# -- the eight answers of Tableau Cloud -----------------------------------------------------------------------


def test_adding_somebody_unlicensed_who_is_there_unlicensed_answers_201_with_the_same_id(cloud):
    sandbox, writer = cloud
    before = sandbox.site(SITE_URL)
    known = {Ref("user", "una@example.com").key: user_id("una@example.com")}
    assert only(writer, adds("una@example.com"), known)[1:] == ("already", "", "", user_id("una@example.com"))
    assert only(writer, adds("una@example.com")).new_id == user_id("una@example.com")
    assert sandbox.site(SITE_URL) == before


def test_adding_a_member_of_a_granting_group_as_unlicensed_answers_400003_and_means_already(cloud):
    _, writer = cloud
    result = only(writer, adds("vic@example.com"))
    assert (result.status, result.code, result.new_id) == ("already", "400003", user_id("vic@example.com"))
    assert "as Viewer; left so" in result.remedy


def test_a_name_without_at_is_explained(cloud):
    _, writer = cloud
    result = only(writer, adds("jane"))
    assert (result.status, result.code) == ("failed", "400003")
    assert "no `@`" in result.remedy


def test_a_member_already(cloud):
    _, writer = cloud
    assert only(writer, joins(person("vic@example.com")))[1:3] == ("already", "409011")


def test_no_member_anyway(cloud):
    _, writer = cloud
    assert only(writer, leaves(person("una@example.com")))[1:3] == ("already", "404022")


def test_no_seat_for_a_role():
    with (
        running(people_world(seats={"Viewer": 1}), plays=CLOUD) as sandbox,
        connect(options(sandbox)) as connection,
    ):
        result = only(Writer(connection), role("una@example.com", "Unlicensed", "Viewer"))
        assert (result.status, result.code) == ("failed", "409014")
        assert "no seat" in result.remedy
        assert user_named(sandbox, "una@example.com").site_role == "Unlicensed"


def test_a_bad_token():
    with running(people_world(), plays=CLOUD) as sandbox:
        with pytest.raises(TableauError) as caught, connect(options(sandbox, auth=Pat("tok", "wrong"))):
            pass
        assert caught.value.code == "401001"
        assert "the token `tok`" in str(caught.value)


def test_somebody_removed_and_added_again_has_another_id(cloud):
    _, writer = cloud
    assert only(writer, removes("una@example.com")).status == "done"
    result = only(writer, adds("una@example.com"))
    assert result.status == "done"
    assert result.new_id not in (None, user_id("una@example.com"))


# -- adding users ---------------------------------------------------------------------------------------------


def test_a_new_user(server):
    sandbox, writer = server
    result = only(writer, adds("New@example.com", "Explorer", "SAML"))
    made = user_named(sandbox, "new@example.com")
    assert result[1:] == ("done", "", "", made.id)
    assert (made.site_role, made.auth_setting) == ("Explorer", "SAML")


@pytest.mark.parametrize(
    ("name", "asked", "status", "words"),
    [
        ("VIC@example.com", "Viewer", "already", ""),
        ("vic@example.com", "Unlicensed", "already", "as Viewer; left so"),
        ("una@example.com", "Viewer", "failed", "as Unlicensed and not Viewer; plan again"),
    ],
)
def test_somebody_who_is_there_by_409017(server, name, asked, status, words):
    sandbox, writer = server
    before = sandbox.site(SITE_URL)
    result = only(writer, adds(name, asked))
    assert (result.status, result.code, result.new_id) == (status, "409017", user_id(name.lower()))
    assert words in result.remedy
    assert sandbox.site(SITE_URL) == before


def test_names_that_cannot_be_filtered_are_found_all_the_same(server):
    _, writer = server
    for name in ("o,brien@example.com", "r&d@example.com", "a+b@example.com"):
        first = only(writer, adds(name))
        assert first.status == "done"
        assert only(writer, adds(name))[1:] == ("already", "409017", "", first.new_id)


def test_an_authentication_the_site_does_not_have(server):
    _, writer = server
    result = only(writer, adds("new@example.com", auth="Kerberos"))
    assert (result.status, result.code) == ("failed", "400003")
    assert "`Kerberos`" in result.remedy


def test_a_role_that_is_none(server):
    _, writer = server
    assert only(writer, adds("new@example.com", "Boss"))[1:3] == ("failed", "400013")
    assert only(writer, adds("new@example.com", "Guest"))[1:3] == ("failed", "409005")


@pytest.mark.parametrize("jobs", [False, True])
def test_users_who_come_in_without_the_seat_they_should_have(jobs):
    with running(people_world(seats={"Viewer": 1})) as sandbox, connect(options(sandbox)) as connection:
        changes = [adds(f"new-{n}@example.com", "Viewer") for n in range(12)]
        results = Writer(connection, bulk=False, jobs=jobs).do(changes)
        assert {result.status for result in results} == {"failed"}
        assert {result.code for result in results} == {"409014"}
        assert "as Unlicensed instead of Viewer" in results[0].remedy
        assert results[0].new_id == user_named(sandbox, "new-0@example.com").id


def test_no_seat_as_a_refusal():
    plays = replace(personality(), no_seat_on_add="refuse")
    with running(people_world(seats={"Viewer": 1}), plays=plays) as sandbox, connect(options(sandbox)) as connection:
        result = only(Writer(connection), adds("new@example.com", "Viewer"))
        assert (result.status, result.code, result.new_id) == ("failed", "409014", None)


# -- roles ----------------------------------------------------------------------------------------------------


def test_a_role(server):
    sandbox, writer = server
    assert only(writer, role("una@example.com", "Unlicensed", "Viewer")).status == "done"
    assert user_named(sandbox, "una@example.com").site_role == "Viewer"


def test_a_role_that_a_group_forbids_until_the_user_is_out_of_it(server):
    sandbox, writer = server
    down = role("vic@example.com", "Viewer", "Unlicensed")
    result = only(writer, down)
    assert result.status == "failed"
    assert "grants Viewer on sign-in" in result.remedy
    out, again = writer.do([leaves(person("vic@example.com")), down])
    assert (out.status, again.status) == ("done", "done")
    assert user_named(sandbox, "vic@example.com").site_role == "Unlicensed"


def test_a_role_the_server_only_pretends_to_change(server):
    sandbox, writer = server
    sam = replace(user_named(sandbox, "sam"), site_role="ServerAdministrator")
    sandbox.state.put(sandbox.site(SITE_URL).with_users(sam))
    result = only(writer, role("sam", "ServerAdministrator", "Viewer"))
    assert result.status == "failed"
    assert "stays ServerAdministrator" in result.remedy


def test_a_user_who_is_gone(server):
    _, writer = server
    assert only(writer, removes("una@example.com")).status == "done"
    assert only(writer, removes("una@example.com"))[1:3] == ("already", "404002")
    assert only(writer, role("una@example.com", "Unlicensed", "Viewer"))[1:3] == ("failed", "404002")
    assert only(writer, leaves(person("una@example.com"))).status == "already"
    assert only(writer, joins(person("una@example.com")))[1:3] == ("failed", "404002")


# -- removing -------------------------------------------------------------------------------------------------


def test_an_owner_stays_and_loses_his_licence(server):
    sandbox, writer = server
    result = only(writer, removes("olga@example.com", "Explorer"))
    assert result.status == "instead"
    assert result.code.startswith("409")
    assert "stays on the site as Unlicensed instead" in result.remedy
    assert user_named(sandbox, "olga@example.com").site_role == "Unlicensed"


def test_an_owner_whose_things_go_to_somebody(server):
    sandbox, writer = server
    assert only(writer, removes("olga@example.com", "Explorer", person("cleo"))).status == "done"
    site = sandbox.site(SITE_URL)
    assert {c.owner for c in site.contents.values() if c.kind == "workbook"} == {user_id("cleo")}
    assert user_id("olga@example.com") not in site.users


# -- groups ---------------------------------------------------------------------------------------------------


def test_a_group_from_its_making_to_its_end(server):
    sandbox, writer = server
    new = Ref("group", "New joiners")
    made = only(writer, group(CreateGroup, new, "Viewer", "onLogin"))
    assert made.status == "done"
    held = sandbox.site(SITE_URL).groups[made.new_id]
    assert (held.name, held.minimum_site_role, held.grant_on) == ("New joiners", "Viewer", "onLogin")
    again = only(writer, group(CreateGroup, new, "Viewer", "onLogin"))
    assert again[1:] == ("already", "409009", "", made.new_id)
    other = only(writer, group(CreateGroup, new, "Creator", "onLogin"))
    assert (other.status, other.code) == ("failed", "409009")
    known = {new.key: made.new_id}
    assert only(writer, group(UpdateGroup, new, "Explorer", "onSync"), known).status == "done"
    held = sandbox.site(SITE_URL).groups[made.new_id]
    assert (held.minimum_site_role, held.grant_on) == ("Explorer", "onSync")
    assert only(writer, group(UpdateGroup, new), known).status == "done"
    assert sandbox.site(SITE_URL).groups[made.new_id].minimum_site_role is None
    assert only(writer, group(DeleteGroup, new), known).status == "done"
    assert only(writer, group(DeleteGroup, new), known).status == "already"


def test_a_group_of_a_directory_is_left_to_tableau(server):
    _, writer = server
    corp = Ref("group", "Staff", "corp.example", GROUP)
    for op in (CreateGroup, UpdateGroup):
        assert only(writer, group(op, corp, "Viewer", "onLogin")).status == "failed"


def test_what_is_created_is_known_to_the_changes_after_it(server):
    _sandbox, writer = server
    new, jane = Ref("group", "New"), Ref("user", "jane@example.com")
    results = writer.do([group(CreateGroup, new), adds(jane.name), joins(jane, new), leaves(jane, new)])
    assert [result.status for result in results] == ["done"] * 4
    assert [result.position for result in results] == [0, 1, 2, 3]


def test_what_was_not_created_fails_what_needs_it(server):
    _, writer = server
    boss, new = Ref("user", "boss@example.com"), Ref("group", "No such")
    results = writer.do([adds(boss.name, "Boss"), joins(boss), joins(person("cleo"), new), leaves(boss)])
    assert [result.status for result in results] == ["failed"] * 4
    assert "`boss@example.com` was not created" in results[1].remedy
    assert "`No such` was not created" in results[2].remedy


# -- many at once ---------------------------------------------------------------------------------------------


def test_memberships_at_once_with_some_who_are_in_and_one_who_is_gone():
    with running(people_world(more=range(600))) as sandbox, connect(options(sandbox)) as connection:
        writer = Writer(connection)
        everybody = [Ref("user", f"more-{n}@example.com", id=f"c0000000-0000-4000-8000-{n:012d}") for n in range(600)]
        gone = Ref("user", "gone@example.com", id="c0000000-0000-4000-8000-999999999999")
        assert {r.status for r in writer.do([joins(ref, SALES) for ref in everybody[:100]])} == {"done"}
        sandbox.log.clear()
        results = writer.do([joins(ref, SALES) for ref in [*everybody, gone]])
        assert [r.status for r in results] == ["already"] * 100 + ["done"] * 500 + ["failed"]
        assert results[-1].code == "404002"
        assert len(sandbox.log.entries) <= 30
        sandbox.log.clear()
        results = writer.do([leaves(ref, SALES) for ref in everybody])
        assert {r.status for r in results} == {"done"}
        assert len(sandbox.log.entries) == 2
        assert {r.status for r in writer.do([leaves(ref, SALES) for ref in everybody[:20]])} == {"already"}
        assert sandbox.site(SITE_URL).groups[OTHER].members == {user_id("olga@example.com")}


def test_memberships_of_a_group_that_is_gone():
    with running(people_world()) as sandbox, connect(options(sandbox)) as connection:
        writer = Writer(connection)
        assert only(writer, group(DeleteGroup, SALES)).status == "done"
        two = [person("cleo"), person("una@example.com")]
        assert [r.status for r in writer.do([joins(ref, SALES) for ref in two])] == ["failed", "failed"]
        assert [r.status for r in writer.do([leaves(ref, SALES) for ref in two])] == ["already", "already"]


def test_users_added_by_a_job_and_those_it_refused_one_by_one():
    with running(people_world(), plays=CLOUD) as sandbox, connect(options(sandbox)) as connection:
        names = [f"new-{n}@example.com" for n in range(30)]
        changes = [adds(name, auth="SAML") for name in names]
        changes[7] = adds("no-at", auth="SAML")
        changes[8] = adds("vic@example.com", auth="SAML")
        changes[9] = adds("with,comma@example.com", auth="SAML")
        sandbox.log.clear()
        results = Writer(connection).do(changes)
        assert [r.position for r in results] == list(range(30))
        expected = ["done"] * 30
        expected[7], expected[8] = "failed", "already"
        assert [r.status for r in results] == expected
        assert "no `@`" in results[7].remedy
        made = user_named(sandbox, "new-29@example.com")
        assert (made.id, made.site_role, made.auth_setting) == (results[29].new_id, "Unlicensed", "SAML")
        assert user_named(sandbox, "vic@example.com").site_role == "Viewer"
        assert len(sandbox.log.entries) < 20


def test_a_job_that_takes_its_time():
    plays = replace(personality(), job_seconds=0.6)
    with running(people_world(), plays=plays) as sandbox, connect(options(sandbox)) as connection:
        results = Writer(connection).do([adds(f"new-{n}@example.com") for n in range(10)])
        assert {r.status for r in results} == {"done"}
        assert connection.calls["GET sites/{id}/jobs/{id}"] >= 2
        assert connection.calls.get("POST sites/{id}/users", 0) == 0


def test_users_removed_by_a_job_and_the_owner_told_apart():
    with running(people_world(more=range(20))) as sandbox, connect(options(sandbox)) as connection:
        refs = [Ref("user", f"more-{n}@example.com", id=f"c0000000-0000-4000-8000-{n:012d}") for n in range(20)]
        refs[3] = person("olga@example.com")
        changes = [RemoveUser(ref, role="Viewer") for ref in refs]
        results = Writer(connection).do(changes)
        assert [r.status for r in results] == ["done"] * 3 + ["instead"] + ["done"] * 16
        assert "owns content" in results[3].remedy
        assert not set(sandbox.site(SITE_URL).users) & {ref.id for ref in refs if ref != refs[3]}


def test_an_old_server_is_served_one_by_one():
    plays = personality("server", "3.14")
    with running(people_world(), plays=plays) as sandbox, connect(options(sandbox)) as connection:
        writer = Writer(connection)
        changes = [*(adds(f"new-{n}@example.com") for n in range(12)), joins(person("cleo")), joins(person("ada"))]
        assert {r.status for r in writer.do(changes)} == {"done"}
        assert sandbox.log.counts()["POST sites/{site}/users"] == 12


def test_what_belongs_together():
    with running(people_world()) as sandbox, connect(options(sandbox)) as connection:
        changes = [
            *(adds(f"n{n}@x") for n in range(12)),
            adds('quo"te@x'),
            joins(person("ada")),
            joins(person("cleo")),
            joins(person("cleo"), SALES),
            role("una@example.com", "Unlicensed", "Viewer"),
            role("vic@example.com", "Viewer", "Explorer"),
        ]

        def lengths(writer):
            return [len(positions) for positions in writer.together(changes)]

        assert lengths(Writer(connection)) == [12, 1, 2, 1, 1, 1]
        assert lengths(Writer(connection, jobs=False)) == [1] * 13 + [2, 1, 1, 1]
        assert lengths(Writer(connection, bulk=False)) == [1] * 18


# -- answers that get lost ------------------------------------------------------------------------------------


def passing_on(sandbox, *, drop, times=1, before=False, status=None):
    """Passes everything on to the sandbox; the answers to the first `times` requests that match `drop` are lost.

    `before`: not even passed on. `status`: a gateway answers with that instead of the connection breaking.
    """
    lost = []

    def script(asked):
        method, end = drop
        hit = asked.method == method and asked.path.endswith(end) and len(lost) < times
        if hit:
            lost.append(asked)
        answer = None if hit and before else passed_on(sandbox, asked)
        if hit:
            return RESET if status is None else Answer(status)
        return answer

    return script


CASES = [
    (adds("new@example.com"), ("POST", "/users")),
    (joins(person("cleo")), ("POST", "/users")),
    (group(CreateGroup, Ref("group", "New"), "Viewer", "onLogin"), ("POST", "/groups")),
]


@pytest.mark.parametrize("status", [None, 504])
@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize(("change", "drop"), CASES, ids=[case[0].op for case in CASES])
def test_a_creation_whose_answer_was_lost_is_looked_up_before_it_is_repeated(change, drop, before, status):
    with running(people_world()) as sandbox, serving(passing_on(sandbox, drop=drop, before=before, status=status)) as s:
        with connect(replace(options(sandbox), server=s.url)) as connection:
            result = only(Writer(connection), change)
        assert result.status == "done"
        assert len(sandbox.log.writes()) == 1
        assert not [e for e in sandbox.log.writes(succeeded=False) if e.status >= 300]


def test_many_memberships_whose_answer_was_lost():
    drop = ("POST", f"groups/{OTHER}/users")
    with running(people_world(more=range(50))) as sandbox, serving(passing_on(sandbox, drop=drop)) as small:
        refs = [Ref("user", f"more-{n}", id=f"c0000000-0000-4000-8000-{n:012d}") for n in range(50)]
        with connect(replace(options(sandbox), server=small.url)) as connection:
            results = Writer(connection).do([joins(ref, SALES) for ref in refs])
        assert {r.status for r in results} == {"done"}
        assert len(sandbox.log.writes()) == 1


def test_a_job_whose_answer_was_lost():
    drop = ("POST", "users/import")
    with running(people_world()) as sandbox, serving(passing_on(sandbox, drop=drop)) as small:
        with connect(replace(options(sandbox), server=small.url)) as connection:
            results = Writer(connection).do([adds(f"new-{n}@example.com") for n in range(12)])
        assert {r.status for r in results} == {"done"}
        assert len(sandbox.log.writes()) == 1


def test_a_server_that_is_gone_ends_it_instead_of_failing_everybody():
    with running(people_world()) as sandbox:
        script = passing_on(sandbox, drop=("POST", "/users"), times=99, before=True)
        with serving(script) as small, connect(replace(options(sandbox, retries=1), server=small.url)) as connection:
            with pytest.raises(TableauError) as caught:
                Writer(connection, bulk=False).do([adds("a@example.com"), adds("b@example.com")])
            assert caught.value.status == 0


# -- cost -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bulk", "jobs", "each", "people"),
    [(False, False, (2, 2), 150), (True, False, (1, 1), 150), (True, True, (0, 1), 600)],
)
def test_requests_for_joiners_and_leavers(bulk, jobs, each, people):
    """Joiners in Unlicensed and into the group, leavers out of it and Unlicensed; 60 requests for all the rest."""
    with running(people_world(more=range(people))) as sandbox:
        with connect(options(sandbox)) as connection:
            writer = Writer(connection, bulk=bulk, jobs=jobs)
            joiners = [Ref("user", f"new-{n}@example.com") for n in range(people)]
            leavers = [Ref("user", f"more-{n}", id=f"c0000000-0000-4000-8000-{n:012d}") for n in range(people)]
            changes = [
                *(adds(ref.name) for ref in joiners),
                *(joins(ref) for ref in joiners),
                *(leaves(ref) for ref in leavers),
                *(SetRole(r, "Viewer", "Unlicensed") for r in leavers),
            ]
            assert {result.status for result in writer.do(changes)} == {"done"}
        most = each[0] * people + each[1] * people + 60
        assert len(sandbox.log.entries) <= most
