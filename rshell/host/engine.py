"""Read-only questions to the Docker Engine, over its Unix socket. Nothing here can change anything.

Source: Docker Engine API v1.24 and later, paths without a version.
"""

from __future__ import annotations

import select
import time

from rshell.lean import from_json, socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 10.0  # seconds for a whole answer
MAX_ANSWER = 8 * 1024 * 1024
LABEL_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
PATH_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/:@")


class Silent(Exception):
    """The Engine gave no usable answer."""


class Rejected(Silent):
    """The Engine answered, but with an error: its status and its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the Engine answered {status}")
        self.status, self.message = status, message


class Engine:
    """One Docker Engine, by the path of its socket. `ready` waits for it (see Lifeline.ready)."""

    def __init__(self, path: str, ready: Callable[[int, int, float], bool]) -> None:
        self.path = path
        self.ready = ready

    def labelled(self, path: str, label: str) -> object | None:
        """Return the list at a path, of what has a label NAME=VALUE. path: with its `?`. Raises Silent."""
        wanted = "".join(char if char in LABEL_CHARS else f"%{ord(char):02X}" for char in label)
        return self.answer(f"{path}filters=%7B%22label%22%3A%5B%22{wanted}%22%5D%7D")

    def running_with(self, label: str) -> tuple[str, ...]:
        """Return the ids of the running containers with a label NAME=VALUE. Raises Silent."""
        found = self.labelled("/containers/json?", label)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise Silent("the Engine's answer is no list")
        ids = [one.get("Id") for one in found]
        return tuple(one for one in ids if isinstance(one, str) and one.isalnum())

    def get(self, path: str) -> object | None:
        """GET a path; None for 404. Raises Silent."""
        if not PATH_CHARS.issuperset(path) or ".." in path:  # SECURITY: one request, to this path
            raise Silent("a name that can't be asked for")
        return self.answer(path)

    def answer(self, path: str) -> object | None:
        """Send a GET for a path that is known to be one; None for 404. Raises Silent."""
        status, body = self.exchange(f"GET {path} HTTP/1.0\r\nHost: docker\r\nAccept: application/json\r\n\r\n")
        if status == 404:
            return None
        if status != 200:
            raise Rejected(status, body.decode("utf-8", "replace"))
        try:
            return from_json(body.decode("utf-8", "replace"))
        except ValueError:
            raise Silent("the Engine's answer is no JSON") from None

    def exchange(self, request: str) -> tuple[int, bytes]:
        """Send one request; return the status and the body of the answer."""
        until = time.monotonic() + TIMEOUT
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            connection.connect(self.path)
            connection.sendall(request.encode("ascii"))
            parts: list[bytes] = []
            size = 0
            while self.ready(connection.fileno(), select.POLLIN, until):
                part = connection.recv(1 << 16)
                if not part:
                    return _parse(b"".join(parts))
                parts.append(part)
                size += len(part)
                if size > MAX_ANSWER:
                    raise Silent("the Engine's answer is too long")
            raise Silent("the Engine does not answer")
        except OSError as error:
            raise Silent(f"{self.path}: {error.strerror or error}") from None
        finally:
            connection.close()


def _parse(answer: bytes) -> tuple[int, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise Silent("this is not a Docker Engine")
    return int(words[1]), body
