"""All that one docker process did, held against what a host allows. As hostconfig.py, nothing of rshell in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from . import hostconfig
from .engine import Asked, Request
from .hostconfig import Site

SECRET = "leaked-4711"
"""What docker could read, from its environment and from files, and must not send."""

CREATE, BUILD = "POST /containers/create", "POST /build"
SAFE = (
    "(HEAD|GET) /_ping", "GET /info", "GET /version", "POST /containers/[0-9a-f]{64}/(wait|start|attach|resize)",
    "DELETE /containers/[0-9a-f]{64}", "GET /containers/[0-9a-f]{64}/json", "POST /containers/[0-9a-f]{64}/kill",
)  # fmt: skip
"""What `docker run` asks for besides the container and its image."""

Also = Callable[[Site, str, Request], list[str] | None]


def judge(site: Site, asked: Asked, also: Also = lambda *_: None) -> list[str]:
    """Say what was wrong in all that docker asked for, wrote and sent.

    also: judges what `docker run` has no use for: (site, "METHOD PATH", request) -> what is wrong, or None
    when it does not know the request either.
    """
    wrong = [f"wrote {name}" for name, _ in asked.written]
    for request in asked.requests:
        call = named(request)
        found = also(site, call, request)
        wrong += _request(site, call, request) if found is None else found
        if SECRET in request.body or SECRET in request.target:
            wrong.append(f"{call}: sends what it has read here: {request.body}")
    return wrong


def named(request: Request) -> str:
    """A request as METHOD PATH, without the version."""
    return f"{request.method} {re.sub(r'^/v[0-9.]+(?=/)', '', urlsplit(request.target).path)}"


def created(asked: Asked) -> int:
    """How many containers and images were asked for."""
    return sum(named(request) in (CREATE, BUILD) for request in asked.requests)


def _request(site: Site, call: str, request: Request) -> list[str]:
    if call == CREATE:
        return hostconfig.container(site, request.target, json.loads(request.body))
    if call == "POST /images/create":
        return _pull(site, request)
    return [] if any(re.fullmatch(one, call) for one in SAFE) else [f"asks for {call}"]


def _pull(site: Site, request: Request) -> list[str]:
    query = {key: values[-1] for key, values in parse_qs(urlsplit(request.target).query).items()}
    name, tag = query.pop("fromImage", ""), query.pop("tag", "")
    query.pop("platform", None)
    wrong = [f"pull: {key}={value}" for key, value in query.items()]
    reference = f"{name}@{tag}" if tag.startswith("sha256:") else f"{name}:{tag}"
    return wrong + [f"pull: {what}" for what in hostconfig.image(site, reference)]
