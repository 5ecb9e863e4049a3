"""Several sites in one run: which are meant, side by side, and what fails on one holds no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Ended, run
from inbox import open_inbox
from sites_that_die import Meeting, Watched, done
from watchdog import patience

from tabwarden.model.errors import SettingsError, UnknownName
from tabwarden.places import Meant, about
from tabwarden.run.history import sites_kept
from tabwarden.run.sites import OneSite, side_by_side, sites_meant
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.state.personality import personality
from tabwarden.settings import load, sites_named

A, B = "https://a.example.com", "https://b.example.com"
WRITTEN = f"""\
tableau:
  server: {A}
  auth: {{pat: {{name: one, secret: env:A}}}}
stops:
  licences_lost: {{count: 7, percent: 9}}
sites:
  - finance
  - "emea-*"
  - site: [emea-lab, Default]
    settings:
      stops: {{licences_lost: {{count: 1, percent: 1}}}}
  - site: all
    settings:
      tableau: {{server: {B}, auth: {{pat: {{name: two, secret: env:B}}}}}}
      provision: {{remove_leavers: true}}
"""


def written(folder: Path, text: str) -> Path:
    (folder / "settings.yaml").write_text(text, encoding="utf-8")
    return folder / "settings.yaml"


# -- the list --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "server", "site", "count", "removed"),
    [
        ("finance", A, "finance", 7, False),
        ("FINANCE", A, "FINANCE", 7, False),
        (f"{A}/#/site/emea-north", A, "emea-north", 7, False),
        ("emea-lab", A, "emea-lab", 1, False),
        ("Default", A, "", 1, False),
        (f"{A}/#", A, "", 1, False),
        ("hr", B, "hr", 7, True),
        (f"{B}/#/site/finance", B, "finance", 7, True),
        (f"{B}/#/site/finance/workbooks", B, "finance", 7, True),
    ],
)
def test_what_is_written_for_a_site_stands_in_place_of_what_is_common(
    tmp_path: Path, words: str, server: str, site: str, count: int, removed: bool
) -> None:
    path = written(tmp_path, WRITTEN)
    with about(Meant(words)):
        settings = load(path, {"A": "a-secret", "B": "b-secret"})
    assert (settings.tableau.server, settings.tableau.site) == (server, site)
    assert (settings.stops.licences_lost.count, settings.provision.remove_leavers) == (count, removed)
    assert settings.stops.users_added.count == 20


def test_a_secret_of_one_server_holds_no_site_of_another(tmp_path: Path) -> None:
    path = written(tmp_path, WRITTEN)
    with about(Meant("finance")):
        assert load(path, {"A": "a-secret"}).tableau.site == "finance"
    with about(Meant("hr")), pytest.raises(SettingsError, match=r"settings\.yaml:14: `tableau\.auth\.pat\.secret`"):
        load(path, {"A": "a-secret"})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (f"{A}/#/site/hr", "`https://a.example.com/#/site/hr` is no site of `sites`"),
        ("emea-north", "`emea-north` is on several servers; say which with `--site`"),
        ("https://c.example.com/#/site/x", "is no site of `sites`"),
    ],
)
def test_a_site_that_the_list_does_not_know_is_refused(tmp_path: Path, words: str, told: str) -> None:
    path = written(tmp_path, WRITTEN)
    with about(Meant(words)), pytest.raises(SettingsError, match=re.escape(told)):
        load(path, {"A": "a-secret", "B": "b-secret"})
    with about(Meant(words, of_history=True)):  # a question to what was kept goes on
        assert load(path, {"A": "a-secret", "B": "b-secret"}).tableau.site == ""


def test_one_name_on_two_servers_is_asked_about(tmp_path: Path) -> None:
    text = WRITTEN.replace("site: all", "site: [finance, all]")
    with about(Meant("finance")), pytest.raises(SettingsError, match="is on several servers; say which with `--site`"):
        load(written(tmp_path, text), {"A": "a-secret", "B": "b-secret"})


def test_whoever_names_none_is_asked_which(tmp_path: Path) -> None:
    settings = load(written(tmp_path, WRITTEN), {"A": "a-secret"})
    with pytest.raises(SettingsError, match="say which with `--site NAME`, or `--site all`"):
        settings.of_one_site()
    one = (
        "tableau: {server: 'https://a.example.com', site: finance, auth: {pat: {name: one, secret: x}}}\nsites: [hr]\n"
    )
    assert load(written(tmp_path, one), {}).of_one_site().tableau.site == "finance"
    assert load(written(tmp_path, one.replace("site: finance, ", "")), {}).of_one_site().tableau.site == "hr"


def test_every_problem_of_the_list_with_its_line(tmp_path: Path) -> None:
    text = (
        "tableau: {server: 'https://a.example.com', auth: {pat: {name: one, secret: x}}}\nsites:\n"
        "  - site: 7\n  - site: x\n    settings: {store: {folder: other}, stopps: {}}\n    server: y\n"
        "  - site: z\n    settings: [one]\n"
    )
    with pytest.raises(SettingsError) as told:
        load(written(tmp_path, text), {})
    lines = "\n".join(told.value.problems)
    for words in (
        ":3: `sites[1]` must name sites",
        ":5: `sites[2].settings.store` stands once for all sites",
        ":5: `sites[2].settings.stopps` is no section",
        ":6: `sites[2].server` is no key of it",
        ":8: `sites[3].settings` must be a mapping",
    ):
        assert words in lines, lines


def test_secrets_of_the_list_are_sealed(tmp_path: Path) -> None:
    from tabwarden.secrets import find_keys, make_key_file
    from tabwarden.settings.seal import seal

    make_key_file(tmp_path / "key")
    keys = find_keys(tmp_path, {})
    assert keys is not None
    sealed, count = seal(WRITTEN.replace("env:B", "in-the-open"), keys)
    assert count == 1
    assert "in-the-open" not in sealed
    with about(Meant("hr")):
        settings = load(written(tmp_path, sealed), {"A": "a-secret"})
    assert settings.tableau.auth.pat is not None
    assert settings.tableau.auth.pat.secret.get_secret_value() == "in-the-open"


# -- side by side ----------------------------------------------------------------------------------------------


def test_a_process_that_is_ended_is_a_sentence_and_the_others_are_done() -> None:
    sites = [
        OneSite(A, url, problem="is not there" if url == "gone" else "") for url in ("x", "killed", "gone", "left")
    ]
    ended = side_by_side(sites, done, hear=lambda _done, _one: None)
    assert [one.site.url for one in ended] == ["x", "killed", "gone", "left"]
    assert str(ended[0].value).startswith("x in ")
    assert "its process was ended by signal 9, as where memory runs out" in ended[1].problem
    assert f"`--site {A}/#/site/killed`" in ended[1].problem
    assert ended[2].problem == "is not there"
    assert "its process was ended with code 3" in ended[3].problem


def test_side_by_side_as_the_server_and_its_token_allow(tmp_path: Path) -> None:
    (tmp_path / "met").mkdir()
    (tmp_path / "watched").mkdir()

    def beside(*sites: OneSite) -> int:
        ended = side_by_side(sites, Watched(tmp_path / "watched"), hear=lambda _done, _one: None)
        return max(9 if one.value is None else one.value for one in ended)

    two = [OneSite(A, f"a{n}", at_once=2) for n in range(4)]
    assert beside(*two) <= 1
    token = [OneSite(A, f"t{n}", at_once=4, lane="a token") for n in range(3)]
    assert beside(*token) == 0
    other = OneSite(B, "b1", at_once=4, lane="a token of b")
    assert beside(*token, other) <= 1
    met = side_by_side([token[0], other], Meeting(tmp_path / "met", patience(20)), hear=lambda _done, _one: None)
    assert [one.value for one in met] == [True, True]


# -- from outside ----------------------------------------------------------------------------------------------


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
    asked = typed(tmp_path, monkeypatch, "list", "users", "--site", "all")
    assert asked.exit_code == 1
    assert "sandbox: was not read yet" in asked.stderr


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


def test_a_server_that_lists_no_sites_is_told(tmp_path: Path) -> None:
    with running("acme", plays=personality("cloud")) as cloud:
        path = written(
            tmp_path,
            f"tableau:\n  server: {cloud.url}\n  auth: {{pat: {{name: tabwarden, secret: acme-demo-secret}}}}\n"
            "sites: [acme-lab, 'acme*']\n",
        )
        lab, rest = sites_meant("all", path)
    assert (lab.url, lab.problem) == ("acme-lab", "")
    assert "are not listed to who signs in on `acme-lab`" in rest.problem
    with pytest.raises(UnknownName, match="means no site"):
        sites_meant("x*", written(tmp_path, "tableau: {server: 'http://127.0.0.1:9'}\nsites: [a]\n"), "settings")


def test_the_list_is_told_in_its_order(tmp_path: Path) -> None:
    named = sites_named(written(tmp_path, WRITTEN), {})
    assert [(one.words, one.server) for one in named] == [
        ("finance", A), ("emea-*", A), ("emea-lab", A), ("", A), ("all", B),
    ]  # fmt: skip
