"""Which known word a mistyped one was meant to be."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """Return the known words nearest to a mistyped one, best first, none that are far off."""
    limit = max(1, len(word) // 3)
    # of two letters, one edit leaves nothing in common: then at least the first must be right
    alike = [other for other in known if len(word) > 2 or other[:1] == word[:1]]
    scored = [(distance(word, other, limit), other) for other in alike]
    return tuple(other for score, other in sorted(scored) if score <= limit)[:most]


def distance(left: str, right: str, limit: int) -> int:
    """Count the edits between two words (a swap of neighbours is one); limit + 1 when there are more.

    Source: optimal string alignment distance.
    """
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)
