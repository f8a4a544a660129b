"""The subset of Dockerfile: what is read, what is refused and where, and what the builder gets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rshell.core.build.dockerfile import (
    MAX_BASES,
    MAX_INSTRUCTIONS,
    Build,
    Dockerfile,
    Instruction,
    WrongPart,
    judge,
    judge_build,
    read,
    write,
)
from rshell.core.build.lines import Wrong
from rshell.core.containers import Containers

ALLOWED = Containers(
    registries=("docker.io", "quay.io"), images=("*",), environment=("*",), labels=("lab.*",), users=("*",),
    tags=("lab/*",), build_args=("BENCH_*",), shm=1 << 30,
)  # fmt: skip
LAST = (
    "RUN id", "COPY a b", "CMD [\"sh\"]", "ENTRYPOINT sh -c id", "ENV A=b", "LABEL lab.x=1", "EXPOSE 80/tcp 443",
    "USER 1000:1000", "WORKDIR /app", "ARG A", "ARG A=1 B", "VOLUME /data /more", "LABEL maintainer me",
    "LABEL maintainer=\"me <me@example.com>\"",
    "LABEL org.opencontainers.image.source=https://example.com/x lab.x=1", "STOPSIGNAL SIGTERM",
    'SHELL ["/bin/sh", "-c"]', "HEALTHCHECK NONE", "HEALTHCHECK --interval=5s --retries=3 CMD true",
    "MAINTAINER somebody", "COPY --chown=1000:1000 --chmod=755 --link a b", 'COPY ["a b", "/c"]',
    "RUN echo $((1<<3)) && echo $(( 1 << 3 ))", "RUN python -c 'print(1<<3)'", 'RUN python -c "print(1 << n)"',
    "RUN cat <<<x", "RUN cat <<< x; cat 3<<<'a b'", 'RUN echo "<<EOF"', "RUN awk '{print $1<<2}'",
    'RUN ["echo", "<<EOF"]',
    "ENV A=1 B=\"x y\" C='z' D=\\ e", "ENV OLD form of it", "WORKDIR app/src", "RUN [\"id\", \"-u\"]",
)  # fmt: skip


def sent(text: str) -> str:
    """What the builder gets of a Dockerfile."""
    file = read(text)
    judge(ALLOWED, file)
    return write(file, {})


def wrong(text: str) -> tuple[int, str, str]:
    """The line, the part and what is expected of one that is refused."""
    with pytest.raises(Wrong) as caught:
        sent(text)
    return caught.value.line, caught.value.part, caught.value.expected


def with_from(line: str) -> str:
    return f"FROM alpine:3.20\n{line}\n"


# -- reading -----------------------------------------------------------------------------


def test_it_is_read_whole() -> None:
    assert read("# about\nARG A=1\nfrom alpine as Base\nRUN id\n\nFROM base\nCOPY --from=0 a b\n") == Dockerfile((
        Instruction(2, "ARG", "A=1"),
        Instruction(3, "FROM", " AS base", "alpine:latest"),
        Instruction(4, "RUN", "id"),
        Instruction(6, "FROM", "base"),
        Instruction(7, "COPY", "--from=0 a b"),
    ))  # fmt: skip


@pytest.mark.parametrize("line", LAST)
def test_an_instruction_of_the_subset_reaches_the_builder_as_it_is(line: str) -> None:
    assert sent(with_from(line)) == with_from(line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM alpine", "FROM alpine:latest\n"),
        ("FROM cafe", "FROM cafe:latest\n"),  # not the image whose id begins so
        ("FROM scratch", "FROM scratch\n"),
        ("\tfrom  alpine:1   as  One", "FROM alpine:1 AS one\n"),
        ("FROM alpine:1\nvolume [\"/a\", \"/b\"]", "FROM alpine:1\nVOLUME /a /b\n"),
        ("FROM alpine:1\nRUN a \\\n  && b", "FROM alpine:1\nRUN a   && b\n"),
        (
            "FROM alpine:1\nRUN a \\ \t\n# c\n\n  # d \\\n  && b\nUSER 1",
            "FROM alpine:1\nRUN a   && b\n\n\n\n\nUSER 1\n",
        ),
        ("FROM alpine:1\nRUN a \\\n\\\n b", "FROM alpine:1\nRUN a  b\n"),
        ("FROM alpine:1\nRUN a \\", "FROM alpine:1\nRUN a\n"),
        ("FROM alpine:1\n\\\nRUN a", "FROM alpine:1\nRUN a\n"),
        ("FROM alpine:1\n # c\nRUN a # b", "FROM alpine:1\n\nRUN a # b\n"),
        ("FROM alpine:1 AS a\nFROM a AS b\nCOPY --from=A x y", "FROM alpine:1 AS a\nFROM a AS b\nCOPY --from=a x y\n"),
        ("# syntax=docker/dockerfile:1\nFROM a", "\nFROM a:latest\n"),
        ("#Syntax = docker.io/docker/dockerfile:1.7-labs \nFROM a", "\nFROM a:latest\n"),
        ("# syntax=docker/dockerfile@sha256:" + "0" * 64 + "\nFROM a", "\nFROM a:latest\n"),
        ("# check=skip=all\n# not = a directive\nFROM a", "\n\nFROM a:latest\n"),
        ("FROM a\n# syntax = by now a comment\nRUN b", "FROM a:latest\n\nRUN b\n"),
        ("\ufeffFROM a\r\nRUN a \\\r\n  b\r\nUSER 1\r", "FROM a:latest\nRUN a   b\n\nUSER 1\n"),
        ("FROM a\r\nRUN <<EOF\r\nid\r\nEOF\r\nUSER 1",
         'FROM a:latest\nRUN ["/bin/sh", "-c", "id\\n"]\n\n\nUSER 1\n'),
        ("FROM quay.io/a/b@sha256:" + "0" * 64, "FROM quay.io/a/b@sha256:" + "0" * 64 + "\n"),
    ],
)  # fmt: skip
def test_the_builder_gets_each_instruction_in_one_line_where_it_began(text: str, expected: str) -> None:
    assert sent(text).rstrip("\n") == expected.rstrip("\n")


def test_images_are_named_by_what_was_looked_up() -> None:
    file = read("FROM alpine AS a\nFROM alpine:latest\nFROM a\nFROM quay.io/x/y:1\n")
    assert file.bases == ("alpine:latest", "quay.io/x/y:1")
    assert write(file, {"alpine:latest": "alpine@sha256:00"}) == (
        "FROM alpine@sha256:00 AS a\nFROM alpine@sha256:00\nFROM a\nFROM quay.io/x/y:1\n"
    )


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("RUN <<EOF\nid\nADD x y\nEOF\n", "id\\nADD x y\\n"),
        ("run <<'EOF'\n# comment \\\n  echo \"$A\"\n\nEOF\n", "# comment \\\\\\n  echo \\\"$A\\\"\\n\\n"),
        ("RUN <<-\"END\"\n\t\tid\n\tif\n\tEND\n", "id\\nif\\n"),
        ("RUN  <<EOF\nEOF\n", ""),
        ("RUN <<EOF\tsh\nid\nEOF\n", "\\u003c\\u003cEOF\\tsh\\nid\\nEOF"),
        ("RUN cat <<EOF > /x\na < b\nEOF\n", "cat \\u003c\\u003cEOF > /x\\na \\u003c b\\nEOF"),
        ("RUN cat \\\n  <<-EOF | sh\n\tid\n\tEOF\n", "cat   \\u003c\\u003c-EOF | sh\\n\\tid\\nEOF"),
    ],
)  # fmt: skip
def test_a_here_document_of_run_is_a_list_for_every_builder(text: str, script: str) -> None:
    made = sent(f"FROM alpine:1\n{text}USER 1")
    assert made.splitlines()[1] == f'RUN ["/bin/sh", "-c", "{script}"]'
    assert made.splitlines()[text.count("\n") + 1] == "USER 1"


# -- variables ---------------------------------------------------------------------------


def filled(text: str, *args: str) -> str:
    """The last FROM that the builder gets."""
    file = read(text, args)
    judge(ALLOWED, file)
    return [line for line in write(file, {}).splitlines() if line.startswith("FROM")][-1]


@pytest.mark.parametrize(
    ("text", "args", "expected"),
    [
        ("ARG V=3.12\nFROM python:${V}-slim", (), "FROM python:3.12-slim"),
        ("ARG V=3.12\nFROM python:$V", (), "FROM python:3.12"),
        ("ARG V=3.12\nFROM python:${V}-slim AS b", ("V=3.13",), "FROM python:3.13-slim AS b"),
        ("ARG V\nFROM python:$V", ("V=3.13", "V=3.14"), "FROM python:3.14"),  # docker takes the last
        ("ARG V=\"3.12\"\nFROM python:$V", (), "FROM python:3.12"),
        ("ARG V='3.12'\nFROM python:$V", (), "FROM python:3.12"),
        ("ARG R=quay.io\nARG N=x/y V=1\nARG I=${R}/$N:\"\" J=$R/$N\nFROM $J:$V", (), "FROM quay.io/x/y:1"),
        ("ARG R=quay.io\nARG I=\"$R/x\"\nFROM $I", (), "FROM quay.io/x:latest"),
        ("ARG R=a\nARG I=$R\nFROM $I", ("R=quay.io/x",), "FROM quay.io/x:latest"),
        ("ARG V=1\nARG V=2\nFROM a:$V", (), "FROM a:2"),
        ("ARG V=\nFROM a$V", (), "FROM a:latest"),
        ("ARG V\nFROM a:${V:-3}", (), "FROM a:3"),
        ("ARG V=\nFROM a:${V:-3}", (), "FROM a:3"),
        ("ARG V=2\nFROM a:${V:-3}", (), "FROM a:2"),
        ("ARG G\nFROM a:1${G:+-gpu}", (), "FROM a:1"),
        ("ARG G=1\nFROM a:1${G:+-gpu}", (), "FROM a:1-gpu"),
        ("ARG S=first\nFROM a AS first\nFROM $S", (), "FROM first"),
        ("ARG S=scratch\nFROM $S", (), "FROM scratch"),
        ("ARG V=1\nFROM a AS first\nARG V=2\nFROM a:$V", (), "FROM a:1"),  # of a stage: not for FROM
        ("ARG V=1\nFROM a:$\\\nV", (), "FROM a:1"),
    ],
)  # fmt: skip
def test_a_variable_in_from_is_written_as_what_it_stands_for(text: str, args: tuple[str, ...], expected: str) -> None:
    assert filled(text, *args) == expected


@pytest.mark.parametrize(
    ("text", "args", "part", "expected"),
    [
        ("FROM a:$V", (), "a:$V", "a variable that has its value above the first FROM: ARG V=VALUE"),
        ("FROM a:$V", ("V=1",), "a:$V", "a variable that has its value above the first FROM: ARG V=VALUE"),
        ("FROM a\nARG V=1\nFROM a:$V", (), "a:$V", "a variable that has its value above the first FROM: ARG V=VALUE"),
        ("FROM ${B:-alpine}", (), "${B:-alpine}",
         "a variable that has its value above the first FROM: ARG B=VALUE"),
        ("ARG V\nFROM a:$V", (), "a:$V", "a variable that has a value: ARG V=VALUE, or --build-arg V=VALUE"),
        ("ARG V=1\nARG V\nFROM a:$V", (), "a:$V", "a variable that has its value above the first FROM: ARG V=VALUE"),
        ("ARG TARGETARCH=x\nFROM a:$TARGETARCH", (), "a:$TARGETARCH",
         "no TARGETARCH: a build is for the platform of the host"),
        ("ARG BUILDPLATFORM\nFROM a:${BUILDPLATFORM:-1}", (), "a:${BUILDPLATFORM:-1}",
         "no BUILDPLATFORM: a build is for the platform of the host"),
        ("ARG V=1\nFROM a:${V-2}", (), "a:${V-2}", "${NAME}, ${NAME:-word} or ${NAME:+word}"),
        ("ARG V=1\nFROM a:${V#2}", (), "a:${V#2}", "${NAME}, ${NAME:-word} or ${NAME:+word}"),
        ("ARG V=1\nFROM a:${V:?no}", (), "a:${V:?no}", "${NAME}, ${NAME:-word} or ${NAME:+word}"),
        ("ARG V=1 W=2\nFROM a:${V:-${W}}", (), "a:${V:-${W}}", "${NAME}, ${NAME:-word} or ${NAME:+word}"),
        ("ARG V=1\nFROM a:${V", (), "a:${V", "a variable such as ${VERSION}"),
        ("ARG V=1\nFROM a:${}", (), "a:${}", "a variable such as ${VERSION}"),
        ("ARG V=1\nFROM a:$1", (), "a:$1", "a variable such as ${VERSION}"),
        ("ARG V=1\nFROM a:$$V", (), "a:$$V", "a variable such as ${VERSION}"),
        ("ARG V=1\nFROM a:\\$V", (), "a:\\$V", "an image such as python:${VERSION}-slim"),
        ("ARG V=1\nFROM \"a:$V\"", (), '"a:$V"', "an image such as python:${VERSION}-slim"),
        ("ARG V=1\nFROM 'a:$V'", (), "'a:$V'", "an image such as python:${VERSION}-slim"),
        ("ARG V=1\nFROM a:$V\u00e9", (), "a:$V\u00e9", "an image such as python:${VERSION}-slim"),
        ("ARG V\nFROM $V", ("V=a AS b",), "$V", "an image such as python:${VERSION}-slim"),
        ("ARG V\nFROM $V", ("V=$W",), "$V", "an image such as python:${VERSION}-slim"),
        ("ARG W=1\nARG V='$W'\nFROM a:$V", (), "a:$V",
         "a variable that has its value above the first FROM: ARG V=VALUE"),
        ("ARG V=\\1\nFROM a:$V", (), "a:$V", "a variable that has its value above the first FROM: ARG V=VALUE"),
        ("ARG V=\nFROM $V alpine", (), "$V", "an image: all of it is empty"),
        ("ARG V=\nFROM $V", (), "$V", "an image: all of it is empty"),
        ("ARG P=--platform\nFROM $P alpine", (), "--platform", "FROM without --platform: the image is the host's"),
        ("ARG P=--x\nFROM $P alpine", (), "--x", "FROM without options"),
        ("ARG A=xx" + "".join(f"\nARG A{n}=$A{n - 1 or ''}$A{n - 1 or ''}" for n in range(1, 90)) + "\nFROM $A89", (),
         "$A89", "a variable that has its value above the first FROM: ARG A89=VALUE"),
    ],
)  # fmt: skip
def test_any_other_variable_in_from_is_refused(text: str, args: tuple[str, ...], part: str, expected: str) -> None:
    with pytest.raises(Wrong) as caught:
        filled(text, *args)
    assert (caught.value.part.removeprefix("FROM "), caught.value.expected) == (part, expected)


IMAGE_PIECES = st.sampled_from(["$", "{", "}", "A", "B", ":-", ":+", "a", "1", ":", "/", "'", '"', "\\", "-"])
DECLARED = st.sampled_from(["A", "A=1", "B=$A", "B='a'", "A=", "B=${A:-x}"])


@settings(max_examples=300)
@given(st.lists(IMAGE_PIECES, max_size=9).map("".join), st.lists(DECLARED, max_size=4))
def test_no_variable_of_from_reaches_the_builder(image: str, declared: list[str]) -> None:
    try:
        made = filled("".join(f"ARG {one}\n" for one in declared) + f"FROM {image}", "A=b")
    except Wrong:
        return
    assert not set("$'\"\\{}").intersection(made)


# -- refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("", 1, "nothing to start from"),
        ("# only a comment", 1, "nothing to start from"),
        ("ARG A=1\n", 1, "nothing to start from"),
        ("RUN id\nFROM alpine", 1, "RUN"),
        ("FROM alpine\nFROM", 2, "FROM"),
        ("FROM alpine\nfrobnicate x", 2, "FROBNICATE"),
        ("BZh91AY", 1, "BZH91AY"),
        ("FROM alpine\nADD http://127.0.0.1:8080/ /x", 2, "ADD"),
        ("FROM alpine\nadd x /x", 2, "ADD"),
        ("FROM alpine\nA\\\nDD http://127.0.0.1/ /x", 2, "ADD"),
        ("FROM alpine\nONBUILD RUN id", 2, "ONBUILD"),
        ("# syntax=evil/frontend\nFROM alpine", 1, "# syntax=evil/frontend"),
        ("# syntax=docker/dockerfile-upstream:1\nFROM alpine", 1, "# syntax=docker/dockerfile-upstream:1"),
        ("# syntax=evil.example/docker/dockerfile:1\nFROM alpine", 1, "# syntax=evil.example/docker/dockerfile:1"),
        ("# syntax=docker/dockerfile:1 x\nFROM alpine", 1, "# syntax=docker/dockerfile:1 x"),
        ("# syntax=dockerfile\nFROM alpine", 1, "# syntax=dockerfile"),
        ("# syntax=\nFROM alpine", 1, "# syntax="),
        ("# syntax=docker/dockerfile:1\n# syntax=evil/frontend\nFROM alpine", 2, "# syntax=evil/frontend"),
        ("# a comment\n  # SYNTAX=evil/frontend\nFROM alpine", 2, "# SYNTAX=evil/frontend"),
        ("# escape=`\nFROM alpine", 1, "# escape=`"),
        ("FROM alpine\nRUN echo \\\\\nADD x y", 2, "\\"),
        ("FROM alpine\nRUN --mount=type=bind,from=x,target=/x id", 2, "RUN --mount=type=bind,from=x,target=/x"),
        ("FROM alpine\nRUN --security=insecure id", 2, "RUN --security=insecure"),
        ("FROM alpine\nRUN \\\n--network=host id", 2, "RUN --network=host"),
        ("FROM alpine\nRUN <<EOF\nid\n", 2, "<<"),
        ("FROM alpine\nRUN <<EOF\nid\n EOF\n", 2, "<<"),
        ("FROM alpine\nRUN <<A <<B\nid\nA\nid\nB\n", 2, "<<"),
        ("FROM alpine\nRUN 3<<EOF\nid\nEOF\n", 2, "<<"),
        ("FROM alpine\nRUN cat<<EOF\nid\nEOF\n", 2, "<<"),
        ("FROM alpine\nRUN cat << EOF\nid\nEOF\n", 2, "<<"),
        ("FROM alpine\nRUN cat << 'EOF'\nid\nEOF\n", 2, "<<"),
        ("FROM alpine\nRUN cat<<-EOF\n\tid\n\tEOF\n", 2, "<<"),
        ("FROM alpine\nRUN echo $((1<<3)) 4<<X\nid\n", 2, "<<"),
        ("FROM alpine\nRUN \\<<X\nid\n", 2, "<<"),
        ("FROM alpine\nRUN echo ${A:-<<X}\nid\n", 2, "<<"),
        ("FROM alpine\nRUN echo ${A:-\\<<X}\nid\n", 2, "<<"),
        ("FROM alpine\nRUN echo 'a <<X b'\nid\n", 2, "<<"),
        ("FROM alpine\nRUN <<-X\nid\n", 2, "<<"),
        ("FROM alpine\nRUN echo '<<EOF'\nid\nEOF\n", 2, "<<"),
        ("FROM alpine\nRUN echo 'a <<EOF b'\nid\nEOF\n", 2, "<<"),
        ("FROM alpine\nRUN cat <<$A\nid\n$A\n", 2, "<<"),
        ("FROM alpine\nRUN cat <<EOF>x\nid\nEOF\n", 2, "<<"),
        ("FROM alpine\nRUN <<''\nid\n\n", 2, "<<"),
        ("FROM alpine\nRUN <<EOF\n#!/bin/python\nEOF\n", 2, "<<"),
        ("FROM alpine\nSHELL [\"x\"]\nRUN <<EOF\nid\nEOF\n", 3, "<<"),
        ("FROM alpine\nRUN --mount=type=bind <<EOF\nid\nEOF\n", 2, "<<"),
        ("FROM alpine\nRUN <<EOF\nid\nEOF\nADD x y\n", 5, "ADD"),
        ("FROM alpine\nRUN <<EOF \\\nADD x y\nEOF\nADD x y\n", 5, "ADD"),
        ("FROM alpine\nENV A <<EOF\nADD x y\nEOF\n", 3, "ADD"),  # only RUN has one
        ("FROM alpine\nCOPY <<EOF /x\nADD http://127.0.0.1/ /y\nEOF", 2, "<<"),
        ("FROM --platform=linux/arm64 alpine", 1, "FROM --platform=linux/arm64"),
        ("FROM $BASE", 1, "$BASE"),
        ("ARG B=evil.example/x\nFROM ${B}", 2, "FROM evil.example/x"),
        ("FROM \"alpine\"", 1, '"alpine"'),
        ("FROM " + "a" * 64, 1, "a" * 64),
        ("FROM sha256:" + "a" * 64, 1, "sha256:" + "a" * 64),
        ("FROM evil.example/x", 1, "FROM evil.example/x"),
        ("FROM 127.0.0.1:5000/x", 1, "FROM 127.0.0.1:5000/x"),
        ("FROM alpine AS", 1, "AS"),
        ("FROM alpine ASX a", 1, "ASX"),
        ("FROM alpine AS 0", 1, "0"),
        ("FROM alpine AS a/b", 1, "a/b"),
        ("FROM alpine AS scratch", 1, "scratch"),
        ("FROM alpine AS context", 1, "context"),
        ("FROM alpine AS a\nFROM alpine AS A", 2, "A"),
        ("FROM alpine\nCOPY --from=evil/x / /", 2, "--from=evil/x"),
        ("FROM alpine\nCOPY --from=alpine / /", 2, "--from=alpine"),
        ("FROM alpine AS a\nCOPY --from=a / /", 2, "--from=a"),  # itself
        ("FROM alpine\nCOPY --from=0 / /", 2, "--from=0"),
        ("FROM alpine\nFROM alpine\nCOPY --from=1 / /", 3, "--from=1"),
        ("FROM alpine\nFROM alpine\nCOPY --from=00 / /", 3, "--from=00"),
        ("FROM alpine\nFROM alpine\nCOPY --from=-1 / /", 3, "--from=-1"),
        ("FROM alpine\nFROM alpine\nCOPY --from= / /", 3, "--from="),
        ("FROM alpine\nFROM alpine\nCOPY --from=0 --from=evil/x / /", 3, "--from=evil/x"),
        ("FROM alpine\nFROM alpine\nCOPY --from=\"0\" / /", 3, '--from="0"'),
        ("FROM alpine\nCOPY --from=$X / /", 2, "--from=$X"),
        ("FROM alpine\nCOPY --parents a b", 2, "--parents"),
        ("FROM alpine\nCOPY --link", 2, "nothing"),
        ("FROM alpine\nCOPY https://example.com/x /x", 2, "://"),
        ("FROM alpine\nCOPY git@example.com:x.git /x", 2, "git@"),
        ("FROM alpine\nENV LD_PRELOAD=/x", 2, "ENV LD_PRELOAD"),
        ("FROM alpine\nENV A=1 LD_PRELOAD=/x", 2, "ENV LD_PRELOAD"),
        ("FROM alpine\nENV A='1' \\\n  LD_PRELOAD=/x", 2, "ENV LD_PRELOAD"),
        ("FROM alpine\nENV LD_PRELOAD /x", 2, "ENV LD_PRELOAD"),
        ("FROM alpine\nENV \"LD_PRELOAD\"=/x", 2, 'ENV "LD_PRELOAD"'),
        ("FROM alpine\nENV LD_$A=/x", 2, "ENV LD_$A"),
        ("FROM alpine\nENV LD\\_PRELOAD=/x", 2, "ENV LD\\_PRELOAD"),
        ("ARG C=${B:-evil.ex'ample/x}\nFROM alpine", 1, "ARG C=${B:-evil.ex'ample/x}"),
        ("FROM alpine\nENV A=\"x y", 2, "ENV A=\"x y"),
        ("FROM alpine\nENV A='1 B=2' NVIDIA_VISIBLE_DEVICES=all", 2, "ENV NVIDIA_VISIBLE_DEVICES"),
        ("FROM alpine\nENV A=1 B", 2, "ENV B"),
        ("FROM alpine\nENV A", 2, "ENV A"),
        ("FROM alpine\nARG BUILDKIT_SYNTAX=evil/x", 2, "ARG BUILDKIT_SYNTAX"),
        ("FROM alpine\nLABEL com.docker.compose.project=prod", 2, "LABEL com.docker.compose.project"),
        ("FROM alpine\nLABEL rshell.owner=0", 2, "LABEL rshell.owner"),
        ("FROM alpine\nLABEL lab.x=1 traefik.enable=true", 2, "LABEL traefik.enable"),
        ("FROM alpine\nLABEL maintainer=x com.docker.compose.service=x", 2, "LABEL com.docker.compose.service"),
        ("FROM alpine\nLABEL maintainers=x", 2, "LABEL maintainers"),
        ("FROM alpine\nLABEL org.opencontainers.imagex=x", 2, "LABEL org.opencontainers.imagex"),
        ("FROM alpine\nLABEL \"maintainer\"=x", 2, 'LABEL "maintainer"'),
        ("FROM alpine\nLABEL \"lab.x\"=1", 2, 'LABEL "lab.x"'),
        ("FROM alpine\nLABEL $A=1", 2, "LABEL $A"),
        ("FROM alpine\nWORKDIR /proc/self/fd/8", 2, "WORKDIR /proc/self/fd/8"),
        ("FROM alpine\nWORKDIR proc/self/fd/8", 2, "WORKDIR /proc/self/fd/8"),
        ("FROM alpine\nWORKDIR /a/../proc/self/fd/8", 2, "WORKDIR /a/../proc/self/fd/8"),
        ("FROM alpine\nWORKDIR $A", 2, "WORKDIR $A"),
        ("FROM alpine\nWORKDIR \"/proc\"", 2, 'WORKDIR "/proc"'),
        ("FROM alpine\nVOLUME /proc", 2, "VOLUME /proc"),
        ("FROM alpine\nVOLUME [\"/data\", \"/dev\"]", 2, "VOLUME /dev"),
        ("FROM alpine\nVOLUME $A", 2, "VOLUME $A"),
        ("FROM alpine\nVOLUME []", 2, "[]"),
        ("FROM alpine\nVOLUME [ ]", 2, "[ ]"),
        ("FROM alpine\nVOLUME [\"\"]", 2, '[""]'),
        ("FROM alpine\nVOLUME [\"/a\", \"\"]", 2, '["/a", ""]'),
        ("FROM alpine\nEXPOSE $P", 2, "EXPOSE $P"),
        ("FROM alpine\nEXPOSE 99999", 2, "EXPOSE 99999"),
        ("FROM alpine\nUSER $U", 2, "USER $U"),
        ("FROM alpine\nSTOPSIGNAL $S", 2, "STOPSIGNAL $S"),
        ("FROM alpine\nUSER 1000 :1000", 2, "USER :1000"),
        ("FROM alpine\nUSER a:b:c", 2, "USER a:b:c"),
        ("FROM alpine\nSTOPSIGNAL TERM KILL", 2, "STOPSIGNAL KILL"),
        ("FROM alpine\nVOLUME" + " /a" * 51, 2, "VOLUME /a"),
        ("FROM alpine\nHEALTHCHECK --interval=1000x CMD id", 2, "HEALTHCHECK 1000x"),
        ("FROM alpine\nHEALTHCHECK --start=1s CMD id", 2, "--start=1s"),
        ("FROM alpine\nHEALTHCHECK id", 2, "id"),
        ("FROM alpine\nHEALTHCHECK CMD", 2, "CMD"),
        ("FROM alpine\nCMD --x", 2, "CMD --x"),
        ("FROM alpine\nRUN\u00a0id", 2, "a control or format character"),
        ("FROM alpine\r\r\nRUN id", 1, "a control or format character"),
        ("FROM alpine\nRUN a\rADD http://127.0.0.1/ /x", 2, "a control or format character"),
        ("\r\rFROM alpine", 1, "a control or format character"),
        ("FROM alpine\n\x0bADD x y", 2, "a control or format character"),
        ("\ufeff\ufeffFROM alpine", 1, "a control or format character"),
        ("FROM alpine\n\ufeffRUN id", 2, "a control or format character"),
        ("\ufeff# syntax=evil/frontend\r\nFROM alpine", 1, "# syntax=evil/frontend"),
        ("FROM alpine\r\nADD x y\r\n", 2, "ADD"),
        ("FROM alpine\r\nRUN a \\\r\n\\\r\nADD x y\r\nADD z /\r\n", 5, "ADD"),
        ("FROM alpine\n" + "RUN id\n" * MAX_INSTRUCTIONS, MAX_INSTRUCTIONS + 1, "RUN"),
        ("".join(f"FROM a{number}\n" for number in range(MAX_BASES + 1)), 1, "too many images"),
    ],
)  # fmt: skip
def test_what_is_not_in_the_subset_is_refused_where_it_stands(text: str, line: int, part: str) -> None:
    assert wrong(text)[:2] == (line, part)


def test_a_refusal_says_what_may_be_there() -> None:
    assert wrong(with_from("ADD x /x")) == (
        2, "ADD", "COPY: the daemon fetches what ADD names, in the network of the host",
    )  # fmt: skip
    assert wrong(with_from("LABEL version=1")) == (
        2, "LABEL version", "a label such as lab.* maintainer org.opencontainers.image.*",
    )  # fmt: skip
    assert wrong("FROM evil.example/x") == (1, "FROM evil.example/x", "an image of docker.io quay.io")


@pytest.mark.parametrize(
    ("line", "part", "expected"),
    [
        ("COPY <<'EOF' /bench.py", "<<", "files of the context; a text: RUN cat > /bench.py <<'END'"),
        ("COPY <<EOF /app/", "<<", "files of the context; a text: RUN cat > /app/FILE <<'END'"),
        ('COPY <<EOF "/a b"', "<<", "files of the context; a text: RUN cat > FILE <<'END'"),
        ("RUN --mount=type=cache,target=/x pip install -r y", "RUN --mount=type=cache,target=/x",
         "the same without it: RUN pip install -r y"),
        ("RUN --mount=target=/x,type=cache --mount=type=cache,target=/y " + "x" * 70,
         "RUN --mount=target=/x,type=cache",
         "the same without it: RUN " + "x" * 60 + "..."),
        ("RUN --mount=type=bind,target=/x id", "RUN --mount=type=bind,target=/x", "RUN without options"),
        ("ENV NVIDIA_VISIBLE_DEVICES=all", "ENV NVIDIA_VISIBLE_DEVICES",
         "another name than LD_* DOCKER_* NVIDIA_* BUILDKIT_*; docker run --gpus sets it"),
        ("ENV LD_LIBRARY_PATH=/x", "ENV LD_LIBRARY_PATH",
         "another name than LD_* DOCKER_* NVIDIA_* BUILDKIT_*; docker run --gpus brings the driver's libraries; "
         "others: a file in /etc/ld.so.conf.d, and RUN ldconfig"),
        ("COPY --from=ghcr.io/astral-sh/uv:0.4 /uv /bin/", "--from=ghcr.io/astral-sh/uv:0.4",
         "a stage above: FROM ghcr.io/astral-sh/uv:0.4 AS uv, then COPY --from=uv"),
        ("COPY --from=other /uv /bin/", "--from=other", "a stage above: its name or number"),
        ("RUN cat 3<<X", "<<", "RUN cat > FILE <<'END', one, without quotes in front; 3<<X begins a here-document"),
        ("RUN cat << END\nx\nEND", "<<", "RUN cat > FILE <<'END', with a blank in front of << and none behind it"),
    ],
)  # fmt: skip
def test_a_refusal_says_how_it_is_written_instead(line: str, part: str, expected: str) -> None:
    assert wrong(with_from(line)) == (2, part, expected)


def test_a_refused_platform_is_to_be_left_out() -> None:
    assert wrong("FROM --platform=$BUILDPLATFORM golang AS build\n") == (
        1, "FROM --platform=$BUILDPLATFORM", "FROM without --platform: the image is the host's",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("COPY bench.py .", "./bench.py"),
        ("COPY --chown=1 a/bench.py /app/", "/app/bench.py"),
        ("COPY a.py /app/b.py", "/app/b.py"),
        ("COPY a b /app", "/app/a"),
        ("COPY . /app", "/app/FILE"),
        ("COPY *.py /app/", "/app/FILE"),
        ('COPY ["a", "/b"]', "FILE"),
    ],
)
def test_copy_without_files_says_how_a_file_is_written(line: str, instead: str) -> None:
    file = read(with_from(line))
    judge(ALLOWED, file)
    with pytest.raises(Wrong) as caught:
        judge(ALLOWED, file, files=False)
    assert (caught.value.line, caught.value.part, caught.value.expected) == (
        2, "COPY", f"no COPY: a Dockerfile on - brings no files; a text: RUN cat > {instead} <<'END'",
    )  # fmt: skip


def test_copy_of_a_stage_needs_no_files() -> None:
    judge(ALLOWED, read("FROM a AS x\nFROM a\nCOPY --from=x /a /b\n"), files=False)


def test_many_shifts_are_read_at_once() -> None:
    line = "RUN echo " + "$((1<<3))" * 20_000
    assert sent(with_from(line)) == with_from(line)


def test_a_value_is_not_shown() -> None:
    assert "secret" not in "".join(map(str, wrong(with_from("ENV DOCKER_TOKEN=secret"))))


# -- properties --------------------------------------------------------------------------

PIECES = st.sampled_from([
    "FROM alpine", "FROM scratch AS a", "FROM a", "RUN id", "COPY --from=a", "ADD", "x", " ", "\t", "\n", "\\\n", "\\",
    "#", "# syntax=x", "<<EOF", "--from=0", "ENV A=1", "LD_PRELOAD=1", "'", '"', "$A", "=", "ONBUILD", "WORKDIR /proc",
    "EOF", "\n\n", "as b", "VOLUME [", "]", ",", "\r\n", "\ufeff", "1<<3", "<<<", "${", "}", "ARG A=a\n",
    "LABEL maintainer=",
])  # fmt: skip


@settings(max_examples=600)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_what_is_sent_reads_as_itself_without_comments_and_continuations(text: str) -> None:
    try:
        made = sent(text)
    except Wrong:
        return
    assert sent(made) == made
    for line in made.splitlines():
        assert not line.startswith(("#", "ADD", "ONBUILD"))
        assert not line.endswith("\\")
    assert "\n" + made.strip("\n").split(" ")[0] in ("\nFROM", "\nARG")


@settings(max_examples=300)
@given(st.text(max_size=200))
def test_any_text_is_read_or_wrong(text: str) -> None:
    try:
        made = read(text).instructions
    except Wrong:
        return
    assert "FROM" in [one.name for one in made]


# -- the other values of a build ---------------------------------------------------------


def test_the_other_values_of_a_build_are_judged() -> None:
    judge_build(ALLOWED, Build())
    judge_build(ALLOWED, Build(("BENCH_X=1",), ("lab.x=1",), ("lab/x:1",), "run", "64m"))


@pytest.mark.parametrize(
    ("build", "field", "part"),
    [
        (Build(args=("BENCH_X=1", "BENCH_Y")), "build-arg", "BENCH_Y"),  # would copy ours
        (Build(args=("BUILDKIT_SYNTAX=evil/x",)), "build-arg", "BUILDKIT_SYNTAX=evil/x"),
        (Build(labels=("rshell.owner=0",)), "label", "rshell.owner=0"),
        (Build(tags=("postgres:16",)), "tag", "postgres:16"),
        (Build(tags=("",)), "tag", ""),
        (Build(target="a b"), "target", "a b"),
        (Build(shm_size="900g"), "shm-size", "900g"),
    ],
)
def test_a_wrong_value_of_a_build_is_named(build: Build, field: str, part: str) -> None:
    with pytest.raises(WrongPart) as caught:
        judge_build(ALLOWED, build)
    assert (caught.value.field, caught.value.part) == (field, part)
    assert caught.value.expected
