"""`rshellctl try` in a real terminal: tmux, on a server of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.real.terminal import Terminal
from tests.support import ROOT


class OpenShell(Protocol):
    """Opens a terminal in which the shell runs; `settings` are words for env(1)."""

    def __call__(self, *settings: str, policy: Path | None = None, width: int = 80, height: int = 24) -> Terminal: ...


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Where the shell keeps its records."""
    return tmp_path / "state"


@pytest.fixture
def shell(tmp_path: Path, state: Path) -> Iterator[OpenShell]:
    """Opens shells, which close with the test."""
    with ExitStack() as stack:

        def start(*settings: str, policy: Path | None = None, width: int = 80, height: int = 24) -> Terminal:
            variables = (f"HOME={tmp_path}", f"XDG_STATE_HOME={state}", f"PYTHONPATH={ROOT}", *settings)
            words = (sys.executable, "-m", "rshell.ctl", "try", *(("--policy", policy) if policy else ()))
            terminal = Terminal(tmp_path, (*variables, *words), width, height)
            stack.callback(terminal.hang_up)
            return terminal

        yield start
