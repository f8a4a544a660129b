"""GPUs of a container: docker's fields to one value, judged, written out.

Source: docker/cli opts/gpus.go (GpuOpts.Set).
"""

from __future__ import annotations

from rshell.core import values
from rshell.core.containers import Containers
from rshell.core.parts import fields
from rshell.core.parts.fields import Wrong
from rshell.core.value import Value

__all__ = ["Gpus", "Wrong", "judge", "read", "spell"]

ALL = -1
EVERY = "all"  # count=all, and device=all too
MOST = 64
HEX = frozenset("0123456789abcdef-")
FORM = "all, a number, or device=ID, and capabilities=.."
KEYS = ("count", "device", "capabilities")


class Gpus(Value):
    """What is asked for: a number of GPUs (-1 for all), or these devices."""

    count: int
    devices: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()


def read(text: str) -> Gpus:
    """Read a value of --gpus: all, a number, or fields KEY=VALUE. Raises Wrong.

    SECURITY: driver= and options= reach any device driver of the host, so they are no keys here.
    """
    said: dict[str, str] = {}
    for field in fields.read(text):
        key, _, value = (field if "=" in field else f"count={field}").partition("=")
        if key not in KEYS or key in said:
            raise Wrong(field, FORM)
        said[key] = value
    if "count" in said and "device" in said:
        raise Wrong("device=", "a number or devices")
    if said.get("device") == EVERY:
        said["count"] = said.pop("device")
    devices = tuple(said["device"].split(",")) if "device" in said else ()
    if not all(map(is_device, devices)):
        raise Wrong("device=", "the numbers of GPUs, or their ids GPU-.. and MIG-..")
    return Gpus(
        0 if devices else _count(said.get("count", "1")), devices,
        tuple(said["capabilities"].split(",")) if "capabilities" in said else (),
    )  # fmt: skip


def is_device(text: str) -> bool:
    """Tell whether this names one GPU.

    SECURITY: device=all is every GPU, whatever their number: it is read as count=all.
    """
    if text.startswith(("GPU-", "MIG-")):
        return 4 < len(text) <= 64 and HEX.issuperset(text[4:])
    return values.fits(("range", 0, MOST), text)


def _count(text: str) -> int:
    if text != "all" and not values.fits(("range", 1, MOST), text):
        raise Wrong(text, f"all, or a number up to {MOST}")
    return ALL if text == "all" else int(text)


def judge(allowed: Containers, gpus: Gpus) -> None:
    """Hold what is asked for against what is allowed. Raises Wrong."""
    if not allowed.gpus:
        raise Wrong("", "no GPUs")
    wanted = len(gpus.devices) or gpus.count
    if allowed.gpus != ALL and not 0 < wanted <= allowed.gpus:
        raise Wrong("", f"up to {allowed.gpus} GPUs", str(allowed.gpus))
    for capability in gpus.capabilities:
        if capability not in allowed.gpu_capabilities:
            raise Wrong(capability, "the capabilities " + (" ".join(allowed.gpu_capabilities) or "none"))


def spell(gpus: Gpus) -> str:
    """Write it out as --gpus takes it."""
    count = "all" if gpus.count == ALL else str(gpus.count)
    said = [f"device={','.join(gpus.devices)}"] if gpus.devices else [f"count={count}"]
    if gpus.capabilities:
        said.append(f"capabilities={','.join(gpus.capabilities)}")
    elif not gpus.devices:
        return count
    return ",".join(f'"{field}"' if "," in field else field for field in said)
