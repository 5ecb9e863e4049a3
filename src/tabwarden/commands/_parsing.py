"""How a command declares its words, and how they are read and explained: a table made from a function's signature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from tabwarden.model.errors import TabwardenError

HELP = ("-h", "--help")
NARROW, WIDE = 40, 110
MOST_DAYS = 36_525  # a hundred years; a day before the calendar is none
OPTIONS = "Options"
# What a word names, for the shell that completes it.
USERS, PEOPLE, GROUPS, CONTENTS, CAPABILITIES = "users", "people", "groups", "contents", "capabilities"
SITES, SNAPSHOTS, CHANGES, ANYTHING, TOPICS = "sites", "snapshots", "changes", "anything", "topics"
Within = tuple[str, type] | None


class UsageError(TabwardenError):
    """Words that mean no command, or that a command does not take."""


class Argument:
    """A word that is known by its place; `name` is what help calls it, default: the parameter's name.

    `of` is what it names, for completion.
    """

    def __init__(self, about: str, name: str = "", of: str = "") -> None:
        self.about, self.name, self.of = about, name, of


class Option:
    """A word with a name and, unless it is a bool, a value.

    `names` default to the parameter's; `no` is the name that switches a bool off; `choices` complete and explain, and
    are judged by who uses them; `least` and `most` are the smallest and largest number; `of` is what the value names.
    """

    def __init__(
        self,
        *names: str,
        about: str,
        value: str = "",
        choices: tuple[str, ...] = (),
        least: int | None = None,
        most: int | None = None,
        no: str = "",
        under: str = OPTIONS,
        of: str = "",
    ) -> None:
        self.names, self.about, self.value, self.choices = names, about, value or "|".join(choices), choices
        self.least, self.most, self.no, self.under = least, most, no, under
        self.of = of


class Parameter(NamedTuple):
    """One parameter of a command's function, as its annotation tells it."""

    name: str
    spec: Argument | Option
    type: type
    many: bool
    required: bool
    default: object
    within: Within = None
    """The parameter whose tuple it is a field of, and that tuple's type."""

    @property
    def names(self) -> tuple[str, ...]:
        """The option's names; of an argument none."""
        if isinstance(self.spec, Argument):
            return ()
        return (*(self.spec.names or (f"--{self.name.replace('_', '-')}",)), *filter(None, (self.spec.no,)))

    @property
    def words(self) -> str:
        """As usage and help write it: `[CONTENT]`, `--on, --snapshot TEXT`."""
        if isinstance(self.spec, Argument):
            word = (self.spec.name or self.name).upper()
            return f"{word if self.required else f'[{word}]'}{'...' if self.many else ''}"
        kind = {bool: "", int: "NUMBER", str: "TEXT"}.get(self.type, "PATH")
        return f"{', '.join(self.names)} {self.spec.value or kind}".strip()

    @property
    def about(self) -> str:
        """What help says of it, with its default where that is a plain word."""
        plain = self.default in (None, "", False)
        return self.spec.about if plain else f"{self.spec.about} [default: {self.default}]"

    def value(self, text: str, name: str) -> Any:
        """The value that `text` stands for; UsageError where it stands for none."""
        if self.type is not int:
            return self.type(text)
        least, most = (self.spec.least, self.spec.most) if isinstance(self.spec, Option) else (None, None)
        try:
            number = int(text)
        except ValueError:
            raise UsageError(f"`{name}` wants a whole number, not `{text}`") from None
        if least is not None and number < least:
            raise UsageError(f"`{name}` is at least {least}, not {number}")
        if most is not None and number > most:
            raise UsageError(f"`{name}` is at most {most}, not {number}")
        return number


OF_SITES = (
    Parameter(
        "site_meant",
        Option("--site", about="Name, content URL or address of the site; a pattern or `all`: side by side.", of=SITES),
        str,
        many=False,
        required=False,
        default=None,
    ),
    Parameter(
        "all_sites",
        Option("--all-sites", about="The same as `--site all`."),
        bool,
        many=False,
        required=False,
        default=False,
    ),
)
"""What every command takes that takes settings; `_many.call` acts by it."""


def parameters_of(function: Callable[..., None]) -> list[Parameter]:
    """Of a function whose parameters are annotated with an Argument or an Option, or are tuples of such, in its order;
    then those of every command that takes settings.

    Read without `inspect`, whose import alone costs more than all of this.
    """
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    positional = function.__defaults__ or ()
    defaults = dict(zip(names[code.co_argcount - len(positional) : code.co_argcount], positional, strict=True))
    defaults |= function.__kwdefaults__ or {}
    hints = get_type_hints(function, include_extras=True)
    parameters = []
    for name in names:
        if hasattr(hints[name], "_fields"):
            inner = get_type_hints(hints[name], include_extras=True)
            usual, within = hints[name]._field_defaults, (name, hints[name])
            parameters += [_parameter(field, inner[field], usual, within) for field in inner]
        else:
            parameters.append(_parameter(name, hints[name], defaults))
    there = {option: parameter.name for parameter in parameters for option in parameter.names}
    if "--settings" in there and there.get("--site", "site_url") == "site_url":
        parameters += [one for one in OF_SITES if not set(there).intersection(one.names)]
    return parameters


def _parameter(name: str, hint: Any, defaults: Mapping[str, Any], within: Within = None) -> Parameter:
    bare, spec = hint.__origin__, hint.__metadata__[0]
    if isinstance(bare, UnionType):
        bare = next(one for one in get_args(bare) if one is not NoneType)
    many = get_origin(bare) is list
    type_ = get_args(bare)[0] if many else bare
    return Parameter(name, spec, type_, many, name not in defaults, defaults.get(name), within)


# -- reading ---------------------------------------------------------------------------------------------------


def read(command: str, parameters: Sequence[Parameter], words: Iterable[str]) -> dict[str, Any]:
    """The value of each parameter that `words` give or require; UsageError in one sentence where they do not fit.

    Options may stand anywhere; after `--` all words are arguments.
    """
    options = {name: parameter for parameter in parameters for name in parameter.names}
    values: dict[str, Any] = {}
    loose: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            loose.extend(rest)
        elif not word.startswith("-") or word == "-":
            loose.append(word)
        else:
            name, equals, text = word.partition("=")
            parameter = options.get(name)
            if parameter is None:
                raise UsageError(f"`{command}` has no option `{name}`{nearest(name, options)}; {hint(command)}")
            if parameter.type is bool:
                if equals:
                    raise UsageError(f"`{name}` takes no value; {hint(command)}")
                values[parameter.name] = name != getattr(parameter.spec, "no", "")
                continue
            given = text if equals else next(rest, None)
            if given is None:
                raise UsageError(f"`{name}` needs a value; {hint(command)}")
            _give(values, parameter, given, name)
    _place(command, parameters, loose, values)
    for within in dict.fromkeys(parameter.within for parameter in parameters if parameter.within is not None):
        name, type_ = within
        values[name] = type_(**{field: values.pop(field) for field in get_type_hints(type_) if field in values})
        getattr(values[name], "check", lambda: None)()
    return values


def _give(values: dict[str, Any], parameter: Parameter, text: str, name: str) -> None:
    value = parameter.value(text, name)
    if parameter.many:
        values.setdefault(parameter.name, []).append(value)
    else:
        values[parameter.name] = value


def _place(command: str, parameters: Sequence[Parameter], loose: list[str], values: dict[str, Any]) -> None:
    """Words without a name go to the arguments in their order; the last one may take all that are left."""
    for parameter in parameters:
        if isinstance(parameter.spec, Argument):
            taken, loose = (loose, []) if parameter.many else (loose[:1], loose[1:])
            for text in taken:
                _give(values, parameter, text, parameter.words)
        if parameter.required and parameter.name not in values:
            raise UsageError(f"`{command}` needs {parameter.words}; {hint(command)}")
    if loose:
        quotes = (
            "; a name with blanks stands in quotes" if any(isinstance(p.spec, Argument) for p in parameters) else ""
        )
        raise UsageError(f"`{command}` takes no `{loose[0]}`{quotes}; {hint(command)}")


def nearest(word: str, known: Iterable[str]) -> str:
    """`; nearest is ...` where something is near, else nothing."""
    from difflib import get_close_matches

    near = " or ".join(f"`{one}`" for one in get_close_matches(word, {*known}, n=2, cutoff=0.6))
    return f"; nearest is {near}" if near else ""


def hint(*command: str) -> str:
    """Where all of it is explained."""
    return f"`{' '.join(('tabwarden', *command, '--help'))}` tells more"


# -- explaining ------------------------------------------------------------------------------------------------


def usage(command: str, parameters: Iterable[Parameter]) -> str:
    """`tabwarden why USER CAPABILITY [CONTENT]`."""
    return " ".join(("tabwarden", command, *(p.words for p in parameters if isinstance(p.spec, Argument))))


def help_of(command: str, about: str, function: Callable[..., None]) -> str:
    """What `--help` prints: usage, what it does, then arguments and options by group.

    A function's attribute `epilog` is called for the words at the end.
    """
    parameters = parameters_of(function)
    groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], OPTIONS: []}
    for parameter in parameters:
        under = parameter.spec.under if isinstance(parameter.spec, Option) else "Arguments"
        groups.setdefault(under, []).append((parameter.words, parameter.about))
    groups[OPTIONS].append((", ".join(HELP), "Print this."))
    more = " ".join((function.__doc__ or "").split())
    parts = ["\n".join(wrapped(about)), "\n".join(wrapped(more if more != about else ""))]
    parts += ["\n".join(columns(title, rows)) for title, rows in groups.items() if rows]
    epilog = getattr(function, "epilog", None)
    return "\n\n".join(filter(None, (f"Usage: {usage(command, parameters)} [OPTIONS]", *parts, epilog and epilog())))


def columns(title: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A title and lines of a word and what it means, no wider than the terminal."""
    rows = list(rows)
    left = min(26, max(len(word) for word, _ in rows)) + 4
    yield f"{title}:"
    for word, about in rows:
        first, *others = wrapped(about, left) or [""]
        if len(word) + 4 > left:
            yield f"  {word}"
            yield " " * left + first
        else:
            yield f"  {word}".ljust(left) + first
        yield from (" " * left + line for line in others)


def wrapped(text: str, left: int = 0) -> list[str]:
    """`text` as lines that leave `left` columns of the terminal free."""
    from shutil import get_terminal_size

    width = max(NARROW, min(WIDE, get_terminal_size().columns) - left - 1)
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def epilog(words: Callable[[], str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose help ends in `words()`, which is asked for no earlier."""

    def with_epilog(function: Callable[..., None]) -> Callable[..., None]:
        function.epilog = words  # type: ignore[attr-defined]
        return function

    return with_epilog
