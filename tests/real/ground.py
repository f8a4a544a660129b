"""What every fixture stands on: a host that may be used, a directory of its own, processes that end."""

import ctypes
import fcntl
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

T = TypeVar("T")

SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "HOME": "/nonexistent"}
LOCK = Path("/run/rshell-test.lock")
LOGS: dict[str, Path] = {}
"""Every server's log, shown with whatever test fails."""

_PLACE, _PREFIX = "/var/lib", "rshell-test-"
_MNT_DETACH = 2


def refuse(reason: str) -> NoReturn:
    """Skip on a laptop, fail in CI: there, nothing may be skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"needed in CI: {reason}", pytrace=False)
    pytest.skip(reason)


def need(*programs: str) -> None:
    """Be root, and have these programs of the system."""
    if os.geteuid() != 0:
        refuse("needs root")
    for name in programs:
        program(name)


def program(name: str) -> str:
    """The absolute path of one of the system's own programs."""
    found = shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        refuse(f"needs {name}")
    return found


def wait_until(check: Callable[[], T | None], timeout: float, what: str) -> T:
    """Poll until `check` gives something true, and give that."""
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(0.01)


def run(
    *argv: str | Path,
    input: str | bytes | None = None,
    env: Mapping[str, str] = ENVIRONMENT,
    check: bool = True,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run one command in a small environment, its output as text whatever the bytes."""
    data = input.encode() if isinstance(input, str) else input or b""
    done = subprocess.run([*map(str, argv)], input=data, env=env, capture_output=True, timeout=timeout)
    out, err = done.stdout.decode(errors="backslashreplace"), done.stderr.decode(errors="backslashreplace")
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: status {done.returncode}\n{out}{err}")
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def outcome(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    """What a caller gets: status, stdout, stderr."""
    return done.returncode, done.stdout, done.stderr


def first_line(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    """What a caller gets of a refusal: status, stdout, the first line of stderr."""
    return done.returncode, done.stdout, done.stderr.partition("\n")[0]


class Server:
    """A process of ours, its log, and its certain end (even when this process is killed)."""

    def __init__(self, name: str, argv: Sequence[str | Path], log: Path) -> None:
        self.log = log
        self._name = name
        LOGS[name] = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [program("setpriv"), "--pdeathsig", "TERM", "--", *map(str, argv)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=ENVIRONMENT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The server's own process id."""
        return self._process.pid

    def wait_ready(self, check: Callable[[], T | None], timeout: float = 20) -> T:
        """Poll until it serves; an early exit or a timeout shows its log."""

        def alive_and_ready() -> T | None:
            if self._process.poll() is not None:
                raise ChildProcessError(f"it exited with {self._process.returncode}")
            return check()

        try:
            return wait_until(alive_and_ready, timeout, f"{self._name} is ready")
        except (ChildProcessError, TimeoutError) as error:
            self.stop()
            raise RuntimeError(f"{self._name} did not start: {error}\n{tail(self.log)}") from None

    def stop(self, patience: float = 10) -> None:
        """TERM, then KILL, and then whatever it had started."""
        children = Handles(descendants(self.pid))
        self._process.terminate()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        children.kill()


class Handles:
    """Processes held by pidfd, so that a reused id is never hit."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._held: list[int] = []
        for pid in pids:
            with suppress(ProcessLookupError):
                self._held.append(os.pidfd_open(pid))

    def kill(self) -> None:
        """Kill those that still live, and let go of them once they are dead."""
        for handle in self._held:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        for handle in self._held:
            select.select([handle], [], [], 5)
            os.close(handle)
        self._held.clear()


def processes() -> Iterator[tuple[int, int, int, bytes]]:
    """Each process: id, parent's id, real uid, command line."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = (entry / "status").read_text(errors="replace")
            words = (entry / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        yield int(entry.name), int(fields["PPid"]), int(fields["Uid"].split()[0]), words


def descendants(root: int) -> list[int]:
    """All processes below one."""
    children: dict[int, list[int]] = {}
    for pid, parent, _, _ in processes():
        children.setdefault(parent, []).append(pid)
    found = list(children.get(root, []))
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def kill_mentioning(text: str | Path) -> None:
    """Kill every process whose command line names this directory of ours, and all below it."""
    named = [pid for pid, _, _, words in processes() if os.fsencode(text) in words and pid != os.getpid()]
    Handles(pid for top in named for pid in (top, *descendants(top))).kill()


def tail(log: Path, lines: int = 60) -> str:
    """The end of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


def unmount_below(directory: Path) -> None:
    """Detach every mount under a directory, the deepest first."""
    table = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4] for line in table]
    libc = ctypes.CDLL(None, use_errno=True)
    for point in reversed(points):
        if point.startswith(f"{directory}/"):
            libc.umount2(os.fsencode(point), _MNT_DETACH)


@contextmanager
def own_directory() -> Iterator[Path]:
    """A short, root-owned directory that nobody else can write to, nor to any directory above it."""
    for leftover in Path(_PLACE).glob(f"{_PREFIX}*"):
        _clear(leftover)
    base = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_PLACE))
    base.chmod(0o755)
    try:
        yield base
    finally:
        _clear(base)


def _clear(base: Path) -> None:
    """End what runs from this directory, and remove it."""
    kill_mentioning(base)
    unmount_below(base)
    shutil.rmtree(base)


@contextmanager
def only_run() -> Iterator[None]:
    """Hold this host: its account, its sockets and /etc/rshell exist once."""
    with LOCK.open("w") as lock:
        wait_until(lambda: _locked(lock.fileno()), 1200, "another run of these tests leaves this host")
        yield


@contextmanager
def usual_umask() -> Iterator[None]:
    """Make files that others can read, whatever the caller's habit."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def kept(path: Path) -> Iterator[None]:
    """Move a path of the host aside, if it is there; at the end put things back as they were.

    What a killed run kept is still the host's: then only the run's own leftover goes.
    """
    aside = path.with_name(f"{path.name}.kept-by-tests")
    original = aside / path.name
    if not aside.exists():
        aside.mkdir(mode=0o700)
        if os.path.lexists(path):
            path.rename(original)
    _remove(path)
    try:
        yield
    finally:
        _remove(path)
        if os.path.lexists(original):
            original.rename(path)
        aside.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
