"""Small Sites with dense rules, by seed: every kind, role, lock, group set and unread fact, many at once. Not a test.

Unlike the Sites of `sites_of_chance` they need not be as a server keeps them: what a reader may meet is in them.
"""

from __future__ import annotations

from random import Random
from types import MappingProxyType

from tabwarden.model.capability import CAPABILITIES, KINDS
from tabwarden.model.roles import SITE_ROLES
from tabwarden.model.site import (
    ALL_USERS,
    CUSTOMIZABLE,
    LOCKED,
    LOCKED_WITHOUT_NESTED,
    Content,
    Grantee,
    Group,
    GroupSet,
    Rule,
    Rules,
    Site,
    User,
)
from tabwarden.model.site_settings import SiteSettings

ROLES = (*SITE_ROLES, "Interactor", "RoleOfTomorrow")
ASKED = (*CAPABILITIES, "NotYetNamed", "NobodyNamesIt")
PLAIN_KINDS = tuple(kind for kind in KINDS if kind not in ("project", "view", "table"))
LOST = "lost"  # an id that was not read
UNREAD_SHARES = (0.0, 0.0, 0.08, 0.25)


def dense_site(seed: int, *, unread: float = 0.0, users: int = 7, items: int = 9) -> Site:
    """A Site of that seed; `unread` is the share of facts that were not read."""
    return _Dice(seed, unread, users).site(items)


class _Dice:
    def __init__(self, seed: int, unread: float, users: int) -> None:
        self.random, self.unread = Random(seed), unread
        self.users = [f"u{n}" for n in range(users)]
        self.groups = [f"g{n}" for n in range(self.random.randint(1, 4))]
        self.sets = [f"s{n}" for n in range(self.random.randint(0, 3))]

    def lost(self) -> bool:
        return self.random.random() < self.unread

    def some(self, of: list[str], most: int) -> frozenset[str]:
        return frozenset(self.random.sample(of, self.random.randint(0, min(most, len(of)))))

    def site(self, items: int) -> Site:
        dice = self.random
        # Few roles hide nothing: a site of Viewers would answer No to almost everything.
        roles = [dice.choice(("Creator", "ExplorerCanPublish", "Explorer", "Viewer", *ROLES)) for _ in self.users]
        people = {u: User(u, u, role) for u, role in zip(self.users, roles, strict=True)}
        groups = {g: Group(g, g, members=None if self.lost() else self.members()) for g in self.groups}
        if dice.random() < 0.9:
            groups[ALL_USERS] = Group(ALL_USERS, ALL_USERS, everyone=True)
        within = [*self.groups, *([ALL_USERS] if dice.random() < 0.2 else ()), *([LOST] if self.lost() else ())]
        sets = {s: GroupSet(s, s, self.some(within, 3)) for s in self.sets}
        settings = SiteSettings(
            web_authoring=dice.random() < 0.8,
            commenting=dice.random() < 0.8,
            explain_data=dice.random() < 0.8,
            group_sets=dice.random() < 0.8,
            vizql_data_service=dice.random() < 0.8,
            user_visibility=dice.choice(("FULL", "FULL", "LIMITED")),
        )
        contents = self.contents(items)
        return Site(users=people, groups=groups, group_sets=sets, contents=contents, settings=settings)

    def members(self) -> frozenset[str]:
        return self.some(self.users, len(self.users)) | (frozenset({LOST}) if self.lost() else frozenset())

    def contents(self, items: int) -> dict[str, Content]:
        dice, made = self.random, dict[str, Content]()
        for n in range(dice.randint(1, 5)):
            parent = dice.choice([None, *made]) if made else None
            parent = LOST if self.lost() and dice.random() < 0.4 else parent
            self.add(made, f"p{n}", "project", parent, mode=self.mode(), defaults=self.defaults())
        projects = [*made]
        for n in range(items):
            kind = dice.choice(("workbook", "view", "view", "table", *PLAIN_KINDS))
            books = [c.id for c in made.values() if c.kind == "workbook"]
            bases = [c.id for c in made.values() if c.kind == "database"]
            above = {"view": books, "table": bases}.get(kind, projects)
            if not above:
                kind, above = ("workbook", projects) if kind == "view" else ("database", projects)
            parent = LOST if self.lost() and dice.random() < 0.4 else dice.choice(above)
            parent = None if above is projects and dice.random() < 0.15 else parent  # in a Personal Space
            mode = dice.choice(("LockedToDatabase", CUSTOMIZABLE)) if kind == "database" else CUSTOMIZABLE
            self.add(made, f"c{n}", kind, parent, mode=mode, defaults=self.defaults() if kind == "database" else {})
        return made

    def add(self, made: dict[str, Content], name: str, kind: str, parent: str | None, **more: object) -> None:
        owner = LOST if self.random.random() < 0.05 else self.random.choice(self.users)
        rules = None if self.lost() else self.rules(leaders=kind == "project")
        if not more.get("defaults"):
            more["defaults"] = MappingProxyType({})
        fields = {"rules": rules, "tabs": self.random.random() < 0.5, **more}
        made[name] = Content(name, kind, name, parent, owner, **fields)  # type: ignore[arg-type]

    def mode(self) -> str:
        return self.random.choice((LOCKED, LOCKED, LOCKED_WITHOUT_NESTED, CUSTOMIZABLE, CUSTOMIZABLE))

    def defaults(self) -> MappingProxyType[str, Rules | None]:
        kinds = [kind for kind in KINDS if kind != "view" and self.random.random() < 0.6]
        return MappingProxyType({kind: None if self.lost() else self.rules() for kind in kinds})

    def rules(self, *, leaders: bool = False) -> Rules:
        dice = self.random
        grantees = [Grantee("user", u) for u in (*self.users[:4], *([LOST] if self.lost() else ()))]
        grantees += [Grantee("group", g) for g in (*self.groups, ALL_USERS, *([LOST] if self.lost() else ()))]
        grantees += [Grantee("groupSet", s) for s in (*self.sets, *([LOST] if self.lost() else ()))]
        found: list[Rule] = []
        for grantee in dice.sample(grantees, dice.randint(0, min(6, len(grantees)))):
            share = dice.choice((0.1, 0.5, 0.9))
            for capability in (*CAPABILITIES, "NotYetNamed"):
                if capability.endswith("Leader") and not (leaders and dice.random() < 0.4):
                    continue
                if dice.random() < share:
                    mode = dice.choice(("Allow", "Allow", "Deny"))
                    found.append(Rule(grantee, capability, mode))
                    if dice.random() < 0.03:
                        found.append(Rule(grantee, capability, "Deny" if mode == "Allow" else "Allow"))
        return frozenset(found)
