"""Lines of docker compose that the shipped policy permits, and a fake Engine for the plugin."""

from __future__ import annotations

import random
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

from rshell.core.model import Grammar, Permit
from tests.support import argvs, execs, judge, policy, trees

from .cases import BY_TYPE, Words, _Typist, corpus_cases
from .engine import Asked, Engine

PROGRAM = "docker compose"
OLDER = ("convert",)
"""Spellings that only older composes know: a newer one answers with its help, and asks for nothing."""
OWN = ("DOCKER_HOST", "DOCKER_CONFIG", "BUILDX_CONFIG")
"""Variables of the grammar that name this host's Engine and files: the fake Engine has its own."""


class Case(NamedTuple):
    """A permitted line: the command, and the words after `docker`: the user's with ours put in front, and ours."""

    command: str
    given: Words
    ours: Words


def permitted(words: Words) -> Case | None:
    """Decide on the words after `docker`; None: refused, or no docker compose at all."""
    try:
        at = words.index("compose")
    except ValueError:
        return None
    line = shlex.join(("docker", *words))
    decided = judge(line)
    if not isinstance(decided, Permit) or any(need.check == "compose-model" for need in execs(decided)[0].needs):
        return None  # a file that is sent: that is another test
    (argv,) = argvs(line)
    named = any(word.startswith(("-p", "--project-name")) for word in words[at + 1 :])
    project = [] if named else [word for word in argv if word.startswith("--project-name=")]  # the policy's default
    given = (*words[: at + 1], *trees()[PROGRAM].program.always, *project, *words[at + 1 :])
    return Case(_verb(argv), given, tuple(argv[1:]))


def _verb(argv: list[str]) -> str:
    """The first word behind `compose` and our own root options, which are all glued."""
    behind = argv[argv.index("compose") + 1 :]
    return next(word for word in behind if not word.startswith("--"))


def from_corpora() -> Iterator[Case]:
    """The permitted lines of the corpora."""
    for _, words in corpus_cases():
        if case := permitted(words):
            yield case


def generated(seed: int, number: int) -> list[Case]:
    """So many permitted lines, each written in another way than ours."""
    made = (permitted(_Composer(random.Random(f"{seed}/{index}")).argv()) for index in count())
    return list(islice((case for case in made if case and case.given != case.ours), number))


class _Composer(_Typist):
    """Somebody who knows what is granted, and spells it in every way that there is, right and wrong."""

    def argv(self) -> Words:
        key = self.random.choice([each for each in policy().commands if each.startswith(PROGRAM + " ")])
        names = trees()[PROGRAM].program.names
        spelling = self.random.choice([each for each, named in names.items() if named == key and each not in OLDER])
        groups = self.options(self._granted(key)) + [[word] for word in self._services(key)]
        self.random.shuffle(groups)
        words = [word for group in groups for word in group]
        if self.chance(0.1):
            words.insert(self.random.randint(0, len(words)), "--")
        words = [*self.root(), "compose", *self._root(), *spelling.split(), *words]
        if self.chance(0.1):
            self.spoil(words)
        return tuple(words)

    def _root(self) -> list[str]:
        """Options in front of the verb; nearly always a project."""
        project = self.random.choice(
            (["-p", "lab"], ["-plab"], ["-p=lab"], ["--project-name", "lab"], ["--project-name=bench-1"])
        )
        other = self.random.choice(
            ([],) * 5 + (["--ansi", "never"], ["--progress=plain"], ["--profile=a", "--profile", "b"])
        )
        both = [project, other] if self.chance(0.95) else [other]
        self.random.shuffle(both)
        return [word for group in both for word in group]

    def _granted(self, key: str) -> Grammar:
        """The command with the options that the policy lets through, and what it asks for."""
        grammar, rule = trees()[PROGRAM].commands[key], policy().commands[key].rules[0]
        return grammar.but(options={name: grammar.options[name] for name in rule.options})

    def options(self, grammar: Grammar) -> list[list[str]]:
        """Some of the options, with one that must be there."""
        groups = super().options(grammar)
        rule = policy().commands[grammar.name].rules[0]
        for needed in (*rule.needs, *(self.random.sample(rule.needs_one_of, 1) if rule.needs_one_of else ())):
            groups.append(self.option(grammar, grammar.options[needed], ""))
        return groups

    def _services(self, key: str) -> list[str]:
        """As many services as the command takes, nearly always one that is there."""
        operands = trees()[PROGRAM].commands[key].operands
        words = []
        for kind, many in operands:
            pool = BY_TYPE["port"] if kind and kind[0] == "port" else ("web", "web", "web", "db", "a.b")
            words += [self.random.choice(pool) for _ in range({"": 1}.get(many, self.random.randint(0, 2)))]
        return words


class ComposeEngine(Engine):
    """A fake Engine whose client has this plugin, and the environment of the grammar."""

    def __init__(self, base: Path, plugin: Path) -> None:
        super().__init__(base)
        home = base / "docker"
        (home / "cli-plugins").mkdir(parents=True)
        (home / "cli-plugins" / "docker-compose").symlink_to(plugin)
        given = dict(trees()["docker"].program.environment)
        self._environment |= {name: value for name, value in given.items() if name not in OWN}
        self._environment["DOCKER_CONFIG"] = str(home)


@contextmanager
def running(plugin: Path) -> Iterator[ComposeEngine]:
    """Give an Engine in a directory that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="rshell-differential-") as base:
        engine = ComposeEngine(Path(base), plugin)
        try:
            yield engine
        finally:
            engine.close()


def same(asked: Asked, other: Asked) -> bool:
    """Compare; compose asks for several things at once, so that the order says nothing."""
    return asked.sorted() == other.sorted()
