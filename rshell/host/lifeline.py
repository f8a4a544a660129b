"""Wait for children, and end them when nobody waits for us any more.

One poll on the pidfds of the children, on the peers of our output, and on the signals we got. A
dropped SSH connection without a terminal sends no signal; its pipes say so at once (tried).
"""

from __future__ import annotations

import select
import time

from rshell.lean import os, signal

FORWARDED = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
ENDING = (signal.SIGHUP, signal.SIGTERM)
GRACE = 1.0  # seconds between TERM and KILL
HAS_PEER = (0o010000, 0o140000, 0o020000)  # pipe, socket, terminal
KIND = 0o170000
NULL_DEVICE = (1, 3)


class Child:
    """One started process. `status` is as in sh, None while it runs."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.status: int | None = None
        self.started = time.monotonic()
        self.seconds = 0.0

    def reap(self) -> None:
        """Fetch the status of a process that has ended."""
        _, waited = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(waited)
        self.status = 128 - code if code < 0 else code
        self.seconds = time.monotonic() - self.started
        os.close(self.pidfd)


class Lifeline:
    """What this process hears while it waits. Made once; `gone` means that nobody listens any more."""

    def __init__(self) -> None:
        self.gone = False
        self.listen()

    def listen(self) -> None:
        """Begin to hear signals; again in a forked child, which inherits none of it."""
        self.signals, self.wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.peers = [number for number in (1, 2) if _has_peer(number)][:1]
        self.arm()

    def arm(self) -> None:
        """Take the signals (back: prompt_toolkit has its own ideas of them)."""
        signal.set_wakeup_fd(self.wake)
        for number in FORWARDED:
            signal.signal(number, _heard)
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # a login shell has nowhere to be suspended to
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # we hand the terminal over and take it back
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)

    def wait(self, children: list[Child], group: int, seconds: float) -> str:
        """Wait until all children have ended.

        group: their process group, 0 for none. seconds: how long they may take, 0 for ever.
        Returns why they were ended: '' (they did it themselves), `timeout` or `gone`.
        """
        poll = select.poll()
        for child in children:
            poll.register(child.pidfd, select.POLLIN)
        poll.register(self.signals, select.POLLIN)
        for number in self.peers:
            poll.register(number, 0)  # ERR and HUP are told without being asked for
        deadline = time.monotonic() + seconds if seconds else None
        killing = None
        reason = ""
        while any(child.status is None for child in children):
            due = killing or deadline
            ready = poll.poll(None if due is None else max(0.0, due - time.monotonic()) * 1000)
            reason = self.heard(ready, children, poll, group) or reason
            if not ready and due is not None:
                os_signal = signal.SIGKILL if killing else signal.SIGTERM
                reason = reason or "timeout"
                end(group, os_signal)
                killing = time.monotonic() + GRACE
            elif reason and killing is None:
                end(group, signal.SIGTERM)
                killing = time.monotonic() + GRACE
        return reason

    def heard(self, ready: list[tuple[int, int]], children: list[Child], poll: select.poll, group: int) -> str:
        """Act on what poll reported; return `gone` when the other side hung up."""
        reason = ""
        for number, _ in ready:
            child = next((one for one in children if one.pidfd == number and one.status is None), None)
            if child is not None:
                poll.unregister(number)
                child.reap()
            elif number == self.signals:
                for got in os.read(self.signals, 64):
                    if got in ENDING:
                        self.gone, reason = True, "gone"
                    else:
                        end(group, got)
            else:
                poll.unregister(number)
                self.gone, reason = True, "gone"
        return reason

    def pause(self, seconds: float) -> str:
        """Sleep; return '' or why it was cut short: `gone` or `interrupted`."""
        poll = select.poll()
        poll.register(self.signals, select.POLLIN)
        for number in self.peers:
            poll.register(number, 0)
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
