"""A word while it is being read: its text so far, and what of it was quoted."""

from __future__ import annotations

from rshell.core.model import Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rshell.core.model import Span

NAME_START = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
NAME = NAME_START | frozenset("0123456789")
RESERVED = frozenset(
    "if then else elif fi do done case esac while until for in { } ! [[ ]] function select time coproc".split()
)


class Stop(Exception):
    """Reading stops here; carries what say.refuse needs."""

    def __init__(self, code: str, span: Span, **fields: Any) -> None:
        self.code, self.span, self.fields = code, span, fields


class Reading:
    """A word being read: its text so far, and what of it was quoted."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.parts: list[str] = []
        self.length = 0
        self.holes: list[tuple[int, str]] = []
        self.quoted = False
        self.unquoted: list[str] = []  # the bare text, a NUL for each quoted or filled-in piece
        self.last = ""

    def bare(self, text: str) -> None:
        if text:
            self.put(text, quoted=False)

    def quote(self, text: str) -> None:
        self.quoted = True
        self.put(text, quoted=True)

    def put(self, text: str, quoted: bool) -> None:
        self.parts.append(text)
        self.length += len(text)
        self.unquoted.append("\0" if quoted else text)
        self.last = "" if quoted else text[-1]

    def hole(self, name: str) -> None:
        self.holes.append((self.length, name))
        self.put("", quoted=True)

    def made(self, end: int) -> Word:
        return Word("".join(self.parts), (self.start, end), self.quoted, tuple(self.holes))

    def check_command(self, word: Word, text: str) -> None:
        """Refuse what a shell would not take for the name of a program."""
        bare = "".join(self.unquoted)
        name, equals, _ = bare.partition("=")
        name = name.removesuffix("+")
        if equals and name and name[0] in NAME_START and all(char in NAME for char in name):
            raise Stop("line.assignment", word.span, name=name)
        if bare in RESERVED:
            code = {"time": "line.time", "!": "line.negation"}.get(bare, "line.reserved")
            raise Stop(code, word.span, name=bare)

    def check_braces(self, word: Word) -> None:
        """Refuse what bash would expand and dash would not: {a,b} {1..3}. `{{.Names}}` is only text."""
        bare = "".join(self.unquoted)
        _, brace, rest = bare.partition("{")
        if brace and "}" in rest and ("," in rest or ".." in rest):
            raise Stop("line.braces", word.span)
