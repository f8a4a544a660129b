"""The few C modules that the fast path needs, under one roof, each with its public fallback.

`os` costs 0.9 ms (it pulls in _collections_abc), `signal` 4 ms (enum), `hashlib` loads OpenSSL, `json`
compiles regular expressions. What they wrap does the same work and costs next to nothing.
"""

from __future__ import annotations

import posix as os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    import socket
    from hashlib import sha256
    from typing import Any
else:
    try:
        from _sha256 import sha256  # Python 3.11
    except ImportError:
        try:
            from _sha2 import sha256  # 3.12 and later
        except ImportError:
            from hashlib import sha256
    try:
        import _signal as signal
    except ImportError:
        import signal
    try:
        import _socket as socket
    except ImportError:
        import socket

__all__ = ["from_json", "os", "read_all", "sha256", "signal", "socket", "text_of", "to_json", "write", "write_soon"]


def json_string(text: str) -> str:
    """Write text as an ASCII JSON string."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    try:
        from _json import encode_basestring_ascii
    except ImportError:
        from json.encoder import encode_basestring_ascii
    return encode_basestring_ascii(text)


def to_json(value: object) -> str:
    """Write None, booleans, numbers, text, lists and dicts with text keys as ASCII JSON on one line."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return json_string(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json_string(key)}: {to_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(to_json, value)) + "]"
    raise TypeError(f"no JSON for {type(value).__name__}")


def read_all(descriptor: int, most: int) -> bytes:
    """Read a descriptor to its end, at most so many bytes and one more. Raises OSError."""
    parts: list[bytes] = []
    size = 0
    while size <= most:
        part = os.read(descriptor, min(1 << 20, most + 1 - size))
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def write(descriptor: int, text: str) -> bool:
    """Write all of a text. Return False when the other side is gone."""
    data = text.encode("utf-8", "surrogateescape")
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        return False
    return True


def write_soon(descriptor: int, text: str) -> None:
    """Write a short text and go on, unless that would have to wait; then end by SIGALRM, soon."""
    import select

    # SECURITY: some descriptors let a writer wait after all; whoever gave it to us can choose one
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(1)
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    if any(event & select.POLLOUT for _, event in poll.poll(0)):
        write(descriptor, text)


def text_of(data: bytes) -> str:
    """Decode bytes of foreign origin; what is no UTF-8 becomes lone surrogates, which the line refuses."""
    return data.decode("utf-8", "surrogateescape")


class _JsonShape:
    """What the C scanner of the json package asks of its context."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int

    @staticmethod
    def parse_constant(name: str) -> object:
        """Refuse NaN and Infinity, which are no JSON."""
        raise ValueError(name)


def from_json(text: str) -> object:
    """Read one JSON value. Raises ValueError."""
    make_scanner: Any
    try:
        from _json import make_scanner
    except ImportError:
        from json import loads

        return loads(text)
    try:
        value, end = make_scanner(_JsonShape())(text.strip(" \t\r\n"), 0)
    except (StopIteration, TypeError, RecursionError):
        raise ValueError("no JSON") from None
    if end != len(text.strip(" \t\r\n")):
        raise ValueError("more than one JSON value")
    return value
