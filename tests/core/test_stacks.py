"""Projects of the operator's: what he has written runs as it is, as far as he says."""

from __future__ import annotations

import pytest

from rshell.core.compose.stacks import Directory
from rshell.core.model import Exec, Need, Permit, Policy, Refusal
from rshell.core.settle import settle
from rshell.policy.check import context
from tests.support import code, execs, judge, written

RULES = """
version: 1
roles: {r: {grants: [g]}}
identities: {docker: rshell-docker}
grants:
  g:
    run_as: docker
    commands:
      docker compose ls|version: []
      docker compose ps|logs|stop|restart|down|top|config: []
      docker compose port: []
      docker compose up: [detach, wait]
      docker compose run: [detach, env, name, no-deps, no-tty, rm, user, workdir]
containers:
  registries: [docker.io]
  images: ["*"]
  environment: ["*"]
  names: ["*"]
  users: ["*"]
  compose:
    stdin: {projects: [bench-*]}
    DEFAULT
    projects:
      lab: {directory: /srv/lab, verbs: [ps, logs, up, run, port, config], services: [web, bench], RUN}
      all: {directory: /srv/all, verbs: [ps, stop, down]}
"""
RUN = 'run: {bench: ["python bench.py --runs {1..9}", "true"], web: [""]}, environment: [RUNS, BENCH_*]'


def rules(default: str = "default: lab", run: str = RUN) -> Policy:
    """The policy of these tests."""
    return written(RULES.replace("DEFAULT", default).replace("RUN", run))


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("docker compose -p lab ps web", ("--project-name=lab", "ps", "--", "web")),
        ("docker compose ps web", ("--project-name=lab", "ps", "--", "web")),
        ("docker compose -f compose.yaml ps web", ("--project-name=lab", "ps", "--", "web")),
        ("docker compose -f ./compose.yml -p lab ps web", ("--project-name=lab", "ps", "--", "web")),
        ("docker compose --file=/srv/lab/docker-compose.yml ps web", ("--project-name=lab", "ps", "--", "web")),
        ("docker compose up -d web bench", ("--project-name=lab", "up", "--detach", "--", "web", "bench")),
        ("docker compose port web 80", ("--project-name=lab", "port", "--", "web", "80")),
        ("docker compose -p all ps", ("--project-name=all", "ps")),
        ("docker compose -p all down", ("--project-name=all", "down")),
        ("docker compose -p all stop x", ("--project-name=all", "stop", "--", "x")),
        ("docker compose run --rm web", ("--project-name=lab", "run", "--rm", "--", "web")),
        ("docker compose run bench python bench.py --runs 3",
         ("--project-name=lab", "run", "--", "bench", "python", "bench.py", "--runs", "3")),
        ("docker compose run -e RUNS=1 -e BENCH_X=y bench true",
         ("--project-name=lab", "run", "--env=RUNS=1", "--env=BENCH_X=y", "--", "bench", "true")),
        ("docker compose run -d web", ("--project-name=lab", "run", "--detach", "--", "web")),
    ],
)  # fmt: skip
def test_what_the_operator_lists_runs(line: str, argv: tuple[str, ...]) -> None:
    (stage,) = execs(judge(line, rules=rules()))
    assert stage.argv[4:] == argv
    directory = "/srv/all" if "all" in line else "/srv/lab"
    assert stage.needs[0] == Need("compose-project", (directory,))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("docker compose -p lab stop web", "stop.operator-verb"),
        ("docker compose -p lab down", "down.operator-verb"),
        ("docker compose -p all up -d", "up.operator-verb"),
        ("docker compose -p lab up -d", "up.operator-all"),
        ("docker compose ps", "ps.operator-all"),
        ("docker compose up -d web vault", "up.operator-service"),
        ("docker compose logs vault", "logs.operator-service"),
        ("docker compose port vault 80", "port.operator-service"),
        ("docker compose run bench", "run.form"),
        ("docker compose run -T bench", "run.form"),
        ("docker compose run bench ''", "run.form"),
        ("docker compose run web ''", "run.form"),
        ("docker compose run bench cat /secret", "run.form"),
        ("docker compose run bench sh -c 'cat /secret'", "run.form"),
        ("docker compose run bench python bench.py --runs 10", "run.form"),
        ("docker compose run bench python bench.py --runs 3 x", "run.form"),
        ("docker compose run bench python bench.py", "run.form"),
        ("docker compose run web id", "run.form"),
        ("docker compose run vault", "run.operator-service"),
        ("docker compose run --interactive bench true", "run.option"),
        ("docker compose run -e PYTHONPATH=/x bench", "run.option"),
        ("docker compose run -e BASH_ENV=/x bench", "run.option"),
        ("docker compose run -e RUNS bench", "run.value"),
        ("docker compose run -u 0 bench", "run.option"),
        ("docker compose run -w / bench", "run.option"),
        ("docker compose run --name x bench", "run.option"),
        ("docker compose -p lab -f - ps web", "ps.operator-file"),
        ("docker compose -p lab -f /etc/shadow ps web", "ps.operator-file"),
        ("docker compose -f /srv/all/compose.yaml ps web", "ps.operator-file"),
        ("docker compose -f compose.yaml -f compose.yaml ps web", "ps.operator-file"),
        ("docker compose -f x/compose.yaml ps web", "ps.operator-file"),
        ("docker compose -f compose.yaml -p bench-1 ps", "ps.file"),
        ("docker compose -p prod ps", "value"),
    ],
)
def test_what_the_operator_does_not_list_is_refused(line: str, expected: str) -> None:
    assert code(line, rules=rules()) == ("denied", f"docker.compose.{expected}")


def test_nothing_can_be_run_where_nothing_is_listed() -> None:
    assert code("docker compose run bench", rules=rules(run="run: {}")) == (
        "denied", "docker.compose.run.operator-service",
    )  # fmt: skip


def test_without_a_default_a_project_has_to_be_named() -> None:
    assert code("docker compose ps", rules=rules("")) == ("unsupported", "docker.compose.ps.no-project")
    assert code("docker compose up -d", rules=rules("")) == ("unsupported", "docker.compose.up.needs-file")
    assert isinstance(judge("docker compose -p bench-1 ps", rules=rules("")), Permit)
    assert isinstance(judge("docker compose version", rules=rules("")), Permit)


def test_a_file_that_is_sent_is_never_for_a_project_of_the_operator_s() -> None:
    """Without -p: it says itself whose it is, or is refused; the default is the operator's."""
    (stage,) = execs(judge("docker compose -f - ps", rules=rules()))
    assert stage.needs == (Need("compose-model", ("",)),)


def found(directory: Directory, line: str = "docker --log-level=error compose -p all ps") -> Exec | Refusal:
    """What becomes of a line when this is in the project's directory."""
    (stage,) = execs(judge(line, rules=rules()))
    facts: dict[Need, tuple[object, ...]] = dict.fromkeys(stage.needs, ("0" * 16,))
    return settle(rules(), stage, facts | {stage.needs[0]: (directory,)}, context())


def test_compose_is_given_the_operator_s_files_and_directory() -> None:
    made = found(Directory("/data/all", ("/data/all/compose.yaml", "/data/all/compose.override.yml"), "/data/all/.env"))
    assert isinstance(made, Exec)
    assert made.argv == (
        "/usr/bin/docker", "--log-level=error", "compose", "--env-file=/data/all/.env", "--project-directory=/data/all",
        "--file=/data/all/compose.yaml", "--file=/data/all/compose.override.yml", "--project-name=all", "ps",
    )  # fmt: skip
    assert (made.model, made.needs) == ("", ())


def test_a_directory_that_others_can_change_is_not_used() -> None:
    assert found(Directory("/srv/all", (), "", "/srv/all belongs to uid 1000, expected root")) == Refusal(
        "unavailable", "docker.compose.ps.operator-broken",
        "docker compose ps: the project's directory can't be used: /srv/all belongs to uid 1000, expected root",
        "", (0, 42), "the operator has to mend it",
    )  # fmt: skip


@pytest.mark.parametrize("options", ["", "-T ", "--no-tty=false ", "-d "])
def test_what_runs_in_a_project_of_the_operator_s_reads_nothing_from_stdin(options: str) -> None:
    """An image whose default is an interpreter would run what comes there."""
    directory = Directory("/srv/lab", ("/srv/lab/compose.yaml",), "/dev/null")
    for words in ("web", "bench true"):
        made = found(directory, f"docker compose -p lab run {options}{words}")
        assert isinstance(made, Exec), made
        detached = options == "-d "
        label = () if detached else ("--label=rshell.run=" + "0" * 16,)
        assert made.argv[made.argv.index("run") + 1 :] == (*["--detach"] * detached, "-T", *label, "--", *words.split())
        assert made.text == ""
    other = found(directory, "docker compose -p lab ps web")
    assert isinstance(other, Exec)
    assert other.text is None


def test_a_refusal_says_which_words_may_be_given() -> None:
    refusal = judge("docker compose run web id", rules=rules())
    assert isinstance(refusal, Refusal)
    assert refusal.why == "allowed: no words"
    refusal = judge("docker compose run bench", rules=rules())
    assert isinstance(refusal, Refusal)
    assert refusal.why == "allowed: python bench.py --runs 1..9 or true"


def test_an_answer_of_another_kind_is_none() -> None:
    (stage,) = execs(judge("docker compose -p all ps", rules=rules()))
    refused = settle(rules(), stage, {stage.needs[0]: ("/srv/all",)}, context())
    assert isinstance(refused, Refusal)
    assert (refused.kind, refused.code) == ("unavailable", "docker.compose.ps.no-facts")
