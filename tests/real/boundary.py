"""The two boundaries: everything as the account itself, or the gate behind a real sudo."""

import pwd
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rshell.ctl import pieces
from rshell.host import layout

from .ground import Handles, kept, need, processes, program, run
from .install import Installed

DIRECT, GATE = "direct", "gate"
GROUPS = {"rshell-docker": "docker", "rshell-journal": "systemd-journal"}
MODULES = (
    "test_build", "test_compose_file", "test_day", "test_end_of_life", "test_hermes", "test_objects", "test_pty",
    "test_run", "test_ssh",
)  # fmt: skip
"""The tests that hold for both: what a user meets does not depend on the boundary."""

_WRITE = """
import sys
from pathlib import Path
from rshell.ctl import launcher
for module, path, gate in (sys.argv[1:4], sys.argv[4:7]):
    launcher.write_atomically(Path(path), launcher.text(module, gate).encode(), 0o755)
"""


@contextmanager
def made_boundary(kind: str, installed: Installed, user: str) -> Iterator[None]:
    """The far side of the account's privileges; for the direct boundary there is none."""
    if kind == DIRECT:
        yield
        return
    need("sudo", "visudo", "useradd", "groupadd")
    with ExitStack() as stack:
        Path(layout.GATE).parent.mkdir(mode=0o755, exist_ok=True)
        for path in (layout.STATE, layout.LOGS, layout.SUDOERS, layout.GATE):
            stack.enter_context(kept(Path(path)))
        stack.callback(_remove_identities)
        _make_identities()
        _make_directories()
        sudoers = Path(layout.SUDOERS)
        sudoers.write_text(pieces.sudoers((user,), (*GROUPS, "root")))
        sudoers.chmod(0o440)
        run(program("visudo"), "-cf", sudoers)
        python = installed.prefix / "bin/python"
        stack.callback(installed.ctl, "launcher", installed.launcher)
        run(python, "-I", "-c", _WRITE, "login", installed.launcher, layout.GATE, "gate", layout.GATE, "")
        yield


def identities() -> set[int]:
    """The uids of the identities, root's not among them."""
    return {entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in GROUPS}


def _make_identities() -> None:
    _remove_identities()
    run(program("groupadd"), "--system", "--force", layout.GROUP)
    for name, group in GROUPS.items():
        nowhere = ("--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin")
        run(program("useradd"), "--system", *nowhere, "--groups", f"{layout.GROUP},{group}", name)


def _remove_identities() -> None:
    uids = identities()
    Handles(pid for pid, _, uid, _ in processes() if uid in uids).kill()
    for name in GROUPS:
        run(program("userdel"), "--force", name, check=False)
    run(program("groupdel"), layout.GROUP, check=False)


def _make_directories() -> None:
    install = program("install")
    for path in (layout.STATE, layout.STOPPED):
        run(install, "-d", "-m", "755", path)
    run(install, "-d", "-m", "2770", "-g", layout.GROUP, layout.SLOTS)
    run(install, "-d", "-m", "750", "-g", layout.GROUP, layout.LOGS)
    run(install, "-m", "660", "-g", layout.GROUP, "/dev/null", f"{layout.LOGS}/audit.jsonl")
