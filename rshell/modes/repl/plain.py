"""The prompt of a terminal that can do nothing (TERM=dumb): read a line, no painting, no completion."""

from __future__ import annotations

import select

from rshell.lean import os, text_of, write
from rshell.modes.repl import session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.modes.shell import Shell

MORE = "> "


class Plain:
    """Reads lines from the terminal as its driver gives them."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.held = b""  # typed, but no whole line yet
        self.idle = int(str(shell.policy.settings["idle"]))

    def read(self, status: int) -> str:
        """Return one line, with all that it needs after its newlines. Raises session.Leave."""
        text = ""
        while True:
            write(1, MORE if text else session.prompt_text())
            part = self.line()
            if part is None:
                text = ""
                write(1, "\n")
                continue
            text += part
            if not session.is_unfinished(self.shell, text):
                return text
            text += "\n"

    def line(self) -> str | None:
        """Return what was typed up to a newline; None when C-c cut it short. Raises session.Leave."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self.shell.lifeline.signals, select.POLLIN)
        while b"\n" not in self.held:
            ready = dict(poll.poll(self.idle * 1000))
            if not ready:
                raise session.Leave("rshell: nothing was typed for too long")
            if self.shell.lifeline.signals in ready:
                if self.shell.lifeline.heard([(self.shell.lifeline.signals, 0)], [], poll, 0):
                    raise session.Leave
                self.held = b""
                return None
            self.held += self.typed()
        line, _, self.held = self.held.partition(b"\n")
        return text_of(line)

    def typed(self) -> bytes:
        """Return what the terminal's driver hands over: a line, or what stood before a C-d."""
        try:
            data = os.read(0, 1 << 16)
        except OSError:
            data = b""
        if not data:
            raise session.Leave
        return data
