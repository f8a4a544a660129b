"""The way of `-c` imports little, and nobody imports what they may not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rshell.ctl.launcher import SCRIPT
from rshell.policy.check import compile_checked

ROOT = Path(__file__).parents[2]
SYSTEM = Path("/usr/bin/python3")
COSTLY = (
    "argparse", "asyncio", "collections", "dataclasses", "enum", "functools", "hashlib", "inspect", "json", "logging",
    "os", "pathlib", "prompt_toolkit", "pygments", "re", "signal", "socket", "subprocess", "typing", "yaml",
)  # fmt: skip
POLICY = b"""
version: 1
roles: {caller: {users: [nobody], grants: [look, filters]}}
grants:
  look: {commands: {docker ps: [all, format], docker inspect: [format]}}
  filters: {right_of_pipe: true, commands: {head: [lines]}}
advice: {docker exec: {why: it runs any command, instead: docker ps}}
audit: {required: true, journal: false}
"""
LINES = (
    "echo 1 2>&1 | head -1 && true || pwd; sh -c 'false; echo $?'",
    "docker ps --all --format '{{.Names}}' | head -n 5",
    "docker exec box id",
    "docker inspect box --frmat x",
    "echo $(id)",
    "explain --json docker ps; help docker ps",
)
# What the installed launcher does, but for the policy, which comes from a file of the test's own.
WAY = """
import sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import rshell.login
from rshell.host import account, environment
from rshell.lean import os
from rshell.modes.shell import Shell
from rshell.policy.store import Compiled
environment.secure_self()
policy = Compiled(descriptor=os.open(sys.argv[2], os.O_RDONLY)).policy("caller", sys.argv[2])
shell = Shell(policy, account.own(), "c", sys.argv[3])
for line in sys.argv[4:]:
    decided = shell.judge(line)
    if type(decided).__name__ == "Permit" and "docker" not in line:
        shell.one(line)
    elif type(decided).__name__ == "Refusal":
        shell.refuse(line, decided)
print("imported", *sorted(set(sys.modules) - before))
"""


def interpreters() -> list[Path]:
    """This Python, and the system's own if it is recent enough: other builds may bring modules along."""
    found = [Path(sys.executable)]
    if SYSTEM.exists() and SYSTEM.resolve() != found[0].resolve():
        asked = subprocess.run([SYSTEM, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True)
        found += [SYSTEM] if asked.stdout == b"True\n" else []
    return found


@pytest.mark.parametrize("python", interpreters(), ids=str)
def test_the_way_of_a_line_imports_nothing_costly(python: Path, tmp_path: Path) -> None:
    compiled, records = tmp_path / "compiled", tmp_path / "records"
    compiled.write_bytes(compile_checked(POLICY, "policy.yaml"))
    done = subprocess.run(
        [python, "-ISXutf8", "-c", WAY, ROOT, compiled, records, *LINES],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[0] == "1"
    (imported,) = (line.split()[1:] for line in said if line.startswith("imported "))
    assert "rshell.core.suggest" in imported
    assert "rshell.host.pipeline" in imported
    assert {name.partition(".")[0] for name in imported}.intersection(COSTLY) == set()
    assert [
        name for name in imported if name.startswith(("rshell.ctl", "rshell.modes.repl", "rshell.policy.load"))
    ] == []
    assert [code for code in ("[docker.exec]", "[docker.inspect.no-option]", "[line.substitution]")
            if code not in done.stderr] == []  # fmt: skip
    assert records.read_text("ascii").count('"event": "start"') == 1


def test_the_launcher_runs_no_code_of_the_caller(tmp_path: Path) -> None:
    program = tmp_path / "rshell"
    parts = {"library": str(ROOT), "more": "", "module": "login", "argument": ""}
    program.write_text(SCRIPT.format(python=sys.executable, about="", **parts))
    program.chmod(0o755)
    traps = tmp_path / "traps"
    traps.mkdir()
    for name in ("sitecustomize", "usercustomize", "rshell", "os", "pwd", "select", "time"):
        (traps / f"{name}.py").write_text("raise SystemExit('the caller's code ran')")
    environment = {"PYTHONPATH": str(traps), "PYTHONHOME": str(traps), "PYTHONSTARTUP": str(traps / "os.py")}
    done = subprocess.run([program, "--help"], env=environment, cwd=traps, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.startswith("rshell: unsupported: usage: rshell [-c LINE] [usage]\n")


def test_the_import_contracts_hold() -> None:
    linter = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or shutil.which("lint-imports")
    assert linter, "import-linter is needed"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken." in done.stdout
