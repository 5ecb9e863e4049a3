"""The engine against the reference on as many dense Sites as are asked for; the tests do a million decisions of it.

    python benchmarks/differential.py --decisions 10000000 [--from-seed 100000]

Every user, content and capability of each Site is asked under each model, every way the engine can be asked.
Exit code 1 at the first disagreement, with the seed that shows it.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import count
from pathlib import Path

from drawn import Console

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from both_evaluators import cases, mismatches


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--decisions", type=int, default=10_000_000)
    parser.add_argument("--from-seed", type=int, default=100_000)
    parser.add_argument("--reasons", action="store_true", help="compare whole Answers too (twice as long)")
    given = parser.parse_args()
    console, start, decisions = Console(), time.perf_counter(), 0
    for seed in count(given.from_seed):
        for case in cases(range(seed, seed + 1), users=16, items=16):
            compared, wrong = mismatches(case, reasons=given.reasons)
            decisions += compared
            if wrong:
                console.print(f"seed {seed}: {len(wrong)} disagree, the first: {wrong[0]}")
                return 1
        if decisions >= given.decisions:
            seconds = time.perf_counter() - start
            console.print(
                f"{decisions:,} decisions, none disagrees; seeds {given.from_seed} to {seed}; {seconds:.0f} s"
            )
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
