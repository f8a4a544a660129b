"""What a service of a compose file mounts and publishes: both spellings of compose's, judged as those of docker run."""

from __future__ import annotations

from rshell.core import containers, values
from rshell.core.compose import nodes
from rshell.core.compose.nodes import Wrong
from rshell.core.parts import mounts, ports
from rshell.core.parts.mounts import Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.compose.keys import Made, World
    from rshell.core.compose.nodes import Node
    from rshell.core.parts.fields import Wrong as Unfit

PORT = ("target", "published", "host_ip", "protocol", "mode", "name")
MOUNT = ("type", "source", "target", "read_only", "volume", "tmpfs", "bind")
ONLY = {"volume": "volume", "tmpfs": "tmpfs", "bind": "bind"}  # key -> the type that it belongs to


def volumes(world: World, node: Node, path: str) -> list[Made]:
    """Read `volumes` of a service; return them in compose's long form. Raises Wrong."""
    return [_written(world, _mount(world, item, place), item, place) for item, place in nodes.items(node, path)]


def tmpfs(world: World, node: Node, path: str) -> list[Made]:
    """Read `tmpfs` of a service: PATH[:OPTIONS], or a list of them. Raises Wrong."""
    found = []
    for item, place in [(node, path)] if node.kind == "text" else nodes.items(node, path):
        try:
            mount = mounts.from_tmpfs(nodes.text(item, place))
        except mounts.Wrong as unfit:
            raise wrong(unfit, item, place) from None
        found.append(_written(world, mount, item, place))
    return found


def mount_of(made: Made) -> Mount:
    """Read back what `volumes` and `tmpfs` have written."""
    return Mount(made["type"], made.get("source", ""), made["target"], made.get("read_only", False))


def published(world: World, node: Node, path: str) -> list[Made]:
    """Read `ports` of a service; return each port in compose's long form. Raises Wrong."""
    read = [(_port(item, place), item, place) for item, place in nodes.items(node, path)]
    for port, item, place in read:
        try:
            ports.judge(world.allowed, port)
        except ports.Wrong as unfit:
            raise wrong(unfit, item, place) from None
    try:  # SECURITY: before any range is written out: each line may be one of 64000 ports
        ports.together(port for port, _, _ in read)
    except ports.Wrong as unfit:
        raise wrong(unfit, node, path) from None
    return [made for port, _, _ in read for made in _each(port)]


def wrong(unfit: Unfit, node: Node, path: str) -> Wrong:
    """Say of a part of a file what is wrong with it as an option of docker run."""
    what = f"'{unfit.part.removesuffix('=')}' is not allowed" if unfit.part else "is not allowed"
    return Wrong(node, path, what, f"allowed: {unfit.expected}")


# -- mounts -----------------------------------------------------------------------------------


def _mount(world: World, node: Node, path: str) -> Mount:
    if node.kind != "text":
        return _long_mount(world, node, path)
    try:
        # a key of the file, written in the long form
        return mounts.read(world.allowed, "volume", nodes.text(node, path), 1)
    except mounts.Wrong as unfit:
        raise wrong(unfit, node, path) from None


def _long_mount(world: World, node: Node, path: str) -> Mount:
    """Read the long form of a mount by writing it as --mount, whose reader has the last word on it. Raises Wrong."""
    said = nodes.mapping(node, path, MOUNT)
    kind = nodes.text(*said["type"]) if "type" in said else ""
    if kind not in mounts.KINDS:
        raise Wrong(said["type"][0] if "type" in said else node, path, "has no type that is allowed",
                    f"allowed: {' '.join(mounts.KINDS)}")  # fmt: skip
    fields = [f"type={kind}"]
    for key in ("source", "target"):
        if key in said:
            fields.append(f"{key}={_plain(*said[key])}")
    if "read_only" in said and nodes.flag(*said["read_only"]):
        fields.append("readonly")
    for key, only in ONLY.items():
        if key in said and kind != only:
            raise Wrong(*said[key], f"does not belong to type: {kind}", "", True)
    try:
        return mounts.read(world.allowed, "mount", ",".join(fields + _more(said)), 1)
    except mounts.Wrong as unfit:
        raise wrong(unfit, node, path) from None


def _plain(node: Node, path: str) -> str:
    """Return a text that is one field of --mount as it is."""
    text = nodes.text(node, path)
    if "," in text or '"' in text:
        raise Wrong(node, path, f"'{text}' is not allowed", "allowed: no comma and no quote")
    return text


def _more(said: dict[str, tuple[Node, str]]) -> list[str]:
    """Read what belongs to one type of mount alone, as fields of --mount."""
    fields = []
    if "volume" in said:
        inner = nodes.mapping(*said["volume"], ("nocopy",))
        fields += ["volume-nocopy"] if "nocopy" in inner and nodes.flag(*inner["nocopy"]) else []
    if "bind" in said:
        # whatever it says, nothing is ever created on the host
        inner = nodes.mapping(*said["bind"], ("create_host_path",))
        if "create_host_path" in inner:
            nodes.flag(*inner["create_host_path"])
    if "tmpfs" in said:
        inner = nodes.mapping(*said["tmpfs"], ("size", "mode"))
        fields += [f"tmpfs-size={_plain(*inner['size'])}"] if "size" in inner else []
        fields += [f"tmpfs-mode={nodes.mode(*inner['mode']):04o}"] if "mode" in inner else []
    return fields


def _written(world: World, mount: Mount, node: Node, path: str) -> Made:
    """Judge a mount and write it in compose's long form. Raises Wrong.

    A volume that the project makes for itself needs no leave, where there may be volumes at all.
    """
    judged, allowed = mount, world.allowed
    if mount.kind == "volume" and mount.source:
        known = world.volumes.get(mount.source)
        if known is None:
            # a new one of that name would be the project's own, and empty
            listed = containers.any_matches(allowed.volumes, mount.source)
            raise Wrong(node, path, f"names the volume '{mount.source}', which the file does not have",
                        f"write it at the top: volumes: {{{mount.source}: {'{external: true}' if listed else '{}'}}}",
                        True)  # fmt: skip
        name, own = known
        judged = mount.but(source=name)
        if own and allowed.volumes:
            allowed = allowed.but(volumes=(*allowed.volumes, name))
    try:
        mounts.judge(allowed, judged)
    except mounts.Wrong as unfit:
        raise wrong(unfit, node, path) from None
    bounded = mounts.bounded(allowed, mount)
    made: Made = {"type": mount.kind, "target": mount.target}
    made |= {"source": mount.source} if mount.source else {}
    made |= {"read_only": True} if mount.read_only else {}
    made |= {"volume": {"nocopy": True}} if mount.nocopy else {}
    # SECURITY: compose makes a missing source of a bind itself, as root, unless told not to
    made |= {"bind": {"create_host_path": False}} if mount.kind == "bind" else {}
    if mount.kind == "tmpfs":
        made["tmpfs"] = {"size": bounded.size, **({"mode": int(mount.mode, 8)} if mount.mode else {})}
    return made


# -- ports ------------------------------------------------------------------------------------


def _port(node: Node, path: str) -> ports.Port:
    text = nodes.text(node, path) if node.kind == "text" else _long_port(node, path)
    if "=" in text:  # the long form of --publish, which compose does not have
        raise Wrong(node, path, f"'{text}' is not allowed", f"allowed: {ports.FORM}")
    try:
        return ports.read(text)
    except ports.Wrong as unfit:
        raise wrong(unfit, node, path) from None


def _long_port(node: Node, path: str) -> str:
    """Write the long form of a port as the short one. Raises Wrong."""
    said = nodes.mapping(node, path, PORT)
    if "target" not in said:
        raise Wrong(node, path, "names no target", "expected a port of the container", True)
    parts = {key: nodes.text(*said[key]) for key in PORT if key in said}
    for key, characters in (("target", "0123456789"), ("published", "0123456789-"), ("host_ip", "0123456789abcdef.:")):
        if not frozenset(characters).issuperset(parts.get(key, "")):
            raise Wrong(*said[key], f"'{parts[key]}' is not allowed", f"allowed: {ports.FORM}")
    if parts.get("mode", "host") not in ("host", "ingress"):
        raise Wrong(*said["mode"], f"'{parts['mode']}' is not allowed", "allowed: host ingress")
    if not values.fits(("name",), parts.get("name", "x")):
        raise Wrong(*said["name"], "is no name", f"expected {values.describe(('name',))}", True)
    address = parts.get("host_ip", "")
    address = f"[{address}]" if ":" in address else address
    before = f"{address}:{parts.get('published', '')}:" if address else f"{parts['published']}:" \
        if "published" in parts else ""  # fmt: skip
    return f"{before}{parts['target']}/{parts.get('protocol', 'tcp')}"


def _each(port: ports.Port) -> list[Made]:
    """Write a port, or each of a range, in the long form."""
    low, _, high = port.container.partition("-")
    count = int(high or low) - int(low) + 1
    first = port.host.partition("-")[0]
    made = []
    for index in range(count):
        one: Made = {"target": int(low) + index, "host_ip": port.address, "protocol": port.protocol}
        if port.host:
            one["published"] = port.host if count == 1 else str(int(first) + index)
        made.append(one)
    return made
