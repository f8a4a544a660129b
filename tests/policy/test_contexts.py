"""`containers.build.contexts`: stdin, or directories by their own name."""

from __future__ import annotations

import pytest

from rshell.policy.load import BadPolicy
from tests.support import written

POLICY = "version: 1\nroles: {{r: {{grants: []}}}}\ngrants: {{}}\ncontainers:\n  build: {{contexts: [{}]}}\n"


@pytest.mark.parametrize("one", ["stdin", "/srv/lab", "/home/ai-worker/work", "stdin, /srv/a, /srv/b"])
def test_stdin_and_directories_may_be_listed(one: str) -> None:
    assert written(POLICY.format(one)).sections["containers"].contexts == tuple(one.split(", "))


@pytest.mark.parametrize(
    "one", ["/", "'-'", ".", "./lab", "srv/lab", "/srv/lab/", "/srv//lab", "/srv/../etc", "/srv/./lab", "//srv",
            "/proc", "/proc/self", "/sys/fs", "/dev", "https://example.com/x.git", "'*'", "~/lab"],
)  # fmt: skip
def test_anything_else_is_an_error(one: str) -> None:
    with pytest.raises(BadPolicy) as caught:
        written(POLICY.format(one))
    said = one.strip("'")
    assert caught.value.report == [
        f"policy.yaml:5:21: `{said}`: expected stdin, or the path of a directory such as /srv/lab"
    ]
