"""The file of invariants: YAML read with its lines, checked by models, every problem told at once."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from tabwarden.model.errors import SettingsError
from tabwarden.model.names import same
from tabwarden.model.site import ALLOW, DENY
from tabwarden.safe_files import read_text
from tabwarden.settings.lines import Written, read_yaml
from tabwarden.settings.wording import Kind, complain_of_text
from tabwarden.troubles import why
from tabwarden.want.invariants import NEVER_BOTH, NO_RULE, NOBODY, ONLY, Act, Exemption, Invariant, Selection

INVARIANTS = "invariants.yaml"


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("names nobody and nothing; an invariant of nothing would always hold")
    return value


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
SomeWords = Annotated[Words, AfterValidator(_some)]
Text = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class ContentsText(_Part):
    """Contents by path or pattern (`Finance/*` is everything below), narrowed by what else is said."""

    paths: Words = ()
    outside: Words = Field(default=(), description="paths and patterns that do not belong to it")
    kind: Kind | None = None
    tag: str = ""
    certified: bool | None = None
    owner: str = ""

    @property
    def selection(self) -> Selection:
        """As a value."""
        return Selection(self.paths, self.outside, self.kind or "", self.tag, self.certified, self.owner)


def _selected(value: Any) -> Any:
    return {"paths": value} if isinstance(value, (str, list)) else value


Contents = Annotated[ContentsText, BeforeValidator(_selected)]


class ActText(_Part):
    """Capabilities or abilities by any of their names, and on what."""

    may: SomeWords
    on: Contents = ContentsText()

    @property
    def act(self) -> Act:
        """As a value."""
        return Act(self.may, self.on.selection)


class ExemptionText(_Part):
    """People who are left alone up to a day."""

    people: SomeWords
    owner: Text
    reason: Text
    expires: datetime.date


class NoRuleText(_Part):
    """Rules that must not be: for whom, and of which mode where only one is meant."""

    people: SomeWords = Field(alias="for")
    mode: Literal["Allow", "Deny"] | None = None


class InvariantText(_Part):
    """One statement about who may never do what."""

    name: Text
    only: Words | None = Field(default=None, description="nobody but these may")
    nobody: SomeWords | None = Field(default=None, description="none of these may")
    no_rule: NoRuleText | None = Field(default=None, description="no such rule stands there")
    never_both: tuple[ActText, ActText] | None = Field(default=None, description="nobody may do both")
    may: Words = Field(default=(), description="capabilities or abilities by any of their names")
    on: Contents = ContentsText()
    exceptions: tuple[ExemptionText, ...] = ()
    holds_for: Literal["today", "anybody"] = Field(
        "today", description="`anybody`: whoever could be put into a group counts as well"
    )
    administrators: bool = Field(False, description="administrators, who may everything, count as well")
    why: str = ""

    @model_validator(mode="after")
    def _one_form(self) -> InvariantText:
        forms = [form for form in (ONLY, NOBODY, NO_RULE, NEVER_BOTH) if getattr(self, form) is not None]
        if len(forms) != 1:
            raise ValueError("say one of `only`, `nobody`, `no_rule` and `never_both`")
        if forms[0] in (ONLY, NOBODY) and not self.may:
            raise ValueError(f"`{forms[0]}` needs `may`: a capability or an ability")
        if forms[0] == NEVER_BOTH and (self.may or "on" in self.model_fields_set):
            raise ValueError("`never_both` has a `may` and an `on` in each of its two parts, and none beside it")
        if forms[0] == NEVER_BOTH and self.holds_for == "anybody":
            raise ValueError("`holds_for: anybody` is for `only` and `nobody`; `never_both` is about today's people")
        return self

    def invariant(self, where: str) -> Invariant:
        """As a value."""
        form = next(form for form in (ONLY, NOBODY, NO_RULE, NEVER_BOTH) if getattr(self, form) is not None)
        rule = self.no_rule
        acts = [text.act for text in self.never_both] if self.never_both else [Act(self.may, self.on.selection)]
        exemptions = (Exemption(e.people, e.owner, e.reason, e.expires.isoformat()) for e in self.exceptions)
        return Invariant(
            name=self.name,
            where=where,
            form=form,
            people=rule.people if rule is not None else self.only or self.nobody or (),
            acts=tuple(acts),
            mode={"Allow": ALLOW, "Deny": DENY}.get(rule.mode or "", "") if rule is not None else "",
            exemptions=tuple(exemptions),
            anybody=self.holds_for == "anybody",
            administrators=self.administrators,
            why=self.why,
        )


class InvariantsText(_Part):
    """A file of invariants."""

    invariants: tuple[InvariantText, ...]


def schema() -> dict[str, Any]:
    """The JSON Schema of a file, for editors."""
    whole = InvariantsText.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, "title": "Tabwarden invariants"}


def load_invariants(path: Path) -> tuple[Invariant, ...]:
    """The invariants of a file. SettingsError with every problem, each with its line."""
    try:
        written = read_yaml(read_text(path), str(path), "invariants:")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"`{path}` cannot be read: {why(error)}"]) from None
    if written.problems and not written.values:
        raise SettingsError([problem.text for problem in written.problems])
    try:
        text = InvariantsText.model_validate(written.values)
    except ValidationError as error:
        complain_of_text(written, error, InvariantsText, "tabwarden check --schema")
        text = InvariantsText(invariants=())
    invariants = _numbered(written, text)
    if written.problems:
        raise SettingsError([problem.text for problem in sorted(set(written.problems))])
    return invariants


def _numbered(written: Written, text: InvariantsText) -> tuple[Invariant, ...]:
    invariants: dict[str, Invariant] = {}
    for number, one in enumerate(text.invariants):
        place = ("invariants", number)
        if before := invariants.get(same(one.name)):
            written.complain(place, f"`{one.name}` is said already in {before.where}")
        invariants[same(one.name)] = one.invariant(str(written.origin(place)))
    return tuple(invariants.values())
