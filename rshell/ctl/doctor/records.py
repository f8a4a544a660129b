"""What remains of what was done: the policy's own word, the sinks; and what else is good to know."""

from __future__ import annotations

import re

from rshell.ctl.doctor.files import records_of
from rshell.ctl.doctor.finding import found
from rshell.host import layout
from rshell.host.audit import DEV_LOG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.ctl.doctor.finding import Finding
    from rshell.ctl.doctor.scene import Scene, Site

LEAST_ROOM, LEAST_SHARE = 64 << 20, 0.02
CREATE = re.compile(r"^\s*create\s+0?660\s+root\s+rshell\s*$", re.MULTILINE)
KERNEL = (
    ("kernel.tiocsti", "/proc/sys/dev/tty/legacy_tiocsti", "dev.tty.legacy_tiocsti", "1", "0",
     "programs can type into the terminal that they run on: an operator who uses su loses his shell to the account"),
    ("kernel.links", "/proc/sys/fs/protected_symlinks", "fs.protected_symlinks", "0", "1",
     "root follows links that others put into /tmp"),
)  # fmt: skip


def policy(site: Site) -> Iterator[Finding]:
    """There is a policy that decides, and it is compiled."""
    opened = site.policy
    path, fix = layout.POLICY, "rshellctl apply policy.yaml"
    if opened.compiled is None:
        code = opened.code if opened.code in ("policy.missing", "policy.untrusted") else "policy.broken"
        mend = f"chown root:root {path} && chmod 0644 {path}" if code == "policy.untrusted" else fix
        yield found(code, f"nothing can be decided: {opened.why}", [], mend)
    elif opened.slow:
        yield found(
            "policy.uncompiled", f"{path} is not compiled as it is now: it is read and checked for every command",
            [f"{path}.compiled"], f"rshellctl apply {path}",
        )  # fmt: skip


def role(scene: Scene) -> Iterator[Finding]:
    """The policy gives the account a role."""
    if scene.account is not None and scene.policy.compiled is not None and scene.rules is None:
        yield found(
            "policy.role", f"the policy gives {scene.name} no role, or more than one by its groups: rshell refuses all",
            [f"{layout.POLICY}: roles"], f"# name {scene.name} under `users` of a role, then: rshellctl apply",
            user=scene.name,
        )  # fmt: skip


def sinks(site: Site) -> Iterator[Finding]:
    """Records have somewhere to go."""
    compiled = site.policy.compiled
    if compiled is None:
        return
    settings, files = compiled.header["settings"], records_of(site.policy)
    if not settings["audit_required"] or not (settings["audit_journal"] or files):
        yield found(
            "records.none", "the policy lets commands run that nothing records", [f"{layout.POLICY}: audit"],
            "# audit: {required: true, journal: true, file: " + f"{layout.LOGS}/audit.jsonl}}, then: rshellctl apply",
        )  # fmt: skip
    if settings["audit_journal"] and not site.host.listens(DEV_LOG):
        yield found(
            "records.log", f"nobody listens on {DEV_LOG}: what the shell itself says is lost, and refusals with it",
            [], "systemctl enable --now systemd-journald-dev-log.socket",
        )  # fmt: skip
    for file in files if site.launcher.gate else ():
        yield from _kept(site, file)


def _kept(site: Site, file: str) -> Iterator[Finding]:
    free, size = site.host.room(file.rpartition("/")[0])
    if size and (free < LEAST_ROOM or free < size * LEAST_SHARE):
        yield found(
            "records.space", f"{free >> 20} MiB are left for records: when none are, nothing runs",
            [f"{file}: {free >> 20} of {size >> 20} MiB"], f"df -h {file.rpartition('/')[0]}",
        )  # fmt: skip
    text = site.host.text(layout.LOGROTATE)
    if not CREATE.search(text) or file not in text:
        yield found(
            "records.rotation", f"{layout.LOGROTATE} does not make {file} anew for the gate to append to",
            [line.strip() for line in text.splitlines() if "create" in line], "rshellctl install",
        )  # fmt: skip


def stopped(scene: Scene) -> Iterator[Finding]:
    """The operator did not stop it."""
    if scene.account is None:
        return
    path = f"{layout.STOPPED}/{scene.account.uid}"
    if scene.host.entry(path):
        why = scene.host.text(path).strip() or "no reason given"
        yield found(
            "stopped", f"{scene.name} is stopped: {why}", [path], f"rshellctl resume {scene.name}", user=scene.name
        )  # fmt: skip


def kernel(site: Site) -> Iterator[Finding]:
    """Settings of the kernel that a restricted account makes worth a look."""
    for code, path, name, bad, good, why in KERNEL:
        if site.host.text(path).strip() == bad:
            yield found(code, why, [f"{name} = {bad}"], f"sysctl -w {name}={good}")


ACCOUNT = (role, stopped)
HOST = (policy, sinks, kernel)
