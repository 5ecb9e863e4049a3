"""Several sites from outside: one answer, one log, one mail, one exit code, and what fails on one holds no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Ended, run
from inbox import open_inbox

from tabwarden.plan.plan import SiteIdentity
from tabwarden.run.history import open_every_site, opened, sites_kept
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.store.journal import only_writer

LEAVER, SOFIA = "lina.keller@acme.example", "sofia.weber@acme.example"


def written(folder: Path, text: str) -> Path:
    (folder / "settings.yaml").write_text(text, encoding="utf-8")
    return folder / "settings.yaml"


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Sandbox, Sandbox]]:
    with running("acme") as acme, running("w0") as small:
        yield acme, small


def several(folder: Path, servers: tuple[Sandbox, Sandbox], *, secret: str = "sec", mail: Any = None) -> None:
    """Three sites of two servers in one file; the token of the second is right or wrong."""
    acme, small = servers
    mail = mail or {"enabled": False}
    (folder / "joiners.csv").write_text("Email Address\nnew@acme.example\n")
    (folder / "leavers.csv").write_text("Email Address\nnobody@acme.example\n")
    written(
        folder,
        f"""\
tableau:
  server: {acme.url}
  auth: {{pat: {{name: tabwarden, secret: "plain:acme-demo-secret"}}}}
sites:
  - acme-lab
  - "acme-*"
  - site: sandbox
    settings:
      tableau: {{server: "{small.url}", auth: {{pat: {{name: tok, secret: "plain:{secret}"}}}}}}
sources:
  joiners: {{type: file, path: joiners.csv, min_rows: 0}}
  leavers: {{type: file, path: leavers.csv, min_rows: 0}}
provision:
  group: {{name: Viewers of Tabwarden}}
mail: {json.dumps(mail)}
store: {{folder: store}}
logs: {{folder: logs}}
""",
    )


def typed(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> Ended:
    monkeypatch.chdir(folder)
    return run(*words)


def test_all_sites_are_read_and_one_that_fails_holds_no_other(
    servers: tuple[Sandbox, Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(tmp_path, servers, secret="wrong")
    ended = typed(tmp_path, monkeypatch, "read", "--site", "all", "--json")
    assert ended.exit_code == 1, ended.output
    sites = json.loads(ended.stdout)["sites"]
    assert [(one["site"], one["exit_code"]) for one in sites] == [
        ("acme-lab", 0), ("sandbox", 1), ("acme-europe", 0),
    ]  # fmt: skip
    assert "401001" in sites[1]["error"]["message"]
    assert [one.content_url for one in sites_kept("store")] == ["acme-europe", "acme-lab"]
    shown = typed(tmp_path, monkeypatch, "what", "admin", "--site", "all")
    assert shown.exit_code == 0
    assert [line.split("\t")[0] for line in shown.stdout.splitlines()] == ["Site", "Acme Europe", "Acme Lab"]
    who = typed(tmp_path, monkeypatch, "list", "groups", "--site", "acme-?*", "--csv")
    assert {line.split(",")[0] for line in who.stdout.splitlines()[1:]} == {"acme-europe", "acme-lab"}
    fitting = typed(tmp_path, monkeypatch, "list", "users", "--site", "acme-*")
    assert (fitting.exit_code, "sandbox" in fitting.output) == (0, False)
    ended = typed(tmp_path, monkeypatch, "list", "users", "--site", "all")
    assert ended.exit_code == 1
    assert "sandbox: was not read yet" in ended.stderr


def test_a_run_of_all_sites_is_one_log_one_mail_and_one_exit_code(
    servers: tuple[Sandbox, Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_inbox() as inbox:
        several(tmp_path, servers, secret="wrong", mail=inbox.settings)
        ended = typed(tmp_path, monkeypatch, "run", "provision", "--all-sites")
        assert ended.exit_code == 1, ended.output
        (mail,) = inbox
    (log,) = (tmp_path / "logs").iterdir()
    text = log.read_text(encoding="utf-8")
    for site in ("acme-europe", "acme-lab"):
        assert f" | INFO | {site}: 3 changes done" in text
    assert "| ERROR | sandbox: " in text
    assert "3 sites: 1 with an error, 2 well; exit code 1" in str(mail.get_body(("plain",)))
    locks = sorted(path.name.rpartition("-")[0] for path in (tmp_path / "store" / "locks").iterdir())
    assert locks == ["acme-europe", "acme-lab"]
    again = typed(tmp_path, monkeypatch, "run", "provision", "--site", "acme*")
    assert again.exit_code == 0
    assert again.stdout.count("well\tnothing to do; exit code 0") == 2
    rows = (tmp_path / "store" / "good-runs.jsonl").read_text().splitlines()
    assert len(rows) == 2


def test_a_job_of_cron_whose_settings_are_broken_is_logged_and_mailed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_inbox() as inbox:
        written(tmp_path, f"tableau: {{server: x}}\nmail: {json.dumps(inbox.settings)}\nlogs: {{folder: logs}}\n")
        ended = typed(tmp_path, monkeypatch, "run", "provision", "--site", "all")
        assert ended.exit_code == 1
        (mail,) = inbox
    (log,) = (tmp_path / "logs").iterdir()
    assert "`tableau.auth` is missing" in log.read_text(encoding="utf-8")
    assert "the settings cannot be used" in str(mail.get_body(("plain",)))


def test_the_same_job_twice_is_told_of_each_site_at_work(
    servers: tuple[Sandbox, Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(tmp_path, servers)
    lab = next(site for site in find_world("acme").sites if site.content_url == "acme-lab")
    with only_writer(tmp_path / "store", SiteIdentity(servers[0].url, "acme-lab", lab.id, lab.name)):
        ended = typed(tmp_path, monkeypatch, "run", "provision", "--site", "acme-*", "--json")
    assert ended.exit_code == 1
    codes = {one["site"]: one["exit_code"] for one in json.loads(ended.stdout)["sites"]}
    assert codes == {"acme-lab": 1, "acme-europe": 0}
    (log,) = (tmp_path / "logs").iterdir()
    assert "| ERROR | acme-lab: `acme-lab` is being written to by process" in log.read_text(encoding="utf-8")


def test_plans_of_all_sites_are_kept_each_and_the_worst_code_counts(
    servers: tuple[Sandbox, Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(tmp_path, servers)
    (tmp_path / "joiners.csv").write_text("Email Address\nplanned@acme.example\n")
    (tmp_path / "leavers.csv").write_text("Email Address\nada\n")  # who signs in on one of them
    ended = typed(tmp_path, monkeypatch, "plan", "provision", "--site", "all", "--out", "p.json", "--json")
    assert ended.exit_code == 3, ended.output
    sites = {one["site"]: one["exit_code"] for one in json.loads(ended.stdout)["sites"]}
    assert sites == {"acme-europe": 2, "acme-lab": 2, "sandbox": 3}
    assert {path.name for path in tmp_path.glob("p.*.json")} == {f"p.{site}.json" for site in sites}


def test_whoever_leaves_is_told_with_all_sites_and_taken_from_all(
    servers: tuple[Sandbox, Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(tmp_path, servers)
    assert typed(tmp_path, monkeypatch, "read", "--site", "acme-*").exit_code == 0
    both = [set(site.users_named(name)) for site in open_every_site("store") for name in (LEAVER,)]
    assert all(both), "the world has somebody on both"
    (tmp_path / "joiners.csv").write_text("Email Address\n")
    (tmp_path / "leavers.csv").write_text(f"Email Address\n{LEAVER}\n")
    one = typed(tmp_path, monkeypatch, "plan", "provision", "--site", "acme-lab", "--json")
    (other,) = json.loads(one.stdout)["leavers_elsewhere"]
    assert (other["person"], other["site"], other["user"]) == (LEAVER, "acme-europe", LEAVER)
    plans = typed(tmp_path, monkeypatch, "plan", "provision", "--site", "acme-*", "--csv", "--part", "leavers")
    assert plans.exit_code == 2
    assert [line.split(" (")[0] for line in plans.stdout.splitlines()] == [
        "site,person,also_on", f"acme-lab,{LEAVER},acme-europe", f"acme-europe,{LEAVER},acme-lab",
    ]  # fmt: skip
    done = typed(tmp_path, monkeypatch, "apply", "last", "--site", "acme-*")
    assert (done.exit_code, done.stdout.count("changes done") + done.stdout.count("change done")) == (0, 2)
    assert typed(tmp_path, monkeypatch, "read", "--site", "acme-*").exit_code == 0
    shown = typed(tmp_path, monkeypatch, "what", LEAVER, "--site", "all", "--json")
    assert [row["site_role"] for row in json.loads(shown.stdout)] == ["Unlicensed", "Unlicensed"]
    again = typed(tmp_path, monkeypatch, "apply", "last", "--site", "acme-*")
    assert (again.exit_code, again.stdout.count("no plan waits")) == (0, 2)


def test_mirrors_of_two_sites_of_one_name_do_not_take_each_others_place(
    servers: tuple[Sandbox, Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, _ = servers
    with running("acme") as other:
        item = f"{{site: acme-lab, settings: {{tableau: {{server: '{other.url}'}}}}}}"
        text = (
            f"tableau:\n  server: {acme.url}\n  auth: {{pat: {{name: tabwarden, secret: acme-demo-secret}}}}\n"
            f"sites:\n  - acme-lab\n  - {item}\nstore: {{folder: store}}\n"
            "mirror: {sinks: [{type: csv, folder: m}]}\n"
        )
        written(tmp_path, text)
        assert typed(tmp_path, monkeypatch, "read", "--site", "all").exit_code == 0
        ended = typed(tmp_path, monkeypatch, "mirror", "--site", "all")
        assert (ended.exit_code, ended.stderr.count("`acme-lab` is what mirrors would call several")) == (1, 2)
        assert not (tmp_path / "m").exists()
        written(
            tmp_path,
            text.replace("settings: {", "settings: {mirror: {source: other, sinks: [{type: csv, folder: m}]}, "),
        )
        ended = typed(tmp_path, monkeypatch, "mirror", "--site", "all")
        assert ended.exit_code == 0, ended.output
        assert sorted(path.name for path in (tmp_path / "m").glob("[a-z]*")) == ["acme-lab", "other"]


def test_words_that_mean_no_several_sites_are_told(
    servers: tuple[Sandbox, Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(tmp_path, servers)
    for words, told in (
        (("read",), "say which with `--site NAME`, or `--site all`"),
        (("read", "--site", "nope"), "`nope` is no site of `sites`"),
        (("read", "--site", "nope*"), "`nope*` means no site"),
        (("read", "--site", "acme", "--all-sites"), "`--all-sites` is `--site all`"),
        (("lint", "--site", "all", "--on", "3"), "`3` is a snapshot of one site"),
    ):
        ended = typed(tmp_path, monkeypatch, *words)
        assert ended.exit_code == 1, words
        assert told in ended.stderr, ended.stderr


def test_whoever_leaves_is_told_with_all_sites_by_a_store_in_a_database(
    servers: tuple[Sandbox, Sandbox],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgres_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    several(tmp_path, servers)
    text = (tmp_path / "settings.yaml").read_text(encoding="utf-8")
    by_url = text.replace("store: {folder: store}", f"store: {{folder: store, url: {json.dumps(postgres_url)}}}")
    written(tmp_path, by_url)
    (tmp_path / "joiners.csv").write_text("Email Address\n")
    (tmp_path / "leavers.csv").write_text(f"Email Address\n{SOFIA}\n")
    planned = ("plan", "provision", "--site", "acme-lab", "--json")
    first = typed(tmp_path, monkeypatch, *planned)
    assert (first.exit_code, json.loads(first.stdout)["leavers_elsewhere"]) == (2, [])  # nothing was read yet
    assert typed(tmp_path, monkeypatch, "read", "--site", "acme-*").exit_code == 0
    (other,) = json.loads(typed(tmp_path, monkeypatch, *planned).stdout)["leavers_elsewhere"]
    assert (other["person"], other["site"], other["user"]) == (SOFIA, "acme-europe", SOFIA)
    with opened(postgres_url) as history:
        for snapshot in history.snapshots():
            assert history.people(snapshot.number).users == history.open(snapshot.number).users
    written(tmp_path, by_url.replace("/history_", "/gone_"))
    gone = typed(tmp_path, monkeypatch, *planned)
    assert (gone.exit_code, json.loads(gone.stdout)["leavers_elsewhere"]) == (2, [])
    assert "where else whoever leaves is a user is not known: the history" in caplog.text
