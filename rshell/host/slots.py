"""How many commands of an account run at once: each running gate holds the lock of a file."""

from __future__ import annotations

from fcntl import LOCK_EX, LOCK_NB, flock

from rshell.host import layout
from rshell.lean import os


def take(uid: int, most: int) -> bool:
    """Take one of so many slots of an account, until this process ends; False when all are taken.

    Raises OSError: the directory is not there, or not ours to use.
    """
    # SECURITY: only the identities reach this directory; nobody else can hold the locks
    flags = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    for number in range(most):
        usual = os.umask(0o027)  # the other identities must be able to open it
        try:
            descriptor = os.open(f"{layout.SLOTS}/{uid}-{number}", flags, 0o640)
        finally:
            os.umask(usual)
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        return True  # the descriptor stays open, and with it the lock
    return False
