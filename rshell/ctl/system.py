"""The system's own tools, as rshellctl calls them: the only file of it that starts processes."""

from __future__ import annotations

import os
import subprocess

from rshell.core.value import Value
from rshell.host.programs import SEARCH_PATH, find

ENVIRONMENT = {"PATH": SEARCH_PATH, "HOME": "/root", "LC_ALL": "C.UTF-8"}
TIMEOUT = 60.0  # seconds
PEER = 3  # taken here by the time: the peer is a descriptor, so nothing that subprocess makes is hit


class Answer(Value):
    """What a program said, and its status: 127 when it is not there, 124 when it did not end."""

    status: int
    out: str
    err: str

    @property
    def good(self) -> bool:
        """Tell whether it ended with 0."""
        return self.status == 0


def ask(name: str, *words: str, text: str = "", timeout: float = TIMEOUT, peer: int = -1) -> Answer:
    """Run one of root's programs, found by name in root's directories, without a shell.

    text: its stdin. timeout: seconds. peer: a descriptor to give it as number 3.
    Never raises for what the program does.
    """
    path = find(name) if "/" not in name else name
    if not path:
        return Answer(127, "", f"{name} is not installed")
    try:
        done = subprocess.run(
            [path, *words], input=text.encode(), env=ENVIRONMENT, capture_output=True, timeout=timeout, cwd="/",
            pass_fds=(PEER,) if peer >= 0 else (), preexec_fn=(lambda: place(peer)) if peer >= 0 else None,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Answer(124, "", f"{name} did not end within {timeout:g} s")
    except OSError as error:
        return Answer(126, "", f"{path}: {error.strerror}")
    return Answer(
        done.returncode if done.returncode >= 0 else 128 - done.returncode,
        done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"),
    )  # fmt: skip


def place(descriptor: int) -> None:
    """Make a descriptor number 3 of a child."""
    os.dup2(descriptor, PEER)


def attend(name: str, *words: str) -> int:
    """Run one of root's programs at the terminal, as an editor; return its status, 127 when it is not there."""
    path = find(name) if "/" not in name else name
    try:
        terminal = {"TERM": os.environ.get("TERM", "dumb")}
        return subprocess.run([path or name, *words], env={**ENVIRONMENT, **terminal}).returncode
    except OSError:
        return 127
