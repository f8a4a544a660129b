"""A compose file to the model that runs: every key from a closed list, every service judged as a container.

What is returned is all that docker compose ever sees: the user's file stays here. Source: the compose
specification; compose-go loader/normalize.go for the names that a project's volumes and networks get.
"""

from __future__ import annotations

from rshell.core import containers, values
from rshell.core.compose import keys, nodes, services
from rshell.core.compose.keys import World
from rshell.core.compose.nodes import Wrong
from rshell.core.containers import OWNER_LABEL
from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from rshell.core.compose.nodes import Node
    from rshell.core.containers import Containers

    Made = dict[str, Any]
    Names = Mapping[str, tuple[str, bool]]

TOP = ("configs", "name", "networks", "services", "version", "volumes")
VOLUME = ("driver", "external", "labels", "name")
NETWORK = ("attachable", "driver", "external", "internal", "labels", "name")
CONFIG = ("content",)
BRIDGE = "bridge"
STRANGER = "say external: true, for it is not the project's own; or leave name: out"
MOST_SERVICES = 32
MOST_PARTS = 64  # volumes, networks, and configs at the top: most are looked up one by one
MOST_CONTENT = 64 * 1024  # characters of a config
MOST_MODEL = 1024 * 1024  # characters of what is written: a file with aliases may stand for more than itself


class Model(Value):
    """What is handed to docker compose, and what of it must be looked up on the host.

    volumes: names of all volumes. own: (kind, name) of those, and of the networks, that only this project may have.
    binds: paths on the host. joined: networks of others. images: of the services; pulled: those to be pulled anew.
    """

    project: str
    text: str
    volumes: tuple[str, ...]
    own: tuple[tuple[str, str], ...]
    binds: tuple[str, ...]
    joined: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    pulled: tuple[str, ...] = ()


def model(allowed: Containers, root: Node, project: str, default: str, owner: int) -> Model:
    """Judge a compose file.

    allowed: what the policy says of containers. root: the file. project: what -p says, or ''. default: the
    project of a file that names none, or ''. owner: the uid that its containers are labelled with.
    Returns the model to run. Raises Wrong at the first thing that may not be.
    """
    top = _top(root)
    name = _project(allowed, root, top, project, default)
    volumes, made_volumes = _volumes(allowed, name, top)
    networks, made_networks = _networks(allowed, name, top)
    configs = _configs(top)
    found = dict(_services(root, top))
    world = World(allowed, owner, tuple(found), volumes, networks, tuple(configs))
    made: Made = {service: services.service(world, service, node) for service, node in found.items()}
    used = {network for one in made.values() for network in one.get("networks", ())}
    if "default" in used and "default" not in made_networks:
        _bridge(allowed, top["services"][0], "networks.default")
        _apart(allowed, f"{name}_default", True, top["services"][0], "networks.default")
        made_networks["default"] = {"name": f"{name}_default"}
        networks = {**networks, "default": (f"{name}_default", True)}
    _owned(made_volumes, volumes, owner)
    _owned(made_networks, networks, owner)
    own = [("volume", actual) for actual, ours in volumes.values() if ours]
    own += [("network", actual) for actual, ours in networks.values() if ours]
    binds = {mount["source"] for one in made.values() for mount in one.get("volumes", ()) if mount["type"] == "bind"}
    written = {
        "name": name, "services": made, "networks": made_networks, "volumes": made_volumes, "configs": configs,
    }  # fmt: skip
    text = nodes.as_json({key: value for key, value in written.items() if value})
    if len(text) > MOST_MODEL:
        raise Wrong(root, "it", f"stands for more than {MOST_MODEL} characters", "write less, or share less by aliases")
    joined = [actual for actual, ours in networks.values() if not ours]
    joined += [one["network_mode"] for one in made.values() if "network_mode" in one]
    return Model(
        name, text, tuple(actual for actual, _ in volumes.values()), tuple(own), tuple(sorted(binds)), tuple(joined),
        tuple(one["image"] for one in made.values()),
        tuple(one["image"] for one in made.values() if one.get("pull_policy") == "always"),
    )  # fmt: skip


def _owned(made: Made, names: Names, owner: int) -> None:
    """Say whose the volumes and networks of the project's own are, as of its containers."""
    for key, one in made.items():
        if names[key][1]:
            one["labels"] = {**one.get("labels", {}), OWNER_LABEL: str(owner)}


def _top(root: Node) -> dict[str, tuple[Node, str]]:
    found = {}
    for key, at, value, place in nodes.pairs(root, ""):
        if key not in TOP:
            from rshell.core.compose import unwanted  # only a refusal needs it

            raise Wrong(at, place, "is not allowed", unwanted.why(key, TOP, unwanted.TOP))
        if not nodes.is_null(value):
            found[key] = (value, place)
    return found


def _project(allowed: Containers, root: Node, top: Mapping[str, tuple[Node, str]], project: str, default: str) -> str:
    """Return the project's name: what -p says, else what the file says. SECURITY: both must be allowed."""
    name = project or default
    if "name" in top:
        node, path = top["name"]
        said = nodes.text(node, path)
        expected = containers.judge(allowed, "project-name", said)
        if expected or not values.fits(("project",), said):
            raise Wrong(node, path, f"'{said}' is not allowed", f"allowed: {' '.join(allowed.projects) or 'none'}")
        name = project or said
    if not name:
        raise Wrong(root, "name", "is missing", "write it, or -p NAME", True)
    return name


def _services(root: Node, top: Mapping[str, tuple[Node, str]]) -> list[tuple[str, Node]]:
    if "services" not in top:
        raise Wrong(root, "services", "are missing", "expected services: with a service or more", True)
    found: list[tuple[str, Node]] = []
    for name, at, value, place in nodes.named(*top["services"], "service"):
        if len(found) == MOST_SERVICES:
            raise Wrong(at, place, "is one too many", f"at most {MOST_SERVICES} services")
        found.append((name, value))
    if not found:
        raise Wrong(top["services"][0], "services", "are missing", "expected a service or more", True)
    return found


def _parts(top: Mapping[str, tuple[Node, str]], key: str, kind: str) -> Iterator[tuple[str, Node, Node, str]]:
    """Return the parts below a key at the top, as nodes.named does; so many at most. Raises Wrong."""
    for index, found in enumerate(nodes.named(*top[key], kind) if key in top else ()):
        if index == MOST_PARTS:
            raise Wrong(found[1], found[3], "is one too many", f"at most {MOST_PARTS} {key}")
        yield found


def _volumes(allowed: Containers, project: str, top: Mapping[str, tuple[Node, str]]) -> tuple[Names, Made]:
    """Read the volumes: which name each has on the host, and what compose is told of it."""
    names: dict[str, tuple[str, bool]] = {}
    made: Made = {}
    for key, at, node, place in _parts(top, "volumes", "volume"):
        part = _part(allowed, at, node, place, VOLUME, ("local",))
        name, own, made[key] = _placed(part, project, key)
        if not own and not containers.any_matches(allowed.volumes, name):
            listed = " ".join(allowed.volumes) or "none"
            raise Wrong(at, place, f"is the volume '{name}', which is not allowed", f"allowed: {listed}")
        if not own and not part.get("external"):
            # SECURITY: `down --volumes` removes what it takes for the project's own, by this name
            raise Wrong(at, place, f"is called '{name}'", STRANGER)
        _apart(allowed, name, own, at, place)
        names[key] = (name, own)
    return names, made


def _networks(allowed: Containers, project: str, top: Mapping[str, tuple[Node, str]]) -> tuple[Names, Made]:
    """Read the networks, likewise."""
    names: dict[str, tuple[str, bool]] = {}
    made: Made = {}
    for key, at, node, place in _parts(top, "networks", "network"):
        part = _part(allowed, at, node, place, NETWORK, (BRIDGE,))
        name, own, made[key] = _placed(part, project, key)
        if own:
            _bridge(allowed, at, place)
        elif not part.get("external"):
            # SECURITY: compose would take a network of that name as its own, whoever made it
            raise Wrong(at, place, f"is called '{name}'", STRANGER)
        else:
            keys.judged(allowed, "network", name, at, place)
        _apart(allowed, name, own, at, place)
        names[key] = (name, own)
    return names, made


def _apart(allowed: Containers, name: str, own: bool, node: Node, path: str) -> None:
    """Refuse a name of the project's own that a project of the operator's could come to have. Raises Wrong.

    SECURITY: the volume `x_data` of `lab` is the volume `data` of `lab_x`, which would mount what is laid in it here.
    """
    theirs = [stack[0] for stack in allowed.stacks if own and name.startswith(f"{stack[0]}_")]
    if theirs:
        raise Wrong(node, path, f"is called '{name}', as of the operator's project '{theirs[0]}'", "name it otherwise")


def _bridge(allowed: Containers, node: Node, path: str) -> None:
    """A network of the project's own reaches as far as docker's bridge; so it needs the same leave. Raises Wrong."""
    expected = containers.judge(allowed, "network", BRIDGE)
    if expected:
        raise Wrong(node, path, "is a network of its own, which is not allowed", f"allowed: {expected}")


def _placed(part: Made, project: str, key: str) -> tuple[str, bool, Made]:
    """Return the name on the host, whether it is the project's own, and what compose is told."""
    usual = f"{project}_{key}"
    name = part.get("name", key if part.get("external") else usual)
    return name, name == usual and not part.get("external"), {**part, "name": name}


def _part(
    allowed: Containers, at: Node, node: Node, path: str, known: tuple[str, ...], drivers: tuple[str, ...]
) -> Made:  # fmt: skip
    """Read a volume or a network."""
    if nodes.is_null(node):
        return {}
    said = _known(node, path, known)
    made: Made = {}
    for field in ("external", "internal", "attachable"):
        if field in said and nodes.flag(*said[field]):
            made[field] = True
    if "external" in made and set(said) - {"external", "name"}:
        raise Wrong(at, path, "is external, and says more than its name", "expected external: and name:", True)
    if "name" in said:
        made["name"] = nodes.text(*said["name"])
        if not values.fits(("volume",), made["name"]):
            raise Wrong(*said["name"], "is no name", f"expected {values.describe(('volume',))}", True)
    if "driver" in said and nodes.text(*said["driver"]) not in drivers:
        raise Wrong(*said["driver"], "is not allowed", f"allowed: {' '.join(drivers)}")
    if "labels" in said:
        made["labels"] = keys.assignments(allowed, "label", *said["labels"])
    return made


def _known(node: Node, path: str, known: tuple[str, ...]) -> dict[str, tuple[Node, str]]:
    """Return the values of a part at the top; a key that is not known is refused with its reason."""
    found = {}
    for field, at, value, place in nodes.pairs(node, path):
        if field not in known:
            from rshell.core.compose import unwanted  # only a refusal needs it

            raise Wrong(at, place, "is not allowed", unwanted.why(field, known, unwanted.PART))
        found[field] = (value, place)
    return found


def _configs(top: Mapping[str, tuple[Node, str]]) -> Made:
    """Read the configs. SECURITY: only their text may stand there: no file and no variable of ours."""
    made: Made = {}
    for key, at, node, place in _parts(top, "configs", "name"):
        said = _known(node, place, CONFIG)
        if "content" not in said:
            raise Wrong(at, place, "has no content", "expected content: with the text", True)
        text = nodes.text(*said["content"])
        # SECURITY: compose takes a config without text for a file, and mounts its own directory for it: / (tried)
        if not 0 < len(text) <= MOST_CONTENT:
            raise Wrong(*said["content"], "is not allowed", f"allowed: 1 to {MOST_CONTENT} characters")
        made[key] = {"content": text}
    return made
