"""docker build: where files may come from, what docker is handed, what the last word depends on."""

from __future__ import annotations

import pytest

from rshell import say
from rshell.core import containers, limits
from rshell.core.build.options import OURS, Base, Found, written
from rshell.core.model import Exec, Need, Policy, Refusal
from rshell.core.objects.rights import NONE, Thing
from rshell.core.settle import settle
from rshell.policy.check import context
from tests.support import argvs, code, execs, judge, policy, trees
from tests.support import written as policy_of

DOCKER = "/usr/bin/docker"
LISTED = """
version: 1
roles: {r: {grants: [g]}}
grants: {g: {commands: {docker build: {options: by-containers}, docker pull: []}}}
containers:
  registries: [docker.io]
  images: ["*"]
  environment: ["*"]
  labels: [lab.*]
  users: ["*"]
  networks: [bridge, lab]
  limits: {memory: 8g, shm: 1g, pids: 100}
  build: {contexts: [CONTEXTS], tags: [lab/*], args: [BENCH_*]}
objects: {manage: any, observe: any}
"""
RULES = policy_of(LISTED.replace("CONTEXTS", "stdin, /srv/lab, /srv/bench"))
TEXT = "FROM alpine:3.20 AS a\nRUN id\nFROM scratch\nCOPY --from=a / /\n"
BASES = (Base("alpine:3.20", True, "alpine@sha256:" + "0" * 64),)
FOUND = Found(TEXT, BASES, written(TEXT, BASES), 7)
FORCED = ["--label=rshell.built-by=0"]
BUILD = trees()["docker"].commands["docker build"]


def built(line: str, rules: Policy = RULES) -> list[str]:
    """The argv of the one process of a line, without `docker image build`."""
    (argv,) = argvs(line, rules=rules)
    assert argv[:3] == [DOCKER, "image", "build"]
    return argv[3:]


def needs(line: str) -> tuple[Need, ...]:
    return execs(judge(line, rules=RULES))[0].needs


def refused(line: str, rules: Policy = RULES) -> Refusal:
    decided = judge(line, rules=rules)
    assert isinstance(decided, Refusal), decided
    return decided


# -- where the files come from -------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "file", "need"),
    [
        ("-", "Dockerfile", Need("dockerfile", ("-",))),
        ("/srv/lab", "Dockerfile", Need("build-context", ("/srv/lab",))),
        ("/srv/lab/", "Dockerfile", Need("build-context", ("/srv/lab",))),
        ("/srv/lab/deep/er", "Dockerfile", Need("build-context", ("/srv/lab/deep/er",))),
        ("-f - /srv/bench", OURS, Need("dockerfile", ("/srv/bench",))),
        ("--file=- /srv/bench", OURS, Need("dockerfile", ("/srv/bench",))),
        ("-f Dockerfile.dev /srv/lab", "Dockerfile.dev", Need("build-context", ("/srv/lab",))),
        ("-f ./docker/Dockerfile /srv/lab", "docker/Dockerfile", Need("build-context", ("/srv/lab",))),
        ("-f /srv/lab/docker/Dockerfile /srv/lab", "docker/Dockerfile", Need("build-context", ("/srv/lab",))),
    ],
)
def test_docker_reads_a_tar_on_stdin_whatever_was_asked_for(words: str, file: str, need: Need) -> None:
    assert built(f"docker build -t lab/x {words}") == ["--tag=lab/x", *FORCED, f"--file={file}", "--", "-"]
    assert needs(f"docker build -t lab/x {words}") == (need,)


@pytest.mark.parametrize("word", [
    ".", "..", "./bench", "bench", "'~'", "/", "//srv/lab", "/srv", "/srv/labs", "/srv/lab/../../etc", "/srv/lab/./x",
    "/srv//lab", "/etc", "''", "https://example.com/x.git", "http://example.com/x.tgz", "git@example.com:x.git",
    "git://example.com/x", "github.com/docker/cli", "file:///srv/lab", "stdin", "/srv/lab#main", "/srv/lab/a:b/..",
])  # fmt: skip
@pytest.mark.parametrize("spelling", ["docker build {}", "docker image build -- {}", "docker builder build -f - {}"])
def test_no_other_context_is_taken(spelling: str, word: str) -> None:
    assert code(spelling.format(word), rules=RULES) == ("denied", "docker.build.no-context")


def test_a_refused_context_is_pointed_at_with_what_may_be_there() -> None:
    assert refused("docker build -t lab/x ./bench") == Refusal(
        "denied", "docker.build.no-context", "docker build: the build context './bench' is not allowed",
        "docker build -t lab/x ./bench", (22, 29), "allowed: - (a Dockerfile on stdin) /srv/lab /srv/bench", "",
        "g/docker build", "policy.yaml:4", False,
        ("docker build -t lab/x /srv/bench", "docker build -t lab/x -", "docker build -t lab/x /srv/lab"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "words",
    ["-f /etc/shadow /srv/lab", "-f ../x /srv/lab", "-f a/../../x /srv/lab", "-f '' /srv/lab", "-f a//b /srv/lab",
     "-f /srv/labs/x /srv/lab", "-f /srv/lab /srv/lab", "-f - -", "-f Dockerfile -", "-f ./- -"],
)  # fmt: skip
def test_a_dockerfile_elsewhere_is_refused(words: str) -> None:
    assert code(f"docker build {words}", rules=RULES) == ("denied", "docker.build.value")


def test_only_what_is_listed_is_a_context() -> None:
    directories = policy_of(LISTED.replace("CONTEXTS", "/srv/lab"))
    assert code("docker build -", rules=directories) == ("denied", "docker.build.no-context")
    assert code("docker build -f - /srv/lab", rules=directories) == ("denied", "docker.build.no-context")
    assert built("docker build /srv/lab", directories)[-1] == "-"
    nothing = policy_of(LISTED.replace("contexts: [CONTEXTS], ", ""))
    for words in ("-", "/srv/lab", "-f - /srv/lab", "stdin"):
        assert code(f"docker build {words}", rules=nothing) == ("denied", "docker.build.no-context")
    assert code("docker build /srv/lab") == ("denied", "docker.build.no-context")  # the shipped policy


# -- options -------------------------------------------------------------------------------

VALUES = {
    "build-arg": "BENCH_X=1", "cpu-shares": "512", "cpuset-cpus": "0-3", "cpuset-mems": "0", "label": "lab.x=1",
    "memory": "1g", "memory-swap": "2g", "network": "lab", "progress": "plain", "shm-size": "64m", "tag": "lab/x:1",
    "target": "run", "ulimit": "nofile=1024",
}  # fmt: skip
FLAGS = ["check", "compress", "force-rm", "load", "no-cache", "quiet", "rm"]


def test_every_option_is_judged_harmless_or_built_in_as_refused() -> None:
    known = [name for name in BUILD.options if not limits.of_option("docker build", name)]
    granted = [name for name in known if containers.knows(name)]
    assert sorted(name for name in granted if name != "file") == sorted([*VALUES, *FLAGS])
    assert sorted(set(known) - set(granted)) == ["cpu-period", "cpu-quota", "no-cache-filter"]


@pytest.mark.parametrize(("name", "value"), VALUES.items())
def test_a_judged_option_may_be_given(name: str, value: str) -> None:
    assert built(f"docker build --{name}={value} -") == [f"--{name}={value}", *FORCED, "--file=Dockerfile", "--", "-"]


@pytest.mark.parametrize("name", FLAGS)
def test_a_harmless_option_may_be_given(name: str) -> None:
    assert built(f"docker build --{name} -") == [f"--{name}", *FORCED, "--file=Dockerfile", "--", "-"]


@pytest.mark.parametrize("option", [
    "--output=/etc", "-o/", "--iidfile=/x", "--metadata-file=/x", "--secret=id=s,src=/etc/shadow", "--ssh=default",
    "--build-context=x=/etc", "--cache-to=type=local,dest=/x", "--cache-from=x", "--allow=security.insecure",
    "--add-host=x:1.2.3.4", "--security-opt=seccomp=unconfined", "--cgroup-parent=x", "--isolation=x", "--squash",
    "--builder=x", "--attest=type=sbom", "--sbom=true", "--provenance=true", "--annotation=x=y", "--push", "--pull",
    "--platform=linux/arm64", "--call=outline", "--print=x", "--policy=x", "--debug", "-D", "--stream", "--resource=x",
])  # fmt: skip
def test_an_option_that_no_policy_can_allow_is_refused(option: str) -> None:
    refusal = refused(f"docker build {option} -")
    assert (refusal.kind, refusal.code, refusal.built_in) == ("denied", "docker.build.option", True)


@pytest.mark.parametrize("option", [
    "-t postgres:16", "-t ollama/ollama", "-t evil.example/lab/x", "-t lab/x@sha256:" + "0" * 64, "-t lab",
    "--network host", "--network none", "--network container:x", "--network name=lab",
    "--build-arg BENCH_X", "--build-arg OTHER=1", "--build-arg BUILDKIT_SYNTAX=x", "--label rshell.owner=1",
    "--label com.docker.compose.project=x", "--shm-size 900g", "--memory 900g", "--progress x",
])  # fmt: skip
def test_a_value_that_is_not_allowed_is_refused(option: str) -> None:
    assert code(f"docker build {option} -", rules=RULES)[1] == "docker.build.value"


def test_the_owner_is_the_last_label() -> None:
    labels = [word for word in built("docker build --label lab.a=1 --label=lab.b -") if word.startswith("--label")]
    assert labels == ["--label=lab.a=1", "--label=lab.b", "--label=rshell.built-by=0"]


def test_the_default_memory_is_put_in() -> None:
    assert "--memory=17179869184" in built("docker build -", policy())
    assert "--memory=1g" in built("docker build -m 1g -", policy())
    assert not [word for word in built("docker build -m 1g -", policy()) if "17179869184" in word or "pids" in word]


def test_docker_s_own_network_is_spelled_as_both_builders_know_it() -> None:
    for name in ("bridge", "default"):
        assert built(f"docker build --network {name} -")[0] == "--network=default"


def test_where_docker_s_own_network_is_not_allowed_one_must_be_named() -> None:
    rules = policy_of(LISTED.replace("CONTEXTS", "stdin").replace("bridge, lab", "none"))
    refusal = refused("docker build -t lab/x -", rules)
    assert (refusal.code, refusal.tries) == ("docker.build.needs", ("docker build --network none -t lab/x -",))
    assert built("docker build --network none -", rules)[0] == "--network=none"
    assert code("docker build --network default -", rules=rules) == ("denied", "docker.build.value")


# -- a here-document -------------------------------------------------------------------------


def with_text(words: str, text: str) -> str:
    return f"docker build {words} <<'EOF'\n{text}EOF\n"


@pytest.mark.parametrize("words", ["-", "-f - /srv/lab", "-t lab/x -"])
def test_a_dockerfile_may_be_a_here_document(words: str) -> None:
    (command,) = execs(judge(with_text(words, TEXT), rules=RULES))
    assert command.text == TEXT


def test_a_here_document_is_judged_before_anything_runs() -> None:
    line = "docker pull alpine && " + with_text("-", "FROM alpine\nADD http://127.0.0.1/ /\n")
    refusal = refused(line)
    assert (refusal.code, refusal.message) == (
        "docker.build.dockerfile", "docker build: line 2 of the Dockerfile: 'ADD' is not allowed",
    )  # fmt: skip


def test_a_refusal_points_into_the_here_document() -> None:
    refusal = refused(with_text("-", "FROM alpine\n\nRUN true && \\\n  cat <<X\n"))
    assert refusal.at is not None
    assert (refusal.message, refusal.line[slice(*refusal.at)]) == (
        "docker build: line 4 of the Dockerfile: '<<' is not allowed", "<<",
    )  # fmt: skip
    assert say.excerpt(refusal.line, refusal.at) == ["    cat <<X", "        ^^"]


def test_what_has_no_files_copies_none() -> None:
    text = "FROM alpine\nCOPY a /b\n"
    refusal = refused(with_text("-", text))
    assert (refusal.message, refusal.why) == (
        "docker build: line 2 of the Dockerfile: 'COPY' is not allowed",
        "allowed: no COPY: a Dockerfile on - brings no files; a text: RUN cat > /b <<'END'",
    )  # fmt: skip
    assert execs(judge(with_text("-f - /srv/lab", text), rules=RULES))[0].text == text
    later = settled(Found(text))
    assert isinstance(later, Refusal)
    assert (later.code, later.message) == (refusal.code, refusal.message)


def test_a_build_that_reads_no_text_takes_no_here_document() -> None:
    assert code(with_text("/srv/lab", TEXT), rules=RULES) == ("unsupported", "line.text")


# -- the last word ---------------------------------------------------------------------------


def settled(found: Found | None, line: str = "docker build -t lab/x -", rules: Policy = RULES) -> Exec | Refusal:
    asking = execs(judge(line, rules=rules))[0]
    facts = dict.fromkeys(asking.needs[1:], (NONE,))
    return settle(rules, asking, facts if found is None else {asking.needs[0]: (found,), **facts}, context(False))


@pytest.mark.parametrize("line", ["docker build -t lab/x -", "docker build /srv/lab", "docker build -f - /srv/lab"])
def test_docker_gets_what_was_packed(line: str) -> None:
    asking = execs(judge(line, rules=RULES))[0]
    assert settled(FOUND, line) == asking.but(needs=(), stdin=7)


def test_a_here_document_is_not_handed_over() -> None:
    done = settled(FOUND, with_text("-", TEXT))
    assert isinstance(done, Exec)
    assert (done.text, done.stdin) == (None, 7)


def test_an_argument_of_the_line_names_the_image() -> None:
    text = "ARG BENCH_V=3.20\nFROM alpine:${BENCH_V}\n"
    asked = "docker build --build-arg BENCH_V=3.21 -"
    bases = (Base("alpine:3.21", True, "alpine@sha256:" + "1" * 64),)
    sent = written(text, bases, ("BENCH_V=3.21",))
    assert sent == "ARG BENCH_V=3.20\nFROM alpine@sha256:" + "1" * 64 + "\n"
    found = Found(text, bases, sent, 7)
    done = settled(found, asked)
    assert isinstance(done, Exec)
    assert done.stdin == 7
    refusal = settled(found)  # the same without the argument is another image
    assert isinstance(refusal, Refusal)
    assert refusal.code == "docker.build.no-facts"


def test_an_argument_that_names_an_image_elsewhere_is_refused_before_anything_runs() -> None:
    text = "ARG BENCH_V=alpine\nFROM $BENCH_V\n"
    refusal = refused(with_text("--build-arg BENCH_V=evil.example/x -", text))
    assert (refusal.code, refusal.message) == (
        "docker.build.dockerfile", "docker build: line 2 of the Dockerfile: 'FROM evil.example/x' is not allowed",
    )  # fmt: skip


def test_what_is_sent_is_written_by_digest() -> None:
    assert FOUND.sent == TEXT.replace("alpine:3.20", "alpine@sha256:" + "0" * 64)


@pytest.mark.parametrize("sent", [TEXT, "", "FROM alpine:3.20\nADD http://127.0.0.1/ /\n", FOUND.sent + "RUN id\n"])
def test_another_dockerfile_than_the_judged_one_is_not_sent(sent: str) -> None:
    refusal = settled(FOUND.but(sent=sent))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "docker.build.no-facts"


@pytest.mark.parametrize(
    ("found", "kind", "code", "message"),
    [
        (None, "unavailable", "no-facts", "dockerfile could not be looked up"),
        (FOUND.but(stdin=-1), "unavailable", "no-facts", "dockerfile could not be looked up"),
        (FOUND.but(bases=()), "unavailable", "no-facts", "dockerfile could not be looked up"),
        (Found(""), "denied", "dockerfile", "line 1 of the Dockerfile: 'nothing to start from' is not allowed"),
        (Found("FROM evil.example/x\n"), "denied", "dockerfile",
         "line 1 of the Dockerfile: 'FROM evil.example/x' is not allowed"),
        (Found("FROM alpine\nENV LD_PRELOAD=/x\n"), "denied", "dockerfile",
         "line 2 of the Dockerfile: 'ENV LD_PRELOAD' is not allowed"),
        (FOUND.but(bases=(Base("alpine:3.20", False),), stdin=-1), "denied", "base-absent",
         "the image alpine:3.20 is not here"),
        (FOUND.but(bases=(BASES[0].but(triggers=True),)), "denied", "base-triggers",
         "the image alpine:3.20 has ONBUILD instructions"),
        (FOUND.but(bases=(BASES[0].but(native=False),)), "denied", "base-platform",
         "the image alpine:3.20 is of another platform"),
        (Found(fault="no-text", about="a terminal"), "unsupported", "no-text", "nothing to read: stdin is a terminal"),
        (Found(fault="context-file", about="you may not read x"), "denied", "context-file",
         "the build context can't be sent: you may not read x"),
    ],
)  # fmt: skip
def test_a_build_is_refused_for_what_was_found(found: Found | None, kind: str, code: str, message: str) -> None:
    refusal = settled(found)
    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.code, refusal.message) == (kind, f"docker.build.{code}", f"docker build: {message}")


@pytest.mark.parametrize(
    ("text", "number", "line", "marked"),
    [
        ("FROM alpine\nRUN --mount=x id\n", 2, "RUN --mount=x id", "--mount=x"),
        ("FROM alpine\nENV A=1 \\\n  LD_X=1\n", 3, "  LD_X=1", "LD_X"),
        ("FROM alpine\nadd x y", 2, "add x y", "add"),
        ("FROM alpine\nFROM cafe AS a/b", 2, "FROM cafe AS a/b", "a/b"),
        ("FROM evil.example/x", 1, "FROM evil.example/x", "evil.example/x"),
        ("\ufeffFROM evil.example/x\r\n", 1, "FROM evil.example/x", "evil.example/x"),
        ("FROM alpine\r\nENV A=1 \\\r\n  LD_X=1\r\n", 3, "  LD_X=1", "LD_X"),
        ("# x", 1, "# x", "# x"),
        ("", 1, "", ""),
    ],
)
def test_a_refusal_shows_the_line_of_the_text(text: str, number: int, line: str, marked: str) -> None:
    refusal = settled(Found(text))
    assert isinstance(refusal, Refusal)
    assert refusal.message.startswith(f"docker build: line {number} of the Dockerfile: ")
    assert refusal.at is not None
    assert (refusal.line, refusal.sent, line[slice(*refusal.at)]) == (line, True, marked)


# -- the names of the image --------------------------------------------------------------------

OWN = policy_of(LISTED.replace("CONTEXTS", "stdin").replace("manage: any", "manage: own, protected: {labels: [keep]}"))


def tagged(thing: Thing | str, rules: Policy = OWN) -> Exec | Refusal:
    """What becomes of a build whose name something has already."""
    asking = execs(judge("docker build -t lab/x -t lab/x -", rules=rules))[0]
    assert asking.needs == (Need("dockerfile", ("-",)), Need("image-tags", ("lab/x",)))
    return settle(rules, asking, dict(zip(asking.needs, ((FOUND,), (thing,)), strict=True)), context(False))


def test_a_name_that_nothing_has_or_an_image_of_one_s_own_may_be_given() -> None:
    own = Thing("image", "sha256:" + "1" * 64, ("lab/x:latest",), (("rshell.built-by", "0"),), (), "lab/x:latest")
    for thing in ("", own):
        done = tagged(thing)
        assert isinstance(done, Exec)
        assert done.stdin == 7


@pytest.mark.parametrize(
    ("thing", "code"),
    [
        (Thing("image", "sha256:" + "1" * 64, (), ()), "not-yours"),
        (Thing("image", "sha256:" + "1" * 64, (), (("rshell.owner", "0"),)), "not-yours"),
        (Thing("image", "sha256:" + "1" * 64, (), (("rshell.built-by", "0"), ("keep", ""))), "protected"),
        ("many", "no-facts"),
    ],
)
def test_the_name_of_an_image_of_others_is_not_given(thing: Thing | str, code: str) -> None:
    refusal = tagged(thing)
    assert isinstance(refusal, Refusal)
    assert refusal.code == f"docker.build.{code}"


def test_whose_an_image_is_is_not_asked_where_it_does_not_count() -> None:
    assert needs("docker build -t lab/x -") == (Need("dockerfile", ("-",)),)
    assert [need.check for need in execs(judge("docker build -t lab/x -"))[0].needs] == ["dockerfile", "image-tags"]


def test_an_image_that_is_not_here_is_to_be_pulled() -> None:
    refusal = settled(FOUND.but(bases=(Base("alpine:3.20", False),), stdin=-1))
    assert isinstance(refusal, Refusal)
    assert refusal.tries == ("docker pull alpine:3.20",)


def test_an_image_without_a_digest_is_named_by_its_id_which_the_classic_builder_takes() -> None:
    """By its name, the builder would fetch another one as soon as this is removed."""
    thing = Thing("image", "sha256:" + "7" * 64, ("lab/x:latest",), ())
    bases = (*BASES, Base("lab/x:latest", True, thing=thing))
    text = "FROM alpine:3.20 AS a\nRUN sleep 600\nFROM lab/x\nRUN id\n"
    sent = f"FROM {BASES[0].digest} AS a\nRUN sleep 600\nFROM {'7' * 64}\nRUN id\n"
    assert written(text, bases) == sent
    ready = settled(Found(text, bases, sent, 3))
    assert isinstance(ready, Exec)
    assert ready.environment[-1] == ("DOCKER_BUILDKIT", "0")
    pinned = settled(FOUND)
    assert isinstance(pinned, Exec)
    assert "DOCKER_BUILDKIT" not in dict(pinned.environment)


@pytest.mark.parametrize("thing", [
    Thing("image", "sha256:1", ("alpine:3.20", "vault:1"), ()),
    Thing("image", "sha256:1", ("alpine:3.20",), (("rshell.protect", "true"),)),
])  # fmt: skip
def test_on_a_protected_image_nothing_is_built(thing: Thing) -> None:
    """RUN would read what is in it."""
    base = BASES[0].but(thing=thing)
    kept = "observe: any, protected: {images: [vault], labels: [rshell.protect=true]}"
    rules = policy_of(LISTED.replace("CONTEXTS", "stdin").replace("observe: any", kept))
    refusal = settled(FOUND.but(bases=(base,)), rules=rules)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.message) == ("docker.build.protected", "docker build: 'alpine:3.20' is protected")
