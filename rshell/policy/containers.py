"""The `containers` section of policy.yaml: what a container may be."""

from __future__ import annotations

from rshell.core.containers import Containers, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.policy.tree import Node, Reader

# lists of `containers`: key -> field
LISTS = {
    "registries": "registries", "images": "images", "names": "names", "environment": "environment",
    "labels": "labels", "gpus": "gpus", "restart": "restart", "log_drivers": "log_drivers", "users": "users",
}  # fmt: skip
BUILD = {"contexts": "contexts", "tags": "tags", "args": "build_args"}
NO_CONTEXT = ("/proc", "/sys", "/dev")
AMOUNTS = {
    "limits": {"memory": "memory", "cpus": "cpus", "pids": "pids", "shm": "shm"},
    "defaults": {"memory": "default_memory", "pids": "default_pids"},
}
RESTART = ("no", "always", "unless-stopped", "on-failure")
CONTAINERS = (*LISTS, "build", "compose", *AMOUNTS)


def read_containers(reader: Reader, node: Node) -> Containers:
    """Read what a container may be."""
    keys = reader.mapping(node, CONTAINERS)
    made: dict[str, tuple[str, ...] | int] = {
        field: reader.texts(keys[name]) for name, field in LISTS.items() if name in keys
    }
    inner = reader.mapping(keys["build"], tuple(BUILD)) if "build" in keys else {}
    made |= {field: reader.texts(inner[name]) for name, field in BUILD.items() if name in inner}
    if "contexts" in inner:
        _check_contexts(reader, inner["contexts"], made["contexts"])
    if "compose" in keys:
        inner = reader.mapping(keys["compose"], ("projects",), ("projects",))
        made["projects"] = reader.texts(inner["projects"]) if "projects" in inner else ()
    for section, names in AMOUNTS.items():
        inner = reader.mapping(keys[section], tuple(names)) if section in keys else {}
        made |= {field: _amount(reader, name, inner[name]) for name, field in names.items() if name in inner}
    _check(reader, keys, made)
    return Containers(**made)  # type: ignore[arg-type]


def _check(reader: Reader, keys: dict[str, Node], made: dict[str, tuple[str, ...] | int]) -> None:
    """Find what would mean something else than it seems to."""
    for name in ("memory", "pids"):
        default, most = made.get("default_" + name, 0), made.get(name, 0)
        if isinstance(default, int) and isinstance(most, int) and default > most:
            reader.error(keys["defaults"], f"`{name}` is more than `limits` allow")
    for registry in reader.texts(keys["registries"]) if "registries" in keys else ():
        if "*" in registry:
            reader.error(keys["registries"], "registries are named one by one")
    for one in reader.texts(keys["restart"]) if "restart" in keys else ():
        kind, colon, count = one.partition(":")
        if kind not in RESTART or (colon and not (kind == "on-failure" and count.isascii() and count.isdigit())):
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
    sized = name in ("memory", "shm")
    amount = size(text) if sized else int(text) if text.isascii() and text.isdigit() and text[0] != "0" else 0
    if not amount:
        reader.error(node, "expected a size such as 8g" if sized else "expected a number")
    return amount
