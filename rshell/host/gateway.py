"""Have a command run on the far side of the boundary: sudo starts the gate, the request goes down a socket."""

from __future__ import annotations

from rshell import say
from rshell.host import process, protocol
from rshell.host.channel import Channel, Hung
from rshell.host.lifeline import BY_SOCKET, Child
from rshell.host.protocol import Answer, BadMessage
from rshell.lean import os, signal, socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Exec, Refusal
    from rshell.host.lifeline import Lifeline
    from rshell.host.protocol import Request

SILENT = "silent"  # the gate gave no answer, so it recorded nothing
PATIENCE = 60.0  # seconds for the gate's first answer; what it looks up takes 10 at most
MOST_HANG_UPS = 5  # after so many, a second apart, a gate that does not end is left alone


class Crossing(Child):
    """A command on the far side. Our child is sudo, which becomes the gate: signals go down the socket."""

    recorded = True

    def __init__(self, pid: int, channel: Channel) -> None:
        super().__init__(pid, 0)  # the gate keeps the time
        self.channel = channel
        self.hang_ups = 0

    def ask(self, request: Request) -> Answer:
        """Send the request and return the first answer. Raises Hung, BadMessage."""
        self.channel.send(protocol.frame(request), PATIENCE)
        return protocol.answer(self.channel.receive(PATIENCE))

    def hear(self, number: int) -> None:
        """Pass a signal on; one that ends is a hang-up: the gate then ends its child."""
        if number in BY_SOCKET:
            try:
                self.channel.send(bytes([number]), 0)
            except Hung:
                return
            return
        self.channel.close()
        self.hang_ups += 1
        if self.hang_ups > MOST_HANG_UPS and self.status is None:
            self.status = 128 + signal.SIGKILL
            os.close(self.pidfd)

    def expire(self, group: int) -> None:
        """Hang up: nobody waits for it any more."""
        self.hear(signal.SIGTERM)
        self.extend()

    def reap(self) -> None:
        """Fetch the status, and why it ended if the gate has told."""
        super().reap()
        try:
            ended = protocol.answer(self.channel.receive(0))
            self.reason = ended.reason
        except (Hung, BadMessage):
            return
        finally:
            self.channel.close()


def cross(
    stage: Exec,
    request: Request,
    place: tuple[str, str],
    streams: tuple[int, int, int],
    group: int,
    terminal: int,
    lifeline: Lifeline,
) -> tuple[Crossing, Answer]:
    """Start a command on the far side.

    stage: decided on this side. request: the same in words. place: sudo and the gate, by their paths.
    streams, group, terminal: see process.start.
    Returns our end of it and the gate's answer; anything but `ready` is a refusal, and it has ended.
    """  # fmt: skip
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    sudo, gate = place
    argv = (sudo, "-n", "-C", str(process.CONTROL + 1), "-u", stage.run_as, "--", gate)
    try:
        pid = process.start_gate(argv, streams, group, terminal, theirs.fileno())
    finally:
        theirs.close()
    crossing = Crossing(pid, Channel(ours, lifeline.ready))
    try:
        answer = crossing.ask(request)
    except (Hung, BadMessage):
        answer = Answer("refused", reason=SILENT, refusal=unanswered())
    if answer.verdict != "ready":
        crossing.channel.close()
        lifeline.wait([crossing], 0)
    return crossing, answer


def unanswered() -> Refusal:
    """Return the refusal when there is no gate to talk to."""
    return say.unavailable(
        "gate.silent", "the gate gave no answer", "the operator's `rshellctl doctor` says what is wrong"
    )
