"""What may be said here, from the same data that decides: for `help`, `help COMMAND`, `help --json`."""

from __future__ import annotations

from rshell.core import builtins, line, values
from rshell.core.screen import MAX_LINE, MAX_TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Command, Grammar, Option, Policy, Rule, Type

VERSION = 1
SYNTAX = (
    "words, '...', \"...\", backslash, # comments; ; && || | and newlines",
    "2>&1 >/dev/null 2>/dev/null &>/dev/null </dev/null; $? $HOME $USER in their usual places",
    "sudo and sh -c 'LINE' around a command are taken off; no other expansion, no files, no background",
)


def overview(policy: Policy) -> str:
    """List everything: a line for each command."""
    commands = [policy.commands[key] for key in sorted(policy.commands)]
    made = "What may be run here. More about one: help COMMAND. Would a line be allowed? explain LINE\n\n"
    made += "".join(synopsis(command) + "\n" for command in commands if not command.rules[0].right_of_pipe)
    made += "\nTo the right of a |:\n"
    made += "".join(synopsis(command) + "\n" for command in commands if command.rules[0].right_of_pipe)
    made += "\nOf the shell itself:\n"
    usages = [*builtins.TABLE.items(), *builtins.PREFIXES.items()]
    made += "".join(f"{usage.synopsis:<28} {usage.about}\n" for _, usage in usages)
    return made + "\n" + "".join(f"{part}\n" for part in SYNTAX)


def of_command(policy: Policy, words: tuple[str, ...]) -> str | None:
    """Describe one command, or the commands of a program; None if there is no such thing here."""
    usage = builtins.TABLE.get(words[0]) or builtins.PREFIXES.get(words[0])
    if len(words) == 1 and usage:
        return f"{usage.synopsis}\n  {usage.about}\n"
    command = _find(policy, words)
    if command is not None:
        return "".join(_describe(policy, command, rule) for rule in command.rules)
    under = [key for key in sorted(policy.commands) if key.startswith(" ".join(words) + " ")]
    return "".join(synopsis(policy.commands[key]) + "\n" for key in under) or None


def _find(policy: Policy, words: tuple[str, ...]) -> Command | None:
    program = policy.programs.get(words[0])
    if program is None:
        return None
    key = program.names.get(" ".join(words[1:]), "") if program.names else program.name if len(words) == 1 else ""
    return policy.commands.get(key) if key else None


def synopsis(command: Command) -> str:
    """Write one command with all that may be said, in one line."""
    rule, shape = command.rules[0], command.grammar
    if rule.forms or shape is None:
        return " | ".join(" ".join([command.key, *map(values.form_word, form)]) for form in rule.forms)
    parts = [shape.name]
    for name, kind in rule.options.items():
        written = _option(shape.options[name], kind)
        parts.append(written if name in rule.needs else f"[{written}]")
    return " ".join([*parts, *_operands(shape, rule)])


def _option(option: Option, kind: Type) -> str:
    written = "--" + option.name if option.long else "-" + option.short
    return written if option.kind == "flag" else f"{written}={values.placeholder(kind or option.type)}"


def _operands(shape: Grammar, rule: Rule) -> list[str]:
    made = []
    for kind, many in rule.operands if rule.operands is not None else shape.operands:
        name = values.placeholder(kind)
        made.append({"": name, "?": f"[{name}]", "*": f"[{name}...]", "+": f"{name}..."}[many])
    return made


def _describe(policy: Policy, command: Command, rule: Rule) -> str:
    shape = command.grammar
    made = synopsis(command) + "\n"
    if shape is None:
        return made
    made += f"  {shape.about}\n" if shape.about else ""
    for name, kind in {**rule.options, **rule.terminal_options}.items():
        option = shape.options[name]
        short = f"-{option.short}, " if option.short and option.long else ""
        terminal = "" if name in rule.options else " (at a terminal only)"
        expected = "" if option.kind == "flag" else f"; {_expected(policy, shape, option, kind)}"
        made += f"  {short + _option(option, kind):<32} {option.about}{expected}{terminal}\n"
    if rule.needs:
        made += f"  must be given: {' '.join('--' + name for name in rule.needs)}\n"
    if rule.needs_one_of:
        made += f"  one of these must be given: {' '.join('--' + name for name in rule.needs_one_of)}\n"
    return made + f"  ends after {rule.timeout} s at the latest\n"


def _expected(policy: Policy, shape: Grammar, option: Option, kind: Type) -> str:
    """Say what a value may be: what `containers` allows, where that judges it."""
    from rshell.core import containers
    from rshell.core.rules import JUDGED

    judged = ""
    if shape.name in JUDGED and containers.knows(option.name) and not kind:
        judged = containers.expected(policy.sections["containers"], option.name)
    return judged or values.describe(kind or option.type)


def as_json(policy: Policy) -> dict[str, object]:
    """Describe everything for a program: what an agent's first call should read."""
    return {
        "version": VERSION,
        "policy": {"path": policy.path, "sha256": policy.sha256},
        "commands": [
            _command_json(policy, policy.commands[key], rule) for key in sorted(policy.commands)
            for rule in policy.commands[key].rules
        ],
        "builtins": [{"name": name, "synopsis": usage.synopsis, "about": usage.about}
                     for name, usage in {**builtins.TABLE, **builtins.PREFIXES}.items()],
        "syntax": list(SYNTAX),
        "limits": {"line_bytes": MAX_LINE, "commands": line.MAX_COMMANDS, "text_bytes": MAX_TEXT},
        "exit_status": {"denied": 126, "unknown": 127, "unsupported": 2, "timed_out": 124, "unavailable": 78},
    }  # fmt: skip


def _command_json(policy: Policy, command: Command, rule: Rule) -> dict[str, object]:
    shape = command.grammar
    made: dict[str, object] = {
        "command": shape.name if shape else command.key, "about": shape.about if shape else "",
        "synopsis": synopsis(command), "rule": rule.name, "timeout": rule.timeout, "right_of_pipe": rule.right_of_pipe,
    }  # fmt: skip
    if shape is None or rule.forms:
        return {**made, "forms": [" ".join([command.key, *map(values.form_word, form)]) for form in rule.forms]}
    known = {**rule.options, **rule.terminal_options}
    options = [
        _option_json(policy, shape, shape.options[name], kind, name not in rule.options) for name, kind in known.items()
    ]
    return {
        **made,
        "options": options,
        "operands": _operands(shape, rule),
        "needs": list(rule.needs), "needs_one_of": list(rule.needs_one_of), "adds": [name for name, _ in rule.adds],
    }  # fmt: skip


def _option_json(policy: Policy, shape: Grammar, option: Option, kind: Type, terminal: bool) -> dict[str, object]:
    return {
        "name": option.name, "short": option.short or None, "about": option.about, "many": option.many,
        "value": None if option.kind == "flag" else values.placeholder(kind or option.type),
        "expected": None if option.kind == "flag" else _expected(policy, shape, option, kind),
        "terminal_only": terminal,
    }  # fmt: skip
