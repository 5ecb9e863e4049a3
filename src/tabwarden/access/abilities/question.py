"""One question about an ability, and the conditions that several abilities share."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN, Answer, Step, Verdict
from tabwarden.access.powers import power_is_unknown, power_over
from tabwarden.access.reference import may
from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.errors import UnknownName
from tabwarden.model.governing import in_personal_space
from tabwarden.model.open_points import OpenPoints
from tabwarden.model.roles import is_admin, is_licensed, licence_of, publishes
from tabwarden.model.site import Site
from tabwarden.model.site_settings import setting_against

# Targets that are no project. A target of None is left open: it is whichever takes it.
PERSONAL_SPACE, TOP_LEVEL = "Personal Space", "top level"


def target_named(words: str) -> str | None:
    """The target that is no project which words mean: `Personal Space`, `top level`; None where they mean neither."""
    plain = words.casefold().replace("_", " ").replace("-", " ").strip()
    return next((target for target in (PERSONAL_SPACE, TOP_LEVEL) if target.casefold() == plain), None)


_GATES = (Step("ceiling", "unknown"),)


Answers = dict[tuple[str, str, str], Answer]
"""What the reference answered, by user, capability and content."""


class Deed(NamedTuple):
    """Who, what, on which content, towards which project (or target that is none) or person, by id."""

    site: Site
    user: str
    action: str
    content: str | None
    target: str | None
    to: str | None
    model: str
    open_points: OpenPoints
    answers: Answers | None = None
    """What the reference was asked already of this Site, where many questions share it."""

    def may(self, capability: str, content: str | None) -> Answer:
        """The reference's answer for the same person; unknown on a content that was not read."""
        if content is None or content not in self.site.contents:
            return self._may_unread(capability, content)
        key, known = (self.user, capability, content), self.answers
        answer = known.get(key) if known is not None else None
        if answer is None:
            answer = may(self.site, self.user, capability, content, model=self.model, open_points=self.open_points)
            if known is not None:
                known[key] = answer
        return answer

    def _may_unread(self, capability: str, content: str | None) -> Answer:
        """Unknown, but where no fact about the content could matter: to administrators and people without a licence."""
        unread = replace(self.unread(content), what=capability)
        if setting_against(self.site.settings, capability):
            return replace(unread, verdict=DENIED, because="site_setting", steps=_GATES)
        if not is_licensed(self.role):
            return replace(unread, verdict=DENIED, because="site_role", steps=_GATES)
        return replace(unread, verdict=ALLOWED, because="admin", steps=_GATES) if self.is_admin else unread

    def says(self, fact: bool, because: str, *, yes: str = "ok", what: str = "") -> Answer:
        """A condition that is a plain fact, called `what`: its reason is `because` when it does not hold."""
        verdict: Verdict = ALLOWED if fact else DENIED
        reason = yes if fact else because
        steps = (Step("condition", "yes" if fact else "no", (what or because.replace("_", " "),)),)
        return Answer(verdict, reason, self.user, self.action, self.content, self.model, steps=steps)

    def unread(self, content: str | None, because: str = "not_read") -> Answer:
        """A condition that nobody can judge, because a fact about `content` was not read."""
        return Answer(UNKNOWN, because, self.user, self.action, content, self.model)

    @property
    def role(self) -> str:
        return self.site.users[self.user].site_role

    @property
    def is_admin(self) -> bool:
        return is_admin(self.role)

    @property
    def is_personal(self) -> bool:
        """Whether the content asked about lies in somebody's Personal Space."""
        return in_personal_space(self.site, self.on())

    def on(self) -> str:
        """The content asked about; UnknownName where the question names none."""
        if self.content is None:
            raise UnknownName(f"`{self.action}` needs a content to be asked about")
        return self.content

    def into(self) -> str:
        """Where something new goes: the content asked about, or else the target."""
        return self.on() if self.target is None or self.content is not None else self.target

    def workbook(self) -> str:
        """The content asked about; of a view its workbook."""
        item = self.site.contents[self.on()]
        return item.parent if item.kind == "view" and item.parent is not None else item.id

    def project(self) -> str | None:
        """The project that holds the content asked about; it may not have been read."""
        return self.site.project_of(self.on())

    def of_kind(self, *kinds: str) -> Answer:
        """A condition: the content asked about is of one of these kinds."""
        words = " or ".join(KIND_NAMES[kind] for kind in kinds)
        return self.says(self.site.contents[self.on()].kind in kinds, "not_applicable", what=f"a {words}")


Conditions = tuple[Answer, ...]


def role_publishes(deed: Deed) -> Answer:
    return deed.says(publishes(deed.role) != "no", "site_role", what="a site role that publishes")


def role_explores(deed: Deed) -> Answer:
    """The site role edits in the browser and has a Personal Space: Explorer and what is above it."""
    fits = licence_of(deed.role) in ("Explorer", "Creator")
    return deed.says(fits, "site_role", what="a site role from Explorer up")


def not_personal(deed: Deed) -> Answer:
    """What lies in a Personal Space is shared with nobody and mailed to nobody ("Personal Space", collaboration)."""
    return deed.says(not deed.is_personal, "personal_space", what="content that lies in a project")


def projects_by_path(site: Site) -> list[str]:
    """Ids of all projects, in the order people read them."""
    projects = (c.id for c in site.contents.values() if c.kind == "project")
    return sorted(projects, key=lambda p: (site.path(p).casefold(), p))


def rules_project(deed: Deed, project: str | None, *, otherwise: str = "not_leader") -> Answer:
    """Administrator, or owner or leader of the project or of a parent."""
    what = "owning or leading the project"
    if deed.is_admin:
        return deed.says(True, otherwise, yes="admin", what=what)
    power = power_over(deed.site, deed.user, project, deed.model)
    if power is None and power_is_unknown(deed.site, deed.user, project):
        return deed.unread(project)
    answer = deed.says(power is not None, otherwise, yes=power.reason if power is not None else "ok", what=what)
    return replace(answer, content=project, at=power.at if power is not None else None)


def owns(deed: Deed, content: str, *, yes: str) -> Answer:
    """Administrator, or owner of that content."""
    if deed.is_admin:
        return deed.says(True, "not_owner", yes="admin", what="owning it")
    return deed.says(deed.site.contents[content].owner == deed.user, "not_owner", yes=yes, what="owning it")


def renamed(answer: Answer, because: str, *, verdict: Verdict | None = None) -> Answer:
    """The same answer for a reason of the ability's own, or turned by it."""
    return replace(answer, because=because, verdict=verdict or answer.verdict)
