"""The closed subset of Dockerfile that may be built, and the same file written out again for the builder.

For others than docker build (a compose service with `build:`):

    file = read(text, args)           raises Wrong: what is no Dockerfile, or outside the subset
    judge(allowed, file)              raises Wrong: values that `containers` does not allow
    judge_build(allowed, Build(...))  raises WrongPart: the build's other values
    (Wrong is in lines.py: line, part, expected, and place(text) to point at it)
    file.bases                        the images it starts from: look each up (host/build.py), and
    write(file, pins)                 the text to hand over. Never hand over the user's own.

Source: github.com/moby/buildkit frontend/dockerfile/parser/line_parsers.go, instructions/parse.go.
"""

from __future__ import annotations

from rshell.core import containers
from rshell.core.build import variables
from rshell.core.build.lines import BLANK, HERE_DOCUMENT, Wrong, instructions, split
from rshell.core.parts import images
from rshell.core.value import Value
from rshell.core.values import ALNUM, NAME_CHARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rshell.core.containers import Containers

MAX_INSTRUCTIONS = 500
MAX_BASES = 8  # each is looked up
MANY = 50  # words of one instruction
CACHE = "type=cache"  # of RUN --mount: a build does without
MAX_SHOWN = 60  # characters of a command
SCRATCH = "scratch"  # not an image: nothing
RESERVED = (SCRATCH, "context")
STAGE_CHARS = images.LOWER | frozenset("_.-")
PLAIN = NAME_CHARS | frozenset("/:@+,=")  # of a flag: nothing that a builder expands or unquotes
PATH_CHARS = NAME_CHARS | frozenset("/@+,")
NEVER = {
    "ADD": "COPY: the daemon fetches what ADD names, in the network of the host",
    "ONBUILD": "the instruction itself: a trigger runs in other builds",
}
ABOUT = ("maintainer", "org.opencontainers.image.*")  # labels that say what an image is; no program acts on them
HINTS = {
    "NVIDIA_": "; docker run --gpus sets it",
    "LD_": "; docker run --gpus brings the driver's libraries; others: a file in /etc/ld.so.conf.d, and RUN ldconfig",
}
COPY_FLAGS = ("--from", "--chown", "--chmod", "--link")
HEALTH_FLAGS = {
    "--interval": "health-interval", "--timeout": "health-timeout", "--start-period": "health-start-period",
    "--start-interval": "health-start-interval", "--retries": "health-retries",
}  # fmt: skip


class WrongPart(Exception):
    """A value that a build may not have: its field, the value, what may be there."""

    def __init__(self, field: str, part: str, expected: str) -> None:
        super().__init__(f"{field}: {part}")
        self.field, self.part, self.expected = field, part, expected


class Instruction(Value):
    """One instruction: the line it begins on, its name in capitals, the rest, for FROM the image to look up."""

    line: int
    name: str
    text: str
    base: str = ""


class Dockerfile(Value):
    """A Dockerfile, understood."""

    instructions: tuple[Instruction, ...]

    @property
    def bases(self) -> tuple[str, ...]:
        """Return the images it starts from, each once, with tag or digest."""
        return tuple(dict.fromkeys(one.base for one in self.instructions if one.base))


class Build(Value):
    """What a build is given besides its Dockerfile: NAME=VALUE arguments and labels, images, a stage, a size."""

    args: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    target: str = ""
    shm_size: str = ""


def judge_build(allowed: Containers, build: Build) -> None:
    """Hold the values of a build against what is allowed. Raises WrongPart."""
    given = [
        *(("build-arg", one) for one in build.args), *(("label", one) for one in build.labels),
        *(("tag", one) for one in build.tags), ("target", build.target), ("shm-size", build.shm_size),
    ]  # fmt: skip
    for field, value in given:
        expected = containers.judge(allowed, field, value) if value or field not in ("target", "shm-size") else ""
        if expected:
            raise WrongPart(field, value, expected)


# -- reading -----------------------------------------------------------------------------


def read(text: str, args: tuple[str, ...] = ()) -> Dockerfile:
    """Read a Dockerfile, built with NAME=VALUE of --build-arg.

    Raises Wrong for the first part that is outside of the subset.
    """
    stages: list[str] = []  # the names so far, '' for one without
    scope: dict[str, str | None] = {}  # ARG above the first FROM
    given = variables.given(args)
    made: list[Instruction] = []
    for number, name, rest in instructions(text):
        if name in NEVER or name not in _READERS:
            raise Wrong(number, name, NEVER.get(name, "one of " + " ".join(_READERS)))
        if not rest:
            raise Wrong(number, name, "something behind it")
        if not stages and name not in ("FROM", "ARG"):
            raise Wrong(number, name, "FROM first")
        if not stages and name == "ARG":
            for word in _words(number, name, rest):
                variables.declare(scope, word, given)
        if name == "FROM":
            rest = _filled(number, rest, scope)
        made.append(_READERS[name](number, name, rest, stages))
        if len(made) > MAX_INSTRUCTIONS:
            raise Wrong(number, name, f"{MAX_INSTRUCTIONS} instructions")
    if not stages:
        raise Wrong(1, "nothing to start from", "FROM IMAGE")
    file = Dockerfile(tuple(made))
    if len(file.bases) > MAX_BASES:
        raise Wrong(made[0].line, "too many images", f"{MAX_BASES} images to start from")
    return file


def _plain(number: int, name: str, rest: str, stages: list[str]) -> Instruction:
    """Read an instruction that has no options."""
    if rest.startswith("--"):
        raise Wrong(number, f"{name} {split(rest)[0]}", f"{name} without options")
    return Instruction(number, name, rest)


def _filled(number: int, rest: str, scope: Mapping[str, str | None]) -> str:
    """Put values in the place of the variables of an image. SECURITY: what was judged is what is written."""
    image, ending = split(rest)
    if "$" not in image or image.startswith("--"):
        return rest
    try:
        filled = variables.fill(image, scope)
    except variables.Unknown as unknown:
        raise Wrong(number, image, str(unknown)) from None
    if not filled:  # SECURITY: the word behind it would become the image
        raise Wrong(number, image, "an image: all of it is empty")
    return f"{filled} {ending}".rstrip()


def _from(number: int, name: str, rest: str, stages: list[str]) -> Instruction:
    """Read FROM. SECURITY: literal, or a stage of this file; with a platform another image would be taken."""
    if rest.startswith("--platform"):
        raise Wrong(number, f"{name} {split(rest)[0]}", "FROM without --platform: the image is the host's")
    image, *alias = _plain(number, name, rest, stages).text.split()
    if alias and (len(alias) != 2 or alias[0].upper() != "AS"):
        raise Wrong(number, alias[0], "FROM IMAGE, or FROM IMAGE AS NAME")
    stage = alias[1].lower() if alias else ""
    if alias and (not STAGE_CHARS.issuperset(stage) or not stage[0].isalpha() or stage in (*RESERVED, *stages)):
        raise Wrong(number, alias[1], "a name of its own for the stage, such as build")
    ending = f" AS {stage}" if stage else ""
    known = image == SCRATCH or image in stages
    stages.append(stage)
    if known:
        return Instruction(number, name, image + ending)
    parsed = images.parse(image)
    if parsed is None:
        raise Wrong(number, image, "an image written out, such as alpine:3.20")
    # SECURITY: without a tag it may be taken for the beginning of a local id
    return Instruction(number, name, ending, image if parsed.tag or parsed.digest else image + ":latest")


def _run(number: int, name: str, rest: str, stages: list[str]) -> Instruction:
    """Read RUN. SECURITY: options mount files and secrets."""
    flag, command = split(rest)
    if flag.startswith("--mount=") and CACHE in flag:
        while command.startswith("--mount=") and CACHE in split(command)[0]:
            command = split(command)[1]
        raise Wrong(number, f"{name} {flag}", f"the same without it: RUN {_shown(command)}")
    return _plain(number, name, rest, stages)


def _shown(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."


def _copy(number: int, name: str, rest: str, stages: list[str]) -> Instruction:
    """Read COPY. SECURITY: --from takes an image from anywhere; only an earlier stage of this file may be named."""
    flags, rest = _flags(number, rest, COPY_FLAGS)
    from_stage = {"--from": flags["--from"].lower()} if "--from" in flags else {}
    if from_stage and not _is_earlier(from_stage["--from"], stages):
        raise Wrong(number, f"--from={flags['--from']}", _stage_for(flags["--from"]))
    if HERE_DOCUMENT in rest:
        raise Wrong(number, HERE_DOCUMENT, f"files of the context; a text: {_by_run(rest)}")
    for part in ("://", "git@"):
        if part in rest:
            raise Wrong(number, part, "COPY of files of the context")
    return Instruction(number, name, " ".join([*_spelled({**flags, **from_stage}), rest]))


def _stage_for(image: str) -> str:
    """Say how COPY --from takes files of an image."""
    parsed = images.parse(image)
    name = parsed.repository.rpartition("/")[2] if parsed is not None else ""
    if not name[:1].isalpha() or name in RESERVED or not {"/", ":"}.intersection(image):
        return "a stage above: its name or number"
    return f"a stage above: FROM {image} AS {name}, then COPY --from={name}"


def _by_run(rest: str) -> str:
    """Say how RUN writes a file that COPY would have brought."""
    *sources, target = rest.split()
    if not PATH_CHARS.issuperset(target):
        return "RUN cat > FILE <<'END'"
    name = sources[0].rpartition("/")[2] if sources else ""
    if not PATH_CHARS.issuperset(name) or name in ("", "."):
        name = "FILE"
    if target.endswith("/") or target == "." or len(sources) > 1 or sources == ["."]:
        target = f"{target.rstrip('/')}/{name}"
    return f"RUN cat > {target} <<'END'"


def _is_earlier(stage: str, stages: list[str]) -> bool:
    return bool(stage) and (stage in stages[:-1] or stage in [str(number) for number in range(len(stages) - 1)])


def _flags(number: int, rest: str, known: tuple[str, ...]) -> tuple[dict[str, str], str]:
    """Take --name=value off the front; each at most once."""
    flags: dict[str, str] = {}
    while rest.startswith("--"):
        word, rest = split(rest)
        flag, _, value = word.partition("=")
        if flag not in known or flag in flags or not PLAIN.issuperset(value):
            raise Wrong(number, word, "one each of " + " ".join(known))
        flags[flag] = value
    if not rest:
        raise Wrong(number, "nothing", "something behind the options")
    return flags, rest


def _spelled(flags: Mapping[str, str]) -> list[str]:
    return [f"{flag}={value}" if value else flag for flag, value in flags.items()]


def _health(number: int, name: str, rest: str, stages: list[str]) -> Instruction:
    """Read HEALTHCHECK; its options are judged later."""
    flags, rest = _flags(number, rest, tuple(HEALTH_FLAGS))
    kind, command = split(rest)
    if kind.upper() not in ("NONE", "CMD") or bool(command) != (kind.upper() == "CMD"):
        raise Wrong(number, kind, "HEALTHCHECK NONE, or HEALTHCHECK CMD COMMAND")
    return Instruction(number, name, " ".join([*_spelled(flags), rest]))


def _list(number: int, name: str, rest: str, stages: list[str]) -> Instruction:
    """Read VOLUME: words, or a list in brackets; written out as words."""
    if rest.startswith("[") and rest.endswith("]"):
        items = [item.strip(BLANK).removeprefix('"').removesuffix('"') for item in rest[1:-1].split(",")]
        if not all(items):
            raise Wrong(number, rest, 'a directory, such as ["/data"]')
        rest = " ".join(items)
    return _plain(number, name, rest, stages)


_READERS: dict[str, Callable[[int, str, str, list[str]], Instruction]] = {
    "FROM": _from, "RUN": _run, "COPY": _copy, "HEALTHCHECK": _health, "VOLUME": _list,
    **dict.fromkeys(
        ("ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "LABEL", "MAINTAINER", "SHELL", "STOPSIGNAL", "USER", "WORKDIR"),
        _plain,
    ),
}  # fmt: skip


# -- judging -----------------------------------------------------------------------------


def judge(allowed: Containers, file: Dockerfile, files: bool = True) -> None:
    """Hold the values of a Dockerfile against what a container may be. Raises Wrong.

    files: there are some in its context.
    """
    for one in file.instructions:
        if one.name == "COPY" and not files:
            _check_needs_none(one)
        for field, value in _VALUES[one.name](one) if one.name in _VALUES else ():
            expected = _expected(allowed, one.name, field, value)
            if expected:
                raise Wrong(one.line, f"{one.name} {value.partition('=')[0]}", expected)  # the value may be secret
        expected = containers.image(allowed, one.base) if one.base else ""
        if expected:
            raise Wrong(one.line, f"{one.name} {one.base.removesuffix(':latest')}", expected)


def _check_needs_none(one: Instruction) -> None:
    """Refuse COPY of files that are not sent: docker's own words for it are no help."""
    flags, rest = _flags(one.line, one.text, COPY_FLAGS)
    if "--from" not in flags:
        raise Wrong(one.line, one.name, f"no COPY: a Dockerfile on - brings no files; a text: {_by_run(rest)}")


def _expected(allowed: Containers, instruction: str, field: str, value: str) -> str:
    """Judge one value; labels that only describe an image need no policy."""
    name = value.partition("=")[0]
    if instruction == "LABEL" and containers.any_matches(ABOUT, name):
        return ""
    expected = containers.judge(allowed, field, value)
    if expected and instruction == "LABEL":
        return f"{expected} {' '.join(ABOUT)}"
    hint = next((HINTS[start] for start in HINTS if field == "env" and name.startswith(start)), "")
    return f"{expected}{hint}" if expected else ""


def write(file: Dockerfile, pins: Mapping[str, str]) -> str:
    """Write a Dockerfile out: each instruction in one line, the one it began on; nothing else.

    pins: a base -> the reference to take in its place, such as name@digest.
    """
    made: list[str] = []
    for one in file.instructions:
        made += [""] * (one.line - 1 - len(made))
        made.append(f"{one.name} {pins.get(one.base, one.base)}{one.text}")
    return "\n".join(made) + "\n"


def _named(field: str) -> Callable[[Instruction], list[tuple[str, str]]]:
    """Judge the names of NAME=VALUE ..., or of the older NAME VALUE, which ARG has not."""

    def named(one: Instruction) -> list[tuple[str, str]]:
        words = _words(one.line, one.name, one.text)
        if one.name == "ARG":
            return [_name_value(field, one, word, "=") for word in words]
        if "=" in words[0]:
            return [_name_value(field, one, word, "") for word in words]
        return [_name_value(field, one, "=".join(filter(None, split(one.text))), "")]

    return named


def _name_value(field: str, one: Instruction, word: str, default: str) -> tuple[str, str]:
    """SECURITY: a name in quotes, or with a variable in it, becomes another one in the builder."""
    name, equals, value = word.partition("=")
    if not name or not NAME_CHARS.union("/").issuperset(name) or not (equals or default):
        raise Wrong(one.line, f"{one.name} {name}", f"{one.name} NAME=VALUE, the name without quotes and variables")
    return (field, f"{name}={value}")


def _literal(field: str, chars: frozenset[str], most: int) -> Callable[[Instruction], list[tuple[str, str]]]:
    """Judge each word, which the builder neither unquotes nor expands; where it takes them for one, there is one."""

    def literal(one: Instruction) -> list[tuple[str, str]]:
        words = one.text.split()
        for word in words:
            if not chars.issuperset(word) or word.count(":") > 1:
                raise Wrong(one.line, f"{one.name} {word}", "words without quotes and variables")
        if len(words) > most:
            raise Wrong(one.line, f"{one.name} {words[most]}", "one word")
        return [(field, word) for word in words]

    return literal


def _workdir(one: Instruction) -> list[tuple[str, str]]:
    """A relative one is below another, unknown here. SECURITY: /proc/self/fd/8 left the container."""
    if not PATH_CHARS.issuperset(one.text):
        raise Wrong(one.line, f"{one.name} {one.text}", "a directory without quotes, blanks and variables")
    return [("workdir", one.text if one.text.startswith("/") else "/" + one.text)]


def _flagged(one: Instruction) -> list[tuple[str, str]]:
    """Judge the options of HEALTHCHECK."""
    flags, _ = _flags(one.line, one.text, tuple(HEALTH_FLAGS))
    return [(HEALTH_FLAGS[flag], value) for flag, value in flags.items()]


_VALUES: dict[str, Callable[[Instruction], list[tuple[str, str]]]] = {
    "ARG": _named("env"),
    "ENV": _named("env"),
    "LABEL": _named("label"),
    "EXPOSE": _literal("expose", ALNUM | frozenset("/-"), MANY),
    "USER": _literal("user", NAME_CHARS | frozenset(":"), 1),
    "STOPSIGNAL": _literal("stop-signal", ALNUM | frozenset("+-"), 1),
    "VOLUME": _literal("workdir", PATH_CHARS, MANY),
    "WORKDIR": _workdir,
    "HEALTHCHECK": _flagged,
}


def _words(number: int, name: str, text: str) -> list[str]:
    """Split into words as docker does for NAME=VALUE, quotes left in. Source: parseWords of line_parsers.go.

    Raises Wrong for a quote that is not closed: no builder builds that.
    """
    made: list[str] = []
    word, quote, here = "", "", 0
    while here < len(text):
        char = text[here]
        if char in BLANK and not quote:
            made += [word] if word else []
            word, char = "", ""
        elif char == "\\" and quote != "'":
            char = text[here : here + 2]
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        word += char
        here += len(char) or 1
    if quote:
        raise Wrong(number, f"{name} {word}", f"a closing {quote}")
    return [*made, word] if word else made
