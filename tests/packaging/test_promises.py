"""What the manual pages promise of rshellctl and of a policy, holds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rshell.core import limits
from rshell.core.compose import unwanted
from rshell.policy.check import compile_checked
from rshell.policy.load import BadPolicy

ROOT = Path(__file__).parents[2]
POLICY = """version: 1
roles: {watcher: {users: [watcher], grants: [look]}}
grants: {look: {commands: {docker ps: [all], docker inspect: [format]}}}
audit: {journal: false}
"""


def ctl(tmp_path: Path, *words: str, state: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": state or str(tmp_path / "state")}
    return subprocess.run(
        [sys.executable, "-m", "rshell.ctl", *words],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    path.chmod(0o644)
    return str(path)


def errors(source: str) -> list[str]:
    """What is wrong with a policy: the report, without places."""
    try:
        compile_checked(source.encode(), "p")
    except BadPolicy as error:
        return error.report
    return []


# -- rshellctl(8), EXIT STATUS -----------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "status"),
    [("docker ps -a", 0), ("docker ps -q", 126), ("docker exec x id", 126), ("nothing", 127), ("docker ps $(id)", 2)],
)
def test_explain_ends_with_the_status_of_the_verdict(tmp_path: Path, policy: str, line: str, status: int) -> None:
    done = ctl(tmp_path, "explain", "--policy", policy, line)
    assert (done.returncode, done.stderr) == (status, "")
    told = ctl(tmp_path, "explain", "--json", "--policy", policy, line)
    assert (told.returncode, told.stderr, told.stdout.count("\n")) == (status, "", 1)
    assert json.loads(told.stdout)["verdict"] == ("refuse" if status else "allow")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("check", "policy.yaml"), 0),
        (("check", "nowhere.yaml"), 78),
        (("check", "."), 78),
        (("explain", "--policy", "nowhere.yaml", "docker ps"), 78),
        (("explain", "--policy", "policy.yaml", "--role", "nobody", "docker ps"), 2),
        (("explain", "--policy", "policy.yaml", "--user", "nobody", "docker ps"), 2),
        (("explain", "docker", "ps"), 2),
        (("frob",), 2),
        ((), 2),
        (("limits",), 0),
        (("--version",), 0),
        (("launcher", "no/such/directory/rshell"), 1),
        (("try", "--policy", "policy.yaml", "-c", "docker exec x id"), 126),
        (("try", "--policy", "policy.yaml", "-c", "nothing"), 127),
    ],
    ids=str,
)
def test_a_verb_ends_with_a_status_of_the_manual_and_a_sentence(
    tmp_path: Path, policy: str, words: tuple[str, ...], status: int
) -> None:
    done = ctl(tmp_path, *words)
    assert "Traceback" not in done.stderr
    assert done.returncode == status
    assert bool(done.stderr) == bool(status)


def test_a_state_directory_that_cannot_be_made_is_no_traceback(tmp_path: Path, policy: str) -> None:
    done = ctl(tmp_path, "explain", "--policy", policy, "docker ps", state="/proc/nowhere")
    assert "Traceback" not in done.stderr


def test_limits_prints_every_limit(tmp_path: Path) -> None:
    printed = ctl(tmp_path, "limits").stdout.splitlines()
    named = {line[:44].strip() for line in printed if line and not line.endswith(":")}
    options = {f"{command} --{option}" for command, several in limits.OPTIONS.items() for option in several}
    files = {f"a compose file with {key}" for key in unwanted.TOP}
    files |= {f"a service with {key}" for key in unwanted.SERVICE}
    mounts = {*(f"a mount of {path}" for path in limits.PATHS), "a mount to write in, elsewhere"}
    assert named == set(limits.COMMANDS) | options | files | mounts
    assert printed[-1].endswith(" containers may write only in /srv /mnt /media /data")


# -- rshell-policy(5) --------------------------------------------------------------------


def test_the_policy_of_these_tests_is_right() -> None:
    assert errors(POLICY) == []


@pytest.mark.parametrize(
    "lines",
    [
        "never: docker inspect",
        "never: {docker inspect: now}",
        "expect: [docker ps]",
        "expect: {watcher: {refuse: docker ps}}",
        "expect: {watcher: {allow: {docker exec x: y}}}",
        "advice: [docker exec]",
        "advice: {'': {why: x}}",
    ],
)
def test_what_would_have_no_effect_is_an_error(lines: str) -> None:
    assert errors(POLICY + lines + "\n") != []


def test_never_takes_a_whole_program() -> None:
    switched_off = POLICY + "never: [docker]\nexpect: {watcher: {refuse: [docker ps, docker inspect x]}}\n"
    assert errors(switched_off) == []


@pytest.mark.parametrize(
    "source",
    [
        "version: 1\nroles: []\ngrants: {}\n",
        "version: 1\nroles: {r: {grants: [g]}}\ngrants: {g: {commands: [docker ps]}}\n",
        "version: 1\nroles: {r: {grants: [g]}}\ngrants: {g: {commands: {docker ps: {options: [all], adds: all}}}}\n",
        "version: 1\nroles: {r: {grants: [g]}}\ngrants: {g: {commands: {docker ps: [all, all]}}}\n",
    ],
)
def test_a_value_of_another_kind_is_an_error(source: str) -> None:
    assert errors(source) != []


@pytest.mark.parametrize(
    ("command", "form"),
    [
        ("docker ps", "exec box id"),
        ("docker ps", "--host=tcp://192.0.2.1 system dial-stdio"),
        ("docker inspect", "{text}"),
        ("journalctl", "--file={name}"),
        ("journalctl", "--cursor-file={text}"),
        ("iptables", "-F"),
        ("sort", "--output={name}"),
    ],
)
def test_a_form_cannot_grant_what_no_policy_can(command: str, form: str) -> None:
    grant = f'{command}: {{forms: ["{form}"]}}'
    assert errors(f"version: 1\nroles: {{r: {{grants: [g]}}}}\ngrants: {{g: {{commands: {{{grant}}}}}}}\n") != []


def test_the_values_listed_for_an_option_are_accepted() -> None:
    """The loader asks for such a list where it can't judge the values itself."""
    source = """version: 1
roles: {r: {grants: [g]}}
grants: {g: {commands: {docker volume create: [label: purpose=bench]}}}
expect: {r: {allow: [docker volume create --label purpose=bench bench], refuse: [docker volume create --label a=b x]}}
"""
    assert errors(source) == []


def test_the_order_of_roles_does_not_matter() -> None:
    base = "base: {users: [a], grants: [g]}"
    more = "more: {users: [b], extends: base, grants: []}"
    for first, second in ((base, more), (more, base)):
        assert (
            errors(f"version: 1\nroles: {{{first}, {second}}}\ngrants: {{g: {{commands: {{docker ps: []}}}}}}\n") == []
        )
