"""Who is here: the account of the process, as the kernel and the user database know it."""

from __future__ import annotations

import pwd

from rshell.core.value import Value
from rshell.lean import os, text_of

TYPE_CHECKING = False

LOGINUID_NONE = "4294967295"


class Account(Value):
    """One account."""

    uid: int
    name: str
    home: str


class Unknown(Exception):
    """The user database does not know this account."""


def own() -> Account:
    """Return the account of this process. Raises Unknown."""
    uid = os.getuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise Unknown(f"uid {uid} is not in the user database") from None
    return Account(uid, entry.pw_name, entry.pw_dir)


def named(name: str) -> Account:
    """Return the account of a user. Raises Unknown."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise Unknown(f"there is no user {name}") from None
    return Account(entry.pw_uid, name, entry.pw_dir)


def groups(name: str) -> tuple[str, ...]:
    """Return the names of the groups of a user, as the group database has them."""
    import grp

    primary = pwd.getpwnam(name).pw_gid
    return tuple(group.gr_name for group in grp.getgrall() if name in group.gr_mem or group.gr_gid == primary)


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
