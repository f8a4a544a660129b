"""What may follow: candidates for the word before the cursor, only such as could become an allowed line."""

from __future__ import annotations

from rshell.core import builtins, line, unwrap
from rshell.core.model import Refusal
from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Command, Context, Policy, Program, Type, Word

MARK = "x"  # stands for what is still to be typed, so that the parser sees a word there
UNFINISHED = ("line.unfinished",)
UNFINISHED_SUFFIXES = (".missing", ".usage", ".option-missing", ".needs", ".no-facts")


class Candidate(Value):
    """A word that may stand here. `start` is where it begins in the text; `space`: a blank may follow."""

    text: str
    start: int
    about: str
    space: bool = True


def candidates(policy: Policy, text: str, context: Context) -> list[Candidate]:
    """Return what may be typed at the end of a text, sorted; nothing inside quotes."""
    script = line.parse(text + MARK)
    if isinstance(script, Refusal) or not script.items:
        return []
    pipeline = script.items[-1][1]
    words = list(pipeline[-1].words)
    if not words or words[-1].quoted or words[-1].holes or words[-1].span[1] != len(text) + 1:
        return []
    partial = words.pop()
    found = _after(policy, _without_prefixes(words), partial, bool(pipeline[1:]), context)
    typed = partial.text[:-1]
    return sorted((one for one in found if one.text.startswith(typed)), key=lambda one: one.text)


def could_continue(policy: Policy, text: str, refusal: Refusal, context: Context) -> bool:
    """Tell whether a refused text may still become an allowed one by typing on: then it is not red."""
    if refusal.code in UNFINISHED or refusal.code.endswith(UNFINISHED_SUFFIXES):
        return True
    at_end = refusal.at is not None and refusal.at[1] >= len(text.rstrip())
    typed = text[text.rfind(" ") + 1 :]
    return at_end and any(one.text != typed for one in candidates(policy, text, context))


def _without_prefixes(words: list[Word]) -> list[Word]:
    while words and (words[0].text in unwrap.SUDO or words[0].text == "timeout"):
        count = unwrap.sudo(words) if words[0].text in unwrap.SUDO else 2
        if count is None or (words[0].text == "timeout" and len(words) < 2):
            return words
        words = words[count:]
    return words


def _after(policy: Policy, words: list[Word], partial: Word, piped: bool, context: Context) -> list[Candidate]:
    start = partial.span[0]
    if not words:
        return _programs(policy, start, piped)
    name = words[0].text.rpartition("/")[2]
    texts = [word.text for word in words[1:]]
    if name == "help" and texts:
        return _after(policy, words[1:], partial, piped, context)
    if name == "help":
        return _programs(policy, start, False)
    program = policy.programs.get(name)
    if program is None:
        return []
    key, rest = _command(program, texts)
    if not key:
        return _verbs(policy, program, texts, start)
    command = policy.commands.get(key)
    return [] if command is None else _arguments(command, rest, partial, piped, context)


def _programs(policy: Policy, start: int, piped: bool) -> list[Candidate]:
    found = []
    for name in policy.programs:
        filters = any(
            rule.right_of_pipe for key in policy.commands if key.partition(" ")[0] == name
            for rule in policy.commands[key].rules
        )  # fmt: skip
        if filters == piped:
            found.append(Candidate(name, start, policy.programs[name].about))
    if not piped:
        usages = {**builtins.TABLE, **builtins.PREFIXES}
        found += [Candidate(name, start, usage.about) for name, usage in usages.items() if name != ":"]
    return found


def _command(program: Program, texts: list[str]) -> tuple[str, list[str]]:
    """Return the command that the words name, and the words after it."""
    if not program.names:
        return program.name, texts
    for count in range(min(3, len(texts)), 0, -1):
        key = program.names.get(" ".join(texts[:count]))
        if key:
            return key, texts[count:]
    return "", texts


def _verbs(policy: Policy, program: Program, texts: list[str], start: int) -> list[Candidate]:
    """Return the next words of the granted commands that begin so."""
    found: dict[str, str] = {}
    for spelling, key in program.names.items():
        words = spelling.split()
        if key in policy.commands and words[: len(texts)] == texts and len(words) > len(texts):
            last = len(words) == len(texts) + 1
            shape = policy.commands[key].grammar
            found.setdefault(words[len(texts)], shape.about if last and shape else "")
    return [Candidate(word, start, about) for word, about in found.items()]


def _arguments(command: Command, rest: list[str], partial: Word, piped: bool, context: Context) -> list[Candidate]:
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
    last = shape.spellings.get(rest[-1], "") if rest else ""
    if equals and shape.spellings.get(name) in allowed:
        return [
            Candidate(f"{name}={word}", start, "") for word in _words(shape.options, allowed, shape.spellings[name])
        ]
    if last in allowed and shape.options[last].kind == "value":
        return [Candidate(word, start, "") for word in _words(shape.options, allowed, last)]
    if not typed.startswith("-"):
        return []
    given = {shape.spellings.get(word.partition("=")[0], "") for word in rest}
    return [
        Candidate(
            "--" + one if shape.options[one].long else "-" + shape.options[one].short, start, shape.options[one].about
        )
        for one in allowed
        if one not in given or shape.options[one].many
    ]


def _words(options: object, allowed: dict[str, Type], name: str) -> list[str]:
    """Return the literal values of an option."""
    kind = allowed[name] or options[name].type  # type: ignore[index]
    kinds = kind[1:] if kind and kind[0] == "any" else (kind,)
    return [str(word) for one in kinds if one and one[0] == "words" for word in one[1:]]  # type: ignore[index]


def _form(form: tuple[tuple[object, ...], ...], rest: list[str], start: int) -> list[Candidate]:
    """Return the next word of a form that begins with these words."""
    if len(form) <= len(rest):
        return []
    for item, text in zip(form, rest, strict=False):
        if len(item) == 1 and item[0] != text:
            return []
    following = form[len(rest)]
    if len(following) == 1:
        return [Candidate(str(following[0]), start, "")]
    before, kind, after = following
    words = kind[1:] if isinstance(kind, tuple) and kind[0] == "words" else ()
    return [Candidate(f"{before}{word}{after}", start, "") for word in words]
