"""A fake Docker Engine on a socket of its own, which writes down what one docker process asks it for."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import selectors
import shutil
import socket
import subprocess
import tarfile
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .answers import Answer, answer, image_tar

Answers = Callable[[str, str, tuple[str, ...]], Answer]  # method, path, requests so far

PATIENCE = 10.0  # seconds that a docker process may take
MOST = 1 << 20  # bytes of output that are looked at
NOTED_HEADERS = ("x-registry-auth", "x-registry-config")
FILES = {
    "env": b"A=b\nC=d\n",
    "leaked": b"LEAKED=leaked-4711\n",
    "context/Dockerfile": b"FROM scratch\nCOPY . /\n",
    "context/other": b"FROM busybox\n",
    "context/file": b"content\n",
    "stack.yaml": b'version: "3.8"\nservices: {web: {image: busybox}}\n',
    "plugin/config.json": b"{}\n",
    "plugin/rootfs/x": b"x\n",
    "image.tar": image_tar(),
}
"""What docker may read: `../files/NAME` from where it runs."""


@dataclass(frozen=True)
class Request:
    """One request, its body in a normal form."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: str

    def __str__(self) -> str:
        return " ".join([self.method, self.target, *(f"{name}: {value}" for name, value in self.headers), self.body])


@dataclass(frozen=True)
class Asked:
    """All that one docker process did. Its messages don't count in a comparison."""

    succeeded: bool
    requests: tuple[Request, ...]
    output: str
    written: tuple[tuple[str, str], ...]
    in_time: bool = True
    messages: str = field(default="", compare=False)

    def sorted(self) -> Asked:
        """The same with the requests in alphabetical order: for commands that ask in parallel."""
        return Asked(self.succeeded, tuple(sorted(self.requests, key=str)), self.output, self.written, self.in_time)


class Engine:
    """One fake Engine and the empty directory where docker runs. Serves one process at a time, in this thread."""

    def __init__(self, base: Path, answers: Answers = answer) -> None:
        self.base = base
        self._answers = answers
        self._cwd, self._config = base / "cwd", base / "config"
        for each in (self._cwd, self._config):
            each.mkdir()
        self._files = base / "files"
        self._lay_out()
        address = base / "engine.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(address))
        self._listener.listen(16)
        self._listener.setblocking(False)
        self._environment = {
            "DOCKER_HOST": f"unix://{address}", "DOCKER_CONFIG": str(self._config), "HOME": "/nonexistent",
            "PATH": "/nonexistent", "LANG": "C.UTF-8", "TZ": "UTC", "GOGC": "off", "GOMEMLIMIT": "256MiB",
            "DOCKER_BUILDKIT": "0",
            "DOCKER_CLI_HINTS": "false", "DOCKER_CLI_HOOKS": "false",
            # whatever does not ask the Engine gets no answer, and leaves this machine never
            "HTTP_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1",
            "DOCKER_CONTENT_TRUST_SERVER": "https://127.0.0.1:1",
        }  # fmt: skip

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def ask(self, docker: str, words: Sequence[str], model: str = "", stdin: int = subprocess.DEVNULL) -> Asked:
        """Run docker with these words, and return what it asked for, wrote and printed.

        model: what it finds at descriptor 3. stdin: a descriptor to read from.
        """
        argv = [docker, *words]
        if model:
            (self.base / "model").write_text(model)
            argv = ["/bin/sh", "-c", 'exec "$@" 3<"$0"', str(self.base / "model"), *argv]
        process = subprocess.Popen(
            argv, env=self._environment, cwd=self._cwd, stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        session = _Session(self._listener, process, self.answered)
        try:
            in_time = session.serve(time.monotonic() + PATIENCE)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            session.close()
        requests = tuple(
            Request(one.method, self._plain(one.target), one.headers, self._plain(one.body)) for one in session.requests
        )
        output, messages = (self._plain(data.decode(errors="backslashreplace")) for data in session.outputs)
        output = re.sub("(?m)^Flag --.* has been deprecated.*\n", "", output)  # the spelling, not the meaning
        output = re.sub(r'(?<="Labels":")[^"]*', _sorted, output)  # a map has no order
        output = re.sub(r"(Sending build context to Docker daemon +\S+\s*)+", "Sent\n", output)  # progress
        return Asked(process.returncode == 0, requests, output, self._written(), in_time, messages)

    def answered(self, method: str, target: str, earlier: tuple[str, ...]) -> Answer:
        """Answer one request. target: without the version."""
        return self._answers(method, target.partition("?")[0], earlier)

    def _plain(self, text: str) -> str:
        """The text without where this Engine is, without the random names of docker, and whenever it was."""
        text = text.replace(str(self.base), "/BASE").replace(quote(str(self.base), ""), "%2FBASE")
        text = re.sub(r"\.dockerfile\.[0-9a-f]+", ".dockerfile.RANDOM", text)
        return re.sub(r"\b(since|until)=(\d{10})\b[.\d]*", _ago, text)

    def _lay_out(self) -> None:
        for name, content in FILES.items():
            path = self._files / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self._untouched = self._state()

    def _state(self) -> dict[str, tuple[int, int]]:
        """Every file that docker may read, with its time and size."""
        found = {}
        for directory, _, names in os.walk(self._files):
            for name in names:
                status = os.lstat(f"{directory}/{name}")
                found[f"{directory}/{name}"] = status.st_mtime_ns, status.st_size
        return found

    def _written(self) -> tuple[tuple[str, str], ...]:
        """What docker wrote to its directory, its configuration and what it may read; undone, for the next one."""
        found = []
        state = self._state()
        if state != self._untouched:
            changed = sorted({path for path, _ in state.items() ^ self._untouched.items()})
            found += [(path.removeprefix(f"{self.base}/"), self._content(Path(path))) for path in changed]
            shutil.rmtree(self._files)
            self._lay_out()
        for top in (self._cwd, self._config):
            entries = list(os.scandir(top))
            for entry in entries:
                path = Path(entry.path)
                for each in sorted([path, *path.rglob("*")] if entry.is_dir(follow_symlinks=False) else [path]):
                    found.append((str(each.relative_to(self.base)), self._content(each)))
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(path)
                else:
                    path.unlink()
        return tuple(sorted(found))

    def _content(self, path: Path) -> str:
        return "" if path.is_symlink() or not path.is_file() else self._plain(digest(path.read_bytes()))


def _ago(match: re.Match[str]) -> str:
    """A time of these days as minutes from now: docker makes `10m` a time of the clock."""
    minutes = round((int(match[2]) - time.time()) / 60)
    return f"{match[1]}=NOW{minutes:+d}m" if abs(minutes) < 60 * 24 * 30 else match[0]


class _Session:
    """One docker process: its connections, its output, its end."""

    def __init__(self, listener: socket.socket, process: subprocess.Popen[bytes], answers: Answers) -> None:
        self.requests: list[Request] = []
        self._earlier: list[str] = []
        self._listener, self._process, self._answers = listener, process, answers  # of a target, with its query
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._connections: set[_Connection] = set()
        self._pidfd = os.pidfd_open(process.pid)
        self._selector.register(self._pidfd, selectors.EVENT_READ, self._ended)
        self._output = {process.stdout: bytearray(), process.stderr: bytearray()}
        for stream in self._output:
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, lambda stream=stream: self._read(stream))
        self._running = True

    @property
    def outputs(self) -> tuple[bytes, bytes]:
        """What the process printed, on stdout and stderr."""
        first, second = self._output.values()
        return bytes(first), bytes(second)

    def serve(self, deadline: float) -> bool:
        """Answer until the process has ended. Return whether it did before the deadline."""
        while self._running:
            events = self._selector.select(max(0.0, deadline - time.monotonic()))
            if not events:
                return False
            for key, _ in events:
                key.data()
        while events := self._selector.select(0):  # what it said just before its end
            progress = False
            for key, _ in events:
                if key.fd != self._pidfd:
                    progress = True
                    key.data()
            if not progress:
                break
        return True

    def close(self) -> None:
        """End all connections."""
        for connection in self._connections:
            connection.socket.close()
        self._selector.close()
        os.close(self._pidfd)
        for stream in self._output:
            assert stream is not None
            stream.close()

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            connection = _Connection(self._listener.accept()[0])
            self._connections.add(connection)
            self._selector.register(connection.socket, selectors.EVENT_READ, lambda: self._receive(connection))

    def _ended(self) -> None:
        self._running = False

    def _read(self, stream: object) -> None:
        data = self._output[stream]  # type: ignore[index]
        got = os.read(stream.fileno(), 65536)  # type: ignore[attr-defined]
        if not got:
            self._selector.unregister(stream)  # type: ignore[arg-type]
        elif len(data) < MOST:
            data += got

    def _receive(self, connection: _Connection) -> None:
        try:
            got = connection.socket.recv(65536)
        except OSError:
            got = b""
        if not got:
            self._selector.unregister(connection.socket)
            connection.socket.close()
            self._connections.discard(connection)
            return
        if connection.taken:
            return
        connection.data += got
        while not connection.taken and (message := connection.message()):
            self._respond(connection, *message)

    def _respond(self, connection: _Connection, head: _Head, body: bytes) -> None:
        noted = tuple((name, head.headers[name]) for name in NOTED_HEADERS if name in head.headers)
        self.requests.append(Request(head.method, head.target, noted, digest(body)))
        target = re.sub(r"^/v[0-9.]+(?=/)", "", head.target)
        path = target.partition("?")[0]
        reply = self._answers(head.method, target, tuple(self._earlier))
        if reply.status == 101 and "upgrade" not in head.headers:
            reply = Answer(200)  # docker exec --detach
        self._earlier.append(f"{head.method} {path}")
        with suppress(OSError):
            connection.socket.sendall(_encoded(reply, head.method))
            if reply.status == 101:
                connection.taken = True
                connection.socket.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class _Head:
    method: str
    target: str
    headers: dict[str, str]


class _Connection:
    """HTTP/1.1 from one socket."""

    def __init__(self, socket: socket.socket) -> None:
        self.socket = socket
        self.data = bytearray()
        self.taken = False  # hijacked: what follows is a stream

    def message(self) -> tuple[_Head, bytes] | None:
        """Take one whole request out of what has arrived."""
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *fields = self.data[:end].decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        pairs = (line.partition(":") for line in fields)
        head = _Head(method, target, {name.lower(): value.strip() for name, _, value in pairs})
        if head.headers.get("transfer-encoding") == "chunked":
            body, end = self._chunks(end + 4)
        else:
            size = int(head.headers.get("content-length", "0"))
            body, end = bytes(self.data[end + 4 : end + 4 + size]), end + 4 + size
        if end < 0 or len(self.data) < end:
            return None
        del self.data[:end]
        return head, body

    def _chunks(self, start: int) -> tuple[bytes, int]:
        """Read a chunked body. Return it and where it ends; -1: it hasn't arrived yet."""
        body = bytearray()
        while True:
            line = self.data.find(b"\r\n", start)
            if line < 0:
                return b"", -1
            size = int(self.data[start:line].split(b";")[0], 16)
            start = line + 2 + size + 2
            if len(self.data) < start:
                return b"", -1
            if not size:
                return bytes(body), start
            body += self.data[line + 2 : line + 2 + size]


def _encoded(reply: Answer, method: str) -> bytes:
    upgrade = (("Connection", "Upgrade"), ("Upgrade", "tcp")) if reply.status == 101 else ()
    size = () if reply.status in (101, 204) else (("Content-Length", str(len(reply.body))),)
    fields = (("Content-Type", reply.kind), *reply.headers, *upgrade, *size)
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    body = b"" if method == "HEAD" else reply.body
    return f"HTTP/1.1 {reply.status} Answer\r\n{head}\r\n".encode() + body


def digest(body: bytes) -> str:
    """A body in a normal form: JSON with sorted keys, a tar by its content, short text as it is."""
    if not body:
        return ""
    with suppress(ValueError):
        return json.dumps(_settled(json.loads(body)), sort_keys=True)
    padded = io.BytesIO(body + bytes(1024))  # docker leaves out the end of the archive
    with suppress(tarfile.TarError, EOFError, OSError, zlib.error), tarfile.open(fileobj=padded) as archive:
        return f"tar {sorted(_member(archive, member) for member in archive.getmembers())}"
    if len(body) < 4096:
        return body.decode(errors="backslashreplace")
    return hashlib.sha256(body).hexdigest()


def _settled(body: Any) -> Any:
    """Sort what docker itself puts in any order: `service update --env-add` goes through a map of Go's."""
    template = body.get("TaskTemplate") if isinstance(body, dict) else None
    container = template.get("ContainerSpec") if isinstance(template, dict) else None
    if isinstance(container, dict) and isinstance(container.get("Env"), list):
        container["Env"].sort()
    return body


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[str, str, int, str]:
    content = archive.extractfile(member) if member.isfile() else None
    data = content.read() if content else b""
    return member.name, member.linkname, member.mode, digest(data)


def _sorted(labels: re.Match[str]) -> str:
    """The labels of a container in one order."""
    return ",".join(sorted(labels[0].split(",")))
