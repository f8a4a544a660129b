"""How rshellctl install goes about it: whom it refuses, what it never lets get in place."""

import grp
import pwd
import subprocess
from pathlib import Path

import pytest

from rshell.ctl import pieces
from rshell.host import layout

from .ground import ENVIRONMENT, LOGS, Server, outcome, program, run
from .host import NAME, NOTHING, Host
from .install import PREFIX
from .listing import accounts, differing, effective, listing, operator

pytestmark = pytest.mark.real



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


def test_root_the_caller_operators_and_system_accounts_are_refused(fresh: Host) -> None:
    assert refusal(fresh, "--user", "root", *fresh.with_role("root")) == (
        "root runs commands for others: name another account: --user NAME"
    )  # fmt: skip
    with operator("rshell-toor", "--non-unique", "--uid", "0") as name:
        assert refusal(fresh, "--user", name, *fresh.with_role(name)) == f"{name} is root"
    with operator("rshell-alice") as name:
        uid = str(pwd.getpwnam(name).pw_uid)
        said = refusal(fresh, "--user", name, *fresh.with_role(name), SUDO_UID=uid)
        assert said == f"{name} is your own account: you could not log in any more"
    with operator("rshell-alice", "--groups", "sudo") as name:
        said = refusal(fresh, "--user", name, *fresh.with_role(name))
        assert said == f"{name} is an operator: in group sudo"
    assert refusal(fresh, "--user", "daemon", *fresh.with_role("daemon")) == (
        "daemon is an account of the system (uid 1)"
    )  # fmt: skip


def test_an_account_with_processes_or_a_crontab_is_refused(fresh: Host, logs: Path) -> None:
    with operator("rshell-alice") as name:
        asleep = (program("setpriv"), f"--reuid={name}", "--clear-groups", "--", "/bin/sleep", "100")
        server = Server("sleeper", asleep, logs / "sleeper")
        try:
            server.wait_ready(lambda: Path(f"/proc/{server.pid}").stat().st_uid == pwd.getpwnam(name).pw_uid)
            said = refusal(fresh, "--user", name, *fresh.with_role(name))
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
    assert outcome(done) == (1, "", "rshellctl: nothing was changed: this needs root, use sudo\n")


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
        ("Match User rshell-bot\\nMatch all\\n    ForceCommand /bin/true\\n", "it would change how root logs in"),
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


def test_direct_has_no_gate_and_the_account_its_groups(fresh: Host) -> None:
    fresh.install("--boundary", "direct")
    assert not Path(layout.GATE).exists()
    assert not Path(layout.SUDOERS).exists()
    assert not [each.pw_name for each in pwd.getpwall() if each.pw_name in ("rshell-docker", "rshell-journal")]
    assert {each.gr_name for each in grp.getgrall() if NAME in each.gr_mem} == {"docker", "systemd-journal"}
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
