"""What an installed host consists of, in the order in which it is made: nothing opens before all that guards it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rshell.core.value import Value
from rshell.ctl import launcher, pieces
from rshell.ctl.policies import Stop
from rshell.ctl.setup import accounts, sshd
from rshell.ctl.setup.accounts import Account, Group, Settings, exists
from rshell.ctl.setup.networks import Network, wanted
from rshell.ctl.setup.program import ByteCode, PolicyInForce
from rshell.ctl.setup.steps import Directory, File, Line, Log, Step, Tree, uid_of
from rshell.ctl.system import ask
from rshell.host import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.policy.load import Source

GATE, DIRECT = "gate", "direct"
GROUPS = {"docker": ("docker",), "journal": ("systemd-journal",)}  # what an identity of the policy needs
ROOT = "root"


class Wanted(Value):
    """What install is to come to."""

    boundary: str
    users: tuple[str, ...]
    keys: dict[str, bytes]  # for whom they were given
    policy: bytes
    origin: str  # where the policy is from, in words
    source: Source


def steps(want: Wanted, made: tuple[str, ...]) -> Iterator[Step]:
    """Give each step when the ones before it are done: later ones look at what those have made.

    made: the accounts that install itself made: their groups are exactly those that they need.
    """
    yield Group(layout.GROUP, "of those who may append records")
    yield from _accounts(want, made)
    yield from _directories(want)
    yield from _program(want)
    yield from _neighbours(want)
    yield from _logins(want)


def _accounts(want: Wanted, made: tuple[str, ...]) -> Iterator[Step]:
    for identity, account in identities(want).items():
        yield Account(account, accounts.NOWHERE, "runs commands for the gate, has no login")
        needs = {group for group in GROUPS.get(identity, ()) if accounts.has_group(group)} | {layout.GROUP}
        has = set(accounts.described(account)["groups"]) if exists(account) and account not in made else set()
        yield Settings(account, f"in {' '.join(sorted(needs))}", groups=sorted(needs | has))
    for user in want.users:
        yield Account(user, f"{layout.HOMES}/{user}", "restricted; closed until all else is in place")


def _directories(want: Wanted) -> Iterator[Step]:
    runs_docker = identities(want).get("docker", ROOT) if want.boundary == GATE else want.users[0]
    yield Tree(layout.STATE, 0o755, "state")
    yield Tree(layout.STOPPED, 0o755, "who is stopped")
    yield Tree(layout.SLOTS, 0o2770, "who runs how much", group=layout.GROUP)
    yield Tree(layout.POLICIES, 0o700, "earlier policies")
    yield Tree(
        layout.BUILDX_CONFIG, 0o700, "what docker build remembers", owner=runs_docker, group=group_of(runs_docker)
    )
    yield Tree(layout.HOMES, 0o755, "homes that are root's")
    yield Tree(layout.USERS, 0o755, "state of the accounts")
    for user in want.users:
        yield Tree(f"{layout.HOMES}/{user}", 0o755, "empty, root's")
        yield File(f"{layout.HOMES}/{user}/.hushlogin", b"", 0o644, "no message of the day")
        number = str(uid_of(user)) if exists(user) else f"<uid of {user}>"
        yield Tree(f"{layout.USERS}/{number}", 0o700, f"state of {user}", owner=user, group=group_of(user))
    yield Directory(layout.LOGS, 0o750, "records", group=layout.GROUP)
    file = str(want.source.settings["audit_file"])
    if file:
        yield Log(file, b"", 0o660, "what the gate records", group=layout.GROUP)
    yield Directory(layout.ETC, 0o755, "settings")
    yield Tree(layout.DOCKER_CONFIG, 0o755, "docker's configuration: none")


def _program(want: Wanted) -> Iterator[Step]:
    gate = layout.GATE if want.boundary == GATE else ""
    yield ByteCode()
    for program in (layout.LAUNCHER, layout.GATE, layout.CTL):
        place = str(Path(program).parent)
        if not Path(place).exists():
            yield Directory(place, 0o755, "programs of this host")
    if gate:
        yield File(gate, launcher.text("gate").encode(), 0o755, "the far side of the boundary")
    yield File(
        layout.LAUNCHER, launcher.text("login", gate).encode(), 0o755, f"the login shell, boundary {want.boundary}"
    )
    yield File(layout.CTL, launcher.control().encode(), 0o755, "the operator's program")
    yield Line(layout.SHELLS, layout.LAUNCHER, f"lists {layout.LAUNCHER}")
    yield PolicyInForce(want.policy, want.origin)


def _neighbours(want: Wanted) -> Iterator[Step]:
    file = str(want.source.settings["audit_file"])
    if file and Path(layout.LOGROTATE).parent.is_dir():
        yield File(layout.LOGROTATE, pieces.logrotate(file).encode(), 0o644, "records are rotated")
    if Path(layout.LIMITS).parent.is_dir():
        yield File(layout.LIMITS, pieces.limits(want.users).encode(), 0o644, "no account fills the table of processes")
    for name in wanted(want.source.containers):
        yield Network(name)


def _logins(want: Wanted) -> Iterator[Step]:
    """Give the steps that let somebody in: each only narrows an account that is there already."""
    yield Directory(layout.KEYS, 0o755, "keys that their owners can't change")
    for user, keys in want.keys.items():
        yield File(f"{layout.KEYS}/{user}", keys, 0o644, f"who logs in as {user}")
    groups = direct_groups() if want.boundary == DIRECT else []
    for user in want.users:
        yield Settings(
            user, f"no password; groups: {' '.join(groups) or 'none'}", password=accounts.NO_PASSWORD, groups=groups
        )
    if want.boundary == GATE:
        text = pieces.sudoers(want.users, tuple(dict.fromkeys(want.source.identities.values())))
        yield File(layout.SUDOERS, text.encode(), 0o440, "the gate and nothing else", check=visudo)
    else:
        for path, what in ((layout.SUDOERS, "no rights by sudo"), (layout.GATE, "no gate")):
            if Path(path).exists():
                yield Gone(path, what)
    for user in want.users:
        if sshd.is_installed():
            yield sshd.Block(user)
        yield Settings(user, f"its shell is {layout.LAUNCHER}", home=f"{layout.HOMES}/{user}", shell=layout.LAUNCHER)


class Gone(File):
    """A file that must not be there."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(path, b"", 0, what)

    def is_done(self) -> bool:
        return not self.path.exists()

    def do(self) -> str:
        self.path.unlink()
        return ""


def identities(want: Wanted) -> dict[str, str]:
    """Return the accounts to make for the policy's identities: root is there, and direct needs none."""
    named = want.source.identities.items() if want.boundary == GATE else ()
    return {identity: account for identity, account in named if account != ROOT}


def direct_groups() -> list[str]:
    """Return the groups that an account needs where nobody else runs its commands."""
    return sorted(group for groups in GROUPS.values() for group in groups if accounts.has_group(group))


def group_of(name: str) -> str:
    """Return the primary group of an account; its own name for one that is still to be made."""
    return accounts.group_of(name) if exists(name) else name


def visudo(text: bytes) -> None:
    """Let visudo judge a sudoers file. Raises Stop."""
    answer = ask("visudo", "-cf", "-", text=text.decode())
    if not answer.good:
        said = (answer.err or answer.out).strip()
        raise Stop(f"rshellctl: visudo does not take it: {said}; {layout.SUDOERS} is as it was", 1)
