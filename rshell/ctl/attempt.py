"""rshellctl try: the same shell as oneself, for a first look. It is no boundary, and says so."""

from __future__ import annotations

import os
import sys

from rshell import login
from rshell.ctl.policies import chosen, opened, remember, state
from rshell.host import account
from rshell.modes.shell import Shell
from rshell.policy.store import Corrupt


def run(policy: str | None, role: str | None, line: str | None) -> int:
    """Run a line, or a session, under a policy and as ourselves. Return its status."""
    compiled, path = opened(policy)
    if not compiled.descriptor >= 0:
        remember(path)
    caller = account.own()
    rules = chosen(compiled, path, None, role)
    state().mkdir(mode=0o700, parents=True, exist_ok=True)
    records = str(state() / "audit.jsonl")
    sys.stderr.write(f"rshell: trying {path} as {caller.name}: this is no boundary; records in {records}\n")
    sys.stderr.flush()
    os.umask(0o077)
    try:
        return login.run(Shell(rules, caller, login.mode_of(line), records), line)
    except Corrupt:
        return login.unusable("policy.corrupt", "the compiled policy is damaged")
