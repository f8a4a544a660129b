"""Steps of an installation. Each looks first, says what it is, and knows how to be taken back."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from rshell.ctl.launcher import write_atomically


class Step:
    """One thing that an installed host has.

    kind, name: what the manifest knows it by. what: it, in words.
    """

    kind: ClassVar[str] = ""

    def __init__(self, name: str, what: str) -> None:
        self.name, self.what = name, what

    def is_done(self) -> bool:
        """Tell whether it is already so, whole: nothing would be changed."""
        raise NotImplementedError

    def found(self) -> Any:
        """Return what is there now, for put_back; None if there is nothing."""
        raise NotImplementedError

    def do(self) -> str:
        """Make it so, in one step or so that it can be done again. Return a warning, or ''. Raises Stop."""
        raise NotImplementedError

    @staticmethod
    def put_back(name: str, was: Any) -> str:
        """Make it as it was found; again and again is fine. Return what is left, in words, or ''."""
        raise NotImplementedError


class File(Step):
    """A file of root's, its content, its mode, its group."""

    kind = "file"

    def __init__(
        self, path: str, content: bytes, mode: int, what: str,
        group: str = "root", check: Callable[[bytes], None] | None = None,
    ) -> None:  # fmt: skip
        """check: raises Stop when the content must not get in place."""
        super().__init__(path, f"{path}: {what}")
        self.path, self.content, self.mode, self.group, self.check = Path(path), content, mode, group, check

    def is_done(self) -> bool:
        if not is_plain(self.path, stat.S_ISREG) or not owned(self.path, "root", self.group, self.mode):
            return False
        return self.path.read_bytes() == self.content

    def found(self) -> Any:
        return remembered(self.path)

    def do(self) -> str:
        if self.check:
            self.check(self.content)
        write_atomically(self.path, self.content, self.mode, gid_of(self.group))
        return ""

    @staticmethod
    def put_back(name: str, was: Any) -> str:
        path = Path(name)
        path.with_name(f".{path.name}.new").unlink(missing_ok=True)  # of a run that was killed
        if was is None:
            path.unlink(missing_ok=True)
        elif "link" in was:
            path.unlink(missing_ok=True)
            path.symlink_to(was["link"])
        else:
            write_atomically(path, b64decode(was["content"]), was["mode"], was["gid"], was["uid"])
        return ""


class Log(File):
    """A file that others append to: made once, never overwritten; records outlive us."""

    kind = "log"

    def is_done(self) -> bool:
        return is_plain(self.path, stat.S_ISREG) and owned(self.path, "root", self.group, self.mode)

    def do(self) -> str:
        # SECURITY: in a directory where only root makes entries; a link there would still not be followed
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        give(descriptor, 0, gid_of(self.group), self.mode)
        return ""

    @staticmethod
    def put_back(name: str, was: Any) -> str:
        path = Path(name)
        if not path.exists():
            return ""
        if was is None and not path.stat().st_size:
            path.unlink()
            return ""
        # SECURITY: the group goes, and its number may be given to somebody else
        os.chown(path, 0, was["gid"] if was else 0)
        path.chmod(was["mode"] if was else 0o600)
        return f"{name} is kept: the records"


class Line(Step):
    """A line of a file that is not ours."""

    kind = "line"

    def __init__(self, path: str, line: str, what: str) -> None:
        super().__init__(f"{path}:{line}", f"{path}: {what}")
        self.path, self.line = Path(path), line

    def is_done(self) -> bool:
        return self.line in lines_of(self.path)

    def found(self) -> Any:
        return True if self.is_done() else None

    def do(self) -> str:
        text = self.path.read_text() if self.path.exists() else ""
        rewrite(self.path, (text if text.endswith("\n") or not text else text + "\n") + self.line + "\n")
        return ""

    @staticmethod
    def put_back(name: str, was: Any) -> str:
        path, _, line = name.partition(":")
        lines = lines_of(Path(path))
        if was is None and line in lines:
            rewrite(Path(path), "".join(each + "\n" for each in lines if each != line))
        return ""


class Directory(Step):
    """A directory: whose, and with which mode."""

    kind = "directory"

    def __init__(self, path: str, mode: int, what: str, owner: str = "root", group: str = "root") -> None:
        super().__init__(path, f"{path}/: {what}")
        self.path, self.mode, self.owner, self.group = Path(path), mode, owner, group

    def is_done(self) -> bool:
        return is_plain(self.path, stat.S_ISDIR) and owned(self.path, self.owner, self.group, self.mode)

    def found(self) -> Any:
        return remembered(self.path)

    def do(self) -> str:
        self.path.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        give(descriptor, uid_of(self.owner), gid_of(self.group), self.mode)
        return ""

    @staticmethod
    def put_back(name: str, was: Any) -> str:
        path = Path(name)
        if not path.is_dir() or path.is_symlink():
            return ""
        if was is None and not any(path.iterdir()):
            path.rmdir()
            return ""
        # SECURITY: as for a log: whoever gets the number of our group gets nothing with it
        os.chown(path, was["uid"] if was else 0, was["gid"] if was else 0)
        path.chmod(was["mode"] if was else path.stat().st_mode & 0o755)
        return "" if was else f"{name} is kept: there are files in it"


class Tree(Directory):
    """A directory that is ours with all that will ever be in it."""

    kind = "tree"

    @staticmethod
    def put_back(name: str, was: Any) -> str:
        if was is not None:
            return Directory.put_back(name, was)
        if Path(name).is_dir():
            shutil.rmtree(name)
        return ""


def remembered(path: Path) -> dict[str, Any] | None:
    """Return what put_back needs of a path: mode and owner, a file's content, where a link leads."""
    if not os.path.lexists(path):
        return None
    if path.is_symlink():
        return {"link": os.readlink(path)}
    status = path.stat()
    kept: dict[str, Any] = {"mode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid}
    return {**kept, "content": b64encode(path.read_bytes()).decode()} if stat.S_ISREG(status.st_mode) else kept


def rewrite(path: Path, text: str) -> None:
    """Replace the text of a file that is not ours; mode and owner stay."""
    status = path.stat() if path.exists() else None
    if status is None:
        write_atomically(path, text.encode(), 0o644)
    else:
        write_atomically(path, text.encode(), stat.S_IMODE(status.st_mode), status.st_gid, status.st_uid)


def lines_of(path: Path) -> list[str]:
    """Return the lines of a file; none if it is not there."""
    return path.read_text().removesuffix("\n").split("\n") if path.exists() else []


def is_plain(path: Path, kind: Callable[[int], bool]) -> bool:
    """Tell whether a path is of a kind itself, not by a link."""
    try:
        return kind(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def owned(path: Path, owner: str, group: str, mode: int) -> bool:
    """Tell whether a path has this owner, this group and exactly this mode."""
    status = path.lstat()
    try:
        wanted = (uid_of(owner), gid_of(group), mode)
    except KeyError:
        return False
    return (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == wanted


def give(descriptor: int, uid: int, gid: int, mode: int) -> None:
    """Say whose an open file or directory is, and with which mode; close it."""
    try:
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def uid_of(name: str) -> int:
    """Return the uid of an account. Raises KeyError."""
    return pwd.getpwnam(name).pw_uid


def gid_of(name: str) -> int:
    """Return the gid of a group. Raises KeyError."""
    return grp.getgrnam(name).gr_gid
