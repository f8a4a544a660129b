"""A host in a directory: every installed path leads there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rshell.ctl import apply, edit, resume, stop
from rshell.host import audit, layout
from rshell.policy import check
from tests.support import trees


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The root of such a host; who runs the tests is its root."""
    for name, value in list(vars(layout).items()):
        if isinstance(value, str) and value.startswith("/") and not name.startswith("__"):
            monkeypatch.setattr(layout, name, str(tmp_path) + value)
    for verb in (apply, edit, resume, stop):
        monkeypatch.setattr(verb, "needs_root", lambda: None)
    monkeypatch.setattr(audit, "DEV_LOG", f"{tmp_path}/dev/log")
    monkeypatch.setattr(check, "load_grammars", lambda files: trees())  # read once for all tests
    before = os.umask(0o077)
    yield tmp_path
    os.umask(before)
