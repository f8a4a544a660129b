"""Where records go on a host: /dev/log and the journal."""

import grp
import json
import os
import re
import select
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from .ground import Server, kept, need, refuse, run, wait_until
from .proxy import answers, listen

DEV_LOG = Path("/dev/log")
_RECORD = re.compile(rb"<(\d+)>rshell\[(\d+)\]: (\{.*\})\s*", re.DOTALL)
_CREDENTIALS = struct.Struct("3i")
_LONGEST = 1 << 20

JOURNALD = Path("/lib/systemd/systemd-journald")
_JOURNAL_SOCKET = Path("/run/systemd/journal/socket")
_MACHINE_ID = Path("/etc/machine-id")


class Datagram(NamedTuple):
    """One datagram on /dev/log, and who the kernel says sent it."""

    pid: int
    uid: int
    gid: int
    data: bytes


class DevLog:
    """A listener on /dev/log."""

    def __init__(self) -> None:
        self._socket = listen(DEV_LOG, 0, socket.SOCK_DGRAM, mode=0o666)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.setblocking(False)
        self._lock = threading.Lock()
        self._got: list[Datagram] = []
        self.senders: set[int] | None = None
        """Whose records count, by uid; None: everybody's. Other accounts of the host may use rshell too."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def datagrams(self) -> list[Datagram]:
        """All that has been sent until now, whoever sent it."""
        with self._lock:
            self._drain()
            return list(self._got)

    def records(self) -> list[dict[str, Any]]:
        """The JSON objects that rshell sent until now."""
        return [json.loads(match[3]) for match in map(_RECORD.fullmatch, self.sent()) if match]

    def sent(self) -> list[bytes]:
        """What came from the senders that count, as it was."""
        return [each.data for each in self.datagrams() if self.senders is None or each.uid in self.senders]

    def wait(self, wanted: Callable[[dict[str, Any]], bool], timeout: float = 5) -> dict[str, Any]:
        """The first record that is wanted, as soon as it is there."""

        def first() -> dict[str, Any] | None:
            return next(filter(wanted, self.records()), None)

        return wait_until(first, timeout, "the record on /dev/log")

    @contextmanager
    def absent(self) -> Iterator[None]:
        """For a while, nothing is at /dev/log."""
        aside = DEV_LOG.with_name("log.aside")
        DEV_LOG.rename(aside)
        try:
            yield
        finally:
            aside.rename(DEV_LOG)

    def clear(self) -> None:
        """Forget what was sent until now."""
        self.datagrams()
        with self._lock:
            self._got.clear()

    def stop(self) -> None:
        """Listen no more."""
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        """Keep the queue short, or senders would have to wait."""
        while not self._ended.is_set():
            if select.select([self._socket], [], [], 0.05)[0]:
                with self._lock:
                    self._drain()

    def _drain(self) -> None:
        space = socket.CMSG_SPACE(_CREDENTIALS.size)
        while True:
            try:
                data, extra, _, _ = self._socket.recvmsg(_LONGEST, space)
            except BlockingIOError:
                return
            pid, uid, gid = _CREDENTIALS.unpack(extra[0][2][: _CREDENTIALS.size])
            self._got.append(Datagram(pid, uid, gid, data))


@contextmanager
def listening_devlog() -> Iterator[DevLog]:
    """Listen on /dev/log, unless somebody does."""
    need()
    if answers(DEV_LOG, socket.SOCK_DGRAM):
        refuse(f"somebody listens on {DEV_LOG}")
    with kept(DEV_LOG):
        devlog = DevLog()
        try:
            yield devlog
        finally:
            devlog.stop()


class Journal:
    """A running journald."""

    def __init__(self, ours: bool) -> None:
        self.ours = ours

    def write(self, message: str, identifier: str, unit: str | None = None) -> None:
        """Write one entry; root may say which unit it is about, and `journalctl -u` finds it."""
        fields = {"MESSAGE": message, "PRIORITY": "6", "SYSLOG_IDENTIFIER": identifier}
        if unit:
            fields["OBJECT_SYSTEMD_UNIT"] = unit
        text = "".join(f"{name}={value}\n" for name, value in fields.items())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(text.encode(), str(_JOURNAL_SOCKET))
        run("journalctl", "--sync")

    def read(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run journalctl as root."""
        return run("journalctl", "--no-pager", *options)


@contextmanager
def running_journal(log: Path) -> Iterator[Journal]:
    """The host's journald, or one of our own where there is none (it needs no systemd)."""
    need("journalctl")
    if answers(_JOURNAL_SOCKET, socket.SOCK_DGRAM):
        yield Journal(ours=False)
        return
    if not JOURNALD.exists() or not _MACHINE_ID.exists():
        refuse("needs systemd-journald and a machine id")
    with ExitStack() as stack:
        for directory in (Path("/run/log/journal"), _JOURNAL_SOCKET.parent):
            stack.enter_context(kept(directory))
        _make_store()
        server = Server("journald", [JOURNALD], log)
        stack.callback(server.stop)
        server.wait_ready(lambda: answers(_JOURNAL_SOCKET, socket.SOCK_DGRAM))
        yield Journal(ours=True)


def _make_store() -> None:
    """The volatile journal's directory, readable by the group systemd-journal as tmpfiles makes it."""
    gid = grp.getgrnam("systemd-journal").gr_gid
    store = Path("/run/log/journal") / _MACHINE_ID.read_text().strip()
    store.mkdir(parents=True)
    for directory in (store.parent, store):
        os.chown(directory, 0, gid)
        directory.chmod(0o2755)
