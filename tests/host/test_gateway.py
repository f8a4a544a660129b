"""The front's side of the gate: whatever is on the other side, or is not, the front gets an answer."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rshell.core.model import Exec
from rshell.host import gateway
from rshell.host import lifeline as lifelines
from rshell.host.account import Claims
from rshell.host.gateway import Crossing, cross
from rshell.host.lifeline import Lifeline
from rshell.host.protocol import Answer, Request, frame
from tests.support import execs, judge

STAGE: Exec = execs(judge("docker ps"))[0]
REQUEST = Request(("docker", "ps"), None, False, 0, Claims("a-1", "c", "", ""))
HANDLED = (*lifelines.FORWARDED, signal.SIGTSTP, signal.SIGTTOU, signal.SIGTTIN)
Across = Callable[[str], tuple[Crossing, Answer]]
READY = frame(Answer("ready", group=7))


@pytest.fixture
def lifeline(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lifeline]:
    before = {number: signal.getsignal(number) for number in HANDLED}
    wakeup = signal.set_wakeup_fd(-1)
    monkeypatch.setattr(lifelines, "_has_peer", lambda number: False)  # pytest's own output
    made = Lifeline()
    yield made
    signal.set_wakeup_fd(wakeup)
    for number, handler in before.items():
        signal.signal(number, handler)
    os.close(made.signals)
    os.close(made.wake)


@pytest.fixture
def across(lifeline: Lifeline, tmp_path: Path) -> Iterator[Across]:
    """Crosses to Python code in the place of sudo and the gate; it has the socket as `s`."""
    made: list[Crossing] = []

    def go(code: str) -> tuple[Crossing, Answer]:
        sudo = tmp_path / "sudo"
        sudo.write_text(
            f"#!{sys.executable} -I\nimport os, signal, socket, sys, time\ns = socket.socket(fileno=3)\n{code}\n"
        )
        sudo.chmod(0o755)
        null = os.open("/dev/null", os.O_RDWR)
        try:
            crossing, answer = cross(STAGE, REQUEST, (str(sudo), "/the/gate"), (null,) * 3, 0, -1, lifeline)
        finally:
            os.close(null)
        made.append(crossing)
        return crossing, answer

    yield go
    for each in made:
        if each.status is None:
            os.kill(each.pid, signal.SIGKILL)
            each.reap()


def test_sudo_gets_these_words_and_the_gate_the_request(across: Across, tmp_path: Path) -> None:
    got = tmp_path / "got"
    code = f"open({str(got)!r}, 'w').write(repr((sys.argv[1:], s.recv(9999))))"
    across(code)
    assert got.read_text() == repr((["-n", "-C", "4", "-u", "rshell-docker", "--", "/the/gate"], frame(REQUEST)))


SILENT = {
    "it ends": "",
    "it fails": "sys.exit(1)",
    "it is killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "it hangs up": "s.close()",
    "half an answer": "s.send(b'\\0\\0\\0\\x09{')",
    "no answer": "s.send(b'\\0\\0\\0\\x02{}')",
    "a long answer": "s.send(b'\\xff\\xff\\xff\\xff')",
    "text": "s.send(b'sudo: a password is required')",
}


@pytest.mark.parametrize("code", SILENT.values(), ids=list(SILENT))
def test_without_an_answer_nothing_runs_and_all_is_over(across: Across, code: str) -> None:
    crossing, answer = across(code)
    assert (answer.verdict, answer.reason, answer.refusal) == ("refused", gateway.SILENT, gateway.unanswered())
    assert crossing.status is not None


def test_a_gate_that_says_ready_is_waited_for(across: Across, lifeline: Lifeline) -> None:
    ended = frame(Answer("ended", 3, reason="timeout"))
    crossing, answer = across(f"s.send({READY!r}); s.send({ended!r}); sys.exit(3)")
    assert answer == Answer("ready", group=7)
    assert lifeline.wait([crossing], 0) == ""
    assert (crossing.status, crossing.reason) == (3, "timeout")


def test_a_gate_that_dies_without_a_word_has_its_status(across: Across, lifeline: Lifeline) -> None:
    crossing, _ = across(f"s.send({READY!r}); os.kill(os.getpid(), signal.SIGKILL)")
    lifeline.wait([crossing], 0)
    assert (crossing.status, crossing.reason) == (137, "")


def test_an_interrupt_is_a_byte_and_the_end_is_a_hang_up(across: Across, lifeline: Lifeline, tmp_path: Path) -> None:
    got = tmp_path / "got"
    crossing, _ = across(
        f"s.recv(9999); s.send({READY!r}); a = s.recv(1); b = s.recv(1); open({str(got)!r}, 'w').write(repr((a, b)))"
    )
    crossing.hear(signal.SIGINT)
    crossing.hear(signal.SIGTERM)
    lifeline.wait([crossing], 0)
    assert got.read_text() == repr((b"\x02", b""))


def test_a_gate_that_never_ends_is_left_alone_in_the_end(across: Across) -> None:
    crossing, _ = across(f"s.recv(9999); s.send({READY!r}); time.sleep(60)")
    for _ in range(gateway.MOST_HANG_UPS):
        crossing.hear(signal.SIGTERM)
        assert crossing.status is None
    crossing.hear(signal.SIGKILL)
    assert crossing.status == 137
    os.kill(crossing.pid, signal.SIGKILL)
    os.waitpid(crossing.pid, 0)
