"""What may follow: candidates for the word before the cursor.

They are gathered from grammar and policy, and each one is then judged in its place: what could not
become an allowed line is not offered. One truth, whatever the gathering thinks.
"""

from __future__ import annotations

from rshell.core import builtins, grammar, line, unwrap
from rshell.core.decide import judge
from rshell.core.grammar import Misread
from rshell.core.model import Permit, Refusal
from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from rshell.core.model import Command, Context, Grammar, Policy, Program, Type, Word

MARK = "x"  # stands for what is still to be typed, so that the parser sees a word there
WANTS_MORE = ("line.unfinished", "prefix.empty", "timeout.missing")
WANTS_MORE_SUFFIXES = (".missing", ".option-missing", ".needs")
MAX_WORDS = 3  # of a command: docker buildx imagetools create


class Candidate(Value):
    """A word that may stand here. `start` is where it begins in the text."""

    text: str
    start: int
    about: str


def candidates(policy: Policy, text: str, context: Context) -> list[Candidate]:
    """Return what may be typed at the end of a text, sorted; nothing inside quotes."""
    found = {
        one.text: one for one in _gathered(policy, text, context)
        if _may_stand(policy, text[: one.start] + one.text, context)
    }  # fmt: skip
    return [found[word] for word in sorted(found)]


def could_continue(text: str, refusal: Refusal) -> bool:
    """Tell whether a refused text may still become an allowed one by typing on: then it is not red.

    So it may while something is only missing at its end, or while the word at fault is still being typed.
    """
    if refusal.code == "line.unfinished":
        return True
    typing = not text[-1:].isspace()
    if refusal.at is None or refusal.line != text:  # inside bash -c: its quotes are closed
        return typing
    if wants_more(refusal):  # at the end, but for redirections
        return not any(operator in text[refusal.at[1] :] for operator in (";", "|", "&&", "\n"))
    return typing and refusal.at[1] > len(text) - len(text.split()[-1])


def wants_more(refusal: Refusal) -> bool:
    """Tell whether a refusal only says that something is still missing at the end."""
    if refusal.code in ("shell.usage", "sudo.option"):  # `bash -c`, `sudo -p`: something is still to come
        return refusal.at is not None and refusal.at[0] == refusal.at[1]
    return refusal.code in WANTS_MORE or refusal.code.endswith(WANTS_MORE_SUFFIXES)


def _may_stand(policy: Policy, text: str, context: Context) -> bool:
    judged = judge(policy, text, context)
    if isinstance(judged, Permit) or judged.code == "line.unfinished":
        return True
    return wants_more(judged) and judged.at is not None and judged.at[1] >= len(text)


def _gathered(policy: Policy, text: str, context: Context) -> Iterable[Candidate]:
    """Gather the words that begin with what stands before the cursor."""
    script = line.parse(text + MARK)
    if isinstance(script, Refusal) or not script.items:
        return []
    pipeline = script.items[-1][1]
    words = list(pipeline[-1].words)
    if not words or words[-1].quoted or words[-1].holes or words[-1].span[1] != len(text) + 1:
        return []
    partial = words.pop()
    typed = partial.text[:-1]
    found = _after(policy, _without_prefixes(words), partial, len(pipeline) > 1, context)
    return [one for one in found if one.text.startswith(typed)]


def _without_prefixes(words: list[Word]) -> list[Word]:
    while words and (words[0].text in builtins.SUDO or words[0].text == "timeout"):
        count = 2 if words[0].text == "timeout" else unwrap.sudo(words) or len(words)
        words = words[count:]
    return words


def _after(policy: Policy, words: list[Word], partial: Word, piped: bool, context: Context) -> list[Candidate]:
    start = partial.span[0]
    if not words:
        return _programs(policy, start, piped)
    if words[0].text == "help":
        return _help(policy, [word.text for word in words[1:]], start)
    program = policy.programs.get(words[0].text.rpartition("/")[2])
    if program is None:
        return []
    program, key, rest = _command(policy, program, words[1:])
    command = policy.commands.get(key) if key else None
    if command is None:
        return _verbs(policy, program, rest, start)
    return _arguments(command, rest, partial, piped, context)


def _programs(policy: Policy, start: int, piped: bool) -> list[Candidate]:
    side = "right" if piped else "left"
    found = [Candidate(name, start, policy.programs[name].about) for name in policy.programs
             if side in policy.programs[name].sides and " " not in name]  # fmt: skip
    if not piped:
        usages = {**builtins.TABLE, **builtins.PREFIXES}
        found += [Candidate(name, start, usage.about) for name, usage in usages.items() if name != ":"]
    return found


def _help(policy: Policy, texts: list[str], start: int) -> list[Candidate]:
    """Return what `help` may be asked about: every program, builtin and command."""
    if not texts:
        return _programs(policy, start, False) + _programs(policy, start, True)
    program = policy.programs.get(texts[0])
    return [] if program is None else _next_words(policy, program, texts[1:], start)


def _command(policy: Policy, program: Program, words: list[Word]) -> tuple[Program, str, list[Word]]:
    """Return the command that the words name, its program (docker compose inside docker) and the words after it.

    Root options are stepped over.
    """
    while program.options is not None:
        try:
            read = grammar.parse(program.options, words)
        except Misread:
            return program, "", words
        if any(argument.name not in program.root_allowed for argument in read.arguments):
            return program, "", words  # docker --version: nothing goes on from there
        operands = list(read.operands)
        key = ""
        for count in range(min(MAX_WORDS, len(operands)), 0, -1):
            key = program.names.get(" ".join(word.text for word in operands[:count]), "")
            if key:
                break
        if not key:
            return program, "", operands
        words = operands[count:]
        inner = policy.programs.get(key)
        if inner is None:
            return program, key, words
        program = inner
    return program, program.name, words


def _verbs(policy: Policy, program: Program, words: list[Word], start: int) -> list[Candidate]:
    """Return the next words of commands, and the root options that may stand before them."""
    found = _next_words(policy, program, [word.text for word in words], start)
    if not words and program.options is not None:
        options = program.options.options
        found += [Candidate("--" + name, start, options[name].about) for name in program.root_allowed]
    return found


def _next_words(policy: Policy, program: Program, texts: list[str], start: int) -> list[Candidate]:
    """Return the next words of the granted commands that begin so."""
    found: dict[str, str] = {}
    for spelling, key in program.names.items():
        words = spelling.split()
        if (
            (key in policy.commands or key in policy.programs)
            and words[: len(texts)] == texts
            and len(words) > len(texts)
        ):
            last = len(words) == len(texts) + 1
            found.setdefault(words[len(texts)], _about(policy, key) if last else "")
    return [Candidate(word, start, about) for word, about in found.items()]


def _about(policy: Policy, key: str) -> str:
    inner = policy.programs.get(key)
    if inner is not None:
        return inner.about
    shape = policy.commands[key].grammar
    return shape.about if shape else ""


def _arguments(command: Command, rest: list[Word], partial: Word, piped: bool, context: Context) -> list[Candidate]:
    """Return options, their literal values and the words of forms."""
    shape, start = command.grammar, partial.span[0]
    rules = [rule for rule in command.rules if rule.right_of_pipe == piped]
    if shape is None:
        return [one for rule in rules for form in rule.forms for one in _form(form, rest, start)]
    allowed: dict[str, Type] = {}
    for rule in rules:
        allowed.update(rule.options)
        allowed.update(rule.terminal_options if context.terminal else {})
    typed = partial.text[:-1]
    name, equals, _ = typed.partition("=")
    if equals and shape.spellings.get(name) in allowed:
        return [Candidate(f"{name}={word}", start, "") for word in _words(shape, allowed, shape.spellings[name])]
    given, waiting = _given(shape, rest)
    if waiting:
        return [Candidate(word, start, "") for word in _words(shape, allowed, waiting)] if waiting in allowed else []
    if not typed.startswith("-"):
        return []
    return [
        Candidate("--" + one if known.long else "-" + known.short, start, known.about)
        for one, known in ((one, shape.options[one]) for one in allowed)
        if one not in given or known.many
    ]


def _given(shape: Grammar, rest: list[Word]) -> tuple[set[str], str]:
    """Return the options that were given, and the one that still waits for its value."""
    try:
        return {argument.name for argument in grammar.parse(shape, rest).arguments}, ""
    except Misread as misread:
        if misread.fault != "missing":
            return set(), ""
        waiting = misread.option
    before, _ = _given(shape, rest[:-1])
    return before, waiting


def _words(shape: Grammar, allowed: dict[str, Type], name: str) -> list[str]:
    """Return the literal values of an option."""
    return _literals(allowed[name] or shape.options[name].type)


def _literals(kind: Type) -> list[str]:
    if kind and kind[0] == "any":
        return [word for one in kind[1:] for word in _literals(one)]
    return [str(word) for word in kind[1:]] if kind and kind[0] == "words" else []


def _form(form: tuple[tuple[Any, ...], ...], rest: list[Word], start: int) -> list[Candidate]:
    """Return the next word of a form, if there is one more."""
    if len(form) <= len(rest):
        return []
    following = form[len(rest)]
    if len(following) == 1:
        return [Candidate(str(following[0]), start, "")]
    before, kind, after = following
    return [Candidate(f"{before}{word}{after}", start, "") for word in _literals(kind)]
