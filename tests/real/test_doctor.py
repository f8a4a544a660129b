"""rshellctl doctor on a real host: silent when all is well; each fault is named, and nothing else is."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from rshell.ctl import pieces
from rshell.ctl.doctor.finding import CODES
from rshell.host import layout
from rshell.host.programs import DIRECTORIES

from . import ground
from .compose import Plugin
from .host import NAME, Host, policy
from .sshd import Client, Keys, Sshd

pytestmark = pytest.mark.real

BLOCK = Path(layout.SSHD_DIRECTORY, f"rshell-{NAME}.conf")
KERNEL = {"/proc/sys/dev/tty/legacy_tiocsti": "0\n", "/proc/sys/fs/protected_symlinks": "1\n"}
"""What a host should have; a container can't set its kernel's, but show another file in their place."""


class Listener:
    """Somebody who takes connections at a socket, and answers each with the same."""

    def __init__(self, path: str, answer: str = "[]") -> None:
        self.answer = f"HTTP/1.0 200 OK\r\n\r\n{answer}".encode()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen()
        self.socket.settimeout(0.1)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve)

    def serve(self) -> None:
        """Answer until the end."""
        while not self.over.is_set():
            with suppress(OSError):
                connection = self.socket.accept()[0]
                with connection:
                    connection.settimeout(2)
                    connection.recv(4096)
                    connection.sendall(self.answer)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        self.socket.close()


class Doctor:
    """An installed host, its doctor, and ways to spoil the one so that the other notices."""

    def __init__(self, host: Host, undo: ExitStack) -> None:
        self.host, self.undo = host, undo
        self.home = Path(layout.HOMES, NAME)
        self.audit = Path(layout.LOGS, "audit.jsonl")

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it, for the account."""
        return self.host.ctl("doctor", "--user", NAME, *words, check=False)

    def report(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Its status, and its report for programs."""
        done = self.ask("--json", *words)
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    # -- what spoils a host; each is undone after the test --

    def write(self, path: str | Path, text: str, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Make a file, or give it another content."""
        path = Path(path)
        self.directory(path.parent)
        self.gone(path)
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, uid, gid)

    def add(self, path: str | Path, line: str) -> None:
        """Add a line to a file, which keeps its owner and mode."""
        path = Path(path)
        before = path.read_bytes()
        self.undo.callback(path.write_bytes, before)
        path.write_bytes(before + line.encode() + b"\n")

    def change(self, path: str | Path, old: str, new: str) -> None:
        """Replace something in a file."""
        path = Path(path)
        before = path.read_text()
        assert old in before
        self.undo.callback(path.write_text, before)
        path.write_text(before.replace(old, new))

    def directory(self, path: Path, mode: int = 0o755) -> None:
        """Make a directory that is not there, and those above it."""
        if not path.exists():
            self.directory(path.parent)
            path.mkdir()
            path.chmod(mode)
            self.undo.callback(path.rmdir)

    def mode(self, path: str | Path, mode: int, uid: int = 0, gid: int | None = None) -> None:
        """Give a path another mode, and owner."""
        before = os.stat(path)
        self.undo.callback(os.chmod, path, before.st_mode)
        self.undo.callback(os.chown, path, before.st_uid, before.st_gid)
        os.chown(path, uid, before.st_gid if gid is None else gid)
        os.chmod(path, mode)

    def gone(self, path: str | Path) -> None:
        """Take a path away; whatever is put there goes with the test."""
        path = Path(path)
        if os.path.lexists(path):
            aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.aside-", dir=path.parent), path.name)
            self.undo.callback(aside.parent.rmdir)
            path.rename(aside)
            self.undo.callback(aside.rename, path)
        self.undo.callback(path.unlink, missing_ok=True)

    def show(self, path: str, text: str) -> None:
        """Show another file in the place of one of the kernel's."""
        stand_in = self.host.base / f"shown-{Path(path).name}-{text.strip()}"
        stand_in.write_text(text)
        ground.run("mount", "--bind", stand_in, path)
        self.undo.callback(ground.run, "umount", path)

    def run(self, *argv: str | Path, back: tuple[str | Path, ...] = ()) -> None:
        """Run a tool of the system, and another one to undo it."""
        ground.run(*argv)
        if back:
            self.undo.callback(ground.run, *back)

    def join(self, name: str, group: str) -> None:
        """Put an account into a group, which is made if there is none."""
        if not any(line.startswith(f"{group}:") for line in Path("/etc/group").read_text().splitlines()):
            self.run("groupadd", "--system", group, back=("groupdel", group))
        self.run("gpasswd", "--add", name, group, back=("gpasswd", "--delete", name, group))

    def user(self, name: str, *options: str, back: tuple[str, ...]) -> None:
        """Change an account."""
        self.run("usermod", *options, name, back=("usermod", *back, name))

    def listen(self, path: str, mode: int, gid: int = 0, answer: str = "[]") -> None:
        """Listen on a socket in the file system."""
        self.directory(Path(path).parent)
        self.gone(path)
        self.undo.enter_context(Listener(path, answer))
        os.chown(path, 0, gid)
        os.chmod(path, mode)

    def start(self, *argv: str | Path, uid: int = 0, name: str = "") -> None:
        """Start a process; with a name, its program is a copy that is called so."""
        words = [str(word) for word in argv]
        if name:
            copy = self.host.base / name
            shutil.copyfile(words[0], copy)
            copy.chmod(0o755)
            self.undo.callback(copy.unlink)
            words[0] = str(copy)
        process = subprocess.Popen(words, user=uid, group=uid, extra_groups=[], stdin=subprocess.DEVNULL)
        self.undo.callback(process.wait)
        self.undo.callback(process.kill)

    def apply(self, old: str, new: str) -> None:
        """Put another policy in force, changed in one place."""
        text = policy()
        assert old in text
        self.undo.callback(self.host.installed.apply, text)
        self.host.installed.apply(text.replace(old, new))

    def sudoers(self, text: str, name: str = "zz-fault") -> None:
        """Add a file of sudoers."""
        self.write(f"/etc/sudoers.d/{name}", text, 0o440)

    def first_match(self, text: str) -> None:
        """Give sshd a block that is read before ours."""
        self.write(f"{layout.SSHD_DIRECTORY}/00-fault.conf", f"{text}\nMatch all\n")


Plant = Callable[[Doctor], object]


def old_docker(doctor: Doctor) -> None:
    """A docker that says that it is an old one, where it is looked for first."""
    doctor.write("/usr/bin/docker", "#!/bin/sh\necho Docker version 19.03.1, build x\n", 0o755)


def stale(doctor: Doctor) -> None:
    """A module that is newer than its compiled form."""
    module = Path(doctor.host.installed.library, "rshell/gate.py")  # rshellctl would compile what it needs itself
    before = module.stat().st_mtime_ns
    doctor.undo.callback(os.utime, module, ns=(before, before))
    os.utime(module)


def full(doctor: Doctor) -> None:
    """The records on a file system of a megabyte."""
    place = Path(layout.LOGS)
    before = place.stat()
    options = f"size=1m,mode=0750,uid=0,gid={before.st_gid}"
    doctor.run("mount", "-t", "tmpfs", "-o", options, "tmpfs", place, back=("umount", place))
    doctor.audit.touch()
    os.chown(doctor.audit, 0, before.st_gid)
    doctor.audit.chmod(0o660)


def wrapper(doctor: Doctor) -> None:
    """The predecessor's: docker is a link to rshell, the shell stays what it was."""
    link = Path("/usr/local/bin/docker")
    doctor.gone(link)
    link.symlink_to(layout.LAUNCHER)
    doctor.user(NAME, "--shell", "/bin/sh", back=("--shell", layout.LAUNCHER))


def another_config(doctor: Doctor) -> None:
    """A second sshd, by a configuration that says nothing of the account."""
    keys = doctor.undo.enter_context(other_keys(doctor.host.base))
    server = Sshd(keys, doctor.host.base, NAME, ("UsePAM no",))
    doctor.undo.callback(server.stop)


@contextmanager
def other_keys(base: Path) -> Iterator[Keys]:
    """Keys of another sshd's."""
    place = base / "other-sshd"
    place.mkdir(mode=0o755)
    yield Keys(place)
    shutil.rmtree(place)


def shared_key(doctor: Doctor) -> None:
    """The agent's key, root's too."""
    doctor.directory(Path("/root/.ssh"), 0o700)
    doctor.write("/root/.ssh/authorized_keys", Path(layout.KEYS, NAME).read_text(), 0o600)


def pam_program(doctor: Doctor) -> None:
    """A program that PAM runs and everybody can write."""
    doctor.write("/usr/local/bin/hook", "", 0o777)
    doctor.add("/etc/pam.d/sshd", "session optional pam_exec.so /usr/local/bin/hook")


DOCKER_GROUP: Plant = lambda doctor: doctor.join(NAME, "docker")  # noqa: E731
FAULTS: dict[str, tuple[Plant, set[str]]] = {
    "in the docker group": (DOCKER_GROUP, {"account.group", "docker.socket"}),
    "in the sudo group": (lambda doctor: doctor.join(NAME, "sudo"), {"account.group", "sudo.rights"}),
    "in the disk group": (lambda doctor: doctor.join(NAME, "disk"), {"account.group"}),
    "in the lxd group": (lambda doctor: doctor.join(NAME, "lxd"), {"account.group"}),
    "in the group of the records": (lambda doctor: doctor.join(NAME, layout.GROUP), {"account.group"}),
    "in some group": (lambda doctor: doctor.join(NAME, "games"), {"account.other-group"}),
    "the docker group as its own": (
        lambda doctor: doctor.user(NAME, "--gid", "docker", back=("--gid", NAME)),
        {"account.group", "docker.socket", "files.modes"},
    ),
    "a second account with its uid": (
        lambda doctor: doctor.run(
            "useradd", "--non-unique", "--uid", str(doctor.host.uid), "--no-create-home", "rshell-twin",
            back=("userdel", "--force", "rshell-twin"),
        ),
        {"account.uid"},
    ),
    "no password needed": (
        lambda doctor: doctor.user(NAME, "--password", "", back=("--password", "*")), {"account.password-empty"},
    ),
    "a password": (
        lambda doctor: doctor.user(NAME, "--password", "$6$x$y", back=("--password", "*")), {"account.password"},
    ),
    "another shell": (
        lambda doctor: doctor.user(NAME, "--shell", "/bin/sh", back=("--shell", layout.LAUNCHER)), {"account.shell"},
    ),
    "a wrapper": (wrapper, {"boundary.wrapper"}),
    "a shell that is not listed": (
        lambda doctor: doctor.change(layout.SHELLS, f"{layout.LAUNCHER}\n", ""), {"account.unlisted-shell"},
    ),
    "a home of its own": (lambda doctor: doctor.mode(doctor.home, 0o755, doctor.host.uid), {"home.writable"}),
    "a home for all": (lambda doctor: doctor.mode(doctor.home, 0o777), {"home.writable"}),
    "~/.ssh/rc": (lambda doctor: doctor.write(doctor.home / ".ssh/rc", "id\n"), {"home.files"}),
    "~/.pam_environment": (lambda doctor: doctor.write(doctor.home / ".pam_environment", ""), {"home.files"}),
    "an identity that is gone": (
        lambda doctor: doctor.run(
            "usermod", "--login", "rshell-gone", "rshell-journal",
            back=("usermod", "--login", "rshell-journal", "rshell-gone"),
        ),
        {"identity.missing", "group.members"},
    ),
    "an identity with a shell": (
        lambda doctor: doctor.user("rshell-docker", "--shell", "/bin/sh", back=("--shell", "/usr/sbin/nologin")),
        {"identity.login"},
    ),
    "an identity with a uid of others": (
        lambda doctor: doctor.run(
            "useradd", "--non-unique", "--uid", ground.run("id", "-u", "rshell-docker").stdout.strip(),
            "--no-create-home", "rshell-twin", back=("userdel", "--force", "rshell-twin"),
        ),
        {"identity.uid"},
    ),
    "the journal's identity in docker": (lambda doctor: doctor.join("rshell-journal", "docker"), {"identity.groups"}),
    "docker's identity not in docker": (
        lambda doctor: doctor.run(
            "gpasswd", "--delete", "rshell-docker", "docker", back=("gpasswd", "--add", "rshell-docker", "docker")
        ),
        {"identity.lacks"},
    ),
    "sudo for an identity": (
        lambda doctor: doctor.sudoers("rshell-docker ALL=(ALL) NOPASSWD: ALL\n"), {"identity.sudo"},
    ),
    "others in the group of the records": (
        lambda doctor: doctor.join("daemon", layout.GROUP), {"group.members"},
    ),
    # sudo and its kin
    "sudo for everything": (lambda doctor: doctor.sudoers(f"{NAME} ALL=(ALL:ALL) NOPASSWD: ALL\n"), {"sudo.rights"}),
    "sudo for docker": (lambda doctor: doctor.sudoers(f"{NAME} ALL=NOPASSWD: /usr/bin/docker ps *\n"), {"sudo.rights"}),
    "sudo for everybody": (lambda doctor: doctor.sudoers("ALL ALL=(root) /usr/bin/id\n"),
                           {"sudo.rights", "identity.sudo"}),
    "sudo for the gate as anybody": (
        lambda doctor: doctor.sudoers(f'{NAME} ALL=(ALL) NOPASSWD: {layout.GATE} ""\n'), {"sudo.rights"},
    ),
    "sudo for the gate with words": (
        lambda doctor: doctor.sudoers(f"{NAME} ALL=(root) NOPASSWD: {layout.GATE}\n"), {"sudo.rights"},
    ),
    "sudo for the gate with an environment": (
        lambda doctor: doctor.sudoers(f'{NAME} ALL=(root) NOPASSWD: SETENV: {layout.GATE} ""\n'), {"sudo.rights"},
    ),
    "no sudo for the gate": (lambda doctor: doctor.write(layout.SUDOERS, "", 0o440), {"sudo.gate"}),
    "sudo closes the socket": (
        lambda doctor: doctor.write(
            layout.SUDOERS,
            pieces.sudoers((NAME,), ("rshell-docker", "rshell-journal", "root")).replace("closefrom_override, ", ""),
            0o440,
        ),
        {"sudo.settings"},
    ),
    "a later file of sudoers": (
        lambda doctor: doctor.sudoers(f"Defaults!{layout.GATE} use_pty, setenv\n"), {"sudo.settings"},
    ),
    "sudoers that sudo does not take": (
        lambda doctor: doctor.mode("/etc/sudoers", 0o666), {"sudo.unreadable", "files.writable"},
    ),
    "doas": (lambda doctor: doctor.write("/etc/doas.conf", f"permit nopass {NAME}\n"), {"doas.rights"}),
    "polkit": (
        lambda doctor: doctor.write("/etc/polkit-1/rules.d/00-fault.rules", f'if (subject.user == "{NAME}") {{}}\n'),
        {"polkit.rules"},
    ),
    "PAM asks nothing": (
        lambda doctor: doctor.add("/etc/pam.d/su", "auth sufficient pam_permit.so"), {"pam.trust"},
    ),
    "PAM runs anything": (pam_program, {"pam.program"}),
    "LD_PRELOAD for all": (
        lambda doctor: doctor.write("/etc/environment", "LD_PRELOAD=/tmp/x.so\n"), {"login.environment"},
    ),
    "a crontab": (
        lambda doctor: doctor.write(f"/var/spool/cron/crontabs/{NAME}", "* * * * * id\n", 0o600), {"account.jobs"},
    ),
    "a line in cron.d": (lambda doctor: doctor.write("/etc/cron.d/fault", f"* * * * * {NAME} id\n"), {"account.jobs"}),
    "lingering": (lambda doctor: doctor.write(f"/var/lib/systemd/linger/{NAME}", ""), {"account.jobs"}),
    "a job of at": (
        lambda doctor: doctor.write("/var/spool/cron/atjobs/a0001", "", 0o700, doctor.host.uid), {"account.jobs"},
    ),
    "a shell left from before": (
        lambda doctor: doctor.start("/bin/sleep", "600", uid=doctor.host.uid), {"account.processes"},
    ),
    # sshd
    "another ssh server": (lambda doctor: doctor.start("/bin/sleep", "600", name="dropbear"), {"sshd.other"}),
    "our block is gone": (
        lambda doctor: doctor.gone(BLOCK),
        {"sshd.forwarding", "sshd.command", "sshd.rc", "sshd.password"},
    ),
    "an earlier match": (
        lambda doctor: doctor.first_match(f"Match User {NAME}\n  AllowStreamLocalForwarding yes"), {"sshd.forwarding"},
    ),
    "a match for one address": (
        lambda doctor: doctor.first_match("Match Address 172.16.0.0/12\n  AllowTcpForwarding local"),
        {"sshd.forwarding"},
    ),
    "a match for one port": (
        lambda doctor: doctor.first_match("Match LocalPort 2222\n  PermitTunnel yes"), {"sshd.forwarding"},
    ),
    "agent forwarding": (
        lambda doctor: doctor.first_match(f"Match User {NAME}\n  AllowAgentForwarding yes"), {"sshd.forwarding"},
    ),
    "sftp": (
        lambda doctor: doctor.first_match(f"Match User {NAME}\n  ForceCommand internal-sftp"), {"sshd.command"},
    ),
    "an environment": (
        lambda doctor: doctor.first_match(f"Match User {NAME}\n  AcceptEnv PYTHON*"), {"sshd.environment"},
    ),
    "~/.ssh/environment": (lambda doctor: doctor.first_match("PermitUserEnvironment yes"), {"sshd.environment"}),
    "user rc": (lambda doctor: doctor.first_match(f"Match User {NAME}\n  PermitUserRC yes"), {"sshd.rc"}),
    "passwords": (
        lambda doctor: doctor.first_match(f"Match User {NAME}\n  PasswordAuthentication yes"), {"sshd.password"},
    ),
    "lax modes": (lambda doctor: doctor.first_match("StrictModes no"), {"sshd.strict"}),
    "keys in a writable home": (
        lambda doctor: (
            doctor.first_match(f"Match User {NAME}\n  AuthorizedKeysFile .ssh/authorized_keys"),
            doctor.mode(doctor.home, 0o755, doctor.host.uid),
        ),
        {"sshd.keys", "home.writable"},
    ),
    "keys of its own": (
        lambda doctor: doctor.mode(f"{layout.KEYS}/{NAME}", 0o644, doctor.host.uid), {"sshd.keys", "files.writable"},
    ),
    "keys from a program": (
        lambda doctor: doctor.first_match(
            f"Match User {NAME}\n  AuthorizedKeysCommand /usr/bin/true\n  AuthorizedKeysCommandUser nobody"
        ),
        {"sshd.keys-elsewhere"},
    ),
    "a key with options": (
        lambda doctor: doctor.write(
            f"{layout.KEYS}/{NAME}", f'permitopen="*:*" {doctor.host.keys.client.with_suffix(".pub").read_text()}'
        ),
        {"sshd.key-options"},
    ),
    "a key that root takes too": (shared_key, {"sshd.shared-key"}),
    "a second configuration": (
        another_config, {"sshd.forwarding", "sshd.command", "sshd.rc"},
    ),
    "an sshd that says nothing": (
        lambda doctor: doctor.first_match("NoSuchSetting yes"), {"sshd.unreadable"},
    ),
    # what it is kept by
    "no launcher": (lambda doctor: doctor.gone(layout.LAUNCHER), {"launcher.missing"}),
    "a launcher that is not isolated": (
        lambda doctor: doctor.change(layout.LAUNCHER, "-ISXutf8", "-Xutf8"), {"launcher.content"},
    ),
    "another gate": (lambda doctor: doctor.change(layout.GATE, "import gc", "import gc, this"), {"launcher.content"}),
    "another rshellctl": (
        lambda doctor: doctor.change(layout.CTL, "-ISXutf8", "-IXutf8"), {"launcher.ctl"},
    ),
    "a launcher for all": (lambda doctor: doctor.mode(layout.LAUNCHER, 0o777), {"files.modes"}),
    "a prefix for all": (lambda doctor: doctor.mode(doctor.host.installed.prefix, 0o777), {"files.writable"}),
    "a module of the account's": (
        lambda doctor: doctor.mode(f"{doctor.host.installed.library}/rshell/say.py", 0o644, doctor.host.uid),
        {"files.writable"},
    ),
    "a compiled module for all": (
        lambda doctor: doctor.write(f"{doctor.host.installed.library}/rshell/__pycache__/x.pyc", "", 0o666),
        {"files.writable"},
    ),
    "a standard library for all": (
        lambda doctor: doctor.write("/usr/lib/python3.11/zz_fault.py", "", 0o666), {"files.writable"},
    ),
    "a user database for all": (lambda doctor: doctor.mode("/etc/passwd", 0o666), {"files.writable"}),
    "a preloaded library": (
        lambda doctor: (
            doctor.write("/usr/local/lib/zz-fault.so.conf", "", 0o666),
            doctor.write("/etc/ld.so.conf.d/zz-fault.conf", "/usr/local/lib/zz-fault.so.conf\n"),
        ),
        {"files.writable"},
    ),
    "plugins for all": (
        lambda doctor: doctor.mode("/usr/libexec/docker/cli-plugins", 0o777),
        {"files.writable", "docker.missing"},
    ),
    "stop markers for all": (lambda doctor: doctor.mode(layout.STOPPED, 0o777), {"files.modes"}),
    "slots for all": (lambda doctor: doctor.mode(layout.SLOTS, 0o2777), {"files.modes"}),
    "records of the account's": (lambda doctor: doctor.mode(doctor.audit, 0o660, doctor.host.uid), {"files.modes"}),
    "records for all": (lambda doctor: doctor.mode(layout.LOGS, 0o777), {"files.modes"}),
    "no records": (lambda doctor: doctor.gone(doctor.audit), {"files.missing"}),
    "no buildx directory": (lambda doctor: doctor.gone(layout.BUILDX_CONFIG), {"files.missing"}),
    "a module that is not compiled": (stale, {"files.pyc"}),
    "no policy": (lambda doctor: doctor.gone(layout.POLICY), {"policy.missing", "files.missing"}),
    "a policy for all": (lambda doctor: doctor.mode(layout.POLICY, 0o666), {"policy.untrusted", "files.modes"}),
    "a broken policy": (lambda doctor: doctor.add(layout.POLICY, "x: y"), {"policy.broken"}),
    "a stale policy": (lambda doctor: doctor.add(layout.POLICY, "# changed"), {"policy.uncompiled"}),
    "no role": (lambda doctor: doctor.apply(f"users: [ai-worker, {NAME}]", "users: [ai-worker]"), {"policy.role"}),
    # docker
    "a socket for all": (lambda doctor: doctor.mode("/run/docker.sock", 0o666), {"docker.socket"}),
    "another engine for all": (lambda doctor: doctor.listen("/run/podman/podman.sock", 0o666), {"docker.socket"}),
    "an engine by another name": (
        lambda doctor: doctor.listen(f"{layout.STATE}/containerd-fault.sock", 0o666), {"docker.socket"},
    ),
    "docker on TCP": (
        lambda doctor: doctor.undo.enter_context(socket.create_server(("127.0.0.1", 2375))), {"docker.tcp"},
    ),
    "docker on TCP next time": (
        lambda doctor: doctor.write("/etc/docker/daemon.json", '{"hosts": ["tcp://0.0.0.0:4711"]}'), {"docker.tcp"},
    ),
    "a container that holds the socket": (
        lambda doctor: doctor.listen(
            "/run/docker.sock", 0o660, os.stat("/run/docker.sock").st_gid,
            '[{"Id": "0", "Names": ["/agent"], "Mounts": [{"Type": "bind", "Source": "/run/docker.sock"}]}]',
        ),
        {"docker.held-socket"},
    ),
    "a configured docker": (
        lambda doctor: doctor.write(f"{layout.DOCKER_CONFIG}/config.json", '{"credsStore": "x"}'), {"docker.config"},
    ),
    "an old docker": (old_docker, {"docker.version"}),
    "no docker": (
        lambda doctor: [doctor.gone(f"{place}/docker") for place in DIRECTORIES[:6]], {"docker.missing"},
    ),
    # records
    "records that need not be": (lambda doctor: doctor.apply("required: true ", "required: false"), {"records.none"}),
    "nobody takes the log": (lambda doctor: doctor.gone("/dev/log"), {"records.log"}),
    "a full disk": (full, {"records.space"}),
    "rotation to nobody": (
        lambda doctor: doctor.change(layout.LOGROTATE, "create 0660 root rshell", "create 0600 root root"),
        {"records.rotation"},
    ),
    "stopped": (
        lambda doctor: doctor.write(f"{layout.STOPPED}/{doctor.host.uid}", "it was odd\n"), {"stopped"},
    ),
    "an old kernel's terminals": (
        lambda doctor: doctor.show("/proc/sys/dev/tty/legacy_tiocsti", "1\n"), {"kernel.tiocsti"},
    ),
    "links that lead astray": (
        lambda doctor: doctor.show("/proc/sys/fs/protected_symlinks", "0\n"), {"kernel.links"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def well(host: Host, compose_plugin: Plugin) -> Iterator[Host]:
    """The installed host, as well as can be: a plugin, a socket, a kernel that is set right."""
    with ExitStack() as undo:
        doctor = Doctor(host, undo)
        docker = int(ground.run("getent", "group", "docker").stdout.split(":")[2])
        doctor.listen("/run/docker.sock", 0o660, docker)
        for path, text in KERNEL.items():
            if Path(path).exists():
                doctor.show(path, text)
        yield host


@pytest.fixture
def doctor(well: Host) -> Iterator[Doctor]:
    """Its doctor; what a test spoils is mended."""
    with ExitStack() as undo:
        yield Doctor(well, undo)


def test_a_clean_host_is_silent(doctor: Doctor) -> None:
    assert ground.outcome(doctor.ask()) == (0, "", "")


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_and_nothing_else(doctor: Doctor, fault: str) -> None:
    plant, expected = FAULTS[fault]
    plant(doctor)
    status, report = doctor.report()
    assert {one["code"] for one in report["findings"]} == expected
    assert status == (0 if {one["severity"] for one in report["findings"]} == {"note"} else 1)
    assert report["holds"] == (status == 0)


def test_a_fault_is_told_with_what_mends_it(doctor: Doctor) -> None:
    doctor.join(NAME, "disk")
    done = doctor.ask()
    gid = ground.run("getent", "group", "disk").stdout.split(":")[2]
    assert ground.outcome(done) == (
        1,
        f"hole: account.group: {NAME} is in group disk: that reaches every disk, past all modes\n"
        f"  disk:{gid}\n  fix: gpasswd --delete {NAME} disk\n",
        "",
    )


def test_verbose_lists_what_passed(doctor: Doctor) -> None:
    done = doctor.ask("-v")
    assert done.returncode == 0
    assert f"passed: sshd.forwarding: {NAME}: sshd forwards nothing for it\n" in done.stdout
    assert {line.split(":")[0] for line in done.stdout.splitlines()} == {"passed"}


def test_only_root_may_ask(doctor: Doctor) -> None:
    done = doctor.host.run(layout.CTL, "doctor")
    assert ground.first_line(done) == (78, "", "rshellctl: only root sees enough of the host: sudo rshellctl doctor")


def test_without_a_name_it_is_about_everybody_whom_the_policy_names(doctor: Doctor) -> None:
    """ai-worker has a role and is not on this host."""
    done = doctor.host.ctl("doctor", "--json", check=False)
    report = json.loads(done.stdout)
    assert report["users"] == ["ai-worker", NAME]
    assert [(one["code"], one["user"]) for one in report["findings"]] == [("account.missing", "ai-worker")]


def test_every_code_is_planted(doctor: Doctor) -> None:
    planted = {code for _, expected in FAULTS.values() for code in expected}
    others = {"account.missing", "boundary.direct", "python.gone", "python.privileged"}  # tested below and above
    assert planted | others == {code for code in CODES if not code.startswith("probe.")}


def test_a_python_that_is_gone_is_told_by_another_one(doctor: Doctor) -> None:
    """The prefix was made for a Python that the host has no more."""
    python = doctor.host.installed.prefix / "bin/python"
    doctor.gone(python)
    library = doctor.host.installed.library
    code = f"import sys; sys.path.insert(0, {library!r}); from rshell.ctl.main import main; raise SystemExit(main())"
    words = ("/usr/bin/python3", "-I", "-c", code, "doctor", "--user", NAME, "--json")
    report = json.loads(ground.run(*words, check=False).stdout)
    found = {one["code"] for one in report["findings"]}
    assert found == {"python.gone", "launcher.content", "launcher.ctl"}


def test_a_privileged_python_is_named(doctor: Doctor) -> None:
    """A copy in the prefix: the system's own stays as it is."""
    python = doctor.host.installed.prefix / "bin/python"
    real = python.resolve()
    doctor.gone(python)
    shutil.copyfile(real, python)
    python.chmod(0o4755)
    _, report = doctor.report()
    assert "python.privileged" in {one["code"] for one in report["findings"]}


# -- --probe ------------------------------------------------------------------------------


def test_what_is_tried_on_a_clean_host_fails_silently(doctor: Doctor) -> None:
    assert ground.outcome(doctor.ask("--probe")) == (0, "", "")


PROBED: dict[str, tuple[Plant, set[str]]] = {
    "a socket": (
        lambda doctor: doctor.mode("/run/docker.sock", 0o666), {"docker.socket", "probe.socket"},
    ),
    "a home": (lambda doctor: doctor.mode(doctor.home, 0o777), {"home.writable", "probe.write"}),
    "a secret": (lambda doctor: doctor.mode("/etc/shadow", 0o644), {"probe.read"}),
    "a right": (
        lambda doctor: doctor.sudoers(f"{NAME} ALL=(root) NOPASSWD: /bin/true\n"), {"sudo.rights", "probe.sudo"},
    ),
    "a group by sudo": (
        lambda doctor: doctor.sudoers(f"{NAME} ALL=(:docker) NOPASSWD: /bin/true\n"), {"sudo.rights", "probe.sudo"},
    ),
    "a gate that says yes": (
        lambda doctor: doctor.write(layout.GATE, "#!/bin/sh\nexit 0\n", 0o755), {"launcher.content", "probe.gate"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", PROBED)
def test_what_works_is_a_hole(doctor: Doctor, fault: str) -> None:
    plant, expected = PROBED[fault]
    plant(doctor)
    status, report = doctor.report("--probe")
    assert (status, {one["code"] for one in report["findings"]}) == (1, expected)


def test_nothing_of_a_probe_stays(doctor: Doctor) -> None:
    doctor.mode(doctor.home, 0o777)
    before = sorted(os.listdir(doctor.home))
    doctor.ask("--probe")
    assert sorted(os.listdir(doctor.home)) == before


def test_by_ssh_nothing_is_to_be_had(doctor: Doctor, host_ssh: Client) -> None:
    assert ground.outcome(doctor.ask("--probe", "--identity", str(doctor.host.keys.client))) == (0, "", "")


def test_what_ssh_gives_is_a_hole(doctor: Doctor, keys: Keys, logs: Path) -> None:
    """An sshd that has not heard of the account's block; its shell is still rshell."""
    server = Sshd(keys, logs, NAME)
    doctor.undo.callback(server.stop)
    _, report = doctor.report("--probe", "--identity", str(keys.client))
    tried = [one["evidence"] for one in report["findings"] if one["code"] == "probe.ssh"]
    assert {each.partition(": ")[2] for evidence in tried for each in evidence} == {
        "forwards to TCP (-L, -D, -W)", "forwards to sockets (-L to docker.sock)", "listens (-R)",
    }  # fmt: skip


def test_a_key_that_lets_nobody_in_proves_nothing(doctor: Doctor, host_ssh: Client) -> None:
    with other_keys(doctor.host.base) as strange:
        done = doctor.ask("--probe", "--identity", str(strange.client))
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith(f"rshellctl: {NAME} can't log in at 127.0.0.1 port ")


def test_a_key_is_for_probing(doctor: Doctor) -> None:
    done = doctor.ask("--identity", "/nonexistent")
    assert ground.outcome(done) == (2, "", "rshellctl: --identity is for --probe\n")


# -- the other boundary, last: it installs anew ---------------------------------------------


def test_of_the_direct_boundary_it_says_what_that_gives_up(doctor: Doctor) -> None:
    doctor.undo.callback(doctor.host.install, "--boundary", "gate")
    doctor.host.install("--boundary", "direct")
    status, report = doctor.report()
    assert [(one["code"], one["evidence"]) for one in report["findings"]] == [
        ("boundary.direct", [f"{NAME} is in group {group}" for group in ("systemd-journal", "docker")])
    ]
    assert status == 1
