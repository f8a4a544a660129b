"""Hermes' SSH backend as it is: the probes of a connection, then each command in its wrapper of bash."""

import itertools
import shlex
from collections.abc import Iterator

import pytest

from .account import HOME, Account
from .ground import first_line, outcome
from .logs import DevLog
from .sshd import Client

pytestmark = pytest.mark.real

MARKER = "__HERMES_CWD_0f3a9c1b2d4e__"
RECORDED = r"""bash -c 'export AI_AGENT="${AI_AGENT:-hermes-agent}" HERMES_AGENT="${HERMES_AGENT:-true}"
export GIT_PAGER="${GIT_PAGER:-cat}" PAGER="${PAGER:-cat}"
builtin cd -- ~ || exit 126
eval '"'"'docker ps --format '"'"'\'"'"''"'"'{{.Names}}'"'"'\'"'"''"'"' 2>&1 | head -n 20'"'"'
__hermes_ec=$?
umask 077
printf '"'"'\n__HERMES_CWD_0f3a9c1b2d4e__%s__HERMES_CWD_0f3a9c1b2d4e__\n'"'"' "$(pwd -P)"
exit $__hermes_ec'"""
HIDDEN = f"{HOME}/.hermes"
DIRECTORIES = " ".join((HIDDEN, *(f"{HIDDEN}/{each}" for each in ("skills", "credentials", "cache"))))
# What the bootstrap does, in the order it does it: a login shell's state into a file of its own.
BOOTSTRAP = """bash -l -c 'umask 077
__hermes_snap_tmp=$(mktemp /tmp/hermes-snap.sh.tmp.XXXXXXXXXX) || exit 1
{ export -p; declare -f; alias -p; } > "$__hermes_snap_tmp" && mv -f "$__hermes_snap_tmp" /tmp/hermes-snap.sh
builtin cd -- ~ 2>/dev/null || true
printf '"'"'\\n__HERMES_CWD_0f3a9c1b2d4e__%s__HERMES_CWD_0f3a9c1b2d4e__\\n'"'"' "$(pwd -P)"'"""


def script(payload: str, directory: str = "~") -> str:
    """The script that Hermes gives to bash for one command."""
    lines = (
        'export AI_AGENT="${AI_AGENT:-hermes-agent}" HERMES_AGENT="${HERMES_AGENT:-true}"',
        'export GIT_PAGER="${GIT_PAGER:-cat}" PAGER="${PAGER:-cat}"',
        f"builtin cd -- {directory} || exit 126",
        "eval '{}'".format(payload.replace("'", "'\\''")),
        "__hermes_ec=$?",
        "umask 077",
        f"printf '\\n{MARKER}%s{MARKER}\\n' \"$(pwd -P)\"",
        "exit $__hermes_ec",
    )
    return "\n".join(lines)


def wrapped(payload: str, directory: str = "~", shell: str = "bash -c") -> str:
    """The remote command: the script as one quoted word."""
    return f"{shell} {shlex.quote(script(payload, directory))}"


def marked(output: str, directory: str = str(HOME)) -> str:
    """What the wrapper prints around a command's output."""
    return f"{output}\n{MARKER}{directory}{MARKER}\n"


@pytest.fixture
def connection(ssh: Client) -> Iterator[tuple[str, ...]]:
    """The options of Hermes' one connection for all its commands; it ends with the test."""
    path = ssh.config.with_name("hermes-control")
    options = ("-o", "ControlMaster=auto", "-o", "ControlPersist=300", "-o", f"ControlPath={path}")
    yield options
    ssh(options=(*options, "-O", "exit"))


def test_a_whole_connection_as_recorded(
    ssh: Client, connection: tuple[str, ...], account: Account, devlog: DevLog, talker: str
) -> None:
    def send(line: str, input: bytes = b"") -> tuple[int, str, str]:
        return outcome(ssh(line, input=input, options=connection))

    assert send("echo 'SSH connection established'") == (0, "SSH connection established\n", "")
    assert send("echo $HOME") == (0, f"{account.home}\n", "")
    assert send(f"mkdir -p {DIRECTORIES}")[:2] == (127, "")
    tar = b"skills/x".ljust(512, b"\0") * 40
    assert send(f"mkdir -p {DIRECTORIES}")[:2] == (127, "")
    assert send(f"tar xf - --no-overwrite-dir -C {HIDDEN}", tar)[:2] == (127, "")
    status, output, _ = send(BOOTSTRAP)
    assert (status in (2, 126, 127), output) == (True, "")
    assert send("bash -c true") == (0, "", "")
    assert send(RECORDED) == (0, marked("talker\n"), "")
    assert send(RECORDED.replace("-c", "-l -c", 1)) == (0, marked("talker\n"), "")
    assert send("tar cf - -C / home/ai-worker/.hermes")[:2] == (127, "")
    assert not (account.home / ".hermes").exists()
    kinds = [(each["event"], each.get("wrapper", "")) for each in devlog.records() if each["event"] != "end"]
    assert kinds == [
        ("builtin", ""), ("builtin", ""), ("refuse", ""), ("refuse", ""), ("refuse", ""), ("refuse", ""),
        ("builtin", ""), ("start", "hermes"), ("start", "hermes"), ("start", "hermes"), ("start", "hermes"),
        ("refuse", ""),
    ]  # fmt: skip


def test_the_recorded_wrapper_is_what_the_template_makes() -> None:
    assert shlex.split(RECORDED) == ["bash", "-c", script("docker ps --format '{{.Names}}' 2>&1 | head -n 20")]


PAYLOADS = [
    "docker ps --format '{{.Names}}'",
    "docker logs talker 2>&1 | sort",
    "docker logs nothere 2>/dev/null",
    "docker ps --format '{{.Names}}' | grep zzz",
    "docker ps --format '{{.Names}}' && echo yes || echo no",
    "echo \"it's here\"",
    "echo -n without a newline",
    "true; echo $?",
    "false; echo $?",
    "false",
    "cd /tmp && pwd",
    "cd /usr/bin; cd ..",
    "pwd",
    "set -o pipefail; docker logs nothere 2>/dev/null | head -1",
    "# nothing",
]
PLACES = ["~", "/tmp", "'/usr/share'", str(HOME)]
CASES = {*zip(PAYLOADS, itertools.cycle(PLACES)), *itertools.product([*PAYLOADS[:1], "pwd"], PLACES)}


@pytest.mark.parametrize(("payload", "directory"), sorted(CASES))
def test_an_allowed_command_gives_what_bash_would_give(
    ssh: Client, account: Account, talker: str, payload: str, directory: str
) -> None:
    assert outcome(ssh(wrapped(payload, directory))) == outcome(
        account.run("/bin/bash", "-c", f"cd ~; {script(payload, directory)}")
    )


def test_a_directory_that_is_not_there_is_126(ssh: Client) -> None:
    done = ssh(wrapped("echo hello", "/nonexistent"))
    assert (done.returncode, done.stdout) == (126, "")
    assert "/nonexistent" in done.stderr


def test_a_refused_command_is_refused_as_without_the_wrapper(ssh: Client, devlog: DevLog, talker: str) -> None:
    alone = ssh("docker exec talker id")
    assert outcome(ssh(wrapped("docker exec talker id"))) == outcome(alone)
    assert first_line(alone) == (126, "", "rshell: denied: docker exec is not allowed [docker.exec]")
    assert [each["code"] for each in devlog.records()] == ["docker.exec"] * 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("umask 077", "umask 077; id"),
        ("umask 077", "umask 077\nid"),
        ("exit $__hermes_ec", "exit $__hermes_ec\nid"),
        ("exit $__hermes_ec", "id; exit $__hermes_ec"),
        ("|| exit 126", "|| id"),
        ("builtin cd -- ~", "builtin cd -- $(id)"),
        ("builtin cd -- ~", "builtin cd -- ~;id"),
        ('"$(pwd -P)"', '"$(id)"'),
        ("-hermes-agent}", "-$(id)}"),
        ("eval 'echo hello'", "eval 'echo hello';id"),
        ("eval 'echo hello'", "eval 'echo hello' id"),
        ("eval 'echo hello'", "id\neval 'echo hello'"),
        ("echo hello", "echo hello; id"),
        ("echo hello", "echo $(id)"),
    ],
)
def test_a_changed_wrapper_runs_nothing(ssh: Client, before: str, after: str) -> None:
    text = script("echo hello")
    assert before in text
    done = ssh(f"bash -c {shlex.quote(text.replace(before, after))}")
    assert (done.returncode in (2, 126, 127), done.stdout) == (True, "")
    assert done.stderr.startswith("rshell: ")
