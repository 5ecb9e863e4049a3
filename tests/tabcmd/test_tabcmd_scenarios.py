"""What takes several calls of tabcmd: signing in anew each time, files with a bad row, groups and projects twice."""

from __future__ import annotations

import json
import subprocess

from files import FILES


def test_a_fresh_sign_in_for_every_command_and_none_left_after_logout(shell):
    saved = shell.home / "tableau_auth.json"
    assert shell.run("login").code == 0
    assert json.loads(saved.read_text())["tableau_auth"][0]["personal_access_token_name"] == "tok"
    listed = shell.bare("list", "projects", "--name")
    assert (listed.code, "NAME: Ops" in listed.words) == (0, True)
    assert shell.box.log.counts()["POST auth/signin"] == 2
    assert shell.bare("logout").code == 0
    assert not saved.exists()
    assert shell.bare("list", "projects").code == 1


def test_a_file_with_a_bad_row(shell):
    shell.file("users.csv", FILES["one_bad.csv"])
    refused = shell.run("createsiteusers", "users.csv")
    assert refused.code == 1
    assert "POST sites/{site}/users" not in shell.box.log.counts()
    taken = shell.run("createsiteusers", "users.csv", "--no-complete")
    assert taken.code == 0
    assert shell.site.find_user("zoe").site_role == "Creator"


def test_a_group_that_exists(shell):
    codes = [shell.run("creategroup", "Tax", *more).code for more in ((), (), ("--continue-if-exists",))]
    assert codes == [0, 1, 0]


def test_projects_in_projects(shell):
    assert shell.run("createproject", "--name", "a").code == 0
    assert shell.run("createproject", "--name", "b", "--parent-project-path", "a").code == 0
    assert shell.run("createproject", "--name", "c", "--parent-project-path", "a/b").code == 0
    assert shell.site.find_content("a/b/c").kind == "project"
    assert shell.run("deleteproject", "c", "--parent-project-path", "a/b").code == 0
    assert shell.run("deleteproject", "c", "--parent-project-path", "a/b").code == 1
    assert shell.run("deleteproject", "a").code == 0
    assert not [c for c in shell.site.contents.values() if c.name in ("a", "b", "c")]


def test_a_workbook_from_its_publication_to_its_end(shell):
    shell.file("book.twbx", FILES["book.twbx"])
    book = ("--project", "Sandbox")
    assert shell.run("publish", "book.twbx", "--name", "Book", *book, "--tabbed").code == 0
    for file_name, arguments in (
        ("b.pdf", ("export", "Book/Board", "--fullpdf")),
        ("b.png", ("export", "Book/Board", "--png")),
        ("b.csv", ("get", "/views/Book/Detail.csv")),
        ("b.twbx", ("get", "/workbooks/Book.twbx")),
    ):
        assert shell.run(*arguments, "--filename", file_name).code == 0, file_name
        assert (shell.home / file_name).stat().st_size > 0
    assert (shell.home / "b.twbx").read_bytes() == FILES["book.twbx"]
    assert shell.run("delete", "Book", *book, "--workbook").code == 0
    assert shell.run("get", "/workbooks/Book.twbx").code == 1


def test_a_file_in_parts(shell, tabcmd_python):
    """The limit above which the client sends parts is a setting of its library, read when it starts."""
    shell.file("source.tdsx", FILES["source.tdsx"])
    done = subprocess.run(
        [tabcmd_python, "-m", "tabcmd", "publish", "source.tdsx", "--project", "Sandbox", *shell.options()],
        capture_output=True,
        text=True,
        env={"HOME": str(shell.home), "PATH": "/usr/bin:/bin", "TSC_FILESIZE_LIMIT_MB": "0"},
        cwd=shell.home,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = shell.box.log.counts()
    assert (counts["POST sites/{site}/fileUploads"], counts["PUT sites/{site}/fileUploads/{upload}"]) == (1, 1)
    assert shell.run("get", "/datasources/source.tdsx", "-f", "again.tdsx").code == 0
    assert (shell.home / "again.tdsx").read_bytes() == FILES["source.tdsx"]


def test_the_program_itself(shell, tabcmd_python):
    """Once without the forking process: `python -m tabcmd` as a person starts it."""
    done = subprocess.run(
        [tabcmd_python, "-m", "tabcmd", "list", "projects", "--name", *shell.options()],
        capture_output=True,
        text=True,
        env={"HOME": str(shell.home), "PATH": "/usr/bin:/bin"},
        cwd=shell.home,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NAME: Vault" in done.stdout + done.stderr
