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


def _things(command: Exec, need: Need, place: Place) -> tuple[Any, ...]:
    """Look up objects of the Engine."""
    from rshell.host import things

    return things.look(command, need, place)


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


_LOOKERS: dict[str, Callable[[Exec, Need, Place], tuple[Any, ...]]] = {
    "run-id": _run_id,
    "volume": _volume,
    "path": _path,
    "own-containers": _things,
    **dict.fromkeys(("volume-kept", "network-kept", "image-kept", "image-pulled"), _things),
    **dict.fromkeys(("compose-model", "compose-own", "compose-project"), _stack),
    **dict.fromkeys(("dockerfile", "build-context"), _build),
    "image-tags": _things,
    **{f"{kind}-{what}": _things for kind in ("container", "project") for what in ("id", "owner", "mounts")},
    **{f"{kind}-id": _things for kind in ("object", "image", "volume", "network")},
}
