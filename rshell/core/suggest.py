"""The nearest thing that is allowed: every suggestion has been through `judge` before it is shown."""

from __future__ import annotations

from rshell.core.decide import judge
from rshell.core.model import Permit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Context, Policy, Refusal

MAX_SUGGESTION = 300  # characters


def complete(policy: Policy, refusal: Refusal, context: Context) -> Refusal:
    """Give a refusal its `instead`: the first of its `tries` that is permitted, or none.

    A try that is refused for one more thing is mended once, so that `logs -f` may lose an option and
    gain another.
    """
    for line in refusal.tries:
        if len(line) <= MAX_SUGGESTION and _permitted(policy, line, context):
            return refusal.but(instead=line, tries=())
    for line in refusal.tries:
        second = judge(policy, line, context)
        for again in () if isinstance(second, Permit) else second.tries:
            if len(again) <= MAX_SUGGESTION and _permitted(policy, again, context):
                return refusal.but(instead=again, tries=())
    return refusal.but(tries=())


def _permitted(policy: Policy, line: str, context: Context) -> bool:
    return "{" not in line.replace("{{", "") and isinstance(judge(policy, line, context), Permit)
