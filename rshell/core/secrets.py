"""Hide the values of secrets in text that is about to be recorded. A help, no guarantee."""

from __future__ import annotations

WORDS = ("PASS", "SECRET", "TOKEN", "KEY", "CRED", "AUTH")
PREFIXES = ("sk-", "ghp_", "gho_", "github_pat_", "glpat-", "xoxb-", "AKIA", "eyJ")
NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
END = frozenset(" \t\n;&|<>")
MASK = "***"


def mask(text: str) -> str:
    """Replace secret values: of NAME=VALUE where NAME speaks of a secret, in URLs, of known token shapes."""
    return _mask_tokens(_mask_urls(_mask_assignments(text)))


def _mask_assignments(text: str) -> str:
    made, here = "", 0
    while (equals := text.find("=", here)) >= 0:
        start = equals
        while start > here and text[start - 1] in NAME:
            start -= 1
        made += text[here : equals + 1]
        here = equals + 1
        if any(word in text[start:equals].upper() for word in WORDS):
            stop = _value_end(text, start, here)
            made += MASK if stop > here else ""
            here = stop
    return made + text[here:]


def _value_end(text: str, start: int, here: int) -> int:
    """Find the end of a value, as a shell would: quotes and backslashes belong to it.

    start: where its word begins; inside quotes that opened right before, it ends with them.
    """
    around = text[start - 1 : start] if start else ""
    if around in ("'", '"'):
        return _closing(text, here, around)
    while here < len(text) and text[here] not in END:
        if text[here] in ("'", '"'):
            here = _closing(text, here + 1, text[here])
        here += 2 if text[here : here + 1] == "\\" else 1
    return min(here, len(text))


def _closing(text: str, here: int, quote: str) -> int:
    """Find the quote that closes, or the end of the text."""
    while here < len(text) and text[here] != quote:
        here += 2 if quote == '"' and text[here] == "\\" else 1
    return min(here, len(text))


def _mask_urls(text: str) -> str:
    made, here = "", 0
    while (colon := text.find("://", here)) >= 0:
        start = colon
        while start > here and text[start - 1] in NAME:
            start -= 1
        stop = _value_end(text, start, colon + 3)
        host = text[colon + 3 : stop]
        user, password, rest = host.partition(":")
        secret, at, tail = rest.rpartition("@")
        made += text[here : colon + 3]
        made += f"{user}:{MASK}@{tail}" if password and at and secret and "/" not in user else host
        here = stop
    return made + text[here:]


def _mask_tokens(text: str) -> str:
    for prefix in PREFIXES:
        made, here = "", 0
        while (start := text.find(prefix, here)) >= 0:
            stop = start
            while stop < len(text) and (text[stop] in NAME or text[stop] == "."):
                stop += 1
            whole = start == 0 or text[start - 1] not in NAME
            made += text[here:start] + (MASK if whole and stop - start >= 16 else text[start:stop])
            here = max(stop, start + len(prefix))
        text = made + text[here:]
    return text
