"""The installed launchers run root's files and nothing else, whatever a caller brings along."""

import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from rshell.host import layout
from rshell.host.protocol import LENGTH, answer

from .gates import CONTROL, DOCKER, Gate, Records
from .ground import ENVIRONMENT, outcome, program, run
from .host import Host
from .logs import DevLog
from .sshd import Client, Keys, Sshd

pytestmark = pytest.mark.real

EVIL = """
import posix
posix.open({mark!r}, posix.O_CREAT | posix.O_WRONLY, 0o666)
"""
MODULES = (
    "sitecustomize", "usercustomize", "posix", "os", "sys", "io", "codecs", "encodings", "gc", "select", "time", "json",
    "_signal", "_socket", "_json", "fcntl", "pwd", "resource", "marshal", "rshell",
)  # fmt: skip
TEXTS = {
    "long": "x" * 100_000, "escape": "\x1b]0;x\x07", "newline": "a\nb", "path": "../../../tmp/x", "format": "%n%s%n",
    "locale": "tr_TR.ISO-8859-9", "bytes": "\udcff\udcfe", "substitution": "() { :;}; touch /tmp/x", "empty": "",
}  # fmt: skip


class Place:
    """A directory of the account's, full of files that Python would run if it looked there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mark = directory / "ran"

    @property
    def variables(self) -> dict[str, str]:
        """Everything that brings code into a Python, a shell, or the dynamic linker."""
        here = str(self.directory)
        start = str(self.directory / "sitecustomize.py")
        return {
            "PYTHONPATH": here, "PYTHONHOME": here, "PYTHONSTARTUP": start, "PYTHONINSPECT": "1",
            "PYTHONUSERBASE": here,
            "PYTHONPLATLIBDIR": here, "PYTHONBREAKPOINT": "sitecustomize.x",
            "PYTHONWARNINGS": "error", "PYTHONVERBOSE": "1", "PYTHONPYCACHEPREFIX": here, "PYTHONCASEOK": "1",
            "PYTHONDEBUG": "1", "PYTHONDUMPREFS": "1", "PYTHONIOENCODING": "utf-16", "PYTHONOPTIMIZE": "2",
            "BASH_ENV": start, "ENV": start, "IFS": "/", "CDPATH": here,
            "HOME": here, "PATH": here, "SHELLOPTS": "xtrace", "PS4": "$(touch ran)", "PERL5LIB": here,
            "GCONV_PATH": here, "LOCPATH": here, "NLSPATH": here, "TMPDIR": here, "XDG_CONFIG_HOME": here,
            "DOCKER_HOST": "tcp://192.0.2.1:1", "DOCKER_CONFIG": here, "DOCKER_CONTEXT": "evil",
            "SUDO_UID": "0", "SUDO_USER": "root", "SUDO_COMMAND": "x", "SUDO_ASKPASS": f"{here}/python",
        }  # fmt: skip

    @property
    def before_all(self) -> dict[str, str]:
        """What brings code into a process before Python's -I is read, or in spite of it (CPython 3.11 and later)."""
        here = str(self.directory)
        return {
            "PYTHONEXECUTABLE": f"{here}/bin/python", "__PYVENV_LAUNCHER__": f"{here}/bin/python",
            "LD_PRELOAD": f"{here}/x.so", "LD_AUDIT": f"{here}/x.so", "LD_LIBRARY_PATH": here,
        }  # fmt: skip


@pytest.fixture(scope="module")
def place(host: Host) -> Iterator[Place]:
    made = Place(Path("/tmp/rshell-launcher"))
    shutil.rmtree(made.directory, ignore_errors=True)
    (python,) = (host.installed.prefix / "lib").glob("python3*")
    library = made.directory / "lib" / python.name
    for directory in (made.directory, library, library / "site-packages", library / "encodings"):
        directory.mkdir(parents=True, exist_ok=True)
        for name in (*MODULES, "__init__"):
            (directory / f"{name}.py").write_text(EVIL.format(mark=str(made.mark)))
        (directory / "evil.pth").write_text("import sitecustomize\n")
    for name in ("python", "python3", "docker", "sudo", "id"):
        (made.directory / name).write_text(f"#!/bin/sh\n: >{made.mark}\n")
        (made.directory / name).chmod(0o755)
    (made.directory / "pyvenv.cfg").write_text(f"home = {made.directory}/bin\ninclude-system-site-packages = true\n")
    (made.directory / "bin").mkdir()
    (made.directory / "bin/python").touch()
    run("chown", "-R", host.name, made.directory)
    yield made
    shutil.rmtree(made.directory)


@pytest.fixture
def shell(host: Host, log_listener: DevLog) -> Callable[..., CompletedProcess[str]]:
    """Runs `echo hello` by the login shell; the words before it set something up."""

    def run_after(*before: str) -> CompletedProcess[str]:
        return host.run(*before, layout.LAUNCHER, "-c", "echo hello")

    return run_after


@pytest.fixture
def gate(host: Host, log_listener: DevLog) -> Iterator[Callable[..., Gate]]:
    """Starts a gate past the front."""
    made: list[Gate] = []

    def start(**more: object) -> Gate:
        made.append(Gate(host, **more))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for each in made:
        each.close()


HELLO = (0, "hello\n", "")


# -- code -------------------------------------------------------------------------------------------


def test_no_variable_brings_code_into_the_shell(shell: Callable[..., CompletedProcess[str]], place: Place) -> None:
    words = [f"{name}={value}" for name, value in place.variables.items()]
    assert outcome(shell(program("env"), *words)) == HELLO
    assert not place.mark.exists()


def test_no_variable_reaches_the_gate(gate: Callable[..., Gate], place: Place) -> None:
    made = gate(environment={**place.variables, **place.before_all})
    assert made.refusal("docker", "exec", "x", "id") == "docker.exec"
    assert not place.mark.exists()


@pytest.fixture(scope="module")
def open_ssh(host: Host, keys: Keys, logs: Path) -> Iterator[Client]:
    """A client of a host whose operator lets clients set any variable; what install wrote for the account does not."""
    server = Sshd(keys, logs, host.name, ("AcceptEnv *", f"Include {layout.SSHD_DIRECTORY}/*rshell-{host.name}.conf"))
    yield server.client
    server.stop()


@pytest.mark.parametrize("door", ["host_ssh", "open_ssh"])
def test_no_variable_reaches_the_shell_by_ssh(request: pytest.FixtureRequest, place: Place, door: str) -> None:
    ssh = request.getfixturevalue(door)
    variables = {**place.variables, **place.before_all}
    variables = {name: value for name, value in variables.items() if not set(value) & set(' ()$')}
    words = " ".join(f"{name}={value}" for name, value in variables.items())
    assert outcome(ssh("echo hello", options=["-o", f"SetEnv {words}"])) == HELLO
    assert not place.mark.exists()


@pytest.mark.parametrize("how", ["the account's", "closed", "removed"])
def test_no_directory_brings_code_in(
    shell: Callable[..., CompletedProcess[str]], gate: Callable[..., Gate], host: Host, place: Place, how: str
) -> None:
    there = place.directory if how == "the account's" else place.directory / "there"

    def go() -> None:
        if how != "the account's":
            there.mkdir()
        os.chdir(there)
        if how == "closed":
            there.chmod(0)
        if how == "removed":
            there.rmdir()

    try:
        assert gate(before=go).refusal("docker", "exec", "x", "id") == "docker.exec"
        with suppress(FileNotFoundError):
            there.chmod(0o755)
        assert outcome(shell(program("env"), "-C", str(place.directory))) == HELLO
        assert not place.mark.exists()
    finally:
        if there != place.directory:
            shutil.rmtree(there, ignore_errors=True)


def test_the_files_that_run_are_root_s_alone(host: Host) -> None:
    places = [layout.LAUNCHER, layout.GATE, layout.CTL, str(host.installed.prefix)]
    loose = run("find", *places, "(", "!", "-user", "root", "-o", "-perm", "/022", ")", "!", "-type", "l").stdout
    assert loose == ""


@pytest.mark.parametrize("flags", ["-SXutf8", "-IXutf8", "-Xutf8"])
def test_an_interpreter_that_is_not_isolated_does_not_serve(host: Host, flags: str) -> None:
    interpreter = host.installed.prefix / "bin/python"
    done = host.run(interpreter, flags, layout.LAUNCHER, "-c", "echo hello")
    assert (done.returncode, done.stdout, "[launcher]" in done.stderr) == (78, "", True)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        run_gate = [interpreter, flags, layout.GATE]
        took = subprocess.run(
            run_gate, preexec_fn=lambda: os.dup2(theirs.fileno(), CONTROL), close_fds=False, env=ENVIRONMENT,
            stdin=subprocess.DEVNULL, check=False, timeout=20,
        )  # fmt: skip
        told = answer(ours.recv(1 << 16)[LENGTH:])
    assert (took.returncode, told.refusal.code if told.refusal else "") == (78, "launcher")


@pytest.mark.parametrize("how", ["a module that others can write", "a directory of the account's"])
def test_a_program_that_others_could_have_changed_does_not_serve(
    shell: Callable[..., CompletedProcess[str]], gate: Callable[..., Gate], host: Host, how: str
) -> None:
    package = Path(host.installed.library)
    before = package.stat()
    if how == "a directory of the account's":
        os.chown(package, host.uid, before.st_gid)
    else:
        package.chmod(0o777)
    try:
        done = shell()
        assert (done.returncode, done.stdout, "[launcher]" in done.stderr) == (78, "", True)
        assert gate().refusal("docker", "ps") == "launcher"
    finally:
        os.chown(package, before.st_uid, before.st_gid)
        package.chmod(stat.S_IMODE(before.st_mode))


# -- words, text, descriptors -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LANGUAGE", "TERM", "TZ", "COLUMNS"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_a_text_in_the_environment_changes_nothing(host: Host, name: str, text: str) -> None:
    environment = {os.fsencode(name): os.fsencode(text)}
    done = subprocess.run(
        [layout.LAUNCHER, "-c", "echo hello"], env=environment, capture_output=True, check=False,  # type: ignore[arg-type]
        user=host.uid, extra_groups=[], timeout=20,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hello\n", b"")


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_a_text_in_the_environment_changes_nothing_for_the_gate(gate: Callable[..., Gate], text: str) -> None:
    environment = dict.fromkeys(("LANG", "LC_ALL", "LC_CTYPE", "LANGUAGE", "TERM", "TZ"), text)
    assert gate(environment=environment).refusal("docker", "exec", "x", "id") == "docker.exec"


@pytest.mark.parametrize("name", ["", "-rshell", "rshell", "/bin/sh", "python", "-", "--", "-c", "x" * 10_000, "a\nb"])
def test_what_it_is_called_changes_nothing(host: Host, name: str) -> None:
    """The kernel puts the path of a script in the place of its argv[0]."""
    done = subprocess.run(
        [name, "-c", "echo hello"], executable=layout.LAUNCHER, env=ENVIRONMENT, capture_output=True, text=True,
        check=False, user=host.uid, extra_groups=[], timeout=20,
    )  # fmt: skip
    assert outcome(done) == HELLO


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
def test_closed_streams_are_no_way_in(host: Host, gate: Callable[..., Gate], closed: tuple[int, ...]) -> None:
    def shut() -> None:
        for number in closed:
            os.close(number)

    records = Records()
    assert gate(before=shut).refusal("docker", "exec", "x", "id") == "docker.exec"
    assert records.events() == ["refuse"]
    done = subprocess.run(
        [layout.LAUNCHER, "-c", "echo hello"], preexec_fn=shut, env=ENVIRONMENT, capture_output=True, text=True,
        check=False, user=host.uid, extra_groups=[], timeout=20,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "" if 1 in closed else "hello\n")


# -- what a process inherits ------------------------------------------------------------------------

INHERITED: dict[str, Callable[[], object]] = {
    "signals ignored": lambda: [signal.signal(n, signal.SIG_IGN) for n in range(1, 32) if n not in (9, 19)],
    "signals blocked": lambda: signal.pthread_sigmask(signal.SIG_SETMASK, range(1, 32)),
    "umask": lambda: os.umask(0o777),
    "no files": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    "no core": lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    "no locked memory": lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0)),
    "no signals queued": lambda: resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0)),
    "no processes": lambda: resource.setrlimit(resource.RLIMIT_NPROC, (0, 0)),
}


@pytest.mark.parametrize("before", INHERITED.values(), ids=list(INHERITED))
def test_what_the_shell_inherits_changes_no_answer(host: Host, before: Callable[[], object]) -> None:
    done = subprocess.run(
        [layout.LAUNCHER, "-c", "echo hello; docker exec x id"], preexec_fn=before, env=ENVIRONMENT, text=True,
        capture_output=True, check=False, user=host.uid, extra_groups=[], timeout=20,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (126, "")
    assert done.stderr.startswith("rshell: denied: docker exec is not allowed [docker.exec]\n")


LEAST = ("NOFILE", "AS", "DATA", "STACK", "CPU")


@pytest.mark.parametrize("name", LEAST)
def test_a_shell_without_the_means_to_live_runs_nothing(host: Host, name: str) -> None:
    which = getattr(resource, f"RLIMIT_{name}")
    with suppress(subprocess.SubprocessError):
        done = subprocess.run(
            [layout.LAUNCHER, "-c", "echo hello"], preexec_fn=lambda: resource.setrlimit(which, (0, 0)), text=True,
            env=ENVIRONMENT, capture_output=True, check=False, user=host.uid, extra_groups=[], timeout=20,
        )  # fmt: skip
        assert done.returncode
        assert done.stdout == ""


def test_the_gate_serves_those_whom_the_launcher_serves(host: Host, gate: Callable[..., Gate]) -> None:
    """So that what is refused above is refused for its own reason."""
    assert gate(identity=DOCKER).refusal("docker", "exec", "x", "id") == "docker.exec"
    assert outcome(host.shell("echo hello")) == HELLO
