"""In a terminal: the plain prompt, C-c, C-z, a window that closes. What the REPL adds is tested in tests/repl."""

import os

import pytest

from .account import Account
from .conftest import OpenTerminal
from .engine import Engine
from .ground import outcome, program
from .logs import DevLog
from .sshd import Client
from .terminal import Terminal

pytestmark = pytest.mark.real

FOLLOW = "docker logs --follow talker"
FOLLOWING = (program("docker"), "container", "logs", "--follow", "--")  # then its id


@pytest.fixture
def plain(quiet: Account, ssh: Client, tmux: OpenTerminal) -> Terminal:
    """A login with TERM=dumb: a prompt that any terminal, and any program, can read."""
    terminal = tmux("env", "TERM=dumb", *ssh.argv(tty=True), width=100, height=40)
    terminal.wait_for("rshell:")
    return terminal


def test_a_line_at_the_plain_prompt_runs(plain: Terminal, talker: str) -> None:
    plain.type("docker ps --format '{{.Names}} runs {{.Image}}'", "Enter")
    plain.wait_for("talker runs busybox:test")
    plain.type("exit 3", "Enter")
    assert plain.wait_exit() == 3


def test_the_plain_prompt_sends_no_escape_sequence(
    ssh: Client, quiet: Account, devlog: DevLog, tmux: OpenTerminal
) -> None:
    done = ssh(tty=True, input="echo he''llo\nexit\n", environment={"TERM": "dumb"})
    assert done.returncode == 0
    assert "> hello\r\n" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_refusal_at_the_plain_prompt_ends_nothing(devlog: DevLog, plain: Terminal) -> None:
    plain.type("docker exec talker id", "Enter")
    plain.wait_for("rshell: denied: docker exec is not allowed [docker.exec]")
    plain.type("echo $?", "Enter")
    plain.wait_for("\n126")
    plain.type("nothere", "Enter")
    plain.wait_for("[unknown.command]")
    plain.send_keys("C-d")
    assert plain.wait_exit() == 127
    events = [each["event"] for each in devlog.records()]
    assert events == ["open", "refuse", "builtin", "refuse", "close"]
    assert {each["mode"] for each in devlog.records()} == {"repl"}


def test_control_c_at_the_plain_prompt_drops_the_line(plain: Terminal) -> None:
    plain.type("exit 9")
    plain.send_keys("C-c")
    plain.type("echo st''ill", "Enter")
    plain.wait_for("still")
    plain.send_keys("C-d")
    assert plain.wait_exit() == 0


def test_control_c_at_the_plain_prompt_ends_the_command_only(plain: Terminal, quiet: Account, talker: str) -> None:
    plain.type(f"{FOLLOW}; echo after", "Enter")
    pid = quiet.wait_for(*FOLLOWING)
    plain.wait_for("maybe")
    plain.send_keys("C-c")
    plain.wait_for("^C\nrshell:")
    plain.type("echo st''ill $?", "Enter")
    plain.wait_for("still 130")
    assert "\nafter" not in plain.screen()
    assert not os.path.exists(f"/proc/{pid}")
    plain.send_keys("C-d")
    plain.wait_exit()


def test_a_dropped_connection_ends_the_prompt(plain: Terminal, quiet: Account, devlog: DevLog) -> None:
    plain.hang_up()
    quiet.wait_idle()
    assert devlog.wait(lambda record: record["event"] == "close")


def test_a_dropped_connection_ends_what_runs_under_the_prompt(plain: Terminal, quiet: Account, talker: str) -> None:
    plain.type(FOLLOW, "Enter")
    quiet.wait_for(*FOLLOWING)
    plain.hang_up()
    quiet.wait_idle()


# -- one line in a terminal ---------------------------------------------------------------


def test_a_terminal_alone_grants_following(ssh: Client, quiet: Account, talker: str) -> None:
    refused = "rshell: denied: docker logs: option --follow is for people at a terminal [docker.logs.option-terminal]"
    done = ssh(FOLLOW)
    assert (done.returncode, done.stdout, done.stderr.partition("\n")[0]) == (126, "", refused)
    assert "yes\r\n" in ssh(f"timeout 1 {FOLLOW}", tty=True).stdout


def test_records_name_the_terminal(ssh: Client, devlog: DevLog) -> None:
    assert outcome(ssh("echo hello", tty=True)) == (0, "hello\r\n", "")
    (record,) = devlog.records()
    assert record["tty"].startswith("/dev/pts/")


@pytest.mark.parametrize("line", [FOLLOW, f"{FOLLOW} | grep -v zzz", "sleep 3000"])
def test_control_c_ends_the_line_with_130(
    ssh: Client, quiet: Account, tmux: OpenTerminal, talker: str, line: str
) -> None:
    terminal = tmux(*ssh.argv(f"echo started; {line}; echo after", tty=True))
    terminal.wait_for("started")
    if line.startswith("docker"):
        quiet.wait_for(*FOLLOWING)
        terminal.wait_for("maybe")
    terminal.send_keys("C-c")
    assert terminal.wait_exit() == 130
    assert "after" not in terminal.screen().replace("; echo after", "")
    quiet.wait_idle()


def test_a_closed_window_ends_the_command(ssh: Client, quiet: Account, tmux: OpenTerminal, talker: str) -> None:
    terminal = tmux(*ssh.argv(FOLLOW, tty=True))
    quiet.wait_for(*FOLLOWING)
    terminal.wait_for("maybe")
    terminal.hang_up()
    quiet.wait_idle()


def test_control_z_stops_nothing(ssh: Client, quiet: Account, tmux: OpenTerminal, talker: str) -> None:
    terminal = tmux(*ssh.argv(FOLLOW, tty=True))
    pid = quiet.wait_for(*FOLLOWING)
    terminal.wait_for("maybe")
    terminal.send_keys("C-z", "C-c")
    assert terminal.wait_exit() == 130
    assert not os.path.exists(f"/proc/{pid}")
    quiet.wait_idle()


def test_a_container_has_the_terminal_with_its_size_and_its_keys(
    ssh: Client, quiet: Account, tmux: OpenTerminal, engine: Engine
) -> None:
    terminal = tmux(*ssh.argv(f"docker run --rm -it {engine.image} sh", tty=True), width=91, height=27)
    terminal.wait_for("~ #")
    terminal.type("stty size", "Enter")
    terminal.wait_for("27 91")
    terminal.resize(101, 31)
    # docker hears of it by a signal and tells the Engine, so it takes a moment
    terminal.type('until stty size | grep "31 101"; do sleep 0.1; done', "Enter")
    terminal.wait_for("\n31 101")
    terminal.type("sleep 3000", "Enter")
    terminal.send_keys("C-c")
    terminal.type("exit 7", "Enter")
    assert terminal.wait_exit() == 7
    quiet.wait_idle()
