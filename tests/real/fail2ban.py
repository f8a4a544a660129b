"""A fail2ban of our own: one jail on a test log, at the socket where its client looks."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .ground import Server, need, program, refuse, run
from .proxy import answers

SOCKET = Path("/var/run/fail2ban/fail2ban.sock")

_MAIN = """\
[DEFAULT]
allowipv6 = auto
[Definition]
loglevel = INFO
logtarget = STDOUT
syslogsocket = auto
socket = {socket}
pidfile = {home}/pid
dbfile = None
"""

_JAIL = """\
[sshd]
enabled = true
filter = sshd
backend = polling
logpath = {home}/auth.log
maxretry = 3
findtime = 1h
bantime = 1h
action =
"""

_FILTER = """\
[Definition]
failregex = ^.* Failed password for .* from <HOST>
"""


class Fail2ban:
    """A running fail2ban-server that bans in its books only."""

    jail = "sshd"

    def __init__(self, home: Path) -> None:
        self.log = home / "auth.log"

    def client(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run fail2ban-client as root."""
        return run(program("fail2ban-client"), *args)

    def ban(self, address: str) -> None:
        """Put an address on the jail's list."""
        self.client("set", self.jail, "banip", address)

    @contextmanager
    def shared(self, gid: int) -> Iterator[None]:
        """For a while, a group may use the socket (it is root's alone)."""
        before = SOCKET.stat()
        os.chown(SOCKET, 0, gid)
        SOCKET.chmod(0o660)
        try:
            yield
        finally:
            os.chown(SOCKET, 0, before.st_gid)
            SOCKET.chmod(before.st_mode & 0o777)


@contextmanager
def running_fail2ban(base: Path, log: Path) -> Iterator[Fail2ban]:
    """Start a server with its own configuration, unless one runs."""
    need("fail2ban-server", "fail2ban-client")
    if answers(SOCKET):
        refuse(f"a fail2ban is already at {SOCKET}")
    home = _configure(base / "fail2ban")
    made = not SOCKET.parent.exists()
    SOCKET.parent.mkdir(mode=0o755, exist_ok=True)
    SOCKET.unlink(missing_ok=True)
    server = Server("fail2ban", [program("fail2ban-server"), "-f", "-c", home, "start"], log)
    try:
        server.wait_ready(_has_jail)
        yield Fail2ban(home)
    finally:
        server.stop()
        SOCKET.unlink(missing_ok=True)
        if made:
            SOCKET.parent.rmdir()


def _configure(home: Path) -> Path:
    (home / "filter.d").mkdir(parents=True)
    (home / "auth.log").touch()
    (home / "fail2ban.conf").write_text(_MAIN.format(socket=SOCKET, home=home))
    (home / "jail.conf").write_text(_JAIL.format(home=home))
    (home / "filter.d/sshd.conf").write_text(_FILTER)
    return home


def _has_jail() -> bool:
    if not answers(SOCKET):
        return False
    done = run(program("fail2ban-client"), "status", "sshd", check=False)
    return done.returncode == 0
