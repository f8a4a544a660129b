"""One JSON object a line, before a command and when it ends. No record, no command.

Sinks: a file that the caller can't rewrite, and /dev/log, where the journal attests our uid. Each
record is one write, so that any number of writers leave whole lines. `syslog` can't tell whether a
record arrived; a datagram can.
"""

from __future__ import annotations

import time

from rshell.core import secrets
from rshell.core.model import Exec
from rshell.host.account import login_uid
from rshell.lean import os, sha256, socket, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Policy, Refusal
    from rshell.host.account import Account, Claims

DEV_LOG = "/dev/log"
PRIORITY = 10 * 8 + 6  # authpriv.info
MAX_RAW = 2048  # characters of a line that are recorded; its hash is of the whole
MAX_WORD, MAX_WORDS = 512, 128  # of an argv
TORN_LOOKS = 5
VERSION = 1


class Unrecorded(Exception):
    """No sink took a record."""


class Audit:
    """Where records go, and what stands in each of them.

    account: who asks. claims: what they say of themselves. identity: on the far side of the boundary,
    as whom this process runs.
    """

    def __init__(self, policy: Policy, account: Account, claims: Claims, file: str = "", identity: str = "") -> None:
        settings = policy.settings
        self.required = bool(settings["audit_required"])
        self.file = file or str(settings["audit_file"])
        self.journal = DEV_LOG if settings["audit_journal"] else ""
        self.count = 0
        self.claims = claims
        self.common: dict[str, object] = {
            "uid": account.uid, "user": account.name, "login_uid": login_uid(), "role": policy.role,
            "source": claims.source, "tty": claims.tty, "pid": os.getpid(), "mode": claims.mode,
            "session": claims.id.partition("-")[0], "policy": policy.sha256[:16],
            "witness": "gate" if identity else "self",
        }  # fmt: skip
        if identity:
            self.common["identity"] = identity

    def opened(self) -> None:
        """Record that the shell began to serve."""
        self.write({"event": "open"})

    def closed(self, status: int) -> None:
        """Record that it ended. It has: a sink that fails now changes nothing."""
        try:
            self.write({"event": "close", "status": status})
        except Unrecorded:
            return

    def refused(self, line: str, refusal: Refusal, wrapper: str = "", ran: int = 0) -> None:
        """Record a refusal of a line."""
        self.refuses({**_raw(line), "wrapper": wrapper}, refusal, ran)

    def refused_here(self, refusal: Refusal) -> None:
        """Record a refusal on the far side of the boundary."""
        self.refuses(_about(self.claims), refusal)

    def refuses(self, about: dict[str, object], refusal: Refusal, ran: int = 0) -> None:
        """Record a refusal of what is described."""
        self.write({
            "event": "refuse", **about, "verdict": "refuse", "class": refusal.kind,
            "code": refusal.code, "message": secrets.mask(refusal.message), "rule": refusal.rule,
            "at_line": refusal.source, "instead": secrets.mask(refusal.instead), "ran": ran,
        })  # fmt: skip

    def builtin(self, line: str, name: str) -> None:
        """Record a command that rshell carries out itself."""
        self.write({"event": "builtin", **_raw(line), "verdict": "allow", "name": name})

    def next(self, line: str, wrapper: str) -> Claims:
        """Say of the next command what stands in its records, here or on the far side of the boundary."""
        self.count += 1
        raw = _raw(line)
        return self.claims.but(
            id=f"{self.common['session']}-{self.count}", wrapper=wrapper,
            line=raw["raw"], size=raw["raw_bytes"], sha256=raw["raw_sha256"],
        )  # fmt: skip

    def starting(self, about: Claims, command: Exec) -> None:
        """Record that a command is about to start. Of a compose file, the hash of the model that was judged."""
        model = {"model_sha256": sha256(command.model.encode("utf-8", "replace")).hexdigest()} if command.model else {}
        self.write({
            "event": "start", **_about(about), "verdict": "allow", "argv": _argv(command.argv),
            "rule": command.rule, "at_line": command.source, "run_as": command.run_as or None, **model,
        })  # fmt: skip

    def ended(
        self, about: Claims, status: int, seconds: float, reason: str = "", containers: tuple[str, ...] = ()
    ) -> None:
        """Record the end of a command. A sink that fails now can't undo it; the next start is refused.

        containers: that it left running, and that were told to stop.
        """
        record = {"event": "end", "id": about.id, "status": status, "ms": int(seconds * 1000)}
        try:
            more = {"reason": reason, "containers": list(containers)}
            self.write(record | {name: value for name, value in more.items() if value})
        except Unrecorded:
            return

    def write(self, record: dict[str, object]) -> None:
        """Give a record to every sink. Raises Unrecorded when none took it and one must."""
        line = to_json({"v": VERSION, "time": now(), **record, **self.common})
        taken = [sink(line) for sink in (self.to_file, self.to_journal)]
        if self.required and not any(taken):
            raise Unrecorded(self.file or self.journal)

    def to_file(self, line: str) -> bool:
        """Append a line to the file."""
        return bool(self.file) and append(self.file, line, os.O_CREAT)

    def to_journal(self, line: str) -> bool:
        """Send a line to the system's log."""
        return bool(self.journal) and send(self.journal, line)


def append(file: str, line: str, flags: int = 0) -> bool:
    """Append a line to a file in one write; tell whether that is done.

    flags: with O_CREAT a file that is not there is made.
    """
    data = line.encode("ascii") + b"\n"
    try:
        # SECURITY: no link is followed, nothing but a regular file is written
        flags |= os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(file, os.O_RDWR | flags, 0o640)
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        if status.st_mode & 0o170000 != 0o100000:
            return False
        if _is_torn(descriptor):
            data = b"\n" + data  # it must not spoil this one
        return os.write(descriptor, data) == len(data)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _is_torn(descriptor: int) -> bool:
    """Tell whether a full disk cut the last record short. One that is still being written is whole soon."""
    for _ in range(TORN_LOOKS):
        size = os.fstat(descriptor).st_size
        if not size or os.pread(descriptor, 1, size - 1) == b"\n":
            return False
        time.sleep(0.002)
    return True


def without_policy(code: str, message: str, caller: str = "") -> None:
    """Record, as far as that goes, that nothing could be decided at all. caller: the uid in whose place we run."""
    record: dict[str, object] = {"caller": caller[:20]} if caller else {}
    record |= {"v": VERSION, "time": now(), "event": "unavailable", "code": code, "message": message}
    send(DEV_LOG, to_json({**record, "uid": os.getuid(), "pid": os.getpid(), "witness": "self"}))


def send(journal: str, line: str) -> bool:
    """Send a line to the system's log as one datagram; it says whether it was taken."""
    data = f"<{PRIORITY}>rshell[{os.getpid()}]: {line}".encode("ascii")
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            connection.settimeout(1.0)
            connection.connect(journal)
            return connection.send(data) == len(data)
        finally:
            connection.close()
    except OSError:
        return False


def _argv(words: tuple[str, ...]) -> list[str]:
    """Describe an argv: masked, each word cut, and no more words than a reader wants."""
    shown = [secrets.mask_word(word)[:MAX_WORD] for word in words[:MAX_WORDS]]
    return shown if len(words) <= MAX_WORDS else [*shown, f"... {len(words) - MAX_WORDS} more"]


def _raw(line: str) -> dict[str, str | int]:
    """Describe a line: masked, cut, and the hash of the whole."""
    data = line.encode("utf-8", "surrogateescape" if not _has_odd_surrogates(line) else "surrogatepass")
    return {"raw": secrets.mask(line)[:MAX_RAW], "raw_bytes": len(data), "raw_sha256": sha256(data).hexdigest()}


def _about(claims: Claims) -> dict[str, object]:
    return {
        "id": claims.id, "raw": claims.line, "raw_bytes": claims.size, "raw_sha256": claims.sha256,
        "wrapper": claims.wrapper,
    }  # fmt: skip


def _has_odd_surrogates(line: str) -> bool:
    return any("\ud800" <= char <= "\udfff" and not "\udc80" <= char <= "\udcff" for char in line)


def now() -> str:
    """Return the time as records give it."""
    here = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(here)) + f".{int(here % 1 * 1e6):06d}Z"
