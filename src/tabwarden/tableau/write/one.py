"""One change, one request: users and groups created, changed, removed."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from tabwarden.effects.ops.details import SetDetails
from tabwarden.effects.ops.groups import CreateGroup, DeleteGroup, Grants, UpdateGroup
from tabwarden.effects.ops.memberships import AddToGroup, RemoveFromGroup
from tabwarden.effects.ops.users import AddUser, RemoveUser, SetRole
from tabwarden.effects.ref import Ref
from tabwarden.model.errors import TableauError
from tabwarden.model.names import same
from tabwarden.model.roles import current_role, rank
from tabwarden.model.site import LOCAL, ON_LOGIN, Group, User
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.refusals import remedy_of
from tabwarden.tableau.http.wire import element
from tabwarden.tableau.read.people import group_of, user_of
from tabwarden.tableau.write.results import (
    ALREADY,
    DONE,
    FAILED,
    INSTEAD,
    Ids,
    Result,
    create,
    failed_by,
    find_new_user,
    find_user,
    is_for_all,
    sends,
    with_text,
)

UNLICENSED, GROUPS_OF_USER_SINCE = "Unlicensed", "3.7"
NO_SEAT = "409014"
DIRECTORY_GROUP = "groups of a directory are imported and synchronised by Tableau; change it there"


# -- users ----------------------------------------------------------------------------------------------------


@sends(AddUser)
def add_user(connection: Connection, change: AddUser, ids: Ids) -> Result:
    """Add a user to the site; one who is there already counts as already with his id."""
    ref = change.user
    name = change.given or ref.qualified
    body = element("user", name=name, siteRole=change.role, **authentication(change))
    try:
        answer = create(
            lambda: connection.call("POST", "users", body=body),
            lambda: find_user(connection, ref),
        )
    except TableauError as error:
        return _not_added(connection, change, error)
    user = answer if isinstance(answer, User) else _user_told(answer)
    if user is None or not user.id:
        return Result(0, FAILED, "", "the server said yes but named no user; look at the site")
    if user.id == ids.of(ref):
        return Result(0, ALREADY, new_id=user.id)
    if ref.domain.casefold() != LOCAL and user.name and same(user.name) != same(ref.name):
        message = f"the import made the user `{user.name}` of it; `tabwarden names check` tells why"
        return Result(0, FAILED, "", message)
    return called(connection, user, change, added_as(user, change))


def authentication(change: AddUser) -> dict[str, str | None]:
    """The attributes that say how a new user signs in: the identity provider where one is named, else the setting."""
    if change.idp_configuration_id:
        return {"idpConfigurationId": change.idp_configuration_id}
    return {"authSetting": change.auth_setting}


def called(connection: Connection, user: User, change: AddUser, result: Result) -> Result:
    """The Result once the new user has the display name and e-mail address, which only a second request gives."""
    words_by_name = {"fullName": change.full_name or None, "email": change.email or None}
    given = {"fullName": user.full_name, "email": user.email}
    missing = {name: words for name, words in words_by_name.items() if words is not None and words != given[name]}
    if not missing or result.status not in (DONE, ALREADY):
        return result
    try:
        connection.call("PUT", f"users/{user.id}", body=element("user", **missing))
    except TableauError as error:
        return result._replace(remedy=with_text("display name and e-mail address were not written", error))
    return result


@sends(SetDetails)
def set_details(connection: Connection, change: SetDetails, ids: Ids) -> Result:
    """Give a user another display name, e-mail address or authentication."""
    user_id, details = ids.need(change.user), change.details
    words = {"fullName": details.full_name, "email": details.email}
    if details.idp_configuration_id:
        words["idpConfigurationId"] = details.idp_configuration_id
    else:
        words["authSetting"] = details.auth_setting
    connection.call("PUT", f"users/{user_id}", body=element("user", **words))
    return Result(0, DONE)


def _user_told(answer: Element | None) -> User | None:
    user = answer.find("user") if answer is not None else None
    return user_of(user) if user is not None else None


def added_as(user: User, change: AddUser) -> Result:
    """Done, unless the server gave a lower role than the one asked for, as it does when seats run out."""
    role = change.role
    if not user.site_role or current_role(user.site_role) == current_role(role):
        return Result(0, DONE, new_id=user.id)
    if _height(user.site_role) > _height(role):
        return already_there(user, role, "")
    remedy = f"was added, but as {user.site_role} instead of {role}: most likely no seat is free"
    return Result(0, FAILED, NO_SEAT, remedy, user.id)


def _not_added(connection: Connection, change: AddUser, error: TableauError) -> Result:
    """What a refusal to add means: often that he is there already, which the look-up tells."""
    ref, role = change.user, change.role
    if error.status not in (400, 409) or error.code in ("400013", "409005", NO_SEAT):
        raise error
    user = find_new_user(connection, ref) if error.status == 409 else find_user(connection, ref)
    if user is not None:
        return already_there(user, role, error.code)
    if error.code == "400003" and "@" not in ref.name:
        return failed_by(error, "Tableau Cloud takes e-mail addresses only as user names; this one has no `@`")
    if error.code == "400003" and change.auth_setting:
        return failed_by(error, f"most likely the site does not allow the authentication `{change.auth_setting}`")
    raise error


def already_there(user: User, role: str, code: str) -> Result:
    """Somebody to be added who is on the site: fine unless his role is below the one asked for."""
    if _height(user.site_role) < _height(role):
        remedy = f"is on the site already, as {user.site_role} and not {role}; plan again"
        return Result(0, FAILED, code, remedy, user.id)
    if current_role(user.site_role) == current_role(role):
        return Result(0, ALREADY, code, new_id=user.id)
    return Result(0, ALREADY, code, f"is on the site already, as {user.site_role}; left so", user.id)


@sends(SetRole)
def set_site_role(connection: Connection, change: SetRole, ids: Ids) -> Result:
    ref, role = change.user, change.role
    try:
        answer = connection.call("PUT", f"users/{ids.need(ref)}", body=element("user", siteRole=role))
    except TableauError as error:
        if error.status == 404:
            return failed_by(error)
        before = change.before
        if error.status in (400, 409) and error.code not in ("400013", NO_SEAT) and _height(role) < _height(before):
            return failed_by(
                error,
                f"{ref.qualified} is most likely in a group that grants {before} on sign-in, which forbids less; "
                "take the user out of that group first",
            )
        raise
    user = _user_told(answer)
    if user is not None and user.site_role and current_role(user.site_role) != current_role(role):
        remedy = f"the server said yes, but the site role is {user.site_role}: most likely no seat is free"
        if _height(user.site_role) > _height(role):
            remedy = f"the server said yes, but the site role stays {user.site_role}: it may not be set by others"
        return Result(0, FAILED, "", remedy)
    return Result(0, DONE)


@sends(RemoveUser)
def remove_user(connection: Connection, change: RemoveUser, ids: Ids) -> Result:
    """Remove a user from the site, what he owns going to the heir where one is named."""
    user_id = ids.need(change.user)
    query = {"mapAssetsTo": ids.need(change.heir)} if change.heir is not None else {}
    try:
        return _deleted(connection, f"users/{user_id}", query)
    except TableauError as error:
        if is_for_all(error):
            raise
        return _unlicensed_instead(connection, user_id, error)


def _deleted(connection: Connection, path: str, query: Mapping[str, str] | None = None) -> Result:
    """Delete; what is gone counts as already."""
    try:
        connection.call("DELETE", path, query=query)
    except TableauError as error:
        if error.status == 404:
            return Result(0, ALREADY, error.code)
        raise
    return Result(0, DONE)


def _unlicensed_instead(connection: Connection, user_id: str, error: TableauError) -> Result:
    """A removal that is refused: the licence is taken at least, as Tableau itself does where the user owns content."""
    why = "owns content; name who is to receive it" if error.status == 409 else remedy_of(error.status, error.code)
    try:
        user = _user_told(connection.call("GET", f"users/{user_id}"))
        if user is not None and user.site_role != UNLICENSED:
            for group in _granting(connection, user_id):
                connection.call("DELETE", f"groups/{group}/users/{user_id}")
            connection.call("PUT", f"users/{user_id}", body=element("user", siteRole=UNLICENSED))
    except TableauError as second:
        if second.status == 404:
            return Result(0, DONE, error.code)
        if is_for_all(second):
            raise
        refused = failed_by(error, why)
        also = f"; nor was the user made Unlicensed, for {failed_by(second).remedy}"
        return refused._replace(remedy=refused.remedy + also)
    return failed_by(error, f"stays on the site as Unlicensed instead: {why}")._replace(status=INSTEAD)


def _granting(connection: Connection, user_id: str) -> list[str]:
    """Ids of the local groups somebody is in that would not let go of his licence."""
    if not connection.supports(GROUPS_OF_USER_SINCE):
        return []
    groups = [group_of(one) for one in connection.pages(f"users/{user_id}/groups", "group")]
    return [
        g.id for g in groups if not g.everyone and g.domain.casefold() == LOCAL and _height(g.minimum_site_role or "")
    ]


# -- memberships ----------------------------------------------------------------------------------------------


@sends(AddToGroup)
def add_to_group(connection: Connection, change: AddToGroup, ids: Ids) -> Result:
    user_id, group_id = ids.need(change.user), ids.need(change.group)
    try:
        create(
            lambda: connection.call("POST", f"groups/{group_id}/users", body=element("user", id=user_id)),
            lambda: _is_member(connection, user_id, group_id) or None,
        )
    except TableauError as error:
        if error.code == "409011" or (error.status == 409 and _is_member(connection, user_id, group_id)):
            return Result(0, ALREADY, error.code)
        raise
    return Result(0, DONE)


def _is_member(connection: Connection, user_id: str, group_id: str) -> bool:
    if connection.supports("3.7"):
        groups = connection.pages(f"users/{user_id}/groups", "group")
        return any(group.get("id") == group_id for group in groups)
    return any(user.get("id") == user_id for user in connection.pages(f"groups/{group_id}/users", "user"))


@sends(RemoveFromGroup)
def remove_from_group(connection: Connection, change: RemoveFromGroup, ids: Ids) -> Result:
    """Take a user out of a group; no member, no such user or group: out already."""
    user_id = ids.need(change.user)
    return _deleted(connection, f"groups/{ids.need(change.group)}/users/{user_id}")


# -- groups ---------------------------------------------------------------------------------------------------


@sends(CreateGroup)
def create_group(connection: Connection, change: CreateGroup, _ids: Ids) -> Result:
    """Create a local group with its minimum site role; one of that name that is as wanted counts as already."""
    ref = change.group
    if ref.domain.casefold() != LOCAL:
        return Result(0, FAILED, "", DIRECTORY_GROUP)
    body = _group_body(ref, change.grants)
    try:
        answer = create(lambda: connection.call("POST", "groups", body=body), lambda: _find_group(connection, ref))
    except TableauError as error:
        if error.status != 409:
            raise
        group = _find_group(connection, ref, whole=True)
        if group is None:
            raise
        if _grants(group) == _wanted_grants(change.grants):
            return Result(0, ALREADY, error.code, new_id=group.id)
        return Result(0, FAILED, error.code, "a group of that name is there with other settings; plan again", group.id)
    new_group = answer if isinstance(answer, Group) else _group_told(answer)
    if new_group is None or not new_group.id:
        return Result(0, FAILED, "", "the server said yes but named no group; look at the site")
    if _grants(new_group) != _wanted_grants(change.grants):
        # A local group is made with grant on sign-in whatever mode was asked; another takes a second request.
        connection.call("PUT", f"groups/{new_group.id}", body=body)
    return Result(0, DONE, new_id=new_group.id)


@sends(UpdateGroup)
def update_group(connection: Connection, change: UpdateGroup, ids: Ids) -> Result:
    """Give a local group another minimum site role or grant mode."""
    ref = change.group
    if ref.domain.casefold() != LOCAL:
        return Result(0, FAILED, "", DIRECTORY_GROUP)
    connection.call("PUT", f"groups/{ids.need(ref)}", body=_group_body(ref, change.grants, taking_back=True))
    return Result(0, DONE)


@sends(DeleteGroup)
def delete_group(connection: Connection, change: DeleteGroup, ids: Ids) -> Result:
    """Delete a group; one that is gone counts as already."""
    return _deleted(connection, f"groups/{ids.need(change.group)}")


def _group_body(ref: Ref, wanted: Grants, *, taking_back: bool = False) -> Element:
    role, mode = wanted
    if role is None:
        # A minimum is taken back by the lowest role; a mode cannot be sent without a role.
        return element("group", name=ref.name, minimumSiteRole=UNLICENSED if taking_back else None)
    return element("group", name=ref.name, minimumSiteRole=role, grantLicenseMode=mode)


def _grants(group: Group) -> tuple[str | None, str | None]:
    role = group.minimum_site_role if group.minimum_site_role != UNLICENSED else None
    return role, (group.grant_on or ON_LOGIN) if role is not None else None


def _wanted_grants(wanted: Grants) -> tuple[str | None, str | None]:
    role, mode = wanted
    return (None, None) if role is None or role == UNLICENSED else (role, mode or ON_LOGIN)


def _group_told(answer: Element | None) -> Group | None:
    group = answer.find("group") if answer is not None else None
    return group_of(group) if group is not None else None


def _find_group(connection: Connection, ref: Ref, *, whole: bool = False) -> Group | None:
    """The group of that name; `whole` reads the whole list, which knows what the search index may not know yet."""
    unfit = "," in ref.name or "&" in ref.name
    query = {} if whole or unfit else {"filter": f"name:eq:{ref.name}"}
    groups = [group_of(one) for one in connection.pages("groups", "group", query)]
    same = [
        g for g in groups if g.name.casefold() == ref.name.casefold() and g.domain.casefold() == ref.domain.casefold()
    ]
    return same[0] if same else None


# -- small things ---------------------------------------------------------------------------------------------


def _height(role: str) -> int:
    return rank(current_role(role)) or 0
