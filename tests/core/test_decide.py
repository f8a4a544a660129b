"""The decision: what the policy lists may run, as it is written out again; everything else is refused."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rshell import say
from rshell.core import builtins, decide
from rshell.core.builtins import SHELLS, SUDO
from rshell.core.grammar import parse
from rshell.core.model import Builtin, Exec, Group, Permit, Policy, Redirect, Refusal, Word
from rshell.core.words import decide_words
from rshell.policy.load import BadPolicy
from tests.support import SHIPPED, argvs, code, corpus, execs, judge, policy, somewhere, trees, written

DOCKER = "/usr/bin/docker"
EVERYBODY = "objects: {manage: any, observe: any}\n"


def made(commands: str, rest: str = "") -> Policy:
    """A policy with one grant, its commands as flow mapping or lines."""
    body = "".join(f"      {line}\n" for line in commands.splitlines())
    return written(f"version: 1\nroles: {{r: {{grants: [g]}}}}\ngrants:\n  g:\n    commands:\n{body}{rest}{EVERYBODY}")


# -- one way to run each command -------------------------------------------------------

OPERANDS = dict.fromkeys(
    ["docker " + verb for verb in (
        "logs", "inspect", "container inspect", "image inspect", "start", "stop", "restart", "rm", "rmi", "wait",
        "pull", "run",
    )], " x",
) | {"docker build": " -"}  # fmt: skip
PUT_IN = {
    "docker run": [
        "--memory=17179869184", "--pids-limit=512", "--security-opt=no-new-privileges",
        "--label=com.docker.compose.project=", "--label=rshell.owner=0",
    ],
    "docker build": ["--memory=17179869184", "--label=rshell.built-by=0", "--file=Dockerfile"],
    "docker system prune": ["--filter=label!=rshell.protect=true"],
}  # fmt: skip


def spellings() -> list[tuple[str, str]]:
    """Every spelling of every granted docker command, with the command."""
    docker = trees()["docker"].program
    return sorted((spelling, key) for spelling, key in docker.names.items() if key in policy().commands)


def minimal(spelling: str, key: str) -> str:
    needs = "".join(f" --{name}" for name in policy().commands[key].rules[0].needs)
    return f"docker {spelling}{needs}{OPERANDS.get(key, '')}"


@pytest.mark.parametrize(("spelling", "key"), spellings())
def test_every_name_of_a_command_runs_the_same(spelling: str, key: str) -> None:
    shape = trees()["docker"].commands[key]
    first = [DOCKER, *shape.emit, *("--" + name for name in policy().commands[key].rules[0].needs)]
    tagged = key in ("docker run", "docker pull")  # without a tag docker may take it for an id
    operands = ["--", "x:latest" if tagged else OPERANDS[key].strip()] if key in OPERANDS else []
    assert argvs(minimal(spelling, key)) == [[*first, *PUT_IN.get(key, []), *operands]]


@pytest.mark.parametrize("spelling", [spelling for spelling, key in spellings() if key == "docker build"])
def test_no_name_of_build_lets_files_of_the_host_in(spelling: str) -> None:
    assert code(f"docker {spelling} .") == ("denied", "docker.build.no-context")
    assert code(f"docker {spelling} /etc") == ("denied", "docker.build.no-context")
    assert code(f"docker {spelling} -t lab/x https://example.com/x.git") == ("denied", "docker.build.no-context")


def test_the_names_of_the_granted_commands() -> None:
    assert [spelling for spelling, _ in spellings()] == [
        "--version", "-v", "build", "builder build", "container inspect", "container list", "container logs",
        "container ls", "container ps", "container remove", "container restart", "container rm", "container run",
        "container start", "container stats", "container stop", "container wait", "image build", "image inspect",
        "image list", "image ls", "image pull", "image remove", "image rm", "image rmi", "images", "info", "inspect",
        "logs", "network list", "network ls", "ps", "pull", "remove", "restart", "rm", "rmi", "run", "start", "stats",
        "stop", "system df", "system info", "system prune", "version", "volume list", "volume ls", "wait",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("docker ps -aqf name=x", [DOCKER, "container", "ls", "--all", "--quiet", "--filter=name=x"]),
        ("docker ps -n5", [DOCKER, "container", "ls", "--last=5"]),
        ("docker ps --all=false", [DOCKER, "container", "ls", "--all=false"]),
        ("docker logs x --tail 50", [DOCKER, "container", "logs", "--tail=50", "--", "x"]),
        ("docker logs --tail=all x", [DOCKER, "container", "logs", "--tail=all", "--", "x"]),
        ("docker --log-level error ps", [DOCKER, "--log-level=error", "container", "ls"]),
        ("docker -lerror ps", [DOCKER, "--log-level=error", "container", "ls"]),
        ("docker -- ps", [DOCKER, "container", "ls"]),
        ("docker --version", [DOCKER, "--version"]),
        ("docker -v", [DOCKER, "--version"]),
        ("docker inspect --type image a b", [DOCKER, "inspect", "--type=image", "--", "a", "b"]),
        ("docker stats --no-stream x", [DOCKER, "container", "stats", "--no-stream", "--", "x"]),
        ("iptables -nvL INPUT", ["/usr/bin/iptables", "--numeric", "--verbose", "--list=INPUT"]),
        ("iptables -L", ["/usr/bin/iptables", "--list", "--numeric"]),  # adds: numeric if list
        ("iptables -S", ["/usr/bin/iptables", "--list-rules"]),
        ("iptables -v -S OUTPUT", ["/usr/bin/iptables", "--verbose", "--list-rules=OUTPUT"]),
        ("sshd -T", ["/usr/bin/sshd", "-T"]),
        ("ss -tlp", ["/usr/bin/ss", "--tcp", "--listening", "--processes", "--numeric"]),
        ("ss -tulnp", ["/usr/bin/ss", "--tcp", "--udp", "--listening", "--numeric", "--processes"]),
        ("fail2ban-client status", ["/usr/bin/fail2ban-client", "status"]),
        ("fail2ban-client status sshd", ["/usr/bin/fail2ban-client", "status", "sshd"]),
        ("fail2ban-client get sshd banned", ["/usr/bin/fail2ban-client", "get", "sshd", "banned"]),
        ("cat /proc/net/udp6", ["/usr/bin/cat", "/proc/net/udp6"]),
        (
            "journalctl -u ssh -n 50 -o json -r --since '1 hour ago'",
            ["/usr/bin/journalctl", "--unit=ssh", "--lines=50", "--output=json", "--reverse", "--since=1 hour ago",
             "--no-pager"],
        ),
        ("journalctl -tkernel -n5", ["/usr/bin/journalctl", "--identifier=kernel", "--lines=5", "--no-pager"]),
    ],
)  # fmt: skip
def test_what_was_understood_is_written_out_in_one_way(line: str, argv: list[str]) -> None:
    assert argvs(line) == [argv]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("docker exec web id", ("denied", "docker.exec")),
        ("docker container exec web id", ("denied", "docker.exec")),
        ("docker compose -p x up", ("denied", "docker.compose.value")),
        ("docker system dial-stdio", ("denied", "docker.system.dial-stdio")),
        ("docker ps --host x", ("unsupported", "docker.ps.no-option")),
        ("docker -H x ps", ("denied", "docker.option")),
        ("docker -Hx ps", ("denied", "docker.option")),
        ("docker --context=default ps", ("denied", "docker.option")),
        ("docker -D ps", ("denied", "docker.option")),
        ("docker --version exec x id", ("denied", "docker.option")),
        ("docker -v ps", ("denied", "docker.option")),
        ("docker --version --version", ("denied", "docker.option")),
        ("docker --log-level loud ps", ("unsupported", "docker.argument")),
        ("docker --log-level error --log-level info ps", ("unsupported", "docker.repeated")),
        ("docker --log-level", ("unsupported", "docker.option-missing")),
        ("docker --log-level error", ("unsupported", "docker.missing")),
        ("docker", ("unsupported", "docker.missing")),
        ("docker zz", ("unknown", "docker.unknown")),
        ("docker PS", ("unknown", "docker.unknown")),
        ("docker '' ps", ("unknown", "docker.unknown")),
        ("docker help", ("unsupported", "docker.help")),
        ("docker --help", ("unsupported", "docker.help")),
        ("docker ps --help", ("unsupported", "docker.ps.help")),
        ("docker ps --al", ("unsupported", "docker.ps.no-option")),
        ("docker ps extra", ("unsupported", "docker.ps.too-many")),
        ("docker ps -- -a", ("unsupported", "docker.ps.too-many")),
        ("docker ps --last 0", ("denied", "docker.ps.value")),
        ("docker ps --last 1001", ("denied", "docker.ps.value")),
        ("docker ps --last x", ("unsupported", "docker.ps.argument")),
        ("docker ps --last", ("unsupported", "docker.ps.option-missing")),
        ("docker ps -n 1 -n 2", ("unsupported", "docker.ps.repeated")),
        ("docker ps ---all", ("unsupported", "docker.ps.syntax")),
        ("docker logs", ("unsupported", "docker.logs.missing")),
        ("docker logs a b", ("unsupported", "docker.logs.too-many")),
        ("docker logs -- -f", ("unsupported", "docker.logs.operand")),
        ("docker logs -f x", ("denied", "docker.logs.option-terminal")),
        ("docker logs x --tail 20001", ("denied", "docker.logs.value")),
        ("docker inspect --type network x", ("denied", "docker.inspect.value")),
        ("docker stats", ("denied", "docker.stats.needs")),
        ("docker images --tree", ("denied", "docker.images.option")),
        ("iptables", ("denied", "iptables.needs")),
        ("iptables -n", ("denied", "iptables.needs")),
        ("iptables -LZ", ("unsupported", "iptables.argument")),
        ("iptables -L -Z", ("denied", "iptables.option")),
        ("iptables -t nat -L", ("denied", "iptables.option")),
        ("iptables -L INPUT 1", ("unsupported", "iptables.too-many")),
        ("sshd", ("denied", "sshd.needs")),
        ("sshd -T -f x", ("denied", "sshd.option")),
        ("journalctl -u ssh", ("denied", "journalctl.needs")),
        ("journalctl -n 5", ("denied", "journalctl.needs")),
        ("journalctl -u nginx -n 5", ("denied", "journalctl.value")),
        ("journalctl -u ssh -u nginx -n 5", ("denied", "journalctl.value")),
        ("journalctl -u ssh -n all", ("denied", "journalctl.value")),
        ("journalctl -u ssh -n 0010", ("unsupported", "journalctl.argument")),
        ("journalctl -u ssh -n 5 _UID=0", ("unsupported", "journalctl.too-many")),
        ("ss -tlnp -D x", ("denied", "ss.option")),
        ("ss -K", ("denied", "ss.option")),
        ("fail2ban-client", ("unsupported", "fail2ban-client.missing")),
        ("fail2ban-client status -s", ("denied", "fail2ban-client.form")),
        ("fail2ban-client get sshd banned x", ("denied", "fail2ban-client.form")),
        ("cat", ("unsupported", "cat.missing")),
        ("cat /proc/net/tcp /proc/net/udp", ("denied", "cat.form")),
        ("cat /proc/net/tcp66", ("denied", "cat.form")),
        ("cat -- /proc/net/tcp", ("denied", "cat.form")),
        ("nosuch", ("unknown", "unknown.command")),
        ("DOCKER ps", ("unknown", "unknown.command")),
        ("./docker ps", ("unknown", "unknown.path")),
        ("/tmp/docker ps", ("unknown", "unknown.path")),
        ("usr/bin/docker ps", ("unknown", "unknown.path")),
        ("/usr/bin/ ps", ("unknown", "unknown.path")),
        ("'' ps", ("unknown", "unknown.command")),
        ("eval docker ps", ("unsupported", "line.builtin")),
        ("docker ps $?", ("unsupported", "line.status")),
        ("$HOME/x", ("unknown", "unknown.path")),
        ("docker ps <<'E'\nx\nE", ("unsupported", "line.text")),
        ("echo <<'E'\nx\nE", ("unsupported", "line.text")),
        ("docker ps | grep x <<'E'\nx\nE", ("unsupported", "line.text")),
        ("pwd x", ("unsupported", "pwd.usage")),
        ("sleep 3601", ("unsupported", "sleep.usage")),
        ("cd a b", ("unsupported", "cd.usage")),
        ("cd -", ("unsupported", "cd.usage")),
        ("cd $?", ("unsupported", "line.status")),
    ],
)
def test_what_is_not_listed_is_refused(line: str, expected: tuple[str, str]) -> None:
    assert code(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "docker ps && docker exec x id",
        "docker ps || docker exec x id",
        "docker ps; docker exec x id",
        "docker ps\ndocker exec x id",
        "docker exec x id | head",
        "echo hi && docker exec x id",
        "bash -c 'docker exec x id'",
        "bash -c 'docker ps; docker exec x id'",
        "docker ps && bash -c 'sh -c \"docker exec x id\"'",
        "sudo docker exec x id",
        "timeout 5 docker exec x id",
        "/usr/bin/docker exec x id",
        "docker -- exec x id",
        "docker --log-level=error exec x id",
    ],
)
def test_one_refused_command_refuses_the_whole_line(line: str) -> None:
    assert code(line) == ("denied", "docker.exec")


def test_a_refusal_is_a_plain_value() -> None:
    assert judge("docker ps; docker logs x --tail 30000") == Refusal(
        "denied", "docker.logs.value", "docker logs: option --tail: '30000' is not allowed",
        "docker ps; docker logs x --tail 30000", (25, 37), "allowed: all or a number from 0 to 20000", "",
        "docker-observe/docker logs", rule_source("docker logs:"),
    )  # fmt: skip


def rule_source(key: str) -> str:
    """Where the shipped policy says something of a command."""
    lines = SHIPPED.decode().splitlines()
    return f"policy.yaml:{1 + next(n for n, line in enumerate(lines) if line.strip().startswith(key))}"


def test_a_permit_is_a_plain_value() -> None:
    assert judge("timeout 5 sudo docker ps -a 2>&1 | wc -l >/dev/null") == Permit(
        "timeout 5 sudo docker ps -a 2>&1 | wc -l >/dev/null",
        (
            (
                "",
                (
                    Exec(
                        (DOCKER, "container", "ls", "--all"), "docker ps", "docker-observe/docker ps",
                        rule_source("docker ps:"), "rshell-docker", trees()["docker"].program.environment, 5,
                        (Redirect(2, 1),), None, (0, 27), False, ("docker", "ps", "-a"), (), (DOCKER,), "docker ps",
                        parse(trees()["docker"].commands["docker ps"], [Word("-a", (25, 27))]),
                    ),
                    Exec(
                        ("/usr/bin/wc", "--lines"), "wc", "filters/wc", rule_source("wc:"), "",
                        trees()["wc"].program.environment, 900, (Redirect(1, -1),), None, (35, 40), True,
                        ("wc", "-l"), (), ("/usr/bin/wc",), "wc",
                        parse(trees()["wc"].commands["wc"], [Word("-l", (38, 40))]),
                    ),
                ),
            ),
        ),
    )  # fmt: skip


# -- prefixes and wrappers ---------------------------------------------------------------

PS = [[DOCKER, "container", "ls", "--all"]]


@pytest.mark.parametrize(
    "prefix",
    [
        *sorted(SUDO), "sudo -n", "sudo -S", "sudo -S -p ''", "sudo -p x -n", "sudo --", "sudo sudo", "sudo -n sudo -n",
        "timeout 5", "timeout 1.5m", "sudo timeout 5", "timeout 5 sudo -n", "timeout 5 timeout 6",
    ],
)  # fmt: skip
def test_a_prefix_changes_nothing_of_what_runs(prefix: str) -> None:
    assert argvs(f"{prefix} docker ps -a") == PS
    assert argvs(f"docker ps -a | {prefix} wc -l") == [*PS, ["/usr/bin/wc", "--lines"]]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sudo", ("unsupported", "prefix.empty")),
        ("sudo -n", ("unsupported", "prefix.empty")),
        ("sudo -u root docker ps", ("denied", "sudo.option")),
        ("sudo -uroot docker ps", ("denied", "sudo.option")),
        ("sudo -i", ("denied", "sudo.option")),
        ("sudo -s", ("denied", "sudo.option")),
        ("sudo -E docker ps", ("denied", "sudo.option")),
        ("sudo -nS -p", ("denied", "sudo.option")),
        ("sudo -h x docker ps", ("denied", "sudo.option")),
        ("sudo A=b docker ps", ("unknown", "unknown.command")),
        ("timeout", ("unsupported", "timeout.missing")),
        ("timeout 5", ("unsupported", "prefix.empty")),
        ("timeout docker ps", ("unsupported", "timeout.usage")),
        ("timeout -k 5 5 docker ps", ("unsupported", "timeout.usage")),
        ("timeout -s KILL 5 docker ps", ("unsupported", "timeout.usage")),
        ("timeout $? docker ps", ("unsupported", "timeout.usage")),
        ("timeout 5 bash -c 'docker ps'", ("denied", "shell.usage")),
        ("bash", ("denied", "shell.usage")),
        ("bash script", ("denied", "shell.usage")),
        ("bash -c", ("denied", "shell.usage")),
        ("bash -c 'docker ps' x", ("denied", "shell.usage")),
        ("bash -i -c 'docker ps'", ("denied", "shell.usage")),
        ("bash -x -c 'docker ps'", ("denied", "shell.usage")),
        ("bash -c $?", ("unsupported", "line.status")),
        ("bash -c 'docker ps' <<'E'\nx\nE", ("denied", "shell.usage")),
        ("docker ps | bash", ("unsupported", "line.right-of-pipe")),
        ("docker ps | sh -c 'grep x'", ("unsupported", "line.right-of-pipe")),
        ("docker ps | echo x", ("unsupported", "line.right-of-pipe")),
        ("docker ps | docker ps", ("unsupported", "line.right-of-pipe")),
        ("docker ps | cat /proc/net/tcp", ("unsupported", "line.right-of-pipe")),
        ("grep x", ("unsupported", "line.filter")),
        ("sudo grep x", ("unsupported", "line.filter")),
        ("docker ps; grep x", ("unsupported", "line.filter")),
        ("bash -c 'docker ps; docker images' | head", ("unsupported", "line.shell-in-pipe")),
        ("bash -c 'docker ps && docker images' | head", ("unsupported", "line.shell-in-pipe")),
        ("bash -c 'docker ps' 2>&1 | head", ("unsupported", "line.shell-in-pipe")),
        ("bash -c '' | head", ("unsupported", "line.shell-in-pipe")),
        ("bash -c \"sh -c 'bash -c true'\"", ("unsupported", "shell.depth")),
        ("/tmp/bash -c 'docker ps'", ("unknown", "unknown.path")),
        ("zsh -c 'docker ps'", ("unknown", "unknown.command")),
    ],
)
def test_a_prefix_or_a_wrapper_that_could_do_more_is_refused(line: str, expected: tuple[str, str]) -> None:
    assert code(line) == expected


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("docker ps", 900), ("timeout 5 docker ps", 5), ("timeout 2m docker ps", 120), ("timeout 1h docker ps", 900),
        ("timeout 0 docker ps", 900), ("timeout 9 timeout 7 docker ps", 7), ("timeout 7 timeout 9 docker ps", 7),
        ("timeout 7 timeout 0 docker ps", 7), ("timeout 0 timeout 7 docker ps", 7), ("sudo timeout 7 docker ps", 7),
    ],
)  # fmt: skip
def test_timeout_only_shortens(line: str, seconds: int) -> None:
    assert [one.timeout for one in execs(judge(line))] == [seconds]


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize("flags", ["-c", "-lc", "-cl", "-l -c", "--login -c"])
def test_a_shell_around_a_line_is_taken_off(shell: str, flags: str) -> None:
    inner = judge("docker ps -a && echo $?")
    assert isinstance(inner, Permit)
    line = f"{shell} {flags} 'docker ps -a && echo $?'"
    assert judge(line) == Permit(line, (("", (Group(inner, (), (0, len(line))),)),))


def test_a_shell_in_a_shell_is_taken_off_too() -> None:
    assert argvs("bash -lc \"sh -c 'docker ps -a'\"") == PS
    assert argvs("sudo bash -c 'sudo docker ps -a'") == PS


def test_the_pipeline_in_a_shell_takes_its_place_in_a_pipe() -> None:
    inner = judge("bash -c 'docker ps -a | grep x' | head -5")
    flat = judge("docker ps -a | grep x | head -5")
    assert isinstance(inner, Permit)
    assert isinstance(flat, Permit)
    assert [one.argv for one in execs(inner)] == [one.argv for one in execs(flat)]
    assert [[type(stage) for stage in pipeline] for _, pipeline in inner.items] == [[Exec, Exec, Exec]]


def test_pipefail_is_kept_for_its_own_line() -> None:
    outer, inner = judge("set -o pipefail; docker ps | grep x"), judge("bash -c 'set -o pipefail; docker ps | grep x'")
    assert isinstance(outer, Permit)
    assert isinstance(inner, Permit)
    group = inner.items[0][1][0]
    assert isinstance(group, Group)
    assert (outer.pipefail, inner.pipefail, group.body.pipefail) == (True, False, True)


HERMES = (
    'export AI_AGENT="${AI_AGENT:-hermes-agent}" HERMES_AGENT="${HERMES_AGENT:-true}"\n'
    'export GIT_PAGER="${GIT_PAGER:-cat}" PAGER="${PAGER:-cat}"\n'
    "builtin cd -- %s || exit 126\neval %s\n__hermes_ec=$?\numask 077\n"
    "printf '\\n__HERMES_CWD_0f3a9c1b2d4e__%%s__HERMES_CWD_0f3a9c1b2d4e__\\n' \"$(pwd -P)\"\nexit $__hermes_ec"
)


def hermes(directory: str, payload: str) -> str:
    return "bash -c " + say.quote(HERMES % (directory, say.quote(payload)))


@pytest.mark.parametrize(
    ("directory", "there"), [("~", "/home/ai-worker"), ("~/x", "/home/ai-worker/x"), ("/tmp", "/tmp")]
)
def test_the_wrapper_of_hermes_is_a_group_with_its_contract(directory: str, there: str) -> None:
    permit = judge(hermes(directory, "docker ps -a"))
    assert argvs(hermes(directory, "docker ps -a")) == PS
    assert isinstance(permit, Permit)
    group = permit.items[0][1][0]
    assert isinstance(group, Group)
    assert (group.wrapper, group.directory, group.marker) == ("hermes", there, "0f3a9c1b2d4e")


@pytest.mark.parametrize("directory", ["''", '""', "'~nobody'", "'~'", "\\~"])
def test_a_strange_directory_in_the_wrapper_of_hermes_is_decided_on(directory: str) -> None:
    """It is refused, or taken as the literal directory that it is in a shell; never the home directory."""
    decided = judge(hermes(directory, "docker ps"))
    if isinstance(decided, Permit):
        group = decided.items[0][1][0]
        assert isinstance(group, Group)
        assert not group.directory.startswith("/home/ai-worker")


# -- words that are filled in ------------------------------------------------------------


def test_home_and_user_are_the_accounts_own() -> None:
    permit = judge("echo $HOME x${USER}y \"$HOME\" '$HOME' $?")
    assert isinstance(permit, Permit)
    stage = permit.items[0][1][0]
    assert isinstance(stage, Builtin)
    assert [(word.text, word.holes) for word in stage.words] == [
        ("/home/ai-worker", ()), ("xai-workery", ()), ("/home/ai-worker", ()), ("$HOME", ()), ("", ((0, "?"),)),
    ]  # fmt: skip
    assert argvs("docker logs $USER") == [[DOCKER, "container", "logs", "--", "ai-worker"]]


def test_a_status_after_a_name_keeps_its_place() -> None:
    permit = judge("echo $USER-$?-$HOME-$?")
    assert isinstance(permit, Permit)
    stage = permit.items[0][1][0]
    assert isinstance(stage, Builtin)
    assert stage.words[0].text == "ai-worker--/home/ai-worker-"
    assert stage.words[0].holes == ((10, "?"), (27, "?"))


@pytest.mark.parametrize("home", ["/home/a b", "/home/*", "/home/$x", "/home/é", "/home/a\nb", "/h;id"])
def test_a_home_that_a_shell_would_split_or_expand_is_not_filled_in(home: str) -> None:
    decided = decide.judge(policy(), "echo $HOME", somewhere(home=home))
    assert isinstance(decided, Refusal)
    assert decided.code == "line.parameter"


def test_a_program_by_its_path_is_that_program() -> None:
    assert argvs("/usr/bin/docker ps -a | /usr/bin/grep x") == [*PS, ["/usr/bin/grep", "--", "x"]]


def test_a_program_that_is_not_there_is_unknown() -> None:
    nowhere = somewhere(paths={"docker": "", "/usr/bin/docker": ""})
    plain = decide.judge(policy(), "docker ps", nowhere)
    by_path = decide.judge(policy(), "/usr/bin/docker ps", nowhere)
    assert isinstance(plain, Refusal)
    assert isinstance(by_path, Refusal)
    assert [(one.kind, one.code) for one in (plain, by_path)] == [
        ("unknown", "unknown.absent"),
        ("unknown", "unknown.path"),
    ]


def test_a_word_with_a_blank_is_one_word() -> None:
    """docker would look for a command of that name."""
    assert code("docker 'container ls'") == ("unknown", "docker.unknown")


# -- what a rule can say -----------------------------------------------------------------


def test_a_needed_option_must_be_there() -> None:
    assert code("docker stats") == ("denied", "docker.stats.needs")
    assert argvs("docker stats --no-stream") == [[DOCKER, "container", "stats", "--no-stream"]]


@pytest.mark.parametrize("value", ["0", "f", "F", "FALSE", "false", "False"])
def test_a_needed_option_that_is_switched_off_is_not_there(value: str) -> None:
    assert code(f"docker stats --no-stream={value}") == ("denied", "docker.stats.needs")


def test_one_of_several_needed_options_that_is_switched_off_is_not_there() -> None:
    rules = made("docker ps: {options: [all, latest], needs_one_of: [all, latest]}")
    assert code("docker ps --all=false", rules=rules) == ("denied", "docker.ps.needs")
    assert code("docker ps --all=false --latest", rules=rules) == ("permit", "")


def test_an_added_option_can_not_be_switched_off() -> None:
    rules = made("docker ps: {options: [all, no-trunc], adds: [no-trunc]}")
    assert argvs("docker ps", rules=rules) == [[DOCKER, "container", "ls", "--no-trunc"]]
    assert argvs("docker ps --no-trunc", rules=rules) == [[DOCKER, "container", "ls", "--no-trunc"]]
    decided = judge("docker ps --no-trunc=false", rules=rules)
    if isinstance(decided, Permit):
        assert execs(decided)[0].argv[-1] == "--no-trunc"


def test_an_option_is_added_only_with_its_condition() -> None:
    rules = made("docker ps: {options: [all, quiet], adds: [no-trunc if all]}")
    assert argvs("docker ps -q", rules=rules) == [[DOCKER, "container", "ls", "--quiet"]]
    assert argvs("docker ps -qa", rules=rules) == [[DOCKER, "container", "ls", "--quiet", "--all", "--no-trunc"]]


def test_a_person_at_a_terminal_may_more() -> None:
    assert argvs("docker stats", terminal=True) == [[DOCKER, "container", "stats"]]
    assert argvs("docker logs -f x", terminal=True) == [[DOCKER, "container", "logs", "--follow", "--", "x"]]
    assert code("docker logs --follow=false x") == ("denied", "docker.logs.option-terminal")


def test_needs_may_be_other_ones_at_a_terminal() -> None:
    rules = made(
        "docker ps: {options: [all, quiet, last], needs: [all],"
        " on_terminal: {options: [latest, last: 1..3], needs: [latest]}}"
    )
    assert [code(line, rules=rules)[1] for line in ("docker ps -a", "docker ps -l", "docker ps")] == [
        "", "docker.ps.option-terminal", "docker.ps.needs",
    ]  # fmt: skip
    assert [code(line, True, rules)[1] for line in ("docker ps -a", "docker ps -l", "docker ps -ln4")] == [
        "docker.ps.needs", "", "docker.ps.value",
    ]  # fmt: skip


def test_values_and_operands_are_narrowed() -> None:
    rules = made("docker logs: {options: [tail: 0..9|all], operands: bench-1|bench-2}")
    assert argvs("docker logs --tail 9 bench-1", rules=rules) == [
        [DOCKER, "container", "logs", "--tail=9", "--", "bench-1"]
    ]
    assert argvs("docker logs --tail all bench-2", rules=rules) != []
    assert code("docker logs --tail 10 bench-1", rules=rules) == ("denied", "docker.logs.value")
    assert code("docker logs --tail x bench-1", rules=rules) == ("unsupported", "docker.logs.argument")
    assert code("docker logs bench-3", rules=rules) == ("denied", "docker.logs.operand")
    assert code("docker logs", rules=rules) == ("unsupported", "docker.logs.missing")


def test_operands_may_be_narrowed_to_none() -> None:
    rules = made("docker stats: {options: [no-stream], operands: none}")
    assert argvs("docker stats --no-stream", rules=rules) == [[DOCKER, "container", "stats", "--no-stream"]]
    assert code("docker stats --no-stream x", rules=rules)[1] == "docker.stats.too-many"


def test_a_narrowing_never_widens() -> None:
    rules = made("docker logs: {options: [tail: 0..9|latest], operands: -f|x}")
    assert code("docker logs --tail latest x", rules=rules) == ("unsupported", "docker.logs.argument")
    assert code("docker logs -- -f", rules=rules) == ("unsupported", "docker.logs.operand")


def test_never_beats_a_grant_by_every_name() -> None:
    rules = made("docker ps: [all]\ndocker images: []", "never: [docker container ls]\n")
    assert {code(line, rules=rules) for line in ("docker ps", "docker container list", "docker ps -a")} == {
        ("denied", "docker.ps.never")
    }
    assert argvs("docker images", rules=rules) == [[DOCKER, "image", "ls"]]


def test_never_switches_off_a_program_without_commands() -> None:
    rules = made("cat: {forms: [/proc/net/tcp]}\nss: [tcp]", "never: [cat, ss]\n")
    assert [code(line, rules=rules) for line in ("cat /proc/net/tcp", "ss -t")] == [
        ("denied", "cat.never"), ("denied", "ss.never"),
    ]  # fmt: skip


TWO = """version: 1
identities: {one: first, two: second}
roles: {r: {grants: [a, b]}}
grants:
  a:
    run_as: one
    commands: {docker ps: [all], docker logs: {options: [tail], operands: x|z}}
  b:
    run_as: two
    commands: {docker ps: [quiet], docker logs: {options: [since], operands: y|z}}
"""


def test_two_grants_for_one_command_stay_two() -> None:
    """What one rule allows holds with its own account and operands; they are not mixed."""
    rules = written(TWO)

    def who(line: str) -> list[tuple[str, str]]:
        return [(one.rule, one.run_as) for one in execs(judge(line, rules=rules))]

    assert who("docker ps -a") == [("a/docker ps", "first")]
    assert who("docker ps -q") == [("b/docker ps", "second")]
    assert who("docker logs --since 5m y") == [("b/docker logs", "second")]
    assert code("docker ps -aq", rules=rules) == ("denied", "docker.ps.option")
    assert code("docker logs --since 5m x", rules=rules)[0] == "denied"
    assert code("docker logs --tail 5 y", rules=rules)[0] == "denied"


def test_one_command_may_be_granted_left_and_right_of_a_pipe() -> None:
    rules = written(
        "version: 1\nroles: {r: {grants: [a, b]}}\ngrants:\n"
        "  a: {commands: {docker ps: [], tac: [before]}}\n  b: {right_of_pipe: true, commands: {tac: [regex]}}\n"
    )
    assert argvs("tac -b | tac -r", rules=rules) == [["/usr/bin/tac", "--before"], ["/usr/bin/tac", "--regex"]]
    assert [code(line, rules=rules)[0] for line in ("tac -r", "docker ps | tac -b")] != ["permit", "permit"]
    assert "permit" not in [code(line, rules=rules)[0] for line in ("tac -r", "docker ps | tac -b")]


def test_forms_are_exact() -> None:
    rules = made('x: {forms: [a, "b {jail}", "c-{1..3}.d {p|q}"]}')
    assert [argvs(line, rules=rules) for line in ("x a", "x b sshd", "x c-2.d q")] == [
        [["/usr/bin/x", "a"]], [["/usr/bin/x", "b", "sshd"]], [["/usr/bin/x", "c-2.d", "q"]],
    ]  # fmt: skip
    for line in (
        "x",
        "x A",
        "x a a",
        "x b",
        "x b -s",
        "x b ''",
        "x c-4.d q",
        "x c-2.d r",
        "x c-.d q",
        "x c-2d q",
        "x c-02.d p",
    ):
        assert code(line, rules=rules) in (("denied", "x.form"), ("unsupported", "x.missing"))


def test_a_hole_in_a_form_is_not_filled_by_what_stands_around_it() -> None:
    rules = made('x: {forms: ["ab{charset}ba"]}')
    assert argvs("x abcba", rules=rules) == [["/usr/bin/x", "abcba"]]
    for line in ("x aba", "x abba", "x ab"):
        assert code(line, rules=rules) == ("denied", "x.form")


def test_a_form_of_a_docker_command_runs_that_command() -> None:
    """If such a policy loads at all: the words after the verb are matched, and the verb is written too."""
    try:
        rules = made('docker logs: {forms: ["{container}"]}')
    except BadPolicy:
        return
    assert argvs("docker logs x", rules=rules)[0][:3] == [DOCKER, "container", "logs"]


@pytest.mark.parametrize(
    "template",
    [
        "{{range 9999}}x{{end}}",
        "{{range (and 1 9999)}}x{{end}}",
        "{{range and 1 9999}}x{{end}}",
        "{{range or 9999}}x{{end}}",
        "{{range or 0 9999}}x{{end}}",
        "{{range $i := or 9999}}x{{end}}",
        "{{with or 9999}}{{range .}}x{{end}}{{end}}",
        "{{range (index .X 1 | and 9999)}}x{{end}}",
        "{{range len .}}x{{end}}",
        "{{range (or 9999)}}{{range (or 9999)}}{{range (or 9999)}}x{{end}}{{end}}{{end}}",
    ],
)
def test_a_template_never_loops_over_a_number(template: str) -> None:
    """Go 1.22 and later: `range 9999` turns 9999 times, and loops in loops never end."""
    assert code(f"docker ps --format {say.quote(template)}") == ("unsupported", "docker.ps.argument")


def test_a_template_has_no_tower_of_loops() -> None:
    """Ten variables and ten loops in each other are ten thousand million turns."""
    tower = "{{range $.Config.Env}}" * 10 + "x" + "{{end}}" * 10
    assert code(f"docker container inspect --format {say.quote(tower)} x") == (
        "unsupported", "docker.container.inspect.argument",
    )  # fmt: skip


# -- advice ------------------------------------------------------------------------------


def refused(line: str, rules: Policy) -> Refusal:
    decided = judge(line, rules=rules)
    assert isinstance(decided, Refusal)
    return decided


def test_the_most_specific_advice_is_given() -> None:
    rules = made(
        "docker logs: []",
        "advice:\n"
        "  docker exec: {why: some}\n"
        "  docker exec {container}: {why: more, instead: 'docker logs {container}'}\n"
        "  docker exec {container} env: {why: most}\n"
        "  alpha|beta: {why: letters}\n",
    )
    said = {
        "docker exec": ("some", ()),
        "docker exec web": ("more", ("docker logs web",)),
        "docker exec 'a b' c": ("more", ("docker logs 'a b'",)),
        "docker exec web env": ("most", ()),
        "beta x": ("letters", ()),
    }
    assert {line: (refused(line, rules).why, refused(line, rules).tries) for line in said} == said


def test_braces_in_the_instead_of_an_advice_stay_as_they_are() -> None:
    rules = made(
        "docker ps: [format]", "advice: {docker top: {why: x, instead: \"docker ps --format '{{.Names}}'\"}}\n"
    )
    assert refused("docker top x", rules).tries == ("docker ps --format '{{.Names}}'",)


@pytest.mark.parametrize("instead", ["docker ps --filter a={", "docker ps --filter a={0}", "docker ps --filter a={}"])
def test_a_lone_brace_in_an_advice_breaks_nothing(instead: str) -> None:
    try:
        rules = made("docker ps: [filter]", f"advice: {{docker top: {{why: x, instead: '{instead}'}}}}\n")
    except BadPolicy:
        return
    assert refused("docker top x", rules).why == "x"


# -- properties --------------------------------------------------------------------------


def corpus_lines() -> list[str]:
    lines = [entry.get("line") or " ".join(map(say.quote, entry["argv"])) for entry in corpus("docker-deny.jsonl")]
    lines += [entry["line"] for name in ("docker-allow.jsonl", "agent-lines.jsonl") for entry in corpus(name)]
    lines += [entry["input"] for entry in corpus("restricted-shell.jsonl")]
    return [line for line in lines if len(line) < 2000]


LINES = corpus_lines()
ALLOWED = [line for line in LINES if isinstance(judge(line), Permit)] + [
    "iptables -nvL INPUT", "iptables -S", "sshd -T", "ss -tulnp", "cat /proc/net/tcp",
    "fail2ban-client get sshd banned",
    "journalctl -u ssh -n 50 -o json -r --since '1 hour ago'", "journalctl -t kernel -n5",
    "docker inspect x", "docker inspect --type image x y", "docker system df -v", "docker volume ls -q",
    "docker --log-level error ps -n 3", "sudo -n docker logs --since 5m --tail 5 x | sort -k 2,2n | uniq -c",
    "docker ps | cut -d: -f1,2 | tr a-z A-Z | grep -c -e x | nl | tac | tail +3",
]  # fmt: skip
PIECES = st.sampled_from(
    ["'", '"', "\\", ";", "&&", "||", "|", "\n", " ", "#", "$?", "$HOME", "--", "-", "=", "-a", "--all", "--privileged",
     "2>&1", ">/dev/null", "<<'E'\nx\nE\n", "bash -c ", "sudo ", "timeout 5 ", "exit ", "²", "9" * 40, "{", "}",
     "(", "\0",
     "\udc80", "\u202e", "docker ", "exec ", "/", "..", "x"]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    line = draw(st.sampled_from(LINES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(line)))
        end = min(len(line), start + draw(st.integers(0, 4)))
        line = line[:start] + draw(st.one_of(PIECES, st.text(max_size=2))) + line[end:]
    return line


TEXTS = st.one_of(mutated(), st.lists(PIECES, max_size=8).map("".join), st.text())


def granted(one: Exec) -> set[str]:
    """The options that the rule of a process grants or adds, as they are written."""
    command = policy().commands[one.command]
    rule = next(rule for rule in command.rules if rule.name == one.rule)
    assert command.grammar is not None
    names = {*rule.options, *(name for name, _ in rule.adds)}
    return {command.grammar.options[name].emit or "--" + name for name in names}


def check(one: Exec) -> None:
    """Hold one permitted process against what must be true of all."""
    assert one.argv[0].startswith("/")
    assert not any("\0" in word or "\n" in word for word in one.argv if "{{" not in word)
    command = policy().commands[one.command]
    if one.invocation is None:
        assert any(rule.forms for rule in command.rules)
        return
    assert command.grammar is not None
    assert one.argv[: len(one.before)] == one.before
    rest = one.argv[len(one.before) :]
    assert rest[: len(command.grammar.emit)] == command.grammar.emit
    options = rest[len(command.grammar.emit) :]
    options = options[: options.index("--")] if "--" in options else options
    assert {word.partition("=")[0] for word in options} <= granted(one)


@settings(max_examples=1500, deadline=None)
@given(TEXTS)
def test_any_text_is_decided_on_and_only_the_granted_runs(text: str) -> None:
    decided = judge(text)
    assert judge(text) == decided
    if isinstance(decided, Permit):
        assert decided.line == text
        for one in execs(decided):
            check(one)
    else:
        assert decided.kind in ("denied", "unknown", "unsupported")
        assert decided.at is None or 0 <= decided.at[0] <= decided.at[1] <= len(decided.line)
        assert len(say.render(decided).splitlines()) <= 6


@pytest.mark.parametrize(
    "line",
    ["exit ²", "exit " + "1" * 5000, "exit ''", "sleep ²", "timeout ² docker ps", "timeout 1.² docker ps", "exit ٣"],
)
def test_a_number_that_is_none_is_refused(line: str) -> None:
    assert code(line)[0] == "unsupported"


@pytest.mark.parametrize("line", ALLOWED)
def test_the_gate_decides_as_the_front_did(line: str) -> None:
    agree(line)


def agree(line: str, terminal: bool = False) -> None:
    """The second decision, from the words alone, comes to the same."""
    decided = judge(line, terminal)
    if isinstance(decided, Refusal):
        return
    for one in execs(decided):
        if one.rule.startswith("filters/"):
            continue
        again = decide_words(policy(), one.words, one.text, somewhere(terminal=terminal))
        assert isinstance(again, Exec)
        assert (again.argv, again.rule, again.run_as, again.needs) == (one.argv, one.rule, one.run_as, one.needs)
        assert one.timeout <= again.timeout


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.booleans())
def test_the_gate_decides_as_the_front_did_on_any_text(text: str, terminal: bool) -> None:
    agree(text, terminal)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(PIECES, st.text(max_size=4)), min_size=1, max_size=6), st.booleans())
def test_the_gate_decides_on_any_words(words: list[str], terminal: bool) -> None:
    decided = decide_words(policy(), words, None, somewhere(terminal=terminal))
    if isinstance(decided, Exec):
        check(decided)


@pytest.mark.parametrize("text", ["\0", "\x1b[2J", "\u202e", "\u200b", "\udc80", "\r"])
def test_the_gate_refuses_the_characters_that_the_line_refuses(text: str) -> None:
    """SECURITY: the gate believes nothing, so it can't rely on the front having read the line."""
    words = ["docker", "ps", "--filter", f"name={text}"]
    assert isinstance(judge(" ".join(map(say.quote, words))), Refusal)
    assert isinstance(decide_words(policy(), words, None, somewhere()), Refusal)


def test_the_gate_runs_no_filter_and_no_builtin() -> None:
    for words in (
        ["grep", "x"],
        ["echo", "x"],
        ["sudo", "docker", "ps"],
        ["bash", "-c", "docker ps"],
        ["timeout", "5", "ss"],
    ):
        assert isinstance(decide_words(policy(), words, None, somewhere()), Refusal)


UNKNOWN = st.sampled_from(["--zzz", "--zzz=1", "-Y", "-Yx", "--privileged", "--host=x", "--volumes-from=x", "---x"])


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(ALLOWED), UNKNOWN, st.data())
def test_an_unknown_option_is_never_taken_for_one(line: str, option: str, data: st.DataObject) -> None:
    """Put anywhere, it is refused, or it is the value of an option or behind the `--`."""
    for one in execs(judge(line)):
        at = data.draw(st.integers(1, len(one.words)))
        words = [*one.words[:at], option, *one.words[at:]]
        decided = decide_words(policy(), words, None, somewhere())
        if isinstance(decided, Exec):
            front = decided.argv[: decided.argv.index("--")] if "--" in decided.argv else decided.argv
            assert option not in front


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ALLOWED), UNKNOWN)
def test_an_unknown_option_behind_the_name_of_the_program_is_refused(line: str, option: str) -> None:
    for one in execs(judge(line)):
        words = [one.words[0], option, *one.words[1:]]
        assert isinstance(decide_words(policy(), words, None, somewhere()), Refusal)


@settings(max_examples=300, deadline=None)
@given(st.text(string.ascii_lowercase + "-", min_size=1, max_size=12))
def test_a_word_that_names_nothing_is_refused(name: str) -> None:
    known = {*policy().programs, *builtins.TABLE, *builtins.PREFIXES}
    if name not in known:
        assert code(name)[0] in ("unknown", "unsupported", "denied")
