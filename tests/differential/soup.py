"""Lines of `docker run` from somebody who wants out: what is allowed, bent, with what is not allowed in between.

Nearly everything he writes is nearly allowed: a line that is refused at its first word proves nothing. See
hostconfig.py for who judges what comes of the lines that are permitted.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

from .cases import ODD, TRUTHS, Words, _Typist, corpus_cases, spellings
from .reading import tree

RUN = "docker run"
DIRECTORIES = ("/", "/srv", "/srv/datasets", "/srv/datasets/a", "/srv/work", "/srv/work/a", "/etc")
"""What there is on the host."""
DISGUISED = "bench-disguised"
"""A volume that is there, and is a directory of the host."""
GOOD: dict[str, Words] = {
    "attach": ("stdout", "stderr", "stdin"),
    "cap-drop": ("ALL", "NET_RAW", "cap_chown"),
    "cgroupns": ("private",),
    "ipc": ("private", "none"),
    "cpus": ("4", "0.5", "16", ".5"),
    "cpu-shares": ("512", "2"),
    "cpuset-cpus": ("0-3", "0,1"),
    "cpuset-mems": ("0",),
    "entrypoint": ("sh", "ollama", "", "--privileged", "-v"),
    "env": ("A=b", "OLLAMA_HOST=ollama:11434", "A=", "_=x y", "A=b=c,d", "BENCH_1=-v"),
    "expose": ("80", "8080/tcp", "8000-8002/udp"),
    "gpus": ("all", "device=all", "1", "device=0", '"device=0,1"', "count=2", "device=GPU-3a"),
    "health-cmd": ("true", "curl -f x || exit 1"),
    "health-interval": ("10s", "1m30s"),
    "health-retries": ("3",),
    "health-start-interval": ("5s",),
    "health-start-period": ("1m",),
    "health-timeout": ("5s",),
    "hostname": ("web", "bench-1"),
    "domainname": ("lab.example",),
    "label": ("bench.run=1", "lab.x", "bench.a=b=c"),
    "log-driver": ("local", "json-file"),
    "log-opt": (
        "max-size=10m", "max-size=1MiB", "max-file=3", "compress=true", "mode=non-blocking", "max-buffer-size=4m",
    ),
    "memory": ("8g", "512m", "512MiB", "8GiB", "64G", "1073741824"),
    "memory-reservation": ("1g", "256m"),
    "memory-swap": ("16g", "17g", "1g", "64g"),
    "mount": (
        "type=volume,src=ollama,dst=/root/.ollama", "type=tmpfs,destination=/tmp,tmpfs-size=67108864",
        "source=bench-1,target=/d,readonly", "type=volume,dst=/scratch", "type=volume,src=bench-a,dst=/d,volume-nocopy",
        '"type=volume","src=trivy-cache","dst=/c"', "TYPE=volume,SRC=ollama,DST=/o,RO=true",
        "type=tmpfs,dst=/t,tmpfs-size=1g,tmpfs-mode=1770", "type=bind,src=/srv/datasets,dst=/data,readonly",
        "type=bind,src=/srv/work,dst=/work", "type=bind,src=/srv/datasets/a,dst=/data/a,ro",
    ),
    "name": ("ollama", "bench-1", "lab_x.y"),
    "network": ("lab", "none", "bridge", "lab", "name=lab", "name=lab,alias=web"),
    "network-alias": ("web", "ollama"),
    "pids-limit": ("512", "1", "4096"),
    "platform": ("linux/amd64", "linux/arm64"),
    "publish": (
        "127.0.0.1:11434:11434", "127.0.0.1:8080:80/tcp", "[::1]:8080:80", "127.0.0.1:5353:53/udp",
        "127.0.0.1:8000-8002:8000-8002", "127.0.0.1::80", "127.0.0.1:9000-9005:80",
        "target=80,published=8080,host_ip=127.0.0.1", "::1:8080:80",
    ),
    "pull": ("always", "missing", "never"),
    "restart": ("no", "on-failure:3", "on-failure:5"),
    "security-opt": ("no-new-privileges", "no-new-privileges=true", "no-new-privileges:true"),
    "shm-size": ("1g", "8g", "64m"),
    "stop-signal": ("TERM", "9", "SIGINT"),
    "stop-timeout": ("20", "0", "300"),
    "tmpfs": ("/tmp:size=64m", "/t:size=1g,noexec", "/run:rw,size=1m,mode=1777", "/x"),
    "ulimit": ("nofile=1024", "nofile=1024:2048", "nproc=100", "core=0:0", "memlock=-1", "stack=67108864"),
    "user": ("root", "1000:1000", "nobody", "0"),
    "volume": (
        "ollama:/root/.ollama", "bench-1:/data:ro", "open-webui:/app/data:rw", "bench-x:/d:nocopy", "/scratch",
        "trivy-cache:/root/.cache/", "bench-1:/d:ro,nocopy", "/srv/datasets:/data:ro", "/srv/work:/work",
    ),
    "workdir": ("/w", "/", "/root/.ollama", "/a/b/"),
}  # fmt: skip
"""By option: what may be written, in one of the policies that are tried."""

BAD: dict[str, Words] = {
    "add-host": ("a:host-gateway", "ollama:127.0.0.1"),
    "annotation": ("run.oci.keep_original_groups=1",),
    "cap-add": ("ALL", "SYS_ADMIN", "cap_sys_module"),
    "cap-drop": ("", "ALL,SYS_ADMIN"),
    "cgroup-parent": ("/", "system.slice"),
    "cgroupns": ("host",),
    "cidfile": ("out", "/etc/cron.d/x"),
    "cpus": ("0", "17", "1e3", "-1", "inf", "NaN"),
    "cpuset-cpus": ("0-3;", "", "0-99999999", "3-1", "0,", "-1"),
    "health-interval": ("1ms", "999ms"),
    "health-start-interval": ("500ms",),
    "stop-signal": ("RTMIN+\u0661", "RTMIN+" + "9" * 40),
    "device": ("/dev/sda", "vendor.com/class=x", "/dev/fuse"),
    "device-cgroup-rule": ("c *:* rwm", "a *:* rwm", "b 8:0 r"),
    "dns": ("6.6.6.6",),
    "env": ("HOME", "PATH", "LEAKED", "LD_PRELOAD=/x", "NVIDIA_VISIBLE_DEVICES=/x", "=x", "ld_preload=/x", "A B=c"),
    "env-file": ("../files/leaked", "../files/env", "/proc/self/environ"),
    "gpus": (
        "driver=evil", "capabilities=all", "device=0,driver=cdi", "driver=cdi,device=a/b=c",
        '"driver=x"', "all,driver=x",
        "count=all,capabilities=utility,compute", '"device=0","driver=x"', "DRIVER=x", "0", "-1", "options=a=b",
        '"capabilities=compat32"',
    ),
    "group-add": ("docker", "0", "999"),
    "health-retries": ("-1", "1000000"),
    "ip": ("172.17.0.99",),
    "ipc": ("host", "container:web", "shareable"),
    "label": (
        "rshell.owner=4711", "com.docker.compose.project=prod", "traefik.enable=true", "RSHELL.OWNER=0", "rshell.owner",
        "ofelia.enabled=true", "bench.x=\nrshell.owner=1", "com.docker.x", "rshell.run=x",
    ),
    "label-file": ("../files/leaked",),
    "link": ("web:w", "vault"),
    "log-driver": ("syslog", "none", "gelf", "fluentd", "evil/plugin", "JSON-FILE", ""),
    "log-opt": (
        "tag={{.Name}}", "env-regex=.*", "max-size=999g", "syslog-address=unix:///x", "labels=a", "max-file=-1",
    ),
    "mac-address": ("02:42:ac:11:00:02",),
    "memory": ("65g", "0", "1000g", "-1", "", "1tb", "64.5g"),
    "memory-swap": ("-1", "100g"),
    "memory-swappiness": ("0", "100"),
    "mount": (
        "type=bind,src=/,dst=/h", "type=bind,src=/etc,dst=/h,readonly", "dst=/h,src=/,type=bind",
        "type=volume,src=ollama,dst=/h,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/",
        "type=volume,type=bind,src=/,dst=/h", "type=volume,src=prod-db,dst=/h", "type=volume,src=ollama,src=/,dst=/h",
        "type=volume,src=ollama,dst=/h,volume-driver=vieux/sshfs", "type=npipe,src=x,dst=/y", "type=image,src=x,dst=/y",
        "type=cluster,src=x,dst=/y", '"type=bind","src=/","dst=/h"', '"type=volume","src=ollama","dst=/x,y"',
        "type=tmpfs,dst=/t", "type=tmpfs,dst=/proc,tmpfs-size=1m", "type=volume,src=ollama,dst=/dev/shm",
        "type=tmpfs,dst=/t,tmpfs-size=5g", "type=volume,src=ollama,dst=/h,bind-propagation=rshared",
        "type=bind,src=/srv/datasets/../../etc,dst=/h,readonly", "type=bind,src=/srv/datasetsx,dst=/h,readonly",
        "type=bind,src=/srv/datasets,dst=/h", "type=bind,src=/srv/datasets,dst=/h,readonly,readonly=false",
        "type=bind,src=/srv/datasets,dst=/h,ro=false", "type=bind,src=/srv/work,dst=/w,bind-propagation=shared",
        "type=volume,src=ollama,dst=/h,volume-subpath=../..", "type=volume,src=ollama,dst=/h,volume-label=a=b",
        f"type=volume,src={DISGUISED},dst=/x", "TYPE=BIND,source=/,target=/h", "type=bind ,src=/,dst=/h",
        " type=bind,src=/,dst=/h", "type=volume,dst=h",
    ),
    "name": ("", "-d", "a/b", "--privileged", "a b", "vault"),
    "network": (
        "host", "container:web", "prod", "name=host", '"name=host"', "NAME=host", "name=lab,name=host", "lab,name=host",
        "name=lab,ip=10.0.0.2", "name=lab,driver-opt=a=b", "name=lab,mac-address=02:42:ac:11:00:02",
        "name=container:web",
        "HOST", "host ", " host", "", "default", "name=lab,link-local-ip=169.254.1.1", "name=lab,gw-priority=9",
        "ns:/proc/1/ns/net", "name=lab,alias=", '"name=lab","alias=web"', "bridge,lab", "alias=web,name=prod",
    ),
    "oom-score-adj": ("-1000",),
    "pid": ("host", "container:web"),
    "pids-limit": ("-1", "0", "100000"),
    "publish": (
        "80:80", "8080:80", "0.0.0.0:8080:80", "[::]:8080:80", ":8080:80", "127.0.0.1:22:22", "127.0.0.1:80-9000:80",
        "80", "host_ip=0.0.0.0,target=1,published=1", "127.0.0.2:8080:80", "localhost:8080:80",
        "127.0.0.1:8080:80/sctp",
        "target=80,published=8080", "127.0.0.1:08080:80", "127.1:8080:80", "[::1%lo]:8080:80", "127.0.0.1:70000:80",
        "[::ffff:127.0.0.1]:8080:80", "TARGET=80,PUBLISHED=8080", "127.0.0.1:8080:80,mode=host", "2130706433:8080:80",
        "127.0.0.1:1023-1025:80-82", "mode=host,target=80,published=8080", "[127.0.0.1]:8080:80",
        "127.0.0.1:65535-65536:1-2",
    ),
    "restart": ("always", "unless-stopped", "on-failure", "on-failure:100", "on-failure:0", "on-failure:"),
    "runtime": ("runc", "evil"),
    "security-opt": (
        "no-new-privileges=false", "seccomp=unconfined", "seccomp=../files/leaked", "label=disable",
        "apparmor=unconfined",
        "systempaths=unconfined", "no-new-privileges:false", "no-new-privileges=1", "no-new-privileges=true=false",
    ),
    "shm-size": ("9g", "900g", "0", "-1"),
    "storage-opt": ("size=1T",),
    "sysctl": ("net.ipv4.ip_forward=1", "kernel.shm_rmid_forced=1"),
    "tmpfs": (
        "/proc", "/t:size=5g", "/t:exec,size=1m", "/t:size=1m,size=1t", "/dev:size=1m", "/t:suid,dev,size=1m",
        "t:size=1m",
        "/t:size=100%", "/t:size=1m,uid=0", "/t:size=0", "/t/../proc:size=1m", "/t:size=1m:ro", "/t:SIZE=1m",
        "/t:size=4096m ",
        "/t:nr_inodes=0,size=1m", "/t:size=-1", "/t:size=18446744073709551615", "/t:mpol=bind:0,size=1m",
    ),
    "ulimit": (
        "nproc=-1", "nofile=-1", "core=-1", "memlock=-2", "rtprio=99", "nofile=1024:-1", "nofile=99999999",
        "nofile=2:1",
    ),
    "user": ("", "root:docker:x", "0:/"),
    "userns": ("host",),
    "uts": ("host",),
    "volume": (
        "/:/host", "/etc:/x", "/var/run/docker.sock:/s", "//:/h", "/srv/datasets:/data", "/srv/datasets:/data:rw",
        "./../../etc:/x", ".:/x", "~:/x", "ollama:/proc", "ollama:/", "prod-db:/x", "/srv/datasets/../../etc:/x:ro",
        "/srv/datasetsx:/x:ro", "ollama:/x:rshared", "/srv/work:/w:rslave", "ollama:/x:z", "a/../..:/x",
        "/srv/work//a:/x",
        "ollama:/x:ro:rw", "ollama:/x:ro,rw", "ollama:/dev/x", "/proc:/p", "/srv:/x:ro", "ollama:x", "ollama",
        "bench-1/../x:/x",
        ":/x", "ollama:", "ollama::", "C:\\x:/y", "bench-1:/sys/fs", "/srv/datasets/.:/x:ro", "/srv/datasets/:/x:ro",
        "/srv/work/a:/work", f"{DISGUISED}:/x", "/srv/work/a:/work:ro", "ollama:/data/in", "ollama:/root",
        "/srv/datasets:/x:RO", "/srv/datasets:/x:ro,rshared", "/srv/datasets:/x:", "..:/x", "bench-\u00e9:/x",
        "bench-1:/..",
    ),
    "volume-driver": ("evil", "local"),
    "volumes-from": ("portainer", "web:ro"),
    "workdir": (
        "/proc/self/fd/8", "/proc/self/cwd/../fd/7", "//proc/self/fd/8", "/w/../proc/self/fd/7", "proc", "",
        "/dev/fd/7",
    ),
}  # fmt: skip
"""By option: what may not be, however it is spelled."""

WEIGHTY = ("volume", "volume", "mount", "mount", "publish", "network", "tmpfs", "gpus")
"""Options whose values docker takes apart: these are written more often, and some of them more than once."""
FLAGS = ("detach", "interactive", "init", "quiet", "read-only", "no-healthcheck", "sig-proxy", "rm", "tty")
BAD_FLAGS = ("privileged", "publish-all", "oom-kill-disable", "use-api-socket", "disable-content-trust")
IMAGES = (
    "alpine:3.20", "ollama/ollama", "lab/bench:latest", "ghcr.io/open-webui/open-webui:main", "busybox",
    "docker.io/library/alpine", "index.docker.io/alpine:3", "alpine@sha256:" + "0" * 64, "alpine:3@sha256:" + "1" * 64,
)  # fmt: skip
BAD_IMAGES = (
    "127.0.0.1:5000/x", "localhost/x", "evil.example/x:1", "sha256:" + "a" * 64, "c" * 64, "docker.io:443/x", "Alpine",
    "docker.io/../x", "localhost:5000/a/b", "[::1]:5000/x", "docker.io.evil.example/x", "a@b", "alpine:3.20/x", "-it",
    "DOCKER.IO/alpine", "ghcr.io", "quay.io:5000/a/b", "http://quay.io/a", "quay.io//a", "c" * 12, "", "/", "alpine:",
)  # fmt: skip
ARGUMENTS = ("sh", "-c", "id", "--privileged", "-v", "/:/host", "--", "a b", "-p", "")
CHARACTERS = ":,=/.\"' \t-@%~[]{}\\\n\r\0#*?+&|;$`!\u00e9\u2028\ufeff\u212a0a1A"


class Soup(_Typist):
    """He knows every option and every trick of spelling."""

    def argv(self) -> Words:
        """Make one argv, without `docker`."""
        words = self.root() if self.chance(0.1) else []
        words += self.random.choice(spellings(RUN)).split()
        groups = [*self._flags(), *(self._option(name) for name in self._names())]
        self.random.shuffle(groups)
        words += [word for group in groups for word in group]
        if self.chance(0.3):
            words.append("--")
        words.append(self._either(IMAGES, BAD_IMAGES, 0.07))
        if self.chance(0.4):
            words += self.random.choices(ARGUMENTS, k=self.random.randint(1, 4))
        if self.chance(0.15):
            for _ in range(self.random.randint(1, 2)):
                self.spoil(words)
        return tuple(words)

    def _either(self, good: Words, bad: Words, share: float) -> str:
        return self.random.choice(bad if bad and self.chance(share) else good)

    def _names(self) -> list[str]:
        """Options: mostly what is judged, rarely what nobody may have."""
        names = self.random.sample(list(GOOD), self.random.choice((0, 1, 2, 3, 4, 5, 6, 8)))
        names += [name for name in WEIGHTY if self.chance(0.12)]
        if names and self.chance(0.1):
            names.append(self.random.choice(names))
        if self.chance(0.08):
            names.append(self.random.choice(list(BAD.keys() - GOOD.keys())))
        if self.chance(0.01):
            names.append(self.random.choice(list(tree().commands[RUN].options)))
        return names

    def _flags(self) -> list[list[str]]:
        """Flags: a detached container mostly, for that ends soonest."""
        names = ["detach"] if self.chance(0.8) else []
        names += [name for name in FLAGS[1:] if self.chance(0.07)]
        if self.chance(0.03):
            names.append(self.random.choice(BAD_FLAGS))
        return [self._flag(name) for name in names]

    def _flag(self, name: str) -> list[str]:
        option = tree().commands[RUN].options[name]
        if option.short and self.chance(0.6):
            return [f"-{option.short}"]
        return [f"--{name}={self.random.choice(TRUTHS)}" if self.chance(0.3) else f"--{name}"]

    def _option(self, name: str) -> list[str]:
        """One option with a value, by any of its spellings, perhaps behind flags in one word."""
        option = tree().commands[RUN].options[name]
        if option.kind == "flag":
            return self._flag(name)
        cluster = self.random.choice(("", "", "", "d", "i", "id", "di", "q")) if option.short else ""
        return self.option(tree().commands[RUN], option, cluster)

    def plain(self, option: object) -> str:
        """A value: good, rarely bad, rarely good and bent."""
        name: str = option.name  # type: ignore[attr-defined]
        good, bad = GOOD.get(name, ()), BAD.get(name, ())
        if not good and not bad:
            return super().plain(option)  # type: ignore[arg-type]
        value = self._either(good or bad, bad, 0.12)
        return self._bent(value) if self.chance(0.12) else value

    def value(self, option: object) -> str:
        """The same, or something that is no value at all."""
        return self.random.choice((*ODD, *_hostile_words())) if self.chance(0.04) else self.plain(option)

    def _bent(self, value: str) -> str:
        return self.random.choice(_BENDS)(self.random, value)


@cache
def _hostile_words() -> Words:
    """Every word of the docker corpus's attacks."""
    words = {word for identity, words in corpus_cases() if identity[0] == "A" for word in words}
    return tuple(sorted(word for word in words if len(word) < 200))


# -- what one can do to a value ---------------------------------------------------------


def _inserted(chance: random.Random, value: str) -> str:
    at = chance.randint(0, len(value))
    return value[:at] + chance.choice(CHARACTERS) + value[at:]


def _replaced(chance: random.Random, value: str) -> str:
    at = chance.randint(0, max(0, len(value) - 1))
    return value[:at] + chance.choice(CHARACTERS) + value[at + 1 :]


def _cut(chance: random.Random, value: str) -> str:
    return value[: chance.randint(0, len(value))] if chance.random() < 0.5 else value[chance.randint(0, len(value)) :]


def _quoted(chance: random.Random, value: str) -> str:
    """CSV of Go: each field may be in quotes, and a quote in it is doubled."""
    fields = value.split(",")
    return ",".join(f'"{one}"' if chance.random() < 0.6 else one for one in fields)


def _doubled(chance: random.Random, value: str) -> str:
    fields = value.split(",")
    fields.insert(chance.randint(0, len(fields)), chance.choice(fields))
    return ",".join(fields)


def _added(chance: random.Random, value: str) -> str:
    """A field more: from any bad value that is a list."""
    fields = value.split(",")
    more = [one for option in ("mount", "network", "gpus", "publish", "tmpfs") for one in BAD[option] if "," in one]
    fields.insert(chance.randint(0, len(fields)), chance.choice(chance.choice(more).split(",")))
    return ",".join(fields)


def _cased(chance: random.Random, value: str) -> str:
    return chance.choice((value.upper(), value.title(), value.swapcase()))


def _pathed(chance: random.Random, value: str) -> str:
    """Other spellings of a path."""
    return value.replace("/", chance.choice(("//", "/./", "/../", "/x/../", "\\", "/%2e%2e/")), chance.choice((1, -1)))


def _appended(chance: random.Random, value: str) -> str:
    return value + chance.choice((":ro", ":rw", ",ro", ":rshared", ":z", "/", "/..", ",readonly=false", "=", ":0", " "))


_BENDS: tuple[Callable[[random.Random, str], str], ...] = (
    _inserted, _inserted, _replaced, _cut, _quoted, _doubled, _added, _cased, _pathed, _appended,
)  # fmt: skip
