"""A policy to its compiled form: one shard for each command, found without reading the others.

Layout: MAGIC, digest and length of the header, header, pieces. A piece is marshalled data; whoever
points to it knows offset, length and digest. For each role a table of buckets, for each bucket a
mapping of keys to pieces; so the time to find a rule doesn't grow with their number.
"""

from __future__ import annotations

import marshal

from rshell import __version__
from rshell.core.value import Value
from rshell.lean import sha256
from rshell.policy.store import DIGEST, MAGIC, TAG, bucket_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rshell.core.containers import Containers
    from rshell.policy.load import Role, Source

PER_BUCKET = 8


def compile_policy(source: Source, data: bytes, grammars: str, mark: tuple[int, ...] = ()) -> bytes:
    """Write the compiled form.

    data: the YAML the source was read from. grammars: identity of the completions files.
    mark: of the file that holds the YAML where it is installed (store.mark_of), if it is there already.
    """
    pieces = _Pieces()
    roles = {role.name: _role(source, role, pieces) for role in source.roles.values()}
    header = {
        "tag": TAG, "version": __version__, "source": sha256(data).hexdigest(), "grammars": grammars,
        "mark": mark,
        "users": {user: role.name for role in source.roles.values() for user in role.users},
        "groups": {group: role.name for role in source.roles.values() for group in role.groups},
        "roles": roles, "settings": dict(source.settings),
    }  # fmt: skip
    packed = marshal.dumps(header)
    start = MAGIC + digest(packed) + len(packed).to_bytes(4, "big")
    return start + packed + b"".join(pieces.parts)


def digest(data: bytes) -> bytes:
    """Return what guards a piece against decay."""
    return sha256(data).digest()[:DIGEST]


class _Pieces:
    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.seen: dict[bytes, bytes] = {}

    def add(self, value: object) -> bytes:
        """Store a value; return its pointer: offset, length, digest."""
        return self.raw(marshal.dumps(pack(value)))

    def raw(self, data: bytes) -> bytes:
        pointer = self.seen.get(data)
        if pointer is None:
            pointer = self.size.to_bytes(4, "big") + len(data).to_bytes(4, "big") + digest(data)
            self.seen[data] = pointer
            self.parts.append(data)
            self.size += len(data)
        return pointer


def pack(value: Any) -> Any:
    """Turn values into what marshal can store."""
    if isinstance(value, Value):
        return tuple(pack(getattr(value, field)) for field in type(value)._fields)
    if isinstance(value, tuple):
        return tuple(pack(item) for item in value)
    if isinstance(value, dict):
        return {key: pack(item) for key, item in value.items()}
    return value


def _programs_of(source: Source, key: str) -> list[str]:
    """Return the programs that a command belongs to: docker, and docker compose too for one of its own."""
    words = key.split()
    names = [" ".join(words[:count]) for count in range(1, len(words) + 1)]
    return [name for name in names if name in source.programs]


def _advised(source: Source) -> set[str]:
    """Return the commands that advice speaks of by their operands: `docker exec {container}`."""
    found = set()
    for advice in (one for several in source.advice.values() for one in several):
        words = [word for word in advice.pattern if not word.startswith("{")]
        for count in range(1, len(words) + 1):
            key = " ".join(words[:count])
            if key in source.grammars and len(advice.pattern) > count:
                found.add(key)
    return found


def _kept(source: Source) -> Containers:
    """Tell those who judge what is to be made of the names that it may not have."""
    kept = source.objects.protected
    return source.containers.but(
        kept_names=kept.containers, kept_images=kept.images, kept_volumes=kept.volumes, kept_networks=kept.networks
    )


def _role(source: Source, role: Role, pieces: _Pieces) -> tuple[bytes, int]:
    """Store what a role may; return the pointer of its table and the number of buckets."""
    entries: dict[str, bytes] = {}
    granted: dict[str, set[str]] = {}  # program -> the sides of a | where it may stand
    for key, rules in role.rules.items():
        for name in _programs_of(source, key):
            granted.setdefault(name, set()).update("right" if rule.right_of_pipe else "left" for rule in rules)
    for name, sides in granted.items():
        entries["program " + name] = pieces.add(source.programs[name].but(sides=tuple(sorted(sides))))
    entries["section containers"] = pieces.add(("containers", _kept(source)))
    entries["section objects"] = pieces.add(("objects", source.objects))
    for key, rules in role.rules.items():
        command = (key, source.grammars.get(key), rules, source.never.get(key, ""))
        entries["command " + key] = pieces.add(command)
    for name, advice in source.advice.items():
        entries["advice " + name] = pieces.add(advice)
    for key in sorted(_advised(source) - set(role.rules)):
        entries["shape " + key] = pieces.add(source.grammars[key])
    index: dict[str, list[str]] = {"program ": [], "command ": [], "advice ": [], "shape ": [], "section ": []}
    for entry in sorted(entries):
        kind, _, key = entry.partition(" ")
        index[kind + " "].append(key)
    entries["index"] = pieces.add({kind: tuple(keys) for kind, keys in index.items()})
    count = max(1, len(entries) // PER_BUCKET)
    buckets: list[dict[str, bytes]] = [{} for _ in range(count)]
    for key, pointer in entries.items():
        buckets[bucket_of(key, count)][key] = pointer
    return pieces.raw(b"".join(pieces.add(bucket) for bucket in buckets)), count
