"""rshellctl explain LINE: what would happen. Runs nothing."""

from __future__ import annotations

import sys

from rshell import say
from rshell.core import explain
from rshell.core.decide import answer
from rshell.core.model import Permit
from rshell.ctl.policies import chosen, context, opened
from rshell.host.foresee import foresee
from rshell.lean import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "say what a line would do, run nothing"


def arguments(verb: ArgumentParser) -> None:
    """Add the line, and for whom and by what it is judged."""
    verb.add_argument("--json", action="store_true", help="in the stable form for programs")
    verb.add_argument("--policy", metavar="FILE", help="default: the installed policy, else the one that ships")
    who = verb.add_mutually_exclusive_group()
    who.add_argument("--user", metavar="USER")
    who.add_argument("--role", metavar="ROLE")
    verb.add_argument("line", metavar="LINE", help="one argument: quote it")


def run(words: Namespace) -> int:
    """Explain one line. Return 0, or 126, 127, 2, 78 as the shell would."""
    compiled, path = opened(words.policy)
    rules = chosen(compiled, path, words.user, words.role)
    who = context(compiled, rules, words.user)
    decided = answer(rules, words.line, who)
    if isinstance(decided, Permit):
        decided = foresee(rules, decided, who) or decided
    if words.json:
        sys.stdout.write(to_json(explain.as_json(rules, words.line, decided)) + "\n")
    else:
        sys.stdout.write(explain.as_text(words.line, decided, operator=True))
    return 0 if isinstance(decided, Permit) else say.STATUS[decided.kind]
