"""Programs are found where only root puts them, on a NixOS too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rshell.host.programs import DIRECTORIES, PLUGIN, PLUGIN_DIRECTORIES, Programs, find

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="files of root's need root")
NOBODY = 65534


def executable(path: Path, mode: int = 0o555) -> Path:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


class NixOS:
    """A tree like that of a NixOS: everything a link into the store, sudo there twice."""

    def __init__(self, root: Path) -> None:
        self.root, self.store = root, root / "nix/store"
        self.store.mkdir(mode=0o755, parents=True)
        self.store.chmod(0o1775)
        os.chown(self.store, 0, NOBODY)
        system = self.store / "system"
        for name in ("docker", "sudo"):
            real = executable(self.store / f"{name}-1/bin/{name}")
            (system / "sw/bin").mkdir(mode=0o755, parents=True, exist_ok=True)
            (system / "sw/bin" / name).symlink_to(real)
        self.sudo = executable(root / "run/wrappers/wrappers.x7f3/sudo", 0o4511)
        (root / "run/wrappers/bin").symlink_to(self.sudo.parent)
        (root / "run/current-system").symlink_to(system)

    @property
    def directories(self) -> tuple[str, ...]:
        return tuple(f"{self.root}{directory}" for directory in DIRECTORIES)

    def find(self, name: str) -> str:
        return find(name, self.directories).removeprefix(str(self.root))


@pytest.fixture
def nixos(tmp_path: Path) -> NixOS:
    return NixOS(tmp_path)


def test_on_nixos_sudo_is_the_one_that_can_become_somebody_else(nixos: NixOS) -> None:
    assert nixos.find("sudo") == "/run/wrappers/bin/sudo"


def test_on_nixos_programs_are_those_of_the_running_system(nixos: NixOS) -> None:
    assert nixos.find("docker") == "/run/current-system/sw/bin/docker"
    assert nixos.find("nosuch") == ""


def test_elsewhere_sudo_is_the_systems_own(nixos: NixOS) -> None:
    executable(nixos.root / "usr/bin/sudo", 0o4755)
    assert nixos.find("sudo") == "/usr/bin/sudo"


def test_wrappers_that_are_replaced_are_found_again(nixos: NixOS) -> None:
    """As on a switch: new ones beside the old, then the link."""
    new = executable(nixos.root / "run/wrappers/wrappers.k2p9/sudo", 0o4511)
    (nixos.root / "run/wrappers/new").symlink_to(new.parent)
    (nixos.root / "run/wrappers/new").rename(nixos.root / "run/wrappers/bin")
    assert nixos.find("sudo") == "/run/wrappers/bin/sudo"
    assert os.path.realpath(find("sudo", nixos.directories)) == str(new)


def test_a_directory_of_wrappers_that_somebody_else_owns_or_writes_does_not_count(nixos: NixOS) -> None:
    nixos.sudo.parent.chmod(0o775)
    assert nixos.find("sudo") == "/run/current-system/sw/bin/sudo"
    nixos.sudo.parent.chmod(0o755)
    os.chown(nixos.sudo.parent, NOBODY, NOBODY)
    assert nixos.find("sudo") == "/run/current-system/sw/bin/sudo"


@pytest.mark.parametrize("mode", [0o757, 0o775, 0o666, 0o444])
def test_a_program_that_others_write_or_nobody_runs_does_not_count(nixos: NixOS, mode: int) -> None:
    (nixos.store / "docker-1/bin/docker").chmod(mode)
    assert nixos.find("docker") == ""


def test_a_program_of_somebody_else_does_not_count(nixos: NixOS) -> None:
    os.chown(nixos.store / "docker-1/bin/docker", NOBODY, NOBODY)
    assert nixos.find("docker") == ""


def test_a_program_may_be_named_by_its_path_in_the_store(nixos: NixOS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "__defaults__", (nixos.directories,))
    found = f"{nixos.root}/run/current-system/sw/bin/docker"
    assert Programs()[f"{nixos.store}/docker-1/bin/docker"] == found
    assert Programs()[found] == found
    assert Programs()[str(executable(nixos.store / "docker-2/bin/docker"))] == ""


def test_a_plugin_of_the_running_system_is_found(nixos: NixOS, monkeypatch: pytest.MonkeyPatch) -> None:
    real = executable(nixos.store / "compose-2/libexec/docker/cli-plugins/docker-compose")
    place = nixos.root / "run/current-system/sw/libexec/docker/cli-plugins"
    place.mkdir(mode=0o755, parents=True)
    (place / "docker-compose").symlink_to(real)
    directories = tuple(f"{nixos.root}{directory}" for directory in PLUGIN_DIRECTORIES)
    monkeypatch.setattr("rshell.host.programs.PLUGIN_DIRECTORIES", directories)
    assert Programs()[f"{PLUGIN}docker-compose"] == str(place / "docker-compose")
