"""Gates that the account starts by itself: as somebody does who runs code of his own in its place."""

import ctypes
import errno
import grp
import json
import os
import pwd
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rshell.host import layout
from rshell.host.account import Claims
from rshell.host.protocol import Answer, Request, answer, frame

from .engine import FRONT
from .ground import ENVIRONMENT, kept, program
from .host import Host
from .proxy import listen

DOCKER, JOURNAL, ROOT = "rshell-docker", "rshell-journal", "root"
AUDIT = Path(layout.LOGS) / "audit.jsonl"
CLAIMS = Claims("attack-1", "c", "192.0.2.1", "", line="docker ps", size=9)
CONTROL = 3
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_DUMPABLE = 4
SILENT = 60.0  # seconds until a gate that says nothing fails the test

Streams = tuple[int, int, int]


def asked(*words: str, terminal: bool = False, timeout: int = 0, text: str | None = None) -> bytes:
    """A request as the front would send it."""
    return frame(Request(words, text, terminal, timeout, CLAIMS))


def become(host: Host) -> None:
    """Be the account, with no group but its own: for a forked process, for good."""
    entry = pwd.getpwnam(host.name)
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)


def as_account(host: Host, act: Callable[[], object]) -> str:
    """Do something as the account; `done`, or the name of the error."""
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        said = "died"
        try:
            become(host)
            act()
            said = "done"
        except OSError as error:
            said = errno.errorcode[error.errno or 0]
        finally:
            os.write(tell, said.encode())
            os._exit(0)
    os.close(tell)
    with os.fdopen(told) as file:
        said = file.read()
    os.waitpid(pid, 0)
    return said


@contextmanager
def silent_engine() -> Iterator[list[socket.socket]]:
    """Somebody at the Docker socket who takes every connection and says nothing: each docker command is endless."""
    held: list[socket.socket] = []
    with kept(FRONT):
        listener = listen(FRONT, grp.getgrnam("docker").gr_gid)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    held.append(listener.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield held
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in (listener, *held):
                each.close()


class Gate:
    """One sudo that becomes a gate, started past rshell; our end of its socket."""

    def __init__(
        self,
        host: Host,
        *options: str,
        identity: str = DOCKER,
        gate: Sequence[str] = (layout.GATE,),
        control: socket.socket | None = None,
        streams: tuple[Any, Any, Any] = (subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE),
        before: Callable[[], object] = lambda: None,
        environment: Mapping[str, str] | None = None,
        session: bool = False,
        first_closed: int = CONTROL + 1,
    ) -> None:
        """Start it.

        options: of sudo, beyond rshell's own. control: what it gets as descriptor 3, if not a socket to us.
        before: what the account does just before it starts sudo. session: in a session of its own.
        first_closed: from which descriptor on sudo closes them.
        """
        self.socket, theirs = socket.socketpair()
        given = control or theirs
        entry = pwd.getpwnam(host.name)

        def prepare() -> None:
            os.dup2(given.fileno(), CONTROL)
            LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as of a process that has been the account's from its start
            before()

        self.process = subprocess.Popen(
            [program("sudo"), "-n", "-C", str(first_closed), *options, "-u", identity, "--", *gate],
            stdin=streams[0], stdout=streams[1], stderr=streams[2], close_fds=False, preexec_fn=prepare,
            user=entry.pw_uid, group=entry.pw_gid, extra_groups=[], env=environment or dict(ENVIRONMENT),
            start_new_session=session,
        )  # fmt: skip
        theirs.close()
        self.socket.settimeout(SILENT)

    def send(self, data: bytes) -> None:
        """Send it bytes; one that is gone takes none."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def answer(self) -> Answer | None:
        """Its next answer; None when it has hung up."""
        size = int.from_bytes(self._exactly(4), "big")
        return answer(self._exactly(size)) if size else None

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionResetError:
                part = b""
            if not part:
                return b""
            data += part
        return data

    def asks(self, *words: str, **more: Any) -> Answer | None:
        """Send a request; its first answer."""
        self.send(asked(*words, **more))
        return self.answer()

    def refusal(self, *words: str, **more: Any) -> str:
        """Send a request; the code of its refusal."""
        told = self.asks(*words, **more)
        assert told is not None
        assert told.refusal is not None, told
        return told.refusal.code

    def wait(self) -> int:
        """Its status, once it has ended."""
        return self.process.wait(SILENT)

    def said(self) -> tuple[int, str]:
        """Its status and what stands on its stderr, once it has ended."""
        status = self.wait()
        assert self.process.stderr is not None
        return status, self.process.stderr.read().decode()

    def close(self) -> None:
        """Hang up, wait for it, and close what it wrote to."""
        self.socket.close()
        try:
            self.wait()
        finally:
            self.process.kill()
            for stream in (self.process.stdout, self.process.stderr):
                if stream is not None:
                    stream.close()


class Records:
    """What the gates wrote since a moment."""

    def __init__(self) -> None:
        self.start = AUDIT.stat().st_size

    def __call__(self) -> list[dict[str, Any]]:
        """All of them, each line whole."""
        with AUDIT.open("rb") as file:
            file.seek(self.start)
            return [json.loads(line) for line in file.read().splitlines()]

    def events(self) -> list[str]:
        """What kind each is."""
        return [each["event"] for each in self()]

    def open(self) -> list[int]:
        """The processes of gates that recorded a start and no end."""
        of = {kind: [each["pid"] for each in self() if each["event"] == kind] for kind in ("start", "end")}
        for pid in of["end"]:
            of["start"].remove(pid)
        return of["start"]
