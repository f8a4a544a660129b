"""A text that the user hands in on stdin: a file for a command that reads one."""

from __future__ import annotations

import select
import time

from rshell.core.screen import MAX_TEXT
from rshell.lean import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 40.0  # seconds until its end; the front waits longer for the gate


class NoText(Exception):
    """There is no text on stdin; says what there is instead."""


def read(descriptor: int, ready: Callable[[int, int, float], bool]) -> str:
    """Read the text on a descriptor, to its end.

    ready: waits for it, see Lifeline.ready. Raises NoText.
    """
    if os.isatty(descriptor):  # whoever types can write a here-document, and see where it ends
        raise NoText("a terminal")
    try:
        data = _all(descriptor, ready, time.monotonic() + PATIENCE)
    except OSError as error:
        raise NoText(error.strerror or "closed") from None
    if not data.strip():
        raise NoText("empty")
    if len(data) > MAX_TEXT:
        raise NoText(f"longer than {MAX_TEXT} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:  # SECURITY: a packed context would be read past what was judged
        raise NoText("not UTF-8 text") from None


def _all(descriptor: int, ready: Callable[[int, int, float], bool], until: float) -> bytes:
    data = b""
    while len(data) <= MAX_TEXT:
        if not ready(descriptor, select.POLLIN, until):
            raise NoText("open, and nothing came")
        try:
            part = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            continue
        if not part:
            break
        data += part
    return data
