"""Text to Script: the shell language that rshell speaks, with a span for every word.

A line means what it means in dash and bash, or it is refused; so no character is ever passed over.
Nothing here knows a program or a policy.

Source of the language: POSIX.1-2017, XCU 2; dash(1); bash(1). Where the two shells differ, refused.
"""

from __future__ import annotations

from rshell import say
from rshell.core.model import Redirect, Refusal, Script, Simple, Word
from rshell.core.reading import NAME, NAME_START, Reading, Stop
from rshell.core.screen import MAX_LINE, MAX_TEXT, characters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Span

MAX_COMMANDS = 16
MOST_PLAIN = 512  # characters in which plain words are looked for: a long line must not be searched again and again

BLANK = " \t"
OPERATOR = ";&|<>()"
# Characters that end a run of plain text outside quotes. Whatever is not in here is itself.
SPECIAL = frozenset(BLANK + "\n" + OPERATOR + "\\'\"$`*?[~")
UNPLAIN = "".join(sorted(SPECIAL - {" "} | {"{", "#"}))
DOLLAR_ALONE = frozenset(BLANK + "\n" + ';&|)/.,:%+=^"')  # after these a `$` is itself in every shell
PARAMETERS = ("?", "HOME", "USER")
PIPEFAIL = ["set", "-o", "pipefail"]
NULL = -1


def parse(text: str) -> Script | Refusal:
    """Read one line (or several, by newlines) of the shell language.

    text: what was typed, at most MAX_LINE bytes without here-documents.
    Returns the Script, or a Refusal of kind `unsupported`; the code `line.unfinished` means that more
    text could still complete it.
    """
    unseen = characters(text)
    if unseen is not None:
        return unseen
    try:
        script = _Parser(text).script()
        _check_size(text, script)
    except Stop as stop:
        return say.refuse(stop.code, line=text, at=stop.span, **stop.fields)
    return script


def _check_size(text: str, script: Script) -> None:
    commands = [simple for _, pipeline in script.items for simple in pipeline]
    if len(commands) > MAX_COMMANDS:
        raise Stop("line.commands", commands[MAX_COMMANDS].span, limit=str(MAX_COMMANDS))
    outside = len(text.encode())
    for simple in commands:
        size = len((simple.text or "").encode())
        if size > MAX_TEXT:
            raise Stop("line.text-size", simple.span, limit=str(MAX_TEXT))
        outside -= size
    if outside > MAX_LINE:
        raise Stop("line.size", (0, 0), limit=str(MAX_LINE))


class _Parser:
    """Recursive descent over characters. `here` is the next one."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LINE + MAX_TEXT:
            raise Stop("line.size", (0, 0), limit=str(MAX_LINE))
        self.text = text
        self.end = len(text)
        self.here = 0
        self.waiting: list[tuple[str, Span]] = []  # here-documents whose body comes after this line
        self.bodies: list[str] = []

    # -- lists and pipelines --

    def script(self) -> Script:
        items: list[tuple[str, tuple[Simple, ...]]] = []
        operator = ""
        while True:
            self._skip_lines()
            if self.here >= self.end:
                break
            items.append((operator, self._pipeline()))
            operator = self._list_operator()
            if not operator:
                break
            if operator != ";":
                self._skip_lines()
                if self.here >= self.end:
                    raise Stop("line.unfinished", (self.end, self.end), what=f"a command after {operator}")
        if self.waiting:
            raise Stop("line.unfinished", self.waiting[0][1], what="the end of the here-document")
        pipefail = _is_pipefail(items)
        if pipefail:
            items = [("", items[1][1]), *items[2:]] if items[1:] else []
        return Script(self.text, self._place_bodies(items), pipefail)

    def _place_bodies(self, items: list[tuple[str, tuple[Simple, ...]]]) -> tuple[tuple[str, tuple[Simple, ...]], ...]:
        if not self.bodies:
            return tuple(items)
        bodies = iter(self.bodies)
        return tuple(
            (op, tuple(s if s.text is None else s.but(text=next(bodies)) for s in pipeline)) for op, pipeline in items
        )

    def _list_operator(self) -> str:
        """Return what joins the next pipeline to this one: ; (also for a newline) && || or nothing."""
        self._skip_blanks()
        for spelling in ("&&", "||"):
            if self.text.startswith(spelling, self.here):
                self.here += 2
                return spelling
        if self.here >= self.end:
            return ""
        if self.text[self.here] == "\n":
            self._newline()
            return ";"
        if self.text.startswith(";;", self.here):
            raise Stop("line.syntax", (self.here, self.here + 2))
        if self.text[self.here] == ";":
            self._operator(1, ";&")
            return ";"
        return self._refuse_operator()

    def _operator(self, length: int, longer: str) -> None:
        """Step over an operator. SECURITY: refuse one that a continued line makes longer."""
        start = self.here
        self.here += length
        while self.text.startswith("\\\n", self.here):
            self.here += 2
        if self.here > start + length and self.text[self.here : self.here + 1] in tuple(longer):
            raise Stop("line.syntax", (start, self.here + 1))

    def _refuse_operator(self) -> str:
        char = self.text[self.here]
        code = {"&": "line.background", "(": "line.subshell", ")": "line.subshell"}.get(char, "line.syntax")
        raise Stop(code, (self.here, self.here + 1))

    def _pipeline(self) -> tuple[Simple, ...]:
        stages = [self._simple()]
        while True:
            self._skip_blanks()
            if not self.text.startswith("|", self.here) or self.text.startswith("||", self.here):
                return tuple(stages)
            if self.text.startswith("|&", self.here):
                raise Stop("line.pipe-both", (self.here, self.here + 2))
            self._operator(1, "|&")
            self._skip_lines()
            if self.here >= self.end:
                raise Stop("line.unfinished", (self.end, self.end), what="a command after |")
            stages.append(self._simple())

    # -- simple commands --

    def _simple(self) -> Simple:
        start = self.here
        words: list[Word] = []
        redirects: list[Redirect] = []
        document = False
        while True:
            self._skip_blanks()
            if words and (plain := self._plain()):
                words += plain
                continue
            if self.here >= self.end or self.text[self.here] in "\n;|)(":
                break
            if self.text[self.here] == "&" and not self.text.startswith("&>", self.here):
                break
            if self.text[self.here] in "<>&":
                document |= self._redirect(redirects, "", self.here)
                continue
            word = self._word(command=not words)
            if self._is_descriptor(word):
                document |= self._redirect(redirects, word.text, word.span[0])
                continue
            words.append(word)
        if not words:
            at = (self.here, min(self.here + 1, self.end))
            if not redirects and self.here < self.end and self.text[self.here] in "&()":
                self._refuse_operator()
            raise Stop("line.syntax" if not redirects else "line.redirect-alone", at)
        if document and any(redirect.fd == 0 for redirect in redirects):
            raise Stop("line.redirect", (start, self.here))
        return Simple(tuple(words), tuple(redirects), "" if document else None, (start, words[-1].span[1]))

    def _is_descriptor(self, word: Word) -> bool:
        """Tell whether a word glued to < or > is the number of a descriptor."""
        if self.here >= self.end or self.text[self.here] not in "<>":
            return False
        if word.text.startswith("{") and word.text.endswith("}"):
            raise Stop("line.redirect", (word.span[0], self.here + 1))  # bash: {name}>file; dash: a word
        return word.text.isdigit() and word.text.isascii() and not word.quoted and not word.holes

    def _redirect(self, redirects: list[Redirect], number: str, start: int) -> bool:
        """Read one redirection whose operator is here. Return whether it is a here-document.

        number: the digits before the operator, or ''. start: where they begin.
        """
        operator = next(
            op for op in ("&>>", "&>", "<<<", "<<", "<&", "<>", "<", ">>", ">&", ">|", ">")
            if self.text.startswith(op, self.here)
        )  # fmt: skip
        self._operator(len(operator), "<>&|-(")
        if self.text.startswith("(", self.here):
            raise Stop("line.substitution", (start, self.here + 1))
        if operator == "<<" and number in ("", "0"):
            self._here_document(start)
            return True
        if operator == "<<<":
            raise Stop("line.here-string", (start, self.here))
        self._skip_blanks()
        if self.here >= self.end or self.text[self.here] in "\n" + OPERATOR:
            raise Stop("line.syntax", (start, self.here))
        target = self._word(command=False)
        span = (start, self.here)
        null = target.text == "/dev/null" and not target.holes
        if operator in ("&>", "&>>") and null:
            redirects += [Redirect(1, NULL), Redirect(2, NULL)]
        elif operator in (">", ">>") and number in ("", "1", "2") and null:
            redirects.append(Redirect(int(number or 1), NULL))
        elif operator == "<" and number in ("", "0") and null:
            redirects.append(Redirect(0, NULL))
        elif operator == ">&" and self._is_duplicate(number or "1", target):
            redirects.append(Redirect(int(number or 1), int(target.text)))
        else:
            raise Stop("line.redirect", span)
        return False

    def _is_duplicate(self, number: str, target: Word) -> bool:
        """Tell whether N>&M is 2>&1 or >&2, and M is not read as the descriptor of a next operator (dash)."""
        plain = not target.quoted and not target.holes and self.text[self.here : self.here + 1] not in ("<", ">")
        return plain and (number, target.text) in (("2", "1"), ("1", "2"))

    def _here_document(self, start: int) -> None:
        if self.text.startswith("-", self.here):
            raise Stop("line.here-document", (start, self.here + 1))
        self._skip_blanks()
        if self.here >= self.end or self.text[self.here] in "\n" + OPERATOR:
            raise Stop("line.syntax", (start, self.here))
        delimiter = self._word(command=False)
        span = (start, self.here)
        # SECURITY: what follows an unquoted delimiter is expanded by a shell
        if not delimiter.quoted or not delimiter.text or "\n" in delimiter.text or delimiter.holes:
            raise Stop("line.here-document", span)
        if self.waiting or self.bodies:
            raise Stop("line.text-twice", span)
        self.waiting.append((delimiter.text, span))

    def _newline(self) -> None:
        """Step over a newline and the here-documents that begin after it."""
        self.here += 1
        while self.waiting:
            delimiter, span = self.waiting[0]
            begin = self.here
            while True:
                if self.here >= self.end:
                    raise Stop("line.unfinished", span, what="the end of the here-document")
                stop = self.text.find("\n", self.here)
                stop = self.end if stop < 0 else stop
                line, at, self.here = self.text[self.here : stop], self.here, min(stop + 1, self.end)
                if line == delimiter:
                    break
            self.bodies.append(self.text[begin:at])
            del self.waiting[0]

    # -- words --

    def _skip_blanks(self) -> None:
        """Step over blanks, continued lines and a comment."""
        while self.here < self.end:
            char = self.text[self.here]
            if char in BLANK:
                self.here += 1
            elif char == "\\" and self.text.startswith("\n", self.here + 1):
                self.here += 2
            elif char == "#":
                stop = self.text.find("\n", self.here)
                self.here = self.end if stop < 0 else stop
            else:
                return

    def _skip_lines(self) -> None:
        self._skip_blanks()
        while self.here < self.end and self.text[self.here] == "\n":
            self._newline()
            self._skip_blanks()

    def _plain(self) -> list[Word]:
        """Read the words before the next one in which anything is special: most of a line is so."""
        stop = min(self.end, self.here + MOST_PLAIN)
        for char in UNPLAIN:
            at = self.text.find(char, self.here, stop)
            stop = stop if at < 0 else at
        if stop < self.end:
            stop = self.text.rfind(" ", self.here, stop) + 1
        words = []
        at = self.here
        for text in self.text[at:stop].split(" ") if stop else ():
            if text:
                words.append(Word(text, (at, at + len(text)), False, ()))
            at += len(text) + 1
        self.here = max(self.here, stop)
        return words

    def _word(self, command: bool) -> Word:
        """Read the word that starts here. command: it is the first of its command."""
        word = Reading(self.here)
        text = self.text
        while self.here < self.end:
            start = self.here
            while self.here < self.end and text[self.here] not in SPECIAL:
                self.here += 1
            word.bare(text[start : self.here])
            if self.here >= self.end or text[self.here] in BLANK or text[self.here] in "\n" + OPERATOR:
                break
            self._special(word)
        made = word.made(self.here)
        if command:
            word.check_command(made, text)
        word.check_braces(made)
        return made

    def _special(self, word: Reading) -> None:
        """Read one special character, and what belongs to it, into the word."""
        char, start = self.text[self.here], self.here
        self.here += 1
        if char == "'":
            stop = self.text.find("'", self.here)
            if stop < 0:
                raise Stop("line.unfinished", (start, self.end), what="the closing '")
            word.quote(self.text[self.here : stop])
            self.here = stop + 1
        elif char == '"':
            self._double(word, start)
        elif char == "\\":
            self._backslash(word, start)
        elif char == "$":
            self._dollar(word, start, quoted=False)
        elif char == "`":
            raise Stop("line.substitution", (start, start + 1))
        elif char in "*?[":
            raise Stop("line.glob", (start, start + 1), character=char)
        elif char == "~" and (not word.parts or word.last in ("=", ":")):
            raise Stop("line.tilde", (start, start + 1))
        else:
            word.bare(char)

    def _backslash(self, word: Reading, start: int) -> None:
        if self.here >= self.end:
            raise Stop("line.unfinished", (start, self.end), what="the character after \\")
        if self.text[self.here] != "\n":
            word.quote(self.text[self.here])
        self.here += 1

    def _double(self, word: Reading, start: int) -> None:
        """Read the rest of a double-quoted string. XCU 2.2.3."""
        word.quote("")
        while True:
            if self.here >= self.end:
                raise Stop("line.unfinished", (start, self.end), what='the closing "')
            char, at = self.text[self.here], self.here
            self.here += 1
            if char == '"':
                return
            if char == "`":
                raise Stop("line.substitution", (at, at + 1))
            if char == "$":
                self._dollar(word, at, quoted=True)
            elif char == "\\" and self.text[self.here : self.here + 1] in tuple('$`"\\\n'):
                if self.text[self.here] != "\n":
                    word.quote(self.text[self.here])
                self.here += 1
            else:
                word.quote(char)

    def _dollar(self, word: Reading, start: int, quoted: bool) -> None:
        """Read a parameter, or a `$` that is only itself. SECURITY: everything else is expansion."""
        follow = self.text[self.here : self.here + 1]
        if quoted and not follow:
            raise Stop("line.unfinished", (start, self.end), what='the closing "')
        if (quoted and follow in DOLLAR_ALONE) or (not quoted and (not follow or follow in DOLLAR_ALONE - {'"'})):
            word.put("$", quoted)
            return
        if follow == "(":
            raise Stop("line.substitution", (start, self.here + 1))
        if follow in ("'", '"') and not quoted:
            raise Stop("line.quoting", (start, self.here + 1))
        braces = follow == "{"
        begin = self.here + braces
        stop = begin + 1
        if self.text[begin : begin + 1] in NAME_START:
            while stop < self.end and self.text[stop] in NAME:
                stop += 1
        name = self.text[begin:stop]
        closed = not braces or self.text[stop : stop + 1] == "}"
        glued = self.text.startswith("\\\n", stop)  # a continued line would go on with the name
        if name not in PARAMETERS or not closed or (glued and not braces):
            raise Stop("line.parameter", (start, min(stop + braces, self.end)))
        self.here = stop + braces
        word.hole(name)


def _is_pipefail(items: list[tuple[str, tuple[Simple, ...]]]) -> bool:
    """Tell whether a script begins with a plain `set -o pipefail`, whose success lets the rest run."""
    if not items or len(items[0][1]) > 1 or (items[1:] and items[1][0] == "||"):
        return False
    first = items[0][1][0]
    plain = not first.redirects and first.text is None and not any(word.holes for word in first.words)
    return plain and [word.text for word in first.words] == PIPEFAIL
