"""rshellctl apply FILE: check a policy, show what changes, ask, put it in force atomically."""

from __future__ import annotations

import sys

from rshell import say
from rshell.ctl import deeds, inforce
from rshell.ctl.difference import Side, difference, understood
from rshell.ctl.policies import Stop, checked, needs_root
from rshell.host import layout
from rshell.policy.load import BadPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "check a policy, show what changes, install it"
SAME = "nothing that it allows, refuses or sets changes"
NEEDS_YES = "rshellctl: nothing was changed: without a terminal to ask at, --yes is needed"
TIMES = 8  # to begin again when somebody else applies a policy meanwhile


def arguments(verb: ArgumentParser) -> None:
    """Add the file, and whether it is asked."""
    how_to_change(verb)
    verb.add_argument("file", metavar="FILE")


def how_to_change(verb: ArgumentParser) -> None:
    """Add what every verb takes that puts a policy in force."""
    verb.add_argument("--yes", action="store_true", help="do not ask")
    verb.add_argument("--dry-run", action="store_true", help="show what would change, change nothing")


def run(words: Namespace) -> int:
    """Apply a policy. Return 0, 1 when it has errors or nobody said yes, 78 when it can't be read."""
    try:
        return change(checked(words.file), words.file, words)
    except BadPolicy as error:
        sys.stderr.write(str(error) + "\nrshellctl: nothing was changed\n")
        return 1


def change(text: bytes, name: str, words: Namespace) -> int:
    """Show what a policy changes, ask, and put it in force.

    text: the policy. name: how people call it. words: --yes and --dry-run.
    Returns the status. Raises BadPolicy, Stop.
    """
    new = understood(text, name)
    for _ in range(TIMES):
        now = inforce.current()
        if now.text == text:
            return unchanged(text, now, words)
        sys.stdout.write(told(now, new))
        if words.dry_run:
            sys.stdout.write("nothing was changed\n")
            return 0
        needs_root()
        if now != inforce.Current(None) and not words.yes and not agreed(f"apply {name}?"):
            sys.stdout.write("nothing was changed\n")
            return 1
        try:
            inforce.put(text, now)
        except inforce.Changed:
            sys.stdout.write("another policy was applied meanwhile; again:\n")
            continue
        deeds.record("apply", f"applied {name}, sha256 {inforce.short(text)}")
        sys.stdout.write(f"applied {name} as {layout.POLICY}\n")
        return 0
    raise Stop("rshellctl: nothing was changed: others keep applying policies", 1)


def unchanged(text: bytes, now: inforce.Current, words: Namespace) -> int:
    """Say that a policy is in force already; its compiled form is made anew if it is not this file's."""
    if inforce.is_compiled(text):
        sys.stdout.write("nothing to do: this policy is in force\n")
    elif words.dry_run:
        sys.stdout.write("this policy is in force; it would be compiled anew\n")
    else:
        needs_root()
        inforce.put(text, now)
        sys.stdout.write("this policy is in force; it was compiled anew\n")
    return 0


def told(now: inforce.Current, new: Side) -> str:
    """Say what a policy changes, for people."""
    counted = ", ".join(f"{role.name} ({len(role.rules)} commands)" for role in new.source.roles.values())
    if now.text is None:
        there = f": {layout.POLICY} decides nothing: {now.problem}" if now.problem else ""
        return f"no policy is in force{there}; new: {counted}\n"
    try:
        old = understood(now.text, layout.POLICY)
    except BadPolicy as error:
        return f"the policy in force has errors, so everything is refused: {error.report[0]}\nnew: {counted}\n"
    return "".join(say.escape(line) + "\n" for line in difference(old, new) or [SAME])


def agreed(question: str) -> bool:
    """Ask at the terminal. Raises Stop when there is none."""
    if not sys.stdin.isatty():
        raise Stop(NEEDS_YES)
    sys.stdout.write(f"{question} [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
