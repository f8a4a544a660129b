"""The `containers` section: what it says, and every way to say what can't be meant."""

from __future__ import annotations

import pytest

from rshell import data
from rshell.core import limits
from rshell.core.containers import Containers
from rshell.policy.grammars import load as load_grammars
from rshell.policy.load import BadPolicy, load

GIB = 1 << 30
BEFORE = "version: 1\nroles: {}\ngrants: {}\ncontainers:\n"


def read(section: str) -> Containers:
    return load((BEFORE + section).encode(), "p", load_grammars(data.completions())).containers


def errors(section: str) -> list[str]:
    """The errors of a section, without the name of the file; its first line is 5."""
    with pytest.raises(BadPolicy) as caught:
        read(section)
    return [one.removeprefix("p:") for one in caught.value.report]


def test_the_whole_section() -> None:
    assert read("""
  registries: [docker.io]
  images: ["*"]
  names: [bench-*]
  volumes: [ollama, bench-*]
  bind_mounts:
    - {source: /srv/datasets, read_only: true}
    - {source: /srv/results, read_only: false}
  tmpfs: {size: 4g}
  networks: [bridge, none, lab]
  publish: {addresses: [127.0.0.1, "0:0::1"], ports: 1024..65535}
  gpus: {count: 2, capabilities: [gpu, compute]}
  environment: [A_*]
  labels: [bench.*]
  restart: ["no", on-failure:5]
  log_drivers: [local]
  users: ["1000"]
  limits: {memory: 8g, cpus: 4, pids: 100, shm: 1g}
  defaults: {memory: 1g, pids: 10}
  build: {tags: [lab/*], args: [N]}
  compose: {stdin: {projects: [lab]}}
""") == Containers(
        registries=("docker.io",), images=("*",), names=("bench-*",), volumes=("ollama", "bench-*"),
        bind_mounts=(("/srv/datasets", True), ("/srv/results", False)), tmpfs=4 * GIB,
        networks=("bridge", "none", "lab"), publish_addresses=("127.0.0.1", "::1"), publish_low=1024,
        publish_high=65535, gpus=2, gpu_capabilities=("gpu", "compute"), environment=("A_*",), labels=("bench.*",),
        restart=("no", "on-failure:5"), log_drivers=("local",), users=("1000",), memory=8 * GIB, cpus=4, pids=100,
        shm=GIB, default_memory=GIB, default_pids=10, tags=("lab/*",), build_args=("N",), projects=("lab",),
    )  # fmt: skip


def test_what_is_not_said_is_not_allowed_and_there_is_no_network() -> None:
    assert read("  registries: []") == Containers()
    assert (Containers().networks, Containers().restart) == (("none",), ("no",))


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("  mounts: []", ["5:3: unknown key `mounts`, expected registries images names volumes networks environment"
                          " labels restart log_drivers users bind_mounts publish gpus build compose tmpfs limits"
                          " defaults"]),
        ("  bind_mounts: [/srv/x]", [
            "5:17: expected a mapping with source, read_only",
        ]),
        ("  bind_mounts: [{source: /srv/x}]", ["5:17: `read_only` is missing"]),
        ("  bind_mounts: [{source: /srv/x, read_only: yes}]", ["5:45: `yes`: expected true or false"]),
        ("  bind_mounts: [{source: srv, read_only: true}]", [
            "5:26: `srv`: expected an absolute path of letters, digits and _ . - + @, without // . or ..",
        ]),
        ("  bind_mounts: [{source: /srv/a, read_only: true}, {source: /srv/a, read_only: false}]", [
            "5:52: `/srv/a` stands twice",
        ]),
        ("  bind_mounts: [{source: /srv, read_only: false}, {source: /srv/a, read_only: true}]", [
            "5:16: `/srv/a` is in `/srv`, where containers can write: list one of them",
        ]),
        ("  tmpfs: {size: lots}", ["5:17: expected a size such as 8g"]),
        ("  tmpfs: 4g", ["5:10: expected a mapping with size"]),
        ("  networks: [host]", ["5:13: `host`: expected the name of a network, not the host's own"]),
        ("  networks: ['container:*']", ["5:13: `container:*`: expected the name of a network, not the host's own"]),
        ("  publish: {addresses: [localhost], ports: 1..2}", [
            "5:24: `localhost`: expected an address such as 127.0.0.1",
        ]),
        ("  publish: {addresses: ['']}", ["5:12: `ports` is missing", "5:25: expected text"]),
        ("  publish: {addresses: [127.0.0.1], ports: 80}", ["5:44: `80`: expected ports such as 1024..65535"]),
        ("  publish: {addresses: [127.0.0.1], ports: 90..80}", ["5:44: `90..80`: expected ports such as 1024..65535"]),
        ("  publish: {addresses: [127.0.0.1], ports: 0..80}", ["5:44: `0..80`: expected ports such as 1024..65535"]),
        ("  gpus: [all]", ["5:9: expected a mapping with count, capabilities"]),
        ("  gpus: {count: 0}", ["5:17: `0`: expected all, or a number up to 64"]),
        ("  gpus: {count: all, capabilities: [sys]}", [
            "5:36: `sys`: expected compat32 compute display gpu graphics ngx utility video",
        ]),
        ("  restart: [often]", ["5:12: `often`: expected no always unless-stopped on-failure, on-failure:N"]),
        ("  restart: [on-failure:0]", [
            "5:12: `on-failure:0`: expected no always unless-stopped on-failure, on-failure:N",
        ]),
        *(
            (f"  log_drivers: ['{one}']", [
                f"5:16: `{one}`: expected awslogs fluentd gcplogs gelf journald json-file local none splunk syslog",
            ]) for one in ("*", "json*", "vieux/plugin:1", "loki")
        ),
        ("  registries: ['*']", ["5:15: registries are named one by one"]),
        ("  limits: {memory: 1g}\n  defaults: {memory: 2g}", ["6:13: `memory` is more than `limits` allow"]),
    ],
)  # fmt: skip
def test_what_can_not_be_meant_so_is_an_error(section: str, expected: list[str]) -> None:
    assert sorted(errors(section)) == sorted(expected)


@pytest.mark.parametrize("key", ["images: ['{}']", "build: {{tags: ['{}']}}"])
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("docker.io/alpine", "`alpine`"), ("library/alpine:3", "`alpine:3`"), ("docker.io/a/*", ""), ("library/*", ""),
        ("Alpine", ""), ("alpine:", ""), ("a b*", ""), ("alpine:*@sha256:*", "a tag or a digest"), ("a*:", ""),
        (f"alpine:3@sha256:{'0' * 64}", "a tag or a digest"), ("alpine@sha256:12", ""), ("/alpine", ""), (":3*", ""),
    ],
)  # fmt: skip
def test_a_pattern_that_no_image_has_the_name_of_is_an_error(key: str, pattern: str, expected: str) -> None:
    (error,) = errors("  " + key.format(pattern))
    shape = "a name as people write it, such as alpine, alpine:3.20 or ollama/*"
    assert f": `{pattern}`: expected {expected or shape}" in error


def test_a_name_that_would_protect_no_image_is_an_error() -> None:
    assert errors("  {}\nobjects: {protected: {images: [docker.io/vault]}}") == [
        "6:31: `docker.io/vault`: expected `vault`"
    ]


@pytest.mark.parametrize(
    "pattern", ["alpine", "alpine:3.20", "*", "lab/*", "*:3", "ghcr.io/a/*", "a.b:1/x:2", f"alpine@sha256:{'0' * 64}"]
)
def test_a_pattern_of_an_image_may_have_a_tag_or_a_digest(pattern: str) -> None:
    assert read(f"  images: ['{pattern}']").images == (pattern,)


PROJECT = "  compose: {projects: {web: {directory: /srv/web, verbs: [up]}}}\n"
APART = "expected read_only: true, or a place apart"


@pytest.mark.parametrize("source", ["/srv/web", "/srv", "/srv/web/data"])
def test_no_container_may_write_where_a_project_of_the_operator_s_is(source: str) -> None:
    """It could rewrite compose.yaml, which is not judged."""
    section = f"{PROJECT}  bind_mounts: [{{source: {source}, read_only: false}}]"
    assert errors(section) == [
        f"6:17: `{source}`: containers could write in `/srv/web`, the directory of the project `web` (line 5): {APART}"
    ]


@pytest.mark.parametrize("contexts", ["[stdin, /srv/web]", "/srv/web"])
@pytest.mark.parametrize("source", ["/srv/web", "/srv", "/srv/web/data"])
def test_no_container_may_write_in_what_is_built(source: str, contexts: str) -> None:
    section = f"  build:\n    contexts: {contexts}\n  bind_mounts: [{{source: {source}, read_only: false}}]"
    assert errors(section) == [
        f"7:17: `{source}`: containers could write in `/srv/web`, what is built (line 6): {APART}"
    ]


@pytest.mark.parametrize(("source", "read_only"), [("/srv/web", "true"), ("/srv/webs", "false"), ("/srv/we", "false")])
def test_a_container_may_read_there_and_write_beside_it(source: str, read_only: str) -> None:
    section = f"{PROJECT}  build: {{contexts: [/srv/web]}}\n"
    made = read(f"{section}  bind_mounts: [{{source: {source}, read_only: {read_only}}}]")
    assert made.bind_mounts == ((source, read_only == "true"),)


@pytest.mark.parametrize(
    "path",
    [
        "/", "/etc", "/etc/ssh", "/var", "/var/run", "/var/run/docker.sock", "/run/docker.sock", "/var/lib", "/usr",
        "/var/lib/docker/volumes/x", "/proc/1/root", "/sys/fs", "/dev/sda", "/root/.ssh", "/boot", "/tmp/x",
        "/nix/store", "/var/log", "/var/log/rshell", "/var/lib/rshell", "/lib/modules", "/var/spool/cron",
    ],
)  # fmt: skip
@pytest.mark.parametrize("read_only", ["true", "false"])
def test_no_policy_can_have_these_mounted(path: str, read_only: str) -> None:
    (error,) = errors(f"  bind_mounts: [{{source: {path}, read_only: {read_only}}}]")
    assert error.startswith(f"5:26: `{path}`: no policy can have it mounted: ")


@pytest.mark.parametrize("path", ["/srv", "/srv/x", "/data", "/var/log/nginx", "/opt/models", "/mnt/a", "/etcetera"])
def test_any_other_path_may_be_listed(path: str) -> None:
    assert limits.of_path(path, True) == ""
    assert read(f"  bind_mounts: [{{source: {path}, read_only: true}}]").bind_mounts == ((path, True),)


@pytest.mark.parametrize("path", ["/srv", "/srv/x", "/mnt/a/b", "/media/disk", "/data"])
def test_what_containers_write_in_is_in_a_place_for_data(path: str) -> None:
    assert read(f"  bind_mounts: [{{source: {path}, read_only: false}}]").bind_mounts == ((path, False),)


@pytest.mark.parametrize(
    "path",
    ["/opt", "/opt/rshell", "/opt/models", "/home", "/home/x/.ssh", "/snap", "/efi", "/var/lib/mysql", "/var/lib/x",
     "/var/log/nginx", "/var/www", "/srvx", "/etcetera", "/lost+found"],
)  # fmt: skip
def test_no_policy_can_have_containers_write_anywhere_else(path: str) -> None:
    assert errors(f"  bind_mounts: [{{source: {path}, read_only: false}}]") == [
        f"5:26: `{path}`: no policy can have it mounted: containers may write only in /srv /mnt /media /data"
    ]


@pytest.mark.parametrize("path", ["/srv/", "//srv", "/srv/../etc", "/srv/./x", "/srv//x", "'/srv x'", "'/srv:x'", "''"])
def test_a_path_has_one_spelling(path: str) -> None:
    assert len(errors(f"  bind_mounts: [{{source: {path}, read_only: true}}]")) == 1
