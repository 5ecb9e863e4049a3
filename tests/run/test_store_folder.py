"""The store's folder read without the machinery of settings: the same folder, or left to that machinery."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabwarden.model.errors import SettingsError
from tabwarden.run.history import _plain_folder, store_named
from tabwarden.settings import load_store

PLAIN = {
    "": ".tabwarden",
    "# nothing\n": ".tabwarden",
    "tableau: {server: https://t.example}\n": ".tabwarden",
    "store:\n": ".tabwarden",
    "store: {folder: }\n": ".tabwarden",
    "store: {folder: kept}\n": "kept",
    "store:\n  folder: './some where/kept/'\n": "some where/kept",
    "store: {folder: /var/lib/tabwarden, url: , retention: }\nmail: {to: [a@b.example], port: 25, tls: yes}\n": (
        "/var/lib/tabwarden"
    ),
}
DOUBTS = [
    "store: {folder: kept",
    "- store\n",
    "store\n",
    "store: kept\n",
    "store: {folder: ''}\n",
    "store: {folder: 3}\n",
    "store: {folder: [kept]}\n",
    "store: {folder: env:PLACE}\n",
    "store: {folder: plain:kept}\n",
    "store: {folder: ~/kept}\n",
    "store: {foldr: kept}\n",
    "store: {folder: kept, url: 'postgresql://db.example/x'}\n",
    "store: {folder: kept, retention: {daily_days: 3}}\n",
    "store: {folder: kept}\nstore: {folder: other}\n",
    "logs: {level: info, level: debug}\n",
    "base: &base {folder: kept}\nstore: *base\n",
    "base: &base {folder: kept}\nstore: {<<: *base}\n",
    "store: &it {folder: *it}\n",
    "store: {folder: kept}\nwhen: 2024-13-45\n",
    "store: {folder: kept}\n1: 2\n",
    "store: {folder: kept}\nmail: {port: !!int many}\n",
    "store: !!python/name:os.system {folder: kept}\n",
]


@pytest.mark.parametrize("text", [*PLAIN, *DOUBTS])
def test_it_is_the_folder_of_the_settings_or_left_to_them(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.yaml").write_text(text, encoding="utf-8")
    found = _plain_folder({})
    assert found == PLAIN.get(text)
    try:
        judged = str(load_store(None, {}).folder)
    except SettingsError:
        assert found is None
        with pytest.raises(SettingsError):
            store_named(None)
    else:
        assert found in (None, judged)


@pytest.mark.parametrize("name", ["TABWARDEN_STORE__FOLDER", "TABWARDEN_STORE_FOLDER", "TABWARDEN_MAIL__TO"])
def test_a_variable_is_left_to_the_settings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _plain_folder({}) == ".tabwarden"
    assert _plain_folder({"TABWARDEN_KEY": "k", name.lower(): "x"}) == ".tabwarden"
    assert _plain_folder({name: "elsewhere"}) is None


def test_what_is_encrypted_or_no_text_is_left_to_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.yaml.aes").write_bytes(b"gAAAAA")
    assert _plain_folder({}) is None
    (tmp_path / "settings.yaml").write_bytes(b"store: {folder: \xff}\n")
    assert _plain_folder({}) is None
