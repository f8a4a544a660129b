"""The `containers` section of policy.yaml: what a container may be."""

from __future__ import annotations

import ipaddress

from rshell.core import values
from rshell.core.containers import Containers
from rshell.core.parts import gpus
from rshell.core.parts.amounts import size
from rshell.policy.binds import check_apart, read_binds
from rshell.policy.compose import read_compose
from rshell.policy.images import check_images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rshell.policy.tree import Node, Reader

# lists of `containers`: key -> field
LISTS = {
    "registries": "registries", "images": "images", "names": "names", "volumes": "volumes", "networks": "networks",
    "environment": "environment", "labels": "labels", "restart": "restart", "log_drivers": "log_drivers",
    "users": "users",
}  # fmt: skip
BUILD = {"contexts": "contexts", "tags": "tags", "args": "build_args"}
NO_CONTEXT = ("/proc", "/sys", "/dev")
AMOUNTS = {
    "tmpfs": {"size": "tmpfs"},
    "limits": {"memory": "memory", "cpus": "cpus", "pids": "pids", "shm": "shm"},
    "defaults": {"memory": "default_memory", "pids": "default_pids"},
}
LOG_DRIVERS = (  # SECURITY: any other one is a plugin, which runs on the host with all rights
    "awslogs", "fluentd", "gcplogs", "gelf", "journald", "json-file", "local", "none", "splunk", "syslog",
)  # fmt: skip
RESTART = ("no", "always", "unless-stopped", "on-failure")
GPU_CAPABILITIES = ("compat32", "compute", "display", "gpu", "graphics", "ngx", "utility", "video")
CONTAINERS = (*LISTS, "bind_mounts", "publish", "gpus", "build", "compose", *AMOUNTS)


def read_containers(reader: Reader, node: Node) -> Containers:
    """Read what a container may be."""
    keys = reader.mapping(node, CONTAINERS)
    made: dict[str, Any] = {field: reader.texts(keys[name]) for name, field in LISTS.items() if name in keys}
    inner = reader.mapping(keys["build"], tuple(BUILD)) if "build" in keys else {}
    made |= {field: reader.texts(inner[name]) for name, field in BUILD.items() if name in inner}
    if "contexts" in inner:
        _check_contexts(reader, inner["contexts"], made["contexts"])
    if "tags" in inner:
        check_images(reader, inner["tags"], made["tags"])
    if "compose" in keys:
        made |= read_compose(reader, keys["compose"])
    for section, names in AMOUNTS.items():
        inner = reader.mapping(keys[section], tuple(names)) if section in keys else {}
        made |= {field: _amount(reader, name, inner[name]) for name, field in names.items() if name in inner}
    if "bind_mounts" in keys:
        made["bind_mounts"] = read_binds(reader, keys["bind_mounts"])
        check_apart(reader, keys)
    if "publish" in keys:
        made |= _publish(reader, keys["publish"])
    if "gpus" in keys:
        made |= _gpus(reader, keys["gpus"])
    if "images" in keys:
        check_images(reader, keys["images"], made["images"])
    _check(reader, keys, made)
    return Containers(**made)


def _publish(reader: Reader, node: Node) -> dict[str, Any]:
    """Read `{addresses: [127.0.0.1], ports: 1024..65535}`."""
    keys = reader.mapping(node, ("addresses", "ports"), ("addresses", "ports"))
    made: dict[str, Any] = {}
    if "addresses" in keys:
        made["publish_addresses"] = tuple(_address(reader, keys["addresses"], one) for one in
                                          reader.texts(keys["addresses"]))  # fmt: skip
    if "ports" in keys:
        text = reader.text(keys["ports"])
        low, _, high = text.partition("..")
        if not all(values.fits(("range", 1, 65535), end) for end in (low, high)) or int(low) > int(high):
            reader.error(keys["ports"], f"`{text}`: expected ports such as 1024..65535")
            return made
        made |= {"publish_low": int(low), "publish_high": int(high)}
    return made


def _address(reader: Reader, node: Node, text: str) -> str:
    """Read an address of this host, in the one way to write it."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        reader.error(node, f"`{text}`: expected an address such as 127.0.0.1")
        return ""


def _gpus(reader: Reader, node: Node) -> dict[str, Any]:
    """Read `{count: all, capabilities: [gpu, compute]}`."""
    keys = reader.mapping(node, ("count", "capabilities"), ("count",))
    made: dict[str, Any] = {}
    if "count" in keys:
        text = reader.text(keys["count"])
        if text != "all" and not values.fits(("range", 1, gpus.MOST), text):
            reader.error(keys["count"], f"`{text}`: expected all, or a number up to {gpus.MOST}")
            return made
        made["gpus"] = gpus.ALL if text == "all" else int(text)
    if "capabilities" in keys:
        made["gpu_capabilities"] = reader.texts(keys["capabilities"])
        for one in made["gpu_capabilities"]:
            if one not in GPU_CAPABILITIES:
                reader.error(keys["capabilities"], f"`{one}`: expected {' '.join(GPU_CAPABILITIES)}")
    return made


def _check(reader: Reader, keys: dict[str, Node], made: dict[str, Any]) -> None:
    """Find what would mean something else than it seems to."""
    for name in ("memory", "pids"):
        default, most = made.get("default_" + name, 0), made.get(name, 0)
        if default > most:
            reader.error(keys["defaults"], f"`{name}` is more than `limits` allow")
    for registry in reader.texts(keys["registries"]) if "registries" in keys else ():
        if "*" in registry:
            reader.error(keys["registries"], "registries are named one by one")
    for network in made.get("networks", ()):
        if network == "host" or not values.NAME_CHARS.union("*").issuperset(network):
            reader.error(keys["networks"], f"`{network}`: expected the name of a network, not the host's own")
    for one in made.get("log_drivers", ()):
        if one not in LOG_DRIVERS:
            reader.error(keys["log_drivers"], f"`{one}`: expected {' '.join(LOG_DRIVERS)}")
    for one in reader.texts(keys["restart"]) if "restart" in keys else ():
        kind, colon, count = one.partition(":")
        if kind not in RESTART or (colon and not (kind == "on-failure" and values.fits(("range", 1, None), count))):
            reader.error(keys["restart"], f"`{one}`: expected {' '.join(RESTART)}, on-failure:N")


def _check_contexts(reader: Reader, node: Node, contexts: object) -> None:
    """Find a context that is no directory by its own name."""
    for one in contexts if isinstance(contexts, tuple) else ():
        if one != "stdin" and (
            one != _clean(one) or any(one == path or one.startswith(path + "/") for path in NO_CONTEXT)
        ):
            reader.error(node, f"`{one}`: expected stdin, or the path of a directory such as /srv/lab")


def _clean(path: str) -> str:
    """Write an absolute path without empty parts, . and .."""
    return "".join("/" + part for part in path.split("/") if part not in ("", ".", ".."))


def _amount(reader: Reader, name: str, node: Node) -> int:
    """Read a size (memory, shm) or a number (cpus, pids)."""
    text = reader.text(node)
    sized = name in ("memory", "shm", "size")
    amount = size(text) if sized else int(text) if text.isascii() and text.isdigit() and text[0] != "0" else 0
    if not amount:
        reader.error(node, "expected a size such as 8g" if sized else "expected a number")
    return amount
