"""A person at the prompt: keys go in by a pipe, nothing is painted, records go to a file."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.application import get_app
from prompt_toolkit.input import PipeInput

from rshell.core.model import Policy
from rshell.host import account
from rshell.modes.repl.prompt import Prompt
from rshell.modes.repl.session import Leave
from rshell.modes.shell import Shell
from tests.support import somewhere

PATIENCE = 20  # seconds
ENTER, INTERRUPT, END, TAB, UP, HOME = "\r", "\x03", "\x04", "\t", "\x1b[A", "\x01"


def pasted(text: str) -> str:
    """Text as a terminal sends it when it is pasted."""
    return f"\x1b[200~{text}\x1b[201~"


class Person:
    """Types at a prompt, and sees what becomes of it."""

    def __init__(self, keys: PipeInput, records: Path, rules: Policy) -> None:
        self.keys = keys
        self.records = records
        caller = account.own().but(name="ai-worker", home="/home/ai-worker")
        bounded = rules.but(settings={**rules.settings, "idle": PATIENCE})  # a prompt that waits in vain ends
        self.shell = Shell(bounded, caller, "repl", str(records))
        self.shell.prepare()
        self.shell.context = somewhere(terminal=True)  # any program is in /usr/bin
        self.shell.audit.journal = ""
        self.prompt = Prompt(self.shell)
        self.seen: list[tuple[str, str]] = []  # each line and message that was painted
        self.steps: deque[str | Callable[[], bool]] = deque()
        self.prompt.session.app.after_render += lambda _: self.seen.append((self.line, self.prompt.message))
        watch = self.prompt.watch
        self.prompt.watch = lambda: (watch(), get_app().create_background_task(self._type()))[0]  # type: ignore[method-assign]

    async def _type(self) -> None:
        """Take one step after the other, each when the one before has been painted or has come true."""
        while self.steps:
            step = self.steps.popleft()
            painted = len(self.seen)
            if isinstance(step, str):
                self.keys.send_text(step)
            while not (len(self.seen) > painted if isinstance(step, str) else step()):
                await asyncio.sleep(0.002)

    @property
    def line(self) -> str:
        """What stands on the line."""
        return self.prompt.session.default_buffer.text

    @property
    def messages(self) -> list[str]:
        """Every message that came up under the line, in order."""
        shown = [message for _, message in self.seen]
        return [now for before, now in zip(["", *shown], shown, strict=False) if now and now != before]

    def has_menu(self) -> bool:
        """Whether the menu is open."""
        return self.prompt.session.default_buffer.complete_state is not None

    def read(self, *steps: str | Callable[[], bool]) -> str:
        """The line that the prompt returns after these keys, and things to wait for."""
        self.seen.clear()
        self.steps = deque(steps)
        return self.prompt.read(0)

    def leave(self, *steps: str) -> Leave:
        """Type keys that end the session, and tell with what."""
        with pytest.raises(Leave) as left:
            self.read(*steps)
        return left.value

    def recorded(self) -> list[dict[str, Any]]:
        """The records so far."""
        return [json.loads(line) for line in self.records.read_text().splitlines()] if self.records.exists() else []

    def refusals(self) -> list[tuple[str, str]]:
        """Raw line and code of every refusal on record."""
        return [(record["raw"], record["code"]) for record in self.recorded() if record["event"] == "refuse"]
