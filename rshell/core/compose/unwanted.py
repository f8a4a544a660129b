"""Why a key of a compose file is refused. It decides nothing: what is allowed is listed in services.py and models.py.

Read for refusals only.
"""

from __future__ import annotations

from rshell.core import limits
from rshell.core.nearest import nearest

FILE = "docker compose would read it from the host"
HOOK = "hooks run as whoever they say, with whatever rights they say"
STARVE = "it could starve the host or escape its limits"
WINDOWS = "it means something on Windows only"
NAMESPACE = "a container keeps its own namespaces"
RESOLVER = "names are resolved as the operator has set it up"
# key of a service -> why it is not there
SERVICE = {
    "annotations": "it steers the runtime",
    "blkio_config": STARVE,
    "build": "build the image first, by docker build, and write image: instead",
    "cap_add": "a container gets no capability beyond docker's own",
    "cgroup_parent": "it escapes the limits of containers",
    "cpu_count": WINDOWS,
    "cpu_percent": WINDOWS,
    **dict.fromkeys(("cpu_period", "cpu_quota"), "write cpus: instead"),
    **dict.fromkeys(("cpu_rt_period", "cpu_rt_runtime"), STARVE),
    "credential_spec": FILE,
    "develop": FILE,
    "device_cgroup_rules": "it opens every device of the host to the container",
    "devices": "a container gets no device of the host; ask for GPUs with gpus: or deploy: instead",
    **dict.fromkeys(("dns", "dns_opt", "dns_search", "extra_hosts"), RESOLVER),
    "env_file": f"{FILE}; write environment: instead",
    "extends": f"{FILE}; share parts by anchors: &name, *name and <<",
    "external_links": "it reaches into containers that are not the file's own",
    "group_add": "a group of the host could own what is mounted",
    "isolation": WINDOWS,
    "label_file": f"{FILE}; write labels: instead",
    "links": "services find each other by their names",
    "mac_address": "addresses are given out by docker",
    "mem_swappiness": STARVE,
    "models": "it runs more than the services of the file",
    **dict.fromkeys(("oom_kill_disable", "oom_score_adj"), STARVE),
    "pid": NAMESPACE,
    **dict.fromkeys(("post_start", "pre_start", "pre_stop"), HOOK),
    "privileged": "a privileged container owns the host",
    "provider": "it runs a program of the host",
    "pull_refresh_after": "write pull_policy: always or missing",
    "runtime": "another runtime may not confine at all",
    "secrets": f"{FILE}; write configs: with content: instead",
    "storage_opt": STARVE,
    "sysctls": "kernel parameters are the operator's",
    "use_api_socket": limits.RAW,
    "userns_mode": NAMESPACE,
    "uts": NAMESPACE,
    "volumes_from": "it takes over the mounts of other containers",
}
# key of `deploy` -> why
DEPLOY = {
    "restart_policy": "write restart: beside deploy: instead",
    "labels": "write labels: beside deploy: instead",
    **dict.fromkeys(
        ("endpoint_mode", "placement", "rollback_config", "update_config"), "it means something in a swarm only"
    ),
}
# key at the top -> why
TOP = {
    "include": f"{FILE}, or fetch it; send one file",
    "models": SERVICE["models"],
    "secrets": SERVICE["secrets"],
}
# key of a network, a volume or a config -> why
PART = {
    "driver_opts": "a driver's options can make it anything, a directory of the host too",
    "environment": "it would take our own environment; write content: instead",
    "file": f"{FILE}; write content: instead",
    "ipam": "addresses are given out by docker",
    **dict.fromkeys(("enable_ipv4", "enable_ipv6"), "addresses are given out by docker"),
}


def why(key: str, known: tuple[str, ...], of: dict[str, str] = SERVICE) -> str:
    """Return why a key is not there; for one that nobody knows, the nearest that is. of: the table to ask."""
    if key in of:
        return of[key]
    close = nearest(key, known)
    return f"nearest: {' '.join(close)}" if close else f"there is: {' '.join(known)}"
