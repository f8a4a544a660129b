"""What a line of docker compose needs is read where it will run: the file on stdin, a project's directory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from rshell.core.compose.stacks import Directory, File, Owned
from rshell.core.model import Exec, Need
from rshell.core.screen import MAX_TEXT
from rshell.host import stacks
from rshell.host.channel import ready
from rshell.host.engine import Engine, Silent
from rshell.host.look import Place
from tests.support import execs, judge

NEED = Need("compose-model", ("",))
TEXT = "services: {x: {image: alpine}}\n"


def command(text: str | None = None) -> Exec:
    return execs(judge("docker compose -f - ps"))[0].but(text=text)


def place(stdin: int, waits: Callable[[int, int, float], bool] = ready) -> Place:
    return Place(cast(Engine, None), stdin, waits)


def read(stdin: int, **more: Any) -> File:
    (found,) = stacks.file(command(), NEED, place(stdin, **more))
    return found


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe; whichever end is still open is closed."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def test_a_here_document_is_the_file() -> None:
    (found,) = stacks.file(command(TEXT), NEED, place(-1))
    assert (found.text, found.fault) == (TEXT, "")
    assert found.root is not None
    assert [key.text for key, _ in found.root.pairs] == ["services"]


def test_a_pipe_is_read_to_its_end(pipe: tuple[int, int]) -> None:
    reader, writer = pipe

    def slowly() -> None:
        for char in TEXT:
            os.write(writer, char.encode())
        os.close(writer)

    thread = threading.Thread(target=slowly)
    thread.start()
    assert read(reader).text == TEXT
    thread.join()


def test_a_file_is_read_from_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x\n" + TEXT)
    with (tmp_path / "f").open("rb", buffering=0) as file:
        file.read(2)
        assert read(file.fileno()).text == TEXT


def test_nothing_is_no_file(pipe: tuple[int, int]) -> None:
    os.close(pipe[1])
    assert read(pipe[0]) == File("", None, "stdin is empty")
    null = os.open("/dev/null", os.O_RDONLY)
    try:
        assert read(null) == File("", None, "stdin is empty")
    finally:
        os.close(null)


@pytest.mark.parametrize(("what", "why"), [("/dev/zero", f"longer than {MAX_TEXT} bytes"), ("/", "Is a directory")])
def test_what_is_neither_file_nor_pipe_is_no_file(what: str, why: str) -> None:
    descriptor = os.open(what, os.O_RDONLY)
    try:
        assert read(descriptor) == File("", None, f"stdin is {why}")
    finally:
        os.close(descriptor)


def test_a_terminal_is_not_read() -> None:
    ours, theirs = os.openpty()
    try:
        assert read(theirs) == File("", None, "stdin is a terminal")
    finally:
        os.close(ours)
        os.close(theirs)


def test_what_is_too_long_is_not_read_on(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"#" * MAX_TEXT)
    with (tmp_path / "f").open("rb") as file:
        assert read(file.fileno()).fault != f"stdin is longer than {MAX_TEXT} bytes"
    (tmp_path / "f").write_bytes(b"#" * (MAX_TEXT + 1))
    with (tmp_path / "f").open("rb") as file:
        assert read(file.fileno()) == File("", None, f"stdin is longer than {MAX_TEXT} bytes")


def test_what_does_not_end_is_given_up(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], TEXT.encode())
    answers = iter([True, False])
    assert read(pipe[0], waits=lambda *_: next(answers)).fault == "stdin is open, and nothing came"


@pytest.mark.parametrize("data", [b"\xff\xfe", b"services: \xc3\x28\n"])
def test_bytes_that_are_no_text_are_no_file(data: bytes, pipe: tuple[int, int]) -> None:
    os.write(pipe[1], data)
    os.close(pipe[1])
    assert read(pipe[0]) == File("", None, "stdin is not UTF-8 text")


@pytest.mark.parametrize("data", [b"a: b\x00", b"a: \x1b[31m\n", b"a: b\rc: d\n", b"a: b\r"])
def test_bytes_that_are_no_plain_text_are_a_fault_in_their_line(data: bytes, pipe: tuple[int, int]) -> None:
    os.write(pipe[1], data)
    os.close(pipe[1])
    found = read(pipe[0])
    assert found.root is None
    assert found.fault
    assert found.line == 1


def test_the_ends_of_lines_are_those_of_any_system(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"a: b\r\nc: |\r\n  d\r\n  e\r\n")
    os.close(pipe[1])
    found = read(pipe[0])
    assert found.root is not None
    assert [(key.text, value.text) for key, value in found.root.pairs] == [("a", "b"), ("c", "d\ne\n")]
    assert "\r" not in found.text


# -- a project's directory ----------------------------------------------------------------


def look(path: Path) -> Directory:
    (found,) = stacks.directory(command(), Need("compose-project", (str(path),)), place(-1))
    return found


@pytest.fixture
def project() -> Iterator[Path]:
    """A directory that only root can change, with a compose file."""
    if os.geteuid():
        pytest.skip("needs root: a project of the operator's is root's")
    path = Path(f"/var/lib/rshell-test-project-{os.getpid()}")
    path.mkdir(mode=0o755)
    (path / "compose.yaml").write_text(TEXT)
    (path / "compose.yaml").chmod(0o644)
    yield path
    for one in path.iterdir():
        one.unlink()
    path.rmdir()


def test_the_files_of_a_project_are_found_as_compose_would(project: Path) -> None:
    assert look(project) == Directory(str(project), (f"{project}/compose.yaml",), "/dev/null")
    for name in ("docker-compose.yml", "compose.override.yaml", "compose.override.yml", ".env"):
        (project / name).write_text("")
        (project / name).chmod(0o644)
    assert look(project) == Directory(
        str(project), (f"{project}/compose.yaml", f"{project}/compose.override.yml"), f"{project}/.env"
    )


@pytest.mark.parametrize("name", ["compose.yaml", "compose.override.yml", ".env", ""])
def test_a_project_that_others_can_change_is_not_used(project: Path, name: str) -> None:
    one = project / name
    if not one.exists():
        one.write_text("")
    for mode, owner in ((0o666, 0), (0o664, 0), (0o644, 1000)):
        one.chmod(mode | (0o111 if not name else 0))
        os.chown(one, owner, 0)
        assert look(project).fault
        assert look(project).files == ()
    os.chown(one, 0, 0)
    one.chmod(0o755)


def test_a_file_that_is_a_link_into_a_place_of_others_is_not_used(project: Path, tmp_path: Path) -> None:
    (tmp_path / "f").write_text(TEXT)
    os.chown(tmp_path / "f", 1000, 1000)
    (project / "compose.yaml").unlink()
    (project / "compose.yaml").symlink_to(tmp_path / "f")
    assert look(project).fault


def test_a_project_without_a_file_or_a_directory_is_not_used(project: Path) -> None:
    (project / "compose.yaml").unlink()
    assert look(project) == Directory(str(project), (), "", f"{project} has no compose.yaml")
    assert look(project / "nosuch") == Directory(
        f"{project}/nosuch", (), "", f"{project}/nosuch: No such file or directory"
    )


# -- whose a volume or a network is ---------------------------------------------------------


class Known:
    """An Engine that knows a few things."""

    answers = {  # noqa: RUF012
        "/volumes/lab_a": {"Name": "lab_a", "Driver": "local", "Labels": {"com.docker.compose.project": "lab"}},
        "/volumes/lab_b": {"Name": "lab_b", "Labels": None, "Driver": "local", "Options": None},
        "/networks/lab_f": {"Name": "lab_f", "Labels": None, "Driver": "bridge", "Options": []},
        "/networks/lab_g": {"Name": "lab_g", "Labels": None, "Driver": "bridge", "Options": ["x"]},
        "/networks/lab_c": {
            "Name": "lab_c", "Labels": {"com.docker.compose.project": "other"}, "Driver": "macvlan",
            "Options": {"parent": "eth0", "a": ""},
        },
        "/networks/lab_d": {"Name": "other", "Labels": {}},
    }

    def get(self, path: str) -> object | None:
        return self.answers.get(path)


def test_the_engine_says_whose_a_thing_is() -> None:
    subjects = ("lab volume lab_a", "lab volume lab_b", "lab network lab_c", "lab network lab_d", "lab volume lab_e")
    here = Place(cast(Engine, Known()), -1, ready)
    assert stacks.own(command(), Need("compose-own", subjects), here) == (
        Owned("lab", "local"), Owned("?", "local"), Owned("other", "macvlan", ("a", "parent")), Owned(), Owned(),
    )  # fmt: skip
    assert stacks.own(command(), Need("compose-own", ("lab network lab_f",)), here) == (Owned("?", "bridge"),)
    with pytest.raises(Silent):
        stacks.own(command(), Need("compose-own", ("lab network lab_g",)), here)
