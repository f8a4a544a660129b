"""--probe: really try the ways around, as the account. Whatever works is a hole; nothing of it stays."""

from __future__ import annotations

import socket
import sys

from rshell.ctl.doctor import as_account
from rshell.ctl.doctor.docker import engine_sockets
from rshell.ctl.doctor.files import records_of
from rshell.ctl.doctor.finding import found
from rshell.ctl.doctor.probe_ssh import ssh
from rshell.ctl.policies import Stop
from rshell.ctl.system import ask
from rshell.host import layout
from rshell.host.account import Claims
from rshell.host.protocol import BadMessage, Request, answer, frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.ctl.doctor.finding import Finding
    from rshell.ctl.doctor.host import Account
    from rshell.ctl.doctor.scene import Scene

PATIENCE = 30.0  # seconds; the gate gives up on a peer sooner
SILENT, A_WHILE = "half a message, then silence", 2.0  # the gate waits for the rest; a wrong answer comes at once
APPENDED = (layout.POLICY, f"{layout.POLICY}.compiled", layout.LAUNCHER, layout.GATE, layout.CTL, layout.SUDOERS,
            layout.SSHD_CONFIG, "/etc/passwd", "/etc/shadow")  # fmt: skip
CREATED = (layout.ETC, layout.DOCKER_CONFIG, layout.STATE, layout.STOPPED, layout.SLOTS, layout.POLICIES, layout.USERS,
           layout.BUILDX_CONFIG, layout.LOGS, layout.KEYS, layout.SSHD_DIRECTORY, "/etc/sudoers.d", "/etc/cron.d",
           "/usr/local/bin", "/usr/bin", "/var/spool/cron/crontabs")  # fmt: skip
READ = ("/etc/shadow", "/etc/sudoers", layout.SUDOERS)
TRUE = "/bin/true"
CLAIMS = Claims("doctor", "c", "", "")
HALF = (100).to_bytes(4, "big") + b'{"words"'
WELL_MADE = (("/bin/sh", "-c", "id"), ("docker", "run", "--privileged", "--rm", "alpine", "id"), ("docker", "context"))


def probe(scene: Scene, identity: str | None) -> Iterator[Finding]:
    """Try everything; with a private key, by ssh too. Raises Stop when it can't be tried."""
    if scene.account is None:
        return
    yield from _opening(scene, scene.account)
    yield from _sudo(scene, scene.account)
    yield from _gate(scene, scene.account)
    if identity:
        yield from ssh(scene, identity)


def become(account: Account) -> tuple[str, ...]:
    """Return the words in front of a program that make it run as an account, with its groups."""
    return (f"--reuid={account.uid}", f"--regid={account.gid}", "--init-groups", "--reset-env", "--")


def _opening(scene: Scene, account: Account) -> Iterator[Finding]:
    """Sockets, files and directories."""
    library = scene.launcher.library
    tries = {
        "probe.socket": [f"connect={path}" for path in engine_sockets(scene.host)],
        "probe.write": [f"append={path}" for path in (*APPENDED, *records_of(scene.policy))]
        + [f"create={path}" for path in (*CREATED, account.home, *([library] if library else []))],
        "probe.read": [f"read={path}" for path in (*READ, *records_of(scene.policy))],
    }
    for code, words in tries.items():
        done = ask("setpriv", *become(account), sys.executable, "-IS", as_account.__file__, *words)
        if not done.good:
            raise Stop(f"rshellctl: nothing can be tried as {account.name}: {done.err.strip()}", 78)
        if opened := done.out.split():
            yield found(
                code, f"tried: {account.name} can open what it must not", opened,
                "# see the other findings; if there are none: getfacl of each of these", user=account.name,
            )  # fmt: skip


def _sudo(scene: Scene, account: Account) -> Iterator[Finding]:
    """Programs that are not the gate, the gate with words, and with an environment."""
    users = ("root", *scene.identities())
    tries: list[tuple[str, ...]] = [("-u", user, "--", TRUE) for user in users]
    tries += [("-u", user, "--", layout.GATE, "word") for user in users]
    tries += [("-u", user, "LD_PRELOAD=/nonexistent", layout.GATE) for user in users]
    tries += [("-g", group, "--", TRUE) for group in ("docker", "root", layout.GROUP)] + [("-s",), ("-i",)]
    ran = []
    for words in tries if scene.host.find("sudo") else ():
        done = ask("setpriv", *become(account), scene.host.find("sudo"), "-n", *words, timeout=PATIENCE)
        if not done.err.startswith("sudo:"):
            ran.append(f"sudo -n {' '.join(words)}: status {done.status}")
    if ran:
        yield found(
            "probe.sudo", f"tried: sudo runs for {account.name} what it must not", ran,
            f"sudo -l -U {account.name}   # then take it out: visudo", user=account.name,
        )  # fmt: skip


def _gate(scene: Scene, account: Account) -> Iterator[Finding]:
    """Requests that are out of shape, or that no policy allows."""
    forms: list[tuple[str, bytes, bool]] = [
        ("nothing", b"", True), ("garbage", b"\xff" * 4096, True), ("half a message", HALF, True),
        ("no object", (4).to_bytes(4, "big") + b"null", True),
        ("10 MB", (10 << 20).to_bytes(4, "big") + b" " * 65536, False),
        *((" ".join(words), frame(Request(words, None, False, 0, CLAIMS)), False) for words in WELL_MADE),
    ]  # fmt: skip
    silent = [(SILENT, HALF, False)]
    wrong = []
    for user in ("root", *scene.identities()) if scene.launcher.gate else ():
        for name, data, ends in [*forms, *(silent if user == "root" else [])]:
            patience = A_WHILE if name == SILENT else PATIENCE
            status, said, ready = _ask_gate(scene, account, user, data, ends, patience)
            if ready or said or not status:
                wrong.append(f"as {user}: {name}: status {status}{', and it was ready to run it' if ready else ''}")
    if wrong:
        yield found(
            "probe.gate", f"tried: {layout.GATE} answers {account.name} what it must not", wrong,
            "# this is a fault of rshell: stop the account, report it", f"rshellctl stop {account.name}",
            user=account.name,
        )  # fmt: skip


def _ask_gate(
    scene: Scene, account: Account, user: str, data: bytes, ends: bool, patience: float
) -> tuple[int, str, bool]:
    """Send bytes to the gate. Return its status, its output, and whether it was about to run something."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        ours.send(data)
        if ends:
            ours.shutdown(socket.SHUT_WR)
        sudo = (scene.host.find("sudo"), "-n", "-C", "4", "-u", user, "--", layout.GATE)
        done = ask("setpriv", *become(account), *sudo, timeout=patience, peer=theirs.fileno())
        try:
            replied = ours.recv(1 << 20)
            ready = answer(replied[4 : 4 + int.from_bytes(replied[:4], "big")]).verdict == "ready"
        except (OSError, BadMessage):
            ready = False
    return done.status, done.out, ready
