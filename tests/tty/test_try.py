"""`rshellctl try` as a person meets it: a real terminal, real keys, real processes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.ground import wait_until
from tests.real.terminal import Terminal
from tests.tty.conftest import OpenShell

PROMPT = f"rshell:{os.uname().nodename}>"
DUMB = "TERM=dumb"
RED_UNDERLINED = re.compile(r"\x1b\[(?:4m\x1b\[31|31m\x1b\[4|4;31|31;4)m([^\x1b]*)")
REFUSAL = [
    "rshell: denied: docker exec is not allowed [docker.exec]",
    "  docker exec x id",
    "  ^^^^^^^^^^^",
    "  why: it runs any command inside a container",
    "  instead: docker logs --tail 100 x",
    "  nothing was run; rewording, quoting or sudo will not change this",
]
WAITS = """
version: 1
roles: {r: {grants: [left, right]}}
grants:
  left: {commands: {cat: {forms: ["-"]}, nice: {forms: [sleep 1000]}, stty: {forms: [size]}}}
  right: {right_of_pipe: true, commands: {tee: {forms: ["-a"]}}}
"""


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    """A policy whose commands wait."""
    path = tmp_path / "policy.yaml"
    path.write_text(WAITS)
    path.chmod(0o600)
    return path


def lines(terminal: Terminal) -> list[str]:
    """What is to be seen from the first prompt on, without empty lines."""
    seen = [line.rstrip() for line in terminal.screen().splitlines() if line.strip()]
    return seen[next((index for index, line in enumerate(seen) if line.startswith(PROMPT)), 0) :]


def shows(terminal: Terminal, expected: list[str]) -> None:
    """Wait until exactly this is to be seen from the first prompt on."""
    try:
        wait_until(lambda: lines(terminal) == expected, 30, "the screen")
    except TimeoutError:
        assert lines(terminal) == expected


def prompted(terminal: Terminal) -> None:
    """Wait until the last line is a prompt with nothing on it, and not the first one, which may still be empty."""
    wait_until(lambda: lines(terminal)[1:][-1:] == [PROMPT], 30, "a new prompt")


def processes(terminal: Terminal) -> list[int]:
    """Every process of the terminal's session."""
    leader = int(terminal._tmux("display-message", "-p", "#{pane_pid}"))
    return members(leader)


def members(leader: int) -> list[int]:
    """The processes of a session that have not ended."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if entry.name.isdigit() and int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(entry.name))
    return sorted(found)


def records(state: Path) -> list[tuple[str, str | None]]:
    """What was recorded: event and line."""
    text = (state / "rshell" / "audit.jsonl").read_text()
    return [(record["event"], record.get("raw")) for record in map(json.loads, text.splitlines())]


def until(terminal: Terminal, check: Callable[[str], bool], what: str) -> str:
    """The screen with its styles, once it is as wanted."""

    def seen() -> str | None:
        screen = terminal.screen(styles=True)
        return screen if check(screen) else None

    return wait_until(seen, 30, what)


# -- the prompt ------------------------------------------------------------------------


def test_the_prompt_comes_up_and_says_what_this_is(shell: OpenShell) -> None:
    terminal = shell(width=200)
    seen = [line for line in terminal.wait_for(PROMPT).splitlines() if line]
    assert re.fullmatch(r"rshell: trying .*policy\.yaml as .*: this is no boundary; records in .*audit\.jsonl", seen[0])
    assert seen[1:] == ["rshell: help lists what may be run here; explain LINE says whether a line would be.", PROMPT]


def test_tab_opens_a_menu_with_what_each_word_is(shell: OpenShell) -> None:
    terminal = shell()
    terminal.wait_for(PROMPT)
    terminal.type("docker n", "Tab")
    terminal.wait_for("docker network")
    terminal.type(" l", "Tab")
    assert "List networks" in terminal.wait_for("list ")
    terminal.send_keys("C-c")
    prompted(terminal)
    terminal.type("docker ps --la", "Tab")
    menu = terminal.wait_for("--latest")
    assert [line.split()[0] for line in menu.splitlines() if line.strip().startswith("--")] == ["--last", "--latest"]


def test_tab_in_the_menu_chooses_and_enter_takes_without_running(shell: OpenShell, state: Path) -> None:
    terminal = shell()
    terminal.wait_for(PROMPT)
    terminal.type("docker ps --la", "Tab")
    terminal.wait_for("--latest")
    terminal.send_keys("Tab", "Tab", "Enter")
    shows(terminal, [f"{PROMPT} docker ps --latest"])
    assert records(state) == [("open", None)]


def test_what_is_refused_is_red_and_underlined_while_it_is_typed(shell: OpenShell) -> None:
    terminal = shell()
    terminal.wait_for(PROMPT)
    terminal.type("docker ps -a; docker exec x")
    screen = until(terminal, lambda seen: bool(RED_UNDERLINED.search(seen)), "red")
    assert RED_UNDERLINED.findall(screen) == ["docker exec"]
    terminal.send_keys("C-u")
    terminal.type("docker logs --ta")
    screen = until(terminal, lambda seen: "--ta" in seen, "the line")
    assert "\x1b[31m" not in screen


def test_enter_explains_under_the_line_which_can_be_mended_and_run(shell: OpenShell, state: Path) -> None:
    terminal = shell()
    terminal.wait_for(PROMPT)
    terminal.type("docker exec x id", "Enter")
    shows(terminal, [f"{PROMPT} docker exec x id", *REFUSAL])
    terminal.send_keys("C-a")
    terminal.type("echo ")
    shows(terminal, [f"{PROMPT} echo docker exec x id"])
    terminal.send_keys("Enter")
    shows(terminal, [f"{PROMPT} echo docker exec x id", "docker exec x id", PROMPT])
    assert records(state) == [("open", None), ("refuse", "docker exec x id"), ("builtin", "echo docker exec x id")]


def test_help_lists_what_there_is_and_f1_says_more_of_the_command(shell: OpenShell) -> None:
    terminal = shell(width=120, height=100)
    terminal.wait_for(PROMPT)
    terminal.type("help", "Enter")
    seen = terminal.wait_for("To the right of a |:")
    assert "docker logs [--details]" in seen
    terminal.type("clear", "Enter")
    wait_until(lambda: lines(terminal) == [PROMPT], 30, "a clear screen")
    terminal.type("docker logs x", "F1")
    terminal.wait_for("ends after 900 s at the latest")
    terminal.wait_for(f"{PROMPT} docker logs x")


def test_a_paste_of_lines_is_shown_as_one_text_and_runs_on_enter_only(shell: OpenShell, state: Path) -> None:
    terminal = shell()
    terminal.wait_for(PROMPT)
    terminal.paste("echo one\necho two\n")
    shows(terminal, [f"{PROMPT} echo one", "> echo two"])
    assert records(state) == [("open", None)]
    terminal.send_keys("Enter")
    shows(terminal, [f"{PROMPT} echo one", "> echo two", "one", "two", PROMPT])


def test_a_paste_with_a_refused_line_runs_nothing(shell: OpenShell, state: Path) -> None:
    terminal = shell()
    terminal.wait_for(PROMPT)
    terminal.paste("echo one\nbash -i\n")
    terminal.wait_for("> bash -i")
    terminal.send_keys("Enter")
    terminal.wait_for("[shell.usage]")
    assert records(state) == [("open", None), ("refuse", "echo one\nbash -i")]


def test_a_paste_with_escapes_is_refused(shell: OpenShell) -> None:
    terminal = shell()
    terminal.wait_for(PROMPT)
    terminal.paste("echo \x1b]0;title\x07")
    shows(terminal, [PROMPT, "rshell: the paste holds control characters; nothing was inserted"])


def test_a_line_longer_than_the_terminal_is_wide_is_typed_and_run(shell: OpenShell) -> None:
    terminal = shell()
    terminal.wait_for(PROMPT)
    text = "x" * 188
    terminal.type(f"echo {text}y")
    wait_until(lambda: terminal.screen().replace("\n", "").count(text + "y") == 1, 30, "the line")
    terminal.send_keys("C-a", "C-e", "BSpace", "Enter")
    wait_until(lambda: terminal.screen().replace("\n", "").count(text) == 2, 30, "its output")


def test_the_line_follows_the_size_of_the_window(shell: OpenShell) -> None:
    terminal = shell()
    terminal.wait_for(PROMPT)
    terminal.type("echo " + "a" * 30)
    shows(terminal, [f"{PROMPT} echo " + "a" * 30])
    terminal.resize(60, 20)
    terminal.type("b")
    shows(terminal, [f"{PROMPT} echo " + "a" * 30 + "b"])
    terminal.resize(120, 30)
    terminal.type("c" * 60)
    shows(terminal, [f"{PROMPT} echo " + "a" * 30 + "b" + "c" * 60])
    terminal.send_keys("Enter")
    terminal.wait_for("\n" + "a" * 30 + "b" + "c" * 60)


def test_a_command_sees_the_window_as_it_is(shell: OpenShell, waiting: Path) -> None:
    terminal = shell(policy=waiting)
    terminal.wait_for(PROMPT)
    terminal.resize(101, 23)
    terminal.type("stty size", "Enter")
    terminal.wait_for("23 101")


def test_interrupt_clears_and_end_leaves_with_the_last_status(shell: OpenShell, state: Path) -> None:
    terminal = shell()
    terminal.wait_for(PROMPT)
    terminal.type("docker exec", "C-c")
    prompted(terminal)
    terminal.type("false", "Enter")
    shows(terminal, [f"{PROMPT} docker exec", f"{PROMPT} false", PROMPT])
    terminal.send_keys("C-d")
    assert terminal.wait_exit() == 1
    assert records(state) == [("open", None), ("builtin", "false"), ("close", None)]


@pytest.mark.parametrize("setting", ["TERM=xterm-256color", DUMB])
def test_the_status_of_exit_is_the_shell_s(shell: OpenShell, setting: str) -> None:
    terminal = shell(setting)
    terminal.wait_for(PROMPT)
    terminal.type("exit 3", "Enter")
    assert terminal.wait_exit() == 3


def test_without_colour_everything_is_still_said(shell: OpenShell) -> None:
    terminal = shell("NO_COLOR=1")
    terminal.wait_for(PROMPT)
    terminal.type("docker exec x id", "Enter")
    shows(terminal, [f"{PROMPT} docker exec x id", *REFUSAL])
    screen = terminal.screen(styles=True)
    assert re.search(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|9[0-7]|4[0-8]|10[0-7])[;m]", screen) is None


# -- while a command runs --------------------------------------------------------------


@pytest.mark.parametrize("setting", ["TERM=xterm-256color", DUMB])
def test_interrupt_ends_a_builtin_with_130_and_a_fresh_prompt(shell: OpenShell, setting: str) -> None:
    terminal = shell(setting)
    terminal.wait_for(PROMPT)
    terminal.type("sleep 100; echo never", "Enter")
    until(terminal, lambda _: _is_busy(terminal), "the sleep")
    terminal.send_keys("C-c")
    prompted(terminal)
    terminal.type("echo $?", "Enter")
    shows(terminal, [f"{PROMPT} sleep 100; echo never", "^C", f"{PROMPT} echo $?", "130", PROMPT])


@pytest.mark.parametrize("setting", ["TERM=xterm-256color", DUMB])
def test_interrupt_ends_a_program_with_130_and_a_fresh_prompt(shell: OpenShell, waiting: Path, setting: str) -> None:
    terminal = shell(setting, policy=waiting)
    terminal.wait_for(PROMPT)
    terminal.type("cat -; echo never", "Enter")
    wait_until(lambda: len(processes(terminal)) == 2, 30, "cat")
    terminal.send_keys("C-c")
    prompted(terminal)
    assert len(processes(terminal)) == 1
    terminal.type("echo $?", "Enter")
    shows(terminal, [f"{PROMPT} cat -; echo never", "^C", f"{PROMPT} echo $?", "130", PROMPT])


@pytest.mark.parametrize("setting", ["TERM=xterm-256color", DUMB])
def test_nothing_is_suspended(shell: OpenShell, waiting: Path, setting: str) -> None:
    terminal = shell(setting, policy=waiting)
    terminal.wait_for(PROMPT)
    terminal.type("cat -", "Enter")
    wait_until(lambda: len(processes(terminal)) == 2, 30, "cat")
    terminal.send_keys("C-z")
    terminal.type("still here", "Enter")
    wait_until(lambda: terminal.screen().count("still here") == 2, 30, "what cat says")
    terminal.send_keys("C-d")
    prompted(terminal)
    terminal.type("sleep 100", "Enter")
    until(terminal, lambda _: _is_busy(terminal), "the sleep")
    terminal.send_keys("C-z", "C-c")
    prompted(terminal)
    terminal.type("echo fr''esh", "Enter")
    terminal.wait_for("\nfresh")


def test_a_program_has_the_terminal_to_itself(shell: OpenShell, waiting: Path) -> None:
    terminal = shell(policy=waiting)
    terminal.wait_for(PROMPT)
    terminal.type("cat -", "Enter")
    wait_until(lambda: len(processes(terminal)) == 2, 30, "cat")
    terminal.type("docker exec x", "Enter")
    shows(terminal, [f"{PROMPT} cat -", "docker exec x", "docker exec x"])
    terminal.send_keys("C-d")
    shows(terminal, [f"{PROMPT} cat -", "docker exec x", "docker exec x", PROMPT])


# -- the end ---------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["", "sleep 100", "cat -", "cat - | tee -a", "nice sleep 1000"])
@pytest.mark.parametrize("setting", ["TERM=xterm-256color", DUMB])
def test_a_hang_up_of_the_terminal_leaves_no_process(shell: OpenShell, waiting: Path, line: str, setting: str) -> None:
    terminal = shell(setting, policy=waiting)
    terminal.wait_for(PROMPT)
    leader = int(terminal._tmux("display-message", "-p", "#{pane_pid}"))
    if line:
        terminal.type(line, "Enter")
        until(terminal, lambda _: _is_busy(terminal), "the command")
    terminal.hang_up()
    wait_until(lambda: members(leader) == [], 10, "the end of every process")


@pytest.mark.parametrize("line", ["", "sleep 100", "cat -"])
@pytest.mark.parametrize("setting", ["TERM=xterm-256color", DUMB])
def test_a_hang_up_is_recorded_as_the_end_of_the_session(
    shell: OpenShell, waiting: Path, state: Path, line: str, setting: str
) -> None:
    terminal = shell(setting, policy=waiting)
    terminal.wait_for(PROMPT)
    if line:
        terminal.type(line, "Enter")
        until(terminal, lambda _: _is_busy(terminal), "the command")
    terminal.hang_up()
    wait_until(lambda: records(state)[-1] == ("close", None), 30, "the record")


def _is_busy(terminal: Terminal) -> bool:
    """Whether the terminal is in the hands of a command: its driver edits and echoes lines, the prompt is gone."""
    leader = int(terminal._tmux("display-message", "-p", "#{pane_pid}"))
    return len(members(leader)) > 1 or "poll" in _waits_in(leader)


def _waits_in(pid: int) -> str:
    return Path(f"/proc/{pid}/wchan").read_text()


# -- a terminal that can do nothing ----------------------------------------------------


def test_a_dumb_terminal_gets_a_plain_prompt_and_no_escapes(shell: OpenShell, tmp_path: Path) -> None:
    terminal = shell(DUMB, width=200)
    (tmp_path / "out").touch()
    terminal._tmux("pipe-pane", f"cat >{tmp_path}/out")
    terminal.wait_for(PROMPT)
    terminal.type("echo hello", "Enter")
    shows(terminal, [f"{PROMPT} echo hello", "hello", PROMPT])
    wait_until(lambda: (tmp_path / "out").read_bytes().count(b"hello\r\n") == 2, 30, "the bytes")
    assert b"\x1b" not in (tmp_path / "out").read_bytes()


def test_a_dumb_terminal_asks_for_the_rest_of_an_unfinished_line(shell: OpenShell) -> None:
    terminal = shell(DUMB)
    terminal.wait_for(PROMPT)
    terminal.type("echo 'a", "Enter")
    shows(terminal, [f"{PROMPT} echo 'a", ">"])
    terminal.type("b' && \\", "Enter")
    shows(terminal, [f"{PROMPT} echo 'a", "> b' && \\", ">"])
    terminal.type("echo c |", "Enter")
    shows(terminal, [f"{PROMPT} echo 'a", "> b' && \\", "> echo c |", ">"])
    terminal.type("sort", "Enter")
    shows(terminal, [f"{PROMPT} echo 'a", "> b' && \\", "> echo c |", "> sort", "a", "b", "c", PROMPT])


def test_a_dumb_terminal_explains_a_refusal(shell: OpenShell, state: Path) -> None:
    terminal = shell(DUMB)
    terminal.wait_for(PROMPT)
    terminal.type("docker exec x id", "Enter")
    shows(terminal, [f"{PROMPT} docker exec x id", *REFUSAL, PROMPT])
    assert records(state) == [("open", None), ("refuse", "docker exec x id")]


def test_interrupt_at_a_dumb_prompt_forgets_the_line_and_what_came_before(shell: OpenShell, state: Path) -> None:
    terminal = shell(DUMB)
    terminal.wait_for(PROMPT)
    terminal.type("echo 'a", "Enter")
    shows(terminal, [f"{PROMPT} echo 'a", ">"])
    terminal.type("docker exec", "C-c")
    terminal.wait_for("^C")
    terminal.type("echo b", "Enter")
    shows(terminal, [f"{PROMPT} echo 'a", "> docker exec^C", f"{PROMPT} echo b", "b", PROMPT])
    assert records(state) == [("open", None), ("builtin", "echo b")]


@pytest.mark.parametrize("line", ["", "echo 'unfinished"])
def test_end_of_file_at_a_dumb_prompt_leaves(shell: OpenShell, line: str) -> None:
    terminal = shell(DUMB)
    terminal.wait_for(PROMPT)
    terminal.type("false", "Enter")
    prompted(terminal)
    if line:
        terminal.type(line, "Enter")
        terminal.wait_for("\n>")
    terminal.send_keys("C-d")
    assert terminal.wait_exit() == 1


def test_end_of_file_in_the_middle_of_a_dumb_line_runs_nothing(shell: OpenShell, state: Path) -> None:
    """C-d hands over what was typed so far; only Enter may run it."""
    terminal = shell(DUMB)
    terminal.wait_for(PROMPT)
    terminal.type("echo half", "C-d")
    terminal.type("way", "Enter")
    shows(terminal, [f"{PROMPT} echo halfway", "halfway", PROMPT])
    assert records(state) == [("open", None), ("builtin", "echo halfway")]
