"""The conditions of editing in the browser: a workbook, or a new one on a published data source; and of saving it.

Sources: "Web Editing and Web Authoring", "Set Web Edit, Save, and Download Access on Content" (Server Help 2020.3);
"Create and Edit Private Content in Personal Space" (current help); the blog, "Save" and §4; tableau-permissions §6.2.
"""

from __future__ import annotations

from tabwarden.access.abilities.content import own_connect
from tabwarden.access.abilities.question import (
    PERSONAL_SPACE,
    Conditions,
    Deed,
    projects_by_path,
    role_explores,
    role_publishes,
)
from tabwarden.access.abilities.site import direct_connect
from tabwarden.access.answer import UNKNOWN, Answer
from tabwarden.model.roles import publishes


def web_edit(deed: Deed) -> Conditions:
    """Edit in the browser, without saving; always with one's own Connect, embedded credentials or not.

    Of a published data source: a new workbook on it, which takes no capability of a workbook's.
    """
    if deed.site.contents[deed.on()].kind == "datasource":
        return (_authoring(deed), role_explores(deed), deed.may("Read", deed.on()), direct_connect(deed, deed.on()))
    workbook = deed.site.contents.get(deed.workbook())
    unread = () if deed.is_admin else (deed.unread(deed.workbook()),)
    connects = unread if workbook is None else (own_connect(deed, use) for use in workbook.uses)
    return (_authoring(deed), deed.may("WebAuthoring", deed.on()), *connects, deed.may("Read", deed.on()))


def _authoring(deed: Deed) -> Answer:
    return deed.says(deed.site.settings.web_authoring, "site_setting", what="web editing on this site")


def web_save_as(deed: Deed) -> Conditions:
    """Save as new into `target`: a project, one's Personal Space, or whichever of them takes it."""
    source = deed.site.contents[deed.on()].kind == "datasource"
    copy = () if source else (deed.may("ExportXml", deed.workbook()),)
    if deed.target == PERSONAL_SPACE:
        return (*web_edit(deed), *copy, *_personal(deed))
    place = some_project(deed) if deed.target is None else deed.may("Write", deed.target)
    projects = (role_publishes(deed), place)
    if deed.target is None and not all(part.allowed for part in projects) and all(p.allowed for p in _personal(deed)):
        return (*web_edit(deed), *copy, *_personal(deed))
    return (*web_edit(deed), role_publishes(deed), *copy, place)


def _personal(deed: Deed) -> Conditions:
    """One's own Personal Space: where the site has it, from Explorer up."""
    on = deed.says(deed.site.settings.personal_space, "site_setting", what="Personal Space on this site")
    return (on, role_explores(deed))


def some_project(deed: Deed) -> Answer:
    """Something new needs a place: any project where the person may publish."""
    answers = [deed.may("Write", project) for project in projects_by_path(deed.site)]
    open_ones = [a for a in answers if a.allowed] or [a for a in answers if a.verdict == UNKNOWN]
    return open_ones[0] if open_ones else deed.says(False, "default_deny", what="Publish on any project")


def web_create(deed: Deed) -> Conditions:
    """A new workbook on new data in the browser: any data may be published, and somewhere to save it (§6.2)."""
    place = some_project(deed) if deed.target is None and deed.content is None else deed.may("Write", deed.into())
    any_data = deed.says(publishes(deed.role) == "any", "site_role", what="a site role that publishes any data")
    return (_authoring(deed), any_data, place)


def web_overwrite(deed: Deed) -> Conditions:
    """Save As under the same name: the person becomes the owner. In a Personal Space only the owner saves."""
    if deed.site.contents[deed.on()].kind == "datasource":
        return (deed.of_kind("workbook", "view"),)
    if deed.is_personal:
        return file_save(deed)
    return (
        *web_edit(deed),
        role_publishes(deed),
        deed.may("ExportXml", deed.workbook()),
        deed.may("Write", deed.workbook()),
        deed.may("Write", deed.project()),
    )


def file_save(deed: Deed) -> Conditions:
    """File > Save is the owner's alone, an administrator's least of all (blog, "Save"); Explorers keep private work."""
    if deed.site.contents[deed.on()].kind == "datasource":
        return (deed.of_kind("workbook", "view"),)
    workbook = deed.site.contents.get(deed.workbook())
    owner = (workbook or deed.site.contents[deed.on()]).owner == deed.user
    role = role_explores(deed) if deed.is_personal else role_publishes(deed)
    owns = deed.says(owner, "not_owner", yes="content_owner", what="owning it")
    into = (deed.may("Write", deed.project()),) if deed.open_points.save_needs_publish and not deed.is_personal else ()
    return (*web_edit(deed), role, owns, *into)
