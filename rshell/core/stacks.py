"""Lines of docker compose: which project they speak of, which file, and what the operator says of his own projects."""

from __future__ import annotations

from rshell import say
from rshell.core import containers, docker, nodes
from rshell.core.model import Argument, Invocation, Need
from rshell.core.rules import COMPOSE, FILE, PROJECT, Refused
from rshell.core.settle import rewritten, unknown
from rshell.core.value import Value
from rshell.core.values import fits_word, form_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rshell.core.containers import Containers
    from rshell.core.model import Context, Exec, Policy, Refusal, Rule, Span, Word
    from rshell.core.nodes import Node, Wrong
    from rshell.core.rules import Case

STDIN = "-"
RUN = COMPOSE + " run"
WITHOUT = ("ls", "version")  # of no project
NEED_FILE = ("build", "config", "create", "pull", "run", "up")  # they do nothing without a model
NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")  # in the order of compose
VERBS = (
    "build", "config", "create", "down", "images", "logs", "pause", "port", "ps", "pull", "restart", "rm", "run",
    "start", "stats", "stop", "top", "unpause", "up", "volumes", "wait",
)  # fmt: skip
RUN_OPTIONS = ("detach", "no-deps", "no-tty", "quiet-pull", "rm")  # of `run` in a project of the operator's
MODEL = "/proc/self/fd/3"  # where a process finds Exec.model
MAX_WHY = 300  # characters: the file's own names may be in it
PLACES = ("--env-file=", "--project-directory=", "--file=", "--project-name=")


class Stack(Value):
    """A project of the operator's: its directory, and what may be done with it.

    services: () for all of them. run: for each service the words that `run` may give it.
    """

    name: str
    directory: str
    verbs: tuple[str, ...]
    services: tuple[str, ...]
    run: tuple[tuple[str, tuple[tuple[tuple[object, ...], ...], ...]], ...]


class File(Value):
    """A compose file as it was found: its text and its root, or what is wrong with it and where."""

    text: str
    root: Node | None
    fault: str = ""
    line: int = 0
    column: int = 0


class Directory(Value):
    """What was found in the directory of a project: the files that compose reads, or why none is read."""

    path: str
    files: tuple[str, ...]
    environment: str
    fault: str = ""


# -- the line -----------------------------------------------------------------------------


def finish(case: Case, root: tuple[Argument, ...], at: Span, rule: Rule, command: Exec) -> Exec:
    """Put project and file into a granted command of docker compose.

    root: the options in front of the verb. at: where the verb stands.
    Returns the command with what must be looked up for it. Raises Refused.
    """
    line = _Line(case, rule, command, at)
    named = next((argument for argument in root if argument.name == PROJECT), None)
    files = [argument for argument in root if argument.name == FILE]
    verb = command.command.removeprefix(COMPOSE + " ")
    allowed = case.policy.sections["containers"]
    if verb in WITHOUT and files:
        raise line.refuse("no-file", files[0].span)
    sent = bool(files) and files[0].value == STDIN
    stack = None if sent and named is None else stack_of(allowed, _name(named, allowed.project))
    if stack is not None and verb not in WITHOUT:
        return line.operated(stack, verb, files)
    if named is not None and stack is None:
        line.project(allowed, named)
    if files:
        return line.vetted(files, _name(named, ""))
    if verb in NEED_FILE:
        raise line.refuse("needs-file", at, tries=(f"{case.line[: at[0]]}-f - {case.line[at[0] :]}",))
    project = _name(named, "" if verb in WITHOUT else allowed.project)
    if not project and verb not in WITHOUT:
        raise line.refuse("no-project", at, shapes=" ".join(allowed.projects) or "none")
    return line.placed(*([f"--project-name={project}"] if project else []))


def _name(named: Argument | None, default: str) -> str:
    """Return the project that -p names."""
    return default if named is None else named.value or ""


def stack_of(allowed: Containers, name: str) -> Stack | None:
    """Return the project of the operator's that has a name, None if it is none."""
    return next((Stack(*packed) for packed in allowed.stacks if packed[0] == name), None)


class _Line:
    """One command that is being finished."""

    def __init__(self, case: Case, rule: Rule, command: Exec, at: Span) -> None:
        self.case, self.rule, self.command, self.at = case, rule, command, at

    def refuse(self, code: str, at: Span, **fields: Any) -> Refused:
        return Refused(
            say.refuse(code, line=self.case.line, at=at, command=self.command.name, rule=self.rule, **fields)
        )

    def placed(self, *words: str, needs: tuple[Need, ...] = ()) -> Exec:
        """Return the command with words of ours behind the other options in front of the verb."""
        invocation = self.command.invocation
        assert invocation is not None  # noqa: S101 - compose has no forms
        if self.command.command == RUN and not docker.is_detached(invocation):
            needs += (Need("run-id", ("container",)),)
        made = self.command.but(before=(*self.command.before, *words), needs=(*self.command.needs, *needs))
        return rewritten(self.case.policy, made, invocation)

    def project(self, allowed: Containers, named: Argument) -> None:
        """Hold what -p says against the policy."""
        expected = containers.judge(allowed, PROJECT, named.value or "")
        if expected:
            raise Refused(say.refuse(
                "value", line=self.case.line, at=named.span, command=COMPOSE, option="--project-name",
                value=named.value or "", expected=expected,
            ))  # fmt: skip

    def vetted(self, files: list[Argument], project: str) -> Exec:
        """Let a file on stdin be read, judged, and handed over as a file of ours."""
        if len(files) > 1:
            raise self.refuse("one-file", files[1].span)
        if files[0].value != STDIN:
            start, end = files[0].span
            tries = (f"{self.case.line[:start]}-f -{self.case.line[end:]}",)
            raise self.refuse("file", files[0].span, value=files[0].value or "", tries=tries)
        words = [f"--file={MODEL}", *([f"--project-name={project}"] if project else [])]
        return self.placed(*words, needs=(Need("compose-file", (project,)),))

    def operated(self, stack: Stack, verb: str, files: list[Argument]) -> Exec:
        """Let a project of the operator's run as it is, as far as he says."""
        usual = {*NAMES, *(f"./{name}" for name in NAMES), *(f"{stack.directory}/{name}" for name in NAMES)}
        for file in files:
            if len(files) > 1 or file.value not in usual:
                raise self.refuse("operator-file", file.span, project=stack.name)
        if verb not in stack.verbs:
            raise self.refuse("operator-verb", self.at, project=stack.name, shapes=" ".join(stack.verbs))
        invocation = self.command.invocation
        assert invocation is not None  # noqa: S101 - compose has no forms
        if verb == "run":
            self.run(stack, invocation)
        elif stack.services:
            self.services(stack, invocation.operands[:1] if verb == "port" else invocation.operands)
        return self.placed(f"--project-name={stack.name}", needs=(Need("compose-project", (stack.directory,)),))

    def services(self, stack: Stack, named: tuple[Word, ...]) -> None:
        """Hold the services that are named against those that may be."""
        shapes = " ".join(stack.services)
        if not named:
            raise self.refuse("operator-all", self.at, project=stack.name, shapes=shapes)
        for word in named:
            if word.text not in stack.services:
                raise self.refuse("operator-service", word.span, value=word.text, shapes=shapes)

    def run(self, stack: Stack, invocation: Invocation) -> None:
        """SECURITY: what runs in a container of the operator's can read what he mounted there; so only listed words."""
        for argument in invocation.arguments:
            if argument.name not in RUN_OPTIONS:
                why = f"in a project of the operator's: {' '.join(RUN_OPTIONS)}"
                raise self.refuse("option", argument.span, option="--" + argument.name, why=why)
        service, words = invocation.operands[0], invocation.operands[1:]
        forms = dict(stack.run).get(service.text)
        if forms is None:
            shapes = " ".join(name for name, _ in stack.run) or "none"
            raise self.refuse("operator-service", service.span, value=service.text, shapes=shapes)
        for form in forms or ((),):
            if len(form) == len(words) and all(map(fits_word, form, (word.text for word in words))):
                return
        shapes = " or ".join(" ".join(map(form_word, form)) for form in forms) or "no words"
        at = words[0].span if words else service.span
        raise self.refuse("form", at, shapes=shapes)


# -- just before it starts ------------------------------------------------------------------


def settle_file(
    policy: Policy, context: Context, command: Exec, need: Need, found: tuple[object, ...]
) -> Exec | Refusal:
    """Judge the file, and give the model that was judged to the process; ask for what the file needs."""
    from rshell.core import compose

    file, allowed, invocation = found[0], policy.sections["containers"], command.invocation
    if not isinstance(file, File) or invocation is None:
        return unknown(command, need)
    if file.root is None:
        return _fault(command, file)
    default = allowed.project if containers.any_matches(allowed.projects, allowed.project) else ""
    try:
        model = compose.model(allowed, file.root, need.subjects[0], default, context.uid)
    except nodes.Wrong as wrong:
        return _refused(command, file, wrong)
    before = tuple(word for word in command.before if not word.startswith("--project-name="))
    if command.command == RUN:  # its stdin was the file: compose would look for a terminal there
        kept = tuple(argument for argument in invocation.arguments if argument.name != "no-tty")
        invocation = invocation.but(arguments=(*kept, Argument("no-tty", None, command.span)))
    made = command.but(before=(*before, f"--project-name={model.project}"), model=model.text, text="")
    own = tuple(f"{model.project} {kind} {name}" for kind, name in model.own)
    asked = (("volume", model.volumes), ("path", model.binds), ("compose-own", own))
    needs = tuple(Need(check, subjects) for check, subjects in asked if subjects)
    return rewritten(policy, made, invocation).but(needs=(*command.needs, *needs))


def _fault(command: Exec, file: File) -> Refusal:
    if not file.line:
        return say.refuse("no-model", at=command.span, command=command.name, said=file.fault)
    line, at = excerpt(file, file.line, file.column, 1)
    return say.refuse(
        "model-syntax", line=line, at=at, command=command.name, row=file.line, column=file.column, said=file.fault
    )


def _refused(command: Exec, file: File, wrong: Wrong) -> Refusal:
    node = wrong.node
    line, at = excerpt(file, node.line, node.column, len(node.text) + 2 * (not node.plain) if node.text else 1)
    return say.refuse(
        "model-misread" if wrong.misread else "model", line=line, at=at, command=command.name, row=node.line,
        column=node.column, path=wrong.path, said=wrong.what, why=wrong.why[:MAX_WHY],
    )  # fmt: skip


def excerpt(file: File, row: int, column: int, length: int) -> tuple[str, Span]:
    """Return a line of the file, and where something stands in it."""
    lines = file.text.split("\n")
    line = lines[row - 1] if row <= len(lines) else ""
    start = min(column - 1, len(line))
    return line, (start, min(start + length, len(line)))


def settle_own(
    policy: Policy, context: Context, command: Exec, need: Need, found: tuple[object, ...]
) -> Exec | Refusal:
    """Refuse a volume or a network that the file takes for its own, but that another project has made.

    SECURITY: `lab` could name a volume `x_data`; that is the volume `data` of a project `lab_x`.
    """
    for subject, owner in zip(need.subjects, found, strict=True):
        project, kind, name = subject.split(" ")
        if owner not in ("", project):
            return say.refuse("not-own", at=command.span, command=command.name, kind=kind, value=name, project=project)
    return command


def settle_project(
    policy: Policy, context: Context, command: Exec, need: Need, found: tuple[object, ...]
) -> Exec | Refusal:
    """Name the files of a project of the operator's."""
    directory, invocation = found[0], command.invocation
    if not isinstance(directory, Directory) or invocation is None:
        return unknown(command, need)
    if directory.fault:
        return say.refuse("operator-broken", at=command.span, command=command.name, said=directory.fault)
    kept = tuple(word for word in command.before if not word.startswith(PLACES[:3]))
    at = next(index for index, word in enumerate(kept) if word == "compose") + 1
    words = (
        f"--env-file={directory.environment}", f"--project-directory={directory.path}",
        *(f"--file={file}" for file in directory.files),
    )  # fmt: skip
    return rewritten(policy, command.but(before=(*kept[:at], *words, *kept[at:])), invocation)


SETTLERS = {"compose-file": settle_file, "compose-own": settle_own, "compose-project": settle_project}
