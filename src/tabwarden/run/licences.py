"""Licences: who has which since when and uses it, the warning by mail, and the plan that lowers whoever does not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from tabwarden import notify
from tabwarden.model.errors import SettingsError, TabwardenError, UnknownName
from tabwarden.model.roles import is_licensed, role_named
from tabwarden.model.site import Site, User
from tabwarden.model.usage import LastUse
from tabwarden.plan.plan import Plan
from tabwarden.run import history
from tabwarden.run.context import guarded_of, running
from tabwarden.run.planning import basis_of, planned
from tabwarden.safe_files import read_text, write_whole
from tabwarden.settings import Settings
from tabwarden.store.usage.days import last_use
from tabwarden.tableau.read.people import read_people
from tabwarden.want.licences import ROLES, Lowering, Seen, lowered

KIND = "licences"
WARNED = "warned.json"


class Licences(NamedTuple):
    """The newest snapshot, what is known of when people were seen, and their use (None: never read)."""

    site: Site
    seen: Mapping[str, Seen]
    use: LastUse | None


def licences(settings: Settings) -> Licences:
    """Everybody of the newest snapshot. UnknownName where there is none."""
    newest = history.newest_site(settings)
    use = last_use(str(settings.store.folder), newest.site)
    return Licences(newest.site, seen_on(settings, newest.site, newest.snapshot.site, use), use)


def seen_on(settings: Settings, site: Site, kept_as: int, use: LastUse | None) -> dict[str, Seen]:
    """When everybody of a Site was seen, and since which snapshot of it he is there and has his role."""
    there: dict[str, str] = {}
    since: dict[str, tuple[str, str]] = {}
    with history.opened(history.store_of(settings)) as opened:
        chain = [one for one in opened.snapshots() if one.site == kept_as]
        for snapshot, earlier in opened.walk(chain[0].number, chain[-1].number) if chain else ():
            for user in earlier.users.values():
                there.setdefault(user.id, snapshot.taken)
                if since.get(user.id, ("",))[0] != user.site_role:
                    since[user.id] = user.site_role, snapshot.taken
    return {user.id: _seen(user, use, there, since) for user in site.users.values()}


def _seen(user: User, use: LastUse | None, there: Mapping[str, str], since: Mapping[str, tuple[str, str]]) -> Seen:
    role, when = since.get(user.id, ("", ""))
    used = use.of_user(user.id) if use is not None else ""
    return Seen(user.last_login or "", used, there.get(user.id, ""), when if role == user.site_role else "")


def plan_licences(settings: Settings, idle: int, to: str, warned: int | None = None) -> Plan:
    """The plan that lowers whoever was not seen for `idle` days; with `warned` only whom a mail told so long ago."""
    role = role_named(to)
    if role not in ROLES[:-1]:
        raise UnknownName(f"nobody is lowered to `{to}`; say one of {', '.join(ROLES[:-1])}")
    with running(settings) as context:
        now = read_people(context.connection, None)
        guarded = guarded_of(context)
        lowering = Lowering(
            _days_ago(idle),
            role,
            guarded.protected,
            guarded.own_id,
            mails(settings.store.folder, now.id),
            "" if warned is None else _days_ago(warned),
        )
        basis = basis_of(context, KIND, context.site(now.name), now)
        newest = history.newest_site(settings)
        seen = seen_on(settings, now, newest.snapshot.site, last_use(str(settings.store.folder), newest.site))
        wanted = lowered(now, seen, lowering)
        return planned(context, basis, now, wanted)


def _days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


# -- the warning ----------------------------------------------------------------------------------------------------


def mails(store: Path, site_id: str) -> dict[str, str]:
    """The day on which each person (id) was warned. TabwardenError where the file is damaged."""
    path = store / KIND / f"{site_id}-{WARNED}"
    if not path.exists():
        return {}
    try:
        days = json.loads(read_text(path))
    except ValueError:
        raise TabwardenError(f"`{path}` is damaged: delete it, and whoever is idle is warned once more") from None
    return {str(user): str(day) for user, day in days.items()} if isinstance(days, dict) else {}


def idle_people(known: Licences, days: int, to: str) -> list[User]:
    """Whoever a plan would lower, whether he was warned or not."""
    wanted = lowered(known.site, known.seen, Lowering(_days_ago(days), role_named(to)))
    return [u for u in known.site.users.values() if wanted.site.users[u.id].site_role != u.site_role]


def warn(settings: Settings, known: Licences, days: int, to: str) -> Iterator[tuple[User, str]]:
    """Write to each idle person who was not warned since he was last seen; each with what went wrong, or ''."""
    if not settings.mail.enabled:
        raise SettingsError(["`mail` is not set up: nobody can be warned"])
    store, today = settings.store.folder, datetime.now(UTC).date().isoformat()
    warned = mails(store, known.site.id)
    for user in idle_people(known, days, to):
        if warned.get(user.id, "") > known.seen[user.id].last[:10]:
            continue
        address = user.email or (user.name if "@" in user.name else "")
        problem = _mail(settings, known.site, user, address, days) if address else "has no e-mail address"
        if problem is None:
            warned[user.id] = today
            path = store / KIND / f"{known.site.id}-{WARNED}"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(warned, indent=0, sort_keys=True).encode())
        yield user, problem or ""


def _mail(settings: Settings, site: Site, user: User, address: str, days: int) -> str | None:
    name = site.name or "Default"
    body = (
        f"Nobody has seen {user.full_name or user.name} on the Tableau site {name} for {days} days.\n\n"
        "The licence will be given to somebody else. Whoever needs it signs in once:\n"
        f"{settings.tableau.server}\n"
    )
    mail = settings.mail.model_copy(update={"to": (address,)})
    return notify.send(mail, f"Your Tableau licence on {name}", body)


def people_told(known: Licences) -> list[User]:
    """Everybody with a licence, by name."""
    return sorted((u for u in known.site.users.values() if is_licensed(u.site_role)), key=lambda u: u.qualified)
