"""Writes tests/fuzzed/recorded-domains.json anew: what two real domains say to the commands that read them. Not a test.

`python tests/support/record_domains.py` provisions both without the three hundred who are there for paging alone.
"""

from __future__ import annotations

import json
import ssl
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import command_line
import domain_people as forest
import samba
import samba_image
from fuzzing import directory_wire


def recorded(pair: samba.Domains) -> dict[str, directory_wire.Exchange]:
    """What both say to the commands, by domain."""
    trusted = ssl.create_default_context(cafile=str(pair.ca_file))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lines = {d.fqdn: stack.enter_context(closing(directory_wire.Recorder(d.address, trusted))) for d in pair.both}
        whole = directory_wire.settings({fqdn: line.url for fqdn, line in lines.items()}, pair.password)
        settings = folder / "wire.yaml"
        tableau = {"server": "http://127.0.0.1:1", "auth": {"password": {"username": "nobody", "password": "none"}}}
        settings.write_text(json.dumps({**whole, "tableau": tableau, "store": {"folder": str(folder / "store")}}))
        for words in (*directory_wire.WORDS, *directory_wire.WORDS):  # the first sign-in changes a domain
            ended = command_line.run(*words, "--settings", settings)
            assert ended.exit_code == 0, ended.output
        return {fqdn: line.exchange for fqdn, line in lines.items()}


def main() -> None:
    forest.CORP_USERS = tuple(user for user in forest.CORP_USERS if user.name not in forest.BULK)
    forest.CORP_GROUPS = tuple(group for group in forest.CORP_GROUPS if group.members != forest.BULK)
    with tempfile.TemporaryDirectory() as folder:
        samba_image.provision(Path(folder))
        with samba.running(Path(folder)) as pair:
            directory_wire.save(recorded(pair), directory_wire.RECORDING)


if __name__ == "__main__":
    main()
