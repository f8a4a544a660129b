"""Start processes: the only place that does. Only what a Permit holds, and sudo with the gate."""

from __future__ import annotations

from rshell.core.model import Exec
from rshell.host import environment
from rshell.host.lifeline import FORWARDED, Child
from rshell.lean import os, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rshell.core.model import Redirect

CANNOT_START = 126
CONTROL = 3  # the gate's descriptor of the socket to its front


def start(command: Exec, streams: tuple[int, int, int], group: int, terminal: int, failed: int) -> Child:
    """Start a program.

    command: settled. streams: descriptors for its stdin, stdout, stderr. group: the process group to
    join, 0 for one of its own. terminal: descriptor of the terminal to give it, -1 for none.
    failed: descriptor to write a message to when it can't be started.
    Raises OSError when no process can be made.
    """
    made = environment.environment(command.environment, terminal >= 0)
    text = command.stdin if command.text is None else text_file(command.text)
    placed = streams if text < 0 else (text, streams[1], streams[2])
    model = text_file(command.model, sealed=True) if command.model else -1

    def run() -> int:
        try:
            os.chdir("/")
            environment.limit(command.filters)
            os.execve(command.argv[0], command.argv, made)
        except OSError as error:
            message = f"rshell: cannot start {command.argv[0]}: {error.strerror}\n"
            os.write(failed, message.encode("ascii", "replace"))
        return CANNOT_START

    try:
        # what we hand in is not what </dev/null speaks of
        redirects = tuple(one for one in command.redirects if one.fd or text < 0)
        return Child(fork(run, apply_redirects(placed, redirects), group, terminal, model), command.timeout)
    finally:
        for descriptor in (text, model):
            if descriptor >= 0:
                os.close(descriptor)


def start_gate(argv: tuple[str, ...], streams: tuple[int, int, int], group: int, terminal: int, control: int) -> int:
    """Start sudo with the gate; return its process id.

    argv: sudo by its path, its options, the gate. control: descriptor of the gate's end of the socket.
    The others: see start.
    """
    made = environment.environment((), terminal >= 0)

    def run() -> int:
        os.chdir("/")
        os.execve(argv[0], argv, made)
        return CANNOT_START

    return fork(run, streams, group, terminal, control)


def fork(run: Callable[[], int], streams: tuple[int, int, int], group: int, terminal: int, control: int = -1) -> int:
    """Run a function in a new process, in a process group, on these streams, with clean signals.

    control: a descriptor that it gets as number 3, -1 for none. Returns its process id.
    """
    # Until the child has signals of its own, one for it would be heard by us: it shares our wake-up pipe.
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    pid = os.fork()
    if not pid:
        status = CANNOT_START
        try:
            signal.set_wakeup_fd(-1)
            _join_group(0, group)
            if terminal >= 0 and not group:
                os.tcsetpgrp(terminal, os.getpid())
            _place(streams, control)
            environment.clean_signals()
            if terminal >= 0:
                signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # nobody could wake what C-z stopped
            status = run()
        except BaseException:  # noqa: S110 - a child must never come back into its parent's code
            pass
        finally:
            os._exit(status)
    signal.pthread_sigmask(signal.SIG_SETMASK, usual)
    _join_group(pid, group or pid)
    return pid


def _join_group(pid: int, group: int) -> None:
    """Move a process to a group. Parent and child both do it, so that it is done whoever comes first."""
    try:
        os.setpgid(pid, group)
    except (PermissionError, ProcessLookupError):
        return  # the child has already run exec, or ended; or all of the group has


def _place(streams: tuple[int, int, int], control: int) -> None:
    """Make three descriptors 0, 1 and 2, and one more 3, whatever their numbers were; close the rest."""
    wanted = streams if control < 0 else (*streams, control)
    high = [_above(number) for number in wanted]
    for target, number in enumerate(high):
        os.dup2(number, target, inheritable=True)
    os.closerange(len(wanted), 1 << 20)


def _above(number: int) -> int:
    """Return a duplicate of a descriptor with a number above 3."""
    number = os.dup(number)
    return number if number > CONTROL else _above(number)


def apply_redirects(streams: tuple[int, int, int], redirects: tuple[Redirect, ...]) -> tuple[int, int, int]:
    """Return the streams after 2>&1, >/dev/null and so on, from left to right."""
    made = list(streams)
    for redirect in redirects:
        made[redirect.fd] = null() if redirect.to < 0 else made[redirect.to]
    return (made[0], made[1], made[2])


_null = -1


def null() -> int:
    """Return a descriptor of /dev/null, opened once."""
    global _null
    if _null < 0:
        _null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    return _null


def memory() -> int:
    """Return a descriptor of an empty file in memory."""
    return os.memfd_create("rshell", os.MFD_CLOEXEC)


def text_file(text: str, sealed: bool = False) -> int:
    """Return a descriptor that reads a text from its beginning. sealed: nobody can change it any more."""
    descriptor = os.memfd_create("rshell", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    data = text.encode("utf-8")
    while data:
        data = data[os.write(descriptor, data) :]
    os.lseek(descriptor, 0, 0)
    if sealed:
        from fcntl import F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, fcntl

        fcntl(descriptor, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL)
    return descriptor


def controlling_terminal() -> int:
    """Return 0 when our stdin is our controlling terminal and we are in its foreground, else -1."""
    try:
        return 0 if os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp() else -1
    except OSError:
        return -1


def own_terminal() -> int:
    """Return a descriptor of our controlling terminal when we are in its foreground, else -1."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
        return terminal if os.tcgetpgrp(terminal) == os.getpgrp() else -1
    except OSError:
        return -1


def take_terminal(terminal: int) -> None:
    """Take the terminal back from a child."""
    if terminal >= 0:
        try:
            os.tcsetpgrp(terminal, os.getpgrp())
        except OSError:
            return
