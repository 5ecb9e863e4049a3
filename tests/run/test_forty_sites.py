"""The page "Forty sites every night" does what it says, on four sites of two sandboxes of which one fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_docs import DOCS, Terminal, console_blocks, free_port, matches

PAGE = DOCS / "how-to" / "forty-sites.md"


class Servers(Terminal):
    """A terminal beside which two servers listen: the page writes 8080 and 8081."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.second = free_port()

    def type(self, line: str) -> str:
        return super().type(line.replace("8081", self.second)).replace(self.second, "8081")


@pytest.mark.slow
def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    terminal = Servers(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    (settings,) = re.findall(r"^```yaml\n(tableau:.*?)^```", text, re.M | re.S)
    settings = settings.replace("8080", terminal.port).replace("8081", terminal.second)
    (tmp_path / "settings.yaml").write_text(settings, encoding="utf-8")
    try:
        for block in console_blocks(PAGE):
            for command, expected in block:
                printed = terminal.type(command)
                assert matches(expected, printed), (
                    f"$ {command}\n--- written\n{expected}\n--- printed\n{printed[:6000]}"
                )
    finally:
        terminal.close()
