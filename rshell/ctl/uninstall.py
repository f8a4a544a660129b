"""rshellctl uninstall: put back what install found, remove what it made. The records stay."""

from __future__ import annotations

import os
import sys

from rshell.ctl.policies import Stop, needs_root
from rshell.ctl.setup import accounts
from rshell.ctl.setup.accounts import Account, Group
from rshell.ctl.setup.manifest import Manifest
from rshell.ctl.setup.networks import Network
from rshell.ctl.setup.program import ByteCode, PolicyInForce
from rshell.ctl.setup.sshd import Block
from rshell.ctl.setup.steps import Directory, File, Line, Log, Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "put this host back as install found it"
KINDS = {
    kind.kind: kind
    for kind in (Account, Block, ByteCode, Directory, File, Group, Line, Log, Network, PolicyInForce, Tree)
}  # fmt: skip
ABSENT, THERE = "remove", "put back"


def arguments(verb: ArgumentParser) -> None:
    """Add whether it is only shown."""
    verb.add_argument("--dry-run", action="store_true", help="show every step, change nothing")


def run(words: Namespace) -> int:
    """Uninstall. Return 0; killed anywhere, it can be run again. Raises Stop."""
    needs_root()
    os.umask(0o022)
    manifest = Manifest()
    if not manifest.there:
        raise Stop("rshellctl: nothing is installed here: there is no " + str(manifest.path), 1)
    found = list(reversed(manifest.found))
    if words.dry_run:
        sys.stdout.write("".join(f"would     {told(kind, name, was)}\n" for kind, name, was in found))
        sys.stdout.write("nothing was changed\n")
        return 0
    for name in dict.fromkeys(name for kind, name, _ in found if kind == "account"):
        accounts.idle(name, "an account goes, or gets its old shell back, when nothing runs")
    manifest.begin()
    left = []
    for kind, name, was in found:
        left.append(KINDS[kind].put_back(name, was))
        sys.stdout.write(f"done      {told(kind, name, was)}\n")
    manifest.path.unlink(missing_ok=True)  # where its directory was not ours, it is still there
    sys.stdout.write("".join(f"note      {each}\n" for each in dict.fromkeys(left) if each))
    return 0


def told(kind: str, name: str, was: object) -> str:
    """Say one step in words."""
    if kind == PolicyInForce.kind:
        name = f"of {name[:16]}..., if it is still in force"
    return f"{ABSENT if was is None else THERE} {kind} {name}"
