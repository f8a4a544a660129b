"""docker build's own rules: where the files come from, which Dockerfile is read, what is put in.

Whatever was asked for, docker gets a tar on its stdin that was packed here: the judged Dockerfile, and the
files of a listed directory. It opens no file itself, and reads no Dockerfile but ours.
"""

from __future__ import annotations

from rshell import say
from rshell.core import containers
from rshell.core.build import dockerfile
from rshell.core.build.lines import Wrong, lines_of
from rshell.core.model import Argument, Exec, Need, Word
from rshell.core.objects import rights
from rshell.core.objects.rights import BUILDER_LABEL, MANAGE, NONE, Thing
from rshell.core.rules import Refused
from rshell.core.value import Value
from rshell.core.values import MAX_TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from rshell.core.containers import Containers
    from rshell.core.model import Context, Grammar, Invocation, Policy, Refusal, Rule
    from rshell.core.rules import Case

STDIN = "-"
LISTED_STDIN = "stdin"  # what the policy calls it
TEXT, FILES = "dockerfile", "build-context"  # needs: the Dockerfile is on stdin, or among the files
TAGS = "image-tags"  # need: what has the names already that are given to the image
FILE, NETWORK, ARG = "file", "network", "build-arg"
USUAL = "Dockerfile"
OURS = ".rshell.dockerfile"  # among the files of a directory, for one from stdin
CLASSIC = ("DOCKER_BUILDKIT", "0")  # BuildKit takes no image by its id (tried on 20.10)
NOWHERE = (0, 0)


class Base(Value):
    """An image that a Dockerfile starts from, as the Engine has it.

    digest: name@sha256:..., '' for one that has none under this name. triggers: it has ONBUILD instructions.
    native: it is of the Engine's own platform. thing: its id, names and labels.
    """

    reference: str
    there: bool
    digest: str = ""
    triggers: bool = False
    native: bool = True
    thing: Thing = Thing("image", "", (), ())

    def pin(self) -> str:
        """Return what to write for it: what can't come to mean another image."""
        return self.digest or self.thing.id.removeprefix("sha256:")


class Found(Value):
    """What look found of a build, and made.

    text: the Dockerfile, as it was given. sent: as it was packed. stdin: a descriptor of the tar, -1 if
    it was not packed. fault: a code of say.py, with `about` as what it speaks of.
    """

    text: str = ""
    bases: tuple[Base, ...] = ()
    sent: str = ""
    stdin: int = -1
    fault: str = ""
    about: str = ""


# -- before the line starts --------------------------------------------------------------


def finish(case: Case, shape: Grammar, rule: Rule, invocation: Invocation) -> Invocation:
    """Judge the context, and write the build that will really run. Raises Refused."""
    allowed = case.policy.sections["containers"]
    word = invocation.operands[0]
    file = next((argument for argument in invocation.arguments if argument.name == FILE), None)
    directory = _directory(case, shape, rule, allowed, word)
    name = _name(case, shape, rule, directory, file)
    if name == STDIN and LISTED_STDIN not in allowed.contexts:
        _wrong(case, shape, rule, word if file is None else file, allowed)
    if case.simple.text is not None and name == STDIN:
        wrong = judged(allowed, case.simple.text, given_args(invocation), bool(directory))
        if wrong is not None:
            raise Refused(_in_line(case, shape, rule, case.simple.text, wrong))
    needs = (Need(TEXT if name == STDIN else FILES, (directory or STDIN,)), *_tags(case, invocation))
    sent = name if name != STDIN else OURS if directory else USUAL
    given = {argument.name for argument in invocation.arguments}
    if NETWORK not in given and containers.judge(allowed, NETWORK, containers.DEFAULT_NETWORK):
        from rshell.core import deny

        raise Refused(deny.no_network(case, shape, rule, allowed))
    kept = tuple(_spelled(argument) for argument in invocation.arguments if argument.name != FILE)
    forced = (*_limits(allowed, given), ("label", f"{BUILDER_LABEL}={case.context.uid}"), (FILE, sent))
    return invocation.but(
        # SECURITY: after what the user wrote: of two labels of one name docker takes the last
        arguments=(*kept, *(Argument(name, value, NOWHERE) for name, value in forced)),
        operands=(Word(STDIN, word.span),),
        needs=needs,
    )


def _directory(case: Case, shape: Grammar, rule: Rule, allowed: Containers, word: Word) -> str:
    """Return the directory to pack, '' for none. SECURITY: by whole components; no URL, nothing relative."""
    if word.text == STDIN:
        return ""
    directory = word.text.rstrip("/")
    parts = directory.split("/")
    clean = directory.startswith("/") and len(directory) <= MAX_TEXT and not {"", ".", ".."}.intersection(parts[1:])
    listed = (one for one in allowed.contexts if one != LISTED_STDIN)
    if not clean or not any(directory == one or directory.startswith(one + "/") for one in listed):
        _wrong(case, shape, rule, word, allowed)
    return directory


def _name(case: Case, shape: Grammar, rule: Rule, directory: str, file: Argument | None) -> str:
    """Return the Dockerfile's name below the directory, or - for stdin.

    A relative name is one in the context. Docker reads it in its own directory, which is none of the user's.
    """
    if file is None:
        return USUAL if directory else STDIN
    text = file.value or ""
    if text == STDIN and directory:
        return STDIN
    name = text.removeprefix(directory + "/").removeprefix("./") if directory else ""
    parts = name.split("/")
    if not name or name.startswith("/") or len(name) > MAX_TEXT or {"", ".", ".."}.intersection(parts):
        expected = f"- or a file below {directory}" if directory else "none: the Dockerfile is on stdin"
        raise Refused(say.refuse(
            "value", line=case.line, at=file.span, command=shape.name, option="--" + FILE, value=text,
            expected=expected, rule=rule,
        ))  # fmt: skip
    return name


def _wrong(case: Case, shape: Grammar, rule: Rule, word: Word | Argument, allowed: Containers) -> NoReturn:
    """Refuse a context, with the listed ones, the one that was perhaps meant first."""
    text = word.text if isinstance(word, Word) else word.value or ""
    listed = tuple(STDIN if one == LISTED_STDIN else one for one in allowed.contexts)
    last = text.rstrip("/").rpartition("/")[2]
    near = sorted(listed, key=lambda one: one.rpartition("/")[2] != last)
    start, end = word.span
    tries = tuple(case.line[:start] + one + case.line[end:] for one in near) if isinstance(word, Word) else ()
    raise Refused(say.refuse(
        "no-context", line=case.line, at=word.span, command=shape.name, value=text, rule=rule, tries=tries,
        expected=" ".join("- (a Dockerfile on stdin)" if one == STDIN else one for one in listed) or "none",
    ))  # fmt: skip


def _tags(case: Case, invocation: Invocation) -> tuple[Need, ...]:
    """Ask whose the images are that lose their names to the new one, if the policy makes a difference."""
    names = tuple(dict.fromkeys(one.value or "" for one in invocation.arguments if one.name == "tag"))
    return (Need(TAGS, names),) if names and case.policy.sections["objects"].asks(MANAGE, "image") else ()


def _spelled(argument: Argument) -> Argument:
    """Write docker's own network as both builders know it."""
    own = argument.name == NETWORK and argument.value == containers.DEFAULT_NETWORK
    return argument.but(value="default") if own else argument


def _limits(allowed: Containers, given: set[str]) -> list[tuple[str, str]]:
    """Return the limit that is put in where the user named none. BuildKit knows none, and says so."""
    return [(field, value) for field, value in containers.defaults(allowed, given) if field == "memory"]


# -- just before it starts ---------------------------------------------------------------


def given_args(invocation: Invocation | None) -> tuple[str, ...]:
    """Return NAME=VALUE of each --build-arg."""
    arguments = invocation.arguments if invocation is not None else ()
    return tuple(one.value or "" for one in arguments if one.name == ARG)


def judged(allowed: Containers, text: str, args: tuple[str, ...], files: bool) -> Wrong | None:
    """Read and judge a Dockerfile; return what is wrong with it, if anything is."""
    try:
        dockerfile.judge(allowed, dockerfile.read(text, args), files)
    except Wrong as wrong:
        return wrong
    return None


def written(text: str, bases: tuple[Base, ...], args: tuple[str, ...] = ()) -> str:
    """Write the Dockerfile that docker gets: its images by digest, or by id where they have none.

    SECURITY: a name may be removed or pulled anew between look and build, and the classic builder asks for a later
    stage's only when it gets there; what comes then was not looked at. Raises Wrong.
    """
    return dockerfile.write(dockerfile.read(text, args), {base.reference: base.pin() for base in bases})


def settle(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Found, ...]) -> Exec | Refusal:
    """Hold the Dockerfile and its images against the policy; give docker the tar."""
    (fact,) = found
    if fact.fault:
        return say.refuse(fact.fault, at=command.span, command=command.name, value=fact.about)
    args = given_args(command.invocation)
    wrong = judged(policy.sections["containers"], fact.text, args, need.subjects != (STDIN,))
    if wrong is not None:
        number, at = wrong.place(fact.text)
        shown = lines_of(fact.text)[number - 1]
        return _outside(command.name, wrong, number, line=shown, at=at, sent=True)
    for base in fact.bases:
        code = _unfit(base) or ("protected" if policy.sections["objects"].protected.has(base.thing) else "")
        if code:
            tries = (f"docker pull {base.reference}",) if code == "base-absent" else ()
            return say.refuse(code, at=command.span, command=command.name, value=base.reference, tries=tries)
    # SECURITY: the one judged is the one sent
    looked_at = tuple(base.reference for base in fact.bases) == dockerfile.read(fact.text, args).bases
    if not looked_at or fact.stdin < 0 or fact.sent != written(fact.text, fact.bases, args):
        return say.refuse("no-facts", at=command.span, command=command.name, need=need.check)
    by_id = any(not base.digest for base in fact.bases)
    environment = (*command.environment, *((CLASSIC,) if by_id else ()))
    return command.but(text=None, stdin=fact.stdin, environment=environment)


def tags(policy: Policy, context: Context, command: Exec, need: Need, found: tuple[Any, ...]) -> Exec | Refusal:
    """Keep the names of images that the policy protects, or that are not the caller's."""
    for name, thing in zip(need.subjects, found, strict=True):
        if thing == NONE:
            continue
        if not isinstance(thing, Thing):
            return say.refuse("no-facts", at=command.span, command=command.name, need=need.check)
        code = rights.judge(policy.sections["objects"], context.uid, MANAGE, thing)
        if code:
            return say.refuse(code, at=command.span, command=command.name, value=name)
    return command


def _unfit(base: Base) -> str:
    """Return the code of why an image can't be built on, or ''.

    SECURITY: its ONBUILD instructions would run in this build, unread: ADD of what the host can reach.
    Of another platform, the builder would fetch the image of its own, which was not looked at.
    """
    if not base.there:
        return "base-absent"
    if base.triggers:
        return "base-triggers"
    return "" if base.native else "base-platform"


def _in_line(case: Case, shape: Grammar, rule: Rule, text: str, wrong: Wrong) -> Refusal:
    """Refuse a here-document, pointing into it."""
    number, (start, end) = wrong.place(text)
    begin = case.line.find("\n" + text) + 1
    if not begin:  # the gate gets its text apart from the words
        return _outside(shape.name, wrong, number, line=case.line, at=case.simple.span, rule=rule)
    begin += sum(len(line) + 1 for line in text.split("\n")[: number - 1])
    return _outside(shape.name, wrong, number, line=case.line, at=(begin + start, begin + end), rule=rule)


def _outside(command: str, wrong: Wrong, number: int, **more: Any) -> Refusal:
    return say.refuse("dockerfile", command=command, number=number, value=wrong.part, expected=wrong.expected, **more)
