"""docker compose through a real ssh: stacks that are there, no file of the host, argv that mean what the user's do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.differential.answers import STACK
from tests.differential.compose import Case, ComposeEngine, from_corpora, generated, running, same

from .account import Account
from .compose import Plugin
from .engine import Engine
from .ground import first_line, kept, outcome, program, wait_until
from .logs import DevLog
from .sshd import Client

pytestmark = pytest.mark.real

CASES, SEED = 180, 1
SHOWN = 5
FILES = ("compose.yaml", "docker-compose.yml")
SENT = "services: {x: {image: 'busybox:test'}}\n"


@pytest.fixture
def stack(engine: Engine, compose_plugin: Plugin) -> Iterator[str]:
    """The container of a stack `lab` with one service `web`, which has said `hello`."""
    labels = [f"--label={name}={value}" for name, value in STACK.items()]
    words = ("--detach", "--network=none", "--name=lab-web-1", "--stop-signal=KILL", *labels, engine.image)
    engine.docker("run", *words, "sh", "-c", "echo hello; exec sleep 3600")
    wait_until(lambda: engine.docker("logs", "lab-web-1").stdout, 30, "the container's word")
    engine.clear()
    yield "lab-web-1"
    engine.docker("rm", "--force", "lab-web-1", check=False)


def state(engine: Engine, name: str) -> str:
    """The state of a container; '' if it is not there."""
    return engine.docker("inspect", "--format={{.State.Status}}", name, check=False).stdout.strip()


# -- there, and not there ---------------------------------------------------------------


def test_without_the_plugin_it_is_not_installed(
    ssh: Client, engine: Engine, compose_plugin: Plugin, devlog: DevLog
) -> None:
    engine.clear()
    with compose_plugin.absent():
        assert first_line(ssh("docker compose ps")) == (
            127, "", "rshell: unknown: docker compose is not installed on this host [unknown.absent]",
        )  # fmt: skip
    assert engine.connections == 0
    assert [(each["raw"], each["code"]) for each in devlog.records() if each["event"] == "refuse"] == [
        ("docker compose ps", "unknown.absent")
    ]


def test_a_plugin_that_others_can_write_is_not_installed(ssh: Client, compose_plugin: Plugin) -> None:
    compose_plugin.path.chmod(0o777)
    try:
        assert first_line(ssh("docker compose version"))[0] == 127
    finally:
        compose_plugin.path.chmod(0o755)
    assert ssh("docker compose version").returncode == 0


def test_a_stack_is_seen(ssh: Client, stack: str) -> None:
    assert outcome(ssh("docker compose -p lab ps --format '{{.Name}} {{.Service}} {{.State}}'")) == (
        0, "lab-web-1 web running\n", "",
    )  # fmt: skip
    shown = ssh("docker compose -p lab ps")
    assert (shown.returncode, shown.stdout.splitlines()[1].split()[0], shown.stderr) == (0, stack, "")
    assert outcome(ssh("docker compose -p bench-1 ps -q")) == (0, "", "")
    assert outcome(ssh("docker compose ls -q")) == (0, "lab\n", "")


def test_a_stack_s_logs_are_read(ssh: Client, stack: str) -> None:
    assert outcome(ssh("docker compose -p lab logs --tail 5")) == (0, "web-1  | hello\n", "")
    assert outcome(ssh("docker compose -p lab logs --tail 5 --no-log-prefix web | tac")) == (0, "hello\n", "")


def test_a_service_is_stopped_started_and_removed(ssh: Client, engine: Engine, stack: str) -> None:
    assert ssh("docker compose -p lab stop web").returncode == 0
    assert state(engine, stack) == "exited"
    assert ssh("docker compose -p lab start web").returncode == 0
    assert state(engine, stack) == "running"
    assert ssh("docker compose -p lab rm -fs web").returncode == 0
    assert state(engine, stack) == ""


def test_a_stack_goes_down(ssh: Client, engine: Engine, stack: str) -> None:
    assert ssh("docker compose -p bench-1 down").returncode == 0
    assert state(engine, stack) == "running"
    assert ssh("docker compose -p lab down").returncode == 0
    assert state(engine, stack) == ""


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("docker compose -p prod down", "docker.compose.value"),
        ("docker compose -f /etc/shadow config -q", "docker.compose.config.file"),
        ("docker compose --env-file /etc/shadow config -q", "docker.compose.option"),
        ("docker compose --project-directory / config -q", "docker.compose.option"),
        ("docker compose config", "docker.compose.config.needs"),
        ("docker compose -p lab exec web id", "docker.compose.exec"),
        ("docker compose -p lab down --volumes", "docker.compose.down.option"),
    ],
)
def test_what_is_refused_reaches_no_engine(
    ssh: Client, engine: Engine, stack: str, devlog: DevLog, line: str, code: str
) -> None:
    done = ssh(line)
    assert (done.returncode, done.stdout, done.stderr.partition("\n")[0].rpartition(" ")[2]) == (126, "", f"[{code}]")
    assert (engine.requests, engine.connections) == ([], 0)
    assert [(each["raw"], each["code"]) for each in devlog.records() if each["event"] == "refuse"] == [(line, code)]
    assert state(engine, stack) == "running"


# -- no file ----------------------------------------------------------------------------


@pytest.fixture(params=["home", "/var", "/"])
def trap(request: pytest.FixtureRequest, account: Account, compose_plugin: Plugin) -> Iterator[Path]:
    """A directory with compose files in it, by every usual name, and a .env that names one."""
    place = account.home if request.param == "home" else Path(request.param)
    with ExitStack() as undo:
        for name in (*FILES, ".env"):
            undo.enter_context(kept(place / name))
            text = f"COMPOSE_FILE={place / FILES[0]}\nCOMPOSE_PROJECT_NAME=trap\n"
            if name in FILES:
                text = "name: trap\nservices: {web: {image: trapped}}\n"
            (place / name).write_text(text)
            (place / name).chmod(0o644)
        yield place


def test_the_trap_would_work(account: Account, trap: Path) -> None:
    below = trap if trap == account.home else trap / "var/empty" if trap == Path("/") else trap / "empty"
    done = account.run(program("docker"), "compose", f"--project-directory={below}", "config", "--images")
    assert (done.returncode, done.stdout) == (0, "trapped\n")


@pytest.mark.parametrize("line", ["-f - config --images", "-p lab -f - config --images", "-f- config --images"])
def test_only_the_file_that_is_sent_is_read(ssh: Client, trap: Path, line: str) -> None:
    assert outcome(ssh(f"docker compose {line}", input=SENT)) == (0, "busybox:test\n", "")


@pytest.mark.parametrize("line", ["ps -q", "images -q", "-p lab ps -q", "-p lab stop"])
def test_without_one_no_compose_file_is_read(ssh: Client, engine: Engine, trap: Path, line: str) -> None:
    engine.clear()
    assert outcome(ssh(f"docker compose {line}"))[:2] == (0, "")
    assert [each for each in engine.requests if "/create" in each] == []


@pytest.mark.parametrize("line", ["config --images", "up -d", "run web id", "pull", "create", "build"])
def test_what_needs_a_file_is_refused_without_one(ssh: Client, engine: Engine, trap: Path, line: str) -> None:
    engine.clear()
    done = first_line(ssh(f"docker compose {line}"))
    assert (done[0], done[1], done[2].rpartition(".")[2]) == (2, "", "needs-file]")
    assert engine.connections == 0


def test_the_client_s_variables_name_no_file(ssh: Client, trap: Path) -> None:
    told = {"LC_ALL": "C", "COMPOSE_FILE": str(trap / FILES[0]), "COMPOSE_PROJECT_NAME": "trap"}
    send = [f"-oSendEnv={' '.join(told)}"]
    sent = ssh("docker compose -f - config --images", input=SENT, options=send, environment=told)
    assert outcome(sent) == (0, "busybox:test\n", "")


# -- the same as the user's ---------------------------------------------------------------


@pytest.fixture(scope="module")
def fake(compose_plugin: Plugin) -> Iterator[ComposeEngine]:
    """A fake Engine."""
    with running(compose_plugin.path) as made:
        yield made


def differences(fake: ComposeEngine, cases: list[Case]) -> tuple[list[str], Counter[str]]:
    """Those of the lines that compose understands otherwise than ours; how many asked for something, by command."""
    found, asking = [], Counter[str]()
    docker = program("docker")
    for case in cases:
        asked, other = fake.ask(docker, case.given), fake.ask(docker, case.ours)
        if not same(asked, other):
            found.append(f"{case.given}\n{case.ours}\n{asked}\n{other}")
        asking[case.command] += any("/_ping" not in one.target for one in other.requests)
    return found[:SHOWN], asking


def test_random_permitted_lines_ask_for_the_same_as_ours(fake: ComposeEngine) -> None:
    found, asking = differences(fake, generated(SEED, CASES))
    assert found == []
    assert asking.total() > CASES // 3
    assert {"ps", "logs", "stop", "start", "rm", "down", "top", "ls", "images"} <= set(+asking)


def test_the_corpora_s_permitted_lines_ask_for_the_same_as_ours(fake: ComposeEngine) -> None:
    cases = list(from_corpora())
    assert len(cases) > 12
    assert differences(fake, cases)[0] == []


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        (("-p", "lab", "stop"), ("--project-name=bench-1", "stop")),
        (("-p", "lab", "stop", "-t", "5"), ("--project-name=lab", "stop", "--timeout=6")),
        (("-p", "lab", "ps", "-a"), ("--project-name=lab", "ps")),
        (("-p", "lab", "logs", "-n", "5"), ("--project-name=lab", "logs", "--tail=6")),
        (("-p", "lab", "rm", "-fs", "web"), ("--project-name=lab", "rm", "--force", "--", "web")),
    ],
)
def test_a_wrong_argv_of_compose_is_noticed(fake: ComposeEngine, given: tuple[str, ...], ours: tuple[str, ...]) -> None:
    docker = program("docker")
    assert not same(fake.ask(docker, ("compose", *given)), fake.ask(docker, ("compose", *ours)))
