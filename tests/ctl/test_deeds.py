"""What an operator changes is recorded where the records of the shell are, and shown with them."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from rshell.ctl import inforce
from rshell.ctl.main import main
from rshell.host import layout

UID = 54321  # nobody's: nothing runs under it
POLICY = """\
version: 1
roles: {r: {users: [ann], grants: [g]}}
grants: {g: {commands: {docker ps: []}}}
audit: {file: FILE, journal: false}
"""


@pytest.fixture
def records(host: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the policy names, made by whoever installs; it has nothing in it."""
    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.setenv("SUDO_USER", "alice")
    path = host / "audit.jsonl"
    path.touch()
    return path


def applied(host: Path, records: Path) -> str:
    """Apply a policy that names the file; return its hash."""
    source = host / "new.yaml"
    source.write_text(POLICY.replace("FILE", str(records)))
    assert main(["apply", "--yes", str(source)]) == 0
    return inforce.short(source.read_bytes())


def read(records: Path) -> list[dict[str, Any]]:
    """The records in the file."""
    return [json.loads(line) for line in records.read_text().splitlines()]


def test_apply_stop_and_resume_are_recorded_with_who_did_it(host: Path, records: Path) -> None:
    sha = applied(host, records)
    main(["stop", str(UID), "--reason", "incident 7"])
    main(["resume", str(UID)])
    found = read(records)
    assert [(one["name"], one["message"]) for one in found] == [
        ("apply", f"applied {host / 'new.yaml'}, sha256 {sha}"),
        ("stop", f"stopped uid {UID}: incident 7"),
        ("resume", f"resumed uid {UID}"),
    ]
    me = pwd.getpwuid(os.getuid()).pw_name
    assert {(one["event"], one["uid"], one["user"], one["by"], one["witness"]) for one in found} == {
        ("operator", os.getuid(), me, "alice", "self")
    }


def test_the_log_shows_them(host: Path, records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    applied(host, records)
    main(["stop", str(UID)])
    capsys.readouterr()
    assert main(["log"]) == 0
    _, first, second = capsys.readouterr().out.splitlines()
    assert first[21:].split(maxsplit=3)[:3] == ["alice", "rshellctl", "apply"]
    assert second.endswith(f"  stopped uid {UID}: no reason was given")


def test_what_changes_nothing_is_not_recorded(host: Path, records: Path) -> None:
    applied(host, records)
    records.write_text("")
    source = str(host / "new.yaml")
    for words in (["apply", "--yes", source], ["stop"], ["resume", str(UID)], ["rollback", "--list"]):
        main(words)
    assert read(records) == []


def test_no_file_is_made_for_them(host: Path, records: Path) -> None:
    """It would be root's alone, and the gate could not write to it."""
    records.unlink()
    applied(host, records)
    assert not records.exists()


def test_without_a_policy_in_force_an_account_is_stopped_all_the_same(host: Path, records: Path) -> None:
    assert main(["stop", str(UID)]) == 0
    assert read(records) == []
    assert Path(layout.STOPPED, str(UID)).exists()
