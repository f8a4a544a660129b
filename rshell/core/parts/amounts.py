"""Amounts as docker writes them: sizes in bytes, processors, ulimits."""

from __future__ import annotations

from rshell.core import values

UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
SUFFIXES = {unit + end: factor for unit, factor in UNITS.items() for end in ("", "b", "ib") if unit or end != "ib"}
SUFFIX_LETTERS = "bkmgtiBKMGTI"
ULIMITS = ("nofile", "nproc", "core")
ULIMIT = 1 << 20  # as much as the kernel takes of open files; and of processes and bytes of a core more than enough
# What may be locked or be a stack is memory of the container's all the same, which --memory limits: NVIDIA's own
# memlock=-1 takes nothing more from the host.
FREE_ULIMITS = ("memlock", "stack")
ULIMIT_FORM = f"{'|'.join(ULIMITS)}=SOFT[:HARD] up to {ULIMIT}, or {'|'.join(FREE_ULIMITS)} with any number or -1"
MOST_PROCESSOR = 4095


def size(text: str) -> int:
    """Read a size such as 512m, 8g or 8GiB in bytes; 0 if it is none. Source: docker/go-units RAMInBytes."""
    number = text.rstrip(SUFFIX_LETTERS)
    factor = SUFFIXES.get(text[len(number) :].lower(), 0)
    return int(float(number) * factor) if len(number) <= 15 and values.fits(("float",), number) else 0


def shown(amount: int) -> str:
    """Write a size in bytes as people do: 512m, 8g."""
    unit = next(unit for unit in ("g", "m", "k", "") if not amount % UNITS[unit])
    return f"{amount // UNITS[unit]}{unit}"


def is_cpuset(value: str) -> bool:
    """Tell whether this is a list of processors or memory nodes: 0-3, or 0,2."""
    return len(value) <= 64 and all(map(_is_span, value.split(",")))


def _is_span(text: str) -> bool:
    """Tell whether this is N or N-M. SECURITY: dockerd makes a set of all that is between them."""
    low, dash, high = text.partition("-")
    ends = (low, high) if dash else (low,)
    return all(values.fits(("range", 0, MOST_PROCESSOR), end) for end in ends) and int(low) <= int(high or low)


def is_ulimit(value: str) -> bool:
    """Tell whether this is NAME=SOFT[:HARD], of a limit that may be set so."""
    name, numbers = value.partition("=")[::2]
    kind = ("range", 0, ULIMIT) if name in ULIMITS else ("range", -1, None)
    bounds = numbers.split(":")
    known = name in (*ULIMITS, *FREE_ULIMITS) and len(bounds) <= 2
    return known and all(values.fits(kind, one) for one in bounds) and _is_below(bounds[0], bounds[-1])


def _is_below(soft: str, hard: str) -> bool:
    """Tell whether a soft limit is no more than the hard one, where -1 is none."""
    return hard == "-1" or (soft != "-1" and int(soft) <= int(hard))
