"""docker run on a real Engine, behind both boundaries: what a container gets, and what leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from .engine import Engine
from .ground import first_line, outcome, wait_until
from .install import CHECKOUT, Installed
from .sshd import Client

pytestmark = pytest.mark.real

PLACE = Path("/srv/rshell-test")
BINDS = f"bind_mounts: [{{source: {PLACE}/data, read_only: true}}, {{source: {PLACE}/out, read_only: false}}]"
GROUPS = ("Binds", "Mounts", "Tmpfs", "PortBindings", "NetworkMode", "VolumesFrom", "VolumeDriver", "SecurityOpt")


@pytest.fixture
def lab(engine: Engine) -> Iterator[str]:
    """The network `lab`; containers and volumes of a test are gone after it."""
    engine.docker("network", "create", "lab")
    yield "lab"
    engine.clean()


@pytest.fixture
def place(installed: Installed) -> Iterator[Path]:
    """Directories of the host that the policy lets be mounted."""
    shutil.rmtree(PLACE, ignore_errors=True)
    for name in ("data/inner", "out/inner"):
        (PLACE / name).mkdir(parents=True)
    (PLACE / "data/file").write_text("plain\n")
    try:
        with installed.other_policy((CHECKOUT / "policy.yaml").read_text().replace("bind_mounts: []", BINDS)):
            yield PLACE
    finally:
        shutil.rmtree(PLACE)


def made(engine: Engine, name: str) -> dict[str, Any]:
    """What the Engine was asked for in HostConfig, as far as it says where things are."""
    found = json.loads(engine.docker("inspect", "--type=container", name).stdout)[0]["HostConfig"]
    return {key: found[key] for key in GROUPS if found.get(key)}


def left(engine: Engine) -> list[str]:
    """Every container and volume there is."""
    return engine.docker("ps", "--all", "--quiet").stdout.split() + engine.docker("volume", "ls", "-q").stdout.split()


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


# -- what a container gets -----------------------------------------------------------------


def test_a_server_on_the_lab_network_with_a_volume_and_a_port_on_loopback(
    ssh: Client, engine: Engine, lab: str
) -> None:
    port = free_port()
    options = f"-d --name server -v bench-models:/models -p 127.0.0.1:{port}:80 --network lab --tmpfs /tmp:size=1m"
    done = ssh(f"docker run {options} busybox:test httpd -f -p 80 -h /models")
    assert (done.returncode, done.stderr) == (0, "")
    assert made(engine, "server") == {
        "Mounts": [
            {"Type": "volume", "Source": "bench-models", "Target": "/models"},
            {"Type": "tmpfs", "Target": "/tmp", "TmpfsOptions": {"SizeBytes": 1 << 20}},
        ],
        "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]},
        "NetworkMode": "lab",
        "SecurityOpt": ["no-new-privileges"],
    }
    client = "docker run --rm --network lab -v bench-models:/models"
    assert outcome(ssh(f"{client} busybox:test sh -c 'echo hello > /models/x'")) == (0, "", "")
    fetched = ssh("docker run --rm --net lab busybox:test wget -qO- http://server/x")
    assert outcome(fetched) == (0, "hello\n", "")
    server = engine.docker("inspect", "--format={{.Id}}", "server").stdout
    assert outcome(ssh("docker rm -f server")) == (0, server, "")


def test_a_volume_for_reading_only_is_not_written(ssh: Client, engine: Engine, lab: str) -> None:
    writing = "busybox:test sh -c 'echo x > /x/y'"
    assert outcome(ssh(f"docker run --rm --network none -v bench-a:/x {writing}")) == (0, "", "")
    for spelled in ("-v bench-a:/x:ro", "--mount src=bench-a,dst=/x,readonly", '--mount \'"src=bench-a",ro,dst=/x\''):
        done = ssh(f"docker run --rm --network none {spelled} {writing}")
        assert (done.returncode, "Read-only" in done.stderr) == (1, True), spelled


def test_a_tmpfs_is_as_large_as_it_may_be_and_not_larger(ssh: Client, engine: Engine, lab: str) -> None:
    shown = "df -m /x | tail -1 | tr -s ' ' | cut -d' ' -f2"
    for spelled, size in (("--tmpfs /x", "4096"), ("--mount type=tmpfs,dst=/x,tmpfs-size=3m", "3")):
        done = ssh(f'docker run --rm --network none {spelled} busybox:test sh -c "{shown}"')
        assert outcome(done) == (0, f"{size}\n", "")


# -- what leaves nothing behind ------------------------------------------------------------

FORBIDDEN = [
    "-v /:/host", "-v /etc:/x:ro", "--volume=/var/run/docker.sock:/s", "-v ../..:/x", "-itv /:/h", "-v bench-a:/proc",
    "--mount type=bind,src=/,dst=/x", "--mount 'type=bind,\"src=/\",dst=/x'", "--mount TYPE=bind,SRC=/,DST=/x",
    "--mount type=volume,src=bench-b,dst=/x,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/",
    "--mount type=volume,type=bind,src=/,dst=/x", "-v bench-a:/x -v bench-b:/x/y", "--tmpfs /sys", "--tmpfs /x:exec",
    "--tmpfs /x:size=5g", "--volumes-from server", "--volume-driver local -v bench-a:/x", "-v portainer_data:/x",
    "-p 8080:80", "-p 0.0.0.0:8080:80", "-P", "-p 127.0.0.1:80:80", "-p published=8080,target=80",
    "--network host", "--net=host", "--network name=host", "--network container:server", "--network lab --network none",
    "--network prod", "--privileged", "--pid host", "--ipc host", "--uts host", "--userns host", "--cgroupns host",
    "--device /dev/null", "--cap-add SYS_ADMIN", "--security-opt seccomp=unconfined",
    "--device-cgroup-rule 'a *:* rwm'",
    "--env-file /etc/shadow", "--label-file /etc/shadow", "--cidfile /tmp/rshell-test-cid", "-e HOME", "--sysctl a=b",
    "-l rshell.owner=0", "-l com.docker.compose.project=prod", "--gpus driver=x", "--dns 1.1.1.1", "--link server",
    "-w /proc/self/fd/8", "--runtime runc", "--group-add 0", "--use-api-socket", "--restart always",
]  # fmt: skip


def test_what_is_forbidden_leaves_nothing_behind(ssh: Client, engine: Engine, lab: str) -> None:
    engine.clear()
    lines = [f"docker run -d {options} busybox:test true" for options in FORBIDDEN]
    statuses = {line: ssh(line).returncode for line in lines}
    assert {line: status for line, status in statuses.items() if status != 126} == {}
    assert [request for request in engine.requests if not request.startswith("GET")] == []
    assert left(engine) == []


def test_a_volume_that_is_the_host_in_disguise_is_not_mounted(ssh: Client, engine: Engine, lab: str) -> None:
    disguise = ("--opt=type=none", "--opt=o=bind", "--opt=device=/etc")
    engine.docker("volume", "create", *disguise, "bench-evil")
    engine.docker("volume", "create", "bench-plain")
    engine.clear()
    refused = "rshell: denied: docker run: the volume 'bench-evil' has options of its own: device o type"
    for spelled in ("-v bench-evil:/x", "-v bench-plain:/y --mount type=volume,source=bench-evil,target=/x,ro"):
        done = ssh(f"docker run --rm --network none {spelled} busybox:test cat /x/shadow")
        assert first_line(done) == (126, "", f"{refused} [docker.run.volume]")
    assert [request for request in engine.requests if not request.startswith("GET")] == []
    done = ssh("docker run --rm --network none -v bench-plain:/x busybox:test ls /x")
    assert outcome(done) == (0, "", "")


def test_without_an_engine_no_volume_is_mounted(ssh: Client, engine: Engine) -> None:
    with engine.down():
        done = ssh("docker run --rm --network none -v bench-a:/x busybox:test true")
    assert first_line(done) == (
        78, "", "rshell: unavailable: docker run: volume could not be looked up [docker.run.no-facts]",
    )  # fmt: skip


# -- directories of the host ---------------------------------------------------------------


def test_a_listed_directory_is_mounted_as_the_policy_says(ssh: Client, engine: Engine, lab: str, place: Path) -> None:
    run = "docker run --rm --network none"
    for spelled, path in ((f"-v {place}/data:/x:ro", "/x/file"), (f"-v {place}/data/file:/f:ro", "/f"),
                          (f"--mount type=bind,src={place}/data,dst=/x,ro", "/x/file")):  # fmt: skip
        assert outcome(ssh(f"{run} {spelled} busybox:test cat {path}")) == (0, "plain\n", "")
    done = ssh(f"{run} -v {place}/data:/x:ro busybox:test touch /x/y")
    assert (done.returncode, "Read-only" in done.stderr) == (1, True)
    assert outcome(ssh(f"{run} -v {place}/out:/x busybox:test touch /x/y")) == (0, "", "")
    assert (place / "out/y").exists()


@pytest.mark.parametrize(
    ("spelled", "code"),
    [
        ("{}/data:/x", "value"), ("{}/out/inner:/x", "value"), ("{}:/x:ro", "value"), ("{}/data/../out:/x", "value"),
        ("{}/data/nothing:/x:ro", "path"), ("{}/data/link:/x:ro", "path"), ("{}/data/link/shadow:/x:ro", "path"),
        ("{}/data/pipe:/x:ro", "path"), ("{}/data/theirs/x:/x:ro", "path"), ("{}/data/open/x:/x:ro", "path"),
    ],
)  # fmt: skip
def test_a_path_that_is_not_listed_or_leads_elsewhere_is_not_mounted(
    ssh: Client, engine: Engine, lab: str, place: Path, spelled: str, code: str
) -> None:
    (place / "data/link").symlink_to("/etc")
    os.mkfifo(place / "data/pipe")
    for name, owner, mode in (("theirs", 65534, 0o755), ("open", 0, 0o1777)):
        (place / "data" / name / "x").mkdir(parents=True)
        os.chown(place / "data" / name, owner, owner)
        (place / "data" / name).chmod(mode)
    engine.clear()
    done = ssh(f"docker run -d --network none -v {spelled.format(place)} busybox:test true")
    assert done.returncode == 126
    assert done.stderr.splitlines()[0].endswith(f"[docker.run.{code}]")
    assert [request for request in engine.requests if not request.startswith("GET")] == []
    assert left(engine) == []


def test_a_directory_that_the_identity_can_not_go_through_is_not_mounted(
    ssh: Client, engine: Engine, lab: str, place: Path
) -> None:
    (place / "data").chmod(0o700)
    done = ssh(f"docker run -d --network none -v {place}/data/inner:/x:ro busybox:test true")
    assert (done.returncode, f"{place}/data/inner can't be looked at" in done.stderr) == (126, True)
    assert left(engine) == []


def test_a_container_in_the_background_is_there_until_it_is_removed(ssh: Client, engine: Engine, lab: str) -> None:
    assert ssh("docker run -d --name bench-1 --network lab -v /data busybox:test sleep 3000").returncode == 0
    wait_until(lambda: "bench-1" in engine.docker("ps", "--format={{.Names}}").stdout, 30, "the container")
    bench = engine.docker("inspect", "--format={{.Id}}", "bench-1").stdout
    assert outcome(ssh("docker rm -fv bench-1")) == (0, bench, "")
    assert left(engine) == []
