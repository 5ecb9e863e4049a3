"""The permissions paper's three examples as worlds: each sentence once by Tableau's client and once by the evaluator.

The sentences are told in our words; the paper's section 2 has them: A casual users, B William, C Erin.
"""

from __future__ import annotations

import io
from contextlib import contextmanager

import pytest
from sandbox_client import TSC, by_name, everything, rule, tsc

from tabwarden.access.abilities.ability import can
from tabwarden.access.reference import may
from tabwarden.sandbox.http.server import running

Refused = TSC.ServerResponseError


@contextmanager
def refused(code="403"):
    """The client is refused; not that the thing is unknown."""
    with pytest.raises(Refused) as problem:
        yield
    assert problem.value.code.startswith(code), problem.value


class Example:
    """One example's world with a session of somebody."""

    def __init__(self, box, url, server):
        self.box, self.url, self.server = box, url, server

    @property
    def site(self):
        return self.box.site(self.url)

    def workbook(self, name):
        return by_name(everything(self.server.workbooks), name)

    def view(self, name):
        return by_name(everything(self.server.views), name)

    def may(self, user, capability, path):
        return may(self.site, self.site.find_user(user).id, capability, self.site.find_content(path).id).allowed

    def can(self, user, action, path, target=None):
        to = self.site.find_content(target).id if target else None
        return can(self.site, self.site.find_user(user).id, action, self.site.find_content(path).id, target=to).allowed

    def as_(self, user):
        return tsc(self.box, user, site=self.url)


@contextmanager
def example(world, user):
    with running(world) as box, tsc(box, user, site=world) as server:
        yield Example(box, world, server)


def downloaded(server, kind, item):
    file = io.BytesIO()
    getattr(server, kind).download(item.id, filepath=file)
    return file.getvalue()


# -- A: the group Casual Users ----------------------------------------------------------------------------------

BOOK = "Sales/Regional Sales"


@pytest.fixture
def casual():
    with example("casual-users", "erin") as found:
        yield found


def test_a_the_group_never_downloads_underlying_data_or_the_workbook(casual):
    """Whatever Sales Reps give to erin too: the Deny of a group beats the Allow of a group."""
    site = casual.site
    erin, casual_users = site.find_user("erin").id, site.find_group("Casual Users").id
    assert erin in site.members(casual_users)
    for capability in ("ViewUnderlyingData", "ExportXml"):
        answer = may(site, erin, capability, site.find_content(BOOK).id)
        assert (answer.allowed, answer.because) == (False, "group_deny")
        assert {r.grantee.id for r in answer.deciding} == {casual_users}
        assert casual.may("ralph", capability, BOOK)
    with casual.as_("admin") as admin:
        book = by_name(everything(admin.workbooks), "Regional Sales")
        admin.workbooks.populate_permissions(book)
        (told,) = [r.capabilities for r in book.permissions if r.grantee.id == casual_users]
        assert (told["ViewUnderlyingData"], told["ExportXml"]) == ("Deny", "Deny")
        more = admin.groups.create(TSC.GroupItem("More"))
        admin.groups.add_user(more, erin)
        admin.workbooks.update_permissions(book, [rule(more, ExportXml="Allow", ViewUnderlyingData="Allow")])
    with refused():
        downloaded(casual.server, "workbooks", casual.workbook("Regional Sales"))
    assert not casual.may("erin", "ViewUnderlyingData", BOOK)


def test_a_erin_sees_no_link_to_download_the_workbook(casual):
    assert casual.workbook("Regional Sales").name
    assert not casual.can("erin", "download", BOOK)
    with refused():
        downloaded(casual.server, "workbooks", casual.workbook("Regional Sales"))
    with casual.as_("ralph") as ralph:
        assert downloaded(ralph, "workbooks", by_name(everything(ralph.workbooks), "Regional Sales"))


def test_a_erin_sees_the_summary_and_not_the_underlying_data(casual):
    for view in ("Quarter", "Year"):
        path = f"{BOOK}/{view}"
        assert casual.may("erin", "ExportData", path)
        assert not casual.may("erin", "ViewUnderlyingData", path)


def test_a_erin_downloads_summary_data_but_no_rows(casual):
    view = casual.view("Quarter")
    casual.server.views.populate_csv(view)
    assert b"".join(view.csv)
    assert casual.may("erin", "ExportData", f"{BOOK}/Quarter")
    assert not casual.may("erin", "ViewUnderlyingData", f"{BOOK}/Quarter")


# -- B: William -------------------------------------------------------------------------------------------------

HIS, HERS = "Reports/Book of William", "Reports/Book of Susan"


@pytest.fixture
def william():
    with example("william", "william") as found:
        yield found


def test_b_he_never_deletes_moves_or_sets_permissions_of_what_others_published(william):
    """The other book lies in the same project; its links are grey for him."""
    book = william.workbook("Book of Susan")
    for capability in ("Delete", "ChangeHierarchy", "ChangePermissions"):
        assert not william.may("william", capability, HERS)
    assert not william.can("william", "delete", HERS)
    assert not william.can("william", "move", HERS, "Archive")
    assert not william.can("william", "set_permissions", HERS)
    with refused():
        william.server.workbooks.delete(book.id)
    susan = TSC.UserItem.as_reference(william.site.find_user("susan").id)
    with refused():
        william.server.workbooks.update_permissions(book, [rule(susan, Read="Allow")])
    book.project_id = william.site.find_content("Archive").id
    with refused():
        william.server.workbooks.update(book)
    assert william.site.find_content(HERS).rules == william.site.find_content(HIS).rules


def test_b_he_still_publishes(william, tmp_path):
    reports = by_name(everything(william.server.projects), "Reports")
    assert william.can("william", "publish", "Reports")
    file = tmp_path / "New Book.twb"
    file.write_text("<workbook><worksheets><worksheet name='Page'/></worksheets></workbook>", encoding="utf-8")
    item = TSC.WorkbookItem(reports.id, name="New Book")
    made = william.server.workbooks.publish(item, file, TSC.Server.PublishMode.CreateNew)
    held = william.site.find_content("Reports/New Book")
    assert (held.id, held.owner) == (made.id, william.server.user_id)
    assert held.rules == william.site.find_content("Reports").defaults["workbook"]


def test_b_he_overwrites_too_and_owns_what_he_wrote_over(william, tmp_path):
    """Publishing over: the paper's Write; with it goes the ownership."""
    assert william.may("william", "Write", HERS)
    reports = by_name(everything(william.server.projects), "Reports")
    file = tmp_path / "Book of Susan.twb"
    file.write_text("<workbook><worksheets><worksheet name='Page'/></worksheets></workbook>", encoding="utf-8")
    item = TSC.WorkbookItem(reports.id, name="Book of Susan")
    william.server.workbooks.publish(item, file, TSC.Server.PublishMode.Overwrite)
    assert william.site.find_content(HERS).owner == william.server.user_id
    assert william.can("william", "delete", HERS)


def test_b_he_sets_permissions_of_his_own(william):
    assert william.can("william", "set_permissions", HIS)
    susan = william.site.find_user("susan").id
    book = william.workbook("Book of William")
    william.server.workbooks.update_permissions(book, [rule(TSC.UserItem.as_reference(susan), Read="Allow")])
    assert william.may("susan", "Read", HIS)


def test_b_he_moves_his_own(william):
    assert william.can("william", "move", HIS, "Archive")
    book = william.workbook("Book of William")
    book.project_id = william.site.find_content("Archive").id
    william.server.workbooks.update(book)
    assert william.site.find_content("Archive/Book of William").owner == william.server.user_id


def test_b_he_deletes_his_own(william):
    """Although a rule denies it: an owner's rights are above rules."""
    answer = may(william.site, william.server.user_id, "Delete", william.site.find_content(HIS).id)
    assert (answer.allowed, answer.because) == (True, "content_owner")
    assert {losing.rule.mode for losing in answer.losing} == {"Deny"}
    william.server.workbooks.delete(william.workbook("Book of William").id)
    assert [w.name for w in everything(william.server.workbooks)] == ["Book of Susan"]


# -- C: Erin ----------------------------------------------------------------------------------------------------

MAP, SALES = "Samples/World Sales/Map with Quick Filters", "Samples/World Sales"


@pytest.fixture
def erin():
    with example("erin", "erin") as found:
        yield found


def test_c_she_sees_the_view_in_the_most_minimal_manner(erin):
    assert [v.name for v in everything(erin.server.views)] == ["Map with Quick Filters"]
    view = erin.view("Map with Quick Filters")
    erin.server.views.populate_preview_image(view)
    assert view.preview_image
    allowed = {c for c in ("Read", "Filter", "AddComment", "ShareView", "WebAuthoring") if erin.may("erin", c, MAP)}
    assert allowed == {"Read"}


def test_c_she_uses_actions(erin):
    assert erin.can("erin", "use_actions", MAP)


def test_c_no_filter_shows_up(erin):
    assert not erin.can("erin", "use_filters", MAP)
    assert may(erin.site, erin.server.user_id, "Filter", erin.site.find_content(MAP).id).because == "user_deny"
    assert erin.can("ralph", "use_filters", MAP)


def test_c_she_downloads_nothing_and_exports_nothing(erin):
    book, view = erin.workbook("World Sales"), erin.view("Map with Quick Filters")
    assert not erin.can("erin", "download", SALES)
    with refused():
        downloaded(erin.server, "workbooks", book)
    for capability in ("ExportImage", "ExportData", "ViewUnderlyingData"):
        assert not erin.may("erin", capability, MAP)
        assert erin.may("ralph", capability, MAP)
    with refused():
        erin.server.views.populate_pdf(view)
        assert view.pdf
    with refused():
        erin.server.views.populate_csv(view)
        assert b"".join(view.csv)
    with refused():
        erin.server.workbooks.populate_pdf(book)
        assert book.pdf


def test_c_she_saves_a_customized_view(erin):
    """Saving is not sharing it."""
    assert erin.can("erin", "save_custom_view", MAP)
    assert not erin.can("erin", "share_custom_view", MAP)


def test_c_she_adds_tags(erin):
    assert erin.can("erin", "tag", MAP)
    assert erin.can("erin", "tag", SALES)
    erin.server.workbooks.add_tags(erin.workbook("World Sales"), ["mine"])
    assert erin.workbook("World Sales").tags == {"mine"}


# -- the first day ------------------------------------------------------------------------------------------------


def test_an_empty_world_is_as_tableau_ships_it():
    with running("empty") as box, tsc(box, "admin", site="") as server:
        assert [(s.name, s.content_url) for s in everything(server.sites)] == [("Default", "")]
        assert [(u.name, u.site_role) for u in everything(server.users)] == [("admin", "ServerAdministrator")]
        (everyone,) = everything(server.groups)
        assert (everyone.name, everyone.domain_name) == ("All Users", "local")
        (default,) = everything(server.projects)
        assert (default.name, default.content_permissions) == ("Default", "ManagedByOwner")
        assert [*everything(server.workbooks), *everything(server.datasources), *everything(server.views)] == []
        projects = server.projects
        projects.populate_permissions(default)
        shipped = {"project": default.permissions}
        for kind in ("workbook", "datasource", "flow"):
            getattr(projects, f"populate_{kind}_default_permissions")(default)
            shipped[kind] = getattr(default, f"default_{kind}_permissions")
        view = dict.fromkeys(("Read", "Filter", "ViewComments", "AddComment", "ExportImage", "ExportData"), "Allow")
        given = {"project": ("Read",), "workbook": tuple(view), "datasource": ("Read", "Connect"), "flow": ("Read",)}
        for kind, rules in shipped.items():
            assert [r.grantee.id for r in rules] == [everyone.id]
            assert rules[0].capabilities == dict.fromkeys(given[kind], "Allow"), kind
        with pytest.raises(Refused) as problem:
            projects.delete(default.id)
        assert problem.value.code.startswith("403")
        assert [p.name for p in everything(projects)] == ["Default"]


def test_in_an_empty_world_all_users_may_view_what_is_published(tmp_path):
    file = tmp_path / "First.twb"
    file.write_text("<workbook><worksheets><worksheet name='Sheet'/></worksheets></workbook>", encoding="utf-8")
    with running("empty") as box, tsc(box, "admin", site="") as server:
        (default,) = everything(server.projects)
        server.workbooks.publish(TSC.WorkbookItem(default.id, "First"), file, TSC.Server.PublishMode.CreateNew)
        server.users.add(TSC.UserItem("viewer", "Viewer"))
        team = server.projects.create(TSC.ProjectItem("Team"))
        with tsc(box, "viewer", site="") as viewer:
            assert [w.name for w in everything(viewer.workbooks)] == ["First"]
            assert [v.name for v in everything(viewer.views)] == ["Sheet"]
            assert sorted(p.name for p in everything(viewer.projects)) == ["Default", "Team"]
            with pytest.raises(Refused):
                downloaded(viewer, "workbooks", viewer.workbooks.get()[0][0])
        assert box.site("").contents[team.id].rules == box.site("").find_content("Default").rules
