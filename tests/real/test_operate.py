"""Operating an installed host: stop and resume, the log, another policy and back."""

import json
import pwd
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rshell.host import layout

from .ground import ENVIRONMENT, outcome, processes, program, run, wait_until
from .host import NAME, Host, policy
from .install import Installed
from .logs import Journal
from .sshd import Client

pytestmark = pytest.mark.real

STOPPED = """\
rshell: unavailable: the operator has stopped this account [stopped]
  why: {}
  nothing was run; only the operator of this host can mend this
"""
WAIT = "docker wait talker"
WAITING = (program("docker"), "container", "wait")
STUBBORN = "trap '' TERM HUP; while :; do sleep 3000 & sleep 3000; done"


@contextmanager
def started(argv: Sequence[str | Path]) -> Iterator[subprocess.Popen[str]]:
    """A program in the background, which ends with the test at the latest."""
    pipe = subprocess.PIPE
    words = [*map(str, argv)]
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, env=ENVIRONMENT, text=True) as made:
        try:
            yield made
        finally:
            made.kill()


@pytest.fixture
def running(host: Host) -> Iterator[Host]:
    """The host, whose account is not stopped before the test, nor after it."""
    yield host
    host.ctl("resume", NAME)
    host.wait_idle()


def become(name: str) -> tuple[str, ...]:
    """The words in front of a command that runs as somebody, without a login."""
    entry = pwd.getpwnam(name)
    return (program("setpriv"), f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--init-groups", "--")


def runs(*words: str) -> bool:
    """Tell whether a process is there whose first words are these."""
    found = [given.decode(errors="replace").rstrip("\0").split("\0") for *_, given in processes()]
    return any(given[: len(words)] == list(words) for given in found)


def shown(host: Host, *words: str) -> list[dict[str, Any]]:
    """What `rshellctl log --json` shows."""
    return [json.loads(line) for line in host.ctl("log", "--json", *words).stdout.splitlines()]


# -- stop ---------------------------------------------------------------------------------------


def test_stop_ends_what_runs_and_refuses_all_else_until_resume(
    running: Host, host_ssh: Client, talker: str
) -> None:
    with started(host_ssh.argv("sleep 3000")) as idle, started(host_ssh.argv(WAIT)) as busy:
        wait_until(lambda: runs(*WAITING), 30, "docker wait")
        wait_until(lambda: len([row for row in shown(running) if row["event"] == "start"]), 30, "its record")
        assert running.ctl("stop", NAME, "--reason", "an incident").returncode == 0
        assert not runs(*WAITING)
        running.wait_idle()  # nothing runs any more, but somebody has to reap it
        assert idle.wait(10) != 0
        assert busy.wait(10) != 0
    (row,) = [row for row in shown(running) if row.get("raw") == WAIT]
    assert (row["witness"], row["attested"], row["status"], row["reason"]) == ("gate", True, 143, "stopped")
    refused = (78, "", STOPPED.format("an incident"))
    assert outcome(host_ssh("echo hello")) == refused
    assert outcome(host_ssh(input="echo hello\n")) == refused
    assert outcome(running.shell("docker ps")) == refused
    assert running.ctl("stop").stdout.startswith(f"{NAME}  stopped since 2")
    assert running.ctl("resume", NAME).stdout == f"resumed {NAME}\n"
    assert outcome(host_ssh("echo hello")) == (0, "hello\n", "")


def test_the_gate_refuses_a_stopped_account_whatever_its_front_is(running: Host) -> None:
    running.ctl("stop", NAME, "--reason", "an incident")
    ours, theirs = socket.socketpair()
    sudo = ("sudo", "-n", "-C", "4", "-u", "rshell-docker", "--", layout.GATE)
    shell = (*become(NAME), "sh", "-c", 'exec "$@" 3<&0 </dev/null', "sh", *sudo)
    with ours, theirs:
        done = subprocess.run(shell, env=ENVIRONMENT, stdin=theirs, capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (78, b"")
        assert b"the operator has stopped this account" in ours.recv(65536)


def test_what_does_not_want_to_end_and_starts_anew_is_ended_too(running: Host) -> None:
    with started((*become(NAME), "sh", "-c", STUBBORN)) as stubborn:
        wait_until(lambda: len(running.processes()) >= 3, 30, "its processes")
        said = running.ctl("stop", NAME).stdout
        assert stubborn.wait(10) == -signal.SIGKILL
    running.wait_idle()
    assert said.startswith(f"stopped {NAME}: ")


def test_stop_ends_nobody_else(running: Host, host_ssh: Client) -> None:
    with started((*become("nobody"), "sleep", "3000")) as other, started(host_ssh.argv("sleep 3000")) as idle:
        wait_until(running.processes, 30, "the session")
        running.ctl("stop", NAME)
        assert idle.wait(10) != 0
        assert other.poll() is None


def test_without_a_reason_the_account_is_told_that_there_is_none(running: Host, host_ssh: Client) -> None:
    running.ctl("stop", NAME)
    assert outcome(host_ssh("true")) == (78, "", STOPPED.format("no reason was given"))


def test_only_root_stops_and_resumes(running: Host) -> None:
    told = "rshellctl: nothing was changed: this needs root, use sudo\n"
    for words in (("stop", "nobody"), ("resume", NAME)):
        assert outcome(running.run(layout.CTL, *words)) == (1, "", told)
    assert not (Path(layout.STOPPED) / str(65534)).exists()


# -- log ----------------------------------------------------------------------------------------


def test_the_log_shows_what_the_gate_recorded(running: Host, host_ssh: Client, talker: str) -> None:
    line = "docker inspect -f '{{.Name}}' talker"
    assert host_ssh(line).returncode == 0
    row = shown(running, "--user", NAME, "--verdict", "allow")[-1]
    assert {name: row[name] for name in ("raw", "user", "source", "status", "attested", "identity")} == {
        "raw": line, "user": NAME, "source": "127.0.0.1", "status": 0, "attested": True, "identity": "rshell-docker",
    }  # fmt: skip
    table = running.ctl("log", "-n", "1").stdout.splitlines()
    assert (table[0].split()[0], table[1].rpartition("  ")[2]) == ("TIME", line)


def test_the_log_goes_on_over_a_rotation(running: Host, host_ssh: Client, talker: str) -> None:
    with started((layout.CTL, "log", "-f", "--json", "-n", "1")) as follower:
        assert follower.stdout
        host_ssh("docker inspect -f 1 talker")
        lines = [follower.stdout.readline()]
        while '"docker inspect -f 1 talker"' not in lines[-1] or '"ended": null' in lines[-1]:
            lines.append(follower.stdout.readline())
        rotate()
        host_ssh("docker inspect -f 2 talker")
        while '"docker inspect -f 2 talker"' not in lines[-1] or '"ended": null' in lines[-1]:
            lines.append(follower.stdout.readline())
        follower.send_signal(signal.SIGINT)
        assert follower.wait(10) == 0
    assert all(json.loads(line)["v"] == 1 for line in lines)
    raws = [row.get("raw") for row in shown(running)]
    assert [raws.count(f"docker inspect -f {number} talker") for number in (1, 2)] == [1, 1]


def rotate() -> None:
    """What logrotate does with the gate's file."""
    file = Path(layout.LOGS) / "audit.jsonl"
    file.rename(file.with_name("audit.jsonl.1"))
    run("install", "-m", "660", "-g", layout.GROUP, "/dev/null", file)


def test_the_gate_s_records_are_for_root_to_read(running: Host) -> None:
    done = running.run(layout.CTL, "log")
    file = f"{layout.LOGS}/audit.jsonl"
    assert outcome(done) == (1, "", f"rshellctl: {file} is for root to read: use sudo\n")


SEND = """
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
    to.sendto(b"<86>rshell[1]: " + sys.argv[1].encode(), "/run/systemd/journal/dev-log")
"""


def test_the_journal_tells_a_forged_record_from_an_honest_one(running: Host, journal: Journal) -> None:
    """Whoever runs as the account may send what it likes; the kernel says who sent it."""
    common = {
        "v": 1, "event": "builtin", "uid": running.uid, "user": NAME, "pid": 1, "session": "forged", "verdict": "allow",
    }  # fmt: skip
    sent = {
        "own": {"witness": "self"}, "root's": {"witness": "self", "uid": 0, "user": "root"},
        "gate's": {"witness": "gate"}, "renamed": {"witness": "self", "user": "root"},
    }  # fmt: skip
    for number, (raw, changes) in enumerate(sent.items()):
        record = {**common, "time": f"2026-11-23T10:00:0{number}.000000Z", "raw": raw, **changes}
        running.run("python3", "-c", SEND, json.dumps(record))
    run("python3", "-c", SEND, json.dumps({**common, "time": "2026-11-23T10:00:09.000000Z", "raw": "of the gate",
                                           "witness": "gate"}))  # fmt: skip
    run("journalctl", "--sync")
    rows = shown(running, "--session", "forged")
    assert {row["raw"]: row["attested"] for row in rows} == {
        "own": True, "root's": False, "gate's": False, "renamed": False, "of the gate": True,
    }  # fmt: skip
    table = running.ctl("log", "--session", "forged", "-n", "all").stdout
    assert [line.rpartition("  ")[2] for line in table.splitlines()[1:]] == [
        "own", "forged? root's", "forged? gate's", "forged? renamed", "of the gate",
    ]  # fmt: skip


# -- apply and rollback ----------------------------------------------------------------------------


def test_a_policy_is_applied_to_the_next_line_and_taken_back(
    running: Host, host_ssh: Client, installed: Installed, base: Path, talker: str
) -> None:
    line = "docker inspect -f '{{.Name}}' talker"
    other = base / "never.yaml"
    other.write_text(policy().replace("never: [] ", "never: [docker inspect] ").replace(
        "      - docker inspect --format", "      - true # docker inspect --format"
    ))  # fmt: skip
    said = running.ctl("apply", other, check=False)
    assert (said.returncode, said.stderr) == (
        2, "rshellctl: nothing was changed: without a terminal to ask at, --yes is needed\n",
    )  # fmt: skip
    assert "+ never    docker inspect\n" in said.stdout
    assert "- refused  ai-worker  docker inspect" in said.stdout
    assert host_ssh(line).returncode == 0
    running.ctl("apply", "--yes", other)
    assert host_ssh(line).returncode == 126
    running.ctl("rollback", "--yes")
    assert outcome(host_ssh(line)) == (0, "/talker\n", "")
    done = [row["message"].partition(",")[0] for row in shown(running) if row.get("name") == "apply"][-2:]
    assert done == [f"applied {other}", f"applied policy {done[-1].rpartition(' ')[2]}"]


def test_a_full_disk_leaves_the_policy_that_was_in_force(
    running: Host, host_ssh: Client, base: Path
) -> None:
    other = base / "other.yaml"
    other.write_text(policy() + "# another one\n")
    etc = Path(layout.ETC)
    files = {path.name: path.read_bytes() for path in etc.iterdir() if path.is_file()}
    run("mount", "-t", "tmpfs", "-o", "size=400k,mode=0755", "tmpfs", etc)
    try:
        for name, content in files.items():
            (etc / name).write_bytes(content)
            (etc / name).chmod(0o644)
        (etc / "docker").mkdir(mode=0o755)
        run("dd", "if=/dev/zero", f"of={etc / 'filler'}", "bs=4k", check=False)
        done = running.ctl("apply", "--yes", other, check=False)
        assert (done.returncode, (etc / "policy.yaml").read_bytes()) == (1, files["policy.yaml"])
        assert outcome(host_ssh("echo hello")) == (0, "hello\n", "")
    finally:
        run("umount", etc)
