"""Whole processes, A and B in turn; what counts is the median of the ratios of neighbours."""

import os
import pty
import select
import signal
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

Run = Callable[[], float]

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
PATIENCE = 30.0  # seconds for a prompt to come
MEGABYTE = 1 << 20


class Pair:
    """The times of two things measured in turn, in seconds."""

    def __init__(self, times: Sequence[tuple[float, float]]) -> None:
        self.first = statistics.median(a for a, _ in times)
        self.second = statistics.median(b for _, b in times)
        ratios = sorted(a / b for a, b in times)
        self.ratio = statistics.median(ratios)
        self.low, self.high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]


def pairs(first: Run, second: Run, count: int) -> Pair:
    """Measure A B A B..., after a warm-up of both."""
    for _ in range(2):
        first()
        second()
    return Pair([(first(), second()) for _ in range(count)])


def process(argv: Sequence[str | Path], status: int = 0, env: Mapping[str, str] | None = None) -> Run:
    """Give the run of a whole process, from its start until it is reaped; its output is thrown away.

    status: what it must end with: a benchmark of something that failed measures nothing.
    """
    words = [str(word) for word in argv]
    quiet = [(os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_RDWR, 0) for number in range(3)]
    made = {**ENVIRONMENT, **(env or {})}

    def run() -> float:
        start = time.perf_counter()
        pid = os.posix_spawn(words[0], words, made, file_actions=quiet)
        _, waited = os.waitpid(pid, 0)
        taken = time.perf_counter() - start
        _expect(words, os.waitstatus_to_exitcode(waited), status)
        return taken

    return run


def output(argv: Sequence[str | Path], env: Mapping[str, str] | None = None) -> tuple[Run, Callable[[], int]]:
    """Give the run of a process whose output comes by a pipe, and how many bytes the last run gave.

    Timed from its first byte to its last: what it costs to start is measured elsewhere.
    """
    words = [str(word) for word in argv]
    made = {**ENVIRONMENT, **(env or {})}
    counted = 0

    def run() -> float:
        nonlocal counted
        reader, writer = os.pipe()
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDWR, 0),
            (os.POSIX_SPAWN_DUP2, writer, 1),
            (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_RDWR, 0),
        ]
        pid = os.posix_spawn(words[0], words, made, file_actions=actions)
        os.close(writer)
        counted = len(os.read(reader, 1))
        start = time.perf_counter()
        while part := os.read(reader, MEGABYTE):
            counted += len(part)
        taken = time.perf_counter() - start
        _, waited = os.waitpid(pid, 0)
        os.close(reader)
        _expect(words, os.waitstatus_to_exitcode(waited), 0)
        return taken

    return run, lambda: counted


def in_terminal(argv: Sequence[str | Path], until: bytes | None) -> Run:
    """Give the run of a process in a terminal of its own, until it has written these bytes, or to its end."""
    words = [str(word) for word in argv]
    made = {**ENVIRONMENT, "TERM": "xterm-256color"}

    def run() -> float:
        master, slave = pty.openpty()
        # the first terminal that a session leader opens is its controlling terminal
        actions = [(os.POSIX_SPAWN_OPEN, number, os.ttyname(slave), os.O_RDWR, 0) for number in range(3)]
        start = time.perf_counter()
        pid = os.posix_spawn(words[0], words, made, file_actions=actions, setsid=True)
        os.close(slave)
        try:
            written = _read(master, until)
            if until is None:
                _, waited = os.waitpid(pid, 0)
                taken = time.perf_counter() - start
                _expect(words, os.waitstatus_to_exitcode(waited), 0)
                return taken
            taken = time.perf_counter() - start
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            if until not in written:
                raise RuntimeError(f"{' '.join(words)}: no prompt in {written!r}")
            return taken
        finally:
            os.close(master)

    return run


def _read(master: int, until: bytes | None) -> bytes:
    """Read a terminal until these bytes have come, or to its end."""
    written = b""
    while until is None or until not in written:
        if not select.select([master], [], [], PATIENCE)[0]:
            break
        try:
            part = os.read(master, 1 << 16)
        except OSError:  # EIO: the last one closed it
            break
        if not part:
            break
        written += part
    return written


def _expect(words: Sequence[str], got: int, wanted: int) -> None:
    if got != wanted:
        raise RuntimeError(f"{' '.join(words)}: status {got}, expected {wanted}")
