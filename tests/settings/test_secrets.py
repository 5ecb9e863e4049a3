"""Keys, tokens, encrypted files, rotation, and the scrubber in every form a secret turns up in."""

from __future__ import annotations

import base64
import json
import os
import stat
import sys
import urllib.parse
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from cryptography.fernet import Fernet
from hypothesis import assume, given
from hypothesis import strategies as st

from support import command_line
from tabwarden.model.errors import SettingsError
from tabwarden.scrubber import Scrubber
from tabwarden.secrets import decrypt, encrypt, find_keys, make_key_file, resolve, rotate_values
from tabwarden.settings import load

PLAIN = """\
# ours
tableau:
  server: https://tableau.example.com
  auth: {pat: {name: tok, secret: Pat-Secret-22}}
mail: {user: u, password: Mail-Secret-33}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with no key in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TABWARDEN_") or name == "CRYPTOYAML_SECRET"]:
        monkeypatch.delenv(name)
    (tmp_path / "settings.yaml").write_text(PLAIN, encoding="utf-8")
    return tmp_path


def run(*words: str, stdin: str = "", code: int = 0) -> str:
    result = command_line.run("settings", *words, stdin=stdin)
    assert result.exit_code == code, result.output
    return result.output


def key() -> str:
    return Fernet.generate_key().decode()


def test_the_first_place_with_a_key_counts(tmp_path: Path) -> None:
    keys = [key() for _ in range(5)]
    (tmp_path / "key").write_text(keys[0] + "\n", encoding="ascii")
    (tmp_path / "other").write_text(f"{keys[1]}\n{keys[0]}\n", encoding="ascii")
    environ: dict[str, str] = {}
    for name, value, first in (
        ("", "", keys[0]),
        ("CRYPTOYAML_SECRET", str(tmp_path / "other"), keys[1]),
        ("CRYPTOYAML_SECRET", keys[2], keys[2]),
        ("TABWARDEN_KEY_FILE", str(tmp_path / "other"), keys[1]),
        ("TABWARDEN_KEY", f"{keys[3]},{keys[4]}", keys[3]),
    ):
        environ |= {name: value} if name else {}
        found = find_keys(tmp_path, environ)
        assert found is not None
        assert found.values[0] == first
        assert not [value for value in keys if value in repr(found)]
    assert find_keys(tmp_path / "elsewhere", {}) is None


def test_the_odd_key_file_of_the_old_program_is_found(tmp_path: Path) -> None:
    value = key()
    (tmp_path / ".\\key").write_text(value, encoding="ascii")
    found = find_keys(tmp_path, {})
    assert found is not None
    assert found.values == (value,)


@pytest.mark.parametrize("broken", ["too-short", "", "é" * 44, "x" * 44, "A" * 43 + "=\n" + "almost-a-key-" * 3])
def test_a_broken_key_is_named_by_its_place_only(tmp_path: Path, broken: str) -> None:
    (tmp_path / "key").write_text(broken, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"key file `.*key` holds no valid key") as caught:
        find_keys(tmp_path, {})
    assert not broken or broken not in str(caught.value)
    with pytest.raises(SettingsError, match=r"key file `.*missing` cannot be read: no such file"):
        find_keys(tmp_path, {"TABWARDEN_KEY_FILE": str(tmp_path / "missing")})


def test_a_new_key_file_is_for_its_owner_only_and_never_replaced(tmp_path: Path) -> None:
    made = make_key_file(tmp_path / "key")
    assert made.path is not None
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    with pytest.raises(SettingsError, match="cannot be created: file exists"):
        make_key_file(tmp_path / "key")


@given(st.text())
def test_decrypt_is_the_way_back(text: str) -> None:
    keys = find_keys(Path(), {"TABWARDEN_KEY": KEY})
    assert keys is not None
    assert decrypt(encrypt(text, keys), keys) == text


KEY = key()


def test_a_token_folded_over_lines_still_opens(tmp_path: Path) -> None:
    keys = make_key_file(tmp_path / "key")
    token = encrypt("hush", keys)
    assert decrypt(f" {token[:20]}\n  {token[20:]}\n", keys) == "hush"


def test_what_references_stand_for(tmp_path: Path) -> None:
    (tmp_path / "pem").write_bytes(b"a\r\nb\r\n\r\n")
    assert resolve("env:A", tmp_path, {"A": " b "}, None) == " b "
    assert resolve("file:pem", tmp_path, {}, None) == "a\nb\n"
    assert resolve("plain:env:A", tmp_path, {}, None) == "env:A"
    assert resolve("envy:A", tmp_path, {}, None) == "envy:A"
    shell = f'cmd:{sys.executable} -c \'import os; print(os.environ["A"] + "$A;")\''
    assert resolve(shell, tmp_path, {"A": "b"}, None) == "b$A;"
    with pytest.raises(SettingsError, match="wrote nothing"):
        resolve(f"cmd:{sys.executable} -c 'pass'", tmp_path, {}, None)


def test_encrypted_settings_need_only_the_file_and_the_key(folder: Path) -> None:
    output = run("encrypt", "--make-key", "--remove-plain")
    assert sorted(path.name for path in folder.iterdir()) == ["key", "settings.yaml.aes"]
    assert stat.S_IMODE((folder / "settings.yaml.aes").stat().st_mode) == 0o600
    settings = load(None, {})
    assert settings.origin == "settings.yaml.aes"
    assert settings.tableau.auth.pat is not None
    assert settings.tableau.auth.pat.secret.get_secret_value() == "Pat-Secret-22"
    value = (folder / "key").read_text(encoding="ascii").strip()
    (folder / "key").unlink()
    assert load(folder / "settings.yaml", {"TABWARDEN_KEY": value}).secrets()[:2] == settings.secrets()[:2]
    assert load(None, {"CRYPTOYAML_SECRET": value}).secrets() == settings.secrets()
    with pytest.raises(SettingsError, match="it is encrypted and no key is there: set `TABWARDEN_KEY`"):
        load(None, {})
    with pytest.raises(
        SettingsError, match=r"settings\.yaml\.aes: no key of environment variable `TABWARDEN_KEY` opens"
    ):
        load(None, {"TABWARDEN_KEY": key()})
    assert value not in output


def test_problems_of_an_encrypted_file_have_lines_too(folder: Path) -> None:
    (folder / "settings.yaml").write_text(PLAIN + "loggs: {}\n", encoding="utf-8")
    run("encrypt", "--make-key", "--remove-plain")
    with pytest.raises(
        SettingsError, match=r"^settings\.yaml\.aes:6: there is no setting `loggs`; did you mean `logs`"
    ):
        load(None, {})


def test_encrypt_then_decrypt_is_the_same_file(folder: Path) -> None:
    run("encrypt", "--make-key")
    assert "is there already" in run("decrypt", code=1)
    run("decrypt", "--to", "again.yaml")
    assert (folder / "again.yaml").read_text(encoding="utf-8") == PLAIN
    run("decrypt", "--overwrite")
    assert (folder / "settings.yaml").read_text(encoding="utf-8") == PLAIN


def test_one_value_there_and_back(folder: Path) -> None:
    assert "`tabwarden settings encrypt --make-key` makes one" in run("encrypt", "--value", stdin="x", code=1)
    make_key_file(folder / "key")
    token = run("encrypt", "--value", stdin="pä ss\n").strip()
    assert token.startswith("enc:gAAAA")
    assert run("decrypt", "--value", stdin=token) == "pä ss\n"


def test_values_are_encrypted_in_place(folder: Path) -> None:
    before = load(None, {}).secrets()
    assert "2 secrets encrypted" in run("encrypt", "--values", "--make-key")
    text = (folder / "settings.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ours\n")
    assert text.count("enc:gAAAA") == 2
    assert set(before) < set(load(None, {}).secrets())
    assert not [secret for secret in before if secret in text]


def test_rotation_leaves_nothing_the_old_key_opens(folder: Path) -> None:
    old = make_key_file(folder / "key")
    run("encrypt", "--values")
    run("encrypt")
    before = load(None, {})
    assert "settings.yaml: 2 tokens" in run("rotate", "--new-key")
    both = find_keys(folder, {})
    assert both is not None
    assert both.values[1:] == old.values
    run("rotate", "--drop-old")
    new = find_keys(folder, {})
    assert new is not None
    assert new.values == both.values[:1]
    assert load(None, {}).tableau == before.tableau
    assert load(folder / "settings.yaml.aes", {}).mail == before.mail
    with pytest.raises(SettingsError, match="line 4: no key of") as caught:
        rotate_values((folder / "settings.yaml").read_text(encoding="utf-8"), old)
    assert len(caught.value.problems) == 2
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600


def test_rotation_with_keys_of_a_variable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = key(), key()
    monkeypatch.setenv("TABWARDEN_KEY", old)
    run("encrypt", "--remove-plain")
    assert "put a new key first there, the old one behind it" in run("rotate", "--new-key", code=1)
    monkeypatch.setenv("TABWARDEN_KEY", f"{new},{old}")
    run("rotate")
    monkeypatch.setenv("TABWARDEN_KEY", new)
    assert load().origin == "settings.yaml.aes"


def test_rotation_is_all_or_nothing(folder: Path) -> None:
    run("encrypt", "--make-key")
    stranger = Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    (folder / "settings.yaml").write_text(PLAIN + f"logs: {{folder: 'enc:{stranger}'}}\n", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "settings.yaml: line 6: no key of" in run("rotate", "--new-key", "--drop-old", code=1)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_writing_keeps_owner_and_permissions(folder: Path) -> None:
    (folder / "settings.yaml").chmod(0o640)
    run("encrypt", "--values", "--make-key")
    assert stat.S_IMODE((folder / "settings.yaml").stat().st_mode) == 0o640


def test_check_tells_what_is_read_and_no_secret(folder: Path) -> None:
    output = run("check")
    assert "settings.yaml: no problems" in output
    assert "sign-in by pat" in output
    assert "warning: `tableau.auth.pat.secret` is written in plain text" in output
    told = json.loads(run("check", "--json"))
    assert (told["ok"], told["server"], told["sign_in"]) == (True, "https://tableau.example.com", "pat")
    (folder / "settings.yaml").write_text(PLAIN + "loggs: {}\nmale: {}\n", encoding="utf-8")
    assert run("check", code=1).count("there is no setting") == 2
    told = json.loads(run("check", "--json", code=1))
    assert (told["ok"], len(told["problems"])) == (False, 2)
    assert "Secret-" not in output + str(told)


def test_a_key_file_others_can_read_is_told(folder: Path) -> None:
    make_key_file(folder / "key")
    assert "can be read by others" not in run("check")
    (folder / "key").chmod(0o644)
    assert "can be read by others; `chmod 600` it" in run("check")


HARD = 'p@ss w/ö&rd+"quo\'ted"\\n<%>'


@pytest.mark.parametrize(
    "form",
    [
        HARD,
        urllib.parse.quote(HARD),
        urllib.parse.quote(HARD, safe=""),
        urllib.parse.quote_plus(HARD),
        urllib.parse.quote(HARD, safe="").lower().replace("%c3%b6", "%c3%b6"),
        repr(HARD),
        repr({"password": HARD}),
        ascii(HARD),
        json.dumps(HARD),
        json.dumps(HARD, ensure_ascii=False),
        escape(HARD),
        repr(HARD.encode()),
        base64.b64encode(HARD.encode()).decode(),
        f"https://u:{urllib.parse.quote(HARD, safe='')}@host/",
    ],
)
def test_the_scrubber_knows_the_forms_of_a_secret(form: str) -> None:
    scrubbed = Scrubber([HARD])(f"failed with {form}: try again")
    assert "***" in scrubbed
    assert "ss w" not in scrubbed
    assert "quo" not in scrubbed
    assert scrubbed.startswith("failed with ")
    assert scrubbed.endswith(": try again")


def test_short_secrets_are_whole_words_and_long_ones_any_part() -> None:
    scrub = Scrubber(["sec", "", "  ", "longer-secret"])
    assert scrub("12 seconds, sec=sec; xlonger-secretx") == "12 seconds, ***=***; x***x"


def test_each_line_of_a_private_key_is_a_secret() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcwggSj\n-----END PRIVATE KEY-----\n"
    scrub = Scrubber([pem])
    assert scrub("bad line 9w0BAQEFAASCBKcwggSj here") == "bad line *** here"
    assert scrub("no -----BEGIN PRIVATE KEY----- found") == "no -----BEGIN PRIVATE KEY----- found"
    assert scrub(repr(pem)) == "'***'"


def test_secrets_may_be_added_later_and_are_not_in_its_repr() -> None:
    scrub = Scrubber()
    assert scrub("Pat-Secret-22") == "Pat-Secret-22"
    scrub.register("Pat-Secret-22", "Pat-Secret-22-longer")
    assert scrub("Pat-Secret-22-longer Pat-Secret-22") == "*** ***"
    assert "Pat" not in repr(scrub)


@given(st.text(min_size=8), st.text(), st.text())
def test_a_long_secret_never_survives(secret: str, before: str, after: str) -> None:
    assume(secret.strip() and "*" not in secret)
    assert secret not in Scrubber([secret])(before + secret + after)
