"""Volumes of an Engine and paths of this host, as they are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rshell.core.model import Need
from rshell.core.parts.sources import UNSEEN
from rshell.host import sources
from rshell.host.engine import Engine, Silent
from rshell.host.look import Place


class Answering(Engine):
    """An Engine that is not there, but answers."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__("/nowhere", lambda *_: False)
        self.answers = answers

    def answer(self, path: str) -> object | None:
        return self.answers.get(path)


def volumes(answers: dict[str, Any], *names: str) -> tuple[Any, ...]:
    engine = Answering({f"/volumes/{name}": answer for name, answer in answers.items()})
    return sources.volumes(Need("volume", names), Place(engine, 0, engine.ready))


def test_a_volume_is_its_driver_and_its_options() -> None:
    odd = {"Driver": "local", "Options": {"o": "bind"}}
    assert volumes({"a": {"Driver": "local", "Options": None}, "b": odd}, "a", "b", "c") == (
        ("local", {}), ("local", {"o": "bind"}), (),
    )  # fmt: skip
    assert volumes({"a": {"Driver": "local"}}, "a") == (("local", {}),)


@pytest.mark.parametrize(
    "answer", [[], "x", {}, {"Driver": None}, {"Driver": "local", "Options": ["o=bind"]}, 0, False]
)
def test_an_answer_that_is_no_volume_is_none(answer: Any) -> None:
    with pytest.raises(Silent):
        volumes({"a": answer}, "a")


@pytest.mark.parametrize("name", ["a?b", "a b", "..", "a/../b", "a\r\nb"])
def test_a_name_that_leads_elsewhere_is_not_asked_for(name: str) -> None:
    with pytest.raises(Silent):
        volumes({}, name)


def paths(*names: object) -> tuple[Any, ...]:
    return sources.paths(Need("path", tuple(map(str, names))))


def test_every_step_of_a_path_is_looked_at_and_no_link_is_followed(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "link").symlink_to(inner)
    (inner / "file").write_text("x")
    found = paths(inner / "file", tmp_path / "link", tmp_path / "nothing" / "x", tmp_path / "link" / "file")
    above = [tmp_path, *tmp_path.parents][::-1]
    start = tuple((one.lstat().st_mode, one.lstat().st_uid) for one in above)
    assert found[0] == (*start, *((one.lstat().st_mode, one.lstat().st_uid) for one in (inner.parent, inner,
                                                                                       inner / "file")))
    link = (tmp_path / "link").lstat()
    assert found[1] == (*start, (link.st_mode, link.st_uid))
    assert found[2] == start
    assert found[3][: len(start) + 1] == (*start, (link.st_mode, link.st_uid))


def test_below_a_file_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (found,) = paths(tmp_path / "file" / "x")
    assert len(found) == len((tmp_path / "file").parts)


def test_what_can_not_be_looked_at_is_said_so() -> None:
    (found,) = paths("/" + "x" * 300)
    assert found[1:] == (UNSEEN,)
