"""The mail that tells of a run."""

from __future__ import annotations

import base64
import gzip
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, make_msgid
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import visible
from tabwarden.safe_files import check_file
from tabwarden.troubles import of_connecting, of_tls

PORTS = {"starttls": 587, "tls": 465, "none": 25}
# Mail servers commonly refuse more than 10 MB; a log of this size shrinks to about a tenth.
LARGEST_PLAIN_ATTACHMENT = 3_000_000


class MailSettings(Protocol):
    """What a mail needs to know; `settings.mail` is one."""

    @property
    def from_(self) -> str | None:
        """Sender."""

    @property
    def to(self) -> tuple[str, ...]:
        """Receivers."""

    @property
    def host(self) -> str | None:
        """Mail server."""

    @property
    def port(self) -> int | None:
        """Its port; None for the usual one of `security`."""

    @property
    def user(self) -> str | None:
        """Who signs in, None when nobody does."""

    @property
    def password(self) -> SecretStr | None:
        """His password."""

    @property
    def security(self) -> str:
        """`starttls`, `tls` or `none`."""

    @property
    def ca_file(self) -> Path | None:
        """PEM file of an authority to trust beside the system's."""

    @property
    def timeout(self) -> float:
        """Seconds."""


def send(mail: MailSettings, subject: str, body: str, attachment: Path | None = None) -> str | None:
    """Send one mail to everybody in `mail.to`. None when it went out, else one sentence to be logged.

    Never raises: a mail that fails must not change the result of the run it tells of.
    """
    try:
        message, problem = _message(mail, subject, body, attachment)
        with _connected(mail) as server:
            refused = server.send_message(message)
    except Exception as error:  # whatever it is, the run's result stands
        return f"the mail was not sent: {_reason(error, mail)}"
    if refused:
        return f"the mail server refused {', '.join(f'`{who}`' for who in sorted(refused))}; the others got the mail"
    return problem


def entered(mail: MailSettings) -> str | None:
    """None where the mail server lets us in, else one sentence; nothing is sent. Never raises."""
    try:
        with _connected(mail) as server:
            server.noop()
    except Exception as error:
        return _reason(error, mail)
    return None


def _message(mail: MailSettings, subject: str, body: str, attachment: Path | None) -> tuple[EmailMessage, str | None]:
    """The mail, and what is wrong with it though it can be sent."""
    message = EmailMessage()
    message["Subject"] = visible(" ".join(subject.split()))
    message["From"] = mail.from_ or ""
    message["To"] = ", ".join(mail.to)
    message["Date"] = formatdate(localtime=True)
    domain = getaddresses([mail.from_ or ""])[0][1].rpartition("@")[2]
    # A domain is given so that the machine's own name is not told.
    message["Message-ID"] = make_msgid(domain=domain if domain.isascii() and domain else "tabwarden.invalid")
    message["Auto-Submitted"] = "auto-generated"
    problem = None
    content = None
    if attachment is not None:
        try:
            content = attachment.read_bytes()
        except OSError as error:
            problem = f"the mail went out without `{attachment.name}`: {(error.strerror or 'unreadable').lower()}"
            body += f"\n\n({problem})"
    message.set_content("\n".join(map(visible, body.split("\n"))))
    if attachment is not None and content is not None:
        if len(content) > LARGEST_PLAIN_ATTACHMENT:
            name, packed = attachment.name + ".gz", gzip.compress(content)
            message.add_attachment(packed, maintype="application", subtype="gzip", filename=name)
        else:
            text = content.decode("utf-8", "replace")
            message.add_attachment(text, subtype="plain", charset="utf-8", filename=attachment.name)
    return message, problem


def _connected(mail: MailSettings) -> smtplib.SMTP:
    """A session that is protected as asked and signed in. Certificates are always verified."""
    port = mail.port or PORTS[mail.security]
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host or "", port, timeout=mail.timeout, context=_context(mail))
    else:
        server = smtplib.SMTP(mail.host or "", port, timeout=mail.timeout)
    try:
        if mail.security == "starttls":
            server.starttls(context=_context(mail))
        if mail.user and mail.password is not None:
            _sign_in(server, mail.user, mail.password.get_secret_value())
    except BaseException:
        server.close()
        raise
    return server


def _sign_in(server: smtplib.SMTP, user: str, password: str) -> None:
    """smtplib signs in with ASCII only; everybody else's password goes as RFC 4616 has it, in UTF-8."""
    if user.isascii() and password.isascii():
        server.login(user, password)
        return
    server.ehlo_or_helo_if_needed()
    if "PLAIN" not in server.esmtp_features.get("auth", "").split():
        raise smtplib.SMTPNotSupportedError
    given = base64.b64encode(f"\0{user}\0{password}".encode()).decode("ascii")
    code, answer = server.docmd("AUTH", f"PLAIN {given}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, answer)


def _context(mail: MailSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if mail.ca_file is not None:
        try:
            check_file(mail.ca_file)
            context.load_verify_locations(mail.ca_file)
        except OSError as error:  # a missing file, or an SSLError for one without certificates
            reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else (error.strerror or "").lower()
            raise TabwardenError(f"`mail.ca_file` cannot be used: {reason}") from None
    return context


def _reason(error: Exception, mail: MailSettings) -> str:
    """Why, and what to do; of the server's words only its code and text, never what was sent."""
    where = f"`{mail.host}` port {mail.port or PORTS[mail.security]}"
    match error:
        case TabwardenError():
            return str(error)
        case smtplib.SMTPAuthenticationError():
            return f"{where} did not accept `mail.user` and `mail.password` ({error.smtp_code})"
        case smtplib.SMTPNotSupportedError():
            return f"{where} does not offer what `mail.security: {mail.security}` or the sign-in needs"
        case smtplib.SMTPRecipientsRefused():
            return f"{where} refused everybody in `mail.to`"
        case smtplib.SMTPSenderRefused():
            return f"{where} refused the sender in `mail.from` ({error.smtp_code})"
        case smtplib.SMTPResponseException():
            return f"{where} answered {error.smtp_code}"
        case ssl.SSLCertVerificationError():
            return f"the certificate of {where} is not trusted: {of_tls(error)}; set `mail.ca_file`"
        case ssl.SSLError():
            return f"no protected line to {where}: {of_tls(error)}; check `mail.security` and `mail.port`"
        case _ if isinstance(error, TimeoutError) or "timed out" in str(error):  # smtplib hides some in its own
            return f"{where} did not answer within {mail.timeout:g} seconds"
        case smtplib.SMTPServerDisconnected():
            return f"{where} ended the connection; check `mail.security` and `mail.port`"
        case OSError():
            return f"{where} cannot be reached: {of_connecting(error)}"
    return "the mail server does not do what mail servers do; check the section `mail` of the settings"
