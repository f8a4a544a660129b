"""The last word on one command, just before it starts, with the facts that `look` found. Pure."""

from __future__ import annotations

from rshell import say
from rshell.core import grammar
from rshell.core.containers import RUN_LABEL
from rshell.core.docker import OBJECT_TYPES
from rshell.core.model import Argument, Exec, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rshell.core.model import Need, Policy


def settle(policy: Policy, command: Exec, facts: Mapping[Need, tuple[str, ...]], line: str = "") -> Exec | Refusal:
    """Hold a permitted command against the facts it needs.

    facts: for each Need of the command its answers, one for each subject.
    Returns the command with its final argv, or a Refusal. A Need without facts is a Refusal.
    """
    for need in command.needs:
        found = facts.get(need)
        if found is None or len(found) != len(need.subjects):
            return say.refuse("no-facts", line=line, at=command.span, command=command.name, need=need.check)
        settled = _SETTLERS[need.check](policy, command, need, found, line)
        if isinstance(settled, Refusal):
            return settled
        command = settled
    return command.but(needs=())


def _object_type(policy: Policy, command: Exec, need: Need, found: tuple[str, ...], line: str) -> Exec | Refusal:
    """Write --type for `docker inspect`, so that docker looks at nothing else."""
    kinds = {kind for kind in found if kind}
    if len(kinds) > 1:
        return say.refuse("mixed-types", line=line, at=command.span, command=command.name)
    kind = kinds.pop() if kinds else OBJECT_TYPES[0]  # nothing found: let docker say so
    shape = policy.commands[command.command].grammar
    if kind not in OBJECT_TYPES or shape is None or command.invocation is None:
        return say.refuse("no-facts", line=line, at=command.span, command=command.name, need=need.check)
    invocation = command.invocation.but(arguments=(*command.invocation.arguments, Argument("type", kind, command.span)))
    return command.but(argv=grammar.write(shape, command.before, invocation), invocation=invocation)


def _run_id(policy: Policy, command: Exec, need: Need, found: tuple[str, ...], line: str) -> Exec | Refusal:
    """Label a container in the foreground, so that it can be found if its client has to be killed."""
    shape = policy.commands[command.command].grammar
    if shape is None or command.invocation is None:
        return say.refuse("no-facts", line=line, at=command.span, command=command.name, need=need.check)
    label = f"{RUN_LABEL}={found[0]}"
    invocation = command.invocation.but(
        arguments=(*command.invocation.arguments, Argument("label", label, command.span))
    )
    return command.but(argv=grammar.write(shape, command.before, invocation), invocation=invocation, leaves=label)


_SETTLERS = {"object-type": _object_type, "run-id": _run_id}
