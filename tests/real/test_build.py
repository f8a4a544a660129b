"""docker build through a real ssh, by both builders of a real Engine: what it may read, and what docker gets."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .account import Account
from .boundary import GATE
from .engine import FRONT, Engine
from .ground import first_line, need, program, run, wait_until
from .install import CHECKOUT, Installed
from .logs import DevLog
from .registry import digest, mirror
from .sshd import Client

pytestmark = pytest.mark.real

FROM = "FROM base\n"
BUILD = "docker build -q --network none -t lab/x"
REFUSED = "rshell: denied: docker build: "


@pytest.fixture(scope="module")
def pulled(engine: Engine) -> Iterator[str]:
    """The image that is built on, by its digest."""
    with mirror(engine) as registry:
        registry.add("library/base", {})
        engine.docker("pull", "--quiet", "base")
        yield "base@" + digest(registry.manifests["library/base"])
        engine.docker("rmi", "--force", "base")


@pytest.fixture(scope="module")
def lab(base: Path, installed: Installed, pulled: str) -> Iterator[Path]:
    """A directory of the operator's that the policy lists, besides stdin."""
    place = base / "lab"
    place.mkdir(mode=0o755)
    text = (CHECKOUT / "policy.yaml").read_text()
    assert "contexts:  [stdin]" in text
    with installed.other_policy(text.replace("contexts:  [stdin]", f"contexts: [stdin, {place}]", 1)):
        yield place
    place.rmdir()


@pytest.fixture
def context(lab: Path) -> Iterator[Path]:
    """A context below it, gone after the test."""
    place = lab / "context"
    place.mkdir(mode=0o755)
    (place / "Dockerfile").write_text(FROM + "COPY . /here\n")
    (place / "file").write_text("hello\n")
    yield place
    run(program("rm"), "-r", place)


@pytest.fixture(params=["classic", "buildkit"])
def builder(request: pytest.FixtureRequest, engine: Engine) -> Iterator[str]:
    """Which of the Engine's two builders docker is told to take."""
    with told(engine, request.param == "buildkit"):
        yield request.param
    engine.docker("rmi", "--force", "lab/x", check=False)


@contextmanager
def told(engine: Engine, buildkit: bool) -> Iterator[None]:
    """For a while, the Engine prefers one of its builders."""
    settings = engine.private.parent / "daemon.json"
    before = settings.read_text()
    try:
        if buildkit:
            settings.write_text(json.dumps({**json.loads(before), "features": {"buildkit": True}}))
            os.kill(engine.server.pid, 1)
            wait_until(lambda: preferred(engine) == "2", 30, "BuildKit")
        yield
    finally:
        if buildkit:
            settings.write_text(before)
            os.kill(engine.server.pid, 1)
            wait_until(lambda: preferred(engine) != "2", 30, "the classic builder")


def preferred(engine: Engine) -> str:
    """The version of the builder that the Engine names to its clients."""
    need("curl")
    done = run(program("curl"), "-sI", "--unix-socket", engine.private, "http://docker/_ping")
    lines = [line.partition(": ") for line in done.stdout.splitlines()]
    return next((value for name, _, value in lines if name == "Builder-Version"), "")


def asked_to_build(engine: Engine) -> bool:
    """Tell whether the Engine was asked to build anything."""
    return any("/build" in request or "/session" in request for request in engine.requests)


def shown(engine: Engine, *words: str) -> str:
    """What a command prints in the built image."""
    return engine.docker("run", "--rm", "--network=none", "lab/x", *words).stdout


def labels(engine: Engine) -> dict[str, str]:
    return dict(json.loads(engine.docker("inspect", "--format={{json .Config.Labels}}", "lab/x").stdout))


# -- a Dockerfile on stdin -------------------------------------------------------------------


def test_it_is_built_from_a_pipe(ssh: Client, engine: Engine, account: Account, lab: Path, builder: str) -> None:
    done = ssh(f"{BUILD} -", input="# mine\n" + FROM + "RUN echo one \\\n  # comment\n  two > /made\nENV A=b\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("sha256:")
    assert shown(engine, "cat", "/made") == "one two\n"
    assert labels(engine) == {"rshell.built-by": str(account.uid)}


def test_it_is_built_from_a_here_document(ssh: Client, engine: Engine, lab: Path, builder: str) -> None:
    text = FROM.rstrip() + " AS first\nRUN echo made > /made\nFROM base\nCOPY --from=first /made /copied\n"
    done = ssh(f"{BUILD} --label lab.x=1 - <<'EOF'\n{text}EOF\ndocker images -q lab/x | wc -l")
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, "", "1")
    assert shown(engine, "cat", "/copied") == "made\n"
    assert labels(engine)["lab.x"] == "1"


def test_a_here_document_in_it_is_run_by_every_builder(
    ssh: Client, engine: Engine, lab: Path, builder: str
) -> None:
    text = "RUN <<EOF\n# no comment\necho \"one\" \\\n  two > /made\nEOF\nRUN cat <<-'X' > /more\n\ta < $b\n\tX\n"
    done = ssh(f"{BUILD} -", input=FROM + text)
    assert (done.returncode, done.stderr) == (0, "")
    assert shown(engine, "cat", "/made", "/more") == "one two\na < $b\n"


def test_a_script_builds_from_a_here_document(ssh: Client, engine: Engine, lab: Path) -> None:
    done = ssh(input=f"{BUILD} - <<'EOF'\n{FROM}RUN echo made > /made\nEOF\necho $?\n")
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, "", "0")
    assert shown(engine, "cat", "/made") == "made\n"


def test_the_builder_gets_the_judged_dockerfile_alone(
    ssh: Client, engine: Engine, context: Path, builder: str, pulled: str
) -> None:
    (context / "Dockerfile").write_text("# a comment\n" + FROM + "RUN true\nCOPY . /here\n")
    done = ssh(f"{BUILD} {context}")
    assert (done.returncode, done.stderr) == (0, "")
    assert shown(engine, "ls", "-A", "/here") == "Dockerfile\nfile\n"
    assert shown(engine, "cat", "/here/Dockerfile") == f"\nFROM {pulled}\nRUN true\nCOPY . /here\n"


def test_on_an_image_that_was_made_here_is_built_by_its_id(
    ssh: Client, engine: Engine, context: Path, builder: str
) -> None:
    """Whichever builder the Engine prefers, and whoever takes the name away meanwhile."""
    (context / "Dockerfile").write_text("FROM busybox:test\nCOPY . /here\n")
    done = ssh(f"{BUILD} {context}")
    key = engine.docker("inspect", "--format={{.Id}}", "busybox:test").stdout.strip().removeprefix("sha256:")
    assert done.returncode == 0
    assert shown(engine, "cat", "/here/Dockerfile") == f"FROM {key}\nCOPY . /here\n"


def test_a_dockerfile_on_stdin_brings_no_files(ssh: Client, engine: Engine, lab: Path) -> None:
    engine.clear()
    done = ssh(f"{BUILD} -", input=FROM + "COPY . /here\n")
    assert (done.returncode, "a Dockerfile on - brings no files" in done.stderr) == (126, True)
    assert not asked_to_build(engine)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FROM + "ADD http://127.0.0.1:1/ /x\n", "line 2 of the Dockerfile: 'ADD'"),
        ("# syntax=busybox:test\n" + FROM, "line 1 of the Dockerfile: '# syntax=busybox:test'"),
        (FROM + "RUN --mount=type=bind,target=/x id\n", "line 2 of the Dockerfile: 'RUN --mount=type=bind,target=/x'"),
        (FROM + "COPY --from=busybox:test / /\n", "line 2 of the Dockerfile: '--from=busybox:test'"),
        ("FROM 127.0.0.1:5000/x\n", "line 1 of the Dockerfile: 'FROM 127.0.0.1:5000/x'"),
        (FROM + "LABEL com.docker.x=prod\n", "line 2 of the Dockerfile: 'LABEL com.docker.x'"),
        (FROM + "ENV LD_PRELOAD=/x\n", "line 2 of the Dockerfile: 'ENV LD_PRELOAD'"),
    ],
)  # fmt: skip
def test_a_dockerfile_outside_the_subset_never_reaches_the_engine(
    ssh: Client, engine: Engine, lab: Path, text: str, said: str
) -> None:
    engine.clear()
    expected = (126, "", f"{REFUSED}{said} is not allowed [docker.build.dockerfile]")
    assert first_line(ssh(f"{BUILD} -", input=text)) == expected
    assert first_line(ssh(f"{BUILD} - <<'EOF'\n{text}EOF\n")) == expected
    assert not asked_to_build(engine)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\x1f\x8b\x08" + b"\0" * 200, "not UTF-8 text"),
        (b"x" * 300_000, "longer than 262144 bytes"),
    ],
)
def test_what_is_no_text_is_not_built(ssh: Client, engine: Engine, lab: Path, data: bytes, why: str) -> None:
    engine.clear()
    said = f"rshell: unsupported: docker build: nothing to read: stdin is {why} [docker.build.no-text]"
    assert first_line(ssh(f"{BUILD} -", input=data)) == (2, "", said)
    assert not asked_to_build(engine)


def test_a_packed_context_is_not_built(ssh: Client, engine: Engine, lab: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(FROM)
    packed = tmp_path.parent / "packed.tar"
    run(program("tar"), "--create", "--file", packed, "--directory", tmp_path, ".")
    engine.clear()
    done = ssh(f"{BUILD} -", input=packed.read_bytes())
    assert first_line(done) == (
        126, "", REFUSED + "line 1 of the Dockerfile: 'a control or format character' is not allowed"
        " [docker.build.dockerfile]",
    )  # fmt: skip
    assert not asked_to_build(engine)


def test_nobody_types_a_dockerfile(ssh: Client, lab: Path) -> None:
    done = ssh(f"{BUILD} -", tty=True)
    assert (done.returncode, "stdin is a terminal" in done.stdout) == (2, True)


def test_a_build_that_is_refused_for_its_text_is_on_record(
    ssh: Client, lab: Path, engine: Engine, devlog: DevLog
) -> None:
    ssh(f"{BUILD} -", input="FROM evil.example/x\n")
    assert [each["code"] for each in devlog.records() if each["event"] == "refuse"] == ["docker.build.dockerfile"]


# -- the images it starts from -----------------------------------------------------------------


def test_an_image_with_triggers_is_not_built_on(ssh: Client, engine: Engine, lab: Path) -> None:
    text = FROM + "ONBUILD RUN touch /triggered\n"
    engine.docker("build", "--network=none", "--tag=lab/trigger", "-", input=text.encode())
    engine.clear()
    try:
        assert first_line(ssh(f"{BUILD} -", input="FROM lab/trigger\n")) == (
            126, "", REFUSED + "the image lab/trigger:latest has ONBUILD instructions [docker.build.base-triggers]",
        )  # fmt: skip
        assert not asked_to_build(engine)
    finally:
        engine.docker("rmi", "--force", "lab/trigger")


def test_an_image_that_is_not_here_is_to_be_pulled_before(ssh: Client, engine: Engine, lab: Path) -> None:
    engine.clear()
    done = ssh(f"{BUILD} -", input="FROM alpine\n")
    assert (done.returncode, done.stderr.splitlines()[0], "  instead: docker pull alpine:latest") == (
        126, REFUSED + "the image alpine:latest is not here [docker.build.base-absent]",
        next(line for line in done.stderr.splitlines() if "instead" in line),
    )  # fmt: skip
    assert not asked_to_build(engine)


# -- a directory ---------------------------------------------------------------------------------


def test_a_listed_directory_is_built(ssh: Client, engine: Engine, context: Path, builder: str) -> None:
    (context / "sub").mkdir(mode=0o755)
    (context / "sub" / "more").write_text("more\n")
    (context / "link").symlink_to("/etc/shadow")
    (context / ".env").write_text("SECRET=1\n")
    (context / ".dockerignore").write_text("# not in images\n.env\n*.key\n")
    (context / "x.key").write_text("key\n")
    done = ssh(f"{BUILD} {context} </dev/null")
    assert (done.returncode, done.stderr) == (0, "")
    files = sorted(shown(engine, "find", "/here", "-type", "f").split())
    assert files == ["/here/Dockerfile", "/here/file", "/here/sub/more"]
    assert shown(engine, "readlink", "/here/link") == "/etc/shadow\n"
    assert shown(engine, "stat", "-c", "%u %g", "/here/file") == "0 0\n"


def test_the_dockerfile_of_a_directory_may_come_from_stdin(
    ssh: Client, engine: Engine, context: Path, builder: str
) -> None:
    done = ssh(f"{BUILD} -f - {context} <<'EOF'\n{FROM}COPY file /mine\nEOF\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert shown(engine, "cat", "/mine") == "hello\n"
    assert ssh(f"{BUILD} -f - {context}", input=FROM + "COPY file Dockerfile /\n").returncode == 0
    assert shown(engine, "cat", "/Dockerfile") == FROM + "COPY . /here\n"


def test_another_dockerfile_of_a_directory_may_be_named(
    ssh: Client, engine: Engine, context: Path, builder: str
) -> None:
    (context / "docker").mkdir(mode=0o755)
    (context / "docker" / "Dockerfile.dev").write_text(FROM + "# dev\nRUN echo dev > /made\n")
    assert ssh(f"{BUILD} -f docker/Dockerfile.dev {context}").returncode == 0
    assert shown(engine, "cat", "/made") == "dev\n"


def test_the_dockerfile_of_a_directory_is_judged_too(ssh: Client, engine: Engine, context: Path) -> None:
    (context / "Dockerfile").write_text(FROM + "ADD http://127.0.0.1:1/ /x\n")
    engine.clear()
    assert first_line(ssh(f"{BUILD} {context}")) == (
        126, "", REFUSED + "line 2 of the Dockerfile: 'ADD' is not allowed [docker.build.dockerfile]",
    )  # fmt: skip
    assert not asked_to_build(engine)


@pytest.mark.parametrize(
    ("mode", "why"),
    [(0o640, "you may not read secret"), (0o600, None)],
)
def test_what_the_user_may_not_read_is_not_built(
    ssh: Client, engine: Engine, context: Path, boundary: str, mode: int, why: str | None
) -> None:
    need("setpriv")
    secret = context / "secret"
    secret.write_text("x\n")
    secret.chmod(mode)
    if boundary == GATE and why:
        import grp

        os.chown(secret, 0, grp.getgrnam("docker").gr_gid)  # so that the identity may
    engine.clear()
    status, output, said = first_line(ssh(f"{BUILD} {context}"))
    expected = why if boundary == GATE and why else "secret: Permission denied"
    assert (status, output, said) == (
        126, "", f"{REFUSED}the build context can't be sent: {expected} [docker.build.context-file]",
    )  # fmt: skip
    assert not asked_to_build(engine)


@pytest.mark.parametrize("word", ["/etc", "/", "..", "https://example.com/x.git", str(FRONT)])
def test_no_other_directory_is_built(ssh: Client, engine: Engine, lab: Path, word: str) -> None:
    engine.clear()
    assert first_line(ssh(f"{BUILD} {word}")) == (
        126, "", f"{REFUSED}the build context '{word}' is not allowed [docker.build.no-context]",
    )  # fmt: skip
    assert engine.connections == 0


def test_a_build_ends_with_its_connection(ssh: Client, engine: Engine, lab: Path, quiet: Account) -> None:
    begun = time.monotonic()
    done = ssh(f"timeout 2 {BUILD} -", input=FROM + "RUN sleep 60\n")
    assert done.returncode == 124
    assert time.monotonic() - begun < 30
    wait_until(lambda: not engine.docker("ps", "--quiet").stdout, 20, "the end of the build's container")
