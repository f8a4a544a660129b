"""A Unix socket in front of another, which writes down every HTTP request that passes."""

import os
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_REQUEST = re.compile(rb"\b([A-Z]+) (/\S*) HTTP/1\.[01]\r\n")
_KEPT = 16384


class RequestReader:
    """Finds request lines in a stream, however it is cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The requests that this piece completes."""
        self._rest += data
        found, end = [], 0
        for match in _REQUEST.finditer(self._rest):
            found.append(f"{match[1].decode()} {match[2].decode(errors='backslashreplace')}")
            end = match.end()
        self._rest = self._rest[end:][-_KEPT:]
        return found


class RecordingProxy:
    """Copies bytes both ways between its own socket and the one behind it."""

    def __init__(self, front: Path, behind: Path, gid: int) -> None:
        self.requests: list[str] = []
        self.connections = 0
        self._front, self._behind = front, behind
        self._listener = listen(front, gid)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def clear(self) -> None:
        """Forget what has passed."""
        self.requests.clear()
        self.connections = 0

    def stop(self) -> None:
        """Accept no more, and leave no socket behind."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()
        self._front.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with client, server:
            try:
                server.connect(str(self._behind))
            except OSError:
                return
            answers = threading.Thread(target=_copy, args=(server, client, None), daemon=True)
            answers.start()
            reader = RequestReader()
            _copy(client, server, lambda data: self.requests.extend(reader.feed(data)))
            answers.join()


def _copy(source: socket.socket, target: socket.socket, seen: Callable[[bytes], None] | None) -> None:
    try:
        while data := source.recv(65536):
            if seen:
                seen(data)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        _close(source, target)


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def listen(path: Path, gid: int, kind: int = socket.SOCK_STREAM, mode: int = 0o660) -> socket.socket:
    """Bind a socket of root and this group; a stale one is replaced, a live one is an error."""
    if answers(path, kind):
        raise FileExistsError(f"something answers at {path}")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, kind)
    listener.bind(str(path))
    os.chown(path, 0, gid)
    path.chmod(mode)
    if kind == socket.SOCK_STREAM:
        listener.listen(64)
    return listener


def answers(path: Path, kind: int = socket.SOCK_STREAM) -> bool:
    """Whether somebody listens at this path."""
    with socket.socket(socket.AF_UNIX, kind) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
