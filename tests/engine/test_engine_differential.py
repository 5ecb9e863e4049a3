"""The engine against the reference: a million decisions on dense Sites, and every single Answer with its reason."""

from __future__ import annotations

import numpy as np
import pytest
from both_evaluators import cases, mismatches
from dense_sites import dense_site

from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.model.errors import UnknownName

PARTS, SITES = 4, 11


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_million_decisions_are_the_references(part: int) -> None:
    """Sites of 16 people and about 19 contents: each Site is asked for every capability under every model."""
    decisions = 0
    for case in cases(range(part * SITES, (part + 1) * SITES), users=16, items=16):
        compared, wrong = mismatches(case)
        decisions += compared
        assert not wrong, wrong[:3]
    assert decisions >= 1_000_000 / PARTS


@pytest.mark.parametrize("start", range(1000, 1024, 8))
def test_answers_have_the_references_reasons(start: int) -> None:
    for case in cases(range(start, start + 8), asked=8):
        _, wrong = mismatches(case, reasons=True)
        assert not wrong, wrong[:2]


def test_the_sites_are_not_one_sided() -> None:
    """Every verdict and reason there is turns up, or the comparison would prove little."""
    because = set()
    verdicts: dict[str, int] = {}
    for case in cases(range(24)):
        engine = Engine(columns_of(case.site), case.model, case.open_points)
        for user in case.site.users:
            for content in case.site.contents:
                for capability in (
                    "Read",
                    "AddComment",
                    "ChangePermissions",
                    *{"NotYetNamed"} & {*engine.capabilities},
                ):
                    answer = engine.check(user, capability, content)
                    because.add(answer.because)
                    verdicts[answer.verdict] = verdicts.get(answer.verdict, 0) + 1
    assert min(verdicts.values()) > 500, verdicts
    assert because >= {
        *"user_deny user_allow group_deny group_allow groupset_deny groupset_allow default_deny deny_rule".split(),
        *"admin project_owner project_leader content_owner locked_project not_read role_unknown".split(),
        *"not_applicable site_setting site_role".split(),
    }


def test_more_capabilities_than_the_narrow_mask_holds() -> None:
    """Names Tableau has not told yet widen the masks; the answers stay the same."""
    names = [f"OfTomorrow{n}" for n in range(12)]
    site = dense_site(5)
    book = next(c for c in site.contents.values() if c.kind != "project" and c.rules)
    first = next(iter(sorted(book.rules or ())))
    more = frozenset(first._replace(capability=name) for name in names) | (book.rules or frozenset())
    site = site.with_contents(type(book)(**{f: getattr(book, f) for f in book.__slots__} | {"rules": more}))
    case = next(cases(range(5, 6)))._replace(site=site, asked=("Read", "ChangePermissions", *names[:3], "Nobody"))
    assert len(Engine(columns_of(site)).capabilities) > 32
    _, wrong = mismatches(case, reasons=True)
    assert not wrong, wrong[:2]


@pytest.mark.parametrize("number", [-1, 7, 10**6])
def test_numbers_of_nobody_are_refused(number: int) -> None:
    engine = Engine(columns_of(dense_site(1)))
    for ask in (
        lambda: engine.what(number),
        lambda: engine.what_ids(number, "View"),
        lambda: engine.check_many(np.array([0, number]), "View", np.array([0, 0])),
        lambda: engine.what_if_member(number, 0, joins=True),
    ):
        with pytest.raises(UnknownName, match=f"no user has the number {number}: .* numbers from 0 to 6"):
            ask()
    with pytest.raises(UnknownName, match="no content has the number -1"):
        engine.who("View", -1)
    with pytest.raises(UnknownName, match="2 users are asked about 1 contents"):
        engine.check_many(np.array([0, 0]), "View", np.array([0]))
    with pytest.raises(UnknownName, match="whole numbers, not `float64`"):
        engine.check_many(np.array([0.5]), "View", np.array([0]))


def test_a_capability_is_called_by_any_of_its_names() -> None:
    engine = Engine(columns_of(dense_site(1)))
    for user in range(7):
        for name in ("View", "view", "Read"):
            assert engine.what_ids(user, name).tolist() == engine.what_ids(user, "Read").tolist()
    assert engine.check("u0", "View", "p0") == engine.check("u0", "Read", "p0")
    assert engine.mirror("View").ids(0).tolist() == engine.who_ids("Read", 0).tolist()
    with pytest.raises(UnknownName, match=r"no capability is called `Veiw`; near it: .*`Read`"):
        engine.what_ids(0, "Veiw")


def test_unknown_names_are_refused() -> None:
    engine = Engine(columns_of(dense_site(1)))
    with pytest.raises(UnknownName, match="no user has the id `nobody`"):
        engine.check("nobody", "Read", "p0")
    with pytest.raises(UnknownName, match=r"no content has the id `p00`, .* near it: `p0`"):
        engine.check("u0", "Read", "p00")
    with pytest.raises(UnknownName, match="no model is called `strict`"):
        Engine(columns_of(dense_site(1)), "strict").what(0)
