"""Why a command of the policy is refused, and what may do instead. Loaded only when one is."""

from __future__ import annotations

from rshell import say
from rshell.core import builtins, containers, grammar, limits, values
from rshell.core.grammar import Misread
from rshell.core.model import Argument
from rshell.core.parts.fields import Wrong, locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from rshell.core.containers import Containers
    from rshell.core.model import Grammar, Program, Refusal, Rule, Span, Type, Word
    from rshell.core.parts.mounts import Mount
    from rshell.core.rules import Case

NAMED = ("env", "label", "build-arg")  # options NAME=VALUE whose names are judged


def unknown(case: Case) -> Refusal:
    """A program that the policy does not have."""
    name = case.words[0].text
    if name in say.SHELL_WORDS:
        return _refuse(case, "line.builtin", case.words[0].span, name=name)
    near = (*(one for one in case.policy.programs if " " not in one), *(one for one in builtins.TABLE if one != ":"))
    said = (name, *_texts(case.words[1:]))
    return _advised(case, "unknown", case.words[0].span, said, name=name, near=near)


def no_command(case: Case, program: Program, rest: Sequence[Word]) -> Refusal:
    """A subcommand that the program does not have, or none at all."""
    overview = (f"help {program.name}",)
    texts = _texts(rest)
    granted = [spelling for spelling, key in program.names.items() if key in case.policy.commands]
    if any(spelling.split()[: len(texts)] == texts for spelling in granted):
        said = " ".join([program.name, *texts])
        end = _span(case.words)[1]
        return _refuse(case, "no-verb", (end, end), command=said, tries=overview)
    if rest[0].text == "help":
        return _refuse(case, "help", rest[0].span, command=program.name, tries=overview)
    groups = [spelling.split() for spelling in program.names]
    known = max(count for count in range(len(texts) + 1) if any(words[:count] == texts[:count] for words in groups))
    at = (case.words[0].span[0], rest[min(known, len(rest) - 1)].span[1])
    return _advised(
        case, "no-command", at, (program.name, *texts), command=program.name, name=rest[0].text,
        typed=" ".join(_texts(rest[:2])), near=tuple(granted), prefix=program.name + " ",
    )  # fmt: skip


def not_granted(case: Case, key: str, rest: Sequence[Word]) -> Refusal:
    """A command that exists, but that no grant lists."""
    why = limits.of_command(key)
    said = (*key.split(), *_texts(_operands_of(case, key, rest)))
    return _advised(case, "command", _verb_span(case, rest), said, command=key, built_in=bool(why), why=why)


def never(case: Case, label: str, source: str, rest: Sequence[Word]) -> Refusal:
    """A command that `never` names."""
    return _refuse(case, "never", _verb_span(case, rest), command=label, source=source)


def absent(case: Case, name: str) -> Refusal:
    """A program that is not on this host."""
    return _refuse(case, "absent", case.words[0].span, name=name)


def elsewhere(case: Case, name: str) -> Refusal:
    """A path that is not where the program is."""
    return _refuse(case, "elsewhere", case.words[0].span, path=case.words[0].text, name=name or "it")


def text(case: Case, label: str) -> Refusal:
    """A here-document for a command that reads none."""
    return _refuse(case, "line.text", case.simple.span, command=label)


def misplaced(case: Case, label: str) -> Refusal:
    """A filter on the left of a pipe, or something else on its right."""
    code = "line.right-of-pipe" if case.piped else "line.filter"
    return _refuse(case, code, case.words[0].span, name=label)


def form(case: Case, label: str, rule: Rule, rest: Sequence[Word]) -> Refusal:
    """Words that are none of the exact shapes, or only the beginning of one."""
    for one in rule.forms:
        if len(one) > len(rest) == _fitting(one, rest):
            end = _span(case.words)[1]
            lacking = " ".join(map(values.form_word, one[len(rest) :]))
            return _refuse(case, "missing", (end, end), command=label, expected=lacking, rule=rule)
    wrong = rest[min(max(_fitting(one, rest) for one in rule.forms), len(rest) - 1)]
    shapes = tuple(" ".join([label, *map(values.form_word, one)]) for one in rule.forms)
    return _refuse(case, "form", wrong.span, command=label, shapes=" or ".join(shapes), rule=rule, tries=shapes)


def _fitting(form: tuple[tuple[object, ...], ...], rest: Sequence[Word]) -> int:
    """Count the words at the front that fit a form."""
    count = 0
    for item, word in zip(form, rest, strict=False):
        if not values.fits_word(item, word.text):
            break
        count += 1
    return count


def root_option(case: Case, program: str, argument: Argument) -> Refusal:
    """An option before the verb."""
    return _refuse(
        case, "root-option", argument.span, command=program, option="--" + argument.name, built_in=True,
        why=limits.of_option(program, argument.name), tries=_without(case, argument.span),
        allowed=" ".join(f"--{name}" for name in case.policy.programs[program].root_allowed),
    )  # fmt: skip


def option(case: Case, shape: Grammar, rule: Rule, argument: Argument) -> Refusal:
    """An option that exists, but that the rule does not allow."""
    why = limits.of_option(shape.name, argument.name)
    return _refuse(
        case, "option-terminal" if argument.name in rule.terminal_options else "option", argument.span,
        command=shape.name, option=_spelled(shape, argument.name), rule=rule, built_in=bool(why), why=why,
        tries=_without(case, argument.span),
    )  # fmt: skip


def judged(case: Case, command: str, argument: Argument, expected: str, rule: Rule | None) -> Refusal:
    """A value that `containers` does not allow. Of NAME=VALUE, where the name is judged, that is the wrong part."""
    value = argument.value or ""
    name = value.partition("=")[0] if argument.name in NAMED else ""
    return part(case, command, argument, Wrong(name, expected), rule)


def part(case: Case, command: str, argument: Argument, wrong: Wrong, rule: Rule | None) -> Refusal:
    """A part of a value that `containers` does not allow."""
    value = argument.value or ""
    start, end = locate(value, wrong.part)
    at = argument.span
    tries: tuple[str, ...] = ()
    here = _value_start(case.line[slice(*argument.span)], value)
    if here >= 0:
        here += argument.span[0]
        at = (here + start, here + end)
        better = _spelled_better(argument.name, wrong.better) if wrong.better else ""
        tries = (case.line[:here] + better + case.line[here + len(value) :],) if better else ()
    return _refuse(
        case, "value", at, command=command, option="--" + argument.name, value=value[start:end],
        expected=wrong.expected, rule=rule, tries=tries,
    )  # fmt: skip


def no_network(case: Case, shape: Grammar, rule: Rule, allowed: Containers) -> Refusal:
    """A container on docker's own network, by naming none, where that is not allowed."""
    why = f"without it the container is on the network {containers.DEFAULT_NETWORK}"
    return _left_out(case, shape, rule, "--network", containers.network_like(allowed, ""), why)


def no_user(case: Case, shape: Grammar, rule: Rule, allowed: Containers) -> Refusal:
    """A container that would run as the image's own user, where some are listed."""
    plain = next((user for user in allowed.users if "*" not in user), "")
    why = f"without it the container runs as the image's own user; allowed: {' '.join(allowed.users)}"
    return _left_out(case, shape, rule, "--user", plain, why)


def _left_out(case: Case, shape: Grammar, rule: Rule, option: str, value: str, why: str) -> Refusal:
    """An option whose default is not allowed, with a value that is, if one is known."""
    end = _command_end(case.words, shape)
    tries = (f"{case.line[:end]} {option} {say.quote(value)}{case.line[end:]}",) if value else ()
    return _refuse(case, "needs", (end, end), command=shape.name, option=option, rule=rule, why=why, tries=tries)


def wrong_value(case: Case, command: str, argument: Argument, kind: Type, code: str, rule: Rule | None) -> Refusal:
    """A value that is not of its type (`argument`), or not what the rule allows (`value`)."""
    return _refuse(
        case, code, argument.span, command=command, option="--" + argument.name, value=argument.value or "",
        expected=values.describe(kind), rule=rule,
    )  # fmt: skip


def missing(case: Case, shape: Grammar, kind: Type, rule: Rule) -> Refusal:
    """Too few operands."""
    end = _span(case.words)[1]
    return _refuse(case, "missing", (end, end), command=shape.name, expected=values.describe(kind), rule=rule)


def operand(case: Case, shape: Grammar, word: Word, kind: Type, code: str, rule: Rule) -> Refusal:
    """An operand of the wrong type, or one that the rule does not allow."""
    return _refuse(
        case, code, word.span, command=shape.name, value=word.text, expected=values.describe(kind), rule=rule
    )


def too_many(case: Case, shape: Grammar, left: Sequence[Word], rule: Rule) -> Refusal:
    """More operands than there may be."""
    tries = _without(case, _span(left))
    return _refuse(case, "too-many", left[0].span, command=shape.name, value=left[0].text, rule=rule, tries=tries)


def needed(case: Case, shape: Grammar, rule: Rule, absent_options: Sequence[str]) -> Refusal:
    """An option that must be there and is not."""
    spellings = []
    for name in absent_options[:1] or rule.needs_one_of:
        kind = rule.options.get(name) or shape.options[name].type
        wants = shape.options[name].kind == "value" or (shape.options[name].kind != "flag" and rule.options.get(name))
        spellings.append(_spelled(shape, name) + ("=" + values.example(kind) if wants else ""))
    end = _command_end(case.words, shape)
    tries = tuple(f"{case.line[:end]} {one}{case.line[end:]}" for one in spellings)
    options = " or ".join(spellings)
    last = _span(case.words)[1]
    return _refuse(case, "needs", (last, last), command=shape.name, option=options, rule=rule, tries=tries)


def misread(case: Case, fault: Misread, shape: Grammar, allowed: Collection[str], rule: Rule | None) -> Refusal:
    """Words that do not read as a command line of the program. allowed: the options that might stand here."""
    known = shape.options.get(fault.option)
    if known is not None and fault.option not in allowed and rule is not None:
        return option(case, shape, rule, Argument(fault.option, None, fault.span))
    if known is not None and fault.option not in allowed:
        return root_option(case, shape.name, Argument(fault.option, None, fault.span))
    expected = "text"
    if known is not None and known.kind != "flag":
        expected = values.describe(known.type)
    elif known is not None:
        expected = "true or false" if shape.parser == "pflag" else "wanted: it takes no value"
    code = {"option": "no-option", "missing": "option-missing"}.get(fault.fault, fault.fault)
    return _refuse(
        case, code, fault.span, command=shape.name, value=fault.value, expected=expected, rule=rule,
        option=fault.option if fault.option.startswith("-") else "--" + fault.option,
        tries=(f"help {shape.name}",) if fault.fault == "help" else (),
        near=tuple(shape.options) if fault.fault == "option" else (),
    )  # fmt: skip


# -- how they are made ------------------------------------------------------------------


def _refuse(case: Case, code: str, at: Span, **fields: Any) -> Refusal:
    return say.refuse(code, line=case.line, at=at, **fields)


def _advised(case: Case, code: str, at: Span, said: tuple[str, ...], **fields: Any) -> Refusal:
    """Refuse with the policy's advice for what was said, the most specific that matches."""
    best = None
    for advice in case.policy.advice.get(said[0], ()):
        filled = _match_advice(advice.pattern, said)
        if filled is not None and (best is None or len(advice.pattern) > len(best[0].pattern)):
            best = (advice, filled)
    if best is not None:
        fields["why"] = best[0].why
        fields["tries"] = (_fill(best[0].instead, best[1]),) if best[0].instead else ()
    return _refuse(case, code, at, **fields)


def _fill(instead: str, holes: dict[str, str]) -> str:
    """Put what was said into {container} and the like. What was not said stays, and is refused then."""
    for name, said in holes.items():
        instead = instead.replace("{" + name + "}", said)
    return instead.strip()


def _match_advice(pattern: tuple[str, ...], said: tuple[str, ...]) -> dict[str, str] | None:
    """Match the words of an advice against what was said: {x} takes a word, the rest is {rest}."""
    if len(said) < len(pattern):
        return None
    holes = {"rest": " ".join(say.quote(word) for word in said[len(pattern) :])}
    for part, word in zip(pattern, said, strict=False):
        if part.startswith("{"):
            holes[part.strip("{}")] = say.quote(word)
        elif word not in part.split("|"):
            return None
    return holes


def _operands_of(case: Case, key: str, rest: Sequence[Word]) -> Sequence[Word]:
    """Return the operands of a command that is only advised about; roughly, where its grammar is not at hand."""
    shape = case.policy.shapes.get(key)
    if shape is not None:
        try:
            return grammar.parse(shape, rest).operands
        except Misread:
            pass
    return [word for word in rest if not word.text.startswith("-")]


def _value_start(said: str, value: str) -> int:
    """Find where the value of an option begins in what was said; -1 where quotes or backslashes are in it."""
    rest = said.rstrip("'\"")
    return len(rest) - len(value) if value and rest.endswith(value) and len(said) - len(rest) < 2 else -1


def _spelled_better(option: str, better: Mount | str) -> str:
    """Write the nearest value that may be, for the option that was given."""
    if isinstance(better, str):
        return say.quote(better)
    from rshell.core.parts import amounts, mounts

    if option == "tmpfs":
        return f"{better.target}:size={amounts.shown(better.size)}"
    return mounts.short(better) if option == "volume" else mounts.spell(better)[1]


def _without(case: Case, span: Span) -> tuple[str, ...]:
    """Write the line without a part of it."""
    return (case.line[: span[0]].rstrip() + case.line[span[1] :],)


def _spelled(shape: Grammar, name: str) -> str:
    known = shape.options[name]
    return "--" + name if known.long else "-" + known.short


def _texts(words: Sequence[Word]) -> list[str]:
    return [word.text for word in words]


def _span(words: Sequence[Word]) -> Span:
    return (words[0].span[0], words[-1].span[1])


def _verb_span(case: Case, rest: Sequence[Word]) -> Span:
    """Return where the program and its command stand, without what follows them."""
    named = case.words[: len(case.words) - len(rest)]
    return (named[0].span[0], named[-1].span[1])


def _command_end(words: Sequence[Word], shape: Grammar) -> int:
    """Find where options may be put in: after the word that names the command."""
    verb = (shape.name.split()[-1], *shape.emit[-1:])
    for word in words:
        if word.text in verb:
            return word.span[1]
    return words[0].span[1]
