"""The wheel holds all that a host needs, and works without a checkout."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from rshell import __version__, data
from rshell.ctl import nixos

ROOT = Path(__file__).parents[2]
CTL = "import sys; sys.path.insert(0, sys.argv.pop(1)); from rshell.ctl.main import main; sys.exit(main())"
SHARE = f"rshell_login-{__version__}.data/data/share"


def run(argv: Sequence[str | Path], directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        argv, cwd=directory, env={**kept, **environment}, capture_output=True, text=True, check=False
    )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built here and without an index."""
    target = tmp_path_factory.mktemp("wheel")
    built = run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target], ROOT)
    assert built.returncode == 0, built.stderr
    (made,) = target.iterdir()
    return made


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked in a directory that only we can write, as the trust in a policy wants it."""
    target = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return target


def ctl(unpacked: Path, directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the unpacked rshellctl: not from the checkout, and not in it."""
    return run(
        [sys.executable, "-I", "-c", CTL, unpacked, *words], directory, XDG_STATE_HOME=str(directory / "state")
    )  # fmt: skip


def test_it_is_called_rshell_login_and_imported_as_rshell(wheel: Path) -> None:
    assert wheel.name == f"rshell_login-{__version__}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.partition("/")[0] for name in names}
    assert top == {"rshell", f"rshell_login-{__version__}.data", f"rshell_login-{__version__}.dist-info"}


def test_it_holds_every_module_of_the_package(wheel: Path) -> None:
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "rshell").rglob("*.py")}
    assert {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")} == modules


def test_it_holds_the_policy_the_completions_the_nix_files_and_the_manual(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    expected = {
        "rshell/data/policy.yaml": "policy.yaml",
        **{f"rshell/data/completions/{name}": f"completions/{name}" for name in data.COMPLETIONS},
        **{f"rshell/ctl/nixos/{name}": f"rshell/ctl/nixos/{name}" for name in (nixos.PACKAGE, nixos.MODULE)},
        f"{SHARE}/man/man1/rshell.1": "man/rshell.1",
        f"{SHARE}/man/man5/rshell-policy.5": "man/rshell-policy.5",
        f"{SHARE}/man/man8/rshellctl.8": "man/rshellctl.8",
        f"{SHARE}/bash-completion/completions/rshellctl": "completions/rshellctl.bash",
    }
    for inside, outside in expected.items():
        assert archive.read(inside) == (ROOT / outside).read_bytes(), inside


def test_every_completions_file_is_one_that_is_read() -> None:
    assert sorted(path.name for path in (ROOT / "completions").glob("*.yaml")) == sorted(data.COMPLETIONS)


def test_it_installs_both_programs(wheel: Path) -> None:
    entries = zipfile.ZipFile(wheel).read(f"rshell_login-{__version__}.dist-info/entry_points.txt").decode()
    assert entries == "[console_scripts]\nrshell = rshell.login:main\nrshellctl = rshell.ctl.main:main\n"


def test_the_unpacked_program_checks_its_own_policy(unpacked: Path, tmp_path: Path) -> None:
    done = ctl(unpacked, tmp_path, "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{unpacked}/rshell/data/policy.yaml: good: ai-worker (")


def test_the_unpacked_program_explains_with_its_own_grammars(unpacked: Path, tmp_path: Path) -> None:
    policy = f"{unpacked}/rshell/data/policy.yaml"
    done = ctl(unpacked, tmp_path, "explain", "--policy", policy, "--role", "ai-worker", "docker exec ollama id")
    assert (done.returncode, done.stderr) == (126, "")
    assert done.stdout.startswith("rshell: denied: docker exec is not allowed [docker.exec]\n")


def test_the_unpacked_program_exports_its_own_nix_files(unpacked: Path, tmp_path: Path) -> None:
    done = ctl(unpacked, tmp_path, "export", "nixos", "--package")
    assert (done.returncode, done.stdout, done.stderr) == (0, nixos.text(nixos.PACKAGE), "")


def test_a_policy_that_others_can_write_is_not_checked(unpacked: Path, tmp_path: Path) -> None:
    loose = tmp_path / "policy.yaml"
    loose.write_bytes((ROOT / "policy.yaml").read_bytes())
    loose.chmod(0o666)
    done = ctl(unpacked, tmp_path, "check", str(loose))
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == f"rshellctl: {loose} can be written by group or others\n"
