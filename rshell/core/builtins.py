"""The commands that rshell carries out itself: one table for the decision, help and completion."""

from __future__ import annotations

from rshell.core import values
from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SLEEP = 3600  # seconds
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Usage(Value):
    """How a builtin is used. `least` and `most` count its operands; `status`: `$?` may stand in them."""

    synopsis: str
    about: str
    least: int = 0
    most: int = 0
    status: bool = False
    kind: str = ""  # of each operand; '' for any words

    def accepts(self, operands: Sequence[str]) -> bool:
        """Tell whether the operands have the right number and type."""
        if not self.least <= len(operands) <= self.most:
            return False
        if self.kind == "duration":
            given = seconds(operands[0])
            return given is not None and given <= MAX_SLEEP
        if self.kind == "line":
            return operands != ["--json"]
        if self.kind == "status":
            return not operands or _is_status(operands[0])
        return not self.kind or all(values.fits((self.kind,), operand) for operand in operands)


ANY = 1 << 20
TABLE = {
    "help": Usage("help [COMMAND | --json]", "say what may be run here", 0, ANY),
    "explain": Usage("explain [--json] LINE", "say what a line would do, and run nothing", 1, ANY, kind="line"),
    "cd": Usage("cd [DIRECTORY]", "go to a directory", 0, 1, kind="directory"),
    "pwd": Usage("pwd", "print the directory"),
    "echo": Usage("echo [-neE] [TEXT...]", "print words", 0, ANY, status=True),
    "true": Usage("true", "do nothing, successfully", 0, ANY),
    "false": Usage("false", "do nothing, unsuccessfully", 0, ANY),
    ":": Usage(":", "do nothing, successfully", 0, ANY),
    "exit": Usage("exit [STATUS]", "leave", 0, 1, status=True, kind="status"),
    "history": Usage("history", "print the lines of this session"),
    "clear": Usage("clear", "clear the screen"),
    "sleep": Usage("sleep N[s|m|h]", "wait, at most an hour", 1, 1, kind="duration"),
    "which": Usage("which COMMAND...", "print where a command is", 1, ANY, kind="name"),
    "type": Usage("type COMMAND...", "say what a command is", 1, ANY, kind="name"),
    "whoami": Usage("whoami", "print the name of the account"),
}
# words that stand in front of a line or a command, and are taken off: see unwrap.py
SHELLS = frozenset(directory + name for name in ("bash", "sh", "dash") for directory in ("", "/bin/", "/usr/bin/"))
SUDO = frozenset(("sudo", "/usr/bin/sudo", "/bin/sudo", "/run/wrappers/bin/sudo", "/run/current-system/sw/bin/sudo"))
PREFIXES = {
    "sudo": Usage("sudo [-n] COMMAND", "accepted and dropped: rshell chooses the account", 1, ANY),
    "timeout": Usage("timeout N[s|m|h] COMMAND", "end a command after a time (status 124)", 2, ANY),
}


def _is_status(text: str) -> bool:
    return len(text) <= 3 and text.isascii() and text.isdigit() and int(text) < 256


def seconds(text: str) -> int | None:
    """Read `90`, `1.5`, `2m`, `1h` as whole seconds, rounded up; None if it is no such thing.

    Source: sleep(1) and timeout(1) of GNU coreutils.
    """
    unit = UNITS.get(text[-1:], 0)
    number = text[:-1] if unit else text
    whole, dot, part = number.partition(".")
    digits = whole + (part if dot else "0")
    if not (digits.isascii() and digits.isdigit() and whole) or (dot and not part) or len(whole) > 9:
        return None
    up = 1 if part.strip("0") else 0
    return (int(whole) + up) * (unit or 1)
