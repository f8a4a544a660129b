"""The judge of containers is closed: whatever is not known must be empty. See tests/real/test_docker_containers.py."""

from __future__ import annotations

import ast
import copy
from pathlib import Path
from typing import Any

import pytest

from . import dockerjudge, engine, hostconfig, stackjudge, verdict
from .hostconfig import Site, container

TARGET = "/v1.50/containers/create?name=web"
SITE = Site(uid=7, binds=(("/srv/data", True),))
CLEAN: dict[str, Any] = {
    "Image": "alpine:3.20",
    "Labels": {"rshell.owner": "7", "com.docker.compose.project": ""},
    "HostConfig": {"Memory": 1, "PidsLimit": 1, "SecurityOpt": ["no-new-privileges"], "MemorySwappiness": -1},
}
LATER = ("Tomorrow", "privileged", "Annotations", "Devices", "Runtime", "OnBuild", "MacAddress")


def said(path: str, value: Any, site: Site = SITE) -> list[str]:
    """What is wrong when the value stands at this path, keys joined by dots."""
    body = copy.deepcopy(CLEAN)
    place, keys = body, path.split(".")
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    place[keys[-1]] = value
    return container(site, TARGET, body)


def test_the_clean_one_is_clean() -> None:
    assert container(SITE, TARGET, CLEAN) == []


@pytest.mark.parametrize("key", LATER)
@pytest.mark.parametrize("place", ["", "HostConfig.", "NetworkingConfig.", "HostConfig.LogConfig."])
@pytest.mark.parametrize("value", [True, 1, -1, "x", ["x"], {"x": ""}])
def test_what_is_not_known_must_be_empty(place: str, key: str, value: Any) -> None:
    assert len(said(place + key, value)) == 1


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}])
def test_what_is_not_known_may_be_empty(value: Any) -> None:
    assert said("HostConfig.Tomorrow", value) == []


@pytest.mark.parametrize("key", ["MaskedPaths", "ReadonlyPaths"])
def test_an_empty_list_of_masked_paths_unmasks(key: str) -> None:
    assert said(f"HostConfig.{key}", []) == [f"HostConfig: {key}: must be null, is []"]
    assert said(f"HostConfig.{key}", None) == []


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"HostConfig": {}}, {**CLEAN, "HostConfig": None}, {**CLEAN, "Image": ["alpine:3"]}]
)
def test_another_shape_is_wrong(body: Any) -> None:
    assert container(SITE, TARGET, body) != []


@pytest.mark.parametrize(
    "target", ["/containers/create?name=a/b", "/containers/create?x=y", "/containers/create?platform=evil", "/x/create"]
)
def test_another_target_is_wrong(target: str) -> None:
    assert len(container(SITE, target, CLEAN)) == 1


@pytest.mark.parametrize(
    ("bind", "fine"),
    [
        ("ollama:/x", True),
        ("bench-1:/x:ro,nocopy", True),
        ("/srv/data:/x:ro", True),
        ("/srv/data/a b:/x:ro", True),
        ("/srv/data/:/x:ro", True),
        ("/srv/data:/x", False),
        ("/srv/data:/x:ro,rw", False),
        ("/srv/data/../x:/x:ro", False),
        ("/srv/data//x:/x:ro", False),
        ("/srv/datax:/x:ro", False),
        ("/srv:/x:ro", False),
        ("/:/x:ro", False),
        ("ollama:/x:z", False),
        ("ollama:/x:ro:ro", False),
        ("ollama:x", False),
        ("ollama:/", False),
        ("ollama:/x/../y", False),
        ("ollama:/dev", False),
        ("./ollama:/x", False),
        ("vault:/x", False),
        ("/x:ro", False),
        (":/x", False),
        ("/x", False),
        (None, False),
    ],
)
def test_a_bind_is_read_as_the_engine_reads_it(bind: Any, fine: bool) -> None:
    assert (said("HostConfig.Binds", [bind]) == []) == fine


@pytest.mark.parametrize(
    ("mount", "fine"),
    [
        ({"Type": "volume", "Target": "/x"}, True),
        ({"Type": "volume", "Source": "ollama", "Target": "/x", "ReadOnly": True}, True),
        ({"Type": "volume", "Source": "ollama", "Target": "/x", "VolumeOptions": {"DriverConfig": {}}}, True),
        ({"Type": "tmpfs", "Target": "/x", "TmpfsOptions": {"SizeBytes": 1, "Mode": 511}}, True),
        ({"Type": "bind", "Source": "/srv/data", "Target": "/x", "ReadOnly": True}, True),
        ({"Type": "bind", "Source": "/srv/data", "Target": "/x"}, False),
        ({"Type": "bind", "Source": "ollama", "Target": "/x"}, False),
        ({"Type": "bind", "Source": "", "Target": "/x", "ReadOnly": True}, False),
        ({"Type": "volume", "Source": "/srv/data", "Target": "/x", "ReadOnly": True}, False),
        ({"Type": "volume", "Source": "ollama", "Target": "/x", "BindOptions": {"Propagation": "shared"}}, False),
        ({"Type": "volume", "Source": "ollama", "Target": "/x", "VolumeOptions": {"Subpath": ".."}}, False),
        ({"Type": "tmpfs", "Target": "/x"}, False),
        ({"Type": "tmpfs", "Target": "/x", "TmpfsOptions": {"SizeBytes": 1, "Options": [["exec"]]}}, False),
        ({"Type": "image", "Source": "alpine:3", "Target": "/x"}, False),
        ({"Type": "volume", "Target": "/x", "Tomorrow": 1}, False),
        ({"Target": "/x"}, False),
        ({}, False),
        ("volume", False),
    ],
)
def test_a_mount_is_closed(mount: Any, fine: bool) -> None:
    assert (said("HostConfig.Mounts", [mount]) == []) == fine


@pytest.mark.parametrize(
    ("image", "fine"),
    [
        ("alpine:3.20", True),
        ("ghcr.io/a/b:c", True),
        ("docker.io/library/alpine:3", True),
        ("index.docker.io/alpine:3", True),
        ("alpine@sha256:" + "a" * 64, True),
        ("alpine", False),
        ("evil.example/x:1", False),
        ("localhost/x:1", False),
        ("127.0.0.1:5000/x:1", False),
        ("a" * 64, False),
        ("sha256:" + "a" * 64, False),
        ("Alpine:3", False),
        ("a//b:1", False),
        ("", False),
    ],
)
def test_an_image_is_read_as_docker_reads_it(image: str, fine: bool) -> None:
    assert (said("Image", image) == []) == fine


@pytest.mark.parametrize(
    ("binding", "fine"),
    [
        ({"HostIp": "127.0.0.1", "HostPort": "8080"}, True),
        ({"HostIp": "::1", "HostPort": "8000-8010"}, True),
        ({"HostIp": "127.0.0.1", "HostPort": ""}, True),
        ({"HostIp": "", "HostPort": "8080"}, False),
        ({"HostIp": "0.0.0.0", "HostPort": "8080"}, False),
        ({"HostPort": "8080"}, False),
        ({"HostIp": "127.0.0.1", "HostPort": "80"}, False),
        ({"HostIp": "127.0.0.1", "HostPort": "80-9000"}, False),
        ({"HostIp": "127.0.0.1", "HostPort": "65536"}, False),
        ({"HostIp": "127.0.0.1", "HostPort": "8080", "Tomorrow": "x"}, False),
    ],
)
def test_a_port_is_on_a_listed_address(binding: Any, fine: bool) -> None:
    assert (said("HostConfig.PortBindings", {"80/tcp": [binding]}) == []) == fine


@pytest.mark.parametrize(
    ("host", "volumes", "fine"),
    [
        ({"Binds": ["ollama:/a", "bench-1:/ab"], "Tmpfs": {"/b": "size=1m"}}, {"/c": {}}, True),
        ({"Binds": ["ollama:/a", "bench-1:/a/b"]}, {}, False),
        ({"Binds": ["ollama:/a"], "Tmpfs": {"/a/b/c": "size=1m"}}, {}, False),
        ({"Mounts": [{"Type": "volume", "Target": "/a/b"}]}, {"/a": {}}, False),
        ({"Binds": ["ollama:/a"]}, {"/a/": {}}, False),
    ],
)
def test_no_mount_lies_in_another(host: Any, volumes: Any, fine: bool) -> None:
    body = {**CLEAN, "Volumes": volumes, "HostConfig": {**CLEAN["HostConfig"], **host}}
    assert (container(SITE, TARGET, body) == []) == fine


def test_below_what_can_be_written_nothing_is_mounted() -> None:
    site = Site(uid=7, binds=(("/srv/work", False),))
    assert said("HostConfig.Binds", ["/srv/work:/x"], site) == []
    assert said("HostConfig.Binds", ["/srv/work/a:/x:ro"], site) != []


@pytest.mark.parametrize(
    ("host", "fine"),
    [
        ({"Memory": 2, "MemorySwap": 4}, True), ({"Memory": 2, "MemorySwap": 0}, True),
        ({"Memory": 2, "MemorySwap": 5}, False), ({"Memory": 2, "MemorySwap": 1}, False),
        ({"Memory": 2, "MemorySwap": -1}, False), ({"CpusetCpus": "0-3,7"}, True), ({"CpusetCpus": "0-4096"}, False),
        ({"CpusetMems": "2-1"}, False), ({"IpcMode": "none"}, True), ({"IpcMode": "shareable"}, False),
        ({"Ulimits": [{"Name": "memlock", "Soft": -1, "Hard": -1}]}, True),
        ({"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": -1}]}, False),
    ],
)  # fmt: skip
def test_an_amount_is_bounded(host: Any, fine: bool) -> None:
    assert (container(SITE, TARGET, {**CLEAN, "HostConfig": {**CLEAN["HostConfig"], **host}}) == []) == fine


def test_a_check_of_health_is_not_made_all_the_time() -> None:
    assert said("Healthcheck", {"Interval": 10**9, "StartInterval": 0}) == []
    assert len(said("Healthcheck", {"Interval": 10**9 - 1})) == 1


def test_a_container_has_not_too_many_ports() -> None:
    ports = {f"{port}/tcp": [{"HostIp": "::1", "HostPort": str(port + 2000)}] for port in range(1, 130)}
    assert said("HostConfig.PortBindings", ports) == ["has 129 ports"]


def test_a_project_s_own_things_are_known_in_that_project_only() -> None:
    bind, network = ["lab_data:/x"], "lab_default"
    site = Site(uid=7, project="lab")
    labels = {"rshell.owner": "7", "com.docker.compose.project": "lab", "com.docker.compose.service": "web"}
    body = {**CLEAN, "Labels": labels, "HostConfig": {**CLEAN["HostConfig"], "Binds": bind, "NetworkMode": network}}
    assert container(site, TARGET, body) == []
    assert len(container(SITE, TARGET, body)) == 4
    other = {**body, "Labels": {**labels, "com.docker.compose.project": "prod"}}
    assert container(site, TARGET, other) == ["Labels: the project is not 'lab': 'prod'"]


@pytest.mark.parametrize("module", [hostconfig, verdict, stackjudge, dockerjudge, engine])
def test_the_judge_is_independent(module: Any) -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert not {name for name in imported if name.startswith(("rshell", "tests"))}
