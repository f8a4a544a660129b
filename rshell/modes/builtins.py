"""Carry out the builtins. Each takes a call and returns a status; core/builtins.py says how they are used."""

from __future__ import annotations

from rshell import say
from rshell.core import builtins
from rshell.core.decide import answer
from rshell.core.model import Permit
from rshell.core.value import Value
from rshell.host.pipeline import Exit, working_directory
from rshell.lean import os, to_json, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Builtin, Context, Policy, Word
    from rshell.host.lifeline import Lifeline

    Streams = tuple[int, int, int]

ESCAPES = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
}


class Call(Value):
    """One call of a builtin: its operands, with `$?` put in, and where it writes."""

    operands: tuple[str, ...]
    streams: Streams
    status: int
    timeout: int

    def say(self, text: str) -> int:
        """Write to stdout; return 0, or 1 when that failed."""
        return 0 if write(self.streams[1], text) else 1

    def fail(self, text: str, status: int = 1) -> int:
        """Write to stderr; return a status."""
        write(self.streams[2], text)
        return status


class Builtins:
    """The builtins of one session."""

    def __init__(self, policy: Policy, context: Context, lifeline: Lifeline) -> None:
        self.policy = policy
        self.context = context
        self.lifeline = lifeline
        self.lines: list[str] = []  # of this session, for `history`

    def __call__(self, builtin: Builtin, streams: Streams, status: int) -> int:
        """Carry out one builtin. Raises Exit for `exit`."""
        operands = tuple(_filled(word, status) for word in builtin.words)
        call = Call(operands, streams, status, builtin.timeout)
        handler = getattr(self, "do_" + NAMES.get(builtin.name, builtin.name))
        return int(handler(call))

    def do_true(self, call: Call) -> int:
        return 0

    def do_false(self, call: Call) -> int:
        return 1

    def do_echo(self, call: Call) -> int:
        """bash's echo: -n, -e and -E in front, in clusters."""
        words = list(call.operands)
        newline, escapes = True, False
        while words and len(words[0]) > 1 and words[0][0] == "-" and set(words[0][1:]) <= set("neE"):
            for letter in words.pop(0)[1:]:
                newline = newline and letter != "n"
                escapes = letter == "e" if letter in "eE" else escapes
        text = " ".join(words)
        if escapes:
            text, go_on = unescape(text)
            newline = newline and go_on
        return call.say(text + ("\n" if newline else ""))

    def do_pwd(self, call: Call) -> int:
        directory = working_directory()
        return call.say(directory + "\n") if directory else call.fail("rshell: pwd: this directory is gone\n")

    def do_whoami(self, call: Call) -> int:
        return call.say(self.context.user + "\n")

    def do_clear(self, call: Call) -> int:
        return call.say("\x1b[H\x1b[2J\x1b[3J" if self.context.terminal else "")

    def do_cd(self, call: Call) -> int:
        directory = call.operands[0] if call.operands else self.context.home
        try:
            os.chdir(directory)
        except (OSError, ValueError):  # one answer for all: what is where is nobody's business
            return call.fail(say.cannot_go(directory))
        return 0

    def do_exit(self, call: Call) -> int:
        raise Exit(int(call.operands[0]) if call.operands else call.status)

    def do_history(self, call: Call) -> int:
        return call.say("".join(f"{number:5}  {say.escape(line)}\n" for number, line in enumerate(self.lines, 1)))

    def do_sleep(self, call: Call) -> int:
        """Wait, but not longer than a `timeout` in front allows."""
        seconds = builtins.seconds(call.operands[0]) or 0
        cut = call.timeout and call.timeout < seconds
        stopped = self.lifeline.pause(call.timeout if cut else seconds)
        return {"": 0, "gone": 129, "interrupted": 130}[stopped] or (say.TIMED_OUT if cut else 0)

    def do_which(self, call: Call) -> int:
        missing = 0
        for name in call.operands:
            path = self.context.paths[name] if name in self.policy.programs else ""
            missing |= call.say(path + "\n") if path else 1
        return missing

    def do_type(self, call: Call) -> int:
        missing = 0
        for name in call.operands:
            path = self.context.paths[name] if name in self.policy.programs else ""
            if name in builtins.TABLE or name in builtins.PREFIXES:
                call.say(f"{name} is a shell builtin\n")
            elif path:
                call.say(f"{name} is {path}\n")
            else:
                missing = call.fail(f"rshell: type: {say.echo(name)}: not found\n")
        return missing

    def do_help(self, call: Call) -> int:
        from rshell.core import help as helping

        if call.operands == ("--json",):
            return call.say(to_json(helping.as_json(self.policy)) + "\n")
        if not call.operands:
            return call.say(helping.overview(self.policy))
        found = helping.of_command(self.policy, call.operands)
        if found is None:
            return call.fail(
                f"rshell: help: {say.echo(' '.join(call.operands))}: no such command here; help lists all\n"
            )
        return call.say(found)

    def do_explain(self, call: Call) -> int:
        """Say what a line would do. Several words are taken as a line of words."""
        from rshell.core import explain
        from rshell.host.foresee import foresee

        words = call.operands
        as_json = words[0] == "--json"
        words = words[1:] if as_json else words
        line = words[0] if len(words) == 1 else " ".join(say.quote(word) for word in words)
        decided = answer(self.policy, line, self.context)
        if isinstance(decided, Permit):
            decided = foresee(self.policy, decided, self.context) or decided
        if as_json:
            call.say(to_json(explain.as_json(self.policy, line, decided)) + "\n")
        else:
            call.say(explain.as_text(line, decided, operator=False))
        return 0 if isinstance(decided, Permit) else say.STATUS[decided.kind]


NAMES = {":": "true"}


def _filled(word: Word, status: int) -> str:
    """Put `$?` into a word."""
    text, added = word.text, 0
    for index, _ in word.holes:
        text = text[: index + added] + str(status) + text[index + added :]
        added += len(str(status))
    return text


def unescape(text: str) -> tuple[str, bool]:
    """Interpret the backslashes of `echo -e`; False when \\c ended the output. Source: bash(1), echo."""
    made, here = [], 0
    while here < len(text):
        char = text[here]
        here += 1
        follow = text[here : here + 1]
        if char != "\\" or not follow:
            made.append(char)
        elif follow == "c":
            return "".join(made), False
        elif follow in ESCAPES:
            made.append(ESCAPES[follow])
            here += 1
        elif follow in "0x":
            base, most = (8, 3) if follow == "0" else (16, 2)
            digits = _digits(text[here + 1 : here + 1 + most], base)
            if not digits and follow == "x":
                made.append("\\")
                continue
            made.append((int(digits or "0", base) & 0xFF).to_bytes(1, "big").decode("utf-8", "surrogateescape"))
            here += 1 + len(digits)
        else:
            made.append("\\")
    return "".join(made), True


def _digits(text: str, base: int) -> str:
    allowed = "01234567" if base == 8 else "0123456789abcdefABCDEF"
    count = 0
    while count < len(text) and text[count] in allowed:
        count += 1
    return text[:count]
