"""rshellctl check [FILE]: every error of a policy, and what its `expect` lines come to."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rshell import data
from rshell.policy.check import compile_checked, read
from rshell.policy.load import BadPolicy
from rshell.policy.store import Untrusted, read_trusted


def run(path: str | None) -> int:
    """Check a policy. Return 0 when it may be applied, 1 when it has errors, 78 when it can't be read."""
    shipped = data.path(data.POLICY)
    path = path or shipped
    try:
        source = Path(path).read_bytes() if path == shipped else read_trusted(os.path.abspath(path), (os.getuid(),))
        compile_checked(source, path)
    except BadPolicy as error:
        sys.stdout.write(str(error) + "\n")
        return 1
    except (OSError, Untrusted) as error:
        sys.stderr.write(f"rshellctl: {error}\n")
        return 78
    understood = read(source, path)
    roles = ", ".join(f"{role.name} ({len(role.rules)} commands)" for role in understood.roles.values())
    sys.stdout.write(f"{path}: good: {roles}; {len(understood.expect)} expect lines hold\n")
    return 0
