"""A foreground `docker run` whose client was ended may leave its container running: find it and stop it."""

from __future__ import annotations

from rshell.host import process
from rshell.host.channel import ready
from rshell.host.engine import Engine, Silent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Exec
    from rshell.host.lifeline import Child

SOCKET = "unix://"
GRACE = 1  # seconds between TERM and KILL inside the container; it had a TERM by its client already
PATIENCE = 15.0  # seconds for docker to stop it


def stop(command: Exec, child: Child | None, reason: str) -> tuple[str, ...]:
    """Stop what a command left running when it did not end by itself; return the ids, those too that go on.

    command: as it was started. child: its process. reason: why it was ended, '' if it was not.
    """
    by_signal = child is not None and (child.status or 0) > 128
    if not command.leaves or child is None or not (reason or child.expired or by_signal):
        return ()
    engine = Engine(dict(command.environment).get("DOCKER_HOST", "").removeprefix(SOCKET), ready)
    try:
        found = engine.running_with(command.leaves)
    except Silent:
        return (command.leaves,)  # it can't be looked for: its label names it
    if not found:
        return ()
    try:
        argv = (command.argv[0], "container", "stop", f"-t={GRACE}", *found)
        null = process.null()
        process.start(command.but(argv=argv, text=None), (null, null, null), 0, -1, null).finish(PATIENCE)
    except OSError:  # no process can be made: the record names what goes on
        return found
    return found
