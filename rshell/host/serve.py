"""The far side of the boundary: the same decision again from the raw words, then look and settle.

In direct mode it runs in the same process; the gate runs it as another identity.
"""

from __future__ import annotations

from rshell.core.model import Exec, Refusal
from rshell.core.words import decide_words
from rshell.lean import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from rshell.core.model import Context, Need, Policy
    from rshell.host.lifeline import Child
    from rshell.host.protocol import Request

    Ready = Callable[[int, int, float], bool]

ROUNDS = 3


def serve(policy: Policy, request: Request, context: Context, ready: Ready, stdin: int) -> Exec | Refusal:
    """Turn a request into the process to start, or refuse it.

    ready: waits for a descriptor while somebody still listens, see Lifeline.ready. stdin: descriptor of
    what the command would read.
    SECURITY: nothing of the front's decision is believed, only its words.
    """
    decided = decide_words(policy, request.words, request.text, context.but(terminal=request.terminal))
    if isinstance(decided, Refusal):
        return decided
    if request.timeout:
        decided = decided.but(timeout=min(request.timeout, decided.timeout))
    return _settled(policy, decided, context, ready, stdin) if decided.needs else decided


def _settled(policy: Policy, command: Exec, context: Context, ready: Ready, stdin: int) -> Exec | Refusal:
    """Look and settle, and again where an answer raises further questions: a compose file names volumes."""
    from rshell.core.settle import settle, unknown
    from rshell.host.look import look

    for _ in range(ROUNDS):
        facts = look(command, ready, stdin, context.user)
        settled = settle(policy, command, facts, context)
        if isinstance(settled, Refusal):
            _forget(facts)
            return _suggested(policy, settled, context)
        if not settled.needs:
            return settled
        command = settled
    return unknown(command, command.needs[0])


def _forget(facts: Mapping[Need, tuple[Any, ...]]) -> None:
    """Close what was opened for a command that will not start."""
    for fact in (one for found in facts.values() for one in found):
        descriptor = getattr(fact, "stdin", -1)
        if descriptor >= 0:
            os.close(descriptor)


def _suggested(policy: Policy, refusal: Refusal, context: Context) -> Refusal:
    """Fill in what may do instead, if there is something."""
    if not refusal.tries:
        return refusal
    from rshell.core import suggest

    return suggest.complete(policy, refusal, context)


def clear_up(command: Exec, child: Child | None, reason: str) -> tuple[str, ...]:
    """Stop the container that a killed `docker run` left running; return its id.

    child: the process, if there was one. reason: why it was ended, '' if it was not.
    """
    if not command.leaves:
        return ()
    from rshell.host import leftover

    return leftover.stop(command, child, reason)
