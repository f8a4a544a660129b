"""What no text may hold, wherever it comes from: a typed line, words that the front sends to the gate."""

from __future__ import annotations

from rshell import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Refusal

MAX_LINE = 32 * 1024  # bytes, here-documents apart
MAX_TEXT = 256 * 1024  # bytes of one here-document


def screen(text: str, most: int) -> Refusal | None:
    """Refuse a text for its characters or its size alone.

    most: bytes that it may have.
    """
    unseen = characters(text)
    if unseen is not None:
        return unseen
    return say.refuse("line.size", line=text, at=(0, 0), limit=str(most)) if len(text.encode()) > most else None


def characters(text: str) -> Refusal | None:
    """Refuse control, format, bidi, unassigned and private characters and lone surrogates, quoted or not.

    SECURITY: they hide text from people, forge log lines and terminal titles.
    """
    if text.replace("\n", "").replace("\t", "").isprintable():
        return None
    index, char = next((i, char) for i, char in enumerate(text) if not char.isprintable() and char not in "\n\t")
    code = "line.encoding" if "\ud800" <= char <= "\udfff" else "line.character"
    return say.refuse(code, line=text, at=(index, index + 1), character=f"U+{ord(char):04X}")
