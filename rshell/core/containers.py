"""What a container may be, whoever asks for it: one vocabulary, judged by one piece of code.

Absent means none. Modelled on the Kubernetes Pod Security Standards, as a closed list.
"""

from __future__ import annotations

from rshell.core import values
from rshell.core.parts import amounts, images
from rshell.core.parts.fields import Wrong
from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

NAME_START = values.LETTERS | frozenset("_")
VARIABLE = NAME_START | values.DIGITS
# SECURITY: the loader and the GPU hook of the host read these from a container's environment (CVE-2025-23266)
NEVER_SET = ("LD_*", "DOCKER_*", "NVIDIA_*", "BUILDKIT_*")
NEVER_LABEL = ("com.docker.*", "rshell.*", "traefik.*", "ofelia.*", "com.centurylinklabs.*")
LOG_WORDS = {"compress": ("true", "false"), "mode": ("blocking", "non-blocking")}
LOG_SIZES = {"max-size": 1 << 30, "max-buffer-size": 16 << 20}
HOST_PATHS = ("/proc", "/sys", "/dev")
DEFAULT_NETWORK = "bridge"  # of a container that names none
# judged by parts/options.py for docker run
SPLIT = frozenset(("volume", "mount", "tmpfs", "publish", "gpus", "network"))
RUN_LABEL = "rshell.run"  # of a container in the foreground, as long as its client runs
OWNER_LABEL = "rshell.owner"
PROJECT_LABEL = "com.docker.compose.project"


class Containers(Value):
    """The `containers` section of a policy. Sizes in bytes; 0 and () mean that nothing is allowed."""

    registries: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    bind_mounts: tuple[tuple[str, bool], ...] = ()  # (path on the host, for reading only)
    tmpfs: int = 0
    networks: tuple[str, ...] = ("none",)
    publish_addresses: tuple[str, ...] = ()
    publish_low: int = 0
    publish_high: int = 0
    environment: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    gpus: int = 0  # how many; -1 for all
    gpu_capabilities: tuple[str, ...] = ()
    restart: tuple[str, ...] = ("no",)
    log_drivers: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    memory: int = 0
    cpus: int = 0
    pids: int = 0
    shm: int = 0
    default_memory: int = 0
    default_pids: int = 0
    tags: tuple[str, ...] = ()
    build_args: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()  # stdin, directories
    projects: tuple[str, ...] = ()  # of compose files on stdin
    project: str = ""  # of a line of docker compose that names none
    stacks: tuple[Any, ...] = ()  # the operator's own projects: fields of stacks.Stack
    # what `objects` protect, and no container may have; put here by compile.py
    kept_names: tuple[str, ...] = ()
    kept_images: tuple[str, ...] = ()
    kept_volumes: tuple[str, ...] = ()
    kept_networks: tuple[str, ...] = ()


def any_matches(patterns: Iterable[str], *texts: str) -> bool:
    """Tell whether one of the patterns matches a text."""
    return any(images.matches(pattern, text) for pattern in patterns for text in texts)


def judge(allowed: Containers, field: str, value: str) -> str:
    """Hold one value against what is allowed. Return '' when it may be, else what may."""
    return "" if field in HARMLESS else _JUDGES[field](allowed, value)


def expected(allowed: Containers, field: str) -> str:
    """Say what a value of a field may be; '' where nothing but its type counts."""
    return "" if field in HARMLESS else _JUDGES[field](allowed, "")


def image(allowed: Containers, reference: str) -> str:
    """Judge an image to run or to pull. SECURITY: a registry that is not listed may be any host service."""
    read = images.parse(reference)
    if read is None:
        return "an image such as alpine:3.20"
    if read.registry not in allowed.registries:
        return "an image of " + " ".join(allowed.registries)
    if any(images.keeps(pattern, read) for pattern in allowed.kept_images):
        return "an image that is not protected"
    if any(images.allows(pattern, read) for pattern in allowed.images):
        return ""
    by_tag = read.digest and any(images.allows(pattern, read.but(digest="")) for pattern in allowed.images)
    return f"one of {' '.join(allowed.images)}{', without a digest' if by_tag else ''}"


def defaults(allowed: Containers, given: Iterable[str]) -> list[tuple[str, str]]:
    """Return the limits that are put in where the user named none: (field, value)."""
    known = set(given)
    made = []
    if allowed.default_memory and "memory" not in known:
        made.append(("memory", str(allowed.default_memory)))
    if allowed.default_pids and "pids-limit" not in known:
        made.append(("pids-limit", str(allowed.default_pids)))
    return made


def swap(allowed: Containers, memory: str, both: str) -> str:
    """Hold memory and swap together against the memory. Return '' when they may be, else what may.

    memory: as it was asked for, '' where it was not. both: what --memory-swap says. Docker takes as much as the memory
    for no swap, and without the option makes it twice as much: here it can only be less than that, and within `limits`.
    """
    least = amounts.size(memory) or allowed.default_memory
    if not least:
        return "a size, where a memory limit is given too"
    most = max(least, min(2 * least, allowed.memory))
    if least <= amounts.size(both) <= most:
        return ""
    return f"a size from {amounts.shown(least)} to {amounts.shown(most)}, as memory and swap"


def must_name_user(allowed: Containers) -> bool:
    """Tell whether a container has to say who it runs as.

    SECURITY: one that does not runs as the image's own user, which may be root: where some are listed, he is not.
    """
    return bool(allowed.users) and "*" not in allowed.users


def network_like(allowed: Containers, name: str) -> str:
    """Return the allowed network that is nearest to a name, '' if there is none."""
    from rshell.core.nearest import nearest  # only a refusal needs it

    plain = [one for one in allowed.networks if "*" not in one]
    return next(iter((*nearest(name, plain), *plain)), "")


# -- the judges: (allowed, value) -> '' or what is expected -------------------------------


def _listed(field: str, what: str) -> Callable[[Containers, str], str]:
    def listed(allowed: Containers, value: str) -> str:
        patterns: tuple[str, ...] = getattr(allowed, field)
        return "" if any_matches(patterns, value) else f"{what} {' '.join(patterns) or 'none'}"

    return listed


def _words(*words: str) -> Callable[[Containers, str], str]:
    return lambda _, value: "" if value in words else "one of " + " ".join(words)


def _typed(text: str) -> Callable[[Containers, str], str]:
    kind = values.read(text)

    def typed(_: Containers, value: str) -> str:
        return "" if values.fits(kind, value) else values.describe(kind)

    return typed


def _name(allowed: Containers, value: str) -> str:
    if not values.fits(("name",), value):
        return values.describe(("name",))
    # SECURITY: it is a name on networks too, where nobody tells VAULT from vault
    if any_matches([kept.lower() for kept in allowed.kept_names], value.lower()):
        return "a name that is not protected"
    return "" if any_matches(allowed.names, value) else "a name such as " + " ".join(allowed.names)


def _env(allowed: Containers, value: str) -> str:
    name, equals, _ = value.partition("=")
    if not equals:  # SECURITY: docker would copy the variable from our own environment
        return "NAME=VALUE"
    if not name or name[0] not in NAME_START or not VARIABLE.issuperset(name) or len(value) > values.MAX_TEXT:
        return "NAME=VALUE"
    if any_matches(NEVER_SET, name):
        return "another name than " + " ".join(NEVER_SET)
    return "" if any_matches(allowed.environment, name) else "a name such as " + " ".join(allowed.environment)


def _label(allowed: Containers, value: str) -> str:
    key = value.partition("=")[0]
    if not key or not values.NAME_CHARS.union("/").issuperset(key) or any_matches(NEVER_LABEL, key):
        return "a label such as " + " ".join(allowed.labels)
    return "" if any_matches(allowed.labels, key) else "a label such as " + " ".join(allowed.labels)


def _memory(field: str) -> Callable[[Containers, str], str]:
    def memory(allowed: Containers, value: str) -> str:
        most = getattr(allowed, field)
        return "" if 0 < amounts.size(value) <= most else f"a size up to {amounts.shown(most)}"

    return memory


def _cpus(allowed: Containers, value: str) -> str:
    number = f"0{value}" if value.startswith(".") else value  # docker takes .5 too
    return "" if values.fits(("float",), number) and 0 < float(number) <= allowed.cpus else f"up to {allowed.cpus}"


def _pids(allowed: Containers, value: str) -> str:
    kind = ("range", 1, allowed.pids)
    return "" if values.fits(kind, value) else values.describe(kind)


def _cpuset(_: Containers, value: str) -> str:
    return "" if amounts.is_cpuset(value) else "numbers such as 0-3 or 0,2"


def _ulimit(_: Containers, value: str) -> str:
    return "" if amounts.is_ulimit(value) else amounts.ULIMIT_FORM


def _gpus(allowed: Containers, value: str) -> str:
    from rshell.core.parts import gpus

    try:
        gpus.judge(allowed, gpus.read(value))
    except Wrong as wrong:
        return wrong.expected if value else gpus.FORM
    return ""


def _mount(option: str) -> Callable[[Containers, str], str]:
    """Judge a mount by itself; parts/options.py judges those of a container together."""

    def mount(allowed: Containers, value: str) -> str:
        from rshell.core.parts import mounts

        try:
            mounts.judge(allowed, mounts.read(allowed, option, value))
        except Wrong as wrong:
            return wrong.expected if value else mounts.expected(allowed, option)
        return ""

    return mount


def _publish(allowed: Containers, value: str) -> str:
    from rshell.core.parts import ports

    try:
        ports.judge(allowed, ports.read(value))
    except Wrong as wrong:
        return wrong.expected if value else ports.expected(allowed)
    return ""


def _network(allowed: Containers, value: str) -> str:
    """SECURITY: `host`, `container:NAME` and docker's fields name=.. are never names of a network."""
    name = DEFAULT_NETWORK if value == "default" else value
    if any_matches(allowed.kept_networks, name):
        return "a network that is not protected"
    if values.fits(("network",), name) and name != "host" and any_matches(allowed.networks, name):
        return ""
    return "one of " + (" ".join(allowed.networks) or "none")


def _tries(restart: str) -> int:
    """Return how often `on-failure:5` tries, 0 where no number says it."""
    count = restart.partition(":")[2]
    return int(count) if values.fits(("int",), count) else 0


def _restart(allowed: Containers, value: str) -> str:
    kind, _, count = value.partition(":")
    for one in allowed.restart:
        known, _, most = one.partition(":")
        # on-failure alone tries for ever: only where it is listed so
        if kind == known and (count == most == "" or values.fits(("range", 1, _tries(one)), count)):
            return ""
    highest = max(map(_tries, allowed.restart), default=0)
    fewer = f", or fewer, as on-failure:{highest // 2 + 1}" if highest > 1 else ""
    return "one of " + " ".join(allowed.restart) + fewer


def _log_opt(allowed: Containers, value: str) -> str:
    """SECURITY: `tag` is a template that runs inside dockerd, and buffers are dockerd's own memory."""
    key, _, text = value.partition("=")
    if key in LOG_WORDS:
        fine = text in LOG_WORDS[key]
    elif key == "max-file":
        fine = values.fits(("range", 1, 100), text)
    else:
        fine = key in LOG_SIZES and 0 < amounts.size(text) <= LOG_SIZES[key]
    return "" if fine else "max-size=..1g max-file=1..100 compress=true|false mode=blocking|non-blocking"


def _user(allowed: Containers, value: str) -> str:
    parts = value.split(":")
    if len(parts) > 2 or len(value) > 64 or not all(part and values.NAME_CHARS.issuperset(part) for part in parts):
        return "a user, or user:group"
    return "" if any_matches(allowed.users, value) else "one of " + " ".join(allowed.users)


def _workdir(_: Containers, value: str) -> str:
    """SECURITY: -w /proc/self/fd/8 left the container (CVE-2024-21626)."""
    parts = value.split("/")
    clean = value.startswith("/") and value.isprintable() and len(value) <= 1024
    clean = clean and not {"", ".", ".."}.intersection(parts[1:-1] or ["x"])
    inside = any(value == path or value.startswith(path + "/") for path in HOST_PATHS)
    return "" if clean and parts[-1] not in (".", "..") and not inside else "an absolute path outside /proc /sys /dev"


def _domain(_: Containers, value: str) -> str:
    fine = 0 < len(value) <= 63 and values.ALNUM.union("-.").issuperset(value) and value[0] in values.ALNUM
    return "" if fine else "a host name"


def _hostname(allowed: Containers, value: str) -> str:
    """SECURITY: from 25 on the Engine answers for it on every network that the container is on, as for an alias."""
    return _domain(allowed, value) or _name(allowed, value)


def _security(_: Containers, value: str) -> str:
    name, mark, on = value.partition("=" if "=" in value else ":")
    return "" if name == "no-new-privileges" and (on == "true" or not mark) else "no-new-privileges"


def _capability(allowed: Containers, value: str) -> str:
    name = value.upper().removeprefix("CAP_") if value.isascii() else ""
    return "" if 1 < len(name) <= 32 and values.LETTERS.union("_").issuperset(name) else "ALL or a capability"


def _expose(allowed: Containers, value: str) -> str:
    ports, _, protocol = value.partition("/")
    fine = all(values.fits(("range", 1, 65535), port) for port in ports.split("-")[:2]) and ports.count("-") <= 1
    return "" if fine and protocol in ("", "tcp", "udp") else "a port such as 8080/tcp"


def _tag(allowed: Containers, value: str) -> str:
    read = images.parse(value)
    if read is not None and any(images.keeps(pattern, read) for pattern in allowed.kept_images):
        return "a tag that is not protected"
    fine = read is not None and not read.digest and any(images.allows(pattern, read) for pattern in allowed.tags)
    return "" if fine else "a tag such as " + " ".join(allowed.tags)


def _build_arg(allowed: Containers, value: str) -> str:
    name, equals, _ = value.partition("=")
    fine = equals and not any_matches(NEVER_SET, name) and any_matches(allowed.build_args, name)
    return "" if fine else "NAME=VALUE, NAME one of " + " ".join(allowed.build_args)


def _duration(_: Containers, value: str) -> str:
    fine = values.fits(("duration",), value) and not value.startswith("-")
    return "" if fine else values.describe(("duration",))


def _interval(_: Containers, value: str) -> str:
    """SECURITY: each turn is a process that dockerd starts, from a millisecond on. Of 0 docker makes its default."""
    seconds = values.seconds(value)
    return "" if seconds == 0 or seconds >= 1 else "a duration from 1s on"


def _namespace(*words: str) -> Callable[[Containers, str], str]:
    """SECURITY: `host`, `container:NAME` and, for others to join, `shareable` are not a container's own."""
    return lambda _, value: "" if value in words else f"{' or '.join(words)}; a container keeps its own namespaces"


_TEXT = _typed("text")
_JUDGES: dict[str, Callable[[Containers, str], str]] = {
    "name": _name,
    "env": _env,
    "label": _label,
    "memory": _memory("memory"),
    "memory-reservation": _memory("memory"),
    "memory-swap": _memory("memory"),
    "shm-size": _memory("shm"),
    "cpus": _cpus,
    "cpu-shares": _typed("2..262144"),
    "cpuset-cpus": _cpuset,
    "cpuset-mems": _cpuset,
    "pids-limit": _pids,
    "ulimit": _ulimit,
    "gpus": _gpus,
    "volume": _mount("volume"),
    "mount": _mount("mount"),
    "tmpfs": _mount("tmpfs"),
    "publish": _publish,
    "network": _network,
    "network-alias": _name,
    "restart": _restart,
    "log-driver": _listed("log_drivers", "one of"),
    "log-opt": _log_opt,
    "user": _user,
    "workdir": _workdir,
    "hostname": _hostname,
    "domainname": _domain,
    "entrypoint": _TEXT,
    "security-opt": _security,
    "cap-drop": _capability,
    "ipc": _namespace("private", "none"),
    "cgroupns": _namespace("private"),
    "expose": _expose,
    "attach": _words("stdin", "stdout", "stderr"),
    "pull": _words("always", "missing", "never"),
    "platform": _typed("platform"),
    "stop-signal": _typed("signal"),
    "stop-timeout": _typed("0..300"),
    "health-cmd": _TEXT,
    "health-interval": _interval,
    "health-timeout": _duration,
    "health-start-period": _duration,
    "health-start-interval": _interval,
    "health-retries": _typed("1..100"),
    "tag": _tag,
    "build-arg": _build_arg,
    "file": _TEXT,  # where it may be is a rule of docker build: build.py
    "target": _typed("name"),
    "progress": _words("auto", "plain", "tty", "quiet", "rawjson"),
    "project-name": _listed("projects", "one of"),
}
HARMLESS = frozenset(
    """detach interactive tty rm init quiet read-only no-healthcheck sig-proxy no-cache force-rm compress load
    check no-deps quiet-pull no-tty""".split()
)


def knows(field: str) -> bool:
    """Tell whether an option of docker run or build can be judged at all."""
    return field in HARMLESS or field in _JUDGES
