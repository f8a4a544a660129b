"""Stopping an account: whom, why, and who is."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from rshell.ctl import stop
from rshell.ctl.main import main
from rshell.host import layout, stopped

UID = 54321  # nobody's: nothing runs under it


@pytest.fixture(autouse=True)
def a_host(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host of one's own."""
    monkeypatch.delenv("SUDO_UID", raising=False)


def test_an_account_is_stopped_until_it_is_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stop", str(UID), "--reason", "the disk is full"]) == 0
    assert stopped.reason(UID) == "the disk is full"
    assert stopped.reason(UID + 1) is None
    assert main(["resume", str(UID)]) == 0
    assert stopped.reason(UID) is None
    assert capsys.readouterr() == (f"stopped uid {UID}: 0 processes ended\nresumed uid {UID}\n", "")


def test_everybody_can_read_a_marker_and_only_root_can_make_one() -> None:
    main(["stop", str(UID)])
    modes = [oct(Path(path).stat().st_mode & 0o7777) for path in (layout.STATE, layout.STOPPED, stop.marker(UID))]
    assert modes == ["0o755", "0o755", "0o644"]


def test_a_reason_can_be_changed_and_left_out() -> None:
    for reason in ("one", "two", ""):
        main(["stop", str(UID), "--reason", reason])
        assert stopped.reason(UID) == reason


@pytest.mark.parametrize("reason", ["two\nlines", "a\x1b[2J", "ma\u00f1ana", "x" * 201])
def test_a_reason_is_one_short_line_of_ascii(reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stop", str(UID), "--reason", reason]) == 2
    assert capsys.readouterr().err == "rshellctl: --reason: expected one line of ASCII, at most 200 characters\n"
    assert stopped.reason(UID) is None


@pytest.mark.parametrize("user", ["root", "0", "00", "nobody-of-this-name", "-1", "4294967295", str(10**30)])
def test_some_can_t_be_stopped(user: str) -> None:
    status = main(["stop", "--", user])
    assert (status, Path(layout.STOPPED).exists()) == (2, False)


def test_nobody_stops_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", str(UID))
    assert main(["stop", str(UID)]) == 2
    monkeypatch.setattr(os, "getuid", lambda: UID + 1)
    assert main(["stop", str(UID + 1)]) == 2
    assert stopped.reason(UID) is None


def test_who_is_stopped_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stop"]) == 0
    assert capsys.readouterr().out == "nobody is stopped\n"
    nobody = pwd.getpwnam("nobody")
    for uid, why in ((UID, ""), (nobody.pw_uid, "an incident")):
        Path(layout.STOPPED).mkdir(parents=True, exist_ok=True)
        stop.marker(uid).write_text(why + "\n")
        os.utime(stop.marker(uid), (0, 0))
    (Path(layout.STOPPED) / ".1.new").touch()
    main(["stop"])
    listed = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[1][:16], line[2]) for line in listed] == sorted(
        [(f"uid {UID}", "stopped since 19", "no reason was given"), ("nobody", "stopped since 19", "an incident")],
        key=lambda each: each[0] == "nobody",
    )  # fmt: skip


def test_who_is_not_stopped_can_be_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resume", "nobody"]) == 0
    assert capsys.readouterr().out == "nobody is not stopped\n"
