"""policy.yaml to rules: strict, every error at once, nothing unknown passes."""

from __future__ import annotations

from rshell.core import builtins, containers, limits, values
from rshell.core.containers import Containers
from rshell.core.model import Advice, Program, Rule
from rshell.core.nearest import nearest
from rshell.core.objects.rights import Objects
from rshell.core.rules import JUDGED
from rshell.core.value import Value
from rshell.policy.containers import read_containers
from rshell.policy.forms import read_forms
from rshell.policy.grammars import read_operands
from rshell.policy.objects import read_objects
from rshell.policy.tree import Broken, Node, Reader, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rshell.core.model import Grammar, Type
    from rshell.policy.grammars import Tree

TOP = ("version", "roles", "identities", "grants", "advice", "never", "limits", "audit", "expect", "containers",
       "objects")  # fmt: skip
ROLE = ("about", "users", "groups", "extends", "grants")
GRANT = ("about", "run_as", "right_of_pipe", "commands")
RULE = ("options", "operands", "needs", "needs_one_of", "adds", "on_terminal", "timeout", "forms", "run_as")
MOST_AT_ONCE = 1000
DEFAULTS: dict[str, object] = {
    "timeout": 900, "idle": 3600, "commands_at_once": 8,
    "audit_required": True, "audit_journal": True, "audit_file": "",
}  # fmt: skip


class BadPolicy(Exception):
    """The policy has errors; `report` holds a line for each."""

    def __init__(self, report: list[str]) -> None:
        super().__init__("\n".join(report))
        self.report = report


class Role(Value):
    """Who, and which rules by command."""

    name: str
    users: tuple[str, ...]
    groups: tuple[str, ...]
    rules: Mapping[str, tuple[Rule, ...]]


class Expected(Value):
    """One `expect` line: what it must come to, and where it stands."""

    role: str
    allowed: bool
    line: str
    at: tuple[int, int]


class Source(Value):
    """A whole policy, understood."""

    name: str
    roles: Mapping[str, Role]
    programs: Mapping[str, Program]
    grammars: Mapping[str, Grammar]
    advice: Mapping[str, tuple[Advice, ...]]
    containers: Containers
    objects: Objects
    never: Mapping[str, str]
    settings: Mapping[str, object]
    expect: tuple[Expected, ...]
    advice_at: Mapping[str, tuple[int, int]]
    identities: Mapping[str, str]  # as the policy calls it -> the account


def load(data: bytes, name: str, trees: Mapping[str, Tree]) -> Source:
    """Read a policy.

    data: the file. name: what errors call it. trees: the grammars it may speak of.
    Raises BadPolicy with every error, in the order of the file.
    """
    try:
        root = parse(data)
    except Broken as broken:
        raise BadPolicy([f"{name}:{broken.line}:{broken.column}: {broken.what}"]) from None
    loader = _Loader(Reader(name), trees)
    source = loader.source(root)
    if loader.reader.errors:
        raise BadPolicy(loader.reader.report())
    return source


class _Loader:
    def __init__(self, reader: Reader, trees: Mapping[str, Tree]) -> None:
        self.reader = reader
        self.trees = trees
        self.programs = {name: tree.program for name, tree in trees.items()}
        self.grammars = {key: grammar for tree in trees.values() for key, grammar in tree.commands.items()}
        self.identities: dict[str, str] = {}

    def source(self, root: Node) -> Source:
        keys = self.reader.mapping(root, TOP, ("version", "roles", "grants"))
        if "version" in keys:
            self.reader.word(keys["version"], ("1",))
        if "identities" in keys:
            self.identities = {
                name: self.account(node) for name, node in self.reader.mapping(keys["identities"]).items()
            }
        grants = {
            name: self.grant(name, node)
            for name, node in (self.reader.mapping(keys["grants"]).items() if "grants" in keys else ())
        }
        settings = {**DEFAULTS, **self.settings(keys)}
        for rules in grants.values():
            for index, (key, rule) in enumerate(rules):
                rules[index] = (key, rule if rule.timeout else rule.but(timeout=settings["timeout"]))
        roles = self.roles(keys["roles"], grants) if "roles" in keys else {}
        advice, advice_at = self.advice(keys["advice"]) if "advice" in keys else ({}, {})
        return Source(
            self.reader.name, roles, self.programs, self.grammars, advice,
            read_containers(self.reader, keys["containers"]) if "containers" in keys else Containers(),
            read_objects(self.reader, keys["objects"]) if "objects" in keys else Objects(),
            self.never(keys["never"]) if "never" in keys else {}, settings,
            self.expect(keys["expect"], roles) if "expect" in keys else (), advice_at,
            self.identities,
        )  # fmt: skip

    def account(self, node: Node) -> str:
        text = self.reader.text(node)
        if text and not values.fits(("name",), text):
            self.reader.error(node, f"`{text}` is not the name of an account")
        return text

    # -- grants --

    def grant(self, name: str, node: Node) -> list[tuple[str, Rule]]:
        """Read one grant: its rules by the command they speak of."""
        keys = self.reader.mapping(node, GRANT, ("commands",))
        run_as = self.identity(keys["run_as"]) if "run_as" in keys else ""
        right = "right_of_pipe" in keys and self.reader.yes(keys["right_of_pipe"])
        rules: list[tuple[str, Rule]] = []
        seen: set[str] = set()
        for key, value in self.reader.pairs(keys["commands"]) if "commands" in keys else ():
            for spelling in _alternatives(key.text):
                command = self.command(key, spelling, "forms" in {k.text: v for k, v in value.pairs})
                if command in seen:
                    self.reader.error(key, f"`{command}` stands twice in this grant")
                if command:
                    seen.add(command)
                    rules.append((command, self.rule(name, key, command, value, run_as, right)))
        return rules

    def command(self, key: Node, spelling: str, forms: bool) -> str:
        """Return the key of the command that a grant names, or '' after an error."""
        name, _, rest = spelling.partition(" ")
        why = limits.of_command(spelling)
        if name in builtins.TABLE or name in builtins.PREFIXES or name in builtins.SHELLS:
            self.reader.error(key, f"`{name}` is rshell's own and can't be granted")
            return ""
        if name not in self.programs and forms and not rest:
            self.programs[name] = Program(name, "", "", {}, None, (), ())
        if name in self.programs:
            name, rest = self.within(name, rest)
        if name not in self.programs:
            self.reader.error(key, f"`{name}`: no such program{_perhaps(name, self.programs)}")
            return ""
        program = self.programs[name]
        command = program.names.get(rest, "") if program.names else name if not rest else ""
        if not command:
            self.reader.error(key, f"`{spelling}`: no such command{_perhaps(rest, program.names)}")
            return ""
        why = why or limits.of_command(command)
        if why:
            self.reader.error(key, f"`{command}`: no policy can allow it: {why}")
            return ""
        if program.names and command not in self.grammars:
            self.reader.error(key, f"`{command}`: grant its commands one by one")
            return ""
        return command

    def within(self, name: str, rest: str) -> tuple[str, str]:
        """Follow `docker compose ps` into the program `docker compose`."""
        first, _, others = rest.partition(" ")
        inner = self.programs[name].names.get(first, "")
        return (inner, others) if others and inner in self.programs else (name, rest)

    def identity(self, node: Node) -> str:
        name = self.reader.text(node)
        if name and name not in self.identities:
            self.reader.error(node, f"`{name}`: no such identity, expected {' '.join(self.identities) or 'one'}")
        return self.identities.get(name, "")

    def rule(self, grant: str, key: Node, command: str, node: Node, run_as: str, right: bool) -> Rule:
        """Read what a grant says of one command."""
        if node.kind == "list":
            node = Node("map", "", (), ((key.but(text="options"), node),), node.line, node.column, True)
        keys = self.reader.mapping(node, RULE)
        shape = self.grammars.get(command)
        options = self.options(keys["options"], shape) if "options" in keys else {}
        terminal = self.reader.mapping(keys["on_terminal"], ("options", "needs")) if "on_terminal" in keys else {}
        forms = read_forms(self.reader, keys["forms"]) if "forms" in keys else ()
        if "forms" in keys and shape is not None:
            # SECURITY: a form is written out as it stands, past the grammar and the limits
            self.reader.error(keys["forms"], f"`{command}` has a grammar: expected options and operands")
        elif "forms" in keys and not forms and keys["forms"].kind == "list":
            self.reader.error(keys["forms"], "expected a form or more")
        if shape is None and "forms" not in keys:
            self.reader.error(key, f"`{command}` has no grammar: expected forms")
        terminal_options = self.options(terminal["options"], shape) if "options" in terminal else {}
        known = {**options, **terminal_options}
        return Rule(
            f"{grant}/{command}", f"{self.reader.name.rpartition('/')[2]}:{key.line}",
            self.identity(keys["run_as"]) if "run_as" in keys else run_as,
            options,
            read_operands(self.reader, keys["operands"]) if "operands" in keys else None,
            self.named(keys["needs"], known) if "needs" in keys else (),
            self.named(keys["needs_one_of"], known) if "needs_one_of" in keys else (),
            self.adds(keys["adds"], shape) if "adds" in keys else (),
            terminal_options,
            self.named(terminal["needs"], known) if "needs" in terminal else None,
            self.duration(keys["timeout"]) if "timeout" in keys else 0,
            forms, right,
        )  # fmt: skip

    def options(self, node: Node, shape: Grammar | None) -> dict[str, Type]:
        """Read `[all, last: 1..1000]`: option names, each perhaps with a narrower type."""
        found: dict[str, Type] = {}
        if node.kind == "text" and node.text == "by-containers" and shape is not None and shape.name in JUDGED:
            known = (name for name in shape.options if containers.knows(name))
            return {name: () for name in known if not limits.of_option(shape.name, name)}
        for item in self.reader.items(node, "a list of options"):
            for name, kind in item.pairs if item.kind == "map" else ((item, None),):
                if name.text in found:
                    self.reader.error(name, f"`{name.text}` stands twice")
                if self.option(name, shape, kind):
                    found[name.text] = self.narrower(kind) if kind is not None else ()
        return found

    def option(self, node: Node, shape: Grammar | None, kind: Node | None = None) -> bool:
        name = self.reader.text(node)
        if not name:
            return False
        if shape is None or name not in shape.options:
            known = shape.options if shape else ()
            self.reader.error(node, f"`{name}`: no such option{_perhaps(name, known)}")
            return False
        why = limits.of_option(shape.name, name)
        if why:
            self.reader.error(node, f"`{name}`: no policy can allow it: {why}")
            return False
        option = shape.options[name]
        if shape.name in JUDGED and not containers.knows(name):
            self.reader.error(node, f"`{name}`: this version can't judge it")
            return False
        if kind is not None and option.kind == "flag":
            self.reader.error(kind, f"`{name}` takes no value")
        judged = shape.name in JUDGED and containers.knows(name)
        if option.type and kind is None and not judged and values.is_unjudged(option.type):
            self.reader.error(node, f"`{name}`: its values can't be judged, list the ones allowed: {name}: a|b")
        return True

    def narrower(self, node: Node) -> Type:
        text = self.reader.text(node)
        try:
            return values.literals(text) if text else ()
        except ValueError as error:
            self.reader.error(node, f"{error}, expected words and ranges such as all|0..100")
            return ()

    def named(self, node: Node, known: Mapping[str, Type]) -> tuple[str, ...]:
        """Read a list of options that the rule grants."""
        names = self.reader.texts(node) if node.items or node.kind != "list" else ()
        for name in names:
            if name not in known:
                self.reader.error(node, f"`{name}` is not among the options granted here")
        return names

    def adds(self, node: Node, shape: Grammar | None) -> tuple[tuple[str, str], ...]:
        """Read `[no-pager, numeric if list]`."""
        found = []
        for item in self.reader.items(node, "a list of options"):
            name, _, condition = self.reader.text(item).partition(" if ")
            if self.option(item.but(text=name), shape) and shape and shape.options[name].kind == "value":
                self.reader.error(item, f"`{name}` needs a value, which can't be added")
            if condition and shape and condition not in shape.options:
                self.reader.error(item, f"`{condition}`: no such option")
            found.append((name, condition))
        return tuple(found)

    def duration(self, node: Node) -> int:
        seconds = builtins.seconds(self.reader.text(node))
        if not seconds:
            self.reader.error(node, "expected a duration such as 30s, 15m or 2h")
        return seconds or 1

    # -- the rest --

    def roles(self, node: Node, grants: Mapping[str, list[tuple[str, Rule]]]) -> dict[str, Role]:
        read = {key.text: self.reader.mapping(value, ROLE, ("grants",)) for key, value in self.reader.pairs(node)}
        made = {
            name: Role(
                name,
                self.reader.texts(keys["users"]) if "users" in keys else (),
                self.reader.texts(keys["groups"]) if "groups" in keys else (),
                {command: _distinct(found) for command, found in self.rules(name, read, grants, ()).items()},
            )
            for name, keys in read.items()
        }
        self.one_role_each(node, made)
        return made

    def rules(
        self, name: str, read: Mapping[str, dict[str, Node]], grants: Mapping[str, list[tuple[str, Rule]]],
        below: tuple[str, ...],
    ) -> dict[str, list[Rule]]:  # fmt: skip
        """Collect the rules of a role and of those that it extends. below: the roles that led here."""
        keys = read[name]
        rules: dict[str, list[Rule]] = {}
        if "extends" in keys:
            base = self.reader.text(keys["extends"])
            if base not in read:
                self.reader.error(keys["extends"], f"`{base}`: no such role{_perhaps(base, read)}")
            elif base == name or base in below:
                self.reader.error(keys["extends"], "a role can't extend itself")
            else:
                rules = self.rules(base, read, grants, (*below, name))
        for grant in self.reader.texts(keys["grants"]) if "grants" in keys else ():
            if grant not in grants:
                self.reader.error(keys["grants"], f"`{grant}`: no such grant{_perhaps(grant, grants)}")
            for command, rule in grants.get(grant, ()):
                rules.setdefault(command, []).append(rule)
        return rules

    def one_role_each(self, node: Node, roles: Mapping[str, Role]) -> None:
        """A user or a group with two roles would be given one by chance."""
        for what in ("users", "groups"):
            seen: dict[str, str] = {}
            for role in roles.values():
                for name in getattr(role, what):
                    if name in seen:
                        self.reader.error(node, f"{what[:-1]} `{name}` has two roles: {seen[name]} and {role.name}")
                    seen[name] = role.name

    def advice(self, node: Node) -> tuple[dict[str, tuple[Advice, ...]], dict[str, tuple[int, int]]]:
        found: dict[str, list[Advice]] = {}
        where: dict[str, tuple[int, int]] = {}
        for key, value in self.reader.pairs(node):
            keys = self.reader.mapping(value, ("why", "instead"), ("why",))
            why = self.reader.text(keys["why"]) if "why" in keys else ""
            instead = self.reader.text(keys["instead"]) if "instead" in keys else ""
            pattern = tuple(key.text.split())
            if not pattern:
                self.reader.error(key, "expected the words of a command")
                continue
            for program in pattern[0].split("|"):
                found.setdefault(program, []).append(Advice(pattern, why, instead))
            where[key.text] = value.where()
        return {name: tuple(advice) for name, advice in found.items()}, where

    def never(self, node: Node) -> dict[str, str]:
        """Read a list of commands; a program stands for all of its commands."""
        found: dict[str, str] = {}
        for item in self.reader.items(node, "a list of commands"):
            for spelling in _alternatives(self.reader.text(item)):
                name, _, rest = spelling.partition(" ")
                program = self.programs.get(name)
                keys = [program.names.get(rest, "")] if program and rest else []
                if program and not rest:
                    keys = [name, *program.names.values()]
                if not any(keys):
                    self.reader.error(item, f"`{spelling}`: no such command")
                found.update(dict.fromkeys(keys, f"{self.reader.name.rpartition('/')[2]}:{item.line}"))
        return found

    def settings(self, keys: dict[str, Node]) -> dict[str, object]:
        made: dict[str, object] = {}
        if "limits" in keys:
            for name, node in self.reader.mapping(keys["limits"], ("timeout", "idle", "commands_at_once")).items():
                made[name] = self.count(node) if name == "commands_at_once" else self.duration(node)
        if "audit" in keys:
            audit = self.reader.mapping(keys["audit"], ("required", "journal", "file"))
            for name in ("required", "journal"):
                if name in audit:
                    made["audit_" + name] = self.reader.yes(audit[name])
            if "file" in audit:
                made["audit_file"] = self.reader.text(audit["file"])
                if not str(made["audit_file"]).startswith("/"):
                    self.reader.error(audit["file"], "expected an absolute path")
        return made

    def count(self, node: Node) -> int:
        text = self.reader.text(node)
        if text.isascii() and text.isdigit() and 0 < int(text) <= MOST_AT_ONCE:
            return int(text)
        self.reader.error(node, f"expected a number from 1 to {MOST_AT_ONCE}")
        return 0

    def expect(self, node: Node, roles: Mapping[str, Role]) -> tuple[Expected, ...]:
        made: list[Expected] = []
        for key, value in self.reader.pairs(node):
            if key.text not in roles:
                self.reader.error(key, f"`{key.text}`: no such role{_perhaps(key.text, roles)}")
            for verdict, lines in self.reader.mapping(value, ("allow", "refuse")).items():
                made += [
                    Expected(key.text, verdict == "allow", self.reader.text(item), item.where())
                    for item in self.reader.items(lines, "a list of lines")
                ]
        return tuple(made)


def _alternatives(text: str) -> list[str]:
    """Read `docker commit|export` as two commands."""
    made = [""]
    for word in text.split():
        made = [f"{start} {part}".strip() for start in made for part in word.split("|")]
    return made


def _distinct(rules: list[Rule]) -> tuple[Rule, ...]:
    """Drop what a role got twice, and order by name: the order in the file means nothing."""
    by_name = {rule.name: rule for rule in rules}
    return tuple(by_name[name] for name in sorted(by_name))


def _perhaps(word: str, known: object) -> str:
    close = nearest(word, known)  # type: ignore[arg-type]
    return f", perhaps {' or '.join(close)}" if close else ""
