"""A real Docker Engine of our own, at the address where docker looks for one."""

import grp
import io
import json
import socket
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .ground import ENVIRONMENT, Server, need, program, refuse, run
from .proxy import RecordingProxy, answers, listen

FRONT = Path("/var/run/docker.sock")
IMAGE = "busybox:test"
_MODEST = ("--log-level=warn", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false")


class Engine:
    """dockerd on a private socket, behind a recording one at /var/run/docker.sock."""

    image = IMAGE
    socket = FRONT

    def __init__(self, server: Server, private: Path, proxy: RecordingProxy) -> None:
        self.server, self.private, self._proxy = server, private, proxy

    @property
    def requests(self) -> list[str]:
        """Every request that came in by /var/run/docker.sock, as "METHOD PATH"."""
        return self._proxy.requests

    @property
    def connections(self) -> int:
        """How many clients connected there, whatever they said."""
        return self._proxy.connections

    def clear(self) -> None:
        """Forget the requests and connections so far."""
        self._proxy.clear()

    def docker(
        self, *args: str, check: bool = True, input: bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the host's docker as root, past the recording socket."""
        home = self.private.parent / "docker-home"
        env = {**ENVIRONMENT, "DOCKER_HOST": f"unix://{self.private}", "DOCKER_CONFIG": str(home)}
        return run(program("docker"), *args, env=env, check=check, input=input)

    def clean(self) -> None:
        """Remove every container, own network and volume."""
        for remove, listing in (
            (("rm", "--force", "--volumes"), ("ps", "--all", "--quiet")),
            (("network", "rm"), ("network", "ls", "--quiet", "--filter=type=custom")),
            (("volume", "rm", "--force"), ("volume", "ls", "--quiet")),
        ):
            if names := self.docker(*listing).stdout.split():
                self.docker(*remove, *names)

    @contextmanager
    def down(self) -> Iterator[None]:
        """For a while, nothing is at /var/run/docker.sock."""
        aside = FRONT.with_name("docker.sock.aside")
        FRONT.rename(aside)
        try:
            yield
        finally:
            aside.rename(FRONT)

    @contextmanager
    def silent(self) -> Iterator[Callable[[], bool]]:
        """For a while, whoever connects gets no answer; gives a question: has somebody connected?"""
        with self.down():
            listener = listen(FRONT, _docker_group())
            listener.setblocking(False)
            held: list[socket.socket] = []

            def asked() -> bool:
                with suppress(BlockingIOError):
                    held.append(listener.accept()[0])
                return bool(held)

            try:
                yield asked
            finally:
                for each in (*held, listener):
                    each.close()
                FRONT.unlink()

    @contextmanager
    def answering(self, answer: bytes) -> Iterator[None]:
        """For a while, whoever connects gets this answer, whatever he asks."""
        with self.down():
            listener = listen(FRONT, _docker_group())
            thread = threading.Thread(target=_answer, args=(listener, answer), daemon=True)
            thread.start()
            try:
                yield
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join(5)
                listener.close()
                FRONT.unlink()


@contextmanager
def running_engine(base: Path, log: Path) -> Iterator[Engine]:
    """Start an engine with one small image; at the end nothing of it is left."""
    need("dockerd", "docker", "busybox")
    if answers(FRONT):
        refuse(f"a Docker Engine is already at {FRONT}")
    gid = _docker_group()
    home = base / "engine"
    home.mkdir(mode=0o700)
    private = home / "docker.sock"
    server = _start(home, private, log)
    try:
        server.wait_ready(lambda: _pings(private))
        proxy = RecordingProxy(FRONT, private, gid)
        engine = Engine(server, private, proxy)
        try:
            engine.docker("import", '--change=CMD ["sh"]', "-", IMAGE, input=busybox_root())
            yield engine
            engine.clean()
        finally:
            proxy.stop()
    finally:
        server.stop(patience=15)


def remove_leftover() -> None:
    """Remove the socket that a killed run left; one where an engine answers stays."""
    if not answers(FRONT):
        FRONT.unlink(missing_ok=True)


def _answer(listener: socket.socket, answer: bytes) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client, suppress(OSError):
            client.recv(65536)
            client.sendall(answer)


def _docker_group() -> int:
    try:
        return grp.getgrnam("docker").gr_gid
    except KeyError:
        refuse("needs the group docker")


def _start(home: Path, private: Path, log: Path) -> Server:
    settings = home / "daemon.json"
    settings.write_text(json.dumps({"shutdown-timeout": 2}))
    state = (f"--data-root={home}/data", f"--exec-root={home}/exec", f"--pidfile={home}/pid")
    place = (f"--config-file={settings}", f"--host=unix://{private}")
    return Server("dockerd", [program("dockerd"), *place, *state, *_MODEST], log)


def _pings(private: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(private))
            client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in client.recv(64)
        except OSError:
            return False


def busybox_root() -> bytes:
    """The root file system of the test image: a static busybox and its applets, as a tar."""
    busybox = program("busybox")
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        _add(archive, "bin/busybox", Path(busybox).read_bytes(), 0o755)
        _add(archive, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\n", 0o644)
        _add(archive, "etc/group", b"root:x:0:\n", 0o644)
        for applet in run(busybox, "--list").stdout.split():
            if applet != "busybox":
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(link)
    return output.getvalue()


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))
