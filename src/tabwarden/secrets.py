"""Keys, encrypted values and files, and references to secrets.

A key is a Fernet key; several may be given, newest first: the first encrypts, every one decrypts.
The encrypted file is one Fernet token over the YAML text, which is also what cryptoyaml wrote.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tabwarden.model.errors import SettingsError
from tabwarden.safe_files import MOST_SECRET, for_the_owner, read_bytes, read_text, write_whole
from tabwarden.troubles import why

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEY_VARIABLE = "TABWARDEN_KEY"
KEY_FILE_VARIABLE = "TABWARDEN_KEY_FILE"
CRYPTOYAML_VARIABLE = "CRYPTOYAML_SECRET"
KEY_FILE = "key"
# Tab_User_Provisioner writes its key to `.\key`: on anything but Windows that is one odd file name.
KEY_FILES = (KEY_FILE, ".\\key")

KINDS_OF_REFERENCE = ("env", "file", "cmd", "enc", "plain")
COMMAND_SECONDS = 30
_VARIABLE = re.compile(
    r"\$\{[^{}]+\}|\$env:\w+|(?-i:\$[A-Z][A-Z0-9_]+)|%[A-Za-z]\w*%|\{\{.*\}\}|<%=?.*%>|env\.\w+", re.IGNORECASE
)
_STORE = re.compile(
    r"(?:vault|op|bw|keyring|ssm|arn|secretsmanager|akv|gsm|sops|secretref|azurekeyvault):\S+", re.IGNORECASE
)
# No word: `changeme` is the password of many a database.
_PLACEHOLDER = re.compile(r"<[^<>]*>|\*{3,}|your[-_ ](?:token|secret|password|token[-_ ]secret)", re.IGNORECASE)
# Every Fernet token begins so: the first byte is its version, the next four of the time are zero until 2106.
TOKEN = re.compile(r"(?<![\w:])enc:(gAAAA[A-Za-z0-9_-]+={0,2})")
HOW_TO_GIVE_A_KEY = (
    f"set `{KEY_VARIABLE}` or `{KEY_FILE_VARIABLE}`, or put a file named `{KEY_FILE}` beside the settings"
)


@dataclass(frozen=True)
class Keys:
    """Fernet keys, newest first, and where they came from; `path` is their file, None when from a variable."""

    values: tuple[str, ...] = field(repr=False)
    origin: str
    path: Path | None = None

    @property
    def fernet(self) -> MultiFernet:
        """What encrypts with the newest key and decrypts with any; loaded here, for most settings hold no key."""
        from cryptography.fernet import Fernet, MultiFernet

        return MultiFernet([Fernet(value) for value in self.values])


def _new_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode("ascii")


def _is_key(text: str) -> bool:
    try:
        _ = Keys((text,), "").fernet
    except ValueError:
        return False
    return True


def _keys_in(text: str, origin: str, path: Path | None = None) -> Keys:
    """The keys of a text, separated by blanks, commas or lines.

    The text itself never enters the message: it may be nearly a key.
    """
    values = tuple(part for part in re.split(r"[\s,]+", text) if part)
    if not values or not all(_is_key(value) for value in values):
        raise SettingsError([f"{origin} holds no valid key: `tabwarden settings encrypt --make-key` makes one"])
    return Keys(values, origin, path)


def read_key_file(path: Path) -> Keys:
    """The keys of a file, one a line, newest first. Raises SettingsError."""
    try:
        text = read_text(path, MOST_SECRET)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"key file `{path}` cannot be read: {why(error)}"]) from None
    return _keys_in(text, f"key file `{path}`", path)


def _cryptoyaml_keys(value: str) -> Keys:
    """CRYPTOYAML_SECRET is the key for the library and, for Tab_User_Provisioner, a path to it: both count."""
    origin = f"environment variable `{CRYPTOYAML_VARIABLE}`"
    with contextlib.suppress(OSError, ValueError):
        if Path(value).is_file():
            return read_key_file(Path(value))
    return _keys_in(value, origin)


def find_keys(folder: Path, environ: Mapping[str, str]) -> Keys | None:
    """The keys in force beside `folder`, None when there are none. The first place that names any counts.

    Order: TABWARDEN_KEY, TABWARDEN_KEY_FILE, CRYPTOYAML_SECRET, a file `key` in the folder.
    Raises SettingsError when a place names keys that are none.
    """
    if environ.get(KEY_VARIABLE):
        return _keys_in(environ[KEY_VARIABLE], f"environment variable `{KEY_VARIABLE}`")
    if environ.get(KEY_FILE_VARIABLE):
        return read_key_file(Path(environ[KEY_FILE_VARIABLE]).expanduser())
    if environ.get(CRYPTOYAML_VARIABLE):
        return _cryptoyaml_keys(environ[CRYPTOYAML_VARIABLE])
    for name in KEY_FILES:
        if (folder / name).is_file():
            return read_key_file(folder / name)
    return None


def make_key_file(path: Path) -> Keys:
    """A new key in a new file that only its owner can read. Raises SettingsError when the file exists."""
    value = _new_key()
    try:
        with open(path, "x", encoding="ascii", opener=for_the_owner) as out:
            out.write(value + "\n")
    except OSError as error:
        raise SettingsError([f"key file `{path}` cannot be created: {why(error)}"]) from None
    return Keys((value,), f"key file `{path}`", path)


def add_newest_key(keys: Keys) -> Keys:
    """The same keys with a new one in front, written to their file. Raises SettingsError when there is none."""
    if keys.path is None:
        raise SettingsError(
            [f"the keys come from {keys.origin}: put a new key first there, the old one behind it, and rotate"]
        )
    grown = Keys((_new_key(), *keys.values), keys.origin, keys.path)
    write_private(keys.path, "\n".join(grown.values) + "\n")
    return grown


def keep_newest_key(keys: Keys) -> Keys:
    """Only the newest key, the others struck from their file (when they have one)."""
    newest = Keys(keys.values[:1], keys.origin, keys.path)
    if keys.path is not None:
        write_private(keys.path, newest.values[0] + "\n")
    return newest


def key_file_is_open_to_others(keys: Keys) -> bool:
    """Whether others than the owner may read the key file; False where the system has no such thing."""
    if keys.path is None or sys.platform == "win32":
        return False
    with contextlib.suppress(OSError):
        return bool(keys.path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    return False


def encrypt(text: str, keys: Keys) -> str:
    """One Fernet token over the text."""
    return keys.fernet.encrypt(text.encode("utf-8")).decode("ascii")


def decrypt(token: str, keys: Keys) -> str:
    """The text of a token; blanks and line ends inside it do not count. Raises SettingsError."""
    from cryptography.fernet import InvalidToken

    try:
        return keys.fernet.decrypt("".join(token.split()).encode("ascii", "replace")).decode("utf-8")
    except (InvalidToken, UnicodeDecodeError):
        raise SettingsError(
            [f"no key of {keys.origin} opens it: it was encrypted with another key or is damaged"]
        ) from None


def read_encrypted(path: Path, keys: Keys) -> str:
    """The text of an encrypted file. Raises SettingsError."""
    try:
        token = read_bytes(path).decode("ascii", "replace")
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {why(error)}"]) from None
    try:
        return decrypt(token, keys)
    except SettingsError as error:
        raise SettingsError([f"{path}: {error}"]) from None


def rotate_values(text: str, keys: Keys) -> tuple[str, int]:
    """A settings text with every `enc:` token encrypted anew with the newest key, and how many there were.

    Everything else of the text, comments too, stays as it is. Raises SettingsError naming the line of each token
    no key opens; nothing is half done.
    """
    problems: list[str] = []
    count = 0

    def anew(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        try:
            return "enc:" + encrypt(decrypt(match[1], keys), keys)
        except SettingsError as error:
            problems.append(f"line {text.count(chr(10), 0, match.start()) + 1}: {error}")
            return match[0]

    rotated = TOKEN.sub(anew, text)
    if problems:
        raise SettingsError(problems)
    return rotated, count


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, a new one for its owner alone. Raises SettingsError."""
    try:
        write_whole(path, text.encode("utf-8"))
    except OSError as error:
        raise SettingsError([f"`{path}` cannot be written: {why(error)}"]) from None


def reference_kind(value: str) -> str | None:
    """env, file, cmd, enc or plain when the value is written as a reference, else None."""
    kind, colon, _ = value.partition(":")
    return kind if colon and kind in KINDS_OF_REFERENCE else None


def mistaken(value: str, *, secret: bool) -> str:
    """Why a text that is no reference cannot be meant as it stands, in words that hold nothing of it; '' where it can.

    What other programs would put something else in place of is no value: Tableau would only refuse the sign-in.
    """
    text, plain = value.strip(), "`plain:` before it takes it as it stands"
    kind = text.partition(":")[0]
    if kind not in KINDS_OF_REFERENCE and kind.lower() in KINDS_OF_REFERENCE and re.match(r"\w+:\S", text):
        return f"is a reference in capital letters; write `{kind.lower()}:`, or {plain}"
    if kind == "env" and any(sign in text for sign in "${}%"):
        return "names a variable with signs around it; write its bare name, as in `env:TABLEAU_PAT`"
    if reference_kind(value) is not None:
        return ""
    if len(text) > 1 and text[0] in "“”„‟‘’«»" and text[-1] in "“”‟‘’«»":
        return 'stands in typographic quotes; write plain ones, `"`'
    if _VARIABLE.fullmatch(text):
        return f"is written as other programs write a variable; write `env:` and its name, or {plain}"
    if secret and _STORE.fullmatch(text):
        return f"names another store of secrets; ask that by `cmd:PROGRAM ARGUMENTS`, or {plain}"
    if secret and _PLACEHOLDER.fullmatch(text):
        return f"is what stands in place of a secret; write the secret or a reference to it, or {plain}"
    return ""


def resolve(value: str, folder: Path, environ: Mapping[str, str], keys: Keys | None) -> str:
    """What a reference stands for; a value that is none is itself.

    `env:NAME`, `file:PATH` (relative to `folder`; one line end at its end does not count),
    `cmd:PROGRAM ARGUMENTS` (no shell; its output without the last line end), `enc:TOKEN`, `plain:TEXT` (the text,
    whatever it begins with).
    Raises SettingsError with one sentence that holds no secret.
    """
    kind = reference_kind(value)
    rest = value.partition(":")[2]
    match kind:
        case "env":
            return _from_environment(rest.strip(), environ)
        case "file":
            return _from_file(rest.strip(), folder)
        case "cmd":
            return _from_command(rest, environ)
        case "enc":
            if keys is None:
                raise SettingsError([f"it is encrypted and no key is there: {HOW_TO_GIVE_A_KEY}"])
            return decrypt(rest, keys)
        case "plain":
            return rest
    return value


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    try:
        return environ[name]
    except (KeyError, ValueError):  # half a character is in no name of the system's
        raise SettingsError([f"environment variable `{name}` is not set: set it where the command runs"]) from None


def _from_file(name: str, folder: Path) -> str:
    path = folder / Path(name).expanduser()
    try:
        text = read_text(path, MOST_SECRET)
    except (OSError, ValueError) as error:
        raise SettingsError([f"file `{name}` cannot be read: {why(error)}; check path and permissions"]) from None
    return _without_last_line_end(text)


def _from_command(line: str, environ: Mapping[str, str]) -> str:
    """The output of a program. Only its name is ever told: arguments and output may hold secrets."""
    try:
        words = _words(line, windows=sys.platform == "win32")
    except ValueError:
        raise SettingsError(["the command has an open quote: close it"]) from None
    if not words:
        raise SettingsError(["`cmd:` names no program: write `cmd:PROGRAM ARGUMENTS`"])
    program = Path(words[0]).name
    try:
        output, code = _output(words, environ)
    except subprocess.TimeoutExpired:
        raise SettingsError([f"command `{program}` did not end within {COMMAND_SECONDS} seconds"]) from None
    except (OSError, ValueError) as error:
        raise SettingsError([f"command `{program}` cannot be run: {why(error)}"]) from None
    if len(output) > MOST_SECRET:
        raise SettingsError([f"command `{program}` wrote more than {MOST_SECRET:,} bytes, which is no secret"])
    if code:
        raise SettingsError([f"command `{program}` ended with {code}: run it by hand to see why"])
    try:
        text = _without_last_line_end(output.decode("utf-8"))
    except UnicodeDecodeError:
        raise SettingsError([f"command `{program}` wrote something that is not UTF-8 text"]) from None
    if not text:
        raise SettingsError([f"command `{program}` wrote nothing: run it by hand to see why"])
    return text


def _output(words: list[str], environ: Mapping[str, str]) -> tuple[bytes, int]:
    """What a program writes, at most a byte more than a secret may have, and its exit code.

    A program that writes on or takes too long is killed, with those it has started.
    """
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(environ),
        start_new_session=True,
    )
    late = threading.Event()

    def too_late() -> None:
        late.set()
        _kill(process)

    watch = threading.Timer(COMMAND_SECONDS, too_late)
    watch.start()
    try:
        with process, process.stdout or contextlib.nullcontext() as out:
            output = out.read(MOST_SECRET + 1) if out is not None else b""
            if len(output) > MOST_SECRET:
                _kill(process)
    finally:
        watch.cancel()
    if late.is_set():
        raise subprocess.TimeoutExpired(words, COMMAND_SECONDS)
    return output, process.returncode


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _words(line: str, *, windows: bool) -> list[str]:
    """A command in words; on Windows a backslash divides folders and escapes nothing."""
    return [word.strip('"') for word in shlex.split(line, posix=False)] if windows else shlex.split(line)


def _without_last_line_end(text: str) -> str:
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")
