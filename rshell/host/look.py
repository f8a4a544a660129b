"""Answer the needs of a permitted command, as the identity that will run it."""

from __future__ import annotations

from rshell.core.value import Value
from rshell.host.engine import Engine, Silent
from rshell.lean import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from rshell.core.model import Exec, Need

    Ready = Callable[[int, int, float], bool]

SOCKET = "unix://"


class Place(Value):
    """Where a command is looked up for: the Engine it talks to, its stdin, how to wait for either."""

    engine: Engine
    stdin: int
    ready: Ready
    user: str = ""  # the account that asks: what it may not read is not read for it


def look(command: Exec, ready: Ready, stdin: int, user: str = "") -> Mapping[Need, tuple[Any, ...]]:
    """Look up what a command needs. A question without an answer is left out; settle refuses then.

    ready: waits for a descriptor, see Lifeline.ready. stdin: descriptor of what the command would read.
    user: see Place.
    """
    engine = Engine(dict(command.environment).get("DOCKER_HOST", "").removeprefix(SOCKET), ready)
    place = Place(engine, stdin, ready, user)
    facts: dict[Need, tuple[Any, ...]] = {}
    for need in command.needs:
        try:
            facts[need] = _LOOKERS[need.check](command, need, place)
        except Silent:
            continue
    return facts


def _object_type(command: Exec, need: Need, place: Place) -> tuple[str, ...]:
    """Say of each name whether it is a container or an image, in docker's own order; '' for neither."""
    engine = place.engine
    found = []
    for name in need.subjects:
        if engine.container(name) is not None:
            found.append("container")
        else:
            found.append("image" if engine.image(name) is not None else "")
    return tuple(found)


def _run_id(command: Exec, need: Need, place: Place) -> tuple[str, ...]:
    """Make a name that no other run has."""
    return (os.urandom(8).hex(),)


def _stack(command: Exec, need: Need, place: Place) -> tuple[Any, ...]:
    """Look up what a line of docker compose needs."""
    from rshell.host import stacks

    return stacks.LOOKERS[need.check](command, need, place)


def _volume(command: Exec, need: Need, place: Place) -> tuple[Any, ...]:
    from rshell.host import sources

    return sources.volumes(need, place)


def _path(command: Exec, need: Need, place: Place) -> tuple[Any, ...]:
    from rshell.host import sources

    return sources.paths(need)


def _build(command: Exec, need: Need, place: Place) -> tuple[Any, ...]:
    from rshell.host import build

    return build.look(command, need, place)


_LOOKERS = {
    "object-type": _object_type, "run-id": _run_id, "volume": _volume, "path": _path,
    "compose-file": _stack, "compose-own": _stack, "compose-project": _stack,
    "dockerfile": _build, "build-context": _build,
}  # fmt: skip
