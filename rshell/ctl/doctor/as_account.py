"""What --probe runs as the account, by its path: try to open each path given, print those that opened."""

from __future__ import annotations

import contextlib
import os
import socket
import sys


def opens(how: str, path: str) -> bool:
    """Try one path. how: connect (a socket), read, append, or create (in a directory; it is removed again)."""
    try:
        if how == "connect":
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(path)
        elif how == "create":
            made = f"{path}/.rshell-doctor-{os.getpid()}"
            os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with contextlib.suppress(OSError):
                os.unlink(made)
        else:
            os.close(os.open(path, os.O_RDONLY if how == "read" else os.O_WRONLY | os.O_APPEND))
    except OSError:
        return False
    return True


def main(words: list[str]) -> int:
    """Try what the words say, as HOW=PATH."""
    for word in words:
        how, _, path = word.partition("=")
        if opens(how, path):
            sys.stdout.write(f"{word}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
