"""A program serves from root's files alone, started as its launcher starts it."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from rshell.host import trust
from rshell.policy.store import Untrusted

ROOT_S = "/usr/lib"


def started(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Pretend to be an installed launcher, but for these."""
    made = {"executable": "/usr/bin/env", "path": [ROOT_S, "/usr/lib/python999.zip"], "isolated": 1, "no_site": 1}
    made |= changes
    flags = SimpleNamespace(isolated=made.pop("isolated"), no_site=made.pop("no_site"))
    monkeypatch.setattr(trust, "__file__", made.pop("file", ROOT_S))
    monkeypatch.setattr(trust, "sys", SimpleNamespace(flags=flags, **made))


def test_root_s_files_are_trusted_and_what_is_not_there_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    started(monkeypatch)
    trust.check_program()


@pytest.mark.parametrize("flag", ["isolated", "no_site"])
def test_an_interpreter_that_listens_to_its_caller_is_not(monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    started(monkeypatch, **{flag: 0})
    with pytest.raises(Untrusted, match="not the installed launcher"):
        trust.check_program()


@pytest.mark.parametrize("what", ["executable", "file", "path"])
@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_what_others_can_write_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str, mode: int) -> None:
    directory = tmp_path / "loose"
    directory.mkdir()
    (directory / "file").touch()
    directory.chmod(mode)
    mine = str(directory / "file")
    started(monkeypatch, **{what: [ROOT_S, mine] if what == "path" else mine})
    with pytest.raises(Untrusted):
        trust.check_program()


@pytest.mark.parametrize("what", ["executable", "file", "path"])
def test_a_link_is_judged_by_where_it_leads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str) -> None:
    loose = tmp_path / "loose"
    loose.mkdir()
    loose.chmod(0o777)
    (loose / "file").touch()
    link = tmp_path / "link"
    link.symlink_to(loose / "file")
    started(monkeypatch, **{what: [str(link)] if what == "path" else str(link)})
    with pytest.raises(Untrusted):
        trust.check_program()


def test_the_current_directory_is_no_place_for_modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty entry is the current directory, wherever that is."""
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o777)
    started(monkeypatch, path=["", ROOT_S])
    with pytest.raises(Untrusted):
        trust.check_program()
    assert os.getcwd() == str(tmp_path)
