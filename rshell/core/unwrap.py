"""The wrappers that agents put around a line: sudo, bash -c, Hermes' SSH backend.

Recognised as exact templates; nothing here interprets a script, and no shell is started.
"""

from __future__ import annotations

from rshell.core import line
from rshell.core.model import Refusal
from rshell.core.value import Value
from rshell.core.values import NAME_CHARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rshell.core.model import Word

SHELL_FLAGS = ("-c", "-l", "-lc", "-cl", "--login")
SUDO_FLAGS = frozenset(("-n", "-S", "-nS", "-Sn", "--non-interactive", "--stdin"))

# Hermes: tools/environments/ssh.py and base.py of NousResearch/hermes-agent, as sent in 2026.
HERMES_BEFORE = (
    'export AI_AGENT="${AI_AGENT:-hermes-agent}" HERMES_AGENT="${HERMES_AGENT:-true}"',
    'export GIT_PAGER="${GIT_PAGER:-cat}" PAGER="${PAGER:-cat}"',
)
HERMES_CD = ("builtin cd -- ", " || exit 126")
HERMES_AFTER = ("__hermes_ec=$?", "umask 077")
HERMES_MARKER = ("printf '\\n__HERMES_CWD_", "__%s__HERMES_CWD_", '__\\n\' "$(pwd -P)"')
HERMES_EXIT = "exit $__hermes_ec"
HEX = frozenset("0123456789abcdef")
PATH_CHARS = NAME_CHARS | frozenset("/")


class Hermes(Value):
    """What Hermes' wrapper carries: where to go first, the line, the id of the marker to print last."""

    directory: str
    payload: str
    marker: str


def sudo(words: Sequence[Word]) -> int | None:
    """Count the words of `sudo [-n] [-S] [-p TEXT]` in front; None when it has another option."""
    count = 1
    while count < len(words) and words[count].text.startswith("-"):
        text = words[count].text
        if words[count].holes:
            return None
        if text == "--":
            return count + 1
        if text == "-p" and count + 1 < len(words):
            count += 1
        elif text not in SUDO_FLAGS:
            return None
        count += 1
    return count


def shell_line(words: Sequence[Word]) -> Word | None:
    """Return LINE of `bash [-l] -c LINE` when that is all there is."""
    if any(word.holes for word in words[:-1]):
        return None
    flags = [word.text for word in words[1:-1]]
    if flags in (["-c"], ["-lc"], ["-cl"], ["-l", "-c"], ["--login", "-c"]):
        return words[-1]
    return None


def hermes(text: str) -> Hermes | None:
    """Recognise the script that Hermes' SSH backend wraps every command in, line for line.

    Returns None for anything else. Older versions send no `export` lines; those are optional.
    """
    opening, separator, rest = text.partition("\neval ")
    if not separator:
        return None
    lines = opening.split("\n")
    while lines and lines[0] in HERMES_BEFORE:
        del lines[0]
    payload, separator, closing = rest.rpartition("\n" + HERMES_AFTER[0] + "\n")
    marker = _hermes_marker(closing.removesuffix("\n").split("\n"))
    if len(lines) != 1 or not separator or not marker:
        return None
    if not lines[0].startswith(HERMES_CD[0]) or not lines[0].endswith(HERMES_CD[1]):
        return None
    directory = _directory(lines[0].removeprefix(HERMES_CD[0]).removesuffix(HERMES_CD[1]))
    if not directory:
        return None
    inner = _single_word(payload)
    return None if inner is None else Hermes(directory, inner, marker)


def _hermes_marker(lines: list[str]) -> str:
    """Return the twelve hex digits of the lines that print the working directory, or ''."""
    if len(lines) != 3 or lines[0] != HERMES_AFTER[1] or lines[2] != HERMES_EXIT:
        return ""
    start, middle, end = HERMES_MARKER
    marker = lines[1][len(start) : len(start) + 12]
    return marker if lines[1] == f"{start}{marker}{middle}{marker}{end}" and HEX.issuperset(marker) else ""


def _directory(text: str) -> str:
    """Return the directory that a word names, `~` for the home kept as it is; '' if it is none we take."""
    if text == "~" or (text.startswith("~/") and PATH_CHARS.issuperset(text[1:])):
        return text
    word = _single_word(text)
    return "" if not word or word[0] in "~-" else word  # a quoted ~ is a directory of that name


def _single_word(text: str) -> str | None:
    """Return the one literal word that a text is, from its first to its last character."""
    script = line.parse(text)
    if isinstance(script, Refusal) or len(script.items) != 1 or len(script.items[0][1]) != 1:
        return None
    simple = script.items[0][1][0]
    if len(simple.words) != 1 or simple.redirects or simple.text is not None:
        return None
    word = simple.words[0]
    return word.text if word.span == (0, len(text)) and not word.holes else None
