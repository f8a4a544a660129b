"""For all tests: how properties are tried, and which of them must not run beside each other."""

import os
import signal

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# No deadlines: this host may be busy with the real servers. In CI the same examples every time.
settings.register_profile("rshell", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("rshell")

ALONE = ("tests/real/", "tests/packaging/test_update.py")
"""What uses this host's own servers, programs and accounts: one after the other, in one worker."""


class Scheduler(LoadScopeScheduling):
    """Gives a worker a file at a time, and all that shares the host to one of them."""

    def _split_scope(self, nodeid: str) -> str:
        return "host" if nodeid.startswith(ALONE) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduler:
    """Say who runs what."""
    return Scheduler(config, log)


def pytest_configure() -> None:
    """Begin with an interrupt that interrupts: started in the background, we and all our programs would ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
