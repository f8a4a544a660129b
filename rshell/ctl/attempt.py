"""rshellctl try: the same shell as oneself, for a first look. It is no boundary, and says so."""

from __future__ import annotations

import os
import sys

from rshell import login
from rshell.ctl.policies import chosen, opened, remember, state
from rshell.host import account
from rshell.modes.shell import Shell
from rshell.policy.store import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "run the shell as yourself, for a first look"


def arguments(verb: ArgumentParser) -> None:
    """Add by which rules, and perhaps one line."""
    verb.add_argument("--policy", metavar="FILE", help="default: the installed policy, else the one that ships")
    verb.add_argument("--role", metavar="ROLE")
    verb.add_argument("-c", dest="line", metavar="LINE", help="run one line instead of a session")


def run(words: Namespace) -> int:
    """Run a line, or a session, under a policy and as ourselves. Return its status."""
    compiled, path = opened(words.policy)
    if not compiled.descriptor >= 0:
        remember(path)
    caller = account.own()
    rules = chosen(compiled, path, None, words.role)
    state().mkdir(mode=0o700, parents=True, exist_ok=True)
    records = str(state() / "audit.jsonl")
    sys.stderr.write(f"rshell: trying {path} as {caller.name}: this is no boundary; records in {records}\n")
    sys.stderr.flush()
    os.umask(0o077)
    try:
        return login.run(Shell(rules, caller, login.mode_of(words.line), records), words.line)
    except Corrupt:
        return login.unusable("policy.corrupt", "the compiled policy is damaged")
