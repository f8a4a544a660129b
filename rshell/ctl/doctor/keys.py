"""The keys that let the account in: where they stand, who can write there, what else they open."""

from __future__ import annotations

from itertools import pairwise

from rshell.ctl.doctor.finding import found
from rshell.ctl.doctor.paths import changeable
from rshell.ctl.doctor.sshd import Said, ask, servers
from rshell.host import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.ctl.doctor.finding import Finding
    from rshell.ctl.doctor.host import Account
    from rshell.ctl.doctor.scene import Scene

NONE = ("", "none")
ELSEWHERE = ("authorizedkeyscommand", "trustedusercakeys", "authorizedprincipalscommand")
WIDENING = (
    "environment=", "tunnel=", "permitopen=", "permitlisten=", "port-forwarding", "agent-forwarding",
    "x11-forwarding", "user-rc", "command=", "cert-authority",
)  # fmt: skip
KINDS = ("ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-")


def keys(scene: Scene) -> Iterator[Finding]:
    """The files and programs that a server takes the keys of an account from."""
    if scene.account is None or not scene.host.find("sshd"):
        return
    said = [one for server in servers(scene.host) for one in ask(scene, server)[0]]
    if not said:
        return
    files = sorted({path for one in said for path in files_of(scene.account, one)})
    yield from _writable(scene, files)
    yield from _elsewhere(scene, said)
    yield from _options(scene, files)
    yield from _shared(scene, files)


def files_of(account: Account, said: Said) -> list[str]:
    """Return where sshd looks for keys: its tokens filled in, what is relative below the home."""
    found_ = []
    for pattern in said.settings.get("authorizedkeysfile", ()):
        if pattern in NONE:
            continue
        for token, value in (("%h", account.home), ("%u", account.name), ("%U", str(account.uid)), ("%%", "%")):
            pattern = pattern.replace(token, value)
        found_.append(pattern if pattern.startswith("/") else f"{account.home}/{pattern}")
    return found_


def _writable(scene: Scene, files: list[str]) -> Iterator[Finding]:
    evidence = [each for file in files for each in changeable(scene.host, file)]
    inside = [file for file in files if scene.account and file.startswith(f"{scene.account.home}/")]
    if evidence:
        yield found(
            "sshd.keys", f"others than root can write the keys of {scene.name}", list(dict.fromkeys(evidence)),
            *(f"chown root:root {file} && chmod 0644 {file}" for file in files if scene.host.entry(file)),
            *(f"# and have sshd read them elsewhere: AuthorizedKeysFile {layout.KEYS}/%u" for _ in inside[:1]),
            user=scene.name,
        )  # fmt: skip


def _elsewhere(scene: Scene, said: list[Said]) -> Iterator[Finding]:
    given = sorted({f"{each} {one.one(each)}" for one in said for each in ELSEWHERE if one.one(each) not in NONE})
    programs = [word.split()[1] for word in given if word.split()[0] != "trustedusercakeys"]
    bad = [each for path in [*programs, *(word.split()[1] for word in given)] for each in changeable(scene.host, path)]
    if bad:
        yield found(
            "sshd.keys", f"others than root can change who says what the keys of {scene.name} are",
            list(dict.fromkeys(bad)), *(f"chown root:root {path}" for path in programs), user=scene.name,
        )  # fmt: skip
    if given:
        yield found(
            "sshd.keys-elsewhere", f"keys of {scene.name} come from a program or an authority: to shut it out is to be"
            " done there too", given, f"# or below Match User {scene.name}: {given[0].split()[0]} none",
            user=scene.name,
        )  # fmt: skip


def _options(scene: Scene, files: list[str]) -> Iterator[Finding]:
    wide = []
    for file in files:
        for number, line in enumerate(scene.host.text(file).splitlines(), 1):
            options = line.partition(" ")[0].lower()
            if not line.startswith("#") and any(
                word.startswith(WIDENING) for word in options.split(",")
            ):  # fmt: skip
                wide.append(f"{file}:{number}: {options}")
    if wide:
        yield found(
            "sshd.key-options", f"keys of {scene.name} have options that widen, were sshd's own settings lost", wide,
            "# write `restrict,pty` in front of the key instead", user=scene.name,
        )  # fmt: skip


def _shared(scene: Scene, files: list[str]) -> Iterator[Finding]:
    """A key of the account that lets in as somebody else, root for one."""
    ours = {blob for file in files for blob in _blobs(scene.host.text(file))}
    if not ours:
        return
    shared: list[str] = []
    for other in scene.host.accounts():
        if other.name == scene.name:
            continue
        for file in (f"{other.home}/.ssh/authorized_keys", f"{other.home}/.ssh/authorized_keys2",
                     *(f"{file.rpartition('/')[0]}/{other.name}" for file in files)):  # fmt: skip
            if file not in files and ours & _blobs(scene.host.text(file)):
                shared.append(f"{file}: lets in as {other.name}")
    if shared:
        yield found(
            "sshd.shared-key", f"a key of {scene.name} lets in as somebody else too", list(dict.fromkeys(shared)),
            *(f"$EDITOR {each.partition(':')[0]}   # take that key out" for each in dict.fromkeys(shared)),
            user=scene.name,
        )  # fmt: skip


def _blobs(text: str) -> set[str]:
    """Return the keys in a file of keys, without options and comments."""
    found_ = set()
    for line in text.splitlines():
        words = line.split()
        for word, following in pairwise(words):
            if word.startswith(KINDS) and following.startswith("AAAA"):
                found_.add(following)
    return found_


ACCOUNT = (keys,)
