"""For all tests: how properties are tried, and which of them must not run beside each other."""

import os

import pytest
from hypothesis import settings

# No deadlines: this host may be busy with the real servers. In CI the same examples every time.
settings.register_profile("rshell", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("rshell")

ALONE = ("real", "packaging/test_update.py", "differential")
"""What uses this host's own servers, programs and accounts: one after the other, in one process."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep in one worker what shares the host."""
    for item in items:
        place = item.nodeid.partition("::")[0].removeprefix("tests/")
        if place.startswith(ALONE):
            item.add_marker(pytest.mark.xdist_group("host"))
