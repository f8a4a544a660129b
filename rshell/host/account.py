"""Who is here: the account of the process, as the kernel and the user database know it."""

from __future__ import annotations

import grp
import pwd

from rshell.core.value import Value
from rshell.lean import os, text_of

TYPE_CHECKING = False

LOGINUID_NONE = "4294967295"


class Account(Value):
    """One account. `groups` are names."""

    uid: int
    name: str
    home: str
    groups: tuple[str, ...]


class Unknown(Exception):
    """The user database does not know this uid."""


def own() -> Account:
    """Return the account of this process. Raises Unknown."""
    uid = os.getuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise Unknown(f"uid {uid} is not in the user database") from None
    return Account(uid, entry.pw_name, entry.pw_dir, _groups({os.getgid(), *os.getgroups()}))


def named(name: str) -> Account:
    """Return the account of a user, its groups from the group database. Raises Unknown."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise Unknown(f"there is no user {name}") from None
    member = {group.gr_gid for group in grp.getgrall() if name in group.gr_mem}
    return Account(entry.pw_uid, name, entry.pw_dir, _groups({entry.pw_gid, *member}))


def _groups(gids: set[int]) -> tuple[str, ...]:
    names = []
    for gid in sorted(gids):
        try:
            names.append(grp.getgrgid(gid).gr_name)
        except KeyError:
            continue
    return tuple(names)


def login_uid() -> int | None:
    """Return the uid that the kernel remembers from the login, through su and sudo; None without one."""
    try:
        descriptor = os.open("/proc/self/loginuid", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(descriptor, 16).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)
    return int(text) if text.isdigit() and text != LOGINUID_NONE else None


def claimed(name: str) -> str:
    """Return a variable of the environment we were started with: a claim, for records only."""
    return text_of(os.environ.get(name.encode(), b""))
