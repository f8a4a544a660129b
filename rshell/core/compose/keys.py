"""What many keys of a compose file share: a value is read strictly and judged as an option of docker run.

A key is a function: what it is judged in, its node, its path -> what compose is given for it.
"""

from __future__ import annotations

from rshell.core import containers
from rshell.core.compose import nodes
from rshell.core.compose.nodes import Wrong
from rshell.core.containers import Containers
from rshell.core.parts import amounts
from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from rshell.core.compose.nodes import Node

    Made = dict[str, Any]
    Key = Callable[["World", Node, str], Made]


class World(Value):
    """What a service is judged in: the policy, whose it will be, and what else the file has.

    volumes: by their key the name on the host, and whether it is the project's own. networks: the same.
    """

    allowed: Containers
    owner: int
    services: tuple[str, ...]
    volumes: Mapping[str, tuple[str, bool]]
    networks: Mapping[str, tuple[str, bool]]
    configs: tuple[str, ...]


def judged(allowed: Containers, field: str, value: str, node: Node, path: str) -> None:
    """Hold a value against what `containers` allows for an option of docker run. Raises Wrong."""
    expected = containers.judge(allowed, field, value)
    if expected:
        raise Wrong(node, path, f"'{value}' is not allowed", f"allowed: {expected}")


def text_of(field: str) -> Key:
    """A text that an option of docker run takes too."""

    def made(world: World, node: Node, path: str) -> Made:
        value = nodes.text(node, path)
        judged(world.allowed, field, value, node, path)
        return {path.rpartition(".")[2]: value}

    return made


def number_of(field: str) -> Key:
    """A number that an option of docker run takes too."""

    def made(world: World, node: Node, path: str) -> Made:
        value = nodes.text(node, path)
        judged(world.allowed, field, value, node, path)
        return {path.rpartition(".")[2]: int(value)}

    return made


def size_of(field: str) -> Key:
    """A size that an option of docker run takes too, written out in bytes."""

    def made(world: World, node: Node, path: str) -> Made:
        value = nodes.text(node, path)
        judged(world.allowed, field, value, node, path)
        return {path.rpartition(".")[2]: amounts.size(value)}

    return made


def flag(world: World, node: Node, path: str) -> Made:
    """A switch."""
    return {path.rpartition(".")[2]: nodes.flag(node, path)}


def listed(field: str) -> Key:
    """A list of texts that an option of docker run takes one by one."""

    def made(world: World, node: Node, path: str) -> Made:
        found = []
        for item, place in nodes.items(node, path):
            value = nodes.text(item, place)
            judged(world.allowed, field, value, item, place)
            found.append(value)
        return {path.rpartition(".")[2]: found}

    return made


def one_of(*words: str) -> Key:
    """One of a few words."""

    def made(world: World, node: Node, path: str) -> Made:
        value = nodes.text(node, path)
        if value not in words:
            raise Wrong(node, path, f"'{value}' is not allowed", f"allowed: {' '.join(words)}")
        return {path.rpartition(".")[2]: value}

    return made


def duration(world: World, node: Node, path: str) -> Made:
    """A duration of a health check, such as 1m30s."""
    value, key = nodes.text(node, path), path.rpartition(".")[2]
    judged(world.allowed, f"health-{key.replace('_', '-')}", value, node, path)
    return {key: value}


def words(world: World, node: Node, path: str) -> Made:
    """A command: text that compose splits into words, or a list of them. It runs inside the container."""
    if nodes.is_null(node):
        return {}
    if node.kind == "list":
        return {path.rpartition(".")[2]: nodes.texts(node, path)}
    return {path.rpartition(".")[2]: nodes.text(node, path)}


def assigned(field: str) -> Key:
    """NAME=VALUE, as a list or as a mapping."""

    def made(world: World, node: Node, path: str) -> Made:
        return {path.rpartition(".")[2]: assignments(world.allowed, field, node, path)}

    return made


def assignments(allowed: Containers, field: str, node: Node, path: str) -> dict[str, str]:
    """Read NAME=VALUE, as a list or as a mapping; each name once. Raises Wrong."""
    found: dict[str, str] = {}
    for text, at, place in _spelled(node, path):
        if field == "env" and "=" not in text:
            raise Wrong(at, place, "has no value", f"write {text}=VALUE; none is taken from here", True)
        judged(allowed, field, text, at, place)
        name, equals, value = text.partition("=")
        if name in found:
            raise Wrong(at, place, f"names {name} twice", "say it once", True)
        found[name] = value if equals else ""
    return found


def _spelled(node: Node, path: str) -> list[tuple[str, Node, str]]:
    """Return each NAME=VALUE with its node and path. SECURITY: a name without a value would take it from us."""
    if node.kind == "list":
        return [(nodes.text(item, place), item, place) for item, place in nodes.items(node, path)]
    found = []
    for name, at, value, place in nodes.entries(node, path):
        if nodes.is_null(value):
            raise Wrong(at, place, "has no value", 'write one, none is taken from here; "" is an empty one', True)
        if "=" in name:
            raise Wrong(at, place, "has a = in its name", "", True)
        found.append((f"{name}={nodes.text(value, place)}", value, place))
    return found
