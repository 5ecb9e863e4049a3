"""Runs inside tabcmd's environment: one fork of a process that has imported tabcmd for every command line.

Each command is the unmodified client in a process of its own, with its own home and working directory; only the time
for importing it is saved. Reads one JSON object a line ({"arguments", "home"}) and answers with the exit code and
what was printed.
"""

import json
import os
import sys
import tempfile
import traceback

import tabcmd.tabcmd


def run(asked):
    """The exit code and the words of one command line."""
    with tempfile.TemporaryFile() as printed:
        child = os.fork()
        if child == 0:
            os._exit(_inside(asked, printed.fileno()))
        _pid, status = os.waitpid(child, 0)
        printed.seek(0)
        return {"code": os.waitstatus_to_exitcode(status), "words": printed.read().decode("utf-8", "replace")}


def _inside(asked, printed):
    """What the child does: everything that the interpreter would do for `python -m tabcmd`."""
    for descriptor in (1, 2):
        os.dup2(printed, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ["HOME"] = asked["home"]
    os.chdir(asked["home"])
    sys.argv = ["tabcmd", *asked["arguments"]]
    code = 0
    try:
        tabcmd.tabcmd.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    for line in os.fdopen(os.dup(0), "r"):
        answers.write(json.dumps(run(json.loads(line))) + "\n")
        answers.flush()
