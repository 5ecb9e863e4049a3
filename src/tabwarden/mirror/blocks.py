"""A mirror worked out in blocks of contents, each by itself, and what came of them as one.

A block holds its own contents and all that hold them, so that what hangs where is told inside of it; people, groups
and rule lists are the same for all blocks. What comes of the blocks together is what `visible` says of the whole site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import NONE, Array, Columns, Contents, Defaults
from tabwarden.mirror.part import with_parents
from tabwarden.mirror.visible import Entering, Placed, seen_by


class Block(NamedTuple):
    """Contents (numbers, rising), which of them are the block's own, which are mirrored at all, and their columns."""

    content: Array
    own: Array
    chosen: Array
    columns: Contents


def blocks(columns: Columns, chosen: Array, only: Array | None, most: int) -> list[Block]:
    """The contents that are asked about, `most` of them a block; what lies in one project at the top stays together."""
    parent = columns.contents.parent
    contents = np.flatnonzero(chosen if only is None else chosen & only)
    contents = contents[np.argsort(_tops(parent)[contents], kind="stable")]
    cut = []
    for start in range(0, len(contents), most):
        own = np.zeros(len(chosen), bool)
        own[contents[start : start + most]] = True
        content = np.flatnonzero(with_parents(parent, own))
        cut.append(
            Block(content, own[content], chosen[content], Contents(*(array[content] for array in columns.contents)))
        )
    return cut


def _tops(parent: Array) -> Array:
    """Of each content what holds it and is held by nothing that was read; a circle is its own."""
    at = np.arange(len(parent))
    above = np.where((parent >= 0) & (parent < len(parent)), parent, at).astype(np.int64)
    for _ in range(len(parent).bit_length()):
        at, above = above, above[above]
    return at


def seen_in(shared: Columns, people: Entering, block: Block, *, in_circles: bool = False) -> Placed:
    """Who of the people may View what of the block; contents have the numbers that they have on the site.

    Of `shared` contents and names are not looked at.
    """
    content, count = block.content, len(block.content)
    own = {"content": shared.defaults.content, "parent": block.columns.parent}
    local = {name: np.searchsorted(content, numbers) for name, numbers in own.items()}
    inside = {name: np.append(content, NONE)[local[name]] == numbers for name, numbers in own.items()}
    parent = np.where(own["parent"] == NONE, NONE, np.where(inside["parent"], local["parent"], count))
    stays = inside["content"] & (own["content"] >= 0)
    defaults = Defaults(local["content"][stays], shared.defaults.kind[stays], shared.defaults.rules[stays])
    columns = replace(shared, contents=block.columns._replace(parent=parent), defaults=defaults)
    placed = seen_by(columns, block.chosen, people, block.own, in_circles=in_circles)
    return placed._replace(
        content=np.append(content, NONE)[placed.content], parent=np.append(content, NONE)[placed.parent]
    )


def merged(pieces: Sequence[Placed], site: int) -> Placed:
    """What was worked out block by block as one; the site itself, which stands in each, once. Equal sets are one."""
    if len(pieces) == 1:
        return _numbered(pieces[0], site)
    known: dict[bytes, int] = {}
    members: list[Array] = []
    rows: list[tuple[Array, ...]] = []
    for number, piece in enumerate(pieces):
        codes = np.empty(len(piece.offsets) - 1, np.int64)
        for code, (start, end) in enumerate(zip(piece.offsets[:-1].tolist(), piece.offsets[1:].tolist(), strict=True)):
            users = np.ascontiguousarray(piece.members[start:end], np.int64)
            codes[code] = known.setdefault(users.tobytes(), len(known))
            if len(known) > len(members):
                members.append(users)
        stays = (piece.content != NONE) | (number == 0)
        rows.append((piece.content[stays], piece.parent[stays], piece.apart[stays], codes[piece.viewers[stays]]))
    content, parent, apart, viewers = (np.concatenate(side) for side in zip(*rows, strict=True))
    order = np.argsort(viewers, kind="stable")
    offsets = np.cumsum([0, *(len(users) for users in members)])
    users = np.concatenate(members or [np.zeros(0, np.int64)])
    return _numbered(Placed(content[order], parent[order], apart[order], viewers[order], offsets, users), site)


def _numbered(placed: Placed, site: int) -> Placed:
    """With the site's own number: in a block it is NONE, and hangs on nothing, while others that hang on NONE hang on
    the site."""
    is_site = placed.content == NONE
    parent = np.where(is_site, NONE, np.where(placed.parent == NONE, site, placed.parent))
    return placed._replace(content=np.where(is_site, site, placed.content), parent=parent)
