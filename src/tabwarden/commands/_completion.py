"""Completing words in bash, zsh and fish: each asks `tabwarden --complete` for what may stand next."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tabwarden.commands import Command
from tabwarden.commands._output import say_error
from tabwarden.commands._parsing import HELP, Argument, Option, Parameter, parameters_of

if TYPE_CHECKING:
    from pathlib import Path

# Where nothing is offered the shell offers file names, as for every PATH.
BASH = """\
_tabwarden() {
    local word about IFS=$'\\t'
    COMPREPLY=()
    while read -r word about; do
        COMPREPLY+=("$word")
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" tabwarden --complete 2>/dev/null)
    case "${COMPREPLY[*]}" in *[\\ \\&\\(\\)\\'\\"\\\\\\$\\*\\?]*) compopt -o filenames 2>/dev/null ;; esac
    case "${#COMPREPLY[@]} ${COMPREPLY[0]}" in 1\\ */) compopt -o nospace 2>/dev/null ;; esac
}
complete -o default -F _tabwarden tabwarden
"""
ZSH = """\
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
_tabwarden() {
    local -a offered
    offered=("${(@f)$(tabwarden --complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    offered=("${(@)offered%%$'\\t'*}")
    if [[ -n "$offered" ]]; then
        compadd -S '' -- "${(@M)offered:#*/}"
        compadd -- "${(@)offered:#*/}"
    else
        _files
    fi
}
compdef _tabwarden tabwarden
"""
FISH = """\
function __tabwarden
    set -l words (commandline -opc) (string unescape -- (commandline -ct))
    tabwarden --complete $words[2..-1] 2>/dev/null
end
complete -c tabwarden -n 'test -n "$(__tabwarden)"' -f -a '(__tabwarden)'
"""
# The lines, the file they go to, and the file that has to source it.
SHELLS = {
    "bash": (BASH, ".config/tabwarden/completion.bash", ".bashrc"),
    "zsh": (ZSH, ".config/tabwarden/completion.zsh", ".zshrc"),
    "fish": (FISH, ".config/fish/completions/tabwarden.fish", None),
}


Rows = Sequence[tuple[str, str]]


def answer(option: str, words: Sequence[str], commands: Mapping[str, Command], firsts: Rows) -> int:
    """Do one of the three options about completion; the exit code."""
    if option == "--complete":
        words, behind = (words, "") if words else words_of(os.environ.get("COMP_LINE", ""))
        for word, about in offered(words, commands, firsts):
            if word.isprintable():  # nothing that acts reaches the terminal
                print(f"{word[len(behind) :]}\t{about}")
        return 0
    from pathlib import Path

    shell = words[0] if words else Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        say_error(f"there is no completion for the shell `{shell}`; name bash, zsh or fish")
        return 1
    if option == "--show-completion":
        print(SHELLS[shell][0], end="")
    else:
        print(install(shell, Path.home()))
    return 0


def install(shell: str, home: Path) -> str:
    """Write the lines for a shell below `home`; a sentence of what was done. Doing it again changes nothing more."""
    text, file, starts = SHELLS[shell]
    place = home / file
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8", newline="\n")
    if starts is None:
        return f"wrote {place}; a new {shell} completes the words of tabwarden"
    line = f'source "{place}"\n'
    startup = home / starts
    before = startup.read_text(encoding="utf-8") if startup.exists() else ""
    if line not in before:
        startup.write_text(before + ("\n" if before and not before.endswith("\n") else "") + line, encoding="utf-8")
    return f"wrote {place}, which {startup} sources; a new {shell} completes the words of tabwarden"


def words_of(line: str) -> tuple[list[str], str]:
    """The words behind the first of a line as bash has it, and what of the last one bash does not put another for.

    Bash begins a new word with `@`, and behind `:` and `=`, unless a quote is open.
    """
    words, quote, escaped = [""], "", False
    for letter in line:
        if escaped:
            words[-1] += letter
            escaped = False
        elif letter == "\\" and quote != "'":
            escaped = True
        elif letter == quote or (not quote and letter in "\"'"):
            quote = "" if quote else letter
        elif letter.isspace() and not quote:
            words += [""] if words[-1] else []
        else:
            words[-1] += letter
    last = words[-1]
    return words[1:], "" if quote else last[: max(last.rfind("@"), last.rfind(":") + 1, last.rfind("=") + 1, 0)]


def offered(words: Sequence[str], commands: Mapping[str, Command], firsts: Rows) -> Iterator[tuple[str, str]]:
    """What may stand for the last of the words, each with what it means.

    `firsts` tells of families and of the options that need no command. Only a command's own options load its module.
    """
    *before, last = words or [""]
    name = next((name for name in (" ".join(before[:2]), *before[:1]) if name in commands), None)
    split = {tuple(name.split()): command.about for name, command in commands.items()}
    nexts = {command[len(before)]: "" for command in split if command[:-1][: len(before)] == tuple(before)}
    if not before:
        nexts |= {one: about for first, about in firsts for one in first.split(", ")[-1].split()[:1]}
    nexts |= {command[-1]: about for command, about in split.items() if command[:-1] == tuple(before)}
    yield from ((word, about) for word, about in nexts.items() if word.startswith(last) and (last or word[0] != "-"))
    if name is None:
        return
    parameters = parameters_of(commands[name].function())
    by_name = {option: parameter for parameter in parameters for option in parameter.names}
    flag = by_name.get(before[-1])
    if flag is not None and flag.type is not bool:
        yield from _values(flag.spec, last, before)
        return
    option, equals, value = last.partition("=")
    if equals and option in by_name and by_name[option].type is not bool:
        yield from ((f"{option}={one}", about) for one, about in _values(by_name[option].spec, value, before))
        return
    argument = None if last.startswith("-") else _argument(parameters, by_name, before[len(name.split()) :])
    if argument is not None:
        yield from _values(argument.spec, last, before)
    elif last.startswith("-") or not any(isinstance(parameter.spec, Argument) for parameter in parameters):
        for option, parameter in by_name.items():
            if option.startswith(last) and (parameter.many or option not in before):
                yield option, parameter.spec.about
        if HELP[-1].startswith(last):
            yield HELP[-1], "Print what it takes."


def _values(spec: Argument | Option, last: str, before: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What may be the value of an option, or an argument."""
    if isinstance(spec, Option):
        yield from ((choice, "") for choice in spec.choices if choice.startswith(last))
    if spec.of:
        from tabwarden.commands._offers import offers

        yield from offers(spec.of, last.lstrip("\"'"), before)


def _argument(
    parameters: Sequence[Parameter], by_name: Mapping[str, Parameter], before: Sequence[str]
) -> Parameter | None:
    """The argument that stands behind these words of a command."""
    loose, rest = 0, iter(before)
    for word in rest:
        option = by_name.get(word.partition("=")[0])
        if option is None:
            loose += 1
        elif option.type is not bool and "=" not in word:
            next(rest, None)
    arguments = [parameter for parameter in parameters if isinstance(parameter.spec, Argument)]
    if loose < len(arguments):
        return arguments[loose]
    return arguments[-1] if arguments and arguments[-1].many else None
