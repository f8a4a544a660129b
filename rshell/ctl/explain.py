"""rshellctl explain LINE: what would happen. Runs nothing."""

from __future__ import annotations

import sys

from rshell import say
from rshell.core import explain
from rshell.core.decide import answer
from rshell.core.model import Permit
from rshell.ctl.policies import chosen, context, opened
from rshell.lean import to_json


def run(line: str, policy: str | None, user: str | None, role: str | None, as_json: bool) -> int:
    """Explain one line. Return 0, or 126, 127, 2, 78 as the shell would."""
    compiled, path = opened(policy)
    rules = chosen(compiled, path, user, role)
    decided = answer(rules, line, context(compiled, rules, user))
    if as_json:
        sys.stdout.write(to_json(explain.as_json(rules, line, decided)) + "\n")
    else:
        sys.stdout.write(explain.as_text(line, decided, operator=True))
    return 0 if isinstance(decided, Permit) else say.STATUS[decided.kind]
