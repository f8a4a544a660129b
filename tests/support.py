"""The shipped policy and completions, read once and compiled in memory, and the lines of the corpora."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

from rshell import data
from rshell.core import decide
from rshell.core.explain import stages
from rshell.core.model import Context, Exec, Permit, Policy, Refusal
from rshell.policy.check import compile_checked, context
from rshell.policy.grammars import Tree
from rshell.policy.grammars import load as load_grammars
from rshell.policy.store import Compiled

ROOT = Path(__file__).parent.parent
CORPUS = Path(__file__).parent / "corpus"
SHIPPED = (ROOT / "policy.yaml").read_bytes()


@cache
def trees() -> dict[str, Tree]:
    """The programs of the real completions."""
    return load_grammars(data.completions())


@cache
def compiled() -> Compiled:
    """The shipped policy, checked and compiled in memory."""
    return Compiled(compile_checked(SHIPPED, "policy.yaml"))


@cache
def policy() -> Policy:
    """What the shipped policy lets ai-worker do."""
    return compiled().policy("ai-worker", "policy.yaml")


def written(source: str, role: str = "r") -> Policy:
    """The rules of one role of a policy written in a test."""
    return Compiled(compile_checked(source.encode(), "policy.yaml")).policy(role, "policy.yaml")


def judge(line: str, terminal: bool = False, rules: Policy | None = None) -> Permit | Refusal:
    """Decide on a line as ai-worker, with every program in /usr/bin."""
    return decide.judge(rules or policy(), line, context(terminal=terminal))


def somewhere(**changes: Any) -> Context:
    """A context of ai-worker, with some fields of one's own."""
    return context().but(**changes)


def execs(permit: Permit | Refusal) -> list[Exec]:
    """Every process that a permitted line starts, in order."""
    assert isinstance(permit, Permit), permit
    return [stage for stage in stages(permit) if isinstance(stage, Exec)]


def argvs(line: str, terminal: bool = False, rules: Policy | None = None) -> list[list[str]]:
    """The argv of every process that a permitted line starts."""
    return [list(one.argv) for one in execs(judge(line, terminal, rules))]


def code(line: str, terminal: bool = False, rules: Policy | None = None) -> tuple[str, str]:
    """The class and the code of a refused line; the class is `permit` where it is allowed."""
    decided = judge(line, terminal, rules)
    return (decided.kind, decided.code) if isinstance(decided, Refusal) else ("permit", "")


def corpus(name: str) -> list[dict[str, Any]]:
    """The entries of one corpus file; `line` or `input` is text, whatever it was stored as."""
    entries: list[dict[str, Any]] = []
    for text in (CORPUS / name).read_text().splitlines():
        entry = json.loads(text)
        for field in ("line", "input"):
            if entry.get("encoding") == "base64" and field in entry:
                entry[field] = base64.b64decode(entry[field]).decode("utf-8", "surrogateescape")
        entries.append(entry)
    return entries
