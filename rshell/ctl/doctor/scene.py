"""What is judged: a host, what is installed on it, and an account with the rules that it has."""

from __future__ import annotations

import re

from rshell.core.value import Value
from rshell.ctl.doctor.host import Account, Host
from rshell.ctl.policies import Stop
from rshell.host import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Policy
    from rshell.ctl.doctor.host import Opened

ROOT = "root"
DOCKER, JOURNAL = "docker", "journalctl"
SHEBANG = re.compile(r"#!\s*(\S+)[ \t]*(.*)")
LIBRARY = re.compile(r"^sys\.path\.insert\(0, '([^']*)'\)", re.MULTILINE)
BEYOND = re.compile(r"\bmain\('([^']*)'\)")


class Launcher(Value):
    """A launcher as it stands: the Python that it starts and by which flags, its library, the gate it names."""

    text: str
    python: str
    flags: str
    library: str
    gate: str


class Scene(Value):
    """A host, and an account on it that a policy restricts."""

    host: Host
    policy: Opened
    launcher: Launcher
    account: Account | None
    name: str
    rules: Policy | None

    @property
    def direct(self) -> bool:
        """Tell whether commands run as the account itself."""
        return bool(self.launcher.text) and not self.launcher.gate

    def identities(self) -> dict[str, set[str]]:
        """Return the accounts that its commands run as, root left out, each with its programs."""
        if self.rules is None or self.direct:
            return {}
        return {name: programs for name, programs in served(self.rules).items() if name != ROOT}

    def granted(self) -> set[str]:
        """Return the programs that the account is granted, `docker compose` as one of its own."""
        return set(self.rules.programs.keys()) if self.rules else set()


class Site(Value):
    """A host, and everybody on it who is to be judged."""

    host: Host
    policy: Opened
    launcher: Launcher
    scenes: tuple[Scene, ...]

    def identities(self) -> set[str]:
        """Return every account that any role runs commands as."""
        compiled = self.policy.compiled
        roles = compiled.header["roles"] if compiled else ()
        return {name for role in roles for name in served(compiled.policy(role, layout.POLICY))} if compiled else set()


def served(rules: Policy) -> dict[str, set[str]]:
    """Return the accounts that a role's commands run as, each with the programs."""
    found: dict[str, set[str]] = {}
    for key in rules.commands.keys():  # noqa: SIM118 - a mapping that reads itself in
        for rule in rules.commands[key].rules:
            if rule.run_as:
                found.setdefault(rule.run_as, set()).add(key.split()[0])
    return found


def read_launcher(text: str) -> Launcher:
    """Read a launcher."""
    first = SHEBANG.match(text)
    library, gate = LIBRARY.search(text), BEYOND.search(text)
    return Launcher(
        text, first[1] if first else "", first[2].strip() if first else "",
        library[1] if library else "", gate[1] if gate else "",
    )  # fmt: skip


def survey(host: Host, user: str | None) -> Site:
    """Return what is to be judged: one account, or every account that the policy or its shell makes ours.

    Raises Stop when an account is asked for that is not there.
    """
    opened = host.policy()
    launcher = read_launcher(host.text(layout.LAUNCHER))
    if user is not None and host.account(user) is None:
        raise Stop(f"rshellctl: there is no user {user} on this host; getent passwd lists who is", 2)
    names = [user] if user is not None else _names(host, opened)
    return Site(host, opened, launcher, tuple(_scene(host, opened, launcher, name) for name in names))


def _names(host: Host, opened: Opened) -> list[str]:
    """Return the accounts that the policy names, by themselves or by group, or that have our shell."""
    names = {account.name for account in host.accounts() if account.shell == layout.LAUNCHER}
    if opened.compiled is not None:
        header = opened.compiled.header
        names |= set(header["users"])
        groups = [group for group in host.groups() if group.name in header["groups"]]
        names |= {member for group in groups for member in group.members}
        names |= {one.name for one in host.accounts() if one.gid in {group.gid for group in groups}}
    return sorted(names)


def _scene(host: Host, opened: Opened, launcher: Launcher, name: str) -> Scene:
    account = host.account(name)
    rules = None
    if opened.compiled is not None:
        known = {group.gid: group.name for group in host.groups()}
        gids = host.groups_of(account) if account else set()
        role = opened.compiled.role_of(name, lambda _: tuple(known[gid] for gid in gids if gid in known))
        rules = opened.compiled.policy(role, layout.POLICY) if role else None
    return Scene(host, opened, launcher, account, name, rules)
