"""Both answers where the sources are silent or disagree: an Answer with the open points that would turn it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tabwarden.access.answer import Answer, Disputed
from tabwarden.model.open_points import DOCUMENTED, OpenPoints, alternatives, watched


def with_disputes(ask: Callable[[OpenPoints], Answer], open_points: OpenPoints = DOCUMENTED) -> Answer:
    """The Answer under these open points, with every single one that would give another verdict.

    One that was not looked at on the way to the Answer cannot turn it, and is not asked.
    """
    watching, looked_at = watched(open_points)
    answer, disputes = ask(watching), []
    for name, other in alternatives(open_points):
        if name not in looked_at:
            continue
        turned = ask(other)
        if turned.verdict != answer.verdict:
            value = getattr(other, name)
            written = value if isinstance(value, str) else ("on" if value else "off")
            disputes.append(Disputed(name, written, turned.verdict, turned.because, turned.deciding, turned.at))
    return replace(answer, disputed=tuple(disputes))
