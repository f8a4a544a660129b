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


class Claims(Value):
    """What a session says of itself and of its line, for the records only: nothing is decided by it."""

    id: str  # of the session; of one command SESSION-NUMBER
    mode: str
    source: str
    tty: str
    wrapper: str = ""
    line: str = ""  # masked and cut
    size: int = 0  # of the whole line, in bytes
    sha256: str = ""  # of the whole line


class Unknown(Exception):
    """The user database does not know this account."""


def own() -> Account:
    """Return the account of this process. Raises Unknown."""
    return by_uid(os.getuid())


def by_uid(uid: int) -> Account:
    """Return the account of a uid. Raises Unknown."""
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


def is_itself() -> bool:
    """Tell whether this process has the uid, gid and groups of its account and no others."""
    entry = pwd.getpwuid(os.getuid())
    here = ({*os.getresuid()}, {*os.getresgid()}, {*os.getgroups(), os.getgid()})
    there = {*os.getgrouplist(entry.pw_name, entry.pw_gid)}
    return here == ({entry.pw_uid}, {entry.pw_gid}, there)


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


def claims(mode: str) -> Claims:
    """Return what this session says of itself: a name that no other has, and where it comes from."""
    source = claimed("SSH_CONNECTION").partition(" ")[0][:64]
    return Claims(os.urandom(6).hex(), mode, source, claimed("SSH_TTY")[:64])


def claimed(name: str) -> str:
    """Return a variable of the environment we were started with: a claim, for records only."""
    return text_of(os.environ.get(name.encode(), b""))
