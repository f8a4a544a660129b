"""What .dockerignore keeps out of a build context, as docker itself does it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell.core.build.ignore import Unclear, read


@pytest.mark.parametrize(
    ("text", "out", "kept"),
    [
        ("", [], ["a"]),
        ("# secret\n", [], ["# secret", "secret"]),
        ("secret", ["secret", "secret/a/b"], ["a/secret", "secrets", "Secret"]),
        ("/secret/", ["secret", "secret/a"], ["a/secret"]),
        ("./a/./b", ["a/b", "a/b/c"], ["a", "b"]),
        ("*.key", ["x.key", ".key", "x.key/y"], ["a/x.key", "key"]),
        ("*/*.key", ["a/x.key"], ["x.key", "a/b/x.key"]),
        ("**/*.key", ["x.key", "a/x.key", "a/b/x.key"], ["x.keys"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z/y"], ["z", "a/b"]),
        ("**", ["a", "a/b"], []),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a"]),
        ("b/*/**/x", ["b/a/x", "b/a/c/x"], ["b/x"]),
        ("?", ["a", "b/c"], ["ab"]),
        ("a?c*", ["abc", "abcd"], ["ac"]),
        ("*.py[cod]", ["x.pyc", "x.pyo", ".pyd"], ["x.py", "x.pyx", "a/x.pyc", "x.pycc"]),
        ("**/*.py[cod]", ["x.pyc", "a/b/x.pyo"], ["a/x.py"]),
        ("[a-cx_0-9]z", ["az", "cz", "xz", "_z", "5z"], ["dz", "-z", "z", "az.b"]),
        ("*$py.class\n*.py,cover", ["a$py.class", "a.py,cover"], ["apy.class"]),
        ("*\n!keep[0-9]", ["keep", "keepx"], ["keep1", "keep1/x"]),
        ("*\n!keep", ["a", "a/keep"], ["keep", "keep/x"]),
        ("a\n! a/b \na/b/c", ["a", "a/x", "a/b/c"], ["a/b", "a/b/d"]),
        ("!a\na", ["a"], ["b"]),
        ("\ufeffa\r\nb", ["a", "b"], []),
        ("!\n/\n.", [], ["a"]),
    ],
)
def test_the_last_pattern_that_fits_decides(text: str, out: list[str], kept: list[str]) -> None:
    patterns = read(text)
    assert [path for path in out if not patterns.leave_out(path)] == []
    assert [path for path in kept if patterns.leave_out(path)] == []


@pytest.mark.parametrize("text", [
    "[^a]", "[!a]", "[a", "a]", "[]", "[]a]", "[z-a]", "[a-]", "[-a]", "[a-b-c]", "[a/b]", "[+-9]", "[*]", "[?]",
    "[[a]]", "[.]", "[\u00e9]", "a\\*", "[\\a]", "../x", "a/../b", "a**", "**.key",
])
def test_a_pattern_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(Unclear):
        read(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("**.log", "'**.log': ** stands between slashes, such as **/*.log"),
        ("a/b**", "'a/b**': ** stands between slashes, such as **/b*"),
        ("[^a]", "'[^a]': in [ ] are letters, digits and ranges, such as [a-z0-9]"),
        ("\\#a", "'\\#a': there is no .. and no backslash"),
    ],
)
def test_a_refused_pattern_is_told_how_to_be_written(text: str, said: str) -> None:
    with pytest.raises(Unclear) as caught:
        read(text)
    assert str(caught.value) == said


def test_too_many_patterns_are_refused() -> None:
    with pytest.raises(Unclear):
        read("a\n" * 1000)


def test_a_directory_that_is_out_whole_need_not_be_read() -> None:
    assert read("a").leave_out_all("a")
    assert not read("a\n!a/b").leave_out_all("a")
    assert not read("a").leave_out_all("b")


@given(st.lists(st.sampled_from(["*", "**", "?", "a", "b", "/", "!", "\n"]), max_size=12).map("".join), st.text("ab/"))
def test_what_is_below_something_left_out_is_out_too_but_for_exceptions(text: str, path: str) -> None:
    try:
        patterns = read(text)
    except Unclear:
        return
    if "!" not in text and patterns.leave_out(path):
        assert patterns.leave_out(path + "/more")
