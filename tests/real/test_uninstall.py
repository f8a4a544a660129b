"""rshellctl uninstall leaves the host as install found it, wherever install was killed."""

import grp
import pwd
from pathlib import Path

import pytest

from rshell.host import layout

from .ground import LOGS, Server, outcome, program, run
from .host import NAME, Host, policy
from .install import PREFIX, Installed
from .listing import accounts, described, differing, effective, listing, operator

pytestmark = pytest.mark.real



KILLED = """
import os, sys
sys.argv[0] = "rshellctl"
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
MOMENTS = ("before", "between")


def killed(fresh: Host, at: int, moment: str) -> bool:
    """Begin an install that is killed at a step; tell whether it got there."""
    words = ("install", "--user", NAME, "--policy", fresh.policy, "--key", fresh.keys.client.with_suffix(".pub"))
    script = KILLED.format(at=at, moment=moment)
    done = run(PREFIX / "bin/python", "-I", "-c", script, *words, check=False)
    assert done.returncode in (0, 137), done.stderr
    return done.returncode == 137


def test_killed_at_any_step_it_can_be_run_again_and_taken_back(fresh: Host) -> None:
    """Killed before a step is remembered, or between that and the step itself: nothing is forgotten or half done."""
    before, people = listing(), accounts()
    fresh.install()
    whole = listing()
    fresh.ctl("uninstall")
    steps = 0
    for at in range(1, 100):
        for moment in MOMENTS:
            again = at == 1 or (at % 2 == 0) == (moment == "before")  # to begin again and to go back: in turn
            if not killed(fresh, at, moment):
                break
            steps += 1
            if again:
                fresh.install()
                assert differing(whole, listing(), layout.MANIFEST, layout.POLICY + ".compiled") == set()
            fresh.installed.ctl("uninstall")
            assert (at, moment, differing(before, listing())) == (at, moment, set())
            assert (at, moment, accounts()) == (at, moment, people)
    assert steps > 60



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
        (layout.LOGROTATE, "# mine\n", 0o600), (layout.LIMITS, "# mine\n", 0o640),
        (layout.LAUNCHER, "#!/bin/sh\n", 0o700),
    ):  # fmt: skip
        Path(path).write_text(text)
        Path(path).chmod(mode)
    Path(layout.CTL).symlink_to("/bin/true")
    fresh.installed.apply(policy("ai-worker"))
    before = listing()
    fresh.install()
    fresh.installed.ctl("uninstall")
    # a host where policies had been applied keeps the list of them
    assert differing(before, listing(), layout.POLICY + ".compiled", layout.POLICIES + "/") == set()
    assert not Path(layout.MANIFEST).exists()


def test_a_policy_applied_after_install_stays(fresh: Host) -> None:
    fresh.install()
    fresh.installed.apply(policy(f"{NAME}, somebody"))
    done = fresh.ctl("uninstall")
    assert f"note      {layout.POLICY} is kept: it was applied after install\n" in done.stdout
    assert Path(layout.POLICY).read_text() == policy(f"{NAME}, somebody")


def test_an_account_that_was_there_gets_shell_home_password_and_groups_back(fresh: Host) -> None:
    with operator("rshell-alice", "--groups", "docker,users") as name:
        words = ("install", "--user", name, *fresh.with_role(name))
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
