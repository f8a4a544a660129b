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
CONTAINERS = (*LISTS, "build", "compose", "limits", "defaults")


def read_containers(reader: Reader, node: Node) -> Containers:
    """Read what a container may be."""
    keys = reader.mapping(node, CONTAINERS)
    made: dict[str, tuple[str, ...] | int] = {}
    for name, field in LISTS.items():
        if name in keys:
            made[field] = reader.texts(keys[name])
    for name, field in (("tags", "tags"), ("args", "build_args")):
        inner = reader.mapping(keys["build"], ("tags", "args")) if "build" in keys else {}
        if name in inner:
            made[field] = reader.texts(inner[name])
    if "compose" in keys:
        inner = reader.mapping(keys["compose"], ("projects",), ("projects",))
        made["projects"] = reader.texts(inner["projects"]) if "projects" in inner else ()
    for section, fields in (("limits", ("memory", "cpus", "pids", "shm")), ("defaults", ("memory", "pids"))):
        inner = reader.mapping(keys[section], fields) if section in keys else {}
        for name, value in inner.items():
            made[name if section == "limits" else "default_" + name] = _amount(reader, name, value)
    return Containers(**made)  # type: ignore[arg-type]


def _amount(reader: Reader, name: str, node: Node) -> int:
    """Read a size (memory, shm) or a number (cpus, pids)."""
    text = reader.text(node)
    amount = size(text) if name in ("memory", "shm") else int(text) if text.isascii() and text.isdigit() else 0
    if not amount:
        reader.error(node, "expected a size such as 8g" if name in ("memory", "shm") else "expected a number")
    return amount
