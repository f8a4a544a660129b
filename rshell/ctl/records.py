"""Audit records: read strictly, attested or not, the start and the end of a command joined. Pure."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from rshell.core.value import Value
from rshell.host.audit import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

    Record = dict[str, Any]

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
EVENTS = frozenset("open close refuse builtin start end unavailable operator".split())
TEXTS = frozenset(
    "time event user role source tty mode session policy witness identity id raw raw_sha256 wrapper verdict"
    " model_sha256 class code message instead reason name caller by".split()
)
NUMBERS = frozenset("v uid pid raw_bytes ran status ms".split())
NEEDED = ("v", "time", "event", "uid", "pid", "witness")
OF_THE_END = ("status", "ms", "reason")


def parse(text: str) -> Record | None:
    """Read one record; None for what is none: torn, of another program, of a later version."""
    try:
        record = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_no_number)
    except (ValueError, RecursionError):
        return None
    if type(record) is not dict or any(name not in record for name in NEEDED):
        return None
    if any(type(value) is not str for name, value in record.items() if name in TEXTS and value is not None):
        return None
    if any(type(value) is not int for name, value in record.items() if name in NUMBERS):
        return None
    known = record["v"] == VERSION and record["event"] in EVENTS
    return record if known and None not in (record["time"], record["witness"]) and moment(record) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _no_number(name: str) -> object:
    raise ValueError(name)


def moment(record: Record) -> float:
    """Return when a record was written, in seconds since 1970; 0 when it does not say so."""
    try:
        if TIME.fullmatch(record["time"]):
            return datetime.fromisoformat(record["time"][:-1]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        pass
    return 0.0


def is_attested(record: Record, sender: int, gates: Collection[int], name_of: Callable[[int], str]) -> bool:
    """Tell whether the journal's word about who sent a record agrees with what it claims.

    sender: the uid that the kernel told the journal. gates: the uids that a gate runs as.
    name_of: the name of an account, '' for one that is not here any more.
    """
    if record["witness"] == "gate":
        return sender in gates
    if record["witness"] != "self" or record["uid"] != sender:
        return False
    return record.get("user") in (None, name_of(sender)) or not name_of(sender)


class Join:
    """Makes one row of the start of a command and its end.

    A row is the record of a start, a refusal, a builtin..., with `attested`, and for a command `ended`:
    when; None while it runs, or if nobody told.
    """

    def __init__(self) -> None:
        self.running: dict[tuple[object, ...], Record] = {}
        self.early: dict[tuple[object, ...], Record] = {}

    def add(self, record: Record, attested: bool | None) -> Record:
        """Take in a record; return the row that it makes or completes, the very same one each time."""
        row: Record = {**record, "attested": attested}
        # SECURITY: what is not attested must not end, or be ended by, what is; nor another process's
        names = ("witness", "uid", "pid", "session", "id")
        key = (attested, *(record.get(name) for name in names))
        if record["event"] == "end":
            row["ended"] = record["time"]
            start = self.running.pop(key, None)
            if start is None:
                self.early[key] = row
                return row
            start.update({name: row[name] for name in (*OF_THE_END, "ended") if name in row})
            return start
        if record["event"] == "start":
            end = self.early.pop(key, None)
            row["ended"] = None
            if end is None:
                self.running[key] = row
            else:
                end.update({**row, **{name: end[name] for name in (*OF_THE_END, "ended") if name in end}})
                return end
        return row


def verdict(row: Record) -> str:
    """Return allow or refuse; '' for a row that is about no line."""
    if row["event"] in ("refuse", "unavailable"):
        return "refuse"
    return "allow" if row["event"] in ("start", "builtin", "end") else ""


class Filter(Value):
    """Which rows are wanted; '' and 0 mean any."""

    user: str = ""
    verdict: str = ""
    code: str = ""
    session: str = ""
    since: float = 0.0
    until: float = 0.0

    def takes(self, row: Record) -> bool:
        """Tell whether a row is wanted."""
        when = moment(row)
        return (
            self.user in ("", row.get("user"), str(row["uid"]))
            and self.verdict in ("", verdict(row))
            and (not self.code or fnmatchcase(row.get("code") or "", self.code))
            and self.session in ("", row.get("session"))
            and self.since <= when
            and (not self.until or when < self.until)
        )
