"""What surprises somebody who reads an Answer, a line each: true beside the verdict, never against it.

A dashboard that opens and stays empty, a right that the site role makes useless, a workbook none of whose views opens.
Source: tableau-permissions §5, §6.1, §9 and §10 (1, 5, 12, 15).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tabwarden.access.answer import DENIED, Answer
from tabwarden.access.on_demand import admitting
from tabwarden.access.powers import power_over, speaks_of
from tabwarden.access.question import Asked
from tabwarden.access.reference import may
from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.roles import publishes, ui_role
from tabwarden.model.site import Group, Site
from tabwarden.report.answers import SEE_DATA, rule_words, sentence

OVERRIDES = ("admin", "project_owner", "project_leader", "content_owner")


def remarks(site: Site, question: Asked, answer: Answer) -> Iterator[str]:
    """The remarks on the Answer to a question; most abilities tell their conditions themselves."""
    if question.content is None:
        return
    yield from _of_ability(site, question, answer) if question.ability else _of_capability(site, question, answer)


def _of_ability(site: Site, question: Asked, answer: Answer) -> Iterator[str]:
    if question.what == SEE_DATA and answer.allowed:
        yield from _second_prompt(site, answer)
    if question.what == "web_overwrite" or (question.what == "publish" and site.contents[str(question.content)].parent):
        yield from _revision(site, question)
    if question.what == "create_metric":
        yield "Tableau retired these metrics in 2024 (Cloud in February, Server with 2024.2); Pulse has `define_metric`"
    if question.what == "connect_from_desktop" and answer.allowed:
        yield "Tableau Desktop itself takes a Creator licence"
    if question.what == "subscribe" and answer.allowed:
        image = question._replace(what="subscribe_with_image").of(site)
        recipient = site.called(question.to or question.user)
        yield from () if image.allowed else (f"the mail has no image or PDF: {recipient} lacks `Download Image/PDF`",)


def _revision(site: Site, question: Asked) -> Iterator[str]:
    """Whether what was there before can be had back (blog, "Save": if revision history is turned on)."""
    if site.contents[str(question.content)].kind not in ("workbook", "view", "datasource"):
        return
    if site.settings.revision_history:
        yield "overwriting makes a new revision: what was there can be restored from the revision history"
    else:
        yield "overwriting makes no revision: revision history is off on this site, and what was there is gone"


def _of_capability(site: Site, question: Asked, answer: Answer) -> Iterator[str]:
    content = str(question.content)
    kind = site.contents[content].kind
    groups = admitting(site, question.what, content, model=question.model, open_points=question.open_points)
    yield from on_demand_lines(groups)
    yield from _of_others(site, question, answer)
    if question.what == "Read" and answer.allowed:
        yield from _unseen_parent(site, question)
    if question.what == "Connect" and answer.allowed and kind == "datasource":
        yield from _through_workbooks_only(question, answer)
    if answer.because == "site_role":
        yield from _useless_power(site, question)
    if question.what == "Read" and answer.allowed and kind in ("workbook", "view"):
        # It opens, and there is nothing to see: no Connect of one's own behind prompted credentials (§6.1).
        seen = question._replace(what=SEE_DATA, ability=True).of(site)
        if seen.verdict == DENIED:
            yield sentence(site, seen)
        yield from _no_view(site, question, answer)
    if question.what == "Read" and answer.because == "default_deny" and kind in ("database", "table"):
        yield "with Tableau Catalog it may be visible all the same, through content that is built on it"
    role = site.users[question.user].site_role
    if answer.allowed and publishes(role) == "no":
        if question.what == "ChangeHierarchy":
            yield f"it is of no use: moving asks for a site role that publishes, and {ui_role(role)} does not"
        if question.what == "ExportXml" and kind == "workbook":
            yield f"downloading only: saving asks for a site role that publishes, and {ui_role(role)} does not"


def _of_others(site: Site, question: Asked, answer: Answer) -> Iterator[str]:
    """Rules of the list that counts which give it to groups that the person is not in: what joining would bring."""
    if answer.allowed or answer.governing is None:
        return
    rules = (r for r in answer.governing.rules or () if r.capability == question.what and r.grantee.kind != "user")
    others = [rule for rule in sorted(rules) if speaks_of(site, rule.grantee, question.user) is False]
    if others:
        named = ", ".join(dict.fromkeys(rule_words(site, rule) for rule in others))
        yield f"rules for others, which {site.called(question.user)} is not among: {named}"


def _unseen_parent(site: Site, question: Asked) -> Iterator[str]:
    """View does not need View on what holds it; who lacks that finds it by search or link alone (§3.2, §10.18)."""
    item, name = site.contents[str(question.content)], site.called(question.user)
    unseen = [
        above
        for above in site.ancestors(item.parent)
        if may(site, question.user, "Read", above, model=question.model, open_points=question.open_points).verdict
        == DENIED
    ]
    if unseen:
        listed = ", ".join(f"{KIND_NAMES[site.contents[above].kind]} {site.path(above)}" for above in unseen)
        yield f"not visible to {name}: {listed}; it is reached by search or link, not by going through them"


def _through_workbooks_only(question: Asked, answer: Answer) -> Iterator[str]:
    """Where the blog is followed, Connect of a locked project's data source rules does not reach from Desktop."""
    of_project = answer.governing is not None and answer.governing.level == "project_default"
    if question.open_points.project_connect_is_for_workbooks and of_project and answer.deciding and answer.at is None:
        yield "by the blog it works through workbooks only, for it comes from the project: not from Desktop or by API"


def on_demand_lines(groups: Iterable[Group]) -> Iterator[str]:
    """Who may and is on no list: people whom an application lets in as members of these groups."""
    for group in groups:
        yield (
            f"so may whoever an application lets in on demand through group `{group.name}`: "
            "such people are on no list of users, and no snapshot holds them"
        )


def _useless_power(site: Site, question: Asked) -> Iterator[str]:
    """The site role comes first: owners and leaders keep what they own and lead, and nothing comes of it (§10.5)."""
    content = str(question.content)
    thing = site.contents[content]
    power = power_over(
        site, question.user, content if thing.kind == "project" else site.project_of(content), question.model
    )
    name = site.called(question.user)
    if power is not None:
        verb = "owns" if power.reason == "project_owner" else "leads"
        yield f"{name} {verb} {site.path(power.at)}, which does not lift the site role; with another role it comes back"
    elif thing.owner == question.user:
        yield f"{name} owns it, which does not lift the site role; with another role it comes back"


def _second_prompt(site: Site, answer: Answer) -> Iterator[str]:
    """A data source that prompts asks for credentials of the database, which is no permission (§6.1)."""
    sources = {part.content for part in answer.conditions if part.what == "Connect" and part.content is not None}
    for source in sorted(sources, key=site.path):
        yield f"where {site.path(source)} itself prompts, the person's own credentials of its database are needed too"


def _no_view(site: Site, question: Asked, answer: Answer) -> Iterator[str]:
    """With hidden tabs the workbook's View opens none of its views (§10.1)."""
    workbook = site.contents[str(question.content)]
    views = [v for v in site.children(workbook.id) if site.contents[v].kind == "view"]
    if workbook.kind != "workbook" or workbook.tabs or not views or answer.because in OVERRIDES:
        return
    verdicts = (
        may(site, question.user, "Read", view, model=question.model, open_points=question.open_points).verdict
        for view in views
    )
    if all(verdict == DENIED for verdict in verdicts):
        yield "it is listed, but none of its views opens: tabs are hidden, so each view has rules of its own"
