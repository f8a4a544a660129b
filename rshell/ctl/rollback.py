"""rshellctl rollback [N]: put an earlier policy in force again."""

from __future__ import annotations

import sys

from rshell.ctl import inforce
from rshell.ctl.apply import change, how_to_change
from rshell.ctl.policies import Stop
from rshell.policy.load import BadPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "put an earlier policy in force again"


def arguments(verb: ArgumentParser) -> None:
    """Add which one, and whether it is asked."""
    how_to_change(verb)
    verb.add_argument("--list", action="store_true", help="show the earlier policies")
    verb.add_argument("number", nargs="?", type=int, metavar="N", help="as --list shows it; default: the newest")


def run(words: Namespace) -> int:
    """Go back to an earlier policy, as apply would. Return its status."""
    known = inforce.earlier()
    if words.list:
        sys.stdout.write("".join(listed(one) for one in known) or "there are no earlier policies\n")
        return 0
    chosen = choose(known, words.number)
    text = inforce.text_of(chosen)
    try:
        return change(text, f"policy {chosen.number}", words)
    except BadPolicy as error:
        sys.stderr.write(f"{error}\nrshellctl: nothing was changed: policy {chosen.number} has errors by now\n")
        return 1


def choose(known: list[inforce.Earlier], number: int | None) -> inforce.Earlier:
    """Return the policy with a number; without one, the newest that is not in force now. Raises Stop."""
    if number is not None:
        for one in known:
            if one.number == number:
                return one
        raise Stop(f"rshellctl: there is no policy {number}; rshellctl rollback --list shows them", 1)
    now = inforce.current().text
    for one in known:
        if now is None or one.sha != inforce.short(now):
            return one
    raise Stop("rshellctl: there is no earlier policy", 1)


def listed(one: inforce.Earlier) -> str:
    """Write one line of the list: its number, until when it was in force, its hash."""
    until = one.until
    day, time = f"{until[:4]}-{until[4:6]}-{until[6:8]}", f"{until[9:11]}:{until[11:13]}:{until[13:15]}"
    return f"{one.number:>4}  in force until {day} {time} UTC  sha256 {one.sha}\n"
