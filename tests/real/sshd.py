"""A real sshd on loopback, and its clients."""

import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .ground import ENVIRONMENT, Server, need, program, refuse, run

HOST = "box"
"""What the account's host is called in the client's configuration."""

_RUN = Path("/run/sshd")
_SFTP = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")


class Keys:
    """A host key and a client's key, and who is let in by them."""

    def __init__(self, base: Path) -> None:
        need("sshd", "ssh", "ssh-keygen")
        self.directory = base / "ssh"
        self.directory.mkdir(mode=0o755)
        self.host, self.client = self.directory / "host_key", self.directory / "client_key"
        self.authorized = self.directory / "authorized_keys"
        for key in (self.host, self.client):
            run(program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", key)
        self.authorize()

    def authorize(self, options: str = "") -> None:
        """Let the client's key in, with options such as command="..."."""
        public = self.client.with_suffix(".pub").read_text()
        self.authorized.write_text(f"{options} {public}" if options else public)
        self.authorized.chmod(0o644)


class Client:
    """ssh to one server, by a configuration of its own."""

    def __init__(self, keys: Keys, port: int, user: str) -> None:
        self.config = keys.directory / f"client-{port}"
        self._known = keys.directory / f"known-{port}"
        kind, key, *_ = keys.host.with_suffix(".pub").read_text().split()
        self._known.write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
        self.config.write_text(self._settings(keys, port, user))

    def _settings(self, keys: Keys, port: int, user: str) -> str:
        settings = {
            "HostName": "127.0.0.1",
            "Port": port,
            "User": user,
            "IdentityFile": keys.client,
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "UserKnownHostsFile": self._known,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "BatchMode": "yes",
            "ConnectTimeout": 10,
            "LogLevel": "ERROR",
        }
        return f"Host {HOST}\n" + "".join(f"  {name} {value}\n" for name, value in settings.items())

    def argv(self, *args: str, tty: bool = False, options: Sequence[str] = ()) -> list[str]:
        """The words to start: `args` are the remote command, `options` are ssh's own."""
        terminal = ["-tt"] if tty else []
        return [program("ssh"), "-F", str(self.config), *terminal, *options, HOST, *args]

    def __call__(
        self,
        *args: str,
        input: str | bytes | None = None,
        tty: bool = False,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        timeout: float = 20,
    ) -> subprocess.CompletedProcess[str]:
        """Log in, run, and give the status and the output. `environment`: the client's own, beyond the usual."""
        env = {**ENVIRONMENT, **(environment or {})}
        return run(*self.argv(*args, tty=tty, options=options), input=input, env=env, check=False, timeout=timeout)

    def copy(self, tool: str, *args: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run scp or sftp by the same configuration; the host is called box."""
        return run(program(tool), "-F", self.config, *args, input=input, check=False, timeout=20)

    def rsync(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run rsync over the same ssh; the host is called box."""
        by = f"{program('ssh')} -F {self.config}"
        return run(program("rsync"), f"--rsh={by}", *args, check=False, timeout=20)


class Sshd:
    """One running sshd."""

    def __init__(self, keys: Keys, logs: Path, user: str, lines: Sequence[str] = ()) -> None:
        self.port = _free_port()
        self.config = keys.directory / f"sshd-{self.port}"
        self.config.write_text(_configuration(keys, self.port, user, lines))
        self._made_run = not _RUN.exists()
        _RUN.mkdir(mode=0o755, exist_ok=True)
        run(program("sshd"), "-t", "-f", self.config)
        name = f"sshd-{self.port}"
        self.server = Server(name, [program("sshd"), "-D", "-e", "-f", self.config], logs / name)
        self.server.wait_ready(lambda: _greets(self.port))
        self.client = Client(keys, self.port, user)

    def stop(self) -> None:
        """End it and every session of it."""
        self.server.stop()
        if self._made_run:
            _RUN.rmdir()


def _configuration(keys: Keys, port: int, user: str, lines: Sequence[str]) -> str:
    """Debian's defaults on a private port; own lines win, and a Match block goes last."""
    cut = next((at for at, line in enumerate(lines) if line.startswith("Match ")), len(lines))
    own = [
        "ListenAddress 127.0.0.1",
        f"Port {port}",
        f"HostKey {keys.host}",
        f"PidFile {keys.directory}/sshd-{port}.pid",
        f"AuthorizedKeysFile {keys.authorized}",
        f"AllowUsers {user}",
        "UsePAM yes",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitUserEnvironment no",
        "AcceptEnv LANG LC_*",
        "PrintMotd no",
        "UseDNS no",
        "MaxStartups 100",
        "LogLevel VERBOSE",
        f"Subsystem sftp {_sftp_server()}",
    ]
    return "\n".join([*lines[:cut], *own, *lines[cut:], ""])


def _sftp_server() -> str:
    found = next((path for path in _SFTP if Path(path).exists()), None)
    return found or refuse("needs openssh's sftp-server")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _greets(port: int) -> bool:
    with socket.socket() as client:
        try:
            client.settimeout(5)
            client.connect(("127.0.0.1", port))
            return client.recv(4) == b"SSH-"
        except OSError:
            return False
