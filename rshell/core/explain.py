"""A decision for people and for programs: one shape for both verdicts."""

from __future__ import annotations

from rshell import say
from rshell.core import builtins
from rshell.core.model import Exec, Group, Permit, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Builtin, Policy, Span

VERSION = 1


def as_json(policy: Policy, line: str, decided: Permit | Refusal) -> dict[str, object]:
    """Return the stable shape of a decision; see rshellctl(8)."""
    about: dict[str, object] = {"path": policy.path, "sha256": policy.sha256}
    if isinstance(decided, Permit):
        return {
            "version": VERSION, "verdict": "allow", "line": line,
            "commands": [_command(stage) for stage in stages(decided)], "policy": about,
        }  # fmt: skip
    at = outward(line, decided.line, decided.at)
    return {
        "version": VERSION, "verdict": "refuse", "class": decided.kind, "code": decided.code, "line": line,
        "message": decided.message, "at": None if at is None else {"start": at[0], "end": at[1]},
        "why": decided.why, "instead": decided.instead or None, "rule": decided.rule, "source": decided.source,
        "commands": [], "policy": about,
    }  # fmt: skip


def as_text(line: str, decided: Permit | Refusal, operator: bool) -> str:
    """Say what would happen, in lines. operator: also where in the policy it is decided."""
    if isinstance(decided, Refusal):
        ending = f"  where: {_where(decided)}\n" if operator else ""
        return say.render(decided).replace("nothing was run", "nothing would be run") + ending
    made = f"allowed: {say.echo(line)}\n"
    for stage in stages(decided):
        if isinstance(stage, Exec):
            made += f"  runs: {' '.join(say.quote(say.escape(word)) for word in stage.argv)}\n"
            made += f"  as: {stage.run_as or 'the account itself'}, for at most {stage.timeout} s\n"
            made += "".join(f"  looks up first: {need.check}\n" for need in stage.needs)
            if operator:
                made += f"  where: {stage.source} (grant {stage.rule.partition('/')[0]})\n"
        else:
            made += f"  runs: {stage.name} (by rshell itself)\n"
    return made


def stages(permit: Permit) -> list[Exec | Builtin]:
    """Return every command of a permit, those inside bash -c too, in order."""
    found: list[Exec | Builtin] = []
    for _, pipeline in permit.items:
        for stage in pipeline:
            found += stages(stage.body) if isinstance(stage, Group) else [stage]
    return found


def outward(line: str, inner: str, at: Span | None) -> Span | None:
    """Map a span of an inner line (of bash -c) to the line around it; None where quoting hides it."""
    if at is None or inner == line:
        return at
    start = line.find(inner) if inner and line.count(inner) == 1 else -1
    return (start + at[0], start + at[1]) if start >= 0 else None


def _command(stage: Exec | Builtin) -> dict[str, object]:
    if isinstance(stage, Exec):
        return {
            "argv": list(stage.argv), "run_as": stage.run_as or None, "rule": stage.rule, "source": stage.source,
            "checks": [need.check for need in stage.needs],
        }  # fmt: skip
    return {
        "argv": [stage.name, *(word.text for word in stage.words)], "run_as": None,
        "rule": f"builtin/{stage.name}", "source": None, "checks": [],
    }  # fmt: skip


def _where(refusal: Refusal) -> str:
    if refusal.built_in:
        return "built in, no policy can allow it"
    if refusal.source:
        return f"{refusal.source} (grant {(refusal.rule or 'never').partition('/')[0]})"
    own = refusal.code.partition(".")[0]
    if own in ("line", "sudo", "shell", "timeout", "prefix") or own in builtins.TABLE:
        return "built in: the language of the shell"
    return "no grant lists it"
