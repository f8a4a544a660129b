"""Front and gate decide the same: the front on the line, the gate on the words that the front sends it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rshell import say
from rshell.core.model import Exec, Permit, Policy, Refusal
from rshell.host.account import Claims
from rshell.host.protocol import LENGTH, Request, frame, request
from rshell.host.serve import serve
from rshell.policy.check import context
from tests.support import corpus, execs, judge, policy, written

CLAIMS = Claims("a-1", "c", "", "")
FILES = ("agent-lines.jsonl", "docker-allow.jsonl", "docker-deny.jsonl", "restricted-shell.jsonl")
LINES = [str(entry.get("line", entry.get("input", ""))) for name in FILES for entry in corpus(name)]
ALLOWED = [line for line in LINES if isinstance(judge(line), Permit)]
WORDS = sorted({word for line in LINES for word in line.split(" ") if word})
EXPECTED = sum(len([one for one in execs(judge(line)) if one.run_as]) for line in ALLOWED)
RULES = written("""
version: 1
limits: {timeout: 10s}
roles: {r: {grants: [g]}}
grants: {g: {commands: {docker ps: [all]}}}
""")
(STAGE,) = execs(judge("docker ps -a", rules=RULES))


def never(descriptor: int, event: int, until: float) -> bool:
    """Nothing is there to be asked."""
    return False


def across(stage: Exec, terminal: bool, rules: Policy | None = None, timeout: int | None = None) -> Exec | Refusal:
    """What the gate makes of a stage that the front sends it, but for what it looks up."""
    seconds = stage.timeout if timeout is None else timeout
    sent = frame(Request(stage.words, stage.text, terminal, seconds, CLAIMS))
    return serve(rules or policy(), request(sent[LENGTH:]), context(terminal=False), never, 0)


def what_counts(stage: Exec) -> tuple[object, ...]:
    """All of a process but where its words stood in the line, and the redirects, which the front makes."""
    return (
        stage.argv, stage.name, stage.rule, stage.source, stage.run_as, stage.environment, stage.timeout, stage.text,
        stage.filters, stage.words, stage.before, stage.command, stage.leaves,
    )  # fmt: skip


def agree(line: str, terminal: bool) -> int:
    """Hold that both sides say the same of each command of an allowed line; return how many there were."""
    decided = judge(line, terminal)
    if not isinstance(decided, Permit):
        return 0
    stages = [stage for stage in execs(decided) if stage.run_as]
    for stage in stages:
        there = across(stage, terminal)
        if stage.needs:
            assert isinstance(there, Refusal) or there.run_as == stage.run_as
            continue
        assert isinstance(there, Exec), (line, there)
        assert what_counts(there) == what_counts(stage)
    return len(stages)


def test_both_sides_agree_on_every_line_of_the_corpora() -> None:
    assert EXPECTED > 100
    assert sum(agree(line, False) for line in ALLOWED) == EXPECTED
    assert sum(agree(line, True) for line in ALLOWED) >= EXPECTED


@settings(max_examples=300)
@given(
    st.sampled_from(ALLOWED), st.lists(st.sampled_from(WORDS), max_size=3), st.booleans(),
    st.sampled_from(["{}", "timeout 7 {}", "sudo -n {}", "{} 2>&1 | head -3", "true && {}", "{} >/dev/null; {}"]),
)  # fmt: skip
def test_both_sides_agree_on_lines_made_of_them(line: str, more: list[str], terminal: bool, around: str) -> None:
    agree(around.replace("{}", " ".join([line, *more])), terminal)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=3), min_size=1, max_size=6), st.booleans())
def test_the_gate_alone_allows_no_words_that_a_line_of_them_would_not_get(words: list[str], terminal: bool) -> None:
    there = serve(policy(), Request(tuple(words), None, terminal, 0, CLAIMS), context(terminal=False), never, 0)
    if isinstance(there, Exec):
        line = " ".join(say.quote(word) for word in words)
        assert [one.argv for one in execs(judge(line, terminal))] == [there.argv]


@given(st.integers(0, (1 << 31) - 1))
def test_the_front_can_shorten_the_time_and_not_stretch_it(seconds: int) -> None:
    there = across(STAGE, False, RULES, seconds)
    assert isinstance(there, Exec)
    assert there.timeout == (min(seconds, 10) or 10)
