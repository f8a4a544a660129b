"""A tiny registry on loopback, which the Engine takes for a mirror of docker.io: so a pull is a real one."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .engine import Engine, busybox_root
from .ground import wait_until

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class Registry(ThreadingHTTPServer):
    """Serves images by name; `asked` are the names that were asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.asked: set[str] = set()

    def add(self, name: str, scripts: Mapping[str, str], **config: object) -> None:
        """Offer an image of busybox with some scripts more."""
        layer = _layer(scripts)
        data = gzip.compress(layer, mtime=0)
        about = {
            "architecture": "amd64", "os": "linux", "config": config,
            "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        }  # fmt: skip
        parts = [(CONFIG, json.dumps(about).encode()), (LAYER, data)]
        self.blobs |= {digest(content): content for _, content in parts}
        described = [{"mediaType": kind, "size": len(part), "digest": digest(part)} for kind, part in parts]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described[0], "layers": described[1:]}
        self.manifests[name] = json.dumps(manifest).encode()


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        """Answer /v2/, /v2/NAME/manifests/TAG, /v2/NAME/blobs/DIGEST."""
        path = self.path.partition("?")[0].removeprefix("/v2/")
        name, kind, reference = path.rsplit("/", 2) if path.count("/") > 1 else ("", "", "")
        manifest = self.server.manifests.get(name)
        if kind == "manifests" and manifest and reference in ("latest", digest(manifest)):
            self.server.asked.add(name)
            self._send(manifest, MANIFEST)
        elif kind == "blobs" and reference in self.server.blobs:
            self._send(self.server.blobs[reference], "application/octet-stream")
        elif not path:
            self._send(b"{}", "application/json")
        else:
            self.send_error(404)

    do_HEAD = do_GET

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        for field, value in (
            ("Content-Type", kind), ("Content-Length", str(len(body))), ("Docker-Content-Digest", digest(body)),
            ("Docker-Distribution-Api-Version", "registry/2.0"),
        ):  # fmt: skip
            self.send_header(field, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def digest(data: bytes) -> str:
    """The digest of some content, as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _layer(scripts: Mapping[str, str]) -> bytes:
    output = io.BytesIO(busybox_root())
    with tarfile.open(fileobj=output, mode="a") as archive:
        for path, text in scripts.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text), 0o755
            archive.addfile(entry, io.BytesIO(text.encode()))
    return output.getvalue()


@contextmanager
def mirror(engine: Engine) -> Iterator[Registry]:
    """For a while, this is where the Engine pulls the images of docker.io from."""
    settings = engine.private.parent / "daemon.json"
    before = settings.read_text()
    with Registry() as registry:
        threading.Thread(target=registry.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{registry.server_address[1]}/"
        settings.write_text(json.dumps({**json.loads(before), "registry-mirrors": [address]}))
        os.kill(engine.server.pid, 1)
        told = ("info", "--format={{.RegistryConfig.Mirrors}}")
        wait_until(lambda: address in engine.docker(*told).stdout, 30, "the mirror")
        try:
            yield registry
        finally:
            settings.write_text(before)
            os.kill(engine.server.pid, 1)
            registry.shutdown()
