"""The program as an operator installs it: a wheel, a root-owned prefix, a launcher, a policy."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .ground import ENVIRONMENT, kept, need, refuse, run

CHECKOUT = Path(__file__).absolute().parents[2]
PREFIX = Path("/opt/rshell-test")
ETC = Path("/etc/rshell")
POLICIES = Path("/var/lib/rshell/policies")


class Installed:
    """The installed program."""

    prefix, etc = PREFIX, ETC
    launcher = PREFIX / "bin/rshell"
    policy = ETC / "policy.yaml"
    compiled = ETC / "policy.yaml.compiled"

    def __init__(self, base: Path) -> None:
        self._base = base

    @property
    def library(self) -> str:
        """Where its Python modules are."""
        (found,) = (PREFIX / "lib").glob("python*/site-packages")
        return str(found)

    def ctl(
        self, *args: str | Path, input: str | bytes | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run the installed rshellctl as root."""
        return run(PREFIX / "bin/rshellctl", *args, input=input, check=check)

    def apply(self, policy: Path | str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Apply a policy, a file or its text, from a place that only root can write."""
        text = policy if isinstance(policy, str) else policy.read_text()
        source = self._base / "policy.yaml"
        source.write_text(text)
        source.chmod(0o644)
        return self.ctl("apply", "--yes", source, check=check)

    @contextmanager
    def other_policy(self, policy: Path | str) -> Iterator[None]:
        """For a while, another policy."""
        with self.disturbed():
            self.apply(policy)
            yield

    @contextmanager
    def disturbed(self) -> Iterator[None]:
        """For a while, /etc/rshell may be spoilt; what was in it comes back as it was."""
        before = ETC.with_name(f"{ETC.name}.before-tests")
        shutil.rmtree(before, ignore_errors=True)  # of a killed run
        shutil.copytree(ETC, before, symlinks=True)
        try:
            yield
        finally:
            shutil.rmtree(ETC, ignore_errors=True)
            before.rename(ETC)


@contextmanager
def made_installation(base: Path) -> Iterator[Installed]:
    """Install this checkout and its own policy; at the end the host is as before."""
    need("python3")
    if not PREFIX.parent.is_dir():
        PREFIX.parent.mkdir(mode=0o755)
    shutil.rmtree(PREFIX, ignore_errors=True)
    with _state(), kept(ETC), kept(POLICIES):
        try:
            _make_prefix(base)
            done = Installed(base)
            done.ctl("launcher", done.launcher)
            done.apply(CHECKOUT / "policy.yaml")
            yield done
        finally:
            shutil.rmtree(PREFIX, ignore_errors=True)


@contextmanager
def _state() -> Iterator[None]:
    """The directory for state, where apply keeps earlier policies; gone again if nothing else is in it."""
    POLICIES.parent.mkdir(mode=0o755, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):
            POLICIES.parent.rmdir()


def _make_prefix(base: Path) -> None:
    """A venv of the system's python with the wheel in it, owned by root and readable by all."""
    wheels = base / "wheels"
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    pip("wheel", "--no-deps", *isolation, "--wheel-dir", wheels, CHECKOUT)
    run("/usr/bin/python3", "-m", "venv", "--without-pip", PREFIX)
    (wheel,) = wheels.glob("*.whl")
    pip("--python", PREFIX / "bin/python", "install", wheel)
    PREFIX.chmod(0o755)


def pip(*args: str | Path) -> None:
    """Run the pip of the tests' own environment, with its settings (indexes, certificates)."""
    if importlib.util.find_spec("pip") is None:
        refuse("needs pip in the environment of the tests")
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    run(sys.executable, "-m", "pip", *args, env={**env, "PATH": ENVIRONMENT["PATH"]}, timeout=300)
