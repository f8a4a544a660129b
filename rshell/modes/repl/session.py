"""A session at a terminal: read a line, judge it, run it; until `exit`, C-d or an hour of silence."""

from __future__ import annotations

from rshell import say
from rshell.core.model import Permit
from rshell.host.account import claimed
from rshell.host.audit import Unrecorded
from rshell.host.pipeline import INTERRUPTED
from rshell.lean import os, text_of, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rshell.modes.shell import Shell

WELCOME = "rshell: help lists what may be run here; explain LINE says whether a line would be.\n"


class Leave(Exception):
    """The person left, or is gone, or was silent for too long."""


def run(shell: Shell) -> int:
    """Serve a person until they leave. Return the status of the last line."""
    shell.prepare()
    read = reader(shell)
    status = 0
    try:
        shell.audit.opened()
    except Unrecorded as lost:
        return shell.unrecorded(lost)
    write(1, WELCOME)
    try:
        while True:
            line = read(status)
            if not line.strip():
                continue
            shell.builtins.lines.append(line)
            outcome = shell.one(line)
            status = outcome.status
            if outcome.over:
                break
            if status == INTERRUPTED:
                write(1, "\n")  # after the ^C that the terminal shows
    except Leave as left:
        write(1, f"{left}\n" if str(left) else "")
    shell.audit.closed(status)
    return status


def reader(shell: Shell) -> Callable[[int], str]:
    """Return what reads a line: prompt_toolkit, or a plain prompt where the terminal can't do more."""
    if claimed("TERM") in ("", "dumb", "unknown"):
        from rshell.modes.repl.plain import Plain

        return Plain(shell).read
    from rshell.modes.repl.prompt import Prompt

    return Prompt(shell).read


def prompt_text() -> str:
    """Return the prompt: where we are."""
    return f"rshell:{say.escape(text_of(os.uname().nodename.encode()))}> "


def is_unfinished(shell: Shell, line: str) -> bool:
    """Tell whether a line waits for more text: an open quote, a last |, a here-document."""
    decided = shell.judge(line)
    return not isinstance(decided, Permit) and decided.code == "line.unfinished"
