"""rshellctl stop USER: end what runs for an account, and refuse all else until it is resumed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from rshell import say
from rshell.ctl import deeds
from rshell.ctl.ending import end_all
from rshell.ctl.inforce import make_directory
from rshell.ctl.launcher import write_atomically
from rshell.ctl.policies import Stop, account_name, needs_root
from rshell.host import account, layout, stopped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "end what runs for an account, and refuse all else"
MOST = (1 << 32) - 2  # of uids


def arguments(verb: ArgumentParser) -> None:
    """Add whom, and why."""
    verb.add_argument("--reason", metavar="TEXT", default="", help="what they are told, in one line")
    verb.add_argument("user", nargs="?", metavar="USER", help="a name or a uid; default: show who is stopped")


def run(words: Namespace) -> int:
    """Stop an account. Return 0, 1 when something of it still runs."""
    if words.user is None:
        sys.stdout.write("".join(listed(uid) for uid in all_stopped()) or "nobody is stopped\n")
        return 0
    check(words.reason)
    uid = uid_of(words.user)
    refuse_own(uid)
    needs_root()
    make_directory(layout.STATE, 0o755)
    make_directory(layout.STOPPED, 0o755)
    # the marker first: from now on nothing of it starts, so what runs can be ended for good
    write_atomically(marker(uid), f"{words.reason}\n".encode(), 0o644)
    ended, left = end_all(uid)
    deeds.record("stop", f"stopped {name_of(uid)}: {words.reason or 'no reason was given'}")
    sys.stdout.write(f"stopped {name_of(uid)}: {ended} process{'' if ended == 1 else 'es'} ended\n")
    for one in left:
        sys.stderr.write(f"rshellctl: this did not end: {say.escape(one)}\n")
    return 1 if left else 0


def check(reason: str) -> None:
    """Refuse a reason that is no plain line. Raises Stop."""
    if len(reason) > stopped.LONGEST or not (reason.isascii() and reason.isprintable()):
        raise Stop(f"rshellctl: --reason: expected one line of ASCII, at most {stopped.LONGEST} characters")


def uid_of(user: str) -> int:
    """Return the uid of a name, or the one that is written out. Raises Stop."""
    try:
        return account.named(user).uid
    except account.Unknown:
        if user.isascii() and user.isdigit() and int(user) <= MOST:
            return int(user)
    raise Stop(f"rshellctl: there is no user {say.echo(user)}")


def refuse_own(uid: int) -> None:
    """Keep an operator from stopping root, or themselves. Raises Stop."""
    own = {os.getuid(), *(int(each) for each in [os.environ.get("SUDO_UID", "")] if each.isdigit())}
    if uid == 0:
        raise Stop("rshellctl: root can't be stopped")
    if uid in own:
        raise Stop("rshellctl: that is you: to stop yourself would end this very program")


def marker(uid: int) -> Path:
    """Return the file that stops an account."""
    return Path(layout.STOPPED) / str(uid)


def all_stopped() -> list[int]:
    """Return who is stopped, by uid."""
    try:
        return sorted(int(name) for name in os.listdir(layout.STOPPED) if name.isascii() and name.isdigit())
    except FileNotFoundError:
        return []


def listed(uid: int) -> str:
    """Write one line of the list: who, since when, why."""
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(marker(uid).lstat().st_mtime))
    why = say.escape(stopped.reason(uid) or "no reason was given")
    return f"{name_of(uid)}  stopped since {since}  {why}\n"


def name_of(uid: int) -> str:
    """Return the name of an account, or its uid if it has none."""
    return account_name(uid) or f"uid {uid}"
