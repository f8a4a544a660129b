"""Who may stop or kill this process by its control group, whatever its uid."""

from __future__ import annotations

from rshell.lean import os, read_all, text_of

MOST = 1 << 20  # bytes of a table of the kernel's
UNIFIED = "0::"
KIND = "cgroup2"
OTHERS_WRITE = 0o022


def is_ours_alone(mine: str = "/proc/self/cgroup", mounts: str = "/proc/self/mountinfo") -> bool:
    """Tell whether nobody but root rules the control group of this process, or one above it.

    SECURITY: systemd gives each user who asks for it a group of his own (`systemd-run --user`). By
    cgroup.kill and cgroup.freeze its owner ends or stops any process in it, the gate too.
    """
    place = _unified(_read(mounts))
    path = next((line[len(UNIFIED) :] for line in _read(mine).split("\n") if line.startswith(UNIFIED)), "")
    while place and path.strip("/"):
        try:
            status = os.stat(place + path)
            if status.st_uid or status.st_mode & OTHERS_WRITE:
                return False
        except OSError:
            pass  # not to be seen from here: gone, or outside of what is mounted
        path = path.rpartition("/")[0]
    return True


def _unified(mounts: str) -> str:
    """Return where the whole tree of control groups is mounted; '' when it is not."""
    for line in mounts.split("\n"):
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if after.startswith(KIND + " ") and len(fields) > 4 and fields[3] == "/":
            return fields[4]
    return ""


def _read(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return text_of(read_all(descriptor, MOST))
    finally:
        os.close(descriptor)
