"""Who can change what a path leads to, and who can open it: modes along whole real paths."""

from __future__ import annotations

import stat

from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.ctl.doctor.host import Account, Entry, Host

OTHERS_WRITE = 0o022
MAX_LINKS = 40
MAX_TREE = 100_000
ACCESS_LIST = "system.posix_acl_access"
USER, GROUP = 2, 8  # tags of an access list's entries that name somebody


class Walk(Value):
    """What the kernel passes to open a path: every entry, links included; and where it comes out, '' for nowhere."""

    entries: tuple[tuple[str, Entry], ...]
    end: str


def walk(host: Host, path: str) -> Walk:
    """Follow a path as the kernel does."""
    root = host.entry("/")
    entries = [("/", root)] if root else []
    place, rest, links = "", path.split("/"), 0
    while rest:
        step = rest.pop(0)
        if step in ("", "."):
            continue
        if step == "..":
            place = place.rpartition("/")[0]
            continue
        there = f"{place}/{step}"
        entry = host.entry(there)
        if entry is None or links > MAX_LINKS:
            return Walk(tuple(entries), "")
        entries.append((there, entry))
        if not stat.S_ISLNK(entry.mode):
            place = there
            continue
        links += 1
        target = host.link(there)
        place = "" if target.startswith("/") else place
        rest = target.split("/") + rest
    return Walk(tuple(entries), place or "/")


def changeable(host: Host, path: str, owners: tuple[int, ...] = (0,)) -> list[str]:
    """Return the entries on a path, described, through which somebody but its owners could change what it is.

    In a sticky directory (/tmp) nobody can replace an owner's entry.
    """
    found = []
    walked = walk(host, path)
    for there, entry in walked.entries:
        last = there == walked.end
        if entry.uid not in owners or _others_write(entry, last):
            found.append(describe(host, there, entry))
    return found


def _others_write(entry: Entry, last: bool) -> bool:
    if stat.S_ISLNK(entry.mode):
        return False
    sticky = stat.S_ISDIR(entry.mode) and entry.mode & stat.S_ISVTX and not last
    return bool(entry.mode & OTHERS_WRITE) and not sticky


def changeable_below(host: Host, directory: str) -> list[str]:
    """Return the entries in a tree, described, that somebody but root could change. Links are not followed."""
    found, waiting, seen = [], [directory], 0
    while waiting and seen < MAX_TREE:
        place = waiting.pop()
        for name in host.names(place):
            there = f"{place}/{name}"
            entry = host.entry(there)
            seen += 1
            if entry is None:
                continue
            if entry.uid or _others_write(entry, True):
                found.append(describe(host, there, entry))
            if stat.S_ISDIR(entry.mode):
                waiting.append(there)
    return sorted(found)


def describe(host: Host, path: str, entry: Entry) -> str:
    """Describe an entry as ls does: its mode, whose it is, where."""
    owner = next((one.name for one in host.accounts() if one.uid == entry.uid), str(entry.uid))
    group = next((one.name for one in host.groups() if one.gid == entry.gid), str(entry.gid))
    return f"{stat.filemode(entry.mode)} {owner} {group} {path}"


def can_open(host: Host, account: Account, path: str) -> bool:
    """Tell whether an account could open a path for writing: a socket takes connections from who may write."""
    walked = walk(host, path)
    if not walked.end:
        return False
    groups = host.groups_of(account)
    above, (there, entry) = walked.entries[:-1], walked.entries[-1]
    for directory, its in above:
        if not stat.S_ISLNK(its.mode) and not _may(host, account, groups, directory, its, 1):
            return False
    return _may(host, account, groups, there, entry, 2)


def _may(host: Host, account: Account, groups: set[int], path: str, entry: Entry, want: int) -> bool:
    """Ask the mode, and the access list if there is one, as the kernel does. want: 4 read, 2 write, 1 search."""
    if not account.uid:
        return True
    if account.uid == entry.uid:
        return bool(entry.mode >> 6 & want)
    listed = _listed(host.attribute(path, ACCESS_LIST), account.uid, groups)
    if listed is not None and listed & want and entry.mode >> 3 & want:  # the group's bits are the list's mask
        return True
    if entry.gid in groups:
        return bool(entry.mode >> 3 & want)
    return listed is None and bool(entry.mode & want)


def _listed(data: bytes, uid: int, groups: set[int]) -> int | None:
    """Return what an access list gives an account by its name or its groups' names; None if it does not."""
    given: int | None = None
    for start in range(4, len(data) - 7, 8):
        tag = int.from_bytes(data[start : start + 2], "little")
        permissions = int.from_bytes(data[start + 2 : start + 4], "little")
        who = int.from_bytes(data[start + 4 : start + 8], "little")
        if tag == USER and who == uid:
            return permissions
        if tag == GROUP and who in groups:
            given = (given or 0) | permissions
    return given
