"""rshellctl: the operator's program. One file a verb; this one reads the words."""

from __future__ import annotations

import argparse
import sys

from rshell import __version__
from rshell.ctl import (
    apply,
    attempt,
    check,
    doctor,
    edit,
    explain,
    export,
    install,
    launcher,
    limits,
    log,
    resume,
    rollback,
    stop,
    uninstall,
    upgrade,
)
from rshell.ctl.policies import Stop

VERBS = {
    "try": attempt, "explain": explain, "check": check, "limits": limits,
    "install": install, "upgrade": upgrade, "uninstall": uninstall, "doctor": doctor,
    "apply": apply, "edit": edit, "rollback": rollback, "log": log, "stop": stop, "resume": resume,
    "export": export, "launcher": launcher,
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run one verb; return its exit status."""
    words = parser().parse_args(argv)
    try:
        return int(words.run(words))
    except Stop as ended:
        sys.stderr.write(f"{ended}\n")
        return ended.status
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError) as error:
        sys.stderr.write(f"rshellctl: {error}\n")
        return 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; its help is the list of verbs."""
    made = argparse.ArgumentParser(
        prog="rshellctl", description="Try, explain, check and apply policies of rshell.", allow_abbrev=False
    )
    made.add_argument("--version", action="version", version=f"rshell {__version__}")
    verbs = made.add_subparsers(metavar="VERB", required=True)
    for name, verb in VERBS.items():
        own = verbs.add_parser(name, help=verb.ABOUT, allow_abbrev=False)
        verb.arguments(own)
        own.set_defaults(run=verb.run)
    return made
