"""Hide the values of secrets in text that is about to be recorded. A help, no guarantee."""

from __future__ import annotations

WORDS = ("PASS", "PWD", "SECRET", "TOKEN", "KEY", "CRED", "AUTH")
PREFIXES = ("sk-", "ghp_", "gho_", "github_pat_", "glpat-", "xoxb-", "AKIA", "eyJ")
NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
QUOTING = frozenset("'\"\\")
END = frozenset(" \t\n;&|<>")
MASK = "***"


def mask(text: str) -> str:
    """Replace secret values in a line: of NAME=VALUE and --name VALUE where the name speaks of a secret,
    in URLs, of known token shapes."""
    return _mask_tokens(_mask_urls(_mask_options(_mask_assignments(text))))


def mask_word(word: str) -> str:
    """Replace the secret value of one word of an argv: there it runs to the end of the word."""
    here = 0
    while (equals := word.find("=", here)) >= 0:
        start = equals
        while start > here and word[start - 1] in NAME:
            start -= 1
        if _is_secret(word[start:equals]):
            return word[: equals + 1] + MASK
        here = equals + 1
    return _mask_tokens(_mask_urls(word))


def _is_secret(name: str) -> bool:
    plain = name.upper()
    return any(word in plain for word in WORDS)


def _mask_assignments(text: str) -> str:
    made, here = "", 0
    while (equals := text.find("=", here)) >= 0:
        start = equals
        while start > here and (text[start - 1] in NAME or text[start - 1] in QUOTING):
            start -= 1
        name = text[start:equals]
        made += text[here : equals + 1]
        here = equals + 1
        if _is_secret("".join(char for char in name if char not in QUOTING)):
            stop = _value_end(text, name, here)
            made += MASK if stop > here else ""
            here = stop
    return made + text[here:]


def _mask_options(text: str) -> str:
    """Mask what follows --password, --token and the like in the next word."""
    made, here = "", 0
    while (dashes := text.find("--", here)) >= 0:
        stop = dashes + 2
        while stop < len(text) and text[stop] in NAME:
            stop += 1
        value = stop
        while value < len(text) and text[value] in " \t":
            value += 1
        made += text[here:stop]
        here = stop
        if value > stop and _is_secret(text[dashes:stop]) and text[value : value + 1] != "-":
            end = _value_end(text, "", value)
            made += text[stop:value] + (MASK if end > value else "")
            here = end
    return made + text[here:]


def _value_end(text: str, name: str, here: int) -> int:
    """Find the end of a value, as a shell would: quotes and backslashes belong to it.

    name: what stands before its `=`; inside a quote that opened there, the value ends with that.
    """
    for quote in ("'", '"'):
        if name.count(quote) % 2:
            return _closing(text, here, quote)
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
        stop = _value_end(text, text[start - 1 : start] if start else "", colon + 3)
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
