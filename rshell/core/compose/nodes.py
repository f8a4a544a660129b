"""Nodes of a file that was read strictly, and what may be read from them: each thing in one spelling only."""

from __future__ import annotations

from rshell.core import values
from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NULLS = ("", "~", "null", "Null", "NULL")
# What YAML 1.1 or 1.2 takes for a truth value, an absent value, or a number that is none.
DISPUTED = frozenset(
    word for one in (*"yes no on off y n".split(), *NULLS, ".inf", "-.inf", "+.inf", ".nan", "=")
    for word in (one, one.upper(), one.capitalize())
)  # fmt: skip
TRUTHS = ("True", "TRUE", "False", "FALSE")
FIRST_OF_NUMBER = values.DIGITS | frozenset("+-.")
MAX_KEY = 200  # characters; a key beyond 1024 is none to some readers of YAML


class Node(Value):
    """A scalar: its text. A list: its items. A mapping: its pairs of (key node, value node)."""

    kind: str  # text | list | map
    text: str
    items: tuple[Node, ...]
    pairs: tuple[tuple[Node, Node], ...]
    line: int  # from 1
    column: int
    plain: bool  # not quoted

    def where(self) -> tuple[int, int]:
        """Return line and column, from 1."""
        return (self.line, self.column)


class Wrong(Exception):
    """A part of a file that may not be there, or not so.

    node: where it stands. path: as people say it, services.web.image. what: the rest of the sentence.
    why: the reason, or what is expected. misread: it can't be read, so that no policy is asked.
    """

    def __init__(self, node: Node, path: str, what: str, why: str = "", misread: bool = False) -> None:
        super().__init__(what)
        self.node, self.path, self.what, self.why, self.misread = node, path, what, why, misread


class Filled(Wrong):
    """A `$` that compose would fill in; where in its text that stands is looked for in the file."""


def is_null(node: Node) -> bool:
    """Tell whether nothing is written there: `key:` or `key: null`."""
    return node.kind == "text" and node.plain and node.text in NULLS


def is_false(node: Node) -> bool:
    """Tell whether `false` is written there, in the one way that all readers of YAML take for it."""
    return node.kind == "text" and node.plain and node.text == "false"


def text(node: Node, path: str) -> str:
    """Return the text of a scalar, with `$$` as the `$` that it means. Raises Wrong."""
    if node.kind != "text":
        raise Wrong(node, path, "is not text", "expected text", True)
    if node.plain and is_disputed(node.text):
        raise Wrong(node, path, f"is {node.text or 'empty'}, which readers of YAML take differently", "quote it", True)
    parts = node.text.split("$$")
    if any("$" in part for part in parts):
        # SECURITY: compose would fill in ${NAME} from the environment it runs in
        raise Filled(node, path, "has a $ in it: nothing is filled in here", "write the value, or $$ for a $", True)
    if node.plain and node.text in TRUTHS:
        return node.text.lower()  # as compose does, which has read a truth value
    return "$".join(parts)


def lone_dollar(line: str, start: int = 0) -> int:
    """Return where a `$` stands in a line that is not one of `$$`, -1 for nowhere."""
    return line.replace("$$", "..").find("$", start)


def is_disputed(plain: str) -> bool:
    """Tell whether an unquoted scalar means something else than its letters to some reader of YAML.

    Source: yaml.org/type (1.1); YAML 1.2, 10.3.2; gopkg.in/yaml.v3 resolve.go, which compose uses.
    """
    if plain in DISPUTED or plain.startswith("<<"):
        return True
    if plain[0] not in FIRST_OF_NUMBER:
        return False
    if plain[:4].isdigit() and plain[4:5] == "-" and plain[5:6].isdigit():
        return True  # a date
    digits = plain.replace("_", "").lower()
    if digits.lstrip("+-")[:2] in ("0x", "0o", "0b"):
        return True
    try:
        number = float(digits)
    except ValueError:
        return False
    return (plain != repr(number) or plain.endswith(".0")) and not values.fits(("int",), plain)  # Go writes 1.0 as 1


def flag(node: Node, path: str) -> bool:
    """Return true or false, written so. Raises Wrong."""
    if node.kind != "text" or not node.plain or node.text not in ("true", "false"):
        raise Wrong(node, path, "is not true or false", "expected true or false, without quotes", True)
    return node.text == "true"


def number(node: Node, path: str, low: int, high: int) -> int:
    """Return a whole number within bounds. Raises Wrong."""
    if node.kind != "text" or not values.fits(("range", low, high), node.text):
        raise Wrong(node, path, "is not allowed", f"expected {values.describe(('range', low, high))}")
    return int(node.text)


def mode(node: Node, path: str) -> int:
    """Return permissions, written in octal as everywhere. Raises Wrong."""
    digits = node.text.removeprefix("0o") if node.kind == "text" else ""
    digits = digits.removeprefix("0")
    if not 0 < len(digits) <= 4 or not frozenset("01234567").issuperset(digits):
        raise Wrong(node, path, "is no mode", "expected one such as 0444", True)
    return int(digits, 8)


def decimal(node: Node, path: str) -> str:
    """Return a number such as 1.50 or .5, which as text could be meant otherwise. Raises Wrong."""
    if node.kind == "text" and node.text.startswith(".") and values.fits(("float",), f"0{node.text}"):
        return f"0{node.text}"
    octal = node.text[:1] == "0" and node.text[1:2] not in (".", "")
    if node.kind == "text" and values.fits(("float",), node.text) and not octal:
        return node.text
    return text(node, path)


def items(node: Node, path: str) -> Iterator[tuple[Node, str]]:
    """Return the items of a list, each with its path. Raises Wrong."""
    if node.kind != "list":
        raise Wrong(node, path, "is not a list", "expected a list", True)
    return ((item, f"{path}[{index}]") for index, item in enumerate(node.items))


def texts(node: Node, path: str) -> list[str]:
    """Return the texts of a list. Raises Wrong."""
    return [text(item, place) for item, place in items(node, path)]


def entries(node: Node, path: str) -> Iterator[tuple[str, Node, Node, str]]:
    """Return the pairs of a mapping whose keys are names of somebody's own: key, its node, the value, its path.

    Raises Wrong.
    """
    if node.kind != "map":
        raise Wrong(node, path or "it", "is not a mapping", "expected a mapping", True)
    for key, value in node.pairs:
        if len(key.text) > MAX_KEY or "$" in key.text:
            raise Wrong(key, path or "it", "has a key that is too long, or has a $ in it", "", True)
        yield key.text, key, value, f"{path}.{key.text}" if path else key.text


def pairs(node: Node, path: str) -> Iterator[tuple[str, Node, Node, str]]:
    """Return the pairs of a mapping whose keys have a meaning, without extensions (x-...). Raises Wrong."""
    return (entry for entry in entries(node, path) if not entry[0].startswith("x-"))


def mapping(node: Node, path: str, known: tuple[str, ...]) -> dict[str, tuple[Node, str]]:
    """Return the values of a mapping with these keys and no others, each with its path. Raises Wrong."""
    found = {}
    for key, at, value, place in pairs(node, path):
        if key not in known:
            raise Wrong(at, place, "is not allowed", f"allowed there: {' '.join(known)}")
        found[key] = (value, place)
    return found


def named(node: Node, path: str, kind: str = "name") -> Iterator[tuple[str, Node, Node, str]]:
    """Return the pairs of a mapping whose keys are names: key, its node, the value, its path. Raises Wrong."""
    for key, at, value, place in entries(node, path):
        if not values.fits((kind,), key):
            raise Wrong(at, place, "is no name", f"expected {values.describe((kind,))}", True)
        yield key, at, value, place


def as_json(value: object) -> str:
    """Write texts, numbers, switches, lists and dicts as JSON that is YAML too, and means the same there.

    Every text gets its `$` doubled, for compose fills them in. Characters beyond ASCII stand as they are:
    YAML has no surrogates.
    """
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return '"' + escaped.replace("$", "$$") + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_json(key)}: {as_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_json, value)) + "]"
    raise TypeError(f"no JSON for {type(value).__name__}")
