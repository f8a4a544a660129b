"""Open a policy file, trust it or not, and read the rules of one role from its compiled form.

Light: this runs for every command. SECURITY: what is read here decides; so the file and every
directory above it must be root's (or the caller's own, for `try`), and nobody else's to write.
"""

from __future__ import annotations

import marshal
import sys

from rshell import __version__
from rshell.core.model import Advice, Command, Grammar, Option, Policy, Program, Rule
from rshell.lean import os, read_all, sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAGIC = b"rshell\x00\x02"
DIGEST = 8
POINTER = 8 + DIGEST
TAG = f"{sys.implementation.cache_tag}-{marshal.version}"
MAX_SOURCE = 1024 * 1024
MAX_COMPILED = 64 * 1024 * 1024
OTHERS_WRITE = 0o022
STICKY = 0o1000
KIND, REGULAR, LINK = 0o170000, 0o100000, 0o120000
MAX_LINKS = 40


class Untrusted(Exception):
    """The file, or a directory above it, could be changed by somebody else; says which and how."""


class Corrupt(Exception):
    """The compiled form is not what compile.py wrote."""


def open_trusted(path: str, owners: tuple[int, ...]) -> int:
    """Open a regular file that only its owner can change, and whose path only its owner can change.

    path: absolute. owners: uids that are trusted, besides root.
    Returns the open descriptor. Raises OSError, or Untrusted with the reason.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        opened = os.fstat(descriptor)
        if opened.st_mode & KIND != REGULAR:
            raise Untrusted(f"{path} is not a regular file")
        if opened.st_mode & OTHERS_WRITE:
            raise Untrusted(f"{path} can be written by group or others")
        # SECURITY: every step of the path is judged, and it must lead to what was opened, so that a
        # rename between check and use changes nothing
        there = os.stat(walk(path, (0, *owners)))
        if (opened.st_dev, opened.st_ino) != (there.st_dev, there.st_ino):
            raise Untrusted(f"{path} was replaced while it was opened")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def walk(path: str, trusted: tuple[int, ...]) -> str:
    """Follow a path as the kernel does, links included; judge each entry and each directory on the way.

    path: absolute. trusted: the uids that may own them.
    Returns the real path. Raises Untrusted.
    """
    place, steps, links = "", path.split("/"), 0
    while steps:
        step = steps.pop(0)
        if step in ("", "."):
            continue
        if step == "..":
            place = place.rpartition("/")[0]
            continue
        above, entry = os.stat(place or "/"), f"{place}/{step}"
        found = os.lstat(entry)
        for status, name in ((above, place or "/"), (found, entry)):
            if status.st_uid not in trusted:
                raise Untrusted(f"{name} belongs to uid {status.st_uid}, expected root")
        if above.st_mode & OTHERS_WRITE and not above.st_mode & STICKY:
            raise Untrusted(f"the directory of {entry} can be written by group or others")
        if found.st_mode & KIND != LINK:
            place = entry
            continue
        links += 1
        if links > MAX_LINKS:
            raise Untrusted(f"{path} leads through too many links")
        target = os.readlink(entry)
        place = "" if target.startswith("/") else place
        steps = target.split("/") + steps
    return place


class Compiled:
    """A compiled policy: an open file, or bytes in memory."""

    def __init__(self, data: bytes = b"", descriptor: int = -1) -> None:
        self.data = data
        self.descriptor = descriptor
        start = self.bytes_at(0, len(MAGIC) + DIGEST + 4)
        size = int.from_bytes(start[-4:], "big")
        packed = self.bytes_at(len(start), size) if size < MAX_COMPILED else b""
        if start[: len(MAGIC)] != MAGIC or sha256(packed).digest()[:DIGEST] != start[len(MAGIC) : -4]:
            raise Corrupt("header")
        self.header: dict[str, Any] = marshal.loads(packed)  # noqa: S302 - root's file, digest checked
        self.base = len(start) + size

    def bytes_at(self, offset: int, length: int) -> bytes:
        if self.descriptor < 0:
            return self.data[offset : offset + length]
        return os.pread(self.descriptor, length, offset)

    def is_ours(self, grammars: str) -> bool:
        """Tell whether this very program compiled it, with these completions."""
        header = self.header
        return (header["tag"], header["version"], header["grammars"]) == (TAG, __version__, grammars)

    def raw(self, pointer: bytes) -> bytes:
        offset, length = int.from_bytes(pointer[:4], "big"), int.from_bytes(pointer[4:8], "big")
        data = self.bytes_at(self.base + offset, length)
        if sha256(data).digest()[:DIGEST] != pointer[8:]:
            raise Corrupt("piece")
        return data

    def piece(self, pointer: bytes) -> Any:
        """Read one piece, checked against its digest."""
        return marshal.loads(self.raw(pointer))  # noqa: S302 - root's file, digest checked

    def role_of(self, user: str, groups: Callable[[str], tuple[str, ...]]) -> str:
        """Return the role of an account, or '' when it has none, or more than one by its groups.

        groups: finds the groups of a user; asked only when the policy speaks of any.
        """
        role = self.header["users"].get(user, "")
        if not role and self.header["groups"]:
            known = self.header["groups"]
            by_group = {known[group] for group in groups(user) if group in known}
            role = by_group.pop() if len(by_group) == 1 else ""
        return str(role)

    def policy(self, role: str, path: str) -> Policy:
        """Return the rules of a role; they are read as they are asked for. Raises KeyError: no such role."""
        pointer, count = self.header["roles"][role]
        shards = _Shards(self, self.raw(pointer), count)
        programs: Any = _Lazy(shards, "program ", _program)
        commands: Any = _Lazy(shards, "command ", _command)
        advice: Any = _Lazy(shards, "advice ", _advice)
        shapes: Any = _Lazy(shards, "shape ", _grammar)
        sections: Any = _Lazy(shards, "section ", _section)
        return Policy(
            role, path, self.header["source"], programs, commands, advice, shapes, self.header["settings"], sections
        )


def bucket_of(key: str, count: int) -> int:
    """Return the bucket of a key: FNV-1a, so that it is the same in every process."""
    value = 2166136261
    for byte in key.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value % count


class _Shards:
    """The pieces of one role by key."""

    def __init__(self, compiled: Compiled, table: bytes, count: int) -> None:
        self.compiled, self.table, self.count = compiled, table, count

    def get(self, key: str) -> Any:
        start = bucket_of(key, self.count) * POINTER
        bucket = self.compiled.piece(self.table[start : start + POINTER])
        pointer = bucket.get(key)
        return None if pointer is None else self.compiled.piece(pointer)


class _Lazy:
    """A mapping whose values are read from their shard when first asked for."""

    def __init__(self, shards: _Shards, prefix: str, make: Any) -> None:
        self.shards, self.prefix, self.make = shards, prefix, make
        self.known: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        if key not in self.known:
            packed = self.shards.get(self.prefix + key)
            self.known[key] = None if packed is None else self.make(packed)
        found = self.known[key]
        return default if found is None else found

    def __getitem__(self, key: str) -> Any:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None

    def __iter__(self) -> Any:
        return iter(self.shards.get("index")[self.prefix])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def keys(self) -> Any:
        return list(iter(self))


def _grammar(packed: Any) -> Grammar:
    fields = list(packed)
    fields[3] = {name: Option(*option) for name, option in packed[3].items()}
    return Grammar(*fields)


def _program(packed: Any) -> Program:
    fields = list(packed)
    fields[4] = None if packed[4] is None else _grammar(packed[4])
    return Program(*fields)


def _command(packed: Any) -> Command:
    key, grammar, rules, never = packed
    return Command(key, None if grammar is None else _grammar(grammar), tuple(Rule(*rule) for rule in rules), never)


def _section(packed: Any) -> Any:
    name, fields = packed
    if name == "containers":
        from rshell.core.containers import Containers

        return Containers(*fields)
    from rshell.core.objects.rights import Objects, Selection

    manage, observe, listed, protected = fields
    return Objects(manage, observe, Selection(*listed), Selection(*protected))


def _advice(packed: Any) -> tuple[Advice, ...]:
    return tuple(Advice(*fields) for fields in packed)


def mark_of(status: os.stat_result) -> tuple[int, ...]:
    """Return what changes when a file is replaced or written to."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def read_source(descriptor: int, path: str) -> bytes:
    """Read an open policy file whole, from its start. Raises OSError or Untrusted."""
    os.lseek(descriptor, 0, 0)
    data = read_all(descriptor, MAX_SOURCE)
    if len(data) > MAX_SOURCE:
        raise Untrusted(f"{path} is larger than {MAX_SOURCE} bytes")
    return data


def read_trusted(path: str, owners: tuple[int, ...]) -> bytes:
    """Open and read a policy file whole. Raises OSError or Untrusted."""
    descriptor = open_trusted(path, owners)
    try:
        return read_source(descriptor, path)
    finally:
        os.close(descriptor)
