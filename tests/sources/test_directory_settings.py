"""The section `directory` of the settings, and a machine without ldap3. No directory is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from tabwarden.model.errors import SettingsError
from tabwarden.settings import load

DOMAIN = {
    "fqdn": "corp.example.com",
    "servers": "ldaps://dc1.corp.example.com:3636/",
    "user": "CORP\\reader",
    "password": "plain:pass-word",
}
NO_PASSWORD = {key: value for key, value in DOMAIN.items() if key != "password"}


def loaded(folder, **directory):
    path = folder / "settings.yaml"
    signing_in = {"server": "http://127.0.0.1", "auth": {"password": {"username": "a", "password": "b"}}}
    path.write_text(yaml.safe_dump({"tableau": signing_in, "directory": directory}))
    return load(path, {})


def test_what_is_written_becomes_what_the_reader_is_told(tmp_path):
    settings = loaded(tmp_path, domains=[{**DOMAIN, "ca_file": "ca.pem", "timeout": 7}], attributes=["title"])
    told = settings.directory
    (domain,) = told.domains
    assert domain.servers == ("ldaps://dc1.corp.example.com:3636",)
    assert (domain.fqdn, domain.user, domain.password.get_secret_value()) == (
        "corp.example.com",
        "CORP\\reader",
        "pass-word",
    )
    assert (domain.ca_file, domain.timeout, domain.page_size) == (tmp_path / "ca.pem", 7, 1000)
    assert (told.attributes, told.group_name, told.unread) == (("title",), "sAMAccountName", ())
    assert "pass-word" in settings.secrets()
    assert "pass-word" not in repr(settings)


@pytest.mark.parametrize(
    ("directory", "message"),
    [
        ({}, "`directory` has neither `file` nor `domains`; add one"),
        ({"file": "d.json", "domains": [DOMAIN]}, "`directory` has both `file` and `domains`; keep one"),
        ({"domains": [DOMAIN, {**DOMAIN, "fqdn": "CORP.example.com"}]}, "has `corp.example.com` twice; keep one"),
        ({"domains": [{**DOMAIN, "fqdn": "corp"}]}, "must be the full name of a domain such as `corp.example.com`"),
        ({"domains": [{**DOMAIN, "user": "reader"}]}, "must be `name@domain` or `DOMAIN\\name`"),
        (
            {"domains": [{**DOMAIN, "servers": "https://dc1"}]},
            "must be an address such as `ldaps://dc1.corp.example.com`",
        ),
        ({"domains": [{**DOMAIN, "servers": "ldaps://me:pw@dc1"}]}, "must not hold a user or password"),
        ({"domains": [{**DOMAIN, "servers": "ldaps://dc1/DC=x"}]}, "must be the server's address alone"),
        ({"domains": [{**DOMAIN, "servers": []}]}, "`directory.domains[1].servers` is empty"),
        (
            {"domains": [{**DOMAIN, "servers": "ldap://dc1", "security": "none"}]},
            "`directory.domains[1].security` is none: the password would travel unprotected; use `ldaps://`",
        ),
        ({"domains": [DOMAIN], "base": "OU=x"}, "there is no setting `directory.base`"),
        (
            {"domains": [{k: v for k, v in DOMAIN.items() if k != "password"}]},
            "`directory.domains[1].password` is missing",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, directory, message):
    with pytest.raises(SettingsError) as told:
        loaded(tmp_path, **directory)
    assert message in str(told.value)
    assert "pass-word" not in str(told.value)


@pytest.mark.parametrize("server", ["ldap://127.0.0.1", "ldap://localhost:1389", "ldaps://dc1.corp.example.com"])
def test_clear_text_is_for_this_machine_alone(tmp_path, server):
    settings = loaded(tmp_path, domains=[{**DOMAIN, "servers": [server], "security": "none"}])
    assert settings.directory.domains[0].servers == (server,)


def test_without_ldap3_it_says_what_to_install(tmp_path):
    loaded(tmp_path, domains=[DOMAIN])
    program = (
        "import sys; sys.modules['ldap3'] = None\n"
        "from tabwarden.cli import main\n"
        "sys.argv = ['tabwarden', *sys.argv[1:]]\n"
        "main()\n"
    )
    for words in (["directory", "show"], ["sandbox", "--port", "0", "--directory", "settings.yaml"]):
        done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 1
        assert "a directory needs the module `ldap3`" in done.stderr
        assert '-m pip install "ldap3>=' in done.stderr
