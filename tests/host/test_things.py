"""Looking up what a command touches: read-only requests, and nothing taken for an answer that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rshell.core.containers import OWNER_LABEL
from rshell.core.model import Exec, Invocation, Need
from rshell.core.objects.rights import MANY, NONE, PROJECT_LABEL, Held, Thing
from rshell.host import things
from rshell.host.engine import Engine, Silent
from rshell.host.look import Place
from tests.support import execs, judge

A, B = "a" * 64, "b" * 64
IMAGE = "sha256:" + "1" * 64
(STAGE,) = execs(judge("docker stop x"))
VOLUME = {"Type": "volume", "Name": "data", "Source": "/var/lib/x", "Destination": "/d", "Driver": "local", "RW": True}
BIND = {"Type": "bind", "Source": "/", "Destination": "/b", "RW": False}
CONTAINER = {
    "Id": A, "Name": "/web", "Image": IMAGE, "Config": {"Labels": {"a": "b"}}, "Mounts": [VOLUME, BIND],
}  # fmt: skip
LISTED = {
    "Id": A, "Names": ["/web", "/other/link"], "ImageID": IMAGE, "Labels": {PROJECT_LABEL: "p"}, "Mounts": [BIND],
}  # fmt: skip
PICTURE = {"Id": IMAGE, "RepoTags": ["app:1", "hub/app:latest"], "RepoDigests": None, "Config": {"Labels": None}}
FOUND = Thing(
    "container", A, ("web",), (("a", "b"),), (Held("volume", "data", "/d", False), Held("bind", "/", "/b", True))
)


class FakeEngine(Engine):
    """Answers from a table of paths; what is not there is 404."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__("/nowhere", lambda *_: True)
        self.answers, self.asked = answers, list[str]()

    def exchange(self, request: str) -> tuple[int, bytes]:
        method, path, _ = request.split(" ", 2)
        assert method == "GET"
        self.asked.append(path)
        status, body = self.answers.get(path, (404, {"message": "no"}))
        return status, json.dumps(body).encode()


def ask(check: str, *subjects: str, command: Exec = STAGE, **answers: Any) -> tuple[tuple[Any, ...], list[str]]:
    """What is found, and the paths that were asked for."""
    engine = FakeEngine({path: found if isinstance(found, tuple) else (200, found) for path, found in answers.items()})
    found = things.look(command, Need(check, subjects), Place(engine, -1, engine.ready))
    return found, engine.asked


def test_a_container_is_found_by_one_request() -> None:
    path = "/containers/web/json"
    assert ask("container-id", "web", **{path: CONTAINER}) == ((FOUND,), [path])
    assert ask("container-id", "/web", **{path: CONTAINER}) == ((FOUND,), [path])
    assert ask("container-id", "web", "x", **{path: CONTAINER}) == ((FOUND, NONE), [path, "/containers/x/json"])


def test_what_is_asked_of_a_whole_line_is_one_request_a_name() -> None:
    owned = {**CONTAINER, "Config": {"Labels": {}}}
    assert ask("container-owner", "web", **{"/containers/web/json": owned})[1] == ["/containers/web/json"]


@pytest.mark.parametrize(
    ("image", "borrowed"),
    [
        ({"Config": {"Labels": {}}}, False),
        ({"Config": {"Labels": None}}, False),
        ({"Config": None}, False),
        ({"Config": {"Labels": {OWNER_LABEL: "7"}}}, True),
        ({"Config": {"Labels": {OWNER_LABEL: "other"}}}, True),
        ((404, {}), True),
    ],
)
def test_the_label_of_an_owner_counts_only_if_the_image_has_none(image: Any, borrowed: bool) -> None:
    labelled = {**CONTAINER, "Config": {"Labels": {OWNER_LABEL: "7"}}}
    answers = {"/containers/web/json": labelled, f"/images/{IMAGE}/json": image}
    (found,), _ = ask("container-owner", "web", **answers)
    assert (found.borrowed, found.is_own(7)) == (borrowed, not borrowed)
    (found,), asked = ask("container-id", "web", **answers)
    assert asked == ["/containers/web/json"]


def test_what_stands_behind_mounts_is_looked_at_where_that_counts() -> None:
    volume = {"Name": "data", "Driver": "local", "Options": {"o": "bind"}, "Labels": None}
    answers = {"/containers/web/json": CONTAINER, "/volumes/data": volume}
    (found,), asked = ask("container-mounts", "web", **answers)
    assert asked == ["/containers/web/json", "/volumes/data"]
    data, root = found.mounts
    assert data.behind == ("local", {"o": "bind"})
    assert root.behind[0][1] == 0


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (500, "Multiple IDs found with provided prefix: a"),  # 20.10
        (400, "multiple IDs found with provided prefix: a"),
        (400, "2 matches found based on ID prefix: network a is ambiguous"),
    ],
)
def test_the_beginning_of_several_ids_means_many(status: int, message: str) -> None:
    assert ask("container-id", "a", **{"/containers/a/json": (status, {"message": message})})[0] == (MANY,)
    assert ask("object-id", "a", **{"/containers/a/json": (status, {"message": message})})[0] == (MANY,)


@pytest.mark.parametrize(
    ("name", "tag"),
    [("app:1", "app:1"), ("docker.io/library/app:1", "app:1"), ("hub/app", "hub/app:latest"), ("1111", ""),
     (IMAGE, ""), ("sha256:1111", "")],
)  # fmt: skip
def test_an_image_is_known_by_the_name_or_by_the_id_that_named_it(name: str, tag: str) -> None:
    ((found,), _) = ask("image-id", name, **{f"/images/{name}/json": PICTURE})
    assert found == Thing("image", IMAGE, ("app:1", "hub/app:latest"), (), (), tag)


def test_an_image_is_known_by_its_digest() -> None:
    digest = "app@sha256:" + "2" * 64
    picture = {**PICTURE, "RepoTags": [], "RepoDigests": [digest]}
    ((found,), _) = ask("image-id", digest, **{f"/images/{digest}/json": picture})
    assert found == Thing("image", IMAGE, (digest,), (), (), digest)


def test_an_image_that_the_engine_calls_otherwise_is_no_answer() -> None:
    with pytest.raises(Silent):
        ask("image-id", "other", **{"/images/other/json": PICTURE})


def test_an_object_is_a_container_before_it_is_an_image() -> None:
    answers = {"/containers/app/json": CONTAINER, "/images/app/json": PICTURE}
    assert [one.kind for one in ask("object-id", "app", **answers)[0]] == ["container"]
    del answers["/containers/app/json"]
    answers["/images/app/json"] = {**PICTURE, "RepoTags": ["app:latest"]}
    assert [one.kind for one in ask("object-id", "app", **answers)[0]] == ["image"]
    assert ask("object-id", "app")[0] == (NONE,)


def test_volumes_and_networks_are_found() -> None:
    labelled = {"Name": "data", "Id": B, "Labels": {"a": "b"}}
    assert ask("volume-id", "data", **{"/volumes/data": labelled})[0] == (
        Thing("volume", "data", ("data",), (("a", "b"),)),
    )
    assert ask("network-id", "data", **{"/networks/data": labelled})[0] == (
        Thing("network", B, ("data",), (("a", "b"),)),
    )


FILTERS = f"filters=%7B%22label%22%3A%5B%22{PROJECT_LABEL}%3Dp%22%5D%7D"


def test_a_project_is_all_that_has_its_label() -> None:
    path = f"/containers/json?all=1&{FILTERS}"
    (found,), asked = ask("project-id", "p", **{path: [LISTED]})
    assert found == (
        Thing("container", A, ("web", "other/link"), ((PROJECT_LABEL, "p"),), (Held("bind", "/", "/b", True),)),
    )
    assert asked == [path]


@pytest.mark.parametrize(
    ("verb", "kinds"),
    [
        ("stop", ["container"]),
        ("down", ["container", "network"]),
        ("down --volumes", ["container", "network", "volume"]),
    ],
)
def test_what_down_removes_is_looked_up_too(verb: str, kinds: list[str]) -> None:
    (stage,) = execs(judge("docker compose -p lab stop"))
    flags = Invocation((judge_argument(),), ()) if "--volumes" in verb else Invocation((), ())
    stage = stage.but(command="docker compose " + verb.split()[0], invocation=flags)
    answers: dict[str, Any] = {
        f"/containers/json?all=1&{FILTERS}": [LISTED],
        f"/networks?{FILTERS}": [{"Name": "n", "Id": B, "Labels": None}],
        f"/volumes?{FILTERS}": {"Volumes": [{"Name": "v", "Labels": None}]},
    }
    (found,), _ = ask("project-id", "p", command=stage, **answers)
    assert [one.kind for one in found] == kinds


def judge_argument() -> Any:
    """The option --volumes, as it is understood."""
    (stage,) = execs(judge("docker rm -v x"))
    assert stage.invocation is not None
    return stage.invocation.arguments[0]


def test_one_s_own_are_those_that_run() -> None:
    path = "/containers/json?filters=%7B%22label%22%3A%5B%22rshell.owner%3D7%22%5D%7D"
    (found,), asked = ask("own-containers", "rshell.owner=7", **{path: [LISTED]})
    assert ([one.id for one in found], asked) == ([A], [path])


# -- what is no answer ----------------------------------------------------------------------

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([A, IMAGE, "/web"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["Id", "Name", "Names", "Image", "ImageID", "Config", "Labels", "Mounts", "Type", "RepoTags"]),
        inner, max_size=5,
    ),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(junk, st.sampled_from(["container", "image", "volume", "network", "object"]))
def test_no_answer_is_taken_for_another(answer: Any, kind: str) -> None:
    paths = {
        "container": "/containers/web/json", "object": "/containers/web/json", "image": "/images/web/json",
        "volume": "/volumes/web", "network": "/networks/web",
    }  # fmt: skip
    try:
        ((found,), _) = ask(f"{kind}-id", "web", **{paths[kind]: answer})
    except Silent:
        return
    assert isinstance(found, Thing) or answer is None


@pytest.mark.parametrize(
    "change",
    [{"Id": "aaaa"}, {"Id": A.upper()}, {"Id": None}, {"Name": None}, {"Config": None}, {"Config": {"Labels": ["a"]}},
     {"Config": {"Labels": {"a": 1}}}, {"Mounts": {}}, {"Mounts": ["x"]}, {"Mounts": [{"Type": "bind"}]}],
)  # fmt: skip
def test_an_answer_of_another_shape_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(Silent):
        ask("container-id", "web", **{"/containers/web/json": {**CONTAINER, **change}})


@pytest.mark.parametrize("status", [400, 403, 500, 301])
def test_an_error_is_no_answer(status: int) -> None:
    with pytest.raises(Silent):
        ask("container-id", "web", **{"/containers/web/json": (status, {"message": "boom"})})
