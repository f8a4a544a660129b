"""Run a Permit: lists, pipelines, statuses as in sh. Every command is recorded before it starts."""

from __future__ import annotations

from rshell import say
from rshell.core.model import Builtin, Exec, Group, Refusal
from rshell.core.value import Value
from rshell.host import process
from rshell.host.lifeline import Child, Lifeline
from rshell.host.process import CANNOT_START
from rshell.lean import os, signal, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from rshell.core.model import Context, Permit, Policy
    from rshell.host.account import Claims
    from rshell.host.audit import Audit
    from rshell.host.protocol import Request

    Streams = tuple[int, int, int]
    Carry = Callable[[Builtin, Streams, int], int]

INTERRUPTED = 128 + signal.SIGINT
CANNOT_GO = 126  # what Hermes' own `cd ... || exit 126` says


class Exit(Exception):
    """The builtin `exit` ran; ends the line, and in a session the session."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Halt(Exception):
    """A refusal in the middle of a line, an interrupt, or nobody there any more: nothing further runs."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Session(Value):
    """What running needs to know.

    `carry` carries out a builtin: (builtin, streams, last status). `gate` is the program on the far side
    of the privilege boundary; '' when everything runs as the caller.
    """

    policy: Policy
    context: Context
    audit: Audit
    lifeline: Lifeline
    carry: Carry
    gate: str = ""


class Runner:
    """Runs the lines of one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.status = 0  # of the last pipeline: $?
        self.ran = 0  # commands of this line that have run
        self.wrapper = ""
        self.line = ""

    def run(self, permit: Permit, streams: Streams, line: str, status: int) -> int:
        """Run a line; return its status. Raises Exit, or Halt when the rest must not run.

        line: as it was sent, for the records. status: of the line before, for `$?`.
        """
        self.ran, self.line, self.wrapper, self.status = 0, line, "", status
        self.body(permit, streams)
        return self.status

    def body(self, permit: Permit, streams: Streams) -> None:
        for operator, stages in permit.items:
            if (operator == "&&" and self.status) or (operator == "||" and not self.status):
                continue
            self.status = self.pipeline(stages, streams, permit)
            if self.session.lifeline.gone:
                raise Halt(self.status)

    def pipeline(self, stages: tuple[Exec | Builtin | Group, ...], streams: Streams, permit: Permit) -> int:
        if len(stages) == 1 and isinstance(stages[0], Group):
            return self.group(stages[0], streams)
        if len(stages) == 1 and isinstance(stages[0], Builtin):
            return self.builtin(stages[0], streams)
        return _Job(self, permit).run(stages, streams)

    def builtin(self, stage: Builtin, streams: Streams) -> int:
        """Carry out a builtin in this process."""
        self.session.audit.builtin(self.line, stage.name)
        status = self.session.carry(stage, process.apply_redirects(streams, stage.redirects), self.status)
        self.ran += 1
        if self.session.lifeline.gone or (stage.name == "sleep" and status == INTERRUPTED):
            raise Halt(status)
        return status

    def group(self, group: Group, streams: Streams) -> int:
        """Run the line inside bash -c, and keep the contract of its wrapper."""
        before, self.wrapper = self.wrapper, group.wrapper
        outside = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        inner = process.apply_redirects(streams, group.redirects)
        try:
            if group.directory and not _go(group.directory, inner[2]):
                return CANNOT_GO
            self.status = 0
            try:
                self.body(group.body, inner)
            except Exit as left:
                self.status = left.status
            if group.marker:
                mark = f"__HERMES_CWD_{group.marker}__"
                write(inner[1], f"\n{mark}{working_directory()}{mark}\n")
            return self.status
        finally:
            os.fchdir(outside)  # a `cd` inside is not one outside
            os.close(outside)
            self.wrapper = before

    def refuse(self, refusal: Refusal, error: int, recorded: bool = False) -> NoReturn:
        """Tell of a refusal that came when earlier commands had already run. Raises Halt.

        recorded: the gate has done that.
        """
        if not recorded:
            self.session.audit.refused(self.line, refusal, self.wrapper, self.ran)
        write(error, say.render(refusal, self.ran))
        raise Halt(say.STATUS[refusal.kind])


class Started(Value):
    """A stage that was started, or tried: what its records say, its process if there is one."""

    stage: Exec
    about: Claims
    child: Child | None = None


class _Job:
    """One pipeline of processes, from settling to its end. A builtin may stand at its left."""

    def __init__(self, runner: Runner, permit: Permit) -> None:
        self.runner = runner
        self.session = runner.session
        self.permit = permit
        self.started: list[Started] = []
        self.group = 0

    @property
    def children(self) -> list[Child]:
        return [one.child for one in self.started if one.child is not None]

    def run(self, stages: tuple[Exec | Builtin | Group, ...], streams: Streams) -> int:
        first = stages[0] if isinstance(stages[0], Builtin) else None
        settled = [self.settle(stage, streams) for stage in stages if isinstance(stage, Exec)]
        assert len(settled) + bool(first) == len(stages)  # noqa: S101 - decide splices groups, refuses builtins behind |
        terminal = process.controlling_terminal() if self.session.context.terminal else -1
        reason = ""
        statuses = []
        source = streams[0]
        try:
            if first is not None:
                source, status = self.ahead(first, streams)
                statuses.append(status)
            self.start_all(settled, (source, *streams[1:]), terminal)
            reason = self.session.lifeline.wait(self.children, self.group)
        finally:
            if source != streams[0]:
                os.close(source)
            self.abandon()
            process.take_terminal(terminal)
            statuses += self.record(reason, streams[2])
        if statuses[-1] == INTERRUPTED and self.session.context.terminal:
            raise Halt(INTERRUPTED)
        if self.permit.pipefail:
            return next((status for status in reversed(statuses) if status), 0)
        return statuses[-1]

    def ahead(self, builtin: Builtin, streams: Streams) -> tuple[int, int]:
        """Carry out a builtin at the left of a pipe, whole; return what the next stage reads, and its status."""
        output = process.memory()
        try:
            status = self.runner.builtin(builtin, (streams[0], output, streams[2]))
        except Exit as left:  # in a pipe it only leaves its own process
            status = left.status
        os.lseek(output, 0, 0)
        return output, status

    def settle(self, stage: Exec, streams: Streams) -> Exec:
        """Get the last word on a stage that runs under an identity. Behind a gate, the gate has it.

        Only the first stage of a pipeline ever runs under one: the others are filters.
        """
        if not stage.run_as or self.session.gate:
            return stage
        from rshell.host.serve import serve

        session = self.session
        asked, placed = self.request(stage, session.audit.claims), process.apply_redirects(streams, stage.redirects)
        answer = serve(session.policy, asked, session.context, session.lifeline.ready, placed[0])
        if isinstance(answer, Refusal):
            self.runner.refuse(self.placed(answer, stage), streams[2])
        return answer.but(redirects=stage.redirects, span=stage.span)

    def request(self, stage: Exec, about: Claims) -> Request:
        """Say a stage in words, for the far side."""
        from rshell.host.protocol import Request

        return Request(stage.words, stage.text, self.session.context.terminal, stage.timeout, about)

    def start_all(self, stages: list[Exec], streams: Streams, terminal: int) -> None:
        """Start every stage, each output the next one's input."""
        source, owned = streams[0], -1
        for index, stage in enumerate(stages):
            last = index == len(stages) - 1
            reader, writer = (-1, streams[1]) if last else os.pipe2(os.O_CLOEXEC)
            start = self.cross if stage.run_as and self.session.gate else self.start
            try:
                start(stage, (source, writer, streams[2]), terminal, streams[2])
            except BaseException:
                if not last:
                    os.close(reader)
                raise
            finally:
                if owned >= 0:
                    os.close(owned)
                if not last:
                    os.close(writer)
            source = owned = reader

    def start(self, stage: Exec, streams: Streams, terminal: int, error: int) -> None:
        """Record a stage, then start it."""
        about = self.session.audit.next(self.runner.line, self.runner.wrapper)
        self.session.audit.starting(about, stage)
        self.started.append(Started(stage, about))
        child = process.start(stage, streams, self.group, terminal, error)
        self.started[-1] = Started(stage, about, child)
        self.runner.ran += 1
        self.group = self.group or child.pid

    def cross(self, stage: Exec, streams: Streams, terminal: int, error: int) -> None:
        """Start a stage on the far side of the boundary, which records it. Raises Halt when that refuses."""
        from rshell.host import gateway

        session = self.session
        sudo = session.context.paths["sudo"]
        if not sudo:
            self.runner.refuse(gateway.unanswered(), error)
        about = session.audit.next(self.runner.line, self.runner.wrapper)
        placed = process.apply_redirects(streams, stage.redirects)
        child, answer = gateway.cross(
            stage, self.request(stage, about), (sudo, session.gate), placed, self.group, terminal, session.lifeline
        )
        if answer.refusal is not None:
            recorded = answer.reason != gateway.SILENT
            self.turned_back(stage, child.status, answer.refusal, recorded, error)
        self.started.append(Started(stage, about, child))
        self.runner.ran += 1
        self.group = answer.group  # so that the rest of the pipeline hears the terminal's C-c too

    def turned_back(self, stage: Exec, status: int | None, refusal: Refusal, recorded: bool, error: int) -> NoReturn:
        """Tell why a stage does not run on the far side. Raises Halt."""
        if self.session.lifeline.gone or (status == INTERRUPTED and self.session.context.terminal):
            raise Halt(status or 0)
        self.runner.refuse(self.placed(refusal, stage), error, recorded)

    def placed(self, refusal: Refusal, stage: Exec) -> Refusal:
        """Show where in the line it is that is refused; in a file that was sent along it knows better."""
        return refusal if refusal.sent else refusal.but(line=self.permit.line, at=stage.span)

    def abandon(self) -> None:
        """End what still runs when starting or waiting failed."""
        children = self.children
        for child in children:
            child.due = child.started
        self.session.lifeline.wait(children, self.group)

    def record(self, reason: str, error: int) -> list[int]:
        """Record how each stage ended, also one that could not be started; return their statuses."""
        statuses = []
        for one in self.started:
            status, seconds, why = ended(one.child, reason)
            if one.child is None or not one.child.recorded:
                from rshell.host.serve import clear_up

                left = clear_up(one.stage, one.child, why)
                self.session.audit.ended(one.about, status, seconds, why, left)
            if why == "timeout":
                write(error, say.timed_out(one.stage.name, one.stage.timeout))
            statuses.append(status)
        return statuses


def ended(child: Child | None, reason: str) -> tuple[int, float, str]:
    """Return the status of a process that was to be started, its seconds, and why it ended if not by itself."""
    if child is None:
        return CANNOT_START, 0.0, "failed"
    why = reason or child.reason or ("timeout" if child.expired else "")
    return say.TIMED_OUT if why == "timeout" else child.status or 0, child.seconds, why


def _go(directory: str, error: int) -> bool:
    try:
        os.chdir(directory)
    except (OSError, ValueError):
        write(error, say.cannot_go(directory))
        return False
    return True


def working_directory() -> str:
    """Return where we are; '' when that place is gone."""
    try:
        return os.getcwd()
    except OSError:
        return ""
