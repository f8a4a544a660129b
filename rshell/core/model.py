"""The values that the parts hand to each other."""

from __future__ import annotations

from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Type = tuple[Any, ...]  # what values.check reads; see values.py
    Span = tuple[int, int]  # [start, end) in the text of the line


# -- the line, as read ----------------------------------------------------------------


class Word(Value):
    """One word after quote removal.

    `holes` are the parameters still to be put in: (index into text, name), name one of ? HOME USER.
    """

    text: str
    span: Span
    quoted: bool = False
    holes: tuple[tuple[int, str], ...] = ()


class Redirect(Value):
    """`fd` goes to another descriptor (`to` is its number) or to /dev/null (`to` is -1)."""

    fd: int
    to: int


class Simple(Value):
    """A simple command of the shell grammar: words, redirections, perhaps a here-document."""

    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]
    text: str | None
    span: Span


class Script(Value):
    """Pipelines with the operator before each: '' ; && ||."""

    line: str
    items: tuple[tuple[str, tuple[Simple, ...]], ...]
    pipefail: bool = False


# -- what a program understands --------------------------------------------------------


class Option(Value):
    """One option of a command.

    `kind` is how it takes a value: flag, value, optional (glued only), next (the next word, if it
    does not look like an option). `emit` is the spelling to write out.
    """

    name: str
    short: str
    kind: str
    type: Type
    many: bool
    emit: str
    long: bool
    about: str


class Grammar(Value):
    """One command of a program: how its words are read, and written out again."""

    name: str  # as people say it: docker ps
    emit: tuple[str, ...]  # as it is written out, after the program: container ls
    parser: str  # pflag | getopt
    options: Mapping[str, Option]
    spellings: Mapping[str, str]  # --name and -n -> option name
    operands: tuple[tuple[Type, str], ...]  # (type, one of '' ? * +)
    unless: tuple[str, ...]  # with one of these options there are no operands
    stop: bool
    dashes: bool
    numeric: str
    plus: str
    about: str


class Program(Value):
    """A program of the policy: its commands by every spelling, its root options, its environment."""

    name: str
    about: str
    parser: str
    names: Mapping[str, str]  # every spelling that exists, granted or not: 'container ls' -> 'docker ps'
    options: Grammar | None  # root options, before the verb
    root_allowed: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    always: tuple[str, ...] = ()  # written in front of every command of it
    plugin: str = ""  # the program is a plugin of docker's, of this name
    sides: tuple[str, ...] = ()  # of a |, where the role's rules allow it: left, right


class Rule(Value):
    """What one grant says of one command."""

    name: str
    source: str
    run_as: str
    options: Mapping[str, Type]  # allowed option -> narrower type, or () for the grammar's own
    operands: tuple[tuple[Type, str], ...] | None
    needs: tuple[str, ...]
    needs_one_of: tuple[str, ...]
    adds: tuple[tuple[str, str], ...]  # (option, only with this one, or '')
    terminal_options: Mapping[str, Type]
    terminal_needs: tuple[str, ...] | None
    timeout: int  # seconds
    forms: tuple[tuple[tuple[object, ...], ...], ...]
    right_of_pipe: bool


class Command(Value):
    """A granted command: its grammar (None when it has only forms) and the rules that grant it."""

    key: str
    grammar: Grammar | None
    rules: tuple[Rule, ...]
    never: str  # where `never` names it, or ''


class Advice(Value):
    """What to say when a command is refused."""

    pattern: tuple[str, ...]
    why: str
    instead: str


class Policy(Value):
    """The rules of one role. The mappings may read themselves in on demand; they never change."""

    role: str
    path: str
    sha256: str
    programs: Mapping[str, Program]
    commands: Mapping[str, Command]
    advice: Mapping[str, tuple[Advice, ...]]
    shapes: Mapping[str, Grammar]  # of commands that are not granted, but that advice speaks of
    settings: Mapping[str, object]
    sections: Mapping[str, Any]  # `containers`: a Containers, `objects`: an Objects


# -- what was understood ----------------------------------------------------------------


class Argument(Value):
    """An option as given: its name, its value (None for a bare flag), where it stands."""

    name: str
    value: str | None
    span: Span


class Invocation(Value):
    """The words of one command, understood."""

    arguments: tuple[Argument, ...]
    operands: tuple[Word, ...]
    needs: tuple[Need, ...] = ()  # what was left open when it was judged


# -- the decision -------------------------------------------------------------------------


class Context(Value):
    """Who asks, from where. `paths` maps a program's name to where it is on this host ('' if absent)."""

    user: str
    home: str
    terminal: bool
    paths: Mapping[str, str]
    uid: int = 0


class Need(Value):
    """A question that only the executing identity can answer, asked just before the command starts."""

    check: str
    subjects: tuple[str, ...]


class Exec(Value):
    """A process to start. The only thing that host/ will start."""

    argv: tuple[str, ...]
    name: str
    rule: str
    source: str
    run_as: str
    environment: tuple[tuple[str, str], ...]
    timeout: int
    redirects: tuple[Redirect, ...]
    text: str | None
    span: Span
    filters: bool  # it works on text that others made: with little memory and time
    words: tuple[str, ...]  # as given, without sudo and timeout: what the gate decides on again
    needs: tuple[Need, ...] = ()
    before: tuple[str, ...] = ()  # the program and its root options: what settle writes argv from
    command: str = ""  # key of the Command in the policy
    invocation: Invocation | None = None
    leaves: str = ""  # label of the container that goes on if the process is killed
    model: str = ""  # a file of ours for the process to read as /proc/self/fd/3
    stdin: int = -1  # a descriptor that look opened, read in the place of stdin


class Builtin(Value):
    """A command that rshell carries out itself."""

    name: str
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]
    timeout: int
    span: Span


class Group(Value):
    """The line inside `bash -c LINE`, run as one command.

    `directory` and `marker` are the contract of Hermes' wrapper: go there first, print where we are last.
    """

    body: Permit
    redirects: tuple[Redirect, ...]
    span: Span
    wrapper: str = "sh -c"
    directory: str = ""
    marker: str = ""


class Permit(Value):
    """A whole line that may run: pipelines of stages, with the operator before each."""

    line: str
    items: tuple[tuple[str, tuple[Exec | Builtin | Group, ...]], ...]
    pipefail: bool = False


class Refusal(Value):
    """Why a line does not run.

    `kind` is denied | unknown | unsupported | unavailable; `code` is stable; `at` is a span of `line`.
    """

    kind: str
    code: str
    message: str
    line: str = ""
    at: Span | None = None
    why: str = ""
    instead: str = ""
    rule: str | None = None
    source: str | None = None
    built_in: bool = False  # no policy can allow it
    tries: tuple[str, ...] = ()  # lines that may do instead; suggest.py keeps the first that is permitted
    sent: bool = False  # `line` is one of a file that was sent along, not the line that was typed
