"""What a container may be: every judge, with what it lets through and what it does not."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rshell.core import containers
from rshell.core.containers import HARMLESS, OWNER_LABEL, Containers, defaults, image, judge, knows
from rshell.core.parts.amounts import size
from tests.support import policy, trees

GIB = 1 << 30
ALLOWED = Containers(
    registries=("docker.io", "ghcr.io"), images=("alpine", "ollama/*", "ghcr.io/a/*"), names=("bench-*",),
    volumes=("ollama", "bench-*"), bind_mounts=(("/srv/data", True), ("/srv/out", False)), tmpfs=GIB,
    networks=("bridge", "lab*"), publish_addresses=("127.0.0.1", "::1"), publish_low=1024, publish_high=65535,
    environment=("OLLAMA_*", "RUNS"), labels=("bench.*",), gpus=-1, gpu_capabilities=("gpu", "compute"),
    restart=("no", "on-failure:5"), log_drivers=("json-file", "local"), users=("1000", "1000:*", "app"),
    memory=8 * GIB, cpus=4, pids=1000, shm=GIB, default_memory=2 * GIB, default_pids=100, tags=("lab/*",),
    build_args=("BENCH_*",), projects=("lab", "bench-*"),
)  # fmt: skip
SHIPPED = policy().sections["containers"]
FIELDS = sorted(name for name in containers._JUDGES)


def fits(field: str, value: str, allowed: Containers = ALLOWED) -> bool:
    return judge(allowed, field, value) == ""


GOOD = {
    "name": ["bench-1", "bench-a.b_c"],
    "env": ["OLLAMA_DEBUG=1", "RUNS=", "RUNS=a=b", "OLLAMA_X=two words"],
    "label": ["bench.run=3", "bench.run", "bench.run=a=b"],
    "memory": ["8g", "8G", "8gb", "8192m", "1.5g", "6291456", "6291456b", "512k", "512MiB", "8GiB", "1.5gib"],
    "memory-reservation": ["1g"],
    "memory-swap": ["8g"],
    "shm-size": ["1g", "64m"],
    "cpus": ["4", "0.5", "1.25", ".5"],
    "cpu-shares": ["2", "1024"],
    "cpuset-cpus": ["0", "0-3", "0,2", "0-1,4,6-4095", "3-3"],
    "cpuset-mems": ["0"],
    "pids-limit": ["1", "1000"],
    "ulimit": [
        "nofile=1024", "nofile=1024:2048", "nofile=1048576", "core=0", "nproc=65535", "memlock=-1", "memlock=-1:-1",
        "memlock=64:-1", "memlock=9223372036854775", "stack=67108864", "stack=67108864:-1", "stack=-1",
    ],
    "gpus": [
        "all", "1", "count=2", "device=0", "device=GPU-3a", '"device=0,1"', "count=all", '"count=all"',
        "device=all", '"device=all","capabilities=gpu"',
        "all,capabilities=compute", '"capabilities=gpu,compute","device=0,1"', "capabilities=gpu",
    ],
    "volume": ["ollama:/root/.ollama", "/x", "bench-1:/x:ro", "/srv/data:/x:ro", "/srv/out:/x"],
    "mount": ["type=volume,src=ollama,dst=/x", "type=bind,source=/srv/data/a,target=/x,readonly", "type=tmpfs,dst=/x"],
    "tmpfs": ["/x", "/x:size=1g,mode=1777"],
    "publish": ["127.0.0.1:8080:80", "[::1]:8080:80/udp", "127.0.0.1::80", "published=127.0.0.1:8080,target=80"],
    "network": ["bridge", "default", "lab", "lab2"],
    "network-alias": ["bench-1"],
    "restart": ["no", "on-failure:1", "on-failure:5"],
    "log-driver": ["json-file", "local"],
    "log-opt": ["max-size=10m", "max-file=3"],
    "user": ["1000", "1000:1000", "app"],
    "workdir": ["/", "/app", "/app/x", "/srv/proc", "/process"],
    "hostname": ["bench-1", "bench-a.b"],
    "domainname": ["lab"],
    "entrypoint": ["ollama", "/bin/sh", ""],
    "security-opt": ["no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"],
    "cap-drop": ["ALL", "all", "NET_RAW", "CAP_CHOWN"],
    "ipc": ["private", "none"],
    "cgroupns": ["private"],
    "expose": ["80", "80/tcp", "8000-8010/udp"],
    "attach": ["stdin", "stdout", "stderr"],
    "pull": ["always", "missing", "never"],
    "platform": ["linux/amd64"],
    "stop-signal": ["TERM", "SIGINT", "9"],
    "stop-timeout": ["0", "300"],
    "health-cmd": ["curl -f http://localhost"],
    "health-interval": ["30s"],
    "health-timeout": ["1m30s"],
    "health-start-period": ["0s"],
    "health-start-interval": ["0s", "1s", "1000ms", "1m"],
    "health-retries": ["3"],
    "tag": ["lab/x", "lab/x:1"],
    "build-arg": ["BENCH_N=3", "BENCH_N="],
    "file": ["-", "Dockerfile", "/srv/lab/Dockerfile"],  # where it may be: test_build.py
    "target": ["stage1"],
    "progress": ["plain", "auto"],
    "project-name": ["lab", "bench-1"],
}
BAD = {
    "name": ["", "x", "-bench-1", "bench-\n", "bench- x", "bench-/x", "BENCH-1", "bench-" + "x" * 200],
    "env": [
        "",
        "=",
        "=x",
        "HOME",
        "OLLAMA_DEBUG",
        "RUNS ",
        "HOME=/",
        "PATH=/x",
        "LD_PRELOAD=x",
        "LD_LIBRARY_PATH=/x",
        "DOCKER_HOST=x",
        "NVIDIA_VISIBLE_DEVICES=all",
        "BUILDKIT_X=1",
        "1A=1",
        "RUNS\n=1",
        "OLLAMA_X\nLD_PRELOAD=x",
        "OLLAMA-X=1",
        "RUNS =1",
        " RUNS=1",
        "OLLAMA_\u00e9=1",
        "RUNS=" + "x" * 5000,
    ],
    "label": [
        "",
        "=x",
        "com.docker.compose.project=x",
        "com.docker.compose.project",
        "rshell.owner=0",
        "rshell.owner",
        "rshell.x=1",
        "traefik.enable=true",
        "x=bench.run",
        " bench.run=1",
        "bench.\n=1",
        "bench.run =1",
        "maintainer=x",
    ],
    "memory": [
        "",
        "0",
        "-1",
        "8.1g",
        "9g",
        "8193m",
        "1t",
        "8gg",
        "9GiB",
        "8gi",
        "8ib",
        "8gbib",
        "8gibb",
        "8iGb",
        "8\u212aiB",
        "g",
        "b",
        " 1g",
        "1g ",
        "1 g",
        "0x10",
        "1e9",
        "nan",
        "inf",
        "+1g",
        "-1g",
        "9999999999999999999999999g",
        "18446744073709551616",
        "18446744073709551617",
        "\u0661g",
        "1g\n",
        "1_0m",
    ],
    "memory-reservation": ["9g", "-1"],
    "memory-swap": ["-1", "0", "9g"],
    "shm-size": ["2g", "-1", "0", ""],
    "cpus": ["", "0", "-1", "4.1", "5", "nan", "inf", "1e1", "0.0", "1/2", " 1", "1.", ".", "..5", ".0"],
    "cpu-shares": ["0", "1", "-1", "262145", "x"],
    "cpuset-cpus": ["", "a", "0;1", "0 1", "\u0661", "0" * 65, "0-4294967295", "4096", "0-", "-1", ",", "0,", "1-2-3",
                    "2-1", "00", "0--1", "0,,1", "0-\u0661"],
    "cpuset-mems": ["", "x", "0-9999999999999999"],
    "pids-limit": ["", "0", "-1", "1001", "01", "1.0", "x"],
    "ulimit": [
        "",
        "nofile",
        "nofile=",
        "nofile=-1",
        "nofile=1:2:3",
        "nofile=unlimited",
        "nofile=1:-1",
        "nofile=1:",
        "nofile=1048577",
        "rtprio=99",
        "nice=1",
        "nproc=1048577",
        "nproc=-1",
        "core=-1",
        "core=1048577",
        "nofile=2:1",
        "memlock=-1:5",
        "memlock=6:5",
        "memlock=-2",
        "memlock=1:2:3",
        "memlock=\u0661",
        "memlock=9999999999999999999",
        "stack=1k",
        "stack=",
        "NOFILE=1",
        " nofile=1",
        "nofile =1",
    ],
    "gpus": [
        "",
        "driver=x",
        "all,driver=x",
        "driver=nvidia,count=1",
        "count=1,count=2",
        "all,1",
        "1,device=0",
        "1,device=all",
        '"device=all,0"',
        "device=ALL",
        "count=1,device=0",
        "DEVICE=0",
        "Count=1",
        "all,capabilities=graphics",
        "all,capabilities=",
        '"capabilities=gpu,sys_admin"',
        'all"',
        '"all',
        "all,",
        ",all",
        "all\n,driver=x",
        "device=",
        "device=0,1",
        "device=0,driver=x",
        '"device=0,driver=x"',
        '"device=0",driver=x',
        "capabilities=utility",
        "all,options=x",
        "options=x",
        "count=-1",
        "-1",
        "0",
        "65",
        "all,all",
        "ALL",
        "device=0;x",
        "device=/dev/sda",
        '"driver=x"',
        "runtime.nvidia.com/gpu=all",
        "vendor.com/x=y",
    ],
    "restart": [
        "",
        "always",
        "unless-stopped",
        "on-failure:6",
        "on-failure:99",
        "on-failure:-1",
        "on-failure:x",
        "on-failure:05",
        "no:3",
        "NO",
        "on-failure:1:2",
        ":",
        ":1",
    ],
    "log-driver": ["", "syslog", "fluentd", "gelf", "splunk", "awslogs", "journald", "none", "JSON-FILE"],
    "log-opt": [
        "",
        "max-size",
        "max-size=",
        "env=HOME",
        "labels=x",
        "env-regex=.*",
        "syslog-address=tcp://10.0.0.1",
        "=x",
        "gelf-address=udp://10.0.0.1:1",
        "max-size=" + "1" * 200,
        "MAX-SIZE=1",
        " max-size=1",
    ],
    "user": [
        "", "root", "0", "0:0", "1000 ", "app\n", "a/b", "x" * 65, "1001", "1000:1:2", "1000:", ":1000", "1000::1",
    ],
    "workdir": [
        "",
        "app",
        ".",
        "..",
        "/proc",
        "/proc/",
        "/proc/self/fd/8",
        "/proc/self/fd/8/",
        "/\n/b/",
        "/sys",
        "/sys/x",
        "/dev",
        "/dev/fd/8",
        "//proc/self/fd/8",
        "/./proc/self/fd/8",
        "/x/../proc/self/fd/8",
        "/x/..",
        "/..",
        "/.",
        "/x//y",
        "proc/self/fd/8",
        "C:\\x",
        "/" + "x" * 1100,
    ],
    "hostname": ["a.b", "vault", "", "-a", ".a", "a b", "a/b", "a" * 64, "a\n", "a=b", "\u00e9"],
    "domainname": ["", "-a"],
    "entrypoint": ["a\nb", "x" * 5000],
    "security-opt": [
        "",
        "seccomp=unconfined",
        "seccomp=/etc/shadow",
        "seccomp:unconfined",
        "apparmor=unconfined",
        "apparmor:unconfined",
        "label=disable",
        "label:type:x",
        "systempaths=unconfined",
        "writable-cgroups=true",
        "no-new-privileges=false",
        "no-new-privileges:false",
        "no-new-privileges=",
        "no-new-privileges:",
        "no-new-privileges=0",
        "no-new-privileges=true=",
        "NO-NEW-PRIVILEGES",
        "no-new-privileges,seccomp=unconfined",
    ],
    "cap-drop": ["", "C", "CAP_", "NET RAW", "A=B", "X" * 40, "\u0410LL", "\u017fYS_ADMIN", "K\u0131LL"],
    "ipc": ["", "host", "shareable", "container:web", "PRIVATE", "private ", "service:db"],
    "cgroupns": ["", "host", "none", "Private"],
    "expose": ["", "0", "65536", "x", "80/icmp", "80-", "-80", "1-2-3", "80/tcp/udp", "080"],
    "attach": ["", "STDIN", "all", "tty"],
    "pull": ["", "Always", "build"],
    "platform": ["", "windows/amd64", "linux"],
    "stop-signal": ["", "KILL;x", "TERM\n", "RTMIN+\u0661", "RTMIN+", "RTMIN+123", "RTMIN+\u00b2", "\u0669"],
    "stop-timeout": ["-1", "301", "", "1s"],
    "health-cmd": ["a\nb"],
    "health-interval": ["30", "", "x", "1ms", "999ms", "1ns", "-1s", "-0s"],
    "health-timeout": ["x"],
    "health-start-period": ["x"],
    "health-start-interval": ["x", "500ms"],
    "health-retries": ["0", "101", ""],
    "tag": ["", "x", "alpine", "docker.io/x/lab/y", "ghcr.io/lab/x", "lab/x@sha256:" + "0" * 64, "LAB/x", "lab/"],
    "file": ["a\nb", "x" * 5000],
    "build-arg": ["", "BENCH_N", "HTTP_PROXY=x", "LD_X=1", "BUILDKIT_SYNTAX=x", "=BENCH_N"],
    "target": ["", "-x", "a b"],
    "progress": ["", "x"],
    "volume": ["", "/etc:/x", "x:/y", "prod:/x", "ollama:/proc", "/srv/data:/x", "/srv/out/a:/x"],
    "mount": ["", "type=bind,src=/,dst=/x", "src=ollama,dst=/x,volume-opt=o=bind", "type=image,src=a,dst=/x"],
    "tmpfs": ["", "/", "/proc", "/x:exec", "/x:size=2g"],
    "publish": ["", "80", "8080:80", "0.0.0.0:8080:80", "127.0.0.1:22:22", "host_ip=127.0.0.1,target=1,published=1"],
    "network": [
        "", "host", "none", "container:x", "name=bridge", "name=host", "bridge,alias=x", '"bridge"', "lab/x", " lab",
        "prod", "ns:/proc/1/ns/net", "LAB",
    ],
    "network-alias": ["", "ollama", "bench-/"],
    "project-name": ["", "prod", "LAB", "lab2", "xlab", "lab "],
}


def pairs(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(field, value) for field, values in table.items() for value in values]


def test_every_judge_has_values_that_it_lets_through_and_that_it_does_not() -> None:
    assert (sorted(GOOD), sorted(BAD)) == (FIELDS, FIELDS)


@pytest.mark.parametrize(("field", "value"), pairs(GOOD))
def test_a_value_that_may_be(field: str, value: str) -> None:
    assert judge(ALLOWED, field, value) == ""


@pytest.mark.parametrize(("field", "value"), pairs(BAD))
def test_a_value_that_may_not_be_is_told_what_may(field: str, value: str) -> None:
    expected = judge(ALLOWED, field, value)
    assert expected != ""
    assert expected.isascii()
    assert expected.isprintable()


@pytest.mark.parametrize("value", ["on-failure", "on-failure:0", "on-failure:"])
def test_a_restart_without_an_end_is_not_among_five_restarts(value: str) -> None:
    """Docker takes no count, and a count of 0, for no limit (moby restartmanager)."""
    assert not fits("restart", value)


@pytest.mark.parametrize(
    "value",
    [
        'tag={{pad "" 999999999999 0}}', 'tag={{ pad .ID 9999999999 1}}', "tag={{range $i := .}}{{end}}",
        "max-buffer-size=100t",
    ],
)  # fmt: skip
def test_an_option_of_the_log_is_no_way_to_fill_the_memory_or_the_disk_of_the_daemon(value: str) -> None:
    """A tag is a template that dockerd itself executes, with a `pad` that allocates what it is told."""
    assert not fits("log-opt", value)


@pytest.mark.parametrize(
    ("most", "value", "may"),
    [
        (-1, "all", True), (0, "all", False), (0, "1", False), (0, "device=0", False), (2, "all", False),
        (2, "2", True), (2, "3", False), (1, "device=7", True), (1, '"device=0,1"', False), (1, "count=all", False),
    ],
)  # fmt: skip
def test_there_are_as_many_gpus_as_the_policy_says(most: int, value: str, may: bool) -> None:
    assert fits("gpus", value, ALLOWED.but(gpus=most)) is may


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "bench-1"), ("env", "RUNS=1"), ("label", "bench.x"), ("memory", "1"), ("shm-size", "1"), ("cpus",
        "0.1"),
        ("pids-limit", "1"), ("gpus", "all"), ("log-driver", "local"), ("user", "1000"), ("tag", "lab/x"),
        ("build-arg", "BENCH_N=1"), ("project-name", "lab"), ("restart", "always"), ("restart", "on-failure:1"),
        ("volume", "/x"), ("volume", "ollama:/x"), ("mount", "type=tmpfs,dst=/x"), ("tmpfs", "/x"),
        ("publish", "127.0.0.1:8080:80"), ("network", "bridge"), ("network", "default"), ("network-alias", "x"),
    ],
)  # fmt: skip
def test_what_a_policy_does_not_speak_of_is_not_allowed(field: str, value: str) -> None:
    assert not fits(field, value, Containers())


def test_a_policy_that_does_not_speak_of_restarts_allows_none() -> None:
    assert fits("restart", "no", Containers())


def test_a_policy_that_does_not_speak_of_networks_allows_only_none() -> None:
    assert fits("network", "none", Containers())
    assert not fits("network", "none", Containers(networks=("lab",)))


@pytest.mark.parametrize("value", ["host", "container:x", "name=host", "ns:/proc/1/ns/net"])
def test_no_pattern_of_a_policy_reaches_the_network_of_the_host_or_of_another_container(value: str) -> None:
    assert not fits("network", value, Containers(networks=("*", value)))


@pytest.mark.parametrize("field", sorted(containers.NEVER_SET))
def test_no_pattern_of_a_policy_reaches_what_the_loader_and_docker_read(field: str) -> None:
    name = field.replace("*", "X")
    wide = ALLOWED.but(environment=("*", field), build_args=("*", field))
    assert not fits("env", f"{name}=1", wide)
    assert not fits("build-arg", f"{name}=1", wide)
    assert fits("env", "OTHER=1", wide)


@pytest.mark.parametrize("field", sorted(containers.NEVER_LABEL))
def test_no_pattern_of_a_policy_reaches_the_labels_that_others_act_on(field: str) -> None:
    wide = ALLOWED.but(labels=("*", field))
    assert not fits("label", field.replace("*", "x") + "=1", wide)
    assert not fits("label", OWNER_LABEL, wide)
    assert fits("label", "other", wide)


@pytest.mark.parametrize(
    ("reference", "may"),
    [
        ("alpine", True), ("alpine:3.20", True), ("docker.io/library/alpine", True), ("ollama/ollama", True),
        ("ghcr.io/a/b", True), ("alpine@sha256:" + "0" * 64, True), ("debian", False), ("ghcr.io/alpine", False),
        ("ghcr.io/b/a", False), ("quay.io/alpine", False), ("127.0.0.1:5000/alpine", False), ("localhost/alpine",
        False),
        ("localhost:5000/alpine", False), ("evil.example/alpine", False), ("docker.io:443/alpine", False),
        ("docker.io.evil.example/alpine", False), ("GHCR.IO/a/b", False), ("[::1]:5000/alpine", False), ("", False),
        ("Alpine", False), ("sha256:" + "0" * 64, False), ("0" * 64, False), ("-x", False), ("x@y", False),
    ],
)  # fmt: skip
def test_an_image_is_of_a_listed_registry_and_a_listed_name(reference: str, may: bool) -> None:
    assert (image(ALLOWED, reference) == "") is may


def test_a_refusal_of_an_image_says_what_may_be_and_that_is_allowed_then() -> None:
    allowed = ALLOWED.but(images=("alpine:3.20",), kept_images=("vault:1.2",))
    digest = "@sha256:" + "0" * 64
    assert image(allowed, "alpine:3.20") == ""
    assert image(allowed, "alpine") == "one of alpine:3.20"
    assert image(allowed, f"alpine:3.20{digest}") == "one of alpine:3.20, without a digest"
    assert image(allowed, f"debian{digest}") == "one of alpine:3.20"
    for reference in ("vault:1.2", f"vault{digest}", f"vault:1{digest}"):
        assert image(allowed.but(images=("*",)), reference) == "an image that is not protected"
    assert image(allowed.but(images=("*",)), "vault:1") == ""


@pytest.mark.parametrize("reference", ["sha256:" + "ab" * 32, "ab" * 32])
def test_an_id_of_a_local_image_tells_no_registry(reference: str) -> None:
    assert image(SHIPPED, reference) != ""


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1", 1), ("1b", 1), ("1k", 1024), ("1kb", 1024), ("1K", 1024), ("1KB", 1024), ("2m", 2 << 20), ("3g", 3 * GIB),
        ("1t", 1 << 40), ("1.5k", 1536), ("0", 0), ("", 0), ("b", 0), ("k", 0), ("-1", 0), ("1x", 0), ("1 k", 0),
        ("1.", 0), (".5k", 0), ("1e3", 0), ("nan", 0), ("1" * 16, 0), ("1" * 400 + "k", 0), ("\u0661", 0), ("1,5k", 0),
        ("\u00b2", 0), ("1kk", 0),
    ],
)  # fmt: skip
def test_a_size_is_read_in_bytes_and_0_is_none(text: str, amount: int) -> None:
    assert size(text) == amount


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ((), [("memory", str(2 * GIB)), ("pids-limit", "100")]),
        (("memory",), [("pids-limit", "100")]),
        (("memory", "pids-limit"), []),
        (("memory-swap", "pids"), [("memory", str(2 * GIB)), ("pids-limit", "100")]),
    ],
)
def test_a_limit_that_nobody_named_is_put_in(given: tuple[str, ...], made: list[tuple[str, str]]) -> None:
    assert defaults(ALLOWED, given) == made
    assert defaults(Containers(), given) == []


def test_what_is_put_in_may_be_what_a_user_may_say() -> None:
    assert [judge(SHIPPED, field, value) for field, value in defaults(SHIPPED, ())] == ["", ""]


def test_an_option_has_one_verdict() -> None:
    assert HARMLESS.isdisjoint(FIELDS)
    assert not knows("privileged")


def test_only_flags_are_harmless() -> None:
    """A harmless option is never looked at; one with a value would carry anything."""
    for command in ("docker run", "docker build", "docker compose run", "docker compose build"):
        options = trees()[command.rpartition(" ")[0]].commands[command].options
        assert [name for name in HARMLESS & set(options) if options[name].kind != "flag"] == []


texts = st.text() | st.text("0123456789.:=-/,\"'gGmMbkKtTeE+_ \nall", max_size=30)


@given(st.sampled_from([*FIELDS, *sorted(HARMLESS)]), texts | st.sampled_from([v for _, v in pairs(BAD)]),
       st.sampled_from([ALLOWED, SHIPPED, Containers()]))  # fmt: skip
@example("memory", "\u0661g", ALLOWED)
@example("cpus", "\u00b2", ALLOWED)
@example("hostname", "", ALLOWED)
@example("env", "=", ALLOWED)
def test_a_judge_answers_whatever_it_is_asked(field: str, value: str, allowed: Containers) -> None:
    expected = judge(allowed, field, value)
    assert expected.isprintable()
    assert image(allowed, value).isprintable()
    assert size(value) >= 0


@pytest.mark.parametrize(
    ("memory", "least", "most"),
    [("", 2 * GIB, 4 * GIB), ("1g", GIB, 2 * GIB), ("4GiB", 4 * GIB, 8 * GIB), ("8g", 8 * GIB, 8 * GIB)],
)
def test_memory_and_swap_are_at_most_what_docker_gives_anyway_and_within_the_limit(
    memory: str, least: int, most: int
) -> None:
    for amount, may in ((least, True), (most, True), (least - 1, False), (most + 1, False)):
        assert (containers.swap(ALLOWED, memory, str(amount)) == "") is may
    assert containers.swap(ALLOWED, memory, "-1") != ""


def test_swap_without_a_limit_of_memory_is_refused_as_docker_would() -> None:
    free = ALLOWED.but(default_memory=0)
    assert containers.swap(free, "", "2g") == "a size, where a memory limit is given too"
    assert containers.swap(free, "1g", "2g") == ""


@given(st.text(max_size=12))
@example("\u00b2")
@example("1" * 5000)
def test_a_restart_of_a_policy_that_reads_badly_breaks_nothing(count: str) -> None:
    assert isinstance(judge(ALLOWED.but(restart=(f"on-failure:{count}",)), "restart", "on-failure:1"), str)


@given(st.text("0123456789.kmgtbKMGTB", max_size=12))
def test_a_memory_that_may_be_is_within_what_is_allowed(text: str) -> None:
    assert fits("memory", text) is (0 < size(text) <= ALLOWED.memory)
