"""The pages whose examples are Python or need two snapshots tell the truth: their blocks are run."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest
from test_docs import DOCS, Terminal, console_blocks, matches

PYTHON = DOCS / "reference" / "python.md"


@pytest.mark.parametrize(("page", "at_least"), [(PYTHON, 30), (DOCS / "tutorial" / "notebook.md", 20)])
def test_the_python_examples_print_what_the_page_says(
    page: Path, at_least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    examples = "\n".join(re.findall(r"^```pycon\n(.*?)^```", text, re.M | re.S))
    test = doctest.DocTestParser().get_doctest(examples, {}, page.name, str(page), 0)
    runner, said = doctest.DocTestRunner(verbose=False), list[str]()
    runner.run(test, out=said.append)
    assert runner.failures == 0, "".join(said)
    assert runner.tries > at_least


def test_every_name_of_the_table_can_be_imported() -> None:
    rows = re.findall(r"^\| `(tabwarden[\w.]+)` \| (.+?) \|", PYTHON.read_text(encoding="utf-8"), re.M)
    assert len(rows) > 10
    for module, names in rows:
        for name in re.findall(r"`(\w+)`", names.split(";")[0]):
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        "diff",
        "directory-groups",
        "hand-answers-on",
        "history",
        "invariants",
        "licences",
        "list-and-find",
        "mirror",
        "mirror-in-a-warehouse",
        "names-and-domains",
        "policy",
        "read",
        "settle-open-points",
        "several-sources",
    ],
)
def test_the_console_blocks_of_a_how_to_page_print_what_it_says(page: str, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    try:
        for pairs in console_blocks(DOCS / "how-to" / f"{page}.md"):
            for command, written in pairs:
                printed = terminal.type(command)
                assert matches(written, printed), f"$ {command}\n--- written\n{written}\n--- printed\n{printed[:4000]}"
    finally:
        terminal.close()
