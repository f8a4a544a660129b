"""rshellctl limits: what no policy can allow."""

from __future__ import annotations

import sys

from rshell.core import limits
from rshell.core.compose import unwanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

ABOUT = "print what no policy can allow"


def arguments(verb: ArgumentParser) -> None:
    """Add nothing: it takes no words."""


def run(words: Namespace) -> int:
    """Print the limits that are built in."""
    lines = [f"{command:<44} {why}" for command, why in sorted(limits.COMMANDS.items())]
    for command, options in sorted(limits.OPTIONS.items()):
        lines += [f"{f'{command} --{option}':<44} {why}" for option, why in sorted(options.items())]
    lines += [f"{f'a compose file with {key}':<44} {why}" for key, why in sorted(unwanted.TOP.items())]
    lines += [f"{f'a service with {key}':<44} {why}" for key, why in sorted(unwanted.SERVICE.items())]
    lines += [f"{f'a mount of {path}':<44} {why}" for path, why in sorted(limits.PATHS.items())]
    lines.append(f"{'a mount to write in, elsewhere':<44} {limits.ELSEWHERE}")
    sys.stdout.write("No policy can allow these:\n\n" + "\n".join(lines) + "\n")
    return 0
