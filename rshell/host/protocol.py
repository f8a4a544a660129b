"""What front and gate say to each other: one request, then signals; one or two answers.

In direct mode both are the same process; the messages are the same values.
On the wire: four bytes of length (big endian), then a JSON object. What the front sends after its
request are signals, a byte each.
"""

from __future__ import annotations

from rshell.core.model import Refusal
from rshell.core.value import Value
from rshell.host.account import Claims
from rshell.lean import from_json, to_json

MAX_MESSAGE = 1024 * 1024
MAX_WORDS = 4096
MAX_CLAIM = 2048  # characters
LENGTH = 4  # bytes in front of a message
KINDS = ("denied", "unknown", "unsupported", "unavailable")
REFUSAL_FIELDS = ("kind", "code", "message", "line", "why", "instead")


class BadMessage(Exception):
    """The peer said something that is no message."""


class Request(Value):
    """Run these words. The gate believes none of it: it decides again, from the words."""

    words: tuple[str, ...]
    text: str | None
    terminal: bool
    timeout: int  # seconds, 0 for the rule's own
    claims: Claims


class Answer(Value):
    """`ready` (it runs, in this process group), `refused`, or `ended` with a status.

    `reason` is why it ended, if not by itself: gone, stopped, timeout; or `silent`: there was no answer.
    """

    verdict: str
    status: int = 0
    group: int = 0
    reason: str = ""
    refusal: Refusal | None = None


def frame(message: Request | Answer) -> bytes:
    """Write a message for the wire."""
    body: dict[str, object] = {field: getattr(message, field) for field in message._fields}
    if isinstance(message, Request):
        body["claims"] = {field: getattr(message.claims, field) for field in Claims._fields}
    elif message.refusal is not None:
        told: dict[str, object] = {field: getattr(message.refusal, field) for field in REFUSAL_FIELDS}
        body["refusal"] = {**told, "at": message.refusal.at if message.refusal.sent else None}
    data = to_json(body).encode("ascii")
    return len(data).to_bytes(LENGTH, "big") + data


def request(data: bytes) -> Request:
    """Read a request, its frame taken off. Raises BadMessage for anything out of shape."""
    body = _object(data, Request._fields)
    words, text = body["words"], body["text"]
    if not isinstance(words, list) or not 0 < len(words) <= MAX_WORDS or not all(isinstance(w, str) for w in words):
        raise BadMessage("words")
    if text is not None and not isinstance(text, str):
        raise BadMessage("text")
    if not isinstance(body["terminal"], bool):
        raise BadMessage("terminal")
    return Request(tuple(words), text, body["terminal"], _number(body["timeout"], 1 << 31), _claims(body["claims"]))


def answer(data: bytes) -> Answer:
    """Read an answer, its frame taken off. Raises BadMessage."""
    body = _object(data, Answer._fields)
    verdict, reason, refused = body["verdict"], body["reason"], body["refusal"]
    if verdict not in ("ready", "refused", "ended") or (verdict == "refused") != (refused is not None):
        raise BadMessage("verdict")
    if not isinstance(reason, str):
        raise BadMessage("reason")
    refusal = None if refused is None else _refusal(refused)
    return Answer(str(verdict), _number(body["status"], 256), _number(body["group"], 1 << 31), reason, refusal)


def _refusal(body: object) -> Refusal:
    if not isinstance(body, dict) or "at" not in body:
        raise BadMessage("refusal")
    at = body.pop("at")
    said = _texts(body, REFUSAL_FIELDS, MAX_MESSAGE)
    if said["kind"] not in KINDS:
        raise BadMessage("refusal")
    made = Refusal(said["kind"], said["code"], said["message"], said["line"], None, said["why"], said["instead"])
    if at is None:
        return made
    if not isinstance(at, list) or len(at) != 2:
        raise BadMessage("at")
    start, end = (_number(one, MAX_MESSAGE) for one in at)
    return made.but(at=(start, end), sent=True)


def _claims(body: object) -> Claims:
    if not isinstance(body, dict) or "size" not in body:
        raise BadMessage("claims")
    size = _number(body.pop("size"), 1 << 62)
    fields = tuple(field for field in Claims._fields if field != "size")
    return Claims(**_texts(body, fields, MAX_CLAIM), size=size)


def _object(data: bytes, fields: tuple[str, ...]) -> dict[str, object]:
    """Read a JSON object with exactly these keys. SECURITY: nothing unknown gets past."""
    if len(data) > MAX_MESSAGE:
        raise BadMessage("size")
    try:
        body = from_json(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadMessage("no JSON") from None
    if not isinstance(body, dict) or set(body) != set(fields):
        raise BadMessage("keys")
    return body


def _texts(body: object, fields: tuple[str, ...], most: int) -> dict[str, str]:
    """Return an object of texts, each of at most so many characters."""
    if not isinstance(body, dict) or set(body) != set(fields):
        raise BadMessage("keys")
    if not all(isinstance(value, str) and len(value) <= most for value in body.values()):
        raise BadMessage("texts")
    return body


def _number(value: object, end: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < end:
        raise BadMessage("number")
    return value
