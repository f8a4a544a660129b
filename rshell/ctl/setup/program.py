"""The program itself: its byte code, and the policy in force."""

from __future__ import annotations

import compileall
import os
import stat
from base64 import b64decode
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import rshell
from rshell.ctl import inforce
from rshell.ctl.setup.steps import Step, is_plain, owned, remembered
from rshell.host import layout
from rshell.lean import sha256
from rshell.policy.open import COMPILED, open_policy

PACKAGE = Path(rshell.__file__).parent
STAMP = slice(8, 16)  # of a .pyc: the source's time and size, four bytes each


class ByteCode(Step):
    """Compiled modules, beside their sources: without them every start compiles anew."""

    kind = "bytecode"

    def __init__(self) -> None:
        super().__init__(str(PACKAGE), f"{PACKAGE}: byte-compiled")

    def is_done(self) -> bool:
        return all(is_compiled(source) for source in PACKAGE.rglob("*.py"))

    def found(self) -> Any:
        return True  # it is part of the installation, which install has not made

    def do(self) -> str:
        return "" if compileall.compile_dir(PACKAGE, quiet=2) else f"{PACKAGE}: not all of it could be byte-compiled"

    @staticmethod
    def put_back(name: str, was: Any) -> str:
        return ""


class PolicyInForce(Step):
    """A policy that decides: the one given, else the one that is there, else the one that ships."""

    kind = "policy"

    def __init__(self, source: bytes, origin: str) -> None:
        super().__init__(sha256(source).hexdigest(), f"{layout.POLICY}: {origin}, checked and compiled")
        self.source = source

    def is_done(self) -> bool:
        files = (Path(layout.POLICY), Path(layout.POLICY + COMPILED))
        readable = all(is_plain(each, stat.S_ISREG) and owned(each, "root", "root", 0o644) for each in files)
        if not readable or files[0].read_bytes() != self.source:
            return False
        opened = open_policy(layout.POLICY)
        if opened.descriptor < 0:
            return False  # it was compiled on the spot: the compiled form is not this program's
        os.close(opened.descriptor)
        return True

    def found(self) -> Any:
        return remembered(Path(layout.POLICY))

    def do(self) -> str:
        inforce.put(self.source)
        return ""

    @staticmethod
    def put_back(name: str, was: Any) -> str:
        """Put back what was in force before this policy, if this policy is in force: an operator's own stays."""
        path = Path(layout.POLICY)
        for each in (path, Path(layout.POLICY + COMPILED)):
            each.with_name(f".{each.name}.new").unlink(missing_ok=True)
        if not path.exists():
            return ""
        if sha256(path.read_bytes()).hexdigest() != name:
            return f"{path} is kept: it was applied after install"
        if was is None:
            Path(layout.POLICY + COMPILED).unlink(missing_ok=True)
            path.unlink()
        elif "content" in was:
            inforce.put(b64decode(was["content"]))
        return ""


def is_compiled(source: Path) -> bool:
    """Tell whether the byte code of a module is there, and is this source's."""
    status = source.stat()
    stamp = b"".join((int(part) & 0xFFFFFFFF).to_bytes(4, "little") for part in (status.st_mtime, status.st_size))
    try:
        with open(cache_from_source(str(source)), "rb") as file:
            return file.read(16)[STAMP] == stamp
    except OSError:
        return False
