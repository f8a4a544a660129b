"""The decision again, on the words of one program: what the gate does with a request. Pure."""

from __future__ import annotations

from rshell import say
from rshell.core import rules
from rshell.core.model import Exec, Refusal, Simple, Word
from rshell.core.rules import Case, Refused
from rshell.core.screen import MAX_LINE, MAX_TEXT, screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rshell.core.model import Context, Policy


def decide_words(policy: Policy, words: Sequence[str], text: str | None, context: Context) -> Exec | Refusal:
    """Decide on one program of the policy, given its words and its here-document.

    Builtins, filters and wrappers never come this way.
    """
    spelled = [say.quote(word) for word in words]
    spans, here = [], 0
    for word in spelled:
        spans.append((here, here + len(word)))
        here += len(word) + 1
    # the front counted what was typed: with other quotes, which may be fewer or more
    for given, most in ((" ".join(words), MAX_LINE), (text or "", MAX_TEXT)):
        screened = screen(given, most)
        if screened is not None:
            return screened
    made = tuple(Word(word, span, True) for word, span in zip(words, spans, strict=True))
    simple = Simple(made, (), text, (0, max(0, here - 1)))
    try:
        return rules.permit(Case(policy, context, " ".join(spelled), made, simple, False, 0))
    except Refused as refused:
        return refused.refusal
