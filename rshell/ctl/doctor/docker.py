"""What the account could reach besides rshell: the sockets of container engines; and the docker that it is served."""

from __future__ import annotations

import json
import re
import stat

from rshell import data
from rshell.ctl.doctor.finding import found
from rshell.ctl.doctor.paths import can_open, describe, walk
from rshell.ctl.doctor.scene import DOCKER
from rshell.host import layout
from rshell.policy.tree import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.ctl.doctor.finding import Finding
    from rshell.ctl.doctor.host import Host
    from rshell.ctl.doctor.scene import Scene, Site

SOCKETS = (
    "/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock",
    "/run/buildkit/buildkitd.sock", "/run/crio/crio.sock", "/run/k3s/containerd/containerd.sock",
    "/run/docker/containerd/containerd.sock", "/run/docker/metrics.sock", "/run/docker/plugins/docker.sock",
    "/var/snap/lxd/common/lxd/unix.socket", "/var/lib/lxd/unix.socket",
    "/var/lib/incus/unix.socket", "/run/libvirt/libvirt-sock", "/var/run/balena-engine.sock",
)  # fmt: skip
OF_ENGINES = re.compile(r"/(docker|containerd|podman|buildkitd|dockershim|crio|balena-engine)[\w.-]*\.sock$")
TCP = {2375: "0947", 2376: "0948"}  # as /proc/net/tcp writes them
LISTEN = "0A"
ABOVE = ("/", "/run", "/var", "/var/run")  # of a mount that has the sockets in it
NOWHERE = "unix:///nonexistent/docker.sock"  # docker asks the Engine even for its own version
DAEMON = "/etc/docker/daemon.json"
COMPOSE, PLUGIN = "docker compose", "docker-compose"
VERSION = re.compile(r"(\d+)(?:\.(\d+))?")


def sockets(scene: Scene) -> Iterator[Finding]:
    """The account can open no socket of a container engine: each is root."""
    if scene.account is None:
        return
    account, host = scene.account, scene.host
    ends = {walk(host, path).end for path in engine_sockets(host)} - {""}
    groups = host.groups_of(account)
    for end in sorted(ends):
        entry = host.entry(end)
        if entry is None or not stat.S_ISSOCK(entry.mode) or not can_open(host, account, end):
            continue
        if scene.direct and entry.gid in groups and not entry.mode & 0o002:
            continue  # boundary.direct says it
        yield found(
            "docker.socket", f"{account.name} can open {end}: who speaks to a container engine is root",
            [describe(host, end, entry)], f"chmod o= {end} && setfacl --remove-all {end}",
            f"id {account.name}   # and no group of its own may be the socket's", user=account.name,
        )  # fmt: skip


def engine_sockets(host: Host) -> list[str]:
    """Return where sockets of engines usually are, and those that somebody listens on, wherever they are."""
    paths = [line.split()[-1] for line in host.text("/proc/net/unix").splitlines() if "/" in line]
    return list(dict.fromkeys([*SOCKETS, *(path for path in paths if OF_ENGINES.search(path))]))


def tcp(site: Site) -> Iterator[Finding]:
    """No engine listens on TCP: there it asks nobody who he is, unless TLS does."""
    host = site.host
    evidence = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in host.text(table).splitlines()[1:]:
            fields = line.split()
            port = fields[1].rpartition(":")[2] if len(fields) > 3 and fields[3] == LISTEN else ""
            if port == TCP[2375] or (port == TCP[2376] and not _verifies(host)):
                evidence.append(f"{table}: a listener on port {int(port, 16)}")
    hosts, why = _daemon_hosts(host)
    evidence += [f"{why}: {each}" for each in hosts if each.startswith("tcp:") and not _verifies(host)]
    for process in host.processes():
        if process.program.endswith("/dockerd") and not _verifies(host):
            evidence += [f"dockerd {process.pid}: {word}" for word in process.words if "tcp://" in word]
    if evidence:
        yield found(
            "docker.tcp", "a container engine listens on TCP, where every program of this host, and every container,"
            " is root to it", list(dict.fromkeys(evidence)), f"$EDITOR {DAEMON}   # only unix:// in \"hosts\"",
            "systemctl cat docker   # no -H tcp:// there", "systemctl restart docker",
        )  # fmt: skip


def _daemon(host: Host) -> dict[str, object]:
    try:
        read = json.loads(host.text(DAEMON) or "{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _daemon_hosts(host: Host) -> tuple[list[str], str]:
    hosts = _daemon(host).get("hosts")
    return ([each for each in hosts if isinstance(each, str)] if isinstance(hosts, list) else []), DAEMON


def _verifies(host: Host) -> bool:
    """Tell whether dockerd asks for certificates."""
    by_words = any("--tlsverify" in one.words for one in host.processes() if one.program.endswith("/dockerd"))
    return by_words or _daemon(host).get("tlsverify") is True


def holders(site: Site) -> Iterator[Finding]:
    """No container holds the socket of an engine: the agent may sit in one, or a fault may lead into one."""
    for container in site.host.containers():
        names, mounts = container.get("Names"), container.get("Mounts")
        sources = [one.get("Source") for one in mounts if isinstance(one, dict)] if isinstance(mounts, list) else []
        holding = [str(source) for source in sources if source in ABOVE or OF_ENGINES.search(str(source))]
        name = str(names[0]).lstrip("/") if isinstance(names, list) and names else str(container.get("Id"))
        if holding:
            yield found(
                "docker.held-socket", f"container {name} holds the socket of an engine: whatever gets into it is root",
                [f"{name}: {source}" for source in holding],
                f"docker inspect {name}   # then make it anew without that mount", f"docker rm --force {name}",
            )  # fmt: skip


def configuration(site: Site) -> Iterator[Finding]:
    """docker's configuration directory is empty: what stands there can name programs to run."""
    names = site.host.names(layout.DOCKER_CONFIG)
    if names:
        yield found(
            "docker.config", f"{layout.DOCKER_CONFIG} is not empty: config.json and cli-plugins name programs to run,"
            " and other daemons", [f"{layout.DOCKER_CONFIG}/{name}" for name in names],
            *(f"rm -r {layout.DOCKER_CONFIG}/{name}" for name in names),
        )  # fmt: skip


def versions(site: Site) -> Iterator[Finding]:
    """docker and its plugins are there, and of versions whose command line rshell knows."""
    granted = {program for scene in site.scenes for program in scene.granted()}
    known = ranges()
    for program in sorted(granted & {DOCKER, COMPOSE}):
        path = site.host.find(DOCKER) if program == DOCKER else site.host.find(PLUGIN, True)
        if not path:
            yield found(
                "docker.missing", f"the policy grants {program}, which is not installed in a directory of root's", [],
                "apt-get install docker.io" if program == DOCKER else "apt-get install docker-compose-v2",
            )  # fmt: skip
            continue
        words = ("--host", NOWHERE, "--version") if program == DOCKER else ("version", "--short")
        answer = site.host.ask(path, *words)
        numbers = VERSION.search(answer.out.partition("version")[2] or answer.out)
        low, high = known[program]
        if numbers is None or not low <= (int(numbers[1]), int(numbers[2] or 0)) < (high[0] + 1, 0):
            yield found(
                "docker.version",
                f"{path} is a version whose command line rshell does not know: the same words may mean something else",
                [(answer.out or answer.err).strip().partition("\n")[0], f"known: {low[0]}.{low[1]} to {high[0]}"],
                "# install a version of that range, or take this one in: see CONTRIBUTING.md",
            )  # fmt: skip


def ranges() -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
    """Return the versions that the grammars were made from: 20.10 - 29."""
    found_ = {}
    for _, content in data.completions():
        for name, tree in parse(content).pairs:
            text = next((value.text for key, value in tree.pairs if key.text == "versions"), "")
            ends = [(int(major), int(minor or 0)) for major, minor in VERSION.findall(text)]
            if len(ends) == 2:
                found_[name.text] = (ends[0], ends[1])
    return found_


ACCOUNT = (sockets,)
HOST = (tcp, holders, configuration, versions)
