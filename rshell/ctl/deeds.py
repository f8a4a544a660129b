"""What an operator changed, recorded where the records of the shell go: `rshellctl log` shows both."""

from __future__ import annotations

import os

from rshell.ctl.policies import Stop, account_name
from rshell.ctl.sources import places
from rshell.host import audit
from rshell.host.account import login_uid
from rshell.lean import to_json


def record(verb: str, about: str) -> None:
    """Record that a verb has changed something, as far as that goes: it is done already.

    about: what changed, in a line.
    """
    uid = os.getuid()
    line = to_json({
        "v": audit.VERSION, "time": audit.now(), "event": "operator", "name": verb, "message": about, "uid": uid,
        "user": account_name(uid), "login_uid": login_uid(), "by": os.environ.get("SUDO_USER", ""),
        "pid": os.getpid(), "mode": "rshellctl", "witness": "self",
    })  # fmt: skip
    audit.send(audit.DEV_LOG, line)
    try:
        file = places()[0]
    except Stop:
        return
    if file:
        audit.append(file, line)
