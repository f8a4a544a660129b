"""Where an installed rshell keeps things on a host: every path outside the package, once."""

from __future__ import annotations

ETC = "/etc/rshell"
POLICY = f"{ETC}/policy.yaml"
DOCKER_CONFIG = f"{ETC}/docker"  # empty, root's: completions/docker.yaml names it too
STATE = "/var/lib/rshell"
STOPPED = f"{STATE}/stopped"  # a file named by the uid: that account is stopped; in it, why
SLOTS = f"{STATE}/slots"  # locked by running gates: UID-NUMBER
POLICIES = f"{STATE}/policies"  # earlier policies, for rollback
HOMES = f"{STATE}/home"  # a home for each account that has none: root's, empty
USERS = f"{STATE}/users"  # state of an account, by uid, its own
BUILDX_CONFIG = f"{STATE}/buildx"  # of the docker identity: completions/docker.yaml names it too
MANIFEST = f"{STATE}/install.json"  # what install made and found
LOGS = "/var/log/rshell"
GROUP = "rshell"  # of the identities: may lock slots and append records

LAUNCHER = "/usr/local/bin/rshell"
GATE = "/usr/local/libexec/rshell-gate"
CTL = "/usr/local/sbin/rshellctl"
SHELLS = "/etc/shells"
SUDOERS = "/etc/sudoers.d/rshell"
SSHD_CONFIG = "/etc/ssh/sshd_config"
SSHD_DIRECTORY = "/etc/ssh/sshd_config.d"
KEYS = "/etc/ssh/rshell-keys"  # a file for each account, root's
LOGROTATE = "/etc/logrotate.d/rshell"
LIMITS = "/etc/security/limits.d/rshell.conf"
