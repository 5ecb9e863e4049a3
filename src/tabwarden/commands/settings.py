"""`tabwarden settings`: check, encrypt, decrypt, rotate, import."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import SettingsPath, load_settings, typed
from tabwarden.commands._output import ERROR, leave, say, show
from tabwarden.commands._parsing import Argument, Option
from tabwarden.model.errors import SettingsError
from tabwarden.places import ENCRYPTED
from tabwarden.places import PLAIN as PLAIN_FILE
from tabwarden.secrets import (
    HOW_TO_GIVE_A_KEY,
    KEY_FILE,
    TOKEN,
    Keys,
    add_newest_key,
    decrypt,
    encrypt,
    find_keys,
    keep_newest_key,
    make_key_file,
    read_encrypted,
    rotate_values,
    write_private,
)

if TYPE_CHECKING:
    from tabwarden.settings import Settings

MakeKey = Annotated[bool, Option("--make-key", about="Make a key file `key` beside the file if there is no key.")]


def settings_check(settings: SettingsPath = None, output: Output = PLAIN) -> None:
    """Read the settings as every command does and tell every problem. Secrets are resolved and never shown."""
    from tabwarden.report.table import MARK, Column, Many, Table

    try:
        loaded = load_settings(settings)
    except SettingsError as error:
        if not output.json:
            raise
        problems = list(error.problems)
        output.give(problems, lambda: {"ok": False, "problems": problems})
        leave(ERROR)
    site = f"{loaded.tableau.site or 'Default'} on {loaded.tableau.server}, sign-in by {_sign_in(loaded)}"
    table = Table(Column("Setting", MARK), "Value", name="settings", plain=True)
    table.add_row("  site", site)
    table.add_row("  sources", Many(_sources(loaded)) if _sources(loaded) else "none")
    table.add_row("  mail", "on" if loaded.mail.enabled else "off")
    warnings = list(loaded.warnings())
    by = f" (found {loaded.found_by})" if loaded.found_by else ""
    heading = f"{loaded.origin or 'the environment'}: no problems{by}"
    output.give(
        [heading, table, *(f"warning: {line}" for line in warnings)],
        lambda: {"ok": True, "problems": [], "warnings": warnings, **_summary(loaded)},
    )


def _sign_in(loaded: Settings) -> str:
    from tabwarden.settings.rules import WAYS_TO_SIGN_IN

    return next(way for way in WAYS_TO_SIGN_IN if getattr(loaded.tableau.auth, way))


def _sources(loaded: Settings) -> list[str]:
    both = {"joiners": loaded.sources.joiners, "leavers": loaded.sources.leavers}
    return [f"{name} ({source.type})" for name, source in both.items() if source]


def _summary(loaded: Settings) -> dict[str, object]:
    return {
        "settings": loaded.origin,
        "found": loaded.found_by,
        "server": loaded.tableau.server,
        "site": loaded.tableau.site,
        "sign_in": _sign_in(loaded),
        "sources": _sources(loaded),
        "mail": loaded.mail.enabled,
    }


def settings_encrypt(
    file: Annotated[Path, Argument("Plain settings file.")] = Path(PLAIN_FILE),
    *,
    values: Annotated[bool, Option("--values", about="Encrypt the secrets inside the file instead.")] = False,
    one: Annotated[bool, Option("--value", about="Encrypt one value from stdin and print its token.")] = False,
    remove_plain: Annotated[bool, Option("--remove-plain", about="Delete the plain file afterwards.")] = False,
    make_key: MakeKey = False,
) -> None:
    """Encrypt the whole file to FILE.aes, or with --values only its secrets, in place."""
    if sum((values, one, remove_plain)) > 1:
        raise SettingsError(["`--values`, `--value` and `--remove-plain` exclude each other; give one"])
    keys = _keys(file.parent, make_key=make_key)
    if one:
        show(f"enc:{encrypt(_one_secret('Value'), keys)}")
        return
    text = _read(file)
    if values:
        from tabwarden.settings.seal import seal

        sealed, count = seal(text, keys, str(file))
        write_private(file, sealed)
        show(f"{file}: {count} secret{'s' * (count != 1)} encrypted with the key of {keys.origin}")
        return
    target = file.with_name(file.name + ".aes")
    write_private(target, encrypt(text, keys))
    if read_encrypted(target, keys) != text:
        raise SettingsError([f"{target}: does not read back as it was written; the plain file was kept"])
    show(f"wrote {target}, encrypted with the key of {keys.origin}")
    if remove_plain:
        file.unlink()
        show(f"deleted {file}")
    else:
        show(f"{file} still has the secrets in plain: delete it, or keep it elsewhere")


def settings_decrypt(
    file: Annotated[Path, Argument("Encrypted settings file.")] = Path(ENCRYPTED),
    *,
    to: Annotated[Path | None, Option("--to", about="Where to write; default: FILE without `.aes`.")] = None,
    overwrite: Annotated[bool, Option("--overwrite", about="Replace a file that is there.")] = False,
    one: Annotated[bool, Option("--value", about="Decrypt one `enc:` token from stdin and print it.")] = False,
) -> None:
    """Write the plain text of an encrypted settings file."""
    keys = _keys(file.parent)
    if one:
        show(decrypt(_one_secret("Token").removeprefix("enc:"), keys))
        return
    if file.suffix != ".aes" and to is None:
        raise SettingsError([f"`{file}` does not end in `.aes`; say with `--to` where to write"])
    target = to or file.with_suffix("")
    text = read_encrypted(file, keys)
    _write_new(target, text, overwrite=overwrite)
    show(f"wrote {target}: its secrets can be read by whoever can read the file")


def settings_rotate(
    file: Annotated[Path | None, Argument("Settings file; default: all of this folder.")] = None,
    *,
    new_key: Annotated[bool, Option("--new-key", about="Put a new key first into the key file.")] = False,
    drop_old: Annotated[bool, Option("--drop-old", about="Strike the other keys from the key file after.")] = False,
) -> None:
    """Encrypt everything anew with the newest key: the .aes file and every `enc:` value. All of it or nothing."""
    files = [file] if file else [path for path in (Path(PLAIN_FILE), Path(ENCRYPTED)) if path.exists()]
    if not files:
        raise SettingsError([f"no {PLAIN_FILE} and no {ENCRYPTED} in this folder; name a file"])
    keys = _keys(files[0].parent)
    for path in files:  # before a key changes: does everything open?
        _anew(path, keys)
    if new_key:
        keys = add_newest_key(keys)
    written = [(path, *_anew(path, keys)) for path in files]
    for path, text, _ in written:
        write_private(path, text)
    for path, _, count in written:
        show(f"{path}: {count} token{'s' * (count != 1)} encrypted with the newest key of {keys.origin}")
    if drop_old:
        keep_newest_key(keys)
        show(
            f"the other keys of {keys.origin} are gone" if keys.path else f"now take the old keys out of {keys.origin}"
        )


def _anew(path: Path, keys: Keys) -> tuple[str, int]:
    """The text of a file, encrypted with the newest key where it was encrypted, and how many tokens that were."""
    try:
        if path.suffix != ".aes":
            return rotate_values(_read(path), keys)
        text, count = rotate_values(read_encrypted(path, keys), keys)
    except SettingsError as error:
        named = [line if line.startswith(str(path)) else f"{path}: {line}" for line in error.problems]
        raise SettingsError(named) from None
    return encrypt(text, keys), count + 1


def settings_import(
    file: Annotated[Path, Argument("settings.yaml or settings.yaml.aes of Tab_User_Provisioner.")],
    *,
    to: Annotated[Path, Option("--to", about="Where to write.")] = Path(PLAIN_FILE),
    overwrite: Annotated[bool, Option("--overwrite", about="Replace a file that is there.")] = False,
    make_key: MakeKey = False,
    output: Output = PLAIN,
) -> None:
    """Make settings of those of Tab_User_Provisioner, whose file stays as it is."""
    from tabwarden.report.table import Text
    from tabwarden.seed import read_seed, translate

    seed = read_seed(file, os.environ)
    if to.exists() and (not overwrite or to.resolve() == file.resolve()):
        raise SettingsError([f"`{to}` is there already; name another file with `--to`"])
    keys = find_keys(to.parent, os.environ)
    if keys is None and make_key:
        keys = make_key_file(to.parent / KEY_FILE)
    imported = translate(seed, keys)
    text = imported.text()
    write_private(to, text)
    hidden = len(set(TOKEN.findall(text)))
    words = [f"wrote {to}; {file} is as it was"]
    if keys and hidden:
        words.append(f"its {hidden} secret{'s are' if hidden != 1 else ' is'} encrypted with the key of {keys.origin}")
    words += [f"note: {note}" for note in imported.notes]
    output.give(
        [*words, Text(f"next: tabwarden settings check --settings {typed(to)}", "command")],
        lambda: {"settings": str(to), "encrypted": hidden, "notes": list(imported.notes)},
    )


def _keys(folder: Path, *, make_key: bool = False) -> Keys:
    keys = find_keys(folder, os.environ)
    if keys is None and make_key:
        keys = make_key_file(folder / KEY_FILE)
        say(f"made {keys.path}: keep a copy, without it nothing can be decrypted")
    if keys is None:
        raise SettingsError(
            [f"no key is there: {HOW_TO_GIVE_A_KEY}; `tabwarden settings encrypt --make-key` makes one"]
        )
    return keys


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError([f"{file}: is not UTF-8 text"]) from None
    except OSError as error:
        raise SettingsError([f"{file}: cannot be read: {(error.strerror or '').lower()}"]) from None


def _write_new(target: Path, text: str, *, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise SettingsError([f"`{target}` is there already; name another file with `--to`, or give `--overwrite`"])
    write_private(target, text)


def _one_secret(prompt: str) -> str:
    """One value: asked for without showing it, or the text of stdin without its last line end."""
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass(f"{prompt}: ")
    return sys.stdin.read().removesuffix("\n")
