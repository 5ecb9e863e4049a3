"""What Active Directory's values mean: GUIDs, SIDs, names with both, account flags."""

from __future__ import annotations

import re
import struct
import uuid
from typing import NamedTuple, NoReturn

from tabwarden.sources import unreadable
from tabwarden.want.roster import shown

DISABLED = 0x0002
_NO_PERSON = 0x0800 | 0x1000 | 0x2000
"""userAccountControl of trusts, workstations and servers: accounts, and nobody's."""
_EXTENDED = re.compile(r"(?:<GUID=(?P<guid>[^>]*)>;)?(?:<SID=(?P<sid>[^>]*)>;)?(?P<dn>.*)", re.DOTALL)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_SID = re.compile(r"S-1-([0-9]{1,15})((?:-[0-9]{1,10}){0,15})")
_LABEL = re.compile(r"(?<!\\),\s*(?=DC=)", re.IGNORECASE)
NO_GUID = str(uuid.UUID(int=0))
_NUMBER = re.compile(r"-?[0-9]{1,19}")
_DOMAIN_SID = re.compile(r"(S-1-5-21-\d+-\d+-\d+)-\d+")

Attributes = dict[str, list[bytes]]


class LdapEntry(NamedTuple):
    """An object as it was told: its distinguished name, and its attributes in bytes by name in lower case.

    A value that Active Directory would never tell is a SourceError, and so is what `must` be there and is not.
    """

    dn: str
    attributes: Attributes

    def text(self, name: str) -> str:
        """The first value as text, '' where there is none."""
        values = self.attributes.get(name.lower())
        return values[0].decode("utf-8", "replace") if values else ""

    def number(self, name: str) -> int:
        """The first value as a number, 0 where there is none."""
        text = self.text(name) or "0"
        if not _NUMBER.fullmatch(text):
            self._cannot_be(name)
        return int(text)

    def must(self, name: str) -> str:
        """A text that every object of its kind has; of an objectGUID the usual letters."""
        value = self.guid if name == "objectGUID" else self.text(name)
        if not value:
            raise unreadable(f"the directory shows `{shown(self.dn)}` without its `{name}`; let the account read it")
        return value

    def _cannot_be(self, name: str) -> NoReturn:
        raise unreadable(
            f"the directory says of `{shown(self.dn)}` a `{name}` that cannot be; is it an Active Directory, and whole?"
        )

    @property
    def guid(self) -> str:
        """Its objectGUID in the usual letters, '' where it was not told."""
        values = self.attributes.get("objectguid")
        if values and len(values[0]) != 16:
            self._cannot_be("objectGUID")
        return str(uuid.UUID(bytes_le=values[0])) if values else ""

    @property
    def sid(self) -> str:
        """Its objectSid as S-1-..., '' where it has none."""
        return self.sid_of("objectSid")

    def sid_of(self, name: str) -> str:
        """A security identifier as S-1-..., '' where there is none."""
        values = self.attributes.get(name.lower())
        if values and (len(values[0]) < 8 or len(values[0]) != 8 + 4 * values[0][1]):
            self._cannot_be(name)
        return sid_text(values[0]) if values else ""

    def is_a(self, kind: str) -> bool:
        return kind.encode() in (value.lower() for value in self.attributes.get("objectclass", ()))

    @property
    def deleted(self) -> bool:
        """Whether it is a tombstone."""
        return self.text("isDeleted").upper() == "TRUE"

    @property
    def is_person(self) -> bool:
        """Whether it is somebody's account: a user, and neither computer, trust nor managed service account."""
        if not self.is_a("user") or self.is_a("computer"):
            return False
        return not self.number("userAccountControl") & _NO_PERSON

    @property
    def is_group(self) -> bool:
        return self.is_a("group")


class Reference(NamedTuple):
    """A member as a group tells it: the objectGUID and objectSid of what it points at, and where that stands."""

    guid: str
    sid: str
    dn: str


def sid_text(raw: bytes) -> str:
    """A security identifier as people write it ([MS-DTYP] 2.4.2)."""
    revision, count = raw[0], raw[1]
    authority = int.from_bytes(raw[2:8], "big")
    parts = struct.unpack(f"<{count}I", raw[8 : 8 + 4 * count])
    return "-".join(("S", str(revision), str(authority), *map(str, parts)))


def guid_bytes(guid: str) -> bytes:
    """An objectGUID as it is kept."""
    return uuid.UUID(guid).bytes_le


def sid_bytes(sid: str) -> bytes:
    """An objectSid as it is kept."""
    _s, revision, authority, *parts = sid.split("-")
    head = struct.pack("<BB", int(revision), len(parts)) + int(authority).to_bytes(6, "big")
    return head + struct.pack(f"<{len(parts)}I", *map(int, parts))


def reference(raw: bytes) -> Reference:
    """A name as the extended form tells it: `<GUID=...>;<SID=...>;CN=...` ([MS-ADTS] 3.1.1.3.4.1.5).

    SourceError for a GUID or SID that cannot be.
    """
    parts = _EXTENDED.fullmatch(raw.decode("utf-8", "replace"))
    assert parts is not None  # the last group takes anything
    dn = parts["dn"]
    sid = parts["sid"] or ""
    if not _GUID.fullmatch(parts["guid"] or NO_GUID) or not _is_sid(sid or "S-1-0"):
        raise unreadable(f"the directory names `{shown(dn)}` with a GUID or SID that cannot be; is it whole?")
    if not sid and "CN=FOREIGNSECURITYPRINCIPALS," in dn.upper():
        name = dn[3:].partition(",")[0]
        sid = name if _is_sid(name) else ""
    return Reference((parts["guid"] or "").lower(), sid, dn)


def _is_sid(text: str) -> bool:
    match = _SID.fullmatch(text)
    if match is None or int(match[1]) >= 1 << 48:
        return False
    return all(int(part) < 1 << 32 for part in match[2].split("-")[1:])


def domain_of_sid(sid: str) -> str:
    """The SID of the domain that a SID belongs to, '' for those of no domain (`Authenticated Users`, ...)."""
    match = _DOMAIN_SID.fullmatch(sid)
    return match[1] if match else ""


def domain_of_dn(dn: str) -> str:
    """The full name of the domain a distinguished name lies in."""
    return ".".join(part[3:] for part in _LABEL.split(dn) if part[:3].upper() == "DC=").lower()


def escaped(value: bytes | str) -> str:
    """A value as a filter takes it (RFC 4515, section 3): bytes whole, of text what has a meaning there."""
    if isinstance(value, bytes):
        return "".join(f"\\{byte:02x}" for byte in value)
    return "".join(f"\\{ord(letter):02x}" if letter in "*()\\\0" else letter for letter in value)
