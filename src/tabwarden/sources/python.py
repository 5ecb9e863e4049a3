"""People from a Python function of one's own, which takes nothing.

The function returns, or yields, user names or mappings from column name to value.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, model_validator

from tabwarden.sources import Reading, Row, Source, empty, partial, unreadable
from tabwarden.want.roster import ONLY_COLUMN, shown

_FUNCTION = re.compile(r"([A-Za-z_]\w*(\.[A-Za-z_]\w*)*):[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def module_function(value: str) -> str:
    """`package.module:function`."""
    if not _FUNCTION.fullmatch(value):
        raise ValueError("must be `module:function`, for example `hr_people:joiners`")
    return value


class PythonSource(Source):
    """People from a function of your own; its module is looked for beside the settings, then as installed."""

    type: Literal["python"] = Field(description="where the people are")
    function: Annotated[str, AfterValidator(module_function)] = Field(
        description="`module:function` that takes nothing and yields names or mappings"
    )
    _folder: Path | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _beside_settings(self, info: ValidationInfo) -> Self:
        self._folder = (info.context or {}).get("folder")
        return self

    def read(self) -> Reading:
        source = f"function `{shown(self.function)}`"
        folder = self._folder or Path.cwd()
        with _importable(folder, self.function.partition(":")[0]):
            result = _call(_function(self.function, folder), source)
            rows = list(_rows(result, source))
        if not rows:
            raise empty(source)
        return Reading(rows, source)


@contextmanager
def _importable(folder: Path, name: str) -> Iterator[None]:
    """The folder first among the places Python imports from, for as long as the function runs.

    Afterwards the module's name means what it meant before: another folder may hold a module of that name.
    """
    place = str(folder.absolute())
    before = sys.modules.get(name)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        if place in sys.path:
            sys.path.remove(place)
        if before is not None:
            sys.modules[name] = before
        else:
            sys.modules.pop(name, None)


def _function(written: str, folder: Path) -> Callable[..., object]:
    """The function itself. Raises SourceError naming what is wrong with the way to it."""
    name, _, attribute = written.partition(":")
    try:
        module = _module(name, folder)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise unreadable(
                f"there is no module `{name}` in `{shown(str(folder), most=4096)}` nor installed; check `function`"
            ) from None
        raise unreadable(f"module `{name}` cannot be imported ({_told(error)}); install what it needs") from None
    except (Exception, SystemExit) as error:
        raise unreadable(f"module `{name}` cannot be imported ({_told(error)})") from None
    function: object = module
    for part in attribute.split("."):
        function = getattr(function, part, None)
    if not callable(function):
        own = {key: value for key, value in vars(module).items() if inspect.isfunction(value) and key[0] != "_"}
        functions = [key for key, value in own.items() if value.__module__ == module.__name__]
        listed = ", ".join(f"`{key}`" for key in functions) or "none"
        raise unreadable(f"module `{name}` has no function `{shown(attribute)}`; it has: {listed}")
    return function


def _module(name: str, folder: Path) -> ModuleType:
    """The module of that file in the folder, whatever else has its name by now; otherwise the installed one."""
    path = folder.joinpath(*name.split(".")).with_suffix(".py")
    if not path.is_file():
        return importlib.import_module(name)
    known = sys.modules.get(name)
    if known is not None and Path(getattr(known, "__file__", None) or "/").resolve() == path.resolve():
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and the like look their own module up there
    spec.loader.exec_module(module)
    return module


def _call(function: Callable[..., object], source: str) -> Iterable[object]:
    """What the function returns, if it is a list of people at all. Raises SourceError."""
    try:
        result = function()
    except (Exception, SystemExit) as error:
        raise unreadable(f"{source} failed ({_told(error)})") from None
    if inspect.iscoroutine(result):
        result.close()
    kind = type(result).__name__
    if hasattr(result, "columns"):  # iterating over a data frame gives its column names
        raise unreadable(f"{source} returned a {kind}; return its rows, such as frame.to_dict('records')")
    if isinstance(result, str | bytes | Mapping) or not isinstance(result, Iterable):
        raise unreadable(f"{source} returned a {kind}; return a list of user names or of mappings")
    return result


def _rows(result: Iterable[object], source: str) -> Iterator[Row]:
    """One row for each item. Raises SourceError when the iteration fails."""
    count = 0
    try:
        for item in result:
            count += 1
            if isinstance(item, Mapping):
                yield {str(key): value for key, value in item.items()}
            else:
                yield {ONLY_COLUMN: item}
    except (Exception, SystemExit) as error:
        if count:
            raise partial(f"{source} broke off after {count} people ({_told(error)})") from None
        raise unreadable(f"{source} failed ({_told(error)})") from None


def _told(error: BaseException) -> str:
    """An error of somebody else's code on one line, with the place in their file."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return shown(f"{type(error).__name__}: {' '.join(str(error).split())}", most=500) + place
