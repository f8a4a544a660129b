"""What `rshellctl export` prints: the texts that install writes, and Nix that evaluates to them."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from rshell import __version__
from rshell.ctl import export, install, launcher, nixos, pieces
from rshell.ctl.main import main
from rshell.ctl.setup import networks, plan
from rshell.host import layout
from rshell.policy.check import compile_checked
from rshell.policy.open import COMPILED, INSTALLED
from tests.support import ROOT, SHIPPED

HERE = Path(__file__).parent / "nixos"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEJ agent"
SOURCE = "/src/rshell"
STORE = "/nix/store"
HOST = f"{STORE}/rshell-host"
BUILT = f"{STORE}/rshell-login-{__version__}"
GATE = f"{HOST}/libexec/rshell-gate"
SHELL = "/run/current-system/sw/bin/rshell"
IDENTITIES = ("root", "rshell-docker", "rshell-journal")


def nix(tmp_path: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run nix-instantiate without a store."""
    program = shutil.which("nix-instantiate")
    assert program, "nix-instantiate is needed (Debian: nix-bin)"
    environment = {"HOME": str(tmp_path), "NIX_REMOTE": "dummy://", "NIX_CONF_DIR": str(tmp_path)}
    return subprocess.run(
        [program, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A directory with what `export nixos --output` writes."""
    directory = tmp_path / "exported"
    assert main(["export", "nixos", "--output", str(directory)]) == 0
    return directory


def evaluated(exported: Path, **settings: Any) -> dict[str, Any]:
    """What a configuration comes to, switched on unless it says otherwise."""
    services = {"aiWorkerAccess": {"enable": True}, "rshell": {"source": SOURCE}, **settings.pop("services", {})}
    words = {"directory": str(exported), "settings": json.dumps({"services": services, **settings})}
    arguments = [word for name, value in words.items() for word in ("--argstr", name, value)]
    done = nix(exported.parent, "--eval", "--strict", "--json", *arguments, HERE / "evaluate.nix")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rshell(**settings: Any) -> dict[str, Any]:
    """Settings of services.rshell, with a source."""
    return {"services": {"rshell": {"source": SOURCE, **settings}}}


def replaced(text: str, **by: str) -> str:
    """A piece as NixOS has it: without its head, with its own places of the programs."""
    return text.removeprefix(pieces.HEAD).replace(layout.GATE, GATE).replace(layout.LAUNCHER, SHELL)


# -- what is printed -----------------------------------------------------------------------


def test_sudoers_and_sshd_are_the_very_texts_that_install_writes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "INSTALLED", "/nonexistent")
    identities = ("rshell-docker", "rshell-journal", "root")
    for words, expected in (
        (["sudoers"], pieces.sudoers(("ai-worker",), identities)),
        (["sudoers", "--user", "a", "--user", "b", "--user", "a"], pieces.sudoers(("a", "b"), identities)),
        (["sshd"], pieces.sshd("ai-worker")),
        (["sshd", "--user", "a", "--user", "b"], pieces.sshd("a") + pieces.sshd("b")),
    ):
        assert main(["export", *words]) == 0
        assert capsys.readouterr() == (expected, "")


def test_sudoers_names_the_identities_of_the_policy_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nidentities: {a: one, b: two, c: one}\nroles: {}\ngrants: {}\n")
    monkeypatch.setattr(export, "INSTALLED", str(policy))
    assert main(["export", "sudoers"]) == 0
    assert capsys.readouterr() == (pieces.sudoers(("ai-worker",), ("one", "two")), "")
    policy.write_text("version: 2\n")
    assert main(["export", "sudoers"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[0]) == ("", f"{policy}:1:1: `grants` is missing")


@pytest.mark.parametrize("name", ["a b", "ALL", "%wheel", "a,b", "*", ""])
def test_a_name_that_means_something_else_there_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for what in ("sudoers", "sshd"):
        assert main(["export", what, f"--user={name}"]) == 2
        assert capsys.readouterr() == ("", f"rshellctl: not the plain name of an account: {name!r}\n")


@pytest.mark.parametrize(
    "words",
    [["nixos", "--user", "a"], ["sshd", "--package"], ["sudoers", "--output", "x"],
     ["nixos", "--package", "--output", "x"]],
)  # fmt: skip
def test_an_option_of_something_else_is_refused(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", *words]) == 2
    said = "rshellctl: --user is for sudoers and sshd; nixos takes --package or --output\n"
    assert capsys.readouterr() == ("", said)
    assert list(tmp_path.iterdir()) == []


def test_both_files_are_written_as_they_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "some/where"
    assert main(["export", "nixos", "--output", str(directory)]) == 0
    assert capsys.readouterr().out == f"wrote {directory}/package.nix\nwrote {directory}/module.nix\n"
    assert sorted(path.name for path in directory.iterdir()) == ["module.nix", "package.nix"]
    for words, name in (([], "module.nix"), (["--package"], "package.nix")):
        assert main(["export", "nixos", *words]) == 0
        assert capsys.readouterr().out == (directory / name).read_text()


def test_a_nixos_is_not_installed_upon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "needs_root", lambda: None)
    monkeypatch.setattr(install, "NIXOS", str(tmp_path))
    assert main(["install"]) == 2
    said = "rshellctl: this is a NixOS: its configuration sets it up: rshellctl export nixos --output DIRECTORY\n"
    assert capsys.readouterr() == ("", said)


# -- Nix -----------------------------------------------------------------------------------


def test_all_of_it_parses_as_it_ships_and_as_it_is_exported(exported: Path, tmp_path: Path) -> None:
    files = [*exported.iterdir(), *nixos.HERE.glob("*.nix")]
    assert len(files) == 4
    for path in files:
        done = nix(tmp_path, "--parse", path)
        assert (done.returncode, done.stderr) == (0, "")


def test_what_is_exported_imports_no_more_than_the_package(exported: Path) -> None:
    both = "".join(path.read_text() for path in exported.iterdir())
    assert re.findall(r"import \./\S+", both) == []
    assert set(re.findall(r"(?<![\w.])\./[\w.]+", both)) == {"./package.nix", "./policy.yaml"}  # the latter an example


def test_the_package_is_what_the_project_says(exported: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = [re.split(r"[<>=]", each)[0].replace("_", "-") for each in project["project"]["dependencies"]]
    package = evaluated(exported)["package"]
    assert package == {
        "pname": project["project"]["name"],
        "version": __version__,
        "src": SOURCE,
        "pyproject": True,
        "build-system": [re.split(r"[<>=]", each)[0] for each in project["build-system"]["requires"]],
        "dependencies": names,
        "pythonImportsCheck": ["rshell.login", "rshell.gate", "rshell.ctl.main"],
        "passthru": {"python": {"sitePackages": "lib/python3/site-packages"}},
        "meta": {
            "description": project["project"]["description"],
            "license": {"spdxId": "MIT"},
            "platforms": ["x86_64-linux", "aarch64-linux"],
            "mainProgram": "rshellctl",
        },
    }


def test_switched_off_it_changes_nothing(exported: Path) -> None:
    for settings in ({"aiWorkerAccess": {"enable": False}}, {"aiWorkerAccess": {}}):
        found = evaluated(exported, services={**settings, "rshell": {"source": SOURCE, "authorizedKeys": [KEY]}})
        assert (found["config"], found["broken"], found["build"]) == ({}, [], None)


def restricted(**changes: Any) -> dict[str, Any]:
    return {
        "isSystemUser": True, "description": "restricted by rshell", "group": "ai-worker", "extraGroups": [],
        "home": "/var/lib/rshell/home/ai-worker", "createHome": False, "hashedPassword": "*", "shell": HOST, **changes,
    }  # fmt: skip


def identity(name: str, *groups: str) -> dict[str, Any]:
    return {
        "isSystemUser": True, "description": "runs commands for rshell", "group": name,
        "extraGroups": [*groups, layout.GROUP], "home": "/nonexistent", "createHome": False,
    }  # fmt: skip


def test_accounts_are_those_of_every_other_host(exported: Path) -> None:
    users = evaluated(exported)["config"]["users"]
    groups = {name: list(needed) for name, needed in plan.GROUPS.items()}
    assert users == {
        "users": {
            "ai-worker": restricted(),
            "rshell-docker": identity("rshell-docker", *groups.pop("docker")),
            "rshell-journal": identity("rshell-journal", *groups.pop("journal")),
        },
        "groups": {"ai-worker": {}, "rshell": {}, "rshell-docker": {}, "rshell-journal": {}},
    }
    assert groups == {}


def test_sudo_and_sshd_are_told_what_they_are_told_on_every_other_host(exported: Path) -> None:
    config = evaluated(exported)["config"]
    assert config["security"]["sudo"] == {"extraConfig": replaced(pieces.sudoers(("ai-worker",), IDENTITIES))}
    assert config["services"]["openssh"] == {
        "extraConfig": {"priority": 500, "content": replaced(pieces.sshd("ai-worker"))}
    }


def test_limits_and_rotation_are_those_of_every_other_host(exported: Path) -> None:
    config = evaluated(exported)["config"]
    limits = [" ".join(limit[key] for key in ("domain", "type", "item", "value"))
              for limit in config["security"]["pam"]["loginLimits"]]  # fmt: skip
    assert pieces.HEAD + "".join(f"{limit}\n" for limit in limits) == pieces.limits(("ai-worker",))
    rotation = config["services"]["logrotate"]["settings"]["rshell"]
    file = rotation.pop("files")
    written = sorted(name if value is True else f"{name} {value}" for name, value in rotation.items())
    first, *lines, last = pieces.logrotate().removeprefix(pieces.HEAD).splitlines()
    assert (f"{file} {{", written, "}") == (first, sorted(line.strip() for line in lines), last)


def test_etc_has_the_policy_from_the_store_and_the_keys_as_a_file(exported: Path) -> None:
    environment = evaluated(exported, **rshell(authorizedKeys=[KEY, KEY]))["config"]["environment"]
    assert environment == {
        "shells": [HOST],
        "systemPackages": [HOST, f"{STORE}/docker-compose"],
        "pathsToLink": ["/libexec/docker/cli-plugins"],
        "etc": {
            layout.POLICY.removeprefix("/etc/"): {"source": f"{HOST}/etc/policy.yaml"},
            f"{layout.POLICY}{COMPILED}".removeprefix("/etc/"): {"source": f"{HOST}/etc/policy.yaml.compiled"},
            layout.DOCKER_CONFIG.removeprefix("/etc/"): {"source": f"{HOST}/etc/docker"},
            f"{layout.KEYS}/ai-worker".removeprefix("/etc/"): {"text": f"{KEY}\n{KEY}\n", "mode": "0444"},
        },
    }


def test_state_is_where_every_other_host_has_it(exported: Path) -> None:
    systemd = evaluated(exported)["config"]["systemd"]
    assert systemd["tmpfiles"]["rules"] == [
        f"d {layout.STATE} 0755 root root -",
        f"d {layout.STOPPED} 0755 root root -",
        f"d {layout.POLICIES} 0700 root root -",
        f"d {layout.USERS} 0755 root root -",
        f"d {layout.HOMES} 0755 root root -",
        f"d {layout.HOMES}/ai-worker 0755 root root -",
        f"f {layout.HOMES}/ai-worker/.hushlogin 0644 root root -",
        f"d {layout.SLOTS} 2770 root rshell -",
        f"d {layout.LOGS} 0750 root rshell -",
        f"f {layout.LOGS}/audit.jsonl 0660 root rshell -",
        f"d {layout.BUILDX_CONFIG} 0700 rshell-docker rshell-docker -",
    ]
    state = systemd["services"]["rshell-state"]["script"]
    assert state == f'install -d -m 0700 -o ai-worker -g ai-worker "{layout.USERS}/$(id -u ai-worker)"\n'


def test_networks_are_made_once_docker_runs(exported: Path) -> None:
    def unit(**settings: Any) -> Any:
        return evaluated(exported, **rshell(**settings))["config"]["systemd"]["services"].get("rshell-networks")

    assert unit(networks=[]) is None
    made = unit(networks=["bench", "lab"])
    assert (made["requires"], made["after"], made["path"]) == (
        ["docker.service"],
        ["docker.service"],
        [f"{STORE}/docker"],
    )
    assert made["script"] == "".join(
        f"docker network inspect -- {name} > /dev/null ||\n"
        f"  docker network create --label={networks.LABEL} -- {name}\n"
        for name in ("bench", "lab")
    )  # fmt: skip


def test_direct_has_no_gate_no_identities_and_the_groups_itself(exported: Path) -> None:
    found = evaluated(exported, **rshell(boundary="direct"))
    config = found["config"]
    assert found["broken"] == []
    assert config["security"]["sudo"] == {}
    assert config["users"] == {
        "users": {"ai-worker": restricted(extraGroups=["docker", "systemd-journal"])},
        "groups": {"ai-worker": {}, "rshell": {}},
    }
    assert config["systemd"]["tmpfiles"]["rules"][-1] == f"d {layout.BUILDX_CONFIG} 0700 ai-worker ai-worker -"
    assert "gate" not in found["build"]


def test_another_account_and_other_identities_take_their_places(exported: Path) -> None:
    one = {"docker": "dock", "journal": "dock", "gpu": "cuda", "root": "root"}
    config = evaluated(exported, **rshell(user="agent", identities=one))["config"]
    assert config["users"] == {
        "users": {
            "agent": restricted(group="agent", home=f"{layout.HOMES}/agent"),
            "cuda": identity("cuda"),
            "dock": identity("dock", "docker", "systemd-journal"),
        },
        "groups": {"agent": {}, "rshell": {}, "cuda": {}, "dock": {}},
    }
    text = replaced(pieces.sudoers(("agent",), ("cuda", "dock", "root")))
    assert config["security"]["sudo"]["extraConfig"] == text
    assert config["services"]["openssh"]["extraConfig"]["content"] == replaced(pieces.sshd("agent"))
    assert "ai-worker" not in json.dumps(config)


GATED = 'services.rshell.boundary = "gate" needs security.sudo.enable, without execWheelOnly.'
AROUND = "ai-worker must not be in docker, systemd-journal, rshell, wheel: that is a way around the gate."


@pytest.mark.parametrize(
    ("settings", "broken"),
    [
        ({}, []),
        ({"security": {"sudo": {"enable": False}}}, [GATED]),
        ({"security": {"sudo": {"execWheelOnly": True}}}, [GATED]),
        ({"users": {"users": {"ai-worker": {"extraGroups": ["docker"]}}}}, [AROUND]),
        ({"users": {"users": {"ai-worker": {"extraGroups": ["video"]}}}}, []),
        ({"users": {"users": {"ai-worker": {"extraGroups": ["video", "wheel"]}}}}, [AROUND]),
        ({"users": {"groups": {"rshell": {"members": ["ai-worker"]}}}}, [AROUND]),
        ({"users": {"groups": {"docker": {"members": ["bob", "ai-worker"]}}}}, [AROUND]),
    ],
)  # fmt: skip
def test_a_configuration_that_breaks_the_gate_is_refused(
    exported: Path, settings: dict[str, Any], broken: list[str]
) -> None:
    assert evaluated(exported, **settings)["broken"] == broken
    assert evaluated(exported, **settings, **rshell(boundary="direct"))["broken"] == []


@pytest.mark.parametrize("user", ["root", "rshell", "rshell-docker"])
def test_an_account_that_is_somebody_elses_is_not_restricted(exported: Path, user: str) -> None:
    broken = evaluated(exported, **rshell(user=user))["broken"]
    assert f"services.rshell.user must be an account of its own, not {user}." in broken


@pytest.mark.parametrize(
    ("option", "value"),
    [("user", "a b"), ("user", "ALL"), ("user", "a,root"), ("user", "x\nroot ALL=(ALL) ALL"), ("boundary", "none"),
     ("authorizedKeys", f"{KEY}\n{KEY}"), ("authorizedKeys", [f"{KEY}\n{KEY}"]), ("identities", {"docker": "a b"}),
     ("networks", ["a; reboot"]), ("policy", "policy.yaml")],
)  # fmt: skip
def test_a_value_that_could_mean_something_else_is_no_value(exported: Path, option: str, value: Any) -> None:
    with pytest.raises(AssertionError, match=rf"services\.rshell\.{option} is not of its type"):
        evaluated(exported, **rshell(**{option: value}))


def test_the_stand_in_knows_an_option_that_is_none(exported: Path) -> None:
    with pytest.raises(AssertionError, match=r"services\.rshell\.keys does not exist"):
        evaluated(exported, **rshell(keys=[]))
    with pytest.raises(AssertionError, match=r"services\.rshell\.source is used but not defined"):
        evaluated(exported, services={"rshell": {}})


def test_a_package_and_a_policy_of_ones_own_are_used(exported: Path) -> None:
    package = {"type": "derivation", "outPath": "/nix/store/own", "python": {"sitePackages": "lib/p"}}
    found = evaluated(exported, services={"rshell": {"package": package}})
    assert "\nrshellctl=/nix/store/own/bin/rshellctl\n" in found["build"]
    assert "\ncp /nix/store/own/lib/p/rshell/data/policy.yaml $out/etc/policy.yaml\n" in found["build"]
    found = evaluated(exported, **rshell(policy="/nix/store/mine.yaml"))
    assert "\ncp /nix/store/mine.yaml $out/etc/policy.yaml\n" in found["build"]


def test_every_option_is_described_in_the_manual(exported: Path) -> None:
    described = (ROOT / "man/rshellctl.8").read_text().partition("\n.Sh NIXOS\n")[2].partition("\n.Sh ")[0]
    declared = re.findall(r"^    (\w+) = mkOption \{$", (exported / "module.nix").read_text(), re.MULTILINE)
    assert sorted(re.findall(r"^\.It Ic (\w+)$", described, re.MULTILINE)) == sorted(declared)


# -- what is built -------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package as Nix builds it: modules, a program that finds its libraries, which are elsewhere."""
    made = tmp_path / "package"
    site = made / "lib/python3/site-packages"
    shutil.copytree(ROOT / "rshell", site / "rshell", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "completions", site / "rshell/data/completions")
    shutil.copy(ROOT / "policy.yaml", site / "rshell/data/policy.yaml")
    (made / "share").mkdir()
    (made / "bin").mkdir()
    libraries = [str(Path(find_spec(name).origin).parent.parent) for name in launcher.LIBRARIES]
    program = made / "bin/rshellctl"
    program.write_text(
        f"#!{sys.executable} -I\nimport sys\nsys.path[:0] = {[str(site), *libraries]!r}\n"
        "from rshell.ctl.main import main\nsys.exit(main())\n"
    )
    program.chmod(0o755)
    return made


def built(exported: Path, package: Path, **settings: Any) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run the module's build, as Nix's builder does; return how it went, and what it made."""
    out = exported.parent / "out"
    script = evaluated(exported, **rshell(**settings))["build"].replace(BUILT, str(package))
    environment = {"out": str(out), "PATH": os.environ["PATH"], "HOME": "/homeless-shelter"}
    bash = shutil.which("bash")
    assert bash, "bash is needed"
    done = subprocess.run(
        [bash, "-e", "-c", script], env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    return done, out


def content(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if not path.is_dir() or path.is_symlink()}


def test_the_build_makes_launchers_and_a_compiled_policy(exported: Path, package: Path) -> None:
    done, out = built(exported, package)
    assert done.returncode == 0, done.stderr
    policy = {"etc/policy.yaml", "etc/policy.yaml.compiled", "share"}
    assert content(out) == {"bin/rshell", "bin/rshellctl", "libexec/rshell-gate", *policy}
    assert list((out / "etc/docker").iterdir()) == []
    assert (out / "etc/policy.yaml").read_bytes() == SHIPPED
    assert (out / "share").readlink() == package / "share"
    assert f"posix._exit(main('{out}/libexec/rshell-gate'))" in (out / "bin/rshell").read_text()
    for name in ("bin/rshell", "bin/rshellctl", "libexec/rshell-gate"):
        first = (out / name).read_text().partition("\n")[0]
        assert (first.partition(" ")[2], (out / name).stat().st_mode & 0o777) == ("-ISXutf8", 0o755)


def test_the_built_programs_find_every_library(exported: Path, package: Path) -> None:
    out = built(exported, package)[1]
    rshellctl = out / "bin/rshellctl"
    done = subprocess.run([rshellctl, "check"], env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{package}/lib/python3/site-packages/rshell/data/policy.yaml: good: ai-worker (")
    done = subprocess.run([out / "bin/rshell", "--no"], env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2, "rshell: unsupported: usage: rshell [-c LINE] [usage]",
    )  # fmt: skip
    for name in ("rshell", "rshellctl"):
        text = (out / "bin" / name).read_text()
        assert f"\nsys.path.insert(0, '{package}/lib/python3/site-packages')\nsys.path += ['" in text


def test_elsewhere_a_launcher_names_one_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "LIBRARIES", ())
    for text in (launcher.text("login"), launcher.text("gate"), launcher.control()):
        assert f"\nsys.path.insert(0, {str(ROOT)!r})\n\nfrom rshell." in text


def test_the_direct_build_has_no_gate(exported: Path, package: Path) -> None:
    done, out = built(exported, package, boundary="direct")
    assert done.returncode == 0, done.stderr
    assert content(out) == {"bin/rshell", "bin/rshellctl", "etc/policy.yaml", "etc/policy.yaml.compiled", "share"}
    assert "posix._exit(main(''))" in (out / "bin/rshell").read_text()


def test_a_policy_with_an_error_builds_nothing(exported: Path, package: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_bytes(SHIPPED + b"\nnever: [")
    done, out = built(exported, package, policy=str(bad))
    assert done.returncode == 1
    assert "-:" in done.stdout
    assert not (out / "etc/policy.yaml.compiled").exists()


# -- a policy from stdin, compiled where one likes -------------------------------------------


def given(text: bytes) -> io.TextIOWrapper:
    """A stdin with this in it."""
    return io.TextIOWrapper(io.BytesIO(text))


def test_a_policy_is_checked_and_compiled_from_stdin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = tmp_path / "compiled"
    monkeypatch.setattr(sys, "stdin", given(SHIPPED))
    assert main(["check", "--compile", str(compiled), "-"]) == 0
    out, err = capsys.readouterr()
    assert (out.startswith("-: good: ai-worker ("), err) == (True, "")
    assert compiled.read_bytes() == compile_checked(SHIPPED, INSTALLED)
    assert compiled.stat().st_mode & 0o777 == 0o644


def test_the_same_policy_is_compiled_to_the_same_bytes(tmp_path: Path) -> None:
    """So that whoever builds it again finds what was built."""
    for seed in ("1", "2"):
        words = [sys.executable, "-m", "rshell.ctl", "check", "--compile", tmp_path / seed]
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, check=True)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_nothing_is_compiled_from_a_policy_with_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = tmp_path / "compiled"
    monkeypatch.setattr(sys, "stdin", given(b"version: 1\nroles: {}\ngrants: {}\nx: 1\n"))
    assert main(["check", "--compile", str(compiled), "-"]) == 1
    assert capsys.readouterr().out.startswith("-:4:1: unknown key `x`")
    assert not compiled.exists()
