"""Content locked, moved, shown with tabs, described, given away, made and deleted."""

from __future__ import annotations

from collections.abc import Callable

from tabwarden.effects.change import Change
from tabwarden.effects.forms.form import Form, Says, form
from tabwarden.effects.ops.content import GiveEverything, Move, SetDescription, SetMode, SetOwner, SetTabs
from tabwarden.effects.ops.projects import EMPTY, DeleteContent, NewProject
from tabwarden.effects.ops.refreshes import SetRefresh
from tabwarden.effects.phrases import (
    Words,
    content_named,
    content_words,
    holder_named,
    kinds_named,
    kinds_words,
    project_named,
    quoted,
    ref_words,
    user_named,
    user_words,
    within_words,
)
from tabwarden.effects.quoting import is_literal, listed, name_meant, name_words, text_meant, text_words
from tabwarden.model.errors import UnknownName
from tabwarden.model.governing import LOCKED_TO_DATABASE
from tabwarden.model.names import hint, some
from tabwarden.model.refreshes import EXTRACT, Refreshes, frequency_meant
from tabwarden.model.roles import may_own
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED, Site

_TOP = ("top", "top level", "the top level")


def _move(site: Site, words: Words) -> Change:
    to_top = str(words["target"]).casefold() in _TOP
    target = None if to_top else project_named(site, words, "target").id
    return Move.on(site, content_named(site, words).id, target)


def _says_move(site: Site, change: Move) -> str:
    target = _TOP[-1] if change.to.id is None else content_words(site, change.to.id)
    target = f"project:{target}" if change.to.id is not None and target.casefold() in _TOP else target
    return f"move {content_words(site, change.id)} to {target}"


def _lock(site: Site, words: Words) -> Change:
    content = holder_named(site, words)
    if content.kind == "database":
        return SetMode.on(site, content.id, LOCKED_TO_DATABASE)
    return SetMode.on(site, content.id, LOCKED_WITHOUT_NESTED if words.get("alone") else LOCKED)


def _says_lock(site: Site, change: SetMode) -> str | None:
    if change.mode == CUSTOMIZABLE:
        return None
    return f"lock {content_words(site, change.id)}{' without nested' if change.mode == LOCKED_WITHOUT_NESTED else ''}"


def _tabs(shown: bool) -> tuple[Callable[[Site, Words], Change], type[Change], Says]:
    verb = "show" if shown else "hide"

    def says(site: Site, change: SetTabs) -> str | None:
        return f"{verb} tabs on {content_words(site, change.id)}" if change.shown is shown else None

    return lambda s, w: SetTabs.on(s, content_named(s, w).id, shown=shown), SetTabs, says


# -- descriptions ---------------------------------------------------------------------------------------------


def _describe(site: Site, words: Words) -> Change:
    return SetDescription.on(site, content_named(site, words).id, text_meant(str(words["text"])))


# -- owners ---------------------------------------------------------------------------------------------------


def _give_everything(site: Site, words: Words) -> Change:
    owner, to = user_named(site, words), user_named(site, words, "to")
    project = project_named(site, words).id if words.get("project") else None
    return GiveEverything(owner, to, kinds_named(words), project)


def _says_give_everything(site: Site, change: GiveEverything) -> str:
    what = kinds_words(change.kinds) or "everything"
    of = f"{user_words(site, change.owner)}{within_words(site, change.project)}"
    return f"give {what} of {of} to {user_words(site, change.to)}"


# -- projects -------------------------------------------------------------------------------------------------


_MAKER = " owned by whoever makes it"


def _new_project(site: Site, words: Words) -> Change:
    path, apart = str(words["path"]), bool(words.get("above") or words.get("top"))
    above, _, name = (str(words.get("above") or ""), "", path) if apart else map(str.strip, path.rpartition("/"))
    if not name:
        raise UnknownName(f"`{path}` lacks the name of the new project; write it behind the last `/`")
    parent = project_named(site, {"project": above}).id if above else None
    whole = f"{site.path(parent)}/{name}" if parent is not None else name
    like = project_named(site, words, "like").id if words.get("like") else EMPTY if words.get("empty") else None
    owner = user_named(site, words, "owner") if words.get("owner") else None
    if owner is None and parent is not None and not words.get("maker"):
        heir = site.users.get(site.contents[parent].owner)
        owner = heir.id if heir is not None and may_own(heir.site_role, "project") else None
    project = NewProject.on(site, whole, parent, owner, like)
    mode = {"locked": LOCKED, "locked without nested": LOCKED_WITHOUT_NESTED}.get(str(words.get("mode")).casefold())
    text = words.get("text")
    return project.but(mode=mode or CUSTOMIZABLE, description=text_meant(text) if text else "")


def _says_new_project(site: Site, change: NewProject) -> str:
    like = f" like {content_words(site, change.like)}" if change.like else " empty" if change.like == EMPTY else ""
    owner = (
        f" owned by {ref_words(site, change.owner)}" if change.owner is not None else _MAKER if change.parent else ""
    )
    mode = {LOCKED: ", locked", LOCKED_WITHOUT_NESTED: ", locked without nested"}.get(change.mode, "")
    described = f" described as {text_words(change.description)}" if change.description else ""
    return f"new project {_place(site, change)}{like}{owner}{mode}{described}"


def _place(site: Site, change: NewProject) -> str:
    """The path; name and place apart where a `/` in the name, or another thing of that path, makes it mean another."""
    name, above = change.name, change.parent
    path = above.name if above is not None else ""
    written = path if above is None or above.id not in site.contents else site.written(str(above.id))
    if "/" not in name and written == path == path.strip() and name == name.strip():
        return quoted(change.content.name)
    return f"{quoted(name)} {'at the top level' if above is None else f'in {quoted(written)}'}"


FORMS: tuple[Form, ...] = (
    form(
        "lock PROJECT [without nested]",
        "lock Finance",
        r"lock <project>(?P<alone> without nested(?: projects)?)?",
        _lock,
        SetMode,
        _says_lock,
    ),
    form(
        "unlock PROJECT",
        "unlock Finance",
        r"unlock <project>",
        lambda s, w: SetMode.on(s, holder_named(s, w).id, CUSTOMIZABLE),
        SetMode,
        lambda s, c: f"unlock {content_words(s, c.id)}",
    ),
    form(
        "move CONTENT to PROJECT | to the top level",
        "move Finance/Budget to Archive",
        r"move <content> to <target>",
        _move,
        Move,
        _says_move,
    ),
    form("show tabs on WORKBOOK", "show tabs on Finance/Budget", r"show tabs on <content>", *_tabs(True)),
    form("hide tabs on WORKBOOK", "hide tabs on Finance/Budget", r"hide tabs on <content>", *_tabs(False)),
    form(
        'describe CONTENT as "TEXT"',
        'describe Finance as "led by ann"',
        r'describe <content> as "<text>"',
        _describe,
        SetDescription,
        lambda s, c: f"describe {content_words(s, c.id)} as {text_words(c.description)}",
    ),
    form(
        "give everything|KINDS of USER [in PROJECT] to USER",
        "give everything of olga to carl",
        r"give (?:everything|<kinds>) of <user>(?: in <project>)? to <to>",
        _give_everything,
        GiveEverything,
        _says_give_everything,
    ),
    form(
        "give CONTENT to USER",
        "give Finance/Budget to ann",
        r"give <content> to <user>",
        lambda s, w: SetOwner.on(s, content_named(s, w).id, user_named(s, w)),
        SetOwner,
        lambda s, c: f"give {content_words(s, c.id)} to {ref_words(s, c.owner)}",
    ),
    form(
        "new project PATH | NAME in PROJECT | NAME at the top level [like PROJECT | empty]"
        ' [owned by USER | owned by whoever makes it][, locked [without nested]] [described as "TEXT"]',
        "new project Finance/2026 like Finance/2025 owned by ann",
        r"new project <path>(?: in <above>|(?P<top> at the top level))?(?: like <like>|(?P<empty> empty))?"
        r"(?: owned by (?:(?P<maker>whoever makes it)|<owner>))?"
        r'(?:,? (?P<mode>locked(?: without nested)?))?(?: described as "<text>")?',
        _new_project,
        NewProject,
        _says_new_project,
    ),
)
# -- extract refreshes ----------------------------------------------------------------------------------------

_NO_SCHEDULES = (
    "Tableau Cloud has no schedules; write how often, such as `Daily 06:30` or `Weekly 06:30 weekDay=Monday`"
)


def _refresh(site: Site, words: Words) -> Change:
    text, known = str(words["schedules"]), site.refreshes
    parts = listed(text, " and ")
    whole = not all(map(is_literal, parts)) if known is None else known.named(text) is not None
    names = [name_meant(text)] if whole else [name_meant(part) for part in parts]
    return SetRefresh.on(site, content_named(site, words).id, tuple(_schedule(known, name) for name in names))


def _schedule(known: Refreshes | None, words: str) -> str:
    """The schedule that is meant; UnknownName with the nearest, for one of another type, and on Cloud, which has none.

    Where the schedules were not read, as it is written.
    """
    if known is None:
        return words
    if known.schedules is None:
        if (frequency := frequency_meant(words)) is None:
            raise UnknownName(f"`{words}` is no frequency: {_NO_SCHEDULES}")
        return frequency.words
    name, extract = known.named(words), [n for n, kind in known.schedules.items() if kind == EXTRACT]
    if name is None:
        near = hint(words, dict.fromkeys(extract, ""))
        raise UnknownName(f"the server has no schedule `{words}`{near or f'; for extracts it has {some(extract)}'}")
    if known.schedules[name] != EXTRACT:
        kind = known.schedules[name]
        raise UnknownName(f"schedule `{name}` is for {kind} tasks; extracts are refreshed on {some(extract)}")
    return name


def _says_refresh(site: Site, change: SetRefresh) -> str:
    content = content_words(site, change.id)
    if not change.to:
        return f"stop refreshing {content}"
    return f"refresh {content} on schedule {' and '.join(map(name_words if len(change.to) > 1 else quoted, change.to))}"


LAST: tuple[Form, ...] = (
    form(
        "refresh CONTENT on schedule NAME",
        'refresh Finance/Budget on schedule "Saturday night"',
        r"refresh <content> on schedule (?P<schedules>.+)",
        _refresh,
        SetRefresh,
        _says_refresh,
    ),
    form(
        "stop refreshing CONTENT",
        "stop refreshing Finance/Budget",
        r"stop refreshing <content>",
        lambda s, w: SetRefresh.on(s, content_named(s, w).id, ()),
        SetRefresh,
        _says_refresh,
    ),
    form(
        "delete CONTENT",
        "delete Finance/Budget",
        r"delete <content>",
        lambda s, w: DeleteContent.on(s, content_named(s, w).id),
        DeleteContent,
        lambda s, c: f"delete {content_words(s, c.content.id)}",
    ),
)
