"""What front and gate say to each other: whatever is sent arrives, whatever is out of shape does not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell.core.model import Refusal
from rshell.host.account import Claims
from rshell.host.protocol import MAX_MESSAGE, MAX_WORDS, Answer, BadMessage, Request, answer, frame, request

TEXT = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates too
REQUESTS = st.builds(
    Request, st.lists(TEXT, min_size=1, max_size=8).map(tuple), st.none() | TEXT, st.booleans(),
    st.integers(0, (1 << 31) - 1), st.builds(Claims, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, st.integers(0, 1 << 40), TEXT),
)  # fmt: skip
KINDS = st.sampled_from(["denied", "unknown", "unsupported", "unavailable"])
REFUSALS = st.builds(Refusal, KINDS, TEXT, TEXT, TEXT, st.none(), TEXT, TEXT)
ANSWERS = st.one_of(
    st.builds(Answer, st.sampled_from(["ready", "ended"]), st.integers(0, 255), st.integers(0, 1 << 22), TEXT),
    st.builds(Answer, st.just("refused"), st.integers(0, 255), st.just(0), TEXT, REFUSALS),
)
CLAIMS = {
    "id": "a-1", "mode": "c", "source": "", "tty": "", "wrapper": "", "line": "docker ps", "size": 9, "sha256": "0",
}  # fmt: skip
CLAIMED = Claims("a-1", "c", "", "", "", "docker ps", 9, "0")
GOOD: dict[str, object] = {"words": ["docker", "ps"], "text": None, "terminal": False, "timeout": 0, "claims": CLAIMS}
ANSWER: dict[str, object] = {"verdict": "ready", "status": 0, "group": 7, "reason": "", "refusal": None}
REFUSED = {"kind": "denied", "code": "x", "message": "m", "line": "l", "why": "w", "instead": "", "at": None}


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
    sent = frame(Request(("docker", "ps"), None, False, 0, CLAIMED))
    assert sent[:4] == (len(sent) - 4).to_bytes(4, "big")
    assert json.loads(unframed(sent)) == GOOD
    assert json.loads(unframed(frame(Answer("ended", 3, 0, "gone")))) == {
        "verdict": "ended", "status": 3, "group": 0, "reason": "gone", "refusal": None,
    }  # fmt: skip


def test_where_it_is_in_a_file_that_was_sent_comes_along() -> None:
    sent = Refusal("denied", "x", "m", "privileged: true", (0, 10), "w", sent=True)
    assert answer(unframed(frame(Answer("refused", refusal=sent)))).refusal == sent
    typed = Refusal("denied", "x", "m", "docker ps", (0, 6), "w")
    assert answer(unframed(frame(Answer("refused", refusal=typed)))).refusal == typed.but(at=None)


def test_the_largest_line_and_text_fit_in_a_message() -> None:
    words = tuple("\u20ac" * 10 for _ in range(1024))
    assert len(unframed(frame(Request(words, "\u20ac" * (256 * 1024 // 3), False, 0, CLAIMED)))) <= MAX_MESSAGE


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
        {"claims": None},
        {"claims": []},
        {"claims": {}},
        {"claims": {**CLAIMS, "id": 1}},
        {"claims": {**CLAIMS, "uid": "0"}},
        {"claims": {**CLAIMS, "size": "9"}},
        {"claims": {**CLAIMS, "size": -1}},
        {"claims": {**CLAIMS, "line": "a" * 2049}},
        {"claims": {key: CLAIMS[key] for key in CLAIMS if key != "mode"}},
        {"run_as": "root"},
        {"role": "x"},
        {"": ""},
    ],
    ids=lambda changes: str(changes)[:30],
)
def test_a_request_out_of_shape_is_a_bad_message(changes: dict[str, object]) -> None:
    assert request(body()) == Request(("docker", "ps"), None, False, 0, CLAIMED)
    with pytest.raises(BadMessage):
        request(body(**changes))


@pytest.mark.parametrize("key", sorted(GOOD))
def test_a_request_with_a_key_missing_is_a_bad_message(key: str) -> None:
    with pytest.raises(BadMessage):
        request(json.dumps({name: value for name, value in GOOD.items() if name != key}).encode())


REFUSING = {**ANSWER, "verdict": "refused", "refusal": REFUSED}


@pytest.mark.parametrize(
    ("good", "changes"),
    [
        (ANSWER, {"verdict": "yes"}),
        (ANSWER, {"verdict": None}),
        (ANSWER, {"verdict": ["ready"]}),
        (ANSWER, {"verdict": "refused"}),
        (ANSWER, {"status": "0"}),
        (ANSWER, {"status": None}),
        (ANSWER, {"status": 1.0}),
        (ANSWER, {"status": True}),
        (ANSWER, {"status": -1}),
        (ANSWER, {"status": 256}),
        (ANSWER, {"group": -1}),
        (ANSWER, {"group": "7"}),
        (ANSWER, {"group": 1 << 31}),
        (ANSWER, {"reason": None}),
        (ANSWER, {"reason": 0}),
        (ANSWER, {"refusal": REFUSED}),
        (ANSWER, {"verdict": "ended", "refusal": {}}),
        (ANSWER, {"more": 1}),
        (REFUSING, {"refusal": None}),
        (REFUSING, {"refusal": {}}),
        (REFUSING, {"refusal": [REFUSED]}),
        (REFUSING, {"refusal": {**REFUSED, "why": 1}}),
        (REFUSING, {"refusal": {**REFUSED, "why": None}}),
        (REFUSING, {"refusal": {**REFUSED, "kind": "allowed"}}),
        (REFUSING, {"refusal": {**REFUSED, "more": "x"}}),
        (REFUSING, {"refusal": {**REFUSED, "at": [1]}}),
        (REFUSING, {"refusal": {**REFUSED, "at": [1, -2]}}),
        (REFUSING, {"refusal": {**REFUSED, "at": "1"}}),
        (REFUSING, {"refusal": {**REFUSED, "at": [1, "2"]}}),
        (REFUSING, {"refusal": {key: REFUSED[key] for key in REFUSED if key != "code"}}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_answer_out_of_shape_is_a_bad_message(good: dict[str, object], changes: dict[str, object]) -> None:
    assert answer(json.dumps(good).encode()).verdict == good["verdict"]
    with pytest.raises(BadMessage):
        answer(json.dumps({**good, **changes}).encode())


@pytest.mark.parametrize("key", sorted(ANSWER))
def test_an_answer_with_a_key_missing_is_a_bad_message(key: str) -> None:
    with pytest.raises(BadMessage):
        answer(json.dumps({name: value for name, value in ANSWER.items() if name != key}).encode())


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
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, *ANSWER, *CLAIMS, "x"]), inner)
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
