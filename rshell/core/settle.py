"""The last word on one command, just before it starts, with the facts that `look` found. Pure."""

from __future__ import annotations

from rshell import say
from rshell.core import grammar
from rshell.core.containers import RUN_LABEL
from rshell.core.model import Argument, Exec, Invocation, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from rshell.core.model import Context, Need, Policy

    Settler = Callable[[Policy, Context, Exec, Need, tuple[Any, ...]], Exec | Refusal]


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


def _run_id(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[str, ...]) -> Exec | Refusal:
    """Label a container in the foreground, so that it can be found if its client has to be killed."""
    if command.invocation is None:
        return unknown(command, need)
    label = f"{RUN_LABEL}={found[0]}"
    invocation = command.invocation.but(
        arguments=(*command.invocation.arguments, Argument("label", label, command.span))
    )
    return rewritten(policy, command, invocation).but(leaves=label)


def _later(name: str) -> Settler:
    """Settle by a function of resolved.py, which only commands with objects need."""

    def settler(
        policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]
    ) -> Exec | Refusal:  # fmt: skip
        from rshell.core.objects import resolved

        settled: Exec | Refusal = getattr(resolved, name)(policy, context, command, need, found)
        return settled

    return settler


def _stack(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    """Settle what a line of docker compose needs."""
    from rshell.core.compose import stacks

    return stacks.SETTLERS[need.check](policy, context, command, need, found)


def _volume(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    from rshell.core.parts import sources

    return sources.volumes(policy, context, command, need, found)


def _path(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    from rshell.core.parts import sources

    return sources.paths(policy, context, command, need, found)


def _build(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    from rshell.core.build import options

    return options.settle(policy, context, command, need, found)


def _tags(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    from rshell.core.build import options

    return options.tags(policy, context, command, need, found)


_SETTLERS: dict[str, Settler] = {
    "run-id": _run_id,
    "volume": _volume,
    "path": _path,
    "own-containers": _later("own"),
    **dict.fromkeys(("volume-kept", "network-kept", "image-kept", "image-pulled"), _later("kept")),
    **dict.fromkeys(("compose-model", "compose-own", "compose-project"), _stack),
    **dict.fromkeys(("dockerfile", "build-context"), _build),
    "image-tags": _tags,
    **{f"project-{what}": _later("project") for what in ("id", "owner", "mounts")},
    **{f"container-{what}": _later("operands") for what in ("id", "owner", "mounts")},
    **{f"{kind}-id": _later("operands") for kind in ("object", "image", "volume", "network")},
}
