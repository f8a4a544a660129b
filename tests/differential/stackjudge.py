"""What docker compose asks the Engine for besides containers, judged as hostconfig.py does, and as independently."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from . import hostconfig
from .answers import network_id
from .engine import Request
from .hostconfig import Site
from .verdict import CREATE

READ = (
    "/containers/json", "/containers/[0-9a-f]{64}/json", "/networks(/[^/]+)?", "/volumes(/[^/]+)?", "/images/.+/json",
    "/images/json", "/events", "/info", "/version", "/_ping",
)  # fmt: skip
FOREIGN = tuple(network_id(name) for name in ("lab", "bridge"))  # networks that no project has made
OWN = ("stop", "kill", "restart", "rename", "pause", "unpause")


def also(site: Site, call: str, request: Request) -> list[str] | None:
    """Judge what docker compose asks for besides containers; and its containers as those of a project that may be."""
    method, _, path = call.partition(" ")
    body = json.loads(request.body) if request.body[:1] == "{" else {}
    if method == "GET":
        return [] if any(re.fullmatch(one, path) for one in READ) else [f"reads {path}"]
    if call in (CREATE, "POST /networks/create", "POST /volumes/create"):
        project = str((body.get("Labels") or {}).get("com.docker.compose.project"))
        if not any(hostconfig.listed((one,), project) for one in site.projects):
            return [f"{call}: is of the project {project!r}"]
        site = replace(site, project=project)
        if call == CREATE:
            return hostconfig.container(site, request.target, body)
        table = NETWORK_TABLE if "networks" in call else VOLUME_TABLE
        owned = (body.get("Labels") or {}).get("rshell.owner") == str(site.uid)
        wrong = [] if owned else [f"the owner is not {site.uid}"]
        return [f"{call}: {what}" for what in (*wrong, *hostconfig.closed(site, body, table))]
    # what is made anew is called ID_NAME until the one before it has gone
    if re.fullmatch(rf"POST /containers/([0-9a-f]{{64}}|[0-9a-f]{{12}}_[\w.-]+)/({'|'.join(OWN)})", call):
        return []
    if method == "PUT":
        return _archive(site, path, request)
    return _removal(site, path) if method == "DELETE" else None


def _removal(site: Site, path: str) -> list[str] | None:
    """What goes with a project is its own."""
    kind, _, name = path.removeprefix("/").partition("/")
    if kind == "networks":
        return [] if hostconfig.HEX64.fullmatch(name) and name not in FOREIGN else [f"removes the network {name}"]
    if kind == "volumes":
        project = name.partition("_")[0]
        own = "_" in name and any(hostconfig.listed((one,), project) for one in site.projects)
        return [] if own and site.removes else [f"removes the volume {name}"]
    return None


def _archive(site: Site, path: str, request: Request) -> list[str]:
    """A config is put into the new container."""
    query = {key: unquote(values[-1]) for key, values in parse_qs(urlsplit(request.target).query).items()}
    place = query.pop("path", "")
    query.pop("noOverwriteDirNonDir", None)
    fine = re.fullmatch("/containers/[0-9a-f]{64}/archive", path) and not query and request.body.startswith("tar ")
    return [] if fine and place == "/" else [f"writes {request.target}: {request.body[:200]}"]


def _flag(_: Site, value: Any) -> hostconfig.Verdict:
    if value is not None and not isinstance(value, bool):
        yield f"is no truth value: {value!r}"


NETWORK_TABLE: dict[str, hostconfig.Check] = {
    "Name": hostconfig.network_name, "Labels": hostconfig.owned_labels, "Internal": _flag, "Attachable": _flag,
    "Driver": lambda _, value: iter([f"is {value!r}"] if value not in ("", None, "bridge") else []),
}  # fmt: skip
VOLUME_TABLE: dict[str, hostconfig.Check] = {
    "Name": hostconfig.volume_name, "Labels": hostconfig.owned_labels,
    "Driver": lambda _, value: iter([f"is {value!r}"] if value not in ("", None, "local") else []),
}  # fmt: skip
