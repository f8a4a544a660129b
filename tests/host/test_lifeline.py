"""What ends a command: its time, the front's hang-up, the operator; and what does not: anything else a caller sends."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import IO

import pytest

from rshell.host import lifeline as module
from rshell.host.channel import Channel
from rshell.host.lifeline import MOST_BY_SOCKET, Child, Lifeline

SOON = 10.0
LONG = 20  # seconds after which a command that nothing else has ended is ended
PLAIN = """
import os, signal, time
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT): signal.signal(number, signal.SIG_DFL)
"""
HANDLED = (*module.FORWARDED, signal.SIGTSTP, signal.SIGTTOU, signal.SIGTTIN)
OUTPUT: dict[int, IO[bytes]] = {}
Line = tuple[Lifeline, socket.socket]
Start = Callable[..., Child]


@pytest.fixture
def gate() -> Iterator[Line]:
    """A gate's lifeline, and the front's end of its socket."""
    before = {number: signal.getsignal(number) for number in HANDLED}
    wakeup = signal.set_wakeup_fd(-1)
    ours, theirs = socket.socketpair()
    made = Lifeline(Channel(ours))
    assert made.control is not None
    made.control.ready = made.ready
    yield made, theirs
    signal.set_wakeup_fd(wakeup)
    for number, handler in before.items():
        signal.signal(number, handler)
    for end in (ours, theirs):
        end.close()
    os.close(made.signals)
    os.close(made.wake)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python code as a child in a group of its own; it is ready when it has said so."""
    started: list[subprocess.Popen[bytes]] = []

    def run(code: str, limit: int = LONG) -> Child:
        words = [sys.executable, "-Ic", f"{PLAIN}\n{code}\nos.write(1, b'r')\ntime.sleep(3600)"]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, process_group=0)
        started.append(process)
        assert process.stdout is not None
        process.stdout.read(1)
        OUTPUT[process.pid] = process.stdout
        return Child(process.pid, limit)

    yield run
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.returncode = 0  # reaped by its Child
        assert process.stdout is not None
        process.stdout.close()


def test_a_hang_up_ends_the_command(gate: Line, start: Start) -> None:
    line, front = gate
    child = start("")
    front.close()
    assert (line.wait([child], child.pid), child.status) == ("gone", 128 + signal.SIGTERM)


def test_a_hang_up_ends_a_command_that_hears_nothing(gate: Line, start: Start) -> None:
    line, front = gate
    child = start("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    front.close()
    assert (line.wait([child], child.pid), child.status) == ("gone", 128 + signal.SIGKILL)


def test_what_a_command_left_behind_in_its_group_ends_with_it(gate: Line, start: Start) -> None:
    line, front = gate
    child = start("if os.fork() == 0:\n signal.signal(signal.SIGTERM, signal.SIG_IGN)\n time.sleep(3600)")
    front.close()
    assert line.wait([child], child.pid) == "gone"
    assert OUTPUT[child.pid].read() == b""  # they held its other end


@pytest.mark.parametrize("number", module.BY_SOCKET)
def test_a_signal_byte_reaches_the_command(gate: Line, start: Start, number: int) -> None:
    line, front = gate
    child = start("")
    front.send(bytes([number]))
    assert (line.wait([child], child.pid), child.status) == ("", 128 + number)


@pytest.mark.parametrize("byte", [0, 1, 9, 15, 19, 64, 255])
def test_any_other_byte_ends_the_command(gate: Line, start: Start, byte: int) -> None:
    line, front = gate
    child = start("")
    front.send(bytes([byte]))
    assert (line.wait([child], child.pid), child.status) == ("gone", 128 + signal.SIGTERM)


def test_ten_thousand_signals_end_the_command(gate: Line, start: Start) -> None:
    line, front = gate
    child = start("signal.signal(signal.SIGINT, signal.SIG_IGN)")
    front.sendall(b"\x02" * 10_000)
    assert (line.wait([child], child.pid), child.status) == ("gone", 128 + signal.SIGTERM)


def test_so_many_signals_as_a_person_sends_do_not(gate: Line, start: Start) -> None:
    line, front = gate
    child = start("signal.signal(signal.SIGINT, signal.SIG_IGN)", 1)
    front.sendall(b"\x02" * MOST_BY_SOCKET)
    assert (line.wait([child], child.pid), child.expired) == ("", True)


def test_a_flood_of_signals_does_not_stop_the_clock(gate: Line, start: Start) -> None:
    line, front = gate
    child = start("signal.signal(signal.SIGINT, signal.SIG_IGN)", 1)
    code = "import socket, time\ns = socket.socket(fileno=0)\nwhile True: s.send(b'\\x02'); time.sleep(.02)"
    flood = subprocess.Popen(
        [sys.executable, "-Ic", code],
        stdin=front.fileno(), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        line.wait([child], child.pid)
        assert child.status == 128 + signal.SIGTERM
    finally:
        flood.kill()
        flood.wait()


def test_no_signal_of_the_terminal_reaches_the_gate(gate: Line, start: Start) -> None:
    line, _ = gate
    child = start("", 1)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        os.kill(os.getpid(), number)
    assert (line.wait([child], child.pid), child.expired) == ("", True)


def test_the_operator_s_term_ends_the_command(gate: Line, start: Start) -> None:
    line, _ = gate
    child = start("")
    os.kill(os.getpid(), signal.SIGTERM)
    assert (line.wait([child], child.pid), child.status) == ("stopped", 128 + signal.SIGTERM)


def test_a_term_that_came_while_the_front_was_told_is_not_lost(gate: Line, start: Start) -> None:
    """The gate has started the command, and talks to a front that does not read."""
    line, _ = gate
    child = start("")
    os.kill(os.getpid(), signal.SIGTERM)
    assert not line.still_there()
    assert (line.wait([child], child.pid), child.status) == ("stopped", 128 + signal.SIGTERM)


def test_a_front_that_is_gone_before_the_start_is_noticed(gate: Line) -> None:
    line, front = gate
    assert line.still_there()
    front.close()
    assert not line.still_there()


def test_without_a_descriptor_to_watch_it_by_a_process_does_not_run_on(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's table of open files can be full."""
    held = start("")

    def full(pid: int) -> int:
        raise OSError(23, "Too many open files in system")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "pidfd_open", full)
        with pytest.raises(OSError, match="Too many"):
            Child(held.pid, 0)
    assert select.select([held.pidfd], [], [], SOON)[0] == [held.pidfd]
    os.close(held.pidfd)
