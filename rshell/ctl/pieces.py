"""What other programs are told about an account: sudoers, sshd, logrotate, limits. Texts only."""

from __future__ import annotations

import string

from rshell.host import layout

HEAD = "# Written by rshellctl; `rshellctl install` writes it anew.\n"
NAME = frozenset(string.ascii_letters + string.digits + "_-.")

# For the gate alone. sudo reads these behind a host's own Defaults, so they hold whatever those say.
# rlimit_* is not among them: sudo 1.9.13 lowers limits by it, but can't raise what a caller has lowered.
DEFAULTS = (
    ("the request comes down descriptor 3; terminal and output are the caller's own",
     "closefrom_override, !use_pty, !requiretty, !log_input, !log_output"),
    ("it takes sudo's place, with the groups of its account, and writes the records itself",
     "!pam_session, !pam_setcred, !log_allowed"),
    ("nothing of the caller's environment reaches it but the terminal's name, which it checks",
     "env_reset, env_keep=TERM, !env_check, !setenv, !noexec"),
)  # fmt: skip

SSHD = (
    ("Whatever is asked for, this runs: sftp, scp and every subsystem too.", (
        f"ForceCommand {layout.LAUNCHER}",
        "PermitUserRC no",
        "AcceptEnv LANG",
    )),
    ("Keys alone, from a place that the account can't write.", (
        f"AuthorizedKeysFile {layout.KEYS}/{{user}}",
        "AuthorizedKeysCommand none",
        "AuthenticationMethods publickey",
        "PubkeyAuthentication yes",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "HostbasedAuthentication no",
        "GSSAPIAuthentication no",
        "KerberosAuthentication no",
        "PermitEmptyPasswords no",
    )),
    ("No way past the shell. One by one: DisableForwarding left some open (CVE-2025-32728).", (
        "DisableForwarding yes",
        "AllowTcpForwarding no",
        "AllowStreamLocalForwarding no",
        "AllowAgentForwarding no",
        "X11Forwarding no",
        "PermitTunnel no",
        "PermitOpen none",
        "PermitListen none",
        "GatewayPorts no",
    )),
    ("A client that is gone is noticed, and what it ran is ended.", (
        "ClientAliveInterval 30",
        "ClientAliveCountMax 4",
    )),
)  # fmt: skip

LOGROTATE = """\
{file} {{
    weekly
    rotate 52
    missingok
    notifempty
    compress
    delaycompress
    create 0660 root {group}
}}
"""


def sudoers(users: tuple[str, ...], identities: tuple[str, ...]) -> str:
    """Return the sudoers file that lets users run the gate as the identities, and nothing else.

    Raises ValueError for a name that could mean something else there.
    """
    defaults = [f"# {why}\nDefaults!{layout.GATE} {what}\n" for why, what in DEFAULTS]
    runas = ",".join(plain(name) for name in identities)
    # SECURITY: "" is no argument at all; without it any argument would be allowed
    lines = [f'{plain(user)} ALL=({runas}) NOPASSWD: {layout.GATE} ""\n' for user in users]
    return "".join((HEAD, *defaults, *lines))


def sshd(user: str) -> str:
    """Return the Match block of a user. It ends itself, so what follows in sshd's files is not in it.

    Raises ValueError for a name that could mean something else there.
    """
    blocks = [f"    # {why}\n" + "".join(f"    {line}\n" for line in lines) for why, lines in SSHD]
    # SECURITY: a user is named by the exact word; patterns and lists are no plain names
    return (HEAD + f"Match User {plain(user)}\n" + "".join(blocks) + "Match all\n").replace("{user}", user)


def logrotate(file: str = f"{layout.LOGS}/audit.jsonl") -> str:
    """Return how the records are rotated: whoever writes one opens the file anew, so nobody is told."""
    return HEAD + LOGROTATE.format(file=file, group=layout.GROUP)


def limits(users: tuple[str, ...]) -> str:
    """Return what pam_limits(8) holds the users to: they can't fill the table of processes.

    Raises ValueError for a name that could mean something else there.
    """
    return HEAD + "".join(f"{plain(user)} hard nproc 512\n{plain(user)} hard core 0\n" for user in users)


def plain(name: str) -> str:
    """Return the name of an account, if it is one that means nothing else in any of these files.

    Raises ValueError.
    """
    if not name or name[0] not in string.ascii_letters + "_" or not NAME.issuperset(name) or name.isupper():
        raise ValueError(f"not the plain name of an account: {name!a}")
    return name
