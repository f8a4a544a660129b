"""Patterns of images in policy.yaml: those that can match no reference are errors."""

from __future__ import annotations

from rshell.core import values
from rshell.core.parts import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.policy.tree import Node, Reader

CHARACTERS = values.IMAGE_CHARS | frozenset("*")
NEVER = ("docker.io/", "index.docker.io/", "library/")  # what a name as people say it does not begin with


def check_images(reader: Reader, node: Node, patterns: tuple[str, ...]) -> None:
    """Find patterns that no image has the name of.

    SECURITY: a name that protects nothing looks like one that does.
    """
    for pattern in patterns:
        expected = _expected(pattern)
        if expected:
            reader.error(node, f"`{pattern}`: expected {expected}")


def _expected(pattern: str) -> str:
    """Say how an image would have to be written, '' where the pattern is right."""
    name, tag, digest = images.parts_of(pattern)
    if tag and digest:
        return "a tag or a digest: docker goes by the digest alone"
    if "*" in pattern:
        odd = not name or pattern.startswith(NEVER) or pattern[-1] in ":@" or not CHARACTERS.issuperset(pattern)
        return images.SHAPE if odd else ""
    read = images.parse(pattern)
    if read is None:
        return images.SHAPE
    plain = read.familiar() + (f":{tag}" if tag else f"@{digest}" if digest else "")
    return "" if pattern == plain else f"`{plain}`"
