"""The command line put together from the families in `commands`. No command of its own."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import Annotated

import typer

from tabwarden import __version__, commands
from tabwarden.commands.common import ERROR

INTERRUPTED = 130

app = typer.Typer(
    name="tabwarden",
    help="Who is in on your Tableau site, what each person can do, why, and what a change would do to people.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tabwarden {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Independent of Tableau and Salesforce."""


# Where each command lives, so that `why` need not load the sandbox: one family, or several for the words that
# families share (`plan`, `run`). A word that is not here loads every family.
LIVES_IN = {
    "why": "why",
    "who": "ask",
    "what": "ask",
    "cases": "cases",
    "catalog": "mirror",
    "demo": "demo",
    "diff": "diff",
    "directory": "directory",
    "domains": "names",
    "mirror": "mirror",
    "history": "history",
    "names": "names",
    "people": "people",
    "plan": "provision people groups names",
    "projects": "read",
    "apply": "provision",
    "rules": "rules",
    "run": "provision people groups",
    "read": "read",
    "sandbox": "sandbox",
    "settings": "settings",
    "snapshots": "history",
    "whatif": "whatif",
}


def assemble(word: str | None = None) -> typer.Typer:
    """The command line with the family that holds `word`, or with all of them.

    Every module in `commands` that has `register` adds its commands: a new family is one new file.
    """
    families = sorted(found.name for found in pkgutil.iter_modules(commands.__path__))
    wanted = [family for family in LIVES_IN.get(word or "", "").split() if family in families]
    for family in wanted or families:
        module = importlib.import_module(f"{commands.__name__}.{family}")
        if hasattr(module, "register"):
            module.register(app)
    return app


def main() -> None:
    """The entry point: a usage error is exit code 1, as all errors are, because 2 says that a plan found changes."""
    try:
        code = assemble(sys.argv[1] if len(sys.argv) > 1 else None)(standalone_mode=False)
    except Exception as error:
        # typer brings its own click, so its usage errors are known by what they can do, not by their class.
        if type(error).__name__ == "Abort":
            raise SystemExit(INTERRUPTED) from None
        if not hasattr(error, "show"):
            raise
        error.show()
        raise SystemExit(ERROR) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    raise SystemExit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
