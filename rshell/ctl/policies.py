"""Which policy a verb speaks of, and for whom."""

from __future__ import annotations

import os
from pathlib import Path

from rshell import data
from rshell.core.model import Context, Policy
from rshell.host import account
from rshell.host.programs import PLUGIN, Programs
from rshell.lean import sha256
from rshell.policy.check import compile_checked
from rshell.policy.open import INSTALLED, Unusable, embedded, open_policy
from rshell.policy.store import Compiled, Corrupt, Untrusted, mark_of, read_trusted


class Stop(Exception):
    """A verb ends here: what to say, and the status."""

    def __init__(self, what: str, status: int = 2) -> None:
        super().__init__(what)
        self.status = status


def needs_root() -> None:
    """Stop everybody but root. Raises Stop (1)."""
    if os.getuid() != 0:
        raise Stop("rshellctl: nothing was changed: this needs root, use sudo", 1)


def opened(path: str | None) -> tuple[Compiled, str]:
    """Open the policy named, else the installed one, else the one that ships with the program.

    Returns it with its path. Raises Stop (78).
    """
    shipped = data.path(data.POLICY)
    if path is None:
        path = INSTALLED if Path(INSTALLED).exists() else shipped
    path = os.path.abspath(path)
    owners = (os.getuid(),)
    try:
        return embedded(owners, cached(path)) if path == shipped else open_policy(path, owners, cached(path)), path
    except (Unusable, Corrupt) as error:
        raise Stop(f"rshellctl: {error}", 78) from None


def checked(path: str) -> bytes:
    """Read a policy file that may be applied. Raises BadPolicy with every error, Stop (78) if it can't be read."""
    try:
        if path == data.path(data.POLICY):
            source = Path(path).read_bytes()  # trusted like the code it lies beside
        else:
            source = read_trusted(os.path.abspath(path), (os.getuid(),))
    except (OSError, Untrusted) as error:
        raise Stop(f"rshellctl: {error}", 78) from None
    compile_checked(source, path)
    return source


def cached(path: str) -> str:
    """Return where the compiled form of a policy is: beside the installed one, else in our own cache."""
    if path == INSTALLED:
        return ""
    name = sha256(path.encode()).hexdigest()[:16]
    return str(state() / f"{name}.compiled")


def remember(path: str) -> None:
    """Compile a policy into our own cache, so that the next start is fast. It may fail: a cache is no must."""
    try:
        source = Path(path).read_bytes()
        target = Path(cached(path))
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        compiled = compile_checked(source, path, mark_of(os.stat(path)))
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(compiled)
    except OSError:
        return


def state() -> Path:
    """Return our own state directory: $XDG_STATE_HOME/rshell or ~/.local/state/rshell."""
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(account.own().home, ".local", "state")
    return Path(base) / "rshell"


def chosen(compiled: Compiled, path: str, user: str | None, role: str | None) -> Policy:
    """Return the rules of a role: the one named, a user's, or the only one. Raises Stop."""
    roles = sorted(compiled.header["roles"])
    if user is not None:
        role = compiled.role_of(user, groups_of)
        if not role:
            raise Stop(f"rshellctl: {path} gives user {user} no role; roles: {' '.join(roles)}")
    if role is None:
        if len(roles) != 1:
            raise Stop(f"rshellctl: which role? --role {' | '.join(roles)}, or --user NAME")
        role = roles[0]
    if role not in roles:
        raise Stop(f"rshellctl: no role {role}; roles: {' '.join(roles)}")
    return compiled.policy(role, path)


def groups_of(user: str) -> tuple[str, ...]:
    """Return the groups of a user; none for one that is not here yet: a policy may be asked about them."""
    try:
        return account.groups(user)
    except KeyError:
        return ()


def account_name(uid: int) -> str:
    """Return the name of an account, '' when it has none."""
    try:
        return account.by_uid(uid).name
    except account.Unknown:
        return ""


def context(compiled: Compiled, policy: Policy, user: str | None) -> Context:
    """Return who would ask: the user named, or the first one of the role, without a terminal."""
    users = [name for name, role in compiled.header["users"].items() if role == policy.role]
    name = user or (users[0] if users else policy.role)
    try:
        there = account.named(name)
    except account.Unknown:
        there = account.Account(os.getuid(), name, f"/home/{name}")
    return Context(name, there.home, False, Described(), there.uid)


class Described(Programs):
    """Programs as they are here; one that is not installed is spoken of as if it were in /usr/bin."""

    def __missing__(self, name: str) -> str:
        found = super().__missing__(name)
        if not found and (name.startswith(PLUGIN) or "/" not in name):
            found = self[name] = f"/usr/bin/{name}"
        return found
