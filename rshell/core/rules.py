"""One program of the policy: its words read by its grammar, held against the rules that grant it."""

from __future__ import annotations

from rshell.core import grammar
from rshell.core.grammar import Misread
from rshell.core.model import Argument, Context, Exec, Invocation, Policy, Refusal, Simple, Word
from rshell.core.value import Value
from rshell.core.values import fits, fits_word, is_unjudged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

    from rshell.core.compose.stacks import Line
    from rshell.core.model import Command, Grammar, Need, Program, Rule, Type

    Judge = Callable[[str, str], str | None]

RUN = "docker run"
OF_DOCKER = (RUN, "docker pull", "docker build")  # with rules of their own: docker.py
JUDGED = (RUN, "docker build", "docker compose run", "docker compose build")  # by `containers`
COMPOSE, FILE, PROJECT = "docker compose", "file", "project-name"
OF_STACK = (FILE, PROJECT)  # options of docker compose that stacks.py writes
DOCKER = "docker "  # commands of docker and of its compose: `objects` speak of them
# flags of docker run that no policy can allow, and that are off unless they are given: given as off they say nothing
OFF = ("oom-kill-disable", "privileged", "publish-all", "use-api-socket")
TAKE_TEXT = ("compose-model", "dockerfile")  # what a here-document is for


class Refused(Exception):
    """The way out of the decision; never leaves decide.py."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class Case(Value):
    """One command to decide on: its words without prefixes, its place, what else is known."""

    policy: Policy
    context: Context
    line: str
    words: tuple[Word, ...]
    simple: Simple
    piped: bool
    timeout: int


def permit(case: Case) -> Exec:
    """Return what may run for a command. Raises Refused."""
    name, path = _locate(case)
    program = case.policy.programs.get(name)
    if program is None:
        _deny("unknown", case)
    if ("right" if case.piped else "left") not in program.sides:
        _deny("misplaced", case, name)
    environment = program.environment
    program, key, root, given, rest = _command_of(case, program)
    command = case.policy.commands.get(key)
    if command is None:
        _deny("not_granted", case, key, rest)
    label = command.grammar.name if command.grammar else key
    if command.never:
        _deny("never", case, label, command.never, rest)
    if not path:
        _deny("absent", case, name)
    stack = _stack(case, given, rest, command) if program.name == COMPOSE else None
    first: Refused | None = None
    for rule in command.rules:
        try:
            granted = _granted(case, environment, command, rule, (path, *root), rest)
            if stack is not None:
                granted = stack.finish(granted)
            if case.simple.text is not None and not any(need.check in TAKE_TEXT for need in granted.needs):
                _deny("text", case, label)
            return granted
        except Refused as refused:
            first = first or refused
    assert first is not None  # noqa: S101 - a command of a role has at least one rule
    raise first


def _deny(what: str, *known: Any) -> NoReturn:
    """Refuse, by the function of that name in deny.py, which only a refusal needs."""
    from rshell.core import deny

    raise Refused(getattr(deny, what)(*known))


def _locate(case: Case) -> tuple[str, str]:
    """Return the name of the program and where it is. An absolute path must be that very file."""
    text = case.words[0].text
    if " " in text:  # `docker compose` in one word is no program
        _deny("unknown", case)
    if "/" not in text:
        return text, case.context.paths[text] if text in case.policy.programs else ""
    name = text.rpartition("/")[2]
    path = case.context.paths[text] if name in case.policy.programs else ""
    if not path:
        _deny("elsewhere", case, name)
    return name, path


def _stack(case: Case, given: tuple[Argument, ...], rest: tuple[Word, ...], command: Command) -> Line:
    """Find project and file of a command of docker compose."""
    from rshell.core.compose import stacks

    return stacks.begin(case, given, case.words[len(case.words) - len(rest) - 1].span, command)


def _command_of(
    case: Case, program: Program
) -> tuple[Program, str, tuple[str, ...], tuple[Argument, ...], tuple[Word, ...]]:
    """Find the command that the words name.

    Returns the program it belongs to (docker, or docker compose), its key, what is written between the
    program and it, the options that stood in front of it, and the words that follow.
    """
    written: tuple[str, ...] = ()
    given: tuple[Argument, ...] = ()
    words = case.words[1:]
    while program.options is not None:
        # SECURITY: docker goes on after --version (`docker --version exec web id` runs exec); only alone
        if len(words) == 1 and words[0].text in ("--version", "-v") and "--version" in program.names:
            return program, program.names["--version"], written, given, ()
        root = _root(case, program, words)
        key, rest = _named(program, root.operands)
        given = root.arguments
        spelled = tuple(grammar.spell(program.options, one) for one in given if one.name not in OF_STACK)
        written += (*program.always, *spelled)
        if not key:
            _deny("no_command", case, program, root.operands)
        inner = case.policy.programs.get(key)
        if inner is None:
            return program, key, written, given, rest
        if not case.context.paths["cli-plugin:" + inner.plugin]:
            _deny("absent", case, key)
        program, words = inner, rest
        written += (key.rpartition(" ")[2],)
    return program, program.name, written, given, words


def _named(program: Program, operands: tuple[Word, ...]) -> tuple[str, tuple[Word, ...]]:
    """Return the key of the command that the first words name, and the words behind them."""
    for count in range(min(3, len(operands)), 0, -1):
        named = [word.text for word in operands[:count]]
        key = program.names.get(" ".join(named))
        if key and not any(" " in word for word in named):  # 'container ls' in one word is no command
            return key, operands[count:]
    return "", operands


def _root(case: Case, program: Program, words: tuple[Word, ...]) -> Invocation:
    """Read the options before the verb; only a few may stand there."""
    assert program.options is not None  # noqa: S101 - asked of programs with commands only
    try:
        read = grammar.parse(program.options, words)
    except Misread as misread:
        _deny("misread", case, misread, program.options, program.root_allowed, None)
    for argument in read.arguments:
        option = program.options.options[argument.name]
        if argument.name not in program.root_allowed:
            _deny("root_option", case, program.name, argument)
        if argument.value is not None and not fits(option.type, argument.value):
            _deny("wrong_value", case, program.name, argument, option.type, "argument", None)
        if argument.name == PROJECT:
            _project(case, argument)
    return read


def _project(case: Case, argument: Argument) -> None:
    """Hold the name of a project against the policy."""
    from rshell.core.compose import stacks

    stacks.check_project(case, argument)


def _judge(case: Case, command: str) -> Judge:
    """Return what holds an option and its value against `containers`: '' or what is expected, None: not its matter."""
    from rshell.core import containers

    allowed = case.policy.sections["containers"]
    later = containers.SPLIT if command == RUN else ()  # parts/options.py judges them, all of a container's together

    def judge(name: str, value: str) -> str | None:
        if name in later:
            return ""
        return containers.judge(allowed, name, value) if containers.knows(name) else None

    return judge


def _granted(
    case: Case,
    environment: tuple[tuple[str, str], ...],
    command: Command,
    rule: Rule,
    before: tuple[str, ...],
    rest: tuple[Word, ...],
) -> Exec:
    """Hold one rule against the words; return what may run under it."""
    label = command.grammar.name if command.grammar else command.key
    if rule.right_of_pipe != case.piped:
        _deny("misplaced", case, label)
    invocation = None
    if rule.forms:
        argv = (*before, *_form(case, label, rule, rest))
    else:
        assert command.grammar is not None  # noqa: S101 - compile.py stores forms or a grammar
        invocation = _invocation(case, command.grammar, rule, rest)
        argv = grammar.write(command.grammar, before, invocation)
    return Exec(
        argv, label, rule.name, rule.source, rule.run_as, environment,
        min(case.timeout, rule.timeout) if case.timeout else rule.timeout,
        case.simple.redirects, case.simple.text, case.simple.span, rule.right_of_pipe,
        tuple(word.text for word in case.words),
        _needs(case, command.key, invocation), before, command.key, invocation,
    )  # fmt: skip


def _needs(case: Case, command: str, invocation: Invocation | None) -> tuple[Need, ...]:
    """Ask docker's own rules what must be looked up."""
    if invocation is None or not command.startswith(DOCKER):
        return ()
    from rshell.core.objects import touched

    needs = touched.needs(case, command, invocation)
    if command not in OF_DOCKER:
        return needs
    from rshell.core import docker

    return (*docker.needs(command, invocation), *needs)


def _form(case: Case, label: str, rule: Rule, rest: tuple[Word, ...]) -> list[str]:
    """Match the words against the rule's exact shapes."""
    texts = [word.text for word in rest]
    for form in rule.forms:
        if len(form) == len(texts) and all(fits_word(item, text) for item, text in zip(form, texts, strict=True)):
            return texts
    _deny("form", case, label, rule, rest)


def _invocation(case: Case, shape: Grammar, rule: Rule, rest: tuple[Word, ...]) -> Invocation:
    """Read the words by the command's grammar and narrow them by the rule."""
    allowed, needs = rule.options, rule.needs
    if case.context.terminal:
        allowed = {**allowed, **rule.terminal_options} if rule.terminal_options else allowed
        needs = needs if rule.terminal_needs is None else rule.terminal_needs
    try:
        read = grammar.parse(shape, rest)
    except Misread as misread:
        _deny("misread", case, misread, shape, allowed, rule)
    if shape.name == RUN:
        # SECURITY: the one that is left is the only one: a flag that is given twice, on and off, was not read
        read = read.but(arguments=tuple(one for one in read.arguments if one.name not in OFF or one.value != "false"))
    judge = _judge(case, shape.name) if shape.name in JUDGED else None
    for argument in read.arguments:
        _argument(case, shape, rule, argument, allowed, judge)
    _operands(case, shape, rule, read)
    # SECURITY: --no-stream=false is not --no-stream
    given = {argument.name for argument in read.arguments if not _is_off(shape, argument)}
    missing = [name for name in needs if name not in given]
    if missing or (rule.needs_one_of and not given.intersection(rule.needs_one_of)):
        _deny("needed", case, shape, rule, missing)
    adds = tuple(
        Argument(name, None, (0, 0))
        for name, only_with in rule.adds
        if name not in given and (not only_with or only_with in given)
    )
    if adds:
        added = {argument.name for argument in adds}
        read = read.but(arguments=(*(one for one in read.arguments if one.name not in added), *adds))
    if shape.name in OF_DOCKER:
        from rshell.core import docker

        read = docker.finish(case, shape, rule, read)
    if shape.name.startswith(DOCKER):
        from rshell.core.objects import touched

        read = touched.narrow(case, shape, rule, read)
    return read


def _is_off(shape: Grammar, argument: Argument) -> bool:
    """Tell whether a flag was given as --name=false."""
    return shape.options[argument.name].kind == "flag" and argument.value == "false"


def _argument(
    case: Case, shape: Grammar, rule: Rule, argument: Argument, allowed: Mapping[str, Type], judge: Judge | None
) -> None:
    option = shape.options[argument.name]
    if argument.name not in allowed:
        _deny("option", case, shape, rule, argument)
    if argument.value is None or option.kind == "flag":
        return
    narrower = allowed[argument.name]
    expected = judge(argument.name, argument.value) if judge else None
    if expected:
        _deny("judged", case, shape.name, argument, expected, rule)
    if expected is None and not (narrower and is_unjudged(option.type)) and not fits(option.type, argument.value):
        _deny("wrong_value", case, shape.name, argument, option.type, "argument", rule)
    if narrower and not fits(narrower, argument.value):
        _deny("wrong_value", case, shape.name, argument, narrower, "value", rule)


def _operands(case: Case, shape: Grammar, rule: Rule, read: Invocation) -> None:
    """Check number and types of the operands against the grammar, then against the rule."""
    wanted = shape.operands
    if shape.unless and any(argument.name in shape.unless for argument in read.arguments):
        wanted = ()  # SECURITY: with grep -e PATTERN an operand is a file to read
    for expected, code in ((wanted, "operand"), (rule.operands, "operand-denied")):
        if expected is None:
            continue
        left = read.operands
        for kind, many in expected:
            count = len(left) if many in ("*", "+") else min(1, len(left))
            if not count and many in ("", "+"):
                _deny("missing", case, shape, kind, rule)
            for word in left[:count]:
                if not fits(kind, word.text):
                    _deny("operand", case, shape, word, kind, code, rule)
            left = left[count:]
        if left:
            _deny("too_many", case, shape, left, rule)
