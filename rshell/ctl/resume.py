"""rshellctl resume USER: let an account work again."""

from __future__ import annotations

import sys

from rshell.ctl import deeds
from rshell.ctl.inforce import sync_directory
from rshell.ctl.policies import needs_root
from rshell.ctl.stop import marker, name_of, uid_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "let an account work again"


def arguments(verb: ArgumentParser) -> None:
    """Add whom."""
    verb.add_argument("user", metavar="USER", help="a name or a uid")


def run(words: Namespace) -> int:
    """Remove the marker of an account; it is gone for good when this says so."""
    uid = uid_of(words.user)
    needs_root()
    try:
        marker(uid).unlink()
    except FileNotFoundError:
        sys.stdout.write(f"{name_of(uid)} is not stopped\n")
        return 0
    sync_directory(marker(uid).parent)
    deeds.record("resume", f"resumed {name_of(uid)}")
    sys.stdout.write(f"resumed {name_of(uid)}\n")
    return 0
