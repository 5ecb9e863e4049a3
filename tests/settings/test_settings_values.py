"""Settings and secrets: every kind of reference, what is never told, sealing; and the reference page tells all."""

from __future__ import annotations

import json
import pickle
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from paths import ROOT
from pydantic import ValidationError

from tabwarden.model.errors import SettingsError
from tabwarden.secrets import encrypt, make_key_file
from tabwarden.section import Section
from tabwarden.settings import Settings, load
from tabwarden.settings.schema import fields_of, models_in
from tabwarden.settings.seal import seal

REFERENCE = ROOT / "docs" / "reference" / "settings.md"
SMALL = """\
tableau:
  server: https://tableau.example.com
  auth:
    pat: {name: tok, secret: "hush-hush-hush"}
"""


def written(folder: Path, text: str, name: str = "settings.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str, **environ: str) -> list[str]:
    """The problems without the folder, as `LINE: text`, or with the variable's name in front."""
    path = written(folder, text)
    with pytest.raises(SettingsError) as caught:
        load(path, environ)
    return [line.replace(f"{path}:", "") for line in caught.value.problems]


def test_every_kind_of_reference(tmp_path: Path) -> None:
    keys = make_key_file(tmp_path / "key")
    (tmp_path / "pat").write_text("from-a-file\n", encoding="utf-8")
    command = f"cmd:{sys.executable} -c \"print('from-a-command')\""
    text = f"""\
tableau:
  server: env:SERVER
  auth:
    jwt: {{client_id: "plain:env:ID", secret_id: s, username: u, secret_value: enc:{encrypt("from-a-token", keys)}}}
mail: {{user: u, password: file:pat, subject: {json.dumps(command)}}}
"""
    settings = load(written(tmp_path, text), {"SERVER": "https://x.example.com"})
    jwt = settings.tableau.auth.jwt
    assert jwt is not None
    assert (settings.tableau.server, jwt.client_id) == ("https://x.example.com", "env:ID")
    assert jwt.secret_value.get_secret_value() == "from-a-token"
    assert settings.mail.password is not None
    assert settings.mail.password.get_secret_value() == "from-a-file"
    assert settings.mail.subject == "from-a-command"
    assert {"from-a-token", "from-a-file", "from-a-command", *keys.values} == set(settings.secrets())


def test_every_reference_that_leads_nowhere_is_told_at_once(tmp_path: Path) -> None:
    text = f"""\
tableau:
  server: env:NO_SERVER
  auth:
    pat:
      name: file:no-such-file
      secret: enc:gAAAAABnot-a-token
mail:
  port: env:NO_PORT
  subject: "cmd:{sys.executable} -c 'raise SystemExit(3)' --token=tell-nobody"
  body: cmd:no-such-program-anywhere --token=tell-nobody
"""
    found = problems(tmp_path, text)
    assert [line.split(" ")[0] for line in found] == ["2:", "5:", "6:", "8:", "9:", "10:"]
    assert "environment variable `NO_SERVER` is not set" in found[0]
    assert "file `no-such-file` cannot be read: no such file or directory" in found[1]
    assert "it is encrypted and no key is there: set `TABWARDEN_KEY`" in found[2]
    assert "ended with 3" in found[4]
    assert "`no-such-program-anywhere` cannot be run" in found[5]
    assert "tell-nobody" not in "\n".join(found)


SECRETS = ("*Pass-Word-1", "Pat-Secret-22", "Mail-Secret-33", "!tag-Secret-44", "Dsn-Secret-55")


def test_secrets_are_never_told(tmp_path: Path) -> None:
    text = f"""\
tableau:
  server: https://x.example.com
  auth: {{pat: {{name: tok, secret: {SECRETS[1]}}}}}
mail: {{user: u, password: {SECRETS[2]}}}
provision: {{group: {{name: G}}}}
sources:
  joiners:
    type: sql
    driver: postgres
    table: t
    connect:
      password: "{SECRETS[0]}"
      conninfo: "host=h password={SECRETS[4]}"
      options: {{api_token: "{SECRETS[3]}"}}
"""
    settings = load(written(tmp_path, text), {})
    assert set(SECRETS) <= set(settings.secrets())
    told = f"{settings!r} {settings} {settings.model_dump()} {settings.sources.joiners!r} {settings.warnings()}"
    assert not [secret for secret in SECRETS if secret in told]
    assert "`tableau.auth.pat.secret` is written in plain text" in " ".join(settings.warnings())


@pytest.mark.parametrize(
    "line",
    [
        "    secret: *Hidden-Pass-Word",
        "    secret: !Hidden-Pass-Word",
        "    secret: @Hidden-Pass-Word",
        "    secret: 'Hidden-Pass-Word",
        "    secret: {Hidden-Pass-Word",
        "    secret: [Hidden-Pass-Word]",
        "    secret: {a: Hidden-Pass-Word}",
        "    secret: cmd:'Hidden-Pass-Word",
        "    secret: enc:Hidden-Pass-Word",
        "    name: {a: Hidden-Pass-Word}",
        "    secret: %Hidden-Pass-Word",
        "  server: https://ada:Hidden-Pass-Word@x.example.com",
    ],
)
def test_a_secret_in_a_wrong_line_is_not_repeated(tmp_path: Path, line: str) -> None:
    keys = make_key_file(tmp_path / "key")
    text = f"tableau:\n  auth:\n   pat:\n{line}\n"
    if "server" in line:
        text = f"tableau:\n{line}\n"
    found = problems(tmp_path, text)
    assert found
    assert "Hidden-Pass-Word" not in "\n".join(found)
    assert keys.values[0] not in "\n".join(found)


def test_an_error_holds_no_cause_with_a_secret(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL.replace("name: tok", "name: [hush-hush-hush]"))
    with pytest.raises(SettingsError) as caught:
        load(path, {})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert b"hush-hush-hush" not in pickle.dumps(caught.value.args)


def test_settings_are_frozen_and_know_no_way_to_trust_any_certificate(tmp_path: Path) -> None:
    settings = load(written(tmp_path, SMALL), {})
    with pytest.raises(ValidationError):
        settings.tableau.server = "https://other.example.com"
    for name in ("verify", "verify_ssl", "insecure", "ssl_verify", "tls_verify"):
        (found,) = problems(tmp_path, SMALL + f"  {name}: false\n")
        assert f"5: there is no setting `tableau.{name}`" in found


def test_http_is_told_as_unwise_except_on_this_machine(tmp_path: Path) -> None:
    far = load(written(tmp_path, SMALL.replace("https://", "http://")), {})
    near = load(written(tmp_path, SMALL.replace("https://tableau.example.com", "http://127.0.0.1:8080")), {})
    assert [line for line in far.warnings() if "begins with http" in line]
    assert not [line for line in near.warnings() if "begins with http" in line]


def test_seal_hides_the_secrets_and_nothing_else(tmp_path: Path) -> None:
    text = """\
# all of it
tableau:
  server: https://x.example.com  # ours
  auth: {pat: {name: tok, secret: "quo\\"ted"}}
mail:
  user: u
  password: |
    Mail-Secret-33
provision: {group: {name: G}}
sources:
  joiners: {type: sql, driver: pg, table: t, connect: &c {user: u, password: 'it''s', token: env:T, port: 5}}
  leavers: {type: sql, driver: pg, table: t, connect: *c}
"""
    keys = make_key_file(tmp_path / "key")
    before = load(written(tmp_path, text), {"T": "from-outside"})
    sealed, count = seal(text, keys)
    assert count == 3
    assert not [secret for secret in ("quo", "Mail-Secret-33", "it''s") if secret in sealed]
    assert "# all of it" in sealed
    assert "https://x.example.com  # ours" in sealed
    assert "token: env:T" in sealed
    after = load(written(tmp_path, sealed), {"T": "from-outside"})
    assert set(before.secrets()) == set(after.secrets())
    assert after.sources == before.sources
    assert [line for line in before.warnings() if "plain text" in line]
    assert not [line for line in after.warnings() if "plain text" in line]
    assert seal(sealed, keys) == (sealed, 0)


def _keys_of(model: type[Section], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, info in fields_of(model).items():
        found[above + key] = info
        for inner in models_in(info.annotation):
            found |= _keys_of(inner, f"{above}{key}.")  # type: ignore[arg-type]
    return found


LIKE_JOINERS = re.compile(r"^(sources\.(joiners|leavers)|people\.(sources\.from|nested\.from|overrides_from))\.")


def test_the_reference_names_every_key_type_and_default() -> None:
    rows: dict[str, tuple[str, str]] = {}
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if len(cells) == 4 and re.match(r"^`[a-z_.]+`$", cells[0]):
            rows[cells[0].strip("`")] = (cells[2], cells[3])
    keys = _keys_of(Settings)
    known = {LIKE_JOINERS.sub("sources.SOURCE.", name): info for name, info in keys.items()}
    documented = {name.replace("joiners.", "SOURCE.") for name in rows}
    assert set(known) - documented == set()
    assert documented - set(known) == set()
    for name, info in known.items():
        default, meaning = rows[name.replace("SOURCE.", "joiners.")]
        assert meaning == info.description, name
        if isinstance(info.default, bool | int | float | str | Path) and info.default != "":
            shown = str(info.default).lower() if isinstance(info.default, bool) else f"{info.default}"
            assert default == f"`{shown}`", name
        if info.is_required():
            assert default == "required", name


def test_the_example_of_the_reference_is_valid(tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.DOTALL)[0]
    assert set(yaml.safe_load(example)) == set(Settings.model_fields)
    environ = {"TABLEAU_PAT": "pat-pat-pat", "SNOWFLAKE_KEY_PASSWORD": "snow-snow", "MAIL_PASSWORD": "mail-mail"}
    environ["CORP_PASSWORD"] = "corp-corp"
    settings = load(written(tmp_path, example), environ)
    assert settings.sources.joiners is not None
    assert settings.sources.leavers is not None
