"""The language of a line: every token, every span, every refusal, the limits and the characters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rshell import say
from rshell.core.line import MAX_COMMANDS, MAX_LINE, MAX_TEXT, parse
from rshell.core.model import Redirect, Refusal, Script, Simple, Word
from rshell.core.reading import RESERVED

NULL = -1
UNFINISHED = "line.unfinished"


def read(text: str) -> Script:
    script = parse(text)
    assert isinstance(script, Script), script
    return script


def simples(text: str) -> list[Simple]:
    return [simple for _, pipeline in read(text).items for simple in pipeline]


def words(text: str) -> list[list[str]]:
    """The words of each command."""
    return [[word.text for word in simple.words] for simple in simples(text)]


def only(text: str) -> Simple:
    (simple,) = simples(text)
    return simple


def operators(text: str) -> list[tuple[str, int]]:
    """The operator before each pipeline, and its number of stages."""
    return [(operator, len(pipeline)) for operator, pipeline in read(text).items]


def refused(text: str) -> tuple[str, tuple[int, int] | None]:
    """Why a text is refused, and where; everything this parser says is `unsupported`, and cites the text."""
    refusal = parse(text)
    assert isinstance(refusal, Refusal), refusal
    assert (refusal.kind, refusal.line) == ("unsupported", text)
    return refusal.code, refusal.at


# -- the whole tree --


def test_a_line_becomes_a_tree_of_pipelines_commands_and_words() -> None:
    assert parse("docker ps 2>&1 | head '-n 1' && echo $?") == Script(
        "docker ps 2>&1 | head '-n 1' && echo $?",
        (
            (
                "",
                (
                    Simple((Word("docker", (0, 6)), Word("ps", (7, 9))), (Redirect(2, 1),), None, (0, 9)),
                    Simple((Word("head", (17, 21)), Word("-n 1", (22, 28), True)), (), None, (17, 28)),
                ),
            ),
            ("&&", (Simple((Word("echo", (32, 36)), Word("", (37, 39), False, ((0, "?"),))), (), None, (32, 39)),)),
        ),
    )


@pytest.mark.parametrize("text", ["", " ", "\n", "\t\n \n", "# nothing", "  # a 'b \\\n", "\\\n", " \\\n \n#"])
def test_a_line_without_a_command_is_an_empty_script(text: str) -> None:
    assert parse(text) == Script(text, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", [("", 1)]),
        ("a;b", [("", 1), (";", 1)]),
        ("a\nb\n\n\nc\n", [("", 1), (";", 1), (";", 1)]),
        ("a;\nb;", [("", 1), (";", 1)]),
        ("a&&b||c", [("", 1), ("&&", 1), ("||", 1)]),
        ("a &&\n\n b", [("", 1), ("&&", 1)]),
        ("a || # why\n b", [("", 1), ("||", 1)]),
        ("a|b|c;d|e", [("", 3), (";", 2)]),
        ("a |\n# comment\n b", [("", 2)]),
        ("a \\\n| \\\n b \\\n; c", [("", 2), (";", 1)]),
        ("a\\\n&&b", [("", 1), ("&&", 1)]),
        ("\n\na # b; c\nd", [("", 1), (";", 1)]),
    ],
)
def test_operators_join_pipelines(text: str, expected: list[tuple[str, int]]) -> None:
    assert operators(text) == expected


# -- words --


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b\tc", ["a", "b", "c"]),
        ("a  \t b ", ["a", "b"]),
        ("a 'b  c'", ["a", "b  c"]),
        ("a '' \"\"", ["a", "", ""]),
        ("a 'b'\"c\"d\\e", ["a", "bcde"]),
        ("a '\\' '\"' '$x' '`x`'", ["a", "\\", '"', "$x", "`x`"]),
        ("a '*' '?' '[' '~' '{a,b}' '#' '&' ';'", ["a", "*", "?", "[", "~", "{a,b}", "#", "&", ";"]),
        ('a "\\$ \\` \\" \\\\ \\n \\a \\\' \'"', ["a", "$ ` \" \\ \\n \\a \\' '"]),
        ('a "*?[~{a,b}#&;|<>()!"', ["a", "*?[~{a,b}#&;|<>()!"]),
        ("a \\  \\' \\\" \\\\ \\$ \\* \\~ \\n", ["a", " ", "'", '"', "\\", "$", "*", "~", "n"]),
        ("a 'b\nc' \"d\ne\"", ["a", "b\nc", "d\ne"]),
        ("a b\\\nc \\\nd", ["a", "bc", "d"]),
        ("a \"b\\\nc\" 'b\\\nc'", ["a", "bc", "b\\\nc"]),
        ("do\\\ncker", ["docker"]),
        ("a b#c '#' \\#d", ["a", "b#c", "#", "#d"]),
        ("a b\\\n#c", ["a", "b#c"]),
        ("a # b", ["a"]),
        ("a \\\n# b", ["a"]),
        ("a b~ b~c :a~ =a~", ["a", "b~", "b~c", ":a~", "=a~"]),
        ("a {} {b} {{.Names}} } { b} {,", ["a", "{}", "{b}", "{{.Names}}", "}", "{", "b}", "{,"]),
        ("a ! !! if then x=1 x+=1 =", ["a", "!", "!!", "if", "then", "x=1", "x+=1", "="]),
        ("a ] %1 ^ @ + - -- , . : /", ["a", "]", "%1", "^", "@", "+", "-", "--", ",", ".", ":", "/"]),
        ("a $ $/ b$ $. $, $: $% $+ $= $^", ["a", "$", "$/", "b$", "$.", "$,", "$:", "$%", "$+", "$=", "$^"]),
        ('a "$" "b $ c" "$/"', ["a", "$", "b $ c", "$/"]),
        ("'if' a", ["if", "a"]),
        ("'A'=b", ["A=b"]),
        ("1a=b", ["1a=b"]),
        ("a é 日本 'ü'", ["a", "é", "日本", "ü"]),
    ],
)
def test_quotes_are_removed_as_a_shell_does(text: str, expected: list[str]) -> None:
    assert words(text) == [expected]


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("docker ps", ["docker", "ps"]),
        (" 'a b'c  \"d\"\\ e # f", ["'a b'c", '"d"\\ e']),
        ("a\\\nb \\\n c", ["a\\\nb", "c"]),
        ("a '' $HOME/x ${USER}$?", ["a", "''", "$HOME/x", "${USER}$?"]),
        ("a>/dev/null b 2>&1 c", ["a", "b", "c"]),
        ("é 日本", ["é", "日本"]),
    ],
)
def test_a_span_is_the_raw_word(text: str, raw: list[str]) -> None:
    assert [text[word.span[0] : word.span[1]] for word in only(text).words] == raw


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("a", False), ("'a'", True), ('"a"', True), ("\\a", True), ("a''", True), ("a\\\nb", False), ("$HOME", False)],
)
def test_a_word_knows_whether_any_of_it_was_quoted(text: str, quoted: bool) -> None:
    assert only(text).words[0].quoted is quoted


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("$HOME", Word("", (2, 7), False, ((0, "HOME"),))),
        ("${HOME}", Word("", (2, 9), False, ((0, "HOME"),))),
        ('"$USER"', Word("", (2, 9), True, ((0, "USER"),))),
        ('"${USER}"', Word("", (2, 11), True, ((0, "USER"),))),
        ("$?", Word("", (2, 4), False, ((0, "?"),))),
        ("${?}", Word("", (2, 6), False, ((0, "?"),))),
        ("x$HOME/y$?z", Word("x/yz", (2, 13), False, ((1, "HOME"), (3, "?")))),
        ("'$HOME'", Word("$HOME", (2, 9), True)),
        ("\\$HOME", Word("$HOME", (2, 8), True)),
        ('"\\$HOME"', Word("$HOME", (2, 10), True)),
        ("$HOME'x'$USER", Word("x", (2, 15), True, ((0, "HOME"), (1, "USER")))),
        ("$HOME$HOME", Word("", (2, 12), False, ((0, "HOME"), (0, "HOME")))),
        ("$?x", Word("x", (2, 5), False, ((0, "?"),))),
        ("$HOME-x", Word("-x", (2, 9), False, ((0, "HOME"),))),
    ],
)
def test_parameters_are_holes(text: str, word: Word) -> None:
    assert only("a " + text).words[1] == word


# -- redirections and here-documents --


@pytest.mark.parametrize(
    ("text", "redirects"),
    [
        ("2>&1", (Redirect(2, 1),)),
        ("2>& 1", (Redirect(2, 1),)),
        (">&2", (Redirect(1, 2),)),
        ("1>&2", (Redirect(1, 2),)),
        (">/dev/null", (Redirect(1, NULL),)),
        ("1> /dev/null", (Redirect(1, NULL),)),
        (">>/dev/null", (Redirect(1, NULL),)),
        ("2>/dev/null", (Redirect(2, NULL),)),
        ("2>> '/dev/null'", (Redirect(2, NULL),)),
        ("</dev/null", (Redirect(0, NULL),)),
        ("0</dev/null", (Redirect(0, NULL),)),
        ("&>/dev/null", (Redirect(1, NULL), Redirect(2, NULL))),
        ("&>>/dev/null", (Redirect(1, NULL), Redirect(2, NULL))),
        (">/dev/null 2>&1", (Redirect(1, NULL), Redirect(2, 1))),
        ("2>&1 >/dev/null", (Redirect(2, 1), Redirect(1, NULL))),
        ("2\\\n>&\\\n1", (Redirect(2, 1),)),
        (">\\\n/dev\\\n/null", (Redirect(1, NULL),)),
    ],
)
def test_the_listed_redirections_are_read_in_order(text: str, redirects: tuple[Redirect, ...]) -> None:
    assert only("a " + text) == Simple((Word("a", (0, 1)),), redirects, None, (0, 1))
    start = len(text) + 1
    assert only(text + " a") == Simple((Word("a", (start, start + 1)),), redirects, None, (0, start + 1))


def test_only_bare_digits_glued_to_the_operator_name_a_descriptor() -> None:
    assert [(one.words[1:], one.redirects) for one in simples("a 2 >/dev/null\na x2>/dev/null\na '2'>/dev/null")] == [
        ((Word("2", (2, 3)),), (Redirect(1, NULL),)),
        ((Word("x2", (17, 19)),), (Redirect(1, NULL),)),
        ((Word("2", (32, 35), True),), (Redirect(1, NULL),)),
    ]


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("a <<'E'\nE", ""),
        ("a <<'E'\nE\n", ""),
        ("a <<'E'\nx\nE", "x\n"),
        ("a <<'E'\n$HOME `x` \\\n'\n# & E\n E\nE \nE\n", "$HOME `x` \\\n'\n# & E\n E\nE \n"),
        ('a <<"E F"\nx\nE F\n', "x\n"),
        ("a <<\\E\nx\nE\n", "x\n"),
        ("a <<E''\nx\nE\n", "x\n"),
        ("a 0<< \\\n'E'\nx\nE\n", "x\n"),
        ("a <<'E' 'b\nc'\nx\nE\n", "x\n"),
        ("a <<'E' # comment\nx\nE\n", "x\n"),
        ("a <<'E' \\\n b\nx\nE\n", "x\n"),
    ],
)
def test_a_here_document_is_pure_data(text: str, body: str) -> None:
    assert only(text).text == body


def test_a_here_document_belongs_to_its_own_command() -> None:
    text = "a; b - <<'E' | c &&\nx\nE\nd\ne"
    assert [(one.words[0].text, one.text) for one in simples(text)] == [
        ("a", None),
        ("b", "x\n"),
        ("c", None),
        ("d", None),
        ("e", None),
    ]
    assert operators(text) == [("", 1), (";", 2), ("&&", 1), (";", 1)]


def test_what_looks_like_an_operator_in_a_here_document_is_text() -> None:
    assert words("a <<'E'\n; docker rm x\n$(x)\nE\nb") == [["a"], ["b"]]


# -- pipefail --


@pytest.mark.parametrize("text", ["set -o pipefail; a | b", "set -o pipefail\na | b", "set -o pipefail && a | b"])
def test_pipefail_in_front_is_a_property_of_the_script(text: str) -> None:
    script = read(text)
    assert (script.pipefail, operators(text)) == (True, [("", 2)])


def test_pipefail_elsewhere_is_a_command() -> None:
    assert words("a; set -o pipefail") == [["a"], ["set", "-o", "pipefail"]]
    assert read("a; set -o pipefail").pipefail is False


def test_what_an_or_joins_to_pipefail_does_not_run() -> None:
    """`set` succeeds, so a shell passes over it: here `set` is then a command like any other, and refused."""
    script = parse("set -o pipefail || docker ps")
    assert isinstance(script, Script)
    assert not script.pipefail
    assert [word.text for word in script.items[0][1][0].words] == ["set", "-o", "pipefail"]


# -- refusals --


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("a & b", "line.background", "&"),
        ("a &", "line.background", "&"),
        ("&", "line.background", "&"),
        ("a &\\\n& b", "line.background", "&"),
        ("(a)", "line.subshell", "("),
        ("a (b)", "line.subshell", "("),
        ("a )", "line.subshell", ")"),
        ("f() { a; }", "line.subshell", "("),
        ("a b(c", "line.subshell", "("),
        ("a |& b", "line.pipe-both", "|&"),
        ("a ;; b", "line.syntax", ";;"),
        ("; a", "line.syntax", ";"),
        ("a ; ; b", "line.syntax", ";"),
        ("a && ; b", "line.syntax", ";"),
        ("| a", "line.syntax", "|"),
        ("a | | b", "line.syntax", "|"),
        ("a | ; b", "line.syntax", ";"),
        ("a || || b", "line.syntax", "|"),
        ("a >", "line.syntax", ">"),
        ("a > ; b", "line.syntax", "> "),
        ("a <<\nb", "line.syntax", "<<"),
        ("a > #b", "line.syntax", "> #b"),
        (">/dev/null", "line.redirect-alone", ""),
        ("a; 2>&1 | b", "line.redirect-alone", "|"),
        ("a > b", "line.redirect", "> b"),
        ("a 2>b", "line.redirect", "2>b"),
        ("a >/dev/null/", "line.redirect", ">/dev/null/"),
        ("a >>b", "line.redirect", ">>b"),
        ("a < b", "line.redirect", "< b"),
        ("a <>/dev/null", "line.redirect", "<>/dev/null"),
        ("a >|/dev/null", "line.redirect", ">|/dev/null"),
        ("a <&0", "line.redirect", "<&0"),
        ("a 2>&-", "line.redirect", "2>&-"),
        ("a 2>&'1'", "line.redirect", "2>&'1'"),
        ("a 2>&12", "line.redirect", "2>&12"),
        ("a 3>/dev/null", "line.redirect", "3>/dev/null"),
        ("a 02>/dev/null", "line.redirect", "02>/dev/null"),
        ("a >&/dev/null", "line.redirect", ">&/dev/null"),
        ("a &>b", "line.redirect", "&>b"),
        ("a 2</dev/null", "line.redirect", "2</dev/null"),
        ("a 0>/dev/null", "line.redirect", "0>/dev/null"),
        ("a >$HOME/dev/null", "line.redirect", ">$HOME/dev/null"),
        ("a >/dev/null$HOME", "line.redirect", ">/dev/null$HOME"),
        ("a 2>&1$USER", "line.redirect", "2>&1$USER"),
        ("a {fd}>/dev/null", "line.redirect", "{fd}>"),
        ("a 2<<'E'\nE", "line.redirect", "2<<'E'"),
        ("a $(b)", "line.substitution", "$("),
        ('a "$(b)"', "line.substitution", "$("),
        ("a $((1))", "line.substitution", "$("),
        ("a `b`", "line.substitution", "`"),
        ('a "`b`"', "line.substitution", "`"),
        ("a <(b)", "line.substitution", "<("),
        ("a >(b)", "line.substitution", ">("),
        ("a <<<b", "line.here-string", "<<<"),
        ("a <<E\nx\nE", "line.here-document", "<<E"),
        ("a <<-'E'\nx\nE", "line.here-document", "<<-"),
        ("a <<''\n\n", "line.here-document", "<<''"),
        ("a <<'b\nc'\nx\nb\nc", "line.here-document", "<<'b\nc'"),
        ('a <<"$HOME"\nE', "line.here-document", '<<"$HOME"'),
        ("a <<E\\\nF\nx\nEF", "line.here-document", "<<E\\\nF"),
        ("a <<'E' <<'F'\nE\nF", "line.text-twice", "<<'F'"),
        ("a <<'E'\nE\nb <<'E'\nE", "line.text-twice", "<<'E'"),
        ("a b*", "line.glob", "*"),
        ("a b?c", "line.glob", "?"),
        ("a [b]", "line.glob", "["),
        ("[ -f b ]", "line.glob", "["),
        ("[[ -f b ]]", "line.glob", "["),
        ("~/a", "line.tilde", "~"),
        ("a ~", "line.tilde", "~"),
        ("a ~root", "line.tilde", "~"),
        ("a b=~", "line.tilde", "~"),
        ("a b=c:~", "line.tilde", "~"),
        ("a \\\n~", "line.tilde", "~"),
        ("a b=\\\n~", "line.tilde", "~"),
        ("a {b,c}", "line.braces", "{b,c}"),
        ("a x{1..3}y", "line.braces", "x{1..3}y"),
        ("a {'b',c}", "line.braces", "{'b',c}"),
        ("a {b\\\n,c}", "line.braces", "{b\\\n,c}"),
        ("a $'b'", "line.quoting", "$'"),
        ('a $"b"', "line.quoting", '$"'),
        ("a $B", "line.parameter", "$B"),
        ('a "x${B}"', "line.parameter", "${B}"),
        ("a $1", "line.parameter", "$1"),
        ("a $$", "line.parameter", "$$"),
        ("a $@", "line.parameter", "$@"),
        ("a $!", "line.parameter", "$!"),
        ("a $-", "line.parameter", "$-"),
        ("a $#", "line.parameter", "$#"),
        ("a $HOMES", "line.parameter", "$HOMES"),
        ("a $HO\\\nME", "line.parameter", "$HO"),
        ("a $HOME\\\nS", "line.parameter", "$HOME"),
        ('a "$HOME\\\nS"', "line.parameter", "$HOME"),
        ("a $\\\nHOME", "line.parameter", "$\\"),
        ("a ${HOME\\\n}", "line.parameter", "${HOME\\"),
        ("a ${HOME:-x}", "line.parameter", "${HOME:"),
        ("a ${#HOME}", "line.parameter", "${#H"),
        ("A=b", "line.assignment", "A=b"),
        ("A=b c", "line.assignment", "A=b"),
        ("a; PATH+=:b c", "line.assignment", "PATH+=:b"),
        ("_1='b' c", "line.assignment", "_1='b'"),
        ("A\\\n=b c", "line.assignment", "A\\\n=b"),
        ("a && B=$HOME", "line.assignment", "B=$HOME"),
        (">/dev/null A=b", "line.assignment", "A=b"),
        ("if true; then a; fi", "line.reserved", "if"),
        ("{ a; }", "line.reserved", "{"),
        ("a; }", "line.reserved", "}"),
        ("a && function f", "line.reserved", "function"),
        ("wh\\\nile a", "line.reserved", "wh\\\nile"),
        ("! a", "line.negation", "!"),
        ("a | ! b", "line.negation", "!"),
        ("time a", "line.time", "time"),
        ("a \rb", "line.character", "\r"),
        ("a '\x1b[0m'", "line.character", "\x1b"),
        ("a # \x07", "line.character", "\x07"),
        ("a \udc80", "line.encoding", "\udc80"),
    ],
)
def test_what_is_not_in_the_language_is_refused_where_it_stands(text: str, code: str, marked: str) -> None:
    found, at = refused(text)
    assert at is not None
    assert (found, text[at[0] : at[1]]) == (code, marked)
    assert code not in ("line.background", "line.glob") or at[0] == text.index(marked)


@pytest.mark.parametrize("name", sorted(RESERVED - {"time", "!", "[["}))
def test_a_reserved_word_is_refused_as_a_command_and_allowed_as_an_argument(name: str) -> None:
    assert refused(name) == ("line.reserved", (0, len(name)))
    assert refused(f"a | {name} b") == ("line.reserved", (4, 4 + len(name)))
    assert words(f"a {name}") == [["a", name]]
    assert words(f"'{name}'") == [[name]]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("a '", (2, 3)),
        ("a 'b\nc", (2, 6)),
        ('a "b', (2, 4)),
        ('a "$', (3, 4)),
        ('a "b\\', (2, 5)),
        ('a "b\\"', (2, 6)),
        ("a \\", (2, 3)),
        ("a b\\", (3, 4)),
        ("a |", (3, 3)),
        ("a |\n", (4, 4)),
        ("a &&", (4, 4)),
        ("a && # b", (8, 8)),
        ("a || \\\n", (7, 7)),
        ("a <<'E'", (2, 7)),
        ("a <<'E'\n", (2, 7)),
        ("a <<'E'\nx\nE ", (2, 7)),
        ("a 2>&1 <<'E' && b", (7, 12)),
    ],
)
def test_an_unfinished_text_is_told_from_a_wrong_one(text: str, at: tuple[int, int]) -> None:
    assert refused(text) == (UNFINISHED, at)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("a '", "'"),
        ('a "b', '"'),
        ("a \\", "\n"),
        ("a |", "b"),
        ("a &&\n", "b"),
        ("a <<'E'\nx\n", "E\n"),
        ("a <<'E' |", "b\nE"),
        ('a "$', '"'),
    ],
)
def test_an_unfinished_text_can_be_completed(text: str, rest: str) -> None:
    assert refused(text)[0] == UNFINISHED
    read(text + rest)


# -- what a shell removes before it reads an operator --


@pytest.mark.parametrize(
    "text",
    [
        "a <<\\\n-'E'\nx\n-E\n",
        "a |\\\n&>/dev/null b",
        "a;\\\n&>/dev/null b",
        "a <\\\n<'E'\nx\nE",
        "a |\\\n| b",
        "a &\\\n&b",
    ],
)
def test_an_operator_broken_by_a_continuation_is_never_read_as_two(text: str) -> None:
    assert isinstance(parse(text), Refusal)


@pytest.mark.parametrize("text", ["a 2>&1>/dev/null", "a >&2</dev/null", "a 2>&1<<'E'\nE"])
def test_digits_between_two_operators_belong_to_nobody(text: str) -> None:
    """dash takes them for the descriptor of the second operator, bash for the target of the first."""
    assert isinstance(parse(text), Refusal)


# -- limits --


def test_a_line_of_the_longest_length_is_read_and_one_byte_more_is_not() -> None:
    longest = "a " + "b" * (MAX_LINE - 2)
    assert [len(word) for word in words(longest)[0]] == [1, MAX_LINE - 2]
    assert refused(longest + "b") == ("line.size", (0, 0))
    assert refused("a " + "é" * (MAX_LINE // 2)) == ("line.size", (0, 0))
    assert refused("#" * (MAX_LINE + 1)) == ("line.size", (0, 0))
    assert refused("a" * (1 << 20)) == ("line.size", (0, 0))


def test_sixteen_commands_are_read_and_seventeen_are_not() -> None:
    assert len(simples(";".join("a" * MAX_COMMANDS))) == MAX_COMMANDS
    assert refused("|".join("a" * (MAX_COMMANDS + 1))) == ("line.commands", (32, 33))
    assert refused("\n".join("a" * (MAX_COMMANDS + 9))) == ("line.commands", (32, 33))


def test_a_here_document_of_the_longest_length_is_read_and_one_byte_more_is_not() -> None:
    longest = "x" * (MAX_TEXT - 1) + "\n"
    assert only(f"a <<'E'\n{longest}E\n").text == longest
    assert refused(f"a <<'E'\nx{longest}E\n") == ("line.text-size", (0, 1))
    assert refused("a <<'E'\n" + "é" * (MAX_TEXT // 2) + "\nE\n") == ("line.text-size", (0, 1))


def test_a_here_document_does_not_count_as_line() -> None:
    text = "x" * MAX_LINE + "\n"
    padded = "a <<'E' " + "b" * (MAX_LINE - 11)
    assert only(f"{padded}\n{text}E").text == text
    assert refused(f"{padded}bb\n{text}E") == ("line.size", (0, 0))


# -- characters --


@pytest.mark.parametrize("form", ["a {}", "a '{}'", 'a "{}"', "a # {}", "a <<'E'\n{}\nE", "a \\{}", "{}"])
@pytest.mark.parametrize(
    "char",
    [
        *map(chr, [*range(9), *range(11, 32), *range(127, 160)]),
        "\u00a0", "\u00ad", "\u061c", "\u1680", "\u180e", "\u2000", "\u200b", "\u200d", "\u200e", "\u2028", "\u2029",
        "\u202a", "\u202e", "\u202f", "\u2060", "\u2066", "\u2069", "\u3000", "\ue000", "\ufdd0", "\ufeff", "\ufff9",
        "\uffff", "\U000e0001", "\U000e0041", "\U000f0000", "\U0010ffff", "\u0378",
    ],
)  # fmt: skip
def test_a_character_that_hides_or_controls_is_refused_everywhere(char: str, form: str) -> None:
    text = form.format(char)
    at = text.index(char)
    assert refused(text) == ("line.character", (at, at + 1))


@pytest.mark.parametrize("char", [chr(code) for code in (0xD800, 0xDC80, 0xDCFF, 0xDFFF)])
def test_bytes_that_are_no_text_are_refused(char: str) -> None:
    assert refused(f"a 'x{char}'") == ("line.encoding", (4, 5))


def test_the_first_bad_character_is_named() -> None:
    refusal = parse("a \u202e\x00")
    assert isinstance(refusal, Refusal)
    assert refusal.message == "the character U+202E is not accepted"


@given(st.text(min_size=1))
def test_a_text_with_a_control_or_format_character_is_never_accepted(text: str) -> None:
    assume(any(unicodedata.category(char)[0] == "C" and char not in "\n\t" for char in text))
    found, at = refused(text)
    assert found in ("line.character", "line.encoding")
    assert at is not None
    assert at[1] == at[0] + 1


# -- for any text --

SHELLISH = st.text("abE1 2'\"\\$?HOME{},.~#!=&|;<>()`*[]\n\t-/é", max_size=40)
FRAGMENT = st.sampled_from(
    ["docker ps", " ", "\n", "2>&1", ">/dev/null", "&>", " | ", "&&", "||", ";", "'", '"', "\\\n", "$HOME", "${USER}",
     "$?", "<<'E'", "\nE\n", "#", "~", "{", "}", ",", "a=b", "if", "sh -c", "(", "`"]
)  # fmt: skip
ANYTHING = st.one_of(st.text(max_size=40), SHELLISH, st.lists(FRAGMENT, max_size=12).map("".join))
PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" \t\n"), max_size=20)
PIECES = st.sampled_from(
    ["ps", "'a b'", '"c"', "$HOME", "x${USER}'y'", "$?", "\\ x", "a\\\nb", "2>&1", ">/dev/null", "> /dev/null", "{}",
     "é", "b#c", "''", '"d\\\ne"', "'f\ng'", "if", "a=b", "$", "a~"]
)  # fmt: skip
BETWEEN = st.sampled_from(
    [" ", " ", " ", "\t", " \\\n", " | d ", " |\n d ", "&& d ", " || d ", ";d ", "\nd ", " # c\n\nd "]
)
TAIL = st.sampled_from(["", "", " ", "\n", ";", " # c", "\\\n", " - <<'E'\nx 'y\nE", " <<'E'|d e\nE\n"])
LINES = st.builds(
    lambda pieces, tail: "d " + "".join(piece + between for piece, between in pieces) + "z" + tail,
    st.lists(st.tuples(PIECES, BETWEEN), max_size=8),
    TAIL,
)  # accepted, all of them


@given(ANYTHING)
def test_parse_answers_any_text_and_always_the_same(text: str) -> None:
    answer = parse(text)
    assert isinstance(answer, Script | Refusal)
    assert answer == parse(text)


@given(ANYTHING)
def test_a_refusal_points_into_the_text_and_can_be_shown(text: str) -> None:
    answer = parse(text)
    if isinstance(answer, Script):
        return
    assert answer.kind == "unsupported"
    assert answer.at is not None
    assert 0 <= answer.at[0] <= answer.at[1] <= len(text)
    shown = say.render(answer)
    assert shown.isascii()
    assert shown.count("\n") <= 6


@given(LINES)
def test_spans_are_in_order_inside_the_text_and_begin_and_end_with_their_word(text: str) -> None:
    script = read(text)
    assert script.line == text
    here = 0
    for _, pipeline in script.items:
        for simple in pipeline:
            assert here <= simple.span[0] <= simple.words[0].span[0]
            for word in simple.words:
                assert here <= word.span[0] < word.span[1] <= len(text)
                assert text[word.span[0]] not in " \t\n#;&|<>()"
                assert text[word.span[1] - 1] not in " \t;&|<>()" or word.quoted
                here = word.span[1]
            assert simple.span[1] == here


@given(PRINTABLE)
def test_a_quoted_word_is_read_back(word: str) -> None:
    assert words("a " + say.quote(word)) == [["a", word]]
    assert words(f"a x {say.quote(word)} 2>&1 | b") == [["a", "x", word], ["b"]]


@given(st.lists(PRINTABLE, max_size=6))
def test_a_line_of_quoted_words_is_read_back(texts: list[str]) -> None:
    assert words(" ".join(["a", *map(say.quote, texts)])) == [["a", *texts]]


def _shapes(script: Script) -> list[tuple[str, list[tuple[list[str], tuple[Redirect, ...], str | None]]]]:
    return [
        (operator, [([word.text for word in one.words], one.redirects, one.text) for one in pipeline])
        for operator, pipeline in script.items
    ]


@given(LINES, LINES)
def test_two_lines_joined_by_a_newline_are_both_lines(left: str, right: str) -> None:
    first, second = read(left), read(right)
    commands = [*simples(left), *simples(right)]
    assume(len(commands) <= MAX_COMMANDS and sum(simple.text is not None for simple in commands) < 2)
    joined = [(operator or ";", stages) for operator, stages in _shapes(second)]
    assert _shapes(read(left + "\n" + right)) == _shapes(first) + joined
