"""Through a real ssh to a real sshd: what the agent may run, what it gets, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .account import Account
from .boundary import GATE
from .engine import Engine
from .fail2ban import Fail2ban
from .ground import first_line, outcome, program, run
from .install import Installed
from .logs import DevLog, Journal
from .sshd import HOST, Client, Keys, Sshd

pytestmark = pytest.mark.real

ABSENT = "rshell: unknown: nothere: no such command here [unknown.command]"
EXEC_REFUSED = "rshell: denied: docker exec is not allowed [docker.exec]"


@pytest.fixture
def forced_key(keys: Keys, installed: Installed) -> Iterator[None]:
    """For a while, the client's key runs the launcher whatever the client says."""
    keys.authorize(f'command="{installed.launcher}"')
    yield
    keys.authorize()


def refusals(devlog: DevLog) -> list[tuple[str, str]]:
    """The raw line and the code of every refusal on record."""
    return [(each["raw"], each["code"]) for each in devlog.records() if each["event"] == "refuse"]


# -- what the issue names -------------------------------------------------------------


def test_docker_ps_with_a_format(ssh: Client, talker: str) -> None:
    done = ssh("docker ps -a --format '{{.Names}}: {{.Image}}'")
    assert outcome(done) == (0, "talker: busybox:test\n", "")


def test_logs_of_both_streams_through_two_filters(ssh: Client, talker: str) -> None:
    assert outcome(ssh("docker logs talker 2>&1 | grep -c y | head -5")) == (0, "2\n", "")


def test_logs_keep_their_two_streams_apart(ssh: Client, talker: str) -> None:
    assert outcome(ssh("docker logs talker")) == (0, "yes\nmaybe\n", "no\n")
    assert outcome(ssh("docker logs talker 2>/dev/null | tac")) == (0, "maybe\nyes\n", "")
    assert outcome(ssh("docker logs talker >/dev/null")) == (0, "", "no\n")


def test_and_or_take_the_branches_of_sh(ssh: Client, talker: str) -> None:
    line = "docker ps --format {} && docker images --format {} || echo no"
    assert outcome(ssh(line.format("{{.Names}}", "{{.Repository}}"))) == (0, "talker\nbusybox\n", "")
    assert outcome(ssh("docker logs nothere 2>/dev/null && docker images || echo no")) == (0, "no\n", "")


def test_sudo_in_front_is_dropped(ssh: Client, talker: str) -> None:
    for line in ("sudo docker ps -q | wc -l", "sudo -n /usr/bin/docker ps -q | wc -l"):
        assert outcome(ssh(line)) == (0, "1\n", "")


def test_ss_shows_the_listening_sockets(ssh: Client, sshd: Sshd) -> None:
    done = ssh("ss -tlnp")
    assert (done.returncode, done.stderr) == (0, "")
    assert f" 127.0.0.1:{sshd.port} " in done.stdout


def test_proc_net_tcp_is_shown(ssh: Client, sshd: Sshd) -> None:
    done = ssh("cat /proc/net/tcp")
    assert (done.returncode, done.stderr) == (0, "")
    assert f" 0100007F:{sshd.port:04X} 00000000:0000 0A " in done.stdout
    assert first_line(ssh("cat /proc/net/tcp /etc/shadow"))[:2] == (126, "")
    assert first_line(ssh("cat /proc/net/../../etc/passwd"))[:2] == (126, "")


def test_inspect_looks_for_containers_and_images_and_nothing_else(ssh: Client, engine: Engine, talker: str) -> None:
    assert outcome(ssh("docker inspect -f '{{.Name}}' talker")) == (0, "/talker\n", "")
    assert outcome(ssh("docker inspect -f '{{index .RepoTags 0}}' busybox:test")) == (0, "busybox:test\n", "")
    engine.clear()
    assert outcome(ssh("docker inspect nothere")) == (1, "[]\n", "Error: No such container: nothere:\n")
    assert not [each for each in engine.requests if "/networks" in each or "/volumes" in each or "/plugins" in each]


def test_inspect_does_not_mix_containers_and_images(ssh: Client, engine: Engine, talker: str) -> None:
    refused = "rshell: unsupported: docker inspect: containers and images can't be mixed [docker.inspect.mixed-types]"
    assert first_line(ssh("docker inspect talker busybox:test")) == (2, "", refused)


def test_what_a_late_refusal_says_about_the_commands_before_it(ssh: Client, talker: str) -> None:
    done = ssh("docker ps --format '{{.Names}}' && docker inspect talker busybox:test; echo after")
    assert (done.returncode, done.stdout) == (2, "talker\n")
    assert done.stderr.splitlines()[-1] == "  1 command of this line ran before; written another way it may work"


def test_stats_are_shown_once(ssh: Client, talker: str) -> None:
    assert outcome(ssh("docker stats --no-stream --format '{{.Name}}' talker")) == (0, "talker\n", "")
    assert first_line(ssh("docker stats talker")) == (
        126, "", "rshell: denied: docker stats: --no-stream must be given [docker.stats.needs]",
    )  # fmt: skip


def test_the_other_docker_commands_of_the_policy_answer(ssh: Client, engine: Engine, talker: str) -> None:
    for line in ("docker version", "docker info", "docker system df", "docker network ls", "docker volume ls"):
        assert ssh(line).returncode == 0, line
    assert outcome(ssh("docker --version")) == (0, run(program("docker"), "--version").stdout, "")
    assert outcome(ssh("docker network ls --format '{{.Name}}' | sort")) == (0, "host\nnone\n", "")


def test_journalctl_shows_the_kernel_s_lines(ssh: Client, journal: Journal) -> None:
    before = journal.read("-t", "kernel", "-n", "2").stdout
    done = ssh("sudo journalctl -t kernel -n 2")
    after = journal.read("-t", "kernel", "-n", "2").stdout
    assert outcome(done) in ((0, before, ""), (0, after, ""))


def test_journalctl_shows_a_unit_s_lines(ssh: Client, journal: Journal) -> None:
    if journal.ours:
        journal.write("Accepted publickey for ai-worker", "sshd", unit="ssh.service")
        assert "Accepted publickey" in ssh("journalctl -u ssh -n 5 -o short-iso").stdout
    assert ssh("journalctl -u fail2ban -n 5").returncode == 0


def test_fail2ban_shows_its_jails(ssh: Client, fail2ban: Fail2ban, account: Account) -> None:
    with fail2ban.shared(account.gid):
        for line in ("fail2ban-client status", "fail2ban-client status sshd", "fail2ban-client get sshd banned"):
            assert outcome(ssh(line)) == outcome(fail2ban.client(*line.split()[1:]))
        assert first_line(ssh("fail2ban-client get sshd banip"))[:2] == (126, "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("iptables -S", ("iptables", "-S")),
        ("iptables -nvL", ("iptables", "-n", "-v", "-L")),
        ("sshd -T", ("sshd", "-T")),
    ],
)
def test_tools_of_root_run_as_root_only_behind_the_gate(
    ssh: Client, account: Account, boundary: str, line: str, words: tuple[str, ...]
) -> None:
    """In direct mode they say their own error."""
    argv = (program(words[0]), *words[1:])
    expected, got = run(*argv, check=False) if boundary == GATE else account.run(*argv), ssh(line)
    assert (got.returncode, got.stderr) == (expected.returncode, expected.stderr)
    assert got.stdout[:12] == expected.stdout[:12]  # further on there are counters
    assert bool(got.stdout) == (boundary == GATE)


def test_what_is_sent_reaches_a_container_and_comes_back_whole(ssh: Client, engine: Engine) -> None:
    data = "".join(f"line {number}\n" for number in range(20_000))
    done = ssh(f"docker run --rm -i {engine.image} cat | tail -n 2", input=data)
    assert outcome(done) == (0, "line 19998\nline 19999\n", "")
    assert ssh(f"docker run --rm -i {engine.image} cat", input=data).stdout == data


def test_docker_exec_is_refused_before_anything_reaches_the_engine(
    ssh: Client, engine: Engine, devlog: DevLog, talker: str
) -> None:
    engine.clear()
    done = ssh("docker exec talker id")
    assert first_line(done) == (126, "", EXEC_REFUSED)
    said = done.stderr.splitlines()
    assert (said[1], said[2].strip(" ^"), said[3][:7]) == ("  docker exec talker id", "", "  why: ")
    assert said[4:] == [
        "  instead: docker logs --tail 100 talker",
        "  nothing was run; rewording, quoting or sudo will not change this",
    ]
    assert (engine.requests, engine.connections) == ([], 0)
    assert refusals(devlog) == [("docker exec talker id", "docker.exec")]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("docker container exec talker id", 126),
        ("docker --log-level debug exec talker id", 126),
        ("docker -H tcp://127.0.0.1:1 ps", 126),
        ("docker --config /tmp ps", 126),
        ("docker run --privileged busybox:test id", 126),
        ("docker system dial-stdio", 126),
        ("DOCKER_HOST=tcp://127.0.0.1:1 docker ps", 2),
        ("docker ps; docker exec talker id", 126),
        ("docker ps || docker exec talker id", 126),
        ("bash -c 'docker ps; docker exec talker id'", 126),
        ("docker ps $(docker exec talker id)", 2),
        ("docker ps & docker exec talker id", 2),
        ("docker ps | docker exec -i talker sh", 2),
        ("docker ps > /tmp/file", 2),
        ("env docker ps", 127),
        ("/tmp/docker ps", 127),
    ],
)
def test_a_line_with_anything_refused_in_it_runs_nothing(
    ssh: Client, engine: Engine, talker: str, line: str, status: int
) -> None:
    engine.clear()
    done = ssh(line)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("rshell: ")
    assert len(done.stderr.splitlines()) <= 6
    assert (engine.requests, engine.connections) == ([], 0)


# -- statuses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "status", "output"),
    [
        ("true", 0, ""),
        ("false", 1, ""),
        ("exit 7", 7, ""),
        ("false || exit 3", 3, ""),
        ("false; echo $?", 0, "1\n"),
        ("docker logs nothere 2>/dev/null", 1, ""),
        ("docker logs nothere 2>/dev/null | head -1", 0, ""),
        ("bash -c 'set -o pipefail; docker logs nothere 2>/dev/null | head -1'", 1, ""),
        ("set -o pipefail; docker logs nothere 2>/dev/null | head -1", 1, ""),
        ("docker ps -q | grep zzz", 1, ""),
        ("docker ps -q | grep zzz || echo none", 0, "none\n"),
        ("bash -c 'exit 4'; echo $?", 0, "4\n"),
        ("docker ps -q | grep -E '('", 2, ""),
        ("timeout 1 sleep 60", 124, ""),
        ("timeout 60 docker logs talker 2>/dev/null | head -1", 0, "yes\n"),
        ("echo one two | wc -w", 0, "2\n"),
    ],
)
def test_a_status_is_the_one_that_sh_gives(ssh: Client, talker: str, line: str, status: int, output: str) -> None:
    done = ssh(line)
    assert (done.returncode, done.stdout) == (status, output)


@pytest.mark.parametrize("line", ["help | head -1", "explain docker ps | head -1", "which docker | head -1"])
def test_a_builtin_to_the_left_of_a_pipe_says_what_it_says_alone(ssh: Client, line: str) -> None:
    whole = ssh(line.partition(" |")[0])
    assert whole.stdout
    assert outcome(ssh(line)) == (0, whole.stdout.splitlines(keepends=True)[0], "")


# -- scripts on stdin -------------------------------------------------------------------


def test_a_script_runs_line_by_line(ssh: Client, talker: str) -> None:
    script = "# first\necho one\n\ndocker ps --format '{{.Names}}' |\n  head -1\necho one \\\ntwo\nfalse\n"
    assert outcome(ssh(input=script)) == (1, "one\ntalker\none two\n", "")


def test_a_quoted_newline_is_part_of_its_word(ssh: Client) -> None:
    assert outcome(ssh("echo 'a\nb'")) == (0, "a\nb\n", "")
    assert outcome(ssh(input="echo 'a\nb'\necho c\n")) == (0, "a\nb\nc\n", "")


def test_a_script_stops_at_its_first_refusal_with_its_status(ssh: Client, devlog: DevLog) -> None:
    done = ssh(input="echo one\nnothere\necho two\n")
    assert first_line(done) == (127, "one\n", ABSENT)
    assert [each["event"] for each in devlog.records()] == ["open", "builtin", "refuse", "close"]
    assert devlog.records()[-1]["status"] == 127


def test_a_script_ends_with_exit(ssh: Client) -> None:
    assert outcome(ssh(input="echo one\nexit 5\necho two\n")) == (5, "one\n", "")
    assert outcome(ssh(input="echo one\nfalse\nexit")) == (1, "one\n", "")


def test_an_empty_script_is_no_error(ssh: Client) -> None:
    assert outcome(ssh(input="")) == (0, "", "")
    assert outcome(ssh(input="\n# nothing\n\n")) == (0, "", "")


def test_a_command_of_a_script_does_not_eat_the_script(ssh: Client, talker: str) -> None:
    script = "docker logs talker 2>/dev/null | head -1\nss -tln | wc -l | tr -d 0-9\necho end\n"
    assert outcome(ssh(input=script)) == (0, "yes\n\nend\n", "")


def test_a_script_with_a_late_refusal_stops_there(ssh: Client, talker: str) -> None:
    """What only a look at the engine can refuse ends a script like any other refusal."""
    done = ssh(input="docker inspect talker busybox:test\necho after\n")
    assert (done.returncode, done.stdout) == (2, "")


# -- other ways in ----------------------------------------------------------------------


@pytest.mark.parametrize("way", ["scp", "scp -O", "sftp", "rsync", "rsync back"])
def test_files_are_not_copied(ssh: Client, devlog: DevLog, account: Account, tmp_path: Path, way: str) -> None:
    source = tmp_path / "file"
    source.write_text("text")
    done = {
        "scp": lambda: ssh.copy("scp", str(source), f"{HOST}:copied"),
        "scp -O": lambda: ssh.copy("scp", "-O", str(source), f"{HOST}:copied"),
        "sftp": lambda: ssh.copy("sftp", "-b", "-", HOST, input=f"put {source} copied\n"),
        "rsync": lambda: ssh.rsync(str(source), f"{HOST}:copied"),
        "rsync back": lambda: ssh.rsync(f"{HOST}:/etc/passwd", str(tmp_path / "copied")),
    }[way]()
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    ((raw, code),) = refusals(devlog)
    server, expected = {"scp": ("sftp", "unknown.path"), "scp -O": ("scp", "unknown.command")}.get(
        way, ("sftp", "unknown.path") if way == "sftp" else ("rsync", "unknown.command")
    )
    assert (server in raw.split(" ")[0], code) == (True, expected)
    assert not (account.home / "copied").exists()
    assert not (tmp_path / "copied").exists()


def test_no_shell_in_a_terminal(ssh: Client, devlog: DevLog) -> None:
    for line in ("bash", "bash -l", "sh -i", "/bin/bash", "sudo -i", "sudo su -"):
        done = ssh(line, tty=True)
        assert done.returncode in (126, 127)
        assert done.stdout.startswith("rshell: ")
    assert [raw for raw, _ in refusals(devlog)] == ["bash", "bash -l", "sh -i", "/bin/bash", "sudo -i", "sudo su -"]


def test_the_user_s_ssh_rc_does_not_run(ssh: Client, devlog: DevLog, account: Account, tmp_path: Path) -> None:
    """sshd gives ~/.ssh/rc to the login shell (PermitUserRC yes): `rshell -c '/bin/sh .../rc'`."""
    trace = account.home / "rc-ran"
    rc = account.home / ".ssh/rc"
    rc.parent.mkdir(mode=0o755)
    rc.write_text(f"echo from rc\ntouch {trace}\n")
    account.home.chmod(0o777)
    try:
        done = ssh("echo hello")
    finally:
        account.home.chmod(0o755)
        rc.unlink()
        rc.parent.rmdir()
    assert (done.returncode, done.stdout) == (0, "hello\n")
    assert not trace.exists()
    ((raw, code),) = refusals(devlog)
    assert (raw.startswith("/bin/sh "), raw.endswith(".ssh/rc"), code) == (True, True, "shell.usage")


@pytest.mark.parametrize("options", [("-A",), ("-X",), ("-R", "0:127.0.0.1:22")])
def test_what_a_client_asks_for_besides_changes_nothing(ssh: Client, options: tuple[str, ...]) -> None:
    assert (ssh("echo hello", options=options).stdout) == "hello\n"


def test_the_client_s_environment_changes_nothing(ssh: Client, talker: str) -> None:
    hostile = {"LC_ALL": "tr_TR.UTF-8", "LC_X": "() { :; }; echo broken", "LANG": "../../x", "LC_Y": "\x1b[31m\udcff"}
    options = tuple(word for name in hostile for word in ("-o", f"SendEnv={name}"))
    for line in ("docker logs talker 2>&1 | sort | head -1", "docker logs nothere", "docker exec talker id"):
        assert outcome(ssh(line, options=options, environment=hostile)) == outcome(ssh(line))


def test_force_command_takes_the_client_s_line(forced_ssh: Client, devlog: DevLog, talker: str) -> None:
    assert outcome(forced_ssh("docker ps --format '{{.Names}}'")) == (0, "talker\n", "")
    assert first_line(forced_ssh("nothere")) == (127, "", ABSENT)
    assert outcome(forced_ssh(input="echo one\n")) == (0, "one\n", "")
    assert forced_ssh.copy("sftp", "-b", "-", HOST, input="pwd\n").returncode != 0
    raws = {each["raw"] for each in devlog.records() if "raw" in each}
    assert "docker ps --format '{{.Names}}'" in raws


def test_a_key_s_own_command_takes_the_client_s_line(ssh: Client, forced_key: None, talker: str) -> None:
    assert outcome(ssh("docker ps --format '{{.Names}}'")) == (0, "talker\n", "")
    assert first_line(ssh("nothere")) == (127, "", ABSENT)


# -- bytes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("docker ps \x07", "the character U+0007 is not accepted [line.character]"),
        ("docker ps '\x1b[2J'", "the character U+001B is not accepted [line.character]"),
        ("docker ps\r", "the character U+000D is not accepted [line.character]"),
        ("docker ps # \u202e", "the character U+202E is not accepted [line.character]"),
        ("docker\u00a0ps", "the character U+00A0 is not accepted [line.character]"),
        ("docker ps \udcff", "this is not valid UTF-8 [line.encoding]"),
        ("docker ps \udcc3(", "this is not valid UTF-8 [line.encoding]"),
        ("echo " + "x" * 100_000, "the line is longer than 32768 bytes [line.size]"),
    ],
)
@pytest.mark.parametrize("way", ["-c", "script"])
def test_odd_bytes_are_refused_by_name(ssh: Client, devlog: DevLog, way: str, line: str, said: str) -> None:
    data = line.encode("utf-8", "surrogateescape")
    done = ssh(line) if way == "-c" else ssh(input=data + b"\necho after\n")
    assert first_line(done) == (2, "", f"rshell: unsupported: {said}")
    assert done.stderr.isascii()
    assert done.stderr.replace("\n", "").isprintable()
    (record,) = (each for each in devlog.records() if each["event"] == "refuse")
    assert (record["raw"], record["raw_bytes"]) == (line[:2048], len(data))
    assert said.endswith(f"[{record['code']}]")


def test_a_megabyte_without_a_newline_is_refused(ssh: Client, devlog: DevLog) -> None:
    done = ssh(input="echo one\n" + "x" * 1_000_000 + "\necho two\n")
    refused = "rshell: unsupported: the line is longer than 32768 bytes [line.size]"
    assert first_line(done) == (2, "one\n", refused)
    assert len(done.stderr) < 1000
    (record,) = (each for each in devlog.records() if each["event"] == "refuse")
    assert (record["raw"], record["code"]) == ("x" * 2048, "line.size")


def test_nul_bytes_in_a_script_are_refused(ssh: Client) -> None:
    refused = "rshell: unsupported: the character U+0000 is not accepted [line.character]"
    assert first_line(ssh(input=b"docker ps\0\necho after\n")) == (2, "", refused)
