"""What an ability tells beside yes and no: the ceiling, where a power comes from, which open point would turn it."""

from __future__ import annotations

from small_site import project, rule, site, workbook

from tabwarden.access.abilities.ability import can, missing, targets
from tabwarden.access.answer import Answer
from tabwarden.access.disputes import with_disputes
from tabwarden.model.open_points import OpenPoints
from tabwarden.model.site import Site, Use


def house(role: str = "Creator") -> Site:
    """ann uses w, whose data source d asks for her own Connect; lea leads p and with it q."""
    return site(
        project("p", None, "user:lea +ProjectLeader", "user:ann +Write"),
        project("q", "p"),
        workbook("d", "p", "user:ann +Connect", kind="datasource"),
        workbook("w", "q", "user:ann +Read", "user:ann +ExportXml", uses=(Use("d", "prompt"), Use("lost", "prompt"))),
        users=[f"ann:{role}", "lea:Creator"],
    )


def because(answer: Answer) -> list[tuple[str, str]]:
    return [(part.verdict, part.because) for part in answer.conditions]


def test_of_what_was_not_read_the_ceiling_is_not_known_either() -> None:
    answer = can(house(), "ann", "see_data", "w")
    assert (answer.verdict, answer.because, answer.ceiling) == ("unknown", "not_read", "unknown")
    lost = answer.conditions[1]
    assert (lost.content, lost.ceiling, lost.steps, lost.governing) == ("lost", "unknown", (), None)
    assert [part.ceiling for part in (answer.conditions[0], answer.conditions[2])] == ["yes", "yes"]


def test_a_power_is_told_with_the_project_it_comes_from() -> None:
    for action in ("rename", "create_nested_project", "set_project_rules", "delete"):
        answer = can(house(), "lea", action, "q")
        assert (answer.verdict, answer.because, answer.at) == ("allowed", "project_leader", "p"), action
        assert answer.conditions[-1].content == "q"
        refused = can(house(), "ann", action, "q")
        assert (refused.verdict, refused.because, refused.at) == ("denied", "not_leader", None), action


def test_the_conditions_missing_are_those_that_are_not_met() -> None:
    answer = can(house(), "ann", "web_overwrite", "w")
    assert [part.because for part in missing(answer)] == ["default_deny", "not_read", "default_deny", "default_deny"]
    assert because(answer)[0] == ("allowed", "ok")
    assert missing(can(house(), "adm", "rename", "q")) == ()


def test_targets_are_all_projects_by_path_with_what_each_answers() -> None:
    found = targets(house(), "ann", "move", "w")
    assert [(place, answer.verdict, answer.because) for place, answer in found] == [
        ("p", "denied", "default_deny"),
        ("q", "denied", "default_deny"),
        ("Personal Space", "denied", "not_owner"),
    ]
    assert [answer.content for _, answer in targets(house(), "bob", "move", "w")] == ["w", "w", "w"]


def test_a_switch_that_turns_the_answer_is_told_with_its_value_as_people_write_it() -> None:
    held = site(
        project("p"), workbook("w", "p", "user:ann +Read"), workbook("x", "p", "user:ann +Other"), users=["ann:Viewer"]
    )
    answer = with_disputes(lambda s: can(held, "ann", "save_custom_view", "w", open_points=s))
    assert [tuple(d[:4]) for d in answer.disputed] == [("custom_views_need_filter", "on", "denied", "default_deny")]
    start = OpenPoints(custom_views_need_filter=True)
    answer = with_disputes(lambda s: can(held, "ann", "save_custom_view", "w", open_points=s), start)
    assert [tuple(d[:4]) for d in answer.disputed] == [("custom_views_need_filter", "off", "allowed", "user_allow")]
    assert rule("user:ann +Read") in answer.conditions[1].deciding


def view_in(place: str, *, tabs: bool, mode: str = "ManagedByOwner", book: str = "w") -> Answer:
    """Whether ann may edit the rules of a view; the project p lies in one that was not read."""
    held = site(
        project("p", "lost", mode=mode),
        workbook("w", place, tabs=tabs),
        workbook("v", book, "user:ann +ChangePermissions", kind="view"),
        users=["ann:Creator"],
    )
    return can(held, "ann", "set_view_rules", "v")


def test_a_view_under_a_parent_that_perhaps_locks() -> None:
    """Shown tabs are reason enough; without them nobody knows."""
    hidden = view_in("p", tabs=False)
    assert because(hidden) == [("allowed", "ok"), ("unknown", "not_read")]
    assert (hidden.verdict, hidden.because, hidden.conditions[0].fact) == ("unknown", "not_read", "hidden tabs")
    assert hidden.conditions[1].content == "p"
    shown = view_in("p", tabs=True)
    assert because(shown) == [("denied", "tabs_shown"), ("unknown", "not_read")]
    assert shown.verdict == "denied"
    locked = view_in("p", tabs=False, mode="LockedToProject")
    assert because(locked)[:2] == [("denied", "locked_project"), ("allowed", "ok")]


def test_a_view_of_which_more_was_not_read() -> None:
    of_lost_project = view_in("nowhere", tabs=False)
    assert because(of_lost_project) == [("unknown", "not_read")]
    assert of_lost_project.conditions[0].content == "w"
    of_lost_book = view_in("p", tabs=False, book="gone")
    assert because(of_lost_book) == [("unknown", "not_read")]
    assert of_lost_book.conditions[0].content == "gone"
