"""Typed values: each type takes what its tool takes, and nothing that could be read as something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell.core import builtins, values
from tests.support import trees

# type -> (values that fit, values that don't)
CASES: dict[str, tuple[list[str], list[str]]] = {
    "int": (
        ["0", "7", "-3", "123456789012345678"],
        ["", "-", "+3", "1.5", "0x10", "1e3", "010", "00", "-01", " 1", "1\n", "²", "٣", "1234567890123456789"],
    ),
    "0..300": (["0", "300"], ["301", "-1", "", "all", "007", "1_0", "9" * 5000]),
    "1..": (["1", "99999"], ["0", "-1", ""]),
    "..5": (["5", "-5"], ["6"]),
    "all|0..10": (["all", "0", "10"], ["ALL", "11", "", "all "]),
    "text": (["", "x", "a b", "-x", "é", "x" * 4096], ["a\nb", "x" * 4097]),
    "arg": (["", "x", "-x", "a\n\tb\n", "x" * 32768], ["x" * 32769, "a\0b"]),
    "pattern": (["", "a|b", "\\d", "x" * 1024], ["a\nb", "x" * 1025]),
    "float": (["1", "1.5", "0.25"], ["", ".", ".5", "1.", "-1", "1e9", "²", "1.²", "1.5.2"]),
    "name": (["a", "a_b.c-d", "0ab", "a" * 128], ["", "-a", ".a", "_a", "a/b", "a b", "é", "a" * 129, "a\n", "a$"]),
    "container": (["web", "/web", "0123abcd"], ["", "/", "//web", "-web", "a/b", "web\n", "wéb"]),
    "image": (
        ["alpine", "alpine:3.20", "ghcr.io/a/b:c", "localhost:5000/x", "a@sha256:" + "0" * 64],
        ["", "-a", "/a", "a/", "a:", "a@", "a//b", "a/../b", "a b", "a" * 256, "é", "a\n"],
    ),
    "object": (["web", "/web", "ghcr.io/a/b:c"], ["", "-x", "a b", "a\n"]),
    "jail": (["sshd", "nginx-http-auth"], ["", "-s", "--all", "a b", "a" * 65, "a;b"]),
    "chain": (["INPUT", "DOCKER-USER", "f2b-sshd"], ["", "-F", "n", "0ab", "a b", "a" * 29, "IN!"]),
    "duration": (
        ["90s", "1h30m", "300ms", "1.5h", "-10m", "10us"],
        ["", "-", "10", "s", "1d", "1h 30m", "1h-30m", ".5h", "1.h", "+1h", "1s" * 20],
    ),
    "time": (
        ["10m", "1700000000", "2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+02:00"],
        ["", "now", "2026-1-31", "2026-01-31 x", "$(id)", "-t", "2026-01-31T" + "0" * 40],
    ),
    "systemd-time": (
        ["yesterday", "-1h", "10 min ago", "2026-01-31 12:00", "+5min"],
        ["", "a" * 41, "a;b", "a\nb", "@/etc", "é"],
    ),
    "size": (["512m", "8g", "1.5GB", "100", "2T", "8GiB"], ["", "m", "-1", "8ib", "1x", "1mm", "1 g", "g1"]),
    "count": (["20", "-20", "+20", "4K", "2b"], ["", "-", "+", "K", "4KK", "4KB", "1.5", "--5", "²", "1" * 13]),
    "fields": (["1", "1,3-5", "7-", "-3"], ["", "a", "1 2", "1;2", "1" * 257]),
    "sort-key": (["2", "2,2n", "1.3,1.5", "3nr"], ["", "-k", "n", "1;2", "1 2", "1" * 65]),
    "char": ([",", " ", "\t", "-"], ["", "ab", "é", ",,"]),
    "charset": (["a-z", "[:upper:]", "-d", "\\n"], ["", "é", "a\nb", "a" * 257]),
    "filter": (
        ["name=ollama", "label!=a", "status=exited", "label=a=b", "name="],
        ["", "name", "=x", "!=x", "na me=x", "name=a\nb", "a" * 33 + "=x", "{{=x"],
    ),
    "signal": (["TERM", "SIGKILL", "9", "RTMIN+1"], ["", "a b", "T;", "a" * 17]),
    "platform": (["linux/amd64", "linux/arm64/v8"], ["", "linux", "windows/amd64", "linux/amd64 "]),
    "directory": (["/tmp", "..", "a b"], ["", "-", "-P", "a\nb", "a" * 4097]),
    "template": (["", "json", "{{.Names}}", "table {{.Names}}\t{{.Status}}"], ["{{printf}}", "{{.X", "x" * 513]),
}


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, (good, _) in CASES.items() for text in good], ids=ascii
)
def test_a_value_fits_its_type(kind: str, text: str) -> None:
    assert values.fits(values.read(kind), text)


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, (_, bad) in CASES.items() for text in bad], ids=lambda x: ascii(x)[:40]
)
def test_a_value_of_another_shape_does_not_fit(kind: str, text: str) -> None:
    assert not values.fits(values.read(kind), text)


UNJUDGED = sorted(name for name in values.NAMED if values.is_unjudged((name,)))


def test_the_types_that_nothing_here_can_judge() -> None:
    assert UNJUDGED == ["env", "gpus", "key-value", "label", "mount", "path", "port", "publish", "stdin", "user"]


@given(st.sampled_from(UNJUDGED), st.text())
def test_a_value_that_nothing_can_judge_never_fits(name: str, text: str) -> None:
    assert not values.fits((name,), text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("name", ("name",)),
        ("0..300", ("range", 0, 300)),
        ("..300", ("range", None, 300)),
        ("-5..", ("range", -5, None)),
        ("short|json", ("words", "short", "json")),
        ("all|0..20", ("any", ("words", "all"), ("range", 0, 20))),
        ("container|image", ("any", ("container",), ("image",))),
        ("1..2|5..6", ("any", ("range", 1, 2), ("range", 5, 6))),
    ],
)
def test_a_type_is_read_from_its_spelling(text: str, kind: tuple[object, ...]) -> None:
    assert values.read(text) == kind


@pytest.mark.parametrize("text", ["", "nosuch", "|", "a|", "|a", "a||b", "..", "a..b", "1...5", "01..5"])
def test_a_type_without_a_meaning_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"alternative|no such type"):
        values.read(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("container|image", ("words", "container", "image")),  # the words, not the types
        ("name", ("words", "name")),
        ("all|0..20", ("any", ("words", "all"), ("range", 0, 20))),
        ("1..5", ("range", 1, 5)),
    ],
)
def test_what_a_policy_lists_are_words_and_ranges(text: str, kind: tuple[object, ...]) -> None:
    assert values.literals(text) == kind


@pytest.mark.parametrize("text", ["", "a|", "|a", "a||b"])
def test_an_empty_alternative_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="an empty alternative"):
        values.literals(text)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("0..300", "a number from 0 to 300"),
        ("1..", "a number from 1 on"),
        ("..9", "a number up to 9"),
        ("a|b", "a or b"),
        ("a|b|c", "one of a b c"),
        ("all|0..20", "all or a number from 0 to 20"),
        ("jail", "the name of a jail"),
    ],
)
def test_a_type_is_said_in_words(kind: str, said: str) -> None:
    assert values.describe(values.read(kind)) == said


def types_in_use() -> list[tuple[object, ...]]:
    """Every type of the real completions that some value can fit."""
    found = {
        option.type
        for tree in trees().values()
        for command in tree.commands.values()
        for option in command.options.values()
        if option.type
    }
    return sorted((kind for kind in found if not values.is_unjudged(kind)), key=repr)


@pytest.mark.parametrize("kind", types_in_use(), ids=str)
def test_the_example_of_a_number_or_a_word_list_fits(kind: tuple[object, ...]) -> None:
    """A suggestion is completed with it; names and the like are filled by people."""
    if kind[0] in ("words", "range", "any", "int", "count", "duration", "time"):
        assert values.fits(kind, values.example(kind))
    assert values.describe(kind)
    assert values.placeholder(kind)


@given(st.sampled_from(sorted(values.NAMED)), st.one_of(st.text(), st.from_regex(r"[-+0-9.:smhkKTZ²٣]{0,12}")))
def test_any_text_fits_or_does_not(name: str, text: str) -> None:
    assert values.fits((name,), text) in (True, False)


WITHOUT_OPTION_LOOKS = ("name", "container", "image", "object", "jail", "chain", "network", "volume", "directory")


@given(st.sampled_from(WITHOUT_OPTION_LOOKS), st.text())
def test_the_name_of_a_thing_never_looks_like_an_option(name: str, text: str) -> None:
    assert not values.fits((name,), "-" + text)


@given(st.sampled_from(sorted(set(values.NAMED) - set(UNJUDGED))), st.text(), st.text())
def test_hardly_any_value_has_a_second_line(name: str, before: str, after: str) -> None:
    if name not in ("char", "template", "arg"):
        assert not values.fits((name,), f"{before}\n{after}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90), ("0", 0), ("2m", 120), ("1h", 3600), ("1d", 86400), ("5s", 5), ("1.5", 2), ("1.0", 1), ("0.1m", 60),
        ("", None), ("s", None), ("-1", None), ("+1", None), ("1x", None), ("1e3", None), ("1 s", None), ("inf", None),
        ("²", None), ("1.²", None), ("٣", None), ("1" * 10, None),
    ],
)  # fmt: skip
def test_seconds_are_read_as_sleep_reads_them_and_rounded_up(text: str, seconds: int | None) -> None:
    assert builtins.seconds(text) == seconds


@given(st.sampled_from(sorted(builtins.TABLE)), st.lists(st.text(max_size=8), max_size=3))
def test_any_operands_of_a_builtin_are_accepted_or_not(name: str, operands: list[str]) -> None:
    assert builtins.TABLE[name].accepts(operands) in (True, False)


@pytest.mark.parametrize("status", ["0", "7", "255", "007"])
def test_exit_takes_a_status(status: str) -> None:
    assert builtins.TABLE["exit"].accepts([status])


@pytest.mark.parametrize("status", ["256", "-1", "x", "²", "٣", "1" * 5000, " 1"])
def test_exit_takes_nothing_else(status: str) -> None:
    assert not builtins.TABLE["exit"].accepts([status])
