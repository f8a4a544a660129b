"""The socket between front and gate: whole messages in any pieces, and never a wait without an end."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell.host.account import Claims
from rshell.host.channel import Channel, Hung
from rshell.host.protocol import MAX_MESSAGE, BadMessage, Request, frame, request

Ends = tuple[Channel, socket.socket]
SENT = Request(("docker", "ps", "--filter", "name=\u20ac"), "text\n" * 50, False, 5, Claims("a-1", "c", "", ""))
WHOLE = frame(SENT)
GATE_S_PATIENCE = 0.2
SOON = 10.0  # seconds: whatever takes longer would never end


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = socket.socketpair()
    yield Channel(ours), theirs
    ours.close()
    theirs.close()


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_a_request_in_any_pieces_is_the_same_request(cuts: list[int]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        places = [0, *sorted(cuts), len(WHOLE)]
        pieces = [WHOLE[start:end] for start, end in itertools.pairwise(places)]

        def send() -> None:
            for piece in pieces:
                theirs.sendall(piece)
                time.sleep(0)

        sender = threading.Thread(target=send)
        sender.start()
        assert request(Channel(ours).receive(SOON)) == SENT
        sender.join()


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_messages_one_behind_the_other_stay_apart(bodies: list[bytes]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"".join(len(body).to_bytes(4, "big") + body for body in bodies))
        channel = Channel(ours)
        assert [channel.receive(SOON) for _ in bodies] == bodies


@pytest.mark.parametrize("size", [MAX_MESSAGE + 1, 10 << 20, 0xFFFFFFFF])
def test_a_message_that_says_it_is_too_long_is_not_read(ends: Ends, size: int) -> None:
    channel, theirs = ends
    theirs.sendall(size.to_bytes(4, "big") + b"x")
    with pytest.raises(BadMessage):
        channel.receive(SOON)
    assert channel.some(10) == b"x"


def test_half_a_message_and_a_hang_up_is_no_message(ends: Ends) -> None:
    channel, theirs = ends
    theirs.sendall(WHOLE[:-1])
    theirs.close()
    with pytest.raises(Hung):
        channel.receive(SOON)


@pytest.mark.parametrize("data", [b"", WHOLE[:2], WHOLE[:4], WHOLE[:-1]], ids=["nothing", "2", "4", "half"])
def test_silence_ends(ends: Ends, data: bytes) -> None:
    channel, theirs = ends
    theirs.sendall(data)
    with pytest.raises(Hung):
        channel.receive(GATE_S_PATIENCE)


def test_slow_drops_do_not_stretch_the_patience(ends: Ends) -> None:
    """It is for the whole message, not for each byte."""
    channel, theirs = ends
    over = threading.Event()

    def drip() -> None:
        for byte in WHOLE:
            if over.wait(0.02):
                return
            theirs.send(bytes([byte]))

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(Hung):
        channel.receive(GATE_S_PATIENCE)
    over.set()
    thread.join()


def test_a_front_that_does_not_read_is_not_waited_for(ends: Ends) -> None:
    channel, _ = ends
    with pytest.raises(Hung):
        channel.send(b"x" * (4 << 20), GATE_S_PATIENCE)


def test_a_front_that_is_gone_is_no_error_but_hung(ends: Ends) -> None:
    channel, theirs = ends
    theirs.close()
    with pytest.raises(Hung):
        channel.send(b"x", SOON)
    assert channel.some(1) == b""


def test_whoever_makes_the_shared_socket_wait_holds_up_nobody(ends: Ends) -> None:
    """O_NONBLOCK is of the open socket; whoever has a duplicate can take it away, and what had come too."""
    channel, _ = ends
    shared = socket.socket(fileno=os.dup(channel.fileno()))
    shared.setblocking(True)
    held = threading.Thread(target=lambda: channel.some(1), daemon=True)
    held.start()
    held.join(SOON)
    assert not held.is_alive()
    with pytest.raises(Hung):
        channel.send(b"x" * (4 << 20), GATE_S_PATIENCE)
    shared.close()


def test_descriptors_in_the_stream_are_not_taken(ends: Ends) -> None:
    channel, theirs = ends
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(20):
        socket.send_fds(theirs, [WHOLE], [0, 1, 2])
        assert request(channel.receive(SOON)) == SENT
    assert set(os.listdir("/proc/self/fd")) == before


def test_urgent_data_is_no_message(ends: Ends) -> None:
    channel, theirs = ends
    theirs.send(WHOLE[:9])
    with contextlib.suppress(OSError):  # some kernels know none between processes
        theirs.send(b"!", socket.MSG_OOB)
    theirs.send(WHOLE[9:])
    with contextlib.suppress(Hung, BadMessage):
        assert request(channel.receive(SOON)) == SENT
