"""Wrong out of right, by chance: bytes, texts, values within values, names."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from fuzzing.inputs import Edit

NAMES = (
    "[/nope]", "[bold]Sales [old]", "red\x1b[31m", "\x1b]0;pwned\x07", "csi\x9b31m", "two\nlines", "back\rto", "\x00",
    "\u202egnp.exe", "a\u2066b\u2069", "zero\u200bwidth", "line\u2028separator", "tag\U000e0041", "tab\there", "\u00ad",
    "=1+1", "@SUM(A1)", "-2", "'; drop table users; --", "..", "../../etc/passwd", "/", "\\", "CORP\\", "\\\\host\\x",
    "", " ", " edge ", "\u00a0", "a" * 500, "\u00fc" * 300, "e\u0301", "\ufeffann", "\ud800", "\U0001f4a3", "%s%n{0}",
    "{box}", "${HOME}", "$(id)", "`id`", "--help", "-", "null", "yes", "NaN", "1e999", "\u0661", "\u212a", "\u0130",
    "user:ann", "a/b/c", "a//b", "All Users", "ann@", "@ann", "ann@a@b", "\x7f", "\x85", "\ufffe", "<b>&amp;</b>",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**30, -(10**30), 1e308, float("inf"), float("nan"), 0.1, "", " ", "0", "null", [],
    {},
    [[]], [None], {"": None}, {"a": {"b": {"c": []}}}, "2026-13-45", "2026-11-29", "9999-12-31T23:59:59Z", "env:",
    "env:NO",
    "file:", "file:/etc", "file:/dev/zero", "file:store", "cmd:", "cmd:false", "cmd:no-such-program", "cmd:'", "enc:",
    "enc:AAAA", "plain:", "http://", "https://[", "http://127.0.0.1:99999", "ftp://x", "1,2;3", "Creator", "Allow", "*",
    "x" * 5000,
)  # fmt: skip
BITS = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r", b"\r\n\r\n", b"\t", b'"', b"'", b"`", b"\\", b"{", b"}", b"[",
    b"]", b":", b",", b"&", b"*", b"<", b">", b"!", b"!!python/object:os.system ", b"&a *a", b"? ", b"---\n", b"...\n",
    b"\x1b[2J", b"\xe2\x80\xae", b"\xc3", b"\xed\xa0\x80", b"null", b"NaN", b"-", b"9" * 5000, b"1e999", b"[" * 3000,
    b'{"a":' * 3000, b"\x1a", b"%", b"#", b";", b"=", b"\x0c", b"\xc2\x85", b"0x", b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
)  # fmt: skip


def nonsense(random: Random, right: bytes) -> bytes:
    """The bytes with one to three things wrong."""
    content = right
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        content = _one_wrong(random, content)
    return content


def _one_wrong(random: Random, content: bytes) -> bytes:
    size = len(content)
    at, end = sorted((random.randint(0, size), random.randint(0, size)))
    near = min(size, at + random.choice((1, 2, 8, 40)))
    match random.randrange(12):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + random.choice(BITS) + content[at:]
        case 2:
            return content[:at] + random.choice(BITS) + content[near:]
        case 3:
            return content[:at] + content[near:]
        case 4:
            return content[:at] + content[near:end] + content[at:near] + content[end:]
        case 5:
            return content[:near] + content[at:near] * random.choice((1, 2, 20)) + content[near:]
        case 6:
            return content[:at] + random.randbytes(random.choice((1, 4, 64))) + content[near:]
        case 7:
            return b"" if random.random() < 0.3 else content[:at] + b"\n" + content[at:]
        case 8:
            return content.decode("utf-8", "replace").encode(
                random.choice(("utf-16", "utf-32", "cp037", "latin-1")), "replace"
            )
        case 9:
            return random.randbytes(random.choice((1, 16, 300)))
        case 10:
            lines = content.split(b"\n")
            random.shuffle(lines)
            return b"\n".join(lines)
        case _:
            return _flipped(random, content)


def _flipped(random: Random, content: bytes) -> bytes:
    if not content:
        return b"\x01"
    at = random.randrange(len(content))
    return content[:at] + bytes((content[at] ^ 1 << random.randrange(8),)) + content[at + 1 :]


def altered(random: Random, right: Any, words: Sequence[str] = ()) -> Any:
    """A value with one to three of the values within it exchanged, taken away, doubled, renamed or wrapped.

    `words` are such as stand in the right places elsewhere.
    """
    whole = [copy.deepcopy(right)]
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        holders = list(_holders(whole))
        holder, key = random.choice(holders)
        value = holder[key]
        match random.randrange(9):
            case 0 | 1:
                holder[key] = _odd(random)
            case 2:
                holder[key] = random.choice((*NAMES, *words))
            case 3 if holder is not whole:
                del holder[key]
            case 4 if isinstance(holder, dict):
                holder[str(random.choice((*NAMES, *words, f"{key}s")))] = holder.pop(key)
            case 5:
                holder[key] = random.choice(([value], {"a": value}, [value, copy.deepcopy(value)], str(value)))
            case 6:
                other, place = random.choice(holders)
                if other is not whole and holder is not whole and place in _keys(other) and key in _keys(holder):
                    holder[key] = copy.deepcopy(other[place])
            case 7 if isinstance(value, list):
                value.append(copy.deepcopy(random.choice(value)) if value and random.random() < 0.7 else _odd(random))
            case 7 if isinstance(value, dict):
                value[random.choice((*NAMES, *words)) or "x"] = _odd(random)
            case _:
                holder[key] = _next_to(random, value)
    return whole[0]


def _odd(random: Random) -> Any:
    return copy.deepcopy(random.choice(ODD))


def _keys(holder: Any) -> Any:
    return holder if isinstance(holder, dict) else range(len(holder))


def _holders(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place within, as what holds it and its key or index."""
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        for key in list(_keys(holder)):
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])


def _next_to(random: Random, value: Any) -> Any:
    """Something of the same kind that is nearly the same."""
    match value:
        case bool():
            return not value
        case int() | float():
            return random.choice((value + 1, -value, value * 1000, str(value), float(value)))
        case str():
            at = random.randint(0, len(value))
            return random.choice(
                (
                    value + "x",
                    value.upper(),
                    value[:at],
                    value[:at] + random.choice(NAMES) + value[at:],
                    value * 2,
                    f" {value}",
                )
            )
        case _:
            return _odd(random)


def damage(random: Random, file: str, size: int) -> tuple[Edit, ...]:
    """One to fifty bits flipped, a part cut off or taken away, two parts changed for each other, zeros,
    nothing left."""
    at, other = random.randrange(max(size, 1)), random.randrange(max(size, 1))
    match random.randrange(8):
        case 0 | 1 | 2:
            some = random.choice((1, 1, 2, 50))
            return tuple((file, "flip", random.randrange(max(size, 1)), random.randrange(8)) for _ in range(some))
        case 3:
            return ((file, "cut", at),)
        case 4:
            return ((file, "swap", at, other, random.choice((1, 16, 512, 4096))),)
        case 5:
            return ((file, "put", at, random.choice((b"\0" * 64, random.randbytes(16), b"\0" * 4096, b"\n"))),)
        case 6:
            return ((file, "take", at, random.choice((1, 16, 512, 4096))),)
        case _:
            return ((file, random.choice(("delete", "folder", "empty", "junk", "pipe", "double"))),)
