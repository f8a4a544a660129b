"""Docker's own rules: what about a docker command only the Engine knows."""

from __future__ import annotations

from rshell.core.model import Need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Invocation

INSPECT = "docker inspect"
OBJECT_TYPES = ("container", "image")


def needs(command: str, invocation: Invocation | None) -> tuple[Need, ...]:
    """Return what must be looked up before a docker command starts.

    `docker inspect NAME` tries containers, images, networks, volumes, secrets and plugins in turn
    (docker/cli cli/command/system/inspect.go); without --type, which of the two allowed kinds NAME is
    has to be asked.
    """
    if command != INSPECT or invocation is None:
        return ()
    if any(argument.name == "type" for argument in invocation.arguments):
        return ()
    return (Need("object-type", tuple(word.text for word in invocation.operands)),)
