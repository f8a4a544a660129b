"""The restricted account on this host."""

import grp
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .ground import ENVIRONMENT, Handles, need, processes, program, refuse, run, wait_until

NAME = "ai-worker"
HOME = Path("/home") / NAME
_OURS = "made by the tests of rshell"


class Account:
    """ai-worker: in the groups of direct mode, in a home that is root's."""

    name, home = NAME, HOME

    def __init__(self) -> None:
        entry = pwd.getpwnam(NAME)
        self.uid, self.gid = entry.pw_uid, entry.pw_gid
        self.identities: set[int] = set()
        """As whom its commands run on the far side of the boundary, besides root."""

    def run(
        self, *argv: str | Path, input: str | bytes | None = None, timeout: float = 20
    ) -> subprocess.CompletedProcess[str]:
        """Run something as the account, without a login, in the groups of the direct boundary."""
        env = {**ENVIRONMENT, "HOME": str(HOME), "USER": NAME, "LOGNAME": NAME}
        become = (program("setpriv"), f"--reuid={self.uid}", f"--regid={self.gid}", f"--groups={_groups()}", "--")
        return run(*become, *argv, input=input, env=env, check=False, timeout=timeout)

    def processes(self) -> list[int]:
        """What runs under its uid now, or for it."""
        return list(self.commands())

    def commands(self) -> dict[int, list[str]]:
        """What runs under its uid now, or for it, with its words."""
        return {
            pid: words.decode(errors="backslashreplace").rstrip("\0").split("\0")
            for pid, _, uid, words in processes()
            if uid == self.uid or uid in self.identities
        }

    def wait_for(self, *words: str) -> int:
        """The id of its process that begins with these words, once it runs."""

        def found() -> int | None:
            return next((pid for pid, given in self.commands().items() if given[: len(words)] == list(words)), None)

        return wait_until(found, 30, f"a process {words}")

    def wait_idle(self) -> None:
        """Wait until nothing runs under its uid: two seconds are promised, a busy host gets some more."""
        try:
            wait_until(lambda: not self.processes(), 10, "the end of all its processes")
        except TimeoutError as error:
            raise AssertionError(f"{error}: {self.commands()}") from None

    @contextmanager
    def shell(self, path: Path) -> Iterator[None]:
        """For a while, another login shell."""
        before = pwd.getpwnam(NAME).pw_shell
        run(program("usermod"), "--shell", path, NAME)
        try:
            yield
        finally:
            run(program("usermod"), "--shell", before, NAME)


@contextmanager
def made_account(shell: Path, direct: bool) -> Iterator[Account]:
    """Create the account with this login shell, in the groups of the direct boundary or none; remove it again."""
    need("useradd", "usermod", "userdel")
    remove_leftover()
    HOME.mkdir(mode=0o755, parents=True)
    (HOME / ".hushlogin").touch()
    options = ("--no-create-home", "--home-dir", HOME, "--comment", _OURS, "--password", "*")
    run(program("useradd"), *options, "--groups", _groups() if direct else "", "--shell", shell, NAME)
    try:
        yield Account()
    finally:
        _remove()


def _groups() -> str:
    """The docker group, and the journal's where there is one."""
    known = {each.gr_name for each in grp.getgrall()}
    return ",".join(name for name in ("docker", "systemd-journal") if name in known)


def remove_leftover() -> None:
    """Remove what a killed run left; an account that is not ours stays, and no test runs."""
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        if HOME.exists():
            refuse(f"{HOME} exists")
        return
    if entry.pw_gecos != _OURS:
        refuse(f"this host has an account {NAME} of its own")
    _remove()


def _remove() -> None:
    Handles(Account().processes()).kill()
    run(program("userdel"), "--force", NAME)
    shutil.rmtree(HOME, ignore_errors=True)
