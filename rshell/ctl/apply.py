"""rshellctl apply FILE: check a policy, compile it, put both in place atomically."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rshell.ctl.launcher import write_atomically
from rshell.policy.check import compile_checked
from rshell.policy.load import BadPolicy
from rshell.policy.open import COMPILED, INSTALLED
from rshell.policy.store import Untrusted, mark_of, read_trusted

DOCKER_CONFIG = "docker"


def run(path: str) -> int:
    """Apply a policy. Return 0, 1 when it has errors (nothing changes then), 78 when it can't be read."""
    try:
        source = read_trusted(os.path.abspath(path), (os.getuid(),))
        compile_checked(source, path)
    except BadPolicy as error:
        sys.stderr.write(str(error) + "\nrshellctl: nothing was changed\n")
        return 1
    except (OSError, Untrusted) as error:
        sys.stderr.write(f"rshellctl: {error}\n")
        return 78
    target = Path(INSTALLED)
    for directory in (target.parent, target.parent / DOCKER_CONFIG):
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        directory.chmod(0o755)
    # The compiled form counts only with the source it was made from; so in whatever order and
    # wherever this is killed, what decides is one of the two policies, whole.
    write_atomically(target, source, 0o644)
    compiled = compile_checked(source, INSTALLED, mark_of(target.stat()))
    write_atomically(target.with_name(target.name + COMPILED), compiled, 0o644)
    sys.stdout.write(f"applied {path} as {INSTALLED}\n")
    return 0
