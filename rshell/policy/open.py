"""Get a policy that may decide: the compiled form if it is the source's own, else the source itself."""

from __future__ import annotations

from rshell import data
from rshell.host import layout
from rshell.lean import os, sha256
from rshell.policy.store import Compiled, Corrupt, Untrusted, mark_of, open_trusted, read_source

INSTALLED = layout.POLICY
COMPILED = ".compiled"  # beside the source: policy.yaml.compiled


class Unusable(Exception):
    """No policy: nothing can be decided. `code` is for the first line, the text for people."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code


def open_policy(path: str, owners: tuple[int, ...] = (), compiled: str = "") -> Compiled:
    """Open the policy at a path.

    owners: uids that may own it, besides root. compiled: where the compiled form is, beside it by default.
    Raises Unusable.
    """
    try:
        descriptor = open_trusted(path, owners)
        try:
            found = _compiled(descriptor, compiled or path + COMPILED, owners)
            return found or from_source(read_source(descriptor, path), path)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise Unusable("policy.missing", f"there is no policy at {path}") from None
    except Untrusted as error:
        raise Unusable("policy.untrusted", str(error)) from None
    except OSError as error:
        raise Unusable("policy.unreadable", f"{path}: {error.strerror}") from None


def embedded(owners: tuple[int, ...], compiled: str) -> Compiled:
    """Open the policy that ships with the program. It is trusted like the code it lies beside.

    owners, compiled: as for open_policy. Raises Unusable.
    """
    path = data.path(data.POLICY)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _compiled(descriptor, compiled, owners) or from_source(read_source(descriptor, path), path)
    finally:
        os.close(descriptor)


def _compiled(source: int, path: str, owners: tuple[int, ...]) -> Compiled | None:
    """Open a compiled form; None when it is not there, stale or decayed: then the source decides, slowly.

    source: descriptor of the source. It is read and hashed unless it is the very file that was compiled,
    unchanged since: then only who may write there, and so may forge anything, could have changed it.
    """
    try:
        found = Compiled(descriptor=open_trusted(path, owners))
        if found.is_ours(data.identity()):
            if found.header["mark"] == mark_of(os.fstat(source)):
                return found
            if found.header["source"] == sha256(read_source(source, path)).hexdigest():
                return found
        os.close(found.descriptor)
    except (OSError, Untrusted, Corrupt, ValueError, EOFError, TypeError, KeyError):
        return None
    return None


def from_source(source: bytes, path: str) -> Compiled:
    """Load and check a policy on the spot. Raises Unusable with the first error."""
    try:
        from rshell.policy.check import compile_checked
        from rshell.policy.load import BadPolicy
    except ImportError as error:
        raise Unusable("policy.uncompiled", f"{path} is not compiled, and can't be: {error}") from None
    try:
        return Compiled(compile_checked(source, path))
    except BadPolicy as error:
        more = f" ({len(error.report) - 1} more)" if len(error.report) > 1 else ""
        raise Unusable("policy.broken", error.report[0] + more) from None
