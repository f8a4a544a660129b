"""Whose containers, images, volumes and networks a command may touch: before it is looked up, and after."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rshell.core import limits
from rshell.core.compose.stacks import File
from rshell.core.containers import OWNER_LABEL
from rshell.core.model import Exec, Need, Permit, Policy, Refusal
from rshell.core.objects import touched
from rshell.core.objects.rights import (
    BUILDER_LABEL,
    KINDS,
    MANAGE,
    MANY,
    NONE,
    OBSERVE,
    PROJECT_LABEL,
    Held,
    Objects,
    Selection,
    Thing,
)
from rshell.core.objects.rights import judge as judge_thing
from rshell.core.settle import settle
from rshell.policy.check import context
from rshell.policy.tree import parse
from tests.support import code, execs, judge, policy, trees, written

A, B = "a" * 64, "b" * 64
IMAGE = "sha256:" + "1" * 64
GRANTED = {
    "ps": ["filter", "all"], "events images": ["filter"], "volume ls, network ls": ["filter"],
    "start restart pause unpause logs wait top port history rename tag commit save": [],
    "version info pull run": [], "stop": ["timeout"], "stats": ["no-stream", "all"], "rm": ["force", "volumes"],
    "rmi": ["force"], "container inspect, image inspect, volume inspect, volume create, network inspect": [],
    "network connect, network disconnect, network rm, network create": [], "volume rm": ["force"],
    "container prune, network prune": ["filter", "force"], "image prune, volume prune": ["filter", "force", "all"],
    "system prune": ["all", "filter", "force", "volumes"], "system df": ["verbose"],
    "compose ls, compose ps, compose start, compose stop, compose logs, compose pull, compose version": [],
    "inspect,": [{"type": "container|image|volume|network|secret"}], "compose down,": ["volumes", "rmi"],
    "compose rm,": ["volumes"], "compose up, compose create, compose run, compose scale,": [],
}  # fmt: skip
COMMANDS = {
    f"docker {verb.strip()}": options
    for verbs, options in GRANTED.items()
    for verb in (verbs.split(",") if "," in verbs or verbs.startswith(("volume", "system")) else verbs.split())
    if verb
}
POLICY = """
version: 1
roles: {{r: {{grants: [g]}}}}
grants: {{g: {{commands: {commands}}}}}
containers: {{registries: [docker.io], images: ["*"], names: ["*"], volumes: [data, bench-*],
             bind_mounts: [{{source: /srv/data, read_only: true}}], networks: [bridge], build: {{tags: ["*"]}},
             compose: {{stdin: {{projects: ["*"]}}}}}}
objects: {objects}
"""
ANY = "{manage: any, observe: any}"
OWN = "{manage: own, observe: own}"


@cache
def rules(objects: str) -> Policy:
    """A policy that grants all of this, with `objects` of its own."""
    return written(POLICY.format(commands=json.dumps(COMMANDS), objects=objects))


def asking(line: str, objects: str) -> Exec:
    """The only command of an allowed line."""
    (stage,) = execs(judge(line, rules=rules(objects)))
    return stage


def needs(line: str, objects: str) -> tuple[Need, ...]:
    return asking(line, objects).needs


def settled(line: str, objects: str, *found: Any, uid: int = 0) -> Exec | Refusal:
    """What a line comes to when this is found."""
    stage = asking(line, objects)
    (need,) = stage.needs
    return settle(rules(objects), stage, {need: found}, context().but(uid=uid))


def argv(line: str, objects: str, *found: Any, uid: int = 0) -> tuple[str, ...]:
    """The words behind the program of a line that may run when this is found."""
    ready = settled(line, objects, *found, uid=uid)
    assert isinstance(ready, Exec), ready
    return ready.argv[1:]


def refused(line: str, objects: str, *found: Any, uid: int = 0) -> tuple[str, str]:
    """The code and the message of a line that may not run when this is found."""
    refusal = settled(line, objects, *found, uid=uid)
    assert isinstance(refusal, Refusal), refusal
    return refusal.code, refusal.message


def container(name: str = "x", *mounts: Held, key: str = A, **labels: str) -> Thing:
    """A container; in the names of labels, __ is a dot."""
    pairs = tuple((label.replace("__", "."), value) for label, value in labels.items())
    return Thing("container", key, (name,), pairs, mounts)


def image(*names: str, tag: str = "", **labels: str) -> Thing:
    return Thing("image", IMAGE, names, tuple(labels.items()), (), tag)


# -- what is asked ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "objects", "asked"),
    [
        ("docker stop a b", ANY, ()),
        ("docker logs a", ANY, ()),
        ("docker rmi a", ANY, ()),
        ("docker compose -p p stop", ANY, ()),
        ("docker start a", ANY, (Need("container-mounts", ("a",)),)),
        ("docker restart a", ANY, (Need("container-mounts", ("a",)),)),
        ("docker compose -p p start", ANY, (Need("project-mounts", ("p",)),)),
        ("docker stop a b", "{manage: own, observe: any}", (Need("container-owner", ("a", "b")),)),
        ("docker logs a", "{manage: own, observe: any}", ()),
        ("docker logs a", "{manage: any, observe: own}", (Need("container-owner", ("a",)),)),
        ("docker stop a", "{manage: any, observe: own}", ()),
        ("docker stop a", "{manage: listed, listed: {containers: [a]}}", (Need("container-id", ("a",)),)),
        ("docker stop /a", OWN, (Need("container-owner", ("/a",)),)),
        ("docker stop a", "{manage: any, observe: any, protected: {labels: [x]}}", (Need("container-id", ("a",)),)),
        ("docker stop a", "{manage: any, observe: any, protected: {images: [x]}}", ()),
        ("docker stop a", "{manage: any, observe: any, protected: {projects: [x]}}", (Need("container-id", ("a",)),)),
        ("docker rmi a", "{manage: any, observe: any, protected: {projects: [x]}}", ()),
        ("docker rmi a", "{manage: any, observe: any, protected: {images: [x]}}", (Need("image-id", ("a",)),)),
        ("docker history a", OWN, (Need("image-id", ("a",)),)),
        ("docker rm a", "{manage: any, observe: any, protected: {volumes: [x]}}", ()),
        ("docker rm -v a", "{manage: any, observe: any, protected: {volumes: [x]}}", (Need("container-id", ("a",)),)),
        ("docker volume rm v", OWN, (Need("volume-id", ("v",)),)),
        ("docker network connect n c", OWN, (Need("network-id", ("n",)), Need("container-owner", ("c",)))),
        ("docker top a aux", OWN, (Need("container-owner", ("a",)),)),
        ("docker rename a b", OWN, (Need("container-owner", ("a",)),)),
        ("docker commit a lab/b", OWN, (Need("container-owner", ("a",)), Need("image-tags", ("lab/b",)))),
        ("docker inspect a", OWN, (Need("object-id", ("a",)),)),
        ("docker stats --no-stream", OWN, (Need("own-containers", (f"{OWNER_LABEL}=0",)),)),
        ("docker stats --no-stream a", OWN, (Need("container-owner", ("a",)),)),
        ("docker stats --no-stream", ANY, ()),
        ("docker compose -p p stop", OWN, (Need("project-owner", ("p",)),)),
        ("docker compose -p p ps", OWN, (Need("project-owner", ("p",)),)),
        ("docker compose -p p -f - pull", OWN, (Need("compose-model", ("p",)),)),
        ("docker compose -p p -f - up", OWN, (Need("compose-model", ("p",)),)),  # the rest when it is read
        ("docker compose version", OWN, ()),
    ],
)
def test_only_what_the_policy_makes_a_difference_of_is_looked_up(
    line: str, objects: str, asked: tuple[Need, ...]
) -> None:
    assert needs(line, objects) == asked


def test_every_grantable_command_of_docker_is_known() -> None:
    known = {*touched.OPERANDS, *touched.LISTS, *touched.WHOLE, *touched.PRUNES, *touched.HARMLESS}
    grantable = {key for key in trees()["docker"].commands if not limits.of_command(key)}
    assert grantable - known == set()
    assert known - set(trees()["docker"].commands) - set(trees()["docker compose"].commands) == set()


def test_every_operand_that_names_an_object_is_looked_up() -> None:
    """The tables say the same as the grammars: an operand of such a type is either looked up or still to be made."""
    for command, roles in touched.OPERANDS.items():
        for index, (kind, _) in enumerate(trees()["docker"].commands[command].operands):
            if kind[0] in (*KINDS, "object"):
                access, named = roles[min(index, len(roles) - 1)]
                assert access in (MANAGE, OBSERVE, touched.NEW), command
                assert named == kind[0], command


@pytest.mark.parametrize(
    "line", ["docker inspect --type secret x", "docker compose -p p down --rmi all"]
)
@pytest.mark.parametrize("objects", [OWN, "{manage: any, observe: any, protected: {labels: [x]}}"])
def test_what_nothing_can_tell_the_objects_of_is_refused(line: str, objects: str) -> None:
    kind, said = code(line, rules=rules(objects))
    assert (kind, said.rpartition(".")[2]) == ("denied", "untold")
    assert code(line, rules=rules(ANY)) == ("permit", "")


def test_an_object_of_a_kind_that_is_named_is_looked_up_as_that() -> None:
    for kind in KINDS:
        check = "container-owner" if kind == "container" else f"{kind}-id"
        assert needs(f"docker inspect --type {kind} x", OWN) == (Need(check, ("x",)),)
    assert needs("docker inspect --type image x", ANY) == ()


@pytest.mark.parametrize(("line", "expected"), [
    ("docker tag lab/x company/app:latest", "operand"), ("docker commit c company/app", "operand"),
    ("docker tag lab/x lab/y:1", ""), ("docker commit c lab/y", ""),
])  # fmt: skip
def test_an_image_gets_a_new_name_only_as_from_a_build(line: str, expected: str) -> None:
    named = POLICY.replace('tags: ["*"]', "tags: [lab/*]")
    granted = written(named.format(commands=json.dumps(COMMANDS), objects=OWN))
    decided = judge(line, rules=granted)
    assert (decided.code.rpartition(".")[2] if isinstance(decided, Refusal) else "") == expected
    if isinstance(decided, Permit):
        asked = [need for need in execs(decided)[0].needs if need.check == "image-tags"]
        assert [need.subjects for need in asked] == [(line.split()[-1],)]


# -- names that are protected -------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "docker stop vault", "docker stop /vault", "docker rm a vault", "docker rm -f prod-1", "docker logs vault",
        "docker inspect vault", "docker container inspect prod-db", "docker inspect hub/secret", "docker wait vault",
        "docker rename a vault", "docker rename vault a", "docker network connect n vault",
        "docker rmi hub/secret", "docker rmi hub/secret:1", "docker rmi docker.io/hub/secret", "docker rmi app:1",
        "docker tag alpine app:1", "docker commit a app:1", "docker history app:1",
        "docker volume rm db", "docker volume create db",
        "docker network rm inner", "docker network connect inner a",
    ],
)  # fmt: skip
def test_a_protected_name_is_refused_before_anything_is_looked_up(line: str) -> None:
    kept = "{containers: [vault, prod-*], images: [hub/*, 'app:1'], volumes: [db], networks: [inner]}"
    kind, said = code(line, rules=rules(f"{{manage: any, observe: any, protected: {kept}}}"))
    assert (kind, said.rpartition(".")[2]) == ("denied", "protected")
    assert code(line, rules=rules(ANY)) == ("permit", "")


def test_other_tags_of_a_protected_one_are_not_protected() -> None:
    kept = rules("{manage: any, observe: any, protected: {images: ['app:1', 'tool:latest']}}")
    assert code("docker rmi app:2", rules=kept) == ("permit", "")
    assert code("docker rmi app", rules=kept) == ("permit", "")
    assert code("docker rmi tool", rules=kept) == ("denied", "docker.rmi.protected")


def test_the_caret_is_under_the_protected_name() -> None:
    refusal = judge("docker rm -f a vault", rules=rules("{protected: {containers: [vault]}}"))
    assert isinstance(refusal, Refusal)
    assert (refusal.message, refusal.at) == ("docker rm: 'vault' is protected", (15, 20))


@pytest.mark.parametrize(
    "line",
    [
        "docker run -v db:/x alpine", "docker run --volume=db:/x:ro alpine", "docker run --name vault alpine",
        "docker run --mount type=volume,src=db,dst=/x alpine", "docker run hub/secret", "docker pull hub/secret:2",
        "docker run --network inner alpine", "docker pull app:1", "docker build -t app:1 -",
        "docker compose -f - run --name vault x",
    ],
)  # fmt: skip
def test_no_protected_name_gets_into_what_is_made(line: str) -> None:
    kept = "{containers: [vault], images: [hub/*, 'app:1'], volumes: [db], networks: [inner]}"
    refusal = judge(line, rules=makes(f"{{manage: any, observe: any, protected: {kept}}}"))
    assert isinstance(refusal, Refusal)
    assert "not protected" in refusal.message + refusal.why
    assert code(line.replace(" -t app:1", ""), rules=makes(ANY))[1] in ("", "docker.build.no-context")


def makes(objects: str) -> Policy:
    """A policy that lets everything be made."""
    judged = {f"docker {verb}": {"options": "by-containers"} for verb in ("run", "build", "compose run")}
    made = POLICY.format(commands=json.dumps({**judged, "docker pull": []}), objects=objects)
    return written(made.replace("[data, bench-*]", "['*']").replace("[bridge]", "['*']"))


OF_ALPINE = Need("image-kept", ("alpine:latest",))
PROTECTED = "{manage: any, observe: any, protected: {labels: [rshell.protect=true], images: [vault], networks: [prod]}}"


def network(name: str, **labels: str) -> Thing:
    return Thing("network", B, (name,), tuple(labels.items()))


def made_of(line: str, asked: Need, found: Thing | str, rules: Policy) -> str:
    """The code of the verdict on a line, with one thing looked up and nothing else there; '' when it may run."""
    (stage,) = execs(judge(line, rules=rules))
    assert asked in stage.needs
    facts = {need: ((NONE,) if need.check.startswith("image") else ("x",)) for need in stage.needs} | {asked: (found,)}
    done = settle(rules, stage, facts, context())
    return done.code.rpartition(".")[2] if isinstance(done, Refusal) else ""


@pytest.mark.parametrize(("found", "expected"), [
    (NONE, ""), (image("app:1"), ""), (image("app:1", x="y"), ""),
    (image("app:1", "vault:1"), "protected"), (image("app:1", **{"rshell.protect": "true"}), "protected"),
])  # fmt: skip
@pytest.mark.parametrize("line", ["docker run app:1 cat /key", "docker run --pull=always app:1", "docker pull app:1"])
def test_no_container_is_made_of_a_protected_image(line: str, found: Thing | str, expected: str) -> None:
    """Nor does it lose its name."""
    asked = Need("image-kept" if line == "docker run app:1 cat /key" else "image-pulled", ("app:1",))
    own = found.but(labels=(*found.labels, ("rshell.built-by", "0"))) if isinstance(found, Thing) else found
    assert made_of(line, asked, own, makes(PROTECTED)) == expected


@pytest.mark.parametrize(("found", "expected"), [
    (NONE, ""),
    (image("app:1"), "image-made-here"),
    (image("app:1", "other@sha256:" + A), "image-made-here"),
    (image("app:1", "app@sha256:" + A), ""),
    (image("app:1", **{"rshell.built-by": "0"}), ""),
    (image("app:1", **{"rshell.built-by": "7"}), "image-made-here"),
    (MANY, "no-facts"),
])  # fmt: skip
@pytest.mark.parametrize("line", ["docker run --pull always app:1", "docker pull docker.io/library/app:1"])
def test_an_image_that_somebody_made_here_keeps_its_name(line: str, found: Thing | str, expected: str) -> None:
    """A registry may have anybody's under that name, and the operator would run it next."""
    asked = Need("image-pulled", (line.rpartition(" ")[2],))
    assert made_of(line, asked, found, makes(ANY)) == expected


def test_a_pull_by_digest_takes_no_name() -> None:
    line = f"docker pull app@sha256:{A}"
    assert made_of(line, Need("image-pulled", (f"app@sha256:{A}",)), image("app:1"), makes(ANY)) == ""


def test_images_are_looked_up_only_where_that_says_something() -> None:
    (stage,) = execs(judge("docker run -d app:1", rules=makes(ANY)))
    assert stage.needs == ()


@pytest.mark.parametrize(("found", "expected"), [
    (NONE, ""), (network("bench"), ""), (network("prod"), "protected"), (network("other"), "no-object"),
    (network("bench", **{"rshell.protect": "true"}), "protected"), (MANY, "no-facts"),
])  # fmt: skip
def test_a_network_is_joined_by_its_name_only_and_by_none_that_is_protected(found: Thing | str, expected: str) -> None:
    """Docker takes the beginning of an id for a name."""
    line = "docker run -d --network bench --network-alias x app:1"
    assert made_of(line, Need("network-kept", ("bench",)), found, makes(PROTECTED)) == expected


@pytest.mark.parametrize("name", ["bridge", "none", "lab"])
def test_a_network_that_the_policy_lists_by_name_is_not_looked_up(name: str) -> None:
    (stage,) = execs(judge(f"docker run -d --network {name} app:1"))
    assert {need.check for need in stage.needs} == {"image-kept"}


def test_a_volume_of_a_new_container_is_looked_up_where_labels_protect() -> None:
    line = "docker run -d -v ollama:/x --mount source=bench-1,target=/y --tmpfs /z alpine"
    (stage,) = execs(judge(line))
    asked = Need("volume-kept", ("ollama", "bench-1"))
    assert asked in stage.needs
    volume = Thing("volume", "ollama", ("ollama",), ())
    kept = volume.but(labels=(("rshell.protect", "true"),))

    def settled_with(*found: Any) -> Exec | Refusal:
        facts = dict.fromkeys(stage.needs, ((), ())) | {OF_ALPINE: (NONE,), asked: found}
        return settle(policy(), stage, facts, context())

    assert settled_with(volume, NONE) == stage.but(needs=())
    for found in ((kept, NONE), (NONE, kept)):
        refusal = settled_with(*found)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "docker.run.protected"
    for odd in (MANY, None, 1):
        refusal = settled_with(odd, NONE)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "docker.run.no-facts"


# -- the verdict ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objects", "access", "thing", "verdict"),
    [
        (Objects("any", "any"), MANAGE, container(), ""),
        (Objects(), MANAGE, container(), "not-yours"),
        (Objects(), OBSERVE, container(), "not-yours"),
        (Objects("any"), MANAGE, container(), ""),
        (Objects("any"), OBSERVE, container(), "not-yours"),
        (Objects(), MANAGE, container(rshell__owner="7"), ""),
        (Objects(), MANAGE, container(rshell__owner="77"), "not-yours"),
        (Objects(), MANAGE, container(rshell__owner="7").but(borrowed=True), "not-yours"),
        (Objects(), MANAGE, image().but(labels=((OWNER_LABEL, "7"),)), "not-yours"),
        (Objects(), MANAGE, image().but(labels=((BUILDER_LABEL, "7"),)), ""),
        (Objects(), MANAGE, container().but(labels=((BUILDER_LABEL, "7"),)), "not-yours"),
        (Objects("listed"), MANAGE, container(rshell__owner="7"), "not-listed"),
        (Objects("listed", listed=Selection(containers=("w*",))), MANAGE, container("web"), ""),
        (Objects("listed", listed=Selection(containers=("w*",))), OBSERVE, container("web"), ""),
        (Objects("own", listed=Selection(containers=("web",))), MANAGE, container("web"), ""),
        (Objects("own", listed=Selection(volumes=("web",))), MANAGE, container("web"), "not-yours"),
        (Objects("own", listed=Selection(labels=("a=1",))), MANAGE, container(a="1"), ""),
        (Objects("own", listed=Selection(labels=("a=1",))), MANAGE, container(a="2"), "not-yours"),
        (Objects("own", listed=Selection(labels=("a",))), MANAGE, container(a="2"), ""),
        (Objects("own", listed=Selection(projects=("p",))), MANAGE, container(com__docker__compose__project="p"), ""),
        (Objects("own", listed=Selection(images=("app",))), MANAGE, image("app:1"), ""),
        (Objects("own", listed=Selection(images=("app:2",))), MANAGE, image("app:1"), "not-yours"),
        (Objects("any", "any", protected=Selection(labels=("a=1",))), OBSERVE, container(a="1"), "protected"),
        (Objects("any", "any", protected=Selection(labels=("a=*",))), OBSERVE, container(a="1"), "protected"),
        (Objects("any", "any", protected=Selection(labels=("a=1",))), OBSERVE, container(a="10"), ""),
        (Objects("any", "any", protected=Selection(images=("app",))), MANAGE, image("x:1", "app@" + IMAGE),
         "protected"),
        (Objects("any", "any", protected=Selection(projects=("p*",))), MANAGE,
         container(com__docker__compose__project="prod"), "protected"),
        (Objects("any", "any", protected=Selection(projects=("*",))), MANAGE, container(), ""),
        (Objects("any", "any", protected=Selection(projects=("*",))), MANAGE,
         container(com__docker__compose__project=""), ""),
    ],
)  # fmt: skip
def test_whose_a_thing_is_decides(objects: Objects, access: str, thing: Thing, verdict: str) -> None:
    assert judge_thing(objects, 7, access, thing) == verdict


names = st.sampled_from(["a", "b", "web", "prod-1", "app:1"])
patterns = st.lists(st.sampled_from(["a", "*", "w*", "prod-*", "app", "x=1", "x"]), max_size=2).map(tuple)
selections = st.builds(Selection, patterns, patterns, patterns, patterns, patterns, patterns)
labels = st.lists(
    st.tuples(st.sampled_from(["x", OWNER_LABEL, BUILDER_LABEL, PROJECT_LABEL]), st.sampled_from(["1", "7", "prod-1"])),
    max_size=3,
).map(tuple)
anything = st.builds(
    Thing, st.sampled_from(sorted(KINDS)), st.just(A), st.lists(names, min_size=1, max_size=2).map(tuple), labels,
    borrowed=st.booleans(),
)  # fmt: skip


@given(
    st.sampled_from(["any", "own", "listed"]), st.sampled_from(["any", "own"]), selections, selections,
    st.sampled_from([MANAGE, OBSERVE]), anything,
)  # fmt: skip
def test_protection_beats_everything_and_own_is_never_more_than_any(
    manage: str, observe: str, listed: Selection, protected: Selection, access: str, thing: Thing
) -> None:
    verdict = judge_thing(Objects(manage, observe, listed, protected), 7, access, thing)
    if protected.has(thing):
        assert verdict == "protected"
        return
    assert judge_thing(Objects("any", "any", listed, protected), 7, access, thing) == ""
    if verdict == "":
        scope = manage if access == MANAGE else observe
        assert scope == "any" or listed.has(thing) or (scope == "own" and thing.is_own(7))
    without = judge_thing(Objects(manage, observe, Selection(), protected), 7, access, thing)
    assert verdict == "" or without == verdict  # what is listed can only add


# -- what was judged is what docker gets -------------------------------------------------


@pytest.mark.parametrize(
    ("line", "found", "words"),
    [
        ("docker stop -t 5 web ab", (container("web", rshell__owner="0"), container(key=B, rshell__owner="0")),
         ("container", "stop", "-t=5", "--", A, B)),
        ("docker rm -f /web", (container("web", rshell__owner="0"),), ("container", "rm", "--force", "--", A)),
        ("docker stop web nosuch", (container("web", rshell__owner="0"), NONE),
         ("container", "stop", "--", A, "nosuch:")),
        ("docker logs /nosuch", (NONE,), ("container", "logs", "--", "nosuch:")),
        ("docker top web aux", (container("web", rshell__owner="0"),), ("container", "top", "--", A, "aux")),
        ("docker rename web new", (container("web", rshell__owner="0"),), ("container", "rename", "--", A, "new")),
        ("docker rmi nosuch", (NONE,), ("image", "rm", "--", "nosuch@sha256:" + "0" * 64)),
        ("docker rmi hub/nosuch:1", (NONE,), ("image", "rm", "--", "hub/nosuch:1@sha256:" + "0" * 64)),
        ("docker volume rm nosuch", (NONE,), ("volume", "rm", "--", "nosuch:")),
    ],
)  # fmt: skip
def test_names_become_ids_and_absent_ones_what_nothing_can_be_called(
    line: str, found: tuple[Any, ...], words: tuple[str, ...]
) -> None:
    assert argv(line, OWN, *found) == words


def test_a_tag_is_removed_by_its_name_and_anything_else_is_done_by_id() -> None:
    kept = "{manage: any, observe: any, protected: {images: [other]}}"
    assert argv("docker rmi app", kept, image("app:latest", "b:1", tag="app:latest"))[-1] == "app:latest"
    assert argv("docker rmi 1111", kept, image("app:latest"))[-1] == IMAGE
    assert argv("docker history app", kept, image("app:latest", tag="app:latest"))[-1] == IMAGE
    assert argv("docker inspect app", kept, image("app:latest", tag="app:latest")) == (
        "inspect", "--type=image", "--", IMAGE,
    )  # fmt: skip


def test_an_image_with_one_protected_name_is_not_removed_by_another() -> None:
    kept = "{manage: any, observe: any, protected: {images: [prod/*]}}"
    named = image("app:1", "prod/app:1", tag="app:1")
    assert refused("docker rmi -f app:1", kept, named) == ("docker.rmi.protected", "docker rmi: 'app:1' is protected")
    assert refused("docker rmi -f 1111", kept, named)[0] == "docker.rmi.protected"


@pytest.mark.parametrize(
    ("line", "found", "said"),
    [
        ("docker stop web", (container(),), ("docker.stop.not-yours", "docker stop: 'web' is not yours")),
        ("docker stop a b", (container(rshell__owner="0"), container()),
         ("docker.stop.not-yours", "docker stop: 'b' is not yours")),
        ("docker stop a", (MANY,), ("docker.stop.ambiguous", "docker stop: 'a' means more than one")),
        ("docker network rm n", (NONE,), ("docker.network.rm.no-object", "docker network rm: 'n': there is none")),
        ("docker rmi sha256:12", (NONE,), ("docker.rmi.no-object", "docker rmi: 'sha256:12': there is none")),
        ("docker stop a", (image("a:1"),),
         ("docker.stop.no-facts", "docker stop: container-owner could not be looked up")),
        ("docker stop a", (None,), ("docker.stop.no-facts", "docker stop: container-owner could not be looked up")),
    ],
)  # fmt: skip
def test_what_may_not_be_touched_is_refused(line: str, found: tuple[Any, ...], said: tuple[str, str]) -> None:
    assert refused(line, OWN, *found) == said


def test_a_list_of_the_running_ones_is_of_one_s_own() -> None:
    assert argv("docker stats --no-stream", OWN, (container(rshell__owner="0"), container(key=B))) == (
        "container", "stats", "--no-stream", "--", A,
    )  # fmt: skip
    assert refused("docker stats --no-stream", OWN, (container(),))[0] == "docker.stats.none-own"
    assert refused("docker stats --no-stream", OWN, ())[0] == "docker.stats.none-own"


# -- mounts of what is started -----------------------------------------------------------

LOCAL = ("local", {})
ROOTS = (0o040755, 0)
PLAIN = Held("volume", "data", "/data", False, LOCAL)
STARTED = {
    "docker start x": ("container", "start", "--", A),
    "docker restart x": ("container", "restart", "--", A),
}


@pytest.mark.parametrize("line", STARTED)
@pytest.mark.parametrize(
    "mounts",
    [(), (PLAIN,), (PLAIN.but(source="bench-7"), PLAIN), (Held("volume", B, "/data", False, LOCAL),),
     (Held("tmpfs", "", "/tmp", False),)],
)  # fmt: skip
def test_what_has_only_mounts_that_may_be_is_started(line: str, mounts: tuple[Held, ...]) -> None:
    assert argv(line, ANY, container("x", *mounts)) == STARTED[line]


@pytest.mark.parametrize("line", STARTED)
@pytest.mark.parametrize(
    ("mounts", "shown"),
    [
        ((Held("bind", "/etc", "/x", True),), "/etc"),
        ((PLAIN, Held("bind", "/", "/x", True)), "/"),
        ((Held("bind", "/var/run/docker.sock", "/s", False),), "/var/run/docker.sock"),
        ((PLAIN.but(source="other"),), "other"),
        ((Held("image", "x", "/x", True),), "x"),
        ((Held("npipe", "", "/x", True),), "npipe"),
    ],
)
def test_what_has_another_mount_is_not_started(line: str, mounts: tuple[Held, ...], shown: str) -> None:
    verb = line.split()[1]
    said = f"docker {verb}: 'x' has a mount that may not be: {shown}"
    assert refused(line, ANY, container("x", *mounts)) == (f"docker.{verb}.mount", said)
    listed = "{manage: any, observe: any, listed: {containers: [x]}}"
    assert argv(line, listed, container("x", *mounts)) == STARTED[line]


BIND = Held("bind", "/srv/data", "/x", True, (ROOTS, ROOTS, ROOTS))


@pytest.mark.parametrize(
    ("held", "code"),
    [
        (PLAIN.but(behind=("local", {"type": "none", "o": "bind", "device": "/"})), "volume"),
        (PLAIN.but(behind=("nfs", {})), "volume"),
        (PLAIN.but(source=B, behind=("local", {"device": "/"})), "volume"),
        (PLAIN.but(behind=None), "no-facts"),
        (BIND.but(behind=None), "no-facts"),
        (BIND.but(behind=(ROOTS, ROOTS, (0o120777, 0))), "path"),
        (BIND.but(behind=(ROOTS, (0o040755, 1000), ROOTS)), "path"),
        (BIND.but(behind=(ROOTS, ROOTS)), "path"),
        (BIND.but(read_only=False), "mount"),
    ],
)
def test_a_mount_in_disguise_is_not_started(held: Held, code: str) -> None:
    assert refused("docker start x", ANY, container("x", PLAIN, held))[0] == f"docker.start.{code}"
    assert argv("docker start x", ANY, container("x", PLAIN, BIND)) == STARTED["docker start x"]


def test_a_volume_of_a_project_s_own_may_be_in_what_is_started_for_it() -> None:
    of = PLAIN.but(source="p_db", project="p")
    started = container("x", of, com__docker__compose__project="p")
    assert argv("docker start x", ANY, started) == STARTED["docker start x"]
    for other in (of.but(project=""), of.but(project="q")):
        odd = container("x", other, com__docker__compose__project="p")
        assert refused("docker start x", ANY, odd)[0] == "docker.start.mount"
    assert refused("docker start x", ANY, container("x", of))[0] == "docker.start.mount"
    bound = of.but(behind=("local", {"o": "bind"}))
    disguised = container("x", bound, com__docker__compose__project="p")
    assert refused("docker start x", ANY, disguised)[0] == "docker.start.volume"


def test_what_is_stopped_may_have_any_mounts() -> None:
    labelled = container("x", Held("bind", "/", "/x", False), rshell__owner="0")
    assert argv("docker stop x", OWN, labelled) == ("container", "stop", "--", A)


def test_a_volume_that_is_protected_is_not_removed_with_a_container() -> None:
    kept = "{manage: any, observe: any, protected: {volumes: [data, b*]}}"
    holding = container("x", PLAIN)
    assert refused("docker rm -v x", kept, holding) == (
        "docker.rm.volume-kept", "docker rm: 'x' has a volume that is protected: data",
    )  # fmt: skip
    assert (
        refused("docker rm -fv x", kept, container("x", Held("volume", B, "/x", False)))[0] == "docker.rm.volume-kept"
    )
    assert argv("docker rm -v x", kept, container("x", PLAIN.but(source="other"))) == (
        "container", "rm", "--volumes", "--", A,
    )  # fmt: skip


# -- projects ----------------------------------------------------------------------------

STOP = ("compose", "--env-file=/dev/null", "--project-directory=/var/empty", "--project-name=p", "stop")


def test_a_project_is_touched_when_all_of_it_may_be() -> None:
    mine, other = container(rshell__owner="0"), container("other", key=B)
    assert argv("docker compose -p p stop", OWN, (mine,)) == STOP
    assert argv("docker compose -p p stop", OWN, ()) == STOP
    assert refused("docker compose -p p stop", OWN, (mine, other)) == (
        "docker.compose.stop.not-yours", "docker compose stop: 'other' is not yours",
    )  # fmt: skip
    assert refused("docker compose -p p logs", OWN, (other,))[0] == "docker.compose.logs.not-yours"
    kept = "{manage: any, observe: any, protected: {labels: [keep]}}"
    assert refused("docker compose -p p down", kept, (mine, container(keep="1")))[0] == "docker.compose.down.protected"
    assert argv("docker compose -p p stop", kept, (mine, other)) == STOP


STACKS = "compose: {stdin: {projects: ['*-lab']}, projects: {p: {directory: /srv/p, verbs: [stop, start, logs]}}}"


def operated(objects: str) -> Policy:
    """A policy with a project `p` of the operator's."""
    made = POLICY.format(commands=json.dumps(COMMANDS), objects=objects)
    return written(made.replace('compose: {stdin: {projects: ["*"]}}', STACKS))


@pytest.mark.parametrize("verb", ["stop", "start", "logs"])
def test_in_a_project_of_the_operator_s_only_what_is_protected_counts(verb: str) -> None:
    (stage,) = execs(judge(f"docker compose -p p {verb}", rules=operated(OWN)))
    assert stage.needs == (Need("compose-project", ("/srv/p",)),)
    kept = operated("{protected: {labels: [keep]}}")
    (stage,) = execs(judge(f"docker compose -p p {verb}", rules=kept))
    assert stage.needs == (Need("compose-project", ("/srv/p",)), Need("project-id", ("p",)))
    asked = stage.but(needs=stage.needs[1:])
    theirs = container("x", Held("bind", "/etc", "/x", True))
    assert settle(kept, asked, {asked.needs[0]: ((theirs,),)}, context()) == asked.but(needs=())
    refusal = settle(kept, asked, {asked.needs[0]: ((theirs, container(keep="1")),)}, context())
    assert isinstance(refusal, Refusal)
    assert refusal.code == f"docker.compose.{verb}.protected"


@pytest.mark.parametrize(
    ("objects", "asked"),
    [
        (ANY, [Need("project-mounts", ("a-lab",))]),
        (OWN, [Need("project-mounts", ("a-lab",))]),
        ("{manage: any, observe: any, protected: {labels: [keep]}}",
         [Need("volume-kept", ("data",)), OF_ALPINE, Need("project-mounts", ("a-lab",))]),
    ],
)  # fmt: skip
def test_a_file_that_is_sent_says_itself_what_it_touches(objects: str, asked: list[Need]) -> None:
    text = "name: a-lab\nservices: {web: {image: alpine, network_mode: bridge, volumes: [data:/d]}}\n"
    text += "volumes: {data: {external: true}}\n"
    kept = operated(objects)
    (stage,) = execs(judge(f"docker compose -f - up <<'E'\n{text}E\n", rules=kept))
    (need,) = stage.needs
    ready = settle(kept, stage, {need: (File(text, parse(text.encode())),)}, context())
    assert isinstance(ready, Exec), ready
    assert [one for one in ready.needs if one.check != "volume"] == asked


def test_a_file_that_is_sent_for_a_protected_project_is_refused() -> None:
    kept = operated("{manage: any, observe: any, protected: {projects: [b-lab]}}")
    stage = asking("docker compose -p a-lab stop", OWN).but(command="docker compose up")
    need = Need("project-id", ("b-lab",))
    refusal = settle(kept, stage.but(needs=(need,)), {need: ((),)}, context())
    assert isinstance(refusal, Refusal)
    assert refusal.message == "docker compose stop: 'b-lab' is protected"


def test_a_protected_project_is_refused_before_anything_is_looked_up() -> None:
    kept = rules("{manage: any, observe: any, protected: {projects: [prod*]}}")
    for verb in ("ps", "stop", "down", "start"):
        assert code(f"docker compose -p prod {verb}", rules=kept) == ("denied", f"docker.compose.{verb}.protected")
        assert code(f"docker compose -p lab {verb}", rules=kept) == ("permit", "")


def test_a_project_with_other_mounts_is_not_started() -> None:
    bound = container("x", Held("bind", "/etc", "/x", True))
    assert refused("docker compose -p p start", ANY, (bound,))[0] == "docker.compose.start.mount"


SENT = "services: {web: {image: alpine, network_mode: bridge}}\n"


def anew(verb: str, objects: str, *there: Thing) -> Exec | Refusal:
    """What becomes of a file for project `p` that has these containers already."""
    stage = asking(f"docker compose -p p -f - {verb} <<'E'\n{SENT}E\n", objects)
    asked = Need("compose-model", ("p",))
    ready = settle(rules(objects), stage, dict.fromkeys(stage.needs, ("0" * 16,)) | {
        asked: (File(SENT, parse(SENT.encode())),)}, context())  # fmt: skip
    assert isinstance(ready, Exec), ready
    assert ready.needs == (Need("project-mounts", ("p",)),)
    return settle(rules(objects), ready, {ready.needs[0]: (there,)}, context())


@pytest.mark.parametrize("verb", ["up", "create", "run web"])
@pytest.mark.parametrize("objects", [ANY, "{manage: any, observe: any, listed: {containers: [x], projects: [p]}}"])
def test_what_is_made_anew_takes_over_no_other_mounts(verb: str, objects: str) -> None:
    """Compose copies the mounts of the old container to wherever the new service has a volume without a name."""
    for held, shown in ((Held("bind", "/", "/x", True), "/"), (PLAIN.but(source="other"), "other")):
        refusal = anew(verb, objects, container(), container("x", PLAIN, held, com__docker__compose__project="p"))
        assert isinstance(refusal, Refusal)
        assert (refusal.code, refusal.message) == (
            f"docker.compose.{verb.split()[0]}.mount-kept",
            f"docker compose {verb.split()[0]}: 'x' is of that project, and has a mount that may not be: {shown}",
        )


@pytest.mark.parametrize("verb", ["up", "create", "run web"])
def test_a_stack_may_be_brought_up_again(verb: str) -> None:
    """With all that rshell itself would have let its containers have, volumes of images too."""
    own = PLAIN.but(source="p_db", project="p")
    mounts = (PLAIN, own, BIND, Held("volume", B, "/y", False, LOCAL), Held("tmpfs", "", "/tmp", False))
    mine = container("p-web-1", *mounts, com__docker__compose__project="p", rshell__owner="0")
    for objects in (ANY, OWN):
        made = anew(verb, objects, mine)
        assert isinstance(made, Exec), made
        assert made.needs == ()


def test_a_volume_without_a_name_is_there_wherever_an_image_asks_for_it() -> None:
    none = written(POLICY.format(commands=json.dumps(COMMANDS), objects=ANY).replace("[data, bench-*]", "[]"))
    (stage,) = execs(judge("docker start x", rules=none))
    for mount, kind in ((Held("volume", B, "/y", False, LOCAL), Exec), (PLAIN, Refusal)):
        assert isinstance(settle(none, stage, {stage.needs[0]: (container("x", mount),)}, context()), kind)


# -- lists -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("docker ps -a", ("container", "ls", "--all", "--filter=label=rshell.owner=0")),
        ("docker ps -f label=rshell.owner=1",
         ("container", "ls", "--filter=label=rshell.owner=1", "--filter=label=rshell.owner=0")),
        ("docker images", ("image", "ls", "--filter=label=rshell.built-by=0")),
        ("docker volume ls", ("volume", "ls", "--filter=label=rshell.owner=0")),
        ("docker network ls", ("network", "ls", "--filter=label=rshell.owner=0")),
    ],
)  # fmt: skip
def test_where_only_one_s_own_is_seen_a_list_shows_no_more(line: str, words: tuple[str, ...]) -> None:
    assert asking(line, OWN).argv[1:] == words
    assert not [word for word in asking(line, ANY).argv if word.endswith("=0")]
    everything = "{observe: own, listed: {containers: ['*'], images: ['*'], volumes: ['*'], networks: ['*']}}"
    assert asking(line, everything).argv == asking(line, ANY).argv


def test_a_list_that_nothing_narrows_is_refused() -> None:
    assert code("docker compose ls", rules=rules(OWN)) == ("denied", "docker.compose.ls.lists-all")
    assert code("docker compose ls", rules=rules(ANY)) == ("permit", "")
    assert code("docker compose ls", rules=rules("{listed: {projects: ['*']}}")) == ("permit", "")
    assert code("docker system df -v", rules=rules(OWN)) == ("denied", "docker.system.df.lists-all")
    assert code("docker system df", rules=rules(OWN)) == ("permit", "")


# -- prunes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objects", "added"),
    [
        (ANY, []),
        (OWN, ["--filter=label=rshell.owner=0"]),
        ("{manage: any, protected: {labels: [keep]}}", ["--filter=label!=keep"]),
        ("{manage: any, protected: {labels: [a.b=c]}}", ["--filter=label!=a.b=c"]),
        ("{manage: own, protected: {labels: [keep]}}", ["--filter=label=rshell.owner=0", "--filter=label!=keep"]),
        ("{manage: any, protected: {projects: [prod]}}", ["--filter=label!=com.docker.compose.project=prod"]),
        ("{manage: any, protected: {volumes: [db]}}", []),
    ],
)
def test_a_prune_is_kept_inside_by_filters(objects: str, added: list[str]) -> None:
    assert list(asking("docker system prune -af", objects).argv[1:]) == ["system", "prune", "--all", "--force", *added]


@pytest.mark.parametrize(
    "objects",
    [
        "{manage: listed, listed: {containers: [a]}}",
        "{manage: any, protected: {labels: [a, b]}}",  # docker would spare only what has both
        "{manage: any, protected: {labels: [a], projects: [p]}}",
        "{manage: any, protected: {labels: [a*]}}",
        "{manage: any, protected: {projects: ['p*']}}",
        "{manage: any, protected: {containers: [a]}}",
        "{manage: own, protected: {images: [a]}}",
        "{manage: any, protected: {networks: [a]}}",
    ],
)
def test_a_prune_that_no_filter_can_keep_inside_is_refused(objects: str) -> None:
    assert code("docker system prune -f", rules=rules(objects)) == ("denied", "docker.system.prune.prune")


def test_a_prune_of_one_kind_is_bound_by_what_is_said_of_that_kind() -> None:
    kept = "{manage: any, protected: {images: [a]}}"
    assert asking("docker container prune -f", kept).argv[1:] == ("container", "prune", "--force")
    assert code("docker image prune -f", rules=rules(kept)) == ("denied", "docker.image.prune.prune")
    assert asking("docker image prune -f", OWN).argv[-1] == "--filter=label=rshell.built-by=0"
    volumes = rules("{manage: any, protected: {volumes: [a]}}")
    assert code("docker system prune -f --volumes", rules=volumes) == ("denied", "docker.system.prune.prune")
    assert code("docker volume prune -f", rules=volumes) == ("denied", "docker.volume.prune.prune")


@pytest.mark.parametrize("objects", [OWN, "{manage: any, protected: {labels: [keep]}}"])
@pytest.mark.parametrize("text", ["label!=x", "LABEL!=x", "Label!=keep", "name=x", "dangling=false"])
def test_no_filter_of_the_user_s_weakens_ours(objects: str, text: str) -> None:
    line = f"docker system prune -f --filter '{text}'"
    assert code(line, rules=rules(objects)) == ("denied", "docker.system.prune.prune-filter")
    assert code(line, rules=rules(ANY)) == ("permit", "")


@pytest.mark.parametrize("text", ["label=x", "label=x=y", "until=24h"])
def test_a_filter_of_the_user_s_may_narrow(text: str) -> None:
    assert asking(f"docker system prune -f --filter '{text}'", OWN).argv[4:] == (
        f"--filter={text}", "--filter=label=rshell.owner=0",
    )  # fmt: skip


# -- the shipped policy ------------------------------------------------------------------


def test_the_shipped_policy_protects_by_one_label() -> None:
    section = policy().sections["objects"]
    assert section == Objects("any", "any", protected=Selection(labels=("rshell.protect=true",)))


lines = st.sampled_from(
    [f"docker {verb} {{}}" for verb in ("stop", "start", "rm -f", "rm -v", "logs", "inspect", "rmi -f", "wait", "top")]
)
found = st.one_of(st.sampled_from([NONE, MANY, None, "x"]), anything)


@settings(max_examples=300)
@given(lines, st.lists(found, min_size=1, max_size=3), st.integers(0, 9))
def test_whatever_is_found_nothing_protected_and_no_name_is_ever_written(
    line: str, answers: list[Any], uid: int
) -> None:
    words = [f"name-{index}" for index in range(1 if line.split()[1] in ("logs", "top") else len(answers))]
    rules = policy_with_protection()
    decided = judge(line.replace("{}", " ".join(words)), rules=rules)
    assert isinstance(decided, Permit)
    (stage,) = execs(decided)
    (need,) = stage.needs
    ready = settle(rules, stage, {need: tuple(answers[: len(words)])}, context().but(uid=uid))
    if isinstance(ready, Refusal):
        return
    written_words = ready.argv[ready.argv.index("--") + 1 :]
    for answer, word in zip(answers, written_words, strict=False):
        thing = answer if isinstance(answer, Thing) else None
        assert thing is None or not rules.sections["objects"].protected.has(thing)
        assert word == thing.id if thing else word.endswith((":", "0" * 64))


def policy_with_protection() -> Policy:
    """Protects by name, label and project, where each may touch all of the others."""
    return rules("{manage: any, observe: any, protected: {containers: [a, prod-*], images: [app], labels: [x=1],"
                 " volumes: [db], projects: [prod-1]}}")  # fmt: skip
