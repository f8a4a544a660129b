"""A day of the agent's, from its first line to its last: through ssh, on a real Engine, behind both boundaries.

The images are stand-ins: a busybox whose `ollama` is a server with an HTTP interface, and a client of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from rshell.ctl.setup.networks import Network
from tests.core.test_corpus import DENY_BUT_ALLOWED, line_of
from tests.support import corpus

from .account import Account
from .compose import Plugin
from .engine import Engine
from .ground import wait_until
from .install import Installed
from .logs import DevLog
from .registry import Registry, mirror
from .sshd import Client

pytestmark = pytest.mark.real

OLLAMA = """#!/bin/sh
case $1 in
serve) echo "Listening on :11434"; exec httpd -f -p 11434 -h /www;;
*) exec wget -qO- "http://${OLLAMA_HOST:-127.0.0.1:11434}/cgi-bin/$1?$2";;
esac
"""
PAGE = "#!/bin/sh\necho Content-Type: text/plain\necho\nmkdir -p /root/.ollama/models; cd /root/.ollama/models\n"
SCRIPTS = {
    "bin/ollama": OLLAMA,
    "www/cgi-bin/pull": PAGE + 'touch "$QUERY_STRING" && echo success\n',
    "www/cgi-bin/list": PAGE + "ls\n",
    "www/cgi-bin/run": PAGE + '[ -e "$QUERY_STRING" ] && echo "eval rate: 42 tokens/s" || echo "no such model"\n',
    "www/cgi-bin/rm": PAGE + 'rm "$QUERY_STRING" && echo deleted\n',
}
STACK = """name: lab
services:
  ollama:
    image: ollama/ollama
    volumes: ["ollama:/root/.ollama"]
    networks: [lab]
    healthcheck: {test: [CMD, ollama, list], interval: 1s, retries: 3}
networks: {lab: {external: true}}
volumes: {ollama: {external: true}}
"""
CLIENT = "docker run --rm --network lab -e OLLAMA_HOST=ollama:11434 ollama/ollama"


@pytest.fixture
def lab(engine: Engine, compose_plugin: Plugin) -> Iterator[Registry]:
    """The network `lab`, the volume `ollama`, and where images come from; nothing of the day stays."""
    engine.docker("image", "prune", "--force")  # what builds of other tests left, the day would prune
    assert Network("lab").do() == ""
    engine.docker("volume", "create", "ollama")
    with mirror(engine) as registry:
        registry.add("ollama/ollama", SCRIPTS, Entrypoint=["ollama"], Cmd=["serve"], Env=["PATH=/bin"])
        yield registry
    engine.clean()
    for image in ("lab/bench", "ollama/ollama"):
        engine.docker("rmi", "--force", image, check=False)


class Agent:
    """Whoever sends lines through ssh."""

    def __init__(self, ssh: Client) -> None:
        self._ssh = ssh

    def does(self, line: str, timeout: float = 60) -> str:
        """Send a line that works; what it prints."""
        done = self._ssh(line, timeout=timeout)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    def may_not(self, line: str, code: str) -> str:
        """Send a line that is refused; what to write instead, if that is said."""
        done = self._ssh(line)
        said = done.stderr.splitlines()
        assert (done.returncode, done.stdout, said[0].rpartition(" ")[2]) == (126, "", f"[{code}]"), (line, said)
        better = [each.partition("instead: ")[2] for each in said if "instead: " in each]
        return better[0] if better else ""


def things(engine: Engine) -> dict[str, list[str]]:
    """Every container, image, volume and network that there is, containers with their state."""
    listings = {
        "containers": ("ps", "--all", "--no-trunc", "--format={{.ID}} {{.Names}} {{.State}}"),
        "images": ("images", "--all", "--no-trunc", "--format={{.Repository}}:{{.Tag}} {{.ID}}"),
        "volumes": ("volume", "ls", "--quiet"),
        "networks": ("network", "ls", "--no-trunc", "--format={{.ID}} {{.Name}}"),
    }
    return {what: sorted(engine.docker(*words).stdout.splitlines()) for what, words in listings.items()}


def test_the_day_of_an_agent_that_benchmarks_models(ssh: Client, engine: Engine, lab: Registry) -> None:
    agent = Agent(ssh)
    before = things(engine)

    # In the morning it looks around.
    assert agent.does("docker ps -aq; docker compose ls -q") == ""
    assert "ollama/ollama" not in agent.does("docker images --format '{{.Repository}}'")
    agent.may_not("docker exec ollama ollama list", "docker.exec")
    assert agent.does("docker network ls --format '{{.Name}}' | grep lab && docker volume ls -q") == "lab\nollama\n"

    # It fetches an image, from where the policy says.
    agent.may_not("docker pull registry.evil.example/ollama", "docker.pull.operand")
    assert agent.does("docker pull --quiet ollama/ollama") == "docker.io/ollama/ollama:latest\n"
    assert lab.asked == {"ollama/ollama"}

    # It starts a stack from a file that it has written.
    public = STACK.replace("    networks: [lab]\n", '    networks: [lab]\n    ports: ["11434:11434"]\n')
    agent.may_not(f"docker compose -f - up -d <<'EOF'\n{public}EOF", "docker.compose.up.model")
    assert things(engine)["containers"] == before["containers"]
    agent.does(f"docker compose -f - up -d --wait <<'EOF'\n{STACK}EOF")
    shown = agent.does("docker compose -p lab ps --format '{{.Name}} {{.State}}'")
    assert shown == "lab-ollama-1 running\n"

    # It fetches a model, benchmarks it and keeps what came out: with clients on the network, without exec.
    better = agent.may_not("docker exec lab-ollama-1 ollama list", "docker.exec")
    assert better == "docker run --rm --network lab -e OLLAMA_HOST=lab-ollama-1:11434 ollama/ollama list"
    assert agent.does(better) == ""
    assert agent.does(f"{CLIENT} pull llama3.2:1b") == "success\n"
    assert agent.does(f"{CLIENT} list") == "llama3.2:1b\n"
    assert agent.does(f"{CLIENT} run llama3.2:1b hi 2>&1 | grep -o 'rate: .*'") == "rate: 42 tokens/s\n"
    bench = "FROM ollama/ollama\nRUN echo 'ollama run llama3.2:1b > /out/result' > /bin/bench\nENTRYPOINT sh /bin/bench"
    agent.does(f"docker build -q --network none -t lab/bench - <<'EOF'\n{bench}\nEOF")
    options = "-v bench-results:/out --network lab -e OLLAMA_HOST=ollama:11434 --memory 256m --cpus 1"
    agent.does(f"docker run -d --name bench-1 {options} lab/bench && docker wait bench-1")
    kept = "docker run --rm --network none -v bench-results:/out:ro --entrypoint cat lab/bench /out/result"
    assert agent.does(kept) == "eval rate: 42 tokens/s\n"

    # It watches.
    said = agent.does("docker compose -p lab logs --no-color --tail 5 ollama | tail -1")
    assert said == "ollama-1  | Listening on :11434\n"
    assert agent.does("docker logs lab-ollama-1 2>&1 | wc -l").strip() == "1"
    assert agent.does("docker stats --no-stream --format '{{.Name}}'") == "lab-ollama-1\n"
    assert agent.does("docker inspect --format '{{.State.Status}}' bench-1 lab-ollama-1") == "exited\nrunning\n"

    # In the evening it cleans up, and leaves what is worth keeping.
    assert agent.does(f"{CLIENT} rm llama3.2:1b") == "deleted\n"
    agent.does("docker rm bench-1")
    agent.may_not("docker compose -p lab down --volumes", "docker.compose.down.option")
    agent.does("docker compose -p lab down")
    agent.does("docker rmi lab/bench ollama/ollama && docker system prune -f")
    after = things(engine)
    assert after == {**before, "volumes": ["bench-results", "ollama"]}


def test_what_the_corpus_forbids_leaves_nothing_behind(
    account: Account, installed: Installed, engine: Engine, log_listener: DevLog
) -> None:
    engine.docker("run", "--detach", "--network=none", "--name=web", engine.image, "sleep", "3600")
    try:
        before = things(engine)
        engine.clear()
        answered = {}
        for entry in corpus("docker-deny.jsonl"):
            if entry["id"] not in DENY_BUT_ALLOWED and "\0" not in line_of(entry):
                done = account.run(installed.launcher, "-c", line_of(entry))
                answered[entry["id"]] = done.returncode, done.stdout
        wait_until(lambda: not account.processes(), 30, "the end of all lines")
        assert set(answered.values()) <= {(126, ""), (127, ""), (2, "")}
        assert len(answered) > 250
        assert [one for one in engine.requests if not re.match("(GET|HEAD) ", one)] == []
        assert things(engine) == before
    finally:
        engine.docker("rm", "--force", "web", check=False)
