"""What a program gets of the host: how much memory, and how much of a processor."""

from __future__ import annotations

import subprocess
from functools import partial

import pytest

from rshell.host.environment import limit

NAMES = ("Max address space", "Max cpu time")


@pytest.mark.parametrize(("filters", "expected"), [
    (False, {"Max address space": 4 << 30, "Max cpu time": None}),
    (True, {"Max address space": 512 << 20, "Max cpu time": 120}),
])  # fmt: skip
def test_a_program_has_bounds_that_it_can_t_lift(filters: bool, expected: dict[str, int | None]) -> None:
    shown = subprocess.check_output(["/bin/cat", "/proc/self/limits"], text=True, preexec_fn=partial(limit, filters))
    found = {name: line.removeprefix(name).split()[:2] for name in NAMES for line in shown.splitlines() if name in line}
    wanted = {name: [str(most)] * 2 if most else ["unlimited"] * 2 for name, most in expected.items()}
    assert found == wanted
