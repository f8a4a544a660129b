"""Whose containers, images, volumes and networks may be touched, on a real Engine, through ssh and the gate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.answers import STACK

from .account import Account
from .compose import Plugin
from .engine import Engine
from .ground import first_line, outcome
from .install import CHECKOUT, Installed
from .sshd import Client

pytestmark = pytest.mark.real

PROTECT = "--label=rshell.protect=true"
OWN = (CHECKOUT / "policy.yaml").read_text().replace("\n  manage:  any ", "\n  manage:  own ")
OWN = OWN.replace("\n  observe: any ", "\n  observe: own ").split("\nexpect:")[0] + "\n"
COMPOSE = "com.docker.compose"


@pytest.fixture
def vault(engine: Engine) -> Iterator[str]:
    """The full id of a running container `vault` that the operator protects."""
    made = run(engine, "vault", PROTECT)
    engine.clear()
    yield made
    engine.docker("rm", "--force", "vault", check=False)


@pytest.fixture
def web(engine: Engine) -> Iterator[str]:
    """The full id of a running container `web` that somebody else has started."""
    made = run(engine, "web")
    engine.clear()
    yield made
    engine.docker("rm", "--force", "web", check=False)


@pytest.fixture
def own_only(installed: Installed) -> Iterator[None]:
    """For a while, one's own objects only."""
    with installed.other_policy(OWN):
        yield


def run(engine: Engine, name: str, *options: str) -> str:
    """Start a container as root, past everything; its full id."""
    words = ("--detach", "--network=none", "--stop-signal=KILL", f"--name={name}", *options, engine.image)
    return engine.docker("run", *words, "sleep", "3600").stdout.strip()


def running(engine: Engine, key: str) -> bool:
    return engine.docker("inspect", "--format={{.State.Running}}", key, check=False).stdout.strip() == "true"


def changes(engine: Engine) -> list[str]:
    """What was asked for that is no mere look."""
    return [each for each in engine.requests if not each.startswith(("GET ", "HEAD "))]


def code(ssh: Client, line: str) -> tuple[int, str, str]:
    """Status, output and code of a refused line."""
    status, out, said = first_line(ssh(line))
    return status, out, said.rpartition(" ")[2]


# -- protected ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    ["stop {}", "stop -t 0 {}", "restart {}", "start {}", "rm -f {}", "rm -fv {}", "wait {}", "logs {}", "inspect {}",
     "inspect --type container {}", "container inspect {}", "stats --no-stream {}", "container stop web {}"],
)  # fmt: skip
def test_what_is_protected_is_not_touched_by_any_name(
    ssh: Client, engine: Engine, vault: str, web: str, line: str
) -> None:
    for name in ("vault", "/vault", vault, vault[:12], vault[:7]):
        status, out, said = code(ssh, f"docker {line.format(name)}")
        assert (status, out, said.rpartition(".")[2]) == (126, "", "protected]"), name
    assert changes(engine) == []
    assert running(engine, vault)
    assert running(engine, web)


def test_a_prune_spares_what_is_protected(ssh: Client, engine: Engine) -> None:
    for name, options in (("kept", [PROTECT]), ("gone", [])):
        engine.docker("create", "--network=none", f"--name={name}", *options, engine.image)
        engine.docker("network", "create", *options, name)
    assert ssh("docker system prune -f").returncode == 0
    assert engine.docker("ps", "--all", "--format={{.Names}}", "--filter=status=created").stdout.split() == ["kept"]
    assert engine.docker("network", "ls", "--filter=type=custom", "--format={{.Name}}").stdout.split() == ["kept"]
    assert code(ssh, "docker system prune -f --filter label!=x") == (126, "", "[docker.system.prune.prune-filter]")
    engine.clean()


def test_two_filters_of_labels_would_spare_only_what_has_both(engine: Engine) -> None:
    """Why a prune with more than one thing to be kept is refused; if this fails, it need not be."""
    engine.docker("create", "--network=none", "--name=kept", PROTECT, engine.image)
    two = ("--filter=label!=rshell.protect=true", "--filter=label!=other")
    engine.docker("container", "prune", "--force", *two)
    assert engine.docker("ps", "--all", "--quiet", "--filter=name=kept").stdout == ""


# -- what was judged is what docker gets -----------------------------------------------------


def test_the_full_id_is_what_docker_gets_whatever_was_typed(ssh: Client, engine: Engine, web: str) -> None:
    for name in ("web", "/web", web[:6], web):
        assert ssh(f"docker start {name} >/dev/null").returncode == 0
        engine.clear()
        assert outcome(ssh(f"docker stop {name}")) == (0, f"{web}\n", "")
        assert [each.partition("/containers/")[2] for each in changes(engine)] == [f"{web}/stop"]
        assert len([each for each in engine.requests if each.startswith("GET ") and "/v1" not in each]) == 1


def test_docker_itself_says_what_is_not_there(ssh: Client, engine: Engine, web: str) -> None:
    engine.clear()
    done = ssh("docker stop nosuch web; echo after")
    assert outcome(done) == (0, f"{web}\nafter\n", "Error response from daemon: No such container: nosuch:\n")
    assert outcome(ssh("docker logs nosuch 2>&1 | cut -d: -f 1-3; docker rmi nosuch 2>&1 | cut -c 1-28")) == (
        0, "Error: No such container: nosuch\nError: No such image: nosuch\n", "",
    )  # fmt: skip
    for name in ("web:", "nosuch:"):  # what no container can be called
        assert engine.docker("create", f"--name={name}", engine.image, check=False).returncode != 0


def test_the_beginning_of_two_ids_is_none(ssh: Client, engine: Engine) -> None:
    made: dict[str, str] = {}
    while True:
        key = engine.docker("create", "--network=none", engine.image).stdout.strip()
        if key[0] in made:
            break
        made[key[0]] = key
    assert code(ssh, f"docker rm {key[0]}") == (2, "", "[docker.rm.ambiguous]")
    engine.clean()


# -- what is started ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        (["--volume=/etc:/x:ro"], "mount"),
        (["--volume=/var/run/docker.sock:/s"], "mount"),
        (["--mount=type=bind,source=/,target=/x"], "mount"),
        (["--volume=other:/x"], "mount"),
        (["--volume=bench-disguised:/x"], "volume"),
        (["--volume=bench-plain:/x", "--volume=/y", "--tmpfs=/z"], ""),
        ([], ""),
    ],
)
def test_a_container_with_mounts_that_may_not_be_is_not_started(
    ssh: Client, engine: Engine, options: list[str], refused: str
) -> None:
    disguise = ("--opt=type=none", "--opt=o=bind", "--opt=device=/etc")
    engine.docker("volume", "create", *disguise, "bench-disguised")
    words = ("--network=none", "--name=idle", "--stop-signal=KILL", *options, engine.image, "sleep", "3600")
    key = engine.docker("create", *words).stdout.strip()
    try:
        for verb in ("start", "restart"):
            if refused:
                assert code(ssh, f"docker {verb} idle") == (126, "", f"[docker.{verb}.{refused}]")
                assert not running(engine, key)
            else:
                assert outcome(ssh(f"docker {verb} idle")) == (0, f"{key}\n", "")
                assert running(engine, key)
    finally:
        engine.clean()


# -- images -------------------------------------------------------------------------------


def test_an_image_is_untagged_by_its_name_and_spared_where_it_is_protected(ssh: Client, engine: Engine) -> None:
    engine.docker("tag", engine.image, "lab/one:1")
    engine.docker("create", "--network=none", "--name=base", engine.image)
    engine.docker("commit", "--change=LABEL rshell.protect=true", "base", "lab/kept:1")
    try:
        assert outcome(ssh("docker rmi -f lab/one:1")) == (0, "Untagged: lab/one:1\n", "")
        key = engine.docker("image", "inspect", "--format={{.Id}}", "lab/kept:1").stdout.strip()
        for name in ("lab/kept:1", "docker.io/lab/kept:1", key, key[7:19]):
            assert code(ssh, f"docker rmi -f {name}") == (126, "", "[docker.rmi.protected]")
            assert code(ssh, f"docker image inspect {name}") == (126, "", "[docker.image.inspect.protected]")
        assert engine.docker("images", "--quiet", "lab/kept").stdout != ""
    finally:
        engine.docker("rm", "base")
        engine.docker("rmi", "lab/kept:1")


# -- one's own ----------------------------------------------------------------------------


def test_only_one_s_own_is_touched_and_seen(
    ssh: Client, engine: Engine, account: Account, web: str, own_only: None
) -> None:
    made = ssh("docker run -d --network none --name mine busybox:test sleep 3600")
    assert made.returncode == 0, made.stderr
    mine = made.stdout.strip()
    try:
        assert outcome(ssh("docker ps --format '{{.Names}}'")) == (0, "mine\n", "")
        assert outcome(ssh("docker ps --filter label=x --filter label=rshell.owner=0 -q")) == (0, "", "")
        assert outcome(ssh("docker stats --no-stream --format '{{.Name}}'")) == (0, "mine\n", "")
        for verb in ("stop", "rm -f", "logs", "inspect", "wait", "start"):
            status, out, said = code(ssh, f"docker {verb} web")
            assert (status, out, said.rpartition(".")[2]) == (126, "", "not-yours]"), verb
        assert outcome(ssh("docker rm -f mine")) == (0, f"{mine}\n", "")
        assert code(ssh, "docker stats --no-stream") == (2, "", "[docker.stats.none-own]")
        assert running(engine, web)
    finally:
        engine.docker("rm", "--force", "mine", check=False)


def test_the_owner_s_label_of_an_image_makes_nobody_an_owner(
    ssh: Client, engine: Engine, account: Account, own_only: None
) -> None:
    engine.docker("create", "--network=none", "--name=base", engine.image)
    engine.docker("commit", f"--change=LABEL rshell.owner={account.uid}", "base", "lab/forged:1")
    words = ("--detach", "--network=none", "--stop-signal=KILL", "--name=theirs", "lab/forged:1")
    key = engine.docker("run", *words, "sleep", "3600").stdout.strip()
    try:
        for verb in ("stop", "logs", "rm -f"):
            assert code(ssh, f"docker {verb} theirs")[0] == 126
        assert code(ssh, "docker rmi -f lab/forged:1") == (126, "", "[docker.rmi.not-yours]")
        assert running(engine, key)
    finally:
        engine.docker("rm", "--force", "base", "theirs")
        engine.docker("rmi", "lab/forged:1")


def test_a_prune_of_one_s_own_leaves_what_others_have(ssh: Client, engine: Engine, own_only: None) -> None:
    engine.docker("create", "--network=none", "--name=theirs", engine.image)
    ssh("docker run --network none --name mine busybox:test true")
    assert ssh("docker system prune -f").returncode == 0
    assert engine.docker("ps", "--all", "--format={{.Names}}").stdout.split() == ["theirs"]
    engine.clean()


# -- docker compose -----------------------------------------------------------------------


def test_a_project_with_something_protected_in_it_is_left_alone(
    ssh: Client, engine: Engine, compose_plugin: Plugin
) -> None:
    def service(name: str, project: str, *options: str) -> str:
        told = {**STACK, f"{COMPOSE}.project": project, f"{COMPOSE}.service": name}
        return run(engine, f"{project}-{name}-1", *(f"--label={key}={value}" for key, value in told.items()), *options)

    db, web, other = service("db", "lab", PROTECT), service("web", "lab"), service("web", "bench-1")
    engine.clear()
    try:
        for verb in ("stop", "stop web", "down", "logs", "ps", "restart", "rm -fs"):
            status, out, said = code(ssh, f"docker compose -p lab {verb}")
            assert (status, out, said.rpartition(".")[2]) == (126, "", "protected]"), verb
        assert changes(engine) == []
        assert ssh("docker compose -p bench-1 stop").returncode == 0
        assert [running(engine, key) for key in (db, web, other)] == [True, True, False]
    finally:
        engine.docker("rm", "--force", db, web, other)
