"""What no policy can allow, with the reason. `rshellctl limits` prints it.

The closed lists of a policy decide; this one keeps its author from granting what would undo all the
rest. A grant that names one of these is an error when the policy is read.
"""

from __future__ import annotations

EXEC = "it runs any command inside a container, as root if it likes"
NETWORK = "names and addresses are the network's to give"
STARVE = "it takes from the host what limits can't give back"
WINDOWS = "it is for Windows only"
DAEMON = "it would talk to another daemon or as somebody else"
CONFIG = "docker's configuration can run programs: plugins, credential helpers"
RAW = "it hands out the raw API of the Docker Engine, which is root on the host"
PLUGIN = "a plugin runs on the host with all rights"
FILE = "it reads or writes files on the host"
PROGRAM = "it names a program to run"
REGISTRY = "it talks to any registry that is named, which may be a service of the host"

# command, or the first words of one -> why
COMMANDS = {
    "docker __complete": PLUGIN,
    "docker __completeNoDesc": PLUGIN,
    "docker bake": "builds are made by docker build",
    "docker builder": "builds are made by docker build",
    "docker buildx": "builds are made by docker build",
    "docker checkpoint": FILE,
    "docker create": "containers are made by docker run",
    "docker exec": EXEC,
    "docker update": "it changes what a container may have behind the back of what was judged",
    "docker compose alpha": "it is not settled what it does",
    "docker compose bridge": "it runs containers of its own, and writes files",
    "docker compose cp": FILE,
    "docker compose docker-cli-plugin-hooks": PLUGIN,
    "docker compose docker-cli-plugin-metadata": PLUGIN,
    "docker compose __complete": PLUGIN,
    "docker compose exec": EXEC,
    "docker compose export": FILE,
    "docker compose publish": "it sends the stack away",
    "docker compose push": "it sends images away",
    "docker compose watch": FILE,
    "docker config": "swarm is the operator's",
    "docker context": DAEMON,
    "docker cp": FILE,
    "docker import": "it reads a file of the host, or has the daemon fetch one in the host's network",
    "docker load": "it gives any image any name, also one that is another's",
    "docker manifest": REGISTRY,
    "docker node": "swarm is the operator's",
    "docker plugin": PLUGIN,
    "docker push": "it sends images away, to whatever service of the host or elsewhere their names say",
    "docker search": REGISTRY,
    "docker secret": "swarm is the operator's",
    "docker service": "swarm is the operator's",
    "docker stack": "swarm is the operator's",
    "docker swarm": "swarm is the operator's",
    "docker system dial-stdio": RAW,
    "docker login": CONFIG,
    "docker logout": CONFIG,
    "docker trust": FILE,
}

# command -> option -> why
OPTIONS = {
    "docker": {
        "config": CONFIG,
        "context": DAEMON,
        "host": DAEMON,
        "tls": DAEMON,
        "tlscacert": FILE,
        "tlscert": FILE,
        "tlskey": FILE,
        "tlsverify": DAEMON,
    },
    "docker compose": {
        **dict.fromkeys(("env-file", "project-directory", "workdir"), FILE),
    },
    "docker compose config": {
        "output": FILE,
        "environment": "it prints our own environment",
        "variables": "it prints our own environment",
        "lock-image-digests": FILE,
    },
    "docker run": {
        "cidfile": FILE,
        "device-cgroup-rule": "it opens every device of the host to the container",
        "env-file": FILE,
        "label-file": FILE,
        "privileged": "a privileged container owns the host",
        "use-api-socket": RAW,
        "volumes-from": "it takes over the mounts of other containers",
        "cap-add": "a container gets no capability beyond docker's own",
        "device": "a container gets no device of the host",
        "group-add": "a group of the host could own what is mounted",
        "pid": "a container keeps its own namespaces",
        "runtime": "another runtime may not confine at all",
        "sysctl": "kernel parameters are the operator's",
        "annotation": "it steers the runtime",
        "volume-driver": PLUGIN,
        "cgroup-parent": "it escapes the limits of containers",
        "userns": "a container keeps its own namespaces",
        "uts": "a container keeps its own namespaces",
        "publish-all": "it publishes ports on every address of the host",
        "link": "it copies the variables of another container",
        **dict.fromkeys(
            ("add-host", "dns", "dns-option", "dns-search", "ip", "ip6", "link-local-ip", "mac-address"), NETWORK
        ),
        **dict.fromkeys(
            ("blkio-weight", "blkio-weight-device", "cpu-rt-period", "cpu-rt-runtime", "device-read-bps",
             "device-read-iops", "device-write-bps", "device-write-iops", "kernel-memory", "memory-swappiness",
             "oom-kill-disable", "oom-score-adj"),
            STARVE,
        ),
        **dict.fromkeys(("cpu-period", "cpu-quota"), "--cpus says the same"),
        **dict.fromkeys(("cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops", "isolation"), WINDOWS),
        "detach-keys": "there is nothing to detach from",
        "disable-content-trust": "which images are trusted is the operator's",
        "storage-opt": "it steers the storage driver",
    },
    "docker compose run": {
        "publish": "the compose file says which ports are published",
        "volume": "the compose file says what is mounted",
    },
    "docker build": {
        **dict.fromkeys(("iidfile", "metadata-file", "output", "secret", "ssh", "policy"), FILE),
        **dict.fromkeys(("build-context", "cache-from"), "it brings in what was not judged"),
        **dict.fromkeys(("cache-to", "push"), "it sends what was built away"),
        **dict.fromkeys(("attest", "provenance", "sbom"), "it runs an image that was not judged"),
        **dict.fromkeys(("allow", "security-opt", "isolation"), "a build is not less confined than a container"),
        **dict.fromkeys(
            ("annotation", "call", "debug", "disable-content-trust", "print", "resource", "squash", "stream"),
            "builds do without it",
        ),
        "add-host": "a name could lead to the host or its neighbours",
        "builder": DAEMON,
        "cgroup-parent": "it escapes the limits of containers",
        "platform": "another image would be taken than the one looked at",
        "pull": "another image would be taken than the one looked at; docker pull fetches it before",
    },
    "docker commit": {
        "change": "it gives an image what no build would: ONBUILD, labels, variables",
    },
    "docker volume create": {
        "driver": PLUGIN,
        "opt": "it can make any directory of the host a volume",
    },
    "iptables": {
        "modprobe": PROGRAM,
        **dict.fromkeys(
            ("append", "delete", "delete-chain", "flush", "insert", "new-chain", "policy", "rename-chain",
             "replace", "set-counters", "zero"),
            "it changes the firewall",
        ),
    },
    "sshd": {
        **dict.fromkeys(("config-file", "host-key", "host-certificate", "log-file"), FILE),
        **dict.fromkeys(("no-detach", "debug", "inetd", "port"), "it starts a server"),
        "option": "it can name files and programs",
    },
    "ss": {
        "diag": FILE,
        "filter": FILE,
        "kill": "it closes connections",
        "net": "it switches to another network namespace",
    },
    "journalctl": {
        **dict.fromkeys(("cursor-file", "directory", "file", "root", "image"), FILE),
        **dict.fromkeys(
            ("vacuum-size", "vacuum-files", "vacuum-time", "rotate", "flush", "sync", "relinquish-var",
             "smart-relinquish-var", "setup-keys", "update-catalog"),
            "it changes the journal",
        ),
        "machine": "it looks into another machine",
    },
    "grep": dict.fromkeys(("file", "recursive", "dereference-recursive", "exclude-from"), FILE),
    "sort": {"output": FILE, "files0-from": FILE, "temporary-directory": FILE, "random-source": FILE,
             "compress-program": PROGRAM},
    "wc": {"files0-from": FILE},
    "tail": {"follow": "it has no end", "retry": "it has no end", "pid": "it has no end", "F": "it has no end"},
}  # fmt: skip

# path on the host -> why neither it, nor what it is in, nor what is in it, can be mounted
PATHS = {
    "/": "it is the whole host",
    **dict.fromkeys(("/bin", "/boot", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/sbin", "/usr"),
                    "it holds the host's programs"),
    **dict.fromkeys(("/dev", "/proc", "/sys"), "it is the kernel's"),
    **dict.fromkeys(("/etc", "/root", "/var/spool"), "it rules the host"),
    **dict.fromkeys(("/run", "/var/run"), "sockets are there, Docker's too"),
    **dict.fromkeys(("/tmp", "/var/tmp"), "everybody keeps files and sockets there"),  # noqa: S108
    **dict.fromkeys(("/var/lib/containerd", "/var/lib/docker"), "it is the Docker Engine's"),
    **dict.fromkeys(("/var/lib/rshell", "/var/log/rshell"), "it is rshell's own"),
}  # fmt: skip

# Where what containers can write in may be: a closed list, for a place of the host's own that is in no list of
# places to keep away from is still a way to own it (/opt, /home, /var/lib, another disk's /efi).
WRITABLE = ("/srv", "/mnt", "/media", "/data")
ELSEWHERE = f"containers may write only in {' '.join(WRITABLE)}"

# The options that may stand before the verb. The parser knows them all; nothing can grant another.
ROOT_OPTIONS = {"docker": ("log-level",), "docker compose": ("ansi", "file", "profile", "progress", "project-name")}


def of_command(command: str) -> str:
    """Return why no policy can grant a command, or ''."""
    words = command.split()
    for count in range(len(words), 0, -1):
        why = COMMANDS.get(" ".join(words[:count]))
        if why:
            return why
    return ""


def of_option(command: str, option: str) -> str:
    """Return why no policy can grant an option of a command, or ''."""
    return OPTIONS.get(command, {}).get(option, "")


def of_path(path: str, read_only: bool) -> str:
    """Return why no policy can have a clean absolute path of the host mounted so, or ''."""
    if path in PATHS:
        return PATHS[path]
    for other, why in PATHS.items():
        if other != "/" and (path.startswith(f"{other}/") or other.startswith(f"{path}/")):
            return f"{other}: {why}"
    if read_only or any(f"{path}/".startswith(f"{parent}/") for parent in WRITABLE):
        return ""
    return ELSEWHERE
