"""How the account may become somebody else by sudo: what sudo itself says of it."""

from __future__ import annotations

from rshell.core.value import Value
from rshell.ctl.doctor.finding import found
from rshell.ctl.pieces import DEFAULTS
from rshell.host import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.ctl.doctor.finding import Finding
    from rshell.ctl.doctor.host import Host
    from rshell.ctl.doctor.scene import Scene

GATE = f'{layout.GATE} ""'
NOT_ALLOWED = "is not allowed to run sudo"
NO_PASSWORD = "!authenticate"  # noqa: S105 - an option of sudo
SETTINGS = tuple(word.strip() for _, words in DEFAULTS for word in words.split(","))


class Right(Value):
    """One entry of sudoers: as whom, by which options, what."""

    users: tuple[str, ...]
    groups: tuple[str, ...]
    options: tuple[str, ...]
    commands: tuple[str, ...]


def rights(text: str) -> list[Right]:
    """Read what `sudo -ll -U USER` prints."""
    found: list[Right] = []
    for part in text.split("\nSudoers entry:")[1:]:
        fields: dict[str, list[str]] = {}
        key = ""
        for line in part.splitlines()[1:]:
            name, colon, rest = line.strip().partition(":")
            if line.startswith("    ") and colon and name.isalpha() and name[0].isupper():
                key, line = name, rest
            fields.setdefault(key, []).append(line.strip())
        users, groups, options = (
            tuple(word.strip() for word in " ".join(fields.get(name, [])).split(",") if word.strip())
            for name in ("RunAsUsers", "RunAsGroups", "Options")
        )
        found.append(Right(users or ("root",), groups, options, tuple(each for each in fields["Commands"] if each)))
    return found


def settings(text: str, command: str) -> set[str]:
    """Return what the `Defaults!COMMAND` lines of `sudo -l -U USER` set, as far as sudo shows them."""
    lines = text.partition("Runas and Command-specific defaults")[2].partition("\n\n")[0]
    found: set[str] = set()
    for part in lines.split("Defaults")[1:]:
        target, _, rest = part.partition(" ")
        if {command, "ALL"} & set(target.removeprefix("!").split(",")):
            for word in " ".join(rest.split()).split(", "):
                name = word.strip()
                found -= {name.removeprefix("!"), "!" + name.removeprefix("!")}
                found.add(name)
    return found


def sudo(scene: Scene) -> Iterator[Finding]:
    """It may run the gate, with no words, as the policy's identities, and nothing else."""
    if scene.account is None or not scene.host.find("sudo"):
        return
    plain, long = (scene.host.ask("sudo", how, "-U", scene.name) for how in ("-l", "-ll"))
    if not (plain.good and long.good):
        yield found(
            "sudo.unreadable", f"sudo does not say what {scene.name} may", [plain.err.strip() or long.err.strip()],
            "visudo -c", user=scene.name,
        )  # fmt: skip
        return
    given = rights(long.out)
    yield from _excess(scene, given)
    if scene.identities() and scene.launcher.gate:
        yield from _gate(scene, given, settings(plain.out, scene.launcher.gate))
    for name in sorted(scene.identities()):
        answer = scene.host.ask("sudo", "-l", "-U", name)
        if scene.host.account(name) and answer.good and NOT_ALLOWED not in answer.out:
            yield found(
                "identity.sudo", f"{name}, as whom commands run, may use sudo itself", _tail(answer.out),
                f"sudo -l -U {name}   # then take it out of sudoers: visudo", user=scene.name,
            )  # fmt: skip


def _tail(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.startswith("    (")]


def _allowed(scene: Scene, right: Right) -> set[str]:
    """Return whom it may run the gate as. Without rules the gate refuses all, as whomever."""
    if scene.direct:
        return set()
    return {*scene.identities(), "root"} if scene.rules else set(right.users)


def _excess(scene: Scene, given: list[Right]) -> Iterator[Finding]:
    """Whatever sudo runs that is not the gate, or runs as others, or with an environment of the caller."""
    excess = []
    for right in given:
        shown = f"({', '.join(right.users)}{' : ' + ', '.join(right.groups) if right.groups else ''})"
        options = [option for option in right.options if option not in (NO_PASSWORD, "!setenv")]
        as_whom = set(right.users) <= _allowed(scene, right) and not right.groups
        if set(right.commands) == {GATE} and as_whom and not options:
            continue
        excess += [f"{shown} {' '.join(options)} {command}".replace("  ", " ") for command in right.commands]
    if excess:
        yield found(
            "sudo.rights", f"sudo gives {scene.name} more than the gate", excess, _where(scene.host, scene.name),
            "visudo   # take these out", user=scene.name,
        )  # fmt: skip


def _where(host: Host, name: str) -> str:
    """Return how to find the file: sudo -l does not say."""
    files = ["/etc/sudoers", *(f"/etc/sudoers.d/{each}" for each in host.names("/etc/sudoers.d"))]
    naming = [file for file in files if name in host.text(file).split()]
    return f"grep -n {name} {' '.join(naming or ['/etc/sudoers', '/etc/sudoers.d/*'])}"


def _gate(scene: Scene, given: list[Right], set_: set[str]) -> Iterator[Finding]:
    """The gate can be run as each identity, unasked, and by the settings that it needs."""
    fix = f"rshellctl install --user {scene.name}"
    ours = [right for right in given if GATE in right.commands and NO_PASSWORD in right.options]
    users = {user for right in ours for user in right.users}
    if missing := sorted({*scene.identities(), "root"} - users):
        yield found(
            "sudo.gate", f"sudo does not run the gate for {scene.name} as {' '.join(missing)}: nothing of it works", [],
            fix, user=scene.name,
        )  # fmt: skip
        return
    if lacking := [each for each in SETTINGS if each not in set_]:
        yield found(
            "sudo.settings", f"sudo runs the gate without the settings {' '.join(lacking)}",
            [f"Defaults!{layout.GATE} {', '.join(sorted(set_))}"],
            fix, f"# or in {layout.SUDOERS}: Defaults!{layout.GATE} {', '.join(SETTINGS)}", user=scene.name,
        )  # fmt: skip


ACCOUNT = (sudo,)
