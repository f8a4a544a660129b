"""YAML without its surprises: scalars are text, keys are unique, nothing is implied."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rshell.policy.tree import MAX_BYTES, MAX_DEPTH, Broken, Node, Reader, parse


def plain(node: Node) -> object:
    """A node without its places."""
    if node.kind == "text":
        return node.text
    if node.kind == "list":
        return [plain(item) for item in node.items]
    return {key.text: plain(value) for key, value in node.pairs}


def broken(data: str | bytes) -> tuple[int, int, str]:
    with pytest.raises(Broken) as caught:
        parse(data.encode() if isinstance(data, str) else data)
    return caught.value.line, caught.value.column, caught.value.what


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x: [no, off, yes, on, y, n, true, False, ~, null]",
         {"x": ["no", "off", "yes", "on", "y", "n", "true", "False", "~", "null"]}),
        ("ports: [22:22, 12:30:45, 1:30]", {"ports": ["22:22", "12:30:45", "1:30"]}),
        ("v: [1_000, 017, 0o17, 0x10, 1e3, 1.10, 08, .inf, .nan]",
         {"v": ["1_000", "017", "0o17", "0x10", "1e3", "1.10", "08", ".inf", ".nan"]}),
        ("d: [2024-01-01, 2024-01-01T00:00:00Z]", {"d": ["2024-01-01", "2024-01-01T00:00:00Z"]}),
        ("no: a\noff: b\n1: c\n~: d", {"no": "a", "off": "b", "1": "c", "~": "d"}),
        ("a:", {"a": ""}),
        ("a: ''", {"a": ""}),
        ("a: =", {"a": "="}),
        ("'<<': a", {"<<": "a"}),
        ("a: <<", {"a": "<<"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("# only\na: b # comment\n", {"a": "b"}),
        ("{a: {b: [c, {d: e}]}}", {"a": {"b": ["c", {"d": "e"}]}}),
        ("a: é", {"a": "é"}),
        ("--- {a: b}\n...\n", {"a": "b"}),
    ],
)  # fmt: skip
def test_a_scalar_is_its_text(text: str, expected: object) -> None:
    assert plain(parse(text.encode())) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2", (2, 1, "`a` stands twice, first in line 1")),
        ("deny: {docker: [run, exec]}\ndeny: {}", (2, 1, "`deny` stands twice, first in line 1")),
        ("x: {a: 1, 'a': 2}", (1, 11, "`a` stands twice, first in line 1")),
        ("b: {rm: deny}\nx: {<<: {rm: allow}, rm: allow}", (2, 5, "merge keys are not accepted")),
        ("b: &b {rm: deny}", (1, 4, "anchors and aliases are not accepted")),
        ("x: *b", (1, 4, "anchors and aliases are not accepted")),
        ("x: [&a a]", (1, 5, "anchors and aliases are not accepted")),
        ("&a x: y", (1, 1, "anchors and aliases are not accepted")),
        ("a: !!python/object/apply:os.system [id]", (1, 4, "tags are not accepted")),
        ("a: !!str no", (1, 4, "tags are not accepted")),
        ("a: !x y", (1, 4, "tags are not accepted")),
        ("a: ! y", (1, 4, "tags are not accepted")),
        ("!!map {a: b}", (1, 1, "tags are not accepted")),
        ("a: !!set {b}", (1, 4, "tags are not accepted")),
        ("", (1, 1, "the file is empty, expected a mapping")),
        ("# nothing\n", (1, 1, "the file is empty, expected a mapping")),
        ("null", (1, 1, "expected a mapping")),
        ("- a", (1, 1, "expected a mapping")),
        ("a", (1, 1, "expected a mapping")),
        ("---\n", (2, 1, "expected a mapping")),
        ("a: b\n---\nc: d", (2, 1, "a second document, expected one")),
        ("a: b\n...\n---\n", (3, 1, "a second document, expected one")),
        ("? [a]\n: b", (1, 3, "a key must be text")),
        ("? {a: b}\n: c", (1, 3, "a key must be text")),
        ("{[a]: b}", (1, 2, "a key must be text")),
        ("a:\tb", (1, 3, "a tab is not accepted here, write spaces")),
        ("a: b\t# c", (1, 5, "a tab is not accepted here, write spaces")),
        ("a: b\r\n", (1, 5, "the character U+000D is not accepted")),
        ("a: \u202e", (1, 4, "the character U+202E is not accepted")),
        ("x: y\na: \u200b", (2, 4, "the character U+200B is not accepted")),
        ("a: \x00", (1, 4, "the character U+0000 is not accepted")),
        ("a: \x1b[31m", (1, 4, "the character U+001B is not accepted")),
        ("\ufeffa: b", (1, 1, "the character U+FEFF is not accepted")),
        ("a: \u2028b", (1, 4, "the character U+2028 is not accepted")),
        ("a: \u0085b", (1, 4, "the character U+0085 is not accepted")),
        ("a: \u00a0", (1, 4, "the character U+00A0 is not accepted")),
    ],
)
def test_what_could_mean_something_else_is_refused(text: str, expected: tuple[int, int, str]) -> None:
    assert broken(text) == expected


@pytest.mark.parametrize("escape", ["\\u202e", "\\e[31m", "\\0", "\\x07", "\\u200b", "\\ufeff", "\\r", "\\_"])
def test_a_refused_character_written_as_an_escape_is_refused_too(escape: str) -> None:
    line, column, what = broken(f'a: "{escape}"')
    assert (line, column) == (1, 4)
    assert "is not accepted" in what


def test_bytes_that_are_no_utf_8_are_refused_with_their_line() -> None:
    assert broken(b"a: b\nc: \xff\n") == (2, 1, "this is not valid UTF-8")
    assert broken("a: b".encode("utf-16")) == (1, 1, "this is not valid UTF-8")
    assert broken(b"a: \xed\xa0\x80") == (1, 1, "this is not valid UTF-8")


@pytest.mark.parametrize(
    "text", ["a: [", "a: {b: c", "a: 'b", 'a: "b', "a: b: c", "a: ]", "a: @b", "a: `b`", "%YAML 9.9", "a: %b"]
)
def test_what_is_no_yaml_says_where(text: str) -> None:
    line, column, what = broken(text)
    assert line >= 1
    assert column >= 1
    assert what


def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    assert broken(b"a: " + b"x" * MAX_BYTES) == (1, 1, f"the file is larger than {MAX_BYTES} bytes")
    assert plain(parse(b"a: " + b"x" * (MAX_BYTES - 3))) == {"a": "x" * (MAX_BYTES - 3)}


def test_nesting_has_a_limit() -> None:
    def nested(depth: int) -> str:
        return "a: " + "[" * depth + "]" * depth

    assert plain(parse(nested(MAX_DEPTH).encode()))
    assert broken(nested(MAX_DEPTH + 1)) == (1, 3 + MAX_DEPTH + 1, f"nested more than {MAX_DEPTH} deep")
    assert broken("a: " + "[" * 100_000)[2] == f"nested more than {MAX_DEPTH} deep"


def test_a_ladder_of_aliases_is_refused_at_its_first_rung() -> None:
    ladder = "a: &a [x, x]\n" + "".join(
        f"{after}: &{after} [*{before}, *{before}]\n" for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert broken(ladder) == (1, 4, "anchors and aliases are not accepted")


def test_every_node_knows_its_place() -> None:
    root = parse(b"a:\n  - b\n  - 'c': {d: e}\n")
    ((key, items),) = root.pairs
    assert (root.where(), key.where(), items.where()) == ((1, 1), (1, 1), (2, 3))
    first, second = items.items
    assert first == Node("text", "b", (), (), 2, 5, True)
    ((quoted, inner),) = second.pairs
    assert (quoted.where(), quoted.plain, inner.where()) == ((3, 5), False, (3, 10))


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=80), st.text("ab:-[]{}&*!|>'\"%@`#?,<~ \n\\x0u", max_size=40).map(str.encode)))
def test_any_bytes_are_a_tree_or_broken(data: bytes) -> None:
    try:
        root = parse(data)
    except Broken as error:
        where = (error.line, error.column)
        assert min(where) >= 1
    else:
        assert root.kind == "map"


SCALARS = st.text("abc019:.-_~<>=+ é", max_size=6)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3), max_leaves=8
)


def flow(value: object) -> str:
    if isinstance(value, str):
        return "'" + value + "'"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    assert isinstance(value, dict)
    return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"


@given(st.dictionaries(SCALARS, TREES, max_size=4))
def test_what_is_written_quoted_is_read_as_it_is(value: dict[str, object]) -> None:
    assert plain(parse(flow(value).encode())) == value


# -- the reader ------------------------------------------------------------------------


def test_the_reader_collects_every_error_in_the_order_of_the_file() -> None:
    root = parse(b"b: [x]\nc: maybe\na: {}\nd: ''\n")
    reader = Reader("p.yaml")
    keys = reader.mapping(root, ("a", "b", "c", "d"), ("e", "f"))
    assert reader.text(keys["a"]) == ""
    assert reader.text(keys["b"]) == ""
    assert reader.yes(keys["c"]) is False
    assert reader.text(keys["d"]) == ""
    assert reader.text(keys["d"], empty=True) == ""
    assert reader.mapping(keys["b"], ("q",)) == {}
    assert reader.texts(keys["a"]) == ()
    assert reader.texts(keys["b"]) == ("x",)
    assert reader.report() == [
        "p.yaml:1:1: `e` is missing",
        "p.yaml:1:1: `f` is missing",
        "p.yaml:1:4: expected a mapping with q",
        "p.yaml:1:4: expected text",
        "p.yaml:2:4: `maybe`: expected true or false",
        "p.yaml:3:4: expected a list of words",
        "p.yaml:3:4: expected text",
        "p.yaml:4:4: expected text",
    ]


@pytest.mark.parametrize("word", ["yes", "on", "True", "TRUE", "1", "y"])
def test_only_true_and_false_are_booleans(word: str) -> None:
    reader = Reader("p")
    assert reader.yes(parse(f"a: {word}".encode()).pairs[0][1]) is False
    assert reader.report() == [f"p:1:4: `{word}`: expected true or false"]


def test_unknown_keys_are_named_with_the_known_ones() -> None:
    reader = Reader("p")
    reader.mapping(parse(b"alow: x\nallow: y"), ("allow", "refuse"))
    assert reader.report() == ["p:1:1: unknown key `alow`, expected allow refuse"]
