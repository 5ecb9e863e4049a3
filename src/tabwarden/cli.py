"""The command line: the table of every command, and finding the one that is meant without loading the others."""

from __future__ import annotations

import _thread
import gc
import os
import sys
import time
from collections.abc import Iterator, Sequence
from io import BufferedWriter, RawIOBase, TextIOWrapper
from typing import Any, TextIO

from tabwarden import __version__
from tabwarden.commands import Command

INTERRUPTED = 130
# What is to be known after Ctrl-C, by the first word of a command; of others that nothing was written.
GOES_ON = {
    "apply": "what was done is in the journal, and the same command goes on where it stopped",
    "run": "what was done is in the journal and stays, and the next run goes on from there",
    "read": "nothing was kept in the history; over REST the same command goes on where it stopped",
    "mirror": "each sink has the former mirror or the new one, and the same command goes on with the others",
    "sandbox": "the sandbox has ended",
    "conformance": "what a check made is taken away; `--clean` takes away what is left all the same",
}
OF_SITES = "sites are done"  # as an interrupted run of many sites ends
ABOUT = "Who is in on your Tableau site, what each person can do, why, and what a change would do to people."

# Headings, then the words of a command, the module of `commands` that has it, and what it does. The function is called
# as the words are, with `_` between them. A new family of commands is a file there and lines here.
TABLE = """\
# Ask
why               why        Why a person can or cannot do something, with the trace.
who               who_what   Who may exercise a capability on a content.
what              who_what   What a person may do: on one content, on everything, or on all sites.
rules             rules      Who is allowed and denied what on a content, as in the permission dialog.
whatif            whatif     What changes would do to people: who gains and loses what, and why.
diff              diff       What differs between two snapshots: facts, and people gained and lost. With --models: who
                             is in only by an exception.
history           history    Who could see it on a day, since when, and which change caused it. Without words: the
                             snapshots kept.
lint              lint       What is unwise on the site, by groups of equal findings: who can mend it, and the plan.
cases             cases      Run case files: small sites with a question and the expected answer.
check             check      Whether what must always hold does: who breaks which invariant, why and since when.
# List and find
find              lists      Everything whose name holds some words: people, groups, content.
licences          licences   Who has which seat since when, who uses it, who could do with less; warns by mail.
list users        lists      People with site role, licence, last sign-in and what they own; seats.
list groups       lists      Groups with their members and the site role they grant.
list members      lists      Who is in a group, or in every group.
list projects     lists      Projects with owner, leaders, permissions mode and how much they hold.
list workbooks    lists      Workbooks with owner and times.
list views        lists      Views with owner and times.
list datasources  lists      Data sources with owner, times and by how many workbooks they are used.
list flows        lists      Flows with owner and times.
list owners       lists      Who owns content, and how much.
list schedules    lists      Where to look for schedules, which no snapshot holds.
# Read
read              read       Read the site into a snapshot; nothing is written to Tableau.
projects          read       List sites and projects, for choosing what to read; nothing is published.
snapshots export  history    Write one snapshot of the history as a folder of files.
snapshots import  history    Keep snapshot folders in the history, in the order in which they were taken.
snapshots delete  history    Take one snapshot out of the history, such as one that was read while a clock was wrong.
store check       history    Hold everything the store has against its digests: what is whole, what is damaged.
# People and names
people show       provision  The one roster: who, and which row of which source each field is from. Asks no server.
directory read    directory  Read all domains of the settings and keep them in a file; nothing is kept of a part.
directory show    directory  Domains, trusts and counts; or the people of a group, or what is known of a person.
domains           names      Domains by FQDN, NetBIOS name and Tableau's nickname.
names check       names      Which Tableau user an import would create, why, and what would collide.
# Change
plan provision    provision  Joiners and leavers: what would change. Writes a plan file, nothing else.
plan people       provision  Several sources as one roster: what would change. Writes a plan file, nothing else.
plan groups       provision  Groups of the directory: what would change. Writes a plan file, nothing else.
plan domains      names      Give domains their NetBIOS name as nickname. Writes a plan file, nothing else.
plan rename       names      Give people another user name: all they have goes to a new user.
plan change       whatif     The changes of `whatif` on the site as it is now. Writes a plan file, nothing else.
plan policy       policy     What should be of projects and content, by files: what would change. Writes a plan file.
plan licences     licences   Lower whoever was not seen for so many days. Writes a plan file, nothing else.
plan list         plans      The plans of the store: number, when and by whom made, what became of each.
plan show         plans      One plan again: what it does to people as it was shown, and what became of it.
plan undo         provision  Take back what was done of a plan, or put things back as they were on a day.
apply             provision  Do a plan; journaled, and it goes on where it was interrupted.
run provision     provision  Joiners and leavers, all in one: one log, one mail, one exit code.
run people        provision  Several sources as one roster, all in one: one log, one mail, one exit code.
run groups        provision  Groups of the directory, all in one: one log, one mail, one exit code.
policy export     policy     The policy of a site as text, from a snapshot. Nothing is written to Tableau.
policy from-use   policy     The narrowest policy that keeps everything that was used, as text to read.
policy import     policy     A file of TabProvision, TableauConMan, tableau-permissions or Terraform as a policy.
policy schema     policy     The JSON Schema of a policy's files, for editors.
# Publish
mirror            mirror     Publish who may View what to catalogs; nothing is written to Tableau.
mirror verify     mirror     Hold the last mirror against the live server, for some people.
catalog           mirror     Browse the last mirror as a catalog person sees it.
serve             serve      Catalog, checker and plans as pages in the browser, for whoever is signed in.
requests          requests   Who asked for access on the pages, and what became of it. Asks no server.
audit verify      audit      Whether the audit trail of the pages is as it was written. Asks no server.
audit list        audit      Who looked at whom and changed what on the pages, from where. Asks no server.
# Set up and try
init              init       Write the first settings, asked for or by options, and try the sign-in.
status            stand      Where it stands: settings, store, last read, runs, waiting plans, stops. Asks no server.
doctor            stand      Is all well that a run needs: sign-in, rights, lists, mail, databases, disk, clock.
conformance       conformance
                             Try what is believed of Tableau on a real one, in a throw-away project; the answers are a
                             file for `--open-point`.
settings check    settings   Read the settings as every command does and tell every problem. Secrets are resolved and
                             never shown.
settings encrypt  settings   Encrypt the whole file to FILE.aes, or with --values only its secrets, in place.
settings decrypt  settings   Write the plain text of an encrypted settings file.
settings rotate   settings   Encrypt everything anew with the newest key: the .aes file and every `enc:` value. All of
                             it or nothing.
settings import   settings   Make settings of those of Tab_User_Provisioner, whose file stays as it is.
sandbox           sandbox    Tableau in a box: a server on a loopback port with a world of your choice.
demo              demo       The whole story on the sandbox: read, plan, apply, why, undo. No Tableau, no settings.
help              help       Show a page of the documentation, or a part of it. Without words: list the pages.
"""
FAMILIES = {
    "list": "What is on the site, from the newest snapshot or any other: filtered, sorted, counted.",
    "audit": "What was looked at and changed on the pages, and by whom.",
    "directory": "Read Active Directory whole, keep it in a file, look at it.",
    "names": "User names of a directory before they are imported.",
    "people": "Several sources as one roster.",
    "policy": "What should be of projects and content, as text.",
    "plan": "Work out what would change, and what that does to people.",
    "run": "Read, plan, stop or apply, in one process: for cron.",
    "settings": "Check settings.yaml, encrypt and decrypt it, change its key, import it from elsewhere.",
    "store": "The folder or database in which reads, plans and journals are kept.",
    "snapshots": "Snapshots of the history: as files for others or from others, and deleting one.",
}
HERE = (
    ("--version", "Print the version and leave."),
    ("--install-completion [SHELL]", "Let the shell complete commands, options and choices: bash, zsh or fish."),
    ("--show-completion [SHELL]", "Print the lines that do it."),
    ("--complete WORD...", "Print what may stand for the last word; the shell asks this."),
    ("-h, --help", "Print this; after a command, what it takes."),
)


def _by_heading(table: str) -> dict[str, list[Command]]:
    rows: dict[str, list[Command]] = {}
    for line in table.replace("\n" + " " * 29, " ").splitlines():
        if line.startswith("#"):
            rows[line[2:]] = []
        else:
            rows[next(reversed(rows))].append(Command(line[:18].strip(), line[18:29].strip(), line[29:]))
    return rows


HEADINGS = _by_heading(TABLE)
COMMANDS = {command.words: command for commands in HEADINGS.values() for command in commands}
FIRST_OF_TWO = {words.split()[0] for words in COMMANDS if " " in words}


def command_of(words: Sequence[str]) -> Command | None:
    """The command that the words begin with; a word after `mirror` is one of its commands, since it takes none."""
    more = len(words) > 1 and not words[1].startswith("-")
    name = " ".join(words[:2]) if more and words[0] in FIRST_OF_TWO else "".join(words[:1])
    return COMMANDS.get(name)


def run(words: Sequence[str]) -> int:
    """Do what the words say; the exit code. A TabwardenError ends in its sentence on standard error."""
    command = command_of(words)
    if command is None:
        return _other(words)
    if command.words == "help" and " ".join(words[1:]) in COMMANDS.keys() | FAMILIES.keys():
        from tabwarden.report.pages import is_page

        if not is_page(words[1:]):
            return run([*words[1:], "--help"])
    from tabwarden.commands._output import DONE, ERROR, say, say_error, show_what_is_logged
    from tabwarden.commands._parsing import HELP, help_of, parameters_of, read
    from tabwarden.model.errors import TabwardenError

    rest = words[len(command.words.split()) :]
    try:
        function = command.function()
        if any(word in HELP for word in (rest[: rest.index("--")] if "--" in rest else rest)):
            print(help_of(command.words, command.about, function))
        else:
            from tabwarden.commands._many import call

            show_what_is_logged()
            call(command, function, read(command.words, parameters_of(function), rest))
    except TabwardenError as error:
        say_error(error, as_json=_wants_json(words))
        return ERROR
    except KeyboardInterrupt as interrupt:
        _throw_away_in_silence()
        say(_interrupted(command.words, str(interrupt)))
        return INTERRUPTED
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else DONE
    return DONE


def _wants_json(words: Sequence[str]) -> bool:
    """Whether a problem is told as JSON: where the answer would have been."""
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def _interrupted(command: str, how_far: str) -> str:
    """What is to be known after Ctrl-C."""
    goes_on = GOES_ON.get(command.split()[0], "nothing was written to Tableau")
    if how_far.endswith(OF_SITES):
        goes_on = "the same command goes on with the others"
    return f"tabwarden: interrupted; {how_far + '; ' if how_far else ''}{goes_on}"


def _other(words: Sequence[str]) -> int:
    """Of words that are no command: the version, help, completion, or what is wrong with them."""
    first, rest = (words[0], words[1:]) if words else ("", ())
    if first == "--version":
        print(f"tabwarden {__version__}")
        return 0
    if first in ("--complete", "--show-completion", "--install-completion"):
        from tabwarden.commands._completion import answer

        return answer(first, rest, COMMANDS, [*FAMILIES.items(), *HERE])
    family = first if first in FAMILIES else ""
    wants_help = [word for word in words[:2] if word in ("-h", "--help")]
    if not words or wants_help or (family and not rest):
        print("\n".join(_help(family)))
        return 0 if wants_help else 1
    return _mistyped(words[:2] if first in FIRST_OF_TWO else words[:1], as_json=_wants_json(words))


def _mistyped(words: Sequence[str], *, as_json: bool) -> int:
    from tabwarden.commands._output import ERROR, say_error
    from tabwarden.commands._parsing import UsageError, hint, nearest

    *family, last = words
    if last.startswith("-"):
        kind, known = "option", [option.split()[0].strip(",") for option, _ in HERE]
    else:
        split = [words.split() for words in COMMANDS]
        kind, known = "command", [name[len(family)] for name in split if name[:-1][: len(family)] == family]
    near = nearest(last, known)
    apart = last.replace("-", " ").replace("_", " ")
    whole = [name for name in COMMANDS if not family and (apart == name or last in name.split()[1:])]
    if whole:  # the second word alone, such as `undo`, or `plan-undo`
        near = f"; nearest is {' or '.join(f'`{name}`' for name in whole)}"
    problem = UsageError(f"there is no {kind} `{' '.join(words)}`{near}; {hint(*family)}")
    say_error(problem, as_json=as_json)
    return ERROR


def _help(family: str) -> Iterator[str]:
    """All commands by heading, or those of a family."""
    from tabwarden.commands._parsing import columns, wrapped

    yield f"Usage: tabwarden {family or 'COMMAND'} {'COMMAND ' if family else ''}[OPTIONS]"
    yield ""
    yield from wrapped(FAMILIES.get(family, ABOUT))
    for title, commands in HEADINGS.items():
        rows = [(c.words, c.about) for c in commands if not family or c.words.startswith(f"{family} ")]
        if rows:
            yield ""
            yield from columns(title, rows)
    yield ""
    yield from columns("Options", HERE if not family else HERE[-1:])


def main() -> None:
    """The entry point: a usage error is exit code 1, as all errors are, because 2 says that a plan found changes."""
    code = 0
    sys.unraisablehook = _not_lost
    gc.set_threshold(100_000, 50, 50)  # a command makes many things that stay, and next to no cycles
    try:
        sys.stdout, sys.stderr = _patient(sys.stdout), _patient(sys.stderr)
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        _throw_away_in_silence()
        code = INTERRUPTED
    except BrokenPipeError:  # whoever read it has read enough
        _write_no_more()
    except Exception as error:  # no traceback reaches a person
        from tabwarden.commands._output import ERROR, say_error
        from tabwarden.commands._unforeseen import sentence

        command = command_of(sys.argv[1:])
        words = sentence(f"tabwarden {command.words}" if command else "tabwarden", error)
        say_error(words, as_json=_wants_json(sys.argv))
        _write_no_more()
        code = ERROR
    raise SystemExit(code)


def _patient(stream: TextIO) -> TextIO:
    """The same, to which a command writes to its end: what nobody reads any more is thrown away.

    A terminal that lacks a letter shows its escape.
    """
    if not isinstance(stream, TextIOWrapper):
        return stream
    stream.flush()
    by_line = stream.line_buffering or stream.write_through  # the latter with PYTHONUNBUFFERED
    buffer = BufferedWriter(_Patient(stream.fileno()))
    return TextIOWrapper(buffer, stream.encoding, "backslashreplace", line_buffering=by_line)


class _Patient(RawIOBase):
    """Where nobody reads any more (`| head`, `| grep -q`) the command goes on, and its exit code is its own."""

    def __init__(self, number: int) -> None:
        self._number = number

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: Any) -> int:
        try:
            return os.write(self._number, data)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._number)
            return memoryview(data).nbytes


def _not_lost(unraisable: sys.UnraisableHookArgs) -> None:
    """A Ctrl-C that comes while something is thrown away (`__del__`) is dropped by Python; it comes once more."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        _thread.start_new_thread(_interrupt_again, ())
    else:
        sys.__unraisablehook__(unraisable)


def _interrupt_again() -> None:
    time.sleep(0.001)  # raised at once it would be dropped like the first
    _thread.interrupt_main()


def _throw_away_in_silence() -> None:
    """What a signal cut off, such as a loop that was not closed, says nothing of itself when its last frame goes."""
    sys.unraisablehook = lambda _: None


def _write_no_more() -> None:
    """What is left in the buffer must not fail once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
