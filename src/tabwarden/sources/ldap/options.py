"""What the reader of a directory is told, as plain values. Not the settings file, and not the reading."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class DomainOptions:
    """A domain and how it is reached. `servers` are `ldaps://...` or `ldap://...`; `user` is a UPN or DOMAIN\\name.

    A line to `ldap://` is turned into TLS before anything is said, unless `security` is `none`, which only a
    loopback address may have. `timeout` is in seconds. `member_range` asks for members so many at a time (0: as many
    as the server gives).
    """

    fqdn: str
    servers: tuple[str, ...]
    user: str
    password: str = field(repr=False)
    ca_file: str = ""
    security: str = "starttls"
    timeout: float = 30
    page_size: int = 1000
    member_range: int = 0


@dataclass(frozen=True)
class DirectoryOptions:
    """The domains to read, the server's first. `attributes` of people are read besides the usual.

    `group_name` is the attribute that names a group; `unread` are domains, by full name or SID, whose people are
    knowingly left out of groups.
    """

    domains: tuple[DomainOptions, ...]
    attributes: tuple[str, ...] = ()
    group_name: str = "sAMAccountName"
    unread: tuple[str, ...] = ()
