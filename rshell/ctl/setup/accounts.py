"""Accounts and groups: the restricted user, the identities, and what becomes of them."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Any

from rshell.ctl.policies import Stop, groups_of
from rshell.ctl.setup.steps import Step
from rshell.ctl.system import ask
from rshell.host.account import login_uid

SHADOW = "/etc/shadow"
CRONTABS = "/var/spool/cron/crontabs"
NOLOGIN = "/usr/sbin/nologin"
NOWHERE = "/nonexistent"
NO_PASSWORD = "*"  # noqa: S105 - it fits no password
POWERS = ("sudo", "wheel", "admin", "adm")
FIRST_USER = 1000  # below are the system's own accounts
# SECURITY: users inside images often have uid 999 and its neighbours; a process in a container must not
# have the uid of an account of ours
UIDS = ("--key", "SYS_UID_MIN=700", "--key", "SYS_UID_MAX=799")
GIDS = ("--key", "SYS_GID_MIN=700", "--key", "SYS_GID_MAX=799")


class Group(Step):
    """A group of ours."""

    kind = "group"

    def __init__(self, name: str, what: str) -> None:
        super().__init__(name, f"group {name}: {what}")

    def is_done(self) -> bool:
        return has_group(self.name)

    def found(self) -> Any:
        return self.is_done() or None

    def do(self) -> str:
        must("groupadd", "--system", *GIDS, self.name)
        return ""

    @staticmethod
    def put_back(name: str, was: Any) -> str:
        if was is None and has_group(name):
            must("groupdel", name)
        return ""


class Account(Step):
    """An account that is there; one that is not is made as nobody's: no password, no shell, one group."""

    kind = "account"

    def __init__(self, name: str, home: str, what: str) -> None:
        super().__init__(name, f"account {name}: {what}")
        self.home = home

    def is_done(self) -> bool:
        return exists(self.name)

    def found(self) -> Any:
        return described(self.name) if exists(self.name) else None

    def do(self) -> str:
        # the group first: an account whose primary group is missing could be left by a killed useradd
        if not has_group(self.name):
            must("groupadd", "--system", *GIDS, self.name)
        must(
            "useradd", "--system", *UIDS, "--gid", self.name, "--no-create-home", "--home-dir", self.home,
            "--shell", NOLOGIN, "--password", NO_PASSWORD, "--comment", "rshell", self.name,
        )  # fmt: skip
        return ""

    @staticmethod
    def put_back(name: str, was: Any) -> str:
        if was is not None:
            change(name, was)
        elif exists(name):
            must("userdel", name)
        if was is None and has_group(name):
            must("groupdel", name)
        return ""


class Settings(Account):
    """What an account is: its shell, home, password and groups, as far as they are named here."""

    def __init__(self, name: str, what: str, **wanted: str | list[str]) -> None:
        super().__init__(name, "", what)
        self.wanted = wanted

    def is_done(self) -> bool:
        now = described(self.name) if exists(self.name) else {}
        return all(now.get(key) == value for key, value in self.wanted.items())

    def do(self) -> str:
        change(self.name, self.wanted)
        return ""


def change(name: str, wanted: Any) -> None:
    """Give an account the settings named, in one call. Raises Stop."""
    now = described(name)
    options = {"shell": "--shell", "home": "--home", "password": "--password", "groups": "--groups"}
    words = []
    for key, value in wanted.items():
        if now[key] != value:
            words += [options[key], ",".join(each for each in value if has_group(each)) if key == "groups" else value]
    if words:
        must("usermod", *words, name)


def described(name: str) -> dict[str, Any]:
    """Return the settings of an account. Raises KeyError."""
    entry = pwd.getpwnam(name)
    groups = sorted(each.gr_name for each in grp.getgrall() if name in each.gr_mem)
    return {"shell": entry.pw_shell, "home": entry.pw_dir, "password": password_of(name), "groups": groups}


def password_of(name: str) -> str:
    """Return what stands in the place of the password."""
    for line in Path(SHADOW).read_text().splitlines():
        if line.startswith(name + ":"):
            return line.split(":")[1]
    return ""


def exists(name: str) -> bool:
    """Tell whether there is an account of this name."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def group_of(name: str) -> str:
    """Return the primary group of an account: its name, or its number if it has none. Raises KeyError."""
    gid = pwd.getpwnam(name).pw_gid
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def has_group(name: str) -> bool:
    """Tell whether there is a group of this name."""
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def may_be_restricted(name: str) -> None:
    """Refuse an account whose shell must stay as it is: the operator could not get back in.

    Raises Stop with how to go on.
    """
    other = "name an account for the agent: --user NAME; one that does not exist is made"
    if not exists(name):
        return
    entry = pwd.getpwnam(name)
    if entry.pw_uid == 0:
        raise Stop(f"rshellctl: {name} is root\n  {other}")
    if entry.pw_uid in callers():
        raise Stop(f"rshellctl: {name} is your own account: you could not log in any more\n  {other}")
    powers = sorted(set(POWERS) & set(groups_of(name)))
    if powers:
        raise Stop(
            f"rshellctl: {name} is an operator: in group {' '.join(powers)}\n  {other},"
            f" or take it out: gpasswd --delete {name} {powers[0]}"
        )
    if entry.pw_uid < FIRST_USER:
        raise Stop(f"rshellctl: {name} is an account of the system (uid {entry.pw_uid})\n  {other}")
    primary = group_of(name)
    if primary not in (name, "users"):
        raise Stop(
            f"rshellctl: the group of {name} is {primary}: it would keep what that may\n"
            f"  give it one of its own: groupadd {name} && usermod --gid {name} {name}"
        )
    if Path(CRONTABS, name).exists():
        raise Stop(f"rshellctl: {name} has a crontab, which no shell restricts\n  remove it: crontab -r -u {name}")
    idle(name, "what runs keeps what it had")


def idle(name: str, why: str) -> None:
    """Refuse while an account has processes. Raises Stop."""
    running = processes(name)
    if running:
        raise Stop(
            f"rshellctl: {name} has {len(running)} processes: {why}\n"
            f"  end them: pkill -KILL -u {name}; for an account of rshell: rshellctl stop {name}", 1,
        )  # fmt: skip


def processes(name: str) -> list[int]:
    """Return what runs under the uid of an account."""
    uid = pwd.getpwnam(name).pw_uid if exists(name) else -1
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and entry.stat().st_uid == uid:
                found.append(int(entry.name))
        except FileNotFoundError:
            continue
    return found


def callers() -> set[int]:
    """Return whose hands these may be: sudo's word, and what the kernel remembers of the login."""
    claimed = os.environ.get("SUDO_UID", "")
    known = {login_uid(), int(claimed) if claimed.isascii() and claimed.isdigit() else None}
    return {uid for uid in known if uid is not None}


def must(program: str, *words: str) -> None:
    """Run a tool of the system that has to work. Raises Stop with what it said."""
    answer = ask(program, *words)
    if not answer.good:
        said = (answer.err or answer.out).strip() or f"status {answer.status}"
        raise Stop(f"rshellctl: {program} {words[-1]}: {said}", 1)
