"""A compose file in a here-document is judged before anything of its line runs."""

from __future__ import annotations

import pytest

from rshell.core.model import Permit, Refusal
from rshell.host.foresee import foresee
from rshell.policy.check import context
from tests.composefile import files
from tests.support import judge, policy


def seen(line: str) -> Refusal | None:
    """What is foreseen of a line that is permitted as far as its words go."""
    decided = judge(line)
    assert isinstance(decided, Permit)
    return foresee(policy(), decided, context())


def up(text: str) -> str:
    """A line that sends a file."""
    return f"docker compose -f - up -d <<'EOF'\n{text.rstrip()}\nEOF\n"


@pytest.mark.parametrize("name", files("compose-attacks"))
def test_an_attack_is_refused_before_the_commands_in_front_of_it(name: str) -> None:
    refusal = seen("docker ps\n" + up(files("compose-attacks")[name]))
    assert refusal is not None
    assert refusal.code.startswith("docker.compose.up.")
    assert (refusal.rule or "").startswith("compose/")


def test_a_file_that_may_run_is_left_to_the_far_side() -> None:
    assert seen(up("services: {web: {image: alpine}}")) is None


def test_it_is_found_inside_bash_c_too() -> None:
    inner = "docker compose -f - up -d <<'X'\nservices: {web: {image: alpine, privileged: true}}\nX\n"
    refusal = seen(f'bash -c "{inner}"')
    assert refusal is not None
    assert (refusal.code, refusal.line) == (
        "docker.compose.up.model", "services: {web: {image: alpine, privileged: true}}",
    )  # fmt: skip


def test_a_file_that_comes_on_stdin_is_not_foreseen() -> None:
    assert seen("docker compose -f - up -d") is None
