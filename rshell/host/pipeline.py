"""Run a Permit: lists, pipelines, statuses as in sh. Every command is recorded before it starts."""

from __future__ import annotations

from rshell import say
from rshell.core.model import Builtin, Exec, Group, Refusal
from rshell.core.value import Value
from rshell.host import process
from rshell.host.lifeline import Child, Lifeline
from rshell.lean import os, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rshell.core.model import Context, Permit, Policy
    from rshell.host.audit import Audit

    Streams = tuple[int, int, int]
    Carry = Callable[[Builtin, Streams, int], int]

INTERRUPTED = 128 + signal.SIGINT


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

    def run(self, permit: Permit, streams: Streams, line: str) -> int:
        """Run a line; return its status. Raises Exit, or Halt when the rest must not run.

        line: as it was sent, for the records.
        """
        self.ran, self.line, self.wrapper = 0, line, ""
        return self.body(permit, streams)

    def body(self, permit: Permit, streams: Streams) -> int:
        for operator, stages in permit.items:
            if (operator == "&&" and self.status) or (operator == "||" and not self.status):
                continue
            self.status = self.pipeline(stages, streams, permit)
            if self.session.lifeline.gone:
                raise Halt(self.status)
        return self.status

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
        return status

    def group(self, group: Group, streams: Streams) -> int:
        """Run the line inside bash -c, and keep the contract of its wrapper."""
        before, self.wrapper = self.wrapper, group.wrapper
        outside = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        inner = process.apply_redirects(streams, group.redirects)
        try:
            if group.directory and not _go(group.directory):
                return 126  # what the wrapper's own `cd ... || exit 126` says
            try:
                self.status = 0
                status = self.body(group.body, inner)
            except Exit as left:
                status = left.status
            if group.marker:
                mark = f"__HERMES_CWD_{group.marker}__"
                os.write(inner[1], f"\n{mark}{os.getcwd()}{mark}\n".encode("utf-8", "surrogateescape"))
            return status
        finally:
            os.fchdir(outside)  # a `cd` inside is not one outside
            os.close(outside)
            self.wrapper = before

    def refuse(self, refusal: Refusal, error: int) -> None:
        """Tell of a refusal that came when earlier commands had already run. Raises Halt."""
        self.session.audit.refused(self.line, refusal, self.wrapper, self.ran)
        os.write(error, say.render(refusal, self.ran).encode("ascii"))
        raise Halt(say.STATUS[refusal.kind])


class _Job:
    """One pipeline of processes, from settling to its end."""

    def __init__(self, runner: Runner, permit: Permit) -> None:
        self.runner = runner
        self.session = runner.session
        self.permit = permit
        self.children: list[Child] = []
        self.ids: list[str] = []
        self.group = 0

    def run(self, stages: tuple[Exec | Builtin | Group, ...], streams: Streams) -> int:
        settled = [self.settle(stage, streams[2]) for stage in stages]
        terminal = process.controlling_terminal() if self.session.context.terminal else -1
        try:
            self.start_all(settled, streams, terminal)
            reason = self.session.lifeline.wait(self.children, self.group)
        finally:
            self.abandon()
            process.take_terminal(terminal)
        return self.finish(settled, reason, streams[2])

    def settle(self, stage: Exec | Builtin | Group, error: int) -> Exec | Builtin:
        """Get the last word on a stage: for what the policy runs under an identity, from its far side."""
        assert not isinstance(stage, Group)  # noqa: S101 - decide splices groups in pipes
        if not isinstance(stage, Exec) or not stage.run_as:
            return stage
        from rshell.host.protocol import Request
        from rshell.host.serve import serve

        request = Request(stage.words, stage.text, self.session.context.terminal, stage.timeout, "")
        answer = serve(self.session.policy, request, self.session.context)
        if isinstance(answer, Refusal):
            self.runner.refuse(answer.but(line=self.permit.line, at=stage.span), error)
            raise AssertionError  # refuse never returns
        return answer.but(redirects=stage.redirects, span=stage.span)

    def start_all(self, stages: list[Exec | Builtin], streams: Streams, terminal: int) -> None:
        """Start every stage, each output the next one's input."""
        source, owned = streams[0], -1
        for index, stage in enumerate(stages):
            last = index == len(stages) - 1
            reader, writer = (-1, streams[1]) if last else os.pipe2(os.O_CLOEXEC)
            try:
                self.start(stage, (source, writer, streams[2]), terminal, streams[2])
            finally:
                if owned >= 0:
                    os.close(owned)
                if not last:
                    os.close(writer)
            source = owned = reader

    def start(self, stage: Exec | Builtin, streams: Streams, terminal: int, error: int) -> None:
        """Record a stage, then start it."""
        audit, runner = self.session.audit, self.runner
        if isinstance(stage, Builtin):
            audit.builtin(runner.line, stage.name)
            self.ids.append("")
            placed = process.apply_redirects(streams, stage.redirects)
            child = process.fork(lambda: self.carry_in_child(stage), placed, self.group, terminal, stage.timeout)
        else:
            self.ids.append(audit.starting(runner.line, stage, runner.wrapper))
            text = -1 if stage.text is None else process.text_file(stage.text)
            placed = streams if text < 0 else (text, streams[1], streams[2])
            child = process.start(stage, placed, self.group, terminal, error)
            if text >= 0:
                os.close(text)
        runner.ran += 1
        self.group = self.group or child.pid
        self.children.append(child)

    def carry_in_child(self, stage: Builtin) -> int:
        """Carry out a builtin on the left of a pipe: in a process of its own, like everything in a pipe."""
        self.session.lifeline.listen()
        try:
            return self.session.carry(stage, (0, 1, 2), self.runner.status)
        except Exit as left:
            return left.status

    def abandon(self) -> None:
        """End what still runs when starting or waiting failed."""
        for child in self.children:
            child.due = child.started
        self.session.lifeline.wait(self.children, self.group)

    def finish(self, stages: list[Exec | Builtin], reason: str, error: int) -> int:
        """Record how each stage ended; return the status of the pipeline."""
        statuses = [child.status or 0 for child in self.children]
        for index, (child, stage, identity) in enumerate(zip(self.children, stages, self.ids, strict=True)):
            if child.expired:
                statuses[index] = say.TIMED_OUT
                os.write(error, say.timed_out(stage.name, stage.timeout).encode("ascii"))
            if identity:
                why = "timeout" if child.expired else reason
                self.session.audit.ended(identity, statuses[index], child.seconds, why)
        if statuses[-1] == INTERRUPTED and self.session.context.terminal:
            raise Halt(INTERRUPTED)
        if self.permit.pipefail:
            return next((status for status in reversed(statuses) if status), 0)
        return statuses[-1]


def _go(directory: str) -> bool:
    try:
        os.chdir(directory)
    except (OSError, ValueError):
        return False
    return True
