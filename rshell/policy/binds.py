"""`bind_mounts` of `containers`: what of the host may be mounted, and what else of the policy that must not touch."""

from __future__ import annotations

from rshell.core import limits
from rshell.core.parts import mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rshell.policy.tree import Node, Reader


def read_binds(reader: Reader, node: Node) -> tuple[tuple[str, bool], ...]:
    """Read `[{source: /srv/x, read_only: true}]`."""
    found: dict[str, bool] = {}
    for item in reader.items(node, "a list of {source: /PATH, read_only: true}"):
        keys = reader.mapping(item, ("source", "read_only"), ("source", "read_only"))
        source = reader.text(keys["source"]) if "source" in keys else ""
        read_only = reader.yes(keys["read_only"]) if "read_only" in keys else True
        why = limits.of_path(source, read_only)
        if source and source != "/" and (not mounts.is_clean(source) or source.endswith("/")):
            reader.error(keys["source"], f"`{source}`: expected {mounts.SOURCE}")
        elif source and why:
            reader.error(keys["source"], f"`{source}`: no policy can have it mounted: {why}")
        elif source in found:
            reader.error(item, f"`{source}` stands twice")
        found[source] = read_only
    for source in found:
        # SECURITY: what writes in a directory can make a link of anything below it
        for other, read_only in found.items():
            if not read_only and source.startswith(f"{other}/"):
                reader.error(node, f"`{source}` is in `{other}`, where containers can write: list one of them")
    return tuple(found.items())


def check_apart(reader: Reader, keys: dict[str, Node]) -> None:
    """Find a directory that containers can write in, and that the policy trusts elsewhere. keys: of `containers`.

    SECURITY: the compose file of a project of the operator's runs unjudged, and what is in a context is built.
    """
    trusted = [*_projects(keys), *_contexts(keys)]
    for node in keys["bind_mounts"].items:
        source, read_only = (inner.text if inner else "" for inner in (_of(node, "source"), _of(node, "read_only")))
        for directory, what in trusted if source and read_only == "false" else ():
            if _meet(source, directory.text):
                reader.error(
                    node, f"`{source}`: containers could write in `{directory.text}`, {what} (line {directory.line}):"
                    " expected read_only: true, or a place apart",
                )  # fmt: skip


def _projects(keys: dict[str, Node]) -> Iterator[tuple[Node, str]]:
    """Return the directories of the operator's projects, and what to call them."""
    projects = _of(keys["compose"], "projects") if "compose" in keys else None
    for name, project in projects.pairs if projects else ():
        directory = _of(project, "directory")
        if directory and directory.text:
            yield directory, f"the directory of the project `{name.text}`"


def _contexts(keys: dict[str, Node]) -> Iterator[tuple[Node, str]]:
    """Return the directories that may be built, and what to call them."""
    contexts = _of(keys["build"], "contexts") if "build" in keys else None
    for one in (contexts.items or (contexts,)) if contexts else ():
        if one.text.startswith("/"):
            yield one, "what is built"


def _of(node: Node, key: str) -> Node | None:
    """Return the value of a key, None if there is none."""
    return next((value for name, value in node.pairs if name.text == key), None)


def _meet(one: str, other: str) -> bool:
    """Tell whether two directories are the same, or one is in the other."""
    one, other = (f"{path.rstrip('/')}/" for path in (one, other))
    return one.startswith(other) or other.startswith(one)
