"""What goes wrong on the way to the repository is one sentence, and what was kept before stays as it was."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from workgroups import PASSWORD, Workgroup, workgroup

from tabwarden.model.errors import IncompleteRead, TableauError, TabwardenError
from tabwarden.run.history import opened as history_of
from tabwarden.run.read import read_repository_and_keep as read_and_keep
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.settings import load
from tabwarden.tableau.repository.connecting import RepositoryOptions, opened
from tabwarden.tableau.repository.read import read_repository


def certificate(folder: Path) -> None:
    """A certificate of its own for `localhost` and its key, where PostgreSQL looks for them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.key").write_bytes(private)
    (folder / "server.key").chmod(0o600)


class TlsFront:
    """What stands before a PostgreSQL that takes connections from elsewhere over TLS only, as `hostssl` makes it.

    The PostgreSQL of the tests is built without TLS: here the handshake is done and the bytes are passed on to it.
    """

    def __init__(self, behind: str, folder: Path) -> None:
        self.behind = behind
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "server.crt", folder / "server.key")
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listening.accept()[0],), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            asked = client.recv(8)
            if asked[4:] != SSL_REQUEST:
                client.sendall(NO_ENCRYPTION)
                return
            client.sendall(b"S")
            with self.context.wrap_socket(client, server_side=True) as line, socket.socket(socket.AF_UNIX) as server:
                server.connect(self.behind)
                threading.Thread(target=self.pass_on, args=(server, line), daemon=True).start()
                self.pass_on(line, server)

    def pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()


SSL_REQUEST = (80877103).to_bytes(4, "big")
_REFUSAL = b"SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for host, user, database, no encryption\0\0"
NO_ENCRYPTION = b"E" + (len(_REFUSAL) + 4).to_bytes(4, "big") + _REFUSAL


@pytest.fixture(scope="module")
def tls(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workgroup]:
    """The repository of `w0` on a server that takes connections from elsewhere over TLS only."""
    folder = tmp_path_factory.mktemp("tls")
    certificate(folder)
    with workgroup(postgres.admin, find_world("w0")) as made:
        front = TlsFront(f"{made.options.host}/.s.PGSQL.{made.options.port}", folder)
        there = {"host": "localhost", "port": front.port, "ca_file": folder / "server.crt", "timeout": 10}
        yield made._replace(options=replace(made.options, **there))
        front.close()


def test_over_tls_the_server_is_verified(tls: Workgroup) -> None:
    assert len(read_repository(tls.options, "sandbox").users) == 8
    assert len(read_repository(replace(tls.options, host="127.0.0.1", sslmode="verify-ca"), "sandbox").users) == 8
    assert len(read_repository(replace(tls.options, sslmode="require", ca_file=None), "sandbox").users) == 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong and secret"}, "refused `readonly`: wrong password; see `tableau.repository.password`"),
        ({"user": "nobody"}, "refused `nobody`: wrong password"),
        ({"database": "gone"}, "has no database `gone`; see `tableau.repository.database`"),
        ({"sslmode": "disable"}, "takes no connection without TLS, and `tableau.repository.sslmode` is disable"),
        ({"ca_file": None}, "showed a certificate that is not signed by a trusted authority"),
        ({"ca_file": Path("no-such-file.pem")}, "the file of `tableau.repository.ca_file` does not exist"),
        ({"host": "127.0.0.1"}, "showed a certificate of another name than `127.0.0.1`"),
        ({"port": 9}, "does not listen; is access to the repository enabled and the port right?"),
        ({"host": "no-such-host.invalid"}, "is not known by this name; see `tableau.repository.host`"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_keeps_us_out_is_one_sentence(tls: Workgroup, change: dict[str, Any], words: str) -> None:
    options = replace(tls.options, **change)
    with pytest.raises(TableauError) as told:
        read_repository(options, "sandbox")
    assert words in str(told.value)
    assert str(told.value).startswith(f"the repository at `{options.host}:{options.port}` ")
    assert "\n" not in str(told.value)
    assert options.password not in str(told.value)


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A port where everybody who says something is told `answer`, and no more; b'' says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            held = []
            while True:
                try:
                    one, _ = listening.accept()
                    held.append(one)
                    one.recv(8)
                    one.sendall(answer)
                except OSError:
                    break
            for one in held:
                one.close()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"N", "offers no TLS, and `tableau.repository.sslmode` is verify-full"),
        (b"", "did not answer in time; is the port open in the firewall?"),
        (b"E\x00\x00\x00\x0ano!\x00\x00", "could not be entered"),
    ],
)
def test_servers_that_are_no_repository(answer: bytes, words: str) -> None:
    with answering(answer) as port, pytest.raises(TableauError) as told:
        read_repository(RepositoryOptions("127.0.0.1", PASSWORD, port=port, timeout=2))
    assert words in str(told.value)
    assert "\n" not in str(told.value)


# -- in the middle --------------------------------------------------------------------------------------------


def end_readers(made: Workgroup) -> None:
    """As an administrator would, or a server that restarts."""
    with psycopg.connect(**made.admin, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'readonly'")


def test_a_connection_that_ends_in_the_middle_is_an_incomplete_read(postgres: Any) -> None:
    broken = pytest.raises(IncompleteRead, match=r"broke off .*nothing of this read is kept")
    with workgroup(postgres.admin, find_world("w0")) as made, broken, opened(made.options) as repository:
        assert len(list(repository.rows("users", "1"))) == 8
        end_readers(made)
        list(repository.rows("contents", "1"))


def settings(folder: Path, made: Workgroup, **changed: Any) -> Any:
    told = {"host": made.options.host, "port": made.options.port, "database": made.options.database} | changed
    written = ", ".join(f"{key}: {value}" for key, value in ({"password": PASSWORD} | told).items())
    (folder / "settings.yaml").write_text(
        "tableau:\n  server: https://tableau.example.com\n  site: sandbox\n"
        "  auth: {pat: {name: tok, secret: a-secret}}\n"
        f"  repository: {{{written}}}\nstore: {{folder: store}}\n"
    )
    return load(folder, {})


def kept(folder: Path) -> list[Any]:
    with history_of(str(folder / "store")) as history:
        return list(history.snapshots())


def test_what_was_kept_stays_as_it_was(postgres: Any, tmp_path: Path) -> None:
    with workgroup(postgres.admin, find_world("w0")) as made:
        (first,) = read_and_keep(settings(tmp_path, made))
        before = kept(tmp_path)
        assert [one.number for one in before] == [first.snapshot.number]
        for changed in ({"password": "wrong"}, {"database": "gone"}, {"port": 9}):
            with pytest.raises(TabwardenError):
                list(read_and_keep(settings(tmp_path, made, **changed)))
            assert kept(tmp_path) == before
        with pytest.raises(IncompleteRead):
            list(read_and_keep(settings(tmp_path, made), lambda _done, _of: end_readers(made)))
        assert kept(tmp_path) == before
        made.run("revoke select on views from readonly")
        with pytest.raises(TableauError, match="may not read the table `views`"):
            list(read_and_keep(settings(tmp_path, made)))
        assert kept(tmp_path) == before


def test_a_site_that_breaks_off_leaves_those_before_it(postgres: Any, tmp_path: Path) -> None:
    with workgroup(postgres.admin, find_world("acme")) as made:
        reads = read_and_keep(settings(tmp_path, made), all_sites=True)
        assert next(reads).snapshot.content_url == "acme"
        end_readers(made)
        with pytest.raises(IncompleteRead):
            next(reads)
    assert [one.content_url for one in kept(tmp_path)] == ["acme"]
