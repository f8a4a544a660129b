"""Every docker client of this machine makes of our mounts, ports and GPUs what it makes of the user's."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.differential import compare, parts
from tests.differential.compare import Bench

from .ground import refuse

pytestmark = pytest.mark.real

CASES = 80  # that we accept, over all clients, of each option
SEED = 1


@pytest.fixture(scope="module", params=compare.found() or [""])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """One of the clients, with its fake Engine."""
    if not request.param:
        refuse("needs a docker client")
    with compare.bench(request.param, 1) as made:
        yield made


def accepted(option: str) -> dict[str, tuple[str, str]]:
    """Values that we accept, and what we write for them."""
    chance, found = random.Random(f"{SEED} {option}"), {}
    for _ in range(20000):
        text = parts.value(chance, option)
        written = parts.ours(option, text)
        if written and len(found) < CASES // len(compare.found()):
            found[text] = written
    return found


def meaning(bench: Bench, option: str, value: str) -> object:
    return parts.understood(bench.ask(("run", "--detach", f"--{option}={value}", "busybox")))


@pytest.mark.parametrize("option", parts.OPTIONS)
def test_a_value_and_what_we_write_for_it_mean_the_same(bench: Bench, option: str) -> None:
    cases = accepted(option)
    assert len(cases) > 20
    outcomes: Counter[bool] = Counter()
    for text, (name, value) in cases.items():
        given = meaning(bench, option, text)
        outcomes[given is None] += 1
        assert given is None or given == meaning(bench, name, value), (text, name, value)
    assert outcomes[False] > outcomes[True]
