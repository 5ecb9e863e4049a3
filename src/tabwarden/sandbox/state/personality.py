"""Which Tableau the sandbox plays, as data: version, Server or Cloud, and an option for every believed answer.

Not how anything is answered; handlers ask these values. The marks of the options are those of the error table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tabwarden.model.errors import UnknownName
from tabwarden.model.open_points import DOCUMENTED, OpenPoints

SERVER, CLOUD = "server", "cloud"
PRODUCT_OF_API: Mapping[str, str] = {
    "2.8": "10.5.0",
    "3.0": "2018.1.0",
    "3.4": "2019.2.0",
    "3.11": "2021.1.0",
    "3.14": "2021.4.0",
    "3.15": "2022.1.0",
    "3.16": "2022.2.0",
    "3.17": "2022.3.0",
    "3.21": "2023.3.0",
    "3.22": "2024.2.0",
    "3.24": "2024.3.0",
    "3.27": "2025.3.0",
}
NEWEST = "3.27"


@dataclass(frozen=True, slots=True, kw_only=True)
class Personality:
    """One Tableau to play.

    `idle_seconds` is how long an unused token lives; `job_seconds` how long a job takes by the sandbox's clock.
    `opposite_rule` says what PUT does about a rule that exists in the opposite mode: refuse or ignore.
    `no_seat_on_add` says what adding a licensed user without a free seat does: unlicensed (silently) or refuse.
    `existing_user_add` is conflict (409017 always) or same-id (201 for an Unlicensed user added as Unlicensed, and
    400003 where the add would demote a member of a grant-on-sign-in group), as Cloud answered.
    `calls_per_hour` is how many requests one user may send to one site in an hour (0: any number) before 429000;
    `cap_tells_when` lets that answer carry Retry-After. `password_sign_in` takes a name and password; without it
    only personal access tokens and JWTs sign in. `codes` answers another code where the table's is only believed.
    `names_need_at` refuses a user name without `@`; `lists_sites` answers GET sites; `profile_writable` lets full
    name and password be changed; `shows_inherited_leaders` adds the read-only InheritedProjectLeader to answers.
    `open_points` are those of the permission model as this Tableau settles them.
    """

    kind: str = SERVER
    api_version: str = NEWEST
    idle_seconds: float = 240 * 60
    job_seconds: float = 0.0
    opposite_rule: str = "refuse"
    no_seat_on_add: str = "unlicensed"
    existing_user_add: str = "conflict"
    calls_per_hour: int = 0
    cap_tells_when: bool = True
    names_need_at: bool = False
    lists_sites: bool = True
    profile_writable: bool = True
    password_sign_in: bool = True
    shows_inherited_leaders: bool = True
    codes: Mapping[str, str] = field(default_factory=dict, hash=False)
    open_points: OpenPoints = DOCUMENTED

    @property
    def product_version(self) -> str:
        """The release that speaks this API version."""
        return PRODUCT_OF_API[self.api_version]

    @property
    def build(self) -> str:
        """A build number of the right shape."""
        year, release, _patch = self.product_version.split(".")
        number = f"{year}{release}" if len(year) == 4 else f"{year}{release}00"
        return f"{number}.25.1120.0000"

    def told(self, code: str) -> str:
        """The six digits answered for a code of the table."""
        usual = self.open_points.owner_removal_code if code == DOCUMENTED.owner_removal_code else code
        return self.codes.get(code, usual)

    def speaks(self, since: str) -> bool:
        """Whether this version knows what came with API version `since`."""
        return as_pair(since) <= as_pair(self.api_version)


PERSONALITIES: Mapping[str, Personality] = {
    SERVER: Personality(),
    CLOUD: Personality(
        kind=CLOUD,
        idle_seconds=120 * 60,
        existing_user_add="same-id",
        names_need_at=True,
        lists_sites=False,
        profile_writable=False,
        password_sign_in=False,
        calls_per_hour=40_000,
    ),
}


def personality(name: str = SERVER, api_version: str | None = None) -> Personality:
    """The personality of that name (server, cloud), at another API version when one is given."""
    if name not in PERSONALITIES:
        raise UnknownName(f"no personality `{name}`; there are {', '.join(PERSONALITIES)}")
    if api_version is None:
        return PERSONALITIES[name]
    if api_version not in PRODUCT_OF_API:
        raise UnknownName(f"no API version `{api_version}`; the sandbox plays {', '.join(PRODUCT_OF_API)}")
    return replace(PERSONALITIES[name], api_version=api_version)


def as_pair(version: str) -> tuple[int, int]:
    """`3.4` as numbers, so that 3.11 comes after 3.4."""
    major, _dot, minor = version.partition(".")
    return int(major), int(minor)
