"""What doctor can find: a code, how bad it is, what holds when it is not found."""

from __future__ import annotations

from rshell.core.value import Value

GRADES = HOLE, WEAKNESS, NOTE = "hole", "weakness", "note"
MOST = 6  # pieces of evidence that one finding shows


class Code(Value):
    """One thing that can be wrong."""

    grade: str
    holds: str  # what is so when it is not found
    each: bool = True  # asked of each account; otherwise of the host, once


class Finding(Value):
    """One thing that is wrong here."""

    code: str
    user: str  # '' when it is the whole host's
    what: str
    evidence: tuple[str, ...]
    fix: tuple[str, ...]  # lines to paste

    @property
    def grade(self) -> str:
        """How bad it is."""
        return CODES[self.code].grade


def found(code: str, what: str, evidence: list[str], *fix: str, user: str = "") -> Finding:
    """Return a finding; of much evidence the first pieces."""
    shown = evidence if len(evidence) <= MOST else [*evidence[:MOST], f"... {len(evidence) - MOST} more"]
    return Finding(code, user, what, tuple(shown), fix)


CODES = {
    # who it is
    "account.missing": Code(WEAKNESS, "the account is on this host"),
    "account.uid": Code(HOLE, "its uid is nobody else's"),
    "account.group": Code(HOLE, "it is in no group that reaches further"),
    "account.other-group": Code(WEAKNESS, "it is in no group but its own"),
    "account.password-empty": Code(HOLE, "it can't be entered without a password"),
    "account.password": Code(WEAKNESS, "it has no password"),
    "account.shell": Code(HOLE, "its login shell is rshell"),
    "account.unlisted-shell": Code(NOTE, "its login shell is in /etc/shells"),
    "account.jobs": Code(HOLE, "nothing is run for it by cron, at or systemd"),
    "account.processes": Code(WEAKNESS, "nothing runs as it outside of rshell"),
    "home.writable": Code(HOLE, "its home is root's"),
    "home.files": Code(WEAKNESS, "its home has no file that something acts on"),
    "boundary.direct": Code(HOLE, "its commands run behind the gate"),
    "boundary.wrapper": Code(HOLE, "rshell is no mere wrapper in another shell"),
    "identity.missing": Code(WEAKNESS, "the identities of its policy are accounts"),
    "identity.uid": Code(HOLE, "an identity is nobody else"),
    "identity.login": Code(WEAKNESS, "no identity can log in"),
    "identity.groups": Code(WEAKNESS, "no identity is in a group that it does not need"),
    "identity.lacks": Code(WEAKNESS, "each identity is in the groups that it needs"),
    "identity.sudo": Code(HOLE, "no identity may use sudo"),
    "group.members": Code(WEAKNESS, "the identities are alone in their group", False),
    # how it may become somebody else
    "sudo.unreadable": Code(WEAKNESS, "sudo says what it may"),
    "sudo.rights": Code(HOLE, "sudo runs the gate for it and nothing else"),
    "sudo.gate": Code(WEAKNESS, "sudo runs the gate for it"),
    "sudo.settings": Code(WEAKNESS, "sudo runs the gate by the right settings"),
    "doas.rights": Code(HOLE, "doas runs nothing for it"),
    "polkit.rules": Code(WEAKNESS, "no rule of polkit names it"),
    "pam.trust": Code(HOLE, "PAM lets nobody in unasked", False),
    "pam.program": Code(HOLE, "PAM runs root's programs only", False),
    "login.environment": Code(WEAKNESS, "no login is given a variable that loads code", False),
    # how it comes in
    "sshd.unreadable": Code(WEAKNESS, "sshd says what holds for it"),
    "sshd.forwarding": Code(HOLE, "sshd forwards nothing for it"),
    "sshd.command": Code(HOLE, "sshd runs rshell for it, whatever it asks"),
    "sshd.environment": Code(HOLE, "sshd takes no environment from it but LANG and LC_*"),
    "sshd.rc": Code(WEAKNESS, "sshd runs no ~/.ssh/rc for it"),
    "sshd.password": Code(WEAKNESS, "sshd lets it in by key only"),
    "sshd.strict": Code(WEAKNESS, "sshd refuses keys that others can write"),
    "sshd.keys": Code(HOLE, "its keys are root's to write"),
    "sshd.keys-elsewhere": Code(NOTE, "its keys stand in files, not elsewhere"),
    "sshd.key-options": Code(NOTE, "its keys have no options that widen"),
    "sshd.shared-key": Code(HOLE, "its keys open no other account"),
    "sshd.other": Code(HOLE, "no other SSH server runs here", False),
    # what it is kept by
    "launcher.missing": Code(WEAKNESS, "the launchers are there", False),
    "launcher.content": Code(HOLE, "the launchers are those of this installation", False),
    "launcher.ctl": Code(HOLE, "rshellctl is that of this installation", False),
    "python.gone": Code(WEAKNESS, "the Python of the launchers runs", False),
    "python.privileged": Code(HOLE, "no program of ours is set-uid or has capabilities", False),
    "files.writable": Code(HOLE, "what the boundary rests on is root's to write, along whole paths", False),
    "files.modes": Code(HOLE, "our directories and files belong to whom they must", False),
    "files.missing": Code(WEAKNESS, "our directories and files are there", False),
    "files.pyc": Code(NOTE, "everything is byte-compiled", False),
    "policy.missing": Code(WEAKNESS, "there is a policy", False),
    "policy.untrusted": Code(HOLE, "the policy is root's to write", False),
    "policy.broken": Code(WEAKNESS, "the policy has no errors", False),
    "policy.uncompiled": Code(NOTE, "the policy is compiled", False),
    "policy.role": Code(WEAKNESS, "the policy gives it a role"),
    # what it could reach
    "docker.socket": Code(HOLE, "it can open no socket of a container engine"),
    "docker.tcp": Code(HOLE, "no container engine listens on TCP unprotected", False),
    "docker.held-socket": Code(NOTE, "no container holds the socket of a container engine", False),
    "docker.config": Code(WEAKNESS, "docker's configuration directory is empty", False),
    "docker.version": Code(WEAKNESS, "docker and its plugins are versions that rshell knows", False),
    "docker.missing": Code(NOTE, "docker and its plugins are installed, if granted", False),
    # what remains of it
    "records.none": Code(WEAKNESS, "nothing runs without a record", False),
    "records.log": Code(WEAKNESS, "somebody listens on /dev/log", False),
    "records.space": Code(NOTE, "there is room for records", False),
    "records.rotation": Code(WEAKNESS, "logrotate keeps the records appendable", False),
    "stopped": Code(NOTE, "it is not stopped"),
    "kernel.tiocsti": Code(NOTE, "no program can type into a terminal", False),
    "kernel.links": Code(NOTE, "links in shared directories lead nobody astray", False),
    # what was really tried
    "probe.socket": Code(HOLE, "tried: it reaches no socket of a container engine"),
    "probe.sudo": Code(HOLE, "tried: sudo runs nothing else for it"),
    "probe.gate": Code(HOLE, "tried: the gate runs nothing that is out of shape"),
    "probe.write": Code(HOLE, "tried: it writes nowhere that counts"),
    "probe.read": Code(HOLE, "tried: it reads no secret"),
    "probe.ssh": Code(HOLE, "tried: ssh gives it rshell and nothing else"),
}
