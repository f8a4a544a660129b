"""`ssh host < script`: each line decided and run; the first refusal ends it. Children get an empty stdin."""

from __future__ import annotations

import select

from rshell.core import line as language
from rshell.core.model import Refusal
from rshell.host.audit import Unrecorded
from rshell.host.process import null
from rshell.lean import os, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.host.lifeline import Lifeline
    from rshell.modes.shell import Shell

MOST = language.MAX_LINE + language.MAX_TEXT + 1024  # bytes of one logical line


def run(shell: Shell, descriptor: int = 0) -> int:
    """Run the lines of a script. Return the status of the last one, or of the first refused one."""
    streams = (null(), 1, 2)
    shell.prepare()
    try:
        shell.audit.opened()
    except Unrecorded as lost:
        return shell.unrecorded(lost)
    for line in logical_lines(descriptor, shell.lifeline):
        if shell.one(line, streams).stopped:
            break
    shell.audit.closed(shell.status)
    return shell.status


def logical_lines(descriptor: int, lifeline: Lifeline) -> Iterator[str]:
    """Yield lines, each with what a quote, an operator or a here-document still needs after its newline.

    A line longer than any that is accepted is yielded cut, to be refused.
    """
    waiting = ""
    for line in _lines(descriptor, lifeline):
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


def _lines(descriptor: int, lifeline: Lifeline) -> Iterator[str]:
    """Yield physical lines with their newline; a part of MOST bytes when there is none so long.

    It ends with the input, and when nobody is there any more.
    """
    held = b""
    while True:
        newline = held.find(b"\n")
        if newline < 0 and len(held) <= MOST:
            if not lifeline.ready(descriptor, select.POLLIN, 0):
                return
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
