"""A text on stdin: read whole, or not at all."""

from __future__ import annotations

import os
import pty
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rshell.core.screen import MAX_TEXT
from rshell.host.stdin import NoText, read


def soon(descriptor: int, event: int, until: float) -> bool:
    """Wait, but not as long as a command would."""
    return bool(select.select([descriptor], [], [], 5)[0])


@contextmanager
def piped(*parts: bytes) -> Iterator[int]:
    """A pipe into which somebody writes these, one after the other, and then closes it."""
    reader, writer = os.pipe()

    def put() -> None:
        with os.fdopen(writer, "wb", buffering=0) as file:
            for part in parts:
                try:
                    file.write(part)
                except BrokenPipeError:
                    return

    thread = threading.Thread(target=put)
    thread.start()
    try:
        yield reader
    finally:
        os.close(reader)
        thread.join()


@pytest.mark.parametrize(
    "parts", [(b"FROM a\n",), (b"FR", b"OM a", b"\n"), ("h\u00e9".encode()[:2], "h\u00e9".encode()[2:])]
)
def test_a_text_is_read_to_its_end(parts: tuple[bytes, ...]) -> None:
    with piped(*parts) as reader:
        assert read(reader, soon) == b"".join(parts).decode()


def test_the_longest_text_is_read() -> None:
    with piped(b"x" * MAX_TEXT) as reader:
        assert len(read(reader, soon)) == MAX_TEXT


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"x" * (MAX_TEXT + 1), f"longer than {MAX_TEXT} bytes"),
        (b"\x1f\x8b\x08tar", "not UTF-8 text"),
        (b"\xff\xfe", "not UTF-8 text"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, why: str) -> None:
    with piped(data) as reader, pytest.raises(NoText, match=why):
        read(reader, soon)


def test_a_terminal_is_not_waited_for() -> None:
    ours, theirs = pty.openpty()
    try:
        with pytest.raises(NoText, match="a terminal"):
            read(theirs, soon)
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_pipe_into_which_nobody_writes_is_given_up() -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(NoText, match="nothing came"):
            read(reader, lambda descriptor, event, until: False)
    finally:
        os.close(reader)
        os.close(writer)


def test_a_descriptor_that_can_not_be_read_is_refused() -> None:
    descriptor = os.open("/dev/null", os.O_WRONLY)
    try:
        with pytest.raises(NoText, match="Bad file descriptor"):
            read(descriptor, lambda descriptor, event, until: True)
    finally:
        os.close(descriptor)
