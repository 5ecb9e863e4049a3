"""Every setting with its type and default, as frozen models.

Keys are lower_snake and the models forbid every other key, at any depth. Each field's description is its line in
docs/reference/settings.md. What concerns two fields at once is in rules.py, so that no problem hides another.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr

from tabwarden.model.errors import SettingsError
from tabwarden.section import (
    Address,
    Connect,
    LocalPath,
    Secret,
    Section,
    SiteRole,
    Text,
    as_list,
    loopback,
    server_address,
)
from tabwarden.settings.groups import SyncedGroup
from tabwarden.settings.lint import LintSettings
from tabwarden.settings.mirror import Catalog, Mirror
from tabwarden.settings.people import SeveralSources
from tabwarden.settings.sites import SomeSites
from tabwarden.settings.sources import Sources
from tabwarden.settings.spark import Spark
from tabwarden.settings.store import Store
from tabwarden.settings.web import Web
from tabwarden.sources.ldap.options import DirectorySettings


class Pat(Section):
    """A personal access token."""

    name: Text = Field(description="name of the personal access token")
    secret: Secret = Field(description="the token's secret")
    expires: date | None = Field(
        default=None,
        description="day on which it ends, as 2027-03-31; `doctor` warns 14 days before, for Tableau tells no program",
    )


class Password(Section):
    """A user name and password (Tableau Server)."""

    username: Text = Field(description="user who signs in")
    password: Secret = Field(description="his password")


class Jwt(Section):
    """A connected app with direct trust."""

    client_id: Text = Field(description="client id of the connected app")
    secret_id: Text = Field(description="id of its secret")
    secret_value: Secret = Field(description="value of its secret")
    username: Text = Field(description="user in whose name the app acts")
    scopes: tuple[Text, ...] = Field(
        default=(
            "tableau:content:read",
            "tableau:sites:read",
            "tableau:users:*",
            "tableau:groups:*",
            "tableau:groupsets:*",
            "tableau:projects:*",
            "tableau:permissions:*",
            "tableau:jobs:read",
        ),
        description="scopes asked for",
    )


class Auth(Section):
    """How to sign in: exactly one of the three."""

    pat: Pat | None = Field(default=None, description="sign in by personal access token")
    password: Password | None = Field(default=None, description="sign in by password")
    jwt: Jwt | None = Field(default=None, description="sign in by connected app")


class Repository(Section):
    """Tableau Server's own database, for reading whole sites at once."""

    host: Text | None = Field(
        default=None, description="where it listens; when not given, the host of `tableau.server`"
    )
    port: int = Field(default=8060, ge=1, le=65535, description="its port")
    database: Text = Field(default="workgroup", description="name of the database")
    user: Text = Field(default="readonly", description="user who reads; `readonly` is the one Tableau offers for it")
    password: Secret = Field(description="his password")
    sslmode: Literal["verify-full", "verify-ca", "require", "disable"] = Field(
        default="verify-full", description="how the line is protected, in PostgreSQL's words"
    )
    ca_file: LocalPath | None = Field(
        default=None,
        description="PEM file of the authority that signed its certificate; when not given, those the system trusts",
    )


class Tableau(Section):
    """Which site, and how to sign in."""

    server: Annotated[str, AfterValidator(server_address)] = Field(
        description="address of the server, for example `https://tableau.example.com`"
    )
    site: str = Field(default="", description="content URL of the site; empty is Default")
    api_version: Annotated[str, Field(pattern=r"^\d+\.\d+$")] | None = Field(
        default=None, description="REST API version, in quotes; when not given, the server's own"
    )
    auth: Auth = Field(description="exactly one of `pat`, `password`, `jwt`")
    ca_file: LocalPath | None = Field(
        default=None, description="PEM file of the authority that signed the server's certificate"
    )
    timeout: float = Field(default=60, gt=0, le=3600, description="seconds to wait for an answer")
    retries: int = Field(default=4, ge=0, le=20, description="how often a call that may be repeated is")
    calls_per_hour: int | None = Field(
        default=None, ge=1, description="requests the server takes in an hour; when not given, 40000 on Tableau Cloud"
    )
    sites_at_once: int = Field(
        default=4, ge=1, le=100, description="how many sites of this server are worked on side by side"
    )
    repository: Repository | None = Field(
        default=None, description="the database of a Tableau Server, for `tabwarden read --repository`"
    )


class SignInGroup(Section):
    """The group that grants a site role on sign-in; found, created or corrected."""

    name: Text = Field(description="name of the group")
    minimum_site_role: SiteRole | None = Field(
        default=None,
        description="site role the group grants; when not given, a group that is there keeps what it grants and a new "
        "one grants Viewer",
    )
    grant: Literal["onLogin"] = Field(default="onLogin", description="when the role is granted")


class Provision(Section):
    """The seven tasks, in the order in which they are carried out, and what they need."""

    add_joiners: bool = Field(default=True, description="add joiners to the site as Unlicensed")
    add_joiners_to_group: bool = Field(default=True, description="add joiners to the group")
    set_joiners_viewer: bool = Field(default=False, description="give joiners the site role Viewer")
    remove_leavers_from_group: bool = Field(default=True, description="take leavers out of the group")
    set_leavers_unlicensed: bool = Field(default=True, description="give leavers the site role Unlicensed")
    add_leavers_to_group: bool = Field(
        default=False, description="put leavers back into the group, so that they may return"
    )
    remove_leavers: bool = Field(default=False, description="remove leavers from the site")
    remove_leavers_from_all_groups: bool = Field(
        default=False, description="take leavers out of every group, so that nothing comes back with a new licence"
    )
    group: SignInGroup | None = Field(default=None, description="the group that grants a site role on sign-in")
    auth_setting: Text | None = Field(
        default=None,
        description="how new people sign in: `SAML`, `ServerDefault`, `OpenID`, `TableauIDWithMFA` in any spelling, or "
        "the name of one of the site's identity providers",
    )
    idp_configuration_id: Text | None = Field(
        default=None, description="the same by id or name of an identity provider, where a site has several"
    )
    change_auth: bool = Field(
        default=False, description="give people who are there the authentication too, which else is only told"
    )
    assets_to: Text | None = Field(
        default=None, description="user who receives the content of leavers; needs `remove_leavers`"
    )
    protected: tuple[Text, ...] = Field(default=(), description="users who are never touched; each must be on the site")
    bulk: Literal["auto", "never"] = Field(default="auto", description="whether calls for many people at once are used")


class Limit(Section):
    """How much is too much: a number that is greater than `count` and greater than `percent` of the base."""

    count: int = Field(ge=0, description="up to this number it is never a stop")
    percent: float = Field(ge=0, le=100, description="up to this share of the base it is never a stop")


class SourceShrank(Limit):
    """Of the rows of the last good run."""

    count: int = Field(default=0, ge=0, description="up to so many it is never a stop")
    percent: float = Field(default=20, ge=0, le=100, description="up to this share it is never a stop")


class LicencesLost(Limit):
    """Of the licensed users of the site."""

    count: int = Field(default=5, ge=0, description="up to so many it is never a stop")
    percent: float = Field(default=10, ge=0, le=100, description="up to this share it is never a stop")


class UsersRemoved(Limit):
    """Of the users of the site."""

    count: int = Field(default=5, ge=0, description="up to so many it is never a stop")
    percent: float = Field(default=5, ge=0, le=100, description="up to this share it is never a stop")


class UsersAdded(Limit):
    """Of the users of the site."""

    count: int = Field(default=20, ge=0, description="up to so many it is never a stop")
    percent: float = Field(default=20, ge=0, le=100, description="up to this share it is never a stop")


class MembershipsRemoved(Limit):
    """Of the memberships of each group touched."""

    count: int = Field(default=20, ge=0, description="up to so many it is never a stop")
    percent: float = Field(default=10, ge=0, le=100, description="up to this share it is never a stop")


class RulesRemoved(MembershipsRemoved):
    """Of the explicit rules in the plan's scope."""


class UnlistedLeave(Limit):
    """Of the users of the site."""

    count: int = Field(default=0, ge=0, description="up to so many it is never a stop")
    percent: float = Field(default=0, ge=0, le=100, description="up to this share it is never a stop")


class Stops(Section):
    """The limits of the stops that have one."""

    source_shrank: SourceShrank = Field(default=SourceShrank(), description="of the rows of the last good run")
    licences_lost: LicencesLost = Field(default=LicencesLost(), description="of the licensed users of the site")
    users_removed: UsersRemoved = Field(default=UsersRemoved(), description="of the users of the site")
    users_added: UsersAdded = Field(default=UsersAdded(), description="of the users of the site, people who are new")
    memberships_removed: MembershipsRemoved = Field(
        default=MembershipsRemoved(), description="of the memberships of each group touched"
    )
    rules_removed: RulesRemoved = Field(default=RulesRemoved(), description="of the explicit rules in the plan's scope")
    unlisted_leave: UnlistedLeave = Field(
        default=UnlistedLeave(), description="of the users of the site, who leave for being in no authoritative source"
    )


class Mail(Section):
    """The mail that tells of a run."""

    enabled: bool = Field(default=False, description="whether mail is sent")
    when: Literal["errors", "warnings"] = Field(
        default="errors", description="`errors`: after errors or a stop; `warnings`: after warnings too"
    )
    subject: Text = Field(default="Tabwarden: a run needs your attention", description="subject of the mail")
    body: str = Field(
        default="A run ended with errors or was stopped. What happened is in the attached log.",
        description="text of the mail; the run adds what happened",
    )
    from_: Address | None = Field(default=None, alias="from", description="sender")
    to: Annotated[tuple[Address, ...], BeforeValidator(as_list)] = Field(default=(), description="receivers, a list")
    host: Text | None = Field(default=None, description="mail server")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="its port; when not given, 587 (starttls), 465 (tls), 25 (none)"
    )
    user: Text | None = Field(default=None, description="user who signs in at the mail server, if it asks")
    password: Secret | None = Field(default=None, description="his password")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="how the line is protected; certificates are always verified"
    )
    ca_file: LocalPath | None = Field(
        default=None, description="PEM file of the authority that signed the mail server's certificate"
    )
    timeout: float = Field(default=30, gt=0, le=600, description="seconds to wait for the mail server")


class Logs(Section):
    """The log file of each run."""

    folder: LocalPath = Field(default=Path("logs"), description="folder of the log files")
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="least level written")
    retention_days: int = Field(default=90, ge=1, description="older log files are deleted at the start of a run")
    as_json: bool = Field(default=False, alias="json", description="write JSON lines")


class Settings(Section):
    """Everything of settings.yaml. Made by `tabwarden.settings.load`."""

    tableau: Tableau = Field(description="which site, and how to sign in")
    sites: tuple[SomeSites, ...] = Field(default=(), description="the sites that this file is for, a list")
    directory: DirectorySettings | None = Field(default=None, description="the directory people and groups come from")
    groups: tuple[SyncedGroup, ...] = Field(
        default=(), description="groups of the directory that are kept on Tableau, a list"
    )
    sources: Sources = Field(default=Sources(), description="where joiners and leavers come from")
    provision: Provision = Field(default=Provision(), description="what is done with them")
    people: SeveralSources = Field(
        default=SeveralSources(), description="several sources as one roster, and what it means on Tableau"
    )
    stops: Stops = Field(default=Stops(), description="how much is too much")
    invariants: LocalPath | None = Field(
        default=None, description="file of invariants; when not given, `invariants.yaml` beside the settings, if any"
    )
    mail: Mail = Field(default=Mail(), description="the mail that tells of a run")
    logs: Logs = Field(default=Logs(), description="the log file of each run")
    store: Store = Field(default=Store(), description="what is kept between runs")
    catalog: Catalog = Field(default=Catalog(), description="whom a mirror serves")
    mirror: Mirror = Field(default=Mirror(), description="what is mirrored, and where it goes")
    lint: LintSettings = Field(default=LintSettings(), description="what lints are to know of this site")
    spark: Spark = Field(default=Spark(), description="where `--engine spark` works")
    web: Web = Field(default=Web(), description="the pages of `tabwarden serve`")

    _origin: str = ""
    _found_by: str = ""
    _secrets: tuple[str, ...] = ()
    _warnings: tuple[str, ...] = ()
    _of_no_site: bool = False

    @property
    def is_of_several(self) -> bool:
        """Whether nobody said which of several sites is meant."""
        return self._of_no_site

    def of_one_site(self) -> Settings:
        """These settings; SettingsError where they are for several sites and nobody said which one is meant."""
        if self._of_no_site:
            raise SettingsError(
                ["`sites` names several sites; say which with `--site NAME`, or `--site all` for all of them"]
            )
        return self

    @property
    def origin(self) -> str:
        """The file the settings came from, as it was named; empty when from variables alone."""
        return self._origin

    @property
    def found_by(self) -> str:
        """How it was found: by `--settings` or a variable, in this folder, one above, one's own."""
        return self._found_by

    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for the scrubber: never print it."""
        return tuple(dict.fromkeys((*secrets_in(self), *self._secrets)))

    def warnings(self) -> tuple[str, ...]:
        """What is allowed and unwise, one sentence each."""
        warnings = list(self._warnings)
        if self.tableau.server.startswith("http://") and not loopback(self.tableau.server):
            warnings.append("`tableau.server` begins with http: the sign-in travels unprotected; use https")
        if self.mail.enabled and self.mail.security == "none" and self.mail.password is not None:
            warnings.append("`mail.security` is none: the mail password travels unprotected; use starttls or tls")
        warnings += _unprotected(self.tableau.repository)
        return tuple(warnings)


def _unprotected(repository: Repository | None) -> list[str]:
    if repository is None or repository.sslmode.startswith("verify"):
        return []
    why = "travels unprotected" if repository.sslmode == "disable" else "goes to whoever answers"
    return [f"`tableau.repository.sslmode` is {repository.sslmode}: its password {why}; use verify-full"]


def secrets_in(value: object) -> tuple[str, ...]:
    """The secret values of a model, whatever their depth."""
    if isinstance(value, SecretStr):
        return (value.get_secret_value(),)
    if isinstance(value, Connect):
        return value.secrets()
    if isinstance(value, BaseModel):
        return tuple(secret for name in type(value).model_fields for secret in secrets_in(getattr(value, name)))
    return ()
