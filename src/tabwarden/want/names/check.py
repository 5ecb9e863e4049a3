"""Names checked before they are imported: the user each would make, and what would collide.

Source: "User Management in Active Directory Deployments", its section on duplicate display names among them; what is
known of the `$DUPLICATE` users that group syncs leave behind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tabwarden.model.names import same
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import LOCAL, Site, User
from tabwarden.want.candidates import rename_command
from tabwarden.want.directory import Directory, DirectoryPerson
from tabwarden.want.names.identity import distinct, fqdn_of, person_of, told, user_called
from tabwarden.want.names.import_rules import GROUP, TYPED, upn_prefix
from tabwarden.want.names.imports import SAM, UPN, Checked, Collision, Imports

DUPLICATE = "$DUPLICATE"  # how the names begin that a group sync leaves behind when roles of one person conflict


def check_names(
    given: Iterable[str],
    directory: Directory,
    route: str = TYPED,
    now: Site | None = None,
    open_points: OpenPoints = DOCUMENTED,
) -> tuple[Checked, ...]:
    """Each name in order, as if imported one after the other: what the first makes, the second may collide with."""
    imports, shown = Imports(directory, route, now, open_points), _Shown(now)
    names_checked = [_with_collisions(imports, shown, imports.check(name)) for name in given]
    alike = _Alike(names_checked)
    return tuple(replace(one, collisions=(*one.collisions, *_among(one, alike))) for one in names_checked)


class _Shown:
    """The users of a site by display name, and those that a group sync left behind."""

    def __init__(self, now: Site | None) -> None:
        self.by_name: defaultdict[str, list[User]] = defaultdict(list)
        users = now.users.values() if now is not None else ()
        for user in users:
            self.by_name[same(user.full_name)].append(user)
        self.left_behind = [user for user in users if user.name.startswith(DUPLICATE)]


class _Alike:
    """The names given, by what two of them may share: the person, the user name, the display name."""

    def __init__(self, names_checked: Sequence[Checked]) -> None:
        self._by: defaultdict[tuple[str, str], list[Checked]] = defaultdict(list)
        for one in names_checked:
            for key in self._keys(one):
                self._by[key].append(one)

    def to(self, one: Checked) -> list[Checked]:
        """Those that share something with it, in the order given."""
        others = {id(other): other for key in self._keys(one) for other in self._by[key] if other is not one}
        return list(others.values())

    def _keys(self, one: Checked) -> list[tuple[str, str]]:
        if one.person is None:
            return []
        shown = [("shown", same(one.person.display_name))] if one.person.display_name else []
        return [("person", one.person.guid), ("name", same(one.name)), *shown]


def _with_collisions(imports: Imports, shown: _Shown, checked: Checked) -> Checked:
    return (
        checked if checked.person is None else replace(checked, collisions=tuple(_collisions(imports, shown, checked)))
    )


def _collisions(imports: Imports, shown: _Shown, checked: Checked) -> Iterator[Collision]:
    """What this one name would collide with, on Tableau and in the directory."""
    yield from _in_the_directory(imports, checked)
    if imports.now is not None:
        yield from _on_tableau(imports, imports.now, checked)
        yield from _left_behind(shown, checked)
        yield from _same_display_name(shown, checked)
        if imports.route == GROUP:
            yield from _role_conflicts(imports, imports.now, checked)


def _in_the_directory(imports: Imports, checked: Checked) -> Iterator[Collision]:
    """Two people who result in one name: a UPN prefix that is somebody else's sAMAccountName."""
    others = distinct(
        (
            *imports.directory.people_with_account(checked.name, checked.domain),
            *imports.directory.people_with_upn_prefix(checked.name, checked.domain),
        )
    )
    for other in others:
        if checked.person is None or other.guid == checked.person.guid:
            continue
        theirs, mine = (SAM if same(p.sam_account_name) == same(checked.name) else UPN for p in (other, checked.person))
        yield Collision(
            "two_people_one_name",
            f"`{checked.name}` is the {theirs} of `{told(other)}` and the {mine} of `{told(checked.person)}`: "
            f"both would be the Tableau user `{checked.qualified}`",
            "import each by sAMAccountName, or change the UPN of one of them in Active Directory",
        )


def _on_tableau(imports: Imports, now: Site, checked: Checked) -> Iterator[Collision]:
    for user in (now.users[u] for u in now.users_named(checked.name)):
        domain = fqdn_of(imports.directory, user)
        if same(domain) != same(checked.domain):
            remedy = f"write both with their domain; `{checked.name}` alone signs in to the server's domain"
            yield Collision(
                "same_name_other_domain",
                f"`{user.domain}\\{user.name}` is on Tableau already, with the same user name in another domain",
                remedy,
            )
        elif checked.person not in (people := person_of(imports.directory, user)) and people:
            yield Collision(
                "name_is_taken",
                f"`{user.domain}\\{user.name}` is on Tableau already, and is `{told(people[0])}`",
                "import by the other attribute, or change the UPN in Active Directory",
            )
    for name in _other_names(checked):
        twin = user_called(imports.directory, now, checked.domain, name)
        if twin is not None and checked.person in person_of(imports.directory, twin):
            there = f"{twin.domain}\\{twin.name}"
            yield Collision(
                "one_person_two_users",
                f"`{there}` is on Tableau already and is the same person: there would be two users",
                f"`{rename_command(there, checked.qualified)}` makes one of them",
            )


def _left_behind(shown: _Shown, checked: Checked) -> Iterator[Collision]:
    for user in shown.left_behind:
        if checked.person is not None and _is_like(user, checked.person):
            yield Collision(
                "duplicate_left_behind",
                f"`{user.name}` on Tableau was left behind by a group sync for the same person",
                "look which of the two users owns content, give it over, and remove the other",
            )


def _other_names(checked: Checked) -> Iterator[str]:
    if checked.person is not None:
        for name in (checked.person.sam_account_name, upn_prefix(checked.person.upn)):
            if name and same(name) != same(checked.name):
                yield name


def _is_like(user: User, person: DirectoryPerson) -> bool:
    by_mail = bool(person.email) and same(user.email) == same(person.email)
    return by_mail or (bool(person.display_name) and same(user.full_name) == same(person.display_name))


def _same_display_name(shown: _Shown, checked: Checked) -> Iterator[Collision]:
    person = checked.person
    if person is None or not person.display_name:
        return
    mine = {same(name) for name in (checked.name, *_other_names(checked))}
    for user in shown.by_name.get(same(person.display_name), ()):
        if same(user.domain) != same(checked.domain) or same(user.name) not in mine:
            yield _display_names(person.display_name, f"{user.domain}\\{user.name}", checked.qualified)


def _display_names(display_name: str, one: str, other: str) -> Collision:
    return Collision(
        "same_display_name",
        f"`{one}` and `{other}` are both shown as `{display_name}`",
        "consider another display name in Active Directory for one of them; Tabwarden writes them with their domain",
    )


def _role_conflicts(imports: Imports, now: Site, checked: Checked) -> Iterator[Collision]:
    """Groups of the directory, synchronised by Tableau, that would give the person several minimum site roles."""
    guid = checked.person.guid if checked.person is not None else ""
    roles: dict[str, list[str]] = defaultdict(list)
    for group in now.groups.values():
        if group.domain.casefold() == LOCAL or not group.minimum_site_role:
            continue
        domain = imports.directory.domain(group.domain)
        there = imports.directory.groups_named(group.name, domain.fqdn if domain is not None else group.domain)
        if any(guid in imports.directory.everybody_in(one.guid) for one in there):
            roles[group.minimum_site_role].append(group.name)
    if len(roles) > 1:
        listed = "; ".join(f"{role} by {', '.join(f'`{g}`' for g in names)}" for role, names in sorted(roles.items()))
        yield Collision(
            "several_minimum_roles",
            f"imported groups would give `{checked.qualified}` several minimum site roles ({listed}); syncs have left "
            f"users named `{DUPLICATE}-...` behind where that was so",
            "keep the person in one group that grants a role",
        )


def _among(one: Checked, alike: _Alike) -> Iterator[Collision]:
    """What one name collides with among those given beside it."""
    for other in alike.to(one):
        if one.person is None or other.person is None:
            continue
        if other.person.guid == one.person.guid:
            if same(other.name) != same(one.name):
                yield Collision(
                    "one_person_two_users",
                    f"`{other.given}` is the same person and would make the user `{other.qualified}`",
                    "import each person once, by sAMAccountName",
                )
            continue
        if same(other.name) == same(one.name) and same(other.domain) != same(one.domain):
            yield Collision(
                "same_name_other_domain",
                f"`{other.qualified}` would have the same user name in another domain",
                f"write both with their domain; `{one.name}` alone signs in to the server's domain",
            )
        if one.person.display_name and same(other.person.display_name) == same(one.person.display_name):
            yield _display_names(one.person.display_name, other.qualified, one.qualified)
