"""rshellctl export WHAT: print what sudo, sshd or a NixOS is told, for whoever puts it in place himself."""

from __future__ import annotations

import sys
from pathlib import Path

from rshell import data
from rshell.ctl import nixos, pieces
from rshell.ctl.install import DEFAULT_USER
from rshell.ctl.launcher import write_atomically
from rshell.ctl.policies import Stop, checked
from rshell.policy.check import read
from rshell.policy.load import BadPolicy
from rshell.policy.open import INSTALLED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "print what sudo, sshd or NixOS is told"
SUDOERS, SSHD, NIXOS = "sudoers", "sshd", "nixos"


def arguments(verb: ArgumentParser) -> None:
    """Add what is printed, and for whom."""
    verb.add_argument("what", choices=(SUDOERS, SSHD, NIXOS))
    verb.add_argument(
        "--user", action="append", metavar="USER",
        help=f"sudoers, sshd: the account to restrict, once for each; default: {DEFAULT_USER}",
    )  # fmt: skip
    verb.add_argument("--package", action="store_true", help="nixos: print the package, not the module")
    verb.add_argument("--output", metavar="DIRECTORY", help="nixos: write package.nix and module.nix there")


def run(words: Namespace) -> int:
    """Print it, or write it. Raises Stop."""
    for_nixos = words.package or words.output is not None
    if (words.user if words.what == NIXOS else for_nixos) or (words.package and words.output is not None):
        raise Stop("rshellctl: --user is for sudoers and sshd; nixos takes --package or --output")
    if words.output is not None:
        return write(Path(words.output))
    sys.stdout.write(text(words.what, tuple(dict.fromkeys(words.user or (DEFAULT_USER,))), words.package))
    return 0


def text(what: str, users: tuple[str, ...], package: bool) -> str:
    """Return what is printed. Raises Stop: no account is called so, or there is no good policy."""
    if what == NIXOS:
        return nixos.text(nixos.PACKAGE if package else nixos.MODULE)
    try:
        if what == SSHD:
            return "".join(pieces.sshd(user) for user in users)
        return pieces.sudoers(users, identities())
    except ValueError as error:
        raise Stop(f"rshellctl: {error}") from None


def identities() -> tuple[str, ...]:
    """Return the accounts that commands run as: by the policy in force, else by the one that ships. Raises Stop."""
    path = INSTALLED if Path(INSTALLED).exists() else data.path(data.POLICY)
    try:
        return tuple(dict.fromkeys(read(checked(path), path).identities.values()))
    except BadPolicy as error:
        raise Stop(str(error), 1) from None


def write(directory: Path) -> int:
    """Write both files of NixOS into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in (nixos.PACKAGE, nixos.MODULE):
        write_atomically(directory / name, nixos.text(name).encode(), 0o644)
        sys.stdout.write(f"wrote {directory / name}\n")
    return 0
