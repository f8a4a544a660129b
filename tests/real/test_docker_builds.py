"""No permitted Dockerfile is sent to be built that could reach the host or be read in two ways, by any docker here.

The judge of what is sent is in tests/differential/dockerjudge.py; test_build.py has the real builders.
`python -m tests.differential build` tries many more.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.differential import compare, dockerfiles, dockerjudge, proof
from tests.differential.cases import Words
from tests.differential.hostconfig import Site
from tests.differential.proof import UID, Court, Host, Tally
from tests.differential.verdict import created, judge

from .ground import refuse

pytestmark = pytest.mark.real

CASES = 250  # for each policy and client
SEED = 1
JOBS = 2
OWNER = f"--label=rshell.built-by={UID}"


@pytest.fixture(scope="module", params=compare.found() or [""])
def court(request: pytest.FixtureRequest) -> Iterator[Court]:
    """One of the clients, with its fake Engines."""
    if not request.param:
        refuse("needs a docker client")
    with proof.court(request.param, JOBS, None, dockerfiles.answers, dockerjudge.also) as made:
        yield made


@pytest.fixture(scope="module", params=[0, 1])
def host(request: pytest.FixtureRequest) -> Host:
    """Each of the policies."""
    return proof.hosts()[request.param]


@pytest.fixture(scope="module")
def tally(court: Court, host: Host) -> Tally:
    """What came of the random Dockerfiles."""
    return court.run(host, islice(dockerfiles.dockerfiles(host, SEED), CASES))


def test_no_random_permitted_dockerfile_reaches_the_host(court: Court, host: Host, tally: Tally) -> None:
    assert court.shortest(host, tally) == []


def test_the_random_dockerfiles_are_sent(tally: Tally) -> None:
    assert tally.outcomes["made"] > CASES * 3 // 4
    assert tally.outcomes["too slow"] == 0


# -- the judge is awake -----------------------------------------------------------------


def judged(court: Court, text: str, *words: str, name: str = "Dockerfile") -> list[str]:
    """What the judge says of a Dockerfile that nobody else has judged."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(text.encode())
        archive.addfile(member, io.BytesIO(text.encode()))
    sent = os.memfd_create("context")
    os.write(sent, output.getvalue())
    os.lseek(sent, 0, os.SEEK_SET)
    asked = court.ask_words(("build", *words, "-"), stdin=sent)
    assert created(asked), asked.messages
    return judge(Site(uid=UID), asked, dockerjudge.also)


def test_the_judge_passes_what_is_allowed(court: Court) -> None:
    text = 'FROM alpine:3.20 AS first\nRUN id\nENV A="b c" D=e\nFROM scratch\nCOPY --from=first --chown=1 /a /b\n'
    assert judged(court, text, OWNER, "-tlab/x", "--build-arg=BENCH_N=1", "--network=none", "--memory=1g") == []


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("has an instruction", "ADD http://127.0.0.1/ /x"),
        ("has an instruction", "run id"),
        ("has an instruction", "# syntax=evil.example/x"),
        ("has an instruction", "ONBUILD RUN id"),
        ("can be read in two ways", "RUN a \\\nADD b /c"),
        ("can be read in two ways", "RUN a\rADD b /c"),
        ("may have a here-document", "RUN <<EOT\nid\nEOT"),
        ("has options", "RUN --mount=type=secret,id=x id"),
        ("takes from 'alpine'", "COPY --from=alpine /a /b"),
        ("takes from '0'", "COPY --from=0 /a /b"),
        ("has an option --parents", "COPY --parents a b"),
        ("fetches", "COPY https://evil.example/x /x"),
        ("is of another registry", "FROM evil.example/x:1"),
        ("is no image with a tag", "FROM alpine"),
        ("is no FROM IMAGE AS STAGE", "FROM --platform=linux/arm64 alpine:3"),
        ("has triggers", f"FROM {dockerjudge.TRAP}"),
        ("sets 'LD_PRELOAD'", "ENV A=b LD_PRELOAD=/x"),
        ("sets 'LD_PRELOAD'", "ENV LD_PRELOAD /x"),
        ("sets '\"LD_PRELOAD\"'", 'ENV "LD_PRELOAD"=/x'),
        ("sets '$A'", "ENV $A=b"),
        ("sets 'BUILDKIT_SYNTAX'", "ARG BUILDKIT_SYNTAX=evil.example/x"),
        ("may not be set: 'traefik.enable'", "LABEL bench.x=1 traefik.enable=true"),
        ("is the kernel's", "WORKDIR /proc/self/fd/8"),
        ("is the kernel's", "VOLUME /data /sys"),
        ("is no", "USER a:b:c"),
    ],
)
def test_the_judge_objects_to_a_line(court: Court, wrong: str, line: str) -> None:
    said = judged(court, f"FROM alpine:3.20\n{line}\n", OWNER)
    assert [one for one in said if wrong in one], said


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("?t=vault", ("-t", "vault")),
        ("?networkmode=host", ("--network", "host")),
        ("?extrahosts=", ("--add-host", "a:127.0.0.1")),
        ("?buildargs=", ("--build-arg", "LD_PRELOAD=/x")),
        ("sends what it has read here", ("--build-arg", "LEAKED")),
        ("?labels=", ("--label", "rshell.owner=4711")),
        ("?labels=", ("--label", "rshell.built-by=0")),
        ("?cgroupparent=", ("--cgroup-parent", "/")),
        ("?securityopt=", ("--security-opt", "x=y")),
        ("?cachefrom=", ("--cache-from", "evil.example/x")),
        ("?memory=", ("--memory", "65g")),
        ("?ulimits=", ("--ulimit", "rtprio=9")),
        ("wrote cwd/out", ("--iidfile", "out")),
    ],
)
def test_the_judge_objects_to_an_option(court: Court, wrong: str, words: Words) -> None:
    said = judged(court, "FROM alpine:3.20\n", OWNER, *words)
    assert [one for one in said if wrong in one], said


def test_the_judge_misses_who_has_built_it(court: Court) -> None:
    assert judged(court, "FROM alpine:3.20\n") != []


def test_the_judge_wants_a_dockerfile_alone(court: Court) -> None:
    assert judged(court, "FROM alpine:3.20\n", OWNER, "--file=other", name="other") != []
