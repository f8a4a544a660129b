"""What is known of a line before its first command: the compose file in a here-document is there to be read."""

from __future__ import annotations

from rshell.core.explain import stages
from rshell.core.model import Exec, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Context, Permit, Policy

CHECK = "compose-model"


def foresee(policy: Policy, permit: Permit, context: Context) -> Refusal | None:
    """Refuse a permitted line for a compose file in it, before anything of it runs; None if there is no reason.

    It is judged again just before it runs, where that is decided; here nothing is looked up.
    """
    for stage in stages(permit):
        if isinstance(stage, Exec) and stage.text is not None:
            for need in stage.needs:
                if need.check == CHECK:
                    refusal = _file(policy, stage.but(needs=(need,)), context)
                    if refusal is not None:
                        return refusal if refusal.sent else refusal.but(line=permit.line, at=stage.span)
    return None


def _file(policy: Policy, command: Exec, context: Context) -> Refusal | None:
    from rshell.core.settle import settle
    from rshell.host.stacks import of_text

    (need,) = command.needs
    settled = settle(policy, command, {need: (of_text(command.text or ""),)}, context)
    return settled.but(rule=command.rule, source=command.source) if isinstance(settled, Refusal) else None
