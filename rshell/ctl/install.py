"""rshellctl install: make this host keep the boundary. Look first, change what differs, remember what was."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rshell import data
from rshell.ctl.pieces import plain
from rshell.ctl.policies import Stop, checked, needs_root
from rshell.ctl.setup import accounts, plan, prefix, sshd
from rshell.ctl.setup.keys import keys_from
from rshell.ctl.setup.manifest import Manifest
from rshell.ctl.setup.plan import Wanted
from rshell.ctl.system import ask
from rshell.host import layout
from rshell.policy.check import compile_checked, read
from rshell.policy.load import BadPolicy
from rshell.policy.store import Compiled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from rshell.ctl.setup.steps import Step

ABOUT = "set this host up: accounts, launchers, policy, sudo, sshd"
DEFAULT_USER = "ai-worker"
NIXOS = "/etc/NIXOS"


def arguments(verb: ArgumentParser) -> None:
    """Add who is restricted, how, and by which policy."""
    verb.add_argument("--dry-run", action="store_true", help="show every step, change nothing")
    verb.add_argument("--user", metavar="USER", help=f"the account to restrict; default: {DEFAULT_USER}")
    verb.add_argument("--key", metavar="FILE", action="append", default=[], help="public keys of USER, all there are")
    verb.add_argument("--boundary", choices=(plan.GATE, plan.DIRECT), help="default: gate, or as installed")
    verb.add_argument("--policy", metavar="FILE", help="default: the one in force, else the one that ships")


def run(words: Namespace) -> int:
    """Install. Return 0; 1 when something would not work out, then it can be run again. Raises Stop."""
    needs_root()
    if Path(NIXOS).exists():
        raise Stop(
            "rshellctl: this is a NixOS: its configuration sets it up: rshellctl export nixos --output DIRECTORY"
        )
    os.umask(0o022)
    reason = prefix.untrusted()
    if reason:
        raise Stop(
            f"rshellctl: not from here: {reason}\nmake an installation that is root's alone:\n{prefix.commands()}", 78
        )
    manifest = Manifest()
    want = wanted(words, manifest)
    refuse(want, manifest)
    if words.dry_run:
        return show(want, manifest)
    manifest.begin()
    manifest.users, manifest.boundary = list(want.users), want.boundary
    manifest.save()
    return carry_out(want, manifest)


def wanted(words: Namespace, manifest: Manifest) -> Wanted:
    """Return what this host is to become, from the words and from what is installed already. Raises Stop."""
    user = words.user or (manifest.users[0] if manifest.users else DEFAULT_USER)
    try:
        plain(user)
    except ValueError as error:
        raise Stop(f"rshellctl: {error}") from None
    users = tuple(dict.fromkeys([*manifest.users, user]))
    keys = {user: keys_from(words.key)} if words.key else {}
    path = words.policy or (layout.POLICY if Path(layout.POLICY).exists() else data.path(data.POLICY))
    origin = {layout.POLICY: "the one in force", data.path(data.POLICY): "the one that ships"}.get(path, path)
    try:
        policy = checked(path)
    except BadPolicy as error:
        raise Stop(f"{error}\nrshellctl: nothing was changed", 1) from None
    return Wanted(words.boundary or manifest.boundary or plan.GATE, users, keys, policy, origin, read(policy, path))


def refuse(want: Wanted, manifest: Manifest) -> None:
    """Refuse what would lock somebody out or make no boundary. Raises Stop before anything is changed."""
    compiled = Compiled(compile_checked(want.policy, want.origin))
    for user in want.users:
        if user in (*want.source.identities.values(), layout.GROUP):
            raise Stop(f"rshellctl: {user} runs commands for others: name another account: --user NAME")
        groups = (user, *(plan.direct_groups() if want.boundary == plan.DIRECT else ()))
        if not compiled.role_of(user, lambda _, known=groups: known):  # type: ignore[misc]
            raise Stop(
                f"rshellctl: the policy ({want.origin}) gives {user} no role: all would be refused\n"
                f"  write {user} into `users` of a role, then: rshellctl install --policy FILE --user {user}"
            )
        if user not in manifest.users:
            accounts.may_be_restricted(user)
    if want.boundary == plan.GATE and ask("visudo", "--version").status == 127:
        raise Stop("rshellctl: the gate needs sudo: apt-get install sudo, or --boundary direct, which is weaker", 1)


def show(want: Wanted, manifest: Manifest) -> int:
    """Say of every step whether it would be done."""
    for step in plan.steps(want, made(manifest)):
        sys.stdout.write(f"{'as it is' if step.is_done() else 'would':<10}{step.what}\n")
    sys.stdout.write("nothing was changed\n")
    return 0


def carry_out(want: Wanted, manifest: Manifest) -> int:
    """Do each step that is not done. What is there is remembered first, on disk."""
    warnings, count = [], 0
    for step in plan.steps(want, made(manifest)):
        if step.is_done():
            continue
        warnings.append(one(step, manifest))
        count += 1
    warnings += missing(want)
    sys.stdout.write("".join(f"note      {each}\n" for each in warnings if each))
    sys.stdout.write(f"{count} steps done\n" if count else "nothing to do: all is as it should be\n")
    return 0


def one(step: Step, manifest: Manifest) -> str:
    """Do one step; return its warning."""
    manifest.note(step.kind, step.name, step.found())
    warning = step.do()
    sys.stdout.write(f"{'not done' if warning and not step.is_done() else 'done':<10}{step.what}\n")
    sys.stdout.flush()
    return warning


def missing(want: Wanted) -> list[str]:
    """Return what an operator still has to do."""
    found = []
    for user in want.users:
        if not Path(layout.KEYS, user).exists():
            found.append(f"nobody can log in as {user} yet: rshellctl install --user {user} --key FILE")
        if want.boundary == plan.GATE and layout.GATE not in ask("sudo", "-n", "-l", "-U", user).out:
            found.append(f"sudo does not read {layout.SUDOERS}: put `@includedir /etc/sudoers.d` into /etc/sudoers")
    for group in (group for groups in plan.GROUPS.values() for group in groups):
        if not accounts.has_group(group):
            found.append(f"there is no group {group}: once there is, run rshellctl install again")
    if not sshd.is_installed():
        found.append("there is no sshd: once there is, run rshellctl install again")
    return found


def made(manifest: Manifest) -> tuple[str, ...]:
    """Return the accounts that install has made itself."""
    return tuple(name for kind, name, was in manifest.found if kind == "account" and was is None)
