"""docker run and docker pull: every option has a verdict, and what is put in is always there."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rshell import say
from rshell.core import containers, decide, limits
from rshell.core.model import Exec, Permit, Refusal
from rshell.core.words import decide_words
from rshell.policy.check import context
from tests.support import argvs, code, corpus, judge, policy, somewhere, trees, written

DOCKER = "/usr/bin/docker"
RUN = trees()["docker"].commands["docker run"]
MEMORY, PIDS = "--memory=17179869184", "--pids-limit=512"
PROJECT = "--label=com.docker.compose.project="  # so that no image says another one
FORCED = ["--security-opt=no-new-privileges", PROJECT, "--label=rshell.owner=0"]
RULE = policy().commands["docker run"].rules[0]


def ran(line: str, terminal: bool = False) -> list[str]:
    """The argv of the one process of a line, without `docker container run`."""
    (argv,) = argvs(line, terminal)
    assert argv[:3] == [DOCKER, "container", "run"]
    return argv[3:]


# -- every option ------------------------------------------------------------------------

VALUES = {
    "cgroupns": "private", "ipc": "none",
    "attach": "stdout", "cap-drop": "ALL", "cpu-shares": "512", "cpus": "2", "cpuset-cpus": "0-3", "cpuset-mems": "0",
    "domainname": "lab", "entrypoint": "sh", "env": "A=1", "expose": "80/tcp", "gpus": "all", "health-cmd": "true",
    "health-interval": "30s", "health-retries": "3", "health-start-interval": "5s", "health-start-period": "5s",
    "health-timeout": "5s", "hostname": "bench", "label": "bench.x=1", "log-driver": "local", "log-opt": "max-size=10m",
    "memory": "8g", "memory-reservation": "4g", "memory-swap": "16g", "name": "bench-1", "network": "lab",
    "network-alias": "bench", "pids-limit": "100", "mount": "type=volume,source=ollama,target=/x",
    "publish": "127.0.0.1:8080:80/tcp", "tmpfs": "/tmp:size=1g", "volume": "ollama:/x:ro",
    "platform": "linux/amd64", "pull": "missing", "restart": "on-failure:3", "security-opt": "no-new-privileges",
    "shm-size": "1g", "stop-signal": "TERM", "stop-timeout": "10", "ulimit": "nofile=1024", "user": "1000:1000",
    "workdir": "/app",
}  # fmt: skip
WRITTEN = {  # otherwise than given
    "tmpfs": "--mount=type=tmpfs,target=/tmp,tmpfs-size=1073741824",
    "volume": "--mount=type=volume,source=ollama,target=/x,readonly",
}
JUDGED = sorted(name for name in RUN.options if containers.knows(name) and name not in containers.HARMLESS)
HARMLESS = sorted(name for name in RUN.options if name in containers.HARMLESS)
REFUSED = sorted(name for name in RUN.options if not containers.knows(name))


def spelled(name: str, value: str = "1") -> str:
    return f"--{name}" if RUN.options[name].kind == "flag" else f"--{name}={say.quote(value)}"


def test_every_option_is_judged_harmless_or_refused() -> None:
    assert sorted(VALUES) == JUDGED
    assert HARMLESS == [
        "detach",
        "init",
        "interactive",
        "no-healthcheck",
        "quiet",
        "read-only",
        "rm",
        "sig-proxy",
        "tty",
    ]
    assert sorted(RULE.options) == sorted(JUDGED + HARMLESS)
    assert sorted(set(JUDGED) | set(HARMLESS) | set(REFUSED)) == sorted(RUN.options)


@pytest.mark.parametrize("name", JUDGED)
def test_a_judged_option_may_be_given_a_value_that_fits_and_no_other(name: str) -> None:
    argv = ran(f"docker run {spelled(name, VALUES[name])} alpine")
    kept = [] if name == "security-opt" else [WRITTEN.get(name, f"--{name}={VALUES[name]}")]
    put_in = [one for one, field in ((MEMORY, "memory"), (PIDS, "pids-limit")) if field != name]
    assert argv == [*kept, *put_in, *FORCED, "--", "alpine:latest"]
    assert code(f"docker run --{name}='a\nb' alpine")[0] in ("denied", "unsupported")


@pytest.mark.parametrize("name", [name for name in HARMLESS if name != "tty"])
def test_a_harmless_option_may_be_given(name: str) -> None:
    assert ran(f"docker run --{name} alpine") == [f"--{name}", MEMORY, PIDS, *FORCED, "--", "alpine:latest"]


@pytest.mark.parametrize("name", REFUSED)
def test_every_other_option_is_refused_with_a_reason(name: str) -> None:
    decided = judge(f"docker run {spelled(name)} alpine")
    assert isinstance(decided, Refusal)
    assert (decided.kind, decided.code) == ("denied", "docker.run.option")
    assert decided.built_in
    assert decided.why == limits.of_option("docker run", name) != ""


def test_a_refused_flag_that_is_off_anyway_may_be_given_as_off_and_is_left_out() -> None:
    flags = [name for name in REFUSED if RUN.options[name].kind == "flag"]
    assert flags == ["disable-content-trust", "oom-kill-disable", "privileged", "publish-all", "use-api-socket"]
    for name in flags[1:]:
        for off in (f"--{name}=false", f"--{name}=F", f"--{name}=0 --{name}=false", "-P=false"):
            assert ran(f"docker run {off} alpine") == [MEMORY, PIDS, *FORCED, "--", "alpine:latest"]
        for on in (f"--{name}=false --{name}", f"--{name} --{name}=false", f"--{name}=false --{name}=true", "-P"):
            assert code(f"docker run {on} alpine")[0] in ("denied", "unsupported")
    assert code("docker run --disable-content-trust=false alpine") == ("denied", "docker.run.option")


def test_the_namespaces_of_a_container_are_its_own() -> None:
    assert ran("docker run --ipc private --cgroupns=private alpine")[:2] == ["--ipc=private", "--cgroupns=private"]
    decided = judge("docker run --ipc host alpine")
    assert isinstance(decided, Refusal)
    assert decided.message == (
        "docker run: option --ipc: 'host' is not allowed"
    )
    assert decided.why == "allowed: private or none; a container keeps its own namespaces"


# -- evasions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        "--privileged", "--rm --privileged", "--privileged=true", "-v /:/host", "-v/:/host", "-itv /:/host",
        "-dv=/x:/y",
        "--volume=/:/host", "--mount type=bind,src=/,dst=/x", "-p 80:80", "-dp80:80", "-P", "--net host", "--net=host",
        "--network container:x", "--pid host", "--pid=container:x", "--ipc=host", "--uts=host", "--userns=host",
        "--cgroupns=host", "--device /dev/sda", "--cap-add ALL", "--security-opt seccomp=unconfined",
        "--security-opt apparmor=unconfined", "--security-opt no-new-privileges=false", "--runtime x", "--sysctl a=b",
        "--add-host a:1.1.1.1", "--dns 1.1.1.1", "--link x", "--env-file /etc/shadow", "--label-file /etc/shadow",
        "--cidfile /tmp/x", "-e HOME", "-eHOME", "-e=HOME", "--env HOME", "-e LD_PRELOAD=/x", "-e A=1 -e HOME",
        "-l rshell.owner=0", "-l com.docker.compose.project=x", "--label=rshell.owner", "--gpus driver=x",
        "--gpus all --gpus driver=x", "-w /proc/self/fd/8", "-w //proc/self/fd/8", "--restart always", "-m 65g",
        "-m 0", "-m -1", "--memory-swap -1", "--cpus 17", "--pids-limit -1", "--pids-limit 0", "--shm-size 9g",
        "--log-driver syslog", "--log-opt syslog-address=tcp://x", "--oom-kill-disable", "--group-add 0",
        "--volume-driver x", "--storage-opt size=1g", "--blkio-weight 10", "--cgroup-parent /x", "--use-api-socket",
        "--annotation a=b", "--detach-keys a", "--isolation x", "--ulimit rtprio=99", "-u 'a b'", "--name ../x",
        "--tmpfs /proc", "--volumes-from x", "--ip 1.2.3.4", "--mac-address x", "--device-cgroup-rule 'a *:* rwm'",
    ],
)  # fmt: skip
def test_an_option_that_reaches_the_host_is_refused(options: str) -> None:
    assert code(f"docker run {options} alpine")[0] == "denied"
    assert code(f"docker container run --rm {options} -- alpine id")[0] == "denied"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("docker run", ("unsupported", "docker.run.missing")),
        ("docker run -d", ("unsupported", "docker.run.missing")),
        ("docker run --priviledged alpine", ("unsupported", "docker.run.no-option")),
        ("docker run --priv alpine", ("unsupported", "docker.run.no-option")),
        ("docker run --name a --name b alpine", ("unsupported", "docker.run.repeated")),
        ("docker run --memory 1g -m 2g alpine", ("unsupported", "docker.run.repeated")),
        ("docker run --name", ("unsupported", "docker.run.option-missing")),
        ("docker run --rm=maybe alpine", ("unsupported", "docker.run.argument")),
        ("docker create alpine", ("denied", "docker.create")),
        ("docker container create alpine", ("denied", "docker.create")),
        ("docker run --help", ("unsupported", "docker.run.help")),
    ],
)
def test_a_line_that_docker_would_not_take_so_is_refused(line: str, expected: tuple[str, str]) -> None:
    assert code(line) == expected


def test_the_line_that_nvidia_recommends_is_allowed() -> None:
    assert ran("docker run --gpus all --ulimit memlock=-1 --ulimit stack=67108864 alpine") == [
        "--gpus=all", "--ulimit=memlock=-1", "--ulimit=stack=67108864", MEMORY, PIDS, *FORCED, "--", "alpine:latest",
    ]  # fmt: skip


def test_what_follows_the_image_is_the_containers() -> None:
    assert ran("docker run --rm alpine --privileged -v /:/x") == [
        "--rm", MEMORY, PIDS, *FORCED, "--", "alpine:latest", "--privileged", "-v", "/:/x",
    ]  # fmt: skip


LONG = "print('it''s')\n" * 900  # in the 4096 characters of other words it has no room


@pytest.mark.parametrize("program", ["import os\n\tprint(1)", "\n", LONG])
def test_a_word_behind_the_image_may_have_lines_and_tabs_in_it(program: str) -> None:
    line = f'docker run --rm python python -c "{program}"'
    written = ["--rm", MEMORY, PIDS, *FORCED, "--", "python:latest", "python", "-c", program]
    assert ran(line) == written
    again = decide_words(policy(), ["docker", "run", "--rm", "python", "python", "-c", program], None, context())
    assert isinstance(again, Exec)
    assert list(again.argv[3:]) == written
    assert code(f'docker compose -f - run --rm bench python -c "{program}"') == ("permit", "")


@pytest.mark.parametrize("line", ['docker run "a\nb"', 'docker run --name "a\nb" x', 'docker run "--na\nme=a" x'])
def test_a_word_in_front_of_the_image_has_one_line(line: str) -> None:
    assert code(line)[0] in ("unsupported", "denied")


def test_a_refusal_of_a_line_with_lines_in_it_shows_one() -> None:
    decided = judge("docker run --privileged python python -c 'a\nb'")
    assert isinstance(decided, Refusal)
    assert "\n  docker run --privileged python python -c 'a\n  " in say.render(decided)


MUST = [
    pytest.param(entry["line"], id=entry["id"])
    for entry in corpus("docker-deny.jsonl")
    if " run " in entry.get("line", "") and "docker" in entry["line"] and entry["tier"] == "must"
]


@pytest.mark.parametrize("line", MUST)
def test_an_evasion_with_run_is_refused_at_a_terminal_and_without_one(line: str) -> None:
    assert isinstance(judge(line), Refusal)
    assert isinstance(judge(line, terminal=True), Refusal)


# -- what is put in ----------------------------------------------------------------------

PLACED = (
    "--mount=type=volume,source=ollama,", "--mount=type=volume,source=bench-", "--mount=type=volume,target=/",
    "--mount=type=tmpfs,target=/", "--publish=127.0.0.1:", "--publish=[::1]:", "--network=lab", "--network=bridge",
    "--network=none",
)  # fmt: skip
PLAIN = sorted([f"--{name}" for name in HARMLESS if name != "tty"] + [spelled(name, VALUES[name]) for name in JUDGED])
ODD = [
    "-v /etc:/x", "-v ollama:/y", "-v /z", "--mount src=bench-1,dst=/m", "--mount type=bind,src=/,dst=/m", "--net host",
    "--tmpfs /t", "--tmpfs=/dev", "-p 80:80", "-p 127.0.0.1::80", "-p '[::1]:8080:80'", "-dp80:80", "--network bridge",
    "--net=container:x", "-P", "-dv=ollama:/w", "-itv /:/h",
    "-d", "-it", "-t", "-i", "-e A=1", "-eA=1", "-l bench.x", "-l bench.x=2", "-l rshell.owner=7", "-m1g", "-m 64g",
    "--label=rshell.owner=7", "--security-opt=no-new-privileges:true", "--security-opt no-new-privileges=false",
    "--rm=false", "--", "-v x:/x", "--privileged", "--name=x", "-u 0", "--pids-limit=4096", "--detach=false", "-h h",
]  # fmt: skip
soups = st.lists(st.sampled_from(PLAIN + ODD) | st.text("-=abdeiltv ", max_size=6), max_size=8)


@settings(deadline=None)
@given(
    soups,
    st.sampled_from(["alpine", "alpine id -v x", "x/y:1 --label=rshell.owner=9"]),
    st.booleans(),
    st.integers(0, 9),
)
@example(["-l bench.x", "--security-opt=no-new-privileges:true"], "alpine", False, 7)
@example([], "alpine", False, 1000)
def test_whatever_is_permitted_ends_with_our_label_and_no_new_privileges(
    options: list[str], rest: str, terminal: bool, uid: int
) -> None:
    line = " ".join(["docker run", *options, rest])
    decided = decide.judge(policy(), line, somewhere(terminal=terminal, uid=uid))
    if not isinstance(decided, Permit):
        return
    ((_, (one,)),) = decided.items
    assert isinstance(one, Exec)
    before = list(one.argv[: one.argv.index("--")])
    forced = ["--security-opt=no-new-privileges", PROJECT, f"--label=rshell.owner={uid}"]
    assert before[-3:] == forced
    assert before[:3] == [DOCKER, "container", "run"]
    assert [word for word in before[:-3] if word.startswith(("--security-opt", "--label=rshell", "--label=com"))] == []
    split = [word for word in before if word.startswith(("--volume", "--tmpfs", "--mount", "--publish", "--network="))]
    assert split == [word for word in split if word.startswith(PLACED)]
    assert [word for word in before if not word.startswith("--")] == [DOCKER, "container", "run"]
    assert len([word for word in before if word.startswith("--memory=")]) == 1
    assert len([word for word in before if word.startswith("--pids-limit=")]) == 1


def test_the_label_is_the_callers_uid() -> None:
    decided = decide_words(policy(), ["docker", "run", "alpine"], None, context().but(uid=1234))
    assert isinstance(decided, Exec)
    assert decided.argv[-3:] == ("--label=rshell.owner=1234", "--", "alpine:latest")


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ("", [MEMORY, PIDS]),
        ("-m 1g ", ["--memory=1g", PIDS]),
        ("--pids-limit 9 ", ["--pids-limit=9", MEMORY]),
        ("--pids-limit 9 -m 1g ", ["--pids-limit=9", "--memory=1g"]),
        ("--memory-swap 20g ", ["--memory-swap=20g", MEMORY, PIDS]),
        ("--memory-swap 2g -m 1g ", ["--memory-swap=2g", "--memory=1g", PIDS]),
    ],
)
def test_limits_that_the_user_does_not_name_are_put_in(options: str, first: list[str]) -> None:
    assert ran(f"docker run {options}alpine") == [*first, *FORCED, "--", "alpine:latest"]


# -- who it runs as ------------------------------------------------------------------------

USERS = """
version: 1
roles: {{r: {{users: [x], grants: [g]}}}}
grants: {{g: {{commands: {{docker run: {{options: by-containers}}}}}}}}
containers: {{registries: [docker.io], images: ["*"], networks: [bridge], users: {}}}
"""


@pytest.mark.parametrize("users", ["['1000:1000', 'app*']", "app"])
def test_where_users_are_listed_the_image_s_own_is_none_of_them(users: str) -> None:
    rules = written(USERS.format(users))
    decided = decide.answer(rules, "docker run alpine id", context())
    assert isinstance(decided, Refusal)
    assert (decided.kind, decided.code, decided.message) == (
        "denied", "docker.run.needs", "docker run: --user must be given"
    )  # fmt: skip
    listed, first = ("app", "app") if users == "app" else ("1000:1000 app*", "1000:1000")
    assert decided.why == f"without it the container runs as the image's own user; allowed: {listed}"
    assert decided.instead == f"docker run --user {first} alpine id"
    assert code(decided.instead, rules=rules) == ("permit", "")
    assert code("docker run --user root alpine id", rules=rules) == ("denied", "docker.run.value")
    assert code("docker run --user '' alpine id", rules=rules) == ("denied", "docker.run.value")


@pytest.mark.parametrize("users", ["['*']", "[app, '*']", "[]"])
def test_where_none_or_any_is_listed_a_container_may_run_as_the_image_s_own(users: str) -> None:
    assert code("docker run alpine id", rules=written(USERS.format(users))) == ("permit", "")


# -- what docker splits further ------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "part", "instead"),
    [
        ("docker run -v /etc:/x alpine", "/etc", "docker run -v bench-data:/x alpine"),
        ("docker run -v ./data:/x alpine", "./data", "docker run -v bench-data:/x alpine"),
        ("docker run -v ../ollama:/x:ro alpine", "../ollama", "docker run -v ollama:/x:ro alpine"),
        ("docker run --mount type=bind,src=data,dst=/x alpine", "data", ""),
        ("docker run -dv/etc:/x alpine", "/etc", "docker run -dvbench-data:/x alpine"),
        ("docker run -v '/etc:/x' alpine", "/etc", "docker run -v 'bench-data:/x' alpine"),
        ("docker run --volume=/x:/etc:ro,z alpine", "z", ""),
        ("docker run -v olama:/root/.ollama alpine", "olama", "docker run -v ollama:/root/.ollama alpine"),
        ("docker run -v ollama:/proc/self alpine", "/proc/self", ""),
        ("docker run -v ollama:/a -v bench-1:/a/b alpine", "/a/b", ""),
        ("docker run --mount type=bind,src=/,dst=/x alpine", "/",
         "docker run --mount type=volume,source=bench-data,target=/x alpine"),
        ("docker run --mount src=ollama,dst=/x,volume-opt=o=bind alpine", "volume-opt=o=bind", ""),
        ("docker run --tmpfs /x:size=10g alpine", "size=10g", "docker run --tmpfs /x:size=4g alpine"),
        ("docker run -p 8080:80 alpine", "8080:80", "docker run -p 127.0.0.1:8080:80 alpine"),
        ("docker run -dp8080:80/udp alpine", "8080:80/udp", "docker run -dp127.0.0.1:8080:80/udp alpine"),
        ("docker run -p 0.0.0.0:8080:80 alpine", "0.0.0.0", "docker run -p 127.0.0.1:8080:80 alpine"),
        ("docker run -p 127.0.0.1:22:22 alpine", "22", "docker run -p 127.0.0.1::22 alpine"),
        ("docker run --network host alpine", "host", "docker run --network bridge alpine"),
        ("docker run --net=labs alpine", "labs", "docker run --net=lab alpine"),
        ("docker run --net=name=host alpine", "name=host", "docker run --net=bridge alpine"),
        ("docker run --network lab --net none alpine", "none", ""),
        ("docker run --gpus all,capabilities=sys alpine", "sys", ""),
        ("docker run --gpus all --gpus 1 alpine", "1", ""),
        ("docker run -e LD_PRELOAD=/x alpine", "LD_PRELOAD", ""),
        ("docker run -l rshell.owner=0 alpine", "rshell.owner", ""),
        ("docker run -m 100g alpine", "100g", ""),
        ("docker run --memory-swap 64g alpine", "64g", ""),
        ("docker run -m 1g --memory-swap=3g alpine", "3g", ""),
        ("docker run --memory-swap 1g alpine", "1g", ""),
        ('docker run -v "/e"tc:/x alpine', '-v "/e"tc:/x', ""),
        ("docker run -v /e\\tc:/x alpine", "-v /e\\tc:/x", ""),
    ],
)  # fmt: skip
def test_a_refusal_points_at_the_part_and_says_what_may_be(line: str, part: str, instead: str) -> None:
    decided = decide.answer(policy(), line, context())
    assert isinstance(decided, Refusal)
    assert decided.at is not None
    assert (decided.code, line[slice(*decided.at)], decided.instead) == ("docker.run.value", part, instead)


@pytest.mark.parametrize(
    "options",
    [
        "-v ollama:/x:ro", "-vollama:/x/:ro", "--volume=ollama:/x:ro", "--mount type=volume,src=ollama,dst=/x,ro",
        "--mount 'source=ollama,\"target=/x\",readonly=true'", "--mount READONLY,Type=VOLUME,src=ollama,destination=/x",
    ],
)  # fmt: skip
def test_every_spelling_of_a_mount_is_written_in_one_way(options: str) -> None:
    mount = "--mount=type=volume,source=ollama,target=/x,readonly"
    assert ran(f"docker run {options} alpine") == [mount, MEMORY, PIDS, *FORCED, "--", "alpine:latest"]


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ("-v /x", "--mount=type=volume,target=/x"),
        ("--tmpfs /x", "--mount=type=tmpfs,target=/x,tmpfs-size=4294967296"),
        ("--tmpfs /x:size=64m,mode=700", "--mount=type=tmpfs,target=/x,tmpfs-size=67108864,tmpfs-mode=700"),
        ("-p 127.0.0.1:8080:80", "--publish=127.0.0.1:8080:80/tcp"), ("-p '[::1]::53/UDP'", "--publish=[::1]::53/udp"),
        ("-p published=127.0.0.1:8080,target=80", "--publish=127.0.0.1:8080:80/tcp"), ("--net lab", "--network=lab"),
        ("--gpus '\"device=0,1\"'", '--gpus="device=0,1"'), ("--gpus count=all", "--gpus=all"),
        ("--gpus device=all", "--gpus=all"), ("--cpus .5", "--cpus=.5"), ("--shm-size 512MiB", "--shm-size=512MiB"),
        ("--mount type=tmpfs,dst=/x,tmpfs-size=1MiB", "--mount=type=tmpfs,target=/x,tmpfs-size=1048576"),
        ("--net-alias x", "--network-alias=x"),
    ],
)  # fmt: skip
def test_what_docker_splits_further_is_written_with_nothing_left_open(options: str, written: str) -> None:
    assert ran(f"docker run {options} alpine") == [written, MEMORY, PIDS, *FORCED, "--", "alpine:latest"]


# -- a terminal --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("docker run -it alpine", "docker run -i alpine"),
        ("docker run -t alpine", "docker run alpine"),
        ("docker run --tty alpine sh", "docker run alpine sh"),
        ("docker run --rm -ti alpine", "docker run --rm -i alpine"),
        ("docker run -it --detach=false alpine", "docker run -i --detach=false alpine"),
    ],
)
def test_without_a_terminal_there_is_none_for_a_container(line: str, instead: str) -> None:
    decided = decide.answer(policy(), line, context())
    assert isinstance(decided, Refusal)
    assert (decided.kind, decided.code, decided.instead) == ("unsupported", "docker.run.no-terminal", instead)


@pytest.mark.parametrize(
    ("line", "terminal", "first"),
    [
        ("docker run -it alpine", True, ["--interactive", "--tty"]),
        ("docker run -dit alpine", False, ["--detach", "--interactive", "--tty"]),
        ("docker run -i alpine", False, ["--interactive"]),
        ("docker run -t=false alpine", False, ["--tty=false"]),
    ],
)
def test_a_terminal_may_be_had_where_there_is_one_or_nobody_waits(line: str, terminal: bool, first: list[str]) -> None:
    assert ran(line, terminal) == [*first, MEMORY, PIDS, *FORCED, "--", "alpine:latest"]


# -- images ------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["run", "pull", "container run", "image pull"])
@pytest.mark.parametrize(
    "image",
    [
        "127.0.0.1:5000/x", "localhost/x", "localhost:5000/x", "evil.example/x", "docker.io:443/x", "host:1/x",
        "169.254.169.254/x", "ghcr.io.evil.example/x", "ghcr.io:80/x", "a.b/docker.io/x",
        f"evil.example/x@sha256:{'0' * 64}",
    ],
)  # fmt: skip
def test_an_image_of_a_registry_that_is_not_listed_is_refused(verb: str, image: str) -> None:
    assert code(f"docker {verb} {image}") == ("denied", f"docker.{verb.split()[-1]}.operand")


@pytest.mark.parametrize("verb", ["run", "pull"])
@pytest.mark.parametrize("image", [f"sha256:{'ab' * 32}", "ab" * 32])
def test_an_image_by_its_id_is_refused_for_nobody_knows_where_it_came_from(verb: str, image: str) -> None:
    assert code(f"docker {verb} {image}")[0] in ("denied", "unsupported")


@pytest.mark.parametrize("image", ["", "-x", "Alpine", "a//b", "http://x/y", "a@b", "../x", "a:", "x y"])
def test_what_is_no_image_is_refused(image: str) -> None:
    assert code(f"docker run -- {say.quote(image)}")[0] in ("denied", "unsupported")
    assert code(f"docker pull -- {say.quote(image)}")[0] in ("denied", "unsupported")


@pytest.mark.parametrize(
    "image", ["alpine", "alpine:3.20", "ollama/ollama", "ghcr.io/a/b:1", "nvcr.io/nvidia/cuda", "quay.io/x/y"]
)
def test_an_image_of_a_listed_registry_may_be_run_and_pulled(image: str) -> None:
    written = image if ":" in image else image + ":latest"  # without a tag docker may take it for an id
    assert ran(f"docker run {image}") == [MEMORY, PIDS, *FORCED, "--", written]
    assert argvs(f"docker pull {image}") == [[DOCKER, "image", "pull", "--", written]]


@pytest.mark.parametrize("options", ["-a", "--all-tags", "--disable-content-trust=false"])
def test_a_pull_has_no_other_options(options: str) -> None:
    assert code(f"docker pull {options} alpine") == ("denied", "docker.pull.option")
