"""What changes between two policies: verdicts on their `expect` lines, commands, users, settings."""

from __future__ import annotations

from rshell.core.decide import judge
from rshell.core.model import Permit, Rule
from rshell.core.parts.gpus import ALL
from rshell.core.value import Value
from rshell.policy.check import compile_checked, context, read
from rshell.policy.containers import AMOUNTS, BUILD
from rshell.policy.store import Compiled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rshell.policy.load import Role, Source

PLACES = ("name", "source")  # of a rule: where it stands, not what it says
OPTIONS = ("options", "terminal_options")
CONTAINERS = {
    "projects": "compose.projects", "publish_addresses": "publish.addresses", "publish_low": "publish.ports, first",
    "publish_high": "publish.ports, last", "gpus": "gpus.count", "gpu_capabilities": "gpus.capabilities",
    **{field: f"build.{key}" for key, field in BUILD.items()},
    **{field: f"{section}.{key}" for section, keys in AMOUNTS.items() for key, field in keys.items()},
}  # fmt: skip


class Side(Value):
    """One policy: as it was read, and compiled."""

    source: Source
    compiled: Compiled


def understood(policy: bytes, name: str) -> Side:
    """Read a policy as one side of a comparison. Raises BadPolicy."""
    return Side(read(policy, name), Compiled(compile_checked(policy, name)))


def difference(old: Side, new: Side) -> list[str]:
    """Say what changes, a line each, what becomes allowed or refused first."""
    lines = _verdicts(old, new)
    before, after = old.source.roles, new.source.roles
    for name in sorted({*before, *after}):
        lines += _role(name, before.get(name), after.get(name), old.source, new.source)
    lines += [f"{sign} never    {key}" for sign, key in _signed(old.source.never, new.source.never)]
    lines += _settings(_flat(old.source), _flat(new.source))
    return lines + ([] if old.source.advice == new.source.advice else ["~ advice   it only explains"])


def _verdicts(old: Side, new: Side) -> list[str]:
    """Judge the `expect` lines of both under both."""
    asked = dict.fromkeys((one.role, one.line) for side in (old, new) for one in side.source.expect)
    found: dict[str, list[str]] = {"+ allowed": [], "- refused": []}
    for role, line in asked:
        before, after = _allows(old, role, line), _allows(new, role, line)
        if before != after:
            what = "+ allowed" if after else "- refused"
            found[what].append(f"{what}  {role}  {line}")
    return [line for lines in found.values() for line in lines]


def _allows(side: Side, role: str, line: str) -> bool:
    known = side.source.roles.get(role)
    if known is None:
        return False
    user = known.users[0] if known.users else role
    return isinstance(judge(side.compiled.policy(role, side.source.name), line, context(user)), Permit)


def _role(name: str, old: Role | None, new: Role | None, before: Source, after: Source) -> list[str]:
    lines = []
    if old is None or new is None:
        sign, gone = ("+", new) if old is None else ("-", old)
        lines.append(f"{sign} role     {name} ({len(gone.rules) if gone else 0} commands)")
    for what in ("users", "groups"):
        had, has = (set(getattr(role, what)) if role else set() for role in (old, new))
        lines += [f"{sign} {what[:-1]:<7}  {name}  {one}" for sign, one in _signed(had, has)]
    if old is None or new is None:
        return lines
    lines += [f"{sign} command  {name}  {key}" for sign, key in _signed(old.rules, new.rules)]
    for key in sorted({*old.rules} & {*new.rules}):
        changed = _rules(_named(old.rules[key], before), _named(new.rules[key], after))
        if changed:
            lines.append(f"~ command  {name}  {key}: {' '.join(changed)}")
    return lines


def _named(rules: tuple[Rule, ...], source: Source) -> tuple[Rule, ...]:
    """Write the name of an identity for its account: whom it stands for has a line of its own."""
    names = {account: name for name, account in source.identities.items()}
    return tuple(rule.but(run_as=names.get(rule.run_as, rule.run_as)) for rule in rules)


def _rules(old: tuple[Rule, ...], new: tuple[Rule, ...]) -> list[str]:
    """Say what else a command is granted: +option, -option, ~option, and which other words of its rules differ."""
    changed = []
    for field in OPTIONS:
        had, has = _together(old, field), _together(new, field)
        at = "" if field == "options" else "on_terminal:"
        changed += [f"{sign}{at}{name}" for sign, name in _signed(had, has)]
        changed += [f"~{at}{name}" for name in sorted({*had} & {*has}) if had[name] != has[name]]
    for field in Rule._fields:
        if field not in (*OPTIONS, *PLACES) and _each(old, field) != _each(new, field):
            changed.append(f"~{field}")
    return changed


def _together(rules: tuple[Rule, ...], field: str) -> dict[str, set[object]]:
    """Return the options that any of the rules grants, each with the types of its value."""
    found: dict[str, set[object]] = {}
    for rule in rules:
        for name, kind in getattr(rule, field).items():
            found.setdefault(name, set()).add(kind)
    return found


def _each(rules: tuple[Rule, ...], field: str) -> set[object]:
    return {getattr(rule, field) for rule in rules}


def _flat(source: Source) -> dict[str, object]:
    """Return every setting by the name that it has in the file: limits.timeout, containers.images."""
    flat = {
        "audit." + name.removeprefix("audit_") if name.startswith("audit_") else "limits." + name: value
        for name, value in source.settings.items()
    }  # fmt: skip
    flat |= {f"identities.{name}": account for name, account in source.identities.items()}
    for field in type(source.objects)._fields:
        said = getattr(source.objects, field)
        if isinstance(said, Value):
            flat |= {f"objects.{field}.{one}": getattr(said, one) for one in type(said)._fields}
        else:
            flat[f"objects.{field}"] = said
    return flat | {
        f"containers.{CONTAINERS.get(field, field)}": _as_written(field, getattr(source.containers, field))
        for field in type(source.containers)._fields
    }


def _as_written(field: str, value: object) -> object:
    """Return a value of `containers` about as it stands in the file."""
    if field == "bind_mounts" and isinstance(value, tuple):
        return tuple(f"{path}{' (read-only)' if read_only else ''}" for path, read_only in value)
    return "all" if field == "gpus" and value == ALL else value


def _settings(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    lines = []
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if isinstance(before, tuple) and isinstance(after, tuple):
            lines += [f"{sign} setting  {name}: {one}" for sign, one in _signed(before, after)]
        elif before != after:
            lines.append(f"~ setting  {name}: {_shown(before)} -> {_shown(after)}")
    return lines


def _shown(value: object) -> str:
    """Write a setting about as it stands in the file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value in (None, "") else str(value)


def _signed(old: Iterable[str], new: Iterable[str]) -> list[tuple[str, str]]:
    """Return what is new, with +, and what is gone, with -."""
    return [("+", name) for name in sorted({*new} - {*old})] + [("-", name) for name in sorted({*old} - {*new})]
