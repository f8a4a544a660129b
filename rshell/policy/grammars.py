"""completions/*.yaml to grammars: what docker, the audit tools and the filters understand."""

from __future__ import annotations

from rshell.core import limits, values
from rshell.core.model import Grammar, Option, Program
from rshell.core.value import Value
from rshell.policy.tree import Node, Reader, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rshell.core.model import Type

PROGRAM_KEYS = (
    "about", "parser", "versions", "environment", "options", "operands", "commands", "trees", "groups",
    "numeric", "plus", "unless", "stop", "dashes", "plugin", "always",
)  # fmt: skip
COMMAND_KEYS = (
    "about",
    "also",
    "options",
    "operands",
    "stop",
    "dashes",
    "hidden",
    "since",
    "until",
    "plugin",
    "unless",
)
OPTION_KEYS = ("short", "type", "many", "also", "emit", "hidden", "since", "until", "value", "long", "about")
EMPTY = Node("map", "", (), (), 0, 0, True)


class Tree(Value):
    """A program with the grammars of all its commands, granted or not."""

    program: Program
    commands: Mapping[str, Grammar]


class BadGrammar(Exception):
    """A completions file is wrong; carries the lines of the report."""


def load(files: Iterable[tuple[str, bytes]]) -> dict[str, Tree]:
    """Read completions files: (name, content). Returns the programs by name. Raises BadGrammar."""
    trees: dict[str, Tree] = {}
    for name, data in files:
        reader = Reader(name)
        for key, node in parse(data).pairs:
            trees[key.text] = _Loader(reader).tree(key.text, node)
        if reader.errors:
            raise BadGrammar("\n".join(reader.report()))
    return trees


class _Loader:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def tree(self, name: str, node: Node) -> Tree:
        """Read one program."""
        keys = self.reader.mapping(node, PROGRAM_KEYS, ("about", "parser"))
        parser = self.reader.word(keys["parser"], ("pflag", "getopt")) if "parser" in keys else ""
        environment = tuple(
            (key.text, self.reader.text(value))
            for key, value in (keys["environment"].pairs if "environment" in keys else ())
        )
        about = self.reader.text(keys["about"]) if "about" in keys else ""
        if "commands" not in keys:
            grammar = self.grammar(name, name, (), parser, keys)
            return Tree(Program(name, about, parser, {}, None, (), environment), {name: grammar})
        commands: dict[str, Grammar] = {}
        names: dict[str, str] = {}
        for key, value in keys["commands"].pairs:
            inner = self.reader.mapping(value, COMMAND_KEYS)
            spellings = [key.text, *(self.reader.texts(inner["also"]) if "also" in inner else ())]
            shortest = min(spellings, key=lambda spelling: (len(spelling.split()), spellings.index(spelling)))
            full = f"{name} {shortest}"
            for spelling in spellings:
                if spelling in names:
                    self.reader.error(key, f"`{spelling}` is claimed twice")
                names[spelling] = full
            commands[full] = self.grammar(name, full, tuple(key.text.split()), parser, inner)
        for key, value in keys["trees"].pairs if "trees" in keys else ():
            names[key.text] = self.reader.text(value)
        root = self.grammar(name, name, (), parser, {k: v for k, v in keys.items() if k == "options"}, stop=True)
        allowed = limits.ROOT_OPTIONS.get(name, ())
        always = self.reader.texts(keys["always"]) if "always" in keys else ()
        plugin = self.reader.text(keys["plugin"]) if "plugin" in keys else ""
        return Tree(Program(name, about, parser, names, root, allowed, environment, always, plugin), commands)

    def grammar(
        self, program: str, name: str, emit: tuple[str, ...], parser: str, keys: dict[str, Node], stop: bool = False
    ) -> Grammar:
        """Read the grammar of one command."""
        options: dict[str, Option] = {}
        spellings: dict[str, str] = {}
        for key, node in keys["options"].pairs if "options" in keys else ():
            self.option(key, node, options, spellings)
        operands = self.operands(keys["operands"]) if "operands" in keys else ()
        return Grammar(
            name, emit, parser, options, spellings, operands,
            self.reader.texts(keys["unless"]) if "unless" in keys else (),
            stop or ("stop" in keys and self.reader.yes(keys["stop"])),
            "dashes" not in keys or self.reader.yes(keys["dashes"]),
            self.reader.text(keys["numeric"]) if "numeric" in keys else "",
            self.reader.text(keys["plus"]) if "plus" in keys else "",
            self.reader.text(keys["about"]) if "about" in keys else "",
        )  # fmt: skip

    def option(self, key: Node, node: Node, options: dict[str, Option], spellings: dict[str, str]) -> None:
        keys = self.reader.mapping(node, OPTION_KEYS)
        name = key.text
        short = self.reader.text(keys["short"]) if "short" in keys else ""
        kind = "value" if "type" in keys else "flag"
        if "value" in keys:
            kind = self.reader.word(keys["value"], ("optional", "next"))
        long = "long" not in keys or self.reader.yes(keys["long"])
        options[name] = Option(
            name, short, kind, self.type(keys["type"]) if "type" in keys else (),
            "many" in keys and self.reader.yes(keys["many"]),
            self.reader.text(keys["emit"]) if "emit" in keys else "",
            long, self.reader.text(keys["about"]) if "about" in keys else "",
        )  # fmt: skip
        also = self.reader.texts(keys["also"]) if "also" in keys else ()
        written = ["--" + one for one in ((name,) if long else ()) + also] + (["-" + short] if short else [])
        for spelling in written:
            if spelling in spellings:
                self.reader.error(key, f"`{spelling}` is claimed twice")
            spellings[spelling] = name

    def type(self, node: Node) -> Type:
        """Read a type; a word list may not hide a named type."""
        try:
            return values.read(self.reader.text(node))
        except ValueError as error:
            self.reader.error(node, str(error))
            return ()

    def operands(self, node: Node) -> tuple[tuple[Type, str], ...]:
        return read_operands(self.reader, node)


def read_operands(reader: Reader, node: Node) -> tuple[tuple[Type, str], ...]:
    """Read `container...`, `text? name`, `none`: types with how many of each, '' one, ? * +."""
    text = reader.text(node)
    if text == "none":
        return ()
    made: list[tuple[Type, str]] = []
    for part in text.split():
        many = "+" if part.endswith("...") else part[-1] if part[-1] in "?*" else ""
        name = part.removesuffix("...").rstrip("?*")
        try:
            made.append((values.read(name), many))
        except ValueError as error:
            reader.error(node, f"{error}, expected none, container, container..., image? and the like")
    return tuple(made)
