"""One session of the shell, whatever the way in: judge a line, record it, run it or say why not."""

from __future__ import annotations

from rshell import say
from rshell.core.decide import answer
from rshell.core.model import Context, Permit, Refusal
from rshell.core.value import Value
from rshell.host.account import claims
from rshell.host.audit import Audit, Unrecorded
from rshell.host.programs import Programs
from rshell.lean import os, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Policy
    from rshell.host.account import Account
    from rshell.host.lifeline import Lifeline
    from rshell.host.pipeline import Runner
    from rshell.modes.builtins import Builtins

    Streams = tuple[int, int, int]

STANDARD = (0, 1, 2)


class Outcome(Value):
    """What became of a line. `stopped`: not all of it ran. `over`: the session ends with it."""

    status: int
    stopped: bool = False
    over: bool = False


class Shell:
    """What the modes share. gate: the program on the far side of the boundary, '' for none."""

    lifeline: Lifeline
    builtins: Builtins
    runner: Runner

    def __init__(self, policy: Policy, account: Account, mode: str, audit_file: str = "", gate: str = "") -> None:
        terminal = os.isatty(0) and os.isatty(1)
        self.policy = policy
        self.context = Context(account.name, account.home, terminal, Programs(), account.uid)
        self.audit = Audit(policy, account, claims(mode), audit_file)
        self.gate = gate
        self.ready = False
        self.status = 0  # of the last line: $?

    def prepare(self) -> None:
        """Make ready to run something: a refusal needs nothing of that."""
        if self.ready:
            return
        from rshell.host.lifeline import Lifeline
        from rshell.host.pipeline import Runner, Session
        from rshell.modes.builtins import Builtins

        self.lifeline = Lifeline()
        self.builtins = Builtins(self.policy, self.context, self.lifeline)
        session = Session(self.policy, self.context, self.audit, self.lifeline, self.builtins, self.gate)
        self.runner = Runner(session)
        self.ready = True

    def judge(self, line: str) -> Permit | Refusal:
        """Decide on a line, without running or recording anything."""
        decided = answer(self.policy, line, self.context)
        if isinstance(decided, Refusal) or "<<" not in line:
            return decided
        from rshell.host.foresee import foresee

        return foresee(self.policy, decided, self.context) or decided

    def one(self, line: str, streams: Streams = STANDARD) -> Outcome:
        """Judge a line, and run it or say why not."""
        outcome = self.attempt(line, streams)
        self.status = outcome.status
        return outcome

    def attempt(self, line: str, streams: Streams) -> Outcome:
        """Do so; whatever fails on the way is a refusal."""
        try:
            judged = self.judge(line)
            if isinstance(judged, Refusal):
                return Outcome(self.refuse(line, judged), stopped=True)
            return self.run(judged, line, streams)
        except Unrecorded as lost:
            return Outcome(self.unrecorded(lost), stopped=True, over=True)
        except OSError as error:
            refusal = say.unavailable("system", f"the system failed: {error.strerror or error}")
            write(2, say.render(refusal, self.ran()))
            return Outcome(say.STATUS[refusal.kind], stopped=True)

    def run(self, permit: Permit, line: str, streams: Streams) -> Outcome:
        """Run a permitted line."""
        from rshell.host.pipeline import Exit, Halt

        self.prepare()
        try:
            return Outcome(self.runner.run(permit, streams, line, self.status))
        except Exit as left:
            return Outcome(left.status, stopped=True, over=True)
        except Halt as halt:
            return Outcome(halt.status, stopped=True, over=bool(self.lifeline.gone))

    def refuse(self, line: str, refusal: Refusal) -> int:
        """Say why a line does not run, and record that."""
        self.audit.refused(line, refusal)
        write(2, say.render(refusal))
        return say.STATUS[refusal.kind]

    def unrecorded(self, lost: Unrecorded) -> int:
        """Say that nothing could be recorded, so that nothing runs."""
        refusal = say.unavailable(
            "audit.lost", "nothing can be recorded, so nothing runs", f"neither {lost} nor the journal took a record"
        )
        write(2, say.render(refusal, self.ran()))
        return say.STATUS[refusal.kind]

    def ran(self) -> int:
        """Return how many commands of this line have run."""
        return self.runner.ran if self.ready else 0
