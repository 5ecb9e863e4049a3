"""Snowflake as a source: Snowflake's own connector, unchanged, over HTTP, and every way to sign in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
import pytest
import snowflake.connector as snowflake_driver
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from test_sources_sql import read

from plugins.databases import Snowflake
from tabwarden.model.errors import SourceError
from tabwarden.want.roster import Columns, clean

MANY = 20_002


def refused(connect: dict[str, Any], **what: str) -> SourceError:
    with pytest.raises(SourceError) as told:
        read("snowflake", connect, **what)
    return told.value


@pytest.fixture(scope="module")
def account(snowflake: Snowflake) -> Snowflake:
    """A Snowflake account with a table of joiners, filled through Snowflake's connector."""
    plain = {key: value for key, value in snowflake.connect.items() if key not in ("database", "schema")}
    with snowflake_driver.connect(**plain, password="x") as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE IF NOT EXISTS HR")
        cursor.execute("CREATE SCHEMA IF NOT EXISTS HR.PUBLIC")
        cursor.execute('CREATE OR REPLACE TABLE HR.PUBLIC.JOINERS ("Email Address" VARCHAR, ID VARCHAR, N INT)')
        cursor.execute('CREATE OR REPLACE TABLE HR.PUBLIC.LEAVERS ("Email Address" VARCHAR)')
        many = f"SELECT SEQ4() AS N FROM TABLE(GENERATOR(ROWCOUNT => {MANY}))"
        cursor.execute(f"INSERT INTO HR.PUBLIC.JOINERS SELECT 'user' || N || '@acme.com', '00' || N, N FROM ({many})")
        cursor.execute("INSERT INTO HR.PUBLIC.JOINERS VALUES (NULL, '', 0), ('o''brien@acme.com', '', 0)")
    return snowflake


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey, password: str = "") -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def test_snowflake_reads_a_large_table_whole(account: Snowflake) -> None:
    reading = read("snowflake", {**account.connect, "password": "hush"}, table="joiners")
    assert len(reading.rows) == MANY + 2
    roster = clean(reading.rows, Columns(), reading.source)
    assert len(roster.people) == MANY + 1
    assert [bad.row for bad in roster.quarantined] == [MANY + 1]
    assert {"user0@acme.com", f"user{MANY - 1}@acme.com", "o'brien@acme.com"} <= {p.name for p in roster.people}


@pytest.mark.parametrize("password", ["", "open sesame"])
def test_snowflake_key_pair(account: Snowflake, key: rsa.RSAPrivateKey, tmp_path: Path, password: str) -> None:
    path = tmp_path / "key.p8"
    path.write_bytes(pem(key, password))
    connect = {**account.connect, "private_key_file": str(path)}
    if password:
        connect["private_key_file_pwd"] = password
    reading = read("snowflake", connect, query='SELECT "Email Address" FROM HR.PUBLIC.JOINERS LIMIT 1')
    assert list(reading.rows[0]) == ["Email Address"]
    assert not reading.warnings
    login = account.logins[-1]
    assert login["AUTHENTICATOR"] == "SNOWFLAKE_JWT"
    claims = jwt.decode(login["TOKEN"], key.public_key(), algorithms=["RS256"])
    assert claims["sub"] == "ACME.TABWARDEN"
    assert "PASSWORD" not in login


def test_snowflake_key_as_text(account: Snowflake, key: rsa.RSAPrivateKey) -> None:
    connect = {**account.connect, "private_key": pem(key).decode()}
    assert read("snowflake", connect, table="joiners").rows
    assert jwt.decode(account.logins[-1]["TOKEN"], key.public_key(), algorithms=["RS256"])


@pytest.mark.parametrize(
    ("authenticator", "sent"),
    [
        ("PROGRAMMATIC_ACCESS_TOKEN", "PROGRAMMATIC_ACCESS_TOKEN"),
        ("programmatic_access_token", "PROGRAMMATIC_ACCESS_TOKEN"),
        ("oauth", "OAUTH"),
    ],
)
def test_snowflake_tokens(account: Snowflake, authenticator: str, sent: str) -> None:
    connect = {**account.connect, "authenticator": authenticator, "token": "pat-of-ada"}
    reading = read("snowflake", connect, table="public.joiners")
    assert len(reading.rows) == MANY + 2
    assert not reading.warnings
    assert account.logins[-1]["AUTHENTICATOR"] == sent
    assert account.logins[-1]["TOKEN"] == "pat-of-ada"


def test_snowflake_password_is_taken_with_a_warning(account: Snowflake) -> None:
    reading = read("snowflake", {**account.connect, "password": "hush"}, table="HR.PUBLIC.JOINERS")
    assert account.logins[-1]["PASSWORD"] == "hush"
    (warning,) = reading.warnings
    assert "key pair" in warning
    assert "hush" not in warning


def test_snowflake_stops(account: Snowflake) -> None:
    connect = {**account.connect, "password": "hush-hush"}
    error = refused(connect, table="absent")
    assert error.stop == "source-unreadable"
    assert "ABSENT" in str(error)
    assert "002003" in str(error)
    assert "hush-hush" not in str(error)
    assert refused(connect, table="leavers").stop == "source-empty"


def test_snowflake_that_is_not_there(account: Snowflake) -> None:
    connect = {**account.connect, "port": 1, "password": "hush-hush", "login_timeout": 1}
    error = refused(connect, table="joiners")
    assert error.stop == "source-unreadable"
    assert "hush-hush" not in str(error)


@pytest.mark.parametrize(
    ("connect", "told"),
    [
        ({}, "no way to sign in under `connect`; add `private_key_file`"),
        ({"token": "t"}, "a `token` but no `authenticator`"),
        ({"private_key_file": "absent.p8"}, "`private_key_file: absent.p8` cannot be read: no such file"),
        ({"private_key": "-----BEGIN PRIVATE KEY-----\nhush\n"}, "`private_key` holds no private key"),
    ],
)
def test_snowflake_sign_in_that_cannot_work_is_told_before_it_is_tried(connect: dict[str, Any], told: str) -> None:
    error = refused({"account": "acme", "user": "ada", **connect}, table="joiners")
    assert told in str(error)
    assert "hush" not in str(error)


def test_snowflake_key_passwords(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    path = tmp_path / "key.p8"
    path.write_bytes(pem(key, "open sesame"))
    connect = {"account": "acme", "user": "ada", "private_key_file": str(path)}
    assert "is encrypted; give `private_key_file_pwd`" in str(refused(connect, table="x"))
    error = refused({**connect, "private_key_file_pwd": "open barley"}, table="x")
    assert "check `private_key_file_pwd`" in str(error)
    path.write_bytes(pem(key))
    error = refused({**connect, "private_key_file_pwd": "open barley"}, table="x")
    assert "is not encrypted; remove its password" in str(error)
    assert "barley" not in str(error)
