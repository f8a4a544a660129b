"""--probe --identity: log in by ssh, and try everything that sshd could do besides running rshell."""

from __future__ import annotations

import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from rshell.ctl.doctor.finding import found
from rshell.ctl.doctor.sshd import servers
from rshell.ctl.policies import Stop
from rshell.ctl.system import Answer, ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.ctl.doctor.finding import Finding
    from rshell.ctl.doctor.scene import Scene

PATIENCE, WAIT = 20.0, 3.0  # seconds: for ssh, for a connection that should not come
SUM, MARK = "rshell-$((6*7))", "rshell-42"  # what a shell makes of it
OPTIONS = (
    "BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "StrictHostKeyChecking=no", "LogLevel=ERROR",
    "UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null", "ConnectTimeout=10", "ExitOnForwardFailure=yes",
    "ControlPath=none",
)  # fmt: skip


class Login:
    """How to come in: to one server, by one key."""

    def __init__(self, name: str, identity: str, address: str, port: str) -> None:
        self.target = f"{name}@{address}"
        self.words = ["-F", "/dev/null", "-i", identity, *(word for each in OPTIONS for word in ("-o", each))]
        self.port = port

    def ssh(self, *options: str, command: tuple[str, ...] = (), text: str = "") -> Answer:
        """Run ssh with more options, before the usual ones: the first that is said counts."""
        words = [*options, *self.words, "-p", self.port, self.target, *command]
        return ask("ssh", *words, text=text, timeout=PATIENCE)

    def copy(self, tool: str, *words: str, text: str = "") -> Answer:
        """Run scp or sftp."""
        return ask(tool, *self.words, "-P", self.port, *words, text=text, timeout=PATIENCE)


def ssh(scene: Scene, identity: str) -> Iterator[Finding]:
    """Try each server that runs. Raises Stop when the key lets nobody in."""
    for address, port in _addresses(scene):
        login = Login(scene.name, identity, address, port)
        said = login.ssh(command=("true",))
        if said.status == 255:
            raise Stop(f"rshellctl: {scene.name} can't log in at {address} port {port}: {said.err.strip()}", 78)
        worked = [what for attempt in ATTEMPTS if (what := attempt(login))]
        if worked:
            yield found(
                "probe.ssh", f"tried: sshd does more for {scene.name} than to run rshell",
                [f"{address} port {port}: {what}" for what in worked],
                f"sshd -T -C user={scene.name},host=localhost,addr={address}", user=scene.name,
            )  # fmt: skip


def _addresses(scene: Scene) -> list[tuple[str, str]]:
    """Return where servers listen, one address each. Raises Stop when none does."""
    found_ = []
    for server in servers(scene.host):
        answer = scene.host.ask("sshd", *server.words, "-T", "-C", f"user={scene.name},host=localhost,addr=127.0.0.1")
        ports = [line.split()[1] for line in answer.out.splitlines() if line.startswith("port ")]
        for port in ports:
            with suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), WAIT):
                found_.append(("127.0.0.1", port))
    if not found_:
        raise Stop("rshellctl: no sshd listens on 127.0.0.1: nothing can be tried by ssh", 78)
    return found_


def _runs_programs(login: Login) -> str:
    for line in (f"echo {SUM}", f"/bin/sh -c 'echo {SUM}'", f"exec /bin/sh -c 'echo {SUM}'"):
        if MARK in login.ssh(command=(line,)).out:
            return f"runs {line}"
    return ""


def _copies(login: Login) -> str:
    if login.copy("sftp", "-b", "-", login.target, text="pwd\n").good:
        return "sftp"
    with tempfile.TemporaryDirectory() as directory:
        for old in ((), ("-O",)):
            if login.copy("scp", *old, f"{login.target}:/etc/hostname", directory).good:
                return f"scp {' '.join(old)}".strip()
    return ""


def _forwards_tcp(login: Login) -> str:
    """Forward to a listener of ours: if somebody comes, so would he to any service of this host."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        login.ssh("-W", f"127.0.0.1:{listener.getsockname()[1]}")
        return "forwards to TCP (-L, -D, -W)" if _somebody_came(listener) else ""


def _forwards_sockets(login: Login) -> str:
    """The same to a socket in the file system, as docker's is."""
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
        place = Path(directory)
        place.chmod(0o755)  # the account must get there
        listener.bind(str(place / "there"))
        (place / "there").chmod(0o666)
        listener.listen()
        control = ("-S", str(place / "control"))
        login.ssh("-f", "-N", "-M", *control, "-o", f"ControlPath={place}/control",
                  "-L", f"{place}/here:{place}/there")  # fmt: skip
        try:
            with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
                client.connect(str(place / "here"))
                return "forwards to sockets (-L to docker.sock)" if _somebody_came(listener) else ""
            return ""
        finally:
            login.ssh("-O", "exit", "-o", f"ControlPath={place}/control", *control)


def _somebody_came(listener: socket.socket) -> bool:
    listener.settimeout(WAIT)
    try:
        listener.accept()[0].close()
    except OSError:
        return False
    return True


def _listens(login: Login) -> str:
    done = login.ssh("-R", "0:127.0.0.1:9", command=("true",))
    return "" if "remote port forwarding failed" in done.err or done.status == 255 else "listens (-R)"


def _tunnels(login: Login) -> str:
    done = login.ssh("-w", "any:any", command=("true",))
    return "" if done.status == 255 or "unnel" in done.err else "tunnels (-w)"


ATTEMPTS = (_runs_programs, _copies, _forwards_tcp, _forwards_sockets, _listens, _tunnels)
