"""Compose files through a real ssh, behind both boundaries: what is judged is what a real compose and Engine run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.composefile import files
from tests.support import SHIPPED

from .account import Account
from .compose import Plugin
from .engine import Engine
from .ground import first_line, outcome, wait_until
from .install import Installed
from .sshd import Client

pytestmark = pytest.mark.real

FILE = """
name: lab
x-all: &all {image: "busybox:test", init: true, stop_signal: KILL}
services:
  server:
    <<: *all
    command: ["sh", "-c", "echo $$0 is here; cat /etc/motd; exec sleep 3600", "server"]
    volumes: [models:/models]
    configs: [{source: motd, target: /etc/motd}]
    environment: {OLLAMA_HOST: 0.0.0.0}
    healthcheck: {test: [CMD, "true"], interval: 1s}
  client:
    <<: *all
    profiles: [client]
    command: [echo, nothing to do]
    read_only: true
    tmpfs: /tmp:size=1m
    user: "1000:1000"
    networks: [inside]
networks: {inside: {internal: true}}
volumes: {models: }
configs: {motd: {content: "welcome, $$USER\\n"}}
"""
PROJECT = Path("/var/lib/rshell-test-stack")
MANAGED = ("ps --all --quiet", "volume ls --quiet", "network ls --quiet --filter=type=custom")


@pytest.fixture
def clean(engine: Engine, compose_plugin: Plugin) -> Iterator[Engine]:
    """The Engine, with nothing on it before and after the test."""
    engine.clean()
    engine.clear()
    yield engine
    engine.clean()


def inspected(engine: Engine, name: str) -> dict[str, Any]:
    """What the Engine says of a container."""
    return dict(json.loads(engine.docker("inspect", "--type=container", name).stdout)[0])


def left(engine: Engine) -> list[str]:
    """Every container, volume and network that is not the Engine's own."""
    return [one for words in MANAGED for one in engine.docker(*words.split()).stdout.split()]


# -- a day with a stack ---------------------------------------------------------------------


def test_a_stack_from_up_to_down(ssh: Client, clean: Engine, account: Account) -> None:
    up = ssh("docker compose -f - up -d --wait", input=FILE, timeout=60)
    assert (up.returncode, up.stdout) == (0, ""), up.stderr
    made = inspected(clean, "lab-server-1")
    host, config = made["HostConfig"], made["Config"]
    assert (host["SecurityOpt"], host["Memory"], host["PidsLimit"]) == (["no-new-privileges"], 16 << 30, 512)
    assert (host["Privileged"], host["Binds"], host["PortBindings"]) == (False, ["lab_models:/models:rw"], {})
    assert config["Labels"]["rshell.owner"] == str(account.uid)
    assert config["Labels"]["com.docker.compose.project"] == "lab"
    assert config["Cmd"] == ["sh", "-c", "echo $0 is here; cat /etc/motd; exec sleep 3600", "server"]
    assert list(made["NetworkSettings"]["Networks"]) == ["lab_default"]

    assert outcome(ssh("docker compose ps --format '{{.Service}} {{.State}}'")) == (0, "server running\n", "")
    told = (0, "server is here\nwelcome, $USER\n", "")
    assert outcome(ssh("docker compose -p lab logs --no-log-prefix server")) == told
    assert outcome(ssh("docker compose -f - config --services", input=FILE)) == (0, "server\n", "")
    assert outcome(ssh("docker compose -f - --profile client config --volumes", input=FILE)) == (0, "models\n", "")

    ran = ssh("docker compose -f - run --rm client sh -c 'id -u; touch /x || touch /tmp/x'", input=FILE, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "1000\n"), ran.stderr
    assert "lab-client" not in clean.docker("ps", "--all", "--format={{.Names}}").stdout

    assert ssh("docker compose stop -t 0 server").returncode == 0
    assert ssh("docker compose start server").returncode == 0
    assert ssh("docker compose -p bench-1 down").returncode == 0
    assert inspected(clean, "lab-server-1")["State"]["Status"] == "running"
    assert ssh("docker compose down -t 0").returncode == 0
    assert left(clean) == ["lab_models"]


def test_a_here_document_does_as_well_and_a_change_is_brought_up(ssh: Client, clean: Engine) -> None:
    for user in ("1", "2"):
        text = f"services: {{x: {{image: 'busybox:test', command: sleep 3600, network_mode: none, user: '{user}'}}}}"
        done = ssh(f"docker compose -p bench-1 -f - up -d <<'EOF' 2>&1 | tail -1\n{text}\nEOF\n", timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert inspected(clean, "bench-1-x-1")["Config"]["User"] == user
    assert outcome(ssh("docker compose -p bench-1 ps -q | wc -l")) == (0, "1\n", "")


def test_what_was_read_of_stdin_is_not_read_again(ssh: Client, clean: Engine) -> None:
    """The container has an empty stdin, and no terminal is looked for."""
    text = "services: {x: {image: 'busybox:test', network_mode: none, stdin_open: true}}\n"
    done = ssh("docker compose -f - run --rm x wc -c", input=text, timeout=60)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_a_run_that_is_cut_off_leaves_nothing_running(ssh: Client, clean: Engine) -> None:
    text = "services: {x: {image: 'busybox:test', network_mode: none}}\n"
    done = ssh("timeout 4 docker compose -f - run --rm x sh -c 'trap \"\" TERM; sleep 3600'", input=text, timeout=60)
    assert done.returncode == 124
    wait_until(lambda: not clean.docker("ps", "--quiet").stdout, 20, "the container's end")


# -- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(files("compose-attacks"))[::5])  # tests/core has them all
def test_an_attack_reaches_no_engine(ssh: Client, clean: Engine, name: str) -> None:
    done = ssh("docker compose -f - up -d", input=files("compose-attacks")[name])
    assert done.returncode in (126, 2)
    assert done.stdout == ""
    assert done.stderr.startswith(("rshell: denied: docker compose up: compose file line ",
                                   "rshell: unsupported: docker compose up: compose file line "))  # fmt: skip
    assert "\n  nothing was run; " in done.stderr
    assert (clean.requests, clean.connections) == ([], 0)


def test_the_place_in_the_file_is_shown(ssh: Client, clean: Engine) -> None:
    text = "services:\n  web:\n    image: busybox:test\n    privileged: true\n"
    assert outcome(ssh("docker compose -f - up -d", input=text)) == (126, "", (
        "rshell: denied: docker compose up: compose file line 4: services.web.privileged is not allowed (column 5)"
        " [docker.compose.up.model]\n"
        "      privileged: true\n"
        "      ^^^^^^^^^^\n"
        "  why: a privileged container owns the host\n"
        "  nothing was run; rewording, quoting or sudo will not change this\n"
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("words", "text", "status", "code"),
    [
        ("-f - ps", "", 2, "docker.compose.ps.no-model"),
        ("-f - up -d", "x: [", 2, "docker.compose.up.model-syntax"),
        ("-f - config -q", "services: {x: {image: '${HOME}'}}", 2, "docker.compose.config.model-misread"),
        ("-f - ps", "name: prod\nservices: {x: {image: a}}", 126, "docker.compose.ps.model"),
        ("-p prod -f - ps", FILE, 126, "docker.compose.value"),
        ("-f /etc/shadow config -q", FILE, 126, "docker.compose.config.file"),
        ("-f /dev/stdin config -q", FILE, 126, "docker.compose.config.file"),
        ("-f - -f /etc/shadow config -q", FILE, 126, "docker.compose.config.one-file"),
        ("up -d", FILE, 2, "docker.compose.up.needs-file"),
        ("-f - run -v /:/x client id", FILE, 126, "docker.compose.run.option"),
        ("-f - run --entrypoint sh client id", FILE, 126, "docker.compose.run.option"),
    ],
)
def test_a_line_with_a_file_that_is_refused(
    ssh: Client, clean: Engine, words: str, text: str, status: int, code: str
) -> None:
    done = first_line(ssh(f"docker compose {words}", input=text))
    assert (done[0], done[1], done[2].rpartition(" ")[2]) == (status, "", f"[{code}]")
    assert (clean.requests, clean.connections) == ([], 0)


def test_a_volume_that_is_a_directory_of_the_host_in_disguise_is_refused(ssh: Client, clean: Engine) -> None:
    options = ("--driver=local", "--opt=type=none", "--opt=o=bind", "--opt=device=/etc")
    labels = ("--label=com.docker.compose.project=lab", "--label=com.docker.compose.volume=models")
    clean.docker("volume", "create", *options, *labels, "lab_models")
    done = first_line(ssh("docker compose -f - up -d", input=FILE))
    assert done == (
        126, "", "rshell: denied: docker compose up: the volume 'lab_models' has options of its own: device o type"
        " [docker.compose.up.volume]",
    )  # fmt: skip
    assert clean.docker("ps", "--all", "--quiet").stdout == ""


@pytest.mark.parametrize("kind", ["volume", "network"])
def test_what_another_project_has_made_is_not_taken_over(ssh: Client, clean: Engine, kind: str) -> None:
    name = {"volume": "lab_models", "network": "lab_default"}[kind]
    clean.docker(kind, "create", "--label=com.docker.compose.project=lab_x", name)
    done = first_line(ssh("docker compose -f - up -d", input=FILE))
    assert done == (
        126, "", f"rshell: denied: docker compose up: the {kind} '{name}' is not of the project 'lab'"
        " [docker.compose.up.not-own]",
    )  # fmt: skip
    assert clean.docker("ps", "--all", "--quiet").stdout == ""


# -- a project of the operator's ------------------------------------------------------------

STACK = """
services:
  web:
    image: ${IMAGE}
    command: sleep 3600
    network_mode: none
    stop_signal: KILL
    volumes: [./secret:/secret:ro]
"""
RULES = """
    projects:
      stack:
        directory: /var/lib/rshell-test-stack
        verbs: [up, ps, run, down]
        run: {web: ["ls /secret", "echo {1..9}"]}
"""


@pytest.fixture
def stack(installed: Installed, clean: Engine) -> Iterator[Path]:
    """A directory with a compose file that no vetted one could be, and a policy that has it."""
    shutil.rmtree(PROJECT, ignore_errors=True)
    PROJECT.mkdir(mode=0o755)
    for name, text in (("compose.yaml", STACK), (".env", "IMAGE=busybox:test\n"), ("secret", "very\n")):
        (PROJECT / name).write_text(text)
        (PROJECT / name).chmod(0o644)
    before, _, after = SHIPPED.decode().partition("    projects:  {}")
    with installed.other_policy(before + RULES.strip("\n") + "\n" + after[after.index("\n") :]):
        yield PROJECT
    shutil.rmtree(PROJECT)


def test_a_project_of_the_operator_s_runs_as_it_is(ssh: Client, clean: Engine, stack: Path) -> None:
    assert ssh("docker compose -p stack up -d", timeout=60).returncode == 0
    made = inspected(clean, "stack-web-1")
    assert made["HostConfig"]["Binds"] == [f"{stack}/secret:/secret:ro"]
    assert made["Config"]["Image"] == "busybox:test"
    assert outcome(ssh("docker compose -p stack ps -q | wc -l")) == (0, "1\n", "")
    ran = ssh("docker compose -p stack run --rm -T web ls /secret", timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "/secret\n"), ran.stderr
    for line in ("run --rm web cat /secret", "-f - ps", "logs", "run --rm web sh"):
        named = f"docker compose -p stack {line}"
        assert ssh(named, input=FILE).returncode == 126
    assert ssh("docker compose -p stack down -t 0").returncode == 0
    assert left(clean) == []


def test_a_project_that_somebody_else_can_change_is_not_run(ssh: Client, clean: Engine, stack: Path) -> None:
    (stack / "compose.yaml").chmod(0o666)
    done = first_line(ssh("docker compose -p stack up -d"))
    assert (done[0], done[1], done[2].rpartition(" ")[2]) == (78, "", "[docker.compose.up.operator-broken]")
    assert left(clean) == []
