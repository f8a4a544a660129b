"""What a service of a compose file may say, and what it may not, however it is spelled: the words of stacks.py."""

from __future__ import annotations

from typing import Any

from .soup import BAD as BAD_OPTIONS
from .soup import BAD_IMAGES, IMAGES
from .soup import GOOD as GOOD_OPTIONS


def _of(*options: str) -> list[str]:
    return [value for option in options for value in GOOD_OPTIONS[option]]


def _bad(*options: str) -> list[str]:
    return [value for option in options for value in BAD_OPTIONS.get(option, ())]


GOOD: dict[str, list[Any]] = {
    "attach": [True, False],
    "cap_drop": [["ALL"], ["NET_RAW", "CHOWN"]],
    "cgroup": ["private"],
    "ipc": ["private", "none"],
    "privileged": [False],
    "oom_kill_disable": [False],
    "command": ["id", ["sh", "-c", "echo $$HOME"], "sh -c 'echo --privileged'", ["-v", "/:/x"]],
    "configs": [["motd"], [{"source": "motd", "target": "/etc/motd"}]],
    "container_name": ["bench-web", "ollama"],
    "cpu_shares": [512],
    "cpus": [4, 0.5, "1.5"],
    "cpuset": ["0-3", "0"],
    "depends_on": [["db"], {"db": {"condition": "service_started"}}],
    "deploy": [
        {"replicas": 1},
        {"resources": {"limits": {"cpus": "2", "memory": "1g", "pids": 100}}},
        {"resources": {"reservations": {"memory": "64m"}}},
        {"resources": {"reservations": {"devices": [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]}}},
        {"resources": {"reservations": {"devices": [{"count": 1, "capabilities": ["gpu", "utility"]}]}}},
    ],
    "domainname": ["lab.example"],
    "entrypoint": ["sh", [], ["ollama", "serve"]],
    "environment": [{"A": "b", "N": 1, "Y": "yes"}, ["A=b", "B="], {"A": "$$HOME"}, {"E": ""}],
    "expose": [["80"], [90, "91/udp"]],
    "gpus": ["all", [{"count": 1, "capabilities": ["gpu"]}], [{"device_ids": ["0"], "capabilities": ["gpu"]}]],
    "healthcheck": [
        {"test": ["CMD", "true"], "interval": "10s", "retries": 3}, {"test": "curl -f x", "timeout": "5s"},
        {"disable": True},
    ],
    "hostname": ["web"],
    "image": list(IMAGES),
    "init": [True, False],
    "labels": [{"bench.run": "1"}, ["bench.a=b", "lab.x"]],
    "logging": [
        {"driver": "local", "options": {"max-size": "10m"}}, {"driver": "json-file", "options": {"max-file": "3"}},
    ],
    "mem_limit": ["1g", "512MiB", "512m", 1073741824],
    "mem_reservation": ["256m"],
    "memswap_limit": ["16g"],
    "network_mode": ["bridge", "none"],
    "networks": [["lab"], {"lab": None}, {"lab": {"aliases": ["x"]}, "default": {}}, ["default"], ["back"]],
    "pids_limit": [100, "512"],
    "platform": ["linux/amd64"],
    "ports": [[value] for value in _of("publish") if "=" not in value]
    + [[{"target": 80, "published": "8080", "host_ip": "127.0.0.1", "protocol": "tcp"}]],
    "profiles": [["bench"]],
    "pull_policy": ["always", "missing", "never"],
    "read_only": [True, False],
    "restart": ["no", "on-failure:3"],
    "scale": [1, 2],
    "security_opt": [["no-new-privileges"], ["no-new-privileges:true"]],
    "shm_size": ["64m", "1g"],
    "stdin_open": [True, False],
    "stop_grace_period": ["20s", "1m30s"],
    "stop_signal": ["SIGINT", "TERM"],
    "tmpfs": ["/t:size=1m", ["/t:size=1g,mode=1777", "/u:size=1m"], "/run"],
    "tty": [False],
    "ulimits": [
        {"nofile": 1024, "nproc": 100}, {"nofile": {"soft": 1024, "hard": 2048}},
        {"memlock": -1, "stack": {"soft": 67108864, "hard": -1}},
    ],
    "user": ["1000:1000", "root", 0],
    "volumes": [[value] for value in _of("volume")]
    + [
        ["data:/d", "results:/r:ro"],
        [{"type": "volume", "source": "ollama", "target": "/o", "read_only": True}],
        [{"type": "volume", "source": "data", "target": "/o", "volume": {"nocopy": True}}],
        [{"type": "tmpfs", "target": "/s", "tmpfs": {"size": 67108864, "mode": 1777}}],
        [{"type": "tmpfs", "target": "/s", "tmpfs": {"size": "1m"}}],
        [{"type": "bind", "source": "/srv/datasets", "target": "/b", "read_only": True}],
        [{"type": "bind", "source": "/srv/work", "target": "/b", "bind": {"create_host_path": False}}],
    ],
    "working_dir": ["/w", "/"],
}  # fmt: skip

BAD: dict[str, list[Any]] = {
    "annotations": [{"run.oci.keep_original_groups": "1"}],
    "blkio_config": [{"weight": 300}, {"device_read_bps": [{"path": "/dev/sda", "rate": 1}]}],
    "build": [
        ".", {"context": "/etc"}, {"context": "https://evil.example/x.git"}, {"dockerfile_inline": "FROM busybox"},
    ],
    "cap_add": [["ALL"], ["SYS_ADMIN"]],
    "cgroup": ["host"],
    "cgroup_parent": ["/"],
    "command": ["$LEAKED", ["${LEAKED}"], "${HOME:-x}", ["a", None], {"a": "b"}],
    "configs": [["nope"], [{"source": "motd", "target": "/proc/x"}], [{"source": "motd", "target": "../x"}]],
    "container_name": ["a/b", "${LEAKED}", ""],
    "cpu_period": [100000], "cpu_quota": [50000], "cpu_rt_runtime": [950000], "cpu_count": [4],
    "cpus": [17, -1, "inf", 1e3, ".inf", "0x10"],
    "credential_spec": [{"file": "x.json"}],
    "deploy": [
        {"replicas": 100}, {"mode": "global"}, {"labels": {"a": "b"}}, {"restart_policy": {"condition": "any"}},
        {"resources": {"limits": {"memory": "65g"}}}, {"resources": {"limits": {"pids": -1}}},
        {"endpoint_mode": "dnsrr"},
        {"resources": {"reservations": {"devices": [{"driver": "cdi", "device_ids": ["a/b=c"],
        "capabilities": ["gpu"]}]}}},
        {"resources": {"reservations": {"devices": [{"driver": "", "capabilities": ["compat32"]}]}}},
        {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"], "options": {"a": "b"}}]}}},
        {"resources": {"reservations": {"generic_resources": [{"discrete_resource_spec": {"kind": "x", "value": 1}}]}}},
        {"placement": {"constraints": ["a==b"]}},
    ],
    "develop": [{"watch": [{"path": ".", "action": "sync", "target": "/x"}]}],
    "device_cgroup_rules": [["c *:* rwm"]],
    "devices": [["/dev/sda"], ["vendor.com/class=x"], [{"source": "/dev/null", "target": "/x", "permissions": "rwm"}]],
    "dns": ["6.6.6.6"], "dns_opt": [["a"]], "dns_search": ["corp"],
    "entrypoint": ["${LEAKED}", ["$LEAKED"]],
    "env_file": ["../files/leaked", ["../files/env"], [{"path": "/proc/self/environ", "format": "raw"}]],
    "environment": [
        ["LEAKED"], {"LEAKED": None}, {"A": "${LEAKED}"}, ["A=$LEAKED"], {"LD_PRELOAD": "/x"}, {"A": "${LEAKED:?x}"},
        {"A": "$$${LEAKED}"}, {"A": "$$$LEAKED"}, ["HOME"], {"$LEAKED": "x"}, {"A": ["b"]},
        {"NVIDIA_VISIBLE_DEVICES": "/x"},
        {"A": "$$$$LEAKED"}, {"A": "$${LEAKED}"}, ["${LEAKED}=x"], ["A=$$$LEAKED"],
    ],
    "expose": [["x"], ["80-"]],
    "extends": [{"file": "../files/stack.yaml", "service": "web"}, {"service": "db"}, "db"],
    "external_links": [["vault:v"]],
    "extra_hosts": [{"a": "host-gateway"}, ["ollama:127.0.0.1"]],
    "gpus": [[{"driver": "cdi"}], [{"capabilities": ["compat32"]}], [{"options": {"a": "b"}}], "none"],
    "group_add": [["docker"]],
    "healthcheck": [{"test": ["EVIL", "x"]}, {"test": "$LEAKED"}, {"retries": -1}],
    "hostname": ["$LEAKED", "a/b"],
    "image": [*BAD_IMAGES, "${LEAKED:-alpine}", "$LEAKED"],
    "ipc": ["host", "shareable", "service:db"],
    "isolation": ["hyperv"],
    "label_file": ["../files/leaked"],
    "labels": [
        {"com.docker.compose.project": "prod"}, {"rshell.owner": "0"}, ["rshell.owner=0"], {"traefik.enable": "true"},
        {"bench.x": "$LEAKED"}, {"bench.x": "${LEAKED}"}, {"${LEAKED}": "x"}, {"bench.$LEAKED": "x"},
        ["bench.x=$LEAKED"],
    ],
    "links": [["db"], ["db:x"]],
    "logging": [
        {"driver": "syslog"}, {"driver": "local", "options": {"tag": "x"}}, {"driver": "$LEAKED"},
        {"driver": "local", "options": {"max-size": "$LEAKED"}}, {"options": {"syslog-address": "unix:///x"}},
        {"driver": "none"},
    ],
    "mac_address": ["02:42:ac:11:00:02"],
    "mem_limit": ["65g", -1, "0", "1e9", 0],
    "mem_swappiness": [0],
    "memswap_limit": [-1, "100g"],
    "models": [["x"], {"x": {}}],
    "network_mode": ["host", "container:web", "service:db", "HOST", "lab", "prod", "${LEAKED}"],
    "networks": [
        ["prod"], {"lab": {"ipv4_address": "10.0.0.2"}}, {"lab": {"mac_address": "02:42:ac:11:00:02"}}, ["host"],
        {"lab": {"driver_opts": {"a": "b"}}}, {"lab": {"aliases": ["$LEAKED"]}},
        {"lab": {"link_local_ips": ["169.254.1.1"]}},
        {"lab": {"gw_priority": 9}}, {"lab": {"interface_name": "eth9"}}, {"lab": {"priority": 9}},
    ],
    "oom_kill_disable": [True], "oom_score_adj": [-1000],
    "pid": ["host", "service:db"],
    "pids_limit": [-1, 0, 100000],
    "ports": [[value] for value in _bad("publish")]
    + [
        ["80"], [80], [{"target": 80, "published": "8080"}],
        [{"target": 80, "published": "8080", "host_ip": "0.0.0.0"}],
        [{"target": 80, "host_ip": "127.0.0.1", "published": "22"}], ["127.0.0.1:8080:80", "8081:81"],
        [{"target": 80, "host_ip": "127.0.0.1", "published": "8080", "mode": "ingress"}], ["$LEAKED:80"],
        [{"target": 80, "host_ip": "127.0.0.1", "published": "8000-9000"}], [{"target": "80", "host_ip": ""}],
    ],
    "post_start": [[{"command": "id", "privileged": True}]],
    "pre_stop": [[{"command": "id", "privileged": True}]],
    "privileged": [True, "true", "yes", 1, "${LEAKED:-true}"],
    "profiles": [["$LEAKED"]],
    "provider": [{"type": "./evil.sh"}, {"type": "bash"}],
    "pull_policy": ["build", "daily", "every_1h"],
    "restart": ["always", "unless-stopped", "on-failure", "on-failure:100"],
    "runtime": ["evil", "runc"],
    "scale": [100],
    "secrets": [["x"], [{"source": "x", "target": "/y"}]],
    "security_opt": [[value] for value in _bad("security-opt")],
    "shm_size": ["900g"],
    "stop_grace_period": ["99h", "-5s"],
    "storage_opt": [{"size": "1T"}],
    "sysctls": [{"net.ipv4.ip_forward": 1}],
    "tmpfs": [*_bad("tmpfs"), ["/t:size=1m", "/proc"]],
    "ulimits": [{"nproc": -1}, {"rtprio": 99}, {"nofile": {"soft": 1, "hard": -1}}],
    "use_api_socket": [True],
    "user": ["$LEAKED", "a:b:c"],
    "userns_mode": ["host"], "uts": ["host"],
    "volumes": [[value] for value in _bad("volume")]
    + [
        [{"type": "bind", "source": "/", "target": "/h"}],
        [{"type": "bind", "source": "/srv/datasets", "target": "/h"}],
        [{"type": "bind", "source": "/srv/work", "target": "/h", "bind": {"propagation": "rshared"}}],
        [{"type": "bind", "source": "/srv/new", "target": "/h", "bind": {"create_host_path": True}}],
        [{"type": "volume", "source": "ollama", "target": "/h", "volume": {"subpath": "../.."}}],
        [{"type": "volume", "source": "/", "target": "/h"}], [{"type": "cluster", "source": "x", "target": "/y"}],
        [{"type": "image", "source": "alpine:3", "target": "/y"}], [{"type": "npipe", "source": "x", "target": "/y"}],
        [{"source": "/", "target": "/h"}], [{"type": "bind", "source": "$LEAKED", "target": "/h"}], ["$LEAKED:/x"],
        ["data"],
        [{"type": "volume", "source": "ollama", "target": "/h", "bind": {"propagation": "rshared"}}],
        ["data:/d", "data:/d/e"],
        [{"type": "tmpfs", "target": "/s", "tmpfs": {"size": -1}}],
        [{"type": "volume", "source": "vault", "target": "/y"}],
    ],
    "volumes_from": [["db"], ["container:portainer"]],
    "working_dir": ["/proc/self/fd/8", "$LEAKED", "x"],
    "x-": [{"a": "b"}],
}  # fmt: skip

GOOD_TOP: dict[str, list[Any]] = {
    "volumes": [
        {"data": None, "results": {}, "ollama": {"external": True}}, {"data": {"labels": {"bench.x": "1"}}},
        {"ollama": {"name": "ollama", "external": True}, "data": {"driver": "local"}},
        {"data": {"name": "ollama", "external": True}},
    ],
    "networks": [{"lab": {"external": True}}, {"lab": {}, "back": {"internal": True}}, {"back": {"driver": "bridge"}}],
    "configs": [{"motd": {"content": "hello $$HOME"}}],
    "version": ["3.8"],
}  # fmt: skip
BAD_TOP: dict[str, list[Any]] = {
    "volumes": [
        {"data": {"driver": "local", "driver_opts": {"type": "none", "o": "bind", "device": "/"}}},
        {"data": {"name": "vault"}}, {"ollama": {"name": "ollama"}}, {"data": {"name": "bench-data"}},
        {"data": {"driver": "evil"}}, {"vault": {"external": True}}, {"data": {"name": "$LEAKED"}},
        {"data": {"external": "yes"}},
        {"data": {"external": {"name": "vault"}}}, {"data": {"labels": {"com.docker.compose.project": "prod"}}},
        {"data": {"name": "prod_data"}}, {"bench-disguised": {"external": True}}, {"data": {"name": "bench-disguised"}},
    ],
    "networks": [
        {"lab": {"external": True, "name": "host"}}, {"default": {"name": "host"}}, {"default": {"external": True}},
        {"lab": {"name": "prod", "external": True}}, {"back": {"driver": "macvlan"}}, {"back": {"name": "bridge"}},
        {"back": {"driver_opts": {"com.docker.network.bridge.name": "docker0"}}}, {"back": {"attachable": True}},
        {"back": {"ipam": {"config": [{"subnet": "10.0.0.0/8"}]}}}, {"default": {"name": "prod", "external": True}},
        {"back": {"labels": {"rshell.owner": "0"}}}, {"back": {"enable_ipv6": True}}, {"back": {"name": "$LEAKED"}},
    ],
    "configs": [
        {"motd": {"file": "../files/leaked"}}, {"motd": {"environment": "LEAKED"}}, {"motd": {"content": "$LEAKED"}},
        {"motd": {"external": True}}, {"motd": {"content": "${LEAKED}"}},
    ],
    "secrets": [{"x": {"file": "../files/leaked"}}, {"x": {"environment": "LEAKED"}}],
    "include": [
        ["../files/stack.yaml"], ["oci://evil.example/x"], [{"path": "../files/stack.yaml", "env_file": "/etc/shadow"}],
    ],
    "name": ["prod", "LAB", "${LEAKED}", ""],
    "models": [{"x": {"model": "ai/x"}}],
    "x-any": [{"a": "$LEAKED"}],
}  # fmt: skip
