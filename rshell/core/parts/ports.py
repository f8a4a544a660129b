"""Ports of a container that the host hands on: both spellings of docker's to one value, judged, written out.

Source: docker/go-connections nat (ParsePortSpec, splitParts); docker/cli cli/command/container/opts.go
(convertToStandardNotation).
"""

from __future__ import annotations

from rshell.core.containers import Containers
from rshell.core.parts.fields import Wrong
from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Port", "Wrong", "expected", "judge", "read", "spell", "together"]

FORM = "ADDRESS:PORT:PORT, such as 127.0.0.1:8080:80"
PROTOCOLS = ("tcp", "udp")
KEYS = ("published", "target", "protocol")
MOST = 128  # ports of one container: the Engine starts a process for each
EPHEMERAL = (32768, 60999)  # where a port comes from that nobody named: net.ipv4.ip_local_port_range


class Port(Value):
    """One published port, or a range. address: '' for every address of the host. host: '' for any port."""

    address: str
    host: str  # N or N-M
    container: str  # N or N-M
    protocol: str = "tcp"


def read(text: str) -> Port:
    """Read a value of --publish: [[ADDRESS:]PORT:]PORT[/PROTOCOL], or its long form. Raises Wrong."""
    rest, slash, protocol = (_long(text) if "=" in text else text).partition("/")
    if slash and not (protocol.isascii() and protocol.lower() in PROTOCOLS):
        raise Wrong(protocol, "tcp or udp")
    before, _, container = rest.rpartition(":")
    address, _, host = before.rpartition(":")
    if ":" in address and not (address[0] == "[" and address[-1] == "]"):
        raise Wrong(address, "an address of IPv6 in brackets")
    low, high = _range(container)
    if host:
        first, last = _range(host)
        if high != low and last - first != high - low:
            raise Wrong(host, f"as many ports as {container}")
    return Port(address.removeprefix("[").removesuffix("]"), host, container, protocol.lower() or "tcp")


def judge(allowed: Containers, port: Port) -> None:
    """Hold a port against what is allowed. Raises Wrong."""
    low, high = allowed.publish_low, allowed.publish_high
    if not allowed.publish_addresses or not high:
        raise Wrong("", "no ports")
    if port.address not in allowed.publish_addresses:
        better = port.but(address=allowed.publish_addresses[0])
        shown = " or ".join(map(_bracketed, allowed.publish_addresses))
        raise Wrong(_bracketed(port.address), f"{shown} in front, as in {short(better)}", short(better))
    first, last = _range(port.host) if port.host else EPHEMERAL
    if first < low or last > high:
        raise Wrong(port.host, f"ports of the host from {low} to {high}", short(port.but(host="")))


def together(ports: Iterable[Port]) -> None:
    """Bound how many ports a container has. Raises Wrong."""
    total = 0
    for port in ports:
        first, last = _range(port.container if port.container.count("-") else port.host or port.container)
        total += last - first + 1
        if total > MOST:
            raise Wrong("", f"up to {MOST} ports of a container")


def spell(port: Port) -> str:
    """Write a port out for --publish, with nothing left to be filled in."""
    return f"{short(port.but(protocol='tcp'))}/{port.protocol}"


def expected(allowed: Containers) -> str:
    """Say what a published port may be."""
    if not allowed.publish_addresses:
        return "no ports"
    addresses = "|".join(map(_bracketed, allowed.publish_addresses))
    return f"{addresses}:PORT:PORT, the first from {allowed.publish_low} to {allowed.publish_high}"


def short(port: Port) -> str:
    """Write a port as people do."""
    before = f"{_bracketed(port.address)}:{port.host}:" if port.address else f"{port.host}:" if port.host else ""
    return f"{before}{port.container}" + (f"/{port.protocol}" if port.protocol != "tcp" else "")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _long(text: str) -> str:
    """Write published=8080,target=80,protocol=udp in the short form, as docker does.

    SECURITY: docker passes over what it does not know in it, `host_ip=127.0.0.1` too.
    """
    said: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if key not in KEYS or not equals or "=" in value or key in said:
            raise Wrong(part, "each of published=.. target=.. protocol=.. once, or " + FORM)
        said[key] = value
    if not said.get("target") or not said.get("published") or "/" in said["target"] + said["published"]:
        raise Wrong("", FORM)
    return f"{said['published']}:{said['target']}/{said.get('protocol', 'tcp')}"


def _range(text: str) -> tuple[int, int]:
    """Read N or N-M. Raises Wrong."""
    first, dash, last = text.partition("-")
    ends = [int(end) if _is_port(end) else 0 for end in ((first, last) if dash else (first, first))]
    if not ends[0] or ends[1] < ends[0]:
        raise Wrong(text, "a port from 1 to 65535, or a range such as 8000-8010")
    return ends[0], ends[1]


def _is_port(text: str) -> bool:
    return 0 < len(text) < 6 and text.isascii() and text.isdigit() and text[0] != "0" and int(text) < 65536
