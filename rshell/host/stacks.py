"""Look up what a line of docker compose needs: the file on stdin, a project's directory, whose a volume is."""

from __future__ import annotations

from rshell.core.compose.stacks import NAMES, Directory, File, Owned
from rshell.core.containers import PROJECT_LABEL
from rshell.host import stdin
from rshell.host.engine import Silent
from rshell.lean import os
from rshell.policy.store import Untrusted, open_trusted, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Exec, Need
    from rshell.host.look import Place

MOST_SHARED = 2000  # values that aliases may stand for
OVERRIDES = (
    "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
)  # fmt: skip
NOTHING = "/dev/null"
FOREIGN = "?"  # not of any project


def file(command: Exec, need: Need, place: Place) -> tuple[File, ...]:
    """Read the compose file that came with a command, from its here-document or from stdin."""
    try:
        text = stdin.read(place.stdin, place.ready) if command.text is None else command.text
    except stdin.NoText as why:
        return (File("", None, f"stdin is {why}"),)
    return (of_text(text),)


def of_text(text: str) -> File:
    """Read a compose file."""
    from rshell.policy.tree import Broken, parse  # brings yaml along

    text = text.replace("\r\n", "\n")  # one end of a line, to compose too
    try:
        return File(text, parse(text.encode("utf-8", "replace"), MOST_SHARED))
    except Broken as broken:
        return File(text, None, broken.what, broken.line, broken.column)


def directory(command: Exec, need: Need, place: Place) -> tuple[Directory, ...]:
    """Find the files of a project of the operator's. SECURITY: only root may have a hand in them, as in the policy."""
    path = need.subjects[0]
    try:
        real = walk(path, (0,))
        files = [_trusted(f"{real}/{name}") for name in (_first(real, NAMES), _first(real, OVERRIDES)) if name]
        environment = _trusted(f"{real}/.env") if _first(real, (".env",)) else NOTHING
    except Untrusted as error:
        return (Directory(path, (), "", str(error)),)
    except OSError as error:
        return (Directory(path, (), "", f"{path}: {error.strerror}"),)
    if not _first(real, NAMES):
        return (Directory(path, (), "", f"{path} has no {NAMES[0]}"),)
    return (Directory(real, tuple(files), environment),)


def _first(path: str, names: tuple[str, ...]) -> str:
    """Return the first of some names that a directory has, '' for none."""
    for name in names:
        try:
            os.lstat(f"{path}/{name}")
        except FileNotFoundError:
            continue
        return name
    return ""


def _trusted(path: str) -> str:
    """Return the path of a file that only root can change. Raises OSError, Untrusted."""
    os.close(open_trusted(path, ()))
    return path


def own(command: Exec, need: Need, place: Place) -> tuple[Owned, ...]:
    """Say of each volume or network whose project it is, and how it was made. Raises Silent."""
    found = []
    for subject in need.subjects:
        _, kind, name = subject.split(" ")
        known = place.engine.get(f"/{kind}s/{name}")
        # SECURITY: of a network the Engine takes the beginning of an id for a name too
        if not isinstance(known, dict) or known.get("Name") != name:
            found.append(Owned())
            continue
        labels, options = known.get("Labels"), known.get("Options") or {}
        owner = str(labels.get(PROJECT_LABEL) or FOREIGN) if isinstance(labels, dict) else FOREIGN
        if not isinstance(options, dict):
            raise Silent("the Engine's answer has another shape")
        found.append(Owned(owner, str(known.get("Driver")), tuple(sorted(map(str, options)))))
    return tuple(found)


LOOKERS = {"compose-model": file, "compose-own": own, "compose-project": directory}
