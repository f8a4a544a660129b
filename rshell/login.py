"""The login shell: argv to mode. Started by sshd, su, login and sudo -i."""

from __future__ import annotations

import sys

from rshell import say
from rshell.host import account, environment, stopped, trust
from rshell.host.audit import without_policy
from rshell.lean import os, write
from rshell.modes.shell import Shell
from rshell.policy.open import INSTALLED, Unusable, open_policy
from rshell.policy.store import Corrupt, Untrusted

TYPE_CHECKING = False

ORIGINAL = "SSH_ORIGINAL_COMMAND"
NAME = "rshell"


def main(gate: str = "") -> int:
    """Run the shell; return its exit status. Never a traceback: what fails is a refusal (78).

    gate: the program on the far side of the privilege boundary, '' for none. The launcher says it.
    """
    try:
        environment.secure_self()
        trust.check_program()
        return serve(sys.argv, gate)
    except Untrusted as error:
        return unusable("launcher", str(error), "see rshellctl(8); to look around: rshellctl try")
    except Exception as error:
        return unusable("internal", f"internal error: {type(error).__name__}")


def serve(argv: list[str], gate: str) -> int:
    """Choose the mode by argv and stdin, and run it."""
    try:
        line = line_of(argv)
        caller = account.own()
        why = stopped.reason(caller.uid)
        if why is not None:
            refusal = say.stopped(why)
            return unusable(refusal.code, refusal.message, refusal.why)
        compiled = open_policy(INSTALLED)
        role = compiled.role_of(caller.name, account.groups)
        if not role:
            return unusable("policy.no-role", f"the policy gives {say.echo(caller.name)} no role")
        return run(Shell(compiled.policy(role, INSTALLED), caller, mode_of(line), gate=gate), line)
    except Usage:
        return usage()
    except (Unusable, account.Unknown) as error:
        return unusable(getattr(error, "code", "account"), str(error))
    except Corrupt:
        return unusable(
            "policy.corrupt", "the compiled policy is damaged", f"sudo rshellctl apply {INSTALLED} mends it"
        )


class Usage(Exception):
    """This argv is none that a login shell gets."""


def line_of(argv: list[str]) -> str | None:
    """Return the line to run; None for a session. Raises Usage."""
    name = argv[0].rpartition("/")[2] if argv else NAME
    words = argv[1:]
    if name not in (NAME, "-" + NAME, ""):  # called through a link: `docker ps`
        return " ".join(say.quote(word) for word in [name, *words])
    while words and words[0] in ("-l", "-i", "--login"):
        words = words[1:]
    if not words or words == ["-c", argv[0]]:
        # what sshd does under ForceCommand: the client's command is in the environment. It chooses
        # the line, it never widens
        return account.claimed(ORIGINAL) or None
    if len(words) != 2 or words[0] != "-c":
        raise Usage
    return words[1]


def mode_of(line: str | None) -> str:
    """Name the mode for the records: c, repl or script."""
    if line is not None:
        return "c"
    return "repl" if os.isatty(0) and os.isatty(1) else "script"


def run(shell: Shell, line: str | None) -> int:
    """Run one line, a session at the prompt, or a script."""
    if line is not None:
        return shell.one(line).status
    if shell.context.terminal:
        import gc

        from rshell.modes.repl.session import run as at_the_prompt

        gc.enable()  # the launcher switched it off

        return at_the_prompt(shell)
    from rshell.modes.script import run as from_stdin

    return from_stdin(shell)


def usage() -> int:
    """Refuse an argv."""
    without_policy("usage", "an argv that no login shell gets")
    write(
        2, "rshell: unsupported: usage: rshell [-c LINE] [usage]\n  nothing was run; a login shell takes nothing else\n"
    )
    return say.STATUS["unsupported"]


def unusable(code: str, message: str, why: str = "") -> int:
    """Say, and record, that nothing can be decided."""
    without_policy(code, message)
    write(2, say.render(say.unavailable(code, message, why)))
    return say.STATUS["unavailable"]
