"""Two real Active Directory domains (Samba) on loopback addresses of their own. Not a test; not what is in them
(tests/support/domain_people.py).

Use the fixture `domains` (tests/plugins/domains.py; one pair of servers a worker, provisioned once a run):

    def test_something(domains, tmp_path):
        settings = domains.settings(tmp_path)              # tabwarden Settings with both domains, CORP first
        path = domains.settings_file(tmp_path, server=url) # the same as a file, for the command line
        directory = read_directory(settings)               # tabwarden.run.directory

Every worker's pair is shared by its tests, so make your own people for what you change, or use `fresh_domains`
(a pair started for one test from the same image, about two seconds):

    corp = domains.corp                                    # and domains.seattle: a Domain
    corp.add_person("nora", mail="nora@corp.example.com")  # -> her objectGUID; also add_group(name, members=...)
    corp.disable("nora"); corp.enable("nora"); corp.delete("nora")
    corp.rename("nora", "nora.new", display="Nora New")    # sAMAccountName, UPN and CN; the objectGUID stays
    corp.add_member("Sales", "nora"); corp.remove_member("Sales", "nora")
    corp.add_member("Both Domains", domains.seattle.sid("wendy.west"))   # a member of the other domain, by SID
    corp.set("nora", department="Sales", mail=None)        # None removes
    corp.set_password("nora", "New-pass-word-1")

Everybody's password is `forest.PASSWORD`; the settings read as `svc.tabwarden`, a plain user, by `CORP\\svc.tabwarden`
and over LDAPS with a private CA. `domains.settings(tmp_path, user="Administrator")` may see deleted objects too.
A folder in TABWARDEN_TEST_DOMAINS keeps the provisioned image between runs, which saves some seconds each.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import domain_people as forest
import trustme
import yaml
from samba_image import ADMINISTRATOR_PASSWORD, NETBIOS, configure, run

from tabwarden.settings import Settings, load

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # ldap3 uses names that pyasn1 has renamed
    import ldap3
    from ldap3.protocol.formatters.formatters import format_sid
    from ldap3.utils.conv import escape_filter_chars

ADMINISTRATOR = "Administrator"
_LONGEST_LIFE = 3600
"""Seconds after which a server ends by itself, should everything else fail."""


@dataclass
class Domain:
    """A running domain. `address` is its own; `url` its LDAPS address, by number, as its certificate says."""

    fqdn: str
    netbios: str
    address: str
    home: Path
    process: subprocess.Popen[bytes]
    _line: ldap3.Connection | None = None

    @property
    def url(self) -> str:
        """Where it is read over LDAPS."""
        return f"ldaps://{self.address}"

    @property
    def base(self) -> str:
        """Its distinguished name."""
        return forest.base(self.fqdn)

    @contextlib.contextmanager
    def administrator(self) -> Iterator[ldap3.Connection]:
        """A connection that may do anything; it stays open for the next time."""
        if self._line is None:
            server = ldap3.Server(self.address, use_ssl=True, get_info=ldap3.NONE, connect_timeout=10)
            user = f"{self.netbios}\\{ADMINISTRATOR}"
            self._line = ldap3.Connection(
                server,
                user,
                ADMINISTRATOR_PASSWORD,
                client_strategy=ldap3.RESTARTABLE,  # a busy server ends lines
                check_names=False,
                raise_exceptions=True,
            )
            self._line.bind()
        yield self._line

    def close(self) -> None:
        """End the server."""
        if self._line is not None:
            self._line.unbind()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    def _found(self, name: str) -> tuple[str, dict[str, list[bytes]]]:
        with self.administrator() as line:
            wanted = f"(sAMAccountName={escape_filter_chars(name)})"
            line.search(self.base, wanted, attributes=["objectGUID", "objectSid", "userAccountControl"])
            found = [entry for entry in line.response if entry["type"] == "searchResEntry"]
        assert len(found) == 1, f"{len(found)} objects are called {name}"
        return found[0]["dn"], found[0]["raw_attributes"]

    def has(self, name: str) -> bool:
        """Whether somebody or a group is called that."""
        with self.administrator() as line:
            line.search(self.base, f"(sAMAccountName={escape_filter_chars(name)})", attributes=["1.1"])
            return any(entry["type"] == "searchResEntry" for entry in line.response)

    def dn(self, name: str) -> str:
        """Where somebody or a group stands."""
        return self._found(name)[0]

    def guid(self, name: str) -> str:
        """An objectGUID as `DirectoryPerson.guid` has it."""
        return str(uuid.UUID(bytes_le=self._found(name)[1]["objectGUID"][0]))

    def sid(self, name: str) -> str:
        """An objectSid as text, for `add_member` of the other domain."""
        return str(format_sid(self._found(name)[1]["objectSid"][0]))

    def add_person(self, name: str, **fields: str) -> str:
        """A new user in OU=People; fields as `forest.User` has them or attributes of LDAP. Gives the objectGUID."""
        own = {key: fields.pop(key) for key in list(fields) if key in forest.User._fields}
        user = forest.User(name, **own)  # type: ignore[arg-type]
        attributes: dict[str, object] = {
            "sAMAccountName": name,
            "displayName": user.display or name,
            "userPrincipalName": user.upn or f"{name}@{self.fqdn}",
            "userAccountControl": user.control,
            "unicodePwd": forest.quoted_password(forest.PASSWORD),
            **{key: value for key, value in (("mail", user.mail), ("department", user.department)) if value},
            **fields,
        }
        with self.administrator() as line:
            line.add(forest.user_dn(self.fqdn, user), "user", attributes)
        return self.guid(name)

    def add_group(self, name: str, members: tuple[str, ...] = (), *, local: bool = False) -> str:
        """A new group in OU=Groups with members by name; `local` ones may hold people of other domains."""
        kind = forest.DOMAIN_LOCAL if local else forest.GLOBAL
        with self.administrator() as line:
            line.add(
                forest.group_dn(self.fqdn, forest.Group(name)), "group", {"sAMAccountName": name, "groupType": kind}
            )
        for member in members:
            self.add_member(name, member)
        return self.guid(name)

    def add_member(self, group: str, member: str) -> None:
        """Put somebody, or a group, into a group: by name, or by SID where of another domain."""
        self._modify(group, {"member": [(ldap3.MODIFY_ADD, [self._member(member)])]})

    def remove_member(self, group: str, member: str) -> None:
        """Take somebody, or a group, out of a group."""
        self._modify(group, {"member": [(ldap3.MODIFY_DELETE, [self._member(member)])]})

    def _member(self, member: str) -> str:
        return f"<SID={member}>" if member.startswith("S-1-") else self.dn(member)

    def set(self, name: str, **attributes: str | int | None) -> None:
        """Set attributes of LDAP; None removes one."""
        self._modify(
            name,
            {key: [(ldap3.MODIFY_REPLACE, [] if value is None else [str(value)])] for key, value in attributes.items()},
        )

    def _modify(self, name: str, changes: dict[str, object]) -> None:
        dn = self.dn(name)
        with self.administrator() as line:
            line.modify(dn, changes)

    def set_password(self, name: str, password: str) -> None:
        """A new password."""
        value = [forest.quoted_password(password)]
        self._modify(name, {"unicodePwd": [(ldap3.MODIFY_REPLACE, value)]})

    def disable(self, name: str) -> None:
        """Disable an account."""
        self.set(name, userAccountControl=forest.DISABLED)

    def enable(self, name: str) -> None:
        """Enable an account again."""
        self.set(name, userAccountControl=forest.NORMAL)

    def delete(self, name: str) -> None:
        """Delete an object; a tombstone stays."""
        dn = self.dn(name)
        with self.administrator() as line:
            line.delete(dn)

    def bring_back(self, tombstone: str, dn: str) -> None:
        """Undo a deletion: the distinguished names of the tombstone and of whom it becomes again."""
        changes = {"isDeleted": [(ldap3.MODIFY_DELETE, [])], "distinguishedName": [(ldap3.MODIFY_REPLACE, [dn])]}
        with self.administrator() as line:
            line.modify(tombstone, changes, controls=[("1.2.840.113556.1.4.417", True, None)])

    def rename(self, name: str, new: str, *, display: str = "") -> None:
        """Give a person another sAMAccountName, UPN and CN; the objectGUID stays."""
        self.set(name, sAMAccountName=new, userPrincipalName=f"{new}@{self.fqdn}", displayName=display or new)
        dn = self.dn(new)
        with self.administrator() as line:
            line.modify_dn(dn, f"CN={forest.escaped(new)}")

    def move(self, name: str, ou: str) -> None:
        """Put an object into another OU."""
        dn = self.dn(name)
        with self.administrator() as line:
            line.modify_dn(dn, dn.partition(",OU=")[0], new_superior=f"OU={ou},{self.base}")


@dataclass
class Domains:
    """The pair. `ca_file` is the PEM file of the authority that signed both certificates."""

    corp: Domain
    seattle: Domain
    ca: trustme.CA
    ca_file: Path

    @property
    def both(self) -> tuple[Domain, Domain]:
        """The server's domain first."""
        return self.corp, self.seattle

    @property
    def password(self) -> str:
        """The password of `Administrator`."""
        return ADMINISTRATOR_PASSWORD

    def section(self, user: str = forest.READER, **more: object) -> dict[str, object]:
        """The section `directory:`; `more` is put over each domain."""
        password = ADMINISTRATOR_PASSWORD if user == ADMINISTRATOR else forest.PASSWORD
        return {
            "domains": [
                {
                    "fqdn": domain.fqdn,
                    "servers": [domain.url],
                    "user": f"{domain.netbios}\\{user}",
                    "password": password,
                    "ca_file": str(self.ca_file),
                    **more,
                }
                for domain in self.both
            ]
        }

    def settings_file(
        self, folder: Path, *, server: str = "http://127.0.0.1:1", user: str = forest.READER, **more: object
    ) -> Path:
        """A settings.yaml in `folder`: the server of Tableau, both domains, and what is told `more` (sections)."""
        path = folder / "settings.yaml"
        signing_in = {"password": {"username": "admin", "password": "admin"}}
        told = {"tableau": {"server": server, "auth": signing_in}, "directory": self.section(user), **more}
        path.write_text(yaml.safe_dump(told, allow_unicode=True, sort_keys=False))
        return path

    def settings(self, folder: Path, **more: object) -> Settings:
        """The same as Settings; arguments as for `settings_file`."""
        return load(self.settings_file(folder, **more), {})  # type: ignore[arg-type]


@contextlib.contextmanager
def running(image: Path) -> Iterator[Domains]:
    """Both domains, started from a copy of the image and ended at the end, or when this process ends."""
    # A folder of a short name: the paths of Samba's sockets are below it, and the system limits them to 107 letters.
    folder = Path(tempfile.mkdtemp(prefix="tabwarden-"))
    ca = trustme.CA()
    ca_file = folder / "ca.pem"
    ca.cert_pem.write_to_path(ca_file)
    started: list[Domain] = []
    try:
        # Not `started += [...]`: what was started before one that fails is to be ended too.
        started.extend(_start(image / fqdn, folder / fqdn, fqdn, ca) for fqdn in NETBIOS)
        for domain in started:
            _wait_for(domain)
        yield Domains(*started, ca, ca_file)
    finally:
        for domain in started:
            domain.close()
        shutil.rmtree(folder, ignore_errors=True)


def _start(image: Path, home: Path, fqdn: str, ca: trustme.CA) -> Domain:
    run("cp", "-a", "--sparse=always", str(image), str(home))
    address = _free_address()
    configure(home, fqdn, address)
    tls = home / "private" / "tls"
    tls.mkdir(exist_ok=True)
    certificate = ca.issue_cert(address, f"dc1.{fqdn}")
    ca.cert_pem.write_to_path(tls / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(tls / "cert.pem")
    certificate.private_key_pem.write_to_path(tls / "key.pem")
    (tls / "key.pem").chmod(0o600)
    with (home / "told").open("wb") as told:
        # Its standard input is a pipe of ours: the server ends when the pipe does, however we end.
        process = subprocess.Popen(
            [
                "samba",
                "-i",
                "-M",
                "single",
                "-s",
                str(home / "smb.conf"),
                "--debug-stdout",
                f"--maximum-runtime={_LONGEST_LIFE}",
            ],
            stdin=subprocess.PIPE,
            stdout=told,
            stderr=told,
            env={**os.environ, "TDB_NO_FSYNC": "1"},
        )
    return Domain(fqdn, NETBIOS[fqdn], address, home, process)


def _free_address() -> str:
    """A loopback address where nobody listens on the ports of LDAP, for they cannot be chosen."""
    for _ in range(100):
        address = f"127.{random.randrange(1, 255)}.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in (389, 636, 3268, 3269):
                probe = stack.enter_context(socket.socket())
                probe.bind((address, port))
            return address
    raise AssertionError("no loopback address has the ports of LDAP free")


def _wait_for(domain: Domain) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and domain.process.poll() is None:
        try:
            socket.create_connection((domain.address, 636), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            with domain.administrator():
                return
    raise AssertionError(f"the domain {domain.fqdn} did not start:\n{(domain.home / 'told').read_text()[-3000:]}")
