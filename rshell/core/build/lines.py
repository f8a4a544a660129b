"""A Dockerfile to its instructions, each in one line.

Source: github.com/moby/buildkit frontend/dockerfile/parser/parser.go. The builders, and their versions,
differ in comments inside of continuations, doubled backslashes, directives and here-documents. None of
that is left here: what is not refused is written in the one way in which all read it.
"""

from __future__ import annotations

from rshell.core.parts import images
from rshell.core.values import DIGITS, NAME_CHARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

BLANK = " \t"
DIRECTIVES = ("syntax", "escape")
HERE_DOCUMENT = "<<"
QUOTES = frozenset("'\"\\`")
MARK = "\ufeff"  # of the byte order
MAX_WORD = 80  # characters of a word that are looked at, or shown
FORM = "RUN cat > FILE <<'END'"


class Wrong(Exception):
    """A part that may not be in a Dockerfile: the number of its line, the part, what may be there."""

    def __init__(self, line: int, part: str, expected: str) -> None:
        super().__init__(f"line {line}: {part}")
        self.line, self.part, self.expected = line, part, expected

    def place(self, text: str) -> tuple[int, tuple[int, int]]:
        """Find the part in the text: the number of its line, start and end in that."""
        lines = lines_of(text)
        word = self.part.split(" ")[-1]
        for number in range(self.line, len(lines) + 1):  # perhaps where the instruction is continued
            start = lines[number - 1].upper().find(word.upper())
            if start >= 0:
                return number, (start, start + len(word))
            if not lines[number - 1].rstrip(BLANK).endswith("\\"):
                break
        return self.line, (0, len(lines[self.line - 1]))


def lines_of(text: str) -> list[str]:
    """Split a text where all builders do: a \\r in front of \\n, and the mark of the byte order, are no part of it."""
    return [line.removesuffix("\r") for line in text.removeprefix(MARK).split("\n")]


def instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """Read a Dockerfile line by line.

    Yields of each instruction the number of its first line, its name in capitals, the rest in one line.
    Raises Wrong.
    """
    lines = lines_of(text)
    _check_characters(lines)
    alone = frozenset(line.strip(BLANK) for line in lines)
    here, begun, has_shell = 0, False, False
    while here < len(lines):
        number = here + 1
        line, here = _joined(lines, here)
        if line.startswith("#") and not begun:
            _directive(number, line)
        if not line or line.startswith("#"):
            continue
        begun = True
        name, rest = split(line)
        name = name.upper()
        if rest.endswith("\\"):  # SECURITY: it would take the next line in
            raise Wrong(number, "\\", "no backslash at the end of an instruction")
        body = _body(number, line, lines, here) if name == "RUN" else None
        if body is not None:
            here += len(body) + 1
            rest = _script(number, rest, body, has_shell)
        elif name == "RUN":
            _check_none(number, rest, alone)
        has_shell = has_shell or name == "SHELL"
        yield number, name, rest


def _check_characters(lines: list[str]) -> None:
    """SECURITY: what is a blank, or the end of a line, to one builder and not to another must not be there."""
    for number, line in enumerate(lines, 1):
        if not line.replace("\t", "").isprintable():
            raise Wrong(number, "a control or format character", "printable characters")


def _joined(lines: list[str], here: int) -> tuple[str, int]:
    """Return a line with those that continue it, and the index of the next. A comment is not continued."""
    line, more = _continued(lines[here].strip(BLANK))
    here += 1
    if line.startswith("#"):
        return line, here
    while more and here < len(lines):
        part = lines[here]
        here += 1
        if part.strip(BLANK)[:1] not in ("", "#"):
            part, more = _continued(part)
            line += part
    return line.strip(BLANK), here


def _continued(line: str) -> tuple[str, bool]:
    """Take the backslash off that continues a line. Of two, the builders make different things."""
    body = line.rstrip(BLANK)
    return (body[:-1], True) if body.endswith("\\") and not body.endswith("\\\\") else (line, False)


def _body(number: int, line: str, lines: list[str], here: int) -> list[str] | None:
    """Return the here-document of a RUN, if it has one that is understood here. Raises Wrong if it has no end."""
    word, tabs = _delimiter(line)
    if not word:
        return None
    for end in range(here, len(lines)):
        if (lines[end].lstrip("\t") if tabs else lines[end]) == word:
            return lines[here:end]
    raise Wrong(number, HERE_DOCUMENT, f"a line further down that is {word} and nothing else")


def _check_none(number: int, rest: str, alone: frozenset[str]) -> None:
    """Refuse a here-document in a RUN that is not understood here. A shift, or <<<, is none.

    SECURITY: what is data to one builder is instructions to another. To BuildKit a word that is, once unquoted
    and expanded, [0-9]*<<-?WORD is one (parser.go, reHeredoc); to the classic builder none is.
    alone: what stands on a line of its own; the end of what is a here-document to sh.
    """
    braces = rest.find("${")
    end = 0
    while (start := rest.find(HERE_DOCUMENT, end)) >= 0:
        end = start + 2
        while rest[end : end + 1] == "<":
            end += 1
        if end - start > 2:  # no here-document, in bash either
            continue
        first = start
        while first and rest[first - 1] in DIGITS:
            first -= 1
        begins = not first or rest[first - 1] in BLANK + "\\" or 0 <= braces < start
        after = rest[end : end + MAX_WORD]
        if begins and after[:1] not in ("", *BLANK):
            word = split(rest[first : first + MAX_WORD])[0]
            raise Wrong(number, HERE_DOCUMENT, f"{FORM}, one, without quotes in front; {word} begins a here-document")
        if _name(after) in alone:
            raise Wrong(number, HERE_DOCUMENT, f"{FORM}, with a blank in front of << and none behind it")


def _name(text: str) -> str:
    """Return the word by which sh would end a here-document."""
    text = text.lstrip(BLANK + "-'\"\\")
    end = 0
    while text[end : end + 1] and text[end] in NAME_CHARS:
        end += 1
    return text[:end] or BLANK  # that stands on no line


def _delimiter(line: str) -> tuple[str, bool]:
    """Return the word that ends the here-document of a line, '' for none, and whether tabs in front go."""
    before, _, after = line.partition(HERE_DOCUMENT)
    written = after.replace("\t", " ").split(" ")[0]
    tabs, word = written.startswith("-"), written.removeprefix("-")
    if word[:1] in ("'", '"') and word[0] == word[-1]:
        word = word[1:-1]
    plain = word and NAME_CHARS.issuperset(word) and HERE_DOCUMENT not in after
    return (word, tabs) if plain and before[-1] in BLANK and not QUOTES.intersection(before) else ("", False)


def _script(number: int, rest: str, body: list[str], has_shell: bool) -> str:
    """Write RUN with a here-document as the list that BuildKit makes of it (convert.go, dispatchRun)."""
    word, tabs = _delimiter("RUN " + rest)
    if has_shell or rest.startswith("--") or "".join(body[:1]).startswith("#!"):
        raise Wrong(number, HERE_DOCUMENT, "a here-document for sh: without options, SHELL and #!")
    text = "".join(line + "\n" for line in body)
    if rest.startswith(HERE_DOCUMENT) and not split(rest)[1]:
        text = "".join(line.lstrip("\t") + "\n" for line in body) if tabs else text
    else:
        text = f"{rest}\n{text}{word}"
    for char, spelled in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("<", "\\u003c")):
        text = text.replace(char, spelled)
    return f'["/bin/sh", "-c", "{text}"]'


def _directive(number: int, line: str) -> None:
    """Refuse what changes how a file is read; `# syntax` of docker's own image is dropped, as comments are.

    SECURITY: `# syntax` names an image that reads the file in our place; `# escape` changes what joins lines.
    """
    name, equals, value = line[1:].partition("=")
    name = name.strip(BLANK).lower()
    if not equals or name not in DIRECTIVES or (name == "syntax" and _is_docker_s(value.strip(BLANK))):
        return
    expected = "# syntax=docker/dockerfile:1, or none" if name == "syntax" else "no directive: a \\ continues a line"
    raise Wrong(number, line, expected)


def _is_docker_s(image: str) -> bool:
    parsed = images.parse(image)
    return parsed is not None and (parsed.registry, parsed.repository) == (images.DEFAULT_REGISTRY, "docker/dockerfile")


def split(line: str) -> tuple[str, str]:
    """Split at the first blank: what is before, what is behind."""
    first, *rest = line.replace("\t", " ").split(" ", 1)
    return first, line[len(first) :].strip(BLANK) if rest else ""
