"""Image references: registry, repository, tag and digest, as docker reads them.

Source: distribution/reference (normalize.go): what has no dot, colon or `localhost` before its first
slash is on docker.io, and a single name there is in library/.
"""

from __future__ import annotations

from rshell.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_REGISTRY = "docker.io"
LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
DOMAIN = LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ-")
TAG_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
HEX = frozenset("0123456789abcdef")
SHAPE = "a name as people write it, such as alpine, alpine:3.20 or ollama/*"


class Image(Value):
    """One reference, its parts as docker would fill them in; `tag` and `digest` may be ''."""

    registry: str
    repository: str
    tag: str
    digest: str

    def familiar(self) -> str:
        """Return the name as people say it: alpine, ollama/ollama, ghcr.io/x/y."""
        if self.registry != DEFAULT_REGISTRY:
            return f"{self.registry}/{self.repository}"
        return self.repository.removeprefix("library/")

    def spellings(self) -> tuple[str, str]:
        """Return how a pattern may name it: with its tag or without."""
        return self.familiar(), f"{self.familiar()}:{self.tag or 'latest'}"


def digest_of(reference: str, names: Iterable[str]) -> str:
    """Return which name of an image is its digest in the repository that a reference asks for, '' for none."""
    wanted = parse(reference)
    for one in names:
        known = parse(one)
        same = wanted and known and (known.registry, known.repository) == (wanted.registry, wanted.repository)
        if same and known and known.digest:
            return one
    return ""


def parse(text: str) -> Image | None:
    """Read a reference; None when docker would not take it for one, or for a bare id."""
    name, at, digest = text.partition("@")
    if at and not _is_digest(digest):
        return None
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, path = first, rest
    else:
        registry, path = DEFAULT_REGISTRY, name
    if registry == "index.docker.io":
        registry = DEFAULT_REGISTRY
    path, colon, tag = path.partition(":")
    if colon and not _is_tag(tag):
        return None
    # SECURITY: a bare id, or sha256:ID, is whatever local image has it, of whatever registry
    if not _is_path(path) or not _is_host(registry) or path == "sha256" or (len(text) == 64 and HEX.issuperset(text)):
        return None
    if registry == DEFAULT_REGISTRY and "/" not in path:
        path = "library/" + path
    return Image(registry, path, tag, digest)


def _is_path(path: str) -> bool:
    return len(path) <= 255 and all(_is_component(part) for part in path.split("/"))


def _is_component(part: str) -> bool:
    """[a-z0-9]+, joined by one of . _ __ or by dashes."""
    here = 0
    while True:
        start = here
        while here < len(part) and part[here] in LOWER:
            here += 1
        if here in (start, len(part)):
            return here > start
        start = here
        while here < len(part) and part[here] in "._-":
            here += 1
        separator = part[start:here]
        if separator not in (".", "_", "__") and set(separator) != {"-"}:
            return False


def _is_host(registry: str) -> bool:
    name, colon, port = registry.partition(":")
    if colon and not (port.isascii() and port.isdigit()):
        return False
    return all(part and DOMAIN.issuperset(part) and "-" not in (part[0], part[-1]) for part in name.split("."))


def _is_tag(tag: str) -> bool:
    return 0 < len(tag) <= 128 and tag[0] not in ".-" and TAG_CHARS.issuperset(tag)


def _is_digest(digest: str) -> bool:
    kind, _, value = digest.partition(":")
    return kind == "sha256" and len(value) == 64 and HEX.issuperset(value)


def parts_of(pattern: str) -> tuple[str, str, str]:
    """Split a pattern of an image into name, tag and digest, the last two perhaps ''."""
    rest, _, digest = pattern.partition("@")
    before, slash, last = rest.rpartition("/")  # a colon in front of it is a registry's port
    last, _, tag = last.partition(":")
    return before + slash + last, tag, digest


def allows(pattern: str, image: Image) -> bool:
    """Tell whether a pattern that allows images means this one.

    SECURITY: of a tag and a digest docker goes by the digest, which may be that of any image of the repository.
    """
    name, tag, digest = parts_of(pattern)
    if not matches(name, image.familiar()):
        return False
    if image.digest:
        return not tag and (not digest or matches(digest, image.digest))
    return not digest and (not tag or matches(tag, image.tag or "latest"))


def keeps(pattern: str, image: Image) -> bool:
    """Tell whether a pattern that protects images may mean this one: of a digest nobody knows the tags."""
    if image.digest and matches(parts_of(pattern)[0], image.familiar()):
        return True
    return any(matches(pattern, text) for text in image.spellings())


def matches(pattern: str, text: str) -> bool:
    """Match a pattern in which `*` stands for any characters; everything else for itself."""
    first, star, after = pattern.partition("*")
    if not after:  # as most are
        return text.startswith(first) if star else text == pattern
    rest = after.split("*")
    if not text.startswith(first):
        return False
    here = len(first)
    for part in rest[:-1]:
        found = text.find(part, here)
        if found < 0:
            return False
        here = found + len(part)
    return len(text) - here >= len(rest[-1]) and text.endswith(rest[-1])
