"""What rshellctl install comes to on a real host: with its own useradd, visudo, sudo and sshd."""

import grp
import json
import os
import pwd
import subprocess
from pathlib import Path

import pytest

from rshell.ctl import pieces
from rshell.host import layout

from .ground import ENVIRONMENT, outcome, program, run, wait_until
from .host import NAME, NOTHING, Host
from .install import PREFIX
from .listing import described, differing, effective, listing
from .sshd import Client

pytestmark = pytest.mark.real



def test_an_installed_host_has_these_files_and_nobody_else_can_change_them(host: Host) -> None:
    docker, journal = pwd.getpwnam("rshell-docker"), pwd.getpwnam("rshell-journal")
    bot, shared = pwd.getpwnam(NAME), grp.getgrnam("rshell").gr_gid
    expected = {
        layout.LAUNCHER: (0o100755, 0, 0), layout.GATE: (0o100755, 0, 0), layout.CTL: (0o100755, 0, 0),
        layout.ETC: (0o40755, 0, 0), layout.POLICY: (0o100644, 0, 0), layout.POLICY + ".compiled": (0o100644, 0, 0),
        layout.DOCKER_CONFIG: (0o40755, 0, 0), layout.BUILDX_CONFIG: (0o40700, docker.pw_uid, docker.pw_gid),
        layout.STATE: (0o40755, 0, 0), layout.STOPPED: (0o40755, 0, 0), layout.SLOTS: (0o42770, 0, shared),
        layout.POLICIES: (0o40700, 0, 0), layout.USERS: (0o40755, 0, 0), layout.MANIFEST: (0o100600, 0, 0),
        f"{layout.USERS}/{bot.pw_uid}": (0o40700, bot.pw_uid, bot.pw_gid),
        layout.HOMES: (0o40755, 0, 0), f"{layout.HOMES}/{NAME}": (0o40755, 0, 0),
        f"{layout.HOMES}/{NAME}/.hushlogin": (0o100644, 0, 0),
        layout.LOGS: (0o40750, 0, shared), f"{layout.LOGS}/audit.jsonl": (0o100660, 0, shared),
        layout.SUDOERS: (0o100440, 0, 0), layout.KEYS: (0o40755, 0, 0), f"{layout.KEYS}/{NAME}": (0o100644, 0, 0),
        f"{layout.SSHD_DIRECTORY}/rshell-{NAME}.conf": (0o100644, 0, 0),
        layout.LOGROTATE: (0o100644, 0, 0), layout.LIMITS: (0o100644, 0, 0),
    }  # fmt: skip
    assert {path: described(Path(path))[:3] for path in expected} == expected
    assert os.listdir(f"{layout.HOMES}/{NAME}") == [".hushlogin"]
    assert journal.pw_uid not in (0, docker.pw_uid, bot.pw_uid)


def test_the_accounts_have_their_groups_and_no_way_in(host: Host) -> None:
    def groups(name: str) -> set[str]:
        primary = pwd.getpwnam(name).pw_gid
        return {each.gr_name for each in grp.getgrall() if name in each.gr_mem or each.gr_gid == primary}

    assert groups(NAME) == {NAME}
    assert groups("rshell-docker") == {"rshell-docker", "docker", "rshell"}
    assert groups("rshell-journal") == {"rshell-journal", "systemd-journal", "rshell"}
    shells = {name: pwd.getpwnam(name)[5:] for name in (NAME, "rshell-docker", "rshell-journal")}
    assert shells == {
        NAME: (f"{layout.HOMES}/{NAME}", layout.LAUNCHER),
        "rshell-docker": ("/nonexistent", "/usr/sbin/nologin"),
        "rshell-journal": ("/nonexistent", "/usr/sbin/nologin"),
    }
    assert {700 <= pwd.getpwnam(name).pw_uid < 800 for name in shells} == {True}  # no image's users have these
    shadow = dict(line.split(":")[:2] for line in Path("/etc/shadow").read_text().splitlines())
    assert {shadow[name] for name in shells} == {"*"}
    assert Path(layout.SHELLS).read_text().splitlines().count(layout.LAUNCHER) == 1


def test_the_launchers_are_isolated_and_start_from_the_installation(host: Host) -> None:
    first = f"#!{PREFIX}/bin/python -ISXutf8"
    for path in (layout.LAUNCHER, layout.GATE, layout.CTL):
        assert Path(path).read_text().splitlines()[0] == first
        assert repr(host.installed.library) in Path(path).read_text()
    assert host.ctl("--version").stdout.startswith("rshell ")
    hostile = {**ENVIRONMENT, "PYTHONPATH": "/nonexistent", "PYTHONHOME": "/nonexistent", "PYTHONSTARTUP": "/x"}
    assert run(layout.CTL, "--version", env=hostile).returncode == 0


def test_ssh_runs_the_shell_with_the_key_and_forwards_nothing(host: Host, host_ssh: Client) -> None:
    assert outcome(host_ssh("echo hello"))[:2] == (0, "hello\n")
    assert host_ssh("id").returncode == 127
    refused = host_ssh("true", options=("-o", "ExitOnForwardFailure=yes", "-R", "12345:127.0.0.1:22"))
    assert refused.returncode == 255
    assert host_ssh.copy("sftp", "-b", "-", "box", input="pwd\n").returncode != 0


def test_sshd_of_this_host_does_the_same_and_root_logs_in_as_before(host: Host) -> None:
    lines = effective(NAME)
    wanted = [line.strip() for line in pieces.sshd(NAME).splitlines() if line.startswith("    ") and "#" not in line]
    lowered = [f"{key.lower()} {value}" for key, value in (line.split(maxsplit=1) for line in wanted)]
    assert [line for line in lowered if line not in lines] == []
    assert "forcecommand none" in effective("root")


def test_sudo_lets_the_account_run_the_gate_and_nothing_else(host: Host) -> None:
    listed = run(program("sudo"), "-n", "-l", "-U", NAME).stdout.splitlines()[-1].strip()
    assert listed == f'(rshell-docker, rshell-journal, root) NOPASSWD: {layout.GATE} ""'
    for words in (("id",), ("-u", "rshell-docker", "id"), (layout.GATE, "x"), ("-g", "docker", layout.GATE)):
        done = host.run(program("sudo"), "-n", *words)
        assert (done.returncode, done.stderr) == (1, "sudo: a password is required\n")
    for words in (("-u", "rshell-docker", "-g", "root"), ("-D", "/", "-u", "root"), ("-E",), ("A=B",)):
        assert host.run(program("sudo"), "-n", *words, layout.GATE).returncode == 1


def test_a_command_goes_through_the_gate_as_its_identity(host: Host) -> None:
    done = host.shell("journalctl -u ssh -n 1")
    assert not done.stderr.startswith("rshell:")
    records = [json.loads(line) for line in Path(f"{layout.LOGS}/audit.jsonl").read_text().splitlines()]
    assert {(each["event"], each["user"], each["identity"]) for each in records} == {
        ("start", NAME, "rshell-journal"), ("end", NAME, "rshell-journal")
    }  # fmt: skip


def test_a_second_run_changes_nothing(host: Host) -> None:
    before = listing()
    assert host.install().stdout == NOTHING
    assert host.ctl("install").stdout == NOTHING
    assert differing(before, listing()) == set()


def test_what_was_changed_by_hand_is_mended_and_nothing_else_is_touched(host: Host) -> None:
    before = listing()
    Path(layout.SUDOERS).unlink()
    Path(layout.LAUNCHER).write_text("#!/bin/sh\n")
    Path(layout.LOGS).chmod(0o777)
    run(program("usermod"), "--groups", "docker", "--shell", "/bin/sh", NAME)
    done = host.ctl("install")
    assert done.stdout.splitlines()[-1] == "5 steps done"
    assert differing(before, listing()) == set()
    assert pwd.getpwnam(NAME).pw_shell == layout.LAUNCHER


def test_a_dry_run_of_uninstall_changes_nothing(host: Host) -> None:
    before = listing()
    lines = host.ctl("uninstall", "--dry-run").stdout.splitlines()
    assert lines[-1] == "nothing was changed"
    assert f"would     remove file {layout.SUDOERS}" in lines
    assert differing(before, listing()) == set()


def test_rotated_records_stay_and_the_new_file_can_be_appended_to(host: Host, base: Path) -> None:
    records = Path(layout.LOGS, "audit.jsonl")
    host.shell("journalctl -u ssh -n 1")
    before = records.read_text()
    assert before
    run(program("logrotate"), "--force", "--state", base / "logrotate-state", layout.LOGROTATE)
    assert Path(layout.LOGS, "audit.jsonl.1").read_text() == before
    assert described(records)[:3] == (0o100660, 0, grp.getgrnam(layout.GROUP).gr_gid)
    assert records.read_text() == ""
    host.shell("journalctl -u ssh -n 1")
    events = [json.loads(line)["event"] for line in records.read_text().splitlines()]
    assert events == ["start", "end"]


def test_the_account_can_not_fill_the_table_of_processes(host: Host, host_ssh: Client) -> None:
    """What pam_limits gave the session is seen on its own sshd's child."""
    with subprocess.Popen(host_ssh.argv("sleep 20"), stdin=subprocess.DEVNULL) as session:
        try:
            pid = wait_until(host.processes, 30, "the session")[0]
            limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
            assert [line.split()[2:4] for line in limits if line.startswith("Max processes")] == [["512", "512"]]
        finally:
            session.terminate()
    host.wait_idle()
