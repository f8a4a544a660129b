"""Look up and make what a build needs: its Dockerfile, the images it starts from, the tar that docker gets."""

from __future__ import annotations

from rshell.core.build import dockerfile, ignore
from rshell.core.build.lines import Wrong
from rshell.core.build.options import FILE, STDIN, TEXT, Base, Found, given_args, written
from rshell.core.parts import images
from rshell.host import context, stdin, things
from rshell.host.context import Directory, Unfit
from rshell.host.engine import Silent
from rshell.lean import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.core.model import Exec, Need
    from rshell.host.engine import Engine
    from rshell.host.look import Place


def look(command: Exec, need: Need, place: Place) -> tuple[Found, ...]:
    """Answer for the directory of a build, or - for none: see core/build/options.py. Raises Silent."""
    (source,) = need.subjects
    try:
        given = _given(command, place) if need.check == TEXT else ""
        if source == STDIN:
            return (_found(given, command, None, place),)
        with Directory(source, context.rights(place.user)) as directory:
            text = given if need.check == TEXT else _own(directory, _file(command))
            return (_found(text, command, directory, place),)
    except stdin.NoText as why:
        return (Found(fault="no-text", about=str(why)),)
    except Unfit as why:
        return (Found(fault="context-file", about=str(why)),)
    except OSError as error:
        return (Found(fault="context-file", about=error.strerror or "it can't be packed"),)


def _file(command: Exec) -> str:
    """Return where in the tar the Dockerfile is."""
    arguments = command.invocation.arguments if command.invocation is not None else ()
    for argument in arguments:
        if argument.name == FILE and argument.value:
            return argument.value
    raise Silent("no name for the Dockerfile")


def _given(command: Exec, place: Place) -> str:
    return command.text if command.text is not None else stdin.read(place.stdin, place.ready)


def _own(directory: Directory, name: str) -> str:
    try:
        return directory.text(name)
    except FileNotFoundError:
        raise Unfit(f"there is no {name}") from None


def _found(text: str, command: Exec, directory: Directory | None, place: Place) -> Found:
    """Read the Dockerfile; look its images up, and pack, as far as that makes sense."""
    args = given_args(command.invocation)
    try:
        references = dockerfile.read(text, args).bases
    except Wrong:
        return Found(text)  # settle says what is wrong
    bases = tuple(_bases(place.engine, references))
    if not all(base.there for base in bases):
        return Found(text, bases)
    sent = written(text, bases, args)
    return Found(text, bases, sent, _packed(_file(command), sent, directory))


def _packed(name: str, sent: str, directory: Directory | None) -> int:
    """Make the tar; return its descriptor."""
    output = context.new_file(small=directory is None)
    try:
        if directory is not None:
            directory.pack(output, name, _patterns(directory))
        context.put(output, {name: sent})
    except BaseException:
        os.close(output)
        raise
    return output


def _patterns(directory: Directory) -> ignore.Patterns:
    """Read what the directory keeps out of builds. Raises Unfit."""
    try:
        return ignore.read(directory.text(context.IGNORE))
    except FileNotFoundError:
        return ignore.read("")
    except ignore.Unclear as unclear:
        raise Unfit(f"{context.IGNORE}: {unclear}") from None


def _bases(engine: Engine, references: tuple[str, ...]) -> list[Base]:
    """Ask the Engine for images, and for its own platform. Raises Silent."""
    if not references:
        return []
    host = engine.get("/version")
    if not isinstance(host, dict):
        raise Silent("the Engine does not say what it is")
    own = (host.get("Os"), host.get("Arch"))
    return [_base(reference, engine.get(f"/images/{reference}/json"), own) for reference in references]


def _base(reference: str, about: object, own: tuple[object, object]) -> Base:
    if about is None:
        return Base(reference, False)
    if not isinstance(about, dict) or not isinstance(about.get("Config"), dict):
        raise Silent("the Engine says nothing of an image")
    digests = [one for one in about.get("RepoDigests") or () if isinstance(one, str)]
    native = (about.get("Os"), about.get("Architecture")) == own
    triggers = bool(about["Config"].get("OnBuild"))
    return Base(reference, True, images.digest_of(reference, digests), triggers, native, things.image(about, reference))
