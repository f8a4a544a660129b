"""The `compose` part of `containers`: every way to write it wrong is an error where it stands."""

from __future__ import annotations

import pytest

from rshell import data
from rshell.core.containers import Containers
from rshell.policy.grammars import load as load_grammars
from rshell.policy.load import BadPolicy, load

HEAD = "version: 1\nroles: {}\ngrants: {}\ncontainers:\n  compose: "


def read(text: str) -> Containers:
    return load((HEAD + text + "\n").encode(), "p", load_grammars(data.completions())).containers


def test_what_is_read() -> None:
    made = read("""
    stdin: {projects: [lab, bench-*]}
    default: web
    projects:
      web:
        directory: /srv/web
        verbs: [ps, run]
        services: [x]
        run: {x: ["get {1..9} a"], y: [""]}
        environment: [RUNS]
""")
    form = (("get",), ("", ("range", 1, 9), ""), ("a",))
    assert (made.projects, made.project) == (("lab", "bench-*"), "web")
    assert made.stacks == (
        ("web", "/srv/web", ("ps", "run"), ("x",), (("x", (form,)), ("y", ((),))), ("RUNS",)),
    )  # fmt: skip


def test_absent_means_none() -> None:
    made = read("{}")
    assert (made.projects, made.project, made.stacks) == ((), "", ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{projects: [lab]}", "5:23: expected a mapping"),
        ("{stdin: [lab]}", "5:20: expected a mapping with projects"),
        ("{stdin: {}}", "5:20: `projects` is missing"),
        ("{default: lab}", "5:22: `lab` is none of the projects listed here"),
        ("{stdin: {projects: [a-*]}, default: b}", "5:48: `b` is none of the projects listed here"),
        ("{projects: {x: {verbs: [ps]}}}", "5:27: `directory` is missing"),
        ("{projects: {x: {directory: /srv/x}}}", "5:27: `verbs` is missing"),
        ("{projects: {X: {directory: /srv/x, verbs: [ps]}}}",
         "5:24: `X`: expected the name of a project, in lower case"),
        ("{projects: {x: {directory: srv, verbs: [ps]}}}", "5:39: `srv`: expected an absolute path"),
        ("{projects: {x: {directory: /srv/../x, verbs: [ps]}}}", "5:39: `/srv/../x`: expected an absolute path"),
        ("{projects: {x: {directory: /srv/x, verbs: [exec]}}}", "5:54: `exec`: expected build config"),
        ("{projects: {x: {directory: /srv/x, verbs: [ps], mount: y}}}", "5:60: unknown key `mount`"),
        ("{projects: {x: {directory: /srv/x, verbs: [ps], run: [a]}}}", "5:65: expected a mapping"),
        ("{projects: {x: {directory: /srv/x, verbs: [ps], run: {a: b}}}}", "5:69: expected a list of forms"),
        ("{projects: {x: {directory: /srv/x, verbs: [ps], run: {a: ['{nosuch']}}}}", "expected one hole"),
        ("{projects: {x: {directory: /srv/x, verbs: [ps], run: {a: []}}}}",
         '5:69: nothing is listed for `a`: write "" for a run without words'),
        ("{stdin: {projects: [x*]}, projects: {x: {directory: /srv/x, verbs: [ps]}}}",
         "5:49: `x` may also be sent on stdin: expected one or the other"),
    ],
)  # fmt: skip
def test_an_error_says_where_and_what_was_expected(text: str, expected: str) -> None:
    with pytest.raises(BadPolicy) as caught:
        read(text)
    assert any(expected in line for line in caught.value.report), caught.value.report
