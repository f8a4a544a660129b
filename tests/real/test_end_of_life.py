"""Nothing outlives the one who asked for it: dropped connections, signals, timeouts, C-c."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
import yaml

from .account import Account
from .engine import Engine
from .ground import ENVIRONMENT, first_line, outcome, program, wait_until
from .install import CHECKOUT, Installed
from .logs import DevLog
from .sshd import Client

pytestmark = pytest.mark.real

FOLLOW = "docker logs --follow talker"
FOLLOWING = (program("docker"), "container", "logs", "--follow", "--")  # then its id
IN_TERMINAL = pytest.mark.parametrize("tty", [False, True], ids=["pipes", "terminal"])


@pytest.fixture(scope="module")
def endless(installed: Installed) -> Iterator[None]:
    """For a while, `docker logs --follow` is granted without a terminal too: a command that never ends."""
    policy = (CHECKOUT / "policy.yaml").read_text()
    before = "[details, since, tail: all|0..20000, timestamps, until]"
    after = "[details, since, tail: all|0..20000, timestamps, until, follow]"
    changed = policy.replace(before, after).replace("        on_terminal: {options: [follow]}", "        #")
    assert changed.count(after) == 1
    with installed.other_policy(changed):
        yield


@contextmanager
def started(argv: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A client in the background, which ends with the test at the latest."""
    pipe = subprocess.PIPE
    env = {**ENVIRONMENT, "TERM": "xterm"}
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env=env, start_new_session=True) as client:
        try:
            yield client
        finally:
            client.kill()


def the_shell(account: Account, installed: Installed) -> int:
    """The id of the login shell that runs now."""

    def found() -> int | None:
        launcher = str(installed.launcher)
        return next((pid for pid, words in account.commands().items() if launcher in words), None)

    return wait_until(found, 30, "the login shell")


# -- the connection goes away --------------------------------------------------------------


@IN_TERMINAL
def test_a_dropped_connection_ends_the_command(
    ssh: Client, quiet: Account, talker: str, endless: None, devlog: DevLog, tty: bool
) -> None:
    with started(ssh.argv(FOLLOW, tty=tty)) as client:
        quiet.wait_for(*FOLLOWING)
        client.kill()
        quiet.wait_idle()
    start = devlog.wait(lambda record: record["event"] == "start")
    end = devlog.wait(lambda record: record["event"] == "end")
    assert (end["id"], end["reason"]) == (start["id"], "gone")


@IN_TERMINAL
def test_a_dropped_connection_ends_every_stage_of_a_pipeline(
    ssh: Client, quiet: Account, talker: str, endless: None, tty: bool
) -> None:
    with started(ssh.argv(f"{FOLLOW} 2>&1 | grep zzz | sort | wc -l", tty=tty)) as client:
        quiet.wait_for(*FOLLOWING)
        quiet.wait_for(program("wc"), "--lines")
        client.kill()
        quiet.wait_idle()


@IN_TERMINAL
def test_after_a_dropped_connection_the_rest_of_the_line_does_not_run(
    ssh: Client, quiet: Account, talker: str, endless: None, devlog: DevLog, tty: bool
) -> None:
    with started(ssh.argv(f"{FOLLOW}; echo after || echo after; docker ps", tty=tty)) as client:
        quiet.wait_for(*FOLLOWING)
        client.kill()
        quiet.wait_idle()
    assert [each["event"] for each in devlog.records()] == ["start", "end"]


@IN_TERMINAL
def test_a_dropped_connection_ends_a_builtin(
    ssh: Client, quiet: Account, installed: Installed, devlog: DevLog, tty: bool
) -> None:
    with started(ssh.argv("sleep 3000; echo after", tty=tty)) as client:
        devlog.wait(lambda record: record.get("name") == "sleep")
        client.kill()
        quiet.wait_idle()
    assert [each["name"] for each in devlog.records()] == ["sleep"]


@IN_TERMINAL
def test_a_dropped_connection_ends_a_builtin_in_a_pipeline(
    ssh: Client, quiet: Account, devlog: DevLog, tty: bool
) -> None:
    with started(ssh.argv("sleep 3000 | wc -l", tty=tty)) as client:
        devlog.wait(lambda record: record.get("name") == "sleep")
        client.kill()
        quiet.wait_idle()
    assert [each["event"] for each in devlog.records()] == ["builtin"]


def test_a_dropped_connection_ends_a_script(
    ssh: Client, quiet: Account, talker: str, endless: None, devlog: DevLog
) -> None:
    with started(ssh.argv()) as client:
        assert client.stdin is not None
        client.stdin.write(f"{FOLLOW}\necho after\n".encode())
        client.stdin.flush()
        quiet.wait_for(*FOLLOWING)
        client.kill()
        quiet.wait_idle()
    assert "after" not in "".join(each.get("raw", "") for each in devlog.records()).replace(FOLLOW, "")


def test_a_dropped_connection_ends_a_script_that_waits_for_its_next_line(
    ssh: Client, quiet: Account, devlog: DevLog
) -> None:
    with started(ssh.argv()) as client:
        devlog.wait(lambda record: record["event"] == "open")
        client.kill()
        quiet.wait_idle()
    assert devlog.records()[-1]["event"] == "close"


@IN_TERMINAL
def test_a_client_that_is_asked_to_end_ends_the_command(
    ssh: Client, quiet: Account, talker: str, endless: None, tty: bool
) -> None:
    with started(ssh.argv(FOLLOW, tty=tty)) as client:
        quiet.wait_for(*FOLLOWING)
        client.terminate()
        client.wait(10)
        quiet.wait_idle()


def test_a_reader_that_goes_away_ends_the_command(ssh: Client, quiet: Account, talker: str, endless: None) -> None:
    """The client stays, but its stdout is closed: the next output tells."""
    with started(ssh.argv(FOLLOW)) as client:
        quiet.wait_for(*FOLLOWING)
        assert client.stdout is not None
        client.stdout.close()
        client.kill()
        quiet.wait_idle()


def test_a_dropped_connection_ends_a_command_that_ignores_polite_signals(
    ssh: Client, quiet: Account, engine: Engine, talker: str, endless: None
) -> None:
    """A stopped process hears TERM only when it goes on; KILL it hears at once."""
    with started(ssh.argv(FOLLOW)) as client:
        pid = quiet.wait_for(*FOLLOWING)
        os.kill(pid, signal.SIGSTOP)
        client.kill()
        quiet.wait_idle()


@IN_TERMINAL
def test_a_dropped_connection_is_noticed_while_the_engine_is_asked(
    ssh: Client, quiet: Account, engine: Engine, talker: str, tty: bool
) -> None:
    """`docker inspect NAME` asks the engine what NAME is before docker starts."""
    with engine.silent() as asked, started(ssh.argv("docker inspect talker", tty=tty)) as client:
        wait_until(asked, 30, "the question")
        client.kill()
        quiet.wait_idle()


def test_head_ends_what_writes_to_it(ssh: Client, quiet: Account, talker: str, endless: None) -> None:
    assert outcome(ssh("docker logs talker 2>/dev/null | head -1")) == (0, "yes\n", "")


# -- signals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@IN_TERMINAL
def test_a_signal_to_the_shell_ends_its_command(
    ssh: Client, quiet: Account, installed: Installed, talker: str, endless: None, tty: bool, number: signal.Signals
) -> None:
    with started(ssh.argv(f"{FOLLOW}; echo after", tty=tty)) as client:
        quiet.wait_for(*FOLLOWING)
        os.kill(the_shell(quiet, installed), number)
        out, _ = client.communicate(timeout=10)
        assert client.returncode > 128
        assert b"after" not in out
        quiet.wait_idle()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_shell_that_waits_for_the_next_line_of_a_script(
    ssh: Client, quiet: Account, installed: Installed, devlog: DevLog, number: signal.Signals
) -> None:
    with started(ssh.argv()):
        devlog.wait(lambda record: record["event"] == "open")
        os.kill(the_shell(quiet, installed), number)
        quiet.wait_idle()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("line", ["echo one", "docker version"])
def test_a_signal_ends_a_shell_that_waits_for_a_script_s_next_line_after_its_first(
    ssh: Client, quiet: Account, installed: Installed, devlog: DevLog, engine: Engine, line: str, number: signal.Signals
) -> None:
    with started(ssh.argv()) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(f"{line}\necho then\n".encode())
        client.stdin.flush()
        while client.stdout.readline() != b"then\n":
            continue
        os.kill(the_shell(quiet, installed), number)
        quiet.wait_idle()


def test_a_signal_ends_a_shell_that_was_started_with_signals_blocked_or_ignored(
    quiet: Account, installed: Installed, talker: str, endless: None, devlog: DevLog
) -> None:
    become = ("setpriv", f"--reuid={quiet.uid}", f"--regid={quiet.gid}", "--init-groups", "--")
    hostile = ("env", "--block-signal=TERM", "--block-signal=HUP", "--ignore-signal=INT", "--ignore-signal=TERM")
    with started([*become, *hostile, str(installed.launcher), "-c", FOLLOW]) as shell:
        child = quiet.wait_for(*FOLLOWING)
        os.kill(shell.pid, signal.SIGTERM)
        assert shell.wait(10) > 128
        assert not os.path.exists(f"/proc/{child}")


def unblocked(pid: int, number: int) -> dict[str, str] | None:
    """What the kernel says of a process that does not block a signal; None while it does."""
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in status)
    return None if int(fields["SigBlk"], 16) & (1 << (number - 1)) else fields


def test_a_child_starts_with_clean_signals_and_the_environment_it_is_given(
    quiet: Account, installed: Installed, talker: str, endless: None, devlog: DevLog
) -> None:
    become = ("setpriv", f"--reuid={quiet.uid}", f"--regid={quiet.gid}", "--init-groups", "--")
    ignored = [f"--ignore-signal={name}" for name in ("INT", "TERM", "HUP", "PIPE", "USR1", "QUIT")]
    hostile = ("env", *ignored, "--block-signal=USR2", "DOCKER_HOST=tcp://127.0.0.1:1", "LD_PRELOAD=/nonexistent.so")
    with started([*become, *hostile, str(installed.launcher), "-c", FOLLOW]) as client:
        pid = quiet.wait_for(*FOLLOWING)
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = dict(each.split("=", 1) for each in file.read().decode().rstrip("\0").split("\0"))
        # a Go program blocks all signals for the moment in which it makes a thread
        fields = wait_until(lambda: unblocked(pid, signal.SIGUSR2), 30, "a mask that USR2 is not in")
        descriptors = {number: os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")}
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        client.terminate()
        client.wait(10)
    own = yaml.safe_load((CHECKOUT / "completions/docker.yaml").read_text())["docker"]["environment"]
    assert variables == {
        "PATH": "/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/bin:/usr/local/sbin", "HOME": "/nonexistent",
        "LC_CTYPE": "C.UTF-8", "PAGER": "cat", "SYSTEMD_PAGER": "cat", "SYSTEMD_PAGERSECURE": "1", "LESSSECURE": "1",
        **own,
    }  # fmt: skip
    assert own["DOCKER_HOST"] == "unix:///var/run/docker.sock"
    assert int(fields["SigIgn"], 16) == 0
    assert fields["Umask"] == "0077"
    inherited = [path for path in descriptors.values() if "rshell" in path]
    assert inherited == []


def test_the_terminal_s_name_reaches_a_child_only_if_it_is_harmless(
    ssh: Client, quiet: Account, talker: str, endless: None
) -> None:
    for name, expected in (("xterm-256color", "xterm-256color"), ("../x y", None)):
        words = ["env", f"TERM={name}", *ssh.argv(FOLLOW, tty=True)]
        with started(words) as client:
            pid = quiet.wait_for(*FOLLOWING)
            with open(f"/proc/{pid}/environ", "rb") as file:
                variables = dict(each.split("=", 1) for each in file.read().decode().rstrip("\0").split("\0"))
            assert variables.get("TERM") == expected
            client.kill()
            quiet.wait_idle()


def test_a_killed_command_has_a_status_above_128(ssh: Client, quiet: Account, talker: str, endless: None) -> None:
    with started(ssh.argv(f"{FOLLOW} >/dev/null 2>&1; echo $?")) as client:
        os.kill(quiet.wait_for(*FOLLOWING), signal.SIGKILL)
        out, err = client.communicate(timeout=10)
    assert (client.returncode, out, err) == (0, b"137\n", b"")


def test_a_killed_filter_gives_the_pipeline_its_status(
    ssh: Client, quiet: Account, talker: str, endless: None, devlog: DevLog
) -> None:
    """The pipeline goes on until all its stages have ended, as in sh."""
    with started(ssh.argv(f"timeout 2 {FOLLOW} 2>&1 | wc -c")) as client:
        following = quiet.wait_for(*FOLLOWING)
        os.kill(quiet.wait_for(program("wc"), "--bytes"), signal.SIGKILL)
        os.kill(following, signal.SIGKILL)
        client.communicate(timeout=10)
    assert client.returncode == 137
    assert [each["status"] for each in devlog.records() if each["event"] == "end"] == [137, 137]


# -- time ------------------------------------------------------------------------------------


@IN_TERMINAL
def test_a_timeout_ends_the_command_with_124(
    ssh: Client, quiet: Account, talker: str, endless: None, devlog: DevLog, tty: bool
) -> None:
    done = ssh(f"timeout 1 {FOLLOW} >/dev/null 2>&1", tty=tty)
    said = "rshell: timed out: docker logs: ended after 1 s"
    assert (done.returncode, (done.stdout + done.stderr).strip()) == (124, said)
    quiet.wait_idle()
    end = devlog.wait(lambda record: record["event"] == "end")
    assert (end["status"], end["reason"]) == (124, "timeout")


def test_a_timeout_is_for_its_own_command_as_in_sh(ssh: Client, quiet: Account, talker: str, endless: None) -> None:
    """The pipeline's status is that of its last command, which has read all there was."""
    said = "rshell: timed out: docker logs: ended after 1 s"
    assert first_line(ssh(f"timeout 1 {FOLLOW} 2>&1 | grep -c no | tail -1")) == (0, "1\n", said)
    done = ssh(f"bash -c 'set -o pipefail; timeout 1 {FOLLOW} 2>&1 | tail -1'")
    assert (done.returncode, done.stderr.partition("\n")[0]) == (124, said)
    quiet.wait_idle()


def test_a_timeout_ends_a_command_that_does_not_hear_it(
    ssh: Client, quiet: Account, talker: str, endless: None
) -> None:
    with started(ssh.argv(f"timeout 1 {FOLLOW}; echo $?")) as client:
        os.kill(quiet.wait_for(*FOLLOWING), signal.SIGSTOP)
        out, _ = client.communicate(timeout=20)
    assert out.splitlines()[-1] == b"124"
    quiet.wait_idle()


def test_after_a_timeout_the_line_goes_on(ssh: Client, quiet: Account, talker: str, endless: None) -> None:
    done = ssh(f"timeout 1 {FOLLOW} >/dev/null 2>&1 || echo $?")
    assert (done.returncode, done.stdout) == (0, "124\n")


# -- containers -------------------------------------------------------------------------------


@pytest.fixture
def left(engine: Engine) -> Iterator[Callable[[], str]]:
    """Tells the state of the container `left`, which is gone after the test."""

    def state() -> str:
        return engine.docker("inspect", "--format={{.State.Status}}", "left", check=False).stdout.strip()

    yield state
    engine.docker("rm", "--force", "left", check=False)


def test_a_container_in_the_foreground_ends_with_its_connection(
    ssh: Client, quiet: Account, engine: Engine, left: Callable[[], str], devlog: DevLog
) -> None:
    """`sleep` as a container's first process does not hear the TERM that docker passes on."""
    with started(ssh.argv(f"docker run --name left {engine.image} sleep 3000")) as client:
        wait_until(lambda: left() == "running", 20, "the container")
        client.kill()
        wait_until(lambda: left() == "exited", 20, "its end")
        quiet.wait_idle()
    end = devlog.wait(lambda record: record["event"] == "end")
    wanted = engine.docker("inspect", "--format={{.Id}}", "left").stdout.strip()
    assert (end["reason"], end["containers"]) == ("gone", [wanted])


def test_a_container_in_the_foreground_ends_with_its_time(
    ssh: Client, quiet: Account, engine: Engine, left: Callable[[], str]
) -> None:
    done = ssh(f"timeout 3 docker run --name left {engine.image} sleep 3000; docker ps --quiet --filter name=left")
    assert (done.returncode, done.stdout) == (0, "")
    assert left() == "exited"


def test_a_container_in_the_background_outlives_its_connection(
    ssh: Client, quiet: Account, engine: Engine, left: Callable[[], str]
) -> None:
    assert ssh(f"docker run --detach --name left {engine.image} sleep 3000").returncode == 0
    quiet.wait_idle()
    assert left() == "running"
