"""rshellctl log: what was run and refused, from the gate's file and the journal."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from datetime import datetime

from rshell import say
from rshell.ctl.records import Filter, Join, moment, verdict
from rshell.ctl.sources import AuditFile, Journal, places
from rshell.ctl.times import point
from rshell.lean import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rshell.ctl.records import Record

ABOUT = "show what was run and refused"
DEFAULT = 50  # rows
REMEMBERED = 20_000  # records, to know them again in the other source
PAUSE = 1.0  # seconds between two looks with -f
HEAD = f"{'TIME':<19}  {'USER':<12}  {'MODE':<6}  {'VERDICT':<7}  {'STATUS OR CODE':<24}  {'TOOK':>7}  LINE\n"


def arguments(verb: argparse.ArgumentParser) -> None:
    """Add what is wanted, and in which form."""
    verb.add_argument("-f", dest="follow", action="store_true", help="go on with what comes, until C-c")
    verb.add_argument("-n", dest="number", type=_number, metavar="N", help=f"rows (default: {DEFAULT}), or all")
    verb.add_argument("--user", metavar="USER", default="", help="of this account, by name or uid")
    verb.add_argument("--verdict", choices=("allow", "refuse"), default="")
    verb.add_argument("--code", metavar="GLOB", default="", help="refused with such a code: 'docker.run.*'")
    verb.add_argument("--session", metavar="ID", default="")
    verb.add_argument("--since", type=_time, metavar="TIME", default=0.0, help="2026-11-23, '... 10:00', 10:00, 30m")
    verb.add_argument("--until", type=_time, metavar="TIME", default=0.0)
    verb.add_argument("--json", action="store_true", help="one object a line")


def run(words: argparse.Namespace) -> int:
    """Show records. Return 0; raises Stop when they can't be read."""
    log = Log(words)
    try:
        rows = sorted(log.news(), key=moment)
        most = words.number if words.number is not None else 0 if words.since else DEFAULT
        log.show(rows[-most:] if most else rows, head=True)
        log.complain()
        while words.follow:
            time.sleep(PAUSE)
            log.show(log.news())
    except KeyboardInterrupt:
        return 0 if words.follow else 130
    finally:
        log.close()
    return 0


class Log:
    """The records of this host that are wanted, joined to rows."""

    def __init__(self, words: argparse.Namespace) -> None:
        file, journal, gates = places()
        self.json = words.json
        self.wanted = Filter(words.user, words.verdict, words.code, words.session, words.since, words.until)
        self.file = AuditFile(file, words.since) if file else None
        self.journal = Journal(words.since, gates) if journal else None
        self.join = Join()
        self.seen: dict[str, None] = {}
        self.width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0

    def news(self) -> list[Record]:
        """Return the wanted rows that are new, or changed, since the last look."""
        found = [each for source in (self.file, self.journal) if source is not None for each in source.read()]
        rows: dict[int, Record] = {}
        self.seen = dict.fromkeys([*self.seen][-REMEMBERED:])
        # the file's come first, and sorting keeps that: of two that are the same, its word counts
        for text, record, attested in sorted(found, key=lambda each: each[1]["time"]):
            if text not in self.seen:
                self.seen[text] = None
                row = self.join.add(record, attested)
                rows[id(row)] = row
        return [row for row in rows.values() if self.wanted.takes(row)]

    def show(self, rows: Iterable[Record], head: bool = False) -> None:
        """Print rows, for people or for programs."""
        if head and not self.json:
            sys.stdout.write(self.fitted(HEAD.rstrip("\n")) + "\n")
        for row in rows:
            sys.stdout.write((to_json(row) if self.json else self.fitted(table(row))) + "\n")
        sys.stdout.flush()

    def fitted(self, line: str) -> str:
        """Cut a line to the terminal."""
        return line if not self.width or len(line) <= self.width else line[: self.width - 3] + "..."

    def close(self) -> None:
        """Read no more."""
        if self.file is not None:
            self.file.close()

    def complain(self) -> None:
        """Say what could not be read."""
        sources = [source for source in (self.file, self.journal) if source is not None]
        skipped = sum(source.skipped for source in sources)
        if not sources:
            sys.stderr.write("rshellctl: the policy in force keeps no records that could be read\n")
        if skipped:
            sys.stderr.write(f"rshellctl: {skipped} line{'s' * (skipped > 1)} skipped that are no records\n")
        if any(source.cut for source in sources):
            sys.stderr.write("rshellctl: there are more records than are read at once; older ones: --since, --until\n")
        if self.journal is not None and self.journal.problem:
            sys.stderr.write(f"rshellctl: the journal was not read: {say.escape(self.journal.problem)}\n")


def table(row: Record) -> str:
    """Write a row for people. Everything in it may be of foreign origin."""
    when = datetime.fromtimestamp(moment(row)).strftime("%Y-%m-%d %H:%M:%S")
    user = (row["event"] == "operator" and row.get("by")) or row.get("user") or f"uid {row['uid']}"
    mark = "forged? " if row["attested"] is False else ""
    took = _duration(row["ms"]) if "ms" in row else ""
    user, mode, status = (say.echo(str(cell)) for cell in (user, row.get("mode") or "", _status(row)))
    about = mark + say.escape(_about(row))
    return f"{when}  {user:<12}  {mode:<6}  {verdict(row):<7}  {status:<24}  {took:>7}  {about}"


def _status(row: Record) -> str:
    """Say how it came out: the code of a refusal, the status of a command and why it was ended."""
    if row["event"] in ("refuse", "unavailable"):
        return str(row.get("code") or "")
    if row["event"] == "operator":
        return str(row.get("name") or "")
    if row["event"] == "start" and row["ended"] is None:
        return "..."
    return " ".join(str(row[name]) for name in ("status", "reason") if name in row)


def _about(row: Record) -> str:
    event = row["event"]
    if event == "open":
        return f"(session {row.get('session')} begins, from {row.get('source') or 'this host'})"
    if event == "close":
        return f"(session {row.get('session')} ends)"
    if event == "end":
        return f"(the end of {row.get('id')}, whose start is not here)"
    return str(row.get("raw") or row.get("message") or "")


def _duration(ms: int) -> str:
    if ms < 10_000:
        return f"{ms} ms"
    seconds = ms // 1000
    return f"{seconds} s" if seconds < 600 else f"{seconds // 60} min"


def _time(text: str) -> float:
    try:
        return point(text, datetime.now().astimezone())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _number(text: str) -> int:
    if text == "all":
        return 0
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError("expected a number from 1, or all")
    return int(text)
