"""What is looked up for a build, and made: its Dockerfile, its images, its tar; nothing is left open."""

from __future__ import annotations

import getpass
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rshell.core.build.options import OURS, Base, Found
from rshell.core.model import Exec, Need, Policy, Refusal
from rshell.core.objects.rights import Thing
from rshell.host import build, look
from rshell.host.account import Claims
from rshell.host.engine import Engine, Silent
from rshell.host.look import Place
from rshell.host.protocol import Request
from rshell.host.serve import serve
from rshell.policy.check import context
from tests.support import execs, judge, written

DIGEST = "@sha256:" + "0" * 64
VERSION = {"Os": "linux", "Arch": "amd64"}
ID = "7" * 64
ALPINE = {
    "Id": "sha256:" + ID, "Os": "linux", "Architecture": "amd64", "Config": {"OnBuild": None, "Labels": {"a": "b"}},
    "RepoTags": ["alpine:latest"], "RepoDigests": ["alpine" + DIGEST],
}  # fmt: skip
POLICY = """
version: 1
roles: {r: {grants: [g]}}
grants: {g: {run_as: docker, commands: {docker build: {options: by-containers}}}}
identities: {docker: rshell-docker}
containers:
  registries: [docker.io]
  images: [alpine]
  networks: [bridge]
  environment: [V]
  build: {contexts: [stdin, PLACE], args: [V]}
"""


class Known(Engine):
    """An Engine that knows a few things."""

    def __init__(self, **answers: object) -> None:
        super().__init__("", never)
        self.answers = {"/version": VERSION, **{f"/images/{name}/json": said for name, said in answers.items()}}

    def answer(self, path: str) -> object | None:
        """Return what it knows. Raises Silent for what it does not say."""
        if self.answers.get(path) is Silent:
            raise Silent("it does not say")
        return self.answers.get(path)


def never(descriptor: int, event: int, until: float) -> bool:
    """Nothing comes."""
    return False


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with a Dockerfile."""
    (tmp_path / "Dockerfile").write_text("FROM alpine\nCOPY file /\n")
    (tmp_path / "file").write_text("hello\n")
    return tmp_path


@pytest.fixture
def rules(place: Path) -> Policy:
    return written(POLICY.replace("PLACE", str(place)))


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) == before


def found(rules: Policy, line: str, engine: Engine, stdin: int = -1) -> Found:
    """What is found for a line."""
    (command,) = execs(judge(line, rules=rules))
    (fact,) = build.look(command, command.needs[0], Place(engine, stdin, never, getpass.getuser()))
    return fact


def files(fact: Found) -> dict[str, str]:
    """The files of the tar that was made; it is closed."""
    with os.fdopen(fact.stdin, "rb") as file, tarfile.open(fileobj=io.BytesIO(file.read())) as archive:
        return {
            entry.name: data.read().decode()
            for entry in archive
            for data in [archive.extractfile(entry)]
            if data is not None
        }


ENGINE = Known(**{"alpine:latest": ALPINE})
PINNED = f"FROM alpine{DIGEST}\n"
THING = Thing("image", "sha256:" + ID, ("alpine:latest", "alpine" + DIGEST), (("a", "b"),), tag="alpine:latest")


def test_a_here_document_is_packed_alone(rules: Policy) -> None:
    fact = found(rules, "docker build - <<'EOF'\n# x\nFROM alpine\nEOF\n", ENGINE)
    assert fact.but(stdin=0) == Found(
        "# x\nFROM alpine\n", (Base("alpine:latest", True, "alpine" + DIGEST, thing=THING),), "\n" + PINNED, 0
    )
    assert files(fact) == {"Dockerfile": "\n" + PINNED}


def test_the_image_that_an_argument_names_is_looked_up(rules: Policy) -> None:
    line = "docker build --build-arg V=latest - <<'EOF'\nARG V=3\nFROM alpine:$V\nEOF\n"
    fact = found(rules, line, ENGINE)
    assert fact.but(stdin=0).bases == (Base("alpine:latest", True, "alpine" + DIGEST, thing=THING),)
    assert files(fact) == {"Dockerfile": "ARG V=3\n" + PINNED}


def test_a_directory_is_packed_with_its_judged_dockerfile(rules: Policy, place: Path) -> None:
    fact = found(rules, f"docker build {place}", ENGINE)
    assert files(fact) == {"Dockerfile": PINNED + "COPY file /\n", "file": "hello\n"}


def test_a_dockerfile_from_stdin_takes_no_other_one_s_place(rules: Policy, place: Path) -> None:
    fact = found(rules, f"docker build -f - {place} <<'EOF'\nFROM alpine\nEOF\n", ENGINE)
    assert files(fact) == {"Dockerfile": "FROM alpine\nCOPY file /\n", "file": "hello\n", OURS: PINNED}


def test_what_dockerignore_leaves_out_is_not_packed(rules: Policy, place: Path) -> None:
    (place / ".dockerignore").write_text("file\n")
    assert list(files(found(rules, f"docker build {place}", ENGINE))) == ["Dockerfile"]


def test_a_text_on_stdin_is_read(rules: Policy) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"FROM alpine\n")
    os.close(writer)
    (command,) = execs(judge("docker build -", rules=rules))
    try:
        place = Place(ENGINE, reader, lambda descriptor, event, until: True, getpass.getuser())
        (fact,) = build.look(command, command.needs[0], place)
    finally:
        os.close(reader)
    assert files(fact) == {"Dockerfile": PINNED}


@pytest.mark.parametrize(
    ("change", "base"),
    [
        ({}, Base("alpine:latest", True, "alpine" + DIGEST)),
        ({"Config": {"OnBuild": ["ADD http://127.0.0.1/ /"]}}, Base("alpine:latest", True, "alpine" + DIGEST, True)),
        ({"Config": {}}, Base("alpine:latest", True, "alpine" + DIGEST)),
        ({"Architecture": "arm64"}, Base("alpine:latest", True, "alpine" + DIGEST, native=False)),
        ({"Os": "windows"}, Base("alpine:latest", True, "alpine" + DIGEST, native=False)),
        ({"RepoDigests": []}, Base("alpine:latest", True)),
        ({"RepoDigests": None}, Base("alpine:latest", True)),
        ({"RepoDigests": ["quay.io/alpine" + DIGEST, "other" + DIGEST]}, Base("alpine:latest", True)),
        ({"RepoDigests": ["x" + DIGEST, "library/alpine" + DIGEST]},
         Base("alpine:latest", True, "library/alpine" + DIGEST)),
    ],
)  # fmt: skip
def test_an_image_is_known_by_what_counts(rules: Policy, change: dict[str, object], base: Base) -> None:
    fact = found(rules, "docker build - <<'EOF'\nFROM alpine\nEOF\n", Known(**{"alpine:latest": {**ALPINE, **change}}))
    os.close(fact.stdin)
    digests: Any = change.get("RepoDigests", ALPINE["RepoDigests"]) or []
    labels = () if "Config" in change else THING.labels
    assert fact.bases == (base.but(thing=THING.but(names=("alpine:latest", *digests), labels=labels)),)


@pytest.mark.parametrize(
    "change", [{"Id": ""}, {"Id": "sha256:1"}, {"RepoTags": ["other:1"], "RepoDigests": []}, {"RepoTags": [1]}]
)
def test_an_image_that_is_not_the_one_asked_for_is_none(rules: Policy, change: dict[str, object]) -> None:
    engine = Known(**{"alpine:latest": {**ALPINE, **change}})
    with pytest.raises(Silent):
        found(rules, "docker build - <<'EOF'\nFROM alpine\nEOF\n", engine)


def test_with_an_image_that_is_not_here_nothing_is_packed(rules: Policy) -> None:
    fact = found(rules, "docker build - <<'EOF'\nFROM alpine\nEOF\n", Known())
    assert fact == Found("FROM alpine\n", (Base("alpine:latest", False),))


@pytest.mark.parametrize("said", [Silent, "an image", {"Config": None}, []])
def test_an_engine_that_does_not_say_is_no_answer(rules: Policy, said: object) -> None:
    with pytest.raises(Silent):
        found(rules, "docker build - <<'EOF'\nFROM alpine\nEOF\n", Known(**{"alpine:latest": said}))


@pytest.mark.parametrize(
    ("spoil", "about"),
    [
        (lambda place: (place / "Dockerfile").unlink(), "there is no Dockerfile"),
        (lambda place: (place / ".dockerignore").write_text("**.a\n"),
         ".dockerignore: '**.a': ** stands between slashes, such as **/*.a"),
        (lambda place: os.mkfifo(place / "pipe"), "pipe is no regular file"),
    ],
)  # fmt: skip
def test_what_can_not_be_packed_is_said(rules: Policy, place: Path, spoil: Callable[[Path], Any], about: str) -> None:
    spoil(place)
    assert found(rules, f"docker build {place}", ENGINE) == Found(fault="context-file", about=about)


def test_without_a_user_nothing_of_a_directory_is_read(rules: Policy, place: Path) -> None:
    (command,) = execs(judge(f"docker build {place}", rules=rules))
    (fact,) = build.look(command, command.needs[0], Place(ENGINE, -1, never))
    assert fact == Found(fault="context-file", about="whose files these are is not known")


# -- to its end ------------------------------------------------------------------------------


def served(rules: Policy, line: str, monkeypatch: pytest.MonkeyPatch, engine: Engine = ENGINE) -> Exec | Refusal:
    """What becomes of a line on the far side."""
    monkeypatch.setattr(look, "Engine", lambda path, ready: engine)
    (command,) = execs(judge(line, rules=rules))
    asked = Request(command.words, command.text, False, 0, Claims("a-1", "c", "", ""))
    return serve(rules, asked, context().but(user=getpass.getuser()), never, -1)


def test_what_is_settled_reads_the_tar(rules: Policy, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = served(rules, f"docker build {place}", monkeypatch)
    assert isinstance(done, Exec)
    assert (done.argv[-3:], done.text, done.needs) == (("--file=Dockerfile", "--", "-"), None, ())
    assert files(Found(stdin=done.stdin))["file"] == "hello\n"


def test_what_is_refused_leaves_no_tar_open(rules: Policy, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "Dockerfile").write_text("FROM quay.io/alpine\n")
    engine = Known(**{"quay.io/alpine:latest": {**ALPINE, "RepoTags": ["quay.io/alpine:latest"]}})
    refused = served(rules, f"docker build {place}", monkeypatch, engine)
    assert isinstance(refused, Refusal)
    assert refused.code == "docker.build.dockerfile"


def test_an_image_that_is_not_here_comes_with_the_way_to_get_it(
    rules: Policy, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"docker build {place}"
    pulling = written(POLICY.replace("PLACE", str(place)).replace("commands: {", "commands: {docker pull: [], "))
    for granted, instead in ((rules, ""), (pulling, "docker pull alpine:latest")):
        refused = served(granted, line, monkeypatch, Known())
        assert isinstance(refused, Refusal)
        assert (refused.code, refused.instead) == ("docker.build.base-absent", instead)


def test_need_and_directory_belong_together(rules: Policy, place: Path) -> None:
    (command,) = execs(judge(f"docker build -f - {place}", rules=rules))
    assert command.needs == (Need("dockerfile", (str(place),)),)
