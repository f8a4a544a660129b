"""The marker that stops an account: only its absence lets the account work."""

from __future__ import annotations

from pathlib import Path

import pytest

from rshell.host import layout, stopped

UNREADABLE = "the marker of the operator can't be read: "


@pytest.fixture(autouse=True)
def markers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of markers of one's own."""
    place = tmp_path / "stopped"
    place.mkdir()
    monkeypatch.setattr(layout, "STOPPED", str(place))
    return place


def test_without_a_marker_an_account_is_not_stopped(markers: Path) -> None:
    (markers / "1001").write_text("another one\n")
    assert stopped.reason(1000) is None


def test_without_a_directory_of_markers_nobody_is_stopped(markers: Path) -> None:
    markers.rmdir()
    assert stopped.reason(1000) is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"", ""),
        (b"\n", ""),
        (b"disk is full\n", "disk is full"),
        (b"no newline", "no newline"),
        (b"one\ntwo\n", "one"),
        (b"x" * 300, "x" * 200),
        (b"\xff", "\udcff"),
    ],
)
def test_a_marker_says_why_in_its_first_line(markers: Path, written: bytes, read: str) -> None:
    (markers / "1000").write_bytes(written)
    assert stopped.reason(1000) == read


def test_a_marker_that_is_a_directory_stops(markers: Path) -> None:
    (markers / "1000").mkdir()
    assert stopped.reason(1000) == UNREADABLE + "Is a directory"


def test_a_marker_that_is_a_link_stops_and_is_not_followed(markers: Path) -> None:
    (markers / "1000").symlink_to("/etc/passwd")
    assert stopped.reason(1000) == UNREADABLE + "Too many levels of symbolic links"


def test_a_link_to_nothing_stops(markers: Path) -> None:
    (markers / "1000").symlink_to(markers / "nothere")
    assert stopped.reason(1000) == UNREADABLE + "Too many levels of symbolic links"


def test_a_file_in_the_place_of_the_directory_stops(markers: Path) -> None:
    markers.rmdir()
    markers.touch()
    assert stopped.reason(1000) == UNREADABLE + "Not a directory"
