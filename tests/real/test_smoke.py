"""Each fixture alone: what the tests of a real host stand on."""

import os
import signal
import socket
from pathlib import Path

import pytest

from .account import Account
from .conftest import MakeSshd, OpenTerminal
from .engine import FRONT, Engine
from .fail2ban import Fail2ban
from .install import Installed
from .logs import DEV_LOG, DevLog, Journal
from .proxy import RequestReader
from .sshd import HOST, Client

pytestmark = pytest.mark.real


def test_engine_runs_a_container_and_its_logs_are_read(engine: Engine) -> None:
    detached = ("run", "--detach", "--network=none", "--name=talker", engine.image)
    engine.docker(*detached, "sh", "-c", "echo hello; sleep 60")
    assert engine.docker("logs", "talker").stdout == "hello\n"
    assert engine.docker("ps", "--format={{.Names}}").stdout == "talker\n"
    engine.clean()
    assert not engine.docker("ps", "--all", "--quiet").stdout


def test_engine_records_what_comes_by_the_usual_socket_only(engine: Engine, account: Account) -> None:
    engine.clear()
    engine.docker("ps")
    assert (engine.requests, engine.connections) == ([], 0)
    done = account.run("/usr/bin/docker", "ps", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert any(request.endswith("/containers/json") for request in engine.requests)
    assert FRONT.stat().st_mode & 0o777 == 0o660


def test_engine_passes_a_hijacked_stream_both_ways(engine: Engine, account: Account) -> None:
    command = ("/usr/bin/docker", "run", "--rm", "--interactive", "--network=none", engine.image, "wc", "-c")
    assert account.run(*command, input="x" * 100_000).stdout.strip() == "100000"


def test_engine_can_be_away(engine: Engine, account: Account) -> None:
    with engine.down():
        assert "Is the docker daemon running" in account.run("/usr/bin/docker", "ps").stderr
    assert account.run("/usr/bin/docker", "ps").returncode == 0


def test_request_lines_are_found_however_the_stream_is_cut() -> None:
    expected = ["HEAD /_ping", "POST /v1.41/build?t=a"]
    stream = b"".join(f"{line} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for line in expected) + b"\x00tar"
    for size in range(1, len(stream)):
        reader = RequestReader()
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert [line for piece in pieces for line in reader.feed(piece)] == expected


def test_the_installation_is_root_s_and_readable_by_all(installed: Installed, account: Account) -> None:
    for path in (installed.prefix, installed.launcher, installed.policy):
        for each in (path, *path.parents):
            assert each.stat().st_uid == 0
            assert not each.stat().st_mode & 0o022
    assert account.run("/usr/bin/test", "-x", installed.launcher).returncode == 0
    assert account.run("/usr/bin/test", "-w", installed.policy).returncode == 1


def test_ssh_runs_the_login_shell(ssh: Client) -> None:
    done = ssh("echo hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")
    assert ssh("false").returncode == 1


def test_ssh_takes_a_script_on_stdin(ssh: Client) -> None:
    assert ssh(input="echo one\necho two\n").stdout == "one\ntwo\n"


def test_force_command_is_the_launcher(forced_ssh: Client) -> None:
    assert forced_ssh("echo hello").stdout == "hello\n"


def test_another_sshd_takes_lines_and_a_match_block(sshd_with: MakeSshd, account: Account) -> None:
    server = sshd_with("LogLevel DEBUG", f"Match User {account.name}", "ForceCommand echo forced")
    assert server.client("true").stdout == "forced\n"


def test_ssh_in_a_terminal(tmux: OpenTerminal, ssh: Client) -> None:
    terminal = tmux(*ssh.argv("sleep 1; echo he''llo", tty=True), width=100, height=30)
    terminal.wait_for("hello")
    assert terminal.wait_exit() == 0


def test_terminal_types_pastes_resizes_and_tells_the_status(tmux: OpenTerminal) -> None:
    terminal = tmux("/bin/sh", width=60, height=10, env={"PS1": "ready> "})
    terminal.wait_for("ready>")
    terminal.type("stty size; echo $((20 + 1))", "Enter")
    assert "10 60" in terminal.wait_for("21")
    terminal.paste("echo pa''sted\n")
    terminal.wait_for("pasted")
    terminal.resize(70, 12)
    terminal.type("stty size", "Enter")
    terminal.wait_for("12 70")
    terminal.type("exit 3", "Enter")
    assert terminal.wait_exit() == 3
    killed = tmux("/bin/sh", "-c", "kill -TERM $$")
    assert killed.wait_exit() == 128 + signal.SIGTERM


def test_devlog_gets_records_with_the_sender_s_credentials(devlog: DevLog, account: Account) -> None:
    script = (
        "import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);"
        "s.connect('/dev/log'); s.send(b'<86>rshell[7]: {\"verdict\": \"refuse\"}');"
        "s.send(b'<86>other: text')"
    )
    assert account.run("/usr/bin/python3", "-c", script).returncode == 0
    assert devlog.records() == [{"verdict": "refuse"}]
    ours = [each for each in devlog.datagrams() if each.data.startswith((b"<86>rshell[7]", b"<86>other"))]
    assert [each.uid for each in ours] == [account.uid] * 2
    assert devlog.wait(lambda record: record["verdict"] == "refuse")
    devlog.clear()
    assert devlog.datagrams() == []


def test_devlog_never_makes_a_sender_wait(devlog: DevLog) -> None:
    devlog.senders = {os.getuid()}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(5)
        sender.connect(str(DEV_LOG))
        for number in range(2000):
            sender.send(b'<86>rshell[1]: {"n": %d}' % number)
    assert [record["n"] for record in devlog.records()] == list(range(2000))
    assert os.getpid() in {each.pid for each in devlog.datagrams()}


def test_journal_shows_the_kernel_and_a_unit(journal: Journal, account: Account) -> None:
    if journal.ours:
        journal.write("Accepted publickey for ai-worker", "sshd", unit="ssh.service")
        assert "Accepted publickey" in account.run("/usr/bin/journalctl", "-u", "ssh", "-n", "5").stdout
    assert journal.read("-t", "kernel", "-n", "2").stdout.count("\n") == 2
    assert account.run("/usr/bin/journalctl", "-t", "kernel", "-n", "2").returncode == 0


def test_fail2ban_has_a_jail_and_bans(fail2ban: Fail2ban, account: Account) -> None:
    fail2ban.ban("192.0.2.7")
    assert fail2ban.client("get", fail2ban.jail, "banned").stdout.strip() == "['192.0.2.7']"
    assert account.run("/usr/bin/fail2ban-client", "status").returncode != 0
    with fail2ban.shared(account.gid):
        assert "sshd" in account.run("/usr/bin/fail2ban-client", "status").stdout


def test_copying_tools_reach_the_server(ssh: Client, account: Account, tmp_path: Path) -> None:
    """With rshell these are refused: what counts here is that nothing hangs and nothing is copied."""
    source = tmp_path / "file"
    source.write_text("text")
    assert ssh.copy("scp", str(source), f"{HOST}:copied").returncode != 0
    assert ssh.copy("sftp", "-b", "-", HOST, input="pwd\n").returncode is not None
    assert ssh.rsync(str(source), f"{HOST}:copied").returncode != 0
    assert not (account.home / "copied").exists()
