"""rshellctl launcher PATH: write the program that is the login shell, or the gate, or rshellctl itself."""

from __future__ import annotations

import compileall
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import rshell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "write the program that is the login shell, or one of its helpers"

SCRIPT = """#!{python} -ISXutf8
# {about}. -I: no environment, no user's directories; -S: no site, no .pth files.
# SECURITY: everything that runs before the decision comes from root's files.
from _signal import SIG_DFL, SIGINT, signal

signal(SIGINT, SIG_DFL)  # C-c during the start ends it, without a traceback

import gc
import sys

gc.disable()  # a line is over before it would pay; sessions switch it on again
sys.path.insert(0, {library!r}){more}

from rshell.{module} import main

import posix

posix._exit(main({argument}))
"""
CONTROL = """#!{python} -ISXutf8
# The operator's program. SECURITY: root runs it, so it too comes from root's files alone.
import sys

sys.path.insert(0, {library!r}){more}

from rshell.ctl.main import main

raise SystemExit(main())
"""
ABOUTS = {"login": "The login shell", "gate": "The far side of the privilege boundary, for sudo alone"}
OPERATORS = "rshellctl"
LIBRARIES = ("prompt_toolkit", "wcwidth", "pygments", "yaml")


def arguments(verb: ArgumentParser) -> None:
    """Add where it goes, which program it is, and which boundary it keeps."""
    verb.add_argument("path", metavar="PATH")
    verb.add_argument("--of", choices=(*ABOUTS, OPERATORS), default="login", help="which program (default: login)")
    verb.add_argument("--gate", metavar="PROGRAM", help="what sudo runs for it; without it the boundary is direct")


def run(words: Namespace) -> int:
    """Write the launcher for the installation that this program is part of, and byte-compile that."""
    package = Path(rshell.__file__).parent
    compileall.compile_dir(package, quiet=2)
    content = control() if words.of == OPERATORS else text(words.of, words.gate or "")
    write_atomically(Path(words.path), content.encode(), 0o755)
    sys.stdout.write(f"wrote {words.path}: {sys.executable} with {package.parent}\n")
    return 0


def control() -> str:
    """Return the launcher of rshellctl, for this installation."""
    return CONTROL.format(python=python(), **libraries())


def libraries() -> dict[str, str]:
    """Return where a launcher finds modules: this package, and on NixOS a line for each library's own place."""
    found = (find_spec(name) for name in ("rshell", *LIBRARIES))
    places = (str(Path(spec.origin).parent.parent) for spec in found if spec and spec.origin)
    library, *others = dict.fromkeys(places)
    return {"library": library, "more": f"\nsys.path += {others!r}" if others else ""}


def python() -> str:
    """Return the interpreter of this installation, by one name whichever it was called by."""
    usual = os.path.join(os.path.dirname(sys.executable), "python")
    same = os.path.exists(usual) and os.path.samefile(usual, sys.executable)
    return usual if same else sys.executable


def text(module: str, gate: str = "") -> str:
    """Return the launcher of `rshell.login` or `rshell.gate`, for this installation.

    gate: for the login shell, the program that sudo runs for it; '' for the direct boundary.
    """
    argument = repr(gate) if module == "login" else ""
    return SCRIPT.format(python=python(), **libraries(), about=ABOUTS[module], module=module, argument=argument)


def write_atomically(path: Path, data: bytes, mode: int, gid: int = -1, uid: int = -1) -> None:
    """Replace a file in one step: whoever reads it finds the old or the new one, whole, on disk.

    gid, uid: whose it becomes; our own if they are left out.
    """
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    temporary.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
