"""What front and gate say to each other: whatever is sent arrives, whatever is out of shape does not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell.core.model import Refusal
from rshell.host.protocol import MAX_MESSAGE, MAX_WORDS, Answer, BadMessage, Request, answer, frame, request

TEXT = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates too
REQUESTS = st.builds(
    Request, st.lists(TEXT, min_size=1, max_size=8).map(tuple), st.none() | TEXT, st.booleans(),
    st.integers(0, (1 << 31) - 1), st.text(max_size=64),
)  # fmt: skip
KINDS = st.sampled_from(["denied", "unknown", "unsupported", "unavailable"])
REFUSALS = st.builds(Refusal, KINDS, TEXT, TEXT, TEXT, st.none(), TEXT, TEXT)
ANSWERS = st.one_of(
    st.builds(Answer, st.sampled_from(["ready", "ended"]), st.integers(0, 255)),
    st.builds(Answer, st.just("refused"), st.integers(0, 255), REFUSALS),
)
GOOD: dict[str, object] = {"words": ["docker", "ps"], "text": None, "terminal": False, "timeout": 0, "id": "a"}
REFUSED = {"kind": "denied", "code": "x", "message": "m", "line": "l", "why": "w", "instead": ""}


def unframed(data: bytes) -> bytes:
    """The body of a frame, its length checked."""
    assert int.from_bytes(data[:4], "big") == len(data) - 4
    return data[4:]


def body(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


@given(REQUESTS)
def test_a_request_arrives_as_it_was_sent(sent: Request) -> None:
    data = unframed(frame(sent))
    assert data.isascii()
    assert request(data) == sent


@given(ANSWERS)
def test_an_answer_arrives_as_it_was_sent(sent: Answer) -> None:
    data = unframed(frame(sent))
    assert data.isascii()
    assert answer(data) == sent


def test_the_frame_is_a_length_and_a_json_object() -> None:
    sent = b'{"words": ["a"], "text": null, "terminal": true, "timeout": 5, "id": "i"}'
    assert frame(Request(("a",), None, True, 5, "i")) == b"\0\0\0\x49" + sent
    assert json.loads(unframed(frame(Answer("ended", 3)))) == {"verdict": "ended", "status": 3}


def test_the_largest_line_and_text_fit_in_a_message() -> None:
    words = tuple("\u20ac" * 10 for _ in range(1024))
    assert len(unframed(frame(Request(words, "\u20ac" * (256 * 1024 // 3), False, 0, "i")))) <= MAX_MESSAGE


@pytest.mark.parametrize(
    "changes",
    [
        {"words": []},
        {"words": "docker ps"},
        {"words": None},
        {"words": {"0": "a"}},
        {"words": ["a", 1]},
        {"words": ["a", None]},
        {"words": [["a"]]},
        {"words": ["a"] * (MAX_WORDS + 1)},
        {"text": 1},
        {"text": ["a"]},
        {"terminal": 1},
        {"terminal": None},
        {"terminal": "true"},
        {"timeout": -1},
        {"timeout": 1 << 31},
        {"timeout": 1.5},
        {"timeout": True},
        {"timeout": None},
        {"timeout": "5"},
        {"id": 1},
        {"id": None},
        {"id": "a" * 65},
        {"run_as": "root"},
        {"role": "x"},
        {"": ""},
    ],
    ids=lambda changes: str(changes)[:30],
)
def test_a_request_out_of_shape_is_a_bad_message(changes: dict[str, object]) -> None:
    assert request(body()) == Request(("docker", "ps"), None, False, 0, "a")
    with pytest.raises(BadMessage):
        request(body(**changes))


@pytest.mark.parametrize("key", sorted(GOOD))
def test_a_request_with_a_key_missing_is_a_bad_message(key: str) -> None:
    with pytest.raises(BadMessage):
        request(json.dumps({name: value for name, value in GOOD.items() if name != key}).encode())


@pytest.mark.parametrize(
    "given_",
    [
        {},
        {"verdict": "ready"},
        {"status": 0},
        {"verdict": "yes", "status": 0},
        {"verdict": None, "status": 0},
        {"verdict": ["ready"], "status": 0},
        {"verdict": "ready", "status": "0"},
        {"verdict": "ready", "status": None},
        {"verdict": "ready", "status": 1.0},
        {"verdict": "ended", "status": True},
        {"verdict": "ended", "status": -1},
        {"verdict": "ended", "status": 256},
        {"verdict": "refused", "status": 0},
        {"verdict": "refused", "status": 0, "refusal": None},
        {"verdict": "refused", "status": 0, "refusal": {}},
        {"verdict": "refused", "status": 0, "refusal": [REFUSED]},
        {"verdict": "refused", "status": 0, "refusal": {**REFUSED, "why": 1}},
        {"verdict": "refused", "status": 0, "refusal": {**REFUSED, "why": None}},
        {"verdict": "refused", "status": 0, "refusal": {**REFUSED, "kind": "allowed"}},
        {"verdict": "refused", "status": 0, "refusal": {**REFUSED, "more": "x"}},
        {"verdict": "refused", "status": 0, "refusal": {key: REFUSED[key] for key in REFUSED if key != "code"}},
        {"verdict": "ready", "status": 0, "refusal": REFUSED},
        {"verdict": "ended", "status": 0, "refusal": {}},
        {"verdict": "ended", "status": 0, "refusal": 0},
        {"verdict": "ready", "status": 0, "more": 1},
    ],
    ids=lambda given_: str(given_)[:60],
)
def test_an_answer_out_of_shape_is_a_bad_message(given_: dict[str, object]) -> None:
    with pytest.raises(BadMessage):
        answer(json.dumps(given_).encode())


MALFORMED = [
    b"", b" ", b"null", b"[]", b"1", b'"x"', b"{", b"{}", b"{}{}", b"{} x", b"nul", b"{'a': 1}", b'{"a": 1,}', b"\xff",
    b'{"words": NaN}', b'{"words": Infinity}', b'{"words": -Infinity}', b"NaN", b'{"words": ' + b"1" * 5000 + b"}",
    b'{"words": "\x00"}', b'{"words": "\\ud8"}', b"[" * 100_000, b'{"a":' * 100_000, b" " * (MAX_MESSAGE + 1),
    body()[:-1], body() + b"x", body().decode().encode("utf-16"),
]  # fmt: skip


@pytest.mark.parametrize("data", MALFORMED, ids=lambda data: ascii(data[:20]))
def test_what_is_no_message_is_a_bad_message(data: bytes) -> None:
    with pytest.raises(BadMessage):
        request(data)
    with pytest.raises(BadMessage):
        answer(data)


def test_a_message_that_is_too_long_is_refused_unread() -> None:
    with pytest.raises(BadMessage, match="size"):
        request(body(text="x" * MAX_MESSAGE))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "verdict", "status", "x"]), inner)
    ),
    max_leaves=6,
)


@given(st.one_of(
    st.binary(max_size=60), JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(sorted(GOOD)), JSON).map(lambda changes: body(**changes)),
    st.builds(lambda at, new: body()[:at] + new + body()[at + 1 :], st.integers(0, len(body())), st.binary(max_size=3)),
))  # fmt: skip
def test_any_bytes_are_a_message_or_a_bad_one(data: bytes) -> None:
    for read in (request, answer):
        try:
            message = read(data)
        except BadMessage:
            continue
        assert read(unframed(frame(message))) == message
