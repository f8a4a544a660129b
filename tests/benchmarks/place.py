"""The program as it is installed, in a place that vanishes: a private mount namespace, a directory of our own."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CHECKOUT = Path(__file__).absolute().parents[2]
SYSTEM_PYTHON = "/usr/bin/python3"
ETC, LOG = Path("/etc/rshell"), Path("/var/log/rshell")
STATE, LIBEXEC = Path("/var/lib/rshell"), Path("/usr/local/libexec")
COVERED = (ETC, LOG, STATE, LIBEXEC)
LOCK = Path("/run/rshell-test.lock")  # of the tests on real servers: they load the host, and count requests
INSIDE = "RSHELL_BENCHMARK_INSIDE"
LSHELL = """[global]
logpath : {log}
loglevel : 2

[default]
allowed : ['echo']
forbidden : [';', '&', '|', '`', '>', '<', '$(', '${{']
warning_counter : 2
"""


def enter(argv: list[str]) -> int:
    """Run this program again where mounts are its own; the directories to mount on are made, and removed again."""
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    fcntl.flock(lock, fcntl.LOCK_EX)
    missing = [path for path in COVERED if not path.exists()]
    for path in missing:
        path.mkdir(mode=0o755, parents=True)
    try:
        inner = subprocess.run(["unshare", "-m", sys.executable, *argv], env={**os.environ, INSIDE: "1"})
    finally:
        for left in Path("/var/lib").glob("rshell-benchmark-*"):  # what was mounted could not be removed in there
            shutil.rmtree(left, ignore_errors=True)
        for path in missing:
            with suppress(OSError):
                path.rmdir()
        os.close(lock)
    return inner.returncode


@contextmanager
def own_directory() -> Iterator[Path]:
    """Cover the directories of the host's own rshell, and make a directory that only root can write."""
    os.umask(0o022)
    for path in COVERED:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path], check=True)
    base = Path(tempfile.mkdtemp(prefix="rshell-benchmark-", dir="/var/lib"))
    base.chmod(0o755)
    try:
        yield base
    finally:
        shutil.rmtree(base, ignore_errors=True)


class Installed:
    """rshell in a prefix of its own, and the policies that the rows want, one of them in force."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.prefix = base / "prefix"
        self.rshell = self.prefix / "bin/rshell"
        self.python = self.prefix / "bin/python"
        self.policies = base / "policies"
        self.policies.mkdir()
        _venv(base / "tools", with_pip=True)
        _venv(self.prefix)
        self.pip("install", CHECKOUT, into=self.prefix)
        self.ctl("launcher", self.rshell)

    def ctl(self, *args: str | Path) -> str:
        """Run rshellctl; return what it says."""
        return _run(self.prefix / "bin/rshellctl", *args)

    def pip(self, *args: str | Path, into: Path) -> None:
        """Run pip for a venv, which holds no pip itself: nothing of it is to be measured."""
        words = ("--quiet", "--disable-pip-version-check", "--root-user-action=ignore")
        _run(self.base / "tools/bin/python", "-m", "pip", "--python", into / "bin/python", *args, *words)

    def add(self, name: str, text: str) -> None:
        """Check and compile a policy, and keep it for `use`."""
        source = self.policies / f"{name}.source"
        source.write_text(text)
        (self.policies / name).mkdir()
        self.use(name)
        self.ctl("apply", "--yes", source)

    def use(self, name: str) -> None:
        """Put a policy in force: a mount, so that its files stay the ones that were compiled."""
        subprocess.run(["mount", "--bind", self.policies / name, ETC], check=True)

    def argv_of(self, line: str) -> list[str]:
        """Return what a line would execute: the same program to run without rshell."""
        said = json.loads(self.ctl("explain", "--json", "--user", "root", line))
        return [str(word) for word in said["commands"][0]["argv"]]

    def lshell(self) -> list[str]:
        """Install lshell in a venv of its own; return the command that runs a line by it."""
        venv, log = self.base / "lshell", self.base / "lshell-log"
        log.mkdir()
        _venv(venv)
        self.pip("install", "limited-shell", into=venv)
        config = self.base / "lshell.conf"
        config.write_text(LSHELL.format(log=log))
        command = [str(venv / "bin/lshell"), "--config", str(config), "-c"]
        said = _run(*command, "echo hi")
        if said != "hi\n":
            raise RuntimeError(f"lshell -c 'echo hi' printed {said!r}")
        return command


def _venv(place: Path, with_pip: bool = False) -> None:
    _run(SYSTEM_PYTHON, "-m", "venv", *(() if with_pip else ("--without-pip",)), place)


def _run(*argv: str | Path) -> str:
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
