"""A directory to a tar: what is in it, whose rights count, what no link or race can bring in."""

from __future__ import annotations

import getpass
import io
import os
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rshell.core.build import ignore
from rshell.host import context
from rshell.host.context import READ, SEARCH, Directory, Rights, Unfit, rights

NOBODY = 65534
SELF = rights(getpass.getuser())
STRANGER = Rights(NOBODY, frozenset((NOBODY,)))
NONE = ignore.read("")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: files of others")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory that everybody may look into."""
    for above in (tmp_path, *tmp_path.parents):
        if not above.stat().st_mode & SEARCH:
            above.chmod(above.stat().st_mode | SEARCH)
    made = tmp_path / "context"
    made.mkdir(mode=0o755)
    return made


def packed(path: Path, name: str = "Dockerfile", text: str = "FROM a\n", patterns: ignore.Patterns = NONE,
           who: Rights = SELF) -> tarfile.TarFile:  # fmt: skip
    """The tar of a directory, read back."""
    output = context.new_file(small=False)
    try:
        with Directory(str(path), who) as directory:
            directory.pack(output, name, patterns)
        context.put(output, {name: text})
        with os.fdopen(os.dup(output), "rb") as file:
            return tarfile.open(fileobj=io.BytesIO(file.read()))
    finally:
        os.close(output)


def unfit(path: Path, who: Rights = SELF) -> str:
    with pytest.raises(Unfit) as caught:
        packed(path, who=who)
    return str(caught.value)


def content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def test_it_holds_files_directories_links_and_the_given_dockerfile(place: Path) -> None:
    (place / "sub").mkdir()
    (place / "sub" / "program").write_bytes(b"x" * 1000)
    (place / "sub" / "program").chmod(0o4755)
    (place / "link").symlink_to("/etc/shadow")
    (place / "Dockerfile").write_text("FROM another\n")
    (place / "empty").touch()
    archive = packed(place)
    kinds = {entry.name: (entry.type, entry.mode, entry.uid, entry.gid, entry.linkname) for entry in archive}
    assert kinds == {
        ".": (tarfile.DIRTYPE, 0o755, 0, 0, ""),
        "Dockerfile": (tarfile.REGTYPE, 0o644, 0, 0, ""),
        "empty": (tarfile.REGTYPE, (place / "empty").stat().st_mode & 0o777, 0, 0, ""),
        "link": (tarfile.SYMTYPE, 0o777, 0, 0, "/etc/shadow"),
        "sub": (tarfile.DIRTYPE, (place / "sub").stat().st_mode & 0o777, 0, 0, ""),
        "sub/program": (tarfile.REGTYPE, 0o755, 0, 0, ""),
    }
    assert content(archive, "sub/program") == b"x" * 1000
    assert content(archive, "Dockerfile") == b"FROM a\n"
    assert archive.getnames().count("Dockerfile") == 1


@pytest.mark.parametrize("name", ["BZh91AY&SY", "!", "0"])
def test_the_first_bytes_are_no_name_of_the_user_s(place: Path, name: str) -> None:
    (place / name).write_text("x")  # by its first bytes, the tar would be a packed file
    output = context.new_file(small=False)
    try:
        with Directory(str(place), SELF) as directory:
            directory.pack(output, "Dockerfile", NONE)
        assert os.pread(output, 100, 0) == b"./".ljust(100, b"\0")
    finally:
        os.close(output)
    assert packed(place).getnames() == [".", name, "Dockerfile"]


def test_long_and_foreign_names_are_kept(place: Path) -> None:
    name = "d" * 120 + "/" + "\u00e9" * 60
    (place / name).parent.mkdir()
    (place / name).write_text("x")
    assert content(packed(place), name) == b"x"


def test_what_dockerignore_names_stays_out(place: Path) -> None:
    (place / "secret").mkdir()
    (place / "secret" / "key").write_text("x")
    (place / ".dockerignore").write_text("secret\nDockerfile\n")
    (place / "kept").write_text("x")
    assert sorted(packed(place, patterns=ignore.read("secret\nDockerfile\n")).getnames()) == [".", "Dockerfile", "kept"]


def test_a_directory_that_is_left_out_is_not_opened(place: Path) -> None:
    (place / "secret").mkdir()
    os.mkfifo(place / "secret" / "pipe")
    assert packed(place, patterns=ignore.read("secret")).getnames() == [".", "Dockerfile"]


def bound(path: str) -> None:
    """Leave a socket there."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path)


@pytest.mark.parametrize("make", [os.mkfifo, bound])
def test_what_is_neither_file_nor_directory_nor_link_is_refused(
    place: Path, make: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    make("thing")
    assert unfit(place) == "thing is no regular file"


def test_a_link_on_the_way_is_not_followed(place: Path, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to(place)
    assert unfit(tmp_path / "way").endswith("way: Not a directory")
    (place / "sub").symlink_to(tmp_path)
    assert unfit(place / "sub").endswith("sub: Not a directory")


def test_a_missing_directory_is_refused(place: Path) -> None:
    assert unfit(place / "missing").endswith("missing: No such file or directory")


def test_a_file_is_no_directory(place: Path) -> None:
    (place / "file").touch()
    assert unfit(place / "file").endswith("file: Not a directory")


@pytest.mark.parametrize("name", [b"a\nb", b"\xff", b"\x1b[1m"])
def test_a_name_that_can_not_be_shown_is_refused(place: Path, name: bytes) -> None:
    Path(os.fsdecode(bytes(place) + b"/" + name)).touch()
    assert unfit(place) == "a name with characters that can't be shown"


@pytest.mark.parametrize(
    ("bound", "value", "why"),
    [("MAX_SIZE", 5, "more than 0 MiB"), ("MAX_ENTRIES", 2, "more than 2 files"),
     ("MAX_DEPTH", 1, "more than 1 directories deep"), ("PATIENCE", -1, "it takes too long")],
)  # fmt: skip
def test_it_is_bounded(place: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, why: str) -> None:
    (place / "a" / "b").mkdir(parents=True)
    (place / "c").write_text("123456")
    monkeypatch.setattr(context, bound, value)
    assert unfit(place) == why


# -- whose rights --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "who", "wanted", "covered"),
    [
        (0o400, Rights(1, frozenset((2,))), READ, True),
        (0o040, Rights(1, frozenset((2,))), READ, False),  # the owner's bits count for the owner
        (0o044, Rights(1, frozenset((2,))), READ, False),
        (0o040, Rights(3, frozenset((2, 5))), READ, True),
        (0o004, Rights(3, frozenset((2, 5))), READ, False),
        (0o004, Rights(3, frozenset((5,))), READ, True),
        (0o440, Rights(3, frozenset((5,))), READ, False),
        (0o005, Rights(3, frozenset()), READ | SEARCH, True),
        (0o004, Rights(3, frozenset()), READ | SEARCH, False),
        (0o001, Rights(3, frozenset()), READ | SEARCH, False),
        (0o000, Rights(0, frozenset()), READ | SEARCH, True),
    ],
)
@as_root
def test_the_user_s_own_rights_count(place: Path, mode: int, who: Rights, wanted: int, covered: bool) -> None:
    file = place / "file"
    file.touch()
    os.chown(file, 1, 2)
    file.chmod(mode)
    descriptor = os.open(file, os.O_RDONLY)
    try:
        assert who.cover(descriptor, wanted) == covered
    finally:
        os.close(descriptor)


@as_root
def test_a_file_that_only_others_may_read_is_not_packed(place: Path) -> None:
    (place / "secret").write_text("x")
    (place / "secret").chmod(0o640)
    assert unfit(place, STRANGER) == "you may not read secret"
    assert "secret" in packed(place).getnames()


@as_root
def test_a_hard_link_to_a_secret_is_no_way_to_it(place: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o600)
    os.link(tmp_path / "secret", place / "mine")
    os.chown(place, NOBODY, NOBODY)
    assert unfit(place, STRANGER) == "you may not read mine"


@as_root
def test_a_directory_that_only_others_may_enter_is_not_packed(place: Path) -> None:
    (place / "sub").mkdir(mode=0o700)
    assert unfit(place, STRANGER) == "you may not read sub"
    place.chmod(0o711)
    assert unfit(place, STRANGER) == f"you may not read {place}"
    place.parent.chmod(0o700)
    assert unfit(place, STRANGER) == f"you may not read {place}"


@as_root
def test_a_file_with_an_access_list_is_not_what_its_bits_say(place: Path) -> None:
    file = place / "file"
    file.write_text("x")
    file.chmod(0o644)
    # user::rw- user:65534:--- group::r-- mask::r-- other::r--: source: posix_acl_xattr.h
    entries = ((1, 6, 2**32 - 1), (2, 0, NOBODY), (4, 4, 2**32 - 1), (16, 4, 2**32 - 1), (32, 4, 2**32 - 1))
    data = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + who.to_bytes(4, "little") for tag, bits, who in entries
    )
    try:
        os.setxattr(file, context.ACL, data)
    except OSError as error:
        pytest.skip(f"this file system has no access lists: {error}")
    assert unfit(place, STRANGER) == "you may not read file"


def test_an_unknown_user_may_nothing() -> None:
    with pytest.raises(Unfit):
        rights("nobody-by-this-name")
    with pytest.raises(Unfit):
        rights("")


# -- races -----------------------------------------------------------------------------------


def test_a_file_that_becomes_a_link_is_not_followed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "file").write_text("mine")
    (place / "secret").write_text("x")
    real = os.open

    def swapped(name: str, flags: int, *rest: int, dir_fd: int | None = None) -> int:
        if name == "file":
            (place / "file").unlink()
            (place / "file").symlink_to("secret")
        return real(name, flags, *rest, dir_fd=dir_fd)

    monkeypatch.setattr(context.os, "open", swapped)
    assert unfit(place).startswith("file: ")


def test_a_file_that_becomes_a_pipe_makes_nobody_wait(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "file").write_text("mine")
    real = os.open

    def swapped(name: str, flags: int, *rest: int, dir_fd: int | None = None) -> int:
        if name == "file":
            (place / "file").unlink()
            os.mkfifo(place / "file")
        return real(name, flags, *rest, dir_fd=dir_fd)

    monkeypatch.setattr(context.os, "open", swapped)
    assert unfit(place) == "file is no regular file"


def test_a_file_that_shrinks_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "file").write_text("mine")
    real = os.read

    def shorter(descriptor: int, size: int) -> bytes:
        os.truncate(place / "file", 0)
        return real(descriptor, size)

    monkeypatch.setattr(context.os, "read", shorter)
    assert unfit(place) == "file changes while it is read"


def test_a_directory_that_becomes_a_link_is_no_link_with_files_below(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "sub").mkdir()
    (place / "sub" / "file").write_text("x")
    real = os.open

    def swapped(name: str, flags: int, *rest: int, dir_fd: int | None = None) -> int:
        descriptor = real(name, flags, *rest, dir_fd=dir_fd)
        if name == "sub":
            (place / "sub").rename(place.parent / "away")
            (place / "sub").symlink_to("/etc")
        return descriptor

    monkeypatch.setattr(context.os, "open", swapped)
    kinds = {entry.name: entry.type for entry in packed(place)}
    assert kinds == {
        ".": tarfile.DIRTYPE, "Dockerfile": tarfile.REGTYPE, "sub": tarfile.DIRTYPE, "sub/file": tarfile.REGTYPE,
    }  # fmt: skip


# -- one text of it --------------------------------------------------------------------------


def text_of(place: Path, name: str, who: Rights = SELF) -> str:
    with Directory(str(place), who) as directory:
        return directory.text(name)


def test_a_dockerfile_below_is_read(place: Path) -> None:
    (place / "docker").mkdir()
    (place / "docker" / "Dockerfile.dev").write_text("FROM a\n")
    assert text_of(place, "docker/Dockerfile.dev") == "FROM a\n"
    with pytest.raises(FileNotFoundError):
        text_of(place, "Dockerfile")


def test_a_dockerfile_that_is_a_link_is_not_read(place: Path) -> None:
    (place / "other").mkdir()
    (place / "other" / "Dockerfile").write_text("FROM a\n")
    (place / "Dockerfile").symlink_to("other/Dockerfile")
    (place / "docker").symlink_to("other")
    for name in ("Dockerfile", "docker/Dockerfile"):
        with pytest.raises(Unfit):
            text_of(place, name)


@pytest.mark.parametrize(("data", "why"), [(b"\xff", "is not UTF-8 text"), (b"x" * 300_000, "is too long")])
def test_a_dockerfile_that_is_no_text_is_not_read(place: Path, data: bytes, why: str) -> None:
    (place / "Dockerfile").write_bytes(data)
    with pytest.raises(Unfit, match=why):
        text_of(place, "Dockerfile")


@as_root
def test_a_dockerfile_of_others_is_not_read(place: Path) -> None:
    (place / "Dockerfile").write_text("FROM a\n")
    (place / "Dockerfile").chmod(0o600)
    with pytest.raises(Unfit):
        text_of(place, "Dockerfile", STRANGER)
