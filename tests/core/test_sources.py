"""What stands behind the mounts of a container: asked for, and judged with what was found."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell.core.model import Exec, Need, Refusal
from rshell.core.parts.sources import UNSEEN
from rshell.core.settle import settle
from rshell.policy.check import context
from tests.support import argvs, code, execs, judge, written

RULES = written("""
version: 1
roles: {r: {grants: [g]}}
grants: {g: {commands: {docker run: {options: by-containers}}}}
containers:
  registries: [docker.io]
  images: ["*"]
  volumes: ["*"]
  bind_mounts: [{source: /srv/data, read_only: true}, {source: /srv/out, read_only: false}]
  tmpfs: {size: 1g}
  networks: [bridge]
""")
ROOT, SRV = (0o040755, 0), (0o040755, 0)


def command(options: str) -> Exec:
    return execs(judge(f"docker run -d {options} alpine", rules=RULES))[0]


def settled(options: str, *found: Any) -> Exec | Refusal:
    """What becomes of a command with one need, given what was found."""
    asking = command(options)
    return settle(RULES, asking, {asking.needs[0]: found}, context(False))


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        ("", ()), ("-v /x --tmpfs /y", ()), ("-v a1:/x", (Need("volume", ("a1",)),)),
        ("-v a1:/x --mount src=b1,dst=/y -v a1:/z", (Need("volume", ("a1", "b1")),)),
        ("-v /srv/out:/x", (Need("path", ("/srv/out",)),)),
        ("-v /srv/out:/x -v a1:/y --mount type=bind,src=/srv/data,dst=/z,ro",
         (Need("volume", ("a1",)), Need("path", ("/srv/out", "/srv/data")))),
    ],
)  # fmt: skip
def test_named_volumes_and_paths_are_looked_at_and_nothing_else(options: str, needs: tuple[Need, ...]) -> None:
    assert command(options).needs == needs


def test_a_container_in_the_foreground_is_labelled_besides() -> None:
    (one,) = execs(judge("docker run -v a1:/x alpine", rules=RULES))
    assert one.needs == (Need("volume", ("a1",)), Need("run-id", ("container",)))


@pytest.mark.parametrize("found", [(), ("local", {})])
def test_a_volume_of_plain_data_or_none_yet_may_be_mounted(found: Any) -> None:
    asking = command("-v a1:/x")
    assert settled("-v a1:/x", found) == asking.but(needs=())


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (("local", {"type": "none", "o": "bind", "device": "/"}), "has options of its own: device o type"),
        (("local", {"o": "size=1g"}), "has options of its own: o"),
        (("vieux/sshfs:latest", {}), "has the driver vieux/sshfs:latest"),
        (("", {}), "has the driver "),
        (("LOCAL", {}), "has the driver LOCAL"),
    ],
)
def test_a_volume_that_may_be_anything_is_refused(found: Any, message: str) -> None:
    refused = settled("-v a1:/x", found)
    assert isinstance(refused, Refusal)
    assert (refused.kind, refused.code, refused.message) == (
        "denied", "docker.run.volume", f"docker run: the volume 'a1' {message}",
    )  # fmt: skip


def test_one_odd_volume_among_others_is_named() -> None:
    refused = settled("-v a1:/x -v b1:/y -v c1:/z", ("local", {}), ("nfs", {}), ())
    assert isinstance(refused, Refusal)
    assert refused.message == "docker run: the volume 'b1' has the driver nfs"


@pytest.mark.parametrize("last", [(0o040755, 0), (0o040777, 1000), (0o100644, 0), (0o041777, 33)])
def test_a_directory_or_a_file_that_stays_where_it_is_may_be_mounted(last: tuple[int, int]) -> None:
    asking = command("-v /srv/out:/x")
    assert settled("-v /srv/out:/x", (ROOT, SRV, last)) == asking.but(needs=())


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ((), "/ is not there"),
        ((ROOT, SRV), "/srv/out is not there"),
        ((ROOT,), "/srv is not there"),
        ((ROOT, UNSEEN), "/srv can't be looked at"),
        ((ROOT, SRV, UNSEEN), "/srv/out can't be looked at"),
        ((ROOT, SRV, (0o120777, 0)), "/srv/out is a link: name where it leads"),
        ((ROOT, (0o120777, 0), (0o040755, 0)), "/srv is a link: name where it leads"),
        ((ROOT, (0o040755, 1000), (0o040755, 0)), "others than root can write in /srv"),
        ((ROOT, (0o040775, 0), (0o040755, 0)), "others than root can write in /srv"),
        ((ROOT, (0o041777, 0), (0o040755, 0)), "others than root can write in /srv"),
        (((0o040757, 0), SRV, (0o040755, 0)), "others than root can write in /"),
        ((ROOT, SRV, (0o140666, 0)), "/srv/out is neither a directory nor a file"),
        ((ROOT, SRV, (0o060660, 0)), "/srv/out is neither a directory nor a file"),
        ((ROOT, SRV, (0o010600, 0)), "/srv/out is neither a directory nor a file"),
        ((ROOT, (0o100644, 0), (0o040755, 0)), "/srv is neither a directory nor a file"),
    ],
)  # fmt: skip
def test_a_path_that_is_no_plain_one_or_could_be_exchanged_is_refused(found: Any, why: str) -> None:
    refused = settled("-v /srv/out:/x", found)
    assert isinstance(refused, Refusal)
    assert (refused.kind, refused.code, refused.message, refused.why) == (
        "denied", "docker.run.path", "docker run: '/srv/out' can't be mounted", why,
    )  # fmt: skip


@pytest.mark.parametrize("options", ["-v a1:/x", "-v /srv/out:/x"])
def test_without_an_answer_nothing_is_mounted(options: str) -> None:
    asking = command(options)
    for facts in ({}, {asking.needs[0]: ()}, {asking.needs[0]: ((), ())}):
        refused = settle(RULES, asking, facts, context(False))
        assert isinstance(refused, Refusal)
        assert refused.code in ("docker.run.no-facts", "docker.run.path")


steps = st.lists(st.tuples(st.integers(0, 0o177777), st.sampled_from([0, 0, 0, 1000])), max_size=4)


@given(steps)
def test_whatever_is_found_only_steps_that_root_alone_can_exchange_lead_to_a_mount(found: list[Any]) -> None:
    if isinstance(settled("-v /srv/out:/x", tuple(found)), Exec):
        assert len(found) == 3
        assert [(mode & 0o170000, mode & 0o022, owner) for mode, owner in found[:2]] == [(0o040000, 0, 0)] * 2
        assert found[2][0] & 0o170000 in (0o040000, 0o100000)


def test_the_network_that_is_named_by_naming_none_has_to_be_allowed() -> None:
    sections = {name: RULES.sections[name] for name in ("containers", "objects")}
    sections["containers"] = sections["containers"].but(networks=("none", "lab"))
    rules = RULES.but(sections=sections)
    assert code("docker run alpine", rules=rules) == ("denied", "docker.run.needs")
    assert code("docker run --network default alpine", rules=rules) == ("denied", "docker.run.value")
    assert "--network=lab" in argvs("docker run --network lab alpine", rules=rules)[0]
