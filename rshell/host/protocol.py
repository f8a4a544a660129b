"""What front and gate say to each other: one request, one answer, then signals and the end.

In direct mode both are the same process; the messages are the same values.
On the wire: four bytes of length (big endian), then a JSON object.
"""

from __future__ import annotations

from rshell.core.model import Refusal
from rshell.core.value import Value
from rshell.lean import from_json, to_json

MAX_MESSAGE = 1024 * 1024
MAX_WORDS = 4096
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
    id: str


class Answer(Value):
    """`ready` (it is about to run), `refused`, or `ended` with a status."""

    verdict: str
    status: int = 0
    refusal: Refusal | None = None


def frame(message: Request | Answer) -> bytes:
    """Write a message for the wire."""
    if isinstance(message, Request):
        body: dict[str, object] = {field: getattr(message, field) for field in Request._fields}
    else:
        body = {"verdict": message.verdict, "status": message.status}
        if message.refusal is not None:
            body["refusal"] = {field: getattr(message.refusal, field) for field in REFUSAL_FIELDS}
    data = to_json(body).encode("ascii")
    return len(data).to_bytes(4, "big") + data


def request(data: bytes) -> Request:
    """Read a request, its frame taken off. Raises BadMessage for anything out of shape."""
    body = _object(data, Request._fields)
    words, text = body["words"], body["text"]
    if not isinstance(words, list) or not 0 < len(words) <= MAX_WORDS or not all(isinstance(w, str) for w in words):
        raise BadMessage("words")
    if text is not None and not isinstance(text, str):
        raise BadMessage("text")
    if not isinstance(body["terminal"], bool) or not isinstance(body["id"], str) or len(body["id"]) > 64:
        raise BadMessage("terminal or id")
    timeout = body["timeout"]
    if not isinstance(timeout, int) or isinstance(timeout, bool) or not 0 <= timeout < 1 << 31:
        raise BadMessage("timeout")
    return Request(tuple(words), text, body["terminal"], timeout, body["id"])


def answer(data: bytes) -> Answer:
    """Read an answer, its frame taken off. Raises BadMessage."""
    body = _object(data, ("verdict", "status"), ("refusal",))
    verdict, status, refused = body["verdict"], body["status"], body.get("refusal")
    if verdict not in ("ready", "refused", "ended") or (verdict == "refused") != (refused is not None):
        raise BadMessage("verdict")
    if not isinstance(status, int) or isinstance(status, bool) or not 0 <= status < 256:
        raise BadMessage("status")
    if refused is None:
        return Answer(str(verdict), status)
    if not isinstance(refused, dict) or set(refused) != set(REFUSAL_FIELDS) or refused["kind"] not in KINDS:
        raise BadMessage("refusal")
    if not all(isinstance(value, str) for value in refused.values()):
        raise BadMessage("refusal")
    return Answer(str(verdict), status, Refusal(**refused))


def _object(data: bytes, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, object]:
    """Read a JSON object with exactly these keys. SECURITY: nothing unknown gets past."""
    if len(data) > MAX_MESSAGE:
        raise BadMessage("size")
    try:
        body = from_json(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadMessage("no JSON") from None
    if not isinstance(body, dict) or not set(required) <= set(body) <= set(required + optional):
        raise BadMessage("keys")
    return body
