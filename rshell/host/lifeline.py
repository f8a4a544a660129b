"""Wait for children, and end them when nobody waits for us any more.

One poll on the pidfds of the children, on the peers of our output, and on the signals we got. A
dropped SSH connection without a terminal sends no signal; its pipes say so at once (tried). The gate
has a socket to its front instead: signals come down it, and its hang-up is the end.
"""

from __future__ import annotations

import select
import time

from rshell.lean import os, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.host.channel import Channel

FORWARDED = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
ENDING = (signal.SIGHUP, signal.SIGTERM)
BY_SOCKET = (signal.SIGINT, signal.SIGQUIT)  # what a front may send to the gate
MOST_BY_SOCKET = 100  # of them: SECURITY: a flood must not keep the gate busy for ever
GRACE = 1.0  # seconds between TERM and KILL
HAS_PEER = (0o010000, 0o140000, 0o020000)  # pipe, socket, terminal
KIND = 0o170000
NULL_DEVICE = (1, 3)


class Child:
    """One started process.

    `status` is as in sh, None while it runs. `reason` is why it ended, if it is known not to be by itself.
    `recorded`: its end is recorded where it runs.
    """

    recorded = False

    def __init__(self, pid: int, limit: int) -> None:
        self.pid = pid
        try:
            self.pidfd = os.pidfd_open(pid)
        except OSError:  # SECURITY: when there are no descriptors left, it must not run on unwatched
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        self.status: int | None = None
        self.started = time.monotonic()
        self.seconds = 0.0
        self.due = self.started + limit if limit else None  # when it is told to end, next
        self.expired = False
        self.reason = ""

    def hear(self, number: int) -> None:
        """Pass a signal on, besides what the process group gets. A child on this side needs nothing."""

    def reap(self) -> None:
        """Fetch the status of a process that has ended."""
        _, waited = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(waited)
        self.status = 128 - code if code < 0 else code
        self.seconds = time.monotonic() - self.started
        os.close(self.pidfd)

    def expire(self, group: int) -> None:
        """End it, and its group if that is its own: TERM at first, then KILL."""
        number = signal.SIGKILL if self.expired else signal.SIGTERM
        self.extend()
        if group:
            end(group, number)
        else:
            os.kill(self.pid, number)  # not reaped yet: the number is still its own

    def finish(self, patience: float) -> None:
        """Wait for nothing but its end; kill it, and what it started, when that takes too many seconds."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        if not poll.poll(patience * 1000):
            end(self.pid, signal.SIGKILL)
        self.reap()

    def extend(self) -> None:
        """Give it a moment to end, now that it has been told to."""
        self.expired, self.due = True, time.monotonic() + GRACE


class Lifeline:
    """What this process hears while it waits. Made once.

    `gone` is why it is all over: `gone`, nobody listens any more, or `stopped`; '' while somebody does.
    control: the gate's socket to its front. With it, only TERM and that socket can end what runs.
    """

    def __init__(self, control: Channel | None = None) -> None:
        self.gone = ""
        self.control = control
        self.allowance = MOST_BY_SOCKET
        self.signals, self.wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.peers = [number for number in (1, 2) if _has_peer(number)][:1] if control is None else []
        self.arm()

    def arm(self) -> None:
        """Take the signals (back: prompt_toolkit has its own ideas of them)."""
        signal.set_wakeup_fd(self.wake)
        for number in FORWARDED:
            # SECURITY: a caller can have the terminal send INT, QUIT and HUP to the gate
            deaf = self.control is not None and number != signal.SIGTERM
            signal.signal(number, signal.SIG_IGN if deaf else _heard)
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # a login shell has nowhere to be suspended to
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # we hand the terminal over and take it back
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)

    def wait(self, children: list[Child], group: int) -> str:
        """Wait until all children have ended, each within its own limit.

        group: their process group.
        Returns '' , or why they were ended: `gone`, nobody listens any more; `stopped`, the gate was told to.
        """
        poll = self.poll()
        for child in children:
            if child.status is None:
                poll.register(child.pidfd, select.POLLIN)
        reason = self.gone  # heard when a child had been started, but nobody waited for it yet
        kill_at: float | None = None
        while running := [child for child in children if child.status is None]:
            due = min((at for at in (kill_at, *(child.due for child in running)) if at is not None), default=None)
            if reason and kill_at is None:
                due = 0.0
            ready = poll.poll(None if due is None else max(0.0, due - time.monotonic()) * 1000)
            reason = self.heard(ready, children, poll, group) or reason
            now = time.monotonic()
            if reason and (kill_at is None or now >= kill_at):
                number = signal.SIGTERM if kill_at is None else signal.SIGKILL
                end(group, number)
                for child in running:
                    child.hear(number)
                kill_at = now + GRACE
            for child in running:
                if child.status is None and child.due is not None and now >= child.due:
                    child.expire(group if len(children) == 1 else 0)
        if reason or any(child.expired for child in children):
            end(group, signal.SIGKILL)  # what they started and left behind
        return reason

    def poll(self) -> select.poll:
        """Return a poll on our signals and on the peers of our output."""
        made = select.poll()
        made.register(self.signals, select.POLLIN)
        for number in self.peers:
            made.register(number, 0)  # ERR and HUP are told without being asked for
        if self.control is not None:
            made.register(self.control, select.POLLIN)
        return made

    def heard(self, ready: list[tuple[int, int]], children: list[Child], poll: select.poll, group: int) -> str:
        """Act on what poll reported; return `gone` or `stopped` when that is the end."""
        reason = ""
        for number, _ in ready:
            child = next((one for one in children if one.pidfd == number and one.status is None), None)
            if child is not None:
                poll.unregister(number)
                child.reap()
            elif number == self.signals:
                for got in os.read(self.signals, 64):
                    if got in ENDING:
                        self.gone = reason = "gone" if self.control is None else "stopped"
                    else:
                        end(group, got)
                        for one in children:
                            one.hear(got)
            elif self.control is not None and number == self.control.fileno() and self.by_socket(group):
                continue
            else:
                poll.unregister(number)
                self.gone = reason = "gone"
        return reason

    def by_socket(self, group: int) -> bool:
        """Pass on the signals that the front sends; False when it hung up, or sent anything else."""
        sent = self.control.some(64) if self.control is not None else b""
        self.allowance -= len(sent)
        if not sent or self.allowance < 0 or not set(sent).issubset(BY_SOCKET):
            return False
        for got in sent:
            end(group, got)
        return True

    def still_there(self) -> bool:
        """Look, without waiting, whether somebody still listens."""
        poll = self.poll()
        self.heard(poll.poll(0), [], poll, 0)
        return not self.gone

    def ready(self, descriptor: int, event: int, until: float) -> bool:
        """Wait until a descriptor is ready; False when nobody listens any more, or it is too late.

        event: select.POLLIN or POLLOUT. until: by time.monotonic(), 0 for no end.
        """
        poll = self.poll()
        poll.register(descriptor, event)
        while not self.gone:
            left = max(0.0, until - time.monotonic()) * 1000 if until else None
            ready = poll.poll(left)
            if not ready:
                return False
            if any(number == descriptor for number, _ in ready):
                return True
            self.heard(ready, [], poll, 0)
        return False

    def pause(self, seconds: float) -> str:
        """Sleep; return '' or why it was cut short: `gone` or `interrupted`."""
        poll = self.poll()
        ready = poll.poll(seconds * 1000)
        if not ready:
            return ""
        return self.heard(ready, [], poll, 0) or "interrupted"


def end(group: int, number: int) -> None:
    """Send a signal to a process group that may already be gone."""
    if group > 0:
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            return


def _heard(number: int, frame: object) -> None:
    """Do nothing: that a signal came is read from the wake-up pipe."""


def _has_peer(number: int) -> bool:
    """Tell whether a descriptor has an other end that can go away."""
    try:
        return os.fstat(number).st_mode & KIND in HAS_PEER and not _is_null(number)
    except OSError:
        return False


def _is_null(number: int) -> bool:
    device = os.fstat(number).st_rdev
    return (os.major(device), os.minor(device)) == NULL_DEVICE
