"""The `compose` part of `containers`: which projects there may be, and the operator's own."""

from __future__ import annotations

from rshell.core import containers, values
from rshell.core.compose.stacks import VERBS
from rshell.core.parts import mounts
from rshell.policy.forms import read_forms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rshell.policy.tree import Node, Reader

COMPOSE = ("stdin", "default", "projects")
PROJECT = ("directory", "verbs", "services", "run", "environment")


def read_compose(reader: Reader, node: Node) -> dict[str, Any]:
    """Read `compose`. Returns the fields of Containers that it fills."""
    keys = reader.mapping(node, COMPOSE)
    made: dict[str, Any] = {}
    if "stdin" in keys:
        inner = reader.mapping(keys["stdin"], ("projects",), ("projects",))
        made["projects"] = reader.texts(inner["projects"]) if "projects" in inner else ()
    if "projects" in keys:
        pairs = reader.pairs(keys["projects"])
        made["stacks"] = tuple(_project(reader, key, inner, made.get("projects", ())) for key, inner in pairs)
    if "default" in keys:
        made["project"] = reader.text(keys["default"])
        known = [stack[0] for stack in made.get("stacks", ())]
        if made["project"] not in known and not containers.any_matches(made.get("projects", ()), made["project"]):
            reader.error(keys["default"], f"`{made['project']}` is none of the projects listed here")
    return made


def _project(reader: Reader, key: Node, node: Node, sent: tuple[str, ...]) -> tuple[object, ...]:
    """Read one project of the operator's: the fields of stacks.Stack."""
    name = key.text
    if not values.fits(("project",), name):
        reader.error(key, f"`{name}`: expected {values.describe(('project',))}")
    if containers.any_matches(sent, name):
        # SECURITY: whoever may send a file for it could replace what the operator runs
        reader.error(key, f"`{name}` may also be sent on stdin: expected one or the other")
    keys = reader.mapping(node, PROJECT, ("directory", "verbs"))
    directory = reader.text(keys["directory"]) if "directory" in keys else ""
    if directory and (not mounts.is_clean(directory) or directory.endswith("/")):
        reader.error(keys["directory"], f"`{directory}`: expected {mounts.SOURCE}")
    verbs = reader.texts(keys["verbs"]) if "verbs" in keys else ()
    for verb in verbs:
        if verb not in VERBS:
            reader.error(keys["verbs"], f"`{verb}`: expected {' '.join(VERBS)}")
    return (
        name, directory, verbs,
        reader.texts(keys["services"]) if "services" in keys else (),
        _run(reader, keys["run"]) if "run" in keys else (),
        reader.texts(keys["environment"]) if "environment" in keys else (),
    )  # fmt: skip


def _run(reader: Reader, node: Node) -> tuple[tuple[str, tuple[object, ...]], ...]:
    """Read `{bench: ["", "bench.py {1..9}"]}`: for each service the words that `run` may give it."""
    made = []
    for key, value in reader.pairs(node):
        made.append((key.text, read_forms(reader, value, empty=True)))
        if value.kind == "list" and not value.items:
            reader.error(value, f'nothing is listed for `{key.text}`: write "" for a run without words')
    return tuple(made)
