"""A Docker Engine to ask: the host's own, or the one that the tests on real servers start."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from place import CHECKOUT

SOCKET = "/var/run/docker.sock"
IMAGE = "busybox:test"
NAME = "rshell-benchmark"
DOCKER = "/usr/bin/docker"


class Missing(Exception):
    """There is no Engine to measure with; says why."""


def answers() -> bool:
    """Tell whether an Engine is at the usual socket."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(SOCKET)
            client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in client.recv(64)
        except OSError:
            return False


@contextmanager
def engine(base: Path) -> Iterator[bool]:
    """Give whether a container may be made there: in an Engine of our own, never in the host's.

    Raises Missing.
    """
    if answers():
        yield False
        return
    sys.path.insert(0, str(CHECKOUT))
    try:
        from tests.real.engine import running_engine
    except ImportError as error:
        raise Missing(f"no Engine answers at {SOCKET}, and none can be started: {error}") from None
    home = base / "engine"
    home.mkdir(mode=0o700)
    try:
        with running_engine(home, base / "engine.log") as own:
            # past the tests' recording socket: its copying would be what is measured
            subprocess.run(["mount", "--bind", str(own.private), str(Path(SOCKET).resolve())], check=True)
            try:
                yield True
            finally:
                subprocess.run(["umount", str(Path(SOCKET).resolve())], check=True)
    except BaseException as error:
        if type(error).__name__ in ("Skipped", "Failed"):  # pytest's words for: not on this host
            raise Missing(str(error)) from None
        raise


def container_that_said(megabytes: int) -> str:
    """Make a container with a long log; return its name."""
    text = "x" * 99
    script = f"yes {text} | head -n {megabytes * 10000}"
    _docker("run", "--detach", "--network=none", f"--name={NAME}", IMAGE, "sh", "-c", script)
    _docker("wait", NAME)
    return NAME


def _docker(*words: str) -> None:
    subprocess.run([DOCKER, f"--host=unix://{SOCKET}", *words], check=True, capture_output=True)
