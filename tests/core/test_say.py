"""What users read: six lines of ASCII at most, a caret under what is meant, the table of statuses."""

from __future__ import annotations

import shlex
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell import say
from rshell.core.line import parse
from rshell.core.model import Refusal, Script

ANY_CHARACTER = st.characters(exclude_categories=[])  # surrogates too: bytes that were no UTF-8
ANYTHING = st.text(ANY_CHARACTER, max_size=200)
FIELDS = (
    "allowed",
    "character",
    "limit",
    "number",
    "what",
    "command",
    "name",
    "path",
    "option",
    "value",
    "expected",
    "found",
    "shapes",
    "need",
    "synopsis",
    "mount",
    "volume",
    "said",
    "row",
    "column",
    "project",
    "kind",
)


def refusal(line: str, start: int, end: int) -> Refusal:
    return Refusal("denied", "docker.run.option", "no", line, (start, end), "because")


def under(line: str, start: int, end: int) -> list[str]:
    """The excerpt of a line, and what stands over its carets."""
    shown, carets = say.excerpt(line, (start, end))
    assert set(carets) <= {" ", "^"}
    first = carets.index("^")
    assert carets[first:] == "^" * (len(carets) - first)
    return [shown, shown[first : len(carets)]]


def test_a_refusal_is_rendered_as_the_contract_shows_it() -> None:
    line = "docker run --rm --privileged alpine:3.20 id"
    made = Refusal(
        "denied", "docker.run.option", "docker run: option --privileged is not allowed", line, (16, 28),
        "a privileged container owns the host", "docker run --rm alpine:3.20 id",
    )  # fmt: skip
    assert say.render(made) == (
        "rshell: denied: docker run: option --privileged is not allowed [docker.run.option]\n"
        "  docker run --rm --privileged alpine:3.20 id\n"
        "                  ^^^^^^^^^^^^\n"
        "  why: a privileged container owns the host\n"
        "  instead: docker run --rm alpine:3.20 id\n"
        "  nothing was run; rewording, quoting or sudo will not change this\n"
    )


@pytest.mark.parametrize(
    ("kind", "ran", "ending"),
    [
        ("denied", 0, "nothing was run; rewording, quoting or sudo will not change this"),
        ("denied", 1, "1 command of this line ran before; rewording, quoting or sudo will not change this"),
        ("denied", 3, "3 commands of this line ran before; rewording, quoting or sudo will not change this"),
        ("unknown", 0, "nothing was run; help lists what there is"),
        ("unsupported", 0, "nothing was run; written another way it may work"),
        ("unavailable", 0, "nothing was run; only the operator of this host can mend this"),
        ("unavailable", 2, "2 commands of this line ran before; only the operator of this host can mend this"),
    ],
)
def test_the_last_line_says_what_ran(kind: str, ran: int, ending: str) -> None:
    assert say.render(Refusal(kind, "a.b", "c"), ran) == f"rshell: {kind}: c [a.b]\n  {ending}\n"


def test_each_class_has_its_status() -> None:
    assert say.STATUS == {"denied": 126, "unknown": 127, "unsupported": 2, "unavailable": 78}
    assert say.TIMED_OUT == 124
    assert set(say.ENDING) == set(say.STATUS)


@pytest.mark.parametrize("table", [say.LINE, say.COMMAND])
def test_every_sentence_is_plain_ascii_of_a_known_class(table: dict[str, tuple[str, str, str]]) -> None:
    for code, (kind, message, why) in table.items():
        assert kind in say.STATUS, code
        assert (message + why).isascii(), code
        assert not message.endswith("."), code
        assert not why.endswith("."), code
        assert message[0] in string.ascii_lowercase + "'{(&|<!$~/-", code


@pytest.mark.parametrize("code", [*say.LINE, *say.COMMAND, *say.ELSEWHERE])
def test_every_code_makes_a_refusal_without_a_hole(code: str) -> None:
    fields: dict[str, Any] = dict.fromkeys(FIELDS, "docker x")
    made = say.refuse(code, line="docker ps", at=(0, 6), **fields)
    shown = say.render(made)
    assert made.kind in say.STATUS
    assert "{" not in made.message.replace("{a,b}", "")
    assert shown.startswith(f"rshell: {made.kind}: {made.message} [{made.code}]\n")
    assert set(made.code) <= set(string.ascii_lowercase + string.digits + ".-")


def test_a_code_of_a_command_begins_with_its_name() -> None:
    made = say.refuse(
        "option", command="docker run", option="--privileged", line="docker run --privileged", at=(11, 23)
    )
    assert (made.kind, made.code, made.message) == (
        "denied",
        "docker.run.option",
        "docker run: option --privileged is not allowed",
    )
    made = say.refuse("operand-denied", command="docker rm", value="x", expected="y")
    assert (made.code, made.message, made.why) == ("docker.rm.operand", "docker rm: 'x' is not allowed", "allowed: y")
    assert say.refuse("command", command="docker exec").code == "docker.exec"


def test_unavailable_is_a_refusal_of_status_78() -> None:
    assert say.unavailable("policy.trust", "policy is writable by others", "mend it") == Refusal(
        "unavailable", "policy.trust", "policy is writable by others", why="mend it"
    )


def test_a_mistyped_word_is_answered_with_the_nearest_ones() -> None:
    made = say.refuse(
        "unknown", command="docker", name="pss", line="docker pss -a", at=(7, 10), near=("ps", "pull", "images")
    )
    assert (made.why, made.tries) == ("nearest: ps", ("docker ps -a",))


# -- the excerpt --


@pytest.mark.parametrize(
    ("line", "start", "end", "expected"),
    [
        ("docker ps", 0, 6, ["  docker ps", "docker"]),
        ("docker ps", 7, 9, ["  docker ps", "ps"]),
        ("docker ps |", 11, 11, ["  docker ps |", ""]),
        ("a\nbc de\nf", 5, 7, ["  bc de", "de"]),
        ("a\nbc de\nf", 2, 9, ["  bc de", "bc de"]),
        ("é docker ü", 2, 8, ["  \\xe9 docker \\xfc", "docker"]),
        ("a é b", 2, 3, ["  a \\xe9 b", "\\xe9"]),
        ("a \x1b b", 2, 3, ["  a \\x1b b", "\\x1b"]),
        ("a\tb", 2, 3, ["  a\\tb", "b"]),
        ("a \udcff b", 2, 3, ["  a \\xff b", "\\xff"]),
        ("a 日本 b", 5, 6, ["  a \\u65e5\\u672c b", "b"]),
    ],
)
def test_the_caret_stands_under_what_is_meant(line: str, start: int, end: int, expected: list[str]) -> None:
    assert under(line, start, end) == expected


def test_a_caret_at_the_end_of_a_line_stands_behind_it() -> None:
    assert say.excerpt("docker ps |", (11, 11)) == ["  docker ps |", "             ^"]


@given(st.integers(0, 300), st.integers(1, 40), st.integers(0, 300))
def test_a_word_in_a_long_line_is_shown_whole_over_its_carets(before: int, width: int, after: int) -> None:
    line = "a" * before + "B" * width + "c" * after
    shown, over = under(line, before, before + width)
    assert over == "B" * width
    assert len(shown) <= say.WIDTH + 2


@given(st.integers(0, 300), st.integers(63, 300), st.integers(0, 300))
def test_of_a_very_long_word_the_beginning_is_shown(before: int, width: int, after: int) -> None:
    line = "a" * before + "B" * width + "c" * after
    shown, over = under(line, before, before + width)
    assert over
    assert set(over) == {"B"}
    assert len(shown) <= say.WIDTH + 2


@given(ANYTHING, st.integers(0, 200), st.integers(0, 200))
def test_the_excerpt_of_anything_is_two_short_lines(line: str, one: int, other: int) -> None:
    start, end = sorted((one % (len(line) + 1), other % (len(line) + 1)))
    shown, carets = say.excerpt(line, (start, end))
    for text in (shown, carets):
        assert text.isascii()
        assert text.isprintable()
        assert len(text) <= say.WIDTH + 2
    assert carets.strip() == "^" * carets.count("^") != ""


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING, st.integers(0, 99), st.integers(0, 20))
def test_a_rendered_refusal_is_at_most_six_lines_of_ascii(
    line: str, message: str, why: str, instead: str, at: int, ran: int
) -> None:
    start = at % (len(line) + 1)
    shown = say.render(Refusal("denied", "a.b", message, line, (start, len(line)), why, instead), ran)
    rows = shown.split("\n")
    assert rows.pop() == ""
    assert 2 <= len(rows) <= 6
    assert all(row.isascii() and row.isprintable() for row in rows)
    assert rows[0].startswith("rshell: denied: ")
    assert rows[0].endswith(" [a.b]")


@given(st.sampled_from([*say.LINE, *say.COMMAND]), ANYTHING)
def test_whatever_was_typed_a_refusal_of_any_code_is_short_ascii(code: str, typed: str) -> None:
    fields: dict[str, Any] = dict.fromkeys(FIELDS, typed)
    made = say.refuse(code, line=typed, at=(0, len(typed)), **fields)
    rows = say.render(made).split("\n")
    assert len(rows) <= 7
    assert all(row.isascii() and row.isprintable() for row in rows)
    assert rows[0].startswith(f"rshell: {made.kind}: ")


# -- escaping, cutting, quoting --


@given(ANYTHING)
def test_escaped_text_is_printable_ascii_and_plain_text_stays(text: str) -> None:
    shown = say.escape(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert (shown == text) == (text.isascii() and text.isprintable())
    assert len(say.echo(text)) <= say.MAX_ECHO


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", "a b"),
        ("\n\t\r\x00\x1b\x7f", "\\n\\t\\r\\x00\\x1b\\x7f"),
        ("é", "\\xe9"),
        ("日", "\\u65e5"),
        ("\U0001f600", "\\U0001f600"),
        ("\u202e", "\\u202e"),
        ("\udcff\udc80", "\\xff\\x80"),
        ("a\\nb", "a\\nb"),
    ],
)
def test_what_is_not_plain_is_escaped(text: str, shown: str) -> None:
    assert say.escape(text) == shown


def test_a_long_word_is_cut() -> None:
    assert say.echo("a" * 80) == "a" * 80
    assert say.echo("a" * 81) == "a" * 77 + "..."


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("a", "a"),
        ("a-b_c.d/e:f=g,h+i%j@k", "a-b_c.d/e:f=g,h+i%j@k"),
        ("", "''"),
        ("a b", "'a b'"),
        ("$x", "'$x'"),
        ("it's", "'it'\\''s'"),
        ("~", "'~'"),
        ("#", "'#'"),
        ("!", "'!'"),
        ("{a}", "'{a}'"),
        ("é", "'é'"),
        ("a\nb", "'a\nb'"),
    ],
)
def test_a_word_is_quoted_when_it_must_be(word: str, quoted: str) -> None:
    assert say.quote(word) == quoted


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" \t\n"))))
def test_quoted_words_are_read_back_by_our_parser_and_by_others(words: list[str]) -> None:
    line = " ".join(["x", *map(say.quote, words)])
    assert shlex.split(line) == ["x", *words]
    script = parse(line)
    assert isinstance(script, Script)
    assert [word.text for word in script.items[0][1][0].words] == ["x", *words]
