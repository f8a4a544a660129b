"""rshellctl apply FILE: check a policy, compile it, put both in place atomically."""

from __future__ import annotations

import sys
from pathlib import Path

from rshell.ctl.launcher import write_atomically
from rshell.ctl.policies import checked
from rshell.policy.check import compile_checked
from rshell.policy.load import BadPolicy
from rshell.policy.open import COMPILED, INSTALLED
from rshell.policy.store import mark_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "check a policy and install it"
DOCKER_CONFIG = "docker"


def arguments(verb: ArgumentParser) -> None:
    """Add the file."""
    verb.add_argument("file", metavar="FILE")


def run(words: Namespace) -> int:
    """Apply a policy. Return 0, 1 when it has errors (nothing changes then), 78 when it can't be read."""
    try:
        source = checked(words.file)
    except BadPolicy as error:
        sys.stderr.write(str(error) + "\nrshellctl: nothing was changed\n")
        return 1
    put_in_force(source)
    sys.stdout.write(f"applied {words.file} as {INSTALLED}\n")
    return 0


def put_in_force(source: bytes) -> None:
    """Install a policy that is checked, and its compiled form. Raises OSError."""
    target = Path(INSTALLED)
    for directory in (target.parent, target.parent / DOCKER_CONFIG):
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        directory.chmod(0o755)
    # The compiled form counts only with the source it was made from; so in whatever order and
    # wherever this is killed, what decides is one of the two policies, whole.
    write_atomically(target, source, 0o644)
    compiled = compile_checked(source, INSTALLED, mark_of(target.stat()))
    write_atomically(target.with_name(target.name + COMPILED), compiled, 0o644)
