"""The kinds of inputs: each a generator from chance and the desk."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any

import yaml
from paths import CASES

from fuzzing.chance import NAMES, ODD, altered, damage, nonsense
from fuzzing.desk import AES_KEY, Desk
from fuzzing.directory_wire import WORDS, cut_answer, wrong_answers
from fuzzing.inputs import Edit, Input
from fuzzing.replay import changed_answers
from tabwarden.settings.schema import SECTIONS
from tabwarden.store.journal import checked_line

Words = tuple[str, ...]
USERS = ("vic@a.example", "cleo@a.example", "una@a.example", "ada", "Nobody")
CONTENTS = ("Default/Book 0", "Default/Within/Book 2", "Default", "Default/Within", "Nothing")
GROUPS = ("Grant_Role_On_Sign_In", "All Users", "None")
CAPABILITIES = ("View", "Read", "Filter", "ability:move", "ability:\x1b", "Download", "")
WHY = ("why", "cleo@a.example", "View", "Default/Book 0", "--json")
ASKED: tuple[Words, ...] = (
    WHY, ("who", "View", "Default/Book 0", "--json"), ("history", "--json"), ("what", "vic@a.example", "--json"),
    ("diff", "1", "3", "--json"), ("history", "Default/Book 0", "--json"), ("store", "check"),
    ("store", "check", "--repair"), ("rules", "Default/Book 0", "--json"), ("snapshots", "delete", "1"),
)  # fmt: skip


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


# -- what people write -------------------------------------------------------------------------------------------

EVERY_SECTION: Mapping[str, Any] = {
    "mail": {"enabled": True, "from": "t@a.example", "to": ["b@a.example"], "host": "localhost",
             "port": 25, "user": "u", "password": "env:PAT"},
    "mirror": {"sinks": [{"type": "csv", "folder": "mirror"}]},
    "groups": [{"group": "CORP\\Sales", "minimum_site_role": "Viewer"}],
    "logs": {"folder": "logs", "retention_days": 90, "level": "info"},
    "store": {"folder": "store", "retention": {"every_days": 30, "daily_days": 365}},
    "provision": {"group": {"name": "G", "minimum_site_role": "Viewer"}, "auth_setting": "SAML",
    "protected": ["ada"], "assets_to": "ada"},
    "stops": {"licences_lost": {"count": 5, "percent": 10}, "unlisted_leave": {"count": 0}},
    "sources": {"joiners": {"type": "sql", "driver": "sqlite", "connect": {"database": "x.db"}, "query": "select 1"}},
}  # fmt: skip


def settings(random: Random, desk: Desk) -> Input:
    name = random.choice(("settings.yaml", "people.yaml"))
    whole = json.loads(desk.base[name])
    for section in random.sample(sorted(EVERY_SECTION), random.randint(0, 3)):
        whole[section] = EVERY_SECTION[section]
    content = _json(altered(random, whole, tuple(SECTIONS)))
    if random.random() < 0.3:
        with suppress(yaml.YAMLError, ValueError):
            content = yaml.safe_dump(json.loads(content), allow_unicode=True).encode("utf-8", "replace")
    if random.random() < 0.3:
        content = nonsense(random, content)
    words = random.choice(
        (("settings", "check"), ("settings", "check", "--json"), ("history",), WHY, ("people", "show"))
    )
    return Input(
        "settings",
        (*words, "--settings", "settings.yaml") if words[0] in ("settings", "people") else words,
        (("settings.yaml", "write", content),),
    )


def seed_settings(random: Random, desk: Desk) -> Input:
    """Settings of the seed, and encrypted ones."""
    if random.random() < 0.5:
        whole = yaml.safe_load(desk.base["old.yaml"])
        whole["TABLEAU"] |= {"TABLEAU_USER": "u", "TABLEAU_SITE": "s", "GLSI_GROUP_NAME": "G", "AUTH_SETTING": "SAML"}
        whole["SNOWFLAKE"] = {"USER": "u", "ACCOUNT": "a", "JOINERS_TABLE": "t", "PASSWORD": "p"}
        whole["EMAIL"] = {"EMAIL_TO": "a@b", "EMAIL_PORT": 25, "EMAIL_NOTIFICATIONS": True}
        content = _json(altered(random, whole))
        content = nonsense(random, content) if random.random() < 0.3 else content
        words = ("settings", "import", "old.yaml", "--to", "new.yaml", "--make-key", *random.choice(((), ("--json",))))
        return Input("settings", words, (("old.yaml", "write", content),))
    file = random.choice(("people.yaml.aes", "key"))
    words = random.choice(
        (
            ("settings", "check", "--settings", "people.yaml.aes"),
            ("settings", "decrypt", "people.yaml.aes", "--to", "new.yaml"),
            ("settings", "rotate", "people.yaml"),
        )
    )
    if random.random() < 0.2:
        return Input("settings", words, (("key", "write", f"{AES_KEY}\n".encode()),))
    return Input("settings", words, ((file, "write", nonsense(random, desk.base[file])),))


def lists(random: Random, desk: Desk) -> Input:
    if random.random() < 0.12:
        task = random.choice(("joiners", "leavers"))
        content = nonsense(random, desk.base[f"{task}.csv"])
        return Input("lists", ("plan", "provision", "--out", "p.json"), ((f"{task}.csv", "write", content),))
    whole = json.loads(desk.base["people.yaml"])
    source = whole["people"]["sources"][0]["from"]
    ending, content = random.choice(_FORMATS)(random, desk.base["people.csv"])
    source["path"] = f"people.{ending}"
    for key, values in _OPTIONS.items():
        if random.random() < 0.15:
            source[key] = random.choice(values)
    edits = ((source["path"], "write", content), ("people.yaml", "write", _json(whole)))
    return Input(
        "lists",
        ("people", "show", "--settings", "people.yaml", *random.choice(((), ("--json",), ("vic@a.example",)))),
        edits,
    )


_OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "encoding": ("utf-8", "utf-16", "latin-1", "cp037", "idna", "punycode", "hex", "unicode_escape", "utf-7", "ascii"),
    "delimiter": (",", ";", "\t", "|", "ab", "\n", '"', "\x00", " "),
    "header": ("yes", "no", "tableau", 1, 2, 99, 10**9),
    "format": ("csv", "jsonl", "xlsx", "parquet"),
    "min_rows": (0, 1, 99),
    "sheet": ("Sheet", "Other", "\x1b"),
}


def _csv(random: Random, right: bytes) -> tuple[str, bytes]:
    rows = [line.split(",") for line in right.decode().splitlines()]
    for _ in range(random.choice((0, 1, 3))):
        row = random.choice(rows)
        row[random.randrange(len(row))] = random.choice((*NAMES, *(str(odd) for odd in ODD), "vic@a.example"))
    content = "\n".join(",".join(f'"{cell}"' if random.random() < 0.2 else cell for cell in row) for row in rows)
    whole = content.encode("utf-8", "surrogatepass")
    return random.choice(("csv", "csv", "tsv", "txt")), nonsense(random, whole) if random.random() < 0.6 else whole


def _jsonl(random: Random, right: bytes) -> tuple[str, bytes]:
    head, *rows = [line.split(",") for line in right.decode().splitlines()]
    lines = b"\n".join(_json(altered(random, dict(zip(head, row, strict=True)), head)) for row in rows)
    return "jsonl", nonsense(random, lines) if random.random() < 0.3 else lines


def _xlsx(random: Random, right: bytes) -> tuple[str, bytes]:
    if not _WORKBOOK:
        import openpyxl

        book = openpyxl.Workbook()
        for line in right.decode().splitlines():
            book.active.append(line.split(","))
        file = io.BytesIO()
        book.save(file)
        _WORKBOOK.append(file.getvalue())
    return "xlsx", nonsense(random, _WORKBOOK[0])


_WORKBOOK: list[bytes] = []
_FORMATS: tuple[Callable[[Random, bytes], tuple[str, bytes]], ...] = (
    _csv,
    _csv,
    _csv,
    _csv,
    _csv,
    _jsonl,
    _jsonl,
    _xlsx,
)


def worlds(random: Random, desk: Desk) -> Input:
    if random.random() < 0.6:
        whole = yaml.safe_load(desk.base["world.yaml"])
        content = _json(altered(random, whole, ("susan", "Reports", "All Users", "Locked", "Publish")))
    else:
        content = nonsense(random, desk.base["world.yaml"])
    return Input(
        "worlds", ("sandbox", "--world", "bad.yaml", "--save-world", "saved.yaml"), (("bad.yaml", "write", content),)
    )


def cases(random: Random, desk: Desk) -> Input:
    if not _CASES:
        for path in sorted(CASES.glob("*.json")):
            _CASES.extend(json.loads(path.read_text(encoding="utf-8")))
    words = ("ann", "G", "P", "allow", "deny", "user:ann", "group:G", "Viewer", "LockedToProject")
    content = _json([altered(random, random.choice(_CASES), words)])
    if random.random() < 0.15:
        content = nonsense(random, content)
    return Input(
        "cases",
        ("cases", "c.json", *random.choice(((), ("--json",), ("--api", "all"), ("--newest",)))),
        (("c.json", "write", content),),
    )


_CASES: list[Any] = []
SENTENCES = (
    "lock C", "lock C without nested", "unlock C", "show tabs on C", "hide tabs on C", "move C to C",
    "move C to the top level", "allow K on C to P", "deny K on C to P", "allow K on workbooks in C to P",
    "remove allow K on C from P", "remove deny K on C from P", "use template T on C for P", "make P leader of C",
    "remove leader P from C", "add U to G", "remove U from G", "delete group G", "set U to R", "remove user U",
    "remove user U with heir U", "give C to U", "new project N", "new project N like C", "new project N owned by U",
    "delete C", "switch on S", "switch off S",
)  # fmt: skip


def sentences(random: Random, desk: Desk) -> Input:
    some = [_sentence(random) for _ in range(random.choice((1, 1, 2, 4)))]
    if random.random() < 0.25:
        content = "\n".join(some).encode("utf-8", "surrogatepass")
        if random.random() < 0.4:
            content = _json(
                altered(
                    random,
                    [
                        *some,
                        {"move": "Default", "to": "Default"},
                        {"allow": "View", "on": "Default", "to": "group All Users"},
                    ],
                )
            )
        content = nonsense(random, content) if random.random() < 0.4 else content
        return Input(
            "sentences",
            ("whatif", random.choice(("c.txt", "c.yaml"))),
            (("c.txt", "write", content), ("c.yaml", "write", content)),
        )
    words = [one.encode("utf-8", "replace").decode().replace("\0", "") for one in some]
    return Input("sentences", ("whatif", *random.choice(((), ("--json",))), "--", *words))


def _sentence(random: Random) -> str:
    stand = {
        "C": (*CONTENTS, "project:Default", "w-0", '"Default/Book 0"'), "U": USERS, "G": GROUPS, "K": CAPABILITIES,
        "P": (*(f"user {u}" for u in USERS), *(f"group {g}" for g in GROUPS), *GROUPS, "group set X"),
        "R": ("Viewer", "Creator", "Unlicensed", "ServerAdministrator", "Guest", "King"),
        "N": ("Default/New", "New", "Default", "", '""', "a/b/c"), "S": ("web authoring", "commenting", "x"),
        "T": ("View", "None", "Publish", "Odd"),
    }  # fmt: skip
    words = []
    for word in random.choice(SENTENCES).split():
        choice = random.choice(stand[word]) if word in stand else word
        words.append(random.choice(NAMES) if random.random() < 0.08 else choice)
        if random.random() < 0.04:
            words.append(random.choice(("to", "on", "from", "like", '"', "with", "x", *NAMES)))
    if random.random() < 0.05 and words:
        words.pop(random.randrange(len(words)))
    return " ".join(words)


def names(random: Random, desk: Desk) -> Input:
    def name() -> str:
        whole = random.choice(
            (
                *NAMES,
                "".join(
                    chr(random.choice((random.randrange(1, 128), random.randrange(128, 0xD800)))) for _ in range(6)
                ),
            )
        )
        return whole.encode("utf-8", "replace").decode().replace("\0", "")

    asked: tuple[Words, ...] = (
        ("why", name(), "View", "Default/Book 0"), ("why", "ada", name(), "Default"), ("why", "ada", "View", name()),
        ("who", "View", name()), ("who", name(), "Default"), ("what", name()), ("what", "ada", name()), ("rules",
        name()),
        ("history", name()), ("history", "Default", "--on", name()), ("diff", name(), "3"), ("why", "ada", "View",
        "Default", "--site", name()),
        ("why", "ada", "View", "Default", "--open-point", name()), ("names", "check", name()), ("names", "check",
        "--directory", "directory.json", name()),
        ("directory", "show", "--file", "directory.json", "--group", name()), ("directory", "show", "--file",
        "directory.json", "--person", name()),
        ("people", "show", name(), "--settings", "people.yaml"), ("plan", "rename", f"{name()}={name()}"), (name(),
        name()), ("apply", name()),
        ("why", "ada", "View", "Default", "--store", name()), ("snapshots", "delete", name()), ("read", name()),
        ("catalog", "--as", name()),
        ("sandbox", "--world", name(), "--save-world", "saved.yaml"), ("settings", "check", "--settings", name()),
        ("diff", "--models", "--capability", name()),
        ("snapshots", "export", name(), "exported"), ("apply", "plan.json", "--accept", name()), ("plan", "undo",
        "--to", name(), "--out", "u.json"),
        ("cases", name()), ("why", "ada", "View", "Default", "--model", name()), ("mirror", "--on", name()),
    )  # fmt: skip
    if random.random() < 0.25:
        return named_snapshot(random, name)
    words = random.choice(asked)
    return Input(
        "names", (*words, *random.choice(((), ("--json",)))), must="done" if words[:2] == ("apply", "plan.json") else ""
    )


def named_snapshot(random: Random, name: Callable[[], str]) -> Input:
    """A snapshot in which people, groups and things are called so."""
    users = "".join(
        json.dumps({"id": f"u{n}", "name": name(), "site_role": "Viewer", "full_name": name()}) + "\n" for n in range(2)
    )
    group = json.dumps({"id": "g", "name": name(), "members": ["u0", "u1"]}) + "\n"
    words = random.choice(
        (("who", "View", "p"), ("what", "u0"), ("rules", "p"), ("why", "u0", "View", "p"), ("whatif", "delete p"))
    )
    edits = (("out/one/users.jsonl", "write", users.encode()), ("out/one/groups.jsonl", "write", group.encode()))
    return Input("names", (*words, "--snapshot", "out/one", *random.choice(((), ("--json",)))), edits)


# -- what we write -------------------------------------------------------------------------------------------------


def plans(random: Random, desk: Desk) -> Input:
    chance = random.random()
    if chance < 0.5:
        content = nonsense(random, desk.base["plan.json"])
        must = "done" if _means_the_same(content, desk.base["plan.json"]) else "unapplied"
        return Input("plans", ("apply", "plan.json"), (("plan.json", "write", _boxed(content, desk)),), must=must)
    plain = altered(random, json.loads(desk.base["plan.json"]), ("add_user", "Viewer", "Creator", "set_role", "u-ada"))
    edits: tuple[Edit, ...] = (("plan.json", "write", _boxed(_json(plain), desk)), ("plan.json", "resealed"))
    words = ("apply", "plan.json") if chance < 0.9 else ("plan", "undo", "plan.json", "--out", "u.json")
    return Input("plans", words, edits)


def _means_the_same(content: bytes, right: bytes) -> bool:
    with suppress(ValueError, RecursionError):
        return bool(json.loads(content) == json.loads(right))
    return False


def _boxed(content: bytes, desk: Desk) -> bytes:
    return content.replace(desk.url.encode(), b"{box}")


def journals(random: Random, desk: Desk) -> Input:
    newest = desk.newest_journal
    undo = ("plan", "undo", "--last", "--out", "u.json")
    if random.random() < 0.4:
        file = random.choice(desk.journals)
        lines = [json.loads(line) for line in desk.base[file].splitlines()]
        for line in lines:
            line.pop("check", None)
        wrong = altered(random, lines)
        text = "".join(map(_line, wrong if isinstance(wrong, list) else [wrong]))
        return Input(
            "journals",
            random.choice((undo, ("store", "check"), ("apply", "second.json"))),
            ((file, "write", _boxed(text.encode(), desk)),),
            must="journal",
        )
    content = nonsense(random, desk.base[newest])
    words, must = random.choice(((undo, "undone"), (("apply", "second.json"), "journal"), (("store", "check"), "")))
    return Input("journals", words, ((newest, "write", _boxed(content, desk)),), must=must)


def _line(fields: Any) -> str:
    with suppress(UnicodeEncodeError):
        if isinstance(fields, dict):
            return checked_line(fields)
    return f"{json.dumps(fields)}\n"


def good_runs(random: Random, desk: Desk) -> Input:
    """A list that has shrunk, and what it is compared with is damaged."""
    content = desk.base["store/good-runs.jsonl"]
    wrong = nonsense(random, content)
    if wrong.startswith(content):
        wrong = content[: random.randrange(1, len(content))]
    edits = (
        ("joiners.csv", "write", b"Email Address\njoe@a.example\n"),
        ("store/good-runs.jsonl", "write", _boxed(wrong, desk)),
    )
    return Input("journals", ("plan", "provision", "--out", "p.json"), edits, must="stopped")


def stores(random: Random, desk: Desk) -> Input:
    file = random.choice(
        ("store/history.db",) * 4 + ("store/columns/3.columns", "store/columns/3.columns", "store/columns/1.columns")
    )
    words = random.choice(ASKED)
    must = "" if words[0] in ("store", "snapshots") else "same"
    return Input("stores", words, damage(random, file, len(desk.base[file])), must=must)


def kept_files(random: Random, desk: Desk) -> Input:
    """Any file of the store, under any command that reads one."""
    files = sorted(name for name in desk.base if name.startswith(("store/", "plan.json", "directory.json", "out/")))
    file = random.choice(files)
    words = random.choice(
        (
            *ASKED,
            ("apply", "second.json"),
            ("plan", "undo", "--last", "--out", "u.json"),
            ("directory", "show"),
            ("snapshots", "import", "out/one"),
            ("read",),
        )
    )
    must = "undone" if words[0] == "plan" else "journal" if words[0] == "apply" else ""
    return Input("stores", words, damage(random, file, len(desk.base[file])), must=must)


def checkpoints(random: Random, desk: Desk) -> Input:
    """What a read left that was killed: the next one goes on where it is whole, and the snapshot is the right one."""
    content = bytearray(desk.checkpoint[1])
    for _ in range(random.choice((1, 1, 2, 5))):
        one, other = sorted(random.sample(range(len(content)), 2))
        size = min(random.choice((1, 8, 100)), other - one, len(content) - other)
        match random.randrange(4):
            case 0 | 1:
                content[one] ^= 1 << random.randrange(8)
            case 2:
                first, second = content[one : one + size], content[other : other + size]
                content[one : one + size], content[other : other + size] = second, first
            case _:
                del content[one : one + random.choice((1, 10, len(content)))]
                content = content or bytearray(b"\n\n")
    edits = (("store/unfinished", "unfinished", _boxed(bytes(content), desk)),)
    return Input("stores", ("read",), edits, must="read")


def snapshots(random: Random, desk: Desk) -> Input:
    file = random.choice(sorted(name for name in desk.base if name.startswith("out/one/") and desk.base[name]))
    content = desk.base[file]
    if random.random() < 0.6:
        lines = content.splitlines()
        at = random.randrange(len(lines))
        lines[at] = _json(altered(random, json.loads(lines[at]), ("u-ada", "p-default", "Viewer", "Read", "group")))
        content = b"\n".join(lines) + b"\n"
    else:
        content = nonsense(random, content)
    on = ("--snapshot", "out/one")
    words = random.choice(
        (
            (*WHY, *on), ("what", "vic@a.example", *on), ("who", "View", "Default/Book 0", *on), ("rules", "Default",
            *on),
            ("whatif", *on, "delete Default"), ("diff", "out/one", "later/two"), ("snapshots", "import", "out/one"),
            ("names", "check", "joe", *on),
            ("diff", "--models", *on), ("why", "cleo@a.example", "Filter", "Default/Book 1", "--fix", *on),
        )
    )  # fmt: skip
    return Input("snapshots", words, ((file, "write", _boxed(content, desk)),))


# -- what others answer --------------------------------------------------------------------------------------------


def answers(random: Random, desk: Desk) -> Input:
    words: Words = random.choice(
        (
            ("read",),
            ("projects",),
            ("plan", "provision", "--out", "p.json"),
            ("plan", "people", "--settings", "people.yaml", "--out", "p.json"),
        )
    )
    return Input(
        "answers", words, answers=changed_answers(random, {key: desk.replay.known[key] for key in desk.read_keys})
    )


def directories(random: Random, desk: Desk) -> Input:
    right = desk.base["directory.json"]
    content = (
        _json(altered(random, json.loads(right), ("corp.example", "ann", "Sales")))
        if random.random() < 0.6
        else nonsense(random, right)
    )
    file = ("--file", "directory.json")
    words = random.choice(
        (
            ("directory", "show", *file), ("directory", "show", *file, "--groups"), ("directory", "show", *file,
            "--group", "Sales"),
            ("directory", "show", *file, "--person", "ann", "--json"), ("names", "check", "--directory",
            "directory.json", "ann", "ann@corp.example", "CORP\\ann"),
            ("domains",), ("directory", "show"),
        )
    )  # fmt: skip
    return Input("directories", words, (("directory.json", "write", content),))


def domains(random: Random, desk: Desk) -> Input:
    """What the servers of a directory say over LDAP: of a part that is broken off, nothing is used."""
    words = random.choice(WORDS)
    cut = random.random() < 0.25
    answers = (cut_answer if cut else wrong_answers)(random, desk.wire[words])
    return Input("domains", (*words, "--settings", "wire.yaml"), answers=answers, must="refused" if cut else "")


def clocks(random: Random, desk: Desk) -> Input:
    """Reads of some weeks, in which the clock is wrong now and then: hours since 2026 began, and what is kept."""
    hours, times = 0.0, []
    for _ in range(random.choice((6, 12))):
        hours += random.choice((1, 1, 3, 12, 24, 24, 24, 48))
        odd = random.choice((0, 0, 0, 0, random.choice((-24 * 400, -24 * 3, 24 * 40, 24 * 400, 24 * 3000))))
        times.append(hours + odd)
    plain = {
        "hours": times,
        "retention": [random.choice((1, 2, 30)), random.choice((5, 365)), random.choice((None, 20))],
    }
    return Input("clocks", ("history",), about=json.dumps(plain), must="clocks")


# -- what happens to a process -----------------------------------------------------------------------------------

WRITING: tuple[tuple[Words, Words], ...] = (
    (("read",), ("read",)),
    (("snapshots", "import", "out/one", "later/two"), ("snapshots", "import", "out/one", "later/two")),
    (("snapshots", "delete", "1", "--yes"), ("history",)),
    (("snapshots", "export", "last", "exported"), ("history",)),
    (("settings", "encrypt", "--values"), ("settings", "check")),
    (("settings", "encrypt"), ("settings", "check")),
    (("settings", "rotate", "people.yaml"), ("settings", "check", "--settings", "people.yaml")),
    (("settings", "import", "old.yaml", "--to", "new.yaml"), ("settings", "check")),
    (("plan", "provision", "--out", "p.json"), ("plan", "provision", "--out", "p.json")),
    (("plan", "provision"), ("plan", "provision")),
    (("plan", "undo", "--last", "--out", "u.json"), ("plan", "undo", "--last", "--out", "u.json")),
    (("store", "check", "--repair"), ("store", "check")),
    (("sandbox", "--world", "w0", "--save-world", "saved.yaml"), ("history",)),
    (("projects",), ("projects",)),
)


def signals(random: Random, desk: Desk) -> Input:
    words, then = random.choice(
        (*WRITING, (("apply", "plan.json"), ("history",)), (("run", "provision"), ("history",)))
    )
    number = random.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    treated = {"signal": int(number), "after": round(random.choice((0.005, 0.02, 0.08)) * random.random(), 5)}
    return Input("signals", words, treated=treated, then=then, must="done" if words[0] in ("apply", "run") else "")


def disks(random: Random, desk: Desk) -> Input:
    words, then = random.choice(
        (*WRITING, (("apply", "plan.json"), ("history",)), (("run", "provision"), ("history",)))
    )
    must = "done" if words[0] in ("apply", "run") else ""
    if random.random() < 0.7:
        limit = random.choice((0, 1, 100, 1000, random.randrange(5000), random.randrange(100_000)))
        return Input("disks", words, treated={"limit": limit}, then=then, must=must)
    if random.random() < 0.5:
        asked = random.choice((*(words for words, _ in WRITING), *ASKED, ("--help",), ("demo", "--help")))
        return Input(
            "disks", asked, treated={"stdout": "/dev/full", "encoding": random.choice(("ascii", "utf-8", "cp1252"))}
        )
    places = ("store", "logs", "store/plans", "store/journals", "store/locks", "store/columns",
    "store/good-runs.jsonl", "store/history.db",
              "store/projects", "store/unfinished", "p.json", "saved.yaml", "exported", "settings.yaml.aes",
              "new.yaml", "u.json", "key")  # fmt: skip
    place = random.choice(places)
    edit: Edit = random.choice(
        (
            (place, "folder"),
            (place, "file"),
            (place, "link", "/dev/full"),
            (place, "link", "nowhere/at/all"),
            (place, "link", place),
        )
    )
    return Input("disks", words, (edit,), treated={"limit": 1 << 30}, must=must)


Generator = Callable[[Random, Desk], Input]
KINDS: Mapping[str, tuple[tuple[int, Generator], ...]] = {
    "settings": ((800, settings), (300, seed_settings)),
    "lists": ((600, lists),),
    "plans": ((500, plans),),
    "journals": ((300, journals), (100, good_runs)),
    "stores": ((300, stores), (150, kept_files), (50, checkpoints)),
    "snapshots": ((1500, snapshots),),
    "worlds": ((1300, worlds),),
    "cases": ((1300, cases),),
    "sentences": ((600, sentences),),
    "answers": ((150, answers),),
    "directories": ((1340, directories),),
    "domains": ((60, domains),),
    "names": ((500, names),),
    "clocks": ((50, clocks),),
    "signals": ((50, signals),),
    "disks": ((50, disks),),
}
"""By kind its generators, each with its share of ten thousand inputs."""
