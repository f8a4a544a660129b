"""What stands behind the mounts of a container: the last word on its volumes and on paths of the host. Pure."""

from __future__ import annotations

from rshell import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rshell.core.model import Context, Exec, Need, Policy, Refusal

    # of a volume that exists: its driver, its options; () if there is none
    Volume = tuple[str, Mapping[str, str]] | tuple[()]
    # of each step of a path from /, its last one too: mode and owner; it ends where there is nothing
    Steps = tuple[tuple[int, int], ...]

KIND, DIRECTORY, REGULAR, LINK = 0o170000, 0o040000, 0o100000, 0o120000
OTHERS_WRITE = 0o022
UNSEEN = (0, 0)  # a step that can't be looked at
PLAIN = "local"  # the driver that keeps a volume in a directory of its own


def volumes(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Volume, ...]) -> Exec | Refusal:
    """Let only volumes pass that hold plain data.

    SECURITY: a volume that was made with options may be any directory of the host (o=bind,device=/), or another
    host's. One that is not there yet is made by docker as a plain one. Between this look and the start nobody who
    comes through rshell can make another of that name: nothing that is let through names a driver or options, and no
    policy can grant them to `docker volume create`.
    """
    for name, volume in zip(need.subjects, found, strict=True):
        if volume and (volume[0] != PLAIN or volume[1]):
            return say.refuse("volume", at=command.span, command=command.name, value=name, found=_described(*volume))
    return command


def _described(driver: str, options: Mapping[str, str]) -> str:
    """Say what is odd about a volume; not where it leads."""
    return f"has the driver {driver}" if driver != PLAIN else f"has options of its own: {' '.join(sorted(options))}"


def paths(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Steps, ...]) -> Exec | Refusal:
    """Let only paths pass that are what they seem to be, and stay so.

    SECURITY: the Engine follows links when it mounts, later than we look. So no step may be one, and nobody but root
    may be able to replace a step: each is in a directory that root alone writes in.
    """
    for path, steps in zip(need.subjects, found, strict=True):
        wrong = _wrong(path, steps)
        if wrong:
            return say.refuse("path", at=command.span, command=command.name, value=path, found=wrong)
    return command


def _wrong(path: str, steps: Steps) -> str:
    """Say what is wrong with a path, '' if nothing is."""
    names = path.split("/")
    for index, (mode, owner) in enumerate(steps):
        step, last = "/".join(names[: index + 1]) or "/", index + 1 == len(names)
        if (mode, owner) == UNSEEN:
            return f"{step} can't be looked at"
        if mode & KIND == LINK:
            return f"{step} is a link: name where it leads"
        if mode & KIND != DIRECTORY and not (last and mode & KIND == REGULAR):
            return f"{step} is neither a directory nor a file"
        if not last and (owner or mode & OTHERS_WRITE):
            return f"others than root can write in {step}"
    return "" if len(steps) == len(names) else f"{'/'.join(names[: len(steps) + 1]) or '/'} is not there"
