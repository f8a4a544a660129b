"""rshellctl upgrade: beside the version that runs, and only when it decides as the policy expects."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rshell import __version__
from rshell.host import layout

from .ground import outcome, run
from .host import NOTHING, Host
from .install import CHECKOUT, PREFIX, pip
from .listing import differing, listing

pytestmark = pytest.mark.real

GOOD, STRICTER = "99.0", "99.1"
DEPENDENCIES = ("prompt_toolkit>=3.0.36,<4", "pygments>=2.14,<3", "pyyaml>=6.0,<7")


@pytest.fixture(scope="module")
def wheels(base: Path) -> Path:
    """Two later versions, one of which refuses what the policy expects to be allowed, and what they depend on."""
    directory = base / "later"
    pip("--python", PREFIX / "bin/python", "download", "--quiet", "--dest", directory, *DEPENDENCIES)
    for version, more in ((GOOD, ""), (STRICTER, '\nCOMMANDS["docker wait"] = "it waits"\n')):
        source = base / f"source-{version}"
        shutil.copytree(CHECKOUT, source, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        init, limits = source / "rshell/__init__.py", source / "rshell/core/limits.py"
        init.write_text(init.read_text().replace(__version__, version))
        limits.write_text(limits.read_text() + more)
        pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", directory, source)
    return directory


@pytest.fixture
def place() -> Iterator[Path]:
    """Where the later versions are installed; nothing stays."""
    yield PREFIX.parent
    for version in (GOOD, STRICTER):
        shutil.rmtree(PREFIX.parent / f"rshell-{version}", ignore_errors=True)


def wheel(wheels: Path, version: str) -> Path:
    return wheels / f"rshell_login-{version}-py3-none-any.whl"


def test_upgrade_switches_and_the_earlier_version_leads_back(fresh: Host, wheels: Path, place: Path) -> None:
    fresh.install()
    before = listing()
    done = fresh.ctl("upgrade", "--wheels", wheels, wheel(wheels, GOOD))
    assert done.stdout.splitlines()[-2:] == [
        f"{GOOD} is in {place}/rshell-{GOOD}; {__version__} is still in {PREFIX}",
        f"back: {PREFIX}/bin/rshellctl install",
    ]
    assert differing(before, listing()) == {
        layout.LAUNCHER, layout.GATE, layout.CTL, layout.POLICY + ".compiled"
    }  # fmt: skip
    assert fresh.ctl("--version").stdout == f"rshell {GOOD}\n"
    assert Path(layout.LAUNCHER).read_text().startswith(f"#!{place}/rshell-{GOOD}/bin/python -ISXutf8\n")
    assert outcome(fresh.shell("echo hello"))[:2] == (0, "hello\n")
    assert fresh.ctl("install").stdout == NOTHING
    assert fresh.ctl("upgrade", wheel(wheels, GOOD), check=False).stderr == (
        f"rshellctl: {GOOD} is what is running; nothing was changed\n"
    )  # fmt: skip
    fresh.installed.ctl("install")
    assert differing(before, listing(), layout.POLICY + ".compiled") == set()
    fresh.ctl("uninstall")


def test_a_version_that_decides_otherwise_than_the_policy_expects_is_not_used(
    fresh: Host, wheels: Path, place: Path
) -> None:
    fresh.install()
    before = listing()
    done = fresh.ctl("upgrade", "--wheels", wheels, wheel(wheels, STRICTER), check=False)
    assert done.returncode == 1
    assert "docker wait" in done.stderr
    assert done.stderr.endswith("rshellctl: the new version is not used; nothing was changed\n")
    assert differing(before, listing()) == set()
    assert not (place / f"rshell-{STRICTER}").exists()


def test_what_is_no_wheel_of_ours_or_could_be_changed_is_refused(fresh: Host, wheels: Path, place: Path) -> None:
    fresh.install()
    before = listing()
    other = next(wheels.glob("prompt_toolkit*"))
    assert fresh.ctl("upgrade", other, check=False).returncode == 2
    open_to_all = wheel(wheels, GOOD)
    open_to_all.chmod(0o666)
    try:
        done = fresh.ctl("upgrade", "--wheels", wheels, open_to_all, check=False)
    finally:
        open_to_all.chmod(0o644)
    assert outcome(done) == (78, "", f"rshellctl: {open_to_all} can be written by group or others\n")
    assert differing(before, listing()) == set()
    assert not (place / f"rshell-{GOOD}").exists()


def test_without_an_installation_there_is_nothing_to_upgrade(fresh: Host, wheels: Path) -> None:
    done = fresh.installed.ctl("upgrade", wheel(wheels, GOOD), check=False)
    assert outcome(done) == (1, "", "rshellctl: nothing is installed here: rshellctl install\n")
    assert run(PREFIX / "bin/rshellctl", "--version").stdout == f"rshell {__version__}\n"
