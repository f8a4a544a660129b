"""Look at what stands behind the mounts of a container: volumes of the Engine, paths of the host."""

from __future__ import annotations

from rshell.core.parts.sources import UNSEEN
from rshell.host.engine import Silent
from rshell.lean import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Need
    from rshell.core.parts.sources import Steps, Volume
    from rshell.host.look import Place


def volumes(need: Need, place: Place) -> tuple[Volume, ...]:
    """Ask the Engine for volumes by name. Raises Silent."""
    return tuple(volume(place.engine.get(f"/volumes/{name}")) for name in need.subjects)


def volume(answer: object) -> Volume:
    """Read what the Engine says of a volume, None if there is none. Raises Silent."""
    if answer is None:
        return ()
    driver = answer.get("Driver") if isinstance(answer, dict) else None
    options = (answer.get("Options") or {}) if isinstance(answer, dict) else None
    if not isinstance(driver, str) or not isinstance(options, dict):
        raise Silent("the Engine's answer is no volume")
    return driver, options


def paths(need: Need) -> tuple[Steps, ...]:
    """Look at every step of paths, without following a link."""
    return tuple(_steps(path) for path in need.subjects)


def _steps(path: str) -> Steps:
    found = []
    names = path.split("/")
    for count in range(1, len(names) + 1):
        try:
            status = os.lstat("/".join(names[:count]) or "/")
        except (FileNotFoundError, NotADirectoryError):
            break
        except OSError:  # a directory that the identity may not go through
            found.append(UNSEEN)
            break
        found.append((status.st_mode, status.st_uid))
    return tuple(found)
