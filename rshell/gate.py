"""The far side of the privilege boundary. sudo alone starts it, for rshell, as one of the policy's identities.

SECURITY: whoever calls may have replaced all of rshell on their side. Only what the kernel and sudo
say is believed: the uid in SUDO_UID, our own uid and groups, the words on descriptor 3, which are
decided on again. Nothing is ever written to the caller's descriptors 0 to 2 but by the command itself.
"""

from __future__ import annotations

from rshell import say
from rshell.core.model import Context, Exec, Refusal
from rshell.host import account, cgroup, environment, process, slots, stopped, trust
from rshell.host.audit import Audit, Unrecorded, without_policy
from rshell.host.channel import Channel, Hung
from rshell.host.lifeline import Lifeline, end
from rshell.host.programs import Programs
from rshell.host.protocol import Answer, BadMessage, frame, request
from rshell.host.serve import clear_up, serve
from rshell.lean import signal, socket, write_soon
from rshell.policy.open import INSTALLED, Unusable, open_policy
from rshell.policy.store import Corrupt, Untrusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Policy
    from rshell.host.account import Account, Claims
    from rshell.host.protocol import Request

PATIENCE = 10.0  # seconds for the whole request
PARTING = 1.0  # seconds for an answer to be taken


class Refused(Exception):
    """Nothing will run; this is what the front is told."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def main() -> int:
    """Serve one request; return the command's status, or the refusal's. Never a traceback."""
    gate = Gate()
    try:
        return gate.run()
    except Refused as refused:
        refusal = refused.refusal
    except Unusable as error:
        refusal = say.unavailable(error.code, str(error))
    except Corrupt:
        refusal = say.unavailable("policy.corrupt", "the compiled policy is damaged")
    except Hung:
        refusal = say.unavailable("gate.request", "the front hung up, or its request did not come in time")
    except BadMessage as bad:
        refusal = say.unavailable("gate.request", f"no request that the gate understands: {bad}")
    except Unrecorded as lost:
        refusal = say.unavailable("audit.lost", "nothing can be recorded, so nothing runs", f"{lost} took no record")
    except Exception as error:
        refusal = say.unavailable("internal", f"internal error: {type(error).__name__}")
    return gate.turn_back(refusal)


class Gate:
    """One request, from its first byte to the command's end."""

    lifeline: Lifeline
    channel: Channel | None = None
    audit: Audit | None = None

    def run(self) -> int:
        """Serve the request; return the status. Raises Refused and whatever else can be in the way."""
        environment.secure_self(process.CONTROL + 1)
        environment.deafen()
        self.channel = channel = Channel(front())
        self.lifeline = Lifeline(channel)
        channel.ready = self.lifeline.ready
        self.identity = account.own().name
        check_self(self.identity)
        caller = calling()
        policy = rules(caller)
        self.audit = Audit(policy, caller, account.Claims("", "gate", "", ""), identity=self.identity)
        most = int(str(policy.settings["commands_at_once"]))
        if not slots.take(caller.uid, most):
            raise Refused(say.busy(most))
        asked = request(channel.receive(PATIENCE))
        self.audit = audit = Audit(policy, caller, asked.claims, identity=self.identity)
        return self.execute(*self.settled(policy, caller, asked), asked.claims, audit)

    def settled(self, policy: Policy, caller: Account, asked: Request) -> tuple[Exec, int]:
        """Decide again, look, settle. Return what to run, and the terminal it gets. Raises Refused, Hung."""
        terminal = process.own_terminal() if asked.terminal else -1
        context = Context(caller.name, caller.home, terminal >= 0, Programs(), caller.uid)
        decided = serve(policy, asked.but(terminal=terminal >= 0), context, self.lifeline.ready, 0)
        if isinstance(decided, Exec) and decided.run_as != self.identity:
            decided = say.unavailable("gate.identity", f"{decided.name} does not run as {self.identity}")
        if isinstance(decided, Refusal):
            raise Refused(decided)
        if not self.lifeline.still_there():
            raise Hung
        return decided, terminal

    def execute(self, command: Exec, terminal: int, about: Claims, audit: Audit) -> int:
        """Record the command, start it, stay until it has ended, and record that."""
        audit.starting(about, command)
        try:
            child = process.start(command, (0, 1, 2), 0, terminal, 2)
        except OSError as error:
            audit.ended(about, process.CANNOT_START, 0.0, "failed")
            raise Refused(say.unavailable("system", f"the system failed: {error.strerror}")) from None
        try:
            self.tell(Answer("ready", group=child.pid))
            reason = self.lifeline.wait([child], child.pid)
        except BaseException:
            end(child.pid, signal.SIGKILL)  # SECURITY: nothing runs that nobody watches
            audit.ended(about, 128 + signal.SIGKILL, child.seconds, "failed")
            raise
        status = child.status or 0
        if child.expired and not reason:
            status, reason = say.TIMED_OUT, "timeout"
        audit.ended(about, status, child.seconds, reason, clear_up(command, child, reason))
        self.tell(Answer("ended", status, reason=reason))
        return status

    def turn_back(self, refusal: Refusal) -> int:
        """Record a refusal as far as that goes, tell the front, and return the status."""
        try:
            if self.audit is None:
                without_policy(refusal.code, refusal.message, account.claimed("SUDO_UID"))
            else:
                self.audit.refused_here(refusal)
        except Unrecorded:
            pass
        if self.channel is None:
            write_soon(2, say.render(refusal))
        else:
            self.tell(Answer("refused", refusal=refusal))
        return say.STATUS[refusal.kind]

    def tell(self, answer: Answer) -> None:
        """Send an answer; a front that is gone, or does not read, misses it."""
        try:
            if self.channel is not None:
                self.channel.send(frame(answer), PARTING)
        except Hung:
            return


def front() -> socket.socket:
    """Return the socket that rshell gives us. Raises Refused."""
    try:
        made = socket.socket(fileno=process.CONTROL)
    except OSError:
        made = None
    if made is None or (made.family, made.type) != (socket.AF_UNIX, socket.SOCK_STREAM):
        raise Refused(say.unavailable("gate.front", "the gate is for rshell, by sudo", "see rshell-gate(8)"))
    return made


def check_self(identity: str) -> None:
    """Refuse to serve from where others can write, or as less or more than the identity. Raises Refused."""
    try:
        trust.check_program()
    except Untrusted as error:
        raise Refused(say.unavailable("launcher", str(error))) from None
    # SECURITY: sudo -P keeps the caller's groups, sudo -g picks one of the target's
    if not account.is_itself():
        raise Refused(say.unavailable("gate.groups", f"this is not {identity} with its own groups"))
    if not cgroup.is_ours_alone():
        raise Refused(say.unavailable("gate.cgroup", "somebody else rules the control group here", "log in anew"))
    low = environment.low_limits()  # SECURITY: with low ones the last record would be lost
    if low:
        raise Refused(say.unavailable("gate.limits", f"too low here: ulimit {low}", "log in anew"))


def calling() -> Account:
    """Return who asks: sudo's word, which it sets over anything hostile. Raises Refused."""
    uid = account.claimed("SUDO_UID")
    if not uid.isascii() or not uid.isdigit() or not int(uid):
        raise Refused(say.unavailable("gate.caller", "sudo names no caller, or root"))
    try:
        caller = account.by_uid(int(uid))
    except account.Unknown as error:
        raise Refused(say.unavailable("account", str(error))) from None
    why = stopped.reason(caller.uid)
    if why is not None:
        raise Refused(say.stopped(why))
    return caller


def rules(caller: Account) -> Policy:
    """Return the rules of the caller's role. Raises Refused, Unusable, Corrupt."""
    compiled = open_policy(INSTALLED)
    role = compiled.role_of(caller.name, account.groups)
    if not role:
        raise Refused(say.unavailable("policy.no-role", f"the policy gives {say.echo(caller.name)} no role"))
    return compiled.policy(role, INSTALLED)
