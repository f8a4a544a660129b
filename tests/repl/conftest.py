"""Fixtures of the prompt: keys go in by a pipe, nothing is painted."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from rshell.host.lifeline import FORWARDED
from rshell.modes.repl import prompt as prompting
from tests.repl.person import Person
from tests.support import policy

IGNORED = (signal.SIGTSTP, signal.SIGTTOU, signal.SIGTTIN)


@pytest.fixture
def signals() -> Iterator[None]:
    """Signals as they were, after a test in which a shell took them."""
    before = {number: signal.getsignal(number) for number in (*FORWARDED, *IGNORED)}
    wake = signal.set_wakeup_fd(-1)
    yield
    signal.set_wakeup_fd(wake)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[PipeInput]:
    """Where keys go in."""
    monkeypatch.setattr(prompting, "output", DummyOutput)
    with create_pipe_input() as made, create_app_session(input=made, output=DummyOutput()):
        yield made


@pytest.fixture
def person(keys: PipeInput, tmp_path: Path, signals: None) -> Person:
    """A person at the prompt of the shipped policy."""
    return Person(keys, tmp_path / "audit.jsonl", policy())
