"""Mounts, ports, networks and GPUs of docker run: what a client makes of the user's words, and of ours."""

from __future__ import annotations

import json
import random
from typing import Any

from rshell.core.containers import Containers
from rshell.core.parts import gpus, mounts, ports
from rshell.core.parts.fields import Wrong

from .engine import Asked

ALLOWED = Containers(
    volumes=("*",), bind_mounts=(("/srv", True), ("/data", False)), tmpfs=1 << 40, gpus=-1,
    gpu_capabilities=("gpu", "compute", "utility"), publish_addresses=("127.0.0.1", "::1", ""), publish_low=1,
    publish_high=65535,
)  # fmt: skip
"""As much as can be read at all: here it only matters that both mean the same."""

SOURCES = ("ollama", "bench-1", "a1", "/srv", "/srv/x", "/data", "/data/", "x", "", "./x", "..", "~", "/", "//srv",
           "a..b")  # fmt: skip
TARGETS = ("/x", "/x/y", "/x/", "/root/.ollama", "x", "", "/", "//x", "/x/../y", "/proc", "/x y", "c:/x")
MODES = ("ro", "rw", "nocopy", "ro,nocopy", "z", "rshared", "RO", "", "ro,rw")
FIELDS = (
    "type=volume", "type=bind", "type=tmpfs", "TYPE=Volume", "Type=BIND", "type=", "source=ollama", "src=/srv/x",
    "SRC=bench-1", "source=", "source=/data", "target=/x", "dst=/x/", "Destination=/y", "DST=/y", "ro", "readonly",
    "readonly=true", "ro=0", "READONLY=T", "readonly=f", "volume-nocopy", "volume-nocopy=1", "volume-nocopy=false",
    "tmpfs-size=64m", "tmpfs-size=1g", "tmpfs-size=1048576", "tmpfs-size=1.5k", "tmpfs-mode=1777", "tmpfs-mode=0700",
    "tmpfs-mode=700", '"target=/z"', '"src=ollama"', '"type=tmpfs"', '"dst=/x","ro"', "volume-opt=a=b", "ro=maybe", "",
)  # fmt: skip
TMPFS = ("size=64m", "size=1g", "size=10K", "size=1048576", "mode=1777", "mode=700", "ro", "rw", "noexec", "nosuid",
         "nodev", "exec", "size=1gb", "")  # fmt: skip
PORTS = ("80", "8080", "80-82", "8080-8082", "127.0.0.1", "[::1]", "0.0.0.0", "::1", "", "0", "65536", "080")
LONG = ("published=8080", "target=80", "protocol=udp", "protocol=tcp", "published=127.0.0.1:8080", "mode=host",
        "target=80-82", "published=80-82", "published=[::1]:8080", "host_ip=127.0.0.1")  # fmt: skip
GPUS = ("all", "1", "2", "count=all", "count=2", "device=0", '"device=0,1"', "capabilities=gpu",
        '"capabilities=compute,utility"', "device=GPU-3a", '"count=1"', "device=MIG-1a,capabilities=gpu",
        "")  # fmt: skip
OPTIONS = ("volume", "mount", "tmpfs", "publish", "gpus")


def value(chance: random.Random, option: str) -> str:
    """A value for an option, right or wrong."""
    if option == "volume":
        parts = [chance.choice(SOURCES), chance.choice(TARGETS), chance.choice(MODES)]
        return ":".join(parts[: chance.choice((2, 2, 3, 3, 1, 0))] or parts[1:2])
    if option == "tmpfs":
        options = [",".join(some(chance, TMPFS, 3))] if chance.random() < 0.7 else []
        return ":".join([chance.choice(TARGETS), *options])
    if option == "publish" and chance.random() < 0.8:
        protocol = chance.choice(("", "", "/tcp", "/udp", "/UDP", "/sctp", "/"))
        return ":".join(some(chance, PORTS, 3)) + protocol
    return ",".join(some(chance, {"publish": LONG, "gpus": GPUS}.get(option, FIELDS), 4))


def some(chance: random.Random, words: tuple[str, ...], most: int) -> list[str]:
    return [chance.choice(words) for _ in range(chance.randint(1, most))]


def ours(option: str, text: str) -> tuple[str, str] | None:
    """The option and the value that we write; None where we refuse."""
    read = {"volume": mounts.from_volume, "mount": mounts.from_mount, "tmpfs": mounts.from_tmpfs}
    try:
        if option == "gpus":
            asked = gpus.read(text)
            gpus.judge(ALLOWED, asked)
            return option, gpus.spell(asked)
        if option == "publish":
            port = ports.read(text)
            ports.judge(ALLOWED, port)
            return option, ports.spell(port)
        mount = read[option](text)
        mounts.judge(ALLOWED, mount)
        return mounts.spell(mount)
    except Wrong:
        return None


def understood(asked: Asked) -> object:
    """What a client asked the Engine for, told apart no further than the Engine does; None if for no container."""
    for request in asked.requests:
        if request.method == "POST" and "/containers/create" in request.target:
            return _meaning(json.loads(request.body))
    return None


def _meaning(body: dict[str, Any]) -> object:
    config = body["HostConfig"]
    placed = [_bind(one) for one in config.get("Binds") or ()]
    placed += [_mount(one) for one in config.get("Mounts") or ()]
    placed += [_tmpfs(target, options) for target, options in (config.get("Tmpfs") or {}).items()]
    placed += [("volume", "", target.rstrip("/"), False, False, 0, 0) for target in body.get("Volumes") or {}]
    return placed, config.get("PortBindings"), config.get("DeviceRequests"), config.get("NetworkMode")


def _bind(text: str) -> tuple[object, ...]:
    source, target, *rest = text.split(":")
    options = rest[0].split(",") if rest else []
    kind = "bind" if source[:1] == "/" else "volume"
    left = [option for option in options if option not in ("ro", "rw", "nocopy")]
    return kind, source.rstrip("/") or "/", target.rstrip("/"), "ro" in options, "nocopy" in options, 0, 0, *left


def _mount(mount: dict[str, Any]) -> tuple[object, ...]:
    known = ("Type", "Source", "Target", "ReadOnly", "VolumeOptions", "TmpfsOptions", "BindOptions")
    odd = sorted(key for key in mount if key not in known)
    volume, tmpfs = mount.get("VolumeOptions") or {}, mount.get("TmpfsOptions") or {}
    inner = {key: said for key, said in {**volume, **tmpfs}.items() if said}
    odd += sorted(inner.keys() - {"NoCopy", "SizeBytes", "Mode"})
    odd += sorted(mount.get("BindOptions") or {})
    source = mount.get("Source", "").rstrip("/") or ("/" if mount.get("Source") else "")
    return (
        mount["Type"], source, mount["Target"].rstrip("/"), mount.get("ReadOnly", False), volume.get("NoCopy", False),
        tmpfs.get("SizeBytes", 0), tmpfs.get("Mode", 0), *odd,
    )  # fmt: skip


def _tmpfs(target: str, options: str) -> tuple[object, ...]:
    said = dict(option.partition("=")[::2] for option in options.split(",") if option)
    plain = {"rw", "noexec", "nosuid", "nodev"}  # what a tmpfs is anyway
    odd = sorted({*said} - plain - {"ro", "size", "mode"})
    size = said.get("size", "0").lower()
    unit = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(size[-1], 1)
    amount = int(size.rstrip("kmg")) * unit
    return "tmpfs", "", target.rstrip("/"), "ro" in said, False, amount, int(said.get("mode") or "0", 8), *odd
