"""Worked examples of a policy through the sandbox: what the two papers describe, written as text, applied, then tried.

Sources: the permissions paper §2 (A casual users, B William, C Erin) and §3; the blog §5. Told in our words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import tableauserverclient as TSC  # noqa: N812
from sandbox_client import by_name, everything, tsc
from test_undo_to import Bench

from support import command_line
from tabwarden.access.abilities.ability import can
from tabwarden.access.reference import may
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, NO_RULES, Content, Grantee, Group, Rule, Site, Use, User
from tabwarden.plan.plan import Plan
from tabwarden.run.policy import plan_policy
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.server_state import AccessToken, Account, World
from tabwarden.sandbox.worlds.finding import find_world


class Example(Bench):
    """A sandbox whose one site is called as Bench wants it, and a policy as text."""

    def plan_text(self, text: str) -> Plan:
        path = self.folder / "policy.yaml"
        path.write_text(text, encoding="utf-8")
        return plan_policy(self.settings, [path])

    def want(self, text: str) -> Plan:
        """The text planned and applied; a second plan is empty."""
        plan = self.plan_text(text)
        applied = self.apply(plan, *(f"{stop.name}={stop.number}" for stop in plan.stops))
        assert applied.succeeded, applied.not_done
        assert self.plan_text(text).changes == ()
        return plan

    def may(self, user: str, capability: str, path: str) -> bool:
        site = self.site
        return may(site, site.find_user(user).id, capability, site.find_content(path).id).allowed

    def can(self, user: str, action: str, path: str) -> bool:
        site = self.site
        return can(site, site.find_user(user).id, action, site.find_content(path).id).allowed


@contextmanager
def example(world: World, folder: Path) -> Iterator[Example]:
    (site,) = world.sites
    admin = next(user.name for user in site.users.values() if user.site_role == "ServerAdministrator")
    world = replace(world, sites=(replace(site, content_url="sandbox"),), tokens=(AccessToken("tok", "sec", admin),))
    with running(world) as sandbox:
        yield Example(sandbox, folder)


def bare(name: str) -> World:
    """A world without a rule."""
    world = find_world(name)
    (site,) = world.sites
    contents = {
        c.id: replace(c, rules=NO_RULES, defaults=MappingProxyType(dict.fromkeys(c.defaults, NO_RULES)))
        for c in site.contents.values()
    }
    return replace(world, sites=(replace(site, contents=contents),))


# -- A, B, C --------------------------------------------------------------------------------------------------

CASUAL = """
projects:
  Sales:
    mode: customizable
    rules:
    - group: Casual Users
      project: View
      workbooks: {template: View, deny: [Download Full Data, Download Workbook/Save a Copy]}
    - {group: Sales Reps, project: View, workbooks: {template: Explore, allow: [Download Workbook/Save a Copy]}}
    contents: defaults
"""
WILLIAM = """
templates:
  Publish only: {workbooks: {template: Publish, deny: [Delete, Move, Set Permissions]}, project: Publish}
projects:
  Reports:
    rules:
    - {user: william, reason: publishes and manages nothing of others, all: Publish only}
    - {user: susan, reason: publishes, project: Publish}
    contents: defaults
  Archive: {rules: [{user: william, reason: moves his own there, project: Publish}]}
"""
ERIN = """
projects:
  Samples:
    rules:
    - user: erin
      reason: looks, and nothing else
      project: View
      workbooks:
        allow: [View]
        deny: [Filter, Download Workbook/Save a Copy, Download Image/PDF, Download Summary Data, Download Full Data]
    contents: defaults
"""


def test_casual_users_never_download_workbooks_or_rows_whatever_others_give(tmp_path: Path) -> None:
    with example(bare("casual-users"), tmp_path) as bench:
        assert not bench.may("erin", "Read", "Sales/Regional Sales")
        bench.want(CASUAL)
        book, view = "Sales/Regional Sales", "Sales/Regional Sales/Quarter"
        for capability in ("ExportXml", "ViewUnderlyingData"):
            assert (bench.may("erin", capability, book), bench.may("ralph", capability, book)) == (False, True)
        assert bench.may("erin", "ExportData", view)
        with tsc(bench.sandbox, "erin") as server:
            with pytest.raises(TSC.ServerResponseError):
                server.workbooks.download(
                    by_name(everything(server.workbooks), "Regional Sales").id, str(tmp_path / "b")
                )
            page = by_name(everything(server.views), "Quarter")
            server.views.populate_csv(page)
            assert b"".join(page.csv)
        with tsc(bench.sandbox, "ralph") as server:
            assert server.workbooks.download(
                by_name(everything(server.workbooks), "Regional Sales").id, str(tmp_path / "b")
            )


def test_william_publishes_and_rules_his_own_but_nothing_of_others(tmp_path: Path) -> None:
    with example(bare("william"), tmp_path) as bench:
        bench.want(WILLIAM)
        his, hers = "Reports/Book of William", "Reports/Book of Susan"
        assert bench.can("william", "publish", "Reports")
        for action in ("delete", "set_permissions", "move"):
            assert (bench.can("william", action, his), bench.can("william", action, hers)) == (True, False)
        with tsc(bench.sandbox, "william") as server:
            with pytest.raises(TSC.ServerResponseError):
                server.workbooks.delete(by_name(everything(server.workbooks), "Book of Susan").id)
            server.workbooks.delete(by_name(everything(server.workbooks), "Book of William").id)


def test_erin_sees_the_view_and_uses_neither_filter_nor_download(tmp_path: Path) -> None:
    with example(bare("erin"), tmp_path) as bench:
        bench.want(ERIN)
        path = "Samples/World Sales/Map with Quick Filters"
        assert bench.may("erin", "Read", path)
        for capability in ("Filter", "ExportImage", "ExportData", "ViewUnderlyingData"):
            assert not bench.may("erin", capability, path)
        assert bench.can("erin", "save_custom_view", path)
        with tsc(bench.sandbox, "erin") as server:
            page = by_name(everything(server.views), "Map with Quick Filters")
            server.views.populate_image(page)
            with pytest.raises(TSC.ServerResponseError):
                assert page.image


# -- the Default project, and where projects begin ------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "sees", "underlying"), [("locked-down", False, False), ("read-only", True, False), ("blank", False, False)]
)
def test_what_is_made_after_a_strategy_has_it(word: str, sees: bool, underlying: bool, tmp_path: Path) -> None:
    """A project that somebody makes afterwards, and a workbook in it, are as the word says; one person is let in."""
    with example(find_world("w0"), tmp_path) as bench:
        bench.want(f"default_project: {word}\n")
        with tsc(bench.sandbox, "ada") as server:
            project = server.projects.create(TSC.ProjectItem("Later"))
            file = tmp_path / "Book.twb"
            file.write_text("<workbook><worksheets><worksheet name='Page'/></worksheets></workbook>", encoding="utf-8")
            server.workbooks.publish(TSC.WorkbookItem(project.id, name="Book"), file, "CreateNew")
        assert bench.may("egon", "Read", "Later/Book") is sees
        assert bench.may("egon", "ViewUnderlyingData", "Later/Book") is underlying
        one = {"user": "egon", "reason": "the exception", "all": "View"}
        bench.want(json.dumps({"default_project": word, "content": [{"paths": ["Later/Book"], "rules": [one]}]}))
        assert bench.may("egon", "Read", "Later/Book")


@pytest.mark.parametrize(("start", "like"), [("default", "Default"), ("parent", "Ops"), ("empty", None), (None, "Ops")])
def test_a_nested_project_begins_as_the_text_says(start: str | None, like: str | None, tmp_path: Path) -> None:
    with example(find_world("w0"), tmp_path) as bench:
        bench.want(json.dumps({"projects": {"Ops/New": {"start": start}}}))
        site = bench.site
        new, model = site.find_content("project:Ops/New"), site.find_content(f"project:{like}") if like else None
        defaults = {kind: rules for kind, rules in new.defaults.items() if rules}
        assert defaults == {kind: rules for kind, rules in (model.defaults if model else {}).items() if rules}
        assert bool(new.rules) is (model is not None)


def test_the_leaders_stand_in_the_description_with_their_addresses(tmp_path: Path) -> None:
    with example(find_world("w0"), tmp_path) as bench:
        site = bench.site
        carl = replace(site.find_user("carl"), full_name="Carl Ohm", email="carl@example.org")
        bench.sandbox.state.put(site.with_users(carl))
        text = {"leaders": ["user carl", "group Sales"], "leaders_in_description": True, "description": "Numbers"}
        bench.want(json.dumps({"projects": {"Ops": text}}))
        named = "Leaders: Carl Ohm <carl@example.org>, group Sales"
        assert bench.site.find_content("project:Ops").description == f"Numbers\n{named}"
        bench.want(json.dumps({"projects": {"Ops": {"leaders": ["group Sales"], "leaders_in_description": True}}}))
        assert bench.site.find_content("project:Ops").description == "Numbers\nLeaders: group Sales"
        bench.want("projects: {Ops: {leaders_in_description: true}}")  # those that there are
        assert bench.site.find_content("project:Ops").description == "Numbers\nLeaders: group Sales"


@pytest.mark.parametrize(
    ("template", "has", "lacks"),
    [("Viewer", "Read", "Write"), ("Interactor", "Filter", "Write"), ("Editor", "ChangePermissions", "")],
)
def test_the_older_templates_are_known(template: str, has: str, lacks: str, tmp_path: Path) -> None:
    with example(find_world("w0"), tmp_path) as bench:
        bench.want(f"content: [{{paths: [Ops/W1], rules: [{{group: Sales, all: {template}}}]}}]")
        names = {rule.capability for rule in bench.site.find_content("workbook:Ops/W1").rules or ()}
        assert (has in names, lacks in names) == (True, False)


# -- the sandbox of the designers -----------------------------------------------------------------------------


def test_the_sandbox_is_for_designers_alone(tmp_path: Path) -> None:
    text = """
projects:
  Sandbox:
    mode: locked
    rules: [{group: Finance, all: Publish}]
"""
    with example(find_world("w0"), tmp_path) as bench:
        bench.want(text)
        finance = bench.site.find_group("Finance")
        project = bench.site.find_content("project:Sandbox")
        assert {rule.grantee for rule in project.rules or ()} == {Grantee("group", finance.id)}
        for user in bench.site.users.values():
            if user.site_role in ("Viewer", "Explorer", "ExplorerCanPublish") and user.id != project.owner:
                inside = user.id in bench.site.members(finance.id)
                assert bench.may(user.name, "Read", "Sandbox") is inside, user


# -- the blog's two ways with published data sources ----------------------------------------------------------


def data_world(auth: str) -> World:
    """A workbook over a published data source; ines looks, paul publishes."""
    users = {n: User(n, n, r) for n, r in (("root", "ServerAdministrator"), ("ines", "Explorer"), ("paul", "Creator"))}
    groups = {"i": Group("i", "Interactors", members=frozenset({"ines"}))}
    groups |= {"p": Group("p", "Publishers", members=frozenset({"paul"}))}
    groups |= {"all": Group("all", "All Users", everyone=True)}
    fields: dict[str, Any] = {"rules": NO_RULES, "mode": CUSTOMIZABLE}
    contents = {
        "d": Content("d", "project", "Data", None, "root", **fields),
        "s": Content("s", "datasource", "Sales", "d", "root", rules=NO_RULES),
        "w": Content("w", "workbook", "Book", "d", "root", rules=NO_RULES, uses=(Use("s", auth),)),
        "v": Content("v", "view", "Page", "w", "root", rules=NO_RULES),
    }
    site = Site("data", "Data", "data", users=users, groups=groups, contents=contents)
    return World("data", (site,), tuple(Account(name, name) for name in users))


EMBEDDED = """
projects:
  Data:
    rules:
    - {group: Interactors, project: View, workbooks: View}
    - {group: Publishers, project: Publish, workbooks: Publish, data_sources: {allow: [View, Connect]}}
    contents: defaults
"""
TRICK = """
projects:
  Data:
    rules:
    - {group: Interactors, project: View, workbooks: View, data_sources: {allow: [View, Connect]}}
    - {group: Publishers, project: Publish, workbooks: Publish, data_sources: {allow: [View, Connect]}}
content:
- {paths: ["Data/*"], kind: workbook, rules: [{group: Interactors, all: View}, {group: Publishers, all: Publish}]}
- paths: ["Data/*"]
  kind: data source
  rules: [{group: Interactors, all: {allow: [View]}}, {group: Publishers, all: {allow: [View, Connect]}}]
"""


def test_an_embedded_password_and_connect_for_publishers_alone(tmp_path: Path) -> None:
    with example(data_world("embed"), tmp_path) as bench:
        bench.want(EMBEDDED)
        assert bench.can("ines", "see_data", "Data/Book")
        assert not bench.can("ines", "connect_from_desktop", "Data/Sales")
        assert bench.can("paul", "connect_from_desktop", "Data/Sales")


def test_connect_of_the_project_reaches_through_workbooks_alone_and_the_answer_names_its_switch(tmp_path: Path) -> None:
    with example(data_world("prompt"), tmp_path) as bench:
        bench.want(TRICK)
        bench.read()
        words = ("why", "ines", "ability:see_data", "workbook:Data/Book", "--store", bench.settings.store.folder)
        plain = command_line.run(*words).stdout
        assert "the workbook asks each person for access to its data source" in plain
        assert "with project_connect_is_for_workbooks on it is yes" in plain
        switch = ("--open-point", "project_connect_is_for_workbooks=on")
        assert command_line.run(*words, *switch).stdout.startswith("ines can see data on Data/Book")
        words = (*words[:2], "ability:connect_from_desktop", "datasource:Data/Sales", *words[4:])
        assert "ines cannot" in command_line.run(*words, *switch).stdout
        assert "paul can" in command_line.run(words[0], "paul", *words[2:], *switch).stdout


# -- lock, clear, unlock --------------------------------------------------------------------------------------


def test_locked_cleared_and_unlocked_by_the_text(tmp_path: Path) -> None:
    with example(find_world("w0"), tmp_path) as bench:
        rules = "rules: [{group: Finance, project: View, workbooks: View, data_sources: View}]"
        bench.want(f"projects:\n  Ops: {{mode: locked, {rules}}}\n")
        assert bench.site.find_content("project:Ops").mode == LOCKED
        book = bench.site.find_content("workbook:Ops/W1")
        assert not bench.may("egon", "Read", book.id)
        bench.want(f"projects:\n  Ops: {{mode: customizable, {rules}}}\n")
        site = bench.site
        defaults = site.find_content("project:Ops").defaults["workbook"]
        assert site.find_content("workbook:Ops/W1").rules == defaults  # what was in force stays with each
        bench.want("content: [{paths: [Ops/W1], rules: [{user: egon, reason: trial, all: View}]}]")
        bench.want(f"projects:\n  Ops: {{mode: customizable, {rules}, contents: defaults}}\n")
        assert bench.site.find_content("workbook:Ops/W1").rules == defaults
        assert Rule(Grantee("user", site.find_user("egon").id), "Read", "Allow") not in (defaults or ())
