"""What surprises somebody who reads an Answer, a line each: true beside the verdict, never against it.

A dashboard that opens and stays empty, a right that the site role makes useless, a workbook none of whose views opens.
Source: tableau-permissions §5, §6.1, §9 and §10 (1, 5, 12, 15).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tabwarden.access.answer import DENIED, Answer
from tabwarden.access.on_demand import admitting
from tabwarden.access.powers import power_over
from tabwarden.access.question import Asked
from tabwarden.access.reference import may
from tabwarden.model.roles import publishes, ui_role
from tabwarden.model.site import Group, Site
from tabwarden.report.answers import SEE_DATA, sentence

OVERRIDES = ("admin", "project_owner", "project_leader", "content_owner")


def remarks(site: Site, question: Asked, answer: Answer) -> Iterator[str]:
    """The remarks on the Answer to a question about a capability; most abilities tell their conditions themselves."""
    if question.ability and question.what == SEE_DATA and answer.allowed:
        yield from _second_prompt(site, answer)
    if question.ability or question.content is None:
        return
    groups = admitting(site, question.what, question.content, model=question.model, open_points=question.open_points)
    yield from on_demand_lines(groups)
    kind = site.contents[question.content].kind
    if answer.because == "site_role":
        yield from _useless_power(site, question)
    if question.what == "Read" and answer.allowed and kind in ("workbook", "view"):
        yield from _empty(site, question)
        yield from _no_view(site, question, answer)
    if question.what == "Read" and answer.because == "default_deny" and kind in ("database", "table"):
        yield "with Tableau Catalog it may be visible all the same, through content that is built on it"
    role = site.users[question.user].site_role
    if answer.allowed and publishes(role) == "no":
        if question.what == "ChangeHierarchy":
            yield f"it is of no use: moving asks for a site role that publishes, and {ui_role(role)} does not"
        if question.what == "ExportXml" and kind == "workbook":
            yield f"downloading only: saving asks for a site role that publishes, and {ui_role(role)} does not"


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


def _empty(site: Site, question: Asked) -> Iterator[str]:
    """It opens, and there is nothing to see: no Connect of one's own behind prompted credentials (§6.1)."""
    seen = question._replace(what=SEE_DATA, ability=True).of(site)
    if seen.verdict == DENIED:
        yield sentence(site, seen)


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
