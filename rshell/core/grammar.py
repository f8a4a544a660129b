"""Words to Invocation and back: exact replicas of pflag and getopt_long for what they accept.

Source: github.com/spf13/pflag flag.go (parseArgs, parseLongArg, parseSingleShortArg); getopt_long(3).
Stricter than both: no abbreviations, no repeated single values.
"""

from __future__ import annotations

from rshell.core import values
from rshell.core.model import Argument, Invocation, Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from rshell.core.model import Grammar, Option, Span


class Misread(Exception):
    """The program would not understand these words either, or we don't want to.

    fault: option | argument | missing | repeated | help | syntax
    """

    def __init__(self, fault: str, span: Span, option: str = "", value: str = "") -> None:
        self.fault, self.span, self.option, self.value = fault, span, option, value


def parse(grammar: Grammar, words: Sequence[Word]) -> Invocation:
    """Read the words after the command's name.

    Returns the options in the order given and the operands. Raises Misread.
    """
    reader = _Pflag(grammar, words) if grammar.parser == "pflag" else _Getopt(grammar, words)
    return reader.read()


class _Reader:
    """What both parsers share: a cursor over words, and what was read so far."""

    def __init__(self, grammar: Grammar, words: Sequence[Word]) -> None:
        self.grammar = grammar
        self.words = words
        self.next = 0
        self.arguments: list[Argument] = []
        self.once: dict[str, str | None] = {}  # options that may be given once, as they were
        self.operands: list[Word] = []

    def read(self) -> Invocation:
        words, total = self.words, len(self.words)
        while self.next < total:
            word = words[self.next]
            text = word.text
            self.next += 1
            if text == "--":
                if not self.grammar.dashes:
                    raise Misread("syntax", word.span)  # it could not be written out again
                self.operands += words[self.next :]
                break
            if text.startswith("--"):
                self.long(word)
            elif len(text) > 1 and text[0] == "-":
                self.short(word)
            elif not self.operand(word):
                self.operands += words[self.next :]
                break
        return Invocation(tuple(self.arguments), tuple(self.operands))

    def operand(self, word: Word) -> bool:
        """Take an operand. Return whether options may still follow."""
        if self.grammar.plus and len(self.words) == 1 and _is_number(word.text, "+"):
            self.add(self.grammar.options[self.grammar.plus], word.text, word.span)
            return True
        self.operands.append(word)
        return not self.grammar.stop

    def long(self, word: Word) -> None:
        name, equals, value = word.text[2:].partition("=")
        known = self.grammar.spellings.get("--" + name)
        if known is None:
            self.unknown(word, name)
        option = self.grammar.options[known]
        if equals:
            self.equals(option, value, word)
        elif option.kind in ("flag", "optional"):
            self.add(option, None, word.span)
        else:
            self.add_next(option, word)

    def unknown(self, word: Word, name: str) -> NoReturn:
        """Say what is wrong with a word whose long name is no option."""
        end = word.span[1] if word.quoted else min(word.span[1], word.span[0] + 2 + len(name))
        if not name or name[0] == "-":
            raise Misread("syntax", word.span)
        if name == "help":
            raise Misread("help", (word.span[0], end))
        raise Misread("option", (word.span[0], end), "--" + name)

    def short(self, word: Word) -> None:
        """Read a word that begins with one dash: each parser in its own way."""

    def equals(self, option: Option, value: str, word: Word) -> None:
        """Add an option whose value was glued on with `=`."""

    def lookup(self, spelling: str, span: Span) -> Option:
        name = self.grammar.spellings.get(spelling)
        if name is None:
            raise Misread("option", span, spelling)
        return self.grammar.options[name]

    def add_next(self, option: Option, word: Word) -> None:
        """Add an option whose value is the next word, whatever that looks like."""
        following = self.words[self.next] if self.next < len(self.words) else None
        if option.kind == "next" and (following is None or following.text[:1] in ("", "-", "!")):
            self.add(option, None, word.span)
            return
        if following is None:
            raise Misread("missing", word.span, option.name)
        self.next += 1
        if following.holes:
            raise Misread("argument", following.span, option.name)
        self.add(option, following.text, (word.span[0], following.span[1]))

    def add(self, option: Option, value: str | None, span: Span) -> None:
        name = option.name
        if not option.many:
            if name in self.once:
                if option.kind != "flag" or self.once[name] != value:
                    raise Misread("repeated", span, name)
                return  # -a -a: once is enough
            self.once[name] = value
        self.arguments.append(Argument(name, value, span))


class _Pflag(_Reader):
    """spf13/pflag, as docker and its plugins use it."""

    def equals(self, option: Option, value: str, word: Word) -> None:
        if option.kind != "flag":
            self.add(option, value, word.span)
        elif value in values.TRUE:
            self.add(option, None, word.span)
        elif value in values.FALSE:
            self.add(option, "false", word.span)
        else:
            raise Misread("argument", word.span, option.name, value)

    def short(self, word: Word) -> None:
        rest = word.text[1:]
        while rest:
            letter = rest[0]
            if letter == "h" and "-h" not in self.grammar.spellings:
                raise Misread("help", word.span)
            option = self.lookup("-" + letter, word.span)
            if len(rest) > 2 and rest[1] == "=":
                self.equals(option, rest[2:], word)
                return
            if option.kind in ("flag", "optional"):
                self.add(option, None, word.span)
                rest = rest[1:]
            elif len(rest) > 1:
                self.add(option, rest[1:], word.span)
                return
            else:
                self.add_next(option, word)
                return


class _Getopt(_Reader):
    """GNU getopt_long with permutation, and the obsolete -N of head, tail and grep."""

    def equals(self, option: Option, value: str, word: Word) -> None:
        if option.kind == "flag":
            raise Misread("argument", word.span, option.name, value)
        self.add(option, value, word.span)

    def short(self, word: Word) -> None:
        rest = word.text[1:]
        if self.grammar.numeric and self.next == 1 and _is_number(rest):
            self.add(self.grammar.options[self.grammar.numeric], rest, word.span)
            return
        while rest:
            letter, rest = rest[0], rest[1:]
            option = self.lookup("-" + letter, word.span)
            if option.kind in ("flag", "optional"):  # optional: only the long spelling takes a value
                self.add(option, None, word.span)
            elif not rest:
                self.add_next(option, word)
                return
            else:
                self.add(option, rest, word.span)
                return


def _is_number(text: str, before: str = "") -> bool:
    digits = text.removeprefix(before)
    return text == before + digits and bool(digits) and values.DIGITS.issuperset(digits)


def spell(grammar: Grammar, argument: Argument) -> str:
    """Write one option out in one word: --name, --name=value, or its `emit` spelling."""
    option = grammar.options[argument.name]
    spelling = option.emit or "--" + option.name
    if argument.value is None:
        return spelling
    glue = "=" if spelling.startswith("--") or grammar.parser == "pflag" else ""
    return spelling + glue + argument.value


def write(grammar: Grammar, before: tuple[str, ...], invocation: Invocation) -> tuple[str, ...]:
    """Write an invocation out again, in the one spelling that can't be read differently.

    before: the absolute path of the program, and its root options.
    Returns argv: before, command, options as --name=value, --, operands.
    """
    argv = [*before, *grammar.emit]
    argv += [spell(grammar, argument) for argument in invocation.arguments]
    operands = [word.text for word in invocation.operands]
    if operands and grammar.dashes:
        argv.append("--")
    return (*argv, *operands)
