"""What a docker command touches: the objects to look up before it starts, and the filters that keep it inside.

Closed: a command that stands in none of these tables is refused where the policy keeps anything apart.
"""

from __future__ import annotations

from rshell import say
from rshell.core import containers
from rshell.core.containers import OWNER_LABEL
from rshell.core.model import Argument, Need, Word
from rshell.core.objects.rights import BUILDER_LABEL, KINDS, MANAGE, OBSERVE, PROJECT_LABEL, Objects
from rshell.core.rules import RUN, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, NoReturn

    from rshell.core.model import Exec, Grammar, Invocation, Policy, Rule, Span
    from rshell.core.rules import Case

NEW = "new"  # a name to be given: none that is protected
NOTHING = ("", "")
INSPECT, COMPOSE = "docker inspect", "docker compose "
PROJECT = "--project-name="
PULL = "docker pull"
BUILT_IN = ("bridge", "none")  # networks that docker has itself
NOWHERE = (0, 0)

# command -> what is done to each operand; the last one counts for all that follow
OPERANDS: dict[str, tuple[tuple[str, str], ...]] = {
    **{f"docker {verb}": ((MANAGE, "container"),)
       for verb in ("attach", "kill", "pause", "restart", "rm", "start", "stop", "unpause")},
    **{f"docker {verb}": ((OBSERVE, "container"), NOTHING) for verb in ("diff", "export", "logs", "port", "top")},
    **{f"docker {verb}": ((OBSERVE, "container"),) for verb in ("container inspect", "stats", "wait")},
    "docker commit": ((OBSERVE, "container"), (NEW, "image")),
    "docker rename": ((MANAGE, "container"), (NEW, "container")),
    "docker rmi": ((MANAGE, "image"),),
    **{f"docker {verb}": ((OBSERVE, "image"),) for verb in ("history", "image inspect", "save")},
    "docker tag": ((OBSERVE, "image"), (NEW, "image")),
    "docker volume create": ((NEW, "volume"),),
    "docker volume inspect": ((OBSERVE, "volume"),),
    **{f"docker volume {verb}": ((MANAGE, "volume"),) for verb in ("rm", "update")},
    "docker network create": ((NEW, "network"),),
    "docker network inspect": ((OBSERVE, "network"),),
    "docker network rm": ((MANAGE, "network"),),
    **{f"docker network {verb}": ((MANAGE, "network"), (MANAGE, "container")) for verb in ("connect", "disconnect")},
    INSPECT: ((OBSERVE, "object"),),
}  # fmt: skip
# what lists objects of a kind, and takes a filter for their labels
LISTS = {
    "docker ps": "container", "docker images": "image", "docker volume ls": "volume", "docker network ls": "network",
    "docker events": "container",
}  # fmt: skip
# what lists everything, with an option or without any
WHOLE = {"docker system df": "verbose", "docker compose ls": ""}
PRUNES = {**{f"docker {kind} prune": (kind,) for kind in KINDS}, "docker system prune": tuple(KINDS)}
PRUNE_FILTERS = ("label", "until")
HARMLESS = frozenset(
    ["docker --version", "docker version", "docker info", "docker build", "docker pull", "docker run",
     *(COMPOSE + verb for verb in ("build", "config", "pull", "version"))]
)  # fmt: skip
LOOKS = frozenset(COMPOSE + verb for verb in ("events", "images", "logs", "port", "ps", "stats", "top", "volumes"))
NETWORKED = frozenset(COMPOSE + verb for verb in ("create", "down", "run", "scale", "up"))
# SECURITY: what was stopped may have mounts that nobody could ask for here
STARTS = frozenset(["docker start", "docker restart", *(COMPOSE + verb for verb in ("restart", "start"))])
# SECURITY: a container that these make anew takes over mounts of the one before it, whatever the file says
RENEWS = frozenset(COMPOSE + verb for verb in ("create", "run", "scale", "up"))


def narrow(case: Case, shape: Grammar, rule: Rule, invocation: Invocation) -> Invocation:
    """Refuse what the policy's `objects` forbid by name, and put in the filters that they ask for. Raises Refused."""
    kind = LISTS.get(shape.name, "")
    if kind and not _own_only(case.policy.sections["objects"], kind):
        return invocation
    judge = _Narrowing(case, shape, rule, invocation)
    if kind:
        return judge.listing(kind)
    judge.names()
    if shape.name in PRUNES:
        return judge.prune()
    if shape.name in WHOLE:
        judge.whole()
    elif not _tells(shape.name, invocation):
        judge.untold()
    return invocation


def needs(case: Case, command: str, invocation: Invocation) -> tuple[Need, ...]:
    """Return what must be looked up before a docker command starts; see `project` for those of docker compose.

    `docker inspect NAME` tries containers, images, networks, volumes, secrets and plugins in turn
    (docker/cli cli/command/system/inspect.go); without --type, which of the two allowed kinds NAME is
    has to be asked, whatever the policy says.
    """
    if command.startswith(COMPOSE) or command in LISTS:
        return ()
    objects: Objects = case.policy.sections["objects"]
    asked: dict[str, list[str]] = {}
    for index, word in enumerate(invocation.operands):
        access, kind = role(command, invocation, index)
        if (access, kind) == (NEW, "image") and objects.asks(MANAGE, kind):
            asked.setdefault("image-tags", []).append(word.text)
        if access in (MANAGE, OBSERVE) and _asks(objects, command, invocation, access, kind):
            asked.setdefault(check(objects, command, access, kind), []).append(word.text)
    if command == "docker stats" and not invocation.operands and _own_only(objects, "container"):
        return (Need("own-containers", (f"{OWNER_LABEL}={case.context.uid}",)),)
    made = tuple(Need(name, tuple(texts)) for name, texts in asked.items())
    if command in (PULL, RUN):
        made += _new(case.policy, command, invocation)
    return made


def _new(policy: Policy, command: str, invocation: Invocation) -> tuple[Need, ...]:
    """Return what must be looked up for a pull, or for what a new container is made of."""
    given = {one.name: one.value for one in invocation.arguments}
    pulls = command == PULL or given.get("pull") == "always"
    image = images(policy, (invocation.operands[0].text,), pulls)
    if command == PULL:
        return image
    joined = networks(policy, (given.get("network") or "",))
    return (*image, *joined, *volumes(policy, map(_volume, invocation.arguments)))


def images(policy: Policy, references: Iterable[str], pulled: bool) -> tuple[Need, ...]:
    """Return what must be looked up of images that are to be run, or pulled over those that are here."""
    protected = policy.sections["objects"].protected
    named = tuple(dict.fromkeys(references))
    if pulled and named:
        return (Need("image-pulled", named),)
    return (Need("image-kept", named),) if named and (protected.images or protected.labels) else ()


def networks(policy: Policy, names: Iterable[str]) -> tuple[Need, ...]:
    """Return what must be looked up of the networks that a new container joins; '' is none. Their names are judged.

    SECURITY: docker takes the beginning of an id for a name, and `*` lets it pass. What the policy lists word by word
    is the operator's own choice, whatever it is labelled with.
    """
    sure = {"", *BUILT_IN, *policy.sections["containers"].networks}
    named = tuple(dict.fromkeys(name for name in names if name not in sure))
    return (Need("network-kept", named),) if named else ()


def volumes(policy: Policy, names: Iterable[str]) -> tuple[Need, ...]:
    """Return what must be looked up of the volumes that a new container has; '' is none. Their names are judged."""
    protected = policy.sections["objects"].protected
    named = tuple(dict.fromkeys(name for name in names if name))
    return (Need("volume-kept", named),) if named and (protected.labels or protected.projects) else ()


def project(policy: Policy, command: Exec) -> tuple[Need, ...]:
    """Return what must be looked up for a command of docker compose, once its project is written into it."""
    named = [word.removeprefix(PROJECT) for word in command.before if word.startswith(PROJECT)]
    if not named or command.command in HARMLESS:
        return ()
    objects, listed = of_project(policy, named[-1])
    access = OBSERVE if command.command in LOOKS else MANAGE
    what = "id" if listed else check(objects, command.command, access, "container").partition("-")[2]
    asked = what == "mounts" or any(objects.asks(access, kind) for kind in ("container", "network", "volume"))
    return (Need(f"project-{what}", (named[-1],)),) if asked else ()


def of_project(policy: Policy, name: str) -> tuple[Objects, bool]:
    """Return what the policy says of the objects of a project, and whether that is a project of the operator's.

    There he says himself what may be done, and it is done; what is protected stays so.
    """
    objects: Objects = policy.sections["objects"]
    if all(fields[0] != name for fields in policy.sections["containers"].stacks):
        return objects, False
    return Objects("any", "any", protected=objects.protected), True


def role(command: str, invocation: Invocation, index: int) -> tuple[str, str]:
    """Return what a command does to one of its operands: the access, and the kind of object."""
    roles = OPERANDS.get(command, (NOTHING,))
    access, kind = roles[min(index, len(roles) - 1)]
    if kind == "object":
        kind = next((one.value or "" for one in invocation.arguments if one.name == "type"), kind)
    return access, kind


def check(objects: Objects, command: str, access: str, kind: str) -> str:
    """Name the question that tells what must be known of an object."""
    if kind == "container" and command in STARTS | RENEWS:
        return "container-mounts"
    if kind == "container" and objects.scope(access) == "own":
        return "container-owner"
    return f"{kind}-id"


def _asks(objects: Objects, command: str, invocation: Invocation, access: str, kind: str) -> bool:
    if kind not in KINDS:
        return kind == "object"  # which of the two it is must be asked anyway
    takes = command == "docker rm" and has(invocation, "volumes") and bool(objects.protected.volumes)
    return objects.asks(access, kind) or command in STARTS or takes


def _tells(command: str, invocation: Invocation) -> bool:
    """Tell whether it is known what a command touches, with these options."""
    if command == INSPECT:
        return role(command, invocation, 0)[1] in (*KINDS, "object")
    if command.startswith(COMPOSE):
        return not any(argument.name == "rmi" for argument in invocation.arguments)
    return command in OPERANDS or command in HARMLESS


def _volume(argument: Argument) -> str:
    """Return the name of the volume that an option of docker run mounts, '' where it mounts none."""
    if argument.name != "mount":  # docker.py has written all of them so
        return ""
    from rshell.core.parts import mounts

    mount = mounts.from_mount(argument.value or "")
    return mount.source if mount.kind == "volume" else ""


def operand(text: str, span: Span) -> Word:
    """Make an operand of our own."""
    return Word(text, span, True)


def has(invocation: Invocation, name: str) -> bool:
    """Tell whether a flag is given, and not switched off."""
    return any(argument.name == name and argument.value != "false" for argument in invocation.arguments)


def _own_only(objects: Objects, kind: str) -> bool:
    """Tell whether a list of a kind has to be narrowed; where every name of it is listed, it need not."""
    return objects.observe == "own" and "*" not in getattr(objects.listed, KINDS[kind])


class _Narrowing:
    """What the policy says of one command before anything is looked up."""

    def __init__(self, case: Case, shape: Grammar, rule: Rule, invocation: Invocation) -> None:
        self.case, self.shape, self.rule, self.invocation = case, shape, rule, invocation
        self.objects: Objects = case.policy.sections["objects"]

    def refuse(self, code: str, at: Span, **fields: Any) -> NoReturn:
        raise Refused(say.refuse(code, line=self.case.line, at=at, command=self.shape.name, rule=self.rule, **fields))

    def names(self) -> None:
        """Refuse names that are protected, also for what is still to be made.

        SECURITY: by their text alone, so that one that is not there for a moment is not hit when it comes back.
        """
        for index, word in enumerate(self.invocation.operands):
            access, kind = role(self.shape.name, self.invocation, index)
            for one in ("container", "image") if kind == "object" else (kind,):
                self.name(one, word.text, word.span)
            if (access, kind) == (NEW, "image"):
                self.tag(word)

    def name(self, kind: str, text: str, at: Span) -> None:
        if kind in KINDS and self.objects.protected.names(kind, text):
            self.refuse("protected", at, value=text)

    def tag(self, word: Word) -> None:
        """Give images such names only as a build may give them. SECURITY: else any image would get another's."""
        expected = containers.judge(self.case.policy.sections["containers"], "tag", word.text)
        if expected:
            self.refuse("operand-denied", word.span, value=word.text, expected=expected)

    def listing(self, kind: str) -> Invocation:
        """Show what is one's own."""
        label = BUILDER_LABEL if kind == "image" else OWNER_LABEL
        return self.filtered(f"label={label}={self.case.context.uid}")

    def whole(self) -> None:
        """Refuse a list that no filter can narrow."""
        option = WHOLE[self.shape.name]
        given = [argument.span for argument in self.invocation.arguments if argument.name == option]
        everything = self.objects.observe == "any" or (not option and "*" in self.objects.listed.projects)
        if not everything and (given or not option):
            self.refuse("lists-all", given[0] if given else self.case.simple.span)

    def untold(self) -> None:
        """Refuse what nothing here can tell the objects of."""
        if self.objects != Objects("any", "any", self.objects.listed):
            self.refuse("untold", self.case.simple.span)

    def prune(self) -> Invocation:
        """Keep a prune inside by filters, or refuse it where they can't say it."""
        kinds = [kind for kind in PRUNES[self.shape.name] if self.prunes(kind)]
        kept = self.kept(kinds)
        if self.objects.manage == "listed" or kept is None:
            self.refuse("prune", self.case.simple.span)
        label = BUILDER_LABEL if kinds == ["image"] else OWNER_LABEL
        own = [f"label={label}={self.case.context.uid}"] if self.objects.manage == "own" else []
        for argument in self.invocation.arguments:
            key = (argument.value or "").partition("=")[0].lower()
            # SECURITY: of two label!= filters docker spares only what has both labels (tried on 20.10)
            if argument.name == "filter" and (kept or own) and key not in PRUNE_FILTERS:
                self.refuse("prune-filter", argument.span, value=argument.value or "")
        return self.filtered(*own, *kept)

    def prunes(self, kind: str) -> bool:
        return kind != "volume" or self.shape.name != "docker system prune" or has(self.invocation, "volumes")

    def kept(self, kinds: list[str]) -> list[str] | None:
        """Return the one filter that spares what is protected, none where nothing is; None if no filter can."""
        protected = self.objects.protected
        labels = [*protected.labels]
        if kinds != ["image"]:
            labels += [f"{PROJECT_LABEL}={project}" for project in protected.projects]
        if len(labels) > 1 or any("*" in label for label in labels) or any(getattr(protected, KINDS[k]) for k in kinds):
            return None
        return [f"label!={label}" for label in labels]

    def filtered(self, *filters: str) -> Invocation:
        added = tuple(Argument("filter", text, NOWHERE) for text in filters)
        return self.invocation.but(arguments=(*self.invocation.arguments, *added)) if added else self.invocation
