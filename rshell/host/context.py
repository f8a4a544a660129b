"""A directory to a tar, for docker build. Nothing is read that the user could not read himself.

SECURITY: this runs as an identity that may read more than the user, below directories that he may be able
to change at any moment. So every step is opened beneath the one before, no link is followed, and what
counts is asked of the open descriptor.
"""

from __future__ import annotations

import pwd
import stat
import tarfile
import time

from rshell.core.build import ignore
from rshell.core.screen import MAX_TEXT
from rshell.core.value import Value
from rshell.lean import os, read_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

MAX_SIZE = 256 << 20  # bytes of all files
MAX_ENTRIES = 20_000
MAX_DEPTH = 40
PATIENCE = 15.0  # seconds for all of it
READ, SEARCH = 4, 1
STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
ACL = "system.posix_acl_access"
IGNORE = ".dockerignore"
PLACE = "/var/tmp"  # noqa: S108 - without a name there


class Unfit(Exception):
    """The directory can't be packed; says what of it is in the way."""


class Rights(Value):
    """Who may read: a uid and groups."""

    uid: int
    groups: frozenset[int]

    def cover(self, descriptor: int, wanted: int) -> bool:
        """Tell whether these are enough for an open file: READ, SEARCH or both."""
        about = os.fstat(descriptor)
        if not self.uid:
            return True
        if about.st_uid == self.uid:
            granted = about.st_mode >> 6
        elif _has_acl(descriptor):  # what its bits say is only a part of it then
            return False
        else:
            granted = about.st_mode >> 3 if about.st_gid in self.groups else about.st_mode
        return granted & wanted == wanted


def rights(user: str) -> Rights:
    """Return the rights of an account. Raises Unfit."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise Unfit("whose files these are is not known") from None
    return Rights(entry.pw_uid, frozenset(os.getgrouplist(user, entry.pw_gid)))


def _has_acl(descriptor: int) -> bool:
    try:
        return bool(os.getxattr(f"/proc/self/fd/{descriptor}", ACL))
    except OSError:  # none, or a file system that has none
        return False


class Directory:
    """An open directory, as the user may read it. Used with `with`."""

    def __init__(self, path: str, who: Rights) -> None:
        """Go there step by step. Raises Unfit."""
        self.who = who
        self.until = time.monotonic() + PATIENCE
        self.size = self.entries = 0
        self.root = os.open("/", STEP)
        try:
            for name in path.split("/")[1:]:
                self.root = _replace(self.root, _open(name, self.root, STEP, path))
                self._check(self.root, SEARCH, path)
            self.root = _replace(self.root, _open(".", self.root, OPEN | os.O_DIRECTORY, path))
            self._check(self.root, READ | SEARCH, path)
            self.device = os.fstat(self.root).st_dev
        except BaseException:
            os.close(self.root)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.root)

    def _check(self, descriptor: int, wanted: int, name: str) -> None:
        if not self.who.cover(descriptor, wanted):
            raise Unfit(f"you may not read {name}")
        if time.monotonic() > self.until:
            raise Unfit("it takes too long")

    def text(self, name: str) -> str:
        """Return a text file below: the Dockerfile, .dockerignore. Raises Unfit, FileNotFoundError."""
        *parents, last = name.split("/")
        here = os.dup(self.root)
        try:
            for part in parents:
                here = _replace(here, os.open(part, OPEN | os.O_DIRECTORY, dir_fd=here))
                self._check(here, SEARCH, name)
            here = _replace(here, os.open(last, OPEN, dir_fd=here))
            self._regular(here, name)
            data = read_all(here, MAX_TEXT)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Unfit(f"{name}: {error.strerror}") from None
        finally:
            os.close(here)
        if len(data) > MAX_TEXT:
            raise Unfit(f"{name} is too long")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise Unfit(f"{name} is not UTF-8 text") from None

    def _regular(self, descriptor: int, name: str) -> None:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise Unfit(f"{name} is no regular file")
        if about.st_dev != self.device:
            raise Unfit(f"{name} is on another file system")
        self._check(descriptor, READ, name)

    def pack(self, output: int, name: str, patterns: ignore.Patterns) -> None:
        """Write all but one file, the Dockerfile, and what .dockerignore leaves out. Raises Unfit."""
        # SECURITY: a first name such as BZh91AY would make docker unpack the tar, and read another one in it
        _write(output, header("./", tarfile.DIRTYPE, 0o755))
        try:
            self._tree(output, self.root, "", (name, IGNORE), patterns)
        except OSError as error:
            raise Unfit(error.strerror or "it can't be read") from None

    def _tree(self, output: int, here: int, prefix: str, without: tuple[str, ...], patterns: ignore.Patterns) -> None:
        """Write what is in a directory, and in those in it."""
        for name in self._names(here):
            path = prefix + name
            if path in without or patterns.leave_out_all(path):
                continue
            if not path.isprintable():  # or it is no UTF-8
                raise Unfit("a name with characters that can't be shown")
            mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                inner = _open(name, here, OPEN | os.O_DIRECTORY, path)
                try:
                    self._directory(output, inner, path, patterns)
                    self._tree(output, inner, path + "/", without, patterns)
                finally:
                    os.close(inner)
            elif not patterns.leave_out(path):
                self._entry(output, path, here, name, mode)

    def _directory(self, output: int, inner: int, path: str, patterns: ignore.Patterns) -> None:
        """Check a directory that is open, and write it."""
        self._check(inner, READ | SEARCH, path)
        if os.fstat(inner).st_dev != self.device:
            raise Unfit(f"{path} is on another file system")
        if path.count("/") >= MAX_DEPTH:
            raise Unfit(f"more than {MAX_DEPTH} directories deep")
        if not patterns.leave_out(path):
            _write(output, header(path, tarfile.DIRTYPE, os.fstat(inner).st_mode))

    def _names(self, directory: int) -> list[str]:
        """Return what is in a directory. It may be more than fits into memory."""
        names = []
        with os.scandir(directory) as entries:
            for entry in entries:
                names.append(entry.name)
                self.entries += 1
                if self.entries > MAX_ENTRIES:
                    raise Unfit(f"more than {MAX_ENTRIES} files")
        return sorted(names)

    def _entry(self, output: int, path: str, parent: int, name: str, mode: int) -> None:
        """Write a file or a link."""
        if stat.S_ISLNK(mode):
            _write(output, header(path, tarfile.SYMTYPE, 0o777, target=os.readlink(name, dir_fd=parent)))
        elif stat.S_ISREG(mode):
            self._file(output, path, parent, name)
        else:
            raise Unfit(f"{path} is no regular file")

    def _file(self, output: int, path: str, parent: int, name: str) -> None:
        descriptor = _open(name, parent, OPEN, path)
        try:
            self._regular(descriptor, path)
            about = os.fstat(descriptor)
            self.size += about.st_size
            if self.size > MAX_SIZE:
                raise Unfit(f"more than {MAX_SIZE >> 20} MiB")
            _write(output, header(path, tarfile.REGTYPE, about.st_mode, about.st_size, about.st_mtime))
            left = about.st_size
            while left:
                part = os.read(descriptor, min(1 << 20, left))
                if not part:
                    raise Unfit(f"{path} changes while it is read")
                _write(output, part)
                left -= len(part)
                self._check(descriptor, READ, path)
            _write(output, bytes(-about.st_size % tarfile.BLOCKSIZE))
        finally:
            os.close(descriptor)


def _open(name: str, parent: int, flags: int, path: str) -> int:
    try:
        return os.open(name, flags, dir_fd=parent)
    except OSError as error:
        raise Unfit(f"{path}: {error.strerror}") from None


def _replace(old: int, new: int) -> int:
    os.close(old)
    return new


def header(name: str, kind: bytes, mode: int, size: int = 0, time: float = 0, target: str = "") -> bytes:
    """Make the header of an entry, owned by root as docker does it."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.mtime, entry.linkname = kind, mode & 0o777, size, int(time), target
    try:
        return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")
    except (UnicodeError, ValueError):
        raise Unfit(f"{name} can't be written to a tar") from None


def put(output: int, texts: Mapping[str, str]) -> None:
    """Write texts of our own as files, and the end of the tar; go back to its beginning."""
    for name, text in texts.items():
        data = text.encode("utf-8")
        _write(output, header(name, tarfile.REGTYPE, 0o644, len(data)))
        _write(output, data + bytes(-len(data) % tarfile.BLOCKSIZE))
    _write(output, bytes(2 * tarfile.BLOCKSIZE))
    os.lseek(output, 0, 0)


def _write(output: int, data: bytes) -> None:
    while data:
        data = data[os.write(output, data) :]


def new_file(small: bool) -> int:
    """Open a file that nobody else can, and that goes with us. small: in memory."""
    if not small:
        try:
            return os.open(PLACE, os.O_TMPFILE | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:  # a file system that can't
            pass
    return os.memfd_create("rshell", os.MFD_CLOEXEC)
