"""Where this program is installed: root's alone, or no boundary can be made of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import rshell
from rshell import __version__
from rshell.ctl.launcher import python
from rshell.policy.store import OTHERS_WRITE, Untrusted, walk

PLACE = "/opt/rshell"
PACKAGES = ("rshell", "prompt_toolkit", "pygments", "yaml", "wcwidth")


def library() -> Path:
    """Return the directory that holds the packages."""
    return Path(rshell.__file__).parent.parent


def own() -> Path:
    """Return the prefix that this program runs from: the venv's directory."""
    return Path(python()).parent.parent


def untrusted() -> str:
    """Return why somebody else than root could change what runs, or ''."""
    try:
        walk(python(), (0,))
        walk(os.__file__, (0,))  # the standard library
        walk(rshell.__file__, (0,))
    except Untrusted as error:
        return str(error)
    for package in PACKAGES:
        for place, directories, files in os.walk(library() / package):
            for path in (place, *(os.path.join(place, name) for name in directories + files)):
                status = os.lstat(path)
                if status.st_uid or (status.st_mode & OTHERS_WRITE and not os.path.islink(path)):
                    return f"{path} can be changed by others than root"
                if not status.st_mode & 0o004:
                    return f"{path} can't be read by the account: chmod -R a+rX {library()}"
    return ""


def commands() -> str:
    """Return the two commands that make a prefix which will do, and the third, which is this one again."""
    return (
        f"  /usr/bin/python3 -m venv {PLACE}\n"
        f"  {PLACE}/bin/pip install rshell-login=={__version__}\n"
        f"then: {PLACE}/bin/rshellctl {' '.join(sys.argv[1:])}"
    )
