"""Bugs planted in the reader of the repository: each makes another Site of the same database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dense_worlds import dense_world
from patched_modules import SOURCE, Patch, fresh, planted, source_with
from workgroups import Workgroup, workgroup

from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import Site
from tabwarden.tableau.repository.connecting import RepositoryOptions
from tabwarden.tableau.repository.read import read_all

MODULES = tuple(
    f"tableau.repository.{path.stem}" for path in sorted((SOURCE / "tableau" / "repository").glob("[a-z]*.py"))
)
# As on a real server: numbers of system users that are not those of users, a column that was given up, stale things.
AS_REAL = (
    "update system_users set id = id + 1000",
    "update users set system_user_id = system_user_id + 1000",
    "update workbooks set project_id = (select min(id) from projects)",
    "update workbooks set is_deleted = true where id = (select min(id) from workbooks)",
    "update workbooks set is_private = true where id = (select max(id) - 1 from workbooks)",
    "update projects set state = 'pending_delete' where id = (select min(id) from projects where site_id = 9)",
    "update next_gen_permissions set permission = 9 where id % 499 = 0",
)


@pytest.fixture(scope="module")
def dense(postgres: Any) -> Iterator[Workgroup]:
    with workgroup(postgres.admin, dense_world(8, 12)) as made:
        made.run(*AS_REAL)
        yield made


def told(reads: Callable[[RepositoryOptions], Iterator[Site]], made: Workgroup) -> list[tuple[Any, ...]]:
    """What matters of every site; a mistake that ends the read is seen as well."""
    try:
        return [(s.users, s.groups, s.group_sets, s.contents) for s in reads(made.options)]
    except TabwardenError as error:
        return [(str(error),)]


def with_bug(bug: Patch) -> Callable[[RepositoryOptions], Iterator[Site]]:
    module = bug.file.removesuffix(".py").replace("/", ".")
    with fresh(MODULES, {module: source_with(bug)}) as load:
        reads: Callable[[RepositoryOptions], Iterator[Site]] = load("tableau.repository.read").read_all
        return reads


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in planted("repository")])
def test_a_bug_in_the_reader_is_seen(dense: Workgroup, bug: Patch) -> None:
    assert told(with_bug(bug), dense) != told(read_all, dense)


def test_without_a_bug_nothing_is_seen(dense: Workgroup) -> None:
    line = "from __future__ import annotations"
    nothing = with_bug(Patch("nothing", "tableau/repository/codes.py", line, line))
    assert nothing is not read_all
    assert told(nothing, dense) == told(read_all, dense)
