"""No permitted line asks the Engine for a container that could reach the host, with any docker of this machine.

What docker asks a fake Engine for is judged by tests/differential/hostconfig.py, which knows nothing of rshell.
`python -m tests.differential run` tries many more lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.differential import compare, proof
from tests.differential.cases import Words
from tests.differential.hostconfig import Site
from tests.differential.proof import UID, Court, Tally
from tests.differential.verdict import judge

from .ground import refuse

pytestmark = pytest.mark.real

CASES = 2400  # over all clients
SEED = 1
JOBS = 2
OURS = (
    "--memory=1g", "--pids-limit=5", "--security-opt=no-new-privileges", f"--label=rshell.owner={UID}",
    "--label=com.docker.compose.project=",
)  # fmt: skip
SITE = Site(uid=UID, binds=(("/srv/datasets", True), ("/srv/work", False)))


@pytest.fixture(scope="module", params=compare.found() or [""])
def court(request: pytest.FixtureRequest) -> Iterator[Court]:
    """One of the clients, with its fake Engines."""
    if not request.param:
        refuse("needs a docker client")
    with proof.court(request.param, JOBS) as made:
        yield made


@pytest.fixture(scope="module")
def tally(court: Court) -> Tally:
    """What came of the random lines."""
    host = proof.shipped()
    return court.run(host, islice(proof.soups(host, SEED), CASES // len(compare.found())))


# -- the proof --------------------------------------------------------------------------


def test_no_random_permitted_line_reaches_the_host(court: Court, tally: Tally) -> None:
    assert court.shortest(proof.shipped(), tally) == []


def test_the_random_lines_make_containers_with_every_option_that_is_judged(tally: Tally) -> None:
    assert tally.outcomes["made"] > CASES // len(compare.found()) // 2
    assert tally.outcomes["too slow"] == 0
    seldom = {name for name in proof.judged(proof.shipped()) if tally.options[name] < 5}
    assert seldom == {"tmpfs", "volume"}  # which are written as mounts
    assert tally.options["mount"] > 50


def test_no_permitted_line_of_the_corpora_reaches_the_host(court: Court) -> None:
    host = proof.shipped()
    tally = court.run(host, proof.corpus_runs())
    assert court.shortest(host, tally) == []
    assert tally.outcomes["made"] > 10
    assert tally.outcomes["refused"] > 90


# -- the judge is awake -----------------------------------------------------------------


def judged(court: Court, *words: str, site: Site = SITE) -> list[str]:
    """What the judge says of these words after `docker`."""
    return judge(site, court.ask_words(words))


HARMFUL: dict[str, Words] = {
    "HostConfig: Binds: is a path of the host": ("-v", "/srv/other:/x:ro"),
    "HostConfig: Binds: is a path of the host for writing: '/srv/datasets'": ("-v", "/srv/datasets:/x"),
    "HostConfig: Binds: is no listed volume": ("-v", "prod-db:/x"),
    "HostConfig: Binds: is the kernel's": ("-v", "ollama:/proc/x"),
    "HostConfig: Binds: has options": ("-v", "ollama:/x:rshared"),
    "HostConfig: Mounts: is a path of the host": ("--mount", "type=bind,src=/etc,dst=/x,readonly"),
    "HostConfig: Mounts: is a path of the host for writing: '/'": ("--mount", '"type=bind","src=/","dst=/x"'),
    "HostConfig: Mounts: is of type 'npipe'": ("--mount", "type=npipe,src=x,dst=/x"),
    "HostConfig: Mounts: VolumeOptions: DriverConfig: Options": (
        "--mount", "type=volume,src=ollama,dst=/x,volume-opt=o=bind,volume-opt=device=/",
    ),
    "HostConfig: Mounts: VolumeOptions: DriverConfig: Name": (
        "--mount", "type=volume,src=ollama,dst=/x,volume-driver=vieux/sshfs",
    ),
    "HostConfig: Mounts: BindOptions: Propagation": (
        "--mount", "type=bind,src=/srv/work,dst=/x,bind-propagation=rshared",
    ),
    "HostConfig: Mounts: TmpfsOptions: SizeBytes": ("--mount", "type=tmpfs,dst=/t"),
    "HostConfig: Tmpfs: has no size": ("--tmpfs", "/t"),
    "HostConfig: Tmpfs: has an option 'exec'": ("--tmpfs", "/t:size=1m,exec"),
    "Volumes: is the kernel's": ("-v", "/sys/fs/cgroup"),
    "/data/in/ lies in /data/": ("-v", "ollama:/data", "--mount", "dst=/data/in"),
    "HostConfig: VolumesFrom": ("--volumes-from", "web:ro"),
    "HostConfig: VolumeDriver": ("--volume-driver", "evil"),
    "HostConfig: Privileged": ("--privileged",),
    "HostConfig: PidMode": ("--pid", "host"),
    "HostConfig: IpcMode": ("--ipc", "container:web"),
    "HostConfig: UTSMode": ("--uts", "host"),
    "HostConfig: UsernsMode": ("--userns", "host"),
    "HostConfig: CgroupnsMode": ("--cgroupns", "host"),
    "HostConfig: NetworkMode: is no listed network: 'host'": ("--network", "name=host"),
    "HostConfig: NetworkMode: is no listed network: 'container:web'": ("--net", "container:web"),
    "HostConfig: CapAdd": ("--cap-add", "net_admin"),
    "HostConfig: Devices": ("--device", "/dev/null"),
    "HostConfig: DeviceCgroupRules": ("--device-cgroup-rule", "c 1:3 mr"),
    "HostConfig: DeviceRequests: Driver": ("--gpus", "driver=cdi"),
    "HostConfig: DeviceRequests: Capabilities": ("--gpus", '"capabilities=compat32"'),
    "HostConfig: SecurityOpt": ("--security-opt", "apparmor=unconfined"),
    "HostConfig: MaskedPaths": ("--security-opt", "systempaths=unconfined"),
    "HostConfig: Sysctls": ("--sysctl", "net.ipv4.ip_forward=1"),
    "HostConfig: Runtime": ("--runtime", "evil"),
    "HostConfig: CgroupParent": ("--cgroup-parent", "/"),
    "HostConfig: GroupAdd": ("--group-add", "docker"),
    "HostConfig: StorageOpt": ("--storage-opt", "size=1G"),
    "HostConfig: PublishAllPorts": ("-P",),
    "HostConfig: PortBindings: 80/tcp.HostIp": ("-p", "8080:80"),
    "HostConfig: PortBindings: 80/tcp.HostPort": ("-p", "127.0.0.1:80:80"),
    "HostConfig: LogConfig: Type": ("--log-driver", "syslog"),
    "HostConfig: LogConfig: Config": ("--log-opt", "tag={{.Name}}"),
    "HostConfig: RestartPolicy": ("--restart", "on-failure"),
    "HostConfig: Memory": ("--memory", "65g"),
    "HostConfig: MemorySwap": ("--memory-swap", "-1"),
    "HostConfig: PidsLimit": ("--pids-limit", "-1"),
    "HostConfig: NanoCpus": ("--cpus", "17"),
    "HostConfig: ShmSize": ("--shm-size", "9g"),
    "HostConfig: Ulimits: nofile.Hard": ("--ulimit", "nofile=1:-1"),
    "HostConfig: Ulimits: rtprio.Name": ("--ulimit", "rtprio=9"),
    "HostConfig: OomScoreAdj": ("--oom-score-adj", "-1000"),
    "HostConfig: OomKillDisable": ("--oom-kill-disable",),
    "HostConfig: MemorySwappiness": ("--memory-swappiness", "0"),
    "HostConfig: BlkioWeightDevice": ("--blkio-weight-device", "/dev/sda:10"),
    "HostConfig: CpuRealtimeRuntime": ("--cpu-rt-runtime", "950000"),
    "HostConfig: Dns": ("--dns", "6.6.6.6"),
    "HostConfig: ExtraHosts": ("--add-host", "a:host-gateway"),
    "HostConfig: Links": ("--link", "vault"),
    "HostConfig: ContainerIDFile": ("--cidfile", "out"),
    "Env: steers what runs on the host": ("-e", "LD_PRELOAD=/x"),
    "Env: is no NAME=VALUE": ("-e", "NOT_SET"),
    "Labels: the owner is not 4711": ("-l", "rshell.owner=1"),
    "Labels: the project is not ''": ("-l", "com.docker.compose.project=prod"),
    "Labels: may not be set": ("-l", "com.docker.compose.service=web"),
    "WorkingDir": ("-w", "/proc/self/fd/8"),
    "ddress: must be empty, is '02:42": ("--mac-address", "02:42:ac:11:00:02"),
    "POST /containers/create: sends what it has read here": ("-e", "LEAKED"),
    "POST /containers/create: sends": ("--env-file", "../files/leaked"),
    "wrote cwd/out": ("--cidfile", "out"),
    "Image: is of another registry": ("127.0.0.1:5000/x:1",),
    "Image: is no image with a tag": ("c" * 64,),
    "pull: is of another registry": ("--pull=always", "evil.example/x:1"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", HARMFUL)
def test_the_judge_objects(court: Court, wrong: str) -> None:
    words = HARMFUL[wrong]
    image = () if "mage" in wrong or "pull" in wrong else ("busybox:latest",)
    said = judged(court, "run", "-d", *OURS, *words, *image)
    assert [one for one in said if wrong in one], said


@pytest.mark.parametrize("missing", OURS)
def test_the_judge_misses_what_rshell_puts_in(court: Court, missing: str) -> None:
    assert judged(court, "run", "-d", *OURS, "busybox:latest") == []
    others = [one for one in OURS if one != missing]
    assert len(judged(court, "run", "-d", *others, "busybox:latest")) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--gpus", "all", "-v", "ollama:/root/.ollama", "-p", "127.0.0.1:11434:11434", "--network", "lab"),
        ("-v", "/srv/datasets/a:/data:ro", "--mount", "type=bind,src=/srv/work,dst=/w", "-v", "/scratch"),
        ("--tmpfs", "/t:size=1g,noexec,mode=1777", "--mount", "type=tmpfs,dst=/u,tmpfs-size=1g", "--shm-size=8g"),
        ("-p", "[::1]:8000-8002:80-82", "--expose=90", "--log-driver=local", "--log-opt=max-size=10m"),
        ("--restart=on-failure:5", "--cap-drop=ALL", "-u=1:1", "-w=/w", "--cpus=16", "--ulimit=nofile=1:2", "-e=A=b"),
        ("--health-cmd=x", "--health-retries=3", "-h=web", "--stop-timeout=3", "--init", "--read-only", "-l=bench.x=y"),
    ],
)
def test_the_judge_passes_what_is_allowed(court: Court, words: Words) -> None:
    assert judged(court, "run", "-d", *OURS, *words, "busybox:latest") == []


@pytest.mark.parametrize("words", [("exec", "web", "id"), ("cp", "../files/env", "web:/x"), ("start", "-a", "web")])
def test_the_judge_knows_only_what_a_run_asks_for(court: Court, words: Words) -> None:
    assert any(re.match("asks for ", one) for one in judged(court, *words))

