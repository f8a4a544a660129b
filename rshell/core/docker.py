"""Docker's own rules: images, what is put into every container, what only the Engine knows."""

from __future__ import annotations

from rshell import say
from rshell.core import containers
from rshell.core.containers import OWNER_LABEL, PROJECT_LABEL
from rshell.core.model import Argument, Need
from rshell.core.parts import images
from rshell.core.rules import RUN, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rshell.core.model import Grammar, Invocation, Rule
    from rshell.core.rules import Case

PULL, BUILD = "docker pull", "docker build"
FORCED = ("security-opt",)  # ours alone: what the user wrote of it is the same
NOWHERE = (0, 0)


def finish(case: Case, shape: Grammar, rule: Rule, invocation: Invocation) -> Invocation:
    """Judge what is docker's own in an invocation, and put in what every container gets. Raises Refused."""
    if shape.name in (RUN, PULL):
        invocation = _image(case, shape, rule, invocation)
    if shape.name == BUILD:
        from rshell.core.build import options

        return options.finish(case, shape, rule, invocation)
    return _container(case, shape, rule, invocation) if shape.name == RUN else invocation


def _image(case: Case, shape: Grammar, rule: Rule, invocation: Invocation) -> Invocation:
    """Judge the image, and write its tag out. SECURITY: without one docker may take it for a local id."""
    reference = invocation.operands[0]
    expected = containers.image(case.policy.sections["containers"], reference.text)
    if expected:
        raise Refused(say.refuse(
            "operand-denied", line=case.line, at=reference.span, command=shape.name, value=reference.text,
            expected=expected, rule=rule,
        ))  # fmt: skip
    read = images.parse(reference.text)
    if read is None or read.tag or read.digest:
        return invocation
    return invocation.but(operands=(reference.but(text=reference.text + ":latest"), *invocation.operands[1:]))


def _container(case: Case, shape: Grammar, rule: Rule, invocation: Invocation) -> Invocation:
    given = {argument.name: argument for argument in invocation.arguments}
    _default_network(case, shape, rule, given)
    if "user" not in given and containers.must_name_user(case.policy.sections["containers"]):
        from rshell.core import deny

        raise Refused(deny.no_user(case, shape, rule, case.policy.sections["containers"]))
    if not containers.SPLIT.isdisjoint(given):
        from rshell.core.parts import options

        invocation = options.rewritten(case, shape.name, rule, invocation)
    terminal = given.get("tty")
    needed = terminal is not None and terminal.value is None and not is_detached(invocation)
    if terminal is not None and needed and not case.context.terminal:
        raise Refused(say.refuse(
            "no-terminal", line=case.line, at=terminal.span, command=shape.name, rule=rule,
            tries=_without_tty(case, terminal),
        ))  # fmt: skip
    kept = tuple(argument for argument in invocation.arguments if argument.name not in FORCED)
    _check_swap(case, shape, rule, given)
    limits = containers.defaults(case.policy.sections["containers"], given)
    # SECURITY: after what the user wrote: of two labels of one name docker takes the last. An image has labels too;
    # without one of ours its own would make the container a part of somebody's compose project.
    labels = (f"{PROJECT_LABEL}=", f"{OWNER_LABEL}={case.context.uid}")
    forced = [*limits, ("security-opt", "no-new-privileges"), *(("label", label) for label in labels)]
    return invocation.but(arguments=(*kept, *(Argument(name, value, NOWHERE) for name, value in forced)))


def _default_network(case: Case, shape: Grammar, rule: Rule, given: Mapping[str, Argument]) -> None:
    """A container that names no network is on docker's own, which has to be allowed then."""
    allowed = case.policy.sections["containers"]
    if "network" not in given and containers.judge(allowed, "network", containers.DEFAULT_NETWORK):
        from rshell.core import deny

        raise Refused(deny.no_network(case, shape, rule, allowed))


def _check_swap(case: Case, shape: Grammar, rule: Rule, given: Mapping[str, Argument]) -> None:
    """What --memory-swap may be depends on the memory. Raises Refused."""
    swap = given.get("memory-swap")
    if swap is None:
        return
    memory = given["memory"].value or "" if "memory" in given else ""
    expected = containers.swap(case.policy.sections["containers"], memory, swap.value or "")
    if expected:
        from rshell.core import deny

        raise Refused(deny.judged(case, shape.name, swap, expected, rule))


def is_detached(invocation: Invocation) -> bool:
    """Tell whether `run` leaves its container in the background."""
    given = [argument for argument in invocation.arguments if argument.name == "detach"]
    return bool(given) and given[-1].value is None


def _without_tty(case: Case, argument: Argument) -> tuple[str, ...]:
    start, end = argument.span
    cluster = case.line[start:end]
    rest = cluster.replace("t", "", 1) if not cluster.startswith("--") else ""
    rest = "" if rest == "-" else rest
    return (f"{case.line[:start].rstrip()} {rest}".rstrip() + case.line[end:],)


def needs(command: str, invocation: Invocation) -> tuple[Need, ...]:
    """Return what must be looked up before a docker command starts.

    Of a container, what stands behind its mounts; one in the foreground is labelled, so that it can be
    found when its client had to be killed.
    """
    if command != RUN:
        return invocation.needs
    found = [Need(kind, names) for kind, names in _sources(invocation).items() if names]
    if not is_detached(invocation):
        found.append(Need("run-id", ("container",)))
    return tuple(found)


def _sources(invocation: Invocation) -> dict[str, tuple[str, ...]]:
    """Return the volumes and the paths of the host that the mounts name, as parts/options.py wrote them."""
    found: dict[str, dict[str, None]] = {"volume": {}, "path": {}}
    for argument in invocation.arguments:
        if argument.name == "mount":
            kind, source = (argument.value or "").split(",")[:2]
            if source.startswith("source="):
                check = "path" if kind == "type=bind" else "volume"
                found[check][source.removeprefix("source=")] = None
    return {check: tuple(names) for check, names in found.items()}
