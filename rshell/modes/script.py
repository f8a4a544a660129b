"""`ssh host < script`: each line decided and run; the first refusal ends it. Children get an empty stdin."""

from __future__ import annotations

import select

from rshell.core import line as language
from rshell.core.model import Refusal, Script
from rshell.core.screen import MAX_LINE, MAX_TEXT
from rshell.host.audit import Unrecorded
from rshell.host.process import null
from rshell.lean import os, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.host.lifeline import Lifeline
    from rshell.modes.shell import Shell

MAX_JOINED = 256  # physical lines that \ or an operator may join
MOST = MAX_LINE + MAX_TEXT + 1024  # bytes of one logical line


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

    A line longer than any that is accepted is yielded as it is, to be refused.
    """
    waiting, count, closer = "", 0, ""
    for line in _lines(descriptor, lifeline):
        waiting += line
        count += 1
        # SECURITY: read again only when the line may have ended, or the time would grow with its square
        if closer and not _closes(line, closer) and len(waiting) <= MOST:
            continue
        whole = waiting.removesuffix("\n")
        read = language.parse(whole)
        unfinished = isinstance(read, Refusal) and read.code == "line.unfinished"
        if unfinished and len(waiting) <= MOST and count < (MAX_JOINED if not _closer(read) else MOST):
            closer = _closer(read)
            continue
        waiting, count, closer = "", 0, ""
        if isinstance(read, Refusal) or read.items:
            yield whole
    if waiting:
        yield waiting.removesuffix("\n")


def _closer(read: Refusal | Script) -> str:
    """Return what an unfinished line waits for: a quote, or `<` and the delimiter of its here-document."""
    if not isinstance(read, Refusal) or read.at is None:
        return ""
    opened = read.line[read.at[0] : read.at[1]]
    if opened.startswith("<<"):
        return "<" + "".join(char for char in opened[2:].strip() if char not in "'\"\\")
    return opened[:1] if opened[:1] in ("'", '"') else ""


def _closes(line: str, closer: str) -> bool:
    if closer[0] == "<":
        return line.removesuffix("\n") == closer[1:]
    return closer in line


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
        if not lifeline.still_there():
            return
        cut = newline + 1 if newline >= 0 else len(held)
        yield text_of(held[:cut])
        held = held[cut:]
    if held:
        yield text_of(held)
