"""What people get to read of a plan and a run: the headline, tables, the JSON, the mail, and what it costs."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from paths import ROOT
from people_site import GROUP, joiners, leavers, site
from provisioning import STAFF, Bench, bench, staff, world

from support import command_line
from tabwarden.effects.change import carried_out
from tabwarden.plan.impact import impact
from tabwarden.plan.order import diff
from tabwarden.plan.plan import Plan, SiteIdentity
from tabwarden.plan.stops import Limit, over_limit
from tabwarden.report.plans import headline, plan_json, plan_table, stop_words
from tabwarden.report.screen import Pen, drawn
from tabwarden.want.provision import Policy, Tasks, want

sys.path.insert(0, str(ROOT / "benchmarks"))
SITE = SiteIdentity("https://tableau.example", "sales", "s", "Sales")


def planned(joining: list[str], leaving: list[str]) -> Plan:
    now = site({"ada": "ServerAdministrator", **dict.fromkeys(staff(5), "Viewer")}, tuple(staff(5)))
    wanted = want(now, joiners(*joining), leavers(*leaving), Tasks(add_joiners_to_group=False), Policy(GROUP))
    changes = diff(now, wanted.site, wanted.why)
    told = impact(now, carried_out(now, changes), len(wanted.held))
    return Plan("provision", SITE, "2026-11-21T10:00:00Z", changes, held=wanted.held, impact=told)


def printed(plan: Plan) -> str:
    return "\n".join(drawn([plan_table(plan)], Pen(200)))


# -- plans in words ----------------------------------------------------------------------------------------------


def test_the_headline_says_what_happens_to_people() -> None:
    plan = planned([*staff(12, 100), "both@a.example"], [*staff(3), "both@a.example"])
    assert headline(plan) == "12 people join, 3 lose their licence, 1 held: joiner and leaver at once"
    assert headline(planned(["new"], [staff(1)[0]])) == "1 person joins, 1 loses the licence"
    assert headline(planned([], [])) == "nothing to change"


def test_the_table_shows_each_change_with_its_reason_and_who_is_held() -> None:
    text = printed(planned(["new", "both"], [staff(1)[0], "both"]))
    assert "add user `new` as Unlicensed" in text
    assert "leaver, row 1 of leavers.csv" in text
    assert "take the person out of one of the lists" in text


def test_long_plans_are_cut_and_say_so() -> None:
    text = printed(planned(staff(100, 100), staff(3)))
    assert "and 92 more; `--limit 0` shows all" in text
    assert text.count("add user") == 8 + 1
    assert "set user `p0000@a.example` from Viewer to Unlicensed" in text


def test_names_are_shown_as_they_are_and_not_as_markup() -> None:
    assert "[red]x[/red]@a.example" in printed(planned(["[red]x[/red]@a.example"], []))


def test_json_has_the_headline_and_no_seal() -> None:
    told = plan_json(planned(["new"], []))
    assert (told["headline"], told["steps"], "seal" in told) == ("1 person joins", {"add_user": 1}, False)
    assert json.loads(json.dumps(told)) == told


def test_a_stop_is_told_with_base_limit_and_number_in_words() -> None:
    stop = over_limit("licences-lost", 400, Limit(5, 10), 57, "57 of 400 licensed users lose their licence")
    assert stop_words(stop) == (
        "stop licences-lost: 57 of 400 licensed users lose their licence; the limit is 40, the larger of 5 and "
        "10 % of 400; look at the plan; if it is right, say `--accept licences-lost=57`"
    )
    limits = (Limit(5, 0), Limit(0, 20), Limit(0, 0))
    assert [limit.words(100) for limit in limits] == ["5", "20, which is 20 % of 100", "0"]
    table = printed(replace(planned([], []), stops=(stop,)))
    assert all(heading in table for heading in ("Stop ", "Why it stops", "What to do"))


def test_a_failure_is_told_with_name_step_code_and_remedy() -> None:
    (change,) = planned(["new"], []).changes
    assert change.not_done("400003", "do this") == "user `new` was not added to the site (400003): do this"


# -- mail --------------------------------------------------------------------------------------------------------


@dataclass
class Inbox:
    """Keeps what arrives."""

    received: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    kept = Inbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield kept, port
    finally:
        controller.stop()


def mail_to(port: int) -> dict[str, object]:
    people = ["admins@a.example", "desk@a.example"]
    return {
        "enabled": True,
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "from": "tw@a.example",
        "to": people,
    }


def run(desk: Bench, *words: str) -> int:
    asked = ["run", "provision", "--settings", str(desk.settings_path), *words]
    return command_line.run(*asked, env=desk.environment).exit_code


def test_a_run_with_a_stop_or_an_error_sends_one_mail_with_its_log(tmp_path: Path, inbox: tuple[Inbox, int]) -> None:
    received, port = inbox[0].received, inbox[1]
    with bench(tmp_path) as desk:
        desk.more = {"mail": mail_to(port), "logs": {"folder": str(tmp_path / "logs")}}
        desk.joiners("new@a.example")
        assert run(desk) == 0
        assert received == []
        desk.leavers("ada")
        assert run(desk) == 3
        (message,) = received
        assert message["To"] == "admins@a.example, desk@a.example"
        body, log = [part.get_content() for part in message.walk() if not part.is_multipart()]
        assert "stopped by lock-out: nothing was written; exit code 3" in body
        assert "ERROR | stop lock-out: the user who runs this, `ada`, would be locked out" in log
        desk.lists["leavers"].unlink()
        assert run(desk) == 3
        assert len(received) == 2


def test_a_run_that_cannot_sign_in_is_told_by_mail_too(tmp_path: Path, inbox: tuple[Inbox, int]) -> None:
    with bench(tmp_path) as desk:
        desk.more = {"mail": mail_to(inbox[1]), "logs": {"folder": str(tmp_path / "logs")}}
        desk.joiners("new@a.example")
        desk.token = "nobody"
        assert run(desk) == 1
        (message,) = inbox[0].received
        (log,) = message.iter_attachments()
        assert "401001" in log.get_content()


def test_a_mail_that_fails_changes_nothing_of_the_result(tmp_path: Path) -> None:
    people = staff(12)
    with bench(tmp_path, world(STAFF | dict.fromkeys(people, "Viewer"))) as desk:
        desk.more = {"mail": mail_to(1), "logs": {"folder": str(tmp_path / "logs")}}
        desk.stops = {}
        desk.leavers(*people)
        assert run(desk) == 3
        assert run(desk, "--accept", "licences-lost=12") == 0
        logs = sorted((tmp_path / "logs").glob("*.log"), key=lambda path: path.stat().st_mtime_ns)
        assert "WARNING | the mail was not sent" in logs[0].read_text()


# -- cost --------------------------------------------------------------------------------------------------------


def test_each_way_stays_within_its_requests_and_the_seed_takes_what_it_takes() -> None:
    from provisioning_calls import SEED, costs

    found = {cost.way.api_version: cost for cost in costs(100)}
    assert [cost.is_within for cost in found.values()] == [True] * 4
    assert found[SEED.api_version].requests == 7 * 100 + 10
    assert found["3.27"].requests < found["3.21"].requests < found["3.14"].requests < 7 * 100
