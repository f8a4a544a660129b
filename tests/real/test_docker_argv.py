"""Every docker client of this machine understands our argv as it understands the user's.

Each runs with both against a fake Engine; see tests/differential. `python -m tests.differential` tries many more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.differential import compare, reading
from tests.differential.cases import corpus_cases, generated, spellings
from tests.differential.compare import Bench, Tally
from tests.support import argvs

from .ground import refuse

pytestmark = pytest.mark.real

CASES = 2000  # over all clients
SEED = 1
JOBS = 2
SHOWN = 5  # differences that are minimised


@pytest.fixture(scope="module", params=compare.found() or [""])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """One of the clients, with its fake Engines."""
    if not request.param:
        refuse("needs a docker client")
    with compare.bench(request.param, JOBS) as made:
        yield made


@pytest.fixture(scope="module")
def tally(bench: Bench) -> Tally:
    """What came of the random cases."""
    return bench.run(generated(SEED, index) for index in range(CASES // len(compare.found())))


def shortest(bench: Bench, tally: Tally) -> list[str]:
    """The differences, as short as they can be made."""
    return sorted({str(bench.minimised(difference)) for difference in tally.differences[:SHOWN]})


def test_random_argv_mean_the_same_as_ours(bench: Bench, tally: Tally) -> None:
    assert shortest(bench, tally) == []


def test_the_argv_of_the_corpora_mean_the_same_as_ours(bench: Bench) -> None:
    corpora = bench.run(words for _, words in corpus_cases())
    assert shortest(bench, corpora) == []
    assert corpora.outcomes["the same"] > 200


def test_the_random_argv_reach_most_commands_and_the_engine(tally: Tally) -> None:
    compared = tally.commands.total()
    assert compared > CASES // len(compare.found()) // 2
    assert tally.asking.total() > compared // 2
    assert tally.succeeded.total() > compared // 3
    assert len(tally.commands) > 100
    assert tally.asking["docker run"] > 20
    assert tally.slow == []


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        (("ps", "-a"), ("container", "ls")),
        (("rm", "-f", "web"), ("container", "rm", "--", "web")),
        (("rm", "a", "b"), ("container", "rm", "--", "a", "c")),
        (("inspect", "a", "b"), ("inspect", "--", "b", "a")),
        (("run", "-e", "--", "busybox"), ("container", "run", "--env=", "--", "busybox")),
        (("run", "busybox", "-d"), ("container", "run", "-d", "--", "busybox")),
        (("ps", "--format", "{{.ID}}"), ("container", "ls", "--format={{.Names}}")),  # only printed otherwise
        (("run", "-d", "--cidfile", "a", "busybox"), ("container", "run", "-d", "--cidfile=b", "--", "busybox")),
        (("image", "build", "../files/context"), ("image", "build", "--", "../files/plugin")),  # another tar
        (("ps", "--nope"), ("container", "ls")),
        (("ps",), ("container", "ls", "--nope")),
    ],
)
def test_a_wrong_argv_is_noticed(bench: Bench, given: tuple[str, ...], ours: tuple[str, ...]) -> None:
    assert bench.compare(given, ours) is not None


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        (
            ("run", "-ite", "--", "-dp80:80", "busybox", "sh"),
            ("container", "run", "--interactive", "--tty", "--env=--", "-d", "-p=80:80", "--", "busybox", "sh"),
        ),
        (("exec", "web", "id"), ("container", "exec", "--", "web", "id")),
        (("cp", "web:/x", "out"), ("container", "cp", "--", "web:/x", "out")),
        (("build", "-f", "-", "../files/context"), ("image", "build", "--file=-", "../files/context")),
        (("rm", "a", "b", "c"), ("container", "rm", "--", "a", "b", "c")),  # in parallel, in any order
        (("context", "create", "other"), ("context", "create", "--", "other")),
    ],
)
def test_the_right_argv_passes(bench: Bench, given: tuple[str, ...], ours: tuple[str, ...]) -> None:
    assert bench.compare(given, ours) is None


def test_what_docker_asks_for_is_written_down_whole(bench: Bench) -> None:
    asked = bench.ask(("exec", "-e", "A=b", "web", "id"))
    ping, *others = [(request.method, re.sub(r"^/v[0-9.]+", "", request.target)) for request in asked.requests]
    assert ping == ("HEAD", "/_ping")
    assert others == [
        ("GET", "/containers/web/json"),
        ("POST", "/containers/web/exec"),
        ("POST", f"/exec/{'x' * 64}/start"),
        ("GET", f"/exec/{'x' * 64}/json"),
    ]
    body = json.loads(asked.requests[2].body)
    assert (body["Cmd"], body["Env"], body["Privileged"]) == (["id"], ["A=b"], False)
    assert (asked.succeeded, asked.output, asked.written, asked.in_time) == (True, "", (), True)


def test_what_docker_writes_is_written_down_and_gone_for_the_next_run(bench: Bench) -> None:
    assert bench.ask(("save", "-o", "out", "busybox")).written == (("cwd/out", "tar [('x', '', 420, 'x\\n')]"),)
    assert bench.ask(("save", "-o", "../files/env", "busybox")).written[0][0] == "files/env"
    assert bench.ask(("version",)).written == ()


def test_every_spelling_of_a_command_is_tried() -> None:
    assert spellings("docker ps") == ("container ls", "ps", "container list", "container ps")


def test_the_words_are_read_as_the_product_reads_them() -> None:
    assert reading.canonical(("--log-level", "info", "ps", "-aq", "--filter", "--")) == reading.Reading(
        "docker ps", "ps", ("--log-level=info", "container", "ls", "--all", "--quiet", "--filter=--")
    )
    assert reading.canonical(("-v",)) == reading.Reading("docker --version", "-v", ("--version",))


@pytest.mark.parametrize(
    "words",
    [
        ("--version", "exec", "web", "id"),
        ("-H", "unix:///x", "ps"),
        ("-l", "bogus", "ps"),
        ("container ls",),
        ("",),
        (),
    ],
)
def test_words_that_the_product_refuses_are_not_run(words: tuple[str, ...]) -> None:
    assert reading.canonical(words) is None


@pytest.mark.parametrize("line", ["docker --log-level warn container ls -aq", "docker logs -n20 web", "docker -v"])
def test_the_reading_is_that_of_a_decision(line: str) -> None:
    read = reading.canonical(tuple(line.split()[1:]))
    assert read is not None
    assert [["/usr/bin/docker", *read.argv]] == argvs(line)
