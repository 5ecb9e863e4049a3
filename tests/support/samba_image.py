"""The image of two Samba domains, provisioned and filled once a run: what servers are started from. Not the servers."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import domain_people as forest
from watchdog import patience

PROGRAMS = ("samba", "samba-tool", "ldbmodify", "ldbdel", "ldbsearch")
NETBIOS = {forest.CORP: "CORP", forest.SEATTLE: "SEATTLE"}
ADMINISTRATOR_PASSWORD = "Admin-pass-word-1"
_FOLDERS = ("private", "state", "cache", "lock", "pid", "ncalrpc", "binddns", "sysvol", "sysvol/scripts")


def missing() -> str:
    """Why there can be no domains here; empty where there can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "Samba listens on port 389 and needs root"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"not installed: {', '.join(absent)}; run script/system-packages" if absent else ""


def provision(folder: Path) -> None:
    """Both domains, filled, below `folder`: the image that servers are started from. About eight seconds."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda fqdn: _provision(folder / fqdn, fqdn), NETBIOS))
    sids = {(fqdn, name): sid for fqdn in NETBIOS for name, sid in _sids(folder / fqdn)}
    for fqdn in NETBIOS:
        home = folder / fqdn
        _ldb(home, "ldbmodify", "".join(forest.changes(fqdn, sids)))
        _ldb(home, "ldbmodify", "".join(forest.trusts(fqdn, sids)), "--controls=relax:0")
        for name in forest.DELETED[fqdn]:
            _ldb(home, "ldbdel", "", f"CN={name},OU=People,{forest.base(fqdn)}")


def _provision(home: Path, fqdn: str) -> None:
    for name in _FOLDERS:
        (home / name).mkdir(parents=True)
    configure(home, fqdn, "127.0.0.1")
    run(
        "samba-tool",
        "domain",
        "provision",
        f"--configfile={home / 'smb.conf'}",
        f"--realm={fqdn.upper()}",
        f"--domain={NETBIOS[fqdn]}",
        "--server-role=dc",
        "--dns-backend=NONE",
        f"--adminpass={ADMINISTRATOR_PASSWORD}",
        "--host-name=dc1",
        "--host-ip=127.0.0.1",
    )
    _ldb(home, "ldbmodify", "".join(forest.ldif(fqdn)))


def configure(home: Path, fqdn: str, address: str) -> None:
    """An smb.conf of our own: the distribution's would bring shares, printers and a forwarder of names."""
    folders = {
        "private dir": "private",
        "state directory": "state",
        "cache directory": "cache",
        "lock directory": "lock",
        "pid directory": "pid",
        "ncalrpc dir": "ncalrpc",
        "binddns dir": "binddns",
        "log file": "log",
        "posix:eadb": "eadb.tdb",
    }
    options = {
        "workgroup": NETBIOS[fqdn],
        "realm": fqdn.upper(),
        "netbios name": "DC1",
        "server role": "active directory domain controller",
        "interfaces": f"{address}/8",
        "bind interfaces only": "yes",
        "server services": "ldap",
        "ldap server require strong auth": "yes",
        **{option: str(home / place) for option, place in folders.items()},
    }
    lines = ["[global]", *(f"{option} = {value}" for option, value in options.items())]
    for share in ("sysvol", "netlogon"):
        lines += [f"[{share}]", f"path = {home / 'sysvol'}", "read only = no"]
    (home / "smb.conf").write_text("\n".join(lines) + "\n")


def _sids(home: Path) -> Iterator[tuple[str, str]]:
    told = _ldb(home, "ldbsearch", "", "(sAMAccountName=*)", "sAMAccountName", "objectSid")
    for record in told.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in record.splitlines() if ": " in line)
        if "objectSid" in lines and "sAMAccountName" in lines:
            yield lines["sAMAccountName"], lines["objectSid"]


def _ldb(home: Path, program: str, text: str, *arguments: str) -> str:
    file = []
    if text:
        (home / "change.ldif").write_text(text)
        file = [str(home / "change.ldif")]
    return run(program, "-H", str(home / "private" / "sam.ldb"), *arguments, *file)


def run(*command: str) -> str:
    """What a program prints; AssertionError with its last words where it fails."""
    # Nothing of it has to outlive a loss of power.
    quick = {**os.environ, "TDB_NO_FSYNC": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience(300), check=False, env=quick)
    assert done.returncode == 0, f"{command[0]} failed: {done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def image(shared: Path) -> Path:
    """The image of this run, made by the first worker that asks and waited for by the others."""
    import fcntl  # not everywhere, and neither is Samba

    kept = os.environ.get("TABWARDEN_TEST_DOMAINS")
    made_by = b"".join(Path(module).read_bytes() for module in (__file__, forest.__file__))
    version = hashlib.sha256(made_by).hexdigest()[:12]
    place = (Path(kept) if kept else shared) / f"domains-{version}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            aside = place.with_suffix(".unfinished")
            shutil.rmtree(aside, ignore_errors=True)
            provision(aside)
            aside.rename(place)
    return place
