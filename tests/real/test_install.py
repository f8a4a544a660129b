"""rshellctl install and uninstall on a real host: with its own useradd, visudo, sudo and sshd."""

import grp
import hashlib
import json
import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rshell.ctl import pieces
from rshell.host import layout

from .ground import ENVIRONMENT, LOGS, Server, outcome, program, run
from .host import NAME, Host, policy
from .install import PREFIX, Installed
from .sshd import Client

pytestmark = pytest.mark.real

PLACES = ("/etc", "/usr/local", "/var/lib", "/var/log", "/home")
OTHERS = ("apt", "dpkg", "systemd", "wtmp", "lastlog", "faillog", "btmp", "rshell-test-", "journal")
NOTHING = "nothing to do: all is as it should be\n"
Entry = tuple[int, int, int, str]


def listing() -> dict[str, Entry]:
    """Everything below the places that install writes to: mode, owner, group, and what is in it."""
    found = {}
    for place in PLACES:
        for directory, names, files in os.walk(place):
            names[:] = [name for name in names if not name.startswith(OTHERS)]
            for path in (Path(directory, name) for name in (*names, *files) if not name.startswith(OTHERS)):
                found[str(path)] = described(path)
    return found


def described(path: Path) -> Entry:
    status = path.lstat()
    content = ""
    if stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(status.st_mode) and status.st_size < 2**20:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    return status.st_mode, status.st_uid, status.st_gid, content


def differing(before: dict[str, Entry], after: dict[str, Entry], *allowed: str) -> set[str]:
    """The paths that differ, but for the backups that useradd makes (/etc/passwd-)."""
    paths = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return {path for path in paths if not path.endswith("-") and not path.startswith(allowed or "\0")}


def accounts() -> set[tuple[str, ...]]:
    """Every account and group, with what it is; uids and gids by name, since new ones may be others."""
    users = {(e.pw_name, e.pw_dir, e.pw_shell, e.pw_gecos) for e in pwd.getpwall()}
    return {*users, *((each.gr_name, *sorted(each.gr_mem)) for each in grp.getgrall())}


def effective(user: str) -> list[str]:
    """What sshd of this host does with a user."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    return run(program("sshd"), "-T", "-C", f"user={user},host=localhost,addr=127.0.0.1").stdout.splitlines()


@contextmanager
def operator(name: str, *options: str) -> Iterator[str]:
    """An account that was here before us."""
    run(program("useradd"), "--create-home", "--shell", "/bin/sh", "--password", "$6$not$real", *options, name)
    try:
        yield name
    finally:
        run(program("userdel"), "--force", "--remove", name, check=False)


# -- what it comes to ----------------------------------------------------------------------------


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


# -- again, partly, not at all -------------------------------------------------------------------


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


def test_a_dry_run_shows_every_step_and_changes_nothing(fresh: Host) -> None:
    before, people = listing(), accounts()
    done = fresh.install("--dry-run")
    assert differing(before, listing()) == set()
    assert accounts() == people
    lines = done.stdout.splitlines()
    assert lines[-1] == "nothing was changed"
    assert {line[:10].rstrip() for line in lines[:-1]} == {"would", "as it is"}
    assert [line for line in lines if layout.SUDOERS in line] == [
        f"would     {layout.SUDOERS}: the gate and nothing else"
    ]  # fmt: skip
    fresh.install()
    again = fresh.install("--dry-run").stdout.splitlines()
    assert {line[:10].rstrip() for line in again[:-1]} == {"as it is"}
    assert len(again) == len(lines)


KILLED_AFTER = """
import os, sys
sys.argv[:] = ["rshellctl", *sys.argv[3:]]
from rshell.ctl import install
from rshell.ctl.main import main
from rshell.ctl.setup.manifest import Manifest
at, moment = {at}, "{moment}"
note, seen = Manifest.note, []
def counted(self, *words):
    seen.append(words)
    if moment == "before" and len(seen) == at:
        os._exit(137)
    if moment == "between" and len(seen) == at:
        note(self, *words)
        os._exit(137)
    note(self, *words)
Manifest.note = counted
sys.exit(main())
"""


def test_killed_at_any_step_it_can_be_run_again_and_taken_back(fresh: Host) -> None:
    """Before a step is remembered, and between that and the step itself: nothing is half done or forgotten."""
    before, people = listing(), accounts()
    words = ("install", "--user", NAME, "--policy", fresh.policy, "--key", fresh.keys.client.with_suffix(".pub"))
    for at in range(1, 100):
        ended = {}
        for moment in ("before", "between"):
            script = KILLED_AFTER.format(at=at, moment=moment)
            done = run(PREFIX / "bin/python", "-I", "-c", script, "x", "y", *words, check=False)
            ended[moment] = done.returncode
            if at % 9 == 1:  # all together they would take minutes
                fresh.install()
                assert fresh.install().stdout == NOTHING
                fresh.ctl("uninstall")
                assert differing(before, listing()) == set()
                assert accounts() == people
        if ended == {"before": 0, "between": 0}:
            break
    assert at > 30
    fresh.ctl("uninstall")
    assert differing(before, listing()) == set()
    assert accounts() == people


# -- who is refused ------------------------------------------------------------------------------


def refusal(fresh: Host, *words: str | Path, **environment: str) -> str:
    """What install says first; it changes nothing."""
    before, people = listing(), accounts()
    argv = (PREFIX / "bin/rshellctl", "install", *words)
    done = run(*argv, env={**ENVIRONMENT, **environment}, check=False)
    assert done.returncode in (1, 2, 78), done.stdout
    assert done.stdout == ""
    assert differing(before, listing()) == set()
    assert accounts() == people
    return done.stderr.partition("\n")[0].removeprefix("rshellctl: ")


def with_role(fresh: Host, name: str) -> tuple[str, Path]:
    """The words for an account that the policy gives a role."""
    fresh.policy.write_text(policy(name))
    return "--policy", fresh.policy


def test_root_the_caller_operators_and_system_accounts_are_refused(fresh: Host) -> None:
    assert refusal(fresh, "--user", "root", *with_role(fresh, "root")) == (
        "root runs commands for others: name another account: --user NAME"
    )  # fmt: skip
    with operator("rshell-toor", "--non-unique", "--uid", "0") as name:
        assert refusal(fresh, "--user", name, *with_role(fresh, name)) == f"{name} is root"
    with operator("rshell-alice") as name:
        uid = str(pwd.getpwnam(name).pw_uid)
        said = refusal(fresh, "--user", name, *with_role(fresh, name), SUDO_UID=uid)
        assert said == f"{name} is your own account: you could not log in any more"
    with operator("rshell-alice", "--groups", "sudo") as name:
        said = refusal(fresh, "--user", name, *with_role(fresh, name))
        assert said == f"{name} is an operator: in group sudo"
    assert refusal(fresh, "--user", "daemon", *with_role(fresh, "daemon")) == (
        "daemon is an account of the system (uid 1)"
    )  # fmt: skip


def test_an_account_with_processes_or_a_crontab_is_refused(fresh: Host, logs: Path) -> None:
    with operator("rshell-alice") as name:
        asleep = (program("setpriv"), f"--reuid={name}", "--clear-groups", "--", "/bin/sleep", "100")
        server = Server("sleeper", asleep, logs / "sleeper")
        try:
            server.wait_ready(lambda: Path(f"/proc/{server.pid}").stat().st_uid == pwd.getpwnam(name).pw_uid)
            said = refusal(fresh, "--user", name, *with_role(fresh, name))
            assert said == f"{name} has 1 processes: what runs keeps what it had"
        finally:
            server.stop()
            LOGS.pop("sleeper")


def test_a_user_without_a_role_a_hostile_name_and_an_identity_are_refused(fresh: Host) -> None:
    assert refusal(fresh, "--user", "rshell-nobody") == (
        "the policy (the one that ships) gives rshell-nobody no role: all would be refused"
    )  # fmt: skip
    assert refusal(fresh, "--user", "ALL") == "not the plain name of an account: 'ALL'"
    assert refusal(fresh, "--user", "rshell-docker").startswith("rshell-docker runs commands for others")


def test_what_is_no_public_key_is_refused(fresh: Host, base: Path) -> None:
    private = fresh.keys.client
    assert refusal(fresh, "--key", private).startswith(f"{private} is a private key")
    wrong = base / "wrong.pub"
    wrong.write_text("ssh-ed25519 AAAA\n")
    assert refusal(fresh, "--key", wrong) == f"{wrong}: this is no public key: 'ssh-ed25519 AAAA'..."
    wrong.write_text("# nothing\n")
    assert refusal(fresh, "--key", wrong) == f"{wrong}: no key in it"


def test_a_policy_with_errors_is_refused(fresh: Host, base: Path) -> None:
    wrong = base / "wrong.yaml"
    wrong.write_text("version: 1\n")
    assert refusal(fresh, "--policy", wrong).startswith(f"{wrong}:1:1: ")


def test_an_installation_that_others_can_change_is_refused_with_the_way_to_another(fresh: Host) -> None:
    module = Path(fresh.installed.library) / "yaml/__init__.py"
    mode = module.stat().st_mode & 0o7777
    for place, wrong in ((module, 0o666), (PREFIX, 0o775), (PREFIX / "bin", 0o757)):
        mode = place.stat().st_mode & 0o7777
        place.chmod(wrong)
        try:
            done = fresh.installed.ctl("install", check=False)
        finally:
            place.chmod(mode)
        assert (done.returncode, done.stdout) == (78, "")
        assert done.stderr.startswith("rshellctl: not from here: ")
        assert "  /usr/bin/python3 -m venv /opt/rshell\n  /opt/rshell/bin/pip install rshell-login==" in done.stderr


def test_only_root_installs(fresh: Host) -> None:
    done = run(program("setpriv"), "--reuid=65534", "--clear-groups", PREFIX / "bin/rshellctl", "install", check=False)
    assert outcome(done) == (1, "", "rshellctl: install changes this host: sudo rshellctl install\n")


# -- what others take ----------------------------------------------------------------------------


def broken(fresh: Host, change: str) -> subprocess.CompletedProcess[str]:
    """Install with a text that is changed on its way."""
    key = fresh.keys.client.with_suffix(".pub")
    words = ["rshellctl", "install", "--user", NAME, "--policy", str(fresh.policy), "--key", str(key)]
    script = f"import sys\nsys.argv[:] = {words!r}\nfrom rshell.ctl import pieces\n{change}\n"
    script += "from rshell.ctl.main import main\nsys.exit(main())\n"
    return run(PREFIX / "bin/python", "-I", "-c", script, check=False)


def test_a_sudoers_text_that_visudo_refuses_never_gets_in_place(fresh: Host) -> None:
    done = broken(fresh, "pieces.sudoers = lambda users, identities: 'ai-worker ALL=(root) oops\\n'")
    assert done.returncode == 1
    assert f"{layout.SUDOERS} is as it was" in done.stderr
    assert not Path(layout.SUDOERS).exists()
    assert not any(Path(layout.SUDOERS).parent.glob(".rshell*"))
    assert pwd.getpwnam(NAME).pw_shell == "/usr/sbin/nologin"  # closed until all else is in place
    fresh.install()
    assert Path(layout.SUDOERS).exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Match User rshell-bot\\n    Oops yes\\n", "sshd does not take the block of rshell-bot"),
        ("Match User rshell-bot\\n    ForceCommand /bin/true\\nMatch all\\n    ForceCommand /bin/true\\n", "root logs in"),
    ],
)
def test_an_sshd_text_that_is_wrong_or_touches_others_never_stays_in_place(fresh: Host, text: str, said: str) -> None:
    before = [path for path in listing() if path.startswith("/etc/ssh/sshd")]
    done = broken(fresh, f"pieces.sshd = lambda user: '{text}'")
    assert done.returncode == 1
    assert said in done.stderr
    assert [path for path in listing() if path.startswith("/etc/ssh/sshd")] == before
    assert "forcecommand none" in effective("root")
    assert pwd.getpwnam(NAME).pw_shell == "/usr/sbin/nologin"


def test_a_block_that_another_one_wins_over_is_taken_back(fresh: Host) -> None:
    other = Path(layout.SSHD_DIRECTORY, "00-rshell-test.conf")
    other.write_text("Match User *\n    AllowTcpForwarding yes\n")
    try:
        done = fresh.install(check=False)
    finally:
        other.unlink()
    assert done.returncode == 1
    assert "wins over `allowtcpforwarding no`" in done.stderr
    assert not Path(layout.SSHD_DIRECTORY, f"rshell-{NAME}.conf").exists()


def test_without_an_include_the_block_goes_to_the_end_of_sshd_config_and_comes_out_again(fresh: Host) -> None:
    main = Path(layout.SSHD_CONFIG)
    text = "".join(line for line in main.read_text().splitlines(True) if not line.startswith("Include"))
    main.write_text(text)
    fresh.install()
    assert main.read_text().startswith(text)
    assert pieces.sshd(NAME) in main.read_text()
    assert f"forcecommand {layout.LAUNCHER}" in effective(NAME)
    assert fresh.install().stdout == NOTHING
    fresh.ctl("uninstall")
    assert main.read_text() == text


# -- the other boundary --------------------------------------------------------------------------


def test_direct_has_no_gate_and_the_account_its_groups(fresh: Host) -> None:
    fresh.install("--boundary", "direct")
    assert not Path(layout.GATE).exists()
    assert not Path(layout.SUDOERS).exists()
    assert not [each.pw_name for each in pwd.getpwall() if each.pw_name in ("rshell-docker", "rshell-journal")]
    assert [each.gr_name for each in grp.getgrall() if NAME in each.gr_mem] == ["docker", "systemd-journal"]
    assert "main('')" in Path(layout.LAUNCHER).read_text()
    assert outcome(fresh.shell("echo hello"))[:2] == (0, "hello\n")
    assert fresh.install().stdout == NOTHING


def test_the_boundary_can_be_changed_there_and_back(fresh: Host) -> None:
    before, people = listing(), accounts()
    fresh.install()
    gate = listing()
    fresh.install("--boundary", "direct")
    assert not Path(layout.GATE).exists()
    assert not Path(layout.SUDOERS).exists()
    fresh.install("--boundary", "gate")
    assert differing(gate, listing(), layout.MANIFEST) == set()
    assert [each.gr_name for each in grp.getgrall() if NAME in each.gr_mem] == []
    fresh.ctl("uninstall")
    assert differing(before, listing()) == set()
    assert accounts() == people


# -- back ----------------------------------------------------------------------------------------


def test_uninstall_leaves_the_host_as_it_was_but_for_the_records(fresh: Host) -> None:
    before, people = listing(), accounts()
    fresh.install()
    fresh.shell("journalctl -u ssh -n 1")
    done = fresh.ctl("uninstall")
    assert differing(before, listing()) == {layout.LOGS, f"{layout.LOGS}/audit.jsonl"}
    assert described(Path(layout.LOGS, "audit.jsonl"))[:3] == (0o100600, 0, 0)
    assert described(Path(layout.LOGS))[1:3] == (0, 0)
    assert f"note      {layout.LOGS}/audit.jsonl is kept: the records\n" in done.stdout
    assert accounts() == people


def test_what_was_there_before_comes_back(fresh: Host) -> None:
    for path, text, mode in (
        (layout.LOGROTATE, "# mine\n", 0o600), (layout.LIMITS, "# mine\n", 0o640), (layout.LAUNCHER, "#!/bin/sh\n", 0o700),
    ):  # fmt: skip
        Path(path).write_text(text)
        Path(path).chmod(mode)
    Path(layout.CTL).symlink_to("/bin/true")
    fresh.installed.apply(policy("ai-worker"))
    before = listing()
    fresh.install()
    fresh.installed.ctl("uninstall")
    assert differing(before, listing(), layout.POLICY + ".compiled") == set()


def test_a_policy_applied_after_install_stays(fresh: Host) -> None:
    fresh.install()
    fresh.installed.apply(policy(f"{NAME}, somebody"))
    done = fresh.ctl("uninstall")
    assert f"note      {layout.POLICY} is kept: it was applied after install\n" in done.stdout
    assert Path(layout.POLICY).read_text() == policy(f"{NAME}, somebody")


def test_an_account_that_was_there_gets_shell_home_password_and_groups_back(fresh: Host) -> None:
    with operator("rshell-alice", "--groups", "docker,users") as name:
        words = ("install", "--user", name, *with_role(fresh, name))
        before, people = listing(), accounts()
        fresh.installed.ctl(*words)
        entry = pwd.getpwnam(name)
        assert (entry.pw_dir, entry.pw_shell) == (f"{layout.HOMES}/{name}", layout.LAUNCHER)
        assert [each.gr_name for each in grp.getgrall() if name in each.gr_mem] == []
        assert f"\n{name}:*:" in Path("/etc/shadow").read_text()
        fresh.ctl("uninstall")
        assert differing(before, listing()) == set()
        assert accounts() == people


def test_uninstall_waits_for_the_account_s_processes(fresh: Host, logs: Path) -> None:
    fresh.install()
    before = listing()
    asleep = (program("setpriv"), f"--reuid={NAME}", "--clear-groups", "--", "/bin/sleep", "100")
    server = Server("sleeper", asleep, logs / "sleeper")
    try:
        server.wait_ready(lambda: Path(f"/proc/{server.pid}").stat().st_uid == fresh.uid)
        done = fresh.ctl("uninstall", check=False)
    finally:
        server.stop()
        LOGS.pop("sleeper")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"rshellctl: {NAME} has 1 processes: ")
    assert f"pkill -KILL -u {NAME}" in done.stderr
    assert differing(before, listing()) == set()


def test_uninstall_says_when_there_is_nothing_to_take_back(fresh: Host) -> None:
    done = fresh.installed.ctl("uninstall", check=False)
    expected = f"rshellctl: nothing is installed here: there is no {layout.MANIFEST}\n"
    assert outcome(done) == (1, "", expected)


def test_a_dry_run_of_uninstall_changes_nothing(host: Host) -> None:
    before = listing()
    lines = host.ctl("uninstall", "--dry-run").stdout.splitlines()
    assert lines[-1] == "nothing was changed"
    assert f"would     remove file {layout.SUDOERS}" in lines
    assert differing(before, listing()) == set()


def test_two_accounts_share_a_host(fresh: Host, installed: Installed) -> None:
    fresh.install()
    fresh.policy.write_text(policy(f"{NAME}, rshell-two"))
    installed.ctl("install", "--user", "rshell-two", "--policy", fresh.policy)
    try:
        sudoers = Path(layout.SUDOERS).read_text()
        assert [line.split()[0] for line in sudoers.splitlines() if "NOPASSWD" in line] == [NAME, "rshell-two"]
        for name in (NAME, "rshell-two"):
            assert f"forcecommand {layout.LAUNCHER}" in effective(name)
        fresh.ctl("uninstall")
        assert "rshell-two" not in [each.pw_name for each in pwd.getpwall()]
    finally:
        run(program("userdel"), "--force", "rshell-two", check=False)
