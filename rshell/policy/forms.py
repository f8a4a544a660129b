"""Forms: the exact words that a command, or a service, may be given, with typed holes."""

from __future__ import annotations

from rshell.core import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.policy.tree import Node, Reader


def read_forms(reader: Reader, node: Node, empty: bool = False) -> tuple[tuple[tuple[object, ...], ...], ...]:
    """Read a list of forms. empty: whether one may be without words."""
    return tuple(_form(reader, item, empty) for item in reader.items(node, "a list of forms"))


def _form(reader: Reader, node: Node, empty: bool) -> tuple[tuple[object, ...], ...]:
    """Read `get {jail} banned`: words, each literal or with one typed hole."""
    words: list[tuple[object, ...]] = []
    for word in reader.text(node, empty).split():
        before, brace, rest = word.partition("{")
        kind, closed, after = rest.partition("}")
        if not brace:
            words.append((word,))
            continue
        if not closed or not kind or "{" in after:
            reader.error(node, f"`{word}`: expected one hole such as {{jail}} or {{a|b}}")
            continue
        try:
            made = values.read(kind) if kind in values.NAMED else values.literals(kind)
            words.append((before, made, after))
        except ValueError as error:
            reader.error(node, str(error))
    return tuple(words)
