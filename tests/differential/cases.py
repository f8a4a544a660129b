"""What the user may have typed: argv of docker made at random from its grammar, and those of the corpora."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from rshell.core import line
from rshell.core.model import Grammar, Option, Script
from tests.support import corpus

from .reading import tree

Words = tuple[str, ...]

# -- what is left out, and why ---------------------------------------------------------

REGISTRY = "the client itself asks a registry, not the Engine"
LEFT_OUT = {
    "docker buildx": "a plugin, which this test does not install",
    "docker bake": "the same",
    "docker compose": "the same",
    "docker manifest create": REGISTRY,
    "docker manifest inspect": REGISTRY,
    "docker manifest push": REGISTRY,
    "docker trust key generate": "makes another random key each time",
}
"""Commands, or the first words of them, that are not run."""

WRITING = ("cidfile", "iidfile", "output", "cache-to", "metadata-file", "dest=")
WRITERS = ("save", "export", "cp", "trust", "load", "import", "-o")
"""Lines of the corpora with WRITING in a word, or that one of WRITERS begins: could write to this host, left out."""
ADDRESSES = ("https:", "http:", "git@", "git:", "ssh:", "tcp:", "github.com")
"""Lines of the corpora with one of these: the client would go there itself, left out."""
ENDLESS = ("{{range 1000000000}}",)
"""Lines of the corpora with one of these: docker has no end, left out."""


def left_out(command: str) -> str:
    """Why a command is not run; '' if it is."""
    words = command.split()
    for count in range(len(words), 0, -1):
        if why := LEFT_OUT.get(" ".join(words[:count])):
            return why
    return ""


def is_endless(command: str, ours: Words) -> bool:
    """Tell whether docker goes on until it is stopped, and what it asks for depends on when."""
    return command == "docker stats" and "--no-stream" not in ours


# -- values that docker takes ----------------------------------------------------------

BY_TYPE: dict[str, Words] = {
    "int": ("1", "0", "100", "-1", "0x10", "1_0"),
    "float": ("1", "0.5", "1.5"),
    "text": ("a", "b", "a=b", "busybox"),
    "arg": ("a", "-v", "a=b", "import os\n\tprint(1)"),
    "template": ("{{json .}}", "{{.ID}}", "json", "table {{.ID}}"),
    "filter": ("label=a", "name=web", "label!=b", "until=24h", "dangling=true"),
    "duration": ("10s", "1m30s", "0", "1h"),
    "time": ("10m", "2024-01-02", "2024-01-02T03:04:05Z", "1700000000"),
    "size": ("512m", "1g", "64mb", "6000000"),
    "name": ("web", "bench-1", "a.b"),
    "container": ("web", "c0f", "/web", "bench-1"),
    "image": ("busybox", "alpine:3.20", "lab/bench:1", "ghcr.io/a/b:c"),
    "object": ("web", "busybox"),
    "network": ("lab", "bridge", "none"),
    "volume": ("data", "ollama"),
    "signal": ("TERM", "KILL", "9", "SIGHUP"),
    "platform": ("linux/amd64", "linux/arm64"),
    "env": ("A=b", "A=", "A=b=c", "HOME"),
    "label": ("a=b", "a", "a.b=c d"),
    "key-value": ("a=b", "max-size=1m"),
    "mount": ("type=tmpfs,dst=/t", "type=volume,src=data,dst=/d", '"type=volume","dst=/d"', "TYPE=tmpfs,dst=/t"),
    "publish": ("80:80", "127.0.0.1:80:80", "80", "target=80,published=81", "53:53/udp"),
    "port": ("80", "80/tcp", "8000-8002"),
    "gpus": ("all", "1", "device=0", '"device=0,1"'),
    "path": ("out", "../files/env", "x"),
    "user": ("root", "1000:1000"),
    "stdin": ("stdin",),
}
BY_OPTION: dict[str, Words] = {
    "add-host": ("a:127.0.0.1", "b:::1"),
    "advertise-addr": ("127.0.0.1",),
    "attach": ("stdout", "stderr", "STDIN"),
    "availability": ("active", "pause", "drain"),
    "aux-address": ("a=10.0.0.5",),
    "blkio-weight": ("100",),
    "blkio-weight-device": ("/dev/null:100",),
    "ca-cert": ("../files/env",),
    "ca-key": ("../files/env",),
    "cap-add": ("ALL", "NET_ADMIN"),
    "cgroupns": ("host", "private"),
    "change": ("CMD x", 'CMD ["x"]', "ENV a=b"),
    "checkpoint-dir": ("checks",),
    "cidfile": ("out", "out2"),
    "compose-file": ("../files/stack.yaml",),
    "credential-spec": ("config://x", "file://x"),
    "data-path-port": ("4789",),
    "default-addr-pool": ("10.0.0.0/8",),
    "detach-keys": ("ctrl-a", "a,b"),
    "device": ("/dev/null", "/dev/null:/dev/x:r"),
    "device-cgroup-rule": ("c 1:3 mr",),
    "device-read-bps": ("/dev/null:1mb",),
    "device-read-iops": ("/dev/null:10",),
    "device-write-bps": ("/dev/null:1mb",),
    "device-write-iops": ("/dev/null:10",),
    "dir": (".",),
    "dns": ("127.0.0.1", "::1"),
    "docker": ("host=unix:///nowhere", "from=default"),
    "driver": ("local", "bridge"),
    "endpoint-mode": ("vip", "dnsrr"),
    "entrypoint": ("sh", "", "sh -c"),
    "env-file": ("../files/env",),
    "external-ca": ("protocol=cfssl,url=x",),
    "file": ("../files/context/other", "../files/context/Dockerfile", "-"),
    "gateway": ("10.0.0.1",),
    "generic-resource": ("gpu=1",),
    "health-cmd": ("true", "curl -f x || exit 1"),
    "host": ("a:127.0.0.1",),
    "iidfile": ("out",),
    "input": ("../files/image.tar",),
    "ip": ("10.0.0.2",),
    "ip6": ("fd00::2",),
    "ip-range": ("10.0.0.0/25",),
    "ipc": ("host", "private", "container:web"),
    "isolation": ("default",),
    "kernel-memory": ("64m",),
    "key": ("../files/env",),
    "label-file": ("../files/env",),
    "link": ("web:w", "web"),
    "listen-addr": ("127.0.0.1:2377",),
    "log-driver": ("json-file", "local", "none"),
    "mac-address": ("02:42:ac:11:00:02",),
    "memory-swappiness": ("10",),
    "mode": ("replicated", "global"),
    "output": ("out",),
    "pid": ("host", "container:web"),
    "placement-pref": ("spread=node.labels.a",),
    "pull": ("always", "missing", "never"),
    "restart": ("always", "no", "on-failure:3", "unless-stopped"),
    "restart-condition": ("any", "none"),
    "role": ("worker", "manager"),
    "rollback-order": ("start-first", "stop-first"),
    "scope": ("single", "multi", "local"),
    "security-opt": ("no-new-privileges", "label=disable", "seccomp=unconfined"),
    "sharing": ("none", "all"),
    "ssh": ("default",),
    "storage-opt": ("size=1G",),
    "subnet": ("10.0.0.0/24",),
    "sysctl": ("net.ipv4.ip_forward=1",),
    "tail": ("all", "0", "20"),
    "template-driver": ("golang",),
    "timeout": ("0", "5", "-1", "010"),
    "tmpfs": ("/t", "/t:rw,size=1m"),
    "token": ("SWMTKN-1-x",),
    "type": ("container", "image", "network", "volume", "service"),
    "ulimit": ("nofile=10", "nofile=10:20"),
    "update-order": ("start-first", "stop-first"),
    "userns": ("host",),
    "uts": ("host",),
    "volume": ("data:/d", "/srv:/h:ro", "/h", ".:/here"),
    "volumes-from": ("web", "web:ro"),
    "workdir": ("/w",),
}
BY_COMMAND: dict[str, tuple[Words, ...]] = {
    "docker build": (("../files/context", "../files/context/", "-", "../files"),),
    "docker config create": (("key",), ("../files/env", "-")),
    "docker context create": (("other",),),
    "docker context export": (("default",), ("out", "-")),
    "docker context import": (("other",), ("../files/image.tar", "-")),
    "docker context inspect": (("default",),),
    "docker context rm": (("other", "default"),),
    "docker context update": (("default", "other"),),
    "docker context use": (("default",),),
    "docker cp": (("web:/x", "../files/env", "-"), ("web:/y", "out", "-", ".")),
    "docker exec": (("web", "c0f"), ("id", "sh"), ("-c", "-v", "--", "x")),
    "docker import": (("../files/image.tar", "-"), ("lab/x:1",)),
    "docker login": (("registry.example", "127.0.0.1:1"),),
    "docker plugin create": (("lab/p",), ("../files/plugin",)),
    "docker plugin inspect": (("vieux/sshfs",),),
    "docker port": (("web",), ("80", "80/tcp")),
    "docker secret create": (("key",), ("../files/env", "-")),
    "docker service scale": (("web=2", "web=0"),),
    "docker swarm join": (("127.0.0.1:2377",),),
    "docker swarm join-token": (("worker", "manager"),),
    "docker system dial-stdio": (),
    "docker trust key load": (("../files/env",),),
    "docker __complete": (("ps", "run", "logs", "inspect"), ("", "-", "--f", "w")),
    "docker __completeNoDesc": (("ps", "run", "logs", "inspect"), ("", "-", "--f", "w")),
}
"""Operands in their order; the last serves for all that follow."""

ODD = (
    "", "-", "--", "---", "-d", "-it", "--rm", "--rm=false", "-v", "=", "=a", "a=b", "-=", "--=", "-1", "--name", "ps",
    "a b", "a,b", '"a"', "'", "\\", "\u00e9", "true", "false", "0", "-h", "--privileged", "$A", "*", "--log-level",
    "missing", "\U0001f600", "-e", "-\u00e9", "a\tb", "web",
)  # fmt: skip
TRUE = ("1", "t", "T", "TRUE", "true", "True")
FALSE = ("0", "f", "F", "FALSE", "false", "False")
TRUTHS = (*(TRUE + FALSE) * 3, "tRUE", "yes", "", "2")
LEVELS = ("info", "warn", "error", "fatal", "debug", "bogus", "")
UNKNOWN = ("--nope", "--nope=1", "-Z", "-Za", "--hel", "--no-such-thing", "-%", "--a", "-\u00fc")
FAVOURITES = (
    "docker run", "docker run", "docker run", "docker run", "docker create", "docker exec", "docker ps", "docker logs",
    "docker inspect", "docker images", "docker stop", "docker restart", "docker rm", "docker rmi", "docker start",
    "docker build", "docker pull", "docker service create", "docker top", "docker commit", "docker tag",
    "docker system prune", "docker stats", "docker info", "docker version",
)  # fmt: skip


# -- random argv -----------------------------------------------------------------------


def generated(seed: int, index: int) -> Words:
    """The argv of one case, without `docker`: the same for the same numbers."""
    return _Typist(random.Random(f"{seed}/{index}")).argv()


@cache
def _keys() -> tuple[str, ...]:
    """Every command that is run."""
    return tuple(key for key in tree().commands if not left_out(key))


@cache
def spellings(key: str) -> tuple[str, ...]:
    """Every way to write a command."""
    return tuple(spelling for spelling, named in tree().program.names.items() if named == key)


def systematic() -> Iterator[Words]:
    """Every command by every name, also with --, and with every option by each of its names, once."""
    for key in _keys():
        grammar = tree().commands[key]
        typist = _Typist(random.Random(key))
        operands = typist.operands(key, grammar, odd=0.0)
        for spelling in spellings(key):
            yield (*spelling.split(), *operands)
            yield (*spelling.split(), "--", *operands)
        for spelling, name in grammar.spellings.items():
            option = grammar.options[name]
            value = () if option.kind == "flag" else (typist.plain(option),)
            yield (*spellings(key)[0].split(), spelling, *value, *operands)


class _Typist:
    """Somebody who knows docker's grammar and spells it in every way that there is, right and wrong."""

    def __init__(self, random: random.Random) -> None:
        self.random = random

    def argv(self) -> Words:
        """Make one argv."""
        key = self.random.choice(FAVOURITES if self.chance(0.4) else _keys())
        words = [*self.root(), *self.random.choice(spellings(key)).split(), *self.rest(key)]
        if self.chance(0.12):
            for _ in range(self.random.randint(1, 2)):
                self.spoil(words)
        return tuple(words)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def root(self) -> list[str]:
        """Root options, mostly none; mostly the one that is let through."""
        if not self.chance(0.2):
            return []
        level = self.random.choice(LEVELS[:5] if self.chance(0.8) else (*LEVELS, *ODD))
        form = self.random.choice(
            ([f"--log-level={level}"], ["--log-level", level], [f"-l{level}"], ["-l", level], [f"-l={level}"])
        )
        other = self.random.choice(
            ([],) * 10 + (["--"],) * 4 + (["--version"], ["-v"], ["--tls=false"], ["-D=false"], form, ["--help"], [""])
        )
        return self.random.choice((form + other, form + other, other + form, other))

    def rest(self, key: str) -> list[str]:
        """Options and operands of a command, in an order that is allowed, or not."""
        grammar = tree().commands[key]
        options = self.options(grammar)
        operands = self.operands(key, grammar)
        words = [word for group in options for word in group]
        if not grammar.stop and self.chance(0.4):
            groups = [*options, *([word] for word in operands)]
            self.random.shuffle(groups)
            words, operands = [word for group in groups for word in group], []
        if self.chance(0.15):
            words.insert(self.random.randint(0, len(words)), "--")
        words += operands
        if grammar.stop and self.chance(0.5):
            words += [word for group in self.options(grammar) for word in group]
        return words

    def options(self, grammar: Grammar) -> list[list[str]]:
        """Some options, each as its words; perhaps one twice, perhaps one that does not exist."""
        names = list(grammar.options)
        chosen = self.random.sample(names, min(len(names), self.random.choice((0, 1, 1, 2, 2, 3, 4))))
        if chosen and self.chance(0.1):
            chosen.append(self.random.choice(chosen))
        groups = []
        cluster = ""
        for name in chosen:
            option = grammar.options[name]
            if option.kind == "flag" and option.short and self.chance(0.5):
                cluster += option.short
            else:
                groups.append(self.option(grammar, option, cluster))
                cluster = "" if groups[-1][0].startswith("-" + (cluster or "-")) and cluster else cluster
        if cluster:
            groups.append(["-" + cluster + ("=" + self.random.choice(TRUTHS) if self.chance(0.2) else "")])
        if self.chance(0.04):
            groups.append([self.random.choice(UNKNOWN)])
        return groups

    def option(self, grammar: Grammar, option: Option, cluster: str) -> list[str]:
        """One option with its value; the short one behind a cluster."""
        longs = [
            spelling for spelling, name in grammar.spellings.items() if name == option.name and spelling[:2] == "--"
        ]
        if option.kind == "flag":
            long = self.random.choice(longs)
            return self.random.choice(
                ([long], [long], [f"{long}={self.random.choice(TRUTHS)}"], [long, self.random.choice(TRUTHS)])
            )
        value = self.value(option)
        if option.short and (cluster or self.chance(0.5)):
            start = "-" + cluster + option.short
            return self.random.choice(([start, value], [start + value], [f"{start}={value}"]))
        long = self.random.choice(longs)
        return self.random.choice(([long, value], [f"{long}={value}"]))

    def value(self, option: Option) -> str:
        """A value that docker takes, mostly."""
        return self.random.choice(ODD) if self.chance(0.15) else self.plain(option)

    def plain(self, option: Option) -> str:
        """A value that docker takes."""
        return self.random.choice(BY_OPTION.get(option.name) or self.of_type(option.type))

    def of_type(self, kind: tuple[object, ...]) -> Words:
        """Some values of a type."""
        if kind[0] == "words":
            return tuple(map(str, kind[1:]))
        if kind[0] == "any":
            return tuple(value for one in kind[1:] for value in self.of_type(one))  # type: ignore[arg-type]
        return ("0", "1", "50") if kind[0] == "range" else BY_TYPE[str(kind[0])]

    def operands(self, key: str, grammar: Grammar, odd: float = 0.06) -> list[str]:
        """As many operands as the command takes, mostly; a share of them odd."""
        pools = BY_COMMAND.get(key) or tuple(self.of_type(kind) for kind, _ in grammar.operands)
        most = sum({"": 1, "?": 1}.get(many, 3) for _, many in grammar.operands)
        least = sum(many in ("", "+") for _, many in grammar.operands)
        count = self.random.randint(least, most)
        if self.chance(odd / 2):
            count += self.random.choice((-1, 1))
        pools = pools or (BY_TYPE["container"],)
        words = []
        for place in range(count):
            words.append(self.random.choice(ODD if self.chance(odd) else pools[min(place, len(pools) - 1)]))
        return words

    def spoil(self, words: list[str]) -> None:
        """Change one thing at random: a word gone, doubled, moved, cut, glued to the next, another one."""
        place = self.random.randrange(len(words))
        word = words[place]
        match self.random.randrange(9):
            case 0:
                del words[place]
            case 1:
                words.insert(place, word)
            case 2:
                words.insert(self.random.randrange(len(words)), words.pop(place))
            case 3:
                words[place : place + 2] = ["".join(words[place : place + 2])]
            case 4:
                cut = self.random.randint(0, len(word))
                words[place : place + 1] = [word[:cut], word[cut:]]
            case 5:
                words.insert(place, self.random.choice(ODD))
            case 6:
                words[place] = word[:-1]
            case 7:
                words[place : place + 2] = [" ".join(words[place : place + 2])]
            case _:
                words[place] = word.replace("=", "", 1) if "=" in word else word + "="
        if not words:
            words.append(word)


# -- the corpora -----------------------------------------------------------------------


def corpus_cases() -> Iterator[tuple[str, Words]]:
    """Every docker command of the two corpora, without `docker`, with the id of its line."""
    for name in ("docker-allow.jsonl", "docker-deny.jsonl"):
        for entry in corpus(name):
            for words in _commands(entry):
                if words[:1] and words[0].rpartition("/")[2] == "docker" and not _reaches_out(words[1:]):
                    yield entry["id"], words[1:]


def _commands(entry: dict[str, object]) -> list[Words]:
    if "argv" in entry:
        return [tuple(map(str, entry["argv"]))]  # type: ignore[call-overload]
    script = line.parse(str(entry["line"]))
    if not isinstance(script, Script):
        return []
    return [tuple(word.text for word in simple.words) for _, pipeline in script.items for simple in pipeline]


def _reaches_out(words: Words) -> bool:
    return any(
        word.startswith(WRITERS) or any(mark in word for mark in (*WRITING, *ADDRESSES, *ENDLESS)) for word in words
    )
