"""rshellctl limits: what no policy can allow."""

from __future__ import annotations

import sys

from rshell.core import limits


def run() -> int:
    """Print the limits that are built in."""
    lines = [f"{command:<44} {why}" for command, why in sorted(limits.COMMANDS.items())]
    for command, options in sorted(limits.OPTIONS.items()):
        lines += [f"{f'{command} --{option}':<44} {why}" for option, why in sorted(options.items())]
    sys.stdout.write("No policy can allow these:\n\n" + "\n".join(lines) + "\n")
    return 0
