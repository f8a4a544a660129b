"""The rows of the table: each measures one thing, beside what it is compared with."""

import os
import subprocess
from collections.abc import Callable, Iterator

import engine
import policies
from gate import USER, Gated
from measure import MEGABYTE, Pair, Run, in_terminal, output, pairs, process
from place import CHECKOUT, SYSTEM_PYTHON, Installed

FLOOR = [SYSTEM_PYTHON, "-I", "-c", "pass"]
LONG = (
    "docker logs --details --since 10m --until 1m --tail 100 --timestamps ollama 2>&1"
    " | grep -i -n -m 5 -A 2 error | sort -u -k 2 | head -n 20"
)
RUN = (
    "docker run --rm -i --name bench --hostname bench --user 1000:1000 --workdir /tmp --env A=b --env C=d"
    " --label bench.x=y --gpus all --cpu-shares 512 --cpuset-cpus 0-1 --ulimit nofile=1024 --memory 1g --cpus 2"
    " --pids-limit 100 --shm-size 64m --read-only --init --cap-drop ALL --security-opt no-new-privileges --restart no"
    " --stop-timeout 5 --pull never --log-driver local --entrypoint /bin/sh alpine:3.20 -c id"
)
TALK = ("seq", "12000000")  # about 100 MB


class Skipped(Exception):
    """A row can't be measured here; says why."""


class Row:
    """One measured row: what over what, their values with a unit, the ratio, the target."""

    def __init__(self, what: str, first: str, second: str, ratio: str, target: str = "", met: bool | None = None):
        self.what, self.first, self.second, self.ratio, self.target = what, first, second, ratio, target
        self.mark = "" if met is None else "met" if met else "missed"


Measure = Callable[["Bench"], Iterator[Row]]
ROWS: dict[str, Measure] = {}


def row(name: str) -> Callable[[Measure], Measure]:
    """Register what measures a row."""

    def register(measure: Measure) -> Measure:
        ROWS[name] = measure
        return measure

    return register


class Bench:
    """What the rows need: the installed program, and how often to measure."""

    def __init__(self, installed: Installed, quick: bool) -> None:
        self.installed, self.quick = installed, quick
        self.far: Gated | None = None
        installed.add("shipped", policies.shipped())
        installed.use("shipped")

    def rshell(self, line: str, status: int = 0) -> Run:
        """Give the run of `rshell -c LINE`."""
        return process([self.installed.rshell, "-c", line], status)

    def pairs(self, first: Run, second: Run, count: int = 150) -> Pair:
        """Measure two things in turn, so often."""
        return pairs(first, second, max(5, count // 10) if self.quick else count)

    def gated(self, what: str, line: str, other: list[str], most: float) -> Row:
        """Make the row of a line of an account behind the gate, beside another argv of the same account's."""
        if self.far is None:
            self.far = Gated(self.installed)
        taken = self.far.times(line, other, 15 if self.quick else 150)
        made = Pair([(taken[0], taken[1])])
        made.ratio, made.low, made.high = taken[2:]
        return times(what, made, most=most)

    def inside(self, *words: str, flags: str = "-IXutf8") -> str:
        """Ask inside.py, run by the interpreter of the prefix. Raises Skipped with its complaint."""
        script = CHECKOUT / "tests/benchmarks/inside.py"
        argv = [str(self.installed.python), flags, str(script), *words]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            raise Skipped(done.stderr.strip().rpartition("\n")[2])
        return done.stdout.strip()


def times(what: str, pair: Pair, most: float = 0.0, least: float = 0.0) -> Row:
    """Make the row of two times. most, least: the target of the ratio, if it has one."""
    shown = f"{pair.ratio:.2f} ({pair.low:.2f}-{pair.high:.2f})"
    first, second = f"{pair.first * 1e3:.2f} ms", f"{pair.second * 1e3:.2f} ms"
    if most:
        return Row(what, first, second, shown, f"<= {most:.2f}", pair.ratio <= most)
    if least:
        return Row(what, first, second, shown, f">= {least:.2f}", pair.ratio >= least)
    return Row(what, first, second, shown)


@row("floor")
def floor(bench: Bench) -> Iterator[Row]:
    """What the interpreter itself costs, with and without site."""
    bare = process([SYSTEM_PYTHON, "-IS", "-c", "pass"])
    yield times("python3 -IS -c pass / python3 -I -c pass", bench.pairs(bare, process(FLOOR)))


@row("trivial")
def trivial(bench: Bench) -> Iterator[Row]:
    """A command that rshell carries out itself."""
    ours = bench.rshell("echo hi")
    yield times("rshell -c 'echo hi' / python3 -I -c pass", bench.pairs(ours, process(FLOOR)), most=1.25)
    yield times("rshell / bash -c 'echo hi'", bench.pairs(ours, process(["/bin/bash", "-c", "echo hi"])))


@row("lshell")
def lshell(bench: Bench) -> Iterator[Row]:
    """The same by lshell."""
    try:
        command = bench.installed.lshell()
    except RuntimeError as error:
        raise Skipped(f"no lshell: {error}") from None
    theirs = process([*command, "echo hi"], env={"HOME": "/root"})  # it goes there first
    yield times("lshell / rshell -c 'echo hi'", bench.pairs(theirs, bench.rshell("echo hi"), 60), least=4)


@row("refusal")
def refusal(bench: Bench) -> Iterator[Row]:
    """A line that is refused."""
    ours = bench.rshell("docker exec x id", status=126)
    yield times("rshell -c 'docker exec x id' / python3 -I -c pass", bench.pairs(ours, process(FLOOR)), most=1.15)


@row("external")
def external(bench: Bench) -> Iterator[Row]:
    """A line that runs a program."""
    line = "docker --version"
    try:
        argv = bench.installed.argv_of(line)
    except (RuntimeError, LookupError):
        raise Skipped("docker is not installed") from None
    ours = bench.rshell(line)
    yield times(f"rshell -c '{line}' / {line}", bench.pairs(ours, process(argv)))
    yield times("rshell / bash -c 'docker --version'", bench.pairs(ours, process(["/bin/bash", "-c", " ".join(argv)])))


@row("gate")
def gate(bench: Bench) -> Iterator[Row]:
    """A trivial command on the far side of the boundary."""
    bench.installed.add("gated", policies.gated(USER))
    bench.installed.use("gated")
    line = "test -e /proc/net/udp"
    try:
        yield bench.gated(f"gate: rshell -c '{line}' / python3 -I -c pass", line, FLOOR, 2.75)
    finally:
        bench.installed.use("shipped")


@row("prompt")
def prompt(bench: Bench) -> Iterator[Row]:
    """The first prompt, in a terminal."""
    ours = in_terminal([bench.installed.rshell], f"rshell:{os.uname().nodename}>".encode())
    theirs = in_terminal([bench.installed.python, "-I", "-c", "import prompt_toolkit"], None)
    yield times("first prompt / python -I -c 'import prompt_toolkit'", bench.pairs(ours, theirs, 40), most=1.25)


@row("decide")
def decide(bench: Bench) -> Iterator[Row]:
    """Reading and deciding, warm, in one process."""
    quick = ("quick",) if bench.quick else ()
    for what, line, most in (
        ("parse and decide: docker ps", "docker ps", 30.0),
        (f"parse and decide: docker logs and filters, {len(LONG.split())} words", LONG, 0.0),
        ("parse and decide: docker run, 25 options", RUN, 150.0),
    ):
        try:
            taken = float(bench.inside("decide", line, *quick))
        except Skipped as skipped:
            yield Row(f"{what}: {skipped}", "", "", "", f"<= {most:.0f} us" if most else "")
            continue
        yield Row(what, f"{taken:.1f} us", "", "", f"<= {most:.0f} us" if most else "", taken <= most if most else None)


@row("keystroke")
def keystroke(bench: Bench) -> Iterator[Row]:
    """What the prompt computes for each key."""
    line = LONG + " | grep --"
    taken = float(bench.inside("keystroke", line, *(("quick",) if bench.quick else ())))
    yield Row(f"decide and complete: {len(line)} characters", f"{taken / 1e3:.2f} ms", "", "")


@row("rules")
def rules(bench: Bench) -> Iterator[Row]:
    """The whole process under a policy of 10,000 rules, against 100."""
    installed = bench.installed
    made = {"roles": policies.many_roles, "commands of one role": policies.many_commands}
    for kind, make in made.items():
        for count in (100, 10_000):
            installed.add(f"{kind[:5]}-{count}", make(count))

        def under(name: str) -> Run:
            run = bench.rshell("docker exec x id", status=126)

            def measured() -> float:
                installed.use(name)
                return run()

            return measured

        pair = bench.pairs(under(f"{kind[:5]}-10000"), under(f"{kind[:5]}-100"))
        yield times(f"10,000 rules / 100 rules: {kind}", pair, most=1.10)
    installed.use("shipped")


@row("memory")
def memory(bench: Bench) -> Iterator[Row]:
    """The peak of a parent that waits for its child."""
    peak = int(bench.inside("rss", str(bench.installed.rshell), "-c", "cat /proc/net/tcp", flags="-ISXutf8"))
    bare = int(bench.inside("rss", SYSTEM_PYTHON, "-I", "-c", "pass", flags="-ISXutf8"))
    ours, theirs = f"{peak / 1024:.1f} MiB", f"{bare / 1024:.1f} MiB"
    met = peak <= 13 * 1024
    yield Row("peak of rshell -c / python3 -I -c pass", ours, theirs, f"{peak / bare:.2f}", "<= 13 MiB", met)


@row("bytes")
def much(bench: Bench) -> Iterator[Row]:
    """A program of the system that prints much."""
    bench.installed.add("talkative", policies.talkative(*TALK))
    bench.installed.use("talkative")
    yield throughput(bench, " ".join(TALK), ["/usr/bin/seq", TALK[1]])
    bench.installed.use("shipped")


@row("engine")
def asked(bench: Bench) -> Iterator[Row]:
    """Commands that ask a Docker Engine."""
    try:
        with engine.engine(bench.installed.base) as own:
            argv = bench.installed.argv_of("docker ps")
            ours, theirs = bench.rshell("docker ps"), process(argv)
            yield times("rshell -c 'docker ps' / docker ps", bench.pairs(ours, theirs, 60))
            if not own:
                raise Skipped("docker logs: no container is made in an Engine that is not our own")
            yield beside_docker(bench, argv)
            line = "docker logs " + engine.container_that_said(megabytes=10)
            yield throughput(bench, line, bench.installed.argv_of(line))
    except engine.Missing as missing:
        raise Skipped(str(missing)) from None


def beside_docker(bench: Bench, argv: list[str]) -> Row:
    """Make the row of `docker ps` behind the gate."""
    bench.installed.add("gated-docker", policies.gated(USER))
    bench.installed.use("gated-docker")
    try:
        return bench.gated("gate: rshell -c 'docker ps' / docker ps", "docker ps", argv, 2.5)
    finally:
        bench.installed.use("shipped")


def throughput(bench: Bench, line: str, alone: list[str]) -> Row:
    """Make the row of the bytes that come through, whole processes, against the program alone."""
    (theirs, theirs_count), (ours, ours_count) = output(alone), output([bench.installed.rshell, "-c", line])
    pair = bench.pairs(theirs, ours, 31)
    if theirs_count() != ours_count():
        raise RuntimeError(f"{line}: {theirs_count()} bytes alone, {ours_count()} through rshell")
    made = times(f"bytes per second: rshell -c '{line}' / alone", pair, least=0.98)
    rate = theirs_count() / MEGABYTE
    through, without = f"{rate / pair.second:.0f} MiB/s", f"{rate / pair.first:.0f} MiB/s"
    return Row(made.what, through, without, made.ratio, made.target, made.mark == "met")
