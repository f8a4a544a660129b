"""Whatever is permitted goes to a real docker, and what that asks the Engine for is judged by hostconfig.py."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from subprocess import DEVNULL
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from rshell.core import settle
from rshell.core.decide import judge
from rshell.core.model import Exec, Need, Permit, Policy
from rshell.host import look, serve
from rshell.host.engine import Engine as Asker
from rshell.host.engine import Silent
from rshell.policy.check import context
from tests.support import SHIPPED, execs, policy, written

from .answers import IMAGE, VOLUME, Answer, answer, as_json
from .cases import corpus_cases
from .engine import Answers, Asked, Engine
from .hostconfig import Site
from .soup import DIRECTORIES, DISGUISED, RUN, Soup
from .verdict import SECRET, Also, created
from .verdict import judge as verdict

UID = 4711
MINE = ("DOCKER_HOST", "DOCKER_CONFIG", "BUILDX_CONFIG")
"""Variables of a permitted command that name this host's Engine: the fake one has its own."""

# -- who allows what --------------------------------------------------------------------


class Host(NamedTuple):
    """A policy, and what its author meant by it."""

    policy: Policy
    site: Site


def shipped() -> Host:
    """The policy that ships."""
    return Host(policy(), Site(uid=UID, disguised=(DISGUISED,)))


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


@cache
def removing() -> Host:
    """The policy that ships, for one's own things alone; volumes go with the project."""
    text = SHIPPED.decode()
    for old, new in (("down: [timeout: 0..300]", "down: [timeout: 0..300, volumes]"), ("manage:  any", "manage:  own")):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    text = re.sub(r"(?m)^(advice|expect):\n(?:(?:[ #].*)?\n)*", "", text)
    return Host(written(text, "ai-worker"), Site(uid=UID, disguised=(DISGUISED,), removes=True))


def hosts() -> tuple[Host, ...]:
    """The policies that lines are tried with."""
    return shipped(), narrower()


def judged(host: Host) -> set[str]:
    """The options of `docker run` that the policy lets through, if their values are right."""
    return {name for rule in host.policy.commands[RUN].rules for name in rule.options}


# -- from the line to the argv ----------------------------------------------------------


def settled(host: Host, line: str, answers: Answers) -> Exec | None:
    """Decide on a line of one command, as the gate does: look up what it needs until nothing is open. None: refused."""
    asker = context().but(uid=UID)
    decided = judge(host.policy, line, asker)
    if not isinstance(decided, Permit):
        return None
    commands = execs(decided)
    if len(commands) != 1:
        return None
    command = commands[0]
    for _ in range(serve.ROUNDS):
        if not command.needs:
            return command
        found = settle.settle(host.policy, command, _facts(command, answers), asker)
        if not isinstance(found, Exec):
            return None
        command = found
    return None if command.needs else command


def _facts(command: Exec, answers: Answers) -> dict[Need, tuple[Any, ...]]:
    """What rshell itself would find out, on a host with a few directories and an Engine that is as the fake one."""
    place = look.Place(_Answered(answers), -1, _never)
    found: dict[Need, tuple[Any, ...]] = {}
    for need in command.needs:
        with suppress(Silent):
            if need.check == "path":
                found[need] = tuple(map(_steps, need.subjects))
            else:
                found[need] = look._LOOKERS[need.check](command, need, place)
    return found


def _steps(path: str) -> tuple[tuple[int, int], ...]:
    """Mode and owner of each step of a path, as far as there is something."""
    names = path.split("/")
    steps = ["/".join(names[:many]) or "/" for many in range(1, len(names) + 1)]
    return tuple((0o040755, 0) for step in steps if step in DIRECTORIES)


def _never(*_: object) -> bool:
    return False


def answers_of_a_host(method: str, path: str, earlier: tuple[str, ...]) -> Answer:
    """The fake Engine's answers, with any image pulled by its name, and one volume that is a directory of the host."""
    if method == "GET" and path.startswith("/images/") and path.endswith("/json") and path != "/images/json":
        return as_json(image(path.removeprefix("/images/").removesuffix("/json")))
    if path == f"/volumes/{DISGUISED}":
        return as_json({**VOLUME, "Name": DISGUISED, "Options": {"type": "none", "o": "bind", "device": "/"}})
    return answer(method, path, earlier)


def image(reference: str) -> dict[str, Any]:
    """What the Engine says of an image that was pulled by this reference."""
    name, _, digest = reference.removeprefix("docker.io/").removeprefix("library/").partition("@")
    tagged = ":" in name.rpartition("/")[2]
    pulled = f"{name.rpartition(':')[0] if tagged else name}@{digest or 'sha256:' + 'e' * 64}"
    return {**IMAGE, "RepoTags": [name if tagged else f"{name}:latest"], "RepoDigests": [pulled]}


class _Answered(Asker):
    """rshell's own client of the Engine, answered without a socket."""

    def __init__(self, answers: Answers) -> None:
        super().__init__("", _never)
        self._answers = answers

    def exchange(self, request: str) -> tuple[int, bytes]:
        method, target, _ = request.split(" ", 2)
        replied = self._answers(method, target.partition("?")[0], ())
        return replied.status, _filtered(replied.body, target)


def _filtered(body: bytes, target: str) -> bytes:
    """A list without what lacks the labels that were asked for, as a real Engine gives it."""
    filters = json.loads(parse_qs(urlsplit(target).query).get("filters", ["{}"])[0])
    wanted = [label.split("=", 1) for label in filters.get("label", ()) if "=" in label]
    if not wanted or body[:1] not in (b"[", b"{") or b'"message"' in body:
        return body
    answered = json.loads(body)
    listed = answered["Volumes"] if isinstance(answered, dict) else answered
    kept = [one for one in listed if all((one["Labels"] or {}).get(name) == value for name, value in wanted)]
    return json.dumps({"Volumes": kept} if isinstance(answered, dict) else kept).encode()


# -- from the argv to the Engine ----------------------------------------------------------


class Recorder(Engine):
    """A fake Engine for what rshell starts: with the environment that it gives, and secrets to send."""

    def ask_for(self, docker: str, command: Exec) -> Asked:
        """Run what was settled."""
        given = {name: value for name, value in command.environment if name not in MINE}
        home = f"/nonexistent/{SECRET}"
        self._environment |= {**given, "HOME": home, "LEAKED": SECRET, "PATH": home}
        try:
            return self.ask(docker, command.argv[1:], command.model, command.stdin if command.stdin >= 0 else DEVNULL)
        finally:
            if command.stdin >= 0:
                os.close(command.stdin)

    def answered(self, method: str, target: str, earlier: tuple[str, ...]) -> Answer:
        """Answer as the Engine that rshell itself has asked."""
        reply = super().answered(method, target, earlier)
        listed = method == "GET" and target.startswith(("/containers/json?", "/networks?", "/volumes?"))
        return reply._replace(body=_filtered(reply.body, target)) if listed else reply

    def with_plugin(self, plugin: Path) -> None:
        """Let docker have a plugin `docker-compose`."""
        home = self.base / "docker"
        (home / "cli-plugins").mkdir(parents=True)
        (home / "cli-plugins" / "docker-compose").symlink_to(plugin)
        self._environment["DOCKER_CONFIG"] = str(home)


@dataclass(frozen=True)
class Violation:
    """A permitted line that makes docker ask for what nobody may have."""

    docker: str
    line: str
    argv: tuple[str, ...]
    wrong: tuple[str, ...]
    model: str = ""

    @property
    def kind(self) -> str:
        """What is wrong, without the values."""
        return re.sub(r"'[^']*'|\d+", "_", self.wrong[0])

    def __str__(self) -> str:
        shown = "".join(f"\n    {what}" for what in self.wrong)
        model = f"\n  model: {self.model}" if self.model else ""
        return f"{self.docker}\n  given: {self.line}\n  ours:  {shlex.join(self.argv)}{model}{shown}"


@dataclass
class Tally:
    """What came of many lines."""

    outcomes: Counter[str] = field(default_factory=Counter)
    options: Counter[str] = field(default_factory=Counter)  # of the permitted lines, by name
    violations: list[Violation] = field(default_factory=list)

    def __str__(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in self.outcomes.most_common())


class Court:
    """A docker client and some fake Engines for it, and who judges what they are asked for."""

    def __init__(self, docker: str, recorders: list[Recorder], answers: Answers, also: Also) -> None:
        self.docker, self.answers, self._also = docker, answers, also
        self._recorders: SimpleQueue[Recorder] = SimpleQueue()
        for recorder in recorders:
            self._recorders.put(recorder)
        self._jobs = len(recorders)

    def ask(self, command: Exec) -> Asked:
        """Run what was settled, once."""
        recorder = self._recorders.get()
        try:
            return recorder.ask_for(self.docker, command)
        finally:
            self._recorders.put(recorder)

    def ask_words(self, words: Iterable[str], model: str = "", stdin: int = -1) -> Asked:
        """Run docker with these words after it, whatever they are; model, stdin: as in Exec."""
        permitted = settled(shipped(), "docker ps", self.answers)
        assert permitted is not None
        return self.ask(permitted.but(argv=("docker", *words), model=model, stdin=stdin))

    def try_one(self, host: Host, line: str) -> tuple[str, Exec | None, Violation | None]:
        """Try one line. Return what came of it."""
        command = settled(host, line, self.answers)
        if command is None:
            return "refused", None, None
        asked = self.ask(command)
        wrong = verdict(host.site, asked, self._also)
        if wrong:
            return "violations", command, Violation(self.docker, line, command.argv, tuple(wrong), command.model)
        if not asked.in_time:
            return "too slow", command, None
        return "made" if created(asked) else "permitted, and nothing made", command, None

    def run(self, host: Host, lines: Iterable[str]) -> Tally:
        """Try many lines, in as many threads as there are Engines."""
        tally = Tally()
        with ThreadPoolExecutor(self._jobs) as pool:
            for outcome, command, violation in pool.map(partial(self.try_one, host), lines):
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
        """Find the shortest line that is still such a violation, by leaving out words, or lines of its text."""
        found = True
        while found:
            found = False
            for shorter in _shorter(violation.line):
                outcome = self.try_one(host, shorter)[2]
                if outcome and outcome.kind == violation.kind:
                    violation, found = outcome, True
                    break
        return replace(violation)


def _shorter(line: str) -> Iterator[str]:
    first, *rest = line.split("\n")
    for index in range(len(rest) - 1):
        yield "\n".join([first, *rest[:index], *rest[index + 1 :]])
    if not rest:
        words = shlex.split(first)
        for index in range(len(words)):
            yield shlex.join(words[:index] + words[index + 1 :])


@contextmanager
def court(
    docker: str,
    jobs: int,
    plugin: Path | None = None,
    answers: Answers = answers_of_a_host,
    also: Also = lambda *_: None,
) -> Iterator[Court]:
    """Give a Court with its Engines in a directory that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="rshell-differential-") as base:
        recorders = []
        for number in range(jobs):
            place = Path(base) / str(number)
            place.mkdir()
            recorders.append(Recorder(place, answers))
            if plugin:
                recorders[-1].with_plugin(plugin)
        try:
            yield Court(docker, recorders, answers, also)
        finally:
            for recorder in recorders:
                recorder.close()


# -- which lines --------------------------------------------------------------------------


Maker = Callable[[random.Random], str]


def permitted(host: Host, make: Maker, seed: str, first: int, answers: Answers) -> Iterator[str]:
    """Lines that the policy permits, each another one, without end; first: of which case to begin."""
    known: set[str] = set()
    for index in count(first):
        line = make(random.Random(f"{seed}/{index}"))
        if line in known:
            continue
        command = settled(host, line, answers)
        if command:
            forget(command)
            known.add(line)
            yield line


def forget(command: Exec) -> None:
    """Close what was opened for a command that is not run."""
    if command.stdin >= 0:
        os.close(command.stdin)


def soups(host: Host, seed: int, first: int = 0) -> Iterator[str]:
    """Lines of `docker run`."""
    return permitted(host, _soup, f"soup/{seed}", first, answers_of_a_host)


def _soup(chance: random.Random) -> str:
    line = shlex.join(("docker", *Soup(chance).argv()))
    style = chance.randrange(20)
    if style == 0:
        return f"sudo -n {line}"
    if style == 1:
        return f"bash -lc {shlex.quote(line)}"
    return f"timeout 5 /usr/bin/{line} 2>&1" if style == 2 else line


def corpus_runs() -> Iterator[str]:
    """Every `docker run` of the corpora."""
    for _, words in corpus_cases():
        if "run" in words and "compose" not in words:
            yield shlex.join(("docker", *words))
