"""Where audit records are read from: the gate's file with its rotated ones, and the journal.

Each `read` returns what came since the last one, as (text, whether its writer is attested).
"""

from __future__ import annotations

import gzip
import json
import os
import pwd
import stat
import zlib
from collections import deque
from contextlib import suppress
from pathlib import Path

from rshell.ctl.inforce import current
from rshell.ctl.policies import Stop, account_name
from rshell.ctl.records import is_attested, parse
from rshell.ctl.system import ask
from rshell.host import layout
from rshell.policy.check import read
from rshell.policy.load import BadPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import IO

    from rshell.ctl.records import Record

    Found = list[tuple[str, Record, bool | None]]

MOST = 50_000  # records of one source
LONGEST = 1 << 20  # bytes of a line
OTHERS_WRITE = 0o002
FIELDS = "MESSAGE,_UID"


class Source:
    """What all sources tell besides their records: `skipped` lines were none, `cut`: older ones were left out."""

    skipped = 0
    cut = False

    def taken(self, texts: Iterator[str], attested: bool) -> Found:
        """Parse lines of a file: the newest ones, of which not too many."""
        found: deque[tuple[str, Record, bool | None]] = deque(maxlen=MOST)
        for text in texts:
            record = parse(text)
            if record is None:
                self.skipped += 1
                continue
            self.cut = self.cut or len(found) == MOST
            # nobody attests in a file what the account itself could have written there
            found.append((text, record, True if attested and record["witness"] == "gate" else None))
        return list(found)


class AuditFile(Source):
    """The file that the gate writes. `since`: what is older need not be read."""

    def __init__(self, path: str, since: float) -> None:
        self.path = path
        self.since = since
        self.file: IO[bytes] | None = None
        self.rest = b""

    def read(self) -> Found:
        """Return the new records; at the first time, those of rotated files too. Raises Stop."""
        if self.file is None:
            self.file = self.opened()
            return self.older() + self.appended()
        found = self.appended()
        if self.is_replaced():
            self.file.close()
            self.file, self.rest = self.opened(), b""
            found += self.appended()
        return found

    def opened(self) -> IO[bytes] | None:
        """Open the file; None where none is. Raises Stop."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except PermissionError:
            raise Stop(f"rshellctl: {self.path} is for root to read: use sudo", 1) from None
        except OSError as error:
            raise Stop(f"rshellctl: {self.path}: {error.strerror}", 1) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Stop(f"rshellctl: {self.path} is not a regular file", 1)
        return os.fdopen(descriptor, "rb")

    def close(self) -> None:
        """Read no more."""
        if self.file is not None:
            self.file.close()

    def is_replaced(self) -> bool:
        """Tell whether another file is at the path by now: it was rotated."""
        if self.file is None:
            return False
        here = os.fstat(self.file.fileno())
        try:
            there = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return False
        return (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino)

    def appended(self) -> Found:
        """Read what was appended. A line without its end is perhaps still being written, or torn: it waits."""
        if self.file is None:
            return []
        if os.fstat(self.file.fileno()).st_size < self.file.tell():  # copied and truncated
            self.file.seek(0)
            self.rest = b""
        return self.taken(self.lines(self.file), is_root_s(self.file))

    def lines(self, file: IO[bytes]) -> Iterator[str]:
        """Yield whole lines; one that is too long is cut, and so is no record."""
        while data := file.readline(LONGEST):
            data, self.rest = self.rest + data, b""
            if data.endswith(b"\n") or len(data) >= LONGEST:
                yield data.decode("ascii", "replace").rstrip("\n")
            else:
                self.rest = data

    def older(self) -> Found:
        """Read the rotated files, the oldest first."""
        place, name = os.path.split(self.path)
        there: list[tuple[float, Path]] = []
        for path in Path(place).glob(f"{name}[.-]*"):
            with suppress(FileNotFoundError):  # it was rotated on
                status = path.lstat()
                if stat.S_ISREG(status.st_mode) and status.st_mtime >= self.since:
                    there.append((status.st_mtime, path))
        found: Found = []
        for _, path in sorted(there):
            found += self.rotated(path)
        self.cut = self.cut or len(found) > MOST
        return found[-MOST:]

    def rotated(self, path: Path) -> Found:
        """Read one rotated file; what is damaged in it is skipped."""
        try:
            with path.open("rb") as plain:
                file: IO[bytes] = gzip.GzipFile(fileobj=plain) if path.suffix == ".gz" else plain  # type: ignore[assignment]
                return self.taken(self.lines(file), is_root_s(plain))
        except (OSError, EOFError, zlib.error):
            self.skipped += 1
            return []
        finally:
            self.skipped += bool(self.rest)
            self.rest = b""


def is_root_s(file: IO[bytes]) -> bool:
    """Tell whether nobody can write a file but root, and the gates by its group."""
    status = os.fstat(file.fileno())
    return status.st_uid == 0 and not status.st_mode & OTHERS_WRITE


class Journal(Source):
    """The system's log. `gates`: the uids that a gate runs as; what others send is no gate's record."""

    def __init__(self, since: float, gates: Collection[int]) -> None:
        # without a time the newest ones; from a time on, the older journalctls give the oldest ones
        self.from_then = (f"--since=@{int(since)}",) if since else ()
        self.gates = gates
        self.problem = ""

    def read(self) -> Found:
        """Return the new records."""
        words = ("-o", "json", "--all", "--no-pager", "-q", "-t", "rshell", f"--output-fields={FIELDS}")
        answer = ask("journalctl", *words, *self.from_then, f"--lines={MOST}")
        self.problem = "" if answer.good else answer.err.partition("\n")[0] or f"status {answer.status}"
        found: Found = []
        entries = answer.out.splitlines()
        self.cut = self.cut or len(entries) >= MOST
        for entry in entries:
            self.take(entry, found)
        return found

    def take(self, entry: str, found: Found) -> None:
        """Read one entry of the journal."""
        try:
            fields = json.loads(entry)
            text, sender, cursor = fields["MESSAGE"], int(fields["_UID"]), fields["__CURSOR"]
        except (ValueError, KeyError, TypeError, RecursionError):
            self.skipped += 1
            return
        self.from_then = (f"--after-cursor={cursor}",)
        record = parse(text.strip()) if isinstance(text, str) else None
        if record is None:
            self.skipped += 1
            return
        found.append((text.strip(), record, is_attested(record, sender, self.gates, account_name)))


def places() -> tuple[str, bool, set[int]]:
    """Return where the policy in force keeps its records: the file ('' for none), and whether in the journal;
    and the uids that its gates run as. Raises Stop.
    """
    now = current()
    if now.text is None:
        raise Stop(f"rshellctl: {now.problem or 'no policy is in force'}: it would say where the records are", 78)
    try:
        source = read(now.text, layout.POLICY)
    except BadPolicy as error:
        raise Stop(f"rshellctl: {error.report[0]}", 78) from None
    gates = {0}
    for name in source.identities.values():
        try:
            gates.add(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    return str(source.settings["audit_file"]), bool(source.settings["audit_journal"]), gates
