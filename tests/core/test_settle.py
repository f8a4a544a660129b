"""The last word on one command, with the facts that only the executing identity can see."""

from __future__ import annotations

import pytest

from rshell.core.model import Exec, Need, Refusal
from rshell.core.objects.rights import NONE, Thing
from rshell.core.settle import settle
from rshell.policy.check import context
from tests.support import execs, judge, policy, written

FULL = "0123456789abcdef" * 4


def command(line: str) -> Exec:
    return execs(judge(line))[0]


def things(*kinds: str) -> tuple[Thing | str, ...]:
    """What is found of each name: something of a kind, or nothing."""
    return tuple(Thing(kind, FULL, ("x",), ()) if kind else NONE for kind in kinds)


def test_a_command_without_questions_is_settled_as_it_is() -> None:
    ready = command("docker ps -a")
    assert ready.needs == ()
    assert settle(policy(), ready, {}, context(False)) == ready


@pytest.mark.parametrize(
    ("line", "needs"),
    [
        ("docker inspect a", (Need("object-id", ("a",)),)),
        ("docker inspect a b", (Need("object-id", ("a", "b")),)),
        ("docker inspect --format x -- a b", (Need("object-id", ("a", "b")),)),
        ("docker inspect --type image a", ()),
        ("docker container inspect a", ()),
        ("docker image inspect a", ()),
        ("docker logs a", ()),
    ],
)
def test_where_everything_may_be_seen_only_inspect_without_a_type_asks(line: str, needs: tuple[Need, ...]) -> None:
    rules = written("""
version: 1
roles: {r: {grants: [g]}}
grants: {g: {commands: {docker inspect: [format, type: container|image], docker logs: [],
                        docker container inspect: [], docker image inspect: []}}}
objects: {manage: own, observe: any}
""")
    assert execs(judge(line, rules=rules))[0].needs == needs


@pytest.mark.parametrize(
    ("kinds", "kind"),
    [
        (("container",), "container"),
        (("image",), "image"),
        (("image", "image"), "image"),
        (("container", ""), "container"),  # docker says what is not there
        (("", "image"), "image"),
        (("",), "container"),
        (("", ""), "container"),
    ],
)
def test_inspect_is_told_where_to_look(kinds: tuple[str, ...], kind: str) -> None:
    names = ["a", "b"][: len(kinds)]
    asking = command("docker inspect --size " + " ".join(names))
    settled = settle(policy(), asking, {asking.needs[0]: things(*kinds)}, context(False))
    assert isinstance(settled, Exec)
    ids = [FULL if known else name + ":" for known, name in zip(kinds, names, strict=True)]
    assert settled.argv == ("/usr/bin/docker", "inspect", "--size", f"--type={kind}", "--", *ids)
    assert settled.needs == ()
    assert settled.but(argv=asking.argv, needs=asking.needs, invocation=asking.invocation) == asking


def test_settled_once_is_settled() -> None:
    asking = command("docker inspect a")
    settled = settle(policy(), asking, {asking.needs[0]: things("image")}, context(False))
    assert isinstance(settled, Exec)
    assert settle(policy(), settled, {}, context(False)) == settled


def test_containers_and_images_are_not_mixed() -> None:
    asking = command("docker inspect a b")
    assert settle(policy(), asking, {asking.needs[0]: things("container", "image")}, context(False)) == Refusal(
        "unsupported", "docker.inspect.mixed-types", "docker inspect: containers and images can't be mixed",
        "", (0, 18), "send one line for each kind",
    )  # fmt: skip


@pytest.mark.parametrize("answer", ["container", "many ", None, 1, ("many",), Need("container", ("a",))])
def test_an_answer_of_another_kind_is_no_answer(answer: object) -> None:
    asking = command("docker inspect a")
    refused = settle(policy(), asking, {asking.needs[0]: (answer,)}, context(False))
    assert isinstance(refused, Refusal)
    assert (refused.kind, refused.code) == ("unavailable", "docker.inspect.no-facts")


@pytest.mark.parametrize("kinds", [(), ("image",), ("image", "image", "image")])
def test_a_missing_answer_is_a_refusal(kinds: tuple[str, ...]) -> None:
    asking = command("docker inspect a b")
    refused = settle(policy(), asking, {asking.needs[0]: things(*kinds)}, context(False))
    assert refused == Refusal(
        "unavailable", "docker.inspect.no-facts", "docker inspect: object-id could not be looked up",
        "", (0, 18), "the Docker Engine gave no answer",
    )  # fmt: skip


def test_no_facts_at_all_are_a_refusal() -> None:
    refused = settle(policy(), command("docker inspect a"), {}, context(False))
    assert isinstance(refused, Refusal)
    assert refused.kind == "unavailable"


def test_the_facts_of_another_question_do_not_count() -> None:
    other = {Need("object-id", ("b",)): things("image")}
    refused = settle(policy(), command("docker inspect a"), other, context(False))
    assert isinstance(refused, Refusal)
    assert refused.kind == "unavailable"
