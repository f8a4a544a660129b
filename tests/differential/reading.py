"""An argv of docker, read and written out again by the product's grammar; no policy has a say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from rshell import data
from rshell.core import grammar
from rshell.core.grammar import Misread
from rshell.core.model import Word
from rshell.core.values import fits
from rshell.policy.grammars import Tree, load


class Reading(NamedTuple):
    """What the product understood: the key of the command, how it was spelled, and the argv that it would run."""

    command: str
    spelling: str
    argv: tuple[str, ...]


@cache
def tree() -> Tree:
    """The grammar of docker, as it ships."""
    return load(data.completions())["docker"]


def canonical(words: Sequence[str]) -> Reading | None:
    """Read the words after `docker`, as rules.py does. Return the words after it in our argv, or None if refused."""
    try:
        return _read([Word(text, (0, len(text))) for text in words])
    except Misread:
        return None


def _read(words: list[Word]) -> Reading | None:
    program = tree().program
    assert program.options is not None
    if len(words) == 1 and words[0].text in program.names and words[0].text[:1] == "-":
        return Reading(program.names[words[0].text], words[0].text, ("--version",))
    root = grammar.parse(program.options, words)
    for argument in root.arguments:
        option = program.options.options[argument.name]
        if argument.name not in program.root_allowed or not fits(option.type, argument.value or ""):
            return None
    before = tuple(grammar.spell(program.options, argument) for argument in root.arguments)
    for count in (3, 2, 1):
        named = [word.text for word in root.operands[:count]]
        spelling = " ".join(named)
        if spelling in program.names and not any(" " in word for word in named):
            command = program.names[spelling]
            shape = tree().commands.get(command)
            if shape is None:  # compose: a program of its own
                return None
            read = grammar.parse(shape, root.operands[count:])
            return Reading(command, spelling, grammar.write(shape, before, read))
    return None
