"""What .dockerignore keeps out of a build context.

Source: github.com/moby/patternmatcher: the last pattern that matches a path, or a directory above it,
decides; ! takes back; * and ? stop at a slash, ** does not.
"""

from __future__ import annotations

from rshell.core.value import Value

MAX_PATTERNS = 200
UNCLEAR = frozenset("[]\\")


class Unclear(Exception):
    """A pattern that is not understood here."""


class Patterns(Value):
    """The patterns in their order: whether each leaves out, and its parts between slashes."""

    lines: tuple[tuple[bool, tuple[str, ...]], ...]

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
    made: list[tuple[bool, tuple[str, ...]]] = []
    for line in text.removeprefix("\ufeff").split("\n"):
        pattern = line.strip()
        if not pattern or line.startswith("#"):
            continue
        back = pattern.startswith("!")
        parts = [part for part in pattern.removeprefix("!").strip().split("/") if part not in ("", ".")]
        if UNCLEAR.intersection(pattern) or ".." in parts or any("**" in part and part != "**" for part in parts):
            raise Unclear(f"'{pattern}': only * ** ? and ! are understood here")
        if parts:
            made.append((not back, tuple(parts)))
    if len(made) > MAX_PATTERNS:
        raise Unclear(f"more than {MAX_PATTERNS} patterns")
    return Patterns(tuple(made))


def _fits(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Match whole paths, part by part."""
    reached = {0}  # how many parts of the path the pattern so far can have taken
    for index, part in enumerate(pattern, 1):
        if part == "**":
            least = min(reached, default=len(parts) + 1) + (index == len(pattern))  # a/** is what is in a
            reached = set(range(least, len(parts) + 1))
        else:
            reached = {here + 1 for here in reached if here < len(parts) and _fits_part(part, parts[here])}
    return len(parts) in reached


def _fits_part(pattern: str, text: str) -> bool:
    """Match one part: * is any characters, ? is one."""
    reached = {0}
    for char in pattern:
        if char == "*":
            reached = set(range(min(reached, default=len(text) + 1), len(text) + 1))
        else:
            reached = {here + 1 for here in reached if here < len(text) and char in ("?", text[here])}
    return len(text) in reached
