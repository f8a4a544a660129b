"""What is mounted into a container: every spelling of docker's to one value, judged, and written out in one spelling.

Source: docker/cli cli/command/container/opts.go (parse), cli/compose/loader/volume.go (ParseVolume),
opts/mount.go (MountOpt.Set); moby volume/mounts (linux_parser.go), pkg/mount (MergeTmpfsOptions).
"""

from __future__ import annotations

from rshell.core import values
from rshell.core.containers import HOST_PATHS, Containers, any_matches
from rshell.core.parts import fields
from rshell.core.parts.amounts import shown, size
from rshell.core.parts.fields import Wrong
from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Mount", "Wrong", "bounded", "expected", "from_mount", "from_tmpfs", "from_volume", "is_clean", "judge", "read",
    "short", "spell", "together",
]  # fmt: skip

PATH_CHARS = values.ALNUM | frozenset("/_.-+@")
KINDS = ("volume", "bind", "tmpfs")
# key of --mount -> what it says
KEYS = {
    "type": "type", "source": "source", "src": "source", "target": "target", "dst": "target", "destination": "target",
    "readonly": "readonly", "ro": "readonly", "volume-nocopy": "nocopy", "tmpfs-size": "size", "tmpfs-mode": "mode",
}  # fmt: skip
FLAGS = ("readonly", "nocopy")
ONLY = {"nocopy": "volume", "size": "tmpfs", "mode": "tmpfs"}
MOUNT = "type= source= target= readonly volume-nocopy tmpfs-size= tmpfs-mode="
TMPFS_FLAGS = frozenset(("rw", "noexec", "nosuid", "nodev"))  # what a tmpfs is anyway
TMPFS = "size=.. mode=.. ro rw noexec nosuid nodev"
TARGET = "an absolute path in the container, outside /proc /sys /dev"
SOURCE = "an absolute path of letters, digits and _ . - + @, without // . or .."
NAME = "the name of a volume, of two characters or more"
MOST = 64  # mounts of one container: each is held against all others


class Mount(Value):
    """One mount of a container. source: '' for an anonymous volume and for a tmpfs."""

    kind: str  # volume | bind | tmpfs
    source: str
    target: str
    read_only: bool = False
    nocopy: bool = False  # of a volume: what the image has there stays out of it
    size: int = 0  # of a tmpfs, in bytes; 0 where nobody named it
    mode: str = ""  # of a tmpfs, octal


def from_volume(text: str, shortest: int = 2) -> Mount:
    """Read a value of --volume: [SOURCE:]TARGET[:OPTIONS]. shortest: name of a volume. Raises Wrong."""
    parts = text.split(":")
    if len(parts) > 3:
        raise Wrong("", "NAME:/PATH or NAME:/PATH:ro")
    if len(parts) == 1:
        return Mount("volume", "", _target(text))
    options = parts[2].split(",") if len(parts) == 3 else []
    for option in options:
        if option not in ("ro", "rw", "nocopy") or options.count(option) > 1 or {"ro", "rw"}.issubset(options):
            raise Wrong(option, "ro, rw or nocopy")
    kind = "bind" if parts[0][:1] in ("/", ".", "~") else "volume"
    # SECURITY: docker takes one letter in front of a colon for a drive of Windows, and reads the rest otherwise
    source = _path(parts[0]) if kind == "bind" else _name(parts[0], shortest)
    if kind == "bind" and "nocopy" in options:
        raise Wrong("nocopy", "ro or rw")
    return Mount(kind, source, _target(parts[1]), "ro" in options, "nocopy" in options)


def from_mount(text: str, shortest: int = 2) -> Mount:
    """Read a value of --mount: fields KEY=VALUE. shortest: name of a volume. Raises Wrong."""
    said: dict[str, str] = {}
    for field in fields.read(text):
        key, equals, value = field.partition("=")
        # SECURITY: Go's lower case reaches k and s from beyond ASCII
        meaning = KEYS.get(key.lower(), "") if key.isascii() else ""
        if not meaning:
            raise Wrong(field, MOUNT)
        if meaning in said:  # SECURITY: docker takes the last
            raise Wrong(field, "each field once")
        if meaning in FLAGS:
            value = _flag(field, value) if equals else "true"
        elif not equals:
            raise Wrong(field, f"{key}=VALUE")
        said[meaning] = value
    kind = said.get("type", "volume").lower()
    if kind not in KINDS:
        raise Wrong(said["type"], "volume, bind or tmpfs")
    for meaning, only in ONLY.items():
        if meaning in said and kind != only:
            raise Wrong(f"{meaning}=", f"only with type={only}")
    if "target" not in said:
        raise Wrong("", "a field target=/PATH")
    return Mount(
        kind, _source(kind, said, shortest), _target(said["target"]), said.get("readonly") == "true",
        said.get("nocopy") == "true", _size("size", said), _mode(said),
    )  # fmt: skip


def from_tmpfs(text: str) -> Mount:
    """Read a value of --tmpfs: TARGET[:OPTIONS]. Raises Wrong."""
    target, colon, rest = text.partition(":")
    said: dict[str, str] = {}
    for option in rest.split(",") if colon else ():
        key, equals, value = option.partition("=")
        if bool(equals) != (key in ("size", "mode")) or not (equals or key == "ro" or key in TMPFS_FLAGS):
            raise Wrong(option, TMPFS)
        if key in said or {"ro", "rw"}.issubset({*said, key}):
            raise Wrong(option, "each option once")
        said[key] = value
    # SECURITY: the kernel reads this size, and it knows fewer units than docker
    if "size" in said and not values.DIGITS.issuperset(said["size"].rstrip("kmgKMG")):
        raise Wrong("size=", "a size such as 512m")
    return Mount("tmpfs", "", _target(target), "ro" in said, False, _size("size", said), _mode(said))


NAMING = {"volume": from_volume, "mount": from_mount}


def read(allowed: Containers, option: str, text: str, shortest: int = 2) -> Mount:
    """Read a value of --volume, --mount or --tmpfs. shortest: name of a volume. Raises Wrong.

    Of a path that has no right spelling it says what may be mounted, where no path of the host may be.
    """
    try:
        return from_tmpfs(text) if option == "tmpfs" else NAMING[option](text, shortest)
    except Wrong as wrong:
        if wrong.expected != SOURCE or allowed.bind_mounts:
            raise
        raise Wrong(wrong.part, _volumes(allowed), _volume_for(allowed, option, text)) from None


def _volume_for(allowed: Containers, option: str, text: str) -> Mount | str:
    """Return a volume in the place of a path that was written with -v."""
    source, _, rest = text.partition(":")
    target, _, options = rest.partition(":")
    if option != "volume" or not is_clean(target):
        return ""
    return _named(allowed, Mount("volume", source.rpartition("/")[2], target, "ro" in options.split(",")))


def judge(allowed: Containers, mount: Mount) -> None:
    """Hold a mount against what is allowed. Raises Wrong."""
    _JUDGES[mount.kind](allowed, mount)


def bounded(allowed: Containers, mount: Mount) -> Mount:
    """Return a mount that may be, with the bound that nobody named."""
    return mount if mount.kind != "tmpfs" or mount.size else mount.but(size=allowed.tmpfs)


def together(mounts: Iterable[Mount]) -> None:
    """Refuse a mount in another one, two in one place, and too many. Raises Wrong.

    SECURITY: whoever shares a volume can make the place of the inner mount a link out of the container, just while
    that is made (CVE-2021-30465).
    """
    seen: list[str] = []
    for mount in mounts:
        if len(seen) == MOST:
            raise Wrong("", f"up to {MOST} mounts of a container")
        for other in seen:
            if f"{mount.target}/".startswith(f"{other}/") or other.startswith(f"{mount.target}/"):
                raise Wrong(mount.target, f"a place beside the mount on {other}")
        seen.append(mount.target)


def spell(mount: Mount) -> tuple[str, str]:
    """Write a mount out: the option and its value, which reads in one way only."""
    said = [f"type={mount.kind}"]
    said += [f"source={mount.source}"] if mount.source else []
    said.append(f"target={mount.target}")
    said += ["readonly"] if mount.read_only else []
    said += ["volume-nocopy"] if mount.nocopy else []
    said += [f"tmpfs-size={mount.size}"] if mount.size else []
    said += [f"tmpfs-mode={mount.mode}"] if mount.mode else []
    return "mount", ",".join(said)


def expected(allowed: Containers, option: str) -> str:
    """Say what a value of --volume, --mount or --tmpfs may be."""
    if option == "tmpfs":
        return f"/PATH[:size=..,mode=..], up to {shown(allowed.tmpfs)}"
    return f"{'SOURCE:/PATH[:ro]' if option == 'volume' else MOUNT}; {_volumes(allowed)}"


def short(mount: Mount) -> str:
    """Write a volume or a bind as people do, for -v."""
    options = ",".join(word for word, on in (("ro", mount.read_only), ("nocopy", mount.nocopy)) if on)
    return ":".join(part for part in (mount.source, mount.target, options) if part)


def is_clean(text: str) -> bool:
    """Tell whether this is an absolute path in its shortest form, but for one / at its end."""
    steps = text.removesuffix("/").split("/")[1:]
    return text[:1] == "/" and len(text) <= 1024 and PATH_CHARS.issuperset(text) and (
        text == "/" or not {"", ".", ".."}.intersection(steps)
    )  # fmt: skip


# -- the parts of a mount: text -> value, or Wrong ----------------------------------------


def _name(text: str, shortest: int) -> str:
    if len(text) < shortest or not values.fits(("volume",), text):
        raise Wrong(text, NAME)
    return text


def _path(text: str) -> str:
    if not is_clean(text):
        raise Wrong(text, SOURCE)
    return text.rstrip("/") or "/"


def _target(text: str) -> str:
    """SECURITY: over /proc, /sys and /dev the runtime would be led astray (CVE-2019-16884, CVE-2023-27561)."""
    path = text.rstrip("/")
    if not path or not is_clean(text) or any(f"{path}/".startswith(f"{one}/") for one in HOST_PATHS):
        raise Wrong(text, TARGET)
    return path


def _source(kind: str, said: dict[str, str], shortest: int) -> str:
    source = said.get("source", "")
    if kind == "tmpfs" and "source" in said:
        raise Wrong("source=", "no source with type=tmpfs")
    if kind == "bind" and not source:
        raise Wrong("", "a field source=/PATH")
    if kind == "bind":
        return _path(source)
    return _name(source, shortest) if source else ""


def _flag(field: str, value: str) -> str:
    if value not in values.TRUE and value not in values.FALSE:
        raise Wrong(field, "true or false")
    return "true" if value in values.TRUE else "false"


def _size(key: str, said: dict[str, str]) -> int:
    amount = size(said[key]) if key in said else 0
    if key in said and not amount:
        raise Wrong(f"{key}=", "a size such as 512m")
    return amount


def _mode(said: dict[str, str]) -> str:
    mode = said.get("mode", "")
    if "mode" in said and (len(mode) not in (3, 4) or not frozenset("01234567").issuperset(mode) or not int(mode)):
        raise Wrong("mode=", "a mode such as 1777")
    return mode


# -- what is allowed ----------------------------------------------------------------------


def _judge_volume(allowed: Containers, mount: Mount) -> None:
    if mount.source and any_matches(allowed.kept_volumes, mount.source):
        raise Wrong(mount.source, "a volume that is not protected")
    if not allowed.volumes or (mount.source and not any_matches(allowed.volumes, mount.source)):
        raise Wrong(mount.source, _volumes(allowed), _named(allowed, mount))


def _judge_bind(allowed: Containers, mount: Mount) -> None:
    """SECURITY: below a source that a container may write, root in it can lay a link to anywhere on the host just
    before that is followed; so of such a source only itself can be mounted."""
    source = mount.source
    above = [only for path, only in allowed.bind_mounts if source.startswith(f"{path}/")]
    read_only = dict(allowed.bind_mounts).get(source, True if above else None)
    if read_only is None or False in above:
        raise Wrong(source, _volumes(allowed), _named(allowed, mount))
    if read_only and not mount.read_only:
        raise Wrong(source, f"{source} for reading only", mount.but(read_only=True))


def _judge_tmpfs(allowed: Containers, mount: Mount) -> None:
    if not allowed.tmpfs:
        raise Wrong("", _volumes(allowed))
    if mount.size > allowed.tmpfs:
        raise Wrong("size=", f"a size up to {shown(allowed.tmpfs)}", mount.but(size=allowed.tmpfs))


def _volumes(allowed: Containers) -> str:
    """Say what may be mounted."""
    volumes = [f"the volumes {' '.join(allowed.volumes)}"] if allowed.volumes else []
    binds = [f"{path}{' (read-only)' if only else ''}" for path, only in allowed.bind_mounts]
    return ", ".join(volumes + binds) or "no mounts"


def _named(allowed: Containers, mount: Mount) -> Mount | str:
    """Return the same mount of a volume that may be, if one is listed."""
    if not allowed.volumes:
        return ""
    from rshell.core.nearest import nearest  # only a refusal needs it

    names = [one.replace("*", "data") for one in allowed.volumes]
    patterned = [name for name, one in zip(names, allowed.volumes, strict=True) if "*" in one]
    name = (*nearest(mount.source, names), *patterned, *names)[0]
    return mount.but(kind="volume", source=name)


_JUDGES = {"volume": _judge_volume, "bind": _judge_bind, "tmpfs": _judge_tmpfs}
