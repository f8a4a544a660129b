"""The decision on a whole line, before its first command: Permit or Refusal. Pure.

Same policy, script and context, same answer. Every process that rshell starts comes out of `decide`.
"""

from __future__ import annotations

from rshell import say
from rshell.core import builtins, grammar, line, unwrap, values
from rshell.core.grammar import Misread
from rshell.core.model import Argument, Builtin, Exec, Group, Invocation, Permit, Refusal, Script, Simple, Word
from rshell.core.values import fits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rshell.core.model import Command, Context, Grammar, Need, Policy, Program, Rule, Span, Type

    Stage = Exec | Builtin | Group

ASKING = ("docker inspect",)  # commands with rules of their own, see docker.py
MAX_DEPTH = 2  # of bash -c inside bash -c
SAFE_IN_WORD = values.NAME_CHARS | frozenset("/")


class Refused(Exception):
    """The way out of the decision; never leaves this module."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


def decide(policy: Policy, script: Script, context: Context) -> Permit | Refusal:
    """Decide on a line.

    policy: the rules of the caller's role. script: what line.parse read. context: who asks, from where.
    Returns a Permit, the only thing that host/ executes, or the Refusal of its first refused part.
    """
    try:
        return _Decision(policy, context).script(script, 0)
    except Refused as refused:
        return refused.refusal


def judge(policy: Policy, text: str, context: Context) -> Permit | Refusal:
    """Read and decide: the one way from text to a decision, for every front end."""
    script = line.parse(text)
    return script if isinstance(script, Refusal) else decide(policy, script, context)


def decide_words(policy: Policy, words: Sequence[str], text: str | None, context: Context) -> Exec | Refusal:
    """Decide on one program of the policy, given its words: what the gate does with a request.

    Builtins, filters and wrappers never come this way.
    """
    spelled = [say.quote(word) for word in words]
    spans, here = [], 0
    for word in spelled:
        spans.append((here, here + len(word)))
        here += len(word) + 1
    made = tuple(Word(word, span, True) for word, span in zip(words, spans, strict=True))
    simple = Simple(made, (), text, (0, max(0, here - 1)))
    decision = _Decision(policy, context)
    decision.line = " ".join(spelled)
    try:
        return decision.program(list(made), simple, 0, 0)
    except Refused as refused:
        return refused.refusal


class _Decision:
    def __init__(self, policy: Policy, context: Context) -> None:
        self.policy = policy
        self.context = context
        self.line = ""  # the line being decided: the innermost of bash -c

    def refuse(self, code: str, at: Span, **fields: Any) -> Refused:
        return Refused(say.refuse(code, line=self.line, at=at, **fields))

    def script(self, script: Script, depth: int) -> Permit:
        outer, self.line = self.line, script.line
        items = tuple((operator, self.pipeline(pipeline, depth)) for operator, pipeline in script.items)
        self.line = outer
        return Permit(script.line, items, script.pipefail)

    def pipeline(self, pipeline: tuple[Simple, ...], depth: int) -> tuple[Stage, ...]:
        stages: list[Stage] = []
        for position, simple in enumerate(pipeline):
            stage = self.stage(simple, position, depth)
            if isinstance(stage, Group) and len(pipeline) > 1:
                stages += self.splice(stage, position)
            else:
                stages.append(stage)
        return tuple(stages)

    def splice(self, group: Group, position: int) -> tuple[Stage, ...]:
        """Put the single pipeline of `bash -c 'A | B' | C` in the place of its wrapper."""
        if position or len(group.body.items) != 1 or group.redirects or group.marker:
            raise self.refuse("line.shell-in-pipe", group.span)
        return group.body.items[0][1]

    # -- one command --

    def stage(self, simple: Simple, position: int, depth: int) -> Stage:
        words, timeout = self.prefixes(self.fill(simple.words), simple)
        name = words[0].text
        if position and (name in builtins.TABLE or name in unwrap.SHELLS):
            raise self.refuse("line.right-of-pipe", words[0].span, name=name)
        if name in unwrap.SHELLS:
            return self.shell(words, simple, timeout, depth)
        if name in builtins.TABLE:
            return self.builtin(words, simple, timeout)
        for word in words:
            if word.holes:
                raise self.refuse("line.status", word.span)
        return self.program(words, simple, position, timeout)

    def fill(self, words: Sequence[Word]) -> list[Word]:
        """Put the account's home and name in for $HOME and $USER. `$?` is left for echo and exit."""
        known = {"HOME": self.context.home, "USER": self.context.user}
        filled = []
        for word in words:
            holes: list[tuple[int, str]] = []
            text, added = word.text, 0
            for index, name in word.holes:
                value = known.get(name)
                if value is None:
                    holes.append((index + added, name))
                elif not SAFE_IN_WORD.issuperset(value):  # SECURITY: a shell would split or expand it
                    raise self.refuse("line.parameter", word.span)
                else:
                    text = text[: index + added] + value + text[index + added :]
                    added += len(value)
            filled.append(word if not word.holes else word.but(text=text, holes=tuple(holes)))
        return filled

    def prefixes(self, words: list[Word], simple: Simple) -> tuple[list[Word], int]:
        """Take `sudo` and `timeout N` off the front. Return the rest and the seconds (0: none given)."""
        seconds = 0
        while words and not words[0].holes:
            first = words[0]
            if first.text in unwrap.SUDO:
                count = unwrap.sudo(words)
                if count is None:
                    raise self.refuse("sudo.option", simple.span)
            elif first.text == "timeout":
                limit = builtins.seconds(words[1].text) if len(words) > 1 and not words[1].holes else None
                if limit is None:
                    raise self.refuse("timeout.usage", simple.span)
                seconds = min(limit, seconds) if seconds and limit else limit or seconds
                count = 2
            else:
                break
            words = words[count:]
            if not words:
                raise self.refuse("prefix.empty", simple.span, name=first.text)
        return words, seconds

    def shell(self, words: list[Word], simple: Simple, timeout: int, depth: int) -> Group:
        """Read the line inside bash -c with this same parser and decide on it."""
        inner = unwrap.shell_line(words)
        if inner is None or inner.holes or simple.text is not None or timeout:
            raise self.refuse("shell.usage", simple.span, name=words[0].text)
        if depth >= MAX_DEPTH:
            raise self.refuse("shell.depth", simple.span, limit=MAX_DEPTH)
        wrapped = unwrap.hermes(inner.text)
        script = line.parse(wrapped.payload if wrapped else inner.text)
        if isinstance(script, Refusal):
            raise Refused(script)
        body = self.script(script, depth + 1)
        if wrapped is None:
            return Group(body, simple.redirects, simple.span)
        directory = self.context.home + wrapped.directory[1:] if wrapped.directory[0] == "~" else wrapped.directory
        return Group(body, simple.redirects, simple.span, "hermes", directory, wrapped.marker)

    def builtin(self, words: list[Word], simple: Simple, timeout: int) -> Builtin:
        name = words[0].text
        usage = builtins.TABLE[name]
        operands = words[1:]
        if simple.text is not None:
            raise self.refuse("line.text", simple.span, command=name)
        for word in operands:
            if word.holes and not usage.status:
                raise self.refuse("line.status", word.span)
        if not usage.accepts([word.text for word in operands]):
            raise self.refuse("builtin.usage", simple.span, command=name, synopsis=usage.synopsis)
        return Builtin(name, tuple(operands), simple.redirects, timeout, simple.span)

    # -- programs of the policy --

    def program(self, words: list[Word], simple: Simple, position: int, timeout: int) -> Exec:
        name, path = self.locate(words[0])
        program = self.policy.programs.get(name)
        if program is None:
            raise self.unknown(words)
        key, before, rest = self.command_of(program, words)
        command = self.policy.commands.get(key)
        if command is None:
            raise self.not_granted(key, words)
        label = command.grammar.name if command.grammar else key
        if command.never:
            raise self.refuse("never", _span(words), command=label, source=command.never)
        if not path:
            raise self.refuse("absent", words[0].span, name=name)
        if simple.text is not None:
            raise self.refuse("line.text", simple.span, command=label)
        first: Refused | None = None
        for rule in command.rules:
            try:
                return self.granted(program, command, rule, (path, *before), rest, words, simple, position, timeout)
            except Refused as refused:
                first = first or refused
        raise first or self.not_granted(key, words)

    def locate(self, word: Word) -> tuple[str, str]:
        """Return the name of a program and where it is. An absolute path must be that very place."""
        if "/" not in word.text:
            return word.text, self.context.paths[word.text] if word.text in self.policy.programs else ""
        name = word.text.rpartition("/")[2]
        path = self.context.paths[word.text] if name in self.policy.programs else ""
        if not path:
            raise self.refuse("elsewhere", word.span, path=word.text, name=name or "it")
        return name, path

    def command_of(self, program: Program, words: list[Word]) -> tuple[str, list[str], list[Word]]:
        """Find the command that the words name: its key, the root options, the words that follow."""
        if not program.names:
            return program.name, [], words[1:]
        if len(words) == 2 and words[1].text in ("--version", "-v") and "--version" in program.names:
            return program.names["--version"], [], []
        root = self.root_options(program, words[1:])
        before = [grammar.spell(program.options, argument) for argument in root.arguments] if program.options else []
        rest = list(root.operands)
        for count in range(min(3, len(rest)), 0, -1):
            key = program.names.get(" ".join(word.text for word in rest[:count]))
            if key:
                return key, before, rest[count:]
        raise self.no_command(program, words, rest)

    def root_options(self, program: Program, words: list[Word]) -> Invocation:
        assert program.options is not None  # noqa: S101 - a program with commands has them
        try:
            root = grammar.parse(program.options, words)
        except Misread as misread:
            raise self.misread(misread, program.options, words) from None
        for argument in root.arguments:
            option = program.options.options[argument.name]
            if argument.name not in program.root_allowed:
                why = _option_limit(program.name, argument.name)
                raise self.refuse(
                    "root-option", argument.span, command=program.name, option="--" + argument.name,
                    built_in=True, why=why,
                )  # fmt: skip
            if argument.value is not None and not fits(option.type, argument.value):
                raise self.wrong_value(program.name, argument, option.type, "argument")
        return root

    def granted(
        self, program: Program, command: Command, rule: Rule, before: tuple[str, ...], rest: list[Word],
        words: list[Word], simple: Simple, position: int, timeout: int,
    ) -> Exec:  # fmt: skip
        """Hold one rule against the words; return what may run under it."""
        label = command.grammar.name if command.grammar else command.key
        if rule.right_of_pipe != bool(position):
            code = "line.filter" if rule.right_of_pipe else "line.right-of-pipe"
            raise self.refuse(code, words[0].span, name=label)
        invocation = None
        if rule.forms:
            argv = (*before, *self.form(label, rule, rest, words))
        else:
            assert command.grammar is not None  # noqa: S101 - compile.py gives forms or a grammar
            invocation = self.invocation(command.grammar, rule, rest, words)
            argv = grammar.write(command.grammar, before, invocation)
        limit = rule.timeout
        return Exec(
            argv, label, rule.name, rule.source, rule.run_as, program.environment,
            min(timeout, limit) if timeout else limit, simple.redirects, simple.text, simple.span,
            tuple(word.text for word in words), _needs(command.key, invocation), before, command.key, invocation,
        )  # fmt: skip

    def form(self, label: str, rule: Rule, rest: list[Word], words: list[Word]) -> list[str]:
        """Match the words against the rule's exact shapes."""
        texts = [word.text for word in rest]
        for form in rule.forms:
            if len(form) == len(texts) and all(_matches(item, text) for item, text in zip(form, texts, strict=True)):
                return texts
        shapes = tuple(" ".join([label, *map(values.form_word, form)]) for form in rule.forms)
        raise self.refuse("form", _span(words), command=label, shapes=" | ".join(shapes), rule=rule, tries=shapes)

    def invocation(self, shape: Grammar, rule: Rule, rest: list[Word], words: list[Word]) -> Invocation:
        """Read the words by the command's grammar and narrow them by the rule."""
        try:
            read = grammar.parse(shape, rest)
        except Misread as misread:
            raise self.misread(misread, shape, words, rule) from None
        allowed = rule.options
        needs = rule.needs
        if self.context.terminal:
            allowed = {**allowed, **rule.terminal_options} if rule.terminal_options else allowed
            needs = needs if rule.terminal_needs is None else rule.terminal_needs
        for argument in read.arguments:
            self.argument(shape, rule, argument, allowed)
        self.operands(shape, rule, read, words)
        given = {argument.name for argument in read.arguments}
        missing = [name for name in needs if name not in given]
        if missing or (rule.needs_one_of and not given.intersection(rule.needs_one_of)):
            raise self.needed(shape, rule, missing, words)
        adds = tuple(
            Argument(name, None, (0, 0))
            for name, only_with in rule.adds
            if name not in given and (not only_with or only_with in given)
        )
        return read.but(arguments=read.arguments + adds) if adds else read

    def argument(self, shape: Grammar, rule: Rule, argument: Argument, allowed: object) -> None:
        option = shape.options[argument.name]
        if not isinstance(allowed, dict) or argument.name not in allowed:
            raise self.option_denied(shape, rule, argument)
        if argument.value is None or option.kind == "flag":
            return
        if not fits(option.type, argument.value):
            raise self.wrong_value(shape.name, argument, option.type, "argument", rule)
        narrower = allowed[argument.name]
        if narrower and not fits(narrower, argument.value):
            raise self.wrong_value(shape.name, argument, narrower, "value", rule)

    def option_denied(self, shape: Grammar, rule: Rule, argument: Argument) -> Refused:
        start, end = argument.span
        without = self.line[:start].rstrip() + self.line[end:]
        why = _option_limit(shape.name, argument.name)
        on_terminal = argument.name in rule.terminal_options
        return self.refuse(
            "option-terminal" if on_terminal else "option", argument.span, command=shape.name,
            option="--" + argument.name if shape.options[argument.name].long else shape.options[argument.name].emit,
            rule=rule, built_in=bool(why), why=why, tries=(without,),
        )  # fmt: skip

    def wrong_value(self, command: str, argument: Argument, kind: Type, code: str, rule: Rule | None = None) -> Refused:
        return self.refuse(
            code, argument.span, command=command, option="--" + argument.name, value=argument.value or "",
            expected=values.describe(kind), rule=rule,
        )  # fmt: skip

    def operands(self, shape: Grammar, rule: Rule, read: Invocation, words: list[Word]) -> None:
        """Check number and types of the operands against the grammar, then against the rule."""
        wanted = shape.operands
        if shape.unless and any(argument.name in shape.unless for argument in read.arguments):
            wanted = ()  # SECURITY: with grep -e PATTERN an operand is a file to read
        for expected, code in ((wanted, "operand"), (rule.operands, "operand-denied")):
            if expected is None:
                continue
            left = list(read.operands)
            for kind, many in expected:
                count = len(left) if many in "*+" and many else min(1, len(left))
                if not count and many in ("", "+"):
                    raise self.refuse(
                        "missing", (_span(words)[1], _span(words)[1]), command=shape.name,
                        expected=values.describe(kind), rule=rule,
                    )  # fmt: skip
                for word in left[:count]:
                    if not fits(kind, word.text):
                        raise self.refuse(
                            code, word.span, command=shape.name, value=word.text,
                            expected=values.describe(kind), rule=rule,
                        )  # fmt: skip
                del left[:count]
            if left:
                start, end = left[0].span[0], left[-1].span[1]
                without = self.line[:start].rstrip() + self.line[end:]
                raise self.refuse(
                    "too-many", left[0].span, command=shape.name, value=left[0].text, rule=rule, tries=(without,)
                )

    def needed(self, shape: Grammar, rule: Rule, missing: list[str], words: list[Word]) -> Refused:
        names = missing[:1] or list(rule.needs_one_of)
        spellings = []
        for name in names:
            option = shape.options[name]
            wants = option.kind != "flag" and (option.kind == "value" or rule.options.get(name))
            value = "=" + values.example(rule.options.get(name) or option.type) if wants else ""
            spellings.append(("--" + name if option.long else option.emit) + value)
        at = _span(words)
        end = _command_end(words, shape)
        tries = tuple(f"{self.line[:end]} {one}{self.line[end:]}" for one in spellings)
        return self.refuse("needs", at, command=shape.name, option=" or ".join(spellings), rule=rule, tries=tries)

    # -- what is not there --

    def misread(self, misread: Misread, shape: Grammar, words: list[Word], rule: Rule | None = None) -> Refused:
        """Say why words do not read as a command line of the program."""
        option = misread.option if misread.option.startswith("-") else "--" + misread.option
        expected = ""
        if misread.option in shape.options:
            expected = values.describe(shape.options[misread.option].type or ("text",))
        code = {"option": "no-option", "argument": "argument", "missing": "option-missing"}.get(
            misread.fault, misread.fault
        )
        tries: tuple[str, ...] = ()
        if misread.fault == "help":
            tries = ("help " + " ".join((shape.name).split()),)
        return self.refuse(
            code, misread.span, command=shape.name, option=option, value=misread.value, expected=expected,
            rule=rule, tries=tries, near=(tuple(shape.options) if misread.fault == "option" else ()),
        )  # fmt: skip

    def unknown(self, words: list[Word]) -> Refused:
        """Refuse a program that the policy does not have."""
        name = words[0].text
        if name in say.SHELL_WORDS:
            return self.refuse("line.builtin", words[0].span, name=name)
        return self.advised("unknown", (name,), words, name=name, near=(*self.policy.programs, *builtins.TABLE))

    def no_command(self, program: Program, words: list[Word], rest: list[Word]) -> Refused:
        """Refuse a subcommand that the program does not have, or none at all."""
        if not rest:
            return self.refuse("no-verb", _span(words), command=program.name, tries=(f"help {program.name}",))
        near = [spelling for spelling in program.names if program.names[spelling] in self.policy.commands]
        typed = " ".join(word.text for word in rest[:2])
        if rest[0].text == "help":
            return self.refuse("help", rest[0].span, command=program.name, tries=(f"help {program.name}",))
        return self.advised(
            "no-command", (program.name, *(word.text for word in rest)), words,
            command=program.name, name=rest[0].text, typed=typed, near=tuple(near), prefix=program.name + " ",
        )  # fmt: skip

    def not_granted(self, key: str, words: list[Word]) -> Refused:
        why = _command_limit(key)
        operands = [word.text for word in words[1:] if not word.text.startswith("-")]
        verb = key.split()[1:]
        while operands and verb and operands[0] != verb[-1]:
            operands = operands[1:]
        return self.advised("command", (*key.split(), *operands[1:]), words, command=key, built_in=bool(why), why=why)

    def advised(self, code: str, said: tuple[str, ...], words: list[Word], **fields: Any) -> Refused:
        """Refuse with the policy's advice for what was said, the most specific that matches."""
        best = None
        for advice in self.policy.advice.get(said[0], ()):
            filled = _match_advice(advice.pattern, said)
            if filled is not None and (best is None or len(advice.pattern) > len(best[0].pattern)):
                best = (advice, filled)
        if best is not None:
            fields["why"] = fields.get("why") or best[0].why
            fields["tries"] = (best[0].instead.format_map(best[1]),) if best[0].instead else ()
        return self.refuse(code, _span(words), **fields)


def _option_limit(command: str, option: str) -> str:
    from rshell.core import limits  # only a refusal needs it

    return limits.of_option(command, option)


def _command_limit(command: str) -> str:
    from rshell.core import limits

    return limits.of_command(command)


def _needs(command: str, invocation: Invocation | None) -> tuple[Need, ...]:
    """Ask the program's own rules what must be looked up."""
    if command not in ASKING:
        return ()
    from rshell.core import docker

    return docker.needs(command, invocation)


class _Holes(dict[str, str]):
    """What fills {x} in advice; what was not said stays as {x}, and is then refused by decide."""

    def __missing__(self, name: str) -> str:
        return "{" + name + "}"


def _match_advice(pattern: tuple[str, ...], said: tuple[str, ...]) -> _Holes | None:
    """Match the words of an advice against what was said: {x} takes a word, the rest is {rest}."""
    if len(said) < len(pattern) and not all(part.startswith("{") for part in pattern[len(said) :]):
        return None
    holes = _Holes(rest=" ".join(say.quote(word) for word in said[len(pattern) :]))
    for part, word in zip(pattern, said, strict=False):
        if part.startswith("{"):
            holes[part.strip("{}")] = say.quote(word)
        elif word not in part.split("|"):
            return None
    return holes


def _matches(item: tuple[object, ...], text: str) -> bool:
    """Match one word of a form: (text,) or (before, type, after)."""
    if len(item) == 1:
        return text == item[0]
    before, kind, after = item
    assert isinstance(before, str) and isinstance(kind, tuple) and isinstance(after, str)  # noqa: S101, PT018
    middle = text[len(before) : len(text) - len(after)]
    return text == before + middle + after and fits(kind, middle)


def _span(words: Sequence[Word]) -> Span:
    return (words[0].span[0], words[-1].span[1])


def _command_end(words: Sequence[Word], shape: Grammar) -> int:
    """Find where options may be put in: after the last word that names the command."""
    verb = (shape.name.split()[-1], *shape.emit[-1:])
    for word in words:
        if word.text in verb:
            return word.span[1]
    return words[0].span[1]
