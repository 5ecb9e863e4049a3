"""Windows as far as it can be known elsewhere: no call that it lacks, its paths and its line ends.

What Python's `os` and the like lack there, mypy tells (`mypy --platform win32`, in `script/test`).
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from paths import SOURCE, nodes_of

from tabwarden.cases import file as cases
from tabwarden.model.errors import SettingsError
from tabwarden.plan.plan import Plan, SiteIdentity
from tabwarden.run.plans import keep_plan, load_plan
from tabwarden.run.whatif import read_changes
from tabwarden.secrets import _words, reference_kind
from tabwarden.settings import load, load_store
from tabwarden.sources import Column
from tabwarden.sources.files import FileSource
from tabwarden.store.database import Database

POSIX_ONLY = frozenset("fcntl grp nis posix pty pwd readline resource spwd syslog termios tty".split())
# Where only Linux comes: mypy for Windows sees that it is not reached there.
GUARDED = {"run/spark_work.py": {"resource"}}
# Of a running event loop, and by keyword: mypy sees neither.
POSIX_CALLS = frozenset("add_signal_handler remove_signal_handler start_unix_server open_unix_connection".split())
POSIX_KEYWORDS = frozenset("preexec_fn pass_fds".split())  # `start_new_session` is taken there, and does nothing
BOM = "\ufeff"
SETTINGS = r"""
tableau:
  server: https://tableau.example.com
  auth:
    pat: {name: tok, secret: 'file:secret.txt'}
store:
  folder: C:\Tabwarden\history
logs:
  folder: 'D:\logs'
sources:
  joiners:
    type: file
    path: 'C:\lists\joiners.csv'
provision:
  group: {name: Staff}
"""


def test_no_module_calls_what_windows_lacks() -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in nodes_of(path):
            if isinstance(node, ast.Import):
                guarded = GUARDED.get(path.relative_to(SOURCE).as_posix(), set())
                assert not {alias.name.split(".")[0] for alias in node.names} & POSIX_ONLY - guarded, path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in POSIX_ONLY, path
            elif isinstance(node, ast.Attribute):
                assert node.attr not in POSIX_CALLS, f"{path}:{node.lineno}"
            elif isinstance(node, ast.keyword):
                assert node.arg not in POSIX_KEYWORDS, f"{path}:{node.lineno}"


@pytest.mark.parametrize("begin", ["", BOM])
def test_settings_with_drive_letters_and_line_ends_of_windows(tmp_path: Path, begin: str) -> None:
    (tmp_path / "secret.txt").write_bytes(b"hush-hush-hush\r\n")
    path = tmp_path / "settings.yaml"
    path.write_bytes((begin + SETTINGS).replace("\n", "\r\n").encode())
    settings = load(path, {})
    assert settings.tableau.auth.pat is not None
    assert settings.tableau.auth.pat.secret.get_secret_value() == "hush-hush-hush"
    assert str(load_store(path, {}).folder).endswith(r"C:\Tabwarden\history")
    assert str(settings.logs.folder).endswith(r"D:\logs")


def test_a_path_in_double_quotes_is_told_how_to_write_it(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text('store: {folder: "C:\\Data"}\n')
    with pytest.raises(SettingsError, match=r"not valid YAML \(column \d+\); put text with backslashes into single"):
        load(path, {})


def test_a_drive_letter_is_no_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reference_kind(r"C:\secret.txt") is None
    monkeypatch.chdir(tmp_path)
    database = Database(r"C:\Tabwarden")
    assert database.is_sqlite
    database.close()
    with pytest.raises(SettingsError, match="neither a file that is there"):
        read_changes(r"C:\changes.yaml")


def test_a_command_of_windows_keeps_its_backslashes() -> None:
    line = r'"C:\Program Files\vault\get.exe" --name tabwarden\pat'
    assert _words(line, windows=True) == [r"C:\Program Files\vault\get.exe", "--name", r"tabwarden\pat"]
    assert _words("get 'a b'", windows=False) == ["get", "a b"]


@pytest.mark.parametrize("begin", ["", BOM])
def test_files_with_line_ends_of_windows(tmp_path: Path, begin: str) -> None:
    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_bytes((begin + text).replace("\n", "\r\n").encode())
        return path

    path = written("joiners.csv", 'user,title\nann,"two\nlines"\n\n')
    rows = FileSource(type="file", path=path, column=Column(name="user")).read().rows
    assert rows == [{"user": "ann", "title": "two\r\nlines"}]
    changes = "# a comment\nlock Finance\n\nadd una to Staff\n"
    assert read_changes(str(written("changes.txt", changes))) == ["lock Finance", "add una to Staff"]
    assert read_changes(str(written("changes.yaml", "- lock Finance\n- unlock Ops\n"))) == [
        "lock Finance",
        "unlock Ops",
    ]
    question = {"question": {"user": "ann", "capability": "Read", "content": "Budget"}, "expected": "allow"}
    line = json.dumps(question) + "\n"
    assert len(cases.load(written("questions.jsonl", line * 2), of_snapshot=True)) == 2
    assert len(cases.load(written("questions.json", json.dumps([question], indent=1)), of_snapshot=True)) == 1
    plan = Plan(
        "provision", SiteIdentity("https://tableau.example.com", "sales", "s", "Sales"), "2026-01-01T00:00:00Z", ()
    )
    text = keep_plan(plan, tmp_path / "plan.json").read_text(encoding="utf-8")
    assert load_plan(written("plan.json", text)) == plan
