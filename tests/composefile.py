"""A line of docker compose with a file, from the words to what runs, on a host that a test makes up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from rshell.core.compose.stacks import Owned
from rshell.core.model import Exec, Need, Policy, Refusal
from rshell.core.settle import settle
from rshell.core.words import decide_words
from rshell.host import stacks
from rshell.host.look import Place
from rshell.policy.check import context
from tests.support import CORPUS, policy

UP = ("docker", "compose", "-f", "-", "up", "-d")
# question -> answer for what is not there
HOST: dict[str, Any] = {"volume": (), "path": (), "compose-own": Owned(), "project-mounts": ()}
NOWHERE = cast(Place, None)  # a here-document is looked up nowhere


def settled(
    text: str, words: tuple[str, ...] = UP, rules: Policy | None = None, host: Mapping[str, Any] | None = None
) -> Exec | Refusal:
    """What becomes of a line with a here-document. host: what is there, by the subject of a question."""
    rules, host = rules or policy(), host or {}
    decided = decide_words(rules, words, text, context())
    for _ in range(3):
        if isinstance(decided, Refusal) or not decided.needs:
            break
        decided = settle(rules, decided, {need: _facts(decided, need, host) for need in decided.needs}, context())
    return decided


def _facts(command: Exec, need: Need, host: Mapping[str, Any]) -> tuple[Any, ...]:
    if need.check == "compose-model":
        return stacks.file(command, need, NOWHERE)
    if need.check in HOST:
        return tuple(host.get(subject, HOST[need.check]) for subject in need.subjects)
    return tuple("0" * 16 if need.check == "run-id" else "" for _ in need.subjects)


@cache
def files(folder: str) -> dict[str, str]:
    """The files of a folder of the corpus by their names."""
    return {path.name: path.read_text() for path in sorted((CORPUS / folder).iterdir())}
