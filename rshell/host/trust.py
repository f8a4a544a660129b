"""Is this very program trustworthy? Its interpreter and its modules must be root's alone."""

from __future__ import annotations

import sys

from rshell.policy.store import Untrusted, walk

TYPE_CHECKING = False


def check_program() -> None:
    """Judge how we were started, and from where. Raises Untrusted.

    SECURITY: PYTHONPATH, a .pth file, a user's site directory or a file that others can write would run
    before any decision. An installed launcher uses none of them.
    """
    if not sys.flags.isolated or not sys.flags.no_site:
        raise Untrusted("this is not the installed launcher")
    for path in (sys.executable, __file__, *sys.path):
        if not path.startswith("/"):
            raise Untrusted(f"modules would come from {path!a}, wherever that is")
        try:
            walk(path, (0,))
        except FileNotFoundError:
            continue  # python311.zip: nobody but root could put it there
