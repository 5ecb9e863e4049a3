"""Pictures: what is drawn is as large as it says, and its table says the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabwarden.web.pictures import (
    Tile,
    before_and_after,
    columns_of_use,
    fitted,
    fitted_path,
    matrix,
    shade,
    squarified,
    tree_map,
)

SIZES = st.lists(st.integers(1, 10_000), max_size=40)


@given(SIZES, st.integers(50, 2000), st.integers(50, 2000))
def test_a_tree_map_fills_its_area_by_size(sizes: list[int], width: int, height: int) -> None:
    falling = sorted(sizes, reverse=True)
    areas = list(squarified(falling, (0, 0, width, height)))
    assert len(areas) == len(sizes)
    for size, (x, y, wide, high) in zip(falling, areas, strict=True):
        assert wide * high == pytest.approx(size / sum(sizes) * width * height, rel=1e-6)
        assert x >= -1e-6
        assert y >= -1e-6
        assert x + wide <= width * (1 + 1e-9) + 1e-6
        assert y + high <= height * (1 + 1e-9) + 1e-6
    overlap = sum(_common(one, other) for n, one in enumerate(areas) for other in areas[:n])
    assert overlap < width * height * 1e-6


def _common(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    sides = (min(one[n] + one[n + 2], other[n] + other[n + 2]) - max(one[n], other[n]) for n in (0, 1))
    wide, high = (max(0.0, side) for side in sides)
    return wide * high


def test_a_tile_says_its_share() -> None:
    picture = tree_map("Map", [Tile("Small", 1, 0, "/a"), Tile("Large", 9, 50, "/b"), Tile("Empty", 0, 3, "/c")], 100)
    assert [row[0] for row in picture.table.rows] == ["Large", "Small"]
    large = picture.shapes[0]
    assert large.lines == ("Large", "50% of people")
    assert (large.look, picture.shapes[1].look) == ("shade3", "none")
    assert "9 contents, 50 of 100 people" in large.whole


@pytest.mark.parametrize(("share", "look"), [(0, "none"), (0.01, "shade1"), (0.2, "shade2"), (1, "shade5")])
def test_shades_rise_with_the_share(share: float, look: str) -> None:
    assert shade(share) == look


def test_columns_tell_how_long_ago() -> None:
    times = ["2026-11-28", "2026-11-10T10:00:00Z", "2026-01-02", "2020-01-01", "", ""]
    picture = columns_of_use(times, "2026-11-29T00:00:00Z")
    assert dict(map(tuple, picture.table.rows)) == {  # type: ignore[arg-type]
        "week": 1,
        "month": 1,
        "quarter": 0,
        "year": 1,
        "longer ago": 1,
        "not seen": 2,
    }
    tallest = max(picture.shapes, key=lambda shape: shape.height)
    assert tallest.whole == "not seen: 2"


def test_bars_are_as_long_as_they_say() -> None:
    picture = before_and_after("Impact", [("Finance", 10, 5), ("Sales", 0, 20)])
    before, after, none, most = picture.shapes
    assert before.width == pytest.approx(2 * after.width, rel=0.01)
    assert most.width == pytest.approx(4 * after.width, rel=0.01)
    assert none.width == 1
    assert before_and_after("Nothing", []).shapes == []


def test_squares_of_a_matrix_are_shares_and_nobody_is_no_square() -> None:
    picture = matrix("Groups", [("Sales", 8), ("Empty", 0)], ["Finance", "Plans"], [[8, 2], [0, 0]])
    whole, quarter = picture.shapes
    assert whole.width == pytest.approx(2 * quarter.width)
    assert [list(row) for row in picture.table.rows] == [["Sales", 8, 8, 2], ["Empty", 0, 0, 0]]


@given(st.text(max_size=60), st.integers(0, 400))
def test_words_are_cut_to_their_room(words: str, width: int) -> None:
    assert len(fitted(words, width)) <= max(width / 6, 0)


def test_of_a_path_the_end_is_told() -> None:
    assert fitted_path("Finance", 100) == "Finance"
    assert fitted_path("Finance/Budget/Overview", 100).endswith("/Overview")
