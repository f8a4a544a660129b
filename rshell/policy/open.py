"""Get a policy that may decide: the compiled form if it is the source's own, else the source itself."""

from __future__ import annotations

from rshell import data
from rshell.lean import os, sha256
from rshell.policy.store import Compiled, Corrupt, Untrusted, open_trusted, read_source

INSTALLED = "/etc/rshell/policy.yaml"
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
        source = read_source(path, owners)
    except FileNotFoundError:
        raise Unusable("policy.missing", f"there is no policy at {path}") from None
    except Untrusted as error:
        raise Unusable("policy.untrusted", str(error)) from None
    except OSError as error:
        raise Unusable("policy.unreadable", f"{path}: {error.strerror}") from None
    try:
        found = Compiled(descriptor=open_trusted(compiled or path + COMPILED, owners))
        if found.fits(sha256(source).hexdigest(), data.identity()):
            return found
        os.close(found.descriptor)
    except (OSError, Untrusted, Corrupt, ValueError, EOFError, TypeError, KeyError):
        pass  # not there, stale or decayed: the source decides, slowly
    return from_source(source, path)


def from_source(source: bytes, path: str) -> Compiled:
    """Load and check a policy on the spot. Raises Unusable with the first error."""
    from rshell.policy.check import compile_checked
    from rshell.policy.load import BadPolicy

    try:
        return Compiled(compile_checked(source, path))
    except BadPolicy as error:
        more = f" ({len(error.report) - 1} more)" if len(error.report) > 1 else ""
        raise Unusable("policy.broken", error.report[0] + more) from None
