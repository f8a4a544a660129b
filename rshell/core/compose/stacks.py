"""Lines of docker compose: which project they speak of, which file, and what the operator says of his own projects."""

from __future__ import annotations

from rshell import say
from rshell.core import containers, docker
from rshell.core.compose import nodes
from rshell.core.model import Argument, Invocation, Need
from rshell.core.objects import touched
from rshell.core.rules import COMPOSE, FILE, PROJECT, Refused
from rshell.core.settle import rewritten, unknown
from rshell.core.value import Value
from rshell.core.values import fits_word, form_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rshell.core.compose.models import Model
    from rshell.core.compose.nodes import Node, Wrong
    from rshell.core.containers import Containers
    from rshell.core.model import Command, Context, Exec, Policy, Refusal, Span, Word
    from rshell.core.rules import Case

STDIN = "-"
RUN, PULL = COMPOSE + " run", COMPOSE + " pull"
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
BRIDGE = "bridge"
# What the Engine itself writes on every network, and what `default-network-opts` of its may: none reaches the host.
NETWORK_OPTIONS = frozenset(
    f"com.docker.network.{name}"
    for name in (
        "enable_ipv4", "enable_ipv6", "driver.mtu", "bridge.enable_icc", "bridge.enable_ip_masquerade",
        "bridge.host_binding_ipv4",
    )
)  # fmt: skip
PLACES = ("--env-file=", "--project-directory=", "--file=", "--project-name=")


class Stack(Value):
    """A project of the operator's: its directory, and what may be done with it.

    services: () for all of them. run: for each service the words that `run` may give it; without words only where
    () is listed. environment: the names that `run` may set.
    """

    name: str
    directory: str
    verbs: tuple[str, ...]
    services: tuple[str, ...]
    run: tuple[tuple[str, tuple[tuple[tuple[object, ...], ...], ...]], ...]
    environment: tuple[str, ...]


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


class Owned(Value):
    """A volume or a network by a name that a project has for its own: whose it is, its driver, its options' names.

    owner: '' where it is not there yet.
    """

    owner: str = ""
    driver: str = ""
    options: tuple[str, ...] = ()


# -- the line -----------------------------------------------------------------------------


def check_project(case: Case, named: Argument) -> None:
    """Hold what -p says against the policy. Raises Refused."""
    allowed = case.policy.sections["containers"]
    name = named.value or ""
    if stack_of(allowed, name) is None and not containers.any_matches(allowed.projects, name):
        known = (*allowed.projects, *(stack[0] for stack in allowed.stacks))
        raise Refused(say.refuse(
            "value", line=case.line, at=named.span, command=COMPOSE, option="--project-name", value=name,
            expected="one of " + (" ".join(known) or "none"),
        ))  # fmt: skip


def begin(case: Case, root: tuple[Argument, ...], at: Span, command: Command) -> Line:
    """Find out which project and which file a command of docker compose is about.

    root: the options in front of the verb. at: where the verb stands.
    Returns what puts both into the command once it is granted. Raises Refused.
    """
    line = Line(case, root, at, command)
    line.check()
    return line


def stack_of(allowed: Containers, name: str) -> Stack | None:
    """Return the project of the operator's that has a name, None if it is none."""
    return next((Stack(*fields) for fields in allowed.stacks if fields[0] == name), None)


class Line:
    """One command of docker compose, from its project to its argv."""

    def __init__(self, case: Case, root: tuple[Argument, ...], at: Span, command: Command) -> None:
        self.case, self.at, self.rule = case, at, command.rules[0]
        self.label, self.verb = command.key, command.key.removeprefix(COMPOSE + " ")
        self.named = next((argument.value or "" for argument in root if argument.name == PROJECT), "")
        self.files = [argument for argument in root if argument.name == FILE]
        self.allowed = case.policy.sections["containers"]
        self.project = self.named or ("" if self.verb in WITHOUT else self.allowed.project)
        # a file that is sent may say itself whose it is
        anonymous = not self.named and bool(self.files) and self.files[0].value == STDIN
        self.stack = None if anonymous or self.verb in WITHOUT else stack_of(self.allowed, self.project)

    def refuse(self, code: str, at: Span, **fields: Any) -> Refused:
        return Refused(say.refuse(code, line=self.case.line, at=at, command=self.label, rule=self.rule, **fields))

    def check(self) -> None:
        """Refuse what is wrong whatever the options of the command. Raises Refused."""
        if containers.any_matches(self.case.policy.sections["objects"].protected.projects, self.project):
            raise self.refuse("protected", self.at, value=self.project)
        if self.stack is not None:
            self.check_stack(self.stack)
            return
        if self.files and self.verb in WITHOUT:
            raise self.refuse("no-file", self.files[0].span)
        if len(self.files) > 1:  # SECURITY: compose lays one over the other
            raise self.refuse("one-file", self.files[1].span)
        line = self.case.line
        if self.files and self.files[0].value != STDIN:
            start, end = self.files[0].span
            tries = (f"{line[:start]}-f -{line[end:]}",)
            raise self.refuse("file", self.files[0].span, value=self.files[0].value or "", tries=tries)

    def check_stack(self, stack: Stack) -> None:
        """Hold verb and file against what the operator says of his project."""
        usual = {*NAMES, *(f"./{name}" for name in NAMES), *(f"{stack.directory}/{name}" for name in NAMES)}
        for file in self.files:
            if len(self.files) > 1 or file.value not in usual:
                raise self.refuse("operator-file", file.span, project=stack.name)
        if self.verb not in stack.verbs:
            raise self.refuse("operator-verb", self.at, project=stack.name, shapes=" ".join(stack.verbs))

    def finish(self, command: Exec) -> Exec:
        """Return the granted command with project and file in it, and what must be looked up for it.

        Raises Refused.
        """
        invocation = command.invocation
        assert invocation is not None  # noqa: S101 - compose has no forms
        words, needs = [], list(command.needs)
        if self.stack is not None:
            self.operated(self.stack, invocation)
            needs.append(Need("compose-project", (self.stack.directory,)))
        elif self.files:
            words.append(f"--file={MODEL}")
            needs.append(Need("compose-model", (self.named,)))
        else:
            self.check_bare()
        project = self.named if words else self.project
        words += [f"--project-name={project}"] if project else []
        if self.verb == "run" and not docker.is_detached(invocation):
            needs.append(Need("run-id", ("container",)))
        made = command.but(before=(*command.before, *words), needs=tuple(needs))
        if not self.files or self.stack is not None:  # what is sent says itself what it touches
            made = made.but(needs=(*made.needs, *touched.project(self.case.policy, made)))
        return rewritten(self.case.policy, made, invocation)

    def check_bare(self) -> None:
        """Refuse a command without a file that does nothing without one, or that is about nothing."""
        line, at = self.case.line, self.at
        if self.verb in NEED_FILE:
            raise self.refuse("needs-file", at, tries=(f"{line[: at[0]]}-f - {line[at[0] :]}",))
        if not self.project and self.verb not in WITHOUT:
            raise self.refuse("no-project", at, shapes=" ".join(self.allowed.projects) or "none")

    def operated(self, stack: Stack, invocation: Invocation) -> None:
        """Hold the services, or what `run` is to run, against what the operator says."""
        if self.verb == "run":
            self.run(stack, invocation)
        elif stack.services:
            self.services(stack, invocation.operands[:1] if self.verb == "port" else invocation.operands)

    def services(self, stack: Stack, named: tuple[Word, ...]) -> None:
        """Hold the services that are named against those that may be."""
        shapes = " ".join(stack.services)
        if not named:
            raise self.refuse("operator-all", self.at, project=stack.name, shapes=shapes)
        for word in named:
            if word.text not in stack.services:
                raise self.refuse("operator-service", word.span, value=word.text, shapes=shapes)

    def run(self, stack: Stack, invocation: Invocation) -> None:
        """SECURITY: what runs in a container of the operator's can read what he mounted there; so only listed words.

        No words, too, are listed or refused: what a service does then may be a shell, or anything of the image's.
        """
        for argument in invocation.arguments:
            name = (argument.value or "").partition("=")[0]
            known = argument.name == "env" and containers.any_matches(stack.environment, name)
            if argument.name not in RUN_OPTIONS and not known:
                why = f"in a project of the operator's: {' '.join((*RUN_OPTIONS, *stack.environment))}"
                raise self.refuse("option", argument.span, option="--" + argument.name, why=why)
        service, words = invocation.operands[0], invocation.operands[1:]
        forms = dict(stack.run).get(service.text)
        if forms is None:
            shapes = " ".join(name for name, _ in stack.run) or "none"
            raise self.refuse("operator-service", service.span, value=service.text, shapes=shapes)
        for form in forms:
            if len(form) == len(words) and all(map(fits_word, form, (word.text for word in words))):
                return
        shapes = " or ".join(" ".join(map(form_word, form)) or "no words" for form in forms) or "nothing"
        raise self.refuse("form", words[0].span if words else service.span, shapes=shapes)


# -- just before it starts ------------------------------------------------------------------


def settle_file(
    policy: Policy, context: Context, command: Exec, need: Need, found: tuple[object, ...]
) -> Exec | Refusal:
    """Judge the file, and give the model that was judged to the process; ask for what the file needs."""
    from rshell.core.compose import models

    file, allowed, invocation = found[0], policy.sections["containers"], command.invocation
    if not isinstance(file, File) or invocation is None:
        return unknown(command, need)
    if file.root is None:
        return _fault(command, file)
    default = allowed.project if containers.any_matches(allowed.projects, allowed.project) else ""
    try:
        model = models.model(allowed, file.root, need.subjects[0], default, context.uid)
    except nodes.Wrong as wrong:
        return _refused(command, file, wrong)
    if containers.any_matches(policy.sections["objects"].protected.projects, model.project):
        return say.refuse("protected", at=command.span, command=command.name, value=model.project)
    before = tuple(word for word in command.before if not word.startswith("--project-name="))
    if command.command == RUN:  # its stdin was the file: compose would look for a terminal there
        invocation = without_terminal(command, invocation)
    made = command.but(before=(*before, f"--project-name={model.project}"), model=model.text, text="")
    own = tuple(f"{model.project} {kind} {name}" for kind, name in model.own)
    asked = (("volume", model.volumes), ("path", model.binds), ("compose-own", own))
    needs = tuple(Need(check, subjects) for check, subjects in asked if subjects)
    needs += (*touched.volumes(policy, model.volumes), *touched.networks(policy, model.joined))
    needs += (*_images(policy, command, model), *touched.project(policy, made))
    return rewritten(policy, made, invocation).but(needs=(*command.needs, *needs))


def _images(policy: Policy, command: Exec, model: Model) -> tuple[Need, ...]:
    """Ask for the images of the services: those that are pulled whatever is here, and the others."""
    pulled = model.images if command.command == PULL else model.pulled
    kept = tuple(image for image in model.images if image not in pulled)
    return (*touched.images(policy, pulled, True), *touched.images(policy, kept, False))


def without_terminal(command: Exec, invocation: Invocation) -> Invocation:
    """Return what `run` is given to look for no terminal."""
    kept = tuple(argument for argument in invocation.arguments if argument.name != "no-tty")
    return invocation.but(arguments=(*kept, Argument("no-tty", None, command.span)))


def _fault(command: Exec, file: File) -> Refusal:
    if not file.line:
        return say.refuse("no-model", at=command.span, command=command.name, said=file.fault)
    line, at = excerpt(file, file.line, file.column, 1)
    return say.refuse(
        "model-syntax", line=line, at=at, sent=True, command=command.name, row=file.line, column=file.column,
        said=file.fault,
    )  # fmt: skip


def _refused(command: Exec, file: File, wrong: Wrong) -> Refusal:
    node = wrong.node
    row, column, length = node.line, node.column, len(node.text) + 2 * (not node.plain) if node.text else 1
    if isinstance(wrong, nodes.Filled) and "\n" in node.text:
        row, column, length = _dollar(file, row, column)
    line, at = excerpt(file, row, column, length)
    return say.refuse(
        "model-misread" if wrong.misread else "model", line=line, at=at, sent=True, command=command.name, row=row,
        column=column, path=wrong.path, said=wrong.what, why=wrong.why[:MAX_WHY],
    )  # fmt: skip


def _dollar(file: File, row: int, column: int) -> tuple[int, int, int]:
    """Find the `$` in a text of several lines that begins there; (line, column, length)."""
    for number, line in enumerate(file.text.split("\n")[row - 1 :], row):
        found = nodes.lone_dollar(line, column - 1 if number == row else 0)
        if found >= 0:
            return number, found + 1, 1
    return row, column, 1


def excerpt(file: File, row: int, column: int, length: int) -> tuple[str, Span]:
    """Return a line of the file, and where something stands in it."""
    lines = file.text.split("\n")
    line = lines[row - 1] if row <= len(lines) else ""
    start = min(column - 1, len(line))
    return line, (start, min(start + length, len(line)))


def settle_own(
    policy: Policy, context: Context, command: Exec, need: Need, found: tuple[object, ...]
) -> Exec | Refusal:
    """Refuse a volume or a network that the file takes for its own, but that another project has made, or another way.

    SECURITY: `lab` could name a volume `x_data`; that is the volume `data` of a project `lab_x`. A network that was
    made before may be any of the host's own, by its driver (macvlan) or its options (bridge.name).
    """
    for subject, owned in zip(need.subjects, found, strict=True):
        if not isinstance(owned, Owned):
            return unknown(command, need)
        project, kind, name = subject.split(" ")
        if owned.owner not in ("", project):
            return say.refuse("not-own", at=command.span, command=command.name, kind=kind, value=name, project=project)
        odd = _odd(owned) if kind == "network" and owned.owner else ""  # volumes have a question of their own
        if odd:
            return say.refuse("network", at=command.span, command=command.name, value=name, found=odd)
    return command


def _odd(network: Owned) -> str:
    """Say what a network has that compose would not give it, '' for nothing."""
    if network.driver != BRIDGE:
        return f"has the driver {network.driver}"
    odd = [option for option in network.options if option not in NETWORK_OPTIONS]
    return f"has options of its own: {' '.join(odd)}" if odd else ""


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
    made = command.but(before=(*kept[:at], *words, *kept[at:]))
    if command.command == RUN:
        # SECURITY: python, sh or psql without words run whatever comes on stdin
        made, invocation = made.but(text=""), without_terminal(command, invocation)
    return rewritten(policy, made, invocation)


SETTLERS = {"compose-model": settle_file, "compose-own": settle_own, "compose-project": settle_project}
