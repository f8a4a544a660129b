"""Look up the containers, images, volumes and networks that a docker command touches, by read-only requests."""

from __future__ import annotations

from rshell.core.containers import OWNER_LABEL
from rshell.core.model import Need
from rshell.core.objects import touched
from rshell.core.objects.rights import MANY, NONE, PROJECT_LABEL, Held, Thing
from rshell.core.parts import images
from rshell.host import sources
from rshell.host.engine import Rejected, Silent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rshell.core.model import Exec
    from rshell.host.engine import Engine
    from rshell.host.look import Place

AMBIGUOUS = ("ambiguous", "multiple", "matches found")  # words of the Engine's, if a name means several


def look(command: Exec, need: Need, place: Place) -> tuple[Any, ...]:
    """Answer a need: a Thing for each subject, NONE or MANY. Of a project, the Things in it. Raises Silent."""
    kind, _, what = need.check.partition("-")
    finder = _Finder(place.engine, owner=what in ("owner", "mounts", "containers"), mounts=what == "mounts")
    if kind == "project":
        return (finder.project(need.subjects[0], command),)
    if kind == "own":
        return (finder.listed(need.subjects[0], every=False),)
    return tuple(finder.find(kind, name) for name in need.subjects)


class _Finder:
    """Asks one Engine. owner: also whose containers are. mounts: also what stands behind their mounts."""

    def __init__(self, engine: Engine, owner: bool, mounts: bool) -> None:
        self.engine, self.owner, self.mounts = engine, owner, mounts
        self.answers: dict[tuple[str, str], Any] = {}

    def find(self, kind: str, name: str) -> Thing | str:
        """Find what a name, an id, or the beginning of one means, as docker does."""
        if kind == "object":  # docker's own order
            found = self.find("container", name)
            return self.find("image", name) if found == NONE else found
        made: dict[str, tuple[str, Callable[[Any, str], Thing]]] = {
            "container": (f"/containers/{name.removeprefix('/')}/json", self.container),
            "image": (f"/images/{name}/json", image),
            "volume": (f"/volumes/{name}", _volume),
            "network": (f"/networks/{name}", _network),
        }
        path, make = made[kind]
        try:
            answer = self.engine.get(path)
        except Rejected as rejected:
            if any(word in rejected.message.lower() for word in AMBIGUOUS):
                return MANY
            raise
        return NONE if answer is None else make(_mapping(answer), name)

    def project(self, name: str, command: Exec) -> tuple[Thing, ...]:
        """Find all that compose would take for parts of a project and that this command may touch."""
        label = f"{PROJECT_LABEL}={name}"
        found = self.listed(label, every=True)
        if command.command in touched.NETWORKED:
            found += tuple(_network(_mapping(one), "") for one in _list(self.engine.labelled("/networks?", label)))
        if command.invocation is not None and touched.has(command.invocation, "volumes"):
            answer = _mapping(self.engine.labelled("/volumes?", label))
            found += tuple(_volume(_mapping(one), "") for one in _list(answer.get("Volumes") or []))
        return found

    def listed(self, label: str, every: bool) -> tuple[Thing, ...]:
        """Return the containers with a label; every: those that don't run, too."""
        answer = self.engine.labelled("/containers/json?all=1&" if every else "/containers/json?", label)
        return tuple(self.summary(_mapping(one)) for one in _list(answer))

    def container(self, found: dict[str, Any], _: str) -> Thing:
        """Read the answer about one container."""
        labels = _labels(_mapping(found.get("Config")).get("Labels"))
        return self.made(found, (_text(found, "Name"),), labels, _text(found, "Image"))

    def summary(self, found: dict[str, Any]) -> Thing:
        """Read one entry of a list of containers."""
        names = tuple(_string(name) for name in _list(found.get("Names")))
        return self.made(found, names, _labels(found.get("Labels")), _text(found, "ImageID"))

    def made(
        self, found: dict[str, Any], names: tuple[str, ...], labels: tuple[tuple[str, str], ...], image: str
    ) -> Thing:  # fmt: skip
        borrowed = self.owner and any(name == OWNER_LABEL for name, _ in labels) and self.carries_owner(image)
        held = tuple(self.held(_mapping(one)) for one in _list(found.get("Mounts")))
        plain = tuple(name.removeprefix("/") for name in names)
        return Thing("container", _id(_text(found, "Id")), plain or ("",), labels, held, "", borrowed)

    def carries_owner(self, image: str) -> bool:
        """Tell whether an image carries the label of an owner, or may do so.

        SECURITY: a container inherits the labels of its image, and anybody can write those.
        """
        if ("image", image) not in self.answers:
            found = self.engine.get(f"/images/{image}/json")
            config = {} if found is None else _mapping(_mapping(found).get("Config") or {})
            self.answers["image", image] = found is None or OWNER_LABEL in _mapping(config.get("Labels") or {})
        return bool(self.answers["image", image])

    def held(self, found: dict[str, Any]) -> Held:
        """Read one mount of a container."""
        kind, target = _text(found, "Type"), _text(found, "Destination")
        name = _text(found, "Name") if kind == "volume" else found.get("Source") or ""
        held = Held(kind, _string(name), target, found.get("RW") is not True)
        return self.behind(held) if self.mounts else held

    def behind(self, held: Held) -> Held:
        """Look at what stands behind a mount."""
        if held.kind == "bind":
            return held.but(behind=sources.paths(Need("path", (held.source,)))[0])
        if held.kind != "volume":
            return held
        key = (held.kind, held.source)
        if key not in self.answers:
            self.answers[key] = self.engine.get(f"/volumes/{held.source}")
        answer = self.answers[key]
        labels = _labels(_mapping(answer or {}).get("Labels"))
        return held.but(behind=sources.volume(answer), project=dict(labels).get(PROJECT_LABEL, ""))


def image(found: dict[str, Any], name: str) -> Thing:
    """Read the answer about an image, and by which of its references it was named, if by one. Raises Silent."""
    key = _text(found, "Id")
    tags = [_string(tag) for tag in _list(found.get("RepoTags") or [])]
    digests = [_string(one) for one in _list(found.get("RepoDigests") or [])]
    read = images.parse(name)
    tag = ""
    if read is not None:
        tag = f"{read.familiar()}@{read.digest}" if read.digest else f"{read.familiar()}:{read.tag or 'latest'}"
    named = tag in tags or tag in digests
    # SECURITY: what the Engine means by a name must be what we shall say it means
    if not named and not key.startswith("sha256:" + name.removeprefix("sha256:")):
        raise Silent("the Engine means another image")
    labels = _labels((_mapping(found.get("Config") or {})).get("Labels"))
    _id(key.removeprefix("sha256:"))
    return Thing("image", key, tuple(tags + digests), labels, (), tag if named else "")


def _volume(found: dict[str, Any], _: str) -> Thing:
    name = _text(found, "Name")
    return Thing("volume", name, (name,), _labels(found.get("Labels")))


def _network(found: dict[str, Any], _: str) -> Thing:
    return Thing("network", _text(found, "Id"), (_text(found, "Name"),), _labels(found.get("Labels")))


# -- an answer is what it should be, or it is none ------------------------------------------


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Silent("the Engine's answer has another shape")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Silent("the Engine's answer has another shape")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise Silent("the Engine's answer has another shape")
    return value


def _text(found: dict[str, Any], key: str) -> str:
    return _string(found.get(key))


def _labels(value: object) -> tuple[tuple[str, str], ...]:
    return tuple((name, _string(text)) for name, text in _mapping(value or {}).items())


def _id(text: str) -> str:
    if len(text) != 64 or not images.HEX.issuperset(text):
        raise Silent("the Engine gave no full id")
    return text
