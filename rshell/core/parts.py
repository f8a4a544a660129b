"""The options of docker run whose values docker splits further: judged part by part, and written anew."""

from __future__ import annotations

from rshell.core import containers
from rshell.core.fields import Wrong
from rshell.core.model import Argument
from rshell.core.rules import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.containers import Containers
    from rshell.core.model import Invocation, Rule
    from rshell.core.mounts import Mount
    from rshell.core.ports import Port
    from rshell.core.rules import Case


def rewritten(case: Case, command: str, rule: Rule, invocation: Invocation) -> Invocation:
    """Judge what is mounted, published and handed in, and write it in the one spelling. Raises Refused."""
    container = _Container(case.policy.sections["containers"])
    made = []
    for argument in invocation.arguments:
        split = _SPLIT.get(argument.name)
        try:
            made.append(argument if split is None else split(container, argument))
        except Wrong as wrong:
            from rshell.core import deny

            raise Refused(deny.part(case, command, argument, wrong, rule)) from None
    return invocation.but(arguments=tuple(made))


class _Container:
    """What one container was given so far, as far as the parts have to fit each other."""

    def __init__(self, allowed: Containers) -> None:
        self.allowed = allowed
        self.mounts: list[Mount] = []
        self.ports: list[Port] = []
        self.networks = 0


def _mount(container: _Container, argument: Argument) -> Argument:
    from rshell.core import mounts

    read = {"volume": mounts.from_volume, "mount": mounts.from_mount, "tmpfs": mounts.from_tmpfs}[argument.name]
    mount = read(argument.value or "")
    mounts.judge(container.allowed, mount)
    container.mounts.append(mount)
    mounts.together(container.mounts)
    return Argument(*mounts.spell(mounts.bounded(container.allowed, mount)), argument.span)


def _port(container: _Container, argument: Argument) -> Argument:
    from rshell.core import ports

    port = ports.read(argument.value or "")
    ports.judge(container.allowed, port)
    container.ports.append(port)
    ports.together(container.ports)
    return argument.but(value=ports.spell(port))


def _gpus(container: _Container, argument: Argument) -> Argument:
    from rshell.core import gpus

    asked = gpus.read(argument.value or "")
    gpus.judge(container.allowed, asked)
    return argument.but(value=gpus.spell(asked))


def _network(container: _Container, argument: Argument) -> Argument:
    """SECURITY: only a plain name; `name=host` and `container:web` are forms of docker's own. Of two, old dockers
    take the last and new ones both."""
    container.networks += 1
    expected = containers.judge(container.allowed, "network", argument.value or "")
    if expected or container.networks > 1:
        raise Wrong("", expected or "one network", containers.network_like(container.allowed, argument.value or ""))
    return argument


_SPLIT = {"volume": _mount, "mount": _mount, "tmpfs": _mount, "publish": _port, "gpus": _gpus, "network": _network}
