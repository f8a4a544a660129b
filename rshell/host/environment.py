"""What a child gets: an environment made from nothing, and clean signals."""

from __future__ import annotations

from rshell.host.account import claimed
from rshell.host.programs import SEARCH_PATH
from rshell.lean import os, signal

TERM_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-")
UNKNOWN = "unknown"  # what sudo says when there is none
FILTER_MEMORY = 512 << 20  # bytes
PROGRAM_MEMORY = 4 << 30  # of which a Go program sets 1 to 2 aside without using them
FILTER_SECONDS = 120  # of a processor
# what the gate needs to keep a command's records whole; -1: without bound
LEAST = {"FSIZE": -1, "CPU": -1, "AS": -1, "DATA": -1, "STACK": 1 << 20, "NOFILE": 1024}
USUAL_SLACK = b"50000"  # nanoseconds that a timer may come late
MOST_PROCESSORS = 1024
FIXED = {
    "PATH": SEARCH_PATH,
    "HOME": "/nonexistent",  # SECURITY: a dot file in a real home could name programs (docker, less, git)
    "LC_CTYPE": "C.UTF-8",
    "PAGER": "cat",
    "SYSTEMD_PAGER": "cat",
    "SYSTEMD_PAGERSECURE": "1",
    "LESSSECURE": "1",
}


def environment(own: tuple[tuple[str, str], ...], terminal: bool) -> dict[str, str]:
    """Make the environment of a child.

    own: what the grammar of its program says. terminal: whether it gets TERM, if that is harmless.
    """
    made = {**FIXED, **dict(own)}
    term = claimed("TERM")
    if terminal and 0 < len(term) <= 32 and term != UNKNOWN and TERM_CHARS.issuperset(term):
        made["TERM"] = term
    return made


def clean_signals() -> None:
    """Give every signal its default action and unblock all: what a program may expect at its start."""
    for number in range(1, signal.NSIG):
        try:
            if signal.getsignal(number) is not signal.SIG_DFL:
                signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):  # KILL, STOP and those that the C library keeps
            continue
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def limit(filters: bool) -> None:
    """Bound the memory of a program, and what a processor may do for a filter.

    SECURITY: a regular expression of twenty characters can ask for all memory, and a template may turn a large answer
    of docker's into a huge one. filters: it stands to the right of a |.
    """
    import resource

    memory = FILTER_MEMORY if filters else PROGRAM_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if filters:
        resource.setrlimit(resource.RLIMIT_CPU, (FILTER_SECONDS, FILTER_SECONDS))


def deafen() -> None:
    """Let no signal or timer of the caller's end this process; go where nobody else can pull the ground away.

    SECURITY: what is undone here outlives setuid and exec: timers; how late ours may come, for ever if the
    caller likes; the score by which the kernel picks whom to kill; the processors that we may use.
    """
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    for number in range(1, signal.NSIG):
        if number != signal.SIGCHLD:
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):  # KILL, STOP and those that the C library keeps
                continue
    _reset("timerslack_ns", USUAL_SLACK)
    _reset("oom_score_adj", b"0")
    _use_all_processors()
    os.chdir("/")


def _reset(name: str, most: bytes) -> None:
    """Lower a number of this process's in /proc."""
    try:
        with open(f"/proc/self/{name}", "r+b", buffering=0) as file:
            if int(file.read()) > int(most):
                file.write(most)
    except (OSError, ValueError):
        return


def _use_all_processors() -> None:
    try:
        os.sched_setaffinity(0, range(MOST_PROCESSORS))
    except OSError:
        return


def low_limits() -> str:
    """Raise our resource limits as far as we may; name those that are too low to serve, '' for none."""
    import resource

    low = []
    for name, least in LEAST.items():
        which = getattr(resource, "RLIMIT_" + name)
        soft, hard = resource.getrlimit(which)
        if hard != resource.RLIM_INFINITY and (least < 0 or hard < least):
            low.append(name)
        elif least < 0 or 0 <= soft < least:
            resource.setrlimit(which, (hard if least < 0 else least, hard))
    return " ".join(low)


def secure_self(first: int = 3) -> None:
    """Close what we inherited, from a descriptor on, and make sure of descriptors 0 to 2.

    SECURITY: a descriptor of the parent would reach every child; a file opened as number 2 would get
    our messages; with SIGCHLD ignored, or signals blocked, we would neither see nor end our children.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open("/dev/null", os.O_RDWR)  # takes the lowest free number: this one
    os.closerange(first, 1 << 20)
    os.umask(0o077)
