"""Every sentence that a user reads.

Rules: ASCII; short, plain, concrete; no capital at the start, no full stop at the end; a refusal says
what, where, why, what to do instead, and what already ran. The first line is stable: programs read it.
Input is echoed escaped and cut, for it ends up on terminals and in models.
"""

from __future__ import annotations

from rshell.core.model import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rshell.core.model import Rule, Span

STATUS = {"denied": 126, "unknown": 127, "unsupported": 2, "unavailable": 78}
TIMED_OUT = 124
WIDTH = 72  # of the excerpt under the first line
AROUND = 10  # characters of it shown before the caret, where it is cut
MAX_ECHO = 80  # characters of one word of input inside a sentence

# code -> (kind, message, why). The code of a sentence about a command is the command's name with dots
# and what follows here: docker.run.option. Codes are never given another meaning.
LINE = {
    "line.character": ("unsupported", "the character {character} is not accepted",
                       "control, format and unassigned characters are refused everywhere, even in quotes"),
    "line.encoding": ("unsupported", "this is not valid UTF-8", "send plain UTF-8 text"),
    "line.size": ("unsupported", "the line is longer than {limit} bytes", "send less in one line"),
    "line.commands": ("unsupported", "more than {limit} commands in one line", "send several lines"),
    "line.text-size": ("unsupported", "the here-document is longer than {limit} bytes", "send less text"),
    "line.text-twice": ("unsupported", "more than one here-document in a line", "send one line for each"),
    "line.unfinished": ("unsupported", "unfinished: {what} is missing", "quotes, | && || and <<'EOF' need an end"),
    "line.syntax": ("unsupported", "this does not read as a command line", "something is missing beside an operator"),
    "line.background": ("unsupported", "& is not supported: nothing runs in the background",
                        "run it in the foreground; timeout N COMMAND bounds it"),
    "line.subshell": ("unsupported", "( and ) are not supported outside quotes",
                      "quote them, or send the inner commands as lines of their own"),
    "line.pipe-both": ("unsupported", "|& is not supported", "write 2>&1 | instead"),
    "line.redirect": ("unsupported", "only 2>&1 >&2 >/dev/null 2>/dev/null &>/dev/null </dev/null are supported",
                      "no file is read or written here; use a pipe into a filter, such as | tail -20"),
    "line.redirect-alone": ("unsupported", "a redirection without a command", "write the command first"),
    "line.substitution": ("unsupported", "command substitution is not supported",
                          "run the inner command first, then put its output into the next line"),
    "line.here-string": ("unsupported", "<<< is not supported", "nothing here reads typed text from stdin"),
    "line.here-document": ("unsupported", "a here-document needs a quoted delimiter: <<'EOF'",
                           "nothing in it is expanded, and quotes say so to every shell"),
    "line.text": ("unsupported", "{command} takes no here-document", "it reads nothing from stdin"),
    "line.glob": ("unsupported", "{character} is not expanded here",
                  "write the names out, or quote it if it is meant as it is"),
    "line.tilde": ("unsupported", "~ is not expanded here", "write $HOME, or quote it"),
    "line.braces": ("unsupported", "{{a,b}} is not expanded here", "write the words out, or quote them"),
    "line.quoting": ("unsupported", "$'...' and $\"...\" mean different things in different shells",
                     "use '...' or \"...\""),
    "line.parameter": ("unsupported", "only $HOME, $USER and $? are known here",
                       "write the value itself, or put the $ in single quotes"),
    "line.status": ("unsupported", "$? works only in echo and exit", "print it with: echo $?"),
    "line.assignment": ("unsupported", "{name}=...: variables are not supported",
                        "every program gets a fixed environment; docker run -e NAME=VALUE sets one in a container"),
    "line.reserved": ("unsupported", "{name}: loops, conditions, groups and functions are not supported",
                      "send one line for each step"),
    "line.negation": ("unsupported", "! is not supported", "use && and || on the command itself"),
    "line.time": ("unsupported", "time is not supported", "send the command without it"),
    "line.builtin": ("unsupported", "{name} is not supported: a line can't change the shell or run a script",
                     "send the commands themselves, one line for each step"),
    "line.right-of-pipe": ("unsupported", "{name} can't stand to the right of |", "only filters can: see help"),
    "line.filter": ("unsupported", "{name} works only to the right of |", "it filters the output of a command"),
    "line.shell-in-pipe": ("unsupported", "sh -c with several commands can't stand in a pipe",
                           "send the inner line by itself"),
    "shell.usage": ("denied", "{name} is not started here", "no shell runs here; send the line itself, or sh -c LINE"),
    "shell.depth": ("unsupported", "sh -c inside sh -c more than {limit} deep", "send the innermost line by itself"),
    "limits.commands-at-once": ("denied", "{limit} commands of this account are running already",
                                "wait until one of them has ended"),
    "sudo.option": ("denied", "sudo takes no option here but -n", "rshell itself chooses whom a command runs as"),
    "timeout.missing": ("unsupported", "usage: timeout N[s|m|h] COMMAND", ""),
    "timeout.usage": ("unsupported", "usage: timeout N[s|m|h] COMMAND", "it takes no options here"),
    "prefix.empty": ("unsupported", "{name}: no command after it", "write the command behind it"),
    "unknown.command": ("unknown", "{name}: no such command here", ""),
    "unknown.path": ("unknown", "{path}: no such command here", "write {name} without a path"),
    "unknown.absent": ("unknown", "{name} is not installed on this host", "tell the operator if you need it"),
}  # fmt: skip
COMMAND = {
    "command": ("denied", "{command} is not allowed", "no grant lists it"),
    "never": ("denied", "{command} is switched off here", "the operator forbids it for now"),
    "unknown": ("unknown", "{command} {name}: no such command", ""),
    "help": ("unsupported", "{command}: its own help is not shown here", "help says what is allowed"),
    "option": ("denied", "option {option} is not allowed", "no grant lists it"),
    "option-terminal": ("denied", "option {option} is for people at a terminal",
                        "it may never end; without a terminal every command must"),
    "no-option": ("unsupported", "there is no option {option}", ""),
    "argument": ("unsupported", "option {option}: '{value}' is not {expected}", ""),
    "value": ("denied", "option {option}: '{value}' is not allowed", "allowed: {expected}"),
    "option-missing": ("unsupported", "option {option} needs a value", "expected: {expected}"),
    "repeated": ("unsupported", "option {option} is given twice", "which one counts differs; give it once"),
    "syntax": ("unsupported", "this is no option", "options are -x or --name"),
    "operand": ("unsupported", "'{value}' is not {expected}", ""),
    "operand-denied": ("denied", "'{value}' is not allowed", "allowed: {expected}"),
    "missing": ("unsupported", "{expected} is missing", ""),
    "no-verb": ("unsupported", "a command of its own is missing", "help lists them"),
    "too-many": ("unsupported", "'{value}' is one word too many", ""),
    "needs": ("denied", "{option} must be given", "without it the command may never end, or says too much"),
    "form": ("denied", "these words are not allowed", "allowed: {shapes}"),
    "root-option": ("denied", "option {option} before the command is not allowed", "what may stand there: {allowed}"),
    "builtin-missing": ("unsupported", "usage: {synopsis}", ""),
    "builtin-usage": ("unsupported", "usage: {synopsis}", ""),
    "no-context": ("denied", "the build context '{value}' is not allowed", "allowed: {expected}"),
    "dockerfile": ("denied", "line {number} of the Dockerfile: '{value}' is not allowed", "allowed: {expected}"),
    "base-absent": ("denied", "the image {value} is not here", "pull what a build starts from before it"),
    "base-triggers": ("denied", "the image {value} has ONBUILD instructions", "they would run in this build, unread"),
    "base-platform": ("denied", "the image {value} is of another platform", "pull it without --platform"),
    "no-text": ("unsupported", "nothing to read: stdin is {value}",
                "pipe a file in, or write a here-document: <<'EOF'"),
    "context-file": ("denied", "the build context can't be sent: {value}",
                     "files that you can read yourself, directories and links; not too many, not too big"),
    "no-terminal": ("unsupported", "-t needs a terminal, and there is none", "leave it out"),
    "no-facts": ("unavailable", "{need} could not be looked up", "the Docker Engine gave no answer"),
    "protected": ("denied", "'{value}' is protected", "the operator keeps it from this account"),
    "not-yours": ("denied", "'{value}' is not yours", "only what this account made through rshell"),
    "image-made-here": ("denied", "the image {value} was not pulled from a registry",
                        "a pull would put another in its place"),
    "not-listed": ("denied", "'{value}' is not listed", "the policy lists what this account may change"),
    "ambiguous": ("unsupported", "'{value}' means more than one", "write its whole name, or more of its id"),
    "no-object": ("unsupported", "'{value}': there is none", "nothing has this name or id"),
    "none-own": ("unsupported", "no container of yours is running", "nobody else's are shown"),
    "mount": ("denied", "'{value}' has a mount that may not be: {mount}", "allowed: {expected}"),
    "mount-kept": ("denied", "'{value}' is of that project, and has a mount that may not be: {mount}",
                   "its place could take over the mount; name another project with -p; allowed: {expected}"),
    "volume-kept": ("denied", "'{value}' has a volume that is protected: {volume}", "remove it without its volumes"),
    "lists-all": ("denied", "this shows everybody's", "this account sees its own only"),
    "untold": ("denied", "{command} can't be kept to what this account may touch",
               "the policy keeps objects apart, and nothing here can tell which it touches"),
    "prune": ("denied", "what is to be kept can't be told to a prune", "remove by name: docker rm, docker rmi"),
    "prune-filter": ("denied", "filter '{value}' is not allowed", "allowed: label=NAME, label=NAME=VALUE, until=TIME"),
    "needs-file": ("unsupported", "a compose file has to be sent",
                   "-f - before the command reads it from stdin, or from a here-document: <<'EOF'"),
    "no-file": ("unsupported", "no file belongs there", "it speaks of no project"),
    "one-file": ("denied", "more than one compose file", "one file is judged and run: put everything into it"),
    "file": ("denied", "'{value}' is not read: no file of the host is",
             "-f - reads the text from stdin, or from a here-document: <<'EOF'"),
    "no-project": ("unsupported", "no project is named", "-p NAME before the command; allowed: {shapes}"),
    "operator-file": ("denied", "the project '{project}' has a file of the operator's",
                      "leave -f out, or name another project with -p"),
    "operator-verb": ("denied", "it is not allowed for the project '{project}'", "allowed there: {shapes}"),
    "operator-all": ("denied", "all services of '{project}' at once are not allowed", "allowed: {shapes}"),
    "operator-service": ("denied", "the service '{value}' is not allowed", "allowed: {shapes}"),
    "operator-broken": ("unavailable", "the project's directory can't be used: {said}", "the operator has to mend it"),
    "no-model": ("unsupported", "no compose file was read: {said}",
                 "send it on stdin, or as a here-document: <<'EOF'"),
    "model": ("denied", "compose file line {row}: {path} {said} (column {column})", ""),
    "model-misread": ("unsupported", "compose file line {row}: {path} {said} (column {column})", ""),
    "model-syntax": ("unsupported", "compose file line {row}: {said} (column {column})", "this does not read as YAML"),
    "not-own": ("denied", "the {kind} '{value}' is not of the project '{project}'", "another name would be its own"),
    "volume": ("denied", "the volume '{value}' {found}", "what it really is could be anywhere on the host"),
    "network": ("denied", "the network '{value}' {found}", "where it leads is not known; write another key for it"),
    "path": ("denied", "'{value}' can't be mounted", "{found}"),
    "mixed-types": ("unsupported", "containers and images can't be mixed", "send one line for each kind"),
}  # fmt: skip
# the word that decide.py uses -> where its sentence stands
ELSEWHERE = {
    "unknown": "unknown.command",
    "elsewhere": "unknown.path",
    "absent": "unknown.absent",
    "no-command": "unknown",
}
# where two sentences share the suffix of their code
SUFFIX = {
    "operand-denied": "operand",
    "root-option": "option",
    "builtin-usage": "usage",
    "no-verb": "missing",
    "builtin-missing": "missing",
}
SHELL_WORDS = frozenset(
    ". alias bg break command continue declare eval exec export fc fg getopts hash jobs let local mapfile"
    " printf pushd popd read readonly return set shift shopt source test times trap typeset ulimit umask"
    " unalias unset wait".split()
)
ENDING = {
    "denied": "nothing was run; rewording, quoting or sudo will not change this",
    "unknown": "nothing was run; help lists what there is",
    "unsupported": "nothing was run; written another way it may work",
    "unavailable": "nothing was run; only the operator of this host can mend this",
}
SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-")


def refuse(
    code: str,
    *,
    line: str = "",
    at: Span | None = None,
    rule: Rule | None = None,
    source: str = "",
    built_in: bool = False,
    why: str = "",
    tries: tuple[str, ...] = (),
    sent: bool = False,
    near: tuple[str, ...] = (),
    prefix: str = "",
    **fields: Any,
) -> Refusal:
    """Make the Refusal of a code: its sentences, filled with what was typed.

    near: known words, among which the nearest to the mistyped one are named and tried.
    """
    code = ELSEWHERE.get(code, code)
    said = {name: echo(str(value)) if name != "shapes" else str(value) for name, value in fields.items()}
    if code in LINE:
        kind, message, reason = LINE[code]
        message = message.format_map(said)
    else:
        kind, message, reason = COMMAND[code]
        message = message.format_map(said)
        if not message.startswith(said["command"]):
            message = f"{said['command']}: {message}"
        dotted = said["command"].replace(" ", ".")
        code = dotted if code == "command" else f"{dotted}.{SUFFIX.get(code, code)}"
    reason = why or reason.format_map(said)
    if near:
        field, close = _close(fields, near)
        reason = why or (f"nearest: {' '.join(close)}" if close else "") or _listed(near, prefix) or reason
        tries += _replaced(line, at, str(fields.get(field, "")), close)
    return Refusal(
        kind, code, message, line, at, reason, "", rule.name if rule else None,
        rule.source if rule else source or None, built_in, tries, sent,
    )  # fmt: skip


def unavailable(code: str, message: str, why: str = "") -> Refusal:
    """Make the Refusal for when nothing can be decided (status 78)."""
    return Refusal("unavailable", code, message, why=why)


def stopped(why: str) -> Refusal:
    """Make the Refusal of an account that the operator has stopped."""
    return unavailable("stopped", "the operator has stopped this account", echo(why) or "no reason was given")


def busy(most: int) -> Refusal:
    """Make the Refusal of one command too many at the same time."""
    return refuse("limits.commands-at-once", limit=most)


def _close(fields: dict[str, Any], near: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return which of the fields was mistyped, and what it was perhaps meant to be."""
    from rshell.core.nearest import nearest  # only a mistyped word needs it

    for name in ("typed", "name", "option"):
        word = str(fields.get(name, "")).lstrip("-")
        close = nearest(word, near) if word else ()
        if close:
            dashes = "--" if name == "option" else ""
            return name, tuple(dashes + one for one in close)
    return "", ()


def _listed(near: tuple[str, ...], prefix: str) -> str:
    words = sorted(set(near))
    shown = [word for word in words if " " not in word or not prefix][:24]
    return f"there is: {' '.join(shown)}" if shown else ""


def _replaced(line: str, at: Span | None, wrong: str, close: tuple[str, ...]) -> tuple[str, ...]:
    """Write the line with each of the nearest words in the place of the mistyped one."""
    where = line.find(wrong, at[0]) if at is not None and wrong else -1
    return tuple(line[:where] + word + line[where + len(wrong) :] for word in close) if where >= 0 else ()


def cannot_go(directory: str) -> str:
    """Say that a directory can't be gone to."""
    return f"rshell: cd: {echo(directory)}: no such directory here\n"


def timed_out(command: str, seconds: int) -> str:
    """Say that a command was ended because its time was over."""
    return f"rshell: timed out: {echo(command)}: ended after {seconds} s\n"


def render(refusal: Refusal, ran: int = 0) -> str:
    """Write a refusal for a terminal or a log: at most six lines, ASCII, the first one stable.

    ran: how many commands of the line had already run.
    """
    lines = [f"rshell: {refusal.kind}: {escape(refusal.message)} [{refusal.code}]"]
    if refusal.at is not None and refusal.line:
        lines += excerpt(refusal.line, refusal.at)
    if refusal.why:
        lines.append(f"  why: {escape(refusal.why)}")
    if refusal.instead:
        lines.append(f"  instead: {escape(refusal.instead)}")
    ending = ENDING[refusal.kind]
    if ran:
        plural = "commands" if ran > 1 else "command"
        ending = ending.replace("nothing was run", f"{ran} {plural} of this line ran before")
    lines.append("  " + ending)
    return "\n".join(lines) + "\n"


def excerpt(line: str, at: Span) -> list[str]:
    """Cut the part of a line around a span, and draw the caret line under it."""
    start = line.rfind("\n", 0, at[0]) + 1
    end = line.find("\n", at[0])
    end = len(line) if end < 0 else end
    before, marked = escape(line[start : at[0]]), escape(line[at[0] : min(at[1], end)])
    shown = before + marked + escape(line[min(at[1], end) : end])
    cut = 0
    if len(shown) > WIDTH:
        cut = max(0, min(len(before) - AROUND, len(before) + len(marked) + 3 - WIDTH))
        shown = ("..." if cut else "") + shown[cut + 3 * bool(cut) :]
        shown = shown if len(shown) <= WIDTH else shown[: WIDTH - 3] + "..."
    column = len(before) - cut
    return ["  " + shown, "  " + " " * column + "^" * max(1, min(len(marked), WIDTH - 3 - column))]


def escape(text: str) -> str:
    """Make text of foreign origin safe to print: ASCII, no control characters."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if char.isascii() and char.isprintable() else char.encode("unicode_escape", "replace").decode("ascii")
        if not "\ud800" <= char <= "\udfff" else f"\\x{ord(char) & 0xFF:02x}"
        for char in text
    )  # fmt: skip


def echo(text: str) -> str:
    """Cut one word of input to what a sentence can hold."""
    shown = escape(text)
    return shown if len(shown) <= MAX_ECHO else shown[: MAX_ECHO - 3] + "..."


def quote(word: str) -> str:
    """Quote a word so that a shell (and line.parse) reads it as it is."""
    if word and SAFE.issuperset(word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"
