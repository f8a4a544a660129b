"""What is suggested is itself allowed, and near to what was typed."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rshell import say
from rshell.core import suggest
from rshell.core.model import Permit, Refusal
from rshell.core.nearest import distance, nearest
from rshell.policy.check import context
from tests.support import corpus, judge, policy


def completed(line: str, terminal: bool = False) -> Refusal:
    """The refusal of a line, with its `instead`."""
    refusal = judge(line, terminal)
    assert isinstance(refusal, Refusal)
    return suggest.complete(policy(), refusal, context(terminal=terminal))


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("docker pss -a", "docker ps -a"),
        ("docekr ps", "docker ps"),
        ("docker ps --al", "docker ps --all"),
        ("docker ps --fromat x", "docker ps --format x"),
        ("docker ps extra", "docker ps"),
        ("docker stats", "docker stats --no-stream"),
        ("docker stats x", "docker stats --no-stream x"),
        ("docker container stats x", "docker container stats --no-stream x"),
        ("docker logs -f x", "docker logs x"),
        ("docker logs x -f --tail 5", "docker logs x --tail 5"),
        ("docker exec web id", "docker logs --tail 100 web"),
        ("docker container exec web id", "docker logs --tail 100 web"),
        ("docker top web", "docker stats --no-stream web"),
        ("docker events", "docker ps -a"),
        ("docker network rm x", "docker network ls"),
        ("iptables -n", "iptables --list -n"),
        ("sshd", "sshd -T"),
        ("sshd -T -t", "sshd -T"),
        ("journalctl -u ssh", "journalctl --lines=100 -u ssh"),
        ("netstat -tlnp", "ss -tulnp"),
        ("docker ps --help", "help docker ps"),
        ("docker", "help docker"),
        ("docker help", "help docker"),
        ("docker inspect --size --type network x", ""),
        ("docker exec", ""),
        ("docker cp a b", ""),
        ("rm -rf /", ""),
        ("docker exec '{{x}}' id", ""),
    ],
)
def test_the_nearest_thing_that_is_allowed_is_named(line: str, instead: str) -> None:
    assert completed(line).instead == instead


def test_a_suggestion_is_one_of_what_was_tried_and_they_are_gone() -> None:
    refusal = judge("docker ps --al")
    assert isinstance(refusal, Refusal)
    done = suggest.complete(policy(), refusal, context())
    assert done == refusal.but(instead="docker ps --all", tries=())
    assert done.instead in refusal.tries


def test_a_refusal_without_tries_stays_as_it_is() -> None:
    plain = Refusal("denied", "x", "y")
    assert suggest.complete(policy(), plain, context()) == plain


def test_a_suggestion_that_is_too_long_is_not_made() -> None:
    assert completed("docker ps extra --filter name=" + "a" * 200).instead != ""
    assert completed("docker ps extra --filter name=" + "a" * 300).instead == ""


def test_a_try_that_is_refused_is_not_shown() -> None:
    refusal = Refusal("denied", "x", "y", tries=("docker exec a b", "docker logs {x}", "docker stats", "docker images"))
    assert suggest.complete(policy(), refusal, context()).instead == "docker images"
    only = Refusal("denied", "x", "y", tries=("docker exec a b", "{", "docker logs {x}"))
    assert suggest.complete(policy(), only, context()).instead == "docker logs --tail 100 a"


def permitted(line: str, terminal: bool) -> None:
    refusal = judge(line, terminal)
    if isinstance(refusal, Refusal):
        done = suggest.complete(policy(), refusal, context(terminal=terminal))
        assert done.tries == ()
        assert not done.instead or isinstance(judge(done.instead, terminal), Permit)
        assert done.but(instead="", tries=refusal.tries) == refusal


LINES = [
    *(entry.get("line") or " ".join(map(say.quote, entry["argv"])) for entry in corpus("docker-deny.jsonl")),
    *(entry["line"] for name in ("docker-allow.jsonl", "agent-lines.jsonl") for entry in corpus(name)),
    *(entry["input"] for entry in corpus("restricted-shell.jsonl")),
]


@pytest.mark.parametrize("terminal", [False, True])
def test_every_suggestion_for_the_corpora_is_permitted(terminal: bool) -> None:
    for line in LINES:
        permitted(line, terminal)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([line for line in LINES if len(line) < 200]), st.data())
def test_every_suggestion_for_a_mistyped_line_is_permitted(line: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(line)))
    typed = data.draw(st.sampled_from(["", "x", "-", "{", "}", "'", " -Z ", " --x=1 ", ";", " | head "]))
    permitted(line[:at] + typed + line[at + data.draw(st.integers(0, 2)) :], data.draw(st.booleans()))


# -- nearest ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "count"),
    [
        ("", "", 0), ("ps", "ps", 0), ("ps", "p", 1), ("p", "ps", 1), ("ps", "sp", 1), ("logs", "lgos", 1),
        ("inspect", "inspct", 1), ("images", "image", 1), ("stats", "start", 2), ("abc", "", 3), ("ab", "cd", 2),
        ("ca", "abc", 3),  # optimal string alignment: no edit within a swap
    ],
)  # fmt: skip
def test_edits_are_counted_and_a_swap_is_one(left: str, right: str, count: int) -> None:
    assert distance(left, right, 9) == count


WORDS = st.text(string.ascii_lowercase[:4], max_size=7)


def plainly(left: str, right: str) -> int:
    """The same by the book, with the whole table."""
    table = {(i, -1): i + 1 for i in range(-1, len(left))} | {(-1, j): j + 1 for j in range(-1, len(right))}
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            best = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a != b))
            if i and j and a == right[j - 1] and left[i - 1] == b:
                best = min(best, table[i - 2, j - 2] + 1)
            table[i, j] = best
    return table[len(left) - 1, len(right) - 1]


@given(WORDS, WORDS, st.integers(0, 8))
def test_the_distance_is_the_one_of_the_book_up_to_its_limit(left: str, right: str, limit: int) -> None:
    assert distance(left, right, limit) == min(plainly(left, right), limit + 1)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("pss", ("ps",)),
        ("inspct", ("inspect",)),
        ("imgaes", ("images", "image")),
        ("ps", ("ps",)),
        ("zzzzzz", ()),
        ("", ()),
    ],
)
def test_the_nearest_come_first_and_the_far_ones_not_at_all(word: str, found: tuple[str, ...]) -> None:
    assert nearest(word, ["images", "image", "ps", "inspect", "logs"]) == found


def test_at_most_three_are_named() -> None:
    assert nearest("ab", ["aa", "ac", "ad", "ae", "ab"]) == ("ab", "aa", "ac")
