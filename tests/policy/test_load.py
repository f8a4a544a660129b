"""policy.yaml is read strictly: every error at once, each with its place and what was expected."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rshell.core.model import Advice, Rule
from rshell.policy.load import BadPolicy, Expected, Source, load
from tests.support import SHIPPED, trees

HEAD = "version: 1\nroles: {r: {grants: [g]}}\ngrants: {g: {commands: {docker ps: [all]}}}\n"


def read(text: str) -> Source:
    return load(text.encode(), "policy.yaml", trees())


def errors(text: str) -> list[str]:
    with pytest.raises(BadPolicy) as caught:
        read(text)
    assert str(caught.value) == "\n".join(caught.value.report)
    return [line.removeprefix("policy.yaml:") for line in caught.value.report]


def rules(commands: str, rest: str = "") -> Source:
    """A policy with the commands of one grant from line 4 on, six columns in."""
    body = "".join(f"      {line}\n" for line in commands.splitlines())
    return read(f"version: 1\nroles: {{r: {{grants: [g]}}}}\ngrants: {{g: {{commands: {{\n{body}}}}}}}\n{rest}")


def rule_errors(commands: str, rest: str = "") -> list[str]:
    with pytest.raises(BadPolicy) as caught:
        rules(commands, rest)
    return [line.removeprefix("policy.yaml:") for line in caught.value.report]


# -- what is understood ------------------------------------------------------------------


def test_the_shipped_policy_is_understood() -> None:
    source = load(SHIPPED, "policy.yaml", trees())
    assert list(source.roles) == ["ai-worker"]
    assert source.roles["ai-worker"].users == ("ai-worker",)
    assert source.settings == {
        "timeout": 900, "idle": 3600, "commands_at_once": 8, "audit_required": True, "audit_journal": True,
        "audit_file": "/var/log/rshell/audit.jsonl",
    }  # fmt: skip
    assert source.never == {}
    assert all(expected.role == "ai-worker" for expected in source.expect)


def test_a_rule_is_a_plain_value() -> None:
    source = read(
        """version: 1
identities: {docker: rshell-docker, root: root}
roles:
  base: {grants: [look]}
  more: {extends: base, users: [alice], groups: [ops], grants: [filters]}
grants:
  look:
    about: Look.
    run_as: docker
    commands:
      docker logs:
        options: [tail: all|0..9, timestamps]
        operands: container
        needs: tail
        needs_one_of: [timestamps]
        adds: [details, timestamps if tail]
        on_terminal: {options: [follow], needs: []}
        timeout: 30s
        run_as: root
      docker ps: [all]
      x:
        forms: [a, "b{jail}c {1..3|z}"]
  filters:
    right_of_pipe: true
    commands: {wc: [lines]}
"""
    )
    logs = Rule(
        "look/docker logs", "policy.yaml:11", "root",
        {"tail": ("any", ("words", "all"), ("range", 0, 9)), "timestamps": ()}, ((("container",), ""),), ("tail",),
        ("timestamps",), (("details", ""), ("timestamps", "tail")), {"follow": ()}, (), 30, (), False,
    )  # fmt: skip
    ps = Rule(
        "look/docker ps", "policy.yaml:20", "rshell-docker", {"all": ()}, None, (), (), (), {}, None, 900, (), False
    )
    x = Rule(
        "look/x", "policy.yaml:21", "rshell-docker", {}, None, (), (), (), {}, None, 900,
        ((("a",),), (("b", ("jail",), "c"), ("", ("any", ("words", "z"), ("range", 1, 3)), ""))), False,
    )  # fmt: skip
    wc = Rule("filters/wc", "policy.yaml:25", "", {"lines": ()}, None, (), (), (), {}, None, 900, (), True)
    base = {"docker logs": (logs,), "docker ps": (ps,), "x": (x,)}
    assert source.roles["base"].rules == base
    assert source.roles["more"].rules == {**base, "wc": (wc,)}
    assert (source.roles["more"].users, source.roles["more"].groups) == (("alice",), ("ops",))


def test_alternatives_are_several_commands() -> None:
    assert sorted(rules("docker image|volume ls: []").roles["r"].rules) == ["docker images", "docker volume ls"]


def test_any_name_of_a_command_is_that_command() -> None:
    assert sorted(rules("docker container list: [all]").roles["r"].rules) == ["docker ps"]


def test_the_order_of_grants_means_nothing() -> None:
    text = (
        "version: 1\nroles: {r: {grants: [LIST]}}\ngrants: {a: {commands: {ss: [tcp]}}, b: {commands: {ss: [udp]}}}\n"
    )
    assert read(text.replace("LIST", "a, b")).roles == read(text.replace("LIST", "b, a, b")).roles


def test_settings_have_defaults() -> None:
    assert read(HEAD).settings == {
        "timeout": 900, "idle": 3600, "commands_at_once": 8,
        "audit_required": True, "audit_journal": True, "audit_file": "",
    }  # fmt: skip
    assert read(
        HEAD + "limits: {timeout: 1m, idle: 2h, commands_at_once: 3}\n"
        "audit: {required: false, journal: false, file: /x}\n"
    ).settings == {
        "timeout": 60, "idle": 7200, "commands_at_once": 3, "audit_required": False, "audit_journal": False,
        "audit_file": "/x",
    }  # fmt: skip


def test_the_timeout_of_all_holds_where_a_rule_has_none() -> None:
    found = rules("docker ps: [all],\ndocker logs: {timeout: 5}", "limits: {timeout: 7}\n").roles["r"].rules
    assert {key: [rule.timeout for rule in several] for key, several in found.items()} == {
        "docker ps": [7], "docker logs": [5],
    }  # fmt: skip


def test_advice_never_and_expect_keep_their_places() -> None:
    source = read(
        HEAD + "advice:\n  docker exec {x}: {why: a, instead: docker ps}\n  a|b: {why: c}\n"
        "never: [docker exec|top, ss]\nexpect:\n  r:\n    allow: [docker ps]\n    refuse:\n      - ss\n"
    )
    assert source.advice == {
        "docker": (Advice(("docker", "exec", "{x}"), "a", "docker ps"),),
        "a": (Advice(("a|b",), "c", ""),),
        "b": (Advice(("a|b",), "c", ""),),
    }
    assert source.never == {"docker exec": "policy.yaml:7", "docker top": "policy.yaml:7", "ss": "policy.yaml:7"}
    assert source.expect == (Expected("r", True, "docker ps", (10, 13)), Expected("r", False, "ss", (12, 9)))


# -- one error of each kind ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 2\nroles: {}\ngrants: {}", ["1:10: `2`: expected 1"]),
        ("roles: {}", ["1:1: `grants` is missing", "1:1: `version` is missing"]),
        (HEAD + "alow: {}", [
            "4:1: unknown key `alow`, expected version roles identities grants advice never limits audit expect"
            " containers objects",
        ]),
        ("version: 1\nroles: []\ngrants: {}", ["2:8: expected a mapping"]),
        ("version: 1\nroles: {r: }\ngrants: {}", [
            "2:12: expected a mapping with about, users, groups, extends, grants",
        ]),
        ("version: 1\nroles: {r: {}}\ngrants: {}", ["2:12: `grants` is missing"]),
        ("version: 1\nroles: {r: {grants: [x], user: a}}\ngrants: {x: {commands: {}}}", [
            "2:26: unknown key `user`, expected about users groups extends grants",
        ]),
        ("version: 1\nroles: {r: {grants: [lok]}}\ngrants: {look: {commands: {}}}", [
            "2:21: `lok`: no such grant, perhaps look",
        ]),
        ("version: 1\nroles: {r: {grants: [], extends: s}, rs: {grants: []}}\ngrants: {}", [
            "2:34: `s`: no such role",
        ]),
        ("version: 1\nroles: {r: {grants: [], extends: r}}\ngrants: {}", ["2:34: a role can't extend itself"]),
        ("version: 1\nroles: {r: {grants: [], users: [a]}, s: {grants: [], users: [b, a]}}\ngrants: {}", [
            "2:8: user `a` has two roles: r and s",
        ]),
        ("version: 1\nroles: {}\ngrants: []", ["3:9: expected a mapping"]),
        ("version: 1\nroles: {}\ngrants: {g: {}}", ["3:13: `commands` is missing"]),
        ("version: 1\nroles: {}\ngrants: {g: {commands: {}, cmds: {}}}", [
            "3:28: unknown key `cmds`, expected about run_as right_of_pipe commands",
        ]),
        ("version: 1\nroles: {}\ngrants: {g: {commands: {}, right_of_pipe: yes}}", [
            "3:43: `yes`: expected true or false",
        ]),
        ("version: 1\nroles: {}\nidentities: {a: b}\ngrants: {g: {commands: {}, run_as: b}}", [
            "4:36: `b`: no such identity, expected a",
        ]),
        ("version: 1\nroles: {}\nidentities: {a: 'b c'}\ngrants: {}", ["3:17: `b c` is not the name of an account"]),
        ("version: 1\nroles: {}\nidentities: [a]\ngrants: {}", ["3:13: expected a mapping"]),
        (HEAD + "limits: {timeout: 0}", ["4:19: expected a duration such as 30s, 15m or 2h"]),
        (HEAD + "limits: {idle: soon}", ["4:16: expected a duration such as 30s, 15m or 2h"]),
        (HEAD + "limits: {memory: 1}", ["4:10: unknown key `memory`, expected timeout idle commands_at_once"]),
        (HEAD + "audit: {required: 'on'}", ["4:19: `on`: expected true or false"]),
        (HEAD + "audit: {file: log}", ["4:15: expected an absolute path"]),
        (HEAD + "audit: {log: /x}", ["4:9: unknown key `log`, expected required journal file"]),
        (HEAD + "advice: {docker exec: {}}", ["4:23: `why` is missing"]),
        (HEAD + "advice: {docker exec: {why: a, then: b}}", ["4:32: unknown key `then`, expected why instead"]),
        (HEAD + "never: [docker pss]", ["4:9: `docker pss`: no such command"]),
        (HEAD + "never: [nosuch]", ["4:9: `nosuch`: no such command"]),
        (HEAD + "never: [ss -t]", ["4:9: `ss -t`: no such command"]),
        (HEAD + "expect: {s: {allow: []}}", ["4:10: `s`: no such role"]),
        (HEAD + "expect: {r: {deny: []}}", ["4:14: unknown key `deny`, expected allow refuse"]),
        (HEAD + "expect: {r: [docker ps]}", ["4:13: expected a mapping with allow, refuse"]),
        (HEAD + "expect: {r: {allow: ['']}}", ["4:22: expected text"]),
        (HEAD + "a: &x b", ["4:4: anchors and aliases are not accepted"]),
        (HEAD + "never: []\nnever: []", ["5:1: `never` stands twice, first in line 4"]),
    ],
)  # fmt: skip
def test_an_error_says_where_and_what_was_expected(text: str, expected: list[str]) -> None:
    assert errors(text) == expected


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ("dokcer ps: []", ["4:7: `dokcer`: no such program, perhaps docker"]),
        ("docker pss: []", ["4:7: `docker pss`: no such command, perhaps ps"]),
        ("docker: []", ["4:7: `docker`: no such command"]),
        ("docker container: []", [
            "4:7: `docker container`: no such command, perhaps container cp or container ls or container ps",
        ]),
        ("docker compose: []", ["4:7: `docker compose`: grant its commands one by one"]),
        ("ss -t: []", ["4:7: `ss -t`: no such command"]),
        ("echo: {forms: [x]}", ["4:7: `echo` is rshell's own and can't be granted"]),
        ("id: []", ["4:7: `id`: no such program"]),
        ("docker system dial-stdio: []", [
            "4:7: `docker system dial-stdio`: no policy can allow it: it hands out the raw API of the Docker Engine,"
            " which is root on the host",
        ]),
        ("docker context ls: []", [
            "4:7: `docker context ls`: no policy can allow it: it would talk to another daemon or as somebody else",
        ]),
        ("docker container cp: []", ["4:7: `docker cp`: no policy can allow it: it reads or writes files on the host"]),
        *(
            (f"{command}: []", [f"4:7: `{key}`: no policy can allow it: {why}"])
            for command, key, why in (
                ("docker image import", "docker import",
                 "it reads a file of the host, or has the daemon fetch one in the host's network"),
                ("docker push", "docker push",
                 "it sends images away, to whatever service of the host or elsewhere their names say"),
                ("docker search", "docker search",
                 "it talks to any registry that is named, which may be a service of the host"),
                ("docker manifest inspect", "docker manifest inspect",
                 "it talks to any registry that is named, which may be a service of the host"),
                ("docker bake", "docker bake", "builds are made by docker build"),
            )
        ),
        ("docker container commit: [change: 'USER 0']", [
            "4:33: `change`: no policy can allow it: it gives an image what no build would: ONBUILD, labels, variables",
        ]),
        ("docker ps: [],\ndocker container ls: []", ["5:7: `docker ps` stands twice in this grant"]),
        ("docker ps: ''", [
            "4:18: expected a mapping with options, operands, needs, needs_one_of, adds, on_terminal, timeout, forms,"
            " run_as",
        ]),
        ("docker ps: {option: [all]}", [
            "4:19: unknown key `option`, expected options operands needs needs_one_of adds on_terminal timeout forms"
            " run_as",
        ]),
        ("docker ps: [al]", ["4:19: `al`: no such option, perhaps all"]),
        ("docker ps: [-a]", ["4:19: `-a`: no such option"]),
        ("docker ps: {options: all}", ["4:28: expected a list of options"]),
        ("docker ps: [last: 'a|']", ["4:25: an empty alternative, expected words and ranges such as all|0..100"]),
        ("docker create: []", [
            "4:7: `docker create`: no policy can allow it: containers are made by docker run",
        ]),
        ("docker run: [privileged]", [
            "4:20: `privileged`: no policy can allow it: a privileged container owns the host",
        ]),
        ("docker volume create: [label]", [
            "4:30: `label`: its values can't be judged, list the ones allowed: label: a|b"
        ]),
        ("iptables: [modprobe]", ["4:18: `modprobe`: no policy can allow it: it names a program to run"]),
        ("sort: [output: a]", ["4:14: `output`: no policy can allow it: it reads or writes files on the host"]),
        ("docker ps: {operands: nosuch}", [
            "4:29: no such type: nosuch, expected none, container, container..., image? and the like",
        ]),
        ("docker ps: {needs: [all]}", ["4:26: `all` is not among the options granted here"]),
        ("docker ps: {needs_one_of: [all]}", ["4:33: `all` is not among the options granted here"]),
        ("docker ps: {on_terminal: {needs: [all]}}", ["4:40: `all` is not among the options granted here"]),
        ("docker ps: {on_terminal: {options: [al]}}", ["4:43: `al`: no such option, perhaps all"]),
        ("docker ps: {on_terminal: {adds: [all]}}", ["4:33: unknown key `adds`, expected options needs"]),
        ("docker ps: {adds: [al]}", ["4:26: `al`: no such option, perhaps all"]),
        ("docker ps: {adds: [all if al]}", ["4:26: `al`: no such option"]),
        ("docker ps: {timeout: never}", ["4:28: expected a duration such as 30s, 15m or 2h"]),
        ("docker ps: {run_as: root}", ["4:27: `root`: no such identity, expected one"]),
        ("id: {forms: []}", ["4:19: expected a form or more"]),
        ("docker ps: {forms: [x]}", ["4:26: `docker ps` has a grammar: expected options and operands"]),
        ("id: {forms: ['']}", ["4:20: expected text"]),
        ("id: {forms: ['a{']}", ["4:20: `a{`: expected one hole such as {jail} or {a|b}"]),
        ("id: {forms: ['{}']}", ["4:20: `{}`: expected one hole such as {jail} or {a|b}"]),
        ("id: {forms: ['{a}{b}']}", ["4:20: `{a}{b}`: expected one hole such as {jail} or {a|b}"]),
        ("id: {forms: ['{a|}']}", ["4:20: an empty alternative"]),
        ("id: {options: [a], forms: [b]}", ["4:22: `a`: no such option"]),
    ],
)  # fmt: skip
def test_an_error_in_a_rule_says_where_and_what_was_expected(commands: str, expected: list[str]) -> None:
    assert rule_errors(commands) == expected


def test_all_errors_come_at_once_in_the_order_of_the_file() -> None:
    assert errors(
        "version: 3\nroles:\n  r: {grants: [x]}\ngrants:\n  g:\n    commands:\n"
        "      docker pss: []\n      docker ps: [al]\n"
        "expect: {q: {}}\nlimits: {idle: x}\n"
    ) == [
        "1:10: `3`: expected 1",
        "3:15: `x`: no such grant",
        "7:7: `docker pss`: no such command, perhaps ps",
        "8:19: `al`: no such option, perhaps all",
        "9:10: `q`: no such role",
        "10:16: expected a duration such as 30s, 15m or 2h",
    ]


@pytest.mark.parametrize("commands", ["docker ps: [last: ]", "docker ps: [[all]]", "id: {forms: x}"])
def test_an_error_is_told_once(commands: str) -> None:
    assert len(rule_errors(commands)) == 1


# -- nothing is passed over in silence -------------------------------------------------------


@pytest.mark.parametrize(
    "rest",
    [
        "never: docker ps",
        "never: {docker ps: x}",
        "advice: text",
        "advice: [a]",
        "expect: text",
        "expect: [docker ps]",
        "expect: {r: {allow: docker ps}}",
        "expect: {r: {refuse: docker ps}}",
        "expect: {r: {refuse: {docker ps: x}}}",
    ],
)
def test_a_section_of_the_wrong_shape_is_an_error(rest: str) -> None:
    """SECURITY: `never: docker ps` forbids nothing if it is only passed over."""
    assert len(errors(HEAD + rest)) == 1


@pytest.mark.parametrize(
    "commands",
    ["journalctl: {options: [lines], adds: no-pager}", "iptables: {options: [list], adds: {numeric: list}}"],
)
def test_adds_of_the_wrong_shape_are_an_error_or_hold(commands: str) -> None:
    """SECURITY: without its --no-pager the tool may start one."""
    try:
        (rule,) = next(iter(rules(commands).roles["r"].rules.values()))
    except BadPolicy:
        return
    assert rule.adds == (("no-pager", ""),)


def test_commands_of_the_wrong_shape_are_an_error() -> None:
    assert errors("version: 1\nroles: {r: {grants: [g]}}\ngrants: {g: {commands: [docker ps]}}") != []


def test_never_of_a_whole_program_holds_for_all_its_commands() -> None:
    """SECURITY: an operator who writes it means that nothing of it runs."""
    assert "docker ps" in rules("docker ps: [all]", "never: [docker]\n").never


@pytest.mark.parametrize(
    "commands",
    [
        "iptables: {options: [list], adds: [zero]}",  # what no policy can grant it can not add either
        "docker run: {options: [detach], adds: [privileged]}",
        "docker logs: {options: [tail], adds: [since]}",  # --since would take the next word for its value
        "docker ps: [all: false]",  # a flag has no values to choose from: did they mean to forbid it?
        "docker logs: [tail: 0..10, tail]",  # which one?
        "docker ps: [all, all]",
    ],
)
def test_a_rule_that_can_not_be_meant_so_is_an_error(commands: str) -> None:
    assert len(rule_errors(commands)) >= 1


@pytest.mark.parametrize(
    "commands", ["iptables: {forms: [-F]}", "sshd: {forms: ['-T -f{path}']}", "sort: {forms: ['-o x']}"]
)
def test_a_form_is_no_way_around_the_built_in_limits(commands: str) -> None:
    assert len(rule_errors(commands)) >= 1


@pytest.mark.parametrize(
    "option",
    [
        "volumes-from", "device", "device-cgroup-rule", "pid", "uts", "userns",
        "cgroup-parent", "cap-add", "publish-all", "add-host", "runtime", "sysctl",
        "group-add", "privileged", "use-api-socket", "cidfile", "env-file", "label-file", "annotation",
    ],
)  # fmt: skip
def test_no_policy_can_grant_what_gives_a_container_the_host(option: str) -> None:
    assert len(rule_errors(f"docker run: [{option}]")) >= 1
    assert len(rule_errors(f"docker create: [{option}]")) >= 1


def test_a_group_has_one_role_as_a_user_has() -> None:
    assert errors("version: 1\nroles: {r: {grants: [], groups: [a]}, s: {grants: [], groups: [b, a]}}\ngrants: {}") == [
        "2:8: group `a` has two roles: r and s"
    ]


@pytest.mark.parametrize("key", ["''", "' '"])
def test_an_advice_for_nothing_is_an_error(key: str) -> None:
    assert len(errors(HEAD + f"advice: {{{key}: {{why: x}}}}")) == 1


# -- properties --------------------------------------------------------------------------------

LINES = SHIPPED.decode().splitlines()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_policy_is_read_or_has_errors_with_places(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        where = data.draw(st.integers(0, len(lines[at])))
        piece = data.draw(
            st.sampled_from(["", "x", ":", " ", "[", "]", "{", "}", "'", '"', "|", "..", "- ", ": x", "\n", "\u00b2"])
        )
        lines[at] = lines[at][:where] + piece + lines[at][where + data.draw(st.integers(0, 3)) :]
    text = "\n".join(lines)
    try:
        source = read(text)
    except BadPolicy as error:
        for line in error.report:
            name, number, column, what = line.split(":", 3)
            assert name == "policy.yaml"
            assert 1 <= int(number) <= text.count("\n") + 2
            assert int(column) >= 1
            assert what.strip()
    else:
        assert source.name == "policy.yaml"
