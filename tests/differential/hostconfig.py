"""What the Engine is asked to make of a container, held against what a host allows. The judge of rshell.

It looks at the body of `POST /containers/create` alone, never at what was typed, and it imports nothing of
rshell: what may be is written down here a second time, by hand, from the Engine's own API. The tables are
closed: a key that is not in them must be empty, so that what a later docker invents is a violation.

Source: moby/moby api/types/container (Config, HostConfig), volume/mounts/linux_parser.go (Binds),
distribution/reference regexp.go (images).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Site:
    """What the operator of a host allows: without arguments, what the shipped policy says.

    Patterns are those of fnmatch; sizes are in bytes.
    """

    uid: int = 0
    registries: tuple[str, ...] = ("docker.io", "ghcr.io", "nvcr.io", "quay.io")
    images: tuple[str, ...] = ("*",)
    networks: tuple[str, ...] = ("bridge", "none", "lab")
    volumes: tuple[str, ...] = ("ollama", "open-webui", "trivy-cache", "bench-*")
    binds: tuple[tuple[str, bool], ...] = ()  # (directory, only for reading); below it, only for reading
    tmpfs: int = 4 << 30
    addresses: tuple[str, ...] = ("127.0.0.1", "::1")
    ports: tuple[int, int] = (1024, 65535)
    most_ports: int = 128
    labels: tuple[str, ...] = ("bench.*", "lab.*")
    log_drivers: tuple[str, ...] = ("json-file", "local")
    retries: int = 5
    memory: int = 64 << 30
    cpus: int = 16
    pids: int = 4096
    shm: int = 8 << 30
    disguised: tuple[str, ...] = ()  # volumes and networks that exist and are directories and networks of the host
    removes: bool = False  # whether volumes of a project may be removed
    project: str = ""  # of compose's, whose containers are judged; '' for docker run
    projects: tuple[str, ...] = ("lab", "bench-*")  # that a file on stdin may be of

Verdict = Iterator[str]
Check = Callable[[Site, Any], Verdict]

HEX64 = re.compile("[0-9a-f]{64}")
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
HOST_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.-]{0,62}")
USER = re.compile(r"[a-zA-Z0-9_.-]{1,64}(:[a-zA-Z0-9_.-]{1,64})?")
HOOK_VARIABLES = ("LD_", "NVIDIA_", "DOCKER_", "BUILDKIT_")
FORCED_LABELS = ("com.docker.", "rshell.", "traefik.", "ofelia.", "com.centurylinklabs.")
KERNEL = ("/proc", "/sys", "/dev")
LOG_OPTIONS = {
    "max-size": r"\d+(\.\d+)?([bkmg]?b?|[kmg]ib)", "max-file": r"\d{1,3}", "compress": "true|false",
    "mode": "blocking|non-blocking", "max-buffer-size": r"\d+(\.\d+)?([bkm]?b?|[km]ib)",
}  # fmt: skip
ULIMITS = {"nofile": 1048576, "nproc": 1048576, "core": 1048576}
MEMORY_ULIMITS = ("memlock", "stack")  # HostConfig.Memory, which must be there, bounds both
GPU_CAPABILITIES = {"gpu", "compute", "utility"}
COMPOSE = "com.docker.compose."
COMPOSE_LABELS = (
    "config-hash", "container-number", "depends_on", "image", "oneoff", "project", "project.config_files",
    "project.environment_file", "project.working_dir", "replace", "service", "slug", "version",
    "network", "volume",
)  # fmt: skip


def container(site: Site, target: str, body: Any) -> list[str]:
    """Judge one `POST /containers/create`: its target with the query, its body. Return what is wrong, if anything."""
    return [
        *_query(site, target), *_closed(site, body, CONFIG, ""), *_together(body), *_many_ports(site, body),
        *_swap(site, body),
    ]  # fmt: skip


def closed(site: Site, values: Any, table: dict[str, Check]) -> list[str]:
    """Judge another object by a table of its own."""
    return list(_closed(site, values, table, ""))


# -- the pieces -------------------------------------------------------------------------


def _closed(site: Site, values: Any, table: dict[str, Check], place: str) -> Verdict:
    """Judge an object by a table; what the table does not know must be empty."""
    if not isinstance(values, dict):
        yield f"{place or 'the body'} is no object: {values!r}"
        return
    for key in table.keys() - values.keys():
        yield from (f"{place}{key}: {what}" for what in table[key](site, None))
    for key, value in values.items():
        check = table.get(key, _empty)
        yield from (f"{place}{key}: {what}" for what in check(site, value))


def _empty(_: Site, value: Any) -> Verdict:
    if value not in (None, "", [], {}) and value is not False and (value != 0 or isinstance(value, bool)):
        yield f"must be empty, is {value!r}"


def _null(_: Site, value: Any) -> Verdict:
    """An empty list is no default here: it takes away what the Engine would mask."""
    if value is not None:
        yield f"must be null, is {value!r}"


def _flag(_: Site, value: Any) -> Verdict:
    if value is not None and not isinstance(value, bool):
        yield f"is no truth value: {value!r}"


def _one_of(*words: Any) -> Check:
    def check(_: Site, value: Any) -> Verdict:
        if value is not None and value not in words:
            yield f"must be one of {words}, is {value!r}"

    return check


def _amount(least: int, most: Callable[[Site], int], *also: int | None) -> Check:
    def check(site: Site, value: Any) -> Verdict:
        number = isinstance(value, int) and not isinstance(value, bool)
        if value not in also and not (number and least <= value <= most(site)):
            yield f"must be {least}..{most(site)}, is {value!r}"

    return check


def _matching(pattern: re.Pattern[str]) -> Check:
    def check(_: Site, value: Any) -> Verdict:
        if value not in (None, "") and not (isinstance(value, str) and pattern.fullmatch(value)):
            yield f"is no {pattern.pattern}: {value!r}"

    return check


def _texts(_: Site, value: Any) -> Verdict:
    """A list of texts, as they come: they stay in the container."""
    if value is not None and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        yield f"is no list of texts: {value!r}"


def _items(check: Check) -> Check:
    """Each item of a list, or each key of an object."""

    def items(site: Site, value: Any) -> Verdict:
        if not isinstance(value, list | dict | None):
            yield f"is no list: {value!r}"
            return
        for item in value or ():
            yield from check(site, item)

    return items


def inside(_: Site, value: Any) -> Verdict:
    """An absolute path in the container where nothing of the kernel's is. See CVE-2024-21626, CVE-2025-31133."""
    if not isinstance(value, str) or not value.startswith("/") or re.search(r"[\x00-\x1f\x7f]", value):
        yield f"is no absolute path: {value!r}"
        return
    parts = value.removesuffix("/").split("/")[1:]
    if not parts or {"", ".", ".."} & set(parts):
        yield f"is no clean path: {value!r}"
    if any(f"{value}/".startswith(f"{kernel}/") for kernel in KERNEL):
        yield f"is the kernel's: {value!r}"


# -- Config -----------------------------------------------------------------------------


def _query(site: Site, target: str) -> Verdict:
    parts = urlsplit(target)
    if not re.fullmatch(r"(/v1\.\d+)?/containers/create", parts.path):
        yield f"is no /containers/create: {target}"
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key == "name" and NAME.fullmatch(value):
            continue
        if key == "platform" and re.fullmatch(r"(linux/(amd64|arm64|arm)(/v\d)?)?", value):
            continue
        yield f"?{key}={value}: may not be"


def image(site: Site, value: Any) -> Verdict:
    """An image of a listed registry, by name and tag or digest. A bare id is whatever is on the host."""
    part = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
    host = r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d+)?"
    name = rf"(?:(?P<host>{host})/)?(?P<path>{part}(?:/{part})*)"
    read = re.fullmatch(rf"{name}(?::(?P<tag>[\w][\w.-]{{0,127}}))?(?P<digest>@sha256:[0-9a-f]{{64}})?", str(value))
    if not isinstance(value, str) or not read or HEX64.fullmatch(value) or not (read["tag"] or read["digest"]):
        yield f"is no image with a tag: {value!r}"
        return
    domain, path = read["host"], read["path"]
    if domain and not ("." in domain or ":" in domain or domain == "localhost"):
        domain, path = None, f"{domain}/{path}"
    if domain in (None, "index.docker.io"):
        domain = "docker.io"
    if domain not in site.registries or path == "sha256":
        yield f"is of another registry: {value!r}"
    if not listed(site.images, path.removeprefix("library/") if domain == "docker.io" else f"{domain}/{path}"):
        yield f"is no listed image: {value!r}"


def listed(patterns: tuple[str, ...], text: str) -> bool:
    """Tell whether one of the patterns is that of the text."""
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _variable(_: Site, value: Any) -> Verdict:
    name, equals, _rest = str(value).partition("=")
    if not isinstance(value, str) or not equals or not VARIABLE.fullmatch(name):
        yield f"is no NAME=VALUE: {value!r}"
    elif name.startswith(HOOK_VARIABLES):
        yield f"steers what runs on the host: {value!r}"


def _labels(site: Site, value: Any) -> Verdict:
    labels = value if isinstance(value, dict) else {}
    if labels.get("rshell.owner") != str(site.uid):
        yield f"the owner is not {site.uid}: {labels.get('rshell.owner')!r}"
    yield from owned_labels(site, labels)


def owned_labels(site: Site, labels: Any) -> Verdict:
    """Labels of a project are that project's, and nothing steers what runs on the host.

    Without a project the label is there and empty: an image could have one.
    """
    if not isinstance(labels, dict):
        yield f"are no labels: {labels!r}"
        return
    if labels.get(f"{COMPOSE}project") != site.project:
        yield f"the project is not {site.project!r}: {labels.get(f'{COMPOSE}project')!r}"
    for key, text in labels.items():
        if not isinstance(text, str):
            yield f"{key} is no text: {text!r}"
        if (key, text) == ("rshell.owner", str(site.uid)):
            continue
        if key == "rshell.run" and re.fullmatch("[0-9a-f]{16}", str(text)):
            continue
        known = COMPOSE_LABELS if site.project else ("project",)
        if key.startswith(COMPOSE) and key.removeprefix(COMPOSE) in known:
            continue
        if key.startswith(FORCED_LABELS) or not listed(site.labels, key):
            yield f"may not be set: {key!r}"


def _health(site: Site, value: Any) -> Verdict:
    if value is None:
        return
    table: dict[str, Check] = {"Test": _texts, "Retries": _amount(0, lambda _: 100, None)}
    for name, least in (("Interval", 10**9), ("Timeout", 0), ("StartPeriod", 0), ("StartInterval", 10**9)):
        table[name] = _amount(least, lambda _: 1 << 62, None, 0)
    yield from _closed(site, value, table, "")


def _exposed(_: Site, value: Any) -> Verdict:
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,5}(-\d{1,5})?(/(tcp|udp))?", value):
        yield f"is no port: {value!r}"


def _workdir(site: Site, value: Any) -> Verdict:
    if value not in (None, "", "/"):
        yield from inside(site, value)


# -- HostConfig: mounts -----------------------------------------------------------------


def _bind(site: Site, value: Any) -> Verdict:
    """SOURCE:TARGET[:OPTIONS], split as the Engine does."""
    parts = str(value).split(":")
    if not isinstance(value, str) or len(parts) not in (2, 3) or not parts[0]:
        yield f"is no SOURCE:TARGET: {value!r}"
        return
    options = parts[2].split(",") if len(parts) == 3 else []
    if len(parts) == 2 and set(parts[1].split(",")) <= {"ro", "rw", "z", "Z", "nocopy"}:
        yield f"has options for a target: {value!r}"
    if wrong := set(options) - {"ro", "rw", "nocopy"}:
        yield f"has options {wrong}: {value!r}"
    yield from inside(site, parts[1])
    yield from _source(site, parts[0], "ro" in options and "rw" not in options)


def _source(site: Site, source: str, read_only: bool) -> Verdict:
    """A listed volume, or a directory below a listed one."""
    if not source.startswith("/"):
        yield from volume_name(site, source)
        return
    clean = not {"", ".", ".."} & set(source.removesuffix("/").split("/")[1:])
    for directory, only_read in site.binds:
        # what a container can write, it can fill with links: below that, nothing is mounted
        below = f"{source}/".startswith(f"{directory}/") and only_read and read_only
        if clean and (below or (source.removesuffix("/") == directory and (read_only or not only_read))):
            return
    yield f"is a path of the host{' for writing' if not read_only else ''}: {source!r}"


def volume_name(site: Site, value: Any) -> Verdict:
    """A listed volume, or one of the project's own."""
    known = isinstance(value, str) and VOLUME.fullmatch(value)
    nameless = site.project and known and HEX64.fullmatch(value)  # of the container before, in the same project
    if not known or not (listed(site.volumes, value) or _own(site, value) or nameless) or value in site.disguised:
        yield f"is no listed volume: {value!r}"


def network_name(site: Site, value: Any) -> Verdict:
    """A listed network, or one of the project's own."""
    fine = isinstance(value, str) and (listed(site.networks, value) or _own(site, value))
    if not fine or value in site.disguised:
        yield f"is no listed network: {value!r}"


def _own(site: Site, name: str) -> bool:
    return bool(site.project) and name.startswith(f"{site.project}_") and len(name) > len(site.project) + 1


def _mount(site: Site, value: Any) -> Verdict:
    kind = value.get("Type") if isinstance(value, dict) else None
    if kind not in MOUNTS:
        yield f"is of type {kind!r}"
        return
    yield from _closed(site, value, {"Type": _one_of(kind), "Target": inside, **MOUNTS[kind]}, "")
    source, read_only = value.get("Source") or "", value.get("ReadOnly") is True
    if kind != "tmpfs" and (source or kind == "bind"):
        if source.startswith("/") != (kind == "bind"):
            yield f"is no source of a {kind}: {source!r}"
        yield from _source(site, source, read_only)


def _volume_options(site: Site, value: Any) -> Verdict:
    if value is None:
        return
    table: dict[str, Check] = {"NoCopy": _flag, "DriverConfig": _driver, "Labels": _volume_labels, "Subpath": _empty}
    yield from _closed(site, value, table, "")


def _volume_labels(site: Site, value: Any) -> Verdict:
    for key in value or ():
        if not (site.project and key in (f"{COMPOSE}project", f"{COMPOSE}volume")):
            yield f"may not be set: {key!r}"


def _driver(site: Site, value: Any) -> Verdict:
    """Another driver is a plugin; options of the local one can be a bind mount of anything."""
    if value is not None:
        yield from _closed(site, value, {"Name": _one_of("", "local"), "Options": _empty}, "")


def _tmpfs_options(site: Site, value: Any) -> Verdict:
    size = _amount(1, lambda site: site.tmpfs)
    yield from _closed(site, value or {}, {"SizeBytes": size, "Mode": _amount(0, lambda _: 1 << 32, None)}, "")


def _bind_options(site: Site, value: Any) -> Verdict:
    """The Engine makes no directory, and nothing that is mounted later comes through."""
    options = value or {}
    table: dict[str, Check] = {"Propagation": _one_of("", "private", "rprivate")}
    table |= dict.fromkeys(("NonRecursive", "ReadOnlyForceRecursive"), _flag)
    yield from _closed(site, options, table, "")


MOUNTS: dict[str, dict[str, Check]] = {
    "volume": {"Source": lambda *_: iter(()), "ReadOnly": _flag, "VolumeOptions": _volume_options},
    "tmpfs": {"ReadOnly": _flag, "TmpfsOptions": _tmpfs_options},
    "bind": {"Source": lambda *_: iter(()), "ReadOnly": _flag, "BindOptions": _bind_options},
}


def _together(body: Any) -> Verdict:
    """No mount lies in another: whoever shares the outer one can turn the way to the inner (CVE-2021-30465)."""
    host = body.get("HostConfig") if isinstance(body, dict) else None
    if not isinstance(host, dict):
        return
    binds = [str(one).split(":") for one in host.get("Binds") or ()]
    targets = [parts[min(1, len(parts) - 1)] for parts in binds]
    targets += [str(one.get("Target")) for one in host.get("Mounts") or () if isinstance(one, dict)]
    targets += [*(host.get("Tmpfs") or ()), *(body.get("Volumes") or ())]
    ways = sorted(target.rstrip("/") + "/" for target in targets)
    yield from (f"{two} lies in {one}" for one, two in pairwise(ways) if two.startswith(one))


def _tmpfs(site: Site, value: Any) -> Verdict:
    """TARGET -> OPTIONS. Without a size one takes half of the host's memory."""
    for target, options in (value or {}).items():
        yield from inside(site, target)
        given = str(options).split(",") if options else []
        sizes = [one for one in given if one.startswith("size=")]
        if len(sizes) != 1 or not 0 < _bytes(sizes[0].removeprefix("size=")) <= site.tmpfs:
            yield f"has no size up to {site.tmpfs}: {target!r} {options!r}"
        for one in given:
            if one not in sizes and not re.fullmatch("ro|rw|noexec|nosuid|nodev|mode=[0-7]{3,4}", one):
                yield f"has an option {one!r}: {target!r}"


def _bytes(text: str) -> int:
    """A size as the kernel reads it."""
    read = re.fullmatch(r"(\d{1,15})([kmgKMG]?)", text)
    return int(read[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[read[2].lower()] if read else 0


# -- HostConfig: the rest -----------------------------------------------------------------


def _network_mode(site: Site, value: Any) -> Verdict:
    """No mode is what the Engine calls `default`: the bridge."""
    yield from network_name(site, "bridge" if value in (None, "", "default") else value)


def _networking(site: Site, value: Any) -> Verdict:
    if value is not None:
        yield from _closed(site, value, {"EndpointsConfig": _endpoints}, "")


def _endpoints(site: Site, value: Any) -> Verdict:
    for name, endpoint in (value or {}).items():
        yield from network_name(site, "bridge" if name == "default" else name)
        if endpoint is not None:
            yield from _closed(site, endpoint, {"Aliases": _items(_alias)}, f"{name}.")


def _alias(site: Site, value: Any) -> Verdict:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        yield f"is no name: {value!r}"


def _ports(site: Site, value: Any) -> Verdict:
    """PORT/PROTOCOL -> where it is on the host."""
    for port, bindings in (value or {}).items():
        yield from _exposed(site, port)
        for binding in bindings or ():
            yield from _closed(site, binding, {"HostIp": _address, "HostPort": _host_port}, f"{port}.")


def _address(site: Site, value: Any) -> Verdict:
    if value not in site.addresses:
        yield f"is no listed address: {value!r}"


def _host_port(site: Site, value: Any) -> Verdict:
    """'' and 0: any that is free, which the kernel takes from above 1024."""
    least, most = site.ports
    ends = str(value).split("-")
    if value in (None, "", "0"):
        if least > 32768 or most < 60999:
            yield f"is any port: {value!r}"
    elif len(ends) > 2 or not all(one.isascii() and one.isdigit() and least <= int(one) <= most for one in ends):
        yield f"is no listed port: {value!r}"


def _many_ports(site: Site, body: Any) -> Verdict:
    """The Engine starts a process for each."""
    host = body.get("HostConfig") if isinstance(body, dict) else None
    bindings = host.get("PortBindings") if isinstance(host, dict) else None
    total = sum(len(each or ()) for each in (bindings or {}).values())
    if total > site.most_ports:
        yield f"has {total} ports"


def _swap(site: Site, body: Any) -> Verdict:
    """Memory and swap together: at most twice the memory, which is what the Engine makes of 0."""
    host = body.get("HostConfig") if isinstance(body, dict) else None
    memory, both = (host.get("Memory"), host.get("MemorySwap")) if isinstance(host, dict) else (0, 0)
    if isinstance(memory, int) and isinstance(both, int) and both and not memory <= both <= 2 * memory:
        yield f"has {both} of memory and swap for {memory} of memory"


def _restart(site: Site, value: Any) -> Verdict:
    name, most = (value or {}).get("Name") or "no", (value or {}).get("MaximumRetryCount") or 0
    if name != "no" and not (name == "on-failure" and 0 < most <= site.retries):
        yield f"starts it again and again: {value!r}"
    yield from (f"{key}: unknown" for key in (value or {}).keys() - {"Name", "MaximumRetryCount"})


def _log(site: Site, value: Any) -> Verdict:
    """Other drivers connect to anywhere, as root; `tag` is a template in the Engine."""
    driver = _one_of("", *site.log_drivers)
    if value is not None:
        yield from _closed(site, value, {"Type": driver, "Config": _log_options}, "")


def _log_options(_: Site, value: Any) -> Verdict:
    for key, text in (value or {}).items():
        if key not in LOG_OPTIONS or not re.fullmatch(LOG_OPTIONS[key], str(text).lower()):
            yield f"may not be: {key}={text!r}"


def _security(_: Site, value: Any) -> Verdict:
    if value not in (["no-new-privileges"], ["no-new-privileges:true"], ["no-new-privileges=true"]):
        yield f"is not no-new-privileges alone: {value!r}"


def _device_request(site: Site, value: Any) -> Verdict:
    """Another driver is any code of the host: CDI hooks, for one."""
    table: dict[str, Check] = {
        "Driver": _one_of("", "nvidia"), "Count": _amount(-1, lambda _: 64, None), "DeviceIDs": _items(_alias),
        "Capabilities": _items(_capabilities), "Options": _empty,
    }  # fmt: skip
    yield from _closed(site, value, table, "")


def _capabilities(_: Site, value: Any) -> Verdict:
    if not isinstance(value, list) or "gpu" not in value or not set(value) <= GPU_CAPABILITIES:
        yield f"is more than a GPU: {value!r}"


def _dropped(_: Site, value: Any) -> Verdict:
    if not isinstance(value, str) or not re.fullmatch("[A-Za-z_]{2,40}", value):
        yield f"is no capability: {value!r}"


def _ulimit(site: Site, value: Any) -> Verdict:
    name = value.get("Name") if isinstance(value, dict) else None
    number = _amount(0, lambda _: ULIMITS.get(str(name), 0))
    if name in MEMORY_ULIMITS:
        number = _amount(-1, lambda _: (1 << 63) - 1)
    names = _one_of(*ULIMITS, *MEMORY_ULIMITS)
    yield from _closed(site, value, {"Name": names, "Soft": number, "Hard": number}, f"{name}.")


def _processors(_: Site, value: Any) -> Verdict:
    if value in (None, ""):
        return
    for one in str(value).split(","):
        read = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", one)
        if not read or not int(read[1]) <= int(read[2] or read[1]) < 4096:
            yield f"is no list of processors: {value!r}"


def _console(_: Site, value: Any) -> Verdict:
    if value is not None and not (len(value) == 2 and all(isinstance(one, int) for one in value)):
        yield f"is no size of a terminal: {value!r}"


def _host_config(site: Site, value: Any) -> Verdict:
    yield from _closed(site, value, HOST, "")


def _memory(site: Site) -> int:
    return site.memory


HOST: dict[str, Check] = {
    "AutoRemove": _flag,
    "Binds": _items(_bind),
    "CapDrop": _items(_dropped),
    "CgroupnsMode": _one_of("", "private"),
    "ConsoleSize": _console,
    "CpuShares": _amount(2, lambda _: 262144, 0, None),
    "CpusetCpus": _processors,
    "CpusetMems": _processors,
    "DeviceRequests": _items(_device_request),
    "Init": _flag,
    "IpcMode": _one_of("", "private", "none"),
    "LogConfig": _log,
    "MaskedPaths": _null,
    "Memory": _amount(1, _memory),
    "MemoryReservation": _amount(0, _memory, None),
    "MemorySwap": _amount(0, _memory, None),
    "MemorySwappiness": _one_of(-1),
    "Mounts": _items(_mount),
    "NanoCpus": _amount(0, lambda site: site.cpus * 10**9, None),
    "NetworkMode": _network_mode,
    "PidsLimit": _amount(1, lambda site: site.pids),
    "PortBindings": _ports,
    "ReadonlyPaths": _null,
    "ReadonlyRootfs": _flag,
    "RestartPolicy": _restart,
    "SecurityOpt": _security,
    "ShmSize": _amount(0, lambda site: site.shm, None),
    "Tmpfs": _tmpfs,
    "Ulimits": _items(_ulimit),
}
"""Everything else of HostConfig must be empty: Privileged, CapAdd, Devices, PidMode, VolumesFrom, Runtime..."""

CONFIG: dict[str, Check] = {
    **dict.fromkeys(("AttachStderr", "AttachStdin", "AttachStdout", "OpenStdin", "StdinOnce", "Tty"), _flag),
    **dict.fromkeys(("Cmd", "Entrypoint"), _texts),
    **dict.fromkeys(("Domainname", "Hostname"), _matching(HOST_NAME)),
    "Env": _items(_variable),
    "ExposedPorts": _items(_exposed),
    "Healthcheck": _health,
    "HostConfig": _host_config,
    "Image": image,
    "Labels": _labels,
    "NetworkingConfig": _networking,
    "StopSignal": _matching(re.compile("[A-Za-z0-9+-]{1,16}")),
    "StopTimeout": _amount(0, lambda _: 300, None),
    "User": _matching(USER),
    "Volumes": _items(inside),
    "WorkingDir": _workdir,
}
"""Everything else of Config must be empty: MacAddress, OnBuild, NetworkDisabled, Shell..."""
