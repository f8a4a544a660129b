"""Strict YAML to nodes with positions: scalars are text, keys are unique, nothing is implied.

YAML 1.1 has eleven ways to say something else than what a reader sees (`no` is false, 22:22 is 1342,
a repeated key wins silently); none of them gets through.
"""

from __future__ import annotations

from typing import Any

import yaml

from rshell.core.compose.nodes import Node

__all__ = ["Broken", "Node", "Reader", "parse"]

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 16
MAX_SHARED_TEXT = 256 * 1024  # characters that aliases may stand for
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is nine times faster


class Broken(Exception):
    """This is no YAML that we read: (line, column, what)."""

    def __init__(self, line: int, column: int, what: str) -> None:
        super().__init__(what)
        self.line, self.column, self.what = line, column, what


def parse(data: bytes, shared: int = 0) -> Node:
    """Read one document whose root is a mapping.

    shared: how many nodes aliases and merge keys may bring in; 0: none are accepted.
    Raises Broken at the first thing that is not strict.
    """
    if len(data) > MAX_BYTES:
        raise Broken(1, 1, f"the file is larger than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Broken(data.count(b"\n", 0, error.start) + 1, 1, "this is not valid UTF-8") from None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.isprintable() and not (shared and _tabs_at_end(line)):
            column = next(i for i, char in enumerate(line, 1) if not char.isprintable())
            what = "a tab is not accepted here, write spaces" if line[column - 1] == "\t" else \
                f"the character U+{ord(line[column - 1]):04X} is not accepted"  # fmt: skip
            raise Broken(number, column, what)
    try:
        return _Composer(text, shared).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Broken(*where, error.problem or "this is not YAML") from None
    except yaml.YAMLError as error:
        raise Broken(1, 1, f"this is not YAML: {error}") from None


def _tabs_at_end(line: str) -> bool:
    """Tell whether nothing odd is in a line but tabs at its end, or in front of a comment there."""
    before, _, after = line.partition("\t")
    rest = after.lstrip("\t ")
    return before.isprintable() and rest[:1] in ("", "#") and rest.isprintable()


class _Composer:
    """Makes nodes of events. shared: see parse."""

    def __init__(self, text: str, shared: int) -> None:
        self.events: Any = iter(yaml.parse(text, Loader=Loader))
        self.shared = shared
        self.anchors: dict[str, tuple[Node, int, int]] = {}  # what stands there, how many nodes and characters that is
        self.made = self.written = 0  # nodes and their characters so far
        self.repeated = self.rewritten = 0  # those of them that aliases brought in

    def document(self) -> Node:
        next(self.events)  # the stream starts
        first = next(self.events)
        if isinstance(first, yaml.StreamEndEvent):
            raise Broken(1, 1, "the file is empty, expected a mapping")
        if first.version or first.tags:
            raise Broken(first.start_mark.line + 1, 1, "directives (%) are not accepted")
        root = self.node(next(self.events), 0)
        next(self.events)  # the document ends
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise Broken(after.start_mark.line + 1, 1, "a second document, expected one")
        if root.kind != "map":
            raise Broken(root.line, root.column, "expected a mapping")
        return root

    def node(self, event: Any, depth: int) -> Node:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        anchor = getattr(event, "anchor", None)
        if anchor and not self.shared:
            raise Broken(line, column, "anchors and aliases are not accepted")
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event.anchor, line, column)
        if getattr(event, "tag", None):
            raise Broken(line, column, "tags are not accepted")
        if depth > MAX_DEPTH:
            raise Broken(line, column, f"nested more than {MAX_DEPTH} deep")
        if anchor in self.anchors:
            raise Broken(line, column, f"the anchor &{anchor} stands twice")
        before, written = self.made, self.written
        made = self.value(event, depth, line, column)
        self.made += 1
        self.written += len(made.text)
        if anchor:
            self.anchors[anchor] = (made, self.made - before, self.written - written)
        return made

    def alias(self, anchor: str | None, line: int, column: int) -> Node:
        """Return what an anchor stands for.

        SECURITY: ten lines of aliases can stand for a billion nodes, and a few of a long text for a gigabyte.
        """
        if anchor is None or anchor not in self.anchors:
            raise Broken(line, column, f"*{anchor}: there is no such anchor before it")
        node, count, characters = self.anchors[anchor]
        self.made += count
        self.repeated += count
        if self.repeated > self.shared:
            raise Broken(line, column, f"aliases stand for more than {self.shared} values")
        self.written += characters
        self.rewritten += characters
        if self.rewritten > MAX_SHARED_TEXT:
            raise Broken(line, column, f"aliases stand for more than {MAX_SHARED_TEXT} characters")
        return node

    def value(self, event: Any, depth: int, line: int, column: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            for char in event.value:
                if not char.isprintable() and char not in "\n\t":
                    raise Broken(line, column, f"the character U+{ord(char):04X} is not accepted")
            return Node("text", event.value, (), (), line, column, event.implicit[0])
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
                items.append(self.node(event, depth + 1))
            return Node("list", "", tuple(items), (), line, column, False)
        return Node("map", "", (), self.pairs(depth), line, column, False)

    def pairs(self, depth: int) -> tuple[tuple[Node, Node], ...]:
        pairs: list[tuple[Node, Node]] = []
        merged: list[tuple[Node, Node]] = []
        seen: dict[str, Node] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            if key.kind != "text":
                raise Broken(key.line, key.column, "a key must be text")
            merges = key.text == "<<" and (key.plain or self.shared > 0)
            if merges and not (self.shared and key.plain):
                raise Broken(key.line, key.column, "merge keys are not accepted")
            if key.text in seen:
                raise Broken(key.line, key.column, f"`{key.text}` stands twice, first in line {seen[key.text].line}")
            seen[key.text] = key
            value = self.node(next(self.events), depth + 1)
            if merges:
                merged += _merged(value)
            else:
                pairs.append((key, value))
        for key, value in merged:  # what is written there wins, then what is merged first
            if key.text not in seen:
                seen[key.text] = key
                pairs.append((key, value))
        return tuple(pairs)


def _merged(value: Node) -> list[tuple[Node, Node]]:
    """Return the pairs that `<<: *mapping` or `<<: [*one, *other]` brings in."""
    several = value.items if value.kind == "list" else (value,)
    for one in several:
        if one.kind != "map":
            raise Broken(one.line, one.column, "<< takes a mapping, or a list of them")
    return [pair for one in several for pair in one.pairs]


class Reader:
    """Reads nodes by a schema and collects every error, instead of stopping at the first."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.errors: list[tuple[int, int, str]] = []

    def error(self, node: Node, what: str) -> None:
        """Remember an error at a node."""
        self.errors.append((node.line, node.column, what))

    def report(self) -> list[str]:
        """Return the errors in the order of the file: `policy.yaml:LINE:COL: what`."""
        return [f"{self.name}:{line}:{column}: {what}" for line, column, what in sorted(self.errors)]

    def mapping(self, node: Node, allowed: tuple[str, ...] = (), required: tuple[str, ...] = ()) -> dict[str, Node]:
        """Return the values of a mapping by key; unknown and missing keys are errors. No `allowed`: any key."""
        if node.kind != "map":
            self.error(node, "expected a mapping" + (f" with {', '.join(allowed)}" if allowed else ""))
            return {}
        for key, _ in node.pairs:
            if allowed and key.text not in allowed:
                self.error(key, f"unknown key `{key.text}`, expected {' '.join(allowed)}")
        found = {key.text: value for key, value in node.pairs}
        for name in required:
            if name not in found:
                self.error(node, f"`{name}` is missing")
        return found

    def pairs(self, node: Node) -> tuple[tuple[Node, Node], ...]:
        """Return the pairs of a mapping; anything else is an error."""
        if node.kind != "map":
            self.error(node, "expected a mapping")
        return node.pairs

    def items(self, node: Node, what: str = "a list") -> tuple[Node, ...]:
        """Return the items of a list; anything else is an error."""
        if node.kind != "list":
            self.error(node, f"expected {what}")
        return node.items

    def text(self, node: Node, empty: bool = False) -> str:
        """Return the text of a scalar."""
        if node.kind != "text" or (not node.text and not empty):
            self.error(node, "expected text")
            return ""
        return node.text

    def texts(self, node: Node) -> tuple[str, ...]:
        """Return a list of texts; a single text will do."""
        if node.kind == "text" and node.text:
            return (node.text,)
        if node.kind != "list":
            self.error(node, "expected a list of words")
            return ()
        return tuple(text for text in (self.text(item) for item in node.items) if text)

    def word(self, node: Node, allowed: tuple[str, ...]) -> str:
        """Return one of a few words."""
        text = self.text(node)
        if text and text not in allowed:
            self.error(node, f"`{text}`: expected {' or '.join(allowed)}")
        return text

    def yes(self, node: Node) -> bool:
        """Return a boolean: `true` or `false`, nothing else."""
        return self.word(node, ("true", "false")) == "true"
