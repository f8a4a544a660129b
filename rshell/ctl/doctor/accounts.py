"""Who the account is: its uid, groups, password, shell and home, and the identities it is served by."""

from __future__ import annotations

import stat

from rshell.ctl.doctor.finding import found
from rshell.ctl.doctor.paths import changeable
from rshell.ctl.doctor.scene import DOCKER, JOURNAL, ROOT
from rshell.host import layout
from rshell.host.programs import DIRECTORIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.ctl.doctor.finding import Finding
    from rshell.ctl.doctor.host import Account
    from rshell.ctl.doctor.scene import Scene, Site

REACHES = {
    "root": "root's files", "docker": "the Docker Engine, so root", "lxd": "lxd, so root", "incus": "incus, so root",
    "incus-admin": "incus, so root", "libvirt": "libvirt, so root", "libvirt-qemu": "libvirt's machines",
    "kvm": "virtual machines", "disk": "every disk, past all modes", "kmem": "the kernel's memory",
    "mem": "the kernel's memory", "shadow": "the hashes of passwords", "sudo": "root, by sudo",
    "wheel": "root, by sudo or su", "admin": "root, by sudo", "adm": "the logs of the system",
    "systemd-journal": "the journal, past the policy", "tty": "the terminals of others",
    "input": "what is typed at this machine", "video": "the screen and the graphics cards",
    "render": "the graphics cards", "staff": "/usr/local, where root's programs are", "src": "/usr/src",
    "backup": "backups of every file", "operator": "backups and the power switch", "netdev": "the network's settings",
    "lpadmin": "the printing system, so files of root", "plugdev": "devices", "dialout": "serial consoles",
    "podman": "podman", "microk8s": "kubernetes, so root", "wireshark": "the network's traffic",
    "systemd-network": "the network's settings", layout.GROUP: "the records and the limits of its own commands",
}  # fmt: skip
BY_DIRECT = (DOCKER, "systemd-journal")
ORDINARY = ("users", "nogroup", "nobody")
LOCKED = ("!", "*")
NO_LOGIN = ("nologin", "false")
QUIET = (".hushlogin",)
ACTED_ON = (
    ".ssh", ".pam_environment", ".docker", ".config", ".local", ".k5login", ".rhosts", ".shosts", ".forward",
    ".procmailrc", ".login_conf", ".xsession", ".xprofile", ".vnc",
)  # fmt: skip


def presence(scene: Scene) -> Iterator[Finding]:
    """The account is here, and is one account."""
    account, name = scene.account, scene.name
    if account is None:
        yield found(
            "account.missing", f"the policy speaks of {name}, who is not on this host", [],
            f"rshellctl install --user {name}", user=name,
        )  # fmt: skip
        return
    others = [one.name for one in scene.host.accounts() if one.uid == account.uid and one.name != name]
    if not account.uid or others:
        also = "root" if not account.uid else " ".join(others)
        yield found(
            "account.uid", f"{name} has the uid {account.uid}, and so is {also}", [f"uid {account.uid}: {name} {also}"],
            f"usermod --uid UID {name}   # one that nobody has", user=name,
        )  # fmt: skip


def groups(scene: Scene) -> Iterator[Finding]:
    """The groups of the account: by number, for a group may have two names."""
    account, host = scene.account, scene.host
    if account is None:
        return
    known = host.groups()
    own = {group.gid for group in known if group.name == account.name} | (
        {account.gid} if not any(group.gid == account.gid and group.name in REACHES for group in known) else set()
    )
    for gid in sorted(host.groups_of(account)):
        names = [group.name for group in known if group.gid == gid] or [str(gid)]
        if scene.direct and set(names) & set(BY_DIRECT):
            continue  # boundary.direct says it
        reach = next((REACHES[name] for name in names if name in REACHES), "")
        name = next((one for one in names if one in REACHES), names[0])
        if reach:
            yield found(
                "account.group", f"{account.name} is in group {name}: that reaches {reach}",
                [f"{name}:{gid}"], f"gpasswd --delete {account.name} {name}", user=account.name,
            )  # fmt: skip
        elif gid not in own and name not in ORDINARY:
            yield found(
                "account.other-group", f"{account.name} is in group {name}: what is that group's is open to it",
                [f"{name}:{gid}"], f"gpasswd --delete {account.name} {name}", user=account.name,
            )  # fmt: skip


def password(scene: Scene) -> Iterator[Finding]:
    """Nobody can enter it by a password, or without one."""
    if scene.account is None:
        return
    secret = scene.host.secret(scene.name)
    fix = f"usermod --password '*' {scene.name}"
    if secret == "":
        yield found(
            "account.password-empty", f"{scene.name} has an empty password: su lets everybody in",
            [f"/etc/shadow: {scene.name}::"], fix, user=scene.name,
        )  # fmt: skip
    elif secret is not None and not secret.startswith(LOCKED):
        yield found(
            "account.password", f"{scene.name} has a password: it opens su and chsh, and whatever else asks PAM",
            [f"/etc/shadow: {scene.name} has a hash"], fix, user=scene.name,
        )  # fmt: skip


def shell(scene: Scene) -> Iterator[Finding]:
    """Its login shell is the launcher, not a wrapper in some other shell."""
    account = scene.account
    if account is None:
        return
    fix = f"usermod --shell {layout.LAUNCHER} {account.name}"
    if account.shell == layout.LAUNCHER:
        if account.shell not in scene.host.text(layout.SHELLS).split():
            yield found(
                "account.unlisted-shell", f"{account.shell} is not in {layout.SHELLS}: some services refuse it", [],
                f"echo {account.shell} >> {layout.SHELLS}", user=account.name,
            )  # fmt: skip
        return
    links = wrappers(scene)
    if links:
        yield found(
            "boundary.wrapper",
            f"{account.name} keeps the shell {account.shell}: rshell judges only what is typed as a link's name."
            " The program by its path, any other client, a script, the socket itself and every other program of"
            " that shell go past it",
            links, fix, user=account.name,
        )  # fmt: skip
    else:
        yield found(
            "account.shell", f"{account.name} has the login shell {account.shell or '/bin/sh'}: rshell decides nothing",
            [f"{account.name}:{account.uid}:{account.home}:{account.shell}"], fix, user=account.name,
        )  # fmt: skip


def wrappers(scene: Scene) -> list[str]:
    """Return the links in root's directories, named like granted programs, that lead to the launcher."""
    links = []
    for directory in DIRECTORIES:
        for name in sorted({each.split()[0] for each in scene.granted()} | {DOCKER}):
            path = f"{directory}/{name}"
            entry = scene.host.entry(path)
            if entry and stat.S_ISLNK(entry.mode) and scene.host.link(path) == layout.LAUNCHER:
                links.append(f"{path} -> {layout.LAUNCHER}")
    return links


def home(scene: Scene) -> Iterator[Finding]:
    """Its home, and all above, is root's; in it is nothing that sshd, PAM, systemd or a mailer acts on."""
    account, host = scene.account, scene.host
    if account is None:
        return
    if writable := changeable(host, account.home):
        yield found(
            "home.writable",
            f"{account.name} or others can write to {account.home} or above it: keys, ~/.ssh/rc, ~/.docker",
            writable, f"chown root:root {account.home}", f"chmod 0755 {account.home}", user=account.name,
        )  # fmt: skip
    acted = [name for name in host.names(account.home) if name in ACTED_ON]
    if acted:
        yield found(
            "home.files", f"in {account.home} are files that other programs act on: a home of rshell is empty",
            [f"{account.home}/{name}" for name in acted],
            *(f"rm -r {account.home}/{name}" for name in acted), user=account.name,
        )  # fmt: skip


def direct(scene: Scene) -> Iterator[Finding]:
    """With the direct boundary, nothing stands behind the shell."""
    account = scene.account
    if account is None or not scene.direct:
        return
    held = scene.host.groups_of(account)
    groups = [group.name for group in scene.host.groups() if group.gid in held and group.name in BY_DIRECT]
    yield found(
        "boundary.direct",
        f"{account.name} reaches the Docker Engine and the journal itself: whatever runs as {account.name} and is"
        " not rshell (a forward of sshd, a job, a fault in a granted tool) owns the host; the records of it are"
        " its own word; audit commands that need root do not work",
        [f"{account.name} is in group {group}" for group in groups] or [f"{layout.LAUNCHER} names no gate"],
        f"rshellctl install --user {account.name} --boundary gate", user=account.name,
    )  # fmt: skip


def identities(scene: Scene) -> Iterator[Finding]:
    """Those whom the gate runs commands as can't log in, and are in the groups that they need, no others."""
    for name, programs in sorted(scene.identities().items()):
        there = scene.host.account(name)
        if there is None:
            yield found(
                "identity.missing", f"the policy runs {' '.join(sorted(programs))} as {name}, who is not on this host",
                [], "rshellctl install", user=scene.name,
            )  # fmt: skip
            continue
        yield from _identity(scene, there, programs)


def _identity(scene: Scene, there: Account, programs: set[str]) -> Iterator[Finding]:
    host, name = scene.host, there.name
    shared = [one.name for one in host.accounts() if one.uid == there.uid and one.name != name]
    if shared or not there.uid:
        yield found(
            "identity.uid", f"{name} has the uid {there.uid}, and so is {' '.join(shared) or ROOT}", [],
            f"usermod --uid UID {name}   # one that nobody has", user=scene.name,
        )  # fmt: skip
    secret = host.secret(name)
    open_shell = there.shell.rpartition("/")[2] not in NO_LOGIN
    if open_shell or (secret is not None and not secret.startswith(LOCKED)):
        yield found(
            "identity.login", f"{name} can log in: its shell is {there.shell}"
            + ("" if secret is None or secret.startswith(LOCKED) else ", and it has a password"), [],
            f"usermod --shell /usr/sbin/nologin --password '*' {name}", user=scene.name,
        )  # fmt: skip
    held = {group.name for group in host.groups() if group.gid in host.groups_of(there)}
    needs = {layout.GROUP, *([DOCKER] if DOCKER in programs else []), *(
        ["systemd-journal"] if JOURNAL in programs else [])}  # fmt: skip
    primary = {group.name for group in host.groups() if group.gid == there.gid and group.name not in REACHES}
    if more := sorted(held - needs - primary):
        yield found(
            "identity.groups", f"{name} is in groups that it does not need: {' '.join(more)}", [],
            *(f"gpasswd --delete {name} {group}" for group in more), user=scene.name,
        )  # fmt: skip
    if less := sorted(needs - held):
        yield found(
            "identity.lacks", f"{name} is not in groups that its commands need: {' '.join(less)}", [],
            *(f"gpasswd --add {name} {group}" for group in less), user=scene.name,
        )  # fmt: skip


def members(site: Site) -> Iterator[Finding]:
    """Only identities are in the group that may append records and lock slots."""
    group = next((one for one in site.host.groups() if one.name == layout.GROUP), None)
    if group is None:
        return
    primary = {one.name for one in site.host.accounts() if one.gid == group.gid}
    others = sorted((primary | set(group.members)) - site.identities() - {scene.name for scene in site.scenes})
    if others and site.policy.compiled is not None:
        yield found(
            "group.members", f"in group {group.name} are others than identities: they can write records and hold slots",
            [" ".join(others)], *(f"gpasswd --delete {name} {group.name}" for name in others),
        )  # fmt: skip


ACCOUNT = (presence, groups, password, shell, home, direct, identities)
HOST = (members,)
