"""What a NixOS is told: a package and a module, real Nix files, with what Python knows written into them."""

from __future__ import annotations

import re
from pathlib import Path

from rshell import __version__, data
from rshell.ctl import pieces
from rshell.ctl.setup import networks, plan
from rshell.host import layout
from rshell.policy.check import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HERE = Path(__file__).parent
PACKAGE, MODULE = "package.nix", "module.nix"
# Where a file imports one of these, what this program knows takes its place.
VERSION, KNOWLEDGE = "import ./version.nix", "import ./rshell.nix"
PATHS = re.compile(r"\blayout\.([A-Z_]+)")
# In the texts stand these where the module has a name of its own.
USER, IDENTITIES = "_user_", "_identities_"
HOLES = {USER: "user", IDENTITIES: "identities", layout.GATE: "gate", layout.LAUNCHER: "launcher"}


def text(name: str) -> str:
    """Return the package or the module, complete."""
    return (HERE / name).read_text().replace(VERSION, quoted(__version__)).replace(KNOWLEDGE, knowledge())


def knowledge() -> str:
    """Return what the module has in common with every other host, as one Nix expression: paths, texts, names."""
    paths = sorted(set(PATHS.findall((HERE / MODULE).read_text())))
    shipped = read(Path(data.path(data.POLICY)).read_bytes(), data.POLICY)
    return _block("", {
        "layout": _block("  ", {name: quoted(getattr(layout, name)) for name in paths}),
        "identities": _block("  ", {name: quoted(account) for name, account in shipped.identities.items()}),
        "groups": _block("  ", {name: _list(map(quoted, groups)) for name, groups in plan.GROUPS.items()}),
        "networks": _list(map(quoted, networks.wanted(shipped.containers))),
        "networkLabel": quoted(networks.LABEL),
        "sudoers": "{ user, identities, gate }: " + _lines(pieces.sudoers((USER,), (IDENTITIES,))),
        "sshd": "{ user, launcher }: " + _lines(pieces.sshd(USER)),
        "limits": "{ user }: " + _list(_limits()),
        "logrotate": _block("  ", _logrotate(str(shipped.settings["audit_file"]))),
    })  # fmt: skip


def quoted(value: str) -> str:
    """Return a text in Nix, its holes filled in."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'"{_filled(escaped)}"'


def _lines(piece: str) -> str:
    """Return a piece in Nix, without the head, which is about other hosts."""
    escaped = piece.removeprefix(pieces.HEAD).replace("''", "'''").replace("${", "''${")
    return "''\n" + "".join(f"      {line}\n" for line in _filled(escaped).splitlines()) + "    ''"


def _filled(escaped: str) -> str:
    for stand_in, name in HOLES.items():
        escaped = escaped.replace(stand_in, f"${{{name}}}")
    return escaped


def _block(indent: str, values: Mapping[str, str]) -> str:
    return "{\n" + "".join(f"{indent}    {name} = {value};\n" for name, value in values.items()) + f"{indent}  }}"


def _list(values: Iterable[str]) -> str:
    return f"[ {' '.join(values)} ]"


def _limits() -> list[str]:
    """Read pam_limits' lines into what security.pam.loginLimits takes."""
    keys = ("domain", "type", "item", "value")
    lines = pieces.limits((USER,)).removeprefix(pieces.HEAD).splitlines()
    pairs = [zip(keys, line.split(), strict=True) for line in lines]
    return ["{ " + " ".join(f"{key} = {quoted(word)};" for key, word in line) + " }" for line in pairs]


def _logrotate(file: str) -> dict[str, str]:
    """Read logrotate's lines into what services.logrotate.settings takes: a word alone is a switch."""
    first, *lines = pieces.logrotate(file).removeprefix(pieces.HEAD).splitlines()
    settings = (line.split(maxsplit=1) for line in lines if line != "}")
    return {
        "files": quoted(first.removesuffix(" {")),
        **{name: quoted(value[0]) if value else "true" for name, *value in settings},
    }
