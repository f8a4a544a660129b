"""`ssh host < script`: each line decided and run; the first refusal ends it. Children get an empty stdin."""

from __future__ import annotations

from rshell.core import line as language
from rshell.core.model import Refusal
from rshell.host.process import null
from rshell.lean import os, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.modes.shell import Shell

MOST = language.MAX_LINE + language.MAX_TEXT + 1024  # bytes of one logical line


def run(shell: Shell, descriptor: int = 0) -> int:
    """Run the lines of a script. Return the status of the last one, or of the first refused one."""
    streams = (null(), 1, 2)
    status = 0
    shell.audit.opened()
    for line in logical_lines(descriptor):
        outcome = shell.one(line, streams)
        status = outcome.status
        if outcome.stopped:
            break
    shell.audit.closed(status)
    return status


def logical_lines(descriptor: int) -> Iterator[str]:
    """Yield lines, each with what a quote, an operator or a here-document still needs after its newline.

    A line longer than any that is accepted is yielded cut, to be refused.
    """
    waiting = ""
    for line in _lines(descriptor):
        waiting += line
        whole = waiting.removesuffix("\n")
        if len(waiting) <= MOST:
            read = language.parse(whole)
            if isinstance(read, Refusal) and read.code == "line.unfinished":
                continue
            if not isinstance(read, Refusal) and not read.items:
                waiting = ""
                continue
        waiting = ""
        yield whole
    if waiting:
        yield waiting.removesuffix("\n")


def _lines(descriptor: int) -> Iterator[str]:
    """Yield physical lines with their newline; a part of MOST bytes when there is none so long."""
    held = b""
    while True:
        newline = held.find(b"\n")
        if newline < 0 and len(held) <= MOST:
            part = os.read(descriptor, 1 << 16)
            if not part:
                break
            held += part
            continue
        cut = newline + 1 if newline >= 0 else len(held)
        yield text_of(held[:cut])
        held = held[cut:]
    if held:
        yield text_of(held)
