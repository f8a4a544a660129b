"""Who rules the control group of a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from rshell.host import cgroup

MOUNTS = """\
22 1 0:20 / /proc rw,relatime - proc proc rw
31 22 0:26 / {tree} rw,nosuid shared:5 - cgroup2 cgroup2 rw,nsdelegate
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree like that of the kernel, with two groups, one in the other."""
    (tmp_path / "tree/a.slice/b.scope").mkdir(parents=True)
    for path in (tmp_path / "tree/a.slice", tmp_path / "tree/a.slice/b.scope"):
        path.chmod(0o755)
    return tmp_path / "tree"


def said(tree: Path, mine: str, monkeypatch: pytest.MonkeyPatch, owner: int = 0) -> bool:
    """What is said of a process with these groups; all of the tree belongs to `owner`."""
    (tree.parent / "mine").write_text(mine)
    (tree.parent / "mounts").write_text(MOUNTS.format(tree=tree))
    real = cgroup.os.stat

    class Owned:
        def __init__(self, path: str) -> None:
            self.st_mode, self.st_uid = real(path).st_mode, owner

    with monkeypatch.context() as patch:
        patch.setattr(cgroup.os, "stat", Owned)
        return cgroup.is_ours_alone(str(tree.parent / "mine"), str(tree.parent / "mounts"))


V1 = "3:cpu:/elsewhere\n1:name=systemd:/a.slice\n"


def test_root_s_group_is_trusted(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(tree, f"{V1}0::/a.slice/b.scope\n", monkeypatch)


def test_a_group_of_somebody_else_s_is_not(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not said(tree, f"{V1}0::/a.slice/b.scope\n", monkeypatch, owner=1000)


@pytest.mark.parametrize("loose", ["a.slice", "a.slice/b.scope"])
@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_group_that_others_can_write_is_not(
    tree: Path, monkeypatch: pytest.MonkeyPatch, loose: str, mode: int
) -> None:
    (tree / loose).chmod(mode)
    assert not said(tree, "0::/a.slice/b.scope\n", monkeypatch)


@pytest.mark.parametrize("mine", ["", V1, "0::/\n", "0::/gone/b.scope\n", "0::/../outside\n", "nonsense"])
def test_where_there_is_no_such_group_nobody_rules_it(tree: Path, monkeypatch: pytest.MonkeyPatch, mine: str) -> None:
    assert said(tree, mine, monkeypatch)


def test_without_the_tables_of_the_kernel_nothing_is_known() -> None:
    assert cgroup.is_ours_alone("/nowhere", "/nowhere")
