"""The Match block of an account: in place only where sshd takes it, and nobody else is touched by it."""

from __future__ import annotations

import os
import pwd
import signal
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rshell.ctl import pieces
from rshell.ctl.launcher import write_atomically
from rshell.ctl.policies import Stop
from rshell.ctl.setup.accounts import callers
from rshell.ctl.setup.steps import File, Step, remembered, rewrite
from rshell.ctl.system import Answer, ask
from rshell.host import layout

CANDIDATE = f"{layout.STATE}/.sshd_config.candidate"
RUN = Path("/run/sshd")  # sshd does nothing without it; at boot it is not there yet
BEGIN, END = "# rshellctl: {user}, from here", "# rshellctl: {user}, to here"


class Block(Step):
    """What sshd is told about a user: a file of its own, or a marked part of sshd_config."""

    kind = "sshd"

    def __init__(self, user: str) -> None:
        self.user = user
        self.path = Path(layout.SSHD_DIRECTORY, f"rshell-{user}.conf")
        self.included = is_included(str(self.path))
        where = str(self.path) if self.included else layout.SSHD_CONFIG
        super().__init__(user, f"{where}: keys alone, no forwarding, whatever is asked for goes to the shell")

    def is_done(self) -> bool:
        if not self.included:
            return marked(self.user, pieces.sshd(self.user)) in Path(layout.SSHD_CONFIG).read_text()
        return self.path.exists() and self.path.read_text() == pieces.sshd(self.user)

    def found(self) -> Any:
        return remembered(self.path)

    def do(self) -> str:
        before = {name: effective(name) for name in others()}
        check(self.user)
        earlier = remembered(self.path)
        self.write()
        problem = self.problem(before)
        if problem:
            Block.put_back(self.user, earlier)
            raise Stop(f"rshellctl: {problem}; what was written for sshd is taken back", 1)
        return reload()

    def write(self) -> None:
        """Put it in place."""
        if self.included:
            write_atomically(self.path, pieces.sshd(self.user).encode(), 0o644)
        else:
            main = Path(layout.SSHD_CONFIG)
            rewrite(main, without(self.user, main.read_text()) + marked(self.user, pieces.sshd(self.user)))

    def problem(self, before: dict[str, set[str]]) -> str:
        """Return what is wrong now that it is in place, or ''."""
        answer = sshd("-t")
        if not answer.good:
            return f"sshd -t: {answer.err.strip()}"
        now = effective(self.user)
        keys = {line.partition(" ")[0] for line in now}
        lost = [line for line in settings(self.user) if line.partition(" ")[0] in keys and line not in now]
        if lost:
            return f"something in sshd's configuration wins over `{lost[0]}` for {self.user}: see sshd -T -C user="
        changed = [name for name, lines in before.items() if effective(name) != lines]
        return f"it would change how {changed[0]} logs in" if changed else ""

    @staticmethod
    def put_back(name: str, was: Any) -> str:
        main, path = Path(layout.SSHD_CONFIG), Path(layout.SSHD_DIRECTORY, f"rshell-{name}.conf")
        if main.exists() and without(name, main.read_text()) != main.read_text():
            rewrite(main, without(name, main.read_text()))
        if path.parent.is_dir():
            File.put_back(str(path), was)
        return reload() if sshd("-t").good else ""


def is_installed() -> bool:
    """Tell whether there is an sshd to be told anything."""
    return Path(layout.SSHD_CONFIG).exists() and sshd("-t").status != 127


def is_included(path: str) -> bool:
    """Tell whether sshd_config takes in a file, for every connection."""
    main = Path(layout.SSHD_CONFIG)
    for line in main.read_text().splitlines() if main.exists() else ():
        words = line.split()
        if words and words[0].lower() == "match":
            return False
        if words and words[0].lower() == "include":
            patterns = [os.path.join(main.parent, word.strip('"')) for word in words[1:]]
            if any(fnmatchcase(path, pattern) for pattern in patterns):
                return True
    return False


def check(user: str) -> None:
    """Let sshd judge its configuration with the block, before that is in place. Raises Stop."""
    if not sshd("-t").good:
        raise Stop(f"rshellctl: sshd's configuration is broken already: {sshd('-t').err.strip()}; mend it first", 1)
    candidate = Path(CANDIDATE)
    text = without(user, Path(layout.SSHD_CONFIG).read_text()) + marked(user, pieces.sshd(user))
    write_atomically(candidate, text.encode(), 0o600)
    try:
        answer = sshd("-t", "-f", CANDIDATE)
    finally:
        candidate.unlink()
    if not answer.good:
        raise Stop(f"rshellctl: sshd does not take the block of {user}: {answer.err.strip()}; nothing of it is used", 1)


def effective(user: str) -> set[str]:
    """Return what sshd says holds for a user: lines, their keys in small letters."""
    answer = sshd("-T", "-C", f"user={user},host=localhost,addr=127.0.0.1")
    return set(answer.out.splitlines())


def settings(user: str) -> list[str]:
    """Return the lines of the block as `sshd -T` shows them."""
    lines = [line.strip() for line in pieces.sshd(user).splitlines() if line.startswith("    ") and "#" not in line]
    return [f"{key.lower()} {value}" for key, _, value in (line.partition(" ") for line in lines)]


def others() -> list[str]:
    """Return the accounts that must log in as before: root, and whoever calls."""
    names = ["root"]
    for uid in callers():
        with suppress(KeyError):
            names.append(pwd.getpwuid(uid).pw_name)
    return names


def sshd(*words: str) -> Answer:
    """Ask sshd; it needs its directory, also where it does not run."""
    made = not RUN.exists()
    if made:
        RUN.mkdir(mode=0o755)
    try:
        return ask("sshd", *words)
    finally:
        if made:
            RUN.rmdir()


def reload() -> str:
    """Let a running sshd read its configuration. Return what to do if it doesn't, or ''."""
    files = [line.partition(" ")[2] for line in sshd("-T").out.splitlines() if line.startswith("pidfile ")]
    try:
        pid = int(Path(files[0]).read_text())
        if Path(f"/proc/{pid}/comm").read_text() == "sshd\n":
            os.kill(pid, signal.SIGHUP)
            return ""
    except (OSError, ValueError, IndexError):
        pass
    return "sshd does not run here, or not by its pid file: if it runs, systemctl reload ssh"


def marked(user: str, block: str) -> str:
    """Return a block with its marks, for the end of sshd_config."""
    return f"{BEGIN.format(user=user)}\n{block}{END.format(user=user)}\n"


def without(user: str, text: str) -> str:
    """Return sshd_config without a user's block."""
    begin, end = BEGIN.format(user=user) + "\n", END.format(user=user) + "\n"
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    return before + after if found and ended else text
