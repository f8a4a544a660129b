"""Lines of docker compose: a project that is there, or a file that is sent; no file and no directory of the host."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rshell.core import complete, decide
from rshell.core import help as helping
from rshell.core.compose.stacks import NEED_FILE, WITHOUT
from rshell.core.model import Context, Exec, Need, Permit, Refusal
from rshell.core.words import decide_words
from rshell.policy.check import context
from tests.support import argvs, code, execs, judge, policy, somewhere, trees

SENT = "--file=/proc/self/fd/3"
COMPOSE = ["/usr/bin/docker", "compose", "--env-file=/dev/null", "--project-directory=/var/empty"]
VERBS = """build config create down images logs ls pause port ps pull restart rm run start stats stop top unpause up
    version volumes wait""".split()
SMALLEST = {
    "config": ["--quiet"], "port": ["ollama", "80"], "rm": ["--force"], "run": ["ollama"], "stats": ["--no-stream"],
    "up": ["--detach"], "wait": ["ollama"],
}  # fmt: skip
NEVER = """alpha attach bridge commit convert cp events exec export kill publish push scale viz watch
    __complete docker-cli-plugin-metadata docker-cli-plugin-hooks""".split()


def test_the_verbs_that_are_granted() -> None:
    names = trees()["docker compose"].program.names
    granted = {key for key in names.values() if key in policy().commands}
    assert sorted(granted) == [f"docker compose {verb}" for verb in VERBS]


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {*NEED_FILE, *WITHOUT}))
@pytest.mark.parametrize("root", ["", "-p lab ", "--project-name=bench-1 ", "--ansi never --progress plain -p lab "])
def test_every_verb_without_a_file_runs_in_our_directory(verb: str, root: str) -> None:
    written = {
        "": ["--project-name=lab"], "-p lab ": ["--project-name=lab"],
        "--project-name=bench-1 ": ["--project-name=bench-1"],
        "--ansi never --progress plain -p lab ": ["--ansi=never", "--progress=plain", "--project-name=lab"],
    }[root]  # fmt: skip
    (argv,) = argvs(f"docker compose {root}{verb} {' '.join(SMALLEST.get(verb, []))}")
    assert argv[: len(COMPOSE) + len(written) + 1] == [*COMPOSE, *written, verb]
    assert [word for word in argv[len(COMPOSE) + len(written) + 1 :] if word != "--"] == SMALLEST.get(verb, [])


@pytest.mark.parametrize("verb", sorted(set(VERBS) - set(WITHOUT)))
@pytest.mark.parametrize("root", ["-f - ", "-f - -p lab ", "-plab -f=- ", "--file - --ansi never "])
def test_every_verb_may_be_sent_a_file_and_reads_the_one_that_was_judged(verb: str, root: str) -> None:
    (stage,) = execs(judge(f"docker compose {root}{verb} {' '.join(SMALLEST.get(verb, []))}"))
    project = ["--project-name=lab"] if "lab" in root else []
    ansi = ["--ansi=never"] if "ansi" in root else []
    assert list(stage.argv[: len(COMPOSE) + 2 + len(project + ansi)]) == [*COMPOSE, *ansi, SENT, *project, verb]
    assert Need("compose-model", ("lab" if project else "",)) in stage.needs


@pytest.mark.parametrize("verb", WITHOUT)
def test_a_verb_of_no_project_takes_no_file(verb: str) -> None:
    assert argvs(f"docker compose {verb}") == [[*COMPOSE, verb]]
    assert code(f"docker compose -f - {verb}") == ("unsupported", f"docker.compose.{verb}.no-file")


@pytest.mark.parametrize("verb", NEED_FILE)
@pytest.mark.parametrize("root", ["", "-p lab "])
def test_a_verb_that_needs_a_file_says_how_to_send_one(verb: str, root: str) -> None:
    line = f"docker compose {root}{verb} {' '.join(SMALLEST.get(verb, []))}".strip()
    refused = decide.answer(policy(), line, context())
    assert isinstance(refused, Refusal)
    assert (refused.kind, refused.code) == ("unsupported", f"docker.compose.{verb}.needs-file")
    assert refused.instead == line.replace(f" {verb}", f" -f - {verb}", 1)
    assert isinstance(judge(refused.instead), Permit)


@pytest.mark.parametrize(
    "file", ["x", "/etc/shadow", "compose.yaml", "./-", "--", "/dev/stdin", "/proc/self/fd/3"]
)
def test_no_file_of_the_host_is_named(file: str) -> None:
    for root in (f"-f {file}", f"--file={file}", f"-p lab -f {file}", f"--ansi never -f{file} -p lab"):
        for verb in ("ps", "up -d", "config -q"):
            assert code(f"docker compose {root} {verb}")[0] in ("denied", "unsupported")


@pytest.mark.parametrize("root", ["-f - -f x", "-f x -f -", "-f - -f -", "-f - -p lab -f /etc/shadow"])
def test_a_file_is_sent_alone(root: str) -> None:
    """Compose merges several files: what is judged would not be what runs."""
    assert code(f"docker compose {root} up -d") == ("denied", "docker.compose.up.one-file")


def test_a_here_document_is_for_a_line_that_reads_a_file() -> None:
    here = " <<'EOF'\nservices: {}\nEOF"
    (stage,) = execs(judge("docker compose -f - up -d" + here))
    assert stage.text == "services: {}\n"
    assert code("docker compose -p lab ps" + here) == ("unsupported", "line.text")
    assert code("docker compose -p lab ps -f -" + here)[0] == "unsupported"


@pytest.mark.parametrize("verb", NEVER)
def test_a_verb_that_is_not_granted_is_refused(verb: str) -> None:
    for root in ("", "-p lab ", "--ansi never "):
        assert code(f"docker compose {root}{verb} x")[0] in ("denied", "unknown")


@pytest.mark.parametrize(
    "options",
    [
        "--env-file x", "--env-file=/dev/null", "-f - --env-file x", "--project-directory /",
        "--project-directory=/var/empty", "-f - --project-directory=/", "--workdir /", "--profile a --env-file x",
        "--all-resources", "--dry-run", "--compatibility", "--verbose",
        "--parallel 1", "--insecure-registry x", "--no-ansi",
    ],
)  # fmt: skip
def test_what_is_not_listed_before_the_verb_is_refused(options: str) -> None:
    assert code(f"docker compose {options} ps") == ("denied", "docker.compose.option")
    assert code(f"docker compose {options} up -d")[0] == "denied"


@pytest.mark.parametrize("option", ["-f x", "--file=x", "--env-file x", "--project-directory /", "-p lab", "-p prod"])
def test_an_option_of_the_root_behind_the_verb_is_refused(option: str) -> None:
    assert code(f"docker compose ps {option}")[0] in ("denied", "unsupported")
    assert code(f"docker compose up -d {option}")[0] in ("denied", "unsupported")


@pytest.mark.parametrize("option", ["--context x", "-H tcp://x", "--host=x", "--config /x", "-c x", "--tls", "-D"])
def test_no_option_of_docker_itself_reaches_another_daemon(option: str) -> None:
    assert code(f"docker {option} compose ps")[0] == "denied"
    assert code(f"docker compose {option} ps")[0] in ("denied", "unsupported")


def test_the_options_of_docker_and_of_compose_each_stand_behind_their_own() -> None:
    assert argvs("docker --log-level error compose -p lab ps") == [
        ["/usr/bin/docker", "--log-level=error", *COMPOSE[1:], "--project-name=lab", "ps"]
    ]
    assert code("docker -p lab compose ps")[0] == "unsupported"


@pytest.mark.parametrize("project", ["lab", "bench-1", "bench-a-b"])
def test_a_project_that_the_policy_lists_may_be_named(project: str) -> None:
    for spelled in (f"-p {project}", f"-p{project}", f"-p={project}", f"--project-name {project}"):
        assert argvs(f"docker compose {spelled} ps") == [[*COMPOSE, f"--project-name={project}", "ps"]]


@pytest.mark.parametrize(
    "project", ["prod", "LAB", "lab2", "xlab", "bench", "''", "../lab", "lab/x", "-x", "'lab '", "bench-/x"]
)
def test_every_other_project_is_refused(project: str) -> None:
    assert code(f"docker compose -p {project} ps")[0] in ("denied", "unsupported")
    assert code(f"docker compose --project-name={project} down")[0] in ("denied", "unsupported")


def test_a_project_is_named_once() -> None:
    assert code("docker compose -p lab -p prod ps") == ("unsupported", "docker.compose.repeated")
    assert code("docker compose -p lab --project-name lab ps") == ("unsupported", "docker.compose.repeated")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("docker compose", ("unsupported", "docker.compose.missing")),
        ("docker compose -p lab", ("unsupported", "docker.compose.missing")),
        ("docker compose -p", ("unsupported", "docker.compose.option-missing")),
        ("docker compose nosuch", ("unknown", "docker.compose.unknown")),
        ("docker compose -p lab pss", ("unknown", "docker.compose.unknown")),
        ("docker compose 'ps -q'", ("unknown", "docker.compose.unknown")),
        ("docker 'compose ps'", ("unknown", "docker.unknown")),
        ("docker compose compose ps", ("unknown", "docker.compose.unknown")),
        ("docker compose help", ("unsupported", "docker.compose.help")),
        ("docker compose --help", ("unsupported", "docker.compose.help")),
        ("docker compose ps --help", ("unsupported", "docker.compose.ps.help")),
        ("docker-compose ps", ("unknown", "unknown.command")),
        ("docker compose up", ("denied", "docker.compose.up.needs")),
        ("docker compose up --detach=false", ("denied", "docker.compose.up.needs")),
        ("docker compose up -d --build", ("denied", "docker.compose.up.option")),
        ("docker compose up -d --scale x=9", ("denied", "docker.compose.up.option")),
        ("docker compose down -v", ("denied", "docker.compose.down.option")),
        ("docker compose down --rmi all", ("denied", "docker.compose.down.option")),
        ("docker compose config", ("denied", "docker.compose.config.needs")),
        ("docker compose config -q=false", ("denied", "docker.compose.config.needs")),
        ("docker compose config -q -o /tmp/x", ("denied", "docker.compose.config.option")),
        ("docker compose logs -f", ("denied", "docker.compose.logs.option-terminal")),
        ("docker compose stats", ("denied", "docker.compose.stats.needs")),
        ("docker compose rm", ("denied", "docker.compose.rm.needs")),
        ("docker compose rm -fv", ("denied", "docker.compose.rm.option")),
        ("docker compose run -v /:/x x", ("denied", "docker.compose.run.option")),
        ("docker compose run -p 80:80 x", ("denied", "docker.compose.run.option")),
        ("docker compose run --service-ports x", ("denied", "docker.compose.run.option")),
        ("docker compose run --entrypoint sh x", ("denied", "docker.compose.run.option")),
        ("docker compose run --cap-add ALL x", ("denied", "docker.compose.run.option")),
        ("docker compose run --use-aliases x", ("denied", "docker.compose.run.option")),
        ("docker compose run -e HOME x", ("denied", "docker.compose.run.value")),
        ("docker compose run -e LD_PRELOAD=x x", ("denied", "docker.compose.run.value")),
        ("docker compose run -w /proc/self/fd/8 x", ("denied", "docker.compose.run.value")),
        ("docker compose build --ssh default", ("denied", "docker.compose.build.option")),
        ("docker compose build --push", ("denied", "docker.compose.build.option")),
        ("docker compose build --build-arg A=1", ("denied", "docker.compose.build.option")),
        ("docker compose pull --policy always", ("denied", "docker.compose.pull.option")),
        ("docker compose --ansi x ps", ("unsupported", "docker.compose.argument")),
        ("docker compose --profile '*' ps", ("unsupported", "docker.compose.argument")),
    ],
)
def test_what_compose_may_not_do(line: str, expected: tuple[str, str]) -> None:
    assert code(line) == expected


def test_one_word_is_no_program_and_its_command() -> None:
    assert code("'docker compose' ps")[0] == "unknown"
    assert code("/usr/bin/'docker compose' ps")[0] == "unknown"
    decided = decide_words(policy(), ["docker compose", "ps"], None, context())
    assert isinstance(decided, Refusal)


WORDS = ["-p", "lab", "-plab", "prod", "-f", "-f-", "-", "x", "--env-file=x", "--project-directory", "/", "--", "ps",
         "up", "-d", "run", "config", "-q", "--ansi", "never", "compose", "exec", "down", "--log-level", "error",
         "--profile=a"]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=7))
def test_whatever_is_permitted_reads_no_file_and_no_directory_of_the_users(words: list[str]) -> None:
    decided = decide_words(policy(), ["docker", "compose", *words], None, context())
    if isinstance(decided, Exec):
        assert list(decided.argv[:4]) == COMPOSE
        verb = decided.argv.index(decided.command.rpartition(" ")[2])
        root = decided.argv[4:verb]
        assert all(word.startswith(("--project-name=", "--ansi=", "--profile=")) for word in root if word != SENT)
        assert [word for word in root if word.startswith("--project-name")] in ([], ["--project-name=lab"])
        assert (SENT in root) == any(need.check == "compose-model" for need in decided.needs)


# -- the plugin --------------------------------------------------------------------------


class Without(dict[str, str]):
    """A host on which everything is there but docker's plugins."""

    def __missing__(self, name: str) -> str:
        return "" if name.startswith("cli-plugin:") else context().paths[name]


def bare() -> Context:
    return somewhere(paths=Without())


@pytest.mark.parametrize("line", ["docker compose ps", "docker compose -p lab up -d", "docker compose version"])
def test_without_the_plugin_compose_is_unknown(line: str) -> None:
    decided = decide.judge(policy(), line, bare())
    assert isinstance(decided, Refusal)
    assert (decided.kind, decided.code) == ("unknown", "unknown.absent")
    assert decided.message == "docker compose is not installed on this host"
    assert isinstance(decide.judge(policy(), "docker ps", bare()), Permit)


# -- help and completion -----------------------------------------------------------------


def offered(text: str) -> list[str]:
    return [one.text for one in complete.candidates(policy(), text, context())]


def test_compose_is_offered_among_the_commands_of_docker() -> None:
    assert "compose" in offered("docker ")
    assert offered("docker comp") == ["compose"]


@pytest.mark.parametrize("before", ["docker compose -f - ", "docker compose -f - -p lab ", "sudo docker compose -f- "])
def test_the_verbs_are_offered(before: str) -> None:
    """But for those that take no file."""
    verbs = sorted({*VERBS, "convert"} - set(WITHOUT))
    assert [verb for verb in offered(before) if not verb.startswith("-")] == verbs
    assert offered(before + "p") == ["pause", "port", "ps", "pull"]
    assert "--detach" in offered(before + "up --")


def test_no_directory_is_ever_offered() -> None:
    assert [one for one in offered("docker compose --") if one in ("--env-file", "--project-directory")] == []


def test_help_says_what_compose_may_do() -> None:
    commands = [entry["command"] for entry in helping.as_json(policy())["commands"]]  # type: ignore[attr-defined]
    assert sorted(one for one in commands if one.startswith("docker compose")) == [
        f"docker compose {verb}" for verb in VERBS
    ]


def test_every_verb_is_told_by_its_refusals() -> None:
    decided = judge("docker compose -p lab psx")
    assert isinstance(decided, Refusal)
    assert "ps" in decided.why
