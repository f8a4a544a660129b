"""The last word on one command, just before it starts, with the facts that `look` found. Pure."""

from __future__ import annotations

from rshell import say
from rshell.core import grammar
from rshell.core.containers import RUN_LABEL
from rshell.core.docker import OBJECT_TYPES
from rshell.core.model import Argument, Exec, Invocation, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rshell.core.model import Context, Need, Policy


def settle(policy: Policy, command: Exec, facts: Mapping[Need, tuple[Any, ...]], context: Context) -> Exec | Refusal:
    """Hold a permitted command against the facts it needs.

    facts: for each Need of the command its answers, one for each subject. context: who asks.
    Returns the command with its final argv, or a Refusal. A Need without facts is a Refusal. What is
    settled may raise further questions: then the command returned has needs again.
    """
    asked, command = command.needs, command.but(needs=())
    for need in asked:
        found = facts.get(need)
        if found is None or len(found) != len(need.subjects):
            return unknown(command, need)
        settled = _SETTLERS[need.check](policy, context, command, need, found)
        if isinstance(settled, Refusal):
            return settled
        command = settled
    return command


def unknown(command: Exec, need: Need) -> Refusal:
    """Refuse a command because of what is not known."""
    return say.refuse("no-facts", at=command.span, command=command.name, need=need.check)


def rewritten(policy: Policy, command: Exec, invocation: Invocation) -> Exec:
    """Return the command with another invocation, and the argv that says it."""
    shape = policy.commands[command.command].grammar
    assert shape is not None  # noqa: S101 - only what a grammar has read has an invocation
    return command.but(argv=grammar.write(shape, command.before, invocation), invocation=invocation)


def _object_type(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[str, ...]) -> Exec | Refusal:
    """Write --type for `docker inspect`, so that docker looks at nothing else."""
    kinds = {kind for kind in found if kind}
    if len(kinds) > 1:
        return say.refuse("mixed-types", at=command.span, command=command.name)
    kind = kinds.pop() if kinds else OBJECT_TYPES[0]  # nothing found: let docker say so
    if kind not in OBJECT_TYPES or command.invocation is None:
        return unknown(command, need)
    invocation = command.invocation.but(arguments=(*command.invocation.arguments, Argument("type", kind, command.span)))
    return rewritten(policy, command, invocation)


def _run_id(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[str, ...]) -> Exec | Refusal:
    """Label a container in the foreground, so that it can be found if its client has to be killed."""
    if command.invocation is None:
        return unknown(command, need)
    label = f"{RUN_LABEL}={found[0]}"
    invocation = command.invocation.but(
        arguments=(*command.invocation.arguments, Argument("label", label, command.span))
    )
    return rewritten(policy, command, invocation).but(leaves=label)


def _stack(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    """Settle what a line of docker compose needs."""
    from rshell.core import stacks

    return stacks.SETTLERS[need.check](policy, context, command, need, found)


def _volume(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    from rshell.core import sources

    return sources.volumes(policy, context, command, need, found)


def _path(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    from rshell.core import sources

    return sources.paths(policy, context, command, need, found)


def _build(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    from rshell.core import build

    return build.settle(policy, context, command, need, found)


_SETTLERS = {
    "object-type": _object_type, "run-id": _run_id, "volume": _volume, "path": _path,
    "compose-file": _stack, "compose-own": _stack, "compose-project": _stack,
    "dockerfile": _build, "build-context": _build,
}  # fmt: skip
