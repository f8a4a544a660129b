"""rshellctl check [FILE | -]: every error of a policy, and what its `expect` lines come to."""

from __future__ import annotations

import sys
from pathlib import Path

from rshell import data
from rshell.ctl.launcher import write_atomically
from rshell.ctl.policies import checked
from rshell.policy.check import compile_checked, read
from rshell.policy.load import BadPolicy
from rshell.policy.open import INSTALLED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

STDIN = "-"
ABOUT = "read a policy, report every error, run its expect lines"


def arguments(verb: ArgumentParser) -> None:
    """Add the file, and where its compiled form goes."""
    verb.add_argument("file", nargs="?", metavar="FILE", help="- is stdin; default: the policy that ships with rshell")
    verb.add_argument("--compile", metavar="FILE", help="write the compiled form there, as apply would")


def run(words: Namespace) -> int:
    """Check a policy. Return 0 when it may be applied, 1 when it has errors, 78 when it can't be read."""
    path = words.file or data.path(data.POLICY)
    try:
        source = from_stdin() if path == STDIN else checked(path)
    except BadPolicy as error:
        sys.stdout.write(str(error) + "\n")
        return 1
    if words.compile:
        write_atomically(Path(words.compile), compile_checked(source, INSTALLED), 0o644)
    understood = read(source, path)
    roles = ", ".join(f"{role.name} ({len(role.rules)} commands)" for role in understood.roles.values())
    sys.stdout.write(f"{path}: good: {roles}; {len(understood.expect)} expect lines hold\n")
    return 0


def from_stdin() -> bytes:
    """Read a policy that may be applied from stdin: nobody's file, so nobody's trust. Raises BadPolicy."""
    source = sys.stdin.buffer.read()
    compile_checked(source, STDIN)
    return source
