"""The fields of an option that docker splits further, and what to say of a wrong one.

Source: Go's encoding/csv, Reader.Read with its defaults: comma, quotes only around a whole field, doubled inside.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.parts.mounts import Mount

ENDS = frozenset(",:\"' ")  # what may stand behind a part of a value
STARTS = ENDS | frozenset("=")  # and in front of it


class Wrong(Exception):
    """A value that may not be.

    part: the text of the exact part that is wrong; `key=` for a field by its key; '' for the whole value.
    expected: what may be instead. better: the nearest value that may be, if there is one.
    """

    def __init__(self, part: str, expected: str, better: Mount | str = "") -> None:
        super().__init__(f"{part}: {expected}")
        self.part, self.expected, self.better = part, expected, better


def read(text: str) -> tuple[str, ...]:
    """Read the one record of a text.

    Returns its fields. Raises Wrong where Go reads none, or something else than the whole text.
    """
    if not text or not text.isprintable():  # SECURITY: docker stops at the first end of a line
        raise Wrong("", "fields with commas between them")
    if '"' not in text:
        return tuple(text.split(","))
    found, here = [], 0
    while True:
        field, here = _quoted(text, here + 1) if text[here : here + 1] == '"' else _plain(text, here)
        found.append(field)
        if here == len(text):
            return tuple(found)
        if text[here] != ",":
            raise Wrong("", "quotes around whole fields")
        here += 1


def _plain(text: str, start: int) -> tuple[str, int]:
    end = text.find(",", start)
    end = len(text) if end < 0 else end
    field = text[start:end]
    if '"' in field:
        raise Wrong(field, "quotes around whole fields")
    return field, end


def _quoted(text: str, start: int) -> tuple[str, int]:
    """Read from behind the opening quote; return the field and where the text goes on."""
    parts = []
    while True:
        end = text.find('"', start)
        if end < 0:
            raise Wrong("", "a quote at the end of the field")
        parts.append(text[start:end])
        if text[end + 1 : end + 2] != '"':
            return "".join(parts), end + 1
        parts.append('"')
        start = end + 2


def locate(value: str, part: str) -> tuple[int, int]:
    """Find where a part stands in a value; the whole value if it is not there as it is."""
    start = value.find(part) if part else -1
    while start >= 0:
        end = start + len(part)
        if part[-1] == "=":
            return start, min((at for at in (value.find(one, end) for one in ENDS) if at >= 0), default=len(value))
        if (not start or value[start - 1] in STARTS) and (end == len(value) or value[end] in ENDS):
            return start, end
        start = value.find(part, start + 1)
    start = value.find(part) if part else -1
    return (start, start + len(part)) if start >= 0 else (0, len(value))
