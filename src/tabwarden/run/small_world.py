"""One check's small world on a real server: its lines carried out, its question asked, everything taken away again."""

from __future__ import annotations

import io
import json
import logging
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from string import Template
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import quoteattr

from tabwarden.model.errors import TableauError
from tabwarden.model.site import Content, Grantee, Rule
from tabwarden.run.beliefs import CODE, Check
from tabwarden.scrubber import KNOWN
from tabwarden.tableau.http import wire
from tabwarden.tableau.http.connection import Connection, connect
from tabwarden.tableau.http.session import Jwt, Password, SignIn
from tabwarden.tableau.http.wire import Answer, Part, Request, element
from tabwarden.tableau.read.content import DEFAULTS_SINCE, KINDS, rules_of
from tabwarden.tableau.write.content import rules_changed

MADE = ("projects", "groupsets", "groups", "users")  # in the order in which they are taken away
log = logging.getLogger(__name__)


class NotTried(Exception):
    """A check that cannot be carried out here, and why."""


def gone(connection: Connection, path: str) -> None:
    """Delete it; what is not there is gone."""
    try:
        connection.call("DELETE", path)
    except TableauError as error:
        if error.status != 404:
            raise


class SmallWorld:
    """What one check makes: ids by the names of its lines, and what must be taken away, newest last."""

    def __init__(self, connection: Connection, home: Content, prefix: str, name: str) -> None:
        self.connection, self.home, self.prefix = connection, home, prefix
        self.ids: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self.passwords: dict[str, str] = {}
        self.new: dict[str, list[str]] = {path: [] for path in MADE}
        self.title = f"{prefix}{name}"

    def answer(self, check: Check) -> bool | str:
        """The position that the server takes; NotTried where it cannot be told."""
        self._project("here", self.home.id)
        for line in check.world:
            self._do(line)
        for line, answers in check.asks:
            answer = self._asked(line)
            word, code = self._read(answer, check.reads), _code(answer)
            if answers is CODE and len(code) == 6:
                return code
            settled = next((answers[said] for said in (code, code[:3], word) if said in answers), None)
            if settled is not None:
                return settled
        if len(check.asks) > 1:
            raise NotTried("it is called by none of the names that were tried")
        raise NotTried(f"the answer ({code or word}) settles nothing")

    def remove(self) -> None:
        """Take everything away, projects with all in them first."""
        for path in MADE:
            for one in reversed(self.new[path]):
                gone(self.connection, f"{path}/{one}")

    # -- lines ------------------------------------------------------------------------------------------------

    def _do(self, line: str) -> None:
        words = line.split()
        match words:
            case ["user", name, role]:
                self._user(name, role)
            case ["group", *_]:
                self._group(line)
            case ["set", name, *groups]:
                self._created("groupsets", name.rstrip(":"), element("groupSet", name=self._called(name.rstrip(":"))))
                for group in groups:
                    at = f"groupsets/{self.ids[name.rstrip(':')]}/groups/{self.ids[group]}"
                    self.connection.call("PUT", at)
            case ["project", name, "in", parent]:
                self._project(name, None if parent == "top" else self.ids[parent])
            case ["rule", name, grantee, who, mode, *capabilities]:
                self._rules(f"{self._path(name)}/permissions", grantee, who, mode, capabilities)
            case ["default", name, kind, grantee, who, mode, *capabilities]:
                place = f"{self._path(name)}/default-permissions/{KINDS[kind].path.lower()}"
                self._rules(place, grantee, who, mode, capabilities)
            case ["bare", name, grantee, who]:
                place, mine = f"{self._path(name)}/permissions", Grantee(grantee, self.ids[who])
                now = rules_of(self.connection.call("GET", place))
                rules_changed(self.connection, place, frozenset(r for r in now if r.grantee == mine), frozenset())
            case ["another", "site"]:
                self._another_site()
            case [who, "signs", "in"]:
                with self._signed_in(who):
                    pass
            case _:
                answer = self._asked(line)
                if not _is_done(answer):
                    raise NotTried(f"the server refused to make its world ({_code(answer)}: {' '.join(words[:3])})")

    def _user(self, name: str, role: str) -> None:
        """A user with a password nobody else knows; on Tableau Cloud one whose name is an address of the reader's."""
        _, at, domain = self.connection.reader.name.partition("@")
        called = f"{self._called(name)}{at}{domain}"
        self._created("users", name, element("user", name=called, siteRole=role))
        self.ids[f"{name}_name"] = called
        password = f"{secrets.token_urlsafe(16)}aA1!"
        KNOWN.register(password)
        try:
            self.connection.call("PUT", f"users/{self.ids[name]}", body=element("user", password=password))
            self.passwords[name] = password
        except TableauError as error:
            log.debug("no password may be set here (%s)", error.code or error.status)

    def _group(self, line: str) -> None:
        head, _, members = line.removeprefix("group ").partition(":")
        name, _, role = head.rstrip(")").partition(" (")
        self._created("groups", name, element("group", name=self._called(name), minimumSiteRole=role or None))
        for user in members.split():
            self.connection.call("POST", f"groups/{self.ids[name]}/users", body=element("user", id=self.ids[user]))

    def _project(self, name: str, parent: str | None) -> None:
        """A project without any rule, for content too."""
        called = self._called(name) if parent in (None, self.home.id) else name
        self._created("projects", name, element("project", name=called, parentProjectId=parent))
        self.kinds[name] = "project"
        places = [f"default-permissions/{KINDS[kind].path.lower()}" for kind in ("workbook", "datasource", "flow")]
        for place in ("permissions", *(p for p in places if self._has(p))):
            at = f"{self._path(name)}/{place}"
            now = rules_of(self.connection.call("GET", at))
            own = frozenset(rule for rule in now if rule.capability != "InheritedProjectLeader")
            rules_changed(self.connection, at, own, frozenset())

    def _another_site(self) -> None:
        listed = self.connection.call("GET", "/sites")
        sites = listed.findall(".//site") if listed is not None else []
        others = [site.get("id", "") for site in sites if site.get("id") != self.connection.site_id]
        if not others:
            raise NotTried("it takes a second site that this token may list")
        self.ids["other"] = others[0]

    def _has(self, place: str) -> bool:
        return any(
            place.endswith(KINDS[kind].path.lower()) and self.connection.supports(since)
            for kind, since in DEFAULTS_SINCE.items()
        )

    def _rules(self, place: str, grantee: str, who: str, mode: str, capabilities: list[str]) -> None:
        rules = frozenset(Rule(Grantee(grantee, self.ids[who]), capability, mode) for capability in capabilities)
        rules_changed(self.connection, place, frozenset(), rules)

    def _created(self, path: str, name: str, body: Element) -> None:
        answer = self.connection.call("POST", path, body=body)
        new = answer.find(f".//{body.tag}") if answer is not None else None
        self.ids[name] = new.get("id", "") if new is not None else ""
        if not self.ids[name]:
            raise NotTried(f"the server named no {body.tag} that it made")
        self.new[path].append(self.ids[name])

    def _called(self, name: str) -> str:
        return self.title if name == "here" else f"{self.title}-{name}"

    def _path(self, name: str) -> str:
        return f"{KINDS[self.kinds[name]].path}/{self.ids[name]}"

    # -- asking -----------------------------------------------------------------------------------------------

    def _asked(self, line: str) -> Answer:
        """The answer to a line, asked by whoever it begins with, or whoever reads."""
        first, _, rest = line.partition(" ")
        who, rest = (first, rest) if first in self.ids else ("", line)
        if rest.startswith("publishes "):
            request = self._publishing(rest.split()[1:])
        else:
            method, target, *body = Template(rest).safe_substitute(self._quoted(rest)).split(" ", 2)
            json_body = target.startswith("/vizql")
            content = body[0].encode() if json_body else wire.request_body(fromstring(body[0])) if body else None
            kind = "application/json" if json_body else "text/xml" if body else ""
            request = Request(method, self.connection.target(target), content, kind, "v1" if json_body else "")
        answer = self._sent(who, request)
        if rest.startswith("publishes "):
            self._published(rest.split()[1:3], answer)
        return answer

    def _quoted(self, line: str) -> Mapping[str, str]:
        """The ids, and the names as an XML attribute holds them."""
        return {name: quoteattr(value)[1:-1] if "<" in line else value for name, value in self.ids.items()}

    def _sent(self, who: str, request: Request) -> Answer:
        if not who:
            return self.connection.run(self.connection.send(request))
        with self._signed_in(who) as own:
            return own.run(own.send(request))

    @contextmanager
    def _signed_in(self, who: str) -> Iterator[Connection]:
        """A session of somebody of the world; by his password where that is taken."""
        with ExitStack() as session:
            try:
                own = session.enter_context(connect(self._as(who)))
            except TableauError as error:
                if error.status != 401 or self.passwords.pop(who, None) is None:
                    raise
                own = session.enter_context(connect(self._as(who)))
            yield own

    def _as(self, who: str) -> SignIn:
        """How somebody of the world signs in: by our app, his password, or in his place as a server administrator."""
        options = self.connection.options
        if isinstance(options.auth, Jwt):
            return replace(options, auth=replace(options.auth, user=self.ids[f"{who}_name"]))
        if who in self.passwords:
            return replace(options, auth=Password(self.ids[f"{who}_name"], self.passwords[who]), as_user=None)
        if self.connection.reader.site_role != "ServerAdministrator":
            raise NotTried(
                "nobody may sign in as the people of the check; use a connected app, or be a server administrator"
            )
        return replace(options, as_user=self.ids[who])

    def _read(self, answer: Answer, reads: str) -> str:
        """`yes`, `no`, or the value that `reads` names; '' where it is neither given nor refused to somebody."""
        if not _is_done(answer):
            return "no" if answer.status in (403, 404, 409) else ""
        root = wire.parse(answer.body) if answer.body and reads else None
        path, _, attribute = Template(reads).safe_substitute(self.ids).partition("/@")
        one = root.find(path) if root is not None else None
        if attribute:
            return one.get(attribute, "") if one is not None else ""
        return "yes" if not reads or one is not None else "no"

    # -- publishing -------------------------------------------------------------------------------------------

    def _publishing(self, words: list[str]) -> Request:
        """`workbook w in q [on d]`: a new one, or over the one that was made before."""
        kind, name, _, project, *on = words
        if kind == "customview":
            payload = element(
                "customView", element("workbook", id=self.ids[project]), name=self._called(name), shared="false"
            )
            content, content_type = wire.multipart_body(payload, {"tableau_customview": Part("check.json", b"{}")})
            return Request("POST", self.connection.target("customviews"), content, content_type)
        source = self.ids[f"{on[1]}_url"] if on else ""
        attributes = {"name": name, "showTabs": "false"} if kind == "workbook" else {"name": name}
        payload = element(kind, element("project", id=self.ids[project]), **attributes)
        parts = {f"tableau_{kind}": Part(*_FILES[kind](source))}
        content, content_type = wire.multipart_body(payload, parts)
        target = self.connection.target(wire.with_query(KINDS[kind].path, {"overwrite": "true"}))
        return Request("POST", target, content, content_type)

    def _published(self, words: list[str], answer: Answer) -> None:
        root = wire.parse(answer.body) if _is_done(answer) else None
        new = root.find(f".//{words[0]}") if root is not None else None
        if new is None:
            return
        kind, name = words
        self.ids[name], self.kinds[name] = new.get("id", ""), kind
        self.ids[f"{name}_url"] = new.get("contentUrl", "")
        if kind == "workbook":
            listed = self.connection.call("GET", f"workbooks/{self.ids[name]}/views")
            view = listed.find(".//view") if listed is not None else None
            if view is not None:
                self.ids[f"{name}_view"], self.kinds[f"{name}_view"] = view.get("id", ""), "view"


def _is_done(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _code(answer: Answer) -> str:
    """The six digits of a refusal, as REST and the services that speak JSON tell them; '' of what was done."""
    if _is_done(answer):
        return ""
    code = wire.error_in(wire.parse(answer.body) if answer.body else None).code
    if not code:
        with suppress(ValueError, KeyError, TypeError):
            code = str(json.loads(answer.body)["errorCode"])
    return code if code.isdecimal() and len(code) == 6 else str(answer.status)


# -- the smallest files that can be published -----------------------------------------------------------------

_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_INLINE = '<datasource inline="true" name="rows" version="18.1"><connection class="{}" dbname="{}"/></datasource>'
_WORKBOOK = (
    '<workbook version="18.1"><datasources>{}</datasources><worksheets><worksheet name="One"><table><view/><style/>'
    '</table></worksheet></worksheets><windows><window class="worksheet" name="One"/></windows></workbook>'
)


def _workbook(source: str) -> tuple[str, bytes]:
    """One sheet, which stands on a published data source where one is named by its content URL."""
    sources = _INLINE.format("sqlproxy", source) if source else ""
    return "check.twb", (_HEAD + _WORKBOOK.format(sources)).encode()


def _datasource(_source: str) -> tuple[str, bytes]:
    text = '<datasource inline="true" version="18.1"><connection class="postgres" server="localhost"/></datasource>'
    return "check.tds", (_HEAD + text).encode()


def _flow(_source: str) -> tuple[str, bytes]:
    with io.BytesIO() as packed:
        with zipfile.ZipFile(packed, "w") as package:
            package.writestr("flow", json.dumps({"nodes": {}, "initialNodes": [], "connections": {}}))
        return "check.tfl", packed.getvalue()


_FILES = {"workbook": _workbook, "datasource": _datasource, "flow": _flow}
