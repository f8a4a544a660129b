"""What the checks look at: one small reader of the host, so that they can be tried without one."""

from __future__ import annotations

import grp
import os
import pwd
import select
import socket
import time
from contextlib import suppress

from rshell.core.value import Value
from rshell.ctl.system import Answer
from rshell.ctl.system import ask as ask_tool
from rshell.host import programs
from rshell.host.engine import Engine, Silent
from rshell.lean import read_all
from rshell.policy.open import COMPILED, INSTALLED, Unusable, open_policy
from rshell.policy.store import Compiled, Corrupt

MAX_FILE = 4 * 1024 * 1024
SHADOW = "/etc/shadow"
PATIENCE = 20.0  # seconds for a tool
ENGINE = "/run/docker.sock"


class Account(Value):
    """An account, as the user database has it."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


class Group(Value):
    """A group, as the group database has it."""

    name: str
    gid: int
    members: tuple[str, ...]


class Entry(Value):
    """What a path names, itself: a link is not followed."""

    mode: int
    uid: int
    gid: int
    size: int = 0
    mtime: int = 0


class Process(Value):
    """A process; `words` is its command line as it shows it."""

    pid: int
    parent: int
    uid: int
    program: str
    words: tuple[str, ...]


class Opened(Value):
    """The installed policy: what decides, or the code and the text of why nothing does."""

    compiled: Compiled | None
    code: str = ""
    why: str = ""
    slow: bool = False  # there is no compiled form that counts


class Host:
    """This host."""

    def entry(self, path: str) -> Entry | None:
        """Return what a path names; None when there is nothing."""
        try:
            status = os.lstat(path)
        except OSError:
            return None
        return Entry(status.st_mode, status.st_uid, status.st_gid, status.st_size, int(status.st_mtime))

    def link(self, path: str) -> str:
        """Return where a link leads."""
        return os.readlink(path)

    def data(self, path: str, most: int = MAX_FILE) -> bytes:
        """Return what a file holds; nothing when it can't be read."""
        try:
            with open(path, "rb", buffering=0) as file:
                return read_all(file.fileno(), most)[:most]  # in pieces: /proc/sys refuses to be read in one of 4 MiB
        except OSError:
            return b""

    def text(self, path: str) -> str:
        """Return what a file holds, as text."""
        return self.data(path).decode("utf-8", "replace")

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory, sorted; none when it is not there."""
        try:
            return sorted(os.listdir(directory))
        except OSError:
            return []

    def attribute(self, path: str, name: str) -> bytes:
        """Return an extended attribute; nothing when there is none."""
        try:
            return os.getxattr(path, name, follow_symlinks=False)
        except OSError:
            return b""

    def room(self, path: str) -> tuple[int, int]:
        """Return how many bytes are free on the file system of a path, and how many it has."""
        try:
            status = os.statvfs(path)
        except OSError:
            return 0, 0
        return status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize

    def accounts(self) -> list[Account]:
        """Return the accounts that the user database lists."""
        return [_account(entry) for entry in pwd.getpwall()]

    def account(self, name: str) -> Account | None:
        """Return an account by its name, listed or not."""
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            return None

    def groups(self) -> list[Group]:
        """Return the groups that the group database lists."""
        return [Group(entry.gr_name, entry.gr_gid, tuple(entry.gr_mem)) for entry in grp.getgrall()]

    def groups_of(self, account: Account) -> set[int]:
        """Return the gids that a login of an account gets."""
        return set(os.getgrouplist(account.name, account.gid))

    def secret(self, name: str) -> str | None:
        """Return the password field of an account; None when there is none."""
        for line in self.text(SHADOW).splitlines():
            fields = line.split(":")
            if fields[0] == name and len(fields) > 1:
                return fields[1]
        return None

    def processes(self) -> list[Process]:
        """Return what runs."""
        return [process for name in self.names("/proc") if name.isdigit() and (process := _process(int(name)))]

    def listens(self, path: str) -> bool:
        """Tell whether somebody takes datagrams at a socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            try:
                connection.connect(path)
            except OSError:
                return False
        return True

    def ask(self, name: str, *words: str) -> Answer:
        """Run one of the system's own tools."""
        return ask_tool(name, *words, timeout=PATIENCE)

    def find(self, name: str, plugin: bool = False) -> str:
        """Return where a program is that root's directories have, or ''."""
        return programs.find(name, programs.PLUGIN_DIRECTORIES) if plugin else programs.find(name)

    def containers(self) -> list[dict[str, object]]:
        """Return the containers that run, as the Engine tells; none when there is no Engine."""
        try:
            found = Engine(ENGINE, _readable).answer("/containers/json")
        except Silent:
            return []
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def policy(self) -> Opened:
        """Open the installed policy, as rshell does."""
        try:
            compiled = open_policy(INSTALLED)
        except Unusable as error:
            return Opened(None, error.code, str(error))
        except Corrupt:
            return Opened(None, "policy.broken", f"{INSTALLED}{COMPILED} is damaged")
        return Opened(compiled, slow=compiled.descriptor < 0)


def _readable(descriptor: int, event: int, until: float) -> bool:
    """Wait for a descriptor of the Engine's, for some seconds."""
    poll = select.poll()
    poll.register(descriptor, event)
    return bool(poll.poll(max(0.0, min(PATIENCE, until - time.monotonic())) * 1000))


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_shell)


def _process(pid: int) -> Process | None:
    """Read one process; None when it is gone, or a thread of the kernel."""
    place = f"/proc/{pid}"
    program = ""
    with suppress(OSError):
        program = os.readlink(f"{place}/exe").removesuffix(" (deleted)")
    try:
        with open(f"{place}/cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").decode("utf-8", "replace").split("\0")
        with open(f"{place}/status", encoding="utf-8", errors="replace") as file:
            fields = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
    except OSError:
        return None
    if not program:
        return None
    return Process(pid, int(fields["PPid"]), int(fields["Uid"].split()[0]), program, tuple(words))
