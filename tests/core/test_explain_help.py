"""What is said of a line and of the rules comes from the data that decides."""

from __future__ import annotations

import json

import pytest

from rshell.core import builtins, explain
from rshell.core import help as helping
from rshell.core.compose.stacks import NEED_FILE
from rshell.core.model import Permit
from rshell.lean import to_json
from tests.support import SHIPPED, corpus, judge, policy, written

SHA = policy().sha256
ABOUT = {"path": "policy.yaml", "sha256": SHA}


def source(key: str) -> str:
    lines = SHIPPED.decode().splitlines()
    return f"policy.yaml:{1 + next(n for n, line in enumerate(lines) if line.strip().startswith(key))}"


def as_json(line: str) -> dict[str, object]:
    return explain.as_json(policy(), line, judge(line))


def test_an_allowed_line_in_json() -> None:
    assert as_json("docker ps -aq | head -5 && echo $USER") == {
        "version": 1,
        "verdict": "allow",
        "line": "docker ps -aq | head -5 && echo $USER",
        "commands": [
            {
                "argv": ["/usr/bin/docker", "container", "ls", "--all", "--quiet"], "run_as": "rshell-docker",
                "rule": "docker-observe/docker ps", "source": source("docker ps:"), "checks": [],
            },
            {
                "argv": ["/usr/bin/head", "--lines=5"], "run_as": None, "rule": "filters/head",
                "source": source("head:"), "checks": [],
            },
            {"argv": ["echo", "ai-worker"], "run_as": None, "rule": "builtin/echo", "source": None, "checks": []},
        ],
        "policy": ABOUT,
    }  # fmt: skip


def test_what_is_still_to_be_looked_up_is_named() -> None:
    commands = as_json("docker inspect x")["commands"]
    assert isinstance(commands, list)
    assert [command["checks"] for command in commands] == [["object-id"]]


def test_a_refused_line_in_json() -> None:
    assert as_json("docker ps; docker logs x --tail 30000") == {
        "version": 1, "verdict": "refuse", "class": "denied", "code": "docker.logs.value",
        "line": "docker ps; docker logs x --tail 30000",
        "message": "docker logs: option --tail: '30000' is not allowed", "at": {"start": 25, "end": 37},
        "why": "allowed: all or a number from 0 to 20000", "instead": None, "rule": "docker-observe/docker logs",
        "source": source("docker logs:"), "commands": [], "policy": ABOUT,
    }  # fmt: skip


KEYS = {
    "allow": ["version", "verdict", "line", "commands", "policy"],
    "refuse": ["version", "verdict", "class", "code", "line", "message", "at", "why", "instead", "rule", "source",
               "commands", "policy"],
}  # fmt: skip


@pytest.mark.parametrize("name", ["agent-lines.jsonl", "docker-allow.jsonl", "docker-deny.jsonl"])
def test_the_shape_is_the_same_for_every_line(name: str) -> None:
    for entry in corpus(name):
        line = entry.get("line", "docker ps")
        explained = as_json(line)
        assert list(explained) == KEYS[str(explained["verdict"])]
        assert explained["line"] == line
        assert json.loads(to_json(explained)) == explained
        at = explained.get("at")
        if isinstance(at, dict):
            assert 0 <= at["start"] <= at["end"] <= len(line)


@pytest.mark.parametrize(
    ("line", "marked"),
    [
        ("docker exec x id", "docker exec"),
        ("bash -c 'docker ps; docker exec x id'", "docker exec"),
        ('sh -c "docker ps --al" && docker ps', "--al"),
        ("bash -c \"sh -c 'docker exec x id'\"", "docker exec"),
    ],
)
def test_the_place_is_one_of_the_whole_line(line: str, marked: str) -> None:
    at = as_json(line)["at"]
    assert isinstance(at, dict)
    assert line[at["start"] : at["end"]] == marked


def test_a_place_that_quoting_hides_is_no_place() -> None:
    assert as_json("bash -c 'docker exec x '\\''id'\\'''")["at"] is None
    assert explain.outward("a a", "a", (0, 1)) is None
    assert explain.outward("x", "x", (0, 1)) == (0, 1)
    assert explain.outward("x", "y", None) is None


def text(line: str, operator: bool = False) -> str:
    return explain.as_text(line, judge(line), operator)


def test_an_allowed_line_in_words() -> None:
    assert text("docker inspect x | head -5; pwd") == (
        "allowed: docker inspect x | head -5; pwd\n"
        "  runs: /usr/bin/docker inspect -- x\n"
        "  as: rshell-docker, for at most 900 s\n"
        "  looks up first: object-id\n"
        "  runs: /usr/bin/head --lines=5\n"
        "  as: the account itself, for at most 900 s\n"
        "  runs: pwd (by rshell itself)\n"
    )


def test_an_operator_is_told_where() -> None:
    assert f"  where: {source('docker ps:')} (grant docker-observe)\n" in text("docker ps", True)
    assert text("docker logs x --tail 30000", True).endswith(
        f"  where: {source('docker logs:')} (grant docker-observe)\n"
    )
    assert text("docker kill x", True).endswith("  where: no grant lists it\n")
    assert text("docker system dial-stdio", True).endswith("  where: built in, no policy can allow it\n")
    assert text("docker -H x ps", True).endswith("  where: built in, no policy can allow it\n")
    assert text("echo `id`", True).endswith("  where: built in: the language of the shell\n")


def test_an_operator_is_told_where_a_command_is_switched_off() -> None:
    rules = written(
        "version: 1\nroles: {r: {grants: [g]}}\ngrants: {g: {commands: {docker ps: []}}}\nnever: [docker ps]\n"
    )
    refused = judge("docker ps", rules=rules)
    assert explain.as_text("docker ps", refused, True).splitlines()[-1].startswith("  where: policy.yaml:4 ")


def test_explaining_runs_nothing_and_says_so() -> None:
    assert "nothing would be run" in text("docker exec x id")
    assert "nothing was run" not in text("docker exec x id")


def test_what_is_echoed_is_escaped() -> None:
    assert text("docker ps --filter name=é").isascii()
    assert text("docker exec é").isascii()


# -- help ------------------------------------------------------------------------------


def test_the_overview_names_every_command_and_builtin() -> None:
    lines = helping.overview(policy()).splitlines()
    for key in policy().commands:
        assert any(line.startswith(key) for line in lines), key
    for name in (*builtins.TABLE, *builtins.PREFIXES):
        assert any(line.startswith(name) for line in lines), name
    assert "To the right of a |:" in lines
    pipe = lines.index("To the right of a |:")
    assert [line.split()[0] for line in lines[pipe + 1 : pipe + 11]] == [
        "cut", "grep", "head", "nl", "sort", "tac", "tail", "tr", "uniq", "wc",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "synopsis"),
    [
        ("docker --version", "docker --version"),
        ("docker stats", "docker stats [--all] [--format=TEMPLATE] --no-stream [--no-trunc] [CONTAINER...]"),
        ("docker inspect", "docker inspect [--format=TEMPLATE] [--size] [--type=container|image] OBJECT..."),
        ("docker logs", "docker logs [--details] [--since=TIME] [--tail=all|0..20000] [--timestamps] [--until=TIME]"
                        " CONTAINER"),
        ("sshd", "sshd -T"),
        ("cat", "cat /proc/net/tcp|tcp6|udp|udp6"),
        ("fail2ban-client", "fail2ban-client status | fail2ban-client status JAIL | fail2ban-client get JAIL banned"),
        ("tac", "tac"),
    ],
)  # fmt: skip
def test_a_synopsis_says_what_may_be_said(key: str, synopsis: str) -> None:
    assert helping.synopsis(policy().commands[key]) == synopsis


def test_a_command_is_described_by_any_of_its_names() -> None:
    described = helping.of_command(policy(), ("docker", "ps"))
    assert described is not None
    assert described == helping.of_command(policy(), ("docker", "container", "list"))
    assert "--last=1..1000" in described
    assert "a number from 1 to 1000" in described
    assert described.endswith("  ends after 900 s at the latest\n")


def test_what_holds_at_a_terminal_only_is_marked() -> None:
    described = helping.of_command(policy(), ("docker", "logs"))
    assert described is not None
    (follow,) = [line for line in described.splitlines() if "--follow" in line]
    assert "(at a terminal only)" in follow
    assert "must be given: --no-stream" in (helping.of_command(policy(), ("docker", "stats")) or "")
    assert "one of these must be given: --list --list-rules" in (helping.of_command(policy(), ("iptables",)) or "")


def test_a_group_of_commands_is_listed() -> None:
    listed = helping.of_command(policy(), ("docker", "network"))
    assert listed is not None
    assert [line.split()[:3] for line in listed.splitlines()] == [["docker", "network", "ls"]]
    every = helping.of_command(policy(), ("docker",))
    assert every is not None
    assert len(every.splitlines()) == len([key for key in policy().commands if key.startswith("docker ")])


@pytest.mark.parametrize(
    "words", [("nosuch",), ("docker", "exec"), ("docker", "ps", "x"), ("docker", ""), ("",), ("ss", "x")]
)
def test_there_is_no_help_on_what_there_is_not(words: tuple[str, ...]) -> None:
    assert helping.of_command(policy(), words) is None


def test_a_builtin_is_described() -> None:
    assert helping.of_command(policy(), ("cd",)) == "cd [DIRECTORY]\n  go to a directory\n"
    assert (helping.of_command(policy(), ("sudo",)) or "").startswith("sudo [-n] COMMAND\n")


def test_the_help_for_programs_has_every_command_and_option() -> None:
    described = json.loads(to_json(helping.as_json(policy())))
    assert described["version"] == 1
    assert described["policy"] == ABOUT
    assert {one["command"] for one in described["commands"]} == set(policy().commands)
    assert {one["name"] for one in described["builtins"]} == {*builtins.TABLE, *builtins.PREFIXES}
    assert described["exit_status"] == {
        "denied": 126,
        "unknown": 127,
        "unsupported": 2,
        "timed_out": 124,
        "unavailable": 78,
    }
    assert described["limits"] == {"line_bytes": 32768, "commands": 16, "text_bytes": 262144}
    (stats,) = [one for one in described["commands"] if one["command"] == "docker stats"]
    assert (stats["needs"], [option["name"] for option in stats["options"]]) == (
        ["no-stream"], ["all", "format", "no-stream", "no-trunc"],
    )  # fmt: skip
    (logs,) = [one for one in described["commands"] if one["command"] == "docker logs"]
    assert [option["name"] for option in logs["options"] if option["terminal_only"]] == ["follow"]
    (cat,) = [one for one in described["commands"] if one["command"] == "cat"]
    assert cat["forms"] == ["cat /proc/net/tcp|tcp6|udp|udp6"]


def test_every_option_in_the_help_may_be_given() -> None:
    """What help says holds: each flag alone, in front of the smallest allowed line of its command."""
    smallest = {
        "docker build": "-",
        "docker stats": "--no-stream", "docker logs": "x", "docker inspect": "x", "docker container inspect": "x",
        "docker image inspect": "x", "iptables": "-L", "journalctl": "-u ssh -n 5", "sshd": "-T",
        "docker rm": "x", "docker rmi": "x", "docker run": "x", "docker pull": "x", "docker system prune": "--force",
        "docker compose up": "--detach", "docker compose rm": "--force", "docker compose stats": "--no-stream",
        "docker compose config": "--quiet", "docker compose run": "x", "docker compose port": "x 80",
    }  # fmt: skip
    needing = [f"docker compose {verb}" for verb in NEED_FILE]
    for command in helping.as_json(policy())["commands"]:  # type: ignore[attr-defined]
        for option in command.get("options", ()):
            if option["value"] is None and not option["terminal_only"] and not command["right_of_pipe"]:
                name = command["command"]
                spelled = "-T" if name == "sshd" else "--" + option["name"]
                rest = smallest.get(name, "").removeprefix(spelled)  # a flag is given once
                if name in needing:
                    name = name.replace("compose", "compose -f -")
                decided = judge(f"{name} {spelled} {rest}", terminal=option["name"] == "tty")
                assert isinstance(decided, Permit), decided
