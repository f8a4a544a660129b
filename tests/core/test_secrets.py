"""Secrets are masked in what is recorded, and everything else is left as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell.core.secrets import PREFIXES, WORDS, mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("docker run -e DB_PASSWORD=hunter2 x", "docker run -e DB_PASSWORD=*** x"),
        ("--password=hunter2 a", "--password=*** a"),
        ("API_KEY=a TOKEN=b x=c", "API_KEY=*** TOKEN=*** x=c"),
        ("SECRET='a b' x", "SECRET=*** x"),
        ('SECRET="a b" x', "SECRET=*** x"),
        ("SECRET='a b", "SECRET=***"),
        ("SECRET=a;b", "SECRET=***;b"),
        ("SECRET=a|b && c", "SECRET=***|b && c"),
        ("SECRET=", "SECRET="),
        ("SECRET= x", "SECRET= x"),
        ("SECRET=a=b", "SECRET=***"),
        ("db_auth=x", "db_auth=***"),
        ("AWS_CREDENTIALS=x", "AWS_CREDENTIALS=***"),
        ("-e 'PASSWORD=x' y", "-e 'PASSWORD=***' y"),
        ("ps -a --filter name=x", "ps -a --filter name=x"),
        ("http://u:p@host/x", "http://u:***@host/x"),
        ("redis://:p@host:6379/0", "redis://:***@host:6379/0"),
        ("http://u:p@w@host", "http://u:***@host"),
        ("http://host:80/x http://u:p@h", "http://host:80/x http://u:***@h"),
        ("http://user@host", "http://user@host"),
        ("'http://u:p@h' x", "'http://u:***@h' x"),
        ("URL=postgres://u:p@h/d", "URL=postgres://u:***@h/d"),
        ("a ghp_0123456789abcdefghij b", "a *** b"),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.x", "Bearer ***"),
        ("sk-0123456789abcdef,glpat-0123456789abcdef", "***,***"),
        ("task-0123456789abcdef", "task-0123456789abcdef"),
        ("sk-short", "sk-short"),
        ("", ""),
        ("docker ps -a --format '{{.Names}}'", "docker ps -a --format '{{.Names}}'"),
    ],
)
def test_values_of_secrets_are_masked_and_nothing_else(text: str, masked: str) -> None:
    assert mask(text) == masked


@given(
    st.sampled_from(WORDS), st.sampled_from(["{}", "MY_{}", "{}_X", "--{}-file"]), st.text("abcXYZ019+/_.:", min_size=1)
)
def test_the_value_of_a_telling_name_never_stays(word: str, form: str, value: str) -> None:
    name = form.format(word)
    assert mask(f"run {name}={value} x") == f"run {name}=*** x"
    assert mask(f"run {name.lower()}='{value} {value}' x") == f"run {name.lower()}=*** x"


@given(st.sampled_from(PREFIXES), st.text("abcXYZ019_-", min_size=16))
def test_a_token_of_a_known_shape_never_stays(prefix: str, rest: str) -> None:
    assert mask(f"x {prefix}{rest} y") == "x *** y"


@given(st.text("abcXYZ /:@'\"$-_.\n|&").filter(lambda text: "://" not in text))
def test_text_without_a_secret_is_left_as_it_is(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("SECRET='a'b x", "SECRET=*** x"),
        ("SECRET='it'\\''s' x", "SECRET=*** x"),
        ("SECRET=a'b c' x", "SECRET=*** x"),
        ('SECRET="a\\"b" x', "SECRET=*** x"),
        ("SECRET=a\\ b x", "SECRET=*** x"),
        ('-e "SECRET=a b" x', '-e "SECRET=***" x'),
        ("-e 'SECRET=a b' x", "-e 'SECRET=***' x"),
        ("'http://u:p&w@h/' x", "'http://u:***@h/' x"),
    ],
)
def test_a_value_ends_where_its_word_ends(text: str, masked: str) -> None:
    assert mask(text) == masked
