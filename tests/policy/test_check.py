"""A policy is right when it reads, its `expect` lines hold, and its advice is itself allowed."""

from __future__ import annotations

import pytest

from rshell.core.decide import judge
from rshell.core.model import Permit
from rshell.policy.check import compile_checked, context
from rshell.policy.load import BadPolicy
from rshell.policy.store import Compiled
from tests.support import SHIPPED

HEAD = """version: 1
roles:
  r: {grants: [g]}
  s: {extends: r, grants: [h]}
grants:
  g: {commands: {docker ps: [all], docker logs: [tail]}}
  h: {commands: {ss: [tcp]}}
"""


def report(rest: str) -> list[str]:
    with pytest.raises(BadPolicy) as caught:
        compile_checked((HEAD + rest).encode(), "policy.yaml")
    return caught.value.report


def test_the_shipped_policy_is_right() -> None:
    assert Compiled(compile_checked(SHIPPED, "policy.yaml")).header["source"]


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "expect: {}\n",
        "expect: {r: {allow: [docker ps -a, 'docker ps; docker logs x'], refuse: [ss -t, docker exec x id, a]}}\n",
        "expect: {s: {allow: [ss -t, docker ps]}, r: {refuse: [ss -t]}}\n",
        "advice: {'docker exec {container}': {why: x, instead: 'docker logs {container}'}}\n",
        "advice: {docker exec: {why: x, instead: 'docker ps {rest}'}}\n",
        "advice: {netstat: {why: x, instead: ss -t}}\n",  # one role may
        "advice: {nosuch: {why: x}}\n",
    ],
)
def test_a_policy_that_holds_what_it_says_is_right(rest: str) -> None:
    assert compile_checked((HEAD + rest).encode(), "policy.yaml")


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("expect: {r: {refuse: [docker ps]}}\n",
         ["policy.yaml:8:23: expected to be refused, but allowed: docker ps"]),
        ("expect: {r: {refuse: [echo x]}}\n", ["policy.yaml:8:23: expected to be refused, but allowed: echo x"]),
        ("expect: {r: {allow: [ss -t]}}\n",
         ["policy.yaml:8:22: expected to be allowed, but unknown: ss: no such command here"]),
        ("expect: {r: {allow: [docker ps -q]}}\n",
         ["policy.yaml:8:22: expected to be allowed, but denied: docker ps: option --quiet is not allowed"]),
        ("expect: {r: {allow: ['docker ps &']}}\n",
         ["policy.yaml:8:22: expected to be allowed, but unsupported: & is not supported: nothing runs in the"
          " background"]),
        ("advice: {docker exec: {why: x, instead: docker exec x id}}\n",
         ["policy.yaml:8:23: `instead` is itself refused: docker exec x id"]),
        ("advice: {docker exec: {why: x, instead: 'docker logs'}}\n",
         ["policy.yaml:8:23: `instead` is itself refused: docker logs"]),
        ("advice: {docker exec: {why: x, instead: 'docker logs {nosuch}'}}\n",
         ["policy.yaml:8:23: `instead` is itself refused: docker logs {nosuch}"]),
        ("advice: {docker exec: {why: x, instead: 'docker ps\\tx'}}\n",
         ["policy.yaml:8:23: `instead` is itself refused: docker ps\\tx"]),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_said_with_its_place(rest: str, expected: list[str]) -> None:
    assert report(rest) == expected


def test_every_surprise_is_said_in_the_order_of_the_file() -> None:
    assert [line.split(":", 3)[:3] for line in report(
        "expect:\n  r:\n    refuse:\n      - docker ps\n    allow:\n      - docker logs x\n      - ss -t\n"
        "advice:\n  docker exec: {why: x, instead: nosuch}\n  docker top: {why: x, instead: docker ps -a}\n"
    )] == [["policy.yaml", "11", "9"], ["policy.yaml", "14", "9"], ["policy.yaml", "16", "16"]]  # fmt: skip


def test_an_advice_for_several_is_said_once() -> None:
    assert len(report("advice: {a|b|c: {why: x, instead: nosuch}}\n")) == 1


def test_errors_of_the_file_come_before_what_it_means() -> None:
    assert report("expect: {r: {refuse: [docker ps]}}\nnever: [nosuch]\n") == [
        "policy.yaml:9:9: `nosuch`: no such command"
    ]


def test_never_is_part_of_what_is_expected() -> None:
    compile_checked((HEAD + "never: [docker ps]\nexpect: {r: {refuse: [docker ps]}}\n").encode(), "p")
    assert report("never: [docker ps]\nexpect: {r: {allow: [docker ps]}}\n") == [
        "policy.yaml:9:22: expected to be allowed, but denied: docker ps is switched off here"
    ]


def test_a_check_depends_on_no_host() -> None:
    """Programs count as installed, wherever it runs; an absolute path is the one in /usr/bin."""
    somewhere = context()
    assert (somewhere.user, somewhere.home, somewhere.terminal) == ("ai-worker", "/home/ai-worker", False)
    assert [somewhere.paths[name] for name in ("nosuch", "/usr/bin/nosuch", "/tmp/nosuch", "./nosuch")] == [
        "/usr/bin/nosuch", "/usr/bin/nosuch", "", "",
    ]  # fmt: skip
    rules = Compiled(compile_checked(HEAD.encode(), "p")).policy("s", "p")
    assert isinstance(judge(rules, "ss -t", somewhere), Permit)
