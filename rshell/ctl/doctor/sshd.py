"""How the account comes in: what each sshd says holds for it, from wherever it calls."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from itertools import pairwise

from rshell.core.value import Value
from rshell.ctl.doctor.finding import found
from rshell.host import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.ctl.doctor.finding import Finding
    from rshell.ctl.doctor.host import Host
    from rshell.ctl.doctor.scene import Scene, Site

CALLERS = (("localhost", "127.0.0.1"), ("localhost", "::1"), ("lan", "10.0.0.7"), ("lan", "192.168.1.7"),
           ("world", "198.51.100.7"), ("world", "2001:db8::7"))  # fmt: skip
MOST_CALLERS = 40
NOT_FORWARDED = (
    "allowtcpforwarding", "allowstreamlocalforwarding", "allowagentforwarding", "x11forwarding", "permittunnel",
    "gatewayports",
)  # fmt: skip
NO_PASSWORDS = (
    "passwordauthentication", "kbdinteractiveauthentication", "hostbasedauthentication", "permitemptypasswords",
    "gssapiauthentication", "kerberosauthentication",
)  # fmt: skip
SPELLED = {
    "allowtcpforwarding": "AllowTcpForwarding", "allowstreamlocalforwarding": "AllowStreamLocalForwarding",
    "allowagentforwarding": "AllowAgentForwarding", "x11forwarding": "X11Forwarding", "permittunnel": "PermitTunnel",
    "gatewayports": "GatewayPorts", "permituserrc": "PermitUserRC", "strictmodes": "StrictModes",
    "permituserenvironment": "PermitUserEnvironment", "forcecommand": "ForceCommand", "acceptenv": "AcceptEnv",
    "setenv": "SetEnv", "passwordauthentication": "PasswordAuthentication", "permitemptypasswords":
    "PermitEmptyPasswords", "kbdinteractiveauthentication": "KbdInteractiveAuthentication",
    "hostbasedauthentication": "HostbasedAuthentication", "gssapiauthentication": "GSSAPIAuthentication",
    "kerberosauthentication": "KerberosAuthentication",
}  # fmt: skip
ONLY_GLOBAL = ("permituserenvironment", "strictmodes")  # sshd refuses them below Match
HARMLESS = frozenset("LANG LANGUAGE COLORTERM NO_COLOR".split())  # of AcceptEnv, besides LC_*
MATCHED = re.compile(r"(host|address|user|group|localaddress|localport|rdomain)\s+(\S+)", re.IGNORECASE)
LISTENER = re.compile(r"sshd: (\S+ .*?) ?\[listener\]")
OTHER_SERVERS = (
    "dropbear",
    "tinysshd",
    "lshd",
    "telnetd",
    "in.telnetd",
    "in.rlogind",
    "in.rshd",
    "sshesame",
)


class Server(Value):
    """An sshd: the words that say which configuration it has."""

    words: tuple[str, ...]
    config: str


class Said(Value):
    """What a server says holds for an account; the keywords as sshd prints them."""

    caller: str
    settings: dict[str, tuple[str, ...]]

    def one(self, keyword: str) -> str:
        """Return the value of a keyword, '' when this sshd does not know it."""
        return " ".join(self.settings.get(keyword, ()))


def servers(host: Host) -> list[Server]:
    """Return the sshd that the system's configuration makes, and those that run by another."""
    known: dict[tuple[str, ...], str] = {(): layout.SSHD_CONFIG}
    for process in host.processes():
        title = LISTENER.match(" ".join(process.words))
        if not title and not process.program.endswith("/sshd"):
            continue
        given = title[1].split()[1:] if title else list(process.words[1:])
        words = _configuring(given)
        if title or "-D" in given:
            known[words] = words[words.index("-f") + 1] if "-f" in words else layout.SSHD_CONFIG
    return [Server(words, config) for words, config in known.items()]


def _configuring(given: list[str]) -> tuple[str, ...]:
    """Keep the words that change what holds: -f FILE, -o SETTING, -C is ours."""
    kept: list[str] = []
    for word, following in pairwise(given):
        if word in ("-f", "-o"):
            kept += [word, following]
    return () if kept == ["-f", layout.SSHD_CONFIG] else tuple(kept)


def lines(host: Host, config: str) -> list[tuple[str, int, str]]:
    """Return the lines of a configuration with file and number, what it includes after it."""
    files, read = [config], list[tuple[str, int, str]]()
    while files and len(read) < 10_000:
        file = files.pop(0)
        for number, line in enumerate(host.text(file).splitlines(), 1):
            words = line.split()
            if words and not words[0].startswith("#"):
                read.append((file, number, line.strip()))
                if words[0].lower() == "include":
                    files += [each for word in words[1:] for each in _included(host, word)]
    return read


def _included(host: Host, pattern: str) -> list[str]:
    """Return the files that an Include line means."""
    whole = pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}"
    directory, _, name = whole.rpartition("/")
    return [f"{directory}/{each}" for each in host.names(directory) if fnmatch(each, name)]


def callers(host: Host, config: str) -> list[tuple[str, str, str, str]]:
    """Return from where to ask: usual places, and one that each Match of a configuration speaks of.

    Each is (host, address, local address, local port).
    """
    ports = ["22"]
    hosts, addresses, locals_ = list(CALLERS), [], ["127.0.0.1"]
    for _, _, line in lines(host, config):
        word, _, rest = line.partition(" ")
        if word.lower() == "port":
            ports.append(rest.strip())
        if word.lower() != "match":
            continue
        for kind, patterns in MATCHED.findall(rest):
            for pattern in patterns.replace('"', "").split(","):
                sample = _sample(pattern)
                kind = kind.lower()
                if kind == "address":
                    addresses.append(("there", sample))
                elif kind == "host":
                    addresses.append((sample, "198.51.100.8"))
                elif kind == "localaddress":
                    locals_.append(sample)
                elif kind == "localport":
                    ports.append(sample)
    asked = [(name, address, locals_[0], ports[-1]) for name, address in [*hosts, *addresses]]
    asked += [("world", "198.51.100.7", local, ports[-1]) for local in locals_[1:]]
    asked += [("world", "198.51.100.7", locals_[0], port) for port in dict.fromkeys(ports[:-1])]
    return list(dict.fromkeys(asked))[:MOST_CALLERS]


def _sample(pattern: str) -> str:
    """Return something that a pattern of Match means: its network's first address, its * filled in."""
    plain = pattern.lstrip("!").partition("/")[0]
    return plain.replace("*", "1" if re.fullmatch(r"[\d.*?]+", plain) else "x").replace("?", "1")


def ask(scene: Scene, server: Server) -> tuple[list[Said], str]:
    """Ask a server what holds for an account, from everywhere. Return its answers, or what went wrong."""
    said: list[Said] = []
    for name, address, local, port in callers(scene.host, server.config):
        who = f"user={scene.name},host={name},addr={address},laddr={local},lport={port}"
        answer = scene.host.ask("sshd", *server.words, "-T", "-C", who)
        if not answer.good:
            return [], answer.err.strip()
        settings: dict[str, tuple[str, ...]] = {}
        for line in answer.out.splitlines():
            keyword, _, rest = line.partition(" ")
            settings[keyword.lower()] = (*settings.get(keyword.lower(), ()), *rest.split())
        said.append(Said(f"from {address} ({name})", settings))
    return said, ""


def sshd(scene: Scene) -> Iterator[Finding]:
    """What each sshd says of the account."""
    if scene.account is None or not scene.host.find("sshd"):
        return
    for server in servers(scene.host):
        if not scene.host.entry(server.config):
            continue
        said, wrong = ask(scene, server)
        if wrong:
            yield found(
                "sshd.unreadable", f"sshd does not say what holds for {scene.name}", wrong.splitlines(),
                f"sshd {' '.join((*server.words, '-t'))}", user=scene.name,
            )  # fmt: skip
            continue
        yield from _settings(scene, server, said)


def _settings(scene: Scene, server: Server, said: list[Said]) -> Iterator[Finding]:
    name = scene.name
    for code, keywords, wanted, why in (
        ("sshd.forwarding", NOT_FORWARDED, "no", "forwards for {}: to the Docker socket, past rshell"),
        ("sshd.command", ("forcecommand",), layout.LAUNCHER, "runs what {} asks for: sftp goes past rshell"),
        ("sshd.rc", ("permituserrc",), "no", "runs ~/.ssh/rc of {}"),
        ("sshd.password", NO_PASSWORDS, "no", "lets {} in by something else than a key"),
        ("sshd.strict", ("strictmodes",), "yes", "takes keys of {} that others can write"),
    ):
        wrong = [
            {each: answer.one(each) for each in keywords if answer.one(each) not in (wanted, "")} for answer in said
        ]
        if any(wrong):
            yield _finding(scene, server, code, f"sshd {why.format(name)}", _summed(said, wrong), wanted)
    taken = [_environment(answer) for answer in said]
    if any(taken):
        what = f"sshd takes an environment from {name} or from files of it"
        yield _finding(scene, server, "sshd.environment", what, _summed(said, taken))


def _environment(answer: Said) -> dict[str, str]:
    """Return what an answer takes into the environment that it must not, by keyword."""
    settings = answer.settings
    taken = {
        "permituserenvironment": [each for each in settings.get("permituserenvironment", ()) if each != "no"],
        "acceptenv": [e for e in settings.get("acceptenv", ()) if e not in HARMLESS and not e.startswith("LC_")],
        "setenv": [each for each in settings.get("setenv", ()) if each.partition("=")[0] not in HARMLESS],
    }
    return {keyword: " ".join(values) for keyword, values in taken.items() if values}


def _summed(said: list[Said], wrong: list[dict[str, str]]) -> dict[str, str]:
    """Return for each keyword its value, and from where callers get it: the first such place, or all."""
    summed = {}
    for keyword in sorted({keyword for each in wrong for keyword in each}):
        having = [(answer.caller, each[keyword]) for answer, each in zip(said, wrong, strict=True) if keyword in each]
        summed[keyword] = f"{having[0][1]} {having[0][0] if len(having) < len(said) else 'from anywhere'}"
    return summed


def _finding(
    scene: Scene, server: Server, code: str, what: str, wrong: dict[str, str], wanted: str = ""
) -> Finding:  # fmt: skip
    """Make a finding of keywords: what they are, where that is written, and the block that mends it."""
    config = server.config
    evidence = [f"{config}: {SPELLED[keyword]} is {value}" for keyword, value in wrong.items()]
    evidence += [
        f"{file}:{number}: {line}" for file, number, line in lines(scene.host, config)
        if line.split()[0].lower() in wrong
    ]  # fmt: skip
    block, fix = [], []
    for keyword in wrong:
        if keyword in ONLY_GLOBAL:
            fix.append(f"{SPELLED[keyword]} {wanted or 'no'}   # at the top of {config}, not below Match")
        elif keyword in ("acceptenv", "setenv"):
            fix.append(f"# take the {SPELLED[keyword]} lines out that are named above")
        else:
            block.append(f"  {SPELLED[keyword]} {wanted}")
    if block:
        ours = f"{layout.SSHD_DIRECTORY}/rshell-{scene.name}.conf"
        file = ours if config == layout.SSHD_CONFIG else config
        fix += [f"# in {file}, in front of any other Match that fits {scene.name}:"]
        fix += [f"Match User {scene.name}", *block, "Match all"]
    test = " ".join(("sshd", *server.words, "-t"))
    return found(code, what, evidence, *fix, f"{test} && systemctl reload ssh", user=scene.name)


def others(site: Site) -> Iterator[Finding]:
    """A server that knows no Match and no ForceCommand of sshd's."""
    running = [one for one in site.host.processes() if one.program.rpartition("/")[2] in OTHER_SERVERS]
    for process in running:
        yield found(
            "sshd.other", f"{process.program} lets people in: no setting of sshd holds there",
            [f"{process.pid} {' '.join(process.words)}"], f"kill {process.pid}   # and keep it from starting again",
        )  # fmt: skip


ACCOUNT = (sshd,)
HOST = (others,)
