"""Start processes: the only place that does, and only what a Permit holds."""

from __future__ import annotations

from rshell.core.model import Exec
from rshell.host import environment
from rshell.host.lifeline import Child
from rshell.lean import os, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rshell.core.model import Redirect

CANNOT_START = 126


def start(command: Exec, streams: tuple[int, int, int], group: int, terminal: int, failed: int) -> Child:
    """Start a program.

    command: settled. streams: descriptors for its stdin, stdout, stderr. group: the process group to
    join, 0 for one of its own. terminal: descriptor of the terminal to give it, -1 for none.
    failed: descriptor to write a message to when it can't be started.
    Raises OSError when no process can be made.
    """
    made = environment.environment(command.environment, terminal >= 0)

    def run() -> int:
        try:
            os.chdir("/")
            if command.filters:
                environment.limit_filter()
            os.execve(command.argv[0], command.argv, made)
        except OSError as error:
            message = f"rshell: cannot start {command.argv[0]}: {error.strerror}\n"
            os.write(failed, message.encode("ascii", "replace"))
        return CANNOT_START

    return fork(run, apply_redirects(streams, command.redirects), group, terminal, command.timeout)


def fork(run: Callable[[], int], streams: tuple[int, int, int], group: int, terminal: int, limit: int) -> Child:
    """Run a function in a new process, in a process group, on these streams, with clean signals.

    limit: seconds that it may take, 0 for no limit.
    """
    pid = os.fork()
    if not pid:
        status = CANNOT_START
        try:
            os.setpgid(0, group)
            if terminal >= 0 and not group:
                os.tcsetpgrp(terminal, os.getpid())
            _place(streams)
            environment.clean_signals()
            if terminal >= 0:
                signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # nobody could wake what C-z stopped
            status = run()
        except BaseException:  # noqa: S110 - a child must never come back into its parent's code
            pass
        finally:
            os._exit(status)
    _join_group(pid, group or pid)
    return Child(pid, limit)


def _join_group(pid: int, group: int) -> None:
    """Do for the child what it does itself, so that it is done whoever comes first."""
    try:
        os.setpgid(pid, group)
    except (PermissionError, ProcessLookupError):
        return  # it has already run exec, or ended


def _place(streams: tuple[int, int, int]) -> None:
    """Make three descriptors 0, 1 and 2, whatever their numbers were, and close the rest."""
    high = [os.dup(number) for number in streams]
    high = [number if number > 2 else _above(number) for number in high]
    for target, number in enumerate(high):
        os.dup2(number, target, inheritable=True)
    os.closerange(3, 1 << 20)


def _above(number: int) -> int:
    """Return a duplicate of a descriptor with a number above 2."""
    while number <= 2:
        number = os.dup(number)
    return number


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


def text_file(text: str) -> int:
    """Return a descriptor that reads the text of a here-document."""
    descriptor = memory()
    data = text.encode("utf-8")
    while data:
        data = data[os.write(descriptor, data) :]
    os.lseek(descriptor, 0, 0)
    return descriptor


def controlling_terminal() -> int:
    """Return 0 when our stdin is our controlling terminal and we are in its foreground, else -1."""
    try:
        return 0 if os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp() else -1
    except OSError:
        return -1


def take_terminal(terminal: int) -> None:
    """Take the terminal back from a child."""
    if terminal >= 0:
        try:
            os.tcsetpgrp(terminal, os.getpgrp())
        except OSError:
            return
