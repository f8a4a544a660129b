"""No permitted compose file makes docker compose ask the Engine for what could reach the host.

Real docker compose against a fake Engine; the judge is that of test_docker_containers.py.
`python -m tests.differential compose` tries many more files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from tests.differential import proof, stackjudge, stacks
from tests.differential.hostconfig import Site
from tests.differential.proof import UID, Court, Host, Tally
from tests.differential.verdict import created, judge

from .compose import Plugin
from .ground import program

pytestmark = pytest.mark.real

CASES = 120  # for each policy
SEED = 1
JOBS = 2
SERVICE = {
    "image": "alpine:3.20", "mem_limit": "1g", "pids_limit": 5, "security_opt": ["no-new-privileges"],
    "labels": {"rshell.owner": str(UID)},
}  # fmt: skip
MOUNT = ["vol:/x"]


@pytest.fixture(scope="module")
def court(compose_plugin: Plugin) -> Iterator[Court]:
    """docker with compose, and its fake Engines."""
    with proof.court(program("docker"), JOBS, compose_plugin.path, stacks.answers, stackjudge.also) as made:
        yield made


@pytest.fixture(scope="module", params=[0, 1])
def host(request: pytest.FixtureRequest) -> Host:
    """Each of the policies."""
    return proof.hosts()[request.param]


@pytest.fixture(scope="module")
def tally(court: Court, host: Host) -> Tally:
    """What came of the random files."""
    return court.run(host, islice(stacks.stacks(host, SEED), CASES))


def test_no_random_permitted_file_reaches_the_host(court: Court, host: Host, tally: Tally) -> None:
    assert court.shortest(host, tally) == []


def test_the_random_files_make_containers(tally: Tally) -> None:
    assert tally.outcomes["made"] > CASES // 2
    assert tally.outcomes["too slow"] == 0


@pytest.mark.parametrize("world", stacks.WORLDS[1:], ids=lambda world: world.name)
def test_nor_does_one_with_what_somebody_has_left_behind(compose_plugin: Plugin, world: stacks.World) -> None:
    """Compose takes over mounts of the containers that it makes anew, and networks and volumes that are there."""
    host = world.of(proof.removing())
    with proof.court(program("docker"), JOBS, compose_plugin.path, world.answers, stackjudge.also) as left:
        found = left.run(host, islice(stacks.stacks(host, SEED, world=world), CASES // 3))
        assert left.shortest(host, found) == []
        assert found.outcomes["made"] > 0


# -- the judge is awake -----------------------------------------------------------------


def judged(court: Court, verb: str = "create", project: str = "lab", **changes: Any) -> list[str]:
    """What the judge says of a file that nobody else has judged: a service changed, or a part put in (x_services)."""
    top = {key.removeprefix("x_"): value for key, value in changes.items() if key.startswith("x_")}
    service = SERVICE | {key: value for key, value in changes.items() if not key.startswith("x_")}
    model = {"services": {"web": service, "db": SERVICE}, **top}
    words = ("--file=/proc/self/fd/3", "--env-file=/dev/null", "--project-directory=/var/empty")
    asked = court.ask_words(("compose", *words, f"--project-name={project}", *verb.split()), json.dumps(model))
    assert created(asked), asked.messages
    return judge(Site(uid=UID), asked, stackjudge.also)


def test_the_judge_passes_what_is_allowed(court: Court) -> None:
    own = {"labels": SERVICE["labels"]}
    volumes = {"data": own, "ollama": {"external": True}}
    networks = {"lab": {"external": True}, "back": own, "default": own}
    mounts = ["data:/d", "ollama:/o:ro", {"type": "tmpfs", "target": "/t", "tmpfs": {"size": 4096}}]
    gpu = {"resources": {"reservations": {"devices": [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]}}}
    changes = {"volumes": mounts, "networks": ["lab", "back"], "deploy": gpu, "ports": ["127.0.0.1:8080:80"]}
    assert judged(court, **changes, x_volumes=volumes, x_networks=networks) == []
    texts = {"motd": {"content": "hello"}}
    said = judged(court, "run --rm -T web id", configs=["motd"], x_configs=texts, x_networks={"default": own})
    assert said == []


@pytest.mark.parametrize(
    ("wrong", "changes"),
    [
        ("HostConfig: Privileged", {"privileged": True}),
        ("HostConfig: PidMode", {"pid": "host"}),
        ("HostConfig: Binds: is a path of the host", {"volumes": ["/etc:/x:ro"]}),
        ("HostConfig: Binds: is no listed", {"volumes": MOUNT, "x_volumes": {"vol": {"name": "vault"}}}),
        ("HostConfig: NetworkMode: is no listed network", {"network_mode": "host"}),
        ("HostConfig: DeviceRequests: Driver", {"gpus": [{"driver": "cdi", "device_ids": ["a/b=c"]}]}),
        ("HostConfig: PortBindings: 80/tcp.HostIp", {"ports": ["8080:80"]}),
        ("HostConfig: CapAdd", {"cap_add": ["ALL"]}),
        ("HostConfig: Annotations", {"annotations": {"a": "b"}}),
        ("HostConfig: SecurityOpt", {"security_opt": []}),
        ("Labels: the owner is not 4711", {"labels": {}}),
        ("sends what it has read here", {"environment": {"A": "${LEAKED}"}}),
        ("sends what it has read here", {"environment": ["LEAKED"]}),
        ("is of the project 'prod'", {"project": "prod"}),
        ("POST /volumes/create: Driver", {"volumes": MOUNT, "x_volumes": {"vol": {"driver": "evil"}}}),
        ("POST /volumes/create: DriverOpts", {"volumes": MOUNT, "x_volumes": {"vol": {"driver_opts": {"o": "bind"}}}}),
        ("POST /volumes/create: Labels", {"volumes": MOUNT, "x_volumes": {"vol": {"labels": {"rshell.owner": "1"}}}}),
        ("POST /networks/create: the owner is not 4711", {"x_networks": {"default": {}}}),
        ("POST /networks/create: Driver", {"x_networks": {"default": {"driver": "macvlan"}}}),
        ("POST /networks/create: Options", {"x_networks": {"default": {"driver_opts": {"a": "b"}}}}),
        ("POST /networks/create: Name", {"x_networks": {"default": {"name": "prod"}}}),
        ("POST /networks/create: IPAM", {"x_networks": {"default": {"ipam": {"driver": "evil"}}}}),
        ("Links", {"external_links": ["vault:v"]}),
        ("default.MacAddress: must", {"networks": {"default": {"mac_address": "02:42:ac:11:00:02"}}}),
    ],
)  # fmt: skip
def test_the_judge_objects(court: Court, wrong: str, changes: dict[str, Any]) -> None:
    said = judged(court, **changes)
    assert [one for one in said if wrong in one], said
