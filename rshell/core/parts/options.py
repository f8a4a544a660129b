"""The options of docker run whose values docker splits further: judged part by part, and written anew."""

from __future__ import annotations

from rshell.core import containers
from rshell.core.model import Argument
from rshell.core.parts.fields import Wrong
from rshell.core.rules import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.containers import Containers
    from rshell.core.model import Invocation, Rule
    from rshell.core.parts.mounts import Mount
    from rshell.core.parts.ports import Port
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
        self.once: set[str] = set()  # options that count once

    def first(self, argument: Argument, expected: str) -> None:
        """Take note of an option that may stand once. Raises Wrong when it does not."""
        if argument.name in self.once:
            raise Wrong("", expected)
        self.once.add(argument.name)


def _mount(container: _Container, argument: Argument) -> Argument:
    from rshell.core.parts import mounts

    mount = mounts.read(container.allowed, argument.name, argument.value or "")
    mounts.judge(container.allowed, mount)
    container.mounts.append(mount)
    mounts.together(container.mounts)
    return Argument(*mounts.spell(mounts.bounded(container.allowed, mount)), argument.span)


def _port(container: _Container, argument: Argument) -> Argument:
    from rshell.core.parts import ports

    port = ports.read(argument.value or "")
    ports.judge(container.allowed, port)
    container.ports.append(port)
    ports.together(container.ports)
    return argument.but(value=ports.spell(port))


def _gpus(container: _Container, argument: Argument) -> Argument:
    from rshell.core.parts import gpus

    asked = gpus.read(argument.value or "")
    gpus.judge(container.allowed, asked)
    container.first(argument, "all GPUs in one --gpus")
    return argument.but(value=gpus.spell(asked))


def _network(container: _Container, argument: Argument) -> Argument:
    """SECURITY: only a plain name; `name=host` and `container:web` are forms of docker's own. Of two, old dockers
    take the last and new ones both."""
    name = argument.value or ""
    expected = containers.judge(container.allowed, "network", name)
    if expected:
        raise Wrong("", expected, containers.network_like(container.allowed, name))
    container.first(argument, "one network")
    return argument


_SPLIT = {"volume": _mount, "mount": _mount, "tmpfs": _mount, "publish": _port, "gpus": _gpus, "network": _network}
