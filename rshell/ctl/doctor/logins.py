"""Other ways to run as the account, or past it: doas, polkit, PAM, cron, at, systemd, what runs already."""

from __future__ import annotations

import stat

from rshell.ctl.doctor.finding import found
from rshell.ctl.doctor.paths import changeable
from rshell.host import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.ctl.doctor.finding import Finding
    from rshell.ctl.doctor.host import Process
    from rshell.ctl.doctor.scene import Scene, Site

DOAS = ("/etc/doas.conf", "/usr/local/etc/doas.conf")
POLKIT = (
    "/etc/polkit-1/rules.d", "/usr/share/polkit-1/rules.d", "/usr/local/share/polkit-1/rules.d",
    "/etc/polkit-1/localauthority/50-local.d", "/var/lib/polkit-1/localauthority/50-local.d",
)  # fmt: skip
SPOOLS = ("/var/spool/cron/crontabs", "/var/spool/cron", "/var/spool/cron/tabs", "/etc/cron.d")
AT = ("/var/spool/cron/atjobs", "/var/spool/at")
LINGER = "/var/lib/systemd/linger"
PAM = "/etc/pam.d"
PAM_PROGRAMS = ("pam_exec.so", "pam_script.so")
ENVIRONMENTS = ("/etc/environment", "/etc/security/pam_env.conf", "/etc/default/locale")
LOADING = ("LD_", "PYTHON", "GCONV_PATH", "GLIBC_TUNABLES", "BASH_ENV", "LOCPATH", "DOCKER_", "BUILDX_", "COMPOSE_")
# whatever sshd, login and systemd start for a session, before or beside the shell
OF_SESSIONS = ("/sshd", "/sshd-session", "/sshd-auth", "/systemd", "/dbus-daemon", "/dbus-broker", "/login")


def doas(scene: Scene) -> Iterator[Finding]:
    """No rule of doas permits anything to it."""
    if scene.account is None:
        return
    gids = scene.host.groups_of(scene.account)
    groups = {f":{group.name}" for group in scene.host.groups() if group.gid in gids}
    for file in DOAS:
        lines = [line.split("#")[0].split() for line in scene.host.text(file).splitlines()]
        permits = [
            " ".join(words) for words in lines
            if words[:1] == ["permit"] and ({scene.name, *groups} & set(words[1 : _at(words, "as", "cmd")]))
        ]  # fmt: skip
        if permits:
            yield found(
                "doas.rights", f"doas lets {scene.name} run programs as others",
                [f"{file}: {line}" for line in permits], f"echo 'deny {scene.name}' >> {file}", user=scene.name,
            )  # fmt: skip


def _at(words: list[str], *which: str) -> int:
    return min((words.index(word) for word in which if word in words), default=len(words))


def polkit(scene: Scene) -> Iterator[Finding]:
    """No rule of polkit speaks of it."""
    for directory in POLKIT:
        for name in scene.host.names(directory):
            file = f"{directory}/{name}"
            text = scene.host.text(file)
            if any(f"{mark}{scene.name}{end}" in text for mark, end in (('"', '"'), ("'", "'"), ("unix-user:", "\n"))):
                yield found(
                    "polkit.rules", f"a rule of polkit names {scene.name}: read what it lets it do", [file],
                    f"$EDITOR {file}", user=scene.name,
                )  # fmt: skip


def jobs(scene: Scene) -> Iterator[Finding]:
    """Nothing that runs by itself runs as it: cron, at and systemd never ask its login shell."""
    if scene.account is None:
        return
    host, name = scene.host, scene.name
    evidence, fixes = [], []
    for spool in SPOOLS[:3]:
        table = host.entry(f"{spool}/{name}")
        if table and stat.S_ISREG(table.mode):
            evidence.append(f"{spool}/{name}")
            fixes.append(f"crontab -r -u {name}")
    for file in ["/etc/crontab", *(f"{SPOOLS[3]}/{each}" for each in host.names(SPOOLS[3]))]:
        for line in host.text(file).splitlines():
            words = line.split()
            if not line.startswith("#") and name in (words[5:6] if not line.startswith("@") else words[1:2]):
                evidence.append(f"{file}: {line}")
                fixes.append(f"grep -n {name} {file}")
    for spool in AT:
        for each in host.names(spool):
            entry = host.entry(f"{spool}/{each}")
            if entry and entry.uid == scene.account.uid:
                evidence.append(f"{spool}/{each}")
                fixes.append(f"rm {spool}/{each}")
    if host.entry(f"{LINGER}/{name}"):
        evidence.append(f"{LINGER}/{name}: its systemd units run without a login")
        fixes.append(f"loginctl disable-linger {name}")
    if evidence:
        yield found(
            "account.jobs", f"cron, at or systemd run something as {name}, and do not ask its login shell",
            evidence, *dict.fromkeys(fixes), user=name,
        )  # fmt: skip


def processes(scene: Scene) -> Iterator[Finding]:
    """What runs as it was started by rshell, or by what starts rshell."""
    if scene.account is None:
        return
    running = {process.pid: process for process in scene.host.processes()}
    stray = [
        process for process in running.values()
        if process.uid == scene.account.uid and not _ours(process, running, scene.account.uid)
    ]  # fmt: skip
    if stray:
        yield found(
            "account.processes", f"programs run as {scene.name} that rshell did not start",
            [f"{process.pid} {process.program}" for process in stray],
            *(f"kill {process.pid}" for process in stray), user=scene.name,
        )  # fmt: skip


def _ours(process: Process, running: dict[int, Process], uid: int) -> bool:
    """Tell whether a process is of a session: itself, or one above it that is the account's, is the launcher."""
    at: Process | None = process
    while at is not None and at.uid == uid:
        if layout.LAUNCHER in at.words[:4] or at.program.endswith(OF_SESSIONS):
            return True
        at = running.get(at.parent)
    return False


def pam(site: Site) -> Iterator[Finding]:
    """PAM asks everybody, and runs no program that others can change."""
    for name in site.host.names(PAM):
        file = f"{PAM}/{name}"
        for line in site.host.text(file).splitlines():
            words = line.split("#")[0].split()
            if len(words) > 2 and words[0].lstrip("-") == "auth" and _trusts(words):
                yield found(
                    "pam.trust", f"{file} lets people in without asking who they are", [line.strip()],
                    f"$EDITOR {file}   # take that line out",
                )  # fmt: skip
            if any(program in words for program in PAM_PROGRAMS):
                for program in (word for word in words[3:] if word.startswith("/")):
                    if writable := changeable(site.host, program):
                        yield found(
                            "pam.program", f"{file} runs {program}, which others than root can change", writable,
                            f"chown root:root {program}", f"chmod 0755 {program}",
                        )  # fmt: skip


def _trusts(words: list[str]) -> bool:
    """Tell whether an auth line is enough by itself: pam_permit, or pam_wheel with `trust`."""
    control = words[1]
    enough = control == "sufficient" or "success=done" in " ".join(words)
    return enough and ("pam_permit.so" in words or ("pam_wheel.so" in words and "trust" in words))


def environment(site: Site) -> Iterator[Finding]:
    """No login is given LD_PRELOAD and its like: the loader acts before the first line of rshell."""
    for file in ENVIRONMENTS:
        lines = [line.strip().removeprefix("export ") for line in site.host.text(file).splitlines()]
        bad = [line for line in lines if line.startswith(LOADING)]
        if bad:
            yield found(
                "login.environment", f"{file} gives every login a variable that loads code", bad,
                *(f"sed -i '/^{line.split('=')[0].split()[0]}/d' {file}" for line in bad),
            )  # fmt: skip


ACCOUNT = (doas, polkit, jobs, processes)
HOST = (pam, environment)
