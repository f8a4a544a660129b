"""Broken policies, hosts, descriptors, words: one clear sentence and its status, never a traceback, never a yes."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from .account import Account
from .engine import Engine
from .ground import ENVIRONMENT, first_line, outcome, program, run
from .install import CHECKOUT, Installed
from .logs import DevLog

pytestmark = pytest.mark.real

DOCKERS = [f"{place}/docker" for place in ("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin")]
USAGE = "rshell: unsupported: usage: rshell [-c LINE] [usage]"
POLICY = "/etc/rshell/policy.yaml"
FORGE = """
import sys
sys.path.insert(0, {library!r})
from rshell import data
from rshell.policy.check import read
from rshell.policy.compile import compile_policy
source = open({policy!r}, "rb").read()
other = read(source.replace(b"users: [somebody]", b"users: [ai-worker]"), {policy!r})
open({policy!r} + ".compiled", "wb").write(compile_policy(other, source, data.identity()))
"""
ONLY_OPERATOR = "  nothing was run; only the operator of this host can mend this\n"


class Shell:
    """The installed launcher, started as the account without sshd."""

    def __init__(self, account: Account, installed: Installed) -> None:
        self.account, self.launcher = account, installed.launcher

    def __call__(self, line: str, *before: str) -> CompletedProcess[str]:
        """Run a line by -c; `before` are programs that set something up and start the shell."""
        return self.account.run(*before, self.launcher, "-c", line)

    def unusable(self, line: str = "echo hello", *before: str) -> str:
        """The first line of the one refusal of a shell that can decide nothing."""
        done = self(line, *before)
        status, out, first = first_line(done)
        assert (status, out) == (78, "")
        assert done.stderr.count("rshell: ") == 1
        assert done.stderr.endswith(ONLY_OPERATOR)
        return first


@pytest.fixture
def shell(account: Account, installed: Installed, devlog: DevLog) -> Shell:
    """The shell, where its records are taken."""
    return Shell(account, installed)


@pytest.fixture
def spoilt(installed: Installed) -> Iterator[Path]:
    """The installed policy, to be spoilt; without its compiled form, which would not fit any more anyhow."""
    with installed.disturbed():
        yield installed.policy


# -- the policy ------------------------------------------------------------------------------


def test_a_missing_policy(shell: Shell, spoilt: Path) -> None:
    spoilt.unlink()
    assert shell.unusable() == f"rshell: unavailable: there is no policy at {POLICY} [policy.missing]"


def test_a_missing_directory_of_the_policy(shell: Shell, spoilt: Path) -> None:
    shutil.rmtree(spoilt.parent)
    assert shell.unusable() == f"rshell: unavailable: there is no policy at {POLICY} [policy.missing]"


def test_an_unreadable_policy(shell: Shell, spoilt: Path) -> None:
    spoilt.chmod(0o600)
    assert shell.unusable() == f"rshell: unavailable: {POLICY}: Permission denied [policy.unreadable]"


def test_a_policy_in_a_closed_directory(shell: Shell, spoilt: Path) -> None:
    spoilt.parent.chmod(0o700)
    assert shell.unusable() == f"rshell: unavailable: {POLICY}: Permission denied [policy.unreadable]"


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o646, 0o777])
def test_a_policy_that_others_can_write(shell: Shell, spoilt: Path, mode: int) -> None:
    spoilt.chmod(mode)
    said = f"rshell: unavailable: {POLICY} can be written by group or others [policy.untrusted]"
    assert shell.unusable() == said


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_policy_whose_directory_others_can_write(shell: Shell, spoilt: Path, mode: int) -> None:
    spoilt.parent.chmod(mode)
    assert shell.unusable().endswith(" can be written by group or others [policy.untrusted]")


def test_a_policy_of_the_user_s_own(shell: Shell, spoilt: Path, account: Account) -> None:
    os.chown(spoilt, account.uid, 0)
    said = f"rshell: unavailable: {POLICY} belongs to uid {account.uid}, expected root [policy.untrusted]"
    assert shell.unusable() == said


def test_a_policy_in_a_directory_of_the_user_s_own(shell: Shell, spoilt: Path, account: Account) -> None:
    os.chown(spoilt.parent, account.uid, 0)
    assert shell.unusable().endswith(f"belongs to uid {account.uid}, expected root [policy.untrusted]")


def test_a_link_to_a_policy_of_the_user_s_own(shell: Shell, spoilt: Path, base: Path, account: Account) -> None:
    theirs = base / "theirs.yaml"
    shutil.copy(spoilt, theirs)
    os.chown(theirs, account.uid, account.gid)
    spoilt.unlink()
    spoilt.symlink_to(theirs)
    assert shell.unusable().endswith(f"{theirs} belongs to uid {account.uid}, expected root [policy.untrusted]")


@pytest.mark.parametrize("kind", ["pipe", "directory", "device", "endless device"])
def test_a_policy_that_is_no_file(shell: Shell, spoilt: Path, kind: str) -> None:
    spoilt.unlink()
    make: dict[str, Callable[[], object]] = {
        "pipe": lambda: os.mkfifo(spoilt),
        "directory": spoilt.mkdir,
        "device": lambda: spoilt.symlink_to("/dev/null"),
        "endless device": lambda: spoilt.symlink_to("/dev/zero"),
    }
    make[kind]()
    assert shell.unusable() == f"rshell: unavailable: {POLICY} is not a regular file [policy.untrusted]"


def test_a_link_in_a_circle(shell: Shell, spoilt: Path) -> None:
    spoilt.unlink()
    spoilt.symlink_to(spoilt)
    assert shell.unusable().endswith("[policy.unreadable]")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99])
def test_a_half_written_policy(shell: Shell, spoilt: Path, share: float) -> None:
    """Cut anywhere. Nothing that could be read as a smaller policy may decide: its `never` may be missing."""
    text = spoilt.read_bytes()
    spoilt.write_bytes(text[: int(len(text) * share)])
    done = shell("docker exec talker id")
    if "[policy.broken]" not in done.stderr:
        assert first_line(done) == (126, "", "rshell: denied: docker exec is not allowed [docker.exec]")
    else:
        assert shell.unusable().startswith(f"rshell: unavailable: {POLICY}:")


def test_a_policy_of_ten_megabytes(shell: Shell, spoilt: Path) -> None:
    spoilt.write_bytes(spoilt.read_bytes() + b"# nothing\n" * 1_048_576)
    assert shell.unusable() == f"rshell: unavailable: {POLICY} is larger than 1048576 bytes [policy.untrusted]"


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 100, b"\xff\xfe", b"{" * 2000, b"[" * 100_000, b"- a\n" * 1000, b"&a [*a, *a]", b"version: 1\n"],
    ids=["empty", "NUL", "bytes", "braces", "brackets", "list", "anchors", "version"],
)
def test_a_policy_that_is_none(shell: Shell, spoilt: Path, data: bytes) -> None:
    spoilt.write_bytes(data)
    assert shell.unusable().startswith(f"rshell: unavailable: {POLICY}:")


# -- the compiled form -------------------------------------------------------------------------


def test_without_the_compiled_form_the_source_decides(shell: Shell, installed: Installed, talker: str) -> None:
    with installed.disturbed():
        installed.compiled.unlink()
        assert outcome(shell("docker ps --format '{{.Names}}'")) == (0, "talker\n", "")
        assert first_line(shell("docker exec talker id"))[0] == 126


def test_a_stale_compiled_form_does_not_decide(shell: Shell, installed: Installed) -> None:
    with installed.disturbed():
        text = installed.policy.read_text()
        changed = text.replace("users: [ai-worker]", "users: [somebody]")
        assert changed != text
        installed.policy.write_text(changed)
        assert shell.unusable() == "rshell: unavailable: the policy gives ai-worker no role [policy.no-role]"


@pytest.mark.parametrize("how", ["writable", "the user's own"])
def test_a_compiled_form_that_the_user_could_have_written_does_not_decide(
    shell: Shell, installed: Installed, account: Account, how: str
) -> None:
    """It is made of the installed policy's hash and of rules that give the user a role he has not."""
    with installed.disturbed():
        installed.apply(installed.policy.read_text().replace("users: [ai-worker]", "users: [somebody]"))
        forged = FORGE.format(library=installed.library, policy=POLICY)
        run(installed.prefix / "bin/python", "-ISXutf8", "-c", forged)
        assert outcome(shell("echo hello")) == (0, "hello\n", "")  # root's own may lie: the forgery works
        if how == "writable":
            installed.compiled.chmod(0o666)
        else:
            os.chown(installed.compiled, account.uid, account.gid)
        assert shell.unusable() == "rshell: unavailable: the policy gives ai-worker no role [policy.no-role]"


@pytest.mark.parametrize("kind", ["pipe", "directory", "device", "circle"])
def test_a_compiled_form_that_is_no_file(shell: Shell, installed: Installed, kind: str) -> None:
    with installed.disturbed():
        installed.compiled.unlink()
        make: dict[str, Callable[[], object]] = {
            "pipe": lambda: os.mkfifo(installed.compiled),
            "directory": installed.compiled.mkdir,
            "device": lambda: installed.compiled.symlink_to("/dev/zero"),
            "circle": lambda: installed.compiled.symlink_to(installed.compiled),
        }
        make[kind]()
        assert outcome(shell("echo hello")) == (0, "hello\n", "")


def _changed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :]


@pytest.mark.parametrize("tenth", range(10))
def test_a_decayed_compiled_form_never_says_yes_to_what_is_refused(
    shell: Shell, installed: Installed, engine: Engine, talker: str, tenth: int
) -> None:
    """A byte changed, or the rest cut off: the source decides, or nothing can be decided."""
    refusals = {
        (126, "", "rshell: denied: docker exec is not allowed [docker.exec]"),
        (78, "", "rshell: unavailable: the compiled policy is damaged [policy.corrupt]"),
    }
    allowed = {(0, "talker\n", ""), (78, "", "rshell: unavailable: the compiled policy is damaged [policy.corrupt]")}
    with installed.disturbed():
        data = installed.compiled.read_bytes()
        start = len(data) * tenth // 10
        places = range(start, start + len(data) // 10, len(data) // 40)
        for spoilt in (*(_changed(data, at) for at in places), data[:start], data[: start + 13]):
            installed.compiled.write_bytes(spoilt)
            assert first_line(shell("docker exec talker id")) in refusals
            assert first_line(shell("docker ps --format '{{.Names}}'")) in allowed


@pytest.mark.parametrize("at", [0, 7, 8, 15, 16, 17, 18, 19, 20, 21, 60, 100])
def test_a_decayed_header_leaves_the_source_to_decide(shell: Shell, installed: Installed, at: int) -> None:
    with installed.disturbed():
        data = installed.compiled.read_bytes()
        installed.compiled.write_bytes(_changed(data, at))
        assert outcome(shell("echo hello")) == (0, "hello\n", "")


# -- who asks ------------------------------------------------------------------------------------


def _as(uid: str, installed: Installed, line: str = "echo hello") -> CompletedProcess[str]:
    become = (program("setpriv"), f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--")
    return run(*become, installed.launcher, "-c", line, check=False)


def test_an_account_without_a_role(installed: Installed, devlog: DevLog) -> None:
    said = "rshell: unavailable: the policy gives root no role [policy.no-role]"
    assert first_line(_as("0", installed)) == (78, "", said)
    said = "rshell: unavailable: the policy gives daemon no role [policy.no-role]"
    assert first_line(_as("1", installed)) == (78, "", said)


def test_a_uid_that_nobody_knows(installed: Installed, devlog: DevLog) -> None:
    said = "rshell: unavailable: uid 54321 is not in the user database [account]"
    assert first_line(_as("54321", installed)) == (78, "", said)


def test_the_environment_s_user_is_nobody(account: Account, installed: Installed, devlog: DevLog) -> None:
    """Who asks is the kernel's to say."""
    names = {"USER": "ai-worker", "LOGNAME": "ai-worker", "HOME": str(account.home)}
    become = (program("setpriv"), "--reuid=1", "--regid=1", "--clear-groups", "--")
    done = run(*become, installed.launcher, "-c", "echo $USER", env={**ENVIRONMENT, **names}, check=False)
    assert done.returncode == 78
    done = account.run("env", "USER=root", "LOGNAME=root", "HOME=/root", installed.launcher, "-c", "echo $USER $HOME")
    assert outcome(done) == (0, f"ai-worker {account.home}\n", "")


# -- argv and the ways to start it ------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        ["-lc", "echo a"], ["-c", "a", "b"], ["-c"], ["--help"], ["--version"], ["script"], [""], ["-"], ["--"],
        ["-s"], ["-x", "-c", "echo a"], ["-c", "echo a", "-l"], ["--policy", "/tmp/x", "-c", "echo a"], ["-o", "posix"],
        ["--", "-c", "echo a"], ["--rcfile", "/tmp/x"], ["-i", "script"],
    ],
)  # fmt: skip
def test_an_argv_that_no_login_has_is_refused(account: Account, installed: Installed, argv: list[str]) -> None:
    assert first_line(account.run(installed.launcher, *argv)) == (2, "", USAGE)


@pytest.mark.parametrize("argv", [["-l"], ["-i"], ["-l", "-i"], ["--login"], []])
def test_login_and_interactive_mean_nothing(
    account: Account, installed: Installed, devlog: DevLog, argv: list[str]
) -> None:
    assert outcome(account.run(installed.launcher, *argv, "-c", "echo hello")) == (0, "hello\n", "")
    assert outcome(account.run(installed.launcher, *argv, input="echo hello\n")) == (0, "hello\n", "")


def test_an_empty_line_is_no_session(account: Account, installed: Installed, devlog: DevLog) -> None:
    assert outcome(account.run(installed.launcher, "-c", "", input="echo hello\n")) == (0, "", "")


def test_the_client_s_command_counts_only_under_force_command(
    account: Account, installed: Installed, devlog: DevLog
) -> None:
    forced = f"SSH_ORIGINAL_COMMAND={'echo hello'}"
    launcher = str(installed.launcher)
    assert outcome(account.run("env", forced, launcher, "-c", "echo own")) == (0, "own\n", "")
    assert outcome(account.run("env", forced, launcher, "-c", launcher)) == (0, "hello\n", "")
    hostile = "SSH_ORIGINAL_COMMAND=docker exec talker id"
    assert account.run("env", hostile, launcher, "-c", launcher).returncode == 126
    assert account.run("env", f"SSH_ORIGINAL_COMMAND={launcher}", launcher, "-c", launcher).returncode == 127


@pytest.fixture
def link(installed: Installed) -> Iterator[Callable[[str], Path]]:
    """Makes links of other names to the launcher, which are gone with the test."""
    made: list[Path] = []

    def make(name: str) -> Path:
        path = installed.prefix / "links" / name
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(installed.launcher)
        made.append(path)
        return path

    yield make
    shutil.rmtree(installed.prefix / "links", ignore_errors=True)


def test_a_link_named_docker_takes_docker_s_words(
    account: Account, devlog: DevLog, engine: Engine, talker: str, link: Callable[[str], Path]
) -> None:
    docker = link("docker")
    assert outcome(account.run(docker, "ps", "--format", "{{.Names}} 'x'; id")) == (0, "talker 'x'; id\n", "")
    engine.clear()
    said = "rshell: denied: docker exec is not allowed [docker.exec]"
    assert first_line(account.run(docker, "exec", "talker", "id")) == (126, "", said)
    assert first_line(account.run(docker, "ps", "|", "wc"))[:2] == (2, "")
    assert account.run(docker, "-c", "echo hello").returncode in (2, 126)
    assert engine.connections == 0


@pytest.mark.parametrize("name", ["bash", "sh", "nothere", "sudo", "-c", "docker;id", "\x1b[31m"])
def test_a_link_of_any_name_is_only_a_line(
    account: Account, devlog: DevLog, link: Callable[[str], Path], name: str
) -> None:
    done = account.run(link(name), "id")
    assert (done.returncode in (2, 126, 127), done.stdout) == (True, "")
    assert done.stderr.startswith("rshell: ")
    assert done.stderr.replace("\n", "").isprintable()


def test_the_shell_serves_only_by_its_launcher(account: Account, installed: Installed, devlog: DevLog) -> None:
    python = installed.prefix / "bin/python"
    start = f"import sys; sys.path.insert(0, {installed.library!r}); sys.argv = ['rshell', '-c', 'echo hello']; "
    done = account.run(python, "-c", f"{start} from rshell.login import main; sys.exit(main())")
    said = "rshell: unavailable: this is not the installed launcher [launcher]"
    assert first_line(done) == (78, "", said)
    done = account.run(python, "-m", "rshell.login", "-c", "echo hello")
    assert done.stdout == ""


def test_python_s_own_variables_change_nothing(
    account: Account, installed: Installed, devlog: DevLog, base: Path
) -> None:
    evil = base / "evil"
    evil.mkdir(exist_ok=True)
    for name in ("sitecustomize.py", "usercustomize.py", "posix.py", "rshell.py", "marshal.py", "pwd.py", "grp.py"):
        (evil / name).write_text("raise SystemExit('taken over')\n")
    hostile = (
        f"PYTHONPATH={evil}", f"PYTHONHOME={evil}", "PYTHONINSPECT=1", f"PYTHONSTARTUP={evil}/pwd.py",
        "PYTHONVERBOSE=3", "PYTHONWARNINGS=error", "PYTHONIOENCODING=utf-16", "PYTHONUTF8=0", f"PYTHONUSERBASE={evil}",
        "PYTHONBREAKPOINT=os.system", "LC_ALL=xx_YY.nothing", "TERM=\x1b]0;x\x07", f"TMPDIR={evil}", "PATH=/tmp",
    )  # fmt: skip
    assert outcome(account.run("env", "-C", str(evil), *hostile, installed.launcher, "-c", "echo héllo")) == (
        0, "héllo\n", "",
    )  # fmt: skip


# -- descriptors and limits --------------------------------------------------------------------------


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("line", "output"),
    [("docker ps --format '{{.Names}}'", "talker\n"), ("docker ps -q | wc -l", "1\n"), ("echo hello", "hello\n")],
)
def test_closed_descriptors_are_null(
    shell: Shell, devlog: DevLog, talker: str, closed: str, line: str, output: str
) -> None:
    done = shell(line, "sh", "-c", f'exec "$@" {closed}', "sh")
    assert outcome(done) == (0, "" if ">&-" in closed.replace("2>&-", "") else output, "")
    assert devlog.records()[0]["raw"] == line


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_refusal_with_closed_descriptors_is_one(shell: Shell, devlog: DevLog, closed: str) -> None:
    assert shell("docker exec talker id", "sh", "-c", f'exec "$@" {closed}', "sh").returncode == 126
    assert [each["code"] for each in devlog.records()] == ["docker.exec"]


def test_a_session_with_closed_descriptors_ends(account: Account, installed: Installed, devlog: DevLog) -> None:
    done = account.run("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", installed.launcher)
    assert outcome(done) == (0, "", "")


def test_a_full_device_as_stdout_is_an_error_of_the_builtin(shell: Shell) -> None:
    done = shell("echo hello", "sh", "-c", 'exec "$@" >/dev/full', "sh")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


def test_a_full_device_as_stderr_stops_no_refusal(shell: Shell, devlog: DevLog) -> None:
    assert shell("docker exec talker id", "sh", "-c", 'exec "$@" 2>/dev/full', "sh").returncode == 126
    assert shell("docker inspect -- talker busybox:test", "sh", "-c", 'exec "$@" 2>/dev/full', "sh").returncode == 2


def test_inherited_descriptors_reach_nobody(shell: Shell, talker: str) -> None:
    done = shell("docker ps --format '{{.Names}}'", "sh", "-c", 'exec 3</etc/passwd 9<&3 "$@"', "sh")
    assert done.returncode in (0, 2, 127)
    done = shell("docker ps --format '{{.Names}}'", "sh", "-c", 'exec 3</etc/passwd 9<&3; exec "$@"', "sh")
    assert outcome(done) == (0, "talker\n", "")


def test_a_child_status_that_is_ignored_is_fetched_all_the_same(shell: Shell, talker: str) -> None:
    """With SIGCHLD ignored the kernel forgets a child's status as soon as it ends."""
    hostile = ("env", "--ignore-signal=CHLD")
    assert outcome(shell("docker ps --format '{{.Names}}'", *hostile)) == (0, "talker\n", "")
    assert outcome(shell("docker logs nothere 2>/dev/null", *hostile)) == (1, "", "")


@pytest.mark.parametrize("name", ["PIPE", "INT", "TERM", "HUP", "QUIT", "TSTP", "TTOU", "ALRM", "USR1", "XFSZ"])
def test_ignored_signals_change_nothing(shell: Shell, talker: str, name: str) -> None:
    hostile = ("env", f"--ignore-signal={name}", f"--block-signal={name}")
    assert outcome(shell("docker logs talker 2>&1 | head -1 | wc -l", *hostile)) == (0, "1\n", "")


def test_no_process_left_to_the_account(shell: Shell, engine: Engine, devlog: DevLog, talker: str) -> None:
    engine.clear()
    said = "rshell: unavailable: the system failed: Resource temporarily unavailable [system]"
    assert shell.unusable("docker ps", "prlimit", "--nproc=1") == said
    assert shell.unusable("docker ps | wc -l && docker ps", "prlimit", "--nproc=1") == said
    assert (engine.requests, engine.connections) == ([], 0)
    assert outcome(shell("echo hello", "prlimit", "--nproc=1")) == (0, "hello\n", "")


@pytest.mark.parametrize("number", range(3, 12))
def test_few_descriptors(shell: Shell, engine: Engine, talker: str, number: int) -> None:
    """With too few of them it says so; it never does half."""
    done = shell("docker exec talker id", "prlimit", f"--nofile={number}")
    assert (done.returncode in (78, 126, 127), done.stdout, "Traceback" in done.stderr) == (True, "", False)
    done = shell("echo hello", "prlimit", f"--nofile={number}")
    assert outcome(done) == (0, "hello\n", "") or done.returncode in (78, 127)
    assert "internal error" not in done.stderr


def test_no_file_may_grow(shell: Shell, talker: str) -> None:
    assert outcome(shell("docker ps --format '{{.Names}}'", "prlimit", "--fsize=0")) == (0, "talker\n", "")


def test_little_memory(shell: Shell) -> None:
    done = shell("docker exec talker id", "prlimit", "--as=20000000")
    assert (done.returncode != 0, done.stdout) == (True, "")


@pytest.mark.parametrize("mask", ["0000", "0777"])
def test_a_hostile_umask_changes_nothing(shell: Shell, talker: str, mask: str) -> None:
    done = shell("docker ps --format '{{.Names}}'", "sh", "-c", f'umask {mask}; exec "$@"', "sh")
    assert outcome(done) == (0, "talker\n", "")


def test_a_directory_that_is_gone_changes_nothing(shell: Shell, talker: str) -> None:
    gone = 'd=$(mktemp -d); cd "$d"; rmdir "$d"; exec "$@"'
    assert outcome(shell("docker ps --format '{{.Names}}'", "sh", "-c", gone, "sh")) == (0, "talker\n", "")
    done = shell("pwd", "sh", "-c", gone, "sh")
    assert (done.returncode != 78, "Traceback" in done.stderr) == (True, False)


# -- the host ------------------------------------------------------------------------------------------


def _instead_of_docker(account: Account, shell: Shell, replacement: Path, line: str) -> CompletedProcess[str]:
    """Run a line where something else is at every place of docker, for this process alone."""
    places = [place for place in dict.fromkeys(map(os.path.realpath, DOCKERS)) if os.path.exists(place)]
    mounts = " && ".join([*(f"mount --bind {replacement} {place}" for place in places), 'exec "$@"'])
    become = ("setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--init-groups", "--")
    return run("unshare", "--mount", "--", "sh", "-c", mounts, "sh", *become, shell.launcher, "-c", line, check=False)


def test_docker_is_not_installed(shell: Shell, account: Account) -> None:
    said = "rshell: unknown: docker is not installed on this host [unknown.absent]"
    for line in ("docker ps", "/usr/bin/docker ps", "docker inspect x"):
        done = _instead_of_docker(account, shell, Path("/dev/null"), line)
        assert (done.returncode, done.stdout) == (127, "")
        assert done.stderr.startswith("rshell: unknown: ")
    assert first_line(_instead_of_docker(account, shell, Path("/dev/null"), "docker ps")) == (127, "", said)


def test_docker_is_no_program(shell: Shell, account: Account, base: Path) -> None:
    broken = base / "broken"
    broken.write_bytes(b"\x7fELF and nothing else")
    broken.chmod(0o755)
    done = _instead_of_docker(account, shell, broken, "docker ps")
    assert outcome(done) == (126, "", f"rshell: cannot start {program('docker')}: Exec format error\n")


@pytest.mark.parametrize("mode", [0o757, 0o775, 0o644])
def test_a_docker_that_others_can_write_is_none_of_ours(shell: Shell, account: Account, base: Path, mode: int) -> None:
    theirs = base / "theirs"
    theirs.write_text("#!/bin/sh\necho taken over\n")
    theirs.chmod(mode)
    done = _instead_of_docker(account, shell, theirs, "docker ps")
    said = "rshell: unknown: docker is not installed on this host [unknown.absent]"
    assert first_line(done) == (127, "", said)


def test_the_daemon_is_down(shell: Shell, engine: Engine, account: Account) -> None:
    with engine.down():
        own = account.run(program("docker"), "ps")
        assert "Is the docker daemon running?" in own.stderr
        assert outcome(shell("docker ps")) == outcome(own)
        said = "rshell: unavailable: docker inspect: object-id could not be looked up [docker.inspect.no-facts]"
        assert shell.unusable("docker inspect talker") == said


def test_the_daemon_is_somebody_else(shell: Shell, engine: Engine) -> None:
    """What answers at the socket is no Docker Engine: a server that says something else."""
    with engine.answering(b"220 mail.example ESMTP\r\n"):
        assert shell.unusable("docker inspect talker").endswith("[docker.inspect.no-facts]")
    with engine.answering(b"HTTP/1.0 200 OK\r\n\r\n[" + b"[" * 100_000):
        assert shell.unusable("docker inspect talker").endswith("[docker.inspect.no-facts]")
    with engine.answering(b"HTTP/1.0 500 no\r\n\r\n{}"):
        assert shell.unusable("docker inspect talker").endswith("[docker.inspect.no-facts]")


def test_everything_in_the_shipped_policy_is_known_to_this_test() -> None:
    """The tests above change these words of it; if they are gone, so is what those tests test."""
    text = (CHECKOUT / "policy.yaml").read_text()
    assert "\nnever: []" in text
    assert "users: [ai-worker]" in text
