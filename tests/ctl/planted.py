"""A host that is only described: what doctor reads of it, clean, and to be spoilt."""

import stat
from collections.abc import Callable

from rshell.ctl import launcher, pieces
from rshell.ctl.doctor.host import Account, Entry, Group, Host, Opened, Process
from rshell.ctl.system import Answer
from rshell.host import layout
from tests.support import ROOT, SHIPPED, compiled

USER = "ai-worker"
UID, DOCKER, JOURNAL, RSHELL = 990, 105, 999, 989
SOCKET = stat.S_IFSOCK
HOME = f"{layout.HOMES}/{USER}"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAgent agent"
PYTHON = launcher.python()
LIBRARY = str(ROOT)
RIGHTS = f"""
Sudoers entry:
    RunAsUsers: rshell-docker, rshell-journal, root
    Options: !authenticate
    Commands:
\t{layout.GATE} ""
"""


class Planted(Host):
    """A clean host. Tests change its parts."""

    def __init__(self) -> None:
        self.users = {
            "root": Account("root", 0, 0, "/root", "/bin/bash"),
            "alice": Account("alice", 1000, 1000, "/home/alice", "/bin/bash"),
            USER: Account(USER, UID, UID, HOME, layout.LAUNCHER),
            "rshell-docker": Account("rshell-docker", 991, 991, "/nonexistent", "/usr/sbin/nologin"),
            "rshell-journal": Account("rshell-journal", 992, 992, "/nonexistent", "/usr/sbin/nologin"),
        }
        self.secrets = dict.fromkeys(self.users, "*")
        self.members = {
            "root": (0, ()), "alice": (1000, ()), USER: (UID, ()), "rshell-docker": (991, ()),
            "rshell-journal": (992, ()), "sudo": (27, ("alice",)), "docker": (DOCKER, ("rshell-docker",)),
            "systemd-journal": (JOURNAL, ("rshell-journal",)), "lab": (1001, ()),
            layout.GROUP: (RSHELL, ("rshell-docker", "rshell-journal")),
        }  # fmt: skip
        self.entries: dict[str, Entry] = {"/": Entry(stat.S_IFDIR | 0o755, 0, 0)}
        self.contents: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.attributes: dict[tuple[str, str], bytes] = {}
        self.running: list[Process] = []
        ollama: dict[str, object] = {"Names": ["/ollama"], "Mounts": [{"Source": "/srv/models"}]}
        self.running_containers = [ollama]
        self.log, self.free = True, 1 << 40
        self.opened = Opened(compiled())
        self.sshd = _of_sshd()
        self.rights, self.settings = RIGHTS, pieces.sudoers((USER,), ("root",))
        self.versions = {"docker": "Docker version 28.2.2, build e6534b4", "docker-compose": "2.40.0"}
        self.programs = {name: f"/usr/bin/{name}" for name in ("sudo", "sshd", "docker", "docker-compose")}
        self.python_runs = True
        self._files()

    def _files(self) -> None:
        for path in (layout.ETC, layout.DOCKER_CONFIG, layout.STATE, layout.HOMES, HOME, layout.STOPPED, layout.USERS,
                     layout.KEYS, layout.SSHD_DIRECTORY):  # fmt: skip
            self.directory(path)
        self.directory(layout.POLICIES, 0o700)
        self.directory(layout.SLOTS, 0o2770, gid=RSHELL)
        self.directory(layout.LOGS, 0o750, gid=RSHELL)
        self.directory(layout.BUILDX_CONFIG, 0o700, 991, 991)
        self.directory(f"{layout.USERS}/{UID}", 0o700, UID, UID)
        self.file(layout.POLICY, SHIPPED.decode())
        self.file(f"{layout.LOGS}/audit.jsonl", "", 0o660, gid=RSHELL)
        self.file(layout.LAUNCHER, launcher.text("login", layout.GATE), 0o755)
        self.file(layout.GATE, launcher.text("gate"), 0o755)
        self.file(layout.CTL, launcher.control(), 0o755)
        self.file(layout.SUDOERS, "", 0o440)
        self.file(layout.LOGROTATE, pieces.logrotate())
        self.file(layout.SHELLS, f"/bin/sh\n{layout.LAUNCHER}\n")
        self.file(layout.SSHD_CONFIG, "Include /etc/ssh/sshd_config.d/*.conf\nX11Forwarding yes\n")
        self.file(f"{layout.SSHD_DIRECTORY}/rshell-{USER}.conf", pieces.sshd(USER))
        self.file(f"{layout.KEYS}/{USER}", f"restrict,pty {KEY}\n")
        self.file("/etc/passwd", "root\n")
        self.file("/var/run/docker.sock", "", SOCKET | 0o660, gid=DOCKER)
        self.file("/etc/pam.d/su", "auth sufficient pam_rootok.so\nauth required pam_permit.so\n")
        self.file(PYTHON, "", 0o755)
        self.directory(f"{LIBRARY}/rshell")

    def directory(self, path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """Make a directory, and those above it."""
        above = path.rpartition("/")[0]
        if above and above not in self.entries:
            self.directory(above)
        self.entries[path] = Entry(stat.S_IFDIR | mode, uid, gid)

    def file(self, path: str, text: str, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Make a file; with a kind in its mode, that."""
        if path.rpartition("/")[0] not in self.entries:
            self.directory(path.rpartition("/")[0])
        kind = 0 if stat.S_IFMT(mode) else stat.S_IFREG
        self.entries[path] = Entry(kind | mode, uid, gid, len(text), 1_700_000_000)
        self.contents[path] = text

    def symlink(self, path: str, target: str) -> None:
        """Make a link."""
        self.file(path, "", stat.S_IFLNK | 0o777)
        self.links[path] = target

    def chmod(self, path: str, mode: int, uid: int = 0, gid: int = 0) -> None:
        """Change what may be done with a path."""
        was = self.entries[path]
        self.entries[path] = was.but(mode=stat.S_IFMT(was.mode) | mode, uid=uid, gid=gid)

    def join(self, name: str, group: str) -> None:
        """Put an account into a group."""
        gid, members = self.members[group]
        self.members[group] = (gid, (*members, name))

    # -- what doctor reads --

    def entry(self, path: str) -> Entry | None:
        return self.entries.get(path)

    def link(self, path: str) -> str:
        return self.links[path]

    def data(self, path: str, most: int = 0) -> bytes:
        return self.contents.get(path, "").encode("latin-1" if path.endswith(".pyc") else "utf-8")

    def names(self, directory: str) -> list[str]:
        return sorted(path.rpartition("/")[2] for path in self.entries if path.rpartition("/")[0] == directory != path)

    def attribute(self, path: str, name: str) -> bytes:
        return self.attributes.get((path, name), b"")

    def room(self, path: str) -> tuple[int, int]:
        return self.free, 1 << 40

    def accounts(self) -> list[Account]:
        return list(self.users.values())

    def account(self, name: str) -> Account | None:
        return self.users.get(name)

    def groups(self) -> list[Group]:
        return [Group(name, gid, members) for name, (gid, members) in self.members.items()]

    def groups_of(self, account: Account) -> set[int]:
        return {account.gid, *(gid for gid, members in self.members.values() if account.name in members)}

    def secret(self, name: str) -> str | None:
        return self.secrets.get(name)

    def processes(self) -> list[Process]:
        return self.running

    def listens(self, path: str) -> bool:
        return self.log

    def find(self, name: str, plugin: bool = False) -> str:
        return self.programs.get(name, "")

    def containers(self) -> list[dict[str, object]]:
        return self.running_containers

    def policy(self) -> Opened:
        return self.opened

    def ask(self, name: str, *words: str) -> Answer:
        name = name.rpartition("/")[2]
        if name == "sudo":
            return self._sudo(words[0], words[2])
        if name == "sshd":
            return Answer(0, "".join(f"{line}\n" for line in self.sshd(dict(_pairs(words)))), "")
        if name in self.versions:
            return Answer(0, self.versions[name], "")
        return Answer(0 if self.python_runs else 1, "cpython-311\n" if self.python_runs else "", "")

    def _sudo(self, how: str, name: str) -> Answer:
        if name != USER or not self.rights:
            return Answer(0, f"User {name} is not allowed to run sudo on box.\n", "")
        settings = "".join(f"    {line}\n" for line in self.settings.splitlines() if line.startswith("Defaults"))
        said = f"Runas and Command-specific defaults for {name}:\n{settings}\nUser {name} may run:\n"
        return Answer(0, said + (self.rights if how == "-ll" else f'    (root) NOPASSWD: {layout.GATE} ""\n'), "")


def _pairs(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """The pairs of -C user=U,host=H."""
    given = words[words.index("-C") + 1].split(",")
    return [(pair.partition("=")[0], pair.partition("=")[2]) for pair in given]


def _of_sshd() -> Callable[[dict[str, str]], list[str]]:
    """Answers as sshd -T gives them for the block that install writes."""
    block = [line.split(None, 1) for _, lines in pieces.SSHD for line in lines]
    said = [f"{keyword.lower()} {value.replace('{user}', USER)}" for keyword, value in block]
    more = ["strictmodes yes", "permituserenvironment no", "trustedusercakeys none", "acceptenv LC_*", "port 22"]
    return lambda _: [*said, *more]


