"""What doctor says: to people a block for each finding, to programs one JSON object."""

from __future__ import annotations

from rshell.ctl.doctor.finding import CODES, NOTE
from rshell.lean import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.ctl.doctor.finding import Finding
    from rshell.ctl.doctor.scene import Site

TRIED = "probe."
OF_POLICY = ("policy.", "records.", "docker.version", "docker.missing", "identity.", "group.", "sudo.")
UNASKED = {  # a finding -> what can't be told while it stands
    "launcher.missing": ("launcher.", "python.", "files.", "boundary."),
    "policy.missing": OF_POLICY, "policy.untrusted": OF_POLICY, "policy.broken": OF_POLICY, "account.missing": ("",),
    "sshd.unreadable": ("sshd.",), "sudo.unreadable": ("sudo.",), "python.gone": ("files.pyc", "python."),
}  # fmt: skip


def holds(findings: list[Finding]) -> bool:
    """Tell whether the boundary holds: nothing is worse than a note."""
    return all(finding.grade == NOTE for finding in findings)


def passed(site: Site, findings: list[Finding], probed: bool) -> list[tuple[str, str, str]]:
    """Return what was looked for and not found: code, account ('' for the host), what holds."""
    wrong = {(finding.code, finding.user) for finding in findings}
    untold = [(finding.user, UNASKED[finding.code]) for finding in findings if finding.code in UNASKED]
    good = []
    for code, meaning in CODES.items():
        if code.startswith(TRIED) and not probed:
            continue
        for user in [scene.name for scene in site.scenes] if meaning.each else [""]:
            if (code, user) not in wrong and not any(
                by in ("", user) and code.startswith(codes) for by, codes in untold
            ):  # fmt: skip
                good.append((code, user, meaning.holds))
    return good


def as_json(site: Site, findings: list[Finding], verbose: bool, probed: bool) -> str:
    """Return the report for programs; it always lists what passed."""
    body = {
        "version": 1, "holds": holds(findings), "users": [scene.name for scene in site.scenes],
        "findings": [
            {"code": one.code, "severity": one.grade, "user": one.user or None, "what": one.what,
             "evidence": list(one.evidence), "fix": list(one.fix)} for one in findings
        ],
        "passed": [
            {"code": code, "user": user or None, "what": what} for code, user, what in passed(site, findings, probed)
        ],
    }  # fmt: skip
    return to_json(body) + "\n"


def as_text(site: Site, findings: list[Finding], verbose: bool, probed: bool) -> str:
    """Return the report for people: nothing at all when nothing is wrong."""
    lines = []
    for one in findings:
        lines += [f"{one.grade}: {one.code}: {_ascii(one.what)}"]
        lines += [f"  {_ascii(each)}" for each in one.evidence]
        lines += (
            [f"  fix: {_ascii(one.fix[0])}", *(f"       {_ascii(each)}" for each in one.fix[1:])] if one.fix else []
        )
    if verbose:
        lines += [f"passed: {code}: {user + ': ' if user else ''}{what}" for code, user, what in passed(
            site, findings, probed)]  # fmt: skip
    return "".join(f"{line}\n" for line in lines)


def _ascii(text: str) -> str:
    """Return text that no terminal acts on: what stands in files is others' words."""
    return "".join(each if " " <= each <= "~" else each.encode("unicode_escape").decode("ascii") for each in text)
