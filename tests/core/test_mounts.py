"""Mounts: every spelling of docker's to one value, judged, and written in one spelling that reads in one way."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rshell.core.containers import HOST_PATHS, Containers
from rshell.core.parts import mounts
from rshell.core.parts.mounts import (
    Mount,
    Wrong,
    bounded,
    from_mount,
    from_tmpfs,
    from_volume,
    judge,
    short,
    spell,
    together,
)

GIB = 1 << 30
ALLOWED = Containers(
    volumes=("ollama", "bench-*"),
    bind_mounts=(("/srv/data", True), ("/srv/out", False), ("/srv", True)),
    tmpfs=4 * GIB,
)
READ = {"volume": from_volume, "mount": from_mount, "tmpfs": from_tmpfs}


def wrong(option: str, text: str, allowed: Containers = ALLOWED) -> tuple[str, str]:
    """The part that is wrong, and what was expected."""
    with pytest.raises(Wrong) as caught:
        judge(allowed, READ[option](text))
    return caught.value.part, caught.value.expected


def fits(option: str, text: str, allowed: Containers = ALLOWED) -> bool:
    try:
        judge(allowed, READ[option](text))
    except Wrong:
        return False
    return True


# -- what is read ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "text", "mount"),
    [
        ("volume", "/x", Mount("volume", "", "/x")),
        ("volume", "ollama:/root/.ollama", Mount("volume", "ollama", "/root/.ollama")),
        ("volume", "ollama:/root/.ollama/", Mount("volume", "ollama", "/root/.ollama")),
        ("volume", "ollama:/x:ro", Mount("volume", "ollama", "/x", True)),
        ("volume", "ollama:/x:rw", Mount("volume", "ollama", "/x")),
        ("volume", "ollama:/x:ro,nocopy", Mount("volume", "ollama", "/x", True, True)),
        ("volume", "/srv/data:/x:ro", Mount("bind", "/srv/data", "/x", True)),
        ("volume", "/srv/data/:/x", Mount("bind", "/srv/data", "/x")),
        ("volume", "/:/x", Mount("bind", "/", "/x")),
        ("mount", "source=ollama,target=/x", Mount("volume", "ollama", "/x")),
        ("mount", "target=/x", Mount("volume", "", "/x")),
        ("mount", "source=,target=/x", Mount("volume", "", "/x")),
        ("mount", "type=volume,src=ollama,dst=/x,ro", Mount("volume", "ollama", "/x", True)),
        ("mount", "TYPE=Volume,SRC=ollama,Destination=/x,ReadOnly=1", Mount("volume", "ollama", "/x", True)),
        ("mount", "src=ollama,dst=/x,readonly=false", Mount("volume", "ollama", "/x")),
        ("mount", "src=ollama,dst=/x,volume-nocopy", Mount("volume", "ollama", "/x", False, True)),
        ("mount", '"type=bind","src=/srv/data","dst=/h"', Mount("bind", "/srv/data", "/h")),
        ("mount", "type=tmpfs,dst=/x", Mount("tmpfs", "", "/x")),
        ("mount", "type=tmpfs,dst=/x,tmpfs-size=64m,tmpfs-mode=1777",
         Mount("tmpfs", "", "/x", False, False, 64 << 20, "1777")),
        ("tmpfs", "/x", Mount("tmpfs", "", "/x")),
        ("tmpfs", "/x:size=1g,mode=700,noexec,nosuid,nodev,rw", Mount("tmpfs", "", "/x", False, False, GIB, "700")),
        ("tmpfs", "/x:ro", Mount("tmpfs", "", "/x", True)),
    ],
)  # fmt: skip
def test_a_mount_is_read_as_docker_reads_it(option: str, text: str, mount: Mount) -> None:
    assert READ[option](text) == mount


@pytest.mark.parametrize(
    ("option", "text", "part"),
    [
        ("volume", "", ""), ("volume", ":", ""), ("volume", "::", ""), ("volume", "a:b:c:d", ""),
        ("volume", "ollama:x", "x"), ("volume", "ollama:", ""), ("volume", ":/x", ""), ("volume", "ollama", "ollama"),
        ("volume", "x:/y", "x"),  # a drive of Windows to docker
        ("volume", "/x:ro", "ro"), ("volume", "ollama:/x:", ""),
        ("volume", "ollama:/x:z", "z"), ("volume", "ollama:/x:Z", "Z"), ("volume", "ollama:/x:RO", "RO"),
        ("volume", "ollama:/x:ro,rw", "ro"), ("volume", "ollama:/x:ro,ro", "ro"), ("volume", "ollama:/x:rshared",
        "rshared"),
        ("volume", "ollama:/x:ro,", ""), ("volume", "/srv/data:/x:nocopy", "nocopy"),
        ("volume", ".:/x", "."), ("volume", "./a:/x", "./a"), ("volume", "../../etc:/x", "../../etc"),
        ("volume", "~:/x", "~"), ("volume", "~/x:/x", "~/x"), ("volume", "a/../..:/x", "a/../.."),
        ("volume", "//:/x", "//"), ("volume", "//etc:/x", "//etc"), ("volume", "/srv/./data:/x", "/srv/./data"),
        ("volume", "/srv/data/..:/x", "/srv/data/.."), ("volume", "/srv/data//:/x", "/srv/data//"),
        ("volume", "/srv/d\u00e4ta:/x", "/srv/d\u00e4ta"), ("volume", "/srv/a b:/x", "/srv/a b"),
        ("volume", "-x:/x", "-x"), ("volume", "ol\nlama:/x", "ol\nlama"), ("volume", "ollama:/x\n", "/x\n"),
        ("volume", "ollama:/x,y", "/x,y"), ("volume", "\\\\.\\pipe\\x:/x", "\\\\.\\pipe\\x"),
        ("mount", "", ""), ("mount", "type=bind", ""), ("mount", "type=bind,src=/x", ""), ("mount", "type=bind,dst=/x",
        ""),
        ("mount", "type=bind,src=,dst=/x", ""), ("mount", "type=npipe,src=x,dst=/y", "npipe"),
        ("mount", "type=cluster,src=x,dst=/y", "cluster"), ("mount", "type=image,src=alpine,dst=/y", "image"),
        ("mount", "type=,dst=/x", ""), ("mount", "type,dst=/x", "type"), ("mount", "src,dst=/x", "src"),
        ("mount", "type=volume,type=bind,src=/,dst=/x", "type=bind"), ("mount", "src=ollama,source=/,dst=/x",
        "source=/"),
        ("mount", "src=ollama,dst=/x,target=/proc", "target=/proc"), ("mount", "src=ollama,dst=/x,ro,readonly=false",
        "readonly=false"),
        ("mount", "src=ollama,dst=/x,readonly=yes", "readonly=yes"), ("mount", "src=ollama,dst=/x,ro=", "ro="),
        ("mount", "src=ollama,dst=/x,volume-opt=o=bind", "volume-opt=o=bind"),
        ("mount", "src=ollama,dst=/x,volume-opt=device=/", "volume-opt=device=/"),
        ("mount", "src=ollama,dst=/x,volume-driver=local", "volume-driver=local"),
        ("mount", "src=ollama,dst=/x,volume-label=a=b", "volume-label=a=b"),
        ("mount", "src=ollama,dst=/x,volume-subpath=../..", "volume-subpath=../.."),
        ("mount", "type=bind,src=/srv/data,dst=/x,bind-propagation=rshared", "bind-propagation=rshared"),
        ("mount", "type=bind,src=/srv/data,dst=/x,bind-nonrecursive", "bind-nonrecursive"),
        ("mount", "type=bind,src=/srv/data,dst=/x,consistency=cached", "consistency=cached"),
        ("mount", "type=bind,src=/srv/data,dst=/x,volume-nocopy", "nocopy="), ("mount", "type=tmpfs,src=x,dst=/x",
        "source="),
        ("mount", "type=tmpfs,src=,dst=/x", "source="), ("mount", "src=ollama,dst=/x,tmpfs-size=1g", "size="),
        ("mount", "type=tmpfs,dst=/x,tmpfs-size=0", "size="), ("mount", "type=tmpfs,dst=/x,tmpfs-size=-1", "size="),
        ("mount", "type=tmpfs,dst=/x,tmpfs-size=", "size="), ("mount", "type=tmpfs,dst=/x,tmpfs-size", "tmpfs-size"),
        ("mount", "type=tmpfs,dst=/x,tmpfs-mode=x", "mode="), ("mount", "type=tmpfs,dst=/x,tmpfs-mode=0", "mode="),
        ("mount", "type=tmpfs,dst=/x,tmpfs-mode=99", "mode="), ("mount", "type=tmpfs,dst=/x,tmpfs-options=exec",
        "tmpfs-options=exec"),
        ("mount", " type=bind,src=/,dst=/x", " type=bind"), ("mount", "type=volume, type=bind,dst=/x", " type=bind"),
        ("mount", "t\u212ape=bind,dst=/x", "t\u212ape=bind"), ("mount", "\u017frc=ollama,dst=/x", "\u017frc=ollama"),
        ("mount", "type=volume,dst=/x\ntype=bind,src=/", ""), ("mount", "src=ollama,dst=/x,", ""),
        ("mount", "src=x,dst=/x", "x"), ("mount", "src=/etc,dst=/x", "/etc"), ("mount", "src=ollama,dst=x", "x"),
        ("mount", "type=bind,src=.,dst=/x", "."), ("mount", "type=bind,src=./x,dst=/x", "./x"),
        ("tmpfs", "", ""), ("tmpfs", "x", "x"), ("tmpfs", "/x:", ""), ("tmpfs", "/x:exec", "exec"),
        ("tmpfs", "/x:suid", "suid"), ("tmpfs", "/x:dev", "dev"), ("tmpfs", "/x:size", "size"), ("tmpfs", "/x:size=",
        "size="),
        ("tmpfs", "/x:size=50%", "size="), ("tmpfs", "/x:size=1gb", "size="), ("tmpfs", "/x:size=1t", "size="),
        ("tmpfs", "/x:size=1.5g", "size="), ("tmpfs", "/x:size=1g,size=9g", "size=9g"), ("tmpfs", "/x:ro,rw", "rw"),
        ("tmpfs", "/x:noexec,noexec", "noexec"), ("tmpfs", "/x:ro=1", "ro=1"), ("tmpfs", "/x:uid=0", "uid=0"),
        ("tmpfs", "/x:nr_inodes=0", "nr_inodes=0"), ("tmpfs", "/x:mode=9", "mode="), ("tmpfs", "/x:y:z", "y:z"),
        ("tmpfs", "/x:rw,remount", "remount"), ("tmpfs", "/x:rshared", "rshared"),
    ],
)  # fmt: skip
def test_what_is_no_mount_or_more_than_one_is_refused_at_the_part_that_is_wrong(
    option: str, text: str, part: str
) -> None:
    assert wrong(option, text)[0] == part


@pytest.mark.parametrize(
    "target",
    [
        "/", "//", "/.", "/..", "", "x", ".", "../x", "/x/..", "/x/../proc", "/x//y", "/./proc", "/proc", "/proc/",
        "/proc/self/attr", "//proc", "/sys", "/sys/fs/cgroup", "/dev", "/dev/shm", "/dev/", "/x\n", "/x y", "/x\u00e9",
        "/" + "x" * 1100,
    ],
)  # fmt: skip
def test_a_place_in_the_container_that_could_lead_the_runtime_astray_is_refused(target: str) -> None:
    assert not fits("volume", f"ollama:{target}")
    assert not fits("mount", f"type=volume,src=ollama,dst={target}")
    assert not fits("mount", f"type=tmpfs,dst={target}")
    assert not fits("tmpfs", target)


@pytest.mark.parametrize("target", ["/process", "/x/proc", "/device", "/a.b/c_d/e-f/@g+h", "/system", "/etc/x", "/..x"])
def test_any_other_clean_absolute_path_is_a_place(target: str) -> None:
    assert fits("volume", f"ollama:{target}")
    assert fits("tmpfs", target)


# -- what is allowed ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("ollama:/x", True), ("bench-1:/x", True), ("bench-:/x", True), ("/x", True), ("ollama2:/x", False),
        ("OLLAMA:/x", False), ("prod:/x", False), ("xbench-1:/x", False), ("0" * 64 + ":/x", False),
    ],
)  # fmt: skip
def test_a_volume_is_one_that_the_policy_names(text: str, may: bool) -> None:
    assert fits("volume", text) is may
    assert not fits("volume", text, Containers())


@pytest.mark.parametrize(
    ("source", "read_only", "writable"),
    [
        ("/srv/data", True, False), ("/srv/data/a", True, False), ("/srv/data/a/b", True, False), ("/srv", True, False),
        ("/srv/x", True, False), ("/srv/out", True, True),
        ("/srv/out/a", False, False),  # what writes in /srv/out could make it a link
        ("/srv/database", True, False), ("/", False, False), ("/etc", False, False), ("/srvx", False, False),
        ("/var/run/docker.sock", False, False),
    ],
)  # fmt: skip
def test_a_path_of_the_host_is_a_listed_one_or_in_one_that_is_only_read(
    source: str, read_only: bool, writable: bool
) -> None:
    assert fits("volume", f"{source}:/x:ro") is read_only
    assert fits("volume", f"{source}:/x") is writable
    assert fits("mount", f"type=bind,src={source},dst=/x,readonly") is read_only
    assert fits("mount", f"type=bind,src={source},dst=/x") is writable
    assert not fits("volume", f"{source}:/x:ro", Containers(volumes=("*",)))


@pytest.mark.parametrize(
    ("option", "text", "expected"),
    [
        ("volume", "/etc:/x",
         ("/etc", "the volumes ollama bench-*, /srv/data (read-only), /srv/out, /srv (read-only)")),
        ("volume", "/srv/data:/x", ("/srv/data", "/srv/data for reading only")),
        ("tmpfs", "/x:size=5g", ("size=", "a size up to 4g")),
        ("mount", "type=tmpfs,dst=/x,tmpfs-size=4097m", ("size=", "a size up to 4g")),
    ],
)  # fmt: skip
def test_a_refusal_says_what_may_be_instead(option: str, text: str, expected: tuple[str, str]) -> None:
    assert wrong(option, text) == expected


@pytest.mark.parametrize(
    ("option", "text", "better"),
    [
        ("volume", "/etc:/x:ro", Mount("volume", "bench-data", "/x", True)),
        ("volume", "olama:/x", Mount("volume", "ollama", "/x")),
        ("volume", "/srv/data:/x", Mount("bind", "/srv/data", "/x", True)),
        ("tmpfs", "/x:size=9g", Mount("tmpfs", "", "/x", False, False, 4 * GIB)),
    ],
)
def test_the_nearest_mount_that_may_be_is_one_that_may_be(option: str, text: str, better: Mount) -> None:
    with pytest.raises(Wrong) as caught:
        judge(ALLOWED, READ[option](text))
    assert caught.value.better == better
    judge(ALLOWED, better)


def test_a_policy_without_mounts_allows_none_and_has_no_better_one() -> None:
    with pytest.raises(Wrong) as caught:
        judge(Containers(), Mount("bind", "/etc", "/x"))
    assert (caught.value.part, caught.value.expected, caught.value.better) == ("/etc", "no mounts", "")


def test_a_tmpfs_that_names_no_size_gets_the_largest() -> None:
    assert bounded(ALLOWED, Mount("tmpfs", "", "/x")) == Mount("tmpfs", "", "/x", False, False, 4 * GIB)
    assert bounded(ALLOWED, Mount("tmpfs", "", "/x", size=1)) == Mount("tmpfs", "", "/x", size=1)
    assert bounded(ALLOWED, Mount("volume", "ollama", "/x")) == Mount("volume", "ollama", "/x")


@pytest.mark.parametrize(
    ("targets", "apart"),
    [
        (["/a", "/b"], True), (["/a", "/ab"], True), (["/a/b", "/a/c"], True), (["/a"], True), ([], True),
        (["/a", "/a"], False), (["/a", "/a/b"], False), (["/a/b/c", "/a"], False), (["/x", "/a", "/b", "/a/b"], False),
    ],
)  # fmt: skip
def test_no_mount_is_in_another(targets: list[str], apart: bool) -> None:
    made = [Mount("volume", "ollama", target) for target in targets]
    if apart:
        together(made)
        return
    with pytest.raises(Wrong) as caught:
        together(made)
    assert caught.value.part == targets[-1]


def test_a_container_has_so_many_mounts_at_most() -> None:
    """Each is held against all the others."""
    made = [Mount("volume", "ollama", f"/x{index}") for index in range(65)]
    together(made[1:])
    with pytest.raises(Wrong) as caught:
        together(iter(made))
    assert (caught.value.part, caught.value.expected) == ("", "up to 64 mounts of a container")


# -- what is written ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mount", "written"),
    [
        (Mount("volume", "", "/x"), "type=volume,target=/x"),
        (Mount("volume", "ollama", "/x", True, True), "type=volume,source=ollama,target=/x,readonly,volume-nocopy"),
        (Mount("bind", "/srv/data", "/x", True), "type=bind,source=/srv/data,target=/x,readonly"),
        (Mount("tmpfs", "", "/x", False, False, 1024, "1777"),
         "type=tmpfs,target=/x,tmpfs-size=1024,tmpfs-mode=1777"),
    ],
)  # fmt: skip
def test_a_mount_is_written_with_every_part_named(mount: Mount, written: str) -> None:
    assert spell(mount) == ("mount", written)


def test_people_write_volumes_and_binds_in_one_word() -> None:
    assert short(Mount("volume", "ollama", "/x")) == "ollama:/x"
    assert short(Mount("volume", "ollama", "/x", True, True)) == "ollama:/x:ro,nocopy"
    assert short(Mount("volume", "", "/x")) == "/x"
    assert short(Mount("bind", "/srv", "/x", True)) == "/srv:/x:ro"


words = st.sampled_from(
    ["type=bind", "type=volume", "type=tmpfs", "TYPE=bind", "src=/", "source=/etc", "src=ollama", "src=bench-1",
     "src=/srv/data", "src=/srv/out/..", "dst=/x", "target=/proc", "ro", "readonly=0", "volume-nocopy", "tmpfs-size=1g",
     "tmpfs-mode=1777", "volume-opt=o=bind", "volume-driver=x", "bind-propagation=shared", '"dst=/y"', '"src=/,dst=/x"',
     "dst=/x\nsrc=/", "", " src=/", "source=", "type"]
)  # fmt: skip
soups = st.lists(words, max_size=6).map(",".join) | st.text("adeoprstuvy=,/\":.-", max_size=24)
shorts = st.lists(
    st.sampled_from(["/", "/etc", "ollama", "bench-1", "/srv/data", "/srv/out", "/srv/out/a", "..", ".", "~", "c", "/x",
                     "/proc", "ro", "rw", "nocopy", "z", "ro,nocopy", "", "size=1g", "exec", "noexec"]),
    max_size=4,
).map(":".join)  # fmt: skip


@given(st.sampled_from(sorted(READ)), soups | shorts)
@example("mount", '"type=bind","src=/srv/data","dst=/h",ro')
@example("volume", "/srv/out:/x")
def test_whatever_may_be_is_plain_in_itself_and_reads_back_as_it_was(option: str, text: str) -> None:
    said = ""
    try:
        mount = READ[option](text)
        judge(ALLOWED, mount)
    except Wrong as found:
        said = found.expected
    if said:
        assert said.isascii()
        assert said.isprintable()
        return
    mount = bounded(ALLOWED, mount)
    assert mounts.is_clean(mount.target)
    assert not any(f"{mount.target}/".startswith(f"{path}/") for path in HOST_PATHS)
    assert mount.kind in ("volume", "bind", "tmpfs")
    if mount.kind == "volume":
        assert mount.source in ("", "ollama") or mount.source.startswith("bench-")
        assert "/" not in mount.source
    if mount.kind == "bind":
        assert mount.source == "/srv/out" or (mount.read_only and mount.source.startswith("/srv"))
        assert not mount.source.startswith("/srv/out/")
    if mount.kind == "tmpfs":
        assert 0 < mount.size <= ALLOWED.tmpfs
    written = spell(mount)[1]
    assert '"' not in written
    assert from_mount(written) == mount
    if mount.kind != "tmpfs":
        assert from_volume(short(mount)) == mount
