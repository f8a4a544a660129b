"""What docker sends to be built, judged as hostconfig.py does, and as independently.

The sent Dockerfile is read here by itself: it may have one instruction a line and no comments, so that no
builder can read it in two ways.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import hostconfig
from .answers import DIGEST
from .engine import Request
from .hostconfig import Site
from .verdict import BUILD

MADE_HERE = DIGEST.removeprefix("sha256:")
"""An image that has no digest, by its id."""
TRAP = "lab/trap:1"
"""An image that is there, with ONBUILD instructions."""


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
        elif "<<" in line and (instruction == "COPY" or (instruction == "RUN" and _begins_a_document(rest))):
            wrong.append(f"may have a here-document: {line!r}")
        else:
            wrong += [f"{what}: {line!r}" for what in INSTRUCTIONS[instruction](site, rest.strip(), stages)]
    return wrong


def _begins_a_document(rest: str) -> bool:
    """Tell whether a word may be a here-document to BuildKit: [0-9]*<<WORD, whatever is taken off in front of it."""
    if re.search(r"\$\{.*<<", rest):
        return True
    return any(re.match(r"\d*<<(?!<).", word) for word in re.split(r"\s|\\", rest))


def _from(site: Site, rest: str, stages: list[str]) -> Iterator[str]:
    found = re.fullmatch(r"(\S+)(?: AS ([a-z][a-z0-9._-]*))?", rest)
    if not found:
        yield "is no FROM IMAGE AS STAGE"
    elif found[1] not in ("scratch", MADE_HERE, *stages):
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
            if kind == "LABEL" and re.fullmatch(r"maintainer|org\.opencontainers\.image\..+", name):
                continue
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
