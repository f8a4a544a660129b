"""Image references are read as docker reads them, and patterns match names as a whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rshell.core.parts.images import Image, allows, keeps, matches, parse

SHA = "sha256:" + "0123456789abcdef" * 4

# distribution/reference regexp.go and normalize.go, for references whose digest is a sha256.
COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
DOMAIN = rf"(?:{LABEL}(?:\.{LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
REFERENCE = re.compile(
    rf"(?:({DOMAIN})/)?({COMPONENT}(?:/{COMPONENT})*)(?::(\w[\w.-]{{0,127}}))?(?:@(sha256:[0-9a-f]{{64}}))?", re.ASCII
)
IDENTIFIER = re.compile(r"(?:sha256:)?[0-9a-f]{64}")


def as_docker_reads(text: str) -> Image | None:
    """ParseDockerRef: what has no dot, colon, capital or `localhost` in front of its first slash is on docker.io."""
    if IDENTIFIER.fullmatch(text):
        return None
    first, slash, rest = text.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        first, rest = "docker.io", text
    first = "docker.io" if first == "index.docker.io" else first
    if first == "docker.io" and "/" not in rest:
        rest = "library/" + rest
    found = REFERENCE.fullmatch(f"{first}/{rest}")
    return Image(found[1], found[2], found[3] or "", found[4] or "") if found else None


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("alpine", Image("docker.io", "library/alpine", "", "")),
        ("alpine:3.20", Image("docker.io", "library/alpine", "3.20", "")),
        ("ollama/ollama:latest", Image("docker.io", "ollama/ollama", "latest", "")),
        ("docker.io/alpine", Image("docker.io", "library/alpine", "", "")),
        ("docker.io/library/python:3.12-slim", Image("docker.io", "library/python", "3.12-slim", "")),
        ("index.docker.io/library/alpine", Image("docker.io", "library/alpine", "", "")),
        ("ghcr.io/a/b/c:v1", Image("ghcr.io", "a/b/c", "v1", "")),
        ("localhost/x", Image("localhost", "x", "", "")),
        ("localhost:5000/x:1", Image("localhost:5000", "x", "1", "")),
        ("127.0.0.1:5000/x", Image("127.0.0.1:5000", "x", "", "")),
        ("evil.example/x", Image("evil.example", "x", "", "")),
        ("docker.io:443/x", Image("docker.io:443", "x", "", "")),
        ("x:5000/y", Image("x:5000", "y", "", "")),
        ("local/x", Image("docker.io", "local/x", "", "")),
        (f"alpine@{SHA}", Image("docker.io", "library/alpine", "", SHA)),
        (f"ghcr.io/a/b:1@{SHA}", Image("ghcr.io", "a/b", "1", SHA)),
        ("library/alpine", Image("docker.io", "library/alpine", "", "")),
        ("a__b/c--d.e", Image("docker.io", "a__b/c--d.e", "", "")),
        ("a:T_1.x-", Image("docker.io", "library/a", "T_1.x-", "")),
        ("a:" + "t" * 128, Image("docker.io", "library/a", "t" * 128, "")),
    ],
)
def test_a_reference_is_read_into_its_parts(text: str, image: Image) -> None:
    assert parse(text) == image
    assert as_docker_reads(text) == image


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "/alpine", "alpine/", "a//b", "Alpine", "a/B", "EVIL/x", ":1", "a:", "a::1", "a:1:2", "a:.x", "a:-x",
        "a:" + "t" * 129, "-a", "_a", ".a", "a-", "a b", "a\n", "a:1\n", "a@", "a@sha256:", "a@sha256:abc",
        f"a@{SHA}0", f"a@{SHA}@{SHA}", f"a@{SHA.upper()}", "a@md5:" + "0" * 32, "ghcr.io/", "ghcr.io//x",
        "http://ghcr.io/x", "user@ghcr.io/x", "ghcr.io/../x", "ghcr.io/./x", "x?y", "x#y", "x%2fy",
        "\u0430lpine", "a\u00b2",
    ],
)  # fmt: skip
def test_what_is_no_reference_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("text", ["a..b", "a._b", "a___b", "a/b..c", "a-.b"])
def test_a_separator_that_docker_does_not_know_makes_no_reference(text: str) -> None:
    assert as_docker_reads(text) is None
    assert parse(text) is None


@pytest.mark.parametrize("text", ["../x", "./x", "-a.b/x", "a.b:/x", "a.b:x/y"])
def test_a_registry_that_is_no_host_makes_no_reference(text: str) -> None:
    assert as_docker_reads(text) is None
    assert parse(text) is None


@pytest.mark.parametrize("text", ["0123456789abcdef" * 4, SHA])
def test_an_id_of_a_local_image_is_no_reference(text: str) -> None:
    """Docker takes it for whatever image has that id, wherever that came from."""
    assert parse(text) is None


references = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "docker.io/", "index.docker.io/", "ghcr.io/", "localhost/", "a:1/", "a.b:/", "/"]),
        st.text("ab0._-/:@", max_size=8),
        st.sampled_from(["", ":1", ":", ":v_1.0-x", ":.x"]),
        st.sampled_from(["", f"@{SHA}", "@sha256:0", "@"]),
    ),
)


@given(references | st.text(max_size=12))
@example("registry-1.docker.io/x")
def test_whatever_is_read_is_what_docker_reads(text: str) -> None:
    """The other way round may be stricter; a registry that is not a domain is on no list."""
    read = parse(text)
    if read is not None and REFERENCE.fullmatch(f"{read.registry}/x"):
        assert read == as_docker_reads(text)


@given(references)
def test_whatever_docker_reads_is_read(text: str) -> None:
    docker = as_docker_reads(text)
    if docker is not None:
        assert parse(text) == docker


@pytest.mark.parametrize(
    ("text", "familiar"),
    [
        ("alpine:3.20", "alpine"),
        ("docker.io/library/alpine", "alpine"),
        ("library/alpine", "alpine"),
        ("ollama/ollama", "ollama/ollama"),
        ("ghcr.io/library/x", "ghcr.io/library/x"),
        ("library/a/b", "a/b"),
        ("evil.example/ollama/ollama", "evil.example/ollama/ollama"),
    ],
)
def test_an_image_has_a_name_that_people_say(text: str, familiar: str) -> None:
    read = parse(text)
    assert read is not None
    assert read.familiar() == familiar


@pytest.mark.parametrize(
    ("pattern", "text", "may"),
    [
        ("alpine", "alpine", True), ("alpine", "alpine:3.20", True), ("alpine", f"alpine@{SHA}", True),
        ("alpine", f"alpine:3.20@{SHA}", True), ("alpine:3.20", "alpine:3.20", True),
        ("alpine:3.20", "docker.io/library/alpine:3.20", True), ("alpine:3.20", "alpine:3.2", False),
        ("alpine:3.20", "alpine", False), ("alpine:latest", "alpine", True), ("alpine:3.*", "alpine:3.20", True),
        ("alpine:3.*", "alpine:4", False), ("alpine:*", "alpine", True), ("*:3.20", "x/y:3.20", True),
        ("*cuda", "evil:cuda", False), ("*/x", "a/b:x", False),  # a star in the name does not reach the tag
        # docker goes by the digest, which may be that of any image of the repository
        ("alpine:3.20", f"alpine:3.20@{SHA}", False), ("alpine:*", f"alpine@{SHA}", False),
        (f"alpine@{SHA}", f"alpine@{SHA}", True), (f"alpine@{SHA}", f"alpine:3.20@{SHA}", True),
        (f"alpine@{SHA}", "alpine", False), (f"alpine@{SHA}", f"alpine@{SHA[:-1]}0", False),
        (f"alpine@{SHA}", f"debian@{SHA}", False), ("a.b:1/x", "a.b:1/x:2", True), ("a.b:1/x:2", "a.b:1/x:2", True),
        ("a.b:1/x:2", "a.b:1/x:3", False), ("localhost:*", "localhost:5000/x", False),
    ],
)  # fmt: skip
def test_a_pattern_allows_a_name_a_tag_of_it_or_a_digest(pattern: str, text: str, may: bool) -> None:
    read = parse(text)
    assert read is not None
    assert allows(pattern, read) is may


@pytest.mark.parametrize(
    ("pattern", "text", "kept"),
    [
        ("vault", "vault:1", True), ("vault:1.2", "vault:1.2", True), ("vault:1.2", "vault:1", False),
        ("vault:1.2", f"vault@{SHA}", True), ("vault:1.2", f"vault:1@{SHA}", True), ("vault:1.2", f"x@{SHA}", False),
        ("a.b:1/vault:*", f"a.b:1/vault@{SHA}", True), ("prod/*:1", f"prod/x@{SHA}", True), ("*vault", "x:vault", True),
    ],
)  # fmt: skip
def test_a_pattern_keeps_what_it_may_mean(pattern: str, text: str, kept: bool) -> None:
    read = parse(text)
    assert read is not None
    assert keeps(pattern, read) is kept


@given(references)
def test_what_is_written_out_whole_allows_itself(text: str) -> None:
    """SECURITY: without an end to `'x' is not allowed, allowed: x` an agent goes in circles."""
    read = parse(text)
    if read is not None:
        tag = f":{read.tag}" if read.tag else ""
        assert allows(read.familiar() + (f"@{read.digest}" if read.digest else tag), read)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("alpine", "alpine", True),
        ("alpine", "alpine2", False),
        ("alpine", "xalpine", False),
        ("lab/*", "lab/x", True),
        ("lab/*", "lab/", True),
        ("lab/*", "lab", False),
        ("lab/*", "evil.example/lab/x", False),
        ("*", "", True),
        ("*/x", "a/x", True),
        ("*/x", "a/xy", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a*b*c", "axxbyyc", True),
        ("a*b*c", "acb", False),
        ("a*b*b", "ab", False),
        ("**", "x", True),
        ("", "", True),
        ("", "x", False),
        ("a?c", "abc", False),
        ("[a]", "a", False),
        ("a.c", "abc", False),
        ("LD_*", "ld_x", False),
    ],
)
def test_a_pattern_matches_the_whole(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


@given(st.text("ab*", max_size=6), st.text("ab", max_size=8))
def test_a_star_stands_for_any_characters_and_nothing_else_is_special(pattern: str, text: str) -> None:
    meant = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert matches(pattern, text) is (re.fullmatch(meant, text, re.DOTALL) is not None)
