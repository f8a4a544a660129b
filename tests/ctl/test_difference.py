"""What `apply` shows before it changes anything: every verdict, command, user and setting that differs."""

from __future__ import annotations

import pytest

from rshell.ctl.difference import difference, understood

OLD = """\
version: 1
identities: {docker: rshell-docker}
roles:
  worker: {users: [ann], grants: [look]}
grants:
  look:
    run_as: docker
    commands:
      docker ps: [all, filter]
      docker logs: [tail: 0..10]
      docker images: []
containers: {registries: [docker.io], images: [alpine, busybox], limits: {memory: 1g}}
expect:
  worker:
    allow: [docker ps -a, docker images]
    refuse: [docker exec x id, docker pull alpine]
"""


def changes(*replacements: tuple[str, str]) -> list[str]:
    """What differs between OLD and OLD with some of its text replaced."""
    new = OLD
    for was, now in replacements:
        assert was in new
        new = new.replace(was, now)
    return difference(understood(OLD.encode(), "old"), understood(new.encode(), "new"))


def test_nothing_changes_by_a_comment_or_by_the_order() -> None:
    assert changes(("version: 1\n", "# new\nversion: 1\n")) == []
    assert changes(
        ("      docker ps: [all, filter]\n", ""), ("images: []\n", "images: []\n      docker ps: [filter, all]\n"),
    ) == []  # fmt: skip


def test_a_line_that_becomes_allowed_is_shown_whichever_policy_expects_it() -> None:
    assert changes(
        ("docker images: []", "docker images: []\n      docker pull: []"), (", docker pull alpine]", "]"),
        ("docker images]", "docker images, docker pull busybox]"),
    ) == [
        "+ allowed  worker  docker pull alpine",
        "+ allowed  worker  docker pull busybox",
        "+ command  worker  docker pull",
    ]  # fmt: skip


def test_what_a_container_may_be_given_is_shown_as_it_is_written() -> None:
    assert changes(
        ("limits: {memory: 1g}}", """limits: {memory: 1g}, gpus: {count: all, capabilities: [gpu]}, tmpfs: {size: 1g},
  volumes: [a], bind_mounts: [{source: /srv/a, read_only: true}, {source: /srv/b, read_only: false}],
  networks: [lab], publish: {addresses: [127.0.0.1], ports: 1024..2048}}"""),
    ) == [
        "+ setting  containers.bind_mounts: /srv/a (read-only)",
        "+ setting  containers.bind_mounts: /srv/b",
        "+ setting  containers.gpus.capabilities: gpu",
        "~ setting  containers.gpus.count: 0 -> all",
        "+ setting  containers.networks: lab",
        "- setting  containers.networks: none",
        "+ setting  containers.publish.addresses: 127.0.0.1",
        "~ setting  containers.publish.ports, first: 0 -> 1024",
        "~ setting  containers.publish.ports, last: 0 -> 2048",
        "~ setting  containers.tmpfs.size: 0 -> 1073741824",
        "+ setting  containers.volumes: a",
    ]  # fmt: skip


def test_a_line_that_becomes_refused_is_shown() -> None:
    assert changes(("      docker images: []\n", ""), (", docker images]", "]")) == [
        "- refused  worker  docker images",
        "- command  worker  docker images",
    ]


def test_what_a_policy_switches_off_is_shown() -> None:
    assert changes(("expect:", "never: [docker images]\nexpect:"), (", docker images]", "]")) == [
        "- refused  worker  docker images",
        "+ never    docker images",
    ]


def test_a_command_whose_rules_change_says_how() -> None:
    assert changes(
        ("[all, filter]", "{options: [all, size], needs: [size], timeout: 1m, on_terminal: {options: [quiet]}}"),
        ("tail: 0..10", "tail: 0..20"), ("allow: [docker ps -a,", "allow: ["),
    ) == [
        "- refused  worker  docker ps -a",
        "~ command  worker  docker logs: ~tail",
        "~ command  worker  docker ps: +size -filter +on_terminal:quiet ~needs ~timeout",
    ]  # fmt: skip


def test_users_and_roles_that_come_and_go_are_shown() -> None:
    assert changes(("users: [ann]", "users: [bob], groups: [staff]")) == [
        "+ user     worker  bob",
        "- user     worker  ann",
        "+ group    worker  staff",
    ]
    assert changes(("  worker: {users: [ann], grants: [look]}", "  other: {users: [ann], grants: [look]}"), (
        "  worker:\n    allow", "  other:\n    allow",
    )) == [
        "+ allowed  other  docker ps -a",
        "+ allowed  other  docker images",
        "- refused  worker  docker ps -a",
        "- refused  worker  docker images",
        "+ role     other (3 commands)",
        "+ user     other  ann",
        "- role     worker (3 commands)",
        "- user     worker  ann",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("was", "now", "lines"),
    [
        ("expect:", "limits: {timeout: 10m, idle: 1m}\nexpect:", [
            *(f"~ command  worker  docker {name}: ~timeout" for name in ("images", "logs", "ps")),
            "~ setting  limits.idle: 3600 -> 60", "~ setting  limits.timeout: 900 -> 600",
        ]),
        ("expect:", "audit: {required: false, file: /x}\nexpect:", [
            "~ setting  audit.file: none -> /x", "~ setting  audit.required: true -> false",
        ]),
        ("docker: rshell-docker", "docker: root", ["~ setting  identities.docker: rshell-docker -> root"]),
        ("docker: rshell-docker}", "docker: rshell-docker, journal: j}", ["~ setting  identities.journal: none -> j"]),
        ("[alpine, busybox]", "[busybox, lab/*]", [
            "+ setting  containers.images: lab/*", "- setting  containers.images: alpine",
        ]),
        ("memory: 1g", "memory: 2g", ["~ setting  containers.limits.memory: 1073741824 -> 2147483648"]),
        ("expect:", "objects: {manage: any, protected: {containers: [vault], labels: [a, b]}}\nexpect:", [
            "~ setting  objects.manage: own -> any", "+ setting  objects.protected.containers: vault",
            "+ setting  objects.protected.labels: a", "+ setting  objects.protected.labels: b",
        ]),
        ("expect:", "advice: {docker exec: {why: no}}\nexpect:", ["~ advice   it only explains"]),
    ],
)  # fmt: skip
def test_a_setting_that_changes_says_from_what_to_what(was: str, now: str, lines: list[str]) -> None:
    assert changes((was, now)) == lines
