"""The policy in force and the earlier ones: read them, put another one in their place.

The source and its compiled form are two files, but the compiled form counts only with the source it
was made from (policy/open.py). So in whatever order and wherever this is killed, what decides is the
old policy or the new one, whole.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from pathlib import Path

from rshell.core.value import Value
from rshell.ctl.launcher import write_atomically
from rshell.ctl.policies import Stop
from rshell.host import layout
from rshell.lean import sha256
from rshell.policy.check import compile_checked
from rshell.policy.open import COMPILED, Unusable, open_policy
from rshell.policy.store import Untrusted, mark_of, open_trusted, read_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = 20  # earlier policies


class Current(Value):
    """What is at the place of the policy: its text (None: nothing that can decide), and what is wrong with it."""

    text: bytes | None
    problem: str = ""


class Earlier(Value):
    """A policy that was in force before. Its file is named by all of this: 12-20261123T050000Z-SHA.yaml."""

    number: int
    until: str
    sha: str

    @property
    def path(self) -> Path:
        """Return where it is kept."""
        return Path(layout.POLICIES) / f"{self.number}-{self.until}-{self.sha}.yaml"


class Changed(Exception):
    """The policy in force is not the one any more that the question was about."""


def current() -> Current:
    """Read the policy in force."""
    try:
        descriptor = open_trusted(layout.POLICY, owners())
        try:
            return Current(read_source(descriptor, layout.POLICY))
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return Current(None)
    except (OSError, Untrusted) as error:
        return Current(None, str(error))


def owners() -> tuple[int, ...]:
    """Return who may own a policy besides root: ourselves."""
    return (os.getuid(),)


def is_compiled(text: bytes) -> bool:
    """Tell whether the compiled form beside the policy in force, this text, is what it would be made anew."""
    try:
        found = open_policy(layout.POLICY, owners())
        if found.descriptor < 0:
            return False
        os.close(found.descriptor)
        fresh = compile_checked(text, layout.POLICY, mark_of(os.stat(layout.POLICY)))
        return Path(layout.POLICY + COMPILED).read_bytes() == fresh
    except (OSError, Unusable):
        return False


def put(text: bytes, instead_of: Current | None = None) -> None:
    """Put a checked policy in force, and keep the one that was.

    instead_of: what was in force when somebody was asked; None: nobody was. Raises Changed when something
    else is by now, OSError.
    """
    with _locked():
        now = current()
        if instead_of not in (None, now):
            raise Changed
        if now.text is not None and now.text != text:
            _keep(now.text)
        for directory in (layout.ETC, layout.DOCKER_CONFIG):
            make_directory(directory, 0o755)
        policy = Path(layout.POLICY)
        if now.text != text:
            write_atomically(policy, text, 0o644)
        compiled = compile_checked(text, layout.POLICY, mark_of(policy.stat()))
        write_atomically(policy.with_name(policy.name + COMPILED), compiled, 0o644)


def make_directory(path: str, mode: int) -> None:
    """Make a directory with exactly this mode, and those above it; it is on disk afterwards."""
    made = Path(path)
    if not made.is_dir():
        made.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        made.mkdir(mode=mode, exist_ok=True)
        sync_directory(made.parent)
    made.chmod(mode)


def sync_directory(path: Path) -> None:
    """Put the names in a directory on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def earlier() -> list[Earlier]:
    """Return the earlier policies, the newest first."""
    try:
        names = os.listdir(layout.POLICIES)
    except FileNotFoundError:
        return []
    except PermissionError:
        raise Stop("rshellctl: earlier policies are for root to see: use sudo", 1) from None
    found = []
    for name in names:
        number, _, rest = name.removesuffix(".yaml").partition("-")
        until, _, digest = rest.partition("-")
        if name.endswith(".yaml") and number.isascii() and number.isdigit() and digest:
            found.append(Earlier(int(number), until, digest))
    return sorted(found, key=lambda one: -one.number)


def text_of(policy: Earlier) -> bytes:
    """Read an earlier policy. Raises Stop (78)."""
    try:
        descriptor = open_trusted(str(policy.path), owners())
        try:
            text = read_source(descriptor, str(policy.path))
        finally:
            os.close(descriptor)
    except (OSError, Untrusted) as error:
        raise Stop(f"rshellctl: {error}", 78) from None
    if short(text) != policy.sha:
        raise Stop(f"rshellctl: {policy.path} is damaged: it is not what was kept", 78)
    return text


def short(text: bytes) -> str:
    """Return the hash of a policy as records have it."""
    return str(sha256(text).hexdigest()[:16])


def _keep(text: bytes) -> None:
    """Keep a policy, and no more than so many; what a killed run left half-written goes."""
    known = earlier()
    if not known or known[0].sha != short(text):
        number = known[0].number + 1 if known else 1
        added = Earlier(number, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), short(text))
        write_atomically(added.path, text, 0o600)
        known = [added, *known]
    for old in known[KEPT:]:
        old.path.unlink(missing_ok=True)
    for leftover in Path(layout.POLICIES).glob(".*.new"):
        leftover.unlink(missing_ok=True)


@contextmanager
def _locked() -> Iterator[None]:
    """Let one change happen at a time. The lock is the directory of the earlier policies."""
    make_directory(layout.STATE, 0o755)
    make_directory(layout.POLICIES, 0o700)
    descriptor = os.open(layout.POLICIES, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
