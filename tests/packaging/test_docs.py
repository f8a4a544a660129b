"""The documents speak of what is there, and of this version."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from rshell import __version__, data
from rshell.core.decide import judge
from rshell.core.model import Permit
from rshell.policy.check import context
from rshell.policy.compile import compile_policy
from rshell.policy.grammars import load as load_grammars
from rshell.policy.load import load
from rshell.policy.store import Compiled

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md")


def text(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_is_named_exists(name: str) -> None:
    prose = re.sub(r"^```.*?^```", "", text(name), flags=re.DOTALL | re.MULTILINE)
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", prose)
    named = re.findall(r"`((?:rshell|completions|man|tests|\.ci)/[\w./-]*|[\w-]+\.(?:yaml|toml|md))`", prose)
    assert [path for path in linked + named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_test_that_is_named_exists(name: str) -> None:
    for path, test in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text(name)):
        assert f"\ndef {test}(" in text(path), f"{path}::{test}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_plain_text_without_addresses(name: str) -> None:
    assert text(name).isascii()
    assert re.findall(r"[\w.+-]+@[\w-]+\.\w+", text(name)) == []


def test_every_attempt_has_an_answer_and_a_test_or_says_that_it_is_to_come() -> None:
    table = text("SECURITY.md").partition("## Attempts\n")[2]
    rows = [re.split(r"(?<!\\)\|", line) for line in table.splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 10
    for _, attempt, answer, test, _ in rows:
        assert attempt.strip()
        assert answer.strip()
        assert re.fullmatch(r" (`tests/[\w/]+\.py::test_\w+`|`expect` in `policy\.yaml`|to come) ", test), test


def test_the_changelog_has_this_version_on_top() -> None:
    first = re.search(r"^## \[(.*?)\] - (Unreleased|\d{4}-\d\d-\d\d)$", text("CHANGELOG.md"), re.MULTILINE)
    assert first
    assert first[1] == __version__


def test_the_licence_is_the_one_of_the_package() -> None:
    assert text("LICENSE").startswith(
        "MIT License\n\nCopyright (c) 2026 rshell authors\n\nPermission is hereby granted"
    )
    assert 'license = { file = "LICENSE" }' in text("pyproject.toml")


def test_the_audit_tool_of_the_guide_can_be_added_as_it_says() -> None:
    blocks = [
        dedent(block) for block in re.findall(r"^   ```yaml\n(.*?)^   ```$", text("CONTRIBUTING.md"), re.S | re.M)
    ]
    assert len(blocks) == 3
    trees = load_grammars([*data.completions(), ("guide", blocks[0].encode())])
    for grant, block in (("audit", blocks[1]), ("gpu", blocks[2])):
        policy = f"version: 1\nroles: {{ai-worker: {{grants: [{grant}]}}}}\n{block}".encode()
        source = load(policy, "guide.yaml", trees)
        rules = Compiled(compile_policy(source, policy, "")).policy("ai-worker", "guide.yaml")
        assert [(one.allowed, isinstance(judge(rules, one.line, context()), Permit)) for one in source.expect] == [
            (True, True),
            (False, False),
        ]
