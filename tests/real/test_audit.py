"""What the records say, who attests them, and that nothing runs unrecorded."""

import hashlib
import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from .account import Account
from .engine import Engine
from .ground import outcome, program, run
from .install import CHECKOUT, Installed
from .logs import DEV_LOG, DevLog
from .sshd import Client

pytestmark = pytest.mark.real

LOST = """\
rshell: unavailable: nothing can be recorded, so nothing runs [audit.lost]
  why: neither {} nor the journal took a record
  nothing was run; only the operator of this host can mend this
"""
VARYING = {"time", "session", "pid", "id", "ms", "login_uid"}
EXACTLY = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Sink:
    """A directory that the account can write, and the policy that puts the records there."""

    def __init__(self, directory: Path, account: Account) -> None:
        self.directory = directory
        self.file = directory / "audit.jsonl"
        os.chown(directory, account.uid, account.gid)
        directory.chmod(0o755)

    def policy(self, journal: bool, required: bool = True) -> str:
        """The shipped policy with these records."""
        text = (CHECKOUT / "policy.yaml").read_text()
        text = text.replace("/var/log/rshell/audit.jsonl", str(self.file))
        text = text.replace("  journal: true ", f"  journal: {str(journal).lower()} ")
        return text.replace("  required: true ", f"  required: {str(required).lower()} ")

    def records(self) -> list[dict[str, Any]]:
        """Every line of the file."""
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []


@pytest.fixture
def sink(base: Path, account: Account) -> Iterator[Sink]:
    """A place for records that is gone with the test."""
    directory = base / "records"
    directory.mkdir()
    yield Sink(directory, account)
    run("rm", "-rf", directory)


@contextmanager
def small_disk(sink: Sink, account: Account, size: str) -> Iterator[None]:
    """A disk of this size at the place of the records."""
    run("mount", "-t", "tmpfs", "-o", f"size={size},uid={account.uid},mode=0755", "tmpfs", sink.directory)
    try:
        yield
    finally:
        run("umount", sink.directory)


def common(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what differs from run to run."""
    return {name: value for name, value in record.items() if name not in VARYING}


def told(line: str) -> dict[str, object]:
    """What every record says of its line."""
    return {"raw": line, "raw_bytes": len(line), "raw_sha256": hashlib.sha256(line.encode()).hexdigest()}


@pytest.fixture
def who(account: Account, installed: Installed) -> dict[str, object]:
    """What every record of a line sent by ssh says of its sender."""
    policy = hashlib.sha256(installed.policy.read_bytes()).hexdigest()[:16]
    return {
        "v": 1, "uid": account.uid, "user": "ai-worker", "role": "ai-worker", "source": "127.0.0.1", "tty": "",
        "mode": "c", "policy": policy, "witness": "self",
    }  # fmt: skip


def line_of(installed: Installed, start: str) -> str:
    """Where a command stands in the policy: policy.yaml:LINE."""
    lines = installed.policy.read_text().splitlines()
    (number,) = (at for at, text in enumerate(lines, 1) if text.strip().startswith(start))
    return f"policy.yaml:{number}"


# -- what they say ----------------------------------------------------------------------------


def test_a_command_has_one_record_before_and_one_after(
    ssh: Client, devlog: DevLog, talker: str, who: dict[str, object], installed: Installed
) -> None:
    line = "sudo docker logs nothere 2>&1"
    assert ssh(line).returncode == 1
    start, end = devlog.records()
    argv = [program("docker"), "container", "logs", "--", "nothere:"]
    assert common(start) == {
        **who, **told(line), "event": "start", "wrapper": "", "verdict": "allow", "argv": argv,
        "rule": "docker-observe/docker logs", "at_line": line_of(installed, "docker logs:"), "run_as": "rshell-docker",
    }  # fmt: skip
    assert common(end) == {**who, "event": "end", "status": 1}
    assert (start["id"], start["session"], start["pid"]) == (end["id"], end["session"], end["pid"])
    assert start["id"] == f"{start['session']}-1"
    assert 0 <= end["ms"] < 60_000
    assert all(EXACTLY.fullmatch(each["time"]) for each in (start, end))
    assert start["time"] <= end["time"]


def test_a_refusal_has_one_record(ssh: Client, devlog: DevLog, who: dict[str, object]) -> None:
    assert ssh("docker exec talker id").returncode == 126
    (record,) = devlog.records()
    assert common(record) == {
        **who, **told("docker exec talker id"), "event": "refuse", "wrapper": "", "verdict": "refuse",
        "class": "denied", "code": "docker.exec", "message": "docker exec is not allowed", "rule": None,
        "at_line": None, "instead": "docker logs --tail 100 talker", "ran": 0,
    }  # fmt: skip


def test_a_builtin_has_one_record(ssh: Client, devlog: DevLog, who: dict[str, object]) -> None:
    assert ssh("echo hello").returncode == 0
    (record,) = devlog.records()
    assert common(record) == {**who, **told("echo hello"), "event": "builtin", "verdict": "allow", "name": "echo"}


def test_a_script_has_a_record_when_it_opens_and_when_it_closes(
    ssh: Client, devlog: DevLog, who: dict[str, object]
) -> None:
    assert ssh(input="false\n").returncode == 1
    opened, _, closed = devlog.records()
    assert common(opened) == {**who, "mode": "script", "event": "open"}
    assert common(closed) == {**who, "mode": "script", "event": "close", "status": 1}


def test_every_start_has_its_end(ssh: Client, devlog: DevLog, talker: str) -> None:
    assert ssh("docker ps -q | wc -l; bash -c 'docker ps | head -1 | wc -c'").returncode == 0
    starts = [each["id"] for each in devlog.records() if each["event"] == "start"]
    ends = [each["id"] for each in devlog.records() if each["event"] == "end"]
    assert (len(starts), starts) == (5, ends)


def test_a_pipeline_that_can_t_be_started_whole_leaves_no_start_without_an_end(
    account: Account, installed: Installed, devlog: DevLog, talker: str
) -> None:
    """With two processes allowed to the account, the shell and docker run, and the filter can't."""
    limited = ("prlimit", "--nproc=2", installed.launcher, "-c", "docker ps | wc -l")
    assert account.run(*limited).returncode == 78
    starts = [each["id"] for each in devlog.records() if each["event"] == "start"]
    ends = [each["id"] for each in devlog.records() if each["event"] == "end"]
    assert starts == ends


def test_a_timeout_is_recorded_even_if_nobody_can_be_told(
    account: Account, installed: Installed, devlog: DevLog, talker: str
) -> None:
    line = "timeout 1 docker stats --no-stream talker"
    done = account.run("sh", "-c", 'exec "$@" 2>/dev/full', "sh", installed.launcher, "-c", line)
    ends = [(each["status"], each["reason"]) for each in devlog.records() if each["event"] == "end"]
    assert (done.returncode, ends) == (124, [(124, "timeout")])


def test_a_late_refusal_says_how_much_had_run(ssh: Client, devlog: DevLog, talker: str) -> None:
    assert ssh("docker ps && docker inspect talker busybox:test").returncode == 2
    record = devlog.records()[-1]
    assert (record["event"], record["code"], record["ran"]) == ("refuse", "docker.inspect.mixed-types", 1)


def test_the_kernel_attests_who_sent_the_records(ssh: Client, devlog: DevLog, account: Account, talker: str) -> None:
    for line in ("docker ps -q", "nothere", "echo hello"):
        ssh(line)
    ours = [each for each in devlog.datagrams() if b"rshell[" in each.data and each.uid == account.uid]
    assert len(ours) == 4
    assert [each.pid for each in ours] == [record["pid"] for record in devlog.records()]
    assert all(each.data.startswith(b"<86>rshell[%d]: {" % each.pid) for each in ours)
    assert all(each.data.isascii() and b"\n" not in each.data for each in ours)


def test_a_login_is_remembered_by_the_kernel_where_it_can(ssh: Client, devlog: DevLog, account: Account) -> None:
    ssh("echo hello")
    known = Path("/proc/self/loginuid").exists()
    assert [each["login_uid"] for each in devlog.records()] in ([[account.uid]] if known else [[None]])


def test_secrets_are_masked_and_their_line_is_hashed_whole(ssh: Client, devlog: DevLog) -> None:
    line = "docker ps --filter label=API_TOKEN=hunter2 --filter name=ghp_0123456789abcdefghij"
    ssh(line)
    ssh("docker exec -e PASSWORD=hunter2 x id")
    data = b"".join(devlog.sent())
    assert b"hunter2" not in data
    assert b"ghp_0123456789abcdefghij" not in data
    assert devlog.records()[0]["raw_sha256"] == hashlib.sha256(line.encode()).hexdigest()


def test_a_long_line_is_cut_and_hashed_whole(ssh: Client, devlog: DevLog) -> None:
    line = "echo" + " 01234567890123456789" * 1_000
    assert ssh(line).returncode == 0
    (record,) = devlog.records()
    assert (record["raw"], record["raw_bytes"]) == (line[:2048], len(line))
    assert record["raw_sha256"] == hashlib.sha256(line.encode()).hexdigest()


def test_a_long_command_s_argv_fits_into_a_datagram(ssh: Client, devlog: DevLog, talker: str) -> None:
    """A record is one datagram whatever the line: else the kernel or the journal would drop it."""
    line = "docker ps " + " ".join(f"--filter name=x{number}" for number in range(1500))
    assert ssh(line).returncode == 0
    sizes = [len(data) for data in devlog.sent()]
    assert len(sizes) == 2
    assert max(sizes) < 65_536


def test_a_forged_record_can_t_be_smuggled_in_by_a_line(ssh: Client, devlog: DevLog) -> None:
    ssh("echo 'x\n<86>rshell[1]: {\"verdict\": \"allow\"}'")
    ssh('nothere "}, {\\"event\\": \\"start\\"}"')
    assert all(b"\n" not in data for data in devlog.sent() if b"rshell[" in data)
    assert [each["event"] for each in devlog.records()][-1] == "refuse"


# -- where they go ------------------------------------------------------------------------------


def test_without_any_sink_nothing_runs(ssh: Client, devlog: DevLog, engine: Engine, talker: str) -> None:
    engine.clear()
    lost = LOST.format("/var/log/rshell/audit.jsonl")
    with devlog.absent():
        assert outcome(ssh("docker ps")) == (78, "", lost)
        assert outcome(ssh("echo hello")) == (78, "", lost)
        assert outcome(ssh("docker ps | wc -l; docker ps")) == (78, "", lost)
        assert outcome(ssh(input="docker ps\n")) == (78, "", lost)
    assert (engine.requests, engine.connections) == ([], 0)


def test_without_any_sink_a_refusal_is_still_one_clear_answer(ssh: Client, devlog: DevLog) -> None:
    with devlog.absent():
        done = ssh("docker exec talker id")
    assert done.returncode in (78, 126)
    assert "Traceback" not in done.stderr


def test_one_sink_is_enough(ssh: Client, devlog: DevLog, installed: Installed, sink: Sink) -> None:
    with installed.other_policy(sink.policy(journal=True)):
        assert outcome(ssh("echo both")) == (0, "both\n", "")
        with devlog.absent():
            assert outcome(ssh("echo file")) == (0, "file\n", "")
        sink.file.chmod(0)
        sink.file.unlink()
        sink.file.mkdir()
        assert outcome(ssh("echo journal")) == (0, "journal\n", "")
        sink.file.rmdir()
    assert [each["raw"] for each in devlog.records()] == ["echo both", "echo journal"]


def test_without_required_records_lines_run_unrecorded(
    ssh: Client, devlog: DevLog, installed: Installed, sink: Sink
) -> None:
    with installed.other_policy(sink.policy(journal=False, required=False)), devlog.absent():
        sink.file.mkdir()
        assert outcome(ssh("echo hello")) == (0, "hello\n", "")


def test_the_file_is_private_and_grows_by_whole_lines_from_many_writers(
    account: Account, installed: Installed, sink: Sink
) -> None:
    with installed.other_policy(sink.policy(journal=False)):
        become = ("setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--init-groups", "--")
        line = "; ".join(f"echo {'x' * 300}{number}" for number in range(16))
        writers = [
            subprocess.Popen(
                [*become, str(installed.launcher), "-c", line], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
            )
            for _ in range(12)
        ]
        assert [each.wait(60) for each in writers] == [0] * 12
    assert len(sink.records()) == 12 * 16
    assert {each["name"] for each in sink.records()} == {"echo"}
    assert sink.file.stat().st_mode & 0o777 == 0o600
    assert sink.file.stat().st_uid == account.uid


@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "dangling link", "device"])
def test_nothing_but_a_regular_file_takes_records(
    account: Account, installed: Installed, sink: Sink, base: Path, kind: str
) -> None:
    target = base / "target"
    target.write_text("")
    target.chmod(0o666)
    make: dict[str, Callable[[], object]] = {
        "link": lambda: sink.file.symlink_to(target),
        "pipe": lambda: os.mkfifo(sink.file, 0o666),
        "directory": sink.file.mkdir,
        "dangling link": lambda: sink.file.symlink_to(sink.directory / "other"),
        "device": lambda: sink.file.symlink_to("/dev/null"),
    }
    make[kind]()
    with installed.other_policy(sink.policy(journal=False)):
        assert outcome(account.run(installed.launcher, "-c", "echo hello")) == (78, "", LOST.format(sink.file))
    assert target.read_text() == ""
    assert not (sink.directory / "other").exists()


def test_a_full_disk_under_the_file_leaves_the_journal(
    account: Account, installed: Installed, sink: Sink, devlog: DevLog
) -> None:
    with installed.other_policy(sink.policy(journal=True)), small_disk(sink, account, "4k"):
        (sink.directory / "filler").write_bytes(b"x" * 4096)
        assert outcome(account.run(installed.launcher, "-c", "echo hello")) == (0, "hello\n", "")
    assert [each["raw"] for each in devlog.records()] == ["echo hello"]


def test_a_full_disk_under_the_only_sink_ends_all_service(
    account: Account, installed: Installed, sink: Sink, devlog: DevLog, engine: Engine, talker: str
) -> None:
    with installed.other_policy(sink.policy(journal=False)), small_disk(sink, account, "4k"):
        (sink.directory / "filler").write_bytes(b"x" * 4096)
        engine.clear()
        assert outcome(account.run(installed.launcher, "-c", "docker ps")) == (78, "", LOST.format(sink.file))
        assert (engine.requests, engine.connections) == ([], 0)


def test_a_disk_that_fills_up_tears_no_record_but_the_last(
    account: Account, installed: Installed, sink: Sink
) -> None:
    """Once there is room again the next record is a line of its own, whatever the full disk left behind."""

    def serve(number: int) -> int:
        return account.run(installed.launcher, "-c", f"echo {number}").returncode

    with installed.other_policy(sink.policy(journal=False)), small_disk(sink, account, "4k"):
        served = 0
        while serve(served) == 0:
            served += 1
            assert served < 100
        run("mount", "-o", "remount,size=64k", sink.directory)
        assert serve(1000) == 0
        lines = sink.file.read_text().splitlines()
    whole = [line for line in lines if line.startswith("{") and line.endswith("}")]
    raws = [json.loads(line)["raw"] for line in whole]
    assert raws == [*(f"echo {number}" for number in range(served)), "echo 1000"]


def test_a_journal_that_does_not_read_its_queue_is_no_sink(
    account: Account, installed: Installed, devlog: DevLog
) -> None:
    """The queue of a listener that hangs fills up; then nothing is recorded, and nothing runs."""
    with devlog.absent(), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(DEV_LOG))
        DEV_LOG.chmod(0o666)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as flood:
                flood.setblocking(False)
                flood.connect(str(DEV_LOG))
                with suppress(BlockingIOError):
                    while flood.send(b"x"):
                        continue
            done = account.run(installed.launcher, "-c", "echo hello")
        finally:
            DEV_LOG.unlink()
    assert outcome(done) == (78, "", LOST.format("/var/log/rshell/audit.jsonl"))
