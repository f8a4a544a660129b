"""The last word on one command, with the facts that only the executing identity can see."""

from __future__ import annotations

import pytest

from rshell.core.model import Exec, Need, Refusal
from rshell.core.settle import settle
from rshell.policy.check import context
from tests.support import execs, judge, policy


def command(line: str) -> Exec:
    return execs(judge(line))[0]


def test_a_command_without_questions_is_settled_as_it_is() -> None:
    ready = command("docker ps -a")
    assert ready.needs == ()
    assert settle(policy(), ready, {}, context(False)) == ready


@pytest.mark.parametrize(
    ("line", "needs"),
    [
        ("docker inspect a", (Need("object-type", ("a",)),)),
        ("docker inspect a b", (Need("object-type", ("a", "b")),)),
        ("docker inspect --format x -- a b", (Need("object-type", ("a", "b")),)),
        ("docker inspect --type image a", ()),
        ("docker container inspect a", ()),
        ("docker image inspect a", ()),
        ("docker logs a", ()),
    ],
)
def test_only_inspect_without_a_type_asks(line: str, needs: tuple[Need, ...]) -> None:
    assert command(line).needs == needs


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
    settled = settle(policy(), asking, {asking.needs[0]: kinds}, context(False))
    assert isinstance(settled, Exec)
    assert settled.argv == ("/usr/bin/docker", "inspect", "--size", f"--type={kind}", "--", *names)
    assert settled.needs == ()
    assert settled.but(argv=asking.argv, needs=asking.needs, invocation=asking.invocation) == asking


def test_settled_once_is_settled() -> None:
    asking = command("docker inspect a")
    settled = settle(policy(), asking, {asking.needs[0]: ("image",)}, context(False))
    assert isinstance(settled, Exec)
    assert settle(policy(), settled, {}, context(False)) == settled


def test_containers_and_images_are_not_mixed() -> None:
    asking = command("docker inspect a b")
    assert settle(policy(), asking, {asking.needs[0]: ("container", "image")}, context(False)) == Refusal(
        "unsupported", "docker.inspect.mixed-types", "docker inspect: containers and images can't be mixed",
        "", (0, 18), "send one line for each kind",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["volume", "network", "secret", "plugin", "CONTAINER", " "])
def test_an_answer_of_another_kind_is_no_answer(kind: str) -> None:
    asking = command("docker inspect a")
    refused = settle(policy(), asking, {asking.needs[0]: (kind,)}, context(False))
    assert isinstance(refused, Refusal)
    assert (refused.kind, refused.code) == ("unavailable", "docker.inspect.no-facts")


@pytest.mark.parametrize("answers", [(), ("image",), ("image", "image", "image")])
def test_a_missing_answer_is_a_refusal(answers: tuple[str, ...]) -> None:
    asking = command("docker inspect a b")
    refused = settle(policy(), asking, {asking.needs[0]: answers}, context(False))
    assert refused == Refusal(
        "unavailable", "docker.inspect.no-facts", "docker inspect: object-type could not be looked up",
        "", (0, 18), "the Docker Engine gave no answer",
    )  # fmt: skip


def test_no_facts_at_all_are_a_refusal() -> None:
    refused = settle(policy(), command("docker inspect a"), {}, context(False))
    assert isinstance(refused, Refusal)
    assert refused.kind == "unavailable"


def test_the_facts_of_another_question_do_not_count() -> None:
    refused = settle(policy(), command("docker inspect a"), {Need("object-type", ("b",)): ("image",)}, context(False))
    assert isinstance(refused, Refusal)
    assert refused.kind == "unavailable"
