"""Both argv through a real docker: did it ask for the same?"""

from __future__ import annotations

import os
import queue
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .cases import Words, is_endless, left_out
from .engine import Asked, Engine
from .reading import Reading, canonical

PLACES = ("/usr/bin/docker", "/usr/local/bin/docker")
NOT_IN_ALL = {"remove": "23 - 28.2", "container remove": "since 23"}
"""Spellings that not every docker knows: where it does not, what we write means what it means elsewhere."""
NEWER_OPTIONS = (("docker (restart|stop)", "unknown flag: --timeout"),)
"""(command, message): an option that older dockers refuse; we write -t, which all have."""
PARALLEL = (
    ("container", "kill"), ("container", "pause"), ("container", "restart"), ("container", "rm"),
    ("container", "start"), ("container", "stats"), ("container", "stop"), ("container", "unpause"),
)  # fmt: skip
"""Commands that ask for several things at once, so that the order says nothing."""


def found() -> list[str]:
    """Every docker client of this machine."""
    return [path for path in PLACES if os.access(path, os.X_OK)]


@dataclass(frozen=True)
class Difference:
    """An argv that docker understands otherwise than what we would run for it."""

    docker: str
    given: Words
    ours: Words
    asked: Asked
    asked_by_ours: Asked

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.docker}",
                f"  given: docker {show(self.given)}",
                f"  ours:  docker {show(self.ours)}",
                *_told("given", self.asked),
                *_told("ours", self.asked_by_ours),
            ]
        )


def show(words: Words) -> str:
    """An argv for people: every word quoted."""
    return " ".join(map(repr, words))


def _told(whose: str, asked: Asked) -> list[str]:
    end = "succeeded" if asked.succeeded else "failed" if asked.in_time else "took too long"
    said = asked.messages.strip().splitlines()
    return [
        f"  {whose} {end}: {said[0] if said else ''}",
        *(f"    asked   {request}" for request in asked.requests),
        *(f"    printed {line}" for line in asked.output.splitlines()[:5]),
        *(f"    wrote   {name} {content}" for name, content in asked.written),
    ]


@dataclass
class Tally:
    """What came of many cases."""

    outcomes: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)  # compared, by command
    asking: Counter[str] = field(default_factory=Counter)  # of these, the Engine was asked for something
    succeeded: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    slow: list[Words] = field(default_factory=list)

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {what}" for what, count in self.outcomes.most_common())
        return (
            f"{counts}; {len(self.commands)} commands; the Engine was asked in {self.asking.total()},"
            f" docker succeeded in {self.succeeded.total()}"
        )


class Bench:
    """A docker client, some fake Engines for it, and what our argv came to so far."""

    def __init__(self, docker: str, engines: list[Engine]) -> None:
        self.docker = docker
        self._engines: queue.SimpleQueue[Engine] = queue.SimpleQueue()
        for engine in engines:
            self._engines.put(engine)
        self._jobs = len(engines)
        self._known: dict[Words, Asked] = {}
        self._spellings: dict[str, bool] = {}

    def ask(self, words: Words) -> Asked:
        """Run docker once."""
        engine = self._engines.get()
        try:
            return engine.ask(self.docker, words)
        finally:
            self._engines.put(engine)

    def knows(self, spelling: str) -> bool:
        """Tell whether this docker has a command of that name: otherwise its help is that of the group."""
        if spelling not in self._spellings:
            helped = self.ask((*spelling.split(), "--help"))
            self._spellings[spelling] = re.search(r"(?m)^Usage: .*COMMAND$", helped.output) is None
        return self._spellings[spelling]

    def compare(self, words: Words, ours: Words) -> Difference | None:
        """Run docker with both argv."""
        asked = self.ask(words)
        if ours not in self._known:
            self._known[ours] = self.ask(ours)
        other = self._known[ours]
        if asked == other or (asked.sorted() == other.sorted() and len(asked.requests) > 1 and _parallel(ours)):
            return None
        return Difference(self.docker, words, ours, asked, other)

    def try_one(self, words: Words) -> tuple[str, Reading | None, Difference | None]:
        """Try one argv. Return what came of it."""
        reading = canonical(words)
        if reading is None:
            return "refused by us", None, None
        if left_out(reading.command) or is_endless(reading.command, reading.argv):
            return "left out", reading, None
        if reading.spelling in NOT_IN_ALL and not self.knows(reading.spelling):
            return "words of another version", reading, None
        if reading.argv == words:
            return "written as we write it", reading, None
        difference = self.compare(words, reading.argv)
        if difference and _refuses_newer_option(reading.command, difference.asked):
            return "words of another version", reading, None
        return "different" if difference else "the same", reading, difference

    def run(self, cases: Iterable[Words]) -> Tally:
        """Try many argv, in as many threads as there are Engines."""
        tally = Tally()
        with ThreadPoolExecutor(self._jobs) as pool:
            for outcome, reading, difference in pool.map(self.try_one, cases):
                tally.outcomes[outcome] += 1
                if difference:
                    tally.differences.append(difference)
                if reading and outcome in ("the same", "different"):
                    asked = self._known[reading.argv]
                    tally.commands[reading.command] += 1
                    tally.asking[reading.command] += any(one.method != "HEAD" for one in asked.requests)
                    tally.succeeded[reading.command] += asked.succeeded
                    if not asked.in_time:
                        tally.slow.append(reading.argv)
        return tally

    def minimised(self, difference: Difference) -> Difference:
        """Find the shortest argv that still makes a difference, by leaving out words, then characters."""
        found = True
        while found:
            found = False
            for shorter in _shorter(difference.given):
                outcome = self.try_one(shorter)[2]
                if outcome:
                    difference, found = outcome, True
                    break
        return difference


def _shorter(words: Words) -> Iterator[Words]:
    for index in range(len(words)):
        yield words[:index] + words[index + 1 :]
    for index, word in enumerate(words):
        for cut in range(len(word)) if len(word) < 40 else ():
            yield (*words[:index], word[:cut] + word[cut + 1 :], *words[index + 1 :])


def _parallel(ours: Words) -> bool:
    words = [word for word in ours if not word.startswith("--log-level")]
    return any(tuple(words[: len(one)]) == one for one in PARALLEL)


def _refuses_newer_option(command: str, asked: Asked) -> bool:
    """Tell whether docker refused, before it asked for anything, an option that only newer ones know."""
    return (
        not asked.succeeded
        and all("/_ping" in request.target for request in asked.requests)
        and any(re.fullmatch(one, command) and said in asked.messages for one, said in NEWER_OPTIONS)
    )


@contextmanager
def bench(docker: str, jobs: int) -> Iterator[Bench]:
    """Give a Bench with its Engines in a directory that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="rshell-differential-") as base:
        engines = []
        for number in range(jobs):
            place = Path(base) / str(number)
            place.mkdir()
            engines.append(Engine(place))
        try:
            yield Bench(docker, engines)
        finally:
            for engine in engines:
                engine.close()
