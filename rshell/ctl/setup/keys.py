"""Public keys for an account: what sshd is given, from what an operator gives."""

from __future__ import annotations

from pathlib import Path

from rshell.ctl.policies import Stop
from rshell.ctl.system import ask

KINDS = ("ssh-", "ecdsa-", "sk-")
RESTRICTED = "restrict,pty "
MOST = 64 * 1024


def keys_from(files: list[str]) -> bytes:
    """Return the authorized keys of these files, one a line, each held to a terminal and nothing else.

    Raises Stop for what is no public key.
    """
    lines = [line for file in files for line in _lines(file)]
    if not lines:
        raise Stop(f"rshellctl: {' '.join(files)}: no key in it")
    return "".join(line + "\n" for line in dict.fromkeys(lines)).encode()


def _lines(file: str) -> list[str]:
    try:
        text = Path(file).read_bytes()[:MOST].decode()
    except UnicodeDecodeError:
        raise Stop(f"rshellctl: {file} is no file of public keys") from None
    if "PRIVATE KEY" in text:
        raise Stop(f"rshellctl: {file} is a private key, which stays where it is: give the one that ends in .pub")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [_restricted(file, line) for line in lines]


def _restricted(file: str, line: str) -> str:
    """Return a key's line with `restrict`; one that has options of its own keeps them behind it."""
    answer = ask("ssh-keygen", "-l", "-f", "/dev/stdin", text=line + "\n")
    if answer.status != 127 and not answer.good:
        raise Stop(f"rshellctl: {file}: this is no public key: {line[:40]!a}...")
    if line.startswith("restrict,"):
        return line
    return RESTRICTED + line if line.startswith(KINDS) else RESTRICTED.strip() + "," + line
