"""Where the files that ship with the package are: in an installed wheel, or in a checkout."""

from __future__ import annotations

from rshell.lean import os, sha256

COMPLETIONS = ("audit.yaml", "docker-compose.yaml", "docker.yaml", "filters.yaml")
POLICY = "policy.yaml"
_here = __file__.rpartition("/")[0]


def path(name: str) -> str:
    """Return the path of a shipped file: `policy.yaml`, `completions/docker.yaml`."""
    installed = f"{_here}/data/{name}"
    try:
        os.stat(installed)
    except OSError:
        return f"{_here.rpartition('/')[0]}/{name}"
    return installed


def completions() -> list[tuple[str, bytes]]:
    """Read the completions files: (name, content)."""
    found = []
    for name in COMPLETIONS:
        with open(path("completions/" + name), "rb") as file:
            found.append((name, file.read()))
    return found


def identity() -> str:
    """Return a name for the completions files as they are now; it changes when one of them does."""
    marks = []
    for name in COMPLETIONS:
        status = os.stat(path("completions/" + name))
        marks.append(f"{name} {status.st_size} {status.st_mtime_ns}")
    return sha256("\n".join(marks).encode()).hexdigest()
