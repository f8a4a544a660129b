"""The gate behind a real sudo, in a mount namespace: accounts, sudoers and launchers that vanish with it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from place import CHECKOUT, Installed

sys.path.insert(0, str(CHECKOUT))

from rshell.ctl import pieces
from rshell.host import layout

USER, UID = "rshell-bench", 64100
IDENTITIES = {"rshell-docker": (64101, "docker"), "rshell-journal": (64102, "systemd-journal")}
RSHELL_GID = 64103
LAUNCHERS = """
import sys
from pathlib import Path
from rshell.ctl import launcher
launcher.write_atomically(Path(sys.argv[1]), launcher.text("login", sys.argv[2]).encode(), 0o755)
launcher.write_atomically(Path(sys.argv[2]), launcher.text("gate").encode(), 0o755)
"""
MEASURE = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from measure import pairs, process
first, second, count = json.loads(sys.argv[2])
pair = pairs(process(first), process(second), count)
print(json.dumps([pair.first, pair.second, pair.ratio, pair.low, pair.high]))
"""


class Gated:
    """An account behind the gate."""

    def __init__(self, installed: Installed) -> None:
        self.rshell = installed.prefix / "gated/rshell"  # by another name it would be a link named like a program
        self.rshell.parent.mkdir()
        self.python = installed.python
        copies = installed.base / "databases"
        copies.mkdir()
        _databases(copies)
        sudo = Path(layout.SUDOERS).parent
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", sudo], check=True)
        _place(Path(layout.SLOTS), 0o2770)
        _place(Path(layout.LOGS), 0o750)
        records = Path(layout.LOGS) / "audit.jsonl"
        records.touch()
        subprocess.run(["chown", f"0:{RSHELL_GID}", records], check=True)
        records.chmod(0o660)
        sudoers = Path(layout.SUDOERS)
        sudoers.write_text(pieces.sudoers((USER,), (*IDENTITIES, "root")))
        sudoers.chmod(0o440)
        subprocess.run([self.python, "-I", "-c", LAUNCHERS, self.rshell, layout.GATE], check=True)

    def times(self, line: str, other: Sequence[str], count: int) -> list[float]:
        """Measure `rshell -c LINE` beside another argv, both as the account: A, B, A/B, its middle half.

        It is in the group docker, so that docker alone can be measured.
        """
        asked = json.dumps([[str(self.rshell), "-c", line], list(other), count])
        become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--groups=docker", "--"]
        here = str(Path(__file__).parent)
        once = subprocess.run([*become, self.rshell, "-c", line], capture_output=True, text=True)
        if once.returncode:
            raise RuntimeError(f"rshell -c '{line}': {once.stderr}")
        argv = [*become, "/usr/bin/python3", "-I", "-c", MEASURE, here, asked]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().rpartition("\n")[2])
        found: list[float] = json.loads(done.stdout)
        return found


def _place(path: Path, mode: int) -> None:
    path.mkdir(exist_ok=True)
    subprocess.run(["chown", f"0:{RSHELL_GID}", path], check=True)
    path.chmod(mode)


def _databases(copies: Path) -> None:
    """Add the accounts to copies of passwd and group, and mount these over the host's."""
    passwd = Path("/etc/passwd").read_text() + f"{USER}:*:{UID}:{UID}::/nonexistent:/bin/sh\n"
    group = Path("/etc/group").read_text() + f"{USER}:*:{UID}:\nrshell:x:{RSHELL_GID}:{','.join(IDENTITIES)}\n"
    for name, (uid, wanted) in IDENTITIES.items():
        passwd += f"{name}:*:{uid}:{uid}::/nonexistent:/usr/sbin/nologin\n"
        group += f"{name}:x:{uid}:\n"
        group = "".join(_joined(line, wanted, name) for line in group.splitlines())
    for name, text in (("passwd", passwd), ("group", group)):
        (copies / name).write_text(text)
        subprocess.run(["mount", "--bind", copies / name, f"/etc/{name}"], check=True)


def _joined(line: str, group: str, member: str) -> str:
    if line.split(":")[0] != group:
        return line + "\n"
    return line + ("" if line.endswith(":") else ",") + member + "\n"
