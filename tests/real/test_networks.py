"""The networks that a policy lists, with a real Engine."""

import pytest

from rshell.ctl.setup.networks import Network

from .engine import Engine

pytestmark = pytest.mark.real

NAME = "rshell-test-lab"


def test_a_network_is_made_once_and_labelled_and_removed_again(engine: Engine) -> None:
    step = Network(NAME)
    assert (step.is_done(), step.found()) == (False, None)
    try:
        assert step.do() == ""
        assert step.is_done()
        labels = engine.docker("network", "inspect", "--format={{json .Labels}}", NAME).stdout
        assert labels == '{"rshell.protect":"true"}\n'
        assert Network.put_back(NAME, True) == ""
        assert step.is_done()
    finally:
        left = [Network.put_back(NAME, None) for _ in range(2)]
    assert left == ["", ""]
    assert not step.is_done()


def test_without_an_engine_it_says_so_and_goes_on(engine: Engine) -> None:
    with engine.down():
        assert not Network(NAME).is_done()
        warning = Network(NAME).do()
    assert warning.startswith(f"network {NAME} is not made: ")
    assert warning.endswith("; when docker runs, rshellctl install makes it")
