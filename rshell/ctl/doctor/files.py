"""What the account is kept by: launchers, their Python, our directories, and all that these rest on."""

from __future__ import annotations

import stat

from rshell.core.value import Value
from rshell.ctl import launcher
from rshell.ctl.doctor.finding import found
from rshell.ctl.doctor.paths import changeable, changeable_below, describe, walk
from rshell.ctl.doctor.scene import DOCKER
from rshell.host import layout
from rshell.host.programs import DIRECTORIES, PLUGIN_DIRECTORIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.ctl.doctor.finding import Finding
    from rshell.ctl.doctor.host import Entry, Host, Opened
    from rshell.ctl.doctor.scene import Site

PRIVILEGED = stat.S_ISUID | stat.S_ISGID
CAPABILITIES = "security.capability"
ASK_PYTHON = "import sys; print(sys.implementation.cache_tag, *sys.path, sep='\\n')"
HEADER = 16  # bytes of a .pyc before its code
TOOLS = ("sudo", "sshd", "docker", "dockerd", "journalctl")
FILES = (
    "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/sudo.conf", "/etc/nsswitch.conf",
    "/etc/ld.so.preload", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/docker/daemon.json", "/etc/shells",
    "/etc/environment", "/etc/security/pam_env.conf", "/etc/crontab", "/etc/doas.conf", layout.SSHD_CONFIG,
    layout.LAUNCHER, layout.GATE, layout.CTL, layout.POLICY, layout.LOGROTATE,
)  # fmt: skip
TREES = (
    "/etc/sudoers.d", "/etc/pam.d", "/etc/ld.so.conf.d", "/etc/cron.d", layout.SSHD_DIRECTORY, layout.KEYS, layout.ETC,
    *PLUGIN_DIRECTORIES,
)  # fmt: skip


class Place(Value):
    """One of our paths: its mode and whose it must be."""

    mode: int
    owner: str = "root"
    group: str = "root"


def launchers(site: Site) -> Iterator[Finding]:
    """The launchers are there, and hold what this installation writes."""
    host, gate = site.host, site.launcher.gate
    for path, module in ((layout.LAUNCHER, "login"), *(((layout.GATE, "gate"),) if gate else ())):
        fix = "rshellctl install"
        text = host.text(path)
        if not text:
            yield found("launcher.missing", f"there is no launcher {path}: nobody can log in", [], fix)
            continue
        wanted = launcher.text(module, gate if module == "login" else "")
        if text != wanted:
            yield found(
                "launcher.content", f"{path} is not what this installation writes", _differing(text, wanted), fix
            )
    if gate not in ("", layout.GATE):
        yield found(
            "launcher.content", f"{layout.LAUNCHER} has sudo run {gate}, which is not our gate", [gate],
            "rshellctl install",
        )  # fmt: skip
    control = host.text(layout.CTL)
    if control and control != launcher.control():
        yield found(
            "launcher.ctl", f"{layout.CTL} is not what this installation writes, and root runs it",
            _differing(control, launcher.control()), "rshellctl install",
        )  # fmt: skip


def _differing(text: str, wanted: str) -> list[str]:
    """Return the first line that differs, as it is and as it should be."""
    pairs = zip([*text.splitlines(), ""], [*wanted.splitlines(), ""], strict=False)
    for number, (is_, should) in enumerate(pairs, 1):
        if is_ != should:
            return [f"line {number}: {is_}", f"should be: {should}"]
    return ["it goes on where it should end"]


def python(site: Site) -> Iterator[Finding]:
    """The interpreter of the launchers is there, runs, and is nothing but an interpreter."""
    host, path = site.host, site.launcher.python
    if not path:
        return
    if not walk(host, path).end or not host.ask(path, "-IS", "-c", ASK_PYTHON).good:
        yield found(
            "python.gone", f"{path}, the Python of the launchers, is gone or does not run: nobody can log in",
            [f"{layout.LAUNCHER}: {site.launcher.text.partition(chr(10))[0]}"],
            "# reinstall rshell with a Python of this host, then: rshellctl install",
        )  # fmt: skip
    for each in (path, layout.LAUNCHER, layout.GATE, layout.CTL):
        real = walk(host, each).end
        entry = host.entry(real) if real else None
        if entry and (entry.mode & PRIVILEGED or host.attribute(real, CAPABILITIES)):
            yield found(
                "python.privileged", f"{real} is set-uid or has capabilities: whoever starts it is privileged",
                [describe(host, real, entry)], f"chmod ug-s {real}", f"setcap -r {real}",
            )  # fmt: skip


def writable(site: Site) -> Iterator[Finding]:
    """Everything that the boundary rests on is root's to write, along whole paths."""
    host = site.host
    paths = [*FILES, *DIRECTORIES, *(host.find(tool) for tool in TOOLS), site.launcher.python, site.launcher.library]
    trees = [*TREES, *([site.launcher.library] if site.launcher.library else [])]
    if site.launcher.python:
        answer = host.ask(site.launcher.python, "-IS", "-c", ASK_PYTHON)
        library = answer.out.splitlines()[1:]
        paths += library
        trees += [path for path in library if path.startswith("/")]
    paths += [line.strip() for line in host.text("/etc/ld.so.preload").split() if line.startswith("/")]
    for name in host.names("/etc/ld.so.conf.d"):
        paths += [line.strip() for line in host.text(f"/etc/ld.so.conf.d/{name}").splitlines() if line.startswith("/")]
    evidence = [each for path in dict.fromkeys([*paths, *trees]) if path for each in changeable(host, path)]
    evidence += [each for tree in dict.fromkeys(trees) for each in changeable_below(host, tree)]
    if evidence := list(dict.fromkeys(each for each in evidence if not _of_ours(each))):
        named = [each.split(" ", 3)[3] for each in evidence]
        yield found(
            "files.writable", "others than root can change what the boundary rests on", evidence,
            *(f"chown root:root {path} && chmod go-w {path}" for path in named[:6]),
        )  # fmt: skip


def _of_ours(evidence: str) -> bool:
    """Tell whether files.modes speaks of a path."""
    return evidence.split(" ", 3)[3] in OURS


OURS = {
    layout.ETC: Place(0o755), layout.POLICY: Place(0o644), layout.DOCKER_CONFIG: Place(0o755),
    layout.STATE: Place(0o755), layout.HOMES: Place(0o755), layout.CTL: Place(0o755), layout.STOPPED: Place(0o755),
    layout.POLICIES: Place(0o700), layout.USERS: Place(0o755),
    layout.KEYS: Place(0o755), layout.LAUNCHER: Place(0o755),
}  # fmt: skip
OF_GATE = {
    layout.GATE: Place(0o755), layout.SUDOERS: Place(0o440),
    layout.SLOTS: Place(0o2770, group=layout.GROUP), layout.LOGS: Place(0o750, group=layout.GROUP),
}  # fmt: skip


def modes(site: Site) -> Iterator[Finding]:
    """Our own directories and files are whose they must be, with the modes that they must have."""
    host = site.host
    if not site.launcher.text:
        return  # launcher.missing says it
    for path, place in sorted(_places(site).items()):
        entry = host.entry(path)
        if entry is None:
            yield found("files.missing", f"there is no {path}", [], "rshellctl install")
            continue
        owner, group = _uid(host, place.owner), _gid(host, place.group)
        if (stat.S_IMODE(entry.mode), entry.uid, entry.gid) != (place.mode, owner, group):
            yield found(
                "files.modes", f"{path} must be {place.mode:04o} {place.owner}:{place.group}",
                [describe(host, path, entry)],
                f"chown {place.owner}:{place.group} {path}", f"chmod {place.mode:04o} {path}",
            )  # fmt: skip


def _places(site: Site) -> dict[str, Place]:
    """Return our paths on this host: those of the gate only with a gate, a user's state only where it is."""
    places = dict(OURS)
    for scene in site.scenes:
        path = f"{layout.USERS}/{scene.account.uid}" if scene.account else ""
        if scene.account and site.host.entry(path):
            own = next((one.name for one in site.host.groups() if one.gid == scene.account.gid), "")
            places[path] = Place(0o700, scene.account.name, own)
    if not site.launcher.gate:
        return places
    places |= OF_GATE
    runs_docker = sorted({name for one in site.scenes for name, run in one.identities().items() if DOCKER in run})
    if runs_docker and (account := site.host.account(runs_docker[0])):
        own = next((one.name for one in site.host.groups() if one.gid == account.gid), "")
        places[layout.BUILDX_CONFIG] = Place(0o700, account.name, own)
    return places | {file: Place(0o660, group=layout.GROUP) for file in records_of(site.policy)}


def records_of(policy: Opened) -> tuple[str, ...]:
    """Return the file that the policy has records written to, if it has one."""
    file = str(policy.compiled.header["settings"]["audit_file"]) if policy.compiled else ""
    return (file,) if file else ()


def _uid(host: Host, name: str) -> int:
    account = host.account(name)
    return account.uid if account else -1


def _gid(host: Host, name: str) -> int:
    return next((one.gid for one in host.groups() if one.name == name), -1)


def compiled(site: Site) -> Iterator[Finding]:
    """Every module has a byte-compiled form, made from the module as it is."""
    host, path = site.host, site.launcher.python
    package = f"{site.launcher.library}/rshell"
    if not path or not host.entry(package):
        return
    tag = host.ask(path, "-IS", "-c", ASK_PYTHON).out.partition("\n")[0]
    waiting, stale = [package], []
    while waiting:
        place = waiting.pop()
        for name in host.names(place):
            entry = host.entry(f"{place}/{name}")
            if entry and stat.S_ISDIR(entry.mode) and name != "__pycache__":
                waiting.append(f"{place}/{name}")
            elif entry and name.endswith(".py"):
                made = host.data(f"{place}/__pycache__/{name[:-3]}.{tag}.pyc", HEADER)
                if not _is_fresh(made, entry):
                    stale.append(f"{place}/{name}")
    if tag and stale:
        yield found(
            "files.pyc", f"{len(stale)} modules are not byte-compiled: every start compiles them", sorted(stale),
            f"{path} -I -m compileall -q {package}",
        )  # fmt: skip


def _is_fresh(made: bytes, source: Entry) -> bool:
    """Tell whether a .pyc was made from its source as it is: by date and size, or by a hash that is not asked."""
    if len(made) < HEADER:
        return False
    if made[4] & 1:
        return True
    date, size = int.from_bytes(made[8:12], "little"), int.from_bytes(made[12:16], "little")
    return (date, size) == (source.mtime & 0xFFFFFFFF, source.size & 0xFFFFFFFF)


HOST = (launchers, python, writable, modes, compiled)
