"""The `objects` section of policy.yaml: whose containers, images, volumes and networks may be touched."""

from __future__ import annotations

from rshell.core.objects.rights import KINDS, Objects, Selection
from rshell.policy.images import check_images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rshell.policy.tree import Node, Reader

SCOPES = {"manage": ("any", "own", "listed"), "observe": ("any", "own")}
SELECTIONS = ("listed", "protected")
OBJECTS = (*SCOPES, *SELECTIONS)


def read_objects(reader: Reader, node: Node) -> Objects:
    """Read whose objects may be touched."""
    keys = reader.mapping(node, OBJECTS)
    scopes = {name: reader.word(keys[name], allowed) for name, allowed in SCOPES.items() if name in keys}
    chosen = {name: _selection(reader, keys[name]) for name in SELECTIONS if name in keys}
    if scopes.get("manage") == "listed" and chosen.get("listed", Selection()) == Selection():
        reader.error(keys["manage"], "nothing is `listed`")
    return Objects(**scopes, **chosen)  # type: ignore[arg-type]


def _selection(reader: Reader, node: Node) -> Selection:
    """Read patterns of names by kind, of labels and of projects."""
    keys = reader.mapping(node, Selection._fields)
    made = {name: reader.texts(keys[name]) for name in keys if name in Selection._fields}
    for label in made.get("labels", ()):
        if label.startswith(("=", "*")):
            reader.error(keys["labels"], f"`{label}`: expected NAME or NAME=VALUE")
    for name in KINDS.values():
        for pattern in made.get(name, ()):
            if pattern.startswith("/") or (name == "images" and "@" in pattern):
                reader.error(keys[name], f"`{pattern}`: expected a name, as people write it")
            elif name == "images":
                check_images(reader, keys[name], (pattern,))
    return Selection(**made)
