"""What is on this host, so that before and after can be compared whole."""

import grp
import hashlib
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .ground import program, run

PLACES = ("/etc", "/usr/local", "/var/lib", "/var/log", "/home")
OTHERS = ("apt", "dpkg", "systemd", "wtmp", "lastlog", "faillog", "btmp", "rshell-test-", "journal")
Entry = tuple[int, int, int, str]


def listing() -> dict[str, Entry]:
    """Everything below the places that install writes to: mode, owner, group, and what is in it."""
    found = {}
    for place in PLACES:
        for directory, names, files in os.walk(place):
            names[:] = [name for name in names if not name.startswith(OTHERS)]
            for path in (Path(directory, name) for name in (*names, *files) if not name.startswith(OTHERS)):
                found[str(path)] = described(path)
    return found


def described(path: Path) -> Entry:
    status = path.lstat()
    content = ""
    if stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(status.st_mode) and status.st_size < 2**20:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    return status.st_mode, status.st_uid, status.st_gid, content


def differing(before: dict[str, Entry], after: dict[str, Entry], *allowed: str) -> set[str]:
    """The paths that differ, but for the backups that useradd makes (/etc/passwd-)."""
    paths = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return {path for path in paths if not path.endswith("-") and not path.startswith(allowed or "\0")}


def accounts() -> set[tuple[str, ...]]:
    """Every account and group, with what it is; uids and gids by name, since new ones may be others."""
    users = {(e.pw_name, e.pw_dir, e.pw_shell, e.pw_gecos) for e in pwd.getpwall()}
    return {*users, *((each.gr_name, *sorted(each.gr_mem)) for each in grp.getgrall())}


def effective(user: str) -> list[str]:
    """What sshd of this host does with a user."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    return run(program("sshd"), "-T", "-C", f"user={user},host=localhost,addr=127.0.0.1").stdout.splitlines()


@contextmanager
def operator(name: str, *options: str) -> Iterator[str]:
    """An account that was here before us."""
    run(program("useradd"), "--create-home", "--shell", "/bin/sh", "--password", "$6$not$real", *options, name)
    try:
        yield name
    finally:
        run(program("userdel"), "--force", "--remove", name, check=False)
