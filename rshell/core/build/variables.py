"""What a variable in FROM stands for: ARG above the first FROM, and --build-arg.

It is filled in here, judged, and written out: a builder finds no variable that it could read otherwise.
What builders read in different ways, such as ${A-b}, has no meaning here.

Source: github.com/moby/buildkit frontend/dockerfile/shell/lex.go, dockerfile2llb/convert.go (buildMetaArgs).
"""

from __future__ import annotations

from rshell.core.value import Value
from rshell.core.values import ALNUM, DIGITS, IMAGE_CHARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAME = ALNUM | frozenset("_")
MAX_LENGTH = 512  # SECURITY: B=$A$A, C=$B$B, ... would double it each time
# the builder's own: another value, or none, in each of them
OWN = frozenset(
    (*(f"{side}{what}" for side in ("BUILD", "TARGET") for what in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")),
     "TARGETSTAGE", "SOURCE_DATE_EPOCH")
)  # fmt: skip


class Unknown(Exception):
    """A text whose variables have no value here; what could be there."""


class Piece(Value):
    """One variable of a text: its name, what is behind the name in braces, where the text goes on."""

    name: str
    rest: str
    end: int


def given(args: Iterable[str]) -> dict[str, str]:
    """Read NAME=VALUE of --build-arg; of two of one name docker takes the last."""
    return {name: value for name, _, value in (one.partition("=") for one in args)}


def declare(scope: dict[str, str | None], word: str, args: Mapping[str, str]) -> None:
    """Take in one word of an ARG above the first FROM: NAME or NAME=VALUE, with its quotes.

    scope: name -> value; None for one that is declared and has none.
    """
    name, equals, default = word.partition("=")
    if name in args:
        scope[name] = args[name]
    elif equals:
        try:
            scope[name] = _default(default, scope)
        except Unknown:
            scope.pop(name, None)
    elif name in scope:  # some builders keep the value, some don't
        del scope[name]
    else:
        scope[name] = None


def _default(text: str, scope: Mapping[str, str | None]) -> str:
    """Return a value without its quotes. Raises Unknown."""
    quote = text[:1] if text[:1] in ("'", '"') else ""
    body = text.removeprefix(quote).removesuffix(quote) if quote and text.endswith(quote) and len(text) > 1 else text
    return fill(body, {} if quote == "'" else scope)  # without a name, $ has no meaning


def fill(text: str, scope: Mapping[str, str | None]) -> str:
    """Put values in the place of $NAME, ${NAME}, ${NAME:-word} and ${NAME:+word}. Raises Unknown."""
    made, here = "", 0
    while here < len(text):
        start = text.find("$", here)
        if start < 0:
            start = len(text)
        made += text[here:start]
        here = start
        if here < len(text):
            piece = _piece(text, here + 1)
            made += _value(piece, scope)
            here = piece.end
        if len(made) > MAX_LENGTH:
            raise Unknown(f"at most {MAX_LENGTH} characters")
    # SECURITY: of a blank, a quote or another $ the builders make something of their own
    if not IMAGE_CHARS.issuperset(made):
        raise Unknown("an image such as python:${VERSION}-slim")
    return made


def _piece(text: str, here: int) -> Piece:
    """Read the variable behind a $."""
    braces = text[here : here + 1] == "{"
    start = here = here + braces
    while text[here : here + 1] in NAME:
        here += 1
    name = text[start:here]
    end = text.find("}", here) if braces else here
    if not name or name[0] in DIGITS or end < 0:
        raise Unknown("a variable such as ${VERSION}")
    return Piece(name, text[here:end], end + braces)


def _value(piece: Piece, scope: Mapping[str, str | None]) -> str:
    """Return what one variable stands for."""
    if piece.name in OWN:
        raise Unknown(f"no {piece.name}: a build is for the platform of the host")
    if piece.name not in scope:
        raise Unknown(f"a variable that has its value above the first FROM: ARG {piece.name}=VALUE")
    value = scope[piece.name]
    mark, word = piece.rest[:2], piece.rest[2:]
    if mark and (mark not in (":-", ":+") or not IMAGE_CHARS.issuperset(word)):
        raise Unknown("${NAME}, ${NAME:-word} or ${NAME:+word}")
    if mark:
        return word if bool(value) == (mark == ":+") else value or ""
    if value is None:
        raise Unknown(f"a variable that has a value: ARG {piece.name}=VALUE, or --build-arg {piece.name}=VALUE")
    return value
