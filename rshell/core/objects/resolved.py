"""The verdict on the objects that a docker command touches, once they were looked up. Pure.

What was judged is what docker gets: names become full ids, which are never given twice.
"""

from __future__ import annotations

from rshell import say
from rshell.core.containers import any_matches
from rshell.core.model import Argument, Exec, Need, Refusal
from rshell.core.objects import rights, touched
from rshell.core.objects.rights import MANAGE, MANY, NONE, OBSERVE, PROJECT_LABEL, Thing
from rshell.core.parts import images, mounts, sources
from rshell.core.parts.mounts import Mount, Wrong
from rshell.core.settle import rewritten, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rshell.core.containers import Containers
    from rshell.core.model import Context, Policy, Word
    from rshell.core.objects.rights import Held, Objects
    from rshell.core.settle import Settler

ID = "0" * 64  # of nothing; docker names what has no name of its own by 64 such digits
NO_IMAGE = "@sha256:" + ID
# What these do, they do to a name of an image. SECURITY: that name may come to mean another image before docker looks
# it up; but only the name is taken then, and it is no protected one.
BY_NAME = ("docker rmi", "docker save")


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


def operands(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    """Judge the objects that operands name, and write their ids in the place of what was typed."""
    if command.invocation is None:
        return unknown(command, need)
    verdict = _Verdict(policy, context, command, need)
    known = dict(zip(need.subjects, found, strict=True))
    written, kinds = [], set()
    try:
        for index, word in enumerate(command.invocation.operands):
            access, kind = touched.role(command.command, command.invocation, index)
            if word.text not in known or touched.check(verdict.objects, command.command, access, kind) != need.check:
                written.append(word)
                continue
            thing = known[word.text]
            kinds |= {thing.kind} if isinstance(thing, Thing) else set()
            written.append(word.but(text=verdict.operand(word, access, kind, thing)))
        if need.check == "object-id":
            verdict.typed(kinds)
    except _Refused as refused:
        return refused.refusal
    arguments = command.invocation.arguments
    if need.check == "object-id":  # nothing found: let docker say so
        arguments = (*arguments, Argument("type", kinds.pop() if kinds else "container", command.span))
    return rewritten(policy, command, command.invocation.but(arguments=arguments, operands=tuple(written)))


def project(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    """Judge all that belongs to a compose project: compose finds it by its label, and so did we."""
    verdict = _Verdict(policy, context, command, need)
    name = need.subjects[0]
    protected = verdict.objects.protected
    if any_matches(protected.projects, name):
        return say.refuse("protected", at=command.span, command=command.name, value=name)
    verdict.objects, _ = touched.of_project(policy, name)
    access = OBSERVE if command.command in touched.LOOKS else MANAGE
    try:
        for thing in found[0]:
            verdict.thing(thing.names[0], access, thing)
    except _Refused as refused:
        return refused.refusal
    return command


def own(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    """Write the ids of one's own containers for a command that would speak of all without."""
    if command.invocation is None:
        return unknown(command, need)
    verdict = _Verdict(policy, context, command, need)
    ids = [thing.id for thing in found[0] if not rights.judge(verdict.objects, context.uid, OBSERVE, thing)]
    if not ids:
        return say.refuse("none-own", at=command.span, command=command.name)
    words = tuple(touched.operand(one, command.span) for one in ids)
    return rewritten(policy, command, command.invocation.but(operands=words))


def kept(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    """Keep what is protected out of a new container, and from losing its name to what is pulled.

    What is not there can't be protected by a label.
    """
    for name, thing in zip(need.subjects, found, strict=True):
        if thing == NONE:
            continue
        if not isinstance(thing, Thing):
            return unknown(command, need)
        code = "protected" if policy.sections["objects"].protected.has(thing) else _unfit(need, context, name, thing)
        if code:
            return say.refuse(code, at=command.span, command=command.name, value=name)
    return command


def _unfit(need: Need, context: Context, name: str, thing: Thing) -> str:
    """Return the code of why a network can't be joined by this name, or an image not be pulled; '' if it can."""
    if need.check == "network-kept":
        return "" if name in thing.names else "no-object"  # it was an id
    # SECURITY: an operator's own image would become whatever somebody has put into a registry under its name
    made_here = need.check == "image-pulled" and not thing.is_own(context.uid) and not _is_from_registry(name, thing)
    return "image-made-here" if made_here else ""


def _is_from_registry(name: str, thing: Thing) -> bool:
    """Tell whether an image was pulled by the name that it has, or is named by a digest, which nothing can take."""
    wanted = images.parse(name)
    return wanted is not None and bool(wanted.digest or images.digest_of(name, thing.names))


class _Verdict:
    """What the policy says of the objects of one command."""

    def __init__(self, policy: Policy, context: Context, command: Exec, need: Need) -> None:
        self.objects: Objects = policy.sections["objects"]
        self.containers: Containers = policy.sections["containers"]
        self.policy, self.context, self.command, self.need = policy, context, command, need

    def refuse(self, code: str, **fields: Any) -> _Refused:
        return _Refused(say.refuse(code, at=self.command.span, command=self.command.name, **fields))

    def operand(self, word: Word, access: str, kind: str, found: object) -> str:
        """Return what to write for an operand. Raises _Refused."""
        if found == MANY:
            raise self.refuse("ambiguous", value=word.text)
        if found == NONE:
            return self.absent(kind, word.text)
        if not isinstance(found, Thing) or kind not in (found.kind, "object"):
            raise _Refused(unknown(self.command, self.need))
        self.thing(word.text, access, found)
        return found.tag if found.tag and self.command.command in BY_NAME else found.id

    def absent(self, kind: str, text: str) -> str:
        """Write a name that nothing can ever have, for one that nothing has.

        SECURITY: so docker says itself that there is none, and what comes to have the name in between is not hit.
        """
        if kind in ("container", "object", "volume"):
            return text.removeprefix("/") + ":"
        if kind == "image" and images.parse(text) is not None:
            return text.partition("@")[0] + NO_IMAGE
        raise self.refuse("no-object", value=text)

    def thing(self, name: str, access: str, thing: Thing) -> None:
        """Judge one object. Raises _Refused."""
        code = rights.judge(self.objects, self.context.uid, access, thing)
        if code:
            raise self.refuse(code, value=name)
        invocation = self.command.invocation
        if thing.kind == "container" and self.need.check.endswith("-mounts"):
            self.start(name, thing)
        if access == MANAGE and invocation is not None and touched.has(invocation, "volumes"):
            self.volumes(name, thing)

    def volumes(self, name: str, thing: Thing) -> None:
        """Keep protected volumes from being removed with a container."""
        for held in thing.mounts:
            if held.kind == "volume" and self.objects.protected.names("volume", held.source):
                raise self.refuse("volume-kept", value=name, volume=held.source)

    def start(self, name: str, thing: Thing) -> None:
        """Hold the mounts of a container that is to be started against what a new one may have."""
        # SECURITY: what is listed may be started as it is; the image and command of what is made anew are another's
        free = self.command.command not in touched.RENEWS and self.objects.listed.has(thing)
        for held in () if free else thing.mounts:
            try:
                _mount(self.containers, thing, held)
            except Wrong as wrong:
                shown = held.source or held.kind
                code = "mount-kept" if self.command.command in touched.RENEWS else "mount"
                raise self.refuse(code, value=name, mount=shown, expected=wrong.expected) from None
            if held.kind in _BEHIND:
                self.behind(held)

    def behind(self, held: Held) -> None:
        """Hold what a mount really is against what that of a new container may be. Raises _Refused."""
        question, verdict = _BEHIND[held.kind]
        need = Need(question, (held.source,))
        if held.behind is None:
            raise _Refused(unknown(self.command, need))
        judged = verdict(self.policy, self.context, self.command, need, (held.behind,))
        if isinstance(judged, Refusal):
            raise _Refused(judged)

    def typed(self, kinds: set[str]) -> None:
        """Refuse objects of different kinds: docker takes one type for all."""
        if len(kinds) > 1:
            raise self.refuse("mixed-types")


def _mount(allowed: Containers, thing: Thing, held: Held) -> None:
    """Judge a mount as if it were asked for now. Raises Wrong."""
    if held.kind == "tmpfs":  # memory of the container's own
        return
    if held.project and held.project == thing.label(PROJECT_LABEL) and any_matches(allowed.projects, held.project):
        return  # a volume of the project's own, as a file for it that is sent may have
    if held.kind not in mounts.KINDS:
        raise Wrong(held.kind, "volumes and directories of the host")
    if held.kind == "volume" and len(held.source) == len(ID) and images.HEX.issuperset(held.source):
        return  # without a name: any image may ask for one, also where nobody may name a volume
    mounts.judge(allowed, Mount(held.kind, held.source, held.target, held.read_only))


_BEHIND: dict[str, tuple[str, Settler]] = {"volume": ("volume", sources.volumes), "bind": ("path", sources.paths)}
