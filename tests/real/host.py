"""A host as `rshellctl install` leaves it, and this host as it was before."""

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from rshell.host import layout

from .ground import ENVIRONMENT, Handles, kept, need, processes, program, refuse, run, wait_until
from .install import CHECKOUT, Installed
from .sshd import Keys

NAME = "rshell-bot"
"""The restricted account of an installed host: ai-worker is the tests' own, with the direct boundary."""

NOTHING = "nothing to do: all is as it should be\n"
"""What install says when there is nothing to do."""

ACCOUNTS = (NAME, "rshell-docker", "rshell-journal", "rshell-alice", "rshell-two")
OURS = (
    layout.LAUNCHER, layout.GATE, layout.CTL, layout.STATE, layout.LOGS, layout.KEYS, layout.SUDOERS,
    layout.LOGROTATE, layout.LIMITS,
)  # fmt: skip
DATABASES = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")


def policy(users: str = f"ai-worker, {NAME}") -> str:
    """The policy that ships, its role for these users; no network is named that only an Engine could make."""
    text = (CHECKOUT / "policy.yaml").read_text().replace("users: [ai-worker]", f"users: [{users}]", 1)
    return text.replace("networks:    [bridge, none, lab]", "networks:    [bridge, none, lab*]", 1)


class Host:
    """This host, installed: the paths are those of rshell.host.layout."""

    name = NAME

    def __init__(self, installed: Installed, base: Path, keys: Keys) -> None:
        self.installed, self.base, self.keys = installed, base, keys
        self.policy = base / "host-policy.yaml"
        self.policy.write_text(policy())

    @property
    def uid(self) -> int:
        """The account's."""
        return pwd.getpwnam(NAME).pw_uid

    def install(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `rshellctl install` of the installation for the account, with these words behind it."""
        key = self.keys.client.with_suffix(".pub")
        return self.installed.ctl("install", "--user", NAME, "--policy", self.policy, "--key", key, *words, check=check)

    def with_role(self, name: str) -> tuple[str, Path]:
        """The words for `install` by which the policy gives an account a role."""
        self.policy.write_text(policy(name))
        return "--policy", self.policy

    def ctl(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the rshellctl that install put in place, as root."""
        return run(layout.CTL, *words, check=check)

    def run(
        self, *argv: str | Path, input: str | bytes | None = None, timeout: float = 20
    ) -> subprocess.CompletedProcess[str]:
        """Run something as the account, with its groups, without a login."""
        entry = pwd.getpwnam(NAME)
        env = {**ENVIRONMENT, "HOME": entry.pw_dir, "USER": NAME, "LOGNAME": NAME}
        become = (program("setpriv"), f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--init-groups", "--")
        return run(*become, *argv, input=input, env=env, check=False, timeout=timeout)

    def shell(self, line: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a line by the account's login shell, as sshd would."""
        return self.run(layout.LAUNCHER, "-c", line, input=input)

    def processes(self) -> list[int]:
        """What runs under its uid now."""
        return [pid for pid, _, uid, _ in processes() if uid == self.uid]

    def wait_idle(self) -> None:
        """Wait until nothing runs under its uid."""
        wait_until(lambda: not self.processes(), 10, f"the end of all processes of {NAME}")


@contextmanager
def fresh_host(installed: Installed, base: Path, keys: Keys) -> Iterator[Host]:
    """This host as if nothing of rshell had ever been on it; at the end all is as before."""
    need("useradd", "usermod", "userdel", "groupadd", "groupdel", "visudo", "sudo", "sshd")
    _remove_leftover()
    with ExitStack() as stack:
        stack.enter_context(_databases(base))
        stack.enter_context(_same(Path(layout.SHELLS)))
        stack.enter_context(_same(Path(layout.SSHD_CONFIG)))
        stack.enter_context(installed.disturbed())
        shutil.rmtree(layout.ETC)
        for path in map(Path, OURS):
            if not path.parent.exists():
                path.parent.mkdir(mode=0o755)
                stack.callback(path.parent.rmdir)
            stack.enter_context(kept(path))
        stack.callback(_remove)
        yield Host(installed, base, keys)


@contextmanager
def made_host(installed: Installed, base: Path, keys: Keys) -> Iterator[Host]:
    """This host as `rshellctl install` leaves it, with the gate as boundary."""
    with fresh_host(installed, base, keys) as host:
        host.install()
        yield host


@contextmanager
def _same(path: Path) -> Iterator[None]:
    """At the end, a file of the host is as it was: content, mode, time."""
    there = path.exists()
    before = path.with_name(f".{path.name}.before-tests")
    if there:
        shutil.copy2(path, before)
    try:
        yield
    finally:
        if there:
            if before.read_bytes() != path.read_bytes():
                shutil.copy2(before, path)
            before.unlink()


@contextmanager
def _databases(base: Path) -> Iterator[None]:
    """Keep the backups that useradd and its kin make: the accounts themselves are removed one by one."""
    with ExitStack() as stack:
        for name in DATABASES:
            backup = Path(f"/etc/{name}-")
            if backup.exists():
                stack.enter_context(_same(backup))
            else:
                stack.callback(backup.unlink, missing_ok=True)
        yield


def _remove_leftover() -> None:
    """Remove what a killed run left; where rshell is really installed, no test runs."""
    killed = Path(f"{layout.STATE}.kept-by-tests").exists()
    if not killed and (Path(layout.MANIFEST).exists() or any(map(_exists, ACCOUNTS))):
        refuse("this host has an rshell of its own")
    _remove()


def _remove() -> None:
    """Remove the accounts and groups, their processes, and what sshd was told."""
    for name in ACCOUNTS:
        if _exists(name):
            uid = pwd.getpwnam(name).pw_uid
            Handles(pid for pid, _, owner, _ in processes() if owner == uid).kill()
            run(program("userdel"), "--force", name)
    for name in (*ACCOUNTS, layout.GROUP):
        with suppress(KeyError):
            grp.getgrnam(name)
            run(program("groupdel"), name)
    for path in Path(layout.SSHD_DIRECTORY).glob("*rshell-*"):
        path.unlink()
    os.sync()


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
