"""What other programs are told: every line of it, since each is there against something."""

import pytest

from rshell.ctl import pieces

SUDOERS = """\
# Written by rshellctl; `rshellctl install` writes it anew.
# the request comes down descriptor 3; terminal and output are the caller's own
Defaults!/usr/local/libexec/rshell-gate closefrom_override, !use_pty, !requiretty, !log_input, !log_output
# it takes sudo's place, with the groups of its account, and writes the records itself
Defaults!/usr/local/libexec/rshell-gate !pam_session, !pam_setcred, !log_allowed
# nothing of the caller's environment reaches it but the terminal's name, which it checks
Defaults!/usr/local/libexec/rshell-gate env_reset, env_keep=TERM, !env_check, !setenv, !noexec
ai-worker ALL=(rshell-docker,rshell-journal,root) NOPASSWD: /usr/local/libexec/rshell-gate ""
bench_2 ALL=(rshell-docker,rshell-journal,root) NOPASSWD: /usr/local/libexec/rshell-gate ""
"""
SSHD = """\
# Written by rshellctl; `rshellctl install` writes it anew.
Match User ai-worker
    # Whatever is asked for, this runs: sftp, scp and every subsystem too.
    ForceCommand /usr/local/bin/rshell
    PermitUserRC no
    AcceptEnv LANG
    # Keys alone, from a place that the account can't write.
    AuthorizedKeysFile /etc/ssh/rshell-keys/ai-worker
    AuthorizedKeysCommand none
    AuthenticationMethods publickey
    PubkeyAuthentication yes
    PasswordAuthentication no
    KbdInteractiveAuthentication no
    HostbasedAuthentication no
    GSSAPIAuthentication no
    KerberosAuthentication no
    PermitEmptyPasswords no
    # No way past the shell. One by one: DisableForwarding left some open (CVE-2025-32728).
    DisableForwarding yes
    AllowTcpForwarding no
    AllowStreamLocalForwarding no
    AllowAgentForwarding no
    X11Forwarding no
    PermitTunnel no
    PermitOpen none
    PermitListen none
    GatewayPorts no
    # A client that is gone is noticed, and what it ran is ended.
    ClientAliveInterval 30
    ClientAliveCountMax 4
Match all
"""
LOGROTATE = """\
# Written by rshellctl; `rshellctl install` writes it anew.
/var/log/rshell/audit.jsonl {
    weekly
    rotate 52
    missingok
    notifempty
    compress
    delaycompress
    create 0660 root rshell
}
"""
LIMITS = """\
# Written by rshellctl; `rshellctl install` writes it anew.
ai-worker hard nproc 512
ai-worker hard core 0
"""
NAMES = ("rshell-docker", "rshell-journal", "root")
HOSTILE = (
    "", "ALL", "%docker", "#1000", "+net", "a b", "a,root", "a\nroot", "ai-worker NOPASSWD: ALL", "-x", "*", "a*", "!a",
    "a=b", "a:b", "a\\", "\u00e4", "a\u0660", "1000",
)  # fmt: skip


def test_sudoers_lets_the_users_run_the_gate_and_nothing_else() -> None:
    assert pieces.sudoers(("ai-worker", "bench_2"), NAMES) == SUDOERS


def test_sshd_runs_the_shell_whatever_is_asked_for_and_forwards_nothing() -> None:
    assert pieces.sshd("ai-worker") == SSHD


def test_records_are_rotated_where_the_policy_has_them() -> None:
    assert pieces.logrotate() == LOGROTATE
    assert pieces.logrotate("/srv/a.jsonl") == LOGROTATE.replace("/var/log/rshell/audit.jsonl", "/srv/a.jsonl")


def test_an_account_can_not_fill_the_table_of_processes() -> None:
    assert pieces.limits(("ai-worker",)) == LIMITS


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_means_more_than_an_account_is_in_no_text(name: str) -> None:
    for text in (
        lambda: pieces.sudoers((name,), NAMES), lambda: pieces.sudoers(("ai-worker",), (name,)),
        lambda: pieces.sshd(name), lambda: pieces.limits((name,)),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="not the plain name of an account"):
            text()
