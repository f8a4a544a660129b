"""rshellctl doctor: every way around the boundary, from what the host says itself."""

from __future__ import annotations

import os
import sys

from rshell.ctl.doctor import accounts, docker, files, keys, logins, probe, records, sshd, sudo
from rshell.ctl.doctor.finding import GRADES
from rshell.ctl.doctor.host import Host
from rshell.ctl.doctor.report import as_json, as_text, holds
from rshell.ctl.doctor.scene import survey
from rshell.ctl.policies import Stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator

    from rshell.ctl.doctor.finding import Finding
    from rshell.ctl.doctor.scene import Scene, Site

ABOUT = "find every way around the boundary"
OF_ACCOUNTS: tuple[Callable[[Scene], Iterator[Finding]], ...] = (
    *accounts.ACCOUNT, *sudo.ACCOUNT, *logins.ACCOUNT, *sshd.ACCOUNT, *keys.ACCOUNT, *docker.ACCOUNT, *records.ACCOUNT,
)  # fmt: skip
OF_HOST: tuple[Callable[[Site], Iterator[Finding]], ...] = (
    *accounts.HOST, *logins.HOST, *sshd.HOST, *files.HOST, *docker.HOST, *records.HOST,
)  # fmt: skip


def arguments(verb: ArgumentParser) -> None:
    """Add whom it is about, and how it is told."""
    verb.add_argument("--user", metavar="USER", help="default: every account that the policy gives a role")
    verb.add_argument("--json", action="store_true", help="in the stable form for programs")
    verb.add_argument("-v", dest="verbose", action="store_true", help="list what passed, too")
    verb.add_argument("--probe", action="store_true", help="really try the ways around, as the account")
    verb.add_argument("--identity", metavar="FILE", help="a private key that sshd lets the account in by, for --probe")


def run(words: Namespace) -> int:
    """Examine this host. Return 0 when the boundary holds, 1 when it does not, 78 when that can't be told."""
    if words.identity and not words.probe:
        raise Stop("rshellctl: --identity is for --probe", 2)
    if os.geteuid():
        raise Stop("rshellctl: only root sees enough of the host: sudo rshellctl doctor", 78)
    site = survey(Host(), words.user)
    findings = examine(site)
    if words.probe:
        findings += [finding for scene in site.scenes for finding in probe.probe(scene, words.identity)]
    report = as_json if words.json else as_text
    sys.stdout.write(report(site, findings, words.verbose, words.probe))
    return 0 if holds(findings) else 1


def examine(site: Site) -> list[Finding]:
    """Make every check. Return what is wrong, the worst first."""
    findings = [finding for check in OF_HOST for finding in check(site)]
    findings += [finding for scene in site.scenes for check in OF_ACCOUNTS for finding in check(scene)]
    return sorted(findings, key=lambda one: (GRADES.index(one.grade), one.user))
