"""settings.yaml: every problem at once with its line, and the environment over the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabwarden.model.errors import SettingsError
from tabwarden.settings import load
from tabwarden.sources.sql import SqlSource

SMALL = """\
tableau:
  server: https://tableau.example.com
  auth:
    pat: {name: tok, secret: "hush-hush-hush"}
"""


def written(folder: Path, text: str, name: str = "settings.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str, **environ: str) -> list[str]:
    """The problems without the folder, as `LINE: text`, or with the variable's name in front."""
    path = written(folder, text)
    with pytest.raises(SettingsError) as caught:
        load(path, environ)
    return [line.replace(f"{path}:", "") for line in caught.value.problems]


def test_small_settings_have_the_designed_defaults(tmp_path: Path) -> None:
    settings = load(written(tmp_path, SMALL), {})
    tasks = settings.provision.model_dump(
        exclude={"group", "auth_setting", "assets_to", "idp_configuration_id", "protected", "bulk"}
    )
    assert tasks == {
        "add_joiners": True,
        "add_joiners_to_group": True,
        "set_joiners_viewer": False,
        "remove_leavers_from_group": True,
        "set_leavers_unlicensed": True,
        "add_leavers_to_group": False,
        "remove_leavers": False,
        "remove_leavers_from_all_groups": False,
        "change_auth": False,
    }
    assert {name: (limit["count"], limit["percent"]) for name, limit in settings.stops.model_dump().items()} == {
        "source_shrank": (0, 20),
        "licences_lost": (5, 10),
        "users_removed": (5, 5),
        "users_added": (20, 20),
        "memberships_removed": (20, 10),
        "rules_removed": (20, 10),
        "unlisted_leave": (0, 0),
    }
    assert settings.tableau.site == ""
    assert (settings.logs.folder, settings.logs.retention_days) == (tmp_path / "logs", 90)
    assert settings.store.folder == tmp_path / ".tabwarden"
    assert settings.mail.enabled is False
    assert settings.sources.joiners is None


def test_every_problem_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
tableau:
  sever: https://tableau.example.com
  auth:
    pat: {name: tok, secrt: hush}
  api_version: 3.16
  retries: often
sources:
  joiners:
    type: fiel
  leavers:
    type: sql
    driver: snowflake
    connect:
      account: a
      password: env:NOT_SET
    query: select 1
    table: a.b.c.people
    column:
      nam: Email
provision:
  group: {name: G, minimum_site_role: overseer}
  protected: 5
stops: {licences_lost: {percent: 200}}
mail:
  enabled: true
  to: [5, nobody]
  sujbect: hi
loggs: {}
"""
    found = problems(tmp_path, text, TABWARDEN_MAIL__PORT="many", TABWARDEN_STORE_FOLDER="x")
    starts = {
        "1: `tableau.server` is missing",
        "2: there is no setting `tableau.sever`; did you mean `server`?",
        "4: `tableau.auth.pat.secret` is missing",
        "4: there is no setting `tableau.auth.pat.secrt`; did you mean `secret`?",
        "5: `tableau.api_version` must be text; put the value into quotes",
        "6: `tableau.retries` must be a whole number",
        "9: `sources.joiners.type` must be `file`, `sql`, `python` or `ldap`",
        "10: `sources.leavers` has both `query` and `table`; keep one",
        "15: `sources.leavers.connect.password`: environment variable `NOT_SET` is not set",
        "17: `sources.leavers.table` must be a table name",
        "19: there is no setting `sources.leavers.column.nam`; did you mean `name`?",
        "21: `provision.group.minimum_site_role` must be `Viewer`, `Explorer`",
        "22: `provision.protected` must be a list",
        "23: `stops.licences_lost.percent` must be at most 100",
        "24: `mail.host` is missing and `mail.enabled` needs it",
        "24: `mail.from` is missing and `mail.enabled` needs it",
        "26: `mail.to[1]` must be text",
        "26: `mail.to[2]` must be a mail address",
        "27: there is no setting `mail.sujbect`; did you mean `subject`?",
        "28: there is no setting `loggs`; did you mean `logs`?",
        "environment variable `TABWARDEN_MAIL__PORT`: `mail.port` must be a whole number",
        "environment variable `TABWARDEN_STORE_FOLDER`: has one underscore after the section; write `TABWARDEN_STORE__",
    }
    assert {start for start in starts if not any(line.startswith(start) for line in found)} == set()
    assert len(found) == len(starts), found
    lines = [int(line.split(":")[0]) for line in found if line[0].isdigit()]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("tableau:\n  server: [\n", "3: not valid YAML"),
        ("tableau:\n  auth: {}\n bad\n", "3: not valid YAML"),
        ("- a\n- b\n", "1: must be a mapping of sections"),
        (SMALL + "tableau: {}\n", "5: `tableau` is there twice, first in line 1; keep one"),
        (SMALL + "logs: &a {folder: *a}\n", "5: `logs.folder` holds itself"),
        (SMALL + "logs: {folder: 2024-13-45}\n", "5: `logs.folder` looks like a date and is none"),
        (SMALL + "logs: !!python/name:os.system\n", "5: not valid YAML"),
        (SMALL + "logs: []\n", "5: `logs` must be a mapping with the keys `folder`, `level`"),
        (SMALL + "logs: {json: perhaps}\n", "5: `logs.json` must be true or false"),
        (SMALL + "folder: x\n", "5: there is no setting `folder`; did you mean `logs.folder`?"),
        (SMALL + "server: x\n", "5: there is no setting `server`; did you mean `"),
        (SMALL + "verify_tls: false\n", "5: there is no setting `verify_tls`; certificates are always verified"),
        (
            SMALL + "  proxy: http://proxy\n",
            "5: there is no setting `tableau.proxy`; a proxy is taken from the environment",
        ),
        (SMALL + "\u00a0 timeout: 3\n", "5: `\u00a0 timeout` begins or ends with white space that is no plain space"),
        (SMALL + "---\nlogs: {}\n", "5: a second document begins with `---`"),
        (SMALL + "logs:\n<<<<<<< HEAD\n  json: true\n", "6: a conflict of a merge was left"),
        ('# mine\n[tableau]\nserver = "https://x"\n', "2: a heading in square brackets is TOML or INI"),
        (SMALL + "logs: !ENV FOLDER\n", "5: not valid YAML (column 7); a word that begins with `!` is a tag"),
        (
            SMALL.replace('"hush-hush-hush"', "“hush-hush-hush”"),
            "4: `tableau.auth.pat.secret` stands in typographic quotes",
        ),
        (
            SMALL + "TASKS: {REMOVE_USERS: true}\n",
            "5: `TASKS` is a section of Tab_User_Provisioner; `tabwarden settings",
        ),
        (SMALL.replace("https://", "ftp://"), "2: `tableau.server` must be an address such as"),
        (SMALL.replace(".com", ".com/#/site/x"), "2: `tableau.server` must be the server's address alone"),
        (SMALL.replace("hush-hush-hush", ""), "4: `tableau.auth.pat.secret` is empty"),
        (SMALL + "    password: {username: a, password: b}\n", "5: `tableau.auth` has `pat` and `password`; keep one"),
        ("tableau: {server: https://x, auth: {}}\n", "1: `tableau.auth` says no way to sign in"),
        (
            SMALL + "mail: {to: ['a@x.example;b@x.example']}\n",
            "5: `mail.to[1]` must be one mail address; several are a list",
        ),
        (SMALL + "mail: {user: ada}\n", "5: `mail.user` does nothing without `mail.password`"),
    ],
)
def test_a_problem_is_told_in_its_line(tmp_path: Path, text: str, start: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1, found
    assert found[0].startswith(start)


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        *((one, "is written as other programs write a variable; write `env:` and its name")
          for one in ("${HUSH_PAT}", "$HUSH_PAT", "%HUSH_PAT%", "{{ HUSH_PAT }}", "$env:HUSH_PAT", "env.HUSH_PAT")),
        ("ENV:HUSH_PAT", "is a reference in capital letters; write `env:`"),
        ("env:${HUSH_PAT}", "names a variable with signs around it; write its bare name"),
        ("vault:secret/HUSH_PAT", "names another store of secrets; ask that by `cmd:PROGRAM ARGUMENTS`"),
        ("op://HUSH_PAT/tableau", "names another store of secrets"),
        ("<HUSH_PAT>", "is what stands in place of a secret"),
    ],
)  # fmt: skip
def test_what_other_programs_would_put_something_in_place_of_is_no_value(
    tmp_path: Path, secret: str, words: str
) -> None:
    (told,) = problems(tmp_path, SMALL.replace("hush-hush-hush", secret))
    assert told.startswith(f"4: `tableau.auth.pat.secret` {words}")
    assert "HUSH_PAT" not in told
    load(written(tmp_path, SMALL.replace("hush-hush-hush", f"plain:{secret}")), {})


@pytest.mark.parametrize("secret", ["$ecret", "p%20w%21", "a{{b", "op", "envy", "<<>>x"])
def test_a_password_may_hold_any_sign(tmp_path: Path, secret: str) -> None:
    load(written(tmp_path, SMALL.replace("hush-hush-hush", secret)), {})


@pytest.mark.parametrize(("kept", "odd"), [("hush ", True), ('"hush"', True), ("hush\n", False), ("hu sh", False)])
def test_white_space_and_quotes_around_a_secret_are_told(tmp_path: Path, kept: str, odd: bool) -> None:
    written(tmp_path, kept, "pat.txt")
    settings = load(written(tmp_path, SMALL.replace("hush-hush-hush", "file:pat.txt")), {})
    assert any("begins or ends with white space" in words for words in settings.warnings()) is odd


def test_a_section_for_anchors_alone_stands_under_x(tmp_path: Path) -> None:
    text = "x-log: &log {json: true}\n" + SMALL + "logs: {<<: *log, level: DEBUG}\n"
    logs = load(written(tmp_path, text), {}).logs
    assert (logs.as_json, logs.level) == (True, "DEBUG")


def test_the_nearest_key_is_one_that_is_not_there_yet(tmp_path: Path) -> None:
    jwt = "    jwt: {client_id: a, secret_id: b, username: d, secret: c}\n"
    found = problems(tmp_path, SMALL.replace('    pat: {name: tok, secret: "hush-hush-hush"}\n', jwt))
    assert "4: there is no setting `tableau.auth.jwt.secret`; did you mean `secret_value`?" in found


def test_a_file_in_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes((SMALL + "mail: {subject: Prüfung}\n").encode("cp1252"))
    with pytest.raises(SettingsError, match=r"settings\.yaml:5: is not UTF-8 text"):
        load(path, {})


SOURCE = "provision: {group: {name: G}}\nsources:\n  joiners:\n    "


@pytest.mark.parametrize(
    ("source", "start"),
    [
        ("path: a.csv", "7: `sources.joiners.type` is missing; it must be `file`, `sql`, `python` or `ldap`"),
        ("{type: sql, driver: sqlite}", "7: `sources.joiners` has neither `query` nor `table`"),
        ("{type: python, function: people.py}", "8: `sources.joiners.function` must be `module:function`"),
        (
            "{type: file, path: a, stale_after: 2 weeks, as_of: {column: t}}",
            "8: `sources.joiners.stale_after` must be an age",
        ),
        ("{type: file, path: a, stale_after: 2d}", "8: `sources.joiners.stale_after` does nothing without `as_of`"),
        (
            "{type: file, path: a, stale_after: 2d, as_of: {query: q}}",
            "8: `sources.joiners.as_of.query` needs `type: sql`",
        ),
        ("{type: file, path: a, min_rows: -1}", "8: `sources.joiners.min_rows` must be at least 0"),
        ("{type: file, path: a, connect: {}}", "8: there is no setting `sources.joiners.connect`"),
        ("{type: sql, driver: sqlite, connect: [a], table: t}", "8: `sources.joiners.connect` must be a mapping"),
    ],
)
def test_problems_of_sources(tmp_path: Path, source: str, start: str) -> None:
    found = problems(tmp_path, SMALL + SOURCE + source + "\n")
    assert len(found) == 1, found
    assert found[0].startswith(start)


def test_sources_need_the_group_unless_its_switches_are_off(tmp_path: Path) -> None:
    source = "sources: {joiners: {type: file, path: a.csv}}\n"
    (found,) = problems(tmp_path, SMALL + source)
    assert "`provision.group` is missing and `add_joiners_to_group` and `remove_leavers_from_group` need it" in found
    off = "provision: {add_joiners_to_group: false, remove_leavers_from_group: false}\n"
    assert load(written(tmp_path, SMALL + source + off), {}).provision.group is None


def test_a_source_is_what_was_written(tmp_path: Path) -> None:
    text = (
        SMALL
        + SOURCE
        + (
            "{type: sql, driver: snowflake, connect: {account: acme, password: pass-word-1, login_timeout: 5}, "
            "table: HR.JOINERS, column: Login, stale_after: 36h, as_of: {query: select max(t) from h}}\n"
        )
    )
    source = load(written(tmp_path, text), {}).sources.joiners
    assert isinstance(source, SqlSource)
    assert dict(source.connect) == {"account": "acme", "password": "pass-word-1", "login_timeout": 5}
    assert (source.table, source.column.name, source.stale_after) == ("HR.JOINERS", "Login", 36 * 3600)


def test_paths_are_relative_to_the_settings_file(tmp_path: Path) -> None:
    text = SMALL + SOURCE + "{type: file, path: lists/joiners.csv}\n" + "logs: {folder: /var/log/tabwarden}\n"
    settings = load(written(tmp_path, text), {})
    assert settings.sources.joiners is not None
    assert settings.sources.joiners.path == tmp_path / "lists" / "joiners.csv"  # type: ignore[union-attr]
    assert settings.logs.folder == Path("/var/log/tabwarden")


def test_an_empty_section_holds_its_defaults(tmp_path: Path) -> None:
    assert load(written(tmp_path, SMALL + "mail:\nlogs:\n  level:\n"), {}).logs.level == "INFO"


def test_the_environment_overrides_and_is_named(tmp_path: Path) -> None:
    environ = {
        "TABWARDEN_TABLEAU__SITE": "finance",
        "TABWARDEN_TABLEAU__AUTH__PAT__SECRET": "12345678",
        "TABWARDEN_MAIL__TO": "ada@example.com, bob@example.com",
        "TABWARDEN_MAIL__FROM": "tw@example.com",
        "TABWARDEN_PROVISION__REMOVE_LEAVERS": "true",
        "TABWARDEN_PROVISION__PROTECTED": '["Smith, Ada", "bob"]',
        "TABWARDEN_STOPS__LICENCES_LOST__COUNT": "7",
        "TABWARDEN_SOURCES__JOINERS": '{"type": "sql", "driver": "sqlite", "table": "t"}',
        "TABWARDEN_SOURCES__JOINERS__CONNECT__PASSWORD": "env:ELSEWHERE",
        "TABWARDEN_PROVISION__GROUP__NAME": "G",
        "ELSEWHERE": "far-away-secret",
    }
    settings = load(written(tmp_path, SMALL), environ)
    assert settings.tableau.site == "finance"
    assert settings.tableau.auth.pat is not None
    assert settings.tableau.auth.pat.secret.get_secret_value() == "12345678"
    assert settings.mail.to == ("ada@example.com", "bob@example.com")
    assert settings.provision.remove_leavers is True
    assert settings.provision.protected == ("Smith, Ada", "bob")
    assert (settings.stops.licences_lost.count, settings.stops.licences_lost.percent) == (7, 10)
    assert isinstance(settings.sources.joiners, SqlSource)
    assert settings.sources.joiners.connect["password"] == "far-away-secret"
    assert "far-away-secret" in settings.secrets()


def test_unknown_keys_of_the_environment_are_problems(tmp_path: Path) -> None:
    found = problems(
        tmp_path, SMALL, TABWARDEN_MAIL__SUBJEKT="x", TABWARDEN_MAIIL__TO="x", TABWARDEN_LOGS__LEVEL="LOUD"
    )
    misspelt = "environment variable `TABWARDEN_MAIL__SUBJEKT`: there is no setting `mail.subjekt`; did you mean "
    assert found == [
        "environment variable `TABWARDEN_LOGS__LEVEL`: `logs.level` must be `DEBUG`, `INFO`, `WARNING` or `ERROR`",
        "environment variable `TABWARDEN_MAIIL__TO`: there is no setting `maiil`; did you mean `TABWARDEN_MAIL`?",
        misspelt + "`TABWARDEN_MAIL__SUBJECT`?",
    ]


def test_settings_may_come_from_the_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {
        "TABWARDEN_TABLEAU__SERVER": "https://x.example.com/",
        "TABWARDEN_TABLEAU__AUTH__PASSWORD__USERNAME": "ada",
        "TABWARDEN_TABLEAU__AUTH__PASSWORD__PASSWORD": "ada-ada-ada",
    }
    settings = load(None, environ)
    assert (settings.tableau.server, settings.origin) == ("https://x.example.com", "")
    with pytest.raises(SettingsError, match=r"no settings\.yaml and no settings\.yaml\.aes in this folder"):
        load(None, {})
    del environ["TABWARDEN_TABLEAU__SERVER"]
    with pytest.raises(SettingsError, match=r"^`tableau\.server` is missing|: `tableau\.server` is missing"):
        load(None, environ)
