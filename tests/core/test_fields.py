"""The fields that docker splits a value into, as Go's encoding/csv does, and where a part of them stands."""

from __future__ import annotations

import csv

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rshell.core.parts.fields import Wrong, locate, read

FIELDS = st.lists(st.text("abc=:/\"', .", min_size=1, max_size=6), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a", ("a",)), ("a,b", ("a", "b")), ("a,,b", ("a", "", "b")), (",", ("", "")), ("a=b", ("a=b",)),
        ('"a"', ("a",)), ('"a,b"', ("a,b",)), ('"a,b",c', ("a,b", "c")), ('a,"b"', ("a", "b")), ('""', ("",)),
        ('"a""b"', ('a"b',)), ('"""",x', ('"', "x")), (" a, b", (" a", " b")), ('"a","b"', ("a", "b")),
        ("'a,b'", ("'a", "b'")), ('a,""', ("a", "")),
    ],
)  # fmt: skip
def test_fields_stand_between_commas_and_quotes_hold_one_together(text: str, fields: tuple[str, ...]) -> None:
    assert read(text) == fields


@pytest.mark.parametrize(
    "text", ["", '"', '"a', '"a"b', 'a"b', 'a"', 'a"b"', '"a" ,b', ' "a"', '"a""', 'a,"b', 'x,"a"b,c']
)
def test_what_go_takes_for_no_fields_are_none(text: str) -> None:
    """encoding/csv: ErrBareQuote, ErrQuote, and an empty text is the end of the file."""
    with pytest.raises(Wrong):
        read(text)


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", '"a\nb"', "\na", "a\n", "a\x00b", "a\u2028b", "a\tb"])
def test_a_text_of_more_than_one_line_is_refused_for_docker_reads_the_first_alone(text: str) -> None:
    with pytest.raises(Wrong):
        read(text)


@given(FIELDS)
@example(['"', ","])
def test_whatever_is_written_as_fields_reads_as_them(fields: list[str]) -> None:
    quoted = ",".join('"' + field.replace('"', '""') + '"' for field in fields)
    assert read(quoted) == tuple(fields)
    assert next(csv.reader([quoted], strict=True)) == fields


@given(st.text("ab,\"= '", max_size=12))
def test_what_is_read_is_what_a_strict_reader_of_csv_reads(text: str) -> None:
    """Python's lets a quote stand inside a bare field; nothing else is different."""
    try:
        fields = read(text)
    except Wrong:
        return
    assert list(csv.reader([text], strict=True)) == [list(fields)]


@pytest.mark.parametrize(
    ("value", "part", "found"),
    [
        ("/etc:/x", "/etc", "/etc"), ("/etc/x:/etc", "/etc", "/etc"), ("v:/v", "v", "v"), ("ollama:/x:o", "o", "o"),
        ("type=bind,src=/", "/", "/"), ('type=bind,"src=/etc"', "/etc", "/etc"), ("/x:size=9g,mode=1", "size=",
        "size=9g"),
        ("type=tmpfs,tmpfs-size=9g", "size=", "size=9g"), ('"tmpfs-size=9g",dst=/x', "size=", "size=9g"),
        ("127.0.0.1:22:22", "22", "22"), ("127.0.0.1:8080:80/sctp", "sctp", "sctp"), ("a", "", "a"), ("a", "b", "a"),
        ("", "", ""), ("", "x", ""),
    ],
)  # fmt: skip
def test_a_part_is_found_where_it_stands_by_itself(value: str, part: str, found: str) -> None:
    start, end = locate(value, part)
    assert value[start:end] == found


def test_a_part_is_not_found_inside_another_one() -> None:
    assert locate("target=/etc/x,source=/etc", "/etc") == (21, 25)
    assert locate("ollama:/x:o", "o") == (10, 11)


@given(st.text("ab:,=/\"", max_size=12), st.text("ab:,=/\"", max_size=4))
def test_a_part_is_always_somewhere_in_the_value(value: str, part: str) -> None:
    start, end = locate(value, part)
    assert 0 <= start <= end <= len(value)
