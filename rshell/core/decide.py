"""The decision on a whole line, before its first command: Permit or Refusal. Pure.

Same policy, script and context, same answer. Every process that rshell starts comes out of `decide`.
This file is the line: pipelines, prefixes, bash -c, builtins; rules.py is one program of the policy.
"""

from __future__ import annotations

from rshell import say
from rshell.core import builtins, line, rules, values
from rshell.core.model import Builtin, Exec, Group, Permit, Refusal, Script, Simple, Word
from rshell.core.rules import Case, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rshell.core.model import Context, Policy, Span

    Stage = Exec | Builtin | Group

MAX_DEPTH = 2  # of bash -c inside bash -c
SAFE_IN_WORD = values.NAME_CHARS | frozenset("/")


def decide(policy: Policy, script: Script, context: Context) -> Permit | Refusal:
    """Decide on a line.

    policy: the rules of the caller's role. script: what line.parse read. context: who asks, from where.
    Returns a Permit, the only thing that host/ executes, or the Refusal of its first refused part.
    """
    try:
        return _Decision(policy, context).script(script, 0)
    except Refused as refused:
        return refused.refusal


def judge(policy: Policy, text: str, context: Context) -> Permit | Refusal:
    """Read and decide: the one way from text to a decision, for every front end."""
    script = line.parse(text)
    return script if isinstance(script, Refusal) else decide(policy, script, context)


def answer(policy: Policy, text: str, context: Context) -> Permit | Refusal:
    """Judge a line; a refusal comes with its `instead`, if there is one."""
    judged = judge(policy, text, context)
    if isinstance(judged, Permit) or not judged.tries:
        return judged
    from rshell.core import suggest

    return suggest.complete(policy, judged, context)


class _Decision:
    def __init__(self, policy: Policy, context: Context) -> None:
        self.policy = policy
        self.context = context
        self.line = ""  # the line being decided: the innermost of bash -c
        self.commands = 0  # so far, those inside bash -c too

    def refuse(self, code: str, at: Span, **fields: Any) -> Refused:
        return Refused(say.refuse(code, line=self.line, at=at, **fields))

    def script(self, script: Script, depth: int) -> Permit:
        outer, self.line = self.line, script.line
        items = tuple(
            (operator, self.pipeline(pipeline, script.pipefail, depth)) for operator, pipeline in script.items
        )
        self.line = outer
        return Permit(script.line, items, script.pipefail)

    def pipeline(self, pipeline: tuple[Simple, ...], pipefail: bool, depth: int) -> tuple[Stage, ...]:
        stages: list[Stage] = []
        for position, simple in enumerate(pipeline):
            stage = self.stage(simple, bool(position), depth)
            if isinstance(stage, Group) and len(pipeline) > 1:
                stages += self.splice(stage, pipefail)
            else:
                stages.append(stage)
        return tuple(stages)

    def splice(self, group: Group, pipefail: bool) -> tuple[Stage, ...]:
        """Put the single pipeline of `bash -c 'A | B' | C` in the place of its wrapper."""
        if len(group.body.items) != 1 or group.redirects or group.marker:
            raise self.refuse("line.shell-in-pipe", group.span)
        stages = group.body.items[0][1]
        if len(stages) > 1 and pipefail != group.body.pipefail:
            raise self.refuse("line.shell-in-pipe", group.span)
        return self.splice(stages[0], pipefail) if isinstance(stages[0], Group) else stages

    def stage(self, simple: Simple, piped: bool, depth: int) -> Stage:
        """Decide on one command. piped: it stands to the right of a |."""
        self.commands += 1
        if self.commands > line.MAX_COMMANDS:
            raise self.refuse("line.commands", simple.span, limit=line.MAX_COMMANDS)
        words, timeout = self.prefixes(self.fill(simple.words), simple)
        name = words[0].text
        # SECURITY: only words of echo and exit may hold a value that is not known yet
        for word in words if name not in builtins.TABLE else words[:1]:
            if word.holes:
                raise self.refuse("line.status", word.span)
        if piped and (name in builtins.TABLE or name in builtins.SHELLS):
            raise self.refuse("line.right-of-pipe", words[0].span, name=name)
        if name in builtins.SHELLS:
            return self.shell(words, simple, timeout, depth)
        if name in builtins.TABLE:
            return self.builtin(words, simple, timeout)
        return rules.permit(Case(self.policy, self.context, self.line, tuple(words), simple, piped, timeout))

    def fill(self, words: Sequence[Word]) -> list[Word]:
        """Put the account's home and name in for $HOME and $USER. `$?` is left for echo and exit."""
        return [word if not word.holes else self.filled(word) for word in words]

    def filled(self, word: Word) -> Word:
        known = {"HOME": self.context.home, "USER": self.context.user}
        holes: list[tuple[int, str]] = []
        text, added = word.text, 0
        for index, name in word.holes:
            value = known.get(name)
            if value is None:
                holes.append((index + added, name))
                continue
            if not SAFE_IN_WORD.issuperset(value):  # SECURITY: a shell would split or expand it
                raise self.refuse("line.parameter", word.span)
            text = text[: index + added] + value + text[index + added :]
            added += len(value)
        return word.but(text=text, holes=tuple(holes))

    def prefixes(self, words: list[Word], simple: Simple) -> tuple[list[Word], int]:
        """Take `sudo` and `timeout N` off the front. Return the rest and the seconds (0: none given)."""
        seconds = 0
        while not words[0].holes and (words[0].text in builtins.SUDO or words[0].text == "timeout"):
            first = words[0]
            if first.text == "timeout":
                limit = builtins.seconds(words[1].text) if len(words) > 1 and not words[1].holes else None
                if limit is None:
                    raise self.refuse("timeout.missing" if len(words) == 1 else "timeout.usage", simple.span)
                seconds = min(limit, seconds) if seconds and limit else limit or seconds
                words = words[2:]
            else:
                from rshell.core import unwrap

                count = unwrap.sudo(words)
                if count is None:
                    end = words[-1].span[1]
                    at = (end, end) if words[-1].text == "-p" else simple.span
                    raise self.refuse("sudo.option", at, tries=self.without_sudo(words))
                words = words[count:]
            if not words:
                raise self.refuse("prefix.empty", simple.span, name=first.text)
        return words, seconds

    def without_sudo(self, words: list[Word]) -> tuple[str, ...]:
        """Write the line from the first word on that names a program."""
        start = words[0].span[0]
        for word in words[1:]:
            if word.text in self.policy.programs or word.text in builtins.TABLE:
                return (self.line[:start] + self.line[word.span[0] :],)
        return ()

    def shell(self, words: list[Word], simple: Simple, timeout: int, depth: int) -> Group:
        """Read the line inside bash -c with this same parser and decide on it."""
        from rshell.core import unwrap

        inner = unwrap.shell_line(words)
        if inner is None or inner.holes or simple.text is not None or timeout:
            wrong = [word.span for word in words[1:] if word.text not in unwrap.SHELL_FLAGS]
            end = words[-1].span[1]
            raise self.refuse("shell.usage", wrong[0] if wrong else (end, end), name=words[0].text)
        if depth >= MAX_DEPTH:
            raise self.refuse("shell.depth", simple.span, limit=MAX_DEPTH)
        wrapped = unwrap.hermes(inner.text)
        script = line.parse(wrapped.payload if wrapped else inner.text)
        if isinstance(script, Refusal):
            raise Refused(script)
        body = self.script(script, depth + 1)
        if wrapped is None:
            return Group(body, simple.redirects, simple.span)
        directory = wrapped.directory
        if directory[0] == "~":
            directory = self.context.home + directory[1:]
        return Group(body, simple.redirects, simple.span, "hermes", directory, wrapped.marker)

    def builtin(self, words: list[Word], simple: Simple, timeout: int) -> Builtin:
        name = words[0].text
        usage = builtins.TABLE[name]
        operands = tuple(words[1:])
        texts = [word.text if not word.holes or usage.kind != "status" else _status(word) for word in operands]
        if simple.text is not None:
            raise self.refuse("line.text", simple.span, command=name)
        for word in operands:
            if word.holes and not usage.status:
                raise self.refuse("line.status", word.span)
        if not usage.accepts(texts):
            code = "builtin-missing" if len(operands) < usage.least else "builtin-usage"
            raise self.refuse(code, simple.span, command=name, synopsis=usage.synopsis)
        return Builtin(name, operands, simple.redirects, timeout, simple.span)


def _status(word: Word) -> str:
    """Stand in for a status that is not known yet: `$?` alone is one, `1$?` may be none."""
    return "0" if not word.text and len(word.holes) == 1 else "?"
