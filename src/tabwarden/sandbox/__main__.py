"""`python -m tabwarden.sandbox`: the sandbox as a process, for tests and benchmarks."""

from __future__ import annotations

import argparse
import sys

from tabwarden.model.errors import TabwardenError
from tabwarden.sandbox.serve import ServeOptions, run


def main() -> int:
    """Serve until interrupted; 1 with one line on stderr when that cannot be."""
    parser = argparse.ArgumentParser(prog="tabwarden.sandbox")
    parser.add_argument("--world", default="w0")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--state")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--personality", default="server")
    parser.add_argument("--api-version")
    parser.add_argument("--log")
    parser.add_argument("--activity-log")
    parser.add_argument("--play", action="append", default=[])
    parser.add_argument("--faults")
    parser.add_argument("--counts", action="store_true")
    given = vars(parser.parse_args())
    given["play"] = tuple(given["play"])
    try:
        run(ServeOptions(**given), lambda line: print(line, flush=True))
    except TabwardenError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
