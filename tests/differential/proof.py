"""Whatever is permitted goes to a real docker, and what that asks the Engine for is judged by hostconfig.py."""

from __future__ import annotations

import random
import re
import shlex
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from rshell.core import settle
from rshell.core.decide import judge
from rshell.core.model import Exec, Permit, Policy
from rshell.host import look
from rshell.host.engine import Engine as Asker
from rshell.policy.check import context
from tests.support import SHIPPED, execs, policy, written

from .answers import answer
from .cases import Words, corpus_cases
from .engine import Asked, Engine
from .hostconfig import Site
from .soup import RUN, Soup
from .verdict import SECRET, Also, created
from .verdict import judge as verdict

UID = 4711
MINE = ("DOCKER_HOST", "DOCKER_CONFIG", "BUILDX_CONFIG")
"""Variables of a permitted command that name this host's Engine: the fake one has its own."""


class Host(NamedTuple):
    """A policy, and what its author meant by it."""

    policy: Policy
    site: Site


def shipped() -> Host:
    """The policy that ships."""
    return Host(policy(), Site(uid=UID))


NARROWER = {
    "bind_mounts": "[{source: /srv/datasets, read_only: true}, {source: /srv/work, read_only: false}]",
    "volumes": "[ollama]",
    "tmpfs": "{size: 64m}",
    "networks": "[lab, bridge]",
    "publish": "{addresses: [127.0.0.1], ports: 8000..9000}",
    "images": '[ollama/*, alpine, "ghcr.io/open-webui/*"]',
    "log_drivers": "[local]",
    "restart": '["no", on-failure:3]',
}
"""`containers` of another host: directories of its own, and less of all the rest."""


@cache
def narrower() -> Host:
    """A policy with directories to mount, and less of all else."""
    text = re.sub(r"(?m)^(advice|expect):\n(?:(?:[ #].*)?\n)*", "", SHIPPED.decode())
    for key, value in NARROWER.items():
        text, found = re.subn(rf"(?m)^(  {key}:) +.*$", lambda match, value=value: f"{match[1]} {value}", text)
        assert found == 1, key
    binds = (("/srv/datasets", True), ("/srv/work", False))
    site = Site(
        uid=UID, binds=binds, volumes=("ollama",), tmpfs=64 << 20, networks=("lab", "bridge"), addresses=("127.0.0.1",),
        ports=(8000, 9000), images=("ollama/*", "alpine", "ghcr.io/open-webui/*"), log_drivers=("local",), retries=3,
    )  # fmt: skip
    return Host(written(text, "ai-worker"), site)


def hosts() -> tuple[Host, ...]:
    """The policies that lines are tried with."""
    return shipped(), narrower()


def judged(host: Host) -> set[str]:
    """The options of `docker run` that the policy lets through, if their values are right."""
    return {name for rule in host.policy.commands[RUN].rules for name in rule.options}


@dataclass(frozen=True)
class Violation:
    """A permitted line that makes docker ask for what nobody may have."""

    docker: str
    words: Words
    argv: Words
    wrong: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What is wrong, without the values."""
        return re.sub(r"'[^']*'|\d+", "_", self.wrong[0])

    def __str__(self) -> str:
        shown = "".join(f"\n    {what}" for what in self.wrong)
        return f"{self.docker}\n  given: docker {shlex.join(self.words)}\n  ours:  {shlex.join(self.argv)}{shown}"


@dataclass
class Tally:
    """What came of many lines."""

    outcomes: Counter[str] = field(default_factory=Counter)
    options: Counter[str] = field(default_factory=Counter)  # of the permitted lines, by name
    violations: list[Violation] = field(default_factory=list)

    def __str__(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in self.outcomes.most_common())


def settled(host: Host, words: Words) -> Exec | None:
    """Decide on the words after `docker`, and look up what the decision needs. None: refused."""
    asker = context().but(uid=UID)
    decided = judge(host.policy, shlex.join(("docker", *words)), asker)
    if not isinstance(decided, Permit):
        return None
    (command,) = execs(decided)
    found = settle.settle(host.policy, command, _facts(command), asker)
    return found if isinstance(found, Exec) else None


def _facts(command: Exec) -> dict[object, tuple[object, ...]]:
    """What rshell itself would find out, at an Engine that is as the fake one."""
    place = look.Place(_Answered("", _never), -1, _never)
    return {need: look._LOOKERS[need.check](command, need, place) for need in command.needs}


def _never(*_: object) -> bool:
    return False


class _Answered(Asker):
    """rshell's own client of the Engine, answered without a socket."""

    def exchange(self, request: str) -> tuple[int, bytes]:
        method, target, _ = request.split(" ", 2)
        replied = answer(method, target.partition("?")[0], ())
        return replied.status, replied.body


class Recorder(Engine):
    """A fake Engine for what rshell starts: with the environment that it gives, and secrets to send."""

    def ask_for(self, docker: str, words: Sequence[str], environment: Iterable[tuple[str, str]] = ()) -> Asked:
        """Run docker with these words after it."""
        given = {name: value for name, value in environment if name not in MINE}
        home = f"/nonexistent/{SECRET}"
        self._environment |= {**given, "HOME": home, "LEAKED": SECRET, "PATH": home}
        return self.ask(docker, words)


class Court:
    """A docker client and some fake Engines for it."""

    def __init__(self, docker: str, recorders: list[Recorder], also: Also = lambda *_: None) -> None:
        self.docker = docker
        self._also = also
        self._recorders: SimpleQueue[Recorder] = SimpleQueue()
        for recorder in recorders:
            self._recorders.put(recorder)
        self._jobs = len(recorders)

    def ask(self, words: Sequence[str], environment: Iterable[tuple[str, str]] = ()) -> Asked:
        """Run docker once."""
        recorder = self._recorders.get()
        try:
            return recorder.ask_for(self.docker, words, environment)
        finally:
            self._recorders.put(recorder)

    def try_one(self, host: Host, words: Words) -> tuple[str, Exec | None, Violation | None]:
        """Try one argv. Return what came of it."""
        command = settled(host, words)
        if command is None:
            return "refused", None, None
        asked = self.ask(command.argv[1:], command.environment)
        wrong = verdict(host.site, asked, self._also)
        if wrong:
            return "violations", command, Violation(self.docker, words, command.argv, tuple(wrong))
        if not asked.in_time:
            return "too slow", command, None
        return "containers" if created(asked) else "permitted, and docker refused", command, None

    def run(self, host: Host, cases: Iterable[Words]) -> Tally:
        """Try many argv, in as many threads as there are Engines."""
        tally = Tally()
        with ThreadPoolExecutor(self._jobs) as pool:
            for outcome, command, violation in pool.map(lambda words: self.try_one(host, words), cases):
                tally.outcomes[outcome] += 1
                if command and command.invocation:
                    tally.options.update({one.name for one in command.invocation.arguments})
                if violation:
                    tally.violations.append(violation)
        return tally

    def shortest(self, host: Host, tally: Tally) -> list[str]:
        """The violations, one of each kind, as short as they can be made."""
        kinds = {violation.kind: violation for violation in tally.violations}
        return sorted({str(self.minimised(host, violation)) for violation in kinds.values()})

    def minimised(self, host: Host, violation: Violation) -> Violation:
        """Find the shortest argv that is still a violation, by leaving out words."""
        found = True
        while found:
            found = False
            for index in range(len(violation.words)):
                shorter = violation.words[:index] + violation.words[index + 1 :]
                outcome = self.try_one(host, shorter)[2]
                if outcome:
                    violation, found = outcome, True
                    break
        return violation


def soups(host: Host, seed: int, first: int = 0) -> Iterator[Words]:
    """Argv of `docker run` that the policy permits, each another one, without end; first: of which case to begin."""
    known: set[Words] = set()
    for index in count(first):
        words = Soup(random.Random(f"soup/{seed}/{index}")).argv()
        if words not in known and settled(host, words):
            known.add(words)
            yield words


def corpus_runs() -> Iterator[Words]:
    """Every `docker run` of the corpora."""
    yield from (words for _, words in corpus_cases() if "run" in words and "compose" not in words)


@contextmanager
def court(docker: str, jobs: int, also: Also = lambda *_: None) -> Iterator[Court]:
    """Give a Court with its Engines in a directory that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="rshell-differential-") as base:
        recorders = []
        for number in range(jobs):
            place = Path(base) / str(number)
            place.mkdir()
            recorders.append(Recorder(place))
        try:
            yield Court(docker, recorders, also)
        finally:
            for recorder in recorders:
                recorder.close()
