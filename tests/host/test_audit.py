"""The records of commands."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from rshell.host.account import Claims, own
from rshell.host.audit import Audit
from tests.support import execs, judge, policy


@pytest.mark.parametrize(("model", "expected"), [("", None), ('{"services": {}}', True)])
def test_what_compose_got_is_known_by_its_hash(tmp_path: Path, model: str, expected: bool | None) -> None:
    file = tmp_path / "audit.jsonl"
    (command,) = execs(judge("docker ps"))
    claims = Claims("s-1", "c", "", "")
    Audit(policy(), own(), claims, str(file)).starting(claims, command.but(model=model))
    (record,) = map(json.loads, file.read_text().splitlines())
    assert record.get("model_sha256") == (hashlib.sha256(model.encode()).hexdigest() if expected else None)
