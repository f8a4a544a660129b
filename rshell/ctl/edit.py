"""rshellctl edit: change the policy in force in an editor, then apply it; as visudo does."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from pathlib import Path

from rshell.ctl import inforce
from rshell.ctl.apply import change, how_to_change
from rshell.ctl.policies import Stop, checked, needs_root
from rshell.ctl.system import attend
from rshell.host import layout
from rshell.host.programs import find
from rshell.policy.load import BadPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "change the policy in force in an editor, then apply it"
EDITORS = ("editor", "sensible-editor", "nano", "vim", "vi")
QUESTION = "rshellctl: e: edit it again; x: leave, change nothing [e/x] "


def arguments(verb: ArgumentParser) -> None:
    """Add whether it is asked."""
    how_to_change(verb)


def run(words: Namespace) -> int:
    """Edit a copy of the policy in force until it is right, then apply it. Return the status of apply."""
    needs_root()
    now = inforce.current()
    if now.text is None:
        raise Stop(f"rshellctl: {now.problem or 'there is no policy to edit'}; rshellctl apply FILE installs one", 78)
    # SECURITY: nobody but root can look into the directory or put a link into it
    with tempfile.TemporaryDirectory(prefix="rshell-edit-") as directory:
        copy = Path(directory) / "policy.yaml"
        copy.write_bytes(now.text)
        while True:
            status = attend(*editor(), str(copy))
            if status:
                raise Stop(f"rshellctl: nothing was changed: the editor ended with {status}", 1)
            try:
                if change(checked(str(copy)), "the edited policy", words) == 0:
                    return 0
            except BadPolicy as error:
                sys.stderr.write(str(error) + "\n")
            if not again():
                sys.stderr.write("rshellctl: nothing was changed\n")
                return 1


def editor() -> list[str]:
    """Return the operator's editor, as words: $VISUAL, $EDITOR, or one that is there. Raises Stop."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        words = shlex.split(named)
    except ValueError:
        words = []
    words = words or [name for name in EDITORS if find(name)][:1]
    if not words:
        raise Stop(f"rshellctl: no editor is installed; set EDITOR, or apply a changed copy of {layout.POLICY}", 1)
    return words


def again() -> bool:
    """Ask whether to edit once more; the end of the input is a no."""
    while True:
        sys.stderr.write(QUESTION)
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if answer.strip() in ("e", "x") or not answer:
            return answer.strip() == "e"
