"""An installed host under attack: with the account's key, and with any code that runs as the account.

The front is taken for lost: the attacker starts sudo and the gate as he likes. See SECURITY.md.
"""

import ctypes
import fcntl
import os
import pty
import random
import resource
import shutil
import signal
import socket
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from rshell.host import layout

from .gates import AUDIT, DOCKER, JOURNAL, ROOT, Gate, Records, as_account, asked, become, silent_engine
from .ground import ENVIRONMENT, processes, program, run, wait_until
from .host import Host
from .logs import DevLog
from .sshd import Client

pytestmark = pytest.mark.real

PYTHON = "/usr/bin/python3"
DOCKER_SOCKET = "/var/run/docker.sock"
LIBC = ctypes.CDLL(None, use_errno=True)
F_SETSIG = 10
PR_SET_TIMERSLACK, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG = 29, 38, 1
CLONE_NEWUSER = 0x10000000
AFTER = 4.0  # seconds in which nothing more may be left of what was ended


@pytest.fixture(scope="module")
def engine_socket(host: Host) -> Iterator[list[socket.socket]]:
    """The Docker socket; whoever is let in waits for ever."""
    with silent_engine() as held:
        yield held


@pytest.fixture
def gate(host: Host, engine_socket: list[socket.socket]) -> Iterator[Callable[..., Gate]]:
    """Starts gates; at the end of the test each has ended, and none has left a record open."""
    records = Records()
    with ExitStack() as stack:

        def start(*options: str, **more: Any) -> Gate:
            made = Gate(host, *options, **more)
            stack.callback(made.close)
            return made

        yield start
    assert records.open() == []
    assert left(host) == []


def left(host: Host) -> list[bytes]:
    """What runs for the account, as whoever, after the time in which all must be over."""
    def now() -> list[bytes]:
        return [
            words for _, _, uid, words in processes()
            if uid == host.uid or layout.GATE.encode() in words or words.startswith(b"/usr/bin/docker\0container\0ls")
        ]  # fmt: skip

    with suppress(TimeoutError):
        wait_until(lambda: not now(), AFTER, "nothing is left")
    return now()


def python(host: Host, code: str) -> tuple[int, str]:
    """Run Python code as the account; its status and what it said."""
    done = host.run(PYTHON, "-Ic", code)
    return done.returncode, (done.stdout + done.stderr).strip()


def state(pid: int) -> dict[str, str]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def soft_limits(pid: int) -> dict[str, str]:
    """The soft limits of a process, by the kernel's words for them."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): line[26:].split()[0] for line in lines}


def running(records: Records) -> tuple[int, int]:
    """The ids of the gate that runs, and of its command."""
    (gate,) = records.open()
    command = wait_until(lambda: next((pid for pid, parent, _, _ in processes() if parent == gate), None), 30, "it")
    wait_until(lambda: b"container" in Path(f"/proc/{command}/cmdline").read_bytes(), 30, "docker")
    return gate, command


# -- past the shell: what sshd and the files of the host let the account do -------------------------


def test_the_socket_is_not_reached_by_a_forward(
    host_ssh: Client, engine_socket: list[socket.socket], base: Path
) -> None:
    before = len(engine_socket)
    for number, (kind, target) in enumerate([("-L", DOCKER_SOCKET), ("-L", "127.0.0.1:22"), ("-D", "")]):
        mine = base / f"forward-{number}"
        words = [kind, f"{mine}:{target}"] if target else [kind, "127.0.0.1:0"]
        with subprocess.Popen(host_ssh.argv("sleep 2", options=words), env=ENVIRONMENT) as client:
            if target:
                wait_until(mine.exists, 30, "the client's end")
                with socket.socket(socket.AF_UNIX) as caller:
                    caller.connect(str(mine))
                    with suppress(BrokenPipeError, ConnectionResetError):
                        caller.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                        assert caller.recv(64) == b""
            client.terminate()
    done = host_ssh(options=["-W", "127.0.0.1:22"])
    assert (done.returncode, done.stdout) == (255, "")
    assert len(engine_socket) == before


@pytest.mark.parametrize("words", [["-R", "0:127.0.0.1:22"], ["-R", "/tmp/attack:/tmp/x"]], ids=["port", "socket"])
def test_nothing_listens_here_for_the_account(host_ssh: Client, words: list[str]) -> None:
    done = host_ssh("echo hello", options=["-o", "ExitOnForwardFailure=yes", *words])
    assert (done.returncode, done.stdout) == (255, "")


def test_no_agent_display_or_tunnel_is_forwarded(host_ssh: Client) -> None:
    done = host_ssh("echo $HOME", options=["-A", "-X", "-o", "Tunnel=yes"], environment={"DISPLAY": ":9"})
    assert done.stdout in (f"{layout.HOMES}/rshell-bot\n", "")
    assert not [path for path in Path("/tmp").glob("ssh-*") if path.owner() == "rshell-bot"]


def test_no_file_is_copied(host_ssh: Client, base: Path) -> None:
    for tool, words in (("sftp", ("-b", "-", "box")), ("scp", ("box:/etc/passwd", str(base / "got")))):
        assert host_ssh.copy(tool, *words, input="get /etc/passwd\n").returncode
    assert not (base / "got").exists()


def test_the_account_is_in_no_group_that_reaches_anything(host: Host) -> None:
    assert host.run("/usr/bin/id", "-Gn").stdout == "rshell-bot\n"
    assert as_account(host, lambda: socket.socket(socket.AF_UNIX).connect(DOCKER_SOCKET)) == "EACCES"


def test_nothing_of_rshell_can_be_written_by_the_account(host: Host) -> None:
    places = (
        layout.ETC, layout.STATE, layout.LOGS, layout.LAUNCHER, layout.GATE, layout.CTL, layout.KEYS, layout.SUDOERS,
        layout.SSHD_DIRECTORY, str(host.installed.prefix), "/usr/local", "/etc/cron.d",
    )  # fmt: skip
    found = host.run("/usr/bin/find", *places, "(", "-writable", "-o", "-user", host.name, ")", "!", "-type", "l")
    assert found.stdout.splitlines() in ([], [f"{layout.USERS}/{host.uid}"])


@pytest.mark.parametrize(
    "path", [AUDIT, layout.SLOTS, layout.LOGS, layout.SUDOERS, layout.POLICIES, layout.BUILDX_CONFIG]
)
def test_what_is_not_the_account_s_to_see_is_closed(host: Host, path: str | Path) -> None:
    assert as_account(host, lambda: os.close(os.open(path, os.O_RDONLY))) == "EACCES"


def test_records_of_the_gate_are_neither_changed_nor_removed_nor_forged(host: Host) -> None:
    before = AUDIT.read_bytes()
    acts: list[Callable[[], object]] = [
        lambda: os.open(AUDIT, os.O_WRONLY | os.O_APPEND), lambda: os.truncate(AUDIT, 0), lambda: os.unlink(AUDIT),
        lambda: os.rename(AUDIT, "/tmp/mine"), lambda: os.link(AUDIT, "/tmp/mine"), lambda: os.chmod(AUDIT, 0o666),
        lambda: os.rmdir(layout.LOGS), lambda: os.rename(layout.LOGS, "/var/log/other"),
        lambda: os.mkdir(f"{layout.LOGS}/new"),
    ]  # fmt: skip
    assert {as_account(host, act) for act in acts} <= {"EACCES", "EPERM"}
    assert AUDIT.read_bytes() == before


# -- sudo: nothing else, and nobody else ------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["/usr/bin/id"],
        ["-u", DOCKER, "/usr/bin/id"],
        ["-u", DOCKER, layout.GATE, "docker"],
        ["-u", DOCKER, layout.GATE, ""],
        ["-u", DOCKER, layout.GATE, "--", "-c"],
        ["-u", DOCKER, layout.LAUNCHER],
        ["-u", DOCKER, layout.CTL, "resume", "rshell-bot"],
        ["-u", DOCKER, "-s"],
        ["-u", DOCKER, "-i"],
        ["-u", DOCKER, "-s", layout.GATE],
        ["-e", layout.POLICY],
        ["-u", "nobody", layout.GATE],
        ["-u", "#-1", layout.GATE],
        ["-u", "#4294967295", layout.GATE],
        ["-g", "docker", layout.GATE],
        ["-g", "rshell", layout.GATE],
        ["-u", DOCKER, "-E", layout.GATE],
        ["-u", DOCKER, "--preserve-env=PYTHONPATH", layout.GATE],
        ["-u", DOCKER, "PYTHONPATH=/tmp", layout.GATE],
        ["-u", DOCKER, "SUDO_UID=0", layout.GATE],
        ["-u", DOCKER, "-R", "/tmp", layout.GATE],
        ["-u", DOCKER, "-D", "/tmp", layout.GATE],
        ["-u", DOCKER, "-T", "1", layout.GATE],
        ["-u", DOCKER, "-h", "elsewhere", layout.GATE],
        ["-l", "-U", "root"],
    ],
    ids=" ".join,
)
def test_sudo_does_nothing_else(host: Host, gate: Callable[..., Gate], words: list[str]) -> None:
    """It says no itself: the gate says nothing on stderr but `rshell: `, and would end with 78."""
    done = host.run("/usr/bin/env", "PYTHONPATH=/tmp", program("sudo"), "-n", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(("sudo: ", "Sorry, ", "usage: ", "sudoedit: "))


@pytest.mark.parametrize("words", [["-P"], ["-g", "docker"], ["-g", "rshell"]], ids=" ".join)
def test_the_gate_serves_with_the_groups_of_its_identity_only(gate: Callable[..., Gate], words: list[str]) -> None:
    assert gate(*words).refusal("docker", "ps") == "gate.groups"


def test_another_program_by_the_name_of_the_gate_is_not_run(host: Host, gate: Callable[..., Gate]) -> None:
    place = Path("/tmp/rshell-attack")
    place.mkdir()
    try:
        os.chown(place, host.uid, -1)
        other = place / "rshell-gate"
        other.write_text("#!/bin/sh\ntouch /tmp/rshell-attack/ran\n")
        other.chmod(0o755)
        assert gate(gate=[str(other)]).wait() == 1
        other.unlink()
        other.symlink_to(layout.GATE)
        assert gate(gate=[str(other)]).asks("docker", "exec", "x", "id") is not None
        assert not (place / "ran").exists()
    finally:
        shutil.rmtree(place)


def test_without_privileges_to_gain_sudo_gains_none(host: Host, gate: Callable[..., Gate]) -> None:
    assert gate(before=lambda: LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)).wait() == 1


def test_root_in_a_name_space_of_one_s_own_is_nobody_here(host: Host, gate: Callable[..., Gate]) -> None:
    def unshare() -> None:
        if LIBC.unshare(CLONE_NEWUSER):
            os._exit(1)  # this kernel lets nobody have one
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {host.uid} 1")

    assert gate(before=unshare).wait() == 1


def test_under_a_debugger_sudo_has_no_privileges(host: Host, gate: Callable[..., Gate]) -> None:
    """ptrace(PTRACE_TRACEME) before it starts: whoever traces it could write into it."""
    made = gate(before=lambda: LIBC.ptrace(0, 0, 0, 0))
    with suppress(ChildProcessError):
        os.waitid(os.P_PID, made.process.pid, os.WSTOPPED | os.WNOWAIT)
        while True:
            pid, status = os.waitpid(made.process.pid, 0)
            if not os.WIFSTOPPED(status):
                made.process.returncode = os.waitstatus_to_exitcode(status)
                break
            LIBC.ptrace(7, pid, 0, 0)
    assert made.process.returncode == 1


# -- what the gate is told --------------------------------------------------------------------------

NOT_REQUESTS = {
    "nothing": b"",
    "10 MB": (10 << 20).to_bytes(4, "big") + b"x" * (10 << 20),
    "4 GB": b"\xff\xff\xff\xff" + b"x" * 100_000,
    "NUL": b"\0" * 100,
    "bad UTF-8": b"\0\0\0\x04\xff\xfe\xff\xfe",
    "half a message": asked("docker", "ps")[:-20],
    "half a length": b"\0\0",
    "deep": (90_000).to_bytes(4, "big") + b"[" * 90_000,
    "a long number": (90_000).to_bytes(4, "big") + b"1" * 90_000,
    "HTTP": b"GET /containers/json HTTP/1.0\r\n\r\n",
}


@pytest.mark.parametrize("data", NOT_REQUESTS.values(), ids=list(NOT_REQUESTS))
def test_what_is_no_request_runs_nothing(gate: Callable[..., Gate], data: bytes) -> None:
    records = Records()
    made = gate()
    made.send(data)
    with suppress(OSError):
        made.socket.shutdown(socket.SHUT_WR)
    told = made.answer()
    assert told is None or (told.refusal is not None and told.refusal.code == "gate.request")
    assert made.said() == (78, "")
    assert records.events() == ["refuse"]


def test_silence_ends_and_holds_up_nobody(host: Host, gate: Callable[..., Gate], base: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"\0{base}")
        listening.listen()
        silent = [gate(), gate(), gate(), gate(control=listening)]
    for made, data in zip(silent, (b"", b"\0\0", asked("docker", "ps")[:-1], b""), strict=True):
        made.send(data)
    assert gate().refusal("docker", "exec", "x", "id") == "docker.exec"
    assert [made.wait() for made in silent] == [78, 78, 78, 78]


NEVER = {
    "docker exec x sh": (DOCKER, "docker.exec"),
    "docker -H tcp://192.0.2.1 ps": (DOCKER, "docker.option"),
    "docker run -v /:/host alpine": (DOCKER, ""),
    "docker run --privileged alpine": (DOCKER, ""),
    "sh -c id": (DOCKER, ""),
    "cat /etc/shadow": (ROOT, ""),
    "echo hello": (ROOT, ""),
    "sudo docker ps": (DOCKER, ""),
    "bash": (ROOT, ""),
    "iptables -F": (ROOT, ""),
    "journalctl --cursor-file=/etc/x -n 1 -u ssh": (JOURNAL, ""),
    "docker ps\0": (DOCKER, ""),
    "docker ps \ud800": (DOCKER, ""),
    "docker ps\n": (DOCKER, ""),
}


@pytest.mark.parametrize("line", NEVER, ids=ascii)
def test_the_gate_runs_nothing_that_the_front_would_refuse(gate: Callable[..., Gate], line: str) -> None:
    records = Records()
    identity, code = NEVER[line]
    found = gate(identity=identity).refusal(*line.split(" "))
    assert found == code or not code
    assert not found.startswith(("internal", "system"))
    assert records.events() == ["refuse"]


@pytest.mark.parametrize(
    ("identity", "line"),
    [(ROOT, "docker ps"), (JOURNAL, "docker ps"), (DOCKER, "ss -tln"), (DOCKER, "journalctl -n 1 -u ssh"),
     (ROOT, "cat /proc/net/tcp")],
)  # fmt: skip
def test_a_command_runs_as_its_own_identity_only(gate: Callable[..., Gate], identity: str, line: str) -> None:
    assert gate(identity=identity).refusal(*line.split()) == "gate.identity"


def test_a_terminal_that_is_claimed_is_none(gate: Callable[..., Gate]) -> None:
    assert gate().refusal("docker", "logs", "--follow", "x", terminal=True) == "docker.logs.option-terminal"


def test_more_time_than_the_policy_gives_is_not_given(gate: Callable[..., Gate], host: Host) -> None:
    with the_policy_after(host):
        apply(host, host.policy.read_text().replace("timeout: 15m", "timeout: 1s"))
        records = Records()
        made = gate()
        assert made.asks("docker", "ps", timeout=(1 << 31) - 1) is not None
        assert made.wait() == 124
        assert [each.get("reason") for each in records()] == [None, "timeout"]


# -- descriptors ------------------------------------------------------------------------------------


def test_only_a_stream_between_two_processes_is_a_front(gate: Callable[..., Gate]) -> None:
    datagrams = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    internet = socket.create_server(("127.0.0.1", 0))
    with datagrams[0], datagrams[1], internet:
        assert gate(control=datagrams[0]).said() == (78, FRONT_SAID)
        assert gate(control=internet).said() == (78, FRONT_SAID)
    closed = gate(before=lambda: os.close(3))
    assert closed.said() == (78, FRONT_SAID)
    assert gate(before=lambda: os.dup2(0, 3)).said() == (78, FRONT_SAID)


FRONT_SAID = (
    "rshell: unavailable: the gate is for rshell, by sudo [gate.front]\n"
    "  why: see rshell-gate(8)\n"
    "  nothing was run; only the operator of this host can mend this\n"
)


def test_a_stderr_that_takes_nothing_does_not_hold_the_gate_up(gate: Callable[..., Gate]) -> None:
    """poll says that an eventfd can be written; what does not fit waits for ever, or is an error since Linux 6.9."""
    full = os.eventfd(0)
    os.write(full, (0xFFFFFFFFFFFFFFF0).to_bytes(8, "little"))
    datagrams = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with datagrams[0], datagrams[1]:
        assert gate(control=datagrams[0], streams=(subprocess.DEVNULL, full, full)).wait() in (78, -signal.SIGALRM)
    os.close(full)


def test_one_socket_for_two_gates_gives_each_a_whole_request_or_none(gate: Callable[..., Gate]) -> None:
    ours, shared = socket.socketpair()
    with ours, shared:
        ours.settimeout(20)
        both = [gate(control=shared) for _ in range(2)]
        for _ in both:
            ours.sendall(asked("docker", "exec", "x", "id"))
        ours.shutdown(socket.SHUT_WR)
        assert {made.wait() for made in both} <= {126, 78}


def test_descriptors_beyond_the_socket_reach_neither_the_gate_nor_the_command(gate: Callable[..., Gate]) -> None:
    def fill() -> None:
        for number in range(4, 200):
            os.dup2(0, number)

    records = Records()
    made = gate(first_closed=1024, before=fill)
    assert made.asks("docker", "ps") is not None
    of_gate, command = running(records)
    assert not {"3", "198", "199"} & set(os.listdir(f"/proc/{command}/fd"))
    assert len(os.listdir(f"/proc/{of_gate}/fd")) < 20


def test_closed_streams_are_nobody_else_s(gate: Callable[..., Gate]) -> None:
    def shut() -> None:
        for number in range(3):
            os.close(number)

    records = Records()
    made = gate(before=shut)
    assert made.asks("docker", "ps") is not None
    _, command = running(records)
    assert {os.readlink(f"/proc/{command}/fd/{number}") for number in range(3)} <= {"/dev/null", "/dev/full"}


def test_output_that_nobody_reads_does_not_stop_the_clock(gate: Callable[..., Gate]) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    records = Records()
    made = gate(identity=ROOT, streams=(subprocess.DEVNULL, writer, writer))
    assert made.asks("ss", "-tln", timeout=1) is not None
    assert made.wait() == 124
    assert [each.get("reason") for each in records()] == [None, "timeout"]
    os.close(reader)
    os.close(writer)


def test_a_descriptor_that_sends_signals_sends_none_to_the_gate(gate: Callable[..., Gate]) -> None:
    reader, writer = os.pipe()

    def arm() -> None:
        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, F_SETSIG, int(signal.SIGKILL))
        fcntl.fcntl(0, fcntl.F_SETFL, os.O_ASYNC)

    records = Records()
    made = gate(streams=(reader, subprocess.PIPE, subprocess.PIPE), before=arm)
    assert made.asks("docker", "ps", timeout=1) is not None
    running(records)
    os.write(writer, b"x" * 100)
    assert made.wait() == 124
    os.close(reader)
    os.close(writer)


# -- the process itself -----------------------------------------------------------------------------


def pending() -> None:
    """Have signals wait that would end whoever unblocks them."""
    signal.pthread_sigmask(signal.SIG_SETMASK, range(1, 32))


def ignoring() -> None:
    """Ignore all that can be ignored."""
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_IGN)


def timers() -> None:
    """Have the clock send signals, before and after sudo."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0.3, 0.3)


def one_processor() -> None:
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])


HOSTILE: dict[str, Callable[[], object]] = {
    "signals blocked": pending,
    "signals ignored": ignoring,
    "timers": timers,
    "slack": lambda: LIBC.prctl(PR_SET_TIMERSLACK, ctypes.c_ulong(10**18), 0, 0, 0),
    "one processor": one_processor,
    "first to be killed": lambda: Path("/proc/self/oom_score_adj").write_text("1000"),
    "killed with its parent": lambda: LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0),
    "nice": lambda: os.nice(19),
    "umask": lambda: os.umask(0o777),
    "soft limits": lambda: [
        resource.setrlimit(which, (1 << 16, resource.getrlimit(which)[1]))
        for which in (resource.RLIMIT_FSIZE, resource.RLIMIT_STACK, resource.RLIMIT_CORE)
    ],
}


@pytest.mark.parametrize("before", HOSTILE.values(), ids=list(HOSTILE))
def test_what_a_caller_leaves_on_the_process_changes_nothing(
    gate: Callable[..., Gate], before: Callable[[], object]
) -> None:
    """The command's time ends it all the same, and the record of its end is written."""
    records = Records()
    made = gate(before=before)
    told = made.asks("docker", "ps", timeout=1)
    assert told is not None
    assert told.verdict == "ready", told
    of_gate, command = running(records)
    for pid in (of_gate, command):
        assert int(Path(f"/proc/{pid}/oom_score_adj").read_text()) <= 0
        assert os.sched_getaffinity(pid) == os.sched_getaffinity(0)
        limits = soft_limits(pid)
        assert (limits["Max core file size"], limits["Max file size"]) == ("0", "unlimited")
        assert int(limits["Max stack size"]) >= 1 << 20

    def has_clean_signals() -> bool:
        ignored, blocked = (int(state(command)[name], 16) for name in ("SigIgn", "SigBlk"))
        return (ignored & ~(1 << 63), blocked) == (0, 0)

    wait_until(has_clean_signals, 30, "the command with signals of its own")
    assert made.wait() == 124
    assert [(each["event"], each.get("reason")) for each in records()] == [("start", None), ("end", "timeout")]


def lower(which: int, most: int) -> None:
    """Lower a limit for good."""
    _, hard = resource.getrlimit(which)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (least, least))


LIMITS = [name for name in dir(resource) if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE"]


@pytest.mark.parametrize("most", [0, 1 << 15])
def test_no_limit_of_the_caller_s_loses_a_record(gate: Callable[..., Gate], most: int) -> None:
    """Each gate is refused, or dies before it starts anything, or serves to the end."""

    def lowered(name: str) -> Callable[[], object]:
        return lambda: lower(getattr(resource, name), most)

    ends = {}
    for some in (LIMITS[:8], LIMITS[8:]):  # no more than may run at once
        made = {name: gate(before=lowered(name)) for name in some}
        for each in made.values():
            each.send(asked("docker", "ps", timeout=1))
        ends |= {name: each.wait() for name, each in made.items()}
    assert set(ends.values()) <= {124, 78, 127, 1, -signal.SIGSEGV, -signal.SIGKILL, -signal.SIGABRT}, ends
    assert (ends["RLIMIT_FSIZE"], ends["RLIMIT_NICE"]) == (78, 124)
    assert gate().asks("docker", "exec", "x", "id") is not None


def test_the_gate_and_its_command_hear_no_signal_of_the_account(host: Host, gate: Callable[..., Gate]) -> None:
    records = Records()
    made = gate()
    assert made.asks("docker", "ps") is not None
    for pid in running(records):
        for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, 0):
            assert as_account(host, lambda pid=pid, number=number: os.kill(pid, number)) == "EPERM"  # type: ignore[misc]
        assert as_account(host, lambda pid=pid: os.sched_setaffinity(pid, [0])) == "EPERM"  # type: ignore[misc]
        assert as_account(host, lambda pid=pid: os.setpriority(os.PRIO_PROCESS, pid, 19)) == "EPERM"  # type: ignore[misc]
        assert as_account(host, lambda pid=pid: resource.prlimit(pid, resource.RLIMIT_CPU, (0, 0))) == "EPERM"  # type: ignore[misc]


def test_the_gate_and_its_command_are_not_looked_into(host: Host, gate: Callable[..., Gate]) -> None:
    def trace(pid: int) -> None:
        if LIBC.ptrace(16, pid, 0, 0):  # PTRACE_ATTACH
            raise OSError(ctypes.get_errno(), "")

    records = Records()
    made = gate()
    assert made.asks("docker", "ps") is not None
    for pid in running(records):
        assert as_account(host, lambda pid=pid: trace(pid)) == "EPERM"  # type: ignore[misc]
        for name in ("environ", "mem", "fd/0", "fd/3", "cwd", "maps"):
            found = as_account(host, lambda path=f"/proc/{pid}/{name}": os.close(os.open(path, os.O_RDONLY)))  # type: ignore[misc]
            assert found in ("EACCES", "EPERM", "ENOENT"), name


def test_in_a_control_group_of_the_account_s_the_gate_does_not_serve(
    host: Host, gate: Callable[..., Gate], base: Path
) -> None:
    """Its owner could kill or freeze the gate there, whatever its uid: systemd makes such groups for each user."""
    own = Path("/proc/self/cgroup").read_text().rpartition("0::")[2].strip().lstrip("/")
    with groups(base) as tree:
        outer = tree / own / "rshell-attack"
        inner = outer / "inner"
        inner.mkdir(parents=True)
        try:
            os.chown(outer, host.uid, -1)
            for owner, code in ((host.uid, "gate.cgroup"), (0, "docker.exec")):
                os.chown(outer, owner, -1)
                (inner / "cgroup.procs").write_text(str(os.getpid()))
                try:
                    made = gate()
                finally:
                    (tree / own / "cgroup.procs").write_text(str(os.getpid()))
                assert made.refusal("docker", "exec", "x", "id") == code
                made.wait()
        finally:
            inner.rmdir()
            outer.rmdir()


@contextmanager
def groups(base: Path) -> Iterator[Path]:
    """Where the tree of control groups is; mounted for a while if it is not."""
    found = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if line.split()[2] == "cgroup2"]
    if found:
        yield Path(found[0])
        return
    place = base / "groups"
    place.mkdir()
    run("mount", "-t", "cgroup2", "none", place)
    try:
        yield place
    finally:
        run("umount", place)
        place.rmdir()


@pytest.mark.parametrize("typed", [b"\x03", b"\x1a", b"\x1c", b"\x03\x1a\x1c" * 50, None], ids=ascii)
def test_a_terminal_of_the_caller_s_does_not_stop_the_gate(gate: Callable[..., Gate], typed: bytes | None) -> None:
    """C-c and C-\\ end the command, C-z does nothing, and a hang-up ends no record."""
    master, slave = pty.openpty()

    def take() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    records = Records()
    made = gate(streams=(slave, slave, slave), before=take, session=True)
    os.close(slave)
    told = made.asks("docker", "ps", terminal=True, timeout=2)
    assert told is not None
    assert told.verdict == "ready"
    running(records)
    if typed is None:
        os.close(master)
    else:
        os.write(master, typed)
    assert made.wait() in (124, 130, 131, 129, 1, 2)
    if typed is not None:
        os.close(master)
    assert records.events() == ["start", "end"]


def test_two_hundred_at_once_get_an_answer_each_and_then_others_are_served(
    host: Host, gate: Callable[..., Gate]
) -> None:
    records = Records()
    many = []
    for _ in range(200):
        made = gate(streams=(subprocess.DEVNULL,) * 3)
        made.send(asked("docker", "ps", timeout=2))  # a gate waits for it no longer than it has to
        many.append(made)
    codes = []
    for made in many:
        told = made.answer()
        assert told is not None
        codes.append(told.refusal.code if told.refusal else told.verdict)
    assert set(codes) == {"ready", "limits.commands-at-once"}
    for made in many:
        made.wait()
    started = records.events().count("start")
    assert records.events().count("refuse") == 200 - started
    assert started == codes.count("ready")
    assert at_most(records, 8)
    assert gate().refusal("docker", "exec", "x", "id") == "docker.exec"


def at_most(records: Records, most: int) -> bool:
    """Were never more than so many commands running?"""
    now = 0
    for each in records():
        now += {"start": 1, "end": -1}.get(each["event"], 0)
        if now > most:
            return False
    return True


# -- killed at any moment ---------------------------------------------------------------------------


@pytest.mark.parametrize("victim", ["front", "sudo"])
def test_killed_at_any_moment_nothing_runs_on_and_no_record_is_lost(
    host: Host, gate: Callable[..., Gate], victim: str
) -> None:
    """Forty times, somewhere between the first instruction and the running command: sudo is the account's at first."""
    records = Records()
    chance = random.Random(4)
    for _ in range(40):
        with subprocess.Popen(
            [layout.LAUNCHER, "-c", "docker ps; docker ps"], preexec_fn=lambda: become(host),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT,
        ) as front:  # fmt: skip
            time.sleep(chance.uniform(0, 0.15))
            killed = front.pid if victim == "front" else child_of(front.pid)
            if killed and as_account(host, lambda pid=killed: os.kill(pid, signal.SIGKILL)) == "EPERM":  # type: ignore[misc]
                assert victim == "sudo"
            front.kill()
    assert left(host) == []
    assert records.open() == []


def child_of(parent: int) -> int | None:
    """A child of a process, if it has one now."""
    with suppress(OSError):
        found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return int(found[0]) if found else None
    return None


def test_a_gate_that_the_operator_ends_ends_its_command_first(gate: Callable[..., Gate]) -> None:
    records = Records()
    made = gate()
    assert made.asks("docker", "ps") is not None
    of_gate, command = running(records)
    os.kill(of_gate, signal.SIGTERM)
    made.wait()
    assert not Path(f"/proc/{command}").exists()
    assert [(each["event"], each.get("reason")) for each in records()] == [("start", None), ("end", "stopped")]


# -- records, disk, policy --------------------------------------------------------------------------


def test_a_record_file_that_is_rotated_while_a_command_runs_loses_nothing(gate: Callable[..., Gate]) -> None:
    records = Records()
    made = gate()
    assert made.asks("docker", "ps") is not None
    (start,) = records()
    old = AUDIT.with_name("audit.jsonl.1")
    AUDIT.rename(old)
    try:
        shutil.copy2(old, AUDIT)
        shutil.chown(AUDIT, "root", layout.GROUP)
        AUDIT.write_bytes(b"")
        made.socket.close()
        made.wait()
        fresh = Records.__new__(Records)
        fresh.start = 0
        (end,) = fresh()
        assert (end["event"], end["pid"], end["reason"]) == ("end", start["pid"], "gone")
    finally:
        data = AUDIT.read_bytes()
        old.replace(AUDIT)
        with AUDIT.open("ab") as file:
            file.write(data)


@contextmanager
def full_disk() -> Iterator[None]:
    """A disk without a free byte where the gate's records go."""
    place = Path(layout.LOGS)
    before = place.stat()
    run("mount", "-t", "tmpfs", "-o", f"size=64k,mode=0750,gid={before.st_gid}", "tmpfs", place)
    try:
        AUDIT.touch()
        os.chown(AUDIT, 0, before.st_gid)
        AUDIT.chmod(0o660)
        with (place / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"x" * 4096)
        yield
    finally:
        run("umount", place)


def test_with_a_full_disk_and_no_journal_nothing_runs(
    gate: Callable[..., Gate], devlog_here: DevLog, engine_socket: list[socket.socket]
) -> None:
    before = len(engine_socket)
    with full_disk(), devlog_here.absent():
        made = gate()
        assert made.refusal("docker", "ps") == "audit.lost"
        assert made.wait() == 78
    assert len(engine_socket) == before


def test_a_disk_that_fills_up_while_a_command_runs_leaves_its_end_in_the_journal(
    gate: Callable[..., Gate], devlog_here: DevLog
) -> None:
    records = Records()
    devlog_here.clear()
    made = gate()
    assert made.asks("docker", "ps") is not None
    (pid,) = records.open()
    with full_disk():
        made.socket.close()
        made.wait()
    told = [each for each in devlog_here.records() if each["pid"] == pid]
    assert [each["event"] for each in told] == ["start", "end"]
    assert records.open() == [pid]
    with AUDIT.open("a") as file:
        file.write(AUDIT.read_text().splitlines()[-1].replace('"event": "start"', '"event": "end"') + "\n")


@pytest.fixture
def devlog_here(log_listener: DevLog) -> DevLog:
    """The listener on /dev/log; every sender counts."""
    log_listener.senders = None
    log_listener.clear()
    return log_listener


@contextmanager
def the_policy_after(host: Host) -> Iterator[None]:
    """At the end, the host's policy is in force."""
    try:
        yield
    finally:
        apply(host, host.policy.read_text())


def apply(host: Host, text: str) -> None:
    """Put a policy in force."""
    file = host.base / "attack-policy.yaml"
    file.write_text(text)
    host.ctl("apply", "--yes", file)


def test_a_policy_that_changes_all_the_time_never_says_more_than_it_says(host: Host, gate: Callable[..., Gate]) -> None:
    """While it is put in force again and again, each gate decides by one of the two, or by none."""
    both = [host.policy.read_text(), host.policy.read_text().replace("users: [", "users: [nobody-here, ")]
    over = threading.Event()

    def race() -> None:
        for number in range(1000):
            if over.is_set():
                return
            apply(host, both[number % 2])

    with the_policy_after(host):
        thread = threading.Thread(target=race)
        thread.start()
        try:
            codes = [gate().refusal("docker", "exec", "x", "id") for _ in range(40)]
        finally:
            over.set()
            thread.join()
    assert set(codes) <= {"docker.exec"}
