"""Is this policy right? Its errors, its advice, and what its `expect` lines come to."""

from __future__ import annotations

from rshell import data
from rshell.core.decide import judge
from rshell.core.model import Context, Permit
from rshell.policy.compile import compile_policy
from rshell.policy.grammars import load as load_grammars
from rshell.policy.load import BadPolicy, Source, load
from rshell.policy.store import Compiled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Policy

SAMPLES = {"container": "ollama", "image": "alpine:3.20", "network": "lab", "volume": "bench-data"}
RESTS = ("", "alpine:3.20", "ps")  # for {rest}: one of them must make sense


class _Everywhere(dict[str, str]):
    """Programs for checking: each is in /usr/bin, so that a verdict doesn't depend on this host."""

    def __missing__(self, name: str) -> str:
        return name if name.startswith("/usr/bin/") else "" if "/" in name else "/usr/bin/" + name


def context(user: str = "ai-worker", terminal: bool = False) -> Context:
    """Return a context that depends on no host."""
    return Context(user, f"/home/{user}", terminal, _Everywhere())


def read(source: bytes, name: str) -> Source:
    """Read a policy with the grammars that ship with this program. Raises BadPolicy."""
    return load(source, name, load_grammars(data.completions()))


def compile_checked(source: bytes, name: str, mark: tuple[int, ...] = ()) -> bytes:
    """Read, check and compile a policy; mark: see compile_policy. Raises BadPolicy with every error."""
    understood = read(source, name)
    compiled = compile_policy(understood, source, data.identity(), mark)
    problems = _surprises(understood, Compiled(compiled)) + _bad_advice(understood, Compiled(compiled))
    if problems:
        raise BadPolicy([f"{name}:{line}:{column}: {what}" for (line, column), what in sorted(problems)])
    return compiled


def _surprises(source: Source, compiled: Compiled) -> list[tuple[tuple[int, int], str]]:
    """Return the `expect` lines that come to something else."""
    found = []
    policies = {role: compiled.policy(role, source.name) for role in source.roles}
    for expected in source.expect:
        decided = judge(policies[expected.role], expected.line, context())
        if isinstance(decided, Permit) and not expected.allowed:
            found.append((expected.at, f"expected to be refused, but allowed: {expected.line}"))
        if not isinstance(decided, Permit) and expected.allowed:
            found.append((expected.at, f"expected to be allowed, but {decided.kind}: {decided.message}"))
    return found


def _bad_advice(source: Source, compiled: Compiled) -> list[tuple[tuple[int, int], str]]:
    """Return the advice whose `instead` no role may use."""
    policies = [compiled.policy(role, source.name) for role in source.roles]
    found = []
    for advice in {one for several in source.advice.values() for one in several}:
        if advice.instead and not any(_usable(policy, advice.instead) for policy in policies):
            at = source.advice_at[" ".join(advice.pattern)]
            found.append((at, f"`instead` is itself refused: {advice.instead}"))
    return found


def _usable(policy: Policy, instead: str) -> bool:
    for hole, sample in SAMPLES.items():
        instead = instead.replace("{" + hole + "}", sample)
    lines = {instead.replace("{rest}", rest).strip() for rest in RESTS}
    whole = [line for line in lines if "{" not in line.replace("{{", "")]  # no hole that nothing fills
    return any(isinstance(judge(policy, line, context()), Permit) for line in whole)
