"""How a change names who and what it is about, and how a Site is asked for what a name means."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tabwarden.model.names import same
from tabwarden.model.site import GRANTEE_TABLES, LOCAL, Content, Grantee, Group, Site, User

USER, GROUP, DOMAIN = "user", "group", "domain"
NEW = "new:"
"""Begins the id of what an earlier change of the same plan creates, on a Site that is thought of."""


class _Keyed:
    """Room for what a value is asked for again and again."""

    __slots__ = ("_key",)
    _key: str


@dataclass(frozen=True, slots=True)
class Ref(_Keyed):
    """A user, group or group set by name, a content by path, a domain by FQDN; by id where one is known.

    An id of None: it does not exist yet, or has none.
    """

    kind: str
    name: str
    domain: str = LOCAL
    id: str | None = None

    def __repr__(self) -> str:
        """As any dataclass shows itself, without looking whether it holds itself: a plan has millions."""
        return f"Ref(kind={self.kind!r}, name={self.name!r}, domain={self.domain!r}, id={self.id!r})"

    @property
    def key(self) -> str:
        """The same for the same user or group however its letters were typed, whether it exists or not."""
        try:
            return self._key
        except AttributeError:
            key = f"{self.kind}:{self.domain.casefold()}\\{self.name.casefold()}"
            object.__setattr__(self, "_key", key)
            return key

    @property
    def qualified(self) -> str:
        """The name a person types: bare when local, else `domain\\name`."""
        return self.name if self.domain == LOCAL or self.domain.casefold() == LOCAL else f"{self.domain}\\{self.name}"

    def with_id(self, id_: str | None) -> Ref:
        """The same, known by another id, or by none."""
        return replace(self, id=id_)

    @property
    def new_id(self) -> str:
        """The id it has on a Site that is thought of, until Tableau gives one."""
        return f"{NEW}{self.key}"

    @property
    def is_new(self) -> bool:
        """Whether an earlier change of the same plan creates it."""
        return self.id is None or self.id.startswith(NEW)


def _known(id_: str) -> str | None:
    return None if id_.startswith(NEW) else id_


def user_ref(user: User) -> Ref:
    """A user of a Site; without id where a change before creates him."""
    return Ref(USER, user.name, user.domain, _known(user.id))


def group_ref(group: Group) -> Ref:
    """A group of a Site; without id where a change before creates it."""
    return Ref(GROUP, group.name, group.domain, _known(group.id))


def content_ref(site: Site, content: str) -> Ref:
    """A content of the Site, by its id; its name is its path."""
    return Ref(site.contents[content].kind, site.path(content), id=content)


def grantee_ref(site: Site, grantee: Grantee) -> Ref:
    """A user, group or group set by a rule's grantee; by the id alone where the Site does not know it."""
    known = getattr(site, GRANTEE_TABLES.get(grantee.kind, "users")).get(grantee.id)
    if known is None:
        return Ref(grantee.kind, grantee.id, id=grantee.id)
    return Ref(grantee.kind, known.name, getattr(known, "domain", LOCAL), _known(grantee.id))


class Lookup:
    """A Site that is asked for what many Refs mean."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._nobody: set[str] = set()
        self._spoken_of: dict[str, str | None] = {}

    def is_first(self, ref: Ref) -> bool:
        """Whether nobody has asked this of the Ref yet, nor of another with its key and id."""
        if self._spoken_of.get(ref.key, NEW) == ref.id:
            return False
        self._spoken_of[ref.key] = ref.id
        return True

    def user(self, ref: Ref | None) -> User | None:
        """The user a Ref means: by id, else by domain and name.

        A name without domain also means the one user of that name whatever his domain: the server names the domain
        of whom we added.
        """
        if ref is None:
            return None
        site = self.site
        if ref.id is not None:
            return site.users.get(ref.id)
        if ref.key in self._nobody:
            return None
        ids = site.users_named(f"{ref.domain}\\{ref.name}")
        if not ids and ref.domain.casefold() == LOCAL:
            ids = site.users_named(ref.name)
        if len(ids) == 1:
            return site.users[ids[0]]
        self._nobody.add(ref.key)
        return None

    def group(self, ref: Ref | None) -> Group | None:
        """The group a Ref means: by id, else by domain and name."""
        if ref is None:
            return None
        groups = self.site.groups
        if ref.id is not None:
            return groups.get(ref.id)
        named = (groups[group] for group in self.site.groups_named(f"{ref.domain}\\{ref.name}"))
        return next((group for group in named if group_ref(group).key == ref.key), None)

    def content(self, ref: Ref) -> Content | None:
        """The content a Ref means: by id; of a project that was to be created, by its path."""
        site = self.site
        known = site.contents.get(ref.id or "")
        if known is not None or not ref.is_new:
            return known
        return next((c for i in site.contents_at(ref.name) if (c := site.contents[i]).kind == ref.kind), None)

    def grantee(self, ref: Ref) -> Grantee:
        """Whom a Ref means in a rule: by id, else by name; who is not there yet has the id he is thought to get."""
        if ref.id is not None:
            return Grantee(ref.kind, ref.id)
        named = getattr(self.site, GRANTEE_TABLES[ref.kind]).values()
        ids = (one.id for one in named if Ref(ref.kind, one.name, getattr(one, "domain", LOCAL)).key == ref.key)
        return Grantee(ref.kind, next(ids, ref.new_id))

    def nickname(self, domain: Ref) -> str | None:
        """The nickname of a domain on the server; None where it is not known there, or was not read."""
        known = (self.site.nicknames or {}).items()
        return next((nickname for fqdn, nickname in known if same(fqdn) == same(domain.name)), None)


def user_of(site: Site, ref: Ref) -> User | None:
    """The user a Ref means on this Site; see `Lookup`, which is for many."""
    return Lookup(site).user(ref)
