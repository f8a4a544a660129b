"""What .dockerignore keeps out of a build context.

Source: github.com/moby/patternmatcher: the last pattern that matches a path, or a directory above it,
decides; ! takes back; * and ? stop at a slash, ** does not. In [ ], only letters, digits, _ and ranges: there,
regular expressions and Go's own patterns mean the same. ** in a part of its own: what it means elsewhere has
changed with the versions of docker.
"""

from __future__ import annotations

from rshell.core.parts import images
from rshell.core.value import Value
from rshell.core.values import ALNUM

TYPE_CHECKING = False
if TYPE_CHECKING:
    # what each character must be, None for any number of them; or a text whose only sign is *
    Part = str | tuple[frozenset[str] | None, ...]

MAX_PATTERNS = 200
CLASS = ALNUM | frozenset("_")
ANY: frozenset[str] = frozenset()  # in a part: one character, whichever


class Unclear(Exception):
    """A pattern that is not understood here."""


class Patterns(Value):
    """The patterns in their order: whether each leaves out, and its parts between slashes."""

    lines: tuple[tuple[bool, tuple[Part, ...]], ...]

    def leave_out(self, path: str) -> bool:
        """Tell whether a path is left out. The tar keeps directories that are not: they do no harm."""
        parts = tuple(path.split("/"))
        out = False
        for leaves, pattern in self.lines:
            if leaves != out and any(_fits(pattern, parts[:count]) for count in range(1, len(parts) + 1)):
                out = leaves
        return out

    def leave_out_all(self, path: str) -> bool:
        """Tell whether a path is left out with all that is below it."""
        return self.leave_out(path) and all(leaves for leaves, _ in self.lines)


def read(text: str) -> Patterns:
    """Read the file. Raises Unclear."""
    made: list[tuple[bool, tuple[Part, ...]]] = []
    for line in text.removeprefix("\ufeff").split("\n"):
        pattern = line.strip()
        if not pattern or line.startswith("#"):
            continue
        back = pattern.startswith("!")
        parts = [part for part in pattern.removeprefix("!").strip().split("/") if part not in ("", ".")]
        if parts:
            made.append((not back, tuple(_part(part, pattern) for part in parts)))
    if len(made) > MAX_PATTERNS:
        raise Unclear(f"more than {MAX_PATTERNS} patterns")
    return Patterns(tuple(made))


def _part(text: str, pattern: str) -> Part:
    """Read what is between two slashes. Raises Unclear for what is not surely understood here."""
    if "**" in text and text != "**":
        raise Unclear(f"'{pattern}': ** stands between slashes, such as **/{text.replace('**', '*')}")
    if text == ".." or "\\" in text:
        raise Unclear(f"'{pattern}': there is no .. and no backslash")
    try:
        return _signs(text) if {"?", "[", "]"}.intersection(text) else text
    except ValueError:
        raise Unclear(f"'{pattern}': in [ ] are letters, digits and ranges, such as [a-z0-9]") from None


def _signs(text: str) -> tuple[frozenset[str] | None, ...]:
    """Return what each character must be. Raises ValueError."""
    made: list[frozenset[str] | None] = []
    here = 0
    while here < len(text):
        char = text[here]
        here += 1
        if char == "[":
            end = text.index("]", here)
            made.append(_class(text[here:end]))
            here = end + 1
        elif char == "]":
            raise ValueError(text)
        else:
            made.append(None if char == "*" else ANY if char == "?" else frozenset(char))
    return tuple(made)


def _class(text: str) -> frozenset[str]:
    """Return the characters of [abc] or [a-z]. Raises ValueError for what is not both to Go and in a regexp."""
    found: set[str] = set()
    here = 0
    while here < len(text):
        first = last = text[here]
        if text[here + 1 : here + 2] == "-":
            last = text[here + 2 : here + 3]
            here += 2
        if not last or not CLASS.issuperset((first, last)) or first > last:
            raise ValueError(text)
        found.update(map(chr, range(ord(first), ord(last) + 1)))
        here += 1
    if not found:
        raise ValueError(text)
    return frozenset(found)


def _fits(pattern: tuple[Part, ...], parts: tuple[str, ...]) -> bool:
    """Match whole paths, part by part."""
    reached = {0}  # how many parts of the path the pattern so far can have taken
    for index, part in enumerate(pattern, 1):
        if part == "**":
            least = min(reached, default=len(parts) + 1) + (index == len(pattern))  # a/** is what is in a
            reached = set(range(least, len(parts) + 1))
        else:
            reached = {here + 1 for here in reached if here < len(parts) and _fits_part(part, parts[here])}
    return len(parts) in reached


def _fits_part(pattern: Part, text: str) -> bool:
    """Match one part: * is any characters, ? is one, [a-c] is one of them."""
    if isinstance(pattern, str):
        return images.matches(pattern, text)
    reached = {0}
    for sign in pattern:
        if sign is None:
            reached = set(range(min(reached, default=len(text) + 1), len(text) + 1))
        else:
            reached = {here + 1 for here in reached if here < len(text) and (not sign or text[here] in sign)}
    return len(text) in reached
