"""Mail against a real SMTP server: its certificate, its sign-in, and every way it can fail."""

from __future__ import annotations

import email
import email.policy
import gzip
import io
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tabwarden import notify
from tabwarden.notify import send
from tabwarden.settings import Mail

# With implicit TLS the server does not know that its line is protected, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
PASSWORD = "Mäil-Secret-33"


@dataclass
class Inbox:
    """Keeps what arrives; refuses who is asked to be refused."""

    refused: tuple[str, ...] = ()
    received: list[tuple[Envelope, EmailMessage]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        message = email.message_from_bytes(cast(bytes, envelope.content), policy=email.policy.default)
        self.received.append((envelope, cast(EmailMessage, message)))
        return "250 OK"


def _sign_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"tw", PASSWORD.encode())
    return AuthResult(success=right, handled=right)


class ImplicitTls(Controller):
    """Waits for the TLS handshake of its own trial connection too."""

    def _trigger_server(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((self.hostname, self.port), 5) as plain, context.wrap_socket(plain) as tls:
            tls.recv(1024)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Start = Callable[..., tuple[Inbox, int]]


@pytest.fixture
def start(authority: trustme.CA) -> Iterator[Start]:
    """Starts servers: `start(security, refused=(), name='127.0.0.1')` gives the inbox and the port."""
    running: list[Controller] = []

    def start_one(security: str, refused: tuple[str, ...] = (), name: str = "127.0.0.1") -> tuple[Inbox, int]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        inbox, port = Inbox(refused), _free_port()
        common: dict[str, Any] = {"hostname": "127.0.0.1", "port": port}
        signing = {"authenticator": _sign_in, "auth_required": True}
        if security == "starttls":
            controller = Controller(inbox, **common, tls_context=context, require_starttls=True, **signing)
        elif security == "tls":
            controller = ImplicitTls(inbox, **common, ssl_context=context, auth_require_tls=False, **signing)
        else:
            controller = Controller(inbox, **common)
        controller.start()
        running.append(controller)
        return inbox, port

    yield start_one
    for controller in running:
        controller.stop()


def mail(port: int, ca: Path | None, **changes: Any) -> Mail:
    given: dict[str, Any] = {
        "enabled": True,
        "from": "Tabwarden <tw@example.com>",
        "to": ["ada@example.com", "Bob Ö <bob@example.com>"],
        "host": "127.0.0.1",
        "port": port,
        "user": "tw",
        "password": PASSWORD,
        "ca_file": ca,
        "timeout": 10,
    }
    return Mail.model_validate({key: value for key, value in (given | changes).items() if value is not None})


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_log_reaches_everybody_over_a_verified_line(
    start: Start, ca_file: Path, tmp_path: Path, security: str
) -> None:
    inbox, port = start(security)
    log = tmp_path / "tabwarden-2026-01-02-030405.log"
    log.write_text("2026-01-02 03:04:05 | ERROR | Zoë was not added\n" + "x" * 2000 + "\n", encoding="utf-8")
    problem = send(mail(port, ca_file, security=security), "Fehler: zwölf\r\nPersonen", "Grüße\n.\nend", log)
    assert problem is None
    ((envelope, message),) = inbox.received
    assert envelope.rcpt_tos == ["ada@example.com", "bob@example.com"]
    assert envelope.mail_from == "tw@example.com"
    assert message["Subject"] == "Fehler: zwölf Personen"
    assert "Bob Ö <bob@example.com>" in message["To"]
    assert message["Message-ID"].endswith("@example.com>")
    body = message.get_body()
    assert body is not None
    assert cast(EmailMessage, body).get_content().splitlines() == ["Grüße", ".", "end"]
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == log.name
    assert cast(EmailMessage, attached).get_content().splitlines() == log.read_text(encoding="utf-8").splitlines()


def test_an_ascii_password_signs_in_too(start: Start, ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "PASSWORD", "Plain-Secret-33")
    inbox, port = start("starttls")
    assert send(mail(port, ca_file), "s", "b") is None
    assert len(inbox.received) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_wrong_password_is_told_and_nothing_sent(start: Start, ca_file: Path, security: str) -> None:
    inbox, port = start(security)
    problem = send(mail(port, ca_file, security=security, password="Wrong-Secret"), "s", "b")
    assert problem == (
        f"the mail was not sent: `127.0.0.1` port {port} did not accept `mail.user` and `mail.password` (535)"
    )
    assert inbox.received == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_nobody_vouches_for_is_refused(start: Start, security: str) -> None:
    inbox, port = start(security)
    problem = send(mail(port, None, security=security), "s", "b")
    assert problem is not None
    assert f"the certificate of `127.0.0.1` port {port} is not trusted" in problem
    assert "set `mail.ca_file`" in problem
    assert inbox.received == []


def test_a_certificate_of_another_host_is_refused(start: Start, ca_file: Path) -> None:
    inbox, port = start("starttls", name="other.example.com")
    problem = send(mail(port, ca_file), "s", "b")
    assert problem is not None
    assert "is not trusted" in problem
    assert inbox.received == []


def test_nobody_at_home(ca_file: Path) -> None:
    port = _free_port()
    assert send(mail(port, ca_file), "s", "b") == (
        f"the mail was not sent: `127.0.0.1` port {port} cannot be reached: nobody listens there"
    )


def test_a_server_that_never_answers(ca_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        problem = send(mail(port, ca_file, timeout=0.3), "s", "b")
    assert problem == f"the mail was not sent: `127.0.0.1` port {port} did not answer within 0.3 seconds"


def test_a_server_without_protection_is_not_spoken_to(start: Start, ca_file: Path) -> None:
    inbox, port = start("none")
    problem = send(mail(port, ca_file), "s", "b")
    assert problem is not None
    assert "does not offer what `mail.security: starttls` or the sign-in needs" in problem
    problem = send(mail(port, ca_file, security="tls"), "s", "b")
    assert problem is not None
    assert "check `mail.security` and `mail.port`" in problem
    assert inbox.received == []


def test_without_protection_only_when_asked(start: Start) -> None:
    inbox, port = start("none")
    assert send(mail(port, None, security="none", user=None, password=None), "s", "b") is None
    assert len(inbox.received) == 1


def test_one_refused_receiver_does_not_keep_it_from_the_others(start: Start, ca_file: Path) -> None:
    inbox, port = start("starttls", refused=("ada@example.com",))
    problem = send(mail(port, ca_file), "s", "b")
    assert problem == "the mail server refused `ada@example.com`; the others got the mail"
    assert inbox.received[0][0].rcpt_tos == ["bob@example.com"]
    everybody, port = start("starttls", refused=("ada@example.com", "bob@example.com"))
    problem = send(mail(port, ca_file), "s", "b")
    assert problem is not None
    assert "refused everybody in `mail.to`" in problem
    assert everybody.received == []


def test_a_missing_log_is_told_in_the_mail(start: Start, ca_file: Path, tmp_path: Path) -> None:
    inbox, port = start("starttls")
    problem = send(mail(port, ca_file), "s", "b", tmp_path / "gone.log")
    assert problem == "the mail went out without `gone.log`: no such file or directory"
    assert problem in str(inbox.received[0][1])


def test_a_long_log_is_packed(start: Start, ca_file: Path, tmp_path: Path) -> None:
    inbox, port = start("starttls")
    log = tmp_path / "long.log"
    log.write_bytes(b"2026-01-02 03:04:05 | INFO | added\n" * (notify.LARGEST_PLAIN_ATTACHMENT // 30))
    assert send(mail(port, ca_file), "s", "b", log) is None
    (attached,) = inbox.received[0][1].iter_attachments()
    assert attached.get_filename() == "long.log.gz"
    packed = cast(bytes, attached.get_payload(decode=True))
    assert gzip.GzipFile(fileobj=io.BytesIO(packed)).read() == log.read_bytes()


def test_an_unusable_authority_is_told(start: Start, tmp_path: Path) -> None:
    _, port = start("starttls")
    problem = send(mail(port, tmp_path / "none.pem"), "s", "b")
    assert problem == "the mail was not sent: `mail.ca_file` cannot be used: no such file or directory"
    (tmp_path / "empty.pem").write_text("x", encoding="ascii")
    problem = send(mail(port, tmp_path / "empty.pem"), "s", "b")
    assert problem == "the mail was not sent: `mail.ca_file` cannot be used: it holds no certificate"


def test_no_failure_tells_the_password(start: Start, ca_file: Path) -> None:
    _, port = start("starttls")
    for changes in ({"password": "Wrong-Secret"}, {"host": "no such host"}, {"from": "ä@example.com"}):
        problem = send(mail(port, ca_file, **changes), "s", "b")
        assert problem is None or ("Secret" not in problem and PASSWORD not in problem)
