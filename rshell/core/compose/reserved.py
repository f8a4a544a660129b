"""GPUs that a service of a compose file asks for, with `gpus` or with `deploy`."""

from __future__ import annotations

from rshell.core.compose import attached, nodes
from rshell.core.compose.keys import one_of
from rshell.core.compose.nodes import Wrong
from rshell.core.parts import gpus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.compose.keys import Made, World
    from rshell.core.compose.nodes import Node

DRIVERS = ("nvidia",)
IDS = "the numbers of GPUs, or their ids GPU-.. and MIG-.."


def of_service(world: World, node: Node, path: str) -> Made:
    """Read `gpus`: all, or a list of requests. Raises Wrong."""
    if node.kind == "text":
        one_of("all")(world, node, path)
        _grant(world, gpus.Gpus(gpus.ALL), node, path)
        return _reserved([{"count": "all", "capabilities": ["gpu"]}])
    return devices(world, node, path)


def devices(world: World, node: Node, path: str) -> Made:
    """Read a list of requests; return what `deploy` says of them. Raises Wrong."""
    return _reserved([_device(world, item, place) for item, place in nodes.items(node, path)])


def _device(world: World, node: Node, path: str) -> Made:
    """Read a request for GPUs. SECURITY: other drivers, cdi above all, hand out any device of the host."""
    said = nodes.mapping(node, path, ("driver", "count", "device_ids", "capabilities"))
    made: Made = {"capabilities": nodes.texts(*said["capabilities"]) if "capabilities" in said else ["gpu"]}
    if "gpu" not in made["capabilities"]:
        raise Wrong(*said["capabilities"], "does not ask for a gpu", "expected [gpu], and what else of it is wanted")
    if "driver" in said:
        made |= one_of(*DRIVERS)(world, *said["driver"])
    if "device_ids" in said and "count" in said:
        raise Wrong(*said["count"], "stands beside device_ids", "say one of them", True)
    ids = nodes.texts(*said["device_ids"]) if "device_ids" in said else []
    if ids == [gpus.EVERY]:
        made["count"] = gpus.EVERY
    elif "device_ids" in said:
        made["device_ids"] = ids
        for one in made["device_ids"]:
            if not gpus.is_device(one):
                raise Wrong(*said["device_ids"], f"'{one}' is not allowed", f"allowed: {IDS}")
    else:
        count = nodes.text(*said["count"]) if "count" in said else "all"
        count = "all" if count == "-1" else count
        made["count"] = count if count == "all" else nodes.number(*said["count"], 1, gpus.MOST)
    # `gpu` is what a request without capabilities has too
    more = tuple(made["capabilities"]) if made["capabilities"] != ["gpu"] else ()
    number = gpus.ALL if made.get("count") == "all" else made.get("count", 0)
    _grant(world, gpus.Gpus(number, tuple(made.get("device_ids", ())), more), node, path)
    return made


def _grant(world: World, wanted: gpus.Gpus, node: Node, path: str) -> None:
    try:
        gpus.judge(world.allowed, wanted)
    except gpus.Wrong as unfit:
        raise attached.wrong(unfit, node, path) from None


def _reserved(devices: list[Made]) -> Made:
    return {"deploy": {"resources": {"reservations": {"devices": devices}}}}
