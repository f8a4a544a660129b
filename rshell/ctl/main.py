"""rshellctl: the operator's program. One file a verb; this one reads the words."""

from __future__ import annotations

import argparse
import sys

from rshell import __version__
from rshell.ctl.policies import Stop


def main(argv: list[str] | None = None) -> int:
    """Run one verb; return its exit status."""
    words = parser().parse_args(argv)
    try:
        return int(words.run(words))
    except Stop as stop:
        sys.stderr.write(f"{stop}\n")
        return stop.status
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
    _try(verbs)
    _explain(verbs)
    check = verbs.add_parser(
        "check", help="read a policy, report every error, run its expect lines", allow_abbrev=False
    )
    check.add_argument("file", nargs="?", metavar="FILE", help="default: the policy that ships with rshell")
    check.set_defaults(run=_run_check)
    apply = verbs.add_parser("apply", help="check a policy and install it", allow_abbrev=False)
    apply.add_argument("file", metavar="FILE")
    apply.set_defaults(run=_run_apply)
    limits = verbs.add_parser("limits", help="print what no policy can allow", allow_abbrev=False)
    limits.set_defaults(run=_run_limits)
    launcher = verbs.add_parser("launcher", help="write the program that is the login shell", allow_abbrev=False)
    launcher.add_argument("path", metavar="PATH")
    launcher.set_defaults(run=_run_launcher)
    return made


def _try(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("try", help="run the shell as yourself, for a first look", allow_abbrev=False)
    verb.add_argument("--policy", metavar="FILE", help="default: the installed policy, else the one that ships")
    verb.add_argument("--role", metavar="ROLE")
    verb.add_argument("-c", dest="line", metavar="LINE", help="run one line instead of a session")
    verb.set_defaults(run=_run_try)


def _explain(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("explain", help="say what a line would do, run nothing", allow_abbrev=False)
    verb.add_argument("--json", action="store_true", help="in the stable form for programs")
    verb.add_argument("--policy", metavar="FILE", help="default: the installed policy, else the one that ships")
    who = verb.add_mutually_exclusive_group()
    who.add_argument("--user", metavar="USER")
    who.add_argument("--role", metavar="ROLE")
    verb.add_argument("line", metavar="LINE", help="one argument: quote it")
    verb.set_defaults(run=_run_explain)


def _run_try(words: argparse.Namespace) -> int:
    from rshell.ctl import attempt

    return attempt.run(words.policy, words.role, words.line)


def _run_explain(words: argparse.Namespace) -> int:
    from rshell.ctl import explain

    return explain.run(words.line, words.policy, words.user, words.role, words.json)


def _run_check(words: argparse.Namespace) -> int:
    from rshell.ctl import check

    return check.run(words.file)


def _run_apply(words: argparse.Namespace) -> int:
    from rshell.ctl import apply

    return apply.run(words.file)


def _run_limits(words: argparse.Namespace) -> int:
    from rshell.ctl import limits

    return limits.run()


def _run_launcher(words: argparse.Namespace) -> int:
    from rshell.ctl import launcher

    return launcher.run(words.path)
