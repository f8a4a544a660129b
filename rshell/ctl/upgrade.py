"""rshellctl upgrade WHEEL: install a version beside this one, try it on the policy, then switch."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from rshell import __version__
from rshell.ctl.policies import Stop, needs_root
from rshell.ctl.setup import prefix
from rshell.ctl.setup.accounts import callers
from rshell.ctl.setup.manifest import Manifest
from rshell.ctl.system import ask
from rshell.host import layout
from rshell.policy.store import Untrusted, open_trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "install another version beside this one, try it, switch"
WHEEL = re.compile(r"rshell_login-([0-9][0-9A-Za-z.+!]*)-py3-none-any\.whl")
PATIENCE = 600.0  # seconds, for pip


def arguments(verb: ArgumentParser) -> None:
    """Add the wheel, and where others are for a host without an index."""
    verb.add_argument("wheel", metavar="WHEEL")
    verb.add_argument("--wheels", metavar="DIR", help="take what it depends on from here, and ask no index")


def run(words: Namespace) -> int:
    """Upgrade. Return 0; until the switch nothing changes for anybody. Raises Stop."""
    needs_root()
    os.umask(0o022)
    manifest = Manifest()
    if not manifest.there:
        raise Stop("rshellctl: nothing is installed here: rshellctl install", 1)
    manifest.begin()
    named = WHEEL.fullmatch(Path(words.wheel).name)
    if not named:
        raise Stop(f"rshellctl: {words.wheel} is no wheel of rshell: rshell_login-VERSION-py3-none-any.whl")
    place = prefix.own().parent / f"rshell-{named[1]}"
    if place == prefix.own():
        raise Stop(f"rshellctl: {named[1]} is what is running; nothing was changed", 1)
    for path in (words.wheel, *(map(str, Path(words.wheels).glob("*.whl")) if words.wheels else ())):
        judge(path)
    make(place, os.path.abspath(words.wheel), words.wheels)
    manifest.release()
    switch(place)
    back = prefix.own() / "bin/rshellctl"
    sys.stdout.write(f"{named[1]} is in {place}; {__version__} is still in {prefix.own()}\nback: {back} install\n")
    return 0


def judge(wheel: str) -> None:
    """Refuse a wheel that somebody else could have changed: it runs as root. Raises Stop."""
    try:
        os.close(open_trusted(os.path.abspath(wheel), (0, *callers())))
    except (OSError, Untrusted) as error:
        raise Stop(f"rshellctl: {error}", 78) from None


def make(place: Path, wheel: str, wheels: str | None) -> None:
    """Make a prefix with the wheel in it, from nothing: what a killed upgrade left is not trusted. Raises Stop."""
    if place.exists() and str(place) in Path(layout.LAUNCHER).read_text():
        raise Stop(f"rshellctl: {place} is what is running; nothing was changed", 1)
    if place.exists():
        shutil.rmtree(place)
    offline = ["--no-index", "--find-links", os.path.abspath(wheels)] if wheels else []
    interpreter = os.path.realpath(sys.executable)
    pip = [str(place / "bin/python"), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    for name, *more in (
        [interpreter, "-I", "-m", "venv", str(place)],
        [*pip, "install", "--quiet", "--root-user-action=ignore", *offline, wheel],
        [str(place / "bin/rshellctl"), "check", layout.POLICY],
    ):
        answer = ask(name, *more, timeout=PATIENCE)
        if not answer.good:
            shutil.rmtree(place, ignore_errors=True)
            said = (answer.err.strip() + "\n" + answer.out.strip()).strip()
            hint = "" if wheels or "pip" not in more else "\nwithout an index: --wheels DIR, with what it depends on"
            raise Stop(f"{said}{hint}\nrshellctl: the new version is not used; nothing was changed", 1)


def switch(place: Path) -> None:
    """Let the new version install itself: its launchers, its compiled policy. Raises Stop."""
    answer = ask(str(place / "bin/rshellctl"), "install", timeout=PATIENCE)
    sys.stdout.write(answer.out)
    if not answer.good:
        raise Stop(f"{answer.err.strip()}\nrshellctl: back: {prefix.own() / 'bin/rshellctl'} install", 1)
