"""What the fake Engine answers: the least that lets docker go on as with a real one."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import struct
import tarfile
from functools import cache
from typing import Any, NamedTuple

ID = "c" * 64
DIGEST = "sha256:" + "d" * 64
THEN = "2024-01-02T03:04:05Z"
STREAM = "application/vnd.docker.raw-stream"
API = "1.50"
PING = {
    "Api-Version": API, "Ostype": "linux", "Docker-Experimental": "true", "Builder-Version": "1",
    "Swarm": "active/manager", "Server": "Docker/28.2.2 (linux)",
}  # fmt: skip
ABSENT = "missing"  # whatever has this name is not there


class Answer(NamedTuple):
    """A response. With status 101 the connection is taken over, and ended at once."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def answer(method: str, path: str, earlier: tuple[str, ...]) -> Answer:
    """Answer one request. path: without the version; earlier: the "METHOD PATH" of this run's requests so far."""
    if path == "/_ping":
        return Answer(200, b"OK", "text/plain", tuple(PING.items()))
    if f"/{ABSENT}" in path:
        return wrong(404, f"No such thing: {path}")
    if method == "GET" and re.fullmatch(r"/services/[^/]+", path) and any(_changes_service(one) for one in earlier):
        return wrong(404, "nothing to wait for")  # the progress of a service would have no end
    for verb, pattern, reply in TABLE:
        if verb == method and re.fullmatch(pattern, path):
            return reply if isinstance(reply, Answer) else as_json(reply)
    return wrong(404, "page not found")


def _changes_service(request: str) -> bool:
    return request.startswith("POST /services/")


def as_json(value: Any, status: int = 200) -> Answer:
    """An answer that is JSON."""
    return Answer(status, json.dumps(value).encode() + b"\n")


def wrong(status: int, message: str) -> Answer:
    """An answer that says what is wrong."""
    return as_json({"message": message}, status)


def _lines(*values: Any) -> Answer:
    return Answer(200, b"".join(json.dumps(value).encode() + b"\r\n" for value in values))


@cache
def image_tar() -> bytes:
    """A tar with one file; as an archive of anything."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        entry = tarfile.TarInfo("x")
        entry.size = 2
        archive.addfile(entry, io.BytesIO(b"x\n"))
    return output.getvalue()


def _output(text: bytes) -> bytes:
    """One frame of a container's stdout."""
    return struct.pack(">BxxxL", 1, len(text)) + text


STACK = {
    "com.docker.compose.project": "lab", "com.docker.compose.service": "web", "com.docker.compose.oneoff": "False",
    "com.docker.compose.container-number": "1", "com.docker.compose.config-hash": "0" * 64,
    "com.docker.compose.project.config_files": "/srv/compose.yaml",
}  # fmt: skip
"""The labels of a container of docker compose's."""
STATE = {
    "Status": "running", "Running": True, "Paused": False, "Restarting": False, "OOMKilled": False, "Dead": False,
    "Pid": 1, "ExitCode": 0, "Error": "", "StartedAt": THEN, "FinishedAt": THEN,
}  # fmt: skip
CONTAINER = {
    "Id": ID, "Name": "/web", "Created": THEN, "Path": "sh", "Args": [], "State": STATE, "Image": DIGEST,
    "RestartCount": 0, "Driver": "overlay2", "Platform": "linux", "Mounts": [],
    "Config": {"Hostname": "web", "Tty": False, "OpenStdin": True, "Image": "busybox", "Env": ["A=b"], "Labels": STACK},
    "HostConfig": {"NetworkMode": "none", "LogConfig": {"Type": "json-file", "Config": {}}},
    "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}, "Networks": {}},
}  # fmt: skip
LISTED = {
    "Id": ID, "Names": ["/web"], "Image": "busybox", "ImageID": DIGEST, "Command": "sh", "Created": 0, "Ports": [],
    "SizeRw": 3, "SizeRootFs": 4, "Labels": {"a": "b", **STACK}, "State": "running", "Status": "Up", "Mounts": [],
    "HostConfig": {"NetworkMode": "none"}, "NetworkSettings": {"Networks": {}},
}  # fmt: skip
IMAGE = {
    "Id": DIGEST, "RepoTags": ["busybox:latest"], "RepoDigests": [], "Created": THEN, "Os": "linux", "Size": 5,
    "Architecture": "amd64", "Config": {"Cmd": ["sh"]}, "RootFS": {"Type": "layers", "Layers": [DIGEST]},
}  # fmt: skip
NETWORK = {
    "Name": "lab", "Id": "e" * 64, "Created": THEN, "Scope": "local", "Driver": "bridge", "EnableIPv6": False,
    "IPAM": {"Driver": "default", "Config": []}, "Internal": False, "Containers": {}, "Options": {}, "Labels": {},
}  # fmt: skip


def network_id(name: str) -> str:
    """The id of a network."""
    return hashlib.sha256(name.encode()).hexdigest()


VOLUME = {
    "Name": "data", "Driver": "local", "Mountpoint": "/x", "Scope": "local", "CreatedAt": THEN, "Labels": {},
    "ClusterVolume": {"ID": "v", "Version": {"Index": 7}, "Spec": {"Availability": "active"}},
}  # fmt: skip
VERSIONED = {"Version": {"Index": 7}, "CreatedAt": THEN, "UpdatedAt": THEN}
SERVICE = {
    "ID": "s" * 25, **VERSIONED, "Endpoint": {"Spec": {}},
    "Spec": {
        "Name": "web", "Labels": {"a": "b"}, "Mode": {"Replicated": {"Replicas": 1}}, "EndpointSpec": {"Mode": "vip"},
        "TaskTemplate": {"ContainerSpec": {"Image": "busybox", "Env": ["A=b"]}, "Resources": {}, "Placement": {}},
    },
}  # fmt: skip
NODE = {
    "ID": "n" * 25, **VERSIONED, "Spec": {"Role": "manager", "Availability": "active", "Labels": {"a": "b"}},
    "Description": {"Hostname": "host", "Platform": {"OS": "linux"}, "Resources": {}, "Engine": {}},
    "Status": {"State": "ready", "Addr": "127.0.0.1"}, "ManagerStatus": {"Leader": True, "Addr": "127.0.0.1:2377"},
}  # fmt: skip
SWARM = {
    "ID": "w" * 25, **VERSIONED, "JoinTokens": {"Worker": "SWMTKN-1-w", "Manager": "SWMTKN-1-m"},
    "Spec": {"Name": "default", "CAConfig": {"NodeCertExpiry": 7776000000000000}, "EncryptionConfig": {}},
    "RootRotationInProgress": False, "TLSInfo": {"TrustRoot": "root"},
}  # fmt: skip
SECRET = {"ID": "t" * 25, **VERSIONED, "Spec": {"Name": "key", "Labels": {}}}
PLUGIN = {
    "Id": "p" * 64, "Name": "vieux/sshfs:latest", "Enabled": True, "PluginReference": "docker.io/vieux/sshfs:latest",
    "Config": {"Description": "d", "Args": {}, "Linux": {}, "Network": {}, "Interface": {"Types": []}},
    "Settings": {"Args": [], "Devices": [], "Env": [], "Mounts": []},
}  # fmt: skip
INFO = {
    "ID": "id", "Containers": 1, "Images": 1, "Driver": "overlay2", "OSType": "linux", "Architecture": "x86_64",
    "NCPU": 2, "MemTotal": 1024, "Name": "host", "ServerVersion": "28.2.2", "Runtimes": {"runc": {"path": "runc"}},
    "DefaultRuntime": "runc", "IndexServerAddress": "https://index.docker.io/v1/", "ExperimentalBuild": True,
    "RegistryConfig": {"IndexConfigs": {}, "InsecureRegistryCIDRs": [], "Mirrors": []}, "SecurityOptions": [],
    "Plugins": {"Volume": ["local"], "Network": ["bridge"], "Log": ["json-file"]},
    "Swarm": {"NodeID": "n" * 25, "LocalNodeState": "active", "ControlAvailable": True, "Managers": 1, "Nodes": 1},
}  # fmt: skip
VERSION = {
    "Version": "28.2.2", "ApiVersion": API, "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64",
    "GoVersion": "go1.24", "GitCommit": "x", "KernelVersion": "6", "Experimental": True, "BuildTime": THEN,
    "Components": [{"Name": "Engine", "Version": "28.2.2", "Details": {"ApiVersion": API}}],
}  # fmt: skip
USED = {
    "LayersSize": 9, "Images": [], "Containers": [], "Volumes": [], "BuildCache": [], "BuilderSize": 0,
}  # fmt: skip
CPU = {"cpu_usage": {"total_usage": 2, "percpu_usage": [2]}, "system_cpu_usage": 4, "online_cpus": 1}
STATS = {
    "id": ID, "name": "/web", "read": THEN, "preread": THEN, "cpu_stats": CPU, "precpu_stats": CPU,
    "memory_stats": {"usage": 1, "limit": 2}, "pids_stats": {"current": 1}, "networks": {},
}  # fmt: skip
EVENT = {
    "id": ID, "status": "start", "from": "busybox", "Type": "container", "Action": "start", "scope": "local",
    "Actor": {"ID": ID, "Attributes": {"name": "web"}}, "time": 0, "timeNano": 0,
}  # fmt: skip
STAT = {"name": "x", "size": 2, "mode": 420, "mtime": THEN, "linkTarget": ""}
PATH_STAT = (("X-Docker-Container-Path-Stat", base64.b64encode(json.dumps(STAT).encode()).decode()),)
ARCHIVE = Answer(200, image_tar(), "application/x-tar", PATH_STAT)
HIJACK = Answer(101, b"", STREAM)
DONE = Answer(204)
OKAY = Answer(200)
ONE = "[^/]+"  # a container, a network...
ANY = ".+"  # an image or a plugin: the name has slashes

TABLE: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/info", INFO),
    ("GET", "/version", VERSION),
    ("GET", "/system/df", USED),
    ("GET", "/events", _lines(EVENT)),
    ("POST", "/auth", {"Status": "Login Succeeded", "IdentityToken": ""}),
    ("GET", "/containers/json", [LISTED]),
    ("POST", "/containers/create", as_json({"Id": ID, "Warnings": []}, 201)),
    ("POST", "/containers/prune", {"ContainersDeleted": [ID], "SpaceReclaimed": 1}),
    ("GET", f"/containers/{ONE}/json", CONTAINER),
    ("GET", f"/containers/{ONE}/logs", Answer(200, _output(b"said\n"), STREAM)),
    ("GET", f"/containers/{ONE}/top", {"Titles": ["PID", "CMD"], "Processes": [["1", "sh"]]}),
    ("GET", f"/containers/{ONE}/stats", _lines(STATS)),
    ("GET", f"/containers/{ONE}/changes", [{"Path": "/x", "Kind": 1}]),
    ("GET", f"/containers/{ONE}/export", Answer(200, image_tar(), "application/octet-stream")),
    ("GET", f"/containers/{ONE}/archive", ARCHIVE),
    ("HEAD", f"/containers/{ONE}/archive", Answer(200, b"", "text/plain", PATH_STAT)),
    ("PUT", f"/containers/{ONE}/archive", OKAY),
    ("POST", f"/containers/{ONE}/attach", HIJACK),
    ("POST", f"/containers/{ONE}/wait", {"StatusCode": 0}),
    ("POST", f"/containers/{ONE}/update", {"Warnings": []}),
    ("POST", f"/containers/{ONE}/exec", as_json({"Id": "x" * 64}, 201)),
    ("POST", f"/containers/{ONE}/(start|stop|restart|kill|pause|unpause|rename|resize)", DONE),
    ("DELETE", f"/containers/{ONE}", DONE),
    ("GET", f"/containers/{ONE}/checkpoints", [{"Name": "c"}]),
    ("POST", f"/containers/{ONE}/checkpoints", Answer(201)),
    ("DELETE", f"/containers/{ONE}/checkpoints/{ONE}", DONE),
    ("POST", f"/exec/{ONE}/start", HIJACK),
    ("GET", f"/exec/{ONE}/json", {"ID": "x" * 64, "Running": False, "ExitCode": 0, "Pid": 1}),
    ("POST", "/commit", as_json({"Id": DIGEST}, 201)),
    ("POST", "/build", _lines({"stream": "Successfully built dddddddddddd\n"}, {"aux": {"ID": DIGEST}})),
    ("POST", "/build/prune", {"CachesDeleted": ["k"], "SpaceReclaimed": 1}),
    ("GET", "/images/json", [{**IMAGE, "Created": 0, "ParentId": "", "Containers": 1, "SharedSize": -1, "Labels": {}}]),
    ("POST", "/images/create", _lines({"status": "Pulling"}, {"status": "Status: Downloaded"})),
    ("POST", "/images/load", _lines({"stream": "Loaded image: x\n"})),
    ("POST", "/images/prune", {"ImagesDeleted": [{"Deleted": DIGEST}], "SpaceReclaimed": 1}),
    ("GET", "/images/get", Answer(200, image_tar(), "application/x-tar")),
    ("GET", "/images/search", [{"name": "busybox", "description": "b", "star_count": 4, "is_official": True}]),
    ("GET", f"/images/{ANY}/json", IMAGE),
    ("GET", f"/images/{ANY}/history", [{"Id": DIGEST, "Created": 0, "CreatedBy": "sh", "Size": 1, "Tags": None}]),
    ("GET", f"/images/{ANY}/get", Answer(200, image_tar(), "application/x-tar")),
    ("POST", f"/images/{ANY}/push", _lines({"status": "Pushed"})),
    ("POST", f"/images/{ANY}/tag", Answer(201)),
    ("DELETE", f"/images/{ANY}", [{"Untagged": "busybox:latest"}, {"Deleted": DIGEST}]),
    ("GET", f"/distribution/{ANY}/json", {"Descriptor": {"mediaType": "m", "digest": DIGEST, "size": 1}}),
    ("GET", "/networks", [NETWORK]),
    ("POST", "/networks/create", as_json({"Id": "e" * 64, "Warning": ""}, 201)),
    ("POST", "/networks/prune", {"NetworksDeleted": ["lab"]}),
    ("GET", f"/networks/{ONE}", NETWORK),
    ("POST", f"/networks/{ONE}/(connect|disconnect)", OKAY),
    ("DELETE", f"/networks/{ONE}", DONE),
    ("GET", "/volumes", {"Volumes": [VOLUME], "Warnings": []}),
    ("POST", "/volumes/create", as_json(VOLUME, 201)),
    ("POST", "/volumes/prune", {"VolumesDeleted": ["data"], "SpaceReclaimed": 1}),
    ("GET", f"/volumes/{ONE}", VOLUME),
    ("PUT", f"/volumes/{ONE}", OKAY),
    ("DELETE", f"/volumes/{ONE}", DONE),
    ("GET", "/swarm", SWARM),
    ("GET", "/swarm/unlockkey", {"UnlockKey": "SWMKEY-1-k"}),
    ("POST", "/swarm/init", "n" * 25),
    ("POST", "/swarm/(join|leave|update|unlock)", OKAY),
    ("GET", "/nodes", [NODE]),
    ("GET", f"/nodes/{ONE}", NODE),
    ("POST", f"/nodes/{ONE}/update", OKAY),
    ("DELETE", f"/nodes/{ONE}", OKAY),
    ("GET", "/services", [SERVICE]),
    ("POST", "/services/create", as_json({"ID": "s" * 25}, 201)),
    ("GET", f"/services/{ONE}", SERVICE),
    ("GET", f"/services/{ONE}/logs", Answer(200, _output(b"said\n"), STREAM)),
    ("POST", f"/services/{ONE}/update", {"Warnings": []}),
    ("DELETE", f"/services/{ONE}", OKAY),
    ("GET", "/tasks", []),
    ("GET", f"/tasks/{ONE}", {"ID": "k", **VERSIONED, "Spec": {"ContainerSpec": {}}, "Status": {"State": "running"}}),
    ("GET", "/(secrets|configs)", [SECRET]),
    ("POST", "/(secrets|configs)/create", as_json({"ID": "t" * 25}, 201)),
    ("GET", f"/(secrets|configs)/{ONE}", SECRET),
    ("DELETE", f"/(secrets|configs)/{ONE}", DONE),
    ("GET", "/plugins", [PLUGIN]),
    ("GET", "/plugins/privileges", []),
    ("POST", "/plugins/(pull|create)", _lines({"status": "Pulling"})),
    ("GET", f"/plugins/{ANY}/json", PLUGIN),
    ("POST", f"/plugins/{ANY}/(upgrade|push)", _lines({"status": "Done"})),
    ("POST", f"/plugins/{ANY}/(enable|disable|set)", OKAY),
    ("DELETE", f"/plugins/{ANY}", OKAY),
)
