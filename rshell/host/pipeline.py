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
    from rshell.host.audit import Audit

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
    """What running needs to know. `carry` carries out a builtin: (builtin, streams, last status)."""

    policy: Policy
    context: Context
    audit: Audit
    lifeline: Lifeline
    carry: Carry


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

    def refuse(self, refusal: Refusal, error: int) -> NoReturn:
        """Tell of a refusal that came when earlier commands had already run. Raises Halt."""
        self.session.audit.refused(self.line, refusal, self.wrapper, self.ran)
        write(error, say.render(refusal, self.ran))
        raise Halt(say.STATUS[refusal.kind])


class _Job:
    """One pipeline of processes, from settling to its end. A builtin may stand at its left."""

    def __init__(self, runner: Runner, permit: Permit) -> None:
        self.runner = runner
        self.session = runner.session
        self.permit = permit
        self.children: list[Child] = []
        self.records: list[tuple[str, Exec]] = []  # what was started, and the id of its record
        self.group = 0

    def run(self, stages: tuple[Exec | Builtin | Group, ...], streams: Streams) -> int:
        first = stages[0] if isinstance(stages[0], Builtin) else None
        settled = [self.settle(stage, streams[2]) for stage in stages if isinstance(stage, Exec)]
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

    def settle(self, stage: Exec, error: int) -> Exec:
        """Get the last word on a stage: for what the policy runs under an identity, from its far side."""
        if not stage.run_as:
            return stage
        from rshell.host.protocol import Request
        from rshell.host.serve import serve

        session = self.session
        request = Request(stage.words, stage.text, session.context.terminal, stage.timeout, "")
        answer = serve(session.policy, request, session.context, session.lifeline.ready)
        if isinstance(answer, Refusal):
            self.runner.refuse(answer.but(line=self.permit.line, at=stage.span), error)
        return answer.but(redirects=stage.redirects, span=stage.span)

    def start_all(self, stages: list[Exec], streams: Streams, terminal: int) -> None:
        """Start every stage, each output the next one's input."""
        source, owned = streams[0], -1
        for index, stage in enumerate(stages):
            last = index == len(stages) - 1
            reader, writer = (-1, streams[1]) if last else os.pipe2(os.O_CLOEXEC)
            try:
                self.start(stage, (source, writer, streams[2]), terminal, streams[2])
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
        identity = self.session.audit.starting(self.runner.line, stage, self.runner.wrapper)
        self.records.append((identity, stage))
        text = -1 if stage.text is None else process.text_file(stage.text)
        placed = streams if text < 0 else (text, streams[1], streams[2])
        try:
            child = process.start(stage, placed, self.group, terminal, error)
        finally:
            if text >= 0:
                os.close(text)
        self.runner.ran += 1
        self.group = self.group or child.pid
        self.children.append(child)

    def abandon(self) -> None:
        """End what still runs when starting or waiting failed."""
        for child in self.children:
            child.due = child.started
        self.session.lifeline.wait(self.children, self.group)

    def record(self, reason: str, error: int) -> list[int]:
        """Record how each stage ended, also one that could not be started; return their statuses."""
        statuses = []
        for index, (identity, stage) in enumerate(self.records):
            child = self.children[index] if index < len(self.children) else None
            status, seconds, why = CANNOT_START, 0.0, "failed"
            if child is not None:
                status, seconds, why = child.status or 0, child.seconds, reason
            if child is not None and child.expired and not reason:
                status, why = say.TIMED_OUT, "timeout"
            self.session.audit.ended(identity, status, seconds, why)
            if why == "timeout":
                write(error, say.timed_out(stage.name, stage.timeout))
            statuses.append(status)
        return statuses


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
