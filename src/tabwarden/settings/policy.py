"""Files of a policy: YAML read with its lines, packs filled in, checked by models, every problem told at once."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from tabwarden.effects.forms.rules import templates_of
from tabwarden.effects.forms.site import setting_named
from tabwarden.model.capability import kind_named
from tabwarden.model.errors import SettingsError, UnknownName
from tabwarden.model.names import hint, same
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED
from tabwarden.safe_files import read_text
from tabwarden.settings.lines import Origin, Place, Written, read_yaml
from tabwarden.settings.wording import Kind, complain_of_text
from tabwarden.troubles import why
from tabwarden.want.policy.wishes import (
    ALL,
    EVERYBODY,
    KIND_WORDS,
    Cell,
    ContentWish,
    Policy,
    ProjectWish,
    RowWish,
)

MODES = {"locked": LOCKED, "locked without nested": LOCKED_WITHOUT_NESTED, "customizable": CUSTOMIZABLE}
TEMPLATES = {same(name) for kind in ("project", "workbook", "datasource", "flow") for name in templates_of(kind)}
_MODE_WORDS = {same(mode): word for word, mode in MODES.items()}
KIND_FIELDS = {word: kind for kind, word in KIND_WORDS.items() if kind != "project"}


def _mode(word: object) -> object:
    return _MODE_WORDS.get(same(word), same(word)) if isinstance(word, str) else word


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class CellText(_Part):
    """Capabilities by any of their names; with `template` they count before what that says."""

    template: str = ""
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    @property
    def cell(self) -> Cell:
        """As a value."""
        return Cell(self.template, self.allow, self.deny)


AnyCell = str | CellText | None


class RowText(_Part):
    """One grantee, and a template (or capabilities) for every kind that is said; `all` is every kind there is."""

    group: str | None = Field(None, description="a group, as `Analysts` or `domain\\name`")
    group_set: str | None = Field(None, description="a group set")
    user: str | None = Field(None, description="one person, who needs a `reason`")
    all_users: Literal[True] | None = Field(None, description="everybody: the built-in group All Users")
    all: AnyCell = Field(None, description="what every kind gets that is not said itself")
    project: AnyCell = Field(None, description="rules on the project itself")
    workbooks: AnyCell = None
    views: AnyCell = None
    data_sources: AnyCell = None
    flows: AnyCell = None
    virtual_connections: AnyCell = None
    databases: AnyCell = None
    tables: AnyCell = None
    data_roles: AnyCell = None
    metrics: AnyCell = None
    ask_data_lenses: AnyCell = None
    collections: AnyCell = None
    reason: str = ""

    @model_validator(mode="after")
    def _one_grantee(self) -> RowText:
        named = [one for one in (self.group, self.group_set, self.user, self.all_users) if one]
        if len(named) != 1:
            raise ValueError("name one of `group`, `group_set`, `user` and `all_users`")
        if self.user and not self.reason:
            raise ValueError("a rule for one person needs a `reason`; better is a group")
        if not self.row("").cells:
            raise ValueError("nothing is said; say a kind, as in `workbooks: View`, or `all: None`")
        return self

    def row(self, where: str) -> RowWish:
        """As a value."""
        kinds = {"groupSet": self.group_set, "user": self.user, "group": self.group}
        kind, name = next(((k, n) for k, n in kinds.items() if n), (EVERYBODY, "All Users"))
        fields = {ALL: self.all, "project": self.project}
        fields |= {kind: getattr(self, field) for field, kind in KIND_FIELDS.items() if field in RowText.model_fields}
        cells = {k: v.cell if isinstance(v, CellText) else Cell(v) for k, v in fields.items() if v is not None}
        owner, expires = getattr(self, "owner", ""), getattr(self, "expires", "")
        return RowWish(kind, name, cells, where, self.reason, owner, str(expires))


class ExceptionText(RowText):
    """A row that ends by itself: who asked for it, why, and the last day."""

    owner: str
    expires: datetime.date

    @model_validator(mode="after")
    def _told_why(self) -> ExceptionText:
        if not self.reason:
            raise ValueError("an exception needs a `reason`")
        return self


class ProjectText(_Part):
    """A project; what is not said is left as it is. `rules` are all there are: what is not among them goes."""

    mode: Annotated[Literal["locked", "locked without nested", "customizable"] | None, BeforeValidator(_mode)] = None
    owner: str | None = None
    leaders: tuple[str, ...] | None = Field(None, description="as `group Finance Leads`, `user ann`; all there are")
    leaders_in_description: bool = Field(False, description="name them, with their addresses, in the description")
    description: Annotated[str, StringConstraints(strip_whitespace=False)] | None = None
    rules: tuple[RowText, ...] | None = None
    exceptions: tuple[ExceptionText, ...] = ()
    contents: Literal["defaults"] | None = Field(None, description="its contents have its default rules")
    start: Literal["default", "parent", "empty"] | None = Field(
        None, description="whose rules it begins with where it is made and has no `rules`"
    )


class ContentText(_Part):
    """Contents by path or pattern (`Finance/*`), tag, certification, owner; `rules` are all there are."""

    paths: tuple[str, ...] = ()
    kind: Kind | None = None
    tag: str = ""
    certified: bool | None = None
    owner: str = ""
    rules: tuple[RowText, ...]
    exceptions: tuple[ExceptionText, ...] = ()


class PackText(_Part):
    """Projects, contents and templates with `{parameters}` in any text, filled in by `use`."""

    parameters: tuple[str, ...] = ()
    projects: dict[str, dict[str, Any]] = Field(default_factory=dict)
    content: tuple[dict[str, Any], ...] = ()


class UseText(_Part):
    """A pack and what its parameters are."""

    pack: str
    parameters: dict[str, str] = Field(default_factory=dict, alias="with")


class PolicyText(_Part):
    """A file of a policy."""

    default_project: Literal["locked-down", "read-only", "blank"] | None = None
    site: dict[str, bool] = Field(default_factory=dict, description="the site's switches, as `web authoring: false`")
    templates: dict[str, dict[str, AnyCell]] = Field(default_factory=dict, description="own templates, kind by kind")
    packs: dict[str, PackText] = Field(default_factory=dict)
    use: tuple[UseText, ...] = ()
    projects: dict[str, ProjectText] = Field(default_factory=dict, description="by path, as `Finance/2026`")
    content: tuple[ContentText, ...] = ()


def schema() -> dict[str, Any]:
    """The JSON Schema of a file, for editors."""
    whole = PolicyText.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, "title": "Tabwarden policy"}


def load_policy(paths: Iterable[Path]) -> Policy:
    """The policy of files, and of all `*.yaml` and `*.yml` in folders. SettingsError with every problem of all."""
    files = [file for path in paths for file in _files(path)]
    problems: list[str] = []
    texts: list[tuple[Written, PolicyText]] = []
    all_written: list[Written] = []
    for file in files:
        try:
            all_written.append(read_yaml(read_text(file), str(file), "projects:"))
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"`{file}` cannot be read: {why(error)}")
    packs = _packs(all_written)
    for written in all_written:
        text = _checked(written, packs)
        problems += [problem.text for problem in sorted(set(written.problems))]
        if text is not None:
            texts.append((written, text))
    if not files:
        problems.append("there is no policy: name a file, or a folder with `*.yaml` files")
    policy = _Together(texts, problems).policy() if not problems else Policy()
    if problems:
        raise SettingsError(problems)
    return policy


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in (".yaml", ".yml"))


def _checked(written: Written, packs: Mapping[str, Any]) -> PolicyText | None:
    try:
        _fill_in(written, packs)
        return PolicyText.model_validate(written.values)
    except ValidationError as error:
        complain_of_text(written, error, PolicyText, "tabwarden policy schema")
    return None


# -- packs ----------------------------------------------------------------------------------------------------


def _packs(all_written: Iterable[Written]) -> dict[str, Any]:
    """The packs of all files by name; one name twice is a problem."""
    packs: dict[str, Any] = {}
    for written in all_written:
        theirs = written.values.get("packs")
        for name, pack in theirs.items() if isinstance(theirs, dict) else ():
            if name in packs:
                written.complain(("packs", name), f"the pack `{name}` is said already in another file")
            packs[name] = pack
    return packs


def _fill_in(written: Written, packs: Mapping[str, Any]) -> None:
    """What `use` makes of packs, put among the projects and contents; lines are those of the `use`."""
    values, uses = written.values, written.values.get("use") or []
    if not isinstance(uses, list):
        return
    if values.get("projects") is None:
        values["projects"] = {}
    projects = values["projects"]
    own = dict(projects) if isinstance(projects, dict) else {}
    by_packs: dict[str, Place] = {}
    for number, use in enumerate(uses if isinstance(projects, dict) else ()):
        place: Place = ("use", number)
        if not isinstance(use, dict) or not isinstance(use.get("with") or {}, dict):
            written.complain(place, "say a pack and its parameters, as in `{pack: department, with: {name: Design}}`")
            continue
        pack = packs.get(str(use.get("pack")))
        if not isinstance(pack, dict):
            if (name := str(use.get("pack", ""))) not in packs:
                near = hint(name, dict.fromkeys(packs, "")) or f"; there are {', '.join(packs) or 'none'}"
                written.complain(place, f"there is no pack `{name}`{near}")
            continue
        try:
            PackText.model_validate(pack)
        except ValidationError:  # told where the pack is written
            continue
        given, wanted = use.get("with") or {}, list(map(str, pack.get("parameters") or []))
        unlike = sorted(set(map(str, given)) ^ set(wanted))
        if unlike:
            written.complain(place, f"the pack takes {', '.join(wanted) or 'nothing'}; look at {', '.join(unlike)}")
            continue
        filled = _filled({"projects": pack.get("projects") or {}, "content": pack.get("content") or []}, given)
        left = sorted(set(re.findall(r"\{(\w+)\}", str(filled))) - {str(words) for words in given.values()})
        if left:
            written.complain(place, f"the pack names `{{{left[0]}}}`, which is none of its `parameters`; add it there")
        for path, project in filled["projects"].items():
            if path in by_packs or len(filled["projects"]) < len(pack.get("projects") or {}):
                line = written.origin(by_packs.get(path, place)).line
                written.complain(place, f"`{path}` is said twice by packs, here and in line {line}")
            by_packs[path] = place
            if path not in own:
                projects[path] = project
                written.origins[("projects", path)] = written.origin(place)
            elif isinstance(own[path], dict):  # what is said of the project itself counts before the pack's
                projects[path] = {**project, **own[path]}
        for entry in filled["content"] if isinstance(values.get("content") or [], list) else ():
            values["content"] = [*(values.get("content") or []), entry]
            written.origins[("content", len(values["content"]) - 1)] = written.origin(place)


def _filled(value: Any, given: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        for name, words in given.items():
            value = value.replace("{" + name + "}", str(words))
        return value
    if isinstance(value, dict):
        return {_filled(key, given): _filled(one, given) for key, one in value.items()}
    return [_filled(one, given) for one in value] if isinstance(value, list) else value


# -- all files together ---------------------------------------------------------------------------------------


class _Together:
    def __init__(self, texts: list[tuple[Written, PolicyText]], problems: list[str]) -> None:
        self.texts, self.problems = texts, problems
        self.said: dict[str, Origin] = {}

    def policy(self) -> Policy:
        """One value; what two files say differently of one thing is a problem."""
        projects: dict[str, ProjectWish] = {}
        contents: list[ContentWish] = []
        templates: dict[str, dict[str, Cell]] = {}
        switches: dict[str, tuple[bool, str]] = {}
        default: tuple[str, str] | None = None
        for written, text in self.texts:
            for path, project in text.projects.items():
                wish = self._project(written, path, project)
                if (key := same(wish.path)) in projects:
                    self.problems.append(f"{wish.where}: `{path}` is said already in {projects[key].where}")
                projects[key] = wish
            contents += [self._content(written, number, one) for number, one in enumerate(text.content)]
            for name, cells in text.templates.items():
                self._once(f"the template `{name}`", written.origin(("templates", name)))
                templates[name] = self._template(written, name, cells)
            for words, value in text.site.items():
                where = written.origin(("site", words))
                try:
                    self._once(f"the switch `{setting_named(words)}`", where)
                    switches[setting_named(words)] = value, str(where)
                except UnknownName as error:
                    self.problems.append(f"{where}: {error}")
            if text.default_project is not None:
                self._once("`default_project`", written.origin(("default_project",)))
                default = text.default_project, str(written.origin(("default_project",)))
        return Policy(tuple(projects.values()), tuple(contents), templates, default, switches)

    def _once(self, what: str, where: Origin) -> None:
        """A problem where another line says it as well."""
        if self.said.setdefault(same(what), where) is not where:
            self.problems.append(f"{where}: {what} is said already in {self.said[same(what)]}")

    def _rows(self, written: Written, place: Place, text: ProjectText | ContentText) -> tuple[RowWish, ...]:
        rows: list[RowWish] = []
        for key, listed in (("rules", text.rules), ("exceptions", text.exceptions)):
            rows += [row.row(str(written.origin((*place, key, n)))) for n, row in enumerate(listed or ())]
        return tuple(rows)

    def _project(self, written: Written, path: str, text: ProjectText) -> ProjectWish:
        place: Place = ("projects", path)
        where, rows = str(written.origin(place)), self._rows(written, place, text)
        if text.exceptions and text.rules is None:
            self.problems.append(f"{where}: exceptions stand beside `rules`, which are all there are; write those too")
        return ProjectWish(
            path.strip("/ "),
            where,
            MODES[text.mode] if text.mode else None,
            text.owner,
            text.leaders,
            text.description,
            None if text.rules is None else rows,
            text.contents == "defaults",
            text.leaders_in_description,
            text.start,
        )

    def _content(self, written: Written, number: int, text: ContentText) -> ContentWish:
        place: Place = ("content", number)
        where, rows = str(written.origin(place)), self._rows(written, place, text)
        if not (text.paths or text.tag or text.owner or text.kind or text.certified is not None):
            self.problems.append(f"{where}: say which contents: `paths`, `kind`, `tag`, `certified` or `owner`")
        return ContentWish(where, rows, text.paths, text.kind or "", text.tag, text.certified, text.owner)

    def _template(self, written: Written, name: str, cells: Mapping[str, AnyCell]) -> dict[str, Cell]:
        by_kind: dict[str, Cell] = {}
        own = {same(called) for _, text in self.texts for called in text.templates} - TEMPLATES
        if same(name) in TEMPLATES:
            where = written.origin(("templates", name))
            self.problems.append(f"{where}: `{name}` is one of Tableau's own templates; call yours otherwise")
        for words, cell in cells.items():
            template = cell.template if isinstance(cell, CellText) else cell or ""
            if same(template) in own:
                where = written.origin(("templates", name, words))
                self.problems.append(f"{where}: `{template}` is an own template; say one of Tableau's, or capabilities")
            try:
                by_kind[KIND_FIELDS.get(words) or kind_named(words.replace("_", " "))] = (
                    cell.cell if isinstance(cell, CellText) else Cell(cell or "None")
                )
            except UnknownName as error:
                self.problems.append(f"{written.origin(('templates', name, words))}: {error}")
        return by_kind
