"""Is this account stopped by the operator? The marker is a file named by the uid, root's; in it, why."""

from __future__ import annotations

from rshell.host import layout
from rshell.lean import os, text_of

LONGEST = 200  # characters of a reason


def reason(uid: int) -> str | None:
    """Return why an account is stopped ('' when nobody said), or None when it is not.

    The text is of foreign origin: escape it before it is shown.
    """
    try:
        descriptor = os.open(f"{layout.STOPPED}/{uid}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return text_of(os.read(descriptor, LONGEST)).partition("\n")[0]
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return None
    except OSError as error:
        # SECURITY: only absence means that nobody is stopped: a marker that can't be read still stops
        return f"the marker of the operator can't be read: {error.strerror}"
