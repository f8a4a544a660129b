"""Typed values: what may stand where a grammar or a policy says `type`.

A type is a tuple that marshal can store: ("words", "a", "b"), ("range", low, high), ("any", type, ...)
or ("name-of-a-type",). `read` makes one from its text, `fits` tests a value, `describe` says it in words.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rshell.core.model import Type

MAX_TEXT = 4096  # characters of one argument
MAX_ARG = 32 * 1024  # of one that only a container reads; a line has no more bytes
MAX_TEMPLATE = 512
DIGITS = frozenset("0123456789")
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
ALNUM = DIGITS | LETTERS
NAME_CHARS = ALNUM | frozenset("_.-")
IMAGE_CHARS = NAME_CHARS | frozenset("/:@")
DURATIONS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}  # unit -> seconds
TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))  # Go strconv.ParseBool
FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))


def read(text: str) -> Type:
    """Make a type of its spelling in YAML: `name`, `0..300`, `all|0..20000`, `short|json`.

    Raises ValueError with what is wrong.
    """
    parts = text.split("|")
    if len(parts) == 1:
        return _read_one(text) or _unknown(text)
    types: list[Type] = []
    literals: list[str] = []
    for part in parts:
        made = _read_one(part)
        if made:
            types.append(made)
        elif part:
            literals.append(part)
        else:
            raise ValueError("an empty alternative")
    if literals:
        types.insert(0, ("words", *literals))
    return types[0] if len(types) == 1 else ("any", *types)


def _read_one(text: str) -> Type:
    if text in NAMED:
        return (text,)
    low, dots, high = text.partition("..")
    if dots and all(not end or _is_int(end) for end in (low, high)) and (low or high):
        return ("range", int(low) if low else None, int(high) if high else None)
    return ()


def _unknown(text: str) -> Type:
    raise ValueError(f"no such type: {text}")


def literals(text: str) -> Type:
    """Make a type of one or more literal words and ranges; a name of a type is a word here.

    For the values that a policy gives an option: `type: container|image`.
    """
    parts = text.split("|")
    ranges = [made for made in map(_read_one, parts) if made and made[0] == "range"]
    words = [part for part in parts if not _read_one(part) or part in NAMED]
    types: list[Type] = [("words", *words)] if words else []
    types += ranges
    if not all(parts) or not types:
        raise ValueError("an empty alternative")
    return types[0] if len(types) == 1 else ("any", *types)


def fits(kind: Type, text: str) -> bool:
    """Tell whether a value is of a type."""
    name = kind[0]
    if name == "words":
        return text in kind[1:]
    if name == "any":
        return any(fits(one, text) for one in kind[1:])
    if name == "range":
        low, high = kind[1], kind[2]
        return (
            _is_int(text)
            and (not isinstance(low, int) or int(text) >= low)
            and (not isinstance(high, int) or int(text) <= high)
        )
    return NAMED[str(name)][1](text)


def describe(kind: Type) -> str:
    """Say what a value of a type looks like: `a number from 0 to 300`."""
    name = kind[0]
    if name == "words":
        return (
            " or ".join(str(word) for word in kind[1:]) if len(kind) < 4 else "one of " + " ".join(map(str, kind[1:]))
        )
    if name == "any":
        return " or ".join(describe(one) for one in kind[1:])
    if name == "range":
        low, high = kind[1], kind[2]
        if low is None:
            return f"a number up to {high}"
        return f"a number from {low} on" if high is None else f"a number from {low} to {high}"
    return NAMED[str(name)][0]


def placeholder(kind: Type) -> str:
    """Name a value of a type in a synopsis: `N`, `NAME`, `short|json`."""
    name = kind[0]
    if name == "words":
        return "|".join(str(word) for word in kind[1:])
    if name == "any":
        return "|".join(placeholder(one) for one in kind[1:])
    if name == "range":
        low, high = kind[1], kind[2]
        return f"{'' if low is None else low}..{'' if high is None else high}"
    return str(name).upper()


def fits_word(item: tuple[Any, ...], text: str) -> bool:
    """Match one word of a form: (text,), or (before, type, after) around a hole."""
    if len(item) == 1:
        return bool(text == item[0])
    before, kind, after = item
    middle = text[len(before) : len(text) - len(after)]
    return text == before + middle + after and fits(kind, middle)


def form_word(item: tuple[Any, ...]) -> str:
    """Write one word of a form: a literal, or its hole with the type in capitals."""
    if len(item) == 1:
        return str(item[0])
    before, kind, after = item
    return f"{before}{placeholder(kind)}{after}"


def example(kind: Type) -> str:
    """Return a plain value of a type, to complete a suggestion with."""
    name = kind[0]
    if name == "any":
        ranges = [one for one in kind[1:] if isinstance(one, tuple) and one[0] == "range"]
        return example(ranges[0] if ranges else kind[1])
    if name == "words":
        return str(kind[1])
    if name == "range":
        low, high = kind[1], kind[2]
        return str(max(low if isinstance(low, int) else 0, min(100, high if isinstance(high, int) else 100)))
    return {"int": "100", "count": "100", "duration": "10s", "time": "10m"}.get(str(name), str(name).upper())


def is_unjudged(kind: Type) -> bool:
    """Tell whether no value of a type can pass, because nothing here can judge it."""
    return str(kind[0]) in NAMED and NAMED[str(kind[0])][1] is _never


def _is_int(text: str) -> bool:
    """A decimal number; no leading zeros, which some tools read as octal (journalctl --lines=010 is 8)."""
    digits = text[1:] if text[:1] == "-" else text
    return 0 < len(digits) <= 18 and digits.isascii() and digits.isdigit() and (digits[0] != "0" or digits == "0")


def _is_text(text: str) -> bool:
    return len(text) <= MAX_TEXT and "\n" not in text


def _is_arg(text: str) -> bool:
    """What a program in a container is given: `python -c` takes whole programs."""
    return len(text) <= MAX_ARG and "\0" not in text


def _is_float(text: str) -> bool:
    whole, _, part = text.partition(".")
    return len(text) <= 18 and bool(whole) and set(whole + part) <= DIGITS and not text.endswith(".")


def _is_name(text: str) -> bool:
    """docker: RestrictedNameChars, [a-zA-Z0-9][a-zA-Z0-9_.-]; an id or a prefix of one is such a name too."""
    return 0 < len(text) <= 128 and text[0] in ALNUM and NAME_CHARS.issuperset(text)


def _is_container(text: str) -> bool:
    return _is_name(text.removeprefix("/"))  # inspect prints names with a slash; docker takes them so


def _is_image(text: str) -> bool:
    return (
        0 < len(text) <= 255
        and text[0] in ALNUM
        and IMAGE_CHARS.issuperset(text)
        and "//" not in text
        and ".." not in text
        and text[-1] not in "/:@"
    )


def _is_object(text: str) -> bool:
    return _is_container(text) or _is_image(text)


def _is_jail(text: str) -> bool:
    return len(text) <= 64 and _is_name(text)


def _is_chain(text: str) -> bool:
    """iptables: at most 28 characters, and never one that could be read as an option."""
    return 1 < len(text) <= 28 and text[0] in LETTERS and NAME_CHARS.issuperset(text)


def seconds(text: str) -> float:
    """Return the seconds of a duration, -1 if it is none, or less than nothing. Source: Go time.ParseDuration."""
    rest, total = text, 0.0
    if not rest or len(rest) > 24:
        return -1
    while rest:
        number = 0
        while number < len(rest) and (rest[number] in DIGITS or rest[number] == "."):
            number += 1
        unit = next((u for u in DURATIONS if rest.startswith(u, number)), "")
        if not unit or not _is_float(rest[:number]):
            return -1
        total += float(rest[:number]) * DURATIONS[unit]
        rest = rest[number + len(unit) :]
    return total


def _is_duration(text: str) -> bool:
    """Go time.ParseDuration: 300ms, 1h30m."""
    return seconds(text.removeprefix("-")) >= 0


def _is_time(text: str) -> bool:
    """docker logs --since: a duration, seconds since 1970, a date or an RFC 3339 time."""
    if _is_duration(text) or _is_float(text):
        return True
    date = text[:10].split("-")
    return (
        len(text) <= 35
        and len(date) == 3
        and [len(part) for part in date] == [4, 2, 2]
        and DIGITS.issuperset("".join(date))
        and DIGITS.union("T:Z.+-").issuperset(text[10:])
    )


def _is_systemd_time(text: str) -> bool:
    """systemd.time(7): `2026-01-31 12:00`, `-1h`, `yesterday`, `10 min ago`."""
    return 0 < len(text) <= 40 and ALNUM.union(" :+-.").issuperset(text)


def _is_size(text: str) -> bool:
    number = text.rstrip("bkmgtiBKMGTI")
    unit = text[len(number) :].lower()
    return _is_float(number) and unit.removesuffix("ib" if len(unit) > 2 else "b") in ("", "k", "m", "g", "t")


def _is_count(text: str) -> bool:
    """coreutils head and tail: 20, -20, +20, 4K."""
    number = text[1:] if text[:1] in ("-", "+") else text
    digits = number.rstrip("bkKMG")
    return 0 < len(digits) <= 12 and DIGITS.issuperset(digits) and len(number) - len(digits) <= 1


def _is_fields(text: str) -> bool:
    """coreutils cut: 1,3-5,7-"""
    return 0 < len(text) <= 256 and DIGITS.union(",-").issuperset(text)


def _is_sort_key(text: str) -> bool:
    """coreutils sort: F[.C][OPTS][,F[.C][OPTS]]"""
    return 0 < len(text) <= 64 and text[0] in DIGITS and DIGITS.union(".,bdfghinMRrV").issuperset(text)


def _is_char(text: str) -> bool:
    return len(text) == 1 and text.isascii()


def _is_charset(text: str) -> bool:
    # SECURITY: tr counts out [x*99999999999] before it reads anything
    return 0 < len(text) <= 256 and text.isascii() and "\n" not in text and "*" not in text.partition("[")[2]


def _is_pattern(text: str) -> bool:
    return len(text) <= 1024 and "\n" not in text


def _is_filter(text: str) -> bool:
    """docker --filter: KEY=VALUE or KEY!=VALUE."""
    key, equals, value = text.partition("=")
    key = key.removesuffix("!")
    return bool(equals) and 0 < len(key) <= 32 and LETTERS.union("-.").issuperset(key) and _is_text(value)


def _is_signal(text: str) -> bool:
    """TERM, SIGTERM, RTMIN+3 or a number from 1 to 64."""
    if text.isascii() and text.isdigit():
        return len(text) < 3 and 0 < int(text) < 65
    name, plus, number = text.partition("+")
    fine = 1 < len(name) <= 12 and ALNUM.issuperset(name) and name[0] in LETTERS
    return fine and (not plus or (0 < len(number) < 3 and DIGITS.issuperset(number)))


def _is_project(text: str) -> bool:
    """docker compose: lower case, digits, _ and -."""
    return 0 < len(text) <= 63 and text == text.lower() and text[0] in ALNUM and ALNUM.union("_-").issuperset(text)


def _is_platform(text: str) -> bool:
    return text in ("linux/amd64", "linux/arm64", "linux/arm64/v8", "linux/arm/v7", "linux/386", "linux/riscv64")


def _is_directory(text: str) -> bool:
    return 0 < len(text) <= MAX_TEXT and "\n" not in text and text[0] != "-"


def _is_template(text: str) -> bool:
    from rshell.core import template

    return len(text) <= MAX_TEMPLATE and template.is_harmless(text)


def _never(_: str) -> bool:
    """SECURITY: values that nothing here can judge are refused, whoever grants the option."""
    return False


NAMED: dict[str, tuple[str, Callable[[str], bool]]] = {
    "int": ("a number", _is_int),
    "float": ("a number such as 1.5", _is_float),
    "text": (f"text of one line, at most {MAX_TEXT} characters", _is_text),
    "arg": (f"text of at most {MAX_ARG} characters", _is_arg),
    "pattern": ("a pattern of one line", _is_pattern),
    "template": ("a format with fields, such as '{{.Names}}'", _is_template),
    "filter": ("KEY=VALUE", _is_filter),
    "duration": ("a duration such as 90s or 1h30m", _is_duration),
    "time": ("a time such as 10m, 2026-01-31 or 2026-01-31T12:00:00Z", _is_time),
    "systemd-time": ("a time such as '1 hour ago', today or '2026-01-31 12:00'", _is_systemd_time),
    "size": ("a size such as 512m or 8g", _is_size),
    "name": ("a name of letters, digits, _ . -", _is_name),
    "container": ("the name or id of a container", _is_container),
    "image": ("an image such as alpine:3.20", _is_image),
    "object": ("the name or id of a container or an image", _is_object),
    "network": ("the name of a network", _is_name),
    "volume": ("the name of a volume", _is_name),
    "service": ("the name of a service", _is_name),
    "project": ("the name of a project, in lower case", _is_project),
    "jail": ("the name of a jail", _is_jail),
    "chain": ("the name of a chain", _is_chain),
    "signal": ("a signal such as TERM", _is_signal),
    "platform": ("a platform such as linux/amd64", _is_platform),
    "count": ("a number of lines or bytes", _is_count),
    "fields": ("a list such as 1,3-5", _is_fields),
    "sort-key": ("a key such as 2,2n", _is_sort_key),
    "char": ("a single character", _is_char),
    "charset": ("a set of characters", _is_charset),
    "directory": ("a directory", _is_directory),
    "env": ("NAME=VALUE", _never),
    "label": ("NAME=VALUE", _never),
    "key-value": ("NAME=VALUE", _never),
    "mount": ("a mount", _never),
    "publish": ("a published port", _never),
    "port": ("a port", _never),
    "gpus": ("GPUs", _never),
    "path": ("a path", _never),
    "user": ("a user", _never),
    "stdin": ("-", _never),
}
