"""End what runs for an account: its gates first, then everything under its uid."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress

from rshell.host import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

GATES = 5.0  # seconds for the gates: each has its command end first, and records that
GRACE = 2.0  # seconds between TERM and KILL
ALL = 10.0  # seconds for whatever is started meanwhile
LOOKS = 2  # in which nothing is found, until we believe it
PAUSE = 0.05


def end_all(uid: int) -> tuple[int, list[str]]:
    """End the gates and the processes of an account.

    Returns how many processes were told to end, and which ones did not: number, state and name.
    """
    told: set[tuple[int, int]] = set()

    def serves(pid: int) -> bool:
        return _is_gate_of(pid, uid)

    def is_served(pid: int) -> bool:
        return any(serves(one) for one in _line_of(pid))

    def belongs(pid: int) -> bool:
        return _uid_of(pid) == uid

    # a gate has its command end, and records that; KILL is for one that does not, and then for its command too
    left = _end(serves, is_served, told, GATES) + _end(belongs, belongs, told, GRACE)
    return len(told), [_described(pid) for pid in left]


def _end(
    first: Callable[[int], bool], last: Callable[[int], bool], told: set[tuple[int, int]], patience: float
) -> list[int]:  # fmt: skip
    """Send TERM to some, and after a while KILL to what is left, until none is found, look after look.

    told: takes in which ones, by process id and start. Returns those that are still there in the end.
    """
    _wait(_signalled(first, signal.SIGTERM, told), patience)
    give_up = time.monotonic() + ALL
    looks = 0
    while looks < LOOKS:
        held = _signalled(last, signal.SIGKILL, told)
        looks = 0 if held else looks + 1  # a fork may have been under way
        if held and time.monotonic() > give_up:
            _wait(held, 0)
            return _found(last)
        _wait(held, PAUSE)
        time.sleep(0 if held else PAUSE)
    return []


def _signalled(wanted: Callable[[int], bool], number: int, told: set[tuple[int, int]]) -> list[int]:
    """Send a signal to every process that is wanted; return their pidfds."""
    held = {}
    for pid in _found(wanted):
        with suppress(ProcessLookupError):
            held[pid] = os.pidfd_open(pid)
    # SECURITY: once it is held a number can't become another process's; so it is judged only now,
    # and all are judged before the first one ends
    chosen = [pid for pid in held if wanted(pid)]
    told |= {(pid, _started(pid)) for pid in chosen}
    for pid in chosen:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(held[pid], number)
    for pid in held.keys() - set(chosen):
        os.close(held.pop(pid))
    return list(held.values())


def _wait(held: list[int], seconds: float) -> None:
    """Wait until all have ended, or for so long; let go of them."""
    until = time.monotonic() + seconds
    for descriptor in held:
        select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
        os.close(descriptor)


def _found(wanted: Callable[[int], bool]) -> list[int]:
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if pid != os.getpid() and wanted(pid)]


def _is_gate_of(pid: int, uid: int) -> bool:
    """Tell whether a process is a gate that serves an account: sudo has put its uid into the environment."""
    words = _read(pid, "cmdline").split(b"\0")
    is_gate = layout.GATE.encode() in words[1:3]  # python, its options, the launcher
    return is_gate and b"SUDO_UID=%d" % uid in _read(pid, "environ").split(b"\0")


def _line_of(pid: int) -> list[int]:
    """Return a process and those above it."""
    line = []
    while pid > 0 and pid not in line:
        line.append(pid)
        after_name = _read(pid, "stat").rpartition(b")")[2].split()
        pid = int(after_name[1]) if len(after_name) > 1 else 0
    return line


def _uid_of(pid: int) -> int:
    """Return the real uid of a process; -1 when it is gone or only waits to be reaped."""
    fields = dict(line.split(b":", 1) for line in _read(pid, "status").splitlines() if b":" in line)
    if not fields or fields[b"State"].split()[0] in (b"Z", b"X"):
        return -1
    return int(fields[b"Uid"].split()[0])


def _described(pid: int) -> str:
    fields = dict(line.split(b":", 1) for line in _read(pid, "status").splitlines() if b":" in line)
    words = [str(pid), *(fields.get(name, b"").decode("ascii", "replace").strip() for name in (b"State", b"Name"))]
    return " ".join(words)


def _started(pid: int) -> int:
    """Return when a process started, in ticks: with its number it names a process for good."""
    after_name = _read(pid, "stat").rpartition(b")")[2].split()
    return int(after_name[19]) if len(after_name) > 19 else 0


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""
