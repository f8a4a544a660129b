"""Measured in one process by the interpreter of the prefix: `inside.py decide|keystroke LINE`, `rss COMMAND...`."""

import sys


def main(what: str, words: list[str]) -> str:
    """Return the answer as one line: microseconds, or KiB."""
    return str(rss(words)) if what == "rss" else repr(warm(what, words[0], words[1:] == ["quick"]))


def rss(argv: list[str]) -> int:
    """Return the peak of a process in KiB. We are small (-IS): a child's peak begins with its parent's."""
    import posix

    silent = [(posix.POSIX_SPAWN_OPEN, number, "/dev/null", posix.O_RDWR, 0) for number in range(3)]
    pid = posix.posix_spawn(argv[0], argv, {"PATH": "/usr/bin:/bin"}, file_actions=silent)
    _, waited, usage = posix.wait4(pid, 0)
    if waited:
        raise SystemExit(f"{argv}: {posix.waitstatus_to_exitcode(waited)}")
    return int(usage.ru_maxrss)


def warm(what: str, line: str, quick: bool) -> float:
    """Return how long one decision on a line takes, in microseconds: the median of many batches."""
    from statistics import median
    from time import perf_counter

    from rshell.core.complete import candidates
    from rshell.core.decide import judge
    from rshell.core.model import Context, Permit
    from rshell.host.programs import Programs
    from rshell.policy.open import INSTALLED, open_policy

    compiled = open_policy(INSTALLED)
    policy = compiled.policy(compiled.header["users"]["root"], INSTALLED)
    context = Context("root", "/root", what == "keystroke", Programs())
    decided = judge(policy, line, context)
    if what == "decide" and not isinstance(decided, Permit):
        raise SystemExit(f"not granted: {decided.message}")
    if what == "keystroke" and not candidates(policy, line, context):
        raise SystemExit("no candidates")

    def once() -> None:
        judge(policy, line, context)
        if what == "keystroke":
            candidates(policy, line, context)

    batch, batches = (20, 20) if quick else (50, 100)
    times = []
    for _ in range(batches + 1):
        start = perf_counter()
        for _ in range(batch):
            once()
        times.append((perf_counter() - start) / batch)
    return median(times[1:]) * 1e6


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1], sys.argv[2:]) + "\n")
