"""So many commands of an account run at once, and no more; whoever ends, however, gives a slot back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rshell.host import layout, slots

UID = 4711


class Holder:
    """A process that tried to take a slot, and holds what it got until it is let go."""

    def __init__(self, uid: int, most: int) -> None:
        told, tell = os.pipe()
        hold, self.release = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.write(tell, b"yes" if slots.take(uid, most) else b"no")
            os.read(hold, 1)
            os._exit(0)
        os.close(hold)
        os.close(tell)
        self.got = os.read(told, 3) == b"yes"
        os.close(told)

    def end(self, number: int = 0) -> None:
        """Let it end, or end it by a signal."""
        if number:
            os.kill(self.pid, number)
        else:
            os.write(self.release, b"x")
        os.close(self.release)
        os.waitpid(self.pid, 0)


@pytest.fixture
def holders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Holder]]:
    monkeypatch.setattr(layout, "SLOTS", str(tmp_path))
    made: list[Holder] = []

    def take(uid: int = UID, most: int = 3) -> Holder:
        made.append(Holder(uid, most))
        return made[-1]

    yield take
    for each in made:
        try:
            each.end()
        except OSError:
            continue  # the test has


def test_there_are_so_many_slots_and_no_more(holders: Callable[..., Holder]) -> None:
    assert [holders().got for _ in range(5)] == [True, True, True, False, False]


def test_another_account_has_its_own(holders: Callable[..., Holder]) -> None:
    assert [holders(uid).got for uid in (1, 1, 1, 1, 2, 11)] == [True, True, True, False, True, True]


@pytest.mark.parametrize("number", [0, signal.SIGTERM, signal.SIGKILL])
def test_a_slot_comes_back_however_its_holder_ends(holders: Callable[..., Holder], number: int) -> None:
    first = holders(most=1)
    assert (first.got, holders(most=1).got) == (True, False)
    first.end(number)
    assert holders(most=1).got


def test_a_smaller_limit_holds_for_those_that_come_then(holders: Callable[..., Holder]) -> None:
    assert [holders(most=most).got for most in (3, 3, 1, 3)] == [True, True, False, True]


def test_a_slot_is_readable_by_the_other_identities_whatever_the_umask(
    holders: Callable[..., Holder], tmp_path: Path
) -> None:
    before = os.umask(0o777)
    try:
        assert holders(most=1).got
    finally:
        os.umask(before)
    assert (tmp_path / f"{UID}-0").stat().st_mode & 0o777 == 0o640


def test_a_link_in_the_place_of_a_slot_is_not_followed(holders: Callable[..., Holder], tmp_path: Path) -> None:
    (tmp_path / f"{UID}-0").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        slots.take(UID, 1)
    assert not (tmp_path / "elsewhere").exists()
