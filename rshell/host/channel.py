"""The socket between front and gate: whole messages, never a wait without an end."""

from __future__ import annotations

import select
import time

from rshell.host.protocol import LENGTH, MAX_MESSAGE, BadMessage
from rshell.lean import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Ready = Callable[[int, int, float], bool]

# SECURITY: said with each call: O_NONBLOCK belongs to whoever shares the socket, and a caller that took
# it away, and then what poll had seen, could hold the gate up beyond any timeout
NO_WAIT = socket.MSG_DONTWAIT


class Hung(Exception):
    """The other side is gone, silent for too long, or stopped in the middle of a message."""


class Channel:
    """One end. wait: waits for it while somebody still listens to us, see Lifeline.ready."""

    def __init__(self, connection: socket.socket, wait: Ready | None = None) -> None:
        self.socket = connection
        self.ready = wait or ready

    def fileno(self) -> int:
        """Return the descriptor, -1 when it is closed."""
        return self.socket.fileno()

    def send(self, data: bytes, patience: float) -> None:
        """Send all of it within so many seconds. Raises Hung."""
        until = time.monotonic() + patience
        while data:
            try:
                data = data[self.socket.send(data, socket.MSG_NOSIGNAL | NO_WAIT) :]
            except BlockingIOError:
                if not self.ready(self.fileno(), select.POLLOUT, until):
                    raise Hung from None
            except OSError:
                raise Hung from None

    def receive(self, patience: float) -> bytes:
        """Receive one message, its frame taken off, within so many seconds. Raises Hung, BadMessage."""
        until = time.monotonic() + patience
        size = int.from_bytes(self._exactly(LENGTH, until), "big")
        if size > MAX_MESSAGE:
            raise BadMessage("size")
        return self._exactly(size, until)

    def _exactly(self, size: int, until: float) -> bytes:
        parts: list[bytes] = []
        while size:
            if self.fileno() < 0 or not self.ready(self.fileno(), select.POLLIN, until):
                raise Hung
            part = self.some(size)
            if not part:
                raise Hung
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def some(self, most: int) -> bytes:
        """Receive what is there, at most so many bytes; nothing when the other side is gone."""
        try:
            return self.socket.recv(most, NO_WAIT)
        except OSError:
            return b""

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


def ready(descriptor: int, event: int, until: float) -> bool:
    """Wait until a descriptor is ready; False when it is too late. until: by time.monotonic()."""
    poll = select.poll()
    poll.register(descriptor, event)
    return bool(poll.poll(max(0.0, until - time.monotonic()) * 1000))
