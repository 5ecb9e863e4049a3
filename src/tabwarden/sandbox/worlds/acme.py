"""The generated world acme: 3 sites, about 480 people, 60 groups, 1,200 items, and the mistakes real sites have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from tabwarden.model.roles import licence_of
from tabwarden.sandbox.directories.directory import DirectoryText, DomainText, GroupEntryText, PersonText
from tabwarden.sandbox.worlds.file import (
    AppText,
    ConnectionText,
    GroupSetText,
    GroupText,
    ItemText,
    ProjectText,
    RuleText,
    SettingsText,
    SiteText,
    TokenText,
    UserText,
    UseText,
    ViewText,
    WorldText,
)

FIRST = tuple(
    "Amir Anna Arjun Astrid Beatriz Ben Carla Chen Chloe Dana David Diego Elena Emil Fatima Felix Freya Gita Grace"
    " Hana Hugo Ida Imran Ines Ivan Jana Jonas Julia Kenji Lara Leo Lina Lukas Maja Marco Maria Mateo Mei Mila Nadia"
    " Nils Noor Olga Omar Paul Petra Priya Rafael Rosa Sami Sara Sofia Stefan Tara Theo Tom Vera Viktor Yara"
    " Zoe".split()
)
LAST = tuple(
    "Adler Ahmed Almeida Bauer Becker Bell Berger Blanc Bosch Braun Castro Chan Conti Costa Dahl Diaz Eriksen Farah"
    " Fischer Fontaine Garcia Gruber Haas Hansen Ito Jensen Kaya Keller Khan Kim Klein Kovacs Kumar Lang Larsen Lopez"
    " Maier Marino Martin Meyer Moreau Mueller Nagy Novak Okafor Olsen Park Patel Peeters Pereira Popov Ricci Rossi"
    " Santos Sato Schmidt Silva Singh Sousa Tanaka Torres Vogel Wagner Weber Wolf Wong Yilmaz Zhang".split()
)
DEPARTMENTS = tuple("Engineering Finance HR Legal Marketing Operations Procurement Research Sales Support".split())
TOPICS = tuple(
    "Budget Campaigns Capacity Churn Compliance Contracts Costs Deliveries Energy Forecast Headcount Incidents"
    " Inventory Margins Orders Pipeline Pricing Quality Regions Releases Revenue Satisfaction Suppliers Tickets"
    " Travel".split()
)
MANNERS = ("Overview", "Monthly", "Quarterly", "Details", "Trends", "Scorecard", "Monitor", "Deep Dive", "Summary")
VIEWS = ("Summary", "By Region", "By Month", "Top 20", "Map", "Details", "Forecast", "Notes")


HOME, EAST = "corp.acme.example", "east.corp.acme.example"
TEAMS = ("Analysts", "Controllers", "Planners")
_EVERY = 3


def acme_directory() -> DirectoryText:
    """24 people in teams of eight, one of them disabled; a second domain whose NetBIOS name is not its first label."""
    pairs = list(zip(FIRST[::_EVERY], reversed(LAST[::_EVERY]), strict=False))[:24]
    names = [f"{first[0]}{last}".lower() for first, last in pairs]
    people = {
        name: PersonText(
            upn=f"{first}.{last}@{HOME}".lower(),
            display_name=f"{first} {last}",
            email=f"{first}.{last}@acme.example".lower(),
            enabled=name != names[-1],
        )
        for name, (first, last) in zip(names, pairs, strict=True)
    }
    teams = {team: GroupEntryText(members=tuple(names[n :: len(TEAMS)])) for n, team in enumerate(TEAMS)}
    everybody = GroupEntryText(members=(*TEAMS, f"{EAST}\\Eastern Staff"))
    # Somebody with the display name of a colleague in the other domain.
    twin = PersonText(display_name=people[names[0]].display_name)
    east = DomainText(
        netbios="ORIENT",
        users={names[0]: twin, "ykim": PersonText(display_name="Yara Kim")},
        groups={"Eastern Staff": GroupEntryText(members=(names[0], "ykim"))},
    )
    home = DomainText(netbios="ACME", users=people, groups={**teams, "BI Everybody": everybody})
    return DirectoryText(domains={HOME: home, EAST: east})


ADMIN = "admin"
TOKEN_NAME, TOKEN_SECRET = "tabwarden", "acme-demo-secret"
DOMAIN = "acme.example"
VIEWERS = "Tableau Viewers"
LEAVERS = "Leavers 2024"
EVERYBODY = "All Users"
# People per site and item counts; together about 480 people and exactly 1,200 items.
_ROLES = ("Creator", "ExplorerCanPublish", "Explorer", "Viewer", "Unlicensed")
_WEIGHTS = (10, 18, 24, 40, 8)
# Seats left free on a site that tells its seats.
_SPARE = {"Creator": 6, "Explorer": 15, "Viewer": 25}


def acme(seed: int = 0) -> WorldText:
    """The world for a seed."""
    random = Random(f"acme {seed}")
    people = _people(random, 480)
    head, branch = people[:400], people[380:460]
    sites = (
        Maker(random, "Acme", "acme", head, DEPARTMENTS, 900).with_mistakes().site(_SPARE),
        Maker(random, "Acme Europe", "acme-europe", branch, DEPARTMENTS[:3], 240).site(
            _SPARE, SettingsText(admin_mode="ContentOnly")
        ),
        Maker(random, "Acme Lab", "acme-lab", people[440:], ("Research",), 60).site(
            None, SettingsText(user_visibility="LIMITED")
        ),
    )
    return WorldText(
        world="acme",
        about=f"generated from seed {seed}; every password is the user name; {ADMIN} has the token {TOKEN_NAME}",
        tokens=(TokenText(name=TOKEN_NAME, secret=TOKEN_SECRET, user=ADMIN),),
        apps=(
            AppText(
                client_id="0ac3e000-0000-4000-8000-000000000001",
                secret_id="0ac3e000-0000-4000-8000-000000000002",
                secret="acme-connected-app-secret-of-32-bytes",
            ),
        ),
        directory=acme_directory(),
        sites=sites,
    )


def _people(random: Random, number: int) -> list[tuple[str, str]]:
    """Pairs of user name and full name; every pair once."""
    pairs = [(first, last) for first in FIRST for last in LAST]
    chosen = random.sample(pairs, number)
    return [(f"{first}.{last}@{DOMAIN}".lower(), f"{first} {last}") for first, last in chosen]


@dataclass
class Maker:
    """Makes one site: people into departments, groups per department, projects, then items until there are enough."""

    random: Random
    name: str
    url: str
    people: Sequence[tuple[str, str]]
    departments: Sequence[str]
    size: int
    users: dict[str, UserText] = field(default_factory=dict)
    groups: dict[str, GroupText] = field(default_factory=dict)
    projects: dict[str, ProjectText] = field(default_factory=dict)
    content: dict[str, ItemText | tuple[ItemText, ...]] = field(default_factory=dict)
    staff: dict[str, list[str]] = field(default_factory=dict)
    items: int = 0

    def __post_init__(self) -> None:
        self._make_people()
        self._make_groups()
        self._make_projects()

    def site(self, spare: Mapping[str, int] | None, settings: SettingsText | None = None) -> SiteText:
        """The site, filled up to its size, with so many spare seats; None for a site that does not tell."""
        self._make_items()
        sets = {}
        if "Finance" in self.departments:
            sets["Finance Publishers Abroad"] = GroupSetText(groups=("Finance Publishers", "Contractors"))
        return SiteText(
            name=self.name,
            content_url=self.url,
            settings=settings or SettingsText(),
            licences=self._seats(spare) if spare is not None else None,
            users=self.users,
            groups=self.groups,
            group_sets=sets,
            projects=self.projects,
            content=self.content,
        )

    def _seats(self, spare: Mapping[str, int]) -> dict[str, int]:
        taken = Counter(licence_of(user.role) for user in self.users.values())
        return {tier: taken[tier] + free for tier, free in spare.items()}

    # -- people -----------------------------------------------------------------------------------------------

    def _make_people(self) -> None:
        self.users[ADMIN] = UserText(role="ServerAdministrator", full_name="Acme Administrator")
        for number, (name, full_name) in enumerate(self.people):
            role = self.random.choices(_ROLES, _WEIGHTS)[0]
            if number < 2:
                role = ("SiteAdministratorCreator", "SiteAdministratorExplorer")[number]
            signed_in = role != "Unlicensed" and self.random.random() < 0.9
            self.users[name] = UserText(
                role=role,
                full_name=full_name,
                email=name,
                last_login=self._moment(2025) if signed_in else None,
            )
            self.staff.setdefault(self.departments[number % len(self.departments)], []).append(name)

    def _moment(self, year: int) -> str:
        month, day, hour = self.random.randint(1, 12), self.random.randint(1, 28), self.random.randint(6, 19)
        return f"{year}-{month:02}-{day:02}T{hour:02}:{self.random.randint(0, 59):02}:00Z"

    def _with_role(self, names: Iterable[str], *roles: str) -> list[str]:
        return [name for name in names if self.users[name].role in roles]

    def _publishers(self, department: str) -> list[str]:
        return self._with_role(self.staff[department], "Creator", "ExplorerCanPublish") or [ADMIN]

    def _make_groups(self) -> None:
        for department in self.departments:
            staff, publishers = self.staff[department], self._publishers(department)
            self.groups[department] = GroupText(members=tuple(staff))
            self.groups[f"{department} Publishers"] = GroupText(members=tuple(publishers))
            self.groups[f"{department} Leads"] = GroupText(members=tuple(publishers[:2]))
        viewers = self._with_role(self.users, "Viewer")
        self.groups[VIEWERS] = GroupText(members=tuple(viewers), minimum_site_role="Viewer", grant_on="onLogin")
        if len(self.departments) > 1:
            for name, share in (("Contractors", 0.06), ("Auditors", 0.02), ("Executives", 0.02)):
                number = max(2, int(share * len(self.people)))
                self.groups[name] = GroupText(members=tuple(self.random.sample(sorted(self.users), number)))
            self.groups["Project Phoenix (old)"] = GroupText()
        if len(self.departments) == len(DEPARTMENTS):
            for name in ("Berlin", "Lisbon", "Remote"):
                self.groups[name] = GroupText(members=tuple(self.random.sample(sorted(self.users), 40)))

    # -- projects ---------------------------------------------------------------------------------------------

    def _make_projects(self) -> None:
        view_all = (RuleText(group=EVERYBODY, template="View"),)
        self.projects["Default"] = ProjectText(
            owner=ADMIN,
            rules=view_all,
            defaults={"workbook": view_all, "datasource": view_all},
        )
        for department in self.departments:
            owner = self._publishers(department)[0]
            for path, mode in (
                (department, "ManagedByOwner"),
                (f"{department}/Published", "LockedToProject"),
                (f"{department}/Published/Archive", None),
                (f"{department}/Drafts", "ManagedByOwner"),
            ):
                rules, defaults = self._house_rules(department)
                own = mode is not None
                self.projects[path] = ProjectText.model_validate(
                    {
                        "owner": owner,
                        "mode": mode,
                        "rules": rules if own else None,
                        "defaults": defaults if own else None,
                    }
                )

    def _house_rules(self, department: str) -> tuple[tuple[RuleText, ...], dict[str, tuple[RuleText, ...]]]:
        read = RuleText(group=department, template="View")
        publish = RuleText(group=f"{department} Publishers", template="Publish")
        rules = (read, publish, RuleText(group=f"{department} Leads", leader=True))
        explore = RuleText(group=department, template="Explore")
        return rules, {
            "workbook": (explore, publish),
            "datasource": (read, publish),
            "flow": (read, publish),
        }

    # -- items ------------------------------------------------------------------------------------------------

    def _make_items(self) -> None:
        sources = max(4, self.size // 12)
        places = [path for path in self.projects if path != "Default"]
        items_by_department: dict[str, list[str]] = {}
        for number in range(sources):
            department = self.departments[number % len(self.departments)]
            path = self._free(f"{department}/Published", "Data")
            owner = self.random.choice(self._publishers(department))
            server = f"{department.casefold().replace(' ', '-')}.db.example.com"
            source = ItemText(
                kind="datasource",
                owner=owner,
                tags=("published",),
                certified=number % 3 == 0,
                certification_note="checked by its owner" if number % 3 == 0 else "",
                connections=(ConnectionText(kind="postgres", server=server, user="etl", embedded=True),),
            )
            self._put(path, source)
            items_by_department.setdefault(department, []).append(path)
        for number in range(max(1, self.size // 60)):
            department = self.departments[number % len(self.departments)]
            flow = ItemText(kind="flow", owner=self.random.choice(self._publishers(department)))
            self._put(self._free(f"{department}/Drafts", "Flow"), flow)
        while self._room() > 0:
            self._workbook(self.random.choice(places), items_by_department)

    def _room(self) -> int:
        return self.size - len(self.projects) - self.items

    def _workbook(self, place: str, sources: dict[str, list[str]]) -> None:
        department = place.partition("/")[0]
        number = min(self.random.randint(1, 5), self._room() - 1)
        uses: tuple[UseText, ...] = ()
        if sources.get(department) and self.random.random() < 0.6:
            auth = "prompt" if self.random.random() < 0.2 else "embed"
            uses = (UseText.model_validate({"datasource": self.random.choice(sources[department]), "auth": auth}),)
        moment = self._moment(2025)
        workbook = ItemText(
            kind="workbook",
            owner=self.random.choice(self._publishers(department)),
            tabs=self.random.random() < 0.7,
            views=tuple(ViewText(name=name) for name in VIEWS[:number]),
            uses=uses,
            created=self._moment(2024),
            updated=moment,
        )
        self._put(self._free(place), workbook)

    def _free(self, place: str, suffix: str = "") -> str:
        """A path in a project that nothing has yet."""
        while True:
            words = [self.random.choice(TOPICS), suffix or self.random.choice(MANNERS)]
            path = f"{place}/{' '.join(words)}"
            for number in range(2, 60):
                if path not in self.content:
                    return path
                path = f"{place}/{' '.join((*words, str(number)))}"

    def _put(self, path: str, item: ItemText) -> None:
        self.content[path] = item
        self.items += 1 + len(item.views)

    # -- what real sites get wrong ----------------------------------------------------------------------------

    def with_mistakes(self) -> Maker:
        """Add the mistakes that a check should find."""
        self._open_salaries()
        self._leavers_with_licences()
        self._leaders_who_only_view()
        self._tabs_that_contradict()
        self._owners_without_licence()
        self._denied_to_all()
        return self

    def _open_salaries(self) -> None:
        """HR salaries that everybody may see, because the copied All Users rule was never removed."""
        everybody = RuleText(group=EVERYBODY, template="View")
        rules, defaults = self._house_rules("HR")
        opened = {**defaults, "workbook": (*defaults["workbook"], everybody)}
        owner = self._publishers("HR")[0]
        self.projects["HR/Salaries"] = ProjectText(owner=owner, rules=(*rules, everybody), defaults=opened)
        for name in ("Salary Bands", "Bonus Round"):
            views = (ViewText(name="By Grade"), ViewText(name="By Person"))
            self._put(f"HR/Salaries/{name}", ItemText(kind="workbook", owner=owner, views=views))

    def _leavers_with_licences(self) -> None:
        """People who left a year ago, still licensed."""
        licensed = self._with_role(self.users, "Creator", "ExplorerCanPublish", "Explorer", "Viewer")
        gone = self.random.sample(licensed, 15)
        for name in gone:
            self.users[name] = self.users[name].model_copy(update={"last_login": self._moment(2024)})
        self.groups[LEAVERS] = GroupText(members=tuple(gone))

    def _leaders_who_only_view(self) -> None:
        """Project leaders whose site role lets them only look."""
        viewer = self._with_role(self.staff["Marketing"], "Viewer")[0]
        for path, leader in (
            ("Marketing/Drafts", RuleText(user=viewer, leader=True)),
            ("Support", RuleText(group=VIEWERS, leader=True)),
        ):
            project = self.projects[path]
            self.projects[path] = project.model_copy(update={"rules": (*(project.rules or ()), leader)})

    def _tabs_that_contradict(self) -> None:
        """Hidden tabs: the workbook opens to all and no view does, or the other way round."""
        owner = self._publishers("Sales")[0]
        closed = tuple(ViewText(name=name, rules=()) for name in VIEWS[:4])
        everybody = (RuleText(group=EVERYBODY, template="View"),)
        shut = ItemText(kind="workbook", owner=owner, tabs=False, views=closed, rules=everybody)
        self._put("Sales/Drafts/Pipeline for Everyone", shut)
        opened = (ViewText(name="Summary", rules=everybody), ViewText(name="Details", rules=()))
        denied = (RuleText(group="Contractors", deny=("Read", "ExportData")),)
        leaky = ItemText(kind="workbook", owner=owner, tabs=False, views=opened, rules=denied)
        self._put("Sales/Drafts/Margins Internal", leaky)

    def _owners_without_licence(self) -> None:
        """Workbooks that belong to people who lost their licence."""
        unlicensed = self._with_role(self.users, "Unlicensed")
        for number, owner in enumerate(unlicensed[:6], start=1):
            views = (ViewText(name="Summary"),)
            self._put(f"Operations/Inherited {number}", ItemText(kind="workbook", owner=owner, views=views))

    def _denied_to_all(self) -> None:
        """A Deny on All Users that makes the Allow beside it worthless, and a user Allow that beats it."""
        owner = self._publishers("Legal")[0]
        friend = self._with_role(self.staff["Legal"], "Explorer", "Viewer")[0]
        rules = (
            RuleText(group=EVERYBODY, deny=("Read",)),
            RuleText(group="Legal", template="View"),
            RuleText(user=friend, template="View"),
        )
        views = (ViewText(name="Summary"),)
        contracts = ItemText(kind="workbook", owner=owner, views=views, rules=rules)
        self._put("Legal/Drafts/Contracts under Review", contracts)
