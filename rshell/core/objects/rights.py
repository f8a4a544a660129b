"""Whose containers, images, volumes and networks may be touched: the policy's word on one that was looked up.

Pure values. What a command touches is in touched.py, the verdict on what was found in resolved.py.
"""

from __future__ import annotations

from rshell.core.containers import OWNER_LABEL
from rshell.core.parts import images
from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MANAGE, OBSERVE = "manage", "observe"
KINDS = {"container": "containers", "image": "images", "volume": "volumes", "network": "networks"}
PROJECT_LABEL = "com.docker.compose.project"
# SECURITY: never OWNER_LABEL on an image: whoever runs it would start a container that looks like the builder's own
BUILDER_LABEL = "rshell.built-by"
NONE, MANY = "", "many"  # what look finds instead of a Thing: nothing, or more than one


class Selection(Value):
    """Some objects: patterns of their names by kind, of their labels, of the compose projects they belong to."""

    containers: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()

    def names(self, kind: str, name: str) -> bool:
        """Tell whether objects of a kind are meant by this name."""
        patterns: tuple[str, ...] = getattr(self, KINDS[kind])
        return any(images.matches(pattern, one) for pattern in patterns for one in _spellings(kind, name))

    def has(self, thing: Thing) -> bool:
        """Tell whether a thing is among these."""
        project = thing.label(PROJECT_LABEL)  # SECURITY: '' is none; docker.py puts that over an image's own label
        said = [text for name, value in thing.labels for text in (name, f"{name}={value}")]
        return (
            any(self.names(thing.kind, name) for name in thing.names)
            or any(images.matches(pattern, text) for pattern in self.labels for text in said)
            or any(project and images.matches(pattern, project) for pattern in self.projects)
        )


class Objects(Value):
    """The `objects` section of a policy. What it doesn't say is `own`."""

    manage: str = "own"  # any | own | listed
    observe: str = "own"  # any | own
    listed: Selection = Selection()
    protected: Selection = Selection()

    def asks(self, access: str, kind: str) -> bool:
        """Tell whether it depends on the object if a command may touch it."""
        kept = self.protected
        named = getattr(kept, KINDS[kind]) or kept.labels or (kept.projects and kind != "image")
        return bool(named) or self.scope(access) != "any"

    def scope(self, access: str) -> str:
        """Return whose objects an access is for."""
        return self.manage if access == MANAGE else self.observe


class Held(Value):
    """One mount of a container, as it is. `behind` is what look found there, if it looked; see sources.py."""

    kind: str
    source: str  # the path of a bind, the name of a volume
    target: str
    read_only: bool
    behind: tuple[Any, ...] | None = None
    project: str = ""  # of docker compose, that a volume belongs to


class Thing(Value):
    """A container, image, volume or network that is there."""

    kind: str
    id: str
    names: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    mounts: tuple[Held, ...] = ()
    tag: str = ""  # the reference by which an image was named; '' if that was its id
    borrowed: bool = False  # the owner's label is (or may be) its image's, and so says nothing

    def label(self, name: str) -> str:
        """Return the value of a label, or ''."""
        return dict(self.labels).get(name, "")

    def is_own(self, uid: int) -> bool:
        """Tell whether an account started it through rshell, or built it."""
        label = BUILDER_LABEL if self.kind == "image" else OWNER_LABEL
        return not self.borrowed and self.label(label) == str(uid)


def judge(objects: Objects, uid: int, access: str, thing: Thing) -> str:
    """Hold a thing against the policy. Return '' when it may be touched, else the code of why not."""
    if objects.protected.has(thing):
        return "protected"
    scope = objects.scope(access)
    if scope == "any" or objects.listed.has(thing) or (scope == "own" and thing.is_own(uid)):
        return ""
    return "not-listed" if scope == "listed" else "not-yours"


def _spellings(kind: str, name: str) -> tuple[str, ...]:
    """Return how a pattern may name an object: an image with or without its tag."""
    if kind != "image":
        return (name.removeprefix("/"),)
    read = images.parse(name)
    return (name,) if read is None else read.spellings()
