"""The settings of Tab_User_Provisioner become ours, plain and encrypted, and its files stay as they were."""

from __future__ import annotations

import copy
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet

from support import command_line
from tabwarden.model.errors import SettingsError
from tabwarden.scrubber import Scrubber
from tabwarden.seed import KEYS, TASKS, read_seed, translate
from tabwarden.settings import load
from tabwarden.sources.sql import SqlSource

SEED: dict[str, Any] = {
    "APP": {"LOGDIR": "./logs/", "LOGGING_LEVEL": "INFO", "LOG_RETENTION": 90},
    "TASKS": {
        "PROVISION_USERS": True,
        "ADD_USER_GROUP_MEMBERS": True,
        "SET_USERS_SITEROLE_AS_VIEWER": False,
        "REMOVE_USER_GROUP_MEMBERS": True,
        "SET_USERS_SITEROLE_AS_UNLICENSED": True,
        "ADD_UNLICENSED_USER_GROUP_MEMBERS": False,
        "REMOVE_USERS": False,
    },
    "TABLEAU": {
        "TABLEAU_USER": "provisioner",
        "TABLEAU_PAT": "abc:Pat+Secret/22==",
        "TABLEAU_SITE": "finance",
        "TABLEAU_SERVER": "https://tableau.example.com/",
        "TABLEAU_SERVER_VERSION": "3.16",
        "GLSI_GROUP_NAME": "Grant_Role_On_Sign_In",
        "AUTH_SETTING": "SAML",
    },
    "SNOWFLAKE": {
        "USER": "PROVISIONER",
        "PASSWORD": "env:Snow-Secret-33",
        "ACCOUNT": "acme-test",
        "WAREHOUSE": "SMALL",
        "DATABASE": "HR",
        "SCHEMA": "PUBLIC",
        "JOINERS_TABLE": "JOINERS",
        "LEAVERS_TABLE": "LEAVERS",
    },
    "EMAIL": {
        "EMAIL_NOTIFICATIONS": True,
        "EMAIL_SUBJECT": "***provisioning***",
        "EMAIL_BODY": "Some users failed.\n\nPlease look.\n",
        "EMAIL_FROM": "info@example.com",
        "EMAIL_TO": ["ada@example.com", "bob@example.com"],
        "EMAIL_HOST": "smtp.example.com",
        "EMAIL_PORT": 587,
        "EMAIL_HOST_USER": "info",
        "EMAIL_HOST_PASSWORD": "  Mail-Secret-44 ",
    },
}
SECRETS = ("abc:Pat+Secret/22==", "env:Snow-Secret-33", "  Mail-Secret-44 ")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The old folder with its settings, and a new one, in which we are."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    monkeypatch.chdir(new)
    for name in [name for name in os.environ if name.startswith("TABWARDEN_") or name == "CRYPTOYAML_SECRET"]:
        monkeypatch.delenv(name)
    (old / "settings.yaml").write_text(yaml.safe_dump(SEED), encoding="utf-8")
    return old, new


def run(*words: str, code: int = 0) -> str:
    result = command_line.run("settings", *words)
    assert result.exit_code == code, result.output
    return result.output


def encrypt_as_cryptoyaml_does(old: Path) -> str:
    """One Fernet token over the YAML dump; the plain file goes, as its instructions say."""
    key = Fernet.generate_key()
    (old / "settings.yaml.aes").write_bytes(Fernet(key).encrypt(yaml.dump(SEED).encode()))
    (old / "settings.yaml").unlink()
    return key.decode()


def check_values(path: Path) -> None:
    settings = load(path, {})
    assert (settings.tableau.server, settings.tableau.site) == ("https://tableau.example.com", "finance")
    assert settings.tableau.api_version is None
    pat = settings.tableau.auth.pat
    assert pat is not None
    assert (pat.name, pat.secret.get_secret_value()) == ("provisioner", SECRETS[0])
    joiners, leavers = settings.sources.joiners, settings.sources.leavers
    assert isinstance(joiners, SqlSource)
    assert isinstance(leavers, SqlSource)
    assert dict(joiners.connect) == dict(leavers.connect)
    assert dict(joiners.connect) == {
        "user": "PROVISIONER",
        "password": SECRETS[1],
        "account": "acme-test",
        "warehouse": "SMALL",
        "database": "HR",
        "schema": "PUBLIC",
    }
    assert (joiners.driver, joiners.table, leavers.table) == ("snowflake", "JOINERS", "LEAVERS")
    assert joiners.column.name == "Email Address"
    for theirs, ours in TASKS.items():
        assert getattr(settings.provision, ours) is SEED["TASKS"][theirs], ours
    assert settings.provision.group is not None
    assert settings.provision.group.model_dump() == {
        "name": "Grant_Role_On_Sign_In",
        "minimum_site_role": "Viewer",
        "grant": "onLogin",
    }
    assert settings.provision.auth_setting == "SAML"
    mail = settings.mail
    assert (mail.enabled, mail.when, mail.host, mail.port, mail.security) == (
        True,
        "errors",
        "smtp.example.com",
        587,
        "starttls",
    )
    assert mail.to == ("ada@example.com", "bob@example.com")
    assert (mail.subject, mail.from_, mail.user) == ("***provisioning***", "info@example.com", "info")
    assert mail.body == "Some users failed.\n\nPlease look."
    assert mail.password is not None
    assert mail.password.get_secret_value() == SECRETS[2]
    assert (settings.logs.folder, settings.logs.level, settings.logs.retention_days) == (
        path.parent / "logs",
        "INFO",
        90,
    )


def test_plain_settings_become_ours_with_encrypted_secrets(folders: tuple[Path, Path]) -> None:
    old, new = folders
    before = (old / "settings.yaml").read_bytes()
    output = run("import", str(old / "settings.yaml"), "--make-key")
    check_values(new / "settings.yaml")
    text = (new / "settings.yaml").read_text(encoding="utf-8")
    for secret in SECRETS:
        assert secret.strip() not in output + text
    assert text.count("enc:gAAAA") == 3
    assert "connect: &snowflake" in text
    assert "connect: *snowflake" in text
    for name in ("settings.yaml", "key"):
        assert stat.S_IMODE((new / name).stat().st_mode) == 0o600
    assert "its 3 secrets are encrypted with the key of key file `key`" in output
    assert "note: `TABLEAU.TABLEAU_SERVER_VERSION` is not carried over" in output
    assert (old / "settings.yaml").read_bytes() == before
    assert [path.name for path in old.iterdir()] == ["settings.yaml"]
    assert "no problems" in run("check")


def test_without_a_key_secrets_stay_plain_and_it_is_told(folders: tuple[Path, Path]) -> None:
    old, new = folders
    output = run("import", str(old))
    check_values(new / "settings.yaml")
    assert "note: no key is there, so the secrets are written in plain text" in output
    assert stat.S_IMODE((new / "settings.yaml").stat().st_mode) == 0o600
    assert not [secret for secret in SECRETS if secret in output]


@pytest.mark.parametrize("place", ["key", ".\\key", "value", "path"])
def test_encrypted_settings_open_with_the_key_wherever_it_was(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    old, new = folders
    value = encrypt_as_cryptoyaml_does(old)
    if place == "value":
        monkeypatch.setenv("CRYPTOYAML_SECRET", value)
    elif place == "path":
        (new.parent / "hidden").write_text(value, encoding="ascii")
        monkeypatch.setenv("CRYPTOYAML_SECRET", str(new.parent / "hidden"))
    else:
        (old / place).write_text(value, encoding="ascii")
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    output = run("import", str(old / "settings.yaml.aes"), "--make-key")
    monkeypatch.setenv("CRYPTOYAML_SECRET", value if place in ("value", "path") else "")
    if place not in ("value", "path"):
        check_values(new / "settings.yaml")
    else:  # the variable's key encrypted the new values too
        assert set(SECRETS) < set(load(new / "settings.yaml", {"CRYPTOYAML_SECRET": value}).secrets())
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before
    assert not [secret for secret in (*SECRETS, value) if secret in output]


def test_without_the_key_it_says_where_a_key_belongs(folders: tuple[Path, Path]) -> None:
    old, _ = folders
    encrypt_as_cryptoyaml_does(old)
    assert "it is encrypted and no key is there: set `TABWARDEN_KEY`" in run("import", str(old), code=1)
    (old / "key").write_bytes(Fernet.generate_key())
    assert "settings.yaml.aes: no key of key file" in run("import", str(old), code=1)


def test_nothing_is_overwritten_unasked(folders: tuple[Path, Path]) -> None:
    old, new = folders
    (new / "settings.yaml").write_text("mine", encoding="utf-8")
    assert "`settings.yaml` is there already" in run("import", str(old), code=1)
    assert (new / "settings.yaml").read_text(encoding="utf-8") == "mine"
    own = str(old / "settings.yaml")
    assert "is there already" in run("import", own, "--to", own, "--overwrite", code=1)
    assert yaml.safe_load((old / "settings.yaml").read_text(encoding="utf-8")) == SEED
    run("import", str(old), "--overwrite")
    check_values(new / "settings.yaml")


def test_whatever_cannot_be_translated_is_named() -> None:
    seed = copy.deepcopy(SEED)
    seed["APP"] |= {"LOGGING_LEVEL": "CRITICAL", "LOG_RETENTION": "ninety", "THEME": "dark"}
    seed["TASKS"] |= {"PROVISION_USERS": "maybe", "REMOVE_USERS": "yes"}
    del seed["TASKS"]["ADD_USER_GROUP_MEMBERS"]
    seed["TABLEAU"]["TABLEAU_PAT"] = ""
    seed["SNOWFLAKE"] |= {"JOINERS_TABLE": "JOINERS WHERE ACTIVE", "ACCOUNT": ["a"]}
    del seed["EMAIL"]["EMAIL_NOTIFICATIONS"]
    seed["OTHER"] = {"A": 1}
    imported = translate(seed)
    notes = "\n".join(imported.notes)
    for told in (
        "`APP.LOGGING_LEVEL` CRITICAL became ERROR",
        "`APP.LOG_RETENTION` is not a whole number: the default holds",
        "`APP.THEME` has no counterpart",
        "`TASKS.PROVISION_USERS` is neither true nor false: on is written",
        "`TASKS.ADD_USER_GROUP_MEMBERS` is missing: on is written",
        "`TABLEAU.TABLEAU_PAT` is missing: its counterpart has to be added",
        "`SNOWFLAKE.JOINERS_TABLE` is more than a table's name and became a query",
        "`SNOWFLAKE.ACCOUNT` is not text",
        "`EMAIL.EMAIL_NOTIFICATIONS` is missing: off is written",
        "`OTHER` is no section of Tab_User_Provisioner",
    ):
        assert told in notes
    assert imported.values["sources"]["joiners"]["query"] == "SELECT * FROM JOINERS WHERE ACTIVE"
    assert imported.values["provision"]["remove_leavers"] is True
    assert not [secret for secret in SECRETS if secret in notes + repr(imported)]
    assert not [secret for secret in SECRETS[1:] if secret in Scrubber(imported.secrets)(imported.text())]


def test_every_key_of_theirs_reaches_ours_or_is_noted() -> None:
    """Change one value at a time: the result or the notes must change, so nothing is dropped in silence."""
    whole = translate(SEED)
    for section, keys in KEYS.items():
        for key in keys:
            seed = copy.deepcopy(SEED)
            value = seed[section][key]
            if isinstance(value, bool):
                seed[section][key] = not value
            elif isinstance(value, int):
                seed[section][key] = value + 1
            elif key == "LOGGING_LEVEL":
                seed[section][key] = "DEBUG"
            elif key == "TABLEAU_SERVER_VERSION":
                del seed[section][key]
            else:
                seed[section][key] = ["other@example.com"] if isinstance(value, list) else f"{value}x"
            changed = translate(seed)
            assert (changed.values, changed.notes) != (whole.values, whole.notes), f"{section}.{key}"


def test_another_file_is_refused(tmp_path: Path) -> None:
    for text, told in (
        ("tableau: {}\n", "has none of the sections of Tab_User_Provisioner"),
        ("APP: [\n", "not valid YAML"),
        ("", "has none of the sections"),
    ):
        (tmp_path / "settings.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError, match=told):
            read_seed(tmp_path, {})
    with pytest.raises(SettingsError, match="cannot be read: no such file"):
        read_seed(tmp_path / "none.yaml", {})
