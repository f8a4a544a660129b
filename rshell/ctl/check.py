"""rshellctl check [FILE]: every error of a policy, and what its `expect` lines come to."""

from __future__ import annotations

import sys

from rshell import data
from rshell.ctl.policies import checked
from rshell.policy.check import read
from rshell.policy.load import BadPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "read a policy, report every error, run its expect lines"


def arguments(verb: ArgumentParser) -> None:
    """Add the file."""
    verb.add_argument("file", nargs="?", metavar="FILE", help="default: the policy that ships with rshell")


def run(words: Namespace) -> int:
    """Check a policy. Return 0 when it may be applied, 1 when it has errors, 78 when it can't be read."""
    path = words.file or data.path(data.POLICY)
    try:
        source = checked(path)
    except BadPolicy as error:
        sys.stdout.write(str(error) + "\n")
        return 1
    understood = read(source, path)
    roles = ", ".join(f"{role.name} ({len(role.rules)} commands)" for role in understood.roles.values())
    sys.stdout.write(f"{path}: good: {roles}; {len(understood.expect)} expect lines hold\n")
    return 0
