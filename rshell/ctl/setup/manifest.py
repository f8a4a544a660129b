"""What install found before it changed anything: enough to put it back."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from rshell.ctl.launcher import write_atomically
from rshell.ctl.policies import Stop
from rshell.host import layout

VERSION = 1


class Manifest:
    """The record of an installation, on disk before each change that it speaks of."""

    def __init__(self) -> None:
        """Read it, if there is one. Raises Stop (78) when it can't be understood."""
        self.path = Path(layout.MANIFEST)
        self.there = self.path.exists()
        try:
            read: dict[str, Any] = json.loads(self.path.read_text()) if self.there else {"version": VERSION}
            self.users: list[str] = list(read.get("users", ()))
            self.boundary: str = read.get("boundary", "")
            self.found: list[tuple[str, str, Any]] = [(kind, name, was) for kind, name, was in read.get("found", ())]
        except (ValueError, TypeError, AttributeError) as error:
            raise Stop(f"rshellctl: {self.path} is damaged: {error}; put an earlier one back", 78) from None
        if read.get("version") != VERSION:
            raise Stop(f"rshellctl: {self.path} is of another version of rshell: use that one", 78)

    def begin(self) -> None:
        """Make the directory that it is kept in, and hold it against another install. Raises Stop."""
        state = self.path.parent
        # a run that was killed right after this mkdir has left nothing but the directory
        new = not state.exists() or not {each.name for each in state.iterdir()} - {f".{self.path.name}.new"}
        state.mkdir(mode=0o755, exist_ok=True)
        self.held = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # until release, or our end
        try:
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Stop("rshellctl: another install, uninstall or upgrade is running", 1) from None
        if new:
            self.note("tree", str(state), None)

    def release(self) -> None:
        """Let another program of ours go on."""
        os.close(self.held)

    def note(self, kind: str, name: str, was: Any) -> None:
        """Remember how a thing was before we first changed it: what is known already is older, and stays."""
        if not any((kind, name) == known[:2] for known in self.found):
            self.found.append((kind, name, was))
            self.save()

    def made(self, kind: str, name: str) -> bool:
        """Tell whether a thing was not there before install."""
        return (kind, name, None) in self.found

    def save(self) -> None:
        """Put it on disk, whole: it may hold a password's hash, so it is root's alone."""
        write_atomically(self.path, (json.dumps(self.as_json(), indent=1) + "\n").encode(), 0o600)
        self.there = True

    def as_json(self) -> dict[str, Any]:
        """Return what is written."""
        return {"version": VERSION, "users": self.users, "boundary": self.boundary, "found": self.found}
