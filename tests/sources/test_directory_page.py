"""The how-to page about Active Directory tells the truth: its settings and blocks are run against two real domains."""

from __future__ import annotations

import re

import pytest
from samba import ADMINISTRATOR_PASSWORD
from test_docs import DOCS, Terminal, console_blocks, matches

PAGE = DOCS / "how-to" / "active-directory.md"
TABLEAU = "tableau: {server: 'http://127.0.0.1:1', auth: {password: {username: ada, password: 'plain:ada'}}}\n"


@pytest.mark.slow
def test_the_console_blocks_print_what_the_page_says(domains, tmp_path):
    first, second = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    for written, real in (
        ("ldaps://dc1.corp.example.com, ldaps://dc2.corp.example.com", domains.corp.url),
        ("ldaps://dc1.west.na.corp.lan", domains.seattle.url),
        ("\\tabwarden", "\\Administrator"),
        ("company-ca.pem", str(domains.ca_file)),
    ):
        assert written in first
        first = first.replace(written, real)
    group = "provision: {group: {name: Sign in}}\n"
    (tmp_path / "settings.yaml").write_text(TABLEAU + first + second + group, encoding="utf-8")
    terminal = Terminal(tmp_path)
    terminal.environment |= {"CORP_PASSWORD": ADMINISTRATOR_PASSWORD, "SEATTLE_PASSWORD": ADMINISTRATOR_PASSWORD}
    terminal.environment["COLUMNS"] = "160"
    try:
        assert "no problems" in terminal.type("tabwarden settings check")
        commands = 0
        for pairs in console_blocks(PAGE):
            for command, written in pairs:
                printed = terminal.type(command)
                assert matches(written, printed), f"$ {command}\n--- written\n{written}\n--- printed\n{printed[:4000]}"
                commands += 1
        assert commands == 6
    finally:
        terminal.close()
