"""The parts of install that need no host: what is written down, what is taken from a text."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rshell.ctl.policies import Stop
from rshell.ctl.setup import manifest, networks, sshd, steps
from rshell.ctl.setup.manifest import Manifest
from rshell.host import layout


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for the manifest, which is not there yet."""
    monkeypatch.setattr(layout, "MANIFEST", str(tmp_path / "state/install.json"))
    return tmp_path / "state"


def test_what_was_found_first_is_kept_whatever_comes_later(state: Path) -> None:
    first = Manifest()
    first.begin()
    first.note("file", "/etc/x", {"mode": 0o644})
    first.note("file", "/etc/x", None)
    first.note("file", "/etc/y", None)
    first.release()
    again = Manifest()
    assert again.found == [("tree", str(state), None), ("file", "/etc/x", {"mode": 0o644}), ("file", "/etc/y", None)]
    assert [again.made("file", path) for path in ("/etc/x", "/etc/y")] == [False, True]
    assert (state / "install.json").stat().st_mode & 0o777 == 0o600


def test_a_directory_that_a_killed_run_left_empty_is_still_ours(state: Path) -> None:
    state.mkdir()
    (state / ".install.json.new").write_text("{")
    begun = Manifest()
    begun.begin()
    begun.release()
    assert Manifest().made("tree", str(state))


def test_a_directory_with_something_in_it_is_not_ours(state: Path) -> None:
    state.mkdir()
    (state / "policies").mkdir()
    begun = Manifest()
    begun.begin()
    begun.release()
    assert begun.found == []


def test_two_at_once_are_refused(state: Path) -> None:
    first = Manifest()
    first.begin()
    with pytest.raises(Stop, match="another install, uninstall or upgrade is running"):
        Manifest().begin()
    first.release()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1, "found": [1]}', '{"version": 2}', "{}"])
def test_a_damaged_manifest_or_another_version_s_is_refused(state: Path, text: str) -> None:
    state.mkdir()
    (state / "install.json").write_text(text)
    with pytest.raises(Stop) as stop:
        Manifest()
    assert stop.value.status == 78


def test_the_manifest_is_plain_json(state: Path) -> None:
    one = Manifest()
    one.begin()
    one.users, one.boundary = ["a"], "gate"
    one.save()
    one.release()
    expected: dict[str, Any] = {
        "version": manifest.VERSION, "users": ["a"], "boundary": "gate", "found": [["tree", str(state), None]],
    }  # fmt: skip
    assert json.loads((state / "install.json").read_text()) == expected


def test_networks_that_are_always_there_and_patterns_are_not_made() -> None:
    assert networks.wanted(SimpleNamespace(networks=("bridge", "none", "host", "lab", "bench-*"))) == ["lab"]
    assert networks.wanted(SimpleNamespace()) == []


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("Include /etc/ssh/sshd_config.d/*.conf\n", True),
        ("  include sshd_config.d/*.conf\n", True),
        ('Include "/etc/ssh/sshd_config.d/*.conf"\n', True),
        ("Include /etc/ssh/other.d/*.conf /etc/ssh/sshd_config.d/*\n", True),
        ("#Include /etc/ssh/sshd_config.d/*.conf\n", False),
        ("Include /etc/ssh/sshd_config.d/*.local\n", False),
        ("Match User x\nInclude /etc/ssh/sshd_config.d/*.conf\n", False),
        ("", False),
    ],
)
def test_a_directory_counts_only_where_sshd_config_takes_it_in_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, taken: bool
) -> None:
    config = tmp_path / "sshd_config"
    config.write_text(text.replace("/etc/ssh", str(tmp_path)))
    monkeypatch.setattr(layout, "SSHD_CONFIG", str(config))
    assert sshd.is_included(f"{tmp_path}/sshd_config.d/rshell-ai-worker.conf") == taken


def test_a_marked_block_comes_out_as_it_went_in() -> None:
    text = "Port 22\nMatch User x\n  ForceCommand y\n"
    one = text + sshd.marked("ai-worker", "Match User ai-worker\nMatch all\n")
    both = one + sshd.marked("bench", "Match User bench\nMatch all\n")
    assert sshd.without("ai-worker", one) == text
    assert sshd.without("bench", both) == one
    assert sshd.without("other", both) == both


def test_a_line_is_added_once_and_taken_out_alone(tmp_path: Path) -> None:
    shells = tmp_path / "shells"
    shells.write_text("/bin/sh\n/bin/bash")  # without an end of line
    shells.chmod(0o640)
    line = steps.Line(str(shells), "/x/rshell", "lists it")
    assert not line.is_done()
    line.do()
    assert line.is_done()
    assert shells.read_text() == "/bin/sh\n/bin/bash\n/x/rshell\n"
    shells.write_text(shells.read_text() + "/bin/zsh\n")
    for _ in range(2):
        steps.Line.put_back(line.name, None)
        assert shells.read_text() == "/bin/sh\n/bin/bash\n/bin/zsh\n"
    assert shells.stat().st_mode & 0o777 == 0o640
